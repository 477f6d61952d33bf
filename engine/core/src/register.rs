//! REGISTER, digest, and keeping phones behind NAT reachable.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use sip::auth::{Ha1Set, Verdict};
use sip::transaction::ServerId;
use sip::wire::ContactHeader;
use sip::{Flow, HeaderName, Message, Transmit};

use crate::call::who::{Identity, Sender, trunk_of_login, uri_names_source};
use crate::engine::{Engine, Timer};
use crate::event::Event;
use crate::journal::{BindingKey, Body};
use crate::output::{Offence, Output};
use crate::registrar::{
    ContactWish, Contacts, EXPIRES_MIN, KEEP_ALIVE_EVERY, Register, RegisterFault, registered,
};
use crate::routing::Routes;

/// What keeps a NAT's door open: two line ends, which every SIP stack ignores (RFC 5626 §3.5.1).
const KEEP_ALIVE: &[u8] = b"\r\n\r\n";

impl Engine {
    pub(crate) fn on_register(&mut self, server: ServerId, flow: Flow, message: Message) {
        let username = match self.digest(&flow, &message) {
            Ok(username) => username,
            Err((status, challenges)) => {
                // The answer is the same as for one that there is.
                if status == 401 && !self.is_login(&message) {
                    self.offended(&flow, Offence::UnknownUser);
                }
                return self.challenge(server, &message, status, challenges);
            }
        };
        let aor = message
            .to()
            .ok()
            .and_then(|to| to.uri().number())
            .unwrap_or_default();
        if aor != username {
            let response = self.response(&message, 403);
            return self.respond(server, response);
        }
        let contacts = match wishes(&message, &flow) {
            Ok(contacts) => contacts,
            Err(status) => {
                let response = self.response(&message, status);
                return self.respond(server, response);
            }
        };
        let request = Register {
            aor: aor.clone(),
            call_id: message.call_id().into(),
            cseq: message.cseq().number,
            flow,
            ua: message
                .header_str(HeaderName::UserAgent)
                .map(|ua| ua.chars().take(120).collect()),
            contacts,
        };
        match self.registrar.register(self.now, &request) {
            Ok(done) => {
                for key in &done.gone {
                    self.binding_gone(key);
                }
                for record in done.kept {
                    self.journal(Body::Binding(record.clone()));
                    self.publish(registered(&record));
                }
                self.phone_changed(&aor);
                self.respond_registered(server, &message, &aor);
            }
            Err(fault) => self.refuse_registration(server, &message, fault),
        }
    }

    /// Whether a REGISTER is for an extension, or a trunk, that registers here.
    fn is_login(&self, message: &Message) -> bool {
        let aor = message.to().ok().and_then(|to| to.uri().number());
        let (centre, routes) = (&self.snapshot.centre, &self.routes);
        aor.is_some_and(|aor| ha1_of(centre, routes, &aor).is_some())
    }

    /// Tells whoever keeps watch over strangers.
    pub(crate) fn offended(&mut self, flow: &Flow, offence: Offence) {
        self.output(Output::Offended {
            source: flow.remote,
            offence,
        });
    }

    fn respond_registered(&mut self, server: ServerId, message: &Message, aor: &str) {
        let mut response = self.response(message, 200);
        for binding in self.registrar.of(aor) {
            let left_us = binding
                .record
                .expires_us
                .saturating_sub(self.now.utc_us)
                .max(0);
            // A second that has begun counts: a phone that refreshes at half of it is never late.
            let left = (left_us + 999_999) / 1_000_000;
            let value = alloc::format!("<{}>;expires={left}", binding.record.key.contact);
            response = response.header(HeaderName::Contact, value);
        }
        self.respond(server, response);
    }

    fn refuse_registration(&mut self, server: ServerId, message: &Message, fault: RegisterFault) {
        let status = match fault {
            RegisterFault::TooBrief => 423,
            RegisterFault::OutOfOrder => 500,
            RegisterFault::TooMany => 403,
        };
        let mut response = self.response(message, status);
        if fault == RegisterFault::TooBrief {
            response = response.display(HeaderName::MinExpires, EXPIRES_MIN);
        }
        self.respond(server, response);
    }

    /// A binding is no more: readers, journal and the agent at that phone are told.
    pub(crate) fn binding_gone(&mut self, key: &BindingKey) {
        self.journal(Body::BindingGone(key.clone()));
        self.publish(Event::PhoneUnregistered {
            extension: key.aor.clone(),
            contact: key.contact.clone(),
        });
        self.phone_changed(&key.aor);
    }

    /// Who sends a request by its credentials; what to answer when they do not do.
    fn digest(&mut self, flow: &Flow, message: &Message) -> Result<String, (u16, Vec<String>)> {
        let source = flow.remote.ip();
        let (centre, routes) = (&self.snapshot.centre, &self.routes);
        let lookup = |username: &str| ha1_of(centre, routes, username);
        match self.auth.verify(self.now.mono, source, message, lookup) {
            Verdict::Accepted { username } => Ok(username),
            Verdict::Challenge { stale } => {
                Err((401, self.auth.challenge(self.now.mono, source, stale)))
            }
            Verdict::Forbidden { .. } => {
                self.offended(flow, Offence::WrongCredentials);
                Err((403, Vec::new()))
            }
        }
    }

    /// Who sends an INVITE by its credentials.
    pub(crate) fn verify(&mut self, flow: &Flow, message: &Message) -> Identity {
        let login = match self.digest(flow, message) {
            Ok(login) => login,
            Err((status, challenges)) => return Identity::Answer { status, challenges },
        };
        if let Some(trunk) = self.trunk_of_login(&login) {
            return Identity::Known(Sender::Trunk(trunk));
        }
        let user = self.user_by_extension(&login);
        user.map_or(Identity::Stranger, |user| {
            Identity::Known(Sender::Phone {
                extension: login.clone(),
                username: user.username.to_string(),
            })
        })
    }

    /// Sends what keeps phones behind NAT reachable.
    pub(crate) fn keep_alive(&mut self) {
        for flow in self.registrar.flows_behind_nat() {
            let payload = bytes::Bytes::from_static(KEEP_ALIVE);
            self.output(Output::Transmit(Transmit { flow, payload }));
        }
        self.timers
            .set(self.now.mono + KEEP_ALIVE_EVERY, Timer::KeepAlive);
    }
}

/// The digest secrets of an extension, or of a trunk that registers here.
fn ha1_of(centre: &config::Centre, routes: &Routes, username: &str) -> Option<Ha1Set> {
    let of_user = routes
        .user_of_extension(username)
        .and_then(|name| centre.users.get(name));
    let of_user = of_user.filter(|user| user.enabled);
    let of_user = of_user.and_then(|user| user.sip_password.as_ref());
    let of_trunk = || trunk_of_login(centre, username).and_then(|trunk| trunk.password.as_ref());
    of_user.or_else(of_trunk)?.expose().parse().ok()
}

/// What the Contacts of a REGISTER ask for; the status to refuse it with when they make no sense.
fn wishes(message: &Message, flow: &Flow) -> Result<Contacts, u16> {
    let expires = message.expires();
    let mut wishes = Vec::new();
    let mut star = false;
    for contact in message.contacts() {
        match contact.map_err(|_| 400u16)? {
            ContactHeader::Star => star = true,
            ContactHeader::Address(address) => wishes.push(ContactWish {
                uri: address.uri().as_str().into(),
                names_source: uri_names_source(&address.uri(), flow),
                expires: address.expires().or(expires),
            }),
        }
    }
    match (star, wishes.is_empty()) {
        // `*` stands alone, and only to un-register (RFC 3261 §10.2.2).
        (true, true) if expires == Some(0) => Ok(Contacts::RemoveAll),
        (true, _) => Err(400),
        (false, true) => Ok(Contacts::Query),
        (false, false) => Ok(Contacts::Set(wishes)),
    }
}
