//! Source addresses by which a trunk is known.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::read::{Invalid, impl_text_field};

/// Addresses a trunk may send from: a network or one address, with or without a port:
/// `10.0.0.0/24`, `127.0.0.2`, `127.0.0.2:5080`, `[2001:db8::1]:5060`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourcePattern {
    /// The network; one address is a network of its whole length.
    pub network: IpNet,
    /// The only port to be matched, if there is one.
    pub port: Option<u16>,
}

impl SourcePattern {
    /// Just this address, and this port if one is given.
    pub fn host(address: IpAddr, port: Option<u16>) -> Self {
        Self {
            network: IpNet::from(address.to_canonical()),
            port,
        }
    }

    /// The network of that prefix length around the address; `None` when the length is too long.
    pub fn around(address: IpAddr, prefix_len: u8, port: Option<u16>) -> Option<Self> {
        let network = IpNet::new(address, prefix_len).ok()?.trunc();
        Some(Self { network, port })
    }
}

impl FromStr for SourcePattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fault = || {
            Invalid::new(
                format!("\"{}\" is no source address", text.escape_debug()),
                "write an address, a network or an address and port: \"10.0.0.5\", \"10.0.0.0/24\", \"10.0.0.5:5060\", \"[2001:db8::1]:5060\"",
            )
        };
        let (network, port) = split_port(text);
        let port = port.map(str::parse).transpose().map_err(|_| fault())?;
        if port == Some(0) {
            return Err(fault());
        }
        let network: IpNet = network
            .parse()
            .or_else(|_| network.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| fault())?;
        if network.trunc() != network {
            return Err(Invalid::new(
                format!("{network} has bits beyond its prefix"),
                format!("write \"{}\", or \"{}\"", network.trunc(), network.addr()),
            ));
        }
        Ok(Self { network, port })
    }
}

/// The port after the last colon, where that colon is not part of an IPv6 address.
fn split_port(text: &str) -> (&str, Option<&str>) {
    if let Some((network, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return match rest.strip_prefix(':') {
            Some(port) => (network, Some(port)),
            None if rest.is_empty() => (network, None),
            None => ("", None),
        };
    }
    match text.split_once(':') {
        Some((network, port)) if !port.contains(':') => (network, Some(port)),
        Some(_) | None => (text, None),
    }
}

impl fmt::Display for SourcePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.network, self.port) {
            (network, None) => write!(f, "{network}"),
            (IpNet::V4(network), Some(port)) => write!(f, "{network}:{port}"),
            (IpNet::V6(network), Some(port)) => write!(f, "[{network}]:{port}"),
        }
    }
}

impl_text_field!(SourcePattern, "a source address", "127.0.0.2/32");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_parse_and_print() {
        let cases = [
            ("127.0.0.2", Some("127.0.0.2/32")),
            ("127.0.0.2/32", Some("127.0.0.2/32")),
            ("127.0.0.2:5080", Some("127.0.0.2/32:5080")),
            ("10.0.0.0/8:5060", Some("10.0.0.0/8:5060")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("2001:db8::/32", Some("2001:db8::/32")),
            ("2001:db8::1", Some("2001:db8::1/128")),
            ("[2001:db8::1]:5060", Some("[2001:db8::1/128]:5060")),
            ("[2001:db8::]", Some("2001:db8::/128")),
            ("10.0.0.5/8", None),
            ("10.0.0.0/33", None),
            ("10.0.0.1:0", None),
            ("10.0.0.1:70000", None),
            ("pbx.example.com", None),
            ("[::1]x", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let parsed = text.parse::<SourcePattern>().ok();
            assert_eq!(
                parsed.map(|source| source.to_string()).as_deref(),
                expected,
                "{text}"
            );
            if let Some(source) = parsed {
                assert_eq!(source.to_string().parse(), Ok(source), "{text}");
            }
        }
    }
}
