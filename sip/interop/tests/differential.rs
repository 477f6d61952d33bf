//! Our codec beside rsip: what rsip accepts, we read alike, but for the deviations listed here.

use bytes::Bytes;
use rsip::SipMessage;
use rsip::headers::{ToTypedHeader as _, UntypedHeader as _};
use rsip::message::HeadersExt as _;
use rsip::typed::{CSeq, Contact, From, To, Via};
use sip::{HeaderName, Message, Method, RequestBuilder, ResponseBuilder, Transport, Uri};
use sip_interop::{message_from_rsip, message_to_rsip, uri_from_rsip};
use sipx_testkit::{rfc4475, rfc5118};

/// What rsip 0.4.0 reads in another way, which field, and why we do not follow. Where rsip cannot read a
/// field at all, there is nothing to compare.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    (
        "dblreq",
        "body",
        "rsip takes what lies behind Content-Length for body",
    ),
    ("unksm2", "from", "rsip loses the slashes of http://"),
];

/// What rsip reads in another way once our codec has unfolded it and spelled out its names.
const DEVIATIONS_CONVERTED: &[(&str, &str, &str)] = &[
    (
        "wsinv",
        "to",
        "rsip takes the space before a parameter for part of the host",
    ),
    ("unksm2", "from", "rsip loses the slashes of http://"),
];

/// What rsip accepts and we refuse, as RFC 4475 has it.
const REFUSED: &[(&str, &str)] = &[
    ("clerr", "Content-Length is longer than the message"),
    ("ncl", "Content-Length is not a number"),
    ("ltgtruri", "request line has characters that no URI has"),
    ("badinv01", "Via has an empty parameter"),
    ("scalarlg", "CSeq has no number below 2^31"),
    ("quotbal", "To has a quoted string that does not end"),
    ("baddn", "headers do not end"),
    ("insuf", "From missing"),
    ("multi01", "CSeq repeated"),
    ("mcl01", "Content-Length repeated"),
];

#[test]
fn what_rsip_accepts_we_read_alike() {
    let (mut refused, mut deviations, mut alike) = (Vec::new(), Vec::new(), 0);
    for (name, raw) in corpus().into_iter().chain(everyday()) {
        let Ok(theirs) = SipMessage::try_from(&raw[..]) else {
            continue;
        };
        match Message::parse(raw) {
            Err(fault) => refused.push((name, fault.to_string())),
            Ok(ours) => {
                let differing = Reading::ours(&ours).differing(&Reading::theirs(&theirs));
                alike += usize::from(differing.is_empty());
                deviations.extend(differing.into_iter().map(|field| (name, field)));
            }
        }
    }
    let refused: Vec<_> = refused
        .iter()
        .map(|(name, fault)| (*name, fault.as_str()))
        .collect();
    assert_eq!(refused, REFUSED);
    expect_deviations(&deviations, DEVIATIONS);
    assert!(alike >= 20, "only {alike} were read alike");
}

#[test]
fn what_we_convert_rsip_reads_alike_and_gives_back() {
    let (mut deviations, mut alike) = (Vec::new(), 0);
    for (name, raw) in corpus().into_iter().chain(everyday()) {
        let Ok(ours) = Message::parse(raw) else {
            continue;
        };
        let Ok(theirs) = message_to_rsip(&ours) else {
            continue;
        };
        let reading = Reading::ours(&ours);
        let differing = reading.differing(&Reading::theirs(&theirs));
        alike += usize::from(differing.is_empty());
        deviations.extend(differing.into_iter().map(|field| (name, field)));
        let back = message_from_rsip(&theirs).expect(name);
        assert_eq!(Reading::ours(&back), reading, "{name}");
    }
    expect_deviations(&deviations, DEVIATIONS_CONVERTED);
    assert!(alike >= 30, "only {alike} were read alike");
}

/// A deviation that is gone must leave its list.
fn expect_deviations(found: &[(&str, &str)], known: &[(&str, &str, &str)]) {
    let known: Vec<_> = known
        .iter()
        .map(|(name, field, _)| (*name, *field))
        .collect();
    assert_eq!(found, known);
}

/// What a centre sees all day.
fn everyday() -> Vec<(&'static str, Bytes)> {
    let invite = RequestBuilder::new(Method::Invite, "sip:2001@pbx.example.com;user=phone")
        .via(Transport::Udp, "192.0.2.1:5060", "z9hG4bK776asdhds")
        .max_forwards(70)
        .from("Ann Bee", "sip:ann@example.com:5070", "1928301774")
        .to("", "sip:2001@pbx.example.com", None)
        .call_id("a84b4c76e66710@192.0.2.1")
        .cseq(314_159)
        .contact("sip:ann@192.0.2.1:5060;transport=udp")
        .body("application/sdp", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n");
    let invite = invite.message().expect("sound");
    let ok = ResponseBuilder::new(&invite, 200)
        .to_tag("b1")
        .contact("sip:2001@192.0.2.2");
    let busy = ResponseBuilder::with_reason(&invite, 486, "Busy").to_tag("b2");
    let register = RequestBuilder::new(Method::Register, "sip:example.com")
        .via(Transport::Tls, "phone.example.com", "z9hG4bKnashds7")
        .from("", "sips:ann@example.com", "456248")
        .to("", "sips:ann@example.com", None)
        .call_id("843817637684230@998sdasdh09")
        .cseq(1826)
        .address("Contact", "", "sips:ann@192.0.2.4:5061", None)
        .header("Expires", "7200");
    vec![
        ("invite", invite.as_bytes().clone()),
        ("ok", ok.build().expect("sound")),
        ("busy", busy.build().expect("sound")),
        ("register", register.build().expect("sound")),
    ]
}

/// The same fields in words that both codecs have; an error where one cannot read its field.
#[derive(Debug, PartialEq)]
struct Reading {
    via: Result<(String, String, Option<u16>, Option<String>), String>,
    from: Result<(Uri, Option<String>), String>,
    to: Result<(Uri, Option<String>), String>,
    call_id: Option<String>,
    cseq: Result<(u32, String), String>,
    contact: Option<Result<Option<Uri>, String>>,
    body: Vec<u8>,
}

impl Reading {
    /// The fields that `theirs` has and that are not the same here.
    fn differing(&self, theirs: &Self) -> Vec<&'static str> {
        let mut fields = Vec::new();
        let mut compare = |field, differs: bool| {
            if differs {
                fields.push(field);
            }
        };
        compare("via", theirs.via.is_ok() && self.via != theirs.via);
        compare("from", theirs.from.is_ok() && self.from != theirs.from);
        compare("to", theirs.to.is_ok() && self.to != theirs.to);
        compare(
            "call-id",
            theirs.call_id.is_some() && self.call_id != theirs.call_id,
        );
        compare("cseq", theirs.cseq.is_ok() && self.cseq != theirs.cseq);
        let contact = matches!(theirs.contact, Some(Ok(_)));
        compare("contact", contact && self.contact != theirs.contact);
        compare("body", self.body != theirs.body);
        fields
    }

    fn ours(message: &Message) -> Self {
        let via = message.via();
        let address = |name| {
            let address = message.address(name).map_err(|e| e.to_string())?;
            Ok((address.uri().to_owned(), address.tag().map(str::to_owned)))
        };
        let cseq = message.cseq();
        Self {
            via: Ok((
                via.transport_name().to_owned(),
                via.host().to_ascii_lowercase(),
                via.port(),
                via.branch().map(str::to_owned),
            )),
            from: address(HeaderName::From),
            to: address(HeaderName::To),
            call_id: Some(message.call_id().to_owned()),
            cseq: Ok((cseq.number, cseq.method.to_string())),
            contact: message.contacts().next().map(|c| {
                let c = c.map_err(|e| e.to_string())?;
                Ok(c.address().map(|a| a.uri().to_owned()))
            }),
            body: message.body().to_vec(),
        }
    }

    fn theirs(message: &SipMessage) -> Self {
        let error = |e: rsip::Error| e.to_string();
        let uri = |uri: &rsip::Uri| uri_from_rsip(uri).map_err(|e| e.to_string());
        Self {
            via: message.via_header().map_err(error).and_then(|via| {
                let via: Via = via.typed().map_err(error)?;
                Ok((
                    via.transport.to_string(),
                    via.uri.host().to_string().to_ascii_lowercase(),
                    via.uri.port().map(|p| *p.value()),
                    via.branch().map(|b| b.value().to_owned()),
                ))
            }),
            from: message.from_header().map_err(error).and_then(|from| {
                let from: From = from.typed().map_err(error)?;
                Ok((uri(&from.uri)?, from.tag().map(|t| t.value().to_owned())))
            }),
            to: message.to_header().map_err(error).and_then(|to| {
                let to: To = to.typed().map_err(error)?;
                Ok((uri(&to.uri)?, to.tag().map(|t| t.value().to_owned())))
            }),
            call_id: message
                .call_id_header()
                .ok()
                .map(|id| id.value().to_owned()),
            cseq: message.cseq_header().map_err(error).and_then(|cseq| {
                let cseq: CSeq = cseq.typed().map_err(error)?;
                Ok((cseq.seq, cseq.method.to_string()))
            }),
            contact: message.contact_headers().first().map(|c| {
                let c: Contact = c.typed().map_err(error)?;
                uri(&c.uri).map(Some)
            }),
            body: message.body().clone(),
        }
    }
}

fn corpus() -> Vec<(&'static str, Bytes)> {
    let rfc4475 = rfc4475::CASES
        .iter()
        .map(|case| (case.name, Bytes::from_static(case.bytes)));
    let rfc5118 = rfc5118::CASES.iter().map(|case| (case.name, case.wire()));
    rfc4475.chain(rfc5118).collect()
}
