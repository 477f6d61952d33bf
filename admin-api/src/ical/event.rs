//! The dates of one event.

use icalendar::parser::{Component, Property};
use jiff::ToSpan;
use jiff::civil::Date;

use super::{Horizon, property, repeat, shortened, value};

/// The longest event that is taken for holidays, in days.
const DAYS_MAX: i32 = 31;

/// The dates on which the event is, in order.
///
/// # Errors
///
/// Why it is none that we take.
pub(super) fn dates(event: &Component<'_>, horizon: Horizon) -> Result<Vec<Date>, String> {
    refuse(event)?;
    let start = property(event, "DTSTART").ok_or("it has no DTSTART")?;
    let first = whole_day(start)?;
    let days = length(event, first)?;
    let starts = match value(event, "RRULE") {
        Some(rule) => repeat::yearly(rule, first, horizon.last_repeated)?,
        None => vec![first],
    };
    let left_out = left_out(event)?;
    let starts = starts.iter().filter(|start| !left_out.contains(start));
    let mut dates: Vec<Date> = starts
        .flat_map(|start| (0..days).filter_map(|day| start.checked_add(day.days()).ok()))
        .collect();
    dates.sort_unstable();
    dates.dedup();
    Ok(dates)
}

/// Refuses what would be another date than we read, or none.
fn refuse(event: &Component<'_>) -> Result<(), String> {
    if value(event, "STATUS").is_some_and(|status| status.eq_ignore_ascii_case("CANCELLED")) {
        return Err("it is cancelled".to_owned());
    }
    for name in ["RDATE", "EXRULE", "RECURRENCE-ID"] {
        if property(event, name).is_some() {
            return Err(format!(
                "it has {name}, which is not read: enter its dates by hand"
            ));
        }
    }
    let rules = event.properties.iter();
    let rules = rules.filter(|property| property.name.as_str().eq_ignore_ascii_case("RRULE"));
    if rules.count() > 1 {
        return Err("it has more than one RRULE: enter its dates by hand".to_owned());
    }
    Ok(())
}

/// A date without a time: `DTSTART;VALUE=DATE:20261225`.
fn whole_day(property: &Property<'_>) -> Result<Date, String> {
    let text = property.val.as_str().trim();
    let name = property.name.as_str();
    if let Some(date) = date(text) {
        return Ok(date);
    }
    if text.contains('T') {
        return Err(format!("it is no whole day: {name} is {}", shortened(text)));
    }
    Err(format!("{name} is no date: {}", shortened(text)))
}

/// `20261225`.
pub(super) fn date(text: &str) -> Option<Date> {
    let digits = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    date.ok().filter(|_| digits)
}

/// How many days it lasts: DTEND is the first date after it (RFC 5545 §3.6.1).
fn length(event: &Component<'_>, first: Date) -> Result<i32, String> {
    let days = if let Some(end) = property(event, "DTEND") {
        let days = (whole_day(end)? - first).get_days();
        // Some programs write the day itself.
        if days == 0 { 1 } else { days }
    } else if let Some(duration) = value(event, "DURATION") {
        whole_days(duration)
            .ok_or_else(|| format!("DURATION is no number of days: {}", shortened(duration)))?
    } else {
        1
    };
    match days {
        ..=0 => Err("it ends before it begins".to_owned()),
        days if days > DAYS_MAX => Err(format!(
            "it lasts {days} days: more than {DAYS_MAX} are no holiday"
        )),
        days => Ok(days),
    }
}

/// `P3D` or `P1W`.
fn whole_days(duration: &str) -> Option<i32> {
    let length = duration.trim_start_matches('+').strip_prefix('P')?;
    let (number, unit) = length.split_at_checked(length.len().checked_sub(1)?)?;
    let number: u16 = number.parse().ok()?;
    match unit {
        "D" => Some(i32::from(number)),
        "W" => Some(i32::from(number) * 7),
        _ => None,
    }
}

/// The starts that EXDATE takes out.
fn left_out(event: &Component<'_>) -> Result<Vec<Date>, String> {
    let properties = event.properties.iter();
    let properties =
        properties.filter(|property| property.name.as_str().eq_ignore_ascii_case("EXDATE"));
    let texts = properties.flat_map(|property| property.val.as_str().split(','));
    let read = |text: &str| {
        let text = text.trim();
        date(text).ok_or_else(|| format!("EXDATE is no date: {}", shortened(text)))
    };
    texts.map(read).collect()
}
