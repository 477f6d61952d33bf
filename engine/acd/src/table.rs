//! A map by id: found by hash, told and recorded in order.
//!
//! Looking something up is what the acd does most, and ids need no order for that. Where everything is gone through, it is put in order
//! first, so nothing that is decided or recorded depends on how ids hash.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::hash::Hash;

use hashbrown::HashMap;
use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::{Encoder, Error as EncodeError, Write};
use minicbor::{Decode, Encode};
use rustc_hash::FxBuildHasher;

/// On record it is the same as a `BTreeMap`.
#[derive(Clone, Debug)]
pub(crate) struct Table<K, V>(HashMap<K, V, FxBuildHasher>);

impl<K, V> Table<K, V> {
    pub(crate) const fn new() -> Self {
        Self(HashMap::with_hasher(FxBuildHasher))
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Copy + Eq + Hash + Ord, V> Table<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key)
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    /// What is there for `key`; the default, put there, if nothing is.
    pub(crate) fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.0.entry(key).or_default()
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.0.remove(key)
    }

    /// All keys, smallest first.
    #[expect(clippy::disallowed_methods, reason = "they are put in order")]
    pub(crate) fn keys(&self) -> Vec<K> {
        let mut keys: Vec<_> = self.0.keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    /// All, by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        let keys = self.keys().into_iter();
        keys.filter_map(|key| Some((key, self.0.get(&key)?)))
    }

    /// All values, by key.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// Changes all values; in no order that can be relied on.
    pub(crate) fn change_all(&mut self, change: impl FnMut(&mut V)) {
        self.0.values_mut().for_each(change);
    }
}

impl<K: Copy + Eq + Hash + Ord, V: PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K: Copy + Eq + Hash + Ord, V: Eq> Eq for Table<K, V> {}

impl<C, K: Encode<C> + Copy + Eq + Hash + Ord, V: Encode<C>> Encode<C> for Table<K, V> {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.map(self.len() as u64)?;
        for (key, value) in self.iter() {
            key.encode(e, ctx)?;
            value.encode(e, ctx)?;
        }
        Ok(())
    }
}

impl<'b, C, K: Decode<'b, C> + Eq + Hash + Ord, V: Decode<'b, C>> Decode<'b, C> for Table<K, V> {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        let ordered = BTreeMap::decode(d, ctx)?;
        Ok(Self(ordered.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_told_and_recorded_like_an_ordered_map() {
        let keys = [9_u32, 2, 5, 1_000_000, 0];
        let (mut table, mut ordered) = (Table::new(), BTreeMap::new());
        for key in keys {
            table.insert(key, u64::from(key) * 2);
            ordered.insert(key, u64::from(key) * 2);
        }
        table.remove(&5);
        ordered.remove(&5);
        assert!(
            table
                .iter()
                .eq(ordered.iter().map(|(key, value)| (*key, value)))
        );
        let bytes = minicbor::to_vec(&table).unwrap();
        assert_eq!(bytes, minicbor::to_vec(&ordered).unwrap());
        assert_eq!(minicbor::decode::<Table<u32, u64>>(&bytes).unwrap(), table);
    }
}
