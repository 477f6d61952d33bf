//! Part 10 of the rules' story: whoever asks why is told the clause of rule 7 that decides, with its facts.

use acd::config::{Relaxation, Skill, Strategy};
use acd::why::{Hindrance, Lack, Moment, Reason, WhyNothing, WhyWaiting};
use acd::{
    AgentId, AlertEnd, BreakReason, Cause, Claim, DeviceHealth, InteractionId, SkillId, Target,
    Team,
};

use crate::centre::{Centre, refused, secs, to, to_user};

fn why(centre: &Centre, agent: u32, caller: u64) -> Option<Hindrance> {
    let (agent, caller) = (AgentId(agent), InteractionId(caller));
    centre.acd.why_not(centre.now, agent, caller)
}

fn waits(centre: &Centre, caller: u64) -> WhyWaiting {
    let explained = centre
        .acd
        .explain_waiting(centre.now, InteractionId(caller));
    explained.expect("it waits")
}

fn nothing(centre: &Centre, agent: u32) -> WhyNothing {
    let explained = centre.acd.explain_agent(centre.now, AgentId(agent));
    explained.expect("there is such an agent")
}

fn skill(level: u32) -> Vec<Skill> {
    vec![Skill {
        skill: SkillId(7),
        level,
    }]
}

#[test]
fn why_not_names_what_the_agent_is_at() {
    let mut centre = Centre::staffed(5);
    for agent in 1..=5 {
        centre.own_calls(agent, 1);
    }
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    let own_call = Some(Hindrance::OwnCall);
    assert_eq!(why(&centre, 1, 1), own_call);
    centre.own_calls(1, 0);
    let interaction = InteractionId(1);
    let alerting = Hindrance::Alerting { interaction };
    assert_eq!(why(&centre, 1, 2), Some(alerting));
    centre.accepts(1);
    assert_eq!(why(&centre, 1, 2), Some(Hindrance::Busy { interaction }));
    assert_eq!(why(&centre, 2, 1), Some(Hindrance::NotWaiting));
    centre.takes_break(2);
    let reason = BreakReason::new("coffee");
    assert_eq!(why(&centre, 2, 2), Some(Hindrance::OnBreak { reason }));
    centre.logs_out(3);
    assert_eq!(why(&centre, 3, 2), Some(Hindrance::Offline));
    centre.leaves_queue(4, 1);
    assert_eq!(why(&centre, 4, 2), Some(Hindrance::LeftQueue));
    centre.serves(5, &[]);
    assert_eq!(why(&centre, 5, 2), Some(Hindrance::NotAssigned));
}

#[test]
fn why_not_names_what_lies_between_this_agent_and_this_caller() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    assert_eq!(why(&centre, 1, 1), Some(Hindrance::Rejected));
    centre.with_queue(1, |queue| queue.max_no_answer = 0);
    centre.comes(2, to(1));
    centre.run(secs(20));
    let until = centre.now + secs(15);
    assert_eq!(why(&centre, 1, 2), Some(Hindrance::NotAnswered { until }));
    let moments = waits(&centre, 2).moments;
    assert_eq!(moments, [(until, Moment::RetryOf(AgentId(1)))]);
    centre.run(secs(15));
    centre.answers(1, refused(503));
    let until = centre.now + secs(5);
    let health = DeviceHealth::Unreachable;
    let left_alone = Hindrance::PhoneLeftAlone { health, until };
    assert_eq!(why(&centre, 1, 2), Some(left_alone));
}

#[test]
fn why_not_names_the_skill_as_far_as_it_is_relaxed_by_now_and_the_delay() {
    let mut centre = Centre::staffed(2);
    centre.with_agent(1, |agent| agent.skills = skill(1));
    centre.with_agent(2, |agent| {
        agent.skills = skill(9);
        agent.queues[0].delay = secs(40);
    });
    centre.with_queue(1, |queue| {
        queue.skills = skill(5);
        queue.relax = vec![
            Relaxation {
                after: secs(30),
                skills: skill(2),
            },
            Relaxation {
                after: secs(60),
                skills: Vec::new(),
            },
        ];
    });
    centre.comes(1, to(1));
    let entered = centre.now;
    let lacks = |needs| {
        Some(Hindrance::Unskilled {
            lack: Lack {
                skill: SkillId(7),
                needs,
                has: 1,
            },
            from: Some(entered + secs(60)),
        })
    };
    assert_eq!(why(&centre, 1, 1), lacks(5));
    centre.run(secs(30));
    assert_eq!(why(&centre, 1, 1), lacks(2));
    let until = entered + secs(40);
    assert_eq!(why(&centre, 2, 1), Some(Hindrance::Delay { until }));
    let moments = waits(&centre, 1).moments;
    assert_eq!(moments, [(until, Moment::OldEnough)]);
}

#[test]
fn why_not_names_for_whom_it_is_held_and_how_many_may_be_busy() {
    let mut centre = Centre::staffed(3);
    centre.own_calls(1, 1);
    centre.own_calls(2, 1);
    centre.own_calls(3, 1);
    centre.comes(1, to(1));
    centre.reserves(1, 1);
    centre.own_calls(2, 0);
    let agent = AgentId(1);
    assert_eq!(why(&centre, 2, 1), Some(Hindrance::HeldFor { agent }));
    assert_eq!(why(&centre, 1, 1), Some(Hindrance::OwnCall));
    centre.with_queue(1, |queue| queue.max_busy = 1);
    centre.comes(2, to(1));
    centre.own_calls(3, 0);
    centre.comes(3, to(1));
    let max_busy = 1;
    assert_eq!(why(&centre, 3, 3), Some(Hindrance::QueueBusy { max_busy }));
}

#[test]
fn why_waiting_counts_every_agent_of_the_queue_once_and_names_who_is_before() {
    let mut centre = Centre::staffed(3);
    for agent in 1..=3 {
        centre.own_calls(agent, 1);
    }
    centre.takes_break(3);
    for caller in 1..=3 {
        centre.comes(caller, to(1));
    }
    let explained = waits(&centre, 3);
    assert_eq!(explained.position, 3);
    assert_eq!(explained.before, [InteractionId(1), InteractionId(2)]);
    assert_eq!(explained.assigned, 3);
    assert_eq!(
        explained.counts,
        [(Reason::OnBreak, 1), (Reason::OwnCall, 2)]
    );
    let agents: Vec<_> = explained.agents.iter().map(|(agent, _)| agent.0).collect();
    assert_eq!(agents, [1, 2, 3]);
    centre.own_calls(1, 0);
    let alerting = centre.acd.explain_waiting(centre.now, InteractionId(1));
    assert_eq!(alerting, None, "it rings, and waits for nobody to be found");
}

#[test]
fn why_waiting_says_what_will_happen_when() {
    let mut centre = Centre::staffed(1);
    centre.takes_break(1);
    centre.with_queue(1, |queue| {
        queue.max_wait = secs(90);
        queue.nobody_after = secs(30);
    });
    centre.run(secs(10));
    let begun = centre.now;
    centre.comes(1, to(1));
    let moments = waits(&centre, 1).moments;
    assert_eq!(
        moments,
        [
            (begun + secs(30), Moment::Nobody),
            (begun + secs(90), Moment::MaxWait)
        ]
    );
}

#[test]
fn why_nothing_tells_what_waits_and_what_keeps_it_away() {
    let mut centre = Centre::staffed(2);
    centre.own_calls(2, 1);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    centre.comes(2, to_user(2));
    let explained = nothing(&centre, 1);
    assert_eq!(explained.hindrance, None, "they are free");
    let queue = &explained.queues[0];
    assert_eq!(queue.target, Target::Queue(acd::QueueId(1)));
    assert_eq!((queue.waiting, queue.preferred), (1, Some(0)));
    let kept: Vec<_> = queue.kept.iter().map(|it| (it.first.0, &it.by)).collect();
    assert_eq!(kept, [(1, &Hindrance::Rejected)]);
    let busy = nothing(&centre, 2);
    assert_eq!(busy.hindrance, Some(Hindrance::OwnCall));
    let waiting: u32 = busy.queues.iter().map(|queue| queue.waiting).sum();
    assert_eq!(waiting, 2, "in the queue and for them alone");
}

#[test]
fn why_nothing_says_how_many_would_be_chosen_before() {
    let mut centre = Centre::staffed(3);
    for agent in [2, 3, 1] {
        centre.run(secs(1));
        centre.takes_break(agent);
        centre.is_back(agent);
    }
    let before = |agent| nothing(&centre, agent).queues[0].preferred;
    assert_eq!(
        [before(2), before(3), before(1)],
        [Some(0), Some(1), Some(2)]
    );
}

#[test]
fn why_chosen_names_the_runner_up_who_waits_next_and_how_many_could_not() {
    let mut centre = Centre::staffed(5);
    let idle_since = |centre: &Centre, agent| centre.acd.agent(AgentId(agent)).unwrap().idle_since;
    centre.takes_break(3);
    centre.logs_out(4);
    centre.own_calls(5, 1);
    centre.comes(1, to(1));
    let [choice] = centre.choices()[..] else {
        panic!("one alert");
    };
    assert_eq!(
        (choice.cause, choice.chosen.agent),
        (Cause::Chosen, AgentId(1))
    );
    assert_eq!(choice.strategy, Strategy::LongestIdle);
    assert_eq!(choice.chosen.idle_since, idle_since(&centre, 1));
    let runner_up = Claim {
        agent: AgentId(2),
        merit: 0,
        idle_since: idle_since(&centre, 2),
    };
    assert_eq!(choice.runner_up, Some(runner_up));
    assert_eq!((choice.next, choice.waiting), (None, 0));
    let team = Team {
        offline: 1,
        on_break: 1,
        busy: 1,
        free: 2,
        ..Team::default()
    };
    assert_eq!(choice.team, team);
}

#[test]
fn why_chosen_gives_what_the_strategy_goes_by() {
    let mut centre = Centre::staffed(2);
    centre.with_queue(1, |queue| queue.strategy = Strategy::SkillLevel);
    centre.with_agent(1, |agent| agent.queues[0].level = 2);
    centre.with_agent(2, |agent| agent.queues[0].level = 7);
    centre.comes(1, to(1));
    let choice = centre.choices()[0];
    let claims = [Some(choice.chosen), choice.runner_up];
    let merits = claims.map(|claim| claim.map(|claim| (claim.agent.0, claim.merit)));
    assert_eq!(merits, [Some((2, 7)), Some((1, 2))]);
}

#[test]
fn why_chosen_counts_who_is_barred_or_has_to_wait_for_their_delay() {
    let mut centre = Centre::staffed(2);
    centre.with_agent(2, |agent| agent.queues[0].delay = secs(60));
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    centre.run(secs(60));
    assert_eq!(centre.alerts(), [(1, 1), (1, 2)]);
    let teams: Vec<_> = centre.choices().iter().map(|choice| choice.team).collect();
    let early = Team {
        too_early: 1,
        free: 1,
        ..Team::default()
    };
    let barred = Team {
        barred: 1,
        free: 1,
        ..Team::default()
    };
    assert_eq!(teams, [early, barred]);
}

#[test]
fn why_chosen_tells_what_was_held_picked_up_or_rang_for_all() {
    let mut centre = Centre::staffed(2);
    centre.own_calls(1, 1);
    centre.own_calls(2, 1);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.reserves(1, 2);
    centre.own_calls(1, 0);
    let held = centre.choices()[0];
    assert_eq!((held.cause, held.runner_up), (Cause::Held, None));
    assert_eq!(held.next, Some(InteractionId(1)), "which came before");
    centre.own_calls(2, 0);
    centre.picks_up(1, 1);
    let last = centre.choices().pop().unwrap();
    assert_eq!(
        (last.cause, last.chosen.agent),
        (Cause::PickedUp, AgentId(1))
    );
    let mut centre = Centre::staffed(2);
    centre.with_queue(1, |queue| queue.strategy = Strategy::RingAll);
    centre.comes(1, to(1));
    let causes: Vec<_> = centre.choices().iter().map(|choice| choice.cause).collect();
    assert_eq!(causes, [Cause::ForAll, Cause::ForAll]);
}
