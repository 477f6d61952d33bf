//! Between an INVITE of ours and its answer: what it says, what its branches say, and whose sound is heard.
//!
//! An [`Attempt`] begins with the INVITE and ends with its answer. The first description that comes is heard until then (RFC 3261
//! §13.2.1), whatever other branches of a fork play; each branch has an early dialog of its own, in which what it wants acknowledged
//! gets its PRACK (RFC 3262 §4).

use bytes::Bytes;

use ::media::sdp;
use sip::dialog::{DialogKey, Forks, Sent};
use sip::transaction::ClientId;
use sip::{Flow, Message, Method, RequestBuilder};

use super::errands::Errand;
use super::extensions::Extensions;
use super::responses::flow_within;
use super::{Leg, LegState};
use crate::engine::Engine;
use crate::ids::LegId;
use crate::sabotage;

/// An INVITE of ours that has no final response yet.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// All but its number, its extensions and its body.
    template: RequestBuilder,
    offer: Bytes,
    cseq: u32,
    pub(super) forks: Forks,
}

impl Attempt {
    pub(super) fn new(template: RequestBuilder, offer: Bytes) -> Self {
        Self {
            template,
            offer,
            cseq: 0,
            forks: Forks::default(),
        }
    }

    /// How often it was sent, each time with another number.
    pub(super) fn count(&self) -> u32 {
        self.cseq
    }

    /// The INVITE with its next number.
    pub(super) fn next(&mut self, extensions: &Extensions) -> RequestBuilder {
        self.cseq += 1;
        let request = self.template.clone().cseq(self.cseq);
        extensions
            .write(request, Method::Invite)
            .body(sdp::CONTENT_TYPE, &self.offer)
    }

    /// Checks the order of a request in one of its early dialogs.
    ///
    /// # Errors
    ///
    /// The status to refuse it with.
    pub(super) fn accepts(&mut self, request: &Message) -> Result<(), u16> {
        let tag = request.from_tag().unwrap_or_default();
        let fork = self.forks.of_mut(tag).ok_or(481u16)?;
        // Who is called ends an early dialog by a final response (RFC 3261 §15).
        if request.method() == Method::Bye {
            return Err(481);
        }
        fork.dialog.accepts(request)
    }
}

impl Leg {
    /// The names of the early dialogs of our INVITE.
    pub(super) fn early_dialogs(&self) -> impl Iterator<Item = DialogKey> {
        let forks = match &self.state {
            LegState::Calling { attempt, .. } => Some(attempt.forks.keys()),
            LegState::Incoming { .. } | LegState::Placed | LegState::Up { .. } => None,
        };
        forks.into_iter().flatten()
    }
}

impl Engine {
    /// Sends the INVITE of a leg; `None` if it cannot be written.
    pub(super) fn send_attempt(
        &mut self,
        leg: LegId,
        flow: Flow,
        attempt: &mut Attempt,
    ) -> Option<ClientId> {
        let request = attempt.next(&self.legs.get(&leg)?.extensions);
        self.layer.send_request(self.now.mono, flow, request).ok()
    }

    /// Takes a response from 101 to 199: whether its description is heard; `None` if it is to be passed over.
    pub(super) fn note_provisional(&mut self, leg: LegId, message: &Message) -> Option<bool> {
        let found = self.legs.get_mut(&leg)?;
        found.extensions.note_allow(message);
        let transport = found.flow.transport;
        let LegState::Calling {
            request_uri,
            contact,
            attempt,
            ..
        } = &mut found.state
        else {
            return None;
        };
        let sent = Sent {
            request_uri,
            contact,
            transport,
        };
        let progress = attempt.forks.on_provisional(message, sent)?;
        let tag = message.to_tag().unwrap_or_default();
        let fork = attempt.forks.of(tag);
        let settled = progress.is_heard && fork.is_some_and(|fork| fork.is_settled);
        if let Some(key) = progress.new {
            self.index.dialogs.insert(key, leg);
        }
        if let Some(prack) = progress.prack {
            self.send_prack(leg, tag, prack);
        }
        if settled && let Some(found) = self.legs.get_mut(&leg) {
            found.offers.on_sent_done();
        }
        Some(progress.is_heard || sabotage::fork_media())
    }

    fn send_prack(&mut self, leg: LegId, tag: &str, prack: RequestBuilder) -> Option<()> {
        let found = self.legs.get(&leg)?;
        let LegState::Calling { attempt, .. } = &found.state else {
            return None;
        };
        let flow = flow_within(found, &attempt.forks.of(tag)?.dialog);
        self.send_errand(leg, flow, prack, Errand::Prack)
    }
}
