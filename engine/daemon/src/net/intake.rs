//! What becomes of a message: which lane it takes, or which answer it gets without any state.

use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use bytes::Bytes;
use config::{Settings, UnknownSources};
use engine::Input;
use sip::wire::error_response;
use sip::{Fault, Flow, HeaderName, Message, Method, ResponseBuilder};

use super::bans::{Bans, Offence};
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
    pub(crate) bans: Arc<Bans>,
    pub(crate) tap: Tap,
    /// Whether strangers hear nothing.
    silent: bool,
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
            bans: Arc::default(),
            tap,
            silent: settings.sip.unknown_sources == UnknownSources::Silent,
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
        if self.is_banned(flow.remote, now) && !self.is_emergency(&message) {
            self.counters.banned_dropped.add();
            return Left::Nothing;
        }
        let is_new = self.is_new(&message);
        if is_new && !self.strangers.admits(flow.remote, now) {
            self.counters.strangers_dropped.add();
            return Left::Nothing;
        }
        if is_new && self.is_ignored(flow.remote, &message, now) {
            self.counters.strangers_ignored.add();
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

    /// Whether a datagram is worth reading: not from a banned source, unless it may be an emergency call.
    pub(crate) fn is_read(&self, remote: SocketAddr, raw: &[u8], now: Instant) -> bool {
        let dropped = !raw.starts_with(b"INVITE ") && self.is_banned(remote, now);
        if dropped {
            self.counters.banned_dropped.add();
        }
        !dropped
    }

    fn is_banned(&self, remote: SocketAddr, now: Instant) -> bool {
        self.bans.is_banned(remote.ip(), now) && !self.strangers.spares(remote, now)
    }

    /// Whether a stranger gets no answer, as the settings say. They may register, show credentials and call for help.
    fn is_ignored(&self, remote: SocketAddr, message: &Message, now: Instant) -> bool {
        let is_heard = || {
            message.method() == Method::Register
                || message.header(HeaderName::Authorization).is_some()
                || message.header(HeaderName::ProxyAuthorization).is_some()
                || self.is_emergency(message)
        };
        self.silent && !self.strangers.knows(remote, now) && !is_heard()
    }

    /// Notes what a stranger did. The ban that begins with it, to be told to the engine, and in the log; of many at once, one a second.
    pub(crate) fn offended(
        &self,
        source: SocketAddr,
        offence: Offence,
        now: Instant,
    ) -> Option<Input> {
        if self.strangers.spares(source, now) {
            return None;
        }
        self.counters.offences.add();
        let ban = self.bans.offended(source.ip(), offence, now)?;
        self.counters.bans.add();
        if !self.bans.is_told(now) {
            return None;
        }
        let (seconds, why) = (ban.left.as_secs(), ban.offence.as_str());
        tracing::warn!(address = %ban.address, seconds, why, "a source is banned");
        Some(Input::SourceBanned {
            address: ban.address,
            seconds,
            why: why.into(),
        })
    }

    /// The answer that bytes with this fault deserve, if any.
    pub(crate) fn answer_fault(&self, flow: &Flow, raw: &[u8], fault: &Fault) -> Option<Bytes> {
        let now = Instant::now();
        if *fault != Fault::Empty {
            if self.is_banned(flow.remote, now) {
                self.counters.banned_dropped.add();
                return None;
            }
            if let Some(banned) = self.offended(flow.remote, Offence::Garbage, now) {
                // Where there is no room, readers are not told.
                let _ = self.lanes.request(Box::new(banned));
            }
            if self.silent && !self.strangers.knows(flow.remote, now) {
                self.counters.garbage_dropped.add();
                return None;
            }
        }
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
    fn strangers_hear_nothing_where_the_settings_say_so_but_can_register_and_call_for_help() {
        let settings = "[sip]\nunknown_sources = \"silent\"\n";
        let settings = Settings::load(settings, "test", []).unwrap();
        let (lanes, ends) = lanes();
        let strangers = Arc::new(Strangers::new(&Centre::default()));
        let intake = Intake::new(lanes, strangers, Tap::off(), &settings);
        let now = Instant::now();
        let heard = |message| {
            let first = matches!(intake.take(flow(), message, now), Left::First(_));
            first || ends.try_next().is_some()
        };
        for (name, message, expected) in [
            ("a call", request("INVITE", "2000", ""), false),
            ("a question", request("OPTIONS", "x", ""), false),
            ("a registration", request("REGISTER", "1001", ""), true),
            ("an emergency call", request("INVITE", "112", ""), true),
            ("in a dialog", request("BYE", "2000", ";tag=2"), true),
        ] {
            assert_eq!(heard(message), expected, "{name}");
        }
        intake.strangers.make_known(flow().remote.ip(), now);
        assert!(matches!(
            intake.take(flow(), request("OPTIONS", "x", ""), now),
            Left::Nothing
        ));
        assert_eq!(intake.counters.strangers_ignored.count(), 2);
        assert!(ends.try_next().is_some(), "one we know");
    }

    #[test]
    fn a_banned_source_is_not_heard_unless_it_calls_for_help_or_is_known() {
        let (intake, ends) = intake();
        let now = Instant::now();
        let banned: Vec<Input> = (0..20)
            .filter_map(|_| intake.offended(flow().remote, Offence::Garbage, now))
            .collect();
        assert!(
            matches!(banned[..], [Input::SourceBanned { seconds: 60, .. }]),
            "{banned:?}"
        );
        assert!(!intake.is_read(flow().remote, b"REGISTER sip:x SIP/2.0", now));
        assert!(intake.is_read(flow().remote, b"INVITE sip:112@x SIP/2.0", now));
        intake.take(flow(), request("INVITE", "2000", ""), now);
        assert!(ends.try_next().is_none());
        let emergency = intake.take(flow(), request("INVITE", "112", ""), now);
        assert!(matches!(emergency, Left::First(_)));
        assert_eq!(intake.counters.banned_dropped.count(), 2);

        intake.strangers.make_known(flow().remote.ip(), now);
        assert!(intake.is_read(flow().remote, b"REGISTER sip:x SIP/2.0", now));
        assert!(
            intake
                .offended(flow().remote, Offence::Garbage, now)
                .is_none()
        );
        assert_eq!(intake.counters.offences.count(), 20);
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
