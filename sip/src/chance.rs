//! In which order those are tried who stand in for one another: the lowest priority first, and of one priority by lot, as likely as their
//! weight is large (RFC 2782). The lot is a number that the caller brings: the same number, the same order.

use alloc::vec::Vec;

/// Somebody who can be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chance<T> {
    /// Lower ones come first.
    pub priority: u32,
    /// How likely it is to come first among those of its priority. One of weight 0 comes after all others, nearly always.
    pub weight: u32,
    /// Who.
    pub who: T,
}

/// All of them, in the order in which they are to be tried.
#[must_use]
pub fn in_order<T>(mut all: Vec<Chance<T>>, lot: u64) -> Vec<T> {
    // Those of weight 0 stand first among their equals, so that only a lot of 0 finds them (RFC 2782, "Weight").
    all.sort_by_key(|chance| (chance.priority, chance.weight > 0));
    let mut lot = lot;
    let mut ordered = Vec::with_capacity(all.len());
    while let Some(priority) = all.first().map(|chance| chance.priority) {
        let equals = all.iter().take_while(|chance| chance.priority == priority);
        let total: u64 = equals.map(|chance| u64::from(chance.weight)).sum();
        lot = crate::auth::next_random(lot);
        let mut drawn = lot % (total + 1);
        let index = all
            .iter()
            .position(|chance| {
                let weight = u64::from(chance.weight);
                let found = drawn <= weight;
                drawn = drawn.saturating_sub(weight);
                found
            })
            .unwrap_or(0);
        ordered.push(all.remove(index).who);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn chances(all: &[(u32, u32, &'static str)]) -> Vec<Chance<&'static str>> {
        let chance = |(priority, weight, who): &(u32, u32, &'static str)| Chance {
            priority: *priority,
            weight: *weight,
            who: *who,
        };
        all.iter().map(chance).collect()
    }

    #[test]
    fn lower_priorities_come_first_whatever_the_lot() {
        let all = [(20, 100, "c"), (10, 1, "a"), (15, 0, "b")];
        for lot in 0..100 {
            assert_eq!(in_order(chances(&all), lot), ["a", "b", "c"]);
        }
    }

    #[test]
    fn of_one_priority_each_is_first_as_often_as_its_weight_says_and_all_come() {
        let all = [(1, 10, "a"), (1, 30, "b"), (1, 60, "c"), (1, 0, "d")];
        let mut first = vec![0_u32; 4];
        for lot in 0..10_000 {
            let mut order = in_order(chances(&all), lot);
            let place = ["a", "b", "c", "d"].iter().position(|who| *who == order[0]);
            first[place.unwrap()] += 1;
            order.sort_unstable();
            assert_eq!(order, ["a", "b", "c", "d"]);
        }
        for (seen, expected) in first.iter().zip([1_000, 3_000, 6_000, 100]) {
            assert!(seen.abs_diff(expected) < 300, "{first:?}");
        }
        assert_eq!(in_order(chances(&all), 7), in_order(chances(&all), 7));
    }

    #[test]
    fn nobody_is_no_order_and_equals_without_weight_all_come() {
        assert!(in_order::<u8>(Vec::new(), 1).is_empty());
        assert_eq!(in_order(chances(&[(0, 0, "a"), (0, 0, "b")]), 1).len(), 2);
    }
}
