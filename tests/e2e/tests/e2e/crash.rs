//! Shown by 7: `kill -9` under load, at random moments. Five times; fifty with `LAMPFIELD_LONG=1`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use e2e::centre::{attendant, pbx_attendant, queue, supervisor, trunk};
use e2e::{Api, Baresip, Daemon, FarEnd, Place, Scenario, Sipp, Traced, eventually};
use serde_json::{Value, json};

use crate::common::{ATTENDANT_HZ, CALLER_HZ, SOON, await_reachable, second_of_day};
use crate::dice::Dice;

const CALLS: u32 = 20;
/// Fewer than calls, so that some talk and some wait.
const AGENTS: u32 = 8;
/// What happened within this time before the end may be missing (issue 2, §6).
const NOT_YET_KEPT_S: f64 = 0.1;

fn centre(place: &Place) -> String {
    let agents = (0..AGENTS).map(|agent| {
        pbx_attendant(
            &format!("agent{agent}"),
            &format!("30{agent:02}"),
            "support",
        )
    });
    trunk("carrier", place.carrier(), &[])
        + &trunk("pbx", place.pbx(), &["3*"])
        + &queue("support", "2000", "")
        + &queue("vip", "2001", "")
        + &supervisor("sue")
        + &attendant("ann", "1001", "vip")
        + &agents.collect::<String>()
}

#[test]
fn e2e_kill_9_under_load_loses_no_call_no_phone_and_no_goodbye() {
    let rounds = if crate::is_long() { 50 } else { 5 };
    let place = Place::take();
    let mut daemon = Daemon::start(&place, &centre(&place));
    let mut phone = Baresip::start(&place, "1001", ATTENDANT_HZ);
    let ann = daemon.login("ann");
    await_reachable(&ann, "ann");
    for agent in 0..AGENTS {
        daemon.login(&format!("agent{agent}"));
    }
    let ear = FarEnd::start(place.carrier(), CALLER_HZ);
    let sue = daemon.login("sue");
    let mut dice = Dice::new(7);
    for round in 0..rounds {
        let _pbx = Scenario::pbx_phone(&place, "phone_answers")
            .media(ear.address)
            .calls(1_000)
            .pause(SOON / 50)
            .start(&place);
        let callers = Scenario::caller(&place, "callers_stay", "2000", &format!("+49{round:03}"))
            .media(ear.address);
        let callers = callers.calls(CALLS).rate(CALLS).start(&place);
        std::thread::sleep(Duration::from_millis(400 + dice.below(1_200) as u64));
        daemon.kill9();
        let killed = second_now();
        daemon.restart();
        eprintln!(
            "round {round}: {} answered before the kill",
            answered_before(&callers, killed).len()
        );

        expect_goodbyes(&callers, killed);
        expect_agents_at_work(&sue);
        expect_reachable(&place, &mut phone, &ear, round);
        end_the_rest(&sue, &callers, killed);
        expect_on_record(&sue, &callers, killed);
    }
    eventually("the last call's end", SOON, || {
        (daemon.metric("calls") == 0.0).then_some(())
    });
}

/// The second of the UTC day, as SIPp's trace has it.
fn second_now() -> f64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    now.as_secs_f64() % 86_400.0
}

/// The Call-IDs and numbers of those whose call was answered, and that must be known of.
fn answered_before(callers: &Sipp, killed: f64) -> BTreeMap<String, String> {
    let messages = callers.messages();
    let in_time = |at: f64| at < killed - NOT_YET_KEPT_S;
    let answers = messages
        .iter()
        .filter(|message| message.is_answer(200) && in_time(message.at));
    let number = |from: &str| {
        from.split("sip:")
            .nth(1)
            .unwrap()
            .split('@')
            .next()
            .unwrap()
            .to_owned()
    };
    answers
        .map(|answer| {
            (
                answer.header("Call-ID").unwrap().to_owned(),
                number(answer.header("From").unwrap()),
            )
        })
        .collect()
}

/// Those who waited and those who talked are told that it is over.
fn expect_goodbyes(callers: &Sipp, killed: f64) {
    for call_id in answered_before(callers, killed).keys() {
        callers.wait_for(&format!("a BYE for {call_id}"), SOON, |message| {
            message.is_received("BYE ") && message.header("Call-ID") == Some(call_id)
        });
    }
}

fn expect_agents_at_work(sue: &Api) {
    for agent in sue.list("/agents") {
        if !agent["extension"].is_null() {
            assert_eq!(agent["state"], "available", "{agent:#}");
        }
    }
}

/// The phone rings and talks before it has had a reason to register again.
fn expect_reachable(place: &Place, phone: &mut Baresip, ear: &FarEnd, round: usize) {
    let registered = phone.events_of("REGISTER_OK").len();
    let call = Scenario::caller(place, "caller_stays", "2001", "+31200").media(ear.address);
    let mut call = call.start(place);
    phone.wait_for_ring(round + 1, SOON);
    phone.answer();
    phone.wait_for("CALL_ESTABLISHED", round + 1, SOON);
    phone.hang_up();
    call.succeeds(SOON);
    assert_eq!(
        phone.events_of("REGISTER_OK").len(),
        registered,
        "it has registered again"
    );
}

/// Callers whose INVITE the new daemon has answered. A call that was answered in the last moment before the end may be
/// known to nobody, and its caller to be waiting still.
fn end_the_rest(sue: &Api, callers: &Sipp, killed: f64) {
    eventually("the end of every call", SOON * 4, || {
        for call in sue.list("/calls") {
            let id = call["id"].as_str().unwrap();
            // It may be over already.
            let _ = sue.request(
                "POST",
                &format!("/api/v1/calls/{id}/hang-up"),
                Some(&json!({})),
            );
        }
        let messages = callers.messages();
        let ids = |is_it: &dyn Fn(&Traced) -> bool| {
            let found = messages.iter().filter(|message| is_it(message));
            found
                .map(|message| message.header("Call-ID").unwrap().to_owned())
                .collect::<BTreeSet<_>>()
        };
        let began = ids(&|message| message.is_sent && message.text.starts_with("INVITE "));
        let over = ids(&|message| message.is_received("BYE "));
        let perhaps_lost = ids(&|message| {
            message.is_answer(200) && (killed - NOT_YET_KEPT_S..killed).contains(&message.at)
        });
        (began.len() == CALLS as usize
            && began.difference(&over).all(|id| perhaps_lost.contains(id)))
        .then_some(())
    });
}

fn expect_on_record(sue: &Api, callers: &Sipp, killed: f64) {
    let expected = answered_before(callers, killed);
    let records = eventually("every call on record", SOON, || {
        let records = sue.list("/history?limit=200");
        let known = |number: &String| {
            records
                .iter()
                .any(|record| record["caller"] == number.as_str())
        };
        expected.values().all(known).then_some(records)
    });
    let ids: BTreeSet<&str> = records
        .iter()
        .map(|record| record["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), records.len(), "a call stands there twice");
    for number in expected.values() {
        let found: Vec<&Value> = records
            .iter()
            .filter(|record| record["caller"] == number.as_str())
            .collect();
        assert_eq!(found.len(), 1, "{number}: {found:#?}");
        assert_eq!(found[0]["status"], "interrupted", "{:#}", found[0]);
        assert!(second_of_day(&found[0]["started"]) < killed);
    }
}
