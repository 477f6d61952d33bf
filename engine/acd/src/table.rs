//! A map by id: found at once, told and recorded in order.
//!
//! Looking something up is what the acd does most, and ids need no order for that. Where a thing is stands in a list by id if ids are
//! small, as those of queues and agents are, and else is found by hash. The things themselves keep their slots, of which the last
//! that was vacated is filled first: it is still at hand. Where everything is gone through, it is put in order first, so nothing that
//! is decided or recorded depends on where things are.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::hash::Hash;

use hashbrown::HashMap;
use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::{Encoder, Error as EncodeError, Write};
use minicbor::{Decode, Encode};
use rustc_hash::FxBuildHasher;

use crate::ids::{AgentId, InteractionId, MatchId, QueueId};
use crate::rank::Target;

/// Ids below are small: the list of their places takes a megabyte at most.
const SMALL: usize = 1 << 18;
/// The slot of what is not there.
const NOWHERE: u32 = u32::MAX;

/// What things are found by.
pub(crate) trait Id: Copy + Eq + Hash + Ord {
    /// Its place in a list, if that is short enough.
    fn small(self) -> Option<usize>;
}

/// On record it is the same as a `BTreeMap`.
#[derive(Clone, Debug)]
pub(crate) struct Table<K, V> {
    slots: Vec<Option<(K, V)>>,
    vacant: Vec<u32>,
    /// By small id, its slot.
    near: Vec<u32>,
    /// The slots of others.
    far: HashMap<K, u32, FxBuildHasher>,
}

impl<K, V> Table<K, V> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            vacant: Vec::new(),
            near: Vec::new(),
            far: HashMap::with_hasher(FxBuildHasher),
        }
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Id, V> Table<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let (_, value) = self.slots.get(self.slot_of(key)?)?.as_ref()?;
        Some(value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let slot = self.slot_of(key)?;
        let (_, value) = self.slots.get_mut(slot)?.as_mut()?;
        Some(value)
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(before) = self.get_mut(&key) {
            return Some(core::mem::replace(before, value));
        }
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 things fit in memory")
        });
        self.slots[slot as usize] = Some((key, value));
        let Some(at) = key.small() else {
            self.far.insert(key, slot);
            return None;
        };
        if self.near.len() <= at {
            self.near.resize(at + 1, NOWHERE);
        }
        self.near[at] = slot;
        None
    }

    /// What is there for `key`; the default, put there, if nothing is.
    pub(crate) fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        if !self.contains_key(&key) {
            self.insert(key, V::default());
        }
        self.get_mut(&key).expect("it was put there")
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let slot = match key.small() {
            Some(at) => core::mem::replace(self.near.get_mut(at)?, NOWHERE),
            None => self.far.remove(key)?,
        };
        let (_, value) = self.slots.get_mut(slot as usize)?.take()?;
        self.vacant.push(slot);
        Some(value)
    }

    /// All keys, smallest first.
    pub(crate) fn keys(&self) -> Vec<K> {
        let all = self.slots.iter().flatten();
        let mut keys: Vec<_> = all.map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys
    }

    /// All, by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        let keys = self.keys().into_iter();
        keys.filter_map(|key| Some((key, self.get(&key)?)))
    }

    /// All values, by key.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// Changes all values; in no order that can be relied on.
    pub(crate) fn change_all(&mut self, mut change: impl FnMut(&mut V)) {
        let all = self.slots.iter_mut().flatten();
        all.for_each(|(_, value)| change(value));
    }

    fn slot_of(&self, key: &K) -> Option<usize> {
        let slot = match key.small() {
            Some(at) => self.near.get(at)?,
            None => self.far.get(key)?,
        };
        Some(*slot as usize)
    }
}

impl Id for QueueId {
    fn small(self) -> Option<usize> {
        small(self.0)
    }
}

impl Id for AgentId {
    fn small(self) -> Option<usize> {
        small(self.0)
    }
}

impl Id for Target {
    fn small(self) -> Option<usize> {
        match self {
            Self::Queue(queue) => queue.small().map(|at| 2 * at),
            Self::Personal(agent) => agent.small().map(|at| 2 * at + 1),
        }
    }
}

/// They count up.
impl Id for InteractionId {
    fn small(self) -> Option<usize> {
        None
    }
}

/// They count up.
impl Id for MatchId {
    fn small(self) -> Option<usize> {
        None
    }
}

fn small(id: u32) -> Option<usize> {
    usize::try_from(id).ok().filter(|at| *at < SMALL)
}

/// The same things, wherever they are.
impl<K: Id, V: PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        let there = |(key, value): (K, &V)| other.get(&key) == Some(value);
        self.len() == other.len() && self.iter().all(there)
    }
}

impl<K: Id, V: Eq> Eq for Table<K, V> {}

impl<C, K: Encode<C> + Id, V: Encode<C>> Encode<C> for Table<K, V> {
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

impl<'b, C, K: Decode<'b, C> + Id, V: Decode<'b, C>> Decode<'b, C> for Table<K, V> {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, DecodeError> {
        let mut table = Self::new();
        for (key, value) in BTreeMap::decode(d, ctx)? {
            table.insert(key, value);
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_asked_told_and_recorded_like_an_ordered_map(
            steps in prop::collection::vec((0_u8..3, 0_u32..12, any::<u16>()), 0..120),
        ) {
            let (mut table, mut ordered) = (Table::new(), BTreeMap::new());
            for (step, key, value) in steps {
                // Every third one is not small.
                let far = if key % 3 == 0 { SMALL as u32 } else { 0 };
                let key = AgentId(key + far);
                match step {
                    0 => prop_assert_eq!(table.remove(&key), ordered.remove(&key)),
                    1 => prop_assert_eq!(table.insert(key, value), ordered.insert(key, value)),
                    _ => {
                        *table.get_or_default(key) ^= value;
                        *ordered.entry(key).or_default() ^= value;
                    }
                }
                prop_assert_eq!(table.get(&key), ordered.get(&key));
                prop_assert_eq!(table.get_mut(&key), ordered.get_mut(&key));
                prop_assert_eq!(table.len(), ordered.len());
            }
            prop_assert!(table.iter().eq(ordered.iter().map(|(key, value)| (*key, value))));
            let bytes = minicbor::to_vec(&table).unwrap();
            prop_assert_eq!(&bytes, &minicbor::to_vec(&ordered).unwrap());
            prop_assert!(minicbor::decode::<Table<AgentId, u16>>(&bytes).unwrap() == table);
            table.change_all(|value| *value = value.wrapping_add(1));
            let changed = ordered.values().map(|value| value.wrapping_add(1));
            prop_assert!(table.values().copied().eq(changed));
        }
    }

    #[test]
    fn queues_and_users_of_one_number_are_two_targets() {
        let [queue, user] = [Target::Queue(QueueId(3)), Target::Personal(AgentId(3))];
        let mut table = Table::new();
        table.insert(queue, 1);
        assert_eq!((table.get(&queue), table.get(&user)), (Some(&1), None));
    }
}
