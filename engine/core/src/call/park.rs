//! Parking: a call waits in a numbered slot for whoever takes it from there, and its parker is free.
//!
//! Slots are the centre's, numbered from 1. Everybody sees what they parked themselves, what somebody of their park location
//! parked, as it was at that moment, and what a rule parked; supervisors see all. Who retrieves has their own phone rung,
//! or dials the park code and the slot; until somebody has answered, the call stays parked. What nobody takes within `recall_after` comes
//! back to its parker (rule 4), once no phone rings for it any more. The distribution core knows nothing of parked calls.

use alloc::format;
use alloc::string::{String, ToString};

use config::{Role, SLOT_MAX};

use super::{Purpose, Ring, Stage};
use crate::command::{Actor, Done, Refusal};
use crate::engine::Engine;
use crate::event::{EndResult, Event, LegRole, Party};
use crate::ids::{CallId, LegId};
use crate::sabotage;
use crate::view::sees_parked;

/// A call in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parked {
    pub(crate) slot: u32,
    /// Who parked it; none: a rule did.
    pub(crate) by: Option<String>,
    /// Their park location at that moment.
    pub(crate) location: Option<String>,
    /// Whose phone rings for it.
    pub(crate) taker: Option<String>,
    /// Its time is over: it comes back when no phone rings for it any more.
    pub(crate) is_due: bool,
}

impl Engine {
    /// A person parks the other side of their conversation.
    pub(crate) fn park(
        &mut self,
        actor: &Actor,
        call: CallId,
        slot: Option<u32>,
    ) -> Result<Done, Refusal> {
        let leg = self.own_leg(actor, call)?;
        let slot = self.slot_for(actor, slot)?;
        self.end_holds(call, leg);
        let queue = self.calls.get(&call).and_then(|call| call.queue_of(leg));
        let party = self.party_beside(call, leg);
        let by = Some(actor.username.clone());
        let location = self.park_location(&actor.username);
        self.put_in_slot(call, slot, by.clone(), location.clone(), party);
        self.let_go(call, leg, &format!("parked in slot {slot}"));
        self.keep_sent(call, by.clone(), queue);
        self.stay_parked(call, slot, by, location);
        Ok(Done::Parked(slot))
    }

    /// The slot that was dialled after the park code, if somebody can be parked there.
    pub(super) fn free_slot(&self, actor: &Actor, dialled: &str) -> Result<u32, Refusal> {
        let slot = self.dialled_slot(dialled)?;
        self.slot_for(actor, Some(slot))
    }

    fn dialled_slot(&self, dialled: &str) -> Result<u32, Refusal> {
        let code = self.snapshot.centre.feature_codes.values().next();
        let code = code.and_then(|codes| codes.park.as_deref());
        slot_of(dialled).ok_or_else(|| Refusal::Invalid {
            field: "to",
            message: format!(
                "{dialled:?} is no park slot; dial a number from 1 to {SLOT_MAX} after {}",
                code.unwrap_or_default()
            ),
        })
    }

    /// A rule, or a dialled number, parks a caller.
    pub(super) fn park_by_rule(&mut self, call: CallId, slot: u32) {
        if self.index.parked.contains_key(&slot) {
            return self.nobody_left(call, 486);
        }
        if !self.answer_caller(call) {
            return;
        }
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let (queue, party) = (found.queue.clone(), found.party.clone());
        // Whom somebody sent to where this rule holds comes back to them.
        let sender = found.sent.as_ref().and_then(|sent| sent.by.clone());
        self.put_in_slot(call, slot, None, None, party);
        self.keep_sent(call, sender, queue);
        self.stay_parked(call, slot, None, None);
    }

    fn put_in_slot(
        &mut self,
        call: CallId,
        slot: u32,
        by: Option<String>,
        location: Option<String>,
        party: Party,
    ) {
        self.index.parked.insert(slot, call);
        self.publish(Event::CallParked {
            call,
            slot,
            by,
            location,
            party,
        });
    }

    fn stay_parked(
        &mut self,
        call: CallId,
        slot: u32,
        by: Option<String>,
        location: Option<String>,
    ) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        found.stage = Stage::Parked(Parked {
            slot,
            by,
            location,
            taker: None,
            is_due: false,
        });
        let (caller, queue) = (found.caller, found.queue.clone());
        let music = self.music_of(queue.as_deref());
        self.play(caller, &music, true);
    }

    /// The slot that was asked for, or the lowest that is free.
    fn slot_for(&self, actor: &Actor, slot: Option<u32>) -> Result<u32, Refusal> {
        let parked = &self.index.parked;
        let Some(slot) = slot else {
            let free = (1..=SLOT_MAX).find(|slot| !parked.contains_key(slot));
            return free.ok_or_else(|| Refusal::Conflict("all park slots are taken".into()));
        };
        if !(1..=SLOT_MAX).contains(&slot) {
            return Err(Refusal::Invalid {
                field: "slot",
                message: format!("{slot} is no park slot; those there are: 1 to {SLOT_MAX}"),
            });
        }
        let Some(other) = parked.get(&slot) else {
            return Ok(slot);
        };
        let seen = self.parked_at(slot).filter(|it| self.sees(actor, it));
        let who = seen.and_then(|_| self.calls.get(other));
        Err(Refusal::Conflict(match who {
            Some(call) => format!("{} is parked in slot {slot}", name_of(&call.party)),
            None => format!("slot {slot} is taken"),
        }))
    }

    fn park_location(&self, username: &str) -> Option<String> {
        let user = self.snapshot.centre.users.get(username)?;
        user.park_location.as_ref().map(ToString::to_string)
    }

    fn parked_at(&self, slot: u32) -> Option<&Parked> {
        let call = self.calls.get(self.index.parked.get(&slot)?)?;
        call.parked()
    }

    fn sees(&self, actor: &Actor, parked: &Parked) -> bool {
        let (by, place) = (parked.by.as_deref(), parked.location.as_deref());
        let location = self.park_location(&actor.username);
        actor.role != Role::Attendant
            || sees_parked(by, place, &actor.username, location.as_deref())
            || sabotage::park_location()
    }

    /// A call in a slot that this person sees and nobody takes yet.
    ///
    /// # Errors
    ///
    /// That there is none, or whose phone rings for it.
    pub(super) fn can_retrieve(&self, actor: &Actor, slot: u32) -> Result<CallId, Refusal> {
        let seen = self.parked_at(slot).filter(|it| self.sees(actor, it));
        let call = self.index.parked.get(&slot).filter(|_| seen.is_some());
        let call = call.ok_or_else(|| Refusal::NotFound {
            what: "parked call in slot",
            name: format!("{slot}"),
        })?;
        match seen.and_then(|parked| parked.taker.as_ref()) {
            Some(taker) if !sabotage::retrieve_twice() => Err(Refusal::Conflict(format!(
                "{taker} is taking the call in slot {slot}"
            ))),
            Some(_) | None => Ok(*call),
        }
    }

    /// Rings the own phone of somebody who takes a parked call.
    pub(crate) fn retrieve(&mut self, actor: &Actor, slot: u32) -> Result<Done, Refusal> {
        self.ring_for_parked(actor, slot).map(|_| Done::Ok)
    }

    /// The same for the slot that was dialled after the park code.
    pub(super) fn place_to_slot(&mut self, actor: &Actor, dialled: &str) -> Result<Done, Refusal> {
        let slot = self.dialled_slot(dialled)?;
        self.ring_for_parked(actor, slot).map(Done::Call)
    }

    fn ring_for_parked(&mut self, actor: &Actor, slot: u32) -> Result<CallId, Refusal> {
        let call = self.can_retrieve(actor, slot)?;
        let extension = self.own_extension(&actor.username)?;
        let targets = self.targets_of_extension(&extension);
        if targets.is_empty() {
            return Err(Refusal::Conflict(format!(
                "no phone is registered at extension {extension}"
            )));
        }
        let Some(found) = self.calls.get_mut(&call) else {
            return Ok(call);
        };
        found.rings.push(Ring::new(Purpose::Retrieve));
        if let Some(parked) = found.parked_mut() {
            parked.taker = Some(actor.username.clone());
        }
        for target in targets {
            let user = Some(actor.username.as_str());
            if let Some(leg) = self.call_phone(call, LegRole::Callee, &extension, user, target) {
                self.rings_like_an_extension(leg);
            }
        }
        let ring = self.calls.get(&call);
        let ring = ring.and_then(|call| call.ring_for(Purpose::Retrieve));
        if ring.is_none_or(|ring| ring.legs.is_empty()) {
            self.drop_ring(call, Purpose::Retrieve);
            self.retrieve_failed(call);
            return Err(Refusal::Unavailable("no media port is free".into()));
        }
        Ok(call)
    }

    /// Whoever takes it has answered: whom they talked to is on hold.
    pub(super) fn retrieved(&mut self, call: CallId, leg: LegId) {
        let by = self.legs.get(&leg).and_then(|leg| leg.user.clone());
        let by = by.unwrap_or_default();
        let Some(slot) = self.leave_slot(call) else {
            return;
        };
        self.hold_others(&by, leg);
        self.publish(Event::CallRetrieved { call, slot, by });
        self.connect(call, leg, false);
    }

    /// The phone of who takes it did not answer: it is there for all again, or comes back.
    pub(super) fn retrieve_failed(&mut self, call: CallId) {
        let Some(parked) = self.calls.get_mut(&call).and_then(|call| call.parked_mut()) else {
            return;
        };
        parked.taker = None;
        if parked.is_due {
            self.parked_too_long(call);
        }
    }

    /// Nobody has taken it in time. A phone that rings for it is let finish first.
    pub(super) fn parked_too_long(&mut self, call: CallId) {
        let Some(parked) = self.calls.get_mut(&call).and_then(|call| call.parked_mut()) else {
            return;
        };
        if parked.taker.is_some() {
            parked.is_due = true;
            return;
        }
        self.leave_slot(call);
        if !self.comes_back(call) {
            if let Some(found) = self.calls.get_mut(&call) {
                found.fallback = Some(EndResult::NoAnswer);
            }
            self.nobody_left(call, 480);
        }
    }

    /// It is parked no more. Gives the slot it was in.
    pub(super) fn leave_slot(&mut self, call: CallId) -> Option<u32> {
        let found = self.calls.get_mut(&call)?;
        let slot = found.parked()?.slot;
        found.stage = Stage::Routing;
        self.index.parked.remove(&slot);
        Some(slot)
    }
}

impl super::Call {
    fn parked(&self) -> Option<&Parked> {
        if let Stage::Parked(parked) = &self.stage {
            Some(parked)
        } else {
            None
        }
    }

    fn parked_mut(&mut self) -> Option<&mut Parked> {
        if let Stage::Parked(parked) = &mut self.stage {
            Some(parked)
        } else {
            None
        }
    }
}

/// The slot that somebody dialled.
pub(super) fn slot_of(dialled: &str) -> Option<u32> {
    let digits = !dialled.is_empty() && dialled.bytes().all(|byte| byte.is_ascii_digit());
    let slot = digits.then(|| dialled.parse().ok()).flatten();
    slot.filter(|slot| (1..=SLOT_MAX).contains(slot))
}

fn name_of(party: &Party) -> &str {
    let name = party.name.as_deref().filter(|name| !name.is_empty());
    let number = Some(party.number.as_str()).filter(|number| !number.is_empty());
    name.or(number).unwrap_or("somebody")
}
