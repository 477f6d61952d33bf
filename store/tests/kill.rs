//! `kill -9` at random moments: what was durable is there, and at most the last 100 ms are missing.
//!
//! The test starts itself again as a process that writes at the pace of a very busy centre and says what it did; kills it in
//! the middle; and looks at what is left. Each round goes on in the same store.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::{Home, Scribe, call_events, id, open};
use engine::journal::Body;
use store::{HistoryFilter, Limits};

const DIRECTORY: &str = "LAMPFIELD_TEST_STORE";

/// What happened longer before than this is never missing.
const BOUND: Duration = Duration::from_millis(100);

const ROUNDS: u64 = 10;

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
}

/// The process that is killed: not a test by itself. Writes calls until nobody listens any more.
#[test]
#[ignore = "is started by the test below, with a store to write to"]
fn writes_until_it_is_killed() {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("started by the test below"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (store, mut writer, mut scribe) = runtime.block_on(async {
        let store = open(&directory).await.unwrap();
        let mut scribe = Scribe::new();
        scribe.incarnation = store.next_incarnation().await.unwrap();
        scribe.seq = store.last_seq().await.unwrap();
        let writer = store.start(Limits::default()).await.unwrap();
        (store, writer, scribe)
    });
    let health = writer.health();
    let mut out = std::io::stdout().lock();
    // As many as a very busy centre makes: 14 entries, 350 times a second.
    let mut pace = runtime.block_on(async { tokio::time::interval(Duration::from_micros(2_857)) });
    for number in 1.. {
        runtime.block_on(pace.tick());
        for event in call_events(scribe.incarnation, number, "alice") {
            scribe.utc_us = i64::try_from(now().as_micros()).unwrap();
            let entry = scribe.event(event);
            let (seq, at) = (entry.seq, entry.stamp.utc_us);
            writer.append(entry);
            let (durable, slowest) = (
                health.durable_seq(),
                health.figures().slowest_commit.as_micros(),
            );
            if writeln!(
                out,
                "appended {seq} {at} durable {durable} slowest {slowest}"
            )
            .is_err()
            {
                return;
            }
        }
    }
    drop(store);
}

fn start(directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "writes_until_it_is_killed",
            "--ignored",
            "--nocapture",
        ])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the process had said when it died.
#[derive(Default)]
struct Said {
    /// Number and time of every entry.
    appended: Vec<(u64, Duration)>,
    durable: u64,
    slowest: Duration,
}

fn parse(said: &mut Said, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    // The last line may be cut off, and the test harness says a few of its own.
    let ["appended", seq, at, "durable", durable, "slowest", slowest] = words[..] else {
        return;
    };
    let number = |text: &str| text.parse::<u64>().unwrap();
    said.appended
        .push((number(seq), Duration::from_micros(number(at))));
    said.durable = said.durable.max(number(durable));
    said.slowest = said.slowest.max(Duration::from_micros(number(slowest)));
}

/// Lets it write for about so long, kills it, and answers what it had said, and when it was killed.
fn run_and_kill(directory: &Path, after: Duration) -> (Said, Duration) {
    let mut child = start(directory);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut said = Said::default();
    let written_for = |said: &Said| match &said.appended[..] {
        [] => None,
        [(_, first), .., (_, last)] => Some(*last - *first),
        [_] => Some(Duration::ZERO),
    };
    let mut line = String::new();
    while written_for(&said) <= Some(after) {
        line.clear();
        assert_ne!(
            output.read_line(&mut line).unwrap(),
            0,
            "it ended by itself"
        );
        parse(&mut said, &line);
    }
    let killed = now();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    rest.lines().for_each(|line| parse(&mut said, line));
    (said, killed)
}

/// Splitmix64, so that the moments are random and the same every time.
fn random(round: u64) -> u64 {
    let mut z = (round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[tokio::test]
async fn nothing_older_than_100_ms_is_missing_after_kill_9() {
    let home = Home::new();
    let mut calls_before = 0;
    for round in 0..ROUNDS {
        let (said, killed) =
            run_and_kill(home.path(), Duration::from_millis(random(round) % 1_000));
        let store = home.open().await;
        let last = store.last_seq().await.unwrap();
        assert!(
            last >= said.durable,
            "round {round}: durable up to {}, and {last} is the last",
            said.durable
        );

        // A commit that is under way when it dies counts; a disk that is slow for seconds is not our doing.
        let bound = BOUND.max(said.slowest * 2 + BOUND / 2);
        let missing = said
            .appended
            .iter()
            .find(|(seq, at)| *seq > last && *at + bound < killed);
        assert_eq!(
            missing, None,
            "round {round}: {last} is the last, killed at {killed:?}, slowest commit {:?}",
            said.slowest
        );

        let rows = home
            .look(&home.journal(), "SELECT COUNT(*) FROM journal")
            .await;
        assert_eq!(
            rows,
            i64::try_from(last).unwrap(),
            "round {round}: no holes"
        );

        // Every call that ended is in history, once, and no other.
        store.catch_up().await.unwrap();
        let ended = ended_calls(&store).await;
        let counted = home
            .look(
                &home.database(),
                "SELECT COUNT(*) FROM calls WHERE ended_us IS NOT NULL",
            )
            .await;
        assert_eq!(counted, i64::try_from(ended).unwrap(), "round {round}");
        assert!(
            ended > calls_before || said.appended.len() < 2_000,
            "round {round} added calls"
        );
        calls_before = ended;
        let newest = store
            .history()
            .query(&HistoryFilter::default(), 1, None)
            .await
            .unwrap()
            .items;
        assert!(
            newest
                .iter()
                .all(|call| call.user.as_deref() == Some("alice") && call.id >= id(1, 1))
        );
        store.close().await;
    }
}

async fn ended_calls(store: &store::Store) -> usize {
    let entries = common::restart(store).await;
    let ended = |body: &Body| matches!(body, Body::Event(event) if matches!(**event, engine::Event::CallEnded { .. }));
    entries.iter().filter(|entry| ended(&entry.body)).count()
}
