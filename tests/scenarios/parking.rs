//! Parking: a call waits in a slot for whoever takes it (CW-10.1 to CW-10.4, CT-5.1), and comes back when nobody does (rule 4).

use engine::event::{Activity, EndResult, EndedBy, Event};
use engine::{CallId, CommandBody, Refusal};
use expect_test::expect_file;
use sim::{Agent, CENTRE, Phone, World, secs, seed};

use crate::told::{call_of, connections, ends};

const CODES: &str = "\n[feature_codes]\npick_up = \"*8\"\npark = \"*7\"\n";

fn world(number: u64) -> World {
    let centre = format!("{CENTRE}{CODES}");
    World::builder(seed(number)).centre(&centre).build()
}

/// Ann has parked a caller of sales in slot 1.
fn ann_parked(w: &World) -> (Agent, Phone, CallId) {
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    let call = call_of(w, "+49301");
    assert_eq!(ann.parks(call, None), 1);
    (ann, caller, call)
}

fn refused(agent: &Agent, slot: u32) -> &'static str {
    match agent.tries(CommandBody::Retrieve { slot }) {
        Err(Refusal::NotFound { .. }) => "nobody there",
        Err(Refusal::Conflict(_)) => "taken",
        other => panic!("{other:?}"),
    }
}

/// Which slots this user sees, as `GET /parked` shows them.
fn seen(w: &World, username: &str) -> Vec<u32> {
    let location = w.snapshot().centre.users[username].park_location.clone();
    let view = w.view();
    let parked = view.calls.values().filter_map(|row| row.parked.as_ref());
    parked
        .filter(|parked| parked.is_seen_by(username, location.as_deref()))
        .map(|parked| parked.slot)
        .collect()
}

#[test]
fn cw_10_1_whom_one_parks_another_retrieves() {
    let w = world(1);
    let (ann, caller, call) = ann_parked(&w);
    let bob = w.agent("bob").available();
    assert!(ann.is_idle() && caller.hears_clip("default"));
    assert_eq!(w.row("ann").activity, Activity::Idle, "rule_7: she is free");
    assert_eq!((seen(&w, "ann"), seen(&w, "bob")), (vec![1], vec![1]));
    let next = w.phone("+49302");
    next.calls("support");
    ann.answers();
    next.hangs_up();
    assert_eq!(seen(&w, "bob"), [1], "ct_4_6: who is parked stays so");
    bob.retrieves(1);
    assert!(bob.rings() && caller.hears_clip("default"));
    assert_eq!(bob.sees(), "+49301");
    assert_eq!(refused(&ann, 1), "taken", "one of two wins");
    bob.answers();
    assert!(caller.talks_to(&bob));
    assert!(seen(&w, "ann").is_empty());
    assert_eq!(refused(&ann, 1), "nobody there");
    assert_eq!(w.view().calls[&call].parked, None);
    w.run_for(secs(60));
    assert!(caller.talks_to(&bob), "what was taken does not come back");
    caller.hangs_up();
    let last = connections(&w).pop();
    assert_eq!(last, Some(("+49301".into(), "bob".into())));
    w.expect_trace(expect_file!["../traces/parked_and_retrieved.trace"]);
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_4_what_nobody_retrieves_comes_back_to_who_parked_it() {
    let w = world(2);
    let (ann, caller, call) = ann_parked(&w);
    w.run_for(secs(29));
    assert_eq!(seen(&w, "ann"), [1]);
    w.run_for(secs(1));
    assert!(ann.rings());
    assert!(seen(&w, "ann").is_empty());
    assert_eq!(
        w.view().calls[&call].recall_from.as_deref(),
        Some("ann"),
        "it is shown as a recall"
    );
    ann.answers();
    assert!(caller.talks_to(&ann));
    assert_eq!(ann.parks(call, Some(1)), 1, "the slot is free");
    caller.hangs_up();
    assert_eq!(
        ends(&w).last(),
        Some(&(EndResult::Abandoned, EndedBy::Caller))
    );
    let today = w.view().board.queues["sales"].counts.today;
    assert_eq!((today.lost_in_park, today.recalls), (1, 1));
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_4_a_phone_that_rings_for_a_parked_call_is_let_finish_first() {
    let w = world(3);
    let (ann, caller, _) = ann_parked(&w);
    let bob = w.agent("bob").available();
    ann.takes_a_break("lunch");
    w.run_for(secs(25));
    bob.retrieves(1);
    w.run_for(secs(20));
    assert!(bob.rings() && seen(&w, "ann") == [1]);
    bob.rejects(486);
    assert!(seen(&w, "ann").is_empty(), "its time had come");
    assert_eq!(w.waiting("sales"), ["+49301"]);
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn cw_10_1_whose_phone_does_not_answer_leaves_it_parked() {
    let w = world(4);
    let (ann, caller, _) = ann_parked(&w);
    let bob = w.agent("bob").available();
    bob.retrieves(1);
    bob.rejects(603);
    assert!(caller.hears_clip("default") && seen(&w, "ann") == [1]);
    ann.retrieves(1);
    ann.answers();
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn cw_10_2_a_location_sees_what_was_parked_there_and_no_other() {
    let located = |centre: String, user: &str, location: &str| {
        let name = format!("username = \"{user}\"\n");
        centre.replace(&name, &format!("{name}park_location = \"{location}\"\n"))
    };
    let centre = located(format!("{CENTRE}{CODES}"), "ann", "Amsterdam");
    let moved = located(format!("{CENTRE}{CODES}"), "ann", "Zeist");
    let (centre, moved) = (
        located(centre, "bob", "Amsterdam"),
        located(moved, "bob", "Amsterdam"),
    );
    let (centre, moved) = (
        located(centre, "eva", "Zeist"),
        located(moved, "eva", "Zeist"),
    );
    let w = World::builder(seed(5)).centre(&centre).build();
    let (ann, caller, _) = ann_parked(&w);
    let (bob, eva, max) = (
        w.agent("bob").available(),
        w.agent("eva").available(),
        w.agent("max").available(),
    );
    assert_eq!(seen(&w, "bob"), [1]);
    assert!(seen(&w, "eva").is_empty() && seen(&w, "max").is_empty());
    assert_eq!(refused(&eva, 1), "nobody there");
    assert_eq!(refused(&max, 1), "nobody there", "cw_10_3: no location");
    w.applies(&moved).unwrap();
    assert_eq!(
        seen(&w, "bob"),
        [1],
        "cw_10_4: as it was when it was parked"
    );
    assert_eq!(refused(&eva, 1), "nobody there");
    assert_eq!(seen(&w, "ann"), [1], "and it is hers");
    let other = w.phone("+49302");
    ann.takes_a_break("lunch");
    other.calls("support");
    max.answers();
    let slot = max.parks(call_of(&w, "+49302"), None);
    assert_eq!(slot, 2, "slots are the centre's");
    assert_eq!((seen(&w, "max"), seen(&w, "ann")), (vec![2], vec![1]));
    assert!(
        w.command(
            "sven",
            config::Role::Supervisor,
            CommandBody::Retrieve { slot: 7 }
        )
        .is_err()
    );
    bob.retrieves(1);
    bob.answers();
    assert!(caller.talks_to(&bob));
    caller.hangs_up();
    other.hangs_up();
    w.expect_quiet();
}

#[test]
fn cw_10_1_a_slot_holds_one_call_and_says_whom() {
    let w = world(6);
    let (ann, first, _) = ann_parked(&w);
    let second = w.phone("+49302");
    second.calls("sales");
    ann.answers();
    let call = call_of(&w, "+49302");
    match ann.tries(CommandBody::Park {
        call,
        slot: Some(1),
    }) {
        Err(Refusal::Conflict(why)) => assert!(why.contains("+49301"), "{why}"),
        other => panic!("{other:?}"),
    }
    for slot in [0, 10_000] {
        let slot = Some(slot);
        match ann.tries(CommandBody::Park { call, slot }) {
            Err(Refusal::Invalid { field: "slot", .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(second.talks_to(&ann));
    ann.transfers(call, "*77");
    assert_eq!(seen(&w, "ann"), [1, 7], "the code and a slot is parking");
    first.hangs_up();
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_phone_retrieves_by_the_park_code_and_the_slot() {
    let w = world(7);
    let (ann, caller, _) = ann_parked(&w);
    let bob = w.extension("bob");
    bob.registers();
    let dials = |dialled: &str| {
        bob.calls(dialled);
        assert!(bob.is_idle(), "{dialled}");
        bob.status().unwrap_or_default()
    };
    assert_eq!(dials("*7"), 484);
    assert_eq!(dials("*79"), 404);
    ann.retrieves(1);
    assert_eq!(dials("*71"), 486, "Ann is taking it");
    ann.rejects(486);
    bob.calls("*71");
    assert!(caller.talks_to(&bob), "at once");
    bob.hangs_up();
    assert!(caller.is_idle());
    let started = w.times_of(|event| matches!(event, Event::CallStarted { .. }));
    assert_eq!(started.len(), 1, "what was dialled is no call of its own");
    w.expect_trace(expect_file!["../traces/retrieved_by_code.trace"]);
    w.expect_quiet();
}

#[test]
fn who_retrieves_while_they_talk_puts_whom_they_talk_to_on_hold() {
    let w = world(8);
    let (ann, parked, _) = ann_parked(&w);
    let talking = w.phone("+49302");
    ann.has_call_waiting();
    talking.calls("sales");
    ann.answers();
    ann.clicks("*71");
    ann.answers();
    assert!(talking.hears_clip("default"));
    assert!(parked.talks());
    parked.hangs_up();
    talking.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_rule_parks_a_caller_and_they_come_back_to_the_default_queue() {
    let number = "\n[[numbers]]\nnumber = \"+49700\"\nto = \"park:4\"\n";
    let centre = format!("{CENTRE}{CODES}{number}");
    let w = World::builder(seed(9)).centre(&centre).build();
    let (caller, second) = (w.phone("+49301"), w.phone("+49302"));
    caller.calls("+49700");
    assert!(caller.hears_clip("default"));
    assert_eq!((seen(&w, "ann"), seen(&w, "max")), (vec![4], vec![4]));
    second.calls("+49700");
    assert_eq!(second.status(), Some(486), "the slot is taken");
    w.run_for(secs(31));
    assert_eq!(w.waiting("support"), ["+49301"]);
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_parked_call_ends_with_the_daemon_as_all_do() {
    let w = world(10);
    ann_parked(&w);
    w.crash_and_restart();
    assert!(w.view().calls.is_empty() && seen(&w, "ann").is_empty());
    assert_eq!(ends(&w), [(EndResult::Interrupted, EndedBy::System)]);
    w.expect_quiet();
}
