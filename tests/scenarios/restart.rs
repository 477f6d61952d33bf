//! The daemon is killed in every stage of a call, and starts again.

use engine::CommandBody;
use engine::command::{OverrideEnd, OverrideState};
use engine::event::{AlertEnd, EndResult, EndedBy, Presence};
use expect_test::expect_file;
use sim::{World, secs, seed};

use crate::told::{alerts, ends};

const INTERRUPTED: (EndResult, EndedBy) = (EndResult::Interrupted, EndedBy::System);

#[test]
fn a_call_that_waited_is_closed_and_its_caller_hears_that_it_is_over() {
    let w = World::new(seed(1));
    let caller = w.phone("+49301");
    caller.calls("sales");
    w.run_for(secs(5));
    w.crash_and_restart();
    assert!(caller.is_idle(), "it got its BYE");
    assert_eq!(ends(&w), [INTERRUPTED]);
    assert_eq!(w.waiting("sales"), [] as [&str; 0]);
    w.expect_quiet();
}

#[test]
fn a_call_that_rang_is_closed_and_its_alert_ends_once() {
    let w = World::new(seed(2));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    assert!(ann.rings());
    w.crash_and_restart();
    assert!(caller.is_idle());
    assert_eq!(alerts(&w), [("ann".into(), AlertEnd::Withdrawn)]);
    assert_eq!(ends(&w), [INTERRUPTED]);
    // The phone rings on: an INVITE of a former life cannot be cancelled. Lifted, it is hung up at once.
    ann.answers();
    assert!(ann.is_idle());
    w.expect_trace(expect_file!["../traces/restart_while_ringing.trace"]);
    w.expect_quiet();
}

#[test]
fn a_call_that_was_up_gets_a_bye_on_both_legs_with_a_higher_cseq() {
    let w = World::new(seed(3));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    ann.holds();
    ann.resumes();
    let before = (ann.their_cseq(), caller.their_cseq());
    w.crash_and_restart();
    assert!(ann.is_idle() && caller.is_idle());
    assert!(
        ann.their_cseq() > before.0 && caller.their_cseq() > before.1,
        "their phones accept it"
    );
    assert_eq!(ends(&w), [INTERRUPTED]);
    w.expect_trace(expect_file!["../traces/restart_while_talking.trace"]);
    w.expect_quiet();
}

#[test]
fn a_call_that_was_over_is_not_ended_again() {
    let w = World::new(seed(10));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    caller.hangs_up();
    w.run_for(secs(1));
    let byes = || w.ladder().matches(" BYE ").count();
    let before = byes();
    w.crash_and_restart();
    w.run_for(secs(40));
    assert_eq!(byes(), before);
    w.expect_quiet();
}

#[test]
fn phones_are_rung_again_without_registering() {
    let w = World::new(seed(4));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    ann.forgets_to_register();
    w.crash_and_restart();
    assert_eq!(w.figures().bindings, 1);
    caller.calls("sales");
    assert!(ann.rings());
    ann.answers();
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn agents_are_what_they_were() {
    let w = World::new(seed(5));
    let (ann, bob, eva) = (
        w.agent("ann").available(),
        w.agent("bob").available(),
        w.agent("eva").available(),
    );
    bob.takes_a_break("lunch");
    eva.logs_out();
    w.crash_and_restart();
    let presence = |name: &str| w.row(name).presence;
    assert_eq!(
        (presence("ann"), presence("bob")),
        (Presence::Available, Presence::Break)
    );
    assert_eq!(presence("eva"), Presence::Offline);
    assert_eq!(w.break_reason("bob").as_deref(), Some("lunch"));
    assert_eq!(w.row("ann").extension.as_deref(), Some(ann.number()));
}

#[test]
fn overrides_hold_and_end_when_they_would_have() {
    let w = World::new(seed(6));
    let in_an_hour = 1_793_613_600_000_000;
    w.supervisor(CommandBody::OverrideQueue {
        queue: "sales".into(),
        state: Some(OverrideState::Closed),
        until: OverrideEnd::At(in_an_hour),
    });
    w.crash_and_restart();
    assert!(!w.is_open("sales"));
    w.run_until_utc("2026-11-02T09:59:59Z");
    assert!(!w.is_open("sales"));
    w.run_until_utc("2026-11-02T10:00:00Z");
    assert!(w.is_open("sales"));
}

#[test]
fn a_caller_not_yet_answered_is_no_ghost() {
    let w = World::new(seed(7));
    let (bob, caller) = (w.agent("bob").available(), w.phone("+49301"));
    caller.calls("1002");
    assert!(bob.rings());
    w.crash_and_restart();
    assert_eq!((w.figures().calls, ends(&w)), (0, vec![INTERRUPTED]));
    caller.hangs_up();
    bob.rejects(486);
    w.run_for(secs(40));
    assert!(caller.is_idle());
    w.expect_quiet();
}

#[test]
fn i8_the_journal_gives_the_state_that_wrote_it_at_every_step() {
    let w = World::new(seed(8));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    let check = || w.expect_journal_gives_the_same_state();
    check();
    caller.calls("sales");
    check();
    ann.answers();
    check();
    ann.holds();
    check();
    w.crash_and_restart();
    check();
    ann.takes_a_break("lunch");
    check();
    w.run_for(secs(700));
    check();
    w.crash_and_restart();
    check();
}

#[test]
fn numbers_of_calls_of_before_and_after_never_meet() {
    let w = World::new(seed(9));
    let caller = w.phone("+49301");
    let mut calls = std::collections::BTreeSet::new();
    for _ in 0..3 {
        caller.calls("sales");
        calls.insert(*w.view().calls.keys().next().unwrap());
        w.crash_and_restart();
    }
    assert_eq!(calls.len(), 3);
    w.expect_quiet();
}

/// The last entries of the journal are lost with the power: a login or a logout is then whole, or has not been.
#[test]
fn rule_16_a_crash_in_the_middle_of_a_login_or_logout_leaves_no_half_of_it() {
    for lost in 0..12 {
        let w = World::new(seed(40));
        let ann = w.agent("ann").available();
        w.run_for(secs(1));
        ann.logs_out();
        w.crash_and_restart_without(lost);
        assert_one_session(&w, lost);
        ann.logs_out();
        w.run_for(secs(1));
        ann.logs_in();
        w.crash_and_restart_without(lost);
        assert_one_session(&w, lost);
        ann.logs_in();
        let caller = w.phone("+49301");
        caller.calls("sales");
        assert!(ann.rings(), "{lost} entries lost");
        caller.hangs_up();
        w.expect_quiet();
    }
}

/// Readers of the agents and of the figures are told the same.
fn assert_one_session(w: &World, lost: usize) {
    let view = w.view();
    let works = view.agents["ann"].presence != Presence::Offline;
    let counted = view.board.agents["ann"].logged_in_us.is_some();
    assert_eq!(works, counted, "{lost} entries lost");
    assert_eq!(works, view.agents["ann"].extension.is_some());
}
