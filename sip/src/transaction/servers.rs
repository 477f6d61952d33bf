//! The requests that we received: absorbs what comes again, tells the rest, repeats our answers.
//!
//! Two tables find a transaction: by match key, for the request itself, its CANCEL and the ACK to
//! its refusal; and by origin, for the ACK to its 2xx and for the same request on another way.
//! An unanswered INVITE keeps the request, for the 100 Trying of our own; after that only the last
//! response is kept, and that as long as it may have to be sent again.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use hashbrown::HashTable;

use crate::{Flow, HeaderName, Message, Method, ResponseBuilder, Transport};

use super::branch::Branches;
use super::deadlines::Owner;
use super::event::{Census, Event, RespondError, ServerId};
use super::invite_server;
use super::matching::{Hashes, MatchKey, Origin, match_key};
use super::outbox::Outbox;
use super::reply;
use super::server::{Machine, Server};
use super::slab::{Key, Slab};
use super::timers::Timers;

/// What a request beyond the bound is told to wait, in seconds.
const RETRY_AFTER_S: u8 = 5;

/// All server transactions.
pub(crate) struct Servers {
    timers: Timers,
    max: usize,
    hashes: Hashes,
    slab: Slab<Server>,
    by_match: HashTable<Key>,
    by_origin: HashTable<Key>,
}

impl Servers {
    pub(crate) fn new(timers: Timers, max: usize, hashes: Hashes) -> Self {
        Self {
            timers,
            max,
            hashes,
            slab: Slab::new(),
            by_match: HashTable::new(),
            by_origin: HashTable::new(),
        }
    }

    /// Takes a request to its transaction, or makes one for it.
    pub(crate) fn receive(
        &mut self,
        now: Duration,
        flow: Flow,
        message: Message,
        branches: &Branches,
        out: &mut Outbox,
    ) {
        let method = message.method();
        if method == Method::Ack {
            return self.on_ack(now, flow, message, out);
        }
        if method == Method::Cancel {
            return self.on_cancel(flow, message, out);
        }
        let key = match_key(&message, method);
        let hash = self.hashes.of_key(&key);
        match self.find(&key, hash) {
            Some(known) => self.on_request_again(known, out),
            None => self.on_new_request(now, flow, message, (key, hash), branches, out),
        }
    }

    fn find(&self, key: &[u8], hash: u64) -> Option<Key> {
        let is_it = |place: &Key| {
            let server = self.slab.get(*place);
            server.is_some_and(|server| *server.match_key == *key)
        };
        self.by_match.find(hash, is_it).copied()
    }

    fn find_origin(&self, origin: Origin) -> Option<Key> {
        let is_it = |place: &Key| {
            let server = self.slab.get(*place);
            server.is_some_and(|server| server.origin == origin)
        };
        self.by_origin.find(origin as u64, is_it).copied()
    }

    fn on_request_again(&mut self, key: Key, out: &mut Outbox) {
        out.counters.requests_absorbed += 1;
        let Some(server) = self.slab.get(key) else {
            return;
        };
        let send = match &server.machine {
            Machine::Invite(machine) => machine.on_request_again(),
            Machine::Other(machine) => machine.on_request_again(),
        };
        if let Some(response) = server.response.as_ref().filter(|_| send) {
            out.retransmit(server.reply, response);
        }
    }

    fn on_new_request(
        &mut self,
        now: Duration,
        flow: Flow,
        message: Message,
        key: (MatchKey, u64),
        branches: &Branches,
        out: &mut Outbox,
    ) {
        let origin = self.hashes.origin(&message, message.method());
        if message
            .headers(HeaderName::Via)
            .any(|line| branches.is_in(line))
        {
            out.counters.loops += 1;
            self.answer(flow, &message, 482, out);
        } else if message.to_tag().is_none() && self.is_merged(origin) {
            out.counters.merged += 1;
            self.answer(flow, &message, 482, out);
        } else if self.slab.len() >= self.room_for(&message) {
            out.counters.shed += 1;
            self.answer(flow, &message, 503, out);
        } else {
            let server = self.open(now, flow, &message, key, origin, out);
            out.tell(Event::Request {
                server: ServerId(server),
                flow,
                message,
            });
        }
    }

    /// How many transactions there may be before this request has no room. One inside a dialog has
    /// as much again to itself: a flood of new ones must not keep calls from ending.
    fn room_for(&self, request: &Message) -> usize {
        match request.to_tag() {
            Some(_) => self.max.saturating_mul(2),
            None => self.max,
        }
    }

    /// Whether a request of that origin is being served already (RFC 3261 §8.2.2.2).
    fn is_merged(&self, origin: Origin) -> bool {
        let server = self.find_origin(origin).and_then(|key| self.slab.get(key));
        server.is_some_and(|server| !server.in_dialog && !server.challenged)
    }

    fn open(
        &mut self,
        now: Duration,
        flow: Flow,
        message: &Message,
        key: (MatchKey, u64),
        origin: Origin,
        out: &mut Outbox,
    ) -> Key {
        let server = Server::new(now, self.timers, flow, message, key, origin);
        let match_hash = server.match_hash;
        let key = self.slab.insert(server);
        let slab = &self.slab;
        self.by_match.insert_unique(match_hash, key, |place| {
            slab.get(*place).map_or(0, |server| server.match_hash)
        });
        self.index_origin(key, origin);
        self.settle(key, out);
        key
    }

    /// Keeps one transaction for each origin, the latest: a chain of them could be made to grow.
    fn index_origin(&mut self, key: Key, origin: Origin) {
        let slab = &self.slab;
        let origin_of = |place: &Key| slab.get(*place).map_or(0, |server| server.origin);
        let entry = self.by_origin.entry(
            origin as u64,
            |place| *place != key && origin_of(place) == origin,
            |place| origin_of(place) as u64,
        );
        *entry.or_insert(key).get_mut() = key;
    }

    fn on_ack(&mut self, now: Duration, flow: Flow, message: Message, out: &mut Outbox) {
        let Some(key) = self.invite_of_ack(&message) else {
            out.counters.acks_absorbed += 1;
            return;
        };
        let Some(Server {
            machine: Machine::Invite(machine),
            ..
        }) = self.slab.get_mut(key)
        else {
            return;
        };
        match machine.on_ack(now) {
            invite_server::Acked::Success => out.tell(Event::Ack {
                server: ServerId(key),
                flow,
                message,
            }),
            invite_server::Acked::Absorbed => out.counters.acks_absorbed += 1,
        }
        self.settle(key, out);
    }

    /// The INVITE that an ACK belongs to: under its branch if it was refused, otherwise by origin
    /// and our tag, since the ACK to a 2xx has a branch of its own.
    fn invite_of_ack(&self, ack: &Message) -> Option<Key> {
        let key = match_key(ack, Method::Invite);
        let by_origin = || self.find_origin(self.hashes.origin(ack, Method::Invite));
        let found = self
            .find(&key, self.hashes.of_key(&key))
            .or_else(by_origin)?;
        let ours = self.slab.get(found)?.local_tag.as_deref();
        // A peer of RFC 2543 that leaves out the tag we gave is not told apart.
        (ack.to_tag().is_none() || ack.to_tag() == ours).then_some(found)
    }

    fn on_cancel(&mut self, flow: Flow, message: Message, out: &mut Outbox) {
        let key = match_key(&message, Method::Invite);
        let found = self.find(&key, self.hashes.of_key(&key));
        let Some((key, server)) = found.and_then(|key| Some((key, self.slab.get_mut(key)?))) else {
            self.answer(flow, &message, 481, out);
            return;
        };
        let first = !core::mem::replace(&mut server.cancelled, true);
        let undecided = match &server.machine {
            Machine::Invite(machine) => machine.is_proceeding(),
            Machine::Other(_) => false,
        };
        self.answer(flow, &message, 200, out);
        if first && undecided {
            out.tell(Event::Cancelled {
                server: ServerId(key),
                flow,
                message,
            });
        }
    }

    /// Answers without a transaction: the same request gets the same answer again, tag included
    /// (RFC 3261 §8.2.7).
    fn answer(&self, flow: Flow, request: &Message, status: u16, out: &mut Outbox) {
        let mut response = ResponseBuilder::new(request, status).received(flow.remote);
        if request.to_tag().is_none() {
            response = response.to_tag(&self.tag_of(request));
        }
        if status == 503 {
            response = response.display(HeaderName::RetryAfter, RETRY_AFTER_S);
        }
        if let Ok(response) = response.build() {
            out.transmit(reply::reply_flow(flow, &request.via()), response);
        }
    }

    /// The tag that our first response to the INVITE had, or the one that needs no memory.
    fn tag_of(&self, request: &Message) -> String {
        let key = match_key(request, Method::Invite);
        let server = self
            .find(&key, self.hashes.of_key(&key))
            .and_then(|key| self.slab.get(key));
        match server.and_then(|server| server.local_tag.as_deref()) {
            Some(tag) => String::from(tag),
            None => self.stateless_tag(request),
        }
    }

    pub(crate) fn stateless_tag(&self, request: &Message) -> String {
        format!("{:016x}", self.hashes.tag(request))
    }

    pub(crate) fn respond(
        &mut self,
        now: Duration,
        id: ServerId,
        response: ResponseBuilder,
        out: &mut Outbox,
    ) -> Result<(), RespondError> {
        let server = self.slab.get_mut(id.0).ok_or(RespondError::NotWaiting)?;
        if !server.machine.is_waiting() {
            return Err(RespondError::NotWaiting);
        }
        let response = response.received(server.source).build()?;
        server.send(now, response, out);
        self.settle(id.0, out);
        Ok(())
    }

    pub(crate) fn trying(&mut self, now: Duration, id: ServerId, out: &mut Outbox) {
        let Some(server) = self.slab.get_mut(id.0) else {
            return;
        };
        server.say_trying(now, out);
        self.settle(id.0, out);
    }

    pub(crate) fn success_is_known(&mut self, id: ServerId, out: &mut Outbox) {
        let Some(server) = self.slab.get_mut(id.0) else {
            return;
        };
        if let Machine::Invite(machine) = &mut server.machine {
            machine.on_success_known();
        }
        self.settle(id.0, out);
    }

    pub(crate) fn refuse(
        &mut self,
        id: ServerId,
        response: ResponseBuilder,
        out: &mut Outbox,
    ) -> Result<(), RespondError> {
        let server = self.slab.get(id.0).ok_or(RespondError::NotWaiting)?;
        if !server.machine.is_waiting() {
            return Err(RespondError::NotWaiting);
        }
        let response = response.received(server.source).build()?;
        out.transmit(server.reply, response);
        self.forget(id.0, out);
        Ok(())
    }

    /// Sends the responses to requests on a lost connection by a new one.
    pub(crate) fn transport_failed(&mut self, flow: &Flow) {
        // A WebSocket client cannot be called back (RFC 7118 §5).
        let lost = flow.connection.is_some();
        if !lost || matches!(flow.transport, Transport::Ws | Transport::Wss) {
            return;
        }
        for server in self.slab.iter_mut() {
            if server.reply.connection == flow.connection && server.reply.remote == flow.remote {
                server.reply = reply::reconnected(server.reply, server.sent_by_port);
            }
        }
    }

    /// Does what the timers of one transaction ask for.
    pub(crate) fn fire(&mut self, now: Duration, key: Key, out: &mut Outbox) {
        let Some(server) = self.slab.get_mut(key) else {
            return;
        };
        server.armed = None;
        while let Some(due) = server.machine.handle_timeout(now) {
            match due {
                invite_server::Due::Trying => server.say_trying(now, out),
                invite_server::Due::Resend => {
                    if let Some(response) = &server.response {
                        out.retransmit(server.reply, response);
                    }
                }
                invite_server::Due::AckMissing => out.tell(Event::AckMissing {
                    server: ServerId(key),
                }),
                invite_server::Due::Ended => {}
            }
        }
        self.settle(key, out);
    }

    /// Lets go of a transaction that is over, or of what it no longer needs, and keeps its deadline.
    fn settle(&mut self, key: Key, out: &mut Outbox) {
        let Some(server) = self.slab.get_mut(key) else {
            return;
        };
        if server.machine.is_terminated() {
            self.forget(key, out);
            return;
        }
        if !server.machine.may_resend() {
            server.response = None;
        }
        let wanted = server.machine.poll_timeout();
        out.deadlines
            .move_to(Owner::Server(key), &mut server.armed, wanted);
    }

    fn forget(&mut self, key: Key, out: &mut Outbox) {
        let Some(mut server) = self.slab.remove(key) else {
            return;
        };
        out.deadlines
            .move_to(Owner::Server(key), &mut server.armed, None);
        let is_it = |place: &Key| *place == key;
        if let Ok(entry) = self.by_match.find_entry(server.match_hash, is_it) {
            entry.remove();
        }
        // Another transaction of the same origin may have taken its place.
        if let Ok(entry) = self.by_origin.find_entry(server.origin as u64, is_it) {
            entry.remove();
        }
    }

    pub(crate) fn count(&self, census: &mut Census) {
        for (_, server) in self.slab.iter() {
            match server.machine {
                Machine::Invite(_) => census.invite_servers += 1,
                Machine::Other(_) => census.non_invite_servers += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(branch: &str) -> Message {
        let text = format!(
            "OPTIONS sip:us@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch={branch}\r\n\
             From: <sip:b@b>;tag=b\r\nTo: <sip:us@a>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"
        );
        Message::parse(text.into()).unwrap()
    }

    /// Two requests of one origin share a place in the table by origin: whichever goes first, none
    /// stays behind in either table.
    #[test]
    fn the_tables_forget_what_is_over() {
        let flow = Flow {
            transport: Transport::Udp,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "192.0.2.9:5060".parse().unwrap(),
            connection: None,
        };
        for refused_first in [true, false] {
            let branches = Branches::new(1, (1, 2));
            let mut servers = Servers::new(Timers::default(), 8, Hashes::new((3, 4)));
            let mut out = Outbox::default();
            let now = Duration::from_secs(1);
            let (first, second) = (request("z9hG4bK1"), request("z9hG4bK2"));
            servers.receive(now, flow, first.clone(), &branches, &mut out);
            let a = servers.slab.iter().next().map(|(key, _)| ServerId(key));
            let challenge = ResponseBuilder::new(&first, 401).to_tag("x");
            servers
                .respond(now, a.unwrap(), challenge, &mut out)
                .unwrap();
            servers.receive(now, flow, second.clone(), &branches, &mut out);
            let b = servers.slab.iter().nth(1).map(|(key, _)| ServerId(key));
            assert_eq!((servers.by_match.len(), servers.by_origin.len()), (2, 1));
            if refused_first {
                let refusal = ResponseBuilder::new(&second, 403).to_tag("x");
                servers.refuse(b.unwrap(), refusal, &mut out).unwrap();
            }
            while let Some(owner) = out.deadlines.take_due(Duration::from_secs(100)) {
                let (Owner::Client(key) | Owner::Server(key)) = owner;
                servers.fire(Duration::from_secs(100), key, &mut out);
            }
            assert_eq!((servers.by_match.len(), servers.by_origin.len()), (0, 0));
            assert_eq!(servers.slab.len(), 0);
        }
    }
}
