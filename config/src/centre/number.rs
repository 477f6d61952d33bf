//! A number callers dial, and where its callers go.

use crate::read::{impl_record_field, record};
use crate::values::{Destination, DialNumber, Label, Tier};

record! {
    /// A number that callers from trunks dial.
    pub struct Number {
        /// What callers dial, as the trunk says it or in international form: `+31850082900`.
        number: DialNumber => required,
        /// Where its callers go. Unset: refused with 480.
        to: Option<Destination>,
        /// The class its callers wait in: `urgent`, `normal` or `low`.
        tier: Tier,
        /// Points of priority its callers have besides the queue's. -1000 to 1000.
        priority: i32 ; -1000..=1000,
        /// What the attendant sees to say.
        greeting: Option<Label>,
    }
    later {}
}

impl_record_field!(Number);
