//! Whether the far end of a conversation is still there.
//!
//! A phone that loses its power or its network says nothing of it: only its packets stop. So do those of a phone that is
//! muted, which is why silence alone ends no call. When the media threads say that nothing comes of a side any more, it
//! is asked by an OPTIONS within its dialog, which changes nothing there (RFC 3261 §11): any answer shows that it lives,
//! but for 481 and 408; these, or none at all, end the call (§12.2.1.2).

use sip::Method;
use sip::transaction::ClientId;

use super::Call;
use crate::call::end::CSEQ_MARGIN;
use crate::engine::Engine;
use crate::event::{EndCause, EndResult, EndedBy};
use crate::ids::{CallId, LegId};

impl Engine {
    /// Nothing has come of a leg for a while. Who only waits or listens is left in peace, and so are both sides while
    /// one of them holds the other: their phones may have nothing to say.
    pub(crate) fn leg_is_lifeless(&mut self, leg: LegId) {
        let talks = self
            .legs
            .get(&leg)
            .and_then(|leg| self.calls.get(&leg.call))
            .is_some_and(|call| call.partner(leg).is_some() && !self.is_on_hold(call));
        let asked = self.legs.get(&leg).is_none_or(|leg| leg.asked.is_some());
        if talks && !asked {
            self.ask(leg);
        }
    }

    fn is_on_hold(&self, call: &Call) -> bool {
        let sides = [Some(call.caller), call.other()];
        let mut sides = sides.into_iter().flatten();
        sides.any(|leg| self.legs.get(&leg).is_some_and(|leg| leg.holds()))
    }

    fn ask(&mut self, leg: LegId) -> Option<()> {
        let flow = self.in_dialog_flow(leg)?;
        let found = self.legs.get_mut(&leg)?;
        let dialog = found.dialog_mut()?;
        let question = dialog.request(Method::Options);
        let cseq = dialog.local_cseq();
        let client = self
            .layer
            .send_request(self.now.mono, flow, question)
            .ok()?;
        found.asked = Some(client);
        self.index.asked.insert(client, leg);
        if cseq.is_multiple_of(CSEQ_MARGIN / 2) {
            // The BYE after a crash has to be above what the peer has seen.
            self.journal_dialog(leg);
        }
        Some(())
    }

    /// What came back to such a question, `None` when nothing did; `false` when it was none.
    pub(crate) fn was_asked(&mut self, client: ClientId, status: Option<u16>) -> bool {
        if !self.index.asked.contains_key(&client) {
            return false;
        }
        if status.is_some_and(|status| status < 200) {
            return true;
        }
        let Some(leg) = self.index.asked.remove(&client) else {
            return true;
        };
        let Some(found) = self.legs.get_mut(&leg) else {
            return true;
        };
        found.asked = None;
        let call = found.call;
        if matches!(status, None | Some(408 | 481)) {
            self.far_end_is_gone(call, leg, status);
        }
        true
    }

    fn far_end_is_gone(&mut self, call: CallId, leg: LegId, status: Option<u16>) {
        let is_caller = self.calls.get(&call).is_some_and(|call| call.caller == leg);
        let who = if is_caller { "caller" } else { "callee" };
        let answered = status.map_or_else(
            || "did not answer".into(),
            |status| alloc::format!("answered {status}"),
        );
        let cause = EndCause {
            result: EndResult::Answered,
            sip_status: status,
            reason: Some(alloc::format!(
                "the {who}'s phone is gone: it sent nothing for 30 s and {answered} when asked"
            )),
        };
        self.end_call(call, cause, EndedBy::System, None);
    }
}
