//! Feeds as they are found in the world, and as nobody should send them.

use super::*;

const HORIZON: Horizon = Horizon {
    first: jiff::civil::date(2026, 6, 1),
    last_repeated: jiff::civil::date(2031, 6, 1),
};

/// A calendar of events, each given by its lines.
fn calendar(events: &[&str]) -> String {
    let events: String = events
        .iter()
        .map(|lines| {
            format!(
                "BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n",
                lines.replace('\n', "\r\n")
            )
        })
        .collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test\r\n{events}END:VCALENDAR\r\n")
}

/// What is taken, as `2026-12-25 Christmas`, then what is not, as `- Christmas: it is cancelled`.
fn said(text: &str) -> Vec<String> {
    let feed = read(text, HORIZON).unwrap_or_else(|fault| panic!("{fault}: {text}"));
    let taken = feed
        .holidays
        .iter()
        .map(|(date, name)| format!("{date} {}", name.as_deref().unwrap_or("?")));
    let ignored = feed
        .ignored
        .iter()
        .map(|ignored| format!("- {}: {}", ignored.what, ignored.why));
    taken.chain(ignored).collect()
}

#[test]
fn events_of_whole_days_become_dates() {
    // (what, the event's lines, what comes of it)
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "one day",
            "SUMMARY:Christmas\nDTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261226",
            &["2026-12-25 Christmas"],
        ),
        (
            "no end",
            "SUMMARY:Christmas\nDTSTART;VALUE=DATE:20261225",
            &["2026-12-25 Christmas"],
        ),
        (
            "the end is the day itself",
            "SUMMARY:Christmas\nDTSTART:20261225\nDTEND:20261225",
            &["2026-12-25 Christmas"],
        ),
        (
            "the end is not part of it",
            "SUMMARY:Christmas\nDTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261228",
            &[
                "2026-12-25 Christmas",
                "2026-12-26 Christmas",
                "2026-12-27 Christmas",
            ],
        ),
        (
            "a duration",
            "SUMMARY:Both\nDTSTART;VALUE=DATE:20261231\nDURATION:P2D",
            &["2026-12-31 Both", "2027-01-01 Both"],
        ),
        ("no name", "DTSTART;VALUE=DATE:20261225", &["2026-12-25 ?"]),
        (
            "a folded name with escapes",
            "SUMMARY:Boxing\\, or \n second\\nday\nDTSTART;VALUE=DATE:20261226",
            &["2026-12-26 Boxing, or second day"],
        ),
        (
            "begun already",
            "SUMMARY:Pentecost\nDTSTART;VALUE=DATE:20260531\nDTEND;VALUE=DATE:20260602",
            &[
                "2026-06-01 Pentecost",
                "- Pentecost: it has passed up to 2026-05-31; the dates after that are taken",
            ],
        ),
    ];
    for (what, lines, expected) in cases {
        assert_eq!(said(&calendar(&[lines])), *expected, "{what}");
    }
}

#[test]
fn a_yearly_event_comes_back_up_to_the_horizon() {
    let of = |rule: &str| {
        said(&calendar(&[&format!(
            "SUMMARY:X\nDTSTART;VALUE=DATE:20200427\nRRULE:{rule}"
        )]))
    };
    let passed =
        |last: &str| format!("- X: it has passed up to {last}; the dates after that are taken");
    let all = ["2027", "2028", "2029", "2030", "2031"].map(|year| format!("{year}-04-27 X"));
    let cases: &[(&str, Vec<String>)] = &[
        ("FREQ=YEARLY", [&all[..], &[passed("2026-04-27")]].concat()),
        (
            "FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=27;WKST=MO",
            [&all[..], &[passed("2026-04-27")]].concat(),
        ),
        (
            "FREQ=YEARLY;UNTIL=20280427",
            [&all[..2], &[passed("2026-04-27")]].concat(),
        ),
        (
            "FREQ=YEARLY;UNTIL=20280427T000000Z",
            [&all[..2], &[passed("2026-04-27")]].concat(),
        ),
        (
            "FREQ=YEARLY;COUNT=9",
            [&all[..2], &[passed("2026-04-27")]].concat(),
        ),
        (
            "FREQ=YEARLY;INTERVAL=4",
            vec![all[1].clone(), passed("2024-04-27")],
        ),
        (
            "FREQ=YEARLY;COUNT=2",
            vec!["- X: it has passed: 2021-04-27".to_owned()],
        ),
    ];
    for (rule, expected) in cases {
        assert_eq!(&of(rule), expected, "{rule}");
    }
    let leap = "SUMMARY:Leap\nDTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY";
    assert_eq!(said(&calendar(&[leap]))[0], "2028-02-29 Leap");
    let without = "SUMMARY:X\nDTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY;COUNT=3\nEXDATE;VALUE=DATE:20271225";
    assert_eq!(
        said(&calendar(&[without])),
        ["2026-12-25 X", "2028-12-25 X"]
    );
}

#[test]
fn what_is_not_taken_is_said_with_the_reason() {
    let cases = [
        (
            "STATUS:CANCELLED\nDTSTART;VALUE=DATE:20261225",
            "it is cancelled",
        ),
        (
            "DTSTART:20261225T090000Z",
            "it is no whole day: DTSTART is 20261225T090000Z",
        ),
        (
            "DTSTART;TZID=Europe/Amsterdam:20261225T000000",
            "it is no whole day: DTSTART is 20261225T000000",
        ),
        (
            "DTSTART;VALUE=DATE:20260230",
            "DTSTART is no date: 20260230",
        ),
        ("DESCRIPTION:nothing", "it has no DTSTART"),
        (
            "DTSTART:20261225\nDTEND:20261220",
            "it ends before it begins",
        ),
        (
            "DTSTART:20261225\nDURATION:PT8H",
            "DURATION is no number of days: PT8H",
        ),
        (
            "DTSTART:20260701\nDTEND:20260831",
            "it lasts 61 days: more than 31 are no holiday",
        ),
        ("DTSTART:20200501", "it has passed: 2020-05-01"),
        (
            "DTSTART:20261225\nRDATE;VALUE=DATE:20271225",
            "it has RDATE, which is not read: enter its dates by hand",
        ),
        (
            "DTSTART:20261225\nRECURRENCE-ID:20261225",
            "it has RECURRENCE-ID, which is not read: enter its dates by hand",
        ),
        (
            "DTSTART:20261225\nRRULE:FREQ=WEEKLY",
            "it repeats by FREQ=WEEKLY, which is not read: enter its dates by hand",
        ),
        (
            "DTSTART:20261126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
            "it repeats by BYDAY=4TH, which is not read: enter its dates by hand",
        ),
        (
            "DTSTART:20261225\nRRULE:FREQ=YEARLY;BYMONTH=11",
            "it repeats by BYMONTH=11, which is not read: enter its dates by hand",
        ),
        (
            "DTSTART:20261225\nRRULE:FREQ=YEARLY;INTERVAL=0",
            "it repeats by INTERVAL=0, which is not read: enter its dates by hand",
        ),
        ("DTSTART:20261225\nRRULE:COUNT=3", "its RRULE has no FREQ"),
        (
            "DTSTART:20261225\nRRULE:FREQ=YEARLY\nRRULE:FREQ=YEARLY",
            "it has more than one RRULE: enter its dates by hand",
        ),
        (
            "DTSTART:20261225\nRRULE:FREQ=YEARLY\nEXDATE:20271225T000000",
            "EXDATE is no date: 20271225T000000",
        ),
    ];
    for (lines, why) in cases {
        let expected = [format!("- X: {why}")];
        assert_eq!(
            said(&calendar(&[&format!("SUMMARY:X\n{lines}")])),
            expected,
            "{lines}"
        );
    }
    let todo = "BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:Wash\nEND:VTODO\nBEGIN:VTIMEZONE\nTZID:X\nEND:VTIMEZONE\nEND:VCALENDAR\n";
    assert_eq!(said(todo), ["- Wash: this is a VTODO, no event"]);
}

#[test]
fn two_holidays_on_one_date_are_one_with_both_names() {
    let on = |name: &str| format!("SUMMARY:{name}\nDTSTART;VALUE=DATE:20270527");
    let (one, two) = (on("Ascension"), on("Local day"));
    assert_eq!(
        said(&calendar(&[&one, &two, &one])),
        ["2027-05-27 Ascension / Local day"]
    );
}

#[test]
fn the_calendars_name_is_known_and_a_byte_order_mark_is_no_fault() {
    let text = "\u{feff}BEGIN:VCALENDAR\nX-WR-CALNAME:Feestdagen in Nederland\nEND:VCALENDAR\n";
    let feed = read(text, HORIZON).unwrap();
    assert_eq!(feed.name.as_deref(), Some("Feestdagen in Nederland"));
}

#[test]
fn what_is_no_calendar_is_refused_as_a_whole() {
    let deep = "BEGIN:X\n".repeat(100_000);
    let many = calendar(&vec!["DTSTART:20261225"; EVENTS_MAX + 1]);
    let cases = [
        ("", "this is no iCalendar file"),
        ("hello", "this is no iCalendar file"),
        (
            "<html><body>Not found</body></html>",
            "this is no iCalendar file",
        ),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n",
            "this is no iCalendar file",
        ),
        (
            "BEGIN:VEVENT\nDTSTART:20261225\nEND:VEVENT\n",
            "this is no calendar, but a VEVENT",
        ),
        (deep.as_str(), "too deep"),
        (many.as_str(), "more than 5000 events"),
    ];
    for (text, expected) in cases {
        let fault = read(text, HORIZON).expect_err(expected);
        assert!(fault.contains(expected), "{fault}");
        assert!(fault.len() < 500, "{fault}");
    }
}
