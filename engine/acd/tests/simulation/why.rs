//! What keeps an agent from a caller, once more as plainly as possible: the clauses of rule 7, asked one after the other.

use std::time::Duration;

use acd::config::Skill;
use acd::why::{Decision, Hindrance, Lack, Moment};
use acd::{Acd, AgentId, Cause, Device, InteractionId, Presence, QueueId, Target};

use crate::model::{Agent, Call, Model, Place, is_assigned, is_moment, serves};

impl Model {
    /// The first clause that does not hold; none: they may take it.
    pub(crate) fn hindrance(
        &self,
        now: Duration,
        id: AgentId,
        interaction: InteractionId,
    ) -> Option<Hindrance> {
        let call = &self.calls[&interaction];
        if call.place != Place::Waiting {
            return Some(Hindrance::NotWaiting);
        }
        let agent = &self.agents[&id];
        let to = call.enqueue.to;
        let comes_back = call.is_recalled_to(id);
        if !comes_back && (!is_assigned(id, agent, to) || agent.removed) {
            return Some(Hindrance::NotAssigned);
        }
        if !comes_back && !serves(id, agent, to) {
            return Some(Hindrance::LeftQueue);
        }
        if let Some(hindrance) = self.is_not_free(now, agent) {
            return Some(hindrance);
        }
        let holder = call.held_for.map(|(holder, _)| holder);
        if let Target::Queue(queue) = to
            && holder != Some(id)
            && let Some(hindrance) = self.lacks_skill(now, id, call, queue)
        {
            return Some(hindrance);
        }
        if call.rejected_by.contains(&id) {
            return Some(Hindrance::Rejected);
        }
        let lets_ring = call.not_answered_by.iter().rev().find(|(by, _)| *by == id);
        if let Some((_, until)) = lets_ring
            && *until > now
        {
            return Some(Hindrance::NotAnswered { until: *until });
        }
        if let Target::Queue(queue) = to
            && holder != Some(id)
        {
            let assigned = agent.config.queues.iter().find(|it| it.queue == queue);
            let until = call.entered + assigned.unwrap().delay;
            if until > now {
                return Some(Hindrance::Delay { until });
            }
            if !self.has_room(to) {
                let max_busy = self.queues[&queue].config.max_busy;
                return Some(Hindrance::QueueBusy { max_busy });
            }
        }
        match holder {
            Some(agent) if agent != id => Some(Hindrance::HeldFor { agent }),
            _ => None,
        }
    }

    fn is_not_free(&self, now: Duration, agent: &Agent) -> Option<Hindrance> {
        match &agent.presence {
            Presence::Offline => return Some(Hindrance::Offline),
            Presence::Break(reason) => {
                let reason = reason.clone();
                return Some(Hindrance::OnBreak { reason });
            }
            Presence::Available => {}
        }
        if let Some(until) = agent.wrap_up_until {
            let until = is_moment(until).then_some(until);
            let owes = agent.owes.first().map(|(interaction, _)| *interaction);
            return Some(Hindrance::WrapUp { until, owes });
        }
        if agent.device == Device::Unregistered {
            return Some(Hindrance::NoPhone);
        }
        if agent.skipped_until > now {
            return Some(Hindrance::PhoneLeftAlone {
                health: agent.health,
                until: agent.skipped_until,
            });
        }
        if let Some(alert) = agent.alert {
            let interaction = self.alerts[&alert].call;
            return Some(Hindrance::Alerting { interaction });
        }
        if let Some(interaction) = agent.talks_to.last().copied() {
            return Some(Hindrance::Busy { interaction });
        }
        (agent.own_calls > 0).then_some(Hindrance::OwnCall)
    }

    /// Rules 7 and 8, told only where skills keep them away longer than their delay.
    fn lacks_skill(
        &self,
        now: Duration,
        id: AgentId,
        call: &Call,
        queue: QueueId,
    ) -> Option<Hindrance> {
        let agent = &self.agents[&id].config;
        let assigned = agent.queues.iter().find(|it| it.queue == queue).unwrap();
        let gate = self.gate(id, queue);
        if gate.is_some_and(|gate| gate <= assigned.delay || call.entered + gate <= now) {
            return None;
        }
        let config = &self.queues[&queue].config;
        let mut asked: &[Skill] = &config.skills;
        let mut since = Duration::ZERO;
        for step in &config.relax {
            if call.entered + step.after <= now && step.after >= since {
                asked = &step.skills;
                since = step.after;
            }
        }
        let level = |skill: &Skill| {
            let has = agent.skills.iter().filter(|it| it.skill == skill.skill);
            has.map(|it| it.level).max().unwrap_or(0)
        };
        let lacking = asked.iter().find(|skill| level(skill) < skill.level);
        let lacking = lacking.expect("they lack one");
        Some(Hindrance::Unskilled {
            lack: Lack {
                skill: lacking.skill,
                needs: lacking.level,
                has: level(lacking),
            },
            from: gate.map(|gate| call.entered + gate),
        })
    }
}

/// I2 and part 10 of the rules' story: core and model say the same of every agent and every caller, and nobody waits whom
/// anybody may take.
///
/// # Panics
/// When they do not.
pub(crate) fn everybody_is_explained(now: Duration, acd: &Acd, model: &Model) {
    for (id, call) in &model.calls {
        for agent in model.agents.keys() {
            let told = acd.why_not(now, *agent, *id);
            let expected = model.hindrance(now, *agent, *id);
            assert_eq!(told, expected, "what keeps {agent} from {id}");
            assert!(told.is_some(), "I2: {agent} may take {id}, and it waits");
        }
        let explained = acd.explain_waiting(now, *id);
        assert_eq!(explained.is_some(), call.place == Place::Waiting, "{id}");
        let Some(explained) = explained else {
            continue;
        };
        let told: u32 = explained.counts.iter().map(|(_, count)| count).sum();
        assert_eq!(told, explained.assigned, "each agent keeps {id} waiting");
        assert_eq!(explained.position as usize, explained.before.len() + 1);
        for (at, moment) in explained.moments {
            if moment == Moment::OldEnough {
                // A deadline only where one of them is free by now.
                assert_eq!(Some(at), model.next_gate(now, call), "{id} grows older");
                continue;
            }
            let next = acd.poll_timeout();
            assert!(next <= Some(at), "{moment:?} of {id} is no deadline");
        }
    }
    for (id, agent) in &model.agents {
        let explained = acd.explain_agent(now, *id);
        assert_eq!(explained.is_none(), agent.removed, "{id}");
        let Some(explained) = explained else {
            continue;
        };
        assert_eq!(explained.hindrance, model.is_not_free(now, agent), "{id}");
        for queue in explained.queues {
            let kept: u32 = queue.kept.iter().map(|kept| kept.count).sum();
            assert_eq!(kept, queue.waiting, "{id} gets nobody of {queue:?}");
        }
    }
}

/// A whole decision names exactly those who could have it, in the order in which the strategy prefers them, and no caller whom
/// the chosen one could have had ranks before it (I4).
///
/// # Panics
/// When it does not.
pub(crate) fn decisions_name_all_who_could(decisions: &[Decision], model: &Model) {
    for decision in decisions {
        let Some(takers) = model.takers.get(&decision.match_id) else {
            assert_eq!(decision.choice.cause, Cause::PickedUp);
            continue;
        };
        let could = decision.agents.iter().filter(|it| it.hindrance.is_none());
        let could: Vec<_> = could.map(|it| it.agent).collect();
        assert_eq!(could, *takers, "who could have {}", decision.interaction);
        assert_eq!(could.first(), Some(&decision.choice.chosen.agent));
        let claims = decision.agents.iter().filter_map(|it| it.claim);
        if decision.choice.cause == Cause::Chosen {
            let runner_up = claims.clone().nth(1);
            assert_eq!(claims.clone().next(), Some(decision.choice.chosen));
            assert_eq!(runner_up, decision.choice.runner_up);
        }
        let theirs = decision.calls.iter().find(|it| it.hindrance.is_none());
        let best = model.calls.get(&decision.interaction);
        if let (Some(theirs), Some(best)) = (theirs, best)
            && decision.choice.cause != Cause::Held
            && best.held_for.is_none()
        {
            let rank = (theirs.rank.tier(), i128::from(theirs.rank.aged_us()));
            assert!(rank >= (best.rank.0, best.rank.1), "I4: {decision:?}");
        }
    }
}
