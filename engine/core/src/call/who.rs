//! Who sends a request, and what it says of caller and called.
//!
//! Told apart in a fixed order: credentials, or a source that is a registered user's binding: digest; the longest
//! matching trunk source; a registered trunk's binding. Nobody else gets a call, and what they cost is one
//! stateless answer.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use config::{CalledNumber, Centre, Trunk, TrunkKind};
use sip::{Flow, HeaderName, Message};

use crate::engine::Engine;
use crate::event::Party;

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

    pub(crate) fn party_of_phone(&self, extension: &str, username: &str) -> Party {
        let user = self.snapshot.centre.users.get(username);
        let name = user
            .map(|user| user.name.to_string())
            .filter(|name| !name.is_empty());
        Party {
            number: extension.into(),
            name,
        }
    }

    /// The number that a Request-URI asks for; for an emergency service by its name, the first emergency number.
    pub(crate) fn dialled(&self, message: &Message) -> Option<String> {
        let uri = message.request_uri()?;
        let first = self.routes.emergency_number();
        first
            .filter(|_| uri.is_emergency_service())
            .map_or_else(|| uri.number(), |number| Some(number.into()))
    }

    pub(crate) fn called_number(&self, message: &Message, trunk: Option<&str>) -> String {
        let trunk = trunk.and_then(|name| self.snapshot.centre.trunks.get(name));
        let from = trunk.map_or(CalledNumber::RequestUri, |trunk| trunk.called_number);
        let number = match from {
            CalledNumber::RequestUri => None,
            CalledNumber::To => message.to().ok().and_then(|to| to.uri().number()),
            CalledNumber::PCalledPartyId => message
                .address(HeaderName::PCalledPartyId)
                .ok()
                .and_then(|party| party.uri().number()),
        };
        // A trunk that leaves its header out is still understood.
        number.or_else(|| self.dialled(message)).unwrap_or_default()
    }
}

/// The trunk that registers here with this digest user name.
pub(crate) fn trunk_of_login<'c>(centre: &'c Centre, username: &str) -> Option<&'c Trunk> {
    let registers = |trunk: &&Trunk| {
        trunk.kind == TrunkKind::Inbound && trunk.username.as_deref() == Some(username)
    };
    centre.trunks.values().map(|trunk| &**trunk).find(registers)
}

/// Who a trunk says is calling: P-Asserted-Identity before From (RFC 3325); nobody if they asked for privacy.
pub(crate) fn party_of(message: &Message) -> Party {
    let asserted = message
        .addresses(HeaderName::PAssertedIdentity)
        .find_map(Result::ok);
    let address = asserted.or_else(|| message.from().ok());
    let Some(address) = address else {
        return Party::default();
    };
    let number = address.uri().number().unwrap_or_default();
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
