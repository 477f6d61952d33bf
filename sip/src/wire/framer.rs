//! Cutting a stream into messages (RFC 3261 §18.3), with the keep-alives between them
//! (RFC 5626 §4.4.1).

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memmem;

use super::fault::Fault;
use super::message::Message;
use super::name::HeaderName;
use super::parse::content_length;
use super::scan::{self, Cursor};
use super::{MAX_HEADERS, MAX_MESSAGE};

/// Takes octets as they come from a stream, and gives messages.
///
/// After each [`feed`](Self::feed), [`poll`](Self::poll) until it gives `None`. Where the chunks are cut
/// makes no difference. Memory: one message of at most 64 kB, and what was fed last.
#[derive(Debug, Default)]
pub struct Framer {
    buf: BytesMut,
    /// How much of the buffer was searched for the end of the headers.
    searched: usize,
    /// How long the first message is, once its headers are there.
    length: Option<usize>,
    /// One CRLF stood before what is in the buffer; a second one makes a ping of it.
    half_ping: bool,
    /// A fault that leaves no way to the next message.
    broken: bool,
}

/// What a stream carries.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart at once, and a box would be an allocation for every message"
)]
pub enum Framed {
    /// A message.
    Message(Message),
    /// A double CRLF: the peer asks for a single one in return (RFC 5626 §4.4.1).
    Ping,
    /// Octets that are no message. If [`Fault::closes_stream`], nothing comes any more and the
    /// connection is to be closed; else the next message follows.
    Faulty {
        /// The octets, for [`error_response`](super::error_response).
        raw: Bytes,
        /// What is wrong with them.
        fault: Fault,
    },
}

impl Framer {
    /// At the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was read from the stream. After a fault that closes it, octets are dropped.
    pub fn feed(&mut self, chunk: &[u8]) {
        if !self.broken {
            self.buf.extend_from_slice(chunk);
        }
    }

    /// How many octets wait for the rest of their message.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.buf.len()
    }

    /// Whether the connection is to be closed.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// The next message, ping or fault; `None`: more octets are needed.
    pub fn poll(&mut self) -> Option<Framed> {
        if self.broken {
            return None;
        }
        if self.length.is_none() && self.searched == 0 && self.skip_line_ends() {
            return Some(Framed::Ping);
        }
        match self.find_length() {
            Ok(Some(length)) if self.buf.len() >= length => Some(self.cut(length)),
            Ok(_) => None,
            Err(fault) => Some(self.break_off(fault)),
        }
    }

    /// Skips CRLFs before a message; `true` at every second one.
    fn skip_line_ends(&mut self) -> bool {
        while self.buf.starts_with(b"\r\n") {
            self.buf.advance(2);
            self.half_ping = !self.half_ping;
            if !self.half_ping {
                return true;
            }
        }
        false
    }

    /// The length of the first message, if its headers are there.
    fn find_length(&mut self) -> Result<Option<usize>, Fault> {
        if self.length.is_some() {
            return Ok(self.length);
        }
        match self.buf.first() {
            None | Some(b'\r') if self.buf.len() < 2 => return Ok(None),
            Some(&octet) if scan::is_token(octet) => {}
            _ => return Err(Fault::NotSip),
        }
        self.half_ping = false;
        let from = self.searched.saturating_sub(3);
        let Some(at) = memmem::find(self.buf.get(from..).unwrap_or_default(), b"\r\n\r\n") else {
            self.searched = self.buf.len();
            return if self.buf.len() > MAX_MESSAGE {
                Err(Fault::TooLong)
            } else {
                Ok(None)
            };
        };
        let body = from + at + 4;
        let declared = declared_length(self.buf.get(..body - 2).unwrap_or_default())?;
        let length = body.saturating_add(declared);
        if length > MAX_MESSAGE {
            return Err(Fault::TooLong);
        }
        self.length = Some(length);
        Ok(self.length)
    }

    fn cut(&mut self, length: usize) -> Framed {
        let raw = self.buf.split_to(length).freeze();
        self.length = None;
        self.searched = 0;
        match Message::parse(raw.clone()) {
            Ok(message) => Framed::Message(message),
            Err(fault) => {
                self.broken = fault.closes_stream();
                Framed::Faulty { raw, fault }
            }
        }
    }

    fn break_off(&mut self, fault: Fault) -> Framed {
        self.broken = true;
        let raw = self.buf.split().freeze();
        Framed::Faulty { raw, fault }
    }
}

/// The one Content-Length in the first line and the headers, which end with CRLF.
///
/// The rest of the headers is not looked at: even a message with a broken one is cut right, so that it
/// can be answered and the next one read.
fn declared_length(head: &[u8]) -> Result<usize, Fault> {
    if !looks_like_sip(head) {
        return Err(Fault::NotSip);
    }
    let mut declared = None;
    let mut lines = 0;
    for line_end in memmem::find_iter(head, b"\r\n") {
        let line = head.get(line_end + 2..).unwrap_or_default();
        lines += 1;
        if lines > MAX_HEADERS + 1 {
            return Err(Fault::TooManyHeaders);
        }
        let Some(value) = content_length_value(line) else {
            continue;
        };
        if declared.is_some() {
            return Err(Fault::ContentLength("repeated"));
        }
        declared = Some(content_length(value)?);
    }
    declared.ok_or(Fault::ContentLength("is missing on a stream"))
}

/// Whether the first line names SIP at one of its ends.
fn looks_like_sip(head: &[u8]) -> bool {
    let end = memmem::find(head, b"\r\n").unwrap_or(head.len());
    let line = head.get(..end).unwrap_or_default();
    memmem::find(line, b"SIP/").is_some() || memmem::find(line, b"sip/").is_some()
}

/// The value of the header that begins here, folds and all, if it is Content-Length.
fn content_length_value(lines: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(lines);
    let name = cursor.take_token()?;
    if HeaderName::known(name)? != HeaderName::ContentLength {
        return None;
    }
    if !cursor.eat_spaced(b':') {
        return None;
    }
    let value = cursor.rest();
    let mut end = 0;
    loop {
        end += memmem::find(value.get(end..)?, b"\r\n")?;
        if !value.get(end + 2).copied().is_some_and(scan::is_lws) {
            return Some(scan::trim(value.get(..end)?));
        }
        end += 2;
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use super::*;

    fn options(number: u32, body: &str) -> String {
        let length = body.len();
        format!(
            "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK{number}\r\n\
            From: <sip:f@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: {number} OPTIONS\r\n\
            Content-Length: {length}\r\n\r\n{body}"
        )
    }

    fn drain(framer: &mut Framer, seen: &mut Vec<String>) {
        while let Some(framed) = framer.poll() {
            seen.push(match framed {
                Framed::Message(message) => {
                    format!("{} {}", message.cseq().number, scan::text(&message.body()))
                }
                Framed::Ping => "ping".to_string(),
                Framed::Faulty { fault, .. } => fault.to_string(),
            });
        }
    }

    /// Feeds the text in all ways to cut it in two, and octet by octet.
    fn check(name: &str, text: &str, expected: &[&str]) {
        let octets = text.as_bytes();
        for split in 0..=octets.len() {
            let (mut framer, mut seen) = (Framer::new(), Vec::new());
            for chunk in [&octets[..split], &octets[split..]] {
                framer.feed(chunk);
                drain(&mut framer, &mut seen);
            }
            assert_eq!(seen, expected, "{name}, cut at {split}");
        }
        let (mut framer, mut seen) = (Framer::new(), Vec::new());
        for octet in octets {
            framer.feed(&[*octet]);
            drain(&mut framer, &mut seen);
        }
        assert_eq!(seen, expected, "{name}, octet by octet");
    }

    #[test]
    fn chunks_make_no_difference() {
        let (one, two) = (options(1, "abc"), options(2, ""));
        let without = one.replace("Content-Length: 3\r\n", "");
        let twice = one.replace("CSeq", "l: 3\r\nCSeq");
        let negative = one.replace("Length: 3", "Length: -3");
        let folded = one.replace("Content-Length: 3", "cOnTent-lengTh :\r\n\t3");
        let no_to = one.replace("To: <sip:a@b>\r\n", "");
        check("two", &format!("{one}{two}"), &["1 abc", "2 "]);
        check("part", &one[..one.len() - 1], &[]);
        check("folded length", &format!("{folded}{two}"), &["1 abc", "2 "]);
        check(
            "keep-alive",
            &format!("\r\n\r\n{one}\r\n\r\n{two}"),
            &["ping", "1 abc", "ping", "2 "],
        );
        check(
            "pong and message",
            &format!("\r\n{one}\r\n{two}\r\n"),
            &["1 abc", "2 "],
        );
        check(
            "three line ends",
            &format!("\r\n\r\n\r\n{one}"),
            &["ping", "1 abc"],
        );
        check(
            "no To, and on",
            &format!("{no_to}{two}"),
            &["To missing", "2 "],
        );
        check(
            "no length",
            &format!("{without}{two}"),
            &["Content-Length is missing on a stream"],
        );
        check(
            "length twice",
            &format!("{twice}{two}"),
            &["Content-Length repeated"],
        );
        check(
            "length negative",
            &format!("{negative}{two}"),
            &["Content-Length is not a number"],
        );
        check(
            "web",
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            &["not a SIP message"],
        );
        check("tls", "\x16\x03\x01", &["not a SIP message"]);
        check("line feed", "\n", &["not a SIP message"]);
    }

    #[test]
    fn limits_hold() {
        let endless = format!("OPTIONS sip:a@b SIP/2.0\r\nX: {}", "x".repeat(MAX_MESSAGE));
        let (mut framer, mut seen) = (Framer::new(), Vec::new());
        for chunk in endless.as_bytes().chunks(1000) {
            framer.feed(chunk);
            drain(&mut framer, &mut seen);
            assert!(framer.pending() <= MAX_MESSAGE + 1000);
        }
        assert_eq!(seen, ["message is longer than 65,535 octets"]);
        assert!(framer.is_broken());
        framer.feed(b"more");
        assert_eq!(framer.pending(), 0);

        let large = options(1, "").replace("Length: 0", "Length: 65535");
        let mut framer = Framer::new();
        framer.feed(large.as_bytes());
        let mut seen = Vec::new();
        drain(&mut framer, &mut seen);
        assert_eq!(seen, ["message is longer than 65,535 octets"]);

        let many = options(1, "").replace("CSeq", &format!("{}CSeq", "X: y\r\n".repeat(200)));
        let mut framer = Framer::new();
        framer.feed(many.as_bytes());
        let mut seen = Vec::new();
        drain(&mut framer, &mut seen);
        assert_eq!(seen, ["message has more than 100 headers"]);
    }
}
