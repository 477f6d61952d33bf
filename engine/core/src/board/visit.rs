//! One call's way through the queues, as far as figures need it.

use alloc::collections::BTreeSet;
use alloc::string::String;

use minicbor::{Decode, Encode};

use super::agent::Handled;
use super::tally::Tally;
use crate::event::Diversion;
use crate::ids::{CallId, LegId};

/// Life: from the first queue that it comes to, to its end, or until no queue can get it any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Visit {
    /// When it first entered a queue.
    #[n(0)]
    first_us: Option<i64>,
    #[n(1)]
    pub(super) stage: Stage,
    /// The first queue that did not let it in.
    #[n(2)]
    pub(super) turned_away: Option<TurnedAway>,
    /// It came back, and nobody has it yet: no queue counts it as offered.
    #[cbor(n(3), default)]
    pub(super) is_recalled: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(super) enum Stage {
    /// No queue has let it in.
    #[default]
    #[n(0)]
    Outside,
    #[n(1)]
    Waiting(#[n(0)] Waiting),
    /// A rule sent it on.
    #[n(2)]
    OnItsWay {
        #[n(0)]
        from: String,
    },
    #[n(3)]
    Talking(#[n(0)] Talking),
    /// An agent who had it from this queue sent it on, and nobody has it yet.
    #[n(4)]
    Sent {
        #[n(0)]
        from: String,
        #[n(1)]
        parked: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Waiting {
    #[n(0)]
    pub(super) queue: String,
    #[n(1)]
    pub(super) entered_us: i64,
    /// How many phones ring for it, and since when.
    #[n(2)]
    alerts: u32,
    #[n(3)]
    ringing_since_us: i64,
    /// How long it rang until somebody answered.
    #[n(4)]
    pub(super) rung_us: i64,
    /// How long it would wait at most, as it was told.
    #[n(5)]
    pub(super) told_seconds: Option<u32>,
}

/// An agent has it from a queue.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Talking {
    #[n(0)]
    pub(super) queue: String,
    #[n(1)]
    agent: Option<String>,
    #[n(2)]
    leg: Option<LegId>,
    #[n(3)]
    since_us: i64,
    /// The legs that hold the other.
    #[n(4)]
    held_by: BTreeSet<LegId>,
    #[n(5)]
    held_since_us: i64,
    #[n(6)]
    held_us: i64,
    #[n(7)]
    rung_us: i64,
}

/// Why a queue did not let a call in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(super) enum TurnedAway {
    #[n(0)]
    Closed,
    #[n(1)]
    Refused,
}

impl TurnedAway {
    pub(super) const fn of(why: Diversion) -> Option<Self> {
        match why {
            Diversion::Closed => Some(Self::Closed),
            Diversion::Full | Diversion::Refused => Some(Self::Refused),
            Diversion::Closing
            | Diversion::Unavailable
            | Diversion::Removed
            | Diversion::Overflow
            | Diversion::Nobody
            | Diversion::ServiceLevel => None,
        }
    }

    pub(super) const fn count(self, tally: &mut Tally) {
        match self {
            Self::Closed => tally.closed += 1,
            Self::Refused => tally.refused += 1,
        }
    }
}

impl Visit {
    /// Of one whom an agent, who had them from that queue, sends on: a visit of its own where they come to a queue again.
    pub(super) fn sent_on(from: &str, parked: bool) -> Self {
        Self {
            stage: Stage::Sent {
                from: from.into(),
                parked,
            },
            ..Self::default()
        }
    }

    pub(super) fn recalled() -> Self {
        Self {
            is_recalled: true,
            ..Self::default()
        }
    }

    /// How long it is since it first entered a queue.
    pub(super) fn age_us(&self, at: i64) -> i64 {
        self.first_us.map_or(0, |first_us| (at - first_us).max(0))
    }

    pub(super) fn waits_in(&self, queue: &str) -> bool {
        matches!(&self.stage, Stage::Waiting(waiting) if waiting.queue == queue)
    }

    pub(super) const fn is_on_its_way(&self) -> bool {
        matches!(self.stage, Stage::OnItsWay { .. })
    }

    /// Whether it counts as offered, and not as anything else yet.
    pub(super) const fn is_open(&self) -> bool {
        !self.is_recalled && matches!(self.stage, Stage::Waiting(_) | Stage::OnItsWay { .. })
    }

    /// Whether this is the first queue that lets it in.
    pub(super) fn enter(&mut self, at: i64, queue: &str, told_seconds: Option<u32>) -> bool {
        self.stage = Stage::Waiting(Waiting {
            queue: queue.into(),
            entered_us: at,
            alerts: 0,
            ringing_since_us: at,
            rung_us: 0,
            told_seconds,
        });
        let first = self.first_us.is_none();
        self.first_us.get_or_insert(at);
        first
    }

    pub(super) fn turn_away(&mut self, why: TurnedAway) {
        self.turned_away.get_or_insert(why);
    }

    /// What is to be known of its wait, if it waited.
    pub(super) fn stop_waiting(&mut self) -> Option<Waiting> {
        match core::mem::take(&mut self.stage) {
            Stage::Waiting(waiting) => Some(waiting),
            other @ (Stage::Outside
            | Stage::OnItsWay { .. }
            | Stage::Talking(_)
            | Stage::Sent { .. }) => {
                self.stage = other;
                None
            }
        }
    }

    pub(super) fn go_on(&mut self, from: &str) {
        self.stage = Stage::OnItsWay { from: from.into() };
    }

    pub(super) fn talk(&mut self, at: i64, waited: &Waiting) {
        self.stage = Stage::Talking(Talking {
            queue: waited.queue.clone(),
            agent: None,
            leg: None,
            since_us: at,
            held_by: BTreeSet::new(),
            held_since_us: at,
            held_us: 0,
            rung_us: waited.rung_us,
        });
    }

    pub(super) fn begin_alert(&mut self, at: i64) {
        if let Stage::Waiting(waiting) = &mut self.stage {
            if waiting.alerts == 0 {
                waiting.ringing_since_us = at;
            }
            waiting.alerts += 1;
        }
    }

    pub(super) fn end_alert(&mut self, at: i64, accepted: bool) {
        if let Stage::Waiting(waiting) = &mut self.stage {
            waiting.alerts = waiting.alerts.saturating_sub(1);
            if accepted {
                waiting.rung_us = (at - waiting.ringing_since_us).max(0);
            }
        }
    }

    /// Who took it. True when that was somebody no queue gave it to.
    pub(super) fn connect(&mut self, user: Option<&str>, leg: LegId) -> bool {
        let Stage::Talking(talking) = &mut self.stage else {
            return true;
        };
        talking.agent = user.map(String::from);
        talking.leg = Some(leg);
        false
    }

    pub(super) fn held(&mut self, at: i64, by: LegId) {
        if let Stage::Talking(talking) = &mut self.stage {
            if talking.held_by.is_empty() {
                talking.held_since_us = at;
            }
            talking.held_by.insert(by);
        }
    }

    pub(super) fn resumed(&mut self, at: i64, by: LegId) {
        if let Stage::Talking(talking) = &mut self.stage
            && talking.held_by.remove(&by)
            && talking.held_by.is_empty()
        {
            talking.held_us += (at - talking.held_since_us).max(0);
        }
    }
}

impl Talking {
    pub(super) fn is_held_by_agent(&self) -> bool {
        self.leg.is_some_and(|leg| self.held_by.contains(&leg))
    }

    /// Its queue, the agent who had it, and how long it took.
    pub(super) fn over(self, at: i64, call: CallId) -> (String, Option<String>, Handled) {
        let holding_us = if self.held_by.is_empty() {
            0
        } else {
            (at - self.held_since_us).max(0)
        };
        let held_us = self.held_us + holding_us;
        let handled = Handled {
            call,
            talked_us: (at - self.since_us - held_us).max(0),
            held_us,
            wrap_up_us: 0,
            rung_us: self.rung_us,
        };
        (self.queue, self.agent, handled)
    }
}
