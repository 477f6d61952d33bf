//! Changing a message we received: a list of edits, written in one pass.
//!
//! Headers that no edit touches stay as they were, to the octet: their spelling, their folds, what is
//! not UTF-8, and what a signature covers (RFC 8224).

use alloc::format;
use alloc::vec::Vec;
use core::fmt::Display;
use core::net::SocketAddr;

use bytes::Bytes;

use super::build::{BuildError, is_clean, line_span, received_via};
use super::message::Message;
use super::name::HeaderName;
use super::scan;
use super::values::value_end;

/// A list of edits to one message.
///
/// Edits apply in the order in which they are given; a later one sees what an earlier one did.
#[derive(Clone, Debug)]
pub struct Edit<'m> {
    message: &'m Message,
    first_line: Option<Vec<u8>>,
    /// One bit for each header line that goes; a message has at most 100.
    dropped: u128,
    /// Lines that come, sorted by the line of the message they stand before.
    added: Vec<Added>,
    body: Option<Bytes>,
    fault: Option<BuildError>,
}

#[derive(Clone, Debug)]
struct Added {
    before: usize,
    /// How much of the line is its name.
    name_len: usize,
    line: Vec<u8>,
}

impl Added {
    fn is(&self, name: HeaderName<'_>) -> bool {
        let written = self.line.get(..self.name_len).unwrap_or_default();
        written.eq_ignore_ascii_case(name.as_str().as_bytes())
    }
}

impl<'m> Edit<'m> {
    /// An empty list: what it writes is the message itself.
    #[must_use]
    pub const fn new(message: &'m Message) -> Self {
        Self {
            message,
            first_line: None,
            dropped: 0,
            added: Vec::new(),
            body: None,
            fault: None,
        }
    }

    /// Replaces the Request-URI. Nothing happens to a response.
    #[must_use]
    pub fn request_uri(self, uri: impl Display) -> Self {
        if !self.message.is_request() {
            return self;
        }
        let method = self.message.method();
        self.first_line(format!("{method} {uri} SIP/2.0"))
    }

    /// Replaces status and reason phrase. Nothing happens to a request.
    #[must_use]
    pub fn status(self, status: u16, reason: &str) -> Self {
        if self.message.is_request() {
            return self;
        }
        self.first_line(format!("SIP/2.0 {status} {reason}"))
    }

    fn first_line(mut self, line: alloc::string::String) -> Self {
        self.check(line.as_bytes());
        self.first_line = Some(line.into_bytes());
        self
    }

    /// Removes all lines of a name.
    #[must_use]
    pub fn remove<'n>(mut self, name: impl Into<HeaderName<'n>>) -> Self {
        self.drop_all(name.into());
        self
    }

    /// Puts one line in the place of all lines of a name, or at the end if there was none.
    #[must_use]
    pub fn set<'n>(mut self, name: impl Into<HeaderName<'n>>, value: impl AsRef<[u8]>) -> Self {
        let name = name.into();
        let at = self.first(name).unwrap_or_else(|| self.end());
        self.drop_all(name);
        self.add(at, false, name, value.as_ref());
        self
    }

    /// Adds a line behind the last one of its name, or at the end if there is none.
    #[must_use]
    pub fn append<'n>(mut self, name: impl Into<HeaderName<'n>>, value: impl AsRef<[u8]>) -> Self {
        let name = name.into();
        let own = self.lines(name).last().map(|line| line + 1);
        let added = self.added.iter().rev().find(|added| added.is(name));
        let at = own.max(added.map(|added| added.before));
        let at = at.unwrap_or_else(|| self.end());
        self.add(at, false, name, value.as_ref());
        self
    }

    /// Adds a line before the first one of its name, or before all headers if there is none.
    #[must_use]
    pub fn prepend<'n>(mut self, name: impl Into<HeaderName<'n>>, value: impl AsRef<[u8]>) -> Self {
        let name = name.into();
        let at = self.first(name).unwrap_or(0);
        self.add(at, true, name, value.as_ref());
        self
    }

    /// Removes the first value of a name: the topmost Via or Route, and nothing beside it.
    #[must_use]
    pub fn pop<'n>(mut self, name: impl Into<HeaderName<'n>>) -> Self {
        let name = name.into();
        let written = self.lines(name).next();
        if let Some(at) = self.added.iter().position(|added| added.is(name))
            && self
                .added
                .get(at)
                .is_some_and(|a| written.is_none_or(|line| a.before <= line))
        {
            self.added.remove(at);
            return self;
        }
        let Some(line) = written else {
            return self;
        };
        let value = self.value(line);
        let rest = value.get(value_end(value) + 1..).map(scan::trim);
        self.dropped |= 1 << line;
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            self.add(line, false, name, rest);
        }
        self
    }

    /// Notes in the topmost Via where the message came from (RFC 3261 §18.2.1, RFC 3581 §4).
    #[must_use]
    pub fn received(mut self, source: SocketAddr) -> Self {
        let Some(mut noted) = received_via(&self.message.via(), source) else {
            return self;
        };
        let Some(line) = self.lines(HeaderName::Via).next() else {
            return self;
        };
        let after = usize::from(self.message.via_spans().value.end);
        let end = self
            .message
            .table()
            .get(line)
            .map_or(after, |h| usize::from(h.value.end));
        let rest = self.message.text().get(after..end).unwrap_or_default();
        noted.extend_from_slice(rest);
        self.dropped |= 1 << line;
        self.add(line, false, HeaderName::Via, &noted);
        self
    }

    /// Replaces the body; Content-Length follows. An empty type removes Content-Type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: Bytes) -> Self {
        self = if content_type.is_empty() {
            self.remove(HeaderName::ContentType)
        } else {
            self.set(HeaderName::ContentType, content_type)
        };
        let length = format!("{}", body.len());
        self.body = Some(body);
        self.set(HeaderName::ContentLength, length)
    }

    /// Writes the message with all edits behind what is in `out` already.
    ///
    /// # Errors
    ///
    /// If a value would have broken out of its line, or a name is none. Nothing is written then.
    pub fn write_to(&self, out: &mut Vec<u8>) -> Result<(), BuildError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let raw = self.message.as_bytes();
        let grown: usize = self.added.iter().map(|added| added.line.len()).sum();
        out.reserve(raw.len() + grown + self.body.as_ref().map_or(0, Bytes::len));
        let headers_start = usize::from(line_span(self.message, 0).start);
        match &self.first_line {
            Some(line) => {
                out.extend_from_slice(line);
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(raw.get(..headers_start).unwrap_or_default()),
        }
        let mut added = self.added.iter().peekable();
        for line in 0..self.end() {
            while let Some(added) = added.next_if(|added| added.before <= line) {
                out.extend_from_slice(&added.line);
            }
            if self.dropped & (1 << line) == 0 {
                out.extend_from_slice(line_span(self.message, line).of(raw));
            }
        }
        for added in added {
            out.extend_from_slice(&added.line);
        }
        out.extend_from_slice(b"\r\n");
        match &self.body {
            Some(body) => out.extend_from_slice(body),
            None => out.extend_from_slice(raw.get(self.message.body_start()..).unwrap_or_default()),
        }
        Ok(())
    }

    /// The message with all edits, ready for the wire.
    ///
    /// # Errors
    ///
    /// As for [`write_to`](Self::write_to).
    pub fn to_bytes(&self) -> Result<Bytes, BuildError> {
        let mut out = Vec::new();
        self.write_to(&mut out)?;
        Ok(Bytes::from(out))
    }

    /// The message with all edits, parsed.
    ///
    /// # Errors
    ///
    /// As for [`write_to`](Self::write_to), or if the edits have made it no message.
    pub fn to_message(&self) -> Result<Message, BuildError> {
        Ok(Message::parse(self.to_bytes()?)?)
    }

    /// One past the last header line.
    fn end(&self) -> usize {
        self.message.table().len()
    }

    fn value(&self, line: usize) -> &'m [u8] {
        let header = self.message.table().get(line);
        header.map_or(b"".as_slice(), |header| {
            header.value.of(self.message.text())
        })
    }

    /// The message's own lines of a name that still stand.
    fn lines<'n>(&self, name: HeaderName<'n>) -> impl Iterator<Item = usize> + use<'n, 'm> {
        let (message, dropped) = (self.message, self.dropped);
        let table = message.table().iter().enumerate();
        table
            .filter(move |(line, header)| {
                dropped & (1 << line) == 0
                    && name.matches(header.id, header.name.of(message.text()))
            })
            .map(|(line, _)| line)
    }

    /// Where the first line of a name stands, be it the message's own or an added one.
    fn first(&self, name: HeaderName<'_>) -> Option<usize> {
        let own = self.lines(name).next();
        let added = self.added.iter().find(|added| added.is(name));
        let added = added.map(|added| added.before);
        match (own, added) {
            (Some(own), Some(added)) => Some(own.min(added)),
            (own, added) => own.or(added),
        }
    }

    fn drop_all(&mut self, name: HeaderName<'_>) {
        self.dropped |= self.lines(name).fold(0, |lines, line| lines | 1 << line);
        self.added.retain(|added| !added.is(name));
    }

    fn add(&mut self, before: usize, first: bool, name: HeaderName<'_>, value: &[u8]) {
        if !scan::all_token(name.as_str().as_bytes()) {
            self.fault.get_or_insert(BuildError::Name);
        }
        self.check(value);
        let name = name.as_str().as_bytes();
        let added = Added {
            before,
            name_len: name.len(),
            line: [name, b": ", value, b"\r\n"].concat(),
        };
        let at = self
            .added
            .partition_point(|a| a.before < before || (!first && a.before == before));
        self.added.insert(at, added);
    }

    fn check(&mut self, value: &[u8]) {
        if !is_clean(value) {
            self.fault.get_or_insert(BuildError::Injection);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;

    const INVITE: &str = "INVITE sip:a@b SIP/2.0\r\n\
        v: SIP/2.0/UDP h1;branch=z9hG4bK1;rport , SIP/2.0/TCP h2;branch=z9hG4bK2\r\n\
        Via: SIP/2.0/UDP h3\r\n\
        From: <sip:f@b>;tag=f\r\n\
        tO :\r\n <sip:a@b>\r\n\
        Call-ID: c\r\n\
        CSeq: 1 INVITE\r\n\
        Route: <sip:r1;lr>,<sip:r2;lr>\r\n\
        X-Odd:   two  spaces\t\r\n\
        Content-Length: 3\r\n\
        \r\n\
        abc";

    fn message() -> Message {
        Message::parse(Bytes::from_static(INVITE.as_bytes())).expect("sound")
    }

    /// An edit makes of the message what the replacements make of its text, and nothing else.
    fn check(name: &str, edit: impl Fn(Edit<'_>) -> Edit<'_>, replacements: &[(&str, &str)]) {
        let mut expected = String::from(INVITE);
        for (old, new) in replacements {
            assert!(expected.contains(old), "{name}: {old}");
            expected = expected.replacen(old, new, 1);
        }
        let message = message();
        let printed = edit(Edit::new(&message)).to_bytes().expect(name);
        assert_eq!(core::str::from_utf8(&printed), Ok(&*expected), "{name}");
    }

    #[test]
    fn edits_touch_nothing_else() {
        const VIA: &str =
            "v: SIP/2.0/UDP h1;branch=z9hG4bK1;rport , SIP/2.0/TCP h2;branch=z9hG4bK2\r\n";
        const SECOND: &str = "Via: SIP/2.0/TCP h2;branch=z9hG4bK2\r\n";
        const LAST: &str = "Via: SIP/2.0/UDP h3\r\n";
        const END: &str = "Content-Length: 3\r\n";
        check("nothing", |edit| edit, &[]);
        check(
            "request uri",
            |edit| edit.request_uri("sip:c@d"),
            &[("sip:a@b", "sip:c@d")],
        );
        check("status of a request", |edit| edit.status(200, "OK"), &[]);
        check(
            "remove other",
            |edit| edit.remove("x-odd"),
            &[("X-Odd:   two  spaces\t\r\n", "")],
        );
        check(
            "remove folded",
            |edit| edit.remove(HeaderName::To),
            &[("tO :\r\n <sip:a@b>\r\n", "")],
        );
        check("remove absent", |edit| edit.remove("Subject"), &[]);
        check(
            "set present",
            |edit| edit.set(HeaderName::CSeq, "2 INVITE"),
            &[("CSeq: 1", "CSeq: 2")],
        );
        check(
            "set all",
            |edit| edit.set("Via", "SIP/2.0/UDP us"),
            &[(VIA, "Via: SIP/2.0/UDP us\r\n"), (LAST, "")],
        );
        check(
            "append",
            |edit| edit.append("Subject", "hi").append("Subject", "ho"),
            &[(END, "Content-Length: 3\r\nSubject: hi\r\nSubject: ho\r\n")],
        );
        check(
            "append to present",
            |edit| edit.append("Via", "SIP/2.0/UDP z"),
            &[(LAST, "Via: SIP/2.0/UDP h3\r\nVia: SIP/2.0/UDP z\r\n")],
        );
        check(
            "prepend twice",
            |edit| {
                edit.prepend("Via", "SIP/2.0/UDP x")
                    .prepend("Via", "SIP/2.0/UDP y")
            },
            &[("v: ", "Via: SIP/2.0/UDP y\r\nVia: SIP/2.0/UDP x\r\nv: ")],
        );
        check("pop of a list", |edit| edit.pop("Via"), &[(VIA, SECOND)]);
        check("pop twice", |edit| edit.pop("Via").pop("Via"), &[(VIA, "")]);
        check(
            "pop thrice",
            |edit| edit.pop("Via").pop("Via").pop("Via"),
            &[(VIA, ""), (LAST, "")],
        );
        check(
            "pop and prepend",
            |edit| edit.pop("Via").prepend("Via", "SIP/2.0/UDP x"),
            &[(
                VIA,
                "Via: SIP/2.0/UDP x\r\nVia: SIP/2.0/TCP h2;branch=z9hG4bK2\r\n",
            )],
        );
        check(
            "pop what was added",
            |edit| edit.prepend("Via", "SIP/2.0/UDP x").pop("Via"),
            &[],
        );
        check(
            "set twice",
            |edit| edit.set("Subject", "one").set("Subject", "two"),
            &[(END, "Content-Length: 3\r\nSubject: two\r\n")],
        );
        check(
            "set and remove",
            |edit| edit.set("Subject", "one").remove("Subject"),
            &[],
        );
        check(
            "body",
            |edit| edit.body("text/plain", Bytes::from_static(b"abcdef")),
            &[
                (END, "Content-Length: 6\r\nContent-Type: text/plain\r\n"),
                ("abc", "abcdef"),
            ],
        );
    }

    #[test]
    fn the_source_is_noted_in_the_top_via_only() {
        let message = message();
        let source = "192.0.2.7:5099".parse().expect("an address");
        let noted = Edit::new(&message)
            .received(source)
            .to_message()
            .expect("sound");
        let vias: Vec<_> = noted
            .vias()
            .map(|via| via.expect("Via").as_bytes())
            .collect();
        assert_eq!(
            vias,
            [
                b"SIP/2.0/UDP h1;branch=z9hG4bK1;received=192.0.2.7;rport=5099".as_slice(),
                b"SIP/2.0/TCP h2;branch=z9hG4bK2",
                b"SIP/2.0/UDP h3",
            ]
        );
    }

    #[test]
    fn a_value_cannot_break_out_of_its_line() {
        let message = message();
        for value in ["a\r\nX: y", "a\n", "a\r", "a\0"] {
            let edit = Edit::new(&message).set("Subject", value);
            assert_eq!(edit.to_bytes(), Err(BuildError::Injection), "{value:?}");
        }
        let edit = Edit::new(&message).set("X: y\r\nZ", "v");
        assert_eq!(edit.to_bytes(), Err(BuildError::Name));
        let edit = Edit::new(&message).request_uri("sip:a@b SIP/2.0\r\nX: y");
        assert_eq!(edit.to_bytes(), Err(BuildError::Injection));
    }

    #[test]
    fn a_body_stays_octets() {
        let message = message();
        let body = Bytes::from_static(&[0, 13, 10, 255, 13, 10, 13, 10, 1]);
        let edited = Edit::new(&message).body("application/octet-stream", body.clone());
        let edited = edited.to_message().expect("sound");
        assert_eq!(edited.body(), body);
        let emptied = Edit::new(&edited)
            .body("", Bytes::new())
            .to_message()
            .expect("sound");
        assert_eq!(emptied.header(HeaderName::ContentType), None);
        assert_eq!(
            emptied.header(HeaderName::ContentLength),
            Some(b"0".as_slice())
        );
    }
}
