//! A phone that registers (RFC 3261 §10) and proves who it is (§22).

use std::time::Duration;

use sipx_sip::auth::{Challenge, Credentials, respond, strongest};
use sipx_sip::{HeaderName, Headers, Method, Response};

use super::wire::Outline;
use super::{Alarm, Happening, Purpose, Ua, What};

/// How a phone registers.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    pub(crate) username: String,
    pub(crate) password: String,
    /// For how long it asks.
    pub(crate) expires: u32,
    /// Whether it registers again at half of that time.
    pub(crate) refreshes: bool,
    pub(crate) state: State,
}

/// Where the registration is.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    call_id: String,
    cseq: u32,
    challenged: bool,
    /// The last challenge and how often it was answered.
    challenge: Option<(Challenge, u32)>,
    /// The last final status, 0 before any.
    pub(crate) status: u16,
    /// The Contacts of the last 200.
    pub(crate) contacts: Vec<String>,
}

impl Registration {
    pub(crate) fn new(username: &str, password: &str, expires: u32) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
            expires,
            refreshes: true,
            state: State::default(),
        }
    }
}

impl Ua {
    pub(crate) fn set_registration(&mut self, registration: Registration) {
        self.registration = Some(registration);
    }

    pub(crate) fn registration(&self) -> Option<&Registration> {
        self.registration.as_ref()
    }

    pub(crate) fn registration_mut(&mut self) -> Option<&mut Registration> {
        self.registration.as_mut()
    }

    /// Registers for so many seconds; 0 takes the registration back.
    pub(crate) fn register(&mut self, now: Duration, expires: u32) {
        self.now = now;
        let Some(registration) = &mut self.registration else {
            return;
        };
        registration.expires = expires;
        self.start_registration();
    }

    /// Stops registering again by itself.
    pub(crate) fn stop_refreshing(&mut self) {
        if let Some(registration) = &mut self.registration {
            registration.refreshes = false;
        }
        self.alarms
            .retain(|_, alarm| !matches!(alarm, Alarm::Refresh));
    }

    pub(super) fn start_registration(&mut self) {
        let call_id = self.token();
        let Some(registration) = &mut self.registration else {
            return;
        };
        registration.state.challenged = false;
        if registration.state.call_id.is_empty() {
            registration.state.call_id = call_id;
        }
        self.send_register();
    }

    fn send_register(&mut self) {
        let (branch, tag, cnonce) = (self.branch(), self.token(), self.token());
        let uri = format!("sip:{}", self.domain);
        let Some(registration) = &mut self.registration else {
            return;
        };
        let username = registration.username.clone();
        let expires = registration.expires.to_string();
        let state = &mut registration.state;
        state.cseq += 1;
        let credentials = Credentials::new(&username, &registration.password);
        let address = format!("<sip:{username}@{}>", self.domain);
        let contact = format!("<sip:{username}@{}>", self.address);
        let mut extra = vec![
            (HeaderName::Contact, contact),
            (HeaderName::Expires, expires),
        ];
        if let Some((challenge, count)) = &mut state.challenge {
            *count += 1;
            let answer = respond(challenge, &credentials, "REGISTER", &uri, *count, &cnonce);
            extra.push((HeaderName::Authorization, answer));
        }
        let outline = Outline {
            method: Method::Register,
            uri,
            from: format!("{address};tag={tag}"),
            to: address,
            call_id: state.call_id.clone(),
            cseq: state.cseq,
            branch,
            address: self.address,
            hops: 70,
            extra,
            body: None,
        };
        let request = outline.request();
        self.send(request, Purpose::Register);
    }

    pub(super) fn on_register_response(&mut self, response: &Response) {
        let status = response.status.code();
        if status < 200 {
            return;
        }
        let Some(registration) = &mut self.registration else {
            return;
        };
        let again = !registration.state.challenged || is_stale(&response.headers);
        if status == 401 && again {
            registration.state.challenged = true;
            registration.state.challenge =
                challenge_of(&response.headers).map(|challenge| (challenge, 0));
            return self.send_register();
        }
        registration.state.status = status;
        let contacts = response.headers.get_all(&HeaderName::Contact);
        registration.state.contacts = contacts
            .map(|header| String::from_utf8_lossy(&header.value()).into_owned())
            .collect();
        let (line, expires) = (registration.username.clone(), registration.expires);
        let refreshes = registration.refreshes && status == 200 && expires > 0;
        self.happenings.push_back(Happening {
            line,
            call: None,
            what: What::Registered(status),
        });
        if refreshes {
            self.refresh_in(Duration::from_secs(u64::from(expires) / 2));
        }
    }

    /// No answer: a real phone tries again, and so does this one.
    pub(super) fn registration_lost(&mut self) {
        if self
            .registration
            .as_ref()
            .is_some_and(|registration| registration.refreshes)
        {
            self.refresh_in(Duration::from_secs(5));
        }
    }

    fn refresh_in(&mut self, after: Duration) {
        self.alarms
            .retain(|_, alarm| !matches!(alarm, Alarm::Refresh));
        self.set_alarm(after, Alarm::Refresh);
    }

    /// Answers a challenge to an INVITE with this URI; `None` when we have nothing to prove.
    pub(super) fn prove(&mut self, headers: &Headers, uri: &str) -> Option<(HeaderName, String)> {
        let cnonce = self.token();
        let registration = self.registration.as_ref()?;
        let challenge = challenge_of(headers)?;
        let credentials = Credentials::new(&registration.username, &registration.password);
        let answer = respond(&challenge, &credentials, "INVITE", uri, 1, &cnonce);
        Some((challenge.response_header(), answer))
    }
}

fn challenge_of(headers: &Headers) -> Option<Challenge> {
    let asked = headers.get_all(&HeaderName::WwwAuthenticate);
    strongest(
        asked
            .filter_map(|header| Challenge::parse(&header.value(), false))
            .collect(),
    )
}

/// Whether only the nonce was too old: then the proof is made anew without asking anybody (RFC 7616 §3.3).
pub(super) fn is_stale(headers: &Headers) -> bool {
    challenge_of(headers).is_some_and(|challenge| challenge.stale)
}
