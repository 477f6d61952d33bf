//! Persistent maps and sets as CBOR.

use imbl::{OrdMap, OrdSet};
use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::{Encoder, Error as EncodeError, Write};
use minicbor::{Decode, Encode};

/// A map as an array of pairs.
pub(super) mod map {
    use super::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, OrdMap, Write};

    pub(in crate::board) fn encode<K, V, C, W: Write>(
        map: &OrdMap<K, V>,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), EncodeError<W::Error>>
    where
        K: Ord + Encode<C>,
        V: Encode<C>,
    {
        e.array(map.len() as u64)?;
        for pair in map {
            pair.encode(e, ctx)?;
        }
        Ok(())
    }

    pub(in crate::board) fn decode<'b, K, V, C>(
        d: &mut Decoder<'b>,
        ctx: &mut C,
    ) -> Result<OrdMap<K, V>, DecodeError>
    where
        K: Ord + Clone + Decode<'b, C>,
        V: Clone + Decode<'b, C>,
    {
        d.array_iter_with(ctx)?.collect()
    }
}

/// A set as an array.
pub(super) mod set {
    use super::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, OrdSet, Write};

    pub(in crate::board) fn encode<K, C, W: Write>(
        set: &OrdSet<K>,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), EncodeError<W::Error>>
    where
        K: Ord + Encode<C>,
    {
        e.array(set.len() as u64)?;
        for key in set {
            key.encode(e, ctx)?;
        }
        Ok(())
    }

    pub(in crate::board) fn decode<'b, K, C>(
        d: &mut Decoder<'b>,
        ctx: &mut C,
    ) -> Result<OrdSet<K>, DecodeError>
    where
        K: Ord + Clone + Decode<'b, C>,
    {
        d.array_iter_with(ctx)?.collect()
    }
}
