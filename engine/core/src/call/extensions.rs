//! What a leg speaks beyond RFC 3261: what its trunk allows, and what its far end says that it knows.
//!
//! [`Extensions`] begins and ends with its leg. It holds the session timer ([`refresh`](super::refresh)), and while a caller is not
//! answered what they are to acknowledge ([`reliable`](super::reliable)). Phones get what a trunk gets that says nothing.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use config::ExtensionUse;
use sip::dialog::{RELIABLE_TAG, SessionTimer, TIMER_TAG, Terms, Wish};
use sip::transaction::{ClientId, ServerId};
use sip::{Fault, HeaderName, Message, Method, RequestBuilder};

use super::reliable::Reliable;
use super::requests::{NO_REFER_SUB_TAG, REPLACES_TAG};
use crate::engine::Engine;
use crate::timers::TimerId;

/// What one leg's far end and we do beyond RFC 3261.
#[derive(Debug)]
pub(crate) struct Extensions {
    pub(super) timer: SessionTimer,
    /// When it has something to say.
    pub(super) alarm: Option<TimerId>,
    /// How far provisional responses are acknowledged.
    pub(super) use_reliable: ExtensionUse,
    /// What their INVITE says of it.
    pub(super) asked: Asked,
    /// Those that were sent so.
    pub(super) reliable: Option<Box<Reliable>>,
    /// Whether the far end's Allow names UPDATE.
    pub(super) takes_updates: bool,
    /// Whether an INVITE of ours requires that provisional responses are acknowledged.
    requires_reliable: bool,
    /// Requests of ours that it has not answered.
    pub(super) errands: Vec<ClientId>,
}

/// What an INVITE says of provisional responses that are acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Nothing,
    Supported,
    Required,
}

impl Extensions {
    /// Whether a provisional response to their INVITE is to be acknowledged.
    pub(super) fn sends_reliably(&self, has_session: bool) -> bool {
        match (self.use_reliable, self.asked) {
            (ExtensionUse::Off, _) | (_, Asked::Nothing) => false,
            (ExtensionUse::Accept, Asked::Supported) => has_session,
            (ExtensionUse::Accept | ExtensionUse::Request, Asked::Required)
            | (ExtensionUse::Request, Asked::Supported) => true,
        }
    }

    /// The option tags that Supported names.
    pub(super) fn supported(&self) -> String {
        let reliable = (self.use_reliable != ExtensionUse::Off).then_some(RELIABLE_TAG);
        let timer = self.timer.is_supported().then_some(TIMER_TAG);
        let always = [REPLACES_TAG, NO_REFER_SUB_TAG];
        let tags: Vec<&str> = reliable.into_iter().chain(timer).chain(always).collect();
        tags.join(", ")
    }

    /// Puts into a request of ours what we know and ask for.
    pub(super) fn write(&self, request: RequestBuilder, method: Method<'_>) -> RequestBuilder {
        let request = request.header(HeaderName::Supported, self.supported());
        let begins = method == Method::Invite && self.requires_reliable;
        let request = match begins {
            true => request.header(HeaderName::Require, RELIABLE_TAG),
            false => request,
        };
        self.timer.ask(request)
    }

    /// The INVITE is answered: what it required is done with.
    pub(super) fn invite_is_over(&mut self) {
        self.requires_reliable = false;
    }

    /// Does without what a 420 names. False if that changes nothing.
    pub(super) fn do_without(&mut self, response: &Message) -> bool {
        let names = |tag| response.has_token(HeaderName::Unsupported, tag);
        let reliable = names(RELIABLE_TAG) && self.use_reliable != ExtensionUse::Off;
        let timer = names(TIMER_TAG) && self.timer.is_supported();
        if reliable {
            self.use_reliable = ExtensionUse::Off;
            self.requires_reliable = false;
        }
        if timer {
            self.timer.decline();
        }
        reliable || timer
    }

    /// Requires what a 421 names, where we know it and had only said so. False if that changes nothing.
    pub(super) fn insist(&mut self, response: &Message) -> bool {
        let named = response.has_token(HeaderName::Require, RELIABLE_TAG);
        let known = self.use_reliable != ExtensionUse::Off;
        named && known && !core::mem::replace(&mut self.requires_reliable, true)
    }

    /// Notes what a message of the far end says that it takes.
    pub(super) fn note_allow(&mut self, message: &Message) {
        if message.header(HeaderName::Allow).is_some() {
            self.takes_updates = message.has_token(HeaderName::Allow, "UPDATE");
        }
    }
}

impl Engine {
    /// The extensions of a new leg; `invite` is theirs, if they called.
    pub(super) fn extensions_with(
        &self,
        trunk: Option<&str>,
        invite: Option<&Message>,
    ) -> Extensions {
        let trunk = trunk.and_then(|name| self.snapshot.centre.trunks.get(name));
        let (timers, reliable) = trunk.map_or_else(Default::default, |trunk| {
            (trunk.session_timers, trunk.reliable_provisionals)
        });
        let settings = &self.snapshot.settings.sip.session_timers;
        let wish = match timers {
            ExtensionUse::Off => Wish::Off,
            ExtensionUse::Accept => Wish::Accept,
            ExtensionUse::Request => Wish::Request,
        };
        let asked = |invite: &Message| {
            if invite.has_token(HeaderName::Require, RELIABLE_TAG) {
                Asked::Required
            } else if invite.has_token(HeaderName::Supported, RELIABLE_TAG) {
                Asked::Supported
            } else {
                Asked::Nothing
            }
        };
        let mut extensions = Extensions {
            timer: SessionTimer::new(Terms {
                wish,
                expires_s: settings.expires,
                min_s: settings.min,
            }),
            alarm: None,
            use_reliable: reliable,
            asked: invite.map_or(Asked::Nothing, asked),
            reliable: None,
            takes_updates: false,
            requires_reliable: reliable == ExtensionUse::Request,
            errands: Vec::new(),
        };
        if let Some(invite) = invite {
            extensions.note_allow(invite);
        }
        extensions
    }

    /// Refuses an INVITE that requires what its trunk does not use, or whose session is to be refreshed too often.
    pub(super) fn refuses_extensions(
        &mut self,
        server: ServerId,
        invite: &Message,
        trunk: Option<&str>,
    ) -> bool {
        let extensions = self.extensions_with(trunk, Some(invite));
        let off = [
            (RELIABLE_TAG, extensions.use_reliable == ExtensionUse::Off),
            (TIMER_TAG, !extensions.timer.is_supported()),
        ];
        let refused: Vec<&str> = off
            .into_iter()
            .filter(|(tag, off)| *off && invite.has_token(HeaderName::Require, tag))
            .map(|(tag, _)| tag)
            .collect();
        if !refused.is_empty() {
            let fault = Fault::Extension(refused.join(", "));
            self.respond_fault(server, invite, &fault);
            return true;
        }
        self.refuses_interval(server, invite, &extensions.timer)
    }
}
