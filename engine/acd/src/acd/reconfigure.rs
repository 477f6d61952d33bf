//! The centre changes while calls wait. Who stays keeps their place; who cannot stay is sent elsewhere.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::Acd;
use crate::agent::Agent;
use crate::config::{AcdConfig, AgentConfig, QueueConfig, ServiceAction, WhenNobody};
use crate::ids::{AgentId, InteractionId, QueueId};
use crate::index::stamp;
use crate::input::Presence;
use crate::interaction::Weight;
use crate::output::DivertReason;
use crate::rank::{Target, Tier};
use crate::sabotage;
use crate::state::Queue;

/// What a queue says about those who have waited for long.
#[derive(PartialEq)]
struct Timing {
    max_wait: Duration,
    nobody_after: Duration,
    when_nobody: WhenNobody,
    service_action: Option<ServiceAction>,
}

impl Timing {
    const fn of(config: &QueueConfig) -> Self {
        Self {
            max_wait: config.max_wait,
            nobody_after: config.nobody_after,
            when_nobody: config.when_nobody,
            service_action: config.service_action,
        }
    }
}

impl Acd {
    pub(super) fn on_config(&mut self, now: Duration, config: AcdConfig) {
        let before = self.weights();
        let timings = self.timings();
        self.change_queues(config.queues);
        self.change_agents(now, config.agents);
        self.forgive_codes(now);
        for (target, weight) in before {
            if self.state.weight(target).is_some_and(|now| now != weight) {
                self.rerank(target);
            }
        }
        self.change_gates();
        self.change_lanes(now);
        self.change_timings(&timings);
    }

    fn timings(&self) -> BTreeMap<QueueId, Timing> {
        let queues = self.state.queues.iter();
        queues
            .map(|(id, queue)| (id, Timing::of(&queue.config)))
            .collect()
    }

    /// What depends on how long somebody has waited, where it is new or another than before.
    fn change_timings(&mut self, before: &BTreeMap<QueueId, Timing>) {
        for (id, timing) in self.timings() {
            if before.get(&id) == Some(&timing) {
                continue;
            }
            self.retime(Target::Queue(id));
            let waits = |id| self.state.interactions.get(&id);
            self.index.set_nobody_after(id, timing.nobody_after, waits);
            if timing.when_nobody == WhenNobody::Go {
                self.free_stranded(id);
            }
        }
    }

    /// The gates of queues by their new settings and those of their agents; those who wait there are sorted anew.
    fn change_gates(&mut self) {
        for (id, gates) in self.state.gates() {
            let target = Target::Queue(id);
            self.forget_clocks(id, |gate| gate.is_zero() || gates.contains(&gate));
            if !self.index.set_gates(id, gates) {
                continue;
            }
            let Some(lane) = self.index.lanes.get(&target) else {
                continue;
            };
            let ranks = [lane.in_order(), lane.more.alerting.iter().collect()].concat();
            for rank in ranks {
                self.set_first_gate(rank.interaction());
            }
        }
    }

    fn forget_clocks(&mut self, id: QueueId, keep: impl Fn(Duration) -> bool) {
        if let Some(queue) = self.state.queues.get_mut(&id) {
            queue
                .clocks
                .retain(|gate, _| keep(Duration::from_micros(*gate)));
        }
        self.index.forget_clocks(Target::Queue(id), keep);
    }

    fn weights(&self) -> BTreeMap<Target, Weight> {
        let targets = self.state.targets();
        targets
            .filter_map(|target| Some((target, self.state.weight(target)?)))
            .collect()
    }

    fn change_queues(&mut self, configs: Vec<QueueConfig>) {
        let configs: BTreeMap<QueueId, _> = configs.into_iter().map(|it| (it.id, it)).collect();
        let gone = self
            .state
            .queues
            .keys()
            .into_iter()
            .filter(|id| !configs.contains_key(id));
        for id in gone {
            let target = Target::Queue(id);
            self.divert_all(target, DivertReason::QueueRemoved);
            self.set_alarmed(id, false);
            self.index.close_queue(id);
            self.forget_places(id);
            self.state.queues.remove(&id);
        }
        for (id, config) in configs {
            if let Some(queue) = self.state.queues.get_mut(&id) {
                let (strategy, max_busy) = (config.strategy, config.max_busy);
                let before = core::mem::replace(&mut queue.config, config).strategy;
                self.index.set_max_busy(id, max_busy);
                if before != strategy {
                    queue.turns = 0;
                    self.forget_places(id);
                    self.forget_clocks(id, |_| false);
                    self.index.set_strategy(Target::Queue(id), strategy);
                }
                continue;
            }
            let max_busy = config.max_busy;
            self.state.queues.insert(id, Queue::new(config));
            self.open_lane(Target::Queue(id));
            self.index.set_max_busy(id, max_busy);
        }
    }

    /// What a strategy kept of agents is of no use to another one.
    fn forget_places(&mut self, queue: QueueId) {
        let forget = |agent: &mut Agent| {
            agent.merits.places.remove(&queue);
        };
        self.state.agents.change_all(forget);
    }

    fn change_agents(&mut self, now: Duration, configs: Vec<AgentConfig>) {
        let configs: BTreeMap<AgentId, _> = configs.into_iter().map(|it| (it.id, it)).collect();
        let gone = self
            .state
            .agents
            .keys()
            .into_iter()
            .filter(|id| !configs.contains_key(id));
        for id in gone {
            self.remove_agent(now, id);
        }
        for (id, config) in configs {
            self.change_agent(now, id, config);
        }
    }

    fn change_agent(&mut self, now: Duration, id: AgentId, config: AgentConfig) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            self.state.agents.insert(id, Agent::new(now, config));
            self.open_lane(Target::Personal(id));
            return;
        };
        let max_wait = agent.config.personal.max_wait;
        agent.configure(config, &self.index.races);
        if core::mem::replace(&mut agent.removed, false) {
            self.open_lane(Target::Personal(id));
        } else if agent.config.personal.max_wait != max_wait {
            self.retime(Target::Personal(id));
        }
    }

    /// They get nothing more. What they are talking about goes on; then they are forgotten.
    fn remove_agent(&mut self, now: Duration, id: AgentId) {
        let own = Target::Personal(id);
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        if core::mem::replace(&mut agent.removed, true) {
            return;
        }
        self.set_presence(now, id, Presence::Offline);
        self.owes_only(now, id, |_| false);
        self.divert_all(own, DivertReason::AgentRemoved);
        self.index.close_lane(own);
    }

    /// A target that comes, or comes back while alerts from before run on: these have a place to return to.
    fn open_lane(&mut self, target: Target) {
        let strategy = self.state.strategy(target);
        self.index.open_lane(target, strategy);
        self.index.set_max_wait(target, self.state.max_wait(target));
        let running = self
            .state
            .alerts
            .values()
            .filter(|alert| alert.from == target);
        for alert in running {
            let Some(interaction) = self.state.interactions.get_mut(&alert.interaction) else {
                continue;
            };
            interaction.leaving = None;
            self.index.readmit(interaction);
        }
        let here = self.state.interactions.values();
        for _ in here.filter(|it| it.is_connected() && it.at == target) {
            self.index.connect(target);
        }
    }

    /// Every agent in the lanes of their queues, as these are now.
    fn change_lanes(&mut self, now: Duration) {
        for id in self.state.agents.keys() {
            self.change_lanes_of(now, id);
        }
    }

    /// One agent in the lanes of their queues, as these are now.
    pub(super) fn change_lanes_of(&mut self, now: Duration, id: AgentId) {
        let seats = self.state.seats_of(id);
        let runs = self.state.runs_of(id, &self.index.races);
        self.index.set_runs(id, runs);
        self.forget_moved(id, &seats);
        self.note_freed(now, id);
        self.draw_what_lacks(id);
        self.release_outside(now, id);
        if let Some(agent) = self.state.agents.get(&id)
            && self.index.list(id, agent, seats)
        {
            self.agenda.freed.insert(id);
        }
        self.index.settle_many(&self.state.agents);
        self.agenda.touched.insert(id);
    }

    /// Rule 3: another tier or priority holds at once.
    pub(super) fn on_rerank(
        &mut self,
        id: InteractionId,
        tier: Option<Tier>,
        priority: Option<i32>,
    ) {
        let Some(interaction) = self.state.interactions.get_mut(&id) else {
            return;
        };
        if interaction.is_connected() {
            return;
        }
        interaction.tier = tier.unwrap_or(interaction.tier);
        interaction.priority = priority.unwrap_or(interaction.priority);
        let at = interaction.at;
        if let Some(weight) = self.state.weight(at).filter(|_| !sabotage::rerank()) {
            self.rerank_one(id, weight);
        }
    }

    /// Rule 3: a queue's new priority or ageing holds for those who wait, too.
    fn rerank(&mut self, target: Target) {
        let (Some(lane), Some(weight)) = (self.index.lanes.get(&target), self.state.weight(target))
        else {
            return;
        };
        if sabotage::rerank() {
            return;
        }
        let ranks = [lane.in_order(), lane.more.alerting.iter().collect()].concat();
        for rank in ranks {
            self.rerank_one(rank.interaction(), weight);
        }
    }

    /// Stands where its rank by `weight` puts it; it waits or is alerting.
    pub(super) fn rerank_one(&mut self, id: InteractionId, weight: Weight) {
        let Some(interaction) = self.state.interactions.get_mut(&id) else {
            return;
        };
        let (old, new) = (interaction.rank, interaction.ranked(weight));
        if interaction.is_waiting() {
            self.index.stop_waiting(interaction);
            interaction.rank = new;
            self.index.wait(interaction);
            self.agenda.arrived.replace(old, new);
        } else if let Some(lane) = self.index.lanes.get_mut(&interaction.at) {
            lane.more.alerting.remove(&old);
            interaction.rank = new;
            lane.more.alerting.insert(new, stamp(interaction));
        }
    }
}
