//! Answering the caller, and joining two legs.

use alloc::boxed::Box;

use ::media::sdp;
use sip::{HeaderName, ResponseBuilder};

use super::{LegState, Place, Purpose, Stage, Waiting};
use crate::command::Had;
use crate::engine::Engine;
use crate::event::{EndResult, Event, LeftQueue};
use crate::ids::{CallId, LegId};
use crate::journal::{Body, DialogRecord};

impl Engine {
    pub(crate) fn is_answered(&self, leg: LegId) -> bool {
        self.legs.get(&leg).is_some_and(|leg| leg.is_up())
    }

    /// Sends the caller 200, unless they have it; `false` when that failed and the call is over.
    pub(crate) fn answer_caller(&mut self, call: CallId) -> bool {
        let Some(caller) = self.calls.get(&call).map(|call| call.caller) else {
            return false;
        };
        if self.is_answered(caller) {
            return true;
        }
        if let Err(status) = self.answer(caller) {
            self.fail_call(call, status, EndResult::Failed);
            return false;
        }
        self.publish(Event::CallAnswered { call });
        true
    }

    /// Sends 200 to an INVITE of theirs.
    ///
    /// # Errors
    ///
    /// The status to refuse it with when that cannot be.
    pub(super) fn answer(&mut self, leg: LegId) -> Result<(), u16> {
        if !self.ensure_ports(leg) {
            return Err(503);
        }
        let (server, mut response) = self.success_response(leg).ok_or(500u16)?;
        if !self.is_settled(leg) {
            let body = self.session_for_caller(leg).ok_or(488u16)?;
            response = response.body(sdp::CONTENT_TYPE, body);
        }
        let found = self.legs.get_mut(&leg).ok_or(500u16)?;
        let LegState::Incoming { invite, dialog, .. } = &mut found.state else {
            return Err(500);
        };
        let now = self.now.mono;
        response = found.extensions.timer.accept(now, invite, response);
        let (mut dialog, invite) = (dialog.clone(), invite.clone());
        dialog.confirm();
        let local_tag = dialog.local_tag().into();
        found.state = LegState::Up { dialog };
        self.open_media(leg);
        self.set_remote(leg);
        self.note_hold(leg);
        self.send_success(leg, server, invite, local_tag, response);
        self.offers_after_success(leg);
        self.set_session_alarm(leg);
        self.leg_is_up(leg);
        self.count_answered_in(leg);
        Ok(())
    }

    /// The description in our answer: their offer's answer, or our offer when they made none.
    fn session_for_caller(&mut self, leg: LegId) -> Option<bytes::Bytes> {
        let our = self.local_media(leg)?;
        let media = &mut self.legs.get_mut(&leg)?.media;
        match &media.offered {
            Some(offer) => {
                let answered = media.negotiation.answer(offer, &our).ok()?;
                Some(answered.answer.to_bytes())
            }
            None => Some(media.negotiation.offer(&our).to_bytes()),
        }
    }

    /// Begins a response to the caller's INVITE that makes or keeps a dialog.
    fn dialog_response(
        &self,
        leg: LegId,
        status: u16,
    ) -> Option<(sip::transaction::ServerId, ResponseBuilder)> {
        let leg = self.legs.get(&leg)?;
        let LegState::Incoming {
            server,
            invite,
            dialog,
        } = &leg.state
        else {
            return None;
        };
        let response = ResponseBuilder::new(invite, status)
            .to_tag(dialog.local_tag())
            .record_route(invite)
            .contact(&self.contact_on(&leg.flow, dialog.is_secure()));
        Some((*server, response))
    }

    fn success_response(
        &self,
        leg: LegId,
    ) -> Option<(sip::transaction::ServerId, ResponseBuilder)> {
        let (server, response) = self.dialog_response(leg, 200)?;
        let supported = self.legs.get(&leg)?.extensions.supported();
        let response = response
            .header(HeaderName::Allow, super::requests::ALLOW)
            .header(HeaderName::Supported, supported);
        Some((server, response))
    }

    /// Tells a caller who is not answered yet how it goes: 180 that it rings.
    pub(crate) fn tell_progress(&mut self, call: CallId, status: u16) {
        let Some(caller) = self.calls.get(&call).map(|call| call.caller) else {
            return;
        };
        if let Some((server, response)) = self.dialog_response(caller, status) {
            self.respond_early(caller, server, response, false);
        }
    }

    /// Lets a caller who is not answered yet hear what the other side plays before it answers; `false` when there is no
    /// way to.
    pub(crate) fn early_media(&mut self, call: CallId, other: LegId) -> bool {
        let Some(caller) = self.calls.get(&call).map(|call| call.caller) else {
            return false;
        };
        // An offer of ours may stand in it only if it is acknowledged, with the answer (RFC 3262 §5).
        let offered = self
            .legs
            .get(&caller)
            .is_some_and(|leg| leg.media.offered.is_some() || leg.extensions.sends_reliably(true));
        if self.is_answered(caller) || !offered || !self.ensure_ports(caller) {
            return false;
        }
        // What was exchanged reliably is not said again before the answer (RFC 6337 §2.2).
        if !self.is_settled(caller) {
            let Some(body) = self.session_for_caller(caller) else {
                return false;
            };
            let Some((server, response)) = self.dialog_response(caller, 183) else {
                return false;
            };
            let response = response.body(sdp::CONTENT_TYPE, body);
            self.respond_early(caller, server, response, true);
        }
        self.open_media(caller);
        self.set_remote(caller);
        self.bridge(caller, other);
        true
    }

    /// A leg is answered: it is on record, and its dialog can be ended after a crash.
    pub(crate) fn leg_is_up(&mut self, leg: LegId) {
        let Some(found) = self.legs.get(&leg) else {
            return;
        };
        let LegState::Up { dialog } = &found.state else {
            return;
        };
        self.index.dialogs.insert(dialog.key(), leg);
        let call = found.call;
        self.journal_dialog(leg);
        self.publish(Event::LegAnswered { call, leg });
    }

    /// Writes down what a BYE after a crash will need.
    pub(crate) fn journal_dialog(&mut self, leg: LegId) {
        use alloc::string::ToString;
        let Some(flow) = self.in_dialog_flow(leg) else {
            return;
        };
        let Some(found) = self.legs.get(&leg) else {
            return;
        };
        let Some(dialog) = found.dialog() else { return };
        let facts = dialog.snapshot();
        let record = DialogRecord {
            call: found.call,
            leg,
            call_id: facts.call_id,
            local_tag: facts.local_tag,
            remote_tag: facts.remote_tag,
            local_cseq: facts.local_cseq,
            local_uri: facts.local_uri,
            remote_uri: facts.remote_uri,
            remote_target: facts.remote_target,
            route_set: facts.route_set,
            transport: flow.transport.as_str().into(),
            local: flow.local.to_string(),
            remote: flow.remote.to_string(),
        };
        self.journal(Body::Dialog(Box::new(record)));
    }

    /// A phone answered: the others stop ringing, and the call goes on with this one.
    pub(crate) fn ring_answered(&mut self, leg: LegId) {
        let Some(call) = self.legs.get(&leg).map(|leg| leg.call) else {
            return;
        };
        let found = self.calls.get_mut(&call);
        let Some(ring) = found.and_then(|call| call.ring_of_mut(leg)) else {
            return;
        };
        ring.legs.retain(|other| *other != leg);
        let purpose = ring.purpose;
        self.stop_ring(
            call,
            purpose,
            EndResult::Withdrawn,
            Some(super::waiting::COMPLETED_ELSEWHERE),
        );
        match purpose {
            Purpose::Alert(match_id) => {
                self.index.answered.insert(match_id, leg);
                self.alert_ended(match_id, acd::AlertEnd::Accepted);
            }
            Purpose::Dial => self.connect(call, leg, false),
            Purpose::OwnPhone => self.own_phone_answered(call, leg),
            Purpose::Retrieve => self.retrieved(call, leg),
        }
    }

    /// The distribution core says whose the call is now.
    pub(crate) fn connect_agent(
        &mut self,
        match_id: acd::MatchId,
        call: CallId,
        _agent: acd::AgentId,
    ) {
        if !self.calls.contains_key(&call) {
            // The caller left in the same turn.
            return self.hang_up_answered(match_id);
        }
        let Some(leg) = self.index.answered.remove(&match_id) else {
            return;
        };
        self.publish_left(call, LeftQueue::Connected);
        self.connect(call, leg, true);
    }

    /// An answer that the distribution core does not take any more: that phone is hung up.
    pub(crate) fn hang_up_answered(&mut self, match_id: acd::MatchId) {
        let Some(leg) = self.index.answered.remove(&match_id) else {
            return;
        };
        self.send_bye(leg, None);
        let result = EndResult::Withdrawn;
        self.end_leg(
            leg,
            crate::event::EndCause {
                result,
                sip_status: None,
                reason: None,
            },
        );
    }

    pub(super) fn connect(&mut self, call: CallId, other: LegId, distributed: bool) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        let caller = found.caller;
        let queue = match &found.stage {
            Stage::Waiting(Waiting {
                place: Place::Queue(name),
                ..
            }) => Some(name.clone()),
            Stage::Waiting(_)
            | Stage::Routing
            | Stage::Announcing
            | Stage::Dialling
            | Stage::Placing { .. }
            | Stage::Parked(_)
            | Stage::Connected { .. } => None,
        };
        found.stage = Stage::Connected { other, distributed };
        found.fallback = None;
        self.forget_sent(call);
        if !self.answer_caller(call) {
            return;
        }
        self.bridge(caller, other);
        let user = self.legs.get(&other).and_then(|leg| leg.user.clone());
        let served = user.clone().filter(|_| queue.is_some());
        if let Some(found) = self.calls.get_mut(&call)
            && let Some(agent) = user.clone()
        {
            let queue = queue.clone();
            found.had.push(Had { agent, queue });
        }
        self.publish(Event::CallConnected {
            call,
            user,
            leg: other,
            queue,
        });
        self.music_for_the_held(call);
        if let Some(user) = served {
            self.note_served(call, &user);
        }
    }
}
