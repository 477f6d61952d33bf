//! When a worker sleeps and for how long.
//!
//! Being woken costs some ten times as much as passing a packet on, so a busy worker looks at its sockets by the clock
//! instead of being woken for each packet: every 2 ms while people talk, every 20 ms while everybody only listens to
//! music. A worker with little to do is woken at once, and an idle one not at all.

use std::time::Duration;

/// While people talk: adds 1 ms on average and 2 ms at most to a packet's way.
const TALK_TICK: Duration = Duration::from_millis(2);

/// While everybody listens: what callers say in the queue is heard by nobody.
const MUSIC_TICK: Duration = Duration::from_millis(20);

/// The rate is looked at so often.
const WINDOW: Duration = Duration::from_millis(100);

/// From this many packets in a window on (2,000 a second) ticks are cheaper than being woken.
const BUSY_FROM: u64 = 200;

/// Below this many in a window, being woken is cheaper again.
const BUSY_TO: u64 = 140;

/// The same for a worker without bridges, where a tick costs next to nothing as the beat of the music comes anyway.
const BUSY_FROM_UNBRIDGED: u64 = 10;

/// How to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Until a packet comes.
    ForPackets,
    /// Until this time, whatever packets come.
    Until(Duration),
}

/// Knows the rate of packets.
#[derive(Debug)]
pub(crate) struct Pace {
    window_began: Duration,
    packets_before: u64,
    rate: u64,
    ticking: bool,
}

impl Pace {
    pub(crate) fn new(now: Duration) -> Self {
        Self {
            window_began: now,
            packets_before: 0,
            rate: 0,
            ticking: false,
        }
    }

    /// Decides by the packets received so far and by whether any legs are bridged. Deadlines and commands end either
    /// wait sooner; that is the caller's.
    pub(crate) fn decide(&mut self, now: Duration, packets: u64, bridged: bool) -> Wait {
        let age = now.saturating_sub(self.window_began);
        if age >= WINDOW {
            let in_windows = (packets - self.packets_before) as u128;
            self.rate = (in_windows * WINDOW.as_nanos() / age.as_nanos()) as u64;
            (self.window_began, self.packets_before) = (now, packets);
        }
        let (tick, from, to) = match bridged {
            true => (TALK_TICK, BUSY_FROM, BUSY_TO),
            false => (MUSIC_TICK, BUSY_FROM_UNBRIDGED, BUSY_FROM_UNBRIDGED / 2),
        };
        self.ticking = self.rate >= if self.ticking { to } else { from };
        if self.ticking {
            Wait::Until(next_multiple(now, tick))
        } else {
            Wait::ForPackets
        }
    }
}

/// The next point of a grid, so that the time spent at work does not stretch the tick.
fn next_multiple(now: Duration, tick: Duration) -> Duration {
    let (now, tick) = (now.as_nanos(), tick.as_nanos());
    // Nanoseconds since 1970 fit in 64 bits until the year 2554.
    Duration::from_nanos(((now / tick + 1) * tick) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_800_000_000);

    /// Feeds so many packets a second for a second and says how the worker waits then.
    fn settle(
        pace: &mut Pace,
        began: Duration,
        packets: &mut u64,
        rate: u64,
        bridged: bool,
    ) -> Wait {
        let mut wait = Wait::ForPackets;
        for ms in 1..=1000 {
            *packets += rate * ms / 1000 - rate * (ms - 1) / 1000;
            wait = pace.decide(began + Duration::from_millis(ms), *packets, bridged);
        }
        wait
    }

    #[test]
    fn ticks_when_busy_and_sleeps_when_not() {
        let (mut pace, mut packets) = (Pace::new(START), 0);
        let tick = |second: u64, ms| Wait::Until(START + Duration::from_millis(1000 * second + ms));
        let table = [
            ("idle", 0, true, Wait::ForPackets),
            ("a few calls", 1_000, true, Wait::ForPackets),
            ("many calls", 20_000, true, tick(3, 2)),
            ("fewer: hysteresis", 1_500, true, tick(4, 2)),
            ("few again", 1_000, true, Wait::ForPackets),
            ("a queue with music", 1_000, false, tick(6, 20)),
            ("nobody", 0, false, Wait::ForPackets),
        ];
        for (second, (name, rate, bridged, expected)) in (0..).zip(table) {
            let began = START + Duration::from_secs(second);
            assert_eq!(
                settle(&mut pace, began, &mut packets, rate, bridged),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn ticks_stand_on_a_grid() {
        let at = |us| START + Duration::from_micros(us);
        for (now, next) in [
            (0, 2_000),
            (1, 2_000),
            (1_999, 2_000),
            (2_000, 4_000),
            (7_300, 8_000),
        ] {
            assert_eq!(next_multiple(at(now), TALK_TICK), at(next), "{now}");
        }
    }
}
