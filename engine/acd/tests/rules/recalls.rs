//! Rule 4: what nobody took comes back to who sent it, with its arrival.

use acd::why::Hindrance;
use acd::{AgentChange, AgentId, AlertEnd, Denial, EntryKind, InteractionId};

use crate::centre::{Centre, Visit, held_first, secs, to, to_user};

/// Back to queue 1 from `sender`, for whom it is held 20 s.
fn back_to(sender: u32) -> Visit {
    Visit {
        kind: EntryKind::Recall,
        ..held_first(sender, true)
    }
}

#[test]
fn rule_4_a_recall_goes_to_its_sender_first() {
    let mut centre = Centre::staffed(2);
    centre.comes(1, back_to(2));
    assert_eq!(centre.held(), [(1, Some(2))]);
    assert_eq!(centre.alerts(), [(1, 2)], "not the longest idle");
}

#[test]
fn rule_4_it_ranks_by_the_arrival_of_its_visit() {
    let mut centre = Centre::second_talks();
    centre.own_calls(1, 1);
    centre.comes(1, to(1));
    centre.run(secs(30));
    let waited = secs(60);
    let recall = back_to(2);
    centre.comes(2, Visit { waited, ..recall });
    centre.run(secs(20));
    centre.own_calls(1, 0);
    assert_eq!(centre.alerts(), [(2, 1)], "the older visit is first");
}

#[test]
fn rule_4_it_is_held_for_its_sender_while_they_talk_and_nobody_else_gets_it() {
    let mut centre = Centre::second_talks();
    centre.comes(1, back_to(2));
    centre.comes(2, to(1));
    assert_eq!(centre.alerts(), [(2, 1)], "who is behind is served");
    centre.picks_up(1, 1);
    let held = Denial::HeldFor { agent: AgentId(2) };
    assert_eq!(centre.denied(), [(1, 1, held)]);
    centre.own_calls(2, 0);
    assert_eq!(centre.alerts().last(), Some(&(1, 2)));
}

#[test]
fn rule_4_after_recall_hold_all_of_the_queue_get_it() {
    let mut centre = Centre::second_talks();
    centre.comes(1, back_to(2));
    centre.run(secs(19));
    assert_eq!(centre.alerts(), []);
    centre.run(secs(1));
    assert_eq!(centre.alerts(), [(1, 1)]);
    assert_eq!(centre.held(), [(1, Some(2)), (1, None)]);
}

#[test]
fn rule_4_it_is_its_senders_whatever_they_serve() {
    type Case = (&'static str, fn(&mut Centre));
    let cases: [Case; 2] = [
        ("not assigned", |it| it.serves(2, &[2])),
        ("left", |it| it.leaves_queue(2, 1)),
    ];
    for (name, what) in cases {
        let mut centre = Centre::second_talks();
        centre.own_calls(1, 1);
        what(&mut centre);
        centre.comes(1, back_to(2));
        let before = centre.acd.why_not(centre.now, AgentId(2), InteractionId(1));
        assert_eq!(before, Some(Hindrance::OwnCall), "{name}");
        what(&mut centre);
        centre.own_calls(2, 0);
        assert_eq!(centre.alerts(), [(1, 2)], "{name}");
        centre.rings(2);
        centre.answers(2, AlertEnd::Rejected);
        centre.own_calls(1, 0);
        assert_eq!(centre.alerts(), [(1, 2), (1, 1)], "{name}: then it is not");
    }
}

#[test]
fn rule_4_not_for_a_sender_who_is_away_or_about_to_go() {
    type Case = (&'static str, fn(&mut Centre));
    let cases: [Case; 2] = [
        ("a break", |it| it.takes_break(2)),
        ("a logout", |it| it.logs_out(2)),
    ];
    for (name, goes) in cases {
        let mut centre = Centre::staffed(2);
        goes(&mut centre);
        centre.comes(1, back_to(2));
        let untold = (centre.held(), centre.alerts());
        assert_eq!(untold, (vec![], vec![(1, 1)]), "{name} before");

        let mut centre = Centre::second_talks();
        centre.comes(1, back_to(2));
        goes(&mut centre);
        assert_eq!(centre.alerts(), [(1, 1)], "{name} while it waits");

        let busy = || {
            let mut centre = Centre::staffed(2);
            centre.own_calls(1, 1);
            centre.comes(7, to(1));
            centre.accepts(2);
            centre.own_calls(1, 0);
            centre
        };
        let mut centre = busy();
        goes(&mut centre);
        centre.comes(1, back_to(2));
        assert_eq!(centre.held(), [], "{name} is pending");

        let mut centre = busy();
        centre.comes(1, back_to(2));
        goes(&mut centre);
        assert_eq!(
            centre.held(),
            [(1, Some(2)), (1, None)],
            "{name} is asked for"
        );
    }
}

#[test]
fn rule_4_a_sender_who_rejects_it_or_does_not_answer_leaves_it_to_others() {
    let mut centre = Centre::staffed(2);
    centre.comes(1, back_to(2));
    centre.rings(2);
    centre.answers(2, AlertEnd::Rejected);
    assert_eq!(centre.alerts(), [(1, 2), (1, 1)]);

    let mut centre = Centre::staffed(2);
    centre.comes(1, back_to(2));
    centre.rings(2);
    centre.run(secs(20));
    assert_eq!(centre.alerts(), [(1, 2), (1, 1)], "on break, for no answer");
}

#[test]
fn rule_4_its_sender_may_pick_it_up_and_a_supervisor_too() {
    for (agent, supervises) in [(2, false), (1, true)] {
        let mut centre = Centre::second_talks();
        centre.serves(2, &[2]);
        centre.comes(1, back_to(2));
        if supervises {
            centre.picks_up_as_supervisor(agent, 1);
        } else {
            centre.picks_up(agent, 1);
        }
        assert_eq!(centre.alerts(), [(1, agent)]);
    }
}

#[test]
fn rule_4_its_sender_may_reserve_it_for_longer_and_once() {
    let mut centre = Centre::second_talks();
    centre.comes(1, back_to(2));
    centre.reserves(2, 1);
    centre.run(secs(119));
    assert_eq!(centre.alerts(), []);
    centre.run(secs(1));
    assert_eq!(centre.alerts(), [(1, 1)], "reservation_limit");
}

#[test]
fn rule_4_it_waits_for_a_sender_alone_as_a_direct_call() {
    let mut centre = Centre::second_talks();
    let recall = back_to(2);
    centre.comes(
        1,
        Visit {
            to: to_user(2).to,
            ..recall
        },
    );
    assert_eq!(centre.held(), [(1, Some(2))]);
    centre.change(2, AgentChange::OwnCalls { count: 0 });
    assert_eq!(centre.alerts(), [(1, 2)]);
}

#[test]
fn rule_21_nobody_is_looked_for_when_its_sender_can_have_it_no_more() {
    let mut centre = Centre::staffed(1);
    centre.serves(1, &[2]);
    centre.with_queue(1, |queue| queue.nobody_after = secs(5));
    centre.own_calls(1, 1);
    centre.run(secs(60));
    centre.comes(1, back_to(1));
    centre.run(secs(20));
    assert_eq!(centre.alarms(), [], "its sender is there");
    centre.run(secs(4));
    assert_eq!(centre.alarms(), [], "from then on it counts");
    centre.run(secs(1));
    assert_eq!(centre.alarms(), [(1, true)]);
}
