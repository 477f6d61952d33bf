//! What a decision leaves on record, once more by looking at everybody.

use std::time::Duration;

use acd::config::Strategy;
use acd::{AgentId, Cause, Choice, Claim, InteractionId, Presence, Target, Team};

use crate::model::{Call, Model, Place};

impl Model {
    /// Why the first of `takers` is alerted, who stand as the strategy prefers them.
    pub(crate) fn choice(
        &self,
        now: Duration,
        cause: Cause,
        id: InteractionId,
        takers: &[AgentId],
    ) -> Choice {
        let call = &self.calls[&id];
        let by_strategy = cause == Cause::Chosen;
        let claim = |id: &AgentId| self.claim(call.enqueue.to, *id, by_strategy);
        Choice {
            cause,
            strategy: self.strategy_of(call.enqueue.to),
            chosen: claim(&takers[0]),
            runner_up: takers.get(1).filter(|_| by_strategy).map(claim),
            next: None,
            waiting: 0,
            team: self.team(now, call),
        }
    }

    fn strategy_of(&self, to: Target) -> Strategy {
        match to {
            Target::Queue(queue) => self.queues[&queue].config.strategy,
            Target::Personal(_) => Strategy::LongestIdle,
        }
    }

    fn claim(&self, to: Target, id: AgentId, by_strategy: bool) -> Claim {
        let preference = if by_strategy {
            self.preference(to, id)
        } else {
            0
        };
        let merit = match self.strategy_of(to) {
            Strategy::SkillLevel if by_strategy => u128::MAX - preference,
            _ => preference,
        };
        Claim {
            agent: id,
            merit: merit.try_into().unwrap(),
            idle_since: self.agents[&id].idle_since,
        }
    }

    /// Every agent who serves its queue and will do some day, in the first of these that is so.
    fn team(&self, now: Duration, call: &Call) -> Team {
        let mut team = Team::default();
        for (id, agent) in &self.agents {
            if !self.is_in_team(*id, call.enqueue.to) {
                continue;
            }
            let lets_ring = |(by, until): &(AgentId, Duration)| by == id && *until > now;
            let count = match agent.presence {
                Presence::Offline => &mut team.offline,
                Presence::Break(_) => &mut team.on_break,
                Presence::Available if !self.is_free(now, agent) => &mut team.busy,
                Presence::Available if !self.will_do(now, *id, call) => &mut team.too_early,
                Presence::Available if call.rejected_by.contains(id) => &mut team.barred,
                Presence::Available if call.not_answered_by.iter().any(lets_ring) => {
                    &mut team.barred
                }
                Presence::Available => &mut team.free,
            };
            *count += 1;
        }
        team
    }

    /// The same with those who wait on: how many, and whom the chosen agent could have had instead.
    pub(crate) fn passes_over(&self, now: Duration, id: InteractionId, choice: Choice) -> Choice {
        let to = self.calls[&id].enqueue.to;
        let others = self.calls.values().filter(|call| {
            let other = call.enqueue.interaction != id;
            other && call.enqueue.to == to && call.place == Place::Waiting
        });
        let theirs = others.clone().filter(|call| {
            let open = call.held_for.is_none() && choice.cause != Cause::PickedUp;
            open && self.may_take(now, choice.chosen.agent, call)
        });
        let next = theirs.min_by_key(|call| call.rank);
        Choice {
            next: next.map(|call| call.enqueue.interaction),
            waiting: others.count() as u32,
            ..choice
        }
    }
}
