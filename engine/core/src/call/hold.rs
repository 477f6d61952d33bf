//! Re-INVITEs, for hold and else: answered here (RFC 3264 §8.4, RFC 3261 §14).

use ::media::sdp::{self, SdpAnswer, SdpOffer};
use sip::transaction::ServerId;
use sip::{HeaderName, Message, ResponseBuilder};

use super::held::is_held;
use crate::engine::Engine;
use crate::ids::LegId;

impl Engine {
    /// A re-INVITE: a new offer, or the wish for ours.
    pub(crate) fn on_reinvite(&mut self, server: ServerId, leg: LegId, message: &Message) {
        if self.refuses_refresh(server, leg, message) || self.refuses_offer(server, leg, message) {
            return;
        }
        match self.session_for_reinvite(leg, message) {
            Ok(body) => self.accept_reinvite(server, leg, message, &body),
            Err(status) => {
                // What was agreed before still holds (§14.2).
                if let Some(found) = self.legs.get_mut(&leg) {
                    found.offers.on_received_done();
                }
                let response = self.response(message, status);
                self.respond(server, response);
            }
        }
    }

    fn session_for_reinvite(&mut self, leg: LegId, message: &Message) -> Result<bytes::Bytes, u16> {
        let our = self.local_media(leg).ok_or(500u16)?;
        let media = &mut self.legs.get_mut(&leg).ok_or(500u16)?.media;
        let body = message.body();
        if body.is_empty() {
            return Ok(media.negotiation.offer(&our).to_bytes());
        }
        let offer = SdpOffer::parse(&body).map_err(sdp::SdpFault::sip_status)?;
        let answered = media
            .negotiation
            .answer(&offer, &our)
            .map_err(sdp::NotAcceptable::sip_status)?;
        Ok(answered.answer.to_bytes())
    }

    fn accept_reinvite(&mut self, server: ServerId, leg: LegId, message: &Message, body: &[u8]) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        if let super::LegState::Up { dialog } = &mut found.state {
            // A Contact that cannot be read was refused by the checks before.
            let _ = dialog.refresh_target(message);
        }
        let contact = self.contact_of(leg);
        let mut response = ResponseBuilder::new(message, 200)
            .record_route(message)
            .contact(&contact)
            .header(HeaderName::Allow, super::requests::ALLOW);
        if let Some(found) = self.legs.get_mut(&leg) {
            found.extensions.note_allow(message);
            let now = self.now.mono;
            response = found.extensions.timer.accept(now, message, response);
        }
        self.index.servers.insert(server, leg);
        self.respond(server, response.body(sdp::CONTENT_TYPE, body));
        self.set_session_alarm(leg);
        self.offers_after_success(leg);
        self.journal_dialog(leg);
        if !message.body().is_empty() {
            self.session_changed(leg);
        }
    }

    /// Our 2xx ends their offer; one of ours in it stays open until the ACK brings its answer.
    pub(crate) fn offers_after_success(&mut self, leg: LegId) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        found.offers.on_received_done();
        if found.media.negotiation.has_open_offer() {
            found.offers.on_sent();
        }
    }

    /// The ACK of a 2xx: it ends the exchange, and has the answer when the offer was ours.
    pub(crate) fn on_ack(&mut self, server: ServerId, message: &Message) {
        if self.say_goodbye(server) {
            return;
        }
        let Some(leg) = self.index.servers.remove(server) else {
            return;
        };
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        if !found.media.negotiation.has_open_offer() {
            return;
        }
        found.offers.on_sent_done();
        let call = found.call;
        let answer = SdpAnswer::parse(&message.body());
        let agreed =
            answer.is_ok_and(|answer| found.media.negotiation.accept_answer(&answer).is_ok());
        if agreed {
            self.session_changed(leg);
        } else {
            self.no_session(call, leg);
        }
    }

    /// What is agreed with one side is new: packets, and music for the other while this one holds.
    pub(super) fn session_changed(&mut self, leg: LegId) {
        self.set_remote(leg);
        let found = self.legs.get(&leg);
        let Some(agreed) = found.and_then(|leg| leg.media.negotiation.agreed()) else {
            return;
        };
        let holds = is_held(agreed.direction);
        self.set_phone_holds(leg, holds);
    }
}
