//! Blind transfer: whoever talks sends the other side on by a number, and is out of it (RFC 5589 §5, made here by
//! bridging anew: no phone has to understand REFER).
//!
//! The one sent on hears ringing while the number is dialled. To a phone or outside number the call stays its sender's
//! until somebody answers: busy, refused, unreachable or not answered within `recall_after`, it comes back to the queue they had it
//! from, held for them (rule 4; see [`recall`](super::recall)). In a queue it waits by that queue's own rules.

use alloc::format;
use alloc::string::{String, ToString};

use acd::{EntryKind, Input as AcdInput, InteractionId};
use config::Destination;

use super::{Place, Stage};
use crate::command::{Actor, Done, Refusal};
use crate::engine::Engine;
use crate::event::{EndCause, EndResult, Event, LegRole, Party};
use crate::ids::{CallId, LegId};

/// Where somebody is sent on to.
#[derive(Debug)]
pub(super) enum Onward {
    /// A park slot that is free.
    Slot(u32),
    To(Destination),
}

impl Engine {
    /// A person sends the other side of their conversation on.
    pub(crate) fn transfer(
        &mut self,
        actor: &Actor,
        call: CallId,
        to: &str,
    ) -> Result<Done, Refusal> {
        let onward = self.onward(actor, call, to)?;
        self.send_on(actor, call, to, onward)
    }

    /// Where that number leads whom they talk to, if they may have a call go there. Nothing has happened yet.
    pub(super) fn onward(
        &mut self,
        actor: &Actor,
        call: CallId,
        to: &str,
    ) -> Result<Onward, Refusal> {
        let leg = self.own_leg(actor, call)?;
        if let Some(slot) = self.routes.parked(to) {
            return self.free_slot(actor, slot).map(Onward::Slot);
        }
        let destination = self.transferred_to(call, leg, to)?;
        self.may_send_to(&actor.username, &destination)?;
        Ok(Onward::To(destination))
    }

    pub(super) fn send_on(
        &mut self,
        actor: &Actor,
        call: CallId,
        to: &str,
        onward: Onward,
    ) -> Result<Done, Refusal> {
        let destination = match onward {
            Onward::Slot(slot) => return self.park(actor, call, Some(slot)).map(|_| Done::Ok),
            Onward::To(destination) => destination,
        };
        let leg = self.own_leg(actor, call)?;
        let queue = self.calls.get(&call).and_then(|call| call.queue_of(leg));
        self.publish_transferred(actor, call, leg, destination.to_string());
        self.let_go(call, leg, &format!("transferred to {to}"));
        self.keep_sent(call, Some(actor.username.clone()), queue);
        match &destination {
            Destination::Queue(name) => self.wait_as_sent(call, name.to_string()),
            Destination::User(_)
            | Destination::Extension(_)
            | Destination::External(_)
            | Destination::Park(_)
            | Destination::Announcement(_)
            | Destination::HangUp
            | Destination::Busy => self.go_to(call, &destination),
        }
        Ok(Done::Ok)
    }

    /// What that number means, dialled at the phone of `leg`.
    fn transferred_to(&self, call: CallId, leg: LegId, to: &str) -> Result<Destination, Refusal> {
        let nowhere = |message| Refusal::Invalid {
            field: "to",
            message,
        };
        let extension = self
            .legs
            .get(&leg)
            .and_then(|leg| leg.extension.as_deref())
            .unwrap_or_default();
        let plan = self.plan_from_extension(extension, to);
        let destination = plan
            .to
            .filter(|destination| *destination != Destination::Busy)
            .ok_or_else(|| {
                nowhere(format!(
                    "{to:?} is no queue, no other extension, and no trunk leads to it"
                ))
            })?;
        let partner = self.calls.get(&call).and_then(|call| call.partner(leg));
        let partner = partner.and_then(|partner| self.legs.get(&partner));
        let same = |number: &str| {
            let partner = partner.and_then(|partner| partner.extension.as_deref());
            partner == Some(number)
        };
        if matches!(&destination, Destination::Extension(number) if same(number)) {
            return Err(nowhere(format!("{to:?} is whom you talk to")));
        }
        Ok(destination)
    }

    pub(super) fn publish_transferred(
        &mut self,
        actor: &Actor,
        call: CallId,
        leg: LegId,
        to: String,
    ) {
        self.end_holds(call, leg);
        let event = Event::CallTransferred {
            call,
            by: actor.username.clone(),
            to,
            party: self.party_beside(call, leg),
        };
        self.publish(event);
    }

    /// Who remains when `leg` is gone, as others will see them.
    pub(super) fn party_beside(&self, call: CallId, leg: LegId) -> Party {
        let Some(found) = self.calls.get(&call) else {
            return Party::default();
        };
        if leg != found.caller {
            return found.party.clone();
        }
        let other = found.other().and_then(|other| self.legs.get(&other));
        let Some(other) = other else {
            return Party::default();
        };
        match (&other.extension, &other.user) {
            (Some(extension), Some(user)) => self.party_of_phone(extension, user),
            _ => Party {
                number: other.number.clone(),
                name: None,
            },
        }
    }

    /// Nobody is on hold for anybody any more: one of the two is about to go.
    pub(super) fn end_holds(&mut self, call: CallId, leg: LegId) {
        self.set_phone_holds(leg, false);
        self.set_on_hold(leg, false);
        let partner = self.calls.get(&call).and_then(|call| call.partner(leg));
        if let Some(partner) = partner {
            self.set_on_hold(partner, false);
        }
    }

    /// Lets one side of a conversation out of it; the other is its caller from then on, whoever called whom. What the
    /// distribution core gave is over with that, and wrap-up begins.
    pub(super) fn let_go(&mut self, call: CallId, leg: LegId, reason: &str) {
        let party = self.party_beside(call, leg);
        let Some(mut found) = self.take_call(call) else {
            return;
        };
        let stays = found.partner(leg).unwrap_or(found.caller);
        let distributed = matches!(
            found.stage,
            Stage::Connected {
                distributed: true,
                ..
            }
        );
        found.caller = stays;
        found.party = party;
        found.stage = Stage::Routing;
        found.rings.clear();
        found.fallback = None;
        found.diversions = 0;
        self.add_call(found);
        self.is_own_call(stays);
        if distributed {
            let interaction = InteractionId(call.0);
            self.acd_input(AcdInput::InteractionEnded { interaction });
        }
        self.send_bye(leg, None);
        self.end_leg(
            leg,
            EndCause {
                result: EndResult::Answered,
                sip_status: None,
                reason: Some(reason.into()),
            },
        );
    }

    /// An agent who stays in a call that the distribution core is done with is in a call of their own.
    pub(super) fn is_own_call(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        if found.role != LegRole::Agent {
            return;
        }
        found.role = LegRole::Callee;
        let Some(extension) = found.extension.clone() else {
            return;
        };
        let own = self.index.own.entry(extension.clone()).or_default();
        own.insert(leg);
        self.own_calls_changed(&extension);
    }

    /// Waits in the queue a person sent it to, by that queue's rules, with the arrival of its visit. Whoever sent it away is
    /// not asked first because they served it.
    fn wait_as_sent(&mut self, call: CallId, queue: String) {
        let now = self.now.mono;
        let arrival = self
            .calls
            .get_mut(&call)
            .map_or(now, |call| *call.arrival.get_or_insert(now));
        let place = Place::Queue(queue);
        self.enqueue_for(call, place, EntryKind::New, arrival, None);
    }
}
