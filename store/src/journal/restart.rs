//! What a restart reads: the last checkpoint and all that was written after it.

use engine::journal::Entry;

use crate::dialect::{self, Pool};
use crate::error::StoreError;

use super::row;
use super::spill::Gap;

/// Entries handed out at a time.
const BATCH: i64 = 1_024;

pub(super) const LAST_CHECKPOINT: &str =
    "SELECT seq FROM journal WHERE kind = 10 ORDER BY seq DESC LIMIT 1";
pub(super) const CHECKPOINT_BEFORE: &str =
    "SELECT seq FROM journal WHERE kind = 10 AND seq < $1 ORDER BY seq DESC LIMIT 1";
pub(super) const GAPS: &str =
    "SELECT first_seq, last_seq, utc_us FROM gaps WHERE last_seq > $1 ORDER BY first_seq";
pub(super) const AFTER: &str = "SELECT seq, node, incarnation, mono_us, utc_us, config_version, rules_version, kind, body \
     FROM journal WHERE seq > $1 ORDER BY seq LIMIT $2";

/// Reads entries from the last checkpoint on, that checkpoint first, or from the beginning where there is none.
#[derive(Debug)]
pub struct RestartReader {
    pool: Pool,
    after: u64,
    gaps: Vec<Gap>,
}

impl RestartReader {
    pub(super) async fn new(pool: &Pool) -> Result<Self, StoreError> {
        let checkpoint: Option<i64> = sqlx::query_scalar(LAST_CHECKPOINT)
            .fetch_optional(pool)
            .await?;
        Self::from(pool, checkpoint).await
    }

    /// The same from the last checkpoint before entry `seq` on.
    pub(super) async fn before(pool: &Pool, seq: u64) -> Result<Self, StoreError> {
        let checkpoint: Option<i64> = sqlx::query_scalar(CHECKPOINT_BEFORE)
            .bind(dialect::signed(seq))
            .fetch_optional(pool)
            .await?;
        Self::from(pool, checkpoint).await
    }

    async fn from(pool: &Pool, checkpoint: Option<i64>) -> Result<Self, StoreError> {
        let after = checkpoint.map_or(0, |seq| dialect::unsigned(seq).saturating_sub(1));
        let gaps: Vec<(i64, i64, i64)> = sqlx::query_as(GAPS)
            .bind(dialect::signed(after))
            .fetch_all(pool)
            .await?;
        let gaps = gaps.into_iter().map(|(first, last, utc_us)| Gap {
            first_seq: dialect::unsigned(first),
            last_seq: dialect::unsigned(last),
            utc_us,
        });
        Ok(Self {
            pool: pool.clone(),
            after,
            gaps: gaps.collect(),
        })
    }

    /// The entry before the first that is read.
    pub(super) fn begins_after(&self) -> u64 {
        self.after
    }

    /// Stretches of entries that were lost and that no checkpoint has made good: state that is rebuilt
    /// lacks them, which is worth an alarm.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The next entries in order, at most 1,024 of them; empty at the end.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn next_batch(&mut self) -> Result<Vec<Entry>, StoreError> {
        let rows = sqlx::query(AFTER)
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
}
