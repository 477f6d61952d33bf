//! How many callers were answered, and how many of them in time: folded from events, since the demo's start.

use std::collections::{BTreeMap, HashMap};

use config::Centre;
use engine::event::LeftQueue;
use engine::{CallId, Event};

/// What a queue promises when its centre file says nothing.
const IN_TIME_S: u32 = 20;

/// Figures of all queues.
#[derive(Debug, Default)]
pub(super) struct Levels {
    /// Microseconds within which a call of that queue is answered in time.
    promised_us: BTreeMap<String, i64>,
    queues: BTreeMap<String, Level>,
    /// Who waits: in which queue, and since when.
    waiting: HashMap<CallId, (String, i64)>,
}

/// Figures of one queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Level {
    /// Calls that reached an attendant.
    pub(super) answered: u64,
    /// Those of them that did in time.
    pub(super) in_time: u64,
    /// Calls whose caller gave up.
    pub(super) gave_up: u64,
}

impl Level {
    /// The share of answered calls that were in time, in whole per cent; `None` without any.
    pub(super) fn per_cent(self) -> Option<u64> {
        (100 * self.in_time).checked_div(self.answered)
    }
}

impl Levels {
    /// No figures yet, for the queues of a centre.
    pub(super) fn new(centre: &Centre) -> Self {
        let promised = centre.queues.iter().map(|(name, queue)| {
            let seconds = queue
                .service_level
                .as_ref()
                .map_or(IN_TIME_S, |level| level.seconds.0);
            (name.clone(), 1_000_000 * i64::from(seconds))
        });
        Self {
            promised_us: promised.collect(),
            ..Self::default()
        }
    }

    /// Folds one event in.
    pub(super) fn on_event(&mut self, utc_us: i64, event: &Event) {
        if let Event::CallQueued {
            call,
            queue: Some(queue),
            arrival_us,
            ..
        } = event
        {
            self.waiting.insert(*call, (queue.clone(), *arrival_us));
        } else if let Event::CallLeftQueue { call, why } = event {
            self.on_left(utc_us, *call, *why);
        } else if let Event::CallEnded { call, .. } = event {
            self.waiting.remove(call);
        }
    }

    fn on_left(&mut self, utc_us: i64, call: CallId, why: LeftQueue) {
        let Some((queue, arrival_us)) = self.waiting.remove(&call) else {
            return;
        };
        let promised_us = self.promised_us.get(&queue).copied().unwrap_or_default();
        let level = self.queues.entry(queue).or_default();
        match why {
            LeftQueue::Connected => {
                level.answered += 1;
                level.in_time += u64::from(utc_us - arrival_us <= promised_us);
            }
            LeftQueue::Abandoned => level.gave_up += 1,
            LeftQueue::Diverted | LeftQueue::Ended | LeftQueue::Interrupted => {}
        }
    }

    /// Of one queue.
    pub(super) fn of(&self, queue: &str) -> Level {
        self.queues.get(queue).copied().unwrap_or_default()
    }

    /// Of all queues together.
    pub(super) fn all(&self) -> Level {
        self.queues
            .values()
            .fold(Level::default(), |sum, level| Level {
                answered: sum.answered + level.answered,
                in_time: sum.in_time + level.in_time,
                gave_up: sum.gave_up + level.gave_up,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::event::Rank;

    fn queued(call: u64, at_s: i64) -> (i64, Event) {
        let at_us = 1_000_000 * at_s;
        let rank = Rank {
            tier: 1,
            key_us: at_us,
            arrival_us: at_us,
            id: call,
        };
        let event = Event::CallQueued {
            call: CallId(call),
            queue: Some("reception".into()),
            user: None,
            rank,
            priority: 0,
            arrival_us: at_us,
            estimate_seconds: None,
        };
        (at_us, event)
    }

    fn left(call: u64, at_s: i64, why: LeftQueue) -> (i64, Event) {
        let call = CallId(call);
        (1_000_000 * at_s, Event::CallLeftQueue { call, why })
    }

    #[test]
    fn in_time_is_what_the_queue_promises() {
        let centre = config::parse_centre(super::super::CENTRE, "demo.toml").unwrap();
        let mut levels = Levels::new(&centre);
        assert_eq!(levels.all().per_cent(), None);
        let events = [
            queued(1, 0),
            queued(2, 0),
            queued(3, 10),
            queued(4, 10),
            left(1, 20, LeftQueue::Connected),
            left(2, 21, LeftQueue::Connected),
            left(3, 25, LeftQueue::Connected),
            left(4, 30, LeftQueue::Abandoned),
            left(9, 30, LeftQueue::Connected),
        ];
        for (utc_us, event) in &events {
            levels.on_event(*utc_us, event);
        }
        let expected = Level {
            answered: 3,
            in_time: 2,
            gave_up: 1,
        };
        assert_eq!(levels.of("reception"), expected);
        assert_eq!((levels.all(), expected.per_cent()), (expected, Some(66)));
        assert_eq!(levels.of("support"), Level::default());
        assert!(levels.waiting.is_empty());
    }
}
