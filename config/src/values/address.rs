//! Where we listen for SIP, and where others are.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::choice::choice;
use super::name::text_newtype;
use crate::read::{Invalid, impl_text_field};

choice! {
    /// A transport SIP is spoken over (RFC 3261 §18).
    pub enum Transport {
        /// Datagrams.
        #[default]
        Udp = "udp",
        /// A stream.
        Tcp = "tcp",
        /// A stream over TLS.
        Tls = "tls",
    }
    later {}
}

impl Transport {
    /// The port where none is written (RFC 3261 §19.1.2).
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }

    /// The port that a peer sends from whom we reach at `port`: over UDP the same one, connections come from any.
    pub const fn source_port(self, port: u16) -> Option<u16> {
        match self {
            Self::Udp => Some(port),
            Self::Tcp | Self::Tls => None,
        }
    }
}

/// An address the daemon listens on for SIP: `udp:127.0.0.1:5060`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listen {
    /// The transport.
    pub transport: Transport,
    /// Address and port; port 0 lets the system choose, which tests like.
    pub address: SocketAddr,
}

impl FromStr for Listen {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (transport, address) = text.split_once(':').unwrap_or((text, ""));
        if matches!(transport, "ws" | "wss") {
            return Err(Invalid::new(
                format!(
                    "\"{transport}\" has no address of its own: it is spoken at /sip on the port of the API"
                ),
                "leave it out here, and see http.listen and http.tls",
            ));
        }
        let transport = transport.parse()?;
        let address = address.parse().map_err(|_| {
            Invalid::new(
                format!("\"{}\" is no address with a port", address.escape_debug()),
                format!("write \"{transport}:127.0.0.1:5060\" or \"{transport}:[::1]:5060\""),
            )
        })?;
        Ok(Self { transport, address })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport, self.address)
    }
}

impl_text_field!(
    Listen,
    "a transport, an address and a port",
    "udp:127.0.0.1:5060"
);

text_newtype! {
    /// A host name or an IP address, in lower case: what stands after the `@` of our addresses.
    pub struct Domain, "a host name in lower case or an IP address", "lampfield.local", is_domain
}

/// RFC 1123 §2.1 host names; RFC 3261 §25.1 `host`.
fn is_domain(text: &str) -> bool {
    is_host_name(text) && !text.contains(|c: char| c.is_ascii_uppercase())
        || text.parse::<IpAddr>().is_ok()
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=63).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // All digits and dots is a mistyped address, not a name.
    let named = text.contains(|c: char| !c.is_ascii_digit() && c != '.');
    text.len() <= 253 && named && text.split('.').all(is_label)
}

/// A host of a SIP address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// An address.
    Ip(IpAddr),
    /// A name to be resolved.
    Name(String),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Ip(address) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Where a trunk or a proxy is: `sip:HOST[:PORT][;transport=udp|tcp|tls]` or `sips:HOST[:PORT]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SipAddress {
    /// The host.
    pub host: Host,
    /// The port, where one is written.
    pub port: Option<u16>,
    /// The transport; where none is written, UDP, or TLS of `sips:`.
    pub transport: Transport,
    /// Whether it is written `sips:`: TLS on every hop (RFC 5630 §3).
    pub sips: bool,
}

impl SipAddress {
    /// The port to send to: the written one, or 5060, or 5061 of TLS (RFC 3261 §19.1.2).
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or_else(|| self.transport.default_port())
    }

    /// The same with a user part, as a Request-URI.
    pub fn with_user(&self, user: impl fmt::Display) -> String {
        let text = self.to_string();
        let (scheme, rest) = text.split_once(':').unwrap_or(("sip", &text));
        format!("{scheme}:{user}@{rest}")
    }

    /// Address and port, where the host is an address.
    pub fn socket_address(&self) -> Option<SocketAddr> {
        match &self.host {
            Host::Ip(address) => Some(SocketAddr::new(*address, self.port_or_default())),
            Host::Name(_) => None,
        }
    }
}

impl FromStr for SipAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fault = |what: &str| {
            Invalid::new(
                format!("\"{}\" {what}", text.escape_debug()),
                "write \"sip:HOST:PORT\", \"sip:HOST:PORT;transport=tcp\", \"sip:HOST:PORT;transport=tls\" or \"sips:HOST:PORT\"",
            )
        };
        let sips = text.starts_with("sips:");
        let rest = text
            .strip_prefix("sips:")
            .or_else(|| text.strip_prefix("sip:"))
            .ok_or_else(|| fault("does not begin with sip: or sips:"))?;
        let mut parts = rest.split(';');
        let host_port = parts.next().unwrap_or_default();
        if host_port.contains('@') {
            return Err(fault("has a user part, which an address of a host has not"));
        }
        let (host, port) =
            parse_host_port(host_port).ok_or_else(|| fault("has no right host and port"))?;
        let mut transport = if sips { Transport::Tls } else { Transport::Udp };
        for parameter in parts {
            match parameter.split_once('=') {
                Some(("transport", name)) => {
                    transport = written_transport(&name.to_ascii_lowercase(), sips)
                        .unwrap_or_else(|| Err(fault("has no transport that sips: goes over")))?;
                }
                // A proxy is often written so; all of ours are loose routers (RFC 3261 §19.1.1).
                None if parameter == "lr" => {}
                Some(_) | None => return Err(fault("has a parameter that is not known here")),
            }
        }
        Ok(Self {
            host,
            port,
            transport,
            sips,
        })
    }
}

/// What a `transport` parameter means; `None` of `sips:` over datagrams. There `tcp` is TLS over TCP (RFC 3261 §26.2.2).
fn written_transport(name: &str, sips: bool) -> Option<Result<Transport, Invalid>> {
    if matches!(name, "ws" | "wss") {
        return Some(Err(Invalid::new(
            format!("nobody can be reached over \"{name}\": those who speak it connect to us"),
            "write \"udp\", \"tcp\" or \"tls\"",
        )));
    }
    match (name.parse(), sips) {
        (Ok(Transport::Udp), true) => None,
        (Ok(Transport::Tcp | Transport::Tls), true) => Some(Ok(Transport::Tls)),
        (parsed, _) => Some(parsed),
    }
}

fn parse_host_port(text: &str) -> Option<(Host, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            let host = Host::Ip(IpAddr::V6(address.parse().ok()?));
            (
                host,
                rest.strip_prefix(':')
                    .or_else(|| rest.is_empty().then_some(""))?,
            )
        }
        None => {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            (parse_host(host)?, port)
        }
    };
    if port.is_empty() {
        return (!text.ends_with(':')).then_some((host, None));
    }
    let port = port.parse().ok().filter(|port| *port != 0)?;
    Some((host, Some(port)))
}

fn parse_host(text: &str) -> Option<Host> {
    match text.parse() {
        Ok(address) => Some(Host::Ip(IpAddr::V4(address))),
        Err(_) => is_host_name(text).then(|| Host::Name(text.to_owned())),
    }
}

impl fmt::Display for SipAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.sips { "sips" } else { "sip" };
        write!(f, "{scheme}:{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.transport {
            Transport::Udp => Ok(()),
            Transport::Tls if self.sips => Ok(()),
            other @ (Transport::Tcp | Transport::Tls) => write!(f, ";transport={other}"),
        }
    }
}

impl_text_field!(
    SipAddress,
    "a SIP address of a host",
    "sip:127.0.0.1:5080;transport=udp"
);

#[cfg(test)]
mod tests {
    use super::*;

    /// What each text prints as once parsed; `None`: refused.
    fn check<T: FromStr + fmt::Display>(cases: &[(&str, Option<&str>)]) {
        for (text, expected) in cases {
            let parsed = text.parse::<T>().ok().map(|value| value.to_string());
            assert_eq!(parsed.as_deref(), *expected, "{text}");
        }
    }

    #[test]
    fn listen_addresses() {
        check::<Listen>(&[
            ("udp:127.0.0.1:5060", Some("udp:127.0.0.1:5060")),
            ("tcp:[::1]:5060", Some("tcp:[::1]:5060")),
            ("tls:127.0.0.1:5061", Some("tls:127.0.0.1:5061")),
            ("wss:127.0.0.1:443", None),
            ("sctp:127.0.0.1:5060", None),
            ("udp:127.0.0.1", None),
            ("127.0.0.1:5060", None),
        ]);
        let fault = "ws:127.0.0.1:80".parse::<Listen>().unwrap_err();
        assert!(fault.message.contains("at /sip"), "{}", fault.message);
    }

    #[test]
    fn sip_addresses() {
        check::<SipAddress>(&[
            (
                "sip:127.0.0.1:5080;transport=udp",
                Some("sip:127.0.0.1:5080"),
            ),
            ("sip:pbx.example.com", Some("sip:pbx.example.com")),
            (
                "sip:pbx:5080;transport=TCP;lr",
                Some("sip:pbx:5080;transport=tcp"),
            ),
            ("sip:[2001:db8::1]:5060", Some("sip:[2001:db8::1]:5060")),
            ("sip:[2001:db8::1]", Some("sip:[2001:db8::1]")),
            ("sip:bob@pbx", None),
            ("sips:pbx", Some("sips:pbx")),
            ("sips:pbx:5071;transport=tcp", Some("sips:pbx:5071")),
            ("sips:pbx;transport=tls", Some("sips:pbx")),
            ("sips:pbx;transport=udp", None),
            ("sip:pbx;transport=TLS", Some("sip:pbx;transport=tls")),
            ("sip:pbx;transport=wss", None),
            ("sip:pbx;maddr=1.2.3.4", None),
            ("sip:pbx:0", None),
            ("sip:pbx:", None),
            ("sip:pbx:70000", None),
            ("sip:1.2.3", None),
            ("sip:", None),
            ("127.0.0.1:5080", None),
            ("sip:[::1", None),
        ]);
        let address: SipAddress = "sip:10.0.0.1".parse().unwrap();
        assert_eq!(
            address.socket_address(),
            Some(SocketAddr::from(([10, 0, 0, 1], 5060)))
        );
        for (text, port, with_user) in [
            ("sip:pbx;transport=tls", 5061, "sip:1@pbx;transport=tls"),
            ("sips:pbx", 5061, "sips:1@pbx"),
            ("sips:[::1]:5062", 5062, "sips:1@[::1]:5062"),
            ("sip:pbx;transport=tcp", 5060, "sip:1@pbx;transport=tcp"),
        ] {
            let address: SipAddress = text.parse().unwrap();
            assert_eq!(address.port_or_default(), port, "{text}");
            assert_eq!(address.with_user("1"), with_user);
        }
    }

    #[test]
    fn domains() {
        check::<Domain>(&[
            ("lampfield.local", Some("lampfield.local")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("Lampfield.local", None),
            ("a b", None),
            ("-a.b", None),
            ("1.2.3", None),
            ("", None),
        ]);
    }
}
