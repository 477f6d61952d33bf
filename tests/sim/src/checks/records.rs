//! What holds of the journal's events: every call, leg and alert begins once and ends once, nothing happens after the end.

use std::collections::{BTreeMap, BTreeSet};

use engine::{CallId, Event, LegId};

/// A call that has begun.
#[derive(Debug, Clone, Default)]
struct Record {
    legs: BTreeSet<LegId>,
    alerts: BTreeSet<u64>,
    waits: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Records {
    open: BTreeMap<CallId, Record>,
    /// Numbers are never given twice, so that what has ended is known by its number alone.
    over: BTreeSet<CallId>,
    legs_over: BTreeSet<LegId>,
    alerts_over: BTreeSet<u64>,
    faults: Vec<String>,
}

impl Records {
    /// How many calls are on record.
    pub(crate) fn calls(&self) -> usize {
        self.over.len()
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        if let Err(fault) = self.follow(event) {
            self.faults.push(format!("{fault}: {event:?}"));
        }
    }

    fn follow(&mut self, event: &Event) -> Result<(), &'static str> {
        match event {
            Event::CallStarted { call, .. } => {
                if self.over.contains(call) || self.open.insert(*call, Record::default()).is_some()
                {
                    return Err("a call begins twice");
                }
            }
            Event::CallEnded { call, .. } => {
                let record = self.open.remove(call).ok_or("a call ends that is not up")?;
                self.over.insert(*call);
                if !record.legs.is_empty() || !record.alerts.is_empty() || record.waits {
                    return Err("a call ends before its legs and alerts");
                }
            }
            Event::LegStarted { call, leg, .. } => {
                if self.legs_over.contains(leg) || !self.record(call)?.legs.insert(*leg) {
                    return Err("a leg begins twice");
                }
            }
            Event::LegEnded { call, leg, .. } => {
                if !self.record(call)?.legs.remove(leg) {
                    return Err("a leg ends that is not up");
                }
                self.legs_over.insert(*leg);
            }
            Event::LegRinging { call, leg } | Event::LegAnswered { call, leg } => {
                if !self.record(call)?.legs.contains(leg) {
                    return Err("a leg speaks that is not up");
                }
            }
            Event::AlertStarted { alert, call, .. } => {
                if self.alerts_over.contains(alert) || !self.record(call)?.alerts.insert(*alert) {
                    return Err("an alert begins twice");
                }
            }
            Event::AlertEnded { alert, call, .. } => {
                if !self.record(call)?.alerts.remove(alert) {
                    return Err("an alert ends that is not running");
                }
                self.alerts_over.insert(*alert);
            }
            Event::CallQueued { call, .. } => self.record(call)?.waits = true,
            Event::CallLeftQueue { call, .. } => {
                if !std::mem::take(&mut self.record(call)?.waits) {
                    return Err("a call leaves a queue it is not in");
                }
            }
            Event::CallAnswered { call }
            | Event::CallConnected { call, .. }
            | Event::CallHeld { call, .. }
            | Event::CallResumed { call, .. }
            | Event::CallReserved { call, .. }
            | Event::CallDiverted { call, .. }
            | Event::CallTransferred { call, .. }
            | Event::CallRecalled { call, .. }
            | Event::CallParked { call, .. }
            | Event::CallRetrieved { call, .. }
            | Event::ServiceLevelReached { call, .. } => {
                self.record(call)?;
            }
            // Also after its end.
            Event::CallCoded { .. }
            | Event::AgentChanged { .. }
            | Event::QueueChanged { .. }
            | Event::PhoneRegistered { .. }
            | Event::PhoneUnregistered { .. }
            | Event::CentreChanged { .. }
            | Event::AlarmRaised { .. }
            | Event::AlarmCleared { .. }
            | Event::AgentLoggedIn { .. }
            | Event::AgentLoggedOut { .. }
            | Event::AgentRemoved { .. }
            | Event::ServiceLevelSet { .. }
            | Event::SourceBanned { .. }
            | Event::DialRefused { .. }
            | Event::DayBegan {} => {}
        }
        Ok(())
    }

    fn record(&mut self, call: &CallId) -> Result<&mut Record, &'static str> {
        self.open
            .get_mut(call)
            .ok_or("something happens to a call that is not up")
    }

    pub(crate) fn check_quiet(&mut self) {
        for (call, record) in &self.open {
            self.faults
                .push(format!("call {call} never ended: {record:?}"));
        }
    }

    pub(crate) fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }
}
