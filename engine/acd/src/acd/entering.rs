//! Interactions come, go, and are sent elsewhere (rules 2, 4, 20, 21).

use core::time::Duration;

use super::Acd;
use crate::config::{JoinWhen, WhenClosing};
use crate::ids::{AgentId, InteractionId, QueueId};
use crate::input::{Enqueue, EntryKind, Presence};
use crate::interaction::Interaction;
use crate::output::{DivertReason, Output, RefuseReason, WithdrawReason};
use crate::rank::Target;
use crate::sabotage;
use crate::view::Stage;

impl Acd {
    pub(super) fn on_enqueue(&mut self, now: Duration, enqueue: &Enqueue) {
        let (interaction, to) = (enqueue.interaction, enqueue.to);
        if let Err(reason) = self.lets_in(enqueue) {
            self.outputs.push_back(Output::Refuse {
                interaction,
                to,
                reason,
            });
            return;
        }
        if let Some(reason) = self.unavailable(to) {
            self.outputs.push_back(Output::Divert {
                interaction,
                from: to,
                reason,
            });
            return;
        }
        let Some(weight) = self.state.weight(to) else {
            return;
        };
        let mut entered = Interaction::new(now, enqueue, weight);
        self.set_times(&mut entered);
        self.index.wait(&entered);
        self.agenda.arrived.insert(entered.rank);
        let place = self
            .index
            .lanes
            .get(&to)
            .map_or(0, |lane| lane.place(&entered.rank));
        self.state.interactions.insert(interaction, entered);
        self.outputs.push_back(Output::Entered {
            interaction,
            to,
            position: place + 1,
        });
        if let Some(sticky) = enqueue.sticky {
            self.hold_for_former(now, interaction, sticky);
        }
    }

    /// Rule 20.
    fn lets_in(&self, enqueue: &Enqueue) -> Result<(), RefuseReason> {
        if self.state.interactions.contains_key(&enqueue.interaction) {
            return Err(RefuseReason::Duplicate);
        }
        let lane = self
            .index
            .lanes
            .get(&enqueue.to)
            .ok_or(RefuseReason::Unknown)?;
        let (Target::Queue(id), EntryKind::New | EntryKind::Overflow) = (enqueue.to, enqueue.kind)
        else {
            return Ok(());
        };
        let queue = self.state.queues.get(&id).ok_or(RefuseReason::Unknown)?;
        if !queue.open && !sabotage::closed() {
            return Err(RefuseReason::Closed);
        }
        let max = queue.config.max_waiting;
        if max > 0 && lane.len() >= max && !sabotage::full() {
            return Err(RefuseReason::Full);
        }
        match queue.config.join_when {
            _ if sabotage::join_when() => Ok(()),
            JoinWhen::SomeoneLoggedIn if lane.more.logged_in == 0 => {
                Err(RefuseReason::NobodyLoggedIn)
            }
            JoinWhen::SomeoneAvailable if lane.more.available == 0 => {
                Err(RefuseReason::NobodyAvailable)
            }
            JoinWhen::Always | JoinWhen::SomeoneLoggedIn | JoinWhen::SomeoneAvailable => Ok(()),
        }
    }

    /// Why nothing waits for this user now (rule 2).
    pub(super) fn unavailable(&self, target: Target) -> Option<DivertReason> {
        let Target::Personal(agent) = target else {
            return None;
        };
        let agent = self.state.agents.get(&agent).filter(|agent| !agent.removed);
        let Some(agent) = agent else {
            return Some(DivertReason::AgentRemoved);
        };
        match agent.presence() {
            Presence::Offline => Some(DivertReason::AgentOffline),
            Presence::Break(_) => Some(DivertReason::AgentOnBreak),
            Presence::Available if agent.phone.is_reachable() => None,
            Presence::Available => Some(DivertReason::AgentUnreachable),
        }
    }

    /// An agent's phone is gone: whoever waits for them alone has nothing to wait for. One that alerts is asked after when
    /// its alert ends.
    pub(super) fn divert_from_unreachable(&mut self, agent: AgentId) {
        let own = Target::Personal(agent);
        if let Some(reason) = self.unavailable(own) {
            self.divert_waiting(own, reason);
        }
    }

    /// Back to the queue after its last alert, with its rank (rule 4), unless it has to go; `untaken` says where a direct
    /// call goes that its user did not take (rule 2).
    pub(super) fn put_back(
        &mut self,
        now: Duration,
        id: InteractionId,
        untaken: Option<DivertReason>,
    ) {
        let Some(interaction) = self.state.interactions.get(&id) else {
            return;
        };
        if !self.alerts_of(id).is_empty() {
            return;
        }
        let leaves = untaken
            .filter(|_| !sabotage::unavailable())
            .or(interaction.leaving)
            .or(interaction.overdue)
            .or_else(|| self.unavailable(interaction.at));
        if let Some(reason) = leaves {
            self.divert(id, reason);
            return;
        }
        if let Some(interaction) = self.state.interactions.get_mut(&id) {
            interaction.begin_waiting(now);
            if sabotage::requeue() {
                interaction.arrival = Duration::from_secs(u32::MAX.into());
                interaction.rank = interaction.ranked(crate::interaction::Weight {
                    priority: 0,
                    ageing: Duration::ZERO,
                });
            }
            self.index.wait(interaction);
            self.agenda.arrived.insert(interaction.rank);
        }
        self.judge(now, id);
    }

    /// Sends elsewhere what is not being alerted.
    pub(super) fn divert(&mut self, id: InteractionId, reason: DivertReason) {
        if let Some(interaction) = self.forget(id) {
            self.outputs.push_back(Output::Divert {
                interaction: id,
                from: interaction.at,
                reason,
            });
        }
    }

    /// Sends elsewhere what waits at `target`; what is alerting goes when that alert comes to nothing.
    pub(super) fn divert_all(&mut self, target: Target, reason: DivertReason) {
        self.mark_alerting(target, |leaving| *leaving = Some(reason));
        self.divert_waiting(target, reason);
    }

    fn divert_waiting(&mut self, target: Target, reason: DivertReason) {
        let Some(lane) = self.index.lanes.get(&target) else {
            return;
        };
        for rank in lane.in_order() {
            self.divert(rank.interaction(), reason);
        }
    }

    fn mark_alerting(&mut self, target: Target, mark: impl Fn(&mut Option<DivertReason>)) {
        let Some(lane) = self.index.lanes.get(&target) else {
            return;
        };
        for rank in lane.more.alerting.iter() {
            if let Some(interaction) = self.state.interactions.get_mut(&rank.interaction()) {
                mark(&mut interaction.leaving);
            }
        }
    }

    /// Takes an interaction out of everything but an alert.
    pub(super) fn forget(&mut self, id: InteractionId) -> Option<Interaction> {
        let mut interaction = self.state.interactions.remove(&id)?;
        if interaction.is_waiting() {
            self.index.stop_waiting(&interaction);
        }
        if interaction.is_connected() {
            self.index.disconnect(interaction.at);
        }
        self.index.settle_waits(&mut interaction);
        Some(interaction)
    }

    /// The caller is gone, or what they had with the agent is over.
    pub(super) fn on_gone(&mut self, now: Duration, id: InteractionId) {
        let Some(stage) = self.state.interactions.get(&id).map(|it| it.stage) else {
            return;
        };
        match stage {
            Stage::Waiting => {}
            Stage::Alerting { .. } if sabotage::caller_gone() => return,
            Stage::Alerting { .. } => self.withdraw_all(now, id, WithdrawReason::CallerGone),
            Stage::Connected { agent, .. } => self.end_interaction(now, agent, id),
        }
        self.forget(id);
    }

    /// `retry_after` has passed: that agent may be alerted again.
    pub(super) fn on_retry(&mut self, id: InteractionId, agent: AgentId) {
        let Some(interaction) = self.state.interactions.get_mut(&id) else {
            return;
        };
        if interaction.is_waiting() {
            self.index.unbar(agent, interaction);
            self.agenda.arrived.insert(interaction.rank);
        }
        interaction.barred.remove(&agent);
    }

    pub(super) fn on_opened(&mut self, id: QueueId) {
        let Some(queue) = self.state.queues.get_mut(&id) else {
            return;
        };
        queue.open = true;
        self.mark_alerting(Target::Queue(id), |leaving| {
            leaving.take_if(|reason| *reason == DivertReason::Closed);
        });
    }

    /// Rule 21: who waits when the queue closes.
    pub(super) fn on_closed(&mut self, id: QueueId) {
        let Some(queue) = self.state.queues.get_mut(&id) else {
            return;
        };
        let was_open = core::mem::replace(&mut queue.open, false);
        let go = queue.config.when_closing == WhenClosing::Go && !sabotage::closing();
        if was_open && go {
            self.divert_all(Target::Queue(id), DivertReason::Closed);
        }
    }
}
