//! Chances, seeded: the same seed makes the same people do the same things.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, good enough for made-up people. Never for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A stream of its own for every seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0. The bias of the product method is below 2⁻³² here.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.next() as u128 * bound as u128) >> 64) as u64
    }

    /// True `per_mille` times in a thousand.
    pub const fn chance(&mut self, per_mille: u16) -> bool {
        self.below(1000) < per_mille as u64
    }

    /// One of them; `None` if there are none.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let len = u64::try_from(all.len()).unwrap_or(u64::MAX);
        all.get(usize::try_from(self.below(len)).ok()?)
    }

    /// Evenly between two lengths of time, both included, in microseconds.
    pub fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let range = u64::try_from(to.saturating_sub(from).as_micros()).unwrap_or(u64::MAX - 1);
        from + Duration::from_micros(self.below(range + 1))
    }

    /// Exponentially distributed around a mean: the gaps of a Poisson process. At most twenty means.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        mean.mul_f64((-(1.0 - uniform).ln()).min(20.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        let mut random = Random::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!([random.next(), random.next(), random.next()], expected);
    }

    #[test]
    fn draws_keep_to_their_ranges_and_means() {
        let mut random = Random::new(7);
        let (from, to) = (Duration::from_millis(10), Duration::from_millis(20));
        let mut sum = Duration::ZERO;
        let mut hits = 0;
        for _ in 0..10_000 {
            let drawn = random.between(from, to);
            assert!((from..=to).contains(&drawn));
            sum += random.exponential(from);
            hits += u32::from(random.chance(250));
            assert!(random.below(3) < 3);
        }
        let mean_us = sum.as_micros() / 10_000;
        assert!((9_700..10_300).contains(&mean_us), "{mean_us}");
        assert!((2_350..2_650).contains(&hits), "{hits}");
        assert_eq!((random.below(0), random.pick::<u8>(&[])), (0, None));
    }
}
