//! A day played again from its journal.
//!
//! [`Verifier`] gives the journalled inputs to the distribution core once more and holds what it decides, and every state on
//! record, against what the journal says (invariants I7 and I8). [`Study`] plays the same day against another centre: who
//! came, how long they were patient and talked, and what agents did of themselves stays as it was ([`Day`]); what only the
//! other centre would have shown is drawn from what was measured ([`Model`]). An unchanged centre gives the day itself.
//!
//! It reads nothing by itself: entries are handed in, in order. It knows no clock and no chance: draws follow from a seed and
//! from what they are for.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "who replays looks at the events, inputs and decisions that concern it"
)]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod curve;
mod day;
mod draw;
mod hours;
mod model;
mod outcome;
mod sabotage;
mod simulate;
mod study;
mod verify;

pub use curve::Curve;
pub use day::{Day, DayReader, Unfit};
pub use model::Model;
pub use outcome::Ending;
pub use study::{About, Changed, Fate, Figure, Report, Row, Run, Study};
pub use verify::{Difference, Missing, Verified, Verifier};
