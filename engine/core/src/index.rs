//! By what a message or an output finds its leg or call.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use acd::{AgentId, MatchId};
use sip::dialog::DialogKey;
use sip::transaction::{ClientId, ServerId};

use crate::call::{Errand, Goodbye, Orphan};
use crate::ids::{CallId, LegId};

/// INVITEs of a leg's far end whose exchange goes on, found from either.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    legs: BTreeMap<ServerId, LegId>,
    by_leg: BTreeMap<LegId, Vec<ServerId>>,
}

impl Servers {
    pub(crate) fn insert(&mut self, server: ServerId, leg: LegId) {
        self.remove(server);
        self.legs.insert(server, leg);
        self.by_leg.entry(leg).or_default().push(server);
    }

    pub(crate) fn get(&self, server: ServerId) -> Option<LegId> {
        self.legs.get(&server).copied()
    }

    pub(crate) fn remove(&mut self, server: ServerId) -> Option<LegId> {
        let leg = self.legs.remove(&server)?;
        if let Some(servers) = self.by_leg.get_mut(&leg) {
            servers.retain(|other| *other != server);
            if servers.is_empty() {
                self.by_leg.remove(&leg);
            }
        }
        Some(leg)
    }

    /// Those of a leg, the oldest first.
    pub(crate) fn of(&self, leg: LegId) -> &[ServerId] {
        self.by_leg.get(&leg).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn forget(&mut self, leg: LegId) {
        for server in self.by_leg.remove(&leg).into_iter().flatten() {
            self.legs.remove(&server);
        }
    }
}

/// By what a message or event finds its leg or call.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) servers: Servers,
    /// BYEs that wait for the ACK of our 2xx.
    pub(crate) byes: BTreeMap<ServerId, Goodbye>,
    pub(crate) clients: BTreeMap<ClientId, LegId>,
    pub(crate) dialogs: BTreeMap<DialogKey, LegId>,
    /// Legs that have another name in the media threads: that of their first call.
    pub(crate) media: BTreeMap<u64, LegId>,
    pub(crate) matches: BTreeMap<MatchId, CallId>,
    /// INVITEs of ours that were cancelled: a late 2xx is acknowledged and hung up.
    pub(crate) cancelled: BTreeSet<ClientId>,
    /// Other requests of ours within dialogs.
    pub(crate) errands: BTreeMap<ClientId, (LegId, Errand)>,
    /// Re-INVITEs of ours whose leg is gone: what comes back is acknowledged, and nothing else.
    pub(crate) orphans: BTreeMap<ClientId, Orphan>,
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
