//! REFER: a phone sends on whom it talks to (RFC 3515, RFC 5589), or joins the two it talks to.
//!
//! Both are done here, by bridging anew, and no REFER is passed on: the other side may be a trunk that knows none. The
//! phone is told in the same breath that it is done (a NOTIFY with 200 that ends the subscription) and is hung up. What nobody takes where
//! it was sent comes back to the phone's user as a new call, as after a transfer over the API
//! ([`recall`](super::recall)), and not as the old call that the phone would have had to keep.

use alloc::format;
use alloc::string::String;

use config::Role;
use sip::dialog::DialogKey;
use sip::transaction::ServerId;
use sip::wire::{Replaces, Scheme};
use sip::{HeaderName, Message, Method, UriRef};

use super::declined::Declined;
use super::transfer::Onward;
use crate::command::Actor;
use crate::engine::Engine;
use crate::event::{EndCause, EndResult, EndedBy};
use crate::ids::{CallId, LegId};

/// Says that no subscription is wanted, or made (RFC 4488).
const REFER_SUB: HeaderName<'static> = HeaderName::Other("Refer-Sub");
/// The type of what a NOTIFY tells of the call that was asked for (RFC 3420).
const FRAGMENT: &str = "message/sipfrag;version=2.0";

/// What a phone asks for.
#[derive(Debug)]
enum Referred {
    /// Whom it talks to in this call goes on to where that number leads.
    Onward {
        call: CallId,
        to: String,
        onward: Onward,
        /// The call of the phone's own that asked for that number, and that nobody has answered.
        instead_of: Option<CallId>,
    },
    /// Whom it talks to on the one leg and on the other.
    Joined { first: LegId, second: LegId },
}

impl Engine {
    /// A REFER within the dialog of a leg.
    pub(super) fn on_refer(&mut self, server: ServerId, leg: LegId, message: &Message) {
        let asked = self.referrer(leg).and_then(|actor| {
            let referred = self.referred(&actor, leg, message)?;
            Ok((actor, referred))
        });
        match asked {
            Ok((actor, referred)) => {
                self.accept_refer(server, leg, message);
                self.carry_out_refer(&actor, referred);
            }
            Err(declined) => self.decline(server, message, &declined),
        }
    }

    /// Who asks: the user at that phone. A trunk has nobody whom its calls would come back to.
    fn referrer(&self, leg: LegId) -> Result<Actor, Declined> {
        let username = self.legs.get(&leg).and_then(|leg| leg.user.clone());
        let username = username
            .ok_or_else(|| Declined::new(403, "only a user's phone may send callers on"))?;
        let user = self.snapshot.centre.users.get(&username);
        let role = user.map_or(Role::Attendant, |user| user.role);
        Ok(Actor { username, role })
    }

    fn referred(
        &mut self,
        actor: &Actor,
        leg: LegId,
        message: &Message,
    ) -> Result<Referred, Declined> {
        let unreadable = |_| Declined::new(400, "Refer-To is missing, twice or cannot be read");
        if message.values(HeaderName::ReferTo).count() != 1 {
            return Err(Declined::new(400, "a REFER has one Refer-To"));
        }
        let address = message.address(HeaderName::ReferTo).map_err(unreadable)?;
        let target = address.uri();
        let is_call = matches!(target.scheme(), Scheme::Sip | Scheme::Sips | Scheme::Tel);
        let method = target.params().get("method").unwrap_or("INVITE");
        if !is_call || method != "INVITE" {
            return Err(Declined::new(403, "Refer-To must name somebody to call"));
        }
        let call = self.legs.get(&leg).map(|leg| leg.call);
        let call = call.ok_or_else(|| Declined::new(481, "that call is over"))?;
        match target.header("Replaces") {
            Some(replaces) => self.referred_to_dialog(actor, leg, replaces.as_bytes()),
            None => self.referred_to_number(actor, call, &target),
        }
    }

    fn referred_to_number(
        &mut self,
        actor: &Actor,
        call: CallId,
        target: &UriRef<'_>,
    ) -> Result<Referred, Declined> {
        let to = target.number();
        let to = to.ok_or_else(|| Declined::new(404, "Refer-To has no number"))?;
        let onward = self.onward(actor, call, &to)?;
        Ok(Referred::Onward {
            call,
            to,
            onward,
            instead_of: None,
        })
    }

    /// The phone's other call: those two are joined; one that nobody has answered yet tells only whom it meant.
    fn referred_to_dialog(
        &mut self,
        actor: &Actor,
        leg: LegId,
        replaces: &[u8],
    ) -> Result<Referred, Declined> {
        let replaces = Replaces::parse(replaces).map_err(|why| {
            let why = format!("Replaces in Refer-To {why}");
            Declined::new(400, &why)
        })?;
        let second = self.index.dialogs.get(&DialogKey::replaced(&replaces));
        let theirs = second.filter(|second| **second != leg && self.is_same_phone(leg, **second));
        // Not 481: that would end the call in which it is said (RFC 5057 §5.1).
        let second = *theirs.ok_or_else(|| {
            Declined::new(404, "Replaces in Refer-To names no other call of yours")
        })?;
        let other = self
            .legs
            .get(&second)
            .and_then(|leg| self.calls.get(&leg.call));
        let other = other.ok_or_else(|| Declined::new(404, "that call is over"))?;
        if other.partner(second).is_some() {
            self.can_join(actor, leg, second)?;
            return Ok(Referred::Joined { first: leg, second });
        }
        let (own, to) = (other.id, other.called.clone());
        let call = self.legs.get(&leg).map_or(own, |leg| leg.call);
        let onward = self.onward(actor, call, &to)?;
        Ok(Referred::Onward {
            call,
            to,
            onward,
            instead_of: Some(own),
        })
    }

    fn carry_out_refer(&mut self, actor: &Actor, referred: Referred) {
        match referred {
            Referred::Joined { first, second } => self.join(actor, first, second),
            Referred::Onward {
                call,
                to,
                onward,
                instead_of,
            } => {
                if let Some(own) = instead_of {
                    let cause = EndCause {
                        result: EndResult::Answered,
                        sip_status: None,
                        reason: Some(format!("sent to {to} in place of its caller")),
                    };
                    self.end_call(own, cause, EndedBy::Caller, Some(487));
                }
                // All that could stand in the way was asked before.
                let _ = self.send_on(actor, call, &to, onward);
            }
        }
    }

    /// Takes a REFER on: nothing that it asks for can fail any more but by coming back.
    fn accept_refer(&mut self, server: ServerId, leg: LegId, message: &Message) {
        let silent = message
            .token_with_params(REFER_SUB)
            .is_some_and(|(wanted, _)| wanted.eq_ignore_ascii_case("false"));
        let contact = self.contact_of(leg);
        let mut response = self.response(message, 202).contact(&contact);
        if silent {
            response = response.header(REFER_SUB, "false");
        }
        self.respond(server, response);
        if !silent {
            self.notify_done(leg);
        }
    }

    /// Ends the subscription that a REFER began by its first NOTIFY (RFC 3515 §2.4.7).
    fn notify_done(&mut self, leg: LegId) {
        let Some(flow) = self.in_dialog_flow(leg) else {
            return;
        };
        let dialog = self.legs.get_mut(&leg).and_then(|leg| leg.dialog_mut());
        let Some(dialog) = dialog else { return };
        let notify = dialog
            .request(Method::Notify)
            .header(HeaderName::Event, "refer")
            .header(
                HeaderName::SubscriptionState,
                "terminated;reason=noresource",
            )
            .body(FRAGMENT, "SIP/2.0 200 OK\r\n");
        // Whatever becomes of it, the phone is hung up next.
        let _ = self.layer.send_request(self.now.mono, flow, notify);
    }

    /// Whether two legs end at the phone of one user.
    fn is_same_phone(&self, one: LegId, other: LegId) -> bool {
        let (Some(one), Some(other)) = (self.legs.get(&one), self.legs.get(&other)) else {
            return false;
        };
        let same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
        same(&one.extension, &other.extension) || same(&one.user, &other.user)
    }
}
