//! What the distribution core decides, carried out.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use acd::{
    AlertEnd as AcdAlertEnd, AlertOutcome, Input as AcdInput, MatchId, Output as AcdOutput,
    Target as AcdTarget, WithdrawReason,
};

use super::{Place, Purpose, Ring, Stage, Waiting};
use crate::engine::Engine;
use crate::event::{AlertEnd, EndResult, Event, LeftQueue, LegRole, Rank};
use crate::ids::CallId;
use crate::sabotage;

/// Why a phone stops ringing that has missed nothing: another one has the call (RFC 3326 §2).
pub(super) const COMPLETED_ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

impl Engine {
    pub(crate) fn handle_acd(&mut self, output: AcdOutput) {
        match output {
            AcdOutput::Entered { interaction, .. } => self.entered(CallId(interaction.0)),
            AcdOutput::Refuse {
                interaction,
                to,
                reason,
            } => self.refused(CallId(interaction.0), to, reason),
            AcdOutput::Divert {
                interaction,
                from,
                reason,
            } => {
                self.diverted(CallId(interaction.0), from, reason);
            }
            AcdOutput::Alert {
                match_id,
                interaction,
                agent,
                from,
                choice,
                ..
            } => {
                self.alert(match_id, CallId(interaction.0), agent, from, &choice);
            }
            AcdOutput::Withdraw { match_id, reason } => self.withdraw(match_id, reason),
            AcdOutput::Connect {
                match_id,
                interaction,
                agent,
            } => {
                self.connect_agent(match_id, CallId(interaction.0), agent);
            }
            AcdOutput::AlertFinished {
                match_id,
                interaction,
                agent,
                how,
                ..
            } => {
                self.alert_finished(match_id, CallId(interaction.0), agent, how);
            }
            AcdOutput::AgentStateChanged { agent, state } => {
                self.agent_state_changed(agent, &state)
            }
            AcdOutput::ServiceLevelReached {
                interaction,
                queue,
                step,
            } => self.service_level_reached(CallId(interaction.0), queue, step),
            AcdOutput::Unattended { queue } => self.nobody_there(queue),
            AcdOutput::Attended { queue } => self.somebody_there(queue),
            AcdOutput::Held {
                interaction,
                agent,
                sticky,
                recall,
            } => self.held(CallId(interaction.0), agent, sticky, recall),
            AcdOutput::AgentRemoved { agent } => self.agent_removed(agent),
            // Who asked has heard it: see `ask_acd`.
            AcdOutput::Denied { .. } => {}
        }
    }

    /// The call waits: the caller of a queue is answered and hears its welcome, that of a user hears ringing.
    fn entered(&mut self, call: CallId) {
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        let Stage::Waiting(waiting) = &mut found.stage else {
            return;
        };
        waiting.entered = true;
        self.forget_sent(call);
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        let Stage::Waiting(waiting) = &found.stage else {
            return;
        };
        if let Place::Queue(name) = &waiting.place {
            found.been_in.push(name.clone());
        }
        let (place, caller) = (waiting.place.clone(), found.caller);
        let estimate_seconds = self.estimate(call, &place);
        self.note_estimate(call, estimate_seconds);
        self.publish_waiting(call, estimate_seconds);
        match place {
            Place::Queue(name) => {
                let first_heard = !self.is_answered(caller);
                if !self.answer_caller(call) {
                    return;
                }
                let queue = self.snapshot.centre.queues.get(&name);
                let welcome = queue
                    .and_then(|queue| queue.welcome.as_ref())
                    .map(|name| String::from(&**name));
                let greeted = first_heard
                    && welcome.is_some_and(|welcome| self.play(caller, &welcome, false));
                if !greeted {
                    let music = self.music_of(Some(&name));
                    self.play(caller, &music, true);
                }
                self.begin_announcing(call, greeted);
                self.review_estimate(call);
            }
            Place::User(_) if self.is_answered(caller) => {
                let music = self.music_of(None);
                self.play(caller, &music, true);
            }
            Place::User(_) => self.tell_progress(call, 180),
        }
    }

    /// A queue's priority or ageing changed: readers see the order that holds now (rule 3).
    pub(crate) fn publish_new_ranks(&mut self) {
        for call in self.waiting_calls() {
            self.publish_queued(call);
        }
    }

    /// The calls that wait; looks at all.
    pub(super) fn waiting_calls(&self) -> Vec<CallId> {
        let waits = |call: &&super::Call| {
            matches!(call.stage, Stage::Waiting(Waiting { entered: true, .. }))
        };
        let calls = self.calls.values().map(Box::as_ref);
        let waiting = calls.filter(waits);
        waiting.map(|call| call.id).collect()
    }

    /// What a caller who has just entered is to be told of their wait: nothing when it rings for them at once.
    pub(super) fn estimate(&self, call: CallId, place: &Place) -> Option<u32> {
        let Place::Queue(name) = place else {
            return None;
        };
        let interaction = acd::InteractionId(call.0);
        let waits = self.acd.interaction(interaction)?.stage == acd::Stage::Waiting;
        let before = self
            .acd
            .position(interaction)
            .filter(|_| waits)?
            .saturating_sub(1);
        let queue = self.acd.queue(self.names.queue(name)?)?;
        // Whom it rings for stands before them mostly, and is as good as served.
        let ahead = before.saturating_sub(queue.alerting);
        let figures = self.durable.board.queues.get(name)?;
        figures.estimate(ahead, queue.agents_milli)
    }

    /// Tells its new place in the order.
    pub(crate) fn publish_queued(&mut self, call: CallId) {
        self.publish_waiting(call, None);
    }

    fn publish_waiting(&mut self, call: CallId, estimate_seconds: Option<u32>) {
        let Some(found) = self.calls.get(&call) else {
            return;
        };
        let Stage::Waiting(waiting) = &found.stage else {
            return;
        };
        let Some(rank) = self
            .acd
            .interaction(acd::InteractionId(call.0))
            .map(|view| view.rank)
        else {
            return;
        };
        let us = |at: core::time::Duration| i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        let own = self.priority_of(&waiting.place);
        let (queue, user) = match &waiting.place {
            Place::Queue(name) => (Some(name.clone()), None),
            Place::User(username) => (None, Some(username.clone())),
        };
        let event = Event::CallQueued {
            call,
            queue,
            user,
            rank: Rank {
                tier: tier_number(rank.tier()),
                key_us: rank.aged_us(),
                arrival_us: us(rank.arrival()),
                id: call.0,
            },
            priority: own.saturating_add(found.priority),
            arrival_us: found.arrival.map_or(0, us),
            estimate_seconds,
        };
        self.publish(event);
    }

    /// The points that whoever waits there has (rule 2).
    pub(crate) fn priority_of(&self, place: &Place) -> i32 {
        let centre = &self.snapshot.centre;
        match place {
            Place::Queue(name) => centre.queues.get(name).map_or(0, |queue| queue.priority),
            Place::User(username) => {
                let user = centre.users.get(username);
                user.map_or(0, |user| user.direct_call_priority)
            }
        }
    }

    /// The name of a queue; none when it is a user that is meant.
    pub(super) fn queue_of(&self, target: AcdTarget) -> Option<String> {
        match target {
            AcdTarget::Queue(id) => self.names.queue_name(id).map(String::from),
            AcdTarget::Personal(_) => None,
        }
    }

    /// Says that a call waits no more, if anyone was told that it does.
    pub(crate) fn publish_left(&mut self, call: CallId, why: LeftQueue) {
        let entered = self.calls.get(&call).is_some_and(|call| {
            matches!(call.stage, Stage::Waiting(Waiting { entered: true, .. }))
        });
        if entered {
            self.publish(Event::CallLeftQueue { call, why });
        }
    }

    /// Rings every phone of the extension the agent sits at; the first that answers has the call. Phones of other agents may
    /// ring for it, too.
    fn alert(
        &mut self,
        match_id: MatchId,
        call: CallId,
        agent: acd::AgentId,
        from: AcdTarget,
        choice: &acd::Choice,
    ) {
        let Some(username) = self.names.username(agent).map(String::from) else {
            return;
        };
        if !self.calls.contains_key(&call) {
            // Its caller left in the same turn: nobody is rung, and nobody hears of it.
            return self.alert_ended(match_id, AcdAlertEnd::NoBinding);
        }
        let queue = self.queue_of(from);
        self.index.matches.insert(match_id, call);
        self.publish(Event::AlertStarted {
            alert: match_id.0,
            call,
            agent: username.clone(),
            queue,
            picked_up: choice.cause == acd::Cause::PickedUp,
            choice: Some(self.named_choice(choice)),
        });
        let Some(found) = self.calls.get_mut(&call) else {
            return;
        };
        let purpose = Purpose::Alert(match_id);
        found.rings.push(Ring::new(purpose));
        if let Some((_, leg)) = self.lifted.take_if(|(of, _)| *of == agent) {
            return self.take_by(leg);
        }
        let extension = self.seats.extension(&username).map(String::from);
        let targets = extension
            .as_deref()
            .map(|seat| self.targets_of_extension(seat))
            .unwrap_or_default();
        if let Some(extension) = extension {
            for target in targets {
                self.call_phone(call, LegRole::Agent, &extension, Some(&username), target);
            }
        }
        let rings = self.calls.get(&call);
        let rings = rings.and_then(|call| call.ring_for(purpose));
        if rings.is_none_or(|ring| ring.legs.is_empty()) {
            self.drop_ring(call, purpose);
            self.alert_ended(match_id, AcdAlertEnd::NoBinding);
        }
    }

    pub(crate) fn alert_ended(&mut self, match_id: MatchId, end: AcdAlertEnd) {
        self.acd_input(AcdInput::AlertEnded { match_id, end });
    }

    /// Stops what rings for an alert.
    fn withdraw(&mut self, match_id: MatchId, reason: WithdrawReason) {
        if self.index.answered.contains_key(&match_id) {
            return self.hang_up_answered(match_id);
        }
        let Some(call) = self.index.matches.remove(&match_id) else {
            return;
        };
        if self.rings_for(call, match_id) {
            let why = match reason {
                WithdrawReason::TimedOut => EndResult::NoAnswer,
                WithdrawReason::Rejected => EndResult::Rejected,
                WithdrawReason::CallerGone
                | WithdrawReason::Break
                | WithdrawReason::Logout
                | WithdrawReason::AgentRemoved
                | WithdrawReason::Stale
                | WithdrawReason::Restart
                | WithdrawReason::PickedUp
                | WithdrawReason::Answered
                | WithdrawReason::Instead => EndResult::Withdrawn,
            };
            let elsewhere = match reason {
                WithdrawReason::PickedUp | WithdrawReason::Answered => Some(COMPLETED_ELSEWHERE),
                WithdrawReason::TimedOut
                | WithdrawReason::Rejected
                | WithdrawReason::CallerGone
                | WithdrawReason::Break
                | WithdrawReason::Logout
                | WithdrawReason::AgentRemoved
                | WithdrawReason::Stale
                | WithdrawReason::Restart
                | WithdrawReason::Instead => None,
            };
            self.stop_ring(call, Purpose::Alert(match_id), why, elsewhere);
        }
    }

    fn rings_for(&self, call: CallId, match_id: MatchId) -> bool {
        let call = self.calls.get(&call);
        call.is_some_and(|call| call.ring_for(Purpose::Alert(match_id)).is_some())
    }

    fn alert_finished(
        &mut self,
        match_id: MatchId,
        call: CallId,
        agent: acd::AgentId,
        how: AlertOutcome,
    ) {
        self.pick_up_ended(agent, call, how == AlertOutcome::Accepted);
        if !self.index.matches.contains_key(&match_id) {
            // One that never rang, or one of before a restart: the journal's fold has closed that with its call.
            return;
        }
        let rings_on = self.rings_for(call, match_id);
        if !rings_on || sabotage::withdraw() {
            // Else a `Withdraw` follows, and has to find what rings.
            self.index.matches.remove(&match_id);
        }
        let (end, sip_status) = match how {
            AlertOutcome::Accepted => (AlertEnd::Accepted, None),
            AlertOutcome::Rejected => (AlertEnd::Rejected, None),
            AlertOutcome::TimedOut => (AlertEnd::TimedOut, None),
            AlertOutcome::Withdrawn(_) => (AlertEnd::Withdrawn, None),
            AlertOutcome::Failed { status } => (AlertEnd::Failed, Some(status)),
        };
        let Some(agent) = self.names.username(agent).map(String::from) else {
            return;
        };
        self.publish(Event::AlertEnded {
            alert: match_id.0,
            call,
            agent,
            end,
            sip_status,
        });
    }
}

pub(crate) fn tier_number(tier: acd::Tier) -> u8 {
    match tier {
        acd::Tier::Urgent => 0,
        acd::Tier::Normal => 1,
        acd::Tier::Low => 2,
    }
}
