//! Calls that are over, from the store's read models.

use engine::event::{AlertEnd, Direction, EndResult, EndedBy, LegRole};
use engine::view::Coded;
use engine::{CallId, LegId};

use super::Answer;

/// Reads the history.
pub trait HistoryReader: Send + Sync {
    /// Calls that match, newest first.
    fn page(&self, query: HistoryQuery) -> Answer<'_, Result<HistoryPage, ReadError>>;

    /// One call with its legs and alerts.
    fn call(&self, call: CallId) -> Answer<'_, Result<Option<CallDetail>, ReadError>>;
}

/// Which calls are asked for. Every field that is set narrows the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Only calls that this user took, placed or was alerted for.
    pub party: Option<String>,
    /// Started at or after, UTC microseconds.
    pub from_us: Option<i64>,
    /// Started before, UTC microseconds.
    pub to_us: Option<i64>,
    /// The queue it came to last, whether that let it in or not.
    pub queue: Option<String>,
    /// The user who took it.
    pub agent: Option<String>,
    /// The caller's number.
    pub caller: Option<String>,
    /// The number dialled.
    pub called: Option<String>,
    /// The outcome.
    pub result: Option<EndResult>,
    /// Which way it went.
    pub direction: Option<Direction>,
    /// How many at most, 1 or more.
    pub limit: usize,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// One page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// The calls.
    pub items: Vec<CallRecord>,
    /// Where the next page starts; none when this is the last.
    pub next: Option<String>,
}

/// One call that is over. Times are UTC microseconds, lengths microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// Its id.
    pub id: CallId,
    /// Which way it went.
    pub direction: Direction,
    /// The caller's number; empty when withheld.
    pub caller: String,
    /// The caller's name.
    pub caller_name: Option<String>,
    /// What was dialled.
    pub called: String,
    /// The trunk it came in by.
    pub trunk: Option<String>,
    /// The queue it came to last, whether that let it in or not.
    pub queue: Option<String>,
    /// The user who took it.
    pub agent: Option<String>,
    /// The user who placed it.
    pub user: Option<String>,
    /// When it started.
    pub started_us: i64,
    /// When it first entered a queue.
    pub queued_us: Option<i64>,
    /// When the caller's leg was answered.
    pub answered_us: Option<i64>,
    /// When two people could talk.
    pub connected_us: Option<i64>,
    /// When it ended.
    pub ended_us: i64,
    /// How long it waited in queues.
    pub waited_us: Option<i64>,
    /// How long the phone that took it rang.
    pub rung_us: Option<i64>,
    /// How long two people talked.
    pub talked_us: Option<i64>,
    /// How long it was on hold.
    pub held_us: i64,
    /// The outcome.
    pub result: EndResult,
    /// The SIP status that ended it.
    pub sip_status: Option<u16>,
    /// For people.
    pub reason: Option<String>,
    /// Who ended it.
    pub ended_by: EndedBy,
    /// Where a rule sent it.
    pub diverted_to: Option<String>,
    /// What the agent who took it says it was about.
    pub coded: Option<Coded>,
}

/// One call with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallDetail {
    /// The call.
    pub call: CallRecord,
    /// Its legs in the order they were added.
    pub legs: Vec<LegRecord>,
    /// Its alerts in the order they began.
    pub alerts: Vec<AlertRecord>,
}

/// One leg of a call that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegRecord {
    /// Its id.
    pub id: LegId,
    /// Its part in the call.
    pub role: LegRole,
    /// The number or extension at its far end.
    pub number: String,
    /// The trunk it went over.
    pub trunk: Option<String>,
    /// The user at its far end.
    pub user: Option<String>,
    /// When it began.
    pub started_us: i64,
    /// When the far end rang.
    pub ringing_us: Option<i64>,
    /// When the far end answered.
    pub answered_us: Option<i64>,
    /// When it ended.
    pub ended_us: Option<i64>,
    /// How it ended.
    pub result: Option<EndResult>,
    /// The SIP status that ended it.
    pub sip_status: Option<u16>,
}

/// One alert of a call that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRecord {
    /// The agent's user name.
    pub agent: String,
    /// The queue; none for a direct call.
    pub queue: Option<String>,
    /// When it began.
    pub started_us: i64,
    /// When it ended.
    pub ended_us: Option<i64>,
    /// How it ended.
    pub end: Option<AlertEnd>,
    /// The SIP status that failed it.
    pub sip_status: Option<u16>,
    /// Whether the agent picked the call up.
    pub picked_up: bool,
}

/// Why the history cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The cursor is none that was given out.
    #[error("the cursor is none of ours")]
    Cursor,
    /// The store could not be read; the text is for the log.
    #[error("store: {0}")]
    Store(String),
}
