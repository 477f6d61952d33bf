//! Waiting for what others do, with an end to it.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often is looked.
const INTERVAL: Duration = Duration::from_millis(10);

/// Looks until there is something.
///
/// # Panics
///
/// When there is nothing after that time; `what` says what was missing.
pub fn eventually<T>(what: &str, at_most: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + at_most;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "not within {at_most:?}: {what}");
        sleep(INTERVAL);
    }
}

/// Looks for that long whether something happens that must not.
///
/// # Panics
///
/// When it happens.
pub fn never(what: &str, during: Duration, mut happens: impl FnMut() -> bool) {
    let end = Instant::now() + during;
    while Instant::now() < end {
        assert!(!happens(), "must not happen: {what}");
        sleep(INTERVAL);
    }
}
