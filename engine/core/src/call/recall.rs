//! What was sent away and nobody took comes back (rule 4).
//!
//! A call is *sent* from a transfer, or from being parked, until somebody has it, it waits in a queue, or it comes back:
//! to the queue its sender had it from, else to the default queue, with the arrival of its visit, and held for the sender for
//! `recall_hold`. Where there is no queue to come back to it waits for the sender as a direct call does; whose sender is gone, too, hears `sorry`.

use alloc::string::String;
use core::time::Duration;

use acd::{EntryKind, Sticky};
use config::Queue;

use super::{Call, Place, Purpose, Stage};
use crate::engine::{Engine, Timer};
use crate::event::{EndResult, Event};
use crate::ids::CallId;
use crate::sabotage;
use crate::timers::TimerId;

/// `recall_after` of what came from no queue.
const RECALL_AFTER: Duration = Duration::from_secs(30);

/// Whose a call is while nobody has taken it where it was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Who sent it; none: a rule did.
    pub(crate) by: Option<String>,
    /// The queue they had it from.
    pub(crate) queue: Option<String>,
    /// When it comes back.
    pub(crate) timer: TimerId,
}

impl Engine {
    /// The call is sent away, by a person or a rule, and comes back after the `recall_after` of the queue it is from.
    pub(super) fn keep_sent(&mut self, call: CallId, by: Option<String>, queue: Option<String>) {
        self.forget_sent(call);
        let settings = self.queue_settings(queue.as_deref());
        let after = settings.map_or(RECALL_AFTER, |queue| queue.recall_after.into());
        let timer = self
            .timers
            .set(self.now.mono + after, Timer::RecallDue(call));
        if let Some(found) = self.calls.get_mut(&call) {
            found.sent = Some(Sent { by, queue, timer });
        }
    }

    /// Somebody has it, or it waits by a queue's own rules.
    pub(super) fn forget_sent(&mut self, call: CallId) {
        self.take_sent(call);
    }

    fn take_sent(&mut self, call: CallId) -> Option<Sent> {
        let sent = self.calls.get_mut(&call)?.sent.take()?;
        self.timers.cancel(sent.timer);
        Some(sent)
    }

    /// Nobody has taken it in time.
    pub(crate) fn recall_due(&mut self, call: CallId) {
        let Some(stage) = self.calls.get(&call).map(|call| &call.stage) else {
            return;
        };
        match stage {
            Stage::Dialling => {
                self.stop_ring(call, Purpose::Dial, EndResult::NoAnswer, None);
                self.comes_back(call);
            }
            Stage::Parked(_) => self.parked_too_long(call),
            Stage::Routing
            | Stage::Waiting(_)
            | Stage::Announcing
            | Stage::Placing { .. }
            | Stage::Connected { .. } => self.forget_sent(call),
        }
    }

    /// It comes back from where it was sent. False if nobody sent it anywhere, or there is nowhere to come back to.
    pub(crate) fn comes_back(&mut self, call: CallId) -> bool {
        if sabotage::recall() {
            return false;
        }
        let Some(sent) = self.take_sent(call) else {
            return false;
        };
        let queue = self.recall_queue(sent.queue);
        let sender = sent.by.filter(|by| self.agent_id(by).is_ok());
        let place = match (&queue, &sender) {
            (Some(queue), _) => Place::Queue(queue.clone()),
            (None, Some(sender)) => Place::User(sender.clone()),
            (None, None) => return false,
        };
        let now = self.now.mono;
        let Some(found) = self.calls.get_mut(&call) else {
            return false;
        };
        found.stage = Stage::Routing;
        found.fallback = None;
        let arrival = *found.arrival.get_or_insert(now);
        self.publish(Event::CallRecalled {
            call,
            from: sender.clone(),
            queue: queue.clone(),
        });
        let first = self.first_for_sender(queue.as_deref(), sender.as_deref());
        self.enqueue_for(call, place, EntryKind::Recall, arrival, first);
        true
    }

    /// The queue it came from, if there still is one; else the default queue.
    fn recall_queue(&self, queue: Option<String>) -> Option<String> {
        let centre = &self.snapshot.centre;
        let still = queue.filter(|queue| centre.queues.contains_key(queue));
        still.or_else(|| {
            let queue = centre.default_queue()?;
            Some(String::from(&*queue.name))
        })
    }

    /// It is held for its sender for so long.
    fn first_for_sender(&self, queue: Option<&str>, sender: Option<&str>) -> Option<Sticky> {
        let agent = self.names.agent(sender?)?;
        let hold = self.queue_settings(queue)?.recall_hold.into();
        let recall = true;
        Some(Sticky {
            agent,
            hold,
            recall,
        })
    }

    fn queue_settings(&self, queue: Option<&str>) -> Option<&Queue> {
        let queue = self.snapshot.centre.queues.get(queue?)?;
        Some(queue)
    }
}

impl Call {
    /// The queue that the side of `leg` has it from; none for who called.
    pub(super) fn queue_of(&self, leg: crate::ids::LegId) -> Option<String> {
        self.queue.clone().filter(|_| leg != self.caller)
    }
}
