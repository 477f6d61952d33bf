//! The Via header: who sent the message, and the way back (RFC 3261 §18.2, §20.42; RFC 3581).

use core::net::IpAddr;

use super::params::{Params, next_param};
use super::scan::{self, Cursor, Span};
use super::uri::Host;
use crate::Transport;

/// One value of a Via header.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    text: &'a [u8],
    spans: ViaSpans,
}

/// Where the parts of a Via value lie in its text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ViaSpans {
    pub(crate) value: Span,
    transport: Span,
    host: Span,
    port: Option<u16>,
    params: Span,
    branch: Span,
}

/// What `rport` says (RFC 3581).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rport {
    /// Not there.
    Absent,
    /// There without a value: the sender asks for the source port.
    Asked,
    /// Filled in.
    Port(u16),
}

impl<'a> Via<'a> {
    /// Reads the first value of a Via header and returns what follows its comma, if anything does.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &'a [u8]) -> Result<(Self, Option<&'a [u8]>), &'static str> {
        if text.len() > usize::from(u16::MAX) {
            return Err("is too long");
        }
        let (spans, next) = scan_via(text, 0, text.len())?;
        let rest = next.and_then(|at| text.get(at..));
        Ok((Self { text, spans }, rest))
    }

    pub(crate) fn from_spans(text: &'a [u8], spans: ViaSpans) -> Self {
        Self { text, spans }
    }

    /// The value as it was written, without what other values stand beside it.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.spans.value.of(self.text)
    }

    /// The transport as it was written, maybe one that we do not know.
    #[must_use]
    pub fn transport_name(&self) -> &'a str {
        scan::text(self.spans.transport.of(self.text))
    }

    /// The transport, if it is one of ours.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        Transport::parse(self.transport_name())
    }

    /// The host of sent-by as it was written, brackets of an IPv6 address included.
    #[must_use]
    pub fn host(&self) -> &'a str {
        scan::text(self.spans.host.of(self.text))
    }

    /// The host of sent-by, read. `None` if it is neither a name nor an address.
    #[must_use]
    pub fn sent_by_host(&self) -> Option<Host<'a>> {
        Host::parse(self.host()).ok()
    }

    /// The port of sent-by, if it is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.spans.port
    }

    /// All parameters.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        Params::new(self.spans.params.of(self.text))
    }

    /// The branch; `None` only for peers of RFC 2543.
    #[must_use]
    pub fn branch(&self) -> Option<&'a str> {
        (!self.spans.branch.is_empty()).then(|| scan::text(self.spans.branch.of(self.text)))
    }

    /// The branch, if it begins with the magic cookie `z9hG4bK` and has something behind it, so that it
    /// alone names the transaction (RFC 3261 §8.1.1.7).
    #[must_use]
    pub fn magic_branch(&self) -> Option<&'a str> {
        let branch = self.branch()?;
        let (cookie, rest) = branch.split_at_checked(7)?;
        (cookie.eq_ignore_ascii_case("z9hG4bK") && !rest.is_empty()).then_some(branch)
    }

    /// What `rport` says. A value that is no port reads as absent.
    #[must_use]
    pub fn rport(&self) -> Rport {
        match self.params().find("rport") {
            None => Rport::Absent,
            Some(None | Some(b"")) => Rport::Asked,
            Some(Some(value)) => {
                scan::decimal(value, 65_535).map_or(Rport::Absent, |port| Rport::Port(port as u16))
            }
        }
    }

    /// The address that the peer before saw the message come from. With and without brackets
    /// (RFC 5118 §4.5).
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        let value = self.params().get("received")?;
        let bare = value
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(value);
        bare.parse().ok()
    }

    /// The `maddr` parameter.
    #[must_use]
    pub fn maddr(&self) -> Option<&'a str> {
        self.params().get("maddr")
    }
}

/// Reads the Via value that begins at `start`; also returns where the next one begins, if a comma
/// follows.
pub(crate) fn scan_via(
    text: &[u8],
    start: usize,
    end: usize,
) -> Result<(ViaSpans, Option<usize>), &'static str> {
    let text = text.get(..end).unwrap_or_default();
    let mut cursor = Cursor::at(text, start);
    cursor.skip_lws();
    let start = cursor.pos();
    let transport = protocol(&mut cursor)?;
    let (host, port) = sent_by(&mut cursor)?;
    let params_start = cursor.pos();
    let mut branch = None;
    let mut params_end = params_start;
    while let Some((name, value)) = next_param(&mut cursor)? {
        params_end = cursor.pos();
        if name.len() == 6 && name.eq_ignore_ascii_case(b"branch") {
            if branch.is_some() {
                return Err("has two branches");
            }
            let len = value.map_or(0, <[u8]>::len);
            branch = Some(Span::new(params_end - len, params_end));
        }
    }
    let next = match cursor.peek() {
        None => None,
        Some(b',') => Some(cursor.pos() + 1),
        Some(_) => return Err("has something behind its parameters"),
    };
    let spans = ViaSpans {
        value: Span::new(start, params_end),
        transport,
        host,
        port,
        params: Span::new(params_start, params_end),
        branch: branch.unwrap_or_default(),
    };
    Ok((spans, next))
}

/// `SIP/2.0/UDP`, with white space around the slashes if need be.
fn protocol(cursor: &mut Cursor<'_>) -> Result<Span, &'static str> {
    const FAULT: &str = "does not begin with SIP/2.0 and a transport";
    let usual = cursor
        .rest()
        .get(..8)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/2.0/"));
    if usual {
        cursor.skip(8);
    } else {
        for part in [b"SIP".as_slice(), b"2.0"] {
            let found = cursor.take_token().ok_or(FAULT)?;
            if !found.eq_ignore_ascii_case(part) || !cursor.eat_spaced(b'/') {
                return Err(FAULT);
            }
        }
    }
    cursor.skip_lws();
    let start = cursor.pos();
    cursor.take_token().ok_or(FAULT)?;
    let transport = Span::new(start, cursor.pos());
    if !cursor.peek().is_some_and(scan::is_lws) {
        return Err("has no space before the sender");
    }
    cursor.skip_lws();
    Ok(transport)
}

fn sent_by(cursor: &mut Cursor<'_>) -> Result<(Span, Option<u16>), &'static str> {
    let start = cursor.pos();
    if cursor.eat(b'[') {
        cursor.take_while(|octet| octet.is_ascii_hexdigit() || matches!(octet, b':' | b'.'));
        if !cursor.eat(b']') {
            return Err("has a sender whose bracket does not close");
        }
    } else {
        cursor.take_while(scan::is_host);
    }
    let host = Span::new(start, cursor.pos());
    if host.is_empty() {
        return Err("has no sender");
    }
    if !cursor.eat_spaced(b':') {
        return Ok((host, None));
    }
    let digits = cursor.take_while(|octet| octet.is_ascii_digit());
    match scan::decimal(digits, 65_535) {
        Some(port) => Ok((host, Some(port as u16))),
        None => Err("has a port that is none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_parts() {
        type Parts = (
            &'static str,
            &'static str,
            Option<u16>,
            Option<&'static str>,
        );
        let table: &[(&str, Parts)] = &[
            (
                "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKx",
                ("UDP", "192.0.2.1", Some(5070), Some("z9hG4bKx")),
            ),
            (
                "SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9hG4bK9ikj8  ",
                ("TCP", "spindle.example.com", None, Some("z9hG4bK9ikj8")),
            ),
            (
                "sip/2.0/WSS [2001:db8::9] : 443 ;rport;branch=z9hG4bKa=",
                ("WSS", "[2001:db8::9]", Some(443), Some("z9hG4bKa=")),
            ),
            ("SIP/2.0/UNKNOWN h", ("UNKNOWN", "h", None, None)),
        ];
        for &(input, (transport, host, port, branch)) in table {
            let (via, rest) = Via::parse(input.as_bytes()).expect(input);
            assert_eq!(via.transport_name(), transport);
            assert_eq!((via.host(), via.port()), (host, port));
            assert_eq!(via.branch(), branch);
            assert!(rest.is_none());
        }
    }

    #[test]
    fn refuses_what_the_grammar_refuses() {
        for input in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "SIP/3.0/UDP host",
            "SIP/2.0/UDPhost;branch=z",
            "SIP/2.0/UDP 192.0.2.15;;,;,,",
            "SIP/2.0/UDP host:port",
            "SIP/2.0/UDP host:99999",
            "SIP/2.0/UDP [2001:db8::1",
            "SIP/2.0/UDP host;branch=a b",
            "SIP/2.0/UDP host;branch;branch=a",
            "SIP/2.0/UDP host;branch=\"a",
        ] {
            assert!(Via::parse(input.as_bytes()).is_err(), "{input}");
        }
    }

    #[test]
    fn a_comma_parts_two_values() {
        let (first, rest) =
            Via::parse(b"SIP/2.0/UDP a;branch=z9hG4bK1 , SIP/2.0/TCP b").expect("sound");
        assert_eq!(first.as_bytes(), b"SIP/2.0/UDP a;branch=z9hG4bK1");
        let (second, rest) = Via::parse(rest.expect("a second")).expect("sound");
        assert_eq!(
            (second.host(), second.transport()),
            ("b", Some(Transport::Tcp))
        );
        assert!(rest.is_none());
    }

    #[test]
    fn the_way_back() {
        let read = |text: &'static str| Via::parse(text.as_bytes()).expect(text).0;
        assert_eq!(read("SIP/2.0/UDP a;rport").rport(), Rport::Asked);
        assert_eq!(read("SIP/2.0/UDP a;rport=5070").rport(), Rport::Port(5070));
        assert_eq!(read("SIP/2.0/UDP a").rport(), Rport::Absent);
        let v6 = "2001:db8::9:255".parse().ok();
        assert_eq!(
            read("SIP/2.0/UDP a;received=[2001:db8::9:255]").received(),
            v6
        );
        assert_eq!(
            read("SIP/2.0/UDP a;received=2001:db8::9:255").received(),
            v6
        );
        assert_eq!(
            read("SIP/2.0/UDP a;maddr=224.2.0.1").maddr(),
            Some("224.2.0.1")
        );
    }

    #[test]
    fn the_magic_cookie_needs_a_tail() {
        let read = |text: &'static str| Via::parse(text.as_bytes()).expect(text).0.magic_branch();
        assert_eq!(read("SIP/2.0/UDP a;branch=z9hG4bK"), None);
        assert_eq!(read("SIP/2.0/UDP a;branch=1"), None);
        assert_eq!(read("SIP/2.0/UDP a;branch=z9hG4bKq"), Some("z9hG4bKq"));
    }
}
