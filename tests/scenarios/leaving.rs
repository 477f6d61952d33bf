//! Who has waited too long goes elsewhere, and nobody is stranded in silence (rules 21 to 23).

use engine::Event;
use engine::event::{Diversion, EndResult, EndedBy, NOBODY_ALARM};
use sim::{CENTRE, World, millis, secs, seed};

use crate::told::{connections, diversions, ends};

/// The usual centre; its queue `sales` says this, too.
fn centre(sales: &str) -> String {
    CENTRE.replace("number = \"2000\"", &format!("number = \"2000\"\n{sales}"))
}

fn world(sales: &str) -> World {
    World::builder(seed(1)).centre(&centre(sales)).build()
}

fn reasons(w: &World) -> Vec<Diversion> {
    let why = |event: &Event| match event {
        Event::CallDiverted { why, .. } => Some(*why),
        _ => None,
    };
    w.events()
        .iter()
        .filter_map(|(_, event)| why(event))
        .collect()
}

fn alarm(w: &World) -> bool {
    w.view()
        .alarms
        .contains_key(&format!("{NOBODY_ALARM}sales"))
}

#[test]
fn rule_22_after_max_wait_a_caller_goes_to_the_overflow_queue() {
    // (keep_arrival, who is first there)
    for (keep, first) in [(true, "+49301"), (false, "+49302")] {
        let w = world(&format!(
            "max_wait = 30\nwhen_overflow = {{ to = \"queue:support\", keep_arrival = {keep} }}"
        ));
        let (caller, other) = (w.phone("+49301"), w.phone("+49302"));
        caller.calls("sales");
        w.run_for(secs(10));
        other.calls("support");
        w.run_for(secs(19));
        assert_eq!(w.waiting("sales"), ["+49301"]);
        w.run_for(secs(1));
        assert_eq!(w.waiting("support")[0], first, "keep_arrival = {keep}");
        assert_eq!(reasons(&w), [Diversion::Overflow]);
        assert!(caller.hears_clip("default"), "music goes on");
        caller.hangs_up();
        other.hangs_up();
        w.expect_quiet();
        w.expect_journal_gives_the_same_state();
    }
}

#[test]
fn rule_22_without_a_destination_the_caller_hears_that_we_are_sorry() {
    let w = world("max_wait = 30");
    let caller = w.phone("+49301");
    caller.calls("sales");
    w.run_for(secs(30));
    assert!(caller.hears_clip("sorry"));
    w.run_for(secs(10));
    assert_eq!(diversions(&w), ["announcement:sorry"]);
    assert_eq!(ends(&w), [(EndResult::NoAnswer, EndedBy::System)]);
    w.expect_quiet();
}

#[test]
fn rule_22_a_phone_that_rings_is_let_finish_first() {
    for answers in [true, false] {
        let w = world("max_wait = 10\nwhen_overflow = { to = \"user:bob\" }");
        let (ann, bob) = (w.agent("ann").available(), w.agent("bob").available());
        bob.takes_a_break("lunch");
        let caller = w.phone("+49301");
        caller.calls("sales");
        w.run_for(secs(15));
        assert!(ann.rings(), "longer than max_wait");
        assert_eq!(diversions(&w), [""; 0]);
        bob.is_available();
        if answers {
            ann.answers();
            assert!(caller.talks_to(&ann));
        } else {
            ann.rejects(603);
            w.run_for(secs(1));
            assert_eq!(diversions(&w), ["user:bob"]);
            bob.answers();
            assert!(caller.talks_to(&bob));
        }
        caller.hangs_up();
        w.expect_quiet();
    }
}

#[test]
fn rule_22_who_would_wait_too_long_goes_at_once() {
    let w = world("max_estimate = 600\nwhen_overflow = { to = \"queue:support\" }");
    let bob = w.agent("bob").available();
    let callers: Vec<_> = (1..=5).map(|n| w.phone(&format!("+4930{n}"))).collect();
    for caller in &callers {
        caller.calls("sales");
    }
    bob.answers();
    // One agent, and three minutes a call where nothing is known: 290 s, 540 s, 780 s by Erlang's 80th percentile.
    assert_eq!(w.waiting("sales"), ["+49302", "+49303"]);
    assert_eq!(w.waiting("support"), ["+49304", "+49305"]);
    assert_eq!(
        reasons(&w),
        [Diversion::Overflow, Diversion::Overflow],
        "no more than have to"
    );
    for caller in &callers {
        caller.hangs_up();
    }
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_22_who_comes_to_wait_too_long_when_agents_leave_goes_within_ten_seconds() {
    let w = world("max_estimate = 450\nwhen_overflow = { to = \"queue:support\" }");
    let (bob, eva) = (w.agent("bob").available(), w.agent("eva").available());
    let callers: Vec<_> = (1..=5).map(|n| w.phone(&format!("+4930{n}"))).collect();
    for caller in &callers {
        caller.calls("sales");
    }
    bob.answers();
    eva.answers();
    assert_eq!(w.waiting("sales"), ["+49303", "+49304", "+49305"]);
    eva.logs_out();
    callers[1].hangs_up();
    assert_eq!(w.waiting("sales"), ["+49303", "+49304", "+49305"]);
    w.run_for(secs(10));
    assert_eq!(w.waiting("sales"), ["+49303"], "the first of them stays");
    assert_eq!(w.waiting("support"), ["+49304", "+49305"]);
    for caller in [0, 2, 3, 4] {
        callers[caller].hangs_up();
    }
    w.expect_quiet();
}

#[test]
fn rule_22_nothing_is_estimated_while_nobody_is_there() {
    let w = world("max_estimate = 30\nwhen_overflow = { to = \"queue:support\" }");
    let bob = w.agent("bob");
    bob.registers();
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    first.calls("sales");
    w.run_for(secs(20));
    assert_eq!(w.waiting("sales"), ["+49301"]);
    bob.is_available();
    bob.answers();
    second.calls("sales");
    assert_eq!(w.waiting("support"), ["+49302"]);
    first.hangs_up();
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_22_no_caller_is_led_in_a_circle() {
    let there = centre("max_wait = 30\nwhen_overflow = { to = \"queue:support\" }");
    let back = "number = \"2001\"\nmax_wait = 30\nwhen_overflow = { to = \"queue:sales\" }";
    let centre = there.replace("number = \"2001\"", back);
    let w = World::builder(seed(2)).centre(&centre).build();
    let caller = w.phone("+49301");
    caller.calls("sales");
    w.run_for(secs(59));
    assert_eq!(w.waiting("support"), ["+49301"], "30 s in each");
    w.run_for(secs(1));
    assert!(caller.hears_clip("sorry"), "not to sales again");
    w.run_for(secs(10));
    assert_eq!(diversions(&w), ["queue:support", "announcement:sorry"]);
    w.expect_quiet();
}

#[test]
fn rule_22_an_overflow_that_a_full_queue_does_not_take_ends_with_sorry() {
    let there = centre("max_wait = 30\nwhen_overflow = { to = \"queue:support\" }");
    let centre = there.replace("number = \"2001\"", "number = \"2001\"\nmax_waiting = 1");
    let w = World::builder(seed(3)).centre(&centre).build();
    let (caller, other) = (w.phone("+49301"), w.phone("+49302"));
    other.calls("support");
    caller.calls("sales");
    w.run_for(secs(30));
    assert_eq!(diversions(&w), ["queue:support", "busy"]);
    assert!(caller.hears_clip("sorry"));
    w.run_for(secs(10));
    other.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_21_everyone_on_break_for_nobody_after_sends_the_caller_on() {
    let w = world("nobody_after = 30\nwhen_nobody = \"external:+4930999\"");
    let (ann, caller, outside) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+4930999"),
    );
    ann.takes_a_break("lunch");
    caller.calls("sales");
    w.run_for(secs(20));
    ann.is_available();
    w.run_for(secs(5));
    assert!(ann.rings());
    ann.takes_a_break("lunch");
    w.run_for(secs(29));
    assert_eq!(w.waiting("sales"), ["+49301"]);
    w.run_for(secs(1));
    assert_eq!(reasons(&w), [Diversion::Nobody]);
    assert!(outside.rings());
    outside.answers();
    assert!(caller.talks_to(&outside));
    caller.hangs_up();
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_21_where_it_is_unset_an_alarm_tells_until_somebody_comes() {
    let w = world("nobody_after = 30");
    let caller = w.phone("+49301");
    caller.calls("sales");
    w.run_for(millis(29_900));
    assert!(!alarm(&w));
    w.run_for(millis(200));
    assert!(alarm(&w));
    assert_eq!(w.waiting("sales"), ["+49301"], "the caller stays");
    let ann = w.agent("ann").available();
    assert!(!alarm(&w) && ann.rings());
    ann.answers();
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_21_a_crash_ends_the_alarm_with_its_callers() {
    let w = world("nobody_after = 30");
    let caller = w.phone("+49301");
    caller.calls("sales");
    w.run_for(secs(30));
    assert!(alarm(&w));
    w.crash_and_restart();
    w.run_for(secs(1));
    assert!(!alarm(&w) && caller.is_idle());
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_23_at_the_service_level_the_caller_overtakes_once() {
    let w = world("service_level = { seconds = 20, action = \"raise:2\" }");
    let ann = w.agent("ann").available();
    let (talking, early, late) = (w.phone("+49300"), w.phone("+49301"), w.phone("+49302"));
    talking.calls("sales");
    ann.answers();
    early.calls("support");
    w.run_for(secs(15));
    late.calls("sales");
    w.run_for(secs(19));
    let reached = |w: &World| {
        let of = |event: &Event| matches!(event, Event::ServiceLevelReached { .. });
        w.times_of(of).len()
    };
    assert_eq!(reached(&w), 0, "who was answered in time has none");
    w.run_for(secs(1));
    assert_eq!(reached(&w), 1);
    talking.hangs_up();
    w.run_for(secs(1));
    ann.answers();
    assert_eq!(
        connections(&w)[1].0,
        "+49302",
        "20 s of priority beat 15 s of arrival"
    );
    w.run_for(secs(60));
    assert_eq!(reached(&w), 1);
    late.hangs_up();
    early.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_23_the_action_may_be_a_destination_and_is_done_once_on_a_visit() {
    let there = centre("service_level = { seconds = 20, action = \"queue:support\" }");
    let told = "number = \"2001\"\nservice_level = { seconds = 20, action = \"notify\" }";
    let w = World::builder(seed(4))
        .centre(&there.replace("number = \"2001\"", told))
        .build();
    let (sent, own) = (w.phone("+49301"), w.phone("+49302"));
    sent.calls("sales");
    w.run_for(secs(20));
    assert_eq!(reasons(&w), [Diversion::ServiceLevel]);
    own.calls("support");
    w.run_for(secs(60));
    let actions: Vec<String> = w
        .events()
        .iter()
        .filter_map(|(_, event)| match &**event {
            Event::ServiceLevelReached { action, .. } => Some(action.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(actions, ["queue:support", "notify"]);
    assert_eq!(w.waiting("support"), ["+49301", "+49302"]);
    sent.hangs_up();
    own.hangs_up();
    w.expect_quiet();
}
