//! RFC 4475 and RFC 5118: every message of both, each with the verdict it deserves from us.
//!
//! The messages are those of `sipx-testkit`, taken to the bit from the archives in the RFCs.

use bytes::Bytes;
use sip::wire::{Rules, Scheme, error_response, validate};
use sip::{Fault, HeaderName, Host, Message, Method};
use sipx_testkit::{rfc4475, rfc5118};

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Read, and served.
    Good,
    /// Answered with this status.
    Refused(u16),
    /// Neither served nor answered.
    Dropped,
}

use Verdict::{Dropped, Good, Refused};

const RULES: Rules<'static> = Rules {
    methods: &[
        Method::Invite,
        Method::Ack,
        Method::Bye,
        Method::Cancel,
        Method::Options,
        Method::Register,
        Method::Message,
    ],
    forwarded: &[Method::Invite, Method::Message],
    extensions: &["100rel", "timer"],
    schemes: &[Scheme::Sip, Scheme::Sips, Scheme::Tel],
    body_types: &["application/sdp"],
    is_loop: None,
};

fn judge(raw: &[u8]) -> (Verdict, Option<Fault>) {
    let source = "192.0.2.200:5060".parse().expect("an address");
    let judged =
        Message::parse(Bytes::copy_from_slice(raw)).and_then(|message| validate(&message, &RULES));
    let Err(fault) = judged else {
        return (Good, None);
    };
    let Some(answer) = error_response(raw, &fault, "torture", Some(source), &[]) else {
        return (Dropped, Some(fault));
    };
    let status = answer
        .strip_prefix(b"SIP/2.0 ")
        .and_then(|rest| std::str::from_utf8(&rest[..3]).ok())
        .and_then(|digits| digits.parse().ok())
        .expect("an answer begins with its status");
    assert_eq!(Some(status), fault.sip_status());
    (Refused(status), Some(fault))
}

/// Name, verdict, and the header at fault if it is one header's.
const RFC_4475: &[(&str, Verdict, Option<&str>)] = &[
    // 3.1.1, valid.
    ("wsinv", Good, None),
    ("intmeth", Refused(501), None), // a method nobody knows: read, and answered as that
    ("esc01", Good, None),
    ("escnull", Good, None),
    ("esc02", Refused(501), None), // RE%47IST%45R is not REGISTER
    ("lwsdisp", Good, None),
    ("longreq", Good, None),
    ("dblreq", Good, None),
    ("semiuri", Good, None),
    ("transports", Good, None),
    ("mpart01", Good, None),
    ("unreason", Good, None),
    ("noreason", Good, None),
    // 3.1.2, invalid.
    ("badinv01", Refused(400), Some("Via")),
    ("clerr", Refused(400), Some("Content-Length")),
    ("ncl", Refused(400), Some("Content-Length")),
    ("scalar02", Refused(400), Some("CSeq")),
    ("scalarlg", Dropped, Some("CSeq")), // a response
    ("quotbal", Refused(400), Some("To")),
    ("ltgtruri", Refused(400), None),
    ("lwsruri", Refused(400), None),
    ("lwsstart", Refused(400), None),
    ("trws", Refused(400), None),
    ("escruri", Refused(400), None),
    ("baddate", Good, None), // Date means nothing to us; section 3.1.2.12 leaves it open
    ("regbadct", Refused(400), Some("Contact")),
    ("badaspec", Refused(400), Some("To")),
    ("baddn", Refused(400), None), // the archive's file has no empty line behind its headers
    ("badvers", Refused(505), None),
    ("mismatch01", Refused(400), Some("CSeq")),
    ("mismatch02", Refused(400), Some("CSeq")),
    ("bigcode", Dropped, None), // a response
    // 3.2, transactions.
    ("badbranch", Good, None), // matched as RFC 2543 would
    // 3.3, application.
    ("insuf", Refused(400), Some("From")),
    ("unkscm", Refused(416), None),
    ("novelsc", Refused(416), None),
    ("unksm2", Good, None),
    ("bext01", Refused(420), Some("Require")),
    ("invut", Refused(415), Some("Content-Type")),
    ("regaut01", Good, None), // the scheme of credentials is the registrar's matter
    ("multi01", Refused(400), Some("CSeq")),
    ("mcl01", Refused(400), Some("Content-Length")),
    ("bcast", Good, None),
    ("zeromf", Good, None), // OPTIONS to ourselves
    ("cparam01", Good, None),
    ("cparam02", Good, None),
    ("regescrt", Good, None),
    ("sdp01", Refused(406), Some("Accept")),
    // 3.4, backward compatibility.
    ("inv2543", Good, None),
    // In the archive, but in no section: a first line without a version.
    ("test", Dropped, None),
];

#[test]
fn rfc_4475_every_message_has_its_verdict() {
    assert_eq!(RFC_4475.len(), rfc4475::CASES.len());
    for (name, verdict, header) in RFC_4475 {
        let case = rfc4475::case(name).expect(name);
        let (found, fault) = judge(case.bytes);
        assert_eq!(&found, verdict, "{name}: {fault:?}\n{}", case.lossy());
        let named = fault.as_ref().and_then(Fault::header_name);
        assert_eq!(named, *header, "{name}: {fault:?}");
    }
}

#[test]
fn rfc_4475_what_is_accepted_prints_byte_identical() {
    let mut accepted = 0;
    for case in rfc4475::CASES {
        let Ok(message) = Message::parse(Bytes::from_static(case.bytes)) else {
            continue;
        };
        accepted += 1;
        let printed = sip::wire::Edit::new(&message).to_bytes().expect(case.name);
        assert_eq!(&printed, message.as_bytes(), "{}", case.name);
        if case.name == "dblreq" {
            // Octets behind the Content-Length are no part of the message.
            assert!(case.bytes.starts_with(&printed) && printed.len() < case.bytes.len());
        } else {
            assert_eq!(printed, case.bytes, "{}", case.name);
        }
    }
    assert!(accepted >= 30, "only {accepted} were read");
}

fn read(name: &str) -> Message {
    let case = rfc4475::case(name).expect(name);
    Message::parse(Bytes::from_static(case.bytes)).expect(name)
}

#[test]
fn rfc_4475_wsinv_is_read_through_its_folds() {
    let message = read("wsinv");
    assert_eq!(message.method(), Method::Invite);
    assert_eq!(message.to_tag(), Some("1918181833n"));
    assert_eq!(message.from_tag(), Some("98asjd8"));
    assert_eq!(
        message.from().expect("From").display_name(),
        "J Rosenberg \\\""
    );
    assert_eq!(message.max_forwards(), Some(68));
    assert_eq!(
        (message.cseq().number, message.cseq().method),
        (9, Method::Invite)
    );
    assert_eq!(message.body().len(), 150);
    let vias: Vec<_> = message.vias().map(|via| via.expect("Via")).collect();
    let seen: Vec<_> = vias
        .iter()
        .map(|v| (v.transport_name(), v.host(), v.branch()))
        .collect();
    assert_eq!(
        seen,
        [
            ("UDP", "192.0.2.2", Some("390skdjuw")),
            ("TCP", "spindle.example.com", Some("z9hG4bK9ikj8")),
            ("UDP", "192.168.255.111", Some("z9hG4bK30239")),
        ]
    );
    let contact = message.contacts().next().expect("one").expect("Contact");
    let contact = contact.address().expect("an address");
    assert_eq!(contact.display_name(), "Quoted string \"\"");
    assert_eq!(contact.q_thousandths(), 330);
    assert_eq!(contact.params().get("newparam"), Some("newvalue"));
    let odd = HeaderName::Other("UnknownHeaderWithUnusualValue");
    assert_eq!(message.header(odd), Some(b";;,,;;,;".as_slice()));
    let route = message
        .addresses(HeaderName::Route)
        .next()
        .expect("one")
        .expect("Route");
    assert!(route.uri().is_loose());
}

#[test]
fn rfc_4475_the_others_say_what_they_should() {
    let intmeth = read("intmeth");
    assert_eq!(
        intmeth.method().as_str(),
        "!interesting-Method0123456789_*+`.%indeed'~"
    );
    let uri = intmeth.request_uri().expect("a request");
    assert_eq!(uri.host(), Some(Host::Name("example.com")));

    let esc01 = read("esc01");
    let uri = esc01.request_uri().expect("a request");
    assert_eq!(uri.user(), Some("sips%3Auser%40example.com"));
    assert_eq!(uri.user_decoded().as_deref(), Some("sips:user@example.com"));
    assert_eq!(uri.host(), Some(Host::Name("example.net")));
    assert_eq!(
        esc01.to().expect("To").uri().user_decoded().as_deref(),
        Some("user")
    );

    let semiuri = read("semiuri");
    let uri = semiuri.request_uri().expect("a request");
    assert_eq!(
        uri.user_decoded().as_deref(),
        Some("user;par=u@example.net")
    );

    let escnull = read("escnull");
    assert_eq!(escnull.contacts().flatten().count(), 2);

    let transports = read("transports");
    let names: Vec<_> = transports
        .vias()
        .flatten()
        .map(|v| v.transport_name().to_owned())
        .collect();
    assert_eq!(names, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);

    let unreason = read("unreason");
    assert_eq!(unreason.status(), Some(200));
    assert!(
        std::str::from_utf8(unreason.reason())
            .expect("UTF-8")
            .starts_with("= 2**3 * 5**2")
    );
    assert_eq!(read("noreason").reason(), b"");

    assert_eq!(read("badbranch").via().magic_branch(), None);
    assert_eq!(read("inv2543").from_tag(), None);

    let cparam = read("cparam01");
    let contact = cparam
        .contacts()
        .flatten()
        .next()
        .and_then(|c| c.address())
        .expect("one");
    assert!(
        contact.params().has("unknownparam")
            && contact.uri().params().find("unknownparam").is_none()
    );
    let cparam = read("cparam02");
    let contact = cparam
        .contacts()
        .flatten()
        .next()
        .and_then(|c| c.address())
        .expect("one");
    assert!(contact.uri().params().has("unknownparam") && !contact.params().has("unknownparam"));

    let regescrt = read("regescrt");
    let contact = regescrt
        .contacts()
        .flatten()
        .next()
        .and_then(|c| c.address())
        .expect("one");
    assert_eq!(
        contact.uri().header("route").as_deref(),
        Some("<sip:sip.example.com>")
    );
}

#[test]
fn rfc_4475_a_420_names_what_it_does_not_know() {
    let case = rfc4475::case("bext01").expect("bext01");
    let message = Message::parse(Bytes::from_static(case.bytes)).expect("bext01");
    let fault = validate(&message, &RULES).expect_err("extensions nobody knows");
    let answer = error_response(case.bytes, &fault, "t", None, &[]).expect("an answer");
    let answer = Message::parse(answer).expect("a message");
    let named: Vec<_> = answer
        .values(HeaderName::Unsupported)
        .map(String::from_utf8_lossy)
        .collect();
    assert_eq!(
        named,
        [
            "nothingSupportsThis",
            "nothingSupportsThisEither",
            "noProxiesSupportThis",
            "norDoAnyProxiesSupportThis"
        ]
    );
    assert_eq!(answer.to_tag(), Some("t"));
    assert_eq!(answer.via().branch(), message.via().branch());
}

#[test]
fn rfc_5118_every_message_has_its_verdict() {
    for case in rfc5118::CASES {
        let wire = case.wire();
        let (verdict, fault) = judge(&wire);
        let expected = match case.name {
            "ipv6-bad" => Refused(400),
            _ => Good,
        };
        assert_eq!(
            verdict,
            expected,
            "{}: {fault:?}\n{}",
            case.name,
            case.lossy()
        );
        if expected == Good {
            let message = Message::parse(wire.clone()).expect(case.name);
            assert_eq!(
                sip::wire::Edit::new(&message).to_bytes().expect(case.name),
                wire
            );
        }
    }
}

#[test]
fn rfc_5118_addresses_are_what_they_should() {
    let read = |name: &str| {
        let case = rfc5118::CASES
            .iter()
            .find(|case| case.name == name)
            .expect(name);
        Message::parse(case.wire()).expect(name)
    };
    let v6 = |text: &str| Some(Host::Ip(text.parse().expect(text)));
    let uri = |message: &Message| {
        let uri = message.request_uri().expect("a request");
        (uri.host().and_then(Host::ip), uri.port())
    };
    let ip = |text: &str| Some(text.parse().expect(text));
    // 4.3: what was meant for a port stands inside of the brackets, and belongs to the address.
    assert_eq!(
        uri(&read("port-ambiguous")),
        (ip("2001:db8::10:5070"), None)
    );
    assert_eq!(
        uri(&read("port-unambiguous")),
        (ip("2001:db8::10"), Some(5070))
    );
    // 4.5: with and without brackets.
    for name in [
        "via-received-param-with-delim",
        "via-received-param-no-delim",
    ] {
        assert_eq!(read(name).via().received(), ip("2001:db8::9:255"), "{name}");
    }
    // 4.7: three of a kind.
    let hosts = read("mult-ip-in-header");
    let hosts: Vec<_> = hosts
        .vias()
        .flatten()
        .map(|via| via.sent_by_host().and_then(Host::ip))
        .collect();
    assert_eq!(hosts.len(), 3);
    assert!(hosts.iter().all(Option::is_some));
    // 4.9 and 4.10.
    assert_eq!(
        read("ipv4-mapped-ipv6").via().sent_by_host(),
        v6("::ffff:192.0.2.10")
    );
    for name in ["ipv6-bug-abnf-3-colons", "ipv6-correct-abnf-2-colons"] {
        assert_eq!(uri(&read(name)).0, ip("2001:db8::192.0.2.1"), "{name}");
    }
}

/// Messages that once showed a bug; `tests/torture/README.md` says how their files are named.
#[test]
fn messages_that_showed_bugs_have_their_verdicts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/torture");
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("readable").path();
        if path.extension().is_none_or(|extension| extension != "sip") {
            continue;
        }
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name");
        let expected = match stem.rsplit_once('.').map(|(_, verdict)| verdict) {
            Some("good") => Good,
            Some("dropped") => Dropped,
            Some(status) => Refused(status.parse().expect("a status")),
            None => panic!("{stem} names no verdict"),
        };
        let raw = std::fs::read(&path).expect("readable");
        let (found, fault) = judge(&raw);
        assert_eq!(found, expected, "{stem}: {fault:?}");
    }
}
