//! How agents are counted at the moment, and in which lanes.

use alloc::vec::Vec;
use core::time::Duration;

use super::Index;
use super::lanes::Place;
use crate::agent::Agent;
use crate::ids::{AgentId, QueueId};
use crate::preference::{Preference, Seat};
use crate::rank::Target;

#[derive(Debug, Default, PartialEq)]
pub(super) struct Listing {
    /// By target.
    pub(super) places: Vec<Listed>,
    /// Where they stand among the free in each of `places`; empty while they stand nowhere.
    pub(super) preferences: Vec<Preference>,
    pub(super) standing: Standing,
    /// What is drawn for them when they become free.
    pub(super) runs: Vec<Run>,
}

/// An agent in one lane.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) seat: Seat,
    pub(super) place: Place,
}

/// The same, wherever the lane is.
impl PartialEq for Listed {
    fn eq(&self, other: &Self) -> bool {
        self.seat == other.seat
    }
}

/// An agent in a queue that chooses by lot, left or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) queue: QueueId,
    pub(crate) gate: Duration,
    pub(crate) weight: u32,
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

    /// Whether lanes count them the same.
    pub(super) fn counts_as(self, other: Self) -> bool {
        (self.logged_in, self.available) == (other.logged_in, other.available)
    }
}

impl Listing {
    /// The thousandths of the agent's time that each of their queues has.
    pub(super) fn share(&self) -> u32 {
        let queues = u32::try_from(self.queues().count()).unwrap_or(u32::MAX);
        1_000_u32.checked_div(queues).unwrap_or(0)
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = QueueId> {
        self.places
            .iter()
            .filter_map(|listed| match listed.seat.target {
                Target::Queue(queue) => Some(queue),
                Target::Personal(_) => None,
            })
    }

    /// Their place in the lane of `target`.
    pub(super) fn at(&self, target: Target) -> Option<&Listed> {
        let nth = self
            .places
            .binary_search_by_key(&target, |listed| listed.seat.target);
        self.places.get(nth.ok()?)
    }
}

impl Index {
    /// Counts `agent` as they are now, and places them where strategies want them. True if they have become free.
    pub(crate) fn relist(&mut self, id: AgentId, agent: &Agent) -> bool {
        let Some(listing) = self.listings.get_mut(&id) else {
            return false;
        };
        let was = core::mem::replace(&mut listing.standing, Standing::of(agent));
        let is = listing.standing;
        if !was.counts_as(is) {
            let share = listing.share();
            for listed in &listing.places {
                let lane = self.lanes.at_mut(listed.place, listed.seat.target);
                lane.into_iter().for_each(|lane| lane.count(share, was, is));
            }
        }
        if was.available != is.available {
            self.restaffed.extend(listing.queues());
        }
        self.stand(id, agent, was.free, is.free);
        is.free && !was.free
    }

    /// What is drawn for `agent` when they become free, from now on.
    pub(crate) fn set_runs(&mut self, id: AgentId, runs: Vec<Run>) {
        self.listings.get_or_default(id).runs = runs;
    }

    /// What is drawn for `agent` when they become free.
    pub(crate) fn runs_of(&self, id: AgentId) -> &[Run] {
        self.listings.get(&id).map_or(&[], |listing| &listing.runs)
    }

    /// Counts `agent` in these lanes from now on. True if they are free and the lanes are others than before.
    pub(crate) fn list(&mut self, id: AgentId, agent: &Agent, seats: Vec<Seat>) -> bool {
        let before = self.listings.get(&id);
        if before.is_none_or(|was| !was.places.iter().map(|it| &it.seat).eq(&seats)) {
            let runs = self
                .take_listing(id)
                .map_or_else(Vec::new, |before| before.runs);
            let places = seats.into_iter().map(|seat| Listed {
                seat,
                place: self.lanes.place_of(seat.target),
            });
            let listing = Listing {
                places: places.collect(),
                preferences: Vec::new(),
                standing: Standing::default(),
                runs,
            };
            for listed in &listing.places {
                if let Some(lane) = self.lanes.at_mut(listed.place, listed.seat.target) {
                    lane.more.staff = lane.more.staff.saturating_add(1);
                }
            }
            self.listings.insert(id, listing);
        }
        self.relist(id, agent)
    }

    /// Counts `agent` nowhere.
    pub(crate) fn unlist(&mut self, id: AgentId) {
        self.take_listing(id);
    }

    fn take_listing(&mut self, id: AgentId) -> Option<Listing> {
        self.withdraw_free(id);
        let listing = self.listings.remove(&id)?;
        let share = listing.share();
        for listed in &listing.places {
            if let Some(lane) = self.lanes.at_mut(listed.place, listed.seat.target) {
                lane.more.staff = lane.more.staff.saturating_sub(1);
                lane.count(share, listing.standing, Standing::default());
            }
        }
        if listing.standing.available {
            self.restaffed.extend(listing.queues());
        }
        Some(listing)
    }

    pub(crate) fn is_free(&self, agent: AgentId) -> bool {
        self.listings
            .get(&agent)
            .is_some_and(|listing| listing.standing.free)
    }
}
