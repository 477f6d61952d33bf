//! Callers: they come, lose patience, talk, and go.

use core::time::Duration;

use acd::config::ServiceStep;
use acd::{
    AgentChange, AgentId, Enqueue, EntryKind, Input, InteractionId, Stage, Sticky, Target, Tier,
};
use alloc::vec::Vec;
use engine::event::Diversion;
use engine::paper::{Caller, Received, SENT_ON_MAX, SentOn};

use super::{Happening, Run};
use crate::day::{CallDay, Key, Visit};

/// A call as the engine would know it.
#[derive(Debug, Clone)]
pub(super) struct CallNow {
    pub(super) tier: Tier,
    pub(super) priority: i32,
    /// When its visit began, as ranks count it.
    arrival: Duration,
    been_in: Vec<Target>,
    sent_on: u8,
    /// How often it came to a further queue.
    moved: u32,
    service_acted: bool,
    connected: Option<AgentId>,
    /// Which visit it is on.
    visit: u32,
    /// It was up when the day began: where it has been before, nobody knows.
    is_old: bool,
}

impl CallNow {
    pub(super) fn waits(&self) -> bool {
        self.connected.is_none()
    }

    /// How it comes to where a rule sends it; none when rules have sent it on too often, or in a circle.
    fn next(
        &mut self,
        id: InteractionId,
        to: Target,
        way: &SentOn,
        now_us: u64,
    ) -> Option<Enqueue> {
        self.sent_on = self.sent_on.saturating_add(1);
        let again = way.why != Diversion::Removed && self.been_in.contains(&to);
        let may = self.sent_on <= SENT_ON_MAX && !(again && matches!(to, Target::Queue(_)));
        let arrival = if way.ranks_anew {
            Duration::from_micros(now_us)
        } else {
            self.arrival
        };
        may.then_some(Enqueue {
            interaction: id,
            to,
            tier: self.tier,
            priority: self.priority,
            arrival,
            kind: EntryKind::Overflow,
            service_acted: self.service_acted,
            sticky: None,
        })
    }
}

impl Run<'_> {
    /// Calls that were there when the day began.
    pub(super) fn take_up_calls(&mut self) {
        let found: Vec<_> = self.acd.interactions().collect();
        for found in found {
            let connected = match found.stage {
                Stage::Connected { agent, .. } => Some(agent),
                Stage::Waiting | Stage::Alerting { .. } => None,
            };
            let call = CallNow {
                tier: found.tier,
                priority: found.priority,
                arrival: found.arrival,
                been_in: [found.at].into(),
                sent_on: 0,
                moved: 0,
                service_acted: false,
                connected,
                visit: 0,
                is_old: true,
            };
            self.calls.insert(found.interaction, call);
            if let Stage::Alerting { match_id, agent } = found.stage {
                self.rings(match_id, found.interaction, agent);
            }
            match connected {
                Some(_) => self.talks(found.interaction),
                None => self.is_patient(found.interaction),
            }
        }
    }

    /// A call comes in, and goes where this centre sends it.
    pub(super) fn arrives(&mut self, id: InteractionId) {
        let day = self.script.day;
        let Some(call) = day.calls.get(&(id, 0)) else {
            return;
        };
        if call.caller.is_none() {
            return self.enters_as_then(id, 0, None);
        }
        let Some((to, received)) = self.received(call) else {
            return;
        };
        let arrival = Duration::from_micros(self.now.0);
        let now = CallNow {
            tier: received.tier,
            priority: received.priority,
            arrival,
            been_in: Vec::new(),
            sent_on: 0,
            moved: 0,
            service_acted: false,
            connected: None,
            visit: 0,
            is_old: false,
        };
        self.calls.insert(id, now);
        self.is_patient(id);
        self.feed(Input::Enqueue(Enqueue {
            interaction: id,
            to,
            tier: received.tier,
            priority: received.priority,
            arrival,
            kind: EntryKind::New,
            service_acted: false,
            sticky: self.former(id, to),
        }));
    }

    /// It comes to the queues as it did then: a person sent it there, or it came back, or nothing is known of who called.
    fn enters_as_then(&mut self, id: InteractionId, visit: u32, before: Option<CallNow>) {
        let Some(call) = self.script.day.calls.get(&(id, visit)) else {
            return;
        };
        let enqueue = call.enqueue.clone();
        let now = CallNow {
            tier: enqueue.tier,
            priority: enqueue.priority,
            arrival: enqueue.arrival,
            been_in: before.map_or_else(Vec::new, |before| before.been_in),
            sent_on: 0,
            moved: call.moved,
            service_acted: enqueue.service_acted,
            connected: None,
            visit,
            is_old: false,
        };
        self.calls.insert(id, now);
        self.is_patient(id);
        self.feed(Input::Enqueue(enqueue));
    }

    /// It is out of the queues: where a person sent it on then, or it came back, it does so as long after.
    fn is_out(&mut self, id: InteractionId) {
        let Some(call) = self.calls.remove(&id) else {
            return;
        };
        let calls = &self.script.day.calls;
        let next = calls.get(&(id, call.visit + 1));
        let (Some(then), Some(next)) = (calls.get(&(id, call.visit)), next) else {
            return;
        };
        let Some(key) = next.arrived else {
            return;
        };
        let now_us = self.now.0;
        let key = if then.out_us == now_us {
            key
        } else {
            let after_us = key.0.saturating_sub(then.out_us);
            (now_us.saturating_add(after_us), key.1, 1)
        };
        self.away.insert(id, call);
        self.plan(key, Happening::Again(id));
    }

    /// It comes to the queues again.
    pub(super) fn comes_again(&mut self, id: InteractionId) {
        if let Some(before) = self.away.remove(&id) {
            self.enters_as_then(id, before.visit + 1, Some(before));
        }
    }

    /// The visit that a call is on.
    fn visit(&self, id: InteractionId) -> Option<Visit> {
        Some((id, self.calls.get(&id)?.visit))
    }

    /// What is recorded of it.
    fn recorded(&self, id: InteractionId) -> Option<&'_ CallDay> {
        self.script.day.calls.get(&self.visit(id)?)
    }

    /// Where a call goes first; none where it never comes to a queue or to a user.
    fn received(&self, call: &CallDay) -> Option<(Target, Received)> {
        let paper = self.script.paper;
        let who = call.caller.as_ref()?;
        let received = paper.receives(Caller {
            number: &who.number,
            called: &who.called,
            user: who.user.as_deref(),
            vip: who.vip,
        });
        let to = paper.target(received.to.as_ref()?)?;
        Some((to, received))
    }

    /// When its caller gives up: as then, or later than they are known to have waited.
    fn is_patient(&mut self, id: InteractionId) {
        let script = self.script;
        let Some((visit, call)) = self.visit(id).zip(self.recorded(id)) else {
            return;
        };
        let key = match call.left {
            Some(key) => Some(key),
            None => {
                let waited_us = call.seen_us.saturating_sub(call.since_us());
                let patience = script
                    .model
                    .patience_of(self.seed, id, call.enqueue.to, waited_us);
                patience.map(|patience| (call.since_us().saturating_add(patience), 0, 0))
            }
        };
        if let Some(key) = key {
            self.plan(key, Happening::Leaves(visit));
        }
    }

    pub(super) fn leaves(&mut self, visit: Visit) {
        let (id, _) = visit;
        let waits = self.calls.get(&id).is_some_and(CallNow::waits);
        if !waits || self.visit(id) != Some(visit) {
            return;
        }
        let recorded = self.recorded(id);
        let gave_up = recorded.is_none_or(|call| call.left.is_none() || call.gave_up);
        self.calls.remove(&id);
        if self.acd.interaction(id).is_some() {
            let now = Duration::from_micros(self.now.0);
            self.ledger.leaves(now, id, gave_up);
            self.feed(Input::Leave { interaction: id });
        }
    }

    /// An agent has it.
    pub(super) fn connects(&mut self, id: InteractionId, agent: AgentId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.connected = Some(agent);
        self.talks(id);
        let at = self.acd.interaction(id).map(|found| found.at);
        if matches!(at, Some(Target::Queue(_)))
            && let Some(number) = self.number(id)
            && let Some(record) = self.script.paper.served(number, agent, self.utc_us())
        {
            self.served.insert(record.number.clone(), record);
        }
    }

    /// For whom the caller waits first there (rule 9).
    fn former(&self, id: InteractionId, to: Target) -> Option<Sticky> {
        let served = self.served.get(self.number(id)?);
        self.script.paper.former(to, served, self.utc_us())
    }

    /// The number of who is in the call, where it is known: of who called, or of the one who was sent on.
    fn number(&self, id: InteractionId) -> Option<&str> {
        let calls = &self.script.day.calls;
        let sent = self
            .recorded(id)
            .and_then(|call| call.sent_number.as_deref());
        sent.or_else(|| Some(&calls.get(&(id, 0))?.caller.as_ref()?.number))
    }

    /// The time on the wall, as far apart from the engine's as when the day began.
    fn utc_us(&self) -> i64 {
        let day = self.script.day;
        let since_us = i64::try_from(self.now.0.saturating_sub(day.begin.0)).unwrap_or(i64::MAX);
        day.begin_utc_us.saturating_add(since_us)
    }

    /// When the talk is over: after as long as on the day.
    fn talks(&mut self, id: InteractionId) {
        let script = self.script;
        let Some((visit, call)) = self.visit(id).zip(self.recorded(id)) else {
            return;
        };
        let now_us = self.now.0;
        let key: Key = match (call.connected, call.ended) {
            (Some((since_us, _)), Some(ended)) if since_us == now_us => ended,
            (Some((since_us, _)), Some((ended_us, seq, _))) => (
                now_us.saturating_add(ended_us.saturating_sub(since_us)),
                seq,
                1,
            ),
            (Some((since_us, _)), None) => {
                // Cut off by the day's end or a restart: longer than that.
                let known_us = call
                    .cut_us
                    .unwrap_or(script.day.end.0)
                    .saturating_sub(since_us);
                let talk = script.model.talk(self.seed, id, call.enqueue.to, known_us);
                (now_us.saturating_add(talk), 0, 0)
            }
            (None, _) => {
                let talk = script.model.talk(self.seed, id, call.enqueue.to, 0);
                (now_us.saturating_add(talk), 0, 0)
            }
        };
        if let (Some((since_us, _)), Some((coded_us, seq, _))) = (call.connected, call.coded) {
            let shift = u32::from(since_us != now_us);
            let at_us = now_us.saturating_add(coded_us.saturating_sub(since_us));
            self.plan((at_us, seq, shift), Happening::Codes(visit));
        }
        self.plan(key, Happening::TalkEnds(visit));
    }

    pub(super) fn codes(&mut self, visit: Visit) {
        let (interaction, _) = visit;
        let agent = self.calls.get(&interaction).and_then(|call| call.connected);
        if let Some(agent) = agent.filter(|_| self.visit(interaction) == Some(visit)) {
            let change = AgentChange::Coded { interaction };
            self.feed(Input::AgentChanged { agent, change });
        }
    }

    pub(super) fn talk_ends(&mut self, visit: Visit) {
        let (id, _) = visit;
        let agent = self.calls.get(&id).and_then(|call| call.connected);
        let Some(agent) = agent.filter(|_| self.visit(id) == Some(visit)) else {
            return;
        };
        self.is_out(id);
        self.feed(Input::InteractionEnded { interaction: id });
        self.wraps_up(agent, visit);
    }

    /// A rule sends it on, as the engine would.
    pub(super) fn sends_on(&mut self, id: InteractionId, way: SentOn) {
        let script = self.script;
        let now_us = self.now.0;
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let then = script.day.sent_on.get(&(id, call.moved));
        let then = then.filter(|(key, _)| key.0 == now_us);
        let was_diverted = script.day.diverted.contains(&(id, now_us));
        let was_cut_off = then.is_none() && script.day.cut_off.contains(&now_us);
        let is_as_then = was_diverted && (call.is_old || was_cut_off);
        let next = if is_as_then {
            then.map(|(_, enqueue)| enqueue.clone())
        } else {
            let to = way.to.as_ref().and_then(|to| script.paper.target(to));
            to.and_then(|to| call.next(id, to, &way, now_us))
        };
        call.moved += u32::from(next.is_some());
        let Some(mut next) = next else {
            // To the telephone network, an announcement or nowhere: out of the queues.
            self.is_out(id);
            return;
        };
        if !is_as_then {
            next.sticky = self.former(id, next.to);
        }
        let at_once = (now_us, self.now.1, self.now.2.saturating_add(1));
        let key = then.map_or(at_once, |(key, _)| *key);
        self.plan(key, Happening::SentOn(next));
    }

    pub(super) fn comes_on(&mut self, enqueue: Enqueue) {
        if self.calls.contains_key(&enqueue.interaction) {
            self.feed(Input::Enqueue(enqueue));
        }
    }

    /// It was let in.
    pub(super) fn entered(&mut self, id: InteractionId, to: Target) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.been_in.push(to);
        }
    }

    pub(super) fn service_level(&mut self, id: InteractionId, step: ServiceStep) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.service_acted = true;
            if let ServiceStep::Raise(points) = step {
                call.priority = call.priority.saturating_add(points);
            }
        }
    }
}
