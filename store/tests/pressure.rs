//! What happens when the disk does not take what the calls make: `writer.rs` says it, and here it is shown.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::time::Duration;

use common::{Home, PATIENCE, Scribe, restart, write};
use engine::journal::{Body, Entry};
use store::{Gap, JournalHealth, JournalWriter, Limits, Pressure, Store, Trouble};

const QUEUE: usize = 100;

/// About 40 entries of this test's size.
const SPILL_BYTES: usize = 48_000;

const REFUSE: &str =
    "CREATE TRIGGER refuse BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'no space'); END";
const ALLOW: &str = "DROP TRIGGER refuse";

fn limits() -> Limits {
    Limits {
        queue: QUEUE,
        spill_bytes: SPILL_BYTES,
        ..Limits::default()
    }
}

/// A journal whose disk refuses everything, with one entry in the writer's hand that it cannot get rid of.
async fn stuck(
    home: &Home,
    scribe: &mut Scribe,
) -> (Store, JournalWriter, JournalHealth, Vec<Entry>) {
    let store = home.open().await;
    let mut writer = store.start(limits()).await.unwrap();
    home.meddle(&home.journal(), REFUSE).await;
    let health = writer.health();
    let mut entries = Vec::new();
    append(&mut writer, &mut entries, scribe.acd(1_000));
    until(|| health.figures().commit_errors > 0).await;
    (store, writer, health, entries)
}

fn append(writer: &mut JournalWriter, entries: &mut Vec<Entry>, entry: Entry) {
    entries.push(entry.clone());
    writer.append(entry);
}

/// Goes on looking; a test that hangs here has failed.
async fn until(holds: impl Fn() -> bool) {
    let look = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, look)
        .await
        .expect("it comes to hold");
}

#[tokio::test]
async fn a_full_queue_is_said_in_steps_and_nothing_blocks() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let (store, mut writer, health, mut entries) = stuck(&home, &mut scribe).await;
    assert_eq!(health.troubles(), [Trouble::CommitFails]);

    let mut reached = vec![health.pressure()];
    let mut at = Vec::new();
    for count in 2..400 {
        append(&mut writer, &mut entries, scribe.acd(1_000));
        if *reached.last().unwrap() != health.pressure() {
            reached.push(health.pressure());
            at.push(count);
        }
    }
    assert_eq!(
        reached,
        [
            Pressure::Normal,
            Pressure::HalfFull,
            Pressure::Spilling,
            Pressure::Gapped
        ]
    );
    // The entry in hand counts, and left its place in the queue to another.
    assert_eq!(at[..2], [QUEUE / 2, QUEUE + 2]);
    let figures = health.figures();
    assert!(
        figures.spilled_bytes <= SPILL_BYTES && figures.spilled_bytes > SPILL_BYTES / 2,
        "{figures:?}"
    );
    assert_eq!(
        figures.lost,
        399 - (QUEUE as u64 + 1) - figures.spilled as u64
    );
    assert_eq!(
        health.troubles(),
        [
            Trouble::Losing,
            Trouble::CommitFails,
            Trouble::CheckpointWanted
        ]
    );

    home.meddle(&home.journal(), ALLOW).await;
    until(|| health.durable_seq() == scribe.seq).await;
    assert_eq!(health.pressure(), Pressure::Normal);
    assert_eq!(health.troubles(), [Trouble::CheckpointWanted]);
    let kept = usize::try_from(scribe.seq - figures.lost).unwrap();
    assert_eq!(
        restart(&store).await,
        entries[..kept],
        "in order, without a hole before the gap"
    );
    let gap = Gap {
        first_seq: kept as u64 + 1,
        last_seq: scribe.seq,
        utc_us: scribe.utc_us,
    };
    assert_eq!(store.restart().await.unwrap().gaps(), [gap]);
    assert_eq!(
        store.last_seq().await.unwrap(),
        scribe.seq,
        "lost numbers are not given out again"
    );

    // A checkpoint makes it good.
    let checkpoint = scribe.entry(Body::Checkpoint(vec![1]));
    write(&mut writer, [checkpoint.clone()]).await;
    assert!(health.troubles().is_empty());
    assert!(store.restart().await.unwrap().gaps().is_empty());
    assert_eq!(restart(&store).await, [checkpoint]);
    writer.close().unwrap();
}

#[tokio::test]
async fn what_spilled_keeps_its_place() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let (store, mut writer, health, mut entries) = stuck(&home, &mut scribe).await;
    for _ in 0..QUEUE + 20 {
        append(&mut writer, &mut entries, scribe.acd(1_000));
    }
    assert_eq!(health.pressure(), Pressure::Spilling);
    home.meddle(&home.journal(), ALLOW).await;
    // Goes on while the spill is being taken.
    while health.durable_seq() < 100 {
        append(&mut writer, &mut entries, scribe.acd(10));
        tokio::task::yield_now().await;
        if health.pressure() >= Pressure::Spilling {
            tokio::time::timeout(PATIENCE, health.wait_durable(QUEUE as u64))
                .await
                .unwrap();
        }
    }
    writer.close().unwrap();
    assert_eq!(health.figures().lost, 0);
    assert_eq!(restart(&store).await, entries);
}

#[tokio::test]
async fn a_gap_is_remembered_over_a_restart_until_a_checkpoint() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let (store, mut writer, health, mut entries) = stuck(&home, &mut scribe).await;
    while health.pressure() < Pressure::Gapped {
        append(&mut writer, &mut entries, scribe.acd(1_000));
    }
    home.meddle(&home.journal(), ALLOW).await;
    writer.close().unwrap();
    store.close().await;
    let store = home.open().await;
    let writer = store.start(limits()).await.unwrap();
    assert_eq!(writer.health().troubles(), [Trouble::CheckpointWanted]);
    assert_eq!(store.restart().await.unwrap().gaps().len(), 1);
}

#[tokio::test]
async fn closing_on_a_dead_disk_gives_up_and_says_what_is_missing() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let (_store, writer, _, _) = stuck(&home, &mut scribe).await;
    let started = std::time::Instant::now();
    let missing = tokio::task::spawn_blocking(|| writer.close())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!((missing.appended_seq, missing.durable_seq), (1, 0));
    assert!(started.elapsed() < Duration::from_secs(20));
}
