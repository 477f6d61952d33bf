//! The stream of events: past ones from the journal, new ones as they happen.

use std::sync::Arc;

use engine::Event;
use tokio::sync::broadcast;

use super::Answer;

/// Reads the events of the journal and follows new ones.
pub trait EventLog: Send + Sync {
    /// The number of the last event that was published.
    fn latest(&self) -> u64;

    /// Up to `limit` events after `seq`, oldest first; fewer than `limit` means that there are no more yet.
    ///
    /// Numbers rise but need not be consecutive: the journal numbers other entries too. An event is here at the
    /// latest when it is durable, so what a subscriber heard first may come a little later.
    fn since(&self, seq: u64, limit: usize) -> Answer<'_, Result<Vec<LoggedEvent>, SinceError>>;

    /// New events from now on, in order. A receiver that falls behind is told so.
    fn subscribe(&self) -> broadcast::Receiver<LoggedEvent>;
}

/// One event with its place and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its number in the journal.
    pub seq: u64,
    /// When it happened, UTC microseconds since the Unix epoch.
    pub utc_us: i64,
    /// What happened.
    pub event: Arc<Event>,
}

/// Why past events cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinceError {
    /// They are no longer kept.
    #[error("events before {oldest} are no longer kept")]
    TooOld {
        /// The oldest that is kept.
        oldest: u64,
    },
    /// The journal could not be read; the text is for the log.
    #[error("store: {0}")]
    Store(String),
}
