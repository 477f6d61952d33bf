//! What was dialled, who may be sending, and whether it is open.
//!
//! Owns the tables that the centre's numbers, number lists, trunks and calendars amount to: made anew when the
//! centre changes, asked for every call, changed by nothing in between but the addresses of host
//! names and the numbers of VIPs, which the directory keeps. It answers with names; what is done with a queue or a trunk of that name, and whether it
//! is reachable now, is left to the calls and the registrar.

pub mod calendar;
mod numbers;
mod patterns;
mod sources;
mod vips;

pub use numbers::{FromPhone, FromTrunk, Routes};
pub(crate) use vips::Vips;
