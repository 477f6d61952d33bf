//! The engine's own deadlines, in one order.

use alloc::collections::BTreeMap;
use core::time::Duration;

/// Deadlines with what they are for; of two at one moment the one set first comes first.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    due: BTreeMap<(Duration, u64), T>,
    next: u64,
}

/// Names one deadline, to take it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerId(Duration, u64);

impl<T> Timers<T> {
    pub(crate) fn new() -> Self {
        Self {
            due: BTreeMap::new(),
            next: 0,
        }
    }

    pub(crate) fn set(&mut self, at: Duration, what: T) -> TimerId {
        let id = TimerId(at, self.next);
        self.next += 1;
        self.due.insert((id.0, id.1), what);
        id
    }

    /// Takes a deadline back; harmless when it has passed.
    pub(crate) fn cancel(&mut self, id: TimerId) {
        self.due.remove(&(id.0, id.1));
    }

    /// The first deadline that has passed, if any.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<T> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_in_order_and_not_before_its_time() {
        let at = Duration::from_secs;
        let mut timers = Timers::new();
        timers.set(at(2), "late");
        let gone = timers.set(at(1), "gone");
        timers.set(at(1), "first");
        timers.set(at(1), "second");
        timers.cancel(gone);
        assert_eq!(timers.next_deadline(), Some(at(1)));
        assert_eq!(timers.pop(Duration::from_millis(999)), None);
        assert_eq!(
            (timers.pop(at(1)), timers.pop(at(1)), timers.pop(at(1))),
            (Some("first"), Some("second"), None)
        );
        assert_eq!(timers.len(), 1);
    }
}
