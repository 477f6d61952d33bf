//! Why an agent gets nothing.

use axum::Json;
use axum::extract::State;
use engine::explain::{QueueForAgent, WhyNothing};
use engine::{CommandBody, Done};
use serde::Serialize;
use utoipa::ToSchema;

use super::{HindranceRow, first};
use crate::auth::{Attendant, Proof};
use crate::extract::Name;
use crate::problem::ApiError;
use crate::routes::agents::mine_or_supervised;
use crate::sentences::{self, Teller};
use crate::state::ApiState;
use crate::time;

/// Why an agent gets nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentExplained {
    /// Their user name.
    username: String,
    /// In one sentence.
    sentence: String,
    /// All there is to say, that one first.
    sentences: Vec<String>,
    /// What keeps them from all that waits; null: they are free.
    hindrance: Option<HindranceRow>,
    /// Since when their state is as it is, RFC 3339.
    since: String,
    /// The queues assigned to them, and last, without a name, what waits for them alone.
    queues: Vec<QueueExplained>,
}

/// What one queue has for them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueExplained {
    /// Its name; null: direct calls.
    queue: Option<String>,
    /// How many wait there, without those alerting.
    waiting: u32,
    /// Why they get none of the first 50 of them, by reason.
    kept: Vec<KeptCalls>,
    /// While they are free: how many others who are free it would choose before them.
    preferred: Option<u32>,
}

/// Some who wait and whom they do not get for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeptCalls {
    /// The best-ranked call of them.
    first: String,
    /// How many there are.
    calls: u32,
    #[serde(flatten)]
    by: HindranceRow,
}

/// Says why an agent gets no calls, or none of those that wait
#[utoipa::path(
    get,
    path = "/agents/{username}/explain",
    tag = "agents",
    params(("username" = String, Path, description = "Their user name, or `me`; attendants ask for themselves")),
    responses((status = 200, description = "Why they get nothing", body = AgentExplained)),
)]
pub(super) async fn explain(
    who: Attendant,
    State(state): State<ApiState>,
    Name(name): Name,
) -> Result<Json<AgentExplained>, ApiError> {
    let username = mine_or_supervised(&who, name)?;
    let body = CommandBody::ExplainAgent {
        username: username.clone(),
    };
    let (carried, view) = state.ask(who.actor(), body).await?;
    let Done::Nothing(why) = carried.done else {
        return Err(ApiError::internal("an agent was not explained"));
    };
    let snapshot = state.snapshot();
    let teller = Teller {
        snapshot: &snapshot,
        view: &view,
    };
    let is_me = username == who.username();
    Ok(Json(AgentExplained::of(&teller, username, is_me, &why)))
}

impl AgentExplained {
    fn of(teller: &Teller<'_>, username: String, is_me: bool, why: &WhyNothing) -> Self {
        let sentences = sentences::nothing(teller, &username, is_me, why);
        let by = why.hindrance.as_ref();
        let queues = why.queues.iter();
        Self {
            username,
            sentence: first(&sentences),
            sentences,
            hindrance: by.map(|by| HindranceRow::of(teller, by)),
            since: time::rfc3339(why.since_us),
            queues: queues
                .map(|queue| QueueExplained::of(teller, queue))
                .collect(),
        }
    }
}

impl QueueExplained {
    fn of(teller: &Teller<'_>, queue: &QueueForAgent) -> Self {
        let kept = queue.kept.iter().map(|kept| KeptCalls {
            first: kept.first.to_string(),
            calls: kept.count,
            by: HindranceRow::of(teller, &kept.by),
        });
        Self {
            queue: queue.queue.clone(),
            waiting: queue.waiting,
            kept: kept.collect(),
            preferred: queue.preferred,
        }
    }
}
