//! Agents log in and out, take breaks, talk, and their phones come and go (rules 16 to 18).

use alloc::collections::BTreeSet;
use core::time::Duration;

use super::Acd;
use crate::agent::{Aftermath, Owed};
use crate::deadline::Deadline;
use crate::ids::{AgentId, Incarnation, InteractionId, QueueId};
use crate::input::{AgentChange, Device, Presence};
use crate::output::WithdrawReason;
use crate::rank::Target;
use crate::sabotage;

impl Acd {
    pub(super) fn on_agent(&mut self, now: Duration, id: AgentId, change: AgentChange) {
        let Some(agent) = self
            .state
            .agents
            .get_mut(&id)
            .filter(|agent| !agent.removed)
        else {
            return;
        };
        match change {
            AgentChange::Login { device } => {
                let comes = agent.logs_in();
                self.on_device(id, device);
                if comes {
                    self.on_presence(now, id, Presence::Available);
                }
            }
            AgentChange::Presence(presence) => self.on_presence(now, id, presence),
            AgentChange::Device(device) => self.on_device(id, device),
            AgentChange::OwnCalls { count } => self.on_own_calls(now, id, count),
            AgentChange::WrapUpEnded => {
                let before = agent.wrap_up_until();
                let ended = agent.wants_to_end_wrap_up(now);
                self.after_wrap_up(now, id, before, ended);
            }
            AgentChange::WrapUpCutShort => {
                let before = agent.wrap_up_until();
                let ended = agent.cut_wrap_up_short(now);
                self.after_wrap_up(now, id, before, ended);
            }
            AgentChange::Coded { interaction } => self.on_coded(now, id, interaction),
            AgentChange::WrapUpExtended { by } => self.on_wrap_up_extended(id, by),
            AgentChange::QueueJoined { queue, joined } => {
                agent.join(queue, joined);
                if self.index.races.contains(&queue) {
                    agent.merits.places.remove(&queue);
                }
                self.change_lanes_of(now, id);
            }
        }
        self.touch(id);
    }

    fn on_presence(&mut self, now: Duration, id: AgentId, presence: Presence) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        if agent.wishes(&presence) {
            self.set_presence(now, id, presence);
        } else if !agent.stays_available() {
            self.release_recalls(now, id);
        }
    }

    /// Sets it now: a running alert is withdrawn, and nobody waits for them in particular (rules 2 and 16).
    pub(super) fn set_presence(&mut self, now: Duration, id: AgentId, presence: Presence) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        let reason = match presence {
            Presence::Available => None,
            Presence::Break(_) => Some(WithdrawReason::Break),
            Presence::Offline if agent.removed => Some(WithdrawReason::AgentRemoved),
            Presence::Offline => Some(WithdrawReason::Logout),
        };
        let alert = agent.alert();
        // Who logs out is back in the queues they had left.
        let comes_back = presence == Presence::Offline && agent.has_left_any();
        agent.set_presence(now, presence);
        self.touch(id);
        if reason.is_some() && !sabotage::reserved_on_break() {
            self.release_all(now, id);
        }
        if comes_back {
            self.change_lanes_of(now, id);
        }
        if let (Some(reason), Some(match_id)) = (reason, alert)
            && !sabotage::break_withdraws()
            && let Some(interaction) = self.withdraw(now, match_id, reason)
        {
            self.put_back(now, interaction, None);
        }
        let own = Target::Personal(id);
        if let Some(reason) = self.unavailable(own) {
            self.divert_all(own, reason);
        }
    }

    fn on_device(&mut self, id: AgentId, device: Device) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        let before = agent.phone.skipped_until();
        agent.phone.on_device(device);
        let after = agent.phone.skipped_until();
        self.reschedule(before, after, Deadline::Device(id));
        self.divert_from_unreachable(id);
    }

    pub(super) fn on_device_retry(&mut self, id: AgentId) {
        if let Some(agent) = self.state.agents.get_mut(&id) {
            agent.phone.on_retry_due();
            self.touch(id);
        }
    }

    fn on_own_calls(&mut self, now: Duration, id: AgentId, count: u32) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        let before = agent.phone.skipped_until();
        agent.set_own_calls(now, count);
        let after = agent.phone.skipped_until();
        self.reschedule(before, after, Deadline::Device(id));
    }

    /// An interaction of theirs is over; wrap-up by the rules of where it waited (rule 17).
    pub(super) fn end_interaction(&mut self, now: Duration, id: AgentId, over: InteractionId) {
        let Some(at) = self.state.interactions.get(&over).map(|it| it.at) else {
            return;
        };
        let aftermath = Aftermath {
            wrap_up: self.state.policy(at).wrap_up,
            owed_to: self.state.owed_to(over),
        };
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        agent.end_interaction(now, over, aftermath);
        let until = agent.wrap_up_until();
        self.reschedule(None, until, Deadline::WrapUp(id));
        self.touch(id);
        self.take_pending(now, id);
    }

    /// Its time is over.
    pub(super) fn on_wrap_up_due(&mut self, now: Duration, id: AgentId) {
        if self.stop_wrap_up(now, id) {
            self.take_pending(now, id);
        }
    }

    /// A wrap-up may have ended, which was to last until `before`.
    fn after_wrap_up(&mut self, now: Duration, id: AgentId, before: Option<Duration>, ended: bool) {
        if ended {
            self.reschedule(before, None, Deadline::WrapUp(id));
            self.take_pending(now, id);
        }
    }

    /// They gave a code for what they talk about still, or for what is over.
    fn on_coded(&mut self, now: Duration, id: AgentId, interaction: InteractionId) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        if agent.interactions().contains(&interaction) {
            if let Some(interaction) = self.state.interactions.get_mut(&interaction) {
                interaction.coded = true;
            }
        } else if agent.give_code(now, interaction) {
            self.take_pending(now, id);
        }
    }

    /// Codes that no queue requires any more are not owed.
    pub(super) fn forgive_codes(&mut self, now: Duration) {
        let queues = self.state.queues.iter();
        let requiring: BTreeSet<QueueId> = queues
            .filter(|(_, queue)| queue.config.code_required)
            .map(|(id, _)| id)
            .collect();
        for id in self.state.agents.keys() {
            self.owes_only(now, id, |owed| requiring.contains(&owed.queue));
        }
    }

    /// They owe no more codes than these.
    pub(super) fn owes_only(&mut self, now: Duration, id: AgentId, owes: impl Fn(&Owed) -> bool) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        if agent.owes().is_empty() {
            return;
        }
        let ended = agent.owe_only(now, owes);
        self.touch(id);
        if ended {
            self.take_pending(now, id);
        }
    }

    /// Ends a wrap-up, and says whether there was one; what was to follow it stays pending.
    pub(super) fn stop_wrap_up(&mut self, now: Duration, id: AgentId) -> bool {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return false;
        };
        let before = agent.wrap_up_until();
        let ended = agent.end_wrap_up(now);
        self.reschedule(before, None, Deadline::WrapUp(id));
        self.touch(id);
        ended
    }

    fn on_wrap_up_extended(&mut self, id: AgentId, by: Duration) {
        let Some(agent) = self.state.agents.get_mut(&id) else {
            return;
        };
        let before = agent.wrap_up_until();
        agent.extend_wrap_up(by);
        let after = agent.wrap_up_until();
        self.reschedule(before, after, Deadline::WrapUp(id));
    }

    /// Does what was to come after what they had: the interaction, its wrap-up, what they picked up in that.
    pub(super) fn take_pending(&mut self, now: Duration, id: AgentId) {
        let pending = self
            .state
            .agents
            .get_mut(&id)
            .and_then(|agent| agent.take_pending());
        if let Some(presence) = pending {
            self.set_presence(now, id, presence);
        }
    }

    pub(super) fn reschedule(
        &mut self,
        before: Option<Duration>,
        after: Option<Duration>,
        what: Deadline,
    ) {
        if let Some(at) = before {
            self.index.deadlines.cancel(at, what);
        }
        if let Some(at) = after {
            self.index.deadlines.set(at, what);
        }
    }

    pub(super) fn on_daily_reset(&mut self, now: Duration) {
        self.state
            .agents
            .change_all(|agent| agent.on_daily_reset(now));
        for id in self.state.agents.keys() {
            self.agenda.relist.insert(id);
        }
    }

    /// The daemon starts anew from a journal: calls are gone, people and phones stay.
    pub(super) fn on_restart(&mut self, now: Duration, incarnation: Incarnation) {
        for match_id in self.state.alerts.keys() {
            self.withdraw(now, match_id, WithdrawReason::Restart);
        }
        for interaction in self.state.interactions.keys() {
            self.forget(interaction);
        }
        for id in self.state.agents.keys() {
            if let Some(agent) = self.state.agents.get_mut(&id) {
                agent.on_restart(now);
            }
            self.touch(id);
            self.take_pending(now, id);
        }
        self.state.incarnation = incarnation;
        self.state.next_match = incarnation.first_match();
    }
}
