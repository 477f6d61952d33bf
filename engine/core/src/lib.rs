//! The engine: calls, legs, routing and registrar, on `sip`, `media` and `acd`.
//!
//! Pure: no clock, no thread, no socket, no randomness of its own. The daemon owns one [`Engine`] on one
//! thread, hands it what happened ([`Input`]) and does what it asks for ([`Output`]).
//! What readers see is a fold of its events ([`view::View`]); what survives a crash is a fold of its
//! journal ([`journal`]).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod agents;
pub mod board;
mod call;
mod centre;
pub mod command;
mod day;
mod dialling;
mod engine;
pub mod event;
pub mod explain;
mod figures;
pub mod ids;
mod index;
mod input;
pub mod journal;
mod names;
mod opening;
mod output;
mod override_queue;
pub mod paper;
mod picking;
mod random;
mod register;
mod registrar;
mod restore;
pub mod routing;
mod sabotage;
mod served;
mod setup;
mod spoken;
mod timers;
mod trunk_figures;
pub mod view;
mod wrap_up;

pub use command::{Actor, Command, CommandBody, Done, Refusal, Reply};
pub use engine::{Engine, PORT_STOCK_LEVEL};
pub use event::Event;
pub use figures::Figures;
pub use ids::{CallId, CommandId, LegId};
pub use input::{Input, Pressure};
pub use output::{Offence, Output};
pub use restore::{Durable, OpenCall, Restore, RestoreError};
pub use setup::{Listen, Seeds, Setup};
pub use trunk_figures::{BUCKETS_MS, Times, TrunkFigures};

/// Version of the rules that turn inputs into decisions; stands in every journal row.
///
/// Raised whenever the same inputs could give other decisions than before, so that a replay knows
/// with which rules an old journal was written.
pub const RULES_VERSION: u32 = 3;

/// The moment of a turn: read once by the daemon, the same for all that happens in the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Time that never goes back, since the Unix epoch: UTC at the daemon's start plus what has passed since.
    pub mono: core::time::Duration,
    /// UTC as the machine's clock says it, in microseconds since the Unix epoch; may jump when the clock is set.
    pub utc_us: i64,
}

impl Now {
    /// The monotonic time in microseconds, as journals write it.
    pub fn mono_us(self) -> u64 {
        u64::try_from(self.mono.as_micros()).unwrap_or(u64::MAX)
    }
}
