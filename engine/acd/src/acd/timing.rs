//! What happens to those who wait because of the time they have waited (rules 2, 7, 8, 22 and 23).

use core::time::Duration;

use super::Acd;
use crate::config::ServiceStep;
use crate::deadline::Deadline;
use crate::ids::InteractionId;
use crate::interaction::Interaction;
use crate::output::{DivertReason, Output};
use crate::rank::Target;
use crate::sabotage;

impl Acd {
    /// Sets the moments of one that has just entered.
    pub(super) fn set_times(&mut self, entered: &mut Interaction) {
        entered.expires = self.expiry(entered);
        entered.service_due = self.service_moment(entered);
        entered.first_gate = self.index.first_gate(entered);
        self.reschedule(None, entered.service_due, Deadline::Service(entered.id));
    }

    /// When its `max_wait` is over.
    fn expiry(&self, interaction: &Interaction) -> Option<Duration> {
        let max_wait = self.state.max_wait(interaction.at)?;
        Some(interaction.entered.saturating_add(max_wait))
    }

    fn service_moment(&self, interaction: &Interaction) -> Option<Duration> {
        let Target::Queue(queue) = interaction.at else {
            return None;
        };
        if interaction.service_acted && !sabotage::service_once() {
            return None;
        }
        let action = self.state.queues.get(&queue)?.config.service_action?;
        Some(interaction.entered.saturating_add(action.after))
    }

    /// New settings of `target` hold for those who wait there, too, from their entry.
    pub(super) fn retime(&mut self, target: Target) {
        let Some(lane) = self.index.lanes.get(&target) else {
            return;
        };
        let ranks = [lane.in_order(), lane.more.alerting.iter().collect()].concat();
        self.index.set_max_wait(target, self.state.max_wait(target));
        for rank in ranks {
            self.retime_one(rank.interaction());
        }
    }

    fn retime_one(&mut self, id: InteractionId) {
        let Some(interaction) = self.state.interactions.get(&id) else {
            return;
        };
        let was = interaction.service_due;
        let stays = interaction.overdue.is_none();
        let expires = self.expiry(interaction).filter(|_| stays);
        let service = self.service_moment(interaction).filter(|_| stays);
        self.reschedule(was, service, Deadline::Service(id));
        if let Some(interaction) = self.state.interactions.get_mut(&id) {
            self.index.set_expiry(interaction, expires);
            interaction.service_due = service;
        }
    }

    /// The gates of its queue are others than before.
    pub(super) fn set_first_gate(&mut self, id: InteractionId) {
        if let Some(interaction) = self.state.interactions.get_mut(&id) {
            interaction.first_gate = self.index.first_gate(interaction);
        }
    }

    pub(super) fn on_max_wait(&mut self, id: InteractionId) {
        if let Some(interaction) = self.state.interactions.get_mut(&id) {
            self.index.on_expired(interaction);
            self.overdue(id, DivertReason::MaxWait);
        }
    }

    /// Rule 22.
    pub(super) fn on_too_long(&mut self, id: InteractionId) {
        let goes = |it: &Interaction| {
            it.held_for().is_none() && it.overdue.is_none() && !it.is_connected()
        };
        if self.state.interactions.get(&id).is_some_and(goes) {
            self.overdue(id, DivertReason::MaxEstimate);
        }
    }

    /// Its time is over: it goes, from an alert when that comes to nothing.
    fn overdue(&mut self, id: InteractionId, reason: DivertReason) {
        let Some(interaction) = self.state.interactions.get_mut(&id) else {
            return;
        };
        if interaction.is_waiting() {
            self.divert(id, reason);
        } else {
            interaction.overdue = Some(reason);
            self.retime_one(id);
        }
    }

    /// Rule 23.
    pub(super) fn on_service(&mut self, id: InteractionId) {
        let Some(interaction) = self.state.interactions.get_mut(&id) else {
            return;
        };
        interaction.service_due = None;
        let at = interaction.at;
        let Target::Queue(queue) = at else {
            return;
        };
        let action = self.state.queues.get(&queue);
        let Some(action) = action.and_then(|queue| queue.config.service_action) else {
            return;
        };
        let step = action.step;
        interaction.service_acted = true;
        self.outputs.push_back(Output::ServiceLevelReached {
            interaction: id,
            queue,
            step,
        });
        match step {
            ServiceStep::Raise(_) if sabotage::service_level() => {}
            ServiceStep::Raise(points) => {
                interaction.priority = interaction.priority.saturating_add(points);
                if let Some(weight) = self.state.weight(at) {
                    self.rerank_one(id, weight);
                }
            }
            ServiceStep::Notify => {}
            ServiceStep::Go => self.overdue(id, DivertReason::ServiceLevel),
        }
    }
}
