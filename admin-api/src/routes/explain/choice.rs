//! The record of a decision, as clients see it.

use engine::event::{Cause, Choice, Claim, Strategy, Team};
use serde::Serialize;
use utoipa::ToSchema;

use crate::time;

/// Why an agent was alerted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChoiceRow {
    /// `chosen`: by the queue's strategy; `held`: it was held for them; `for-all`: it rang for all who were free; `picked-up`.
    #[schema(value_type = String, example = "chosen")]
    cause: Cause,
    /// How the queue chooses, as its `strategy`.
    #[schema(value_type = String, example = "longest-idle")]
    strategy: Strategy,
    /// What spoke for the one who was chosen.
    chosen: ClaimRow,
    /// Whom the strategy would have chosen without them.
    runner_up: Option<ClaimRow>,
    /// The best-ranked of the other calls of this queue that they could have had instead.
    next: Option<String>,
    /// How many others waited in this queue.
    waiting: u32,
    /// The queue's agents, each in one number.
    team: TeamRow,
}

/// What spoke for an agent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimRow {
    /// Their user name.
    agent: String,
    /// What the strategy went by: the number of their last turn, 0 for none; calls taken today; parts per million of their
    /// time; `order`; `level`; the lot drawn. Else 0.
    merit: u64,
    /// Since when they had nothing to do, RFC 3339: decides between those who are alike.
    idle_since: String,
}

/// How many agents of a queue were at what; those who have left it, or never will do for it, are not counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TeamRow {
    /// Not at work.
    offline: u32,
    /// On break.
    on_break: u32,
    /// Available, and with something to do or without a phone that can be rung.
    busy: u32,
    /// Free, and will do only for who has waited longer (skills, delay).
    too_early: u32,
    /// Free, and rejected it or did not answer it lately.
    barred: u32,
    /// Free, and could have had it, the chosen one included.
    free: u32,
}

impl From<Choice> for ChoiceRow {
    fn from(choice: Choice) -> Self {
        Self {
            cause: choice.cause,
            strategy: choice.strategy,
            chosen: choice.chosen.into(),
            runner_up: choice.runner_up.map(ClaimRow::from),
            next: choice.next.map(|call| call.to_string()),
            waiting: choice.waiting,
            team: choice.team.into(),
        }
    }
}

impl From<Claim> for ClaimRow {
    fn from(claim: Claim) -> Self {
        Self {
            agent: claim.agent,
            merit: claim.merit,
            idle_since: time::rfc3339(claim.idle_since_us),
        }
    }
}

impl From<Team> for TeamRow {
    fn from(team: Team) -> Self {
        Self {
            offline: team.offline,
            on_break: team.on_break,
            busy: team.busy,
            too_early: team.too_early,
            barred: team.barred,
            free: team.free,
        }
    }
}
