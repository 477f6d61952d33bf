//! The invariants of `distribution.md`, watched from outside: from inputs, outputs and what readers are told.
//!
//! Knows neither the acd's insides nor the model's; keeps its own log of who rejected and who let ring.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acd::config::Strategy;
use acd::{
    Acd, AcdConfig, AgentId, AlertOutcome, Input, InteractionId, InteractionView, MatchId, Output,
    Presence, Stage, Target,
};

#[derive(Default)]
pub(crate) struct Invariants {
    config: AcdConfig,
    waiting: BTreeSet<InteractionId>,
    /// Running alerts.
    alerts: BTreeMap<MatchId, (InteractionId, AgentId)>,
    connected: BTreeMap<InteractionId, AgentId>,
    rejected: BTreeSet<(InteractionId, AgentId)>,
    not_answered: BTreeMap<(InteractionId, AgentId), Duration>,
    held_for: BTreeMap<InteractionId, AgentId>,
    /// Those of them that came back to that agent, who may serve elsewhere.
    recalled: BTreeSet<InteractionId>,
    finished: BTreeSet<MatchId>,
    ended: BTreeSet<InteractionId>,
    /// Whose last alert its agent chose.
    picked_up: BTreeSet<InteractionId>,
}

impl Invariants {
    /// # Panics
    /// When one does not hold after this step.
    pub(crate) fn check(&mut self, now: Duration, input: &Input, outputs: &[Output], acd: &Acd) {
        self.hear(input);
        for output in outputs {
            self.follow(now, output, acd);
        }
        self.places_agree(acd);
        self.work_is_conserved(now, acd);
        self.capacity_holds(acd);
        for agent in acd.agents() {
            let c = agent.counters;
            let alerting = self
                .alerts
                .values()
                .filter(|(_, by)| *by == agent.agent)
                .count() as u32;
            let sum = c.accepted + c.rejected + c.timed_out + c.withdrawn + c.failed + alerting;
            assert_eq!(c.alerts, sum, "rule 10: the alerts of {}", agent.agent);
        }
    }

    fn hear(&mut self, input: &Input) {
        match input {
            Input::ConfigChanged(config) => self.config = (**config).clone(),
            Input::Leave { interaction } | Input::InteractionEnded { interaction } => {
                self.waiting.remove(interaction);
                self.connected.remove(interaction);
                self.ended.insert(*interaction);
            }
            Input::Restarted(_) => {
                self.ended.extend(std::mem::take(&mut self.waiting));
                self.ended.extend(self.connected.keys());
                self.ended.extend(self.alerts.values().map(|(id, _)| *id));
                self.connected.clear();
            }
            Input::Timeout
            | Input::QueueOpened { .. }
            | Input::QueueClosed { .. }
            | Input::Enqueue(_)
            | Input::AlertRinging { .. }
            | Input::AlertEnded { .. }
            | Input::AgentChanged { .. }
            | Input::DailyReset
            | Input::PickUp { .. }
            | Input::Reserve { .. }
            | Input::Release { .. }
            | Input::Rerank { .. }
            | Input::TooLong { .. } => {}
        }
    }

    fn follow(&mut self, now: Duration, output: &Output, acd: &Acd) {
        match output {
            Output::Entered { interaction, .. } => {
                assert!(
                    !self.ended.contains(interaction),
                    "I6: {interaction} is back"
                );
                assert!(
                    self.waiting.insert(*interaction),
                    "I1: {interaction} entered twice"
                );
            }
            Output::Alert {
                match_id,
                interaction,
                agent,
                picked_up,
                ..
            } => {
                self.alerted(*match_id, *interaction, *agent, acd);
                if *picked_up {
                    self.picked_up.insert(*interaction);
                } else {
                    self.picked_up.remove(interaction);
                    self.has_room(*agent);
                    self.chosen_right(now, *interaction, *agent, acd);
                }
                self.alerts.insert(*match_id, (*interaction, *agent));
            }
            Output::AlertFinished { match_id, how, .. } => self.alert_ended(now, *match_id, *how),
            Output::Connect {
                interaction, agent, ..
            } => {
                assert!(
                    self.waiting.remove(interaction),
                    "I1: {interaction} was not waiting"
                );
                let before = self.connected.insert(*interaction, *agent);
                assert_eq!(before, None, "I3: {interaction} is with two agents");
            }
            Output::Divert { interaction, .. } => {
                self.waiting.remove(interaction);
                self.forget(*interaction);
            }
            Output::Refuse { .. }
            | Output::Withdraw { .. }
            | Output::ServiceLevelReached { .. }
            | Output::Unattended { .. }
            | Output::Attended { .. }
            | Output::AgentStateChanged { .. }
            | Output::AgentRemoved { .. }
            | Output::Denied { .. } => {}
            Output::Held {
                interaction,
                agent,
                recall,
                ..
            } => {
                if *recall {
                    self.recalled.insert(*interaction);
                } else {
                    self.recalled.remove(interaction);
                }
                match agent {
                    Some(agent) => self.held_for.insert(*interaction, *agent),
                    None => self.held_for.remove(interaction),
                };
            }
        }
    }

    fn alerted(&mut self, match_id: MatchId, id: InteractionId, agent: AgentId, acd: &Acd) {
        assert!(!self.ended.contains(&id), "I6: {id} has ended and alerts");
        assert!(
            !self.finished.contains(&match_id),
            "I6: {match_id} is used again"
        );
        let rings = self.alerts.values().any(|(other, _)| *other == id);
        let for_all = self.rings_for_all(acd.interaction(id).unwrap().at);
        assert!(
            self.waiting.remove(&id) || (rings && for_all),
            "I1: {id} alerts and was not waiting"
        );
        for (other, by) in self.alerts.values() {
            assert_ne!(*by, agent, "I3: {agent} has two alerts");
            assert!(*other != id || for_all, "I3: {id} alerts two agents");
        }
    }

    /// Who is chosen has nobody; who picks up puts on hold whom they have.
    fn has_room(&self, agent: AgentId) {
        assert!(
            !self.connected.values().any(|by| *by == agent),
            "I3: {agent} is talking"
        );
    }

    fn rings_for_all(&self, at: Target) -> bool {
        self.config
            .queues
            .iter()
            .any(|queue| Target::Queue(queue.id) == at && queue.strategy == Strategy::RingAll)
    }

    /// What they did not choose themselves.
    fn chosen_right(&self, now: Duration, id: InteractionId, agent: AgentId, acd: &Acd) {
        assert!(
            !self.rejected.contains(&(id, agent)),
            "I5: {id} alerts its rejecter {agent}"
        );
        assert!(
            !self.is_held_for_another(id, agent),
            "I5: {id} is held for another and alerts {agent}"
        );
        let held = self.held_for.get(&id) == Some(&agent);
        let rank = acd.interaction(id).unwrap().rank;
        for other in self
            .waiting
            .iter()
            .filter_map(|other| acd.interaction(*other))
        {
            let other_held = self.held_for.get(&other.interaction) == Some(&agent);
            let theirs = self.serves(agent, other.at, acd)
                || other_held && self.recalled.contains(&other.interaction);
            let may_take = theirs
                && !self.barred(now, other.interaction, agent)
                && (other_held || self.fits(now, agent, &other, acd));
            assert!(
                !may_take || (!held, rank) < (!other_held, other.rank),
                "I4: {agent} gets {id}, but {} ranks before it",
                other.interaction
            );
        }
    }

    fn alert_ended(&mut self, now: Duration, match_id: MatchId, how: AlertOutcome) {
        let alert = self.alerts.remove(&match_id);
        let (id, agent) = alert.unwrap_or_else(|| panic!("I6: {match_id} ends and does not run"));
        self.finished.insert(match_id);
        match how {
            AlertOutcome::Rejected => {
                self.rejected.insert((id, agent));
            }
            AlertOutcome::TimedOut => {
                self.not_answered.insert((id, agent), now);
            }
            AlertOutcome::Accepted | AlertOutcome::Withdrawn(_) | AlertOutcome::Failed { .. } => {}
        }
        if !self.ended.contains(&id) && !self.alerts.values().any(|(other, _)| *other == id) {
            self.waiting.insert(id);
        }
    }

    /// Skills, delay and `max_busy` let this agent take it.
    fn fits(&self, now: Duration, id: AgentId, waiting: &InteractionView, acd: &Acd) -> bool {
        let Target::Queue(queue) = waiting.at else {
            return true;
        };
        let queue = self.config.queues.iter().find(|it| it.id == queue);
        let agent = self.config.agents.iter().find(|it| it.id == id);
        let (Some(queue), Some(agent)) = (queue, agent) else {
            return false;
        };
        let age = now - waiting.entered;
        let asked = queue.relax.iter().filter(|step| step.after <= age);
        let mut asked = asked.map(|step| &step.skills).chain([&queue.skills]);
        let meets = asked.any(|skills| {
            skills.iter().all(|required| {
                let mut has = agent.skills.iter();
                has.any(|it| it.skill == required.skill && it.level >= required.level)
            })
        });
        let assigned = agent.queues.iter().find(|it| it.queue == queue.id);
        let busy = self
            .alerts
            .values()
            .map(|(id, _)| *id)
            .chain(self.connected.keys().copied());
        let here = |id: &InteractionId| acd.interaction(*id).is_some_and(|it| it.at == waiting.at);
        let room = queue.max_busy == 0 || busy.filter(here).count() < queue.max_busy as usize;
        meets && assigned.is_some_and(|it| it.delay <= age) && room
    }

    /// It left this queue: what was said of it there holds no longer.
    fn forget(&mut self, id: InteractionId) {
        self.rejected.retain(|(other, _)| *other != id);
        self.not_answered.retain(|(other, _), _| *other != id);
        self.held_for.remove(&id);
        self.recalled.remove(&id);
    }

    /// I1: what the outputs told is what readers see, each interaction in one place.
    fn places_agree(&self, acd: &Acd) {
        let (mut waiting, mut alerting) = (BTreeSet::new(), BTreeSet::new());
        let mut connected = BTreeMap::new();
        for interaction in acd.interactions() {
            match interaction.stage {
                Stage::Waiting => {
                    waiting.insert(interaction.interaction);
                }
                Stage::Alerting { match_id, agent } => {
                    let told = self.alerts.get(&match_id);
                    assert_eq!(told, Some(&(interaction.interaction, agent)), "I1");
                    alerting.insert(interaction.interaction);
                }
                Stage::Connected { agent, .. } => {
                    connected.insert(interaction.interaction, agent);
                }
            }
        }
        assert_eq!(waiting, self.waiting, "I1: waiting");
        let ringing: BTreeSet<_> = self.alerts.values().map(|(id, _)| *id).collect();
        assert_eq!(alerting, ringing, "I1: alerting");
        assert_eq!(connected, self.connected, "I1: connected");
    }

    /// I2.
    fn work_is_conserved(&self, now: Duration, acd: &Acd) {
        let free: Vec<_> = acd.agents().filter(|agent| agent.free).collect();
        for id in &self.waiting {
            let waiting = acd.interaction(*id).unwrap();
            for agent in &free {
                assert_eq!(agent.state.presence, Presence::Available);
                let held = self.held_for.get(id) == Some(&agent.agent);
                assert!(
                    !(self.serves(agent.agent, waiting.at, acd)
                        || held && self.recalled.contains(id))
                        || self.barred(now, *id, agent.agent)
                        || !(held || self.fits(now, agent.agent, &waiting, acd)),
                    "I2: {id} waits and {} is free",
                    agent.agent
                );
            }
        }
    }

    /// I3 and rule 15.
    fn capacity_holds(&self, acd: &Acd) {
        let mut load = BTreeMap::new();
        let alerts = self.alerts.values().copied();
        let connected = self.connected.iter().map(|(id, agent)| (*id, *agent));
        for (id, agent) in alerts.chain(connected) {
            let chosen: u32 = (!self.picked_up.contains(&id)).into();
            *load.entry(agent).or_insert(0) += chosen;
        }
        for (agent, load) in load {
            assert!(load <= 1, "I3: {agent} has {load} they did not pick up");
            let free = acd.agent(agent).is_some_and(|agent| agent.free);
            assert!(!free, "I3: {agent} is free and has one");
        }
    }

    fn serves(&self, agent: AgentId, at: Target, acd: &Acd) -> bool {
        match at {
            Target::Personal(own) => own == agent,
            Target::Queue(queue)
                if acd
                    .agent(agent)
                    .is_some_and(|it| it.state.left.contains(&queue)) =>
            {
                false
            }
            Target::Queue(queue) => self
                .config
                .agents
                .iter()
                .filter(|config| config.id == agent)
                .any(|config| {
                    config
                        .queues
                        .iter()
                        .any(|assignment| assignment.queue == queue)
                }),
        }
    }

    fn is_held_for_another(&self, id: InteractionId, agent: AgentId) -> bool {
        self.held_for
            .get(&id)
            .is_some_and(|holder| *holder != agent)
    }

    fn barred(&self, now: Duration, id: InteractionId, agent: AgentId) -> bool {
        let retry_after = Duration::from_secs(15);
        self.rejected.contains(&(id, agent))
            || self.is_held_for_another(id, agent)
            || self
                .not_answered
                .get(&(id, agent))
                .is_some_and(|at| *at + retry_after > now)
    }
}
