//! What phones without a console dial to do something.

use crate::read::record;
use crate::values::DialNumber;

record! {
    /// What agents dial on phones without a console. A code is taken as it stands, `*` is a digit; emergency numbers, queues and
    /// extensions that begin like one come before it, outside numbers after it.
    pub struct FeatureCodes {
        /// Takes a caller who waits: the code, then a queue's number for its first caller, or the caller's own number.
        /// Unset: phones cannot.
        pick_up: Option<DialNumber>,
        /// Retrieves who is parked: the code, then the slot. A call transferred to it is parked there. Unset: phones cannot.
        park: Option<DialNumber>,
    }
    later {}
}
