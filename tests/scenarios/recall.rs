//! Blind transfer, and what nobody takes comes back (rule 4, CT-4.8, CT-3.4).

use engine::command::PresenceWish;
use engine::event::{AlertEnd, EndResult, EndedBy, Event};
use engine::{CallId, CommandBody, Refusal};
use expect_test::expect_file;
use sim::{Agent, CENTRE, Phone, World, millis, secs, seed};

use crate::told::{alerts, call_of, connections, diversions, ends};

/// Ann talks to a caller of sales.
fn ann_talks(w: &World) -> (Agent, Phone, CallId) {
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    w.run_for(secs(5));
    ann.answers();
    let call = call_of(w, "+49301");
    (ann, caller, call)
}

/// Who is sent what back, in order: from whom, and into which queue.
fn recalls(w: &World) -> Vec<(Option<String>, Option<String>)> {
    let events = w.events();
    let recalled = events.iter().filter_map(|(_, event)| match &**event {
        Event::CallRecalled { from, queue, .. } => Some((from.clone(), queue.clone())),
        _ => None,
    });
    recalled.collect()
}

fn back_to_ann() -> Vec<(Option<String>, Option<String>)> {
    vec![(Some("ann".into()), Some("sales".into()))]
}

#[test]
fn ct_4_8_a_transfer_to_a_phone_that_answers_leaves_the_sender_free() {
    let w = World::new(seed(1));
    let (ann, caller, call) = ann_talks(&w);
    let bob = w.extension("bob");
    bob.registers();
    ann.transfers(call, "1002");
    assert!(ann.is_idle(), "her phone is hung up");
    assert!(bob.rings() && caller.hears_clip("ringback"));
    assert_eq!(bob.sees(), "+49301");
    assert_eq!(
        w.view().calls[&call].sent_to.as_deref(),
        Some("extension:1002")
    );
    bob.answers();
    assert!(caller.talks_to(&bob));
    let expected = [
        ("+49301".into(), "ann".into()),
        ("+49301".into(), "bob".into()),
    ];
    assert_eq!(connections(&w), expected);
    w.run_for(secs(60));
    assert!(
        caller.talks_to(&bob),
        "nothing comes back of what was taken"
    );
    caller.hangs_up();
    assert!(bob.is_idle());
    assert_eq!(recalls(&w), []);
    assert_eq!(ends(&w), [(EndResult::Answered, EndedBy::Caller)]);
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_4_a_transfer_that_nobody_answers_comes_back_to_its_sender() {
    let w = World::new(seed(2));
    let (ann, caller, call) = ann_talks(&w);
    let (bob, waiting) = (w.agent("bob"), w.phone("+49302"));
    bob.registers();
    ann.transfers(call, "1002");
    waiting.calls("sales");
    w.run_for(secs(10));
    ann.rejects(486);
    w.run_for(secs(19));
    assert!(bob.rings(), "for recall_after");
    w.run_for(secs(1) + millis(100));
    assert!(bob.is_idle() && ann.rings(), "it rings at who sent it");
    assert_eq!(ann.sees(), "+49301");
    assert_eq!(recalls(&w), back_to_ann());
    assert_eq!(w.waiting("sales"), ["+49301", "+49302"], "by its arrival");
    {
        let view = w.view();
        let row = &view.calls[&call];
        let queued = row.queued.as_ref().unwrap();
        assert_eq!(row.recall_from.as_deref(), Some("ann"));
        assert_eq!(queued.held_for.as_deref(), Some("ann"));
        assert_eq!(queued.reserved_by, None, "she did not ask for it");
        let (waits, total) = (queued.entered_us, queued.arrival_us);
        assert!(w.utc_us() - waits < 1_000_000, "ct_3_4: from zero");
        assert!(w.utc_us() - total > 34_000_000, "ct_3_4: and in all");
    }
    ann.answers();
    assert!(caller.talks_to(&ann));
    assert_eq!(w.view().calls[&call].recall_from, None);
    caller.hangs_up();
    waiting.hangs_up();
    w.expect_trace(expect_file!["../traces/transfer_comes_back.trace"]);
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_4_what_fails_comes_back_at_once() {
    type Case = (&'static str, fn(&Phone));
    let cases: [Case; 3] = [
        ("busy", |bob| {
            bob.rejects(486);
        }),
        ("refused", |bob| {
            bob.rejects(603);
        }),
        ("gone", |_| {}),
    ];
    for (name, fails) in cases {
        let w = World::new(seed(3));
        let (ann, caller, call) = ann_talks(&w);
        let bob = w.extension("bob");
        if name != "gone" {
            bob.registers();
        }
        ann.transfers(call, "1002");
        fails(&bob);
        assert!(ann.rings(), "{name}");
        assert_eq!(recalls(&w), back_to_ann(), "{name}");
        ann.answers();
        assert!(caller.talks_to(&ann), "{name}");
        caller.hangs_up();
        w.expect_quiet();
    }
}

#[test]
fn rule_4_it_is_held_for_a_sender_who_talks_and_then_for_all_of_the_queue() {
    let w = World::new(seed(4));
    let (ann, caller, call) = ann_talks(&w);
    let (bob, other) = (w.agent("bob").available(), w.phone("+49302"));
    bob.takes_a_break("lunch");
    ann.transfers(call, "1002");
    other.calls("sales");
    ann.answers();
    bob.rejects(603);
    bob.is_available();
    w.run_for(secs(19));
    assert!(bob.is_idle(), "held for Ann, who talks");
    w.run_for(secs(2));
    assert!(bob.rings(), "after recall_hold it is for all");
    bob.answers();
    assert!(caller.talks_to(&bob));
    caller.hangs_up();
    other.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_4_not_held_for_a_sender_who_has_gone_on_break() {
    let w = World::new(seed(5));
    let (ann, caller, call) = ann_talks(&w);
    let bob = w.agent("bob").available();
    bob.will(sim::Manner::Refuses(486));
    ann.transfers(call, "+49399");
    ann.takes_a_break("lunch");
    bob.will(sim::Manner::Rings);
    w.run_for(secs(31));
    assert!(bob.rings() && ann.is_idle());
    bob.answers();
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_4_a_supervisor_picks_up_what_is_held_and_others_do_not() {
    let w = World::new(seed(6));
    let (ann, caller, call) = ann_talks(&w);
    let (bob, other) = (w.agent("bob").available(), w.phone("+49302"));
    bob.takes_a_break("lunch");
    ann.transfers(call, "+49399");
    other.calls("sales");
    ann.answers();
    w.run_for(secs(31));
    match bob.tries(CommandBody::PickUp { call }) {
        Err(Refusal::Conflict(why)) => assert!(why.contains("held for ann"), "{why}"),
        other => panic!("not refused: {other:?}"),
    }
    let pick_up = CommandBody::PickUp { call };
    w.command("bob", config::Role::Supervisor, pick_up).unwrap();
    bob.answers();
    assert!(caller.talks_to(&bob));
    caller.hangs_up();
    other.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_20_a_recall_enters_the_queue_it_was_in_though_that_is_closed_and_full() {
    let sales = "name = \"sales\"\nmax_waiting = 1\nrecall_after = 5\n";
    let centre = CENTRE.replace("name = \"sales\"\n", sales);
    let w = World::builder(seed(7)).centre(&centre).build();
    let (ann, caller, call) = ann_talks(&w);
    let bob = w.extension("bob");
    bob.registers();
    ann.transfers(call, "1002");
    ann.takes_a_break("lunch");
    let waiting = w.phone("+49302");
    waiting.calls("sales");
    w.supervisor(CommandBody::OverrideQueue {
        queue: "sales".into(),
        state: Some(engine::command::OverrideState::Closed),
        until: engine::command::OverrideEnd::Revoked,
    });
    w.run_for(secs(6));
    assert_eq!(w.waiting("sales"), ["+49301", "+49302"]);
    assert_eq!(diversions(&w), [""; 0]);
    caller.hangs_up();
    waiting.hangs_up();
    w.expect_quiet();
}

#[test]
fn ct_4_8_a_transfer_to_a_queue_waits_there_by_its_rules_with_its_arrival() {
    let w = World::new(seed(8));
    let (ann, caller, call) = ann_talks(&w);
    let (max, waiting) = (w.agent("max").available(), w.phone("+49302"));
    max.takes_a_break("lunch");
    w.run_for(secs(60));
    waiting.calls("support");
    ann.takes_a_break("lunch");
    w.run_for(secs(60));
    ann.transfers(call, "2001");
    assert_eq!(w.waiting("support"), ["+49301", "+49302"]);
    w.run_for(secs(120));
    assert_eq!(recalls(&w), [], "nothing comes back from a queue");
    max.is_available();
    max.answers();
    assert!(caller.talks_to(&max));
    let today = |queue: &str| w.view().board.queues[queue].counts.today;
    assert_eq!((today("sales").offered, today("support").offered), (1, 2));
    assert_eq!(w.view().board.total.today.offered, 3);
    caller.hangs_up();
    waiting.hangs_up();
    w.expect_quiet();
}

#[test]
fn ct_4_8_a_transfer_to_a_closed_queue_without_a_destination_comes_back() {
    let w = World::new(seed(9));
    let (ann, caller, call) = ann_talks(&w);
    w.supervisor(CommandBody::OverrideQueue {
        queue: "support".into(),
        state: Some(engine::command::OverrideState::Closed),
        until: engine::command::OverrideEnd::Revoked,
    });
    ann.transfers(call, "2001");
    assert!(ann.rings());
    assert_eq!(recalls(&w), back_to_ann());
    ann.answers();
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn ct_4_8_who_was_called_is_sent_on_too() {
    let w = World::new(seed(10));
    let (ann, bob) = (w.agent("ann").available(), w.extension("bob"));
    let outside = w.phone("+49399");
    bob.registers();
    ann.calls("+49399");
    outside.answers();
    let call = call_of(&w, "1001");
    ann.transfers(call, "1002");
    assert!(ann.is_idle() && bob.rings());
    assert_eq!(w.view().calls[&call].caller.number, "+49399");
    bob.answers();
    assert!(outside.talks_to(&bob));
    ann.is_available();
    assert!(w.row("ann").call.is_none());
    outside.hangs_up();
    assert!(bob.is_idle());
    w.expect_quiet();
}

#[test]
fn ct_4_8_an_agent_who_is_sent_on_by_their_caller_has_a_call_of_their_own() {
    let w = World::new(seed(11));
    let (ann, bob) = (w.agent("ann").available(), w.extension("bob"));
    let fred = w.agent("eva").available();
    bob.registers();
    bob.calls("2001");
    ann.answers();
    let call = call_of(&w, "1002");
    w.command(
        "bob",
        config::Role::Attendant,
        CommandBody::Transfer {
            call,
            to: "901".into(),
        },
    )
    .unwrap();
    assert!(bob.is_idle() && fred.rings());
    let waiting = w.phone("+49302");
    waiting.calls("support");
    assert!(!ann.rings(), "she is on the phone");
    fred.answers();
    assert!(ann.talks_to(&fred));
    ann.hangs_up();
    assert!(ann.rings(), "and now she is not");
    waiting.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_4_what_came_from_no_queue_comes_back_to_the_default_queue() {
    let w = World::new(seed(12));
    let (bob, caller) = (w.agent("bob").available(), w.phone("+49301"));
    caller.calls("1002");
    bob.answers();
    bob.transfers(call_of(&w, "+49301"), "+49399");
    w.run_for(secs(31));
    assert_eq!(recalls(&w), [(Some("bob".into()), Some("support".into()))]);
    assert!(bob.rings(), "his, though he does not serve that queue");
    bob.answers();
    assert!(caller.talks_to(&bob));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_4_where_there_is_no_queue_it_waits_for_its_sender() {
    let centre = CENTRE.replace("default = true\n", "");
    for (name, goes, heard) in [("there", false, true), ("gone", true, false)] {
        let w = World::builder(seed(13)).centre(&centre).build();
        let (bob, caller) = (w.agent("bob").available(), w.phone("+49301"));
        caller.calls("1002");
        bob.answers();
        bob.transfers(call_of(&w, "+49301"), "+49399");
        if goes {
            bob.takes_a_break("lunch");
        }
        w.run_for(secs(31));
        assert_eq!(recalls(&w), [(Some("bob".into()), None)], "{name}");
        assert_eq!(bob.rings(), heard, "{name}");
        assert_eq!(caller.hears_clip("sorry"), !heard, "{name}");
        caller.hangs_up();
        w.expect_quiet();
    }
}

#[test]
fn rule_17_wrap_up_begins_when_the_call_is_sent_on() {
    let centre = CENTRE.replace("name = \"sales\"\n", "name = \"sales\"\nwrap_up = 10\n");
    let w = World::builder(seed(14)).centre(&centre).build();
    let (ann, caller, call) = ann_talks(&w);
    let waiting = w.phone("+49302");
    waiting.calls("sales");
    ann.transfers(call, "+49399");
    assert_eq!(w.row("ann").activity, engine::event::Activity::WrapUp);
    w.run_for(secs(10));
    assert!(ann.rings());
    waiting.hangs_up();
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn ct_4_8_what_cannot_be_transferred_is_refused_with_the_reason() {
    let w = World::new(seed(15));
    let (ann, caller, call) = ann_talks(&w);
    let (bob, waiting) = (w.agent("bob"), w.phone("+49302"));
    waiting.calls("sales");
    let waits = call_of(&w, "+49302");
    let send = |agent: &Agent, call: CallId, to: &str| {
        let to = to.into();
        match agent.tries(CommandBody::Transfer { call, to }) {
            Err(Refusal::Forbidden(_)) => "forbidden",
            Err(Refusal::Conflict(_)) => "conflict",
            Err(Refusal::Invalid { field: "to", .. }) => "no such number",
            Err(Refusal::NotFound { .. }) => "no such call",
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(send(&bob, call, "1002"), "forbidden", "not his");
    assert_eq!(send(&ann, waits, "1002"), "forbidden", "it waits");
    assert_eq!(send(&ann, call, "77"), "no such number");
    assert_eq!(send(&ann, call, "1001"), "no such number", "her own");
    assert_eq!(send(&ann, CallId(7), "1002"), "no such call");
    assert!(caller.talks_to(&ann), "nothing has happened");
    let placed = ann.tries(CommandBody::Hold { call });
    assert!(placed.is_ok());
    ann.transfers(call, "+49399");
    assert!(w.view().calls[&call].held_by.is_empty());
    caller.hangs_up();
    waiting.hangs_up();
    w.expect_quiet();
}

#[test]
fn metrics_4_5_a_caller_who_hangs_up_while_sent_on_is_lost_after_the_answer() {
    let w = World::new(seed(16));
    let (ann, caller, call) = ann_talks(&w);
    ann.transfers(call, "+49399");
    caller.hangs_up();
    assert_eq!(ends(&w), [(EndResult::Abandoned, EndedBy::Caller)]);
    let today = w.view().board.queues["sales"].counts.today;
    assert_eq!(today.lost_in_transfer, 1);
    assert_eq!((today.offered, today.outcomes.answered), (1, 1));
    assert_eq!(today.handled, 1, "Ann's conversation is over");
    w.expect_quiet();
}

#[test]
fn metrics_4_1_recalls_are_counted_on_their_own_and_not_as_offered() {
    let w = World::new(seed(17));
    let (ann, caller, call) = ann_talks(&w);
    ann.transfers(call, "+49399");
    w.run_for(secs(31));
    ann.answers();
    caller.hangs_up();
    let today = w.view().board.queues["sales"].counts.today;
    assert_eq!((today.offered, today.recalls), (1, 1));
    assert_eq!((today.outcomes.answered, today.handled), (1, 2));
    let total = w.view().board.total.today;
    assert_eq!((total.offered, total.recalls), (1, 1));
    assert_eq!(alerts(&w).len(), 2);
    w.expect_quiet();
}

#[test]
fn i8_a_restart_closes_what_was_sent_on_and_what_came_back() {
    let w = World::new(seed(18));
    let (ann, _, call) = ann_talks(&w);
    let far = w.phone("+49399");
    ann.transfers(call, "+49399");
    assert!(far.rings());
    w.crash_and_restart();
    assert!(w.view().calls.is_empty());
    // An INVITE of a former life cannot be cancelled. Lifted, the phone is hung up at once.
    far.answers();
    let caller = w.phone("+49305");
    caller.calls("sales");
    ann.answers();
    ann.transfers(call_of(&w, "+49305"), "+49398");
    w.run_for(secs(31));
    assert!(ann.rings());
    w.crash_and_restart();
    assert!(w.view().calls.is_empty());
    assert_eq!(
        ends(&w).last(),
        Some(&(EndResult::Interrupted, EndedBy::System))
    );
    ann.answers();
    ann.asks(CommandBody::SetAgentState {
        username: "ann".into(),
        state: PresenceWish::Available,
    });
    assert!(alerts(&w).contains(&("ann".into(), AlertEnd::Withdrawn)));
    w.expect_quiet();
}
