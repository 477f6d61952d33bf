//! Which part of the centre somebody sees.
//!
//! Supervisors and administrators see all. An attendant sees the queues assigned to them, who waits there, the
//! agents they share a queue with, and the calls they have a part in.

use std::collections::BTreeSet;

use config::{Role, Snapshot, User};
use engine::view::{CallRow, Parked};

use crate::auth::guard::reaches;

/// What one user sees, as of one configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    username: String,
    all: bool,
    queues: BTreeSet<String>,
    colleagues: BTreeSet<String>,
    extension: Option<String>,
    park_location: Option<String>,
}

impl Scope {
    /// The scope of this user.
    pub(crate) fn of(user: &User, snapshot: &Snapshot) -> Self {
        let queues: BTreeSet<String> = user
            .queues
            .iter()
            .map(|assignment| assignment.queue.to_string())
            .collect();
        let shares = |other: &User| {
            other
                .queues
                .iter()
                .any(|assignment| queues.contains(&*assignment.queue))
        };
        let users = snapshot.centre.users.values();
        let colleagues = users
            .filter(|other| shares(other))
            .map(|other| other.username.to_string())
            .collect();
        Self {
            username: user.username.to_string(),
            all: reaches(user.role, Role::Supervisor),
            queues,
            colleagues,
            extension: user.extension.as_ref().map(ToString::to_string),
            park_location: user.park_location.as_ref().map(ToString::to_string),
        }
    }

    /// Whose scope it is.
    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    /// Whether they see all.
    pub(crate) fn all(&self) -> bool {
        self.all
    }

    /// The queues assigned to them.
    pub(crate) fn queues(&self) -> impl Iterator<Item = &String> {
        self.queues.iter()
    }

    /// Whether they see this queue and who waits in it.
    pub(crate) fn sees_queue(&self, queue: &str) -> bool {
        self.all || self.queues.contains(queue)
    }

    /// Whether they see this agent's state.
    pub(crate) fn sees_agent(&self, username: &str) -> bool {
        self.all || self.is_me(username) || self.colleagues.contains(username)
    }

    /// Whether they see what registers under this extension.
    pub(crate) fn sees_phone(&self, extension: &str) -> bool {
        self.all || self.extension.as_deref() == Some(extension)
    }

    /// Whether it is them.
    pub(crate) fn is_me(&self, username: &str) -> bool {
        self.username == username
    }

    /// Whether they see this call: all do that have a part in it, and those whose queue it waits in.
    pub(crate) fn sees_call(&self, call: &CallRow) -> bool {
        let waits_here = call
            .queued
            .as_ref()
            .and_then(|queued| queued.queue.as_deref());
        let parked = call.parked.as_ref();
        self.all
            || self.has_part(call)
            || parked.is_some_and(|parked| self.sees_parked(parked))
            || waits_here.is_some_and(|queue| self.queues.contains(queue))
    }

    /// Whether they see what is parked so, and may retrieve it.
    pub(crate) fn sees_parked(&self, parked: &Parked) -> bool {
        self.all || parked.is_seen_by(&self.username, self.park_location.as_deref())
    }

    /// Whether they are in this call, are alerted for it, placed it, or it waits for them alone.
    pub(crate) fn has_part(&self, call: &CallRow) -> bool {
        let me = Some(self.username.as_str());
        call.user.as_deref() == me
            || call
                .connected
                .as_ref()
                .is_some_and(|(user, _)| user.as_deref() == me)
            || call
                .queued
                .as_ref()
                .is_some_and(|queued| queued.user.as_deref() == me)
            || call.alerts.values().any(|agent| self.is_me(agent))
            || call.legs.values().any(|leg| leg.user.as_deref() == me)
    }

    /// Whether they have it or have had it.
    pub(crate) fn has_had(&self, call: &CallRow) -> bool {
        call.had_by.contains(&self.username)
    }

    /// Whether they may end this call: attendants when they talk, ring or are being rung in it.
    pub(crate) fn may_end(&self, call: &CallRow) -> bool {
        let me = Some(self.username.as_str());
        self.all
            || call.user.as_deref() == me
            || call.legs.values().any(|leg| leg.user.as_deref() == me)
    }
}
