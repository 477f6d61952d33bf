//! Why an agent was alerted, as it is kept with the alert: the distribution core's record, with names instead of numbers.

use alloc::string::String;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::CallId;

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Choice {
    /// Why this agent.
    #[n(0)]
    pub cause: Cause,
    /// How the queue chooses among agents.
    #[n(1)]
    pub strategy: Strategy,
    /// What spoke for the one who was chosen.
    #[n(2)]
    pub chosen: Claim,
    /// Whom the strategy would have chosen without them.
    #[n(3)]
    pub runner_up: Option<Claim>,
    /// The best-ranked of the other calls in this queue that they could have had instead.
    #[n(4)]
    pub next: Option<CallId>,
    /// How many others waited in this queue.
    #[n(5)]
    pub waiting: u32,
    /// The queue's agents, counted.
    #[n(6)]
    pub team: Team,
}

/// Why this agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// By the queue's strategy.
    #[n(0)]
    Chosen,
    /// It was held for them.
    #[n(1)]
    Held,
    /// It rang for all who were free.
    #[n(2)]
    ForAll,
    /// They picked it up.
    #[n(3)]
    PickedUp,
}

/// How a queue chooses (rule 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Who has been idle longest.
    #[n(0)]
    LongestIdle,
    /// Whose last turn is longest ago.
    #[n(1)]
    RoundRobin,
    /// Who has taken the fewest calls today.
    #[n(2)]
    FewestCalls,
    /// Who has been occupied the smallest share of their time.
    #[n(3)]
    LeastOccupied,
    /// By the `order` of assignments.
    #[n(4)]
    FixedOrder,
    /// By the `level` of assignments.
    #[n(5)]
    SkillLevel,
    /// By lot.
    #[n(6)]
    WeightedRandom,
    /// All at once.
    #[n(7)]
    RingAll,
}

/// What spoke for an agent.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Claim {
    /// Their user name.
    #[n(0)]
    pub agent: String,
    /// What the strategy went by: the number of their last turn, 0 for none; calls taken; parts per million; `order`; `level`; the
    /// lot drawn. Else 0.
    #[n(1)]
    pub merit: u64,
    /// Since when they had nothing to do, UTC microseconds.
    #[n(2)]
    pub idle_since_us: i64,
}

/// The agents who serve a queue and will ever do for it, the chosen one included, each in one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Team {
    /// Not at work.
    #[n(0)]
    pub offline: u32,
    /// On break.
    #[n(1)]
    pub on_break: u32,
    /// Available, and with something to do or without a phone that can be rung.
    #[n(2)]
    pub busy: u32,
    /// Free, and will do only when the call has waited longer.
    #[n(3)]
    pub too_early: u32,
    /// Free, and rejected it or did not answer it lately.
    #[n(4)]
    pub barred: u32,
    /// Free, and could have had it.
    #[n(5)]
    pub free: u32,
}
