//! Why things are as they are: what keeps an agent from an interaction, why somebody waits, why somebody gets nothing.
//!
//! All of it is read from the state when it is asked for, by the functions in `acd::why_not`, `acd::explaining` and `acd::witness`;
//! nothing here is kept, and no decision asks for it.

use alloc::vec::Vec;
use core::time::Duration;

use crate::choice::{Choice, Claim};
use crate::ids::{AgentId, InteractionId, MatchId, SkillId};
use crate::input::BreakReason;
use crate::output::DeviceHealth;
use crate::rank::{Rank, Target};

/// How many agents, callers and moments an explanation names at most; the others are counted.
pub const LISTED_MAX: usize = 50;

/// What keeps an agent from an interaction: the first clause of rule 7 that does, in the order of that rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// It does not wait: unknown, alerting somebody, or connected.
    NotWaiting,
    /// It waits in a queue that is not assigned to them, or for another user.
    NotAssigned,
    /// They have left that queue until they log out (rule 16).
    LeftQueue,
    Offline,
    OnBreak {
        reason: BreakReason,
    },
    WrapUp {
        /// None: until they end it.
        until: Option<Duration>,
        /// The first that lacks the wrap-up code its queue requires: not before they have given it.
        owes: Option<InteractionId>,
    },
    /// Their phone is not registered (rule 18).
    NoPhone,
    /// Their phone is left alone for a while (rule 12).
    PhoneLeftAlone {
        health: DeviceHealth,
        until: Duration,
    },
    /// Their phone rings for this one.
    Alerting {
        interaction: InteractionId,
    },
    /// They have this one.
    Busy {
        interaction: InteractionId,
    },
    /// They are on a call of their own.
    OwnCall,
    /// They lack a skill, as far as it is relaxed by now (rule 8).
    Unskilled {
        lack: Lack,
        /// When they will do; none: never.
        from: Option<Duration>,
    },
    /// They rejected it (rule 11).
    Rejected,
    /// They did not answer it and may be alerted again then (rule 12).
    NotAnswered {
        until: Duration,
    },
    /// It is too young for them until then: their assignment's delay.
    Delay {
        until: Duration,
    },
    /// So many agents have something of its queue, and no more may.
    QueueBusy {
        max_busy: u32,
    },
    /// It is held for this other agent (rules 4, 9 and 14).
    HeldFor {
        agent: AgentId,
    },
}

/// The first skill that an agent lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    pub skill: SkillId,
    /// At least this level is asked for by now.
    pub needs: u32,
    /// The agent's level; 0: none.
    pub has: u32,
}

/// A [`Hindrance`] without its facts: what agents are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    NotWaiting,
    NotAssigned,
    LeftQueue,
    Offline,
    OnBreak,
    WrapUp,
    NoPhone,
    PhoneLeftAlone,
    Alerting,
    Busy,
    OwnCall,
    Unskilled,
    Rejected,
    NotAnswered,
    Delay,
    QueueBusy,
    HeldFor,
}

impl Hindrance {
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::NotWaiting => Reason::NotWaiting,
            Self::NotAssigned => Reason::NotAssigned,
            Self::LeftQueue => Reason::LeftQueue,
            Self::Offline => Reason::Offline,
            Self::OnBreak { .. } => Reason::OnBreak,
            Self::WrapUp { .. } => Reason::WrapUp,
            Self::NoPhone => Reason::NoPhone,
            Self::PhoneLeftAlone { .. } => Reason::PhoneLeftAlone,
            Self::Alerting { .. } => Reason::Alerting,
            Self::Busy { .. } => Reason::Busy,
            Self::OwnCall => Reason::OwnCall,
            Self::Unskilled { .. } => Reason::Unskilled,
            Self::Rejected => Reason::Rejected,
            Self::NotAnswered { .. } => Reason::NotAnswered,
            Self::Delay { .. } => Reason::Delay,
            Self::QueueBusy { .. } => Reason::QueueBusy,
            Self::HeldFor { .. } => Reason::HeldFor,
        }
    }
}

/// Why one that waits has nobody yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyWaiting {
    /// Its place in its queue, those alerting counted: 1 is next.
    pub position: u32,
    /// Those before it, best rank first; [`LISTED_MAX`] at most.
    pub before: Vec<InteractionId>,
    /// How many agents are assigned to its queue, or one for a user; with who has it back (rule 4).
    pub assigned: u32,
    /// How many of them each reason keeps from it, by reason. By I2 there is one for each.
    pub counts: Vec<(Reason, u32)>,
    /// The same one by one, by agent; [`LISTED_MAX`] at most.
    pub agents: Vec<(AgentId, Hindrance)>,
    /// When something happens by itself, soonest first (I9); [`LISTED_MAX`] at most. Empty: nothing until somebody comes.
    pub moments: Vec<(Duration, Moment)>,
}

/// What happens at a moment by itself to one that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It is old enough for other agents: skills are relaxed, or a delay is over.
    OldEnough,
    /// It is held for one agent no longer (rules 9 and 14).
    ReservationEnds,
    /// That agent may be alerted for it again.
    RetryOf(AgentId),
    /// That agent's wrap-up ends.
    WrapUpOf(AgentId),
    /// That agent's phone is tried again.
    PhoneOf(AgentId),
    /// Its service-level action is due (rule 23).
    ServiceLevel,
    /// Nobody will have been there for it for too long (rule 21).
    Nobody,
    /// Its `max_wait` is over (rules 2 and 22).
    MaxWait,
}

/// Why an agent gets nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhyNothing {
    /// What keeps them from whatever waits; none: they are free.
    pub hindrance: Option<Hindrance>,
    /// Their own queue of direct calls, and those assigned to them; by target.
    pub queues: Vec<QueueForAgent>,
}

/// What one queue has for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueForAgent {
    pub target: Target,
    /// How many wait there, without those alerting.
    pub waiting: u32,
    /// What keeps them from those: by reason the best-ranked one with what keeps them from it, and how many share it. Looked at are
    /// the first [`LISTED_MAX`] who wait.
    pub kept: Vec<Kept>,
    /// While they are free: how many others who are free that queue would choose before them; of those who may be alerted from
    /// another age on, too.
    pub preferred: Option<u32>,
}

/// Some that wait and that an agent does not get for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The best-ranked of them.
    pub first: InteractionId,
    /// What keeps the agent from that one.
    pub by: Hindrance,
    pub count: u32,
}

/// One decision with all who were candidates, made once more (see [`Acd::watch_for`](crate::Acd::watch_for)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The alert that it began.
    pub match_id: MatchId,
    pub interaction: InteractionId,
    /// What it left on record, but for who waits on.
    pub choice: Choice,
    /// Every agent assigned to its queue, and who has it back: those who could have it, as its strategy prefers them, then the others by id.
    pub agents: Vec<Candidate>,
    /// Every other that waited where the chosen agent serves, best rank first.
    pub calls: Vec<Competitor>,
}

/// An agent in a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub agent: AgentId,
    /// What spoke for them, if they could have it.
    pub claim: Option<Claim>,
    /// What kept them from it; none: they could have it.
    pub hindrance: Option<Hindrance>,
}

/// Another interaction in a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Competitor {
    pub interaction: InteractionId,
    pub at: Target,
    pub rank: Rank,
    /// What kept the chosen agent from it; none: they could have had it instead.
    pub hindrance: Option<Hindrance>,
}
