//! What a step has still to look at: each once, smallest first, in memory that is used again.

use alloc::vec::Vec;

/// Values put there in any order, some of them often. Taken out all together.
#[derive(Debug)]
pub(crate) struct Pending<T>(Vec<T>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord + Copy> Pending<T> {
    pub(crate) fn insert(&mut self, value: T) {
        if self.0.last() != Some(&value) {
            self.0.push(value);
        }
    }

    /// Puts `new` in the place of `old`, if that is there.
    pub(crate) fn replace(&mut self, old: T, new: T) {
        let there = self.0.iter_mut().filter(|value| **value == old);
        there.for_each(|value| *value = new);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes all out. Give it [back](Self::give_back) when done.
    pub(crate) fn take(&mut self) -> Vec<T> {
        let mut all = core::mem::take(&mut self.0);
        if all.len() > 1 {
            all.sort_unstable();
            all.dedup();
        }
        all
    }

    /// The memory of what was taken out, to be used again; what has come meanwhile stays.
    pub(crate) fn give_back(&mut self, mut taken: Vec<T>) {
        if self.0.is_empty() {
            taken.clear();
            self.0 = taken;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_once_and_in_order() {
        let mut pending = Pending::default();
        for value in [3, 1, 1, 2, 3] {
            pending.insert(value);
        }
        pending.replace(2, 5);
        let taken = pending.take();
        assert_eq!(taken, [1, 3, 5]);
        pending.insert(7);
        pending.give_back(taken);
        assert_eq!(pending.take(), [7], "what came meanwhile is kept");
        assert!(pending.take().is_empty());
    }
}
