//! An iCalendar file (RFC 5545) as holidays: which dates it names, and what of it was not taken, with the reason.
//!
//! Only whole days count: an event with times, a cancelled one or one that repeats in a way we do not read is told, never
//! passed over. The syntax is read by the crate `icalendar`; the components' meaning for us is ours.
//! Its feature for repetitions is left out: it brings a second time zone database, and holidays repeat by the year,
//! which [`repeat`] reads. What to do with the dates is left to the caller.

mod event;
mod repeat;

use std::collections::BTreeMap;

use icalendar::parser::{Component, Property, read_components, unfold};
use jiff::civil::Date;

/// The most events of a file: centuries of holidays.
const EVENTS_MAX: usize = 5000;

/// How deep components may stand in one another: a calendar, an event, its alarm, and one to spare.
const DEPTH_MAX: usize = 4;

/// The longest name that a date gets, in characters.
const NAME_MAX: usize = 200;

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Feed {
    /// What the calendar is called.
    pub(crate) name: Option<String>,
    /// The dates from the first one asked for on, each with its name.
    pub(crate) holidays: BTreeMap<Date, Option<String>>,
    /// What was not taken.
    pub(crate) ignored: Vec<Ignored>,
}

/// Something of a file that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Ignored {
    /// The event's name, or the date.
    pub(crate) what: String,
    /// Why not.
    pub(crate) why: String,
}

/// Which dates are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Horizon {
    /// The first.
    pub(crate) first: Date,
    /// The last one for an event that repeats; others have no end.
    pub(crate) last_repeated: Date,
}

/// Reads a file.
///
/// # Errors
///
/// What is wrong with it as a whole, for people.
pub(crate) fn read(text: &str, horizon: Horizon) -> Result<Feed, String> {
    let text = unfold(text.trim_start_matches('\u{feff}'));
    check_depth(&text)?;
    let roots = read_components(&text).map_err(|error| {
        let first = error.lines().take(2).collect::<Vec<_>>().join(" ");
        format!("this is no iCalendar file: {}", shortened(&first))
    })?;
    let mut feed = Feed::default();
    let mut events = 0;
    for root in &roots {
        if !root.name.as_str().eq_ignore_ascii_case("VCALENDAR") {
            return Err(format!(
                "this is no calendar, but a {}",
                shortened(root.name.as_str())
            ));
        }
        feed.name = feed
            .name
            .or_else(|| value(root, "X-WR-CALNAME").and_then(name_of));
        for component in &root.components {
            events += 1;
            if events > EVENTS_MAX {
                return Err(format!("there are more than {EVENTS_MAX} events in it"));
            }
            feed.take(component, horizon);
        }
    }
    Ok(feed)
}

/// The parser goes down by recursion, so how deep is decided before.
fn check_depth(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for line in text.lines() {
        let line = line.trim_start();
        let begins = |word: &str| {
            let head = line.get(..word.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(word))
        };
        if begins("BEGIN:") {
            depth += 1;
        } else if begins("END:") {
            depth = depth.saturating_sub(1);
        }
        if depth > DEPTH_MAX {
            return Err("its components stand too deep in one another".to_owned());
        }
    }
    Ok(())
}

impl Feed {
    fn take(&mut self, component: &Component<'_>, horizon: Horizon) {
        let kind = component.name.as_str().to_ascii_uppercase();
        let name = value(component, "SUMMARY").and_then(name_of);
        match kind.as_str() {
            "VEVENT" => match event::dates(component, horizon) {
                Ok(dates) => self.add(&dates, name, horizon),
                Err(why) => self.ignore(name, why),
            },
            // It explains times, of which we take none.
            "VTIMEZONE" => {}
            other => self.ignore(name, format!("this is a {}, no event", shortened(other))),
        }
    }

    fn add(&mut self, dates: &[Date], name: Option<String>, horizon: Horizon) {
        let (passed, ahead): (Vec<Date>, Vec<Date>) =
            dates.iter().partition(|date| **date < horizon.first);
        if let Some(last) = passed.last() {
            let why = match ahead.is_empty() {
                true => format!("it has passed: {last}"),
                false => format!("it has passed up to {last}; the dates after that are taken"),
            };
            self.ignore(name.clone(), why);
        }
        for date in ahead {
            let names = self.holidays.entry(date).or_default();
            *names = together(names.take(), name.as_deref());
        }
    }

    fn ignore(&mut self, name: Option<String>, why: String) {
        let what = name.unwrap_or_else(|| "an event without a name".to_owned());
        self.ignored.push(Ignored { what, why });
    }
}

/// Two holidays on one date are one date with both names.
fn together(first: Option<String>, second: Option<&str>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) if first.split(" / ").any(|name| name == second) => Some(first),
        (Some(first), Some(second)) => Some(shortened(&format!("{first} / {second}"))),
        (first, second) => first.or_else(|| second.map(str::to_owned)),
    }
}

fn property<'a, 'b>(component: &'a Component<'b>, name: &str) -> Option<&'a Property<'b>> {
    let mut properties = component.properties.iter();
    properties.find(|property| property.name.as_str().eq_ignore_ascii_case(name))
}

fn value<'a>(component: &'a Component<'_>, name: &str) -> Option<&'a str> {
    property(component, name).map(|property| property.val.as_str().trim())
}

/// A text as a name on one line; none when nothing is left of it.
fn name_of(text: &str) -> Option<String> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    Some(shortened(&words.join(" "))).filter(|name| !name.is_empty())
}

fn shortened(text: &str) -> String {
    text.chars().take(NAME_MAX).collect()
}

#[cfg(test)]
mod tests;
