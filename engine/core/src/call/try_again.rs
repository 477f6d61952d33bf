//! An INVITE of ours that is refused for an extension, sent again in another way: without what the far end does not know
//! (420), requiring what it insists on (421), with a session interval that it takes (422; RFC 3261 §8.1.3.5, RFC 4028 §7.3).

use sip::Message;

use super::LegState;
use crate::engine::Engine;
use crate::ids::LegId;

/// How often one INVITE is sent: what is refused after that is refused.
const TRIES_MAX: u32 = 4;

impl Engine {
    /// Sends the INVITE of a leg again if its refusal shows how; `false` if it does not.
    pub(super) fn invites_again(&mut self, leg: LegId, response: &Message) -> bool {
        self.invite_again(leg, response).is_some()
    }

    fn invite_again(&mut self, leg: LegId, response: &Message) -> Option<()> {
        let found = &mut **self.legs.get_mut(&leg)?;
        let LegState::Calling {
            client, attempt, ..
        } = &mut found.state
        else {
            return None;
        };
        let helps = attempt.count() < TRIES_MAX
            && match response.status()? {
                420 => found.extensions.do_without(response),
                421 => found.extensions.insist(response),
                422 => found.extensions.timer.on_too_small(response),
                _ => false,
            };
        if !helps {
            return None;
        }
        // The refusal has ended whatever early dialogs there were (RFC 3261 §12.3).
        for early in attempt.forks.keys() {
            self.index.dialogs.remove(&early);
        }
        attempt.forks = sip::dialog::Forks::default();
        let request = attempt.next(&found.extensions);
        let sent = self.layer.send_request(self.now.mono, found.flow, request);
        let before = core::mem::replace(client, sent.ok()?);
        self.index.clients.remove(&before);
        self.index.clients.insert(*client, leg);
        Some(())
    }
}
