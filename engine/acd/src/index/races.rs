//! Races of queues that choose by lot: how far they are, and who ran (rule 6).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::Index;
use crate::agent::Agent;
use crate::ids::AgentId;
use crate::interaction::Interaction;
use crate::preference::Preference;
use crate::rank::Target;
use crate::table::Table;

impl Index {
    pub(crate) fn set_clock(&mut self, target: Target, gate: Duration, clock: u64) {
        if let Some(lane) = self.lanes.get_mut(&target) {
            lane.more.clocks.insert(gate, clock);
        }
    }

    pub(crate) fn forget_clocks(&mut self, target: Target, keep: impl Fn(Duration) -> bool) {
        if let Some(lane) = self.lanes.get_mut(&target) {
            lane.more.clocks.retain(|gate, _| keep(*gate));
        }
    }

    /// A race for `interaction` is won `after` so long: the clocks of those who ran, as they are then.
    pub(crate) fn clocks_after(
        &self,
        interaction: &Interaction,
        after: u64,
    ) -> BTreeMap<Duration, u64> {
        let Some(lane) = self.lanes.get(&interaction.at) else {
            return BTreeMap::new();
        };
        let fresh = self.fresh_at(interaction.at).map(|(_, seat)| seat.gate());
        let fresh = fresh.filter(|gate| interaction.has_passed(*gate, self.now));
        let ran = lane.open_gates(interaction, self.now).chain(fresh);
        ran.map(|gate| (gate, lane.clock(gate).saturating_add(after)))
            .collect()
    }

    /// The free agents behind `gate` who came in before its clock: they may not take what was run for.
    pub(crate) fn came_in(
        &self,
        target: Target,
        gate: Duration,
        agents: &Table<AgentId, Agent>,
    ) -> Vec<AgentId> {
        let Some(lane) = self.lanes.get(&target) else {
            return Vec::new();
        };
        let clock = lane.clock(gate);
        let fresh = self.fresh_at(target).filter_map(|(id, seat)| {
            let preference = Preference::new(seat, id, agents.get(&id)?);
            (seat.gate() == gate && preference.came_in_before(clock)).then_some(id)
        });
        lane.came_in(gate).chain(fresh).collect()
    }
}
