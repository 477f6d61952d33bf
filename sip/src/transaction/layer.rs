//! [`Layer`]: the four doors of all transactions of one engine.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use crate::wire::BuildError;
use crate::{Flow, Message, RequestBuilder, ResponseBuilder};

use super::branch::Branches;
use super::clients::Clients;
use super::deadlines::Owner;
use super::event::{Census, ClientId, Counters, Output, RespondError, ServerId};
use super::matching::Hashes;
use super::outbox::Outbox;
use super::servers::Servers;
use super::timers::Timers;
use super::top_via::with_via;

/// What a layer is made with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names this engine in the branches of its Vias: a request that comes back with one has
    /// looped. Different for every engine that may see the same requests.
    pub instance: u64,
    /// Random octets from the operating system: keys the branches, tags and tables. Never logged.
    pub secret: [u8; 32],
    /// Keys the branches in place of the secret, where an engine is to know the answers to its former lives:
    /// the same over restarts, never logged.
    pub branch_key: Option<[u8; 16]>,
    /// Timer values; the defaults are those of the RFC.
    pub timers: Timers,
    /// How many server transactions there may be; requests beyond are answered 503. Requests inside
    /// dialogs may come to twice as many.
    pub servers_max: usize,
}

impl Config {
    /// The usual: timers of the RFC and room for 100,000 requests at a time.
    #[must_use]
    pub fn new(instance: u64, secret: [u8; 32]) -> Self {
        Self {
            instance,
            secret,
            branch_key: None,
            timers: Timers::default(),
            servers_max: 100_000,
        }
    }

    /// One of the four keys of 64 bits in the secret.
    fn key(&self, index: usize) -> u64 {
        key_of(&self.secret, index)
    }

    fn branch_keys(&self) -> (u64, u64) {
        let of_branch_key = self
            .branch_key
            .map(|key| (key_of(&key, 0), key_of(&key, 1)));
        of_branch_key.unwrap_or_else(|| (self.key(0), self.key(1)))
    }
}

fn key_of(octets: &[u8], index: usize) -> u64 {
    let octets = octets.iter().skip(8 * index).take(8);
    octets.fold(0, |key, octet| key << 8 | u64::from(*octet))
}

/// All transactions of one engine.
///
/// Messages come in by [`receive`](Self::receive); what is to be sent and known comes out of
/// [`poll_output`](Self::poll_output), to be drained after every call;
/// [`poll_timeout`](Self::poll_timeout) says when to call [`handle_timeout`](Self::handle_timeout).
pub struct Layer {
    clients: Clients,
    servers: Servers,
    out: Outbox,
}

impl Layer {
    /// A layer without transactions.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let branches = Branches::new(config.instance, config.branch_keys());
        let hashes = Hashes::new((config.key(2), config.key(3)));
        Self {
            clients: Clients::new(config.timers, branches),
            servers: Servers::new(config.timers, config.servers_max, hashes),
            out: Outbox::default(),
        }
    }

    /// Takes a message from the network.
    pub fn receive(&mut self, now: Duration, flow: Flow, message: Message) {
        if message.is_request() {
            let branches = self.clients.branches();
            self.servers
                .receive(now, flow, message, branches, &mut self.out);
        } else {
            self.clients.receive(now, flow, message, &mut self.out);
        }
    }

    /// Fires every timer that is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(owner) = self.out.deadlines.take_due(now) {
            match owner {
                Owner::Client(key) => self.clients.fire(now, key, &mut self.out),
                Owner::Server(key) => self.servers.fire(now, key, &mut self.out),
            }
        }
    }

    /// The next thing to be sent or known.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.queue.pop_front()
    }

    /// When the earliest timer is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.out.deadlines.next()
    }

    /// Sends a request, neither ACK nor CANCEL, under a Via of ours whose sent-by is the local
    /// address of the flow.
    ///
    /// # Errors
    ///
    /// If the request cannot be written; nothing is sent then.
    pub fn send_request(
        &mut self,
        now: Duration,
        flow: Flow,
        request: RequestBuilder,
    ) -> Result<ClientId, BuildError> {
        let sent_by = flow.local.to_string();
        self.send_request_from(now, flow, &sent_by, request)
    }

    /// The same with another sent-by, `host` or `host:port`: the address that peers know us by.
    ///
    /// # Errors
    ///
    /// If the request cannot be written; nothing is sent then.
    pub fn send_request_from(
        &mut self,
        now: Duration,
        flow: Flow,
        sent_by: &str,
        request: RequestBuilder,
    ) -> Result<ClientId, BuildError> {
        self.clients
            .send(now, flow, sent_by, request, &mut self.out)
    }

    /// Answers a request. A 2xx to an INVITE is repeated until its ACK comes.
    ///
    /// # Errors
    ///
    /// If the request waits for no response, or this one cannot be written.
    pub fn respond(
        &mut self,
        now: Duration,
        server: ServerId,
        response: ResponseBuilder,
    ) -> Result<(), RespondError> {
        self.servers.respond(now, server, response, &mut self.out)
    }

    /// Says 100 Trying to an INVITE at once. Nothing happens if it has been answered.
    pub fn trying(&mut self, now: Duration, server: ServerId) {
        self.servers.trying(now, server, &mut self.out);
    }

    /// Stops repeating our 2xx to an INVITE whose ACK is missing: the peer has it, as a request of
    /// theirs in its dialog shows. [`AckMissing`](super::Event::AckMissing) is not told then.
    pub fn success_is_known(&mut self, server: ServerId) {
        self.servers.success_is_known(server, &mut self.out);
    }

    /// Refuses a request and forgets it at once: when it comes again it is a new one, and gets the
    /// same answer if its user decides the same. For strangers, who shall cost nothing afterwards.
    ///
    /// # Errors
    ///
    /// If the request waits for no response, or this one cannot be written.
    pub fn refuse(
        &mut self,
        server: ServerId,
        response: ResponseBuilder,
    ) -> Result<(), RespondError> {
        self.servers.refuse(server, response, &mut self.out)
    }

    /// A tag for To that is the same whenever the same request comes again: for [`refuse`].
    ///
    /// [`refuse`]: Self::refuse
    #[must_use]
    pub fn stateless_tag(&self, request: &Message) -> String {
        self.servers.stateless_tag(request)
    }

    /// Cancels an INVITE, with a Reason header if a value for one is given (RFC 3326).
    ///
    /// The CANCEL leaves as soon as a provisional response has come (RFC 3261 §9.1); if none ever
    /// comes the INVITE times out. The INVITE still ends by a response: 487, or a 2xx that crossed
    /// the CANCEL; 64*T1 after the CANCEL it times out. Returns whether there was anything to
    /// cancel.
    pub fn cancel(&mut self, now: Duration, client: ClientId, reason: Option<&str>) -> bool {
        self.clients.cancel(now, client, reason, &mut self.out)
    }

    /// Sends the ACK to a 2xx with that To-tag, under a Via of ours, and again whenever that 2xx
    /// comes again.
    ///
    /// # Errors
    ///
    /// If the ACK cannot be written; nothing is sent then.
    pub fn acknowledge(
        &mut self,
        client: ClientId,
        to_tag: &str,
        flow: Flow,
        ack: RequestBuilder,
    ) -> Result<(), BuildError> {
        let ack = self.write_ack(flow, ack)?;
        self.clients
            .acknowledge(client, to_tag, flow, ack, &mut self.out);
        Ok(())
    }

    /// Sends an ACK that no transaction repeats: to a [`StrayResponse`](super::Event::StrayResponse).
    ///
    /// # Errors
    ///
    /// If the ACK cannot be written; nothing is sent then.
    pub fn send_ack(&mut self, flow: Flow, ack: RequestBuilder) -> Result<(), BuildError> {
        let ack = self.write_ack(flow, ack)?;
        self.out.transmit(flow, ack);
        Ok(())
    }

    /// An ACK to a 2xx is a transaction of its own to the proxies on its way: it has its own branch.
    fn write_ack(&mut self, flow: Flow, ack: RequestBuilder) -> Result<Bytes, BuildError> {
        let branch = self.clients.lone_branch();
        let sent_by = flow.local.to_string();
        Ok(with_via(&ack.build()?, flow.transport, &sent_by, &branch))
    }

    /// Learns that a message could not be sent that way, or that a connection is gone.
    ///
    /// Requests of ours that nobody has answered fail; answers of ours take a new connection to the
    /// address that the request named (RFC 3261 §18.2.2).
    pub fn transport_failed(&mut self, _now: Duration, flow: &Flow) {
        self.clients.transport_failed(flow, &mut self.out);
        self.servers.transport_failed(flow);
    }

    /// Whether anything has been heard of a request: a provisional or final response. `None` once
    /// its transaction is over.
    #[must_use]
    pub fn is_answered(&self, client: ClientId) -> Option<bool> {
        self.clients.is_answered(client)
    }

    /// How many transactions there are, of each kind.
    #[must_use]
    pub fn census(&self) -> Census {
        let mut census = Census::default();
        self.clients.count(&mut census);
        self.servers.count(&mut census);
        census
    }

    /// The ways of messages that were sent again since this was last asked; of very many, the first.
    pub fn take_resent(&mut self) -> Vec<Flow> {
        core::mem::take(&mut self.out.resent)
    }

    /// What was dealt with without telling anyone.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.out.counters
    }
}
