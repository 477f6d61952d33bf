//! Holiday lists: read, refused, exported, diffed, applied, and named by calendars.

use config::{
    Calendar, Centre, HolidayList, Kind, Resource, WhatChanged, apply_centre, diff, export,
    parse_centre,
};
use expect_test::expect;
use serde_json::json;

const LISTS: &str = r#"
[[holiday_lists]]
name = "nl-public"
dates = ["2026-12-25", 2026-12-26, { date = "2026-04-27", name = "Koningsdag", source = "nl.ics" }]

[[calendars]]
name = "office"
holidays = ["nl-public"]

[[calendars]]
name = "shop"
holidays = ["nl-public"]
"#;

fn lists() -> Centre {
    parse_centre(LISTS, "centre.toml").expect("a right centre")
}

fn faults_of(text: &str) -> String {
    parse_centre(text, "c.toml")
        .expect_err("this file is wrong")
        .to_string()
}

#[test]
fn ap_s_6_a_list_is_read_with_names_and_without() {
    let centre = lists();
    let list = &centre.holiday_lists["nl-public"];
    let said: Vec<String> = list
        .dates
        .iter()
        .map(|holiday| {
            format!(
                "{} {}",
                holiday.date,
                holiday.name.as_deref().unwrap_or("-")
            )
        })
        .collect();
    assert_eq!(
        said,
        ["2026-12-25 -", "2026-12-26 -", "2026-04-27 Koningsdag"]
    );
    assert_eq!(list.dates[2].source.as_deref(), Some("nl.ics"));
    assert_eq!(
        centre.calendars["office"].holidays,
        centre.calendars["shop"].holidays
    );
}

#[test]
fn a_list_is_written_as_it_was_read() {
    let centre = lists();
    assert_eq!(parse_centre(&export(&centre), "export").unwrap(), centre);
    let list = &centre.holiday_lists["nl-public"];
    let json = list.to_stored_json();
    assert_eq!(
        json["dates"],
        json!(["2026-12-25", "2026-12-26", { "date": "2026-04-27", "name": "Koningsdag", "source": "nl.ics" }])
    );
    assert_eq!(HolidayList::from_json(&json).as_ref(), Ok(&**list));
}

#[test]
fn what_is_wrong_with_a_list_is_said_with_its_place() {
    let text = r#"
[[calendars]]
name = "office"
holidays = ["nl-publik", "nl-public", "nl-public"]
special = [{ date = "2026-12-24" }]
[[holiday_lists]]
name = "nl-public"
dates = ["2026-12-25", "2026-02-30", { date = "2026-12-25", nam = "Kerst" }, { name = "Pasen" }, 25]
"#;
    expect![[r#"
        c.toml:4:13: calendar "office": there is no holiday list "nl-publik"; did you mean "nl-public"?
        c.toml:4:39: calendar "office": "nl-public" stands there twice; write it once
        c.toml:5:12: `from` is missing; write from = "08:00"
        c.toml:5:12: `to` is missing; write to = "08:00"
        c.toml:8:24: `dates[1]`: "2026-02-30" is no date; write year, month and day: "2026-12-24"
        c.toml:8:38: holiday list "nl-public": 2026-12-25 stands there twice; write it once
        c.toml:8:61: unknown key `nam`; did you mean `name`?
        c.toml:8:78: `date` is missing; write date = "2026-12-24"
        c.toml:8:98: `dates[4]` must be a date or { date = DATE, name = NAME }, not a whole number; put it in quotes: "25""#]]
    .assert_eq(&faults_of(text));
}

#[test]
fn there_are_bounds() {
    let dates: Vec<String> = (0..2001)
        .map(|day| format!("\"{}-01-01\"", 2000 + day))
        .collect();
    let list = format!(
        "[[holiday_lists]]\nname = \"a\"\ndates = [{}]\n",
        dates.join(", ")
    );
    let line = "{ days = \"all\", from = \"08:00\", to = \"09:00\" }";
    let lines = vec![line; 101].join(", ");
    let closed = dates[..1001].join(", ");
    let text = format!(
        "{list}[[calendars]]\nname = \"b\"\nopen = [{lines}]\n[[calendars]]\nname = \"c\"\nclosed_on = [{closed}]\n"
    );
    expect![[r#"
        c.toml:3:9: holiday list "a": 2001 are too many; write at most 2000
        c.toml:6:8: calendar "b": 101 are too many; write at most 100
        c.toml:9:13: calendar "c": 1001 are too many; write at most 1000"#]]
    .assert_eq(&faults_of(&text));
}

#[test]
fn applying_keeps_diffs_and_prunes_lists() {
    let before = config::Snapshot {
        version: 1,
        settings: std::sync::Arc::default(),
        centre: std::sync::Arc::new(lists()),
    };
    let file = "[[holiday_lists]]\nname = \"nl-public\"\ndates = [\"2027-12-25\"]\n";
    let after = apply_centre(file, "c.toml", &before, false).unwrap();
    let changes = diff(&before.centre, &after);
    assert_eq!((changes.len(), changes[0].kind), (1, Kind::HolidayList));
    assert!(matches!(&changes[0].what, WhatChanged::Changed(fields) if fields[0].field == "dates"));
    assert!(
        changes[0]
            .to_string()
            .starts_with("~ holiday list nl-public\n"),
        "{}",
        changes[0]
    );
    let pruned = apply_centre("", "c.toml", &before, true).unwrap();
    assert!(pruned.holiday_lists.is_empty());
}

#[test]
fn a_list_that_calendars_name_is_missed() {
    let mut centre = lists();
    centre.remove::<HolidayList>("nl-public");
    let faults = centre.validate();
    let said: Vec<String> = faults
        .iter()
        .map(|fault| format!("{} {}", fault.name, fault.field))
        .collect();
    assert_eq!(said, ["office holidays[0]", "shop holidays[0]"]);
    assert!(centre.find::<Calendar>("office").is_some());
}
