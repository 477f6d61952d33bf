//! The rules of distribution, each told as small stories. Tests carry the number of their rule or invariant.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod agents;
mod alerts;
mod centre;
mod choosing;
mod entering;
mod fitting;
mod journal;
mod leaving;
mod order;
mod picking;
mod recalls;
mod reserving;
mod ring_all;
mod sticky;
mod why;
