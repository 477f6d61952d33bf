//! What came of it: every call from both sides, and the figures made of them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::sound::Heard;

/// Callers closer together than this may be served in either order: their INVITEs cross on the way.
const SAME_TIME: Duration = Duration::from_millis(50);
/// A caller of a higher rank must have been there for so long to have been overtaken.
const CLEARLY_THERE: Duration = Duration::from_secs(1);

/// All that is known, at one moment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Calls in the order they were made; the oldest ended ones may be missing.
    pub calls: Vec<CallRecord>,
    /// Calls made, those missing above included.
    pub made: u64,
    /// Attendants whose phones are registered now, or need not be.
    pub ready: usize,
    /// REGISTERs refused or lost, by status; 408 if there was no answer.
    pub register_failures: BTreeMap<u16, u64>,
    /// From an attendant's BYE to the next INVITE at them.
    pub reactions: Vec<Reaction>,
    /// Alerts answered, refused, cancelled, ignored.
    pub alerts: Alerts,
    /// Messages sent again, by either side, because no answer came in time.
    pub retransmitted: u64,
    /// Requests that came again.
    pub repeated: u64,
    /// BYEs that got no 200.
    pub byes_failed: u64,
    /// Packets that came at the sinks, if RTP goes there: callers' side, attendants' side.
    pub sink_packets: (u64, u64),
    /// When this was, on the population's clock.
    pub now: Duration,
}

/// One call, from both sides. Times are on the population's clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CallRecord {
    /// The user part of the caller's address, by which the attendant's side knows it.
    pub caller: String,
    /// What they dialled.
    pub number: String,
    /// That number's rank.
    pub rank: u8,
    /// When the INVITE left.
    pub invited: Duration,
    /// When 180 or 183 came.
    pub ringing: Option<Duration>,
    /// When 200 came: of a queue, long before anybody talks.
    pub answered: Option<Duration>,
    /// When the first attendant's phone got an INVITE for it.
    pub alerted: Option<Duration>,
    /// How many INVITEs attendants got for it.
    pub alerts: u32,
    /// When an attendant got the ACK.
    pub connected: Option<Duration>,
    /// The attendant's extension.
    pub attendant: Option<String>,
    /// Whether an attendant was free and nobody waited when it came.
    pub attendant_free: bool,
    /// When it ended at the caller.
    pub ended: Option<Duration>,
    /// How.
    pub end: CallEnd,
    /// What the caller heard.
    pub caller_heard: Heard,
    /// What the attendant heard.
    pub attendant_heard: Heard,
    /// How often the attendant held the caller.
    pub holds: u32,
}

/// How a call ended at the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallEnd {
    /// It has not.
    #[default]
    Not,
    /// The caller hung up after the talk.
    Caller,
    /// The centre hung up: the attendant did, or an announcement was over.
    Centre,
    /// The caller lost patience, or the load was stopped.
    GaveUp,
    /// Refused with that status; 408 if there was no answer.
    Refused(u16),
    /// The answer was no use, or nobody acknowledged ours.
    Fault,
}

/// An attendant was free again, and was rung again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// The extension.
    pub extension: String,
    /// From the BYE to the next INVITE.
    pub after: Duration,
    /// How many callers waited when they became free.
    pub waiting: usize,
    /// Whether the caller they were rung for was one of those.
    pub had_waited: bool,
}

/// What attendants' phones did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Alerts {
    /// INVITEs.
    pub received: u64,
    /// Answered with 200.
    pub answered: u64,
    /// Refused on purpose.
    pub refused: u64,
    /// Came while the attendant had a call: refused with 486. A centre should not let that happen.
    pub busy: u64,
    /// Cancelled by the centre.
    pub cancelled: u64,
    /// For an extension nobody has.
    pub unknown: u64,
    /// From a caller that is none of ours.
    pub foreign: u64,
}

/// Order among the callers served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Order {
    /// Callers that reached a phone before one of the same rank who had come over 50 ms earlier.
    pub overtaken: usize,
    /// By how much at worst.
    pub worst: Duration,
    /// Callers that reached a phone before one of a higher rank who had waited over a second.
    pub rank_broken: usize,
}

impl Report {
    /// Calls that reached an attendant.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.count(|call| call.connected.is_some())
    }

    /// Calls that some attendant's phone rang for.
    #[must_use]
    pub fn alerted(&self) -> usize {
        self.count(|call| call.alerted.is_some())
    }

    /// Calls that are not over.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.count(|call| call.end == CallEnd::Not)
    }

    /// Callers who gave up.
    #[must_use]
    pub fn gave_up(&self) -> usize {
        self.count(|call| call.end == CallEnd::GaveUp)
    }

    fn count(&self, is_one: impl Fn(&CallRecord) -> bool) -> usize {
        self.calls.iter().filter(|call| is_one(call)).count()
    }

    /// Calls that failed, by status; 0 for an answer that was no use.
    #[must_use]
    pub fn failures(&self) -> BTreeMap<u16, usize> {
        let mut failures = BTreeMap::new();
        for call in &self.calls {
            let status = match call.end {
                CallEnd::Refused(status) => status,
                CallEnd::Fault => 0,
                CallEnd::Not | CallEnd::Caller | CallEnd::Centre | CallEnd::GaveUp => continue,
            };
            *failures.entry(status).or_default() += 1;
        }
        failures
    }

    /// From the caller's INVITE to the attendant's, of callers who found an attendant free.
    #[must_use]
    pub fn free_arrivals(&self) -> Percentiles {
        let calls = self.calls.iter().filter(|call| call.attendant_free);
        calls.filter_map(CallRecord::until_alerted).collect()
    }

    /// From the caller's INVITE to the attendant's, of all.
    #[must_use]
    pub fn arrivals(&self) -> Percentiles {
        let calls = self.calls.iter();
        calls.filter_map(CallRecord::until_alerted).collect()
    }

    /// From an attendant's BYE to the next INVITE at them, where that is for a caller who waited already.
    #[must_use]
    pub fn reaction_times(&self) -> Percentiles {
        let meant = self.reactions.iter().filter(|one| one.had_waited);
        meant.map(|one| one.after).collect()
    }

    /// Whether callers reached phones in the order of their ranks and arrivals.
    #[must_use]
    pub fn order(&self) -> Order {
        let mut served: Vec<(Duration, Duration, u8)> = self
            .calls
            .iter()
            .filter_map(|call| Some((call.alerted?, call.invited, call.rank)))
            .collect();
        served.sort_unstable();
        let mut order = Order::default();
        // The earliest arrival of each rank among those served later than the one looked at.
        let mut later: BTreeMap<u8, Duration> = BTreeMap::new();
        for (alerted, invited, rank) in served.into_iter().rev() {
            if let Some(first) = later.get(&rank)
                && *first + SAME_TIME < invited
            {
                order.overtaken += 1;
                order.worst = order.worst.max(invited - *first);
            }
            let mut higher = later.range(rank.saturating_add(1)..);
            if higher.any(|(_, first)| *first + CLEARLY_THERE < alerted) {
                order.rank_broken += 1;
            }
            let first = later.entry(rank).or_insert(invited);
            *first = (*first).min(invited);
        }
        order
    }

    /// The time all callers together waited, answered and not yet talking.
    #[must_use]
    pub fn waited(&self) -> Duration {
        let waits = self.calls.iter().filter_map(|call| {
            let until = call.connected.or(call.ended).unwrap_or(self.now);
            Some(until.saturating_sub(call.answered?))
        });
        waits.sum()
    }
}

impl CallRecord {
    /// From its INVITE to the first one an attendant got for it.
    #[must_use]
    pub fn until_alerted(&self) -> Option<Duration> {
        Some(self.alerted?.saturating_sub(self.invited))
    }

    /// From its INVITE to the attendant's ACK.
    #[must_use]
    pub fn until_connected(&self) -> Option<Duration> {
        Some(self.connected?.saturating_sub(self.invited))
    }
}

/// Sorted lengths of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Percentiles(Vec<Duration>);

impl FromIterator<Duration> for Percentiles {
    fn from_iter<I: IntoIterator<Item = Duration>>(all: I) -> Self {
        let mut all: Vec<Duration> = all.into_iter().collect();
        all.sort_unstable();
        Self(all)
    }
}

impl Percentiles {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one below which so many in a thousand lie; 0 is the least, 1000 the greatest.
    #[must_use]
    pub fn at(&self, per_mille: usize) -> Option<Duration> {
        let place = self.0.len().saturating_mul(per_mille) / 1000;
        let last = self.0.len().checked_sub(1)?;
        self.0.get(place.min(last)).copied()
    }

    /// Half lie below it.
    #[must_use]
    pub fn median(&self) -> Option<Duration> {
        self.at(500)
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        write!(f, "n={}", self.len())?;
        for (name, per_mille) in [
            ("min", 0),
            ("median", 500),
            ("p90", 900),
            ("p99", 990),
            ("max", 1000),
        ] {
            let at = self.at(per_mille).unwrap_or_default();
            write!(f, " {name}={:.2}", 1000.0 * at.as_secs_f64())?;
        }
        f.write_str(" ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn served(calls: &[(u64, u64, u8)]) -> Report {
        let call = |(invited, alerted, rank): &(u64, u64, u8)| CallRecord {
            invited: ms(*invited),
            alerted: Some(ms(*alerted)),
            rank: *rank,
            ..CallRecord::default()
        };
        Report {
            calls: calls.iter().map(call).collect(),
            ..Report::default()
        }
    }

    #[test]
    fn order_is_judged_as_the_harness_does() {
        type Case = (&'static str, &'static [(u64, u64, u8)], (usize, u64, usize));
        let table: [Case; 6] = [
            (
                "in order",
                &[(0, 5000, 0), (100, 6000, 0), (200, 7000, 0)],
                (0, 0, 0),
            ),
            (
                "the last first",
                &[(0, 5000, 0), (100, 6000, 0), (200, 4000, 0)],
                (1, 200, 0),
            ),
            (
                "at the same time",
                &[(0, 5000, 0), (50, 4000, 0)],
                (0, 0, 0),
            ),
            (
                "a higher rank passes",
                &[(0, 5000, 0), (100, 4000, 1)],
                (0, 0, 0),
            ),
            (
                "a lower rank passes",
                &[(0, 5000, 1), (100, 4000, 0)],
                (0, 0, 1),
            ),
            (
                "the higher rank had just come",
                &[(3500, 5000, 1), (100, 4000, 0)],
                (0, 0, 0),
            ),
        ];
        for (name, calls, (overtaken, worst, rank_broken)) in table {
            let expected = Order {
                overtaken,
                worst: ms(worst),
                rank_broken,
            };
            assert_eq!(served(calls).order(), expected, "{name}");
        }
    }

    #[test]
    fn figures_count_what_they_say() {
        let mut report = served(&[(0, 10, 0), (0, 20, 0)]);
        report.calls[0].attendant_free = true;
        report.calls[0].answered = Some(ms(5));
        report.calls[0].connected = Some(ms(1005));
        report.calls[0].end = CallEnd::Centre;
        report.calls[1].answered = Some(ms(0));
        report.calls.push(CallRecord {
            end: CallEnd::Refused(486),
            ..CallRecord::default()
        });
        report.now = ms(3000);
        report.reactions = [(1, 0), (7, 2)]
            .map(|(after, waiting)| Reaction {
                extension: "a0".into(),
                after: ms(after),
                waiting,
                had_waited: waiting > 0,
            })
            .into();
        assert_eq!((report.alerted(), report.connected()), (2, 1));
        assert_eq!((report.unfinished(), report.gave_up()), (1, 0));
        assert_eq!(report.failures(), BTreeMap::from([(486, 1)]));
        assert_eq!(report.free_arrivals().median(), Some(ms(10)));
        assert_eq!(report.arrivals().len(), 2);
        assert_eq!(report.reaction_times().at(0), Some(ms(7)));
        assert_eq!(report.waited(), ms(4000));
    }

    #[test]
    fn percentiles_are_those_of_the_harness() {
        let all: Percentiles = (1..=200).map(ms).collect();
        assert_eq!(
            all.to_string(),
            "n=200 min=1.00 median=101.00 p90=181.00 p99=199.00 max=200.00 ms"
        );
        assert_eq!(Percentiles::default().to_string(), "none");
        assert_eq!(Percentiles::default().median(), None);
    }
}
