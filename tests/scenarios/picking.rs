//! People have their say in who gets whom: pick-up (rule 13), reserving (14), another rank (3), leaving a queue (16).

use engine::event::{AlertEnd, Event, Presence};
use engine::{CallId, CommandBody, Refusal};
use expect_test::expect_file;
use sim::{Agent, Hears, Manner, Phone, World, millis, secs, seed};

use crate::told::{alerts, call_of, connections};

/// Who was alerted for what they had picked up.
fn picked_up(w: &World) -> Vec<String> {
    let picked_up = w
        .events()
        .into_iter()
        .filter_map(|(_, event)| match &*event {
            Event::AlertStarted {
                agent,
                picked_up: true,
                ..
            } => Some(agent.clone()),
            _ => None,
        });
    picked_up.collect()
}

fn refused(agent: &Agent, call: CallId) -> String {
    match agent.tries(CommandBody::PickUp { call }) {
        Err(Refusal::Conflict(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn rule_13_an_agent_on_break_picks_up_the_caller_they_choose() {
    let w = World::new(seed(1));
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    ann.takes_a_break("lunch");
    first.calls("sales");
    second.calls("sales");
    w.run_for(secs(5));
    ann.picks_up(call_of(&w, "+49302"));
    assert!(ann.rings());
    assert_eq!(ann.sees(), "+49302");
    ann.answers();
    assert!(second.talks_to(&ann));
    assert_eq!(w.waiting("sales"), ["+49301"]);
    ann.hangs_up();
    assert_eq!(w.break_reason("ann").as_deref(), Some("lunch"));
    assert!(ann.is_idle(), "the break goes on");
    assert_eq!(picked_up(&w), ["ann"]);
    first.hangs_up();
    w.expect_trace(expect_file!["../traces/picked_up_on_break.trace"]);
    w.expect_quiet();
}

#[test]
fn rule_13_what_rings_at_one_phone_is_picked_up_at_another() {
    let w = World::new(seed(2));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    let eva = w.agent("eva");
    eva.takes_a_break("lunch");
    caller.calls("sales");
    assert!(ann.rings());
    eva.picks_up(call_of(&w, "+49301"));
    assert!(ann.is_idle() && eva.rings());
    eva.answers();
    assert!(caller.talks_to(&eva));
    let expected = [
        ("ann".into(), AlertEnd::Withdrawn),
        ("eva".into(), AlertEnd::Accepted),
    ];
    assert_eq!(alerts(&w), expected);
    eva.hangs_up();
    w.expect_trace(expect_file!["../traces/picked_up_elsewhere.trace"]);
    w.expect_quiet();
}

#[test]
fn rule_13_of_two_who_pick_up_one_gets_it_and_the_other_hears_who() {
    let w = World::new(seed(3));
    let (ann, bob, caller) = (
        w.agent("ann").available(),
        w.agent("bob").available(),
        w.phone("+49301"),
    );
    ann.takes_a_break("lunch");
    bob.takes_a_break("lunch");
    caller.calls("sales");
    let call = call_of(&w, "+49301");
    bob.picks_up(call);
    assert!(refused(&ann, call).starts_with("bob has call"));
    bob.answers();
    assert!(refused(&ann, call).starts_with("bob has call"));
    assert!(caller.talks_to(&bob) && ann.is_idle());
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_13_whom_the_agent_talks_to_is_on_hold_when_they_pick_up() {
    let w = World::new(seed(4));
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    ann.has_call_waiting();
    first.calls("sales");
    ann.answers();
    second.calls("sales");
    let (talking, waiting) = (call_of(&w, "+49301"), call_of(&w, "+49302"));
    ann.picks_up(waiting);
    assert!(first.hears_clip("default"), "from the pick-up on");
    assert_eq!(ann.sees(), "+49302");
    ann.answers();
    assert!(second.talks_to(&ann) && first.hears_clip("default"));
    assert!(!w.view().calls[&talking].held_by.is_empty());
    ann.hangs_up();
    w.run_for(secs(30));
    assert!(first.hears_clip("default"), "until somebody resumes it");
    ann.asks(CommandBody::Resume { call: talking });
    assert_eq!(first.hears(), Hears::Person);
    assert!(w.view().calls[&talking].held_by.is_empty());
    first.hangs_up();
    w.expect_trace(expect_file!["../traces/picked_up_while_talking.trace"]);
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_13_who_does_not_get_what_they_picked_up_talks_on() {
    type Case = (&'static str, fn(&Agent, &Phone, &World));
    let cases: [Case; 4] = [
        ("busy", |_, _, _| {}),
        ("not answered", |ann, _, w| {
            ann.has_call_waiting();
            w.run_for(secs(20));
        }),
        ("rejected", |ann, _, _| {
            ann.rejects(603);
        }),
        ("caller gone", |_, second, _| {
            second.hangs_up();
        }),
    ];
    for (name, ends) in cases {
        let w = World::new(seed(41));
        let (ann, first, second) = (
            w.agent("ann").available(),
            w.phone("+49301"),
            w.phone("+49302"),
        );
        if name != "busy" {
            ann.has_call_waiting();
        }
        first.calls("sales");
        ann.answers();
        second.calls("sales");
        ann.picks_up(call_of(&w, "+49302"));
        ends(&ann, &second, &w);
        assert_eq!(first.hears(), Hears::Person, "{name}");
        assert!(w.view().calls[&call_of(&w, "+49301")].held_by.is_empty());
        first.hangs_up();
        if name != "caller gone" {
            second.hangs_up();
        }
        w.expect_quiet();
    }
}

#[test]
fn rule_13_who_picks_up_one_after_the_other_keeps_the_first_on_hold() {
    let w = World::new(seed(46));
    let ann = w.agent("ann").available();
    ann.has_call_waiting();
    let callers = ["+49301", "+49302", "+49303"].map(|number| w.phone(number));
    callers[0].calls("sales");
    ann.answers();
    for caller in &callers[1..] {
        caller.calls("sales");
        ann.picks_up(call_of(&w, caller.number()));
        assert!(callers[0].hears_clip("default"));
    }
    ann.answers();
    assert!(callers[2].talks_to(&ann) && callers[0].hears_clip("default"));
    callers[2].hangs_up();
    callers[1].hangs_up();
    assert!(callers[0].hears_clip("default"), "they were answered");
    callers[0].hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_15_who_has_somebody_on_hold_gets_nobody_else() {
    let w = World::new(seed(42));
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    ann.has_call_waiting();
    first.calls("sales");
    ann.answers();
    ann.asks(CommandBody::Hold {
        call: call_of(&w, "+49301"),
    });
    second.calls("sales");
    w.run_for(secs(30));
    assert_eq!(w.waiting("sales"), ["+49302"]);
    assert!(first.hears_clip("default"));
    first.hangs_up();
    assert_eq!(ann.sees(), "+49302");
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn ct_4_14_a_conversation_is_held_and_resumed_by_who_is_in_it() {
    let w = World::new(seed(43));
    let (ann, bob) = (w.agent("ann").available(), w.agent("bob").available());
    let caller = w.phone("+49301");
    caller.calls("sales");
    let call = call_of(&w, "+49301");
    let (hold, resume) = (CommandBody::Hold { call }, CommandBody::Resume { call });
    assert!(matches!(
        ann.tries(hold.clone()),
        Err(Refusal::Forbidden(_)) | Err(Refusal::Conflict(_))
    ));
    ann.answers();
    assert!(matches!(
        bob.tries(hold.clone()),
        Err(Refusal::Forbidden(_))
    ));
    assert!(matches!(
        ann.tries(resume.clone()),
        Err(Refusal::Conflict(_))
    ));
    ann.asks(hold.clone());
    assert!(caller.hears_clip("default") && ann.hears_clip("silence"));
    assert!(matches!(ann.tries(hold.clone()), Err(Refusal::Conflict(_))));
    w.run_for(secs(120));
    assert!(caller.talks(), "nobody takes it for lost");
    ann.asks(resume.clone());
    assert!(caller.talks_to(&ann));
    // The phone's own hold is the phone's to end.
    ann.holds();
    assert!(matches!(
        ann.tries(resume.clone()),
        Err(Refusal::Conflict(_))
    ));
    ann.resumes();
    assert!(caller.talks_to(&ann));
    // What a person holds ends when the phone takes it up.
    ann.asks(hold);
    ann.holds();
    ann.resumes();
    assert!(caller.talks_to(&ann));
    assert!(matches!(ann.tries(resume), Err(Refusal::Conflict(_))));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn ct_4_14_both_may_hold_and_each_hears_music_until_the_other_resumes() {
    let w = World::new(seed(44));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    let call = call_of(&w, "+49301");
    ann.asks(CommandBody::Hold { call });
    caller.holds();
    assert!(ann.hears_clip("default") && caller.hears_clip("default"));
    ann.asks(CommandBody::Resume { call });
    assert!(ann.hears_clip("default"));
    caller.resumes();
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn ct_4_14_who_resumes_one_puts_the_other_on_hold() {
    let w = World::new(seed(45));
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    ann.has_call_waiting();
    first.calls("sales");
    ann.answers();
    second.calls("sales");
    ann.picks_up(call_of(&w, "+49302"));
    ann.answers();
    ann.asks(CommandBody::Resume {
        call: call_of(&w, "+49301"),
    });
    assert_eq!(first.hears(), Hears::Person);
    assert!(second.hears_clip("default"));
    first.hangs_up();
    assert!(second.hears_clip("default"));
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_13_a_picked_up_call_that_is_not_answered_waits_where_it_was() {
    let w = World::new(seed(5));
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    ann.takes_a_break("lunch");
    first.calls("sales");
    second.calls("sales");
    w.run_for(secs(1));
    ann.picks_up(call_of(&w, "+49301"));
    w.run_for(secs(21));
    assert!(ann.is_idle());
    assert_eq!(alerts(&w), [("ann".into(), AlertEnd::TimedOut)]);
    assert_eq!(w.waiting("sales"), ["+49301", "+49302"]);
    assert_eq!(w.break_reason("ann").as_deref(), Some("lunch"));
    first.hangs_up();
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_13_who_is_available_and_does_not_answer_what_they_picked_up_is_not_sent_on_break() {
    let w = World::new(seed(6));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    ann.will(Manner::Refuses(486));
    caller.calls("sales");
    ann.will(Manner::Rings);
    w.run_for(millis(500));
    // Her phone was busy and is left alone for a while; she knows better.
    ann.picks_up(call_of(&w, "+49301"));
    assert!(ann.rings());
    w.run_for(secs(21));
    assert_eq!(w.row("ann").presence, Presence::Available);
    assert_eq!(w.waiting("sales"), ["+49301"]);
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_11_the_rejecter_can_still_pick_it_up() {
    let w = World::new(seed(7));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    w.run_for(secs(1));
    ann.rejects(603);
    w.run_for(secs(30));
    let call = call_of(&w, "+49301");
    assert!(w.view().calls[&call].rejected_by.contains("ann"));
    ann.picks_up(call).answers();
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_13_only_a_supervisor_picks_up_from_queues_that_are_not_theirs() {
    let w = World::new(seed(8));
    let (max, caller) = (w.agent("max"), w.phone("+49301"));
    max.logs_in();
    caller.calls("sales");
    let call = call_of(&w, "+49301");
    let pick_up = CommandBody::PickUp { call };
    assert!(matches!(
        max.tries(pick_up.clone()),
        Err(Refusal::Forbidden(_))
    ));
    w.command("max", config::Role::Supervisor, pick_up)
        .expect("supervisors may");
    max.answers();
    assert!(caller.talks_to(&max));
    assert_eq!(connections(&w), [("+49301".into(), "max".into())]);
    max.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_14_an_agent_who_talks_reserves_the_caller_they_want_next() {
    let w = World::new(seed(9));
    let (ann, bob) = (w.agent("ann").available(), w.agent("bob").available());
    let phones = ["+49301", "+49302", "+49303", "+49304"].map(|number| w.phone(number));
    let [first, second, third, fourth] = &phones;
    first.calls("sales");
    second.calls("sales");
    ann.answers();
    bob.answers();
    third.calls("sales");
    fourth.calls("sales");
    let call = call_of(&w, "+49304");
    ann.reserves(call);
    let reserved = |w: &World| w.view().calls[&call].queued.as_ref()?.reserved_by.clone();
    assert_eq!(reserved(&w).as_deref(), Some("ann"));
    second.hangs_up();
    assert_eq!(bob.sees(), "+49303");
    bob.answers().hangs_up();
    assert!(bob.is_idle(), "what is held for her does not ring at him");
    assert_eq!(w.waiting("sales"), ["+49304"]);
    first.hangs_up();
    assert_eq!(ann.sees(), "+49304");
    ann.answers();
    assert!(fourth.talks_to(&ann));
    ann.hangs_up();
    w.expect_trace(expect_file!["../traces/reserved.trace"]);
    w.expect_quiet();
}

#[test]
fn rule_14_a_reservation_ends_at_its_limit_and_is_not_had_twice() {
    let w = World::new(seed(10));
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    first.calls("sales");
    ann.answers();
    second.calls("sales");
    let call = call_of(&w, "+49302");
    ann.reserves(call);
    let bob = w.agent("bob").available();
    w.run_for(secs(119));
    assert!(bob.is_idle());
    w.run_for(secs(1));
    assert_eq!(bob.sees(), "+49302");
    match ann.tries(CommandBody::Reserve { call }) {
        Err(Refusal::Conflict(why)) => assert!(why.contains("before"), "{why}"),
        other => panic!("not refused: {other:?}"),
    }
    second.hangs_up();
    first.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_14_a_break_ends_it_and_the_next_can_reserve() {
    let w = World::new(seed(11));
    let (ann, bob) = (w.agent("ann").available(), w.agent("bob").available());
    let phones = ["+49301", "+49302", "+49303"].map(|number| w.phone(number));
    let [first, second, third] = &phones;
    first.calls("sales");
    second.calls("sales");
    ann.answers();
    bob.answers();
    third.calls("sales");
    let call = call_of(&w, "+49303");
    ann.reserves(call);
    match bob.tries(CommandBody::Reserve { call }) {
        Err(Refusal::Conflict(why)) => assert!(why.ends_with("is held for ann"), "{why}"),
        other => panic!("not refused: {other:?}"),
    }
    ann.takes_a_break("lunch");
    bob.tries(CommandBody::Reserve { call })
        .expect_err("she is on break only after her call");
    first.hangs_up();
    bob.reserves(call).releases(call);
    assert_eq!(w.waiting("sales"), ["+49303"]);
    second.hangs_up();
    assert_eq!(bob.sees(), "+49303");
    third.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_3_a_supervisor_puts_a_caller_first() {
    let w = World::new(seed(12));
    let phones = ["+49301", "+49302", "+49303"].map(|number| w.phone(number));
    for phone in &phones {
        phone.calls("sales");
        w.run_for(secs(1));
    }
    let rank = |number: &str, tier, priority| {
        w.supervisor(CommandBody::Rerank {
            call: call_of(&w, number),
            tier,
            priority,
        })
    };
    rank("+49303", None, Some(1));
    assert_eq!(w.waiting("sales"), ["+49303", "+49301", "+49302"]);
    rank("+49302", Some(config::Tier::Urgent), None);
    assert_eq!(w.waiting("sales"), ["+49302", "+49303", "+49301"]);
    let ann = w.agent("ann").available();
    assert_eq!(ann.sees(), "+49302");
    for phone in &phones {
        phone.hangs_up();
    }
    w.expect_quiet();
}

#[test]
fn rule_3_the_points_a_supervisor_gives_are_those_that_are_shown() {
    let w = World::new(seed(13));
    let centre = sim::CENTRE.replace("number = \"2000\"", "number = \"2000\"\npriority = 4");
    w.applies(&centre).expect("a right centre");
    let caller = w.phone("+49301");
    caller.calls("sales");
    let call = call_of(&w, "+49301");
    let shown = |w: &World| {
        w.view().calls[&call]
            .queued
            .as_ref()
            .map(|row| row.priority)
    };
    assert_eq!(shown(&w), Some(4));
    w.supervisor(CommandBody::Rerank {
        call,
        tier: None,
        priority: Some(7),
    });
    assert_eq!(shown(&w), Some(7));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_16_who_leaves_a_queue_serves_the_others_until_they_log_out() {
    let w = World::new(seed(14));
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    ann.joins("sales", false);
    assert_eq!(w.row("ann").left_queues, ["sales"]);
    first.calls("sales");
    assert!(ann.is_idle());
    second.calls("support");
    assert_eq!(ann.sees(), "+49302");
    ann.answers().hangs_up();
    assert!(ann.is_idle());
    w.crash_and_restart();
    assert_eq!(w.row("ann").left_queues, ["sales"], "over a restart, too");
    ann.logs_out().logs_in();
    assert!(w.row("ann").left_queues.is_empty());
    first.calls("sales");
    assert_eq!(ann.sees(), "+49301");
    first.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_16_only_who_is_at_work_leaves_and_only_a_queue_of_theirs() {
    let w = World::new(seed(15));
    let bob = w.agent("bob");
    let refused = |queue: &str| {
        let body = CommandBody::JoinQueue {
            username: "bob".into(),
            queue: queue.into(),
            joined: false,
        };
        match bob.tries(body) {
            Err(Refusal::Conflict(why)) => why,
            other => panic!("not refused: {other:?}"),
        }
    };
    assert!(refused("sales").ends_with("is not at work"));
    bob.logs_in();
    assert!(refused("support").contains("is not assigned"));
    assert!(refused("nowhere").contains("is not assigned"));
    w.expect_quiet();
}
