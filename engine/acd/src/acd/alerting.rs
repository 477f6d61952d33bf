//! Alerts begin, and end in exactly one way (rules 10 to 12).

use alloc::vec::Vec;
use core::time::Duration;

use super::Acd;
use crate::alert::{Alert, Verdict};
use crate::choice::{Cause, Choice};
use crate::deadline::Deadline;
use crate::ids::{AgentId, InteractionId, MatchId};
use crate::input::{AlertEnd, BreakReason, Presence};
use crate::interaction::Bar;
use crate::output::{AlertOutcome, DeviceHealth, DivertReason, Output, WithdrawReason};
use crate::sabotage;
use crate::view::Stage;

impl Acd {
    /// Presents `id`, which alerts nobody or rings for all, to the chosen agent, who is free or picks it up.
    pub(super) fn alert(&mut self, now: Duration, id: InteractionId, choice: Choice) {
        let Some(begun) = self.state.interactions.get(&id) else {
            return;
        };
        if begun.is_waiting() {
            self.index.stop_waiting(begun);
        }
        let choice = self.with_others(choice, begun.at);
        let (agent, cause) = (choice.chosen.agent, choice.cause);
        let (Some(interaction), Some(alerted)) = (
            self.state.interactions.get_mut(&id),
            self.state.agents.get_mut(&agent),
        ) else {
            return;
        };
        let match_id = self.state.next_match;
        self.state.next_match = MatchId(match_id.0 + 1);
        interaction.begin_alert(match_id, agent, cause);
        self.index.begin_alert(interaction);
        alerted.begin_alert(match_id, id);
        self.agenda.touched.insert(agent);
        self.index.relist(agent, alerted);
        let from = interaction.at;
        let ring_timeout = self.state.policy(from).ring_timeout;
        let alert = Alert {
            interaction: id,
            agent,
            from,
            until: now.saturating_add(ring_timeout),
            ringing: false,
            picked_up: cause == Cause::PickedUp,
            for_all: cause == Cause::ForAll,
        };
        self.ring(match_id, alert, ring_timeout, choice);
    }

    fn ring(&mut self, match_id: MatchId, alert: Alert, ring_timeout: Duration, choice: Choice) {
        self.index
            .deadlines
            .set(alert.until, Deadline::Ring(match_id));
        self.outputs.push_back(Output::Alert {
            match_id,
            epoch: self.epoch(),
            interaction: alert.interaction,
            agent: alert.agent,
            from: alert.from,
            ring_timeout,
            picked_up: alert.picked_up,
            choice,
        });
        self.state.alerts.insert(match_id, alert);
    }

    /// Ends an alert on the agent's side and on record. What becomes of the interaction is the caller's to say.
    fn end_alert(&mut self, now: Duration, match_id: MatchId, how: AlertOutcome) -> Option<Alert> {
        let alert = self.state.alerts.remove(&match_id)?;
        self.index
            .deadlines
            .cancel(alert.until, Deadline::Ring(match_id));
        if let Some(agent) = self.state.agents.get_mut(&alert.agent) {
            agent.end_alert(now, how, alert.picked_up);
        }
        self.touch(alert.agent);
        self.lose_alert(match_id, &alert);
        self.outputs.push_back(Output::AlertFinished {
            match_id,
            interaction: alert.interaction,
            agent: alert.agent,
            how,
            rang: alert.ringing,
        });
        Some(alert)
    }

    /// The interaction's side of an alert that is over.
    fn lose_alert(&mut self, match_id: MatchId, alert: &Alert) {
        let Some(interaction) = self.state.interactions.get_mut(&alert.interaction) else {
            return;
        };
        let next = interaction.also.first().copied();
        let next = next.and_then(|next| Some((next, self.state.alerts.get(&next)?.agent)));
        let last = interaction.end_alert(match_id, next);
        self.index.end_alert(interaction, last);
    }

    /// The alerts of `id` that run.
    pub(super) fn alerts_of(&self, id: InteractionId) -> Vec<MatchId> {
        let alerts = self.state.interactions.get(&id).map(|it| it.alerts());
        let running = alerts.into_iter().flatten();
        running
            .filter(|match_id| self.state.alerts.contains_key(match_id))
            .collect()
    }

    /// Stops every phone that rings for `id`.
    pub(super) fn withdraw_all(
        &mut self,
        now: Duration,
        id: InteractionId,
        reason: WithdrawReason,
    ) {
        for match_id in self.alerts_of(id) {
            let agent = self.state.alerts.get(&match_id).map(|alert| alert.agent);
            self.withdraw(now, match_id, reason);
            if let Some(agent) = agent {
                self.take_pending(now, agent);
            }
        }
    }

    /// Stops the phone; the interaction stays with the caller of this.
    pub(super) fn withdraw(
        &mut self,
        now: Duration,
        match_id: MatchId,
        reason: WithdrawReason,
    ) -> Option<InteractionId> {
        let alert = self.end_alert(now, match_id, AlertOutcome::Withdrawn(reason))?;
        self.outputs
            .push_back(Output::Withdraw { match_id, reason });
        Some(alert.interaction)
    }

    pub(super) fn on_ringing(&mut self, match_id: MatchId) {
        let Some(alert) = self.state.alerts.get_mut(&match_id) else {
            return;
        };
        alert.ringing = true;
        let agent = alert.agent;
        self.on_phone_alive(agent);
    }

    fn on_phone_alive(&mut self, id: AgentId) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        if let Some(at) = agent.phone.skipped_until() {
            self.index.deadlines.cancel(at, Deadline::Device(id));
        }
        agent.phone.on_alive();
        self.touch(id);
    }

    pub(super) fn on_alert_ended(&mut self, now: Duration, match_id: MatchId, end: AlertEnd) {
        let Some(alert) = self.state.alerts.get(&match_id) else {
            if end == AlertEnd::Accepted && !sabotage::late_accept() {
                let reason = WithdrawReason::Stale;
                self.outputs
                    .push_back(Output::Withdraw { match_id, reason });
            }
            return;
        };
        match alert.verdict(end) {
            Verdict::Accepted => self.on_accepted(now, match_id),
            Verdict::Rejected => self.on_rejected(now, match_id, end),
            Verdict::Unreachable { status } => {
                self.on_failed(now, match_id, status, Some(DeviceHealth::Unreachable));
            }
            Verdict::PhoneBusy { status } => {
                self.on_failed(now, match_id, status, Some(DeviceHealth::Busy));
            }
            Verdict::PhoneHangingUp { status } => self.on_failed(now, match_id, status, None),
        }
    }

    fn on_accepted(&mut self, now: Duration, match_id: MatchId) {
        let Some(alert) = self.end_alert(now, match_id, AlertOutcome::Accepted) else {
            return;
        };
        let (id, agent) = (alert.interaction, alert.agent);
        self.on_phone_alive(agent);
        if !sabotage::ring_all_winner() {
            self.withdraw_all(now, id, WithdrawReason::Answered);
        }
        if let Some(interaction) = self.state.interactions.get_mut(&id) {
            self.index.settle_waits(interaction);
            interaction.stage = Stage::Connected { match_id, agent };
            interaction.leaving = None;
            interaction.overdue = None;
            self.index.connect(interaction.at);
        }
        // Of whom they talked to when they picked this up.
        self.stop_wrap_up(now, agent);
        if let Some(connected) = self.state.agents.get_mut(&agent) {
            connected.connect(now, id);
        }
        self.outputs.push_back(Output::Connect {
            match_id,
            interaction: id,
            agent,
        });
    }

    /// Rule 11.
    fn on_rejected(&mut self, now: Duration, match_id: MatchId, end: AlertEnd) {
        let Some(alert) = self.end_alert(now, match_id, AlertOutcome::Rejected) else {
            return;
        };
        if end == AlertEnd::Rejected {
            let reason = WithdrawReason::Rejected;
            self.outputs
                .push_back(Output::Withdraw { match_id, reason });
        } else {
            self.on_phone_alive(alert.agent);
        }
        let bar = if sabotage::reject_forever() {
            Bar::Until(now.saturating_add(Duration::from_secs(15)))
        } else {
            Bar::Rejected
        };
        self.bar(&alert, bar);
        self.release_of(now, alert.interaction, alert.agent);
        self.put_back(
            now,
            alert.interaction,
            alert.untaken(DivertReason::AgentRejected),
        );
        self.take_pending(now, alert.agent);
    }

    /// Rule 12, timed out.
    pub(super) fn on_ring_timeout(&mut self, now: Duration, match_id: MatchId) {
        let reason = WithdrawReason::TimedOut;
        let for_all = self
            .state
            .alerts
            .get(&match_id)
            .is_some_and(|alert| alert.for_all);
        if for_all && !sabotage::ring_all_counts() {
            return self.on_rang_for_all(now, match_id);
        }
        let Some(alert) = self.end_alert(now, match_id, AlertOutcome::TimedOut) else {
            return;
        };
        self.outputs
            .push_back(Output::Withdraw { match_id, reason });
        let policy = self.state.policy(alert.from);
        if let Some(retry_after) = policy.retry_after
            && !retry_after.is_zero()
            && !sabotage::retry_after()
        {
            self.bar(&alert, Bar::Until(now.saturating_add(retry_after)));
        }
        self.put_back(
            now,
            alert.interaction,
            alert.untaken(DivertReason::AgentNoAnswer),
        );
        if !alert.picked_up || sabotage::pick_up_missed() {
            self.send_absent_on_break(now, &alert);
        }
        self.take_pending(now, alert.agent);
    }

    /// Rule 6: it rings on for nobody, and nobody has missed it.
    fn on_rang_for_all(&mut self, now: Duration, match_id: MatchId) {
        let agent = self.state.alerts.get(&match_id).map(|alert| alert.agent);
        let interaction = self.withdraw(now, match_id, WithdrawReason::TimedOut);
        if let (Some(interaction), Some(agent)) = (interaction, agent) {
            self.put_back(now, interaction, None);
            self.take_pending(now, agent);
        }
    }

    fn send_absent_on_break(&mut self, now: Duration, alert: &Alert) {
        let max_no_answer = self.state.policy(alert.from).max_no_answer;
        let agent = self.state.agents.get(&alert.agent);
        if agent.is_some_and(|agent| agent.is_absent(max_no_answer)) {
            self.set_presence(now, alert.agent, Presence::Break(BreakReason::no_answer()));
        }
    }

    /// Rule 12, failed: the phone is skipped, nobody has missed anything; a direct call goes elsewhere (rule 2). Without `health` it has only just hung up.
    fn on_failed(
        &mut self,
        now: Duration,
        match_id: MatchId,
        status: u16,
        health: Option<DeviceHealth>,
    ) {
        let how = AlertOutcome::Failed { status };
        let Some(alert) = self.end_alert(now, match_id, how) else {
            return;
        };
        let retry = self.state.policy(alert.from).device_retry;
        if let Some(agent) = self.state.agents.get_mut(&alert.agent) {
            // Who picks up has their phone rung also while it is left alone.
            let before = agent.phone.skipped_until();
            match health {
                Some(health) => agent.phone.on_failed(now, health, retry),
                None => agent.phone.on_hanging_up(now),
            }
            let after = agent.phone.skipped_until();
            self.reschedule(before, after, Deadline::Device(alert.agent));
        }
        if sabotage::missed() {
            self.send_absent_on_break(now, &alert);
        }
        self.put_back(now, alert.interaction, None);
        self.divert_from_unreachable(alert.agent);
        self.take_pending(now, alert.agent);
    }

    /// Keeps the alert's agent from its interaction; who has rejected it stays barred though they picked it up since. It
    /// is not among the waiting yet, so the index learns of it there.
    fn bar(&mut self, alert: &Alert, bar: Bar) {
        let Some(interaction) = self.state.interactions.get_mut(&alert.interaction) else {
            return;
        };
        let before = interaction.barred.get(&alert.agent).copied();
        if before == Some(Bar::Rejected) {
            return;
        }
        interaction.barred.insert(alert.agent, bar);
        let retry = Deadline::Retry(alert.interaction, alert.agent);
        self.reschedule(before.and_then(Bar::until), bar.until(), retry);
    }
}
