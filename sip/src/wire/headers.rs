//! Typed views of the smaller headers, read when asked for.

use alloc::borrow::Cow;

use super::auth_header::AuthHeader;
use super::fault::Fault;
use super::message::Message;
use super::name::HeaderName;
use super::params::{Params, unquote};
use super::scan::{self, Cursor};

/// A media type (RFC 3261 §20.15).
#[derive(Clone, Copy, Debug)]
pub struct ContentType<'a> {
    /// `application` of `application/sdp`, as it was written.
    pub kind: &'a str,
    /// `sdp` of `application/sdp`, as it was written.
    pub subtype: &'a str,
    /// What follows, such as `charset` or `boundary`.
    pub params: Params<'a>,
}

impl<'a> ContentType<'a> {
    /// Reads a value of Content-Type or Accept.
    ///
    /// # Errors
    ///
    /// If it is no media type.
    pub fn parse(text: &'a [u8]) -> Result<Self, &'static str> {
        let mut cursor = Cursor::new(text);
        let kind = cursor.take_token().ok_or("is no media type")?;
        if !cursor.eat_spaced(b'/') {
            return Err("is no media type");
        }
        let subtype = cursor.take_token().ok_or("is no media type")?;
        let params = Params::new(cursor.rest());
        params.check()?;
        Ok(Self {
            kind: scan::text(kind),
            subtype: scan::text(subtype),
            params,
        })
    }

    /// Whether it is this type, written as `application/sdp`; `*` on our side matches anything.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        let Some((kind, subtype)) = wanted.split_once('/') else {
            return false;
        };
        let same = |ours: &str, wanted: &str| ours == "*" || ours.eq_ignore_ascii_case(wanted);
        same(self.kind, kind) && same(self.subtype, subtype)
    }
}

/// A value of a Reason header (RFC 3326).
#[derive(Clone, Copy, Debug)]
pub struct Reason<'a> {
    /// `SIP`, `Q.850`, or another, as it was written.
    pub protocol: &'a str,
    /// What follows.
    pub params: Params<'a>,
}

impl<'a> Reason<'a> {
    /// Reads one value.
    ///
    /// # Errors
    ///
    /// If there is no protocol.
    pub fn parse(text: &'a [u8]) -> Result<Self, &'static str> {
        let mut cursor = Cursor::new(text);
        let protocol = cursor.take_token().ok_or("has no protocol")?;
        let params = Params::new(cursor.rest());
        params.check()?;
        Ok(Self {
            protocol: scan::text(protocol),
            params,
        })
    }

    /// The cause: a SIP status or a Q.850 cause, by protocol.
    #[must_use]
    pub fn cause(&self) -> Option<u16> {
        scan::decimal(self.params.raw("cause")?, u64::from(u16::MAX)).map(|cause| cause as u16)
    }

    /// The text for people.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'a, str>> {
        self.params.raw("text").map(unquote)
    }
}

/// Retry-After (RFC 3261 §20.33).
#[derive(Clone, Copy, Debug)]
pub struct RetryAfter<'a> {
    /// How long to wait, in seconds.
    pub seconds: u32,
    /// What follows, such as `duration`.
    pub params: Params<'a>,
}

impl Message {
    /// Expires, in seconds. What is no number reads as absent, what is too large as the largest.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        scan::delta_seconds(self.header(HeaderName::Expires)?)
    }

    /// Min-Expires, in seconds.
    #[must_use]
    pub fn min_expires(&self) -> Option<u32> {
        scan::delta_seconds(self.header(HeaderName::MinExpires)?)
    }

    /// Retry-After; a comment in parentheses is skipped.
    #[must_use]
    pub fn retry_after(&self) -> Option<RetryAfter<'_>> {
        let mut cursor = Cursor::new(self.header(HeaderName::RetryAfter)?);
        let seconds = scan::delta_seconds(cursor.take_while(|octet| octet.is_ascii_digit()))?;
        cursor.skip_lws();
        if cursor.peek() == Some(b'(') {
            cursor.skip_comment();
        }
        Some(RetryAfter {
            seconds,
            params: Params::new(cursor.rest()),
        })
    }

    /// Content-Type; `None` if it is absent.
    ///
    /// # Errors
    ///
    /// If it is no media type.
    pub fn content_type(&self) -> Result<Option<ContentType<'_>>, Fault> {
        self.header(HeaderName::ContentType)
            .map(ContentType::parse)
            .transpose()
            .map_err(|why| Fault::header("Content-Type", why))
    }

    /// All values of Reason that can be read (RFC 3326).
    pub fn reasons(&self) -> impl Iterator<Item = Reason<'_>> {
        self.values(HeaderName::Reason)
            .filter_map(|value| Reason::parse(value).ok())
    }

    /// A token and its parameters: Event, Session-Expires, Subscription-State, Content-Disposition,
    /// Replaces, and the like.
    #[must_use]
    pub fn token_with_params(&self, name: HeaderName<'_>) -> Option<(&str, Params<'_>)> {
        let mut cursor = Cursor::new(self.header(name)?);
        let token = cursor.take_while(|octet| octet != b';' && !scan::is_lws(octet));
        let token = core::str::from_utf8(token).ok().filter(|t| !t.is_empty())?;
        Some((token, Params::new(cursor.rest())))
    }

    /// All challenges or credentials of WWW-Authenticate, Authorization or their proxy twins that can
    /// be read.
    pub fn auth_headers<'m>(
        &'m self,
        name: HeaderName<'m>,
    ) -> impl Iterator<Item = AuthHeader<'m>> {
        self.headers(name)
            .filter_map(|line| AuthHeader::parse(line).ok())
    }

    /// Whether Privacy asks for `id`, `user` or `header` privacy: the caller's number is not to be shown
    /// (RFC 3323, RFC 3325).
    #[must_use]
    pub fn asks_privacy(&self) -> bool {
        self.headers(HeaderName::Privacy)
            .flat_map(|line| line.split(|&octet| octet == b';' || octet == b','))
            .map(scan::trim)
            .any(|value| {
                [b"id".as_slice(), b"user", b"header"]
                    .iter()
                    .any(|wanted| value.eq_ignore_ascii_case(wanted))
            })
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use std::vec::Vec;

    use bytes::Bytes;

    use super::*;

    fn with(headers: &str) -> Message {
        let text = format!(
            "INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h\r\nf: <sip:f@b>\r\nt: <sip:a@b>\r\n\
            i: c\r\nCSeq: 1 INVITE\r\n{headers}\r\n\r\n"
        );
        Message::parse(Bytes::from(text)).expect(headers)
    }

    #[test]
    fn seconds() {
        let table = [
            ("Expires: 60", Some(60)),
            ("Expires: 0", Some(0)),
            ("Expires: Thu, 01 Dec 1994", None),
            ("Expires: 99999999999", Some(u32::MAX)),
            ("Subject: x", None),
        ];
        for (header, expected) in table {
            assert_eq!(with(header).expires(), expected, "{header}");
        }
        assert_eq!(with("Min-Expires: 90").min_expires(), Some(90));
    }

    #[test]
    fn retry_after() {
        let table = [
            ("Retry-After: 18", Some((18, None))),
            (
                r"Retry-After: 120 (in (a \) );duration=1) ;duration=60",
                Some((120, Some("60"))),
            ),
            ("Retry-After: 120 (open;duration=1", Some((120, None))),
            (
                "Retry-After: 120 (in a meeting);duration=60",
                Some((120, Some("60"))),
            ),
            ("Retry-After: soon", None),
        ];
        for (header, expected) in table {
            let message = with(header);
            let found = message.retry_after();
            let found = found.map(|retry| (retry.seconds, retry.params.get("duration")));
            assert_eq!(found, expected, "{header}");
        }
    }

    #[test]
    fn content_types() {
        let message = with("c: Application/SDP ; charset=utf-8");
        let found = message.content_type().expect("sound").expect("there");
        assert!(found.is("application/sdp") && !found.is("application/isup"));
        assert_eq!(found.params.get("charset"), Some("utf-8"));
        assert!(with("c: sdp").content_type().is_err());
        assert!(with("s: x").content_type().expect("sound").is_none());
        assert!(
            ContentType::parse(b"*/*")
                .expect("sound")
                .is("application/sdp")
        );
    }

    #[test]
    fn reasons() {
        let message = with(r#"Reason: Q.850;cause=16;text="Terminated, \"ok\"", SIP ;cause=600"#);
        let found: Vec<_> = message.reasons().collect();
        assert_eq!((found[0].protocol, found[0].cause()), ("Q.850", Some(16)));
        assert_eq!(found[0].text().as_deref(), Some("Terminated, \"ok\""));
        assert_eq!((found[1].protocol, found[1].cause()), ("SIP", Some(600)));
    }

    #[test]
    fn tokens_with_parameters() {
        let message = with("o: presence;id=7\r\nx: 1800 ; refresher=uas");
        let (event, params) = message.token_with_params(HeaderName::Event).expect("there");
        assert_eq!((event, params.get("id")), ("presence", Some("7")));
        let (expires, params) = message
            .token_with_params(HeaderName::SessionExpires)
            .expect("there");
        assert_eq!((expires, params.get("refresher")), ("1800", Some("uas")));
        assert!(message.token_with_params(HeaderName::Replaces).is_none());
    }

    #[test]
    fn privacy() {
        for (header, expected) in [
            ("Privacy: id", true),
            ("Privacy: header;ID;critical", true),
            ("Privacy: none", false),
            ("Privacy: history", false),
            ("Subject: id", false),
        ] {
            assert_eq!(with(header).asks_privacy(), expected, "{header}");
        }
    }

    #[test]
    fn lists_and_addresses() {
        let message = with(
            "k: timer,100rel\r\nSupported: replaces\r\nDiversion: \"A, B\" <tel:+491>;reason=no-answer\r\n\
            P-Asserted-Identity: \"Ann\" <sip:+492@b>, <tel:+492>\r\nP-Called-Party-ID: <sip:+493@b>",
        );
        assert!(message.has_token(HeaderName::Supported, "Replaces"));
        assert!(!message.has_token(HeaderName::Supported, "gruu"));
        let supported: Vec<_> = message.values(HeaderName::Supported).collect();
        assert_eq!(supported, [b"timer".as_slice(), b"100rel", b"replaces"]);
        let asserted: Vec<_> = message
            .addresses(HeaderName::PAssertedIdentity)
            .map(|address| address.expect("sound").uri().as_str())
            .collect();
        assert_eq!(asserted, ["sip:+492@b", "tel:+492"]);
        let diversion = message.address(HeaderName::Diversion).expect("one");
        assert_eq!(diversion.display_name(), "A, B");
        assert_eq!(diversion.params().get("reason"), Some("no-answer"));
        let called = message.address(HeaderName::PCalledPartyId).expect("one");
        assert_eq!(called.uri().user(), Some("+493"));
        assert_eq!(
            message.address(HeaderName::ReferTo).err(),
            Some(Fault::Missing("Refer-To"))
        );
    }
}
