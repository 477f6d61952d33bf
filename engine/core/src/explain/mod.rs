//! Why a call waits and why an agent gets nothing: the distribution core's answers, with names instead of numbers.
//!
//! Asked for by commands that change nothing and are not journalled. Times are UTC microseconds. How it is told in words is
//! for whoever asks.

mod chosen;
mod naming;
mod recount;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use acd::InteractionId;
pub use acd::why::{LISTED_MAX, Reason};

use crate::command::{Done, Refusal};
use crate::engine::Engine;
use crate::ids::CallId;
use naming::Namer;
pub use recount::{Candidate, Competitor, Decision, Recount, RecountError};

/// What keeps an agent from a call: the first clause of rule 7 that does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hindrance {
    /// Which clause.
    pub reason: Reason,
    /// When it is over by itself.
    pub until_us: Option<i64>,
    /// Why they are on break.
    pub aux_code: Option<String>,
    /// The call they have or are alerted for, or whose wrap-up code they owe.
    pub call: Option<CallId>,
    /// Whom the call is held for.
    pub agent: Option<String>,
    /// The skill they lack.
    pub lack: Option<Lack>,
    /// So many agents may be busy with calls of the queue.
    pub max_busy: Option<u32>,
}

/// A skill that an agent lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Its name.
    pub skill: String,
    /// At least this level is asked for by now.
    pub needs: u32,
    /// The agent's level; 0: none.
    pub has: u32,
}

/// Why a call waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyWaiting {
    /// Its place in its queue, those alerting counted: 1 is next.
    pub position: u32,
    /// Those before it, best rank first; [`LISTED_MAX`] at most.
    pub before: Vec<CallId>,
    /// How many agents are assigned to its queue, or one for a user.
    pub assigned: u32,
    /// How many of them each reason keeps from it, by reason.
    pub counts: Vec<(Reason, u32)>,
    /// The same one by one, by user name; [`LISTED_MAX`] at most.
    pub agents: Vec<(String, Hindrance)>,
    /// When something happens by itself, soonest first; [`LISTED_MAX`] at most.
    pub moments: Vec<(i64, Moment)>,
}

/// What happens by itself to a call that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// Other agents may have it: skills are relaxed, or a delay is over.
    OldEnough,
    /// It is held for one agent no longer.
    ReservationEnds,
    /// This agent may be alerted for it again.
    RetryOf(String),
    /// This agent's wrap-up ends.
    WrapUpOf(String),
    /// This agent's phone is tried again.
    PhoneOf(String),
    /// The queue's service-level action is due.
    ServiceLevel,
    /// Nobody will have been there for it for too long.
    Nobody,
    /// Its queue's `max_wait` is over.
    MaxWait,
}

/// Why an agent gets nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyNothing {
    /// What keeps them from whatever waits; none: they are free.
    pub hindrance: Option<Hindrance>,
    /// Since when presence and activity are as they are.
    pub since_us: i64,
    /// The queues assigned to them, and last what waits for them alone.
    pub queues: Vec<QueueForAgent>,
}

/// What one queue has for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueForAgent {
    /// Its name; none: direct calls to them.
    pub queue: Option<String>,
    /// How many wait there, without those alerting.
    pub waiting: u32,
    /// What keeps the agent from the first [`LISTED_MAX`] of those, by reason.
    pub kept: Vec<Kept>,
    /// While they are free: how many others who are free it would choose before them.
    pub preferred: Option<u32>,
}

/// Some calls that an agent does not get for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The best-ranked of them.
    pub first: CallId,
    /// What keeps the agent from that one.
    pub by: Hindrance,
    /// How many there are.
    pub count: u32,
}

impl Engine {
    /// Why this call waits.
    ///
    /// # Errors
    ///
    /// When there is no such call.
    pub(crate) fn explain_waiting(&self, call: CallId) -> Result<Done, Refusal> {
        if !self.calls.contains_key(&call) {
            return Err(Refusal::NotFound {
                what: "call",
                name: format!("{call}"),
            });
        }
        let explained = self
            .acd
            .explain_waiting(self.now.mono, InteractionId(call.0));
        let namer = Namer::new(&self.names, Some(&self.snapshot.centre));
        let named = explained.map(|why| Box::new(namer.waiting(&why)));
        Ok(Done::Waiting(named))
    }

    /// Why this user gets nothing.
    ///
    /// # Errors
    ///
    /// When they are no agent.
    pub(crate) fn explain_agent(&self, username: &str) -> Result<Done, Refusal> {
        let agent = self.agent_id(username)?;
        let explained = self.acd.explain_agent(self.now.mono, agent);
        let state = self.acd.agent(agent).map(|view| view.state);
        let (Some(why), Some(state)) = (explained, state) else {
            return Err(Refusal::NotFound {
                what: "agent",
                name: username.into(),
            });
        };
        let namer = Namer::new(&self.names, Some(&self.snapshot.centre));
        Ok(Done::Nothing(Box::new(namer.nothing(&why, state.since))))
    }
}
