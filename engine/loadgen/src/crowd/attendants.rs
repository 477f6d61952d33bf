//! Attendants: their phones register and ring; they answer or not, talk, hold, and hang up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sip::auth::Credentials;

use crate::plan::Attendants;
use crate::report::Reaction;
use crate::studio::Leg;
use crate::ua::{End, Event, UaCall, UserAgent};

use super::{Crowd, Errand, Side};

/// Between two first registrations, so that a hundred phones do not come at once.
const BETWEEN_REGISTRATIONS: Duration = Duration::from_millis(5);
/// How long a phone rings before it refuses, where it would answer at once.
const BEFORE_REFUSAL: Duration = Duration::from_millis(300);
/// How soon a hold is asked for again that could not be asked for.
const HOLD_AGAIN: Duration = Duration::from_millis(200);

/// All attendants, at one address.
pub(super) struct AttendantSide {
    pub(super) agent: UserAgent,
    calls: BTreeMap<UaCall, Alerted>,
    /// By extension.
    busy: BTreeMap<String, UaCall>,
    /// By extension: since when, and how many callers waited then.
    freed: BTreeMap<String, (Duration, usize)>,
    registered: BTreeSet<String>,
}

/// One attendant's call.
struct Alerted {
    extension: String,
    /// The caller's number, if they are ours.
    number: Option<u64>,
    leg: Option<Arc<Leg>>,
}

impl AttendantSide {
    pub(super) fn new(agent: UserAgent) -> Self {
        Self {
            agent,
            calls: BTreeMap::new(),
            busy: BTreeMap::new(),
            freed: BTreeMap::new(),
            registered: BTreeSet::new(),
        }
    }
}

/// What an attendant makes of an alert.
enum Mood {
    Answers(Duration),
    Refuses(Duration, u16),
    Ignores,
}

impl Crowd {
    pub(super) fn send_attendants_to_work(&mut self) {
        let people = self
            .plan
            .attendants
            .as_ref()
            .map_or(0, |side| side.people.len());
        let mut due = Duration::ZERO;
        for place in 0..people {
            self.later(due, Errand::Register(place));
            due += BETWEEN_REGISTRATIONS;
        }
    }

    pub(super) fn register(&mut self, now: Duration, place: usize) {
        let domain = self.plan.domain();
        let (Some(plan), Some(side)) = (&self.plan.attendants, &mut self.attendants) else {
            return;
        };
        let Some(one) = plan.people.get(place) else {
            return;
        };
        if let Some(password) = &one.password {
            let credentials = Credentials {
                username: one.extension.clone(),
                password: password.clone(),
            };
            let server = self.plan.server;
            side.agent
                .register(now, server, &domain, credentials, plan.expires);
        }
    }

    pub(super) fn attendants_ready(&self) -> usize {
        let (Some(plan), Some(side)) = (&self.plan.attendants, &self.attendants) else {
            return 0;
        };
        let need_none = plan
            .people
            .iter()
            .filter(|one| one.password.is_none())
            .count();
        need_none + side.registered.len()
    }

    pub(super) fn has_free_attendant(&self) -> bool {
        let people = self
            .plan
            .attendants
            .as_ref()
            .map_or(0, |side| side.people.len());
        self.attendants
            .as_ref()
            .is_some_and(|side| side.busy.len() < people)
    }

    pub(super) fn send_attendants_home(&mut self, now: Duration) {
        let Some(side) = &mut self.attendants else {
            return;
        };
        let calls: Vec<UaCall> = side.calls.keys().copied().collect();
        for call in calls {
            side.agent.hang_up(now, call);
        }
        side.agent.unregister_all(now);
    }

    pub(super) fn on_attendant(&mut self, now: Duration, event: Event) {
        match event {
            Event::Registered { user } => {
                if let Some(side) = &mut self.attendants {
                    side.registered.insert(user);
                }
            }
            Event::NotRegistered { user, status } => {
                if let Some(side) = &mut self.attendants {
                    side.registered.remove(&user);
                }
                *self.ledger.register_failures.entry(status).or_default() += 1;
            }
            Event::Invited { call, user, caller } => self.on_alert(now, call, user, &caller),
            Event::Acknowledged { call } => self.on_connected(now, call),
            Event::Media { call, agreed } => {
                let side = self.attendants.as_ref();
                let leg = side.and_then(|side| side.calls.get(&call)?.leg.as_ref());
                if let Some(leg) = leg {
                    self.voices.studio.agree(leg, &agreed);
                }
            }
            Event::Ended { call, end } => self.on_attendant_ended(now, call, end),
            Event::Ringing { .. } | Event::Answered { .. } => {}
        }
    }

    fn on_alert(&mut self, now: Duration, call: UaCall, extension: String, caller: &str) {
        let number = self.number_of(caller);
        let (Some(plan), Some(side)) = (&self.plan.attendants, &mut self.attendants) else {
            return;
        };
        let alerts = &mut self.ledger.alerts;
        alerts.received += 1;
        if !plan.people.iter().any(|one| one.extension == extension) {
            alerts.unknown += 1;
            return side.agent.reject(now, call, 404);
        }
        if side.busy.contains_key(&extension) {
            alerts.busy += 1;
            return side.agent.reject(now, call, 486);
        }
        if let Some((since, waiting)) = side.freed.remove(&extension) {
            let record = number.and_then(|number| self.ledger.calls.get(&number));
            self.ledger.react(Reaction {
                extension: extension.clone(),
                after: now.saturating_sub(since),
                waiting,
                had_waited: record.is_some_and(|record| record.invited < since),
            });
        }
        side.busy.insert(extension.clone(), call);
        let alerted = Alerted {
            extension,
            number,
            leg: None,
        };
        side.calls.insert(call, alerted);
        self.note_alert(now, number);
        self.react_to_alert(now, call);
    }

    fn note_alert(&mut self, now: Duration, number: Option<u64>) {
        let Some(record) = number.and_then(|number| self.ledger.calls.get_mut(&number)) else {
            self.ledger.alerts.foreign += 1;
            return;
        };
        record.alerts += 1;
        if record.alerted.is_none() {
            record.alerted = Some(now);
            if record.ended.is_none() {
                self.ledger.waiting = self.ledger.waiting.saturating_sub(1);
            }
        }
    }

    fn react_to_alert(&mut self, now: Duration, call: UaCall) {
        let Some(plan) = &self.plan.attendants else {
            return;
        };
        let mood = plan.mood(&mut self.random);
        let ring = !matches!(mood, Mood::Answers(Duration::ZERO));
        if let (true, Some(side)) = (ring, &mut self.attendants) {
            side.agent.ring(now, call);
        }
        match mood {
            Mood::Answers(Duration::ZERO) => self.answer(now, call),
            Mood::Answers(after) => self.later(now + after, Errand::Answer(call)),
            Mood::Refuses(after, status) => self.later(now + after, Errand::Refuse(call, status)),
            Mood::Ignores => {}
        }
    }

    pub(super) fn answer(&mut self, now: Duration, call: UaCall) {
        let Some(side) = &mut self.attendants else {
            return;
        };
        let Some(alerted) = side.calls.get_mut(&call) else {
            return;
        };
        let Ok((leg, rtp)) = self.voices.open(Side::Attendants, side.agent.local()) else {
            return side.agent.reject(now, call, 500);
        };
        alerted.leg = leg;
        self.ledger.alerts.answered += 1;
        side.agent.answer(now, call, rtp);
    }

    pub(super) fn refuse(&mut self, now: Duration, call: UaCall, status: u16) {
        if let Some(side) = self
            .attendants
            .as_mut()
            .filter(|side| side.calls.contains_key(&call))
        {
            self.ledger.alerts.refused += 1;
            side.agent.reject(now, call, status);
        }
    }

    /// Both talk: for how long, who ends it, and whether somebody is held in between.
    fn on_connected(&mut self, now: Duration, call: UaCall) {
        let (Some(plan), Some(side)) = (&self.plan.attendants, &self.attendants) else {
            return;
        };
        let Some(alerted) = side.calls.get(&call) else {
            return;
        };
        let number = alerted.number;
        if let Some(record) = number.and_then(|number| self.ledger.calls.get_mut(&number)) {
            record.connected = Some(now);
            record.attendant = Some(alerted.extension.clone());
        }
        let talk = plan.talk.draw(&mut self.random);
        let held = self.random.chance(plan.hold_per_mille);
        let hold_for = plan.hold_for.draw(&mut self.random);
        let callers = self.plan.callers.as_ref();
        let by_caller = callers.map_or(0, |callers| callers.hang_up_per_mille);
        let end = match number.filter(|_| self.random.chance(by_caller)) {
            Some(number) => Errand::CallerHangsUp(number),
            None => Errand::AttendantHangsUp(call),
        };
        if held {
            self.later(now + talk / 3, Errand::Hold(call, true));
            self.later(now + talk / 3 + hold_for, Errand::Hold(call, false));
            self.later(now + talk + hold_for, end);
        } else {
            self.later(now + talk, end);
        }
    }

    pub(super) fn hold(&mut self, now: Duration, call: UaCall, on: bool) {
        let Some(side) = &mut self.attendants else {
            return;
        };
        let Some(alerted) = side.calls.get(&call) else {
            return;
        };
        let number = alerted.number;
        if !side.agent.hold(now, call, on) {
            // The centre's own offer is under way; who is held must not stay so.
            self.later(now + HOLD_AGAIN, Errand::Hold(call, on));
        } else if let Some(record) = number.and_then(|number| self.ledger.calls.get_mut(&number)) {
            record.holds += u32::from(on);
        }
    }

    pub(super) fn attendant_hangs_up(&mut self, now: Duration, call: UaCall) {
        if let Some(side) = &mut self.attendants {
            side.agent.hang_up(now, call);
        }
    }

    fn on_attendant_ended(&mut self, now: Duration, call: UaCall, end: End) {
        let Some(side) = &mut self.attendants else {
            return;
        };
        let Some(alerted) = side.calls.remove(&call) else {
            return;
        };
        side.busy.remove(&alerted.extension);
        if matches!(end, End::ByUs | End::ByThem) {
            side.freed
                .insert(alerted.extension, (now, self.ledger.waiting));
        }
        if end == End::Cancelled {
            self.ledger.alerts.cancelled += 1;
        }
        let heard = alerted.leg.map(|leg| self.voices.studio.close(&leg));
        let record = alerted
            .number
            .and_then(|number| self.ledger.calls.get_mut(&number));
        if let (Some(record), Some(heard)) = (record, heard) {
            record.attendant_heard = heard;
        }
    }
}

impl Attendants {
    fn mood(&self, random: &mut crate::draw::Random) -> Mood {
        let after = self.answer_after.draw(random);
        if random.chance(self.refuse_per_mille) {
            let status = random.pick(&self.refusals).copied().unwrap_or(486);
            return Mood::Refuses(after.max(BEFORE_REFUSAL), status);
        }
        if random.chance(self.ignore_per_mille) {
            return Mood::Ignores;
        }
        Mood::Answers(after)
    }
}
