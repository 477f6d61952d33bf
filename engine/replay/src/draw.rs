//! What nobody measured is drawn, by what it is for and never by when it is asked for: the same call draws the same in every
//! order. Integers only.

/// What a draw is for; two purposes of one call have nothing to do with one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Patience = 1,
    Talk = 2,
    Answer = 3,
    WrapUp = 4,
    Break = 5,
}

/// 64 evenly distributed bits that follow from the seed and what they are for.
pub(crate) fn bits(seed: u64, purpose: Purpose, of: [u64; 3]) -> u64 {
    let start = mixed(seed ^ (purpose as u64).rotate_left(56));
    of.into_iter()
        .fold(start, |state, word| mixed(state ^ mixed(word)))
}

/// One of them, each as likely; none of none.
pub(crate) fn one_of<T>(bits: u64, all: &[T]) -> Option<&T> {
    let place = (u128::from(bits) * all.len() as u128) >> 64;
    all.get(usize::try_from(place).unwrap_or(0))
}

/// One step of SplitMix64 (Steele, Lea, Flood 2014).
const fn mixed(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_the_published_values() {
        assert_eq!(mixed(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mixed(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn each_is_drawn_about_as_often_and_none_of_none() {
        let mut counts = [0_u32; 5];
        let places = [0, 1, 2, 3, 4];
        for call in 0..10_000 {
            let drawn = one_of(bits(1, Purpose::Talk, [call, 0, 0]), &places);
            counts[*drawn.unwrap()] += 1;
        }
        assert!(
            counts.iter().all(|count| (1_850..2_150).contains(count)),
            "{counts:?}"
        );
        assert_eq!(one_of::<u8>(7, &[]), None);
    }

    #[test]
    fn it_follows_from_the_seed_the_purpose_and_the_call_alone() {
        let first = bits(1, Purpose::Patience, [7, 0, 0]);
        assert_eq!(bits(1, Purpose::Patience, [7, 0, 0]), first);
        for other in [
            bits(2, Purpose::Patience, [7, 0, 0]),
            bits(1, Purpose::Talk, [7, 0, 0]),
            bits(1, Purpose::Patience, [8, 0, 0]),
            bits(1, Purpose::Patience, [0, 7, 0]),
        ] {
            assert_ne!(other, first);
        }
    }
}
