//! The thread that keeps the read models: takes what was committed, folds it, writes rows and position in one transaction.
//!
//! Entries are normally handed over in memory. Whatever was not (the last run's rest, or because too many were waiting) is read
//! from the journal, which is also all that happens when the database fails for a while: nothing is lost by
//! being late here. Position and rows are one transaction, and an entry at or before the position is passed over, so each is
//! folded exactly once.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use engine::journal::Entry;
use sqlx::{ConnectOptions, Connection as _};

use crate::dialect::{self, BEGIN_WRITE, Connection, Durability};
use crate::error::StoreError;
use crate::journal::{Shared, row};

use super::fold::{Changes, Fold};
use super::table;

/// Started (1) and events (3): all that the fold looks at.
pub(crate) const FOLDED: &str = "SELECT seq, node, incarnation, mono_us, utc_us, config_version, rules_version, kind, body \
     FROM journal WHERE seq > $1 AND seq <= $2 AND kind IN (1, 3) ORDER BY seq LIMIT $3";

/// Entries read from the journal, and folded in one transaction, at a time.
const BATCH: usize = 1_024;

/// The position is written without any row, too, when it has moved this far.
const POSITION_LAG: u64 = 10_000;

/// How often the thread looks whether something was committed that was not handed over.
const LOOK: Duration = Duration::from_secs(1);

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long a closing projection tries; the journal has it all.
const CLOSING: Duration = Duration::from_secs(5);

/// A committed batch.
#[derive(Debug)]
pub(crate) struct Handover {
    /// The last entry committed before it.
    pub(crate) after: u64,
    pub(crate) entries: Vec<Entry>,
}

/// The fold and the connections it needs.
#[derive(Debug)]
pub(crate) struct Projector {
    journal: Side,
    database: Side,
    fold: Fold,
    /// Folded, but not written yet.
    changes: Changes,
    /// The last entry that was folded.
    position: u64,
    /// The last position that was written.
    saved: u64,
}

impl Projector {
    /// Reads where the last run left off.
    pub(crate) async fn open(journal: &Path, database: &Path) -> Result<Self, StoreError> {
        let journal = Side {
            file: journal.into(),
            durability: Durability::Full,
            connection: None,
        };
        let mut database = Side {
            file: database.into(),
            durability: Durability::Rebuildable,
            connection: None,
        };
        let (fold, position) = table::load(database.connect().await?).await?;
        Ok(Self {
            journal,
            database,
            fold,
            changes: Changes::default(),
            position,
            saved: position,
        })
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Folds the journal up to `goal`, and writes what changed. May be repeated after an error.
    pub(crate) async fn advance(&mut self, goal: u64) -> Result<(), StoreError> {
        while self.position < goal {
            self.save().await?;
            let rows = sqlx::query(FOLDED)
                .bind(dialect::signed(self.position))
                .bind(dialect::signed(goal))
                .bind(i64::try_from(BATCH).expect("a thousand"))
                .fetch_all(self.journal.connect().await?)
                .await?;
            for row in &rows {
                self.fold(&row::read(row)?);
            }
            if rows.len() < BATCH {
                self.position = goal;
            }
        }
        self.save().await
    }

    /// The thread's life: until the journal's writer is gone and all that it committed is folded.
    pub(crate) fn run(mut self, handed: &Receiver<Handover>, shared: &Shared, linger: Duration) {
        let runtime = match tokio::runtime::Builder::new_current_thread().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!(%error, "history cannot be kept up");
                return shared
                    .projected
                    .send_modify(|position| position.ended = true);
            }
        };
        let mut open = true;
        while open {
            // At first what the last run left, later what could not be handed over: all that was handed over before
            // this look is folded already.
            let committed = shared.durable.borrow().seq;
            if handed.is_empty() {
                open = runtime.block_on(self.persist(committed, shared));
            }
            match handed.recv_timeout(LOOK) {
                Ok(first) => {
                    shared.hurry_projector.rest(linger);
                    open &= runtime.block_on(self.take(first, handed, shared));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => open = false,
            }
        }
        let committed = shared.durable.borrow().seq;
        runtime.block_on(async {
            self.persist(committed, shared).await;
            self.journal.close().await;
            self.database.close().await;
        });
        shared
            .projected
            .send_modify(|position| position.ended = true);
    }

    /// Folds a batch and those that gathered behind it, and writes them together.
    async fn take(
        &mut self,
        first: Handover,
        handed: &Receiver<Handover>,
        shared: &Shared,
    ) -> bool {
        for handover in std::iter::once(first).chain(handed.try_iter()) {
            if self.position < handover.after && !self.persist(handover.after, shared).await {
                return false;
            }
            for entry in &handover.entries {
                self.fold(entry);
            }
        }
        self.persist(self.position, shared).await
    }

    fn fold(&mut self, entry: &Entry) {
        if entry.seq > self.position {
            self.fold.apply(entry.seq, &entry.stamp, &entry.body);
            self.position = entry.seq;
        }
    }

    /// Advances, again and again until it works. False when the store is closing and its time is over.
    async fn persist(&mut self, goal: u64, shared: &Shared) -> bool {
        let mut pause = FIRST_PAUSE;
        let mut give_up = None;
        while let Err(error) = self.advance(goal).await {
            if pause == FIRST_PAUSE {
                tracing::error!(%error, "history cannot be kept up; it is tried again until it can");
            }
            self.journal.connection = None;
            self.database.connection = None;
            shared.projection_errors.fetch_add(1, Ordering::Relaxed);
            if shared.closing.load(Ordering::Acquire)
                && *give_up.get_or_insert_with(|| Instant::now() + CLOSING) < Instant::now()
            {
                return false;
            }
            shared.hurry_projector.rest(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        shared.projected.send_if_modified(|position| {
            let moved = position.seq < self.position;
            position.seq = self.position;
            moved
        });
        true
    }

    async fn save(&mut self) -> Result<(), StoreError> {
        let new = self.fold.take_changes();
        self.changes.merge(new);
        if self.changes.is_empty() && self.position < self.saved + POSITION_LAG {
            return Ok(());
        }
        let mut transaction = self
            .database
            .connect()
            .await?
            .begin_with(BEGIN_WRITE)
            .await?;
        table::write(&mut transaction, &self.changes).await?;
        sqlx::query(table::SET_POSITION)
            .bind(dialect::signed(self.position))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.changes = Changes::default();
        self.saved = self.position;
        Ok(())
    }
}

/// One of the two databases, connected to when needed.
#[derive(Debug)]
struct Side {
    file: PathBuf,
    durability: Durability,
    connection: Option<Connection>,
}

impl Side {
    async fn connect(&mut self) -> Result<&mut Connection, sqlx::Error> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(
                dialect::options(&self.file, self.durability)
                    .connect()
                    .await?,
            )),
        }
    }

    async fn close(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if let Err(error) = connection.close().await {
            tracing::warn!(%error, file = %self.file.display(), "closing a database");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::event::{Direction, Event, Party};
    use engine::journal::{Body, Stamp};
    use engine::{CallId, LegId};

    use super::*;
    use crate::journal::Tail;
    use crate::migrate;

    fn entries() -> Vec<Entry> {
        let (call, by) = (CallId(1), LegId(2));
        let (direction, caller) = (Direction::Inbound, Party::default());
        let events = [
            Event::CallStarted {
                call,
                direction,
                caller,
                called: "2000".into(),
                trunk: None,
                user: None,
                vip: false,
            },
            Event::CallHeld { call, by },
            Event::CallHeld { call, by: LegId(3) },
            Event::CallResumed { call, by },
        ];
        let entry = |(seq, event): (u64, Event)| {
            let stamp = Stamp {
                node: 1,
                incarnation: 1,
                mono_us: seq,
                utc_us: seq.cast_signed(),
                config_version: 1,
                rules_version: 1,
            };
            Entry {
                seq,
                stamp,
                body: Body::Event(Arc::new(event)),
            }
        };
        (1..).zip(events).map(entry).collect()
    }

    /// Whatever part comes from the journal, from memory, or from both: each entry counts once.
    #[tokio::test]
    async fn an_entry_that_comes_twice_is_folded_once() {
        for (name, from_journal, handed) in [
            ("journal", 4, 4..4),
            ("overlap", 3, 1..4),
            ("hole", 0, 3..4),
            ("memory", 0, 0..4),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let (journal, database) = (
                directory.path().join("journal.db"),
                directory.path().join("a.db"),
            );
            migrate::migrate(&journal, migrate::JOURNAL).await.unwrap();
            migrate::migrate(&database, migrate::CENTRE).await.unwrap();
            let mut projector = Projector::open(&journal, &database).await.unwrap();
            let connection = projector.journal.connect().await.unwrap();
            row::INSERT
                .write(connection, entries().iter())
                .await
                .unwrap();

            projector.advance(from_journal).await.unwrap();
            let shared = Shared::new(10, Tail::default(), 0);
            let handover = Handover {
                after: handed.start as u64,
                entries: entries()[handed].to_vec(),
            };
            let (_hand, none) = crossbeam_channel::bounded(1);
            assert!(projector.take(handover, &none, &shared).await, "{name}");

            let connection = projector.database.connect().await.unwrap();
            let holds: i64 = sqlx::query_scalar("SELECT holds FROM calls")
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            let position: i64 = sqlx::query_scalar(table::POSITION)
                .fetch_one(connection)
                .await
                .unwrap();
            assert_eq!((holds, position, projector.position()), (1, 4, 4), "{name}");
        }
    }
}
