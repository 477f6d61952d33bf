//! One target's two sides: who waits there, and who of its agents is free.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use crate::ids::AgentId;
use crate::interaction::Interaction;
use crate::micros;
use crate::preference::Preference;
use crate::rank::{Rank, Target};
use crate::ranked_set::RankedSet;
use crate::sabotage;
use crate::watch::Watch;

use super::expiries::Soonest;
use super::idle::Idle;
use super::listing::Standing;

/// One target's two sides: in front, in two cache lines, what is asked for each agent who becomes free.
#[derive(Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Lane {
    pub(super) target: Target,
    /// The queue's `max_busy`; 0: no limit.
    pub(super) max_busy: u32,
    /// Running alerts.
    pub(super) ringing: u32,
    pub(super) connected: u32,
    /// Waiting for whoever is free, each since it entered.
    pub(crate) waiting: RankedSet<Rank>,
    pub(crate) more: Box<More>,
}

/// What is asked more seldom.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct More {
    /// Sorted. The gate of zero is not here: all have passed it.
    pub(super) gates: Vec<Duration>,
    /// Waiting for one agent.
    pub(crate) held: RankedSet<Rank>,
    pub(crate) alerting: RankedSet<Rank>,
    /// The target's; none: no limit.
    pub(super) max_wait: Option<Duration>,
    /// Whose `max_wait` is over first.
    pub(super) soonest: Option<Soonest>,
    /// When the next of those who wait is old enough for somebody who is free, as far as that is set.
    pub(super) gate_due: Option<Duration>,
    pub(super) idle: Idle,
    /// By gate, how far the race is of those who are free (strategy `weighted-random`).
    pub(super) clocks: BTreeMap<Duration, u64>,
    /// Who serves it and will ever do for it.
    pub(super) staff: u32,
    pub(crate) logged_in: u32,
    pub(crate) available: u32,
    /// Those available in thousandths, each by the share of their queues that this one is.
    pub(crate) agents_milli: u32,
    /// Of queues; that of a user stays empty.
    pub(crate) watch: Watch,
}

impl Lane {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            max_busy: 0,
            ringing: 0,
            connected: 0,
            waiting: RankedSet::default(),
            more: Box::default(),
        }
    }

    // ----------------------------------------------------------------- who waits

    /// How many stand before `rank`: waiting or alerting.
    pub(crate) fn place(&self, rank: &Rank) -> u32 {
        self.waiting.place(rank) + self.more.held.place(rank) + self.more.alerting.place(rank)
    }

    /// Whether it waits or is alerting.
    pub(crate) fn contains(&self, rank: &Rank) -> bool {
        self.waiting.contains(rank)
            || self.more.held.contains(rank)
            || self.more.alerting.contains(rank)
    }

    /// Those who wait, best rank first. Looks at all of them.
    pub(crate) fn in_order(&self) -> Vec<Rank> {
        let mut all: Vec<_> = self.waiting.iter().chain(self.more.held.iter()).collect();
        if !self.more.held.is_empty() {
            all.sort_unstable();
        }
        all
    }

    /// How many wait.
    pub(crate) fn waiting_len(&self) -> u32 {
        self.waiting.len() + self.more.held.len()
    }

    /// How many wait or are alerting.
    pub(crate) fn len(&self) -> u32 {
        self.waiting_len() + self.more.alerting.len()
    }

    /// Whether `max_busy` agents have something of this queue.
    pub(crate) fn is_full(&self) -> bool {
        let busy = self.ringing.saturating_add(self.connected);
        self.max_busy > 0 && busy >= self.max_busy && !sabotage::max_busy()
    }

    /// Lets one wait for whoever is free.
    pub(super) fn wait(&mut self, interaction: &Interaction) {
        let since = micros::of(interaction.entered);
        self.waiting.insert(interaction.rank, since);
    }

    pub(super) fn stop_waiting(&mut self, rank: &Rank) {
        if !self.waiting.remove(rank) {
            self.more.held.remove(rank);
        }
    }

    /// The best-ranked of those who have passed `gate`, but for `barred`, which is sorted.
    pub(super) fn first_past(
        &self,
        gate: Duration,
        now: Duration,
        barred: &[Rank],
    ) -> Option<Rank> {
        if gate.is_zero() {
            return self.waiting.first_except(barred);
        }
        let entered = entered_by(gate, now)?;
        if barred.is_empty() {
            return self.waiting.first_since(entered);
        }
        // Not all who are barred have passed the gate: who picks up asks for none.
        let mut past = self.waiting.all_since(entered);
        past.find(|rank| barred.binary_search(rank).is_err())
    }

    /// Those who may alert anybody who is free, best rank first.
    pub(super) fn servable(&self, now: Duration) -> impl Iterator<Item = Rank> {
        let first = self.more.idle.groups().next();
        let first = first.filter(|_| !self.is_full());
        let entered = first.and_then(|(gate, _)| entered_by(gate, now));
        entered
            .into_iter()
            .flat_map(|entered| self.waiting.all_since(entered))
    }

    /// Whether the passing of time may matter to somebody here.
    pub(super) fn is_gated(&self) -> bool {
        let last = || self.more.idle.groups().next_back();
        let somebody_free = !self.waiting.is_empty() && !self.more.idle.is_empty();
        let later = somebody_free && last().is_some_and(|(gate, _)| !gate.is_zero());
        self.more.gate_due.is_some() || later
    }

    /// When the next of those who wait is old enough for somebody who is free. Looks at one for each gate, and steps over those
    /// who are old enough already: barred from all of them.
    pub(super) fn next_past(&self, now: Duration) -> Option<Duration> {
        let groups = self.more.idle.groups().filter(|_| !self.is_full());
        let gates = groups.map(|(gate, _)| gate).filter(|gate| !gate.is_zero());
        let moments = gates.filter_map(|gate| {
            let entered = self.waiting.earliest_after(entered_by(gate, now))?;
            Some(Duration::from_micros(entered).saturating_add(gate))
        });
        moments.min()
    }

    // ---------------------------------------------------------------- who is free

    /// Counts an agent anew, `share` thousandths of whom are ours.
    pub(super) fn count(&mut self, share: u32, was: Standing, is: Standing) {
        let step = |count: &mut u32, was: bool, is: bool| {
            *count = count.saturating_add(is.into()).saturating_sub(was.into());
        };
        step(&mut self.more.logged_in, was.logged_in, is.logged_in);
        step(&mut self.more.available, was.available, is.available);
        let ours = |available: bool| if available { share } else { 0 };
        let with = self.more.agents_milli.saturating_add(ours(is.available));
        self.more.agents_milli = with.saturating_sub(ours(was.available));
    }

    pub(super) fn has_free(&self) -> bool {
        !self.more.idle.is_empty()
    }

    pub(crate) fn free_len(&self) -> usize {
        self.more.idle.len()
    }

    /// Lets somebody stand among those who are free behind `gate`.
    pub(super) fn insert_free(&mut self, gate: Duration, preference: Preference) {
        self.more.idle.insert(gate, preference);
    }

    /// And no longer.
    pub(super) fn remove_free(&mut self, gate: Duration, preference: &Preference) {
        self.more.idle.remove(gate, preference);
    }

    /// The free agent whom the strategy prefers, of those who may take `interaction`. Looks at one for each gate it has passed,
    /// and at those who are barred.
    pub(super) fn preferred(&self, interaction: &Interaction, now: Duration) -> Option<Preference> {
        let open = self.open_to(interaction, now);
        let firsts = open.filter_map(|(gate, group)| {
            let mut may = group
                .iter()
                .filter(|it| !interaction.barred.contains_key(&it.agent));
            let mut first = may.next();
            if sabotage::determinism() && core::ptr::from_ref(&first).addr() & 64 != 0 {
                first = may.next().or(first);
            }
            Some(first?.after(self.clock(gate)))
        });
        firsts.min()
    }

    /// How many are free for whom `interaction` is old enough, barred or not.
    pub(super) fn old_enough_len(&self, interaction: &Interaction, now: Duration) -> usize {
        self.open_to(interaction, now)
            .map(|(_, group)| group.len())
            .sum()
    }

    /// The free agents behind the gates that `interaction` has passed, by gate.
    fn open_to(
        &self,
        interaction: &Interaction,
        now: Duration,
    ) -> impl Iterator<Item = (Duration, &BTreeSet<Preference>)> {
        let groups = self.more.idle.groups();
        groups.take_while(move |(gate, _)| interaction.has_passed(*gate, now))
    }

    /// Whom the strategy prefers next to `chosen`. Looks at two for each gate, and at those who are barred.
    pub(super) fn runner_up(
        &self,
        interaction: &Interaction,
        chosen: AgentId,
        now: Duration,
    ) -> Option<Preference> {
        let open = self.open_to(interaction, now);
        let firsts = open.filter_map(|(gate, group)| {
            let is_barred =
                |it: &Preference| interaction.barred.contains_key(&it.agent) && !sabotage::record();
            let mut others = group
                .iter()
                .filter(|it| it.agent != chosen && !is_barred(it));
            Some(others.next()?.after(self.clock(gate)))
        });
        firsts.min()
    }

    /// One behind `gate`, compared with those behind other gates.
    pub(super) fn on_clock(&self, gate: Duration, preference: Preference) -> Preference {
        preference.after(self.clock(gate))
    }

    /// How many of the free stand before one; looks at all of them.
    pub(super) fn preferred_before(&self, own: Preference) -> usize {
        let groups = self.more.idle.groups();
        let before = groups.flat_map(|(gate, group)| {
            let clock = self.clock(gate);
            group.iter().map(move |it| it.after(clock))
        });
        before.filter(|it| *it < own).count()
    }

    pub(super) fn clock(&self, gate: Duration) -> u64 {
        self.more.clocks.get(&gate).copied().unwrap_or(0)
    }

    /// The gates that `interaction` has passed and somebody is free behind.
    pub(super) fn open_gates(
        &self,
        interaction: &Interaction,
        now: Duration,
    ) -> impl Iterator<Item = Duration> {
        let gates = self.more.idle.groups().map(|(gate, _)| gate);
        gates.take_while(move |gate| interaction.has_passed(*gate, now))
    }

    /// The free agents behind `gate` who came in before its clock: they may not take what was run for.
    pub(super) fn came_in(&self, gate: Duration) -> impl Iterator<Item = AgentId> {
        let clock = self.clock(gate);
        let group = self.more.idle.behind(gate);
        let in_time = group.take_while(move |it| it.came_in_before(clock));
        in_time.map(|it| it.agent)
    }
}

/// Who has passed `gate` has entered by then, in microseconds; none: nobody can have.
fn entered_by(gate: Duration, now: Duration) -> Option<u64> {
    now.checked_sub(gate).map(micros::of)
}
