//! Attended transfer: whoever talks to two joins them, and is out of both calls (RFC 5589 §6).
//!
//! The first call goes on, with its record, its arrival and whoever has had it; whom the second led to becomes a leg of it
//! under a new name, and the second call ends. The distribution core hears of that other phone's new own call before it hears that the
//! second call is over: who talks on is alerted for nothing in between.

use alloc::format;
use alloc::string::{String, ToString};

use super::Leg;
use super::declined::Declined;
use crate::command::Actor;
use crate::engine::Engine;
use crate::event::{EndCause, EndResult, EndedBy, Event, LegRole};
use crate::ids::{CallId, LegId};
use crate::journal::Body;
use crate::output::Output;

impl Engine {
    /// Whether those can be joined whom one talks to on two legs.
    ///
    /// # Errors
    ///
    /// Why they cannot: their packets would have to pass from one media thread to another.
    pub(super) fn can_join(
        &self,
        actor: &Actor,
        first: LegId,
        second: LegId,
    ) -> Result<(), Declined> {
        let talks = |leg: LegId| {
            let leg = self.legs.get(&leg)?;
            self.calls.get(&leg.call)?.partner(leg.id)
        };
        let (Some(one), Some(other)) = (talks(first), talks(second)) else {
            let who = &actor.username;
            return Err(Declined::new(480, &format!("{who} does not talk to two")));
        };
        if self.is_promised(other) {
            return Err(Declined::new(480, "the other call is only just answered"));
        }
        let worker = |leg: LegId| {
            let ports = self.legs.get(&leg)?.media.ports?;
            Some(ports.worker)
        };
        if worker(one) == worker(other) {
            Ok(())
        } else {
            Err(Declined::new(
                503,
                "the two calls could not be kept together, send the caller on by number",
            ))
        }
    }

    /// Joins whom a phone talks to on two legs.
    pub(super) fn join(&mut self, actor: &Actor, first: LegId, second: LegId) {
        let call_of = |leg: LegId| self.legs.get(&leg).map(|leg| leg.call);
        let (Some(call), Some(over)) = (call_of(first), call_of(second)) else {
            return;
        };
        let other = self.calls.get(&over).and_then(|call| call.partner(second));
        let Some(other) = other else { return };
        let to = self.destination_of(other);
        let reason = format!("transferred to {to}");
        self.end_holds(over, second);
        self.publish_transferred(actor, call, first, to);
        let Some(joined) = self.move_leg(other, call, &format!("joined with call {call}")) else {
            return;
        };
        let cause = EndCause {
            result: EndResult::Answered,
            sip_status: None,
            reason: Some(format!("joined with call {call}")),
        };
        self.end_call(over, cause, EndedBy::User, None);
        self.let_go(call, first, &reason);
        self.connect(call, joined, false);
    }

    /// The far end of a leg, as a destination is written.
    fn destination_of(&self, leg: LegId) -> String {
        let found = self.legs.get(&leg);
        match found.and_then(|leg| leg.extension.as_ref()) {
            Some(extension) => format!("extension:{extension}"),
            None => format!("external:{}", found.map_or("", |leg| &leg.number)),
        }
    }

    /// The far end of a leg goes on in another call, under a new name there: each call's record has legs of its own.
    fn move_leg(&mut self, leg: LegId, call: CallId, reason: &str) -> Option<LegId> {
        let mut moved = self.take_leg(leg)?;
        let from = moved.call;
        let cause = EndCause {
            result: EndResult::Answered,
            sip_status: None,
            reason: Some(reason.to_string()),
        };
        self.publish(Event::LegEnded {
            call: from,
            leg,
            cause,
        });
        self.journal(Body::DialogGone(leg));
        self.output(Output::LegUntraced { leg });
        let joined = LegId(self.ids.issue());
        let sip_call_id = moved.dialog().map(|dialog| dialog.snapshot().call_id);
        moved.id = joined;
        moved.call = call;
        moved.role = LegRole::Callee;
        self.rename_in_index(leg, joined, &moved);
        self.add_leg(moved);
        self.trace_leg(joined, &sip_call_id.unwrap_or_default());
        self.publish_leg(joined);
        self.publish(Event::LegAnswered { call, leg: joined });
        self.journal_dialog(joined);
        self.set_session_alarm(joined);
        Some(joined)
    }

    /// Takes a leg that is up from where it is found, and nothing of what it has.
    fn take_leg(&mut self, leg: LegId) -> Option<Leg> {
        let mut taken = *self.legs.remove(&leg)?;
        for timer in taken.timers.drain(..) {
            self.timers.cancel(timer);
        }
        self.forget_seat(&taken);
        Some(taken)
    }

    /// What names the leg names it anew.
    fn rename_in_index(&mut self, leg: LegId, joined: LegId, moved: &Leg) {
        if let Some(dialog) = moved.dialog() {
            self.index.dialogs.insert(dialog.key(), joined);
        }
        for server in self.index.servers.of(leg).to_vec() {
            self.index.servers.insert(server, joined);
        }
        if let Some(client) = moved.asked {
            self.index.asked.insert(client, joined);
        }
        for client in &moved.extensions.errands {
            if let Some((of, _)) = self.index.errands.get_mut(client) {
                *of = joined;
            }
        }
        self.index.media.insert(moved.media.key.leg, joined);
        let held = self.index.on_hold_for.values_mut().flatten();
        for held in held.filter(|held| **held == leg) {
            *held = joined;
        }
    }
}
