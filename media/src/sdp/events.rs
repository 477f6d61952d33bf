//! Which telephone events a side can hear: the `0-15` of `a=fmtp:101 0-15`.

use core::fmt;

/// The highest event we look at: 16, the flash. Tones above it are nothing to us.
const HIGHEST: u8 = 16;

/// A set of the events 0 to 16 (RFC 4733 §2.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSet(u32);

impl EventSet {
    /// All keys and the flash: what we can hear.
    pub const KEYS: Self = Self((1 << (HIGHEST + 1)) - 1);

    /// What a side that names no events can hear: the sixteen keys.
    pub const UNSAID: Self = Self(0xFFFF);

    /// Reads the parameters of an `a=fmtp`. One that makes no sense counts as unsaid, as it is no reason to go without keys.
    pub fn parse(parameters: &str) -> Self {
        let list = parameters.trim().trim_start_matches("events=");
        let events = list
            .split(',')
            .filter_map(parse_range)
            .fold(0, |events, range| events | range);
        if events == 0 {
            Self::UNSAID
        } else {
            Self(events)
        }
    }

    /// Whether nothing is left.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` is in it.
    pub const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What both can hear.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn contains(self, event: u8) -> bool {
        event <= HIGHEST && self.0 & (1 << event) != 0
    }
}

/// The bits of `3` or `0-11`; of a range that goes beyond, the part we look at.
fn parse_range(range: &str) -> Option<u32> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let first: u8 = first.trim().parse().ok()?;
    let last: u8 = last.trim().parse().ok()?;
    Some((first..=last.min(HIGHEST)).fold(0, |bits, event| bits | (1 << event)))
}

impl fmt::Display for EventSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts = (0..=HIGHEST)
            .filter(|event| self.contains(*event) && (*event == 0 || !self.contains(event - 1)));
        for (index, first) in starts.enumerate() {
            let last = (first..=HIGHEST)
                .take_while(|event| self.contains(*event))
                .last()
                .unwrap_or(first);
            let comma = if index == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?
            } else {
                write!(f, "{comma}{first}-{last}")?
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn parameters_name_events() {
        let table = [
            ("0-15", "0-15"),
            ("0-16", "0-16"),
            ("0-11,16", "0-11,16"),
            (" 0 - 9 , 11 ", "0-9,11"),
            ("0-15,66,70", "0-15"),
            ("events=0-11", "0-11"),
            ("5", "5"),
            ("0-255", "0-16"),
            ("11-0", "0-15"),
            ("", "0-15"),
            ("all of them", "0-15"),
            ("66", "0-15"),
        ];
        for (parameters, expected) in table {
            let events = EventSet::parse(parameters);
            assert_eq!(events.to_string(), expected, "{parameters:?}");
            assert_eq!(
                EventSet::parse(&events.to_string()),
                events,
                "{parameters:?}"
            );
        }
    }

    #[test]
    fn sets_meet() {
        let ten = EventSet::parse("0-9");
        assert_eq!(EventSet::KEYS.and(ten), ten);
        assert!(
            EventSet::KEYS.contains_all(EventSet::UNSAID)
                && !EventSet::UNSAID.contains_all(EventSet::KEYS)
        );
        assert!(EventSet::parse("10").and(ten).is_empty());
    }
}
