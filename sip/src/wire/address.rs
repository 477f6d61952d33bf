//! name-addr and addr-spec: the values of From, To, Contact, Route and their like (RFC 3261 §20.10).

use alloc::borrow::Cow;

use memchr::{memchr, memchr2};

use super::params::{Params, next_param, unquote};
use super::scan::{self, Cursor, Span};
use super::uri::{UriError, UriRef};

/// A display name, a URI and parameters.
#[derive(Clone, Copy, Debug)]
pub struct NameAddr<'a> {
    display: &'a [u8],
    uri: UriRef<'a>,
    params: Params<'a>,
}

/// Where the parts of an address lie in their text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AddressSpans {
    display: Span,
    uri: Span,
    params: Span,
    pub(crate) tag: Span,
}

impl<'a> NameAddr<'a> {
    /// Reads one address, and nothing beside it.
    ///
    /// # Errors
    ///
    /// What is wrong with it; the text continues "the header ...".
    pub fn parse(text: &'a [u8]) -> Result<Self, &'static str> {
        if text.len() > usize::from(u16::MAX) {
            return Err("is too long");
        }
        let (spans, next) = scan_address(text, 0, text.len())?;
        if next.is_some() {
            return Err("has more than one value");
        }
        Self::from_spans(text, spans)
    }

    pub(crate) fn from_spans(text: &'a [u8], spans: AddressSpans) -> Result<Self, &'static str> {
        let uri = UriRef::parse(spans.uri.of(text)).map_err(|UriError(why)| match why {
            "has no scheme" => "has a URI without a scheme",
            "has no host" => "has a URI without a host",
            _ => "has a URI that cannot be read",
        })?;
        Ok(Self {
            display: spans.display.of(text),
            uri,
            params: Params::new(spans.params.of(text)),
        })
    }

    /// The display name without quotes and escapes. Empty if there is none; octets that are no UTF-8
    /// become U+FFFD.
    #[must_use]
    pub fn display_name(&self) -> Cow<'a, str> {
        unquote(self.display)
    }

    /// The display name as it was written, quotes included; empty if there is none.
    #[must_use]
    pub const fn display_raw(&self) -> &'a [u8] {
        self.display
    }

    /// The URI.
    #[must_use]
    pub const fn uri(&self) -> UriRef<'a> {
        self.uri
    }

    /// The parameters of the header, not those of the URI.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        self.params
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Option<&'a str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    /// The `expires` parameter of a Contact, in seconds; what is not a number counts as 3600
    /// (RFC 3261 §20.10).
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        let value = self.params.raw("expires")?;
        Some(scan::delta_seconds(value).unwrap_or(3600))
    }

    /// The `q` parameter of a Contact, in thousandths, 0 to 1000; 1000 if there is none
    /// (RFC 3261 §20.10). What cannot be read counts as 0: such a contact is not preferred.
    #[must_use]
    pub fn q_thousandths(&self) -> u16 {
        self.params.raw("q").map_or(1000, thousandths)
    }
}

fn thousandths(text: &[u8]) -> u16 {
    let (whole, fraction) = match memchr(b'.', text) {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, b"".as_slice()),
    };
    let digit = |at: usize| match fraction.get(at) {
        None => Some(0),
        Some(digit) if digit.is_ascii_digit() => Some(u16::from(digit - b'0')),
        Some(_) => None,
    };
    match (whole, digit(0), digit(1), digit(2)) {
        (b"1", ..) => 1000,
        (b"0" | b"", Some(a), Some(b), Some(c)) => a * 100 + b * 10 + c,
        _ => 0,
    }
}

/// A value of a Contact header.
#[derive(Clone, Copy, Debug)]
pub enum ContactHeader<'a> {
    /// `*`: all bindings of a REGISTER (RFC 3261 §10.2.2).
    Star,
    /// An address.
    Address(NameAddr<'a>),
}

impl<'a> ContactHeader<'a> {
    /// Reads one value.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &'a [u8]) -> Result<Self, &'static str> {
        if scan::trim(text) == b"*" {
            return Ok(Self::Star);
        }
        NameAddr::parse(text).map(Self::Address)
    }

    /// The address, if it is not `*`.
    #[must_use]
    pub const fn address(self) -> Option<NameAddr<'a>> {
        match self {
            Self::Star => None,
            Self::Address(address) => Some(address),
        }
    }
}

/// Reads the address that begins at `start`; also returns where the next one begins, if a comma
/// follows. The URI is only delimited, not read.
pub(crate) fn scan_address(
    text: &[u8],
    start: usize,
    end: usize,
) -> Result<(AddressSpans, Option<usize>), &'static str> {
    let text = text.get(..end).unwrap_or_default();
    let mut cursor = Cursor::at(text, start);
    cursor.skip_lws();
    let (display, uri) = match cursor.peek() {
        None => return Err("is empty"),
        Some(b'"') => {
            let start = cursor.pos();
            cursor
                .take_quoted()
                .ok_or("has a quoted string that does not end")?;
            let display = Span::new(start, cursor.pos());
            cursor.skip_lws();
            (display, bracketed(&mut cursor)?)
        }
        Some(_) => unquoted(&mut cursor)?,
    };
    let params_start = cursor.pos();
    let (tag, params_end) = params(&mut cursor)?;
    let next = match cursor.peek() {
        None => None,
        Some(b',') => Some(cursor.pos() + 1),
        Some(_) => return Err("has something behind its parameters"),
    };
    let spans = AddressSpans {
        display,
        uri,
        params: Span::new(params_start, params_end),
        tag,
    };
    Ok((spans, next))
}

/// The tag, and where the parameters end. With two tags no one knows which dialog is meant.
fn params(cursor: &mut Cursor<'_>) -> Result<(Span, usize), &'static str> {
    let mut tag = None;
    let mut end = cursor.pos();
    while let Some((name, value)) = next_param(cursor)? {
        end = cursor.pos();
        if name.len() == 3 && name.eq_ignore_ascii_case(b"tag") {
            if tag.is_some() {
                return Err("has two tags");
            }
            tag = Some(Span::new(end - value.map_or(0, <[u8]>::len), end));
        }
    }
    Ok((tag.unwrap_or_default(), end))
}

/// `<uri>`.
fn bracketed(cursor: &mut Cursor<'_>) -> Result<Span, &'static str> {
    if !cursor.eat(b'<') {
        return Err("has no URI in <> behind its display name");
    }
    let start = cursor.pos();
    let len = memchr(b'>', cursor.rest()).ok_or("has a < that does not close")?;
    cursor.skip(len + 1);
    Ok(Span::new(start, start + len))
}

/// Tokens and `<uri>`, or a URI alone.
fn unquoted(cursor: &mut Cursor<'_>) -> Result<(Span, Span), &'static str> {
    let start = cursor.pos();
    let rest = cursor.rest();
    if let Some(at) = memchr2(b'<', b';', rest)
        && rest.get(at) == Some(&b'<')
        && may_be_display(rest.get(..at).unwrap_or_default())?
    {
        cursor.skip(at);
        let display = scan::trim(cursor.since(start));
        let display = Span::new(start, start + display.len());
        return Ok((display, bracketed(cursor)?));
    }
    let uri = cursor.take_while(|octet| scan::is_uri(octet) && !matches!(octet, b';' | b','));
    if memchr(b'?', uri).is_some() {
        return Err("has a URI with a ? outside of <>");
    }
    Ok((Span::default(), Span::new(start, start + uri.len())))
}

/// Whether what stands before a `<` is a display name: phones write more there than the tokens of the
/// grammar, but no mark that parts values. `false`: the `<` belongs to a later value.
fn may_be_display(text: &[u8]) -> Result<bool, &'static str> {
    match memchr::memchr3(b',', b'"', b':', text) {
        None => Ok(true),
        Some(at) if text.get(at) == Some(&b':') => Ok(false),
        Some(_) => Err("has a display name that needs quotes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_parts() {
        let table: &[(&str, &str, &str, Option<&str>)] = &[
            ("<sip:a@b>", "", "sip:a@b", None),
            ("sip:a@b;tag=1", "", "sip:a@b", Some("1")),
            (
                "Ann Bee <sip:a@b;x=1>;tag=2",
                "Ann Bee",
                "sip:a@b;x=1",
                Some("2"),
            ),
            (
                "caller<sip:caller@example.com>;tag=323",
                "caller",
                "sip:caller@example.com",
                Some("323"),
            ),
            (
                r#""J Rosenberg \\\""       <sip:j@e.com>  ;  tag = 98asjd8"#,
                r#"J Rosenberg \""#,
                "sip:j@e.com",
                Some("98asjd8"),
            ),
            (
                r#""a <b>, c" <sip:a@b>;TAG=x=="#,
                "a <b>, c",
                "sip:a@b",
                Some("x=="),
            ),
            (r#""" <sip:a@b>"#, "", "sip:a@b", None),
            ("Jörg <sip:j@b>", "Jörg", "sip:j@b", None),
            (
                "<tel:+4930123;phone-context=x>",
                "",
                "tel:+4930123;phone-context=x",
                None,
            ),
        ];
        for &(input, display, uri, tag) in table {
            let address = NameAddr::parse(input.as_bytes()).expect(input);
            assert_eq!(address.display_name(), display, "{input}");
            assert_eq!(address.uri().as_str(), uri, "{input}");
            assert_eq!(address.tag(), tag, "{input}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_told_apart() {
        for input in [
            "",
            r#""Mr. J. User <sip:j.user@example.com>"#,
            r#""Watson, Thomas" < sip:t.watson@example.org >"#,
            "Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
            "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
            "<sip:a@b",
            "<sip:a@b> x",
            "<sip:a@b>;;tag=1",
            "<sip:a@b>;tag=1;Tag=2",
            "sip:a@b, sip:c@d",
            r#""a" sip:a@b"#,
            "<>",
            "<a@b>",
        ] {
            assert!(NameAddr::parse(input.as_bytes()).is_err(), "{input}");
        }
    }

    #[test]
    fn what_is_not_utf8_is_no_obstacle() {
        let address = NameAddr::parse(b"\"J\xf6rg\" <sip:j@b>;tag=1").expect("sound");
        assert_eq!(address.display_name(), "J\u{fffd}rg");
        assert_eq!(address.display_raw(), b"\"J\xf6rg\"");
    }

    #[test]
    fn contact_parameters() {
        let read = |text: &'static str| NameAddr::parse(text.as_bytes()).expect(text);
        let table = [
            ("<sip:a@b>", 1000, None),
            ("<sip:a@b>;q=0.7;expires=60", 700, Some(60)),
            ("<sip:a@b>;q=0.25;expires=never", 250, Some(3600)),
            ("<sip:a@b>;q=1.000", 1000, None),
            ("<sip:a@b>;q=x", 0, None),
            ("<sip:a@b>;q=.5", 500, None),
            (
                "<sip:a@b;expires=1>;expires=99999999999",
                1000,
                Some(u32::MAX),
            ),
        ];
        for (input, q, expires) in table {
            assert_eq!(read(input).q_thousandths(), q, "{input}");
            assert_eq!(read(input).expires(), expires, "{input}");
        }
    }

    #[test]
    fn a_star_is_no_address() {
        assert!(matches!(
            ContactHeader::parse(b" * "),
            Ok(ContactHeader::Star)
        ));
        let contact = ContactHeader::parse(b"<sip:a@b>").expect("sound");
        assert_eq!(contact.address().map(|a| a.uri().as_str()), Some("sip:a@b"));
    }
}
