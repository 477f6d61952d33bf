//! What people and programs ask of the engine, and its answers.
//!
//! A console click, the command line and a scheduled task come through the same door as an INVITE: as
//! [`Input::Command`](crate::Input). Each gets exactly one [`Reply`] in the same drain. Who may send which
//! command is decided where the person is known (the API); what a command means for a call is decided here.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use config::{Destination, DialNumber, EntryId, Role, Snapshot, Tier};

use crate::explain::{WhyNothing, WhyWaiting};
use crate::ids::{CallId, CommandId};

/// Where those go who wait in a queue that is removed, by its name.
pub type Moves = BTreeMap<String, Destination>;

/// One request to the engine.
#[derive(Debug, Clone)]
pub struct Command {
    /// Names the reply.
    pub id: CommandId,
    /// Who asks.
    pub actor: Actor,
    /// What they ask for.
    pub body: CommandBody,
}

/// The person behind a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Their user name; the daemon itself is `system`.
    pub username: String,
    /// What they may do: an attendant acts on their own calls and state only.
    pub role: Role,
}

/// What can be asked.
#[derive(Debug, Clone)]
pub enum CommandBody {
    /// Puts the agent to work on `extension` (left out: the user's own): available, unless they were on break.
    Login {
        /// The agent's user name.
        username: String,
        /// The phone they sit at.
        extension: Option<String>,
    },
    /// Ends the agent's work: offline, at once or after the interaction in hand (rule 16).
    Logout {
        /// The agent's user name.
        username: String,
    },
    /// Changes presence (rule 16).
    SetAgentState {
        /// The agent's user name.
        username: String,
        /// The presence asked for.
        state: PresenceWish,
    },
    /// Ends the agent's wrap-up now (rule 17): their own when they owe no wrap-up code, somebody else's in any case.
    EndWrapUp {
        /// The agent's user name.
        username: String,
    },
    /// Makes the agent's wrap-up longer (rule 17).
    ExtendWrapUp {
        /// The agent's user name.
        username: String,
        /// By how much.
        seconds: u32,
    },
    /// Takes an agent out of one of their queues until they log out, or puts them back (rule 16).
    JoinQueue {
        /// The agent's user name.
        username: String,
        /// The queue's name.
        queue: String,
        /// False: they leave it.
        joined: bool,
    },
    /// Says what a call was about, or takes that back (rule 17): an agent who has it or has had it.
    CodeCall {
        /// The call.
        call: CallId,
        /// Who had it, where it is over; of a call that is up the engine knows itself.
        past: Option<Box<Had>>,
        /// None: nothing is said of it any more.
        code: Option<Box<CodeWish>>,
    },
    /// Rings the user's own phone, then what they dialled.
    PlaceCall {
        /// Whose phone.
        username: String,
        /// A number as that phone would dial it.
        to: String,
    },
    /// Ends a call.
    HangUp {
        /// The call.
        call: CallId,
    },
    /// Puts the other side of a conversation of the actor's on hold.
    Hold {
        /// The call.
        call: CallId,
    },
    /// Ends that; whom the actor talks to meanwhile is on hold then.
    Resume {
        /// The call.
        call: CallId,
    },
    /// Sends the other side of a conversation of the actor's on; the actor is out of it.
    Transfer {
        /// The call.
        call: CallId,
        /// A number as the actor's phone would dial it.
        to: String,
    },
    /// Parks the other side of a conversation of the actor's; the actor is out of it. Answered by [`Done::Parked`].
    Park {
        /// The call.
        call: CallId,
        /// The slot; left out: the lowest that is free.
        slot: Option<u32>,
    },
    /// Takes who is parked there: the actor's own phone is rung with them.
    Retrieve {
        /// The slot.
        slot: u32,
    },
    /// Takes a call that waits (rule 13): the actor's own phone is rung with it. Supervisors take any, others those of
    /// queues assigned to them.
    PickUp {
        /// The call.
        call: CallId,
    },
    /// Has a call that waits held for the actor (rule 14).
    Reserve {
        /// The call.
        call: CallId,
    },
    /// Ends the actor's reservation of a call; supervisors end anybody's.
    Release {
        /// The call.
        call: CallId,
    },
    /// Ranks a call that waits anew (rule 3).
    Rerank {
        /// The call.
        call: CallId,
        /// Its tier from now on; left out: as it is.
        tier: Option<Tier>,
        /// Its points of priority from now on, its queue's included; left out: as they are.
        priority: Option<i32>,
    },
    /// Asks why a call waits still. Changes nothing. Answered by [`Done::Waiting`].
    ExplainWaiting {
        /// The call.
        call: CallId,
    },
    /// Asks why an agent gets nothing. Changes nothing. Answered by [`Done::Nothing`].
    ExplainAgent {
        /// The agent's user name.
        username: String,
    },
    /// Opens or closes a queue against its calendar, or takes that back (rule 19).
    OverrideQueue {
        /// The queue's name.
        queue: String,
        /// `None` takes the override back.
        state: Option<OverrideState>,
        /// How the override ends.
        until: OverrideEnd,
    },
    /// Asks what this centre would do; it is kept until committed or aborted. Answered by [`Done::Prepared`].
    PrepareCentre {
        /// The centre as it would be.
        snapshot: Arc<Snapshot>,
        /// Where those go who wait in queues that it removes; refused where somebody waits and nothing is said.
        moves: Moves,
    },
    /// The prepared centre is stored: it holds from now on.
    CommitCentre {
        /// The version that was prepared.
        version: u64,
    },
    /// The prepared centre is forgotten.
    AbortCentre {
        /// The version that was prepared.
        version: u64,
    },
    /// Says which numbers a directory entry gives the mark of a VIP (rule 2), for calls from now on.
    SetVips {
        /// The entry.
        entry: EntryId,
        /// All its numbers; none when it has no mark, or is gone.
        numbers: Vec<DialNumber>,
    },
    /// No new calls from now on (SIGTERM). Answered at once; [`View`](crate::view::View) tells when the last call ended.
    Drain,
}

/// Who had a call, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Had {
    /// The agent's user name.
    pub agent: String,
    /// The queue they had it from; none for a direct call.
    pub queue: Option<String>,
}

/// A wrap-up code somebody gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeWish {
    /// Its category; left out where only one has such a code.
    pub category: Option<String>,
    /// The code.
    pub code: String,
    /// More in words of their own.
    pub text: Option<String>,
}

/// The presence somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresenceWish {
    /// Ready for calls.
    Available,
    /// Not ready, for this reason.
    Break {
        /// The aux code, such as `lunch`.
        reason: String,
    },
    /// Not at work.
    Offline,
}

/// What an override does.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    minicbor::Encode,
    minicbor::Decode,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum OverrideState {
    /// Open, whatever the calendar says.
    #[n(0)]
    Open,
    /// Closed, whatever the calendar says.
    #[n(1)]
    Closed,
}

/// When an override ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverrideEnd {
    /// Never: it is taken back by hand.
    Revoked,
    /// At this UTC time, in microseconds since the Unix epoch.
    At(i64),
    /// When the calendar changes next; refused for a queue whose calendar never does.
    NextChange,
}

/// The one answer to a command.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Which command.
    pub id: CommandId,
    /// Once a reader's view has reached this event, it shows what the command did.
    pub seq: u64,
    /// What came of it.
    pub result: Result<Done, Refusal>,
}

/// A command that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// Nothing to say.
    Ok,
    /// The call that was placed.
    Call(CallId),
    /// The slot it is parked in.
    Parked(u32),
    /// What the prepared centre would do now.
    Prepared(Vec<Effect>),
    /// Why the call waits; none: no agent is looked for, since one is alerted for it or has it, or it waits for nobody.
    Waiting(Option<Box<WhyWaiting>>),
    /// Why the agent gets nothing.
    Nothing(Box<WhyNothing>),
}

/// One thing a change of the centre does to calls or agents at this moment, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Effect {
    /// The kind of resource: `queues`, `users`, ...
    pub kind: String,
    /// Its name.
    pub name: String,
    /// For people: "3 waiting calls move to queue backoffice".
    pub text: String,
}

/// Why a command was not carried out. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What it names does not exist.
    #[error("there is no {what} {name:?}")]
    NotFound {
        /// The kind: `call`, `queue`, `agent`, ...
        what: &'static str,
        /// The name as given.
        name: String,
    },
    /// Not for this person.
    #[error("{0}")]
    Forbidden(String),
    /// A value that cannot be.
    #[error("{field}: {message}")]
    Invalid {
        /// The field at fault, as the API names it.
        field: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
    /// Not in the present state; says who or what stands in the way.
    #[error("{0}")]
    Conflict(String),
    /// The engine takes no new work now: overloaded or draining.
    #[error("{0}")]
    Unavailable(String),
}
