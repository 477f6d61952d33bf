//! The timer values of RFC 3261 §17, Table 4, and the doubling that two machines share.

use core::time::Duration;

/// The base values all timers come from. None may be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// Estimate of the round trip: first interval of a retransmission. 500 ms.
    pub t1: Duration,
    /// Longest interval between retransmissions of anything but an INVITE. 4 s.
    pub t2: Duration,
    /// How long a message may wander in the network. 5 s.
    pub t4: Duration,
    /// How long an INVITE may go unanswered before we say 100 Trying by ourselves
    /// (RFC 3261 §17.2.1). 200 ms.
    pub trying: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            trying: Duration::from_millis(200),
        }
    }
}

impl Timers {
    /// 64*T1: the life of an unanswered request (timers B, F), of an unacknowledged answer (H)
    /// and of what absorbs retransmissions (D, J, L, M).
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.t1.saturating_mul(64)
    }
}

/// When to send again, and how long to wait then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resend {
    at: Duration,
    interval: Duration,
}

impl Resend {
    /// First retransmission after `interval`.
    pub(crate) fn after(now: Duration, interval: Duration) -> Self {
        Self {
            at: now.saturating_add(interval),
            interval,
        }
    }

    pub(crate) const fn at(&self) -> Duration {
        self.at
    }

    /// The one after this: twice the interval, at most `longest`.
    ///
    /// Counted from `now`, not from when it was due: a late wake-up must not send a burst.
    pub(crate) fn next(&self, now: Duration, longest: Duration) -> Self {
        Self::after(now, self.interval.saturating_mul(2).min(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_table_4() {
        let timers = Timers::default();
        assert_eq!(timers.t1, Duration::from_millis(500));
        assert_eq!(timers.t2, Duration::from_secs(4));
        assert_eq!(timers.t4, Duration::from_secs(5));
        assert_eq!(timers.timeout(), Duration::from_secs(32));
    }

    #[test]
    fn intervals_double_up_to_the_longest() {
        let longest = Duration::from_secs(4);
        let mut resend = Resend::after(Duration::ZERO, Duration::from_millis(500));
        let mut at = alloc::vec::Vec::new();
        for _ in 0..6 {
            at.push(resend.at().as_millis());
            resend = resend.next(resend.at(), longest);
        }
        assert_eq!(at, [500, 1500, 3500, 7500, 11500, 15500]);
    }
}
