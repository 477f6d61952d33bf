//! Offers as real phones and exchanges make them, answered whole.

use super::*;
use crate::codec::Codec::{self, Pcma, Pcmu};
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

pub(super) const BARESIP: &str = "v=0
o=- 3388970322 741320863 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
t=0 0
a=tool:baresip 1.0.0
m=audio 10020 RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
a=label:1
a=rtcp-rsize
a=ssrc:1685335324 cname:sip:1001@192.0.2.10
a=minptime:20
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

pub(super) const ASTERISK: &str = "v=0
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

pub(super) const CHROMIUM: &str = "v=0
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

pub(super) fn local() -> LocalMedia {
    LocalMedia {
        codecs: vec![Pcma, Pcmu],
        ..LocalMedia::new("198.51.100.1:4000".parse().unwrap())
    }
}

pub(super) fn offer(text: &str) -> SdpOffer {
    SdpOffer::parse(text.as_bytes()).unwrap()
}

pub(super) fn answer(text: &str) -> SdpAnswer {
    SdpAnswer::parse(text.as_bytes()).unwrap()
}

/// A minimal offer or answer around the given streams.
pub(super) fn around(streams: &str) -> String {
    format!("v=0\r\no=- 7 7 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{streams}")
}

/// The streams of a description, lines joined by `|`, without the lines that are the same everywhere.
pub(super) fn streams(text: &str) -> String {
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
