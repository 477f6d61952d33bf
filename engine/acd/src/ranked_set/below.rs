//! What is done in the subtree below a node. It says which node is the root of it then; depth is logarithmic, so it calls itself.

use core::cmp::Ordering;

use super::{NIL, Node, RankedSet};

impl<K: Ord + Copy> RankedSet<K> {
    /// The smallest key of this grade or a higher one below `at`, and behind a key.
    pub(super) fn first_graded_below(&self, at: u32, grade: u32, behind: Option<&K>) -> Option<K> {
        let node = self.node(at).filter(|node| node.highest >= grade)?;
        if behind.is_some_and(|behind| node.key <= *behind) {
            return self.first_graded_below(node.right, grade, behind);
        }
        let left = self.first_graded_below(node.left, grade, behind);
        left.or_else(|| {
            if node.grade >= grade {
                return Some(node.key);
            }
            // All there are behind it.
            self.first_graded_below(node.right, grade, None)
        })
    }

    /// Brings `highest` up to date.
    fn measure(&mut self, at: u32) {
        let Node {
            left, right, grade, ..
        } = self.nodes[at as usize];
        let of = |child| self.node(child).map_or(0, |node| node.highest);
        let highest = grade.max(of(left)).max(of(right));
        self.nodes[at as usize].highest = highest;
    }

    /// Lets the new `node` stand in the subtree at `at`, and says which is its root now.
    pub(super) fn insert_below(&mut self, at: u32, node: u32) -> u32 {
        let (key, weight) = (
            self.nodes[node as usize].key,
            self.nodes[node as usize].weight,
        );
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
                self.vacant.push(at);
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
        // The other child is looked at only if the highest may have been the one that is gone.
        let seen = self.node(changed).map_or(0, |node| node.highest);
        let node = &self.nodes[at as usize];
        if node.grade.max(seen) < node.highest {
            self.measure(at);
        }
        Some(at)
    }

    /// Gives `key` this grade if it has a lower one; false if it is not in the subtree at `at`.
    pub(super) fn raise_below(&mut self, at: u32, key: &K, grade: u32) -> bool {
        let Some(node) = self.nodes.get_mut(at as usize) else {
            return false;
        };
        let is_there = match key.cmp(&node.key) {
            Ordering::Less => {
                let left = node.left;
                self.raise_below(left, key, grade)
            }
            Ordering::Greater => {
                let right = node.right;
                self.raise_below(right, key, grade)
            }
            Ordering::Equal => {
                node.grade = node.grade.max(grade);
                true
            }
        };
        if is_there {
            let node = &mut self.nodes[at as usize];
            node.highest = node.highest.max(grade);
        }
        is_there
    }
}
