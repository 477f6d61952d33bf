//! From which age on a queue's interactions may alert an agent: the agent's *gate* there (rules 7 and 8).
//!
//! A delay and a step of relaxation come to the same: a moment from which on an agent will do, and goes on to. So there is one
//! gate for each agent and queue, known before anything is decided, and nobody's skills are looked at in a decision.

use core::iter;
use core::time::Duration;

use crate::config::{AgentConfig, Assignment, QueueConfig, Skill};
use crate::sabotage;
use crate::why::Lack;

/// How long an interaction has to have been in `queue` before it may alert `agent`; none: they never will do.
pub(crate) fn of(
    agent: &AgentConfig,
    assignment: &Assignment,
    queue: &QueueConfig,
) -> Option<Duration> {
    let met = requirements(queue)
        .filter(|(_, required)| {
            required
                .iter()
                .all(|skill| meets(agent, *skill) || sabotage::skills())
        })
        .map(|(after, _)| after)
        .min()?;
    let delay = if sabotage::delay() {
        Duration::ZERO
    } else {
        assignment.delay
    };
    Some(met.max(delay))
}

/// What `queue` requires, and from which age of an interaction on.
fn requirements(queue: &QueueConfig) -> impl Iterator<Item = (Duration, &[Skill])> {
    let first = (Duration::ZERO, queue.skills.as_slice());
    let steps = queue
        .relax
        .iter()
        .map(|step| (step.after, step.skills.as_slice()));
    iter::once(first).chain(steps.filter(|_| !sabotage::relax()))
}

/// The first skill that `agent` lacks by the latest requirement for an interaction of this age; none if they meet it.
pub(crate) fn lack(agent: &AgentConfig, queue: &QueueConfig, age: Duration) -> Option<Lack> {
    let by_now = requirements(queue).filter(|(after, _)| *after <= age);
    let (_, required) = by_now.max_by_key(|(after, _)| *after)?;
    let lacking = required.iter().find(|skill| !meets(agent, **skill))?;
    let has = agent.skills.iter().filter(|it| it.skill == lacking.skill);
    Some(Lack {
        skill: lacking.skill,
        needs: lacking.level,
        has: has.map(|it| it.level).max().unwrap_or(0),
    })
}

fn meets(agent: &AgentConfig, required: Skill) -> bool {
    let mut has = agent.skills.iter();
    has.any(|skill| skill.skill == required.skill && skill.level >= required.level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    use crate::config::{
        JoinWhen, PersonalConfig, Relaxation, Strategy, WhenClosing, WhenNobody, WrapUp,
    };
    use crate::ids::{AgentId, QueueId, SkillId};

    /// A name, an agent's skills with their levels, a delay, and the gate.
    type Case = (&'static str, &'static [(u32, u32)], u64, Option<u64>);

    fn skill((skill, level): (u32, u32)) -> Skill {
        Skill {
            skill: SkillId(skill),
            level,
        }
    }

    fn agent(skills: &[(u32, u32)]) -> AgentConfig {
        AgentConfig {
            id: AgentId(1),
            queues: Vec::new(),
            direct_call_priority: 0,
            personal: PersonalConfig {
                ring_timeout: Duration::ZERO,
                max_wait: Duration::ZERO,
                wrap_up: WrapUp::Manual,
                max_no_answer: 0,
                device_retry: Duration::ZERO,
            },
            skills: skills.iter().copied().map(skill).collect(),
        }
    }

    fn queue() -> QueueConfig {
        QueueConfig {
            id: QueueId(1),
            priority: 0,
            ageing: Duration::ZERO,
            strategy: Strategy::LongestIdle,
            ring_timeout: Duration::ZERO,
            retry_after: Duration::ZERO,
            max_no_answer: 0,
            device_retry: Duration::ZERO,
            wrap_up: WrapUp::Manual,
            max_waiting: 0,
            join_when: JoinWhen::Always,
            when_closing: WhenClosing::Stay,
            reservation_limit: Duration::ZERO,
            max_wait: Duration::ZERO,
            nobody_after: Duration::ZERO,
            when_nobody: WhenNobody::Stay,
            service_action: None,
            skills: Vec::new(),
            relax: Vec::new(),
            max_busy: 0,
            code_required: false,
        }
    }

    #[test]
    fn rules_7_and_8_a_gate_opens_when_the_skills_will_do_and_the_delay_is_over() {
        // Dutch at level 3 and billing; after 30 s Dutch at level 1; after 60 s anyone.
        const DUTCH: u32 = 1;
        const BILLING: u32 = 2;
        let relax = [(60, &[][..]), (30, &[(DUTCH, 1)][..])];
        let cases: [Case; 8] = [
            ("all that is asked", &[(DUTCH, 3), (BILLING, 1)], 0, Some(0)),
            ("and more", &[(DUTCH, 5), (BILLING, 9), (7, 1)], 0, Some(0)),
            (
                "the better of two holds",
                &[(DUTCH, 1), (DUTCH, 3), (BILLING, 1)],
                0,
                Some(0),
            ),
            ("one of two skills", &[(DUTCH, 3)], 0, Some(30)),
            ("not well enough", &[(DUTCH, 1), (BILLING, 1)], 0, Some(30)),
            ("nothing", &[], 0, Some(60)),
            ("the delay is longer", &[(DUTCH, 1)], 45, Some(45)),
            ("the delay is shorter", &[(DUTCH, 1)], 20, Some(30)),
        ];
        let queue = QueueConfig {
            skills: [(DUTCH, 3), (BILLING, 1)].into_iter().map(skill).collect(),
            relax: relax
                .into_iter()
                .map(|(after, skills)| Relaxation {
                    after: Duration::from_secs(after),
                    skills: skills.iter().copied().map(skill).collect(),
                })
                .collect(),
            ..queue()
        };
        for (name, skills, delay, expected) in cases {
            let assignment = Assignment {
                delay: Duration::from_secs(delay),
                ..Assignment::to(QueueId(1))
            };
            let gate = of(&agent(skills), &assignment, &queue);
            assert_eq!(gate, expected.map(Duration::from_secs), "{name}");
        }
        let strict = QueueConfig {
            relax: Vec::new(),
            ..queue
        };
        assert_eq!(
            of(&agent(&[(DUTCH, 9)]), &Assignment::to(QueueId(1)), &strict),
            None
        );
    }
}
