//! What several tests look at in the same way.

use std::time::{Duration, Instant};

use e2e::{Api, Daemon, Sound, eventually};
use serde_json::Value;

/// The caller's voice.
pub(crate) const CALLER_HZ: u32 = 1_000;
/// The attendant's.
pub(crate) const ATTENDANT_HZ: u32 = 440;
/// The time that things have that take none to speak of.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// Of a time in RFC 3339.
pub(crate) fn second_of_day(time: &Value) -> f64 {
    let time = time.as_str().unwrap();
    let clock = time.split('T').nth(1).unwrap().trim_end_matches('Z');
    clock
        .split(':')
        .fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
}

/// The only call on record.
pub(crate) fn the_call(api: &Api) -> Value {
    let calls = eventually("the call on record", SOON, || {
        Some(api.list("/history")).filter(|calls| !calls.is_empty())
    });
    assert_eq!(calls.len(), 1, "{calls:#?}");
    calls.into_iter().next().unwrap()
}

pub(crate) fn await_reachable(api: &Api, username: &str) {
    eventually("the phone is reachable", SOON, || {
        (api.read(&format!("/agents/{username}"))["device"] == "reachable").then_some(())
    });
}

pub(crate) fn assert_music(sound: &Sound) {
    assert!(
        sound.seconds() > 2.0,
        "only {} s of music came",
        sound.seconds()
    );
    assert!(
        sound.loudness() > 100.0,
        "music of loudness {}",
        sound.loudness()
    );
    for hz in [CALLER_HZ, ATTENDANT_HZ] {
        assert!(
            sound.share_of(hz) < 0.5,
            "that is no music but a tone of {hz} Hz"
        );
    }
}

pub(crate) fn assert_tone(who: &str, sound: &Sound, theirs: u32, own: u32) {
    assert!(sound.seconds() > 0.8, "{who} only {} s", sound.seconds());
    let (theirs, own) = (sound.share_of(theirs), sound.share_of(own));
    assert!(
        theirs > 0.9 && own < 0.01,
        "{who} {theirs} of the other's voice, {own} of their own"
    );
}

/// Calls that are over, newest first, once there are so many.
pub(crate) fn history(api: &Api, count: usize) -> Vec<Value> {
    eventually("the calls on record", SOON, || {
        Some(api.list("/history")).filter(|calls| calls.len() >= count)
    })
}

/// The alerts of a call that is over: who, and how it ended.
pub(crate) fn alerts(api: &Api, call: &Value) -> Vec<(String, String)> {
    let id = call["id"].as_str().unwrap();
    let detail = api.read(&format!("/history/{id}"));
    let text = |alert: &Value, field: &str| alert[field].as_str().unwrap_or_default().to_owned();
    let alerts = detail["alerts"].as_array().unwrap();
    alerts
        .iter()
        .map(|alert| (text(alert, "agent"), text(alert, "end")))
        .collect()
}

/// The record of the call from this number.
pub(crate) fn call_of<'a>(calls: &'a [Value], caller: &str) -> &'a Value {
    let found: Vec<&Value> = calls
        .iter()
        .filter(|call| call["caller"] == caller)
        .collect();
    assert_eq!(found.len(), 1, "records of {caller}: {calls:#?}");
    found[0]
}

/// Figures of the daemon that must be again what they were.
pub(crate) struct Balance {
    before: Vec<(&'static str, f64)>,
    descriptors: f64,
}

impl Balance {
    /// Open files that the store and the runtime may keep for the next time.
    const DESCRIPTORS_MORE: f64 = 4.0;

    pub(crate) fn of(daemon: &Daemon, names: &[&'static str]) -> Self {
        let before = names
            .iter()
            .map(|name| (*name, daemon.metric(name)))
            .collect();
        Self {
            before,
            descriptors: descriptors(daemon),
        }
    }

    /// Waits until all is as it was.
    pub(crate) fn is_restored(&self, daemon: &Daemon, at_most: Duration) {
        let end = Instant::now() + at_most;
        loop {
            let now = self
                .before
                .iter()
                .map(|(name, before)| (*name, *before, daemon.metric(name)));
            let differing: Vec<_> = now.filter(|(_, before, now)| before != now).collect();
            if differing.is_empty() {
                break;
            }
            assert!(
                Instant::now() < end,
                "after {at_most:?}, figures with what they were and are: {differing:?}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        let now = descriptors(daemon);
        assert!(
            now <= self.descriptors + Self::DESCRIPTORS_MORE,
            "{now} descriptors, before {}",
            self.descriptors
        );
    }
}

/// Open files without the sockets of free ports, which are stocked anew only when few are left: what a port that is never
/// given back would add to.
fn descriptors(daemon: &Daemon) -> f64 {
    daemon.metric("process_open_fds") - 2.0 * daemon.metric("ports_in_stock")
}
