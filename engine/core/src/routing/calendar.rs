//! When a calendar is open, exact to the second (rule 19).
//!
//! A calendar speaks of the clock on the wall in its own zone, and so does the answer: it is open
//! at an instant if its hours contain the time that clock shows then. Ranges contain their start
//! and not their end. What follows for the two days a year on which the clock is moved: a time that
//! is skipped is the instant of the move, and an hour that comes twice is judged alike both times.
//!
//! Hours past midnight belong to the date they begin on. A date in `closed_on` is closed from 00:00
//! to 24:00, also where hours of the evening before reach into it. A date with special hours has
//! these instead of the weekly ones, those that reach into it included.

use alloc::vec::Vec;

use config::{Calendar, LocalDate, TimeOfDay, Zone};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

/// Which line of the calendar decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Weekly hours say open.
    WeeklyHours,
    /// The date's special hours say open.
    SpecialHours,
    /// No weekly hours are on.
    OutsideWeeklyHours,
    /// The date has special hours, and they are not on.
    OutsideSpecialHours,
    /// The date is one on which it is closed.
    ClosedDate,
}

impl Why {
    /// Whether that means open.
    pub fn is_open(self) -> bool {
        match self {
            Self::WeeklyHours | Self::SpecialHours => true,
            Self::OutsideWeeklyHours | Self::OutsideSpecialHours | Self::ClosedDate => false,
        }
    }
}

/// Whether the calendar is open at that instant, and why. `centre_zone` is for calendars that name
/// no zone of their own.
pub fn is_open(calendar: &Calendar, centre_zone: &Zone, at: Timestamp) -> (bool, Why) {
    let local = zone_of(calendar, centre_zone).to_datetime(at);
    let why = state(calendar, local.date(), seconds_of(local.time()));
    (why.is_open(), why)
}

/// The first instant after `at` at which [`is_open`] has another answer; `None`: it never has.
pub fn next_change(calendar: &Calendar, centre_zone: &Zone, at: Timestamp) -> Option<Timestamp> {
    let zone = zone_of(calendar, centre_zone);
    let today = zone.to_datetime(at).date();
    let now_open = is_open(calendar, centre_zone, at).0;
    let mut instants = Vec::new();
    for (first, last) in windows(calendar, today) {
        instants.clear();
        collect_instants(calendar, zone, (first, last), &mut instants);
        instants.sort_unstable();
        let changes = |instant: &&Timestamp| {
            // Instants beyond the window are there for the order only: the next one has them all.
            **instant > at
                && zone.to_datetime(**instant).date() <= last
                && is_open(calendar, centre_zone, **instant).0 != now_open
        };
        if let Some(change) = instants.iter().find(changes) {
            return Some(*change);
        }
    }
    None
}

fn zone_of<'a>(calendar: &'a Calendar, centre_zone: &'a Zone) -> &'a TimeZone {
    calendar
        .timezone
        .as_ref()
        .unwrap_or(centre_zone)
        .time_zone()
}

fn seconds_of(time: Time) -> u32 {
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(i8::unsigned_abs);
    u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second)
}

/// The answer for a time on the wall.
fn state(calendar: &Calendar, date: Date, second: u32) -> Why {
    let is_closed = |date: Date| calendar.closed_on.contains(&LocalDate(date));
    if is_closed(date) {
        return Why::ClosedDate;
    }
    let yesterday = date
        .yesterday()
        .ok()
        .filter(|yesterday| !is_closed(*yesterday));
    let special = calendar.special.iter().any(|hours| {
        let today_on = hours.date.0 == date && contains_today(hours.from, hours.to, second);
        today_on
            || yesterday == Some(hours.date.0) && contains_next_day(hours.from, hours.to, second)
    });
    if special {
        return Why::SpecialHours;
    }
    if calendar.is_special(LocalDate(date)) {
        return Why::OutsideSpecialHours;
    }
    let yesterday = yesterday.filter(|yesterday| !calendar.is_special(LocalDate(*yesterday)));
    let weekly = calendar.open.iter().any(|hours| {
        let begun = |date: Date| hours.days.contains(date.weekday());
        let today_on = begun(date) && contains_today(hours.from, hours.to, second);
        today_on || yesterday.is_some_and(begun) && contains_next_day(hours.from, hours.to, second)
    });
    if weekly {
        Why::WeeklyHours
    } else {
        Why::OutsideWeeklyHours
    }
}

/// On the date the hours begin on.
fn contains_today(from: TimeOfDay, to: TimeOfDay, second: u32) -> bool {
    second >= from.seconds() && (second < to.seconds() || to < from)
}

/// On the date after it, which only hours past midnight reach.
fn contains_next_day(from: TimeOfDay, to: TimeOfDay, second: u32) -> bool {
    to < from && second < to.seconds()
}

/// Days in a row after which a calendar without exceptions has shown every change it can make:
/// two weeks, since a moved clock can skip one week's hours, and a day on either side.
const WEEKLY_SPAN: i64 = 16;
/// Days looked at together.
const WINDOW: i64 = 4;

/// The dates on which something may change, as spans in ascending order: the next two weeks, then
/// the time around each exception. In between the weeks are all alike.
fn windows(calendar: &Calendar, today: Date) -> impl Iterator<Item = (Date, Date)> {
    let special = calendar.special.iter().map(|hours| hours.date);
    let mut exceptions: Vec<Date> = special
        .chain(calendar.closed_on.iter().copied())
        .map(|date| date.0)
        .filter(|date| *date >= today)
        .collect();
    exceptions.sort_unstable();
    exceptions.dedup();
    let mut next = Some(today);
    let mut spans = Vec::new();
    let starts = core::iter::once(today).chain(exceptions.into_iter().map(|date| plus(date, -1)));
    for start in starts {
        let end = plus(start, WEEKLY_SPAN);
        while let Some(first) = next
            .map(|next| next.max(start))
            .filter(|first| *first <= end)
        {
            let last = plus(first, WINDOW - 1);
            spans.push((first, last));
            next = last.tomorrow().ok();
        }
    }
    spans.into_iter()
}

/// The date so many days later; where the calendar of the world ends, its last date.
fn plus(date: Date, days: i64) -> Date {
    date.saturating_add(jiff::Span::new().days(days))
}

/// Every instant at which the answer may change on these dates, and on the two around them.
fn collect_instants(
    calendar: &Calendar,
    zone: &TimeZone,
    (first, last): (Date, Date),
    instants: &mut Vec<Timestamp>,
) {
    let (first, last) = (plus(first, -1), plus(last, 1));
    let mut date = first;
    loop {
        instants_at(zone, date, 0, instants);
        for hours in &calendar.open {
            let begins = |date: Date| hours.days.contains(date.weekday());
            if begins(date) || begins(plus(date, -1)) {
                instants_at(zone, date, hours.from.seconds(), instants);
                instants_at(zone, date, hours.to.seconds(), instants);
            }
        }
        for hours in &calendar.special {
            if hours.date.0 == date || hours.date.0 == plus(date, -1) {
                instants_at(zone, date, hours.from.seconds(), instants);
                instants_at(zone, date, hours.to.seconds(), instants);
            }
        }
        match date.tomorrow() {
            Ok(tomorrow) if tomorrow <= last => date = tomorrow,
            Ok(_) | Err(_) => break,
        }
    }
    let (Some(from), Some(to)) = (
        instants.iter().min().copied(),
        instants.iter().max().copied(),
    ) else {
        return;
    };
    let moves = zone
        .following(from)
        .map(|transition| transition.timestamp());
    instants.extend(moves.take_while(|instant| *instant <= to));
}

/// The instants at which the clock shows that time: one, two where an hour comes twice, or two
/// around the move where the time is skipped.
fn instants_at(zone: &TimeZone, date: Date, second: u32, instants: &mut Vec<Timestamp>) {
    // 24:00 is 00:00 of the next date, which is there anyway.
    let Some(time) = time_of(second) else {
        return;
    };
    let local = date.to_datetime(time);
    let (one, other) = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => (offset, None),
        AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => {
            (before, Some(after))
        }
    };
    let offsets = core::iter::once(one).chain(other);
    instants.extend(offsets.filter_map(|offset| offset.to_timestamp(local).ok()));
}

fn time_of(second: u32) -> Option<Time> {
    let part = |value: u32| i8::try_from(value).ok();
    Time::new(
        part(second / 3600)?,
        part(second / 60 % 60)?,
        part(second % 60)?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests;
