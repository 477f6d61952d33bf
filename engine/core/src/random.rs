//! Random numbers from a seed (ChaCha): one generator per stream.
//!
//! The secret stream is seeded by the operating system and used for tags and branches, whose job is to be
//! unguessable by a party off the path (RFC 3261 §19.3); its seed never leaves the process.

use alloc::string::String;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// One stream.
#[derive(Debug, Clone)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A seed for somebody else's stream.
    pub(crate) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    /// 16 hexadecimal digits: a tag.
    pub(crate) fn token(&mut self) -> String {
        alloc::format!("{:016x}", self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        let (mut a, mut b) = (Random::new([7; 32]), Random::new([7; 32]));
        assert_eq!((a.token(), a.token()), (b.token(), b.token()));
        assert_ne!(a.token(), a.token());
    }
}
