//! A user agent without sockets: it registers, calls, answers, holds and hangs up, on the machines of `sip` and
//! `media::sdp`.
//!
//! One [`UserAgent`] is what sits behind one UDP address: a phone, a hundred of them, or a trunk. It has four doors:
//! [`receive`](UserAgent::receive) and the commands, [`handle_timeout`](UserAgent::handle_timeout),
//! [`poll_output`](UserAgent::poll_output), to be drained after each of the others, and
//! [`poll_timeout`](UserAgent::poll_timeout).
//!
//! A call lives from [`place`](UserAgent::place) or [`Event::Invited`] to its one [`Event::Ended`]. What people do
//! in it is decided by who owns the agent; RTP is theirs too, they say where they receive it and are told where to send.

mod account;
mod call;
mod incoming;
mod outgoing;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use media::codec::Codec;
use media::sdp::AgreedAudio;
use sip::auth::Credentials;
use sip::transaction::{self, ClientId, Layer, ServerId};
use sip::{Flow, HeaderName, Message, Method, RequestBuilder, ResponseBuilder, Transport};

use crate::draw::Random;

use account::{Account, AccountId};
use call::Call;

/// What we can be asked, as Allow says it.
const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO";
/// Who we are.
const SOFTWARE: &str = concat!("lampfield-loadgen/", env!("CARGO_PKG_VERSION"));

/// Names a call of one user agent. Never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UaCall(u64);

/// One thing the agent wants done or known.
#[derive(Debug)]
pub enum Output {
    /// Send this datagram.
    Transmit {
        /// Where to.
        to: SocketAddr,
        /// What.
        payload: Bytes,
    },
    /// Know this.
    Event(Event),
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A phone is registered, anew or again.
    Registered {
        /// Its user name.
        user: String,
    },
    /// A phone is not registered, or no more. It tries again by itself.
    NotRegistered {
        /// Its user name.
        user: String,
        /// The status that said so; 408 if nobody answered.
        status: u16,
    },
    /// Somebody calls: ring, answer or reject.
    Invited {
        /// The call.
        call: UaCall,
        /// The user they called.
        user: String,
        /// The user part of their address.
        caller: String,
    },
    /// Our call rings there.
    Ringing {
        /// The call.
        call: UaCall,
    },
    /// Our call was answered.
    Answered {
        /// The call.
        call: UaCall,
    },
    /// Our answer was acknowledged: they are connected.
    Acknowledged {
        /// The call.
        call: UaCall,
    },
    /// Where RTP goes, for the first time or anew.
    Media {
        /// The call.
        call: UaCall,
        /// What was agreed.
        agreed: AgreedAudio,
    },
    /// The call is over and forgotten.
    Ended {
        /// The call.
        call: UaCall,
        /// How.
        end: End,
    },
}

/// How a call ended, seen from the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// We hung up, or cancelled our call.
    ByUs,
    /// They hung up.
    ByThem,
    /// They refused our call with that status; 408 if nobody answered.
    Refused(u16),
    /// They cancelled their call.
    Cancelled,
    /// We refused their call.
    Rejected,
    /// Nothing could be agreed, or nobody acknowledged our answer.
    Fault,
}

/// A call to be placed.
#[derive(Debug, Clone)]
pub struct Placing<'a> {
    /// Where the INVITE goes.
    pub server: SocketAddr,
    /// The Request-URI.
    pub uri: &'a str,
    /// The user part of our address.
    pub user: &'a str,
    /// The host part of our address.
    pub domain: &'a str,
    /// Our name; empty: none.
    pub display: &'a str,
    /// Where we receive RTP.
    pub rtp: SocketAddr,
    /// What to prove who we are with, if asked.
    pub credentials: Option<Credentials>,
}

/// What was dealt with without telling anyone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// BYEs that got no 200.
    pub byes_failed: u64,
    /// Datagrams that are no message.
    pub garbage: u64,
}

/// User agents behind one address.
pub struct UserAgent {
    layer: Layer,
    local: SocketAddr,
    codecs: Vec<Codec>,
    random: Random,
    calls: BTreeMap<UaCall, Call>,
    calls_made: u64,
    /// By Call-ID and our tag.
    dialogs: HashMap<(String, String), UaCall>,
    sent: HashMap<ClientId, Sent>,
    invites: HashMap<ServerId, UaCall>,
    accounts: BTreeMap<AccountId, Account>,
    out: VecDeque<Output>,
    counters: Counters,
}

/// What a request of ours was for.
#[derive(Debug, Clone, Copy)]
enum Sent {
    Invite(UaCall),
    Reinvite(UaCall),
    Bye,
    Register(AccountId),
}

impl UserAgent {
    /// An agent that nobody knows yet.
    ///
    /// `local` is the address it is reached at, `codecs` what it speaks, at least one, `secret` random octets of the
    /// operating system; `random` makes Call-IDs and tags, which no other agent may have had lately.
    #[must_use]
    pub fn new(local: SocketAddr, codecs: &[Codec], secret: [u8; 32], mut random: Random) -> Self {
        let config = transaction::Config::new(random.next(), secret);
        Self {
            layer: Layer::new(&config),
            local,
            codecs: codecs.to_vec(),
            random,
            calls: BTreeMap::new(),
            calls_made: 0,
            dialogs: HashMap::new(),
            sent: HashMap::new(),
            invites: HashMap::new(),
            accounts: BTreeMap::new(),
            out: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// The address it is reached at.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Takes a datagram.
    pub fn receive(&mut self, now: Duration, from: SocketAddr, datagram: Bytes) {
        // Four octets of line ends keep a binding alive (RFC 5626 §3.5.1).
        if datagram.iter().all(|octet| matches!(octet, b'\r' | b'\n')) {
            return;
        }
        match Message::parse(datagram) {
            Ok(message) => self.layer.receive(now, self.flow(from), message),
            Err(_) => self.counters.garbage += 1,
        }
        self.settle(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.layer.handle_timeout(now);
        self.renew_registrations(now);
        self.settle(now);
    }

    /// When something is due next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let renewals = self.accounts.values().filter_map(|account| account.due);
        renewals.chain(self.layer.poll_timeout()).min()
    }

    /// The next thing to be sent or known.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// How many calls there are.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// How many registrations there are, those being taken back included.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// What the transactions dealt with by themselves.
    #[must_use]
    pub const fn transactions(&self) -> &transaction::Counters {
        self.layer.counters()
    }

    /// What the agent dealt with by itself.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    const fn flow(&self, remote: SocketAddr) -> Flow {
        Flow {
            transport: Transport::Udp,
            local: self.local,
            remote,
            connection: None,
        }
    }

    fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// A word nobody else uses, for tags and Call-IDs.
    fn word(&mut self) -> String {
        format!("{:016x}", self.random.next())
    }

    fn contact_uri(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.local)
    }

    /// Acts on all that the transactions have to say.
    fn settle(&mut self, now: Duration) {
        while let Some(output) = self.layer.poll_output() {
            match output {
                transaction::Output::Transmit(transmit) => self.out.push_back(Output::Transmit {
                    to: transmit.flow.remote,
                    payload: transmit.payload,
                }),
                transaction::Output::Event(event) => self.on_event(now, event),
            }
        }
    }

    fn on_event(&mut self, now: Duration, event: transaction::Event) {
        use transaction::Event as Heard;
        match event {
            Heard::Request {
                server,
                flow,
                message,
            } => self.on_request(now, server, flow, &message),
            Heard::Ack {
                server, message, ..
            } => self.on_ack(now, server, &message),
            Heard::Cancelled { server, .. } => self.on_cancelled(now, server),
            Heard::Response {
                client, message, ..
            } => self.on_response(now, client, &message),
            Heard::TimedOut { client } | Heard::TransportFailed { client } => {
                self.on_no_response(now, client);
            }
            Heard::AckMissing { server } => self.on_ack_missing(now, server),
            Heard::StrayResponse { flow, message } => self.refuse_answer(now, flow, &message),
        }
    }

    fn on_response(&mut self, now: Duration, client: ClientId, response: &Message) {
        let Some(sent) = self.sent.get(&client).copied() else {
            return;
        };
        let status = response.status().unwrap_or_default();
        match sent {
            Sent::Invite(call) => self.on_invite_response(now, client, call, response),
            Sent::Reinvite(call) => self.on_reinvite_response(now, client, call, response),
            Sent::Bye if status >= 300 => self.counters.byes_failed += 1,
            Sent::Bye => {}
            Sent::Register(account) => self.on_register_response(now, account, response),
        }
        // A 2xx to an INVITE may come again from another branch of a fork.
        let may_come_again = matches!(sent, Sent::Invite(_)) && status < 300;
        if status >= 200 && !may_come_again {
            self.sent.remove(&client);
        }
    }

    fn on_no_response(&mut self, now: Duration, client: ClientId) {
        match self.sent.remove(&client) {
            Some(Sent::Invite(call)) => self.end(call, End::Refused(408)),
            Some(Sent::Reinvite(call)) => self.hang_up(now, call),
            Some(Sent::Bye) => self.counters.byes_failed += 1,
            Some(Sent::Register(account)) => self.on_not_registered(now, account, 408),
            None => {}
        }
    }

    fn on_request(&mut self, now: Duration, server: ServerId, flow: Flow, request: &Message) {
        let known = request.to_tag().map(|tag| {
            let key = (request.call_id().to_owned(), tag.to_owned());
            self.dialogs.get(&key).copied()
        });
        match (known, request.method()) {
            (Some(Some(call)), _) => self.on_request_inside(now, server, call, request),
            (Some(None), _) => self.answer_plainly(now, server, request, 481),
            (None, Method::Invite) => self.on_invite(now, server, flow, request),
            (None, Method::Options) => self.answer_plainly(now, server, request, 200),
            (None, _) => self.answer_plainly(now, server, request, 405),
        }
    }

    /// Answers with a status and what such an answer must carry.
    fn answer_plainly(&mut self, now: Duration, server: ServerId, request: &Message, status: u16) {
        let response = self.begin_response(request, status);
        // A request that was given up meanwhile needs no answer.
        let _ = self.layer.respond(now, server, response);
    }

    fn begin_response(&mut self, request: &Message, status: u16) -> ResponseBuilder {
        let response = ResponseBuilder::new(request, status).header(HeaderName::Allow, ALLOW);
        match request.to_tag() {
            Some(_) => response,
            None => response.to_tag(&self.word()),
        }
    }

    /// Sends a request; one that cannot be written counts as not answered.
    fn send(&mut self, now: Duration, to: SocketAddr, request: RequestBuilder, sent: Sent) {
        let request = request.header(HeaderName::UserAgent, SOFTWARE);
        match self.layer.send_request(now, self.flow(to), request) {
            Ok(client) => {
                self.sent.insert(client, sent);
                if let Sent::Invite(call) = sent {
                    self.note_client(call, client);
                }
            }
            Err(_) => match sent {
                Sent::Invite(call) | Sent::Reinvite(call) => self.end(call, End::Fault),
                Sent::Bye => self.counters.byes_failed += 1,
                Sent::Register(account) => self.on_not_registered(now, account, 400),
            },
        }
    }

    /// Forgets a call and says so.
    fn end(&mut self, id: UaCall, end: End) {
        let Some(call) = self.calls.remove(&id) else {
            return;
        };
        self.dialogs.remove(&(call.call_id, call.local_tag));
        if let Some(client) = call.client {
            self.sent.remove(&client);
        }
        if let Some(server) = call.server {
            self.invites.remove(&server);
        }
        self.tell(Event::Ended { call: id, end });
    }
}

#[cfg(test)]
mod tests;
