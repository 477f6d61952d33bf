//! One target's two sides: who waits there, and who of its agents is free.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::agent::Agent;
use crate::config::Strategy;
use crate::preference::{Preference, Seat};
use crate::rank::Rank;
use crate::ranked_set::RankedSet;
use crate::watch::Watch;

/// One target's two sides.
#[derive(Debug, PartialEq)]
pub(crate) struct Lane {
    pub(super) strategy: Strategy,
    /// Waiting for whoever is free.
    pub(crate) waiting: RankedSet<Rank>,
    /// Waiting for one agent.
    pub(super) held: RankedSet<Rank>,
    pub(crate) alerting: RankedSet<Rank>,
    pub(crate) free: BTreeSet<Preference>,
    pub(crate) logged_in: u32,
    pub(crate) available: u32,
    /// Of queues; that of a user stays empty.
    pub(crate) watch: Watch,
}

/// How an agent is counted at the moment, and in which lanes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Listing {
    /// By target.
    pub(super) places: Vec<Listed>,
    pub(super) standing: Standing,
}

/// An agent in one lane, and where they stand among its free.
#[derive(Debug, PartialEq)]
pub(super) struct Listed {
    pub(super) seat: Seat,
    pub(super) preference: Option<Preference>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) logged_in: bool,
    pub(super) available: bool,
    pub(super) free: bool,
}

impl Standing {
    pub(super) fn of(agent: &Agent) -> Self {
        Self {
            logged_in: agent.is_logged_in(),
            available: agent.is_available(),
            free: agent.is_free(),
        }
    }
}

impl Lane {
    pub(super) fn new(strategy: Strategy) -> Self {
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

    pub(super) fn count(&mut self, was: Standing, is: Standing) {
        let step = |count: &mut u32, was: bool, is: bool| {
            *count = count.saturating_add(is.into()).saturating_sub(was.into());
        };
        step(&mut self.logged_in, was.logged_in, is.logged_in);
        step(&mut self.available, was.available, is.available);
    }

    /// Lets an agent stand among the free where they stand now, if they are.
    pub(super) fn place_free(&mut self, listed: &mut Listed, preference: Option<Preference>) {
        if listed.preference == preference {
            return;
        }
        if let Some(before) = core::mem::replace(&mut listed.preference, preference) {
            self.free.remove(&before);
        }
        self.free.extend(preference);
    }
}
