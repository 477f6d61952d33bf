//! Feature codes: a phone without a console takes a caller who waits by dialling for them (rule 13), or one who is parked.
//!
//! Nobody is rung: the phone's own INVITE becomes the agent's leg of the call that it names. Who may take what is the
//! distribution core's to decide, as for a pick-up over the API; what stands in the way is told by a status, and in
//! words by a Warning.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use acd::{AgentId, Denial, Target as AcdTarget};
use config::Role;

use super::answers::Outcome;
use super::declined::Declined;
use super::inbound::Invite;
use super::leg::FarEnd;
use super::park::slot_of;
use super::{Call, Place, Stage, Waiting};
use crate::command::Actor;
use crate::engine::Engine;
use crate::event::{EndCause, EndResult, LegRole};
use crate::ids::{CallId, LegId};

/// Who dials a code.
struct Dialler {
    username: String,
    agent: AgentId,
    supervises: bool,
}

impl Engine {
    pub(super) fn dials_a_code(&self, invite: &Invite) -> bool {
        let dialled = self.called_number(&invite.message, None);
        self.routes.picked_up(&dialled).is_some() || self.routes.parked(&dialled).is_some()
    }

    /// A phone dialled a code.
    pub(super) fn on_code(&mut self, invite: Invite, extension: String, owner: String) {
        let (server, message) = (invite.server, invite.message.clone());
        let dialled = self.called_number(&message, None);
        let done = match self.routes.parked(&dialled) {
            Some(slot) => self.retrieve_by_code(invite, slot, extension, owner),
            None => self.pick_up_by_code(invite, extension, owner),
        };
        if let Err(declined) = done {
            self.decline(server, &message, &declined);
        }
    }

    fn pick_up_by_code(
        &mut self,
        invite: Invite,
        extension: String,
        owner: String,
    ) -> Result<(), Declined> {
        let dialler = self.dialler(&extension, owner)?;
        let dialled = self.called_number(&invite.message, None);
        let named = self.routes.picked_up(&dialled).unwrap_or_default();
        let call = self.call_named(named, &dialler)?;
        let leg = self.add_lifted(call, invite, extension, &dialler.username, LegRole::Agent);
        let Some(leg) = leg else {
            return Err(Declined::new(503, "no media port is free"));
        };
        self.lifted = Some((dialler.agent, leg));
        let answer = self.take(dialler.agent, call, dialler.supervises);
        // Taken by the alert that the pick-up began; else the phone rang for this very call.
        let left = self.lifted.take();
        match (answer, left) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some((_, leg))) => {
                self.take_by(leg);
                Ok(())
            }
            (Err(why), _) => {
                self.forget_leg(leg);
                let text = self.refusal(&dialler.username, call, why).to_string();
                let status = status_of(why);
                Err(Declined { status, why: text })
            }
        }
    }

    /// Whoever is parked in that slot is connected to the phone at once.
    fn retrieve_by_code(
        &mut self,
        invite: Invite,
        slot: &str,
        extension: String,
        owner: String,
    ) -> Result<(), Declined> {
        let seated = self.seats.user_at(&extension).map(String::from);
        let username = seated.unwrap_or(owner);
        let user = self.snapshot.centre.users.get(&username);
        let role = user.map_or(Role::Attendant, |user| user.role);
        let actor = Actor { username, role };
        let slot = slot_of(slot)
            .ok_or_else(|| Declined::new(484, "dial a park slot after the code, from 1"))?;
        let call = self.can_retrieve(&actor, slot)?;
        let leg = self.add_lifted(call, invite, extension, &actor.username, LegRole::Callee);
        let leg = leg.ok_or_else(|| Declined::new(503, "no media port is free"))?;
        self.publish_leg(leg);
        match self.answer(leg) {
            Ok(()) => self.retrieved(call, leg),
            Err(status) => {
                self.refuse_leg(leg, status);
                self.end_leg(
                    leg,
                    EndCause {
                        result: EndResult::Failed,
                        sip_status: Some(status),
                        reason: None,
                    },
                );
            }
        }
        Ok(())
    }

    /// Who sits at the phone; else whose it is.
    fn dialler(&self, extension: &str, owner: String) -> Result<Dialler, Declined> {
        let seated = self.seats.user_at(extension).map(String::from);
        let username = seated.unwrap_or(owner);
        let no_agent = |_| Declined::new(403, "nobody is at work at this phone");
        let agent = self.agent_id(&username).map_err(no_agent)?;
        let user = self.snapshot.centre.users.get(&username);
        let supervises = user.is_some_and(|user| user.role != Role::Attendant);
        Ok(Dialler {
            username,
            agent,
            supervises,
        })
    }

    /// What follows the code: a queue's number means its first caller, any other the caller with that number.
    fn call_named(&self, number: &str, dialler: &Dialler) -> Result<CallId, Declined> {
        if number.is_empty() {
            let help = "dial a queue's number after the code, or a caller's";
            return Err(Declined::new(484, help));
        }
        match self.routes.queue_of_number(number) {
            Some(queue) => self.first_of(queue, dialler),
            None => self.caller_with(number, dialler),
        }
    }

    fn first_of(&self, queue: &str, dialler: &Dialler) -> Result<CallId, Declined> {
        if !self.may_pick_up_at(&Place::Queue(queue.into()), dialler) {
            return Err(Declined::new(403, "that queue is not yours"));
        }
        let target = self.names.queue(queue).map(AcdTarget::Queue);
        let first = target.and_then(|target| {
            self.acd
                .first_to_pick_up(target, dialler.agent, dialler.supervises)
        });
        let nobody = || Declined::new(480, "nobody waits there whom you could pick up");
        first.map(|first| CallId(first.0)).ok_or_else(nobody)
    }

    /// The one caller with that number who waits where they pick up; else the one whom somebody was faster to take.
    fn caller_with(&self, number: &str, dialler: &Dialler) -> Result<CallId, Declined> {
        let readings = self.routes.readings_of_caller(number);
        let ids = readings.filter_map(|number| self.index.callers.get(&number));
        let calls: Vec<&Call> = ids
            .flatten()
            .filter_map(|call| self.calls.get(call).map(Box::as_ref))
            .collect();
        let waiting: Vec<&Call> = calls
            .iter()
            .copied()
            .filter(|call| self.waits_for(call, dialler))
            .collect();
        let taken = calls.iter().find(|call| self.was_for(call, dialler));
        match (&waiting[..], taken) {
            ([call], _) => Ok(call.id),
            ([], Some(call)) => Ok(call.id),
            ([], None) => Err(Declined::new(
                404,
                "no queue has that number, and nobody with it waits for you",
            )),
            _ => Err(Declined::new(485, "several callers with that number wait")),
        }
    }

    fn waits_for(&self, call: &Call, dialler: &Dialler) -> bool {
        match &call.stage {
            Stage::Waiting(Waiting {
                place,
                entered: true,
                ..
            }) => self.may_pick_up_at(place, dialler),
            Stage::Waiting(_)
            | Stage::Routing
            | Stage::Announcing
            | Stage::Dialling
            | Stage::Placing { .. }
            | Stage::Parked(_)
            | Stage::Connected { .. } => false,
        }
    }

    /// Whether it waited where they pick up, until somebody took it.
    fn was_for(&self, call: &Call, dialler: &Dialler) -> bool {
        let distributed = matches!(
            call.stage,
            Stage::Connected {
                distributed: true,
                ..
            }
        );
        let place = call.queue.clone().map(Place::Queue);
        distributed && place.is_some_and(|place| self.may_pick_up_at(&place, dialler))
    }

    fn may_pick_up_at(&self, place: &Place, dialler: &Dialler) -> bool {
        let user = self.snapshot.centre.users.get(&dialler.username);
        let own = match place {
            Place::Queue(queue) => user.is_some_and(|user| user.is_assigned(queue)),
            Place::User(username) => *username == dialler.username,
        };
        own || dialler.supervises
    }

    /// The leg of the phone that takes the call; none when there are no ports for it.
    fn add_lifted(
        &mut self,
        call: CallId,
        invite: Invite,
        extension: String,
        username: &str,
        role: LegRole,
    ) -> Option<LegId> {
        let far_end = FarEnd {
            number: extension.clone(),
            trunk: None,
            user: Some(username.into()),
            extension: Some(extension),
        };
        self.add_calling_leg(call, invite, far_end, role)
    }

    /// The alert of its call is answered by this leg.
    pub(super) fn take_by(&mut self, leg: LegId) {
        let call = self.legs.get(&leg).map(|leg| leg.call);
        let ring = call
            .and_then(|call| self.calls.get_mut(&call))
            .and_then(|call| call.rings.last_mut());
        let Some(ring) = ring else {
            return self.forget_leg(leg);
        };
        ring.legs.push(leg);
        self.publish_leg(leg);
        match self.answer(leg) {
            Ok(()) => self.ring_answered(leg),
            Err(status) => {
                self.refuse_leg(leg, status);
                self.ring_leg_failed(leg, Outcome::NoPorts, Some(status));
            }
        }
    }
}

fn status_of(why: Denial) -> u16 {
    match why {
        Denial::NotWaiting => 480,
        Denial::Taken { .. } => 486,
        Denial::NotAssigned
        | Denial::HeldFor { .. }
        | Denial::Offline
        | Denial::NoPhone
        | Denial::OnBreak
        | Denial::ReservedBefore
        | Denial::Rejected
        | Denial::NotReserved
        | Denial::Unskilled => 403,
    }
}
