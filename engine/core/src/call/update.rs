//! UPDATEs of the other side (RFC 3311): a new offer before or after the answer, a new target, a session refreshed.
//!
//! They are answered here and at once, as re-INVITEs are ([`hold`](super::hold)), and need no ACK. An offer is taken when no other is
//! under way in its dialog, which before the answer means: when offer and answer of the INVITE were exchanged reliably.

use ::media::sdp::{self, SdpOffer};
use bytes::Bytes;
use sip::dialog::Glare;
use sip::transaction::ServerId;
use sip::{HeaderName, Message};

use super::LegState;
use crate::engine::Engine;
use crate::ids::LegId;

impl Engine {
    pub(crate) fn on_update(&mut self, server: ServerId, leg: LegId, message: &Message) {
        if self.refuses_refresh(server, leg, message) {
            return;
        }
        let body = match message.body().is_empty() {
            true => None,
            false => {
                if self.refuses_offer(server, leg, message) {
                    return;
                }
                let answered = self.session_for_update(leg, message);
                if let Some(found) = self.legs.get_mut(&leg) {
                    found.offers.on_received_done();
                }
                match answered {
                    Ok(body) => Some(body),
                    Err(status) => {
                        let response = self.response(message, status);
                        return self.respond(server, response);
                    }
                }
            }
        };
        self.accept_update(server, leg, message, body);
    }

    /// Refuses a request that would have its session refreshed too often.
    pub(super) fn refuses_refresh(
        &mut self,
        server: ServerId,
        leg: LegId,
        message: &Message,
    ) -> bool {
        let timer = self.legs.get(&leg).map(|leg| leg.extensions.timer.clone());
        timer.is_some_and(|timer| self.refuses_interval(server, message, &timer))
    }

    /// Refuses an offer that crosses another; if it does not, it is under way.
    pub(super) fn refuses_offer(
        &mut self,
        server: ServerId,
        leg: LegId,
        message: &Message,
    ) -> bool {
        let Some(found) = self.legs.get_mut(&leg) else {
            return true;
        };
        let unheard = match &found.state {
            LegState::Calling { attempt, .. } => {
                let tag = message.from_tag().unwrap_or_default();
                !attempt.forks.is_heard(tag)
            }
            LegState::Incoming { .. } | LegState::Placed | LegState::Up { .. } => false,
        };
        let glare = match unheard {
            // Another branch's session stands for this leg until one of them answers.
            true => Err(Glare::TheirsPending),
            false => found.offers.on_received(),
        };
        let Err(glare) = glare else {
            return false;
        };
        let retry_after = glare.retry_after_s(self.secrets.next());
        let mut response = self.response(message, glare.sip_status());
        if let Some(seconds) = retry_after {
            response = response.display(HeaderName::RetryAfter, seconds);
        }
        self.respond(server, response);
        true
    }

    /// Answers the offer of a request within the dialog.
    ///
    /// # Errors
    ///
    /// The status to refuse it with; what was agreed before still holds.
    pub(super) fn session_for_update(
        &mut self,
        leg: LegId,
        message: &Message,
    ) -> Result<Bytes, u16> {
        let our = self.local_media(leg).ok_or(500u16)?;
        let offer = SdpOffer::parse(&message.body()).map_err(sdp::SdpFault::sip_status)?;
        let media = &mut self.legs.get_mut(&leg).ok_or(500u16)?.media;
        let answered = media
            .negotiation
            .answer(&offer, &our)
            .map_err(sdp::NotAcceptable::sip_status)?;
        self.session_changed(leg);
        Ok(answered.answer.to_bytes())
    }

    fn accept_update(
        &mut self,
        server: ServerId,
        leg: LegId,
        message: &Message,
        body: Option<Bytes>,
    ) {
        let mut response = self.response(message, 200);
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        // A Contact that cannot be read was refused by the checks before.
        let _ = match &mut found.state {
            LegState::Incoming { dialog, .. } | LegState::Up { dialog } => {
                dialog.refresh_target(message)
            }
            LegState::Calling { attempt, .. } => {
                let tag = message.from_tag().unwrap_or_default();
                let fork = attempt.forks.of_mut(tag);
                fork.map_or(Ok(()), |fork| fork.dialog.refresh_target(message))
            }
            LegState::Placed => Ok(()),
        };
        found.extensions.note_allow(message);
        if found.is_up() {
            let now = self.now.mono;
            response = found.extensions.timer.accept(now, message, response);
        }
        let contact = self.contact_of(leg);
        response = response
            .contact(&contact)
            .header(HeaderName::Allow, super::requests::ALLOW);
        if let Some(body) = body {
            response = response.body(sdp::CONTENT_TYPE, body);
        }
        self.respond(server, response);
        if self.is_answered(leg) {
            self.journal_dialog(leg);
        }
        self.set_session_alarm(leg);
    }
}
