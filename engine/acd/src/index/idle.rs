//! Those who are free in one lane, by the gate they stand behind.
//!
//! In a quiet centre an agent comes and goes here with each call, in all of their lanes. So a group stays when its last one leaves,
//! and asks for no memory when the next one comes; there are as few as a queue has gates.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use crate::preference::Preference;

#[derive(Debug, Default)]
pub(super) struct Idle {
    /// By gate.
    groups: Vec<Group>,
    len: usize,
}

#[derive(Debug)]
struct Group {
    gate: Duration,
    agents: BTreeSet<Preference>,
}

impl Idle {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) fn insert(&mut self, gate: Duration, preference: Preference) {
        let nth = self.place_of(gate).unwrap_or_else(|nth| {
            let agents = BTreeSet::new();
            self.groups.insert(nth, Group { gate, agents });
            nth
        });
        let is_new = self.groups[nth].agents.insert(preference);
        self.len += usize::from(is_new);
    }

    pub(super) fn remove(&mut self, gate: Duration, preference: &Preference) {
        if let Ok(nth) = self.place_of(gate) {
            let was_there = self.groups[nth].agents.remove(preference);
            self.len -= usize::from(was_there);
        }
    }

    /// The gates that somebody stands behind, and who, as they are preferred.
    pub(super) fn groups(
        &self,
    ) -> impl DoubleEndedIterator<Item = (Duration, &BTreeSet<Preference>)> {
        let groups = self.groups.iter().map(|group| (group.gate, &group.agents));
        groups.filter(|(_, agents)| !agents.is_empty())
    }

    /// Those behind one gate.
    pub(super) fn behind(&self, gate: Duration) -> impl Iterator<Item = &Preference> {
        let group = self.place_of(gate).ok().map(|nth| &self.groups[nth].agents);
        group.into_iter().flatten()
    }

    /// Gates may be others from now on: what is kept for those behind whom nobody is goes.
    pub(super) fn forget_empty(&mut self) {
        self.groups.retain(|group| !group.agents.is_empty());
    }

    fn place_of(&self, gate: Duration) -> Result<usize, usize> {
        self.groups.binary_search_by_key(&gate, |group| group.gate)
    }
}

/// The same agents; what is kept beside them does not matter.
impl PartialEq for Idle {
    fn eq(&self, other: &Self) -> bool {
        self.groups().eq(other.groups())
    }
}
