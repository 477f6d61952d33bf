//! The stream of events: past ones from the journal, new ones from the projection thread.

use std::sync::Arc;

use admin_api::Answer;
use admin_api::ports::{EventLog, LoggedEvent, SinceError};
use store::{Events, StoreError};
use tokio::sync::broadcast;

use crate::view::Views;

/// Reads the journal and follows the view.
#[derive(Debug)]
pub(crate) struct EventsPort {
    pub(crate) past: Events,
    pub(crate) views: Arc<Views>,
}

fn failed(error: StoreError) -> SinceError {
    if let StoreError::Expired { pruned_to } = error {
        return SinceError::TooOld {
            oldest: pruned_to + 1,
        };
    }
    SinceError::Store(error.to_string())
}

impl EventLog for EventsPort {
    fn latest(&self) -> u64 {
        self.views.latest()
    }

    fn since(&self, seq: u64, limit: usize) -> Answer<'_, Result<Vec<LoggedEvent>, SinceError>> {
        Box::pin(async move {
            let limit = u32::try_from(limit).unwrap_or(u32::MAX);
            let events = self.past.since(seq, limit).await.map_err(failed)?;
            let logged = |event: store::StoredEvent| LoggedEvent {
                seq: event.seq,
                utc_us: event.utc_us,
                event: event.event,
            };
            Ok(events.into_iter().map(logged).collect())
        })
    }

    fn subscribe(&self) -> broadcast::Receiver<LoggedEvent> {
        self.views.follow()
    }
}
