//! To and from the types of `rsip`.
//!
//! For those who know rsip and want to hook into Lampfield with it, and as an oracle: its tests hold our
//! codec against rsip's reading of the same messages. Besides this crate only the benches name rsip, which
//! show what our codec costs beside it; why it does not read what comes off the wire stands in the documentation of the crate `sip`.
//!
//! [`message_to_rsip`] and [`uri_to_rsip`] refuse what rsip's types cannot hold without loss, instead of
//! changing it silently; [`message_from_rsip`] and [`uri_from_rsip`] refuse what is no message or URI.
//! What is lost in any case: the spelling of header names and of a well-known status' reason phrase.
#![forbid(unsafe_code)]

mod message;
mod uri;

pub use message::{message_from_rsip, message_to_rsip};
pub use uri::{uri_from_rsip, uri_to_rsip};

/// What rsip's types cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unrepresentable {
    /// A method other than the fourteen that rsip has.
    #[error("method {0}")]
    Method(String),
    /// A URI of another scheme than sip and sips.
    #[error("scheme {0}")]
    Scheme(String),
    /// A URI with headers behind a `?`.
    #[error("headers in a URI")]
    UriHeaders,
    /// A header that is no UTF-8.
    #[error("header {0} is no UTF-8")]
    NotUtf8(String),
    /// Something that rsip refuses to read.
    #[error("{0}")]
    Refused(String),
}

impl From<rsip::Error> for Unrepresentable {
    fn from(error: rsip::Error) -> Self {
        Self::Refused(error.to_string())
    }
}
