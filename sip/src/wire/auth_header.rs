//! Challenges and credentials: WWW-Authenticate, Authorization and their proxy twins (RFC 3261 §25.1).

use alloc::borrow::Cow;

use super::params::unquote;
use super::scan::{self, Cursor};
use super::values::Values;

/// One challenge or one set of credentials: a scheme and its parameters.
///
/// Commas part the parameters, so a header line holds one of these, not a list.
#[derive(Clone, Copy, Debug)]
pub struct AuthHeader<'a> {
    scheme: &'a str,
    params: &'a [u8],
}

impl<'a> AuthHeader<'a> {
    /// Reads a header's value. Any scheme is read; parameters wait until they are asked for.
    ///
    /// # Errors
    ///
    /// If there is no scheme.
    pub fn parse(text: &'a [u8]) -> Result<Self, &'static str> {
        let mut cursor = Cursor::new(scan::trim(text));
        let scheme = cursor.take_token().ok_or("has no scheme")?;
        if !cursor.is_end() && !cursor.peek().is_some_and(scan::is_lws) {
            return Err("has no scheme");
        }
        Ok(Self {
            scheme: scan::text(scheme),
            params: scan::trim(cursor.rest()),
        })
    }

    /// The scheme as it was written.
    #[must_use]
    pub const fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// Whether the scheme is Digest.
    #[must_use]
    pub fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("digest")
    }

    /// All parameters in order, values as they were written. What is no `name=value` is skipped.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        Values::new(self.params).filter_map(|pair| {
            let mut cursor = Cursor::new(pair);
            let name = cursor.take_token()?;
            if !cursor.eat_spaced(b'=') {
                return None;
            }
            Some((scan::text(name), cursor.rest()))
        })
    }

    /// The first parameter of this name without quotes and escapes.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.raw(name).map(unquote)
    }

    /// The first parameter of this name as it was written.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&'a [u8]> {
        self.iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_digest_credentials() {
        let header = AuthHeader::parse(
            br#"Digest username="bob", realm="a, b", nonce="x=\"y", uri="sip:a@b", nc=00000001,qop = auth ,response="""#,
        )
        .expect("sound");
        assert!(header.is_digest());
        let table = [
            ("username", Some("bob")),
            ("REALM", Some("a, b")),
            ("nonce", Some("x=\"y")),
            ("uri", Some("sip:a@b")),
            ("nc", Some("00000001")),
            ("qop", Some("auth")),
            ("response", Some("")),
            ("opaque", None),
        ];
        for (name, expected) in table {
            assert_eq!(header.get(name).as_deref(), expected, "{name}");
        }
        assert_eq!(header.raw("username"), Some(b"\"bob\"".as_slice()));
    }

    #[test]
    fn any_scheme_is_read() {
        let header = AuthHeader::parse(b"NoOneKnowsThisScheme opaque-data=here").expect("sound");
        assert_eq!(header.scheme(), "NoOneKnowsThisScheme");
        assert_eq!(header.get("opaque-data").as_deref(), Some("here"));
        assert!(!header.is_digest());
        assert!(AuthHeader::parse(b"").is_err());
        assert!(AuthHeader::parse(b"Digest=x").is_err());
    }
}
