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

/// How long a page waits for the read models at most, as the daemon has it.
pub(crate) const BEHIND_MAX: Duration = Duration::from_millis(500);

/// The store's history.
#[derive(Debug)]
pub(crate) struct HistoryPort {
    pub(crate) history: History,
    pub(crate) journal: JournalHealth,
    pub(crate) views: Arc<Views>,
    /// How long a page waits for the read models at most.
    pub(crate) behind_max: Duration,
}

impl HistoryPort {
    /// Lets the read models catch up with what has happened, which the view may not show yet.
    pub(super) async fn catch_up(&self) {
        let happened = self.journal.figures().appended_seq;
        let seen = self.views.view().seq.max(happened);
        // Late or never, the answer is what there is.
        let _ = timeout(self.behind_max, self.journal.wait_projected(seen)).await;
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
        coded: record.coded,
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
        picked_up: record.picked_up,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{self, Publication};
    use admin_api::ports::LoggedEvent;
    use engine::Event;
    use engine::event::{Direction, EndCause, Party};
    use engine::journal::{Body, Entry, Stamp};
    use std::future::poll_fn;
    use std::task::Poll;
    use store::{Limits, Store};

    const CALL: CallId = CallId(0x0100_0000_0000_0001);

    fn a_call() -> [Arc<Event>; 2] {
        let started = Event::CallStarted {
            call: CALL,
            direction: Direction::Inbound,
            caller: Party::default(),
            called: "2000".into(),
            trunk: None,
            user: None,
            vip: false,
        };
        let cause = EndCause {
            result: EndResult::Abandoned,
            sip_status: None,
            reason: None,
        };
        let ended = Event::CallEnded {
            call: CALL,
            cause,
            by: EndedBy::Caller,
        };
        [started, ended].map(Arc::new)
    }

    fn entry(seq: u64, event: Arc<Event>) -> Entry {
        let stamp = Stamp {
            node: 1,
            incarnation: 1,
            mono_us: seq,
            utc_us: 1_700_000_000_000_000,
            config_version: 1,
            rules_version: 1,
        };
        Entry {
            seq,
            stamp,
            body: Body::Event(event),
        }
    }

    /// The view is quicker than the disk: who has seen there that a call is over finds it here.
    #[tokio::test]
    async fn a_page_waits_for_what_readers_have_seen() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/lampfield.db", directory.path().display());
        let store = Store::open(&url, directory.path()).await.unwrap();
        let mut journal = store.start(Limits::default()).await.unwrap();
        let (views, publisher, _thread) = view::start(engine::board::Board::default()).unwrap();
        let events: Vec<(u64, Arc<Event>)> = (1..).zip(a_call()).collect();
        let logged = |(seq, event): &(u64, Arc<Event>)| LoggedEvent {
            seq: *seq,
            utc_us: 0,
            event: Arc::clone(event),
        };
        let publication = Publication {
            events: events.iter().map(logged).collect(),
            reached: 2,
        };
        publisher.send(publication).unwrap();
        views.view_at(2).await;

        let port = HistoryPort {
            history: store.history(),
            journal: journal.health(),
            views,
            behind_max: Duration::from_secs(60),
        };
        let query = HistoryQuery {
            limit: 10,
            ..HistoryQuery::default()
        };
        let mut page = port.page(query);
        // It is under way before the journal has heard of the call.
        let begun = poll_fn(|context| Poll::Ready(page.as_mut().poll(context)));
        assert!(begun.await.is_pending());
        for (seq, event) in events {
            journal.append(entry(seq, event));
        }
        let page = page.await.unwrap();
        let ids: Vec<CallId> = page.items.iter().map(|call| call.id).collect();
        assert_eq!(ids, [CALL]);
    }
}
