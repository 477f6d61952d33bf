//! Every way the world can touch the acd. Each input is journalled as it is, with its time.
//!
//! Numbers of kinds and fields are for ever: a journal of an older release is read by a newer one.
//! 16 to 31 are kept for what the rules still lack (overflow).

use alloc::boxed::Box;
use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::config::AcdConfig;
use crate::ids::{AgentId, Incarnation, InteractionId, MatchId, QueueId};
use crate::rank::{Target, Tier};

/// One input.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Input {
    /// Nothing came but the time: what [`Acd::handle_timeout`](crate::Acd::handle_timeout) gives to itself.
    #[n(0)]
    Timeout,
    /// The centre changed. Those waiting keep their place.
    #[n(1)]
    ConfigChanged(#[n(0)] Box<AcdConfig>),
    /// The daemon starts again from a journal: every call that was up is lost. Ends every alert (recorded as
    /// withdrawn), interaction and call of an agent's own, without wrap-up, and numbers matches anew. Agents keep
    /// their presence, phones and wrap-up, queues stay as they were. No output tells of interactions: the engine closes them itself.
    #[n(2)]
    Restarted(#[n(0)] Incarnation),
    /// A queue opened: by its calendar or an override, the engine knows (rule 19). Harmless when it is open.
    #[n(3)]
    QueueOpened {
        #[n(0)]
        queue: QueueId,
    },
    /// A queue closed. Harmless when it is closed.
    #[n(4)]
    QueueClosed {
        #[n(0)]
        queue: QueueId,
    },
    /// An interaction wants to wait.
    #[n(5)]
    Enqueue(#[n(0)] Enqueue),
    /// The caller is gone, or goes elsewhere: at any stage. For a connected one the same as `InteractionEnded`.
    #[n(6)]
    Leave {
        #[n(0)]
        interaction: InteractionId,
    },
    /// What an agent had with an interaction is over (hung up by either side, transferred, parked): wrap-up begins.
    #[n(7)]
    InteractionEnded {
        #[n(0)]
        interaction: InteractionId,
    },
    /// The alerted phone rings: its first provisional response other than 100. Send it once or more.
    #[n(8)]
    AlertRinging {
        #[n(0)]
        match_id: MatchId,
    },
    /// An alert has ended at the agent's side. Not sent for one that was withdrawn; if it crosses, it changes nothing.
    #[n(9)]
    AlertEnded {
        #[n(0)]
        match_id: MatchId,
        #[n(1)]
        end: AlertEnd,
    },
    /// Something about an agent.
    #[n(10)]
    AgentChanged {
        #[n(0)]
        agent: AgentId,
        #[n(1)]
        change: AgentChange,
    },
    /// The centre's day begins: the agents' counters start at zero.
    #[n(11)]
    DailyReset,
    /// An agent takes what waits, whatever its rank, also while on break (rule 13). Answered by their `Alert` or by
    /// `Denied`; by nothing when their phone rings for it already.
    #[n(12)]
    PickUp {
        #[n(0)]
        interaction: InteractionId,
        #[n(1)]
        agent: AgentId,
        /// They may take what waits anywhere, not only in queues assigned to them.
        #[n(2)]
        supervises: bool,
    },
    /// The wait that is estimated for it is longer than its queue allows (rule 22): it goes, from an alert when that comes to
    /// nothing. Changes nothing of what is held for somebody, connected, or about to go already.
    #[n(16)]
    TooLong {
        #[n(0)]
        interaction: InteractionId,
    },
    /// An agent wants something that waits held for them (rule 14). Answered by `Held` or by `Denied`; by nothing when it is
    /// held for them already.
    #[n(13)]
    Reserve {
        #[n(0)]
        interaction: InteractionId,
        #[n(1)]
        agent: AgentId,
    },
    /// It is no longer to be held. Answered by `Held` or by `Denied`.
    #[n(14)]
    Release {
        #[n(0)]
        interaction: InteractionId,
        #[n(1)]
        agent: AgentId,
        /// They may release what others reserved.
        #[n(2)]
        supervises: bool,
    },
    /// What waits gets another tier, other points of its own, or both: it is ranked anew at once (rule 3). Harmless for
    /// what does not wait.
    #[n(15)]
    Rerank {
        #[n(0)]
        interaction: InteractionId,
        #[n(1)]
        tier: Option<Tier>,
        /// As [`Enqueue::priority`].
        #[n(2)]
        priority: Option<i32>,
    },
}

/// An interaction that wants to wait.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Enqueue {
    #[n(0)]
    pub interaction: InteractionId,
    /// A queue, or one user (a direct call).
    #[n(1)]
    pub to: Target,
    #[n(2)]
    pub tier: Tier,
    /// The caller's own points; the queue's, or the user's direct call priority, are added here.
    #[n(3)]
    pub priority: i32,
    /// When the caller first entered a queue of this visit (rule 1).
    #[cbor(n(4), with = "crate::micros")]
    pub arrival: Duration,
    #[n(5)]
    pub kind: EntryKind,
    /// Whether a queue has done its service-level action for this interaction already: it is done once (rule 23).
    #[cbor(n(6), default)]
    pub service_acted: bool,
    /// Who served the caller before, where the queue asks for them again (rule 9), or who sent back what is recalled (rule 4).
    #[cbor(n(7), default)]
    pub sticky: Option<Sticky>,
}

/// An interaction waits for one agent first. Nothing comes of it when they are not available, busy or not, nor by rule 9 when they
/// do not serve there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Sticky {
    #[n(0)]
    pub agent: AgentId,
    /// How long at most.
    #[cbor(n(1), with = "crate::micros")]
    pub hold: Duration,
    /// They sent it away and nobody took it (rule 4): it is theirs wherever it waits, unless they are about to go.
    #[cbor(n(2), default)]
    pub recall: bool,
}

/// How an interaction comes to a queue (rule 20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum EntryKind {
    /// Fresh from outside.
    #[n(0)]
    New,
    /// From another queue or user that could not serve it. Checked as a new one.
    #[n(1)]
    Overflow,
    /// A transfer or parked call that nobody took. Always let in.
    #[n(2)]
    Recall,
}

/// What came back from an alerted agent. What it means is the acd's to decide (rules 11 and 12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum AlertEnd {
    /// The phone was answered (with `confirm`: and confirmed). Answered by exactly one `Connect` or one `Withdraw`.
    #[n(0)]
    Accepted,
    /// The agent rejected it over the API.
    #[n(1)]
    Rejected,
    /// The phone's final response of 300 and more.
    #[n(2)]
    Refused {
        #[n(0)]
        status: u16,
        /// How long before this response that phone sent a BYE of its own, if it did lately.
        #[cbor(n(1), with = "crate::micros::option")]
        since_own_bye: Option<Duration>,
    },
    /// No provisional response within 3 s, 100 counted. Not sent after the phone rang.
    #[n(3)]
    NoProvisional,
    /// There was nowhere to send the INVITE: no binding, transport dead, no port.
    #[n(4)]
    NoBinding,
}

/// Something about an agent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum AgentChange {
    /// Logged in with this phone: available, unless they were on break. Ends a pending logout.
    #[n(0)]
    Login {
        #[n(0)]
        device: Device,
    },
    /// Chose a presence. A break or logout while busy is kept until after the interaction and its wrap-up (rule 16).
    #[n(1)]
    Presence(#[n(0)] Presence),
    /// Their phone came or went. Sent at each accepted REGISTER too, since that ends `device_retry` (rule 12).
    #[n(2)]
    Device(#[n(0)] Device),
    /// How many calls their phone has that are no interactions of the acd: own, outbound, extension to extension.
    #[n(3)]
    OwnCalls {
        #[n(0)]
        count: u32,
    },
    /// Ended their wrap-up.
    #[n(4)]
    WrapUpEnded,
    /// Lengthened their wrap-up by so much; no matter in a manual one.
    #[n(5)]
    WrapUpExtended {
        #[cbor(n(0), with = "crate::micros")]
        by: Duration,
    },
    /// Left a queue assigned to them, or came back to it (rule 16). It ends at logout; nothing while they are logged out.
    #[n(6)]
    QueueJoined {
        #[n(0)]
        queue: QueueId,
        #[n(1)]
        joined: bool,
    },
    /// Gave a wrap-up code for an interaction they have or had (rule 17). Once is enough; harmless where none is owed.
    #[n(7)]
    Coded {
        #[n(0)]
        interaction: InteractionId,
    },
    /// Somebody ended their wrap-up for them, without the codes that they owe.
    #[n(8)]
    WrapUpCutShort,
}

/// An agent's phone (rule 18).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Device {
    /// A registered phone that is gone.
    #[default]
    #[n(0)]
    Unregistered,
    #[n(1)]
    Registered,
    /// A number rung through a trunk: always there.
    #[n(2)]
    Trunk,
}

/// What an agent has chosen to be (rule 16).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum Presence {
    #[default]
    #[n(0)]
    Offline,
    #[n(1)]
    Available,
    #[n(2)]
    Break(#[n(0)] BreakReason),
}

/// Why an agent is on break: an aux code's name, empty where none is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct BreakReason(#[n(0)] Box<str>);

impl BreakReason {
    /// The longest reason kept, in bytes; the rest is cut.
    pub const LEN_MAX: usize = 64;

    /// The reason `no-answer`, set by rule 12.
    #[must_use]
    pub fn no_answer() -> Self {
        Self::new("no-answer")
    }

    #[must_use]
    pub fn new(reason: &str) -> Self {
        let mut end = reason.len().min(Self::LEN_MAX);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Self(reason[..end].into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
