//! Rules 1 to 5: who comes first.

use acd::{AlertEnd, EntryKind, Target, Tier};

use crate::centre::{Centre, Visit, secs, to, to_user};

/// Serves all who wait with one agent, and says in which order.
fn served(centre: &mut Centre, agent: u32) -> Vec<u64> {
    centre.logs_in(agent);
    let mut order = Vec::new();
    while let [(caller, _)] = centre.new_alerts()[..] {
        order.push(caller);
        centre.accepts(agent);
        centre.ends(caller);
    }
    order
}

#[test]
fn rule_1_three_callers_one_agent_are_served_in_order() {
    let mut centre = Centre::new(1);
    for caller in [7, 3, 5] {
        centre.comes(caller, to(1));
        centre.run(secs(1));
    }
    assert_eq!(served(&mut centre, 1), [7, 3, 5]);
}

#[test]
fn rule_1_tier_before_priority_before_arrival_over_all_queues() {
    let mut centre = Centre::new(1);
    let tier = |tier, queue| Visit { tier, ..to(queue) };
    let priority = |priority, queue| Visit {
        priority,
        ..to(queue)
    };
    centre.comes(1, tier(Tier::Low, 1));
    centre.run(secs(100));
    centre.comes(2, to(2));
    centre.run(secs(9));
    centre.comes(3, priority(1, 1));
    centre.run(secs(2));
    centre.comes(4, priority(1, 2));
    centre.comes(5, tier(Tier::Urgent, 2));
    assert_eq!(served(&mut centre, 1), [5, 3, 2, 4, 1]);
}

#[test]
fn rule_1_the_arrival_of_the_visit_counts_not_that_in_this_queue() {
    let mut centre = Centre::new(1);
    centre.comes(1, to(1));
    centre.run(secs(5));
    let kind = EntryKind::Overflow;
    let waited = secs(30);
    centre.comes(
        2,
        Visit {
            kind,
            waited,
            ..to(1)
        },
    );
    assert_eq!(centre.waiting(1), [2, 1]);
    assert_eq!(served(&mut centre, 1), [2, 1]);
}

#[test]
fn rule_1_positions_are_told_at_entry_and_on_asking() {
    let mut centre = Centre::new(1);
    let vip = Visit {
        priority: 10,
        ..to(1)
    };
    for (caller, visit, position) in [(1, to(1), 1), (2, to(1), 2), (3, vip, 1)] {
        centre.comes(caller, visit);
        assert_eq!(
            centre.acd.position(acd::InteractionId(caller)),
            Some(position)
        );
    }
    assert_eq!(centre.acd.position(acd::InteractionId(2)), Some(3));
    centre.logs_in(1);
    let second = centre.acd.position(acd::InteractionId(1));
    assert_eq!(second, Some(2), "who is alerting stands before");
    centre.accepts(1);
    assert_eq!(centre.acd.position(acd::InteractionId(1)), Some(1));
    assert_eq!(centre.acd.position(acd::InteractionId(3)), None);
}

#[test]
fn rule_2_a_queues_priority_is_added_to_the_callers() {
    let mut centre = Centre::new(1);
    centre.with_queue(2, |queue| queue.priority = 2);
    centre.comes(
        1,
        Visit {
            priority: 1,
            ..to(1)
        },
    );
    centre.run(secs(15));
    centre.comes(2, to(2));
    centre.run(secs(1));
    centre.comes(
        3,
        Visit {
            priority: 1,
            ..to(2)
        },
    );
    assert_eq!(served(&mut centre, 1), [3, 1, 2]);
}

#[test]
fn rule_2_direct_calls_merge_with_the_queues_by_rank() {
    let mut centre = Centre::staffed(1);
    centre.with_agent(1, |agent| agent.direct_call_priority = 1);
    centre.own_calls(1, 1);
    centre.comes(1, to(1));
    centre.run(secs(9));
    centre.comes(2, to_user(1));
    centre.run(secs(2));
    centre.comes(3, to_user(1));
    centre.own_calls(1, 0);
    assert_eq!(served(&mut centre, 1), [2, 1, 3]);
}

#[test]
fn rule_3_a_queues_new_priority_re_ranks_those_who_wait() {
    let mut centre = Centre::new(1);
    centre.comes(1, to(1));
    centre.run(secs(5));
    centre.comes(2, to(2));
    centre.with_queue(2, |queue| queue.priority = 1);
    assert_eq!(served(&mut centre, 1), [2, 1]);
}

#[test]
fn rule_3_a_queues_new_ageing_re_ranks_those_who_wait() {
    let mut centre = Centre::new(1);
    centre.comes(1, to(1));
    centre.run(secs(15));
    centre.comes(
        2,
        Visit {
            priority: 1,
            ..to(1)
        },
    );
    assert_eq!(centre.waiting(1), [1, 2]);
    centre.with_queue(1, |queue| queue.ageing = secs(20));
    assert_eq!(centre.waiting(1), [2, 1]);
}

#[test]
fn rule_4_who_comes_back_from_an_alert_keeps_the_rank() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    centre.run(secs(1));
    centre.comes(2, to(1));
    let cases = [
        ("rejected", AlertEnd::Rejected),
        ("failed", AlertEnd::NoProvisional),
    ];
    for (name, end) in cases {
        centre.answers(1, end);
        assert!(centre.waiting(1).contains(&1), "{name}");
        centre.own_calls(1, 1);
        centre.run(secs(10));
        let first = centre.acd.waiting(Target::Queue(acd::QueueId(1))).next();
        let first = first.map(|view| view.interaction.0);
        assert_eq!(first, Some(1), "{name}");
        centre.logs_out(1);
        centre.own_calls(1, 0);
        centre.logs_in(1);
    }
}

#[test]
fn rule_4_a_recall_keeps_its_arrival_and_enters_a_closed_queue() {
    let mut centre = Centre::new(1);
    centre.comes(1, to(1));
    centre.closes(1);
    centre.run(secs(10));
    let kind = EntryKind::Recall;
    centre.comes(
        2,
        Visit {
            kind,
            waited: secs(60),
            ..to(1)
        },
    );
    assert_eq!(centre.waiting(1), [2, 1]);
    assert!(centre.refused().is_empty());
}

#[test]
fn rule_5_who_becomes_free_takes_the_best_of_all_their_queues() {
    let mut centre = Centre::staffed(1);
    centre.own_calls(1, 1);
    for (caller, queue) in [(1, 2), (2, 1), (3, 2), (4, 1)] {
        centre.comes(caller, to(queue));
        centre.run(secs(1));
    }
    centre.own_calls(1, 0);
    assert_eq!(served(&mut centre, 1), [1, 2, 3, 4]);
}

#[test]
fn i4_a_better_call_that_this_agent_may_not_take_blocks_nobody() {
    let mut centre = Centre::staffed(1);
    centre.serves(1, &[2]);
    centre.comes(
        1,
        Visit {
            tier: Tier::Urgent,
            ..to(1)
        },
    );
    centre.comes(2, to(2));
    assert_eq!(centre.alerts(), [(2, 1)]);
}

#[test]
fn house_alerts_carry_the_epoch_and_matches_the_node_and_incarnation() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    let match_id = centre.match_of(1);
    assert_eq!(match_id.0, (1 << 54) | (1 << 32));
    assert_eq!(centre.acd.epoch(), 5);
}

#[test]
fn rule_3_a_supervisor_ranks_one_caller_anew_at_once() {
    let mut centre = Centre::new(1);
    for caller in 1..=4 {
        centre.comes(caller, to(1));
        centre.run(secs(1));
    }
    centre.is_ranked(3, None, Some(1));
    assert_eq!(centre.waiting(1), [3, 1, 2, 4], "ten seconds earlier");
    centre.is_ranked(4, Some(Tier::Urgent), None);
    centre.is_ranked(1, Some(Tier::Low), Some(99));
    assert_eq!(centre.waiting(1), [4, 3, 2, 1]);
    centre.is_ranked(4, Some(Tier::Normal), None);
    centre.is_ranked(3, None, Some(0));
    assert_eq!(centre.waiting(1), [2, 3, 4, 1]);
    centre.with_queue(1, |queue| queue.ageing = secs(20));
    assert_eq!(centre.waiting(1), [2, 3, 4, 1], "and stays so");
    centre.logs_in(1);
    assert_eq!(centre.alerts(), [(2, 1)]);
}

#[test]
fn rule_3_what_alerts_is_ranked_anew_for_when_it_goes_back() {
    let mut centre = Centre::staffed(1);
    for caller in 1..=3 {
        centre.comes(caller, to(1));
        centre.run(secs(1));
    }
    centre.is_ranked(1, Some(Tier::Low), None);
    centre.takes_break(1);
    assert_eq!(centre.waiting(1), [2, 3, 1]);
    centre.reserves(1, 1);
    centre.is_ranked(3, None, Some(7));
    assert!(centre.acd.is_consistent());
    centre.leaves(3);
    centre.is_ranked(3, Some(Tier::Urgent), None);
    assert_eq!(centre.waiting(1), [2, 1]);
}
