//! A registration of ours at somebody else's registrar (RFC 3261 §10.2).
//!
//! ```text
//! Idle ──> Asking ──> Waiting ──> Asking ──> ...        (for a refresh, or until it is tried again)
//!             └──────────┴──> Leaving ──> Over           (the binding is taken back)
//! ```
//!
//! One REGISTER is under way at a time (§10.2): what is wanted meanwhile waits for its answer. A challenge is answered, 423
//! asks for longer, a redirection is followed; after anything else it is tried again, later each time (RFC 5626 §4.5). A binding
//! stands until its time is over, whatever became of its refresh. Where the registrar is, the transaction and
//! the meaning of it all belong to the owner: what comes out is a request to be sent, and word that something has changed.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::auth::{Answers, Challenged, Credentials, next_random};
use crate::wire::ContactHeader;
use crate::{HeaderName, Message, Method, RequestBuilder, Uri};

/// What is asked for, unless the registrar wants longer.
const EXPIRES: u32 = 3_600;
/// The longest that a registrar can make us ask for.
const EXPIRES_MAX: u32 = 86_400;
/// Redirections that are followed for one registration.
const REDIRECTS_MAX: u8 = 5;
/// How long it takes at first until a failed registration is tried again, at most.
const BACK_OFF: Duration = Duration::from_secs(30);
/// How long it takes at last; also after a wrong password, which does not mend by itself.
const BACK_OFF_MAX: Duration = Duration::from_secs(1_800);
/// How long before its end a binding is refreshed at least: a registrar that is silent has been given up by then, and is tried again.
const LEAD_MIN: Duration = Duration::from_secs(40);

/// What is registered, where, and who asks.
#[derive(Debug, Clone)]
pub struct Account {
    /// The Request-URI: the domain of the registrar, without a user part.
    pub registrar: String,
    /// The address that is registered, as From and To have it.
    pub aor: String,
    /// Our Contact.
    pub contact: String,
    /// The Call-ID of all its requests (§10.2).
    pub call_id: String,
    /// Our From tag.
    pub tag: String,
    /// Who we are to the registrar.
    pub credentials: Credentials,
    /// Random: makes client nonces and spreads what is tried again.
    pub seed: u64,
}

/// What happens to a registration.
#[derive(Debug)]
pub enum Input<'a> {
    /// Register.
    Start,
    /// The answer to the REGISTER under way.
    Answer(&'a Message),
    /// There is none: the time is over, or it could not be sent.
    NoAnswer,
    /// Register at once, if it waits: the registrar is somewhere else now.
    Anew,
    /// Take the binding back.
    Stop,
}

/// What a registration wants.
#[derive(Debug)]
pub enum Output {
    /// Send this REGISTER.
    Send {
        /// The request, but for its Via.
        request: RequestBuilder,
        /// Where a redirection wants it; none: to the registrar.
        to: Option<Uri>,
    },
    /// [`Registration::status`] says something new.
    Changed,
}

/// Why the last REGISTER was in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The registrar refused with this status.
    Status(u16),
    /// It said nothing.
    NoAnswer,
    /// It does not take the user name or the password.
    Password,
    /// It asks for something else than a digest, or in an algorithm that we don't speak.
    Challenge,
    /// It accepted, but our Contact is not among those that it lists.
    NotBound,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the registrar answers {status}"),
            Self::NoAnswer => f.write_str("the registrar does not answer"),
            Self::Password => f.write_str("the registrar refuses the user name or the password"),
            Self::Challenge => f.write_str("the registrar asks for a proof that is not known here"),
            Self::NotBound => f.write_str("the registrar accepts, but does not list our Contact"),
        }
    }
}

/// How a registration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// Until when it is registered, if it is.
    pub until: Option<Duration>,
    /// Why the last REGISTER was in vain, if it was.
    pub failure: Option<Failure>,
    /// When it is tried again, or refreshed.
    pub next: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// A REGISTER is under way.
    Asking,
    Waiting {
        until: Duration,
    },
    /// The REGISTER that takes the binding back is under way.
    Leaving,
    Over,
}

/// One registration.
#[derive(Debug)]
pub struct Registration {
    account: Account,
    answers: Answers,
    random: u64,
    state: State,
    cseq: u32,
    expires: u32,
    until: Option<Duration>,
    failure: Option<Failure>,
    /// Failures since it was registered last.
    failures: u32,
    redirected: Option<Uri>,
    redirects: u8,
    stop_wanted: bool,
    service_route: Vec<String>,
    out: VecDeque<Output>,
}

impl Registration {
    /// A registration that waits for its [`Input::Start`].
    #[must_use]
    pub fn new(account: Account) -> Self {
        let random = next_random(account.seed);
        Self {
            answers: Answers::new(account.credentials.clone(), account.seed),
            random,
            account,
            state: State::Idle,
            cseq: 0,
            expires: EXPIRES,
            until: None,
            failure: None,
            failures: 0,
            redirected: None,
            redirects: 0,
            stop_wanted: false,
            service_route: Vec::new(),
            out: VecDeque::new(),
        }
    }

    /// How it stands.
    #[must_use]
    pub const fn status(&self) -> Status {
        let next = match self.state {
            State::Waiting { until } => Some(until),
            State::Idle | State::Asking | State::Leaving | State::Over => None,
        };
        Status {
            until: self.until,
            failure: self.failure,
            next,
        }
    }

    /// Whether it is over: nothing comes of it any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether its binding is being taken back, or will be as soon as the REGISTER under way is answered.
    #[must_use]
    pub const fn is_leaving(&self) -> bool {
        self.stop_wanted || matches!(self.state, State::Leaving | State::Over)
    }

    /// The Contact that it registers.
    #[must_use]
    pub fn contact(&self) -> &str {
        &self.account.contact
    }

    /// The routes that requests by way of the registrar's domain take, in order (RFC 3608).
    #[must_use]
    pub fn service_route(&self) -> &[String] {
        &self.service_route
    }

    /// Takes one input.
    pub fn handle_input(&mut self, now: Duration, input: Input<'_>) {
        match (input, self.state) {
            (Input::Start, State::Idle) | (Input::Anew, State::Waiting { .. }) => self.begin(),
            (Input::Answer(message), State::Asking) => self.on_answer(now, message),
            (Input::NoAnswer, State::Asking) => self.fail(now, Failure::NoAnswer, Duration::ZERO),
            (Input::Answer(message), State::Leaving) => self.on_answer_to_leaving(message),
            (Input::NoAnswer, State::Leaving) => self.end(),
            (Input::Stop, State::Asking) => self.stop_wanted = true,
            (Input::Stop, State::Idle | State::Waiting { .. }) => self.leave(),
            (Input::Start | Input::Anew | Input::Answer(_) | Input::NoAnswer | Input::Stop, _) => {}
        }
        if self.stop_wanted && matches!(self.state, State::Waiting { .. }) {
            self.leave();
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.until.is_some_and(|until| until <= now) {
            self.until = None;
            self.out.push_back(Output::Changed);
        }
        if matches!(self.state, State::Waiting { until } if until <= now) {
            self.begin();
        }
    }

    /// The next thing that is wanted.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        [self.until, self.status().next].into_iter().flatten().min()
    }

    /// A registration from its first REGISTER on, at the registrar itself.
    fn begin(&mut self) {
        self.answers.begin();
        self.redirected = None;
        self.redirects = 0;
        self.state = State::Asking;
        self.send(self.expires);
    }

    fn send(&mut self, expires: u32) {
        self.cseq = self.cseq.saturating_add(1);
        let account = &self.account;
        let redirected = self.redirected.as_ref().map(Uri::as_str);
        let uri = String::from(redirected.unwrap_or(&account.registrar));
        let request = RequestBuilder::new(Method::Register, &uri)
            .max_forwards(70)
            .from("", &account.aor, &account.tag)
            .to("", &account.aor, None)
            .call_id(&account.call_id)
            .cseq(self.cseq)
            .contact(&account.contact)
            .display(HeaderName::Expires, expires)
            .header(HeaderName::UserAgent, "Lampfield");
        let request = self.answers.authorize(request, "REGISTER", &uri);
        let to = self.redirected.clone();
        self.out.push_back(Output::Send { request, to });
    }

    fn on_answer(&mut self, now: Duration, message: &Message) {
        let status = message.status().unwrap_or_default();
        match status {
            0..200 => {}
            200..300 => self.on_success(now, message),
            401 | 407 => match self.answers.challenged(message) {
                Challenged::Again => self.send(self.expires),
                Challenged::Refused => self.fail(now, Failure::Password, BACK_OFF_MAX),
                Challenged::Unknown => self.fail(now, Failure::Challenge, BACK_OFF_MAX),
            },
            423 if self.takes_longer(message) => self.send(self.expires),
            300..=302 | 305 if self.follows(message) => self.send(self.expires),
            403 => self.fail(now, Failure::Status(status), BACK_OFF_MAX),
            _ => {
                let wanted = message.retry_after().map_or(0, |after| after.seconds);
                let wanted = Duration::from_secs(wanted.into());
                self.fail(now, Failure::Status(status), wanted.min(BACK_OFF_MAX));
            }
        }
    }

    fn on_success(&mut self, now: Duration, message: &Message) {
        let Some(granted) = self.granted(message) else {
            return self.fail(now, Failure::NotBound, Duration::ZERO);
        };
        let granted = Duration::from_secs(granted.min(EXPIRES_MAX).into());
        let routes = message.values(HeaderName::Other("Service-Route"));
        self.service_route = routes
            .map(|route| String::from_utf8_lossy(route).into_owned())
            .collect();
        self.failures = 0;
        self.failure = None;
        self.until = Some(now + granted);
        let lead = (granted / 10).max(LEAD_MIN).min(granted / 2);
        self.state = State::Waiting {
            until: now + (granted - lead),
        };
        self.out.push_back(Output::Changed);
    }

    /// For how many seconds our Contact is bound; none when it is not. A registrar that lists none at all is believed.
    fn granted(&self, message: &Message) -> Option<u32> {
        let ours = Uri::parse(&self.account.contact).ok()?;
        let ours = ours.view();
        let mut listed = false;
        for contact in message.contacts().filter_map(Result::ok) {
            let ContactHeader::Address(address) = contact else {
                continue;
            };
            listed = true;
            let uri = address.uri();
            let is_ours = uri.user_decoded() == ours.user_decoded()
                && uri.host() == ours.host()
                && uri.port() == ours.port();
            if is_ours {
                let granted = address.expires().or_else(|| message.expires());
                return granted
                    .or(Some(self.expires))
                    .filter(|seconds| *seconds > 0);
            }
        }
        let granted = message.expires().unwrap_or(self.expires);
        (!listed && granted > 0).then_some(granted)
    }

    /// 423: whether it can be asked for as long as the registrar wants.
    fn takes_longer(&mut self, message: &Message) -> bool {
        let wanted = message.min_expires();
        let wanted = wanted.filter(|wanted| (self.expires + 1..=EXPIRES_MAX).contains(wanted));
        self.expires = wanted.unwrap_or(self.expires);
        wanted.is_some()
    }

    /// Whether the redirection says where to, and is not one too many.
    fn follows(&mut self, message: &Message) -> bool {
        let contact = message
            .contacts()
            .filter_map(Result::ok)
            .find_map(|contact| contact.address());
        let Some(target) = contact.and_then(|contact| {
            let uri = contact.uri();
            let target = Uri::sip(None, uri.host()?, uri.port());
            Some(match uri.transport() {
                Some(transport) => {
                    let transport = transport.as_str().to_ascii_lowercase();
                    target.with_param("transport", Some(&transport))
                }
                None => target,
            })
        }) else {
            return false;
        };
        self.redirects += 1;
        self.redirected = Some(target);
        self.redirects <= REDIRECTS_MAX
    }

    /// It is tried again, no sooner than `wanted`: after at least half of a time that doubles with each failure, the rest by chance, so that
    /// not all come at once to a registrar that is there again.
    fn fail(&mut self, now: Duration, failure: Failure, wanted: Duration) {
        let doubled = BACK_OFF.saturating_mul(1 << self.failures.min(16));
        let most = doubled.min(BACK_OFF_MAX).max(wanted);
        self.random = next_random(self.random);
        let share = u32::try_from(self.random % 501).unwrap_or(0);
        let half = most / 2;
        let after = (half + half * share / 500).max(wanted.min(most));
        self.failures = self.failures.saturating_add(1);
        self.failure = Some(failure);
        self.state = State::Waiting { until: now + after };
        self.out.push_back(Output::Changed);
    }

    /// Takes back what may be bound. A REGISTER that nobody answered may have been heard.
    fn leave(&mut self) {
        let may_be_bound = self.until.is_some() || self.failure == Some(Failure::NoAnswer);
        if !may_be_bound {
            return self.end();
        }
        self.answers.begin();
        self.redirected = None;
        self.state = State::Leaving;
        self.send(0);
    }

    fn on_answer_to_leaving(&mut self, message: &Message) {
        match message.status().unwrap_or_default() {
            0..200 => {}
            401 | 407 if self.answers.challenged(message) == Challenged::Again => self.send(0),
            _ => self.end(),
        }
    }

    fn end(&mut self) {
        self.state = State::Over;
        self.until = None;
        self.out.push_back(Output::Changed);
    }
}

#[cfg(test)]
mod tests;
