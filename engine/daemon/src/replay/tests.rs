//! The command on real files, written by the store from a day of the simulation.

use std::path::Path;

use engine::journal::Body;
use sim::{World, secs, seed};
use store::{Limits, Store};
use tempfile::TempDir;

use super::*;

/// Three callers for two agents, a quarter of an hour, one checkpoint.
fn day() -> Vec<Entry> {
    let world = World::new(seed(11));
    let (ann, bob) = (
        world.agent("ann").available(),
        world.agent("bob").available(),
    );
    for number in ["+4930111", "+4930222", "+4930333"] {
        world.phone(number).calls("sales");
        world.run_for(secs(2));
        for agent in [&ann, &bob] {
            if agent.rings() {
                agent.answers();
            }
        }
    }
    world.run_for(secs(900));
    world.journal()
}

async fn store(directory: &Path) -> Store {
    let url = format!("sqlite:{}", directory.join("lampfield.db").display());
    Store::open(&url, directory).await.unwrap()
}

async fn written(entries: Vec<Entry>) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path()).await;
    let mut writer = store.start(Limits::default()).await.unwrap();
    entries.into_iter().for_each(|entry| writer.append(entry));
    writer.close().unwrap();
    store.close().await;
    home
}

fn options(journal: &Path) -> Options {
    Options {
        journal: journal.into(),
        from: None,
        to: None,
        centre: None,
        runs: 3,
        calls: false,
        json: false,
    }
}

async fn refused(options: &Options) -> String {
    verify(options).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_journal_is_identical_and_a_spoilt_one_is_not() {
    let entries = day();
    let checkpoints = entries
        .iter()
        .filter(|entry| matches!(entry.body, Body::Checkpoint(_)))
        .count();
    assert!(checkpoints > 0);
    let home = written(entries.clone()).await;
    assert!(verify(&options(home.path())).await.unwrap());
    let mut spoilt = entries;
    for entry in &mut spoilt {
        if matches!(entry.body, Body::Acd(_)) {
            entry.body = Body::Unknown {
                kind: 999,
                bytes: Vec::new(),
            };
        }
    }
    let home = written(spoilt).await;
    assert!(!verify(&options(home.path())).await.unwrap());
}

#[tokio::test]
async fn what_cannot_be_played_is_said() {
    let home = written(day()).await;
    let nowhere = home.path().join("nowhere");
    let text = refused(&options(&nowhere)).await;
    assert!(text.contains("nowhere"), "{text}");
    let text = refused(&options(&home.path().join("lampfield.db"))).await;
    assert!(text.contains("is no journal of lampfield"), "{text}");
    let time = |text: &str| Some(text.parse().unwrap());
    let backwards = Options {
        from: time("2026-11-02T10:00:00Z"),
        to: time("2026-11-02T09:00:00Z"),
        ..options(home.path())
    };
    assert_eq!(refused(&backwards).await, "--from is not before --to");
    let early = Options {
        to: time("2020-01-01T00:00:00Z"),
        ..options(home.path())
    };
    assert_eq!(
        refused(&early).await,
        "the journal holds nothing of that time"
    );
    let empty = written(Vec::new()).await;
    let text = refused(&options(empty.path())).await;
    assert!(text.ends_with("the journal is empty"), "{text}");
}

#[test]
fn counts_and_notes_read_well() {
    for (count, expected) in [
        (0, "0"),
        (999, "999"),
        (1_000, "1,000"),
        (81_204, "81,204"),
        (1_234_567, "1,234,567"),
    ] {
        assert_eq!(thousands(count), expected);
    }
    let found = Verified {
        starts: 2,
        changes: 0,
        missing: vec![Missing {
            first_seq: 5,
            last_seq: 9,
            resumed_at: Some(60),
        }],
        other_rules: [1].into(),
        span_us: Some((0, 60_000_000)),
        ..Verified::default()
    };
    let expected = [
        "from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z".to_owned(),
        "in it the daemon started 2 times, and the centre changed never".into(),
        "entries 5 to 9 are missing: nothing was compared from there to the checkpoint in entry 60"
            .into(),
        format!("written under rules 1, played again under rules {RULES_VERSION}"),
    ];
    assert_eq!(notes(&found), expected);
}
