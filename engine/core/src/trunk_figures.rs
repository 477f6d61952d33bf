//! What passed over each trunk since the start: calls, answers, failures by code, times of response.
//!
//! Counted where it happens, a few additions each, and kept by the trunk's name as long as the centre has the trunk.
//! Figures start at zero with the daemon. Showing them is left to whoever reads them.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::net::SocketAddr;
use core::time::Duration;

use crate::call::answers::Outcome;
use crate::engine::Engine;
use crate::ids::LegId;

/// The upper ends of a histogram's buckets, in milliseconds; a last one has what took longer.
pub const BUCKETS_MS: [u64; 12] = [
    20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 180_000,
];

/// How long something took, how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// How many there are in each bucket, the last with what is beyond all.
    pub counts: [u64; BUCKETS_MS.len() + 1],
    /// All together.
    pub sum: Duration,
}

/// What passed over one trunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrunkFigures {
    /// Calls that came in.
    pub calls_in: u64,
    /// Calls that left, each try at this trunk once.
    pub calls_out: u64,
    /// Of those that came in: answered.
    pub answered_in: u64,
    /// Of those that left: answered.
    pub answered_out: u64,
    /// Calls that came in and got this final response of ours, 300 to 699.
    pub refused_in: BTreeMap<u16, u64>,
    /// Calls that left and got this final response, 300 to 699.
    pub failed_out: BTreeMap<u16, u64>,
    /// Calls that left and had no answer in time.
    pub timed_out: u64,
    /// Calls that left and could not be sent.
    pub unreachable: u64,
    /// From our INVITE to the first response.
    pub response: Times,
    /// From our INVITE to its answer.
    pub answer: Times,
    /// Messages that were sent to it again.
    pub retransmitted: u64,
    /// Calls that are up on it, both ways.
    pub legs: usize,
}

impl Times {
    /// Counts one.
    fn add(&mut self, took: Duration) {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MS.iter().position(|end| took_ms <= *end);
        let bucket = bucket.unwrap_or(BUCKETS_MS.len());
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum += took;
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The end of the bucket below which so many hundredths of all lie, in milliseconds: 50 the median, 99 all but the slowest
    /// hundredth. None where there is nothing, or it lies beyond all buckets.
    pub fn percentile_ms(&self, hundredths: u64) -> Option<u64> {
        let wanted = (self.count() * hundredths).div_ceil(100).max(1);
        let mut below = 0;
        BUCKETS_MS.iter().zip(self.counts).find_map(|(end, count)| {
            below += count;
            (below >= wanted).then_some(*end)
        })
    }
}

impl Engine {
    /// What has passed over each trunk since the start.
    pub fn trunk_figures(&self) -> BTreeMap<String, TrunkFigures> {
        let trunks = self.snapshot.centre.trunks.keys();
        let figures = |name: &String| {
            let mut figures = self.trunks.get(name).cloned().unwrap_or_default();
            figures.legs = self.index.trunk_legs.get(name).copied().unwrap_or(0);
            (name.clone(), figures)
        };
        trunks.map(figures).collect()
    }

    /// The figures of a trunk that there is.
    fn figures_of(&mut self, trunk: &str) -> Option<&mut TrunkFigures> {
        if !self.trunks.contains_key(trunk) {
            self.snapshot.centre.trunks.get(trunk)?;
            self.trunks.insert(trunk.into(), TrunkFigures::default());
        }
        self.trunks.get_mut(trunk)
    }

    /// The figures of the trunk that a leg is on.
    fn figures_of_leg(&mut self, leg: LegId) -> Option<&mut TrunkFigures> {
        let trunk = self.legs.get(&leg)?.trunk.clone()?;
        self.figures_of(&trunk)
    }

    pub(crate) fn count_call_in(&mut self, trunk: &str) {
        if let Some(figures) = self.figures_of(trunk) {
            figures.calls_in += 1;
        }
    }

    pub(crate) fn count_refused_in(&mut self, trunk: &str, status: u16) {
        if let Some(figures) = self.figures_of(trunk) {
            *figures
                .refused_in
                .entry(status.clamp(300, 699))
                .or_default() += 1;
        }
    }

    /// The same for a leg that has its call already.
    pub(crate) fn count_leg_refused(&mut self, leg: LegId, status: u16) {
        if let Some(trunk) = self.legs.get(&leg).and_then(|leg| leg.trunk.clone()) {
            self.count_refused_in(&trunk, status);
        }
    }

    pub(crate) fn count_answered_in(&mut self, leg: LegId) {
        if let Some(figures) = self.figures_of_leg(leg) {
            figures.answered_in += 1;
        }
    }

    pub(crate) fn count_call_out(&mut self, leg: LegId) {
        if let Some(figures) = self.figures_of_leg(leg) {
            figures.calls_out += 1;
        }
    }

    /// A response to our INVITE came; the first of all says how fast the trunk is.
    pub(crate) fn count_response(&mut self, leg: LegId, answered: bool) {
        let now = self.now.mono;
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let Some(sent) = found.invited_at else {
            return;
        };
        let first = !core::mem::replace(&mut found.responded, true);
        let took = now.saturating_sub(sent);
        let Some(figures) = self.figures_of_leg(leg) else {
            return;
        };
        if first {
            figures.response.add(took);
        }
        if answered {
            figures.answer.add(took);
            figures.answered_out += 1;
        }
    }

    /// A call that left by a trunk came to nothing there.
    pub(crate) fn count_failed_out(&mut self, leg: LegId, outcome: Outcome) {
        let Some(figures) = self.figures_of_leg(leg) else {
            return;
        };
        match outcome {
            Outcome::Status(status) => {
                *figures
                    .failed_out
                    .entry(status.clamp(300, 699))
                    .or_default() += 1;
            }
            Outcome::TimedOut => figures.timed_out += 1,
            Outcome::Unreachable | Outcome::Nowhere | Outcome::NoPorts => figures.unreachable += 1,
        }
    }

    /// Something was sent again, perhaps to a trunk.
    pub(crate) fn count_retransmitted(&mut self, to: SocketAddr) {
        let trunk = self.routes.trunk_of_source(to).map(String::from);
        if let Some(figures) = trunk.and_then(|trunk| self.figures_of(&trunk)) {
            figures.retransmitted += 1;
        }
    }

    /// Trunks that are gone leave no figures.
    pub(crate) fn forget_trunk_figures(&mut self) {
        let trunks = &self.snapshot.centre.trunks;
        self.trunks.retain(|name, _| trunks.contains_key(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_ends_of_their_buckets() {
        let mut times = Times::default();
        assert_eq!(times.percentile_ms(50), None);
        for took in [1, 20, 21, 150, 999] {
            times.add(Duration::from_millis(took));
        }
        let cases = [
            (0, 20),
            (40, 20),
            (41, 50),
            (60, 50),
            (80, 200),
            (99, 1_000),
            (100, 1_000),
        ];
        for (hundredths, expected) in cases {
            assert_eq!(
                times.percentile_ms(hundredths),
                Some(expected),
                "{hundredths}"
            );
        }
        times.add(Duration::from_secs(1_000));
        assert_eq!((times.percentile_ms(99), times.count()), (None, 6));
        assert_eq!(times.sum, Duration::from_millis(1_001_191));
    }
}
