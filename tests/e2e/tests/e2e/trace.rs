//! The SIP messages of a call: in three forms over the API, read by Wireshark's own tshark, and as they pass.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::centre::{administrator, pbx_attendant, queue, supervisor, trunk};
use e2e::daemon::start_command;
use e2e::{Daemon, FarEnd, Place, Scenario, eventually};

use crate::common::{ATTENDANT_HZ, CALLER_HZ, SOON, the_call};

fn centre(place: &Place) -> String {
    trunk("carrier", place.carrier(), &[])
        + &trunk("pbx", place.pbx(), &["3*"])
        + &queue("support", "2000", "")
        + &pbx_attendant("alice", "3001", "support")
        + &supervisor("sue")
        + &administrator("root")
}

/// What tshark finds in a capture, a line for each packet that fits the filter.
fn tshark(capture: &Path, filter: &str) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(capture).args(["-Y", filter]);
    command.args([
        "-o",
        "ip.check_checksum:TRUE",
        "-o",
        "udp.check_checksum:TRUE",
    ]);
    command.args(["-o", "tcp.check_checksum:TRUE"]);
    command.args(["-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code"]);
    let output = command.output().expect("tshark: run tests/tools.sh");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn e2e_the_messages_of_a_call_are_shown_in_three_forms_and_as_they_pass() {
    for tcp in [false, true] {
        a_call_is_traced(tcp);
    }
}

fn a_call_is_traced(tcp: bool) {
    let place = Place::take();
    let daemon = Daemon::start(&place, &centre(&place));
    let alice = daemon.login("alice");
    let sue = daemon.login("sue");
    let lines = place.directory().join("followed");
    let _follows = start_command(
        place.directory(),
        &["trace", "--number", "+4930123"],
        &lines,
    );
    let objects = place.directory().join("objects");
    let _follows_all = start_command(place.directory(), &["trace", "--json"], &objects);
    let followed = || std::fs::read_to_string(&lines).unwrap();
    // Who follows hears of nothing that was before them.
    std::thread::sleep(Duration::from_millis(500));

    let (caller, attendant) = (
        FarEnd::start(place.carrier(), CALLER_HZ),
        FarEnd::start(place.pbx(), ATTENDANT_HZ),
    );
    let mut phone = Scenario::pbx_phone(&place, "phone_answers")
        .media(attendant.address)
        .start(&place);
    let call = Scenario::caller(&place, "caller_with_secrets", "2000", "+4930123");
    let call = if tcp { call.tcp() } else { call };
    let mut call = call
        .media(caller.address)
        .pause(Duration::from_secs(2))
        .start(&place);
    eventually("the call, as it happens", SOON, || {
        let followed = followed();
        (followed.contains("INVITE sip:2000@") && followed.contains("INVITE sip:3001@"))
            .then_some(())
    });
    call.succeeds(SOON);
    phone.succeeds(SOON);

    let record = the_call(&alice);
    let id = record["id"].as_str().unwrap();
    let path = format!("/calls/{id}/trace");
    // The last answer is on its way when SIPp has ended.
    let trace = eventually("all messages", SOON, || {
        let trace = sue.read(&path);
        let byes = trace["messages"].as_array().unwrap().iter();
        let byes = byes
            .filter(|it| it["text"].as_str().unwrap().contains("BYE"))
            .count();
        (byes >= 4).then_some(trace)
    });
    let messages = trace["messages"].as_array().unwrap();
    assert_eq!(trace["gone"], 0);
    let first = &messages[0];
    assert_eq!(first["direction"], "received");
    assert!(
        first["start_line"]
            .as_str()
            .unwrap()
            .starts_with("INVITE sip:2000@"),
        "{first}"
    );
    assert!(messages.iter().all(|it| it["call"] == id), "{trace:#}");
    let said = call.messages().len() + phone.messages().len();
    assert_eq!(
        messages.len(),
        said,
        "as many as both SIPps have seen: {trace:#}"
    );

    let capture = place.directory().join("call.pcap");
    std::fs::write(&capture, sue.download(&format!("{path}?format=pcap"))).unwrap();
    assert_eq!(tshark(&capture, "sip").len(), messages.len());
    for fault in [
        "_ws.malformed",
        "ip.checksum.status == 0 || udp.checksum.status == 0 || tcp.checksum.status == 0",
        "tcp.analysis.flags",
    ] {
        assert_eq!(tshark(&capture, fault), [""; 0], "{fault}");
    }
    assert_eq!(tshark(&capture, "tcp").is_empty(), !tcp);

    let ladder = String::from_utf8(sue.download(&format!("{path}?format=text"))).unwrap();
    assert_eq!(ladder.lines().count(), messages.len() + 2, "{ladder}");
    assert!(
        ladder.contains(" INVITE (SDP) ") && ladder.contains(" 200 OK "),
        "{ladder}"
    );

    let last = eventually("the end, as it happens", SOON, || {
        let followed = std::fs::read_to_string(&objects).unwrap();
        (followed.matches("BYE sip:").count() >= 2).then_some(followed)
    });
    let everything = trace.to_string()
        + &ladder
        + &last
        + &String::from_utf8_lossy(&std::fs::read(&capture).unwrap());
    for secret in ["hunter2", "c2VjcmV0a2V5"] {
        assert!(!everything.contains(secret), "{secret}");
    }
    assert!(
        followed()
            .lines()
            .all(|line| line.contains(id) || line.contains(" - ")),
        "{}",
        followed()
    );
    assert_eq!(
        alice.request("GET", &format!("/api/v1{path}"), None).status,
        403
    );
    let metric = daemon.metric("trace_messages_total");
    assert!(metric >= messages.len() as f64, "{metric}");
    assert_eq!(daemon.metric("trace_lost_total"), 0.0);
}
