//! Read models hold every call exactly once, whatever happens between the journal's commit and theirs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;

use common::{Home, PATIENCE, Scribe, id, write, written};
use engine::event::{EndResult, Event};
use engine::journal::Entry;
use store::{CallDetail, HistoryFilter, Limits, Store};

const CALLS: u32 = 40;

/// Calls that overlap: the events of all, round robin.
fn overlapping(scribe: &mut Scribe) -> Vec<Entry> {
    let calls: Vec<_> = (1..=CALLS)
        .map(|number| common::call_events(1, number, "alice"))
        .collect();
    let mut entries = Vec::new();
    for step in 0..calls[0].len() {
        for call in &calls {
            entries.push(scribe.event(call[step].clone()));
            entries.push(scribe.acd(20));
        }
    }
    entries
}

async fn history(store: &Store) -> Vec<CallDetail> {
    let page = store
        .history()
        .query(&HistoryFilter::default(), 1_000, None)
        .await
        .unwrap();
    let mut details = Vec::new();
    for call in page.items {
        details.push(store.history().call(call.id).await.unwrap().unwrap());
    }
    details
}

/// What the journal says, folded in one go.
async fn expected(entries: &[Entry]) -> Vec<CallDetail> {
    let home = Home::new();
    written(&home, entries.to_vec()).await;
    history(&home.open().await).await
}

#[tokio::test]
async fn mo_6_2_a_code_is_on_record_with_its_call_also_after_its_end_and_goes_with_it() {
    let home = Home::new();
    let store = home.open().await;
    let mut writer = store.start(Limits::default()).await.unwrap();
    let mut scribe = Scribe::new();
    let coded = |code: Option<&str>| Event::CallCoded {
        call: id(1, 1),
        agent: "alice".into(),
        category: code.map(|_| "outcome".into()),
        code: code.map(str::to_owned),
        text: code.map(|_| "twice".into()),
    };
    let mut call = scribe.call(1, "alice");
    let end = call.pop().unwrap();
    call.push(scribe.event(coded(Some("sold"))));
    write(&mut writer, call).await;
    writer.append(Entry {
        seq: scribe.acd(1).seq,
        ..end
    });
    let health = writer.health();
    for (code, expected) in [
        (None, None),
        (Some("lost"), Some("lost")),
        (Some("sold"), Some("sold")),
    ] {
        let entry = scribe.event(coded(code));
        let (seq, utc_us) = (entry.seq, entry.stamp.utc_us);
        writer.append(entry);
        assert!(health.wait_projected(seq).await);
        let detail = history(&store).await.pop().unwrap();
        let found = detail.call.coded;
        assert_eq!(found.as_ref().map(|it| it.code.as_str()), expected);
        if let Some(found) = found {
            assert_eq!((&*found.category, &*found.agent), ("outcome", "alice"));
            assert_eq!(
                (found.text.as_deref(), found.at_us),
                (Some("twice"), utc_us)
            );
        }
    }
    let days = 24 * 3_600 * 1_000_000;
    store
        .maintain(common::START_US + 500 * days, 1)
        .await
        .unwrap();
    assert_eq!(
        home.look(&home.database(), "SELECT count(*) FROM codes")
            .await,
        0
    );
    writer.close().unwrap();
}

fn copy_database(home: &Home, to: &std::path::Path) {
    fs::copy(home.database(), to).unwrap();
}

#[tokio::test]
async fn a_call_is_in_history_when_its_end_is_projected() {
    let home = Home::new();
    let store = home.open().await;
    let mut writer = store.start(Limits::default()).await.unwrap();
    let mut scribe = Scribe::new();
    let mut call = scribe.call(1, "alice");
    let end = call.pop().unwrap();
    write(&mut writer, call).await;
    let health = writer.health();
    assert!(health.wait_projected(end.seq - 1).await);
    assert!(history(&store).await.is_empty(), "not over");
    let open = store.history().call(id(1, 1)).await.unwrap().unwrap();
    assert_eq!(
        (open.call.ended_us, open.legs.len(), open.alerts.len()),
        (None, 2, 1)
    );
    writer.append(end.clone());
    tokio::time::timeout(PATIENCE, health.wait_projected(end.seq))
        .await
        .unwrap();
    let detail = history(&store).await.pop().unwrap();
    assert_eq!(
        (detail.call.id, detail.call.result),
        (id(1, 1), Some(EndResult::Answered))
    );
    assert_eq!(
        detail.call.waited_us, 6_000,
        "six events of a millisecond each"
    );
    assert_eq!(health.projected_seq(), end.seq);
    assert!(store.history().call(id(1, 2)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_crash_between_the_two_commits_changes_nothing() {
    let mut scribe = Scribe::new();
    let entries = overlapping(&mut scribe);
    let expected = expected(&entries).await;
    assert_eq!(expected.len(), CALLS as usize);

    // The database as it was after every so many entries, beside the whole journal.
    let home = Home::new();
    let older = Home::new();
    let mut saved = Vec::new();
    for (number, part) in entries.chunks(173).enumerate() {
        written(&home, part.to_vec()).await;
        let copy = older.path().join(format!("{number}.db"));
        copy_database(&home, &copy);
        saved.push(copy);
    }
    for copy in saved {
        fs::copy(&copy, home.database()).unwrap();
        let store = home.open().await;
        let folded = home
            .look(&home.database(), "SELECT last_seq FROM projections")
            .await;
        assert_eq!(store.catch_up().await.unwrap(), scribe.seq);
        assert_eq!(history(&store).await, expected, "from {folded} on");
        let rows = home
            .look(&home.database(), "SELECT COUNT(*) FROM calls")
            .await;
        assert_eq!(rows, i64::from(CALLS));
        store.close().await;
    }
}

#[tokio::test]
async fn read_models_that_were_deleted_are_made_again() {
    let mut scribe = Scribe::new();
    let entries = overlapping(&mut scribe);
    let home = Home::new();
    written(&home, entries.clone()).await;
    for file in ["lampfield.db", "lampfield.db-wal", "lampfield.db-shm"] {
        let _ = fs::remove_file(home.path().join(file));
    }
    let store = home.open().await;
    let writer = store.start(Limits::default()).await.unwrap();
    assert!(writer.health().wait_projected(scribe.seq).await);
    assert_eq!(history(&store).await, expected(&entries).await);
}

#[tokio::test]
async fn a_database_that_fails_for_a_while_is_caught_up_with() {
    let mut scribe = Scribe::new();
    let entries = overlapping(&mut scribe);
    let home = Home::new();
    let store = home.open().await;
    home.meddle(
        &home.database(),
        "CREATE TRIGGER refuse BEFORE INSERT ON legs BEGIN SELECT RAISE(ABORT, 'no space'); END",
    )
    .await;
    let mut writer = store.start(Limits::default()).await.unwrap();
    let health = writer.health();
    // More batches than can wait for the read models: some have to be read from the journal.
    for part in entries.chunks(30) {
        write(&mut writer, part.to_vec()).await;
    }
    let failed = async {
        while health.figures().projection_errors == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, failed).await.unwrap();
    assert!(health.projected_seq() < scribe.seq);
    assert!(
        health.troubles().is_empty(),
        "calls' records are safe all the same"
    );
    home.meddle(&home.database(), "DROP TRIGGER refuse").await;
    assert!(
        tokio::time::timeout(PATIENCE, health.wait_projected(scribe.seq))
            .await
            .unwrap()
    );
    assert_eq!(history(&store).await, expected(&entries).await);
}

#[tokio::test]
async fn closing_leaves_nothing_to_fold() {
    let home = Home::new();
    let store = home.open().await;
    let mut writer = store.start(Limits::default()).await.unwrap();
    let mut scribe = Scribe::new();
    for entry in overlapping(&mut scribe) {
        writer.append(entry);
    }
    writer.close().unwrap();
    assert_eq!(history(&store).await.len(), CALLS as usize);
    let folded = home
        .look(&home.database(), "SELECT last_seq FROM projections")
        .await;
    assert!(folded >= i64::try_from(scribe.seq).unwrap() - 1);
}

#[tokio::test]
async fn a_call_from_before_a_restart_is_ended_by_an_event_after_it() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let mut call = scribe.call(1, "alice");
    call.truncate(11);
    scribe.seq = 11;
    written(&home, call).await;
    scribe.incarnation = 2;
    scribe.utc_us += 60_000_000;
    let mut ended = common::call_events(1, 1, "alice").pop().unwrap();
    if let Event::CallEnded { cause, .. } = &mut ended {
        cause.result = EndResult::Interrupted;
    }
    let ended = scribe.event(ended);
    written(&home, vec![ended]).await;
    let store = home.open().await;
    let calls = history(&store).await;
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (calls[0].call.result, calls[0].call.user.as_deref()),
        (Some(EndResult::Interrupted), Some("alice"))
    );
    assert!(calls[0].call.talked_us >= 60_000_000);
    assert!(calls[0].legs.iter().all(|leg| leg.ended_us.is_some()));
}
