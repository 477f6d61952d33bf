//! Waiting interactions and free agents are brought together (rules 5 to 7).

use alloc::collections::BTreeMap;
use core::cmp::Reverse;
use core::time::Duration;

use super::Acd;
use crate::agent::Agent;
use crate::choice::Cause;
use crate::config::Strategy;
use crate::ids::{AgentId, InteractionId, QueueId};
use crate::index::{Index, Turn};
use crate::micros;
use crate::preference::{Preference, Seat};
use crate::race;
use crate::rank::{Rank, Target};
use crate::sabotage;

/// What may be served now: its turn, and why.
pub(super) type Candidate = (Turn, Source);

/// Why a candidate may be served now and could not before this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// It came, came back, or may alert somebody again.
    Arrived,
    /// This agent has become free, or serves other queues.
    Freed(AgentId),
    /// In this queue somebody may be served whom nobody could be alerted for: it had as many agents busy as it may, or they were
    /// not old enough.
    Opened(QueueId),
}

impl Acd {
    /// Alerts until nothing waits that somebody free may take.
    ///
    /// Before this step no such pair was left, so each has a freed agent or an arrived interaction in it, or a queue that was at
    /// its `max_busy` or whose callers have grown old enough, and only these are looked at. What is held for somebody is served first, then the best-ranked candidate, which chooses its agent
    /// by its queue's strategy from all who are free: so order (I4, rule 5) and strategy (rule 6) hold too when a step frees many at once.
    pub(super) fn bring_together(&mut self, now: Duration) {
        self.nominate();
        while let Some(Reverse((turn, source))) = self.agenda.candidates.pop() {
            self.serve(now, turn.rank);
            let next = self.candidate_of(source).map(Reverse);
            self.agenda.candidates.extend(next);
        }
        self.index.settle(&self.state.agents);
    }

    /// The first candidate of each that this step has brought.
    fn nominate(&mut self) {
        let ranks = self.agenda.arrived.take();
        for rank in &ranks {
            let arrived = self.state.interactions.get(&rank.interaction());
            let arrived = arrived.filter(|it| self.index.may_serve(it));
            let candidate = arrived.map(|it| Reverse((Index::turn_of(it), Source::Arrived)));
            self.agenda.candidates.extend(candidate);
        }
        self.agenda.arrived.give_back(ranks);
        let freed = self.agenda.freed.take();
        for agent in &freed {
            let candidate = self.candidate_of(Source::Freed(*agent)).map(Reverse);
            self.agenda.candidates.extend(candidate);
        }
        self.agenda.freed.give_back(freed);
        while let Some(queue) = self.index.opened.pop_first() {
            self.index.settle(&self.state.agents);
            let candidate = self.candidate_of(Source::Opened(queue)).map(Reverse);
            self.agenda.candidates.extend(candidate);
        }
    }

    fn candidate_of(&self, source: Source) -> Option<Candidate> {
        let turn = match source {
            Source::Arrived => None,
            Source::Freed(agent) => self.index.best_for(agent),
            Source::Opened(queue) => self.best_in(queue),
        };
        Some((turn?, source))
    }

    /// The best-ranked that waits in `queue` for whoever is free and that somebody may take. Steps over those only whom all who
    /// are free have rejected or not answered.
    fn best_in(&self, queue: QueueId) -> Option<Turn> {
        let mut waiting = self
            .index
            .servable(queue)
            .filter_map(|rank| self.state.interactions.get(&rank.interaction()));
        let best = waiting.find(|it| self.index.preferred_for(it, &self.state.agents).is_some())?;
        Some(Index::turn_of(best))
    }

    /// Alerts whom the strategy prefers for what has this rank, if it waits still and somebody may take it.
    fn serve(&mut self, now: Duration, rank: Rank) {
        let id = rank.interaction();
        let waiting = self.state.interactions.get(&id);
        let Some(interaction) = waiting.filter(|it| it.is_waiting() && it.rank == rank) else {
            return;
        };
        if interaction.held_for().is_some() {
            let holder = self.index.holder_for(interaction);
            let held = holder.and_then(|holder| self.unchosen(Cause::Held, id, holder));
            if let Some(choice) = held {
                self.bear_witness(now, id, &choice);
                self.alert(now, id, choice);
            }
        } else if self.state.strategy(interaction.at) == Strategy::RingAll {
            self.ring_all(now, id);
        } else if let Some(preferred) = self.index.preferred_for(interaction, &self.state.agents) {
            let choice = self.chosen(interaction, preferred);
            self.bear_witness(now, id, &choice);
            self.take_turn(id, preferred);
            self.alert(now, id, choice);
        }
    }

    /// Alerts all who are free and may take it, as far as `max_busy` goes.
    fn ring_all(&mut self, now: Duration, id: InteractionId) {
        let preferred = |acd: &Self| {
            let interaction = acd.state.interactions.get(&id)?;
            let next = acd.index.preferred_for(interaction, &acd.state.agents)?;
            acd.unchosen(Cause::ForAll, id, next.agent)
        };
        while let Some(choice) = preferred(self) {
            self.bear_witness(now, id, &choice);
            self.alert(now, id, choice);
            // Who stays free with an alert would be alerted without end.
            if sabotage::ring_all() || sabotage::double_alert() {
                break;
            }
        }
    }

    /// The queue of this interaction has chosen: what its next choice depends on.
    fn take_turn(&mut self, id: InteractionId, preferred: Preference) {
        let at = self.state.interactions.get(&id).map(|it| it.at);
        let Some(Target::Queue(queue_id)) = at else {
            return;
        };
        let (Some(queue), Some(chosen)) = (
            self.state.queues.get_mut(&queue_id),
            self.state.agents.get_mut(&preferred.agent),
        ) else {
            return;
        };
        match queue.config.strategy {
            Strategy::RoundRobin => {
                queue.turns = queue.turns.saturating_add(1);
                chosen.merits.places.insert(queue_id, queue.turns);
            }
            Strategy::WeightedRandom => self.end_race(queue_id, id, preferred.lead()),
            Strategy::LongestIdle
            | Strategy::FewestCalls
            | Strategy::LeastOccupied
            | Strategy::FixedOrder
            | Strategy::SkillLevel
            | Strategy::RingAll => {}
        }
    }

    /// A race was won after `lasted`. Those who came in before the winner and may not take what they won start anew.
    fn end_race(&mut self, queue: QueueId, id: InteractionId, lasted: u64) {
        let Some(interaction) = self.state.interactions.get(&id) else {
            return;
        };
        let target = Target::Queue(queue);
        for (gate, clock) in self.index.clocks_after(interaction, lasted) {
            self.index.set_clock(target, gate, clock);
            if let Some(queue) = self.state.queues.get_mut(&queue) {
                queue.clocks.insert(micros::of(gate), clock);
            }
            for id in self.index.came_in(target, gate, &self.state.agents) {
                self.draw(id, |_, other| other == queue);
                if let Some(agent) = self.state.agents.get(&id) {
                    self.index.relist(id, agent);
                }
            }
        }
    }

    /// Behind another gate of a race than before they run on another clock: what was drawn is void.
    pub(super) fn forget_moved(&mut self, id: AgentId, seats: &[Seat]) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        for seat in seats {
            if let Target::Queue(queue) = seat.target
                && self.index.races.contains(&queue)
                && self.index.gate_of(id, seat.target) != Some(seat.gate())
            {
                agent.merits.places.remove(&queue);
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
        let agent = self.state.agents.get(&id);
        if self.index.is_free(id) && agent.is_some_and(Agent::is_free) {
            self.draw(id, |drawn, queue| !drawn.contains_key(&queue));
        }
    }

    /// Draws their times in those of their queues that choose by lot and that `wants` names.
    fn draw(&mut self, id: AgentId, wants: impl Fn(&BTreeMap<QueueId, u64>, QueueId) -> bool) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        let nth = agent.merits.draws + 1;
        for run in self.index.runs_of(id) {
            if !wants(&agent.merits.places, run.queue) {
                continue;
            }
            let weight = if sabotage::weighted_random() {
                1
            } else {
                run.weight
            };
            let time = race::time(self.state.incarnation, run.queue, id, nth, weight);
            let queue = self.state.queues.get(&run.queue);
            let clock = queue.map_or(0, |queue| queue.clock(run.gate));
            agent.merits.draws = nth;
            agent
                .merits
                .places
                .insert(run.queue, clock.saturating_add(time));
        }
    }
}
