//! Debian's sipvicious looks for what it can use: it finds nothing, and is not heard any more, while a call goes on undisturbed.

use std::process::{Command, Output};
use std::time::Duration;

use e2e::centre::{administrator, attendant, pbx_attendant, queue, trunk};
use e2e::{Daemon, FarEnd, Place, Scenario};
use serde_json::Value;

use crate::common::{ATTENDANT_HZ, CALLER_HZ, SOON, history};

/// Runs one of its programs for some seconds at most.
fn scan(place: &Place, program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new("timeout");
    command
        .args(["4", program, "-P", "5099"])
        .args(arguments)
        .arg(place.daemon().to_string());
    command
        .current_dir(place.directory())
        .env("HOME", place.directory());
    command.output().expect("sipvicious: run tests/tools.sh")
}

fn finds_nothing(program: &str, output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    for found in ["noauth", "| Password"] {
        assert!(!said.contains(found), "{program}: {output:?}");
    }
}

#[test]
fn e2e_a_scanner_finds_nothing_and_is_banned_while_a_call_goes_on() {
    let place = Place::take();
    let centre = trunk("carrier", place.carrier(), &["0*"])
        + &trunk("pbx", place.pbx(), &["3*"])
        + &queue("support", "2000", "")
        + &pbx_attendant("alice", "3001", "support")
        + &attendant("bob", "1001", "support")
        + &administrator("root");
    let daemon = Daemon::start(&place, &centre);
    let _alice = daemon.login("alice");
    let root = daemon.login("root");
    let (caller, attendant) = (
        FarEnd::start(place.carrier(), CALLER_HZ),
        FarEnd::start(place.pbx(), ATTENDANT_HZ),
    );
    let mut phone = Scenario::pbx_phone(&place, "phone_answers")
        .media(attendant.address)
        .start(&place);
    let call =
        Scenario::caller(&place, "caller_hangs_up", "2000", "+4930123").media(caller.address);
    let mut call = call.pause(Duration::from_secs(50)).start(&place);
    phone.wait_for("an ACK", SOON, |message| message.is_received("ACK "));

    let bans = || root.list("/bans");
    for (program, arguments) in [
        ("svmap", &[][..]),
        ("svwar", &["-e", "1000-1040", "--force"]),
        ("svwar", &["-m", "INVITE", "-e", "1000-1040", "--force"]),
    ] {
        finds_nothing(program, &scan(&place, program, arguments));
    }
    // It gives up by itself where an answer is not to its liking, and is started again, as its users do.
    let banned = (0..10).find_map(|_| {
        finds_nothing(
            "svcrack",
            &scan(&place, "svcrack", &["-u", "1001", "-r", "1-400"]),
        );
        bans().pop()
    });
    let banned = banned.expect("a ban");
    let address = banned["address"].as_str().unwrap();
    assert_ne!(address, place.carrier().to_string());
    assert!(daemon.metric("net_offences_total") >= 4.0);
    assert_eq!(daemon.metric("net_bans_total"), 1.0);
    let warnings = daemon.printed().matches("a source is banned").count();
    assert_eq!(warnings, 1, "one line for each ban");
    scan(&place, "svcrack", &["-u", "1001", "-r", "1-20"]);
    assert!(daemon.metric("net_banned_dropped_total") > 0.0);
    root.act("DELETE", &format!("/bans/{address}"), &Value::Null);
    assert_eq!(bans(), [Value::Null; 0]);
    call.succeeds(Duration::from_secs(60));
    phone.succeeds(SOON);
    let calls = history(&root, 1);
    assert_eq!(calls.len(), 1, "a call was placed: {calls:#?}");
    assert_eq!(calls[0]["status"], "answered");
}
