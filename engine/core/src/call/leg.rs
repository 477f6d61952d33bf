//! One leg: a dialog with its media.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use ::media::control::{LegKey, PortPair};
use ::media::sdp::{Negotiation, SdpOffer};
use sip::dialog::{Dialog, Offers};
use sip::transaction::{ClientId, ServerId};
use sip::{Flow, Message, Uri};

use super::early::Attempt;
use super::extensions::Extensions;
use super::held::Sound;
use super::inbound::Invite;
use super::who::names_source;
use crate::engine::Engine;
use crate::event::{Event, LegRole};
use crate::ids::{CallId, LegId};
use crate::output::Output;
use crate::timers::TimerId;

/// One leg of a call.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) call: CallId,
    pub(crate) role: LegRole,
    /// The number or extension at its far end.
    pub(crate) number: String,
    pub(crate) trunk: Option<String>,
    pub(crate) user: Option<String>,
    /// The phone it is, as agents sit at: an extension registered here or on the PBX.
    pub(crate) extension: Option<String>,
    pub(crate) flow: Flow,
    /// Whether the far end is to be reached where its packets come from, not where it says it is.
    pub(crate) nat: bool,
    pub(crate) state: LegState,
    pub(crate) media: LegMedia,
    /// Offers under way within the dialog.
    pub(crate) offers: Offers,
    /// Whether the far end holds us, as its description says.
    pub(crate) phone_holds: bool,
    /// Whether the other side is on hold all the same.
    pub(crate) on_hold: bool,
    /// What it hears of the other side.
    pub(crate) hears: Sound,
    /// The question whether the far end is still there, while it is open.
    pub(crate) asked: Option<ClientId>,
    /// What its far end and we do beyond RFC 3261.
    pub(crate) extensions: Extensions,
    /// When our INVITE left.
    pub(crate) invited_at: Option<Duration>,
    /// Whether anything came back to it.
    pub(crate) responded: bool,
    /// Deadlines that end with it.
    pub(crate) timers: Vec<TimerId>,
}

/// How far a leg's dialog is.
#[derive(Debug)]
pub(crate) enum LegState {
    /// They called; their INVITE has no final response yet.
    Incoming {
        /// Their INVITE's transaction.
        server: ServerId,
        /// Their INVITE.
        invite: Box<Message>,
        /// The dialog that our answer makes.
        dialog: Dialog,
    },
    /// About to be called.
    Placed,
    /// We call; our INVITE has no final response yet.
    Calling {
        /// Our INVITE's transaction.
        client: ClientId,
        /// Where it was sent.
        request_uri: Uri,
        /// Our Contact in it.
        contact: String,
        /// Whether anything but 100 came back.
        rang: bool,
        /// What is needed to send it again, and what its branches said.
        attempt: Box<Attempt>,
    },
    /// Answered.
    Up {
        /// The dialog.
        dialog: Dialog,
    },
}

/// A leg's media.
#[derive(Debug)]
pub(crate) struct LegMedia {
    pub(crate) key: LegKey,
    pub(crate) ports: Option<PortPair>,
    /// Whether the media thread has opened them.
    pub(crate) open: bool,
    pub(crate) negotiation: Negotiation,
    /// The offer in their INVITE; none when they wait for ours.
    pub(crate) offered: Option<SdpOffer>,
}

impl LegMedia {
    pub(crate) fn new(leg: LegId, session_id: u64) -> Self {
        Self {
            key: LegKey {
                leg: leg.0,
                generation: 1,
            },
            ports: None,
            open: false,
            negotiation: Negotiation::new(session_id),
            offered: None,
        }
    }
}

impl Leg {
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, LegState::Up { .. })
    }

    /// Their dialog, once there is one.
    pub(crate) fn dialog(&self) -> Option<&Dialog> {
        match &self.state {
            LegState::Incoming { dialog, .. } | LegState::Up { dialog } => Some(dialog),
            LegState::Placed | LegState::Calling { .. } => None,
        }
    }

    pub(crate) fn dialog_mut(&mut self) -> Option<&mut Dialog> {
        match &mut self.state {
            LegState::Incoming { dialog, .. } | LegState::Up { dialog } => Some(dialog),
            LegState::Placed | LegState::Calling { .. } => None,
        }
    }
}

/// Who is at the far end of a leg.
#[derive(Debug)]
pub(super) struct FarEnd {
    pub(super) number: String,
    pub(super) trunk: Option<String>,
    pub(super) user: Option<String>,
    pub(super) extension: Option<String>,
}

impl Engine {
    /// The leg of an INVITE that makes no call of its own but belongs to this one; none when there are no ports for it.
    pub(super) fn add_calling_leg(
        &mut self,
        call: CallId,
        invite: Invite,
        far_end: FarEnd,
        role: LegRole,
    ) -> Option<LegId> {
        let caller = self.calls.get(&call)?.caller;
        if !self.ensure_ports(caller) {
            return None;
        }
        let leg = LegId(self.ids.issue());
        let sip_call_id = String::from(invite.message.call_id());
        let mut media = LegMedia::new(leg, self.random_ids.next());
        let offers = Offers::of_invite(invite.offered.is_some());
        media.offered = invite.offered;
        let extensions = self.extensions_with(far_end.trunk.as_deref(), Some(&invite.message));
        self.index.servers.insert(invite.server, leg);
        self.index.dialogs.insert(invite.dialog.key(), leg);
        self.add_leg(Leg {
            id: leg,
            call,
            role,
            nat: far_end.trunk.is_none() && !names_source(&invite.message, &invite.flow),
            number: far_end.number,
            trunk: far_end.trunk,
            user: far_end.user,
            extension: far_end.extension,
            flow: invite.flow,
            state: LegState::Incoming {
                server: invite.server,
                invite: Box::new(invite.message),
                dialog: invite.dialog,
            },
            media,
            offers,
            phone_holds: false,
            on_hold: false,
            hears: Sound::default(),
            asked: None,
            extensions,
            invited_at: None,
            responded: false,
            timers: Vec::new(),
        });
        self.trace_leg(leg, &sip_call_id);
        if !self.ensure_ports(leg) {
            self.forget_leg(leg);
            return None;
        }
        Some(leg)
    }

    /// Files a leg where messages and agents find it.
    pub(crate) fn add_leg(&mut self, leg: Leg) {
        if let Some(trunk) = &leg.trunk {
            *self.index.trunk_legs.entry(trunk.clone()).or_default() += 1;
        }
        let seat = leg.extension.clone().filter(|_| leg.role != LegRole::Agent);
        if let Some(extension) = &seat {
            self.index
                .own
                .entry(extension.clone())
                .or_default()
                .insert(leg.id);
        }
        self.legs.insert(leg.id, Box::new(leg));
        if let Some(extension) = seat {
            self.own_calls_changed(&extension);
        }
    }

    /// How many calls of their own a phone has.
    pub(crate) fn own_calls_at(&self, extension: &str) -> u32 {
        self.index
            .own
            .get(extension)
            .map_or(0, |legs| u32::try_from(legs.len()).unwrap_or(u32::MAX))
    }

    pub(crate) fn own_calls_changed(&mut self, extension: &str) {
        if let Some(username) = self.seats.user_at(extension).map(String::from) {
            self.refresh_own_calls(&username);
        }
    }

    /// Says by which Call-ID the leg's messages are known.
    pub(crate) fn trace_leg(&mut self, leg: LegId, sip_call_id: &str) {
        let Some(call) = self.legs.get(&leg).map(|leg| leg.call) else {
            return;
        };
        self.output(Output::LegTraced {
            call,
            leg,
            sip_call_id: sip_call_id.into(),
        });
    }

    pub(crate) fn publish_leg(&mut self, leg: LegId) {
        let Some(leg) = self.legs.get(&leg) else {
            return;
        };
        let event = Event::LegStarted {
            call: leg.call,
            leg: leg.id,
            role: leg.role,
            number: leg.number.clone(),
            trunk: leg.trunk.clone(),
            user: leg.user.clone(),
        };
        self.publish(event);
    }
}
