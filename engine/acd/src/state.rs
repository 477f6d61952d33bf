//! Everything the acd remembers: what a checkpoint holds.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::agent::Agent;
use crate::alert::Alert;
use crate::config::{Assignment, QueueConfig, Strategy, WrapUp};
use crate::gate;
use crate::ids::{AgentId, Incarnation, InteractionId, MatchId, QueueId};
use crate::index::Run;
use crate::interaction::{Interaction, Weight};
use crate::micros;
use crate::preference::Seat;
use crate::rank::Target;
use crate::sabotage;
use crate::table::Table;

/// The ageing of direct calls (rule 2).
const DIRECT_AGEING: Duration = Duration::from_secs(10);
/// For the alerts of a queue that is gone.
const DEVICE_RETRY: Duration = Duration::from_secs(5);
/// How long a direct call may be held for its user.
const DIRECT_RESERVATION_LIMIT: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct State {
    #[n(0)]
    pub(crate) incarnation: Incarnation,
    #[n(1)]
    pub(crate) next_match: MatchId,
    #[n(2)]
    pub(crate) queues: Table<QueueId, Queue>,
    #[n(3)]
    pub(crate) agents: Table<AgentId, Agent>,
    #[n(4)]
    pub(crate) interactions: Table<InteractionId, Interaction>,
    #[n(5)]
    pub(crate) alerts: Table<MatchId, Alert>,
}

#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Queue {
    #[n(0)]
    pub(crate) config: QueueConfig,
    #[n(1)]
    pub(crate) open: bool,
    /// Since when none of its agents is available.
    #[cbor(n(2), with = "crate::micros::option", default)]
    pub(crate) nobody_since: Option<Duration>,
    /// It was told that somebody waits here without anybody.
    #[cbor(n(3), default)]
    pub(crate) alarmed: bool,
    /// How many turns there were by round robin.
    #[cbor(n(4), default)]
    pub(crate) turns: u64,
    /// How far the races are by lot; by gate, in microseconds.
    #[cbor(n(5), default)]
    pub(crate) clocks: BTreeMap<u64, u64>,
}

impl Queue {
    pub(crate) const fn new(config: QueueConfig) -> Self {
        Self {
            config,
            open: false,
            nobody_since: None,
            alarmed: false,
            turns: 0,
            clocks: BTreeMap::new(),
        }
    }

    /// How far the race is of those behind `gate`.
    pub(crate) fn clock(&self, gate: Duration) -> u64 {
        self.clocks.get(&micros::of(gate)).copied().unwrap_or(0)
    }

    /// How far the races are, by gate.
    pub(crate) fn clocks(&self) -> BTreeMap<Duration, u64> {
        let clocks = self.clocks.iter();
        clocks
            .map(|(gate, clock)| (Duration::from_micros(*gate), *clock))
            .collect()
    }
}

/// What a target says about its alerts and what follows them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) ring_timeout: Duration,
    /// None where an interaction does not come back.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) max_no_answer: u32,
    pub(crate) device_retry: Duration,
    pub(crate) wrap_up: WrapUp,
    pub(crate) reservation_limit: Duration,
}

impl State {
    pub(crate) const fn new(incarnation: Incarnation) -> Self {
        Self {
            incarnation,
            next_match: incarnation.first_match(),
            queues: Table::new(),
            agents: Table::new(),
            interactions: Table::new(),
            alerts: Table::new(),
        }
    }

    /// When somebody last began to wait, of those who are here: a moment at which the acd was at work.
    pub(crate) fn last_entry(&self) -> Duration {
        let since = self.interactions.values().map(|it| it.waiting_since);
        since.max().unwrap_or_default()
    }

    /// The queue that requires a wrap-up code for an interaction that somebody has, unless they gave it (rule 17).
    pub(crate) fn owed_to(&self, id: InteractionId) -> Option<QueueId> {
        let interaction = self.interactions.get(&id).filter(|it| !it.coded)?;
        let Target::Queue(queue) = interaction.at else {
            return None;
        };
        let requires = |queue: &Queue| queue.config.code_required;
        self.queues
            .get(&queue)
            .is_some_and(requires)
            .then_some(queue)
    }

    /// Every target an interaction can wait at.
    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        let personal = self.agents.iter().filter(|(_, agent)| !agent.removed);
        let queues = self.queues.keys().into_iter().map(Target::Queue);
        queues.chain(personal.map(|(id, _)| Target::Personal(id)))
    }

    /// Whether `target` is the agent's own or a queue assigned to them.
    pub(crate) fn is_assigned(&self, id: AgentId, target: Target) -> bool {
        let Target::Queue(queue) = target else {
            return target == Target::Personal(id);
        };
        let agent = self.agents.get(&id);
        agent.is_some_and(|agent| agent.is_assigned(queue))
    }

    /// Whether it is the agent's own, or an existing queue that is assigned to them and that they have not left.
    pub(crate) fn serves(&self, id: AgentId, target: Target) -> bool {
        let Some(agent) = self.agents.get(&id).filter(|agent| !agent.removed) else {
            return false;
        };
        match target {
            Target::Queue(queue) => {
                let exists = self.queues.contains_key(&queue);
                exists && agent.is_assigned(queue) && !agent.has_left(queue)
            }
            Target::Personal(owner) => owner == id,
        }
    }

    /// Whether it is among the [seats](Self::seats_of) of this agent.
    pub(crate) fn may_alert(&self, id: AgentId, target: Target) -> bool {
        let Some(agent) = self.agents.get(&id).filter(|agent| !agent.removed) else {
            return false;
        };
        let Target::Queue(queue) = target else {
            return target == Target::Personal(id);
        };
        let mut assigned = agent.config.queues.iter().filter(|it| it.queue == queue);
        !agent.has_left(queue) && assigned.any(|it| self.gate(agent, it).is_some())
    }

    /// Whether the centre still has what interactions wait at there.
    pub(crate) fn has(&self, target: Target) -> bool {
        match target {
            Target::Queue(queue) => self.queues.contains_key(&queue),
            Target::Personal(agent) => self.agents.get(&agent).is_some_and(|it| !it.removed),
        }
    }

    /// By queue, the ages from which on some of the agents assigned to it may be alerted; that of zero left out.
    pub(crate) fn gates(&self) -> BTreeMap<QueueId, BTreeSet<Duration>> {
        let mut gates: BTreeMap<_, BTreeSet<_>> = self
            .queues
            .keys()
            .into_iter()
            .map(|id| (id, BTreeSet::new()))
            .collect();
        for agent in self.agents.values().filter(|agent| !agent.removed) {
            for assignment in &agent.config.queues {
                let gate = self.gate(agent, assignment).filter(|gate| !gate.is_zero());
                if let Some(gates) = gates.get_mut(&assignment.queue) {
                    gates.extend(gate);
                }
            }
        }
        gates
    }

    pub(crate) fn gate(&self, agent: &Agent, assignment: &Assignment) -> Option<Duration> {
        let queue = self.queues.get(&assignment.queue)?;
        gate::of(&agent.config, assignment, &queue.config)
    }

    /// Where `agent` may be alerted from: their own queue of direct calls, and those they [serve](Self::serves) and will ever do
    /// for. Sorted, each once.
    pub(crate) fn seats_of(&self, id: AgentId) -> Vec<Seat> {
        let Some(agent) = self.agents.get(&id).filter(|agent| !agent.removed) else {
            return Vec::new();
        };
        let assigned = agent.config.queues.iter();
        let mut seats: Vec<_> = assigned
            .filter(|it| !agent.has_left(it.queue))
            .filter_map(|it| {
                let strategy = self.queues.get(&it.queue)?.config.strategy;
                Some(Seat::in_queue(it, self.gate(agent, it)?, strategy))
            })
            .collect();
        seats.push(Seat::personal(id));
        seats.sort_by_key(|seat| seat.target);
        seats.dedup_by_key(|seat| seat.target);
        seats
    }

    /// What is drawn for `agent` when they become free: in those of their queues, left or not, that are among the `races`.
    /// Each once, the last assignment to it.
    pub(crate) fn runs_of(&self, id: AgentId, races: &BTreeSet<QueueId>) -> Vec<Run> {
        let agent = self.agents.get(&id);
        let assigned = agent.into_iter().flat_map(|agent| {
            let queues = agent.config.queues.iter();
            queues.map(move |assignment| (agent, assignment))
        });
        let runs: BTreeMap<_, _> = assigned
            .filter(|(_, it)| races.contains(&it.queue))
            .filter_map(|(agent, it)| {
                let run = Run {
                    queue: it.queue,
                    gate: self.gate(agent, it)?,
                    weight: it.weight,
                };
                Some((it.queue, run))
            })
            .collect();
        runs.into_values().collect()
    }

    pub(crate) fn strategy(&self, target: Target) -> Strategy {
        match target {
            Target::Queue(queue) => self
                .queues
                .get(&queue)
                .map_or_else(Strategy::default, |queue| queue.config.strategy),
            Target::Personal(_) => Strategy::default(),
        }
    }

    /// How long one may wait at `target`; none: no limit.
    pub(crate) fn max_wait(&self, target: Target) -> Option<Duration> {
        let max_wait = match target {
            Target::Personal(agent) => self.agents.get(&agent)?.config.personal.max_wait,
            Target::Queue(_) if sabotage::max_wait() => Duration::ZERO,
            Target::Queue(queue) => self.queues.get(&queue)?.config.max_wait,
        };
        Some(max_wait).filter(|max_wait| !max_wait.is_zero())
    }

    /// What `target` adds to rank; none if there is no such target.
    pub(crate) fn weight(&self, target: Target) -> Option<Weight> {
        match target {
            Target::Queue(queue) => self.queues.get(&queue).map(|queue| Weight {
                priority: queue.config.priority,
                ageing: queue.config.ageing,
            }),
            Target::Personal(agent) => {
                let agent = self.agents.get(&agent).filter(|agent| !agent.removed)?;
                Some(Weight {
                    priority: agent.config.direct_call_priority,
                    ageing: DIRECT_AGEING,
                })
            }
        }
    }

    /// The rules of `target`; those of a target that is gone do nothing.
    pub(crate) fn policy(&self, target: Target) -> Policy {
        let policy = match target {
            Target::Queue(queue) => self.queues.get(&queue).map(|queue| Policy {
                ring_timeout: queue.config.ring_timeout,
                retry_after: Some(queue.config.retry_after),
                max_no_answer: queue.config.max_no_answer,
                device_retry: queue.config.device_retry,
                wrap_up: queue.config.wrap_up,
                reservation_limit: queue.config.reservation_limit,
            }),
            Target::Personal(agent) => self.agents.get(&agent).map(|agent| Policy {
                ring_timeout: agent.config.personal.ring_timeout,
                retry_after: None,
                max_no_answer: agent.config.personal.max_no_answer,
                device_retry: agent.config.personal.device_retry,
                wrap_up: agent.config.personal.wrap_up,
                reservation_limit: DIRECT_RESERVATION_LIMIT,
            }),
        };
        policy.unwrap_or(Policy {
            ring_timeout: Duration::ZERO,
            retry_after: None,
            max_no_answer: 0,
            device_retry: DEVICE_RETRY,
            wrap_up: WrapUp::For(Duration::ZERO),
            reservation_limit: Duration::ZERO,
        })
    }
}
