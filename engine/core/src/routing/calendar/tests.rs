//! The manual's examples, the edges, and a year in twenty zones beside a slow reference.

use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use config::Resource;
use jiff::civil::DateTime;

use super::*;

/// A calendar from lines such as `mon-fri 08:00-17:30`, `2026-12-24 09:00-12:00` and
/// `closed 2026-12-25`.
fn calendar(zone: &str, lines: &[&str]) -> Calendar {
    let mut json = serde_json::json!({ "name": "c", "timezone": zone, "open": [], "special": [], "closed_on": [] });
    for line in lines {
        let (head, tail) = line.rsplit_once(' ').unwrap();
        if head == "closed" {
            json["closed_on"].as_array_mut().unwrap().push(tail.into());
            continue;
        }
        let (from, to) = tail.split_once('-').unwrap();
        let (list, key) = if head.starts_with("20") {
            ("special", "date")
        } else {
            ("open", "days")
        };
        let hours = serde_json::json!({ key: head, "from": from, "to": to });
        json[list].as_array_mut().unwrap().push(hours);
    }
    Calendar::from_json(&json).unwrap()
}

fn at(zone: &str, local: &str) -> Timestamp {
    let local: DateTime = local.parse().unwrap();
    local.in_tz(zone).unwrap().timestamp()
}

fn check(zone: &str, lines: &[&str], cases: &[(&str, Why)]) {
    let calendar = calendar(zone, lines);
    for (local, expected) in cases {
        let (open, why) = is_open(&calendar, &Zone::utc(), at(zone, local));
        assert_eq!(
            (open, why),
            (expected.is_open(), *expected),
            "{lines:?} at {local}"
        );
    }
}

/// The changes after a local time, as `opens` and `closes` in UTC.
fn changes(zone: &str, lines: &[&str], from: &str, count: usize) -> Vec<String> {
    let calendar = calendar(zone, lines);
    let mut now = at(zone, from);
    let mut changes = Vec::new();
    while let Some(next) =
        next_change(&calendar, &Zone::utc(), now).filter(|_| changes.len() < count)
    {
        let open = is_open(&calendar, &Zone::utc(), next).0;
        changes.push(format!("{} {next}", if open { "opens" } else { "closes" }));
        now = next;
    }
    changes
}

const AMSTERDAM: &str = "Europe/Amsterdam";

#[test]
fn cw_6_1_3_the_union_of_lines_with_exclusions() {
    let lines = [
        "all except sun 09:00-12:00",
        "all except sat, sun 13:00-17:00",
    ];
    check(
        AMSTERDAM,
        &lines,
        &[
            ("2026-11-21T10:00", Why::WeeklyHours),
            ("2026-11-21T14:00", Why::OutsideWeeklyHours),
            ("2026-11-23T12:30", Why::OutsideWeeklyHours),
            ("2026-11-23T14:00", Why::WeeklyHours),
            ("2026-11-22T10:00", Why::OutsideWeeklyHours),
            ("2026-11-22T14:00", Why::OutsideWeeklyHours),
        ],
    );
}

#[test]
fn cw_6_1_4_edges_to_the_second_on_the_days_the_clock_moves_too() {
    let every_day = ["all 08:00-17:30"];
    for day in ["2026-11-23", "2026-03-29", "2026-10-25"] {
        let cases = [
            ("07:59:59", Why::OutsideWeeklyHours),
            ("08:00:00", Why::WeeklyHours),
            ("17:29:59", Why::WeeklyHours),
            ("17:30:00", Why::OutsideWeeklyHours),
        ];
        for (time, why) in cases {
            check(AMSTERDAM, &every_day, &[(&format!("{day}T{time}"), why)]);
        }
    }
    // 08:00 on the wall is an hour earlier in UTC once the clock has gone forward.
    assert_eq!(
        changes(AMSTERDAM, &every_day, "2026-03-28T20:00", 2),
        ["opens 2026-03-29T06:00:00Z", "closes 2026-03-29T15:30:00Z"]
    );
    assert_eq!(
        changes(AMSTERDAM, &every_day, "2026-10-24T20:00", 1),
        ["opens 2026-10-25T07:00:00Z"]
    );
}

#[test]
fn cw_6_1_5_closed_dates_prevail_in_the_calendars_own_zone() {
    let lines = ["all 00:00-24:00", "closed 2028-12-25"];
    for zone in [
        AMSTERDAM,
        "America/New_York",
        "Asia/Tokyo",
        "Pacific/Kiritimati",
    ] {
        check(
            zone,
            &lines,
            &[
                ("2028-12-24T23:59:59", Why::WeeklyHours),
                ("2028-12-25T00:00:00", Why::ClosedDate),
                ("2028-12-25T23:59:59", Why::ClosedDate),
                ("2028-12-26T00:00:00", Why::WeeklyHours),
            ],
        );
    }
    assert_eq!(
        changes("Asia/Tokyo", &lines, "2026-01-01T00:00", 5),
        ["closes 2028-12-24T15:00:00Z", "opens 2028-12-25T15:00:00Z"]
    );
}

#[test]
fn hours_past_midnight_belong_to_the_day_they_begin_on() {
    let lines = ["fri 21:00-02:00", "closed 2026-11-28"];
    check(
        AMSTERDAM,
        &lines,
        &[
            ("2026-11-20T20:59:59", Why::OutsideWeeklyHours),
            ("2026-11-20T21:00:00", Why::WeeklyHours),
            ("2026-11-21T01:59:59", Why::WeeklyHours),
            ("2026-11-21T02:00:00", Why::OutsideWeeklyHours),
            ("2026-11-27T23:59:59", Why::WeeklyHours),
            ("2026-11-28T00:00:00", Why::ClosedDate),
        ],
    );
    let whole_day = ["sat 00:00-24:00"];
    assert_eq!(
        changes("UTC", &whole_day, "2026-11-21T12:00", 2),
        ["closes 2026-11-22T00:00:00Z", "opens 2026-11-28T00:00:00Z"]
    );
}

#[test]
fn special_hours_stand_instead_of_the_weekly_ones() {
    let lines = [
        "all 08:00-03:00",
        "2026-12-24 09:00-12:00",
        "2026-12-31 20:00-02:00",
        "2027-01-01 10:00-11:00",
    ];
    check(
        AMSTERDAM,
        &lines,
        &[
            ("2026-12-24T01:00", Why::OutsideSpecialHours),
            ("2026-12-24T08:30", Why::OutsideSpecialHours),
            ("2026-12-24T09:00", Why::SpecialHours),
            ("2026-12-24T12:00", Why::OutsideSpecialHours),
            ("2026-12-25T01:00", Why::OutsideWeeklyHours),
            ("2026-12-25T08:00", Why::WeeklyHours),
            ("2027-01-01T01:59", Why::SpecialHours),
            ("2027-01-01T02:00", Why::OutsideSpecialHours),
            ("2027-01-01T10:00", Why::SpecialHours),
            ("2027-01-02T02:00", Why::OutsideWeeklyHours),
        ],
    );
}

#[test]
fn skipped_times_are_the_instant_of_the_move_and_repeated_hours_alike() {
    // On 2026-03-29 the clock goes from 02:00 to 03:00, which is 01:00 UTC.
    assert_eq!(
        changes(AMSTERDAM, &["sun 02:30-05:00"], "2026-03-29T00:00", 2),
        ["opens 2026-03-29T01:00:00Z", "closes 2026-03-29T03:00:00Z"],
    );
    assert_eq!(
        changes(AMSTERDAM, &["sun 01:00-02:30"], "2026-03-29T01:30", 1),
        ["closes 2026-03-29T01:00:00Z"]
    );
    // Hours that lie in what is skipped come back a week later.
    assert_eq!(
        changes(AMSTERDAM, &["sun 02:10-02:20"], "2026-03-29T00:00", 1),
        ["opens 2026-04-05T00:10:00Z"]
    );
    // On 2026-10-25 the hour from 02:00 to 03:00 comes twice.
    assert_eq!(
        changes(AMSTERDAM, &["sun 02:30-04:00"], "2026-10-25T00:00", 4),
        [
            "opens 2026-10-25T00:30:00Z",
            "closes 2026-10-25T01:00:00Z",
            "opens 2026-10-25T01:30:00Z",
            "closes 2026-10-25T03:00:00Z",
        ],
    );
}

#[test]
fn what_never_changes_has_no_next_change() {
    assert_eq!(
        changes(AMSTERDAM, &["all 00:00-24:00"], "2026-01-01T00:00", 1),
        Vec::<String>::new()
    );
    assert_eq!(
        changes(AMSTERDAM, &[], "2026-01-01T00:00", 1),
        Vec::<String>::new()
    );
    assert_eq!(
        changes(
            AMSTERDAM,
            &["mon-fri 00:00-24:00", "sat-sun 00:00-24:00"],
            "2026-01-01T00:00",
            1
        ),
        Vec::<String>::new()
    );
    assert_eq!(
        changes(AMSTERDAM, &["closed 2026-12-25"], "2026-01-01T00:00", 1),
        Vec::<String>::new()
    );
    let end_of_time = calendar("UTC", &["mon 08:00-09:00"]);
    assert_eq!(
        next_change(&end_of_time, &Zone::utc(), Timestamp::MAX),
        None
    );
}

#[test]
fn a_calendar_without_a_zone_uses_the_centres() {
    let mut calendar = calendar("UTC", &["all 08:00-09:00"]);
    calendar.timezone = None;
    let zone: Zone = "Asia/Tokyo".parse().unwrap();
    assert!(is_open(&calendar, &zone, "2026-01-01T23:30:00Z".parse().unwrap()).0);
    assert!(!is_open(&calendar, &zone, "2026-01-01T08:30:00Z".parse().unwrap()).0);
}

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
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Pacific/Apia",
];

/// The definition, as slowly and plainly as it can be said: every line becomes the interval of
/// wall-clock time it covers, and the time on the wall is looked up in them.
struct Reference {
    zone: TimeZone,
    weekly: Vec<(DateTime, DateTime)>,
    special: Vec<(DateTime, DateTime)>,
    special_dates: Vec<Date>,
    closed: Vec<Date>,
}

impl Reference {
    fn new(calendar: &Calendar, zone: &str, year: i16) -> Self {
        let covered = |date: Date, from: TimeOfDay, to: TimeOfDay| {
            let midnight = date.to_datetime(Time::midnight());
            let plus = |seconds: u32| {
                midnight.saturating_add(jiff::SignedDuration::from_secs(seconds.into()))
            };
            let day = if to < from { 86_400 } else { 0 };
            (plus(from.seconds()), plus(to.seconds() + day))
        };
        let special_dates: Vec<Date> = calendar.special.iter().map(|hours| hours.date.0).collect();
        let closed: Vec<Date> = calendar.closed_on.iter().map(|date| date.0).collect();
        let mut weekly = Vec::new();
        let mut date = Date::new(year - 1, 12, 1).unwrap();
        while date.year() <= year {
            for hours in &calendar.open {
                let counts = !special_dates.contains(&date) && !closed.contains(&date);
                if counts && hours.days.contains(date.weekday()) {
                    weekly.push(covered(date, hours.from, hours.to));
                }
            }
            date = date.tomorrow().unwrap();
        }
        let special = calendar
            .special
            .iter()
            .filter(|hours| !closed.contains(&hours.date.0));
        let special = special
            .map(|hours| covered(hours.date.0, hours.from, hours.to))
            .collect();
        Self {
            zone: TimeZone::get(zone).unwrap(),
            weekly,
            special,
            special_dates,
            closed,
        }
    }

    fn is_open(&self, at: Timestamp) -> bool {
        let local = self.zone.to_datetime(at);
        let within = |(from, to): &(DateTime, DateTime)| *from <= local && local < *to;
        if self.closed.contains(&local.date()) {
            return false;
        }
        if self.special.iter().any(within) {
            return true;
        }
        let near = self
            .weekly
            .partition_point(|(from, _)| from.date() < plus(local.date(), -1));
        let near = self.weekly[near..]
            .iter()
            .take_while(|(from, _)| from.date() <= local.date());
        !self.special_dates.contains(&local.date()) && near.into_iter().any(within)
    }
}

/// Lines for a zone: hours around noon, midnight and the hours in which clocks are moved.
fn lines_for(index: usize) -> Vec<String> {
    let shift = index % 7;
    let mut lines = vec![
        "mon-fri 08:00-17:30".to_string(),
        format!("all except sun 0{shift}:15-12:00"),
        "sun 00:30-02:30".to_string(),
        "sun 01:45-03:10".to_string(),
        format!("sat 2{}:00-02:10", index % 4),
        "2026-03-29 01:30-02:45".to_string(),
        "2026-12-31 20:00-02:00".to_string(),
        "2026-06-10 09:00-10:00".to_string(),
        "2026-06-10 11:00-12:00:30".to_string(),
        "closed 2026-04-26".to_string(),
        "closed 2026-12-25".to_string(),
        "closed 2026-12-26".to_string(),
    ];
    if index.is_multiple_of(2) {
        lines.push("thu 22:00-24:00".to_string());
        lines.push("fri 00:00-24:00".to_string());
    }
    lines
}

#[test]
fn cw_6_0_1_a_year_in_twenty_zones_is_as_the_slow_reference_says() {
    let start: Timestamp = "2025-12-31T00:00:00Z".parse().unwrap();
    let end: Timestamp = "2026-12-31T00:00:00Z".parse().unwrap();
    for (index, zone) in ZONES.into_iter().enumerate() {
        let lines = lines_for(index);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let calendar = calendar(zone, &lines);
        let reference = Reference::new(&calendar, zone, 2026);
        let mut now = start;
        let mut changes = 0;
        while now < end {
            let next =
                next_change(&calendar, &Zone::utc(), now).expect("it opens and closes all year");
            let open = is_open(&calendar, &Zone::utc(), now).0;
            let say = |instant: Timestamp| format!("{zone} at {instant}, from {now} to {next}");
            let mut minute = now;
            while minute < next {
                assert_eq!(reference.is_open(minute), open, "{}", say(minute));
                minute += jiff::SignedDuration::from_mins(1);
            }
            let second_before = next - jiff::SignedDuration::from_secs(1);
            assert_eq!(
                reference.is_open(second_before),
                open,
                "{}",
                say(second_before)
            );
            assert_eq!(reference.is_open(next), !open, "{}", say(next));
            assert_eq!(
                is_open(&calendar, &Zone::utc(), next).0,
                !open,
                "{}",
                say(next)
            );
            now = next;
            changes += 1;
        }
        assert!(changes > 500, "{zone} changed {changes} times only");
    }
}
