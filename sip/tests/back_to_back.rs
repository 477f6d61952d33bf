//! Two layers back to back over a network that loses, doubles and reorders, under virtual time.
//!
//! One side places calls and asks questions, cancels some, hangs up none; the other rings, answers,
//! refuses. Whatever the network does: every request gets one outcome, every call that is answered
//! is acknowledged or known not to be, and in the end no transaction is left.
#![allow(clippy::unwrap_used, reason = "the whole file is a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use sip::transaction::{ClientId, Config, Event, Layer, Output, ServerId, Timers};
use sip::{Flow, Message, Method, RequestBuilder, ResponseBuilder, Transmit, Transport};

/// What the network does to datagrams.
#[derive(Debug, Clone, Copy)]
struct Weather {
    transport: Transport,
    loss_percent: u64,
    double_percent: u64,
    delay_max_ms: u64,
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// What is going to happen: the order of the variants is the order within one instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Arrives {
        at_caller: bool,
        octets: Vec<u8>,
    },
    Place {
        invite: bool,
    },
    Cancel {
        client: ClientId,
    },
    Answer {
        server: ServerId,
        request: Vec<u8>,
        status: u16,
    },
}

/// How a request of ours ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Final(u16),
    TimedOut,
}

struct World {
    weather: Weather,
    dice: Dice,
    now: Duration,
    serial: u64,
    agenda: BTreeMap<(Duration, u64), Happening>,
    caller: Layer,
    callee: Layer,
    placed: BTreeMap<ClientId, bool>,
    outcomes: BTreeMap<ClientId, Vec<Outcome>>,
    served: BTreeSet<String>,
    accepted: BTreeSet<ServerId>,
    acknowledged: BTreeMap<ServerId, Vec<&'static str>>,
    calls: u64,
}

const T1: Duration = Duration::from_millis(500);

impl World {
    fn new(weather: Weather, seed: u64) -> Self {
        let layer = |instance| Layer::new(&Config::new(instance, [instance as u8; 32]));
        Self {
            weather,
            dice: Dice(seed),
            now: Duration::from_secs(1000),
            serial: 0,
            agenda: BTreeMap::new(),
            caller: layer(1),
            callee: layer(2),
            placed: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            served: BTreeSet::new(),
            accepted: BTreeSet::new(),
            acknowledged: BTreeMap::new(),
            calls: 0,
        }
    }

    fn plan(&mut self, after_ms: u64, happening: Happening) {
        self.serial += 1;
        let at = self.now + Duration::from_millis(after_ms);
        self.agenda.insert((at, self.serial), happening);
    }

    fn flow(&self, of_caller: bool) -> Flow {
        let (caller, callee) = ("192.0.2.1:5060", "192.0.2.2:5060");
        let (local, remote) = if of_caller {
            (caller, callee)
        } else {
            (callee, caller)
        };
        Flow {
            transport: self.weather.transport,
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
            connection: self.weather.transport.is_reliable().then_some(1),
        }
    }

    /// Runs until nothing is planned and no timer is left.
    fn run(&mut self) {
        loop {
            let timers = [self.caller.poll_timeout(), self.callee.poll_timeout()];
            let timer = timers.into_iter().flatten().min();
            let planned = self.agenda.keys().next().copied();
            match (timer, planned) {
                (None, None) => return,
                (Some(at), planned) if planned.is_none_or(|(then, _)| at < then) => {
                    self.now = self.now.max(at);
                    self.caller.handle_timeout(self.now);
                    self.callee.handle_timeout(self.now);
                }
                (_, Some(key)) => {
                    self.now = self.now.max(key.0);
                    let happening = self.agenda.remove(&key).unwrap();
                    self.happen(happening);
                }
                (Some(_), None) => unreachable!("a timer without plans is the case above"),
            }
            self.drain(true);
            self.drain(false);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrives { at_caller, octets } => {
                let message = Message::parse(octets.into()).expect("our own message");
                let flow = self.flow(at_caller);
                let now = self.now;
                self.layer(at_caller).receive(now, flow, message);
            }
            Happening::Place { invite } => self.place(invite),
            Happening::Cancel { client } => {
                self.caller.cancel(self.now, client, None);
            }
            Happening::Answer {
                server,
                request,
                status,
            } => {
                let request = Message::parse(request.into()).unwrap();
                let response = ResponseBuilder::new(&request, status).to_tag("callee");
                let sent = self.callee.respond(self.now, server, response);
                if sent.is_ok() && status / 100 == 2 && request.method() == Method::Invite {
                    self.accepted.insert(server);
                }
            }
        }
    }

    fn layer(&mut self, caller: bool) -> &mut Layer {
        if caller {
            &mut self.caller
        } else {
            &mut self.callee
        }
    }

    fn place(&mut self, invite: bool) {
        self.calls += 1;
        let method = if invite {
            Method::Invite
        } else {
            Method::Options
        };
        let request = RequestBuilder::new(method, "sip:bob@192.0.2.2")
            .from("", "sip:ann@192.0.2.1", "caller")
            .to("", "sip:bob@192.0.2.2", None)
            .call_id(&format!("call-{}", self.calls))
            .cseq(1);
        let flow = self.flow(true);
        let client = self.caller.send_request(self.now, flow, request).unwrap();
        self.placed.insert(client, invite);
        if invite {
            // Nobody rings for ever; some give up sooner.
            let patience = if self.dice.below(3) == 0 {
                self.dice.below(4000)
            } else {
                45_000
            };
            self.plan(patience, Happening::Cancel { client });
        }
    }

    fn drain(&mut self, caller: bool) {
        while let Some(output) = self.layer(caller).poll_output() {
            match output {
                Output::Transmit(transmit) => self.carry(caller, transmit),
                Output::Event(event) if caller => self.caller_hears(event),
                Output::Event(event) => self.callee_hears(event),
            }
        }
    }

    fn carry(&mut self, from_caller: bool, transmit: Transmit) {
        let expected = self.flow(from_caller);
        assert_eq!(transmit.flow, expected, "everything stays on its way");
        let weather = self.weather;
        if self.dice.below(100) < weather.loss_percent {
            return;
        }
        let doubled = self.dice.below(100) < weather.double_percent;
        for _ in 0..=u64::from(doubled) {
            let delay = match weather.delay_max_ms {
                0 => 5,
                max => self.dice.below(max),
            };
            let octets = transmit.payload.to_vec();
            let at_caller = !from_caller;
            self.plan(delay, Happening::Arrives { at_caller, octets });
        }
    }

    fn caller_hears(&mut self, event: Event) {
        match event {
            Event::Response {
                client,
                flow,
                message,
            } => {
                let status = message.status().unwrap();
                if status < 200 {
                    return;
                }
                self.outcomes
                    .entry(client)
                    .or_default()
                    .push(Outcome::Final(status));
                if status < 300 && message.method() == Method::Invite {
                    let ack = RequestBuilder::new(Method::Ack, "sip:bob@192.0.2.2")
                        .from("", "sip:ann@192.0.2.1", "caller")
                        .to("", "sip:bob@192.0.2.2", message.to_tag())
                        .call_id(message.call_id())
                        .cseq(message.cseq().number);
                    let tag = message.to_tag().unwrap().to_owned();
                    self.caller.acknowledge(client, &tag, flow, ack).unwrap();
                }
            }
            Event::TimedOut { client } => {
                self.outcomes
                    .entry(client)
                    .or_default()
                    .push(Outcome::TimedOut);
            }
            // The 2xx of a call that was cancelled and timed out, say.
            Event::StrayResponse { message, .. } => {
                assert_eq!(message.status().unwrap() / 100, 2);
            }
            other @ (Event::Request { .. }
            | Event::Ack { .. }
            | Event::Cancelled { .. }
            | Event::TransportFailed { .. }
            | Event::AckMissing { .. }) => panic!("not for a caller: {other:?}"),
        }
    }

    fn callee_hears(&mut self, event: Event) {
        match event {
            Event::Request {
                server, message, ..
            } => {
                let branch = message.via().branch().unwrap().to_owned();
                assert!(self.served.insert(branch), "told twice of one request");
                self.decide(server, &message);
            }
            Event::Cancelled {
                server, message, ..
            } => {
                let text = String::from_utf8(message.as_bytes().to_vec()).unwrap();
                let request = text.replace("CANCEL", "INVITE").into_bytes();
                self.happen(Happening::Answer {
                    server,
                    request,
                    status: 487,
                });
            }
            Event::Ack { server, .. } => {
                self.acknowledged
                    .entry(server)
                    .or_default()
                    .push("acknowledged");
            }
            Event::AckMissing { server } => {
                self.acknowledged.entry(server).or_default().push("missing");
            }
            other @ (Event::Response { .. }
            | Event::TimedOut { .. }
            | Event::TransportFailed { .. }
            | Event::StrayResponse { .. }) => panic!("not for a callee: {other:?}"),
        }
    }

    /// The callee rings a while and then answers or refuses.
    fn decide(&mut self, server: ServerId, message: &Message) {
        let request = message.as_bytes().to_vec();
        let plan = |status| Happening::Answer {
            server,
            request: request.clone(),
            status,
        };
        let invite = message.method() == Method::Invite;
        let statuses: &[u16] = if invite {
            &[200, 200, 486, 302, 603]
        } else {
            &[200, 404]
        };
        let status = statuses[self.dice.below(statuses.len() as u64) as usize];
        let (ring, answer) = (self.dice.below(1000), self.dice.below(6000));
        let rings = invite && self.dice.below(2) == 0;
        let (first, last) = (plan(180), plan(status));
        if rings {
            self.plan(ring.min(answer), first);
        }
        self.plan(answer, last);
    }

    /// What must be true once all is over.
    fn judge(&self) {
        for (client, invite) in &self.placed {
            let outcomes = self.outcomes.get(client).map_or(&[][..], Vec::as_slice);
            assert_eq!(
                outcomes.len(),
                1,
                "invite {invite}: one outcome, not {outcomes:?}"
            );
        }
        for server in &self.accepted {
            let fate = self.acknowledged.get(server).map_or(&[][..], Vec::as_slice);
            assert_eq!(
                fate.len(),
                1,
                "acknowledged once or missed once, not {fate:?}"
            );
        }
        assert_eq!(self.acknowledged.len(), self.accepted.len());
        assert_eq!(self.caller.census().total(), 0, "caller's transactions");
        assert_eq!(self.callee.census().total(), 0, "callee's transactions");
    }
}

/// Runs some calls in that weather; returns how many messages were sent again.
fn run(weather: Weather, seed: u64, calls: u64) -> World {
    let mut world = World::new(weather, seed);
    for call in 0..calls {
        world.plan(
            call * 137,
            Happening::Place {
                invite: call % 3 != 0,
            },
        );
    }
    let last_placed = world.now + Duration::from_millis(calls * 137);
    world.run();
    world.judge();
    // 45 s of patience, 64*T1 for the CANCEL, 64*T1 of lingering, and the network's delays.
    let bound = Duration::from_secs(45) + Timers::default().timeout() * 2 + 10 * T1;
    assert!(world.now <= last_placed + bound, "over in time");
    world
}

const CLEAR: Weather = Weather {
    transport: Transport::Udp,
    loss_percent: 0,
    double_percent: 0,
    delay_max_ms: 0,
};

#[test]
fn in_clear_weather_all_ends_well_and_nothing_is_lost() {
    let world = run(CLEAR, 1, 60);
    let timed_out = world
        .outcomes
        .values()
        .flatten()
        .filter(|one| **one == Outcome::TimedOut);
    assert_eq!(timed_out.count(), 0);
    assert!(
        world
            .acknowledged
            .values()
            .flatten()
            .all(|fate| *fate == "acknowledged")
    );
    assert!(world.acknowledged.len() > 10, "some calls were answered");
    let cancelled = world
        .outcomes
        .values()
        .flatten()
        .filter(|one| **one == Outcome::Final(487));
    assert!(cancelled.count() > 3, "some calls were cancelled");
}

#[test]
fn on_a_connection_nothing_but_2xx_is_sent_again() {
    let world = run(
        Weather {
            transport: Transport::Tcp,
            ..CLEAR
        },
        2,
        60,
    );
    assert_eq!(world.caller.counters().retransmitted, 0);
    assert_eq!(world.callee.counters().retransmitted, 0);
}

#[test]
fn in_a_dead_network_all_times_out() {
    let world = run(
        Weather {
            loss_percent: 100,
            ..CLEAR
        },
        3,
        20,
    );
    assert!(
        world
            .outcomes
            .values()
            .flatten()
            .all(|one| *one == Outcome::TimedOut)
    );
}

#[test]
fn the_same_seed_gives_the_same_octets() {
    let storm = Weather {
        loss_percent: 30,
        double_percent: 20,
        delay_max_ms: 900,
        ..CLEAR
    };
    let (a, b) = (run(storm, 4, 30), run(storm, 4, 30));
    assert_eq!(a.served, b.served, "branches");
    assert_eq!((a.now, a.serial), (b.now, b.serial));
    assert_eq!(a.caller.counters(), b.caller.counters());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn in_any_weather_every_request_has_one_end(
        seed in any::<u64>(),
        loss_percent in 0_u64..60,
        double_percent in 0_u64..40,
        delay_max_ms in 1_u64..2500,
    ) {
        run(Weather { transport: Transport::Udp, loss_percent, double_percent, delay_max_ms }, seed, 12);
    }
}
