//! The daemon's clock: UTC at the start, and what has passed since.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine::Now;

/// Tells the time that never goes back, not over a restart either. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    anchor: Duration,
}

impl Clock {
    /// A clock that begins at UTC, or just after `last` where the journal is ahead of that.
    pub(crate) fn starting_after(last: Duration) -> Self {
        let anchor = utc().max(last + Duration::from_micros(1));
        Self {
            started: Instant::now(),
            anchor,
        }
    }

    /// Now, on the clock that never goes back.
    pub(crate) fn mono(&self) -> Duration {
        self.anchor + self.started.elapsed()
    }

    /// The moment of a turn.
    pub(crate) fn now(&self) -> Now {
        Now {
            mono: self.mono(),
            utc_us: utc_us(),
        }
    }

    /// The same moment as the operating system's waits take it.
    pub(crate) fn instant(&self, mono: Duration) -> Instant {
        self.started + mono.saturating_sub(self.anchor)
    }
}

/// UTC in microseconds since the Unix epoch, as the machine's clock says it.
pub(crate) fn utc_us() -> i64 {
    i64::try_from(utc().as_micros()).unwrap_or(i64::MAX)
}

fn utc() -> Duration {
    // A clock that stands before 1970 is not set at all.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_near_utc_or_after_the_journal() {
        let clock = Clock::starting_after(Duration::ZERO);
        assert!(clock.mono().abs_diff(utc()) < Duration::from_secs(1));
        let ahead = utc() + Duration::from_secs(3_600);
        let clock = Clock::starting_after(ahead);
        let first = clock.mono();
        assert!(first > ahead && clock.mono() >= first);
        assert_eq!(clock.instant(clock.anchor), clock.started);
    }
}
