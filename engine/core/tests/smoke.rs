//! A first call through the engine, message by message.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use config::{Settings, Snapshot, parse_centre};
use engine::*;
use media::control::{ClipId, MediaEvent, PortPair, WorkerId};
use sip::{Flow, Message, Transport};

const CENTRE: &str = r#"
[[trunks]]
name = "pbx"
kind = "peer"
address = "sip:127.0.0.2:5070"
allow = ["127.0.0.2/32"]
numbers = ["9*"]
[[queues]]
name = "support"
number = "2000"
welcome = "welcome"
when_closed = "announcement:closed"
[[users]]
username = "ann"
name = "Ann"
extension = "901"
queues = ["support"]
[[numbers]]
number = "3000"
to = "external:9555"
"#;

struct Bench {
    engine: Engine,
    now: Now,
    out: Vec<Output>,
}

impl Bench {
    fn new() -> Self {
        Self::with(CENTRE)
    }

    fn with(centre: &str) -> Self {
        let settings = Settings::load("", "lampfield.toml", std::iter::empty::<(String, String)>())
            .expect("defaults");
        let centre = parse_centre(centre, "centre.toml").expect("centre");
        let snapshot = Snapshot {
            version: 1,
            settings: Arc::new(settings),
            centre: Arc::new(centre),
        };
        let now = Now {
            mono: Duration::from_secs(1_800_000_000),
            utc_us: 1_800_000_000_000_000,
        };
        let clips = ["default", "welcome", "closed", "sorry"].iter().zip(1..);
        let setup = Setup {
            node: 1,
            incarnation: 1,
            version: "test".into(),
            snapshot: Arc::new(snapshot),
            vips: BTreeMap::new(),
            listen: vec![Listen {
                transport: Transport::Udp,
                address: "127.0.0.1:5060".parse().expect("an address"),
            }],
            seeds: Seeds {
                ids: [1; 32],
                secrets: [2; 32],
            },
            nonce_key: [3; 32],
            clips: clips
                .map(|(name, id)| (name.to_string(), ClipId(id)))
                .collect::<BTreeMap<_, _>>(),
        };
        let engine = Engine::new(now, setup, Restore::new());
        let mut bench = Self {
            engine,
            now,
            out: Vec::new(),
        };
        bench.drain();
        let ports = (0..20u16)
            .map(|slot| PortPair {
                worker: WorkerId(0),
                slot: slot.into(),
                rtp: SocketAddr::from(([127, 0, 0, 1], 10_000 + 2 * slot)),
            })
            .collect();
        bench.input(Input::Media(MediaEvent::PortsReady(ports)));
        bench
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            self.out.push(output);
        }
    }

    fn input(&mut self, input: Input) {
        self.engine.handle_input(self.now, input);
        self.drain();
    }

    fn command(&mut self, id: u64, body: CommandBody) {
        let actor = Actor {
            username: "ann".into(),
            role: config::Role::Attendant,
        };
        self.input(Input::Command(Command {
            id: CommandId(id),
            actor,
            body,
        }));
    }

    fn receive(&mut self, from: &str, text: &str) {
        let flow = Flow {
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().expect("an address"),
            remote: from.parse().expect("an address"),
            connection: None,
        };
        let message = Message::parse(text.replace('\n', "\r\n").into()).expect("well-formed");
        self.input(Input::Received { flow, message });
    }

    fn sent(&mut self) -> Vec<(SocketAddr, String)> {
        let all = std::mem::take(&mut self.out);
        all.into_iter()
            .filter_map(|output| match output {
                Output::Transmit(t) => Some((
                    t.flow.remote,
                    String::from_utf8_lossy(&t.payload).into_owned(),
                )),
                Output::Media { .. }
                | Output::Journal(_)
                | Output::Publish { .. }
                | Output::Reply(_)
                | Output::Lookup { .. }
                | Output::LegTraced { .. }
                | Output::LegUntraced { .. }
                | Output::Offended { .. } => None,
            })
            .collect()
    }
}

const SDP: &str = "v=0\no=- 1 1 IN IP4 127.0.0.2\ns=-\nc=IN IP4 127.0.0.2\nt=0 0\nm=audio 20000 RTP/AVP 8 0 101\na=rtpmap:101 telephone-event/8000\n";

fn invite() -> String {
    invite_to("2000")
}

fn invite_to(number: &str) -> String {
    format!(
        "INVITE sip:{number}@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.2:5070;branch=z9hG4bKc1\nFrom: \"Bo\" <sip:0201@127.0.0.2>;tag=f1\nTo: <sip:{number}@127.0.0.1>\nCall-ID: call-1\nCSeq: 1 INVITE\nContact: <sip:0201@127.0.0.2:5070>\nMax-Forwards: 70\nContent-Type: application/sdp\nContent-Length: {}\n\n{SDP}",
        SDP.replace('\n', "\r\n").len()
    )
}

fn header<'t>(text: &'t str, name: &str) -> &'t str {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or("")
        .trim()
}

/// What the far end says to a request of ours.
fn response(request: &str, status: &str, body: &str) -> String {
    format!(
        "SIP/2.0 {status}\nVia: {}\nFrom: {}\nTo: {};tag=a1\nCall-ID: {}\nCSeq: {}\nContact: <sip:901@127.0.0.2:5070>\nContent-Type: application/sdp\nContent-Length: {}\n\n{body}",
        header(request, "Via:"),
        header(request, "From:"),
        header(request, "To:"),
        header(request, "Call-ID:"),
        header(request, "CSeq:"),
        body.replace('\n', "\r\n").len()
    )
}

#[test]
fn a_caller_reaches_an_attendant_behind_a_trunk() {
    let mut bench = Bench::new();
    bench.command(
        1,
        CommandBody::Login {
            username: "ann".into(),
            extension: None,
        },
    );
    bench.sent();
    bench.receive("127.0.0.2:5070", &invite());
    let sent = bench.sent();
    let ok = sent
        .iter()
        .find(|(_, text)| text.starts_with("SIP/2.0 200"))
        .expect("the queue answers");
    let to = header(&ok.1, "To:").to_string();
    let alert = sent
        .iter()
        .find(|(_, text)| text.starts_with("INVITE"))
        .expect("ann is rung")
        .1
        .clone();
    assert!(
        alert.contains("From: \"Bo\" <sip:0201@lampfield.local>"),
        "{alert}"
    );
    let reply = |status: &str, body: &str| response(&alert, status, body);
    bench.receive("127.0.0.2:5070", &reply("180 Ringing", ""));
    bench.sent();
    bench.receive("127.0.0.2:5070", &reply("200 OK", SDP));
    let sent = bench.sent();
    assert!(
        sent.iter().any(|(_, text)| text.starts_with("ACK")),
        "{sent:#?}"
    );
    let bye = format!(
        "BYE sip:127.0.0.1:5060 SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.2:5070;branch=z9hG4bKc2\nFrom: \"Bo\" <sip:0201@127.0.0.2>;tag=f1\nTo: {to}\nCall-ID: call-1\nCSeq: 2 BYE\nMax-Forwards: 70\nContent-Length: 0\n\n"
    );
    bench.receive("127.0.0.2:5070", &bye);
    let sent = bench.sent();
    assert!(
        sent.iter().any(|(_, text)| text.starts_with("SIP/2.0 200")),
        "{sent:#?}"
    );
    assert!(
        sent.iter().any(|(_, text)| text.starts_with("BYE")),
        "{sent:#?}"
    );
    let figures = bench.engine.figures();
    assert_eq!((figures.calls, figures.legs, figures.dialogs), (0, 0, 0));
}

/// A caller is told of the other side's progress once: by the sound it sends, or by what it says.
#[test]
fn early_media_takes_the_place_of_the_ringing() {
    let table: &[(&str, &str, &str, &[&str])] = &[
        ("it rings", "180 Ringing", "", &["SIP/2.0 180"]),
        (
            "it says no more",
            "183 Session Progress",
            "",
            &["SIP/2.0 183"],
        ),
        ("it is heard", "183 Session Progress", SDP, &["SIP/2.0 183"]),
        (
            "it rings and is heard",
            "180 Ringing",
            SDP,
            &["SIP/2.0 183"],
        ),
    ];
    for (name, status, body, expected) in table {
        let mut bench = Bench::new();
        bench.receive("127.0.0.2:5070", &invite_to("3000"));
        let sent = bench.sent();
        let dialled = sent
            .iter()
            .find(|(_, text)| text.starts_with("INVITE sip:9555@"))
            .expect("the number is called");
        bench.receive("127.0.0.2:5070", &response(&dialled.1, status, body));
        let told: Vec<String> = bench
            .sent()
            .into_iter()
            .map(|(_, text)| text[..11].to_string())
            .collect();
        assert_eq!(told, *expected, "{name}");
    }
}

/// A trunk carries no more than its `max_calls`, in whichever direction; an emergency call leaves all the same.
#[test]
fn a_full_trunk_takes_no_further_call() {
    let table = [
        ("room for one only", 1, "9555", "SIP/2.0 480"),
        ("room for both sides", 2, "9555", "INVITE sip:9555@"),
        ("no limit", 0, "9555", "INVITE sip:9555@"),
        ("an emergency", 1, "112", "INVITE sip:112@"),
    ];
    for (name, max, to, expected) in table {
        let centre = CENTRE
            .replace(
                "numbers = [\"9*\"]",
                &format!("numbers = [\"9*\"]\nmax_calls = {max}"),
            )
            .replace("external:9555", &format!("external:{to}"));
        let mut bench = Bench::with(&centre);
        bench.receive("127.0.0.2:5070", &invite_to("3000"));
        let sent = bench.sent();
        assert!(
            sent.iter().any(|(_, text)| text.starts_with(expected)),
            "{name}: {sent:#?}"
        );
    }
}
