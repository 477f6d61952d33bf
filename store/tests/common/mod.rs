//! What the tests of the store share: a store in a directory of its own, and entries to put into it.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::event::{
    AlertEnd, Direction, EndCause, EndResult, EndedBy, Event, LeftQueue, LegRole, Party, Rank,
};
use engine::journal::{Body, Entry, Stamp};
use engine::{CallId, LegId};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, SqliteConnection};
use store::{JournalWriter, Limits, Store};
use tempfile::TempDir;

/// An arbitrary Tuesday.
pub(crate) const START_US: i64 = 1_700_000_000_000_000;

/// Nothing below takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A store's directory, which goes with the test.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) async fn open(&self) -> Store {
        self.try_open().await.expect("the store opens")
    }

    pub(crate) async fn try_open(&self) -> Result<Store, store::StoreError> {
        open(self.path()).await
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.path().join("journal.db")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("lampfield.db")
    }

    /// Runs SQL behind the store's back.
    pub(crate) async fn meddle(&self, file: &Path, sql: &'static str) {
        connect(file)
            .await
            .execute(sql)
            .await
            .expect("the SQL is right");
    }

    /// What SQL finds, asked by a connection of its own, as another process would.
    pub(crate) async fn look(&self, file: &Path, sql: &str) -> i64 {
        let mut connection = connect(file).await;
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&mut connection)
            .await
            .expect("the SQL is right")
    }
}

pub(crate) async fn open(directory: &Path) -> Result<Store, store::StoreError> {
    Store::open(
        &format!("sqlite:{}", directory.join("lampfield.db").display()),
        directory,
    )
    .await
}

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(file)
        .connect()
        .await
        .expect("the file is there")
}

/// Makes entries in order, a millisecond apart.
pub(crate) struct Scribe {
    pub(crate) seq: u64,
    pub(crate) incarnation: u32,
    pub(crate) utc_us: i64,
}

impl Scribe {
    pub(crate) fn new() -> Self {
        Self {
            seq: 0,
            incarnation: 1,
            utc_us: START_US,
        }
    }

    pub(crate) fn entry(&mut self, body: Body) -> Entry {
        self.seq += 1;
        self.utc_us += 1_000;
        let stamp = Stamp {
            node: 1,
            incarnation: self.incarnation,
            mono_us: self.utc_us.cast_unsigned(),
            utc_us: self.utc_us,
            config_version: 3,
            rules_version: 1,
        };
        Entry {
            seq: self.seq,
            stamp,
            body,
        }
    }

    pub(crate) fn event(&mut self, event: Event) -> Entry {
        self.entry(Body::Event(Arc::new(event)))
    }

    pub(crate) fn acd(&mut self, bytes: usize) -> Entry {
        self.entry(Body::Acd(vec![0x5a; bytes]))
    }

    /// A call from the first to the last event, taken by `agent`.
    pub(crate) fn call(&mut self, number: u32, agent: &str) -> Vec<Entry> {
        call_events(self.incarnation, number, agent)
            .into_iter()
            .map(|event| self.event(event))
            .collect()
    }
}

pub(crate) fn id(incarnation: u32, number: u32) -> CallId {
    CallId(1 << 56 | u64::from(incarnation) << 32 | u64::from(number))
}

/// The events of a call that waits in `support`, is taken by `agent`, and ends.
pub(crate) fn call_events(incarnation: u32, number: u32, agent: &str) -> Vec<Event> {
    let call = id(incarnation, number);
    let (caller, answering) = (LegId(call.0 | 1 << 30), LegId(call.0 | 1 << 31));
    let rank = Rank {
        tier: 1,
        key_us: 0,
        arrival_us: 0,
        id: call.0,
    };
    let party = Party {
        number: format!("+3120{number}"),
        name: None,
    };
    let queue = Some("support".to_owned());
    let user = Some(agent.to_owned());
    let cause = EndCause {
        result: EndResult::Answered,
        sip_status: None,
        reason: None,
    };
    vec![
        Event::CallStarted {
            call,
            direction: Direction::Inbound,
            caller: party,
            called: "2000".into(),
            trunk: Some("pbx".into()),
            user: None,
            vip: false,
        },
        Event::LegStarted {
            call,
            leg: caller,
            role: LegRole::Caller,
            number: "+3120".into(),
            trunk: Some("pbx".into()),
            user: None,
        },
        Event::CallAnswered { call },
        Event::CallQueued {
            call,
            queue: queue.clone(),
            user: None,
            rank,
            priority: 0,
            arrival_us: 0,
            estimate_seconds: None,
        },
        Event::AlertStarted {
            alert: call.0,
            call,
            agent: agent.into(),
            queue: queue.clone(),
            picked_up: false,
            choice: None,
        },
        Event::LegStarted {
            call,
            leg: answering,
            role: LegRole::Agent,
            number: "1001".into(),
            trunk: None,
            user: user.clone(),
        },
        Event::LegRinging {
            call,
            leg: answering,
        },
        Event::LegAnswered {
            call,
            leg: answering,
        },
        Event::AlertEnded {
            alert: call.0,
            call,
            agent: agent.into(),
            end: AlertEnd::Accepted,
            sip_status: None,
        },
        Event::CallLeftQueue {
            call,
            why: LeftQueue::Connected,
        },
        Event::CallConnected {
            call,
            user,
            leg: answering,
            queue,
        },
        Event::LegEnded {
            call,
            leg: answering,
            cause: cause.clone(),
        },
        Event::LegEnded {
            call,
            leg: caller,
            cause: cause.clone(),
        },
        Event::CallEnded {
            call,
            cause,
            by: EndedBy::Caller,
        },
    ]
}

/// Appends all, and waits until they are on disk.
pub(crate) async fn write(writer: &mut JournalWriter, entries: impl IntoIterator<Item = Entry>) {
    let mut last = 0;
    for entry in entries {
        last = entry.seq;
        writer.append(entry);
    }
    let health = writer.health();
    let waited = tokio::time::timeout(PATIENCE, health.wait_durable(last)).await;
    assert!(
        waited.expect("the disk takes it in time"),
        "the writer ended"
    );
}

/// A store with these entries in it, and closed again.
pub(crate) async fn written(home: &Home, entries: Vec<Entry>) {
    let store = home.open().await;
    let mut writer = store.start(Limits::default()).await.unwrap();
    write(&mut writer, entries).await;
    writer.close().unwrap();
    store.close().await;
}

/// All that a restart reads.
pub(crate) async fn restart(store: &Store) -> Vec<Entry> {
    let mut reader = store.restart().await.unwrap();
    let mut entries = Vec::new();
    loop {
        let batch = reader.next_batch().await.unwrap();
        if batch.is_empty() {
            return entries;
        }
        entries.extend(batch);
    }
}
