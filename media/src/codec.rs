//! The audio codecs a leg can speak.
//!
//! Owns their names, static payload types and clock; the arithmetic of the two laws is in [`crate::g711`].

use crate::g711;

/// Samples of one packet: 20 ms at 8000 Hz. One byte each in both laws.
pub const FRAME_SAMPLES: usize = 160;

/// Length of one packet in milliseconds; what we send and what our SDP asks for.
pub const FRAME_MS: u16 = 20;

/// Clock of RFC 4733 events beside the 8000 Hz codecs.
pub const TELEPHONE_EVENT_CLOCK_HZ: u32 = 8000;

/// An audio codec both we and a peer can speak (RFC 3551 §4.5.14, ITU-T G.711).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// The mu-law of North America and Japan.
    Pcmu,
    /// The A-law of the rest of the world.
    Pcma,
}

impl Codec {
    /// Every codec we speak.
    pub const ALL: [Self; 2] = [Self::Pcmu, Self::Pcma];

    /// The payload type RFC 3551 §6 gives it, valid without an `a=rtpmap`.
    pub const fn static_payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// The codec behind a static payload type.
    pub const fn from_static_payload_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::Pcmu),
            8 => Some(Self::Pcma),
            _ => None,
        }
    }

    /// The encoding name in `a=rtpmap`, as RFC 3551 spells it.
    pub const fn encoding_name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// The codec an `a=rtpmap` names; case does not matter (RFC 8866 §6.6).
    pub fn from_encoding_name(name: &str, clock_rate_hz: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| {
            codec.clock_rate_hz() == clock_rate_hz
                && codec.encoding_name().eq_ignore_ascii_case(name)
        })
    }

    /// Ticks of the RTP timestamp in a second.
    pub const fn clock_rate_hz(self) -> u32 {
        8000
    }

    /// One 16-bit sample as a byte of this law.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Pcmu => g711::encode_mulaw(sample),
            Self::Pcma => g711::encode_alaw(sample),
        }
    }

    /// A byte of this law as a 16-bit sample.
    pub fn decode(self, byte: u8) -> i16 {
        match self {
            Self::Pcmu => g711::decode_mulaw(byte),
            Self::Pcma => g711::decode_alaw(byte),
        }
    }

    /// The byte that sounds like nothing.
    pub const fn silence(self) -> u8 {
        match self {
            Self::Pcmu => g711::MULAW_SILENCE,
            Self::Pcma => g711::ALAW_SILENCE,
        }
    }

    /// The table that turns this codec's bytes into `other`'s, or `None` when nothing needs turning.
    pub const fn translation_to(self, other: Self) -> Option<&'static [u8; 256]> {
        match (self, other) {
            (Self::Pcmu, Self::Pcma) => Some(&g711::MULAW_TO_ALAW),
            (Self::Pcma, Self::Pcmu) => Some(&g711::ALAW_TO_MULAW),
            (Self::Pcmu, Self::Pcmu) | (Self::Pcma, Self::Pcma) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_payload_types_lead_back_to_the_codec() {
        for codec in Codec::ALL {
            assert_eq!(
                Codec::from_static_payload_type(codec.static_payload_type()),
                Some(codec)
            );
            assert_eq!(
                Codec::from_encoding_name(codec.encoding_name(), 8000),
                Some(codec)
            );
        }
        assert_eq!(Codec::from_encoding_name("pcmu", 8000), Some(Codec::Pcmu));
        assert_eq!(
            Codec::from_encoding_name("PCMU", 16000),
            None,
            "a wide-band cousin is another codec"
        );
        assert_eq!(Codec::from_static_payload_type(9), None);
    }

    #[test]
    fn silence_decodes_to_next_to_nothing() {
        for codec in Codec::ALL {
            assert!(
                codec.decode(codec.silence()).unsigned_abs() <= 8,
                "{codec:?}"
            );
        }
    }

    #[test]
    fn translation_stands_only_between_different_laws() {
        assert!(Codec::Pcmu.translation_to(Codec::Pcmu).is_none());
        let there = Codec::Pcmu.translation_to(Codec::Pcma).unwrap();
        assert_eq!(
            there[usize::from(Codec::Pcmu.silence())],
            Codec::Pcma.silence()
        );
        let back = Codec::Pcma.translation_to(Codec::Pcmu).unwrap();
        assert!(
            Codec::Pcmu
                .decode(back[usize::from(Codec::Pcma.silence())])
                .unsigned_abs()
                <= 8
        );
    }
}
