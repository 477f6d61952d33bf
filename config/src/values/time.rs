//! Times of day, dates and time zones.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::read::{Invalid, impl_text_field};

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
