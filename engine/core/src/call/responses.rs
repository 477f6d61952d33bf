//! What comes back to the requests we sent.

use alloc::vec::Vec;

use ::media::sdp::SdpAnswer;
use sip::dialog::{Dialog, Fork, Sent};
use sip::transaction::{ClientId, Event as SipEvent, Output as SipOutput};
use sip::{Flow, Message, Method};

use super::answers::Outcome;
use super::{Leg, LegState, Purpose, Told};
use crate::engine::Engine;
use crate::event::{EndCause, EndResult, EndedBy};
use crate::ids::{CallId, LegId};
use crate::output::Output;
use crate::sabotage;

impl Engine {
    pub(crate) fn handle_sip(&mut self, output: SipOutput) {
        let event = match output {
            SipOutput::Transmit(transmit) => return self.output(Output::Transmit(transmit)),
            SipOutput::Event(event) => event,
        };
        match event {
            SipEvent::Request {
                server,
                flow,
                message,
            } => self.on_request(server, flow, message),
            SipEvent::Ack {
                server, message, ..
            } => self.on_ack(server, &message),
            SipEvent::Cancelled { server, .. } => self.on_cancel(server),
            SipEvent::Response {
                client,
                flow,
                message,
            } => self.on_response(client, flow, &message),
            SipEvent::TimedOut { client } => self.on_no_response(client, Outcome::TimedOut),
            SipEvent::TransportFailed { client } => {
                self.on_no_response(client, self.unreachable(client));
            }
            SipEvent::AckMissing { server } => self.on_ack_missing(server),
            SipEvent::StrayResponse { flow, message } => self.end_stray(None, flow, &message),
        }
    }

    fn on_response(&mut self, client: ClientId, flow: Flow, message: &Message) {
        let Some(status) = message.status() else {
            return;
        };
        if self.was_asked(client, Some(status)) || self.was_errand(client, Some(message)) {
            return;
        }
        if self.index.cancelled.contains(&client) {
            if status >= 200 {
                self.index.cancelled.remove(&client);
            }
            if (200..300).contains(&status) && message.cseq().method == Method::Invite {
                self.end_stray(Some(client), flow, message);
            }
            return;
        }
        let Some(leg) = self.index.clients.get(&client).copied() else {
            // A second phone behind a fork answered too: it is hung up.
            if (200..300).contains(&status) && message.cseq().method == Method::Invite {
                self.end_stray(Some(client), flow, message);
            }
            return;
        };
        self.count_response(leg, (200..300).contains(&status));
        match status {
            100 => {}
            101..200 => self.on_provisional(leg, status, message),
            200..300 => self.on_success(leg, client, flow, message),
            _ if self.invites_again(leg, message) => {}
            _ => {
                self.index.clients.remove(&client);
                self.ring_leg_failed(leg, Outcome::Status(status), Some(status));
            }
        }
    }

    /// What it means that a request could not be sent: a phone whose connection is gone is not there any more.
    fn unreachable(&self, client: ClientId) -> Outcome {
        let leg = self.index.clients.get(&client);
        let leg = leg.and_then(|leg| self.legs.get(leg));
        if leg.is_some_and(|leg| leg.trunk.is_none()) {
            Outcome::Nowhere
        } else {
            Outcome::Unreachable
        }
    }

    fn on_no_response(&mut self, client: ClientId, outcome: Outcome) {
        self.index.cancelled.remove(&client);
        if self.was_asked(client, None) || self.was_errand(client, None) {
            return;
        }
        if let Some(leg) = self.index.clients.remove(&client) {
            self.ring_leg_failed(leg, outcome, None);
        }
    }

    /// 101 to 199: it rings, or lets its own progress be heard.
    ///
    /// The caller is told one of the two: a 180 beside the sound would have their phone play its own ringing over it.
    fn on_provisional(&mut self, leg: LegId, status: u16, message: &Message) {
        let Some(is_heard) = self.note_provisional(leg, message) else {
            return;
        };
        self.leg_rings(leg);
        let Some((call, dialled, alone)) = self.ring_of(leg) else {
            return;
        };
        let agreed = is_heard && self.agree_early(leg, message);
        let heard = agreed && dialled && alone && self.early_media(call, leg);
        if heard {
            self.note_told(call, Told::Sound);
        } else if dialled {
            self.pass_on(call, status);
        }
    }

    /// Tells the caller what the other side says of its progress, unless they know it, or more: once it rings, it rings.
    /// A status that says nothing more is a 183 (RFC 3261 §8.1.3.2).
    fn pass_on(&mut self, call: CallId, status: u16) {
        let status = if (180..=183).contains(&status) {
            status
        } else {
            183
        };
        let ring = self.calls.get(&call);
        let ring = ring.and_then(|call| call.ring_for(Purpose::Dial));
        let told = ring.map_or(Told::Nothing, |ring| ring.told);
        let news = match told {
            Told::Nothing => true,
            Told::Progress(before) => before != 180 && before != status,
            Told::Sound => false,
        };
        if news {
            self.note_told(call, Told::Progress(status));
            self.tell_progress(call, status);
        }
    }

    fn note_told(&mut self, call: CallId, told: Told) {
        let call = self.calls.get_mut(&call);
        let rings = call.into_iter().flat_map(|call| &mut call.rings);
        for ring in rings {
            ring.told = told;
        }
    }

    /// The call a leg rings for, whether it was dialled (an alert's caller hears music), and whether no other leg
    /// rings beside it, of which the caller could hear only one.
    fn ring_of(&self, leg: LegId) -> Option<(CallId, bool, bool)> {
        let call = self.calls.get(&self.legs.get(&leg)?.call)?;
        let ring = call.ring_of(leg)?;
        Some((call.id, ring.purpose == Purpose::Dial, ring.legs.len() == 1))
    }

    /// Takes the answer to our offer that a provisional response may bring.
    fn agree_early(&mut self, leg: LegId, message: &Message) -> bool {
        let body = message.body();
        if body.is_empty() {
            return false;
        }
        let Ok(answer) = SdpAnswer::parse(&body) else {
            return false;
        };
        let Some(found) = self.legs.get_mut(&leg) else {
            return false;
        };
        let agreed = found.media.negotiation.accept_answer(&answer).is_ok();
        if agreed {
            self.set_remote(leg);
        }
        agreed
    }

    /// It answered.
    fn on_success(&mut self, leg: LegId, client: ClientId, flow: Flow, message: &Message) {
        let early: Vec<_> = self
            .legs
            .get(&leg)
            .into_iter()
            .flat_map(|leg| leg.early_dialogs())
            .collect();
        let Some(found) = self.legs.get_mut(&leg) else {
            return;
        };
        let LegState::Calling {
            request_uri,
            contact,
            attempt,
            ..
        } = &mut found.state
        else {
            // Another branch of a fork, after the first was taken.
            self.end_stray(Some(client), flow, message);
            return;
        };
        let sent = Sent {
            request_uri,
            contact,
            transport: flow.transport,
        };
        let was_heard = attempt.forks.is_heard(message.to_tag().unwrap_or_default());
        let confirmed = attempt.forks.confirm(message, sent);
        for key in early {
            self.index.dialogs.remove(&key);
        }
        let Ok(Fork {
            dialog,
            answer,
            is_settled,
            ..
        }) = confirmed
        else {
            self.index.clients.remove(&client);
            self.end_stray(Some(client), flow, message);
            self.ring_leg_failed(leg, Outcome::Status(500), Some(500));
            return;
        };
        found.flow = Flow {
            connection: flow.connection,
            ..found.flow
        };
        let negotiation = &mut found.media.negotiation;
        let agreed = if is_settled && was_heard {
            // An UPDATE may have changed it since; what stands in the 2xx counts for nothing (RFC 3262 §5).
            negotiation.agreed().is_some()
        } else {
            let body = answer.filter(|_| is_settled || message.body().is_empty());
            let body = body.unwrap_or_else(|| message.body());
            SdpAnswer::parse(&body).is_ok_and(|answer| negotiation.accept_answer(&answer).is_ok())
        };
        found.offers.on_sent_done();
        found.extensions.invite_is_over();
        found.extensions.note_allow(message);
        found.extensions.timer.on_success(self.now.mono, message);
        found.state = LegState::Up { dialog };
        self.index.clients.remove(&client);
        self.acknowledge(leg, client, message);
        self.leg_is_up(leg);
        self.set_session_alarm(leg);
        if agreed {
            self.set_remote(leg);
            self.note_hold(leg);
            self.ring_answered(leg);
        } else {
            self.send_bye(leg, Some("SIP;cause=488;text=\"No usable answer\""));
            self.ring_leg_failed(leg, Outcome::Status(488), Some(488));
        }
    }

    pub(super) fn acknowledge(&mut self, leg: LegId, client: ClientId, response: &Message) {
        let Some(flow) = self.in_dialog_flow(leg) else {
            return;
        };
        let Some(dialog) = self.legs.get(&leg).and_then(|leg| leg.dialog()) else {
            return;
        };
        let ack = dialog.ack(response.cseq().number);
        let tag = response.to_tag().unwrap_or_default();
        // An ACK that cannot be written is missed by the peer, who then ends the call.
        let _ = self.layer.acknowledge(client, tag, flow, ack);
    }

    /// A 2xx nobody waits for: acknowledged, then hung up.
    fn end_stray(&mut self, client: Option<ClientId>, flow: Flow, message: &Message) {
        if sabotage::late_answer() {
            return;
        }
        let Ok(to) = message.to() else { return };
        let contact = alloc::format!("<{}>", self.contact_on(&flow, false));
        let uri = to.uri().to_owned();
        let Ok(mut dialog) = Dialog::uac(message, &uri, &contact, flow.transport) else {
            return;
        };
        let next = super::target::flow_of_uri(dialog.next_hop(), flow).unwrap_or(flow);
        let ack = dialog.ack(message.cseq().number);
        let tag = message.to_tag().unwrap_or_default();
        // Neither can be written only if the response could not be read, and it was.
        let _ = match client {
            Some(client) => self.layer.acknowledge(client, tag, next, ack),
            None => self.layer.send_ack(next, ack),
        };
        let bye = dialog.request(Method::Bye);
        let _ = self.layer.send_request(self.now.mono, next, bye);
    }

    /// Our 200 was never acknowledged: the caller is not there.
    fn on_ack_missing(&mut self, server: sip::transaction::ServerId) {
        if self.say_goodbye(server) {
            return;
        }
        let Some(leg) = self.index.servers.remove(server) else {
            return;
        };
        let Some(call) = self.legs.get(&leg).map(|leg| leg.call) else {
            return;
        };
        let cause = EndCause {
            result: EndResult::Failed,
            sip_status: Some(408),
            reason: Some("our answer was not acknowledged".into()),
        };
        self.end_call(call, cause, EndedBy::System, None);
    }

    /// Where requests within a leg's dialog go.
    pub(crate) fn in_dialog_flow(&self, leg: LegId) -> Option<Flow> {
        let leg = self.legs.get(&leg)?;
        Some(flow_within(leg, leg.dialog()?))
    }
}

/// Where requests within a dialog of a leg go.
pub(super) fn flow_within(leg: &Leg, dialog: &Dialog) -> Flow {
    if leg.nat || leg.flow.transport.is_reliable() && leg.flow.connection.is_some() {
        return leg.flow;
    }
    super::target::flow_of_uri(dialog.next_hop(), leg.flow).unwrap_or(leg.flow)
}
