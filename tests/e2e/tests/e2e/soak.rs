//! Shown by 8: calls for minutes, and nothing left of them. A sample of it in every run; with `LAMPFIELD_LONG=1` all of it.

use std::time::{Duration, Instant};

use e2e::centre::{pbx_attendant, queue, supervisor, trunk};
use e2e::{Daemon, Place, Scenario, Sound, eventually};

use crate::common::{Balance, SOON};

struct Load {
    agents: u32,
    calls_per_second: u32,
    seconds: u32,
    /// How much more memory the second half may take.
    growth_max: Option<f64>,
}

const SAMPLE: Load = Load {
    agents: 40,
    calls_per_second: 10,
    seconds: 10,
    growth_max: None,
};
const WHOLE: Load = Load {
    agents: 100,
    calls_per_second: 20,
    seconds: 180,
    growth_max: Some(0.03),
};
const TALK: Duration = Duration::from_secs(2);
/// Transactions end 32 s after their last message; ports rest for 30 s at most.
const ALL_OVER: Duration = Duration::from_secs(70);
const FIGURES: &[&str] = &[
    "calls",
    "legs",
    "dialogs",
    "transactions",
    "timers",
    "media_legs_open",
    "net_connections",
];

#[test]
fn e2e_soak_no_call_fails_and_nothing_is_left_of_them() {
    let load = if crate::is_long() { WHOLE } else { SAMPLE };
    let place = Place::take();
    let agents = (0..load.agents)
        .map(|agent| pbx_attendant(&format!("agent{agent}"), &format!("3{agent:03}"), "support"));
    let centre = trunk("carrier", place.carrier(), &[])
        + &trunk("pbx", place.pbx(), &["3*"])
        + &queue("support", "2000", "")
        + &supervisor("sue")
        + &agents.collect::<String>();
    let daemon = Daemon::start_with(&place, &centre, |settings| {
        settings.log_level = "info".into();
        settings.media_ports = "10000-11999".into();
    });
    for agent in 0..load.agents {
        daemon.login(&format!("agent{agent}"));
    }
    let balance = Balance::of(&daemon, FIGURES);
    let tone = Sound::tone(1_000, 1)
        .0
        .into_iter()
        .map(media::g711::encode_mulaw)
        .collect::<Vec<u8>>();
    std::fs::write(place.directory().join("tone.ulaw"), tone).unwrap();

    let calls = load.calls_per_second * load.seconds;
    let mut phones = Scenario::pbx_phone(&place, "phones_echo")
        .calls(calls)
        .with(&["-rtp_echo"])
        .start(&place);
    let callers = Scenario::caller(&place, "callers_talk", "2000", "+49")
        .calls(calls)
        .rate(load.calls_per_second);
    let mut callers = callers.pause(TALK).with(&["-mp", "20000"]).start(&place);
    let began = Instant::now();
    let memory_at = |second: u32| {
        std::thread::sleep(Duration::from_secs(second.into()).saturating_sub(began.elapsed()));
        daemon.metric("process_resident_memory_bytes")
    };
    let (half, whole) = (memory_at(load.seconds / 2), memory_at(load.seconds));
    callers.succeeds(SOON * 4);
    phones.succeeds(SOON * 4);

    let (relayed, growth) = (daemon.metric("media_packets_relayed"), whole / half - 1.0);
    eprintln!(
        "{calls} calls, {relayed} packets relayed, memory {half} then {whole} bytes: {:+.2} %",
        growth * 100.0
    );
    assert!(
        load.growth_max.is_none_or(|most| growth <= most),
        "memory grew by {growth}"
    );
    // Two seconds of talk, half of them at least heard by each side.
    assert!(
        relayed > f64::from(calls) * 100.0,
        "only {relayed} packets were relayed"
    );
    let records = eventually("every call on record", SOON, || {
        let count = daemon.metric("journal_projected_seq") >= daemon.metric("journal_durable_seq");
        count.then(|| count_answered(&daemon))
    });
    assert_eq!(records, calls as usize);
    balance.is_restored(&daemon, ALL_OVER);
}

/// Pages through the history.
fn count_answered(daemon: &Daemon) -> usize {
    let sue = daemon.login("sue");
    let (mut answered, mut path) = (0, "/history?limit=200".to_owned());
    loop {
        let page = sue.read(&path);
        let items = page["items"].as_array().unwrap();
        answered += items
            .iter()
            .filter(|call| call["status"] == "answered")
            .count();
        let Some(next) = page["next"].as_str() else {
            return answered;
        };
        path = format!("/history?limit=200&cursor={next}");
    }
}
