//! A message without its secrets, for whoever reads along: traces, captures, logs.
//!
//! Each octet of a secret becomes an `x`, so that lengths stay true, Content-Length too, and everything else stays
//! as it was to the octet. Masked are what a digest is made with and of, passwords in URIs, keys of media and ICE in
//! descriptions, and the digits that an INFO carries. It works on octets, not on a [`Message`](super::Message), since what
//! could not be parsed is traced as well; where it is in doubt it masks more.

use alloc::vec::Vec;
use core::ops::Range;

/// What stands in the place of an octet of a secret.
const MASK: u8 = b'x';
/// Headers that carry credentials or what they are made of (RFC 3261 §20.7, §20.27, §20.28, §20.44; RFC 7615).
const AUTH_HEADERS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "www-authenticate",
    "proxy-authenticate",
    "authentication-info",
];
/// The parameters of a digest that help to guess a password, or to use it once more.
const AUTH_PARAMS: &[&str] = &["response", "nonce", "cnonce", "nextnonce", "rspauth"];
/// Lines of a description whose value is a secret from this mark on (RFC 4568 §9.1, RFC 8839 §5.4, RFC 4567 §3.1, RFC 4566 §5.12).
const SDP_SECRETS: &[&str] = &[
    "a=ice-pwd:",
    "a=key-mgmt:mikey ",
    "k=clear:",
    "k=base64:",
    "k=uri:",
];

/// A copy of the same length without secrets.
#[must_use]
pub fn masked(raw: &[u8]) -> Vec<u8> {
    let mut copy = raw.to_vec();
    let mut hide = |secret: Range<usize>| {
        if let Some(octets) = copy.get_mut(secret) {
            octets.fill(MASK);
        }
    };
    let body = body_start(raw);
    mask_credentials(raw, body, &mut hide);
    mask_uris(raw, &mut hide);
    mask_body(raw, body, &mut hide);
    copy
}

/// The value of a header of a message that may be faulty: the first one of that name, given long and short, trimmed.
#[must_use]
pub fn raw_header<'m>(raw: &'m [u8], long: &str, short: &str) -> Option<&'m [u8]> {
    let head = raw.get(..body_start(raw))?;
    let mut headers = lines(head, 0)
        .skip(1)
        .filter_map(|line| split_at(head, line, b':'));
    let named = headers.find(|(name, _)| {
        let name = head.get(name.clone()).unwrap_or_default().trim_ascii();
        name.eq_ignore_ascii_case(long.as_bytes()) || name.eq_ignore_ascii_case(short.as_bytes())
    });
    named.and_then(|(_, value)| Some(head.get(value)?.trim_ascii()))
}

/// Where the body begins: after the first empty line; the end where there is none.
fn body_start(raw: &[u8]) -> usize {
    lines(raw, 0)
        .find(|line| line.is_empty())
        .map_or(raw.len(), |line| {
            let ended_by = raw.get(line.start..).unwrap_or_default();
            line.start + if ended_by.starts_with(b"\r\n") { 2 } else { 1 }
        })
        .min(raw.len())
}

/// The lines from there on, without their ends.
fn lines(raw: &[u8], from: usize) -> impl Iterator<Item = Range<usize>> {
    let mut next = Some(from).filter(|from| *from < raw.len());
    core::iter::from_fn(move || {
        let start = next?;
        let rest = raw.get(start..)?;
        let end = memchr::memchr(b'\n', rest);
        next = end.map(|end| start + end + 1).filter(|at| *at < raw.len());
        let line = rest.get(..end.unwrap_or(rest.len()))?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(start..start + line.len())
    })
}

/// Both sides of the first such octet in a line.
fn split_at(raw: &[u8], line: Range<usize>, octet: u8) -> Option<(Range<usize>, Range<usize>)> {
    let at = line.start + memchr::memchr(octet, raw.get(line.clone())?)?;
    Some((line.start..at, at + 1..line.end))
}

/// Credentials and challenges, on folded lines too (RFC 3261 §7.3.1).
fn mask_credentials(raw: &[u8], body: usize, hide: &mut impl FnMut(Range<usize>)) {
    let head = raw.get(..body).unwrap_or_default();
    let mut is_auth = false;
    for line in lines(head, 0).skip(1) {
        let text = head.get(line.clone()).unwrap_or_default();
        let folded = text
            .first()
            .is_some_and(|first| matches!(first, b' ' | b'\t'));
        let value = if folded {
            line
        } else {
            let Some((name, value)) = split_at(head, line, b':') else {
                is_auth = false;
                continue;
            };
            let name = head.get(name).unwrap_or_default().trim_ascii();
            is_auth = one_of(name, AUTH_HEADERS);
            value
        };
        if is_auth {
            mask_auth_value(head, value, folded, hide);
        }
    }
}

/// Of a digest its telling parameters, of any other scheme all.
fn mask_auth_value(
    head: &[u8],
    value: Range<usize>,
    folded: bool,
    hide: &mut impl FnMut(Range<usize>),
) {
    let text = head.get(value.clone()).unwrap_or_default();
    let trimmed = text.trim_ascii_start();
    let start = value.start + (text.len() - trimmed.len());
    let scheme = trimmed
        .iter()
        .position(|octet| matches!(octet, b' ' | b'\t'));
    let word = trimmed
        .get(..scheme.unwrap_or(trimmed.len()))
        .unwrap_or_default();
    let is_params = folded || word.eq_ignore_ascii_case(b"digest") || word.contains(&b'=');
    if !is_params {
        if let Some(scheme) = scheme {
            hide(start + scheme + 1..value.end);
        }
        return;
    }
    for param in params(head, value) {
        let Some((name, secret)) = split_at(head, param, b'=') else {
            continue;
        };
        let name = head.get(name).unwrap_or_default().trim_ascii();
        // The scheme stands before the first parameter.
        let name = name
            .rsplit(|octet| matches!(octet, b' ' | b'\t'))
            .next()
            .unwrap_or_default();
        if one_of(name, AUTH_PARAMS) {
            hide(unquoted(head, secret));
        }
    }
}

/// Parts between commas that stand in no quoted string.
fn params(head: &[u8], value: Range<usize>) -> Vec<Range<usize>> {
    let (mut parts, mut from) = (Vec::new(), value.start);
    let (mut quoted, mut escaped) = (false, false);
    for (at, octet) in head.iter().enumerate().take(value.end).skip(value.start) {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                parts.push(from..at);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(from..value.end);
    parts
}

/// Without the blanks and quotes around it.
fn unquoted(raw: &[u8], value: Range<usize>) -> Range<usize> {
    let is_edge = |at: &usize| {
        let octet = raw.get(*at).copied().unwrap_or_default();
        matches!(octet, b' ' | b'\t' | b'"')
    };
    let start = value.clone().find(|at| !is_edge(at)).unwrap_or(value.end);
    let end = value
        .rev()
        .find(|at| !is_edge(at))
        .map_or(start, |at| at + 1);
    start..end
}

/// The password in `sip:user:password@host` (RFC 3261 §19.1.1), wherever such a URI stands.
fn mask_uris(raw: &[u8], hide: &mut impl FnMut(Range<usize>)) {
    for colon in memchr::memchr_iter(b':', raw) {
        let before = raw.get(..colon).unwrap_or_default();
        if !ends_with(before, b"sip") && !ends_with(before, b"sips") {
            continue;
        }
        let uri = raw.get(colon + 1..).unwrap_or_default();
        let ends = |octet: &u8| matches!(octet, b'@' | b'>' | b'<' | b'"' | b'\r' | b'\n' | b' ');
        let Some(end) = uri.iter().position(ends) else {
            continue;
        };
        let user = uri.get(..end).unwrap_or_default();
        if uri.get(end) == Some(&b'@')
            && let Some(password) = memchr::memchr(b':', user)
        {
            hide(colon + 1 + password + 1..colon + 1 + end);
        }
    }
}

fn mask_body(raw: &[u8], body: usize, hide: &mut impl FnMut(Range<usize>)) {
    let kind = raw_header(raw, "Content-Type", "c").unwrap_or_default();
    let digits_only =
        starts_with(kind, b"application/dtmf") && !starts_with(kind, b"application/dtmf-relay");
    for line in lines(raw, body) {
        let text = raw.get(line.clone()).unwrap_or_default();
        if digits_only {
            hide(line);
        } else if starts_with(text, b"a=crypto:") {
            mask_inline_keys(text, line.start, hide);
        } else if let Some(mark) = SDP_SECRETS
            .iter()
            .find(|mark| starts_with(text, mark.as_bytes()))
        {
            hide(line.start + mark.len()..line.end);
        } else if starts_with(text, b"signal")
            && let Some((_, digit)) = split_at(raw, line, b'=')
        {
            hide(unquoted(raw, digit));
        }
    }
}

/// Each `inline:` key with what belongs to it, up to the next blank or semicolon.
fn mask_inline_keys(text: &[u8], line: usize, hide: &mut impl FnMut(Range<usize>)) {
    const INLINE: &[u8] = b"inline:";
    for at in memchr::memmem::find_iter(text, INLINE) {
        let start = at + INLINE.len();
        let rest = text.get(start..).unwrap_or_default();
        let key = rest
            .iter()
            .position(|octet| matches!(octet, b' ' | b'\t' | b';'));
        hide(line + start..line + start + key.unwrap_or(rest.len()));
    }
}

fn one_of(name: &[u8], names: &[&str]) -> bool {
    names
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

fn starts_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Whether a text ends with a word, in whatever case.
fn ends_with(text: &[u8], word: &[u8]) -> bool {
    let start = text.len().checked_sub(word.len());
    let end = start.and_then(|start| text.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    fn mask(raw: &str) -> String {
        String::from_utf8(masked(raw.as_bytes())).unwrap()
    }

    #[test]
    fn secrets_of_headers_become_as_many_x() {
        for (name, line, expected) in [
            (
                "a digest",
                "Authorization: Digest username=\"1001\", realm=\"a, nonce=b\", nonce=\"abc\", uri=\"sip:b\", response=\"0123\",cnonce=q1, qop=auth, nc=00000001",
                "Authorization: Digest username=\"1001\", realm=\"a, nonce=b\", nonce=\"xxx\", uri=\"sip:b\", response=\"xxxx\",cnonce=xx, qop=auth, nc=00000001",
            ),
            (
                "to a proxy, in another case and with blanks",
                "PROXY-authorization : digest  NONCE = \"abc\" , Response = 12",
                "PROXY-authorization : digest  NONCE = \"xxx\" , Response = xx",
            ),
            (
                "a challenge",
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"secret\", algorithm=MD5",
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"xxxxxx\", algorithm=MD5",
            ),
            (
                "a folded line",
                "Authorization: Digest username=\"u\",\r\n response=\"0123\"",
                "Authorization: Digest username=\"u\",\r\n response=\"xxxx\"",
            ),
            (
                "a quote that never ends",
                "Authorization: Digest response=\"0123",
                "Authorization: Digest response=\"xxxx",
            ),
            (
                "another scheme",
                "Authorization: Basic dTpw",
                "Authorization: Basic xxxx",
            ),
            (
                "what an answer proves",
                "Authentication-Info: nextnonce=\"ab\", rspauth=\"cd\"",
                "Authentication-Info: nextnonce=\"xx\", rspauth=\"xx\"",
            ),
            (
                "passwords in URIs",
                "Contact: \"sip:x\" <sip:u:pw@h:5060>, <SIPS:v:p%40w@h>",
                "Contact: \"sip:x\" <sip:u:xx@h:5060>, <SIPS:v:xxxxx@h>",
            ),
            (
                "no password",
                "Route: <sip:h:5060;lr>, <sip:u@h:1>",
                "Route: <sip:h:5060;lr>, <sip:u@h:1>",
            ),
            (
                "another header",
                "X-Response: response=\"0123\"",
                "X-Response: response=\"0123\"",
            ),
        ] {
            let (raw, expected) = (message(line, ""), message(expected, ""));
            assert_eq!(mask(&raw), expected, "{name}");
        }
    }

    #[test]
    fn secrets_of_bodies_become_as_many_x() {
        for (name, kind, body, expected) in [
            (
                "keys of media",
                "application/sdp",
                "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3|2^20|1:4;inline:AB KDR=1\r\na=x\r\n",
                "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxxxxxxxxxxxxxxxxxxxxxxxx;inline:xx KDR=1\r\na=x\r\n",
            ),
            (
                "other keys",
                "application/sdp",
                "k=clear:abc\na=ice-pwd:secret\na=ice-ufrag:open\n",
                "k=clear:xxx\na=ice-pwd:xxxxxx\na=ice-ufrag:open\n",
            ),
            (
                "digits with their length",
                "application/dtmf-relay",
                "Signal= 5\r\nDuration=160\r\n",
                "Signal= x\r\nDuration=160\r\n",
            ),
            ("digits alone", "application/dtmf", "5", "x"),
        ] {
            let kind = format!("Content-Type: {kind}");
            assert_eq!(
                mask(&message(&kind, body)),
                message(&kind, expected),
                "{name}"
            );
        }
    }

    #[test]
    fn the_request_line_and_octets_that_are_no_message_are_looked_at_too() {
        let raw = "INVITE sip:1001:secret@h SIP/2.0\r\nCall-ID: 1\r\n\r\n";
        assert_eq!(mask(raw), raw.replace("secret", "xxxxxx"));
        for raw in [
            &b""[..],
            b"\r\n\r\n",
            b"sip:",
            b"\xff:\x00sip:a:b@",
            b"Authorization:",
        ] {
            assert_eq!(masked(raw).len(), raw.len(), "{raw:?}");
        }
        assert_eq!(masked(b"\xff sip:a:b@\xfe"), b"\xff sip:a:x@\xfe");
    }

    #[test]
    fn headers_are_found_in_what_cannot_be_parsed() {
        let raw = b"GARBAGE\r\nVia: x\r\ni : abc@d \r\n\r\nCall-ID: body";
        assert_eq!(raw_header(raw, "Call-ID", "i"), Some(&b"abc@d"[..]));
        assert_eq!(raw_header(raw, "From", "f"), None);
    }

    fn message(header: &str, body: &str) -> String {
        format!(
            "INFO sip:h SIP/2.0\r\n{header}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}
