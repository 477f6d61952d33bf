//! Numbers of the distribution core become names.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use acd::{AgentId, SkillId, Target, why};
use config::Centre;

use super::chosen;
use super::{
    Candidate, Competitor, Decision, Hindrance, Kept, Lack, Moment, QueueForAgent, WhyNothing,
    WhyWaiting,
};
use crate::call::tier_number;
use crate::centre::SkillIds;
use crate::event::Rank;
use crate::ids::CallId;
use crate::names::Names;

/// Names numbers, skills by the centre in force.
pub(super) struct Namer<'a> {
    names: &'a Names,
    skills: SkillIds<'a>,
}

impl<'a> Namer<'a> {
    /// Without a centre skills keep their numbers.
    pub(super) fn new(names: &'a Names, centre: Option<&'a Centre>) -> Self {
        let skills = centre.map_or_else(SkillIds::default, SkillIds::of);
        Self { names, skills }
    }

    pub(super) fn waiting(&self, why: &why::WhyWaiting) -> WhyWaiting {
        let call = |interaction: &acd::InteractionId| CallId(interaction.0);
        let agents = why.agents.iter();
        let moments = why.moments.iter();
        WhyWaiting {
            position: why.position,
            before: why.before.iter().map(call).collect(),
            assigned: why.assigned,
            counts: why.counts.clone(),
            agents: agents
                .map(|(id, by)| (self.agent(*id), self.hindrance(by)))
                .collect(),
            moments: moments
                .map(|(at, moment)| (us(*at), self.moment(*moment)))
                .collect(),
        }
    }

    pub(super) fn nothing(&self, why: &why::WhyNothing, since: Duration) -> WhyNothing {
        let queues = why.queues.iter();
        WhyNothing {
            hindrance: why.hindrance.as_ref().map(|by| self.hindrance(by)),
            since_us: us(since),
            queues: queues.map(|queue| self.queue(queue)).collect(),
        }
    }

    pub(super) fn decision(&self, decision: &why::Decision) -> Decision {
        let agents = decision.agents.iter().map(|it| Candidate {
            agent: self.agent(it.agent),
            claim: it.claim.as_ref().map(|it| chosen::claim(self.names, it)),
            hindrance: it.hindrance.as_ref().map(|by| self.hindrance(by)),
        });
        let calls = decision.calls.iter().map(|it| Competitor {
            call: CallId(it.interaction.0),
            queue: self.queue_name(it.at),
            rank: rank(it.rank),
            hindrance: it.hindrance.as_ref().map(|by| self.hindrance(by)),
        });
        Decision {
            alert: decision.match_id.0,
            agents: agents.collect(),
            calls: calls.collect(),
        }
    }

    fn queue_name(&self, at: Target) -> Option<String> {
        match at {
            Target::Queue(id) => self.names.queue_name(id).map(String::from),
            Target::Personal(_) => None,
        }
    }

    fn queue(&self, queue: &why::QueueForAgent) -> QueueForAgent {
        let kept = queue.kept.iter().map(|kept| Kept {
            first: CallId(kept.first.0),
            by: self.hindrance(&kept.by),
            count: kept.count,
        });
        QueueForAgent {
            queue: self.queue_name(queue.target),
            waiting: queue.waiting,
            kept: kept.collect::<Vec<_>>(),
            preferred: queue.preferred,
        }
    }

    fn moment(&self, moment: why::Moment) -> Moment {
        match moment {
            why::Moment::OldEnough => Moment::OldEnough,
            why::Moment::ReservationEnds => Moment::ReservationEnds,
            why::Moment::RetryOf(agent) => Moment::RetryOf(self.agent(agent)),
            why::Moment::WrapUpOf(agent) => Moment::WrapUpOf(self.agent(agent)),
            why::Moment::PhoneOf(agent) => Moment::PhoneOf(self.agent(agent)),
            why::Moment::ServiceLevel => Moment::ServiceLevel,
            why::Moment::Nobody => Moment::Nobody,
            why::Moment::MaxWait => Moment::MaxWait,
        }
    }

    fn hindrance(&self, by: &why::Hindrance) -> Hindrance {
        let plain = Hindrance {
            reason: by.reason(),
            until_us: None,
            aux_code: None,
            call: None,
            agent: None,
            lack: None,
            max_busy: None,
        };
        match by {
            why::Hindrance::NotWaiting
            | why::Hindrance::NotAssigned
            | why::Hindrance::LeftQueue
            | why::Hindrance::Offline
            | why::Hindrance::NoPhone
            | why::Hindrance::OwnCall
            | why::Hindrance::Rejected => plain,
            why::Hindrance::OnBreak { reason } => Hindrance {
                aux_code: Some(reason.as_str().to_string()).filter(|code| !code.is_empty()),
                ..plain
            },
            why::Hindrance::WrapUp { until, owes } => Hindrance {
                until_us: until.map(us),
                call: owes.map(|owed| CallId(owed.0)),
                ..plain
            },
            why::Hindrance::PhoneLeftAlone { until, .. }
            | why::Hindrance::NotAnswered { until }
            | why::Hindrance::Delay { until } => Hindrance {
                until_us: Some(us(*until)),
                ..plain
            },
            why::Hindrance::Alerting { interaction } | why::Hindrance::Busy { interaction } => {
                Hindrance {
                    call: Some(CallId(interaction.0)),
                    ..plain
                }
            }
            why::Hindrance::Unskilled { lack, from } => Hindrance {
                lack: Some(self.lack(*lack)),
                until_us: from.map(us),
                ..plain
            },
            why::Hindrance::QueueBusy { max_busy } => Hindrance {
                max_busy: Some(*max_busy),
                ..plain
            },
            why::Hindrance::HeldFor { agent } => Hindrance {
                agent: Some(self.agent(*agent)),
                ..plain
            },
        }
    }

    fn lack(&self, lack: why::Lack) -> Lack {
        Lack {
            skill: self.skill(lack.skill),
            needs: lack.needs,
            has: lack.has,
        }
    }

    fn skill(&self, skill: SkillId) -> String {
        let name = self.skills.name(skill).map(String::from);
        name.unwrap_or_else(|| format!("skill {skill}"))
    }

    fn agent(&self, agent: AgentId) -> String {
        let name = self.names.username(agent).map(String::from);
        name.unwrap_or_else(|| format!("{agent}"))
    }
}

fn rank(rank: acd::Rank) -> Rank {
    Rank {
        tier: tier_number(rank.tier()),
        key_us: rank.aged_us(),
        arrival_us: us(rank.arrival()),
        id: rank.interaction().0,
    }
}

/// The engine's clock is UTC as of the start, and what passed since.
pub(super) fn us(at: Duration) -> i64 {
    i64::try_from(at.as_micros()).unwrap_or(i64::MAX)
}
