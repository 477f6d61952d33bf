//! Provisional responses of ours that a caller acknowledges by PRACK (RFC 3262 §3).
//!
//! [`Reliable`] begins with the first that is sent so, and ends with its leg. While one with a description waits for its PRACK
//! the 2xx is only promised: everybody else takes the leg for answered. A promise that cannot be kept, because the caller
//! never acknowledges or somebody ends the call, is taken back by a refusal.

use alloc::boxed::Box;

use ::media::sdp::SdpAnswer;
use bytes::Bytes;
use sip::dialog::{ProvisionalOutput, Provisionals};
use sip::transaction::ServerId;
use sip::{HeaderName, Message, ResponseBuilder};

use super::LegState;
use crate::engine::{Engine, Timer};
use crate::event::{EndCause, EndResult, EndedBy};
use crate::ids::LegId;
use crate::sabotage;
use crate::timers::TimerId;

/// What one caller is to acknowledge before they are answered.
#[derive(Debug, Default)]
pub(crate) struct Reliable {
    provisionals: Provisionals,
    pub(super) alarm: Option<TimerId>,
    /// Offer and answer have been exchanged before the 2xx, which then has no description (RFC 6337 §2.2).
    settled: bool,
    promised: Option<Promised>,
}

/// A 2xx that waits.
#[derive(Debug)]
struct Promised {
    server: ServerId,
    /// What it answers.
    invite: Box<Message>,
    local_tag: alloc::string::String,
    response: ResponseBuilder,
}

impl Engine {
    /// Sends a provisional response to their INVITE, reliably where that is wanted.
    pub(super) fn respond_early(
        &mut self,
        leg: LegId,
        server: ServerId,
        response: ResponseBuilder,
        has_session: bool,
    ) {
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let LegState::Incoming { invite, .. } = &found.state else {
            return;
        };
        if !found.extensions.sends_reliably(has_session) {
            return self.respond(server, response);
        }
        let cseq = invite.cseq().number;
        if has_session {
            let settled = !found.media.negotiation.has_open_offer();
            match settled {
                true => found.offers.on_received_done(),
                false => found.offers.on_sent(),
            }
            found.extensions.reliable.get_or_insert_default().settled = settled;
        }
        let random = self.secrets.next();
        let reliable = found.extensions.reliable.get_or_insert_default();
        let response = response.header(HeaderName::Allow, super::requests::ALLOW);
        let now = self.now.mono;
        reliable
            .provisionals
            .send(now, random, cseq, response, has_session);
        self.carry_out_provisionals(leg, server);
    }

    /// Sends what is due, and sees to it that more is sent in time.
    fn carry_out_provisionals(&mut self, leg: LegId, server: ServerId) {
        while let Some(output) = self
            .reliable(leg)
            .and_then(|reliable| reliable.provisionals.poll_output())
        {
            match output {
                ProvisionalOutput::Transmit(response) => self.respond(server, response),
                ProvisionalOutput::GaveUp => return self.prack_is_missing(leg),
            }
        }
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let Some(reliable) = found.extensions.reliable.as_mut() else {
            return;
        };
        if let Some(before) = reliable.alarm.take() {
            self.timers.cancel(before);
        }
        if let Some(at) = reliable.provisionals.poll_timeout() {
            reliable.alarm = Some(self.timers.set(at, Timer::Provisional(leg)));
        }
    }

    fn reliable(&mut self, leg: LegId) -> Option<&mut Reliable> {
        self.legs.get_mut(&leg)?.extensions.reliable.as_deref_mut()
    }

    pub(crate) fn on_provisional_timer(&mut self, leg: LegId) {
        let now = self.now.mono;
        let Some(server) = self.unacknowledged(leg) else {
            return;
        };
        if let Some(reliable) = self.reliable(leg) {
            reliable.provisionals.handle_timeout(now);
            self.carry_out_provisionals(leg, server);
        }
    }

    /// A PRACK: it may bring the answer to our offer, or an offer of theirs (RFC 3262 §5).
    pub(crate) fn on_prack(&mut self, server: ServerId, leg: LegId, message: &Message) {
        let now = self.now.mono;
        let known = self
            .reliable(leg)
            .is_some_and(|reliable| reliable.provisionals.on_prack(now, message).is_ok());
        if !known {
            let response = self.response(message, 481);
            return self.respond(server, response);
        }
        match self.session_by_prack(leg, message) {
            Ok(body) => {
                let response = self.response(message, 200);
                let response = match body {
                    Some(body) => response.body(::media::sdp::CONTENT_TYPE, body),
                    None => response,
                };
                self.respond(server, response);
            }
            Err(status) => {
                let response = self.response(message, status);
                self.respond(server, response);
            }
        }
        if let Some(invite) = self.unacknowledged(leg) {
            self.carry_out_provisionals(leg, invite);
            self.keep_promise(leg);
        }
    }

    fn session_by_prack(&mut self, leg: LegId, message: &Message) -> Result<Option<Bytes>, u16> {
        let body = message.body();
        let found = self.legs.get_mut(&leg).ok_or(481u16)?;
        if !found.media.negotiation.has_open_offer() {
            return match body.is_empty() {
                true => Ok(None),
                false => self.session_for_update(leg, message).map(Some),
            };
        }
        found.offers.on_sent_done();
        let answer = SdpAnswer::parse(&body);
        let agreed =
            answer.is_ok_and(|answer| found.media.negotiation.accept_answer(&answer).is_ok());
        if let Some(reliable) = found.extensions.reliable.as_mut() {
            reliable.settled = agreed;
        }
        if agreed {
            self.set_remote(leg);
            return Ok(None);
        }
        // Our 2xx offers once more.
        found.media.negotiation.abandon_offer();
        match body.is_empty() {
            true => Ok(None),
            false => Err(488),
        }
    }

    /// Whether offer and answer were exchanged before the 2xx.
    pub(super) fn is_settled(&self, leg: LegId) -> bool {
        let found = self.legs.get(&leg);
        let reliable = found.and_then(|leg| leg.extensions.reliable.as_ref());
        reliable.is_some_and(|reliable| reliable.settled)
    }

    /// Sends the 2xx to an INVITE of theirs, or keeps it until what comes before is acknowledged.
    pub(super) fn send_success(
        &mut self,
        leg: LegId,
        server: ServerId,
        invite: Box<Message>,
        local_tag: alloc::string::String,
        response: ResponseBuilder,
    ) {
        let Some(reliable) = self.reliable(leg) else {
            return self.respond(server, response);
        };
        if reliable.provisionals.hold_success() && !sabotage::early_success() {
            reliable.promised = Some(Promised {
                server,
                invite,
                local_tag,
                response,
            });
            return;
        }
        self.success_leaves(leg, server, response);
    }

    fn keep_promise(&mut self, leg: LegId) {
        let Some(reliable) = self.reliable(leg) else {
            return;
        };
        if reliable.provisionals.hold_success() {
            return;
        }
        if let Some(promised) = reliable.promised.take() {
            self.success_leaves(leg, promised.server, promised.response);
        }
    }

    fn success_leaves(&mut self, leg: LegId, server: ServerId, response: ResponseBuilder) {
        if let Some(reliable) = self.reliable(leg) {
            reliable.provisionals.on_final();
        }
        self.respond(server, response);
        self.carry_out_provisionals(leg, server);
    }

    /// Whether the leg is answered for everybody but its far end.
    pub(super) fn is_promised(&self, leg: LegId) -> bool {
        let found = self.legs.get(&leg);
        let reliable = found.and_then(|leg| leg.extensions.reliable.as_ref());
        reliable.is_some_and(|reliable| reliable.promised.is_some())
    }

    /// Refuses an INVITE whose 2xx has not left; `false` if there is none.
    pub(super) fn take_back(&mut self, leg: LegId, status: u16) -> bool {
        let promised = self
            .reliable(leg)
            .and_then(|reliable| reliable.promised.take());
        let Some(promised) = promised else {
            return false;
        };
        let response = ResponseBuilder::new(&promised.invite, status).to_tag(&promised.local_tag);
        self.respond(promised.server, response);
        self.index.servers.remove(promised.server);
        true
    }

    /// A caller who acknowledges nothing is not there.
    fn prack_is_missing(&mut self, leg: LegId) {
        let Some(call) = self.legs.get(&leg).map(|leg| leg.call) else {
            return;
        };
        let cause = EndCause {
            result: EndResult::Failed,
            sip_status: Some(504),
            reason: Some("our provisional response was not acknowledged".into()),
        };
        self.end_call(call, cause, EndedBy::System, Some(504));
    }
}
