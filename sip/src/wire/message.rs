//! [`Message`]: a parsed request or response, and the way to its headers.

use bytes::Bytes;

use super::address::{ContactHeader, NameAddr};
use super::fault::Fault;
use super::method::Method;
use super::name::HeaderName;
use super::parse::{self, HeaderTable};
use super::scan::{self, Span};
use super::uri::UriRef;
use super::values::Values;
use super::via::{Via, ViaSpans};

/// A request or a response, as it was received.
///
/// It keeps the received bytes and offsets into them; a clone shares the bytes.
#[derive(Clone, Debug)]
pub struct Message {
    /// What was received, from the first line to the end of the body.
    raw: Bytes,
    /// The same, with folds as spaces; the same bytes if nothing is folded.
    text: Bytes,
    start: Start,
    headers: HeaderTable,
    body: usize,
    keys: Keys,
}

/// The parts of the first line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// A response's status.
    pub(crate) status: Option<u16>,
    /// A request's method, if we know it.
    pub(crate) method: Option<Method<'static>>,
    /// A request's method as it was written.
    pub(crate) first: Span,
    /// The Request-URI or the reason phrase.
    pub(crate) second: Span,
}

/// One header line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderSpan {
    pub(crate) id: u8,
    pub(crate) name: Span,
    pub(crate) value: Span,
}

/// What names the transaction and the dialog.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    pub(crate) via: ViaSpans,
    pub(crate) from_tag: Span,
    pub(crate) to_tag: Span,
    pub(crate) call_id: Span,
    pub(crate) cseq_number: u32,
    pub(crate) cseq_method: Span,
    pub(crate) max_forwards: Option<u8>,
}

/// The value of a CSeq header (RFC 3261 §20.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Below 2^31.
    pub number: u32,
    /// The method.
    pub method: Method<'a>,
}

impl Message {
    /// Reads a datagram, a WebSocket frame, or what else is one message.
    ///
    /// CRLFs before the message are skipped and octets behind its Content-Length are dropped
    /// (RFC 3261 §7.5, §18.3).
    ///
    /// # Errors
    ///
    /// A [`Fault`] of the tiers framing or header, or [`Fault::Version`]. What a message means is for
    /// [`validate`](super::validate) to judge.
    pub fn parse(buf: Bytes) -> Result<Self, Fault> {
        parse::parse(buf)
    }

    #[inline]
    pub(crate) fn new(
        raw: Bytes,
        mut text: Bytes,
        start: Start,
        headers: HeaderTable,
        body: usize,
        keys: Keys,
    ) -> Self {
        text.truncate(raw.len());
        Self {
            raw,
            text,
            start,
            headers,
            body,
            keys,
        }
    }

    /// The message as it was received.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.raw
    }

    /// Whether it is a request.
    #[must_use]
    pub const fn is_request(&self) -> bool {
        self.start.status.is_none()
    }

    /// A request's method, or the method of the request that a response answers.
    #[must_use]
    pub fn method(&self) -> Method<'_> {
        match (self.start.status, self.start.method) {
            (Some(_), _) => self.cseq().method,
            (None, Some(known)) => known,
            (None, None) => Method::Other(scan::text(self.start.first.of(&self.text))),
        }
    }

    /// A request's URI; `None` for a response, and if the URI cannot be read, as [`validate`] tells.
    ///
    /// [`validate`]: super::validate
    #[must_use]
    pub fn request_uri(&self) -> Option<UriRef<'_>> {
        if !self.is_request() {
            return None;
        }
        UriRef::parse(self.start.second.of(&self.text)).ok()
    }

    /// A response's status, 100 to 699; `None` for a request.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        self.start.status
    }

    /// A response's reason phrase, in whatever octets it came; empty for a request.
    #[must_use]
    pub fn reason(&self) -> &[u8] {
        if self.is_request() {
            return b"";
        }
        self.start.second.of(&self.text)
    }

    /// The topmost Via.
    #[must_use]
    pub fn via(&self) -> Via<'_> {
        Via::from_spans(&self.text, self.keys.via)
    }

    /// The tag of From; `None` only from peers of RFC 2543.
    #[must_use]
    pub fn from_tag(&self) -> Option<&str> {
        self.tag(self.keys.from_tag)
    }

    /// The tag of To.
    #[must_use]
    pub fn to_tag(&self) -> Option<&str> {
        self.tag(self.keys.to_tag)
    }

    fn tag(&self, span: Span) -> Option<&str> {
        (!span.is_empty()).then(|| scan::text(span.of(&self.text)))
    }

    /// The Call-ID. Case matters.
    #[must_use]
    pub fn call_id(&self) -> &str {
        scan::text(self.keys.call_id.of(&self.text))
    }

    /// The CSeq.
    #[must_use]
    pub fn cseq(&self) -> CSeq<'_> {
        CSeq {
            number: self.keys.cseq_number,
            method: Method::new(scan::text(self.keys.cseq_method.of(&self.text))),
        }
    }

    /// Max-Forwards, if it is there.
    #[must_use]
    pub const fn max_forwards(&self) -> Option<u8> {
        self.keys.max_forwards
    }

    /// The body; empty if there is none.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.raw.slice(self.body..)
    }

    /// How many header lines there are.
    #[must_use]
    pub fn header_count(&self) -> usize {
        self.headers.len()
    }

    /// The first value of this name as it was written, folds read as spaces, trimmed.
    #[must_use]
    pub fn header(&self, name: HeaderName<'_>) -> Option<&[u8]> {
        let matches = |header: &&HeaderSpan| name.matches(header.id, header.name.of(&self.text));
        let found = self.headers.iter().find(matches)?;
        Some(found.value.of(&self.text))
    }

    /// The first value of this name as text; `None` also if it is no UTF-8.
    #[must_use]
    pub fn header_str(&self, name: HeaderName<'_>) -> Option<&str> {
        core::str::from_utf8(self.header(name)?).ok()
    }

    /// The values of all lines of this name, in order, lists not split.
    pub fn headers<'m>(&'m self, name: HeaderName<'m>) -> impl Iterator<Item = &'m [u8]> {
        self.spans(name).map(|header| header.value.of(&self.text))
    }

    /// The values of all lines of this name, lists split at their commas.
    pub fn values<'m>(&'m self, name: HeaderName<'m>) -> impl Iterator<Item = &'m [u8]> {
        self.headers(name).flat_map(Values::new)
    }

    /// All header lines in order: the name as it was written, and the value.
    pub fn all_headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.headers.iter().map(|header| {
            let name = scan::text(header.name.of(&self.text));
            (name, header.value.of(&self.text))
        })
    }

    /// Whether a list of tokens, such as Supported, has this one. Case is ignored.
    #[must_use]
    pub fn has_token(&self, name: HeaderName<'_>, token: &str) -> bool {
        self.headers
            .iter()
            .filter(|header| name.matches(header.id, header.name.of(&self.text)))
            .flat_map(|header| Values::new(header.value.of(&self.text)))
            .any(|value| value.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// From.
    ///
    /// # Errors
    ///
    /// If its URI cannot be read.
    pub fn from(&self) -> Result<NameAddr<'_>, Fault> {
        self.address(HeaderName::From)
    }

    /// To.
    ///
    /// # Errors
    ///
    /// If its URI cannot be read.
    pub fn to(&self) -> Result<NameAddr<'_>, Fault> {
        self.address(HeaderName::To)
    }

    /// The only address of a header such as From, Refer-To or P-Called-Party-ID.
    ///
    /// # Errors
    ///
    /// If the header is missing, or is not one address.
    pub fn address(&self, name: HeaderName<'static>) -> Result<NameAddr<'_>, Fault> {
        let value = self.header(name).ok_or(Fault::Missing(name.as_str()))?;
        NameAddr::parse(value).map_err(|why| Fault::header(name.as_str(), why))
    }

    /// All addresses of a header such as Route, Record-Route, P-Asserted-Identity or Diversion.
    pub fn addresses(
        &self,
        name: HeaderName<'static>,
    ) -> impl Iterator<Item = Result<NameAddr<'_>, Fault>> {
        self.values(name).map(move |value| {
            NameAddr::parse(value).map_err(|why| Fault::header(name.as_str(), why))
        })
    }

    /// All values of Contact.
    pub fn contacts(&self) -> impl Iterator<Item = Result<ContactHeader<'_>, Fault>> {
        self.values(HeaderName::Contact)
            .map(|value| ContactHeader::parse(value).map_err(|why| Fault::header("Contact", why)))
    }

    /// All values of Via, topmost first.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'_>, Fault>> {
        self.headers(HeaderName::Via).flat_map(|line| {
            let mut rest = Some(line);
            core::iter::from_fn(move || match Via::parse(rest.take()?) {
                Ok((via, next)) => {
                    rest = next;
                    Some(Ok(via))
                }
                Err(why) => Some(Err(Fault::header("Via", why))),
            })
        })
    }

    fn spans<'m>(&'m self, name: HeaderName<'m>) -> impl Iterator<Item = &'m HeaderSpan> {
        self.headers
            .iter()
            .filter(move |header| name.matches(header.id, header.name.of(&self.text)))
    }

    pub(crate) fn table(&self) -> &[HeaderSpan] {
        &self.headers
    }

    pub(crate) const fn via_spans(&self) -> &ViaSpans {
        &self.keys.via
    }

    pub(crate) const fn body_start(&self) -> usize {
        self.body
    }

    /// The text with folds as spaces.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }
}

impl PartialEq for Message {
    /// The same octets.
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Eq for Message {}
