//! Offers as real phones and exchanges make them, and what a whole conversation of offers and answers comes to.

use super::*;
use crate::codec::Codec::{self, Pcma, Pcmu};
use crate::control::EventTypes;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

const BARESIP: &str = "v=0
o=- 1837523476 4167093542 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
t=0 0
a=tool:baresip 1.0.0
m=audio 10020 RTP/AVP 0 8 101
b=AS:125
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=rtcp:10021
a=sendrecv
a=label:1
a=rtcp-rsize
a=ssrc:1127331522 cname:sip:1001@192.0.2.10
a=ptime:20
m=video 10030 RTP/AVP 99
b=AS:507
a=rtpmap:99 H264/90000
a=fmtp:99 packetization-mode=0;profile-level-id=42801f
a=rtcp:10031
a=sendrecv
a=label:2
a=rtcp-rsize
";

const LINPHONE: &str = "v=0
o=anna 3462 1723 IN IP4 192.0.2.11
s=Talk
c=IN IP4 192.0.2.11
t=0 0
a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics
a=record:off
m=audio 7078 RTP/AVPF 96 97 98 0 8 18 101 99 100
a=rtpmap:96 opus/48000/2
a=fmtp:96 useinbandfec=1
a=rtpmap:97 speex/16000
a=fmtp:97 vbr=on
a=rtpmap:98 speex/8000
a=fmtp:98 vbr=on
a=fmtp:18 annexb=yes
a=rtpmap:101 telephone-event/48000
a=rtpmap:99 telephone-event/16000
a=rtpmap:100 telephone-event/8000
a=rtcp:45123
a=rtcp-fb:* trr-int 1000
a=rtcp-fb:* ccm tmmbr
m=video 9078 RTP/AVPF 96 97
a=rtpmap:96 VP8/90000
a=rtpmap:97 H264/90000
a=fmtp:97 profile-level-id=42801F
a=rtcp-fb:* trr-int 1000
a=rtcp-fb:96 nack pli
";

const ASTERISK: &str = "v=0
o=- 1467289203 1467289203 IN IP4 192.0.2.12
s=Asterisk
c=IN IP4 192.0.2.12
t=0 0
m=audio 17412 RTP/AVP 8 0 3 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:3 GSM/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=maxptime:140
a=sendrecv
";

/// A desk phone that would rather be encrypted, and says so in a stream of its own.
const SECURE_FIRST: &str = "v=0
o=- 20050 20050 IN IP4 192.0.2.13
s=SDP data
c=IN IP4 192.0.2.13
t=0 0
m=audio 11790 RTP/SAVP 9 0 8 18 101
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj
a=rtpmap:9 G722/8000
a=rtpmap:101 telephone-event/8000
m=audio 11792 RTP/AVP 9 0 8 18 101
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=fmtp:101 0-15
a=rtpmap:101 telephone-event/8000
a=ptime:20
a=sendrecv
";

/// An access line's router: static types without maps, comfort noise, no direction.
const ROUTER: &str = "v=0
o=user 11173208 11173208 IN IP4 192.0.2.14
s=call
c=IN IP4 192.0.2.14
t=0 0
m=audio 7082 RTP/AVP 8 0 2 102 13 101
a=rtpmap:2 G726-32/8000
a=rtpmap:102 G726-32/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-11
a=rtcp:7083
";

const CHROMIUM: &str = "v=0
o=- 6021823474832309431 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS 8c9cdb5e
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:dTqE
a=ice-pwd:4K1cP0v1bGqWQvXqzJmTt0vE
a=ice-options:trickle
a=fingerprint:sha-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:2B:4F:06:9C:3C:8F:0A:1D:7B:52:66:11
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtpmap:63 red/48000/2
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6
";

const SIPP: &str = "v=0
o=user1 53655765 2353687637 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 6000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
";

fn local() -> LocalMedia {
    LocalMedia {
        codecs: vec![Pcma, Pcmu],
        ..LocalMedia::new("198.51.100.1:4000".parse().unwrap())
    }
}

fn offer(text: &str) -> SdpOffer {
    SdpOffer::parse(text.as_bytes()).unwrap()
}

fn answer(text: &str) -> SdpAnswer {
    SdpAnswer::parse(text.as_bytes()).unwrap()
}

/// A minimal offer or answer around the given streams.
fn around(streams: &str) -> String {
    format!("v=0\r\no=- 7 7 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{streams}")
}

/// The streams of a description, lines joined by `|`, without the lines that are the same everywhere.
fn streams(text: &str) -> String {
    let from = text.find("m=").unwrap();
    text[from..]
        .replace("a=ptime:20\r\n", "")
        .trim_end()
        .replace("\r\n", "|")
}

#[test]
fn offers_of_real_phones_are_answered() {
    const EVENTS: &str = "a=rtpmap:101 telephone-event/8000|a=fmtp:101";
    let table = [
        ("baresip", BARESIP, format!("m=audio 4000 RTP/AVP 8 101|a=rtpmap:8 PCMA/8000|{EVENTS} 0-15|a=sendrecv|m=video 0 RTP/AVP 99"), "192.0.2.10:10020 192.0.2.10:10021", 20),
        ("Linphone", LINPHONE, "m=audio 4000 RTP/AVPF 8 100|a=rtpmap:8 PCMA/8000|a=rtpmap:100 telephone-event/8000|a=fmtp:100 0-15|a=sendrecv|m=video 0 RTP/AVPF 96".into(), "192.0.2.11:7078 192.0.2.11:45123", 20),
        ("Asterisk", ASTERISK, format!("m=audio 4000 RTP/AVP 8 101|a=rtpmap:8 PCMA/8000|{EVENTS} 0-16|a=sendrecv"), "192.0.2.12:17412 192.0.2.12:17413", 20),
        ("encrypted or not", SECURE_FIRST, format!("m=audio 0 RTP/SAVP 9|m=audio 4000 RTP/AVP 8 101|a=rtpmap:8 PCMA/8000|{EVENTS} 0-15|a=sendrecv"), "192.0.2.13:11792 192.0.2.13:11793", 20),
        ("a router", ROUTER, format!("m=audio 4000 RTP/AVP 8 101|a=rtpmap:8 PCMA/8000|{EVENTS} 0-11|a=sendrecv"), "192.0.2.14:7082 192.0.2.14:7083", 20),
        ("SIPp", SIPP, "m=audio 4000 RTP/AVP 0|a=rtpmap:0 PCMU/8000|a=sendrecv".into(), "127.0.0.1:6000 127.0.0.1:6001", 20),
    ];
    for (name, text, expected, remote, ptime_ms) in table {
        for text in [text.into(), text.replace('\n', "\r\n")] {
            let Answered { answer, agreed } =
                Negotiation::new(4).answer(&offer(&text), &local()).unwrap();
            assert_eq!(streams(&format!("{answer}")), expected, "{name}");
            assert_eq!(
                format!("{} {}", agreed.remote_rtp, agreed.remote_rtcp),
                remote,
                "{name}"
            );
            assert_eq!(
                (agreed.ptime_ms, agreed.direction),
                (ptime_ms, Direction::SendRecv),
                "{name}"
            );
        }
    }
}

#[test]
fn a_browsers_offer_is_refused_until_there_is_srtp() {
    let mut negotiation = Negotiation::new(4);
    let fault = negotiation.answer(&offer(CHROMIUM), &local()).unwrap_err();
    assert_eq!((fault, fault.sip_status()), (NotAcceptable::Protocol, 488));
    assert_eq!(negotiation.agreed(), None);
}

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

#[test]
fn answers_name_one_codec_whatever_is_offered() {
    for text in [BARESIP, LINPHONE, ASTERISK, SECURE_FIRST, ROUTER, SIPP] {
        let answered = Negotiation::new(4).answer(&offer(text), &local()).unwrap();
        let audio = answered
            .answer
            .description()
            .streams
            .iter()
            .find(|stream| stream.port != 0)
            .unwrap();
        let codecs: Vec<Codec> = audio
            .rtpmaps
            .iter()
            .filter_map(|map| Codec::from_encoding_name(&map.encoding, 8000))
            .collect();
        assert_eq!(codecs, [answered.agreed.codec]);
        assert_eq!(answered.agreed.alternative, None);
    }
}
