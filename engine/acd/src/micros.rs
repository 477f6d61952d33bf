//! Times and spans on record: integer microseconds, in memory `Duration`.
//!
//! For `#[cbor(with = "crate::micros")]`; [`option`] does the same for `Option<Duration>`.

use core::time::Duration;

use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::{Encoder, Error as EncodeError, Write};

/// The whole microseconds of `d`; saturates after half a million years.
#[must_use]
pub(crate) fn of(d: Duration) -> u64 {
    let micros = d.as_secs().checked_mul(1_000_000);
    micros
        .and_then(|micros| micros.checked_add(d.subsec_micros().into()))
        .unwrap_or(u64::MAX)
}

/// Cuts `d` to whole microseconds, so that what is replayed from the journal equals what was lived.
#[must_use]
pub(crate) fn whole(d: Duration) -> Duration {
    Duration::from_micros(of(d))
}

pub(crate) fn encode<C, W: Write>(
    d: &Duration,
    e: &mut Encoder<W>,
    _: &mut C,
) -> Result<(), EncodeError<W::Error>> {
    e.u64(of(*d))?.ok()
}

pub(crate) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<Duration, DecodeError> {
    d.u64().map(Duration::from_micros)
}

/// The same for `Option<Duration>`, `null` for none.
pub(crate) mod option {
    use super::{DecodeError, Decoder, Duration, EncodeError, Encoder, Write, of};

    pub(crate) fn encode<C, W: Write>(
        d: &Option<Duration>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        match d {
            Some(d) => e.u64(of(*d))?.ok(),
            None => e.null()?.ok(),
        }
    }

    pub(crate) fn decode<C>(
        d: &mut Decoder<'_>,
        ctx: &mut C,
    ) -> Result<Option<Duration>, DecodeError> {
        d.decode_with::<C, Option<u64>>(ctx)
            .map(|micros| micros.map(Duration::from_micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn micros_are_whole_and_saturate() {
        let cases = [
            (Duration::ZERO, 0),
            (Duration::new(1, 999), 1_000_000),
            (Duration::new(7, 123_456_789), 7_123_456),
            (Duration::from_micros(u64::MAX), u64::MAX),
            (
                Duration::from_micros(u64::MAX) + Duration::from_micros(1),
                u64::MAX,
            ),
            (Duration::MAX, u64::MAX),
        ];
        for (span, micros) in cases {
            assert_eq!(of(span), micros, "{span:?}");
            assert_eq!(whole(span), Duration::from_micros(micros));
        }
    }
}
