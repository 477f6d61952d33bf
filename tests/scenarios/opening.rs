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
