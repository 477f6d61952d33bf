//! One queue's figures.

use config::ServiceLevel;
use imbl::OrdSet;
use minicbor::{Decode, Encode};

use super::agent::Handled;
use super::cbor;
use super::pace::Pace;
use super::tally::{Counts, Outcome};
use super::visit::Waiting;
use crate::ids::CallId;

/// What a queue promises its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Promise {
    /// Within how many microseconds a call shall be answered; that moment is within.
    #[n(0)]
    pub within_us: i64,
    /// Who gives up within so many microseconds is a short abandon; 0: nobody is.
    #[n(1)]
    pub short_us: i64,
}

impl Promise {
    pub(crate) fn of_level(level: &ServiceLevel) -> Self {
        Self::of_seconds(level.seconds.0, level.short_abandon.0)
    }

    pub(super) fn of_seconds(within: u32, short: u32) -> Self {
        Self {
            within_us: i64::from(within) * 1_000_000,
            short_us: i64::from(short) * 1_000_000,
        }
    }

    pub(super) const fn is_within(self, waited_us: i64) -> bool {
        waited_us <= self.within_us
    }

    pub(super) const fn is_short(self, waited_us: i64) -> bool {
        self.short_us > 0 && waited_us <= self.short_us
    }
}

/// That of a queue without a service level.
impl Default for Promise {
    fn default() -> Self {
        Self::of_level(&ServiceLevel::default())
    }
}

/// The live figures of one queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct QueueFigures {
    /// What it promises.
    #[n(0)]
    pub promise: Promise,
    /// What was counted.
    #[n(1)]
    pub counts: Counts,
    /// Those waiting, by entry.
    #[cbor(n(2), with = "cbor::set")]
    waiting: OrdSet<(i64, CallId)>,
    /// What it has learned of waiting.
    #[n(3)]
    pace: Pace,
    /// The queue is removed, and its figures go with the last who was in it: a phone may still ring for them.
    #[cbor(n(4), default)]
    pub(super) is_removed: bool,
    /// Recalls waiting, by entry.
    #[cbor(n(5), with = "cbor::set", default)]
    pub(super) recalled: OrdSet<(i64, CallId)>,
}

impl QueueFigures {
    /// The wait to tell a caller with so many before them, in seconds: four in five are answered within. `agents_milli` are the
    /// agents who work for the queue, in thousandths. None when nobody does.
    pub fn estimate(&self, ahead: u32, agents_milli: u32) -> Option<u32> {
        self.pace.estimate(ahead, agents_milli)
    }

    /// How many wait, those whose call rings at an agent included.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many recalls wait; they are not in `waiting`.
    pub fn recalls_waiting(&self) -> usize {
        self.recalled.len()
    }

    /// How long the one who came first has waited, microseconds.
    pub fn oldest_wait_us(&self, now_us: i64) -> Option<i64> {
        let (entered_us, _) = self.waiting.get_min()?;
        Some((now_us - entered_us).max(0))
    }

    /// How many wait for whom the promise is broken already. Looks at these only.
    pub fn breached(&self, now_us: i64) -> usize {
        let waiting = self.waiting.iter();
        waiting
            .take_while(|(entered_us, _)| !self.promise.is_within(now_us - entered_us))
            .count()
    }

    pub(super) fn enter(&mut self, at: i64, call: CallId) {
        self.waiting.insert((at, call));
        self.counts.today.offered += 1;
    }

    /// Gives whether what the caller was told of their wait was right, where that can be told.
    pub(super) fn leave(
        &mut self,
        at: i64,
        call: CallId,
        waited: &Waiting,
        outcome: Outcome,
    ) -> Option<bool> {
        self.waiting.remove(&(waited.entered_us, call));
        let waited_us = (at - waited.entered_us).max(0);
        self.counts.ended(at, waited_us, outcome, self.promise);
        self.pace.waited(waited_us, outcome == Outcome::Abandoned);
        let right = waited_us <= i64::from(waited.told_seconds?) * 1_000_000;
        // Who left in time without an answer tells nothing of it.
        if right && !matches!(outcome, Outcome::Answered { .. }) {
            return None;
        }
        self.pace.was_right(right);
        self.counts.today.told(right);
        Some(right)
    }

    pub(super) fn handled(&mut self, handled: Handled) {
        self.counts.today.handled(handled);
        let Handled {
            rung_us,
            talked_us,
            held_us,
            wrap_up_us,
            ..
        } = handled;
        self.pace
            .call_took(rung_us + talked_us + held_us + wrap_up_us);
    }

    pub(super) fn begin_day(&mut self) {
        self.counts.begin_day(self.waiting.len());
    }
}
