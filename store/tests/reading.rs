//! A journal read by somebody who is not the daemon.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Home, START_US, Scribe, write, written};
use engine::journal::{Body, Entry};
use store::{Beginning, JournalReader, Limits, StoreError};

async fn read_from(reader: &mut JournalReader, seq: u64) -> Vec<Entry> {
    reader.seek(seq);
    let mut entries = Vec::new();
    loop {
        let batch = reader.next_batch().await.unwrap();
        if batch.is_empty() {
            return entries;
        }
        entries.extend(batch);
    }
}

#[tokio::test]
async fn it_is_read_whole_by_its_directory_or_file_while_it_is_written() {
    let home = Home::new();
    let store = home.open().await;
    let mut writer = store.start(Limits::default()).await.unwrap();
    let mut scribe = Scribe::new();
    let entries: Vec<_> = (0..2_500).map(|_| scribe.acd(10)).collect();
    write(&mut writer, entries.clone()).await;
    for path in [home.path().to_owned(), home.journal()] {
        let mut reader = JournalReader::open(&path).await.unwrap();
        assert_eq!(reader.beginning(None).await.unwrap(), Beginning::At(1));
        assert_eq!(read_from(&mut reader, 1).await, entries);
        assert_eq!(read_from(&mut reader, 2_400).await, entries[2_399..]);
    }
}

#[tokio::test]
async fn it_begins_at_a_checkpoint_that_is_old_enough_or_at_its_own_beginning() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let mut entries = vec![scribe.acd(1)];
    entries.push(scribe.entry(Body::Checkpoint(vec![1])));
    entries.push(scribe.acd(1));
    entries.push(scribe.entry(Body::Checkpoint(vec![2])));
    let times: Vec<i64> = entries.iter().map(|entry| entry.stamp.utc_us).collect();
    written(&home, entries).await;
    let reader = JournalReader::open(home.path()).await.unwrap();
    for (from_us, expected) in [
        (None, Beginning::At(1)),
        (Some(times[3]), Beginning::At(4)),
        (Some(times[3] - 1), Beginning::At(2)),
        (Some(START_US - 1_000_000_000), Beginning::At(1)),
    ] {
        assert_eq!(
            reader.beginning(from_us).await.unwrap(),
            expected,
            "{from_us:?}"
        );
    }
    home.meddle(&home.journal(), "DELETE FROM journal WHERE seq = 1")
        .await;
    assert_eq!(reader.beginning(None).await.unwrap(), Beginning::At(2));
    let early = reader.beginning(Some(START_US - 1_000_000_000)).await;
    assert_eq!(early.unwrap(), Beginning::NoCheckpoint);
    home.meddle(&home.journal(), "DELETE FROM journal").await;
    assert_eq!(reader.beginning(None).await.unwrap(), Beginning::Empty);
}

#[tokio::test]
async fn what_is_no_journal_is_refused_and_left_as_it_is() {
    let home = Home::new();
    let missing = JournalReader::open(&home.path().join("nowhere")).await;
    assert!(
        matches!(missing, Err(StoreError::File { .. })),
        "{missing:?}"
    );
    let text = home.path().join("text");
    std::fs::write(
        &text,
        "this is no database, but long enough to look like one",
    )
    .unwrap();
    let refused = JournalReader::open(&text).await.unwrap_err();
    assert!(
        refused.to_string().contains("is no journal of lampfield"),
        "{refused}"
    );
    home.open().await.close().await;
    let refused = JournalReader::open(&home.database()).await.unwrap_err();
    assert!(matches!(refused, StoreError::NoJournal { .. }), "{refused}");
    home.meddle(
        &home.journal(),
        "UPDATE _sqlx_migrations SET version = 99 WHERE version = 1",
    )
    .await;
    let refused = JournalReader::open(home.path()).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Newer { found: 99, .. }),
        "{refused}"
    );
}
