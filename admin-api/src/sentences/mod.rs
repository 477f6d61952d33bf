//! Decisions told in plain English, one sentence for each thing that matters.
//!
//! What is told comes from the engine's answers and the view; times are those of the clock on the wall of the centre. Nothing
//! here decides who may hear it.

mod agent;
mod choice;
mod hindrance;
mod story;
mod waiting;

pub(crate) use agent::nothing;
pub(crate) use choice::choice;
pub(crate) use hindrance::{detail, word};
pub(crate) use story::told;
pub(crate) use waiting::{happening, happening_word, ringing, waiting};

use config::{Snapshot, Zone};
use engine::CallId;
use engine::view::View;
use jiff::Timestamp;

use crate::routes::tier;

/// What names and times are told by.
pub(crate) struct Teller<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) view: &'a View,
}

impl Teller<'_> {
    /// The name of a user as others see it; the user name of who has none or is gone.
    pub(crate) fn name(&self, username: &str) -> String {
        let user = self.snapshot.centre.users.get(username);
        let name = user.map(|user| user.name.to_string());
        name.filter(|name| !name.is_empty())
            .unwrap_or_else(|| username.to_owned())
    }

    /// A call by its caller, and by what sets it apart from others.
    pub(crate) fn call(&self, call: CallId) -> String {
        let Some(row) = self.view.calls.get(&call) else {
            return format!("call {call}");
        };
        let number = Some(&row.caller.number).filter(|number| !number.is_empty());
        let number = number.map_or("a withheld number", String::as_str);
        let rank = row.queued.as_ref().map(|queued| queued.rank.tier);
        match rank.map(tier) {
            None | Some("normal") => number.to_owned(),
            Some(tier) => format!("{number} ({tier})"),
        }
    }

    /// The time on the wall, to the second.
    pub(crate) fn clock(&self, utc_us: i64) -> String {
        clock(&self.snapshot.settings.centre.timezone, utc_us)
    }
}

fn clock(zone: &Zone, utc_us: i64) -> String {
    let at = Timestamp::from_microsecond(utc_us).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.time_zone().clone())
        .strftime("%H:%M:%S")
        .to_string()
}

/// The first, second, third...
pub(crate) fn ordinal(place: u32) -> String {
    let words = ["next", "second", "third", "fourth", "fifth", "sixth"];
    let word = usize::try_from(place)
        .ok()
        .and_then(|place| words.get(place.checked_sub(1)?));
    word.map_or_else(|| format!("number {place}"), |word| (*word).to_owned())
}

/// `a`, `a and b`, `a, b and c`; nothing for none.
pub(crate) fn enumerate(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `1 caller`, `2 callers`.
pub(crate) fn count(number: u32, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    }
}

/// Makes a sentence of it: a capital and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase());
    let first = first.map(String::from_iter).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_listed_as_people_do() {
        let parts = ["a", "b", "c"].map(String::from);
        for (len, expected) in [(0, ""), (1, "a"), (2, "a and b"), (3, "a, b and c")] {
            assert_eq!(enumerate(&parts[..len]), expected);
        }
        assert_eq!(count(1, "caller"), "1 caller");
        assert_eq!(count(0, "caller"), "0 callers");
        assert_eq!(ordinal(1), "next");
        assert_eq!(ordinal(6), "sixth");
        assert_eq!(ordinal(7), "number 7");
        assert_eq!(sentence("it is so"), "It is so.");
        assert_eq!(sentence(""), ".");
    }

    #[test]
    fn times_are_those_on_the_wall() {
        let zone: Zone = "Europe/Amsterdam".parse().unwrap();
        assert_eq!(clock(&zone, 1_780_300_800_000_000), "10:00:00");
    }
}
