//! The fold from events to the rows of history. Pure: rows in, events in, changed rows out.
//!
//! A call is kept from `CallStarted` to `CallEnded`; its row is complete with the latter, and nothing changes it
//! afterwards. What is not complete stands in the tables as a row without an end, from which the next start goes on.
//!
//! **A call's clock.** All times of a call are its start in UTC plus the monotonic time since, so that a clock that is
//! set while people talk changes neither the order of the times nor any length. After a restart the monotonic clock
//! has a new origin; lengths over it are as good as the machine's clock was, and never negative.

use std::collections::BTreeMap;

use engine::event::{Activity, AlertEnd, EndCause, EndResult, EndedBy, Event, Presence};
use engine::journal::{Body, Stamp};
use engine::{CallId, LegId};

use super::record::{AlertRecord, CallRecord, CodeRecord, LegRecord, SessionRecord, StateRecord};

/// What the fold is still working on, and what it changed.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    calls: BTreeMap<CallId, OpenCall>,
    sessions: BTreeMap<String, SessionRecord>,
    states: BTreeMap<String, StateRecord>,
    changes: Changes,
}

/// Rows that changed since they were last taken, each as it is now.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) calls: BTreeMap<CallId, (CallRecord, Marks)>,
    pub(crate) legs: BTreeMap<LegId, LegRecord>,
    pub(crate) alerts: BTreeMap<(CallId, u64), AlertRecord>,
    pub(crate) sessions: BTreeMap<u64, SessionRecord>,
    pub(crate) states: BTreeMap<u64, StateRecord>,
    pub(crate) codes: BTreeMap<CallId, CodeRecord>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
            && self.legs.is_empty()
            && self.alerts.is_empty()
            && self.sessions.is_empty()
            && self.states.is_empty()
            && self.codes.is_empty()
    }

    /// Adds what changed later.
    pub(crate) fn merge(&mut self, later: Self) {
        self.calls.extend(later.calls);
        self.legs.extend(later.legs);
        self.alerts.extend(later.alerts);
        self.sessions.extend(later.sessions);
        self.states.extend(later.states);
        self.codes.extend(later.codes);
    }
}

/// What a call's row holds besides what is shown of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    /// The monotonic clock at the call's start.
    pub(crate) clock_us: i64,
    /// Since when it waits.
    pub(crate) waiting_since_us: Option<i64>,
    /// Since when somebody holds it.
    pub(crate) held_since_us: Option<i64>,
    /// How many sides hold the other.
    pub(crate) holds: i64,
}

/// A call that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenCall {
    pub(crate) record: CallRecord,
    pub(crate) marks: Marks,
    pub(crate) legs: BTreeMap<LegId, LegRecord>,
    pub(crate) alerts: BTreeMap<u64, AlertRecord>,
}

impl Fold {
    /// Goes on from the rows without an end.
    pub(crate) fn resume(
        calls: impl IntoIterator<Item = OpenCall>,
        sessions: impl IntoIterator<Item = SessionRecord>,
        states: impl IntoIterator<Item = StateRecord>,
    ) -> Self {
        Self {
            calls: calls
                .into_iter()
                .map(|call| (call.record.id, call))
                .collect(),
            sessions: sessions
                .into_iter()
                .map(|session| (session.agent.clone(), session))
                .collect(),
            states: states
                .into_iter()
                .map(|state| (state.agent.clone(), state))
                .collect(),
            changes: Changes::default(),
        }
    }

    /// Folds one entry in. Entries come in the order of their numbers, each once.
    pub(crate) fn apply(&mut self, seq: u64, stamp: &Stamp, body: &Body) {
        match body {
            Body::Started { .. } => self.close_orphans(seq, stamp),
            Body::Event(event) => self.event(seq, stamp, event),
            Body::Acd(_)
            | Body::Dialog(_)
            | Body::DialogGone(_)
            | Body::Binding(_)
            | Body::BindingGone(_)
            | Body::Override(_)
            | Body::Name(_)
            | Body::Served(_)
            | Body::Checkpoint(_)
            | Body::Unknown { .. } => {}
        }
    }

    /// The rows to be written.
    pub(crate) fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    fn event(&mut self, seq: u64, stamp: &Stamp, event: &Event) {
        match event {
            Event::CallStarted { .. } => self.call_started(seq, stamp, event),
            Event::CallAnswered { call } => self.call(*call, stamp, |call, at| {
                call.record.answered_us.get_or_insert(at);
            }),
            Event::CallQueued { call, queue, .. } => {
                self.call(*call, stamp, |call, at| call.queued(queue.as_deref(), at));
            }
            Event::CallLeftQueue { call, .. } => self.call(*call, stamp, OpenCall::stop_waiting),
            Event::CallConnected {
                call, user, leg, ..
            } => {
                self.call(*call, stamp, |call, at| {
                    call.connected(user.as_ref(), *leg, at)
                });
            }
            Event::CallHeld { call, .. } => self.call(*call, stamp, OpenCall::held),
            Event::CallResumed { call, .. } => self.call(*call, stamp, OpenCall::resumed),
            Event::CallDiverted {
                call,
                why,
                to,
                queue,
            } => self.call(*call, stamp, |call, at| {
                call.reached(queue.as_deref());
                if call.record.connected_us.is_some() {
                    call.marks.waiting_since_us.get_or_insert(at);
                }
                call.record.diverted_why = Some(*why);
                call.record.diverted_to = Some(to.clone());
            }),
            Event::CallTransferred { call, to, .. } => {
                self.call(*call, stamp, |call, at| call.sent(to.clone(), at));
            }
            Event::CallParked { call, slot, .. } => {
                self.call(*call, stamp, |call, at| {
                    call.sent(format!("park:{slot}"), at)
                });
            }
            Event::CallRecalled { call, queue, .. } => self.call(*call, stamp, |call, _| {
                let to = queue.as_ref().map(|queue| format!("queue:{queue}"));
                call.record.diverted_to = to.or_else(|| call.record.diverted_to.take());
            }),
            Event::CallEnded { call, cause, by } => self.call_ended(seq, *call, stamp, cause, *by),
            Event::LegStarted { call, .. } => self.leg_started(*call, stamp, event),
            Event::LegRinging { call, leg } => self.leg(*call, *leg, stamp, |leg, at| {
                leg.ringing_us.get_or_insert(at);
            }),
            Event::LegAnswered { call, leg } => self.leg(*call, *leg, stamp, |leg, at| {
                leg.answered_us.get_or_insert(at);
            }),
            Event::LegEnded { call, leg, cause } => self.leg(*call, *leg, stamp, |leg, at| {
                leg.ended_us = Some(at);
                leg.result = Some(cause.result);
                leg.sip_status = cause.sip_status;
                leg.reason.clone_from(&cause.reason);
            }),
            Event::AlertStarted {
                alert,
                call,
                agent,
                queue,
                picked_up,
                choice,
            } => {
                let record = AlertRecord {
                    call: *call,
                    id: *alert,
                    agent: agent.clone(),
                    queue: queue.clone(),
                    started_us: 0,
                    ended_us: None,
                    outcome: None,
                    sip_status: None,
                    picked_up: *picked_up,
                    seq: Some(seq),
                    choice: choice.clone(),
                };
                self.alert_started(stamp, record);
            }
            Event::AlertEnded {
                alert,
                call,
                end,
                sip_status,
                ..
            } => {
                self.alert_ended(*call, stamp, *alert, *end, *sip_status);
            }
            Event::AgentLoggedIn { agent, extension } => {
                self.logged_in(seq, stamp.utc_us, agent, extension.as_ref());
            }
            Event::AgentLoggedOut { agent } => self.logged_out(stamp.utc_us, agent),
            Event::AgentChanged {
                agent,
                presence,
                reason,
                activity,
                since_us,
                ..
            } => {
                self.agent_changed(
                    seq,
                    *since_us,
                    agent,
                    (*presence, *activity, reason.as_ref()),
                );
            }
            Event::CentreChanged { changes, .. } => {
                for gone in changes
                    .iter()
                    .filter(|change| change.kind == "users" && change.what == "removed")
                {
                    self.logged_out(stamp.utc_us, &gone.name);
                    self.end_state(stamp.utc_us, &gone.name);
                }
            }
            Event::CallCoded {
                call,
                agent,
                category,
                code,
                text,
            } => {
                let record = CodeRecord {
                    call: *call,
                    agent: agent.clone(),
                    category: category.clone(),
                    code: code.clone(),
                    text: text.clone(),
                    at_us: stamp.utc_us,
                };
                self.changes.codes.insert(*call, record);
            }
            Event::QueueChanged { .. }
            | Event::CallReserved { .. }
            | Event::CallRetrieved { .. }
            | Event::PhoneRegistered { .. }
            | Event::PhoneUnregistered { .. }
            | Event::ServiceLevelReached { .. }
            | Event::ServiceLevelSet { .. }
            | Event::AgentRemoved { .. }
            | Event::DayBegan {}
            | Event::SourceBanned { .. }
            | Event::DialRefused { .. }
            | Event::AlarmRaised { .. }
            | Event::AlarmCleared { .. } => {}
        }
    }

    fn call_started(&mut self, seq: u64, stamp: &Stamp, event: &Event) {
        let Event::CallStarted {
            call: id,
            direction,
            caller,
            called,
            trunk,
            user,
            ..
        } = event
        else {
            return;
        };
        let record = CallRecord {
            id: *id,
            direction: *direction,
            caller: caller.clone(),
            called: called.clone(),
            trunk: trunk.clone(),
            started_by: user.clone(),
            first_queue: None,
            last_queue: None,
            user: None,
            started_us: stamp.utc_us,
            queued_us: None,
            answered_us: None,
            alerted_us: None,
            connected_us: None,
            ended_us: None,
            waited_us: 0,
            rung_us: 0,
            talked_us: 0,
            held_us: 0,
            result: None,
            sip_status: None,
            reason: None,
            ended_by: None,
            diverted_why: None,
            diverted_to: None,
            began_seq: Some(seq),
            ended_seq: None,
            coded: None,
        };
        let marks = Marks {
            clock_us: stamp.mono_us.cast_signed(),
            ..Marks::default()
        };
        self.changes.calls.insert(*id, (record.clone(), marks));
        self.calls.insert(
            *id,
            OpenCall {
                record,
                marks,
                legs: BTreeMap::new(),
                alerts: BTreeMap::new(),
            },
        );
    }

    /// A call whose start is not known (it was lost) has no row, and its later events change nothing.
    fn call(&mut self, id: CallId, stamp: &Stamp, change: impl FnOnce(&mut OpenCall, i64)) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let at = call.at(stamp);
        change(call, at);
        self.changes
            .calls
            .insert(id, (call.record.clone(), call.marks));
    }

    fn call_ended(&mut self, seq: u64, id: CallId, stamp: &Stamp, cause: &EndCause, by: EndedBy) {
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        let at = call.at(stamp);
        call.ended(cause, by, at);
        call.record.ended_seq = Some(seq);
        let OpenCall {
            record,
            marks,
            legs,
            alerts,
        } = call;
        self.changes.calls.insert(id, (record, marks));
        for (leg, mut record) in legs {
            if record.ended_us.is_none() {
                record.ended_us = Some(at);
                self.changes.legs.insert(leg, record);
            }
        }
        for (alert, mut record) in alerts {
            if record.ended_us.is_none() {
                record.ended_us = Some(at);
                self.changes.alerts.insert((id, alert), record);
            }
        }
    }

    fn leg_started(&mut self, id: CallId, stamp: &Stamp, event: &Event) {
        let Event::LegStarted {
            leg,
            role,
            number,
            trunk,
            user,
            ..
        } = event
        else {
            return;
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let record = LegRecord {
            id: *leg,
            call: id,
            role: *role,
            number: number.clone(),
            trunk: trunk.clone(),
            user: user.clone(),
            started_us: call.at(stamp),
            ringing_us: None,
            answered_us: None,
            ended_us: None,
            result: None,
            sip_status: None,
            reason: None,
        };
        self.changes.legs.insert(*leg, record.clone());
        call.legs.insert(*leg, record);
    }

    fn leg(
        &mut self,
        call: CallId,
        leg: LegId,
        stamp: &Stamp,
        change: impl FnOnce(&mut LegRecord, i64),
    ) {
        let Some(call) = self.calls.get_mut(&call) else {
            return;
        };
        let at = call.at(stamp);
        let Some(record) = call.legs.get_mut(&leg) else {
            return;
        };
        change(record, at);
        self.changes.legs.insert(leg, record.clone());
    }

    /// Begins the alert's row at the call's time.
    fn alert_started(&mut self, stamp: &Stamp, mut record: AlertRecord) {
        let (id, alert) = (record.call, record.id);
        self.call(id, stamp, |call, at| {
            call.record.alerted_us.get_or_insert(at);
            record.started_us = at;
            call.alerts.insert(alert, record);
        });
        self.alert_changed(id, alert);
    }

    fn alert_ended(
        &mut self,
        id: CallId,
        stamp: &Stamp,
        alert: u64,
        end: AlertEnd,
        sip_status: Option<u16>,
    ) {
        self.call(id, stamp, |call, at| {
            let Some(record) = call.alerts.get_mut(&alert) else {
                return;
            };
            record.ended_us = Some(at);
            record.outcome = Some(end);
            record.sip_status = sip_status;
            if end == AlertEnd::Accepted {
                call.record.rung_us = length(record.started_us, at);
            }
        });
        self.alert_changed(id, alert);
    }

    fn alert_changed(&mut self, id: CallId, alert: u64) {
        let record = self.calls.get(&id).and_then(|call| call.alerts.get(&alert));
        if let Some(record) = record {
            self.changes.alerts.insert((id, alert), record.clone());
        }
    }

    fn logged_in(&mut self, seq: u64, at: i64, agent: &str, extension: Option<&String>) {
        self.logged_out(at, agent);
        let session = SessionRecord {
            id: seq,
            agent: agent.into(),
            extension: extension.cloned(),
            began_us: at,
            ended_us: None,
        };
        self.changes.sessions.insert(seq, session.clone());
        self.sessions.insert(agent.into(), session);
    }

    fn logged_out(&mut self, at: i64, agent: &str) {
        let Some(mut session) = self.sessions.remove(agent) else {
            return;
        };
        session.ended_us = Some(at.max(session.began_us));
        self.changes.sessions.insert(session.id, session);
    }

    /// An event that changes something else about the agent, such as the phone, goes on with the same interval.
    fn agent_changed(
        &mut self,
        seq: u64,
        since_us: i64,
        agent: &str,
        now: (Presence, Activity, Option<&String>),
    ) {
        let (presence, activity, reason) = now;
        let open = self.states.get(agent);
        if open.is_some_and(|state| (state.presence, state.activity, state.reason.as_ref()) == now)
        {
            return;
        }
        // What was read back at a start may say an earlier time than the interval before it.
        let began_us = open.map_or(since_us, |state| since_us.max(state.began_us));
        self.end_state(began_us, agent);
        let state = StateRecord {
            id: seq,
            agent: agent.into(),
            presence,
            activity,
            reason: reason.cloned(),
            began_us,
            ended_us: None,
        };
        self.changes.states.insert(seq, state.clone());
        self.states.insert(agent.into(), state);
    }

    fn end_state(&mut self, at: i64, agent: &str) {
        let Some(mut state) = self.states.remove(agent) else {
            return;
        };
        state.ended_us = Some(at.max(state.began_us));
        self.changes.states.insert(state.id, state);
    }

    /// Ends calls that nobody will end any more.
    ///
    /// The daemon that has just started ends the calls of the one before it. A call that is older still had
    /// its end lost in a gap of the journal, and would stay in the tables as if it were going on.
    fn close_orphans(&mut self, seq: u64, stamp: &Stamp) {
        let lost = |id: &CallId| {
            let age = stamp.incarnation.wrapping_sub(incarnation(*id)) & INCARNATIONS;
            age >= 2 && id.0 >> 56 == u64::from(stamp.node)
        };
        let orphans: Vec<CallId> = self.calls.keys().copied().filter(lost).collect();
        let cause = EndCause {
            result: EndResult::Interrupted,
            sip_status: None,
            reason: None,
        };
        for id in orphans {
            self.call_ended(seq, id, stamp, &cause, EndedBy::System);
        }
    }
}

/// Incarnations stand in ids with 24 bits.
const INCARNATIONS: u32 = 0x00ff_ffff;

fn incarnation(id: CallId) -> u32 {
    u32::try_from(id.0 >> 32 & u64::from(INCARNATIONS)).expect("24 bits fit")
}

fn length(from_us: i64, to_us: i64) -> i64 {
    to_us.saturating_sub(from_us).max(0)
}

impl OpenCall {
    /// The call's clock: see the module.
    fn at(&self, stamp: &Stamp) -> i64 {
        self.record
            .started_us
            .saturating_add(length(self.marks.clock_us, stamp.mono_us.cast_signed()))
    }

    fn queued(&mut self, queue: Option<&str>, at: i64) {
        self.record.queued_us.get_or_insert(at);
        self.marks.waiting_since_us.get_or_insert(at);
        self.reached(queue);
    }

    /// It came to a queue, whether that let it in or not.
    fn reached(&mut self, queue: Option<&str>) {
        if let Some(queue) = queue {
            self.record.first_queue.get_or_insert_with(|| queue.into());
            self.record.last_queue = Some(queue.into());
        }
    }

    fn stop_waiting(&mut self, at: i64) {
        if let Some(since) = self.marks.waiting_since_us.take() {
            let waited_us = length(since, at);
            self.record.waited_us += waited_us;
            // Whoever had been connected before talked to nobody meanwhile.
            if self.record.connected_us.is_some() {
                self.record.talked_us -= waited_us;
            }
        }
    }

    /// A person sent it on, or parked it: until somebody has it, it waits.
    fn sent(&mut self, to: String, at: i64) {
        self.stop_holding(at);
        self.marks.holds = 0;
        self.marks.waiting_since_us.get_or_insert(at);
        self.record.diverted_to = Some(to);
    }

    fn connected(&mut self, user: Option<&String>, leg: LegId, at: i64) {
        self.stop_waiting(at);
        if user.is_some() {
            self.record.user = user.cloned();
        }
        if self.record.connected_us.is_some() {
            return;
        }
        self.record.connected_us = Some(at);
        // Where nobody was alerted, it is the called phone that rang.
        if self.alerts.is_empty() {
            let ringing = self.legs.get(&leg).and_then(|leg| leg.ringing_us);
            self.record.rung_us = ringing.map_or(0, |since| length(since, at));
        }
    }

    fn held(&mut self, at: i64) {
        self.marks.holds += 1;
        self.marks.held_since_us.get_or_insert(at);
    }

    fn resumed(&mut self, at: i64) {
        self.marks.holds = (self.marks.holds - 1).max(0);
        if self.marks.holds == 0 {
            self.stop_holding(at);
        }
    }

    fn stop_holding(&mut self, at: i64) {
        if let Some(since) = self.marks.held_since_us.take() {
            self.record.held_us += length(since, at);
        }
    }

    fn ended(&mut self, cause: &EndCause, by: EndedBy, at: i64) {
        self.stop_waiting(at);
        self.stop_holding(at);
        self.marks.holds = 0;
        let record = &mut self.record;
        let since_us = record.connected_us;
        record.talked_us =
            since_us.map_or(0, |since| (length(since, at) + record.talked_us).max(0));
        record.ended_us = Some(at);
        record.result = Some(cause.result);
        record.sip_status = cause.sip_status;
        record.reason.clone_from(&cause.reason);
        record.ended_by = Some(by);
    }
}

#[cfg(test)]
mod tests;
