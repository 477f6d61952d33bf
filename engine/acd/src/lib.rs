//! Who gets which interaction, and when: the rules of distribution as a pure machine.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod acd;
mod agent;
mod alert;
pub mod config;
mod deadline;
mod hash;
mod ids;
mod index;
mod input;
mod interaction;
mod micros;
mod output;
mod phone;
mod rank;
mod ranked_set;
mod sabotage;
mod state;
mod view;

pub use acd::{Acd, CheckpointError};
pub use config::AcdConfig;
pub use ids::{AgentId, Incarnation, InteractionId, MatchId, QueueId};
pub use input::{AgentChange, AlertEnd, BreakReason, Device, Enqueue, EntryKind, Input, Presence};
pub use output::{
    Activity, AgentState, AlertOutcome, DeviceHealth, DivertReason, Output, RefuseReason,
    WithdrawReason,
};
pub use rank::{Rank, Target, Tier};
pub use view::{AgentView, Counters, InteractionView, QueueView, Stage};
