//! The journal: durable, in order, read back whole.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::sync::Arc;

use common::{Home, PATIENCE, START_US, Scribe, call_events, restart, write, written};
use engine::Event;
use engine::command::OverrideState;
use engine::journal::{BindingKey, BindingRecord, Body, DialogRecord, NameRecord, OverrideRecord};
use engine::{CallId, LegId};
use store::{Limits, Pressure, StoreError, StoredEvent};

/// One of each kind, and one of a later program.
fn every_kind() -> Vec<Body> {
    let key = BindingKey {
        aor: "1001".into(),
        contact: "sip:1001@127.0.0.1:5070".into(),
    };
    let dialog = DialogRecord {
        call: CallId(1),
        leg: LegId(2),
        call_id: "a@b".into(),
        local_tag: "l".into(),
        remote_tag: "r".into(),
        local_cseq: 7,
        local_uri: "sip:2000@lampfield.local".into(),
        remote_uri: "sip:+3120@pbx".into(),
        remote_target: "sip:127.0.0.1:5080".into(),
        route_set: vec!["<sip:proxy;lr>".into()],
        transport: "udp".into(),
        local: "127.0.0.1:5060".into(),
        remote: "127.0.0.1:5080".into(),
    };
    let binding = BindingRecord {
        key: key.clone(),
        expires_us: START_US,
        call_id: "c@d".into(),
        cseq: 3,
        transport: "udp".into(),
        local: "127.0.0.1:5060".into(),
        remote: "127.0.0.1:5070".into(),
        ua: Some("phone".into()),
        nat: true,
    };
    let state = Some(OverrideState::Closed);
    vec![
        Body::Started {
            version: "0.1.0".into(),
        },
        Body::Acd(vec![1, 2, 3]),
        Body::Event(Arc::new(Event::CallAnswered { call: CallId(1) })),
        Body::Dialog(Box::new(dialog)),
        Body::DialogGone(LegId(2)),
        Body::Binding(binding),
        Body::BindingGone(key),
        Body::Override(OverrideRecord {
            queue: "support".into(),
            state,
            until_us: None,
            by: "sven".into(),
            until_next_change: false,
        }),
        Body::Name(NameRecord {
            is_queue: true,
            id: 1,
            name: "support".into(),
        }),
        Body::Unknown {
            kind: 60_000,
            bytes: vec![0xff, 0x00],
        },
    ]
}

#[tokio::test]
async fn every_kind_reads_back_and_unknown_kinds_survive() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let entries: Vec<_> = every_kind()
        .into_iter()
        .map(|body| scribe.entry(body))
        .collect();
    written(&home, entries.clone()).await;
    let store = home.open().await;
    assert_eq!(restart(&store).await, entries);
    assert_eq!(store.last_seq().await.unwrap(), scribe.seq);
}

#[tokio::test]
async fn what_is_durable_is_seen_by_another_process() {
    let home = Home::new();
    let store = home.open().await;
    let mut writer = store.start(Limits::default()).await.unwrap();
    let mut scribe = Scribe::new();
    for round in 1..=3 {
        write(
            &mut writer,
            (0..500).map(|_| scribe.acd(100)).collect::<Vec<_>>(),
        )
        .await;
        assert_eq!(writer.health().durable_seq(), round * 500);
        let rows = home
            .look(&home.journal(), "SELECT COUNT(*) FROM journal")
            .await;
        assert_eq!(rows, i64::try_from(round * 500).unwrap());
    }
    let mode = home
        .look(
            &home.journal(),
            "SELECT journal_mode = 'wal' FROM pragma_journal_mode",
        )
        .await;
    assert_eq!(mode, 1);
}

#[tokio::test]
async fn entries_gather_into_few_commits() {
    let home = Home::new();
    let store = home.open().await;
    let mut writer = store.start(Limits::default()).await.unwrap();
    let mut scribe = Scribe::new();
    write(
        &mut writer,
        (0..20_000).map(|_| scribe.acd(60)).collect::<Vec<_>>(),
    )
    .await;
    let figures = writer.health().figures();
    assert!(
        figures.commits <= 200,
        "20,000 entries took {} commits",
        figures.commits
    );
    assert_eq!(
        (figures.appended_seq, figures.durable_seq, figures.lost),
        (20_000, 20_000, 0)
    );
    writer.close().unwrap();
}

#[tokio::test]
async fn a_lone_entry_becomes_durable_without_anybody_waiting_for_it() {
    let home = Home::new();
    let store = home.open().await;
    let mut writer = store.start(Limits::default()).await.unwrap();
    let health = writer.health();
    writer.append(Scribe::new().acd(10));
    let by_itself = async {
        // Asks, and does not make the writer hurry.
        while health.durable_seq() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, by_itself)
        .await
        .expect("it is written by itself");
}

#[tokio::test]
async fn a_restart_reads_from_the_last_checkpoint_on() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let mut entries: Vec<_> = (0..3_000).map(|_| scribe.acd(10)).collect();
    entries.push(scribe.entry(Body::Checkpoint(vec![1])));
    entries.extend((0..1_500).map(|_| scribe.acd(10)));
    entries.push(scribe.entry(Body::Checkpoint(vec![2; 100_000])));
    entries.extend((0..2_500).map(|_| scribe.acd(10)));
    written(&home, entries.clone()).await;
    let store = home.open().await;
    let read = restart(&store).await;
    assert_eq!(read.len(), 2_501, "more than one batch");
    assert_eq!(read, entries[4_501..]);
    assert!(store.restart().await.unwrap().gaps().is_empty());
}

#[tokio::test]
async fn each_start_is_another_incarnation() {
    let home = Home::new();
    for expected in 1..=3 {
        let store = home.open().await;
        assert_eq!(store.next_incarnation().await.unwrap(), expected);
        store.close().await;
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_does_not_keep_the_centre_from_starting() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let entries: Vec<_> = call_events(1, 1, "alice")
        .into_iter()
        .map(|event| scribe.event(event))
        .collect();
    written(&home, entries.clone()).await;
    home.meddle(
        &home.journal(),
        "UPDATE journal SET body = x'ff00' WHERE seq = 3",
    )
    .await;
    let store = home.open().await;
    let read = restart(&store).await;
    assert_eq!(
        read[2].body,
        Body::Unknown {
            kind: 3,
            bytes: vec![0xff, 0]
        }
    );
    assert_eq!((&read[..2], &read[3..]), (&entries[..2], &entries[3..]));
}

#[tokio::test]
async fn the_event_stream_resumes_from_any_number() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let mut entries = Vec::new();
    for number in 1..=20 {
        entries.push(scribe.acd(10));
        entries.extend(scribe.call(number, "alice"));
        entries.push(scribe.entry(Body::Unknown {
            kind: 3,
            bytes: vec![0x82, 0x19, 0x0f, 0xa0, 0xa0],
        }));
    }
    written(&home, entries.clone()).await;
    let expected: Vec<_> = entries
        .iter()
        .filter_map(|entry| {
            let Body::Event(event) = &entry.body else {
                return None;
            };
            let event = Arc::clone(event);
            Some(StoredEvent {
                seq: entry.seq,
                utc_us: entry.stamp.utc_us,
                event,
            })
        })
        .collect();
    let store = home.open().await;
    let events = store.events();
    for (after, page) in [
        (0, 1),
        (0, 7),
        (30, 100),
        (scribe.seq - 3, 1),
        (scribe.seq, 5),
        (scribe.seq + 1_000, 5),
    ] {
        let mut read = Vec::new();
        let mut cursor = after;
        loop {
            let batch = events.since(cursor, page).await.unwrap();
            assert!(batch.len() <= page as usize);
            let Some(last) = batch.last() else { break };
            cursor = last.seq;
            read.extend(batch);
        }
        let wanted: Vec<_> = expected
            .iter()
            .filter(|event| event.seq > after)
            .cloned()
            .collect();
        assert_eq!(read, wanted, "after {after} by {page}");
    }
}

#[tokio::test]
async fn pruning_keeps_seven_days_and_what_a_restart_needs() {
    const DAY_US: i64 = 24 * 3_600 * 1_000_000;
    let home = Home::new();
    let mut scribe = Scribe::new();
    let mut entries: Vec<_> = (0..10)
        .flat_map(|number| scribe.call(number, "alice"))
        .collect();
    entries.push(scribe.entry(Body::Checkpoint(vec![1])));
    let checkpoint = scribe.seq;
    entries.push(scribe.acd(1));
    written(&home, entries).await;
    let store = home.open().await;
    let file = home.journal();
    let count = || home.look(&file, "SELECT COUNT(*) FROM journal");
    let last = i64::try_from(scribe.seq).unwrap();

    store
        .maintain(scribe.utc_us + 6 * DAY_US, 400)
        .await
        .unwrap();
    assert_eq!(count().await, last, "young enough");
    assert!(store.events().since(0, 1).await.is_ok());

    let pruned = store
        .maintain(scribe.utc_us + 30 * DAY_US, 400)
        .await
        .unwrap();
    assert_eq!(pruned.entries, checkpoint - 1);
    assert_eq!(
        count().await,
        2,
        "the checkpoint and what follows stay, however old"
    );
    let refused = store.events().since(3, 1).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Expired { pruned_to } if pruned_to == checkpoint - 1),
        "{refused}"
    );
    assert!(store.events().since(checkpoint - 1, 1).await.is_ok());
    assert_eq!(store.last_seq().await.unwrap(), scribe.seq);
}

#[tokio::test]
async fn pruning_waits_for_the_read_models() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let mut entries = scribe.call(1, "alice");
    entries.push(scribe.entry(Body::Checkpoint(vec![1])));
    written(&home, entries).await;
    home.meddle(&home.database(), "UPDATE projections SET last_seq = 5")
        .await;
    let store = home.open().await;
    let pruned = store.maintain(i64::MAX, 36_500_000).await.unwrap();
    assert_eq!(pruned.entries, 5);
}

#[tokio::test]
async fn numbers_go_on_after_a_journal_that_was_lost() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    written(&home, scribe.call(1, "alice")).await;
    for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let _ = std::fs::remove_file(home.path().join(file));
    }
    let store = home.open().await;
    assert_eq!(
        store.last_seq().await.unwrap(),
        scribe.seq,
        "history knows them still"
    );
    let mut writer = store.start(Limits::default()).await.unwrap();
    scribe.incarnation = 2;
    let second = scribe.call(1, "bob");
    write(&mut writer, second).await;
    writer.close().unwrap();
    assert_eq!(
        home.look(
            &home.database(),
            "SELECT COUNT(*) FROM calls WHERE ended_us IS NOT NULL"
        )
        .await,
        2
    );
}

#[tokio::test]
async fn there_is_one_writer_and_one_process() {
    let home = Home::new();
    let store = home.open().await;
    let writer = store.start(Limits::default()).await.unwrap();
    assert!(matches!(
        store.start(Limits::default()).await,
        Err(StoreError::Started)
    ));
    assert!(matches!(
        home.try_open().await,
        Err(StoreError::InUse { .. })
    ));
    store.close().await;
    assert!(
        matches!(home.try_open().await, Err(StoreError::InUse { .. })),
        "the writer still works"
    );
    assert_eq!(writer.health().pressure(), Pressure::Normal);
    writer.close().unwrap();
    assert!(home.try_open().await.is_ok());
}

#[tokio::test]
async fn waiting_for_what_never_comes_ends_with_the_writer() {
    let home = Home::new();
    let store = home.open().await;
    let writer = store.start(Limits::default()).await.unwrap();
    let health = writer.health();
    let waiting = tokio::spawn(async move {
        (
            health.wait_durable(10).await,
            health.wait_projected(10).await,
        )
    });
    tokio::task::yield_now().await;
    tokio::task::spawn_blocking(|| writer.close())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(waiting.await.unwrap(), (false, false));
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_refused() {
    let files = [
        (
            "journal.db",
            "INSERT INTO _sqlx_migrations VALUES (99, 'later', '2030-01-01', 1, x'00', 0)",
        ),
        (
            "lampfield.db",
            "INSERT INTO _sqlx_migrations VALUES (99, 'later', '2030-01-01', 1, x'00', 0)",
        ),
    ];
    for (file, sql) in files {
        let home = Home::new();
        home.open().await.close().await;
        home.meddle(&home.path().join(file), sql).await;
        let refused = home.try_open().await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Newer { found: 99, .. }),
            "{file}: {refused}"
        );
        assert!(refused.to_string().contains(file), "{refused}");
    }
}

#[tokio::test]
async fn a_number_that_is_given_twice_is_counted_as_lost() {
    let home = Home::new();
    let first = Scribe::new().acd(10);
    written(&home, vec![first.clone()]).await;
    let store = home.open().await;
    let mut writer = store.start(Limits::default()).await.unwrap();
    let mut scribe = Scribe::new();
    write(&mut writer, [scribe.acd(20), scribe.acd(30)]).await;
    assert_eq!(writer.health().figures().lost, 1);
    assert_eq!(
        restart(&store).await[0],
        first,
        "what was written is not changed"
    );
}
