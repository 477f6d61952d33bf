//! An ordered set that knows how many stand before whom.
//!
//! A treap in an arena: insertion, removal, first, place of a key and key at a place all take expected
//! logarithmic time, which a `BTreeSet` does not offer for places. The shape depends on the history, what can be
//! asked does not.

use alloc::vec::Vec;
use core::cmp::Ordering;

const NIL: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Node<K> {
    key: K,
    weight: u32,
    left: u32,
    right: u32,
    /// Nodes in this subtree, this one included.
    len: u32,
}

/// A set of keys in order.
#[derive(Clone, Debug)]
pub(crate) struct RankedSet<K> {
    nodes: Vec<Node<K>>,
    vacant: Vec<u32>,
    root: u32,
    /// SplitMix64 state for the weights: balance needs them unrelated to the keys, not unpredictable.
    seed: u64,
}

impl<K> Default for RankedSet<K> {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            vacant: Vec::new(),
            root: NIL,
            seed: 0,
        }
    }
}

impl<K: Ord + Copy> RankedSet<K> {
    pub(crate) fn len(&self) -> u32 {
        self.len_of(self.root)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.root == NIL
    }

    /// Adds `key`; no matter if it is there.
    pub(crate) fn insert(&mut self, key: K) {
        if self.contains(&key) {
            return;
        }
        let node = self.allocate(key);
        let (left, right) = self.split(self.root, &key);
        let left = self.merge(left, node);
        self.root = self.merge(left, right);
    }

    /// Takes `key` out; false if it was not there.
    pub(crate) fn remove(&mut self, key: &K) -> bool {
        if !self.contains(key) {
            return false;
        }
        self.root = self.remove_below(self.root, key);
        if self.is_empty() {
            // Memory after a rush goes back to what it was before.
            *self = Self {
                seed: self.seed,
                ..Self::default()
            };
        }
        true
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        let mut at = self.root;
        while let Some(node) = self.node(at) {
            at = match key.cmp(&node.key) {
                Ordering::Less => node.left,
                Ordering::Greater => node.right,
                Ordering::Equal => return true,
            };
        }
        false
    }

    /// How many keys are smaller than `key`.
    pub(crate) fn place(&self, key: &K) -> u32 {
        let (mut at, mut before) = (self.root, 0);
        while let Some(node) = self.node(at) {
            if node.key < *key {
                before += self.len_of(node.left) + 1;
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
            let left = self.len_of(node.left);
            match place.cmp(&left) {
                Ordering::Less => at = node.left,
                Ordering::Equal => return Some(node.key),
                Ordering::Greater => {
                    place -= left + 1;
                    at = node.right;
                }
            }
        }
        None
    }

    /// The smallest key that is not in `skipped`, which is sorted and holds keys of this set only.
    ///
    /// Up to the first gap the i-th skipped key stands at place i, so the gap is found by halving.
    pub(crate) fn first_except(&self, skipped: &[K]) -> Option<K> {
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

    fn len_of(&self, at: u32) -> u32 {
        self.node(at).map_or(0, |node| node.len)
    }

    fn allocate(&mut self, key: K) -> u32 {
        let node = Node {
            key,
            weight: self.next_weight(),
            left: NIL,
            right: NIL,
            len: 1,
        };
        if let Some(at) = self.vacant.pop() {
            self.nodes[at as usize] = node;
            return at;
        }
        let at = u32::try_from(self.nodes.len()).expect("fewer than 2^32 keys fit in memory");
        self.nodes.push(node);
        at
    }

    const fn next_weight(&mut self) -> u32 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 32) as u32
    }

    fn measure(&mut self, at: u32) {
        let Node { left, right, .. } = self.nodes[at as usize];
        self.nodes[at as usize].len = 1 + self.len_of(left) + self.len_of(right);
    }

    /// Parts the subtree at `at` into keys below `key` and the others.
    fn split(&mut self, at: u32, key: &K) -> (u32, u32) {
        let Some(node) = self.node(at) else {
            return (NIL, NIL);
        };
        let (left, right) = (node.left, node.right);
        if node.key < *key {
            let (low, high) = self.split(right, key);
            self.nodes[at as usize].right = low;
            self.measure(at);
            (at, high)
        } else {
            let (low, high) = self.split(left, key);
            self.nodes[at as usize].left = high;
            self.measure(at);
            (low, at)
        }
    }

    /// Joins two subtrees, all keys of `left` being smaller.
    fn merge(&mut self, left: u32, right: u32) -> u32 {
        let (Some(l), Some(r)) = (self.node(left), self.node(right)) else {
            return if left == NIL { right } else { left };
        };
        if l.weight >= r.weight {
            let joined = self.merge(l.right, right);
            self.nodes[left as usize].right = joined;
            self.measure(left);
            left
        } else {
            let joined = self.merge(left, r.left);
            self.nodes[right as usize].left = joined;
            self.measure(right);
            right
        }
    }

    fn remove_below(&mut self, at: u32, key: &K) -> u32 {
        let Some(node) = self.node(at) else {
            return NIL;
        };
        let (left, right) = (node.left, node.right);
        match key.cmp(&node.key) {
            Ordering::Equal => {
                self.vacant.push(at);
                return self.merge(left, right);
            }
            Ordering::Less => self.nodes[at as usize].left = self.remove_below(left, key),
            Ordering::Greater => self.nodes[at as usize].right = self.remove_below(right, key),
        }
        self.measure(at);
        at
    }
}

impl<K: Ord + Copy> PartialEq for RankedSet<K> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
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
            steps in prop::collection::vec((any::<bool>(), 0_u8..60), 0..300),
            skipped in prop::collection::btree_set(0_u8..60, 0..40),
        ) {
            let (mut set, mut plain) = (RankedSet::default(), BTreeSet::new());
            for (add, key) in steps {
                if add {
                    set.insert(key);
                    plain.insert(key);
                } else {
                    prop_assert_eq!(set.remove(&key), plain.remove(&key));
                }
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
            set.insert(key);
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
        assert_eq!(set.nodes.capacity(), 0, "an empty set holds no memory");
    }
}
