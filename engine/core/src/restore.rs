//! From the journal back to state: the fold of its entries, and the checkpoint that shortens it.
//!
//! [`Durable`] is what must survive a crash. The running engine keeps one up to date by folding in every entry it
//! writes; a restart folds the last checkpoint and the entries after it into another, and both are the same
//! (invariant I8). What the restart does with it (closing calls, ending dialogs, ringing phones again) is the
//! engine's.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use acd::{Acd, Incarnation};
use minicbor::{Decode, Encode};

use crate::board::Board;
use crate::event::{AlertEnd, EndCause, EndResult, EndedBy, Event, LeftQueue};
use crate::ids::{CallId, LegId};
use crate::journal::{
    BindingKey, BindingRecord, Body, DialogRecord, Entry, NameRecord, OverrideRecord, ServedRecord,
};

/// What the journal says, without the distribution core.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Durable {
    /// Numbers given to queues and agents, in the order they were given.
    #[n(0)]
    pub names: Vec<NameRecord>,
    /// Phones' bindings.
    #[n(1)]
    pub bindings: BTreeMap<BindingKey, BindingRecord>,
    /// Overrides in force, by queue.
    #[n(2)]
    pub overrides: BTreeMap<String, OverrideRecord>,
    /// Dialogs that are up.
    #[n(3)]
    pub dialogs: BTreeMap<LegId, Box<DialogRecord>>,
    /// Calls that are up.
    #[n(4)]
    pub calls: BTreeMap<CallId, OpenCall>,
    /// Which phone each logged-in agent sits at.
    #[n(5)]
    pub seats: BTreeMap<String, Option<String>>,
    /// The centre's version that the last entry was written under.
    #[n(6)]
    pub config_version: u64,
    /// Alarms in force.
    #[n(7)]
    pub alarms: BTreeSet<String>,
    /// Live figures.
    #[cbor(n(8), default)]
    pub board: Board,
    /// Who served whom last, by the caller's number.
    #[cbor(n(9), default)]
    pub served: BTreeMap<String, ServedRecord>,
}

/// What is open about a call: each part gets its ending when the daemon stopped in the middle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct OpenCall {
    /// Its legs.
    #[n(0)]
    pub legs: BTreeSet<LegId>,
    /// Alerts that run, with their agents.
    #[n(1)]
    pub alerts: BTreeMap<u64, String>,
    /// Whether it waits in a queue.
    #[n(2)]
    pub queued: bool,
}

/// A checkpoint's body.
#[derive(Debug, Encode, Decode)]
struct Checkpoint {
    #[n(0)]
    durable: Durable,
    #[cbor(n(1), with = "minicbor::bytes")]
    acd: Vec<u8>,
}

/// A journal that cannot be made state again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// A checkpoint that does not decode.
    #[error("the checkpoint in entry {seq} cannot be read: {why}")]
    Checkpoint {
        /// Its entry.
        seq: u64,
        /// What the decoder said.
        why: String,
    },
    /// An input of the distribution core that does not decode.
    #[error("the input of the distribution core in entry {seq} cannot be read: {why}")]
    Input {
        /// Its entry.
        seq: u64,
        /// What the decoder said.
        why: String,
    },
}

/// The fold over a journal at the start.
#[derive(Debug)]
pub struct Restore {
    /// What it says so far.
    pub(crate) durable: Durable,
    /// The distribution core as it was.
    pub(crate) acd: Acd,
    /// The last entry read.
    pub(crate) last_seq: u64,
    /// The latest monotonic time in it: the engine's clock starts after this.
    pub(crate) last_mono: Duration,
    /// The UTC time of the last entry.
    pub(crate) last_utc_us: i64,
    /// Whether the journal lacks entries that no checkpoint has made good.
    pub(crate) has_gap: bool,
}

impl Restore {
    /// An empty journal.
    pub fn new() -> Self {
        let first = Incarnation {
            epoch: 0,
            node: 0,
            number: 0,
        };
        Self {
            durable: Durable::default(),
            acd: Acd::new(first),
            last_seq: 0,
            last_mono: Duration::ZERO,
            last_utc_us: 0,
            has_gap: false,
        }
    }

    /// Says that entries were lost that no checkpoint has made good: the engine then starts with an alarm.
    pub fn note_gap(&mut self) {
        self.has_gap = true;
    }

    /// Folds in the next entry. A journal may be read from its beginning or from any checkpoint.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] when the entry cannot be understood; the state is then that before it.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), RestoreError> {
        self.apply_and_hear(entry, |_| {})
    }

    /// The same; `hear` is told what the distribution core decides on it, in order.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub fn apply_and_hear(
        &mut self,
        entry: &Entry,
        mut hear: impl FnMut(acd::Output),
    ) -> Result<(), RestoreError> {
        let now = Duration::from_micros(entry.stamp.mono_us);
        match &entry.body {
            Body::Checkpoint(bytes) => {
                let broken = |why| RestoreError::Checkpoint {
                    seq: entry.seq,
                    why,
                };
                let read = |error: minicbor::decode::Error| broken(alloc::format!("{error}"));
                let checkpoint: Checkpoint = minicbor::decode(bytes).map_err(read)?;
                self.acd = Acd::decode(&checkpoint.acd)
                    .map_err(|error| broken(alloc::format!("{error}")))?;
                self.durable = checkpoint.durable;
            }
            Body::Acd(bytes) => {
                let input = minicbor::decode(bytes).map_err(|error| RestoreError::Input {
                    seq: entry.seq,
                    why: alloc::format!("{error}"),
                })?;
                self.acd.handle_input(now, input);
                while let Some(output) = self.acd.poll_output() {
                    hear(output);
                }
            }
            Body::Started { .. }
            | Body::Event(_)
            | Body::Dialog(_)
            | Body::DialogGone(_)
            | Body::Binding(_)
            | Body::BindingGone(_)
            | Body::Override(_)
            | Body::Name(_)
            | Body::Served(_)
            | Body::Unknown { .. } => self.durable.apply(entry.stamp.utc_us, &entry.body),
        }
        self.durable.config_version = entry.stamp.config_version;
        self.last_seq = entry.seq;
        self.last_mono = self.last_mono.max(now);
        self.last_utc_us = entry.stamp.utc_us;
        Ok(())
    }

    /// The figures as they were: what a view goes on with.
    pub fn board(&self) -> Board {
        self.durable.board.clone()
    }

    /// The last entry's number; 0 for an empty journal.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The latest monotonic time in the journal; the daemon's clock must start after it.
    pub fn last_mono(&self) -> Duration {
        self.last_mono
    }

    /// What it says so far, without the distribution core.
    pub fn durable(&self) -> &Durable {
        &self.durable
    }

    /// The distribution core.
    pub fn acd(&self) -> &Acd {
        &self.acd
    }

    /// What a checkpoint would hold now: equal to one that was written of the same state, byte for byte (I8).
    pub fn checkpoint(&self) -> Vec<u8> {
        self.durable.checkpoint(&self.acd)
    }

    /// A number that tells two distribution cores apart: equal for equal state (I8).
    pub fn acd_hash(&self) -> u128 {
        self.acd.state_hash()
    }
}

impl Default for Restore {
    fn default() -> Self {
        Self::new()
    }
}

impl Durable {
    /// Folds in the body of an entry. Inputs of the distribution core and checkpoints are not its business.
    pub fn apply(&mut self, utc_us: i64, body: &Body) {
        match body {
            Body::Event(event) => {
                self.apply_event(event);
                if matches!(**event, Event::DayBegan {}) {
                    self.served.retain(|_, record| record.until_us > utc_us);
                }
                self.board.apply(utc_us, event);
            }
            Body::Dialog(record) => {
                self.dialogs.insert(record.leg, record.clone());
            }
            Body::DialogGone(leg) => {
                self.dialogs.remove(leg);
            }
            Body::Binding(record) => {
                self.bindings.insert(record.key.clone(), record.clone());
            }
            Body::BindingGone(key) => {
                self.bindings.remove(key);
            }
            Body::Override(record) if record.state.is_some() => {
                self.overrides.insert(record.queue.clone(), record.clone());
            }
            Body::Override(record) => {
                self.overrides.remove(&record.queue);
            }
            Body::Name(record) => self.names.push(record.clone()),
            Body::Served(record) => {
                self.served.insert(record.number.clone(), record.clone());
            }
            Body::Started { .. } | Body::Acd(_) | Body::Checkpoint(_) | Body::Unknown { .. } => {}
        }
    }

    fn apply_event(&mut self, event: &Event) {
        match event {
            Event::CallStarted { call, .. } => {
                self.calls.insert(*call, OpenCall::default());
            }
            Event::CallEnded { call, .. } => {
                self.calls.remove(call);
            }
            Event::CallQueued { call, .. } => self.call(*call, |open| open.queued = true),
            Event::CallLeftQueue { call, .. } => self.call(*call, |open| open.queued = false),
            Event::LegStarted { call, leg, .. } => self.call(*call, |open| {
                open.legs.insert(*leg);
            }),
            Event::LegEnded { call, leg, .. } => self.call(*call, |open| {
                open.legs.remove(leg);
            }),
            Event::AlertStarted {
                alert, call, agent, ..
            } => self.call(*call, |open| {
                open.alerts.insert(*alert, agent.clone());
            }),
            Event::AlertEnded { alert, call, .. } => self.call(*call, |open| {
                open.alerts.remove(alert);
            }),
            Event::AgentLoggedIn { agent, extension } => {
                self.seats.insert(agent.clone(), extension.clone());
            }
            Event::AgentLoggedOut { agent } => {
                self.seats.remove(agent);
            }
            Event::AlarmRaised { alarm, .. } => {
                self.alarms.insert(alarm.clone());
            }
            Event::AlarmCleared { alarm } => {
                self.alarms.remove(alarm);
            }
            Event::CallAnswered { .. }
            | Event::LegRinging { .. }
            | Event::LegAnswered { .. }
            | Event::CallConnected { .. }
            | Event::CallHeld { .. }
            | Event::CallResumed { .. }
            | Event::CallDiverted { .. }
            | Event::CallReserved { .. }
            | Event::CallTransferred { .. }
            | Event::CallRecalled { .. }
            | Event::CallParked { .. }
            | Event::CallRetrieved { .. }
            | Event::CallCoded { .. }
            | Event::ServiceLevelReached { .. }
            | Event::ServiceLevelSet { .. }
            | Event::DayBegan {}
            | Event::SourceBanned { .. }
            | Event::DialRefused { .. }
            | Event::AgentChanged { .. }
            | Event::AgentRemoved { .. }
            | Event::QueueChanged { .. }
            | Event::PhoneRegistered { .. }
            | Event::PhoneUnregistered { .. }
            | Event::CentreChanged { .. } => {}
        }
    }

    fn call(&mut self, id: CallId, change: impl FnOnce(&mut OpenCall)) {
        if let Some(open) = self.calls.get_mut(&id) {
            change(open);
        }
    }

    /// A checkpoint's body, with the distribution core's state.
    pub(crate) fn checkpoint(&self, acd: &Acd) -> Vec<u8> {
        let checkpoint = Checkpoint {
            durable: self.clone(),
            acd: acd.encode(),
        };
        minicbor::to_vec(&checkpoint).expect("writing to a Vec does not fail")
    }

    /// The events that close what was open when the daemon stopped, in order.
    pub(crate) fn interruptions(&self) -> Vec<Event> {
        let cause = || EndCause {
            result: EndResult::Interrupted,
            sip_status: None,
            reason: Some("the daemon stopped during the call".into()),
        };
        let mut events = Vec::new();
        for (call, open) in &self.calls {
            let call = *call;
            events.extend(open.alerts.iter().map(|(alert, agent)| Event::AlertEnded {
                alert: *alert,
                call,
                agent: agent.clone(),
                end: AlertEnd::Withdrawn,
                sip_status: None,
            }));
            if open.queued {
                events.push(Event::CallLeftQueue {
                    call,
                    why: LeftQueue::Interrupted,
                });
            }
            events.extend(open.legs.iter().map(|leg| Event::LegEnded {
                call,
                leg: *leg,
                cause: cause(),
            }));
            events.push(Event::CallEnded {
                call,
                cause: cause(),
                by: EndedBy::System,
            });
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Direction, LegRole, Party};
    use alloc::vec;

    fn call_with_alert() -> Vec<Event> {
        vec![
            Event::CallStarted {
                call: CallId(1),
                direction: Direction::Inbound,
                caller: Party::default(),
                called: "2000".into(),
                trunk: None,
                user: None,
                vip: false,
            },
            Event::LegStarted {
                call: CallId(1),
                leg: LegId(2),
                role: LegRole::Caller,
                number: "1".into(),
                trunk: None,
                user: None,
            },
            Event::AlertStarted {
                alert: 3,
                call: CallId(1),
                agent: "ann".into(),
                queue: None,
                picked_up: false,
                choice: None,
            },
        ]
    }

    #[test]
    fn what_was_open_is_closed_once_and_then_nothing_is_open() {
        let mut durable = Durable::default();
        call_with_alert()
            .iter()
            .for_each(|event| durable.apply_event(event));
        let closing = durable.interruptions();
        assert_eq!(closing.len(), 3, "{closing:?}");
        closing.iter().for_each(|event| durable.apply_event(event));
        assert!(durable.calls.is_empty());
        assert!(durable.interruptions().is_empty());
    }

    #[test]
    fn a_checkpoint_of_before_there_were_figures_reads_too() {
        /// [`Durable`] as it was.
        #[derive(Encode)]
        struct Before(
            #[n(0)] Vec<NameRecord>,
            #[n(1)] BTreeMap<BindingKey, BindingRecord>,
            #[n(2)] BTreeMap<String, OverrideRecord>,
            #[n(3)] BTreeMap<LegId, DialogRecord>,
            #[n(4)] BTreeMap<CallId, OpenCall>,
            #[n(5)] BTreeMap<String, Option<String>>,
            #[n(6)] u64,
            #[n(7)] BTreeSet<String>,
        );
        let alarms = BTreeSet::from([String::from("ports-exhausted")]);
        let (names, bindings) = (Vec::new(), BTreeMap::new());
        let (overrides, dialogs) = (BTreeMap::new(), BTreeMap::new());
        let (calls, seats) = (BTreeMap::new(), BTreeMap::new());
        let before = Before(
            names,
            bindings,
            overrides,
            dialogs,
            calls,
            seats,
            3,
            alarms.clone(),
        );
        let bytes = minicbor::to_vec(&before).unwrap();
        let read: Durable = minicbor::decode(&bytes).unwrap();
        assert_eq!((read.config_version, read.alarms), (3, alarms));
        assert_eq!(read.board, Board::default());
    }

    #[test]
    fn a_checkpoint_reads_back() {
        let mut durable = Durable::default();
        call_with_alert()
            .iter()
            .for_each(|event| durable.apply_event(event));
        let acd = Acd::new(Incarnation {
            epoch: 1,
            node: 1,
            number: 1,
        });
        let bytes = durable.checkpoint(&acd);
        let stamp = crate::journal::Stamp {
            node: 1,
            incarnation: 1,
            mono_us: 5,
            utc_us: 5,
            config_version: 0,
            rules_version: 1,
        };
        let mut restore = Restore::new();
        let entry = Entry {
            seq: 9,
            stamp,
            body: Body::Checkpoint(bytes),
        };
        restore.apply(&entry).expect("it was just written");
        assert_eq!(restore.durable, durable);
        assert_eq!(restore.acd_hash(), acd.state_hash());
        assert_eq!(restore.last_seq(), 9);
    }
}
