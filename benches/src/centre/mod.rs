//! A large centre, and the load on it: what the distribution core is measured with, and what stands beside it.
//!
//! 10,000 agents and 1,000 queues, each agent in ten. The queues go by all strategies that choose one agent, half of them ask for
//! one of 50 skills and do without it after a while, and every fifth agent sees callers later. [`load`] lets callers come and
//! agents work; [`tape`] is what happened then, to be played to the core alone; [`ours`] is the core, [`plain`] what one would write in an afternoon, [`classic`] how the two usual designs
//! find out that an agent is free.

pub mod classic;
pub mod load;
pub mod ours;
pub mod plain;
pub mod tape;

use std::time::Duration;

use acd::config::{
    AgentConfig, Assignment, JoinWhen, PersonalConfig, QueueConfig, Relaxation, Skill, Strategy,
    WhenClosing, WhenNobody, WrapUp,
};
use acd::{AcdConfig, AgentId, QueueId, SkillId};

/// How many agents there are, all at work.
pub const AGENTS: u32 = 10_000;
/// How many queues.
pub const QUEUES: u32 = 1_000;
/// How many of them each agent serves.
pub const QUEUES_OF_AN_AGENT: u32 = 10;

const SKILLS: u32 = 50;
/// What agents lack in queues that ask for it is done without after so long.
const RELAXED: Duration = Duration::from_secs(30);
/// Every fifth agent sees callers only after so long.
const DELAY: Duration = Duration::from_secs(10);
const STRATEGIES: [Strategy; 7] = [
    Strategy::LongestIdle,
    Strategy::RoundRobin,
    Strategy::FewestCalls,
    Strategy::LeastOccupied,
    Strategy::FixedOrder,
    Strategy::SkillLevel,
    Strategy::WeightedRandom,
];

/// What the centre is.
#[must_use]
pub fn config() -> AcdConfig {
    AcdConfig {
        queues: (0..QUEUES).map(queue).collect(),
        agents: (0..AGENTS).map(agent).collect(),
    }
}

/// One of the hundred agents of a queue; which, by `nth`.
#[must_use]
pub fn agent_of(queue: u32, nth: u32) -> AgentId {
    // 7 times 143 is 1 modulo 1,000: the agent whose queue number `row` this is, of ten thousands each.
    let (row, thousand) = (nth % QUEUES_OF_AN_AGENT, nth / QUEUES_OF_AN_AGENT % 10);
    let first = (queue + 10 * QUEUES - row * 13) * 143 % QUEUES;
    AgentId(first + thousand * QUEUES)
}

fn skill(id: u32) -> Skill {
    Skill {
        skill: SkillId(id % SKILLS),
        level: 1,
    }
}

fn queue(id: u32) -> QueueConfig {
    let required: Vec<_> = Some(skill(id))
        .filter(|_| id.is_multiple_of(2))
        .into_iter()
        .collect();
    let anyone_later = Relaxation {
        after: RELAXED,
        skills: Vec::new(),
    };
    QueueConfig {
        id: QueueId(id),
        priority: 0,
        ageing: Duration::from_secs(10),
        strategy: STRATEGIES[id as usize % STRATEGIES.len()],
        ring_timeout: Duration::from_secs(20),
        retry_after: Duration::from_secs(15),
        max_no_answer: 1,
        device_retry: Duration::from_secs(5),
        wrap_up: WrapUp::For(Duration::ZERO),
        max_waiting: 0,
        join_when: JoinWhen::Always,
        when_closing: WhenClosing::Stay,
        reservation_limit: Duration::from_secs(120),
        max_wait: Duration::from_secs(6_000),
        nobody_after: Duration::from_secs(30),
        when_nobody: WhenNobody::Stay,
        service_action: None,
        relax: required.iter().map(|_| anyone_later.clone()).collect(),
        skills: required,
        max_busy: 0,
        code_required: false,
    }
}

fn agent(id: u32) -> AgentConfig {
    let queues = (0..QUEUES_OF_AN_AGENT).map(|row| QueueId((id * 7 + row * 13) % QUEUES));
    let delay = if id.is_multiple_of(5) {
        DELAY
    } else {
        Duration::ZERO
    };
    let assignment = |queue| Assignment {
        delay,
        order: id % 3,
        level: id % 4,
        ..Assignment::to(queue)
    };
    AgentConfig {
        id: AgentId(id),
        queues: queues.map(assignment).collect(),
        direct_call_priority: 0,
        personal: PersonalConfig {
            ring_timeout: Duration::from_secs(20),
            max_wait: Duration::ZERO,
            wrap_up: WrapUp::For(Duration::ZERO),
            max_no_answer: 1,
            device_retry: Duration::from_secs(5),
        },
        skills: (id..id + SKILLS / 2).map(skill).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_queue_has_a_hundred_agents() {
        let agents: Vec<_> = (0..AGENTS).map(agent).collect();
        for queue in [0, 7, 999] {
            let serves = |id: AgentId| {
                let queues = &agents[id.0 as usize].queues;
                queues.iter().any(|it| it.queue == QueueId(queue))
            };
            let mut all: Vec<_> = (0..100).map(|nth| agent_of(queue, nth)).collect();
            assert!(all.iter().all(|id| serves(*id)), "queue {queue}");
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), 100, "queue {queue}");
        }
    }
}
