//! A request that a person's phone made and that cannot be: a status, and for people a sentence.

use alloc::string::{String, ToString};

use sip::transaction::ServerId;
use sip::{HeaderName, Message};

use crate::command::Refusal;
use crate::engine::Engine;

/// Why a request does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declined {
    pub(super) status: u16,
    pub(super) why: String,
}

impl Declined {
    pub(super) fn new(status: u16, why: &str) -> Self {
        let why = why.into();
        Self { status, why }
    }
}

impl From<Refusal> for Declined {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::NotFound { .. } => 404,
            Refusal::Conflict(_) => 486,
            Refusal::Forbidden(_) | Refusal::Invalid { .. } => 403,
            Refusal::Unavailable(_) => 503,
        };
        let why = refusal.to_string();
        Self { status, why }
    }
}

impl Engine {
    /// Answers with the status, and says why in a Warning (RFC 3261 §20.43).
    pub(super) fn decline(&mut self, server: ServerId, message: &Message, declined: &Declined) {
        let Declined { status, why } = declined;
        let response = self.response(message, *status);
        // A quoted string has no quotes of its own.
        let why = why.replace('"', "'");
        let response =
            response.display(HeaderName::Warning, format_args!("399 lampfield \"{why}\""));
        self.respond(server, response);
    }
}
