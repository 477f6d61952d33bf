//! An ordered set that knows how many stand before whom, and which is the first that is there since some moment.
//!
//! A treap in an arena, each node in a cache line of its own: insertion, removal, place of a key and key at a place all take expected
//! logarithmic time, which a `BTreeSet` does not offer for places. The first key is at hand. The shape depends on the
//! history, what can be asked does not.

mod below;

use alloc::vec::Vec;
use core::cmp::Ordering;

const NIL: u32 = u32::MAX;
/// An empty set keeps memory for so many keys, so that one that fills and empties all the time asks for none.
const KEPT: usize = 16;

#[derive(Clone, Debug)]
#[repr(align(64))]
struct Node<K> {
    key: K,
    since: u64,
    /// The earliest `since` in this subtree, this node included.
    earliest: u64,
    weight: u32,
    left: u32,
    right: u32,
    /// Nodes below `left`.
    before: u32,
}

/// A set of keys in order, each with a moment that it has been there since, in microseconds.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct RankedSet<K> {
    /// The smallest key.
    first: Option<Since<K>>,
    len: u32,
    root: u32,
    /// The first of the nodes that hold no key, each of which has the next one for its `left`.
    vacant: u32,
    /// How many weights were drawn.
    drawn: u32,
    nodes: Vec<Node<K>>,
}

#[derive(Clone, Copy, Debug)]
struct Since<K> {
    key: K,
    since: u64,
}

impl<K> Default for RankedSet<K> {
    fn default() -> Self {
        Self {
            first: None,
            len: 0,
            root: NIL,
            vacant: NIL,
            drawn: 0,
            nodes: Vec::new(),
        }
    }
}

impl<K: Ord + Copy> RankedSet<K> {
    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds `key`, which is not there.
    pub(crate) fn insert(&mut self, key: K, since: u64) {
        debug_assert!(!self.contains(&key), "a rank is in one place");
        let node = self.allocate(key, since);
        self.root = self.insert_below(self.root, node);
        self.len += 1;
        if self.first.is_none_or(|first| key < first.key) {
            self.first = Some(Since { key, since });
        }
    }

    /// Takes `key` out; false if it was not there.
    pub(crate) fn remove(&mut self, key: &K) -> bool {
        let Some(root) = self.remove_below(self.root, key) else {
            return false;
        };
        self.root = root;
        self.len -= 1;
        if self.is_empty() {
            self.empty();
        } else if self.first.is_some_and(|first| first.key == *key) {
            self.first = self.leftmost();
        }
        true
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.find(key).is_some()
    }

    /// Since when `key` is there.
    pub(crate) fn since(&self, key: &K) -> Option<u64> {
        self.find(key).map(|node| node.since)
    }

    /// How many keys are smaller than `key`.
    pub(crate) fn place(&self, key: &K) -> u32 {
        let (mut at, mut before) = (self.root, 0);
        while let Some(node) = self.node(at) {
            if node.key < *key {
                before += node.before + 1;
                at = node.right;
            } else {
                at = node.left;
            }
        }
        before
    }

    /// The key that has `place` smaller ones.
    pub(crate) fn at(&self, place: u32) -> Option<K> {
        let (mut at, mut place) = (self.root, place);
        while let Some(node) = self.node(at) {
            match place.cmp(&node.before) {
                Ordering::Less => at = node.left,
                Ordering::Equal => return Some(node.key),
                Ordering::Greater => {
                    place -= node.before + 1;
                    at = node.right;
                }
            }
        }
        None
    }

    /// The smallest key.
    pub(crate) fn first(&self) -> Option<K> {
        self.first.map(|first| first.key)
    }

    /// The smallest key that is not in `skipped`, which is sorted and holds keys of this set only.
    ///
    /// Up to the first gap the i-th skipped key stands at place i, so the gap is found by halving.
    pub(crate) fn first_except(&self, skipped: &[K]) -> Option<K> {
        if skipped.is_empty() {
            return self.first();
        }
        let (mut low, mut high) = (0, skipped.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let dense = skipped
                .get(middle)
                .is_some_and(|key| self.place(key) as usize == middle);
            if dense {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.at(u32::try_from(low).unwrap_or(u32::MAX))
    }

    /// The smallest key of those there since `moment` or longer.
    pub(crate) fn first_since(&self, moment: u64) -> Option<K> {
        if let Some(first) = self.first.filter(|first| first.since <= moment) {
            return Some(first.key);
        }
        self.first_since_below(self.root, moment, None)
    }

    /// All keys there since `moment` or longer, smallest first; each is looked for on its own.
    pub(crate) fn all_since(&self, moment: u64) -> impl Iterator<Item = K> {
        core::iter::successors(self.first_since(moment), move |key| {
            self.first_since_below(self.root, moment, Some(key))
        })
    }

    /// Since when that one is there which came first after `moment`. Steps over those who came before.
    pub(crate) fn earliest_after(&self, moment: Option<u64>) -> Option<u64> {
        self.earliest_after_below(self.root, moment)
    }

    /// All keys, smallest first.
    pub(crate) fn iter(&self) -> Iter<'_, K> {
        let mut iter = Iter {
            set: self,
            path: Vec::new(),
        };
        iter.descend(self.root);
        iter
    }

    fn node(&self, at: u32) -> Option<&Node<K>> {
        self.nodes.get(at as usize)
    }

    fn find(&self, key: &K) -> Option<&Node<K>> {
        let mut node = self.node(self.root)?;
        loop {
            node = match key.cmp(&node.key) {
                Ordering::Less => self.node(node.left)?,
                Ordering::Greater => self.node(node.right)?,
                Ordering::Equal => return Some(node),
            };
        }
    }

    fn leftmost(&self) -> Option<Since<K>> {
        let mut node = self.node(self.root)?;
        while let Some(left) = self.node(node.left) {
            node = left;
        }
        Some(Since {
            key: node.key,
            since: node.since,
        })
    }

    /// Memory after a rush goes back.
    fn empty(&mut self) {
        self.first = None;
        self.vacant = NIL;
        self.nodes.clear();
        if self.nodes.capacity() > KEPT {
            self.nodes = Vec::new();
        }
    }

    fn allocate(&mut self, key: K, since: u64) -> u32 {
        let node = Node {
            key,
            since,
            earliest: since,
            weight: self.next_weight(),
            left: NIL,
            right: NIL,
            before: 0,
        };
        if let Some(vacant) = self.nodes.get_mut(self.vacant as usize) {
            let at = self.vacant;
            self.vacant = vacant.left;
            *vacant = node;
            return at;
        }
        let at = u32::try_from(self.nodes.len()).expect("fewer than 2^32 keys fit in memory");
        self.nodes.push(node);
        at
    }

    /// SplitMix64: balance needs weights unrelated to the keys, not unpredictable ones.
    const fn next_weight(&mut self) -> u32 {
        self.drawn = self.drawn.wrapping_add(1);
        let mut z = (self.drawn as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 32) as u32
    }
}

impl<K: Ord + Copy> PartialEq for RankedSet<K> {
    fn eq(&self, other: &Self) -> bool {
        let since = |set: &Self, key: K| set.find(&key).map(|node| node.since);
        self.iter().eq(other.iter()) && self.iter().all(|key| since(self, key) == since(other, key))
    }
}

/// Keys in order, without their places.
pub(crate) struct Iter<'a, K> {
    set: &'a RankedSet<K>,
    path: Vec<u32>,
}

impl<K: Ord + Copy> Iter<'_, K> {
    fn descend(&mut self, mut at: u32) {
        while let Some(node) = self.set.node(at) {
            self.path.push(at);
            at = node.left;
        }
    }
}

impl<K: Ord + Copy> Iterator for Iter<'_, K> {
    type Item = K;

    fn next(&mut self) -> Option<K> {
        let node = self.set.node(self.path.pop()?)?;
        let (key, right) = (node.key, node.right);
        self.descend(right);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn says_what_a_plain_ordered_set_says(
            steps in prop::collection::vec((0_u8..4, 0_u8..60), 0..300),
            skipped in prop::collection::btree_set(0_u8..60, 0..40),
        ) {
            let (mut set, mut plain) = (RankedSet::default(), BTreeSet::new());
            let since = |key: u8| u64::from(key) * 7 % 13;
            for (step, key) in steps {
                match step {
                    0 => prop_assert_eq!(set.remove(&key), plain.remove(&key)),
                    _ if plain.insert(key) => set.insert(key, since(key)),
                    _ => {}
                }
                prop_assert_eq!(set.first(), plain.first().copied());
                for moment in 0..14 {
                    let there = plain.iter().filter(|key| since(**key) <= moment);
                    prop_assert!(set.all_since(moment).eq(there.copied()));
                    let later = plain.iter().map(|key| since(*key)).filter(|at| *at > moment);
                    prop_assert_eq!(set.earliest_after(Some(moment)), later.min());
                }
                let all = plain.iter().map(|key| since(*key));
                prop_assert_eq!(set.earliest_after(None), all.min());
            }
            prop_assert!(set.iter().eq(plain.iter().copied()));
            prop_assert_eq!(set.len() as usize, plain.len());
            for key in 0..60 {
                prop_assert_eq!(set.contains(&key), plain.contains(&key));
                prop_assert_eq!(set.place(&key) as usize, plain.range(..key).count());
                prop_assert_eq!(set.at(key.into()), plain.iter().nth(key.into()).copied());
            }
            let skipped: Vec<_> = skipped.intersection(&plain).copied().collect();
            let expected = plain.iter().find(|key| !skipped.contains(key)).copied();
            prop_assert_eq!(set.first_except(&skipped), expected);
        }
    }

    #[test]
    fn stays_shallow_for_keys_that_come_in_order() {
        let mut set = RankedSet::default();
        for key in 0..100_000_u32 {
            set.insert(key, 0);
        }
        let mut deepest = 0;
        let mut open = std::vec![(set.root, 1)];
        while let Some((at, depth)) = open.pop() {
            if let Some(node) = set.node(at) {
                deepest = deepest.max(depth);
                open.extend([(node.left, depth + 1), (node.right, depth + 1)]);
            }
        }
        assert!(deepest < 60, "log2(100,000) is 17, this is {deepest}");
        for key in 0..100_000 {
            assert!(set.remove(&key));
        }
        assert_eq!(
            set.nodes.capacity(),
            0,
            "an empty set holds on to nothing large"
        );
    }
}
