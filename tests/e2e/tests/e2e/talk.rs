//! A caller and an attendant talk: music, ringing, both voices, either hangs up, and the history knows it all.

use std::time::{Duration, Instant};

use e2e::centre::{attendant, pbx_attendant, queue, trunk};
use e2e::{Baresip, Daemon, FarEnd, Place, Scenario};
use serde_json::Value;

use crate::common::{
    ATTENDANT_HZ, CALLER_HZ, SOON, assert_music, assert_tone, await_reachable, second_of_day,
    the_call,
};

fn centre(place: &Place, alice: &str) -> String {
    trunk("carrier", place.carrier(), &[])
        + &trunk("pbx", place.pbx(), &["3*"])
        + &queue("support", "2000", "")
        + alice
}

#[test]
fn e2e_caller_and_phone_hear_one_another_and_the_caller_hangs_up() {
    talk(CALLER_HANGS_UP);
}

#[test]
fn e2e_caller_and_phone_hear_one_another_and_the_attendant_hangs_up() {
    talk(ATTENDANT_HANGS_UP);
}

struct End {
    scenario: &'static str,
    ended_by: &'static str,
}

const CALLER_HANGS_UP: End = End {
    scenario: "caller_hangs_up",
    ended_by: "caller",
};
const ATTENDANT_HANGS_UP: End = End {
    scenario: "caller_stays",
    ended_by: "callee",
};

/// Shown by 2, with a registered phone.
fn talk(end: End) {
    let place = Place::take();
    let daemon = Daemon::start(
        &place,
        &centre(&place, &attendant("alice", "1001", "support")),
    );
    let mut phone = Baresip::start(&place, "1001", ATTENDANT_HZ);
    let alice = daemon.login("alice");
    await_reachable(&alice, "alice");

    let caller = FarEnd::start(place.carrier(), CALLER_HZ);
    let call = Scenario::caller(&place, end.scenario, "2000", "+4930123456").media(caller.address);
    let mut call = call.pause(Duration::from_secs(6)).start(&place);
    let answered = call.wait_for_answer();
    let (rang, who) = phone.wait_for_ring(1, SOON);
    assert_eq!(who, "+4930123456");

    std::thread::sleep(Duration::from_millis(2_500));
    assert_music(&caller.heard(rang, Instant::now()));
    let taken = phone.answer();
    phone.wait_for("CALL_ESTABLISHED", 1, SOON);
    std::thread::sleep(Duration::from_secs(2));
    assert_tone(
        "the caller hears",
        &caller.heard_lately(Duration::from_secs(1)),
        ATTENDANT_HZ,
        CALLER_HZ,
    );
    caller.assert_one_stream();

    let hung_up = match end.ended_by {
        "callee" => phone.hang_up(),
        _ => phone.wait_for("CALL_CLOSED", 1, Duration::from_secs(6)).at,
    };
    call.succeeds(SOON);
    assert_tone(
        "the attendant hears",
        &phone.heard().trimmed(0.4),
        CALLER_HZ,
        ATTENDANT_HZ,
    );

    let expected = Expected {
        ended_by: end.ended_by,
        started: call.messages()[0].at,
        answered: answered.at,
        rung: taken - rang,
        waited: taken - rang,
        talked: hung_up - taken,
    };
    expected.check(&the_call(&alice));
}

/// Shown by 2, with a phone of a PBX that is rung through its trunk.
#[test]
fn e2e_caller_and_pbx_phone_hear_one_another_and_either_hangs_up() {
    for (caller_does, phone_does, ended_by, talked) in [
        ("caller_hangs_up", "phone_answers", "caller", 3.0),
        ("caller_stays", "phone_hangs_up", "callee", 2.0),
    ] {
        let place = Place::take();
        let daemon = Daemon::start(
            &place,
            &centre(&place, &pbx_attendant("alice", "3001", "support")),
        );
        let alice = daemon.login("alice");
        let (caller, attendant) = (
            FarEnd::start(place.carrier(), CALLER_HZ),
            FarEnd::start(place.pbx(), ATTENDANT_HZ),
        );
        let phone = Scenario::pbx_phone(&place, phone_does).media(attendant.address);
        let mut phone = phone.pause(Duration::from_secs(1)).start(&place);
        let call =
            Scenario::caller(&place, caller_does, "2000", "+4930123456").media(caller.address);
        // A second of ringing, three of talk.
        let mut call = call.pause(Duration::from_secs(4)).start(&place);

        let rung = phone.wait_for("an INVITE", SOON, |message| message.is_received("INVITE "));
        assert!(rung.text.starts_with("INVITE sip:3001@"), "{}", rung.text);
        let taken = phone.wait_for("an ACK", SOON, |message| message.is_received("ACK "));
        std::thread::sleep(Duration::from_millis(1_800));
        for (who, sound, theirs, own) in [
            (
                "the caller hears",
                caller.heard_lately(Duration::from_secs(1)),
                ATTENDANT_HZ,
                CALLER_HZ,
            ),
            (
                "the attendant hears",
                attendant.heard_lately(Duration::from_secs(1)),
                CALLER_HZ,
                ATTENDANT_HZ,
            ),
        ] {
            assert_tone(who, &sound, theirs, own);
        }
        call.succeeds(SOON);
        phone.succeeds(SOON);
        let record = the_call(&alice);
        let expected = Expected {
            ended_by,
            started: call.messages()[0].at,
            answered: call.wait_for_answer().at,
            rung: Duration::from_secs(1),
            waited: Duration::from_secs_f64(taken.at - rung.at),
            talked: Duration::from_secs_f64(talked),
        };
        expected.check(&record);
    }
}

/// What the history must say.
struct Expected {
    ended_by: &'static str,
    /// Seconds of the UTC day.
    started: f64,
    answered: f64,
    rung: Duration,
    waited: Duration,
    talked: Duration,
}

impl Expected {
    fn check(&self, record: &Value) {
        for (field, expected) in [
            ("caller", "+4930123456"),
            ("called", "2000"),
            ("trunk", "carrier"),
            ("queue", "support"),
            ("agent", "alice"),
            ("status", "answered"),
            ("direction", "inbound"),
            ("ended_by", self.ended_by),
        ] {
            assert_eq!(record[field], expected, "{field} of {record:#}");
        }
        for (field, expected) in [
            ("waited_seconds", self.waited.as_secs_f64()),
            ("rung_seconds", self.rung.as_secs_f64()),
            ("talked_seconds", self.talked.as_secs_f64()),
        ] {
            assert_near(field, record[field].as_f64().unwrap(), expected, record);
        }
        for (field, expected) in [
            ("started", self.started),
            ("answered", self.answered),
            ("connected", self.started + self.waited.as_secs_f64()),
            (
                "ended",
                self.started + (self.waited + self.talked).as_secs_f64(),
            ),
        ] {
            assert_near(field, second_of_day(&record[field]), expected, record);
        }
    }
}

fn assert_near(field: &str, value: f64, expected: f64, record: &Value) {
    assert!(
        (value - expected).abs() <= 0.1,
        "{field} is {value}, measured {expected}: {record:#}"
    );
}
