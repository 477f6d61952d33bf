//! TLS: phones and trunks over it, whose certificate is believed, and new certificates for a running daemon.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::centre::{attendant, pbx_attendant, queue, trunk};
use e2e::daemon::command;
use e2e::{Authority, Baresip, Daemon, FarEnd, Place, Scenario, Settings, Tunnel, eventually};

use crate::common::{
    ATTENDANT_HZ, CALLER_HZ, SOON, assert_tone, await_reachable, history, the_call,
};

/// Listens for TLS, under that certificate; `more` are further fields of `sip.tls`.
fn over_tls(place: &Place, settings: &mut Settings, fields: &str, more: &str) {
    settings.sip_listen.push(format!("tls:{}", place.sip_tls()));
    settings.sip_lines = format!("tls = {{ {fields}{more} }}");
}

fn trusting(authority: &Authority) -> String {
    format!(", ca = {:?}", authority.file().to_str().unwrap())
}

/// What `openssl s_client` prints that sends this and waits for the answer.
fn s_client(server: SocketAddr, arguments: &[&str], says: &str) -> String {
    let mut client = Command::new("openssl");
    client.args(["s_client", "-connect", &server.to_string(), "-ign_eof"]);
    client.args(arguments).stdin(Stdio::piped());
    client.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut client = client
        .spawn()
        .expect("install it with `apt-get install openssl`, or run tests/tools.sh");
    let mut input = client.stdin.take().unwrap();
    // Who is not let in may be gone before all is said.
    let _ = input.write_all(says.as_bytes());
    std::thread::sleep(Duration::from_secs(1));
    drop(input);
    let _ = client.kill();
    let output = client.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

const OPTIONS: &str = "OPTIONS sip:us@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bKtls\r\n\
    From: <sip:probe@127.0.0.1>;tag=p\r\nTo: <sip:us@127.0.0.1>\r\nCall-ID: tls\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\
    Content-Length: 0\r\n\r\n";

/// The serial number of the certificate that a new handshake is shown.
fn serial(place: &Place) -> u64 {
    let printed = s_client(place.sip_tls(), &[], "\r\n\r\n");
    let from = printed
        .find("-----BEGIN CERTIFICATE")
        .unwrap_or_else(|| panic!("no certificate: {printed}"));
    let file = place.directory().join("shown.pem");
    std::fs::write(&file, &printed[from..]).unwrap();
    let mut read = Command::new("openssl");
    read.args(["x509", "-noout", "-serial", "-in"]).arg(&file);
    let shown = String::from_utf8(read.output().unwrap().stdout).unwrap();
    let digits = shown.trim().trim_start_matches("serial=");
    u64::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("no serial number: {shown}"))
}

/// Two phones over TLS call one another, over the connections they registered by; new certificates are shown to
/// those who come while the call goes on, and bad ones change nothing.
#[test]
fn e2e_phones_call_over_tls_while_the_certificate_changes() {
    let place = Place::take();
    let authority = Authority::new(place.directory(), "authority");
    let address = place.daemon().to_string();
    let certificate = authority.issue("daemon", &[&address, "lampfield.local"], 1_001);
    let centre = queue("support", "2000", "")
        + &attendant("alice", "1001", "support")
        + &attendant("bob", "1002", "support");
    let daemon = Daemon::start_with(&place, &centre, |settings| {
        over_tls(&place, settings, &certificate.fields(), "");
    });
    assert!(
        daemon
            .printed()
            .contains(&format!(" tls:{}", place.sip_tls()))
    );
    let (mut alices, mut bobs) = (
        Baresip::start_over_tls(&place, "1001", ATTENDANT_HZ, authority.file()),
        Baresip::start_over_tls(&place, "1002", CALLER_HZ, authority.file()),
    );
    let (alice, bob) = (daemon.login("alice"), daemon.login("bob"));
    await_reachable(&alice, "alice");
    await_reachable(&bob, "bob");
    alices.dial("1002");
    assert_eq!(bobs.wait_for_ring(1, SOON).1, "1001");
    bobs.answer();
    alices.wait_for("CALL_ESTABLISHED", 1, SOON);
    assert!(daemon.metric("net_connections") >= 2.0);

    assert_eq!(serial(&place), 1_001);
    authority.issue("daemon", &[&address], 1_002);
    daemon.reread();
    assert_eq!(serial(&place), 1_002);
    std::fs::write(&certificate.key, "no key").unwrap();
    daemon.reread();
    eventually("a word about the key", SOON, || {
        daemon
            .printed()
            .contains("the certificates stay as they were")
            .then_some(())
    });
    assert_eq!(serial(&place), 1_002);

    std::thread::sleep(Duration::from_secs(1));
    bobs.hang_up();
    alices.wait_for("CALL_CLOSED", 1, SOON);
    assert_tone(
        "bob hears",
        &bobs.heard().trimmed(0.3),
        ATTENDANT_HZ,
        CALLER_HZ,
    );
    let call = the_call(&bob);
    assert_eq!(
        (call["direction"].as_str(), call["ended_by"].as_str()),
        (Some("internal"), Some("callee")),
        "{call:#}"
    );
}

fn trunk_over_tls(place: &Place) -> String {
    trunk("carrier", place.carrier(), &[])
        + &trunk("pbx", place.pbx(), &["3*"]).replace(":5060;transport=udp", ":5061;transport=tls")
        + &queue("support", "2000", "")
        + &pbx_attendant("alice", "3001", "support")
}

/// A call goes out to a PBX over TLS whose certificate leads to our root and is for its address.
#[test]
fn e2e_a_trunk_over_tls_is_called() {
    let place = Place::take();
    let authority = Authority::new(place.directory(), "authority");
    let ours = authority.issue("daemon", &[&place.daemon().to_string()], 1);
    let theirs = authority.issue("pbx", &[&place.pbx().to_string()], 2);
    let daemon = Daemon::start_with(&place, &trunk_over_tls(&place), |settings| {
        over_tls(&place, settings, &ours.fields(), &trusting(&authority));
    });
    let alice = daemon.login("alice");
    let (caller, attendant) = (
        FarEnd::start(place.carrier(), CALLER_HZ),
        FarEnd::start(place.pbx(), ATTENDANT_HZ),
    );
    let phone = Scenario::pbx_phone(&place, "phone_hangs_up").media(attendant.address);
    let mut phone = phone.tcp().pause(Duration::from_millis(100)).start(&place);
    let (outside, inside) = (
        SocketAddr::new(place.pbx(), 5061),
        SocketAddr::new(place.pbx(), 5060),
    );
    let _tunnel = Tunnel::start(&place, outside, inside, &theirs);
    let call = Scenario::caller(&place, "caller_stays", "2000", "+491").media(caller.address);
    let mut call = call.start(&place);
    let invite = phone.wait_for("an INVITE", SOON, |message| message.is_received("INVITE "));
    assert!(
        invite.header("Via").unwrap().starts_with("SIP/2.0/TLS"),
        "{}",
        invite.text
    );
    assert!(
        invite.header("Contact").unwrap().contains(";transport=tls"),
        "{}",
        invite.text
    );
    phone.wait_for("an ACK", SOON, |message| message.is_received("ACK "));
    call.succeeds(SOON);
    phone.succeeds(SOON);
    assert_eq!(the_call(&alice)["status"], "answered");
}

/// A certificate of somebody else's authority, and one for another address, are refused, and said once each.
#[test]
fn e2e_a_trunk_with_a_wrong_certificate_is_not_called() {
    let place = Place::take();
    let authority = Authority::new(place.directory(), "authority");
    let impostor = Authority::new(place.directory(), "impostor");
    let ours = authority.issue("daemon", &[&place.daemon().to_string()], 1);
    let pbx = place.pbx().to_string();
    let elsewhere = place.stranger().to_string();
    let centre = trunk_over_tls(&place) + &attendant("bob", "1002", "support");
    let daemon = Daemon::start_with(&place, &centre, |settings| {
        over_tls(&place, settings, &ours.fields(), &trusting(&authority));
    });
    let bob = daemon.login("bob");
    let mut bobs = Baresip::start(&place, "1002", CALLER_HZ);
    await_reachable(&bob, "bob");
    let (outside, inside) = (
        SocketAddr::new(place.pbx(), 5061),
        SocketAddr::new(place.pbx(), 5060),
    );
    let mut calls = 0;
    for (theirs, reason) in [
        (impostor.issue("unknown", &[&pbx], 2), "UnknownIssuer"),
        (authority.issue("other", &[&elsewhere], 3), "not valid for"),
    ] {
        let _tunnel = Tunnel::start(&place, outside, inside, &theirs);
        for _ in 0..2 {
            bobs.dial("3001");
            calls += 1;
            bobs.wait_for("CALL_CLOSED", calls, SOON);
        }
        let said = daemon.printed();
        let lines: Vec<_> = said
            .lines()
            .filter(|line| line.contains("a trunk cannot be reached"))
            .collect();
        assert!(
            lines.last().is_some_and(|line| line.contains(reason)),
            "{reason}: {lines:#?}"
        );
        assert_eq!(lines.len(), calls / 2, "{lines:#?}");
    }
    let records = history(&bob, calls);
    assert!(
        records.iter().all(|call| call["status"] != "answered"),
        "{records:#?}"
    );
}

/// Who must show a certificate and has none, or a stranger's, is not heard.
#[test]
fn e2e_a_peer_without_the_required_certificate_is_not_let_in() {
    let place = Place::take();
    let authority = Authority::new(place.directory(), "authority");
    let impostor = Authority::new(place.directory(), "impostor");
    let ours = authority.issue("daemon", &[&place.daemon().to_string()], 1);
    let friend = authority.issue("friend", &["friend"], 2);
    let stranger = impostor.issue("stranger", &["stranger"], 3);
    let more = trusting(&authority) + ", verify_client = \"required\"";
    let daemon = Daemon::start_with(&place, "", |settings| {
        over_tls(&place, settings, &ours.fields(), &more);
    });
    let shows = |shown: &e2e::certificate::Certificate| {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        [
            "-cert".to_owned(),
            text(&shown.certificate),
            "-key".into(),
            text(&shown.key),
        ]
    };
    for (name, arguments, heard) in [
        ("nobody", Vec::new(), false),
        ("a stranger", shows(&stranger).to_vec(), false),
        ("a friend", shows(&friend).to_vec(), true),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let printed = s_client(place.sip_tls(), &arguments, OPTIONS);
        assert_eq!(printed.contains("SIP/2.0 200 "), heard, "{name}: {printed}");
    }
    assert_eq!(daemon.metric("net_handshakes_failed_total"), 2.0);
}

/// `check` and the start say which file is at fault.
#[test]
fn e2e_files_at_fault_are_named() {
    let place = Place::take();
    let authority = Authority::new(place.directory(), "authority");
    let ours = authority.issue("daemon", &["localhost"], 1);
    let other = authority.issue("other", &["localhost"], 2);
    let missing = ours.fields().replace("daemon.cert", "missing");
    let no_certificate = ours.fields().replace("daemon.cert", "daemon.key");
    let not_a_pair = ours.fields().replace("daemon.key", "other.key");
    assert!(other.key.exists());
    for (fields, expected) in [
        (
            missing,
            ["missing.pem (sip.tls.certificate)", "No such file"],
        ),
        (
            no_certificate,
            ["daemon.key.pem (sip.tls.certificate)", "no certificate"],
        ),
        (
            not_a_pair,
            [
                "other.key.pem does not go with",
                "daemon.cert.pem (sip.tls)",
            ],
        ),
    ] {
        let mut settings = Settings::of(&place);
        over_tls(&place, &mut settings, &fields, "");
        e2e::daemon::write_settings(&place, &settings);
        for verb in ["check", "run"] {
            let output = command(place.directory(), &[verb]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{verb}: {said}");
            assert!(
                expected.iter().all(|part| said.contains(part)),
                "{verb}, {expected:?}: {said}"
            );
        }
    }
}
