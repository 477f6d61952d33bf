//! What readers see of the acd's state. Copies and borrows; nothing here changes anything.

use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::ids::{AgentId, InteractionId, MatchId};
use crate::output::AgentState;
use crate::rank::{Rank, Target, Tier};

/// One interaction that the acd knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InteractionView {
    pub interaction: InteractionId,
    pub at: Target,
    pub tier: Tier,
    /// The caller's own points.
    pub priority: i32,
    /// When the caller first entered a queue of this visit.
    pub arrival: Duration,
    /// When it entered the queue it is in.
    pub entered: Duration,
    pub rank: Rank,
    pub stage: Stage,
}

/// Where an interaction is: in exactly one of these (I1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Stage {
    #[n(0)]
    Waiting,
    #[n(1)]
    Alerting {
        #[n(0)]
        match_id: MatchId,
        #[n(1)]
        agent: AgentId,
    },
    #[n(2)]
    Connected {
        #[n(0)]
        match_id: MatchId,
        #[n(1)]
        agent: AgentId,
    },
}

/// One queue, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueView {
    pub open: bool,
    /// Waiting, without those alerting.
    pub waiting: u32,
    pub alerting: u32,
    /// Agents of this queue who are logged in, on break or not.
    pub logged_in: u32,
    /// Agents of this queue who are available, busy or not.
    pub available: u32,
    /// Agents of this queue who could be alerted now.
    pub free: u32,
    /// Those available in thousandths, each by the share of their queues that this one is: 500 for one with two.
    pub agents_milli: u32,
}

/// One agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentView<'a> {
    pub agent: AgentId,
    pub state: &'a AgentState,
    pub counters: Counters,
    /// Since when they have had nothing to do, as rule 6 counts it.
    pub idle_since: Duration,
    /// Whether they could be alerted now.
    pub free: bool,
    /// What they have: the one they got last is the last.
    pub interactions: &'a [InteractionId],
}

/// How an agent's alerts of today went. `alerts` is the sum of the others, and one more while alerting (rule 10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Counters {
    #[n(0)]
    pub alerts: u32,
    #[n(1)]
    pub accepted: u32,
    #[n(2)]
    pub rejected: u32,
    #[n(3)]
    pub timed_out: u32,
    #[n(4)]
    pub withdrawn: u32,
    #[n(5)]
    pub failed: u32,
}

impl Counters {
    pub(crate) const fn new() -> Self {
        Self {
            alerts: 0,
            accepted: 0,
            rejected: 0,
            timed_out: 0,
            withdrawn: 0,
            failed: 0,
        }
    }
}
