//! Phones and outside numbers are called: one INVITE for each, and what becomes of those that lose.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use acd::{AlertEnd as AcdAlertEnd, Input as AcdInput};
use sip::dialog::Offers;
use sip::{HeaderName, Method, RequestBuilder};

use super::answers::{Outcome, Progress, caller_status, end_result};
use super::early::Attempt;
use super::held::Sound;
use super::target::Target;
use super::{Leg, LegState, Purpose, Ring, Stage};
use crate::call::leg::LegMedia;
use crate::engine::{Engine, Timer};
use crate::event::{EndCause, EndResult, Event, LegRole, Party};
use crate::ids::{CallId, LegId};
use crate::sabotage;

/// How long a phone may say nothing at all before it counts as gone (rule 12).
const PROVISIONAL_WITHIN: Duration = Duration::from_secs(3);
/// How long an extension rings that is rung for itself.
const EXTENSION_RINGS: Duration = Duration::from_secs(60);
/// How long an outside number rings: as long as a proxy would wait (RFC 3261 §16.6 step 11, timer C).
const OUTSIDE_RINGS: Duration = Duration::from_secs(180);
/// How long ago a phone's own BYE may be and still explain a 486 (rule 12).
const OWN_BYE_MATTERS: Duration = Duration::from_millis(500);

impl Engine {
    pub(crate) fn dial_extension(&mut self, call: CallId, number: &str) {
        let targets = self.targets_of_extension(number);
        let user = self
            .user_by_extension(number)
            .map(|user| String::from(&*user.username));
        self.dial(
            call,
            number,
            user.as_deref(),
            Some(number),
            targets,
            EXTENSION_RINGS,
        );
    }

    pub(crate) fn dial_outside(&mut self, call: CallId, number: &str) {
        if self.routes.is_emergency(number) {
            return self.dial_emergency(call, number);
        }
        let targets = self.target_of_number(number).into_iter().collect();
        self.dial(call, number, None, None, targets, OUTSIDE_RINGS);
    }

    pub(super) fn dial_outside_at(&mut self, call: CallId, number: &str, target: Target) {
        self.dial(call, number, None, None, [target].into(), OUTSIDE_RINGS);
    }

    fn dial(
        &mut self,
        call: CallId,
        number: &str,
        user: Option<&str>,
        extension: Option<&str>,
        targets: Vec<Target>,
        rings: Duration,
    ) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        found.stage = Stage::Dialling;
        found.rings = Vec::from([Ring::new(Purpose::Dial)]);
        let nowhere = targets.is_empty();
        for target in targets {
            let leg = self.call_phone_at(call, LegRole::Callee, number, user, extension, target);
            if let Some(leg) = leg {
                self.set_leg_timer(leg, rings, Timer::RangOut(leg));
            }
        }
        let ringing = self.calls.get(&call);
        let ringing = ringing.and_then(|call| call.ring_for(Purpose::Dial));
        if ringing.is_some_and(|ring| ring.legs.is_empty()) {
            self.drop_ring(call, Purpose::Dial);
            let outcome = if nowhere {
                Outcome::Nowhere
            } else {
                Outcome::NoPorts
            };
            self.dial_failed(call, outcome, Progress::Calling);
        } else if let Some(caller) = self.calls.get(&call).map(|call| call.caller)
            && self.is_answered(caller)
        {
            self.play(caller, "ringback", true);
        }
    }

    /// Rings an agent's or a user's own phone.
    pub(crate) fn call_phone(
        &mut self,
        call: CallId,
        role: LegRole,
        extension: &str,
        user: Option<&str>,
        target: Target,
    ) -> Option<LegId> {
        self.call_phone_at(call, role, extension, user, Some(extension), target)
    }

    /// Sends one INVITE of the ring that the call began last; `None` when it could not be sent.
    fn call_phone_at(
        &mut self,
        call: CallId,
        role: LegRole,
        number: &str,
        user: Option<&str>,
        extension: Option<&str>,
        target: Target,
    ) -> Option<LegId> {
        let caller = self.calls.get(&call)?.caller;
        if self.legs.contains_key(&caller) && !self.ensure_ports(caller) {
            return None;
        }
        let leg = LegId(self.ids.issue());
        let media = LegMedia::new(leg, self.random_ids.next());
        let extensions = self.extensions_with(target.trunk.as_deref(), None);
        let sips = super::target::is_sips(target.request_uri.view());
        let contact = alloc::format!("<{}>", self.contact_on(&target.flow, sips));
        self.add_leg(Leg {
            id: leg,
            call,
            role,
            number: number.into(),
            trunk: target.trunk.clone(),
            user: user.map(String::from),
            extension: extension.map(String::from),
            flow: target.flow,
            nat: target.nat,
            // The transaction is not there yet; a leg without ports never gets one.
            state: LegState::Placed,
            media,
            offers: Offers::default(),
            phone_holds: false,
            on_hold: false,
            hears: Sound::default(),
            asked: None,
            extensions,
            invited_at: None,
            responded: false,
            timers: Vec::new(),
        });
        let sent = self
            .ensure_ports(leg)
            .then(|| self.send_invite(leg, &target, &contact))
            .flatten();
        let Some((client, attempt)) = sent else {
            self.forget_leg(leg);
            return None;
        };
        self.index.clients.insert(client, leg);
        self.count_call_out(leg);
        if let Some(found) = self.legs.get_mut(&leg) {
            found.invited_at = Some(self.now.mono);
            found.state = LegState::Calling {
                client,
                request_uri: target.request_uri,
                contact,
                rang: false,
                attempt,
            };
        }
        let found = self.calls.get_mut(&call);
        if let Some(ring) = found.and_then(|call| call.rings.last_mut()) {
            ring.legs.push(leg);
        }
        self.open_media(leg);
        self.publish_leg(leg);
        self.set_leg_timer(leg, PROVISIONAL_WITHIN, Timer::NoProvisional(leg));
        Some(leg)
    }

    /// It rings as long as a dialled extension does.
    pub(super) fn rings_like_an_extension(&mut self, leg: LegId) {
        self.set_leg_timer(leg, EXTENSION_RINGS, Timer::RangOut(leg));
    }

    fn set_leg_timer(&mut self, leg: LegId, after: Duration, timer: Timer) {
        let id = self.timers.set(self.now.mono + after, timer);
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.timers.push(id);
        }
    }

    fn send_invite(
        &mut self,
        leg: LegId,
        target: &Target,
        contact: &str,
    ) -> Option<(sip::transaction::ClientId, Box<Attempt>)> {
        let our = self.local_media(leg)?;
        let found = self.legs.get_mut(&leg)?;
        let offer = found.media.negotiation.offer(&our);
        found.offers.on_sent();
        let call = self.calls.get(&found.call)?;
        let number = found.number.clone();
        let party = match call.rings.last().map(|ring| ring.purpose) {
            // Their own phone shows what they are about to be connected with.
            Some(Purpose::OwnPhone) => Party {
                number: call.called.clone(),
                name: None,
            },
            Some(Purpose::Alert(_) | Purpose::Retrieve | Purpose::Dial) | None => {
                call.party.clone()
            }
        };
        let hops = call.max_forwards.saturating_sub(1);
        let to = target.request_uri.as_str();
        let (name, from) = self.identity(&party, target);
        let call_id = alloc::format!(
            "{:016x}{:016x}",
            self.random_ids.next(),
            self.random_ids.next()
        );
        let tag = self.secrets.token();
        let to_uri = match &target.trunk {
            Some(_) => String::from(to),
            None => alloc::format!(
                "sip:{}@{}",
                sip::wire::escape_user(&number),
                self.snapshot.settings.sip.domain
            ),
        };
        let template = RequestBuilder::new(Method::Invite, to)
            .max_forwards(hops)
            .from(&name, &from, &tag)
            .to("", &to_uri, None)
            .call_id(&call_id)
            .header(HeaderName::Contact, contact)
            .header(HeaderName::Allow, super::requests::ALLOW)
            .header(HeaderName::UserAgent, "Lampfield");
        self.trace_leg(leg, &call_id);
        let mut attempt = Box::new(Attempt::new(template, offer.to_bytes()));
        let client = self.send_attempt(leg, target.flow, &mut attempt)?;
        Some((client, attempt))
    }

    /// Display name and From URI by which the one called sees the caller.
    fn identity(&self, party: &Party, target: &Target) -> (String, String) {
        let settings = &self.snapshot.settings;
        let trunk = target
            .trunk
            .as_ref()
            .and_then(|name| self.snapshot.centre.trunks.get(name));
        let domain = trunk
            .and_then(|trunk| trunk.from_domain.as_ref())
            .map_or_else(
                || String::from(&*settings.sip.domain),
                |domain| String::from(&**domain),
            );
        let fixed = trunk.and_then(|trunk| match &trunk.caller_id {
            config::CallerId::Pass => None,
            config::CallerId::Fixed(number) => Some(String::from(&**number)),
        });
        if let Some(number) = fixed {
            return (String::new(), alloc::format!("sip:{number}@{domain}"));
        }
        if party.number.is_empty() {
            return ("Anonymous".into(), "sip:anonymous@anonymous.invalid".into());
        }
        let uri = alloc::format!("sip:{}@{domain}", sip::wire::escape_user(&party.number));
        (printable(party.name.as_deref().unwrap_or_default()), uri)
    }

    /// The phone has said nothing for 3 s: it is gone, and the next is rung at once.
    pub(crate) fn no_provisional(&mut self, leg: LegId) {
        let Some(LegState::Calling { client, rang, .. }) =
            self.legs.get(&leg).map(|leg| &leg.state)
        else {
            return;
        };
        let silent = !rang && self.layer.is_answered(*client) == Some(false);
        let is_given_up = self.legs.get(&leg).is_some_and(|leg| {
            let is_phone = leg.role == LegRole::Agent || leg.trunk.is_none();
            is_phone || self.has_another_trunk(leg.call)
        });
        if silent && is_given_up {
            self.ring_leg_failed(leg, Outcome::TimedOut, None);
        }
    }

    /// It has rung long enough.
    pub(crate) fn rang_out(&mut self, leg: LegId) {
        if matches!(
            self.legs.get(&leg).map(|leg| &leg.state),
            Some(LegState::Calling { .. })
        ) {
            self.ring_leg_failed(leg, Outcome::TimedOut, None);
        }
    }

    /// One of those rung is out of it; the last one out decides what becomes of the call.
    pub(crate) fn ring_leg_failed(&mut self, leg: LegId, outcome: Outcome, status: Option<u16>) {
        let Some(found) = self.legs.get(&leg) else {
            return;
        };
        let call = found.call;
        let rang = matches!(found.state, LegState::Calling { rang: true, .. });
        let called = matches!(found.state, LegState::Calling { .. });
        let progress = if rang {
            Progress::Rang
        } else {
            Progress::Calling
        };
        let extension = found.extension.clone();
        let cause = EndCause {
            result: end_result(outcome, progress),
            sip_status: status,
            reason: None,
        };
        if called {
            self.count_failed_out(leg, outcome);
        }
        self.cancel_leg(leg, None);
        self.end_leg(leg, cause.clone());
        let found = self.calls.get_mut(&call);
        let Some(ring) = found.and_then(|call| call.ring_of_mut(leg)) else {
            return;
        };
        ring.legs.retain(|other| *other != leg);
        let telling = ring
            .failed
            .is_none_or(|(before, _)| weight(outcome) >= weight(before));
        if telling {
            ring.failed = Some((outcome, progress));
        }
        // A 6xx speaks for all phones of the one called (RFC 3261 §16.7 step 5).
        let others = if matches!(outcome, Outcome::Status(600..=699)) {
            core::mem::take(&mut ring.legs)
        } else {
            Vec::new()
        };
        if !ring.legs.is_empty() {
            return;
        }
        let (purpose, failed, rang) = (ring.purpose, ring.failed, ring.rang);
        let (outcome, _) = failed.unwrap_or((outcome, progress));
        let progress = if rang {
            Progress::Rang
        } else {
            Progress::Calling
        };
        self.drop_ring(call, purpose);
        for other in others {
            self.cancel_leg(other, None);
            self.end_leg(other, cause.clone());
        }
        match purpose {
            Purpose::Alert(match_id) => {
                let end = self.alert_end(outcome, extension.as_deref());
                self.alert_ended(match_id, end);
            }
            Purpose::Dial => self.dial_failed(call, outcome, progress),
            Purpose::OwnPhone => self.own_phone_failed(call, outcome, progress),
            Purpose::Retrieve => self.retrieve_failed(call),
        }
    }

    fn alert_end(&self, outcome: Outcome, extension: Option<&str>) -> AcdAlertEnd {
        match outcome {
            Outcome::Status(status) => {
                let bye = extension.and_then(|extension| self.own_byes.get(extension));
                let since = bye.map(|at| self.now.mono.saturating_sub(*at));
                AcdAlertEnd::Refused {
                    status,
                    since_own_bye: since.filter(|since| *since < OWN_BYE_MATTERS),
                }
            }
            Outcome::TimedOut => AcdAlertEnd::NoProvisional,
            Outcome::Unreachable | Outcome::Nowhere | Outcome::NoPorts => AcdAlertEnd::NoBinding,
        }
    }

    /// Nobody took a call that was dialled: its caller is told, or hears that nobody is there.
    pub(crate) fn dial_failed(&mut self, call: CallId, outcome: Outcome, progress: Progress) {
        if self.leaves_by_another_trunk(call, outcome, progress) {
            return;
        }
        let status = caller_status(outcome, progress);
        let result = end_result(outcome, progress);
        if let Some(found) = self.calls.get_mut(&call) {
            found.fallback.get_or_insert(result);
        }
        self.nobody_left(call, status);
    }

    /// Something rings.
    pub(crate) fn leg_rings(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let LegState::Calling { rang, .. } = &mut found.state else {
            return;
        };
        let call = found.call;
        if core::mem::replace(rang, true) {
            return;
        }
        self.publish(Event::LegRinging { call, leg });
        let found = self.calls.get_mut(&call);
        let Some(ring) = found.and_then(|call| call.ring_of_mut(leg)) else {
            return;
        };
        let first = !core::mem::replace(&mut ring.rang, true);
        match ring.purpose {
            Purpose::Alert(match_id) if first => {
                self.acd_input(AcdInput::AlertRinging { match_id })
            }
            Purpose::Alert(_) | Purpose::OwnPhone | Purpose::Retrieve | Purpose::Dial => {}
        }
    }

    /// Takes everything back that rings for a call.
    pub(crate) fn stop_rings(&mut self, call: CallId, why: EndResult) {
        let rings = self.calls.get(&call).map(|call| call.rings.iter());
        let purposes: Vec<_> = rings
            .into_iter()
            .flatten()
            .map(|ring| ring.purpose)
            .collect();
        for purpose in purposes {
            self.stop_ring(call, purpose, why, None);
        }
    }

    /// Takes back what rings for one purpose.
    pub(crate) fn stop_ring(
        &mut self,
        call: CallId,
        purpose: Purpose,
        why: EndResult,
        reason: Option<&str>,
    ) {
        for leg in self.drop_ring(call, purpose) {
            self.cancel_leg(leg, reason);
            self.end_leg(
                leg,
                EndCause {
                    result: why,
                    sip_status: None,
                    reason: None,
                },
            );
        }
    }

    /// Nothing rings for this purpose any more, but for the legs it answers with, which are the caller's to end.
    pub(crate) fn drop_ring(&mut self, call: CallId, purpose: Purpose) -> Vec<LegId> {
        let Some(call) = self.calls.get_mut(&call) else {
            return Vec::new();
        };
        let dropped = call.rings.extract_if(.., |ring| ring.purpose == purpose);
        dropped.flat_map(|ring| ring.legs).collect()
    }

    /// Cancels our INVITE. A late 1xx gets its CANCEL, a late 200 its ACK and BYE.
    fn cancel_leg(&mut self, leg: LegId, reason: Option<&str>) {
        let Some(LegState::Calling { client, .. }) = self.legs.get(&leg).map(|leg| &leg.state)
        else {
            return;
        };
        let client = *client;
        if sabotage::no_cancel() {
            return;
        }
        if self.layer.cancel(self.now.mono, client, reason) {
            self.index.cancelled.insert(client);
        }
    }
}

/// How much an outcome says of the one called: a refusal by a person more than a fault on the way.
fn weight(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Status(600..) => 4,
        Outcome::Status(480 | 486) => 3,
        Outcome::Status(_) => 2,
        Outcome::TimedOut => 1,
        Outcome::Unreachable | Outcome::Nowhere | Outcome::NoPorts => 0,
    }
}

/// A display name without what would break out of its line.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}
