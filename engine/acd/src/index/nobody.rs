//! Which queues watch for whom, and the deadlines of that (rule 21).

use alloc::vec::Vec;
use core::time::Duration;

use super::Index;
use crate::deadline::Deadline;
use crate::ids::{AgentId, InteractionId, QueueId};
use crate::interaction::Interaction;
use crate::rank::Target;
use crate::watch::Watch;

impl Index {
    pub(super) fn watch(
        &mut self,
        interaction: &Interaction,
        change: impl FnOnce(&mut Watch, &Interaction),
    ) {
        let Target::Queue(queue) = interaction.at else {
            return;
        };
        if interaction.stranded {
            self.stranding.insert(queue);
        }
        self.change_watch(queue, |watch| change(watch, interaction));
    }

    pub(super) fn alone_due(&self, interaction: &Interaction) -> Option<Duration> {
        interaction.alone_since?;
        let lane = self.lanes.get(&interaction.at)?;
        lane.more.watch.alone_due(interaction)
    }

    /// Changes what a queue watches for; its deadline follows.
    fn change_watch(&mut self, queue: QueueId, change: impl FnOnce(&mut Watch)) {
        let Some(lane) = self.lanes.get_mut(&Target::Queue(queue)) else {
            return;
        };
        let before = lane.more.watch.due();
        change(&mut lane.more.watch);
        if let Some(at) = before {
            self.deadlines.cancel(at, Deadline::Nobody(queue));
        }
        if let Some(at) = lane.more.watch.due() {
            self.deadlines.set(at, Deadline::Nobody(queue));
        }
    }

    /// Nobody has been there for those who wait since then, or somebody is; looks at all of them.
    pub(crate) fn set_nobody_since<'a>(
        &mut self,
        queue: QueueId,
        since: Option<Duration>,
        waits: impl Fn(InteractionId) -> Option<&'a Interaction>,
    ) {
        let Some(lane) = self.lanes.get(&Target::Queue(queue)) else {
            return;
        };
        let ranks = since.into_iter().flat_map(|_| lane.waiting.iter());
        let waiting: Vec<_> = ranks.filter_map(|rank| waits(rank.interaction())).collect();
        self.change_watch(queue, |watch| {
            watch.set_nobody_since(since, waiting.into_iter());
        });
    }

    /// The queue's `nobody_after` is `after` from now on.
    pub(crate) fn set_nobody_after<'a>(
        &mut self,
        queue: QueueId,
        after: Duration,
        waits: impl Fn(InteractionId) -> Option<&'a Interaction>,
    ) {
        let Some(lane) = self.lanes.get(&Target::Queue(queue)) else {
            return;
        };
        let rejected: Vec<_> = lane
            .more
            .watch
            .rejected
            .iter()
            .copied()
            .filter_map(waits)
            .collect();
        for interaction in &rejected {
            self.stop_waiting(interaction);
        }
        self.change_watch(queue, |watch| watch.after = after);
        for interaction in rejected {
            self.wait(interaction);
        }
    }

    /// Whether nobody is available for the waiting `interaction` but those who rejected it (rule 21).
    pub(crate) fn is_alone(&self, interaction: &Interaction) -> bool {
        let Some(lane) = self.lanes.get(&interaction.at) else {
            return false;
        };
        let there = interaction
            .rejecters()
            .filter(|agent| self.is_there(*agent, interaction.at));
        u32::try_from(there.count()).is_ok_and(|there| there == lane.more.available)
    }

    /// Whether `agent` is available and serves `target`.
    fn is_there(&self, agent: AgentId, target: Target) -> bool {
        let listing = self.listings.get(&agent);
        listing.is_some_and(|listing| listing.standing.available && listing.at(target).is_some())
    }
}
