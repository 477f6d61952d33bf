//! Which interactions have passed which gates, and which queues have all the agents busy that they may (rules 7 and 8).
//!
//! A lane grades those who wait by how many of its gates they have passed, so that an agent behind one finds the best-ranked of
//! them without looking at the others. A queue has as many gates as there are different delays and steps of relaxation among
//! its agents.

use alloc::collections::BTreeSet;
use core::time::Duration;

use super::Index;
use crate::ids::QueueId;
use crate::interaction::Interaction;
use crate::rank::{Rank, Target};

impl Index {
    /// The gates of a queue are these from now on; true if they were others. Nobody has passed them yet.
    pub(crate) fn set_gates(&mut self, queue: QueueId, gates: BTreeSet<Duration>) -> bool {
        let Some(lane) = self.lanes.get_mut(&Target::Queue(queue)) else {
            return false;
        };
        if lane.gates.iter().eq(&gates) {
            return false;
        }
        lane.gates = gates.into_iter().collect();
        lane.waiting.degrade();
        true
    }

    /// When an interaction that entered `target` at `entered` passes its next gate.
    pub(crate) fn next_gate(
        &self,
        target: Target,
        entered: Duration,
        now: Duration,
    ) -> Option<Duration> {
        let gates = self.lanes.get(&target)?.gates.iter();
        gates
            .map(|gate| entered.saturating_add(*gate))
            .find(|at| *at > now)
    }

    /// One that waits for whoever is free may have passed another gate.
    pub(crate) fn pass(&mut self, interaction: &Interaction) {
        if let Some(lane) = self.lanes.get_mut(&interaction.at) {
            lane.pass(interaction);
        }
    }

    // ------------------------------------------------------------------ max_busy

    /// Those in `queue` who may alert anybody who is free, best rank first; nobody if all are busy that may be.
    pub(crate) fn servable(&self, queue: QueueId) -> impl Iterator<Item = Rank> {
        let lane = self.lanes.get(&Target::Queue(queue));
        lane.into_iter().flat_map(super::Lane::servable)
    }

    pub(crate) fn set_max_busy(&mut self, queue: QueueId, max_busy: u32) {
        self.change_room(Target::Queue(queue), |lane| lane.max_busy = max_busy);
    }

    /// One that was alerting has an agent.
    pub(crate) fn connect(&mut self, target: Target) {
        self.change_room(target, |lane| {
            lane.connected = lane.connected.saturating_add(1)
        });
    }

    /// And has one no longer.
    pub(crate) fn disconnect(&mut self, target: Target) {
        self.change_room(target, |lane| {
            lane.connected = lane.connected.saturating_sub(1)
        });
    }

    /// What has this rank alerts one agent more.
    pub(crate) fn begin_alert(&mut self, target: Target, rank: Rank) {
        self.change_room(target, |lane| {
            lane.alerting.insert(rank);
            lane.ringing = lane.ringing.saturating_add(1);
        });
    }

    /// And one less; after the `last` nobody.
    pub(crate) fn end_alert(&mut self, target: Target, rank: &Rank, last: bool) {
        self.change_room(target, |lane| {
            lane.ringing = lane.ringing.saturating_sub(1);
            if last {
                lane.alerting.remove(rank);
            }
        });
    }

    fn change_room(&mut self, target: Target, change: impl FnOnce(&mut super::Lane)) {
        let Some(lane) = self.lanes.get_mut(&target) else {
            return;
        };
        let was_full = lane.is_full();
        change(lane);
        let has_room = !lane.is_full();
        if let Target::Queue(queue) = target
            && was_full
            && has_room
        {
            self.roomy.insert(queue);
        }
    }
}
