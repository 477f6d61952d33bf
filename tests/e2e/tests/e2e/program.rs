//! The program's commands, signals and exit codes, as scripts rely on them.

use std::time::Duration;

use e2e::centre::{attendant, pbx_attendant, queue, trunk};
use e2e::daemon::{apply, command, write_settings};
use e2e::{Daemon, FarEnd, Place, Scenario, Settings, eventually};
use serde_json::json;

use crate::common::{ATTENDANT_HZ, CALLER_HZ, SOON, assert_tone, history};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn centre(place: &Place) -> String {
    trunk("carrier", place.carrier(), &[])
        + &trunk("pbx", place.pbx(), &["3*"])
        + &queue("support", "2000", "")
        + &pbx_attendant("alice", "3001", "support")
}

#[test]
fn e2e_exit_codes_say_how_it_ended() {
    let place = Place::take();
    write_settings(&place, &Settings::of(&place));
    for (arguments, code, out) in [
        (&["version"][..], 0, "lampfield "),
        (&["check"], 0, "no faults"),
        (&["--help"], 0, "apply"),
        (&["fly"], 2, ""),
        (&["apply"], 2, ""),
        (&["run", "--fast"], 2, ""),
        (&["apply", "there-is-no-such-file"], 1, ""),
        (&["check", "--config", "there-is-no-such-file"], 1, ""),
    ] {
        let ended = command(place.directory(), arguments);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {ended:?}");
        assert!(
            text(&ended.stdout).contains(out),
            "{arguments:?}: {ended:?}"
        );
        assert_eq!(
            ended.stderr.is_empty(),
            code == 0,
            "{arguments:?}: {ended:?}"
        );
    }
}

#[test]
fn e2e_check_says_every_fault_with_its_line_and_what_would_be_right() {
    let place = Place::take();
    let faulty = "[sip]\nlisten = [\"udp:nowhere\"]\ndomian = \"x\"\n[http]\nlisten = 8080\n[media]\nports = \"9-5\"\n";
    std::fs::write(place.directory().join("lampfield.toml"), faulty).unwrap();
    let checked = command(place.directory(), &["check"]);
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    let said = text(&checked.stderr);
    for expected in [
        "lampfield.toml:2",
        "lampfield.toml:3",
        "lampfield.toml:5",
        "lampfield.toml:7",
        "domain",
    ] {
        assert!(said.contains(expected), "{expected} is missing in:\n{said}");
    }
    let run = command(place.directory(), &["run"]);
    assert_eq!(run.status.code(), Some(1));
}

#[test]
fn e2e_centre_is_applied_while_stopped_and_an_export_changes_nothing() {
    let place = Place::take();
    write_settings(&place, &Settings::of(&place));
    let centre = centre(&place) + &attendant("bob", "1001", "support");
    let dry = apply(place.directory(), &centre, &["--dry-run"]);
    assert!(
        dry.status.success() && text(&dry.stdout).contains("+ user alice"),
        "{dry:?}"
    );
    let first = apply(place.directory(), &centre, &[]);
    assert!(
        first.status.success() && text(&first.stdout).contains("+ user alice"),
        "{first:?}"
    );
    let export = || {
        let exported = command(place.directory(), &["export"]);
        assert!(exported.status.success(), "{exported:?}");
        text(&exported.stdout)
    };
    for running in [false, true] {
        let _daemon = running.then(|| Daemon::run(&place));
        let exported = export();
        assert!(
            !exported.contains(e2e::centre::PASSWORD)
                && !exported.contains(e2e::centre::SIP_PASSWORD)
        );
        let again = apply(place.directory(), &exported, &["--prune"]);
        assert!(
            again.status.success() && text(&again.stdout).contains("nothing changes"),
            "{again:?}"
        );
        assert_eq!(export(), exported);
    }
}

#[test]
fn e2e_centre_is_all_or_nothing_with_every_fault_in_one_go() {
    let place = Place::take();
    write_settings(&place, &Settings::of(&place));
    let faulty = "[[queues]]\nname = \"sales\"\nnumber = \"2001\"\n[[queues]]\nname = \"support\"\nnumber = \"2001\"\n\
                  calender = \"x\"\n[[users]]\nusername = \"eve\"\nqueues = [\"nowhere\"]\n";
    for running in [false, true] {
        let _daemon = running.then(|| Daemon::run(&place));
        let refused = apply(place.directory(), faulty, &[]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let said = text(&refused.stderr);
        for expected in ["centre.toml:7", "calendar"] {
            assert!(said.contains(expected), "{expected} is missing in:\n{said}");
        }
        let exported = command(place.directory(), &["export"]);
        assert!(!text(&exported.stdout).contains("sales"), "{exported:?}");
    }
}

/// A running call does not notice, and the new queue takes calls at once.
#[test]
fn e2e_centre_is_applied_while_a_call_is_up() {
    let place = Place::take();
    let daemon = Daemon::start(&place, &centre(&place));
    let alice = daemon.login("alice");
    let (caller, attendant) = (
        FarEnd::start(place.carrier(), CALLER_HZ),
        FarEnd::start(place.pbx(), ATTENDANT_HZ),
    );
    let phone = Scenario::pbx_phone(&place, "phone_answers")
        .media(attendant.address)
        .calls(2);
    let mut phone = phone.pause(Duration::from_millis(100)).start(&place);
    let call = Scenario::caller(&place, "caller_hangs_up", "2000", "+491").media(caller.address);
    let mut call = call.pause(Duration::from_secs(4)).start(&place);
    phone.wait_for("an ACK", SOON, |message| message.is_received("ACK "));

    let changed =
        centre(&place) + &queue("sales", "2001", "") + &pbx_attendant("bob", "3002", "sales");
    let applied = apply(place.directory(), &changed, &[]);
    assert!(
        applied.status.success() && text(&applied.stdout).contains("+ queue sales"),
        "{applied:?}"
    );
    daemon.login("bob");
    let bobs_caller = FarEnd::start(place.carrier(), CALLER_HZ);
    let other =
        Scenario::caller(&place, "caller_hangs_up", "2001", "+492").media(bobs_caller.address);
    let mut other = other.pause(Duration::from_millis(500)).start(&place);
    other.succeeds(SOON);

    std::thread::sleep(Duration::from_millis(1_200));
    assert_tone(
        "the attendant hears",
        &attendant.heard_lately(SOON / 5),
        CALLER_HZ,
        ATTENDANT_HZ,
    );
    call.succeeds(SOON);
    phone.succeeds(SOON);
    let record = history(&alice, 1).remove(0);
    let talked = record["talked_seconds"].as_f64().unwrap();
    assert!((3.7..4.1).contains(&talked), "{record:#}");
}

#[test]
fn e2e_termination_waits_for_calls_and_lets_no_new_ones_in() {
    let place = Place::take();
    let mut daemon = Daemon::start(&place, &centre(&place));
    daemon.login("alice");
    let ear = FarEnd::start(place.carrier(), CALLER_HZ);
    let mut phone = Scenario::pbx_phone(&place, "phone_answers")
        .media(ear.address)
        .pause(SOON / 50)
        .start(&place);
    let call = Scenario::caller(&place, "caller_hangs_up", "2000", "+491").media(ear.address);
    let mut call = call.pause(Duration::from_secs(3)).start(&place);
    phone.wait_for("an ACK", SOON, |message| message.is_received("ACK "));
    daemon.terminate();
    std::thread::sleep(Duration::from_millis(500));
    let late = Scenario::caller(&place, "caller_stays", "2000", "+492")
        .media(ear.address)
        .start(&place);
    late.wait_for("a 503", SOON, |message| message.is_answer(503));
    assert_eq!(daemon.exit_code(), None, "it ended under a call");
    call.succeeds(SOON);
    phone.succeeds(SOON);
    assert_eq!(
        eventually("the daemon's end", SOON, || daemon.exit_code()),
        0
    );
}

#[test]
fn e2e_termination_ends_calls_that_do_not_end() {
    let place = Place::take();
    let mut daemon = Daemon::start_with(&place, &centre(&place), |settings| {
        settings.drain_seconds = 1
    });
    let ear = FarEnd::start(place.carrier(), CALLER_HZ);
    let mut call = Scenario::caller(&place, "caller_stays", "2000", "+491")
        .media(ear.address)
        .start(&place);
    call.wait_for_answer();
    daemon.terminate();
    // It gets its BYE.
    call.succeeds(SOON);
    assert_eq!(
        eventually("the daemon's end", SOON, || daemon.exit_code()),
        0
    );
}

#[test]
fn e2e_second_daemon_is_refused_by_the_lock_of_the_first() {
    let place = Place::take();
    let _daemon = Daemon::start(&place, "");
    let second = command(place.directory(), &["run"]);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert_eq!(
        text(&second.stderr).trim().lines().count(),
        1,
        "one clear line: {second:?}"
    );
}

#[test]
fn e2e_first_administrator_must_change_the_password_that_was_printed_once() {
    let place = Place::take();
    let mut daemon = Daemon::start(&place, "");
    let printed = daemon.printed();
    let line = printed
        .lines()
        .find(|line| line.contains("administrator password:"))
        .unwrap();
    let password = line.split(' ').nth(2).unwrap().to_owned();
    let login = daemon.api().try_login("administrator", &password);
    assert_eq!(
        (login.status, &login.body["must_change_password"]),
        (200, &json!(true)),
        "{login:?}"
    );
    let administrator = e2e::Api::login(place.http(), "administrator", &password);
    let before = administrator.request("GET", "/api/v1/users", None);
    assert_eq!(before.status, 403, "{before:?}");
    administrator.act(
        "PUT",
        "/me/password",
        &json!({"password": "quite another one"}),
    );
    assert_eq!(
        daemon.api().try_login("administrator", &password).status,
        401
    );
    let administrator = e2e::Api::login(place.http(), "administrator", "quite another one");
    assert_eq!(administrator.list("/users").len(), 1);
    daemon.restart();
    assert!(
        !daemon.printed().contains("password"),
        "{}",
        daemon.printed()
    );
    assert_eq!(
        daemon
            .api()
            .try_login("administrator", "quite another one")
            .status,
        200
    );
}
