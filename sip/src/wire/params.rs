//! Parameters: `;name=value` lists of headers and URIs.

use alloc::borrow::Cow;
use alloc::string::String;

use super::scan::{self, Cursor};

/// A list of parameters behind a header's value (RFC 3261 §25.1, generic-param), or inside a URI.
///
/// The text begins with its first `;` or is empty. Names compare without case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Params<'a> {
    text: &'a [u8],
}

impl<'a> Params<'a> {
    /// A view over `;name=value;name...`. Reading is lazy and stops at the first fault.
    #[must_use]
    pub const fn new(text: &'a [u8]) -> Self {
        Self { text }
    }

    /// The text itself.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.text
    }

    /// All parameters in order: the name and, if there is a `=`, the value with its quotes.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let mut cursor = Cursor::new(self.text);
        core::iter::from_fn(move || next_param(&mut cursor).ok().flatten())
    }

    /// The first parameter of this name: `None` if absent, `Some(None)` if it has no value.
    #[must_use]
    pub fn find(self, name: &str) -> Option<Option<&'a [u8]>> {
        self.iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Whether there is a parameter of this name, with or without a value.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of this name as it stands, quotes included; `None` if absent or without a value.
    #[must_use]
    pub fn raw(self, name: &str) -> Option<&'a [u8]> {
        self.find(name).flatten()
    }

    /// The value of this name as text; `None` if absent, without a value, or not UTF-8. A quoted
    /// value keeps its quotes; [`unquoted`](Self::unquoted) takes them off.
    #[must_use]
    pub fn get(self, name: &str) -> Option<&'a str> {
        core::str::from_utf8(self.raw(name)?).ok()
    }

    /// The value of this name without quotes and escapes.
    #[must_use]
    pub fn unquoted(self, name: &str) -> Option<Cow<'a, str>> {
        self.raw(name).map(unquote)
    }

    /// Reads all parameters.
    ///
    /// # Errors
    ///
    /// What is wrong with the first one that cannot be read.
    pub(crate) fn check(self) -> Result<(), &'static str> {
        let mut cursor = Cursor::new(self.text);
        while next_param(&mut cursor)?.is_some() {}
        if cursor.is_end() {
            Ok(())
        } else {
            Err("has something behind its parameters")
        }
    }
}

/// A name and maybe a value.
pub(crate) type Param<'a> = (&'a [u8], Option<&'a [u8]>);

/// Takes `;name` or `;name=value`, white space around the marks allowed. `Ok(None)`: no parameter
/// begins here; the cursor then stands behind any white space.
pub(crate) fn next_param<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Param<'a>>, &'static str> {
    cursor.skip_lws();
    if !cursor.eat(b';') {
        return Ok(None);
    }
    cursor.skip_lws();
    let start = cursor.pos();
    cursor.take_while(scan::is_name);
    let name = cursor.since(start);
    if name.is_empty() {
        return Err("has an empty parameter");
    }
    if !cursor.eat_spaced(b'=') {
        return Ok(Some((name, None)));
    }
    let value = if cursor.peek() == Some(b'"') {
        cursor
            .take_quoted()
            .ok_or("has a quoted string that does not end")?
    } else {
        cursor.take_while(|octet| scan::is_value(octet) || octet >= 0x80)
    };
    Ok(Some((name, Some(value))))
}

/// Takes quotes and backslashes off a quoted string; other text stays as it is. Octets that are no
/// UTF-8 become U+FFFD.
pub(crate) fn unquote(text: &[u8]) -> Cow<'_, str> {
    let Some(inner) = text
        .strip_prefix(b"\"")
        .and_then(|inner| inner.strip_suffix(b"\""))
    else {
        return String::from_utf8_lossy(text);
    };
    if memchr::memchr(b'\\', inner).is_none() {
        return String::from_utf8_lossy(inner);
    }
    let mut plain = alloc::vec::Vec::with_capacity(inner.len());
    let mut octets = inner.iter();
    while let Some(&octet) = octets.next() {
        match octet {
            b'\\' => plain.extend(octets.next()),
            _ => plain.push(octet),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn reads_what_is_there() {
        type Found = &'static [(&'static str, Option<&'static str>)];
        let table: &[(&str, Found)] = &[
            ("", &[]),
            (";lr", &[("lr", None)]),
            (";a=1;b", &[("a", Some("1")), ("b", None)]),
            (" ; a = 1 ; b ", &[("a", Some("1")), ("b", None)]),
            (
                r#";a="x;y=\"z";b"#,
                &[("a", Some(r#""x;y=\"z""#)), ("b", None)],
            ),
            (";expires=", &[("expires", Some(""))]),
            (";a=1;;b", &[("a", Some("1"))]),
            (r#";a="open"#, &[]),
        ];
        for &(input, expected) in table {
            let found: Vec<_> = Params::new(input.as_bytes())
                .iter()
                .map(|(name, value)| (scan::text(name), value.map(scan::text)))
                .collect();
            assert_eq!(found, expected, "{input}");
        }
    }

    #[test]
    fn faults_are_named() {
        for (input, sound) in [
            (";a;b=c", true),
            (";a;;b", false),
            (";a b", false),
            (";a=\"", false),
        ] {
            assert_eq!(
                Params::new(input.as_bytes()).check().is_ok(),
                sound,
                "{input}"
            );
        }
    }

    #[test]
    fn values_are_unquoted() {
        let params = Params::new(br#";text="say \"hi\"";Plain=x"#);
        assert_eq!(params.unquoted("TEXT").as_deref(), Some("say \"hi\""));
        assert_eq!(params.get("plain"), Some("x"));
        assert_eq!(params.get("none"), None);
    }
}
