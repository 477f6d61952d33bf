//! Lists: the values of a header that commas part (RFC 3261 §7.3.1).

use super::scan;

/// The values of one header line. Commas in quotes and in `<>` part nothing; empty values are skipped.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    rest: &'a [u8],
}

impl<'a> Values<'a> {
    /// The values in a header's text.
    #[must_use]
    pub const fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let end = value_end(self.rest);
            let value = scan::trim(self.rest.get(..end).unwrap_or_default());
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            if !value.is_empty() {
                return Some(value);
            }
        }
        None
    }
}

/// Where the first value ends: at a comma, or with the text.
pub(crate) fn value_end(text: &[u8]) -> usize {
    let (mut quoted, mut bracketed) = (false, false);
    let mut at = 0;
    while let Some(&octet) = text.get(at) {
        match octet {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'<' if !quoted => bracketed = true,
            b'>' if !quoted => bracketed = false,
            b',' if !quoted && !bracketed => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn commas_part_values_but_not_in_quotes_or_brackets() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a", &["a"]),
            ("a, b ,c", &["a", "b", "c"]),
            (" , a,, b,", &["a", "b"]),
            (r#""a, b" <sip:x>, c"#, &[r#""a, b" <sip:x>"#, "c"]),
            (r#""a\", b", c"#, &[r#""a\", b""#, "c"]),
            ("<sip:a,b@c>,<sip:d>", &["<sip:a,b@c>", "<sip:d>"]),
            (r#""open, a"#, &[r#""open, a"#]),
        ];
        for &(input, expected) in table {
            let found: Vec<_> = Values::new(input.as_bytes()).map(scan::text).collect();
            assert_eq!(found, expected, "{input}");
        }
    }
}
