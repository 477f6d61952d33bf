//! Why a call waits still.

use axum::Json;
use axum::extract::State;
use engine::explain::WhyWaiting;
use engine::view::{CallRow, Queued};
use engine::{CallId, CommandBody, Done};
use serde::Serialize;
use utoipa::ToSchema;

use super::{HindranceRow, first};
use crate::auth::{Attendant, Proof};
use crate::extract::Call;
use crate::problem::{ApiError, Kind};
use crate::routes::waiting::waits_for_me;
use crate::sentences::{self, Teller, word};
use crate::state::ApiState;
use crate::time;

/// Why a call waits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaitingExplained {
    /// The call.
    id: String,
    /// In one sentence.
    #[schema(example = "It is third in support; of 4 agents 3 are on a call and 1 is on break.")]
    sentence: String,
    /// All there is to say, that one first.
    sentences: Vec<String>,
    /// The queue; null for a direct call.
    queue: Option<String>,
    /// The agents whose phones ring for it. If there are any, nobody else is looked for, and what follows is empty.
    alerting: Vec<String>,
    /// Its place, those alerting counted: 1 is next; null while phones ring for it.
    position: Option<u32>,
    /// Those before it, best rank first; 50 at most.
    before: Vec<String>,
    /// How many agents are assigned to its queue.
    assigned: u32,
    /// How many of them each reason keeps from it.
    reasons: Vec<ReasonCount>,
    /// The same agent by agent; 50 at most.
    agents: Vec<AgentKept>,
    /// What happens by itself and when, soonest first; 50 at most. Empty: it waits until somebody comes.
    next: Vec<Happening>,
}

/// How many agents share a reason.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReasonCount {
    /// The reason, as of an agent.
    #[schema(example = "busy")]
    why: &'static str,
    /// How many.
    agents: u32,
}

/// What keeps one agent from it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentKept {
    /// Their user name.
    agent: String,
    #[serde(flatten)]
    by: HindranceRow,
}

/// Something that happens by itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Happening {
    /// When, RFC 3339.
    at: String,
    /// In a word: `old-enough`, `reservation-ends`, `retry`, `wrap-up-ends`, `phone-retry`, `service-level`, `nobody` or
    /// `max-wait`.
    #[schema(example = "max-wait")]
    what: &'static str,
    /// For people.
    text: String,
}

/// Says why a call waits still: who is before it, what keeps each agent from it, and what happens next
#[utoipa::path(
    get,
    path = "/waiting/{id}/explain",
    tag = "waiting",
    params(("id" = String, Path, description = "The call; attendants those of their queues")),
    responses((status = 200, description = "Why it waits", body = WaitingExplained)),
)]
pub(super) async fn explain(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
) -> Result<Json<WaitingExplained>, ApiError> {
    waits_for_me(&who, &state, id)?;
    let body = CommandBody::ExplainWaiting { call: id };
    let (carried, view) = state.ask(who.actor(), body).await?;
    let Done::Waiting(why) = carried.done else {
        return Err(ApiError::internal("a call that waits was not explained"));
    };
    let snapshot = state.snapshot();
    let teller = Teller {
        snapshot: &snapshot,
        view: &view,
    };
    let row = view.calls.get(&id);
    let queued = row.and_then(|row| Some((row, row.queued.as_ref()?)));
    let explained = queued.and_then(|(row, queued)| match why {
        Some(why) => Some(WaitingExplained::of(&teller, id, (row, queued), &why)),
        None => WaitingExplained::ringing(&teller, id, row),
    });
    explained
        .map(Json)
        .ok_or_else(|| ApiError::new(Kind::Conflict, format!("call {id} does not wait any more")))
}

impl WaitingExplained {
    fn of(
        teller: &Teller<'_>,
        id: CallId,
        (row, queued): (&CallRow, &Queued),
        why: &WhyWaiting,
    ) -> Self {
        let sentences = sentences::waiting(teller, (row, queued), why);
        let queue = queued.queue.as_ref();
        let queue = queue.and_then(|name| teller.snapshot.centre.queues.get(name.as_str()));
        let queue = queue.map(|queue| &**queue);
        let happening = |(at, moment): &(i64, _)| Happening {
            at: time::rfc3339(*at),
            what: sentences::happening_word(moment),
            text: sentences::happening(teller, queue, moment),
        };
        let counts = why.counts.iter();
        Self {
            id: id.to_string(),
            sentence: first(&sentences),
            sentences,
            queue: queued.queue.clone(),
            alerting: Vec::new(),
            position: Some(why.position),
            before: why.before.iter().map(ToString::to_string).collect(),
            assigned: why.assigned,
            reasons: counts
                .map(|(reason, agents)| ReasonCount {
                    why: word(*reason),
                    agents: *agents,
                })
                .collect(),
            agents: why
                .agents
                .iter()
                .map(|(agent, by)| AgentKept {
                    agent: agent.clone(),
                    by: HindranceRow::of(teller, by),
                })
                .collect(),
            next: why.moments.iter().map(happening).collect(),
        }
    }

    /// One for which phones ring.
    fn ringing(teller: &Teller<'_>, id: CallId, row: &CallRow) -> Option<Self> {
        let sentence = sentences::ringing(teller, row)?;
        Some(Self {
            id: id.to_string(),
            sentences: vec![sentence.clone()],
            sentence,
            queue: row.queued.as_ref().and_then(|queued| queued.queue.clone()),
            alerting: row.alerts.values().cloned().collect(),
            position: None,
            before: Vec::new(),
            assigned: 0,
            reasons: Vec::new(),
            agents: Vec::new(),
            next: Vec::new(),
        })
    }
}
