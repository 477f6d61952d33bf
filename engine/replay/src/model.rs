//! What was measured on a day, for what that day cannot tell: how patient those were who were answered, how long they
//! would have talked with somebody else, and how an agent answers a call that did not ring at them.
//!
//! Where there is enough (twenty), an agent's answers are drawn from their own and a talk from its queue's; else from
//! all. Where nothing was measured at all, the constants below stand in.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use acd::{AgentId, AlertEnd, AlertOutcome, Input, InteractionId, Target};

use crate::curve::Curve;
use crate::day::{AlertDay, Day, ends_wrap_up};
use crate::draw::{Purpose, bits, one_of};

/// So many measured are enough to draw from.
const ENOUGH: usize = 20;
/// An agent of whom and of whose colleagues nothing was seen answers after 5 s.
const ANSWERS_AFTER_US: u64 = 5_000_000;
/// A talk, where none was seen: 3 minutes.
const TALK_US: u64 = 180_000_000;
/// A wrap-up that an agent ends, where none was seen: a minute.
const WRAP_UP_US: u64 = 60_000_000;
/// How long somebody stays away who did not answer, where none was seen: a minute.
const BREAK_US: u64 = 60_000_000;

/// How one alert went: microseconds from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// When the phone began to ring; none: it never did.
    pub(crate) rings_us: Option<u64>,
    /// What came back, and when; none: nothing, it rang out.
    pub(crate) end: Option<(u64, AlertEnd)>,
}

/// What was measured.
#[derive(Debug, Clone)]
pub struct Model {
    patience: Pool<Target, Curve>,
    talks: Pool<Target, Vec<u64>>,
    answers: Pool<AgentId, Vec<Answer>>,
    wrap_ups: Pool<AgentId, Vec<u64>>,
    breaks: Vec<u64>,
}

/// Somebody's own measurements, where they are enough, and everybody's.
#[derive(Debug, Clone)]
struct Pool<K, T> {
    own: BTreeMap<K, T>,
    all: T,
}

impl<K: Ord, T> Pool<K, T> {
    fn of(&self, key: &K) -> &T {
        self.own.get(key).unwrap_or(&self.all)
    }
}

impl<K: Ord + Copy, T: Clone> Pool<K, Vec<T>> {
    /// Sorted by `by`, so that what is longer than something is a part of it.
    fn sorted<B: Ord>(measured: &[(K, T)], by: impl Fn(&T) -> B) -> Self {
        let mut own: BTreeMap<K, Vec<T>> = BTreeMap::new();
        for (key, value) in measured {
            own.entry(*key).or_default().push(value.clone());
        }
        own.retain(|_, values| values.len() >= ENOUGH);
        let mut all: Vec<T> = measured.iter().map(|(_, value)| value.clone()).collect();
        all.sort_by_key(&by);
        own.values_mut().for_each(|values| values.sort_by_key(&by));
        Self { own, all }
    }
}

impl Model {
    /// Measures a day.
    pub fn measured(day: &Day) -> Self {
        let waits = waits(day);
        let mut patience = Pool {
            own: BTreeMap::new(),
            all: Curve::measured(waits.iter().map(|(_, wait, gave_up)| (*wait, *gave_up))),
        };
        let mut by_queue: BTreeMap<Target, Vec<(u64, bool)>> = BTreeMap::new();
        for (at, wait, gave_up) in waits {
            by_queue.entry(at).or_default().push((wait, gave_up));
        }
        for (at, waits) in by_queue {
            let curve = Curve::measured(waits);
            if curve.given_up() >= ENOUGH {
                patience.own.insert(at, curve);
            }
        }
        let answers: Vec<(AgentId, Answer)> = day
            .alerts
            .iter()
            .filter_map(|((_, agent, _), alert)| Some((*agent, Answer::of(alert)?)))
            .collect();
        Self {
            patience,
            talks: Pool::sorted(&talks(day), |talk| *talk),
            answers: Pool::sorted(&answers, |answer| answer.is_over_us()),
            wrap_ups: Pool::sorted(&wrap_ups(day), |length| *length),
            breaks: day
                .no_answer
                .values()
                .filter_map(|length| *length)
                .collect(),
        }
    }

    /// The curve of patience over all queues.
    pub fn patience(&self) -> &Curve {
        &self.patience.all
    }

    /// How long a caller is patient who has been so for `waited_us`; none: longer than anybody who was measured.
    pub(crate) fn patience_of(
        &self,
        seed: u64,
        call: InteractionId,
        at: Target,
        waited_us: u64,
    ) -> Option<u64> {
        let bits = bits(seed, Purpose::Patience, [call.0, 0, 0]);
        self.patience.of(&at).draw(waited_us, bits)
    }

    /// How long a call takes that took `at_least_us`.
    pub(crate) fn talk(&self, seed: u64, call: InteractionId, at: Target, at_least_us: u64) -> u64 {
        let bits = bits(seed, Purpose::Talk, [call.0, 0, 0]);
        let longer = |all: &'_ [u64]| all.partition_point(|talk| *talk <= at_least_us);
        let talks = self.talks.of(&at);
        let drawn = one_of(bits, &talks[longer(talks)..]);
        drawn
            .copied()
            .unwrap_or_else(|| at_least_us.saturating_add(TALK_US))
    }

    /// How an agent answers an alert that has gone without an answer for `silent_us`.
    pub(crate) fn answer(
        &self,
        seed: u64,
        alert: (InteractionId, AgentId, u32),
        silent_us: u64,
    ) -> Answer {
        let (call, agent, nth) = alert;
        let bits = bits(seed, Purpose::Answer, [call.0, agent.0.into(), nth.into()]);
        let answers = self.answers.of(&agent);
        let later = answers.partition_point(|answer| answer.is_over_us() <= silent_us);
        let drawn = one_of(bits, &answers[later..]);
        drawn.copied().unwrap_or_else(|| {
            let after_us = silent_us.saturating_add(ANSWERS_AFTER_US);
            Answer {
                rings_us: Some(0),
                end: answers.is_empty().then_some((after_us, AlertEnd::Accepted)),
            }
        })
    }

    /// When an agent ends a wrap-up that they have to end themselves.
    pub(crate) fn wrap_up(&self, seed: u64, agent: AgentId, call: InteractionId) -> u64 {
        let bits = bits(seed, Purpose::WrapUp, [call.0, agent.0.into(), 0]);
        let drawn = one_of(bits, self.wrap_ups.of(&agent));
        drawn.copied().unwrap_or(WRAP_UP_US)
    }

    /// How long an agent stays away who did not answer.
    pub(crate) fn away(&self, seed: u64, agent: AgentId, nth: u64) -> u64 {
        let bits = bits(seed, Purpose::Break, [agent.0.into(), nth, 0]);
        one_of(bits, &self.breaks).copied().unwrap_or(BREAK_US)
    }
}

/// Where callers came first, how long they are known to have been patient, and whether they lost it then.
fn waits(day: &Day) -> Vec<(Target, u64, bool)> {
    let calls = day.calls.values();
    let came = calls.filter(|call| call.arrived.is_some());
    came.map(|call| {
        let waited = call.seen_us.saturating_sub(call.since_us());
        (call.enqueue.to, waited, call.gave_up)
    })
    .collect()
}

fn talks(day: &Day) -> Vec<(Target, u64)> {
    let talk = |call: &crate::day::CallDay| {
        let (since_us, _) = call.connected?;
        let (ended_us, ..) = call.ended?;
        // Of one that had begun before the day nobody knows how long it took.
        call.arrived?;
        Some((call.enqueue.to, ended_us.saturating_sub(since_us)))
    };
    day.calls.values().filter_map(talk).collect()
}

fn wrap_ups(day: &Day) -> Vec<(AgentId, u64)> {
    let length = |wrap_up: &crate::day::WrapUpDay| {
        let mut changes = wrap_up.changes.iter().rev();
        let (key, _) = changes.find(|(_, change)| ends_wrap_up(change))?;
        Some(key.0.saturating_sub(wrap_up.began_us))
    };
    let all = day.wrap_ups.iter();
    all.filter_map(|((agent, _), wrap_up)| Some((*agent, length(wrap_up)?)))
        .collect()
}

impl Answer {
    /// None where the alert was taken back before anybody could know.
    fn of(alert: &AlertDay) -> Option<Self> {
        let (_, how) = alert.ended?;
        if matches!(how, AlertOutcome::Withdrawn(_)) {
            return None;
        }
        let after = |at_us: u64| at_us.saturating_sub(alert.began_us);
        let mut answer = Self {
            rings_us: None,
            end: None,
        };
        for ((at_us, ..), input) in &alert.answers {
            match input {
                Input::AlertRinging { .. } => answer.rings_us = Some(after(*at_us)),
                Input::AlertEnded { end, .. } if answer.end.is_none() => {
                    answer.end = Some((after(*at_us), *end));
                }
                _ => {}
            }
        }
        if matches!(how, AlertOutcome::TimedOut) {
            answer.end = None;
        }
        Some(answer)
    }

    /// What rings out is over when nobody waits for it any more.
    fn is_over_us(&self) -> u64 {
        self.end.map_or(u64::MAX, |(after_us, _)| after_us)
    }
}
