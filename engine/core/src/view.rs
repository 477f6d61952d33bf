//! What readers see: persistent maps folded from events.
//!
//! The daemon's projection thread applies every event to its [`View`] and publishes the result behind an
//! atomic pointer; a reader takes the whole picture with one load, and picture and sequence number are one value.
//! Cloning shares structure, so a snapshot costs a few pointers. Nothing here asks the engine anything.

use alloc::string::String;
use alloc::vec::Vec;

use imbl::{OrdMap, OrdSet};
use serde::Serialize;

use crate::board::Board;
use crate::command::OverrideState;
use crate::event::{Activity, AlertEnd, Device, Direction, Event, LegRole, Party, Presence, Rank};
use crate::ids::{CallId, LegId};

/// All that is shown live, as of event `seq`.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The last event that is in it.
    pub seq: u64,
    /// Agents by user name.
    pub agents: OrdMap<String, AgentRow>,
    /// Queues by name.
    pub queues: OrdMap<String, QueueRow>,
    /// Calls that are up.
    pub calls: OrdMap<CallId, CallRow>,
    /// Phones' bindings by extension, then contact.
    pub phones: OrdMap<String, OrdMap<String, i64>>,
    /// Alarms in force: word and text.
    pub alarms: OrdMap<String, String>,
    /// The centre's version.
    pub centre_version: u64,
    /// Live figures.
    pub board: Board,
}

/// An agent, as [`Event::AgentChanged`] says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentRow {
    /// Presence.
    pub presence: Presence,
    /// Why on break.
    pub reason: Option<String>,
    /// What they are doing.
    pub activity: Activity,
    /// The presence that takes effect after the interaction in hand.
    pub pending: Option<Presence>,
    /// The phone they sit at.
    pub extension: Option<String>,
    /// Whether that phone can be rung.
    pub device: Device,
    /// Since when, UTC microseconds.
    pub since_us: i64,
    /// The call they have.
    pub call: Option<CallId>,
    /// The queues of theirs that they have left until they log out.
    pub left_queues: Vec<String>,
    /// The calls of theirs that still lack the wrap-up code their queue requires, oldest first.
    pub codes_due: Vec<CallId>,
}

/// A queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueRow {
    /// Whether it takes new calls.
    pub open: bool,
    /// The override in force.
    pub override_state: Option<OverrideState>,
    /// When that ends, UTC microseconds.
    pub override_until_us: Option<i64>,
    /// When the queue opens or closes next, UTC microseconds.
    pub next_change_us: Option<i64>,
    /// Those waiting, in order.
    pub waiting: OrdSet<(Rank, CallId)>,
}

/// A call that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// Which way.
    pub direction: Direction,
    /// Who calls.
    pub caller: Party,
    /// What they dialled.
    pub called: String,
    /// The trunk it came in by.
    pub trunk: Option<String>,
    /// The user whose phone or click started it.
    pub user: Option<String>,
    /// Whether a directory entry marks the caller as a VIP.
    pub vip: bool,
    /// When it started, UTC microseconds.
    pub started_us: i64,
    /// When the caller's leg was answered.
    pub answered_us: Option<i64>,
    /// Where it waits.
    pub queued: Option<Queued>,
    /// The queue it was last in.
    pub queue: Option<String>,
    /// The user it is connected to, and since when.
    pub connected: Option<(Option<String>, i64)>,
    /// Agents being alerted for it, by alert number.
    pub alerts: OrdMap<u64, String>,
    /// Agents who rejected it where it waits (rule 11).
    pub rejected_by: OrdSet<String>,
    /// Its legs.
    pub legs: OrdMap<LegId, LegRow>,
    /// The legs that hold the other.
    pub held_by: OrdSet<LegId>,
    /// Where it was sent by a person and nobody has it yet, as a destination is written.
    pub sent_to: Option<String>,
    /// Who had sent it before it came back; until somebody has it.
    pub recall_from: Option<String>,
    /// Where it is parked.
    pub parked: Option<Parked>,
    /// The users who have had it.
    pub had_by: OrdSet<String>,
    /// What an agent who has had it says it is about.
    pub coded: Option<Coded>,
}

/// How a call is parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The slot.
    pub slot: u32,
    /// Who parked it; none: a rule did.
    pub by: Option<String>,
    /// Their park location then.
    pub location: Option<String>,
    /// Since when, UTC microseconds.
    pub since_us: i64,
}

impl Parked {
    /// Whether somebody of that location sees it: what they parked themselves, what somebody of their location parked, and what a
    /// rule did.
    pub fn is_seen_by(&self, username: &str, location: Option<&str>) -> bool {
        sees_parked(
            self.by.as_deref(),
            self.location.as_deref(),
            username,
            location,
        )
    }
}

/// The same for what `by` parked at `place`.
pub(crate) fn sees_parked(
    by: Option<&str>,
    place: Option<&str>,
    username: &str,
    location: Option<&str>,
) -> bool {
    by.is_none_or(|by| by == username || place == location)
}

/// A wrap-up code that a call has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coded {
    /// Its category.
    pub category: String,
    /// The code.
    pub code: String,
    /// More in the agent's own words.
    pub text: Option<String>,
    /// The agent's user name.
    pub agent: String,
    /// When they said so, UTC microseconds.
    pub at_us: i64,
}

impl Coded {
    /// What an event says; none where it takes the code back.
    pub fn of(at_us: i64, event: &Event) -> Option<Self> {
        let Event::CallCoded {
            agent,
            category,
            code,
            text,
            ..
        } = event
        else {
            return None;
        };
        Some(Self {
            category: category.clone().unwrap_or_default(),
            code: code.clone()?,
            text: text.clone(),
            agent: agent.clone(),
            at_us,
        })
    }
}

/// Where and how a call waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The queue; none for a direct call.
    pub queue: Option<String>,
    /// The user a direct call waits for.
    pub user: Option<String>,
    /// Its place in the order.
    pub rank: Rank,
    /// Priority points.
    pub priority: i32,
    /// When it entered this queue, UTC microseconds.
    pub entered_us: i64,
    /// When it first entered any queue of this visit, UTC microseconds.
    pub arrival_us: i64,
    /// The agent it is held for: nobody else gets it.
    pub held_for: Option<String>,
    /// The same, where they asked for it.
    pub reserved_by: Option<String>,
    /// Within how many seconds of entry it was likely to be answered, as was said then.
    pub estimate_seconds: Option<u32>,
}

impl Queued {
    /// How long it will still wait at most, as was said at its entry, in microseconds: never more than said before.
    pub fn estimate_us(&self, now_us: i64) -> Option<i64> {
        let told_us = i64::from(self.estimate_seconds?) * 1_000_000;
        Some((self.entered_us + told_us - now_us).max(0))
    }
}

/// A leg of a call that is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LegRow {
    /// Its part.
    pub role: LegRole,
    /// The number or extension at its far end.
    pub number: String,
    /// The trunk it goes over.
    pub trunk: Option<String>,
    /// The user at its far end.
    pub user: Option<String>,
    /// Where it is.
    pub state: LegState,
}

/// Where a leg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegState {
    /// Being called.
    Calling,
    /// The far end rings.
    Ringing,
    /// Answered.
    Up,
}

impl View {
    /// A view that goes on with the figures of before a restart; all else is told anew.
    pub fn resume(board: Board) -> Self {
        Self {
            board,
            ..Self::default()
        }
    }

    /// Folds one event in. Events come in the order of their numbers, each once.
    pub fn apply(&mut self, seq: u64, utc_us: i64, event: &Event) {
        self.seq = seq;
        self.board.apply(utc_us, event);
        match event {
            Event::CallStarted {
                call,
                direction,
                caller,
                called,
                trunk,
                user,
                vip,
            } => {
                self.calls.insert(
                    *call,
                    CallRow {
                        direction: *direction,
                        caller: caller.clone(),
                        called: called.clone(),
                        trunk: trunk.clone(),
                        user: user.clone(),
                        vip: *vip,
                        started_us: utc_us,
                        answered_us: None,
                        queued: None,
                        queue: None,
                        connected: None,
                        alerts: OrdMap::new(),
                        rejected_by: OrdSet::new(),
                        legs: OrdMap::new(),
                        held_by: OrdSet::new(),
                        sent_to: None,
                        recall_from: None,
                        parked: None,
                        had_by: OrdSet::new(),
                        coded: None,
                    },
                );
            }
            Event::CallAnswered { call } => self.call(*call, |row| row.answered_us = Some(utc_us)),
            Event::CallQueued {
                call,
                queue,
                user,
                rank,
                priority,
                arrival_us,
                estimate_seconds,
            } => {
                let queued = Queued {
                    queue: queue.clone(),
                    user: user.clone(),
                    rank: *rank,
                    priority: *priority,
                    entered_us: utc_us,
                    arrival_us: *arrival_us,
                    held_for: None,
                    reserved_by: None,
                    estimate_seconds: *estimate_seconds,
                };
                self.call_queued(*call, queued);
            }
            Event::CallLeftQueue { call, .. } => self.call_left_queue(*call),
            Event::CallReserved {
                call,
                by,
                sticky,
                recall,
            } => self.call(*call, |row| {
                if let Some(queued) = &mut row.queued {
                    queued.held_for.clone_from(by);
                    queued.reserved_by = by.clone().filter(|_| !sticky && !recall);
                }
            }),
            Event::LegStarted {
                call,
                leg,
                role,
                number,
                trunk,
                user,
            } => {
                let row = LegRow {
                    role: *role,
                    number: number.clone(),
                    trunk: trunk.clone(),
                    user: user.clone(),
                    state: LegState::Calling,
                };
                self.call(*call, |call| {
                    call.legs.insert(*leg, row);
                });
            }
            Event::LegRinging { call, leg } => self.leg(*call, *leg, LegState::Ringing),
            Event::LegAnswered { call, leg } => self.leg(*call, *leg, LegState::Up),
            Event::LegEnded { call, leg, .. } => self.call(*call, |row| {
                row.legs.remove(leg);
            }),
            Event::AlertStarted {
                alert, call, agent, ..
            } => self.call(*call, |row| {
                row.alerts.insert(*alert, agent.clone());
            }),
            Event::AlertEnded {
                alert,
                call,
                agent,
                end,
                ..
            } => self.call(*call, |row| {
                row.alerts.remove(alert);
                if *end == AlertEnd::Rejected {
                    row.rejected_by.insert(agent.clone());
                }
            }),
            Event::CallConnected { call, user, .. } => {
                self.call(*call, |row| {
                    row.connected = Some((user.clone(), utc_us));
                    row.had_by.extend(user.clone());
                    row.sent_to = None;
                    row.recall_from = None;
                    row.parked = None;
                });
            }
            Event::CallHeld { call, by } => self.call(*call, |row| {
                row.held_by.insert(*by);
            }),
            Event::CallResumed { call, by } => self.call(*call, |row| {
                row.held_by.remove(by);
            }),
            Event::CallTransferred {
                call, to, party, ..
            } => self.call(*call, |row| {
                row.connected = None;
                row.caller = party.clone();
                row.sent_to = Some(to.clone());
            }),
            Event::CallRecalled { call, from, .. } => self.call(*call, |row| {
                row.sent_to = None;
                row.parked = None;
                row.recall_from.clone_from(from);
            }),
            Event::CallParked {
                call,
                slot,
                by,
                location,
                party,
            } => {
                let parked = Parked {
                    slot: *slot,
                    by: by.clone(),
                    location: location.clone(),
                    since_us: utc_us,
                };
                self.call(*call, |row| {
                    row.connected = None;
                    row.caller = party.clone();
                    row.parked = Some(parked);
                });
            }
            Event::CallRetrieved { call, .. } => self.call(*call, |row| row.parked = None),
            Event::CallEnded { call, .. } => {
                self.unqueue(*call);
                self.calls.remove(call);
            }
            Event::AgentChanged {
                agent,
                presence,
                reason,
                activity,
                pending,
                extension,
                device,
                since_us,
                call,
                left_queues,
                codes_due,
            } => {
                let row = AgentRow {
                    presence: *presence,
                    reason: reason.clone(),
                    activity: *activity,
                    pending: *pending,
                    extension: extension.clone(),
                    device: *device,
                    since_us: *since_us,
                    call: *call,
                    left_queues: left_queues.clone(),
                    codes_due: codes_due.clone(),
                };
                self.agents.insert(agent.clone(), row);
            }
            Event::AgentRemoved { agent } => {
                self.agents.remove(agent);
            }
            Event::CallCoded { call, .. } => {
                self.call(*call, |row| row.coded = Coded::of(utc_us, event));
            }
            Event::QueueChanged {
                queue,
                open,
                override_state,
                override_until_us,
                next_change_us,
            } => {
                let row = self.queues.entry(queue.clone()).or_default();
                row.open = *open;
                row.override_state = *override_state;
                row.override_until_us = *override_until_us;
                row.next_change_us = *next_change_us;
            }
            Event::PhoneRegistered {
                extension,
                contact,
                expires_us,
            } => {
                let bindings = self.phones.entry(extension.clone()).or_default();
                bindings.insert(contact.clone(), *expires_us);
            }
            Event::PhoneUnregistered { extension, contact } => {
                self.phone_unregistered(extension, contact)
            }
            Event::CentreChanged { version, changes } => {
                self.centre_version = *version;
                for queue in changes.iter().filter(|change| change.removes("queues")) {
                    self.queues.remove(&queue.name);
                }
            }
            Event::AlarmRaised { alarm, text } => {
                self.alarms.insert(alarm.clone(), text.clone());
            }
            Event::AlarmCleared { alarm } => {
                self.alarms.remove(alarm);
            }
            Event::CallDiverted { .. }
            | Event::ServiceLevelReached { .. }
            | Event::ServiceLevelSet { .. }
            | Event::DayBegan {}
            | Event::SourceBanned { .. }
            | Event::DialRefused { .. }
            | Event::AgentLoggedIn { .. }
            | Event::AgentLoggedOut { .. } => {}
        }
    }

    /// Those waiting in these queues together, and directly for `user`, in rank order (rule 5).
    pub fn waiting(&self, queues: &[String], user: Option<&str>) -> Vec<CallId> {
        let mut all: Vec<(Rank, CallId)> = queues
            .iter()
            .filter_map(|name| self.queues.get(name))
            .flat_map(|row| row.waiting.iter().copied())
            .collect();
        if let Some(user) = user {
            all.extend(self.calls.iter().filter_map(|(id, row)| {
                let queued = row.queued.as_ref()?;
                (queued.user.as_deref() == Some(user)).then_some((queued.rank, *id))
            }));
        }
        all.sort_unstable();
        all.into_iter().map(|(_, id)| id).collect()
    }

    fn call(&mut self, id: CallId, change: impl FnOnce(&mut CallRow)) {
        if let Some(row) = self.calls.get_mut(&id) {
            change(row);
        }
    }

    fn leg(&mut self, call: CallId, leg: LegId, state: LegState) {
        self.call(call, |row| {
            if let Some(leg) = row.legs.get_mut(&leg) {
                leg.state = state;
            }
        });
    }

    fn call_queued(&mut self, call: CallId, mut queued: Queued) {
        let before = self
            .unqueue(call)
            .filter(|before| before.queue == queued.queue && before.user == queued.user);
        if let Some(before) = before {
            queued.entered_us = before.entered_us;
            queued.held_for = before.held_for;
            queued.reserved_by = before.reserved_by;
            queued.estimate_seconds = before.estimate_seconds;
        }
        if let Some(name) = &queued.queue {
            let row = self.queues.entry(name.clone()).or_default();
            row.waiting.insert((queued.rank, call));
        }
        self.call(call, |row| {
            row.queue.clone_from(&queued.queue);
            row.queued = Some(queued);
            row.sent_to = None;
        });
    }

    fn call_left_queue(&mut self, call: CallId) {
        self.unqueue(call);
        self.call(call, |row| row.rejected_by = OrdSet::new());
    }

    fn unqueue(&mut self, call: CallId) -> Option<Queued> {
        let queued = self.calls.get_mut(&call)?.queued.take()?;
        if let Some(row) = queued
            .queue
            .as_ref()
            .and_then(|name| self.queues.get_mut(name))
        {
            row.waiting.remove(&(queued.rank, call));
        }
        Some(queued)
    }

    fn phone_unregistered(&mut self, extension: &str, contact: &str) {
        let Some(bindings) = self.phones.get_mut(extension) else {
            return;
        };
        bindings.remove(contact);
        if bindings.is_empty() {
            self.phones.remove(extension);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EndCause, EndResult, LeftQueue};
    use alloc::vec;

    fn started(call: u64) -> Event {
        Event::CallStarted {
            call: CallId(call),
            direction: Direction::Inbound,
            caller: Party {
                number: "+31201".into(),
                name: None,
            },
            called: "2000".into(),
            trunk: Some("pbx".into()),
            user: None,
            vip: false,
        }
    }

    fn queued(call: u64, key_us: i64) -> Event {
        Event::CallQueued {
            call: CallId(call),
            queue: Some("support".into()),
            user: None,
            rank: Rank {
                tier: 1,
                key_us,
                arrival_us: key_us,
                id: call,
            },
            priority: 0,
            arrival_us: key_us,
            estimate_seconds: None,
        }
    }

    fn fold(events: &[Event]) -> View {
        let mut view = View::default();
        for (seq, event) in (1..).zip(events) {
            view.apply(seq, 1_000_000 * i64::try_from(seq).unwrap(), event);
        }
        view
    }

    #[test]
    fn those_waiting_stand_in_rank_order() {
        let view = fold(&[started(1), started(2), queued(1, 20), queued(2, 10)]);
        assert_eq!(
            view.waiting(&["support".into()], None),
            [CallId(2), CallId(1)]
        );
        assert_eq!(view.seq, 4);
    }

    #[test]
    fn a_call_ranked_anew_is_still_one_call() {
        let view = fold(&[started(1), queued(1, 20), queued(1, 10)]);
        assert_eq!(view.waiting(&["support".into()], None), [CallId(1)]);
        assert_eq!(view.board.queues["support"].counts.today.offered, 1);
        let row = view.calls[&CallId(1)].queued.as_ref().unwrap();
        assert_eq!((row.rank.key_us, row.entered_us), (10, 2_000_000));
    }

    #[test]
    fn a_reservation_is_shown_while_the_call_waits() {
        let reserved = |by: Option<&str>| Event::CallReserved {
            call: CallId(1),
            by: by.map(Into::into),
            sticky: false,
            recall: false,
        };
        let by = |events: &[Event]| {
            let view = fold(events);
            let queued = view.calls[&CallId(1)].queued.clone();
            queued.and_then(|queued| queued.reserved_by)
        };
        let mut events = vec![started(1), queued(1, 20), reserved(Some("ann"))];
        assert_eq!(by(&events).as_deref(), Some("ann"));
        events.push(queued(1, 10));
        assert_eq!(by(&events).as_deref(), Some("ann"), "ranked anew");
        events.push(reserved(None));
        assert_eq!(by(&events), None);
    }

    #[test]
    fn a_call_leaves_nothing_behind() {
        let left = Event::CallLeftQueue {
            call: CallId(1),
            why: LeftQueue::Abandoned,
        };
        let cause = EndCause {
            result: EndResult::Abandoned,
            sip_status: None,
            reason: None,
        };
        let ended = Event::CallEnded {
            call: CallId(1),
            cause,
            by: crate::event::EndedBy::Caller,
        };
        let view = fold(&[started(1), queued(1, 10), left, ended]);
        assert!(view.calls.is_empty());
        assert!(view.waiting(&["support".into()], None).is_empty());
    }
}
