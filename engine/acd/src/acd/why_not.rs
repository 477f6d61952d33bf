//! Why this agent does not get this interaction (rule 7).

use core::time::Duration;

use super::Acd;
use crate::agent::Agent;
use crate::config::{Assignment, QueueConfig};
use crate::gate;
use crate::ids::{AgentId, InteractionId};
use crate::interaction::{Bar, Interaction};
use crate::rank::Target;
use crate::sabotage;
use crate::why::Hindrance;

impl Acd {
    /// The first clause of rule 7 that keeps `agent` from `interaction` after the last input; none if they may take it. Between
    /// two inputs there is one for every agent and every interaction that waits (I2).
    ///
    /// `now` is the time of the last input or later, before [`poll_timeout`](Self::poll_timeout); it matters for the skill that
    /// is named alone. Looks at the two and at what their queue says: constant time but for an agent's queues and skills.
    #[must_use]
    pub fn why_not(
        &self,
        now: Duration,
        agent: AgentId,
        interaction: InteractionId,
    ) -> Option<Hindrance> {
        let found = self.state.interactions.get(&interaction);
        let Some(interaction) = found.filter(|it| it.is_waiting()) else {
            return Some(Hindrance::NotWaiting);
        };
        self.hindrance(now, agent, interaction)
    }

    /// The same for one whose stage does not matter.
    pub(super) fn hindrance(
        &self,
        now: Duration,
        agent: AgentId,
        interaction: &Interaction,
    ) -> Option<Hindrance> {
        let Some(found) = self.state.agents.get(&agent) else {
            return Some(Hindrance::NotAssigned);
        };
        let outsider = self.not_theirs(agent, interaction.at);
        outsider
            .filter(|_| !interaction.is_recalled_to(agent))
            .or_else(|| found.hindrance())
            .or_else(|| self.not_yet(now, agent, found, interaction))
    }

    /// Whether they serve that queue or are that user.
    fn not_theirs(&self, id: AgentId, at: Target) -> Option<Hindrance> {
        if self.state.serves(id, at) {
            return None;
        }
        let assigned = self.state.is_assigned(id, at);
        let removed = self.state.agents.get(&id).is_none_or(|it| it.removed);
        Some(if assigned && !removed {
            Hindrance::LeftQueue
        } else {
            Hindrance::NotAssigned
        })
    }

    /// What keeps one who is free and serves the queue. Skills, delay and `max_busy` are no matter to whom it is held for.
    fn not_yet(
        &self,
        now: Duration,
        id: AgentId,
        agent: &Agent,
        interaction: &Interaction,
    ) -> Option<Hindrance> {
        let holder = interaction.held_for();
        let for_all = holder != Some(id);
        let gate = for_all
            .then(|| self.too_early(now, agent, interaction))
            .flatten();
        let (skill, delay) = match gate {
            Some(Hindrance::Delay { .. }) => (None, gate),
            gate => (gate, None),
        };
        skill
            .or_else(|| barred(id, interaction))
            .or(delay)
            .or_else(|| self.all_busy(interaction.at).filter(|_| for_all))
            .or_else(|| {
                let agent = holder.filter(|_| for_all)?;
                Some(Hindrance::HeldFor { agent })
            })
    }

    /// That it has to grow older before it alerts them: for their skills or their delay, whichever lasts longer.
    fn too_early(
        &self,
        now: Duration,
        agent: &Agent,
        interaction: &Interaction,
    ) -> Option<Hindrance> {
        let Target::Queue(id) = interaction.at else {
            return None;
        };
        let queue = &self.state.queues.get(&id)?.config;
        let assignment = agent.config.queues.iter().find(|it| it.queue == id)?;
        let gate = gate::of(&agent.config, assignment, queue);
        if gate.is_some_and(|gate| interaction.has_passed(gate, now)) {
            return None;
        }
        let from = gate.map(|gate| interaction.entered.saturating_add(gate));
        let age = now.saturating_sub(interaction.entered);
        unskilled(agent, assignment, queue, gate, age)
            .map(|lack| Hindrance::Unskilled { lack, from })
            .or_else(|| from.map(|until| Hindrance::Delay { until }))
    }

    fn all_busy(&self, at: Target) -> Option<Hindrance> {
        let Target::Queue(id) = at else {
            return None;
        };
        let full = self.index.lanes.get(&at).is_some_and(|lane| lane.is_full());
        let max_busy = self.state.queues.get(&id)?.config.max_busy;
        full.then_some(Hindrance::QueueBusy { max_busy })
    }
}

/// The skill they lack, unless it is their delay that lasts.
fn unskilled(
    agent: &Agent,
    assignment: &Assignment,
    queue: &QueueConfig,
    gate: Option<Duration>,
    age: Duration,
) -> Option<crate::why::Lack> {
    let delay_lasts = gate.is_some_and(|gate| gate <= assignment.delay);
    if delay_lasts {
        return None;
    }
    gate::lack(&agent.config, queue, age)
}

fn barred(id: AgentId, interaction: &Interaction) -> Option<Hindrance> {
    match interaction.barred.get(&id)? {
        _ if sabotage::why() => None,
        Bar::Rejected => Some(Hindrance::Rejected),
        Bar::Until(until) => Some(Hindrance::NotAnswered { until: *until }),
    }
}
