//! Agents take what they choose (rule 13).
//!
//! A pick-up is an alert of an interaction that the agent chose: it rings, and is answered or not, like any other. What stands in
//! its way is told by [`Output::Denied`].

use core::time::Duration;

use super::Acd;
use crate::ids::{AgentId, InteractionId};
use crate::interaction::Interaction;
use crate::output::{Denial, Output, WithdrawReason};
use crate::sabotage;
use crate::view::Stage;

impl Acd {
    pub(super) fn on_pick_up(
        &mut self,
        now: Duration,
        id: InteractionId,
        agent: AgentId,
        supervises: bool,
    ) {
        let taker = self.state.agents.get(&agent);
        if taker.is_some_and(|taker| taker.is_alerted_for(id)) {
            return;
        }
        if let Err(why) = self.can_pick_up(id, agent, supervises) {
            return self.deny(id, agent, why);
        }
        self.make_room(now, agent);
        self.stop_alerting(now, id);
        self.alert(now, agent, id, true);
    }

    fn can_pick_up(
        &self,
        id: InteractionId,
        agent: AgentId,
        supervises: bool,
    ) -> Result<(), Denial> {
        let interaction = self.waiting_at_present(id)?;
        let taker = self.state.agents.get(&agent).filter(|it| !it.removed);
        let taker = taker.ok_or(Denial::Offline)?;
        if !supervises && !self.state.is_assigned(agent, interaction.at) {
            return Err(Denial::NotAssigned);
        }
        taker.can_pick_up()
    }

    /// An interaction that nobody has, be it alerting somebody who did not ask for it.
    fn waiting_at_present(&self, id: InteractionId) -> Result<&Interaction, Denial> {
        let found = self.state.interactions.get(&id);
        let interaction = found.ok_or(Denial::NotWaiting)?;
        match interaction.stage {
            Stage::Connected { agent: by, .. } => return Err(Denial::Taken { by }),
            Stage::Alerting {
                match_id,
                agent: by,
            } => {
                let alert = self.state.alerts.get(&match_id);
                if alert.is_some_and(|alert| alert.picked_up) && !sabotage::PICK_UP_TWICE {
                    return Err(Denial::Taken { by });
                }
            }
            Stage::Waiting => {}
        }
        // One that only its running alert keeps in a queue that is gone has nowhere to wait.
        let stays = self.index.lanes.contains_key(&interaction.at);
        stays.then_some(interaction).ok_or(Denial::NotWaiting)
    }

    /// Who picks something up has nothing else any more: no alert, no wrap-up.
    fn make_room(&mut self, now: Duration, id: AgentId) {
        let alert = self.state.agents.get(&id).and_then(|agent| agent.alert());
        if let Some(match_id) = alert
            && let Some(other) = self.withdraw(now, match_id, WithdrawReason::Instead)
        {
            self.put_back(other, None);
        }
        if !sabotage::PICK_UP_WRAP_UP {
            self.stop_wrap_up(now, id);
        }
    }

    fn stop_alerting(&mut self, now: Duration, id: InteractionId) {
        let stage = self.state.interactions.get(&id).map(|it| it.stage);
        if let Some(Stage::Alerting { match_id, agent }) = stage {
            self.withdraw(now, match_id, WithdrawReason::PickedUp);
            self.take_pending(now, agent);
        }
    }

    fn deny(&mut self, interaction: InteractionId, agent: AgentId, why: Denial) {
        self.outputs.push_back(Output::Denied {
            interaction,
            agent,
            why,
        });
    }
}
