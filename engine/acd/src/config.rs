//! What the centre says about queues and agents, as far as distribution needs it.
//!
//! Ranges and defaults of the settings live in crate `config`; the values here are taken as they come.
//! Spans are whole microseconds: the journal keeps no finer ones.

use alloc::vec::Vec;
use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::ids::{AgentId, QueueId, SkillId};

/// Every queue and every agent. A new one replaces the old one whole, by [`Input::ConfigChanged`](crate::Input::ConfigChanged).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct AcdConfig {
    /// In any order, each id once (of two with one id the last holds).
    #[n(0)]
    pub queues: Vec<QueueConfig>,
    /// In any order, each id once (of two with one id the last holds).
    #[n(1)]
    pub agents: Vec<AgentConfig>,
}

/// One queue. A queue that is new starts closed, until [`Input::QueueOpened`](crate::Input::QueueOpened).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct QueueConfig {
    #[n(0)]
    pub id: QueueId,
    /// Added to the priority of each interaction (rule 2).
    #[n(1)]
    pub priority: i32,
    /// How much waiting one point of priority is worth (rule 1).
    #[cbor(n(2), with = "crate::micros")]
    pub ageing: Duration,
    /// Who gets an interaction for which several are free (rule 6).
    #[n(3)]
    pub strategy: Strategy,
    /// How long an alert may last (rule 12).
    #[cbor(n(4), with = "crate::micros")]
    pub ring_timeout: Duration,
    /// How long an interaction that was not answered keeps away from that agent (rule 12).
    #[cbor(n(5), with = "crate::micros")]
    pub retry_after: Duration,
    /// So many alerts not answered in a row send the agent on break; 0: never (rule 12).
    #[n(6)]
    pub max_no_answer: u32,
    /// How long a phone that failed is left alone at first; doubles to 60 s (rule 12).
    #[cbor(n(7), with = "crate::micros")]
    pub device_retry: Duration,
    /// The time after an interaction of this queue (rule 17).
    #[n(8)]
    pub wrap_up: WrapUp,
    /// So many may wait or be alerting; the next is refused as [`Full`](crate::RefuseReason::Full). 0: no limit (rule 20).
    #[n(9)]
    pub max_waiting: u32,
    /// Who has to be there for a caller to be let in (rule 20).
    #[n(10)]
    pub join_when: JoinWhen,
    /// What becomes of those waiting when the queue closes (rule 21).
    #[n(11)]
    pub when_closing: WhenClosing,
    /// How long an agent may have something held for them (rule 14).
    #[cbor(n(12), with = "crate::micros", default)]
    pub reservation_limit: Duration,
    /// How long an interaction may wait here, from its entry into this queue, before it is diverted as
    /// [`MaxWait`](crate::DivertReason::MaxWait). Zero: no limit (rule 22).
    #[cbor(n(13), with = "crate::micros", default)]
    pub max_wait: Duration,
    /// For how long nobody may be there who could take an interaction. Zero: no limit (rule 21).
    #[cbor(n(14), with = "crate::micros", default)]
    pub nobody_after: Duration,
    /// What becomes of an interaction for which nobody has been there for so long (rule 21).
    #[cbor(n(15), default)]
    pub when_nobody: WhenNobody,
    /// What is done once for an interaction that waits too long (rule 23).
    #[cbor(n(16), default)]
    pub service_action: Option<ServiceAction>,
    /// What an agent has to be able to do to be alerted for an interaction; none: nothing in particular (rule 7).
    #[cbor(n(17), default)]
    pub skills: Vec<Skill>,
    /// Who else will do after a time, in any order (rule 8).
    #[cbor(n(18), default)]
    pub relax: Vec<Relaxation>,
    /// So many agents at most are alerted for, or connected with, interactions of this queue; what an agent has chosen
    /// themselves counts and is not kept from them. 0: no limit (rule 7).
    #[cbor(n(19), default)]
    pub max_busy: u32,
    /// Whether an agent owes a wrap-up code for each interaction of this queue they had: their wrap-up does not end before they gave
    /// it (rule 17).
    #[cbor(n(20), default)]
    pub code_required: bool,
}

/// Something an agent can do, and how well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Skill {
    /// The same number is the same skill within one configuration.
    #[n(0)]
    pub skill: SkillId,
    /// Of an agent: how well. Of a queue: at least so well.
    #[n(1)]
    pub level: u32,
}

/// From some age of an interaction on other skills will do, too (rule 8).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Relaxation {
    /// How long after its entry into the queue.
    #[cbor(n(0), with = "crate::micros")]
    pub after: Duration,
    /// Who has all of these will do from then on; none: anyone.
    #[n(1)]
    pub skills: Vec<Skill>,
}

/// How a queue chooses among free agents (rule 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Strategy {
    /// Who has been idle longest; of two the lower id. It decides, too, between two who are alike by another strategy.
    #[default]
    #[n(0)]
    LongestIdle,
    /// Whom this queue has not alerted for longest.
    #[n(1)]
    RoundRobin,
    /// Who has accepted the fewest alerts, of all queues together, since the daily reset.
    #[n(2)]
    FewestCalls,
    /// Whose interactions, wrap-up included, have taken the smallest share of the time they were logged in since the
    /// daily reset; reckoned when they become free, in parts per million.
    #[n(3)]
    LeastOccupied,
    /// Whose assignment has the lowest `order`.
    #[n(4)]
    FixedOrder,
    /// Whose assignment has the highest `level`.
    #[n(5)]
    SkillLevel,
    /// By lot, each as likely as the `weight` of their assignment is large.
    #[n(6)]
    WeightedRandom,
    /// All who are free and may take it at once, as far as `max_busy` goes; the first to accept has it.
    #[n(7)]
    RingAll,
}

/// How long an agent is left alone after an interaction (rule 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum WrapUp {
    /// For this long; zero: none.
    #[n(0)]
    For(#[cbor(n(0), with = "crate::micros")] Duration),
    /// Until they end it.
    #[n(1)]
    Manual,
}

/// Who has to be there for a new caller to be let in (rule 20).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum JoinWhen {
    #[default]
    #[n(0)]
    Always,
    /// An agent of this queue is logged in, be it on break.
    #[n(1)]
    SomeoneLoggedIn,
    /// An agent of this queue is available, be they busy.
    #[n(2)]
    SomeoneAvailable,
}

/// What becomes of those waiting when the queue closes (rule 21).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum WhenClosing {
    /// They stay and are served.
    #[default]
    #[n(0)]
    Stay,
    /// They are diverted as [`Closed`](crate::DivertReason::Closed); a running alert is let finish first.
    #[n(1)]
    Go,
}

/// What becomes of an interaction for which nobody is there (rule 21).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum WhenNobody {
    /// It stays, and [`Unattended`](crate::Output::Unattended) tells of its queue.
    #[default]
    #[n(0)]
    Stay,
    /// It is diverted as [`Nobody`](crate::DivertReason::Nobody).
    #[n(1)]
    Go,
}

/// What a queue does for an interaction that nobody has taken in time, once for each interaction (rule 23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ServiceAction {
    /// How long after its entry into the queue.
    #[cbor(n(0), with = "crate::micros")]
    pub after: Duration,
    #[n(1)]
    pub step: ServiceStep,
}

/// The one thing that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ServiceStep {
    /// So many points are added to its priority.
    #[n(0)]
    Raise(#[n(0)] i32),
    /// It is only told.
    #[n(1)]
    Notify,
    /// It is diverted as [`ServiceLevel`](crate::DivertReason::ServiceLevel); a running alert is let finish first.
    #[n(2)]
    Go,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AgentConfig {
    #[n(0)]
    pub id: AgentId,
    /// The queues they serve (rule 7). A queue that does not exist is passed over.
    #[n(1)]
    pub queues: Vec<Assignment>,
    /// Added to the priority of each direct call to them (rule 2).
    #[n(2)]
    pub direct_call_priority: i32,
    /// Their queue of direct calls.
    #[n(3)]
    pub personal: PersonalConfig,
    /// What they can do, each skill once (of two with one number the better holds).
    #[cbor(n(4), default)]
    pub skills: Vec<Skill>,
}

/// That an agent serves a queue.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Assignment {
    #[n(0)]
    pub queue: QueueId,
    /// For [`Strategy::FixedOrder`].
    #[cbor(n(1), default)]
    pub order: u32,
    /// For [`Strategy::SkillLevel`].
    #[cbor(n(2), default)]
    pub level: u32,
    /// For [`Strategy::WeightedRandom`]; 0 counts as 1.
    #[cbor(n(3), default)]
    pub weight: u32,
    /// They are alerted only for interactions that entered the queue at least so long ago (rule 7).
    #[cbor(n(4), with = "crate::micros", default)]
    pub delay: Duration,
}

impl Assignment {
    /// One that no strategy prefers to another.
    #[must_use]
    pub const fn to(queue: QueueId) -> Self {
        Self {
            queue,
            order: 0,
            level: 0,
            weight: 1,
            delay: Duration::ZERO,
        }
    }
}

/// A user's queue of direct calls (rule 2). Its ageing is 10 s.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PersonalConfig {
    #[cbor(n(0), with = "crate::micros")]
    pub ring_timeout: Duration,
    /// How long a direct call waits before it goes to `when_unavailable`; zero: no limit.
    #[cbor(n(1), with = "crate::micros")]
    pub max_wait: Duration,
    #[n(2)]
    pub wrap_up: WrapUp,
    /// As [`QueueConfig::max_no_answer`].
    #[n(3)]
    pub max_no_answer: u32,
    /// As [`QueueConfig::device_retry`].
    #[cbor(n(4), with = "crate::micros")]
    pub device_retry: Duration,
}
