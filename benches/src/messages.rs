//! An INVITE, the 200 to one and a REGISTER as phones and trunks send them.

use sip::wire::Method;

/// One of the messages the codec is measured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// An INVITE with SDP: 19 headers.
    Invite,
    /// The 200 to an INVITE, with SDP.
    Ok,
    /// A REGISTER with digest credentials.
    Register,
    /// A BYE inside a dialog.
    Bye,
}

impl Sample {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Invite, Self::Ok, Self::Register, Self::Bye];

    /// As command lines and tables name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Ok => "200",
            Self::Register => "REGISTER",
            Self::Bye => "BYE",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The message as it stands on the wire.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        let text = match self {
            Self::Invite => with_body(INVITE, SDP),
            Self::Ok => with_body(OK, SDP),
            Self::Register => with_body(REGISTER, ""),
            Self::Bye => with_body(BYE, ""),
        };
        text.into_bytes()
    }

    /// The method of its transaction.
    #[must_use]
    pub const fn method(self) -> Method<'static> {
        match self {
            Self::Invite | Self::Ok => Method::Invite,
            Self::Register => Method::Register,
            Self::Bye => Method::Bye,
        }
    }
}

/// Head and body with the line ends of the wire and the Content-Length that belongs between them.
#[must_use]
pub fn with_body(head: &str, body: &str) -> String {
    let body = body.replace('\n', "\r\n");
    let head = head.replace('\n', "\r\n");
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// What a phone offers.
pub const SDP: &str = "v=0
o=- 3724394400 3724394405 IN IP4 192.0.2.14
s=Phone
c=IN IP4 192.0.2.14
t=0 0
m=audio 40376 RTP/AVP 8 0 9 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:9 G722/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=sendrecv
";

const INVITE: &str = "INVITE sip:2000@centre.example.org;user=phone SIP/2.0
Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK0f3d7a21c6;rport
Via: SIP/2.0/UDP 192.0.2.14:5060;branch=z9hG4bK-524287-1---6f2c;received=192.0.2.14;rport=5060
Max-Forwards: 69
Record-Route: <sip:198.51.100.7;lr;ftag=9fxced76sl>
From: \"Bo Lundgren\" <sip:+4930123456@carrier.example.net;user=phone>;tag=9fxced76sl
To: <sip:2000@centre.example.org;user=phone>
Call-ID: 3848276298220188511@carrier.example.net
CSeq: 314159 INVITE
Contact: <sip:+4930123456@192.0.2.14:5060;transport=udp>
P-Asserted-Identity: \"Bo Lundgren\" <sip:+4930123456@carrier.example.net>
Privacy: none
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO, UPDATE, PRACK
Supported: timer, replaces, 100rel
Session-Expires: 1800
Min-SE: 90
User-Agent: Carrier-SBC/7.2.1
Accept: application/sdp
Content-Type: application/sdp
";

const OK: &str = "SIP/2.0 200 OK
Via: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK77ef4c2312983.1;rport=5060;received=203.0.113.5
Record-Route: <sip:198.51.100.7;lr;ftag=a6c85cf>
From: \"Bo Lundgren\" <sip:+4930123456@centre.example.org>;tag=a6c85cf
To: \"Ann Ek\" <sip:1001@centre.example.org>;tag=1928301774
Call-ID: a84b4c76e66710@203.0.113.5
CSeq: 314160 INVITE
Contact: <sip:1001@192.0.2.77:5062>
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO, UPDATE
Supported: replaces, timer
User-Agent: Deskphone/4.0.1
Content-Type: application/sdp
";

const REGISTER: &str = "REGISTER sip:centre.example.org SIP/2.0
Via: SIP/2.0/UDP 192.0.2.77:5062;branch=z9hG4bKnashds7;rport
Max-Forwards: 70
From: \"Ann Ek\" <sip:1001@centre.example.org>;tag=456248
To: \"Ann Ek\" <sip:1001@centre.example.org>
Call-ID: 843817637684230@998sdasdh09
CSeq: 1826 REGISTER
Contact: <sip:1001@192.0.2.77:5062>;+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\";expires=300
Authorization: Digest username=\"1001\", realm=\"centre.example.org\", nonce=\"84a4cc6f3082121f32b42a2187831a9e\", uri=\"sip:centre.example.org\", response=\"7587245234b3434cc3412213e5f113a5\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"0a4f113b\"
Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY
User-Agent: Deskphone/4.0.1
Expires: 300
";

const BYE: &str = "BYE sip:203.0.113.5:5060 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.77:5062;branch=z9hG4bKnashds9;rport
Max-Forwards: 70
From: \"Ann Ek\" <sip:1001@centre.example.org>;tag=1928301774
To: \"Bo Lundgren\" <sip:+4930123456@centre.example.org>;tag=a6c85cf
Call-ID: a84b4c76e66710@203.0.113.5
CSeq: 2 BYE
User-Agent: Deskphone/4.0.1
";

#[cfg(test)]
mod tests {
    use super::*;
    use sip::Message;

    #[test]
    fn our_codec_and_rsip_both_take_every_sample() {
        for sample in Sample::ALL {
            let bytes = sample.bytes();
            let ours = Message::parse(bytes.clone().into()).unwrap();
            assert_eq!(ours.method(), sample.method(), "{}", sample.name());
            rsip::SipMessage::try_from(bytes.as_slice()).unwrap();
            assert_eq!(Sample::named(sample.name()), Some(sample));
        }
        assert_eq!(Sample::named("PRACK"), None);
    }
}
