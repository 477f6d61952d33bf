//! Emergency calls always leave: by another trunk when one fails, and never stopped for credentials.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sip::{Flow, Message};

use super::answers::{Outcome, Progress};
use super::who::Sender;
use crate::engine::Engine;
use crate::ids::CallId;

/// An emergency call on its way out.
#[derive(Debug)]
pub(crate) struct Emergency {
    number: String,
    /// The trunks it has not been tried by, in order.
    untried: VecDeque<String>,
}

impl Engine {
    /// Whether the number an INVITE asks for is an emergency number.
    pub(crate) fn dials_emergency(&self, message: &Message) -> bool {
        let dialled = self.dialled(message);
        dialled.is_some_and(|dialled| self.routes.is_emergency(&dialled))
    }

    /// Dials an emergency number by the trunk whose numbers match it, then by every other. One whose lines are all
    /// taken comes last, but it comes.
    pub(crate) fn dial_emergency(&mut self, call: CallId, number: &str) {
        let trunks = self.routes.emergency_trunks(number);
        let mut trunks: Vec<String> = trunks.into_iter().map(String::from).collect();
        trunks.sort_by_key(|trunk| self.trunk_is_full(trunk));
        if let Some(found) = self.calls.get_mut(&call) {
            found.emergency = Some(Emergency {
                number: number.into(),
                untried: trunks.into(),
            });
        }
        if !self.dial_by_next_trunk(call) {
            self.dial_failed(call, Outcome::Nowhere, Progress::Calling);
        }
    }

    /// Tries an emergency call by another trunk, unless it has rung out; `false` when that cannot be done.
    pub(crate) fn leaves_by_another_trunk(
        &mut self,
        call: CallId,
        outcome: Outcome,
        progress: Progress,
    ) -> bool {
        let rang_out = (outcome, progress) == (Outcome::TimedOut, Progress::Rang);
        !rang_out && self.dial_by_next_trunk(call)
    }

    fn dial_by_next_trunk(&mut self, call: CallId) -> bool {
        while let Some((number, trunk)) = self.next_trunk(call) {
            if let Some(target) = self.target_by_trunk(&trunk, &number) {
                self.dial_outside_at(call, &number, target);
                return true;
            }
        }
        false
    }

    fn next_trunk(&mut self, call: CallId) -> Option<(String, String)> {
        let emergency = self.calls.get_mut(&call)?.emergency.as_mut()?;
        let trunk = emergency.untried.pop_front()?;
        Some((emergency.number.clone(), trunk))
    }

    /// Whether an emergency call has other trunks left: then one that does not say a word is not waited for.
    pub(crate) fn has_another_trunk(&self, call: CallId) -> bool {
        let call = self.calls.get(&call);
        let emergency = call.and_then(|call| call.emergency.as_ref());
        emergency.is_some_and(|emergency| !emergency.untried.is_empty())
    }

    /// The phone that an emergency call comes from by its address alone: the one registered from that very source, the
    /// one its From names if that is registered from the address, or any that is.
    pub(crate) fn phone_at(&self, flow: &Flow, message: &Message) -> Option<Sender> {
        let from = message.from().ok();
        let claimed = from.and_then(|from| from.uri().number());
        let at_address = self.registrar.aors_at_address(flow.remote.ip());
        let extension = self
            .registrar
            .aor_at(flow.remote, flow.transport)
            .or_else(|| {
                let named = |aor: &&&str| Some(**aor) == claimed.as_deref();
                at_address.iter().find(named).copied()
            })
            .or_else(|| at_address.first().copied())?;
        let user = self.user_by_extension(extension)?;
        Some(Sender::Phone {
            extension: extension.into(),
            username: user.username.to_string(),
        })
    }
}
