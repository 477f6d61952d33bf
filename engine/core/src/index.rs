//! By what a message or an output finds its leg or call.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use acd::{AgentId, MatchId};
use sip::dialog::DialogKey;
use sip::transaction::{ClientId, ServerId};

use crate::call::Goodbye;
use crate::ids::{CallId, LegId};

/// By what a message or event finds its leg or call.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) servers: BTreeMap<ServerId, LegId>,
    /// BYEs that wait for the ACK of our 2xx.
    pub(crate) byes: BTreeMap<ServerId, Goodbye>,
    pub(crate) clients: BTreeMap<ClientId, LegId>,
    pub(crate) dialogs: BTreeMap<DialogKey, LegId>,
    pub(crate) matches: BTreeMap<MatchId, CallId>,
    /// INVITEs of ours that were cancelled: a late 2xx is acknowledged and hung up.
    pub(crate) cancelled: BTreeSet<ClientId>,
    /// Questions whether a far end is still there.
    pub(crate) asked: BTreeMap<ClientId, LegId>,
    /// Answered legs of alerts, until the distribution core says whose the call is.
    pub(crate) answered: BTreeMap<MatchId, LegId>,
    /// Calls by their callers' numbers, as they came.
    pub(crate) callers: BTreeMap<String, BTreeSet<CallId>>,
    /// How many legs each trunk has.
    pub(crate) trunk_legs: BTreeMap<String, usize>,
    /// The legs of each phone that are no alerts of the distribution core.
    pub(crate) own: BTreeMap<String, BTreeSet<LegId>>,
    /// Parked calls by their slots.
    pub(crate) parked: BTreeMap<u32, CallId>,
    /// Legs whose other side is on hold while that agent's phone rings for that call, which they picked up.
    pub(crate) on_hold_for: BTreeMap<(CallId, AgentId), Vec<LegId>>,
}
