//! What callers, attendants and supervisors can rely on, as stories: read these first.
//!
//! Each is played with the real engine, in time that is ours to move, with phones that print and parse with another
//! codec. The numbers in the names are those of `distribution.md` (rules) and of the features.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod queue;
