//! The order of interactions (rule 1): everything in a rank is fixed when the interaction enters.

use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::ids::{AgentId, InteractionId, QueueId};
use crate::micros;

/// Where an interaction waits: a queue, or one user's own queue of direct calls (rule 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Target {
    #[n(0)]
    Queue(#[n(0)] QueueId),
    #[n(1)]
    Personal(#[n(0)] AgentId),
}

/// Strict class of an interaction, whatever the waiting time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Tier {
    #[n(0)]
    Urgent,
    #[default]
    #[n(1)]
    Normal,
    #[n(2)]
    Low,
}

/// `(tier, arrival - priority × ageing, arrival, id)`, smallest first. Comparable over all queues (rule 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Rank {
    #[n(0)]
    tier: Tier,
    /// Microseconds; before 1970 for a high priority.
    #[n(1)]
    aged: i64,
    /// Microseconds.
    #[n(2)]
    arrival: u64,
    #[n(3)]
    interaction: InteractionId,
}

impl Rank {
    #[must_use]
    pub fn new(
        interaction: InteractionId,
        tier: Tier,
        arrival: Duration,
        priority: i32,
        ageing: Duration,
    ) -> Self {
        let clamp = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX);
        let credit = clamp(micros::of(ageing)).saturating_mul(priority.into());
        let aged = clamp(micros::of(arrival)).saturating_sub(credit);
        Self {
            tier,
            aged,
            arrival: micros::of(arrival),
            interaction,
        }
    }

    /// The class it is ordered in.
    #[must_use]
    pub const fn tier(&self) -> Tier {
        self.tier
    }

    /// Arrival minus priority times ageing, in microseconds; before 1970 for a high priority.
    #[must_use]
    pub const fn aged_us(&self) -> i64 {
        self.aged
    }

    /// When it first entered a queue of this visit.
    #[must_use]
    pub const fn arrival(&self) -> Duration {
        Duration::from_micros(self.arrival)
    }

    #[must_use]
    pub const fn interaction(&self) -> InteractionId {
        self.interaction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(id: u64, tier: Tier, arrival_s: u64, priority: i32) -> Rank {
        Rank::new(
            InteractionId(id),
            tier,
            Duration::from_secs(arrival_s),
            priority,
            Duration::from_secs(10),
        )
    }

    #[test]
    fn rule_1_orders_by_tier_then_aged_arrival_then_arrival_then_id() {
        use Tier::{Low, Normal, Urgent};
        let cases = [
            (
                "earlier first",
                rank(9, Normal, 100, 0),
                rank(1, Normal, 101, 0),
            ),
            (
                "one point is worth ten seconds",
                rank(2, Normal, 109, 1),
                rank(1, Normal, 100, 0),
            ),
            (
                "and not a second more",
                rank(1, Normal, 100, 0),
                rank(2, Normal, 111, 1),
            ),
            (
                "same aged arrival: the earlier arrival",
                rank(2, Normal, 100, 0),
                rank(1, Normal, 110, 1),
            ),
            (
                "same in all: the lower id",
                rank(1, Normal, 100, 3),
                rank(2, Normal, 100, 3),
            ),
            (
                "urgent before any waiting",
                rank(2, Urgent, 9_000, -50),
                rank(1, Normal, 0, 99),
            ),
            (
                "low after any priority",
                rank(2, Normal, 9_000, -50),
                rank(1, Low, 0, 99),
            ),
            (
                "a malus counts as coming later",
                rank(2, Normal, 104, 0),
                rank(1, Normal, 100, -1),
            ),
        ];
        for (name, first, second) in cases {
            assert!(first < second, "{name}");
        }
    }

    #[test]
    fn rule_1_extreme_values_saturate_and_stay_ordered() {
        let best = Rank::new(
            InteractionId(1),
            Tier::Normal,
            Duration::MAX,
            i32::MAX,
            Duration::MAX,
        );
        let worst = Rank::new(
            InteractionId(2),
            Tier::Normal,
            Duration::MAX,
            i32::MIN,
            Duration::MAX,
        );
        assert!(best < worst);
    }
}
