//! A call comes in: one INVITE from somebody we know.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use ::media::sdp::{self, LocalMedia, SdpOffer};
use sip::dialog::{Dialog, Offers};
use sip::transaction::ServerId;
use sip::{Flow, HeaderName, Message};

use super::held::Sound;
use super::who::{Identity, Sender, names_source, party_of};
use super::{Call, Leg, LegState, Plan, Stage};
use crate::call::leg::LegMedia;
use crate::dialling::{self, Barred};
use crate::engine::Engine;
use crate::event::{Direction, EndResult, Event, LegRole};
use crate::ids::{CallId, LegId};
use crate::input::Pressure;
use crate::output::Offence;

/// An INVITE of somebody we know, and what it offers.
#[derive(Debug)]
pub(super) struct Invite {
    pub(super) server: ServerId,
    pub(super) flow: Flow,
    pub(super) message: Message,
    /// None: they wait for our offer.
    pub(super) offered: Option<SdpOffer>,
    /// The dialog that our answer makes.
    pub(super) dialog: Dialog,
}

impl Engine {
    pub(crate) fn on_invite(&mut self, server: ServerId, flow: Flow, message: Message) {
        let emergency = self.dials_emergency(&message);
        let full = self.pressure == Pressure::Shedding || self.draining;
        if full && !emergency {
            self.figures.shed += 1;
            self.refuse(server, &message, 503);
            return;
        }
        match self.identify(&flow, &message) {
            Identity::Known(sender) => self.on_invite_from(server, flow, message, sender),
            Identity::Answer { status, challenges } => {
                let phone = self.phone_at(&flow, &message).filter(|_| emergency);
                match phone {
                    Some(phone) => self.on_invite_from(server, flow, message, phone),
                    None => self.challenge(server, &message, status, challenges),
                }
            }
            Identity::Stranger => {
                self.figures.unknown += 1;
                self.offended(&flow, Offence::RefusedCall);
                self.refuse(server, &message, 403);
            }
        }
    }

    fn on_invite_from(&mut self, server: ServerId, flow: Flow, message: Message, sender: Sender) {
        let offered = match read_offer(&message) {
            Ok(offered) => offered,
            Err(status) => {
                let response = self.response(&message, status);
                self.respond(server, response);
                return;
            }
        };
        if let Sender::Trunk(trunk) = &sender
            && self.trunk_is_full(trunk)
        {
            let trunk = trunk.clone();
            self.count_refused_in(&trunk, 503);
            self.refuse(server, &message, 503);
            return;
        }
        let trunk = match &sender {
            Sender::Trunk(trunk) => Some(trunk.clone()),
            Sender::Phone { .. } => None,
        };
        if let Some(warning) = offered
            .as_ref()
            .and_then(|offer| self.not_acceptable(offer, trunk.as_deref()))
        {
            if let Some(trunk) = &trunk {
                self.count_refused_in(trunk, 488);
            }
            let response = self
                .response(&message, 488)
                .header(HeaderName::Warning, warning);
            self.respond(server, response);
            return;
        }
        if self.refuses_extensions(server, &message, trunk.as_deref()) {
            return;
        }
        let tag = self.secrets.token();
        let sips = message.request_uri().is_some_and(super::target::is_sips);
        let contact = self.contact_on(&flow, sips && flow.transport.is_secure());
        let dialog = match Dialog::uas(
            &message,
            &tag,
            &alloc::format!("<{contact}>"),
            flow.transport,
        ) {
            Ok(dialog) => dialog,
            Err(fault) => return self.respond_fault(server, &message, &fault),
        };
        let invite = Invite {
            server,
            flow,
            message,
            offered,
            dialog,
        };
        if invite.message.header(HeaderName::Replaces).is_some() {
            return self.on_replacing(invite, &sender);
        }
        match sender {
            Sender::Phone {
                extension,
                username,
            } if self.dials_a_code(&invite) => self.on_code(invite, extension, username),
            Sender::Phone { .. } | Sender::Trunk(_) => match self.barred(&invite, &sender) {
                Some(why) => {
                    let response = self.response(&invite.message, 403);
                    let response = response.header(HeaderName::Reason, dialling::reason(why));
                    self.respond(invite.server, response);
                }
                None => self.start_call(invite, sender),
            },
        }
    }

    /// Why the user whose phone dials an outside number may not call it.
    fn barred(&mut self, invite: &Invite, sender: &Sender) -> Option<Barred> {
        let Sender::Phone {
            extension,
            username,
        } = sender
        else {
            return None;
        };
        let called = self.called_number(&invite.message, None);
        let to = self.plan_from_extension(extension, &called).to;
        let Some(config::Destination::External(number)) = to else {
            return None;
        };
        self.dials_outside(username, &number).err()
    }

    /// Whether a trunk carries as many calls as it may, those that came in and those that left together.
    pub(crate) fn trunk_is_full(&self, name: &str) -> bool {
        let Some(trunk) = self.snapshot.centre.trunks.get(name) else {
            return false;
        };
        let max = usize::try_from(trunk.max_calls).unwrap_or(usize::MAX);
        max > 0 && self.index.trunk_legs.get(name).copied().unwrap_or(0) >= max
    }

    /// The Warning of a 488 when no codec of the offer will do.
    fn not_acceptable(&self, offer: &SdpOffer, trunk: Option<&str>) -> Option<String> {
        let media = &self.snapshot.settings.media;
        let rtp = core::net::SocketAddr::new(media.address, media.ports.first);
        let our = LocalMedia {
            codecs: self.codecs_of(trunk),
            ..LocalMedia::new(rtp)
        };
        let fault = sdp::Negotiation::new(0).answer(offer, &our).err()?;
        Some(alloc::format!(
            "{} {} \"{fault}\"",
            fault.warning_code(),
            self.snapshot.settings.sip.domain
        ))
    }

    fn start_call(&mut self, invite: Invite, sender: Sender) {
        let Invite {
            server,
            flow,
            message,
            offered,
            dialog,
        } = invite;
        let (id, leg) = (CallId(self.ids.issue()), LegId(self.ids.issue()));
        let (trunk, extension, username) = match &sender {
            Sender::Trunk(trunk) => (Some(trunk.clone()), None, None),
            Sender::Phone {
                extension,
                username,
            } => (None, Some(extension.clone()), Some(username.clone())),
        };
        let called = self.called_number(&message, trunk.as_deref());
        let route = match &sender {
            Sender::Trunk(_) => self.plan_from_trunk(&called),
            Sender::Phone { extension, .. } => self.plan_from_extension(extension, &called),
        };
        let party = match &sender {
            Sender::Trunk(_) => party_of(&message),
            Sender::Phone {
                extension,
                username,
            } => self.party_of_phone(extension, username),
        };
        if let Some(trunk) = &trunk {
            self.count_call_in(trunk);
        }
        let direction = direction_of(&sender, &route);
        let standing = self.standing(&party.number);
        let vip = standing.vip;
        let (tier, priority) = self.rank_of_caller(standing, &route);
        let nat = trunk.is_none() && !names_source(&message, &flow);
        let mut media = LegMedia::new(leg, self.random_ids.next());
        let offers = Offers::of_invite(offered.is_some());
        media.offered = offered;
        let extensions = self.extensions_with(trunk.as_deref(), Some(&message));
        self.index.servers.insert(server, leg);
        self.index.dialogs.insert(dialog.key(), leg);
        let sip_call_id = String::from(message.call_id());
        let max_forwards = message.max_forwards().unwrap_or(70);
        self.add_leg(Leg {
            id: leg,
            call: id,
            role: LegRole::Caller,
            number: party.number.clone(),
            trunk: trunk.clone(),
            user: username.clone(),
            extension,
            flow,
            nat,
            state: LegState::Incoming {
                server,
                invite: Box::new(message),
                dialog,
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
        self.add_call(Call {
            id,
            caller: leg,
            party: party.clone(),
            called: called.clone(),
            tier,
            priority,
            stage: Stage::Routing,
            arrival: None,
            queue: None,
            rings: Vec::new(),
            diversions: 0,
            been_in: Vec::new(),
            service_acted: false,
            fallback: None,
            max_forwards,
            emergency: None,
            announcement: None,
            sent: None,
            had: Vec::new(),
        });
        self.publish(Event::CallStarted {
            call: id,
            direction,
            caller: party,
            called,
            trunk,
            user: username,
            vip,
        });
        self.publish_leg(leg);
        match route.to {
            Some(destination) => self.go_to(id, &destination),
            None => self.fail_call(id, route.refusal, EndResult::Failed),
        }
    }
}

/// The offer of an INVITE; none when it has no body. The status to refuse it with when it cannot be read.
fn read_offer(message: &Message) -> Result<Option<SdpOffer>, u16> {
    let body = message.body();
    if body.is_empty() {
        return Ok(None);
    }
    let offer = SdpOffer::parse(&body).map_err(sdp::SdpFault::sip_status)?;
    Ok(Some(offer))
}

fn direction_of(sender: &Sender, route: &Plan) -> Direction {
    match (sender, &route.to) {
        (Sender::Trunk(_), _) => Direction::Inbound,
        (Sender::Phone { .. }, Some(config::Destination::External(_))) => Direction::Outbound,
        (Sender::Phone { .. }, _) => Direction::Internal,
    }
}

pub(crate) fn tier(tier: config::Tier) -> acd::Tier {
    match tier {
        config::Tier::Urgent => acd::Tier::Urgent,
        config::Tier::Normal => acd::Tier::Normal,
        config::Tier::Low => acd::Tier::Low,
    }
}
