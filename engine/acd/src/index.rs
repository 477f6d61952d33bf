//! What makes decisions fast: who waits and who is free, side by side for each target.
//!
//! All of it follows from the state and is built anew from a checkpoint; nothing here is recorded. A *lane* holds
//! the interactions that the same agents may take, in order of rank, and those of these agents who are free, in order
//! of the strategy. So the best interaction for an agent is the smallest of their lanes' firsts, and the best agent
//! for an interaction the first of its lane, and neither search looks at the others. What holds for single pairs (rejected, not
//! answered) is kept beside it, by agent and lane, and stepped over. What is held for one agent stands apart in its lane, and
//! once more by that agent.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use crate::agent::Agent;
use crate::config::Strategy;
use crate::deadline::{Deadline, Deadlines};
use crate::held::Held;
use crate::ids::{AgentId, InteractionId, QueueId};
use crate::interaction::{Bar, Interaction};
use crate::rank::{Rank, Target};
use crate::ranked_set::RankedSet;
use crate::sabotage;
use crate::state::State;
use crate::view::Stage;
use crate::watch::Watch;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Index {
    pub(crate) lanes: BTreeMap<Target, Lane>,
    pub(crate) deadlines: Deadlines,
    /// Queues whose agents came or went since they were last looked at (rule 21).
    pub(crate) restaffed: BTreeSet<QueueId>,
    /// Queues with others than before of whom a person was told that nobody is there.
    pub(crate) stranding: BTreeSet<QueueId>,
    listings: BTreeMap<AgentId, Listing>,
    /// By agent and lane, the waiting interactions they may not be alerted for, sorted.
    barred: BTreeMap<(AgentId, Target), Vec<Rank>>,
    pub(crate) held: Held,
}

/// In which order interactions of one step choose: what is held for somebody first (rule 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    open_to_all: bool,
    pub(crate) rank: Rank,
}

/// One target's two sides.
#[derive(Debug, PartialEq)]
pub(crate) struct Lane {
    strategy: Strategy,
    /// Waiting for whoever is free.
    pub(crate) waiting: RankedSet<Rank>,
    /// Waiting for one agent.
    held: RankedSet<Rank>,
    pub(crate) alerting: RankedSet<Rank>,
    pub(crate) free: BTreeSet<Preference>,
    pub(crate) logged_in: u32,
    pub(crate) available: u32,
    /// Of queues; that of a user stays empty.
    pub(crate) watch: Watch,
}

/// Where an agent stands among the free of a lane: smallest first, by the queue's strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Preference {
    key: Duration,
    pub(crate) agent: AgentId,
}

/// How an agent is counted at the moment, and in which lanes.
#[derive(Debug, Default, PartialEq)]
struct Listing {
    lanes: Vec<Target>,
    standing: Standing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Standing {
    logged_in: bool,
    available: bool,
    /// Since when idle, if free.
    free: Option<Duration>,
}

impl Standing {
    fn of(agent: &Agent) -> Self {
        Self {
            logged_in: agent.is_logged_in(),
            available: agent.is_available(),
            free: agent.is_free().then(|| agent.idle_since()),
        }
    }
}

impl Preference {
    fn new(strategy: Strategy, idle_since: Duration, agent: AgentId) -> Self {
        match strategy {
            Strategy::LongestIdle if sabotage::LONGEST_IDLE => Self {
                key: Duration::MAX.saturating_sub(idle_since),
                agent,
            },
            Strategy::LongestIdle => Self {
                key: idle_since,
                agent,
            },
        }
    }
}

impl Lane {
    fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            waiting: RankedSet::default(),
            held: RankedSet::default(),
            alerting: RankedSet::default(),
            free: BTreeSet::new(),
            logged_in: 0,
            available: 0,
            watch: Watch::default(),
        }
    }

    /// How many stand before `rank`: waiting or alerting.
    pub(crate) fn place(&self, rank: &Rank) -> u32 {
        self.waiting.place(rank) + self.held.place(rank) + self.alerting.place(rank)
    }

    /// Whether it waits or is alerting.
    pub(crate) fn contains(&self, rank: &Rank) -> bool {
        self.waiting.contains(rank) || self.held.contains(rank) || self.alerting.contains(rank)
    }

    /// Those who wait, best rank first. Looks at all of them.
    pub(crate) fn in_order(&self) -> Vec<Rank> {
        let mut all: Vec<_> = self.waiting.iter().chain(self.held.iter()).collect();
        if !self.held.is_empty() {
            all.sort_unstable();
        }
        all
    }

    /// How many wait.
    pub(crate) fn waiting_len(&self) -> u32 {
        self.waiting.len() + self.held.len()
    }

    /// How many wait or are alerting.
    pub(crate) fn len(&self) -> u32 {
        self.waiting_len() + self.alerting.len()
    }

    fn count(&mut self, agent: AgentId, was: Standing, is: Standing) {
        let step = |count: &mut u32, was: bool, is: bool| {
            *count = count.saturating_add(is.into()).saturating_sub(was.into());
        };
        step(&mut self.logged_in, was.logged_in, is.logged_in);
        step(&mut self.available, was.available, is.available);
        if let Some(since) = was.free {
            self.free
                .remove(&Preference::new(self.strategy, since, agent));
        }
        if let Some(since) = is.free {
            self.free
                .insert(Preference::new(self.strategy, since, agent));
        }
    }
}

impl Index {
    /// The index that belongs to `state`.
    pub(crate) fn of(state: &State) -> Self {
        let mut index = Self::default();
        for target in state.targets() {
            index.open_lane(target, state.strategy(target));
        }
        for (id, queue) in &state.queues {
            if let Some(lane) = index.lanes.get_mut(&Target::Queue(*id)) {
                lane.watch.after = queue.config.nobody_after;
                lane.watch.nobody_since = queue.nobody_since;
            }
        }
        for (id, agent) in &state.agents {
            index.list(*id, agent, state.lanes_of(*id));
            if let Some(at) = agent.wrap_up_until() {
                index.deadlines.set(at, Deadline::WrapUp(*id));
            }
            if let Some(at) = agent.phone.skipped_until() {
                index.deadlines.set(at, Deadline::Device(*id));
            }
        }
        for interaction in state.interactions.values() {
            index.restore(interaction);
        }
        for (match_id, alert) in &state.alerts {
            index.deadlines.set(alert.until, Deadline::Ring(*match_id));
        }
        index.restaffed.clear();
        index.stranding.clear();
        index
    }

    fn restore(&mut self, interaction: &Interaction) {
        match interaction.stage {
            Stage::Waiting => self.wait(interaction),
            Stage::Alerting { .. } => {
                if let Some(lane) = self.lanes.get_mut(&interaction.at) {
                    lane.alerting.insert(interaction.rank);
                }
            }
            Stage::Connected { .. } => {}
        }
        if let Some(at) = interaction.expires {
            self.deadlines.set(at, Deadline::MaxWait(interaction.id));
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
        if let Some(holder) = interaction.held_for() {
            return self.wait_for(holder, interaction);
        }
        if let Some(lane) = self.lanes.get_mut(&interaction.at) {
            lane.waiting.insert(interaction.rank);
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
            lane.held.insert(interaction.rank);
        }
        if !interaction.barred.contains_key(&holder) {
            self.held.wait(holder, interaction.rank);
        }
    }

    /// And is so no longer.
    pub(crate) fn stop_waiting(&mut self, interaction: &Interaction) {
        if let Some(lane) = self.lanes.get_mut(&interaction.at) {
            lane.waiting.remove(&interaction.rank);
            lane.held.remove(&interaction.rank);
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

    fn watch(&mut self, interaction: &Interaction, change: impl FnOnce(&mut Watch, &Interaction)) {
        let Target::Queue(queue) = interaction.at else {
            return;
        };
        if interaction.stranded {
            self.stranding.insert(queue);
        }
        self.change_watch(queue, |watch| change(watch, interaction));
    }

    fn alone_due(&self, interaction: &Interaction) -> Option<Duration> {
        let lane = self.lanes.get(&interaction.at)?;
        lane.watch.alone_due(interaction)
    }

    /// Changes what a queue watches for; its deadline follows.
    fn change_watch(&mut self, queue: QueueId, change: impl FnOnce(&mut Watch)) {
        let Some(lane) = self.lanes.get_mut(&Target::Queue(queue)) else {
            return;
        };
        let before = lane.watch.due();
        change(&mut lane.watch);
        if let Some(at) = before {
            self.deadlines.cancel(at, Deadline::Nobody(queue));
        }
        if let Some(at) = lane.watch.due() {
            self.deadlines.set(at, Deadline::Nobody(queue));
        }
    }

    pub(crate) fn set_nobody_since(&mut self, queue: QueueId, since: Option<Duration>) {
        self.change_watch(queue, |watch| watch.nobody_since = since);
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
        u32::try_from(there.count()).is_ok_and(|there| there == lane.available)
    }

    /// Whether `agent` is available and serves `target`.
    fn is_there(&self, agent: AgentId, target: Target) -> bool {
        let listing = self.listings.get(&agent);
        listing.is_some_and(|listing| {
            listing.standing.available && listing.lanes.binary_search(&target).is_ok()
        })
    }

    fn bar(&mut self, agent: AgentId, interaction: &Interaction) {
        let ranks = self.barred.entry((agent, interaction.at)).or_default();
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
        let key = (agent, interaction.at);
        let Some(ranks) = self.barred.get_mut(&key) else {
            return;
        };
        if let Ok(at) = ranks.binary_search(&interaction.rank) {
            ranks.remove(at);
        }
        if ranks.is_empty() {
            self.barred.remove(&key);
        }
    }

    // --------------------------------------------------------------------- lanes

    pub(crate) fn open_lane(&mut self, target: Target, strategy: Strategy) {
        if let Target::Queue(queue) = target {
            self.restaffed.insert(queue);
        }
        self.lanes
            .entry(target)
            .or_insert_with(|| Lane::new(strategy));
    }

    /// The queue is gone, and nobody waits in it any more.
    pub(crate) fn close_queue(&mut self, queue: QueueId) {
        self.lanes.remove(&Target::Queue(queue));
        self.restaffed.remove(&queue);
        self.stranding.remove(&queue);
    }

    /// Counts `agent` as they are now. True if they have become free.
    pub(crate) fn relist(&mut self, id: AgentId, agent: &Agent) -> bool {
        let Some(listing) = self.listings.get_mut(&id) else {
            return false;
        };
        let was = core::mem::replace(&mut listing.standing, Standing::of(agent));
        let is = listing.standing;
        if was != is {
            for target in &listing.lanes {
                if let Some(lane) = self.lanes.get_mut(target) {
                    lane.count(id, was, is);
                }
            }
            if was.available != is.available {
                self.restaffed.extend(queues(&listing.lanes));
            }
        }
        is.free.is_some() && was.free.is_none()
    }

    /// Counts `agent` in these lanes from now on. True if they are free and the lanes are others than before.
    pub(crate) fn list(&mut self, id: AgentId, agent: &Agent, lanes: Vec<Target>) -> bool {
        if self.listings.get(&id).is_some_and(|was| was.lanes == lanes) {
            return self.relist(id, agent);
        }
        self.unlist(id);
        let listing = Listing {
            lanes,
            standing: Standing::default(),
        };
        self.listings.insert(id, listing);
        self.relist(id, agent)
    }

    pub(crate) fn unlist(&mut self, id: AgentId) {
        let Some(listing) = self.listings.remove(&id) else {
            return;
        };
        for target in &listing.lanes {
            if let Some(lane) = self.lanes.get_mut(target) {
                lane.count(id, listing.standing, Standing::default());
            }
        }
        if listing.standing.available {
            self.restaffed.extend(queues(&listing.lanes));
        }
    }

    pub(crate) fn is_free(&self, agent: AgentId) -> bool {
        self.listings
            .get(&agent)
            .is_some_and(|listing| listing.standing.free.is_some())
    }

    // ----------------------------------------------------------------- decisions

    /// When an interaction chooses in a step.
    pub(crate) fn turn_of(interaction: &Interaction) -> Turn {
        Turn {
            open_to_all: interaction.held_for().is_none() || sabotage::HELD_FIRST,
            rank: interaction.rank,
        }
    }

    /// What a free agent takes: what is held for them first, then the best-ranked of all that they may take, over all
    /// their lanes together (rule 5).
    pub(crate) fn best_for(&self, agent: AgentId) -> Option<Turn> {
        let listing = self.listings.get(&agent)?;
        listing.standing.free?;
        let held = self.held.first_for(agent).map(|rank| Turn {
            open_to_all: sabotage::HELD_FIRST,
            rank,
        });
        let open = self.best_open_for(agent, listing).map(|rank| Turn {
            open_to_all: true,
            rank,
        });
        held.into_iter().chain(open).min()
    }

    fn best_open_for(&self, agent: AgentId, listing: &Listing) -> Option<Rank> {
        let mut firsts = listing
            .lanes
            .iter()
            .filter_map(|target| self.first_for(agent, *target));
        if sabotage::ORDER {
            return firsts.next();
        }
        firsts.min()
    }

    fn first_for(&self, agent: AgentId, target: Target) -> Option<Rank> {
        let lane = self.lanes.get(&target)?;
        let barred = self.barred.get(&(agent, target));
        lane.waiting.first_except(barred.map_or(&[], Vec::as_slice))
    }

    /// The free agent whom the strategy prefers, of those who may take `interaction` (rules 6 and 7).
    pub(crate) fn agent_for(&self, interaction: &Interaction) -> Option<AgentId> {
        if let Some(holder) = interaction.held_for() {
            let may = self.is_free(holder) && !interaction.barred.contains_key(&holder);
            return may.then_some(holder);
        }
        let mut agents = self
            .lanes
            .get(&interaction.at)?
            .free
            .iter()
            .map(|preference| preference.agent)
            .filter(|agent| !interaction.barred.contains_key(agent));
        let first = agents.next();
        if sabotage::DETERMINISM && core::ptr::from_ref(&first).addr() & 64 != 0 {
            return agents.next().or(first);
        }
        first
    }
}

fn queues(lanes: &[Target]) -> impl Iterator<Item = QueueId> {
    lanes.iter().filter_map(|target| match target {
        Target::Queue(queue) => Some(*queue),
        Target::Personal(_) => None,
    })
}
