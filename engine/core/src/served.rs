//! Who served which caller last, for queues whose callers wait for the same agent first (rule 9).
//!
//! Noted only while a queue asks for it, by the caller's number, and forgotten when no queue asks for it any more: it is in
//! every checkpoint.

use core::time::Duration;

use config::Centre;

use crate::call::Place;
use crate::engine::Engine;
use crate::ids::CallId;
use crate::journal::{Body, ServedRecord};
use crate::names::Names;

const DAY_US: i64 = 86_400_000_000;

/// What a centre makes of who served whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stickiness<'a> {
    pub(crate) centre: &'a Centre,
    pub(crate) names: &'a Names,
}

impl Stickiness<'_> {
    /// What is noted when an agent has a caller of a queue; nothing where no queue asks for it.
    pub(crate) fn record(self, number: &str, username: &str, at_us: i64) -> Option<ServedRecord> {
        let queues = self.centre.queues.values();
        let asked = queues.filter_map(|queue| queue.sticky.as_ref());
        let days = asked.map(|sticky| sticky.days).max()?;
        (!number.is_empty()).then(|| ServedRecord {
            number: number.into(),
            agent: username.into(),
            at_us,
            until_us: at_us.saturating_add(i64::from(days) * DAY_US),
        })
    }

    /// For whom a caller waits first who enters `queue`.
    pub(crate) fn former(
        self,
        queue: &str,
        served: Option<&ServedRecord>,
        now_us: i64,
    ) -> Option<acd::Sticky> {
        let sticky = self.centre.queues.get(queue)?.sticky.as_ref()?;
        let served = served?;
        let since_us = now_us.saturating_sub(i64::from(sticky.days) * DAY_US);
        let agent = self.names.agent(&served.agent);
        let agent = agent.filter(|_| served.at_us >= since_us)?;
        let hold = Duration::from(sticky.hold);
        let recall = false;
        Some(acd::Sticky {
            agent,
            hold,
            recall,
        })
    }
}

impl Engine {
    /// An agent has a caller of a queue.
    pub(crate) fn note_served(&mut self, call: CallId, username: &str) {
        let number = self.calls.get(&call).map(|call| &call.party.number);
        let now_us = self.now.utc_us;
        let record = number.and_then(|number| self.stickiness().record(number, username, now_us));
        if let Some(record) = record {
            self.journal(Body::Served(record));
        }
    }

    /// For whom a caller waits first who enters there.
    pub(crate) fn former(&self, call: CallId, place: &Place) -> Option<acd::Sticky> {
        let Place::Queue(name) = place else {
            return None;
        };
        let number = &self.calls.get(&call)?.party.number;
        let served = self.durable.served.get(number);
        self.stickiness().former(name, served, self.now.utc_us)
    }

    fn stickiness(&self) -> Stickiness<'_> {
        Stickiness {
            centre: &self.snapshot.centre,
            names: &self.names,
        }
    }
}
