//! What is held for single agents (rule 14): part of the index.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::ids::{AgentId, InteractionId};
use crate::rank::Rank;
use crate::table::Table;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Held {
    /// By agent, what waits for them alone and may alert them.
    waiting: Table<AgentId, BTreeSet<Rank>>,
    /// By agent, all that they have reserved, be it alerting.
    reserved: Table<AgentId, BTreeSet<InteractionId>>,
}

impl Held {
    pub(crate) fn wait(&mut self, holder: AgentId, rank: Rank) {
        self.waiting.get_or_default(holder).insert(rank);
    }

    pub(crate) fn stop_waiting(&mut self, holder: AgentId, rank: Rank) {
        take_out(&mut self.waiting, holder, rank);
    }

    /// The best-ranked that waits for `holder` alone.
    pub(crate) fn first_for(&self, holder: AgentId) -> Option<Rank> {
        self.waiting.get(&holder)?.first().copied()
    }

    pub(crate) fn reserve(&mut self, holder: AgentId, interaction: InteractionId) {
        self.reserved.get_or_default(holder).insert(interaction);
    }

    pub(crate) fn release(&mut self, holder: AgentId, interaction: InteractionId) {
        take_out(&mut self.reserved, holder, interaction);
    }

    /// All that `holder` has reserved.
    pub(crate) fn reserved_by(&self, holder: AgentId) -> Vec<InteractionId> {
        let reserved = self.reserved.get(&holder).into_iter().flatten();
        reserved.copied().collect()
    }
}

/// Takes a value out of an agent's set; empty sets are not kept.
fn take_out<T: Ord>(sets: &mut Table<AgentId, BTreeSet<T>>, agent: AgentId, value: T) {
    if let Some(set) = sets.get_mut(&agent) {
        set.remove(&value);
        if set.is_empty() {
            sets.remove(&agent);
        }
    }
}
