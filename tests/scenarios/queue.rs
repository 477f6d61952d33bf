//! A caller waits, is served in order, or gives up.

use engine::event::{EndResult, EndedBy};
use expect_test::expect_file;
use sim::{CENTRE, World, secs, seed};

use crate::told::{alerts, connections, diversions, ends};

#[test]
fn rule_6_a_caller_is_answered_by_the_attendant_who_is_free() {
    let w = World::new(seed(7));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+4930123"));
    caller.calls("sales");
    w.run_for(secs(2));
    ann.answers();
    assert!(caller.talks_to(&ann));
    assert_eq!(ann.sees(), "+4930123");
    w.run_for(secs(10));
    caller.hangs_up();
    w.expect_trace(expect_file!["../traces/queue_answered.trace"]);
    w.expect_quiet();
}

#[test]
fn rule_5_three_callers_and_one_attendant_are_served_in_order() {
    let w = World::new(seed(1));
    let ann = w.agent("ann").available();
    let callers = ["+49301", "+49302", "+49303"].map(|number| w.phone(number));
    for caller in &callers {
        caller.calls("sales");
        w.run_for(secs(1));
    }
    assert_eq!(w.waiting("sales"), ["+49301", "+49302", "+49303"]);
    for caller in &callers {
        ann.answers();
        assert!(caller.talks_to(&ann));
        w.run_for(secs(5));
        caller.hangs_up();
        w.run_for(secs(1));
    }
    let served: Vec<String> = connections(&w)
        .into_iter()
        .map(|(caller, _)| caller)
        .collect();
    assert_eq!(served, ["+49301", "+49302", "+49303"]);
    w.expect_quiet();
}

#[test]
fn rule_10_a_caller_who_gives_up_is_never_rung_for() {
    let w = World::new(seed(2));
    let ann = w.agent("ann").available();
    let (first, second, third) = (w.phone("+49301"), w.phone("+49302"), w.phone("+49303"));
    for caller in [&first, &second, &third] {
        caller.calls("sales");
        w.run_for(secs(1));
    }
    ann.answers();
    second.hangs_up();
    w.run_for(secs(1));
    assert_eq!(w.waiting("sales"), ["+49303"]);
    first.hangs_up();
    w.run_for(secs(1));
    assert!(ann.rings());
    assert_eq!(ann.sees(), "+49303");
    ann.answers();
    third.hangs_up();
    let served: Vec<String> = connections(&w)
        .into_iter()
        .map(|(caller, _)| caller)
        .collect();
    assert_eq!(served, ["+49301", "+49303"]);
    assert_eq!(ends(&w)[0], (EndResult::Abandoned, EndedBy::Caller));
    w.expect_quiet();
}

#[test]
fn rule_10_the_phone_stops_ringing_when_its_caller_gives_up() {
    let w = World::new(seed(3));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    w.run_for(secs(3));
    assert!(ann.rings());
    caller.hangs_up();
    assert!(ann.is_idle() && caller.is_idle());
    assert_eq!(w.break_reason("ann"), None, "they missed nothing");
    w.expect_quiet();
}

#[test]
fn a_caller_hears_the_welcome_then_music_then_the_attendant() {
    let w = World::new(seed(4));
    let caller = w.phone("+49301");
    caller.calls("support");
    assert!(caller.hears_clip("welcome"));
    w.run_for(secs(5));
    assert!(caller.hears_clip("default"));
    let ann = w.agent("ann").available();
    assert!(ann.rings() && caller.hears_clip("default"));
    ann.answers();
    assert!(caller.talks_to(&ann));
    ann.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_queue_without_a_welcome_begins_with_music() {
    let w = World::new(seed(5));
    let caller = w.phone("+49301");
    caller.calls("sales");
    assert!(caller.hears_clip("default"));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_2_a_direct_call_rings_its_user_and_nobody_else() {
    let w = World::new(seed(6));
    let (ann, bob, caller) = (
        w.agent("ann").available(),
        w.agent("bob").available(),
        w.phone("+49301"),
    );
    caller.calls("1002");
    assert!(bob.rings() && ann.is_idle());
    assert_eq!(
        caller.status(),
        Some(180),
        "a direct caller hears ringing and is not answered by us"
    );
    bob.answers();
    assert!(caller.talks_to(&bob));
    bob.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_2_a_direct_call_waits_while_its_user_talks() {
    let w = World::new(seed(7));
    let (bob, first, second) = (
        w.agent("bob").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    first.calls("1002");
    bob.answers();
    second.calls("1002");
    w.run_for(secs(10));
    assert!(!second.talks());
    bob.hangs_up();
    w.run_for(secs(1));
    assert!(bob.rings());
    bob.answers();
    assert!(second.talks_to(&bob));
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_2_a_direct_call_to_somebody_offline_goes_to_the_default_queue_with_its_arrival() {
    let w = World::new(seed(8));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("1002");
    assert_eq!(diversions(&w), ["queue:support"]);
    assert!(ann.rings());
    ann.answers();
    assert!(caller.talks_to(&ann));
    ann.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_2_a_direct_call_that_is_rejected_or_not_answered_goes_where_its_user_says() {
    let centre = CENTRE.replace(
        "extension = \"1002\"",
        "extension = \"1002\"\nwhen_unavailable = \"queue:sales\"",
    );
    let w = World::builder(seed(9)).centre(&centre).build();
    let (bob, rejected, unanswered) = (
        w.agent("bob").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    rejected.calls("1002");
    bob.rejects(486);
    w.run_for(secs(1));
    assert_eq!(w.waiting("sales"), ["+49301"]);
    // Who rejected it as a direct call is free for it as anybody's.
    assert!(bob.rings());
    rejected.hangs_up();
    unanswered.calls("1002");
    w.run_for(secs(21));
    assert_eq!(w.waiting("sales"), ["+49302"]);
    assert_eq!(w.break_reason("bob").as_deref(), Some("no-answer"));
    unanswered.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_20_a_number_that_nothing_matches_goes_to_the_default_queue_and_without_one_nowhere() {
    let w = World::new(seed(10));
    let caller = w.phone("+49301");
    caller.calls("77");
    assert_eq!(w.waiting("support"), ["+49301"]);
    caller.hangs_up();
    w.expect_quiet();

    let centre = CENTRE.replace("default = true", "");
    let w = World::builder(seed(10)).centre(&centre).build();
    let caller = w.phone("+49301");
    caller.calls("77");
    assert_eq!(caller.status(), Some(404));
    w.expect_quiet();
}

#[test]
fn rule_20_a_full_queue_is_busy_or_sends_its_callers_elsewhere() {
    for (when_full, status, waits) in [("busy", 486, false), ("queue:support", 200, true)] {
        let centre = CENTRE.replace(
            "number = \"2000\"",
            &format!("number = \"2000\"\nmax_waiting = 1\nwhen_full = \"{when_full}\""),
        );
        let w = World::builder(seed(11)).centre(&centre).build();
        let (first, second) = (w.phone("+49301"), w.phone("+49302"));
        first.calls("sales");
        second.calls("sales");
        assert_eq!(w.waiting("sales"), ["+49301"]);
        assert_eq!(second.status(), Some(status), "{when_full}");
        assert_eq!(!w.waiting("support").is_empty(), waits, "{when_full}");
        first.hangs_up();
        if waits {
            second.hangs_up();
        }
        w.expect_quiet();
    }
}

#[test]
fn rule_20_a_queue_that_nobody_serves_refuses_when_it_says_so() {
    let centre = CENTRE.replace(
        "number = \"2000\"",
        "number = \"2000\"\njoin_when = \"someone-available\"\nwhen_refused = \"announcement:sorry\"",
    );
    let w = World::builder(seed(12)).centre(&centre).build();
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    ann.takes_a_break("lunch");
    caller.calls("sales");
    assert!(caller.hears_clip("sorry"));
    w.run_for(secs(4));
    assert!(caller.is_idle(), "after the announcement it is over");
    assert_eq!(ends(&w), [(EndResult::Refused, EndedBy::System)]);
    assert_eq!(alerts(&w), []);
    w.expect_quiet();
}

#[test]
fn rule_1_a_higher_priority_is_worth_its_ageing_in_seconds() {
    let centre = format!(
        "{CENTRE}\n[[numbers]]\nnumber = \"+4930500\"\nto = \"queue:sales\"\npriority = 1\n"
    );
    let w = World::builder(seed(13)).centre(&centre).build();
    let (usual, early, late) = (w.phone("+49301"), w.phone("+49302"), w.phone("+49303"));
    usual.calls("sales");
    w.run_for(secs(8));
    early.calls("+4930500");
    w.run_for(secs(4));
    late.calls("+4930500");
    assert_eq!(w.waiting("sales"), ["+49302", "+49301", "+49303"]);
    [usual, early, late].iter().for_each(|caller| {
        caller.hangs_up();
    });
    w.expect_quiet();
}

#[test]
fn rule_1_an_urgent_caller_comes_first_however_long_the_others_have_waited() {
    let centre = format!(
        "{CENTRE}\n[[numbers]]\nnumber = \"+4930500\"\nto = \"queue:sales\"\ntier = \"urgent\"\n"
    );
    let w = World::builder(seed(14)).centre(&centre).build();
    let (usual, urgent) = (w.phone("+49301"), w.phone("+49302"));
    usual.calls("sales");
    w.run_for(secs(600));
    urgent.calls("+4930500");
    assert_eq!(w.waiting("sales"), ["+49302", "+49301"]);
    usual.hangs_up();
    urgent.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_17_wrap_up_keeps_an_attendant_free_for_its_seconds() {
    let centre = CENTRE.replace("number = \"2000\"", "number = \"2000\"\nwrap_up = 10");
    let w = World::builder(seed(15)).centre(&centre).build();
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    first.calls("sales");
    ann.answers();
    second.calls("sales");
    first.hangs_up();
    w.run_for(secs(9));
    assert!(ann.is_idle());
    w.run_for(secs(1));
    assert!(ann.rings());
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_7_an_attendant_on_a_call_of_their_own_is_not_alerted() {
    let w = World::new(seed(16));
    let (ann, friend, caller) = (
        w.agent("ann").available(),
        w.phone("+4930777"),
        w.phone("+49301"),
    );
    ann.calls("+4930777");
    friend.answers();
    caller.calls("sales");
    w.run_for(secs(20));
    assert_eq!(alerts(&w), []);
    assert_eq!(w.waiting("sales"), ["+49301"]);
    ann.hangs_up();
    w.run_for(secs(1));
    assert!(ann.rings());
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn the_attendants_phone_may_be_behind_the_pbx() {
    let w = World::new(seed(17));
    let (eva, caller) = (w.agent("eva").available(), w.phone("+49301"));
    caller.calls("sales");
    assert!(eva.rings());
    eva.answers();
    assert!(caller.talks_to(&eva));
    eva.hangs_up();
    assert!(caller.is_idle());
    w.expect_trace(expect_file!["../traces/queue_answered_on_pbx.trace"]);
    w.expect_quiet();
}
