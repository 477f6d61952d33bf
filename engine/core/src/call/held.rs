//! Who is on hold, and what both sides hear then: by their phone's description (RFC 3264 §8.4), by a command, or because
//! their attendant picks up somebody else meanwhile (rule 13).
//!
//! Whoever is on hold hears the queue's music. A phone that has not put them there itself hears silence, in packets: one
//! that got none at all might take its call for lost.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ::media::sdp;
use acd::AgentId;

use super::{Call, Leg};
use crate::command::{Actor, Done, Refusal};
use crate::engine::Engine;
use crate::event::Event;
use crate::ids::{CallId, LegId};
use crate::sabotage;

/// Packets without a sound.
const SILENCE: &str = "silence";

/// What a leg of a conversation hears.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Sound {
    Music,
    Silence,
    #[default]
    TheOther,
}

impl Leg {
    /// Whether its other side is on hold.
    pub(crate) fn holds(&self) -> bool {
        self.phone_holds || self.on_hold
    }
}

impl Engine {
    /// A person puts the other side of their conversation on hold.
    pub(crate) fn hold(&mut self, actor: &Actor, call: CallId) -> Result<Done, Refusal> {
        let leg = self.own_leg(actor, call)?;
        if self.legs.get(&leg).is_some_and(|leg| leg.holds()) {
            return Err(Refusal::Conflict(format!("call {call} is on hold already")));
        }
        self.set_on_hold(leg, true);
        Ok(Done::Ok)
    }

    /// A person talks again to whom they put on hold. Whom they talk to meanwhile is on hold then: nobody talks to two.
    pub(crate) fn resume(&mut self, actor: &Actor, call: CallId) -> Result<Done, Refusal> {
        let leg = self.own_leg(actor, call)?;
        let found = self.legs.get(&leg).filter(|leg| leg.holds());
        let found =
            found.ok_or_else(|| Refusal::Conflict(format!("call {call} is not on hold")))?;
        if found.phone_holds {
            let phone = &found.number;
            return Err(Refusal::Conflict(format!(
                "the phone {phone} itself holds call {call}: take it off hold there"
            )));
        }
        let user = found.user.clone().unwrap_or_default();
        self.hold_others(&user, leg);
        self.set_on_hold(leg, false);
        Ok(Done::Ok)
    }

    /// Their leg of a conversation.
    pub(super) fn own_leg(&self, actor: &Actor, call: CallId) -> Result<LegId, Refusal> {
        let found = self.calls.get(&call).ok_or_else(|| Refusal::NotFound {
            what: "call",
            name: format!("{call}"),
        })?;
        let theirs = |leg: &LegId| {
            let leg = self.legs.get(leg);
            leg.is_some_and(|leg| leg.user.as_deref() == Some(&actor.username))
        };
        let leg = sides(found).find(theirs).ok_or_else(|| {
            Refusal::Forbidden(format!("call {call} is not one that you talk in"))
        })?;
        if found.partner(leg).is_none() {
            return Err(Refusal::Conflict(format!(
                "nobody has answered call {call}"
            )));
        }
        Ok(leg)
    }

    /// Their legs of conversations.
    pub(super) fn conversations_of(&self, username: &str) -> impl Iterator<Item = LegId> + use<'_> {
        let agent = self.names.agent(username);
        let agent = agent.and_then(|agent| self.acd.agent(agent));
        let served = agent.into_iter().flat_map(|agent| agent.interactions);
        let served = served.filter_map(|it| self.calls.get(&CallId(it.0))?.other());
        let extension = self.seats.extension(username);
        let own = extension.and_then(|extension| self.index.own.get(extension));
        let own = own.into_iter().flatten().copied();
        let talks = |leg: &LegId| {
            let call = self.legs.get(leg).and_then(|leg| self.calls.get(&leg.call));
            call.is_some_and(|call| call.is_connected())
        };
        served.chain(own).filter(talks)
    }

    /// Those in which nobody is on hold by their doing.
    fn talking_legs(&self, username: &str) -> Vec<LegId> {
        let talks = |leg: &LegId| self.legs.get(leg).is_some_and(|leg| !leg.holds());
        self.conversations_of(username).filter(talks).collect()
    }

    /// Whom they talk to on other legs is on hold from now on.
    pub(super) fn hold_others(&mut self, username: &str, leg: LegId) {
        for other in self.talking_legs(username) {
            if other != leg {
                self.set_on_hold(other, true);
            }
        }
    }

    /// Rule 13: whom they talk to is on hold while their phone rings for `call`.
    pub(crate) fn hold_for_pick_up(&mut self, agent: AgentId, call: CallId) {
        let username = self.names.username(agent).map(String::from);
        let mut legs = username.map_or_else(Vec::new, |username| self.talking_legs(&username));
        if sabotage::hold() {
            return;
        }
        for leg in &legs {
            self.set_on_hold(*leg, true);
        }
        // Whom they put on hold for another that rings still waits for this one.
        let pending = &mut self.index.on_hold_for;
        let others = pending.keys().filter(|(_, by)| *by == agent);
        for other in others.copied().collect::<Vec<_>>() {
            legs.extend(pending.remove(&other).into_iter().flatten());
        }
        if !legs.is_empty() {
            self.index.on_hold_for.insert((call, agent), legs);
        }
    }

    /// They have what they picked up; or they do not get it, and talk on.
    pub(super) fn pick_up_ended(&mut self, agent: AgentId, call: CallId, accepted: bool) {
        let legs = self.index.on_hold_for.remove(&(call, agent));
        for leg in legs.into_iter().flatten().filter(|_| !accepted) {
            self.set_on_hold(leg, false);
        }
    }

    /// What a phone says of itself from now on.
    pub(super) fn set_phone_holds(&mut self, leg: LegId, holds: bool) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let before = found.holds();
        if core::mem::replace(&mut found.phone_holds, holds) == holds {
            return;
        }
        // Who takes up the line again at the phone means it.
        if !holds {
            found.on_hold = false;
        }
        self.hold_changed(leg, before);
    }

    pub(super) fn set_on_hold(&mut self, leg: LegId, on_hold: bool) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let before = found.holds();
        found.on_hold = on_hold;
        self.hold_changed(leg, before);
    }

    /// Tells it, and lets both sides hear what they are to hear now.
    fn hold_changed(&mut self, leg: LegId, before: bool) {
        let Some(found) = self.legs.get(&leg) else {
            return;
        };
        let (call, holds) = (found.call, found.holds());
        let partner = self.calls.get(&call).and_then(|call| call.partner(leg));
        let Some(partner) = partner else {
            return;
        };
        if holds != before {
            self.publish(if holds {
                Event::CallHeld { call, by: leg }
            } else {
                Event::CallResumed { call, by: leg }
            });
        }
        for leg in [partner, leg] {
            self.hear(leg);
        }
    }

    /// Notes whether the far end holds us by what its first description says.
    pub(crate) fn note_hold(&mut self, leg: LegId) {
        if let Some(found) = self.legs.get_mut(&leg)
            && let Some(agreed) = found.media.negotiation.agreed()
        {
            found.phone_holds = is_held(agreed.direction);
        }
    }

    /// Somebody who held before the two were joined: the other hears music from the start.
    pub(crate) fn music_for_the_held(&mut self, call: CallId) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        for leg in sides(found) {
            self.hear(leg);
        }
    }

    /// Lets one who talks hear what they are to hear.
    fn hear(&mut self, leg: LegId) {
        let sound = self.sound_for(leg);
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let before = core::mem::replace(&mut found.hears, sound);
        if before == sound {
            return;
        }
        let call = found.call;
        match sound {
            Sound::Music => {
                let queue = self.calls.get(&call).and_then(|call| call.queue.clone());
                let music = self.music_of(queue.as_deref());
                self.play(leg, &music, true);
            }
            Sound::Silence => {
                self.play(leg, SILENCE, true);
            }
            Sound::TheOther => self.stop_play(leg),
        }
    }

    fn sound_for(&self, leg: LegId) -> Sound {
        let found = self.legs.get(&leg);
        let call = found.and_then(|leg| self.calls.get(&leg.call));
        let partner = call.and_then(|call| self.legs.get(&call.partner(leg)?));
        if partner.is_some_and(|leg| leg.holds()) {
            Sound::Music
        } else if found.is_some_and(|leg| leg.on_hold) {
            Sound::Silence
        } else {
            Sound::TheOther
        }
    }
}

fn sides(call: &Call) -> impl Iterator<Item = LegId> + use<> {
    [Some(call.caller), call.other()].into_iter().flatten()
}

/// Whether the far end lets us send to it.
pub(super) fn is_held(direction: sdp::Direction) -> bool {
    !direction.sends()
}
