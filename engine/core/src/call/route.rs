//! The destination of a call, and what is done about it.

use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use acd::{EntryKind, Input as AcdInput, Target as AcdTarget};
use config::Destination;

use super::leaving::WayOut;
use super::{Announced, DIVERSIONS_MAX, LegState, Place, Stage, Waiting};
use crate::engine::Engine;
use crate::event::{Diversion, EndCause, EndResult, EndedBy, Event};
use crate::ids::CallId;

/// The prompt for a caller for whom nothing is left to try.
const SORRY: &str = "sorry";

impl Engine {
    /// Sends a call where its number, a rule or a person says.
    pub(crate) fn go_to(&mut self, call: CallId, destination: &Destination) {
        match destination {
            Destination::Queue(name) => {
                self.enqueue(call, Place::Queue(name.to_string()), EntryKind::New)
            }
            Destination::User(username) => {
                self.enqueue(call, Place::User(username.to_string()), EntryKind::New);
            }
            Destination::Extension(number) => self.dial_extension(call, number),
            Destination::External(number) => self.dial_outside(call, number),
            Destination::Park(slot) => self.park_by_rule(call, *slot),
            Destination::Announcement(name) => self.announce(call, name),
            Destination::HangUp => self.fail_call(call, 480, EndResult::Refused),
            Destination::Busy => self.fail_call(call, 486, EndResult::Busy),
        }
    }

    /// Lets a call wait, ranked by when its visit began. The distribution core says at once whether it is let in.
    pub(crate) fn enqueue(&mut self, call: CallId, place: Place, kind: EntryKind) {
        let now = self.now.mono;
        let arrival = self
            .calls
            .get_mut(&call)
            .map_or(now, |call| *call.arrival.get_or_insert(now));
        self.enqueue_from(call, place, kind, arrival);
    }

    /// The same, ranked by `arrival`.
    fn enqueue_from(&mut self, call: CallId, place: Place, kind: EntryKind, arrival: Duration) {
        let sticky = self.former(call, &place);
        self.enqueue_for(call, place, kind, arrival, sticky);
    }

    /// The same, first for the agent whom `sticky` names.
    pub(super) fn enqueue_for(
        &mut self,
        call: CallId,
        place: Place,
        kind: EntryKind,
        arrival: Duration,
        sticky: Option<acd::Sticky>,
    ) {
        let target = match &place {
            Place::Queue(name) => self.names.queue(name).map(AcdTarget::Queue),
            Place::User(username) => self.names.agent(username).map(AcdTarget::Personal),
        };
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        let Some(target) = target else {
            self.nobody_left(call, 404);
            return;
        };
        if let Place::Queue(name) = &place {
            found.queue = Some(name.clone());
        }
        found.stage = Stage::Waiting(Waiting {
            place,
            entered: false,
            announced: Announced::default(),
        });
        let enqueue = acd::Enqueue {
            interaction: acd::InteractionId(call.0),
            to: target,
            tier: found.tier,
            priority: found.priority,
            arrival,
            kind,
            service_acted: found.service_acted,
            sticky,
        };
        self.acd_input(AcdInput::Enqueue(enqueue));
    }

    /// A rule sends the call elsewhere; without a destination the caller is told that nothing is left. `anew`: the next queue ranks
    /// it as if it came only now.
    pub(crate) fn divert(&mut self, call: CallId, from: Option<String>, way: WayOut, anew: bool) {
        let WayOut { why, to, result } = way;
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        found.stage = Stage::Routing;
        found.fallback = Some(result);
        found.diversions = found.diversions.saturating_add(1);
        // From a queue that is gone no way leads back to it.
        let again = |to: &Destination| why != Diversion::Removed && found.has_been_in(to);
        let to = to.filter(|to| found.diversions <= DIVERSIONS_MAX && !again(to));
        let first = *found.arrival.get_or_insert(self.now.mono);
        let arrival = if anew { self.now.mono } else { first };
        let caller = found.caller;
        let text = match &to {
            Some(to) => to.to_string(),
            None if self.is_answered(caller) => format!("announcement:{SORRY}"),
            None => String::from("hangup"),
        };
        self.publish(Event::CallDiverted {
            call,
            why,
            to: text,
            queue: from,
        });
        match to {
            Some(Destination::Queue(name)) => {
                let place = Place::Queue(name.to_string());
                self.enqueue_from(call, place, EntryKind::Overflow, arrival);
            }
            Some(Destination::User(username)) => {
                let place = Place::User(username.to_string());
                self.enqueue_from(call, place, EntryKind::Overflow, arrival);
            }
            // Nobody who has been answered can be told so by a status.
            Some(Destination::Busy) => self.nobody_left(call, 486),
            Some(destination) => self.go_to(call, &destination),
            None => self.nobody_left(call, 480),
        }
    }

    /// Plays a prompt, then ends the call.
    fn announce(&mut self, call: CallId, prompt: &str) {
        let Some(caller) = self.calls.get(&call).map(|call| call.caller) else {
            return;
        };
        if !self.answer_caller(call) {
            return;
        }
        if let Some(call) = self.calls.get_mut(&call) {
            call.stage = Stage::Announcing;
        }
        if !self.play(caller, prompt, false) {
            self.announcement_ended(call);
        }
    }

    pub(crate) fn announcement_ended(&mut self, call: CallId) {
        let result = self.calls.get(&call).and_then(|call| call.fallback);
        let result = result.unwrap_or(EndResult::Announced);
        self.end_call(
            call,
            EndCause {
                result,
                sip_status: None,
                reason: None,
            },
            EndedBy::System,
            None,
        );
    }

    /// Nothing is left to try: it comes back to who sent it, if somebody did. Else a status says so before the answer, after it the
    /// `sorry` prompt does.
    pub(crate) fn nobody_left(&mut self, call: CallId, status: u16) {
        if self.comes_back(call) {
            return;
        }
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        found.stage = Stage::Routing;
        let result = *found.fallback.get_or_insert(EndResult::Failed);
        let caller = found.caller;
        let answered = self
            .legs
            .get(&caller)
            .is_some_and(|leg| matches!(leg.state, LegState::Up { .. }));
        if answered {
            self.announce(call, SORRY);
        } else {
            self.fail_call(call, status, result);
        }
    }

    /// Ends a call that reached nobody, with this status if its caller is not answered yet.
    pub(crate) fn fail_call(&mut self, call: CallId, status: u16, result: EndResult) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let result = found.fallback.unwrap_or(result);
        let cause = EndCause {
            result,
            sip_status: Some(status),
            reason: None,
        };
        self.end_call(call, cause, EndedBy::System, Some(status));
    }
}
