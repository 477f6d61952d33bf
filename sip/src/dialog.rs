//! Dialogs: what two user agents must both remember between requests (RFC 3261 §12).
//!
//! A [`Dialog`] is made from an INVITE that we answer or from a response to an INVITE of ours,
//! early at first if that response was provisional. It owns tags, sequence numbers, route set and
//! remote target, and writes the start of every request inside it. It keeps no timers and sends
//! nothing; when it ends is known to the leg that owns it. Beside it stand small machines, each for
//! one thing that goes on within a dialog: [`Offers`] tells when two re-INVITEs meet, [`Forks`] keeps the early
//! dialogs of an INVITE of ours, [`Provisionals`] repeats what is to be acknowledged by PRACK, and
//! [`SessionTimer`] knows when a session is to be refreshed, and when it is over.

mod forks;
mod glare;
mod key;
mod provisionals;
mod session_timer;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::wire::MAX_CSEQ;
use crate::{Fault, HeaderName, Message, Method, NameAddr, RequestBuilder, Transport, Uri};

pub use forks::{Fork, Forks, Progress, Sent};
pub use glare::{Glare, Offers, retry_after_glare};
pub use key::DialogKey;
pub use provisionals::{
    NotAwaited, Output as ProvisionalOutput, Provisionals, TAG as RELIABLE_TAG,
};
pub use session_timer::{Due, MIN_SE_S, SessionTimer, TAG as TIMER_TAG, Terms, TooSmall, Wish};

/// One dialog, from our side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    facts: Snapshot,
    remote_target: Uri,
    next_hop: Uri,
    loose: bool,
}

/// All there is to know of a dialog, as plain texts and numbers: what the journal keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// Their tag; empty for a peer of RFC 2543 that gave none.
    pub remote_tag: String,
    /// Number of the last request we sent in it; 0 before the first.
    pub local_cseq: u32,
    /// Number of the last request we received in it; `None` before the first.
    pub remote_cseq: Option<u32>,
    /// The routes, nearest first, each a name-addr as it came.
    pub route_set: Vec<String>,
    /// The URI of their last Contact.
    pub remote_target: String,
    /// Our address, as our From has it, without the tag.
    pub local_uri: String,
    /// Their address, as our To has it, without the tag.
    pub remote_uri: String,
    /// Our Contact, a name-addr, put into requests that may refresh their target.
    pub contact: String,
    /// Whether the dialog was made by `sips` over TLS (RFC 3261 §12.1.1).
    pub secure: bool,
    /// Whether it has had its 2xx.
    pub confirmed: bool,
    /// Whether we made the Call-ID: who waits longer when two re-INVITEs meet (RFC 3261 §14.1).
    pub owns_call_id: bool,
}

impl Dialog {
    /// The dialog made by an INVITE that we answer (RFC 3261 §12.1.1), early until [`confirm`].
    ///
    /// `transport` is the one the request came by, `contact` the name-addr in our responses.
    ///
    /// # Errors
    ///
    /// If Contact is missing, or it, From, To or a Record-Route cannot be read: 400.
    ///
    /// [`confirm`]: Self::confirm
    pub fn uas(
        request: &Message,
        local_tag: &str,
        contact: &str,
        transport: Transport,
    ) -> Result<Self, Fault> {
        let remote_target = contact_of(request)?.ok_or(Fault::Missing("Contact"))?;
        let sips = request
            .request_uri()
            .is_some_and(|uri| is_sips(uri.as_str()));
        Self::from_facts(
            Snapshot {
                call_id: request.call_id().to_owned(),
                local_tag: local_tag.to_owned(),
                remote_tag: request.from_tag().unwrap_or_default().to_owned(),
                local_cseq: 0,
                remote_cseq: Some(request.cseq().number),
                route_set: record_route(request)?,
                remote_target: String::new(),
                local_uri: written(&request.to()?),
                remote_uri: written(&request.from()?),
                contact: contact.to_owned(),
                secure: sips && transport.is_secure(),
                confirmed: false,
                owns_call_id: false,
            },
            remote_target,
        )
    }

    /// The dialog made by a response to our INVITE (RFC 3261 §12.1.2): confirmed by a 2xx, early by
    /// a provisional response with a To-tag.
    ///
    /// `request_uri` is what the INVITE was sent to, `transport` what it was sent by, `contact` the
    /// name-addr it carried.
    ///
    /// # Errors
    ///
    /// If an address in the response cannot be read. A missing Contact is none: early responses of
    /// many gateways lack it, and then the dialog's target is the Request-URI.
    pub fn uac(
        response: &Message,
        request_uri: &Uri,
        contact: &str,
        transport: Transport,
    ) -> Result<Self, Fault> {
        let remote_target = contact_of(response)?.unwrap_or_else(|| request_uri.clone());
        let mut route_set = record_route(response)?;
        route_set.reverse();
        Self::from_facts(
            Snapshot {
                call_id: response.call_id().to_owned(),
                local_tag: response.from_tag().unwrap_or_default().to_owned(),
                remote_tag: response.to_tag().unwrap_or_default().to_owned(),
                local_cseq: response.cseq().number,
                remote_cseq: None,
                route_set,
                remote_target: String::new(),
                local_uri: written(&response.from()?),
                remote_uri: written(&response.to()?),
                contact: contact.to_owned(),
                secure: is_sips(request_uri.as_str()) && transport.is_secure(),
                confirmed: is_success(response),
                owns_call_id: true,
            },
            remote_target,
        )
    }

    /// The dialog that a snapshot was taken of.
    ///
    /// # Errors
    ///
    /// If one of its addresses is none.
    pub fn restore(snapshot: Snapshot) -> Result<Self, Fault> {
        let remote_target = uri(&snapshot.remote_target, "Contact")?;
        Self::from_facts(snapshot, remote_target)
    }

    fn from_facts(facts: Snapshot, remote_target: Uri) -> Result<Self, Fault> {
        let mut dialog = Self {
            facts,
            next_hop: remote_target.clone(),
            remote_target,
            loose: true,
        };
        dialog.route()?;
        dialog.facts.remote_target = dialog.remote_target.to_string();
        Ok(dialog)
    }

    /// Works out the next hop from the route set: its first entry, or the target without one.
    fn route(&mut self) -> Result<(), Fault> {
        (self.next_hop, self.loose) = match self.facts.route_set.first() {
            Some(first) => {
                let first = NameAddr::parse(first.as_bytes()).map_err(|why| Fault::Header {
                    name: "Record-Route",
                    why,
                })?;
                (first.uri().to_owned(), first.uri().is_loose())
            }
            None => (self.remote_target.clone(), true),
        };
        Ok(())
    }

    /// All facts of it, to be kept.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.facts.clone()
    }

    /// Its name.
    #[must_use]
    pub fn key(&self) -> DialogKey {
        let Snapshot {
            call_id,
            local_tag,
            remote_tag,
            ..
        } = &self.facts;
        DialogKey::new(call_id, local_tag, remote_tag)
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        &self.facts.call_id
    }

    /// Our tag.
    #[must_use]
    pub fn local_tag(&self) -> &str {
        &self.facts.local_tag
    }

    /// Their tag; empty for a peer of RFC 2543 that gave none.
    #[must_use]
    pub fn remote_tag(&self) -> &str {
        &self.facts.remote_tag
    }

    /// Number of the last request we sent in it; 0 before the first.
    #[must_use]
    pub const fn local_cseq(&self) -> u32 {
        self.facts.local_cseq
    }

    /// Whether it has had its 2xx.
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        self.facts.confirmed
    }

    /// Whether we made the Call-ID.
    #[must_use]
    pub const fn owns_call_id(&self) -> bool {
        self.facts.owns_call_id
    }

    /// Whether it may be carried on over secure transports only.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.facts.secure
    }

    /// The URI of their last Contact.
    #[must_use]
    pub const fn remote_target(&self) -> &Uri {
        &self.remote_target
    }

    /// The URI whose host and port requests go to (RFC 3261 §12.2.1.1, §8.1.2): the nearest route,
    /// or the remote target.
    #[must_use]
    pub const fn next_hop(&self) -> &Uri {
        &self.next_hop
    }

    /// We have sent the 2xx to their INVITE.
    pub const fn confirm(&mut self) {
        self.facts.confirmed = true;
    }

    /// Their 2xx to our INVITE has come: the route set is taken from it anew, the target too
    /// (RFC 3261 §13.2.2.4).
    ///
    /// # Errors
    ///
    /// If an address in it cannot be read; the dialog is as before then.
    pub fn confirm_by(&mut self, response: &Message) -> Result<(), Fault> {
        let mut route_set = record_route(response)?;
        route_set.reverse();
        let target = contact_of(response)?;
        let before = core::mem::replace(&mut self.facts.route_set, route_set);
        if let Err(fault) = self.route() {
            self.facts.route_set = before;
            return Err(fault);
        }
        self.facts.confirmed = true;
        self.retarget(target);
        Ok(())
    }

    /// Takes their new Contact, from a re-INVITE or UPDATE of theirs that we accept or a 2xx to one
    /// of ours (RFC 3261 §12.2). Without a Contact in it nothing changes.
    ///
    /// # Errors
    ///
    /// If Contact cannot be read.
    pub fn refresh_target(&mut self, message: &Message) -> Result<(), Fault> {
        let target = contact_of(message)?;
        self.retarget(target);
        Ok(())
    }

    fn retarget(&mut self, target: Option<Uri>) {
        let Some(target) = target else { return };
        self.facts.remote_target = target.to_string();
        if self.facts.route_set.is_empty() {
            self.next_hop = target.clone();
        }
        self.remote_target = target;
    }

    /// Checks the order of a request in this dialog and takes note of its number.
    ///
    /// An ACK has the number of its INVITE and a CANCEL too, so they pass.
    ///
    /// # Errors
    ///
    /// The status to refuse it with: 500 if an earlier request comes late (RFC 3261 §12.2.2).
    pub fn accepts(&mut self, request: &Message) -> Result<(), u16> {
        if matches!(request.method(), Method::Ack | Method::Cancel) {
            return Ok(());
        }
        let number = request.cseq().number;
        if self.facts.remote_cseq.is_some_and(|last| number < last) {
            return Err(500);
        }
        self.facts.remote_cseq = Some(number);
        Ok(())
    }

    /// Begins the next request in this dialog (RFC 3261 §12.2.1.1).
    pub fn request(&mut self, method: Method<'_>) -> RequestBuilder {
        self.facts.local_cseq = self.facts.local_cseq.saturating_add(1).min(MAX_CSEQ);
        let request = self.begin(method, self.facts.local_cseq);
        if refreshes_target(method) {
            request.header(HeaderName::Contact, &self.facts.contact)
        } else {
            request
        }
    }

    /// The Request-URI of requests within it.
    #[must_use]
    pub const fn request_uri(&self) -> &Uri {
        if self.loose {
            &self.remote_target
        } else {
            &self.next_hop
        }
    }

    /// Begins the ACK to the 2xx of our INVITE of that number (RFC 3261 §13.2.2.4).
    ///
    /// If the INVITE carried credentials, so must the ACK: the caller adds them.
    pub fn ack(&self, invite_cseq: u32) -> RequestBuilder {
        self.begin(Method::Ack, invite_cseq)
    }

    fn begin(&self, method: Method<'_>, cseq: u32) -> RequestBuilder {
        let facts = &self.facts;
        let from = format!("{};tag={}", facts.local_uri, facts.local_tag);
        let to = if facts.remote_tag.is_empty() {
            facts.remote_uri.clone()
        } else {
            format!("{};tag={}", facts.remote_uri, facts.remote_tag)
        };
        let target = if self.loose {
            &self.remote_target
        } else {
            &self.next_hop
        };
        let mut request = RequestBuilder::new(method, target.as_str())
            .max_forwards(70)
            .header(HeaderName::From, &from)
            .header(HeaderName::To, &to)
            .header(HeaderName::CallId, &facts.call_id)
            .cseq(cseq);
        // A strict router finds itself in the Request-URI and the target behind the other routes.
        let skipped = usize::from(!self.loose);
        for route in facts.route_set.iter().skip(skipped) {
            request = request.header(HeaderName::Route, route);
        }
        if !self.loose {
            let last = format!("<{}>", self.remote_target);
            request = request.header(HeaderName::Route, &last);
        }
        request
    }
}

/// Whether a request of that method carries a Contact (RFC 3261 §8.1.1.8, RFC 3311, RFC 3515, RFC 6665).
const fn refreshes_target(method: Method<'_>) -> bool {
    matches!(
        method,
        Method::Invite | Method::Update | Method::Refer | Method::Subscribe | Method::Notify
    )
}

fn is_success(response: &Message) -> bool {
    response.status().is_some_and(|status| status / 100 == 2)
}

fn is_sips(uri: &str) -> bool {
    let scheme = uri.split(':').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("sips")
}

fn uri(text: &str, header: &'static str) -> Result<Uri, Fault> {
    Uri::parse(text).map_err(|_| Fault::Header {
        name: header,
        why: "has a URI that cannot be read",
    })
}

/// The URI of the first Contact. `*` is none: it belongs into a REGISTER.
fn contact_of(message: &Message) -> Result<Option<Uri>, Fault> {
    let first = message.contacts().next().transpose()?;
    let address = first.and_then(|contact| contact.address());
    Ok(address.map(|address| address.uri().to_owned()))
}

/// The values of Record-Route, as they came and in that order.
fn record_route(message: &Message) -> Result<Vec<String>, Fault> {
    message
        .addresses(HeaderName::RecordRoute)
        .map(|address| address.map(|address| bracketed(&address)))
        .collect()
}

/// A route as it is put into Route: only the URI matters, its parameters included (RFC 3261 §20.30).
fn bracketed(address: &NameAddr<'_>) -> String {
    format!("<{}>", address.uri().as_str())
}

/// An address without its parameters, in brackets so that a tag can follow.
fn written(address: &NameAddr<'_>) -> String {
    let uri = address.uri();
    let display = String::from_utf8_lossy(address.display_raw());
    match display.trim() {
        "" => format!("<{}>", uri.as_str()),
        display => format!("{display} <{}>", uri.as_str()),
    }
}

#[cfg(test)]
mod tests;
