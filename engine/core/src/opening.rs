//! Which queues are open: the calendar's word, unless a supervisor's override stands against it (rule 19).
//!
//! Owns the overrides in force, what each calendar says now, and the next moment at which any queue's state can change. A
//! calendar is asked when it changes, not for each of its queues. The distribution core hears of opened and closed only; the
//! calendars' arithmetic is [`routing::calendar`](crate::routing::calendar)'s.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use config::{Centre, Queue, Zone};
use jiff::Timestamp;

use crate::command::OverrideState;
use crate::event::Event;
use crate::journal::OverrideRecord;
use crate::routing::calendar::Hours;

/// The state of every queue.
#[derive(Debug, Default)]
pub(crate) struct Openings {
    calendars: BTreeMap<String, CalendarState>,
    queues: BTreeMap<String, Opening>,
    overrides: BTreeMap<String, OverrideRecord>,
    /// The first of the queues' next changes: asked for in every turn.
    next_change_us: Option<i64>,
}

/// What a calendar says, and for how long.
#[derive(Debug)]
struct CalendarState {
    hours: Hours,
    open: bool,
    /// From when to when that holds, UTC microseconds; without an end: for good.
    since_us: i64,
    until_us: Option<i64>,
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
            overrides,
            ..Self::default()
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
            record.until_next_change = false;
        }
        expired
    }

    /// Looks at every calendar of the centre: what it says now, and until when.
    pub(crate) fn ask_calendars(&mut self, centre: &Centre, centre_zone: &Zone, utc_us: i64) {
        self.calendars
            .retain(|_, state| state.hours.is_still(centre, centre_zone));
        for name in centre.calendars.keys() {
            let state = self.calendars.remove(name);
            let hours = match state {
                Some(state) if state.holds(utc_us) => {
                    self.calendars.insert(name.clone(), state);
                    continue;
                }
                Some(state) => Some(state.hours),
                None => Hours::of(centre, name, centre_zone),
            };
            let asked = hours.map(|hours| CalendarState::at(hours, utc_us));
            self.calendars
                .extend(asked.map(|state| (name.clone(), state)));
        }
    }

    /// The overrides until their calendar's next change whose calendar, changed meanwhile, now changes at another time; with
    /// that time. Where it never changes any more they hold until they are taken back.
    pub(crate) fn follow_calendars(&mut self, centre: &Centre) -> Vec<OverrideRecord> {
        self.overrides
            .retain(|name, _| centre.queues.contains_key(name.as_str()));
        let mut moved = Vec::new();
        for record in self.overrides.values_mut() {
            let next = calendar_of(&self.calendars, centre, &record.queue)
                .and_then(|calendar| calendar.until_us);
            if record.until_next_change && record.until_us != next {
                record.until_us = next;
                moved.push(record.clone());
            }
        }
        moved
    }

    /// Works out every queue anew; those that are not as they were said last, with their new state.
    pub(crate) fn refresh(&mut self, centre: &Centre) -> Vec<(String, Opening)> {
        self.queues
            .retain(|name, _| centre.queues.contains_key(name.as_str()));
        let mut changed = Vec::new();
        for (name, queue) in &centre.queues {
            let opening = self.opening(centre, queue);
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

    fn opening(&self, centre: &Centre, queue: &Queue) -> Opening {
        let calendar = calendar_of(&self.calendars, centre, &queue.name);
        let by_calendar = calendar.is_none_or(|calendar| calendar.open);
        let record = self.overrides.get(&*queue.name);
        let state = record.and_then(|record| record.state);
        let until_us = record.and_then(|record| record.until_us);
        Opening {
            open: state.map_or(by_calendar, |state| state == OverrideState::Open),
            override_state: state,
            override_until_us: until_us,
            next_change_us: match state {
                Some(_) => until_us,
                None => calendar.and_then(|calendar| calendar.until_us),
            },
        }
    }

    /// When the queue's calendar, overrides aside, opens or closes it next.
    pub(crate) fn calendar_change(&self, centre: &Centre, queue: &str) -> Option<i64> {
        calendar_of(&self.calendars, centre, queue)?.until_us
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

impl CalendarState {
    fn at(hours: Hours, utc_us: i64) -> Self {
        let at = Timestamp::from_microsecond(utc_us).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            open: hours.rule_at(at).is_open(),
            since_us: utc_us,
            until_us: hours.next_change(at).map(Timestamp::as_microsecond),
            hours,
        }
    }

    /// The wall's clock may have been set back as well.
    fn holds(&self, utc_us: i64) -> bool {
        self.since_us <= utc_us && self.until_us.is_none_or(|until| utc_us < until)
    }
}

fn calendar_of<'a>(
    calendars: &'a BTreeMap<String, CalendarState>,
    centre: &Centre,
    queue: &str,
) -> Option<&'a CalendarState> {
    let calendar = centre.queues.get(queue)?.calendar.as_ref()?;
    calendars.get(&**calendar)
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
