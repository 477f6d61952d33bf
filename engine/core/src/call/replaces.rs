//! An INVITE with Replaces: another phone, or the system behind a trunk, takes over a conversation (RFC 3891).
//!
//! So ends an attended transfer that a PBX makes by itself, and so a user moves a call from one of their phones to the
//! other. Who may: the phone of the user whose leg it is, and the trunk that the leg came or left by. The new leg is answered at
//! once, joined with the other side, and the old one is hung up; call, record and queue stay what they are.

use alloc::format;
use alloc::string::String;

use sip::dialog::DialogKey;

use super::declined::Declined;
use super::inbound::Invite;
use super::leg::FarEnd;
use super::who::{Sender, party_of};
use super::{LegState, Stage};
use crate::engine::Engine;
use crate::event::{EndCause, EndResult, LegRole};
use crate::ids::{CallId, LegId};

impl Engine {
    /// An INVITE that has a Replaces.
    pub(super) fn on_replacing(&mut self, invite: Invite, sender: &Sender) {
        let (server, message) = (invite.server, invite.message.clone());
        if let Err(declined) = self.replace(invite, sender) {
            self.decline(server, &message, &declined);
        }
    }

    fn replace(&mut self, invite: Invite, sender: &Sender) -> Result<(), Declined> {
        let (old, call) = self.replaced(&invite, sender)?;
        let (role, number) = self
            .legs
            .get(&old)
            .map_or((LegRole::Callee, String::new()), |leg| {
                (leg.role, leg.number.clone())
            });
        let user = self.legs.get(&old).and_then(|leg| leg.user.clone());
        let far_end = match sender {
            Sender::Trunk(trunk) => {
                let shown = party_of(&invite.message).number;
                FarEnd {
                    number: if shown.is_empty() { number } else { shown },
                    trunk: Some(trunk.clone()),
                    user,
                    extension: self.legs.get(&old).and_then(|leg| leg.extension.clone()),
                }
            }
            Sender::Phone { extension, .. } => FarEnd {
                number: extension.clone(),
                trunk: None,
                user,
                extension: Some(extension.clone()),
            },
        };
        let leg = self.add_calling_leg(call, invite, far_end, role);
        let leg = leg.ok_or_else(|| Declined::new(503, "no media port is free"))?;
        self.publish_leg(leg);
        match self.answer(leg) {
            Ok(()) => self.take_over(call, old, leg),
            Err(status) => {
                self.refuse_leg(leg, status);
                let cause = EndCause {
                    result: EndResult::Failed,
                    sip_status: Some(status),
                    reason: None,
                };
                self.end_leg(leg, cause);
            }
        }
        Ok(())
    }

    /// The leg that is meant, and its call.
    fn replaced(&self, invite: &Invite, sender: &Sender) -> Result<(LegId, CallId), Declined> {
        let none = || Declined::new(481, "Replaces names no call that is up here");
        let replaces = invite.message.replaces();
        let replaces = replaces.map_err(|fault| Declined::new(400, &format!("{fault}")))?;
        let replaces = replaces.ok_or_else(none)?;
        let old = self.index.dialogs.get(&DialogKey::replaced(&replaces));
        let leg = old.and_then(|old| self.legs.get(old)).ok_or_else(none)?;
        let own = match sender {
            Sender::Phone {
                extension,
                username,
            } => leg.extension.as_ref() == Some(extension) || leg.user.as_ref() == Some(username),
            Sender::Trunk(trunk) => leg.trunk.as_ref() == Some(trunk),
        };
        if !own {
            return Err(Declined::new(403, "that call is none of yours"));
        }
        // An early dialog that its caller made can be replaced by nobody (RFC 3891 §3).
        if !matches!(leg.state, LegState::Up { .. }) {
            return Err(none());
        }
        if replaces.early_only {
            return Err(Declined::new(486, "that call is answered"));
        }
        let call = self.calls.get(&leg.call);
        let talks = call.filter(|call| call.partner(leg.id).is_some());
        let call = talks.ok_or_else(|| Declined::new(480, "nobody has answered that call"))?;
        Ok((leg.id, call.id))
    }

    /// The new leg stands where the old one stood, which is hung up.
    fn take_over(&mut self, call: CallId, old: LegId, new: LegId) {
        self.end_holds(call, old);
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        if found.caller == old {
            found.caller = new;
        } else if let Stage::Connected { other, .. } = &mut found.stage {
            *other = new;
        }
        if let Some(partner) = self.calls.get(&call).and_then(|call| call.partner(new)) {
            self.bridge(partner, new);
        }
        self.music_for_the_held(call);
        self.send_bye(old, None);
        let cause = EndCause {
            result: EndResult::Answered,
            sip_status: None,
            reason: Some("taken over by another phone".into()),
        };
        self.end_leg(old, cause);
    }
}
