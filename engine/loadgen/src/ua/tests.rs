//! Two agents and the wire between them, in time of our own.

use super::*;
use media::sdp::Direction;
use sip::auth::{Algorithm, Authenticator, Ha1Set, Verdict};

const A: &str = "127.0.0.2:5070";
const B: &str = "127.0.0.3:5080";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn agent(address: &str, seed: u64) -> UserAgent {
    UserAgent::new(
        at(address),
        &Codec::ALL,
        [seed as u8; 32],
        Random::new(seed),
    )
}

/// Both agents, what they said, and datagrams still to be lost.
struct Wire {
    now: Duration,
    a: UserAgent,
    b: UserAgent,
    said_a: Vec<Event>,
    said_b: Vec<Event>,
    lose: usize,
}

impl Wire {
    fn new() -> Self {
        Self {
            now: Duration::from_secs(1),
            a: agent(A, 1),
            b: agent(B, 2),
            said_a: Vec::new(),
            said_b: Vec::new(),
            lose: 0,
        }
    }

    /// Carries datagrams until nobody has any.
    fn carry(&mut self) {
        loop {
            let from_a = self.a.poll_output();
            let from_b = self.b.poll_output();
            if from_a.is_none() && from_b.is_none() {
                return;
            }
            for (output, to_b) in [(from_a, true), (from_b, false)] {
                match output {
                    Some(Output::Event(event)) if to_b => self.said_a.push(event),
                    Some(Output::Event(event)) => self.said_b.push(event),
                    Some(Output::Transmit { .. }) if self.lose > 0 => self.lose -= 1,
                    Some(Output::Transmit { payload, .. }) if to_b => {
                        self.b.receive(self.now, at(A), payload);
                    }
                    Some(Output::Transmit { payload, .. }) => {
                        self.a.receive(self.now, at(B), payload);
                    }
                    None => {}
                }
            }
        }
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.carry();
        while let Some(due) = self
            .a
            .poll_timeout()
            .into_iter()
            .chain(self.b.poll_timeout())
            .min()
        {
            if due > end {
                break;
            }
            self.now = self.now.max(due);
            self.a.handle_timeout(self.now);
            self.b.handle_timeout(self.now);
            self.carry();
        }
        self.now = end;
    }

    fn place(&mut self) -> UaCall {
        let placing = Placing {
            server: at(B),
            uri: "sip:1001@127.0.0.3:5080",
            user: "+31201",
            domain: "callers.example",
            display: "Ann \"A\" B",
            rtp: at("127.0.0.2:30000"),
            credentials: None,
        };
        let call = self.a.place(self.now, &placing).unwrap();
        self.carry();
        call
    }

    /// The call as the other side knows it.
    fn invited(&self) -> UaCall {
        let invited = self.said_b.iter().find_map(|event| {
            let Event::Invited { call, user, caller } = event else {
                return None;
            };
            assert_eq!((user.as_str(), caller.as_str()), ("1001", "+31201"));
            Some(*call)
        });
        invited.expect("somebody calls")
    }

    /// Both talk; the calls as each side knows them.
    fn talk(&mut self) -> (UaCall, UaCall) {
        let ours = self.place();
        let theirs = self.invited();
        self.b.ring(self.now, theirs);
        self.carry();
        self.b.answer(self.now, theirs, at("127.0.0.3:30002"));
        self.carry();
        assert!(self.said_a.contains(&Event::Ringing { call: ours }));
        assert!(self.said_a.contains(&Event::Answered { call: ours }));
        assert!(self.said_b.contains(&Event::Acknowledged { call: theirs }));
        (ours, theirs)
    }

    /// Nothing is left, and how it ended for each.
    fn ends(&mut self) -> (End, End) {
        self.run_for(Duration::from_secs(70));
        assert_eq!((self.a.calls(), self.b.calls()), (0, 0));
        assert!(self.a.dialogs.is_empty() && self.a.sent.is_empty() && self.a.invites.is_empty());
        assert!(self.b.dialogs.is_empty() && self.b.sent.is_empty() && self.b.invites.is_empty());
        (ended(&self.said_a), ended(&self.said_b))
    }
}

fn ended(said: &[Event]) -> End {
    let ends: Vec<End> = said
        .iter()
        .filter_map(|event| {
            let Event::Ended { end, .. } = event else {
                return None;
            };
            Some(*end)
        })
        .collect();
    assert_eq!(ends.len(), 1, "one end for each call: {said:?}");
    ends[0]
}

fn media(said: &[Event]) -> Vec<(SocketAddr, Direction)> {
    let agreed = said.iter().filter_map(|event| {
        let Event::Media { agreed, .. } = event else {
            return None;
        };
        Some((agreed.remote_rtp, agreed.direction))
    });
    agreed.collect()
}

#[test]
fn a_call_is_answered_and_either_side_hangs_up() {
    for by_caller in [true, false] {
        let mut wire = Wire::new();
        let (ours, theirs) = wire.talk();
        let to_b = (at("127.0.0.3:30002"), Direction::SendRecv);
        let to_a = (at("127.0.0.2:30000"), Direction::SendRecv);
        assert_eq!(
            (media(&wire.said_a), media(&wire.said_b)),
            (vec![to_b], vec![to_a])
        );
        let expected = match by_caller {
            true => {
                wire.a.hang_up(wire.now, ours);
                (End::ByUs, End::ByThem)
            }
            false => {
                wire.b.hang_up(wire.now, theirs);
                (End::ByThem, End::ByUs)
            }
        };
        assert_eq!(wire.ends(), expected);
        assert_eq!(wire.a.counters(), &Counters::default());
    }
}

#[test]
fn calls_that_nobody_answers_end_as_they_should() {
    type Act = fn(&mut Wire, UaCall, UaCall);
    let table: [(&str, Act, (End, End)); 4] = [
        (
            "busy",
            |wire, _, theirs| wire.b.reject(wire.now, theirs, 486),
            (End::Refused(486), End::Rejected),
        ),
        (
            "cancelled while it rings",
            |wire, ours, theirs| {
                wire.b.ring(wire.now, theirs);
                wire.carry();
                wire.a.hang_up(wire.now, ours);
            },
            (End::ByUs, End::Cancelled),
        ),
        (
            "answered while it is cancelled",
            |wire, ours, theirs| {
                wire.b.ring(wire.now, theirs);
                wire.carry();
                wire.b.answer(wire.now, theirs, at("127.0.0.3:30002"));
                wire.a.hang_up(wire.now, ours);
            },
            (End::ByUs, End::ByThem),
        ),
        (
            "declined by hanging up",
            |wire, _, theirs| wire.b.hang_up(wire.now, theirs),
            (End::Refused(480), End::Rejected),
        ),
    ];
    for (name, act, expected) in table {
        let mut wire = Wire::new();
        let ours = wire.place();
        let theirs = wire.invited();
        act(&mut wire, ours, theirs);
        assert_eq!(wire.ends(), expected, "{name}");
    }
}

#[test]
fn what_is_lost_is_sent_again() {
    for lost in 1..=5 {
        let mut wire = Wire::new();
        wire.lose = lost;
        wire.place();
        wire.run_for(Duration::from_secs(20));
        let theirs = wire.invited();
        wire.lose = lost;
        wire.b.answer(wire.now, theirs, at("127.0.0.3:30002"));
        wire.run_for(Duration::from_secs(20));
        assert!(
            wire.said_b.contains(&Event::Acknowledged { call: theirs }),
            "{lost} lost"
        );
        wire.b.hang_up(wire.now, theirs);
        assert_eq!(wire.ends(), (End::ByThem, End::ByUs));
    }
}

#[test]
fn nobody_there_is_408_and_an_answer_nobody_hears_is_taken_back() {
    let mut wire = Wire::new();
    wire.lose = usize::MAX;
    wire.place();
    wire.run_for(Duration::from_secs(40));
    assert_eq!(ended(&wire.said_a), End::Refused(408));

    let mut wire = Wire::new();
    wire.place();
    let theirs = wire.invited();
    wire.b.answer(wire.now, theirs, at("127.0.0.3:30002"));
    wire.lose = usize::MAX;
    wire.run_for(Duration::from_secs(40));
    assert_eq!(ended(&wire.said_b), End::ByUs);
    assert_eq!(wire.b.calls(), 0);
}

#[test]
fn a_phone_that_hangs_up_before_the_ack_waits_for_it() {
    let mut wire = Wire::new();
    wire.place();
    let theirs = wire.invited();
    wire.b.answer(wire.now, theirs, at("127.0.0.3:30002"));
    wire.b.hang_up(wire.now, theirs);
    assert_eq!(wire.ends(), (End::ByThem, End::ByUs));
    assert!(!wire.said_b.contains(&Event::Acknowledged { call: theirs }));
}

#[test]
fn hold_turns_the_directions_and_back() {
    let mut wire = Wire::new();
    let (_, theirs) = wire.talk();
    assert!(wire.b.hold(wire.now, theirs, true));
    assert!(!wire.b.hold(wire.now, theirs, false), "one offer at a time");
    wire.carry();
    assert!(wire.b.hold(wire.now, theirs, false));
    wire.carry();
    let directions = |said: &[Event]| media(said).iter().map(|(_, way)| *way).collect::<Vec<_>>();
    let (both, send, receive) = (
        Direction::SendRecv,
        Direction::SendOnly,
        Direction::RecvOnly,
    );
    assert_eq!(directions(&wire.said_b), [both, send, both]);
    assert_eq!(directions(&wire.said_a), [both, receive, both]);
    wire.b.hang_up(wire.now, theirs);
    assert_eq!(wire.ends(), (End::ByThem, End::ByUs));
}

#[test]
fn two_that_hold_at_once_are_told_and_talk_on() {
    let mut wire = Wire::new();
    let (ours, theirs) = wire.talk();
    assert!(wire.a.hold(wire.now, ours, true) && wire.b.hold(wire.now, theirs, true));
    wire.carry();
    assert_eq!(
        (media(&wire.said_a).len(), media(&wire.said_b).len()),
        (1, 1),
        "both got 491"
    );
    assert!(wire.a.hold(wire.now, ours, true));
    wire.carry();
    assert_eq!(
        (media(&wire.said_a).len(), media(&wire.said_b).len()),
        (2, 2)
    );
    wire.a.hang_up(wire.now, ours);
    assert_eq!(wire.ends(), (End::ByUs, End::ByThem));
}

/// A registrar, or anybody else who asks for credentials: answers what `agent` says, and counts.
struct Asking {
    authenticator: Authenticator,
    contacts: Vec<String>,
}

impl Asking {
    fn new() -> Self {
        Self {
            authenticator: Authenticator::new(
                &[7; 32],
                "lampfield.local",
                &[Algorithm::Md5],
                Duration::ZERO,
            ),
            contacts: Vec::new(),
        }
    }

    fn serve(&mut self, now: Duration, agent: &mut UserAgent) -> Vec<Event> {
        let mut said = Vec::new();
        while let Some(output) = agent.poll_output() {
            match output {
                Output::Event(event) => said.push(event),
                Output::Transmit { payload, .. } => {
                    let request = Message::parse(payload).unwrap();
                    if request.method() != Method::Ack {
                        let response = self.respond(now, &request);
                        agent.receive(now, at("127.0.0.1:5060"), response);
                    }
                }
            }
        }
        said
    }

    fn respond(&mut self, now: Duration, request: &Message) -> Bytes {
        let known = |user: &str| {
            (user == "1002").then(|| Ha1Set::of_password("1002", "lampfield.local", "right"))
        };
        let verdict = self.authenticator.verify(now, at(A).ip(), request, known);
        let response = match verdict {
            Verdict::Accepted { .. } => {
                self.contacts
                    .extend(request.header_str(HeaderName::Contact).map(Into::into));
                let status = if request.method() == Method::Register {
                    200
                } else {
                    486
                };
                ResponseBuilder::new(request, status).header(HeaderName::Expires, "60")
            }
            Verdict::Challenge { stale } => {
                let mut response = ResponseBuilder::new(request, 401);
                for challenge in self.authenticator.challenge(now, at(A).ip(), stale) {
                    response = response.header(HeaderName::WwwAuthenticate, challenge);
                }
                response
            }
            Verdict::Forbidden { .. } => ResponseBuilder::new(request, 403),
        };
        response.to_tag("registrar").build().unwrap()
    }
}

fn credentials(password: &str) -> Credentials {
    Credentials {
        username: "1002".into(),
        password: password.into(),
    }
}

#[test]
fn a_phone_registers_renews_and_goes() {
    let (mut registrar, mut phone) = (Asking::new(), agent(A, 3));
    let mut now = Duration::from_secs(1);
    let registered = [Event::Registered {
        user: "1002".into(),
    }];
    let (server, expires) = (at("127.0.0.1:5060"), Duration::from_secs(120));
    phone.register(
        now,
        server,
        "lampfield.local",
        credentials("right"),
        expires,
    );
    assert_eq!(registrar.serve(now, &mut phone), registered);
    assert_eq!(registrar.contacts, ["<sip:1002@127.0.0.2:5070>"]);

    now += Duration::from_secs(29);
    phone.handle_timeout(now);
    assert_eq!(
        registrar.serve(now, &mut phone),
        [],
        "60 s were granted, half of them are not over"
    );
    now += Duration::from_secs(1);
    phone.handle_timeout(now);
    assert_eq!(registrar.serve(now, &mut phone), registered);

    phone.unregister_all(now);
    assert_eq!(registrar.serve(now, &mut phone), []);
    assert_eq!((phone.accounts(), registrar.contacts.len()), (0, 3));
}

#[test]
fn a_wrong_password_is_said_and_tried_again_later() {
    let (mut registrar, mut phone) = (Asking::new(), agent(A, 3));
    let now = Duration::from_secs(1);
    let (server, expires) = (at("127.0.0.1:5060"), Duration::from_secs(120));
    phone.register(
        now,
        server,
        "lampfield.local",
        credentials("wrong"),
        expires,
    );
    let refused = [Event::NotRegistered {
        user: "1002".into(),
        status: 403,
    }];
    assert_eq!(registrar.serve(now, &mut phone), refused);
    phone.handle_timeout(now + Duration::from_secs(4));
    assert_eq!(registrar.serve(now, &mut phone), []);
    phone.handle_timeout(now + Duration::from_secs(5));
    assert_eq!(
        registrar.serve(now + Duration::from_secs(5), &mut phone),
        refused
    );
}

#[test]
fn a_call_proves_who_it_is_from_once() {
    for (password, status) in [("right", 486), ("wrong", 403)] {
        let (mut asking, mut phone) = (Asking::new(), agent(A, 3));
        let now = Duration::from_secs(1);
        let placing = Placing {
            server: at("127.0.0.1:5060"),
            uri: "sip:2000@lampfield.local",
            user: "1002",
            domain: "lampfield.local",
            display: "",
            rtp: at("127.0.0.2:30000"),
            credentials: Some(credentials(password)),
        };
        let call = phone.place(now, &placing).unwrap();
        let end = End::Refused(status);
        assert_eq!(asking.serve(now, &mut phone), [Event::Ended { call, end }]);
    }
}

/// What the agent at B answers to one datagram: status and whether it has a body.
fn answers_to(agent: &mut UserAgent, datagram: &str) -> Vec<(Option<u16>, bool)> {
    let datagram = datagram.replace('\n', "\r\n");
    agent.receive(Duration::from_secs(1), at(A), Bytes::from(datagram));
    let mut answers = Vec::new();
    while let Some(output) = agent.poll_output() {
        if let Output::Transmit { payload, .. } = output {
            let message = Message::parse(payload).unwrap();
            answers.push((message.status(), !message.body().is_empty()));
        }
    }
    answers
}

fn request(method: &str, branch: &str, to_tag: &str) -> String {
    format!(
        "{method} sip:1001@127.0.0.3:5080 SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.2:5070;branch=z9hG4bK{branch}\n\
         From: <sip:9@127.0.0.2>;tag=f\nTo: <sip:1001@127.0.0.3>{to_tag}\nCall-ID: c-{branch}\nCSeq: 1 {method}\n\
         Contact: <sip:9@127.0.0.2:5070>\nMax-Forwards: 70\nContent-Length: 0\n\n"
    )
}

#[test]
fn strangers_get_the_answers_they_deserve() {
    let mut agent = agent(B, 4);
    let table = [
        ("OPTIONS", "", vec![(Some(200), false)]),
        ("SUBSCRIBE", "", vec![(Some(405), false)]),
        ("BYE", ";tag=nobody", vec![(Some(481), false)]),
        ("ACK", ";tag=nobody", vec![]),
    ];
    for (method, to_tag, expected) in table {
        let answers = answers_to(&mut agent, &request(method, method, to_tag));
        assert_eq!(answers, expected, "{method}");
    }
    assert_eq!(answers_to(&mut agent, "\n\n"), []);
    assert_eq!(answers_to(&mut agent, "garbage\n\n"), []);
    assert_eq!(agent.counters().garbage, 1);
}

#[test]
fn an_invite_without_an_offer_gets_one() {
    let mut agent = agent(B, 4);
    assert_eq!(answers_to(&mut agent, &request("INVITE", "late", "")), []);
    let call = UaCall(1);
    agent.answer(Duration::from_secs(1), call, at("127.0.0.3:30002"));
    let Some(Output::Transmit { payload, .. }) = agent.poll_output() else {
        panic!("it is answered")
    };
    let ok = Message::parse(payload).unwrap();
    assert_eq!(ok.status(), Some(200));
    let tag = format!(";tag={}", ok.to_tag().unwrap());
    let answer =
        "v=0\no=- 1 1 IN IP4 127.0.0.2\ns=-\nc=IN IP4 127.0.0.2\nt=0 0\nm=audio 30004 RTP/AVP 8\n";
    let len = answer.replace('\n', "\r\n").len();
    let ack = request("ACK", "ack", &tag)
        .replace("c-ack", "c-late")
        .replace(
            "Content-Length: 0\n",
            &format!("Content-Type: application/sdp\nContent-Length: {len}\n"),
        );
    agent.receive(
        Duration::from_secs(1),
        at(A),
        Bytes::from((ack + answer).replace('\n', "\r\n")),
    );
    let mut said = Vec::new();
    while let Some(Output::Event(event)) = agent.poll_output() {
        said.push(event);
    }
    assert_eq!(media(&said), [(at("127.0.0.2:30004"), Direction::SendRecv)]);
    assert!(said.contains(&Event::Acknowledged { call }));
}
