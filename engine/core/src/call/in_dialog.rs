//! Requests within a dialog, and the CANCEL of one that is not yet.

use sip::dialog::DialogKey;
use sip::transaction::ServerId;
use sip::{Flow, Message, Method};

use super::LegState;
use crate::engine::Engine;
use crate::event::{EndCause, EndResult, EndedBy};
use crate::ids::{CallId, LegId};

impl Engine {
    pub(crate) fn on_request_in_dialog(&mut self, server: ServerId, flow: Flow, message: Message) {
        let leg =
            DialogKey::of_request(&message).and_then(|key| self.index.dialogs.get(&key).copied());
        let Some(leg) = leg else {
            let response = self.response(&message, 481);
            self.respond(server, response);
            return;
        };
        if let Err(status) = self.in_order(leg, &message) {
            let response = self.response(&message, status);
            self.respond(server, response);
            return;
        }
        match message.method() {
            Method::Bye => self.on_bye(server, leg, &message),
            Method::Invite if self.is_answered(leg) && !self.is_promised(leg) => {
                self.note_connection(leg, flow);
                self.on_reinvite(server, leg, &message);
            }
            Method::Options => {
                let response = self.response(&message, 200);
                self.respond(server, response);
            }
            Method::Refer => self.on_refer(server, leg, &message),
            Method::Update => {
                self.note_connection(leg, flow);
                self.on_update(server, leg, &message);
            }
            Method::Prack => self.on_prack(server, leg, &message),
            // A REGISTER has no dialog; an INVITE before the answer to the first crosses it (RFC 3261 §14.2).
            Method::Invite => {
                let response = self
                    .response(&message, 500)
                    .header(sip::HeaderName::RetryAfter, "1");
                self.respond(server, response);
            }
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Info
            | Method::Notify
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {
                let response = self.response(&message, 405);
                self.respond(server, response);
            }
        }
    }

    fn in_order(&mut self, leg: LegId, message: &Message) -> Result<(), u16> {
        match self.legs.get_mut(&leg).map(|leg| &mut leg.state) {
            Some(LegState::Incoming { dialog, .. } | LegState::Up { dialog }) => {
                dialog.accepts(message)
            }
            Some(LegState::Calling { attempt, .. }) => attempt.accepts(message),
            Some(LegState::Placed) | None => Err(481),
        }
    }

    /// A peer whose connection broke speaks to us over a new one.
    fn note_connection(&mut self, leg: LegId, flow: Flow) {
        if let Some(leg) = self.legs.get_mut(&leg)
            && flow.transport.is_reliable()
        {
            leg.flow = flow;
        }
    }

    fn on_bye(&mut self, server: ServerId, leg: LegId, message: &Message) {
        let response = self.response(message, 200);
        self.respond(server, response);
        self.success_is_known(leg);
        let Some(found) = self.legs.get(&leg) else {
            return;
        };
        let (call, extension) = (found.call, found.extension.clone());
        if let Some(extension) = extension {
            self.own_byes.insert(extension, self.now.mono);
        }
        let before_answer = matches!(found.state, LegState::Incoming { .. });
        let by_caller = self.calls.get(&call).is_some_and(|call| call.caller == leg);
        // A BYE in an early dialog ends the INVITE too (RFC 3261 §15.1.2).
        let status = before_answer.then_some(487);
        self.take_back(leg, 487);
        self.hung_up(
            call,
            if by_caller {
                EndedBy::Caller
            } else {
                EndedBy::Callee
            },
            Some(leg),
            status,
        );
    }

    /// A peer that speaks within the dialog has our 2xx, though its ACK was lost: it is not repeated.
    fn success_is_known(&mut self, leg: LegId) {
        for server in self.index.servers.of(leg) {
            self.layer.success_is_known(*server);
        }
    }

    /// The caller gave up before the answer.
    pub(crate) fn on_cancel(&mut self, server: ServerId) {
        let Some(leg) = self.index.servers.get(server) else {
            return;
        };
        let Some(call) = self.legs.get(&leg).map(|leg| leg.call) else {
            return;
        };
        self.hung_up(call, EndedBy::Caller, None, Some(487));
    }

    /// A side ended the call; `gone` is the leg that needs no BYE from us.
    pub(crate) fn hung_up(
        &mut self,
        call: CallId,
        by: EndedBy,
        gone: Option<LegId>,
        status: Option<u16>,
    ) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let cause = EndCause {
            result: found.result_if_left(),
            sip_status: None,
            reason: None,
        };
        self.end_call_without(gone, call, cause, by, status);
    }

    /// An offer of ours that got no usable answer: there is nothing to hear on this leg.
    pub(crate) fn no_session(&mut self, call: CallId, _leg: LegId) {
        let cause = EndCause {
            result: EndResult::Failed,
            sip_status: Some(488),
            reason: Some("the ACK brought no usable answer to our offer".into()),
        };
        self.end_call(call, cause, EndedBy::System, None);
    }
}
