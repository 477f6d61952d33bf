//! The layer as its user and the network see it: messages in, a trace of outputs back.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::*;
use crate::{Flow, Message, Method, RequestBuilder, ResponseBuilder, Transport};

/// A layer with a clock, and what came out of it last.
struct World {
    layer: Layer,
    now: Duration,
    servers: Vec<ServerId>,
    sent: Vec<(Flow, Message)>,
}

fn flow(transport: Transport) -> Flow {
    Flow {
        transport,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: "192.0.2.9:5070".parse().unwrap(),
        connection: transport.is_reliable().then_some(1),
    }
}

impl World {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(0xfeed, [7; 32]);
        change(&mut config);
        Self {
            layer: Layer::new(&config),
            now: Duration::from_secs(1000),
            servers: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn receive(&mut self, text: &str) -> Vec<String> {
        self.receive_by(flow(Transport::Udp), text)
    }

    fn receive_by(&mut self, flow: Flow, text: &str) -> Vec<String> {
        let message = Message::parse(Bytes::from(text.replace('\n', "\r\n"))).unwrap();
        self.layer.receive(self.now, flow, message);
        self.drain()
    }

    /// Lets time pass, timer by timer.
    fn wait(&mut self, ms: u64) -> Vec<String> {
        let end = self.now + Duration::from_millis(ms);
        let mut trace = Vec::new();
        while let Some(at) = self.layer.poll_timeout().filter(|at| *at <= end) {
            self.now = at;
            self.layer.handle_timeout(at);
            trace.extend(self.drain());
        }
        self.now = end;
        trace
    }

    fn respond(&mut self, request: &str, status: u16) -> Vec<String> {
        let server = *self.servers.last().unwrap();
        self.respond_to(server, request, status)
    }

    fn respond_to(&mut self, server: ServerId, request: &str, status: u16) -> Vec<String> {
        let request = Message::parse(Bytes::from(request.replace('\n', "\r\n"))).unwrap();
        let mut response = ResponseBuilder::new(&request, status);
        if request.to_tag().is_none() && status > 100 {
            response = response.to_tag("ours");
        }
        match self.layer.respond(self.now, server, response) {
            Ok(()) => self.drain(),
            Err(error) => Vec::from([error.to_string()]),
        }
    }

    fn send(&mut self, transport: Transport, method: Method<'_>) -> ClientId {
        let request = request_of_ours(method);
        let client = self
            .layer
            .send_request(self.now, flow(transport), request)
            .unwrap();
        self.drain();
        client
    }

    /// The response of the peer to the last request that we sent.
    fn answer(&mut self, status: u16, tag: &str) -> Vec<String> {
        let (flow, request) = self.sent.last().unwrap().clone();
        self.answer_to(flow, &request, status, tag)
    }

    fn answer_to(&mut self, flow: Flow, request: &Message, status: u16, tag: &str) -> Vec<String> {
        let mut response = ResponseBuilder::new(request, status);
        if !tag.is_empty() {
            response = response.to_tag(tag);
        }
        let response = response.message().unwrap();
        self.layer.receive(self.now, flow, response);
        self.drain()
    }

    /// Writes down all outputs, and checks that nothing is left undone in the past.
    fn drain(&mut self) -> Vec<String> {
        let mut trace = Vec::new();
        while let Some(output) = self.layer.poll_output() {
            trace.push(match output {
                Output::Transmit(transmit) => {
                    let message = Message::parse(transmit.payload).unwrap();
                    let line = format!("> {}", line(&message));
                    self.sent.push((transmit.flow, message));
                    line
                }
                Output::Event(event) => self.event(event),
            });
        }
        trace
    }

    fn event(&mut self, event: Event) -> String {
        match event {
            Event::Request {
                server, message, ..
            } => {
                self.servers.push(server);
                format!("request {}", line(&message))
            }
            Event::Ack { message, .. } => format!("ack {}", line(&message)),
            Event::Cancelled { message, .. } => format!("cancelled by {}", line(&message)),
            Event::Response { message, .. } => format!("response {}", line(&message)),
            Event::TimedOut { .. } => "timed out".into(),
            Event::TransportFailed { .. } => "transport failed".into(),
            Event::AckMissing { .. } => "ack missing".into(),
            Event::StrayResponse { message, .. } => format!("stray {}", line(&message)),
        }
    }

    fn last_sent(&self) -> &Message {
        &self.sent.last().unwrap().1
    }

    fn total(&self) -> usize {
        self.layer.census().total()
    }
}

fn line(message: &Message) -> String {
    match message.status() {
        Some(status) => format!("{status} {}", message.method()),
        None => message.method().to_string(),
    }
}

fn request_of_ours(method: Method<'_>) -> RequestBuilder {
    RequestBuilder::new(method, "sip:bob@192.0.2.9")
        .header("Route", "<sip:edge.example;lr>")
        .from("", "sip:ann@192.0.2.1", "a")
        .to("", "sip:bob@192.0.2.9", None)
        .call_id("ours@192.0.2.1")
        .cseq(7)
        .max_forwards(70)
}

/// A request of the peer; `branch` empty for one of RFC 2543.
fn theirs(method: &str, branch: &str, to_tag: &str, cseq: u32) -> String {
    let branch = match branch {
        "" => String::new(),
        branch => format!(";branch={branch}"),
    };
    let to_tag = match to_tag {
        "" => String::new(),
        tag => format!(";tag={tag}"),
    };
    let number_method = method;
    format!(
        "{method} sip:ann@192.0.2.1 SIP/2.0\n\
         Via: SIP/2.0/UDP 192.0.2.9:5070{branch}\n\
         Max-Forwards: 70\n\
         From: <sip:bob@192.0.2.9>;tag=b\n\
         To: <sip:ann@192.0.2.1>{to_tag}\n\
         Call-ID: theirs@192.0.2.9\n\
         CSeq: {cseq} {number_method}\n\
         Content-Length: 0\n\n"
    )
}

const NONE: [&str; 0] = [];

#[test]
fn a_call_answered() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    assert_eq!(w.receive(&invite), ["request INVITE"]);
    assert_eq!(w.receive(&invite), NONE, "nothing to say yet");
    assert_eq!(w.wait(200), ["> 100 INVITE"]);
    assert_eq!(w.receive(&invite), ["> 100 INVITE"]);
    assert_eq!(w.respond(&invite, 180), ["> 180 INVITE"]);
    assert_eq!(w.receive(&invite), ["> 180 INVITE"]);
    assert_eq!(w.respond(&invite, 200), ["> 200 INVITE"]);
    assert_eq!(
        w.receive(&invite),
        NONE,
        "RFC 6026: absorbed, the 2xx has its own clock"
    );
    assert_eq!(w.wait(1500), ["> 200 INVITE", "> 200 INVITE"]);
    let ack = theirs("ACK", "z9hG4bK2", "ours", 1);
    assert_eq!(w.receive(&ack), ["ack ACK"]);
    assert_eq!(w.receive(&ack), NONE);
    assert_eq!(
        w.respond(&invite, 200),
        ["the request waits for no response"]
    );
    assert_eq!(w.wait(40_000), NONE);
    assert_eq!(w.total(), 0);
}

#[test]
fn an_ack_under_the_branch_of_the_invite_counts_too() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive(&invite);
    w.respond(&invite, 200);
    assert_eq!(
        w.receive(&theirs("ACK", "z9hG4bK1", "ours", 1)),
        ["ack ACK"]
    );
}

#[test]
fn an_ack_of_another_dialog_or_number_does_not() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive(&invite);
    w.respond(&invite, 200);
    assert_eq!(w.receive(&theirs("ACK", "z9hG4bK2", "others", 1)), NONE);
    assert_eq!(w.receive(&theirs("ACK", "z9hG4bK2", "ours", 2)), NONE);
    assert_eq!(w.layer.counters().acks_absorbed, 2);
    assert_eq!(
        w.wait(500),
        ["> 200 INVITE"],
        "still waiting for the right one"
    );
}

#[test]
fn a_2xx_that_nobody_acknowledges() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive(&invite);
    w.respond(&invite, 200);
    let trace = w.wait(40_000);
    assert_eq!(
        trace.iter().filter(|line| *line == "> 200 INVITE").count(),
        10
    );
    assert_eq!(trace.last().unwrap(), "ack missing");
    assert_eq!(w.total(), 0);
}

#[test]
fn rfc_3261_13_3_1_4_a_2xx_that_is_known_to_have_come_is_not_repeated() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive(&invite);
    w.respond(&invite, 200);
    let server = w.servers[0];
    assert_eq!(w.wait(500), ["> 200 INVITE"]);
    w.receive(&theirs("BYE", "z9hG4bK2", "ours", 2));
    w.layer.success_is_known(server);
    assert_eq!(w.receive(&invite), NONE, "absorbed as before");
    assert_eq!(
        w.receive(&theirs("ACK", "z9hG4bK3", "ours", 1)),
        NONE,
        "an ACK that comes after all is told nobody"
    );
    assert_eq!(w.wait(40_000), NONE);
    assert_eq!(w.total(), 0);
}

#[test]
fn a_call_refused() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive(&invite);
    assert_eq!(w.respond(&invite, 486), ["> 486 INVITE"]);
    assert_eq!(w.receive(&invite), ["> 486 INVITE"]);
    assert_eq!(w.wait(500), ["> 486 INVITE"]);
    let ack = theirs("ACK", "z9hG4bK1", "ours", 1);
    assert_eq!(w.receive(&ack), NONE, "absorbed");
    assert_eq!(w.receive(&ack), NONE);
    assert_eq!(w.receive(&invite), NONE);
    assert_eq!(w.wait(5_000), NONE);
    assert_eq!(w.total(), 0);
}

#[test]
fn a_refusal_that_nobody_acknowledges_is_nobodys_business() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive(&invite);
    w.respond(&invite, 486);
    let trace = w.wait(40_000);
    assert_eq!(trace, ["> 486 INVITE"; 10]);
    assert_eq!(w.total(), 0);
}

#[test]
fn a_call_cancelled() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive(&invite);
    w.respond(&invite, 180);
    let cancel = theirs("CANCEL", "z9hG4bK1", "", 1);
    assert_eq!(w.receive(&cancel), ["> 200 CANCEL", "cancelled by CANCEL"]);
    assert_eq!(w.last_sent().to_tag(), Some("ours"), "the tag of the 180");
    assert_eq!(w.receive(&cancel), ["> 200 CANCEL"], "told once");
    assert_eq!(w.respond(&invite, 487), ["> 487 INVITE"]);
    assert_eq!(w.receive(&cancel), ["> 200 CANCEL"]);
}

#[test]
fn a_cancel_that_comes_too_late() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive(&invite);
    w.respond(&invite, 200);
    let cancel = theirs("CANCEL", "z9hG4bK1", "", 1);
    assert_eq!(w.receive(&cancel), ["> 200 CANCEL"]);
    let stranger = theirs("CANCEL", "z9hG4bK9", "", 1);
    assert_eq!(w.receive(&stranger), ["> 481 CANCEL"]);
    let tag = w.last_sent().to_tag().unwrap().to_string();
    assert_eq!(w.receive(&stranger), ["> 481 CANCEL"]);
    assert_eq!(
        w.last_sent().to_tag(),
        Some(tag.as_str()),
        "the same answer again"
    );
    assert_eq!(w.total(), 1, "a CANCEL leaves nothing behind");
}

#[test]
fn a_request_served() {
    let mut w = World::new();
    let options = theirs("OPTIONS", "z9hG4bK1", "", 1);
    assert_eq!(w.receive(&options), ["request OPTIONS"]);
    assert_eq!(w.receive(&options), NONE);
    assert_eq!(w.respond(&options, 200), ["> 200 OPTIONS"]);
    assert_eq!(w.receive(&options), ["> 200 OPTIONS"]);
    assert_eq!(w.layer.counters().requests_absorbed, 2);
    assert_eq!(w.wait(32_000), NONE);
    assert_eq!(w.total(), 0);
    assert_eq!(w.receive(&options), ["request OPTIONS"], "a new one by now");
}

#[test]
fn a_request_that_nobody_serves_is_forgotten() {
    let mut w = World::new();
    let options = theirs("OPTIONS", "z9hG4bK1", "", 1);
    w.receive(&options);
    assert_eq!(w.wait(32_000), NONE);
    assert_eq!(w.total(), 0);
    assert_eq!(
        w.respond(&options, 200),
        ["the request waits for no response"]
    );
}

#[test]
fn on_connections_nothing_lingers() {
    let mut w = World::new();
    let tcp = flow(Transport::Tcp);
    let options = theirs("OPTIONS", "z9hG4bK1", "", 1);
    w.receive_by(tcp, &options);
    w.respond(&options, 200);
    assert_eq!(w.total(), 0, "J");
    let invite = theirs("INVITE", "z9hG4bK2", "", 2);
    w.receive_by(tcp, &invite);
    w.respond(&invite, 486);
    assert_eq!(w.wait(1000), NONE, "no G");
    w.receive_by(tcp, &theirs("ACK", "z9hG4bK2", "ours", 2));
    assert_eq!(w.total(), 0, "I");
    w.send(Transport::Tcp, Method::Options);
    assert_eq!(w.wait(1000), NONE, "no E");
    assert_eq!(w.answer(200, "x"), ["response 200 OPTIONS"]);
    assert_eq!(w.total(), 0, "K");
    w.send(Transport::Tcp, Method::Invite);
    assert_eq!(w.wait(1000), NONE, "no A");
    assert_eq!(w.answer(486, "x"), ["> ACK", "response 486 INVITE"]);
    assert_eq!(w.total(), 0, "D");
}

#[test]
fn peers_of_rfc_2543_are_matched_by_what_stays_the_same() {
    let mut w = World::new();
    let invite = theirs("INVITE", "", "", 1);
    assert_eq!(w.receive(&invite), ["request INVITE"]);
    assert_eq!(w.receive(&invite), NONE);
    let cancel = theirs("CANCEL", "", "", 1);
    assert_eq!(w.receive(&cancel), ["> 200 CANCEL", "cancelled by CANCEL"]);
    assert_eq!(w.respond(&invite, 487), ["> 487 INVITE"]);
    assert_eq!(w.receive(&theirs("ACK", "", "other", 1)), NONE);
    assert_eq!(w.wait(500), ["> 487 INVITE"], "another's ACK");
    assert_eq!(w.receive(&theirs("ACK", "", "ours", 1)), NONE);
    assert_eq!(w.wait(3_000), NONE, "acknowledged");
    assert_eq!(w.receive(&theirs("INVITE", "", "", 2)), ["request INVITE"]);
    let old_branch = theirs("OPTIONS", "1", "", 3);
    assert_eq!(w.receive(&old_branch), ["request OPTIONS"]);
    assert_eq!(w.receive(&old_branch), NONE);
}

#[test]
fn merged_requests() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive(&invite);
    let other_way = theirs("INVITE", "z9hG4bK2", "", 1);
    assert_eq!(w.receive(&other_way), ["> 482 INVITE"]);
    assert_eq!(
        w.receive(&other_way),
        ["> 482 INVITE"],
        "again, and the same"
    );
    assert_eq!(w.layer.counters().merged, 2);
    assert_eq!(w.total(), 1);
    for (name, request) in [
        ("another number", theirs("INVITE", "z9hG4bK3", "", 2)),
        ("another method", theirs("OPTIONS", "z9hG4bK4", "", 1)),
        ("in a dialog", theirs("INVITE", "z9hG4bK5", "ours", 1)),
    ] {
        let trace = w.receive(&request);
        assert!(trace[0].starts_with("request"), "{name}: {trace:?}");
    }
}

#[test]
fn a_challenged_request_may_come_again_with_the_same_number() {
    let mut w = World::new();
    let register = theirs("REGISTER", "z9hG4bK1", "", 1);
    w.receive(&register);
    w.respond(&register, 401);
    let again = theirs("REGISTER", "z9hG4bK2", "", 1);
    assert_eq!(w.receive(&again), ["request REGISTER"]);
}

#[test]
fn the_ack_finds_the_call_that_came_again_with_the_same_number() {
    let mut w = World::new();
    let challenged = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive(&challenged);
    w.respond(&challenged, 401);
    w.receive(&theirs("ACK", "z9hG4bK1", "ours", 1));
    let invite = theirs("INVITE", "z9hG4bK2", "", 1);
    assert_eq!(w.receive(&invite), ["request INVITE"]);
    w.respond(&invite, 200);
    assert_eq!(
        w.wait(5_000).last().unwrap(),
        "> 200 INVITE",
        "the first one is over"
    );
    assert_eq!(
        w.receive(&theirs("ACK", "z9hG4bK3", "ours", 1)),
        ["ack ACK"]
    );
}

#[test]
fn our_own_request_come_back() {
    let mut w = World::new();
    w.send(Transport::Udp, Method::Invite);
    let ours = core::str::from_utf8(w.last_sent().as_bytes())
        .unwrap()
        .to_string();
    let proxy = "Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKproxy\r\nVia:";
    let looped = ours.replacen("Via:", proxy, 1);
    assert_eq!(w.receive(&looped.replace("\r\n", "\n")), ["> 482 INVITE"]);
    assert_eq!(w.layer.counters().loops, 1);
    let one_line = "Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKproxy,";
    let looped = ours.replacen("Via:", one_line, 1);
    assert_eq!(w.receive(&looped.replace("\r\n", "\n")), ["> 482 INVITE"]);
    let mut other = World::with(|config| config.instance = 0xbeef);
    assert_eq!(
        other.receive(&looped.replace("\r\n", "\n")),
        ["request INVITE"]
    );
}

#[test]
fn too_many_requests() {
    let mut w = World::with(|config| config.servers_max = 1);
    w.receive(&theirs("OPTIONS", "z9hG4bK1", "", 1));
    let second = theirs("OPTIONS", "z9hG4bK2", "", 2);
    assert_eq!(w.receive(&second), ["> 503 OPTIONS"]);
    let wait = w.last_sent().header(crate::HeaderName::RetryAfter);
    assert_eq!(wait, Some(&b"5"[..]));
    assert_eq!((w.total(), w.layer.counters().shed), (1, 1));
    let bye = theirs("BYE", "z9hG4bK3", "ours", 3);
    assert_eq!(w.receive(&bye), ["request BYE"], "a call can still end");
    let flood = theirs("INFO", "z9hG4bK4", "ours", 4);
    assert_eq!(w.receive(&flood), ["> 503 INFO"], "within bounds");
}

#[test]
fn a_stranger_refused_costs_nothing_afterwards() {
    let mut w = World::new();
    let text = theirs("INVITE", "z9hG4bK1", "", 1);
    let invite = Message::parse(Bytes::from(text.replace('\n', "\r\n"))).unwrap();
    let mut tags = Vec::new();
    for _ in 0..2 {
        assert_eq!(w.receive(&text), ["request INVITE"]);
        let tag = w.layer.stateless_tag(&invite);
        let response = ResponseBuilder::new(&invite, 403).to_tag(&tag);
        let server = *w.servers.last().unwrap();
        w.layer.refuse(server, response).unwrap();
        assert_eq!(w.drain(), ["> 403 INVITE"]);
        assert_eq!(w.total(), 0);
        assert_eq!(w.layer.poll_timeout(), None);
        tags.push(tag);
    }
    assert_eq!(tags[0], tags[1]);
    assert_eq!(w.receive(&theirs("ACK", "z9hG4bK1", &tags[0], 1)), NONE);
}

#[test]
fn trying_at_once_if_told() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1).replace("CSeq", "Timestamp: 54.3\nCSeq");
    w.receive(&invite);
    let server = *w.servers.last().unwrap();
    w.layer.trying(w.now, server);
    assert_eq!(w.drain(), ["> 100 INVITE"]);
    assert_eq!(w.last_sent().to_tag(), None);
    assert_eq!(
        w.last_sent().header(crate::HeaderName::Timestamp),
        Some(&b"54.3"[..]),
        "RFC 3261 8.2.6.1"
    );
    w.layer.trying(w.now, server);
    assert_eq!(w.drain(), NONE);
    assert_eq!(w.wait(1000), NONE);
}

#[test]
fn responses_go_back_the_way_the_via_says() {
    let table = [
        (
            "sent-by",
            "192.0.2.9:5062;branch=z9hG4bK1",
            "192.0.2.9:5062",
            "",
        ),
        (
            "default port",
            "192.0.2.9;branch=z9hG4bK1",
            "192.0.2.9:5060",
            "",
        ),
        (
            "rport",
            "192.0.2.9:5062;rport;branch=z9hG4bK1",
            "192.0.2.9:5070",
            "rport=5070",
        ),
        (
            "a name",
            "pbx.example:5064;branch=z9hG4bK1",
            "192.0.2.9:5064",
            "received=192.0.2.9",
        ),
        (
            "another address",
            "10.0.0.1:5064;branch=z9hG4bK1",
            "192.0.2.9:5064",
            "received=192.0.2.9",
        ),
    ];
    for (name, via, expected, param) in table {
        let mut w = World::new();
        let options = theirs("OPTIONS", "", "", 1).replace("192.0.2.9:5070\n", &format!("{via}\n"));
        w.receive(&options);
        w.respond(&options, 200);
        let (flow, response) = w.sent.last().unwrap();
        assert_eq!(flow.remote, expected.parse().unwrap(), "{name}");
        let via = String::from_utf8_lossy(response.via().as_bytes()).into_owned();
        assert!(via.contains(param), "{name}: {via}");
    }
}

#[test]
fn a_call_placed_and_answered_by_two() {
    let mut w = World::new();
    let client = w.send(Transport::Udp, Method::Invite);
    let (way, invite) = w.sent.last().unwrap().clone();
    assert_eq!(w.layer.is_answered(client), Some(false));
    assert_eq!(w.wait(500), ["> INVITE"]);
    assert_eq!(w.last_sent(), &invite, "the same octets");
    assert_eq!(w.answer(100, ""), ["response 100 INVITE"]);
    assert_eq!(w.layer.is_answered(client), Some(true));
    assert_eq!(w.wait(60_000), NONE, "it may ring as long as it likes");
    assert_eq!(w.answer(180, "x"), ["response 180 INVITE"]);
    assert_eq!(w.answer(200, "x"), ["response 200 INVITE"]);
    assert_eq!(
        w.answer_to(way, &invite, 200, "x"),
        NONE,
        "told, and no ACK given yet"
    );
    let ack = request_of_ours(Method::Ack);
    w.layer.acknowledge(client, "x", way, ack).unwrap();
    assert_eq!(w.drain(), ["> ACK"]);
    let first = w.last_sent().clone();
    assert_ne!(first.via().branch(), invite.via().branch());
    assert_eq!(w.answer_to(way, &invite, 200, "x"), ["> ACK"]);
    assert_eq!(w.last_sent(), &first);
    assert_eq!(
        w.answer_to(way, &invite, 200, "y"),
        ["response 200 INVITE"],
        "a fork"
    );
    assert_eq!(w.answer_to(way, &invite, 486, "z"), NONE);
    assert_eq!(w.wait(33_000), NONE);
    assert_eq!(w.total(), 0);
    assert_eq!(w.layer.is_answered(client), None);
    assert_eq!(w.answer_to(way, &invite, 200, "y"), ["stray 200 INVITE"]);
    assert_eq!(w.answer_to(way, &invite, 486, "y"), NONE);
    assert_eq!(w.answer_to(way, &invite, 180, "y"), NONE);
}

#[test]
fn a_fork_without_end_is_not_followed() {
    let mut w = World::new();
    w.send(Transport::Udp, Method::Invite);
    let (way, invite) = w.sent.last().unwrap().clone();
    let told: usize = (0..100)
        .map(|fork| w.answer_to(way, &invite, 200, &format!("t{fork}")).len())
        .sum();
    assert_eq!(told, 16);
}

#[test]
fn a_call_placed_and_refused() {
    let mut w = World::new();
    w.send(Transport::Udp, Method::Invite);
    let (way, invite) = w.sent.last().unwrap().clone();
    assert_eq!(w.answer(486, "x"), ["> ACK", "response 486 INVITE"]);
    let ack = w.last_sent().clone();
    assert_eq!(ack.via().as_bytes(), invite.via().as_bytes(), "17.1.1.3");
    assert_eq!(ack.to_tag(), Some("x"));
    assert_eq!((ack.cseq().number, ack.cseq().method), (7, Method::Ack));
    assert_eq!(
        ack.header(crate::HeaderName::Route),
        Some(&b"<sip:edge.example;lr>"[..])
    );
    assert_eq!(ack.request_uri().unwrap().as_str(), "sip:bob@192.0.2.9");
    assert_eq!(w.answer_to(way, &invite, 486, "x"), ["> ACK"]);
    assert_eq!(w.last_sent(), &ack);
    assert_eq!(w.wait(32_000), NONE);
    assert_eq!(w.total(), 0);
}

#[test]
fn nobody_there() {
    for method in [Method::Invite, Method::Options] {
        let mut w = World::new();
        w.send(Transport::Udp, method);
        let trace = w.wait(32_000);
        assert_eq!(trace.last().unwrap(), "timed out", "{method}");
        assert_eq!(w.total(), 0, "{method}");
    }
}

#[test]
fn a_cancel_waits_for_a_sign_of_life() {
    let mut w = World::new();
    let client = w.send(Transport::Udp, Method::Invite);
    let (way, invite) = w.sent.last().unwrap().clone();
    let reason = Some("SIP;cause=200;text=\"Call completed elsewhere\"");
    assert!(w.layer.cancel(w.now, client, reason));
    assert!(!w.layer.cancel(w.now, client, reason), "once");
    assert_eq!(w.drain(), NONE);
    assert_eq!(w.answer(100, ""), ["response 100 INVITE", "> CANCEL"]);
    let cancel = w.last_sent().clone();
    assert_eq!(cancel.via().as_bytes(), invite.via().as_bytes(), "9.1");
    assert_eq!(
        (cancel.cseq().number, cancel.cseq().method),
        (7, Method::Cancel)
    );
    assert_eq!(
        cancel.header(crate::HeaderName::Reason),
        reason.map(str::as_bytes)
    );
    assert_eq!(w.wait(500), ["> CANCEL"]);
    assert_eq!(
        w.answer_to(way, &cancel, 200, "x"),
        NONE,
        "the CANCEL's own answer"
    );
    assert_eq!(w.wait(1000), NONE);
    let trace = w.answer_to(way, &invite, 487, "x");
    assert_eq!(trace, ["> ACK", "response 487 INVITE"]);
    assert_eq!(w.wait(33_000), NONE);
    assert_eq!(w.total(), 0);
}

#[test]
fn a_cancel_that_crosses_an_answer() {
    let mut w = World::new();
    let client = w.send(Transport::Udp, Method::Invite);
    let (way, invite) = w.sent.last().unwrap().clone();
    w.answer(180, "x");
    assert!(w.layer.cancel(w.now, client, None));
    assert_eq!(w.drain(), ["> CANCEL"]);
    let cancel = w.last_sent().clone();
    assert_eq!(w.answer_to(way, &invite, 200, "x"), ["response 200 INVITE"]);
    assert_eq!(w.answer_to(way, &cancel, 481, "x"), NONE);
    assert!(!w.layer.cancel(w.now, client, None), "answered");
    assert_eq!(w.wait(33_000), NONE);
    assert_eq!(w.total(), 0);
}

#[test]
fn a_cancel_does_not_outlive_its_call() {
    let mut w = World::new();
    let client = w.send(Transport::Tcp, Method::Invite);
    let (way, invite) = w.sent.last().unwrap().clone();
    w.answer(180, "x");
    w.layer.cancel(w.now, client, None);
    assert_eq!(w.drain(), ["> CANCEL"]);
    let trace = w.answer_to(way, &invite, 487, "x");
    assert_eq!(trace, ["> ACK", "response 487 INVITE"]);
    assert_eq!((w.total(), w.layer.poll_timeout()), (0, None));
}

#[test]
fn a_cancelled_call_that_never_ends_is_ended() {
    let mut w = World::new();
    let client = w.send(Transport::Udp, Method::Invite);
    w.answer(180, "x");
    w.layer.cancel(w.now, client, None);
    w.drain();
    let trace = w.wait(32_000);
    assert_eq!(trace.last().unwrap(), "timed out");
    assert_eq!(trace.iter().filter(|line| *line == "timed out").count(), 1);
    assert_eq!(w.total(), 0);
    assert_eq!(w.layer.poll_timeout(), None);
}

#[test]
fn a_cancel_before_any_answer_that_never_comes() {
    let mut w = World::new();
    let client = w.send(Transport::Udp, Method::Invite);
    w.layer.cancel(w.now, client, None);
    let trace = w.wait(32_000);
    assert!(!trace.iter().any(|line| line.contains("CANCEL")));
    assert_eq!(trace.last().unwrap(), "timed out");
    assert_eq!(w.total(), 0);
}

#[test]
fn only_calls_can_be_cancelled() {
    let mut w = World::new();
    let client = w.send(Transport::Udp, Method::Options);
    assert!(!w.layer.cancel(w.now, client, None));
    assert_eq!(w.drain(), NONE);
}

#[test]
fn a_way_that_fails() {
    let mut w = World::new();
    w.send(Transport::Udp, Method::Invite);
    w.send(Transport::Udp, Method::Options);
    let mut elsewhere = flow(Transport::Udp);
    elsewhere.remote.set_port(1);
    w.layer.transport_failed(w.now, &elsewhere);
    w.layer.transport_failed(w.now, &flow(Transport::Tcp));
    assert_eq!(w.drain(), NONE);
    w.layer.transport_failed(w.now, &flow(Transport::Udp));
    assert_eq!(w.drain(), ["transport failed", "transport failed"]);
    assert_eq!((w.total(), w.layer.poll_timeout()), (0, None));
}

#[test]
fn an_answer_takes_a_new_connection_when_its_own_is_gone() {
    let mut w = World::new();
    let mut tcp = flow(Transport::Tcp);
    tcp.remote.set_port(41_000);
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive_by(tcp, &invite);
    w.layer.transport_failed(w.now, &tcp);
    w.respond(&invite, 486);
    let (way, _) = w.sent.last().unwrap();
    assert_eq!(way.connection, None);
    assert_eq!(way.remote, "192.0.2.9:5070".parse().unwrap());
}

#[test]
fn responses_to_nothing_of_ours() {
    let mut w = World::new();
    w.send(Transport::Udp, Method::Invite);
    let (way, invite) = w.sent.last().unwrap().clone();
    let branch = invite.via().branch().unwrap().to_string();
    let text = core::str::from_utf8(invite.as_bytes()).unwrap().to_string();
    for (name, from, to) in [
        (
            "a guessed branch",
            branch.as_str(),
            "z9hG4bK-lffeed.0.0000000000000000",
        ),
        ("a foreign branch", branch.as_str(), "z9hG4bKabc"),
        ("another method", "7 INVITE", "7 BYE"),
        ("a CANCEL never sent", "7 INVITE", "7 CANCEL"),
    ] {
        let forged = text.replace(from, to).replace("INVITE sip", "OPTIONS sip");
        let forged = Message::parse(Bytes::from(forged));
        let Ok(forged) = forged else { panic!("{name}") };
        assert_eq!(w.answer_to(way, &forged, 200, "x"), NONE, "{name}");
    }
    assert_eq!(w.layer.counters().responses_dropped, 4);
}

#[test]
fn a_response_to_another_method_is_none() {
    let mut w = World::new();
    w.send(Transport::Udp, Method::Options);
    let (way, options) = w.sent.last().unwrap().clone();
    let text = core::str::from_utf8(options.as_bytes()).unwrap();
    let bye = Message::parse(Bytes::from(text.replace("OPTIONS", "BYE"))).unwrap();
    assert_eq!(w.answer_to(way, &bye, 200, "x"), NONE);
    assert_eq!(w.layer.counters().responses_dropped, 1);
    assert_eq!(
        w.answer_to(way, &options, 200, "x"),
        ["response 200 OPTIONS"]
    );
}

/// Beside one response and the key of the request, which together are about 1 kB, a transaction
/// that lingers is this much; 2 kB is what the house allows.
#[test]
fn what_lingers_is_small() {
    let client = size_of::<client::Client>() + size_of::<client::Invite>();
    for (name, octets) in [("server", size_of::<server::Server>()), ("client", client)] {
        assert!(octets <= 768, "{name}: {octets}");
    }
}

#[test]
fn an_acknowledged_answer_is_not_kept() {
    let mut w = World::new();
    let invite = theirs("INVITE", "z9hG4bK1", "", 1);
    w.receive(&invite);
    w.respond(&invite, 200);
    let sent = w.sent.pop().unwrap().1.as_bytes().clone();
    assert!(!sent.is_unique());
    w.receive(&theirs("ACK", "z9hG4bK2", "ours", 1));
    assert!(sent.is_unique(), "nobody but this test holds its octets");
    assert_eq!(w.total(), 1, "though its transaction lingers");
}
