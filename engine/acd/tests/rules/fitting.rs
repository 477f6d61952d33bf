//! Rules 7 and 8: who may take what, by skills, delay and how many are busy.

use acd::config::{QueueConfig, Relaxation, Skill};
use acd::{Acd, AlertEnd, Denial, Input, SkillId};

use crate::centre::{Centre, millis, secs, to, to_user};

const DUTCH: u32 = 1;

fn skill(level: u32) -> Vec<Skill> {
    vec![Skill {
        skill: SkillId(DUTCH),
        level,
    }]
}

fn relaxed(after: u64, level: Option<u32>) -> Relaxation {
    Relaxation {
        after: secs(after),
        skills: level.map(skill).unwrap_or_default(),
    }
}

/// Queue 1 asks for Dutch at level 3, after 30 s at level 1, after 60 s anyone will do.
fn ask_for_dutch(queue: &mut QueueConfig) {
    queue.skills = skill(3);
    queue.relax = vec![relaxed(30, Some(1)), relaxed(60, None)];
}

/// That queue, and agents with Dutch at these levels, 0 with none.
fn dutch(levels: &[u32]) -> Centre {
    let mut centre = Centre::staffed(levels.len() as u32);
    for (id, level) in (1..).zip(levels) {
        if *level > 0 {
            centre.with_agent(id, |agent| agent.skills = skill(*level));
        }
    }
    centre.with_queue(1, ask_for_dutch);
    centre
}

fn delayed(centre: &mut Centre, agent: u32, delay: u64) {
    centre.with_agent(agent, |agent| agent.queues[0].delay = secs(delay));
}

#[test]
fn rule_7_who_has_the_skills_is_alerted_and_not_who_has_been_idle_longer() {
    let mut centre = dutch(&[0, 1, 3]);
    centre.comes(1, to(1));
    centre.comes(2, to(2));
    assert_eq!(centre.alerts(), [(1, 3), (2, 1)]);
}

#[test]
fn rule_8_each_step_acts_at_its_moment() {
    let mut centre = dutch(&[0, 1]);
    centre.comes(1, to(1));
    centre.run(millis(29_999));
    assert_eq!(centre.alerts(), []);
    centre.run(millis(1));
    assert_eq!(centre.alerts(), [(1, 2)]);
    centre.accepts(2);
    centre.comes(2, to(1));
    centre.run(millis(59_999));
    assert_eq!(centre.alerts(), [(1, 2)]);
    centre.run(millis(1));
    assert_eq!(centre.alerts(), [(1, 2), (2, 1)]);
}

#[test]
fn rule_8_a_step_counts_from_the_entry_and_an_alert_does_not_stop_it() {
    let mut centre = dutch(&[0, 3]);
    centre.comes(1, to(1));
    centre.run(secs(15));
    centre.answers(2, AlertEnd::Rejected);
    centre.run(millis(44_999));
    assert_eq!(centre.alerts(), [(1, 2)]);
    centre.run(millis(1));
    assert_eq!(centre.alerts(), [(1, 2), (1, 1)]);
}

#[test]
fn rule_5_among_those_who_will_do_the_best_ranked_goes_first() {
    let mut centre = dutch(&[1]);
    centre.takes_break(1);
    centre.comes(1, to(1));
    centre.run(secs(20));
    centre.comes(2, to(2));
    centre.run(secs(5));
    centre.is_back(1);
    assert_eq!(centre.alerts(), [(2, 1)], "1 came first and needs more");
    centre.accepts(1);
    centre.run(secs(10));
    centre.comes(3, to(2));
    centre.ends(2);
    assert_eq!(centre.alerts(), [(2, 1), (1, 1)], "and is old enough now");
}

#[test]
fn rule_7_a_second_group_sees_callers_only_after_its_delay() {
    let mut centre = Centre::staffed(2);
    delayed(&mut centre, 1, 20);
    centre.comes(1, to(1));
    assert_eq!(centre.alerts(), [(1, 2)], "1 has been idle for longer");
    centre.accepts(2);
    centre.comes(2, to(1));
    centre.run(millis(19_999));
    assert_eq!(centre.alerts(), [(1, 2)]);
    centre.run(millis(1));
    assert_eq!(centre.alerts(), [(1, 2), (2, 1)]);
}

#[test]
fn rule_7_a_delay_counts_from_the_entry_into_this_queue_and_is_the_assignments() {
    let mut centre = Centre::staffed(1);
    delayed(&mut centre, 1, 20);
    let mut waited_elsewhere = to(1);
    waited_elsewhere.waited = secs(300);
    centre.comes(1, waited_elsewhere);
    centre.run(secs(1));
    assert_eq!(centre.alerts(), []);
    centre.comes(2, to(2));
    assert_eq!(centre.alerts(), [(2, 1)], "queue 2 is theirs without delay");
    centre.leaves(2);
    centre.comes(3, to_user(1));
    assert_eq!(centre.alerts(), [(2, 1), (3, 1)], "so are direct calls");
}

#[test]
fn rule_7_who_waits_from_a_checkpoint_is_seen_at_the_same_moment() {
    let mut centre = Centre::staffed(1);
    delayed(&mut centre, 1, 20);
    centre.comes(1, to(1));
    centre.run(secs(10));
    centre.acd = Acd::decode(&centre.acd.encode()).unwrap();
    centre.run(millis(9_999));
    assert_eq!(centre.alerts(), []);
    centre.run(millis(1));
    assert_eq!(centre.alerts(), [(1, 1)]);
    assert!(centre.acd.is_consistent());
}

#[test]
fn new_skills_steps_and_delays_hold_for_those_who_wait() {
    let mut centre = dutch(&[0]);
    centre.comes(1, to(1));
    centre.run(secs(10));
    centre.with_queue(1, |queue| queue.relax = vec![relaxed(9, None)]);
    assert_eq!(centre.alerts(), [(1, 1)], "anyone since a second ago");
    centre.leaves(1);
    centre.with_queue(1, ask_for_dutch);
    centre.comes(2, to(1));
    centre.with_agent(1, |agent| agent.skills = skill(1));
    centre.run(secs(30));
    assert_eq!(centre.alerts(), [(1, 1), (2, 1)], "they have learned");
    centre.leaves(2);
    centre.with_queue(1, |queue| *queue = crate::centre::queue(1));
    delayed(&mut centre, 1, 40);
    centre.comes(3, to(1));
    centre.run(secs(5));
    delayed(&mut centre, 1, 4);
    assert_eq!(centre.alerts().len(), 3);
    assert!(centre.acd.is_consistent());
}

#[test]
fn rule_21_who_will_never_do_is_nobody() {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| {
        queue.skills = skill(1);
        queue.nobody_after = secs(30);
    });
    centre.comes(1, to(1));
    centre.run(secs(30));
    assert_eq!(centre.alarms(), [(1, true)]);
    centre.with_agent(1, |agent| agent.skills = skill(1));
    assert_eq!(centre.alarms(), [(1, true), (1, false)]);
    assert_eq!(centre.alerts(), [(1, 1)]);
}

#[test]
fn rule_13_skills_and_delay_are_not_asked_for_at_a_pick_up() {
    let mut centre = Centre::staffed(2);
    centre.with_queue(1, |queue| queue.skills = skill(1));
    centre.comes(1, to(1));
    centre.picks_up(1, 1);
    assert_eq!(centre.picked_up(), [(1, 1)]);
    centre.answers(1, AlertEnd::Rejected);
    centre.with_agent(2, |agent| {
        agent.skills = skill(1);
        agent.queues[0].delay = secs(600);
    });
    centre.picks_up(2, 1);
    centre.run(secs(20));
    assert_eq!(centre.picked_up(), [(1, 1), (1, 2)]);
    centre.comes(2, to(1));
    centre.with_agent(1, |agent| agent.skills = skill(1));
    assert_eq!(
        centre.alerts().last(),
        Some(&(2, 1)),
        "1 is old enough for neither"
    );
}

#[test]
fn rule_14_what_is_reserved_waits_for_no_delay_and_needs_skills_that_will_do_sometime() {
    let mut centre = Centre::staffed(2);
    delayed(&mut centre, 2, 600);
    centre.takes_break(1);
    centre.comes(1, to(1));
    centre.reserves(2, 1);
    assert_eq!(centre.alerts(), [(1, 2)]);
    centre.with_queue(2, |queue| queue.skills = skill(1));
    centre.comes(2, to(2));
    centre.reserves(2, 2);
    assert_eq!(centre.denied(), [(2, 2, Denial::Unskilled)]);
}

#[test]
fn rule_7_no_more_than_max_busy_are_busy_with_a_queue() {
    let mut centre = Centre::staffed(3);
    centre.with_queue(1, |queue| queue.max_busy = 1);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.comes(3, to(2));
    assert_eq!(
        centre.alerts(),
        [(1, 1), (3, 2)],
        "an alert counts, others do not"
    );
    centre.accepts(1);
    assert_eq!(centre.alerts().len(), 2, "so does a call");
    centre.ends(1);
    assert_eq!(centre.alerts().last(), Some(&(2, 3)), "the longest idle");
    centre.comes(4, to(1));
    centre.leaves(2);
    assert_eq!(centre.alerts().last(), Some(&(4, 3)), "the caller is gone");
}

#[test]
fn rule_7_max_busy_lets_in_the_best_ranked_whom_somebody_may_take() {
    let mut centre = Centre::staffed(3);
    centre.with_queue(1, |queue| queue.max_busy = 1);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.comes(3, to(1));
    for agent in [1, 2, 3] {
        centre.answers(agent, AlertEnd::Rejected);
    }
    // All have rejected 1: it goes by the others.
    assert_eq!(centre.alerts(), [(1, 1), (1, 2), (1, 3), (2, 1)]);
    centre.with_queue(1, |queue| queue.max_busy = 3);
    assert_eq!(
        centre.alerts().last(),
        Some(&(3, 2)),
        "a higher limit holds at once"
    );
    assert!(centre.acd.is_consistent());
}

#[test]
fn rule_7_what_is_chosen_counts_as_busy_and_is_not_kept_back() {
    let mut centre = Centre::staffed(3);
    centre.with_queue(1, |queue| queue.max_busy = 1);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.comes(3, to(1));
    centre.picks_up(2, 2);
    centre.reserves(3, 3);
    assert_eq!(centre.alerts(), [(1, 1), (2, 2), (3, 3)]);
    centre.comes(4, to(1));
    for agent in [2, 3] {
        centre.answers(agent, AlertEnd::Rejected);
    }
    assert_eq!(centre.alerts().len(), 3, "1 is at it still");
    centre.input(Input::Leave {
        interaction: acd::InteractionId(1),
    });
    assert_eq!(centre.alerts().len(), 4);
}
