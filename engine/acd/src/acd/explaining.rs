//! Why somebody waits, and why somebody gets nothing: read when asked for.
//!
//! Answers look at all agents of a queue, at a few of those who wait there, and once at every agent's assignments to find those
//! of the queue: work for a question of a person, never for a decision.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::Acd;
use crate::ids::{AgentId, InteractionId};
use crate::interaction::{Bar, Interaction};
use crate::rank::{Rank, Target};
use crate::why::{
    Hindrance, Kept, LISTED_MAX, Moment, QueueForAgent, Reason, WhyNothing, WhyWaiting,
};

impl Acd {
    /// Why `interaction` waits still; none when it does not, or its queue is gone. `now` as in [`why_not`](Self::why_not).
    #[must_use]
    pub fn explain_waiting(&self, now: Duration, interaction: InteractionId) -> Option<WhyWaiting> {
        let found = self.state.interactions.get(&interaction);
        let waiting = found.filter(|it| it.is_waiting())?;
        let mut counts: BTreeMap<Reason, u32> = BTreeMap::new();
        let mut agents = Vec::new();
        let team = self.candidates_for(waiting);
        for id in &team {
            let Some(hindrance) = self.why_not(now, *id, interaction) else {
                continue;
            };
            *counts.entry(hindrance.reason()).or_default() += 1;
            if agents.len() < LISTED_MAX {
                agents.push((*id, hindrance));
            }
        }
        Some(WhyWaiting {
            position: self.position(interaction)?,
            before: self.before(waiting),
            assigned: u32::try_from(team.len()).unwrap_or(u32::MAX),
            counts: counts.into_iter().collect(),
            agents,
            moments: self.moments(waiting, &team),
        })
    }

    /// Who is assigned to it, left or not; looks at all agents.
    pub(super) fn team(&self, at: Target) -> Vec<AgentId> {
        let Target::Queue(queue) = at else {
            let own = |id: &AgentId| at == Target::Personal(*id);
            return self.state.agents.keys().into_iter().filter(own).collect();
        };
        let agents = self.state.agents.iter();
        agents
            .filter(|(_, agent)| !agent.removed && agent.is_assigned(queue))
            .map(|(id, _)| id)
            .collect()
    }

    /// The same with who has it back though they serve elsewhere (rule 4).
    pub(super) fn candidates_for(&self, interaction: &Interaction) -> Vec<AgentId> {
        let mut candidates = self.team(interaction.at);
        let holder = interaction.held_for();
        let recalled = holder.filter(|holder| interaction.is_recalled_to(*holder));
        if let Some(outsider) = recalled.filter(|holder| !candidates.contains(holder)) {
            candidates.push(outsider);
        }
        candidates
    }

    /// The first of those whose rank is better: waiting, held for somebody, or alerting.
    fn before(&self, interaction: &Interaction) -> Vec<InteractionId> {
        let Some(lane) = self.index.lanes.get(&interaction.at) else {
            return Vec::new();
        };
        let better = |rank: &Rank| *rank < interaction.rank;
        let mut before = Vec::new();
        before.extend(lane.waiting.iter().take_while(better).take(LISTED_MAX));
        before.extend(lane.more.held.iter().take_while(better).take(LISTED_MAX));
        before.extend(
            lane.more
                .alerting
                .iter()
                .take_while(better)
                .take(LISTED_MAX),
        );
        before.sort_unstable();
        before.truncate(LISTED_MAX);
        before.iter().map(Rank::interaction).collect()
    }

    fn moments(&self, interaction: &Interaction, team: &[AgentId]) -> Vec<(Duration, Moment)> {
        let own = [
            (self.index.next_gate(interaction), Moment::OldEnough),
            (
                interaction.reserved.map(|it| it.until),
                Moment::ReservationEnds,
            ),
            (interaction.service_due, Moment::ServiceLevel),
            (self.nobody_due(interaction), Moment::Nobody),
            (interaction.expires, Moment::MaxWait),
        ];
        let own = own.into_iter().filter_map(|(at, what)| Some((at?, what)));
        let bars = interaction.barred.iter();
        let retries = bars.filter_map(|(id, bar)| Some((Bar::until(*bar)?, Moment::RetryOf(*id))));
        let found = |id: &AgentId| Some((*id, self.state.agents.get(id)?));
        let agents = team.iter().filter_map(found).flat_map(|(id, agent)| {
            let wrap_up = agent.wrap_up_until().map(|at| (at, Moment::WrapUpOf(id)));
            let phone = agent.phone.skipped_until();
            let phone = phone.map(|at| (at, Moment::PhoneOf(id)));
            wrap_up.into_iter().chain(phone)
        });
        let mut moments: Vec<_> = own.chain(retries).chain(agents).collect();
        moments.sort_unstable();
        moments.truncate(LISTED_MAX);
        moments
    }

    /// When nobody has been there for it for its queue's `nobody_after` (rule 21).
    fn nobody_due(&self, interaction: &Interaction) -> Option<Duration> {
        let watch = &self.index.lanes.get(&interaction.at)?.more.watch;
        // Whoever it is held for is there.
        let is_held = interaction.held_for().is_some();
        if interaction.stranded || is_held || watch.after.is_zero() {
            return None;
        }
        let is_rejected = interaction.rejecters().next().is_some();
        let since = if is_rejected {
            interaction.alone_since?
        } else {
            watch.nobody_since?.max(interaction.waiting_since)
        };
        Some(since.saturating_add(watch.after))
    }

    /// Why `agent` gets nothing; none when there is no such agent. `now` as in [`why_not`](Self::why_not).
    #[must_use]
    pub fn explain_agent(&self, now: Duration, agent: AgentId) -> Option<WhyNothing> {
        let found = self.state.agents.get(&agent).filter(|it| !it.removed)?;
        let queues = found.config.queues.iter().map(|it| Target::Queue(it.queue));
        let mut targets: Vec<_> = queues.chain([Target::Personal(agent)]).collect();
        targets.sort_unstable();
        targets.dedup();
        let queues = targets.into_iter();
        Some(WhyNothing {
            hindrance: found.hindrance(),
            queues: queues
                .filter_map(|target| self.queue_for(now, agent, target))
                .collect(),
        })
    }

    fn queue_for(&self, now: Duration, agent: AgentId, target: Target) -> Option<QueueForAgent> {
        let lane = self.index.lanes.get(&target)?;
        let mut first: Vec<_> = lane.waiting.iter().take(LISTED_MAX).collect();
        first.extend(lane.more.held.iter().take(LISTED_MAX));
        first.sort_unstable();
        first.truncate(LISTED_MAX);
        let mut kept: Vec<Kept> = Vec::new();
        for interaction in first.iter().map(Rank::interaction) {
            if let Some(by) = self.why_not(now, agent, interaction) {
                keep(&mut kept, interaction, by);
            }
        }
        Some(QueueForAgent {
            target,
            waiting: lane.waiting_len(),
            kept,
            preferred: self
                .index
                .preferred_before(agent, self.state.agents.get(&agent)?, target),
        })
    }
}

fn keep(kept: &mut Vec<Kept>, first: InteractionId, by: Hindrance) {
    let alike = kept.iter_mut().find(|kept| kept.by.reason() == by.reason());
    match alike {
        Some(alike) => alike.count += 1,
        None => kept.push(Kept {
            first,
            by,
            count: 1,
        }),
    }
}
