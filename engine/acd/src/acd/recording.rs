//! What a decision leaves on record (see [`Choice`]).

use super::Acd;
use crate::choice::{Cause, Choice, Claim};
use crate::ids::{AgentId, InteractionId};
use crate::interaction::Interaction;
use crate::preference::Preference;
use crate::rank::Target;

impl Acd {
    /// Of the strategy's choice of `preferred` for `interaction`, before anything is changed by it.
    pub(super) fn chosen(&self, interaction: &Interaction, preferred: Preference) -> Choice {
        let strategy = self.state.strategy(interaction.at);
        let runner_up = self
            .index
            .runner_up(interaction, preferred.agent, &self.state.agents);
        Choice {
            cause: Cause::Chosen,
            strategy,
            chosen: preferred.claim(strategy),
            runner_up: runner_up.map(|it| it.claim(strategy)),
            next: None,
            waiting: 0,
            team: self.index.team(interaction),
        }
    }

    /// Of what needed no strategy; none for who or what is not there.
    pub(super) fn unchosen(
        &self,
        cause: Cause,
        id: InteractionId,
        agent: AgentId,
    ) -> Option<Choice> {
        let interaction = self.state.interactions.get(&id)?;
        let idle_since = self.state.agents.get(&agent)?.idle_since();
        Some(Choice {
            cause,
            strategy: self.state.strategy(interaction.at),
            chosen: Claim {
                agent,
                merit: 0,
                idle_since,
            },
            runner_up: None,
            next: None,
            waiting: 0,
            team: self.index.team(interaction),
        })
    }

    /// The same with those who wait on at `at`, when what was chosen for waits no more and nobody is alerted yet.
    pub(super) fn with_others(&self, choice: Choice, at: Target) -> Choice {
        let lane = self.index.lanes.get(&at);
        let chose = choice.cause == Cause::PickedUp;
        let next = || self.index.next_in(choice.chosen.agent, at);
        Choice {
            next: if chose { None } else { next() },
            waiting: lane.map_or(0, |lane| lane.waiting_len()),
            ..choice
        }
    }
}
