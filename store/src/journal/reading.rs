//! A journal read for its own sake, also while a daemon writes it: nothing is locked, changed or brought up to date.

use std::path::{Path, PathBuf};

use engine::journal::Entry;
use sqlx::sqlite::SqlitePoolOptions;

use crate::dialect::{self, Pool};
use crate::error::StoreError;
use crate::migrate;

use super::{restart, row};

/// Entries handed out at a time.
const BATCH: i64 = 1_024;

pub(super) const SCHEMA: &str = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";
pub(super) const FIRST_SEQ: &str = "SELECT MIN(seq) FROM journal";
pub(super) const FIRST_CHECKPOINT: &str = "SELECT MIN(seq) FROM journal WHERE kind = 10";
pub(super) const CHECKPOINT_BEFORE: &str =
    "SELECT MAX(seq) FROM journal WHERE kind = 10 AND utc_us <= $1";

/// Where a replay may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// With this entry: the first of all, or a checkpoint.
    At(u64),
    /// The journal holds no entry yet.
    Empty,
    /// No checkpoint is old enough, and the journal's own beginning is pruned.
    NoCheckpoint,
}

/// Reads a journal from any of its checkpoints on.
#[derive(Debug)]
pub struct JournalReader {
    pool: Pool,
    after: u64,
}

impl JournalReader {
    /// Opens a journal: its file, or the directory (`store.directory`) that it lies in.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`] when there is none, [`StoreError::NoJournal`] when it is something else, [`StoreError::Newer`] when
    /// a later program has written it.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let file = file_of(path)?;
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(dialect::reading(&file));
        let looked_at: Result<Option<i64>, _> =
            sqlx::query_scalar(FIRST_SEQ).fetch_one(&pool).await;
        if let Err(source) = looked_at {
            return Err(StoreError::NoJournal { file, source });
        }
        let found: i64 = sqlx::query_scalar(SCHEMA).fetch_one(&pool).await?;
        let known = migrate::newest(migrate::JOURNAL);
        if found > known {
            return Err(StoreError::Newer { file, found, known });
        }
        Ok(Self { pool, after: 0 })
    }

    /// Where a replay begins that has to hold everything from `from_us` (UTC microseconds) on; without it, all that there is.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn beginning(&self, from_us: Option<i64>) -> Result<Beginning, StoreError> {
        let Some(first) = self.number(FIRST_SEQ).await? else {
            return Ok(Beginning::Empty);
        };
        let checkpoint = match from_us {
            Some(from_us) => {
                let found: Option<i64> = sqlx::query_scalar(CHECKPOINT_BEFORE)
                    .bind(from_us)
                    .fetch_one(&self.pool)
                    .await?;
                found.map(dialect::unsigned)
            }
            None => self.number(FIRST_CHECKPOINT).await?,
        };
        Ok(match checkpoint {
            // Nothing was before the first entry of all: as good as a checkpoint.
            _ if first == 1 && (from_us.is_none() || checkpoint.is_none()) => Beginning::At(1),
            Some(seq) => Beginning::At(seq),
            None => Beginning::NoCheckpoint,
        })
    }

    /// The next entry read will be this one.
    pub fn seek(&mut self, seq: u64) {
        self.after = seq.saturating_sub(1);
    }

    /// The next entries in order, at most 1,024 of them; empty at the end.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn next_batch(&mut self) -> Result<Vec<Entry>, StoreError> {
        let rows = sqlx::query(restart::AFTER)
            .bind(dialect::signed(self.after))
            .bind(BATCH)
            .fetch_all(&self.pool)
            .await?;
        let entries = rows.iter().map(row::read).collect::<Result<Vec<_>, _>>()?;
        if let Some(last) = entries.last() {
            self.after = last.seq;
        }
        Ok(entries)
    }

    async fn number(&self, statement: &'static str) -> Result<Option<u64>, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(statement).fetch_one(&self.pool).await?;
        Ok(found.map(dialect::unsigned))
    }
}

fn file_of(path: &Path) -> Result<PathBuf, StoreError> {
    let file = if path.is_dir() {
        path.join("journal.db")
    } else {
        path.to_owned()
    };
    match std::fs::metadata(&file) {
        Ok(_) => Ok(file),
        Err(source) => Err(StoreError::File { path: file, source }),
    }
}
