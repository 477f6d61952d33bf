//! Callers: they come, wait, give up or talk, and hang up.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::report::{CallEnd, CallRecord};
use crate::studio::Leg;
use crate::ua::{End, Event, Placing, UaCall, UserAgent};

use super::{Crowd, Errand, Side};

/// All callers, behind one trunk.
pub(super) struct CallerSide {
    pub(super) agent: UserAgent,
    calls: BTreeMap<UaCall, Calling>,
    by_number: HashMap<u64, UaCall>,
}

/// One caller's call.
struct Calling {
    number: u64,
    leg: Option<Arc<Leg>>,
    /// Why they hung up, once they have.
    leaving: Option<CallEnd>,
}

impl CallerSide {
    pub(super) fn new(agent: UserAgent) -> Self {
        Self {
            agent,
            calls: BTreeMap::new(),
            by_number: HashMap::new(),
        }
    }
}

impl Crowd {
    /// The next caller calls, and sends for the one after.
    pub(super) fn next_caller(&mut self, now: Duration) {
        let Some(callers) = &self.plan.callers else {
            return;
        };
        if callers.count.is_some_and(|count| self.ledger.made >= count) {
            return;
        }
        let gap = callers.arrivals.gap(&mut self.random);
        self.ledger.made += 1;
        let number = self.ledger.made;
        if callers.count.is_none_or(|count| number < count) {
            self.later(now + gap, Errand::NextCaller);
        }
        self.call(now, number);
    }

    fn call(&mut self, now: Duration, number: u64) {
        let attendant_free = self.ledger.waiting == 0 && self.has_free_attendant();
        let (Some(callers), Some(side)) = (&self.plan.callers, &mut self.callers) else {
            return;
        };
        let Some(dialled) = self.random.pick(&callers.numbers) else {
            return;
        };
        let user = format!("{}{number:05}", callers.prefix);
        let record = CallRecord {
            caller: user.clone(),
            number: dialled.number.clone(),
            rank: dialled.rank,
            invited: now,
            attendant_free,
            ..CallRecord::default()
        };
        self.ledger.open(number, record);
        let at = side.agent.local();
        let Ok((leg, rtp)) = self.voices.open(Side::Callers, at) else {
            return self.ledger.close(now, number, CallEnd::Fault);
        };
        let name = number.checked_rem(callers.names.len() as u64);
        let name = name.and_then(|place| callers.names.get(usize::try_from(place).ok()?));
        let placing = Placing {
            server: self.plan.server,
            uri: &format!("sip:{}@{}", dialled.number, self.plan.domain()),
            user: &user,
            domain: &at.to_string(),
            display: name.map_or("", String::as_str),
            rtp,
            credentials: None,
        };
        let Some(call) = side.agent.place(now, &placing) else {
            return self.ledger.close(now, number, CallEnd::Fault);
        };
        let calling = Calling {
            number,
            leg,
            leaving: None,
        };
        side.calls.insert(call, calling);
        side.by_number.insert(number, call);
        if let Some(patience) = callers.patience {
            let patience = patience.draw(&mut self.random);
            self.later(now + patience, Errand::GiveUp(call));
        }
    }

    /// The caller has waited long enough, unless somebody talks to them.
    pub(super) fn give_up(&mut self, now: Duration, call: UaCall) {
        let number = self
            .callers
            .as_ref()
            .and_then(|side| Some(side.calls.get(&call)?.number));
        let record = number.and_then(|number| self.ledger.call(number));
        if record.is_some_and(|record| record.connected.is_none()) {
            self.caller_leaves(now, call, CallEnd::GaveUp);
        }
    }

    /// The talk is over for the caller.
    pub(super) fn caller_hangs_up(&mut self, now: Duration, number: u64) {
        let side = self.callers.as_ref();
        if let Some(call) = side.and_then(|side| side.by_number.get(&number).copied()) {
            self.caller_leaves(now, call, CallEnd::Caller);
        }
    }

    fn caller_leaves(&mut self, now: Duration, call: UaCall, why: CallEnd) {
        let Some(side) = &mut self.callers else {
            return;
        };
        if let Some(calling) = side.calls.get_mut(&call) {
            calling.leaving = Some(why);
            side.agent.hang_up(now, call);
        }
    }

    pub(super) fn send_callers_away(&mut self, now: Duration) {
        let side = self.callers.as_ref();
        let calls: Vec<UaCall> =
            side.map_or_else(Vec::new, |side| side.calls.keys().copied().collect());
        for call in calls {
            self.caller_leaves(now, call, CallEnd::GaveUp);
        }
    }

    /// Who an attendant's caller is, if they are one of ours.
    pub(super) fn number_of(&self, caller: &str) -> Option<u64> {
        let callers = self.plan.callers.as_ref()?;
        let number = caller.strip_prefix(&callers.prefix)?.parse().ok()?;
        self.ledger.calls.contains_key(&number).then_some(number)
    }

    pub(super) fn on_caller(&mut self, now: Duration, event: Event) {
        match event {
            Event::Ringing { call } => self.note(call, |record| {
                record.ringing.get_or_insert(now);
            }),
            Event::Answered { call } => self.note(call, |record| record.answered = Some(now)),
            Event::Media { call, agreed } => {
                let side = self.callers.as_ref();
                let leg = side.and_then(|side| side.calls.get(&call)?.leg.as_ref());
                if let Some(leg) = leg {
                    self.voices.studio.agree(leg, &agreed);
                }
            }
            Event::Ended { call, end } => self.on_caller_ended(now, call, end),
            // Nobody has callers' numbers; the demo's trunk only calls.
            Event::Invited { call, .. } => {
                if let Some(side) = &mut self.callers {
                    side.agent.reject(now, call, 404);
                }
            }
            Event::Registered { .. } | Event::NotRegistered { .. } | Event::Acknowledged { .. } => {
            }
        }
    }

    fn note(&mut self, call: UaCall, change: impl FnOnce(&mut CallRecord)) {
        let side = self.callers.as_ref();
        let number = side.and_then(|side| Some(side.calls.get(&call)?.number));
        if let Some(record) = number.and_then(|number| self.ledger.call(number)) {
            change(record);
        }
    }

    fn on_caller_ended(&mut self, now: Duration, call: UaCall, end: End) {
        let calling = self
            .callers
            .as_mut()
            .and_then(|side| side.calls.remove(&call));
        let Some(calling) = calling else { return };
        if let Some(side) = &mut self.callers {
            side.by_number.remove(&calling.number);
        }
        let end = match end {
            End::ByUs => calling.leaving.unwrap_or(CallEnd::Fault),
            End::ByThem => CallEnd::Centre,
            End::Refused(status) => CallEnd::Refused(status),
            End::Cancelled | End::Rejected | End::Fault => CallEnd::Fault,
        };
        self.ledger.close(now, calling.number, end);
        let heard = calling.leg.map(|leg| self.voices.studio.close(&leg));
        if let (Some(record), Some(heard)) = (self.ledger.call(calling.number), heard) {
            record.caller_heard = heard;
        }
    }
}
