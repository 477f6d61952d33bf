//! What a queue has learned of how long its callers wait, and the estimate that it makes of that.
//!
//! Learned are the time a call takes an agent, with a guess at first so that a new queue has an estimate; how many give
//! up in the time that callers wait; and by how much its estimates were off. The last corrects for all that the formula
//! does not know, agents' real shares of their queues among them: each caller who was answered in the time they were told
//! makes the estimates a little shorter, each who was not a little longer, so that in the end four in five are.

use acd::estimate::{Patience, Situation, told_seconds};
use minicbor::{Decode, Encode};

/// What a call is thought to take before any has been handled, microseconds, and for how many calls the guess counts.
const GUESS_US: i64 = 180_000_000;
const GUESS_WEIGHT: i64 = 4;
/// Calls before the last so many hardly count.
const CALLS_MAX: i64 = 60;
/// Of so many stays; then those before count half.
const STAYS_MAX: u64 = 512;

/// The correction that changes nothing, and how far it may go.
const NEUTRAL: u32 = 1_024;
const CORRECTION: core::ops::RangeInclusive<u32> = 256..=4_096;
/// A miss makes estimates longer by a 40th; four hits make up for it.
const STEP_OF_MISS: u32 = 40;
const STEP_OF_HIT: u32 = 160;

/// What was learned. It outlasts the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) struct Pace {
    /// The average time that a call takes an agent, the later ones counting more, microseconds.
    #[n(0)]
    call_us: i64,
    /// Calls in it.
    #[n(1)]
    calls: i64,
    #[n(2)]
    given_up: u64,
    #[n(3)]
    waited_us: u64,
    #[n(4)]
    stays: u64,
    /// In 1,024ths.
    #[n(5)]
    correction: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            call_us: GUESS_US,
            calls: 0,
            given_up: 0,
            waited_us: 0,
            stays: 0,
            correction: NEUTRAL,
        }
    }
}

impl Pace {
    /// The wait to tell a caller with so many before them, in seconds. None when nobody works for the queue.
    pub(super) fn estimate(&self, ahead: u32, agents_milli: u32) -> Option<u32> {
        let situation = Situation {
            ahead,
            agents_milli,
            call_us: u64::try_from(self.call_us).unwrap_or(0).max(1),
            patience: Patience {
                given_up: self.given_up,
                waited_us: self.waited_us,
            },
        };
        let wait = u128::from(situation.wait_us()?);
        let corrected = wait * u128::from(self.correction) / u128::from(NEUTRAL);
        Some(told_seconds(u64::try_from(corrected).unwrap_or(u64::MAX)))
    }

    /// A call has taken an agent so long.
    pub(super) fn call_took(&mut self, call_us: i64) {
        self.calls = (self.calls + 1).min(CALLS_MAX);
        self.call_us += (call_us - self.call_us) / (self.calls + GUESS_WEIGHT);
    }

    /// A stay is over.
    pub(super) fn waited(&mut self, waited_us: i64, gave_up: bool) {
        if self.stays >= STAYS_MAX {
            self.stays /= 2;
            self.given_up /= 2;
            self.waited_us /= 2;
        }
        self.stays += 1;
        self.given_up += u64::from(gave_up);
        self.waited_us += u64::try_from(waited_us).unwrap_or(0);
    }

    /// A caller was answered in the time they were told, or has waited longer.
    pub(super) fn was_right(&mut self, right: bool) {
        let corrected = match right {
            true => self.correction - (self.correction / STEP_OF_HIT).max(1),
            false => self.correction + self.correction / STEP_OF_MISS,
        };
        self.correction = corrected.clamp(*CORRECTION.start(), *CORRECTION.end());
    }
}

#[cfg(test)]
mod tests;
