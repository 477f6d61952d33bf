//! The calendar beside an implementation that shares nothing with it: other words for the lines, another crate's time
//! zones, every minute looked at by itself.

use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

use chrono::{DateTime, Datelike, Duration, NaiveDate, Offset as _, TimeZone as _, Timelike, Utc};
use chrono_tz::Tz;
use config::Resource;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json;

use super::*;

const ZONES: [&str; 20] = [
    "Europe/Amsterdam",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Kyiv",
    "America/New_York",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/St_Johns",
    "America/Havana",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Amman",
    "Asia/Tehran",
    "Asia/Gaza",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
];

/// Seconds after midnight, from and to.
type Range = (u32, u32);

/// A calendar as the oracle understands it.
#[derive(Debug, Default)]
struct Plain {
    /// Days counted from Monday, and their range.
    weekly: Vec<([bool; 7], Range)>,
    special: Vec<(NaiveDate, Range)>,
    closed: Vec<NaiveDate>,
    holidays: Vec<NaiveDate>,
}

impl Plain {
    fn is_open(&self, zone: Tz, at: DateTime<Utc>) -> bool {
        let local = at.with_timezone(&zone).naive_local();
        let (date, second) = (local.date(), local.time().num_seconds_from_midnight());
        if self.closed.contains(&date) {
            return false;
        }
        let eve = date - Duration::days(1);
        let covers = |begun: NaiveDate, (from, to): Range| {
            let length = if to < from { to + 86_400 } else { to };
            let passed = if begun == date {
                second
            } else {
                second + 86_400
            };
            from <= passed && passed < length
        };
        let begins =
            |begun: NaiveDate| begun == date || begun == eve && !self.closed.contains(&eve);
        let of_date = |date: NaiveDate| self.special.iter().any(|(special, _)| *special == date);
        let is_on = |(begun, range): &(NaiveDate, Range)| begins(*begun) && covers(*begun, *range);
        if self.special.iter().any(is_on) {
            return true;
        }
        if of_date(date) || self.holidays.contains(&date) {
            return false;
        }
        [date, eve].into_iter().any(|begun| {
            let counts = begins(begun) && !of_date(begun) && !self.holidays.contains(&begun);
            let weekday = begun.weekday().num_days_from_monday() as usize;
            let mut lines = self.weekly.iter();
            counts && lines.any(|(days, range)| days[weekday] && covers(begun, *range))
        })
    }

    fn hours(&self, zone: &str) -> Hours {
        let time = |seconds: u32| {
            format!(
                "{:02}:{:02}:{:02}",
                seconds / 3600,
                seconds / 60 % 60,
                seconds % 60
            )
        };
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let weekly = self.weekly.iter().map(|(days, (from, to))| {
            let days = names.iter().zip(days).filter(|(_, on)| **on).map(|(name, _)| *name);
            json!({ "days": days.collect::<Vec<_>>().join(", "), "from": time(*from), "to": time(*to) })
        });
        let special = self.special.iter().map(|(date, (from, to))| {
            json!({ "date": date.to_string(), "from": time(*from), "to": time(*to) })
        });
        let texts = |dates: &[NaiveDate]| {
            dates
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<String>>()
        };
        let calendar = json!({
            "name": "c", "timezone": zone, "holidays": ["h"], "closed_on": texts(&self.closed),
            "open": weekly.collect::<Vec<_>>(), "special": special.collect::<Vec<_>>(),
        });
        let list = json!({ "name": "h", "dates": texts(&self.holidays) });
        let mut centre = Centre::default();
        centre.insert(Calendar::from_json(&calendar).unwrap());
        centre.insert(HolidayList::from_json(&list).unwrap());
        assert_eq!(centre.validate(), [], "{self:?}");
        Hours::of(&centre, "c", &Zone::utc()).unwrap()
    }
}

/// Draws calendars.
struct Dice(ChaCha8Rng);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0.next_u32() % sides
    }

    /// Mostly near the hours at which clocks are moved, now and then to the second.
    fn time(&mut self) -> u32 {
        let around = if self.roll(2) == 0 { 5 * 3600 } else { 86_400 };
        let step = [1, 60, 900, 1800][self.roll(4) as usize];
        self.roll(around) / step * step
    }

    fn range(&mut self) -> Range {
        match self.roll(8) {
            0 => (0, 86_400),
            1 => (self.time(), 86_400),
            _ => {
                let (from, to) = (self.time(), self.time());
                if from == to {
                    (from, from + 1)
                } else {
                    (from, to)
                }
            }
        }
    }

    fn near(&mut self, day: NaiveDate) -> NaiveDate {
        day + Duration::days(i64::from(self.roll(7)) - 3)
    }

    /// A calendar with lines of every kind around a day.
    fn calendar(&mut self, day: NaiveDate) -> Plain {
        let mut plain = Plain::default();
        for _ in 0..self.roll(4) {
            let bits = 1 + self.roll(127);
            let days = std::array::from_fn(|weekday| bits & (1 << weekday) != 0);
            plain.weekly.push((days, self.range()));
        }
        for _ in 0..self.roll(3) {
            let special = (self.near(day), self.range());
            plain.special.push(special);
        }
        for dates in [&mut plain.holidays, &mut plain.closed] {
            for _ in 0..self.roll(3).saturating_sub(1) {
                dates.push(self.near(day));
            }
        }
        // A date that is closed has no hours.
        let closed = &plain.closed;
        plain.special.retain(|(date, _)| !closed.contains(date));
        plain
    }
}

fn utc(at: Timestamp) -> DateTime<Utc> {
    Utc.timestamp_opt(at.as_second(), 0).unwrap()
}

fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp::from_second(at.timestamp()).unwrap()
}

/// Compares every minute, every change and the second before it; answers how many changes there were.
fn compare(plain: &Plain, zone: &str, from: DateTime<Utc>, until: DateTime<Utc>) -> usize {
    let (tz, hours): (Tz, Hours) = (zone.parse().unwrap(), plain.hours(zone));
    let say = |at: DateTime<Utc>| format!("{zone} at {at}: {plain:?}");
    let steps: Vec<Step> = hours.steps(timestamp(from), timestamp(until)).collect();
    let turns = steps
        .iter()
        .filter(|step| step.before.is_open() != step.rule.is_open());
    let turns: Vec<Timestamp> = turns.map(|step| step.at).collect();
    let mut now = timestamp(from);
    for turn in &turns {
        assert_eq!(hours.next_change(now), Some(*turn), "{}", say(utc(now)));
        let open = plain.is_open(tz, utc(*turn));
        assert_ne!(
            plain.is_open(tz, utc(*turn) - Duration::seconds(1)),
            open,
            "{}",
            say(utc(*turn))
        );
        now = *turn;
    }
    assert!(
        hours.next_change(now).is_none_or(|next| utc(next) >= until),
        "{}",
        say(utc(now))
    );
    let mut minute = from;
    while minute < until {
        let open = hours.rule_at(timestamp(minute)).is_open();
        assert_eq!(plain.is_open(tz, minute), open, "{}", say(minute));
        minute += Duration::minutes(1);
    }
    turns.len()
}

fn day(year: i32, month: u32, day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, month, day, 0, 0, 0).unwrap()
}

/// Every day in ten years on which a zone's clock is moved, as the other crate knows them. The years are past ones: of the
/// years to come the two crates may know different decrees.
fn days_of_moves(zone: &str) -> Vec<DateTime<Utc>> {
    let tz: Tz = zone.parse().unwrap();
    let offset = |at: DateTime<Utc>| tz.offset_from_utc_datetime(&at.naive_utc()).fix();
    let days = (0..3653).map(|index| day(2016, 1, 1) + Duration::days(index));
    days.filter(|start| offset(*start) != offset(*start + Duration::days(1)))
        .collect()
}

#[test]
fn every_move_of_the_clock_in_twenty_zones_and_ten_years_is_as_the_oracle_says() {
    let (mut moves, mut changes) = (0, 0);
    for (index, zone) in ZONES.into_iter().enumerate() {
        let mut dice = Dice(ChaCha8Rng::seed_from_u64(index as u64));
        for moved in days_of_moves(zone) {
            for _ in 0..3 {
                let plain = dice.calendar(moved.date_naive());
                let (from, until) = (moved - Duration::days(1), moved + Duration::days(2));
                changes += compare(&plain, zone, from, until);
            }
            moves += 1;
        }
    }
    assert!(moves > 250, "the clock was moved {moves} times only");
    assert!(
        changes > 2 * moves,
        "it opened or closed {changes} times only"
    );
}

#[test]
fn cw_6_0_1_a_year_in_twenty_zones_is_as_the_oracle_says() {
    let date = |month, of_month| day(2025, month, of_month).date_naive();
    let only = |days: &[usize]| std::array::from_fn(|weekday| days.contains(&weekday));
    let time = |hour: u32, minute: u32| hour * 3600 + minute * 60;
    for (index, zone) in ZONES.into_iter().enumerate() {
        let (early, late) = (index as u32 % 7, index as u32 % 4);
        let mut plain = Plain {
            weekly: vec![
                (only(&[0, 1, 2, 3, 4]), (time(8, 0), time(17, 30))),
                (only(&[0, 1, 2, 3, 4, 5]), (time(early, 15), time(12, 0))),
                (only(&[6]), (time(0, 30), time(2, 30))),
                (only(&[6]), (time(1, 45), time(3, 10))),
                (only(&[5]), (time(20 + late, 0), time(2, 10))),
            ],
            special: vec![
                (date(3, 30), (time(1, 30), time(2, 45))),
                (date(12, 31), (time(20, 0), time(2, 0))),
                (date(6, 10), (time(9, 0), time(10, 0))),
                (date(6, 10), (time(11, 0), time(12, 0) + 30)),
            ],
            closed: vec![date(4, 26), date(12, 25), date(12, 26)],
            holidays: vec![date(4, 27), date(5, 5), date(6, 10)],
        };
        if index.is_multiple_of(2) {
            plain.weekly.push((only(&[3]), (time(22, 0), time(24, 0))));
            plain.weekly.push((only(&[4]), (0, time(24, 0))));
        }
        let changes = compare(&plain, zone, day(2024, 12, 31), day(2025, 12, 31));
        assert!(changes > 500, "{zone} changed {changes} times only");
    }
}
