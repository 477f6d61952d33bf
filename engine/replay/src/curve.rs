//! How long callers are patient, measured where most were answered before they lost it: the estimator of Kaplan and Meier.
//!
//! Of a caller who was answered after 20 s only so much is known: their patience is longer than that. At each time at
//! which somebody gave up, the share that stays is multiplied by those who stayed of those who still waited.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::sabotage;

/// The whole, in the fixed point of shares: 2⁶².
const WHOLE: u128 = 1 << 62;

/// The share of callers who are still patient after a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Curve {
    /// After so many microseconds, so many of [`WHOLE`]; falling.
    steps: Vec<(u64, u128)>,
    given_up: usize,
}

impl Curve {
    /// From waits in microseconds, each with whether it ended because the caller gave up. Who was answered at the very time
    /// another gave up had still waited then.
    pub fn measured(waits: impl IntoIterator<Item = (u64, bool)>) -> Self {
        let mut ended: BTreeMap<u64, (u128, u128)> = BTreeMap::new();
        let mut waiting = 0_u128;
        for (wait, gave_up) in waits {
            if sabotage::patience() && !gave_up {
                continue;
            }
            let (gone, all) = ended.entry(wait).or_default();
            *gone += u128::from(gave_up);
            *all += 1;
            waiting += 1;
        }
        let mut curve = Self::default();
        let mut share = WHOLE;
        for (wait, (gone, all)) in ended {
            if gone > 0 {
                share = share * (waiting - gone) / waiting;
                curve.steps.push((wait, share));
                curve.given_up += usize::try_from(gone).unwrap_or(usize::MAX);
            }
            waiting -= all;
        }
        curve
    }

    /// How many gave up.
    pub(crate) fn given_up(&self) -> usize {
        self.given_up
    }

    /// Of a million callers, how many are still patient after so many microseconds.
    pub fn patient_ppm(&self, after_us: u64) -> u32 {
        let ppm = (self.share(after_us) * 1_000_000 + WHOLE / 2) / WHOLE;
        u32::try_from(ppm).unwrap_or(u32::MAX)
    }

    /// The patience of somebody who is known to have waited for `waited_us`, by 64 drawn bits; none when it is longer than
    /// anybody's who was seen to lose it.
    pub(crate) fn draw(&self, waited_us: u64, bits: u64) -> Option<u64> {
        // Evenly between nothing and the share that is as patient as they.
        let level = (self.share(waited_us) * u128::from(bits)) >> 64;
        let later = self.steps.iter().filter(|(wait, _)| *wait > waited_us);
        let mut below = later.skip_while(|(_, share)| *share > level);
        below.next().map(|(wait, _)| *wait)
    }

    fn share(&self, after_us: u64) -> u128 {
        let steps = self.steps.partition_point(|(wait, _)| *wait <= after_us);
        let step = steps.checked_sub(1).and_then(|last| self.steps.get(last));
        step.map_or(WHOLE, |(_, share)| *share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remission of leukaemia under 6-MP in weeks (Freireich 1963), the example by which the estimator is taught: 21 patients,
    /// 9 of whom relapsed, the others lost to follow-up.
    const GONE: [u64; 9] = [6, 6, 6, 7, 10, 13, 16, 22, 23];
    const LOST: [u64; 12] = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35];

    fn curve() -> Curve {
        let gone = GONE.into_iter().map(|week| (week, true));
        Curve::measured(gone.chain(LOST.into_iter().map(|week| (week, false))))
    }

    #[test]
    fn the_worked_example_comes_out_to_the_digit() {
        let curve = curve();
        for (week, expected) in [
            (0, 1_000_000),
            (5, 1_000_000),
            // 18/21
            (6, 857_143),
            // × 16/17
            (7, 806_723),
            // × 14/15
            (10, 752_941),
            // × 11/12
            (13, 690_196),
            // × 10/11
            (16, 627_451),
            // × 6/7
            (22, 537_815),
            // × 5/6
            (23, 448_179),
            (99, 448_179),
        ] {
            assert_eq!(curve.patient_ppm(week), expected, "week {week}");
        }
        assert_eq!(curve.given_up(), 9);
    }

    #[test]
    fn draws_follow_the_curve_from_where_a_caller_is_known_to_be() {
        let curve = curve();
        let all = u64::MAX;
        for (waited, bits, expected) in [
            // Nearly all are patient for 5 weeks, 18/21 of them for more than 6.
            (0, all, Some(6)),
            (0, all / 1_000_000 * 860_000, Some(6)),
            (0, all / 1_000_000 * 850_000, Some(7)),
            (0, all / 1_000_000 * 449_000, Some(23)),
            (0, all / 1_000_000 * 448_000, None),
            // Known to have waited 13 weeks: of 0.690 as patient, 0.627 stay beyond the 16th.
            (13, all, Some(16)),
            (13, all / 1_000_000 * 900_000, Some(22)),
            (13, all / 1_000_000 * 649_000, None),
            (23, all, None),
        ] {
            assert_eq!(curve.draw(waited, bits), expected, "{waited} {bits}");
        }
    }

    #[test]
    fn where_nobody_gave_up_everybody_is_patient() {
        let curve = Curve::measured([(5, false), (9, false)]);
        assert_eq!(curve.patient_ppm(9), 1_000_000);
        assert_eq!(curve.draw(0, u64::MAX), None);
        let empty = Curve::measured([]);
        assert_eq!(empty.draw(0, 1), None);
    }

    #[test]
    fn when_the_last_who_waits_gives_up_nobody_is_left() {
        let curve = Curve::measured([(3, true), (7, true)]);
        assert_eq!(curve.patient_ppm(7), 0);
        assert_eq!(curve.draw(3, 0), Some(7));
        assert_eq!(curve.draw(0, 0), Some(7));
    }
}
