//! What becomes of a message: which lane it takes, or which answer it gets without any state.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use bytes::Bytes;
use config::Settings;
use engine::Input;
use sip::wire::error_response;
use sip::{Fault, Flow, HeaderName, Message, Method, ResponseBuilder};

use super::counters::Counters;
use super::lanes::{Full, Lanes};
use super::strangers::Strangers;
use crate::recorder::Tap;

/// How soon somebody may try again whom there was no room for, in seconds.
const RETRY_AFTER: &str = "5";

/// Takes messages from all sockets. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    pub(crate) lanes: Lanes,
    pub(crate) counters: Arc<Counters>,
    pub(crate) strangers: Arc<Strangers>,
    pub(crate) tap: Tap,
    emergency: Arc<ArcSwap<Vec<String>>>,
    /// Makes the same tag for the same request sent again (RFC 3261 §8.2.7).
    tags: RandomState,
}

/// What the socket has to do yet.
#[derive(Debug)]
pub(crate) enum Left {
    /// Nothing.
    Nothing,
    /// Hand this to the first lane, and wait for room there.
    First(Box<Input>),
    /// Send this back.
    Answer(Bytes),
}

impl Intake {
    pub(crate) fn new(
        lanes: Lanes,
        strangers: Arc<Strangers>,
        tap: Tap,
        settings: &Settings,
    ) -> Self {
        let intake = Self {
            lanes,
            counters: Arc::default(),
            strangers,
            tap,
            emergency: Arc::default(),
            tags: RandomState::new(),
        };
        intake.set_emergency_numbers(settings);
        intake
    }

    /// The numbers that are never shed have changed.
    pub(crate) fn set_emergency_numbers(&self, settings: &Settings) {
        let numbers = settings
            .sip
            .emergency_numbers
            .iter()
            .map(ToString::to_string);
        self.emergency.store(Arc::new(numbers.collect()));
    }

    /// Takes a message. New requests go in here, if there is room; the first lane is left to the caller, who knows how to wait.
    pub(crate) fn take(&self, flow: Flow, message: Message, now: Instant) -> Left {
        let is_new = self.is_new(&message);
        if is_new && !self.strangers.admits(flow.remote, now) {
            self.counters.strangers_dropped.add();
            return Left::Nothing;
        }
        self.tap.received(&flow, message.as_bytes());
        if !is_new || self.is_emergency(&message) {
            return Left::First(Box::new(Input::Received { flow, message }));
        }
        let Err(Full(refused)) = self
            .lanes
            .request(Box::new(Input::Received { flow, message }))
        else {
            return Left::Nothing;
        };
        self.counters.requests_shed.add();
        let Input::Received { flow, message } = *refused else {
            return Left::Nothing;
        };
        let Some(answer) = self.busy(&flow, &message) else {
            return Left::Nothing;
        };
        self.tap.sent(&flow, &answer);
        Left::Answer(answer)
    }

    /// The answer that bytes with this fault deserve, if any.
    pub(crate) fn answer_fault(&self, flow: &Flow, raw: &[u8], fault: &Fault) -> Option<Bytes> {
        if *fault == Fault::Empty {
            self.counters.keepalives_received.add();
            return None;
        }
        let answer = error_response(raw, fault, &self.tag(raw), Some(flow.remote), &[]);
        let counter = match answer {
            Some(_) => &self.counters.faults_answered,
            None => &self.counters.garbage_dropped,
        };
        counter.add();
        if let Some(answer) = &answer {
            self.tap.received(flow, &Bytes::copy_from_slice(raw));
            self.tap.sent(flow, answer);
        }
        answer
    }

    /// Whether it asks for something new; responses and what belongs to a call or an INVITE in progress do not.
    fn is_new(&self, message: &Message) -> bool {
        let in_progress = [Method::Ack, Method::Bye, Method::Cancel, Method::Prack];
        message.is_request()
            && message.to_tag().is_none()
            && !in_progress.contains(&message.method())
    }

    fn is_emergency(&self, message: &Message) -> bool {
        if message.method() != Method::Invite {
            return false;
        }
        message.request_uri().is_some_and(|uri| {
            let is_listed = |number| self.emergency.load().contains(&number);
            uri.is_emergency_service() || uri.number().is_some_and(is_listed)
        })
    }

    /// 503 without state, for a request whose lane is full.
    fn busy(&self, flow: &Flow, message: &Message) -> Option<Bytes> {
        let response = ResponseBuilder::new(message, 503)
            .received(flow.remote)
            .to_tag(&self.tag(message.as_bytes()))
            .header(HeaderName::RetryAfter, RETRY_AFTER);
        response.build().ok()
    }

    fn tag(&self, raw: &[u8]) -> String {
        format!("{:016x}", self.tags.hash_one(raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::lanes::{LaneEnds, Next, lanes};
    use config::Centre;
    use sip::Transport;

    fn intake() -> (Intake, LaneEnds) {
        let (lanes, ends) = lanes();
        let strangers = Arc::new(Strangers::new(&Centre::default()));
        (
            Intake::new(lanes, strangers, Tap::off(), &Settings::default()),
            ends,
        )
    }

    fn flow() -> Flow {
        Flow {
            transport: Transport::Udp,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: "127.0.0.2:5070".parse().unwrap(),
            connection: None,
        }
    }

    fn raw(first_line: &str, method: &str, to_tag: &str) -> Bytes {
        let text = format!(
            "{first_line}\r\nVia: SIP/2.0/UDP 127.0.0.2:5070;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:c@d>{to_tag}\r\nCall-ID: x\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        Bytes::from(text)
    }

    fn request(method: &str, user: &str, to_tag: &str) -> Message {
        Message::parse(raw(
            &format!("{method} sip:{user}@127.0.0.1 SIP/2.0"),
            method,
            to_tag,
        ))
        .unwrap()
    }

    fn service(urn: &str) -> Message {
        Message::parse(raw(&format!("INVITE {urn} SIP/2.0"), "INVITE", "")).unwrap()
    }

    #[test]
    fn each_message_takes_its_lane() {
        let response = Message::parse(raw("SIP/2.0 200 OK", "INVITE", ";tag=2")).unwrap();
        for (name, message, first) in [
            ("a call", request("INVITE", "2000", ""), false),
            ("a registration", request("REGISTER", "1001", ""), false),
            ("a question", request("OPTIONS", "x", ""), false),
            ("an emergency call", request("INVITE", "112", ""), true),
            (
                "an emergency number with a parameter",
                request("INVITE", "112;phone-context=example.org", ""),
                true,
            ),
            ("an emergency service", service("urn:service:sos"), true),
            ("one of a kind", service("URN:Service:SOS.fire"), true),
            ("another service", service("urn:service:sosumi"), false),
            ("no emergency call", request("OPTIONS", "112", ""), false),
            ("in a dialog", request("INVITE", "2000", ";tag=2"), true),
            ("ACK", request("ACK", "2000", ""), true),
            ("BYE", request("BYE", "2000", ""), true),
            ("CANCEL", request("CANCEL", "2000", ""), true),
            ("PRACK", request("PRACK", "2000", ""), true),
            ("a response", response, true),
        ] {
            let (intake, ends) = intake();
            let left = intake.take(flow(), message, Instant::now());
            assert_eq!(matches!(left, Left::First(_)), first, "{name}");
            assert_eq!(
                matches!(ends.try_next(), Some(Next::Input(_))),
                !first,
                "{name}"
            );
        }
    }

    #[test]
    fn beyond_the_lane_new_requests_get_503_and_calls_in_progress_go_on() {
        let (intake, _ends) = intake();
        intake
            .strangers
            .make_known(flow().remote.ip(), Instant::now());
        let answer = loop {
            match intake.take(flow(), request("INVITE", "2000", ""), Instant::now()) {
                Left::Nothing => {}
                Left::Answer(answer) => break answer,
                Left::First(input) => panic!("{input:?}"),
            }
        };
        let response = Message::parse(answer).unwrap();
        assert_eq!(response.status(), Some(503));
        assert_eq!(response.header_str(HeaderName::RetryAfter), Some("5"));
        assert!(response.to_tag().is_some());
        assert_eq!(intake.counters.requests_shed.count(), 1);
        let bye = intake.take(flow(), request("BYE", "2000", ";tag=2"), Instant::now());
        assert!(matches!(bye, Left::First(_)));
        let emergency = intake.take(flow(), request("INVITE", "112", ""), Instant::now());
        assert!(matches!(emergency, Left::First(_)));
    }

    #[test]
    fn strangers_beyond_their_rate_are_dropped_but_not_in_dialogs() {
        let (intake, _ends) = intake();
        let start = Instant::now();
        for _ in 0..150 {
            intake.take(flow(), request("OPTIONS", "x", ""), start);
        }
        assert_eq!(intake.counters.strangers_dropped.count(), 50);
        assert!(matches!(
            intake.take(flow(), request("BYE", "x", ";tag=2"), start),
            Left::First(_)
        ));
    }

    #[test]
    fn faults_are_answered_with_the_same_tag_each_time_and_garbage_is_not() {
        let (intake, _ends) = intake();
        let mut faulty = raw("INVITE sip:2000@127.0.0.1 SIP/7.0", "INVITE", "").to_vec();
        let fault = Message::parse(faulty.clone().into()).unwrap_err();
        let answer = intake.answer_fault(&flow(), &faulty, &fault).unwrap();
        assert!(answer.starts_with(b"SIP/2.0 505 "), "{answer:?}");
        assert_eq!(
            intake.answer_fault(&flow(), &faulty, &fault),
            Some(answer.clone())
        );
        faulty.extend_from_slice(b" ");
        assert_ne!(intake.answer_fault(&flow(), &faulty, &fault), Some(answer));
        for (garbage, fault) in [
            (&b"\0\x01\x02"[..], Fault::NotSip),
            (b"\r\n\r\n", Fault::Empty),
        ] {
            assert_eq!(
                Message::parse(Bytes::from_static(garbage)).unwrap_err(),
                fault
            );
            assert_eq!(intake.answer_fault(&flow(), garbage, &fault), None);
        }
        assert_eq!(intake.counters.garbage_dropped.count(), 1);
        assert_eq!(intake.counters.keepalives_received.count(), 1);
    }
}
