//! Whose `max_wait` in a lane is over first (rule 22).
//!
//! It is the same for all in one lane, so those who entered first go first. Only these have a deadline, each of them if they
//! entered at the same moment; when they are gone, the next do. So the deadlines do not grow with those who wait.

use alloc::vec::Vec;
use core::time::Duration;

use super::lane::More;
use super::{Index, Lane};
use crate::deadline::Deadline;
use crate::interaction::Interaction;
use crate::micros;
use crate::rank::{Rank, Target};

/// Among the alerting: entered for whom no `max_wait` counts.
const NEVER: u64 = u64::MAX;

/// Those of a lane who have a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Soonest {
    /// When they entered, in microseconds.
    entered: u64,
    count: u32,
}

/// Where others may be the first now.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Expiring(Vec<Target>);

impl Index {
    /// It stands in its lane from now on, waiting or alerting.
    pub(super) fn expect(&mut self, interaction: &Interaction) {
        let Some(at) = interaction.expires else {
            return;
        };
        let what = Deadline::MaxWait(interaction.id);
        let Some(lane) = self.lanes.get_mut(&interaction.at) else {
            return self.deadlines.set(at, what);
        };
        let entered = micros::of(interaction.entered);
        match &mut lane.more.soonest {
            Some(soonest) if soonest.entered == entered => {
                soonest.count += 1;
                self.deadlines.set(at, what);
            }
            Some(soonest) if soonest.entered < entered => {}
            Some(_) | None => self.expiring.0.push(interaction.at),
        }
    }

    /// And no longer.
    pub(super) fn expect_no_more(&mut self, interaction: &Interaction) {
        let Some(at) = interaction.expires else {
            return;
        };
        let what = Deadline::MaxWait(interaction.id);
        match self.lanes.get_mut(&interaction.at) {
            None => self.deadlines.cancel(at, what),
            Some(lane) if lane.is_soonest(interaction) => {
                self.deadlines.cancel(at, what);
                lane.lose_soonest();
                self.expiring.0.push(interaction.at);
            }
            Some(_) => {}
        }
    }

    /// Its `max_wait` is over, and its deadline gone.
    pub(crate) fn on_expired(&mut self, interaction: &mut Interaction) {
        interaction.expires = None;
        if let Some(lane) = self.lanes.get_mut(&interaction.at) {
            if lane.is_soonest(interaction) {
                lane.lose_soonest();
            }
            lane.restamp(interaction);
            self.expiring.0.push(interaction.at);
        }
    }

    /// From now on its `max_wait` is over at `at`, or does not count.
    pub(crate) fn set_expiry(&mut self, interaction: &mut Interaction, at: Option<Duration>) {
        if interaction.expires == at {
            return;
        }
        self.expect_no_more(interaction);
        interaction.expires = at;
        if let Some(lane) = self.lanes.get_mut(&interaction.at) {
            lane.restamp(interaction);
        }
        self.expect(interaction);
    }

    /// Gives deadlines to those who are the first now.
    pub(crate) fn set_expiries(&mut self) {
        while let Some(target) = self.expiring.0.pop() {
            let Some(lane) = self.lanes.get_mut(&target) else {
                continue;
            };
            let (first, before) = (lane.first_to_expire(), lane.more.soonest);
            if first == before.map(|it| it.entered) {
                continue;
            }
            if let Some(before) = before {
                let at = lane.expiry_of(before.entered);
                for rank in lane.here_since(before.entered) {
                    let what = Deadline::MaxWait(rank.interaction());
                    self.deadlines.cancel(at, what);
                }
            }
            lane.more.soonest = first.map(|entered| {
                let at = lane.expiry_of(entered);
                let mut count = 0;
                for rank in lane.here_since(entered) {
                    let what = Deadline::MaxWait(rank.interaction());
                    self.deadlines.set(at, what);
                    count += 1;
                }
                Soonest { entered, count }
            });
        }
    }

    /// The lane is gone, where nobody waits any more: who is alerting for it has a deadline of their own.
    pub(crate) fn close_lane(&mut self, target: Target) {
        let lane = self.lanes.get(&target);
        let alerting = lane.into_iter().flat_map(|lane| {
            let ranks = lane.more.alerting.all_since(NEVER - 1);
            ranks.filter_map(move |rank| {
                let entered = lane.more.alerting.since(&rank)?;
                Some((lane.expiry_of(entered), rank))
            })
        });
        for (at, rank) in alerting {
            let what = Deadline::MaxWait(rank.interaction());
            self.deadlines.set(at, what);
        }
        self.lanes.remove(&target);
    }

    /// The lane of one that is alerting is there again.
    pub(crate) fn readmit(&mut self, interaction: &Interaction) {
        if let Some(at) = interaction.expires {
            let what = Deadline::MaxWait(interaction.id);
            self.deadlines.cancel(at, what);
        }
        self.begin_alert(interaction);
    }
}

impl Lane {
    fn is_soonest(&self, interaction: &Interaction) -> bool {
        let entered = micros::of(interaction.entered);
        self.more.soonest.is_some_and(|it| it.entered == entered)
    }

    /// One of those who have a deadline has it no more.
    fn lose_soonest(&mut self) {
        if let Some(soonest) = &mut self.more.soonest {
            soonest.count -= 1;
        }
        self.more.soonest.take_if(|soonest| soonest.count == 0);
    }

    /// When those entered whose `max_wait` is over first; none: it counts for nobody.
    fn first_to_expire(&self) -> Option<u64> {
        self.more.max_wait?;
        let More { held, alerting, .. } = &*self.more;
        let sets = [&self.waiting, held, alerting];
        let firsts = sets.into_iter().filter_map(|set| set.earliest_after(None));
        firsts.filter(|entered| *entered < NEVER).min()
    }

    /// When `max_wait` is over for who entered then.
    fn expiry_of(&self, entered: u64) -> Duration {
        let max_wait = self.more.max_wait.unwrap_or_default();
        Duration::from_micros(entered).saturating_add(max_wait)
    }

    /// Those who entered then or before.
    fn here_since(&self, entered: u64) -> impl Iterator<Item = Rank> {
        let waiting = self.waiting.all_since(entered);
        let held = self.more.held.all_since(entered);
        let alerting = self.more.alerting.all_since(entered);
        waiting.chain(held).chain(alerting)
    }

    /// One that may be alerting has another `expires`.
    fn restamp(&mut self, interaction: &Interaction) {
        let alerting = &mut self.more.alerting;
        if alerting.remove(&interaction.rank) {
            alerting.insert(interaction.rank, stamp(interaction));
        }
    }
}

/// Since when one is there that is alerting, to those who ask whose `max_wait` is over first.
pub(crate) fn stamp(interaction: &Interaction) -> u64 {
    let counts = interaction.expires.is_some();
    if counts {
        micros::of(interaction.entered)
    } else {
        NEVER
    }
}
