//! Our codec beside `sipx-sip`, which shares nothing with it: what both read, both must read alike.

use bytes::Bytes;
use sip::wire::{Rules, Scheme, validate};
use sip::{Fault, Host, Message};
use sipx_sip::headers::{CSeq, CallId, ContactValue, From, To, Via};
use sipx_sip::{Limits, parse_datagram};
use sipx_testkit::{rfc4475, rfc5118};

/// What both codecs say of a message, in words that both have.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    start: String,
    via: (String, String, Option<u16>, Option<String>),
    from: (String, Option<String>),
    to: (String, Option<String>),
    call_id: String,
    cseq: (u32, String),
    contacts: Vec<(String, String)>,
    body: Bytes,
}

fn lossy(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// We read a fold as the spaces it is made of, sipx-sip as a single one.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the server can do does not matter here, only whether the message is sound.
fn ours(raw: &Bytes) -> Result<Reading, Fault> {
    let message = Message::parse(raw.clone())?;
    let scheme = message
        .request_uri()
        .map_or(Scheme::Sip, |uri| uri.scheme());
    let rules = Rules {
        methods: &[message.method()],
        forwarded: &[],
        extensions: &[],
        schemes: &[scheme],
        body_types: &[],
        is_loop: None,
    };
    match validate(&message, &rules) {
        Ok(()) | Err(Fault::Extension(_) | Fault::MediaType | Fault::NotAcceptable) => {}
        Err(fault) => return Err(fault),
    }
    let via = message.via();
    let (from, to) = (message.from()?, message.to()?);
    let host = via.sent_by_host().map_or(String::new(), host);
    let mut contacts = Vec::new();
    for contact in message.contacts() {
        contacts.push(match contact?.address() {
            None => ("*".to_owned(), String::new()),
            Some(address) => (spaced(&address.display_name()), address.uri().to_string()),
        });
    }
    Ok(Reading {
        start: match message.request_uri() {
            Some(uri) => format!("{} {uri}", message.method()),
            None => format!(
                "{} {}",
                message.status().unwrap_or(0),
                lossy(message.reason())
            ),
        },
        via: (
            via.transport_name().to_owned(),
            host,
            via.port(),
            via.branch().map(str::to_owned),
        ),
        from: (from.uri().to_string(), from.tag().map(str::to_owned)),
        to: (to.uri().to_string(), to.tag().map(str::to_owned)),
        call_id: message.call_id().to_owned(),
        cseq: (message.cseq().number, message.cseq().method.to_string()),
        contacts,
        body: message.body(),
    })
}

fn host(host: Host<'_>) -> String {
    match host {
        Host::Name(name) => name.to_owned(),
        Host::Ip(address) => address.to_string(),
    }
}

fn theirs(raw: &Bytes) -> Result<Reading, String> {
    let message = parse_datagram(raw.clone(), &Limits::datagram()).map_err(|e| e.to_string())?;
    let headers = message.headers();
    macro_rules! typed {
        ($header:ty) => {
            headers
                .typed::<$header>()
                .ok_or(concat!("no ", stringify!($header)))?
                .map_err(|e| e.to_string())?
        };
    }
    if let Some(finding) = sipx_sip::validate(&message)
        .into_iter()
        .find(|f| !f.is_repairable())
    {
        return Err(format!("{finding:?}"));
    }
    for via in headers.typed_all::<Via>() {
        via.map_err(|e| e.to_string())?;
    }
    let (via, from, to) = (typed!(Via), typed!(From), typed!(To));
    let (cseq, call_id) = (typed!(CSeq), typed!(CallId));
    let mut contacts = Vec::new();
    for contact in headers.typed_all::<ContactValue>() {
        contacts.push(match contact.map_err(|e| e.to_string())? {
            ContactValue::Wildcard => ("*".to_owned(), String::new()),
            ContactValue::Address(contact) => (
                spaced(&lossy(contact.display_name.as_deref().unwrap_or_default())),
                lossy(&contact.uri.to_bytes()),
            ),
        });
    }
    let tag = |tag: Option<&[u8]>| tag.filter(|tag| !tag.is_empty()).map(lossy);
    Ok(Reading {
        start: match (message.as_request(), message.as_response()) {
            (Some(request), _) => {
                format!(
                    "{} {}",
                    lossy(request.method.as_bytes()),
                    lossy(&request.uri.to_bytes())
                )
            }
            (_, Some(response)) => {
                format!("{} {}", response.status.code(), lossy(&response.reason))
            }
            _ => String::new(),
        },
        via: (
            lossy(&via.transport),
            lossy(&via.host.to_bytes()),
            via.port,
            via.branch().filter(|branch| !branch.is_empty()).map(lossy),
        ),
        from: (lossy(&from.0.uri.to_bytes()), tag(from.0.tag())),
        to: (lossy(&to.0.uri.to_bytes()), tag(to.0.tag())),
        call_id: lossy(&call_id.0),
        cseq: (cseq.sequence, lossy(cseq.method.as_bytes())),
        contacts,
        body: message.body().clone(),
    })
}

fn corpus() -> Vec<(&'static str, Bytes)> {
    let rfc4475 = rfc4475::CASES
        .iter()
        .map(|case| (case.name, Bytes::from_static(case.bytes)));
    let rfc5118 = rfc5118::CASES.iter().map(|case| (case.name, case.wire()));
    rfc4475.chain(rfc5118).collect()
}

#[test]
fn the_torture_messages_are_read_alike() {
    let mut read = 0;
    for (name, raw) in corpus() {
        match (ours(&raw), theirs(&raw)) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours, theirs, "{name}");
                read += 1;
            }
            (Err(_), Err(_)) => {}
            (ours, theirs) => panic!("{name}: one of the two refuses it\n{ours:?}\n{theirs:?}"),
        }
    }
    assert!(read >= 35, "only {read} were read");
}

/// What we refuse and sipx-sip does not, each for a reason.
const STRICTER: &[(&str, &str)] = &[
    (
        "Call-ID is not an identifier",
        "it takes spaces and octets beyond ASCII in there",
    ),
    ("Via does not begin", "it takes any protocol for SIP/2.0"),
    (
        "Via has no space",
        "it takes what follows the transport for part of its name",
    ),
    ("Route has", "it does not look"),
    ("Record-Route has", "it does not look"),
    (
        "has a URI without a scheme",
        "a scheme begins with a letter, RFC 3986 §3.1",
    ),
    (
        "request line has no scheme",
        "a scheme begins with a letter, RFC 3986 §3.1",
    ),
    (
        "has more than one value",
        "a comma in an address without <> parts two values",
    ),
    (
        "has a URI that cannot be read",
        "a parameter of a URI has no comma",
    ),
    ("repeated", "it lets some headers stand twice"),
    ("Content-Type", "it does not look"),
    ("has two tags", "it takes the first"),
    ("has two branches", "it takes the first"),
    (
        "header line 1 has no name",
        "a fold under the first line, where nothing is to be continued",
    ),
];

/// What sipx-sip refuses and we do not, each for a reason.
const WIDER: &[(&str, &str)] = &[
    (
        "From",
        "tags, parameters and display names as phones write them, UTF-8 in users",
    ),
    ("To", "as with From"),
    ("Via", "branches in base64, parameters with odd names"),
    (
        "Contact",
        "as with From; escapes that are none stay as they stand",
    ),
    (
        "bad Request-URI",
        "UTF-8 and brackets in the user, escapes that are none",
    ),
];

#[test]
fn mutated_messages_are_read_alike() {
    let corpus = corpus();
    let mut dice = Dice(0x5eed_d1ff);
    let mut read = 0;
    for _ in 0..20_000 {
        let (name, raw) = &corpus[dice.roll(corpus.len())];
        let raw = mutate(raw, &mut dice);
        match (ours(&raw), theirs(&raw)) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours, theirs, "{name}\n{}", lossy(&raw));
                read += 1;
            }
            (Err(_), Err(_)) => {}
            (Err(fault), Ok(_)) => expect_known(STRICTER, &fault.to_string(), &raw),
            (Ok(_), Err(fault)) => expect_known(WIDER, &fault, &raw),
        }
    }
    assert!(read >= 3_000, "only {read} were read");
}

fn expect_known(known: &[(&str, &str)], fault: &str, raw: &Bytes) {
    let explained = known.iter().any(|(part, _reason)| fault.contains(part));
    assert!(explained, "{fault}\n{}", lossy(raw));
}

/// Puts something that matters to the grammar somewhere near the top of a message.
fn mutate(raw: &[u8], dice: &mut Dice) -> Bytes {
    const PIECES: &[&[u8]] = &[
        b"\r\n ",
        b"\"",
        b"\\",
        b"<",
        b">",
        b",",
        b";",
        b":",
        b"@",
        b"%",
        b"[",
        b"]",
        b"=",
        b" ",
        b"\t",
        b"\xff",
        b"\xc3\xb6",
        b"sip:",
        b"tag=",
        b";branch=",
        b"*",
        b"?",
        b"&",
        b"0",
        b"a",
        b".",
        b"-",
    ];
    let mut mutated = raw.to_vec();
    let at = dice.roll(mutated.len().min(600));
    let to = (at + dice.roll(3)).min(mutated.len());
    mutated.splice(at..to, PIECES[dice.roll(PIECES.len())].iter().copied());
    Bytes::from(mutated)
}

/// A small generator with a fixed seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }
}
