//! A BYE of ours, no sooner than the far end can take it.
//!
//! Who answered a call must not send its BYE before the ACK of the 2xx has come or can come no more (RFC 3261 §15): it
//! could overtake the 2xx, and the far end would hold a call that nobody ends. Until then the leg is gone for
//! everybody else, and only its BYE is kept; a restart before it leaves says it in its place.

use sip::transaction::ServerId;
use sip::wire::RequestBuilder;
use sip::{Flow, HeaderName, Method};

use super::LegState;
use crate::engine::Engine;
use crate::ids::LegId;
use crate::journal::Body;
use crate::sabotage;

/// A BYE that waits for the ACK of our 2xx.
#[derive(Debug)]
pub(crate) struct Goodbye {
    leg: LegId,
    flow: Flow,
    bye: RequestBuilder,
}

impl Engine {
    /// Hangs up on a leg that is up; it is to be forgotten next.
    pub(crate) fn send_bye(&mut self, leg: LegId, reason: Option<&str>) {
        if sabotage::forget_bye() {
            return;
        }
        if self.take_back(leg, 480) {
            return;
        }
        let Some(flow) = self.in_dialog_flow(leg) else {
            return;
        };
        let Some(LegState::Up { dialog }) = self.legs.get_mut(&leg).map(|leg| &mut leg.state)
        else {
            return;
        };
        let mut bye = dialog.request(Method::Bye);
        if let Some(reason) = reason {
            bye = bye.header(HeaderName::Reason, reason);
        }
        match self.unacknowledged(leg).filter(|_| !sabotage::early_bye()) {
            Some(server) => {
                self.index.byes.insert(server, Goodbye { leg, flow, bye });
            }
            None => {
                // A dialog that is up can be written.
                let _ = self.layer.send_request(self.now.mono, flow, bye);
            }
        }
    }

    /// The INVITE of this leg whose 2xx has no ACK yet.
    pub(crate) fn unacknowledged(&self, leg: LegId) -> Option<ServerId> {
        self.index.servers.of(leg).first().copied()
    }

    /// Notes that the dialog of a leg is no more, unless its BYE is still to leave.
    pub(crate) fn note_dialog_gone(&mut self, leg: LegId) {
        let waits = self.index.byes.values().any(|goodbye| goodbye.leg == leg);
        if !waits && !sabotage::dialog_gone() {
            self.journal(Body::DialogGone(leg));
        }
    }

    /// The ACK has come, or will not come any more. False if no BYE waited for it.
    pub(crate) fn say_goodbye(&mut self, server: ServerId) -> bool {
        let Some(Goodbye { leg, flow, bye }) = self.index.byes.remove(&server) else {
            return false;
        };
        let _ = self.layer.send_request(self.now.mono, flow, bye);
        self.note_dialog_gone(leg);
        true
    }
}
