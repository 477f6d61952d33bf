//! I7 and I8: the journal of a day, played again, gives the same decisions and the same states.
//!
//! The days are those of the simulation's crowd: hundreds of people who do all they can, the daemon killed now and then.
//! `SIM_SEEDS` and `SIM_CALLS` make it shorter or longer; `make soak` plays 20,000 calls.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks at the events that concern it"
)]

use std::sync::Arc;

use engine::event::AlertEnd;
use engine::journal::{Body, Entry};
use engine::{Event, RULES_VERSION};
use replay::{Difference, Verified, Verifier};
use sim::crowd::{Run, Summary};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn day(seed: u64, calls: u64) -> (Summary, Vec<Entry>) {
    let trace = 0;
    Run { seed, calls, trace }.play_and_keep()
}

fn verify<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Verified, Difference> {
    let mut verifier = Verifier::default();
    for entry in entries {
        verifier.take(entry)?;
    }
    Ok(verifier.finish())
}

fn events(entries: &[Entry], is: impl Fn(&Event) -> bool) -> usize {
    let count = |entry: &&Entry| matches!(&entry.body, Body::Event(event) if is(event));
    entries.iter().filter(count).count()
}

#[test]
fn i8_days_with_crashes_are_identical_when_played_again() {
    let (mut starts, mut checkpoints) = (0, 0);
    for seed in 1..=number("SIM_SEEDS", 4) {
        let (summary, entries) = day(seed, number("SIM_CALLS", 1_000));
        let found = verify(&entries).unwrap_or_else(|difference| panic!("{seed}: {difference}"));
        assert_eq!(found.calls, summary.calls as u64);
        let alerts = events(&entries, |event| {
            matches!(event, Event::AlertStarted { .. })
        });
        assert_eq!(found.alerts, alerts as u64);
        assert!(found.alerts > summary.calls as u64 / 4, "{found:?}");
        assert_eq!(found.missing, []);
        assert!(found.other_rules.is_empty());
        starts += found.starts;
        checkpoints += found.checkpoints;
    }
    assert!(starts > number("SIM_SEEDS", 4), "nobody was killed");
    assert!(checkpoints > 0);
}

/// One day to spoil in several ways.
fn spoilt(spoil: impl Fn(&mut Entry) -> bool) -> Difference {
    let (_, mut entries) = day(7, 200);
    let found = entries.iter_mut().any(spoil);
    assert!(found, "there is nothing of the kind to spoil");
    verify(&entries).expect_err("it is not identical any more")
}

#[test]
fn an_alert_that_went_to_another_agent_is_a_difference() {
    let difference = spoilt(|entry| match &entry.body {
        Body::Event(event) => match event.as_ref() {
            Event::AlertStarted {
                alert, call, queue, ..
            } => {
                entry.body = Body::Event(Arc::new(Event::AlertStarted {
                    alert: *alert,
                    call: *call,
                    agent: "nobody".into(),
                    queue: queue.clone(),
                    picked_up: false,
                    choice: None,
                }));
                true
            }
            _ => false,
        },
        _ => false,
    });
    let text = difference.to_string();
    assert!(text.contains("agent: \"nobody\""), "{text}");
    assert!(difference.again.starts_with("AlertStarted"), "{text}");
    assert_eq!(difference.rules_version, RULES_VERSION);
}

#[test]
fn an_alert_that_ended_otherwise_is_a_difference() {
    let difference = spoilt(|entry| match &entry.body {
        Body::Event(event) => match event.as_ref() {
            Event::AlertEnded {
                alert,
                call,
                agent,
                end: AlertEnd::Accepted,
                ..
            } => {
                entry.body = Body::Event(Arc::new(Event::AlertEnded {
                    alert: *alert,
                    call: *call,
                    agent: agent.clone(),
                    end: AlertEnd::Rejected,
                    sip_status: None,
                }));
                true
            }
            _ => false,
        },
        _ => false,
    });
    assert!(difference.again.contains("Accepted"), "{difference}");
}

#[test]
fn an_alert_that_the_journal_does_not_tell_of_is_a_difference() {
    let difference = spoilt(|entry| {
        let started = |body: &Body| matches!(body, Body::Event(event) if matches!(event.as_ref(), Event::AlertStarted { .. }));
        let found = started(&entry.body);
        if found {
            entry.body = Body::Unknown {
                kind: 999,
                bytes: Vec::new(),
            };
        }
        found
    });
    assert!(difference.again.contains("AlertStarted"), "{difference}");
}

#[test]
fn an_input_that_is_lost_without_a_word_shows_at_the_next_decision_or_checkpoint() {
    spoilt(|entry| {
        let arrives = |bytes| matches!(minicbor::decode(bytes), Ok(acd::Input::Enqueue(_)));
        let found = matches!(&entry.body, Body::Acd(bytes) if arrives(bytes));
        if found {
            entry.body = Body::Unknown {
                kind: 999,
                bytes: Vec::new(),
            };
        }
        found
    });
}

#[test]
fn what_is_missing_is_said_and_comparing_goes_on_at_the_next_checkpoint() {
    let is_checkpoint = |entry: &Entry| matches!(entry.body, Body::Checkpoint(_));
    // A daemon that is killed too often writes none.
    let (whole_day, last) = (1..=8)
        .find_map(|seed| {
            let (_, entries) = day(seed, 1_000);
            let last = entries.iter().rposition(is_checkpoint)?;
            Some((entries, last))
        })
        .expect("a day with a checkpoint");
    let whole = verify(&whole_day).expect("identical");
    let middle = last / 2;
    // Between turns, and in the middle of them.
    for first in middle..middle + 20 {
        let mut entries = whole_day.clone();
        entries.drain(first..first + 50);
        let found = verify(&entries).expect("what is there is identical");
        let [missing] = found.missing.as_slice() else {
            panic!("{:?}", found.missing)
        };
        assert_eq!(missing.last_seq - missing.first_seq, 49);
        assert!(missing.resumed_at.is_some());
        assert!(found.inputs < whole.inputs && found.checkpoints < whole.checkpoints);
    }
}

#[test]
fn a_journal_whose_beginning_is_pruned_is_played_from_its_first_checkpoint() {
    let is_checkpoint = |entry: &Entry| matches!(entry.body, Body::Checkpoint(_));
    // A daemon that is killed too often writes none.
    let (entries, first) = (1..=8)
        .find_map(|seed| {
            let (_, entries) = day(seed, 1_500);
            let all = (0..entries.len()).filter(|nth| is_checkpoint(&entries[*nth]));
            let [first, _] = all.take(2).collect::<Vec<_>>()[..] else {
                return None;
            };
            Some((entries, first))
        })
        .expect("a day with two");
    let found = verify(&entries[first..]).expect("identical");
    assert_eq!(found.missing, []);
    assert!(found.inputs > 0 && found.checkpoints > 0, "{found:?}");
}
