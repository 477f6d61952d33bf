//! Callers who are told apart by their numbers.

use crate::read::{impl_record_field, record};
use crate::values::{Name, NumberPattern, Tier};

record! {
    /// Callers whose numbers begin alike, and how they rank. A caller is on one list: that with the longest match.
    pub struct NumberList {
        /// Its name.
        name: Name => required,
        /// Callers' numbers: a number, or a prefix with `*` at the end. International ones also match callers
        /// whose numbers come in national form.
        numbers: Vec<NumberPattern>,
        /// Points of priority these callers have besides the queue's and the dialled number's. -1000 to 1000.
        priority: i32 ; -1000..=1000,
        /// The class these callers wait in: `urgent`, `normal` or `low`. Of theirs and the dialled number's,
        /// `urgent` comes first, then `low`.
        tier: Tier,
    }
    later {}
}

impl_record_field!(NumberList);
