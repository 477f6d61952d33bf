//! What is kept so that decisions can be explained: the record of each alert, a call's events, and the way back to a decision.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::Arc;

use common::{Home, START_US, Scribe, id, written};
use engine::event::{Cause, Choice, Claim, Event, Strategy, Team};
use engine::journal::{Body, Entry};
use store::StoreError;

const DAY_US: i64 = 24 * 3_600_000_000;

fn choice() -> Choice {
    let claim = |agent: &str, idle_since_us| Claim {
        agent: agent.into(),
        merit: 3,
        idle_since_us,
    };
    Choice {
        cause: Cause::Chosen,
        strategy: Strategy::FewestCalls,
        chosen: claim("alice", 5),
        runner_up: Some(claim("bob", 9)),
        next: Some(id(1, 8)),
        waiting: 4,
        team: Team {
            free: 2,
            busy: 7,
            ..Team::default()
        },
    }
}

/// Two calls at the same time, the first with the record of its alert.
fn two_calls(scribe: &mut Scribe) -> Vec<Entry> {
    let first = scribe.call(1, "alice");
    let second = scribe.call(2, "bob");
    let mut entries: Vec<_> = first
        .into_iter()
        .zip(second)
        .flat_map(|(one, other)| [one, other])
        .collect();
    for (seq, entry) in (1..).zip(&mut entries) {
        entry.seq = seq;
        if let Body::Event(event) = &mut entry.body
            && let Event::AlertStarted {
                call, choice: kept, ..
            } = Arc::make_mut(event)
            && *call == id(1, 1)
        {
            *kept = Some(choice());
        }
    }
    entries
}

#[tokio::test]
async fn an_alert_keeps_why_it_began_and_where_that_stands() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let entries = two_calls(&mut scribe);
    let is_alert = |entry: &&Entry| {
        let event = |event: &Arc<Event>| matches!(**event, Event::AlertStarted { .. });
        matches!(&entry.body, Body::Event(it) if event(it))
    };
    let begun = entries.iter().find(is_alert).unwrap().seq;
    written(&home, entries).await;
    let store = home.open().await;
    let with = store.history().call(id(1, 1)).await.unwrap().unwrap();
    assert_eq!(with.alerts[0].choice, Some(choice()));
    assert_eq!(with.alerts[0].seq, Some(begun));
    let without = store.history().call(id(1, 2)).await.unwrap().unwrap();
    assert_eq!(without.alerts[0].choice, None);
    assert_eq!(without.alerts[0].seq, Some(begun + 1));
    assert_eq!(
        (with.call.began_seq, without.call.began_seq),
        (Some(1), Some(2))
    );
}

#[tokio::test]
async fn an_alert_of_an_earlier_program_has_no_record() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    written(&home, two_calls(&mut scribe)).await;
    let earlier = "UPDATE alerts SET choice = NULL, seq = NULL";
    home.meddle(&home.database(), earlier).await;
    let earlier = "UPDATE calls SET began_seq = NULL, ended_seq = NULL";
    home.meddle(&home.database(), earlier).await;
    let store = home.open().await;
    let detail = store.history().call(id(1, 1)).await.unwrap().unwrap();
    let alert = &detail.alerts[0];
    assert_eq!((&alert.choice, alert.seq), (&None, None));
    assert_eq!((detail.call.began_seq, detail.call.ended_seq), (None, None));
}

#[tokio::test]
async fn the_events_of_a_call_are_found_among_all_others() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let entries = two_calls(&mut scribe);
    let expected: Vec<_> = entries.iter().step_by(2).map(|entry| entry.seq).collect();
    written(&home, entries).await;
    let store = home.open().await;
    let call = store.history().call(id(1, 1)).await.unwrap().unwrap().call;
    let span = (call.began_seq.unwrap(), call.ended_seq);
    let found = store.events().of_call(call.id, span, 100).await.unwrap();
    let seqs: Vec<_> = found.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, expected);
    let some = store.events().of_call(call.id, span, 3).await.unwrap();
    assert_eq!(some.len(), 3);
    let none = store.events().of_call(id(1, 9), span, 100).await.unwrap();
    assert_eq!(none, []);
}

#[tokio::test]
async fn a_decision_is_rebuilt_from_the_checkpoint_before_it() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let mut entries = vec![scribe.entry(Body::Checkpoint(vec![1]))];
    entries.extend(scribe.call(1, "alice"));
    let alert = entries.last().unwrap().seq;
    entries.push(scribe.entry(Body::Checkpoint(vec![2])));
    written(&home, entries).await;
    let store = home.open().await;
    let mut reader = store.events().rebuild(alert).await.unwrap();
    let read = reader.next_batch().await.unwrap();
    assert_eq!(
        (read[0].seq, &read[0].body),
        (1, &Body::Checkpoint(vec![1]))
    );
    assert!(read.iter().any(|entry| entry.seq == alert));
    let later = store.events().rebuild(alert + 2).await;
    let later = later.unwrap().next_batch().await.unwrap();
    assert_eq!(later[0].body, Body::Checkpoint(vec![2]));
}

#[tokio::test]
async fn what_was_pruned_is_said_to_be_gone() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let mut entries = scribe.call(1, "alice");
    scribe.utc_us = START_US + 8 * DAY_US;
    entries.push(scribe.entry(Body::Checkpoint(vec![1])));
    entries.extend(scribe.call(2, "bob"));
    written(&home, entries).await;
    let store = home.open().await;
    store.maintain(START_US + 10 * DAY_US, 400).await.unwrap();
    let call = store.history().call(id(1, 1)).await.unwrap().unwrap().call;
    let span = (call.began_seq.unwrap(), call.ended_seq);
    let events = store.events().of_call(call.id, span, 100).await;
    assert!(
        matches!(events, Err(StoreError::Expired { .. })),
        "{events:?}"
    );
    let rebuilt = store.events().rebuild(5).await;
    assert!(
        matches!(rebuilt, Err(StoreError::Expired { .. })),
        "{rebuilt:?}"
    );
}
