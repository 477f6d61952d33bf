//! A phone without a console picks up a caller by dialling for them (rule 13).

use engine::Event;
use engine::event::{AlertEnd, LegRole};
use expect_test::expect_file;
use sim::{Agent, CENTRE, World, secs, seed};

use crate::told::{alerts, connections};

fn world(number: u64) -> World {
    World::builder(seed(number))
        .centre(&format!("{CENTRE}\n[feature_codes]\npick_up = \"*8\"\n"))
        .build()
}

/// Somebody at work who is not rung.
fn resting(w: &World, username: &str) -> Agent {
    let agent = w.agent(username).available();
    agent.takes_a_break("lunch");
    agent
}

/// Dials, and says which status came back.
fn refused(agent: &Agent, dialled: &str) -> u16 {
    agent.calls(dialled);
    assert!(agent.is_idle(), "{dialled}");
    agent.status().unwrap_or_default()
}

#[test]
fn rule_13_a_phone_that_dials_for_a_queue_has_its_first_caller() {
    let w = world(1);
    let ann = resting(&w, "ann");
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    first.calls("sales");
    second.calls("sales");
    w.run_for(secs(5));
    ann.calls("*82000");
    assert!(ann.talks_to(&first), "at once: nobody is rung");
    assert_eq!(w.waiting("sales"), ["+49302"]);
    assert_eq!(alerts(&w), [("ann".into(), AlertEnd::Accepted)]);
    assert_eq!(connections(&w), [("+49301".into(), "ann".into())]);
    let calls = w.times_of(|event| matches!(event, Event::CallStarted { .. }));
    assert_eq!(calls.len(), 2, "what was dialled is no call of its own");
    let legs = w.times_of(|event| {
        matches!(
            event,
            Event::LegStarted {
                role: LegRole::Agent,
                ..
            }
        )
    });
    assert_eq!(legs.len(), 1);
    ann.hangs_up();
    assert!(first.is_idle());
    assert_eq!(w.break_reason("ann").as_deref(), Some("lunch"));
    second.hangs_up();
    w.expect_trace(expect_file!["../traces/picked_up_by_code.trace"]);
    w.expect_journal_gives_the_same_state();
    w.expect_quiet();
}

#[test]
fn rule_13_who_rings_elsewhere_is_picked_up_by_code_too() {
    let w = world(2);
    let (bob, caller) = (w.agent("bob").available(), w.phone("+49301"));
    let ann = resting(&w, "ann");
    caller.calls("sales");
    assert!(bob.rings());
    ann.calls("*82000");
    assert!(caller.talks_to(&ann) && bob.is_idle());
    let expected = [
        ("bob".into(), AlertEnd::Withdrawn),
        ("ann".into(), AlertEnd::Accepted),
    ];
    assert_eq!(alerts(&w), expected);
    caller.hangs_up();
    assert!(ann.is_idle());
    w.expect_quiet();
}

#[test]
fn rule_13_a_phone_that_dials_for_what_rings_there_has_answered_it() {
    let w = world(3);
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    assert!(ann.rings());
    ann.calls("*82000");
    assert_eq!(connections(&w), [("+49301".into(), "ann".into())]);
    assert_eq!(alerts(&w), [("ann".into(), AlertEnd::Accepted)]);
    assert!(caller.talks_to(&ann) && !ann.rings());
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_13_a_caller_is_named_by_their_number_if_it_is_theirs_alone() {
    let w = world(4);
    let ann = resting(&w, "ann");
    let (first, second, twin) = (
        w.phone("+31205551234"),
        w.phone("+31205559999"),
        w.phone("+31205559999"),
    );
    first.calls("sales");
    second.calls("sales");
    twin.calls("sales");
    assert_eq!(refused(&ann, "*8+31205559999"), 485, "two have it");
    ann.calls("*80205551234");
    assert!(ann.talks_to(&first), "as it is dialled in the country");
    ann.hangs_up();
    w.run_for(secs(1));
    assert_eq!(refused(&ann, "*80205551234"), 404, "they are gone");
    second.hangs_up();
    twin.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_13_of_two_who_dial_for_one_caller_one_is_told() {
    let w = world(5);
    let (ann, bob, caller) = (resting(&w, "ann"), resting(&w, "bob"), w.phone("+49301"));
    caller.calls("sales");
    ann.calls("*82000");
    assert_eq!(refused(&bob, "*82000"), 480, "nobody waits any more");
    assert_eq!(refused(&bob, "*8+49301"), 486, "somebody has them");
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_13_a_code_that_does_nothing_says_why() {
    let w = world(6);
    let (ann, bob, caller) = (w.agent("ann"), resting(&w, "bob"), w.phone("+49301"));
    ann.registers();
    caller.calls("sales");
    let cases = [
        (&ann, "*82000", 403, "not at work"),
        (&bob, "*8", 484, "for whom?"),
        (&bob, "*82001", 403, "not his queue"),
        (&bob, "*82999", 404, "no such queue or caller"),
        (&bob, "*8+49309", 404, "does not wait"),
    ];
    for (agent, dialled, status, why) in cases {
        assert_eq!(refused(agent, dialled), status, "{dialled}: {why}");
    }
    bob.is_available();
    assert!(bob.rings());
    bob.answers();
    caller.hangs_up();
    w.run_for(secs(1));
    w.expect_quiet();
}

#[test]
fn rule_13_by_a_code_too_whom_one_talks_to_is_on_hold() {
    let w = world(61);
    let (bob, first, second) = (
        w.agent("bob").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    first.calls("sales");
    bob.answers();
    second.calls("sales");
    bob.calls("*82000");
    assert!(second.talks_to(&bob));
    assert!(first.hears_clip("default"));
    bob.hangs_up();
    assert!(first.hears_clip("default"), "until the phone takes it up");
    first.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_code_that_is_not_set_is_a_number_like_any_other() {
    let w = World::new(seed(7));
    let ann = resting(&w, "ann");
    let caller = w.phone("+49301");
    caller.calls("sales");
    assert_eq!(refused(&ann, "*82000"), 404);
    caller.hangs_up();
    w.expect_quiet();
}
