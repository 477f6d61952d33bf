//! The requests that we sent: finds the transaction of a response and does what its machine says.
//!
//! A response finds its transaction through the branch, which names it ([`Branches`]). An INVITE
//! keeps what later messages are made of: itself until it is answered, then the ACK of its refusal
//! or the ACKs that the user gave for its 2xx.

use alloc::string::String;
use core::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::wire::BuildError;
use crate::{Flow, Message, Method, RequestBuilder};

use super::branch::Branches;
use super::client::{Cancel, Client, Machine};
use super::deadlines::Owner;
use super::event::{Census, ClientId, Event};
use super::follow_up;
use super::invite_client;
use super::non_invite_client;
use super::outbox::Outbox;
use super::slab::{Key, Slab};
use super::timers::Timers;
use super::top_via::with_via;

/// Set in the names of branches that belong to no transaction.
const LONE: Key = 1 << 63;

/// All client transactions.
pub(crate) struct Clients {
    timers: Timers,
    branches: Branches,
    slab: Slab<Client>,
    lone_branches: Key,
}

impl Clients {
    pub(crate) fn new(timers: Timers, branches: Branches) -> Self {
        Self {
            timers,
            branches,
            slab: Slab::new(),
            lone_branches: 0,
        }
    }

    /// The branches that our requests carry.
    pub(crate) const fn branches(&self) -> &Branches {
        &self.branches
    }

    pub(crate) fn send(
        &mut self,
        now: Duration,
        flow: Flow,
        sent_by: &str,
        request: RequestBuilder,
        out: &mut Outbox,
    ) -> Result<ClientId, BuildError> {
        let branch = self.branches.of(self.slab.next_key());
        let request = with_via(&request.build()?, flow.transport, sent_by, &branch);
        let invite = request.starts_with(b"INVITE ");
        Ok(ClientId(self.open(now, flow, request, invite, true, out)))
    }

    /// A branch for a request that no transaction is kept of.
    pub(crate) fn lone_branch(&mut self) -> String {
        self.lone_branches = self.lone_branches.wrapping_add(1);
        self.branches.of(LONE | self.lone_branches)
    }

    /// Opens a transaction and sends its request for the first time.
    fn open(
        &mut self,
        now: Duration,
        flow: Flow,
        request: Bytes,
        invite: bool,
        told: bool,
        out: &mut Outbox,
    ) -> Key {
        let reliable = flow.transport.is_reliable();
        let machine = Machine::new(now, self.timers, reliable, invite, told);
        out.transmit(flow, request.clone());
        let key = self.slab.insert(Client {
            machine,
            flow,
            request,
            armed: None,
        });
        self.settle(key, out);
        key
    }

    /// Takes a response to its transaction.
    pub(crate) fn receive(
        &mut self,
        now: Duration,
        flow: Flow,
        message: Message,
        out: &mut Outbox,
    ) {
        let method = message.cseq().method;
        let via = message.via();
        let branch = via.branch().unwrap_or_default();
        let named = self.branches.recognise(branch);
        let ours = named.is_some() || self.branches.is_of_another_life(branch);
        let key = if method == Method::Cancel {
            named.and_then(|key| self.cancel_of(key))
        } else {
            named
        };
        let Some((key, client)) = key.and_then(|key| Some((key, self.slab.get_mut(key)?))) else {
            let answers_invite = ours && method == Method::Invite;
            on_stray(flow, message, answers_invite, out);
            return;
        };
        if !client.asked(method) {
            out.counters.responses_dropped += 1;
            return;
        }
        match &client.machine {
            Machine::Invite(_) => self.on_invite_response(now, key, flow, message, out),
            Machine::Other { .. } => self.on_other_response(now, key, flow, message, out),
        }
        self.settle(key, out);
    }

    fn on_other_response(
        &mut self,
        now: Duration,
        key: Key,
        flow: Flow,
        message: Message,
        out: &mut Outbox,
    ) {
        let machine = self.slab.get_mut(key).map(|client| &mut client.machine);
        let Some(Machine::Other { machine, told }) = machine else {
            return;
        };
        match machine.on_response(now, message.status().unwrap_or_default()) {
            non_invite_client::Received::Deliver if *told => out.tell(Event::Response {
                client: ClientId(key),
                flow,
                message,
            }),
            non_invite_client::Received::Deliver => {}
            non_invite_client::Received::Ignored => out.counters.responses_absorbed += 1,
        }
    }

    fn cancel_of(&self, invite: Key) -> Option<Key> {
        match &self.slab.get(invite)?.machine {
            Machine::Invite(invite) => match invite.cancel {
                Cancel::Sent(key) => Some(key),
                Cancel::No | Cancel::Waiting { .. } => None,
            },
            Machine::Other { .. } => None,
        }
    }

    fn on_invite_response(
        &mut self,
        now: Duration,
        key: Key,
        flow: Flow,
        message: Message,
        out: &mut Outbox,
    ) {
        use invite_client::Received;
        let Some(client) = self.slab.get_mut(key) else {
            return;
        };
        let Machine::Invite(invite) = &mut client.machine else {
            return;
        };
        let status = message.status().unwrap_or_default();
        let tell = match invite.machine.on_response(now, status) {
            Received::Provisional => true,
            Received::Success => {
                client.request = Bytes::new();
                invite.on_success(message.to_tag().unwrap_or_default(), out)
            }
            Received::Failure => {
                let request = core::mem::take(&mut client.request);
                let ack = follow_up::ack(&request, &message);
                if let Some(ack) = &ack {
                    out.transmit(client.flow, ack.clone());
                }
                invite.refusal_ack = ack;
                true
            }
            Received::FailureAgain => {
                if let Some(ack) = &invite.refusal_ack {
                    out.retransmit(client.flow, ack);
                }
                false
            }
            Received::Ignored => false,
        };
        if tell {
            out.tell(Event::Response {
                client: ClientId(key),
                flow,
                message,
            });
        } else {
            out.counters.responses_absorbed += 1;
        }
        self.cancel_if_waiting(now, key, out);
    }

    /// Sends the CANCEL that waited for a provisional response.
    fn cancel_if_waiting(&mut self, now: Duration, key: Key, out: &mut Outbox) {
        let Some(client) = self.slab.get_mut(key) else {
            return;
        };
        let Machine::Invite(invite) = &mut client.machine else {
            return;
        };
        if !invite.machine.is_proceeding() {
            return;
        }
        let Cancel::Waiting { reason } = &invite.cancel else {
            return;
        };
        let Some(request) = follow_up::cancel(&client.request, reason.as_deref()) else {
            return;
        };
        invite.machine.on_cancel_sent(now);
        let flow = client.flow;
        let cancel = self.open(now, flow, request, false, false, out);
        if let Some(Machine::Invite(invite)) =
            self.slab.get_mut(key).map(|client| &mut client.machine)
        {
            invite.cancel = Cancel::Sent(cancel);
        }
    }

    /// Cancels an INVITE. False if there is nothing to cancel: it is answered, over, or cancelled.
    pub(crate) fn cancel(
        &mut self,
        now: Duration,
        client: ClientId,
        reason: Option<&str>,
        out: &mut Outbox,
    ) -> bool {
        let Some(Machine::Invite(invite)) = self
            .slab
            .get_mut(client.0)
            .map(|client| &mut client.machine)
        else {
            return false;
        };
        let undecided = invite.machine.is_calling() || invite.machine.is_proceeding();
        if !undecided || !matches!(invite.cancel, Cancel::No) {
            return false;
        }
        invite.cancel = Cancel::Waiting {
            reason: reason.map(String::from),
        };
        self.cancel_if_waiting(now, client.0, out);
        self.settle(client.0, out);
        true
    }

    /// Sends the user's ACK to a 2xx, and again whenever that 2xx comes again.
    pub(crate) fn acknowledge(
        &mut self,
        client: ClientId,
        to_tag: &str,
        flow: Flow,
        ack: Bytes,
        out: &mut Outbox,
    ) {
        out.transmit(flow, ack.clone());
        let Some(Machine::Invite(invite)) = self
            .slab
            .get_mut(client.0)
            .map(|client| &mut client.machine)
        else {
            return;
        };
        let success = invite
            .successes
            .iter_mut()
            .find(|success| *success.to_tag == *to_tag);
        if let Some(success) = success {
            success.ack = Some((flow, ack));
        }
    }

    /// Whether anything has been heard of the request; `None` once the transaction is over.
    pub(crate) fn is_answered(&self, client: ClientId) -> Option<bool> {
        let client = self.slab.get(client.0)?;
        Some(match &client.machine {
            Machine::Invite(invite) => !invite.machine.is_calling(),
            Machine::Other { machine, .. } => machine.is_answered(),
        })
    }

    /// Ends what the loss of the flow ends.
    pub(crate) fn transport_failed(&mut self, flow: &Flow, out: &mut Outbox) {
        let concerned: SmallVec<[Key; 8]> = self
            .slab
            .iter()
            .filter(|(_, client)| same_way(&client.flow, flow))
            .map(|(key, _)| key)
            .collect();
        for key in concerned {
            let Some(client) = self.slab.get_mut(key) else {
                continue;
            };
            let tell = match &mut client.machine {
                Machine::Invite(invite) => invite.machine.on_transport_failed(),
                Machine::Other { machine, told } => machine.on_transport_failed() && *told,
            };
            if tell {
                out.tell(Event::TransportFailed {
                    client: ClientId(key),
                });
            }
            self.settle(key, out);
        }
    }

    /// Does what the timers of one transaction ask for.
    pub(crate) fn fire(&mut self, now: Duration, key: Key, out: &mut Outbox) {
        let Some(client) = self.slab.get_mut(key) else {
            return;
        };
        client.armed = None;
        let (flow, request) = (client.flow, &client.request);
        match &mut client.machine {
            Machine::Invite(invite) => {
                while let Some(due) = invite.machine.handle_timeout(now) {
                    match due {
                        invite_client::Due::Resend => out.retransmit(flow, request),
                        invite_client::Due::TimedOut => out.tell(Event::TimedOut {
                            client: ClientId(key),
                        }),
                        invite_client::Due::Ended => {}
                    }
                }
            }
            Machine::Other { machine, told } => {
                while let Some(due) = machine.handle_timeout(now) {
                    match due {
                        non_invite_client::Due::Resend => out.retransmit(flow, request),
                        non_invite_client::Due::TimedOut if *told => out.tell(Event::TimedOut {
                            client: ClientId(key),
                        }),
                        non_invite_client::Due::TimedOut | non_invite_client::Due::Ended => {}
                    }
                }
            }
        }
        self.settle(key, out);
    }

    /// Lets go of a transaction that is over, or keeps its deadline.
    fn settle(&mut self, key: Key, out: &mut Outbox) {
        let Some(client) = self.slab.get_mut(key) else {
            return;
        };
        if let Machine::Other { machine, .. } = &client.machine
            && machine.is_completed()
        {
            client.request = Bytes::new();
        }
        let wanted = client.machine.poll_timeout();
        let deadlines = &mut out.deadlines;
        deadlines.move_to(Owner::Client(key), &mut client.armed, wanted);
        if !client.machine.is_terminated() {
            return;
        }
        // Without its INVITE a CANCEL can no longer be told its answer.
        let cancel = self.cancel_of(key);
        self.slab.remove(key);
        if let Some(mut orphan) = cancel.and_then(|key| self.slab.remove(key)) {
            let owner = Owner::Client(cancel.unwrap_or_default());
            deadlines.move_to(owner, &mut orphan.armed, None);
        }
    }

    pub(crate) fn count(&self, census: &mut Census) {
        for (_, client) in self.slab.iter() {
            match client.machine {
                Machine::Invite(_) => census.invite_clients += 1,
                Machine::Other { .. } => census.non_invite_clients += 1,
            }
        }
    }
}

/// A response whose transaction is over, or never was.
fn on_stray(flow: Flow, message: Message, answers_invite: bool, out: &mut Outbox) {
    let success = message.status().is_some_and(|status| status / 100 == 2);
    if answers_invite && success {
        out.tell(Event::StrayResponse { flow, message });
    } else {
        out.counters.responses_dropped += 1;
    }
}

/// Whether what failed is the way that the request took. A connection that was yet to be made when
/// the request was sent has no number.
fn same_way(sent: &Flow, failed: &Flow) -> bool {
    let same_connection = match (sent.connection, failed.connection) {
        (Some(sent), Some(failed)) => sent == failed,
        (None, _) | (_, None) => true,
    };
    same_connection && sent.transport == failed.transport && sent.remote == failed.remote
}
