//! How much of an agent's time goes to interactions.

use core::time::Duration;

use minicbor::{Decode, Encode};

/// Time since the daily reset, up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Worked {
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
    pub(crate) const fn since(now: Duration) -> Self {
        Self {
            logged_in: Duration::ZERO,
            occupied: Duration::ZERO,
            as_of: now,
        }
    }

    /// Until `now` the agent was as said.
    pub(crate) fn pass(&mut self, now: Duration, logged_in: bool, occupied: bool) {
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
    pub(crate) fn share_ppm(&self) -> u32 {
        let parts = self.occupied.as_micros().saturating_mul(1_000_000);
        let share = parts.checked_div(self.logged_in.as_micros()).unwrap_or(0);
        u32::try_from(share).unwrap_or(u32::MAX)
    }
}
