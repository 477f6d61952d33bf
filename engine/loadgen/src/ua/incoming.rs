//! Calls of others: INVITE, what we say to it, and their requests inside a call.

use std::net::SocketAddr;
use std::time::Duration;

use media::sdp;
use sip::dialog::{Dialog, Glare};
use sip::transaction::ServerId;
use sip::{Flow, HeaderName, Message, Method, Transport};

use super::call::Stage;
use super::{ALLOW, End, Event, UaCall, UserAgent};

impl UserAgent {
    pub(super) fn on_invite(
        &mut self,
        now: Duration,
        server: ServerId,
        flow: Flow,
        request: &Message,
    ) {
        let user = request.request_uri().and_then(|uri| uri.user_decoded());
        let user = user.map(|user| user.into_owned()).unwrap_or_default();
        let caller = request
            .from()
            .ok()
            .and_then(|from| from.uri().user_decoded());
        let caller = caller.map(|caller| caller.into_owned()).unwrap_or_default();
        // Where RTP is received is said with the answer.
        let nowhere = SocketAddr::new(self.local.ip(), 0);
        let mut call = self.begin_call(Stage::Invited, flow.remote, &user, nowhere);
        request.call_id().clone_into(&mut call.call_id);
        match Dialog::uas(request, &call.local_tag, &call.contact, Transport::Udp) {
            Ok(dialog) => call.dialog = Some(dialog),
            Err(_) => return self.answer_plainly(now, server, request, 400),
        }
        call.server = Some(server);
        call.invite = Some(request.clone());
        let id = self.keep_call(call);
        self.invites.insert(server, id);
        self.tell(Event::Invited {
            call: id,
            user,
            caller,
        });
    }

    /// Says 180 Ringing.
    pub fn ring(&mut self, now: Duration, id: UaCall) {
        self.say(now, id, 180, None);
        self.settle(now);
    }

    /// Refuses their call.
    pub fn reject(&mut self, now: Duration, id: UaCall, status: u16) {
        if self
            .calls
            .get(&id)
            .is_some_and(|call| call.stage == Stage::Invited)
        {
            self.say(now, id, status.max(300), None);
            self.end(id, End::Rejected);
        }
        self.settle(now);
    }

    /// Answers their call; RTP is received at `rtp`.
    pub fn answer(&mut self, now: Duration, id: UaCall, rtp: SocketAddr) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if call.stage != Stage::Invited {
            return;
        }
        call.media.rtp = rtp;
        let offer = call.invite.as_ref().map(Message::body).unwrap_or_default();
        let Some(description) = self.describe(id, &offer) else {
            self.say(now, id, 488, None);
            self.end(id, End::Fault);
            return self.settle(now);
        };
        self.say(now, id, 200, Some(&description));
        if let Some(call) = self.calls.get_mut(&id) {
            call.stage = Stage::Answering { leaving: false };
            if let Some(dialog) = &mut call.dialog {
                dialog.confirm();
            }
        }
        self.settle(now);
    }

    /// Responds to the INVITE that made the call.
    fn say(&mut self, now: Duration, id: UaCall, status: u16, description: Option<&[u8]>) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let (Some(server), Some(invite)) = (call.server, &call.invite) else {
            return;
        };
        let mut response = sip::ResponseBuilder::new(invite, status)
            .to_tag(&call.local_tag)
            .record_route(invite)
            .header(HeaderName::Allow, ALLOW);
        if status < 300 {
            response = response.header(HeaderName::Contact, &call.contact);
        }
        if let Some(description) = description {
            response = response.body(sdp::CONTENT_TYPE, description);
        }
        // They may have cancelled it at this moment, which is told next.
        let _ = self.layer.respond(now, server, response);
    }

    pub(super) fn on_cancelled(&mut self, now: Duration, server: ServerId) {
        let Some(id) = self.invites.get(&server).copied() else {
            return;
        };
        self.say(now, id, 487, None);
        self.end(id, End::Cancelled);
    }

    pub(super) fn on_ack(&mut self, now: Duration, server: ServerId, ack: &Message) {
        let Some(id) = self.invites.get(&server).copied() else {
            return;
        };
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let stage = call.stage;
        let open = call.negotiation.has_open_offer();
        if let Stage::Answering { .. } = stage {
            call.stage = Stage::Up;
        } else {
            self.invites.remove(&server);
        }
        if open && !self.take_answer(id, &ack.body()) {
            return self.send_bye(now, id);
        }
        match stage {
            Stage::Answering { leaving: true } => self.send_bye(now, id),
            Stage::Answering { leaving: false } => self.tell(Event::Acknowledged { call: id }),
            Stage::Calling | Stage::Leaving | Stage::Invited | Stage::Up => {}
        }
    }

    pub(super) fn on_ack_missing(&mut self, now: Duration, server: ServerId) {
        if let Some(id) = self.invites.remove(&server) {
            self.send_bye(now, id);
        }
    }

    pub(super) fn on_request_inside(
        &mut self,
        now: Duration,
        server: ServerId,
        id: UaCall,
        request: &Message,
    ) {
        let accepted = match self
            .calls
            .get_mut(&id)
            .and_then(|call| call.dialog.as_mut())
        {
            Some(dialog) => dialog.accepts(request),
            None => Err(481),
        };
        if let Err(status) = accepted {
            return self.answer_plainly(now, server, request, status);
        }
        match request.method() {
            Method::Bye => {
                self.answer_plainly(now, server, request, 200);
                self.end(id, End::ByThem);
            }
            Method::Invite | Method::Update => self.on_offer(now, server, id, request),
            Method::Options | Method::Info | Method::Notify => {
                self.answer_plainly(now, server, request, 200);
            }
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Prack
            | Method::Refer
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other(_) => self.answer_plainly(now, server, request, 405),
        }
    }

    /// A re-INVITE or UPDATE: answered at once.
    fn on_offer(&mut self, now: Duration, server: ServerId, id: UaCall, request: &Message) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let offer = request.body();
        let changes = !offer.is_empty() || request.method() == Method::Invite;
        if changes && let Err(glare) = call.offers.on_received() {
            return self.refuse_offer(now, server, request, glare);
        }
        if let Some(dialog) = &mut call.dialog {
            // A Contact that cannot be read changes nothing.
            let _ = dialog.refresh_target(request);
        }
        let contact = call.contact.clone();
        let description = match changes {
            true => self.describe(id, &offer),
            false => Some(bytes::Bytes::new()),
        };
        if let Some(call) = self.calls.get_mut(&id) {
            call.offers.on_received_done();
        }
        let Some(description) = description else {
            return self.answer_plainly(now, server, request, 488);
        };
        let mut response = self
            .begin_response(request, 200)
            .record_route(request)
            .header(HeaderName::Contact, contact);
        if !description.is_empty() {
            response = response.body(sdp::CONTENT_TYPE, description);
        }
        if request.method() == Method::Invite {
            self.invites.insert(server, id);
        }
        // A request that was given up meanwhile needs no answer.
        let _ = self.layer.respond(now, server, response);
    }

    fn refuse_offer(&mut self, now: Duration, server: ServerId, request: &Message, glare: Glare) {
        let random = self.random.next();
        let mut response = self.begin_response(request, glare.sip_status());
        if let Some(seconds) = glare.retry_after_s(random) {
            response = response.display(HeaderName::RetryAfter, seconds);
        }
        // A request that was given up meanwhile needs no answer.
        let _ = self.layer.respond(now, server, response);
    }
}
