//! Live figures of every queue and agent, folded from events.
//!
//! [`Board`] owns the counts since the day began, the last hour by the minute, who waits since when, and how every
//! agent's time went. It is folded twice from the same events: in the engine, whose checkpoints carry it over a restart, and
//! in the [`View`](crate::view::View) that readers get. Each event costs a few look-ups; shares and averages are worked out
//! when they are read. Time comes with the events; a clock that is set shows in the lengths it falls into, none is below zero.
//!
//! A call is followed from its first entry into a queue to its end. Where it left one queue by a rule it is on its way, until
//! another takes it, somebody has it or it ends: so the centre's own figures count it once. Whom an agent sends on is over for these
//! figures: in another queue they are offered anew, and a recall is counted apart and offered nowhere.

mod agent;
mod cbor;
mod pace;
mod queue;
mod service_level;
mod staff;
mod tally;
mod visit;

use alloc::string::String;

use imbl::OrdMap;
use minicbor::{Decode, Encode};

pub use agent::{AgentFigures, AlertCounts, Doing, Times};
pub use queue::{Promise, QueueFigures};
pub use service_level::{Share, Variant};
pub use staff::Staff;
pub use tally::{Counts, Outcomes, Tally};

use crate::event::{AlertEnd, Diversion, EndCause, EndResult, EndedBy, Event, LeftQueue};
use crate::ids::{CallId, LegId};
use crate::sabotage;
use agent::Handled;
use tally::Outcome;
use visit::{Stage, Talking, TurnedAway, Visit, Waiting};

/// The live figures of the centre.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Board {
    /// Queues by name.
    #[cbor(n(0), with = "cbor::map")]
    pub queues: OrdMap<String, QueueFigures>,
    /// All queues together: a call that went through several is one.
    #[n(1)]
    pub total: Counts,
    /// Agents by user name.
    #[cbor(n(2), with = "cbor::map")]
    pub agents: OrdMap<String, AgentFigures>,
    /// Calls that are up and came to a queue.
    #[cbor(n(3), with = "cbor::map")]
    visits: OrdMap<CallId, Visit>,
    /// Since when is counted, UTC microseconds: the day's beginning.
    #[n(4)]
    pub since_us: Option<i64>,
}

impl Board {
    /// Folds one event in. Events come in the order they happened, each once.
    pub fn apply(&mut self, utc_us: i64, event: &Event) {
        self.since_us.get_or_insert(utc_us);
        match event {
            Event::DayBegan {} if sabotage::day() => {}
            Event::DayBegan {} => self.day_began(utc_us),
            Event::ServiceLevelSet {
                queue,
                seconds,
                short_abandon,
            } => {
                let promise = Promise::of_seconds(*seconds, *short_abandon);
                self.queues.entry(queue.clone()).or_default().promise = promise;
            }
            Event::CallQueued {
                call,
                queue: Some(queue),
                estimate_seconds,
                ..
            } => self.entered(utc_us, *call, queue, *estimate_seconds),
            Event::CallLeftQueue { call, why } => self.left(utc_us, *call, *why),
            Event::CallDiverted {
                call,
                why,
                queue: Some(queue),
                ..
            } => self.diverted(*call, *why, queue),
            Event::AlertStarted {
                alert,
                call,
                agent,
                picked_up,
                ..
            } => {
                self.visit(*call, |visit| visit.begin_alert(utc_us));
                let agent = self.agents.entry(agent.clone()).or_default();
                agent.begin_alert(*alert, *picked_up);
            }
            Event::AlertEnded {
                alert,
                call,
                agent,
                end,
                ..
            } => {
                let accepted = *end == AlertEnd::Accepted;
                self.visit(*call, |visit| visit.end_alert(utc_us, accepted));
                if let Some(agent) = self.agents.get_mut(agent) {
                    agent.end_alert(*alert, *end);
                }
            }
            Event::CallConnected {
                call, user, leg, ..
            } => self.connected(utc_us, *call, user.as_deref(), *leg),
            Event::CallTransferred { call, .. } => self.sent(utc_us, *call, false),
            Event::CallParked { call, .. } => self.sent(utc_us, *call, true),
            Event::CallRecalled { call, queue, .. } => self.recalled(*call, queue.as_deref()),
            Event::CallHeld { call, by } => self.visit(*call, |visit| visit.held(utc_us, *by)),
            Event::CallResumed { call, by } => {
                self.visit(*call, |visit| visit.resumed(utc_us, *by));
            }
            Event::CallEnded { call, cause, by } => self.ended(utc_us, *call, cause, *by),
            Event::AgentLoggedIn { agent, .. } => {
                let agent = self.agents.entry(agent.clone()).or_default();
                agent.logged_in_us = Some(utc_us);
            }
            Event::AgentLoggedOut { agent } => {
                if let Some(agent) = self.agents.get_mut(agent) {
                    agent.logged_in_us = None;
                }
            }
            Event::AgentRemoved { agent } => {
                self.agents.remove(agent);
            }
            Event::AgentChanged {
                agent,
                presence,
                activity,
                device,
                call,
                ..
            } => {
                let doing = Doing::of(*presence, *activity, *device);
                self.agent_changed(utc_us, agent, doing, *call);
            }
            Event::CentreChanged { changes, .. } => {
                for queue in changes.iter().filter(|change| change.removes("queues")) {
                    self.queue_removed(&queue.name);
                }
            }
            Event::CallQueued { queue: None, .. }
            | Event::CallDiverted { queue: None, .. }
            | Event::CallStarted { .. }
            | Event::CallAnswered { .. }
            | Event::CallReserved { .. }
            | Event::CallRetrieved { .. }
            | Event::CallCoded { .. }
            | Event::ServiceLevelReached { .. }
            | Event::LegStarted { .. }
            | Event::LegRinging { .. }
            | Event::LegAnswered { .. }
            | Event::LegEnded { .. }
            | Event::QueueChanged { .. }
            | Event::PhoneRegistered { .. }
            | Event::PhoneUnregistered { .. }
            | Event::AlarmRaised { .. }
            | Event::AlarmCleared { .. }
            | Event::SourceBanned { .. }
            | Event::DialRefused { .. } => {}
        }
    }

    /// How many wait in queues.
    pub fn waiting(&self) -> usize {
        self.queues.values().map(QueueFigures::waiting).sum()
    }

    /// How many were sent on from a queue and have not arrived anywhere yet.
    pub fn on_their_way(&self) -> usize {
        let visits = self.visits.values();
        visits.filter(|visit| visit.is_on_its_way()).count()
    }

    fn visit(&mut self, call: CallId, change: impl FnOnce(&mut Visit)) {
        if let Some(visit) = self.visits.get_mut(&call) {
            change(visit);
        }
    }

    /// Into a queue; ranked anew where it waits, it is the same caller.
    fn entered(&mut self, at: i64, call: CallId, queue: &str, told_seconds: Option<u32>) {
        let visit = self.visits.entry(call).or_default();
        if visit.waits_in(queue) && !sabotage::count_anew() {
            return;
        }
        if visit.is_recalled {
            visit.enter(at, queue, None);
            let row = self.queues.entry(queue.into()).or_default();
            row.is_removed = false;
            row.recalled.insert((at, call));
            return;
        }
        let first = visit.enter(at, queue, told_seconds);
        let row = self.queues.entry(queue.into()).or_default();
        row.is_removed = false;
        row.enter(at, call);
        self.total.today.offered += u64::from(first);
    }

    fn left(&mut self, at: i64, call: CallId, why: LeftQueue) {
        let Some((visit, waited)) = self
            .visits
            .get_mut(&call)
            .and_then(|visit| visit.stop_waiting().map(|waited| (visit, waited)))
        else {
            return;
        };
        if visit.is_recalled {
            return self.recall_left(at, call, why, &waited);
        }
        let outcome = match why {
            LeftQueue::Connected => Outcome::Answered {
                rung_us: waited.rung_us,
            },
            LeftQueue::Abandoned => Outcome::Abandoned,
            LeftQueue::Diverted if sabotage::flow_out() => Outcome::Abandoned,
            LeftQueue::Diverted => Outcome::FlowedOut,
            LeftQueue::Ended => Outcome::Ended,
            LeftQueue::Interrupted => Outcome::Interrupted,
        };
        let whole_us = visit.age_us(at);
        match why {
            LeftQueue::Connected => visit.talk(at, &waited),
            LeftQueue::Diverted => visit.go_on(&waited.queue),
            LeftQueue::Abandoned | LeftQueue::Ended | LeftQueue::Interrupted => {
                self.visits.remove(&call);
            }
        }
        let promise = self.promise(&waited.queue).unwrap_or_default();
        if let Some(row) = self.queues.get_mut(&waited.queue)
            && let Some(right) = row.leave(at, call, &waited, outcome)
        {
            self.total.today.told(right);
        }
        self.forget_removed(&waited.queue);
        if why != LeftQueue::Diverted {
            self.total.ended(at, whole_us, outcome, promise);
        }
    }

    /// A recall waits no more. It was never offered, so nothing is counted of how it ended.
    fn recall_left(&mut self, at: i64, call: CallId, why: LeftQueue, waited: &Waiting) {
        match why {
            LeftQueue::Connected => self.visit(call, |visit| {
                visit.is_recalled = false;
                visit.talk(at, waited);
            }),
            // Where it goes on to it is a recall still.
            LeftQueue::Diverted => {}
            LeftQueue::Abandoned | LeftQueue::Ended | LeftQueue::Interrupted => {
                self.visits.remove(&call);
            }
        }
        if let Some(row) = self.queues.get_mut(&waited.queue) {
            row.recalled.remove(&(waited.entered_us, call));
        }
        self.forget_removed(&waited.queue);
    }

    /// Who had it sent it on, or parked it: their conversation is over.
    fn sent(&mut self, at: i64, call: CallId, parked: bool) {
        let Some(visit) = self.visits.get_mut(&call) else {
            return;
        };
        let Stage::Talking(talk) = core::mem::take(&mut visit.stage) else {
            self.visits.remove(&call);
            return;
        };
        *visit = Visit::sent_on(&talk.queue, parked);
        self.talked(at, call, talk);
    }

    /// It comes back to a queue.
    fn recalled(&mut self, call: CallId, queue: Option<&str>) {
        self.visits.insert(call, Visit::recalled());
        let Some(queue) = queue else {
            return;
        };
        let row = self.queues.entry(queue.into()).or_default();
        row.counts.today.recalls += 1;
        self.total.today.recalls += 1;
    }

    /// Not let in: what leaves a queue by a rule has left it before.
    fn diverted(&mut self, call: CallId, why: Diversion, queue: &str) {
        let Some(turned_away) = TurnedAway::of(why) else {
            return;
        };
        let row = self.queues.entry(queue.into()).or_default();
        turned_away.count(&mut row.counts.today);
        self.visits.entry(call).or_default().turn_away(turned_away);
    }

    /// Somebody has it. Where that was no queue's doing, no queue gets it any more.
    fn connected(&mut self, at: i64, call: CallId, user: Option<&str>, leg: LegId) {
        self.left(at, call, LeftQueue::Connected);
        let on_its_way = match self.visits.get_mut(&call) {
            Some(visit) => visit.connect(user, leg),
            None => return,
        };
        if on_its_way {
            self.arrived_elsewhere(at, call);
        }
    }

    fn arrived_elsewhere(&mut self, at: i64, call: CallId) {
        let Some(visit) = self.visits.remove(&call) else {
            return;
        };
        match (&visit.stage, visit.turned_away) {
            (Stage::OnItsWay { from }, _) => {
                let promise = self.promise(from).unwrap_or_default();
                let age_us = visit.age_us(at);
                self.total.ended(at, age_us, Outcome::FlowedOut, promise);
            }
            (Stage::Outside, Some(turned_away)) => turned_away.count(&mut self.total.today),
            (Stage::Outside | Stage::Waiting(_) | Stage::Talking(_) | Stage::Sent { .. }, _) => {}
        }
    }

    fn ended(&mut self, at: i64, call: CallId, cause: &EndCause, by: EndedBy) {
        self.left(at, call, LeftQueue::Ended);
        let Some(visit) = self.visits.get(&call) else {
            return;
        };
        let gave_up = by == EndedBy::Caller;
        let talk = match &visit.stage {
            Stage::Talking(talk) => talk.clone(),
            Stage::Sent { from, parked } if gave_up => {
                let (from, parked) = (from.clone(), *parked);
                self.lost(&from, |tally| {
                    tally.lost_in_park += u64::from(parked);
                    tally.lost_in_transfer += u64::from(!parked);
                });
                self.visits.remove(&call);
                return;
            }
            Stage::Sent { .. } | Stage::Outside | Stage::Waiting(_) | Stage::OnItsWay { .. } => {
                return self.arrived_elsewhere(at, call);
            }
        };
        self.visits.remove(&call);
        if gave_up && talk.is_held_by_agent() {
            self.lost(&talk.queue, |tally| tally.lost_on_hold += 1);
        }
        // What the daemon broke off tells nothing of how long calls take.
        if cause.result == EndResult::Interrupted {
            return;
        }
        self.talked(at, call, talk);
    }

    /// A caller hung up after an agent had answered them.
    fn lost(&mut self, queue: &str, count: impl Fn(&mut Tally)) {
        let row = self.queues.get_mut(queue).map(|row| &mut row.counts);
        let counts = [row, Some(&mut self.total)];
        for counts in counts.into_iter().flatten() {
            count(&mut counts.today);
        }
    }

    /// A conversation is over; the agent's wrap-up may follow.
    fn talked(&mut self, at: i64, call: CallId, talk: Talking) {
        let (queue, agent, handled) = talk.over(at, call);
        match agent.and_then(|agent| self.agents.get_mut(&agent)) {
            Some(agent) => agent.begin_after(queue, handled),
            None => self.handled(&queue, handled),
        }
    }

    fn agent_changed(&mut self, at: i64, agent: &str, doing: Doing, call: Option<CallId>) {
        let row = self.agents.entry(agent.into()).or_default();
        if let Some((queue, handled)) = row.change(at, doing, call) {
            self.handled(&queue, handled);
        }
    }

    /// A call is done with, the agent's wrap-up included.
    fn handled(&mut self, queue: &str, handled: Handled) {
        if let Some(row) = self.queues.get_mut(queue) {
            row.handled(handled);
        }
        self.total.today.handled(handled);
    }

    /// What a queue promises; none for one that nothing was heard of.
    pub(crate) fn promise(&self, queue: &str) -> Option<Promise> {
        self.queues.get(queue).map(|row| row.promise)
    }

    fn queue_removed(&mut self, name: &str) {
        if let Some(row) = self.queues.get_mut(name) {
            row.is_removed = true;
        }
        self.forget_removed(name);
    }

    fn forget_removed(&mut self, queue: &str) {
        let row = self.queues.get(queue);
        if row.is_some_and(|row| row.is_removed && row.waiting() + row.recalls_waiting() == 0) {
            self.queues.remove(queue);
        }
    }

    /// Counters start anew. Those who wait are the new day's, too.
    fn day_began(&mut self, at: i64) {
        self.since_us = Some(at);
        let names: alloc::vec::Vec<String> = self.queues.keys().cloned().collect();
        for name in names {
            if let Some(row) = self.queues.get_mut(&name) {
                row.begin_day();
            }
        }
        let open = self.visits.values().filter(|visit| visit.is_open()).count();
        self.total.begin_day(open);
        let names: alloc::vec::Vec<String> = self.agents.keys().cloned().collect();
        for name in names {
            if let Some(row) = self.agents.get_mut(&name) {
                row.begin_day(at);
            }
        }
    }
}

#[cfg(test)]
mod tests;
