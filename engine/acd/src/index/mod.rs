//! What makes decisions fast: who waits and who is free, side by side for each target.
//!
//! All of it follows from the state and is built anew from a checkpoint; nothing here is recorded. A *lane* holds
//! the interactions that the same agents may take, in order of rank, and those of these agents who are free, in order
//! of the strategy. So the best interaction for an agent is the smallest of their lanes' firsts, and the best agent
//! for an interaction the first of its lane, and neither search looks at the others.
//!
//! Where agents may be alerted only for what is old enough ([`gates`]), a lane knows of each that waits since when, and
//! its free agents by gate: an agent looks behind their own gate alone, an interaction at the first of each gate it has passed.
//! What holds for single pairs (rejected, not answered) is kept beside it, by agent and lane, and stepped over. What is held
//! for one agent stands apart in its lane, and once more by that agent. An agent stands among the free of all their lanes only if
//! they are free for longer than a step ([`free`]). Of a lane only those have a deadline whose time is over first ([`expiries`]).

mod expiries;
mod free;
mod gates;
mod idle;
mod lane;
mod lanes;
mod listing;
mod moments;
mod nobody;
mod races;
mod team;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use expiries::Expiring;
pub(crate) use expiries::stamp;
use free::Fresh;
use gates::Gated;
use lane::Lane;
use lanes::Lanes;
use listing::Listing;
pub(crate) use listing::Run;

use crate::config::Strategy;
use crate::deadline::{Deadline, Deadlines};
use crate::held::Held;
use crate::ids::{AgentId, QueueId};
use crate::interaction::{Bar, Interaction};
use crate::micros;
use crate::rank::{Rank, Target};
use crate::sabotage;
use crate::state::State;
use crate::table::Table;
use crate::view::Stage;
use crate::watch::Watch;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Index {
    /// The time of the step: which gates are passed.
    pub(crate) now: Duration,
    pub(crate) lanes: Lanes,
    pub(crate) deadlines: Deadlines,
    /// Queues whose agents came or went since they were last looked at (rule 21).
    pub(crate) restaffed: BTreeSet<QueueId>,
    /// Queues with others than before of whom a person was told that nobody is there.
    pub(crate) stranding: BTreeSet<QueueId>,
    /// Queues that were at their `max_busy` since they were last looked at, or where one is old enough now for somebody free.
    pub(crate) opened: BTreeSet<QueueId>,
    gated: Gated,
    expiring: Expiring,
    /// Queues that choose by lot.
    pub(crate) races: BTreeSet<QueueId>,
    listings: Table<AgentId, Listing>,
    fresh: Fresh,
    /// By agent and lane, the waiting interactions they may not be alerted for, sorted.
    barred: Table<AgentId, BTreeMap<Target, Vec<Rank>>>,
    pub(crate) held: Held,
}

/// In which order interactions of one step choose: what is held for somebody first (rule 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    open_to_all: bool,
    pub(crate) rank: Rank,
}

impl Index {
    /// The index that belongs to `state` at `now`.
    pub(crate) fn of(state: &State, now: Duration) -> Self {
        let mut index = Self {
            now,
            ..Self::default()
        };
        for target in state.targets() {
            index.open_lane(target, state.strategy(target));
            index.set_max_wait(target, state.max_wait(target));
        }
        for (id, queue) in state.queues.iter() {
            if let Some(lane) = index.lanes.get_mut(&Target::Queue(id)) {
                lane.max_busy = queue.config.max_busy;
                lane.more.clocks = queue.clocks();
                lane.more.watch.after = queue.config.nobody_after;
            }
        }
        for (queue, gates) in state.gates() {
            index.set_gates(queue, gates);
        }
        for (id, agent) in state.agents.iter() {
            index.set_runs(id, state.runs_of(id, &index.races));
            index.list(id, agent, state.seats_of(id));
            index.settle(&state.agents);
            if let Some(at) = agent.wrap_up_until() {
                index.deadlines.set(at, Deadline::WrapUp(id));
            }
            if let Some(at) = agent.phone.skipped_until() {
                index.deadlines.set(at, Deadline::Device(id));
            }
        }
        for interaction in state.interactions.values() {
            index.restore(interaction);
        }
        for (id, queue) in state.queues.iter() {
            index.set_nobody_since(id, queue.nobody_since, |id| state.interactions.get(&id));
        }
        for (match_id, alert) in state.alerts.iter() {
            index.deadlines.set(alert.until, Deadline::Ring(match_id));
            if let Some(interaction) = state.interactions.get(&alert.interaction) {
                index.begin_alert(interaction);
            }
        }
        index.restaffed.clear();
        index.stranding.clear();
        index.opened.clear();
        index.set_gate_moments();
        index.set_expiries();
        index
    }

    fn restore(&mut self, interaction: &Interaction) {
        match interaction.stage {
            Stage::Waiting => self.wait(interaction),
            Stage::Alerting { .. } => {}
            Stage::Connected { .. } => self.connect(interaction.at),
        }
        if let Some(reserved) = interaction.reserved {
            self.deadlines
                .set(reserved.until, Deadline::Reservation(interaction.id));
            self.held.reserve(reserved.agent, interaction.id);
        }
        if let Some(at) = interaction.service_due {
            self.deadlines.set(at, Deadline::Service(interaction.id));
        }
        for (agent, bar) in &interaction.barred {
            if let Bar::Until(at) = bar {
                self.deadlines
                    .set(*at, Deadline::Retry(interaction.id, *agent));
            }
        }
    }

    // -------------------------------------------------------------- interactions

    /// `interaction` is among the waiting of its lane from now on.
    pub(crate) fn wait(&mut self, interaction: &Interaction) {
        self.expect(interaction);
        if let Some(holder) = interaction.held_for() {
            return self.wait_for(holder, interaction);
        }
        if let Some(lane) = self.lanes.get_mut(&interaction.at) {
            lane.wait(interaction);
            self.gated.note(lane);
        }
        for agent in interaction.barred.keys() {
            self.bar(*agent, interaction);
        }
        self.watch(interaction, Watch::begin);
        if let Some(at) = self.alone_due(interaction) {
            self.deadlines.set(at, Deadline::Alone(interaction.id));
        }
    }

    fn wait_for(&mut self, holder: AgentId, interaction: &Interaction) {
        if let Some(lane) = self.lanes.get_mut(&interaction.at) {
            let since = micros::of(interaction.entered);
            lane.more.held.insert(interaction.rank, since);
        }
        if !interaction.barred.contains_key(&holder) {
            self.held.wait(holder, interaction.rank);
        }
    }

    /// And is so no longer.
    pub(crate) fn stop_waiting(&mut self, interaction: &Interaction) {
        self.expect_no_more(interaction);
        if let Some(lane) = self.lanes.get_mut(&interaction.at) {
            lane.stop_waiting(&interaction.rank);
            self.gated.note(lane);
        }
        if let Some(holder) = interaction.held_for() {
            self.held.stop_waiting(holder, interaction.rank);
        }
        for agent in interaction.barred.keys() {
            self.drop_bar(*agent, interaction);
        }
        if let Some(at) = self.alone_due(interaction) {
            self.deadlines.cancel(at, Deadline::Alone(interaction.id));
        }
        self.watch(interaction, Watch::end);
    }

    fn bar(&mut self, agent: AgentId, interaction: &Interaction) {
        let barred = self.barred.get_or_default(agent);
        let ranks = barred.entry(interaction.at).or_default();
        if let Err(at) = ranks.binary_search(&interaction.rank) {
            ranks.insert(at, interaction.rank);
        }
    }

    /// `agent` may be alerted for the waiting `interaction` again.
    pub(crate) fn unbar(&mut self, agent: AgentId, interaction: &Interaction) {
        if interaction.held_for() == Some(agent) {
            self.held.wait(agent, interaction.rank);
        } else {
            self.drop_bar(agent, interaction);
        }
    }

    fn drop_bar(&mut self, agent: AgentId, interaction: &Interaction) {
        let Some(barred) = self.barred.get_mut(&agent) else {
            return;
        };
        if let Some(ranks) = barred.get_mut(&interaction.at) {
            ranks.retain(|rank| *rank != interaction.rank);
            if ranks.is_empty() {
                barred.remove(&interaction.at);
            }
        }
        if barred.is_empty() {
            self.barred.remove(&agent);
        }
    }

    // --------------------------------------------------------------------- lanes

    pub(crate) fn open_lane(&mut self, target: Target, strategy: Strategy) {
        if let Target::Queue(queue) = target {
            self.restaffed.insert(queue);
        }
        if !self.lanes.contains_key(&target) {
            self.lanes.open(Lane::new(target));
        }
        self.set_strategy(target, strategy);
    }

    /// By what `target` chooses from now on; holds when its agents have been listed anew.
    pub(crate) fn set_strategy(&mut self, target: Target, strategy: Strategy) {
        if let Target::Queue(queue) = target {
            if strategy == Strategy::WeightedRandom {
                self.races.insert(queue);
            } else {
                self.races.remove(&queue);
            }
        }
    }

    pub(crate) fn set_max_wait(&mut self, target: Target, max_wait: Option<Duration>) {
        if let Some(lane) = self.lanes.get_mut(&target) {
            lane.more.max_wait = max_wait;
        }
    }

    /// The queue is gone, and nobody waits in it any more.
    pub(crate) fn close_queue(&mut self, queue: QueueId) {
        self.end_gate_moment(queue);
        self.close_lane(Target::Queue(queue));
        self.races.remove(&queue);
        self.restaffed.remove(&queue);
        self.stranding.remove(&queue);
        self.opened.remove(&queue);
    }

    // ----------------------------------------------------------------- decisions

    /// When an interaction chooses in a step.
    pub(crate) fn turn_of(interaction: &Interaction) -> Turn {
        Turn {
            open_to_all: interaction.held_for().is_none() || sabotage::held_first(),
            rank: interaction.rank,
        }
    }

    /// What a free agent takes: what is held for them first, then the best-ranked of all that they may take, over all
    /// their lanes together (rule 5).
    pub(crate) fn best_for(&self, agent: AgentId) -> Option<Turn> {
        let listing = self.listings.get(&agent)?;
        if !listing.standing.free {
            return None;
        }
        let held = self.held.first_for(agent).map(|rank| Turn {
            open_to_all: sabotage::held_first(),
            rank,
        });
        let open = self.best_open_for(agent, listing).map(|rank| Turn {
            open_to_all: true,
            rank,
        });
        held.into_iter().chain(open).min()
    }

    fn best_open_for(&self, agent: AgentId, listing: &Listing) -> Option<Rank> {
        let barred = self.barred.get(&agent);
        let firsts = listing.places.iter().filter_map(|listed| {
            let target = listed.seat.target;
            let lane = self.lanes.at(listed.place, target)?;
            if lane.is_full() {
                return None;
            }
            let barred = barred.and_then(|barred| barred.get(&target));
            let barred = barred.map_or(&[][..], Vec::as_slice);
            lane.first_past(listed.seat.gate(), self.now, barred)
        });
        if sabotage::order() {
            return firsts.into_iter().next();
        }
        firsts.min()
    }

    /// Whom it is held for, if they may be alerted for it now.
    pub(crate) fn holder_for(&self, interaction: &Interaction) -> Option<AgentId> {
        let holder = interaction.held_for()?;
        let may = self.is_free(holder) && !interaction.barred.contains_key(&holder);
        may.then_some(holder)
    }
}
