//! How agents are counted at the moment, and in which lanes.

use alloc::vec::Vec;
use core::time::Duration;

use super::lanes::Place;
use crate::agent::Agent;
use crate::ids::QueueId;
use crate::preference::{Preference, Seat};
use crate::rank::Target;

#[derive(Debug, Default, PartialEq)]
pub(super) struct Listing {
    /// By target.
    pub(super) places: Vec<Listed>,
    pub(super) standing: Standing,
    /// What is drawn for them when they become free.
    pub(super) runs: Vec<Run>,
}

/// An agent in one lane, and where they stand among its free.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) seat: Seat,
    pub(super) place: Place,
    /// The grade of those who have passed the gate of this seat; none: nobody has.
    pub(super) grade: Option<u32>,
    pub(super) preference: Option<Preference>,
}

/// The same, wherever the lane is.
impl PartialEq for Listed {
    fn eq(&self, other: &Self) -> bool {
        (self.seat, self.grade, self.preference) == (other.seat, other.grade, other.preference)
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
