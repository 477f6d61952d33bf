//! Which interactions have passed which gates, and which queues have all the agents busy that they may (rules 7 and 8).
//!
//! A lane keeps those who have passed a gate once more behind it, so that an agent there sees the best-ranked of them at once and
//! none of the others. One that waits is found behind each gate it has passed: few, since a queue has as many as there are
//! different delays and steps of relaxation among its agents.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use super::Index;
use crate::ids::{AgentId, QueueId};
use crate::interaction::Interaction;
use crate::preference::Preference;
use crate::rank::{Rank, Target};

impl Index {
    /// The gates of a queue are these from now on; true if they were others. Nobody has passed them yet.
    pub(crate) fn set_gates(&mut self, queue: QueueId, gates: BTreeSet<Duration>) -> bool {
        let Some(lane) = self.lanes.get_mut(&Target::Queue(queue)) else {
            return false;
        };
        if lane.passed.keys().eq(&gates) {
            return false;
        }
        lane.passed = gates
            .into_iter()
            .map(|gate| (gate, Default::default()))
            .collect();
        true
    }

    /// When an interaction that entered `target` at `entered` passes its next gate.
    pub(crate) fn next_gate(
        &self,
        target: Target,
        entered: Duration,
        now: Duration,
    ) -> Option<Duration> {
        let gates = self.lanes.get(&target)?.passed.keys();
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

    /// The gate of an agent in a queue, as they are listed.
    pub(crate) fn gate_of(&self, agent: AgentId, target: Target) -> Option<Duration> {
        let places = &self.listings.get(&agent)?.places;
        let at = places
            .binary_search_by_key(&target, |listed| listed.seat.target)
            .ok()?;
        places.get(at).map(|listed| listed.seat.gate)
    }

    /// Where `agent` stands among those who are free at `target`, as a choice now would see them.
    pub(crate) fn preference(&self, agent: AgentId, target: Target) -> Option<Preference> {
        let places = &self.listings.get(&agent)?.places;
        let listed = places.iter().find(|it| it.seat.target == target)?;
        let lane = self.lanes.get(&target)?;
        Some(lane.on_clock(listed.seat.gate, listed.preference?))
    }

    /// How many of those who are free `target` would choose before `agent`; none if they are not free there. Looks at all who are.
    pub(crate) fn preferred_before(&self, agent: AgentId, target: Target) -> Option<u32> {
        let own = self.preference(agent, target)?;
        let before = self.lanes.get(&target)?.preferred_before(own);
        Some(u32::try_from(before).unwrap_or(u32::MAX))
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

    // ------------------------------------------------------------------ races

    pub(crate) fn set_clock(&mut self, target: Target, gate: Duration, clock: u64) {
        if let Some(lane) = self.lanes.get_mut(&target) {
            lane.clocks.insert(gate, clock);
        }
    }

    pub(crate) fn forget_clocks(&mut self, target: Target, keep: impl Fn(Duration) -> bool) {
        if let Some(lane) = self.lanes.get_mut(&target) {
            lane.clocks.retain(|gate, _| keep(*gate));
        }
    }

    /// See [`Lane::clocks_after`](super::Lane).
    pub(crate) fn clocks_after(
        &self,
        interaction: &Interaction,
        after: u64,
    ) -> Vec<(Duration, u64)> {
        let lane = self.lanes.get(&interaction.at);
        lane.map_or_else(Vec::new, |lane| lane.clocks_after(interaction, after))
    }

    /// See [`Lane::came_in`](super::Lane).
    pub(crate) fn came_in(&self, target: Target, gate: Duration) -> Vec<AgentId> {
        let lane = self.lanes.get(&target);
        lane.map_or_else(Vec::new, |lane| lane.came_in(gate))
    }
}
