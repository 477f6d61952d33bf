//! What happened to one call, from the journal, or from its record when the journal has it no more.

use std::sync::Arc;

use config::Snapshot;
use engine::explain::Decision;
use engine::{CallId, Event};

use super::{Answer, ReadError};

/// Tells what happened to calls.
pub trait Chronicle: Send + Sync {
    /// A call that is up or over; none when nothing is known of it.
    fn story(&self, call: CallId) -> Answer<'_, Result<Option<Story>, ReadError>>;

    /// The decisions that alerted agents for a call, made once more from the journal with everybody who was a candidate.
    fn recount(
        &self,
        call: CallId,
        snapshot: Arc<Snapshot>,
    ) -> Answer<'_, Result<Recounted, ReadError>>;
}

/// What came of making decisions once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recounted {
    /// They are the same again; none of a call that alerted nobody.
    Made(Vec<Decision>),
    /// It cannot be done; why, for people.
    Lost(String),
}

/// What happened to a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// Its events, oldest first.
    pub events: Vec<StoryEvent>,
    /// Whether these are all. The journal keeps events for seven days; of older calls only what is on record is told.
    pub whole: bool,
}

/// One event of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryEvent {
    /// Its number in the journal; none when it was made from the call's record.
    pub seq: Option<u64>,
    /// When, UTC microseconds.
    pub utc_us: i64,
    /// What.
    pub event: Event,
}
