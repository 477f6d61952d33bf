//! The manual's examples, the edges, what decides and in which words, and questions that are never slow.

use std::format;
use std::string::String;
use std::vec::Vec;

use config::Resource;
use jiff::civil::DateTime;
use serde_json::json;

use super::*;

/// The hours of lines such as `mon-fri 08:00-17:30`, `2026-12-24 09:00-12:00`, `closed 2026-12-25` and
/// `holiday 2026-04-27`.
fn hours(zone: &str, lines: &[&str]) -> Hours {
    let mut json =
        json!({ "name": "c", "timezone": zone, "open": [], "special": [], "closed_on": [] });
    let mut list = json!({ "name": "nl", "dates": [] });
    let push = |list: &mut serde_json::Value, item| list.as_array_mut().unwrap().push(item);
    for line in lines {
        let (head, tail) = line.rsplit_once(' ').unwrap();
        match head {
            "closed" => push(&mut json["closed_on"], tail.into()),
            "holiday" => push(&mut list["dates"], tail.into()),
            _ => {
                let (from, to) = tail.split_once('-').unwrap();
                let special = head.starts_with(char::is_numeric);
                let (list, key) = if special {
                    ("special", "date")
                } else {
                    ("open", "days")
                };
                push(
                    &mut json[list],
                    json!({ key: head, "from": from, "to": to }),
                );
            }
        }
    }
    json["holidays"] = json!(["nl"]);
    let mut centre = Centre::default();
    centre.insert(Calendar::from_json(&json).unwrap());
    centre.insert(HolidayList::from_json(&list).unwrap());
    Hours::of(&centre, "c", &Zone::utc()).unwrap()
}

fn at(zone: &str, local: &str) -> Timestamp {
    let local: DateTime = local.parse().unwrap();
    local.in_tz(zone).unwrap().timestamp()
}

fn on(date: &str) -> LocalDate {
    date.parse().unwrap()
}

fn check(zone: &str, lines: &[&str], cases: &[(&str, Rule)]) {
    let hours = hours(zone, lines);
    for (local, expected) in cases {
        let rule = hours.rule_at(at(zone, local));
        assert_eq!(rule, *expected, "{lines:?} at {local}");
    }
}

/// The changes after a local time, as `opens` and `closes` in UTC.
fn changes(zone: &str, lines: &[&str], from: &str, count: usize) -> Vec<String> {
    let hours = hours(zone, lines);
    let mut now = at(zone, from);
    let mut changes = Vec::new();
    while let Some(next) = hours.next_change(now).filter(|_| changes.len() < count) {
        let open = hours.rule_at(next).is_open();
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
            ("2026-11-21T10:00", Rule::Weekly(0)),
            ("2026-11-21T14:00", Rule::OutsideWeekly),
            ("2026-11-23T12:30", Rule::OutsideWeekly),
            ("2026-11-23T14:00", Rule::Weekly(1)),
            ("2026-11-22T10:00", Rule::OutsideWeekly),
            ("2026-11-22T14:00", Rule::OutsideWeekly),
        ],
    );
}

#[test]
fn cw_6_1_4_edges_to_the_second_on_the_days_the_clock_moves_too() {
    let every_day = ["all 08:00-17:30"];
    for day in ["2026-11-23", "2026-03-29", "2026-10-25"] {
        let cases = [
            ("07:59:59", Rule::OutsideWeekly),
            ("08:00:00", Rule::Weekly(0)),
            ("17:29:59", Rule::Weekly(0)),
            ("17:30:00", Rule::OutsideWeekly),
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
    let closed = Rule::ClosedOn(on("2028-12-25"));
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
                ("2028-12-24T23:59:59", Rule::Weekly(0)),
                ("2028-12-25T00:00:00", closed),
                ("2028-12-25T23:59:59", closed),
                ("2028-12-26T00:00:00", Rule::Weekly(0)),
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
            ("2026-11-20T20:59:59", Rule::OutsideWeekly),
            ("2026-11-20T21:00:00", Rule::Weekly(0)),
            ("2026-11-21T01:59:59", Rule::Weekly(0)),
            ("2026-11-21T02:00:00", Rule::OutsideWeekly),
            ("2026-11-27T23:59:59", Rule::Weekly(0)),
            ("2026-11-28T00:00:00", Rule::ClosedOn(on("2026-11-28"))),
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
            ("2026-12-24T01:00", Rule::OutsideSpecial(on("2026-12-24"))),
            ("2026-12-24T08:30", Rule::OutsideSpecial(on("2026-12-24"))),
            ("2026-12-24T09:00", Rule::Special(0)),
            ("2026-12-24T12:00", Rule::OutsideSpecial(on("2026-12-24"))),
            ("2026-12-25T01:00", Rule::OutsideWeekly),
            ("2026-12-25T08:00", Rule::Weekly(0)),
            ("2027-01-01T01:59", Rule::Special(1)),
            ("2027-01-01T02:00", Rule::OutsideSpecial(on("2027-01-01"))),
            ("2027-01-01T10:00", Rule::Special(2)),
            ("2027-01-02T02:00", Rule::OutsideWeekly),
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
    let end_of_time = hours("UTC", &["mon 08:00-09:00"]);
    assert_eq!(end_of_time.next_change(Timestamp::MAX), None);
}

#[test]
fn a_calendar_without_a_zone_uses_the_centres() {
    let mut centre = Centre::default();
    let open = json!([{ "days": "all", "from": "08:00", "to": "09:00" }]);
    let calendar = Calendar::from_json(&json!({ "name": "c", "open": open })).unwrap();
    centre.insert(calendar);
    let hours = Hours::of(&centre, "c", &"Asia/Tokyo".parse().unwrap()).unwrap();
    let open = |at: &str| hours.rule_at(at.parse().unwrap()).is_open();
    assert!(open("2026-01-01T23:30:00Z"));
    assert!(!open("2026-01-01T08:30:00Z"));
}

#[test]
fn ap_s_6_a_holiday_closes_the_weekly_hours_and_ap_s_7_special_hours_open_a_part_of_it() {
    let lines = [
        "all 08:00-02:00",
        "holiday 2026-04-27",
        "holiday 2026-12-24",
        "2026-12-24 09:00-12:00",
        "2026-12-31 20:00-02:00",
        "holiday 2027-01-01",
    ];
    let holiday = |date: &str| Rule::Holiday(on(date));
    check(
        AMSTERDAM,
        &lines,
        &[
            ("2026-04-26T23:59:59", Rule::Weekly(0)),
            ("2026-04-27T00:00:00", holiday("2026-04-27")),
            ("2026-04-27T23:59:59", holiday("2026-04-27")),
            // No hours begin on a holiday, so none reach into the night after it.
            ("2026-04-28T01:00:00", Rule::OutsideWeekly),
            ("2026-04-28T08:00:00", Rule::Weekly(0)),
            (
                "2026-12-24T08:59:59",
                Rule::OutsideSpecial(on("2026-12-24")),
            ),
            ("2026-12-24T09:00:00", Rule::Special(0)),
            (
                "2026-12-24T12:00:00",
                Rule::OutsideSpecial(on("2026-12-24")),
            ),
            // The calendar's own word goes before a shared list's.
            ("2027-01-01T01:59:59", Rule::Special(1)),
            ("2027-01-01T02:00:00", holiday("2027-01-01")),
        ],
    );
}

#[test]
fn what_decides_is_said_in_words() {
    let list = json!({ "name": "nl-public", "dates": [
        { "date": "2026-04-27", "name": "Koningsdag", "source": "nl.ics" },
        { "date": "2026-05-05", "name": "Bevrijdingsdag" },
        "2026-05-14",
    ] });
    let calendar = json!({
        "name": "office", "timezone": AMSTERDAM, "holidays": ["nl-public"], "closed_on": ["2026-12-25"],
        "open": [
            { "days": "all except sun", "from": "09:00", "to": "12:00" },
            { "days": "all except sat, sun", "from": "13:00", "to": "17:00" },
        ],
        "special": [{ "date": "2026-12-24", "from": "09:00", "to": "12:00" }],
    });
    let mut centre = Centre::default();
    centre.insert(Calendar::from_json(&calendar).unwrap());
    centre.insert(HolidayList::from_json(&list).unwrap());
    let hours = Hours::of(&centre, "office", &Zone::utc()).unwrap();
    for (local, words) in [
        ("2026-11-23T09:00", "weekly line 1: mon-sat 09:00-12:00"),
        ("2026-11-23T14:00", "weekly line 2: mon-fri 13:00-17:00"),
        ("2026-11-23T12:30", "outside the weekly hours"),
        (
            "2026-04-27T10:00",
            "closed: Koningsdag, list nl-public, from nl.ics",
        ),
        ("2026-05-05T10:00", "closed: Bevrijdingsdag, list nl-public"),
        ("2026-05-14T10:00", "closed: 2026-05-14, list nl-public"),
        ("2026-12-24T09:00", "special line 1: 2026-12-24 09:00-12:00"),
        (
            "2026-12-24T14:00",
            "outside the special hours of 2026-12-24",
        ),
        ("2026-12-25T10:00", "closed on 2026-12-25"),
    ] {
        assert_eq!(
            hours.words(hours.rule_at(at(AMSTERDAM, local))),
            words,
            "{local}"
        );
    }
    let never = self::hours(AMSTERDAM, &[]);
    assert_eq!(
        never.words(never.rule_at(Timestamp::UNIX_EPOCH)),
        "there are no weekly hours"
    );
}

#[test]
fn steps_name_every_rule_in_turn_and_every_move_of_the_clock() {
    let lines = [
        "mon-fri 08:00-17:30",
        "mon-fri 12:00-18:00",
        "holiday 2026-10-26",
        "closed 2026-10-27",
    ];
    let hours = hours(AMSTERDAM, &lines);
    let steps = hours.steps(
        at(AMSTERDAM, "2026-10-23T12:00"),
        at(AMSTERDAM, "2026-10-28T12:00"),
    );
    let told: Vec<String> = steps
        .map(|step| {
            format!(
                "{} {} {}",
                step.at,
                step.clock_moved_seconds,
                hours.words(step.rule)
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "2026-10-23T15:30:00Z 0 weekly line 2: mon-fri 12:00-18:00",
            "2026-10-23T16:00:00Z 0 outside the weekly hours",
            "2026-10-25T01:00:00Z -3600 outside the weekly hours",
            "2026-10-25T23:00:00Z 0 closed: 2026-10-26, list nl",
            "2026-10-26T23:00:00Z 0 closed on 2026-10-27",
            "2026-10-27T23:00:00Z 0 outside the weekly hours",
            "2026-10-28T07:00:00Z 0 weekly line 1: mon-fri 08:00-17:30",
        ]
    );
}

/// Instants looked at, not time: what is bounded is bounded on any machine.
fn edges_walked(hours: &Hours, from: &str) -> usize {
    let before = walk::edges_handed_out();
    let _ = hours.next_change(from.parse().unwrap());
    walk::edges_handed_out() - before
}

#[test]
fn no_calendar_and_no_moment_makes_a_question_slow() {
    let century = |what: &str, days: i64| -> Vec<String> {
        let start: Date = "2026-01-01".parse().unwrap();
        let date = |index: i64| plus(start, index * days);
        (0..1000)
            .map(|index| what.replace("DATE", &format!("{}", date(index))))
            .collect()
    };
    let with = |weekly: &[&str], more: &[String]| {
        let lines = weekly
            .iter()
            .copied()
            .chain(more.iter().map(String::as_str));
        hours(AMSTERDAM, &lines.collect::<Vec<_>>())
    };
    let always = ["all 00:00-24:00"];
    let (in_a_row, far_apart) = (century("holiday DATE", 1), century("holiday DATE", 40));
    let open_all_the_same = century("DATE 00:00-24:00", 40);
    let cases = [
        ("never open", hours(AMSTERDAM, &[]), 40),
        ("always open", hours(AMSTERDAM, &always), 40),
        ("never open, with holidays", with(&[], &far_apart), 60),
        (
            "closed for three years of holidays",
            with(&["mon 08:00-09:00"], &in_a_row),
            4_000,
        ),
        (
            "open on special dates as on all others",
            with(&always, &open_all_the_same),
            10_000,
        ),
    ];
    for (name, hours, most) in cases {
        for from in [
            "-009000-01-01T00:00:00Z",
            "2025-12-20T00:00:00Z",
            "9990-01-01T00:00:00Z",
        ] {
            let walked = edges_walked(&hours, from);
            assert!(walked <= most, "{name} from {from}: {walked} edges");
        }
    }
}
