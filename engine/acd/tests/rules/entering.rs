//! Rules 20 and 21: who is let in, who has to go. Changes while calls wait, and the start after a crash.

use acd::config::{JoinWhen, WhenClosing, WrapUp};
use acd::{
    Acd, Activity, AlertEnd, AlertOutcome, CheckpointError, DivertReason, EntryKind, Incarnation,
    Input, Presence, RefuseReason, WithdrawReason,
};

use crate::centre::{Centre, Visit, secs, to, to_user};

#[test]
fn rule_20_a_closed_queue_lets_no_new_caller_in() {
    let cases = [
        ("new", EntryKind::New, true),
        ("overflow", EntryKind::Overflow, true),
        ("recall", EntryKind::Recall, false),
    ];
    for (name, kind, is_refused) in cases {
        let mut centre = Centre::staffed(1);
        centre.closes(1);
        centre.comes(1, Visit { kind, ..to(1) });
        let refused: &[_] = if is_refused {
            &[(1, RefuseReason::Closed)]
        } else {
            &[]
        };
        assert_eq!(centre.refused(), refused, "{name}");
        centre.opens(1);
        centre.comes(2, Visit { kind, ..to(1) });
        assert_eq!(centre.refused(), refused, "{name}: open again");
    }
}

#[test]
fn rule_20_the_caller_after_the_last_place_is_refused() {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| queue.max_waiting = 2);
    for caller in [1, 2, 3] {
        centre.comes(caller, to(1));
    }
    assert_eq!(
        centre.refused(),
        [(3, RefuseReason::Full)],
        "the alerting one waits, too"
    );
    centre.comes(
        4,
        Visit {
            kind: EntryKind::Recall,
            ..to(1)
        },
    );
    assert_eq!(centre.waiting(1), [2, 4], "a recall enters always");
    centre.leaves(4);
    centre.accepts(1);
    centre.comes(5, to(1));
    assert_eq!(centre.waiting(1), [2, 5], "who talks has left the place");
    centre.comes(6, to(2));
    assert_eq!(centre.waiting(2), [6], "each queue for itself");
}

#[test]
fn rule_20_join_when_asks_who_is_there() {
    use JoinWhen::{Always, SomeoneAvailable, SomeoneLoggedIn};
    type Case = (
        &'static str,
        fn(&mut Centre),
        Option<RefuseReason>,
        Option<RefuseReason>,
    );
    let nobody = Some(RefuseReason::NobodyLoggedIn);
    let away = Some(RefuseReason::NobodyAvailable);
    // (who is there, verdict of someone-logged-in, of someone-available)
    let cases: [Case; 7] = [
        ("nobody", |_| {}, nobody, away),
        ("one available", |centre| centre.logs_in(1), None, None),
        (
            "one busy",
            |centre| {
                centre.logs_in(1);
                centre.own_calls(1, 1);
            },
            None,
            None,
        ),
        (
            "one on break",
            |centre| {
                centre.logs_in(1);
                centre.takes_break(1);
            },
            None,
            away,
        ),
        (
            "one of another queue",
            |centre| {
                centre.logs_in(1);
                centre.serves(1, &[2]);
            },
            nobody,
            away,
        ),
        (
            "one who logged out",
            |centre| {
                centre.logs_in(1);
                centre.logs_out(1);
            },
            nobody,
            away,
        ),
        (
            "one who was removed",
            |centre| {
                centre.logs_in(1);
                centre.config.agents.clear();
                centre.apply();
            },
            nobody,
            away,
        ),
    ];
    for (name, who, logged_in, available) in cases {
        for (rule, expected) in [
            (Always, None),
            (SomeoneLoggedIn, logged_in),
            (SomeoneAvailable, available),
        ] {
            let mut centre = Centre::new(2);
            centre.with_queue(1, |queue| queue.join_when = rule);
            who(&mut centre);
            centre.comes(1, to(1));
            let refused: Vec<_> = expected.into_iter().map(|reason| (1, reason)).collect();
            assert_eq!(centre.refused(), refused, "{name}, {rule:?}");
        }
    }
}

#[test]
fn rule_20_what_is_not_there_or_here_already_is_refused() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(99));
    centre.comes(2, to_user(99));
    centre.comes(3, to(1));
    centre.comes(3, to(2));
    let unknown = RefuseReason::Unknown;
    let expected = [(1, unknown), (2, unknown), (3, RefuseReason::Duplicate)];
    assert_eq!(centre.refused(), expected);
    centre.accepts(1);
    assert_eq!(centre.connected(), [(3, 1)], "and goes on as it was");
}

#[test]
fn rule_21_those_waiting_stay_or_go_when_the_queue_closes() {
    for (when_closing, diverted) in [(WhenClosing::Stay, false), (WhenClosing::Go, true)] {
        let mut centre = Centre::staffed(1);
        centre.with_queue(1, |queue| queue.when_closing = when_closing);
        for caller in [1, 2, 3] {
            centre.comes(caller, to(1));
        }
        centre.closes(1);
        let closed = DivertReason::Closed;
        let expected: &[_] = if diverted {
            &[(2, closed), (3, closed)]
        } else {
            &[]
        };
        assert_eq!(centre.diverted(), expected, "{when_closing:?}");
        centre.answers(1, AlertEnd::Rejected);
        let last = centre.diverted().last().copied();
        assert_eq!(
            last == Some((1, closed)),
            diverted,
            "{when_closing:?}: the alert finished first"
        );
    }
}

#[test]
fn rule_21_a_queue_that_opens_again_in_time_keeps_the_alerting_caller() {
    let mut centre = Centre::staffed(2);
    centre.with_queue(1, |queue| queue.when_closing = WhenClosing::Go);
    centre.comes(1, to(1));
    centre.closes(1);
    centre.opens(1);
    centre.answers(1, AlertEnd::Rejected);
    assert_eq!(centre.diverted(), []);
    assert_eq!(centre.alerts(), [(1, 1), (1, 2)]);
}

#[test]
fn changes_apply_to_those_waiting_and_they_keep_their_place() {
    let mut centre = Centre::new(1);
    for caller in [1, 2, 3] {
        centre.comes(caller, to(1));
        centre.run(secs(1));
    }
    centre.with_queue(1, |queue| queue.ring_timeout = secs(7));
    assert_eq!(centre.waiting(1), [1, 2, 3]);
    centre.logs_in(1);
    centre.run(secs(7));
    assert_eq!(centre.outcomes(), [(1, 1, AlertOutcome::TimedOut)]);
}

#[test]
fn a_queue_that_is_removed_sends_its_callers_away_and_lets_alerts_and_talks_finish() {
    let mut centre = Centre::staffed(2);
    centre.with_queue(1, |queue| queue.wrap_up = WrapUp::For(secs(10)));
    for caller in [1, 2, 3] {
        centre.comes(caller, to(1));
    }
    centre.accepts(1);
    centre.config.queues.remove(0);
    centre.apply();
    assert_eq!(centre.diverted(), [(3, DivertReason::QueueRemoved)]);
    centre.answers(2, AlertEnd::Rejected);
    assert_eq!(
        centre.diverted().last(),
        Some(&(2, DivertReason::QueueRemoved))
    );
    centre.ends(1);
    assert_eq!(centre.state(1).activity, Activity::Idle);
    centre.comes(4, to(1));
    assert_eq!(centre.refused(), [(4, RefuseReason::Unknown)]);
}

#[test]
fn an_agent_who_is_removed_gets_nothing_more_and_finishes_the_talk() {
    let mut centre = Centre::staffed(2);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.accepts(1);
    centre.config.agents.clear();
    centre.apply();
    let removed = WithdrawReason::AgentRemoved;
    assert_eq!(centre.withdrawals(), [removed]);
    assert!(centre.acd.agent(acd::AgentId(2)).is_none());
    assert_eq!(centre.state(1).presence, Presence::Offline);
    assert_eq!(centre.waiting(1), [2]);
    centre.ends(1);
    assert!(
        centre.acd.agent(acd::AgentId(1)).is_none(),
        "forgotten after the talk"
    );
}

#[test]
fn an_agent_who_is_removed_leaves_no_deadline_behind() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::NoProvisional);
    assert_eq!(centre.acd.poll_timeout(), Some(centre.now + secs(5)));
    centre.config.agents.clear();
    centre.apply();
    assert_eq!(centre.acd.poll_timeout(), None);
    assert!(centre.acd.is_consistent());
}

#[test]
fn after_a_crash_calls_are_gone_and_people_are_as_they_were() {
    let mut centre = Centre::staffed(4);
    centre.with_queue(1, |queue| queue.wrap_up = WrapUp::For(secs(30)));
    for caller in [1, 2, 3, 4] {
        centre.comes(caller, to(1));
    }
    centre.accepts(1);
    centre.accepts(2);
    centre.ends(2);
    centre.takes_break(4);
    centre.comes(5, to_user(1));
    let mut acd = Acd::decode(&centre.acd.encode()).unwrap();
    assert_eq!(acd.state_hash(), centre.acd.state_hash(), "I8");
    std::mem::swap(&mut acd, &mut centre.acd);
    let next = Incarnation {
        epoch: 6,
        node: 1,
        number: 2,
    };
    centre.run(secs(1));
    centre.input(Input::Restarted(next));
    assert_eq!(centre.acd.interactions().count(), 0);
    let restart = AlertOutcome::Withdrawn(WithdrawReason::Restart);
    assert!(centre.outcomes().contains(&(3, 3, restart)));
    assert_eq!(
        centre.state(1).activity,
        Activity::Idle,
        "a lost talk has no wrap-up"
    );
    assert!(matches!(centre.state(2).activity, Activity::WrapUp { .. }));
    assert!(centre.is_on_break_for(4, "coffee"));
    centre.new_alerts();
    centre.comes(6, to(1));
    assert_eq!(centre.alerts().len(), 1, "the queue is open still");
    assert_eq!(centre.acd.epoch(), 6);
    let alerted = centre.alerts()[0].1;
    assert_eq!(centre.match_of(alerted).0, (1 << 54) | (2 << 32));
}

#[test]
fn i8_a_checkpoint_of_nonsense_or_of_a_newer_form_is_refused() {
    let whole = Centre::staffed(1).acd.encode();
    let mut newer = whole.clone();
    newer[1] = 2;
    assert!(matches!(
        Acd::decode(&newer),
        Err(CheckpointError::Newer(2))
    ));
    for len in 0..whole.len() {
        let cut = Acd::decode(&whole[..len]);
        assert!(
            matches!(cut, Err(CheckpointError::Malformed(_))),
            "cut at {len}"
        );
    }
    assert!(Acd::decode(&whole).is_ok());
}
