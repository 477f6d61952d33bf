//! A call placed by a click: the user's own phone rings first, then what they asked for.

use alloc::string::String;
use alloc::vec::Vec;

use acd::Tier;
use config::Destination;

use super::answers::{Outcome, Progress, end_result};
use super::{Call, Purpose, Ring, Stage, Standing};
use crate::command::{Actor, Done, Refusal};
use crate::engine::Engine;
use crate::event::{Direction, EndCause, EndResult, EndedBy, Event, LegRole, Party};
use crate::ids::{CallId, LegId};

impl Engine {
    pub(crate) fn place_call(
        &mut self,
        actor: &Actor,
        username: &str,
        to: &str,
    ) -> Result<Done, Refusal> {
        let parked = self.routes.parked(to);
        if let Some(slot) = parked {
            return self.place_to_slot(actor, slot);
        }
        if self.draining && !self.routes.is_emergency(to) {
            return Err(Refusal::Unavailable(
                "the daemon is stopping and takes no new calls".into(),
            ));
        }
        let extension = self.own_extension(username)?;
        let plan = self.plan_from_extension(&extension, to);
        let caller = self.standing(&extension);
        let rank = self.rank_of_caller(caller, &plan);
        let destination = plan
            .to
            .filter(|destination| *destination != Destination::Busy)
            .ok_or_else(|| Refusal::Invalid {
                field: "to",
                message: alloc::format!(
                    "{to:?} is no queue, no other extension, and no trunk leads to it"
                ),
            })?;
        let targets = self.targets_of_extension(&extension);
        if targets.is_empty() {
            return Err(Refusal::Conflict(alloc::format!(
                "no phone is registered at extension {extension}"
            )));
        }
        self.may_send_to(username, &destination)?;
        let call = self.start_placed(username, caller, to, &destination, rank);
        for target in targets {
            let leg = self.call_phone(call, LegRole::Caller, &extension, Some(username), target);
            if let (Some(leg), Some(found)) = (leg, self.calls.get_mut(&call)) {
                found.caller = leg;
            }
        }
        if self
            .calls
            .get(&call)
            .and_then(|call| call.ring_for(Purpose::OwnPhone))
            .is_none_or(|ring| ring.legs.is_empty())
        {
            self.fail_call(call, 503, EndResult::Failed);
            return Err(Refusal::Unavailable("no media port is free".into()));
        }
        Ok(Done::Call(call))
    }

    /// Whether a user may have a call go there: outside numbers not all.
    pub(super) fn may_send_to(&mut self, username: &str, to: &Destination) -> Result<(), Refusal> {
        let Destination::External(number) = to else {
            return Ok(());
        };
        let barred = self.dials_outside(username, number);
        barred.map_err(|why| Refusal::Forbidden(why.as_str().into()))
    }

    /// The phone they sit at, else their own.
    pub(super) fn own_extension(&self, username: &str) -> Result<String, Refusal> {
        let user = self.snapshot.centre.users.get(username);
        let user = user.ok_or_else(|| Refusal::NotFound {
            what: "user",
            name: username.into(),
        })?;
        let own = user
            .extension
            .as_ref()
            .map(|extension| String::from(&**extension));
        let extension = self.seats.extension(username).map(String::from).or(own);
        let no_phone =
            || Refusal::Conflict(alloc::format!("{username} has no extension to call from"));
        extension.ok_or_else(no_phone)
    }

    fn start_placed(
        &mut self,
        username: &str,
        caller: Standing<'_>,
        to: &str,
        destination: &Destination,
        (tier, priority): (Tier, i32),
    ) -> CallId {
        let id = CallId(self.ids.issue());
        let direction = match destination {
            Destination::External(_) => Direction::Outbound,
            Destination::Queue(_)
            | Destination::User(_)
            | Destination::Extension(_)
            | Destination::Park(_)
            | Destination::Announcement(_)
            | Destination::HangUp
            | Destination::Busy => Direction::Internal,
        };
        let name = self
            .snapshot
            .centre
            .users
            .get(username)
            .map(|user| String::from(&*user.name));
        let party = Party {
            number: caller.number.into(),
            name: name.filter(|name| !name.is_empty()),
        };
        let ring = Ring::new(Purpose::OwnPhone);
        let call = Call {
            id,
            caller: LegId(0),
            party: party.clone(),
            called: to.into(),
            tier,
            priority,
            stage: Stage::Placing { to: to.into() },
            arrival: None,
            queue: None,
            rings: Vec::from([ring]),
            diversions: 0,
            been_in: Vec::new(),
            service_acted: false,
            fallback: None,
            max_forwards: 70,
            emergency: None,
            announcement: None,
            sent: None,
            had: Vec::new(),
        };
        self.add_call(call);
        self.publish(Event::CallStarted {
            call: id,
            direction,
            caller: party,
            called: to.into(),
            trunk: None,
            user: Some(username.into()),
            vip: caller.vip,
        });
        id
    }

    /// The user picked up: now what they asked for is dialled.
    pub(crate) fn own_phone_answered(&mut self, call: CallId, leg: LegId) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        found.caller = leg;
        let Stage::Placing { to } = core::mem::replace(&mut found.stage, Stage::Routing) else {
            return;
        };
        self.publish(Event::CallAnswered { call });
        match self.plan_from_phone(&to).to {
            Some(destination) => self.go_to(call, &destination),
            None => self.nobody_left(call, 404),
        }
    }

    pub(crate) fn own_phone_failed(&mut self, call: CallId, outcome: Outcome, progress: Progress) {
        let cause = EndCause {
            result: end_result(outcome, progress),
            sip_status: match outcome {
                Outcome::Status(status) => Some(status),
                Outcome::TimedOut | Outcome::Unreachable | Outcome::Nowhere | Outcome::NoPorts => {
                    None
                }
            },
            reason: Some("the user's own phone did not answer".into()),
        };
        self.end_call(call, cause, EndedBy::System, None);
    }
}
