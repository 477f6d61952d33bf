//! How long a caller will have to wait: the time within which four in five of such callers are answered.
//!
//! Who stands with `p` others in front is served at the (p+1)-th end of a call among the agents that work for the queue. Ends of
//! calls come about at random, so that time is distributed as Erlang(p+1, Nμ): N agents, each counted by the share of their
//! time that the queue has, a call taking 1/μ. Callers in front who give up make it shorter: of each only the chance
//! counts that they will still be there. The 80th percentile is Wilson and Hilferty's; all of it in integers.

/// What is known when somebody asks how long they will wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// Waiting callers who come first.
    pub ahead: u32,
    /// Agents who work for the queue, in thousandths: one with two queues is 500 in each.
    pub agents_milli: u32,
    /// How long a call takes an agent on average, ringing and wrap-up included, in microseconds. Above 0.
    pub call_us: u64,
    /// How impatient callers are.
    pub patience: Patience,
}

/// How often callers gave up in all the time they waited together. Nobody ever did where nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    pub given_up: u64,
    /// Microseconds.
    pub waited_us: u64,
}

/// The longest wait that is told, in seconds: a day.
pub const SECONDS_MAX: u32 = 86_400;

const ONE: u128 = 1 << 32;
/// The 80th percentile of the normal distribution, and one, in millionths.
const Z_80: u128 = 841_621;
const MILLION: u128 = 1_000_000;

impl Situation {
    /// The wait that four in five will not exceed, in microseconds. None when nobody works for the queue.
    #[must_use]
    pub fn wait_us(&self) -> Option<u64> {
        if self.agents_milli == 0 {
            return None;
        }
        let ends_milli = self.staying_milli() + 1_000;
        let percentile = percentile_80(ends_milli);
        let wait = u128::from(self.call_us) * 1_000 / u128::from(self.agents_milli);
        u64::try_from(wait.saturating_mul(percentile) / MILLION).ok()
    }

    /// How many of those in front will still be there when it is their turn, in thousandths: r + r² + ... + rᵖ, where r is
    /// the chance that a call ends before one who waits gives up.
    fn staying_milli(&self) -> u128 {
        let ahead = u128::from(self.ahead) * 1_000;
        let Patience {
            given_up,
            waited_us,
        } = self.patience;
        let ending = u128::from(self.agents_milli) * u128::from(waited_us);
        let leaving = 1_000 * u128::from(self.call_us) * u128::from(given_up);
        let Some(stays) = (ending * ONE).checked_div(ending + leaving) else {
            return ahead;
        };
        match ONE - stays {
            0 => ahead,
            leaves => (stays * (ONE - power(stays, self.ahead)) / ONE * 1_000 / leaves).min(ahead),
        }
    }
}

/// `base` to the power of `exponent`; both 0 to [`ONE`].
fn power(mut base: u128, mut exponent: u32) -> u128 {
    let mut result = ONE;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base / ONE;
        }
        base = base * base / ONE;
        exponent >>= 1;
    }
    result
}

/// The time until so many ends (in thousandths, from 1,000) when one comes about in each unit of time on average, in
/// millionths: k (1 - 1/(9k) + z/(3√k))³.
fn percentile_80(ends_milli: u128) -> u128 {
    // A thousand times the root of k.
    let root = (ends_milli * 1_000).isqrt();
    let cubed = MILLION - 1_000 * MILLION / (9 * ends_milli) + Z_80 * 1_000 / (3 * root);
    ends_milli * cubed / MILLION * cubed / MILLION * cubed / 1_000
}

/// Rounds up to what people say: 10 s up to a minute, then half minutes up to five, minutes up to half an hour, then five of
/// them. In seconds, at most [`SECONDS_MAX`].
#[must_use]
pub fn told_seconds(wait_us: u64) -> u32 {
    let seconds = u32::try_from(wait_us.div_ceil(1_000_000)).unwrap_or(SECONDS_MAX);
    let step = match seconds {
        0..=60 => 10,
        61..=300 => 30,
        301..=1_800 => 60,
        _ => 300,
    };
    seconds.clamp(1, SECONDS_MAX).next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000_000;

    fn wait(ahead: u32, agents_milli: u32, patience: Patience) -> Option<u64> {
        Situation {
            ahead,
            agents_milli,
            call_us: MINUTE,
            patience,
        }
        .wait_us()
    }

    /// The 80th percentiles of Erlang(k, 1), from tables of the chi-squared distribution with 2k degrees of freedom.
    #[test]
    fn the_percentile_is_that_of_the_erlang_distribution() {
        for (ends, exact) in [
            (1, 1.6094),
            (2, 2.9943),
            (3, 4.2790),
            (5, 6.7210),
            (10, 12.5188),
            (50, 55.8248),
        ] {
            let ours = percentile_80(ends * 1_000) as f64 / 1e6;
            assert!(
                (ours / exact - 1.0).abs() < 0.007,
                "{ends}: {ours}, not {exact}"
            );
        }
    }

    #[test]
    fn more_callers_wait_longer_and_more_agents_make_it_shorter() {
        let none = Patience::default();
        let wait = |ahead, agents| wait(ahead, agents, none).unwrap();
        assert!(wait(0, 1_000).abs_diff(MINUTE * 161 / 100) < MINUTE / 50);
        assert!(wait(1, 1_000) > wait(0, 1_000) && wait(1_000, 1_000) > 1_000 * MINUTE);
        assert_eq!(wait(9, 10_000), wait(9, 1_000) / 10);
        assert_eq!(
            wait(3, 500),
            wait(3, 1_000) * 2,
            "half an agent takes twice as long"
        );
    }

    #[test]
    fn where_nobody_works_there_is_nothing_to_say() {
        assert_eq!(wait(0, 0, Patience::default()), None);
    }

    #[test]
    fn those_who_give_up_do_not_count() {
        // As many give up as calls end with one agent: half of the first, a quarter of the second, ...
        let patience = Patience {
            given_up: 1,
            waited_us: MINUTE,
        };
        let situation = |ahead| Situation {
            ahead,
            agents_milli: 1_000,
            call_us: MINUTE,
            patience,
        };
        for (ahead, stay) in [(0, 0), (1, 500), (2, 750), (3, 875), (1_000_000, 1_000)] {
            assert!(
                situation(ahead).staying_milli().abs_diff(stay) <= 1,
                "{ahead}"
            );
        }
        let nobody_gave_up = Patience {
            given_up: 0,
            waited_us: MINUTE,
        };
        assert_eq!(
            wait(5, 1_000, nobody_gave_up),
            wait(5, 1_000, Patience::default())
        );
    }

    #[test]
    fn the_largest_numbers_are_no_trouble() {
        let situation = Situation {
            ahead: u32::MAX,
            agents_milli: 1,
            call_us: 86_400_000_000,
            patience: Patience {
                given_up: u32::MAX.into(),
                waited_us: u64::MAX,
            },
        };
        assert!(
            situation
                .wait_us()
                .is_none_or(|wait| told_seconds(wait) == SECONDS_MAX)
        );
    }

    #[test]
    fn what_is_told_is_rounded_up() {
        for (seconds, told) in [
            (0, 10),
            (10, 10),
            (11, 20),
            (60, 60),
            (61, 90),
            (300, 300),
            (301, 360),
            (1_801, 2_100),
            (86_400, 86_400),
            (9_000_000, 86_400),
        ] {
            assert_eq!(told_seconds(seconds * 1_000_000), told, "{seconds}");
        }
        assert_eq!(told_seconds(10_000_001), 20);
        assert_eq!(told_seconds(u64::MAX), SECONDS_MAX);
    }
}
