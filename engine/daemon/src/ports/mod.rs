//! What the API asks for, given by the engine's thread, the view, the store and the one writer.

mod accounts;
mod bans;
mod chronicle;
mod commands;
mod directory;
mod events;
mod history;
mod readiness;
mod traces;
mod writer;

pub(crate) use accounts::AccountsPort;
pub(crate) use bans::BansPort;
pub(crate) use chronicle::ChroniclePort;
pub(crate) use commands::Commands;
pub(crate) use directory::DirectoryPort;
pub(crate) use events::EventsPort;
pub(crate) use history::{BEHIND_MAX, HistoryPort};
pub(crate) use readiness::Health;
pub(crate) use traces::TracesPort;
