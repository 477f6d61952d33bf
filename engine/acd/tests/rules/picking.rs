//! Rule 13: agents take what they choose.

use acd::config::WrapUp;
use acd::{
    AgentChange, AgentId, AlertEnd, AlertOutcome, Denial, Device, DivertReason, Presence,
    WithdrawReason,
};

use crate::centre::{Centre, NO_ANSWER, secs, to, to_user};

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
fn rule_13_an_agent_takes_what_waits_whatever_its_rank() {
    let mut centre = all_busy(1);
    centre.takes_break(1);
    centre.own_calls(1, 0);
    centre.picks_up(1, 3);
    assert_eq!(centre.picked_up(), [(3, 1)]);
    assert_eq!(centre.waiting(1), [1, 2]);
    centre.accepts(1);
    assert_eq!(centre.connected(), [(3, 1)]);
    centre.ends(3);
    assert!(centre.is_on_break_for(1, "coffee"));
    assert_eq!(centre.alerts(), [(3, 1)], "the break goes on");
}

#[test]
fn rule_13_the_first_to_pick_up_is_the_first_in_rank_that_they_can_have() {
    let mut centre = all_busy(3);
    assert_eq!(centre.first_to_pick_up(1, 1, false), Some(1));
    centre.reserves(2, 1);
    assert_eq!(centre.first_to_pick_up(1, 1, false), Some(2), "1 is held");
    assert_eq!(centre.first_to_pick_up(1, 2, false), Some(1), "for them");
    assert_eq!(
        centre.first_to_pick_up(1, 1, true),
        Some(1),
        "supervisors may"
    );
    centre.own_calls(3, 0);
    assert_eq!(centre.alerts(), [(2, 3)]);
    assert_eq!(
        centre.first_to_pick_up(1, 1, false),
        Some(2),
        "it only rings"
    );
    centre.own_calls(2, 0);
    centre.picks_up(2, 2);
    assert_eq!(centre.first_to_pick_up(1, 1, false), Some(3), "2 is taken");
    assert_eq!(
        centre.first_to_pick_up(2, 1, true),
        None,
        "nobody waits there"
    );
    assert_eq!(centre.first_to_pick_up(9, 1, true), None, "no such queue");
}

#[test]
fn rule_13_a_wrap_up_ends() {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| queue.wrap_up = WrapUp::For(secs(600)));
    centre.comes(1, to(1));
    centre.accepts(1);
    centre.comes(2, to(1));
    centre.comes(3, to(1));
    centre.ends(1);
    centre.picks_up(1, 3);
    assert_eq!(centre.picked_up(), [(3, 1)]);
    centre.answers(1, AlertEnd::NoBinding);
    centre.change(1, AgentChange::Device(Device::Registered));
    assert_eq!(
        centre.alerts(),
        [(1, 1), (3, 1), (2, 1)],
        "it does not come back"
    );
}

#[test]
fn rule_16_a_logout_that_waits_for_a_wrap_up_waits_for_what_is_picked_up_in_it() {
    // (how the picked-up call's alert ends, whether they are still there then)
    let cases = [(AlertEnd::Accepted, true), (AlertEnd::Rejected, false)];
    for (end, still_there) in cases {
        let mut centre = Centre::staffed(1);
        centre.with_queue(1, |queue| queue.wrap_up = WrapUp::For(secs(600)));
        centre.comes(1, to(1));
        centre.accepts(1);
        centre.comes(2, to(1));
        centre.comes(3, to(1));
        centre.logs_out(1);
        centre.ends(1);
        centre.picks_up(1, 2);
        centre.picks_up(1, 3);
        assert_eq!(centre.picked_up(), [(2, 1), (3, 1)], "{end:?}");
        centre.answers(1, end);
        let there = centre.state(1).presence == Presence::Available;
        assert_eq!(there, still_there, "{end:?}");
        if still_there {
            centre.ends(3);
            centre.run(secs(600));
        }
        assert_eq!(centre.state(1).presence, Presence::Offline, "{end:?}");
        assert_eq!(centre.alerts(), [(1, 1), (2, 1), (3, 1)], "{end:?}");
    }
}

#[test]
fn rule_13_the_takers_own_alert_is_withdrawn_and_goes_to_the_next() {
    let mut centre = Centre::staffed(2);
    centre.own_calls(2, 1);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.new_alerts();
    centre.own_calls(2, 0);
    assert_eq!(centre.new_alerts(), [(2, 2)]);
    centre.comes(3, to(1));
    centre.picks_up(1, 3);
    assert_eq!(centre.withdrawals(), [WithdrawReason::Instead]);
    let how = AlertOutcome::Withdrawn(WithdrawReason::Instead);
    assert_eq!(centre.outcomes(), [(1, 1, how)]);
    assert_eq!(centre.waiting(1), [1]);
    centre.answers(2, AlertEnd::Rejected);
    assert_eq!(
        centre.alerts(),
        [(3, 1), (1, 2)],
        "with its rank, to who is free"
    );
}

#[test]
fn rule_13_an_alert_elsewhere_is_withdrawn_and_that_agent_gets_the_next() {
    let mut centre = Centre::new(2);
    centre.logs_in(1);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.logs_in_on_break(2);
    centre.picks_up(2, 1);
    assert_eq!(centre.withdrawals(), [WithdrawReason::PickedUp]);
    assert_eq!(centre.picked_up(), [(1, 2)]);
    assert_eq!(centre.alerts(), [(1, 1), (1, 2), (2, 1)]);
}

#[test]
fn rule_13_of_two_who_pick_up_exactly_one_gets_it() {
    let mut centre = all_busy(3);
    for agent in 1..=3 {
        centre.takes_break(agent);
        centre.own_calls(agent, 0);
    }
    centre.picks_up(2, 1);
    centre.picks_up(1, 1);
    let taken = Denial::Taken { by: AgentId(2) };
    assert_eq!(centre.denied(), [(1, 1, taken)], "while it rings");
    centre.accepts(2);
    centre.picks_up(3, 1);
    assert_eq!(
        centre.denied().last(),
        Some(&(1, 3, taken)),
        "when it talks"
    );
    assert_eq!(centre.picked_up(), [(1, 2)]);
    assert_eq!(centre.connected(), [(1, 2)]);
}

#[test]
fn rule_13_to_pick_up_what_rings_at_ones_phone_changes_nothing() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    centre.picks_up(1, 1);
    assert_eq!(centre.alerts(), [(1, 1)]);
    assert_eq!((centre.denied(), centre.outcomes()), (vec![], vec![]));
}

#[test]
fn rule_13_what_stands_in_the_way_is_said() {
    type Case = (&'static str, fn(&mut Centre), Denial);
    let cases: [Case; 6] = [
        ("logged out", |it| it.logs_out(1), Denial::Offline),
        ("not assigned", |it| it.serves(1, &[2]), Denial::NotAssigned),
        (
            "no phone",
            |it| {
                it.own_calls(1, 0);
                it.picks_up(1, 2);
                it.change(1, AgentChange::Device(Device::Unregistered));
            },
            Denial::NoPhone,
        ),
        ("gone", |it| it.leaves(3), Denial::NotWaiting),
        (
            "its queue is removed",
            |it| {
                it.config.queues.retain(|queue| queue.id.0 != 1);
                it.apply();
            },
            Denial::NotWaiting,
        ),
        (
            "another has it",
            |it| {
                it.logs_in_on_break(2);
                it.picks_up(2, 3);
            },
            Denial::Taken { by: AgentId(2) },
        ),
    ];
    for (name, what, why) in cases {
        let mut centre = Centre::new(2);
        centre.logs_in(1);
        centre.own_calls(1, 1);
        for caller in 1..=3 {
            centre.comes(caller, to(1));
        }
        what(&mut centre);
        let before = centre.acd.encode();
        centre.picks_up(1, 3);
        assert_eq!(centre.denied(), [(3, 1, why)], "{name}");
        assert_eq!(centre.acd.encode(), before, "{name}: nothing has changed");
    }
}

#[test]
fn rule_13_who_talks_may_pick_up_and_has_both_then() {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| queue.wrap_up = WrapUp::For(secs(10)));
    for caller in 1..=3 {
        centre.comes(caller, to(1));
    }
    centre.accepts(1);
    centre.picks_up(1, 3);
    assert_eq!(
        (centre.picked_up(), centre.denied()),
        (vec![(3, 1)], vec![])
    );
    centre.accepts(1);
    assert_eq!(centre.connected(), [(1, 1), (3, 1)]);
    centre.ends(3);
    centre.run(secs(60));
    assert_eq!(
        centre.alerts().len(),
        2,
        "rule 15: they have the first still"
    );
    centre.ends(1);
    assert_eq!(centre.alerts().len(), 2, "rule 17: wrap-up after the last");
    centre.run(secs(10));
    assert_eq!(centre.alerts().last(), Some(&(2, 1)));
}

#[test]
fn rule_13_wrap_up_of_a_call_that_ended_while_the_next_rang_is_over_when_they_answer_it() {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| queue.wrap_up = WrapUp::For(secs(10)));
    for caller in 1..=3 {
        centre.comes(caller, to(1));
    }
    centre.accepts(1);
    centre.picks_up(1, 2);
    centre.ends(1);
    centre.run(secs(5));
    centre.accepts(1);
    centre.run(secs(60));
    centre.ends(2);
    centre.run(secs(9));
    assert_eq!(centre.alerts().len(), 2);
    centre.run(secs(1));
    assert_eq!(
        centre.alerts().last(),
        Some(&(3, 1)),
        "its own wrap-up, whole"
    );
}

#[test]
fn rule_13_who_talks_on_a_call_of_their_own_may_pick_up() {
    let mut centre = Centre::new(1);
    centre.logs_in(1);
    centre.own_calls(1, 1);
    centre.comes(1, to(1));
    centre.picks_up(1, 1);
    centre.accepts(1);
    centre.ends(1);
    centre.comes(2, to(1));
    assert_eq!(centre.alerts(), [(1, 1)], "rule 7: no room");
    centre.own_calls(1, 0);
    assert_eq!(centre.alerts(), [(1, 1), (2, 1)]);
}

#[test]
fn rule_13_a_supervisor_takes_what_waits_anywhere() {
    let mut centre = Centre::staffed(2);
    centre.own_calls(2, 1);
    centre.serves(1, &[2]);
    centre.takes_break(1);
    centre.comes(1, to(1));
    centre.comes(2, to_user(2));
    for caller in [1, 2] {
        centre.picks_up(1, caller);
        assert_eq!(
            centre.denied().last(),
            Some(&(caller, 1, Denial::NotAssigned))
        );
        centre.picks_up_as_supervisor(1, caller);
        centre.accepts(1);
        centre.ends(caller);
    }
    assert_eq!(centre.connected(), [(1, 1), (2, 1)]);
}

#[test]
fn rule_2_a_direct_call_that_a_supervisor_let_ring_waits_for_its_user_still() {
    for end in [None, Some(AlertEnd::Rejected)] {
        let mut centre = Centre::staffed(2);
        centre.own_calls(2, 1);
        centre.comes(1, to_user(2));
        centre.picks_up_as_supervisor(1, 1);
        match end {
            Some(end) => centre.answers(1, end),
            None => centre.run(secs(20)),
        }
        assert_eq!(centre.diverted(), []);
        centre.own_calls(2, 0);
        assert_eq!(centre.alerts(), [(1, 1), (1, 2)]);
        centre.run(secs(20));
        assert_eq!(centre.diverted(), [(1, DivertReason::AgentNoAnswer)]);
    }
}

#[test]
fn rule_13_who_picks_up_and_does_not_answer_gives_it_back_and_has_missed_nothing() {
    let mut centre = all_busy(1);
    centre.own_calls(1, 0);
    centre.picks_up(1, 3);
    centre.rings(1);
    centre.run(secs(20));
    assert_eq!(centre.outcomes().last(), Some(&(3, 1, NO_ANSWER)));
    assert_eq!(centre.state(1).presence, Presence::Available);
    assert_eq!(centre.alerts(), [(1, 1), (3, 1), (1, 1)]);
    assert_eq!(centre.waiting(1), [2, 3], "with its rank");
    let counters = centre.acd.agent(AgentId(1)).unwrap().counters;
    assert_eq!((counters.alerts, counters.timed_out), (3, 1));
}

#[test]
fn rule_11_what_they_rejected_can_be_picked_up() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    centre.run(secs(60));
    assert_eq!(centre.alerts(), [(1, 1)]);
    centre.picks_up(1, 1);
    centre.run(secs(60));
    assert_eq!(
        centre.alerts(),
        [(1, 1), (1, 1)],
        "not answered, and rejected still"
    );
    centre.picks_up(1, 1);
    centre.accepts(1);
    assert_eq!(centre.connected(), [(1, 1)]);
}

#[test]
fn rule_13_who_does_not_answer_twice_is_left_alone_from_the_second_time_on() {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| queue.max_no_answer = 0);
    centre.comes(1, to(1));
    centre.run(secs(20 + 5));
    centre.picks_up(1, 1);
    centre.run(secs(20 + 14));
    assert_eq!(centre.alerts().len(), 2);
    centre.run(secs(1));
    assert_eq!(centre.alerts().len(), 3, "15 s after the second");
}

#[test]
fn rule_13_a_break_while_it_rings_gives_it_back() {
    let mut centre = all_busy(1);
    centre.own_calls(1, 0);
    centre.picks_up(1, 2);
    centre.takes_break(1);
    assert_eq!(centre.withdrawals().last(), Some(&WithdrawReason::Break));
    assert_eq!(centre.waiting(1), [1, 2, 3]);
}

#[test]
fn i8_a_checkpoint_keeps_what_is_picked_up() {
    let mut centre = all_busy(1);
    centre.own_calls(1, 0);
    centre.picks_up(1, 3);
    centre.acd = acd::Acd::decode(&centre.acd.encode()).unwrap();
    centre.run(secs(20));
    assert_eq!(
        centre.state(1).presence,
        Presence::Available,
        "nothing missed"
    );
}
