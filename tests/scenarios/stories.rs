//! What callers, attendants and supervisors can rely on, as stories: read these first.
//!
//! Each is played with the real engine, in time that is ours to move, with phones that print and parse with another
//! codec. The rules and invariants in the names are those of the distribution core (`rule_5`, `i8`), the other letters those of
//! the list of features.
#![cfg(test)]
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::type_complexity,
    reason = "a story looks at the events that concern it"
)]

mod alerts;
mod announcing;
mod breaks;
mod calls;
mod centre;
mod choosing;
mod codes;
mod dialling;
mod direct;
mod early;
mod emergency;
mod figures;
mod gateway;
mod gone;
mod leaving;
mod opening;
mod order;
mod parking;
mod picking;
mod prompts;
mod queue;
mod recall;
mod records;
mod referring;
mod registrar;
mod restart;
mod sessions;
mod told;
mod trunks;
mod why;
mod wrap_up;
