//! One client transaction: its machine, and what it may have to send again.

use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::{Flow, Method};

use super::invite_client::InviteClient;
use super::non_invite_client::NonInviteClient;
use super::outbox::Outbox;
use super::slab::Key;
use super::timers::Timers;

/// How many branches of a fork may answer one INVITE with a 2xx; further ones are ignored.
const FORKS_MAX: usize = 16;

/// One request that we sent, with what may have to be sent again.
pub(crate) struct Client {
    pub(crate) machine: Machine,
    pub(crate) flow: Flow,
    /// What is sent again; empty once it no longer can be.
    pub(crate) request: Bytes,
    pub(crate) armed: Option<Duration>,
}

/// The machine of its kind.
pub(crate) enum Machine {
    Invite(Box<Invite>),
    /// `told`: whether the user hears of it; of a CANCEL they don't.
    Other {
        machine: NonInviteClient,
        told: bool,
    },
}

/// What belongs to an INVITE.
pub(crate) struct Invite {
    pub(crate) machine: InviteClient,
    /// The ACK of a refusal, once there is one.
    pub(crate) refusal_ack: Option<Bytes>,
    pub(crate) successes: SmallVec<[Success; 1]>,
    pub(crate) cancel: Cancel,
}

/// One 2xx, known by its To-tag, and its ACK as soon as the user has given it.
pub(crate) struct Success {
    pub(crate) to_tag: Box<str>,
    pub(crate) ack: Option<(Flow, Bytes)>,
}

/// Where the wish to cancel stands.
pub(crate) enum Cancel {
    No,
    /// Wanted before anyone answered: it waits for that (RFC 3261 §9.1).
    Waiting {
        reason: Option<String>,
    },
    /// Sent, in a transaction of its own under the branch of the INVITE.
    Sent(Key),
}

impl Client {
    /// Whether a response whose CSeq names that method can be an answer (RFC 3261 §17.1.3). Once
    /// the request is gone it has been answered, and another answer changes nothing.
    pub(crate) fn asked(&self, method: Method<'_>) -> bool {
        match &self.machine {
            Machine::Invite(_) => method == Method::Invite,
            Machine::Other { .. } => {
                let rest = self.request.strip_prefix(method.as_str().as_bytes());
                self.request.is_empty() || rest.is_some_and(|rest| rest.starts_with(b" "))
            }
        }
    }
}

impl Machine {
    /// The request has just been sent. `told`: whether the user hears of the outcome.
    pub(crate) fn new(
        now: Duration,
        timers: Timers,
        reliable: bool,
        invite: bool,
        told: bool,
    ) -> Self {
        if !invite {
            let machine = NonInviteClient::new(now, timers, reliable);
            return Self::Other { machine, told };
        }
        Self::Invite(Box::new(Invite {
            machine: InviteClient::new(now, timers, reliable),
            refusal_ack: None,
            successes: SmallVec::new(),
            cancel: Cancel::No,
        }))
    }

    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Self::Invite(invite) => invite.machine.poll_timeout(),
            Self::Other { machine, .. } => machine.poll_timeout(),
        }
    }

    pub(crate) fn is_terminated(&self) -> bool {
        match self {
            Self::Invite(invite) => invite.machine.is_terminated(),
            Self::Other { machine, .. } => machine.is_terminated(),
        }
    }
}

impl Invite {
    /// A 2xx: true if the user has to hear of it. One that came again is acknowledged again.
    pub(crate) fn on_success(&mut self, to_tag: &str, out: &mut Outbox) -> bool {
        let known = self
            .successes
            .iter()
            .find(|success| *success.to_tag == *to_tag);
        if let Some(known) = known {
            if let Some((flow, ack)) = &known.ack {
                out.retransmit(*flow, ack);
            }
            return false;
        }
        if self.successes.len() >= FORKS_MAX {
            return false;
        }
        self.successes.push(Success {
            to_tag: to_tag.into(),
            ack: None,
        });
        true
    }
}
