//! When each transaction wants to be woken: one ordered set, one time for each.

use alloc::collections::BTreeSet;
use core::time::Duration;

use super::slab::Key;

/// Whose deadline it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Client(Key),
    Server(Key),
}

/// The deadlines of all transactions.
#[derive(Default)]
pub(crate) struct Deadlines {
    set: BTreeSet<(Duration, Owner)>,
}

impl Deadlines {
    /// Moves the owner's deadline from `armed` to `wanted` and keeps `armed` true.
    pub(crate) fn move_to(
        &mut self,
        owner: Owner,
        armed: &mut Option<Duration>,
        wanted: Option<Duration>,
    ) {
        if *armed == wanted {
            return;
        }
        if let Some(at) = *armed {
            self.set.remove(&(at, owner));
        }
        if let Some(at) = wanted {
            self.set.insert((at, owner));
        }
        *armed = wanted;
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        self.set.first().map(|(at, _)| *at)
    }

    /// Takes out the earliest deadline if its time has come: its owner is armed no more.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<Owner> {
        if self.next()? > now {
            return None;
        }
        self.set.pop_first().map(|(_, owner)| owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_next_and_moves() {
        let mut deadlines = Deadlines::default();
        let (mut a, mut b) = (None, None);
        let at = Duration::from_secs;
        deadlines.move_to(Owner::Client(1), &mut a, Some(at(2)));
        deadlines.move_to(Owner::Server(1), &mut b, Some(at(1)));
        assert_eq!(deadlines.next(), Some(at(1)));
        assert_eq!(deadlines.take_due(Duration::ZERO), None);
        deadlines.move_to(Owner::Server(1), &mut b, Some(at(3)));
        assert_eq!(deadlines.take_due(at(5)), Some(Owner::Client(1)));
        assert_eq!(deadlines.take_due(at(5)), Some(Owner::Server(1)));
        assert_eq!(deadlines.take_due(at(5)), None);
        (a, b) = (None, None);
        deadlines.move_to(Owner::Client(1), &mut a, Some(at(9)));
        deadlines.move_to(Owner::Server(1), &mut b, Some(at(9)));
        deadlines.move_to(Owner::Client(1), &mut a, None);
        deadlines.move_to(Owner::Server(1), &mut b, None);
        assert_eq!((deadlines.next(), a, b), (None, None, None));
    }
}
