//! Chance without floats: a race in which each runs for an exponentially distributed time.
//!
//! Who runs with rate `weight` wins with a probability of weight / sum of weights, and what is left of the others' times
//! is distributed as if they had only started: so a time drawn when an agent becomes free stays good, whoever wins
//! meanwhile, and the winner is the first of those in order. Times are in units of 2^-32 · 1/ln 2 on the queue's clock.

use crate::ids::{AgentId, Incarnation, QueueId};

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// How long `agent` runs in `queue`: the `nth` time drawn for them.
pub(crate) fn time(
    incarnation: Incarnation,
    queue: QueueId,
    agent: AgentId,
    nth: u64,
    weight: u32,
) -> u64 {
    let words = [
        incarnation.epoch,
        incarnation.node.into(),
        incarnation.number.into(),
        queue.0.into(),
        agent.0.into(),
        nth,
    ];
    let lot = words
        .into_iter()
        .fold(0, |state: u64, word| next(state ^ next(word)));
    exponential(lot) / u64::from(weight.max(1))
}

/// What SplitMix64 gives first when it is seeded with `word`.
const fn next(word: u64) -> u64 {
    let word = word.wrapping_add(GOLDEN);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// -log2((lot + 1) / 2^64), with 32 bits after the point: exponentially distributed if `lot` is uniform.
fn exponential(lot: u64) -> u64 {
    let number = u128::from(lot) + 1;
    let whole = number.ilog2();
    if whole == 64 {
        return 0;
    }
    // Squaring doubles the logarithm: its next bit is whether the number has passed 2.
    let mut mantissa = (number << (63 - whole)) as u64;
    let mut fraction = 0;
    for _ in 0..32 {
        let square = u128::from(mantissa) * u128::from(mantissa);
        let bit = (square >> 127) as u64;
        mantissa = (square >> (63 + bit)) as u64;
        fraction = (fraction << 1) | bit;
    }
    (u64::from(64 - whole) << 32) - fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: u64 = 1 << 32;

    #[test]
    fn logarithms_are_right_to_the_last_bit() {
        // (number whose logarithm is taken, minus one; -log2 of number / 2^64 in 2^-32)
        let cases = [
            (0, 64 * ONE),
            (1, 63 * ONE),
            (u64::MAX, 0),
            (u64::MAX / 2, ONE),
            // log2(3) = 1.584962500721156
            (2, 64 * ONE - 6_807_362_105),
            // 3/4: 0.4150374992788438
            (3 * (1 << 62) - 1, 1_782_572_486),
        ];
        for (lot, expected) in cases {
            let found = exponential(lot);
            assert!(found.abs_diff(expected) <= 1, "{lot}: {found}");
        }
    }

    #[test]
    fn times_have_the_mean_and_the_median_of_their_weight() {
        let incarnation = Incarnation {
            epoch: 1,
            node: 2,
            number: 3,
        };
        for weight in [1, 7] {
            let drawn = (0..40_000).map(|nth| {
                let (queue, agent) = (QueueId(1), AgentId(nth % 10));
                time(incarnation, queue, agent, (nth / 10).into(), weight)
            });
            let mut times: alloc::vec::Vec<_> = drawn.collect();
            times.sort_unstable();
            // The mean is 1 / ln 2, the median 1; both to within 2 %.
            let mean = times.iter().sum::<u64>() / 40_000 * u64::from(weight);
            assert!(mean.abs_diff(6_196_328_019) < 120_000_000, "{mean}");
            let median = times[20_000] * u64::from(weight);
            assert!(median.abs_diff(ONE) < ONE / 50, "{median}");
        }
    }
}
