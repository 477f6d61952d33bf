//! Tables of answers and times, and what a registration makes of them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::vec;

use bytes::Bytes;

use super::*;

const CONTACT: &str = "sip:pbx.1a@192.0.2.1:5060";
const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"one\", qop=\"auth\"\n";
const OTHER_CHALLENGE: &str =
    "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"two\", qop=\"auth\"\n";

struct World {
    registration: Registration,
    now: Duration,
    changes: usize,
    last: Option<Message>,
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl World {
    fn new() -> Self {
        let account = Account {
            registrar: "sip:carrier.example".into(),
            aor: "sip:31850082900@carrier.example".into(),
            contact: CONTACT.into(),
            call_id: "call".into(),
            tag: "tag".into(),
            credentials: Credentials {
                username: "31850082900".into(),
                password: "secret".into(),
            },
            seed: 7,
        };
        let mut world = Self {
            registration: Registration::new(account),
            now: secs(1_000),
            changes: 0,
            last: None,
        };
        world.input(Input::Start);
        world
    }

    fn input(&mut self, input: Input<'_>) {
        self.registration.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.registration.poll_output() {
            match output {
                Output::Changed => self.changes += 1,
                Output::Send { request, to } => {
                    let request = request.via(crate::Transport::Udp, "192.0.2.1", "z9hG4bK1");
                    let request = request.message().unwrap();
                    let uri = request.request_uri().unwrap().as_str().to_string();
                    let wanted = to.map_or_else(
                        || "sip:carrier.example".into(),
                        |to| to.as_str().to_string(),
                    );
                    assert_eq!(uri, wanted);
                    self.last = Some(request);
                }
            }
        }
    }

    /// What was sent since this was asked last: its CSeq, Expires, and whether it has an answer to a challenge.
    fn sent(&mut self) -> Option<(u32, u32, bool)> {
        let request = self.last.take()?;
        let authorized = request.header(HeaderName::Authorization).is_some()
            || request.header(HeaderName::ProxyAuthorization).is_some();
        Some((request.cseq().number, request.expires()?, authorized))
    }

    fn answers(&mut self, status: u16, headers: &str) {
        let text = format!(
            "SIP/2.0 {status} So\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\nFrom: <sip:a@b>;tag=1\n\
             To: <sip:a@b>;tag=2\nCall-ID: c\nCSeq: 1 REGISTER\n{headers}Content-Length: 0\n\n"
        );
        let message = Message::parse(Bytes::from(text.replace('\n', "\r\n"))).unwrap();
        self.input(Input::Answer(&message));
    }

    fn accepts(&mut self, seconds: u32) {
        self.answers(200, &format!("Contact: <{CONTACT}>;expires={seconds}\n"));
    }

    /// Lets time pass until the next REGISTER; how long that takes.
    fn waits(&mut self) -> Duration {
        let start = self.now;
        while self.last.is_none() {
            self.now = self.registration.poll_timeout().unwrap();
            self.registration.handle_timeout(self.now);
            self.drain();
        }
        self.now - start
    }

    fn status(&self) -> Status {
        self.registration.status()
    }
}

#[test]
fn rfc_3261_10_2_it_registers_proves_itself_and_refreshes_with_the_same_proof() {
    let mut w = World::new();
    assert_eq!(w.sent(), Some((1, 3_600, false)));
    w.answers(100, "");
    w.answers(401, CHALLENGE);
    assert_eq!(w.sent(), Some((2, 3_600, true)));
    w.accepts(600);
    assert_eq!(w.status().until, Some(w.now + secs(600)));
    assert_eq!(w.waits(), secs(540));
    assert_eq!(w.sent(), Some((3, 3_600, true)));
    w.accepts(600);
    assert_eq!((w.status().failure, w.changes), (None, 2));
}

#[test]
fn what_is_granted_says_when_it_is_refreshed() {
    let line = format!("Contact: <sip:other@192.0.2.9>;expires=99, <{CONTACT}>;expires=300\n");
    let mixed = format!("Contact: <{CONTACT}>\nExpires: 200\n");
    let cases = [
        (line.as_str(), Some(300), 260),
        (&mixed, Some(200), 160),
        ("Expires: 60\n", Some(60), 30),
        ("", Some(3_600), 3_240),
        ("Contact: <sip:pbx.1a@192.0.2.1>;expires=300\n", None, 0),
        ("Contact: <sip:pbx.1a@192.0.2.1:5060>;expires=0\n", None, 0),
    ];
    for (headers, granted, refreshed) in cases {
        let mut w = World::new();
        w.sent();
        w.answers(200, headers);
        let status = w.status();
        assert_eq!(
            status.until,
            granted.map(|granted| w.now + secs(granted)),
            "{headers}"
        );
        if granted.is_some() {
            assert_eq!(w.waits(), secs(refreshed), "{headers}");
        } else {
            assert_eq!(status.failure, Some(Failure::NotBound), "{headers}");
        }
    }
}

#[test]
fn rfc_3261_10_2_8_it_asks_for_longer_when_that_is_wanted() {
    let mut w = World::new();
    w.sent();
    w.answers(423, "Min-Expires: 7200\n");
    assert_eq!(w.sent(), Some((2, 7_200, false)));
    w.accepts(7_200);
    w.waits();
    assert_eq!(w.sent(), Some((3, 7_200, false)), "and so it stays");
    for nonsense in ["", "Min-Expires: 7200\n", "Min-Expires: 1000000\n"] {
        w.answers(423, nonsense);
        assert_eq!(w.sent(), None, "{nonsense}");
        assert_eq!(w.status().failure, Some(Failure::Status(423)));
        w.waits();
        w.sent();
    }
}

#[test]
fn a_wrong_password_is_not_tried_again_for_long_and_a_stale_nonce_at_once() {
    let mut w = World::new();
    w.sent();
    w.answers(401, CHALLENGE);
    w.sent();
    w.answers(401, &OTHER_CHALLENGE.replace("qop", "stale=true, qop"));
    assert_eq!(w.sent(), Some((3, 3_600, true)));
    w.answers(401, CHALLENGE);
    assert_eq!(
        (w.sent(), w.status().failure),
        (None, Some(Failure::Password))
    );
    assert_eq!(w.waits(), BACK_OFF_MAX);
    w.sent();
    w.answers(401, CHALLENGE);
    assert!(
        w.sent().is_some(),
        "the challenge is new, as far as this request knows"
    );
}

#[test]
fn a_proxy_and_the_registrar_may_both_ask() {
    let mut w = World::new();
    w.sent();
    w.answers(
        407,
        &CHALLENGE
            .replace("WWW", "Proxy")
            .replace("carrier", "proxy"),
    );
    w.sent();
    w.answers(401, CHALLENGE);
    let request = w.last.take().unwrap();
    for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
        assert_eq!(request.headers(name).count(), 1, "{name:?}");
    }
    w.accepts(600);
    assert!(w.status().until.is_some());
}

#[test]
fn rfc_5626_4_5_each_failure_waits_longer_than_the_last_and_success_begins_anew() {
    let mut w = World::new();
    let mut most = 30;
    for _ in 0..9 {
        w.sent();
        w.input(Input::NoAnswer);
        let waited = w.waits();
        let range = secs(most) / 2..=secs(most);
        assert!(range.contains(&waited), "{waited:?} of {most}");
        most = (2 * most).min(1_800);
    }
    w.sent();
    w.accepts(600);
    w.waits();
    w.sent();
    w.answers(503, "Retry-After: 25\n");
    let waited = w.waits();
    assert!((secs(25)..=secs(30)).contains(&waited), "{waited:?}");
    w.sent();
    w.answers(503, "Retry-After: 600\n");
    assert!(w.waits() >= secs(600));
    assert!(!w.registration.is_over());
}

#[test]
fn two_accounts_do_not_come_back_at_the_same_moment() {
    let waits: Vec<Duration> = [1, 2]
        .into_iter()
        .map(|seed| {
            let mut w = World::new();
            w.registration.random = next_random(seed);
            w.sent();
            w.input(Input::NoAnswer);
            w.waits()
        })
        .collect();
    assert_ne!(waits[0], waits[1]);
}

#[test]
fn a_binding_stands_until_its_end_whatever_becomes_of_its_refresh() {
    let mut w = World::new();
    w.sent();
    w.accepts(100);
    let until = w.status().until.unwrap();
    w.waits();
    w.sent();
    w.input(Input::NoAnswer);
    assert_eq!((w.status().until, w.changes), (Some(until), 2));
    w.now = until;
    w.registration.handle_timeout(until);
    w.drain();
    assert_eq!(
        (w.status().until, w.status().failure),
        (None, Some(Failure::NoAnswer))
    );
}

#[test]
fn redirections_are_followed_so_often_and_the_next_time_begins_at_the_registrar() {
    let mut w = World::new();
    w.sent();
    w.answers(
        302,
        "Contact: <sip:31850082900@192.0.2.7:5070;transport=tcp>\n",
    );
    let request = w.last.take().unwrap();
    let uri = request.request_uri().unwrap().as_str().to_string();
    assert_eq!(uri, "sip:192.0.2.7:5070;transport=tcp");
    for _ in 1..REDIRECTS_MAX {
        w.answers(301, "Contact: <sip:192.0.2.8>\n");
        assert!(w.sent().is_some());
    }
    w.answers(301, "Contact: <sip:192.0.2.8>\n");
    assert_eq!(
        (w.sent(), w.status().failure),
        (None, Some(Failure::Status(301)))
    );
    w.waits();
    assert!(w.sent().is_some());
    w.answers(302, "");
    assert_eq!(w.status().failure, Some(Failure::Status(302)));
}

#[test]
fn it_takes_its_binding_back_and_waits_for_the_answer_of_what_is_under_way() {
    let mut w = World::new();
    w.sent();
    w.input(Input::Stop);
    assert_eq!(w.sent(), None, "one REGISTER at a time");
    w.accepts(600);
    assert_eq!(w.sent(), Some((2, 0, false)));
    w.answers(401, CHALLENGE);
    assert_eq!(w.sent(), Some((3, 0, true)));
    w.answers(200, "");
    assert!(w.registration.is_over());
    assert_eq!(
        (w.status(), w.registration.poll_timeout()),
        (Status::default(), None)
    );
    w.input(Input::Start);
    w.input(Input::Stop);
    assert_eq!(w.sent(), None);
}

#[test]
fn who_is_not_registered_has_nothing_to_take_back_unless_nobody_answered() {
    for (answer, leaves) in [(Some(403), false), (None, true)] {
        let mut w = World::new();
        w.sent();
        match answer {
            Some(status) => w.answers(status, ""),
            None => w.input(Input::NoAnswer),
        }
        w.input(Input::Stop);
        assert_eq!(w.sent().is_some(), leaves);
        if leaves {
            w.input(Input::NoAnswer);
        }
        assert!(w.registration.is_over());
    }
}

#[test]
fn a_registrar_that_is_somewhere_else_is_asked_at_once() {
    let mut w = World::new();
    w.sent();
    w.input(Input::Anew);
    assert_eq!(w.sent(), None, "one is under way");
    w.accepts(600);
    w.input(Input::Anew);
    assert_eq!(w.sent(), Some((2, 3_600, false)));
}

#[test]
fn rfc_3608_the_service_route_is_kept_as_it_comes() {
    let mut w = World::new();
    w.sent();
    w.answers(
        200,
        "Service-Route: <sip:one.example;lr>, <sip:two.example;lr>\nService-Route: <sip:three.example;lr>\n",
    );
    let expected: Vec<String> = vec![
        "<sip:one.example;lr>".into(),
        "<sip:two.example;lr>".into(),
        "<sip:three.example;lr>".into(),
    ];
    assert_eq!(w.registration.service_route(), expected);
    w.waits();
    w.accepts(600);
    assert!(w.registration.service_route().is_empty());
}
