//! What strategies go by that belongs to one agent (rule 6): their places in queues, and how much of their time goes to
//! interactions.

use alloc::collections::BTreeMap;
use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::ids::QueueId;
use crate::rank::Target;

/// Life: that of its agent; the daily reset begins the times anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Merits {
    /// In queues that keep one: their last turn by round robin, or when they come in by lot.
    #[n(0)]
    pub(crate) places: BTreeMap<QueueId, u64>,
    /// How often lots were drawn for them.
    #[n(1)]
    pub(crate) draws: u64,
    #[n(2)]
    worked: Worked,
    /// Their occupied share when they last became free.
    #[n(3)]
    share_ppm: u32,
}

impl Merits {
    pub(crate) const fn since(now: Duration) -> Self {
        Self {
            places: BTreeMap::new(),
            draws: 0,
            worked: Worked::since(now),
            share_ppm: 0,
        }
    }

    /// Their place where a strategy keeps one; 0: none yet.
    pub(crate) fn place_in(&self, target: Target) -> u64 {
        match target {
            Target::Queue(queue) => self.places.get(&queue).copied().unwrap_or(0),
            Target::Personal(_) => 0,
        }
    }

    /// The occupied share of their time, in parts per million, as last reckoned.
    pub(crate) const fn share_ppm(&self) -> u32 {
        self.share_ppm
    }

    pub(crate) fn reckon_share(&mut self) {
        self.share_ppm = self.worked.share_ppm();
    }

    /// Until `now` the agent was as said.
    pub(crate) fn pass(&mut self, now: Duration, logged_in: bool, occupied: bool) {
        self.worked.pass(now, logged_in, occupied);
    }

    pub(crate) const fn on_daily_reset(&mut self, now: Duration) {
        self.worked = Worked::since(now);
        self.share_ppm = 0;
    }
}

/// Time since the daily reset, up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
struct Worked {
    /// Logged in, on break or not.
    #[cbor(n(0), with = "crate::micros")]
    logged_in: Duration,
    /// Of that, talking or in wrap-up.
    #[cbor(n(1), with = "crate::micros")]
    occupied: Duration,
    /// Reckoned up to here; zero: not begun.
    #[cbor(n(2), with = "crate::micros")]
    as_of: Duration,
}

impl Worked {
    /// From `now` on, anew.
    const fn since(now: Duration) -> Self {
        Self {
            logged_in: Duration::ZERO,
            occupied: Duration::ZERO,
            as_of: now,
        }
    }

    /// Until `now` the agent was as said.
    fn pass(&mut self, now: Duration, logged_in: bool, occupied: bool) {
        let begun = !self.as_of.is_zero();
        let span = now.saturating_sub(self.as_of);
        self.as_of = now;
        if begun && logged_in {
            self.logged_in = self.logged_in.saturating_add(span);
        }
        if begun && logged_in && occupied {
            self.occupied = self.occupied.saturating_add(span);
        }
    }

    /// The occupied share of the logged-in time, in parts per million.
    fn share_ppm(&self) -> u32 {
        let parts = self.occupied.as_micros().saturating_mul(1_000_000);
        let share = parts.checked_div(self.logged_in.as_micros()).unwrap_or(0);
        u32::try_from(share).unwrap_or(u32::MAX)
    }
}
