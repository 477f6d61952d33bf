//! Days of the week.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Weekday;

use crate::read::{Invalid, impl_text_field};

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
