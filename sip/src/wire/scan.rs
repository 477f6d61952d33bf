//! Octet classes and the cursor that every parser of this module walks with.
//!
//! Folded lines are replaced by spaces before a cursor sees them, so linear white space is SP and
//! HTAB here. Nothing in this file allocates, and no access can go out of bounds.

use memchr::memchr2;

const TOKEN: u8 = 1;
const VALUE: u8 = 2;
const HOST: u8 = 4;
const DIGIT: u8 = 8;
const URI: u8 = 16;
const NAME: u8 = 32;
const SCHEME: u8 = 64;

/// The classes of each octet, as bits.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut octet = 0_usize;
    while octet < 256 {
        table[octet] = class_of(octet as u8);
        octet += 1;
    }
    table
}

const fn class_of(octet: u8) -> u8 {
    let mut class = 0;
    let marks = matches!(
        octet,
        b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
    );
    if octet.is_ascii_alphanumeric() || marks {
        class |= TOKEN;
    }
    let separates = matches!(octet, b';' | b',' | b'"' | b'<' | b'>');
    if octet.is_ascii_graphic() && !separates {
        class |= VALUE;
        if octet != b'=' {
            class |= NAME;
        }
    }
    if octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.') {
        class |= SCHEME;
    }
    if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_') {
        class |= HOST;
    }
    if octet.is_ascii_digit() {
        class |= DIGIT;
    }
    // Octets above 0x7f are no part of the grammar, but phones send user names in plain UTF-8.
    if (octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>' | b'"')) || octet >= 0x80 {
        class |= URI;
    }
    class
}

/// Whether the octet may stand in a token (RFC 3261 §25.1).
#[inline]
pub(crate) fn is_token(octet: u8) -> bool {
    CLASSES[usize::from(octet)] & TOKEN != 0
}

/// Whether the octet may stand in an unquoted parameter value. Wider than the grammar's `gen-value`,
/// since tags and branches in base64 with their `=` are common.
#[inline]
pub(crate) fn is_value(octet: u8) -> bool {
    CLASSES[usize::from(octet)] & VALUE != 0
}

/// Whether the octet may stand in a parameter's name; as wide as for values.
#[inline]
pub(crate) fn is_name(octet: u8) -> bool {
    CLASSES[usize::from(octet)] & NAME != 0
}

/// Whether the octet may stand in a scheme (RFC 3986 §3.1), but for its first one.
#[inline]
pub(crate) fn is_scheme(octet: u8) -> bool {
    CLASSES[usize::from(octet)] & SCHEME != 0
}

/// Whether the octet may stand in a host name or IPv4 address. The underscore is not in the grammar,
/// but it is in the names of many a container.
#[inline]
pub(crate) fn is_host(octet: u8) -> bool {
    CLASSES[usize::from(octet)] & HOST != 0
}

/// Whether the octet may stand in a URI at all, before its parts are looked at.
#[inline]
pub(crate) fn is_uri(octet: u8) -> bool {
    CLASSES[usize::from(octet)] & URI != 0
}

/// SP and HTAB.
#[inline]
pub(crate) fn is_lws(octet: u8) -> bool {
    octet == b' ' || octet == b'\t'
}

/// Finds a colon within the next 24 octets, eight at a time: known names are no longer than that.
#[inline]
pub(crate) fn find_colon(text: &[u8], start: usize) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const COLONS: u64 = u64::from_ne_bytes([b':'; 8]);
    let mut at = start;
    for _ in 0..3 {
        let eight = text.get(at..)?.first_chunk()?;
        // An octet that is a colon becomes zero, and the lowest zero octet gets its high bit set.
        let zeroed = u64::from_le_bytes(*eight) ^ COLONS;
        let found = zeroed.wrapping_sub(ONES) & !zeroed & HIGH;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    None
}

/// Whether all of a non-empty text is a token.
pub(crate) fn all_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&octet| is_token(octet))
}

/// Cuts SP, HTAB, CR and LF from both ends.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = text {
        text = rest;
    }
    text
}

/// Text that was checked to be ASCII or UTF-8 before; anything else reads as empty.
pub(crate) fn text(octets: &[u8]) -> &str {
    core::str::from_utf8(octets).unwrap_or_default()
}

/// Reads a whole decimal number. `None`: empty, another octet than a digit, or over `max`.
pub(crate) fn decimal(text: &[u8], max: u64) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut number = 0_u64;
    for &octet in text {
        if !octet.is_ascii_digit() {
            return None;
        }
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(octet - b'0'))?;
        if number > max {
            return None;
        }
    }
    Some(number)
}

/// Reads delta-seconds; a number too large for 32 bits counts as the largest (RFC 3261 §20.19 and
/// RFC 4475 §3.1.2.4 leave that to us).
pub(crate) fn delta_seconds(text: &[u8]) -> Option<u32> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(decimal(text, u64::from(u32::MAX)).map_or(u32::MAX, |n| n as u32))
}

/// A piece of a message, as offsets; a message is shorter than 64 kB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u16,
    pub(crate) end: u16,
}

impl Span {
    #[inline]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= usize::from(u16::MAX));
        Self {
            start: start as u16,
            end: end as u16,
        }
    }

    #[inline]
    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        text.get(usize::from(self.start)..usize::from(self.end))
            .unwrap_or_default()
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// Walks over a text, never past its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, pos: 0 }
    }

    /// A cursor at `pos`; positions stay those of the whole text.
    #[inline]
    pub(crate) fn at(text: &'a [u8], pos: usize) -> Self {
        Self { text, pos }
    }

    #[inline]
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.pos).copied()
    }

    #[inline]
    pub(crate) fn is_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    /// What lies ahead.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.text.get(self.pos..).unwrap_or_default()
    }

    /// What lies between an earlier position and this one.
    #[inline]
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.pos).unwrap_or_default()
    }

    pub(crate) fn skip(&mut self, octets: usize) {
        self.pos = (self.pos + octets).min(self.text.len());
    }

    #[inline]
    pub(crate) fn skip_lws(&mut self) {
        self.take_while(is_lws);
    }

    /// Steps over `octet` if it is next.
    #[inline]
    pub(crate) fn eat(&mut self, octet: u8) -> bool {
        let next = self.peek() == Some(octet);
        self.pos += usize::from(next);
        next
    }

    /// Steps over `octet` with white space around it, if it is next; stays where it was if not.
    pub(crate) fn eat_spaced(&mut self, octet: u8) -> bool {
        let mut ahead = *self;
        ahead.skip_lws();
        if !ahead.eat(octet) {
            return false;
        }
        ahead.skip_lws();
        *self = ahead;
        true
    }

    /// Takes the octets of a class, maybe none.
    #[inline]
    pub(crate) fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let start = self.pos;
        let mut pos = start;
        while let Some(&octet) = self.text.get(pos)
            && belongs(octet)
        {
            pos += 1;
        }
        self.pos = pos;
        self.text.get(start..pos).unwrap_or_default()
    }

    /// Takes a token; `None` if there is none.
    pub(crate) fn take_token(&mut self) -> Option<&'a [u8]> {
        let token = self.take_while(is_token);
        (!token.is_empty()).then_some(token)
    }

    /// Steps over a comment, which may hold others (RFC 3261 §25.1); over all, if it does not end.
    pub(crate) fn skip_comment(&mut self) {
        let mut depth = 0_usize;
        while let Some(octet) = self.peek() {
            self.skip(if octet == b'\\' { 2 } else { 1 });
            match octet {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Takes a quoted string, quotes included; `None` if it does not end.
    pub(crate) fn take_quoted(&mut self) -> Option<&'a [u8]> {
        let start = self.pos;
        if !self.eat(b'"') {
            return None;
        }
        loop {
            let rest = self.rest();
            let at = memchr2(b'"', b'\\', rest)?;
            if rest.get(at) == Some(&b'"') {
                self.pos += at + 1;
                return Some(self.since(start));
            }
            if at + 1 >= rest.len() {
                return None;
            }
            self.pos += at + 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_a_limit() {
        let table: &[(&str, u64, Option<u64>)] = &[
            ("0", 255, Some(0)),
            ("255", 255, Some(255)),
            ("256", 255, None),
            ("", 255, None),
            ("-1", 255, None),
            ("+1", 255, None),
            ("1 ", 255, None),
            ("99999999999999999999999", u64::MAX, None),
        ];
        for &(input, max, expected) in table {
            assert_eq!(decimal(input.as_bytes(), max), expected, "{input}");
        }
    }

    #[test]
    fn overlarge_seconds_are_the_largest() {
        assert_eq!(delta_seconds(b"3600"), Some(3600));
        assert_eq!(
            delta_seconds(b"10000000000000000000000000000000"),
            Some(u32::MAX)
        );
        assert_eq!(delta_seconds(b"5m"), None);
    }

    #[test]
    fn quoted_strings_end_at_an_unescaped_quote() {
        let table: &[(&str, Option<&str>)] = &[
            (r#""a" b"#, Some(r#""a""#)),
            (r#""a\"b" c"#, Some(r#""a\"b""#)),
            (r#""a\\" c"#, Some(r#""a\\""#)),
            (r#""a"#, None),
            (r#""a\"#, None),
            (r#""a\""#, None),
            ("a", None),
        ];
        for &(input, expected) in table {
            let taken = Cursor::new(input.as_bytes()).take_quoted();
            assert_eq!(taken, expected.map(str::as_bytes), "{input}");
        }
    }

    #[test]
    fn colons_are_found() {
        for before in 0..30 {
            for behind in 0..12 {
                let text = [
                    &b"Name"[..],
                    &[b'x'; 32][..before],
                    b":",
                    &[0xba; 12][..behind],
                ]
                .concat();
                let found = find_colon(&text, 2);
                let colon = 4 + before;
                // It gives up where fewer than eight octets are left, and where names are longer.
                let read = (colon - 2) / 8 * 8 + 8;
                let expected = (read <= 24 && 2 + read <= text.len()).then_some(colon);
                assert_eq!(found, expected, "{before} {behind}");
            }
        }
    }

    #[test]
    fn trims_both_ends() {
        assert_eq!(trim(b" \t a b\r\n "), b"a b");
        assert_eq!(trim(b"  "), b"");
    }
}
