//! The journal: everything the engine must not forget, in the order it happened, in `journal.db`.
//!
//! It has a file of its own, so that reports and changes of the centre never hold the lock that the calls' records
//! wait for. Written by one thread ([`writer`]), read by anyone: at a restart ([`restart`]), to fold the read models, and
//! by consoles that resume the event stream ([`events`]). It grows at its end and is pruned at its beginning.

mod commit;
mod events;
mod health;
mod reading;
mod restart;
pub(crate) mod row;
mod spill;
mod writer;

use std::path::{Path, PathBuf};

use crate::dialect::{self, BEGIN_WRITE, Pool};
use crate::error::StoreError;
use crate::migrate;

pub use events::{Events, StoredEvent};
pub use health::{JournalFigures, JournalHealth, Pressure, Trouble};
pub(crate) use health::{Shared, Tail};
pub use reading::{Beginning, JournalReader};
pub use restart::RestartReader;
pub use spill::Gap;
pub use writer::{JournalWriter, Limits, NotDurable};

const LAST_SEQ: &str = "SELECT COALESCE(MAX(seq), 0) FROM journal";
const LOST_SEQ: &str = "SELECT COALESCE(MAX(last_seq), 0) FROM gaps";
const NEXT_INCARNATION: &str =
    "UPDATE counters SET value = value + 1 WHERE name = 'incarnation' RETURNING value";
const FIRST_SINCE: &str = "SELECT seq FROM journal WHERE utc_us >= $1 ORDER BY seq LIMIT 1";
const PRUNE: &str = "DELETE FROM journal WHERE seq IN (SELECT seq FROM journal WHERE seq < $1 ORDER BY seq LIMIT $2)";
const PRUNE_GAPS: &str = "DELETE FROM gaps WHERE last_seq < $1";
const SET_PRUNED_TO: &str =
    "UPDATE counters SET value = $1 WHERE name = 'pruned_to' AND value < $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    LAST_SEQ,
    LOST_SEQ,
    NEXT_INCARNATION,
    FIRST_SINCE,
    PRUNE,
    PRUNE_GAPS,
    SET_PRUNED_TO,
    commit::INSERT_GAP,
    events::EVENTS_AFTER,
    events::EVENTS_OF_CALL,
    events::PRUNED_TO,
    reading::CHECKPOINT_BEFORE,
    reading::FIRST_CHECKPOINT,
    reading::FIRST_SEQ,
    reading::SCHEMA,
    restart::AFTER,
    restart::CHECKPOINT_BEFORE,
    restart::GAPS,
    restart::LAST_CHECKPOINT,
    crate::projection::FOLDED,
];

/// How long entries are kept at least, in microseconds: seven days, as the event stream promises.
const KEPT_US: i64 = 7 * 24 * 3_600 * 1_000_000;

/// Rows deleted in one transaction: the writer waits for no more than this.
const PRUNED_AT_ONCE: i64 = 2_000;

/// The journal's file, for reading and upkeep.
#[derive(Debug)]
pub(crate) struct Journal {
    file: PathBuf,
    pool: Pool,
}

impl Journal {
    pub(crate) async fn open(directory: &Path) -> Result<Self, StoreError> {
        let file = directory.join("journal.db");
        migrate::migrate(&file, migrate::JOURNAL).await?;
        let pool = dialect::pool(&file, 3);
        Ok(Self { file, pool })
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    pub(crate) fn events(&self) -> Events {
        Events::new(self.pool.clone())
    }

    pub(crate) async fn restart(&self) -> Result<RestartReader, StoreError> {
        RestartReader::new(&self.pool).await
    }

    pub(crate) async fn tail(&self) -> Result<Tail, StoreError> {
        let written: i64 = sqlx::query_scalar(LAST_SEQ).fetch_one(&self.pool).await?;
        let lost: i64 = sqlx::query_scalar(LOST_SEQ).fetch_one(&self.pool).await?;
        let checkpoint: Option<i64> = sqlx::query_scalar(restart::LAST_CHECKPOINT)
            .fetch_optional(&self.pool)
            .await?;
        Ok(Tail {
            last_seq: dialect::unsigned(written.max(lost)),
            lost_seq: dialect::unsigned(lost),
            checkpoint_seq: dialect::unsigned(checkpoint.unwrap_or(0)),
        })
    }

    pub(crate) async fn next_incarnation(&self) -> Result<u32, StoreError> {
        let value: i64 = sqlx::query_scalar(NEXT_INCARNATION)
            .fetch_one(&self.pool)
            .await?;
        // Ids have room for 24 bits of it and wrap around, so no more of it is worth keeping apart.
        Ok(u32::try_from(value & i64::from(u32::MAX)).expect("32 bits fit"))
    }

    /// Deletes what nobody needs any more: entries older than seven days that no restart reads (they are before the
    /// last checkpoint) and that are in the read models. Answers how many.
    pub(crate) async fn prune(&self, now_us: i64, projected_seq: u64) -> Result<u64, StoreError> {
        let tail = self.tail().await?;
        let young: Option<i64> = sqlx::query_scalar(FIRST_SINCE)
            .bind(now_us.saturating_sub(KEPT_US))
            .fetch_optional(&self.pool)
            .await?;
        let young = young.map_or(u64::MAX, dialect::unsigned);
        let keep_from = young.min(tail.checkpoint_seq).min(projected_seq + 1);
        let mut pruned = 0;
        loop {
            let rows = self.prune_some(keep_from).await?;
            if rows == 0 {
                return Ok(pruned);
            }
            pruned += rows;
        }
    }

    async fn prune_some(&self, keep_from: u64) -> Result<u64, StoreError> {
        let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
        let deleted = sqlx::query(PRUNE)
            .bind(dialect::signed(keep_from))
            .bind(PRUNED_AT_ONCE)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if deleted > 0 {
            sqlx::query(PRUNE_GAPS)
                .bind(dialect::signed(keep_from))
                .execute(&mut *transaction)
                .await?;
            sqlx::query(SET_PRUNED_TO)
                .bind(dialect::signed(keep_from - 1))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(deleted)
    }

    pub(crate) async fn close(self) {
        self.pool.close().await;
    }
}
