//! Whom of several free agents a queue prefers (rule 6): a key for each, smallest first.
//!
//! A key changes only when something happens to its agent, so the preferred one is the first of those free, and nobody
//! looks at the others.

use core::time::Duration;

use crate::agent::Agent;
use crate::choice::Claim;
use crate::config::{Assignment, Strategy};
use crate::ids::AgentId;
use crate::micros;
use crate::rank::Target;
use crate::sabotage;

/// Where an agent stands among the free of a lane: smallest first, by the queue's strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Preference {
    by_strategy: u64,
    /// Decides between those who are alike.
    idle_since_us: u64,
    pub(crate) agent: AgentId,
}

/// An agent's place in one lane, and what is said of it there. As small as can be: whoever becomes free looks at all of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) target: Target,
    gate_us: u64,
    /// The assignment's `order` or `level`, where the strategy goes by it.
    assigned: u32,
    /// The queue's.
    strategy: Strategy,
}

impl Seat {
    pub(crate) fn in_queue(assignment: &Assignment, gate: Duration, strategy: Strategy) -> Self {
        let assigned = match strategy {
            Strategy::FixedOrder => assignment.order,
            Strategy::SkillLevel => assignment.level,
            Strategy::LongestIdle
            | Strategy::RoundRobin
            | Strategy::FewestCalls
            | Strategy::LeastOccupied
            | Strategy::WeightedRandom
            | Strategy::RingAll => 0,
        };
        Self {
            target: Target::Queue(assignment.queue),
            gate_us: micros::of(gate),
            assigned,
            strategy,
        }
    }

    pub(crate) const fn personal(agent: AgentId) -> Self {
        Self {
            target: Target::Personal(agent),
            gate_us: 0,
            assigned: 0,
            strategy: Strategy::LongestIdle,
        }
    }

    /// From which age on its interactions may alert them.
    pub(crate) const fn gate(&self) -> Duration {
        Duration::from_micros(self.gate_us)
    }
}

impl Preference {
    pub(crate) fn new(seat: &Seat, id: AgentId, agent: &Agent) -> Self {
        let by_strategy = match seat.strategy {
            Strategy::RoundRobin if !sabotage::round_robin() => agent.merits.place_in(seat.target),
            Strategy::FewestCalls if !sabotage::fewest_calls() => agent.counters.accepted.into(),
            Strategy::LeastOccupied if !sabotage::least_occupied() => {
                agent.merits.share_ppm().into()
            }
            Strategy::FixedOrder if !sabotage::fixed_order() => seat.assigned.into(),
            Strategy::SkillLevel if !sabotage::skill_level() => (u32::MAX - seat.assigned).into(),
            Strategy::WeightedRandom => agent.merits.place_in(seat.target),
            Strategy::LongestIdle
            | Strategy::RoundRobin
            | Strategy::FewestCalls
            | Strategy::LeastOccupied
            | Strategy::FixedOrder
            | Strategy::SkillLevel
            | Strategy::RingAll => 0,
        };
        let idle_since_us = micros::of(agent.idle_since());
        Self {
            by_strategy,
            idle_since_us: if sabotage::longest_idle() {
                u64::MAX - idle_since_us
            } else {
                idle_since_us
            },
            agent: id,
        }
    }

    /// What speaks for them, in the words of the strategy.
    pub(crate) fn claim(&self, strategy: Strategy) -> Claim {
        let merit = match strategy {
            Strategy::SkillLevel => u64::from(u32::MAX).saturating_sub(self.by_strategy),
            Strategy::RoundRobin
            | Strategy::FewestCalls
            | Strategy::LeastOccupied
            | Strategy::FixedOrder
            | Strategy::WeightedRandom
            | Strategy::LongestIdle
            | Strategy::RingAll => self.by_strategy,
        };
        Claim {
            agent: self.agent,
            merit,
            idle_since: Duration::from_micros(self.idle_since_us),
        }
    }

    /// The same for one who runs on a clock that is so far.
    pub(crate) const fn after(self, clock: u64) -> Self {
        Self {
            by_strategy: self.by_strategy.saturating_sub(clock),
            ..self
        }
    }

    /// How long a race lasted that they won; after their clock.
    pub(crate) const fn lead(&self) -> u64 {
        self.by_strategy
    }

    pub(crate) const fn came_in_before(&self, clock: u64) -> bool {
        self.by_strategy < clock
    }
}
