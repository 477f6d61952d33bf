//! SIP, SIPS and tel URIs, and any other scheme as opaque text (RFC 3261 §19.1, RFC 3966).
//!
//! [`UriRef`] looks at text that lies in a message; [`Uri`] owns its text and can be kept.
//! Comparison is that of RFC 3261 §19.1.4, not of the text.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::params::Params;
use super::scan::{self, Cursor};
use crate::Transport;

/// A text that is no URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("URI {0}")]
pub struct UriError(pub(crate) &'static str);

/// A URI's scheme.
#[derive(Clone, Copy, Debug)]
pub enum Scheme<'a> {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:` (RFC 3966)
    Tel,
    /// `urn:`, among them the services of RFC 5031
    Urn,
    /// Any other, as it was written.
    Other(&'a str),
}

impl<'a> Scheme<'a> {
    fn new(name: &'a str) -> Self {
        match name {
            _ if name.eq_ignore_ascii_case("sip") => Self::Sip,
            _ if name.eq_ignore_ascii_case("sips") => Self::Sips,
            _ if name.eq_ignore_ascii_case("tel") => Self::Tel,
            _ if name.eq_ignore_ascii_case("urn") => Self::Urn,
            _ => Self::Other(name),
        }
    }

    /// The name, in lower case for those we know.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        match self {
            Self::Sip => "sip",
            Self::Sips => "sips",
            Self::Tel => "tel",
            Self::Urn => "urn",
            Self::Other(name) => name,
        }
    }

    /// Whether a user and a host are in it.
    #[must_use]
    pub const fn is_sip(self) -> bool {
        matches!(self, Self::Sip | Self::Sips)
    }
}

impl PartialEq for Scheme<'_> {
    fn eq(&self, other: &Scheme<'_>) -> bool {
        self.as_str().eq_ignore_ascii_case(other.as_str())
    }
}

impl Eq for Scheme<'_> {}

/// Checks what can be checked without regard to the scheme, and returns the scheme's length.
pub(crate) fn scheme_len(octets: &[u8]) -> Result<usize, UriError> {
    if !octets.iter().all(|&octet| scan::is_uri(octet)) {
        return Err(UriError("has characters that no URI has"));
    }
    let mut cursor = Cursor::new(octets);
    let scheme = cursor.take_while(scan::is_scheme);
    let starts = scheme.first().is_some_and(u8::is_ascii_alphabetic);
    if !starts || cursor.peek() != Some(b':') {
        return Err(UriError("has no scheme"));
    }
    Ok(scheme.len())
}

/// Splits at the first of an ASCII character, which is in neither part.
fn split_at_octet(text: &str, octet: u8) -> Option<(&str, &str)> {
    let at = memchr::memchr(octet, text.as_bytes())?;
    Some((&text[..at], &text[at + 1..]))
}

/// A host: an address or a name.
#[derive(Clone, Copy, Debug)]
pub enum Host<'a> {
    /// A name, as it was written.
    Name(&'a str),
    /// An address.
    Ip(IpAddr),
}

impl<'a> Host<'a> {
    /// Reads a host; an IPv6 address stands in brackets.
    ///
    /// Three colons before an embedded IPv4 address count as two: RFC 3261's grammar allowed them, and
    /// RFC 5118 §4.10 asks to bear with them.
    ///
    /// # Errors
    ///
    /// If it is neither a name nor an address.
    pub fn parse(text: &'a str) -> Result<Self, UriError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner
                .strip_suffix(']')
                .ok_or(UriError("has a bracket that does not close"))?;
            return parse_v6(inner)
                .map(|address| Self::Ip(IpAddr::V6(address)))
                .ok_or(UriError("has brackets around something else than IPv6"));
        }
        if text.is_empty() {
            return Err(UriError("has no host"));
        }
        if !text.bytes().all(scan::is_host) {
            return Err(UriError("has a host that is none"));
        }
        if text.as_bytes()[0].is_ascii_digit()
            && let Ok(address) = text.parse::<Ipv4Addr>()
        {
            return Ok(Self::Ip(IpAddr::V4(address)));
        }
        Ok(Self::Name(text))
    }

    /// The address, if it is one.
    #[must_use]
    pub const fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(address),
            Self::Name(_) => None,
        }
    }
}

fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok().or_else(|| {
        let (before, after) = text.split_once(":::")?;
        after.parse::<Ipv4Addr>().ok()?;
        let mended: String = [before, "::", after].concat();
        mended.parse().ok()
    })
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Self::Name(one), Host::Name(two)) => one.eq_ignore_ascii_case(two),
            (Self::Ip(one), Host::Ip(two)) => one == two,
            (Self::Name(_), Host::Ip(_)) | (Self::Ip(_), Host::Name(_)) => false,
        }
    }
}

impl Eq for Host<'_> {}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// A URI that lies in someone else's text.
///
/// `==` compares as RFC 3261 §19.1.4 says; [`as_str`](Self::as_str) is the text itself.
#[derive(Clone, Copy, Debug)]
pub struct UriRef<'a> {
    text: &'a str,
    scheme: Scheme<'a>,
    user: Option<&'a str>,
    password: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    params: &'a str,
    headers: &'a str,
}

impl<'a> UriRef<'a> {
    /// Reads a URI, and nothing around it.
    ///
    /// # Errors
    ///
    /// If it is not one: no scheme, octets that no URI has, a host or a port that is none.
    pub fn parse(octets: &'a [u8]) -> Result<Self, UriError> {
        let scheme_len = scheme_len(octets)?;
        let text = core::str::from_utf8(octets).map_err(|_| UriError("is not UTF-8"))?;
        let (scheme, rest) = (&text[..scheme_len], &text[scheme_len + 1..]);
        let bare = Self {
            text,
            scheme: Scheme::new(scheme),
            user: None,
            password: None,
            host: "",
            port: None,
            params: "",
            headers: "",
        };
        match bare.scheme {
            Scheme::Sip | Scheme::Sips => bare.parse_sip(rest),
            Scheme::Tel => bare.parse_tel(rest),
            Scheme::Urn | Scheme::Other(_) if rest.is_empty() => {
                Err(UriError("has nothing behind its scheme"))
            }
            Scheme::Urn | Scheme::Other(_) => Ok(bare),
        }
    }

    /// An `@` stands unescaped only behind the user, whose own characters include `?`, `;` and `,`.
    fn parse_sip(mut self, rest: &'a str) -> Result<Self, UriError> {
        let (userinfo, rest) = split_at_octet(rest, b'@').unwrap_or(("", rest));
        if !userinfo.is_empty() {
            let split = split_at_octet(userinfo, b':');
            self.user = Some(split.map_or(userinfo, |(user, _)| user));
            self.password = split.map(|(_, password)| password);
        }
        let end = memchr::memchr2(b';', b'?', rest.as_bytes()).unwrap_or(rest.len());
        let (hostport, rest) = rest.split_at(end);
        let (params, headers) = split_at_octet(rest, b'?').unwrap_or((rest, ""));
        if !params.is_empty() {
            Params::new(params.as_bytes()).check().map_err(UriError)?;
        }
        (self.params, self.headers) = (params, headers);
        self.parse_hostport(hostport)
    }

    fn parse_hostport(mut self, text: &'a str) -> Result<Self, UriError> {
        let host_end = if text.starts_with('[') {
            memchr::memchr(b']', text.as_bytes()).map(|bracket| bracket + 1)
        } else {
            memchr::memchr(b':', text.as_bytes())
        };
        let (host, port) = text.split_at(host_end.unwrap_or(text.len()));
        Host::parse(host)?;
        self.host = host;
        if !port.is_empty() {
            let number = port
                .strip_prefix(':')
                .and_then(|digits| scan::decimal(digits.as_bytes(), 65_535));
            self.port = Some(number.ok_or(UriError("has a port that is none"))? as u16);
        }
        Ok(self)
    }

    fn parse_tel(mut self, rest: &'a str) -> Result<Self, UriError> {
        let (number, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        if number.is_empty() {
            return Err(UriError("has no number"));
        }
        Params::new(params.as_bytes()).check().map_err(UriError)?;
        self.user = Some(number);
        self.params = params;
        Ok(self)
    }

    /// The text as it was written.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme<'a> {
        self.scheme
    }

    /// The user as it was written, or the number of a tel URI. An empty user reads as none.
    #[must_use]
    pub const fn user(&self) -> Option<&'a str> {
        self.user
    }

    /// The user with its escapes resolved. Octets that are no UTF-8 become U+FFFD.
    #[must_use]
    pub fn user_decoded(&self) -> Option<Cow<'a, str>> {
        self.user.map(unescape)
    }

    /// The number it names: its user, decoded and without the parameters of a number within a SIP URI
    /// (`+31...;phone-context=...`); of a `tel:` URI the number without its visual separators.
    #[must_use]
    pub fn number(&self) -> Option<String> {
        let user = self.user_decoded()?;
        let number = user.split(';').next().unwrap_or_default();
        let is_tel = self.scheme == Scheme::Tel;
        let separator = |c: char| is_tel && matches!(c, '-' | '.' | '(' | ')');
        Some(number.chars().filter(|c| !separator(*c)).collect())
    }

    /// Whether it asks for an emergency service, of any kind: `urn:service:sos`, `urn:service:sos.fire` (RFC 5031 §4.2).
    #[must_use]
    pub fn is_emergency_service(&self) -> bool {
        const SOS: &str = "urn:service:sos";
        let (service, kind) = self.text.split_at_checked(SOS.len()).unwrap_or_default();
        service.eq_ignore_ascii_case(SOS) && (kind.is_empty() || kind.starts_with('.'))
    }

    /// The password as it was written.
    #[must_use]
    pub const fn password(&self) -> Option<&'a str> {
        self.password
    }

    /// The host; `None` for schemes that have none.
    #[must_use]
    pub fn host(&self) -> Option<Host<'a>> {
        Host::parse(self.host).ok()
    }

    /// The host as it was written, brackets included; empty for schemes that have none.
    #[must_use]
    pub const fn host_str(&self) -> &'a str {
        self.host
    }

    /// The port, if one is written.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters.
    #[must_use]
    pub const fn params(&self) -> Params<'a> {
        Params::new(self.params.as_bytes())
    }

    /// The headers behind the `?` as name and value, escapes not resolved.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.headers
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    /// The value of one header behind the `?`, escapes resolved.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        self.headers()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| unescape(value))
    }

    /// Whether there is anything behind a `?`.
    #[must_use]
    pub const fn has_headers(&self) -> bool {
        !self.headers.is_empty()
    }

    /// Whether it carries `lr`: a loose router (RFC 3261 §19.1.1).
    #[must_use]
    pub fn is_loose(&self) -> bool {
        self.params().has("lr")
    }

    /// The transport that the URI asks for: its parameter, or TLS for `sips:` without one.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        let named = self.params().get("transport").and_then(Transport::parse);
        match (self.scheme, named) {
            (Scheme::Sips, None | Some(Transport::Tcp)) => Some(Transport::Tls),
            (Scheme::Sips, Some(Transport::Ws)) => Some(Transport::Wss),
            _ => named,
        }
    }

    /// A copy that can be kept.
    #[must_use]
    pub fn to_owned(&self) -> Uri {
        Uri(Arc::from(self.text))
    }

    fn same_params(&self, other: &UriRef<'_>) -> bool {
        const NEVER_ALONE: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];
        let (ours, theirs) = (self.params(), other.params());
        let alone = |one: Params<'_>, two: Params<'_>| {
            NEVER_ALONE
                .iter()
                .any(|name| one.has(name) && !two.has(name))
        };
        if alone(ours, theirs) || alone(theirs, ours) {
            return false;
        }
        ours.iter().all(|(name, value)| {
            theirs
                .iter()
                .find(|(other, _)| other.eq_ignore_ascii_case(name))
                .is_none_or(|(_, other)| {
                    same_escaped(value.unwrap_or_default(), other.unwrap_or_default(), true)
                })
        })
    }

    /// Every header of each URI must be in the other; order does not count, number does.
    fn same_headers(&self, other: &UriRef<'_>) -> bool {
        let holds = |one: &UriRef<'_>, two: &UriRef<'_>| {
            one.headers().all(|(name, value)| {
                two.headers().any(|(n, v)| {
                    n.eq_ignore_ascii_case(name)
                        && same_escaped(v.as_bytes(), value.as_bytes(), false)
                })
            })
        };
        self.headers().count() == other.headers().count()
            && holds(self, other)
            && holds(other, self)
    }
}

impl PartialEq for UriRef<'_> {
    /// RFC 3261 §19.1.4 for SIP and SIPS; RFC 3966 §4 for tel; text, but for the scheme's case, else.
    ///
    /// A `transport` that stands in one URI only makes them differ, as the examples of §19.1.4 have it.
    fn eq(&self, other: &UriRef<'_>) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Sip | Scheme::Sips => {
                same_optional(self.user, other.user)
                    && same_optional(self.password, other.password)
                    && self.host() == other.host()
                    && self.port == other.port
                    && self.same_params(other)
                    && self.same_headers(other)
            }
            Scheme::Tel => {
                let digits = |uri: &UriRef<'_>| -> Vec<u8> {
                    let number = uri.user.unwrap_or_default().bytes();
                    number
                        .filter(|c| !matches!(c, b'-' | b'.' | b'(' | b')'))
                        .map(|c| c.to_ascii_lowercase())
                        .collect()
                };
                digits(self) == digits(other)
                    && self.params().has("phone-context") == other.params().has("phone-context")
                    && self.same_params(other)
            }
            Scheme::Urn => self.text.eq_ignore_ascii_case(other.text),
            Scheme::Other(name) => self.text.get(name.len()..) == other.text.get(name.len()..),
        }
    }
}

impl Eq for UriRef<'_> {}

impl fmt::Display for UriRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

fn same_optional(one: Option<&str>, two: Option<&str>) -> bool {
    match (one, two) {
        (None, None) => true,
        (Some(one), Some(two)) => same_escaped(one.as_bytes(), two.as_bytes(), false),
        _ => false,
    }
}

/// Compares with escapes: `%41` is `A`, but an escaped reserved character is not the bare one.
fn same_escaped(one: &[u8], two: &[u8], ignore_case: bool) -> bool {
    let fold = |(octet, escaped): (u8, bool)| {
        let reserved = matches!(
            octet,
            b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b','
        );
        let octet = if ignore_case {
            octet.to_ascii_lowercase()
        } else {
            octet
        };
        (octet, escaped && reserved)
    };
    Unescape(one).map(fold).eq(Unescape(two).map(fold))
}

/// Resolves escapes one by one: an octet, and whether it was escaped.
struct Unescape<'a>(&'a [u8]);

impl Iterator for Unescape<'_> {
    type Item = (u8, bool);

    fn next(&mut self) -> Option<(u8, bool)> {
        let (&first, rest) = self.0.split_first()?;
        let digit = |at: usize| rest.get(at).and_then(|&d| char::from(d).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            self.0 = rest.get(2..).unwrap_or_default();
            return Some(((high << 4 | low) as u8, true));
        }
        self.0 = rest;
        Some((first, false))
    }
}

/// Resolves `%41`; a `%` without two digits stays. Octets that are no UTF-8 become U+FFFD.
#[must_use]
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let octets: Vec<u8> = Unescape(text.as_bytes()).map(|(octet, _)| octet).collect();
    Cow::Owned(String::from_utf8_lossy(&octets).into_owned())
}

/// Escapes what may not stand bare in the user part of a URI.
#[must_use]
pub fn escape_user(text: &str) -> Cow<'_, str> {
    escape(text, b"-_.!~*'()&=+$,;?/")
}

/// Escapes what may not stand bare in the value of a URI's header or parameter.
#[must_use]
pub fn escape_value(text: &str) -> Cow<'_, str> {
    escape(text, b"-_.!~*'()[]/:+$")
}

fn escape<'a>(text: &'a str, bare: &[u8]) -> Cow<'a, str> {
    let stays = |octet: u8| octet.is_ascii_alphanumeric() || bare.contains(&octet);
    if text.bytes().all(stays) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for octet in text.bytes() {
        if stays(octet) {
            escaped.push(char::from(octet));
        } else {
            let hex = |digit: u8| char::from(b"0123456789ABCDEF"[usize::from(digit & 15)]);
            escaped.extend(['%', hex(octet >> 4), hex(octet)]);
        }
    }
    Cow::Owned(escaped)
}

/// A URI that owns its text. Cloning it is cheap.
#[derive(Clone)]
pub struct Uri(Arc<str>);

impl Uri {
    /// Reads and keeps a URI.
    ///
    /// # Errors
    ///
    /// If it is not one.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        UriRef::parse(text.as_bytes())?;
        Ok(Self(Arc::from(text)))
    }

    /// Makes a `sip:` URI; the user is escaped where it must be.
    #[must_use]
    pub fn sip(user: Option<&str>, host: Host<'_>, port: Option<u16>) -> Self {
        Self::make(Scheme::Sip, user, host, port)
    }

    /// Makes a `sips:` URI; the user is escaped where it must be.
    #[must_use]
    pub fn sips(user: Option<&str>, host: Host<'_>, port: Option<u16>) -> Self {
        Self::make(Scheme::Sips, user, host, port)
    }

    fn make(scheme: Scheme<'_>, user: Option<&str>, host: Host<'_>, port: Option<u16>) -> Self {
        let mut text = String::from(scheme.as_str());
        text.push(':');
        if let Some(user) = user.filter(|user| !user.is_empty()) {
            text.push_str(&escape_user(user));
            text.push('@');
        }
        text.push_str(&host.to_string());
        if let Some(port) = port {
            // Writing to a String cannot fail.
            let _ = write!(text, ":{port}");
        }
        Self(Arc::from(text))
    }

    /// Adds a parameter, escaped where it must be; before the headers, if there are any.
    #[must_use]
    pub fn with_param(&self, name: &str, value: Option<&str>) -> Self {
        let (front, headers) = match self.0.find('?').filter(|_| self.view().has_headers()) {
            Some(_) => {
                let headers_at = self.0.len() - self.view().headers.len() - 1;
                self.0.split_at(headers_at)
            }
            None => (&*self.0, ""),
        };
        let mut text = String::from(front);
        text.push(';');
        text.push_str(&escape_value(name));
        if let Some(value) = value {
            text.push('=');
            text.push_str(&escape_value(value));
        }
        text.push_str(headers);
        Self(Arc::from(text))
    }

    /// Looks at the parts.
    #[must_use]
    pub fn view(&self) -> UriRef<'_> {
        UriRef::parse(self.0.as_bytes()).expect("only what was read before is kept")
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Uri {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for Uri {}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({})", self.0)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::str::FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        Self::parse(text)
    }
}

impl From<UriRef<'_>> for Uri {
    fn from(uri: UriRef<'_>) -> Self {
        uri.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn read(text: &str) -> UriRef<'_> {
        UriRef::parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn says_which_number_it_names() {
        for (text, number) in [
            ("sip:2000@b", Some("2000")),
            ("sip:%2B31@b", Some("+31")),
            ("sip:+31;phone-context=b@b;user=phone", Some("+31")),
            ("tel:+31-20-555.12(3)4;ext=7", Some("+31205551234")),
            ("sip:a-b.c@b", Some("a-b.c")),
            ("sip:b", None),
            ("urn:service:sos", None),
        ] {
            assert_eq!(read(text).number().as_deref(), number, "{text}");
        }
    }

    #[test]
    fn rfc_5031_knows_emergency_services() {
        for (text, is_one) in [
            ("urn:service:sos", true),
            ("URN:service:SOS.police", true),
            ("urn:service:sos-like", false),
            ("urn:service:counseling", false),
            ("urn:sos", false),
            ("sip:sos@b", false),
        ] {
            assert_eq!(read(text).is_emergency_service(), is_one, "{text}");
        }
    }

    #[test]
    fn reads_its_parts() {
        type Parts = (
            Option<&'static str>,
            Option<&'static str>,
            &'static str,
            Option<u16>,
        );
        let table: &[(&str, Parts)] = &[
            ("sip:a@b", (Some("a"), None, "b", None)),
            ("SIP:b:5070", (None, None, "b", Some(5070))),
            (
                "sips:a:pw@b.example:5061;transport=tcp",
                (Some("a"), Some("pw"), "b.example", Some(5061)),
            ),
            (
                "sip:[2001:db8::1]:5070;lr",
                (None, None, "[2001:db8::1]", Some(5070)),
            ),
            (
                "sip:1_odd~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d@b",
                (
                    Some("1_odd~(to-be!sure)&isn't+it$/crazy?,/;;*"),
                    Some("&it+has=1,weird!*pas$wo~d"),
                    "b",
                    None,
                ),
            ),
            ("sip:@b", (None, None, "b", None)),
            (
                "tel:+49-30-123;phone-context=x",
                (Some("+49-30-123"), None, "", None),
            ),
            ("soap.beep://192.0.2.103:3002", (None, None, "", None)),
            ("sip:jörg@b", (Some("jörg"), None, "b", None)),
        ];
        for &(text, (user, password, host, port)) in table {
            let uri = read(text);
            assert_eq!(uri.as_str(), text);
            let parts = (uri.user(), uri.password(), uri.host_str(), uri.port());
            assert_eq!(parts, (user, password, host, port), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_none() {
        for text in [
            "",
            "a@b",
            ":a@b",
            "1sip:a@b",
            "sip:",
            "sip:a@",
            "sip:a b@c",
            "<sip:a@b>",
            "sip:a@b c",
            "sip:a@b:port",
            "sip:a@b:65536",
            "sip:a@b:",
            "sip:2001:db8::10",
            "sip:[2001:db8::10",
            "sip:[2001:db8::g]",
            "sip:[1.2.3.4]",
            "sip:[2001:db8:::1]",
            "sip:a@b;;c",
            "sip:a@h%6fst",
            "sip:a@b\0",
            "tel:",
            "tel:;x",
            "mail:",
            "sip:a@b@c",
            "sip:[::1]x:5060",
        ] {
            assert!(UriRef::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(UriRef::parse(b"sip:\xff@b").is_err());
    }

    #[test]
    fn compares_as_rfc_3261_says() {
        // The examples of §19.1.4, and some more.
        let same = [
            (
                "sip:%61lice@atlanta.com;transport=TCP",
                "sip:alice@AtLanTa.CoM;Transport=tcp",
            ),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:carol@chicago.com;newparam=5",
                "sip:carol@chicago.com;security=on",
            ),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]"),
            ("tel:+49-30.123", "tel:+4930123"),
            ("NAME:x", "name:x"),
        ];
        let different = [
            (
                "SIP:ALICE@AtLanTa.CoM;Transport=udp",
                "sip:alice@AtLanTa.CoM;Transport=UDP",
            ),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            (
                "sip:bob@biloxi.com",
                "sip:bob@biloxi.com:6000;transport=tcp",
            ),
            (
                "sip:carol@chicago.com",
                "sip:carol@chicago.com?Subject=next%20meeting",
            ),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            (
                "sip:carol@chicago.com;security=on",
                "sip:carol@chicago.com;security=off",
            ),
            ("sip:a@b", "sips:a@b"),
            ("sip:a@b", "sip:b"),
            ("sip:a:x@b", "sip:a@b"),
            ("sip:a%3Bx@b", "sip:a;x@b"),
            ("sip:a@b;maddr=c", "sip:a@b"),
            ("tel:+4930123", "tel:4930123"),
            ("tel:123;phone-context=a", "tel:123"),
            ("name:x", "name:X"),
        ];
        let expected = same
            .iter()
            .map(|pair| (pair, true))
            .chain(different.iter().map(|pair| (pair, false)));
        for ((one, two), equal) in expected {
            assert_eq!(read(one) == read(two), equal, "{one} {two}");
            assert_eq!(read(two) == read(one), equal, "{two} {one}");
        }
    }

    #[test]
    fn escapes_resolve() {
        let table = [
            ("a%20b", "a b"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%C3%B6", "ö"),
            ("%ff", "\u{fffd}"),
            ("%00", "\0"),
        ];
        for (text, expected) in table {
            assert_eq!(unescape(text), expected, "{text}");
        }
        for text in ["a b", "ann@b;x", "+49(30)", "ö%", "#*"] {
            assert_eq!(unescape(&escape_user(text)), text);
            assert_eq!(unescape(&escape_value(text)), text);
        }
    }

    #[test]
    fn uris_are_made() {
        let v6 = Host::Ip("2001:db8::1".parse().expect("an address"));
        assert_eq!(
            Uri::sip(Some("a b"), v6, Some(5070)).as_str(),
            "sip:a%20b@[2001:db8::1]:5070"
        );
        assert_eq!(Uri::sips(None, Host::Name("b"), None).as_str(), "sips:b");
        let uri = Uri::parse("sip:a?b@c?d=e").expect("sound");
        let uri = uri
            .with_param("transport", Some("tcp"))
            .with_param("lr", None);
        assert_eq!(uri.as_str(), "sip:a?b@c;transport=tcp;lr?d=e");
        assert!(uri.view().is_loose());
        assert_eq!(uri.view().transport(), Some(Transport::Tcp));
        let headers: Vec<_> = uri.view().headers().collect();
        assert_eq!(headers, [("d", "e")]);
    }

    #[test]
    fn replaces_in_a_uri_is_no_part_of_the_host() {
        let uri = read("sip:a@1.2.3.4?Replaces=abc%3Bto-tag%3D1&x");
        assert_eq!(uri.host_str(), "1.2.3.4");
        assert_eq!(uri.header("replaces").as_deref(), Some("abc;to-tag=1"));
        assert_eq!(uri.header("X").as_deref(), Some(""));
    }

    #[test]
    fn sips_is_never_in_the_clear() {
        let table = [
            ("sips:b", Some(Transport::Tls)),
            ("sips:b;transport=tcp", Some(Transport::Tls)),
            ("sips:b;transport=ws", Some(Transport::Wss)),
            ("sip:b;transport=UDP", Some(Transport::Udp)),
            ("sip:b;transport=sctp", None),
            ("sip:b", None),
        ];
        for (text, expected) in table {
            assert_eq!(read(text).transport(), expected, "{text}");
        }
    }
}
