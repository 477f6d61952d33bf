//! What the record of a call will say is in its events: who, when, how long waited, rung and talked, to a tenth of a second.

use std::time::Duration;

use engine::Event;
use engine::event::{Direction, EndResult, LeftQueue};
use sim::{CENTRE, World, millis, secs, seed};

use crate::told::{ends, sent_on_from};

/// Differs by less than a tenth of a second.
fn about(time: Duration, expected: Duration) -> bool {
    time.abs_diff(expected) < millis(100)
}

#[test]
fn waited_rung_and_talked_to_a_tenth_of_a_second() {
    let w = World::new(seed(1));
    let caller = w.phone("+49301");
    caller.calls("sales");
    w.run_for(secs(7));
    let ann = w.agent("ann").available();
    w.run_for(secs(4));
    ann.answers();
    w.run_for(secs(33));
    caller.hangs_up();
    w.run_for(secs(1));
    let at = |is: fn(&Event) -> bool| w.times_of(is)[0];
    let queued = at(|event| matches!(event, Event::CallQueued { .. }));
    let alerted = at(|event| matches!(event, Event::AlertStarted { .. }));
    let connected = at(|event| matches!(event, Event::CallConnected { .. }));
    let ended = at(|event| matches!(event, Event::CallEnded { .. }));
    assert!(
        about(connected - queued, secs(11)),
        "waited {:?}",
        connected - queued
    );
    assert!(
        about(connected - alerted, secs(4)),
        "rung {:?}",
        connected - alerted
    );
    assert!(
        about(ended - connected, secs(33)),
        "talked {:?}",
        ended - connected
    );
}

#[test]
fn who_called_whom_by_which_way() {
    let w = World::new(seed(2));
    let ann = w.agent("ann").available();
    w.phone("+49301").calls("sales").hangs_up();
    ann.calls("+4930777").hangs_up();
    ann.calls("901").hangs_up();
    w.run_for(secs(1));
    let started = w
        .events()
        .into_iter()
        .filter_map(|(_, event)| match &*event {
            Event::CallStarted {
                direction,
                caller,
                called,
                trunk,
                user,
                ..
            } => Some((
                *direction,
                caller.number.clone(),
                called.clone(),
                trunk.clone(),
                user.clone(),
            )),
            _ => None,
        });
    let started: Vec<_> = started.collect();
    let text = |text: &str| Some(String::from(text));
    assert_eq!(
        started,
        [
            (
                Direction::Inbound,
                "+49301".into(),
                "2000".into(),
                text("carrier"),
                None
            ),
            (
                Direction::Outbound,
                "1001".into(),
                "+4930777".into(),
                None,
                text("ann")
            ),
            (
                Direction::Internal,
                "1001".into(),
                "901".into(),
                None,
                text("ann")
            ),
        ]
    );
}

#[test]
fn why_a_call_waits_no_more() {
    let w = World::new(seed(3));
    let (abandoned, connected, ended) = (w.phone("+49301"), w.phone("+49302"), w.phone("+49303"));
    abandoned.calls("sales").hangs_up();
    let ann = w.agent("ann").available();
    connected.calls("sales");
    ann.answers();
    ended.calls("sales");
    connected.hangs_up();
    ann.takes_a_break("lunch");
    let call = *w.view().calls.keys().next().unwrap();
    w.supervisor(engine::CommandBody::HangUp { call });
    let left: Vec<LeftQueue> = w
        .events()
        .into_iter()
        .filter_map(|(_, event)| match &*event {
            Event::CallLeftQueue { why, .. } => Some(*why),
            _ => None,
        })
        .collect();
    assert_eq!(
        left,
        [LeftQueue::Abandoned, LeftQueue::Connected, LeftQueue::Ended]
    );
    let results: Vec<EndResult> = ends(&w).into_iter().map(|(result, _)| result).collect();
    assert_eq!(
        results,
        [EndResult::Abandoned, EndResult::Answered, EndResult::Failed]
    );
    w.expect_quiet();
}

#[test]
fn every_call_that_came_is_on_record_once_refused_ones_too() {
    let w = World::new(seed(4));
    let caller = w.phone("+49301");
    let (served, nowhere) = ("sales", "1002");
    caller.calls(served).hangs_up();
    // Bob is offline, and so is everybody: the default queue has him.
    caller.calls(nowhere);
    w.run_for(secs(1));
    caller.hangs_up();
    w.run_for(secs(1));
    let started = w
        .times_of(|event| matches!(event, Event::CallStarted { .. }))
        .len();
    assert_eq!((started, ends(&w).len()), (2, 2));
    w.expect_quiet();
}

#[test]
fn rule_20_a_call_that_is_not_let_in_says_which_queue_it_was() {
    let full = "number = \"2000\"\nmax_waiting = 1\nwhen_full = \"queue:support\"";
    let empty = "number = \"2001\"\njoin_when = \"someone-available\"";
    let centre = CENTRE
        .replace("number = \"2000\"", full)
        .replace("number = \"2001\"", empty);
    let w = World::builder(seed(5)).centre(&centre).build();
    let (first, second, direct) = (w.phone("+49301"), w.phone("+49302"), w.phone("+49303"));
    first.calls("sales");
    second.calls("sales");
    direct.calls("1002");
    let queue = |name: &str| Some(String::from(name));
    assert_eq!(
        sent_on_from(&w),
        [queue("sales"), queue("support"), None, queue("support")],
        "full, nobody available; nobody's queue, nobody available"
    );
    first.hangs_up();
    w.expect_quiet();
}
