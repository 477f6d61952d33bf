//! What happened: the one vocabulary of the journal, the view, the read models and the event stream.
//!
//! Events are past tense, small, and complete enough that everything shown to people can be folded from them
//! without asking the engine. Names of queues and users stand in them as text, so that an event means the same after
//! a rename. New kinds are added at the end with a new number; numbers are never used twice.

mod choice;

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

pub use choice::{Cause, Choice, Claim, Strategy, Team};

use crate::command::OverrideState;
use crate::ids::{CallId, LegId};

/// Alarms about queues begin with this, their queue's name follows: somebody waits there and nobody is there to take
/// calls (rule 21). Work for a supervisor; the daemon itself is well.
pub const NOBODY_ALARM: &str = "nobody:";

/// What the alarm of an uploaded prompt that cannot be read begins with; the prompt's name follows.
pub const PROMPT_ALARM: &str = "prompt-unreadable:";

/// One thing that happened. In JSON: `{"type": "call-started", ...}`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// A call came in or was placed.
    #[n(0)]
    CallStarted {
        /// The call.
        #[n(0)]
        call: CallId,
        /// Which way.
        #[n(1)]
        direction: Direction,
        /// Who calls.
        #[n(2)]
        caller: Party,
        /// What they dialled.
        #[n(3)]
        called: String,
        /// The trunk it came in by.
        #[n(4)]
        trunk: Option<String>,
        /// The user whose phone or click started it.
        #[n(5)]
        user: Option<String>,
        /// Whether a directory entry marks the caller as a VIP (rule 2).
        #[n(6)]
        #[cbor(default)]
        vip: bool,
    },
    /// The caller's leg was answered (by the queue's music, an announcement or a person).
    #[n(1)]
    CallAnswered {
        /// The call.
        #[n(0)]
        call: CallId,
    },
    /// The call waits in a queue, or for one user.
    #[n(2)]
    CallQueued {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The queue's name; empty for a direct call.
        #[n(1)]
        queue: Option<String>,
        /// The user a direct call waits for.
        #[n(2)]
        user: Option<String>,
        /// Its place in the order (rule 1).
        #[n(3)]
        rank: Rank,
        /// Priority points, queue's and caller's together.
        #[n(4)]
        priority: i32,
        /// When it first entered a queue of this visit, UTC microseconds.
        #[n(5)]
        arrival_us: i64,
        /// Within how many seconds of entry four in five such callers are answered; none when nobody works for the queue, or
        /// the call does not enter it anew.
        #[n(6)]
        #[cbor(default)]
        estimate_seconds: Option<u32>,
    },
    /// The call waits no more in that queue: connected, given up, or sent elsewhere.
    #[n(3)]
    CallLeftQueue {
        /// The call.
        #[n(0)]
        call: CallId,
        /// Why.
        #[n(1)]
        why: LeftQueue,
    },
    /// A leg was added: somebody is being called, or called us.
    #[n(4)]
    LegStarted {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The leg.
        #[n(1)]
        leg: LegId,
        /// Its part in the call.
        #[n(2)]
        role: LegRole,
        /// The number or extension at its far end.
        #[n(3)]
        number: String,
        /// The trunk it goes over; none for a phone registered here.
        #[n(4)]
        trunk: Option<String>,
        /// The user at its far end.
        #[n(5)]
        user: Option<String>,
    },
    /// The far end rings.
    #[n(5)]
    LegRinging {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The leg.
        #[n(1)]
        leg: LegId,
    },
    /// The far end answered.
    #[n(6)]
    LegAnswered {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The leg.
        #[n(1)]
        leg: LegId,
    },
    /// The leg is over.
    #[n(7)]
    LegEnded {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The leg.
        #[n(1)]
        leg: LegId,
        /// How.
        #[n(2)]
        cause: EndCause,
    },
    /// An agent is alerted.
    #[n(8)]
    AlertStarted {
        /// The alert's own number.
        #[n(0)]
        alert: u64,
        /// The call.
        #[n(1)]
        call: CallId,
        /// The agent's user name.
        #[n(2)]
        agent: String,
        /// The queue it is for; none for a direct call.
        #[n(3)]
        queue: Option<String>,
        /// Whether the agent picked the call up (rule 13); else it was chosen for them.
        #[n(4)]
        #[cbor(default)]
        picked_up: bool,
        /// Why them; none in what an earlier program wrote. The event stream does not tell it: it names colleagues and other calls.
        #[n(5)]
        #[cbor(default)]
        #[serde(skip)]
        choice: Option<Choice>,
    },
    /// An alert ended, in exactly one way (rule 10).
    #[n(9)]
    AlertEnded {
        /// The alert's own number.
        #[n(0)]
        alert: u64,
        /// The call.
        #[n(1)]
        call: CallId,
        /// The agent's user name.
        #[n(2)]
        agent: String,
        /// How.
        #[n(3)]
        end: AlertEnd,
        /// The SIP status that failed it.
        #[n(4)]
        sip_status: Option<u16>,
    },
    /// Two people can talk.
    #[n(10)]
    CallConnected {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The user who took it.
        #[n(1)]
        user: Option<String>,
        /// The leg of the one who took it.
        #[n(2)]
        leg: LegId,
        /// The queue it came from.
        #[n(3)]
        queue: Option<String>,
    },
    /// One side put the other on hold.
    #[n(11)]
    CallHeld {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The leg that asked for it.
        #[n(1)]
        by: LegId,
    },
    /// The hold is over.
    #[n(12)]
    CallResumed {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The leg that had asked for it.
        #[n(1)]
        by: LegId,
    },
    /// The call was sent to another destination by a rule.
    #[n(13)]
    CallDiverted {
        /// The call.
        #[n(0)]
        call: CallId,
        /// Why.
        #[n(1)]
        why: Diversion,
        /// Where to, as a destination is written: `announcement:closed`.
        #[n(2)]
        to: String,
        /// The queue that did not let it in, or that it waited in; none for a direct call.
        #[n(3)]
        queue: Option<String>,
    },
    /// The call is over; nothing more happens to it.
    #[n(14)]
    CallEnded {
        /// The call.
        #[n(0)]
        call: CallId,
        /// How.
        #[n(1)]
        cause: EndCause,
        /// Who ended it.
        #[n(2)]
        by: EndedBy,
    },
    /// An agent's state, whole, whenever any part of it changes.
    #[n(15)]
    AgentChanged {
        /// The agent's user name.
        #[n(0)]
        agent: String,
        /// Presence.
        #[n(1)]
        presence: Presence,
        /// Why on break.
        #[n(2)]
        reason: Option<String>,
        /// What they are doing.
        #[n(3)]
        activity: Activity,
        /// The presence that takes effect after the interaction in hand.
        #[n(4)]
        pending: Option<Presence>,
        /// The phone they sit at.
        #[n(5)]
        extension: Option<String>,
        /// Whether that phone can be rung.
        #[n(6)]
        device: Device,
        /// Since when presence and activity have been like this, UTC microseconds.
        #[n(7)]
        since_us: i64,
        /// The call they have, alerting or connected.
        #[n(8)]
        call: Option<CallId>,
        /// The queues of theirs that they have left until they log out (rule 16).
        #[n(9)]
        #[cbor(default)]
        left_queues: Vec<String>,
        /// The calls of theirs that still lack the wrap-up code their queue requires, oldest first (rule 17).
        #[n(10)]
        #[cbor(default)]
        codes_due: Vec<CallId>,
    },
    /// A queue opened or closed, or will do so at another time than thought.
    #[n(16)]
    QueueChanged {
        /// The queue's name.
        #[n(0)]
        queue: String,
        /// Whether it takes new calls.
        #[n(1)]
        open: bool,
        /// The supervisor's override in force.
        #[n(2)]
        override_state: Option<OverrideState>,
        /// When the override ends by itself, UTC microseconds.
        #[n(3)]
        override_until_us: Option<i64>,
        /// When it opens or closes next, UTC microseconds.
        #[n(4)]
        next_change_us: Option<i64>,
    },
    /// A phone registered, or refreshed with another address.
    #[n(17)]
    PhoneRegistered {
        /// The extension.
        #[n(0)]
        extension: String,
        /// Where it is reached.
        #[n(1)]
        contact: String,
        /// Until when, UTC microseconds.
        #[n(2)]
        expires_us: i64,
    },
    /// A phone is gone: un-registered, expired or replaced.
    #[n(18)]
    PhoneUnregistered {
        /// The extension.
        #[n(0)]
        extension: String,
        /// Where it was reached.
        #[n(1)]
        contact: String,
    },
    /// The centre changed.
    #[n(19)]
    CentreChanged {
        /// The new version.
        #[n(0)]
        version: u64,
        /// What changed.
        #[n(1)]
        changes: Vec<Change>,
    },
    /// Something needs a person: shown until cleared.
    #[n(20)]
    AlarmRaised {
        /// A fixed word for it, such as `ports-exhausted`.
        #[n(0)]
        alarm: String,
        /// For people.
        #[n(1)]
        text: String,
    },
    /// The alarm is over.
    #[n(21)]
    AlarmCleared {
        /// The word it was raised with.
        #[n(0)]
        alarm: String,
    },
    /// A user began work as an agent.
    #[n(22)]
    AgentLoggedIn {
        /// Their user name.
        #[n(0)]
        agent: String,
        /// The phone they sit at.
        #[n(1)]
        extension: Option<String>,
    },
    /// A user's work as an agent ended.
    #[n(23)]
    AgentLoggedOut {
        /// Their user name.
        #[n(0)]
        agent: String,
    },
    /// A call that waits is held for one agent from now on, or for nobody any more (rules 4, 9 and 14).
    #[n(24)]
    CallReserved {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The agent's user name; none when it is held for nobody any more.
        #[n(1)]
        by: Option<String>,
        /// They did not reserve it: they served the caller before.
        #[cbor(n(2), default)]
        sticky: bool,
        /// Nor this: they sent it away, and it came back.
        #[cbor(n(3), default)]
        recall: bool,
    },
    /// The call has waited for its queue's service-level time, and the queue's action was done (rule 23).
    #[n(25)]
    ServiceLevelReached {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The queue's name.
        #[n(1)]
        queue: String,
        /// What was done, as it is written: `raise:5`, `notify` or a destination.
        #[n(2)]
        action: String,
    },
    /// The centre's day began: counters start anew.
    #[n(26)]
    DayBegan {},
    /// What a queue promises its callers from now on.
    #[n(27)]
    ServiceLevelSet {
        /// The queue's name.
        #[n(0)]
        queue: String,
        /// Seconds within which a call shall be answered.
        #[n(1)]
        seconds: u32,
        /// Who gives up within so many seconds is a short abandon.
        #[n(2)]
        short_abandon: u32,
    },
    /// An agent whose user was removed or disabled has no call left, and is no agent any more.
    #[n(28)]
    AgentRemoved {
        /// Their user name.
        #[n(0)]
        agent: String,
    },
    /// One who talked in it has sent the other side on, and is out of it.
    #[n(29)]
    CallTransferred {
        /// The call.
        #[n(0)]
        call: CallId,
        /// Who sent it: their user name.
        #[n(1)]
        by: String,
        /// Where to, as a destination is written: `extension:1002`.
        #[n(2)]
        to: String,
        /// Who is still in it: the caller from now on, whoever called whom.
        #[n(3)]
        party: Party,
    },
    /// Nobody took it where it was sent or parked: it comes back (rule 4).
    #[n(30)]
    CallRecalled {
        /// The call.
        #[n(0)]
        call: CallId,
        /// Who had sent it: their user name; none: a rule had, or they are gone.
        #[n(1)]
        from: Option<String>,
        /// The queue it waits in from now on; none: it waits for who sent it.
        #[n(2)]
        queue: Option<String>,
    },
    /// The call is parked: whoever sees its slot can retrieve it.
    #[n(31)]
    CallParked {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The slot, from 1.
        #[n(1)]
        slot: u32,
        /// Who parked it: their user name; none: a rule did.
        #[n(2)]
        by: Option<String>,
        /// Their park location then: those of that location see it.
        #[n(3)]
        location: Option<String>,
        /// Who is parked: the caller from now on, whoever called whom.
        #[n(4)]
        party: Party,
    },
    /// Somebody has taken a parked call.
    #[n(32)]
    CallRetrieved {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The slot it was in.
        #[n(1)]
        slot: u32,
        /// Who took it: their user name.
        #[n(2)]
        by: String,
    },
    /// An agent said what a call was about, or takes that back (rule 17); also after its end.
    #[n(33)]
    CallCoded {
        /// The call.
        #[n(0)]
        call: CallId,
        /// The agent's user name.
        #[n(1)]
        agent: String,
        /// The category of the code.
        #[n(2)]
        category: Option<String>,
        /// The wrap-up code; none: it has none any more.
        #[n(3)]
        code: Option<String>,
        /// More in words of their own.
        #[n(4)]
        text: Option<String>,
    },
    /// A source of SIP messages is not heard for a while, because of what it has sent.
    #[n(36)]
    SourceBanned {
        /// Its address.
        #[n(0)]
        address: String,
        /// For how long.
        #[n(1)]
        seconds: u64,
        /// What for.
        #[n(2)]
        why: String,
    },
    /// A user dialled an outside number that they may not call.
    #[n(37)]
    DialRefused {
        /// Their user name.
        #[n(0)]
        user: String,
        /// The number.
        #[n(1)]
        number: String,
        /// Why not.
        #[n(2)]
        why: String,
    },
}

/// Which way a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From a trunk to us.
    #[n(0)]
    Inbound,
    /// From a phone of ours to a trunk.
    #[n(1)]
    Outbound,
    /// Between phones of ours, or from one to a queue.
    #[n(2)]
    Internal,
}

/// Somebody on the phone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Party {
    /// Their number; empty when withheld.
    #[n(0)]
    pub number: String,
    /// Their name, as the other side sent it.
    #[n(1)]
    pub name: Option<String>,
}

/// A place in the order of rule 1, smallest first; compares as written.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize,
)]
pub struct Rank {
    /// 0 urgent, 1 normal, 2 low.
    #[n(0)]
    pub tier: u8,
    /// Arrival minus priority times ageing, in microseconds.
    #[n(1)]
    pub key_us: i64,
    /// Arrival, in microseconds.
    #[n(2)]
    pub arrival_us: i64,
    /// The interaction's number.
    #[n(3)]
    pub id: u64,
}

/// Why a call waits no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftQueue {
    /// An agent has it.
    #[n(0)]
    Connected,
    /// The caller gave up.
    #[n(1)]
    Abandoned,
    /// A rule sent it elsewhere.
    #[n(2)]
    Diverted,
    /// The system ended it.
    #[n(3)]
    Ended,
    /// The daemon stopped in the middle.
    #[n(4)]
    Interrupted,
}

/// A leg's part in its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegRole {
    /// The one who called.
    #[n(0)]
    Caller,
    /// An agent being alerted for a queue or direct call.
    #[n(1)]
    Agent,
    /// A phone or outside number that was called.
    #[n(2)]
    Callee,
}

/// How a call or leg ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct EndCause {
    /// The outcome in one word.
    #[n(0)]
    pub result: EndResult,
    /// The SIP status that ended it; none when it was ended by BYE.
    #[n(1)]
    pub sip_status: Option<u16>,
    /// For people.
    #[n(2)]
    pub reason: Option<String>,
}

/// The outcome of a call or leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndResult {
    /// Two people talked.
    #[n(0)]
    Answered,
    /// The caller gave up before anyone answered.
    #[n(1)]
    Abandoned,
    /// The queue was closed; an announcement or another destination had the caller.
    #[n(2)]
    Closed,
    /// The queue was full, or refused for want of agents.
    #[n(3)]
    Refused,
    /// Busy.
    #[n(4)]
    Busy,
    /// Nobody answered in time.
    #[n(5)]
    NoAnswer,
    /// It could not be put through.
    #[n(6)]
    Failed,
    /// The one called refused.
    #[n(7)]
    Rejected,
    /// An announcement was played and the call ended with it.
    #[n(8)]
    Announced,
    /// Another leg was chosen, or the alert was withdrawn.
    #[n(9)]
    Withdrawn,
    /// The daemon stopped in the middle.
    #[n(10)]
    Interrupted,
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndedBy {
    /// The one who called.
    #[n(0)]
    Caller,
    /// The one who was called, or the agent.
    #[n(1)]
    Callee,
    /// A rule or fault of ours.
    #[n(2)]
    System,
    /// Somebody through the API.
    #[n(3)]
    User,
}

/// How an alert ended (rule 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertEnd {
    /// Taken.
    #[n(0)]
    Accepted,
    /// Refused by the agent.
    #[n(1)]
    Rejected,
    /// Rang out.
    #[n(2)]
    TimedOut,
    /// Taken back: caller gone, break, logout, picked up by another.
    #[n(3)]
    Withdrawn,
    /// The device could not be alerted.
    #[n(4)]
    Failed,
}

/// Why a call was sent elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Diversion {
    /// The queue was closed at entry.
    #[n(0)]
    Closed,
    /// The queue closed while it waited.
    #[n(1)]
    Closing,
    /// The queue was full.
    #[n(2)]
    Full,
    /// `join_when` refused it.
    #[n(3)]
    Refused,
    /// The user of a direct call was not there, refused, or did not answer.
    #[n(4)]
    Unavailable,
    /// The queue or user it waited for was removed.
    #[n(5)]
    Removed,
    /// It had waited in its queue for `max_wait`.
    #[n(6)]
    Overflow,
    /// For `nobody_after` nobody was there who could take it.
    #[n(7)]
    Nobody,
    /// The queue's service-level action sent it.
    #[n(8)]
    ServiceLevel,
}

/// An agent's presence (rule 16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// Not at work.
    #[n(0)]
    Offline,
    /// Ready.
    #[n(1)]
    Available,
    /// Not ready, with a reason.
    #[n(2)]
    Break,
}

/// What an agent is doing (rule 16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// Nothing.
    #[n(0)]
    Idle,
    /// Their phone is being rung.
    #[n(1)]
    Alerting,
    /// On a call.
    #[n(2)]
    Busy,
    /// After a call.
    #[n(3)]
    WrapUp,
}

/// Whether an agent's phone can be rung (rules 12, 18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// It has none.
    #[n(0)]
    None,
    /// Registered here, or rung through a trunk.
    #[n(1)]
    Reachable,
    /// It was registered and is gone.
    #[n(2)]
    Unregistered,
    /// It failed and is tried again later.
    #[n(3)]
    Unreachable,
}

/// One resource of the centre that changed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Change {
    /// The kind: `queues`, `users`, ...
    #[n(0)]
    pub kind: String,
    /// Its name.
    #[n(1)]
    pub name: String,
    /// `added`, `changed` or `removed`.
    #[n(2)]
    pub what: String,
}

impl Change {
    /// Whether one of that kind is gone.
    pub(crate) fn removes(&self, kind: &str) -> bool {
        self.kind == kind && self.what == "removed"
    }
}

impl Event {
    /// The resource it is about, as the event stream names it: kind and id.
    pub fn resource(&self) -> (&'static str, String) {
        use alloc::string::ToString;
        match self {
            Self::CallStarted { call, .. }
            | Self::CallAnswered { call }
            | Self::CallQueued { call, .. }
            | Self::CallLeftQueue { call, .. }
            | Self::LegStarted { call, .. }
            | Self::LegRinging { call, .. }
            | Self::LegAnswered { call, .. }
            | Self::LegEnded { call, .. }
            | Self::AlertStarted { call, .. }
            | Self::AlertEnded { call, .. }
            | Self::CallConnected { call, .. }
            | Self::CallHeld { call, .. }
            | Self::CallResumed { call, .. }
            | Self::CallDiverted { call, .. }
            | Self::CallReserved { call, .. }
            | Self::CallCoded { call, .. }
            | Self::ServiceLevelReached { call, .. }
            | Self::CallTransferred { call, .. }
            | Self::CallRecalled { call, .. }
            | Self::CallParked { call, .. }
            | Self::CallRetrieved { call, .. }
            | Self::CallEnded { call, .. } => ("calls", call.to_string()),
            Self::AgentChanged { agent, .. }
            | Self::AgentLoggedIn { agent, .. }
            | Self::AgentLoggedOut { agent }
            | Self::AgentRemoved { agent } => ("agents", agent.clone()),
            Self::QueueChanged { queue, .. } | Self::ServiceLevelSet { queue, .. } => {
                ("queues", queue.clone())
            }
            Self::PhoneRegistered { extension, .. } | Self::PhoneUnregistered { extension, .. } => {
                ("phones", extension.clone())
            }
            Self::CentreChanged { version, .. } => ("centre", version.to_string()),
            Self::DayBegan {} => ("centre", "day".into()),
            Self::DialRefused { user, .. } => ("users", user.clone()),
            Self::SourceBanned { address, .. } => ("bans", address.clone()),
            Self::AlarmRaised { alarm, .. } | Self::AlarmCleared { alarm } => {
                ("alarms", alarm.clone())
            }
        }
    }
}
