//! Calls of ours: INVITE, what comes back, and what to do with an answer nobody wants any more.

use std::time::Duration;

use media::sdp;
use sip::dialog::Dialog;
use sip::transaction::ClientId;
use sip::{Flow, HeaderName, Message, Method, RequestBuilder, Transport, Uri};

use super::account::{answer_to, may_prove};
use super::call::{Call, Placed, Stage};
use super::{ALLOW, End, Event, Placing, Sent, UaCall, UserAgent};

impl UserAgent {
    /// Places a call. `None` if the URI is none.
    pub fn place(&mut self, now: Duration, placing: &Placing<'_>) -> Option<UaCall> {
        let uri = Uri::parse(placing.uri).ok()?;
        let mut call = self.begin_call(Stage::Calling, placing.server, placing.user, placing.rtp);
        let name = match placing.display {
            "" => String::new(),
            display => format!("\"{}\" ", display.replace(['"', '\\'], "")),
        };
        call.placed = Some(Placed {
            uri,
            from: format!("{name}<sip:{}@{}>", placing.user, placing.domain),
            cseq: 0,
            offer: call.negotiation.offer(&call.media).to_bytes(),
            credentials: placing.credentials.clone(),
            proof: None,
        });
        let id = self.keep_call(call);
        self.send_invite(now, id, None);
        self.settle(now);
        Some(id)
    }

    fn send_invite(&mut self, now: Duration, id: UaCall, challenge: Option<&Message>) {
        let cnonce = self.word();
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(placed) = call.placed.as_mut() else {
            return;
        };
        placed.cseq += 1;
        placed.proof = challenge.and_then(|response| {
            let credentials = placed.credentials.as_ref()?;
            answer_to(
                response,
                credentials,
                "INVITE",
                placed.uri.as_str(),
                &cnonce,
            )
        });
        let mut request = RequestBuilder::new(Method::Invite, placed.uri.as_str())
            .max_forwards(70)
            .header(
                HeaderName::From,
                format!("{};tag={}", placed.from, call.local_tag),
            )
            .to("", placed.uri.as_str(), None)
            .call_id(&call.call_id)
            .cseq(placed.cseq)
            .header(HeaderName::Contact, &call.contact)
            .header(HeaderName::Allow, ALLOW);
        if let Some((name, value)) = &placed.proof {
            request = request.header(*name, value);
        }
        let request = request.body(sdp::CONTENT_TYPE, &placed.offer);
        let peer = call.peer;
        self.send(now, peer, request, Sent::Invite(id));
    }

    pub(super) fn on_invite_response(
        &mut self,
        now: Duration,
        client: ClientId,
        id: UaCall,
        response: &Message,
    ) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let status = response.status().unwrap_or_default();
        let placed = call.placed.as_ref();
        let proven = placed.is_some_and(|placed| placed.proof.is_some());
        let can_prove = placed.is_some_and(|placed| placed.credentials.is_some());
        match status {
            100 => {}
            101..200 => self.on_progress(id, response),
            200..300 => self.on_answered(now, client, id, response),
            401 | 407
                if can_prove && call.stage == Stage::Calling && may_prove(proven, response) =>
            {
                self.send_invite(now, id, Some(response));
            }
            _ if call.stage == Stage::Leaving => self.end(id, End::ByUs),
            _ => self.end(id, End::Refused(status)),
        }
    }

    fn on_progress(&mut self, id: UaCall, response: &Message) {
        if matches!(response.status(), Some(180 | 183)) {
            self.tell(Event::Ringing { call: id });
        }
        let body = response.body();
        if !body.is_empty() {
            // Early sound; an answer that is no use now is judged in the 200.
            self.take_answer(id, &body);
        }
    }

    fn on_answered(&mut self, now: Duration, client: ClientId, id: UaCall, response: &Message) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(placed) = call.placed.as_ref() else {
            return;
        };
        let Ok(mut dialog) = Dialog::uac(response, &placed.uri, &call.contact, Transport::Udp)
        else {
            self.end(id, End::Fault);
            return;
        };
        let ack = call.ack(&dialog);
        let first = call.dialog.is_none();
        let stage = call.stage;
        let peer = call.peer;
        if first {
            call.dialog = Some(dialog.clone());
        }
        let next_hop = call.next_hop();
        let to_tag = response.to_tag().unwrap_or_default();
        // An ACK that cannot be written leaves their 200 to be repeated.
        let _ = self
            .layer
            .acknowledge(client, to_tag, self.flow(next_hop), ack);
        if !first {
            // Another branch of a fork has answered too: one is enough (RFC 3261 §13.2.2.4).
            let bye = dialog.request(Method::Bye);
            self.send(now, peer, bye, Sent::Bye);
            return;
        }
        if stage == Stage::Leaving {
            self.send_bye(now, id);
        } else if self.is_agreed(id, &response.body()) {
            if let Some(call) = self.calls.get_mut(&id) {
                call.stage = Stage::Up;
            }
            self.tell(Event::Answered { call: id });
        } else {
            self.send_bye(now, id);
        }
    }

    /// Takes the answer in a 200. It may be left out there if a 183 had it.
    fn is_agreed(&mut self, id: UaCall, body: &[u8]) -> bool {
        let early = |call: &Call| call.negotiation.agreed().is_some();
        let had_it = body.is_empty() && self.calls.get(&id).is_some_and(early);
        had_it || self.take_answer(id, body)
    }

    /// Acknowledges an answer to a call that is over, and hangs up.
    pub(super) fn refuse_answer(&mut self, now: Duration, flow: Flow, response: &Message) {
        let target = response.to().ok().map(|to| to.uri().to_owned());
        let contact = format!("<sip:{}>", self.local);
        let dialog =
            target.and_then(|target| Dialog::uac(response, &target, &contact, Transport::Udp).ok());
        let Some(mut dialog) = dialog else {
            return;
        };
        let ack = dialog.ack(response.cseq().number);
        // Without an ACK they repeat it, and it is refused again.
        let _ = self.layer.send_ack(flow, ack);
        let bye = dialog.request(Method::Bye);
        self.send(now, flow.remote, bye, Sent::Bye);
    }
}
