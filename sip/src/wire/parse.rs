//! From bytes to a [`Message`]: the first line, the table of headers, the framing, the keys.
//!
//! One pass over the lines finds each header's name and value; only then are the few values read that
//! name a transaction and a dialog. Limits are checked before anything is kept.

use alloc::vec::Vec;

use bytes::Bytes;
use memchr::{memchr, memchr2, memrchr};
use smallvec::SmallVec;

use super::address::scan_address;
use super::fault::Fault;
use super::message::{HeaderSpan, Keys, Message, Start};
use super::method::Method;
use super::name::{HeaderName, OTHER};
use super::scan::{self, Cursor, Span};
use super::uri::{UriError, scheme_len};
use super::via::scan_via;
use super::{MAX_CSEQ, MAX_HEADERS, MAX_MESSAGE};

pub(crate) type HeaderTable = SmallVec<[HeaderSpan; 32]>;

/// Reads one message that fills the buffer, or is followed by octets that do not count.
pub(crate) fn parse(buf: Bytes) -> Result<Message, Fault> {
    let skipped = leading_line_ends(&buf);
    if skipped == buf.len() {
        return Err(Fault::Empty);
    }
    if buf.len() - skipped > MAX_MESSAGE {
        return Err(Fault::TooLong);
    }
    let mut raw = buf.slice(skipped..);
    let (start, after_start) = start_line(&raw)?;
    let lines = header_lines(&raw, after_start)?;
    let text = if lines.folded {
        unfold(&raw, &lines.table)
    } else {
        raw.clone()
    };
    let body_end = body_end(&text, &lines)?;
    if start.status.is_none() {
        check_request_line(&text, &start)?;
    }
    raw.truncate(body_end);
    let keys = keys(&text, &lines)?;
    Ok(Message::new(
        raw,
        text,
        start,
        lines.table,
        lines.body,
        keys,
    ))
}

/// How many octets of CRLF stand before the message (RFC 3261 §7.5).
pub(crate) fn leading_line_ends(buf: &[u8]) -> usize {
    buf.iter()
        .position(|&octet| octet != b'\r' && octet != b'\n')
        .unwrap_or(buf.len())
}

/// The end of the line that begins at `start`: the offset of its CRLF.
fn line_end(text: &[u8], start: usize) -> Result<usize, LineFault> {
    let rest = text.get(start..).unwrap_or_default();
    let Some(len) = memchr2(b'\r', b'\n', rest) else {
        return Err(LineFault::Open);
    };
    match (rest.get(len), rest.get(len + 1)) {
        (Some(b'\r'), Some(b'\n')) => Ok(start + len),
        (Some(b'\r'), None) => Err(LineFault::Open),
        _ => Err(LineFault::Bare),
    }
}

enum LineFault {
    /// The text ends before the line does.
    Open,
    /// CR without LF, or LF without CR. Other software reads such a line in another way than we would,
    /// and that is how headers are smuggled.
    Bare,
}

fn start_line(raw: &[u8]) -> Result<(Start, usize), Fault> {
    let end = match line_end(raw, 0) {
        Ok(end) => end,
        Err(LineFault::Open) if looks_like_sip(raw) => return Err(Fault::Unterminated),
        Err(_) => return Err(Fault::NotSip),
    };
    let line = raw.get(..end).unwrap_or_default();
    let after = end + 2;
    if line
        .get(..4)
        .is_some_and(|s| s.eq_ignore_ascii_case(b"SIP/"))
    {
        return Ok((status_line(line)?, after));
    }
    Ok((request_line(line)?, after))
}

/// Whether a first line without an end could be one of ours: a token and a space, or a version.
fn looks_like_sip(raw: &[u8]) -> bool {
    let mut cursor = Cursor::new(raw);
    let token = cursor.take_token().is_some();
    token && matches!(cursor.peek(), Some(b' ' | b'/'))
}

/// `SIP/2.0 200 OK`.
fn status_line(line: &[u8]) -> Result<Start, Fault> {
    let version_end = memchr(b' ', line).ok_or(Fault::StatusLine("has no status"))?;
    if !line
        .get(..version_end)
        .is_some_and(|version| version.eq_ignore_ascii_case(b"SIP/2.0"))
    {
        return Err(Fault::StatusLine("has another version than SIP/2.0"));
    }
    let code = line
        .get(version_end + 1..version_end + 4)
        .unwrap_or_default();
    let status = scan::decimal(code, 699)
        .filter(|&status| status >= 100)
        .ok_or(Fault::StatusLine("has a status that is none"))?;
    let reason = match line.get(version_end + 4) {
        None => line.len(),
        Some(b' ') => version_end + 5,
        Some(_) => return Err(Fault::StatusLine("has a status that is none")),
    };
    Ok(Start {
        status: Some(status as u16),
        method: None,
        first: Span::default(),
        second: Span::new(reason, line.len()),
    })
}

/// `INVITE sip:a@b SIP/2.0`: single spaces, none at the end (RFC 3261 §7.1).
fn request_line(line: &[u8]) -> Result<Start, Fault> {
    let mut cursor = Cursor::new(line);
    let Some(method) = cursor.take_token() else {
        return Err(Fault::NotSip);
    };
    if !cursor.eat(b' ') {
        return Err(Fault::NotSip);
    }
    let uri_start = cursor.pos();
    let version_at = memrchr(b' ', line).map_or(0, |space| space + 1);
    let version = line.get(version_at..).unwrap_or_default();
    if version_at <= uri_start {
        return Err(if is_version(version) {
            Fault::RequestLine("has no Request-URI")
        } else {
            Fault::NotSip
        });
    }
    if !is_version(version) {
        let names_sip = memchr::memmem::find(line, b"SIP/").is_some();
        return Err(if names_sip {
            Fault::RequestLine("does not end with its version")
        } else {
            Fault::NotSip
        });
    }
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Err(Fault::Version);
    }
    Ok(Start {
        status: None,
        method: Method::known(method),
        first: Span::new(0, method.len()),
        second: Span::new(uri_start, version_at - 1),
    })
}

/// `SIP/` and two numbers.
fn is_version(text: &[u8]) -> bool {
    let Some((name, numbers)) = text.split_at_checked(4) else {
        return false;
    };
    let mut cursor = Cursor::new(numbers);
    let mut number = || !cursor.take_while(|octet| octet.is_ascii_digit()).is_empty();
    let major = number();
    let dot = {
        let at = numbers.iter().position(|&octet| octet == b'.');
        at.and_then(|at| numbers.get(at + 1..))
    };
    name.eq_ignore_ascii_case(b"SIP/")
        && major
        && dot.is_some_and(|minor| !minor.is_empty() && minor.iter().all(u8::is_ascii_digit))
}

/// The Request-URI must look like one; what its scheme demands is for `validate` to check.
fn check_request_line(text: &[u8], start: &Start) -> Result<(), Fault> {
    match scheme_len(start.second.of(text)) {
        Ok(_) => Ok(()),
        Err(UriError(why)) => Err(Fault::RequestLine(why)),
    }
}

/// What one pass over the lines finds.
struct Lines {
    table: HeaderTable,
    /// Where the body begins.
    body: usize,
    folded: bool,
    via: Option<Span>,
    from: Option<Span>,
    to: Option<Span>,
    call_id: Option<Span>,
    cseq: Option<Span>,
    max_forwards: Option<Span>,
    content_length: Option<Span>,
}

impl Lines {
    fn new(body: usize) -> Self {
        Self {
            table: HeaderTable::new(),
            body,
            folded: false,
            via: None,
            from: None,
            to: None,
            call_id: None,
            cseq: None,
            max_forwards: None,
            content_length: None,
        }
    }

    /// Remembers the values that are read at once.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a new name in the list is one more that is left for later"
    )]
    fn note(&mut self, name: HeaderName<'_>, value: Span) {
        match name {
            HeaderName::Via => {
                self.via.get_or_insert(value);
            }
            HeaderName::From => self.from = Some(value),
            HeaderName::To => self.to = Some(value),
            HeaderName::CallId => self.call_id = Some(value),
            HeaderName::CSeq => self.cseq = Some(value),
            HeaderName::MaxForwards => self.max_forwards = Some(value),
            HeaderName::ContentLength => self.content_length = Some(value),
            _ => {}
        }
    }
}

fn header_lines(raw: &[u8], after_start: usize) -> Result<Lines, Fault> {
    let mut lines = Lines::new(after_start);
    let mut seen = 0_u64;
    let mut at = after_start;
    while raw.get(at..at + 2) != Some(b"\r\n") {
        if at >= raw.len() || raw.get(at..) == Some(b"\r") {
            return Err(Fault::Unterminated);
        }
        if lines.table.len() == MAX_HEADERS {
            return Err(Fault::TooManyHeaders);
        }
        let line = lines.table.len() + 1;
        let header = header_line(raw, at, line, &mut lines.folded)?;
        at = header.line_end;
        if let Some(name) = header.known {
            let bit = 1 << (name.id() % 64);
            if seen & bit != 0 && name.is_single() {
                return Err(if name == HeaderName::ContentLength {
                    Fault::ContentLength("repeated")
                } else {
                    Fault::Repeated(name.as_str())
                });
            }
            seen |= bit;
            lines.note(name, header.span.value);
        }
        lines.table.push(header.span);
    }
    lines.body = at + 2;
    Ok(lines)
}

struct HeaderLine {
    span: HeaderSpan,
    known: Option<HeaderName<'static>>,
    line_end: usize,
}

/// Reads the header line that begins at `start`, with the lines folded under it.
fn header_line(
    raw: &[u8],
    start: usize,
    line: usize,
    folded: &mut bool,
) -> Result<HeaderLine, Fault> {
    let name = header_name(raw, start, line)?;
    let mut cursor = Cursor::at(raw, name.after_colon);
    cursor.skip_lws();
    let value_start = cursor.pos();
    let mut end = value_start;
    loop {
        end = match line_end(raw, end) {
            Ok(end) => end,
            Err(LineFault::Open) => return Err(Fault::Unterminated),
            Err(LineFault::Bare) => {
                let why = "has a bare CR or LF";
                return Err(Fault::HeaderLine { line, why });
            }
        };
        if !raw.get(end + 2).copied().is_some_and(scan::is_lws) {
            break;
        }
        *folded = true;
        end += 2;
    }
    let span = HeaderSpan {
        id: name.known.map_or(OTHER, HeaderName::id),
        name: Span::new(start, name.end),
        value: trimmed(raw, value_start, end),
    };
    Ok(HeaderLine {
        span,
        known: name.known,
        line_end: end + 2,
    })
}

struct Name {
    known: Option<HeaderName<'static>>,
    end: usize,
    after_colon: usize,
}

/// Reads a header's name and steps over its colon.
fn header_name(raw: &[u8], start: usize, line: usize) -> Result<Name, Fault> {
    // Nearly all names are known and end at their colon: found at once, they need no look at each octet.
    if let Some(end) = scan::find_colon(raw, start)
        && let Some(known) = HeaderName::known(raw.get(start..end).unwrap_or_default())
    {
        return Ok(Name {
            known: Some(known),
            end,
            after_colon: end + 1,
        });
    }
    let fault = |why| Err(Fault::HeaderLine { line, why });
    let mut cursor = Cursor::at(raw, start);
    let Some(name) = cursor.take_token() else {
        return fault("has no name");
    };
    let end = cursor.pos();
    cursor.skip_lws();
    if cursor.is_end() {
        return Err(Fault::Unterminated);
    }
    if !cursor.eat(b':') {
        return fault("has no colon behind its name");
    }
    Ok(Name {
        known: HeaderName::known(name),
        end,
        after_colon: cursor.pos(),
    })
}

/// The span without white space at its ends, line ends of folding included.
fn trimmed(raw: &[u8], start: usize, end: usize) -> Span {
    let value = raw.get(start..end).unwrap_or_default();
    let bounds = (value.first(), value.last());
    if let (Some(b'!'..), Some(b'!'..)) = bounds {
        return Span::new(start, end);
    }
    let is_space = |octet: &u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
    let before = value.iter().take_while(|octet| is_space(octet)).count();
    let after = value
        .iter()
        .rev()
        .take(value.len() - before)
        .take_while(|octet| is_space(octet))
        .count();
    Span::new(start + before, end - after)
}

/// A copy in which each fold is spaces, at the same offsets: the one thing parsing may allocate for.
fn unfold(raw: &[u8], table: &HeaderTable) -> Bytes {
    let mut text: Vec<u8> = raw.to_vec();
    for header in table {
        let span = usize::from(header.value.start)..usize::from(header.value.end);
        for octet in text.get_mut(span).unwrap_or_default() {
            if matches!(octet, b'\r' | b'\n') {
                *octet = b' ';
            }
        }
    }
    Bytes::from(text)
}

/// Where the body ends. Without Content-Length it is all that came (RFC 3261 §18.3).
fn body_end(text: &[u8], lines: &Lines) -> Result<usize, Fault> {
    let Some(span) = lines.content_length else {
        return Ok(text.len());
    };
    let declared = content_length(span.of(text))?;
    let end = lines.body.saturating_add(declared);
    if end > text.len() {
        return Err(Fault::ContentLength("is longer than the message"));
    }
    Ok(end)
}

/// Reads the value of Content-Length.
pub(crate) fn content_length(value: &[u8]) -> Result<usize, Fault> {
    match scan::decimal(value, u64::from(u32::MAX)) {
        Some(declared) => Ok(declared as usize),
        None => Err(Fault::ContentLength("is not a number")),
    }
}

/// Reads what names the transaction and the dialog.
fn keys(text: &[u8], lines: &Lines) -> Result<Keys, Fault> {
    let need = |span: Option<Span>, name: &'static str| span.ok_or(Fault::Missing(name));
    let via = need(lines.via, "Via")?;
    let (via, _) = scan_via(text, usize::from(via.start), usize::from(via.end))
        .map_err(|why| Fault::header("Via", why))?;
    let tag = |span: Option<Span>, name| {
        let span = need(span, name)?;
        let (address, next) = scan_address(text, usize::from(span.start), usize::from(span.end))
            .map_err(|why| Fault::header(name, why))?;
        match next {
            None => Ok(address.tag),
            Some(_) => Err(Fault::header(name, "has more than one value")),
        }
    };
    let from_tag = tag(lines.from, "From")?;
    let to_tag = tag(lines.to, "To")?;
    let call_id = need(lines.call_id, "Call-ID")?;
    let id = call_id.of(text);
    if id.is_empty() || !id.iter().all(u8::is_ascii_graphic) {
        return Err(Fault::header("Call-ID", "is not an identifier"));
    }
    let (cseq_number, cseq_method) = cseq(text, need(lines.cseq, "CSeq")?)?;
    let max_forwards = lines
        .max_forwards
        .map(|span| {
            scan::decimal(span.of(text), 255)
                .map(|hops| hops as u8)
                .ok_or(Fault::header("Max-Forwards", "is not a number up to 255"))
        })
        .transpose()?;
    Ok(Keys {
        via,
        from_tag,
        to_tag,
        call_id,
        cseq_number,
        cseq_method,
        max_forwards,
    })
}

fn cseq(text: &[u8], span: Span) -> Result<(u32, Span), Fault> {
    let fault = |why| Fault::header("CSeq", why);
    let mut cursor = Cursor::at(
        text.get(..usize::from(span.end)).unwrap_or_default(),
        usize::from(span.start),
    );
    let digits = cursor.take_while(|octet| octet.is_ascii_digit());
    let number = scan::decimal(digits, u64::from(MAX_CSEQ))
        .ok_or_else(|| fault("has no number below 2^31"))? as u32;
    let before = cursor.pos();
    cursor.skip_lws();
    let start = cursor.pos();
    if start == before || cursor.take_token().is_none() || !cursor.is_end() {
        return Err(fault("has no method behind its number"));
    }
    Ok((number, Span::new(start, cursor.pos())))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use super::*;

    const REST: &str = "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:f@b>;tag=1\r\n\
        To: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n";

    fn read(text: impl Into<String>) -> Result<Message, Fault> {
        parse(Bytes::from(text.into()))
    }

    #[test]
    fn first_lines() {
        let request = Fault::RequestLine;
        let status = Fault::StatusLine;
        let table = [
            ("INVITE sip:a@b SIP/2.0", None),
            ("INVITE sip:a@b sip/2.0", None),
            ("INVITE sip:a@b SIP/3.0", Some(Fault::Version)),
            (
                "INVITE sip:a@b SIP/2.0 ",
                Some(request("does not end with its version")),
            ),
            (
                "INVITE sip:a@b SIP/x",
                Some(request("does not end with its version")),
            ),
            ("INVITE SIP/2.0", Some(request("has no Request-URI"))),
            (
                "INVITE  sip:a@b SIP/2.0",
                Some(request("has characters that no URI has")),
            ),
            ("INVITE a@b SIP/2.0", Some(request("has no scheme"))),
            ("INVITE", Some(Fault::NotSip)),
            ("IN@VITE sip:a@b SIP/2.0", Some(Fault::NotSip)),
            (" INVITE sip:a@b SIP/2.0", Some(Fault::NotSip)),
            ("GET / HTTP/1.1", Some(Fault::NotSip)),
            ("SIP/2.0 200 OK", None),
            ("SIP/2.0 200 ", None),
            ("SIP/2.0 200", None),
            ("SIP/2.0 099 x", Some(status("has a status that is none"))),
            ("SIP/2.0 700 x", Some(status("has a status that is none"))),
            ("SIP/2.0 2000 x", Some(status("has a status that is none"))),
            ("SIP/2.0 20", Some(status("has a status that is none"))),
            ("SIP/2.0", Some(status("has no status"))),
            (
                "SIP/1.0 200 OK",
                Some(status("has another version than SIP/2.0")),
            ),
        ];
        for (line, expected) in table {
            let found = read(format!("{line}\r\n{REST}\r\n"));
            assert_eq!(found.err(), expected, "{line}");
        }
    }

    #[test]
    fn header_lines() {
        let line = |why| Fault::HeaderLine { line: 6, why };
        let length = Fault::ContentLength;
        let table = [
            ("X: y", None),
            ("X:", None),
            ("X \t:y", None),
            ("X: a\r\n b\r\n\tc", None),
            ("X", Some(line("has no colon behind its name"))),
            ("X y: z", Some(line("has no colon behind its name"))),
            (": y", Some(line("has no name"))),
            ("X: a\rb", Some(line("has a bare CR or LF"))),
            ("X: a\nb", Some(line("has a bare CR or LF"))),
            ("X\r\n : y", Some(line("has no colon behind its name"))),
            ("t: <sip:a@b>", Some(Fault::Repeated("To"))),
            ("i: d", Some(Fault::Repeated("Call-ID"))),
            ("Contact: <sip:a@b>\r\nm: <sip:c@d>", None),
            ("l: 0\r\nContent-Length: 0", Some(length("repeated"))),
            ("l: 1", Some(length("is longer than the message"))),
            ("l: -1", Some(length("is not a number"))),
            ("l: 0, 0", Some(length("is not a number"))),
            ("l:", Some(length("is not a number"))),
            (
                "l: 99999999999999999999999",
                Some(length("is not a number")),
            ),
            (
                "Max-Forwards: 256",
                Some(Fault::header("Max-Forwards", "is not a number up to 255")),
            ),
        ];
        for (header, expected) in table {
            let found = read(format!("INVITE sip:a@b SIP/2.0\r\n{REST}{header}\r\n\r\n"));
            assert_eq!(found.err(), expected, "{header}");
        }
    }

    #[test]
    fn keys_must_be_there_and_sound() {
        let table = [
            (
                "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n",
                "",
                Fault::Missing("Via"),
            ),
            ("From: <sip:f@b>;tag=1\r\n", "", Fault::Missing("From")),
            ("To: <sip:a@b>\r\n", "", Fault::Missing("To")),
            ("Call-ID: c\r\n", "", Fault::Missing("Call-ID")),
            ("CSeq: 1 INVITE\r\n", "", Fault::Missing("CSeq")),
            (
                "Call-ID: c",
                "Call-ID:",
                Fault::header("Call-ID", "is not an identifier"),
            ),
            (
                "Call-ID: c",
                "Call-ID: c d",
                Fault::header("Call-ID", "is not an identifier"),
            ),
            (
                "CSeq: 1 ",
                "CSeq: 2147483648 ",
                Fault::header("CSeq", "has no number below 2^31"),
            ),
            (
                "CSeq: 1 ",
                "CSeq: ",
                Fault::header("CSeq", "has no number below 2^31"),
            ),
            (
                "CSeq: 1 ",
                "CSeq: 1",
                Fault::header("CSeq", "has no method behind its number"),
            ),
            (
                "1 INVITE",
                "1 INVITE x",
                Fault::header("CSeq", "has no method behind its number"),
            ),
            (
                "<sip:a@b>",
                "<sip:a@b>, <sip:c@d>",
                Fault::header("To", "has more than one value"),
            ),
            (
                "<sip:f@b>;tag",
                "<sip:f@b;tag",
                Fault::header("From", "has a < that does not close"),
            ),
        ];
        for (sound, broken, expected) in table {
            let text = format!("INVITE sip:a@b SIP/2.0\r\n{REST}\r\n");
            assert!(text.contains(sound), "{sound}");
            assert_eq!(
                read(text.replacen(sound, broken, 1)).err(),
                Some(expected),
                "{broken}"
            );
        }
    }

    #[test]
    fn framing() {
        let whole = format!("INVITE sip:a@b SIP/2.0\r\n{REST}l: 3\r\n\r\nabc");
        assert_eq!(
            read(&*whole).map(|m| m.body()),
            Ok(Bytes::from_static(b"abc"))
        );
        let padded = format!("\r\n\r\n{whole}defgh");
        assert_eq!(
            read(padded).map(|m| m.as_bytes().clone()),
            Ok(Bytes::from(whole.clone()))
        );
        for cut in 1..whole.len() {
            let fault = read(&whole[..cut]).expect_err("cut short");
            assert!(
                fault.tier() == super::super::Tier::Framing,
                "{cut}: {fault}"
            );
        }
        let unlimited = whole.replace("l: 3\r\n", "");
        assert_eq!(
            read(unlimited + "def").map(|m| m.body()),
            Ok(Bytes::from_static(b"abcdef"))
        );
        assert_eq!(read("\r\n\r\n"), Err(Fault::Empty));
        assert_eq!(read(""), Err(Fault::Empty));
    }

    #[test]
    fn limits() {
        let with = |headers: usize| {
            let more = "X-Y: z\r\n".repeat(headers - 5);
            read(format!("INVITE sip:a@b SIP/2.0\r\n{REST}{more}\r\n"))
        };
        assert_eq!(with(MAX_HEADERS).map(|m| m.header_count()), Ok(MAX_HEADERS));
        assert_eq!(with(MAX_HEADERS + 1), Err(Fault::TooManyHeaders));
        let long = |octets: usize| {
            let head = format!("INVITE sip:a@b SIP/2.0\r\n{REST}X: ");
            let value = "x".repeat(octets - head.len() - 4);
            read(format!("{head}{value}\r\n\r\n"))
        };
        assert_eq!(
            long(MAX_MESSAGE).map(|m| m.as_bytes().len()),
            Ok(MAX_MESSAGE)
        );
        assert_eq!(long(MAX_MESSAGE + 1), Err(Fault::TooLong));
    }
}
