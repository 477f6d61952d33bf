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
        cursor.take_while(|octet| octet != b';');
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
