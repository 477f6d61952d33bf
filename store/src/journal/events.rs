//! The event stream, read back: what a console that was away has missed.

use std::sync::Arc;

use engine::journal::Body;
use engine::{CallId, Event};

use crate::dialect::{self, Pool};
use crate::error::StoreError;

use super::restart::RestartReader;
use super::row;

pub(super) const PRUNED_TO: &str = "SELECT value FROM counters WHERE name = 'pruned_to'";
pub(super) const EVENTS_AFTER: &str = "SELECT seq, node, incarnation, mono_us, utc_us, config_version, rules_version, kind, body \
     FROM journal WHERE seq > $1 AND kind = 3 ORDER BY seq LIMIT $2";

/// A call's id stands in its events as eight bytes: whatever has them is about the call, or very nearly never about something else.
pub(super) const EVENTS_OF_CALL: &str = "SELECT seq, node, incarnation, mono_us, utc_us, config_version, rules_version, kind, body \
     FROM journal WHERE seq BETWEEN $1 AND $2 AND kind = 3 AND instr(body, $3) > 0 ORDER BY seq LIMIT $4";

/// One event as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number, which is the cursor to resume after it.
    pub seq: u64,
    /// When, UTC microseconds.
    pub utc_us: i64,
    /// What.
    pub event: Arc<Event>,
}

/// Reads events from the journal. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Events {
    pool: Pool,
}

impl Events {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// The events after number `seq`, oldest first, at most `limit`; empty when there are none yet.
    ///
    /// Only what is on disk is here, some tens of milliseconds behind what is published. A stream without
    /// holes therefore first subscribes to what is published, then reads here up to where that began
    /// ([`JournalHealth::wait_durable`](super::JournalHealth::wait_durable) waits for it), then goes on with the subscription.
    /// Events that only a later program knows are passed over.
    ///
    /// # Errors
    ///
    /// [`StoreError::Expired`] when events after `seq` have been pruned already (they are kept for seven days at least).
    pub async fn since(&self, seq: u64, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let mut events = Vec::new();
        let mut after = seq;
        // A page of nothing but unknown events must not look like the end.
        loop {
            let rows = sqlx::query(EVENTS_AFTER)
                .bind(dialect::signed(after))
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
                .await?;
            let Some(last) = rows.last() else { break };
            after = row::read(last)?.seq;
            for row in &rows {
                let entry = row::read(row)?;
                if let Body::Event(event) = entry.body {
                    events.push(StoredEvent {
                        seq: entry.seq,
                        utc_us: entry.stamp.utc_us,
                        event,
                    });
                }
            }
            if !events.is_empty() {
                break;
            }
        }
        // Asked last, so that pruning while we read cannot leave a hole unseen.
        let pruned_to = self.pruned_to().await?;
        if seq < pruned_to {
            Err(StoreError::Expired { pruned_to })
        } else {
            Ok(events)
        }
    }

    /// The first `limit` events of a call, oldest first, that stand between its first and its last (none: it is up still).
    ///
    /// Reads the entries between, and decodes those of the call.
    ///
    /// # Errors
    ///
    /// [`StoreError::Expired`] when the first has been pruned already.
    pub async fn of_call(
        &self,
        call: CallId,
        (first, last): (u64, Option<u64>),
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let rows = sqlx::query(EVENTS_OF_CALL)
            .bind(dialect::signed(first))
            .bind(last.map_or(i64::MAX, dialect::signed))
            .bind(call.0.to_be_bytes().to_vec())
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        let (kind, id) = ("calls", call.to_string());
        let mut events = Vec::new();
        for row in &rows {
            let entry = row::read(row)?;
            if let Body::Event(event) = entry.body
                && event.resource() == (kind, id.clone())
            {
                events.push(StoredEvent {
                    seq: entry.seq,
                    utc_us: entry.stamp.utc_us,
                    event,
                });
            }
        }
        let pruned_to = self.pruned_to().await?;
        if first <= pruned_to {
            return Err(StoreError::Expired { pruned_to });
        }
        Ok(events)
    }

    /// The entries from the last checkpoint before entry `seq` on, that checkpoint first: what the state was at that entry.
    ///
    /// # Errors
    ///
    /// [`StoreError::Expired`] when what is needed has been pruned already.
    pub async fn rebuild(&self, seq: u64) -> Result<RestartReader, StoreError> {
        let reader = RestartReader::before(&self.pool, seq).await?;
        let pruned_to = self.pruned_to().await?;
        if reader.begins_after() < pruned_to {
            return Err(StoreError::Expired { pruned_to });
        }
        Ok(reader)
    }

    /// The number of the last entry that is no longer kept; 0 when all are.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn pruned_to(&self) -> Result<u64, StoreError> {
        let value: i64 = sqlx::query_scalar(PRUNED_TO).fetch_one(&self.pool).await?;
        Ok(dialect::unsigned(value))
    }
}
