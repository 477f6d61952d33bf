//! What holds for all messages: no octets panic the codec, and what it writes it reads back the same.

use bytes::Bytes;
use proptest::prelude::*;
use sip::wire::{Edit, Framed, Rules, Scheme, error_response, validate};
use sip::{
    Framer, HeaderName, Message, Method, RequestBuilder, ResponseBuilder, Transport, UriRef,
};
use sipx_testkit::{rfc4475, rfc5118};

const RULES: Rules<'static> = Rules {
    methods: &[Method::Invite, Method::Register],
    forwarded: &[Method::Invite],
    extensions: &[],
    schemes: &[Scheme::Sip],
    body_types: &["application/sdp"],
    is_loop: None,
};

/// Asks everything that can be asked about some octets, and checks what must always hold.
fn exercise(raw: &[u8]) {
    let source = "[2001:db8::1]:5060".parse().expect("an address");
    let parsed = Message::parse(Bytes::copy_from_slice(raw));
    let message = match parsed {
        Ok(message) => message,
        Err(fault) => {
            let answer = error_response(raw, &fault, "tag", Some(source), &[]);
            assert!(answer.is_none() || fault.sip_status().is_some());
            if let Some(answer) = answer {
                only_sound_lines(&answer);
            }
            return;
        }
    };
    read_everything(&message);
    let printed = Edit::new(&message).to_bytes().expect("no edit, no fault");
    assert_eq!(&printed, message.as_bytes());
    let again = Message::parse(printed).expect("it was read before");
    assert_eq!(again.header_count(), message.header_count());
    if let Err(fault) = validate(&message, &RULES) {
        let _ = error_response(raw, &fault, "tag", Some(source), &[]);
    }
    if message.is_request() {
        let response = ResponseBuilder::new(&message, 200).received(source);
        // Octets that no header may hold, such as NUL, keep a response from being written.
        if let Ok(response) = response.build() {
            let response = Message::parse(response).expect("we wrote it");
            assert_eq!(response.cseq().number, message.cseq().number);
            assert_eq!(response.call_id(), message.call_id());
            assert_eq!(response.via().branch(), message.via().branch());
            assert_eq!(response.from_tag(), message.from_tag());
        }
    }
    let edit = Edit::new(&message)
        .received(source)
        .pop("Route")
        .set("X-New", "v");
    let edited = edit.to_bytes().and_then(|_| edit.to_message());
    if let Ok(edited) = edited {
        assert_eq!(
            edited.header(HeaderName::Other("x-new")),
            Some(b"v".as_slice())
        );
        assert_eq!(edited.body(), message.body());
    }
}

/// No line of an answer may be one that nobody meant.
fn only_sound_lines(answer: &[u8]) {
    let names: &[&[u8]] = &[
        b"SIP/2.0 ",
        b"Via: ",
        b"From: ",
        b"To: ",
        b"Call-ID: ",
        b"CSeq: ",
        b"Content-Length: ",
    ];
    let text = answer
        .strip_suffix(b"\r\n\r\n")
        .expect("it ends as it must");
    for line in text.split(|&octet| octet == b'\n') {
        let folded = line.first().is_some_and(|octet| b" \t".contains(octet));
        assert!(
            folded || names.iter().any(|name| line.starts_with(name)),
            "{answer:?}"
        );
    }
}

fn read_everything(message: &Message) {
    let _ = (
        message.method(),
        message.status(),
        message.reason().len(),
        message.body(),
    );
    let _ = (message.from_tag(), message.to_tag(), message.max_forwards());
    if let Some(uri) = message.request_uri() {
        let owned = uri.to_owned();
        assert!(owned.view() == uri);
        let _ = uri.transport();
    }
    for via in message.vias().flatten() {
        let _ = (
            via.received(),
            via.rport(),
            via.maddr(),
            via.transport(),
            via.sent_by_host(),
        );
    }
    for name in [
        HeaderName::From,
        HeaderName::To,
        HeaderName::ReferTo,
        HeaderName::PAssertedIdentity,
        HeaderName::Route,
    ] {
        for address in message.addresses(name).flatten() {
            let _ = (address.display_name(), address.tag(), address.expires());
            let _ = (address.q_thousandths(), address.uri().user_decoded());
            assert!(address.uri() == address.uri());
        }
    }
    let _ = message.contacts().flatten().count();
    let _ = (
        message.expires(),
        message.min_expires(),
        message.retry_after(),
        message.asks_privacy(),
    );
    let _ = message.content_type();
    for reason in message.reasons() {
        let _ = (reason.cause(), reason.text());
    }
    let _ = message
        .token_with_params(HeaderName::Event)
        .map(|(_, params)| params.iter().count());
    for name in [HeaderName::Authorization, HeaderName::WwwAuthenticate] {
        for header in message.auth_headers(name) {
            let _ = (header.get("realm"), header.iter().count());
        }
    }
    let _ = message
        .all_headers()
        .map(|(name, value)| name.len() + value.len())
        .sum::<usize>();
}

fn corpus() -> Vec<Bytes> {
    let rfc4475 = rfc4475::CASES
        .iter()
        .map(|case| Bytes::from_static(case.bytes));
    rfc4475
        .chain(rfc5118::CASES.iter().map(|case| case.wire()))
        .collect()
}

/// A small generator with a fixed seed, so that a failure is the same on every machine (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }
}

/// Changes a message a little: octets, lines, joins with another one.
fn mutate(message: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    const PIECES: &[&[u8]] = &[
        b"\r\n",
        b"\r\n ",
        b"\r",
        b"\n",
        b"\0",
        b"\"",
        b"\\",
        b"<",
        b">",
        b",",
        b";",
        b";;",
        b":",
        b"@",
        b"%",
        b"%00",
        b"[",
        b"]",
        b"=",
        b" ",
        b"\t",
        b"\xff",
        b"\xc3\xb6",
        b"SIP/2.0",
        b"sip:",
        b"tag=",
        b";branch=",
        b"Content-Length: 7\r\n",
        b"l:",
        b"Via: SIP/2.0/UDP h\r\n",
        b"4294967296",
        b"-1",
        b"999999999999999999999999",
        b"*",
        b"?",
        b"&",
    ];
    let mut mutated = message.to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(mutated.len() + 1);
        let to = (at + dice.roll(12)).min(mutated.len());
        match dice.roll(6) {
            0 => mutated.truncate(at),
            1 => drop(mutated.drain(at..to)),
            2 => drop(mutated.splice(at..at, PIECES[dice.roll(PIECES.len())].iter().copied())),
            3 => drop(mutated.splice(at..to, PIECES[dice.roll(PIECES.len())].iter().copied())),
            4 if at < mutated.len() => mutated[at] = dice.roll(256) as u8,
            _ => {
                let from = dice.roll(other.len());
                let until = (from + dice.roll(80)).min(other.len());
                drop(mutated.splice(at..at, other[from..until].iter().copied()));
            }
        }
    }
    mutated
}

#[test]
fn fifty_thousand_mutations_panic_nothing() {
    let corpus = corpus();
    let mut dice = Dice(0x5eed_1ab1_e5ee_d001);
    let mut accepted = 0;
    for _ in 0..50_000 {
        let message = &corpus[dice.roll(corpus.len())];
        let other = &corpus[dice.roll(corpus.len())];
        let mutated = mutate(message, other, &mut dice);
        accepted += usize::from(Message::parse(Bytes::copy_from_slice(&mutated)).is_ok());
        exercise(&mutated);
    }
    // Were all refused at the first octet, the test would say little.
    assert!((5_000..45_000).contains(&accepted), "{accepted} accepted");
}

/// A stream says the same wherever it is cut.
#[test]
fn the_framer_does_not_care_for_chunks() {
    for raw in corpus() {
        let whole = frames([&raw[..]]);
        for split in 0..=raw.len() {
            let cut = frames([&raw[..split], &raw[split..]]);
            assert_eq!(
                cut,
                whole,
                "cut at {split}: {}",
                String::from_utf8_lossy(&raw)
            );
        }
        assert_eq!(frames(raw.chunks(1)), whole);
    }
}

fn frames<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut framer = Framer::new();
    let mut seen = Vec::new();
    for chunk in chunks {
        framer.feed(chunk);
        while let Some(framed) = framer.poll() {
            seen.push(match framed {
                Framed::Message(message) => {
                    String::from_utf8_lossy(message.as_bytes()).into_owned()
                }
                Framed::Ping => "ping".to_owned(),
                // How much of the stream a closing fault has seen depends on the chunks; what it is
                // does not.
                Framed::Faulty { fault, .. } => fault.to_string(),
            });
        }
    }
    seen
}

#[test]
fn a_stream_of_all_good_messages_gives_them_back() {
    let framed: Vec<Bytes> = corpus()
        .into_iter()
        .filter(|raw| {
            Message::parse(raw.clone()).is_ok_and(|m| m.header(HeaderName::ContentLength).is_some())
        })
        .map(|raw| Message::parse(raw).expect("just parsed").as_bytes().clone())
        .collect();
    assert!(framed.len() > 20);
    let stream: Vec<u8> = framed.concat();
    for size in [1, 7, 64, 1000, stream.len()] {
        let seen = frames(stream.chunks(size));
        let expected: Vec<_> = framed
            .iter()
            .map(|raw| String::from_utf8_lossy(raw).into_owned())
            .collect();
        assert_eq!(seen, expected, "chunks of {size}");
    }
}

prop_compose! {
    fn token()(text in "[A-Za-z0-9!%*_+`'~.-]{1,20}") -> String { text }
}

prop_compose! {
    fn value()(text in "[ -~]{0,40}") -> String { text }
}

proptest! {
    #[test]
    fn no_octets_panic_the_codec(raw in proptest::collection::vec(any::<u8>(), 0..400)) {
        exercise(&raw);
        frames(raw.chunks(3));
    }

    #[test]
    fn no_header_panics_the_views(name in token(), value in proptest::collection::vec(any::<u8>(), 0..120)) {
        let head = "SIP/2.0 200 OK\r\nv: SIP/2.0/UDP h\r\nf: <sip:f@b>\r\nt: <sip:a@b>\r\ni: c\r\nCSeq: 1 A\r\n";
        for name in [&*name, "m", "Route", "Reason", "Retry-After", "Authorization", "c", "o", "P-Asserted-Identity"] {
            let raw = [head.as_bytes(), name.as_bytes(), b": ", &value, b"\r\n\r\n"].concat();
            exercise(&raw);
        }
    }

    #[test]
    fn no_text_panics_the_uri(text in proptest::collection::vec(any::<u8>(), 0..60), scheme in "(sip:|sips:|tel:|)") {
        let text = [scheme.as_bytes(), &text].concat();
        if let Ok(uri) = UriRef::parse(&text) {
            prop_assert!(uri == uri);
            prop_assert_eq!(uri.as_str().as_bytes(), &text[..]);
            let owned = uri.to_owned();
            prop_assert!(owned.view() == uri);
            let with = owned.with_param("x", Some("y"));
            if uri.scheme().is_sip() {
                prop_assert_eq!(with.view().params().get("x").is_some(), true);
            }
        }
    }

    #[test]
    fn what_is_written_is_read(
        method in token(),
        headers in proptest::collection::vec((token(), value()), 0..20),
        display in "\\PC{0,12}",
        tag in token(),
        call_id in "[!-~]{1,30}",
        cseq in 0..=sip::wire::MAX_CSEQ,
        hops in any::<u8>(),
        body in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut builder = RequestBuilder::new(Method::new(&method), "sip:bob@example.com")
            .via(Transport::Tls, "[2001:db8::1]:5061", &format!("z9hG4bK{tag}"))
            .from(&display, "sip:ann@example.com", &tag)
            .to("", "sip:bob@example.com", None)
            .call_id(&call_id)
            .cseq(cseq)
            .max_forwards(hops);
        let headers: Vec<_> = headers
            .into_iter()
            .filter(|(name, _)| matches!(HeaderName::new(name), HeaderName::Other(_)))
            .collect();
        for (name, value) in &headers {
            builder = builder.header(HeaderName::Other(name), value);
        }
        let message = builder.body("application/octet-stream", &body).message().expect("sound");
        prop_assert_eq!(message.method().as_str(), &*method);
        prop_assert_eq!(message.cseq().number, cseq);
        prop_assert_eq!(message.cseq().method, message.method());
        prop_assert_eq!(message.from_tag(), Some(&*tag));
        prop_assert_eq!(message.call_id(), &*call_id);
        prop_assert_eq!(message.max_forwards(), Some(hops));
        prop_assert_eq!(&message.from().expect("From").display_name(), &display);
        prop_assert_eq!(&message.body()[..], &body[..]);
        let written = message.all_headers().filter(|(name, _)| matches!(HeaderName::new(name), HeaderName::Other(_)));
        for ((name, value), (wanted_name, wanted)) in written.zip(&headers) {
            prop_assert_eq!(name, wanted_name);
            prop_assert_eq!(value, wanted.trim().as_bytes());
        }
        let again = Message::parse(Edit::new(&message).to_bytes().expect("no edit")).expect("read before");
        prop_assert_eq!(again, message);
    }
}
