//! SDP offer and answer for one audio stream (RFC 8866, RFC 3264).
//!
//! [`Negotiation`] owns what was offered and answered on one leg, from its first description to its end: it answers
//! the peer's offers, makes ours (also late, in the 200 of an INVITE without one), accepts the peer's answers, and keeps
//! what RFC 3264 §8 wants kept: the order of streams, the payload types, the version of `o=`. Its result is
//! [`AgreedAudio`], all that the media side needs. Which ports, codecs and directions we want is the engine's to say
//! ([`LocalMedia`]).
//!
//! ```text
//! bytes -> SdpOffer::parse -> Negotiation::answer -> SdpAnswer + AgreedAudio
//!          Negotiation::offer -> SdpOffer ... bytes -> SdpAnswer::parse -> Negotiation::accept_answer -> AgreedAudio
//! ```
//!
//! The parser takes what phones send: lines it does not need may be missing, unknown or out of order. Bundles, ICE and
//! keys are passed over; a stream that cannot do without them is declined.

mod description;
mod direction;
mod events;
#[cfg(test)]
mod exchanges;
mod fault;
mod negotiation;
mod parse;
#[cfg(test)]
mod phones;
#[cfg(test)]
mod properties;
mod remote;
mod terms;

pub use description::{Host, Origin, RtcpAddress, RtpMap, SessionDescription, Stream};
pub use direction::Direction;
pub use events::EventSet;
pub use fault::{AnswerFault, NotAcceptable, SdpFault};
pub use negotiation::{Answered, Negotiation};
pub use parse::{MAX_BYTES, MAX_FORMATS, MAX_LINES, MAX_STREAMS};
pub use terms::{AgreedAudio, LocalMedia};

use alloc::string::ToString;
use bytes::Bytes;
use core::fmt;
use core::net::IpAddr;

/// What `Content-Type` says of a session description.
pub const CONTENT_TYPE: &str = "application/sdp";

/// A description that asks for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdpOffer(SessionDescription);

/// A description that answers an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdpAnswer(SessionDescription);

impl SdpOffer {
    /// Reads the body of an INVITE, or of a 200 to one that had none.
    ///
    /// # Errors
    /// What is wrong with it; the fault knows its SIP status.
    pub fn parse(body: &[u8]) -> Result<Self, SdpFault> {
        SessionDescription::parse(body).map(Self)
    }

    /// The address the peer wants its audio at, so that ours can be of the same family. `None` if it names none, as
    /// in an old-style hold.
    pub fn audio_address(&self) -> Option<IpAddr> {
        self.0
            .streams
            .iter()
            .filter(|stream| stream.is_audio() && stream.port != 0)
            .find_map(|stream| match self.0.host_of(stream)? {
                Host::Ip(ip) if !ip.is_unspecified() => Some(*ip),
                Host::Ip(_) | Host::Name(_) => None,
            })
    }

    /// What it says.
    pub fn description(&self) -> &SessionDescription {
        &self.0
    }

    /// The body as it goes into a message.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::from(self.to_string())
    }
}

impl SdpAnswer {
    /// Reads the body of a response to our INVITE, or of an ACK.
    ///
    /// # Errors
    /// What is wrong with it; the fault knows its SIP status.
    pub fn parse(body: &[u8]) -> Result<Self, SdpFault> {
        SessionDescription::parse(body).map(Self)
    }

    /// What it says.
    pub fn description(&self) -> &SessionDescription {
        &self.0
    }

    /// The body as it goes into a message.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::from(self.to_string())
    }
}

impl fmt::Display for SdpOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SdpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
