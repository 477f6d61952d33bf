//! Failed logins under names that no user has.
//!
//! A user's account is locked after so many failures and then says so. If a name that nobody has never did, trying
//! would tell which names exist; so these are counted too and "locked" in the same way. They live in
//! memory of fixed size, the oldest forgotten first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Names that are remembered.
const NAMES_MAX: usize = 10_000;

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    names: Mutex<Names>,
}

#[derive(Debug, Default)]
struct Names {
    failures: BTreeMap<String, u32>,
    oldest_first: VecDeque<String>,
}

impl Strangers {
    /// Counts a failed login under a name in lower case; answers whether it counts as locked from before.
    pub(crate) fn failed(&self, name: &str, lock_after: u32) -> bool {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let before = names.count(name);
        lock_after > 0 && before >= lock_after
    }
}

impl Names {
    fn count(&mut self, name: &str) -> u32 {
        if let Some(failures) = self.failures.get_mut(name) {
            *failures = failures.saturating_add(1);
            return *failures - 1;
        }
        if self.failures.len() >= NAMES_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.failures.remove(&oldest);
        }
        self.failures.insert(name.to_owned(), 1);
        self.oldest_first.push_back(name.to_owned());
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_nobody_has_locks_like_any_other() {
        let strangers = Strangers::default();
        let answers: Vec<bool> = (0..7).map(|_| strangers.failed("mallory", 5)).collect();
        assert_eq!(answers, [false, false, false, false, false, true, true]);
        assert!(!strangers.failed("mallory", 0));
    }

    #[test]
    fn memory_is_bounded() {
        let strangers = Strangers::default();
        for n in 0..20_000 {
            strangers.failed(&n.to_string(), 5);
        }
        assert_eq!(strangers.names.lock().unwrap().failures.len(), NAMES_MAX);
    }
}
