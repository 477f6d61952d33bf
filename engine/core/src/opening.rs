//! Which queues are open: the calendar's word, unless a supervisor's override stands against it (rule 19).
//!
//! Owns the overrides in force and the next moment at which any queue's state can change. The distribution core hears of
//! opened and closed only; the calendars' arithmetic is [`routing::calendar`](crate::routing::calendar)'s.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use config::{Centre, Queue};
use jiff::Timestamp;

use crate::command::OverrideState;
use crate::event::Event;
use crate::journal::OverrideRecord;
use crate::routing::calendar;

/// The state of every queue.
#[derive(Debug, Default)]
pub(crate) struct Openings {
    queues: BTreeMap<String, Opening>,
    overrides: BTreeMap<String, OverrideRecord>,
    /// The first of the queues' next changes: asked for in every turn.
    next_change_us: Option<i64>,
}

/// The state of one queue, as it was last said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) open: bool,
    override_state: Option<OverrideState>,
    override_until_us: Option<i64>,
    /// When the state can change next by itself.
    next_change_us: Option<i64>,
}

impl Openings {
    pub(crate) fn new(overrides: BTreeMap<String, OverrideRecord>) -> Self {
        Self {
            queues: BTreeMap::new(),
            overrides,
            next_change_us: None,
        }
    }

    /// Sets or takes back an override. [`refresh`](Self::refresh) shows it.
    pub(crate) fn set_override(&mut self, record: OverrideRecord) {
        if record.state.is_some() {
            self.overrides.insert(record.queue.clone(), record);
        } else {
            self.overrides.remove(&record.queue);
        }
    }

    /// The overrides that have run out, taken back.
    pub(crate) fn expire(&mut self, utc_us: i64) -> Vec<OverrideRecord> {
        let over =
            |record: &&mut OverrideRecord| record.until_us.is_some_and(|until| until <= utc_us);
        let mut expired: Vec<OverrideRecord> = self
            .overrides
            .values_mut()
            .filter(over)
            .map(|record| record.clone())
            .collect();
        for record in &mut expired {
            self.overrides.remove(&record.queue);
            record.state = None;
            record.until_us = None;
        }
        expired
    }

    /// Works out every queue anew; those that are not as they were said last, with their new state.
    pub(crate) fn refresh(
        &mut self,
        centre: &Centre,
        default_zone: &config::Zone,
        utc_us: i64,
    ) -> Vec<(String, Opening)> {
        self.queues
            .retain(|name, _| centre.queues.contains_key(name.as_str()));
        self.overrides
            .retain(|name, _| centre.queues.contains_key(name.as_str()));
        let mut changed = Vec::new();
        for (name, queue) in &centre.queues {
            let opening = self.opening(centre, default_zone, queue, utc_us);
            if self.queues.get(name.as_str()) != Some(&opening) {
                self.queues.insert(String::from(&**name), opening.clone());
                changed.push((String::from(&**name), opening));
            }
        }
        let changes = self
            .queues
            .values()
            .filter_map(|opening| opening.next_change_us);
        self.next_change_us = changes.min();
        changed
    }

    fn opening(
        &self,
        centre: &Centre,
        default_zone: &config::Zone,
        queue: &Queue,
        utc_us: i64,
    ) -> Opening {
        let at = Timestamp::from_microsecond(utc_us).unwrap_or(Timestamp::UNIX_EPOCH);
        let calendar = queue
            .calendar
            .as_ref()
            .and_then(|name| centre.calendars.get(&**name));
        let by_calendar =
            calendar.is_none_or(|calendar| calendar::is_open(calendar, default_zone, at).0);
        let calendar_change_us = calendar
            .and_then(|calendar| calendar::next_change(calendar, default_zone, at))
            .map(Timestamp::as_microsecond);
        let record = self.overrides.get(&*queue.name);
        let state = record.and_then(|record| record.state);
        let until_us = record.and_then(|record| record.until_us);
        let open = state.map_or(by_calendar, |state| state == OverrideState::Open);
        let next_change_us = if state.is_some() {
            until_us
        } else {
            calendar_change_us
        };
        Opening {
            open,
            override_state: state,
            override_until_us: until_us,
            next_change_us,
        }
    }

    /// When the queue's calendar, overrides aside, opens or closes it next.
    pub(crate) fn calendar_change(
        &self,
        centre: &Centre,
        default_zone: &config::Zone,
        queue: &str,
        utc_us: i64,
    ) -> Option<i64> {
        let calendar = centre.queues.get(queue)?.calendar.as_ref()?;
        let calendar = centre.calendars.get(&**calendar)?;
        let at = Timestamp::from_microsecond(utc_us).ok()?;
        calendar::next_change(calendar, default_zone, at).map(Timestamp::as_microsecond)
    }

    /// When `expire` or `refresh` has something to do, UTC microseconds.
    pub(crate) fn next_change_us(&self) -> Option<i64> {
        self.next_change_us
    }

    /// All queues, for readers that start with nothing.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.queues
            .iter()
            .map(|(name, opening)| opening.event(name))
            .collect()
    }
}

impl Opening {
    pub(crate) fn event(&self, queue: &str) -> Event {
        Event::QueueChanged {
            queue: queue.into(),
            open: self.open,
            override_state: self.override_state,
            override_until_us: self.override_until_us,
            next_change_us: self.next_change_us,
        }
    }
}
