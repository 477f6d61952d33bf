//! Conversations of offers and answers: holds, changes, refusals, late offers, and what they come to.

use super::phones::{ASTERISK, BARESIP, CHROMIUM, answer, around, local, offer, streams};
use super::*;
use crate::codec::Codec::{Pcma, Pcmu};
use crate::control::EventTypes;
use alloc::string::String;
use alloc::{format, vec};

#[test]
fn an_answer_is_printed_whole() {
    let mut negotiation = Negotiation::new(4 * 1000);
    let answered = negotiation.answer(&offer(BARESIP), &local()).unwrap();
    let expected = "v=0\r\no=- 1000 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
        a=ptime:20\r\na=sendrecv\r\nm=video 0 RTP/AVP 99\r\n";
    assert_eq!(answered.answer.to_bytes(), expected);
    let six = LocalMedia::new("[2001:db8::1]:4000".parse().unwrap());
    let text = format!("{}", Negotiation::new(0).offer(&six));
    assert!(text.contains("\r\nc=IN IP6 2001:db8::1\r\n"), "{text}");
}

#[test]
fn our_order_of_codecs_decides() {
    let both = around("m=audio 6000 RTP/AVP 0 8\r\n");
    let table = [
        (vec![Pcma, Pcmu], Ok(Pcma)),
        (vec![Pcmu, Pcma], Ok(Pcmu)),
        (vec![Pcmu], Ok(Pcmu)),
        (vec![], Err(NotAcceptable::NoCodec)),
    ];
    for (codecs, expected) in table {
        let our = LocalMedia { codecs, ..local() };
        let codec = Negotiation::new(4)
            .answer(&offer(&both), &our)
            .map(|answered| answered.agreed.codec);
        assert_eq!(codec, expected, "{our:?}");
    }
}

/// RFC 3264 §8.4 and the older way of RFC 2543: what the peer says, what we wish, what comes out.
#[test]
fn holding_works_in_both_ways() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let table = [
        ("talking", "a=sendrecv\r\n", SendRecv, SendRecv),
        (
            "held with music of theirs",
            "a=sendonly\r\n",
            SendRecv,
            RecvOnly,
        ),
        ("held in silence", "a=inactive\r\n", SendRecv, Inactive),
        ("they only listen", "a=recvonly\r\n", SendRecv, SendOnly),
        (
            "held as in RFC 2543",
            "c=IN IP4 0.0.0.0\r\n",
            SendRecv,
            RecvOnly,
        ),
        (
            "both",
            "c=IN IP4 0.0.0.0\r\na=sendonly\r\n",
            SendRecv,
            RecvOnly,
        ),
        (
            "both, in silence",
            "c=IN IP4 0.0.0.0\r\na=inactive\r\n",
            SendRecv,
            Inactive,
        ),
        (
            "listening at no address",
            "c=IN IP4 0.0.0.0\r\na=recvonly\r\n",
            SendRecv,
            Inactive,
        ),
        ("we hold them", "a=sendrecv\r\n", SendOnly, SendOnly),
        ("both hold", "a=sendonly\r\n", SendOnly, Inactive),
    ];
    for (name, lines, wish, expected) in table {
        let our = LocalMedia {
            direction: wish,
            ..local()
        };
        let text = around(&format!("m=audio 6000 RTP/AVP 8\r\n{lines}"));
        let Answered { answer, agreed } = Negotiation::new(4).answer(&offer(&text), &our).unwrap();
        assert_eq!(agreed.direction, expected, "{name}");
        assert!(
            format!("{answer}").contains(expected.attribute()),
            "{name}: {answer}"
        );
        assert_eq!(
            agreed.remote_rtp.ip().is_unspecified(),
            lines.contains("0.0.0.0"),
            "{name}"
        );
    }
    let session_level =
        around("m=audio 6000 RTP/AVP 8\r\n").replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n");
    let agreed = Negotiation::new(4)
        .answer(&offer(&session_level), &local())
        .unwrap()
        .agreed;
    assert_eq!(agreed.direction, RecvOnly, "held by a line of the session");
}

#[test]
fn offers_without_usable_audio_are_refused() {
    let table = [
        ("no stream", "", NotAcceptable::NoAudio),
        (
            "video only",
            "m=video 6000 RTP/AVP 96\r\n",
            NotAcceptable::NoAudio,
        ),
        (
            "fax only",
            "m=image 6000 udptl t38\r\n",
            NotAcceptable::NoAudio,
        ),
        (
            "audio taken away",
            "m=audio 0 RTP/AVP 8\r\n",
            NotAcceptable::NoAudio,
        ),
        (
            "G.729 only",
            "m=audio 6000 RTP/AVP 18\r\n",
            NotAcceptable::NoCodec,
        ),
        (
            "the first stream's fault counts",
            "m=audio 6000 RTP/SAVP 8\r\nm=audio 6002 RTP/AVP 18\r\n",
            NotAcceptable::Protocol,
        ),
        (
            "video's fault does not",
            "m=video 6000 RTP/SAVP 8\r\nm=audio 6002 RTP/AVP 18\r\n",
            NotAcceptable::NoCodec,
        ),
    ];
    for (name, streams, expected) in table {
        assert_eq!(
            Negotiation::new(4).answer(&offer(&around(streams)), &local()),
            Err(expected),
            "{name}"
        );
    }
    let nowhere = "v=0\r\nm=audio 6000 RTP/AVP 8\r\n";
    assert_eq!(
        Negotiation::new(4).answer(&offer(nowhere), &local()),
        Err(NotAcceptable::NoAddress)
    );
}

#[test]
fn the_version_counts_changes_and_nothing_else() {
    let mut negotiation = Negotiation::new(4);
    let version = |description: &SessionDescription| description.origin.as_ref().unwrap().version;
    let mut answered = |text: &str, our: &LocalMedia| {
        version(
            negotiation
                .answer(&offer(text), our)
                .unwrap()
                .answer
                .description(),
        )
    };
    let held = BARESIP.replace("a=sendrecv", "a=sendonly");
    assert_eq!(answered(BARESIP, &local()), 1);
    assert_eq!(answered(BARESIP, &local()), 1, "the same offer again");
    assert_eq!(answered(&held, &local()), 2, "held");
    assert_eq!(answered(&held, &local()), 2);
    assert_eq!(answered(BARESIP, &local()), 3, "taken back");
    let moved = LocalMedia {
        rtp: "198.51.100.2:4002".parse().unwrap(),
        ..local()
    };
    assert_eq!(answered(BARESIP, &moved), 4, "our port moved");
    let again = negotiation.offer(&moved);
    assert_eq!(version(again.description()), 5, "an offer names all codecs");
    assert_eq!(
        again.description().origin.as_ref().unwrap().host,
        Host::Ip("198.51.100.1".parse().unwrap()),
        "o= keeps its address"
    );
    assert_eq!(version(negotiation.offer(&moved).description()), 5);
}

#[test]
fn an_offer_of_ours_is_answered() {
    let mut negotiation = Negotiation::new(4);
    let ours = negotiation.offer(&local());
    let expected = "m=audio 4000 RTP/AVP 8 0 101|a=rtpmap:8 PCMA/8000|a=rtpmap:0 PCMU/8000|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|a=sendrecv";
    assert_eq!(streams(&format!("{ours}")), expected);
    assert!(negotiation.has_open_offer());
    let theirs =
        around("m=audio 6000 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=ptime:30\r\n");
    let agreed = negotiation.accept_answer(&answer(&theirs)).unwrap();
    let expected = AgreedAudio {
        remote_rtp: "192.0.2.1:6000".parse().unwrap(),
        remote_rtcp: "192.0.2.1:6001".parse().unwrap(),
        rtcp_mux: false,
        codec: Pcmu,
        send_payload_type: 0,
        receive_payload_type: 0,
        alternative: None,
        telephone_event: Some(EventTypes {
            send: 96,
            receive: 101,
        }),
        ptime_ms: 30,
        direction: Direction::SendRecv,
    };
    assert_eq!(agreed, expected);
    assert!(!negotiation.has_open_offer());
    assert_eq!(negotiation.agreed(), Some(&agreed));
}

#[test]
fn answers_that_do_not_fit_are_faults() {
    let mut two_streams = Negotiation::new(4);
    two_streams.answer(&offer(BARESIP), &local()).unwrap();
    let table = [
        (
            "nothing in common",
            "m=audio 6000 RTP/AVP 18\r\n",
            AnswerFault::NotAcceptable(NotAcceptable::NoCodec),
        ),
        (
            "a codec not offered",
            "m=audio 6000 RTP/AVP 0\r\n",
            AnswerFault::NotAcceptable(NotAcceptable::NoCodec),
        ),
        ("declined", "m=audio 0 RTP/AVP 8\r\n", AnswerFault::Declined),
        (
            "encrypted",
            "m=audio 6000 RTP/SAVP 8\r\n",
            AnswerFault::NotAcceptable(NotAcceptable::Protocol),
        ),
        (
            "another kind",
            "m=video 6000 RTP/AVP 8\r\n",
            AnswerFault::Kind,
        ),
        (
            "no stream",
            "",
            AnswerFault::Streams {
                offered: 1,
                answered: 0,
            },
        ),
        (
            "one too many",
            "m=audio 6000 RTP/AVP 8\r\nm=video 0 RTP/AVP 96\r\n",
            AnswerFault::Streams {
                offered: 1,
                answered: 2,
            },
        ),
    ];
    let our = LocalMedia {
        codecs: vec![Pcma],
        ..local()
    };
    for (name, streams, expected) in table {
        let mut negotiation = Negotiation::new(4);
        negotiation.offer(&our);
        assert_eq!(
            negotiation.accept_answer(&answer(&around(streams))),
            Err(expected),
            "{name}"
        );
        assert_eq!(expected.sip_status(), 488);
        assert!(
            negotiation.has_open_offer() && negotiation.agreed().is_none(),
            "{name}"
        );
    }
    let unasked = answer(&around("m=audio 6000 RTP/AVP 8\r\n"));
    assert_eq!(
        Negotiation::new(4).accept_answer(&unasked),
        Err(AnswerFault::NoOffer)
    );
    assert_eq!(
        two_streams.accept_answer(&unasked),
        Err(AnswerFault::NoOffer),
        "we only answered"
    );
    two_streams.offer(&local());
    assert!(
        two_streams.accept_answer(&unasked).is_ok(),
        "the declined video is missing from the answer"
    );
}

#[test]
fn answers_to_our_hold_never_open_it() {
    let table = [
        ("recvonly", Direction::SendOnly),
        ("sendrecv", Direction::SendOnly),
        ("inactive", Direction::Inactive),
        ("sendonly", Direction::Inactive),
    ];
    for (said, expected) in table {
        let mut negotiation = Negotiation::new(4);
        negotiation.offer(&LocalMedia {
            direction: Direction::SendOnly,
            ..local()
        });
        let theirs = around(&format!("m=audio 6000 RTP/AVP 8\r\na={said}\r\n"));
        assert_eq!(
            negotiation
                .accept_answer(&answer(&theirs))
                .unwrap()
                .direction,
            expected,
            "{said}"
        );
    }
}

#[test]
fn a_peer_that_answers_with_both_codecs_may_use_both() {
    let mut negotiation = Negotiation::new(4);
    negotiation.offer(&local());
    let agreed = negotiation
        .accept_answer(&answer(&around("m=audio 6000 RTP/AVP 0 8\r\n")))
        .unwrap();
    assert_eq!((agreed.codec, agreed.alternative), (Pcmu, Some((8, Pcma))));
}

/// RFC 3261 §13.2.1: an INVITE without SDP is offered to in the 200, the answer is in the ACK.
#[test]
fn a_late_offer_is_an_offer_like_any() {
    let mut ours = Negotiation::new(4);
    let in_the_200 = ours.offer(&local());
    let mut phone = Negotiation::new(8);
    let phone_media = LocalMedia::new("192.0.2.1:6000".parse().unwrap());
    let in_the_ack = phone
        .answer(
            &SdpOffer::parse(&in_the_200.to_bytes()).unwrap(),
            &phone_media,
        )
        .unwrap();
    let agreed = ours
        .accept_answer(&SdpAnswer::parse(&in_the_ack.answer.to_bytes()).unwrap())
        .unwrap();
    assert_eq!((agreed.codec, agreed.remote_rtp), (Pcmu, phone_media.rtp));
}

#[test]
fn a_200_may_repeat_or_replace_the_answer_of_a_183() {
    let mut negotiation = Negotiation::new(4);
    negotiation.offer(&local());
    let early = negotiation
        .accept_answer(&answer(&around("m=audio 6000 RTP/AVP 8\r\n")))
        .unwrap();
    assert_eq!(
        negotiation.accept_answer(&answer(&around("m=audio 6000 RTP/AVP 8\r\n"))),
        Ok(early)
    );
    let other_branch = negotiation
        .accept_answer(&answer(&around("m=audio 7000 RTP/AVP 0\r\n")))
        .unwrap();
    assert_eq!(
        (other_branch.codec, other_branch.remote_rtp.port()),
        (Pcmu, 7000)
    );
}

#[test]
fn a_refused_offer_leaves_what_was_agreed() {
    let mut negotiation = Negotiation::new(4);
    let agreed = negotiation
        .answer(&offer(ASTERISK), &local())
        .unwrap()
        .agreed;
    negotiation.offer(&LocalMedia {
        direction: Direction::SendOnly,
        ..local()
    });
    negotiation.abandon_offer();
    assert_eq!(
        (negotiation.agreed(), negotiation.has_open_offer()),
        (Some(&agreed), false)
    );
    assert!(negotiation.answer(&offer(CHROMIUM), &local()).is_err());
    assert_eq!(
        negotiation.agreed(),
        Some(&agreed),
        "the peer's bad offer changed nothing either"
    );
}

/// RFC 3264 §8: our later offers keep the peer's streams in their places and its payload types in their meaning.
#[test]
fn our_later_offers_keep_the_shape_of_the_session() {
    let events_elsewhere = around(
        "m=video 6010 RTP/AVP 96\r\nm=audio 6000 RTP/AVPF 8 101 97\r\na=rtpmap:101 opus/48000/2\r\na=rtpmap:97 telephone-event/8000\r\n",
    );
    let no_events = around(
        "m=audio 6000 RTP/AVP 8 101 96\r\na=rtpmap:101 opus/48000/2\r\na=rtpmap:96 speex/16000\r\n",
    );
    let tail = "a=rtpmap:8 PCMA/8000|a=rtpmap:0 PCMU/8000|a=rtpmap:97 telephone-event/8000|a=fmtp:97 0-16|a=sendrecv";
    let table = [
        (
            "video first, events at 97",
            events_elsewhere,
            format!("m=video 0 RTP/AVP 96|m=audio 4000 RTP/AVPF 8 0 97|{tail}"),
        ),
        (
            "101 and 96 are taken",
            no_events,
            format!("m=audio 4000 RTP/AVP 8 0 97|{tail}"),
        ),
    ];
    for (name, text, expected) in table {
        let mut negotiation = Negotiation::new(4);
        negotiation.answer(&offer(&text), &local()).unwrap();
        assert_eq!(
            streams(&format!("{}", negotiation.offer(&local()))),
            expected,
            "{name}"
        );
    }
}

#[test]
fn rtcp_shares_the_port_only_when_both_want_it() {
    let theirs = "m=audio 6000 RTP/AVP 8\r\na=rtcp:6005\r\n";
    for (they, we, shared) in [
        (true, true, true),
        (true, false, false),
        (false, true, false),
        (false, false, false),
    ] {
        let text = around(&format!(
            "{theirs}{}",
            if they { "a=rtcp-mux\r\n" } else { "" }
        ));
        let our = LocalMedia {
            rtcp_mux: we,
            ..local()
        };
        let port = if shared { 6000 } else { 6005 };
        let mut answerer = Negotiation::new(4);
        let answered = answerer.answer(&offer(&text), &our).unwrap();
        assert_eq!(
            (answered.agreed.rtcp_mux, answered.agreed.remote_rtcp.port()),
            (shared, port)
        );
        assert_eq!(format!("{}", answered.answer).contains("rtcp-mux"), shared);
        let mut offerer = Negotiation::new(4);
        assert_eq!(format!("{}", offerer.offer(&our)).contains("rtcp-mux"), we);
        let agreed = offerer.accept_answer(&answer(&text)).unwrap();
        assert_eq!((agreed.rtcp_mux, agreed.remote_rtcp.port()), (shared, port));
    }
}

#[test]
fn key_presses_are_agreed_only_where_both_know_them() {
    let with = "m=audio 6000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 ";
    let table = [
        ("0-15", true, Some(101)),
        ("0-15", false, None),
        ("16", true, Some(101)),
    ];
    for (events, wanted, expected) in table {
        let our = LocalMedia {
            telephone_event: wanted,
            ..local()
        };
        let text = around(&format!("{with}{events}\r\n"));
        let Answered { answer, agreed } = Negotiation::new(4).answer(&offer(&text), &our).unwrap();
        assert_eq!(
            agreed.telephone_event,
            expected.map(|payload_type| EventTypes {
                send: payload_type,
                receive: payload_type
            }),
            "{events}"
        );
        assert_eq!(
            format!("{answer}").contains(&format!("a=fmtp:101 {events}\r\n")),
            wanted,
            "{events}"
        );
    }
}

#[test]
fn the_peers_address_can_be_asked_before_ports_are_chosen() {
    let table = [
        (BARESIP, Some("192.0.2.10")),
        (
            "v=0\nc=IN IP6 2001:db8::7\nm=audio 6000 RTP/AVP 8\n",
            Some("2001:db8::7"),
        ),
        (
            "v=0\nc=IN IP6 2001:db8::7\nm=video 6000 RTP/AVP 96\nm=audio 6000 RTP/AVP 8\nc=IN IP4 192.0.2.1\n",
            Some("192.0.2.1"),
        ),
        ("v=0\nc=IN IP4 0.0.0.0\nm=audio 6000 RTP/AVP 8\n", None),
        ("v=0\nm=audio 6000 RTP/AVP 8\n", None),
    ];
    for (text, expected) in table {
        assert_eq!(
            offer(text).audio_address(),
            expected.map(|ip| ip.parse().unwrap()),
            "{text}"
        );
    }
}

/// RFC 4028 §7.4: a refresh says what was said last, and nothing changes by its answer.
#[test]
fn what_is_repeated_is_the_same_and_changes_nothing() {
    assert!(
        Negotiation::new(4).repeat().is_none(),
        "nothing was said yet"
    );
    let dynamic = around(
        "m=audio 6000 RTP/AVP 97 98\r\na=rtpmap:97 PCMU/8000\r\na=rtpmap:98 telephone-event/8000\r\na=sendonly\r\n",
    );
    for (name, theirs, way) in [
        (
            "talking, a video declined",
            String::from(BARESIP),
            "sendrecv",
        ),
        ("held, with numbers of theirs", dynamic, "sendonly"),
    ] {
        let mut negotiation = Negotiation::new(4);
        let answered = negotiation.answer(&offer(&theirs), &local()).unwrap();
        let before = *negotiation.agreed().unwrap();
        for _ in 0..2 {
            let repeated = negotiation.repeat().unwrap();
            assert_eq!(repeated.to_bytes(), answered.answer.to_bytes(), "{name}");
            assert!(negotiation.has_open_offer());
            let codec = before.send_payload_type;
            let events = before.telephone_event.unwrap().send;
            let rest = if name.contains("video") {
                "m=video 0 RTP/AVP 99\r\n"
            } else {
                ""
            };
            let same = around(&format!(
                "m=audio {} RTP/AVP {codec} {events}\r\na=rtpmap:{codec} {}/8000\r\na=rtpmap:{events} telephone-event/8000\r\n\
                a=fmtp:{events} 0-15\r\na=ptime:{}\r\na={way}\r\n{rest}",
                before.remote_rtp.port(),
                before.codec.encoding_name(),
                before.ptime_ms,
            ));
            let after = negotiation.accept_answer(&answer(&same)).unwrap();
            let theirs = AgreedAudio {
                remote_rtp: before.remote_rtp,
                remote_rtcp: before.remote_rtcp,
                ..after
            };
            assert_eq!(theirs, before, "{name}");
        }
    }
}
