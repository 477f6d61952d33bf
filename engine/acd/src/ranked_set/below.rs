//! What is done in the subtree below a node. It says which node is the root of it then; depth is logarithmic, so it calls itself.

use core::cmp::Ordering;

use super::{NIL, Node, RankedSet};

impl<K: Ord + Copy> RankedSet<K> {
    /// The smallest key there since `moment` or longer below `at`, and behind a key.
    pub(super) fn first_since_below(&self, at: u32, moment: u64, behind: Option<&K>) -> Option<K> {
        let node = self.node(at).filter(|node| node.earliest <= moment)?;
        if behind.is_some_and(|behind| node.key <= *behind) {
            return self.first_since_below(node.right, moment, behind);
        }
        let left = self.first_since_below(node.left, moment, behind);
        left.or_else(|| {
            if node.since <= moment {
                return Some(node.key);
            }
            // All there are behind it.
            self.first_since_below(node.right, moment, None)
        })
    }

    pub(super) fn earliest_after_below(&self, at: u32, moment: Option<u64>) -> Option<u64> {
        let node = self.node(at)?;
        if moment.is_none_or(|moment| node.earliest > moment) {
            return Some(node.earliest);
        }
        let own = Some(node.since).filter(|since| Some(*since) > moment);
        let below = [node.left, node.right].map(|at| self.earliest_after_below(at, moment));
        own.into_iter().chain(below.into_iter().flatten()).min()
    }

    /// Brings `earliest` up to date.
    fn measure(&mut self, at: u32) {
        let Node {
            left, right, since, ..
        } = self.nodes[at as usize];
        let of = |child| self.node(child).map_or(u64::MAX, |node| node.earliest);
        let earliest = since.min(of(left)).min(of(right));
        self.nodes[at as usize].earliest = earliest;
    }

    /// Lets the new `node` stand in the subtree at `at`, and says which is its root now.
    pub(super) fn insert_below(&mut self, at: u32, node: u32) -> u32 {
        let Node {
            key, weight, since, ..
        } = self.nodes[node as usize];
        let Some(here) = self.nodes.get_mut(at as usize) else {
            return node;
        };
        if here.weight < weight {
            let (left, right, before) = self.split(at, &key);
            let new = &mut self.nodes[node as usize];
            (new.left, new.right, new.before) = (left, right, before);
            self.measure(node);
            return node;
        }
        here.earliest = here.earliest.min(since);
        if key < here.key {
            here.before += 1;
            let left = here.left;
            self.nodes[at as usize].left = self.insert_below(left, node);
        } else {
            let right = here.right;
            self.nodes[at as usize].right = self.insert_below(right, node);
        }
        at
    }

    /// Parts the subtree at `at` into keys below `key` and the others; and says how many are below.
    fn split(&mut self, at: u32, key: &K) -> (u32, u32, u32) {
        let Some(node) = self.node(at) else {
            return (NIL, NIL, 0);
        };
        let (left, right, before) = (node.left, node.right, node.before);
        if node.key < *key {
            let (low, high, below) = self.split(right, key);
            self.nodes[at as usize].right = low;
            self.measure(at);
            (at, high, before + 1 + below)
        } else {
            let (low, high, below) = self.split(left, key);
            self.nodes[at as usize].left = high;
            self.nodes[at as usize].before = before - below;
            self.measure(at);
            (low, at, below)
        }
    }

    /// Joins two subtrees, all `len` keys of `left` being smaller.
    fn merge(&mut self, left: u32, len: u32, right: u32) -> u32 {
        let (Some(l), Some(r)) = (self.node(left), self.node(right)) else {
            return if left == NIL { right } else { left };
        };
        if l.weight >= r.weight {
            let joined = self.merge(l.right, len - l.before - 1, right);
            self.nodes[left as usize].right = joined;
            self.measure(left);
            left
        } else {
            let joined = self.merge(left, len, r.left);
            self.nodes[right as usize].left = joined;
            self.nodes[right as usize].before += len;
            self.measure(right);
            right
        }
    }

    /// Takes `key` out of the subtree at `at`, and says which is its root then; none: the key is not there.
    pub(super) fn remove_below(&mut self, at: u32, key: &K) -> Option<u32> {
        let node = self.node(at)?;
        let (left, right, before) = (node.left, node.right, node.before);
        let changed = match key.cmp(&node.key) {
            Ordering::Equal => {
                self.nodes[at as usize].left = self.vacant;
                self.vacant = at;
                return Some(self.merge(left, before, right));
            }
            Ordering::Less => {
                let left = self.remove_below(left, key)?;
                let node = &mut self.nodes[at as usize];
                (node.left, node.before) = (left, before - 1);
                left
            }
            Ordering::Greater => {
                let right = self.remove_below(right, key)?;
                self.nodes[at as usize].right = right;
                right
            }
        };
        // The other child is looked at only if the earliest may have been the one that is gone.
        let seen = self.node(changed).map_or(u64::MAX, |node| node.earliest);
        let node = &self.nodes[at as usize];
        if node.since.min(seen) > node.earliest {
            self.measure(at);
        }
        Some(at)
    }
}
