//! Rule 9: a caller waits first for who served them before.

use acd::config::WrapUp;
use acd::{AgentChange, AgentId, AlertEnd, Denial, Device};

use crate::centre::{Centre, Visit, held_first, secs, to};

/// To queue 1, once served by `agent`, for whom they wait 20 s first.
fn back_to(agent: u32) -> Visit {
    held_first(agent, false)
}

#[test]
fn rule_9_a_caller_is_held_for_who_served_them() {
    let mut centre = Centre::staffed(2);
    centre.comes(1, back_to(2));
    assert_eq!(centre.held(), [(1, Some(2))]);
    assert_eq!(centre.alerts(), [(1, 2)], "not the longest idle");
}

#[test]
fn rule_9_while_they_talk_it_waits_and_nobody_else_gets_it() {
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
fn rule_9_after_its_time_anybody_gets_it() {
    let mut centre = Centre::second_talks();
    centre.comes(1, back_to(2));
    centre.run(secs(19));
    assert_eq!(centre.alerts(), []);
    centre.run(secs(1));
    assert_eq!(centre.alerts(), [(1, 1)]);
    assert_eq!(centre.held(), [(1, Some(2)), (1, None)]);
}

#[test]
fn rule_9_not_while_they_are_away_or_serve_elsewhere() {
    type Case = (&'static str, fn(&mut Centre));
    let cases: [Case; 4] = [
        ("on break", |it| it.takes_break(2)),
        ("offline", |it| it.logs_out(2)),
        ("not assigned", |it| it.serves(2, &[2])),
        ("left", |it| it.leaves_queue(2, 1)),
    ];
    for (name, what) in cases {
        let mut centre = Centre::staffed(2);
        what(&mut centre);
        centre.comes(1, back_to(2));
        assert_eq!(
            (centre.held(), centre.alerts()),
            (vec![], vec![(1, 1)]),
            "{name}"
        );
    }
    for (name, what) in &cases[..2] {
        let mut centre = Centre::second_talks();
        centre.comes(1, back_to(2));
        what(&mut centre);
        assert_eq!(centre.alerts(), [(1, 1)], "{name}, while it waits");
    }
}

#[test]
fn rule_9_who_rejects_it_or_does_not_answer_leaves_it_to_others() {
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
fn rule_9_in_wrap_up_they_are_waited_for() {
    let mut centre = Centre::staffed(2);
    centre.with_queue(1, |queue| queue.wrap_up = WrapUp::For(secs(10)));
    centre.own_calls(1, 1);
    centre.comes(1, to(1));
    centre.accepts(2);
    centre.ends(1);
    centre.own_calls(1, 0);
    centre.comes(2, back_to(2));
    assert_eq!(centre.alerts().len(), 1);
    centre.run(secs(10));
    assert_eq!(centre.alerts().last(), Some(&(2, 2)));
}

#[test]
fn rule_9_they_may_reserve_it_for_longer_and_once() {
    let mut centre = Centre::second_talks();
    centre.comes(1, back_to(2));
    centre.reserves(2, 1);
    centre.run(secs(60));
    assert_eq!(centre.alerts(), []);
    centre.run(secs(60));
    assert_eq!(centre.alerts(), [(1, 1)], "reservation_limit");
    centre.change(2, AgentChange::Device(Device::Registered));
    centre.answers(1, AlertEnd::Rejected);
    centre.reserves(2, 1);
    assert_eq!(
        centre.denied().last(),
        Some(&(1, 2, Denial::ReservedBefore))
    );
}
