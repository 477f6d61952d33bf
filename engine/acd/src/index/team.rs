//! How many agents a queue has, and what they are at: read off its lane without looking at them.

use super::{Index, Lane};
use crate::choice::Team;
use crate::ids::{AgentId, InteractionId};
use crate::interaction::Interaction;
use crate::preference::Preference;
use crate::rank::{Rank, Target};

impl Index {
    /// The agents of the queue of `interaction`. Looks at those who are barred from it, and at how many are free behind each gate.
    pub(crate) fn team(&self, interaction: &Interaction) -> Team {
        let Some(lane) = self.lanes.get(&interaction.at) else {
            return Team::default();
        };
        let barred = interaction.barred.keys();
        let barred = barred.filter(|agent| self.is_open_to(**agent, interaction));
        lane.team(
            interaction,
            u32::try_from(barred.count()).unwrap_or(u32::MAX),
        )
    }

    /// Whether that agent is free and `interaction` old enough for them.
    fn is_open_to(&self, agent: AgentId, interaction: &Interaction) -> bool {
        let gate = self.gate_of(agent, interaction.at);
        self.is_free(agent) && gate.is_some_and(|gate| interaction.has_passed(gate))
    }

    /// Whom the strategy would choose for `interaction` without `chosen`.
    pub(crate) fn runner_up(
        &self,
        interaction: &Interaction,
        chosen: AgentId,
    ) -> Option<Preference> {
        self.lanes
            .get(&interaction.at)?
            .runner_up(interaction, chosen)
    }

    /// The best-ranked at `target` that waits for whoever is free and that `agent` may take; none if they do not serve it.
    pub(crate) fn next_in(&self, agent: AgentId, target: Target) -> Option<InteractionId> {
        let places = &self.listings.get(&agent)?.places;
        let at = places
            .binary_search_by_key(&target, |listed| listed.seat.target)
            .ok()?;
        let seat = &places.get(at)?.seat;
        self.first_for(agent, seat).as_ref().map(Rank::interaction)
    }
}

impl Lane {
    fn team(&self, interaction: &Interaction, barred: u32) -> Team {
        let free = u32::try_from(self.free_len()).unwrap_or(u32::MAX);
        let old_enough = self.old_enough_len(interaction);
        Team {
            offline: self.staff.saturating_sub(self.logged_in),
            on_break: self.logged_in.saturating_sub(self.available),
            busy: self.available.saturating_sub(free),
            too_early: free.saturating_sub(old_enough),
            barred,
            free: old_enough.saturating_sub(barred),
        }
    }
}
