//! What came of a day: the same book, kept from the same decisions, whether they were made then or now.
//!
//! A stay in a queue counts to where it was and by how it ended, as in the live figures (`docs/figures.md`); in total a call counts
//! once, and anew whenever a person sends it to a queue. What came back is offered nowhere, and so counts as nothing.
//! An agent's time is contact (interaction and wrap-up), free, or neither.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use acd::{
    Acd, Activity, AgentId, AgentState, Enqueue, EntryKind, InteractionId, Output, Presence,
    QueueId, Target,
};
use engine::board::Outcomes;

use crate::day::micros;

/// What a queue promises its callers, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) within_us: u64,
    pub(crate) short_us: u64,
}

/// How a stay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// An agent took it.
    Answered(AgentId),
    /// Its caller gave up.
    Abandoned,
    /// A rule sent it elsewhere.
    SentOn,
    /// It was ended by us, or by somebody through the API.
    Ended,
    /// The daemon stopped.
    Interrupted,
    /// It was not over when the day was.
    Open,
}

/// One stay of a call in a queue, or for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stay {
    /// Where.
    pub(crate) at: Target,
    /// From when, microseconds of the engine's clock.
    pub(crate) entered_us: u64,
    /// For how long.
    pub(crate) waited_us: u64,
    /// How it ended.
    pub(crate) ending: Ending,
    /// A visit begins with it: no rule sent the call here from another queue.
    begins: bool,
    /// The call came back on this visit.
    is_recall: bool,
}

/// The counts of a queue, or of all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Stays by how they ended.
    pub(crate) outcomes: Outcomes,
    /// How long those waited who were answered, microseconds.
    pub(crate) answered_us: u64,
    /// The longest wait of all, microseconds.
    pub(crate) longest_us: u64,
}

/// An agent's day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AgentTally {
    /// Calls they took.
    pub(crate) calls: u64,
    /// With interactions and in wrap-up, microseconds.
    pub(crate) contact_us: u64,
    /// Available without anything to do, microseconds.
    pub(crate) free_us: u64,
}

/// The book of one day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    stays: BTreeMap<InteractionId, Vec<Stay>>,
    /// Those on a new visit that no queue has let in yet, and whether they come back.
    coming: BTreeMap<InteractionId, bool>,
    agents: BTreeMap<AgentId, AgentTally>,
    doing: BTreeMap<AgentId, (Doing, u64)>,
    /// Follows from every decision and when it was made.
    digest: u64,
    alerts: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Contact,
    Free,
    Else,
}

impl Doing {
    fn of(state: &AgentState) -> Self {
        match (&state.presence, state.activity) {
            (_, Activity::Busy { .. } | Activity::WrapUp { .. }) => Self::Contact,
            (Presence::Available, Activity::Idle) => Self::Free,
            (_, Activity::Idle | Activity::Alerting { .. } | Activity::OwnCall) => Self::Else,
        }
    }
}

impl Ledger {
    /// A book that begins with agents as they are.
    pub(crate) fn new(now: Duration, acd: &Acd) -> Self {
        let now_us = micros(now);
        let doing = acd
            .agents()
            .map(|agent| (agent.agent, (Doing::of(agent.state), now_us)));
        Self {
            doing: doing.collect(),
            ..Self::default()
        }
    }

    /// A call wants to wait.
    pub(crate) fn comes(&mut self, enqueue: &Enqueue) {
        let is_recall = match enqueue.kind {
            EntryKind::New => false,
            EntryKind::Recall => true,
            EntryKind::Overflow => return,
        };
        self.coming.insert(enqueue.interaction, is_recall);
    }

    /// Something was decided.
    pub(crate) fn decided(&mut self, now: Duration, output: &Output) {
        let now_us = micros(now);
        self.digest = digest(self.digest, now_us, output);
        match output {
            Output::Entered {
                interaction, to, ..
            } => {
                let coming = self.coming.remove(interaction);
                let stays = self.stays.entry(*interaction).or_default();
                let before = stays.last().is_some_and(|stay| stay.is_recall);
                stays.push(Stay {
                    at: *to,
                    entered_us: now_us,
                    waited_us: 0,
                    ending: Ending::Open,
                    begins: coming.is_some(),
                    is_recall: coming.unwrap_or(before),
                });
            }
            Output::Alert { .. } => self.alerts += 1,
            Output::Connect {
                interaction, agent, ..
            } => {
                self.agents.entry(*agent).or_default().calls += 1;
                self.close(now_us, *interaction, Ending::Answered(*agent));
            }
            Output::Divert { interaction, .. } => {
                self.close(now_us, *interaction, Ending::SentOn);
            }
            Output::AgentStateChanged { agent, state } => {
                self.does(now_us, *agent, Doing::of(state));
            }
            Output::AgentRemoved { agent } => self.does(now_us, *agent, Doing::Else),
            _ => {}
        }
    }

    /// A caller who waits is gone.
    pub(crate) fn leaves(&mut self, now: Duration, call: InteractionId, gave_up: bool) {
        let ending = if gave_up {
            Ending::Abandoned
        } else {
            Ending::Ended
        };
        self.close(micros(now), call, ending);
    }

    /// The daemon starts anew: the calls that were up are lost.
    pub(crate) fn restart(&mut self, now: Duration) {
        let open = |stays: &Vec<Stay>| stays.last().is_some_and(Stay::is_open);
        let lost = self.stays.iter().filter(|(_, stays)| open(stays));
        let lost: Vec<InteractionId> = lost.map(|(call, _)| *call).collect();
        for call in lost {
            self.close(micros(now), call, Ending::Interrupted);
        }
    }

    /// The day is over.
    pub(crate) fn end(&mut self, now: Duration) {
        let agents: Vec<AgentId> = self.doing.keys().copied().collect();
        for agent in agents {
            self.does(micros(now), agent, Doing::Else);
        }
    }

    fn close(&mut self, now_us: u64, call: InteractionId, ending: Ending) {
        let stays = self.stays.get_mut(&call);
        let open = stays.and_then(|stays| stays.last_mut());
        if let Some(stay) = open.filter(|stay| stay.is_open()) {
            stay.waited_us = now_us.saturating_sub(stay.entered_us);
            stay.ending = ending;
        }
    }

    fn does(&mut self, now_us: u64, agent: AgentId, doing: Doing) {
        let Some((before, since_us)) = self.doing.insert(agent, (doing, now_us)) else {
            return;
        };
        let row = self.agents.entry(agent).or_default();
        match before {
            Doing::Contact => row.contact_us += now_us.saturating_sub(since_us),
            Doing::Free => row.free_us += now_us.saturating_sub(since_us),
            Doing::Else => {}
        }
    }

    /// Equal for two days only if every decision was, and when.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    pub(crate) fn alerts(&self) -> u64 {
        self.alerts
    }

    /// The stays of every call, in order.
    pub(crate) fn stays(&self) -> &BTreeMap<InteractionId, Vec<Stay>> {
        &self.stays
    }

    pub(crate) fn agent(&self, agent: AgentId) -> AgentTally {
        self.agents.get(&agent).copied().unwrap_or_default()
    }

    pub(crate) fn agents(&self) -> impl Iterator<Item = AgentId> {
        self.agents.keys().copied()
    }

    /// The queues' counts, and those of all together, where a visit counts once: from its first entry to its last ending.
    pub(crate) fn tallies(
        &self,
        promise: impl Fn(QueueId) -> Promise,
    ) -> (BTreeMap<QueueId, Tally>, Tally) {
        let (mut queues, mut total) = (BTreeMap::<QueueId, Tally>::new(), Tally::default());
        let visits = self.stays.values().flat_map(|stays| visits(stays));
        for stays in visits.filter(|stays| !stays.iter().any(|stay| stay.is_recall)) {
            let mut first = None;
            let mut last = None;
            for stay in stays {
                let Target::Queue(queue) = stay.at else {
                    continue;
                };
                queues
                    .entry(queue)
                    .or_default()
                    .count(stay.waited_us, stay.ending, promise(queue));
                first = first.or(Some(stay.entered_us));
                last = Some((queue, stay));
            }
            if let (Some(first), Some((queue, stay))) = (first, last) {
                let whole_us = (stay.entered_us + stay.waited_us).saturating_sub(first);
                total.count(whole_us, stay.ending, promise(queue));
            }
        }
        (queues, total)
    }
}

/// The stays of a call, visit by visit.
fn visits(stays: &[Stay]) -> impl Iterator<Item = &[Stay]> {
    stays.chunk_by(|_, next| !next.begins)
}

impl Stay {
    const fn is_open(&self) -> bool {
        matches!(self.ending, Ending::Open)
    }
}

impl Tally {
    fn count(&mut self, waited_us: u64, ending: Ending, promise: Promise) {
        let within = u64::from(waited_us <= promise.within_us);
        let counts = &mut self.outcomes;
        match ending {
            Ending::Answered(_) => {
                counts.answered += 1;
                counts.answered_within += within;
                self.answered_us += waited_us;
            }
            Ending::Abandoned => {
                counts.abandoned += 1;
                counts.abandoned_within += within;
                let short = promise.short_us > 0 && waited_us <= promise.short_us;
                counts.short += u64::from(short);
            }
            Ending::SentOn => counts.flowed_out += 1,
            Ending::Ended => counts.ended += 1,
            Ending::Interrupted => counts.interrupted += 1,
            Ending::Open => return,
        }
        self.longest_us = self.longest_us.max(waited_us);
    }
}

/// FNV-1a over what was decided and when.
fn digest(before: u64, now_us: u64, output: &Output) -> u64 {
    let bytes = minicbor::to_vec(output).unwrap_or_default();
    let all = now_us.to_be_bytes().into_iter().chain(bytes);
    all.fold(before ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
