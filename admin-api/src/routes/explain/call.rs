//! Why a call went where it went.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use engine::CallId;
use engine::event::{AlertEnd, Event};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::choice::ChoiceRow;
use super::first;
use super::full::FullDecision;
use crate::auth::{Attendant, Proof};
use crate::events::kind_and_data;
use crate::extract::Call;
use crate::ports::{Recounted, Story, StoryEvent};
use crate::problem::ApiError;
use crate::rights::Scope;
use crate::routes::opening::asked;
use crate::sentences::{self, Teller};
use crate::state::ApiState;
use crate::time;

/// Why a call went where it went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallExplained {
    /// The call.
    id: String,
    /// In one breath: the decision that gave it to whom has it, else what became of it last.
    #[schema(
        example = "Ann was chosen of 3 free agents, who had been idle longest (idle since 10:02:11); next would have been Bob (idle since 10:04:40)."
    )]
    sentence: String,
    /// That first, then its whole story.
    sentences: Vec<String>,
    /// Whether the story is whole: the journal keeps events for seven days, and of older calls only what is on record is told.
    whole: bool,
    /// The story, oldest first.
    steps: Vec<Step>,
    /// With `full`: why decisions could not be made once more; null: they were.
    full_missing: Option<String>,
}

/// One thing that happened to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Step {
    /// When, RFC 3339.
    at: String,
    /// The type of the event, as the event stream names it.
    #[schema(example = "alert-started")]
    what: String,
    /// For people.
    text: String,
    /// Its number in the journal; null: told from the call's record.
    seq: Option<u64>,
    #[serde(skip)]
    alert: Option<u64>,
    /// Why this agent, where one was alerted.
    choice: Option<ChoiceRow>,
    /// With `full`: everybody who was a candidate.
    full: Option<FullDecision>,
}

/// How much is told.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Depth {
    /// `true`: each decision is made once more from the journal, and told with everybody who was a candidate. For supervisors.
    #[serde(default)]
    full: bool,
}

/// Says why a call went where it went: where it waited and with which rank, why each agent was alerted, and how it ended
///
/// Each decision names the runner-up and counts the agents who could not have it.
#[utoipa::path(
    get,
    path = "/calls/{id}/explain",
    tag = "calls",
    params(("id" = String, Path, description = "The call, up or over; attendants those they had a part in or that wait in their queues"), Depth),
    responses((status = 200, description = "Its story", body = CallExplained)),
)]
pub(super) async fn explain(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
    depth: Result<Query<Depth>, QueryRejection>,
) -> Result<Json<CallExplained>, ApiError> {
    let depth = asked(depth)?;
    if depth.full {
        who.supervisor()?;
    }
    let (snapshot, view) = (state.snapshot(), state.view());
    let scope = Scope::of(&who.identity().user, &snapshot);
    let story = state.ports().chronicle.story(id).await?;
    let sees = view.calls.get(&id).is_some_and(|row| scope.sees_call(row));
    let story = story.filter(|story| sees || scope.all() || had_part(story, &scope));
    let story = story.ok_or_else(|| ApiError::not_found("call", &id.to_string()))?;
    let teller = Teller {
        snapshot: &snapshot,
        view: &view,
    };
    let mut explained = CallExplained::of(&teller, id, story);
    if depth.full {
        let chronicle = &state.ports().chronicle;
        let recounted = chronicle.recount(id, state.snapshot()).await?;
        explained.complete(&teller, recounted);
    }
    Ok(Json(explained))
}

/// Whether the user placed it, was alerted for it, or was in it.
fn had_part(story: &Story, scope: &Scope) -> bool {
    let users = story.events.iter().filter_map(|it| user_of(&it.event));
    users.into_iter().any(|user| scope.is_me(user))
}

fn user_of(event: &Event) -> Option<&str> {
    if let Event::AlertStarted { agent, .. } = event {
        return Some(agent);
    }
    if let Event::CallStarted { user, .. }
    | Event::LegStarted { user, .. }
    | Event::CallConnected { user, .. } = event
    {
        return user.as_deref();
    }
    None
}

impl CallExplained {
    fn of(teller: &Teller<'_>, id: CallId, story: Story) -> Self {
        let headline = headline(&story.events);
        let headline = headline.and_then(|event| sentences::told(teller, event));
        let whole = story.whole;
        let steps: Vec<_> = story
            .events
            .into_iter()
            .filter_map(|event| Step::of(teller, event))
            .collect();
        let told = steps.iter().map(|step| step.text.clone());
        let sentences: Vec<_> = headline.into_iter().chain(told).collect();
        Self {
            id: id.to_string(),
            sentence: first(&sentences),
            sentences,
            whole,
            steps,
            full_missing: None,
        }
    }

    /// Adds to each alert who was a candidate.
    fn complete(&mut self, teller: &Teller<'_>, recounted: Recounted) {
        let decisions = match recounted {
            Recounted::Made(decisions) => decisions,
            Recounted::Lost(why) => {
                self.full_missing = Some(why);
                return;
            }
        };
        for decision in decisions {
            let began = |step: &&mut Step| step.alert == Some(decision.alert);
            if let Some(step) = self.steps.iter_mut().find(began) {
                step.full = Some(FullDecision::of(teller, decision));
            }
        }
    }
}

/// What explains best where it is: the alert that was accepted last, else the last thing there is to say.
fn headline(events: &[StoryEvent]) -> Option<&Event> {
    let events = || events.iter().map(|it| &it.event).rev();
    let taken = events().find_map(|event| {
        if let Event::AlertEnded { alert, end, .. } = event {
            (*end == AlertEnd::Accepted).then_some(*alert)
        } else {
            None
        }
    });
    let begun = |event: &&Event| matches!(event, Event::AlertStarted { alert, .. } if Some(*alert) == taken);
    let sent = |event: &&Event| matches!(event, Event::CallDiverted { .. });
    events()
        .find(begun)
        .or_else(|| events().find(sent))
        .or_else(|| events().next())
}

impl Step {
    fn of(teller: &Teller<'_>, it: StoryEvent) -> Option<Self> {
        let text = sentences::told(teller, &it.event)?;
        let (what, _) = kind_and_data(&it.event);
        let begun = if let Event::AlertStarted { alert, choice, .. } = it.event {
            Some((alert, choice))
        } else {
            None
        };
        let (alert, choice) = begun.unzip();
        Some(Self {
            at: time::rfc3339(it.utc_us),
            what,
            text,
            seq: it.seq,
            alert,
            choice: choice.flatten().map(ChoiceRow::from),
            full: None,
        })
    }
}
