//! The history, from the store's read models.
//!
//! They are a little behind what readers of the view see. Who has seen a call end there finds it here: a page waits until the
//! read models have got as far as the view, but not long, for an old history is better than none.

use std::sync::Arc;
use std::time::Duration;

use admin_api::Answer;
use admin_api::ports::{
    AlertRecord, CallDetail, CallRecord, HistoryPage, HistoryQuery, HistoryReader, LegRecord,
    ReadError,
};
use engine::CallId;
use engine::event::{EndResult, EndedBy};
use store::{History, HistoryFilter, JournalHealth, StoreError};
use tokio::time::timeout;

use crate::view::Views;

/// How long a page waits for the read models at most.
const BEHIND_MAX: Duration = Duration::from_millis(500);

/// The store's history.
#[derive(Debug)]
pub(crate) struct HistoryPort {
    pub(crate) history: History,
    pub(crate) journal: JournalHealth,
    pub(crate) views: Arc<Views>,
}

impl HistoryPort {
    /// Lets the read models catch up with what the view shows.
    async fn catch_up(&self) {
        let seen = self.views.view().seq;
        // Late or never, the answer is what there is.
        let _ = timeout(BEHIND_MAX, self.journal.wait_projected(seen)).await;
    }
}

fn failed(error: StoreError) -> ReadError {
    if matches!(error, StoreError::Cursor) {
        ReadError::Cursor
    } else {
        ReadError::Store(error.to_string())
    }
}

impl HistoryReader for HistoryPort {
    fn page(&self, query: HistoryQuery) -> Answer<'_, Result<HistoryPage, ReadError>> {
        Box::pin(async move {
            let limit = u32::try_from(query.limit).unwrap_or(u32::MAX);
            let cursor = query.cursor.clone();
            self.catch_up().await;
            let page = self
                .history
                .query(&filter(query), limit, cursor.as_deref())
                .await
                .map_err(failed)?;
            Ok(HistoryPage {
                items: page.items.into_iter().map(call).collect(),
                next: page.next,
            })
        })
    }

    fn call(&self, id: CallId) -> Answer<'_, Result<Option<CallDetail>, ReadError>> {
        Box::pin(async move {
            self.catch_up().await;
            let detail = self.history.call(id).await.map_err(failed)?;
            // One that is not over is read live.
            let over = detail.filter(|detail| detail.call.ended_us.is_some());
            Ok(over.map(|detail| CallDetail {
                call: call(detail.call),
                legs: detail.legs.into_iter().map(leg).collect(),
                alerts: detail.alerts.into_iter().map(alert).collect(),
            }))
        })
    }
}

fn filter(query: HistoryQuery) -> HistoryFilter {
    HistoryFilter {
        users: query.party.map(|party| vec![party]),
        queues: None,
        last_queue: query.queue,
        user: query.agent,
        from_us: query.from_us,
        to_us: query.to_us,
        result: query.result,
        direction: query.direction,
        caller: query.caller,
        called: query.called,
    }
}

/// A call that is over. What never happened to it has no length.
fn call(record: store::CallRecord) -> CallRecord {
    let queued = record.queued_us.is_some();
    let connected = record.connected_us.is_some();
    CallRecord {
        id: record.id,
        direction: record.direction,
        caller: record.caller.number,
        caller_name: record.caller.name,
        called: record.called,
        trunk: record.trunk,
        queue: record.last_queue,
        agent: record.user,
        user: record.started_by,
        started_us: record.started_us,
        queued_us: record.queued_us,
        answered_us: record.answered_us,
        connected_us: record.connected_us,
        ended_us: record.ended_us.unwrap_or(record.started_us),
        waited_us: queued.then_some(record.waited_us),
        rung_us: connected.then_some(record.rung_us),
        talked_us: connected.then_some(record.talked_us),
        held_us: record.held_us,
        result: record.result.unwrap_or(EndResult::Failed),
        sip_status: record.sip_status,
        reason: record.reason,
        ended_by: record.ended_by.unwrap_or(EndedBy::System),
        diverted_to: record.diverted_to,
    }
}

fn leg(record: store::LegRecord) -> LegRecord {
    LegRecord {
        id: record.id,
        role: record.role,
        number: record.number,
        trunk: record.trunk,
        user: record.user,
        started_us: record.started_us,
        ringing_us: record.ringing_us,
        answered_us: record.answered_us,
        ended_us: record.ended_us,
        result: record.result,
        sip_status: record.sip_status,
    }
}

fn alert(record: store::AlertRecord) -> AlertRecord {
    AlertRecord {
        agent: record.agent,
        queue: record.queue,
        started_us: record.started_us,
        ended_us: record.ended_us,
        end: record.outcome,
        sip_status: record.sip_status,
    }
}
