//! Rules 6 and 10 where a queue rings for all: the first to accept has it.

use acd::config::{Skill, Strategy};
use acd::{Acd, AlertEnd, AlertOutcome, DivertReason, SkillId, WithdrawReason};

use crate::centre::{Centre, refused, secs, to};

const ANSWERED: AlertOutcome = AlertOutcome::Withdrawn(WithdrawReason::Answered);
const RANG_OUT: AlertOutcome = AlertOutcome::Withdrawn(WithdrawReason::TimedOut);

fn centre(agents: u32) -> Centre {
    let mut centre = Centre::staffed(agents);
    centre.with_queue(1, |queue| queue.strategy = Strategy::RingAll);
    centre
}

#[test]
fn rule_6_all_ring_at_once_and_the_first_to_accept_has_it() {
    let mut centre = centre(3);
    centre.comes(1, to(1));
    assert_eq!(centre.alerts(), [(1, 1), (1, 2), (1, 3)]);
    centre.accepts(2);
    assert_eq!(centre.connected(), [(1, 2)]);
    assert_eq!(
        centre.outcomes(),
        [
            (1, 2, AlertOutcome::Accepted),
            (1, 1, ANSWERED),
            (1, 3, ANSWERED)
        ]
    );
    assert_eq!(centre.withdrawals(), [WithdrawReason::Answered; 2]);
    centre.comes(2, to(2));
    assert_eq!(
        centre.alerts().last(),
        Some(&(2, 1)),
        "the others are free again"
    );
}

#[test]
fn rule_6_of_two_answers_that_cross_exactly_one_wins() {
    let mut centre = centre(2);
    centre.comes(1, to(1));
    let late = centre.match_of(1);
    centre.accepts(2);
    centre.input(acd::Input::AlertEnded {
        match_id: late,
        end: AlertEnd::Accepted,
    });
    assert_eq!(centre.connected(), [(1, 2)]);
    assert_eq!(
        centre.withdrawals(),
        [WithdrawReason::Answered, WithdrawReason::Stale],
        "the phone that was late is hung up"
    );
}

#[test]
fn rule_6_what_rang_for_all_and_nobody_took_counts_for_nobody() {
    let mut centre = centre(2);
    centre.comes(1, to(1));
    centre.run(secs(20));
    assert_eq!(centre.outcomes(), [(1, 1, RANG_OUT), (1, 2, RANG_OUT)]);
    assert_eq!(
        centre.alerts(),
        [(1, 1), (1, 2), (1, 1), (1, 2)],
        "nobody has missed it, so it rings on for all"
    );
    centre.run(secs(60));
    assert!(!centre.is_on_break_for(1, "no-answer") && !centre.is_on_break_for(2, "no-answer"));
    let counters = centre.acd.agent(acd::AgentId(1)).unwrap().counters;
    assert_eq!((counters.timed_out, counters.withdrawn), (0, 4));
}

#[test]
fn rule_11_who_rejects_is_out_and_the_others_ring_on() {
    let mut centre = centre(3);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    centre.answers(2, refused(503));
    assert_eq!(centre.alerts().len(), 3, "it is not back in the queue");
    centre.takes_break(3);
    assert_eq!(centre.waiting(1), [1], "but now");
    centre.is_back(3);
    assert_eq!(centre.alerts().last(), Some(&(1, 3)));
    centre.run(secs(5));
    assert_eq!(
        centre.alerts().len(),
        4,
        "2 can be reached again, while it rings at 3"
    );
}

#[test]
fn rule_6_who_becomes_free_meanwhile_gets_the_next_caller() {
    let mut centre = centre(3);
    centre.own_calls(3, 1);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.own_calls(3, 0);
    assert_eq!(centre.alerts(), [(1, 1), (1, 2), (2, 3)]);
    centre.accepts(1);
    assert_eq!(centre.waiting(1), []);
    centre.accepts(3);
    assert_eq!(centre.connected(), [(1, 1), (2, 3)]);
}

#[test]
fn rule_7_it_rings_for_those_only_who_may_take_it() {
    let mut centre = centre(4);
    let dutch = Skill {
        skill: SkillId(1),
        level: 1,
    };
    centre.with_queue(1, |queue| queue.skills = vec![dutch]);
    for agent in [2, 3, 4] {
        centre.with_agent(agent, |agent| agent.skills = vec![dutch]);
    }
    centre.with_agent(4, |agent| agent.queues[0].delay = secs(9));
    centre.comes(1, to(1));
    assert_eq!(centre.alerts(), [(1, 2), (1, 3)]);
}

#[test]
fn rule_7_no_more_ring_than_may_be_busy() {
    let mut centre = centre(4);
    centre.with_queue(1, |queue| queue.max_busy = 3);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    assert_eq!(
        centre.alerts(),
        [(1, 1), (1, 2), (1, 3)],
        "the longest idle"
    );
    centre.accepts(3);
    assert_eq!(
        centre.alerts()[3..],
        [(2, 1), (2, 2)],
        "one talks, so two may ring"
    );
}

#[test]
fn rule_13_to_pick_it_up_stops_all_others() {
    let mut centre = centre(3);
    centre.takes_break(3);
    centre.comes(1, to(1));
    centre.picks_up(3, 1);
    assert_eq!(centre.picked_up(), [(1, 3)]);
    assert_eq!(centre.withdrawals(), [WithdrawReason::PickedUp; 2]);
    centre.comes(2, to(1));
    centre.picks_up(1, 2);
    assert_eq!(centre.picked_up().len(), 1, "it rings at 1 already");
}

#[test]
fn the_caller_the_queue_or_an_agent_goes_while_it_rings_for_all() {
    let mut centre = centre(2);
    centre.comes(1, to(1));
    centre.leaves(1);
    assert_eq!(centre.withdrawals(), [WithdrawReason::CallerGone; 2]);
    centre.comes(2, to(1));
    centre.config.queues.remove(0);
    centre.apply();
    centre.answers(1, AlertEnd::Rejected);
    assert_eq!(centre.diverted(), [], "it may still be taken");
    centre.answers(2, AlertEnd::Rejected);
    assert_eq!(centre.diverted(), [(2, DivertReason::QueueRemoved)]);
    assert!(centre.acd.is_consistent());
}

#[test]
fn i8_a_checkpoint_keeps_what_rings_for_all() {
    let mut centre = centre(3);
    centre.comes(1, to(1));
    centre.acd = Acd::decode(&centre.acd.encode()).unwrap();
    assert!(centre.acd.is_consistent());
    centre.answers(1, AlertEnd::Rejected);
    centre.run(secs(20));
    assert_eq!(centre.alerts()[3..], [(1, 2), (1, 3)], "1 has rejected it");
    centre.accepts(3);
    assert_eq!(centre.connected(), [(1, 3)]);
}
