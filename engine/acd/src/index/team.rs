//! How many agents a queue has, and what they are at: read off its lane without looking at them.

use alloc::vec::Vec;

use super::lane::More;
use super::{Index, Lane};
use crate::agent::Agent;
use crate::choice::Team;
use crate::ids::{AgentId, InteractionId};
use crate::interaction::Interaction;
use crate::preference::Preference;
use crate::rank::{Rank, Target};
use crate::sabotage;
use crate::table::Table;

impl Index {
    /// The agents of the queue of `interaction`. Looks at those who are barred from it, and at how many are free behind each gate.
    pub(crate) fn team(&self, interaction: &Interaction) -> Team {
        let Some(lane) = self.lanes.get(&interaction.at) else {
            return Team::default();
        };
        let barred = interaction.barred.keys();
        let barred = barred.filter(|agent| self.is_open_to(**agent, interaction));
        let fresh = || self.fresh_at(interaction.at);
        let ripe = fresh().filter(|(_, seat)| interaction.has_passed(seat.gate(), self.now));
        lane.team(Free {
            all: len(lane.free_len() + fresh().count()),
            old_enough: len(lane.old_enough_len(interaction, self.now) + ripe.count()),
            barred: len(barred.count()),
        })
    }

    /// Whether that agent is free and `interaction` old enough for them.
    fn is_open_to(&self, agent: AgentId, interaction: &Interaction) -> bool {
        let gate = self.gate_of(agent, interaction.at);
        self.is_free(agent) && gate.is_some_and(|gate| interaction.has_passed(gate, self.now))
    }

    /// Whom the strategy would choose for `interaction` without `chosen`.
    pub(crate) fn runner_up(
        &self,
        interaction: &Interaction,
        chosen: AgentId,
        agents: &Table<AgentId, Agent>,
    ) -> Option<Preference> {
        let lane = self.lanes.get(&interaction.at)?;
        let fresh = self.fresh_at(interaction.at).filter_map(|(id, seat)| {
            let is_barred = interaction.barred.contains_key(&id) && !sabotage::record();
            let may = id != chosen && interaction.has_passed(seat.gate(), self.now) && !is_barred;
            let preference = Preference::new(seat, id, agents.get(&id)?);
            may.then(|| lane.on_clock(seat.gate(), preference))
        });
        fresh
            .chain(lane.runner_up(interaction, chosen, self.now))
            .min()
    }

    /// Where `agent` stands among those who are free at `target`, as a choice now would see them.
    pub(crate) fn preference(
        &self,
        id: AgentId,
        agent: &Agent,
        target: Target,
    ) -> Option<Preference> {
        let seat = &self.listings.get(&id)?.at(target)?.seat;
        let lane = self.lanes.get(&target).filter(|_| self.is_free(id))?;
        Some(lane.on_clock(seat.gate(), Preference::new(seat, id, agent)))
    }

    /// How many of those who are free `target` would choose before `agent`, between two inputs; none if they are not free there.
    /// Looks at all who are.
    pub(crate) fn preferred_before(
        &self,
        id: AgentId,
        agent: &Agent,
        target: Target,
    ) -> Option<u32> {
        let own = self.preference(id, agent, target)?;
        let before = self.lanes.get(&target)?.preferred_before(own);
        Some(len(before))
    }

    /// The best-ranked at `target` that waits for whoever is free and that `agent` may take; none if they do not serve it.
    pub(crate) fn next_in(&self, agent: AgentId, target: Target) -> Option<InteractionId> {
        let gate = self.gate_of(agent, target)?;
        let lane = self.lanes.get(&target).filter(|lane| !lane.is_full())?;
        let barred = self.barred.get(&agent);
        let barred = barred.and_then(|barred| barred.get(&target));
        let first = lane.first_past(gate, self.now, barred.map_or(&[], Vec::as_slice));
        first.as_ref().map(Rank::interaction)
    }
}

impl Lane {
    fn team(&self, free: Free) -> Team {
        let More {
            staff,
            logged_in,
            available,
            ..
        } = *self.more;
        Team {
            offline: staff.saturating_sub(logged_in),
            on_break: logged_in.saturating_sub(available),
            busy: available.saturating_sub(free.all),
            too_early: free.all.saturating_sub(free.old_enough),
            barred: free.barred,
            free: free.old_enough.saturating_sub(free.barred),
        }
    }
}

/// How many are free, of them those whose gate an interaction has passed, and of them those who are barred from it.
struct Free {
    all: u32,
    old_enough: u32,
    barred: u32,
}

fn len(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
