//! Waiting interactions and free agents are brought together (rules 5 to 7).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use super::Acd;
use crate::config::Strategy;
use crate::ids::{AgentId, QueueId};
use crate::index::{Index, Turn};
use crate::race;
use crate::rank::{Rank, Target};
use crate::sabotage;

impl Acd {
    /// Alerts until nothing waits that somebody free may take.
    ///
    /// Before this step no such pair was left, so each has a freed agent or an arrived interaction in it, and only
    /// these are looked at. What is held for somebody is served first, then the best-ranked candidate, which chooses its agent
    /// by its queue's strategy from all who are free: so order (I4, rule 5) and strategy (rule 6) hold too when a step frees many at once.
    pub(super) fn bring_together(&mut self, now: Duration) {
        let mut candidates = BTreeSet::new();
        while let Some(rank) = self.agenda.arrived.pop_first() {
            let arrived = self.state.interactions.get(&rank.interaction());
            candidates.extend(arrived.map(|it| (Index::turn_of(it), None)));
        }
        while let Some(agent) = self.agenda.freed.pop_first() {
            candidates.extend(self.candidate_of(agent));
        }
        while let Some((turn, freed)) = candidates.pop_first() {
            self.serve(now, turn.rank);
            candidates.extend(freed.and_then(|agent| self.candidate_of(agent)));
        }
    }

    fn candidate_of(&self, agent: AgentId) -> Option<(Turn, Option<AgentId>)> {
        Some((self.index.best_for(agent)?, Some(agent)))
    }

    /// Alerts whom the strategy prefers for what has this rank, if it waits still and somebody may take it.
    fn serve(&mut self, now: Duration, rank: Rank) {
        let waiting = self.state.interactions.get(&rank.interaction());
        let Some(interaction) = waiting.filter(|it| it.is_waiting() && it.rank == rank) else {
            return;
        };
        let (at, held) = (interaction.at, interaction.held_for().is_some());
        let Some(agent) = self.index.agent_for(interaction) else {
            return;
        };
        if let Target::Queue(queue) = at
            && !held
        {
            self.take_turn(queue, agent);
        }
        self.alert(now, agent, rank.interaction(), false);
    }

    /// `queue` has chosen `agent`: what the next choice depends on.
    fn take_turn(&mut self, id: QueueId, agent: AgentId) {
        let (Some(queue), Some(chosen)) = (
            self.state.queues.get_mut(&id),
            self.state.agents.get_mut(&agent),
        ) else {
            return;
        };
        match queue.config.strategy {
            Strategy::RoundRobin => {
                queue.clock = queue.clock.saturating_add(1);
                chosen.places.insert(id, queue.clock);
            }
            Strategy::WeightedRandom => {
                queue.clock = chosen.place_in(Target::Queue(id));
                self.run_again(id, agent);
            }
            Strategy::LongestIdle
            | Strategy::FewestCalls
            | Strategy::LeastOccupied
            | Strategy::FixedOrder
            | Strategy::SkillLevel => {}
        }
    }

    /// Those who came in before the winner and may not take what they won start anew.
    fn run_again(&mut self, queue: QueueId, winner: AgentId) {
        for id in self.index.preferred_to(Target::Queue(queue), winner) {
            self.draw(id, |_, other| other == queue);
            if let Some(agent) = self.state.agents.get(&id) {
                self.index.relist(id, agent);
            }
        }
    }

    /// Fixes what strategies go by for one who becomes free.
    pub(super) fn note_freed(&mut self, now: Duration, id: AgentId) {
        if self.index.is_free(id) {
            return;
        }
        if let Some(agent) = self.state.agents.get_mut(&id)
            && agent.is_free()
        {
            agent.reckon_share(now);
            self.draw(id, |_, _| true);
        }
    }

    /// Draws where it lacks for one who is free already and whose queues have changed.
    pub(super) fn draw_what_lacks(&mut self, id: AgentId) {
        if self.index.is_free(id) {
            self.draw(id, |drawn, queue| !drawn.contains_key(&queue));
        }
    }

    /// Draws their times in those of their queues that choose by lot and that `wants` names.
    fn draw(&mut self, id: AgentId, wants: impl Fn(&BTreeMap<QueueId, u64>, QueueId) -> bool) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        if self.index.races.is_empty() {
            return;
        }
        let races = &self.index.races;
        let queues = agent.config.queues.iter();
        let queues: Vec<_> = queues
            .filter(|it| races.contains(&it.queue) && wants(&agent.places, it.queue))
            .map(|it| {
                (
                    it.queue,
                    if sabotage::WEIGHTED_RANDOM {
                        1
                    } else {
                        it.weight
                    },
                )
            })
            .collect();
        if queues.is_empty() {
            return;
        }
        agent.draws += 1;
        for (queue, weight) in queues {
            let clock = self.state.queues.get(&queue).map_or(0, |it| it.clock);
            let time = race::time(self.state.incarnation, queue, id, agent.draws, weight);
            agent.places.insert(queue, clock.saturating_add(time));
        }
    }
}
