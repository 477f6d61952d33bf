//! Phones are rung: they answer, refuse, are busy, say nothing, or wake too late (rules 10 to 12).

use engine::event::{AlertEnd, Device, Presence};
use expect_test::expect_file;
use sim::{Manner, World, millis, secs, seed};

use crate::told::{alerts, first_alert};

#[test]
fn rule_12_who_does_not_answer_goes_on_break_and_the_next_is_rung() {
    let w = World::new(seed(1));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    w.run_for(secs(10));
    let bob = w.agent("bob").available();
    assert!(ann.rings() && bob.is_idle(), "one phone at a time");
    w.run_for(secs(11));
    assert!(ann.is_idle(), "after 20 s it stops");
    assert_eq!(w.break_reason("ann").as_deref(), Some("no-answer"));
    assert!(bob.rings());
    bob.answers();
    assert!(caller.talks_to(&bob));
    bob.hangs_up();
    let expected = [
        ("ann".into(), AlertEnd::TimedOut),
        ("bob".into(), AlertEnd::Accepted),
    ];
    assert_eq!(alerts(&w), expected);
    w.expect_trace(expect_file!["../traces/alert_not_answered.trace"]);
    w.expect_quiet();
}

#[test]
fn rule_12_a_phone_that_vanished_costs_the_caller_three_seconds_and_nobody_missed_him() {
    let w = World::new(seed(2));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    ann.vanishes();
    w.run_for(secs(1));
    let bob = w.agent("bob").available();
    caller.calls("sales");
    // Ann has been idle longest: her phone is tried first.
    assert!(first_alert(&w, "ann").is_some() && bob.is_idle());
    let took = w.run_until("the caller rings at Bob", secs(5), |_| bob.rings());
    assert!(took <= millis(3_500), "{took:?}");
    assert_eq!(
        w.break_reason("ann"),
        None,
        "nobody is marked as having missed him"
    );
    assert_eq!(w.row("ann").device, Device::Unreachable);
    assert_eq!(w.row("ann").presence, Presence::Available);
    bob.answers();
    assert!(caller.talks_to(&bob));
    bob.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_4_a_caller_whose_phone_failed_keeps_his_place() {
    let w = World::new(seed(3));
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    ann.vanishes();
    first.calls("sales");
    w.run_for(secs(1));
    second.calls("sales");
    w.run_for(secs(4));
    assert_eq!(w.waiting("sales"), ["+49301", "+49302"]);
    let bob = w.agent("bob").available();
    assert_eq!(bob.sees(), "+49301");
    first.hangs_up();
    w.run_for(secs(1));
    assert_eq!(bob.sees(), "+49302");
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_12_a_phone_that_registers_again_is_tried_at_once() {
    let w = World::new(seed(4));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    ann.vanishes();
    caller.calls("sales");
    w.run_for(secs(4));
    assert!(!ann.rings());
    ann.comes_back();
    assert!(ann.rings(), "a REGISTER ends the wait");
    ann.answers();
    assert!(caller.talks_to(&ann));
    ann.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_12_a_phone_that_only_says_100_is_there() {
    let w = World::new(seed(5));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    ann.will(Manner::OnlyTries);
    caller.calls("sales");
    w.run_for(secs(19));
    assert_eq!(alerts(&w), []);
    w.run_for(secs(2));
    assert_eq!(alerts(&w), [("ann".into(), AlertEnd::TimedOut)]);
    assert!(ann.is_idle());
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rfc_3261_9_1_a_phone_that_rings_too_late_is_cancelled_as_soon_as_it_does() {
    let w = World::new(seed(6));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    ann.will(Manner::RingsAfter(millis(4_000)));
    caller.calls("sales");
    w.run_for(millis(3_100));
    let bob = w.agent("bob").available();
    assert!(bob.rings());
    w.run_for(secs(2));
    assert!(ann.is_idle(), "its 180 was answered by a CANCEL");
    bob.answers();
    assert!(caller.talks_to(&bob));
    bob.hangs_up();
    w.expect_trace(expect_file!["../traces/late_ringing.trace"]);
    w.expect_quiet();
}

#[test]
fn rfc_3261_9_1_a_phone_that_answers_too_late_gets_its_ack_and_a_bye() {
    let w = World::new(seed(7));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    ann.will(Manner::AnswersAfter(millis(4_000)));
    caller.calls("sales");
    w.run_for(millis(3_100));
    let bob = w.agent("bob").available();
    bob.answers();
    w.run_for(secs(2));
    assert!(ann.is_idle());
    assert!(caller.talks_to(&bob));
    bob.hangs_up();
    w.expect_trace(expect_file!["../traces/late_answer.trace"]);
    w.expect_quiet();
}

#[test]
fn rule_11_who_rejects_is_never_rung_for_that_caller_again() {
    for status in [486, 600, 603] {
        let w = World::new(seed(8));
        let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
        caller.calls("sales");
        w.run_for(secs(1));
        ann.rejects(status);
        assert_eq!(alerts(&w), [("ann".into(), AlertEnd::Rejected)], "{status}");
        w.run_for(secs(60));
        assert!(ann.is_idle(), "{status}");
        assert_eq!(
            w.break_reason("ann"),
            None,
            "{status}: to reject is not to miss"
        );
        let bob = w.agent("bob").available();
        assert!(bob.rings(), "{status}");
        caller.hangs_up();
        w.expect_quiet();
    }
}

#[test]
fn rule_12_a_phone_that_is_busy_before_it_rings_is_skipped_not_blamed() {
    for status in [486, 600] {
        let w = World::new(seed(9));
        let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
        ann.will(Manner::Refuses(status));
        caller.calls("sales");
        assert_eq!(alerts(&w), [("ann".into(), AlertEnd::Failed)], "{status}");
        ann.will(Manner::Rings);
        w.run_for(secs(4));
        assert!(ann.is_idle(), "{status}");
        w.run_for(secs(2));
        assert!(
            ann.rings(),
            "{status}: after device_retry it is tried again"
        );
        assert_eq!(w.break_reason("ann"), None);
        caller.hangs_up();
        w.expect_quiet();
    }
}

#[test]
fn rule_12_603_before_ringing_rejects() {
    let w = World::new(seed(10));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    ann.will(Manner::Refuses(603));
    caller.calls("sales");
    assert_eq!(alerts(&w), [("ann".into(), AlertEnd::Rejected)]);
    ann.will(Manner::Rings);
    w.run_for(secs(60));
    assert!(ann.is_idle());
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_302_of_a_phone_is_never_followed() {
    let w = World::new(seed(11));
    let (ann, caller, elsewhere) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+4930999"),
    );
    ann.will(Manner::Refuses(302));
    caller.calls("sales");
    w.run_for(secs(2));
    assert_eq!(alerts(&w), [("ann".into(), AlertEnd::Failed)]);
    assert!(elsewhere.is_idle());
    assert_eq!(w.waiting("sales"), ["+49301"]);
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_12_other_refusals_fail_the_phone() {
    for status in [404, 408, 480, 500, 503] {
        let w = World::new(seed(12));
        let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
        ann.will(Manner::Refuses(status));
        caller.calls("sales");
        assert_eq!(alerts(&w), [("ann".into(), AlertEnd::Failed)], "{status}");
        assert_eq!(w.row("ann").device, Device::Unreachable, "{status}");
        caller.hangs_up();
        w.expect_quiet();
    }
}

#[test]
fn rule_12_a_phone_that_has_just_hung_up_is_tried_again_after_a_quarter_of_a_second() {
    let w = World::new(seed(13));
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    first.calls("sales");
    ann.answers();
    second.calls("sales");
    w.run_for(secs(5));
    // The phone is still putting its handset down when the next call comes.
    ann.will(Manner::Refuses(486));
    ann.hangs_up();
    assert_eq!(alerts(&w).last(), Some(&("ann".into(), AlertEnd::Failed)));
    let refused = w.now();
    ann.will(Manner::Rings);
    w.run_until("it rings again", secs(1), |_| ann.rings());
    let after = w.now() - refused;
    assert!((millis(200)..millis(300)).contains(&after), "{after:?}");
    ann.answers();
    assert!(second.talks_to(&ann));
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_18_an_attendant_whose_phone_is_gone_gets_no_alerts_until_it_is_back() {
    let w = World::new(seed(14));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    ann.registers_for(0);
    assert_eq!(w.row("ann").device, Device::Unregistered);
    caller.calls("sales");
    w.run_for(secs(60));
    assert_eq!(alerts(&w), []);
    ann.registers();
    assert!(ann.rings());
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_16_a_break_while_the_phone_rings_takes_the_alert_back() {
    let w = World::new(seed(15));
    let (ann, bob, caller) = (
        w.agent("ann").available(),
        w.agent("bob").available(),
        w.phone("+49301"),
    );
    caller.calls("sales");
    assert!(ann.rings());
    ann.takes_a_break("lunch");
    assert!(ann.is_idle() && bob.rings());
    assert_eq!(alerts(&w), [("ann".into(), AlertEnd::Withdrawn)]);
    assert_eq!(w.break_reason("ann").as_deref(), Some("lunch"));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_16_a_logout_while_talking_waits_for_the_end_of_the_call() {
    let w = World::new(seed(16));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    ann.logs_out();
    w.run_for(secs(5));
    assert!(caller.talks_to(&ann));
    assert_eq!(w.row("ann").pending, Some(Presence::Offline));
    caller.hangs_up();
    assert_eq!(w.row("ann").presence, Presence::Offline);
    w.expect_quiet();
}

#[test]
fn nobody_is_rung_who_only_logs_in_to_take_a_break() {
    let w = World::new(seed(17));
    let caller = w.phone("+49301");
    caller.calls("sales");
    let eva = w.agent("eva");
    eva.takes_a_break("lunch");
    w.run_for(secs(5));
    assert_eq!(first_alert(&w, "eva"), None);
    assert_eq!(w.break_reason("eva").as_deref(), Some("lunch"));
    caller.hangs_up();
    w.expect_quiet();
}
