//! Erlang's formulas for a queue whose callers never give up: how many of them have to wait, and for how long.
//!
//! Load `a` is the calls that arrive in the time that one takes, in erlangs; here in thousandths. Shares are in millionths. The
//! recurrence B(n) = a B(n-1) / (n + a B(n-1)) never leaves the range of 0 to 1, so that no number of agents overflows.

/// One, in the fixed-point numbers of the recurrence.
const ONE: u128 = 1_000_000_000_000;

/// The share of callers that would be turned away if nobody could wait (Erlang B), in millionths.
#[must_use]
pub fn blocked(load_milli: u32, agents: u32) -> u32 {
    millionths(blocking(load_milli, agents))
}

/// The share of callers that have to wait (Erlang C), in millionths; none where the load is more than the agents can take.
#[must_use]
pub fn waiting(load_milli: u32, agents: u32) -> Option<u32> {
    let blocking = blocking(load_milli, agents);
    let idle = idle_milli(load_milli, agents)?;
    // C = N B / (N - a + a B), all but B in thousandths.
    let lacking = u128::from(idle) * ONE + u128::from(load_milli) * blocking;
    Some(millionths(
        u128::from(agents) * 1_000 * blocking * ONE / lacking,
    ))
}

/// The average wait of all callers in microseconds, for calls that take this long; none where it grows without end.
#[must_use]
pub fn answer_us(load_milli: u32, agents: u32, call_us: u64) -> Option<u64> {
    let waiting = u128::from(waiting(load_milli, agents)?);
    let idle = u128::from(idle_milli(load_milli, agents)?);
    u64::try_from(waiting * u128::from(call_us) / (idle * 1_000)).ok()
}

fn idle_milli(load_milli: u32, agents: u32) -> Option<u64> {
    let idle = (u64::from(agents) * 1_000).checked_sub(load_milli.into())?;
    (idle > 0).then_some(idle)
}

fn blocking(load_milli: u32, agents: u32) -> u128 {
    (1..=agents).fold(ONE, |before, n| {
        let offered = u128::from(load_milli) * before / 1_000;
        offered * ONE / (u128::from(n) * ONE + offered)
    })
}

fn millionths(share: u128) -> u32 {
    u32::try_from((share + 500_000) / 1_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_erlangs_for_ten_agents() {
        // metrics.md §4.6: 0.409.
        assert_eq!(waiting(8_000, 10), Some(409_180));
        assert_eq!(blocked(8_000, 10), 121_661);
        // 0.409180 × 180 s / (10 - 8)
        assert_eq!(answer_us(8_000, 10, 180_000_000), Some(36_826_200));
    }

    #[test]
    fn what_can_be_worked_out_by_hand() {
        // One agent: B = a / (1 + a), C = a.
        assert_eq!((blocked(500, 1), waiting(500, 1)), (333_333, Some(500_000)));
        // Two: B = a² / (a² + 2a + 2), C = 2 B / (2 - a (1 - B)).
        assert_eq!(
            (blocked(1_000, 2), waiting(1_000, 2)),
            (200_000, Some(333_333))
        );
        assert_eq!((blocked(0, 3), waiting(0, 3)), (0, Some(0)));
        assert_eq!(blocked(5_000, 0), 1_000_000, "nobody is there");
    }

    #[test]
    fn more_load_than_agents_waits_without_end() {
        for (load, agents) in [(1_000, 1), (10_001, 10), (1, 0)] {
            assert_eq!(
                (waiting(load, agents), answer_us(load, agents, 1)),
                (None, None)
            );
        }
    }

    #[test]
    fn thousands_of_agents_are_no_trouble() {
        let shares: [u32; 3] =
            [9_000_000, 9_900_000, 9_999_000].map(|load| waiting(load, 10_000).unwrap());
        assert!(
            shares[0] < 10 && shares[0] < shares[1] && shares[1] < shares[2],
            "{shares:?}"
        );
        assert!(shares[2] > 980_000 && shares[2] < 1_000_000, "{shares:?}");
    }
}
