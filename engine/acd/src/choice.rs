//! What each decision leaves on record: who was chosen, by what, before whom, and how many others there were.
//!
//! It costs no search: the runner-up is the next in the index's order, who waits next is the first of the queue, and agents
//! are counted by what the index counts anyway. So those who have something to do are one number; who of them talks, rings or is
//! in wrap-up is found by [deciding once more](crate::why::Decision).

use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::config::Strategy;
use crate::ids::{AgentId, InteractionId};

/// Why an agent is alerted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Cause {
    /// The queue chose them by its strategy (rule 6), or they were the only one.
    #[n(0)]
    Chosen,
    /// It is held for them (rules 5 and 14).
    #[n(1)]
    Held,
    /// It rings for all who are free.
    #[n(2)]
    ForAll,
    /// They chose it (rule 13).
    #[n(3)]
    PickedUp,
}

/// One decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Choice {
    #[n(0)]
    pub cause: Cause,
    /// How the queue chooses among agents.
    #[n(1)]
    pub strategy: Strategy,
    /// Who was chosen.
    #[n(2)]
    pub chosen: Claim,
    /// Whom the strategy would have chosen without them; only where it chose.
    #[n(3)]
    pub runner_up: Option<Claim>,
    /// The best-ranked of the others in this queue whom they could have had instead; none where they chose themselves.
    #[n(4)]
    pub next: Option<InteractionId>,
    /// How many others wait in this queue, without those alerting.
    #[n(5)]
    pub waiting: u32,
    #[n(6)]
    pub team: Team,
}

/// What speaks for an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Claim {
    #[n(0)]
    pub agent: AgentId,
    /// What the strategy goes by: the number of their last turn in this queue, 0 for none (`round-robin`); accepted alerts
    /// (`fewest-calls`); parts per million (`least-occupied`); the assignment's `order` (`fixed-order`) or `level`
    /// (`skill-level`); how much later than the race began they come in (`weighted-random`). Else, and where no strategy chose, 0.
    #[n(1)]
    pub merit: u64,
    /// Since when they have had nothing to do: decides between those who are alike.
    #[cbor(n(2), with = "crate::micros")]
    pub idle_since: Duration,
}

/// The agents who serve a queue and will ever do for it, the chosen one included, each in one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Team {
    #[n(0)]
    pub offline: u32,
    #[n(1)]
    pub on_break: u32,
    /// Available, and with something to do or without a phone that can be rung.
    #[n(2)]
    pub busy: u32,
    /// Free, and will do only when it has waited longer: skills or delay.
    #[n(3)]
    pub too_early: u32,
    /// Free, and rejected it or did not answer it lately.
    #[n(4)]
    pub barred: u32,
    /// Free, and nothing of theirs speaks against it.
    #[n(5)]
    pub free: u32,
}
