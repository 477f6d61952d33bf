//! Registrations: asked for, proven, renewed at half their time, and taken back (RFC 3261 §10).

use std::net::SocketAddr;
use std::time::Duration;

use sip::auth::{Challenge, Credentials};
use sip::{HeaderName, Message, Method, RequestBuilder};

use super::{Event, Sent, UserAgent};

/// How soon after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Names an account of one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AccountId(u32);

/// One phone's registration.
pub(super) struct Account {
    server: SocketAddr,
    domain: String,
    credentials: Credentials,
    /// What is asked for, in seconds; 0 takes it back.
    expires_s: u32,
    call_id: String,
    tag: String,
    cseq: u32,
    /// Whether the request under way proves who we are: then a challenge means that it does not.
    proven: bool,
    /// When it is to be sent again.
    pub(super) due: Option<Duration>,
}

impl UserAgent {
    /// Registers a phone and keeps it registered.
    ///
    /// The digest user name is the user part of its address. `expires` is asked for, in whole seconds from 1.
    pub fn register(
        &mut self,
        now: Duration,
        server: SocketAddr,
        domain: &str,
        credentials: Credentials,
        expires: Duration,
    ) {
        let id = AccountId(u32::try_from(self.accounts.len()).unwrap_or(u32::MAX));
        let account = Account {
            server,
            domain: domain.into(),
            credentials,
            expires_s: u32::try_from(expires.as_secs()).unwrap_or(u32::MAX).max(1),
            call_id: self.word(),
            tag: self.word(),
            cseq: 0,
            proven: false,
            due: None,
        };
        self.accounts.insert(id, account);
        self.send_register(now, id, None);
        self.settle(now);
    }

    /// Takes all registrations back.
    pub fn unregister_all(&mut self, now: Duration) {
        let ids: Vec<AccountId> = self.accounts.keys().copied().collect();
        for id in ids {
            if let Some(account) = self.accounts.get_mut(&id) {
                account.expires_s = 0;
            }
            self.send_register(now, id, None);
        }
        self.settle(now);
    }

    pub(super) fn renew_registrations(&mut self, now: Duration) {
        let is_due = |account: &Account| account.due.is_some_and(|due| due <= now);
        let due: Vec<AccountId> = self
            .accounts
            .iter()
            .filter(|(_, account)| is_due(account))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.send_register(now, id, None);
        }
    }

    fn send_register(&mut self, now: Duration, id: AccountId, challenge: Option<&Message>) {
        let cnonce = self.word();
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        account.due = None;
        account.cseq += 1;
        account.proven = challenge.is_some();
        let user = &account.credentials.username;
        let uri = format!("sip:{}", account.domain);
        let address = format!("sip:{user}@{}", account.domain);
        let contact = format!("sip:{user}@{}", self.local);
        let mut request = RequestBuilder::new(Method::Register, &uri)
            .max_forwards(70)
            .from("", &address, &account.tag)
            .to("", &address, None)
            .call_id(&account.call_id)
            .cseq(account.cseq)
            .contact(&contact)
            .display(HeaderName::Expires, account.expires_s);
        let answer = challenge.and_then(|response| {
            answer_to(response, &account.credentials, "REGISTER", &uri, &cnonce)
        });
        if let Some((name, value)) = answer {
            request = request.header(name, value);
        }
        let server = account.server;
        self.send(now, server, request, Sent::Register(id));
    }

    pub(super) fn on_register_response(
        &mut self,
        now: Duration,
        id: AccountId,
        response: &Message,
    ) {
        let status = response.status().unwrap_or_default();
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        match status {
            100..200 => {}
            200..300 if account.expires_s == 0 => {
                self.accounts.remove(&id);
            }
            200..300 => {
                let granted = granted_s(response).unwrap_or(account.expires_s);
                account.due = Some(now + Duration::from_millis(500 * u64::from(granted.max(1))));
                let user = account.credentials.username.clone();
                self.tell(Event::Registered { user });
            }
            401 | 407 if may_prove(account.proven, response) => {
                self.send_register(now, id, Some(response));
            }
            423 => {
                account.expires_s = response.min_expires().unwrap_or(3600);
                self.send_register(now, id, None);
            }
            _ => self.on_not_registered(now, id, status),
        }
    }

    pub(super) fn on_not_registered(&mut self, now: Duration, id: AccountId, status: u16) {
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        let user = account.credentials.username.clone();
        if account.expires_s == 0 {
            self.accounts.remove(&id);
        } else {
            account.due = Some(now + AGAIN);
        }
        self.tell(Event::NotRegistered { user, status });
    }
}

/// Whether answering this challenge can help: the first one, or one to a nonce that was too old.
pub(super) fn may_prove(proven: bool, response: &Message) -> bool {
    !proven || challenge_of(response).is_some_and(|(_, challenge)| challenge.is_stale())
}

/// The header that answers a challenge, if it can be answered.
pub(super) fn answer_to(
    response: &Message,
    credentials: &Credentials,
    method: &str,
    uri: &str,
    cnonce: &str,
) -> Option<(HeaderName<'static>, String)> {
    let (name, challenge) = challenge_of(response)?;
    Some((name, challenge.answer(credentials, method, uri, 1, cnonce)))
}

/// The topmost challenge that we can answer, and the header its answer goes into (RFC 8760 §2.4).
fn challenge_of(response: &Message) -> Option<(HeaderName<'static>, Challenge)> {
    let (asks, answers) = match response.status() {
        Some(407) => (
            HeaderName::ProxyAuthenticate,
            HeaderName::ProxyAuthorization,
        ),
        _ => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
    };
    let challenge = response.headers(asks).find_map(Challenge::parse)?;
    Some((answers, challenge))
}

/// What the registrar granted: the longest of our contacts, or the answer's own Expires.
fn granted_s(response: &Message) -> Option<u32> {
    let contacts = response.contacts().filter_map(Result::ok);
    let expires = contacts.filter_map(|contact| contact.address()?.expires());
    expires.max().or_else(|| response.expires())
}
