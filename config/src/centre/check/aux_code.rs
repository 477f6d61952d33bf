//! Reasons for breaks that can be told from the distribution's own.

use super::super::AuxCode;
use super::Checker;

/// What the distribution core sends agents on break with who do not answer.
const NO_ANSWER: &str = "no-answer";
/// Bytes of a reason that are kept.
const BYTES_MAX: usize = 64;

impl Checker<'_> {
    pub(super) fn check_aux_code(&mut self, code: &AuxCode) {
        if &*code.name == NO_ANSWER {
            let message = "this is the reason of those who did not answer";
            self.fault(code, "name", message, "choose another name");
        }
        if code.name.len() > BYTES_MAX {
            let message = format!("the name has {} bytes", code.name.len());
            self.fault(code, "name", message, format!("write at most {BYTES_MAX}"));
        }
    }
}
