//! One server transaction: its machine, what it is found by, and what it may have to send again.

use alloc::boxed::Box;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use crate::{Flow, HeaderName, Message, Method, ResponseBuilder};

use super::invite_server::{self, InviteServer};
use super::matching::{MatchKey, Origin};
use super::non_invite_server::NonInviteServer;
use super::outbox::Outbox;
use super::reply;
use super::timers::Timers;

/// One request that we received, with what may have to be sent again.
pub(crate) struct Server {
    pub(crate) machine: Machine,
    pub(crate) match_key: Box<[u8]>,
    pub(crate) match_hash: u64,
    pub(crate) origin: Origin,
    /// Whether the request had a To-tag.
    pub(crate) in_dialog: bool,
    /// Whether it was refused for want of credentials, so that the same may come again with them.
    pub(crate) challenged: bool,
    pub(crate) cancelled: bool,
    /// Our tag: the one of the request's To, or of our first response.
    pub(crate) local_tag: Option<Box<str>>,
    /// Where the request came from.
    pub(crate) source: SocketAddr,
    /// The way of the responses.
    pub(crate) reply: Flow,
    pub(crate) sent_by_port: u16,
    /// An INVITE, until the first response.
    pub(crate) request: Option<Bytes>,
    /// The last response, while it may have to be sent again.
    pub(crate) response: Option<Bytes>,
    pub(crate) armed: Option<Duration>,
}

/// The machine of its kind.
pub(crate) enum Machine {
    Invite(InviteServer),
    Other(NonInviteServer),
}

impl Server {
    /// The request has just come.
    pub(crate) fn new(
        now: Duration,
        timers: Timers,
        flow: Flow,
        message: &Message,
        (match_key, match_hash): (MatchKey, u64),
        origin: Origin,
    ) -> Self {
        let reliable = flow.transport.is_reliable();
        let invite = message.method() == Method::Invite;
        let machine = if invite {
            Machine::Invite(InviteServer::new(now, timers, reliable))
        } else {
            Machine::Other(NonInviteServer::new(now, timers, reliable))
        };
        let via = message.via();
        Self {
            machine,
            match_key: match_key.as_slice().into(),
            match_hash,
            origin,
            in_dialog: message.to_tag().is_some(),
            challenged: false,
            cancelled: false,
            local_tag: message.to_tag().map(Box::from),
            source: flow.remote,
            reply: reply::reply_flow(flow, &via),
            sent_by_port: reply::sent_by_port(flow, &via),
            request: invite.then(|| message.as_bytes().clone()),
            response: None,
            armed: None,
        }
    }

    /// Sends the user's response, and keeps it for when it is asked for again.
    pub(crate) fn send(&mut self, now: Duration, response: Bytes, out: &mut Outbox) {
        let status = status_of(&response);
        self.machine.on_respond(now, status);
        self.request = None;
        self.challenged = matches!(status, 401 | 407);
        if self.local_tag.is_none() && matches!(self.machine, Machine::Invite(_)) {
            self.local_tag = to_tag_of(&response);
        }
        out.transmit(self.reply, response.clone());
        self.response = Some(response);
    }

    /// Sends 100 Trying, unless the INVITE has had a response.
    pub(crate) fn say_trying(&mut self, now: Duration, out: &mut Outbox) {
        let request = self.request.take().map(Message::parse);
        let Some(Ok(request)) = request else { return };
        let response = ResponseBuilder::new(&request, 100)
            .copy(&request, HeaderName::Timestamp)
            .received(self.source);
        if let Ok(response) = response.build() {
            self.machine.on_respond(now, 100);
            out.transmit(self.reply, response.clone());
            self.response = Some(response);
        }
    }
}

impl Machine {
    /// No final response has been given.
    pub(crate) fn is_waiting(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_proceeding(),
            Self::Other(machine) => machine.is_waiting(),
        }
    }

    pub(crate) fn on_respond(&mut self, now: Duration, status: u16) {
        match self {
            Self::Invite(machine) => machine.on_respond(now, status),
            Self::Other(machine) => machine.on_respond(now, status),
        };
    }

    pub(crate) fn handle_timeout(&mut self, now: Duration) -> Option<invite_server::Due> {
        match self {
            Self::Invite(machine) => machine.handle_timeout(now),
            Self::Other(machine) => machine
                .handle_timeout(now)
                .then_some(invite_server::Due::Ended),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Self::Invite(machine) => machine.poll_timeout(),
            Self::Other(machine) => machine.poll_timeout(),
        }
    }

    pub(crate) fn may_resend(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.may_resend(),
            Self::Other(machine) => !machine.is_terminated(),
        }
    }

    pub(crate) fn is_terminated(&self) -> bool {
        match self {
            Self::Invite(machine) => machine.is_terminated(),
            Self::Other(machine) => machine.is_terminated(),
        }
    }
}

/// The status of a response that we wrote: the three digits after `SIP/2.0 `.
fn status_of(response: &[u8]) -> u16 {
    let digits = response.get(8..11).unwrap_or_default();
    digits
        .iter()
        .fold(0, |status, digit| 10 * status + u16::from(digit & 15))
}

/// The To-tag of a response that we wrote.
fn to_tag_of(response: &Bytes) -> Option<Box<str>> {
    let response = Message::parse(response.clone()).ok()?;
    response.to_tag().map(Box::from)
}
