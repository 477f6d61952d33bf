//! Who gets which interaction, and when: the rules of distribution as a pure machine.
//!
//! Owns queues, agents' states, what waits, and alerts until they end. Knows nothing of SIP, calls, numbers,
//! calendars or destinations: the engine says what happened ([`Input`]) and does what is asked ([`Output`]), and it alone
//! knows where a refused or diverted interaction goes. It has no clock, no thread and no randomness of its own, so
//! inputs in the journal give the same decisions again, on any machine.
//!
//! An interaction's life: `Enqueue`, then `Entered` (or `Refuse`, or `Divert`), then `Alert`s that end one by one with
//! `AlertFinished`, then `Connect` and `InteractionEnded`; or at any moment `Leave` from outside, or `Divert` from here.
//!
//! ```
//! use std::time::Duration;
//! use acd::{Acd, AcdConfig, Incarnation, Input};
//!
//! let mut acd = Acd::new(Incarnation { epoch: 1, node: 1, number: 1 });
//! let now = Duration::from_secs(1_793_606_400);
//! acd.handle_input(now, Input::ConfigChanged(Box::new(AcdConfig::default())));
//! while let Some(output) = acd.poll_output() {
//!     println!("{output:?}");
//! }
//! assert_eq!(acd.poll_timeout(), None); // else: call `handle_timeout` then
//! ```
//!
//! Where to read on: [`acd`](Acd) for the step, [`estimate`] for how long callers will wait, `index` for why a decision looks at nobody it need not, `agent` and
//! `alert` for the rules about people and phones, [`why`] for how decisions are explained.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod acd;
mod agent;
mod alert;
mod choice;
pub mod config;
mod deadline;
pub mod erlang;
pub mod estimate;
mod gate;
mod hash;
mod held;
mod ids;
mod index;
mod input;
mod interaction;
mod merits;
mod micros;
mod output;
mod pending;
mod phone;
mod preference;
mod race;
mod rank;
mod ranked_set;
mod sabotage;
mod state;
mod table;
mod view;
mod watch;
pub mod why;

pub use acd::{Acd, CheckpointError};
pub use agent::Owed;
pub use choice::{Cause, Choice, Claim, Team};
pub use config::AcdConfig;
pub use ids::{AgentId, Incarnation, InteractionId, MatchId, QueueId, SkillId};
pub use input::{
    AgentChange, AlertEnd, BreakReason, Device, Enqueue, EntryKind, Input, Presence, Sticky,
};
pub use output::{
    Activity, AgentState, AlertOutcome, Denial, DeviceHealth, DivertReason, Output, RefuseReason,
    WithdrawReason,
};
pub use rank::{Rank, Target, Tier};
pub use view::{AgentView, Counters, InteractionView, QueueView, Stage};
