//! When a calendar is open, exact to the second (rule 19), by which of its lines, and when that changes.
//!
//! A calendar speaks of the clock on the wall in its own zone, and so does the answer: it is open
//! at an instant if its hours contain the time that clock shows then. Ranges contain their start
//! and not their end. What follows for the two days a year on which the clock is moved: a time that
//! is skipped is the instant of the move, and an hour that comes twice is judged alike both times.
//!
//! Hours belong to the date they begin on, also past midnight. On a date the first of these decides:
//! 1. `closed_on`: closed from 00:00 to 24:00, also where hours of the evening before reach into it;
//! 2. `special` hours of the date, and those of the date before that reach into it: open;
//! 3. other times of a date with special hours: closed;
//! 4. a holiday of one of its lists: closed from 00:00 to 24:00;
//! 5. the weekly hours of the date, and those of the date before where these were in force: open.
//!
//! [`Hours`] is a calendar put together with its lists, so that no question takes long: what is asked about a date is
//! looked up, and the search for the next change leaps over weeks that are all alike. Nothing here knows what time it is.

mod walk;
mod words;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use config::{Calendar, Centre, Holiday, HolidayList, LocalDate, TimeOfDay, Zone};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use walk::Walk;

/// What of a calendar decides; lines count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// This line of the weekly hours says open.
    Weekly(usize),
    /// This line of the special hours says open.
    Special(usize),
    /// No weekly hours are on.
    OutsideWeekly,
    /// The date has special hours, and they are not on.
    OutsideSpecial(LocalDate),
    /// The calendar is closed on this date.
    ClosedOn(LocalDate),
    /// One of its lists has a holiday on this date.
    Holiday(LocalDate),
}

impl Rule {
    /// Whether that means open.
    pub fn is_open(self) -> bool {
        match self {
            Self::Weekly(_) | Self::Special(_) => true,
            Self::OutsideWeekly
            | Self::OutsideSpecial(_)
            | Self::ClosedOn(_)
            | Self::Holiday(_) => false,
        }
    }
}

/// A moment at which another rule begins to decide, or the clock on the wall is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// What decided until then.
    pub before: Rule,
    /// What decides from then on.
    pub rule: Rule,
    /// Seconds by which the clock goes forward at that moment; less than 0: back; 0: it is not moved.
    pub clock_moved_seconds: i32,
}

/// A calendar with its holiday lists and its zone.
#[derive(Debug, Clone)]
pub struct Hours {
    calendar: Arc<Calendar>,
    lists: Vec<Arc<HolidayList>>,
    zone: Zone,
    closed: BTreeSet<Date>,
    /// Lines of special hours, by the date they begin on.
    special: BTreeMap<Date, Vec<usize>>,
    /// Which list, and which of its dates.
    holidays: BTreeMap<Date, (usize, usize)>,
    /// Every date whose hours are not the weekly ones.
    exceptions: BTreeSet<Date>,
}

/// Days in a row without exceptions after which the weekly hours have shown every change they can make: two weeks, since
/// a moved clock can skip one week's hours, and a day on either side.
const WEEKS_SHOWN: i64 = 16;

impl Hours {
    /// The hours of a calendar of the centre; `centre_zone` is for calendars that name no zone of their own.
    pub fn of(centre: &Centre, calendar: &str, centre_zone: &Zone) -> Option<Self> {
        let calendar = Arc::clone(centre.calendars.get(calendar)?);
        let lists = lists_of(centre, &calendar).cloned().collect();
        let zone = calendar.timezone.as_ref().unwrap_or(centre_zone).clone();
        Some(Self::new(calendar, lists, zone))
    }

    fn new(calendar: Arc<Calendar>, lists: Vec<Arc<HolidayList>>, zone: Zone) -> Self {
        let closed: BTreeSet<Date> = calendar.closed_on.iter().map(|date| date.0).collect();
        let mut special: BTreeMap<Date, Vec<usize>> = BTreeMap::new();
        for (line, hours) in calendar.special.iter().enumerate() {
            special.entry(hours.date.0).or_default().push(line);
        }
        let mut holidays = BTreeMap::new();
        for (list, dates) in lists.iter().map(|list| &list.dates).enumerate() {
            for (index, holiday) in dates.iter().enumerate() {
                holidays.entry(holiday.date.0).or_insert((list, index));
            }
        }
        let exceptions = closed.iter().chain(special.keys()).chain(holidays.keys());
        Self {
            exceptions: exceptions.copied().collect(),
            calendar,
            lists,
            zone,
            closed,
            special,
            holidays,
        }
    }

    /// Whether the calendar and its lists are still these very ones.
    pub(crate) fn is_still(&self, centre: &Centre, centre_zone: &Zone) -> bool {
        let calendar = centre.calendars.get(&*self.calendar.name);
        calendar.is_some_and(|calendar| Arc::ptr_eq(calendar, &self.calendar))
            && self.calendar.timezone.as_ref().unwrap_or(centre_zone) == &self.zone
            && lists_of(centre, &self.calendar).count() == self.lists.len()
            && lists_of(centre, &self.calendar)
                .zip(&self.lists)
                .all(|(now, then)| Arc::ptr_eq(now, then))
    }

    /// The zone its times and dates are meant in.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// What decides at that instant.
    pub fn rule_at(&self, at: Timestamp) -> Rule {
        let local = self.time_zone().to_datetime(at);
        self.rule_on(local.date(), seconds_of(local.time()))
    }

    /// The first instant after `at` at which it opens or closes; `None`: it never does.
    pub fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let open = self.rule_at(at).is_open();
        let shown = self.weeks_shown(self.time_zone().to_datetime(at).date());
        self.change_until(at, open, shown).or_else(|| {
            // The weeks are all alike. What is closed at all times is opened by special hours only.
            let later = self.exceptions.range(shown..);
            let mut later = later.filter(|date| open || self.special.contains_key(date));
            later.find_map(|date| {
                let eve = self.start_of(plus(*date, -1)).max(at);
                self.change_until(eve, open, plus(*date, 2))
            })
        })
    }

    /// Every moment after `from` and before `until` at which another rule begins to decide or the clock is moved, in order.
    pub fn steps(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Step> {
        let mut before = self.rule_at(from);
        let edges = Walk::new(self, from).take_while(move |edge| edge.at < until);
        edges.filter_map(move |edge| {
            let step = Step {
                at: edge.at,
                before,
                rule: self.rule_at(edge.at),
                clock_moved_seconds: edge.clock_moved_seconds,
            };
            before = step.rule;
            (step.rule != step.before || step.clock_moved_seconds != 0).then_some(step)
        })
    }

    /// The holiday that a rule speaks of, and its list.
    pub fn holiday(&self, rule: Rule) -> Option<(&HolidayList, &Holiday)> {
        let Rule::Holiday(date) = rule else {
            return None;
        };
        let (list, index) = self.holidays.get(&date.0)?;
        let list = self.lists.get(*list)?;
        Some((list, list.dates.get(*index)?))
    }

    /// The date on which a line of special hours begins.
    pub fn special_date(&self, line: usize) -> Option<LocalDate> {
        self.calendar.special.get(line).map(|hours| hours.date)
    }

    fn time_zone(&self) -> &TimeZone {
        self.zone.time_zone()
    }

    /// The first date at which the weekly hours have shown all they can.
    fn weeks_shown(&self, today: Date) -> Date {
        let mut shown = plus(today, WEEKS_SHOWN);
        for exception in self.exceptions.range(plus(today, -1)..) {
            if *exception > shown {
                break;
            }
            shown = plus(*exception, WEEKS_SHOWN + 1);
        }
        shown
    }

    fn change_until(&self, after: Timestamp, open: bool, last: Date) -> Option<Timestamp> {
        let edges = Walk::new(self, after).take_while(|edge| edge.date <= last);
        let mut instants = edges.map(|edge| edge.at);
        instants.find(|instant| self.rule_at(*instant).is_open() != open)
    }

    /// Where the clock on the wall begins that date.
    fn start_of(&self, date: Date) -> Timestamp {
        let midnight = date.to_datetime(Time::midnight());
        let start = self.time_zone().to_ambiguous_timestamp(midnight);
        start.compatible().unwrap_or(Timestamp::MIN)
    }

    /// The rule for a time on the wall, as the head of this module says.
    fn rule_on(&self, date: Date, second: u32) -> Rule {
        let yesterday = date.yesterday().ok();
        let yesterday = yesterday.filter(|yesterday| !self.closed.contains(yesterday));
        if self.closed.contains(&date) {
            return Rule::ClosedOn(LocalDate(date));
        }
        if let Some(line) = self.special_line(date, yesterday, second) {
            return Rule::Special(line);
        }
        if self.special.contains_key(&date) {
            return Rule::OutsideSpecial(LocalDate(date));
        }
        if self.holidays.contains_key(&date) {
            return Rule::Holiday(LocalDate(date));
        }
        let yesterday = yesterday.filter(|yesterday| !self.exceptions.contains(yesterday));
        let weekly = self.calendar.open.iter().position(|hours| {
            let begun = |date: Date| hours.days.contains(date.weekday());
            let today_on = begun(date) && contains_today(hours.from, hours.to, second);
            today_on
                || yesterday.is_some_and(begun) && contains_next_day(hours.from, hours.to, second)
        });
        weekly.map_or(Rule::OutsideWeekly, Rule::Weekly)
    }

    fn special_line(&self, date: Date, yesterday: Option<Date>, second: u32) -> Option<usize> {
        let find = |date: Date, contains: fn(TimeOfDay, TimeOfDay, u32) -> bool| {
            let mut lines = self.special.get(&date)?.iter().copied();
            lines.find(|line| {
                let hours = self.calendar.special.get(*line);
                hours.is_some_and(|hours| contains(hours.from, hours.to, second))
            })
        };
        find(date, contains_today)
            .or_else(|| yesterday.and_then(|yesterday| find(yesterday, contains_next_day)))
    }

    /// The seconds after 00:00 at which the rule may be another one on that date, in order; 0 is the first.
    fn edges_on(&self, date: Date) -> Vec<u32> {
        let yesterday = plus(date, -1);
        let weekly = self.calendar.open.iter();
        let weekly = weekly.filter(|hours| {
            hours.days.contains(date.weekday()) || hours.days.contains(yesterday.weekday())
        });
        let special = [date, yesterday].into_iter();
        let special = special.filter_map(|date| self.special.get(&date)).flatten();
        let special = special.filter_map(|line| self.calendar.special.get(*line));
        let ranges = weekly
            .map(|hours| (hours.from, hours.to))
            .chain(special.map(|hours| (hours.from, hours.to)));
        let mut edges: Vec<u32> = ranges
            .flat_map(|(from, to)| [from.seconds(), to.seconds()])
            .chain([0])
            // 24:00 is 00:00 of the next date.
            .filter(|second| *second < TimeOfDay::END.seconds())
            .collect();
        edges.sort_unstable();
        edges.dedup();
        edges
    }
}

fn lists_of<'a>(
    centre: &'a Centre,
    calendar: &'a Calendar,
) -> impl Iterator<Item = &'a Arc<HolidayList>> {
    let names = calendar.holidays.iter();
    names.filter_map(|name| centre.holiday_lists.get(&**name))
}

fn seconds_of(time: Time) -> u32 {
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(i8::unsigned_abs);
    u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second)
}

/// On the date the hours begin on.
fn contains_today(from: TimeOfDay, to: TimeOfDay, second: u32) -> bool {
    second >= from.seconds() && (second < to.seconds() || to < from)
}

/// On the date after it, which only hours past midnight reach.
fn contains_next_day(from: TimeOfDay, to: TimeOfDay, second: u32) -> bool {
    to < from && second < to.seconds()
}

/// The date so many days later; where the calendar of the world ends, its last date.
fn plus(date: Date, days: i64) -> Date {
    date.saturating_add(jiff::Span::new().days(days))
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
