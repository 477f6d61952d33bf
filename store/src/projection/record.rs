//! The rows of the read models, as history hands them out. All times are UTC microseconds, all lengths microseconds.

use engine::event::{
    Activity, AlertEnd, Choice, Direction, Diversion, EndResult, EndedBy, LegRole, Party, Presence,
};
use engine::view::Coded;
use engine::{CallId, LegId};
use serde::Serialize;

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallRecord {
    /// Which.
    pub id: CallId,
    /// Which way.
    pub direction: Direction,
    /// Who called.
    pub caller: Party,
    /// What they dialled.
    pub called: String,
    /// The trunk it came in by.
    pub trunk: Option<String>,
    /// The user whose phone or click started it.
    pub started_by: Option<String>,
    /// The queue it came to first, whether that let it in or not; none for a direct call.
    pub first_queue: Option<String>,
    /// The queue it came to last, whether that let it in or not.
    pub last_queue: Option<String>,
    /// The user who took it; the last one, where several did.
    pub user: Option<String>,
    /// When it came in or was placed.
    pub started_us: i64,
    /// When it first began to wait, in a queue or for a user.
    pub queued_us: Option<i64>,
    /// When the caller's leg was answered, by whatever.
    pub answered_us: Option<i64>,
    /// When the first agent was alerted for it.
    pub alerted_us: Option<i64>,
    /// When two people could talk first.
    pub connected_us: Option<i64>,
    /// When it was over; none while it is not.
    pub ended_us: Option<i64>,
    /// How long it waited, all stays in queues together, until somebody took it, it left, or it ended.
    pub waited_us: i64,
    /// How long the phone rang whose ringing was answered.
    pub rung_us: i64,
    /// From the first connection to the end.
    pub talked_us: i64,
    /// How long at least one side held the other; part of `talked_us`.
    pub held_us: i64,
    /// How it ended.
    pub result: Option<EndResult>,
    /// The SIP status that ended it; none when it was ended by BYE.
    pub sip_status: Option<u16>,
    /// Why it ended, for people.
    pub reason: Option<String>,
    /// Who ended it.
    pub ended_by: Option<EndedBy>,
    /// Why a rule sent it elsewhere, the last time one did.
    pub diverted_why: Option<Diversion>,
    /// Where to, as a destination is written.
    pub diverted_to: Option<String>,
    /// The number of the event that began it; none in what an earlier program wrote.
    pub began_seq: Option<u64>,
    /// The number of the event that ended it.
    pub ended_seq: Option<u64>,
    /// What it was about. Kept beside the row and read with it by history alone: it may come after the call's end.
    pub coded: Option<Coded>,
}

/// What an agent said of a call, or that they say nothing of it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeRecord {
    /// The call.
    pub(crate) call: CallId,
    /// The agent's user name.
    pub(crate) agent: String,
    /// The category of the code.
    pub(crate) category: Option<String>,
    /// The code; none: it has none any more.
    pub(crate) code: Option<String>,
    /// More in their own words.
    pub(crate) text: Option<String>,
    /// When they said so.
    pub(crate) at_us: i64,
}

/// One leg of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LegRecord {
    /// Which.
    pub id: LegId,
    /// Of which call.
    pub call: CallId,
    /// Its part in the call.
    pub role: LegRole,
    /// The number or extension at its far end.
    pub number: String,
    /// The trunk it went over; none for a phone registered here.
    pub trunk: Option<String>,
    /// The user at its far end.
    pub user: Option<String>,
    /// When it was added.
    pub started_us: i64,
    /// When the far end rang.
    pub ringing_us: Option<i64>,
    /// When the far end answered.
    pub answered_us: Option<i64>,
    /// When it was over.
    pub ended_us: Option<i64>,
    /// How it ended; none when it was left to end with its call.
    pub result: Option<EndResult>,
    /// The SIP status that ended it.
    pub sip_status: Option<u16>,
    /// For people.
    pub reason: Option<String>,
}

/// One alert of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertRecord {
    /// For which call.
    pub call: CallId,
    /// Its own number.
    pub id: u64,
    /// The agent's user name.
    pub agent: String,
    /// The queue it was for; none for a direct call.
    pub queue: Option<String>,
    /// When it began.
    pub started_us: i64,
    /// When it was over.
    pub ended_us: Option<i64>,
    /// How it ended; none when it was left to end with its call.
    pub outcome: Option<AlertEnd>,
    /// The SIP status that failed it.
    pub sip_status: Option<u16>,
    /// Whether the agent picked the call up; else it was chosen for them.
    pub picked_up: bool,
    /// The number of the event that began it; none in what an earlier program wrote.
    pub seq: Option<u64>,
    /// Why they were alerted; none in what an earlier program wrote.
    pub choice: Option<Choice>,
}

/// One stay of an agent at work, from login to logout. It outlives restarts of the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionRecord {
    /// The number of the event that began it.
    pub id: u64,
    /// The agent's user name.
    pub agent: String,
    /// The phone they sat at.
    pub extension: Option<String>,
    /// Login.
    pub began_us: i64,
    /// Logout; none while they are at work.
    pub ended_us: Option<i64>,
}

/// A time in which an agent's presence, its reason and what they did stayed the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateRecord {
    /// The number of the event that began it.
    pub id: u64,
    /// The agent's user name.
    pub agent: String,
    /// Presence.
    pub presence: Presence,
    /// What they did.
    pub activity: Activity,
    /// Why on break.
    pub reason: Option<String>,
    /// From.
    pub began_us: i64,
    /// To; none while it lasts.
    pub ended_us: Option<i64>,
}
