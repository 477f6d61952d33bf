//! Raw counts: of stays in queues by how they ended, and the sums that averages are made of.

use imbl::OrdMap;
use minicbor::{Decode, Encode};

use super::agent::Handled;
use super::cbor;
use super::queue::Promise;
use super::service_level::Share;

const MINUTE_US: i64 = 60_000_000;
/// How many minutes are kept beside the current one.
const MINUTES: i64 = 60;

/// How a stay in a queue ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered {
        /// How long the phone rang that was answered.
        rung_us: i64,
    },
    Abandoned,
    FlowedOut,
    Ended,
    Interrupted,
}

/// Stays that are over. A stay belongs to the time in which it ended; who still waits is in none of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Outcomes {
    /// An agent took the call.
    #[n(0)]
    pub answered: u64,
    /// Of these, those who waited at most the service level's `seconds`.
    #[n(1)]
    pub answered_within: u64,
    /// The caller gave up, also while it rang at an agent.
    #[n(2)]
    pub abandoned: u64,
    /// Of these, those who waited at most the service level's `seconds`.
    #[n(3)]
    pub abandoned_within: u64,
    /// Of those who gave up, those who waited at most `short_abandon`.
    #[n(4)]
    pub short: u64,
    /// A rule sent the call elsewhere.
    #[n(5)]
    pub flowed_out: u64,
    /// We, or somebody through the API, ended the call.
    #[n(6)]
    pub ended: u64,
    /// The daemon stopped in the middle.
    #[n(7)]
    pub interrupted: u64,
}

impl Outcomes {
    /// All of them.
    pub const fn offered(&self) -> u64 {
        self.answered + self.abandoned + self.flowed_out + self.ended + self.interrupted
    }

    fn count(&mut self, waited_us: i64, outcome: Outcome, promise: Promise) {
        let within = u64::from(promise.is_within(waited_us));
        match outcome {
            Outcome::Answered { .. } => {
                self.answered += 1;
                self.answered_within += within;
            }
            Outcome::Abandoned => {
                self.abandoned += 1;
                self.abandoned_within += within;
                self.short += u64::from(promise.is_short(waited_us));
            }
            Outcome::FlowedOut => self.flowed_out += 1,
            Outcome::Ended => self.ended += 1,
            Outcome::Interrupted => self.interrupted += 1,
        }
    }

    const fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.answered_within += other.answered_within;
        self.abandoned += other.abandoned;
        self.abandoned_within += other.abandoned_within;
        self.short += other.short;
        self.flowed_out += other.flowed_out;
        self.ended += other.ended;
        self.interrupted += other.interrupted;
    }
}

/// What was counted since the day began. Lengths are microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Tally {
    /// Stays that are over.
    #[n(0)]
    pub outcomes: Outcomes,
    /// Calls that were let in, those included who waited when the day began.
    #[n(1)]
    pub offered: u64,
    /// Calls that were not let in because the queue was closed; not offered.
    #[n(2)]
    pub closed: u64,
    /// Calls that were not let in because it was full or `join_when` refused; not offered.
    #[n(3)]
    pub refused: u64,
    /// Conversations that are over, the agent's wrap-up included.
    #[n(4)]
    pub handled: u64,
    /// Callers who hung up while the agent had them on hold.
    #[n(5)]
    pub lost_on_hold: u64,
    /// How long those waited who were answered, ringing included.
    #[n(6)]
    pub waited_us: i64,
    /// How long it rang at the agents who answered.
    #[n(7)]
    pub rung_us: i64,
    /// How long those waited who gave up.
    #[n(8)]
    pub abandoned_us: i64,
    /// The talking of those handled.
    #[n(9)]
    pub talked_us: i64,
    /// The holding of those handled.
    #[n(10)]
    pub held_us: i64,
    /// The wrap-up of those handled.
    #[n(11)]
    pub wrap_up_us: i64,
    /// Callers who were told how long they would wait at most, and were answered within.
    #[n(12)]
    #[cbor(default)]
    pub told_right: u64,
    /// Those who have waited longer than they were told.
    #[n(13)]
    #[cbor(default)]
    pub told_wrong: u64,
    /// Transfers and parked calls that came back; not offered.
    #[n(14)]
    #[cbor(default)]
    pub recalls: u64,
    /// Callers who hung up while they were sent on by an agent and nobody had answered.
    #[n(15)]
    #[cbor(default)]
    pub lost_in_transfer: u64,
    /// Callers who hung up while an agent had parked them.
    #[n(16)]
    #[cbor(default)]
    pub lost_in_park: u64,
}

impl Tally {
    /// The share of callers who were answered within the time they were told; four in five is aimed at.
    pub const fn calibration(&self) -> Share {
        Share {
            part: self.told_right,
            whole: self.told_right + self.told_wrong,
        }
    }

    /// Average speed of answer, ringing included, microseconds.
    pub fn answer_us(&self) -> Option<i64> {
        average(self.waited_us, self.outcomes.answered)
    }

    /// The same without the time it rang.
    pub fn answer_without_ring_us(&self) -> Option<i64> {
        average(self.waited_us - self.rung_us, self.outcomes.answered)
    }

    /// Average time until callers gave up, microseconds.
    pub fn abandon_us(&self) -> Option<i64> {
        average(self.abandoned_us, self.outcomes.abandoned)
    }

    /// Average time of a conversation, holding and wrap-up included, microseconds.
    pub fn handle_us(&self) -> Option<i64> {
        let sum = self.talked_us + self.held_us + self.wrap_up_us;
        average(sum, self.handled)
    }

    /// Average talking, microseconds.
    pub fn talk_us(&self) -> Option<i64> {
        average(self.talked_us, self.handled)
    }

    /// Average holding, microseconds.
    pub fn hold_us(&self) -> Option<i64> {
        average(self.held_us, self.handled)
    }

    /// Average wrap-up, microseconds.
    pub fn wrap_up_us(&self) -> Option<i64> {
        average(self.wrap_up_us, self.handled)
    }

    pub(super) fn told(&mut self, right: bool) {
        self.told_right += u64::from(right);
        self.told_wrong += u64::from(!right);
    }

    pub(super) const fn handled(&mut self, handled: Handled) {
        self.handled += 1;
        self.talked_us += handled.talked_us;
        self.held_us += handled.held_us;
        self.wrap_up_us += handled.wrap_up_us;
    }
}

fn average(sum_us: i64, count: u64) -> Option<i64> {
    sum_us.checked_div(i64::try_from(count).ok()?)
}

/// What is counted of a queue, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Counts {
    /// Since the day began.
    #[n(0)]
    pub today: Tally,
    /// The last hour by minutes since the Unix epoch; those in which something ended.
    #[cbor(n(1), with = "cbor::map")]
    minutes: OrdMap<i64, Outcomes>,
}

impl Counts {
    /// What ended in the current minute and in so many before it; 60 at most.
    pub fn last_minutes(&self, now_us: i64, minutes: u8) -> Outcomes {
        let now = now_us.div_euclid(MINUTE_US);
        let first = now - i64::from(minutes);
        let mut sum = Outcomes::default();
        for (_, outcomes) in self.minutes.range(first..=now) {
            sum.add(outcomes);
        }
        sum
    }

    pub(super) fn ended(&mut self, at: i64, waited_us: i64, outcome: Outcome, promise: Promise) {
        self.today.outcomes.count(waited_us, outcome, promise);
        match outcome {
            Outcome::Answered { rung_us } => {
                self.today.waited_us += waited_us;
                self.today.rung_us += rung_us;
            }
            Outcome::Abandoned => self.today.abandoned_us += waited_us,
            Outcome::FlowedOut | Outcome::Ended | Outcome::Interrupted => {}
        }
        let minute = at.div_euclid(MINUTE_US);
        let row = self.minutes.entry(minute).or_default();
        row.count(waited_us, outcome, promise);
        self.forget_before(minute - MINUTES);
    }

    fn forget_before(&mut self, first: i64) {
        while let Some((minute, _)) = self.minutes.get_min().filter(|(minute, _)| *minute < first) {
            let minute = *minute;
            self.minutes.remove(&minute);
        }
    }

    /// Starts anew with so many who wait. The last hour goes on.
    pub(super) fn begin_day(&mut self, waiting: usize) {
        self.today = Tally {
            offered: u64::try_from(waiting).unwrap_or(u64::MAX),
            ..Tally::default()
        };
    }
}
