//! Where a call goes that was not let in, or that waits no longer.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use acd::config::ServiceStep;
use acd::{DivertReason, QueueId, RefuseReason, Target as AcdTarget};
use config::{Centre, Destination, Queue};

use super::{Place, Stage, Waiting};
use crate::command::Moves;
use crate::engine::Engine;
use crate::event::{Diversion, EndResult, Event, LeftQueue, NOBODY_ALARM};
use crate::ids::CallId;
use crate::sabotage;

/// Why a call goes on, where to, and what it is called on record when nothing comes of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WayOut {
    pub(crate) why: Diversion,
    /// None: the caller is told that nothing is left.
    pub(crate) to: Option<Destination>,
    pub(crate) result: EndResult,
}

/// What a centre says of those whom a queue or user does not serve.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaysOut<'a> {
    pub(crate) centre: &'a Centre,
    /// Where those go who waited in queues that are gone.
    pub(crate) moves: &'a Moves,
    /// The queue it was; none for a user.
    pub(crate) queue: Option<&'a str>,
    /// The user it was; none for a queue.
    pub(crate) user: Option<&'a str>,
}

impl WaysOut<'_> {
    /// Not let in (rule 20). None: nothing is to be done.
    pub(crate) fn refused(self, reason: RefuseReason) -> Option<WayOut> {
        let (why, to, result) = match (self.settings(), reason) {
            (_, RefuseReason::Duplicate) => return None,
            (Some(queue), RefuseReason::Closed) => (
                Diversion::Closed,
                queue.when_closed.clone(),
                EndResult::Closed,
            ),
            (Some(queue), RefuseReason::Full) => (
                Diversion::Full,
                Some(queue.when_full.clone()),
                EndResult::Refused,
            ),
            (Some(queue), RefuseReason::NobodyLoggedIn | RefuseReason::NobodyAvailable) => (
                Diversion::Refused,
                queue.when_refused.clone(),
                EndResult::Refused,
            ),
            (Some(_), RefuseReason::Unknown) => {
                (Diversion::Removed, self.default_queue(), EndResult::Failed)
            }
            (None, _) => (
                Diversion::Unavailable,
                self.when_unavailable(),
                EndResult::NoAnswer,
            ),
        };
        Some(WayOut { why, to, result })
    }

    /// It waits there no longer.
    pub(crate) fn diverted(self, reason: DivertReason) -> WayOut {
        let queue = self.settings();
        let (why, to, result) = match reason {
            DivertReason::MaxWait | DivertReason::MaxEstimate if queue.is_some() => {
                let overflow = queue.and_then(|queue| queue.when_overflow.as_ref());
                let to = overflow.map(|overflow| overflow.to.clone());
                (Diversion::Overflow, to, EndResult::NoAnswer)
            }
            DivertReason::Nobody => {
                let to = queue.and_then(|queue| queue.when_nobody.clone());
                (Diversion::Nobody, to, EndResult::NoAnswer)
            }
            DivertReason::ServiceLevel => {
                let to = queue.and_then(|queue| queue.service_destination().cloned());
                (Diversion::ServiceLevel, to, EndResult::NoAnswer)
            }
            DivertReason::Closed => {
                let to = queue.and_then(|queue| queue.when_closed.clone());
                (Diversion::Closing, to, EndResult::Closed)
            }
            DivertReason::QueueRemoved => {
                let to = self.queue.and_then(|name| self.moves.get(name));
                let to = to.cloned().or_else(|| self.default_queue());
                (Diversion::Removed, to, EndResult::Failed)
            }
            DivertReason::AgentRemoved
            | DivertReason::AgentOffline
            | DivertReason::AgentOnBreak
            | DivertReason::AgentRejected
            | DivertReason::AgentNoAnswer
            | DivertReason::AgentUnreachable
            | DivertReason::MaxWait
            | DivertReason::MaxEstimate => (
                Diversion::Unavailable,
                self.when_unavailable(),
                EndResult::NoAnswer,
            ),
        };
        WayOut { why, to, result }
    }

    /// Whether the next queue ranks a call as if it came only now (rule 22).
    pub(crate) fn ranks_anew(self, why: Diversion) -> bool {
        let overflow = self
            .settings()
            .and_then(|queue| queue.when_overflow.as_ref());
        why == Diversion::Overflow && overflow.is_some_and(|overflow| !overflow.keep_arrival)
    }

    fn settings(&self) -> Option<&Queue> {
        let queue = self.centre.queues.get(self.queue?)?;
        Some(queue)
    }

    /// Where a direct call goes that its user does not take (rule 2).
    fn when_unavailable(&self) -> Option<Destination> {
        let user = self.centre.users.get(self.user?);
        user.and_then(|user| user.when_unavailable.clone())
            .or_else(|| self.default_queue())
    }

    fn default_queue(&self) -> Option<Destination> {
        let queue = self.centre.default_queue()?;
        Some(Destination::Queue(queue.name.clone()))
    }
}

impl Engine {
    /// Not let in (rule 20).
    pub(super) fn refused(&mut self, call: CallId, to: AcdTarget, reason: RefuseReason) {
        let (queue, user) = (self.queue_of(to), self.direct_user(call));
        let ways = self.ways_out(queue.as_deref(), user.as_deref());
        if let Some(way) = ways.refused(reason) {
            let anew = ways.ranks_anew(way.why);
            self.divert(call, queue, way, anew);
        }
    }

    /// It waits there no longer.
    pub(super) fn diverted(&mut self, call: CallId, from: AcdTarget, reason: DivertReason) {
        let (queue, user) = (self.queue_of(from), self.direct_user(call));
        let ways = self.ways_out(queue.as_deref(), user.as_deref());
        let way = ways.diverted(reason);
        let anew = ways.ranks_anew(way.why);
        self.publish_left(call, LeftQueue::Diverted);
        self.divert(call, queue, way, anew);
    }

    /// Sends those on whose estimated wait is longer than their queue allows (rule 22). All are judged before any goes: who
    /// goes is behind those who stay.
    pub(crate) fn review_estimates(&mut self) {
        let mut queues = self.snapshot.centre.queues.values();
        if !queues.any(|queue| queue.max_estimate.0 > 0) {
            return;
        }
        let too_long: Vec<CallId> = self
            .waiting_calls()
            .into_iter()
            .filter(|call| self.would_wait_too_long(*call))
            .collect();
        for call in too_long {
            self.gives_up_on(call);
        }
    }

    /// The same for one who has just entered.
    pub(super) fn review_estimate(&mut self, call: CallId) {
        if self.would_wait_too_long(call) {
            self.gives_up_on(call);
        }
    }

    fn gives_up_on(&mut self, call: CallId) {
        let interaction = acd::InteractionId(call.0);
        self.acd_input(acd::Input::TooLong { interaction });
    }

    fn would_wait_too_long(&self, call: CallId) -> bool {
        let Some(Stage::Waiting(waiting)) = self.calls.get(&call).map(|call| &call.stage) else {
            return false;
        };
        let Place::Queue(name) = &waiting.place else {
            return false;
        };
        let queue = self.snapshot.centre.queues.get(name);
        let most = queue.map_or(0, |queue| queue.max_estimate.0);
        most > 0
            && !sabotage::max_estimate()
            && self
                .estimate(call, &waiting.place)
                .is_some_and(|seconds| seconds > most)
    }

    fn ways_out<'a>(&'a self, queue: Option<&'a str>, user: Option<&'a str>) -> WaysOut<'a> {
        WaysOut {
            centre: &self.snapshot.centre,
            moves: &self.moves,
            queue,
            user,
        }
    }

    /// The user a direct call waits for.
    fn direct_user(&self, call: CallId) -> Option<String> {
        let Stage::Waiting(Waiting {
            place: Place::User(username),
            ..
        }) = &self.calls.get(&call)?.stage
        else {
            return None;
        };
        Some(username.clone())
    }

    /// The queue's service-level action was done (rule 23). Where it sends the call away, that comes apart.
    pub(super) fn service_level_reached(
        &mut self,
        call: CallId,
        queue: QueueId,
        step: ServiceStep,
    ) {
        let name = self.names.queue_name(queue).map(String::from);
        let (Some(queue), Some(found)) = (name, self.calls.get_mut(&call)) else {
            return;
        };
        found.service_acted = true;
        if let ServiceStep::Raise(points) = step {
            found.priority = found.priority.saturating_add(points);
        }
        let settings = self.snapshot.centre.queues.get(&queue);
        let action = settings
            .and_then(|queue| queue.service_level.as_ref()?.action.as_ref())
            .map(ToString::to_string)
            .unwrap_or_default();
        self.publish(Event::ServiceLevelReached {
            call,
            queue,
            action,
        });
        if matches!(step, ServiceStep::Raise(_)) {
            self.publish_queued(call);
        }
    }

    /// Rule 21: those who wait in a queue without a `when_nobody` are not stranded in silence.
    pub(super) fn nobody_there(&mut self, queue: QueueId) {
        if let Some(name) = self.names.queue_name(queue) {
            let text = format!("callers wait in {name}, and nobody is there to take them");
            self.raise_alarm(&format!("{NOBODY_ALARM}{name}"), &text);
        }
    }

    pub(super) fn somebody_there(&mut self, queue: QueueId) {
        if let Some(name) = self.names.queue_name(queue) {
            self.clear_alarm(&format!("{NOBODY_ALARM}{name}"));
        }
    }
}
