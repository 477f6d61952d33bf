//! Nobody is there for those who wait (rule 21).

use alloc::vec::Vec;
use core::time::Duration;

use super::Acd;
use crate::config::WhenNobody;
use crate::ids::{InteractionId, QueueId};
use crate::interaction::Interaction;
use crate::output::{DivertReason, Output};
use crate::rank::Target;
use crate::sabotage;

impl Acd {
    /// Looks anew at the queues whose agents came or went.
    pub(super) fn restaff(&mut self, now: Duration) {
        while let Some(id) = self.index.restaffed.pop_first() {
            self.restaff_queue(now, id);
            for interaction in self.rejected_at(id) {
                self.judge(now, interaction);
            }
        }
    }

    fn restaff_queue(&mut self, now: Duration, id: QueueId) {
        let target = Target::Queue(id);
        let (Some(queue), Some(lane)) = (
            self.state.queues.get_mut(&id),
            self.index.lanes.get(&target),
        ) else {
            return;
        };
        let nobody = lane.more.available == 0;
        if nobody == queue.nobody_since.is_some() {
            return;
        }
        queue.nobody_since = nobody.then_some(now);
        let stranded: Vec<_> = lane.more.watch.stranded.iter().copied().collect();
        let waits = |id| self.state.interactions.get(&id);
        self.index.set_nobody_since(id, queue.nobody_since, waits);
        for interaction in stranded {
            self.change_waiting(interaction, |it| {
                if it.rejecters().next().is_none() {
                    it.stranded = false;
                }
            });
        }
    }

    fn rejected_at(&self, id: QueueId) -> Vec<InteractionId> {
        let lane = self.index.lanes.get(&Target::Queue(id));
        lane.map_or_else(Vec::new, |lane| {
            lane.more.watch.rejected.iter().copied().collect()
        })
    }

    /// Whether somebody is there for one whom somebody rejected.
    pub(super) fn judge(&mut self, now: Duration, id: InteractionId) {
        let Some(interaction) = self.state.interactions.get(&id) else {
            return;
        };
        if interaction.rejecters().next().is_none() {
            return;
        }
        let alone = self.index.is_alone(interaction);
        if alone != interaction.alone_since.is_some() {
            self.change_waiting(id, |it| {
                it.alone_since = alone.then_some(now);
                it.stranded = false;
            });
        }
    }

    /// Changes one that waits; the index follows.
    fn change_waiting(&mut self, id: InteractionId, change: impl FnOnce(&mut Interaction)) {
        if let Some(interaction) = self.state.interactions.get_mut(&id)
            && interaction.is_waiting()
        {
            self.index.stop_waiting(interaction);
            change(interaction);
            self.index.wait(interaction);
        }
    }

    pub(super) fn on_nobody(&mut self, id: QueueId) {
        let lane = self.index.lanes.get(&Target::Queue(id));
        if let Some(first) = lane.and_then(|lane| lane.more.watch.first()) {
            self.strand(first);
        }
    }

    /// Nobody has been there for this one for `nobody_after`.
    pub(super) fn strand(&mut self, id: InteractionId) {
        let Some(interaction) = self.state.interactions.get(&id) else {
            return;
        };
        let Target::Queue(queue) = interaction.at else {
            return;
        };
        let goes = self
            .state
            .queues
            .get(&queue)
            .map(|it| it.config.when_nobody);
        if goes == Some(WhenNobody::Go) && !sabotage::nobody() {
            self.divert(id, DivertReason::Nobody);
        } else {
            self.change_waiting(id, |it| it.stranded = true);
        }
    }

    /// `when_nobody` has a destination from now on: those of whom a person was told take it.
    pub(super) fn free_stranded(&mut self, id: QueueId) {
        let Some(lane) = self.index.lanes.get(&Target::Queue(id)) else {
            return;
        };
        for interaction in lane.more.watch.stranded.iter().copied().collect::<Vec<_>>() {
            self.divert(interaction, DivertReason::Nobody);
        }
    }

    /// Tells where somebody waits without anybody, and where no more.
    pub(super) fn tell_stranded(&mut self) {
        while let Some(id) = self.index.stranding.pop_first() {
            let lane = self.index.lanes.get(&Target::Queue(id));
            let is_stranding = lane.is_some_and(|lane| !lane.more.watch.stranded.is_empty());
            self.set_alarmed(id, is_stranding && !sabotage::alarm());
        }
    }

    pub(super) fn set_alarmed(&mut self, id: QueueId, alarmed: bool) {
        let Some(queue) = self.state.queues.get_mut(&id) else {
            return;
        };
        if core::mem::replace(&mut queue.alarmed, alarmed) != alarmed {
            self.outputs.push_back(if alarmed {
                Output::Unattended { queue: id }
            } else {
                Output::Attended { queue: id }
            });
        }
    }
}
