//! Rule 14: agents have something held for them.

use acd::config::WrapUp;
use acd::{AgentChange, AgentId, AlertEnd, Denial, Device, Input};

use crate::centre::{Centre, secs, to, to_user};

/// Agents 1 to `agents`, all on a call of their own, and callers 1 to 3 waiting in queue 1.
fn all_busy(agents: u32) -> Centre {
    let mut centre = Centre::staffed(agents);
    for agent in 1..=agents {
        centre.own_calls(agent, 1);
    }
    for caller in 1..=3 {
        centre.comes(caller, to(1));
    }
    centre
}

#[test]
fn rule_14_what_is_reserved_is_held_for_that_agent_alone() {
    let mut centre = all_busy(2);
    centre.reserves(1, 1);
    assert_eq!(centre.held(), [(1, Some(1))]);
    assert_eq!(centre.waiting(1), [1, 2, 3], "where it was");
    centre.own_calls(2, 0);
    assert_eq!(centre.alerts(), [(2, 2)]);
}

#[test]
fn rule_5_an_agent_who_becomes_free_takes_what_is_held_for_them_first() {
    let mut centre = all_busy(1);
    centre.reserves(1, 3);
    centre.own_calls(1, 0);
    assert_eq!(centre.alerts(), [(3, 1)]);
    centre.accepts(1);
    centre.ends(3);
    assert_eq!(centre.alerts(), [(3, 1), (1, 1)], "then the best-ranked");
}

#[test]
fn rule_5_what_is_held_comes_first_also_when_many_become_free_at_once() {
    let mut centre = Centre::staffed(2);
    centre.with_queue(1, |queue| queue.wrap_up = WrapUp::For(secs(10)));
    for (caller, agent) in [(8, 1), (9, 2)] {
        centre.comes(caller, to(1));
        centre.accepts(agent);
    }
    for caller in 1..=3 {
        centre.comes(caller, to(1));
    }
    centre.reserves(1, 3);
    centre.ends(8);
    centre.ends(9);
    centre.new_alerts();
    centre.run(secs(10));
    // Both wrap-ups end in one step, and the first caller would choose agent 1.
    assert_eq!(centre.alerts(), [(3, 1), (1, 2)]);
}

#[test]
fn rule_14_it_ends_when_released_at_logout_or_break_and_at_its_limit() {
    type Case = (&'static str, fn(&mut Centre));
    let cases: [Case; 7] = [
        ("released", |it| it.releases(1, 2, false)),
        ("released by a supervisor", |it| it.releases(2, 2, true)),
        ("logout", |it| it.logs_out(1)),
        ("break", |it| it.takes_break(1)),
        ("the limit", |it| it.run(secs(120))),
        ("not assigned any more", |it| it.serves(1, &[2])),
        ("user removed", |it| {
            it.config.agents.remove(0);
            it.apply();
        }),
    ];
    for (name, what) in cases {
        let mut centre = all_busy(2);
        centre.reserves(1, 2);
        centre.own_calls(2, 0);
        centre.answers(2, AlertEnd::Rejected);
        assert_eq!(centre.new_alerts(), [(1, 2), (3, 2)], "{name}");
        centre.answers(2, AlertEnd::Rejected);
        what(&mut centre);
        assert_eq!(centre.held(), [(2, Some(1)), (2, None)], "{name}");
        assert_eq!(centre.alerts(), [(2, 2)], "{name}: to who is free, at once");
    }
}

#[test]
fn rule_14_it_lasts_until_its_limit_and_not_a_moment_less() {
    let mut centre = all_busy(2);
    centre.reserves(1, 1);
    centre.own_calls(2, 0);
    centre.accepts(2);
    centre.run(secs(119));
    centre.ends(2);
    assert_eq!(centre.alerts(), [(2, 2), (3, 2)]);
    centre.run(secs(1));
    centre.accepts(2);
    centre.ends(3);
    assert_eq!(centre.alerts(), [(2, 2), (3, 2), (1, 2)], "its old rank");
}

#[test]
fn rule_14_the_first_to_reserve_has_it_and_has_it_once() {
    let mut centre = all_busy(2);
    centre.reserves(1, 1);
    centre.reserves(1, 1);
    assert_eq!((centre.held().len(), centre.denied().len()), (1, 0));
    centre.reserves(2, 1);
    let held = Denial::HeldFor { agent: AgentId(1) };
    assert_eq!(centre.denied(), [(1, 2, held)]);
    centre.releases(1, 1, false);
    centre.reserves(1, 1);
    let before = (1, 1, Denial::ReservedBefore);
    assert_eq!(centre.denied().last(), Some(&before));
    centre.reserves(2, 1);
    assert_eq!(centre.held().last(), Some(&(1, Some(2))));
}

#[test]
fn rule_14_what_stands_in_the_way_is_said() {
    type Case = (&'static str, fn(&mut Centre), Denial);
    let cases: [Case; 7] = [
        ("logged out", |it| it.logs_out(1), Denial::Offline),
        ("on break", |it| it.takes_break(1), Denial::OnBreak),
        ("not assigned", |it| it.serves(1, &[2]), Denial::NotAssigned),
        ("gone", |it| it.leaves(1), Denial::NotWaiting),
        (
            "rejected",
            |it| {
                it.own_calls(1, 0);
                it.answers(1, AlertEnd::Rejected);
            },
            Denial::Rejected,
        ),
        (
            "picked up",
            |it| {
                it.takes_break(2);
                it.own_calls(2, 0);
                it.picks_up(2, 1);
            },
            Denial::Taken { by: AgentId(2) },
        ),
        (
            "talking",
            |it| {
                it.own_calls(2, 0);
                it.accepts(2);
            },
            Denial::Taken { by: AgentId(2) },
        ),
    ];
    for (name, what, why) in cases {
        let mut centre = all_busy(2);
        what(&mut centre);
        centre.reserves(1, 1);
        assert_eq!(centre.denied(), [(1, 1, why)], "{name}");
        assert_eq!(centre.held(), [], "{name}");
    }
}

#[test]
fn rule_14_only_what_is_reserved_is_released_and_by_whom_it_is() {
    let mut centre = all_busy(2);
    centre.reserves(1, 1);
    centre.releases(2, 1, false);
    centre.releases(1, 2, false);
    centre.releases(1, 9, false);
    let held = Denial::HeldFor { agent: AgentId(1) };
    let expected = [
        (1, 2, held),
        (2, 1, Denial::NotReserved),
        (9, 1, Denial::NotWaiting),
    ];
    assert_eq!(centre.denied(), expected);
}

#[test]
fn rule_14_what_alerts_another_is_let_finish() {
    let mut centre = all_busy(2);
    centre.own_calls(2, 0);
    centre.reserves(1, 1);
    centre.answers(2, AlertEnd::Rejected);
    assert_eq!(centre.alerts(), [(1, 2), (2, 2)]);
    centre.own_calls(1, 0);
    assert_eq!(centre.alerts().last(), Some(&(1, 1)));
    let mut centre = all_busy(2);
    centre.own_calls(2, 0);
    centre.reserves(1, 1);
    centre.accepts(2);
    assert_eq!(centre.connected(), [(1, 2)]);
    centre.ends(1);
    centre.run(secs(200));
    assert_eq!(centre.held(), [(1, Some(1))], "nothing after the end");
}

#[test]
fn rule_13_what_is_held_for_another_only_a_supervisor_picks_up() {
    let mut centre = all_busy(2);
    centre.reserves(1, 1);
    centre.takes_break(2);
    centre.own_calls(2, 0);
    centre.picks_up(2, 1);
    let held = Denial::HeldFor { agent: AgentId(1) };
    assert_eq!(centre.denied(), [(1, 2, held)]);
    centre.picks_up_as_supervisor(2, 1);
    centre.answers(2, AlertEnd::NoBinding);
    centre.own_calls(1, 0);
    assert_eq!(
        centre.alerts(),
        [(1, 2), (1, 1)],
        "not answered, it is held still"
    );
}

#[test]
fn rule_14_who_rejects_what_is_held_for_them_holds_it_no_more() {
    let mut centre = all_busy(2);
    centre.reserves(1, 1);
    centre.own_calls(1, 0);
    centre.answers(1, AlertEnd::Rejected);
    assert_eq!(centre.held(), [(1, Some(1)), (1, None)]);
    centre.own_calls(2, 0);
    assert_eq!(centre.alerts().last(), Some(&(1, 2)));
}

#[test]
fn rule_14_who_does_not_answer_gets_it_again_after_retry_after() {
    let mut centre = all_busy(1);
    centre.with_queue(1, |queue| queue.max_no_answer = 0);
    centre.reserves(1, 3);
    centre.own_calls(1, 0);
    centre.run(secs(20));
    assert_eq!(centre.new_alerts(), [(3, 1), (1, 1)]);
    centre.accepts(1);
    centre.run(secs(15));
    centre.ends(1);
    assert_eq!(
        centre.alerts(),
        [(3, 1)],
        "before the caller who came first"
    );
    centre.run(secs(20));
    centre.accepts(1);
    centre.run(secs(14));
    centre.ends(2);
    assert_eq!(centre.alerts(), [(3, 1), (2, 1)]);
    centre.run(secs(1));
    assert_eq!(centre.alerts().last(), Some(&(3, 1)), "at its moment");
}

#[test]
fn rule_20_what_is_held_counts_among_those_who_wait() {
    let mut centre = all_busy(2);
    centre.reserves(1, 2);
    centre.with_queue(1, |queue| queue.max_waiting = 3);
    centre.comes(4, to(1));
    assert_eq!(centre.refused().len(), 1);
    let position = |caller| centre.acd.position(acd::InteractionId(caller));
    assert_eq!(
        [1, 2, 3].map(position),
        [Some(1), Some(2), Some(3)],
        "and keeps its place"
    );
}

#[test]
fn rule_2_a_direct_call_that_is_reserved_goes_with_the_others() {
    let mut centre = Centre::staffed(1);
    centre.own_calls(1, 1);
    centre.comes(1, to_user(1));
    centre.reserves(1, 1);
    centre.change(1, AgentChange::Device(Device::Unregistered));
    assert_eq!(centre.diverted().len(), 1);
}

#[test]
fn rule_3_what_is_held_is_ranked_anew_with_its_queue() {
    let mut centre = all_busy(1);
    centre.reserves(1, 2);
    centre.comes(9, to(2));
    centre.with_queue(1, |queue| queue.priority = 5);
    assert_eq!(centre.waiting(1), [1, 2, 3]);
    centre.own_calls(1, 0);
    assert_eq!(centre.alerts(), [(2, 1)]);
    assert!(centre.acd.is_consistent());
}

#[test]
fn i8_a_checkpoint_keeps_what_is_reserved_and_who_had_their_turn() {
    let mut centre = all_busy(2);
    centre.reserves(1, 1);
    centre.reserves(2, 2);
    centre.releases(2, 2, false);
    centre.acd = acd::Acd::decode(&centre.acd.encode()).unwrap();
    centre.own_calls(2, 0);
    assert_eq!(centre.alerts(), [(2, 2)]);
    centre.reserves(2, 2);
    centre.run(secs(120));
    assert_eq!(centre.held().last(), Some(&(1, None)));
    centre.input(Input::Timeout);
    assert_eq!(centre.denied(), [(2, 2, Denial::ReservedBefore)]);
}
