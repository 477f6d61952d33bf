//! The command on real files, written by the store from a day of the simulation.

use std::path::Path;
use std::sync::Arc;

use ::replay::{DayReader, Report};
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
    world.whole_journal()
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

const CENTRE: &str = r#"
[[trunks]]
name = "carrier"
kind = "peer"
address = "sip:10.0.0.2:5060"
numbers = ["0*"]

[[queues]]
name = "sales"
number = "2000"

[[users]]
username = "ann"
name = "Ann"
extension = "1001"
sip_password = "ann's secret"
queues = ["sales"]
"#;
const BOB: &str = r#"
[[users]]
username = "bob"
name = "Bob"
extension = "1002"
sip_password = "bob's secret"
queues = ["sales"]
"#;

/// Three callers at 0, 10 and 20 s; whoever is rung answers after 4 s; they talk for 60, 40 and 30 s. The first has ann from 4 to
/// 64 s, the second bob from 14 to 54 s, the third bob from 58 to 88 s. Both log in at 0 s and out at 200 s.
fn three_callers() -> Vec<Entry> {
    let world = World::builder(seed(11))
        .centre(&format!("{CENTRE}{BOB}"))
        .build();
    let (ann, bob) = (
        world.agent("ann").available(),
        world.agent("bob").available(),
    );
    let start = world.now();
    let at = |second: u64| world.run_for(start + secs(second) - world.now());
    let callers = ["+4930111", "+4930222", "+4930333"].map(|number| world.phone(number));
    callers[0].calls("2000");
    at(4);
    ann.answers();
    at(10);
    callers[1].calls("2000");
    at(14);
    bob.answers();
    at(20);
    callers[2].calls("2000");
    at(54);
    callers[1].hangs_up();
    at(58);
    bob.answers();
    at(64);
    callers[0].hangs_up();
    at(88);
    callers[2].hangs_up();
    at(200);
    ann.logs_out();
    bob.logs_out();
    world.whole_journal()
}

fn report(other: &str) -> Report {
    let mut reader = DayReader::default();
    for entry in three_callers() {
        reader.take(&entry).unwrap();
    }
    let snapshot = config::Snapshot {
        version: 1,
        settings: Arc::default(),
        centre: Arc::new(config::parse_centre(other, "other.toml").unwrap()),
    };
    other::play(&reader.finish().unwrap(), snapshot, 20)
}

/// Without bob ann has the first until 64 s, is rung for the second at 64 and has it from 68 to 108 s, is rung for the third
/// at 108 and has it from 112 to 142 s.
///
/// Waits are 4, 4 and 38 s, then 4, 58 and 92 s; of three two, then one, are answered within 20 s. Of her 200 s ann was in contact
/// for 60 and rung for 4; then for 130, and rung for 12. bob was in contact for 70 and rung for 8.
#[test]
fn one_agent_fewer_is_printed_as_it_follows_by_hand() {
    let table = table::text(&report(CENTRE), "other.toml", true);
    let lines: Vec<&str> = table.lines().collect();
    assert!(
        lines[0].ends_with(": 3 calls, 20 runs with other.toml"),
        "{table}"
    );
    let expected = [
        "                            then         now    difference   9 in 10 runs",
        "all queues",
        "  offered                      3           3             0   0 to 0",
        "  answered                     3           3             0   0 to 0",
        "  abandoned                    0           0             0   0 to 0",
        "  sent on                      0           0             0   0 to 0",
        "  service level           66.7 %      33.3 %  -33.3 points   -33.3 points to -33.3 points",
        "  average wait            15.3 s      51.3 s       +36.0 s   +36.0 s to +36.0 s",
        "  longest wait            38.0 s      92.0 s       +54.0 s   +54.0 s to +54.0 s",
        "queue sales",
        "  offered                      3           3             0   0 to 0",
        "  answered                     3           3             0   0 to 0",
        "  abandoned                    0           0             0   0 to 0",
        "  sent on                      0           0             0   0 to 0",
        "  service level           66.7 %      33.3 %  -33.3 points   -33.3 points to -33.3 points",
        "  average wait            15.3 s      51.3 s       +36.0 s   +36.0 s to +36.0 s",
        "  longest wait            38.0 s      92.0 s       +54.0 s   +54.0 s to +54.0 s",
        "agent ann",
        // 60 of 196 s, then 130 of 188 s.
        "  calls                        1           3            +2   +2 to +2",
        "  occupancy               30.6 %      69.1 %  +38.5 points   +38.5 points to +38.5 points",
        "agent bob",
        // 70 of 192 s, then he is nobody.
        "  calls                        2           0            -2   -2 to -2",
        "  occupancy               36.5 %           –             –   –",
    ];
    assert_eq!(lines[2..25], expected, "{table}");
    let calls: Vec<_> = lines[26..]
        .iter()
        .map(|line| line.split_once("  ").unwrap().1)
        .collect();
    let expected = [
        "then bob took it after 4.0 s in sales; now ann took it after 58.0 s in sales",
        "then bob took it after 38.0 s in sales; now ann took it after 92.0 s in sales",
    ];
    assert_eq!(calls, expected);
    let value = table::json(&report(CENTRE), false);
    assert_eq!(
        value["figures"][0]["service_level_ten_thousandths"]["now"],
        3333
    );
    assert_eq!(value["same"], false);
}

#[test]
fn the_same_centre_is_the_same_day() {
    let report = report(&format!("{CENTRE}{BOB}"));
    let text = table::text(&report, "other.toml", true);
    assert_eq!(text, "the same day, exactly: 3 calls, 3 alerts");
    assert_eq!(report.runs, 1, "nothing is drawn");
}

#[tokio::test]
async fn a_centre_is_read_from_its_file_and_its_faults_are_said() {
    let home = written(three_callers()).await;
    let file = home.path().join("other.toml");
    let compare = async |text: &str| {
        std::fs::write(&file, text).unwrap();
        other::compare(&options(home.path()), &file, Settings::default()).await
    };
    assert!(compare(CENTRE).await.unwrap());
    assert!(!compare("[[queues]]\nname = 7\n").await.unwrap());
    let missing = home.path().join("missing.toml");
    let refused = other::compare(&options(home.path()), &missing, Settings::default()).await;
    let text = refused.unwrap_err().to_string();
    assert!(text.starts_with("cannot read "), "{text}");
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
