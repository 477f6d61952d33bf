//! Rule 6: which of several free agents gets an interaction.

use acd::config::{Assignment, Strategy};
use acd::{Acd, AlertEnd, Device, Input, QueueId};

use crate::centre::{Centre, secs, to};

/// Agents 1 to `agents`, 1 idle for longest, and a queue that goes by `strategy`.
fn centre(agents: u32, strategy: Strategy) -> Centre {
    let mut centre = Centre::staffed(agents);
    centre.with_queue(1, |queue| queue.strategy = strategy);
    centre
}

/// Who is alerted for a caller who comes now; accepts, talks for so long, and hangs up.
fn serves(centre: &mut Centre, caller: u64, talks: u64) -> u32 {
    centre.new_alerts();
    centre.comes(caller, to(1));
    let agent = centre.new_alerts()[0].1;
    centre.accepts(agent);
    centre.run(secs(talks));
    centre.ends(caller);
    agent
}

fn assigned(centre: &mut Centre, agent: u32, change: impl FnOnce(&mut Assignment)) {
    centre.with_agent(agent, |agent| {
        let assignment = agent.queues.iter_mut().find(|it| it.queue == QueueId(1));
        change(assignment.unwrap());
    });
}

#[test]
fn rule_6_round_robin_gives_each_their_turn_whatever_they_did_meanwhile() {
    let mut centre = centre(3, Strategy::RoundRobin);
    let mut turns = Vec::new();
    for caller in 1..=3 {
        turns.push(serves(&mut centre, caller, 10));
    }
    // A call of their own makes 1 the one idle for the shortest time; their turn it is all the same.
    centre.own_calls(1, 1);
    centre.own_calls(1, 0);
    for caller in 4..=5 {
        turns.push(serves(&mut centre, caller, 10));
    }
    assert_eq!(turns, [1, 2, 3, 1, 2]);
    centre.acd = Acd::decode(&centre.acd.encode()).unwrap();
    centre.takes_break(3);
    assert_eq!(serves(&mut centre, 6, 10), 1, "who is away is passed over");
    centre.is_back(3);
    assert_eq!(serves(&mut centre, 7, 10), 3, "and is next");
}

#[test]
fn rule_6_round_robin_counts_an_alert_as_a_turn_and_each_queue_for_itself() {
    let mut centre = centre(2, Strategy::RoundRobin);
    centre.with_queue(2, |queue| queue.strategy = Strategy::RoundRobin);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    centre.accepts(2);
    centre.ends(1);
    assert_eq!(centre.new_alerts(), [(1, 1), (1, 2)]);
    assert_eq!(serves(&mut centre, 2, 1), 1);
    centre.comes(3, to(2));
    assert_eq!(
        centre.new_alerts(),
        [(3, 2)],
        "both have had no turn here, and 2 has been idle for longer"
    );
}

#[test]
fn rule_6_fewest_calls_counts_those_of_the_day() {
    let mut centre = centre(2, Strategy::FewestCalls);
    centre.comes(1, to(2));
    centre.accepts(1);
    centre.run(secs(10));
    centre.ends(1);
    centre.run(secs(1));
    centre.own_calls(2, 1);
    centre.own_calls(2, 0);
    assert_eq!(
        serves(&mut centre, 2, 1),
        2,
        "1 has been idle longer, and had a call of another queue"
    );
    assert_eq!(serves(&mut centre, 3, 1), 1, "one each: longest idle");
    assert_eq!(serves(&mut centre, 4, 1), 2);
    centre.input(Input::DailyReset);
    assert_eq!(serves(&mut centre, 5, 1), 1, "a new day");
    assert_eq!(serves(&mut centre, 6, 1), 2);
}

#[test]
fn rule_6_least_occupied_goes_by_the_share_of_logged_in_time() {
    let mut centre = Centre::new(2);
    centre.with_queue(1, |queue| queue.strategy = Strategy::LeastOccupied);
    centre.logs_in(1);
    centre.run(secs(900));
    centre.logs_in(2);
    centre.run(secs(10));
    assert_eq!(serves(&mut centre, 1, 100), 1, "both nothing: longest idle");
    assert_eq!(serves(&mut centre, 2, 30), 2);
    // 1 talked 100 s of 1,010, 2 talked 30 s of 140.
    assert_eq!(serves(&mut centre, 3, 200), 1);
    // 300 s of 1,240 against, as of when they became free, 30 s of 140.
    assert_eq!(serves(&mut centre, 4, 10), 2);
    centre.input(Input::DailyReset);
    centre.run(secs(1));
    assert_eq!(serves(&mut centre, 5, 10), 1, "a new day: longest idle");
    assert_eq!(serves(&mut centre, 6, 10), 2);
}

#[test]
fn rule_6_wrap_up_counts_as_occupied_and_a_break_as_logged_in() {
    let mut centre = centre(2, Strategy::LeastOccupied);
    centre.with_queue(2, |queue| {
        queue.wrap_up = acd::config::WrapUp::For(secs(60))
    });
    centre.comes(1, to(2));
    centre.accepts(1);
    centre.run(secs(10));
    centre.ends(1);
    centre.run(secs(60));
    assert_eq!(serves(&mut centre, 2, 40), 2);
    assert_eq!(
        serves(&mut centre, 3, 1),
        2,
        "40 s of about 110, against 70 s of about 70"
    );
    centre.takes_break(1);
    centre.run(secs(1_000));
    centre.is_back(1);
    assert_eq!(serves(&mut centre, 4, 1), 1, "70 s of more than 1,100");
}

#[test]
fn rule_6_fixed_order_prefers_the_lowest_order() {
    let mut centre = centre(3, Strategy::FixedOrder);
    for (agent, order) in [(1, 2), (2, 1), (3, 1)] {
        assigned(&mut centre, agent, |it| it.order = order);
    }
    assert_eq!(serves(&mut centre, 1, 1), 2, "longest idle of the two");
    assert_eq!(serves(&mut centre, 2, 1), 3);
    assert_eq!(
        serves(&mut centre, 3, 1),
        2,
        "1 only when nobody else is free"
    );
    assigned(&mut centre, 1, |it| it.order = 0);
    assert_eq!(serves(&mut centre, 4, 1), 1, "a change holds at once");
}

#[test]
fn rule_6_skill_level_prefers_the_highest_level_and_in_it_the_longest_idle() {
    let mut centre = centre(3, Strategy::SkillLevel);
    for (agent, level) in [(1, 1), (2, 5), (3, 5)] {
        assigned(&mut centre, agent, |it| it.level = level);
    }
    assert_eq!(serves(&mut centre, 1, 1), 2);
    assert_eq!(serves(&mut centre, 2, 1), 3);
    centre.takes_break(2);
    centre.takes_break(3);
    assert_eq!(serves(&mut centre, 3, 1), 1);
}

#[test]
fn rule_6_a_new_strategy_holds_for_the_next_caller() {
    let mut centre = centre(2, Strategy::RoundRobin);
    assert_eq!(serves(&mut centre, 1, 1), 1);
    assigned(&mut centre, 1, |it| it.order = 1);
    assigned(&mut centre, 2, |it| it.order = 2);
    centre.with_queue(1, |queue| queue.strategy = Strategy::FixedOrder);
    assert_eq!(serves(&mut centre, 2, 1), 1);
    centre.with_queue(1, |queue| queue.strategy = Strategy::LongestIdle);
    assert_eq!(serves(&mut centre, 3, 1), 2);
    assert!(centre.acd.is_consistent());
}

/// Agents with the weights 1, 2 and 5.
fn weighted() -> Centre {
    let mut centre = centre(3, Strategy::WeightedRandom);
    for (agent, weight) in [(1, 1), (2, 2), (3, 5)] {
        assigned(&mut centre, agent, |it| it.weight = weight);
    }
    centre
}

/// Whether of so many each was chosen as often as is likely: within four standard deviations.
fn is_fair(chosen: [u32; 3], shares: [f64; 3]) -> bool {
    let all = f64::from(chosen.iter().sum::<u32>());
    chosen.into_iter().zip(shares).all(|(count, share)| {
        let spread = (all * share * (1.0 - share)).sqrt();
        (f64::from(count) - all * share).abs() <= 4.0 * spread
    })
}

#[test]
fn rule_6_weighted_random_chooses_each_by_their_weight() {
    let mut centre = weighted();
    let mut chosen = [0; 3];
    for caller in 1..=4_000 {
        chosen[serves(&mut centre, caller, 1) as usize - 1] += 1;
    }
    assert!(is_fair(chosen, [0.125, 0.25, 0.625]), "{chosen:?}");
}

#[test]
fn rule_6_weighted_random_is_fair_among_those_who_may_take_a_caller() {
    let mut centre = weighted();
    let mut chosen = [0; 3];
    // Who is alerted second, after the first has rejected: weights of those left.
    let mut after_3 = [0; 3];
    for caller in 1..=6_000 {
        centre.comes(caller, to(1));
        let first = centre.new_alerts()[0].1;
        centre.answers(first, AlertEnd::Rejected);
        let second = centre.new_alerts()[0].1;
        assert_ne!(first, second);
        chosen[first as usize - 1] += 1;
        if first == 3 {
            after_3[second as usize - 1] += 1;
        }
        centre.leaves(caller);
    }
    assert!(is_fair(chosen, [0.125, 0.25, 0.625]), "{chosen:?}");
    assert!(is_fair(after_3, [1.0 / 3.0, 2.0 / 3.0, 0.0]), "{after_3:?}");
}

#[test]
fn rule_6_weighted_random_decides_the_same_again_from_a_checkpoint() {
    let mut first = weighted();
    for caller in 1..=50 {
        serves(&mut first, caller, 1);
    }
    let mut second = weighted();
    second.acd = Acd::decode(&first.acd.encode()).unwrap();
    second.now = first.now;
    for caller in 51..=100 {
        let (one, other) = (
            serves(&mut first, caller, 1),
            serves(&mut second, caller, 1),
        );
        assert_eq!(one, other);
    }
    assert_eq!(first.acd.state_hash(), second.acd.state_hash());
}

#[test]
fn rule_6_a_phone_that_is_gone_is_nobodys_turn() {
    let mut centre = centre(2, Strategy::RoundRobin);
    centre.change(1, acd::AgentChange::Device(Device::Unregistered));
    assert_eq!(serves(&mut centre, 1, 1), 2);
    assert_eq!(serves(&mut centre, 2, 1), 2);
    centre.change(1, acd::AgentChange::Device(Device::Registered));
    assert_eq!(serves(&mut centre, 3, 1), 1);
}
