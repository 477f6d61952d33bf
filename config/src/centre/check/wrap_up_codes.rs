//! Wrap-up codes that can be told apart, and given where they are required.

use std::collections::BTreeSet;

use super::super::{Queue, WrapUpCodes};
use super::Checker;
use crate::values::WrapUpCode;

/// Codes of one category at most.
const CODES_MAX: usize = 200;

impl Checker<'_> {
    pub(super) fn check_wrap_up_codes(&mut self, list: &WrapUpCodes) {
        let mut taken = BTreeSet::new();
        for (index, code) in list.codes.iter().enumerate() {
            if !taken.insert(code) {
                let message = format!("\"{code}\" stands there twice");
                self.fault(list, format!("codes[{index}]"), message, "write it once");
            }
        }
        if list.codes.len() > CODES_MAX {
            let message = format!("{} codes are too many", list.codes.len());
            let help = format!("write at most {CODES_MAX}, or make two categories");
            self.fault(list, "codes", message, help);
        }
        for (index, queue) in list.queues.iter().enumerate() {
            self.check_name::<_, Queue>(list, &format!("queues[{index}]"), queue);
        }
    }

    /// A wrap-up that ends with a code needs one to end with.
    pub(super) fn check_wrap_up_code(&mut self, queue: &Queue) {
        if queue.wrap_up_code == WrapUpCode::Required && !self.centre.has_wrap_up_code(queue) {
            let help = "add one to [[wrap_up_codes]], or write \"optional\"";
            self.fault(
                queue,
                "wrap_up_code",
                "there is no code for its calls",
                help,
            );
        }
    }
}
