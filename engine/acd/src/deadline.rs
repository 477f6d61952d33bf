//! The moments at which the acd acts of itself.

use alloc::collections::BTreeSet;
use core::time::Duration;

use crate::ids::{AgentId, InteractionId, MatchId, QueueId};
use crate::micros;

/// What happens at a moment. Of two at the same moment the smaller is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deadline {
    /// An alert has rung long enough.
    Ring(MatchId),
    WrapUp(AgentId),
    /// A phone that failed may be tried again.
    Device(AgentId),
    /// An interaction that was not answered may alert that agent again.
    Retry(InteractionId, AgentId),
    /// An interaction has waited long enough.
    MaxWait(InteractionId),
    /// Nobody has been there for long enough, for the one who has waited longest of those nobody rejected.
    Nobody(QueueId),
    /// The same, for one whom somebody rejected.
    Alone(InteractionId),
    /// The moment of the service-level action.
    Service(InteractionId),
    /// Something was held for an agent long enough.
    Reservation(InteractionId),
    /// One of those who wait is old enough for somebody who is free.
    Gate(QueueId),
}

/// All deadlines, soonest first, by microseconds. One that is no longer wanted is cancelled, so what is here is due.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Deadlines(BTreeSet<(u64, Deadline)>);

impl Deadlines {
    pub(crate) fn set(&mut self, at: Duration, what: Deadline) {
        self.0.insert((micros::of(at), what));
    }

    pub(crate) fn cancel(&mut self, at: Duration, what: Deadline) {
        self.0.remove(&(micros::of(at), what));
    }

    pub(crate) fn next(&self) -> Option<Duration> {
        self.0.first().map(|(at, _)| Duration::from_micros(*at))
    }

    /// Takes out the soonest one that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<Deadline> {
        let (at, _) = self.0.first()?;
        if *at > micros::of(now) {
            return None;
        }
        self.0.pop_first().map(|(_, what)| what)
    }
}
