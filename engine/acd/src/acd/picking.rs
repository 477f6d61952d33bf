//! Agents take what they choose (rule 13), or have it held for them (rule 14).
//!
//! A pick-up is an alert of an interaction that the agent chose: it rings, and is answered or not, like any other. What is
//! reserved waits where it was, for one agent only. What stands in the way is told by [`Output::Denied`].

use core::time::Duration;

use super::Acd;
use crate::agent::Agent;
use crate::choice::Cause;
use crate::deadline::Deadline;
use crate::ids::{AgentId, InteractionId};
use crate::input::{Presence, Sticky};
use crate::interaction::{Bar, Interaction, Reservation};
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
        let Some(choice) = self.unchosen(Cause::PickedUp, id, agent) else {
            return;
        };
        self.bear_witness(now, id, &choice);
        self.make_room(now, agent);
        self.withdraw_all(now, id, WithdrawReason::PickedUp);
        self.alert(now, id, choice);
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
        if !supervises {
            let assigned = self.state.is_assigned(agent, interaction.at);
            if !assigned && !interaction.is_recalled_to(agent) {
                return Err(Denial::NotAssigned);
            }
            not_held_for_another(interaction, agent)?;
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
                if alert.is_some_and(|alert| alert.picked_up) && !sabotage::pick_up_twice() {
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
            self.put_back(now, other, None);
        }
        if !sabotage::pick_up_wrap_up() {
            self.stop_wrap_up(now, id);
        }
    }

    // ------------------------------------------------------------------ reserving

    pub(super) fn on_reserve(&mut self, now: Duration, id: InteractionId, agent: AgentId) {
        if let Err(why) = self.can_reserve(id, agent) {
            return self.deny(id, agent, why);
        }
        let Some(interaction) = self.state.interactions.get(&id) else {
            return;
        };
        if interaction.reserved.is_some_and(|held| held.is_asked_for()) {
            return;
        }
        let limit = self.state.policy(interaction.at).reservation_limit;
        // What was held for them without their asking is theirs for longer now.
        self.end_reservation(now, id);
        let held = Reservation {
            agent,
            until: now.saturating_add(limit),
            sticky: false,
            recall: false,
        };
        self.hold_until(id, held);
    }

    /// What has just entered waits first for who had the caller before: rule 9, if they are there and serve here still; rule 4,
    /// if they are there and stay.
    pub(super) fn hold_for_former(&mut self, now: Duration, id: InteractionId, first: Sticky) {
        let Sticky {
            agent,
            hold,
            recall,
        } = first;
        let at = self.state.interactions.get(&id).map(|it| it.at);
        let former = self.state.agents.get(&agent).filter(|it| !it.removed);
        let serves = |at| self.state.serves(agent, at) && self.state.may_alert(agent, at);
        let waits = if recall {
            former.is_some_and(Agent::stays_available) && !sabotage::recall()
        } else {
            former.is_some_and(Agent::is_available) && at.is_some_and(serves) && !sabotage::sticky()
        };
        if waits && !hold.is_zero() {
            let held = Reservation {
                agent,
                until: now.saturating_add(hold),
                sticky: !recall,
                recall,
            };
            self.hold_until(id, held);
        }
    }

    fn hold_until(&mut self, id: InteractionId, held: Reservation) {
        self.hold(id, Some(held));
        let end = Deadline::Reservation(id);
        self.index.deadlines.set(held.until, end);
        self.index.held.reserve(held.agent, id);
    }

    /// The first to reserve has it, once; whoever it may not alert has nothing of it.
    fn can_reserve(&self, id: InteractionId, agent: AgentId) -> Result<(), Denial> {
        let interaction = self.waiting_at_present(id)?;
        let taker = self.state.agents.get(&agent).filter(|it| !it.removed);
        match taker.map(|taker| taker.presence()) {
            None | Some(Presence::Offline) => return Err(Denial::Offline),
            Some(Presence::Break(_)) => return Err(Denial::OnBreak),
            Some(Presence::Available) => {}
        }
        if !self.state.serves(agent, interaction.at) {
            return Err(Denial::NotAssigned);
        }
        if !self.state.may_alert(agent, interaction.at) {
            return Err(Denial::Unskilled);
        }
        not_held_for_another(interaction, agent)?;
        if interaction.barred.get(&agent) == Some(&Bar::Rejected) {
            return Err(Denial::Rejected);
        }
        if interaction.reserved_before.contains(&agent) && !sabotage::reserved_before() {
            return Err(Denial::ReservedBefore);
        }
        Ok(())
    }

    pub(super) fn on_release(
        &mut self,
        now: Duration,
        id: InteractionId,
        agent: AgentId,
        supervises: bool,
    ) {
        let found = self.state.interactions.get(&id);
        let released = match found.map(|interaction| interaction.reserved) {
            None => Err(Denial::NotWaiting),
            Some(None) => Err(Denial::NotReserved),
            Some(Some(Reservation { agent: by, .. })) if by != agent && !supervises => {
                Err(Denial::HeldFor { agent: by })
            }
            Some(Some(_)) => Ok(()),
        };
        match released {
            Ok(()) => self.end_reservation(now, id),
            Err(why) => self.deny(id, agent, why),
        }
    }

    /// It has its old rank, for everybody.
    pub(super) fn end_reservation(&mut self, now: Duration, id: InteractionId) {
        let Some(interaction) = self.state.interactions.get_mut(&id) else {
            return;
        };
        let Some(held) = interaction.reserved else {
            return;
        };
        let Reservation { agent, until, .. } = held;
        if held.is_asked_for() {
            interaction.reserved_before.insert(agent);
        }
        // Its holder may be nobody of its queue: whether somebody is there for it counts from now on (rule 21).
        if held.recall && interaction.is_waiting() {
            interaction.waiting_since = now;
        }
        self.hold(id, None);
        self.index
            .deadlines
            .cancel(until, Deadline::Reservation(id));
        self.index.held.release(agent, id);
    }

    /// Ends the reservation of this interaction if it is this agent's.
    pub(super) fn release_of(&mut self, now: Duration, id: InteractionId, agent: AgentId) {
        let reserved = self.state.interactions.get(&id).and_then(|it| it.reserved);
        if reserved.is_some_and(|reserved| reserved.agent == agent) {
            self.end_reservation(now, id);
        }
    }

    /// Ends all they reserved.
    pub(super) fn release_all(&mut self, now: Duration, agent: AgentId) {
        for id in self.index.held.reserved_by(agent) {
            self.end_reservation(now, id);
        }
    }

    /// Ends the hold of what came back to them: they are about to go.
    pub(super) fn release_recalls(&mut self, now: Duration, agent: AgentId) {
        for id in self.index.held.reserved_by(agent) {
            let held = self.state.interactions.get(&id);
            if held.is_some_and(|it| it.is_recalled_to(agent)) {
                self.end_reservation(now, id);
            }
        }
    }

    /// Ends what they reserved where they do not serve any more; what came back to them is theirs all the same.
    pub(super) fn release_outside(&mut self, now: Duration, agent: AgentId) {
        for id in self.index.held.reserved_by(agent) {
            let Some(interaction) = self.state.interactions.get(&id) else {
                continue;
            };
            let serves = self.state.may_alert(agent, interaction.at)
                || interaction.is_recalled_to(agent) && self.state.has(interaction.at);
            if !serves {
                self.end_reservation(now, id);
            }
        }
    }

    /// Holds it for one agent or for nobody, from now on.
    fn hold(&mut self, id: InteractionId, reserved: Option<Reservation>) {
        let Some(interaction) = self.state.interactions.get_mut(&id) else {
            return;
        };
        let waits = interaction.is_waiting();
        if waits {
            self.index.stop_waiting(interaction);
        }
        interaction.reserved = reserved;
        if waits {
            self.index.wait(interaction);
            self.agenda.arrived.insert(interaction.rank);
        }
        self.outputs.push_back(Output::Held {
            interaction: id,
            agent: reserved.map(|reserved| reserved.agent),
            sticky: reserved.is_some_and(|reserved| reserved.sticky),
            recall: reserved.is_some_and(|reserved| reserved.recall),
        });
    }

    fn deny(&mut self, interaction: InteractionId, agent: AgentId, why: Denial) {
        self.outputs.push_back(Output::Denied {
            interaction,
            agent,
            why,
        });
    }
}

fn not_held_for_another(interaction: &Interaction, agent: AgentId) -> Result<(), Denial> {
    match interaction.held_for() {
        Some(other) if other != agent => Err(Denial::HeldFor { agent: other }),
        Some(_) | None => Ok(()),
    }
}
