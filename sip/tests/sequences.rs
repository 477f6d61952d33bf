//! The event programs of `sipx-testkit`, and random ones, driven through our layer.
//!
//! The package carries programs for transaction layers: messages, answers and timers in orders
//! that nobody writes a test for. Its own driver knows its own layer only, so here is one for ours.
//! A timer cannot be fired out of turn in our layer; `FireTimer` lets time pass to the next
//! deadline instead, so that a program with many of them runs all timers down.
//!
//! Checked after every step: no deadline is left in the past, the server transactions are bounded
//! by the vocabulary, a response that answers a live request reaches its user, and outcomes are
//! told once. In the end all timers run out and only what waits for its user is left.
#![allow(clippy::unwrap_used, reason = "the whole file is a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use proptest::prelude::*;
use sip::transaction::{ClientId, Config, Event as Told, Layer, Output, ServerId};
use sip::{Flow, Message, Method, RequestBuilder, ResponseBuilder, Transport};
use sipx_testkit::transaction_sequence::{
    Event, FIRST_LEGACY_SLOT, Program, SLOTS, STATUSES, TAGS, seeds,
};

/// The methods of the programs, by index.
const METHODS: [Method<'static>; 6] = [
    Method::Invite,
    Method::Ack,
    Method::Bye,
    Method::Cancel,
    Method::Register,
    Method::Options,
];

struct Driver {
    layer: Layer,
    now: Duration,
    /// Requests that we sent, as they left, by slot and method; the latest of each.
    clients: BTreeMap<(u8, u8), (ClientId, Message)>,
    invites: BTreeSet<ClientId>,
    /// Requests that the layer told us of, by slot and method; the latest of each.
    servers: BTreeMap<(u8, u8), (ServerId, Message)>,
    ended: BTreeSet<ClientId>,
    trace: Vec<String>,
}

fn flow(reliable: bool) -> Flow {
    Flow {
        transport: if reliable {
            Transport::Tcp
        } else {
            Transport::Udp
        },
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: "192.0.2.2:5060".parse().unwrap(),
        connection: reliable.then_some(1),
    }
}

/// A request of the peer. Slots from the first legacy one on have a branch without cookie.
fn received(slot: u8, method: u8, to_tag: u8) -> Message {
    let cookie = if slot < FIRST_LEGACY_SLOT {
        "z9hG4bK"
    } else {
        ""
    };
    let method_name = METHODS[usize::from(method)];
    let mut text = format!("{method_name} sip:us@192.0.2.1 SIP/2.0\r\n");
    let _ = write!(
        text,
        "Via: SIP/2.0/UDP 192.0.2.2;branch={cookie}s{slot}\r\n"
    );
    let _ = write!(text, "From: <sip:them@192.0.2.2>;tag=f\r\n");
    // Only the ACK to a response carries the tag that the response gave.
    let tag = if method_name == Method::Ack {
        format!(";tag={}", TAGS[usize::from(to_tag)])
    } else {
        String::new()
    };
    let _ = write!(text, "To: <sip:us@192.0.2.1>{tag}\r\nCall-ID: s{slot}\r\n");
    let _ = write!(text, "CSeq: 1 {method_name}\r\nMax-Forwards: 70\r\n\r\n");
    Message::parse(text.into()).unwrap()
}

impl Driver {
    fn new() -> Self {
        Self {
            layer: Layer::new(&Config::new(1, [1; 32])),
            now: Duration::from_secs(1000),
            clients: BTreeMap::new(),
            invites: BTreeSet::new(),
            servers: BTreeMap::new(),
            ended: BTreeSet::new(),
            trace: Vec::new(),
        }
    }

    fn run(mut self, program: &Program) -> Vec<String> {
        for event in &program.events {
            self.trace.push(format!("{event:?}"));
            self.step(*event);
            self.drain();
            self.check();
        }
        self.run_down();
        self.trace
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::SendRequest {
                slot,
                method,
                reliable,
            } => self.send(slot, method, reliable),
            Event::ReceiveRequest {
                slot,
                method,
                reliable,
                to_tag,
            } => {
                let message = received(slot, method, to_tag);
                self.layer.receive(self.now, flow(reliable), message);
                self.remember_request(slot, method);
            }
            Event::ReceiveResponse {
                slot,
                method,
                status,
                to_tag,
            } => {
                self.receive_response(slot, method, status, to_tag);
            }
            Event::SendResponse {
                slot,
                method,
                status,
                to_tag,
            } => {
                self.respond(slot, method, status, to_tag);
            }
            Event::FireTimer { .. } => {
                if let Some(at) = self.layer.poll_timeout() {
                    self.now = self.now.max(at);
                }
                self.layer.handle_timeout(self.now);
            }
            Event::TransportError { .. } => {
                self.layer.transport_failed(self.now, &flow(false));
            }
            // Our layer gives up by itself what its user never answers: see `run_down`.
            Event::Abandon { .. } => {}
        }
    }

    fn send(&mut self, slot: u8, method: u8, reliable: bool) {
        let name = METHODS[usize::from(method)];
        if name == Method::Ack {
            return;
        }
        if name == Method::Cancel {
            if let Some((invite, _)) = self.clients.get(&(slot, 0)) {
                self.layer.cancel(self.now, *invite, None);
            }
            return;
        }
        let request = RequestBuilder::new(name, "sip:them@192.0.2.2")
            .from("", "sip:us@192.0.2.1", "f")
            .to("", "sip:them@192.0.2.2", None)
            .call_id(&format!("c{slot}"))
            .cseq(1);
        let client = self
            .layer
            .send_request(self.now, flow(reliable), request)
            .unwrap();
        let Some(Output::Transmit(sent)) = self.layer.poll_output() else {
            panic!("the request is sent at once");
        };
        if name == Method::Invite {
            self.invites.insert(client);
        }
        self.clients.insert(
            (slot, method),
            (client, Message::parse(sent.payload).unwrap()),
        );
    }

    fn remember_request(&mut self, slot: u8, method: u8) {
        while let Some(output) = self.layer.poll_output() {
            let Output::Event(told) = output else {
                continue;
            };
            if let Told::Request {
                server, message, ..
            } = told
            {
                self.servers.insert((slot, method), (server, message));
            }
        }
    }

    fn receive_response(&mut self, slot: u8, method: u8, status: u8, to_tag: u8) {
        let cancel = METHODS[usize::from(method)] == Method::Cancel;
        let key = (slot, if cancel { 0 } else { method });
        let Some((client, request)) = self.clients.get(&key).cloned() else {
            return;
        };
        let status = STATUSES[usize::from(status)];
        let text = String::from_utf8(request.as_bytes().to_vec()).unwrap();
        let text = if cancel {
            text.replace("INVITE", "CANCEL")
        } else {
            text
        };
        let request = Message::parse(text.into()).unwrap();
        let response = ResponseBuilder::new(&request, status)
            .to_tag(TAGS[usize::from(to_tag)])
            .message()
            .unwrap();
        // Waiting still, if no final outcome was told: then it must be told of this one.
        let waits =
            !cancel && self.layer.is_answered(client).is_some() && !self.ended.contains(&client);
        self.layer.receive(self.now, flow(false), response);
        let told = self.drain();
        assert!(
            !waits || told > 0,
            "{} {status} reached nobody",
            request.method()
        );
    }

    fn respond(&mut self, slot: u8, method: u8, status: u8, to_tag: u8) {
        let Some((server, request)) = self.servers.get(&(slot, method)) else {
            return;
        };
        let status = STATUSES[usize::from(status)];
        let tag = TAGS[usize::from(to_tag)];
        let response = ResponseBuilder::new(request, status).to_tag(tag);
        // Refused if it has its final response: that is the layer's to know.
        let _ = self.layer.respond(self.now, *server, response);
    }

    /// Takes note of all outputs; returns how many responses were told.
    fn drain(&mut self) -> usize {
        let mut responses = 0;
        while let Some(output) = self.layer.poll_output() {
            let told = match output {
                Output::Transmit(transmit) => {
                    let message = Message::parse(transmit.payload).expect("sound messages only");
                    self.trace
                        .push(format!("  > {:?} {}", message.status(), message.method()));
                    continue;
                }
                Output::Event(told) => told,
            };
            self.trace.push(format!("  {}", name_of(&told)));
            match told {
                Told::Response {
                    client, message, ..
                } => {
                    responses += 1;
                    self.on_response(client, &message);
                }
                Told::TimedOut { client } | Told::TransportFailed { client } => {
                    assert!(self.ended.insert(client), "an outcome twice");
                    assert_eq!(self.layer.is_answered(client), None, "told, so over");
                }
                Told::Request { .. }
                | Told::Ack { .. }
                | Told::Cancelled { .. }
                | Told::AckMissing { .. }
                | Told::StrayResponse { .. } => {}
            }
        }
        responses
    }

    fn on_response(&mut self, client: ClientId, message: &Message) {
        let status = message.status().unwrap();
        if status < 200 {
            assert!(
                !self.ended.contains(&client),
                "a provisional response after the final one"
            );
            return;
        }
        let first = self.ended.insert(client);
        let fork = self.invites.contains(&client) && status < 300;
        assert!(first || fork, "a second final response");
    }

    fn check(&self) {
        let next = self.layer.poll_timeout();
        assert!(
            next.is_none_or(|at| at > self.now),
            "a deadline in the past"
        );
        let servers = self.layer.census().invite_servers + self.layer.census().non_invite_servers;
        assert!(
            servers <= usize::from(SLOTS) * METHODS.len(),
            "{servers} server transactions"
        );
    }

    /// Lets all timers run: then only calls that ring, on either side, are left.
    fn run_down(&mut self) {
        let end = self.now + Duration::from_secs(1000);
        while let Some(at) = self.layer.poll_timeout() {
            assert!(at < end, "timers end");
            self.now = self.now.max(at);
            self.layer.handle_timeout(self.now);
            self.drain();
        }
        let census = self.layer.census();
        assert_eq!(census.non_invite_clients, 0);
        assert_eq!(census.non_invite_servers, 0);
        assert!(
            census.invite_clients
                <= self.invites.len() - self.invites.intersection(&self.ended).count()
        );
        assert!(census.invite_servers <= usize::from(SLOTS));
    }
}

fn name_of(told: &Told) -> &'static str {
    match told {
        Told::Request { .. } => "request",
        Told::Ack { .. } => "ack",
        Told::Cancelled { .. } => "cancelled",
        Told::Response { .. } => "response",
        Told::TimedOut { .. } => "timed out",
        Told::TransportFailed { .. } => "transport failed",
        Told::AckMissing { .. } => "ack missing",
        Told::StrayResponse { .. } => "stray response",
    }
}

#[test]
fn the_seed_programs_end_as_they_should() {
    let expected: &[(&str, &[&str])] = &[
        (
            "t1-invite-client-retransmits-then-times-out",
            &["  > None INVITE", "  timed out"],
        ),
        (
            "t2-invite-client-acks-a-non-2xx",
            &["  response", "  > None ACK"],
        ),
        (
            "t3-invite-client-2xx-is-not-acked-and-a-fork-answers-twice",
            &["  response"],
        ),
        (
            "invite-client-waits-in-proceeding-with-no-timeout",
            &["  response"],
        ),
        (
            "non-invite-client-backs-off-then-times-out",
            &["  > None OPTIONS", "  timed out"],
        ),
        (
            "non-invite-client-completes-on-a-final-response",
            &["  response"],
        ),
        (
            "t5-server-absorbs-request-retransmissions",
            &["  > Some(200) REGISTER"],
        ),
        (
            "t7-invite-server-sends-100-then-absorbs-the-ack",
            &["  > Some(100) INVITE", "  > Some(486) INVITE"],
        ),
        (
            "invite-server-times-out-waiting-for-an-ack",
            &["  > Some(500) INVITE"],
        ),
        (
            "transport-error-terminates-and-tells-the-tu",
            &["  transport failed"],
        ),
        ("t13-legacy-branch-matching", &["  > Some(200) OPTIONS"]),
    ];
    let traces: BTreeMap<_, _> = seeds()
        .into_iter()
        .map(|seed| (seed.name, Driver::new().run(&seed.program)))
        .collect();
    for (name, lines) in expected {
        let trace = traces.get(name).expect("the package still has the program");
        for line in *lines {
            assert!(
                trace.iter().any(|one| one == line),
                "{name}: no {line:?} in {trace:#?}"
            );
        }
    }
    assert!(traces.len() >= expected.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn random_programs_break_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        Driver::new().run(&Program::decode(&bytes));
    }
}
