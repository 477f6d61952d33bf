//! What the engine says of itself at a start: alarms and checkpoints.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use config::{Centre, Settings, Snapshot};
use engine::event::Event;
use engine::journal::Body;
use engine::*;

struct Bench {
    engine: Engine,
    now: Now,
    out: Vec<Output>,
}

impl Bench {
    fn new() -> Self {
        Self::restarted(Restore::new())
    }

    fn restarted(restore: Restore) -> Self {
        let snapshot = Snapshot {
            version: 1,
            settings: Arc::new(Settings::default()),
            centre: Arc::new(Centre::default()),
        };
        let now = Now {
            mono: Duration::from_secs(1_800_000_000),
            utc_us: 1_800_000_000_000_000,
        };
        let setup = Setup {
            node: 1,
            incarnation: 1,
            version: "test".into(),
            snapshot: Arc::new(snapshot),
            vips: BTreeMap::new(),
            listen: Vec::new(),
            seeds: Seeds {
                ids: [1; 32],
                secrets: [2; 32],
            },
            nonce_key: [3; 32],
            clips: BTreeMap::new(),
        };
        let mut bench = Self {
            engine: Engine::new(now, setup, restore),
            now,
            out: Vec::new(),
        };
        bench.drain();
        bench
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            self.out.push(output);
        }
    }

    fn input(&mut self, input: Input) {
        self.engine.handle_input(self.now, input);
        self.drain();
    }
}

fn journalled(bench: &mut Bench) -> Vec<Body> {
    let all = std::mem::take(&mut bench.out);
    let body = |output| match output {
        Output::Journal(entry) => Some(entry.body),
        Output::Transmit(_)
        | Output::Media { .. }
        | Output::Publish { .. }
        | Output::Reply(_)
        | Output::Lookup { .. }
        | Output::LegTraced { .. }
        | Output::LegUntraced { .. }
        | Output::Offended { .. } => None,
    };
    all.into_iter().filter_map(body).collect()
}

/// The alarms that were raised and cleared, in order.
fn alarms(bodies: &[Body]) -> Vec<(&str, bool)> {
    bodies.iter().filter_map(alarm).collect()
}

fn alarm(body: &Body) -> Option<(&str, bool)> {
    let Body::Event(event) = body else {
        return None;
    };
    if let Event::AlarmRaised { alarm, .. } = &**event {
        Some((alarm, true))
    } else if let Event::AlarmCleared { alarm } = &**event {
        Some((alarm, false))
    } else {
        None
    }
}

#[test]
fn a_gap_in_the_journal_is_an_alarm_until_the_next_regular_checkpoint() {
    assert_eq!(alarms(&journalled(&mut Bench::new())), []);

    let mut restore = Restore::new();
    restore.note_gap();
    let mut bench = Bench::restarted(restore);
    assert_eq!(alarms(&journalled(&mut bench)), [("journal-gap", true)]);

    bench.input(Input::CheckpointWanted);
    let bodies = journalled(&mut bench);
    assert!(matches!(bodies[..], [Body::Checkpoint(_)]), "{bodies:?}");

    bench.now.mono += Duration::from_secs(601);
    bench.engine.handle_timeout(bench.now);
    bench.drain();
    let bodies = journalled(&mut bench);
    assert_eq!(alarms(&bodies), [("journal-gap", false)]);
    assert!(
        bodies
            .iter()
            .any(|body| matches!(body, Body::Checkpoint(_)))
    );
}

/// Readers start with nothing, so an alarm that the journal knows must not keep the next one from being raised.
#[test]
fn what_alarmed_before_a_restart_is_over_after_it() {
    let mut restore = Restore::new();
    restore.note_gap();
    let mut first = Bench::restarted(restore);
    let mut again = Restore::new();
    for output in std::mem::take(&mut first.out) {
        if let Output::Journal(entry) = output {
            again.apply(&entry).expect("our own entry");
        }
    }
    again.note_gap();
    let bodies = journalled(&mut Bench::restarted(again));
    assert_eq!(
        alarms(&bodies),
        [("journal-gap", false), ("journal-gap", true)]
    );
}
