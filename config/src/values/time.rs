//! Times of day, days, dates, time zones and lengths of time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde_json::Value as Json;

use crate::read::{
    Bounded, Field, Invalid, Node, Reader, Shape, Value, impl_text_field, read_whole_number,
};

/// A length of time in whole seconds, as people set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seconds(pub u32);

impl Seconds {
    /// The same as a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        seconds.duration()
    }
}

impl From<Seconds> for u64 {
    fn from(seconds: Seconds) -> Self {
        Self::from(seconds.0)
    }
}

impl Field for Seconds {
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        u32::read(node, reader).map(Self)
    }

    fn write(&self) -> Json {
        Json::from(self.0)
    }

    fn shape() -> Shape {
        u32::shape()
    }
}

impl Bounded for Seconds {
    fn amount(&self) -> Option<i64> {
        Some(i64::from(self.0))
    }
}

/// How long an agent keeps after an interaction before the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrapUp {
    /// So many seconds.
    Seconds(Seconds),
    /// Until the agent ends it.
    Manual,
}

impl WrapUp {
    /// A day: longer than any wrap-up, shorter than a mistake.
    const MAX: i64 = 86_400;
}

impl Default for WrapUp {
    fn default() -> Self {
        Self::Seconds(Seconds(0))
    }
}

impl Field for WrapUp {
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if let Value::Text(text) = &node.value {
            if text == "manual" {
                return Some(Self::Manual);
            }
            let fault = Invalid::new(
                format!("\"{}\" is no wrap-up", text.escape_debug()),
                "write seconds without quotes, or \"manual\"",
            );
            reader.invalid(node, fault);
            return None;
        }
        let whole = read_whole_number(node, reader)?;
        match u32::try_from(whole) {
            Ok(seconds) if whole <= Self::MAX => Some(Self::Seconds(Seconds(seconds))),
            Ok(_) | Err(_) => {
                let help = format!("write seconds from 0 to {}, or \"manual\"", Self::MAX);
                reader.invalid(node, Invalid::new(format!("{whole} is out of range"), help));
                None
            }
        }
    }

    fn write(&self) -> Json {
        match self {
            Self::Seconds(seconds) => seconds.write(),
            Self::Manual => Json::from("manual"),
        }
    }

    fn shape() -> Shape {
        let seconds = Shape::Integer {
            min: 0,
            max: Self::MAX,
        };
        Shape::Either(Box::new(seconds), Box::new(Shape::Choice(&["manual"])))
    }
}

/// A part of a whole, kept in ten-thousandths so that no decision meets a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Share(u32);

impl Share {
    const WHOLE: u32 = 10_000;

    /// From ten-thousandths; more than the whole is the whole.
    pub const fn from_ten_thousandths(parts: u32) -> Self {
        Self(if parts > Self::WHOLE {
            Self::WHOLE
        } else {
            parts
        })
    }

    /// In ten-thousandths: 0.8 is 8000.
    pub const fn ten_thousandths(self) -> u32 {
        self.0
    }
}

impl Field for Share {
    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let share = match &node.value {
            Value::Float(share) => *share,
            Value::Integer(0) => 0.0,
            Value::Integer(1) => 1.0,
            Value::Integer(_) => 2.0,
            Value::Null
            | Value::Flag(_)
            | Value::Huge(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Table(_) => {
                reader.wrong_type(node, "a number from 0 to 1", "for example 0.8");
                return None;
            }
        };
        if !(0.0..=1.0).contains(&share) {
            let fault = Invalid::new("not between 0 and 1", "80 % is written 0.8");
            reader.invalid(node, fault);
            return None;
        }
        // In range by the check above, so that the conversion cannot lose anything but rounding.
        Some(Self((share * f64::from(Self::WHOLE)).round() as u32))
    }

    fn write(&self) -> Json {
        Json::from(f64::from(self.0) / f64::from(Self::WHOLE))
    }

    fn shape() -> Shape {
        Shape::Share
    }
}

/// A moment of the day by the clock on the wall, from 00:00 to 24:00, exact to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TimeOfDay(u32);

impl TimeOfDay {
    /// 00:00, where a day starts.
    pub const START: Self = Self(0);
    /// 24:00, where a day ends and the next one starts.
    pub const END: Self = Self(86_400);

    /// From seconds after 00:00, if they are no more than a day.
    pub const fn from_seconds(seconds: u32) -> Option<Self> {
        if seconds <= Self::END.0 {
            Some(Self(seconds))
        } else {
            None
        }
    }

    /// Seconds after 00:00 on the clock: 0 to 86,400.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl FromStr for TimeOfDay {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fault = || {
            Invalid::new(
                format!("\"{}\" is no time of day", text.escape_debug()),
                "write hours and minutes from \"00:00\" to \"24:00\"",
            )
        };
        let two_digits = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse::<u32>().ok()).flatten()
        };
        let mut parts = text.split(':');
        let hours = parts.next().and_then(two_digits).ok_or_else(fault)?;
        let minutes = parts.next().and_then(two_digits).ok_or_else(fault)?;
        let seconds = parts.next().map_or(Some(0), two_digits).ok_or_else(fault)?;
        let total = hours * 3600 + minutes * 60 + seconds;
        if parts.next().is_some() || minutes > 59 || seconds > 59 || total > Self::END.0 {
            return Err(fault());
        }
        Ok(Self(total))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hours:02}:{minutes:02}")?;
        if seconds > 0 {
            write!(f, ":{seconds:02}")?;
        }
        Ok(())
    }
}

impl_text_field!(TimeOfDay, "a time of day", "08:00");

/// Days of the week: `mon-fri`, `sat, sun`, `all`, `all except sun`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Days(u8);

const DAY_NAMES: [(&str, &str); 7] = [
    ("mon", "monday"),
    ("tue", "tuesday"),
    ("wed", "wednesday"),
    ("thu", "thursday"),
    ("fri", "friday"),
    ("sat", "saturday"),
    ("sun", "sunday"),
];

impl Days {
    /// Every day of the week.
    pub const ALL: Self = Self(0x7f);

    /// Whether the day is one of these.
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & (1 << day.to_monday_zero_offset()) != 0
    }

    fn parse_list(text: &str) -> Option<u8> {
        let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
        parts
            .map(Self::parse_span)
            .try_fold(0, |days, span| span.map(|span| days | span))
    }

    /// `wed`, or `mon-fri`; a span may run over the weekend: `sat-mon`.
    fn parse_span(text: &str) -> Option<u8> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (parse_day(first)?, parse_day(last)?);
        let length = (last + 7 - first) % 7;
        Some((0..=length).fold(0, |days, step| days | 1 << ((first + step) % 7)))
    }
}

fn parse_day(text: &str) -> Option<usize> {
    DAY_NAMES
        .iter()
        .position(|(short, long)| text == *short || text == *long)
}

impl FromStr for Days {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let words = text.to_ascii_lowercase();
        let (chosen, except) = words.split_once("except").unwrap_or((&words, ""));
        let chosen = match chosen.trim() {
            "all" => Some(Self::ALL.0),
            list => Self::parse_list(list),
        };
        let days = chosen
            .zip(Self::parse_list(except))
            .map(|(chosen, except)| chosen & !except);
        days.filter(|days| *days != 0).map(Self).ok_or_else(|| {
            Invalid::new(
                format!("\"{}\" names no days", text.escape_debug()),
                "write \"mon-fri\", \"sat, sun\", \"all\" or \"all except sun\"",
            )
        })
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("all");
        }
        let chosen = |day: usize| self.0 & (1 << day) != 0;
        let mut separator = "";
        let mut day = 0;
        while day < 7 {
            let length = (day..7).take_while(|day| chosen(*day)).count();
            match length {
                0 => day += 1,
                1 => write!(f, "{separator}{}", DAY_NAMES[day].0)?,
                _ => write!(
                    f,
                    "{separator}{}-{}",
                    DAY_NAMES[day].0,
                    DAY_NAMES[day + length - 1].0
                )?,
            }
            if length > 0 {
                separator = ", ";
                day += length;
            }
        }
        Ok(())
    }
}

impl_text_field!(Days, "days of the week", "mon-fri");

/// A date in the calendar's own time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LocalDate(pub Date);

impl FromStr for LocalDate {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let date = plain.then(|| text.parse().ok()).flatten();
        date.map(Self).ok_or_else(|| {
            Invalid::new(
                format!("\"{}\" is no date", text.escape_debug()),
                "write year, month and day: \"2026-12-24\"",
            )
        })
    }
}

impl fmt::Display for LocalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl_text_field!(LocalDate, "a date", "2026-12-24");

/// A time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone itself.
    pub fn time_zone(&self) -> &TimeZone {
        &self.0
    }

    /// Coordinated universal time.
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::utc()
    }
}

impl FromStr for Zone {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        TimeZone::get(text).map(Self).map_err(|_| {
            let near = crate::read::closest(text, ZONES_OFTEN_MEANT.iter().copied());
            let help = near.map_or_else(
                || "write a name of the IANA database, such as \"Europe/Amsterdam\"".to_owned(),
                |near| format!("did you mean \"{near}\"?"),
            );
            Invalid::new(
                format!("no time zone is called \"{}\"", text.escape_debug()),
                help,
            )
        })
    }
}

/// For "did you mean" only: `TimeZone::get` decides what exists.
const ZONES_OFTEN_MEANT: &[&str] = &[
    "America/Chicago",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Amsterdam",
    "Europe/Berlin",
    "Europe/Brussels",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Paris",
    "Europe/Rome",
    "Europe/Vienna",
    "Europe/Zurich",
    "UTC",
];

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl_text_field!(Zone, "a time zone", "Europe/Amsterdam");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day() {
        let cases = [
            ("00:00", Some(0)),
            ("08:30", Some(30_600)),
            ("08:30:15", Some(30_615)),
            ("23:59:59", Some(86_399)),
            ("24:00", Some(86_400)),
            ("24:00:01", None),
            ("25:00", None),
            ("08:60", None),
            ("8:00", None),
            ("08", None),
            ("08:00:00:00", None),
            ("+8:00", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let time = text.parse::<TimeOfDay>().ok();
            assert_eq!(time.map(TimeOfDay::seconds), expected, "{text}");
            if let Some(time) = time {
                assert_eq!(time.to_string().parse(), Ok(time), "{text}");
            }
        }
    }

    #[test]
    fn days_of_the_week() {
        let cases = [
            ("mon-fri", Some("mon-fri")),
            ("all", Some("all")),
            ("all except sun", Some("mon-sat")),
            ("all except sat, sun", Some("mon-fri")),
            ("All Except Sunday", Some("mon-sat")),
            ("mon,wed fri-sat", Some("mon, wed, fri-sat")),
            ("sat-mon", Some("mon, sat-sun")),
            ("mon-fri except wed", Some("mon-tue, thu-fri")),
            ("", None),
            ("all except mon-sun", None),
            ("monfri", None),
            ("noday", None),
        ];
        for (text, expected) in cases {
            let days = text.parse::<Days>().ok();
            assert_eq!(
                days.map(|days| days.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn every_set_of_days_prints_as_it_can_be_read() {
        for bits in 1..=0x7f {
            let days = Days(bits);
            assert_eq!(days.to_string().parse(), Ok(days));
        }
    }

    #[test]
    fn dates_and_zones() {
        for (text, expected) in [
            ("2026-12-24", true),
            ("2028-02-29", true),
            ("2026-02-29", false),
            ("2026-13-01", false),
            ("24-12-2026", false),
            ("2026-12-24T10:00", false),
        ] {
            assert_eq!(text.parse::<LocalDate>().is_ok(), expected, "{text}");
        }
        assert_eq!(
            "Europe/Amsterdam".parse::<Zone>().unwrap().to_string(),
            "Europe/Amsterdam"
        );
        let fault = "Europe/Amsterdm".parse::<Zone>().unwrap_err();
        assert_eq!(fault.help, "did you mean \"Europe/Amsterdam\"?");
    }
}
