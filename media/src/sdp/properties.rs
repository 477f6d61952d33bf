//! What holds for any bytes and any offer.

use super::*;
use crate::codec::Codec;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Lines that phones send, and some that none should.
fn attributes() -> impl Strategy<Value = Vec<&'static str>> {
    let lines = vec![
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:96 PCMU/8000",
        "a=rtpmap:97 opus/48000/2",
        "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:101 opus/48000/2",
        "a=rtpmap:0 PCMA/8000",
        "a=fmtp:101 0-15",
        "a=fmtp:101 0-9,16",
        "a=fmtp:101 77",
        "a=ptime:30",
        "a=maxptime:10",
        "a=sendonly",
        "a=recvonly",
        "a=inactive",
        "a=sendrecv",
        "a=rtcp:5555",
        "a=rtcp-mux",
        "a=mid:1",
        "c=IN IP4 192.0.2.2",
        "c=IN IP4 0.0.0.0",
        "c=IN IP6 2001:db8::1",
        "b=AS:64",
        "a=crypto:1 x",
    ];
    subsequence(lines, 0..12).prop_shuffle()
}

fn stream() -> impl Strategy<Value = String> {
    let kinds = select(vec!["audio", "audio", "audio", "video", "image"]);
    let ports = prop_oneof![Just(0_u16), 1..=u16::MAX];
    let protocols = select(vec![
        "RTP/AVP",
        "RTP/AVP",
        "RTP/AVPF",
        "RTP/SAVP",
        "UDP/TLS/RTP/SAVPF",
        "udptl",
    ]);
    let formats = subsequence(
        vec!["0", "8", "9", "18", "96", "97", "101", "t38", "200"],
        1..9,
    )
    .prop_shuffle();
    (kinds, ports, protocols, formats, attributes()).prop_map(
        |(kind, port, protocol, formats, attributes)| {
            format!(
                "m={kind} {port} {protocol} {}\r\n{}\r\n",
                formats.join(" "),
                attributes.join("\r\n")
            )
        },
    )
}

fn description() -> impl Strategy<Value = String> {
    (attributes(), prop::collection::vec(stream(), 0..5)).prop_map(|(session, streams)| {
        format!(
            "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{}\r\n{}",
            session.join("\r\n"),
            streams.concat()
        )
    })
}

fn direction() -> impl Strategy<Value = Direction> {
    (any::<bool>(), any::<bool>()).prop_map(|(sends, receives)| Direction::new(sends, receives))
}

fn local(address: &'static str) -> impl Strategy<Value = LocalMedia> {
    let codecs = subsequence(Codec::ALL.to_vec(), 1..=2).prop_shuffle();
    (codecs, direction(), any::<bool>(), any::<bool>()).prop_map(
        move |(codecs, direction, telephone_event, rtcp_mux)| LocalMedia {
            rtp: address.parse().unwrap(),
            codecs,
            direction,
            telephone_event,
            rtcp_mux,
        },
    )
}

/// In what an answer goes beyond its offer, if it does (RFC 3264 §6).
fn excess(offer: &SessionDescription, answer: &SessionDescription) -> Option<String> {
    if offer.streams.len() != answer.streams.len() {
        return Some(format!(
            "{} streams for {}",
            answer.streams.len(),
            offer.streams.len()
        ));
    }
    let mut pairs = offer.streams.iter().zip(&answer.streams);
    pairs.find_map(|(offered, answered)| stream_excess(offer, offered, answer, answered))
}

fn stream_excess(
    offer: &SessionDescription,
    offered: &Stream,
    answer: &SessionDescription,
    answered: &Stream,
) -> Option<String> {
    if (&offered.kind, &offered.protocol) != (&answered.kind, &answered.protocol) {
        return Some(format!("a stream of another kind: {answered}"));
    }
    if let Some(format) = answered
        .formats
        .iter()
        .find(|format| !offered.formats.contains(format))
    {
        return Some(format!("format {format}"));
    }
    if answered.port == 0 {
        return None;
    }
    if offered.port == 0 {
        return Some("a stream that was taken away".into());
    }
    let allowed = offer.direction_of(offered).reversed();
    let direction = answer.direction_of(answered);
    if direction.and(allowed) != direction {
        return Some(format!("{direction:?} where {allowed:?} is allowed"));
    }
    if answered.rtcp_mux && !offered.rtcp_mux {
        return Some("a shared port".into());
    }
    answered
        .rtpmaps
        .iter()
        .find_map(|map| map_excess(offered, answered, map))
}

fn map_excess(offered: &Stream, answered: &Stream, map: &RtpMap) -> Option<String> {
    let same = offered.rtpmap(map.payload_type).map_or_else(
        || {
            Codec::from_static_payload_type(map.payload_type)
                .is_some_and(|codec| codec.encoding_name() == &*map.encoding)
        },
        |theirs| theirs == map,
    );
    let events = |stream: &Stream| {
        stream
            .fmtp(map.payload_type)
            .map_or(EventSet::UNSAID, EventSet::parse)
    };
    if !same {
        Some(format!("another meaning: {map}"))
    } else if &*map.encoding == "telephone-event" && !events(offered).contains_all(events(answered))
    {
        Some(format!("more events: {}", events(answered)))
    } else {
        None
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = SessionDescription::parse(&bytes);
    }

    /// A description with a few bytes changed is refused or understood, and what was understood prints and reads the same.
    #[test]
    fn no_change_panics(text in description(), changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..6), our in local("198.51.100.1:4000")) {
        let mut bytes = text.into_bytes();
        let length = bytes.len();
        for (index, byte) in changes {
            bytes[index % length] = byte;
        }
        if let Ok(parsed) = SessionDescription::parse(&bytes) {
            let printed = format!("{parsed}");
            prop_assert_eq!(SessionDescription::parse(printed.as_bytes()), Ok(parsed.clone()), "{}", printed);
            let _ = Negotiation::new(1).answer(&SdpOffer(parsed.clone()), &our);
            let mut negotiation = Negotiation::new(1);
            negotiation.offer(&our);
            let _ = negotiation.accept_answer(&SdpAnswer(parsed));
        }
    }

    #[test]
    fn an_answer_never_exceeds_its_offer(text in description(), our in local("198.51.100.1:4000")) {
        let offer = SdpOffer::parse(text.as_bytes()).unwrap();
        let mut negotiation = Negotiation::new(1);
        if let Ok(answered) = negotiation.answer(&offer, &our) {
            let answer = answered.answer.description();
            prop_assert_eq!(excess(offer.description(), answer), None, "{}\n{}", text, answer);
            prop_assert_eq!(answer.streams.iter().filter(|stream| stream.port != 0).count(), 1);
            prop_assert!(our.codecs.contains(&answered.agreed.codec));
            prop_assert_eq!(answered.agreed.direction.and(our.direction), answered.agreed.direction);
            prop_assert!(!answered.agreed.direction.sends() || !answered.agreed.remote_rtp.ip().is_unspecified());
            prop_assert_eq!(negotiation.answer(&offer, &our), Ok(answered), "the same again");
        }
    }

    /// Our offers understand our answers: both sides believe in the same stream. First one offers, then the other.
    #[test]
    fn two_sides_agree(first in local("198.51.100.1:4000"), second in local("192.0.2.1:6000"), other_way in local("192.0.2.1:6002")) {
        let (mut a, mut b) = (Negotiation::new(1), Negotiation::new(2));
        for (our, their, swapped) in [(&first, &second, false), (&first, &other_way, true)] {
            let (offerer, answerer, our, their) = if swapped { (&mut b, &mut a, their, our) } else { (&mut a, &mut b, our, their) };
            let offer = SdpOffer::parse(&offerer.offer(our).to_bytes()).unwrap();
            let Ok(answered) = answerer.answer(&offer, their) else {
                prop_assert!(!our.codecs.iter().any(|codec| their.codecs.contains(codec)));
                offerer.abandon_offer();
                continue;
            };
            let mine = offerer.accept_answer(&SdpAnswer::parse(&answered.answer.to_bytes()).unwrap()).unwrap();
            let theirs = answered.agreed;
            prop_assert_eq!((mine.codec, mine.direction, mine.rtcp_mux), (theirs.codec, theirs.direction.reversed(), theirs.rtcp_mux));
            prop_assert_eq!((mine.send_payload_type, mine.receive_payload_type), (theirs.receive_payload_type, theirs.send_payload_type));
            prop_assert_eq!(mine.telephone_event.map(|types| (types.send, types.receive)), theirs.telephone_event.map(|types| (types.receive, types.send)));
            prop_assert_eq!((mine.remote_rtp, theirs.remote_rtp), (their.rtp, our.rtp));
            prop_assert_eq!(mine.alternative, None);
        }
    }
}
