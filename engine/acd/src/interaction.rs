//! One interaction, from its entry until it is connected and over, diverted or gone.

use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::choice::Cause;
use crate::ids::{AgentId, InteractionId, MatchId};
use crate::input::Enqueue;
use crate::micros;
use crate::output::DivertReason;
use crate::rank::{Rank, Target, Tier};
use crate::sabotage;
use crate::view::{InteractionView, Stage};

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Interaction {
    #[n(0)]
    pub(crate) id: InteractionId,
    #[n(1)]
    pub(crate) at: Target,
    #[n(2)]
    pub(crate) tier: Tier,
    #[n(3)]
    pub(crate) priority: i32,
    #[cbor(n(4), with = "crate::micros")]
    pub(crate) arrival: Duration,
    #[cbor(n(5), with = "crate::micros")]
    pub(crate) entered: Duration,
    #[n(6)]
    pub(crate) rank: Rank,
    #[n(7)]
    pub(crate) stage: Stage,
    /// Who may not be alerted for it. Few: one at most for each alert it had.
    #[n(8)]
    pub(crate) barred: BTreeMap<AgentId, Bar>,
    /// It goes as soon as its running alert has failed to be accepted.
    #[n(9)]
    pub(crate) leaving: Option<DivertReason>,
    /// When its `max_wait` is over; none: no limit, or over.
    #[cbor(n(10), with = "crate::micros::option")]
    pub(crate) expires: Option<Duration>,
    /// Its time is over: it goes as soon as its running alert has failed to be accepted.
    #[cbor(n(13), default)]
    pub(crate) overdue: Option<DivertReason>,
    /// Since when it waits without being alerted for.
    #[cbor(n(14), with = "crate::micros", default)]
    pub(crate) waiting_since: Duration,
    /// Since when nobody is there but those who rejected it; only where somebody did.
    #[cbor(n(15), with = "crate::micros::option", default)]
    pub(crate) alone_since: Option<Duration>,
    /// Nobody has been there for so long that a person was told.
    #[cbor(n(16), default)]
    pub(crate) stranded: bool,
    /// When the service-level action is due; none: there is none, or no more.
    #[cbor(n(17), with = "crate::micros::option", default)]
    pub(crate) service_due: Option<Duration>,
    /// A queue has done it.
    #[cbor(n(18), default)]
    pub(crate) service_acted: bool,
    /// When it is old enough for the first agents who have to wait for it, be that over or not; none: there are none, or it is
    /// connected. Only earlier programs go by it, which look for the next one from there.
    #[cbor(n(19), with = "crate::micros::option", default)]
    pub(crate) first_gate: Option<Duration>,
    /// Its running alerts beyond the one in `stage`: it rings for all.
    #[cbor(n(20), default)]
    pub(crate) also: BTreeSet<MatchId>,
    /// The agent who has it gave its wrap-up code.
    #[cbor(n(21), default)]
    pub(crate) coded: bool,
    /// Who alone may be alerted for it.
    #[n(11)]
    pub(crate) reserved: Option<Reservation>,
    /// Whose reservation is over: they have no second one.
    #[n(12)]
    #[cbor(default)]
    pub(crate) reserved_before: BTreeSet<AgentId>,
}

/// An interaction is held for an agent (rules 4, 9 and 14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Reservation {
    #[n(0)]
    pub(crate) agent: AgentId,
    #[cbor(n(1), with = "crate::micros")]
    pub(crate) until: Duration,
    /// They did not ask for it: they served the caller before.
    #[cbor(n(2), default)]
    pub(crate) sticky: bool,
    /// They did not ask for it: they sent it away, and nobody took it.
    #[cbor(n(3), default)]
    pub(crate) recall: bool,
}

impl Reservation {
    /// Whether they asked for it.
    pub(crate) const fn is_asked_for(&self) -> bool {
        !self.sticky && !self.recall
    }
}

/// For how long an agent may not be alerted for an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Bar {
    /// They rejected it (rule 11).
    #[n(0)]
    Rejected,
    /// They did not answer (rule 12).
    #[n(1)]
    Until(#[cbor(n(0), with = "crate::micros")] Duration),
}

impl Bar {
    /// When it ends by itself.
    pub(crate) const fn until(self) -> Option<Duration> {
        match self {
            Self::Until(at) => Some(at),
            Self::Rejected => None,
        }
    }
}

/// What a queue, or a user for direct calls, adds to rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) priority: i32,
    pub(crate) ageing: Duration,
}

impl Interaction {
    pub(crate) fn new(now: Duration, enqueue: &Enqueue, weight: Weight) -> Self {
        let arrival = micros::whole(enqueue.arrival);
        let mut new = Self {
            id: enqueue.interaction,
            at: enqueue.to,
            tier: enqueue.tier,
            priority: enqueue.priority,
            arrival,
            entered: now,
            rank: Rank::new(
                enqueue.interaction,
                enqueue.tier,
                arrival,
                0,
                Duration::ZERO,
            ),
            stage: Stage::Waiting,
            barred: BTreeMap::new(),
            leaving: None,
            expires: None,
            reserved: None,
            reserved_before: BTreeSet::new(),
            overdue: None,
            waiting_since: now,
            alone_since: None,
            stranded: false,
            service_due: None,
            first_gate: None,
            also: BTreeSet::new(),
            coded: false,
            service_acted: enqueue.service_acted,
        };
        new.rank = new.ranked(weight);
        new
    }

    /// Its rank by what its queue adds (rules 1 and 2).
    pub(crate) fn ranked(&self, weight: Weight) -> Rank {
        let tier = if sabotage::tier() {
            Tier::Normal
        } else {
            self.tier
        };
        let priority = if sabotage::priority() {
            0
        } else {
            weight.priority.saturating_add(self.priority)
        };
        Rank::new(self.id, tier, self.arrival, priority, weight.ageing)
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.stage == Stage::Waiting
    }

    pub(crate) const fn is_connected(&self) -> bool {
        matches!(self.stage, Stage::Connected { .. })
    }

    /// Whether it is old enough at `now` for agents with this gate.
    pub(crate) fn has_passed(&self, gate: Duration, now: Duration) -> bool {
        gate.is_zero() || self.entered.saturating_add(gate) <= now
    }

    /// Who alone may be alerted for it.
    pub(crate) fn held_for(&self) -> Option<AgentId> {
        let reserved = self.reserved.filter(|_| !sabotage::held());
        reserved.map(|reserved| reserved.agent)
    }

    /// Whether it came back to this agent, who has it wherever it waits (rule 4).
    pub(crate) fn is_recalled_to(&self, agent: AgentId) -> bool {
        let held = self.reserved.filter(|_| !sabotage::held());
        held.is_some_and(|held| held.recall && held.agent == agent)
    }

    /// Those who rejected it, by id.
    pub(crate) fn rejecters(&self) -> impl Iterator<Item = AgentId> {
        let rejected = self.barred.iter().filter(|(_, bar)| **bar == Bar::Rejected);
        rejected.map(|(agent, _)| *agent)
    }

    /// Its alerts, lowest first; they may be over by now.
    pub(crate) fn alerts(&self) -> impl Iterator<Item = MatchId> {
        let first = match self.stage {
            Stage::Alerting { match_id, .. } => Some(match_id),
            Stage::Waiting | Stage::Connected { .. } => None,
        };
        let also = self.also.iter().filter(move |_| first.is_some());
        first.into_iter().chain(also.copied())
    }

    /// Alerts this agent: alone, or beside others.
    pub(crate) fn begin_alert(&mut self, match_id: MatchId, agent: AgentId, cause: Cause) {
        if cause == Cause::ForAll && !self.is_waiting() {
            self.also.insert(match_id);
        } else {
            self.end_waiting(Stage::Alerting { match_id, agent });
        }
    }

    /// One of its alerts is over. `next` is the first of those beyond the one in `stage`, if there is one. True if it alerts
    /// nobody any more.
    pub(crate) fn end_alert(
        &mut self,
        match_id: MatchId,
        next: Option<(MatchId, AgentId)>,
    ) -> bool {
        if self.also.remove(&match_id) {
            return false;
        }
        let Some((next, agent)) = next else {
            return true;
        };
        self.also.remove(&next);
        self.stage = Stage::Alerting {
            match_id: next,
            agent,
        };
        false
    }

    /// It waits, from now on or again.
    pub(crate) fn begin_waiting(&mut self, now: Duration) {
        self.stage = Stage::Waiting;
        self.waiting_since = now;
    }

    /// It waits no more: whether somebody is there does not matter now.
    pub(crate) fn end_waiting(&mut self, stage: Stage) {
        self.stage = stage;
        self.alone_since = None;
        self.stranded = false;
    }

    pub(crate) const fn view(&self) -> InteractionView {
        InteractionView {
            interaction: self.id,
            at: self.at,
            tier: self.tier,
            priority: self.priority,
            arrival: self.arrival,
            entered: self.entered,
            rank: self.rank,
            stage: self.stage,
        }
    }
}
