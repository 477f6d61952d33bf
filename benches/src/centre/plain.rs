//! What one would write in an afternoon: a heap behind a lock for each queue, and a look at all agents for each caller.
//!
//! It knows the same order, skills, delays, rejections and reservations, and only the longest idle. What a heap holds first and may
//! not be had is taken out and put back. It does not act when a caller gets old enough for others: somebody has to become free, or
//! another caller to come.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use acd::config::{AgentConfig, Assignment, QueueConfig};
use acd::{AgentId, InteractionId, MatchId, QueueId, Rank, Tier};

use super::load::{Distributor, Effects, Event};
use super::{QUEUES, config};

type Heap = BinaryHeap<Reverse<Rank>>;

/// A heap for each queue.
#[derive(Debug)]
pub struct Plain {
    queues: Vec<(QueueConfig, Mutex<Heap>)>,
    agents: Vec<Agent>,
    callers: HashMap<InteractionId, Caller>,
    alerts: HashMap<MatchId, (InteractionId, AgentId)>,
    next_alert: u64,
}

#[derive(Debug)]
struct Agent {
    config: AgentConfig,
    busy: bool,
    idle_since: Duration,
}

#[derive(Debug)]
struct Caller {
    queue: QueueId,
    rank: Rank,
    entered: Duration,
    rejected_by: Vec<AgentId>,
    reserved_by: Option<AgentId>,
    agent: Option<AgentId>,
}

impl Plain {
    /// The centre is open, and all agents have come.
    #[must_use]
    pub fn open(now: Duration) -> Self {
        let centre = config();
        let agents = centre.agents.into_iter().map(|config| Agent {
            config,
            busy: false,
            idle_since: now,
        });
        let queues = centre.queues.into_iter();
        Self {
            queues: queues.map(|queue| (queue, Mutex::default())).collect(),
            agents: agents.collect(),
            callers: HashMap::new(),
            alerts: HashMap::new(),
            next_alert: 0,
        }
    }

    fn heap(&self, queue: QueueId) -> MutexGuard<'_, Heap> {
        let (_, heap) = &self.queues[(queue.0 % QUEUES) as usize];
        heap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this agent, who is free, may have this caller.
    fn may_take(&self, now: Duration, agent: &Agent, caller: &Caller) -> bool {
        let mut assigned = agent.config.queues.iter();
        let Some(assigned) = assigned.find(|it| it.queue == caller.queue) else {
            return false;
        };
        let id = agent.config.id;
        caller.reserved_by.is_none_or(|by| by == id)
            && !caller.rejected_by.contains(&id)
            && self.is_old_enough(now, agent, assigned, caller)
    }

    fn is_old_enough(
        &self,
        now: Duration,
        agent: &Agent,
        assigned: &Assignment,
        caller: &Caller,
    ) -> bool {
        let age = now.saturating_sub(caller.entered);
        let (queue, _) = &self.queues[(caller.queue.0 % QUEUES) as usize];
        let has = |skill| agent.config.skills.iter().any(|it| it.skill == skill);
        let skilled = queue.skills.iter().all(|it| has(it.skill));
        let relaxed = queue.relax.iter().any(|step| age >= step.after);
        age >= assigned.delay && (skilled || relaxed)
    }

    /// Looks at all agents for those of this queue who are free. Each looks for a caller, who has been idle longest first.
    fn wake(&mut self, now: Duration, queue: QueueId, effects: &mut Effects) {
        let serves = |agent: &Agent| agent.config.queues.iter().any(|it| it.queue == queue);
        let free = self
            .agents
            .iter()
            .filter(|agent| !agent.busy && serves(agent));
        let mut free: Vec<_> = free
            .map(|agent| (agent.idle_since, agent.config.id))
            .collect();
        free.sort_unstable();
        for (_, agent) in free {
            self.find_caller(now, agent, effects);
        }
    }

    /// It waits, from now on or again.
    fn waits(&mut self, now: Duration, id: InteractionId, effects: &mut Effects) {
        if let Some((queue, rank)) = self.callers.get(&id).map(|it| (it.queue, it.rank)) {
            self.heap(queue).push(Reverse(rank));
            self.wake(now, queue, effects);
        }
    }

    /// Looks into the heaps of all their queues for the best they may have.
    fn find_caller(&mut self, now: Duration, id: AgentId, effects: &mut Effects) {
        let agent = &self.agents[id.0 as usize];
        let queues = agent.config.queues.iter().map(|it| it.queue);
        let firsts = queues.filter_map(|queue| Some((self.first_in(now, queue, agent)?, queue)));
        if let Some((rank, queue)) = firsts.min() {
            self.heap(queue).retain(|other| other.0 != rank);
            self.alert(rank.interaction(), id, effects);
        }
    }

    fn first_in(&self, now: Duration, queue: QueueId, agent: &Agent) -> Option<Rank> {
        let mut heap = self.heap(queue);
        let (mut aside, mut found) = (Vec::new(), None);
        while let Some(Reverse(rank)) = heap.pop() {
            aside.push(Reverse(rank));
            let caller = self.callers.get(&rank.interaction());
            if caller.is_some_and(|caller| self.may_take(now, agent, caller)) {
                found = Some(rank);
                break;
            }
        }
        heap.extend(aside);
        found
    }

    fn alert(&mut self, caller: InteractionId, agent: AgentId, effects: &mut Effects) {
        self.next_alert += 1;
        let alert = MatchId(self.next_alert);
        self.agents[agent.0 as usize].busy = true;
        self.alerts.insert(alert, (caller, agent));
        effects.alerts.push((alert, caller, agent));
    }

    fn becomes_free(&mut self, now: Duration, agent: AgentId, effects: &mut Effects) {
        let free = &mut self.agents[agent.0 as usize];
        (free.busy, free.idle_since) = (false, now);
        self.find_caller(now, agent, effects);
    }
}

impl Distributor for Plain {
    fn on(&mut self, now: Duration, event: Event, effects: &mut Effects) {
        match event {
            Event::Comes {
                caller,
                queue,
                priority,
            } => {
                let ageing = Duration::from_secs(10);
                let new = Caller {
                    queue,
                    rank: Rank::new(caller, Tier::Normal, now, priority, ageing),
                    entered: now,
                    rejected_by: Vec::new(),
                    reserved_by: None,
                    agent: None,
                };
                self.callers.insert(caller, new);
                self.waits(now, caller, effects);
            }
            Event::Reserves { caller, agent } => {
                let waiting = self
                    .callers
                    .get_mut(&caller)
                    .filter(|it| it.agent.is_none());
                if let Some(waiting) = waiting {
                    waiting.reserved_by.get_or_insert(agent);
                }
            }
            Event::Rings(_) => {}
            Event::Accepts(alert) => {
                let Some((id, agent)) = self.alerts.remove(&alert) else {
                    return;
                };
                if let Some(caller) = self.callers.get_mut(&id) {
                    caller.agent = Some(agent);
                    effects.talks.push(id);
                }
            }
            Event::Rejects(alert) => {
                let Some((id, agent)) = self.alerts.remove(&alert) else {
                    return;
                };
                if let Some(caller) = self.callers.get_mut(&id) {
                    caller.rejected_by.push(agent);
                    self.waits(now, id, effects);
                }
                self.becomes_free(now, agent, effects);
            }
            Event::HangsUp(caller) => {
                if let Some(agent) = self.callers.remove(&caller).and_then(|it| it.agent) {
                    self.becomes_free(now, agent, effects);
                }
            }
        }
    }
}
