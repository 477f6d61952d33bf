//! What decides, in words for people; lines count from 1 there.

use alloc::format;
use alloc::string::String;

use super::{Hours, Rule};

impl Hours {
    /// What decides, as `weekly line 2: mon-fri 13:00-17:00` or `closed: Koningsdag, list nl-public`.
    pub fn words(&self, rule: Rule) -> String {
        match rule {
            Rule::Weekly(index) => self.weekly_words(index),
            Rule::Special(index) => self.special_words(index),
            Rule::OutsideWeekly if self.calendar.open.is_empty() => {
                String::from("there are no weekly hours")
            }
            Rule::OutsideWeekly => String::from("outside the weekly hours"),
            Rule::OutsideSpecial(date) => format!("outside the special hours of {date}"),
            Rule::ClosedOn(date) => format!("closed on {date}"),
            Rule::Holiday(_) => self.holiday_words(rule),
        }
    }

    fn weekly_words(&self, index: usize) -> String {
        let line = index + 1;
        self.calendar.open.get(index).map_or_else(
            || format!("weekly line {line}"),
            |hours| {
                let (days, from, to) = (hours.days, hours.from, hours.to);
                format!("weekly line {line}: {days} {from}-{to}")
            },
        )
    }

    fn special_words(&self, index: usize) -> String {
        let line = index + 1;
        self.calendar.special.get(index).map_or_else(
            || format!("special line {line}"),
            |hours| {
                let (date, from, to) = (hours.date, hours.from, hours.to);
                format!("special line {line}: {date} {from}-{to}")
            },
        )
    }

    fn holiday_words(&self, rule: Rule) -> String {
        let Some((list, holiday)) = self.holiday(rule) else {
            return String::from("closed: a holiday");
        };
        let words = match &holiday.name {
            Some(name) => format!("closed: {name}, list {}", list.name),
            None => format!("closed: {}, list {}", holiday.date, list.name),
        };
        match &holiday.source {
            Some(source) => format!("{words}, from {source}"),
            None => words,
        }
    }
}
