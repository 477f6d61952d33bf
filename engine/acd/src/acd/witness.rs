//! Whole decisions, for who asks afterwards: with every agent and every caller who was a candidate.
//!
//! Looking at everybody costs too much to be done for each decision. So it is done when somebody asks: an acd is taken from a
//! checkpoint, told which alerts matter, and given the journal's inputs again.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use super::Acd;
use crate::choice::{Choice, Claim};
use crate::ids::{AgentId, InteractionId, MatchId};
use crate::interaction::Interaction;
use crate::preference::Preference;
use crate::rank::{Rank, Target};
use crate::why::{Candidate, Competitor, Decision};

/// Which alerts matter, and what was seen of them.
#[derive(Debug, Default)]
pub(super) struct Witness {
    wanted: BTreeSet<MatchId>,
    seen: Vec<Decision>,
}

impl Acd {
    /// Keeps the whole decision of each of these alerts when it is made, until [`take_decisions`](Self::take_decisions). Changes
    /// no decision, and is no part of the state.
    pub fn watch_for(&mut self, alerts: impl IntoIterator<Item = MatchId>) {
        self.witness.wanted.extend(alerts);
    }

    /// The decisions that were seen, in the order in which they were made.
    pub fn take_decisions(&mut self) -> Vec<Decision> {
        core::mem::take(&mut self.witness.seen)
    }

    /// Looks at everybody if the alert that `choice` is about to begin matters.
    pub(super) fn bear_witness(&mut self, now: Duration, id: InteractionId, choice: &Choice) {
        let match_id = self.state.next_match;
        if !self.witness.wanted.remove(&match_id) {
            return;
        }
        if let Some(interaction) = self.state.interactions.get(&id) {
            let decision = Decision {
                match_id,
                interaction: id,
                choice: *choice,
                agents: self.candidates(now, interaction),
                calls: self.competitors(now, id, choice.chosen.agent),
            };
            self.witness.seen.push(decision);
        }
    }

    /// Those who could have it first, as they are preferred, then the others.
    fn candidates(&self, now: Duration, interaction: &Interaction) -> Vec<Candidate> {
        let mut candidates: Vec<_> = self
            .candidates_for(interaction)
            .into_iter()
            .map(|agent| {
                let hindrance = self.hindrance(now, agent, interaction);
                let found = self.state.agents.get(&agent);
                let preference =
                    found.and_then(|found| self.index.preference(agent, found, interaction.at));
                let preference = preference.filter(|_| hindrance.is_none());
                (hindrance.is_some(), preference, agent, hindrance)
            })
            .collect();
        candidates.sort_by_key(|(hindered, preference, agent, _)| (*hindered, *preference, *agent));
        let strategy = self.state.strategy(interaction.at);
        let claim = |it: Preference| -> Claim { it.claim(strategy) };
        candidates
            .into_iter()
            .map(|(_, preference, agent, hindrance)| Candidate {
                agent,
                claim: preference.map(claim),
                hindrance,
            })
            .collect()
    }

    /// Who else waited where that agent serves, and what kept them from that agent.
    fn competitors(&self, now: Duration, chosen: InteractionId, agent: AgentId) -> Vec<Competitor> {
        let serves = |at: Target| self.state.serves(agent, at);
        let all = self.state.interactions.values();
        let others = all.filter(|it| it.id != chosen && it.is_waiting() && serves(it.at));
        let mut ranks: Vec<(Rank, &Interaction)> = others.map(|it| (it.rank, it)).collect();
        ranks.sort_unstable_by_key(|(rank, _)| *rank);
        ranks
            .into_iter()
            .map(|(rank, it)| Competitor {
                interaction: it.id,
                at: it.at,
                rank,
                hindrance: self.hindrance(now, agent, it),
            })
            .collect()
    }
}
