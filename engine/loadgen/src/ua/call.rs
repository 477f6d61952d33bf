//! One call of a user agent: its dialog, its descriptions, and how it is held and ended.

use std::net::SocketAddr;
use std::time::Duration;

use media::sdp::{self, Direction, LocalMedia, Negotiation, SdpAnswer, SdpOffer};
use sip::auth::Credentials;
use sip::dialog::{Dialog, Offers};
use sip::transaction::{ClientId, ServerId};
use sip::{HeaderName, Host, Message, Method, RequestBuilder, Uri};

use super::{End, Event, Sent, UaCall, UserAgent};

/// Where a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Our INVITE is under way.
    Calling,
    /// Our INVITE is under way and shall not be.
    Leaving,
    /// Their INVITE waits for our answer.
    Invited,
    /// Our 200 waits for its ACK; `leaving`: and then for our BYE.
    Answering { leaving: bool },
    /// Both talk.
    Up,
}

pub(super) struct Call {
    pub(super) stage: Stage,
    /// Where their messages come from and ours go, unless the dialog knows better.
    pub(super) peer: SocketAddr,
    pub(super) call_id: String,
    pub(super) local_tag: String,
    /// Our Contact, a name-addr.
    pub(super) contact: String,
    pub(super) dialog: Option<Dialog>,
    pub(super) negotiation: Negotiation,
    pub(super) offers: Offers,
    pub(super) media: LocalMedia,
    /// Our INVITE.
    pub(super) client: Option<ClientId>,
    pub(super) placed: Option<Placed>,
    /// Their INVITE.
    pub(super) server: Option<ServerId>,
    pub(super) invite: Option<Message>,
}

/// What our INVITE was made of, to be sent again with credentials.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) uri: Uri,
    pub(super) from: String,
    pub(super) cseq: u32,
    pub(super) offer: bytes::Bytes,
    pub(super) credentials: Option<Credentials>,
    /// The header that proved who we are; the ACK carries it too.
    pub(super) proof: Option<(HeaderName<'static>, String)>,
}

impl UserAgent {
    /// A call that has only begun.
    pub(super) fn begin_call(
        &mut self,
        stage: Stage,
        peer: SocketAddr,
        user: &str,
        rtp: SocketAddr,
    ) -> Call {
        Call {
            stage,
            peer,
            call_id: self.word(),
            local_tag: self.word(),
            contact: format!("<{}>", self.contact_uri(user)),
            dialog: None,
            negotiation: Negotiation::new(self.random.next()),
            offers: Offers::default(),
            media: LocalMedia {
                codecs: self.codecs.clone(),
                ..LocalMedia::new(rtp)
            },
            client: None,
            placed: None,
            server: None,
            invite: None,
        }
    }

    pub(super) fn keep_call(&mut self, call: Call) -> UaCall {
        self.calls_made += 1;
        let id = UaCall(self.calls_made);
        self.dialogs
            .insert((call.call_id.clone(), call.local_tag.clone()), id);
        self.calls.insert(id, call);
        id
    }

    pub(super) fn note_client(&mut self, id: UaCall, client: ClientId) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.client = Some(client);
        }
    }

    /// Hangs up, or cancels our call, or rejects theirs with 480. What is over already stays as it is.
    pub fn hang_up(&mut self, now: Duration, id: UaCall) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        match call.stage {
            Stage::Calling => {
                call.stage = Stage::Leaving;
                let client = call.client;
                if !client.is_some_and(|client| self.layer.cancel(now, client, None)) {
                    self.end(id, End::ByUs);
                }
            }
            Stage::Leaving => {}
            Stage::Invited => self.reject(now, id, 480),
            Stage::Answering { .. } => call.stage = Stage::Answering { leaving: true },
            Stage::Up => self.send_bye(now, id),
        }
        self.settle(now);
    }

    /// Says BYE and forgets the call; the BYE is seen through by its transaction.
    pub(super) fn send_bye(&mut self, now: Duration, id: UaCall) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let peer = call.next_hop();
        let bye = call
            .dialog
            .as_mut()
            .map(|dialog| dialog.request(Method::Bye));
        if let Some(bye) = bye {
            self.send(now, peer, bye, Sent::Bye);
        }
        self.end(id, End::ByUs);
    }

    /// Holds the other side, or takes it back. Answers whether that could be asked for now.
    pub fn hold(&mut self, now: Duration, id: UaCall, on: bool) -> bool {
        let Some(call) = self.calls.get_mut(&id) else {
            return false;
        };
        if call.stage != Stage::Up || !call.offers.may_send() {
            return false;
        }
        call.media.direction = match on {
            true => Direction::SendOnly,
            false => Direction::SendRecv,
        };
        let offer = call.negotiation.offer(&call.media);
        let peer = call.next_hop();
        let Some(dialog) = call.dialog.as_mut() else {
            return false;
        };
        let request = dialog.request(Method::Invite);
        let request = request.body(sdp::CONTENT_TYPE, offer.to_bytes());
        call.offers.on_sent();
        self.send(now, peer, request, Sent::Reinvite(id));
        self.settle(now);
        true
    }

    pub(super) fn on_reinvite_response(
        &mut self,
        now: Duration,
        client: ClientId,
        id: UaCall,
        response: &Message,
    ) {
        let status = response.status().unwrap_or_default();
        let flow = self.calls.get(&id).map(|call| self.flow(call.next_hop()));
        let (Some(call), Some(flow), 200..) = (self.calls.get_mut(&id), flow, status) else {
            return;
        };
        call.offers.on_sent_done();
        if status >= 300 {
            call.negotiation.abandon_offer();
            // Nothing is left to hold (RFC 3261 §12.2.1.2).
            if matches!(status, 408 | 481) {
                self.send_bye(now, id);
            }
            return;
        }
        let Some(dialog) = call.dialog.as_mut() else {
            return;
        };
        // Their new Contact, if it can be read.
        let _ = dialog.refresh_target(response);
        let ack = dialog.ack(response.cseq().number);
        let to_tag = response.to_tag().unwrap_or_default();
        // An ACK that cannot be written leaves their 200 to be repeated.
        let _ = self.layer.acknowledge(client, to_tag, flow, ack);
        self.take_answer(id, &response.body());
    }

    /// Takes the answer to our offer and tells where RTP goes. False if it is no use.
    pub(super) fn take_answer(&mut self, id: UaCall, body: &[u8]) -> bool {
        let Some(call) = self.calls.get_mut(&id) else {
            return false;
        };
        let answer = SdpAnswer::parse(body).ok();
        let agreed = answer.and_then(|answer| call.negotiation.accept_answer(&answer).ok());
        if let Some(agreed) = agreed {
            self.tell(Event::Media { call: id, agreed });
        }
        agreed.is_some()
    }

    /// Answers an offer and tells where RTP goes; makes one if there was none. `None` if nothing can be agreed.
    pub(super) fn describe(&mut self, id: UaCall, offer: &[u8]) -> Option<bytes::Bytes> {
        let call = self.calls.get_mut(&id)?;
        if offer.is_empty() {
            return Some(call.negotiation.offer(&call.media).to_bytes());
        }
        let offer = SdpOffer::parse(offer).ok()?;
        let answered = call.negotiation.answer(&offer, &call.media).ok()?;
        let agreed = answered.agreed;
        self.tell(Event::Media { call: id, agreed });
        Some(answered.answer.to_bytes())
    }
}

impl Call {
    /// Where requests inside the dialog go: its next hop if that is an address, else where the peer is.
    pub(super) fn next_hop(&self) -> SocketAddr {
        let hop = self.dialog.as_ref().map(|dialog| dialog.next_hop().view());
        let address = hop.and_then(|uri| {
            let ip = uri.host().and_then(Host::ip)?;
            Some(SocketAddr::new(ip, uri.port().unwrap_or(5060)))
        });
        address.unwrap_or(self.peer)
    }

    /// The ACK to the 2xx of our INVITE.
    pub(super) fn ack(&self, dialog: &Dialog) -> RequestBuilder {
        let cseq = self.placed.as_ref().map_or(1, |placed| placed.cseq);
        let ack = dialog.ack(cseq);
        match self
            .placed
            .as_ref()
            .and_then(|placed| placed.proof.as_ref())
        {
            Some((name, value)) => ack.header(*name, value),
            None => ack,
        }
    }
}
