//! One group commit: what is waiting, in one transaction.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use engine::journal::{Body, Entry};
use sqlx::{ConnectOptions, Connection as _};

use crate::dialect::{self, AT_ONCE, BEGIN_WRITE, Connection, Durability};

use super::row;
use super::spill::Gap;

pub(super) const INSERT_GAP: &str = "INSERT INTO gaps (first_seq, last_seq, utc_us) VALUES ($1, $2, $3) ON CONFLICT (first_seq) DO NOTHING";

/// A commit that is done.
pub(super) struct Committed {
    /// How long it took.
    pub(super) took: Duration,
    /// How many of the entries were not in the journal before.
    pub(super) written: u64,
}

/// Owns the journal's writing connection, and makes a new one when a commit failed: after an error it is not
/// known what state the old one is in.
pub(super) struct Committer {
    file: PathBuf,
    connection: Option<Connection>,
}

impl Committer {
    pub(super) fn new(file: PathBuf) -> Self {
        Self {
            file,
            connection: None,
        }
    }

    /// Writes entries and gap, and returns when a power cut cannot take them. May be repeated after an error.
    pub(super) async fn commit(
        &mut self,
        entries: &[Entry],
        gap: Option<Gap>,
    ) -> Result<Committed, sqlx::Error> {
        let started = Instant::now();
        let result = self.try_commit(entries, gap).await;
        if result.is_err() {
            self.connection = None;
        }
        result.map(|written| Committed {
            took: started.elapsed(),
            written,
        })
    }

    pub(super) async fn close(self) {
        let Some(connection) = self.connection else {
            return;
        };
        if let Err(error) = connection.close().await {
            tracing::warn!(%error, "closing the journal");
        }
    }

    async fn try_commit(
        &mut self,
        entries: &[Entry],
        gap: Option<Gap>,
    ) -> Result<u64, sqlx::Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(
                dialect::options(&self.file, Durability::Full)
                    .connect()
                    .await?,
            ),
        };
        if gap.is_none() && (1..=AT_ONCE).contains(&entries.len()) {
            // A statement by itself is a transaction: one way through the driver instead of five or more.
            return row::INSERT
                .write_at_once(connection, entries.len(), entries.iter())
                .await;
        }
        let mut transaction = connection.begin_with(BEGIN_WRITE).await?;
        let written = row::INSERT.write(&mut transaction, entries.iter()).await?;
        if let Some(gap) = gap {
            sqlx::query(INSERT_GAP)
                .bind(dialect::signed(gap.first_seq))
                .bind(dialect::signed(gap.last_seq))
                .bind(gap.utc_us)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(written)
    }
}

/// The last checkpoint among the entries.
pub(super) fn last_checkpoint(entries: &[Entry]) -> Option<u64> {
    let checkpoint = |entry: &&Entry| matches!(entry.body, Body::Checkpoint(_));
    entries.iter().rev().find(checkpoint).map(|entry| entry.seq)
}
