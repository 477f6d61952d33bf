//! What the layer says: the names of transactions, its events, its outputs, its figures.

use crate::wire::BuildError;
use crate::{Flow, Message, Transmit};

use super::slab::Key;

/// Names a client transaction: a request that we sent. Never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(crate) Key);

/// Names a server transaction: a request that we received. Never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub(crate) Key);

/// One thing the layer wants done.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "an output is moved once and taken apart; a box would allocate for every message"
)]
pub enum Output {
    /// Send these bytes.
    Transmit(Transmit),
    /// Know this.
    Event(Event),
}

/// What the layer tells its user.
#[derive(Debug)]
pub enum Event {
    /// A new request, neither ACK nor CANCEL. Answer it with [`Layer::respond`](super::Layer::respond):
    /// an INVITE waits for that without end, other requests are given up after 64*T1.
    Request {
        /// Names it in the answer.
        server: ServerId,
        /// The way it came.
        flow: Flow,
        /// The request, as it came.
        message: Message,
    },
    /// The first ACK to our 2xx. Its repetitions are swallowed.
    Ack {
        /// The INVITE that it acknowledges.
        server: ServerId,
        /// The way it came.
        flow: Flow,
        /// The ACK; it carries the answer if our 2xx carried an offer.
        message: Message,
    },
    /// The other side cancels its INVITE, which has no final response yet: answer the INVITE with
    /// 487. The CANCEL has its 200 already. Told once.
    Cancelled {
        /// The INVITE.
        server: ServerId,
        /// The way the CANCEL came.
        flow: Flow,
        /// The CANCEL, for its Reason header.
        message: Message,
    },
    /// A response to our request: every provisional one, the final one, and of an INVITE every 2xx
    /// with a To-tag not seen before. A non-2xx to an INVITE has its ACK already.
    Response {
        /// The request.
        client: ClientId,
        /// The way it came.
        flow: Flow,
        /// The response.
        message: Message,
    },
    /// No final response came in time (timer B or F, or 64*T1 after the CANCEL). The transaction
    /// is over.
    TimedOut {
        /// The request.
        client: ClientId,
    },
    /// The request could not be sent. The transaction is over.
    TransportFailed {
        /// The request.
        client: ClientId,
    },
    /// Our 2xx was repeated for 64*T1 and nobody acknowledged it: hang up (RFC 3261 §13.3.1.4).
    /// The transaction is over.
    AckMissing {
        /// The INVITE.
        server: ServerId,
    },
    /// A 2xx to an INVITE of ours whose transaction is over: acknowledge it and hang up.
    StrayResponse {
        /// The way it came.
        flow: Flow,
        /// The response.
        message: Message,
    },
}

/// Why a response was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// The request has had its final response, or was given up.
    #[error("the request waits for no response")]
    NotWaiting,
    /// The response cannot be written.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// How many transactions there are, of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// INVITEs we sent.
    pub invite_clients: usize,
    /// Other requests we sent, CANCELs included.
    pub non_invite_clients: usize,
    /// INVITEs we received.
    pub invite_servers: usize,
    /// Other requests we received.
    pub non_invite_servers: usize,
}

impl Census {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.invite_clients
            + self.non_invite_clients
            + self.invite_servers
            + self.non_invite_servers
    }
}

/// What the layer dealt with by itself, since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages we sent again because a timer said so.
    pub retransmitted: u64,
    /// Requests that came again.
    pub requests_absorbed: u64,
    /// Responses that came again or too late.
    pub responses_absorbed: u64,
    /// ACKs that belong to nothing, or came again.
    pub acks_absorbed: u64,
    /// Responses that belong to nothing, other than a 2xx to an INVITE of ours.
    pub responses_dropped: u64,
    /// Requests answered 482 because we sent them ourselves.
    pub loops: u64,
    /// Requests answered 482 because they came on two ways (RFC 3261 §8.2.2.2).
    pub merged: u64,
    /// Requests answered 503 because there were too many transactions.
    pub shed: u64,
}
