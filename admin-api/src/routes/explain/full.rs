//! A decision with everybody who was a candidate, made once more from the journal.

use engine::explain::{Candidate, Competitor, Decision};
use serde::Serialize;
use utoipa::ToSchema;

use super::HindranceRow;
use super::choice::ClaimRow;
use crate::routes::tier;
use crate::sentences::Teller;

/// Everybody who was a candidate in a decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FullDecision {
    /// Every agent assigned to the queue: those who could have the call, as its strategy prefers them, then the others.
    agents: Vec<CandidateRow>,
    /// Every other call that waited where the chosen agent serves, in rank order.
    calls: Vec<CompetitorRow>,
}

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CandidateRow {
    /// Their user name.
    agent: String,
    /// What spoke for them; null: they could not have it.
    claim: Option<ClaimRow>,
    /// What kept them from it; null: they could have it.
    hindrance: Option<HindranceRow>,
}

/// Another call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CompetitorRow {
    /// Its id.
    call: String,
    /// The queue it waited in; null: for the agent alone.
    queue: Option<String>,
    /// `urgent`, `normal` or `low`.
    tier: &'static str,
    /// What kept the chosen agent from it; null: they could have had it instead.
    hindrance: Option<HindranceRow>,
}

impl FullDecision {
    pub(super) fn of(teller: &Teller<'_>, decision: Decision) -> Self {
        let agents = decision.agents.into_iter();
        let calls = decision.calls.into_iter();
        Self {
            agents: agents.map(|it| CandidateRow::of(teller, it)).collect(),
            calls: calls.map(|it| CompetitorRow::of(teller, &it)).collect(),
        }
    }
}

impl CandidateRow {
    fn of(teller: &Teller<'_>, it: Candidate) -> Self {
        let hindrance = it.hindrance.as_ref();
        Self {
            agent: it.agent,
            claim: it.claim.map(ClaimRow::from),
            hindrance: hindrance.map(|by| HindranceRow::of(teller, by)),
        }
    }
}

impl CompetitorRow {
    fn of(teller: &Teller<'_>, it: &Competitor) -> Self {
        let hindrance = it.hindrance.as_ref();
        Self {
            call: it.call.to_string(),
            queue: it.queue.clone(),
            tier: tier(it.rank.tier),
            hindrance: hindrance.map(|by| HindranceRow::of(teller, by)),
        }
    }
}
