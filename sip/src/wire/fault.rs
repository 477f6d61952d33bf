//! What can be wrong with a message, and what each fault deserves.
//!
//! Three tiers: a *framing* fault means that nobody knows where the message ends; a *header* fault
//! means that one header cannot be read; a fault of *meaning* means that all can be read and still not
//! be done. A fault knows its verdict, so no one switches over it later.

use alloc::string::String;

/// How deep a fault sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// The octets cannot be cut into messages: a datagram is dropped or answered, a stream is closed.
    Framing,
    /// A line or a header cannot be read: 400.
    Header,
    /// The request can be read, but not be served.
    Meaning,
}

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing but CRLF: a keep-alive, not a message (RFC 5626 §3.5.1).
    #[error("no message, only line ends")]
    Empty,
    /// Longer than [`MAX_MESSAGE`](super::MAX_MESSAGE).
    #[error("message is longer than 65,535 octets")]
    TooLong,
    /// More headers than [`MAX_HEADERS`](super::MAX_HEADERS).
    #[error("message has more than 100 headers")]
    TooManyHeaders,
    /// The empty line after the headers is missing.
    #[error("headers do not end")]
    Unterminated,
    /// Content-Length cannot be used; the text says why.
    #[error("Content-Length {0}")]
    ContentLength(&'static str),
    /// The first line is neither a request's nor a response's.
    #[error("not a SIP message")]
    NotSip,
    /// The first line is a response's, but broken. Nobody answers a response.
    #[error("status line {0}")]
    StatusLine(&'static str),
    /// The first line is a request's, but broken.
    #[error("request line {0}")]
    RequestLine(&'static str),
    /// A header line cannot be read; the number counts lines from 1, after the first line.
    #[error("header line {line} {why}")]
    HeaderLine {
        /// Which header line, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A header's value cannot be read.
    #[error("{name} {why}")]
    Header {
        /// The header's full name.
        name: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A header that every message has is not there (RFC 3261 §8.1.1).
    #[error("{0} missing")]
    Missing(&'static str),
    /// A header that may stand once stands twice.
    #[error("{0} repeated")]
    Repeated(&'static str),
    /// A version of SIP other than 2.0.
    #[error("version not supported")]
    Version,
    /// The Request-URI has a scheme that we do not serve.
    #[error("scheme of the Request-URI not supported")]
    Scheme,
    /// The Request-URI carries headers or a method (RFC 3261 §19.1.1).
    #[error("Request-URI carries headers")]
    RequestUriHeaders,
    /// CSeq names another method than the first line (RFC 3261 §8.1.1.5).
    #[error("CSeq names another method")]
    MethodMismatch,
    /// A method that nobody told us of.
    #[error("method not implemented")]
    UnknownMethod,
    /// A method that we know, but not here.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// Extensions that the request requires and we do not have (RFC 3261 §8.2.2.3).
    #[error("extension not supported: {0}")]
    Extension(String),
    /// The body has a type that we cannot read, and the request insists on it.
    #[error("body type not supported")]
    MediaType,
    /// The peer accepts no answer that we could give.
    #[error("no acceptable body type")]
    NotAcceptable,
    /// Max-Forwards has run out.
    #[error("too many hops")]
    TooManyHops,
    /// The request has been here before.
    #[error("loop detected")]
    Loop,
}

impl Fault {
    /// A header's fault.
    pub(crate) const fn header(name: &'static str, why: &'static str) -> Self {
        Self::Header { name, why }
    }

    /// The tier the fault belongs to.
    #[must_use]
    pub const fn tier(&self) -> Tier {
        match self {
            Self::Empty
            | Self::TooLong
            | Self::TooManyHeaders
            | Self::Unterminated
            | Self::ContentLength(_)
            | Self::NotSip => Tier::Framing,
            Self::StatusLine(_)
            | Self::RequestLine(_)
            | Self::HeaderLine { .. }
            | Self::Header { .. }
            | Self::Missing(_)
            | Self::Repeated(_) => Tier::Header,
            Self::Version
            | Self::Scheme
            | Self::RequestUriHeaders
            | Self::MethodMismatch
            | Self::UnknownMethod
            | Self::MethodNotAllowed
            | Self::Extension(_)
            | Self::MediaType
            | Self::NotAcceptable
            | Self::TooManyHops
            | Self::Loop => Tier::Meaning,
        }
    }

    /// The status a request with this fault is answered with; `None`: it is dropped.
    ///
    /// A response or an ACK is never answered, whatever its fault;
    /// [`error_response`](super::error_response) heeds that.
    #[must_use]
    pub const fn sip_status(&self) -> Option<u16> {
        Some(match self {
            Self::Empty | Self::NotSip | Self::StatusLine(_) => return None,
            Self::TooLong => 513,
            Self::TooManyHeaders
            | Self::Unterminated
            | Self::ContentLength(_)
            | Self::RequestLine(_)
            | Self::HeaderLine { .. }
            | Self::Header { .. }
            | Self::Missing(_)
            | Self::Repeated(_)
            | Self::RequestUriHeaders
            | Self::MethodMismatch => 400,
            Self::MethodNotAllowed => 405,
            Self::NotAcceptable => 406,
            Self::MediaType => 415,
            Self::Scheme => 416,
            Self::Extension(_) => 420,
            Self::Loop => 482,
            Self::TooManyHops => 483,
            Self::UnknownMethod => 501,
            Self::Version => 505,
        })
    }

    /// Whether a stream that carried this must be closed, since no one knows where the next message
    /// begins.
    #[must_use]
    pub const fn closes_stream(&self) -> bool {
        matches!(self.tier(), Tier::Framing)
    }

    /// The full name of the header at fault.
    #[must_use]
    pub const fn header_name(&self) -> Option<&'static str> {
        match self {
            Self::Header { name, .. } | Self::Missing(name) | Self::Repeated(name) => Some(name),
            Self::ContentLength(_) => Some("Content-Length"),
            Self::MethodMismatch => Some("CSeq"),
            Self::Extension(_) => Some("Require"),
            Self::MediaType => Some("Content-Type"),
            Self::NotAcceptable => Some("Accept"),
            Self::TooManyHops => Some("Max-Forwards"),
            Self::Loop => Some("Via"),
            Self::Empty
            | Self::TooLong
            | Self::TooManyHeaders
            | Self::Unterminated
            | Self::NotSip
            | Self::StatusLine(_)
            | Self::RequestLine(_)
            | Self::HeaderLine { .. }
            | Self::Version
            | Self::Scheme
            | Self::RequestUriHeaders
            | Self::UnknownMethod
            | Self::MethodNotAllowed => None,
        }
    }
}
