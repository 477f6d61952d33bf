//! Everything the acd asks for and tells.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use minicbor::{Decode, Encode};

use crate::agent::Owed;
use crate::choice::Choice;
use crate::config::ServiceStep;
use crate::ids::{AgentId, InteractionId, MatchId, QueueId};
use crate::input::{Device, Presence};
use crate::rank::Target;

/// One output. In the order in which things happened; all of a step are there when the `handle_*` call returns.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Output {
    /// Ring this agent for this interaction. The answer is `AlertEnded`, if no `Withdraw` comes first.
    #[n(0)]
    Alert {
        #[n(0)]
        match_id: MatchId,
        #[n(1)]
        epoch: u64,
        #[n(2)]
        interaction: InteractionId,
        #[n(3)]
        agent: AgentId,
        /// The queue it came from: what the agent's phone shows.
        #[n(4)]
        from: Target,
        /// After this long the acd withdraws it; for information.
        #[cbor(n(5), with = "crate::micros")]
        ring_timeout: Duration,
        /// The agent chose it (rule 13); else it was chosen for them.
        #[n(6)]
        picked_up: bool,
        /// Why them: for the records.
        #[n(7)]
        choice: Choice,
    },
    /// Stop ringing (CANCEL; after a 200 that crossed: ACK and BYE). The match is over.
    #[n(1)]
    Withdraw {
        #[n(0)]
        match_id: MatchId,
        #[n(1)]
        reason: WithdrawReason,
    },
    /// Connect caller and agent: they are each other's now, until `InteractionEnded` or `Leave`.
    #[n(2)]
    Connect {
        #[n(0)]
        match_id: MatchId,
        #[n(1)]
        interaction: InteractionId,
        #[n(2)]
        agent: AgentId,
    },
    /// It waits here no longer: send it where the centre says for this case. The acd has forgotten it.
    #[n(3)]
    Divert {
        #[n(0)]
        interaction: InteractionId,
        #[n(1)]
        from: Target,
        #[n(2)]
        reason: DivertReason,
    },
    /// It was not let in (rule 20). The acd does not know it.
    #[n(4)]
    Refuse {
        #[n(0)]
        interaction: InteractionId,
        #[n(1)]
        to: Target,
        #[n(2)]
        reason: RefuseReason,
    },
    /// It was let in and waits. An `Alert` may follow at once.
    #[n(5)]
    Entered {
        #[n(0)]
        interaction: InteractionId,
        #[n(1)]
        to: Target,
        /// 1 for the next to be served, those alerting counted.
        #[n(2)]
        position: u32,
    },
    /// An alert is over, in exactly one way (rule 10): for the records. Once for each `Alert`.
    #[n(6)]
    AlertFinished {
        #[n(0)]
        match_id: MatchId,
        #[n(1)]
        interaction: InteractionId,
        #[n(2)]
        agent: AgentId,
        #[n(3)]
        how: AlertOutcome,
        /// Whether the phone had begun to ring.
        #[n(4)]
        rang: bool,
    },
    /// An agent's state as others see it is different after this step. At most once for each agent and step.
    #[n(7)]
    AgentStateChanged {
        #[n(0)]
        agent: AgentId,
        #[n(1)]
        state: AgentState,
    },
    /// An agent left the configuration and has nothing more: forgotten.
    #[n(8)]
    AgentRemoved {
        #[n(0)]
        agent: AgentId,
    },
    /// The queue's service-level action was done for this interaction (rule 23). A `Divert` follows where the step says so.
    #[n(11)]
    ServiceLevelReached {
        #[n(2)]
        interaction: InteractionId,
        #[n(3)]
        queue: QueueId,
        #[n(4)]
        step: ServiceStep,
    },
    /// Somebody waits here and nobody has been there for `nobody_after` who could take them: a person has to know (rule 21).
    /// Once, until `Attended`.
    #[n(12)]
    Unattended {
        #[n(2)]
        queue: QueueId,
    },
    /// Nobody of whom `Unattended` told waits there without anybody any more, or the queue is gone.
    #[n(13)]
    Attended {
        #[n(2)]
        queue: QueueId,
    },
    /// What an agent asked for with this interaction is not done; nothing has changed.
    #[n(9)]
    Denied {
        #[n(0)]
        interaction: InteractionId,
        #[n(1)]
        agent: AgentId,
        #[n(2)]
        why: Denial,
    },
    /// What waits is held for this agent alone from now on, or for nobody any more (rules 4, 9 and 14).
    #[n(10)]
    Held {
        #[n(0)]
        interaction: InteractionId,
        #[n(1)]
        agent: Option<AgentId>,
        /// They did not ask for it: they served the caller before.
        #[n(2)]
        sticky: bool,
        /// They sent it away, and it came back.
        #[cbor(n(3), default)]
        recall: bool,
    },
}

/// Why an agent does not get what they asked for (rules 13 and 14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Denial {
    /// No such interaction waits.
    #[n(0)]
    NotWaiting,
    /// That agent has it, or picked it up before.
    #[n(1)]
    Taken {
        #[n(0)]
        by: AgentId,
    },
    /// It waits in a queue that is not assigned to them, or for another user.
    #[n(2)]
    NotAssigned,
    /// They are not logged in.
    #[n(3)]
    Offline,
    /// Their phone is not registered.
    #[n(5)]
    NoPhone,
    /// It is held for that agent.
    #[n(6)]
    HeldFor {
        #[n(0)]
        agent: AgentId,
    },
    /// They are on break.
    #[n(7)]
    OnBreak,
    /// They had reserved it before.
    #[n(8)]
    ReservedBefore,
    /// They rejected it, so it will not alert them.
    #[n(9)]
    Rejected,
    /// It is held for nobody.
    #[n(10)]
    NotReserved,
    /// They lack skills that its queue will never do without.
    #[n(11)]
    Unskilled,
}

/// Why a phone has to stop ringing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum WithdrawReason {
    /// `ring_timeout` has passed. The alert is recorded as timed out; one that rang for all, as withdrawn.
    #[n(0)]
    TimedOut,
    #[n(1)]
    CallerGone,
    #[n(2)]
    Break,
    #[n(3)]
    Logout,
    /// The agent was taken out of the configuration.
    #[n(4)]
    AgentRemoved,
    /// The agent rejected it over the API: recorded as rejected.
    #[n(5)]
    Rejected,
    /// An `Accepted` for a match that is over: hang that phone up.
    #[n(6)]
    Stale,
    /// The daemon started anew; there is no phone to stop.
    #[n(7)]
    Restart,
    /// Another agent picked it up.
    #[n(8)]
    PickedUp,
    /// The agent picked up something else.
    #[n(9)]
    Instead,
    /// It rang for all, and another agent was first.
    #[n(10)]
    Answered,
}

/// How an alert ended (rule 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum AlertOutcome {
    #[n(0)]
    Accepted,
    #[n(1)]
    Rejected,
    #[n(2)]
    TimedOut,
    #[n(3)]
    Withdrawn(#[n(0)] WithdrawReason),
    /// With the phone's SIP status; 408 for no provisional response, 480 for no binding.
    #[n(4)]
    Failed {
        #[n(0)]
        status: u16,
    },
}

/// Why an interaction waits here no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum DivertReason {
    /// The queue closed and `when_closing` says go.
    #[n(0)]
    Closed,
    #[n(1)]
    QueueRemoved,
    /// A direct call's user left the configuration.
    #[n(2)]
    AgentRemoved,
    /// A direct call's user is offline (this and the next five: `when_unavailable`, rule 2).
    #[n(3)]
    AgentOffline,
    #[n(4)]
    AgentOnBreak,
    #[n(5)]
    AgentRejected,
    #[n(6)]
    AgentNoAnswer,
    /// `max_wait` has passed, of a user (rule 2) or of a queue (rule 22).
    #[n(7)]
    MaxWait,
    /// Their phone is gone or has just failed (rules 12 and 18): there is nothing to ring.
    #[n(8)]
    AgentUnreachable,
    /// For `nobody_after` nobody has been there who could take it (rule 21).
    #[n(9)]
    Nobody,
    /// The queue's service-level action sends it away (rule 23).
    #[n(10)]
    ServiceLevel,
    /// The wait that is estimated for it is longer than its queue allows (rule 22).
    #[n(11)]
    MaxEstimate,
}

/// Why an interaction was not let in (rule 20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RefuseReason {
    #[n(0)]
    Closed,
    #[n(1)]
    Full,
    #[n(2)]
    NobodyLoggedIn,
    #[n(3)]
    NobodyAvailable,
    /// No such queue or agent in the configuration.
    #[n(4)]
    Unknown,
    /// This interaction is here already and goes on as it was: a fault of the sender.
    #[n(5)]
    Duplicate,
}

/// An agent's state as others see it (rule 16).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AgentState {
    #[n(0)]
    pub presence: Presence,
    /// The break or logout that will come after what they are at.
    #[n(1)]
    pub pending: Option<Presence>,
    #[n(2)]
    pub activity: Activity,
    /// Since when presence and activity are as they are.
    #[cbor(n(3), with = "crate::micros")]
    pub since: Duration,
    #[n(4)]
    pub device: Device,
    #[n(5)]
    pub device_health: DeviceHealth,
    /// The queues of theirs that they have left until they log out.
    #[n(6)]
    #[cbor(default)]
    pub left: BTreeSet<QueueId>,
    /// The wrap-up codes that they owe, oldest first (rule 17).
    #[n(7)]
    #[cbor(default)]
    pub owes: Vec<Owed>,
}

/// What an agent is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Activity {
    #[n(0)]
    Idle,
    #[n(1)]
    Alerting {
        #[n(0)]
        match_id: MatchId,
        #[n(1)]
        interaction: InteractionId,
    },
    #[n(2)]
    Busy {
        #[n(0)]
        interaction: InteractionId,
    },
    /// On a call of their own.
    #[n(3)]
    OwnCall,
    #[n(4)]
    WrapUp {
        /// None: until they end it.
        #[cbor(n(0), with = "crate::micros::option")]
        until: Option<Duration>,
    },
}

/// Whether an agent's phone is left alone for now (rule 12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum DeviceHealth {
    #[default]
    #[n(0)]
    Good,
    /// It failed; tried again after `device_retry`, or when it registers.
    #[n(1)]
    Unreachable,
    /// It is busy with a call we do not know of.
    #[n(2)]
    Busy,
}
