//! Who is free, and whom a queue prefers of them (rules 6 and 7).
//!
//! Who becomes free where callers wait is busy again before the step is over. So they are *fresh* at first, and asked for one
//! by one; only who is free still at the end of the step is placed among the free of all their lanes.

use alloc::vec::Vec;
use core::time::Duration;

use super::Index;
use super::lane::Lane;
use super::listing::Listing;
use crate::agent::Agent;
use crate::ids::AgentId;
use crate::interaction::Interaction;
use crate::preference::{Preference, Seat};
use crate::rank::Target;
use crate::table::Table;

/// More than so many are not asked one by one.
const FRESH_MAX: usize = 4;

/// Agents who are free and not placed yet.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fresh(Vec<AgentId>);

impl Index {
    /// An agent is free now, or is not, or is so still and may be preferred otherwise.
    pub(super) fn stand(&mut self, id: AgentId, agent: &Agent, was_free: bool, is_free: bool) {
        if !is_free {
            if was_free {
                self.withdraw_free(id);
            }
        } else if !was_free {
            self.fresh.0.push(id);
        } else if !self.fresh.0.contains(&id) {
            self.place_free(id, agent);
        }
    }

    /// Takes an agent out of the free.
    pub(super) fn withdraw_free(&mut self, id: AgentId) {
        if let Some(at) = self.fresh.0.iter().position(|fresh| *fresh == id) {
            self.fresh.0.swap_remove(at);
            return;
        }
        let Some(listing) = self.listings.get_mut(&id) else {
            return;
        };
        let placed = listing.places.iter().zip(listing.preferences.drain(..));
        for (listed, preference) in placed {
            if let Some(lane) = self.lanes.at_mut(listed.place, listed.seat.target) {
                lane.remove_free(listed.seat.gate(), &preference);
                self.gated.note(lane);
            }
        }
    }

    /// Lets an agent stand among the free of all their lanes, where they stand now.
    fn place_free(&mut self, id: AgentId, agent: &Agent) {
        let Some(listing) = self.listings.get_mut(&id) else {
            return;
        };
        let is_placed = !listing.preferences.is_empty();
        for (nth, listed) in listing.places.iter().enumerate() {
            let preference = Preference::new(&listed.seat, id, agent);
            let before = if is_placed {
                Some(core::mem::replace(
                    &mut listing.preferences[nth],
                    preference,
                ))
            } else {
                listing.preferences.push(preference);
                None
            };
            let lane = self.lanes.at_mut(listed.place, listed.seat.target);
            let Some(lane) = lane.filter(|_| before != Some(preference)) else {
                continue;
            };
            if let Some(before) = before {
                lane.remove_free(listed.seat.gate(), &before);
            }
            lane.insert_free(listed.seat.gate(), preference);
            self.gated.note(lane);
        }
    }

    /// Places those who are fresh.
    pub(crate) fn settle(&mut self, agents: &Table<AgentId, Agent>) {
        while let Some(id) = self.fresh.0.pop() {
            if let Some(agent) = agents.get(&id) {
                self.place_free(id, agent);
            }
        }
    }

    /// Places those who are fresh if they are many.
    pub(crate) fn settle_many(&mut self, agents: &Table<AgentId, Agent>) {
        if self.fresh.0.len() > FRESH_MAX {
            self.settle(agents);
        }
    }

    /// Whether somebody is free where `interaction` waits, or has just become free somewhere; or it is held for one agent.
    pub(crate) fn may_serve(&self, interaction: &Interaction) -> bool {
        let is_open = interaction.held_for().is_none() && self.fresh.0.is_empty();
        let lane = self.lanes.get(&interaction.at).filter(|_| is_open);
        lane.is_none_or(Lane::has_free)
    }

    /// The free agent whom the strategy prefers, of those who may take `interaction`, which is held for nobody (rules 6 and 7).
    pub(crate) fn preferred_for(
        &self,
        interaction: &Interaction,
        agents: &Table<AgentId, Agent>,
    ) -> Option<Preference> {
        let lane = self.lanes.get(&interaction.at)?;
        if lane.is_full() {
            return None;
        }
        let fresh = self.fresh_at(interaction.at).filter_map(|(id, seat)| {
            let may = interaction.has_passed(seat.gate(), self.now)
                && !interaction.barred.contains_key(&id);
            let preference = Preference::new(seat, id, agents.get(&id)?);
            may.then(|| preference.after(lane.clock(seat.gate())))
        });
        fresh.chain(lane.preferred(interaction, self.now)).min()
    }

    /// Those who are fresh and may be alerted from `target`.
    pub(super) fn fresh_at(&self, target: Target) -> impl Iterator<Item = (AgentId, &Seat)> {
        self.fresh.0.iter().filter_map(move |id| {
            let listed = self.listings.get(id)?.at(target)?;
            Some((*id, &listed.seat))
        })
    }

    /// The gate of an agent in a queue, as they are listed.
    pub(crate) fn gate_of(&self, agent: AgentId, target: Target) -> Option<Duration> {
        let listing: &Listing = self.listings.get(&agent)?;
        Some(listing.at(target)?.seat.gate())
    }
}
