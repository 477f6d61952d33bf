//! Who is old enough for which agents, and which queues have all the agents busy that they may (rules 7 and 8).
//!
//! Whether a gate is passed follows from the time of entry, so nobody takes a step by waiting: an agent behind a gate finds the
//! best-ranked of those who entered early enough, without looking at the others. Only where somebody is free and waits for
//! callers to grow older there is something to be done at a moment, for each such queue the soonest. A queue has as many gates as
//! there are different delays and steps of relaxation among its agents.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use super::expiries::stamp;
use super::{Index, Lane};
use crate::deadline::Deadline;
use crate::ids::QueueId;
use crate::interaction::Interaction;
use crate::rank::{Rank, Target};
use crate::sabotage;

/// The queues for which the moment of the next gate is to be looked for anew.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Gated(Vec<QueueId>);

impl Gated {
    /// Who waits in this lane or is free there has changed.
    pub(super) fn note(&mut self, lane: &Lane) {
        if let Target::Queue(queue) = lane.target
            && lane.is_gated()
            && self.0.last() != Some(&queue)
        {
            self.0.push(queue);
        }
    }
}

impl Index {
    /// The gates of a queue are these from now on; true if they were others.
    pub(crate) fn set_gates(&mut self, queue: QueueId, gates: BTreeSet<Duration>) -> bool {
        let Some(lane) = self.lanes.get_mut(&Target::Queue(queue)) else {
            return false;
        };
        if lane.more.gates.iter().eq(&gates) {
            return false;
        }
        lane.more.gates = gates.into_iter().collect();
        lane.more.idle.forget_empty();
        true
    }

    /// When an interaction passes the first gate.
    pub(crate) fn first_gate(&self, interaction: &Interaction) -> Option<Duration> {
        let first = self.lanes.get(&interaction.at)?.more.gates.first()?;
        Some(interaction.entered.saturating_add(*first))
    }

    /// When an interaction passes the next gate.
    pub(crate) fn next_gate(&self, interaction: &Interaction) -> Option<Duration> {
        let mut gates = self.lanes.get(&interaction.at)?.more.gates.iter();
        let next = gates.find(|gate| !interaction.has_passed(**gate, self.now))?;
        Some(interaction.entered.saturating_add(*next))
    }

    /// Somebody is old enough now for somebody free.
    pub(crate) fn on_gate(&mut self, queue: QueueId) {
        if let Some(lane) = self.lanes.get_mut(&Target::Queue(queue)) {
            lane.more.gate_due = None;
            self.gated.0.push(queue);
        }
        if !sabotage::gate() {
            self.opened.insert(queue);
        }
    }

    /// Sets the moments of the next gates where anything has changed.
    pub(crate) fn set_gate_moments(&mut self) {
        while let Some(queue) = self.gated.0.pop() {
            let Some(lane) = self.lanes.get_mut(&Target::Queue(queue)) else {
                continue;
            };
            let due = lane.next_past(self.now);
            let before = core::mem::replace(&mut lane.more.gate_due, due);
            if before == due {
                continue;
            }
            if let Some(at) = before {
                self.deadlines.cancel(at, Deadline::Gate(queue));
            }
            if let Some(at) = due {
                self.deadlines.set(at, Deadline::Gate(queue));
            }
        }
    }

    /// Nobody waits in `queue` any more, nor will.
    pub(super) fn end_gate_moment(&mut self, queue: QueueId) {
        let lane = self.lanes.get_mut(&Target::Queue(queue));
        if let Some(at) = lane.and_then(|lane| lane.more.gate_due.take()) {
            self.deadlines.cancel(at, Deadline::Gate(queue));
        }
    }

    // ------------------------------------------------------------------ max_busy

    /// Those in `queue` who may alert anybody who is free, best rank first; nobody if all are busy that may be.
    pub(crate) fn servable(&self, queue: QueueId) -> impl Iterator<Item = Rank> {
        let lane = self.lanes.get(&Target::Queue(queue));
        lane.into_iter().flat_map(|lane| lane.servable(self.now))
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

    /// It alerts one agent more.
    pub(crate) fn begin_alert(&mut self, interaction: &Interaction) {
        let mut first = true;
        self.change_room(interaction.at, |lane| {
            let alerting = &mut lane.more.alerting;
            first = lane.ringing == 0 || !alerting.contains(&interaction.rank);
            if first {
                alerting.insert(interaction.rank, stamp(interaction));
            }
            lane.ringing = lane.ringing.saturating_add(1);
        });
        if first {
            self.expect(interaction);
        }
    }

    /// And one less; after the `last` nobody.
    pub(crate) fn end_alert(&mut self, interaction: &Interaction, last: bool) {
        self.change_room(interaction.at, |lane| {
            lane.ringing = lane.ringing.saturating_sub(1);
            if last {
                lane.more.alerting.remove(&interaction.rank);
            }
        });
        if last {
            self.expect_no_more(interaction);
        }
    }

    fn change_room(&mut self, target: Target, change: impl FnOnce(&mut Lane)) {
        let Some(lane) = self.lanes.get_mut(&target) else {
            return;
        };
        let was_full = lane.is_full();
        change(lane);
        if lane.is_full() == was_full {
            return;
        }
        self.gated.note(lane);
        if let Target::Queue(queue) = target
            && was_full
        {
            self.opened.insert(queue);
        }
    }
}
