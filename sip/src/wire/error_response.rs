//! Answering a request that could not be parsed, or that may not be served, without any state.

use alloc::format;
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;

use super::address::scan_address;
use super::build::{is_clean, reason_phrase, received_via};
use super::fault::Fault;
use super::name::HeaderName;
use super::parse::leading_line_ends;
use super::scan::{self, Cursor};
use super::via::Via;
use super::{MAX_HEADERS, MAX_MESSAGE};

/// Writes the answer that a faulty request deserves, from its bytes alone.
///
/// Via, From, To, Call-ID and CSeq are copied as they stand, even if one of them is the one at fault;
/// To gets `to_tag` unless it has a tag. `source` is where the request came from, for the top Via.
/// `extra` are headers that go with the status, such as Allow with 405. Unsupported is added to a 420.
///
/// `None`: no answer. The fault deserves none, the message is a response or an ACK, or Via or CSeq,
/// without which the sender could not match the answer, cannot be used.
#[must_use]
pub fn error_response(
    raw: &[u8],
    fault: &Fault,
    to_tag: &str,
    source: Option<SocketAddr>,
    extra: &[(HeaderName<'_>, &str)],
) -> Option<Bytes> {
    let status = fault.sip_status()?;
    let raw = raw.get(leading_line_ends(raw)..)?;
    let raw = raw.get(..raw.len().min(MAX_MESSAGE))?;
    let (first_line, headers) = raw.split_at(memchr::memchr(b'\n', raw)? + 1);
    if !is_answerable(first_line) {
        return None;
    }
    let found = Found::in_headers(headers);
    let (top, more_vias) = found.vias.split_first()?;
    let cseq = found.cseq?;
    let mut out = Vec::with_capacity(512);
    let mut line = |parts: &[&[u8]]| {
        out.extend(parts.iter().copied().flatten());
        out.extend_from_slice(b"\r\n");
    };
    let reason = match fault.header_name() {
        Some(name) if status == 400 => format!("Bad {name}"),
        _ => reason_phrase(status).into(),
    };
    line(&[format!("SIP/2.0 {status} {reason}").as_bytes()]);
    line(&[b"Via: ", &top_via(top, source)?]);
    for via in more_vias {
        line(&[b"Via: ", via]);
    }
    if let Some(from) = found.from {
        line(&[b"From: ", from]);
    }
    if let Some(to) = found.to {
        line(&[b"To: ", to, &missing_tag(to, to_tag)]);
    }
    if let Some(call_id) = found.call_id {
        line(&[b"Call-ID: ", call_id]);
    }
    line(&[b"CSeq: ", cseq]);
    if let Fault::Extension(extensions) = fault
        && is_clean(extensions.as_bytes())
    {
        line(&[b"Unsupported: ", extensions.as_bytes()]);
    }
    for (name, value) in extra.iter().filter(|(_, value)| is_clean(value.as_bytes())) {
        line(&[name.as_str().as_bytes(), b": ", value.as_bytes()]);
    }
    line(&[b"Content-Length: 0"]);
    line(&[]);
    Some(Bytes::from(out))
}

/// Whether the first line is that of a request, and not of an ACK, which nobody answers
/// (RFC 3261 §17).
fn is_answerable(first_line: &[u8]) -> bool {
    let mut cursor = Cursor::new(first_line);
    let Some(method) = cursor.take_token() else {
        return false;
    };
    cursor.peek() == Some(b' ') && method != b"ACK" && !method.eq_ignore_ascii_case(b"SIP")
}

/// The headers that an answer copies, as they stand. Lines that nobody can read are passed over.
#[derive(Default)]
struct Found<'a> {
    vias: Vec<&'a [u8]>,
    from: Option<&'a [u8]>,
    to: Option<&'a [u8]>,
    call_id: Option<&'a [u8]>,
    cseq: Option<&'a [u8]>,
}

impl<'a> Found<'a> {
    fn in_headers(headers: &'a [u8]) -> Self {
        let mut found = Self::default();
        let mut rest = headers;
        for _ in 0..=MAX_HEADERS {
            let (line, after) = unfolded_line(rest);
            if line.is_empty() {
                break;
            }
            found.note(line);
            rest = after;
        }
        found
    }

    fn note(&mut self, line: &'a [u8]) {
        let mut cursor = Cursor::new(line);
        let name = cursor.take_token().unwrap_or_default();
        if !cursor.eat_spaced(b':') {
            return;
        }
        let value = scan::trim(cursor.rest());
        if value.is_empty() || !is_foldable(value) {
            return;
        }
        let Some(name) = HeaderName::known(name) else {
            return;
        };
        if name == HeaderName::Via {
            self.vias.push(value);
        } else if name == HeaderName::From {
            self.from.get_or_insert(value);
        } else if name == HeaderName::To {
            self.to.get_or_insert(value);
        } else if name == HeaderName::CallId {
            self.call_id.get_or_insert(value);
        } else if name == HeaderName::CSeq {
            self.cseq.get_or_insert(value);
        }
    }
}

/// Splits off a line with its folds, without its CRLF; an empty line or the end gives nothing.
fn unfolded_line(text: &[u8]) -> (&[u8], &[u8]) {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\n', text.get(from..).unwrap_or_default()) {
        let next = from + at + 1;
        if text.get(next).copied().is_some_and(scan::is_lws) {
            from = next;
            continue;
        }
        let (line, rest) = text.split_at(next);
        return (scan::trim(line), rest);
    }
    (scan::trim(text), b"")
}

/// Whether a value can be copied: each line end in it must be a fold, and nothing else may break a line.
fn is_foldable(value: &[u8]) -> bool {
    let mut rest = value;
    while let Some(at) = memchr::memchr3(b'\r', b'\n', 0, rest) {
        let fold = rest.get(at..at + 3).unwrap_or_default();
        if !matches!(fold, [b'\r', b'\n', b' ' | b'\t']) {
            return false;
        }
        rest = rest.get(at + 3..).unwrap_or_default();
    }
    true
}

/// The top Via line with its source noted; `None` if no answer could find its way by it.
fn top_via(line: &[u8], source: Option<SocketAddr>) -> Option<Vec<u8>> {
    let text: Vec<u8> = line
        .iter()
        .map(|&octet| {
            if matches!(octet, b'\r' | b'\n') {
                b' '
            } else {
                octet
            }
        })
        .collect();
    let Ok((via, rest)) = Via::parse(&text) else {
        // Where it came from is known even so: what is broken is copied.
        return source.map(|_| text);
    };
    let mut top = source
        .and_then(|source| received_via(&via, source))
        .unwrap_or_else(|| via.as_bytes().to_vec());
    if let Some(rest) = rest {
        top.push(b',');
        top.extend_from_slice(rest);
    }
    Some(top)
}

/// `;tag=...`, if To can be read and has none.
fn missing_tag(to: &[u8], tag: &str) -> Vec<u8> {
    let readable = to.len() < MAX_MESSAGE && !tag.is_empty() && is_clean(tag.as_bytes());
    match readable.then(|| scan_address(to, 0, to.len())) {
        Some(Ok((address, None))) if address.tag.is_empty() => [b";tag=", tag.as_bytes()].concat(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::super::message::Message;
    use super::*;

    const HEAD: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;rport;branch=z9hG4bK1\r\n\
        v:\r\n SIP/2.0/TCP g\r\nFrom: <sip:f@b>;tag=1\r\n";
    const TAIL: &str = "Call-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n";

    fn answer(raw: &str, fault: &Fault) -> Option<String> {
        let source = "192.0.2.9:1024".parse().ok();
        let extra = [
            (HeaderName::Allow, "INVITE"),
            (HeaderName::Subject, "a\r\nb"),
        ];
        let answer = error_response(raw.as_bytes(), fault, "ours", source, &extra)?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }

    #[test]
    fn copies_what_names_the_transaction() {
        let raw = format!("\r\n{HEAD}To: <sip:a@b>\r\n{TAIL}");
        let expected = "SIP/2.0 405 Method Not Allowed\r\n\
            Via: SIP/2.0/UDP h;branch=z9hG4bK1;received=192.0.2.9;rport=1024\r\n\
            Via: SIP/2.0/TCP g\r\nFrom: <sip:f@b>;tag=1\r\nTo: <sip:a@b>;tag=ours\r\n\
            Call-ID: c\r\nCSeq: 1 OPTIONS\r\nAllow: INVITE\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(
            answer(&raw, &Fault::MethodNotAllowed).as_deref(),
            Some(expected)
        );
    }

    #[test]
    fn what_is_broken_is_copied_or_left_out_but_never_breaks_out() {
        let table = [
            ("To: \"open <sip:a@b>\r\n", "\r\nTo: \"open <sip:a@b>\r\n"),
            (
                "To: <sip:a@b>;tag=theirs\r\n",
                "\r\nTo: <sip:a@b>;tag=theirs\r\n",
            ),
            (
                "no colon here\r\nTo: <sip:a@b>\r\n",
                "\r\nTo: <sip:a@b>;tag=ours\r\n",
            ),
            ("Subject: x\r\n", "tag=1\r\nCall-ID: c\r\n"),
            ("To: <sip:a\rEvil: y@b>\r\n", "tag=1\r\nCall-ID: c\r\n"),
        ];
        for (to, expected) in table {
            let raw = format!("{HEAD}{to}{TAIL}");
            let answer = answer(&raw, &Fault::header("To", "is odd")).expect(to);
            assert!(answer.starts_with("SIP/2.0 400 Bad To\r\n"), "{answer}");
            assert!(answer.contains(expected), "{answer}");
            assert!(!answer.contains("Evil"), "{answer}");
        }
    }

    #[test]
    fn some_are_never_answered() {
        let raw = format!("{HEAD}To: <sip:a@b>\r\n{TAIL}");
        let fault = Fault::header("To", "is odd");
        for (name, raw) in [
            ("an ACK", raw.replace("OPTIONS sip", "ACK sip")),
            (
                "a response",
                raw.replace("OPTIONS sip:a@b SIP/2.0", "SIP/2.0 200 OK"),
            ),
            (
                "no Via",
                raw.replace("Via: ", "Vie: ").replace("v:\r\n", "vie:\r\n"),
            ),
            ("no CSeq", raw.replace("CSeq", "CSec")),
            ("nothing", String::new()),
            ("only line ends", "\r\n\r\n".into()),
        ] {
            assert_eq!(answer(&raw, &fault), None, "{name}");
        }
        assert_eq!(answer(&raw, &Fault::NotSip), None);
        assert!(answer(&raw, &fault).is_some());
    }

    #[test]
    fn the_answer_is_a_message() {
        let raw = format!("{HEAD}To: <sip:a@b>\r\nTo: <sip:c@b>\r\n{TAIL}");
        let fault = Message::parse(raw.clone().into()).expect_err("To twice");
        assert_eq!(fault, Fault::Repeated("To"));
        let answer = answer(&raw, &fault).expect("an answer");
        let answer = Message::parse(answer.into()).expect("a message");
        assert_eq!(
            (answer.status(), answer.to_tag()),
            (Some(400), Some("ours"))
        );
    }
}
