//! Who gets whom: order, callers who give up, closed queues, attendants who do not answer and phones that vanish.

use std::thread::sleep;
use std::time::{Duration, Instant};

use e2e::centre::{attendant, pbx_attendant, queue, supervisor, trunk};
use e2e::{Baresip, Daemon, FarEnd, Place, Scenario, Sipp, Sound, never};
use serde_json::json;

use crate::common::{ATTENDANT_HZ, CALLER_HZ, SOON, alerts, await_reachable, call_of, history};

fn centre(place: &Place, support: &str, users: &str) -> String {
    trunk("carrier", place.carrier(), &[])
        + &trunk("pbx", place.pbx(), &["3*"])
        + &queue("support", "2000", support)
        + &supervisor("sue")
        + users
}

fn call(
    place: &Place,
    scenario: &'static str,
    caller: &str,
    ear: &FarEnd,
    stays: Duration,
) -> Sipp {
    let call = Scenario::caller(place, scenario, "2000", caller).media(ear.address);
    let call = call.pause(stays).start(place);
    call.wait_for_answer();
    call
}

/// Shown by 3.
#[test]
fn e2e_callers_are_served_in_order_and_one_who_gave_up_is_never_rung() {
    let place = Place::take();
    let daemon = Daemon::start(
        &place,
        &centre(&place, "", &attendant("alice", "1001", "support")),
    );
    let mut phone = Baresip::start(&place, "1001", ATTENDANT_HZ);
    let alice = daemon.login("alice");
    await_reachable(&alice, "alice");
    let ear = FarEnd::start(place.carrier(), CALLER_HZ);

    let stays = Duration::from_secs(60);
    let mut served = vec![("+491", call(&place, "caller_stays", "+491", &ear, stays))];
    phone.wait_for_ring(1, SOON);
    let mut gives_up = call(
        &place,
        "caller_hangs_up",
        "+492",
        &ear,
        Duration::from_millis(700),
    );
    for caller in ["+493", "+494"] {
        served.push((caller, call(&place, "caller_stays", caller, &ear, stays)));
    }
    phone.answer();
    phone.wait_for("CALL_ESTABLISHED", 1, SOON);
    gives_up.succeeds(SOON);
    sleep(Duration::from_millis(300));
    assert_eq!(phone.rings(), 1, "a busy attendant is rung");

    let mut rang = Vec::new();
    for turn in 1..=served.len() {
        rang.push(phone.wait_for_ring(turn, SOON).1);
        if turn > 1 {
            phone.answer();
            phone.wait_for("CALL_ESTABLISHED", turn, SOON);
            sleep(Duration::from_millis(200));
        }
        phone.hang_up();
        phone.wait_for("CALL_CLOSED", turn, SOON);
    }
    let sue = daemon.login("sue");
    assert_eq!(
        rang,
        ["+491", "+493", "+494"],
        "{:#?}",
        sue.list("/history")
    );
    for (_, call) in &mut served {
        call.succeeds(SOON);
    }
    never("it rings again", Duration::from_secs(1), || {
        phone.rings() > served.len()
    });
    let calls = history(&sue, 4);
    for (caller, _) in served {
        let call = call_of(&calls, caller);
        assert_eq!(
            (&call["status"], &call["agent"]),
            (&json!("answered"), &json!("alice")),
            "{call:#}"
        );
    }
    let abandoned = call_of(&calls, "+492");
    assert_eq!(
        (&abandoned["status"], &abandoned["ended_by"]),
        (&json!("abandoned"), &json!("caller"))
    );
    assert!(alerts(&sue, abandoned).is_empty(), "{abandoned:#}");
}

/// Shown by 3: what callers of a closed queue get.
#[test]
fn e2e_callers_of_a_closed_queue_hear_that_it_is_closed() {
    let place = Place::take();
    let fields = "when_closed = \"announcement:closed\"";
    let daemon = Daemon::start(
        &place,
        &centre(&place, fields, &pbx_attendant("alice", "3001", "support")),
    );
    let (sue, _alice) = (daemon.login("sue"), daemon.login("alice"));
    sue.act(
        "PUT",
        "/queues/support/override",
        &json!({"state": "closed"}),
    );
    let ear = FarEnd::start(place.carrier(), CALLER_HZ);
    let prompt = Sound::of_wav_bytes(media::assets::CLOSED.wav).in_pcmu();
    let began = Instant::now();
    let mut call = call(&place, "caller_stays", "+491", &ear, SOON);
    call.succeeds(Duration::from_secs_f64(prompt.seconds() + 5.0));
    let heard = ear.heard(began, Instant::now());
    assert!(
        heard.0.windows(prompt.0.len()).any(|part| part == prompt.0),
        "{} s of something else",
        heard.seconds()
    );
    let call = history(&sue, 1).remove(0);
    assert_eq!(call["status"], "closed", "{call:#}");
    assert!(alerts(&sue, &call).is_empty());

    sue.act("PUT", "/queues/support/override", &json!({"state": null}));
    let mut phone = Scenario::pbx_phone(&place, "phone_hangs_up")
        .media(ear.address)
        .pause(SOON / 50)
        .start(&place);
    let mut call = self::call(&place, "caller_stays", "+492", &ear, SOON);
    call.succeeds(SOON);
    phone.succeeds(SOON);
}

/// Shown by 4.
#[test]
fn e2e_unanswered_caller_goes_to_the_next_attendant_and_the_first_on_break() {
    let place = Place::take();
    let users = attendant("alice", "1001", "support") + &pbx_attendant("bob", "3001", "support");
    let daemon = Daemon::start(&place, &centre(&place, "ring_timeout = 2", &users));
    let phone = Baresip::start(&place, "1001", ATTENDANT_HZ);
    // Alice is idle for longer.
    let alice = daemon.login("alice");
    await_reachable(&alice, "alice");
    daemon.login("bob");
    let ear = FarEnd::start(place.carrier(), CALLER_HZ);
    let mut bobs = Scenario::pbx_phone(&place, "phone_hangs_up")
        .media(ear.address)
        .pause(SOON / 50)
        .start(&place);

    let mut call = call(&place, "caller_stays", "+491", &ear, SOON);
    phone.wait_for_ring(1, SOON);
    let rang = phone.wait_for_ring(1, SOON).0;
    let stopped = phone.wait_for("CALL_CLOSED", 1, SOON).at;
    let rung = (stopped - rang).as_secs_f64();
    assert!((1.9..2.3).contains(&rung), "it rang for {rung} s");
    bobs.succeeds(SOON);
    call.succeeds(SOON);
    let agent = alice.read("/agents/alice");
    assert_eq!(
        (&agent["state"], &agent["reason"]),
        (&json!("break"), &json!("no-answer")),
        "{agent:#}"
    );
    let sue = daemon.login("sue");
    let call = history(&sue, 1).remove(0);
    assert_eq!(call["agent"], "bob", "{call:#}");
    let expected = [("alice", "timed-out"), ("bob", "accepted")]
        .map(|(who, end)| (who.to_owned(), end.to_owned()));
    assert_eq!(alerts(&sue, &call), expected);
    assert_eq!(phone.rings(), 1);
}

/// Shown by 4: the program is gone, or only silent.
#[test]
fn e2e_caller_of_a_vanished_phone_rings_elsewhere_and_nobody_has_missed_him() {
    type Vanish = fn(&mut Baresip);
    for (name, vanish) in [
        ("killed", Baresip::kill9 as Vanish),
        ("silent", Baresip::freeze),
    ] {
        let place = Place::take();
        let users =
            attendant("alice", "1001", "support") + &pbx_attendant("bob", "3001", "support");
        let daemon = Daemon::start(&place, &centre(&place, "", &users));
        let mut phone = Baresip::start(&place, "1001", ATTENDANT_HZ);
        let alice = daemon.login("alice");
        await_reachable(&alice, "alice");
        daemon.login("bob");
        let ear = FarEnd::start(place.carrier(), CALLER_HZ);
        let mut bobs = Scenario::pbx_phone(&place, "phone_hangs_up")
            .media(ear.address)
            .pause(SOON / 50)
            .start(&place);

        vanish(&mut phone);
        let mut call = call(&place, "caller_stays", "+491", &ear, SOON);
        let waits_since = call.wait_for_answer().at;
        let rings = bobs
            .wait_for("an INVITE", SOON, |message| message.is_received("INVITE "))
            .at;
        assert!(
            rings - waits_since <= 3.5,
            "{name}: rings elsewhere after {} s",
            rings - waits_since
        );
        bobs.succeeds(SOON);
        call.succeeds(SOON);
        let agent = alice.read("/agents/alice");
        assert_eq!(agent["state"], "available", "{name}: {agent:#}");
        let sue = daemon.login("sue");
        let call = history(&sue, 1).remove(0);
        assert_eq!(call["agent"], "bob", "{name}: {call:#}");
        let ends = alerts(&sue, &call);
        assert_eq!(
            ends.iter().map(|(who, _)| who.as_str()).collect::<Vec<_>>(),
            ["alice", "bob"],
            "{name}"
        );
        assert_eq!(ends[0].1, "failed", "{name}");
    }
}
