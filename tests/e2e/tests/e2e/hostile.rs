//! What the network can send at worst (shown by 6): random bytes, mutated messages and the torture sets, over UDP and TCP,
//! from strangers and from a trunk, while a call is up.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use e2e::centre::{attendant, queue, trunk};
use e2e::{Baresip, Daemon, FarEnd, Place, Scenario, eventually};
use sipx_testkit::{rfc4475, rfc5118};

use crate::common::{ATTENDANT_HZ, Balance, CALLER_HZ, SOON, assert_tone, await_reachable};
use crate::dice::Dice;

const DATAGRAMS: u64 = 40_000;
const CHUNKS: u64 = 10_000;
/// Sent before it is looked whether the daemon has taken them all: no more than its socket holds.
const BATCH: u64 = 100;
/// Callers who do not acknowledge our answer are gone 64 × T1 = 32 s after it (RFC 3261 §13.3.1.4). Only then may the
/// attendant's phone ring its 20 s for one who waits for her in particular, whose refusal stays for another 32 s for want of its ACK.
const ALL_OVER: Duration = Duration::from_secs(100);

/// What must not grow. A call's ports rest before they are in stock again.
const FIGURES: &[&str] = &[
    "calls",
    "legs",
    "dialogs",
    "transactions",
    "timers",
    "bindings",
    "media_legs_open",
];

#[test]
fn e2e_hostile_network_costs_nothing_that_lasts() {
    let place = Place::take();
    let centre = trunk("carrier", place.carrier(), &[])
        + &queue("support", "2000", "max_waiting = 10")
        + &attendant("alice", "1001", "support");
    let mut daemon = Daemon::start_with(&place, &centre, |settings| {
        settings.log_level = "info".into()
    });
    let mut phone = Baresip::start(&place, "1001", ATTENDANT_HZ);
    let alice = daemon.login("alice");
    await_reachable(&alice, "alice");
    // The figures are some tenths of a second old.
    eventually("the registration's end", ALL_OVER, || {
        (daemon.metric("bindings") == 1.0 && daemon.metric("transactions") == 0.0).then_some(())
    });
    let balance = Balance::of(&daemon, FIGURES);

    let caller = FarEnd::start(place.carrier(), CALLER_HZ);
    let call = Scenario::caller(&place, "caller_stays", "2000", "+491").media(caller.address);
    let mut call = call.start(&place);
    phone.wait_for_ring(1, SOON);
    phone.answer();
    phone.wait_for("CALL_ESTABLISHED", 1, SOON);
    std::thread::sleep(Duration::from_millis(300));

    let began = Instant::now();
    let mut dice = Dice::new(0x1a3f);
    flood_with_datagrams(&place, &daemon, &mut dice);
    flood_with_streams(&place, &mut dice);
    // Whatever harm was done is heard by then.
    std::thread::sleep(Duration::from_secs(3).saturating_sub(began.elapsed()));

    assert_eq!(daemon.exit_code(), None, "the daemon is dead");
    assert_tone(
        "the caller hears",
        &caller.heard(began, Instant::now()),
        ATTENDANT_HZ,
        CALLER_HZ,
    );
    let arrived = caller.share_of_stream(began);
    assert!(
        arrived > 0.98,
        "only {arrived} of the attendant's voice came"
    );
    assert_eq!(
        phone.events_of("CALL_CLOSED").len(),
        0,
        "the call was ended"
    );
    phone.hang_up();
    call.succeeds(SOON);
    assert_tone(
        "the attendant hears",
        &phone.heard().trimmed(0.5),
        CALLER_HZ,
        ATTENDANT_HZ,
    );
    let record = alice
        .list("/history")
        .into_iter()
        .find(|call| call["caller"] == "+491");
    assert_eq!(record.unwrap()["status"], "answered");

    balance.is_restored(&daemon, ALL_OVER);
    let log = daemon.printed();
    for word in ["panicked", "ERROR", "bug"] {
        assert!(!log.contains(word), "the log has {word}");
    }
}

/// From a trunk's address and from a stranger's, all of them received.
fn flood_with_datagrams(place: &Place, daemon: &Daemon, dice: &mut Dice) {
    let sockets = [place.carrier(), place.stranger()].map(|ip| UdpSocket::bind((ip, 0)).unwrap());
    let received = || daemon.metric("net_datagrams_received_total") as u64;
    let before = received();
    for sent in 1..=DATAGRAMS {
        let socket = &sockets[dice.below(2)];
        let port = socket.local_addr().unwrap();
        let datagram = hostile(dice, port);
        // Nothing may be longer than a datagram is.
        let _ = socket.send_to(&datagram[..datagram.len().min(60_000)], place.sip());
        if sent % BATCH == 0 {
            eventually("all datagrams received", SOON, || {
                (received() >= before + sent).then_some(())
            });
        }
    }
}

/// Over connections that end when the daemon closes them, or after some chunks.
fn flood_with_streams(place: &Place, dice: &mut Dice) {
    let connect = || TcpStream::connect(place.sip()).unwrap();
    let mut stream = connect();
    for _ in 0..CHUNKS {
        let own = stream.local_addr().unwrap();
        let mut chunk = hostile(dice, own);
        chunk.truncate(60_000);
        stream.set_write_timeout(Some(SOON)).unwrap();
        if stream.write_all(&chunk).is_err() || dice.below(50) == 0 {
            stream = connect();
        }
    }
}

/// Random bytes, a message of the torture sets, or one that some bytes of are changed, dropped, repeated.
fn hostile(dice: &mut Dice, source: SocketAddr) -> Vec<u8> {
    match dice.below(10) {
        0 => dice.bytes(1_500),
        1 => torture(dice),
        2..6 => mutated(torture(dice), dice),
        _ => mutated(plausible(dice, source).into_bytes(), dice),
    }
}

fn torture(dice: &mut Dice) -> Vec<u8> {
    if dice.below(4) == 0 {
        let case = &rfc5118::CASES[dice.below(rfc5118::CASES.len())];
        return case.wire().to_vec();
    }
    rfc4475::CASES[dice.below(rfc4475::CASES.len())]
        .bytes
        .to_vec()
}

fn mutated(mut message: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..=dice.below(6) {
        if message.is_empty() {
            break;
        }
        let at = dice.below(message.len());
        match dice.below(5) {
            0 => message[at] = dice.below(256) as u8,
            1 => drop(message.remove(at)),
            2 => message.insert(at, b"\r\n:;,<>\"@ %=0"[dice.below(13)]),
            3 => message.truncate(at),
            _ => {
                let end = (at + dice.below(40)).min(message.len());
                let part = message[at..end].to_vec();
                message.splice(at..at, part);
            }
        }
    }
    message
}

const METHODS: &[&str] = &[
    "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "MESSAGE", "UPDATE", "PRACK", "REFER",
    "NONSENSE",
];

/// A request as a trunk or a phone might send it.
fn plausible(dice: &mut Dice, source: SocketAddr) -> String {
    let method = METHODS[dice.below(METHODS.len())];
    let number = ["2000", "1001", "112", "+4930", ""][dice.below(5)];
    request(
        method,
        &format!("sip:{number}@lampfield.local"),
        source,
        &dice.below(1_000_000).to_string(),
        "",
        SDP,
    )
}

const SDP: &str = "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";

/// A request of a peer that listens where it sends from; `more` are further header lines.
fn request(
    method: &str,
    uri: &str,
    source: SocketAddr,
    id: &str,
    more: &str,
    body: &str,
) -> String {
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/sdp\r\n"
    };
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {source};branch=z9hG4bK{id}\r\nFrom: <sip:peer@{source}>;tag=f{id}\r\n\
         To: <{uri}>\r\nCall-ID: {id}\r\nCSeq: 1 {method}\r\nContact: <sip:peer@{source}>\r\nMax-Forwards: 70\r\n{more}{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len(),
    )
}

/// Shown by 6: messages of RFC 4475 that can be answered get the code they deserve.
const TORTURE: &[(&str, u16)] = &[
    ("intmeth", 501),
    ("esc02", 501),
    ("badinv01", 400),
    ("clerr", 400),
    ("ncl", 400),
    ("scalar02", 400),
    ("quotbal", 400),
    ("ltgtruri", 400),
    ("lwsruri", 400),
    ("trws", 400),
    ("escruri", 400),
    ("regbadct", 400),
    ("badaspec", 400),
    ("badvers", 505),
    ("mismatch01", 400),
    ("insuf", 400),
    ("unkscm", 416),
    ("novelsc", 416),
    ("bext01", 420),
    ("invut", 415),
    ("mcl01", 400),
    ("sdp01", 406),
];

#[test]
fn e2e_faulty_requests_get_the_code_they_deserve() {
    let place = Place::take();
    let centre = trunk("carrier", place.carrier(), &[]) + &queue("support", "2000", "");
    let _daemon = Daemon::start(&place, &centre);
    // Where most of these messages say that they come from.
    let socket = UdpSocket::bind((place.carrier(), 5060)).unwrap();
    let answer = |bytes: &[u8]| {
        let is_of_a_stream = String::from_utf8_lossy(bytes).contains("SIP/2.0/TCP");
        if is_of_a_stream {
            answer_over_tcp(place.sip(), bytes)
        } else {
            answer_to(&socket, place.sip(), bytes)
        }
    };
    let answers = TORTURE
        .iter()
        .map(|(name, _)| (*name, answer(rfc4475::case(name).unwrap().bytes)));
    let answers: Vec<_> = answers.collect();
    let expected: Vec<_> = TORTURE
        .iter()
        .map(|(name, status)| (*name, Some(*status)))
        .collect();
    assert_eq!(answers, expected);
    let here = socket.local_addr().unwrap();
    let uri = format!("sip:2000@{}", place.sip());
    for (name, message, expected) in [
        (
            "a wish for an extension",
            request("INVITE", &uri, here, "1", "Require: precondition\r\n", SDP),
            420,
        ),
        (
            "no hops left",
            request("INVITE", &uri, here, "2", "", SDP).replace("Forwards: 70", "Forwards: 0"),
            483,
        ),
        (
            "a number nobody has",
            request("INVITE", &uri.replace("2000", "2999"), here, "3", "", SDP),
            404,
        ),
        (
            "a dialog nobody has",
            request("BYE", &uri, here, "4", "", "")
                .replace("To: <", "To: x <")
                .replacen(">\r\nCall", ">;tag=t\r\nCall", 1),
            481,
        ),
        (
            "a method we know and do not serve",
            request("PUBLISH", &uri, here, "5", "", ""),
            405,
        ),
        (
            "a question",
            request(
                "OPTIONS",
                &format!("sip:{}", place.sip()),
                here,
                "6",
                "",
                "",
            ),
            200,
        ),
        (
            "video only",
            request(
                "INVITE",
                &uri,
                here,
                "7",
                "",
                &SDP.replace("audio", "video"),
            ),
            488,
        ),
        (
            "no scheme we know",
            request("INVITE", "http://x", here, "8", "", SDP),
            416,
        ),
        (
            "a transaction nobody has",
            request("CANCEL", &uri, here, "9", "", ""),
            481,
        ),
    ] {
        assert_eq!(
            answer_to(&socket, place.sip(), message.as_bytes()),
            Some(expected),
            "{name}:\n{message}"
        );
    }
    let stranger = UdpSocket::bind((place.stranger(), 5060)).unwrap();
    let theirs = stranger.local_addr().unwrap();
    let call = request("INVITE", &uri, theirs, "10", "", SDP);
    let status = answer_to(&stranger, place.sip(), call.as_bytes());
    assert!(
        matches!(status, Some(401 | 403 | 407)),
        "a stranger's call: {status:?}"
    );
}

/// The final status that a request gets.
fn answer_to(socket: &UdpSocket, server: SocketAddr, message: &[u8]) -> Option<u16> {
    socket
        .set_read_timeout(Some(Duration::from_millis(700)))
        .unwrap();
    socket.send_to(message, server).unwrap();
    let mut bytes = [0; 8_192];
    while let Ok((length, _)) = socket.recv_from(&mut bytes) {
        if let Some(status @ 200..) = status(&bytes[..length]) {
            return Some(status);
        }
    }
    None
}

/// The same over a connection of its own.
fn answer_over_tcp(server: SocketAddr, message: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(message).unwrap();
    let mut bytes = [0; 8_192];
    let length = stream.read(&mut bytes).ok()?;
    status(&bytes[..length])
}

fn status(answer: &[u8]) -> Option<u16> {
    let status = answer.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
    std::str::from_utf8(status).ok()?.parse().ok()
}
