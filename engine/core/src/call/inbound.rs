//! A request from outside any dialog: who sends it, and for an INVITE the call it becomes.
//!
//! Who is calling is told apart in a fixed order: credentials, or a source that is a registered user's binding:
//! digest; the longest matching trunk source; a registered trunk's binding. Nobody else gets a call, and
//! what they cost is one stateless answer.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ::media::sdp::{self, Direction as MediaDirection, LocalMedia, SdpOffer};
use config::{CalledNumber, Centre, Trunk, TrunkKind};
use sip::dialog::{Dialog, Offers};
use sip::transaction::ServerId;
use sip::wire::{Rules, Scheme, validate};
use sip::{Flow, HeaderName, Message, Method, ResponseBuilder};

use super::{Call, Leg, LegState, Plan, Stage};
use crate::call::leg::LegMedia;
use crate::engine::Engine;
use crate::event::{Direction, EndResult, Event, LegRole, Party};
use crate::ids::{CallId, LegId};
use crate::input::Pressure;

/// The methods we serve, as Allow says.
const METHODS: &[Method<'static>] = &[
    Method::Invite,
    Method::Ack,
    Method::Bye,
    Method::Cancel,
    Method::Options,
    Method::Register,
];
pub(crate) const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER";
/// How soon a caller refused for want of room may try again, in seconds.
const RETRY_AFTER: &str = "5";

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sender {
    /// A user's phone.
    Phone { extension: String, username: String },
    /// A trunk.
    Trunk(String),
}

/// What is known of who sends a request.
pub(crate) enum Identity {
    Known(Sender),
    /// A challenge, or a plain refusal, is the answer.
    Answer {
        status: u16,
        challenges: Vec<String>,
    },
    Stranger,
}

impl Engine {
    /// A message from the network: the transaction layer sorts it out.
    pub(crate) fn receive(&mut self, flow: Flow, message: Message) {
        self.layer.receive(self.now.mono, flow, message);
    }

    /// A new request.
    pub(crate) fn on_request(&mut self, server: ServerId, flow: Flow, message: Message) {
        let rules = Rules {
            methods: METHODS,
            forwarded: &[Method::Invite],
            extensions: &[],
            schemes: &[Scheme::Sip, Scheme::Sips, Scheme::Tel],
            body_types: &[sdp::CONTENT_TYPE],
            is_loop: None,
        };
        if let Err(fault) = validate(&message, &rules) {
            self.respond_fault(server, &message, &fault);
            return;
        }
        if message.to_tag().is_some() {
            self.on_request_in_dialog(server, flow, message);
            return;
        }
        match message.method() {
            Method::Invite => self.on_invite(server, flow, message),
            Method::Register => self.on_register(server, flow, message),
            Method::Options => {
                let response = self.response(&message, 200);
                let response = response.header(HeaderName::Accept, sdp::CONTENT_TYPE);
                self.respond(server, response);
            }
            Method::Ack
            | Method::Cancel
            | Method::Bye
            | Method::Info
            | Method::Prack
            | Method::Update
            | Method::Refer
            | Method::Notify
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other(_) => {
                let response = self.response(&message, 481);
                self.respond(server, response);
            }
        }
    }

    fn respond_fault(&mut self, server: ServerId, message: &Message, fault: &sip::Fault) {
        let status = fault.sip_status().unwrap_or(400);
        let mut response = self.response(message, status);
        if let sip::Fault::Extension(unsupported) = fault {
            response = response.header(HeaderName::Unsupported, unsupported.as_str());
        }
        if status == 415 {
            response = response.header(HeaderName::Accept, sdp::CONTENT_TYPE);
        }
        if status == 400 {
            response = response.display(
                HeaderName::Warning,
                format_args!("399 lampfield \"{fault}\""),
            );
        }
        self.respond(server, response);
    }

    /// Begins a response of ours outside a dialog.
    pub(crate) fn response(&mut self, request: &Message, status: u16) -> ResponseBuilder {
        let response = ResponseBuilder::new(request, status);
        let response = match request.to_tag() {
            None if status != 100 => response.to_tag(&self.secrets.token()),
            _ => response,
        };
        if status == 405 || status == 501 || request.method() == Method::Options {
            return response.header(HeaderName::Allow, ALLOW);
        }
        response
    }

    pub(crate) fn respond(&mut self, server: ServerId, response: ResponseBuilder) {
        // A request that has its final response already needs no other.
        let _ = self.layer.respond(self.now.mono, server, response);
    }

    fn on_invite(&mut self, server: ServerId, flow: Flow, message: Message) {
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
                self.challenge(server, &message, status, challenges)
            }
            Identity::Stranger => {
                self.figures.unknown += 1;
                self.refuse(server, &message, 403);
            }
        }
    }

    /// Answers without keeping anything.
    fn refuse(&mut self, server: ServerId, message: &Message, status: u16) {
        let tag = self.layer.stateless_tag(message);
        let mut response = ResponseBuilder::new(message, status).to_tag(&tag);
        if status == 503 {
            response = response.header(HeaderName::RetryAfter, RETRY_AFTER);
        }
        let _ = self.layer.refuse(server, response);
    }

    pub(crate) fn challenge(
        &mut self,
        server: ServerId,
        message: &Message,
        status: u16,
        challenges: Vec<String>,
    ) {
        let tag = self.layer.stateless_tag(message);
        let mut response = ResponseBuilder::new(message, status).to_tag(&tag);
        for challenge in &challenges {
            response = response.header(HeaderName::WwwAuthenticate, challenge);
        }
        let _ = self.layer.refuse(server, response);
    }

    fn dials_emergency(&self, message: &Message) -> bool {
        let Some(dialled) = message.request_uri().and_then(|uri| uri.user_decoded()) else {
            return false;
        };
        self.routes.is_emergency(&dialled)
    }

    pub(crate) fn identify(&mut self, flow: &Flow, message: &Message) -> Identity {
        let has_credentials = message.header(HeaderName::Authorization).is_some()
            || message.header(HeaderName::ProxyAuthorization).is_some();
        let at_source = self.registrar.aor_at(flow.remote, flow.transport);
        let users_phone = at_source.is_some_and(|aor| self.user_by_extension(aor).is_some());
        if has_credentials || users_phone {
            return self.verify(flow, message);
        }
        if let Some(trunk) = self.routes.trunk_of_source(flow.remote) {
            return Identity::Known(Sender::Trunk(trunk.to_owned()));
        }
        let trunk = at_source.and_then(|aor| self.trunk_of_login(aor));
        if let Some(trunk) = trunk {
            return Identity::Known(Sender::Trunk(trunk));
        }
        // A phone that registered calls from another port: over a new connection, or behind a NAT that moved it.
        if self.registrar.knows_address(flow.remote.ip()) {
            return self.verify(flow, message);
        }
        Identity::Stranger
    }

    /// The name of the trunk that registers with this digest user name.
    pub(crate) fn trunk_of_login(&self, username: &str) -> Option<String> {
        trunk_of_login(&self.snapshot.centre, username).map(|trunk| String::from(&*trunk.name))
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
            let response = self
                .response(&message, 488)
                .header(HeaderName::Warning, warning);
            self.respond(server, response);
            return;
        }
        let tag = self.secrets.token();
        let contact = self.contact_on(&flow);
        match Dialog::uas(
            &message,
            &tag,
            &alloc::format!("<{contact}>"),
            flow.transport,
        ) {
            Ok(dialog) => self.start_call(server, flow, message, sender, offered, dialog),
            Err(fault) => self.respond_fault(server, &message, &fault),
        }
    }

    fn trunk_is_full(&self, name: &str) -> bool {
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

    fn start_call(
        &mut self,
        server: ServerId,
        flow: Flow,
        message: Message,
        sender: Sender,
        offered: Option<SdpOffer>,
        dialog: Dialog,
    ) {
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
            Sender::Phone { .. } => self.plan_from_phone(&called),
        };
        let party = match &sender {
            Sender::Trunk(_) => party_of(&message),
            Sender::Phone {
                extension,
                username,
            } => self.party_of_phone(extension, username),
        };
        let direction = direction_of(&sender, &route);
        let nat = trunk.is_none() && !names_source(&message, &flow);
        let mut media = LegMedia::new(leg, self.random_ids.next());
        media.offered = offered;
        self.index.servers.insert(server, leg);
        self.index.dialogs.insert(dialog.key(), leg);
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
                invite: alloc::boxed::Box::new(message),
                dialog,
            },
            media,
            offers: Offers::default(),
            holds: false,
            timers: Vec::new(),
        });
        self.calls.insert(
            id,
            Call {
                id,
                caller: leg,
                party: party.clone(),
                called: called.clone(),
                tier: tier(route.tier),
                priority: route.priority,
                stage: Stage::Routing,
                arrival: None,
                queue: None,
                ring: None,
                diversions: 0,
                fallback: None,
                max_forwards,
            },
        );
        self.publish(Event::CallStarted {
            call: id,
            direction,
            caller: party,
            called,
            trunk,
            user: username,
        });
        self.publish_leg(leg);
        match route.to {
            Some(destination) => self.go_to(id, &destination),
            None => self.fail_call(id, route.refusal, EndResult::Failed),
        }
    }

    fn party_of_phone(&self, extension: &str, username: &str) -> Party {
        let user = self.snapshot.centre.users.get(username);
        let name = user
            .map(|user| user.name.to_string())
            .filter(|name| !name.is_empty());
        Party {
            number: extension.into(),
            name,
        }
    }

    fn called_number(&self, message: &Message, trunk: Option<&str>) -> String {
        let trunk = trunk.and_then(|name| self.snapshot.centre.trunks.get(name));
        let from = trunk.map_or(CalledNumber::RequestUri, |trunk| trunk.called_number);
        let number = match from {
            CalledNumber::RequestUri => None,
            CalledNumber::To => message.to().ok().and_then(|to| number_of(&to.uri())),
            CalledNumber::PCalledPartyId => message
                .address(HeaderName::PCalledPartyId)
                .ok()
                .and_then(|party| number_of(&party.uri())),
        };
        // A trunk that leaves its header out is still understood.
        let dialled = || message.request_uri().and_then(|uri| number_of(&uri));
        number.or_else(dialled).unwrap_or_default()
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
        self.legs.insert(leg.id, leg);
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

/// The trunk that registers here with this digest user name.
pub(crate) fn trunk_of_login<'c>(centre: &'c Centre, username: &str) -> Option<&'c Trunk> {
    let registers = |trunk: &&Trunk| {
        trunk.kind == TrunkKind::Inbound && trunk.username.as_deref() == Some(username)
    };
    centre.trunks.values().map(|trunk| &**trunk).find(registers)
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

/// The number a URI names: its user part, decoded; of a `tel:` URI the number itself without its separators.
pub(crate) fn number_of(uri: &sip::UriRef<'_>) -> Option<String> {
    let user = uri.user_decoded()?;
    // Parameters of a number within a SIP URI (`+31...;phone-context=...`) are no part of it.
    let number = user.split(';').next().unwrap_or_default();
    let is_tel = uri.scheme() == Scheme::Tel;
    let separator = |c: char| is_tel && matches!(c, '-' | '.' | '(' | ')');
    Some(number.chars().filter(|c| !separator(*c)).collect())
}

/// Who a trunk says is calling: P-Asserted-Identity before From (RFC 3325); nobody if they asked for privacy.
fn party_of(message: &Message) -> Party {
    let asserted = message
        .addresses(HeaderName::PAssertedIdentity)
        .find_map(Result::ok);
    let address = asserted.or_else(|| message.from().ok());
    let Some(address) = address else {
        return Party::default();
    };
    let number = number_of(&address.uri()).unwrap_or_default();
    let name = address.display_name().into_owned();
    let withheld = message.asks_privacy() || number.eq_ignore_ascii_case("anonymous");
    if withheld {
        return Party::default();
    }
    Party {
        number,
        name: Some(name).filter(|name| !name.is_empty()),
    }
}

/// Whether the Contact names the address the request came from.
pub(crate) fn names_source(message: &Message, flow: &Flow) -> bool {
    let contact = message
        .contacts()
        .find_map(Result::ok)
        .and_then(|contact| contact.address());
    contact.is_some_and(|contact| uri_names_source(&contact.uri(), flow))
}

pub(crate) fn uri_names_source(uri: &sip::UriRef<'_>, flow: &Flow) -> bool {
    let ip = uri.host().and_then(|host| host.ip());
    let port = uri.port().unwrap_or_else(|| flow.transport.default_port());
    let same_port = flow.transport.is_reliable() || port == flow.remote.port();
    ip == Some(flow.remote.ip()) && same_port
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

/// Whether the far end lets us send to it.
pub(crate) fn is_held(direction: MediaDirection) -> bool {
    !direction.sends()
}
