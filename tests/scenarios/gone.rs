//! A far end that is gone without a word is found out; one that has nothing to say is left alone.

use engine::Event;
use engine::event::{EndResult, EndedBy};
use sim::{Agent, Phone, World, secs, seed};

use crate::told::ends;

/// Ann talks to a caller from outside.
fn talking(w: &World) -> (Agent, Phone) {
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    w.run_for(secs(5));
    assert!(caller.talks_to(&ann));
    (ann, caller)
}

fn questions(w: &World) -> usize {
    let ladder = w.ladder();
    let asked = |line: &&str| line.contains("lampfield ->") && line.contains("OPTIONS");
    ladder.lines().filter(asked).count()
}

fn reasons(w: &World) -> Vec<String> {
    let ended = w
        .events()
        .into_iter()
        .filter_map(|(_, event)| match &*event {
            Event::CallEnded { cause, .. } => Some(cause.reason.clone().unwrap_or_default()),
            _ => None,
        });
    ended.collect()
}

#[test]
fn rfc_3261_12_2_1_2_an_agents_phone_that_loses_its_power_while_talking_ends_the_call() {
    let w = World::new(seed(1));
    let (ann, caller) = talking(&w);
    ann.vanishes();
    w.run_for(secs(61));
    assert!(
        !caller.is_idle(),
        "it is asked for 32 s before it counts as gone"
    );
    w.run_for(secs(2));
    assert!(caller.is_idle());
    assert_eq!(ends(&w), [(EndResult::Answered, EndedBy::System)]);
    assert_eq!(
        reasons(&w),
        ["the callee's phone is gone: it sent nothing for 30 s and did not answer when asked"]
    );
    w.expect_quiet();
}

#[test]
fn rfc_3261_12_2_1_2_a_callers_phone_that_loses_its_power_while_talking_ends_the_call() {
    let w = World::new(seed(2));
    let (ann, caller) = talking(&w);
    caller.vanishes();
    w.run_for(secs(63));
    assert!(ann.is_idle());
    assert_eq!(ends(&w), [(EndResult::Answered, EndedBy::System)]);
    assert!(reasons(&w)[0].starts_with("the caller's phone is gone"));
    w.expect_quiet();
}

#[test]
fn a_phone_that_has_forgotten_its_call_says_so_when_asked() {
    let w = World::new(seed(3));
    let (ann, caller) = talking(&w);
    ann.vanishes();
    ann.comes_back();
    w.run_for(secs(29));
    assert!(!caller.is_idle());
    w.run_for(secs(2));
    assert!(caller.is_idle());
    assert_eq!(
        reasons(&w),
        ["the callee's phone is gone: it sent nothing for 30 s and answered 481 when asked"]
    );
    w.expect_quiet();
}

#[test]
fn a_muted_phone_stays_connected_and_is_asked_every_thirty_seconds() {
    let w = World::new(seed(4));
    let (ann, caller) = talking(&w);
    ann.mutes();
    caller.mutes();
    w.run_for(secs(301));
    assert!(caller.talks_to(&ann));
    assert_eq!(questions(&w), 20, "ten times each");
    ann.hangs_up();
    w.expect_quiet();
}

#[test]
fn whatever_a_phone_says_to_the_question_it_lives_unless_it_knows_of_no_call() {
    for (status, ends_it) in [
        (405, false),
        (501, false),
        (503, false),
        (408, true),
        (481, true),
    ] {
        let w = World::new(seed(5));
        let (ann, caller) = talking(&w);
        ann.answers_options_with(status).mutes();
        w.run_for(secs(120));
        assert_eq!(caller.is_idle(), ends_it, "{status}");
        if !ends_it {
            caller.hangs_up();
        }
        w.expect_quiet();
    }
}

#[test]
fn a_phone_that_sends_sound_is_never_asked() {
    let w = World::new(seed(6));
    let (ann, caller) = talking(&w);
    w.run_for(secs(600));
    assert_eq!(questions(&w), 0);
    assert!(caller.talks_to(&ann));
    ann.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_held_call_is_left_in_peace() {
    let w = World::new(seed(7));
    let (ann, caller) = talking(&w);
    caller.mutes();
    ann.holds();
    w.run_for(secs(300));
    assert_eq!(questions(&w), 0);
    ann.resumes();
    w.run_for(secs(1));
    assert!(caller.talks_to(&ann));
    ann.hangs_up();
    w.expect_quiet();
}

#[test]
fn who_waits_and_only_listens_is_left_in_peace() {
    let w = World::new(seed(8));
    let caller = w.phone("+49301");
    caller.calls("sales").mutes();
    w.run_for(secs(300));
    assert_eq!(questions(&w), 0);
    assert!(caller.hears_clip("default"));
    caller.hangs_up();
    w.expect_quiet();
}
