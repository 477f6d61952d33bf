//! Writing our own messages.
//!
//! Both builders write into one buffer as they go. A value with CR, LF or NUL in it would end its header
//! and begin another, so the first such value spoils the whole: [`build`](RequestBuilder::build) then
//! refuses.

use alloc::format;
use alloc::vec::Vec;
use core::fmt::{self, Display};
use core::net::SocketAddr;

use bytes::Bytes;

use super::fault::Fault;
use super::message::Message;
use super::method::Method;
use super::name::HeaderName;
use super::scan::{self, Span};
use super::via::{Rport, Via};
use crate::Transport;

/// Why a message was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A value with CR, LF or NUL in it.
    #[error("value would break its line")]
    Injection,
    /// A header's name or a method that is no token.
    #[error("name is no token")]
    Name,
    /// What was written is no message.
    #[error("not a message: {0}")]
    Message(#[from] Fault),
}

/// Writes lines and remembers the first fault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    out: Vec<u8>,
    fault: Option<BuildError>,
}

impl Lines {
    fn with_capacity(octets: usize) -> Self {
        Self {
            out: Vec::with_capacity(octets),
            fault: None,
        }
    }

    fn spoil(&mut self, fault: BuildError) {
        self.fault.get_or_insert(fault);
    }

    /// Writes what may not contain a line end; returns where it began.
    fn text(&mut self, text: impl Display) -> usize {
        let start = self.out.len();
        // Writing to a Vec cannot fail; a Display that fails has written less, and that is seen.
        let _ = fmt::Write::write_fmt(self, format_args!("{text}"));
        self.guard(start);
        start
    }

    fn guard(&mut self, start: usize) {
        if !is_clean(self.out.get(start..).unwrap_or_default()) {
            self.spoil(BuildError::Injection);
        }
    }

    fn name(&mut self, name: HeaderName<'_>) {
        if let HeaderName::Other(name) = name
            && !scan::all_token(name.as_bytes())
        {
            self.spoil(BuildError::Name);
        }
        self.out.extend_from_slice(name.as_str().as_bytes());
        self.out.extend_from_slice(b": ");
    }

    fn octets(&mut self, value: &[u8]) {
        let start = self.out.len();
        self.out.extend_from_slice(value);
        self.guard(start);
    }

    fn end_line(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }

    fn header(&mut self, name: HeaderName<'_>, value: &[u8]) {
        self.name(name);
        self.octets(value);
        self.end_line();
    }

    fn display(&mut self, name: HeaderName<'_>, value: impl Display) {
        self.name(name);
        self.text(value);
        self.end_line();
    }

    /// Copies all lines of a name, folds as spaces.
    ///
    /// What was read may hold a quoted NUL (RFC 3261 §25.1, `quoted-pair`; RFC 4475 §3.1.1.2 has one in To), and a
    /// response must give it back.
    fn copy(&mut self, message: &Message, name: HeaderName<'_>) {
        for value in message.headers(name) {
            self.name(name);
            self.out.extend_from_slice(value);
            if memchr::memchr2(b'\r', b'\n', value).is_some() {
                self.spoil(BuildError::Injection);
            }
            self.end_line();
        }
    }

    fn finish(mut self, body: &[u8]) -> Result<Bytes, BuildError> {
        self.display(HeaderName::ContentLength, body.len());
        self.end_line();
        self.out.extend_from_slice(body);
        match self.fault {
            None => Ok(Bytes::from(self.out)),
            Some(fault) => Err(fault),
        }
    }
}

impl fmt::Write for Lines {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Whether a value keeps to its line.
pub(crate) fn is_clean(value: &[u8]) -> bool {
    memchr::memchr3(b'\r', b'\n', 0, value).is_none()
}

/// A display name in quotes, with what needs it escaped.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for part in self.0.split_inclusive(['"', '\\']) {
            match part.strip_suffix(['"', '\\']) {
                Some(plain) => write!(f, "{plain}\\{}", &part[plain.len()..])?,
                None => f.write_str(part)?,
            }
        }
        f.write_str("\"")
    }
}

/// `"Ann" <sip:ann@b>;tag=x`.
struct Address<'a> {
    display: &'a str,
    uri: &'a str,
    tag: Option<&'a str>,
}

impl Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.display.is_empty() {
            write!(f, "{} ", Quoted(self.display))?;
        }
        write!(f, "<{}>", self.uri)?;
        if let Some(tag) = self.tag {
            write!(f, ";tag={tag}")?;
        }
        Ok(())
    }
}

/// The methods that both builders have.
macro_rules! header_methods {
    () => {
        /// Adds a header.
        pub fn header<'n>(
            mut self,
            name: impl Into<HeaderName<'n>>,
            value: impl AsRef<[u8]>,
        ) -> Self {
            self.lines.header(name.into(), value.as_ref());
            self
        }

        /// Adds a header whose value is formatted straight into the message.
        pub fn display<'n>(mut self, name: impl Into<HeaderName<'n>>, value: impl Display) -> Self {
            self.lines.display(name.into(), value);
            self
        }

        /// Adds a header that is an address: a display name in quotes, if it is not empty, and a URI.
        pub fn address<'n>(
            mut self,
            name: impl Into<HeaderName<'n>>,
            display: &str,
            uri: &str,
            tag: Option<&str>,
        ) -> Self {
            self.lines
                .display(name.into(), Address { display, uri, tag });
            self
        }

        /// Adds a Contact.
        pub fn contact(self, uri: &str) -> Self {
            self.address(HeaderName::Contact, "", uri, None)
        }

        /// Copies all headers of this name from another message.
        pub fn copy<'n>(mut self, message: &Message, name: impl Into<HeaderName<'n>>) -> Self {
            self.lines.copy(message, name.into());
            self
        }

        /// Sets the body, with its Content-Type; Content-Length follows. To be called once.
        pub fn body(mut self, content_type: &str, body: impl AsRef<[u8]>) -> Self {
            self.lines.display(HeaderName::ContentType, content_type);
            self.body = body.as_ref().to_vec();
            self
        }

        /// The message, ready for the wire.
        ///
        /// # Errors
        ///
        /// If a value would have broken out of its line, or a name is none.
        pub fn build(self) -> Result<Bytes, BuildError> {
            self.lines.finish(&self.body)
        }

        /// The message, parsed.
        ///
        /// # Errors
        ///
        /// As for [`build`](Self::build), or if what was written is no message, since From or Call-ID
        /// is missing, say.
        pub fn message(self) -> Result<Message, BuildError> {
            Ok(Message::parse(self.build()?)?)
        }
    };
}

/// Writes a request, headers in the order in which they are given.
#[derive(Clone, Debug)]
#[must_use]
pub struct RequestBuilder {
    lines: Lines,
    /// How much of the first line is the method.
    method_len: usize,
    body: Vec<u8>,
}

impl RequestBuilder {
    /// Begins a request.
    pub fn new(method: Method<'_>, uri: &str) -> Self {
        let mut lines = Lines::with_capacity(1024);
        if !scan::all_token(method.as_str().as_bytes()) {
            lines.spoil(BuildError::Name);
        }
        lines.text(format_args!("{method} {uri} SIP/2.0"));
        lines.end_line();
        Self {
            lines,
            method_len: method.as_str().len(),
            body: Vec::new(),
        }
    }

    /// Adds a Via. `sent_by` is host and maybe port; `rport` asks for the source port (RFC 3581).
    pub fn via(mut self, transport: Transport, sent_by: impl Display, branch: &str) -> Self {
        self.lines.display(
            HeaderName::Via,
            format_args!("SIP/2.0/{transport} {sent_by};rport;branch={branch}"),
        );
        self
    }

    /// Adds From; an empty display name is left out.
    pub fn from(self, display: &str, uri: &str, tag: &str) -> Self {
        self.address(HeaderName::From, display, uri, Some(tag))
    }

    /// Adds To; an empty display name is left out.
    pub fn to(self, display: &str, uri: &str, tag: Option<&str>) -> Self {
        self.address(HeaderName::To, display, uri, tag)
    }

    /// Adds Call-ID.
    pub fn call_id(self, call_id: &str) -> Self {
        self.header(HeaderName::CallId, call_id)
    }

    /// Adds CSeq with the request's own method.
    pub fn cseq(self, number: u32) -> Self {
        let method = self.lines.out.get(..self.method_len).unwrap_or_default();
        let value = format!("{number} {}", scan::text(method));
        self.header(HeaderName::CSeq, value)
    }

    /// Adds Max-Forwards.
    pub fn max_forwards(self, hops: u8) -> Self {
        self.display(HeaderName::MaxForwards, hops)
    }

    header_methods!();
}

/// Writes a response to a request: Via, From, To, Call-ID and CSeq come from there (RFC 3261 §8.2.6).
#[derive(Clone, Debug)]
#[must_use]
pub struct ResponseBuilder {
    lines: Lines,
    body: Vec<u8>,
    via: (usize, usize),
    to_end: usize,
}

impl ResponseBuilder {
    /// Begins a response with the usual reason phrase.
    pub fn new(request: &Message, status: u16) -> Self {
        Self::with_reason(request, status, reason_phrase(status))
    }

    /// Begins a response with a reason phrase of its own.
    pub fn with_reason(request: &Message, status: u16, reason: &str) -> Self {
        let mut lines = Lines::with_capacity(1024);
        lines.text(format_args!("SIP/2.0 {status} {reason}"));
        lines.end_line();
        let via_start = lines.out.len() + "Via: ".len();
        let via_len = request.via().as_bytes().len();
        lines.copy(request, HeaderName::Via);
        lines.copy(request, HeaderName::From);
        lines.copy(request, HeaderName::To);
        let to_end = lines.out.len() - 2;
        lines.copy(request, HeaderName::CallId);
        lines.copy(request, HeaderName::CSeq);
        Self {
            lines,
            body: Vec::new(),
            via: (via_start, via_start + via_len),
            to_end,
        }
    }

    /// Adds our tag to To. Not to be called when the request has one already.
    pub fn to_tag(mut self, tag: &str) -> Self {
        let start = self.lines.out.len();
        self.lines.text(format_args!(";tag={tag}"));
        let added = self.lines.out.len() - start;
        self.move_to(start, self.to_end);
        self.to_end += added;
        self
    }

    /// Notes in the topmost Via where the request came from, as far as the sender cannot know it or has
    /// asked (RFC 3261 §18.2.1, RFC 3581 §4).
    pub fn received(mut self, source: SocketAddr) -> Self {
        let (start, end) = self.via;
        let written = self.lines.out.get(start..end).unwrap_or_default().to_vec();
        let Ok((via, _)) = Via::parse(&written) else {
            return self;
        };
        let Some(noted) = received_via(&via, source) else {
            return self;
        };
        let grown = noted.len() - written.len().min(noted.len());
        self.lines.out.splice(start..end, noted.iter().copied());
        self.via.1 = start + noted.len();
        self.to_end = self.to_end + grown - (written.len().saturating_sub(noted.len()));
        self
    }

    /// Copies Record-Route, as every response that makes a dialog must (RFC 3261 §12.1.1).
    pub fn record_route(self, request: &Message) -> Self {
        self.copy(request, HeaderName::RecordRoute)
    }

    /// Moves what was written behind `start` to `to`.
    fn move_to(&mut self, start: usize, to: usize) {
        let added = self.lines.out.len() - start;
        if let Some(tail) = self.lines.out.get_mut(to..) {
            tail.rotate_right(added);
        }
    }

    header_methods!();
}

/// The Via value with `received` and `rport` filled in for where the request came from; `None` if
/// nothing needs to be.
///
/// `received` is there when the address differs from sent-by, or when `rport` was asked for. What the
/// sender himself wrote there is replaced.
pub(crate) fn received_via(via: &Via<'_>, source: SocketAddr) -> Option<Vec<u8>> {
    let asked = via.rport() != Rport::Absent || via.params().has("rport");
    let differs = via.sent_by_host().and_then(|host| host.ip()) != Some(source.ip());
    let claimed = via.params().has("received");
    if !asked && !differs && !claimed {
        return None;
    }
    let value = via.as_bytes();
    let params = via.params().as_bytes();
    let front = value.len() - params.len();
    let mut out = Vec::with_capacity(value.len() + 48);
    out.extend_from_slice(scan::trim(value.get(..front).unwrap_or_default()));
    for (name, written) in via.params().iter() {
        if name.eq_ignore_ascii_case(b"received") || name.eq_ignore_ascii_case(b"rport") {
            continue;
        }
        out.push(b';');
        out.extend_from_slice(name);
        if let Some(written) = written {
            out.push(b'=');
            out.extend_from_slice(written);
        }
    }
    let mut lines = Lines { out, fault: None };
    if asked || differs {
        lines.text(format_args!(";received={}", source.ip()));
    }
    if asked {
        lines.text(format_args!(";rport={}", source.port()));
    }
    Some(lines.out)
}

/// The usual reason phrase (RFC 3261 §21 and the registry); that of the class for codes we do not know.
#[must_use]
pub const fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        199 => "Early Dialog Terminated",
        200 => "OK",
        202 => "Accepted",
        204 => "No Notification",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        417 => "Unknown Resource-Priority",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        428 => "Use Identity Header",
        429 => "Provide Referrer Identity",
        430 => "Flow Failed",
        433 => "Anonymity Disallowed",
        436 => "Bad Identity Info",
        437 => "Unsupported Credential",
        438 => "Invalid Identity Header",
        439 => "First Hop Lacks Outbound Support",
        440 => "Max-Breadth Exceeded",
        469 => "Bad Info Package",
        470 => "Consent Needed",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        494 => "Security Agreement Required",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        555 => "Push Notification Service Not Supported",
        580 => "Precondition Failure",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        608 => "Rejected",
        _ => match status / 100 {
            1 => "Progress",
            2 => "Success",
            3 => "Redirection",
            4 => "Request Failure",
            5 => "Server Failure",
            _ => "Failure",
        },
    }
}

/// The line of a header table's entry, from its name to its CRLF, folds included.
pub(crate) fn line_span(message: &Message, index: usize) -> Span {
    let table = message.table();
    let start = table.get(index).map_or(0, |header| header.name.start);
    let end = match table.get(index + 1) {
        Some(next) => usize::from(next.name.start),
        None => message.body_start() - 2,
    };
    Span::new(usize::from(start), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite() -> RequestBuilder {
        RequestBuilder::new(Method::Invite, "sip:bob@example.com")
            .via(Transport::Udp, "192.0.2.1:5060", "z9hG4bKx")
            .max_forwards(70)
            .from("Ann \"A\" \\", "sip:ann@example.com", "f1")
            .to("", "sip:bob@example.com", None)
            .call_id("c1@192.0.2.1")
            .cseq(7)
            .contact("sip:ann@192.0.2.1")
    }

    #[test]
    fn a_request_is_what_was_asked_for() {
        let built = invite()
            .body("application/sdp", "v=0\r\n")
            .build()
            .expect("sound");
        let expected = "INVITE sip:bob@example.com SIP/2.0\r\n\
            Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKx\r\n\
            Max-Forwards: 70\r\n\
            From: \"Ann \\\"A\\\" \\\\\" <sip:ann@example.com>;tag=f1\r\n\
            To: <sip:bob@example.com>\r\n\
            Call-ID: c1@192.0.2.1\r\n\
            CSeq: 7 INVITE\r\n\
            Contact: <sip:ann@192.0.2.1>\r\n\
            Content-Type: application/sdp\r\n\
            Content-Length: 5\r\n\
            \r\n\
            v=0\r\n";
        assert_eq!(core::str::from_utf8(&built), Ok(expected));
        let message = Message::parse(built).expect("sound");
        assert_eq!(message.from().expect("From").display_name(), "Ann \"A\" \\");
    }

    #[test]
    fn a_response_copies_what_it_must() {
        let request = Message::parse(Bytes::from_static(
            b"INVITE sip:b@c SIP/2.0\r\n\
            Via: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKa, SIP/2.0/UDP p\r\n\
            v: SIP/2.0/TCP q\r\n\
            f: <sip:a@c>;tag=1\r\n\
            t: <sip:b@c>\r\n\
            i: c1\r\n\
            CSeq: 1 INVITE\r\n\
            Record-Route: <sip:p;lr>\r\n\
            Max-Forwards: 70\r\n\r\n",
        ))
        .expect("sound");
        let source = "192.0.2.9:1024".parse().expect("an address");
        let expected = "SIP/2.0 180 Ringing\r\n\
            Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa;received=192.0.2.9;rport=1024, SIP/2.0/UDP p\r\n\
            Via: SIP/2.0/TCP q\r\n\
            From: <sip:a@c>;tag=1\r\n\
            To: <sip:b@c>;tag=t2\r\n\
            Call-ID: c1\r\n\
            CSeq: 1 INVITE\r\n\
            Record-Route: <sip:p;lr>\r\n\
            Content-Length: 0\r\n\r\n";
        let one = ResponseBuilder::new(&request, 180)
            .to_tag("t2")
            .received(source);
        let two = ResponseBuilder::new(&request, 180)
            .received(source)
            .to_tag("t2");
        for builder in [one, two] {
            let built = builder.record_route(&request).build().expect("sound");
            assert_eq!(core::str::from_utf8(&built), Ok(expected));
        }
    }

    #[test]
    fn received_is_noted_only_where_it_says_something() {
        let table = [
            ("SIP/2.0/UDP 192.0.2.9;branch=z", None),
            ("SIP/2.0/UDP 192.0.2.9:5070;branch=z", None),
            (
                "SIP/2.0/UDP h;branch=z",
                Some("SIP/2.0/UDP h;branch=z;received=192.0.2.9"),
            ),
            (
                "SIP/2.0/UDP 192.0.2.9;rport",
                Some("SIP/2.0/UDP 192.0.2.9;received=192.0.2.9;rport=1024"),
            ),
            // What the sender claims of himself is not believed.
            (
                "SIP/2.0/UDP 192.0.2.9;received=10.0.0.1",
                Some("SIP/2.0/UDP 192.0.2.9"),
            ),
        ];
        for (written, expected) in table {
            let (via, _) = Via::parse(written.as_bytes()).expect(written);
            let noted = received_via(&via, "192.0.2.9:1024".parse().expect("an address"));
            assert_eq!(noted.as_deref().map(scan::text), expected, "{written}");
        }
    }

    #[test]
    fn a_value_cannot_break_out_of_its_line() {
        let attempts = [
            invite().header("Subject", "x\r\nEvil: y"),
            invite().header("Subject", b"x\n".as_slice()),
            invite().display("Subject", "x\0"),
            invite().from("", "sip:a@b>\r\nEvil: <", "t"),
            RequestBuilder::new(Method::Invite, "sip:a@b SIP/2.0\r\nEvil: y"),
            invite().body("text/plain\r\nEvil: y", "b"),
        ];
        for attempt in attempts {
            assert_eq!(attempt.build(), Err(BuildError::Injection));
        }
        assert_eq!(invite().header("X Y", "z").build(), Err(BuildError::Name));
        let method = RequestBuilder::new(Method::Other("IN VITE"), "sip:a@b");
        assert_eq!(method.build(), Err(BuildError::Name));
    }

    #[test]
    fn what_was_read_is_given_back_though_we_would_not_write_it() {
        let case = sipx_testkit::rfc4475::case("intmeth").unwrap();
        let request = Message::parse(Bytes::from_static(case.bytes)).unwrap();
        let response = ResponseBuilder::new(&request, 501)
            .to_tag("t")
            .build()
            .unwrap();
        assert!(response.starts_with(b"SIP/2.0 501 "));
        assert!(
            memchr::memchr(0, &response).is_some(),
            "the NUL in To is lost"
        );
    }

    #[test]
    fn an_incomplete_message_is_none() {
        let built = RequestBuilder::new(Method::Options, "sip:a@b").message();
        assert_eq!(built, Err(BuildError::Message(Fault::Missing("Via"))));
    }
}
