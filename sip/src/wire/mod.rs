//! The wire codec: octets to messages and back (RFC 3261 §7, §25).
//!
//! A [`Message`] is the received [`Bytes`](bytes::Bytes) and a table of offsets into them. Parsing reads
//! eagerly only what it takes to find a transaction and a dialog: the first line, the framing, the top
//! Via, From, To, Call-ID and CSeq. Everything else waits behind typed views that read when asked, so
//! that a header nobody looks at costs one pass over its line. Nothing is allocated for a message of up
//! to 32 headers without folded lines.
//!
//! The life of a message: bytes come in as a datagram ([`Message::parse`]) or out of a stream
//! ([`Framer`]); [`validate`] says whether a request may be served at all; [`Edit`] writes a changed copy
//! whose untouched headers stay as they were to the octet; [`RequestBuilder`] and [`ResponseBuilder`]
//! write our own messages. What is wrong with a message is a [`Fault`], which knows its verdict;
//! [`error_response`] writes the answer even for a message that could not be parsed.
//!
//! Transactions, dialogs and sockets are no business of this module.

mod address;
mod auth_header;
mod build;
mod edit;
mod error_response;
mod fault;
mod framer;
mod headers;
mod mask;
mod message;
mod method;
mod name;
mod params;
mod parse;
mod replaces;
mod scan;
mod uri;
mod validate;
mod values;
mod via;

pub use address::{ContactHeader, NameAddr};
pub use auth_header::AuthHeader;
pub use build::{BuildError, RequestBuilder, ResponseBuilder, reason_phrase};
pub use edit::Edit;
pub use error_response::error_response;
pub use fault::{Fault, Tier};
pub use framer::{Framed, Framer};
pub use headers::{ContentType, Reason, RetryAfter};
pub use mask::{masked, raw_header};
pub use message::{CSeq, Message};
pub use method::Method;
pub use name::HeaderName;
pub use params::Params;
pub use replaces::Replaces;
pub use uri::{Host, Scheme, Uri, UriError, UriRef, escape_user, escape_value, unescape};
pub use validate::{Rules, validate};
pub use values::Values;
pub use via::{Rport, Via};

/// The longest message we read, in octets.
pub const MAX_MESSAGE: usize = 65_535;
/// The most headers a message may have.
pub const MAX_HEADERS: usize = 100;
/// The largest number a CSeq may have (RFC 3261 §8.1.1.5).
pub const MAX_CSEQ: u32 = (1 << 31) - 1;
