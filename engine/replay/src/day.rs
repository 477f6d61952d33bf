//! What a day was, as far as it is the same whatever the centre says: who came and when, how long they were patient and talked,
//! what agents did of themselves, and how they answered what rang.
//!
//! [`DayReader`] takes the journal's entries and plays them again, so that it also knows what was decided. Every input of
//! the distribution core finds its place here: as something that comes from outside and stays as it was ([`Day::fixed`]), or as
//! what followed from a decision: the answer to an alert, the end of a talk, the next queue of a caller who was sent on.

mod reader;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use acd::config::AcdConfig;
use acd::{
    Acd, Activity, AgentChange, AgentId, AlertOutcome, Enqueue, Input, InteractionId, Presence,
    QueueId,
};
use engine::CallId;
use engine::journal::{NameRecord, OverrideRecord, ServedRecord};

pub use reader::DayReader;

use crate::outcome::{Ledger, Promise};

/// When an input came: microseconds of the engine's clock, and the number of its entry, which orders what came at one moment.
/// The last is for what has no entry.
pub(crate) type Key = (u64, u64, u32);

/// A call, and how often a person had sent it on and it came to the queues again.
pub(crate) type Visit = (InteractionId, u32);

/// A day that cannot be played against another centre.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Entries are missing in it.
    #[error("entries {first_seq} to {last_seq} are missing; begin after them")]
    Missing {
        /// The first.
        first_seq: u64,
        /// The last.
        last_seq: u64,
    },
    /// An entry that cannot be understood.
    #[error("{0}")]
    Unreadable(String),
    /// There is nothing in it.
    #[error("the journal holds nothing of that time")]
    Empty,
}

/// One day.
#[derive(Debug)]
pub struct Day {
    /// The distribution core at the beginning.
    pub(crate) acd: Vec<u8>,
    /// Whether that is a checkpoint's; else it is empty, and the journal tells of everything.
    pub(crate) goes_on: bool,
    pub(crate) begin: Key,
    pub(crate) end: Key,
    pub(crate) begin_utc_us: i64,
    pub(crate) end_utc_us: i64,
    pub(crate) names: Vec<NameRecord>,
    pub(crate) overrides: BTreeMap<String, OverrideRecord>,
    /// Who had served whom when it began.
    pub(crate) served_before: BTreeMap<String, ServedRecord>,
    /// What comes from outside, in order, with the time on the wall.
    pub(crate) fixed: Vec<(Key, i64, Fixed)>,
    pub(crate) calls: BTreeMap<Visit, CallDay>,
    /// When callers came to their next queue: the first that they were sent on to is 0.
    pub(crate) sent_on: BTreeMap<(InteractionId, u32), (Key, Enqueue)>,
    /// When rules sent calls on, to a queue or elsewhere.
    pub(crate) diverted: BTreeSet<(InteractionId, u64)>,
    /// The last moments before the daemon was killed: what should have followed in them may not have been written down.
    pub(crate) cut_off: BTreeSet<u64>,
    /// By call, agent, and how many alerts of the two there were before.
    pub(crate) alerts: BTreeMap<(InteractionId, AgentId, u32), AlertDay>,
    /// What agents did about their wrap-up, by the visit before it.
    pub(crate) wrap_ups: BTreeMap<(AgentId, Visit), WrapUpDay>,
    /// When each deadline of the distribution core was looked at.
    pub(crate) served: BTreeMap<Duration, Key>,
    /// When agents were sent on break for not answering, and for how long.
    pub(crate) no_answer: BTreeMap<(AgentId, u64), Option<u64>>,
    /// What came of it.
    pub(crate) ledger: Ledger,
    /// What its queues promised at its end.
    pub(crate) promises: BTreeMap<QueueId, Promise>,
    pub(crate) state: u128,
}

/// Something that is the same whatever the centre says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fixed {
    /// As it was.
    Input(Input),
    /// The centre was taken up: another one is, now.
    Centre,
    /// A queue was found open or closed: it is looked at now, too.
    Look { queue: QueueId, open: bool },
    /// A supervisor's override was set or taken back.
    Override(OverrideRecord),
    /// A call came to its first queue.
    Arrival(InteractionId),
}

/// One visit of a call: from its first queue until somebody has had it, or sends it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallDay {
    /// When it came to its first queue; none when it had done so before the day.
    pub(crate) arrived: Option<Key>,
    /// How it came.
    pub(crate) enqueue: Enqueue,
    /// How often rules had sent it on before.
    pub(crate) moved: u32,
    /// Who called, where that is known.
    pub(crate) caller: Option<Who>,
    /// The number of who is in it, where a person sent them on.
    pub(crate) sent_number: Option<String>,
    /// When its caller gave up, or was made to go.
    pub(crate) left: Option<Key>,
    /// Whether it was they who gave up.
    pub(crate) gave_up: bool,
    /// When and with whom it was connected.
    pub(crate) connected: Option<(u64, AgentId)>,
    /// When the agent said what it was about, while they talked.
    pub(crate) coded: Option<Key>,
    /// When the talk was over.
    pub(crate) ended: Option<Key>,
    /// When the daemon stopped in the middle of it.
    pub(crate) cut_us: Option<u64>,
    /// The last moment at which its caller is known to have been patient.
    pub(crate) seen_us: u64,
    /// When it was out of the queues last.
    pub(crate) out_us: u64,
}

/// Who called whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) number: String,
    pub(crate) called: String,
    pub(crate) user: Option<String>,
    pub(crate) vip: bool,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AlertDay {
    pub(crate) began_us: u64,
    /// What came back, in order.
    pub(crate) answers: Vec<(Key, Input)>,
    pub(crate) ended: Option<(u64, AlertOutcome)>,
}

/// One wrap-up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WrapUpDay {
    pub(crate) began_us: u64,
    /// Whether it did not end by itself.
    pub(crate) waits: bool,
    pub(crate) changes: Vec<(Key, AgentChange)>,
}

impl CallDay {
    fn new(arrived: Option<Key>, enqueue: Enqueue, caller: Option<Who>, seen_us: u64) -> Self {
        Self {
            arrived,
            enqueue,
            moved: 0,
            caller,
            sent_number: None,
            left: None,
            gave_up: false,
            connected: None,
            coded: None,
            ended: None,
            cut_us: None,
            seen_us,
            out_us: seen_us,
        }
    }

    /// The daemon stops.
    fn cut_off(&mut self, at_us: u64) {
        self.cut_us = Some(at_us);
        if self.connected.is_none() {
            self.seen_us = at_us;
        }
    }

    /// Since when its caller waits: since the visit began, as ranks count it; whom a person sent there, or who came back, since then.
    pub(crate) fn since_us(&self) -> u64 {
        match (&self.caller, self.arrived) {
            (None, Some((at_us, ..))) => at_us,
            (Some(_), _) | (None, None) => micros(self.enqueue.arrival),
        }
    }
}

impl AlertDay {
    fn new(began_us: u64) -> Self {
        Self {
            began_us,
            answers: Vec::new(),
            ended: None,
        }
    }
}

impl Day {
    /// When it began and ended, UTC microseconds.
    pub fn span_us(&self) -> (i64, i64) {
        (self.begin_utc_us, self.end_utc_us)
    }

    /// The numbers of its queues' and agents' names.
    pub fn names(&self) -> &[NameRecord] {
        &self.names
    }

    /// The core as it was at the beginning.
    pub(crate) fn core(&self) -> Option<Acd> {
        Acd::decode(&self.acd).ok()
    }

    /// The agents who logged in on that day, or were at work when it began.
    pub(crate) fn at_work(&self) -> BTreeSet<AgentId> {
        let logins = self.fixed.iter().filter_map(|(_, _, fixed)| match fixed {
            Fixed::Input(Input::AgentChanged {
                agent,
                change: AgentChange::Login { .. },
            }) => Some(*agent),
            _ => None,
        });
        let core = self.core();
        let before = core.iter().flat_map(Acd::agents);
        let present = before.filter(|agent| agent.state.presence != Presence::Offline);
        logins.chain(present.map(|agent| agent.agent)).collect()
    }
}

/// Whether they are on break because they did not answer (rule 12).
pub(crate) fn is_no_answer(presence: &Presence) -> bool {
    matches!(presence, Presence::Break(reason) if reason.as_str() == "no-answer")
}

/// Whether an agent's wrap-up lasts until they end it.
pub(crate) fn is_manual(activity: Activity) -> bool {
    matches!(activity, Activity::WrapUp { until: None })
}

/// Whether their wrap-up lasts until they do something: end it, or give a code that they owe.
pub(crate) fn waits_for_them(view: &acd::AgentView<'_>) -> bool {
    is_manual(view.state.activity) || !view.state.owes.is_empty()
}

/// Whether an agent ends a wrap-up by this, or does their part in it.
pub(crate) const fn ends_wrap_up(change: &AgentChange) -> bool {
    matches!(
        change,
        AgentChange::WrapUpEnded | AgentChange::WrapUpCutShort | AgentChange::Coded { .. }
    )
}

/// Whole microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The call that an interaction is.
pub(crate) fn call_of(id: InteractionId) -> CallId {
    CallId(id.0)
}

/// Whether a configuration is another than the one in force, which is not kept apart.
pub(crate) fn would_change(mut core: Acd, at: Duration, config: &AcdConfig) -> bool {
    let before = core.state_hash();
    core.handle_input(at, Input::ConfigChanged(Box::new(config.clone())));
    core.state_hash() != before
}
