//! Queues open and close: by their calendar, to the second, and by a supervisor (rules 19 to 21).

use config::Role;
use engine::command::{OverrideEnd, OverrideState};
use engine::event::{EndResult, EndedBy};
use engine::{CommandBody, Event};
use sim::{CENTRE, World, secs, seed};

use crate::told::{diversions, ends};

/// The usual centre, its queue `sales` open from two in the night to half past five in the afternoon in Amsterdam, where the clocks
/// go back on 25 October 2026 at 03:00 and forward on 28 March 2027 at 02:00.
fn centre(more: &str) -> String {
    let calendar = r#"
[[calendars]]
name = "office"
timezone = "Europe/Amsterdam"
open = [ { days = "mon-sun", from = "04:00", to = "17:30" } ]
special = [ { date = "2026-10-26", from = "10:00", to = "11:00" } ]
closed_on = ["2026-10-27"]
"#;
    let queue = format!(
        "number = \"2000\"\ncalendar = \"office\"\nwhen_closed = \"announcement:closed\"\n{more}"
    );
    let centre = CENTRE.replace("number = \"2000\"", &queue);
    format!("{calendar}{centre}")
}

fn world(start: &str, more: &str) -> World {
    World::builder(seed(1))
        .centre(&centre(more))
        .start(start)
        .build()
}

fn over(w: &World, state: Option<OverrideState>, until: OverrideEnd) {
    w.supervisor(CommandBody::OverrideQueue {
        queue: "sales".into(),
        state,
        until,
    });
}

#[test]
fn rule_19_the_calendar_opens_and_closes_to_the_second_over_a_change_of_clocks() {
    // (what, a second before, the edge)
    let edges = [
        (
            "opens in summer time",
            "2026-10-24T01:59:59Z",
            "2026-10-24T02:00:00Z",
            true,
        ),
        (
            "closes in summer time",
            "2026-10-24T15:29:59Z",
            "2026-10-24T15:30:00Z",
            false,
        ),
        (
            "opens an hour later by UTC, the night the clocks went back",
            "2026-10-25T02:59:59Z",
            "2026-10-25T03:00:00Z",
            true,
        ),
        (
            "closes in winter time",
            "2026-10-25T16:29:59Z",
            "2026-10-25T16:30:00Z",
            false,
        ),
        (
            "opens on a day with special hours",
            "2026-10-26T08:59:59Z",
            "2026-10-26T09:00:00Z",
            true,
        ),
        (
            "closes on a day with special hours",
            "2026-10-26T09:59:59Z",
            "2026-10-26T10:00:00Z",
            false,
        ),
        (
            "stays closed on a closed date, and opens the day after",
            "2026-10-28T02:59:59Z",
            "2026-10-28T03:00:00Z",
            true,
        ),
        (
            "opens in winter time before the clocks go forward",
            "2027-03-27T02:59:59Z",
            "2027-03-27T03:00:00Z",
            true,
        ),
        (
            "opens an hour earlier by UTC after they went forward",
            "2027-03-28T01:59:59Z",
            "2027-03-28T02:00:00Z",
            true,
        ),
    ];
    let w = world("2026-10-24T00:00:00Z", "");
    for (what, before, edge, opens) in edges {
        w.run_until_utc(before);
        assert_eq!(w.is_open("sales"), !opens, "a second before: {what}");
        w.run_until_utc(edge);
        assert_eq!(w.is_open("sales"), opens, "{what}");
    }
}

#[test]
fn rule_20_a_second_before_the_edge_a_caller_waits_at_the_edge_they_hear_that_it_is_closed() {
    for day in ["2026-10-24T15:29:58Z", "2026-10-25T16:29:58Z"] {
        let w = world(day, "");
        let (early, late) = (w.phone("+49301"), w.phone("+49302"));
        w.run_for(secs(1));
        early.calls("sales");
        assert_eq!(w.waiting("sales"), ["+49301"], "{day}");
        w.run_for(secs(1));
        late.calls("sales");
        assert!(late.hears_clip("closed"), "{day}");
        w.run_for(secs(6));
        assert!(late.is_idle(), "after the announcement it is over");
        assert_eq!(ends(&w), [(EndResult::Closed, EndedBy::System)]);
        assert_eq!(
            w.waiting("sales"),
            ["+49301"],
            "who waits when it closes stays"
        );
        early.hangs_up();
        w.expect_quiet();
    }
}

#[test]
fn rule_21_those_who_wait_go_when_the_queue_says_so() {
    let w = world("2026-10-24T15:29:00Z", "when_closing = \"go\"");
    let caller = w.phone("+49301");
    caller.calls("sales");
    w.run_until_utc("2026-10-24T15:29:59.999Z");
    assert!(caller.hears_clip("default"));
    w.run_until_utc("2026-10-24T15:30:00.010Z");
    assert!(caller.hears_clip("closed"));
    assert_eq!(diversions(&w), ["announcement:closed"]);
    w.run_for(secs(6));
    assert_eq!(ends(&w), [(EndResult::Closed, EndedBy::System)]);
    w.expect_quiet();
}

#[test]
fn rule_21_a_phone_that_rings_at_the_closing_may_still_be_answered_else_the_caller_goes() {
    for answered in [true, false] {
        let w = world("2026-10-24T15:29:55Z", "when_closing = \"go\"");
        let (bob, caller) = (w.agent("bob").available(), w.phone("+49301"));
        caller.calls("sales");
        w.run_for(secs(6));
        assert!(!w.is_open("sales") && bob.rings());
        if answered {
            bob.answers();
            assert!(caller.talks_to(&bob));
            bob.hangs_up();
        } else {
            bob.rejects(486);
            assert!(caller.hears_clip("closed"));
            w.run_for(secs(6));
        }
        assert!(caller.is_idle());
        w.expect_quiet();
    }
}

#[test]
fn rule_19_an_override_holds_until_it_is_taken_back() {
    let w = world("2026-10-24T12:00:00Z", "");
    over(&w, Some(OverrideState::Closed), OverrideEnd::Revoked);
    assert!(!w.is_open("sales"));
    w.run_for(secs(2 * 86_400));
    assert!(!w.is_open("sales"), "no calendar opens it");
    over(&w, None, OverrideEnd::Revoked);
    w.run_until_utc("2026-10-28T03:00:00Z");
    assert!(w.is_open("sales"));
}

#[test]
fn rule_19_an_override_holds_until_its_moment() {
    let w = world("2026-10-24T12:00:00Z", "");
    let in_an_hour = 1_792_846_800_000_000;
    over(&w, Some(OverrideState::Closed), OverrideEnd::At(in_an_hour));
    w.run_until_utc("2026-10-24T12:59:59Z");
    assert!(!w.is_open("sales"));
    w.run_until_utc("2026-10-24T13:00:00Z");
    assert!(w.is_open("sales"));
}

#[test]
fn rule_19_an_override_holds_until_the_calendars_next_change() {
    let w = world("2026-10-24T12:00:00Z", "");
    over(&w, Some(OverrideState::Open), OverrideEnd::NextChange);
    w.run_until_utc("2026-10-24T15:29:59Z");
    assert!(w.is_open("sales"));
    w.run_until_utc("2026-10-24T15:30:00Z");
    assert!(
        !w.is_open("sales"),
        "from the change on the calendar rules again"
    );

    let w = world("2026-10-24T12:00:00Z", "");
    over(&w, Some(OverrideState::Closed), OverrideEnd::NextChange);
    assert!(!w.is_open("sales"));
    w.run_until_utc("2026-10-24T15:30:00Z");
    assert!(!w.is_open("sales"), "it would have closed now, and does");
    w.run_until_utc("2026-10-25T03:00:00Z");
    assert!(w.is_open("sales"));
}

#[test]
fn rule_19_a_queue_without_a_calendar_is_always_open_and_knows_no_next_change() {
    let w = World::new(seed(2));
    let refused = w.command(
        "sven",
        Role::Supervisor,
        CommandBody::OverrideQueue {
            queue: "sales".into(),
            state: Some(OverrideState::Closed),
            until: OverrideEnd::NextChange,
        },
    );
    assert!(refused.is_err());
    assert!(w.is_open("sales"));
}

/// UTC microseconds of a moment.
fn us(moment: &str) -> i64 {
    let at: jiff::Timestamp = moment.parse().expect("an RFC 3339 time");
    at.as_microsecond()
}

/// When the override of `sales` ends by itself.
fn override_until(w: &World) -> Option<i64> {
    w.view().queues["sales"].override_until_us
}

#[test]
fn rule_19_each_end_of_an_override_is_exact_over_a_change_of_clocks() {
    // The clocks go back in the night to 25 October, forward in the night to 28 March; it opens at 04:00 on the wall.
    let nights = [
        (
            "2026-10-24T20:00:00Z",
            "2026-10-25T02:59:59Z",
            "2026-10-25T03:00:00Z",
        ),
        (
            "2027-03-27T20:00:00Z",
            "2027-03-28T01:59:59Z",
            "2027-03-28T02:00:00Z",
        ),
    ];
    for (evening, before, edge) in nights {
        for until in [
            OverrideEnd::NextChange,
            OverrideEnd::At(us(edge)),
            OverrideEnd::Revoked,
        ] {
            let w = world(evening, "");
            over(&w, Some(OverrideState::Open), until);
            assert!(w.is_open("sales"), "{until:?} at {evening}");
            over(&w, Some(OverrideState::Closed), until);
            w.run_until_utc(before);
            assert!(!w.is_open("sales"), "{until:?} at {before}");
            w.run_until_utc(edge);
            assert_eq!(
                w.is_open("sales"),
                until != OverrideEnd::Revoked,
                "{until:?} at {edge}"
            );
        }
    }
}

#[test]
fn rule_19_an_override_until_the_next_change_follows_a_calendar_that_is_changed_meanwhile() {
    // (how the calendar closes from now on, when the override ends then)
    let cases = [
        ("to = \"20:00\"", Some("2026-10-24T18:00:00Z")),
        ("to = \"15:00\"", Some("2026-10-24T13:00:00Z")),
        // It closed before now: the next change is the opening of the day after.
        ("to = \"14:00\"", Some("2026-10-25T03:00:00Z")),
    ];
    for (line, ends) in cases {
        let w = world("2026-10-24T12:30:00Z", "");
        over(&w, Some(OverrideState::Open), OverrideEnd::NextChange);
        assert_eq!(override_until(&w), Some(us("2026-10-24T15:30:00Z")));
        w.applies(&centre("").replace("to = \"17:30\"", line))
            .unwrap();
        assert_eq!(override_until(&w), ends.map(us), "{line}");
        assert!(w.is_open("sales"));
        w.crash_and_restart();
        assert_eq!(override_until(&w), ends.map(us), "{line}, after a restart");
        w.run_until_utc("2026-10-25T04:00:00Z");
        assert_eq!(override_until(&w), None, "it is over");
        assert!(w.is_open("sales"), "by the calendar");
    }
}

#[test]
fn rule_19_an_override_until_a_moment_stays_when_the_calendar_is_changed() {
    let w = world("2026-10-24T12:00:00Z", "");
    let end = "2026-10-24T16:00:00Z";
    over(&w, Some(OverrideState::Open), OverrideEnd::At(us(end)));
    w.applies(&centre("").replace("to = \"17:30\"", "to = \"15:00\""))
        .unwrap();
    assert_eq!(override_until(&w), Some(us(end)));
    w.run_until_utc("2026-10-24T15:59:59Z");
    assert!(w.is_open("sales"));
    w.run_until_utc(end);
    assert!(!w.is_open("sales"));
}

#[test]
fn rule_19_where_the_calendar_never_changes_again_there_is_no_next_change_to_wait_for() {
    let always = centre("")
        .replace(
            "from = \"04:00\", to = \"17:30\"",
            "from = \"00:00\", to = \"24:00\"",
        )
        .replace(
            "special = [ { date = \"2026-10-26\", from = \"10:00\", to = \"11:00\" } ]",
            "",
        )
        .replace("closed_on = [\"2026-10-27\"]", "");
    let close = || CommandBody::OverrideQueue {
        queue: "sales".into(),
        state: Some(OverrideState::Closed),
        until: OverrideEnd::NextChange,
    };
    let w = World::builder(seed(1))
        .centre(&always)
        .start("2026-10-24T12:00:00Z")
        .build();
    let refused = w.command("sven", Role::Supervisor, close()).unwrap_err();
    assert!(
        format!("{refused:?}").contains("ever opens or closes again"),
        "{refused:?}"
    );

    // One that runs already holds until it is taken back, or the calendar has a next change again.
    let w = world("2026-10-24T12:00:00Z", "");
    w.supervisor(close());
    w.applies(&always).unwrap();
    assert_eq!(override_until(&w), None);
    w.run_for(secs(3 * 86_400));
    assert!(!w.is_open("sales"));
    w.applies(&centre("")).unwrap();
    assert_eq!(override_until(&w), Some(us("2026-10-28T03:00:00Z")));
    w.run_until_utc("2026-10-28T03:00:00Z");
    assert!(w.is_open("sales"));
}

#[test]
fn ap_s_6_one_edit_of_a_shared_list_closes_every_calendar_that_names_it_at_once() {
    let with_list = |dates: &str| {
        let list = format!("[[holiday_lists]]\nname = \"nl\"\ndates = [{dates}]\n");
        let calendars = centre("").replace("closed_on =", "holidays = [\"nl\"]\nclosed_on =");
        let other = "[[calendars]]\nname = \"other\"\nopen = [{ days = \"all\", from = \"00:00\", to = \"24:00\" }]\nholidays = [\"nl\"]\n";
        format!("{list}{other}{calendars}\n[[queues]]\nname = \"desk\"\ncalendar = \"other\"\n")
    };
    let w = World::builder(seed(1))
        .centre(&with_list(""))
        .start("2026-10-24T12:00:00Z")
        .build();
    assert!(w.is_open("sales") && w.is_open("desk"));
    w.applies(&with_list("\"2026-10-24\"")).unwrap();
    assert!(!w.is_open("sales") && !w.is_open("desk"));
    w.run_until_utc("2026-10-24T22:00:00Z");
    assert!(
        w.is_open("desk"),
        "the holiday ends at midnight on the wall"
    );
}

#[test]
fn ap_s_7_a_holiday_with_short_hours_is_open_for_these() {
    let text = centre("").replace("closed_on =", "holidays = [\"nl\"]\nclosed_on =");
    let list = "[[holiday_lists]]\nname = \"nl\"\ndates = [\"2026-10-26\"]\n";
    let w = World::builder(seed(1))
        .centre(&format!("{list}{text}"))
        .start("2026-10-26T08:00:00Z")
        .build();
    for (moment, opens) in [
        ("08:59:59", false),
        ("09:00:00", true),
        ("09:59:59", true),
        ("10:00:00", false),
    ] {
        w.run_until_utc(&format!("2026-10-26T{moment}Z"));
        assert_eq!(w.is_open("sales"), opens, "{moment}");
    }
}

#[test]
fn readers_are_told_of_each_change_once() {
    let w = world("2026-10-24T12:00:00Z", "");
    w.run_until_utc("2026-10-25T12:00:00Z");
    let of_sales =
        |event: &Event| matches!(event, Event::QueueChanged { queue, .. } if queue == "sales");
    let changes = w
        .times_of(of_sales)
        .into_iter()
        .filter(|at| *at > secs(0))
        .count();
    assert_eq!(changes, 2, "it closed and it opened");
}
