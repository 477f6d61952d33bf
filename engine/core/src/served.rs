//! Who served which caller last, for queues whose callers wait for the same agent first (rule 9).
//!
//! Noted only while a queue asks for it, by the caller's number, and forgotten when no queue asks for it any more: it is in
//! every checkpoint.

use core::time::Duration;

use crate::call::Place;
use crate::engine::Engine;
use crate::ids::CallId;
use crate::journal::{Body, ServedRecord};

const DAY_US: i64 = 86_400_000_000;

impl Engine {
    /// An agent has a caller of a queue.
    pub(crate) fn note_served(&mut self, call: CallId, username: &str) {
        let queues = self.snapshot.centre.queues.values();
        let asked = queues.filter_map(|queue| queue.sticky.as_ref());
        let Some(days) = asked.map(|sticky| sticky.days).max() else {
            return;
        };
        let number = self.calls.get(&call).map(|call| &call.party.number);
        let Some(number) = number.filter(|number| !number.is_empty()) else {
            return;
        };
        let at_us = self.now.utc_us;
        let record = ServedRecord {
            number: number.clone(),
            agent: username.into(),
            at_us,
            until_us: at_us.saturating_add(i64::from(days) * DAY_US),
        };
        self.journal(Body::Served(record));
    }

    /// For whom a caller waits first who enters there.
    pub(crate) fn former(&self, call: CallId, place: &Place) -> Option<acd::Sticky> {
        let Place::Queue(name) = place else {
            return None;
        };
        let sticky = self.snapshot.centre.queues.get(name)?.sticky.as_ref()?;
        let served = self
            .durable
            .served
            .get(&self.calls.get(&call)?.party.number)?;
        let since_us = self.now.utc_us - i64::from(sticky.days) * DAY_US;
        let agent = self.names.agent(&served.agent);
        let agent = agent.filter(|_| served.at_us >= since_us)?;
        let hold = Duration::from(sticky.hold);
        Some(acd::Sticky { agent, hold })
    }
}
