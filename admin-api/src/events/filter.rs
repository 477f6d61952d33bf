//! What of the stream a user sees.
//!
//! Supervisors and administrators see all. An attendant sees
//!
//! - the events of a call from the moment it enters one of their queues, or they get a part in it, to its end;
//! - the state of themselves and of those they share a queue with;
//! - the opening of their queues, and what these promise;
//! - the beginning of a day;
//! - of changes of the centre those to their queues and to themselves;
//! - the registration of their own phone.
//!
//! Events of a call do not say whose queue it is in, so a filter remembers for every call that is up whether it is seen.
//! After a resume it meets calls that began before its cursor; for those it asks the view, then the history.

use std::collections::BTreeMap;

use config::Snapshot;
use engine::CallId;
use engine::event::{Change, Event};
use engine::view::Parked;

use crate::auth::Identity;
use crate::rights::Scope;
use crate::routes::had_part;
use crate::state::ApiState;

/// What a user gets of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Nothing.
    No,
    /// All of it.
    Yes,
    /// This part of it.
    Part(Event),
}

/// One user's filter.
pub(crate) struct Filter {
    scope: Scope,
    calls: BTreeMap<CallId, bool>,
}

/// What an event tells of a call: which, and whether it makes it seen.
struct OfCall {
    call: CallId,
    seen_by: bool,
}

impl Filter {
    /// A filter for this user.
    pub(crate) fn new(identity: &Identity, snapshot: &Snapshot) -> Self {
        Self {
            scope: Scope::of(&identity.user, snapshot),
            calls: BTreeMap::new(),
        }
    }

    /// Follows a change of the user or of the centre. Calls that are seen stay seen.
    pub(crate) fn update(&mut self, identity: &Identity, snapshot: &Snapshot) {
        self.scope = Scope::of(&identity.user, snapshot);
    }

    /// What the user gets of this event. Events must come in order.
    pub(crate) async fn show(&mut self, event: &Event, state: &ApiState) -> Shown {
        if self.scope.all() {
            return Shown::Yes;
        }
        if let Some(OfCall { call, .. }) = self.of_call(event) {
            let began_before =
                !matches!(event, Event::CallStarted { .. }) && !self.calls.contains_key(&call);
            if began_before {
                let seen = self.look_up(call, state).await;
                self.calls.insert(call, seen);
            }
        }
        self.shown(event)
    }

    fn shown(&mut self, event: &Event) -> Shown {
        if let Some(OfCall { call, seen_by }) = self.of_call(event) {
            let seen = self.calls.entry(call).or_insert(false);
            *seen |= seen_by;
            let shown = *seen;
            if matches!(event, Event::CallEnded { .. }) {
                self.calls.remove(&call);
            }
            return yes_if(shown);
        }
        self.beside_calls(event)
    }

    fn of_call(&self, event: &Event) -> Option<OfCall> {
        let me = |user: &Option<String>| user.as_deref().is_some_and(|user| self.scope.is_me(user));
        let mine = |queue: &Option<String>| {
            queue
                .as_deref()
                .is_some_and(|queue| self.scope.sees_queue(queue))
        };
        let (call, seen_by) = match event {
            Event::CallStarted { call, user, .. }
            | Event::LegStarted { call, user, .. }
            | Event::CallConnected { call, user, .. } => (call, me(user)),
            Event::CallQueued {
                call, queue, user, ..
            } => (call, mine(queue) || me(user)),
            Event::CallDiverted { call, queue, .. } | Event::CallRecalled { call, queue, .. } => {
                (call, mine(queue))
            }
            Event::CallTransferred { call, by, .. } | Event::CallRetrieved { call, by, .. } => {
                (call, self.scope.is_me(by))
            }
            Event::CallParked {
                call,
                slot,
                by,
                location,
                ..
            } => {
                let parked = Parked {
                    slot: *slot,
                    by: by.clone(),
                    location: location.clone(),
                    since_us: 0,
                };
                (call, self.scope.sees_parked(&parked))
            }
            Event::ServiceLevelReached { call, queue, .. } => (call, self.scope.sees_queue(queue)),
            Event::AlertStarted { call, agent, .. } | Event::AlertEnded { call, agent, .. } => {
                (call, self.scope.is_me(agent))
            }
            Event::CallAnswered { call }
            | Event::CallReserved { call, .. }
            | Event::CallLeftQueue { call, .. }
            | Event::LegRinging { call, .. }
            | Event::LegAnswered { call, .. }
            | Event::LegEnded { call, .. }
            | Event::CallHeld { call, .. }
            | Event::CallResumed { call, .. }
            | Event::CallEnded { call, .. } => (call, false),
            // Also of calls that are over, which are not followed any more.
            Event::CallCoded { .. }
            | Event::AgentChanged { .. }
            | Event::AgentLoggedIn { .. }
            | Event::AgentLoggedOut { .. }
            | Event::AgentRemoved { .. }
            | Event::QueueChanged { .. }
            | Event::ServiceLevelSet { .. }
            | Event::DayBegan {}
            | Event::SourceBanned { .. }
            | Event::DialRefused { .. }
            | Event::PhoneRegistered { .. }
            | Event::PhoneUnregistered { .. }
            | Event::CentreChanged { .. }
            | Event::AlarmRaised { .. }
            | Event::AlarmCleared { .. } => return None,
        };
        Some(OfCall {
            call: *call,
            seen_by,
        })
    }

    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "events of calls are told apart in of_call, without a wildcard"
    )]
    fn beside_calls(&self, event: &Event) -> Shown {
        match event {
            Event::CallCoded { call, agent, .. } => {
                yes_if(self.scope.is_me(agent) || self.calls.get(call) == Some(&true))
            }
            Event::AgentChanged { agent, .. }
            | Event::AgentLoggedIn { agent, .. }
            | Event::AgentLoggedOut { agent }
            | Event::AgentRemoved { agent } => yes_if(self.scope.sees_agent(agent)),
            Event::QueueChanged { queue, .. } | Event::ServiceLevelSet { queue, .. } => {
                yes_if(self.scope.sees_queue(queue))
            }
            Event::DayBegan {} => Shown::Yes,
            Event::PhoneRegistered { extension, .. }
            | Event::PhoneUnregistered { extension, .. } => {
                yes_if(self.scope.sees_phone(extension))
            }
            Event::CentreChanged { version, changes } => self.part_of(*version, changes),
            _ => Shown::No,
        }
    }

    fn part_of(&self, version: u64, changes: &[Change]) -> Shown {
        let is_mine = |change: &&Change| match change.kind.as_str() {
            "queues" => self.scope.sees_queue(&change.name),
            "users" => self.scope.is_me(&change.name),
            _ => false,
        };
        let mine: Vec<Change> = changes.iter().filter(is_mine).cloned().collect();
        if mine.is_empty() {
            Shown::No
        } else {
            Shown::Part(Event::CentreChanged {
                version,
                changes: mine,
            })
        }
    }

    async fn look_up(&self, call: CallId, state: &ApiState) -> bool {
        if let Some(row) = state.view().calls.get(&call) {
            return self.scope.sees_call(row);
        }
        // Should the history fail, the events of this call are missing; they can be read there later.
        let detail = state.ports().history.call(call).await.ok().flatten();
        detail.is_some_and(|detail| {
            let in_my_queue = detail
                .call
                .queue
                .as_deref()
                .is_some_and(|queue| self.scope.sees_queue(queue));
            in_my_queue || had_part(&detail, &self.scope)
        })
    }
}

fn yes_if(shown: bool) -> Shown {
    if shown { Shown::Yes } else { Shown::No }
}
