//! The dates of an event that comes back every year (RFC 5545 §3.3.10).
//!
//! `FREQ=YEARLY` with INTERVAL, COUNT and UNTIL, on the month and day it began on. A date that a year does not have, 29
//! February, is left out in that year, as the standard says. Whatever else a rule asks for is refused.

use jiff::civil::Date;

use super::event::date;
use super::shortened;

/// What a rule says.
struct Yearly {
    /// Years from one to the next.
    interval: i16,
    /// How often it is, the first time included.
    count: usize,
    /// The last date.
    until: Date,
}

/// The dates on which it begins, up to `last`.
///
/// # Errors
///
/// Which part of the rule is not read.
pub(super) fn yearly(rule: &str, first: Date, last: Date) -> Result<Vec<Date>, String> {
    let rule = Yearly::read(rule, first)?;
    let last = rule.until.min(last);
    let years = (first.year()..=last.year()).step_by(usize::from(rule.interval.unsigned_abs()));
    let dates = years.filter_map(|year| Date::new(year, first.month(), first.day()).ok());
    let dates = dates.take(rule.count).take_while(|date| *date <= last);
    Ok(dates.collect())
}

impl Yearly {
    fn read(rule: &str, first: Date) -> Result<Self, String> {
        let mut yearly = Self {
            interval: 1,
            count: usize::MAX,
            until: Date::MAX,
        };
        let mut is_yearly = false;
        for part in rule.split(';').filter(|part| !part.is_empty()) {
            let refuse = || {
                format!(
                    "it repeats by {}, which is not read: enter its dates by hand",
                    shortened(part)
                )
            };
            let (key, value) = part.split_once('=').ok_or_else(refuse)?;
            let is = |number: i8| value.parse() == Ok(number);
            let known = match key.trim().to_ascii_uppercase().as_str() {
                "FREQ" => {
                    is_yearly = value.eq_ignore_ascii_case("YEARLY");
                    is_yearly
                }
                "INTERVAL" => number(value).map(|years| yearly.interval = years).is_some(),
                "COUNT" => value.parse().is_ok_and(|count: usize| {
                    yearly.count = count;
                    count > 0
                }),
                "UNTIL" => value
                    .get(..8)
                    .and_then(date)
                    .map(|until| yearly.until = until)
                    .is_some(),
                // The same as without.
                "BYMONTH" => is(first.month()),
                "BYMONTHDAY" => is(first.day()),
                "WKST" => true,
                _ => false,
            };
            if !known {
                return Err(refuse());
            }
        }
        is_yearly
            .then_some(yearly)
            .ok_or_else(|| "its RRULE has no FREQ".to_owned())
    }
}

fn number(text: &str) -> Option<i16> {
    text.parse().ok().filter(|years| *years > 0)
}
