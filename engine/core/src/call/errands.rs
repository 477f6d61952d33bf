//! Requests of ours within a dialog that change nothing of the call if all goes well: PRACK, and what refreshes a session.
//!
//! An [`Errand`] is sent, and what comes back to it is given to whom it concerns. If its leg ends before, a re-INVITE leaves an
//! [`Orphan`]: its 2xx still wants an ACK (RFC 3261 §13.2.2.4), and nothing else.

use sip::transaction::ClientId;
use sip::{Flow, Message, Method, RequestBuilder};

use super::Leg;
use super::responses::flow_within;
use crate::engine::Engine;
use crate::ids::LegId;

/// What a request of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Acknowledges a provisional response.
    Prack,
    /// Refreshes the session by an UPDATE.
    Update,
    /// Refreshes it by a re-INVITE of that CSeq.
    Reinvite { cseq: u32 },
}

/// The ACK of a re-INVITE whose leg is gone.
#[derive(Debug)]
pub(crate) struct Orphan {
    flow: Flow,
    ack: RequestBuilder,
}

impl Engine {
    pub(super) fn send_errand(
        &mut self,
        leg: LegId,
        flow: Flow,
        request: RequestBuilder,
        errand: Errand,
    ) -> Option<()> {
        let sent = self.layer.send_request(self.now.mono, flow, request);
        let client = sent.ok()?;
        let found = self.legs.get_mut(&leg)?;
        found.extensions.errands.push(client);
        self.index.errands.insert(client, (leg, errand));
        Some(())
    }

    /// What came back to an errand, `None` when nothing did; `false` when it was none.
    pub(super) fn was_errand(&mut self, client: ClientId, response: Option<&Message>) -> bool {
        let status = response.and_then(Message::status);
        let is_final = status.is_none_or(|status| status >= 200);
        if self.index.orphans.contains_key(&client) {
            if is_final {
                self.end_orphan(client, response);
            }
            return true;
        }
        if !self.index.errands.contains_key(&client) {
            return false;
        }
        if is_final && let Some((leg, errand)) = self.index.errands.remove(&client) {
            if let Some(found) = self.legs.get_mut(&leg) {
                found.extensions.errands.retain(|other| *other != client);
            }
            self.errand_is_done(client, leg, errand, response);
        }
        true
    }

    fn errand_is_done(
        &mut self,
        client: ClientId,
        leg: LegId,
        errand: Errand,
        response: Option<&Message>,
    ) {
        let accepted = response.filter(|response| {
            response
                .status()
                .is_some_and(|status| (200..300).contains(&status))
        });
        match (errand, accepted) {
            // Whatever the answer is: what it acknowledges has come, and the call goes on.
            (Errand::Prack, _) => {}
            (Errand::Update, Some(response)) => self.refreshed(leg, response),
            (Errand::Reinvite { .. }, Some(response)) => {
                self.acknowledge(leg, client, response);
                self.reinvited(leg, response);
            }
            (Errand::Update | Errand::Reinvite { .. }, None) => {
                self.refresh_failed(leg, errand, response);
            }
        }
    }

    fn end_orphan(&mut self, client: ClientId, response: Option<&Message>) {
        let Some(Orphan { flow, ack }) = self.index.orphans.remove(&client) else {
            return;
        };
        let accepted = |response: &&Message| {
            let success = response.status().is_some_and(|status| status / 100 == 2);
            success && response.cseq().method == Method::Invite
        };
        if let Some(response) = response.filter(accepted) {
            let tag = response.to_tag().unwrap_or_default();
            // An ACK that cannot be written is missed by a peer whose call is over.
            let _ = self.layer.acknowledge(client, tag, flow, ack);
        }
    }

    /// The leg is gone: nobody waits for what comes back.
    pub(super) fn forget_errands(&mut self, gone: &Leg) {
        for client in &gone.extensions.errands {
            let errand = self.index.errands.remove(client);
            if let (Some((_, Errand::Reinvite { cseq })), Some(dialog)) = (errand, gone.dialog()) {
                let (flow, ack) = (flow_within(gone, dialog), dialog.ack(cseq));
                self.index.orphans.insert(*client, Orphan { flow, ack });
            }
        }
    }
}
