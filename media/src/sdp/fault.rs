//! What can be wrong with a peer's description, and what to tell it.

use super::parse::{MAX_BYTES, MAX_FORMATS, MAX_LINES, MAX_STREAMS};

/// The body cannot be read as a session description. Lines count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpFault {
    /// More than [`MAX_BYTES`].
    #[error("session description of {bytes} bytes, more than {MAX_BYTES}")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// More than [`MAX_LINES`].
    #[error("session description of more than {MAX_LINES} lines")]
    TooManyLines,
    /// More than [`MAX_STREAMS`].
    #[error("session description of more than {MAX_STREAMS} streams")]
    TooManyStreams,
    /// More than [`MAX_FORMATS`] in one stream.
    #[error("line {line}: more than {MAX_FORMATS} formats")]
    TooManyFormats {
        /// Where.
        line: usize,
    },
    /// Does not begin with `v=0`.
    #[error("session description without v=0 at its beginning")]
    Version,
    /// No letter and equals sign.
    #[error("line {line}: not a line of a session description")]
    Line {
        /// Where.
        line: usize,
    },
    /// A `c=` that names no address.
    #[error("line {line}: no address in c=")]
    Connection {
        /// Where.
        line: usize,
    },
    /// An `m=` without kind, port, protocol and format.
    #[error("line {line}: no stream in m=")]
    Stream {
        /// Where.
        line: usize,
    },
}

impl SdpFault {
    /// 400 for a body that is broken, 488 for one that is merely more than we look at.
    pub const fn sip_status(self) -> u16 {
        match self {
            Self::TooLong { .. }
            | Self::TooManyLines
            | Self::TooManyStreams
            | Self::TooManyFormats { .. } => 488,
            Self::Version | Self::Line { .. } | Self::Connection { .. } | Self::Stream { .. } => {
                400
            }
        }
    }
}

/// The description can be read, but there is no audio in it that we can take part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAcceptable {
    /// No audio stream, or only ones with port 0.
    #[error("no audio stream")]
    NoAudio,
    /// Neither RTP/AVP nor RTP/AVPF.
    #[error("audio over a transport other than plain RTP")]
    Protocol,
    /// Nothing both sides speak.
    #[error("no audio codec in common")]
    NoCodec,
    /// No `c=` for the audio.
    #[error("audio without an address")]
    NoAddress,
    /// A name instead of an address: the media path asks no resolver.
    #[error("audio at a host name instead of an address")]
    AddressName,
    /// IPv6 where we have IPv4, or the other way round.
    #[error("audio at an address of another IP version")]
    AddressFamily,
    /// An address that many listen to.
    #[error("audio at a multicast or broadcast address")]
    Multicast,
}

impl NotAcceptable {
    /// Always 488, Not Acceptable Here.
    pub const fn sip_status(self) -> u16 {
        488
    }

    /// The code for a `Warning` header (RFC 3261 §20.43). Its text is the fault's.
    pub const fn warning_code(self) -> u16 {
        match self {
            Self::NoAudio => 304,
            Self::Protocol => 302,
            Self::NoCodec => 305,
            Self::NoAddress | Self::AddressName => 301,
            Self::AddressFamily => 300,
            Self::Multicast => 330,
        }
    }
}

/// A peer's answer that does not fit our offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// We did not offer anything.
    #[error("an answer to no offer")]
    NoOffer,
    /// More streams than were offered, or fewer than it takes to reach the audio.
    #[error("{answered} streams in the answer to {offered}")]
    Streams {
        /// In our offer.
        offered: usize,
        /// In the answer.
        answered: usize,
    },
    /// Something else stands where the audio was offered.
    #[error("another kind of stream where audio was offered")]
    Kind,
    /// The audio was answered with port 0.
    #[error("the audio was declined")]
    Declined,
    /// Its audio is none that we offered or can reach.
    #[error(transparent)]
    NotAcceptable(#[from] NotAcceptable),
}

impl AnswerFault {
    /// What the call's other side is to be told: 488. The answerer itself gets an ACK and a BYE.
    pub const fn sip_status(self) -> u16 {
        488
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn faults_know_what_to_say() {
        assert_eq!(SdpFault::TooLong { bytes: 99_999 }.sip_status(), 488);
        assert_eq!(SdpFault::Line { line: 3 }.sip_status(), 400);
        assert_eq!(
            SdpFault::Stream { line: 7 }.to_string(),
            "line 7: no stream in m="
        );
        assert_eq!(NotAcceptable::NoCodec.warning_code(), 305);
        assert_eq!(
            AnswerFault::from(NotAcceptable::NoCodec).to_string(),
            "no audio codec in common"
        );
    }
}
