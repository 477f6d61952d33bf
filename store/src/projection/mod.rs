//! The read models: calls, legs, alerts and agents' times, folded from the journal's events.
//!
//! [`fold`] decides what a row says and knows no database; [`table`] puts rows into their tables and reads them back;
//! [`projector`] is the thread that brings one to the other. The journal stays the truth: all of this can be
//! folded anew from it, for as far as it is kept.

mod fold;
mod projector;
mod record;
pub(crate) mod table;
pub(crate) mod words;

#[cfg(test)]
pub(crate) use projector::FOLDED;
pub(crate) use projector::{Handover, Projector};
pub use record::{AlertRecord, CallRecord, LegRecord, SessionRecord, StateRecord};
