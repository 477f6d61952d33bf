//! Rules 21 to 23: who has waited too long, and for whom nobody is there.

use std::time::Duration;

use acd::config::{ServiceAction, ServiceStep, WhenNobody};
use acd::{Acd, AlertEnd, AlertOutcome, DivertReason};

use crate::centre::{Centre, Visit, millis, secs, to};

const NOBODY: DivertReason = DivertReason::Nobody;

fn watched(centre: &mut Centre, when_nobody: WhenNobody) {
    centre.with_queue(1, |queue| {
        queue.nobody_after = secs(30);
        queue.when_nobody = when_nobody;
    });
}

fn acting(centre: &mut Centre, step: ServiceStep) {
    let after = secs(20);
    centre.with_queue(1, |queue| {
        queue.service_action = Some(ServiceAction { after, step });
    });
}

#[test]
fn rule_22_who_has_waited_for_max_wait_goes_at_that_moment() {
    let mut centre = Centre::new(1);
    centre.with_queue(1, |queue| queue.max_wait = secs(60));
    centre.comes(1, to(1));
    centre.run(secs(10));
    centre.comes(2, to(2));
    let waited = secs(100);
    centre.comes(3, Visit { waited, ..to(1) });
    centre.run(millis(49_999));
    assert_eq!(centre.diverted(), []);
    centre.run(millis(1));
    assert_eq!(centre.diverted(), [(1, DivertReason::MaxWait)]);
    centre.run(secs(10));
    assert_eq!(
        centre.diverted().last(),
        Some(&(3, DivertReason::MaxWait)),
        "counted from the entry into this queue, not from the arrival"
    );
    centre.run(secs(1_000));
    assert_eq!(centre.waiting(2), [2], "each queue for itself");
}

#[test]
fn rule_22_a_running_alert_is_let_finish_first() {
    for (end, diverted) in [(AlertEnd::Rejected, true), (AlertEnd::Accepted, false)] {
        let mut centre = Centre::staffed(2);
        centre.with_queue(1, |queue| queue.max_wait = secs(10));
        centre.comes(1, to(1));
        centre.run(secs(11));
        assert_eq!(centre.diverted(), [], "{end:?}");
        centre.answers(1, end);
        let expected: &[_] = if diverted {
            &[(1, DivertReason::MaxWait)]
        } else {
            &[]
        };
        assert_eq!(centre.diverted(), expected, "{end:?}");
        assert_eq!(centre.alerts(), [(1, 1)], "{end:?}: nobody else is tried");
        assert_eq!(centre.acd.poll_timeout(), None, "{end:?}");
    }
}

#[test]
fn rule_22_a_queue_that_opens_again_does_not_make_up_for_the_time() {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| {
        queue.max_wait = secs(10);
        queue.when_closing = acd::config::WhenClosing::Go;
    });
    centre.comes(1, to(1));
    centre.closes(1);
    centre.run(secs(11));
    centre.opens(1);
    centre.answers(1, AlertEnd::Rejected);
    assert_eq!(centre.diverted(), [(1, DivertReason::MaxWait)]);
}

#[test]
fn rule_22_a_new_max_wait_holds_for_those_who_wait() {
    let mut centre = Centre::new(1);
    centre.comes(1, to(1));
    centre.run(secs(30));
    centre.with_queue(1, |queue| queue.max_wait = secs(40));
    centre.run(secs(9));
    assert_eq!(centre.diverted(), []);
    centre.run(secs(1));
    assert_eq!(centre.diverted(), [(1, DivertReason::MaxWait)]);
    centre.comes(2, to(1));
    centre.with_queue(1, |queue| queue.max_wait = Duration::ZERO);
    assert_eq!(centre.acd.poll_timeout(), None, "no limit any more");
    centre.run(secs(1));
    centre.with_queue(1, |queue| queue.max_wait = millis(500));
    centre.run(Duration::ZERO);
    assert_eq!(centre.diverted().len(), 2, "over long ago");
}

#[test]
fn rule_21_everybody_on_break_or_offline_for_nobody_after_sends_those_waiting_away() {
    let mut centre = Centre::staffed(2);
    watched(&mut centre, WhenNobody::Go);
    centre.takes_break(1);
    centre.run(secs(100));
    centre.comes(1, to(1));
    centre.answers(2, AlertEnd::NoProvisional);
    centre.logs_out(2);
    centre.run(secs(20));
    centre.comes(2, to(1));
    centre.run(millis(9_999));
    assert_eq!(centre.diverted(), []);
    centre.run(millis(1));
    assert_eq!(
        centre.diverted(),
        [(1, NOBODY)],
        "30 s after the last one left"
    );
    centre.run(secs(20));
    assert_eq!(
        centre.diverted(),
        [(1, NOBODY), (2, NOBODY)],
        "30 s after their own entry"
    );
    assert!(centre.acd.is_consistent());
}

#[test]
fn rule_21_a_busy_agent_and_one_without_a_phone_are_there() {
    let mut centre = Centre::staffed(1);
    watched(&mut centre, WhenNobody::Go);
    centre.own_calls(1, 1);
    centre.comes(1, to(1));
    centre.run(secs(100));
    assert_eq!(centre.diverted(), [], "busy is not away");
    centre.takes_break(1);
    centre.run(secs(29));
    centre.is_back(1);
    centre.run(secs(1));
    centre.takes_break(1);
    centre.run(secs(29));
    assert_eq!(centre.diverted(), [], "30 s without a pause");
    centre.run(secs(1));
    assert_eq!(centre.diverted(), [(1, NOBODY)]);
}

#[test]
fn rule_21_a_queue_that_nobody_serves_has_nobody() {
    let mut centre = Centre::staffed(1);
    watched(&mut centre, WhenNobody::Go);
    centre.own_calls(1, 1);
    centre.comes(1, to(1));
    centre.serves(1, &[2]);
    centre.run(secs(30));
    assert_eq!(centre.diverted(), [(1, NOBODY)]);
    centre.comes(2, to(1));
    centre.serves(1, &[1, 2]);
    centre.run(secs(100));
    assert_eq!(centre.diverted(), [(1, NOBODY)], "served again");
}

#[test]
fn rule_21_who_was_rejected_by_all_who_are_there_goes_after_nobody_after() {
    let mut centre = Centre::staffed(2);
    watched(&mut centre, WhenNobody::Go);
    centre.takes_break(2);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    centre.comes(2, to(1));
    centre.run(secs(10));
    centre.takes_break(1);
    let outcomes = centre.outcomes();
    assert!(matches!(outcomes[1], (2, 1, AlertOutcome::Withdrawn(_))));
    centre.run(secs(20));
    assert_eq!(
        centre.diverted(),
        [(1, NOBODY)],
        "whether the rejecter is there makes no difference"
    );
    centre.run(secs(10));
    assert_eq!(centre.diverted().last(), Some(&(2, NOBODY)));
}

#[test]
fn rule_21_another_who_comes_stops_the_clock_of_a_rejected_caller() {
    let mut centre = Centre::staffed(2);
    watched(&mut centre, WhenNobody::Go);
    centre.takes_break(2);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    centre.run(secs(29));
    centre.is_back(2);
    centre.answers(2, AlertEnd::Rejected);
    centre.run(secs(29));
    assert_eq!(centre.diverted(), []);
    centre.acd = Acd::decode(&centre.acd.encode()).unwrap();
    centre.run(secs(1));
    assert_eq!(centre.diverted(), [(1, NOBODY)]);
}

#[test]
fn rule_21_where_when_nobody_is_unset_they_stay_and_a_person_is_told() {
    let mut centre = Centre::new(2);
    watched(&mut centre, WhenNobody::Stay);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.run(secs(29));
    assert_eq!(centre.alarms(), []);
    centre.run(secs(30));
    assert_eq!(centre.alarms(), [(1, true)], "once, for all of them");
    assert_eq!(centre.waiting(1), [1, 2]);
    centre.logs_in(1);
    assert_eq!(centre.alarms(), [(1, true), (1, false)]);
    centre.takes_break(1);
    centre.run(secs(30));
    assert_eq!(centre.alarms().last(), Some(&(1, true)), "and again");
    centre.leaves(1);
    assert_eq!(centre.alarms().len(), 3, "one is left");
    centre.leaves(2);
    assert_eq!(centre.alarms().last(), Some(&(1, false)));
    assert_eq!(centre.acd.poll_timeout(), None);
}

#[test]
fn rule_21_the_alarm_ends_with_its_queue_and_with_a_destination() {
    let mut centre = Centre::new(1);
    watched(&mut centre, WhenNobody::Stay);
    centre.comes(1, to(1));
    centre.run(secs(30));
    centre.with_queue(1, |queue| queue.when_nobody = WhenNobody::Go);
    assert_eq!(centre.diverted(), [(1, NOBODY)]);
    assert_eq!(centre.alarms(), [(1, true), (1, false)]);
    watched(&mut centre, WhenNobody::Stay);
    centre.comes(2, to(1));
    centre.run(secs(30));
    centre.config.queues.remove(0);
    centre.apply();
    assert_eq!(
        centre.diverted().last(),
        Some(&(2, DivertReason::QueueRemoved))
    );
    assert_eq!(centre.alarms()[2..], [(1, true), (1, false)]);
}

#[test]
fn rule_21_a_new_nobody_after_holds_for_those_who_wait() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    centre.comes(2, to(1));
    centre.takes_break(1);
    centre.run(secs(100));
    watched(&mut centre, WhenNobody::Go);
    centre.run(Duration::ZERO);
    assert_eq!(centre.diverted(), [(2, NOBODY), (1, NOBODY)]);
    assert!(centre.acd.is_consistent());
}

#[test]
fn rule_23_at_the_service_level_priority_is_raised_once() {
    let mut centre = Centre::new(1);
    acting(&mut centre, ServiceStep::Raise(5));
    centre.comes(1, to(2));
    centre.run(secs(30));
    centre.comes(2, to(1));
    centre.run(millis(19_999));
    assert_eq!(centre.service_levels(), []);
    centre.run(millis(1));
    assert_eq!(centre.service_levels(), [(2, ServiceStep::Raise(5))]);
    centre.comes(3, to(1));
    assert_eq!(centre.waiting(1), [2, 3]);
    centre.logs_in(1);
    assert_eq!(
        centre.alerts(),
        [(2, 1)],
        "50 s of priority before 30 s of arrival"
    );
    centre.run(secs(200));
    let raised = centre.service_levels();
    assert_eq!(raised.iter().filter(|(id, _)| *id == 2).count(), 1);
    let priority = centre
        .acd
        .interaction(acd::InteractionId(2))
        .unwrap()
        .priority;
    assert_eq!(priority, 5);
}

#[test]
fn rule_23_who_has_had_the_action_in_another_queue_has_it_no_more() {
    let mut centre = Centre::new(1);
    acting(&mut centre, ServiceStep::Notify);
    let service_acted = true;
    centre.comes(
        1,
        Visit {
            service_acted,
            ..to(1)
        },
    );
    centre.comes(2, to(1));
    centre.run(secs(100));
    assert_eq!(centre.service_levels(), [(2, ServiceStep::Notify)]);
    assert_eq!(centre.waiting(1), [1, 2], "told only");
}

#[test]
fn rule_23_a_destination_lets_a_running_alert_finish_first() {
    let mut centre = Centre::staffed(1);
    acting(&mut centre, ServiceStep::Go);
    centre.with_queue(1, |queue| queue.ring_timeout = secs(30));
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.run(secs(20));
    let service_level = DivertReason::ServiceLevel;
    assert_eq!(centre.diverted(), [(2, service_level)]);
    centre.answers(1, AlertEnd::Rejected);
    assert_eq!(centre.diverted().last(), Some(&(1, service_level)));
    centre.comes(3, to(1));
    centre.accepts(1);
    centre.run(secs(100));
    assert_eq!(centre.service_levels().len(), 2, "answered in time");
}
