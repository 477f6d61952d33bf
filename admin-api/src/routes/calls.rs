//! `/calls`: calls that are up. Attendants see those they have a part in and those that wait in their queues, and end
//! those they talk or ring in; supervisors all.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::event::{Direction, LegRole};
use engine::view::{CallRow, LegState};
use engine::{CallId, CommandBody, Done};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::wrap_up::CodeRow;
use super::{PREFIX, parked};
use crate::auth::{Attendant, Proof};
use crate::extract::{Body, Call, OptionalBody};
use crate::list::{ListParams, ListQuery, Page, page};
use crate::problem::{ApiError, Kind};
use crate::rights::Scope;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_list), list)
        .add(doc(__path_place), place)
        .add(doc(__path_read), read)
        .add(doc(__path_hang_up), hang_up)
        .add(doc(__path_hold), hold)
        .add(doc(__path_resume), resume)
        .add(doc(__path_transfer), transfer)
        .add(doc(__path_park), park)
}

/// A call that is up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveCall {
    /// Its id.
    id: String,
    /// `inbound`, `outbound` or `internal`.
    #[schema(value_type = String, example = "inbound")]
    direction: Direction,
    /// `started`, `waiting`, `alerting`, `connected`, `held`, `transferring` or `parked`.
    state: &'static str,
    /// The caller's number; empty when withheld.
    caller: String,
    /// The caller's name.
    name: Option<String>,
    /// Whether a directory entry marks them as a VIP.
    vip: bool,
    /// What they dialled.
    called: String,
    /// The trunk it came in by.
    trunk: Option<String>,
    /// The user whose phone or click started it.
    user: Option<String>,
    /// The queue it waits in, or waited in last.
    queue: Option<String>,
    /// The user it is connected to.
    agent: Option<String>,
    /// The agents being alerted for it.
    alerting: Vec<String>,
    /// When it started, RFC 3339.
    started: String,
    /// When the caller's side was answered, RFC 3339.
    answered: Option<String>,
    /// When two people could talk, RFC 3339.
    connected: Option<String>,
    /// Where somebody sent it and nobody has it yet, as a destination is written.
    sent_to: Option<String>,
    /// Who had sent it before it came back.
    recall_from: Option<String>,
    /// The slot it is parked in.
    parked: Option<u32>,
    /// What the agent who has it says it is about.
    wrap_up: Option<CodeRow>,
    /// Its legs.
    legs: Vec<LiveLeg>,
}

/// One leg of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveLeg {
    /// Its id.
    id: String,
    /// `caller`, `agent` or `callee`.
    #[schema(value_type = String, example = "caller")]
    role: LegRole,
    /// The number or extension at its far end.
    number: String,
    /// The trunk it goes over.
    trunk: Option<String>,
    /// The user at its far end.
    user: Option<String>,
    /// `calling`, `ringing` or `up`.
    #[schema(value_type = String, example = "up")]
    state: LegState,
    /// Whether it put the other side on hold.
    holds: bool,
}

impl LiveCall {
    fn of(id: CallId, row: &CallRow) -> Self {
        Self {
            id: id.to_string(),
            direction: row.direction,
            state: state_of(row),
            caller: row.caller.number.clone(),
            name: row.caller.name.clone(),
            vip: row.vip,
            called: row.called.clone(),
            trunk: row.trunk.clone(),
            user: row.user.clone(),
            queue: row.queue.clone(),
            agent: row.connected.as_ref().and_then(|(user, _)| user.clone()),
            alerting: row.alerts.values().cloned().collect(),
            started: time::rfc3339(row.started_us),
            answered: row.answered_us.map(time::rfc3339),
            connected: row
                .connected
                .as_ref()
                .map(|(_, since_us)| time::rfc3339(*since_us)),
            sent_to: row.sent_to.clone(),
            recall_from: row.recall_from.clone(),
            parked: row.parked.as_ref().map(|parked| parked.slot),
            wrap_up: row.coded.as_ref().map(CodeRow::of),
            legs: row
                .legs
                .iter()
                .map(|(id, leg)| LiveLeg {
                    id: id.to_string(),
                    role: leg.role,
                    number: leg.number.clone(),
                    trunk: leg.trunk.clone(),
                    user: leg.user.clone(),
                    state: leg.state,
                    holds: row.held_by.contains(id),
                })
                .collect(),
        }
    }
}

fn state_of(row: &CallRow) -> &'static str {
    if row.parked.is_some() {
        "parked"
    } else if row.sent_to.is_some() {
        "transferring"
    } else if !row.held_by.is_empty() {
        "held"
    } else if row.connected.is_some() {
        "connected"
    } else if !row.alerts.is_empty() {
        "alerting"
    } else if row.queued.is_some() {
        "waiting"
    } else {
        "started"
    }
}

/// Lists the calls that are up
#[utoipa::path(
    get,
    path = "/calls",
    tag = "calls",
    params(ListParams),
    responses((status = 200, description = "One page", body = Page<LiveCall>)),
)]
async fn list(
    who: Attendant,
    State(state): State<ApiState>,
    query: ListQuery,
) -> Result<Json<Page<Value>>, ApiError> {
    let view = state.view();
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    let seen = view.calls.iter().filter(|(_, row)| scope.sees_call(row));
    page(
        seen.map(|(id, row)| json!(LiveCall::of(*id, row)))
            .collect(),
        &["id"],
        &query,
    )
    .map(Json)
}

/// Shows a call that is up
#[utoipa::path(
    get,
    path = "/calls/{id}",
    tag = "calls",
    params(("id" = String, Path, description = "The call")),
    responses((status = 200, description = "The call", body = LiveCall)),
)]
async fn read(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
) -> Result<Json<LiveCall>, ApiError> {
    let view = state.view();
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    let row = view.calls.get(&id).filter(|row| scope.sees_call(row));
    row.map(|row| Json(LiveCall::of(id, row)))
        .ok_or_else(|| ApiError::not_found("call", &id.to_string()))
}

/// A call to place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceCall {
    /// The number, as one's own phone would dial it.
    to: String,
}

/// The call that was placed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Placed {
    /// Its id.
    id: String,
}

/// The longest number that is dialled, in characters.
const NUMBER_MAX: usize = 128;

/// The number that is asked for, as it is dialled.
fn number(to: &str) -> Result<&str, ApiError> {
    let to = to.trim();
    if to.is_empty() || to.chars().count() > NUMBER_MAX || to.contains(char::is_control) {
        return Err(ApiError::field(
            "to",
            "this is no number",
            "write it as your phone would dial it",
        ));
    }
    Ok(to)
}

/// Places a call: rings one's own phone, then the number
#[utoipa::path(
    post,
    path = "/calls",
    tag = "calls",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a retry harmless")),
    request_body = PlaceCall,
    responses((status = 201, description = "One's own phone is being rung", body = Placed)),
)]
async fn place(
    who: Attendant,
    State(state): State<ApiState>,
    Body(wanted): Body<PlaceCall>,
) -> Result<Response, ApiError> {
    let to = number(&wanted.to)?;
    let username = who.username().to_owned();
    let at_work = state
        .view()
        .agents
        .get(&username)
        .and_then(|agent| agent.extension.clone());
    if at_work.is_none() && who.identity().user.extension.is_none() {
        let why = "you sit at no phone; log in with an extension to place calls";
        return Err(ApiError::new(Kind::NoExtension, why));
    }
    let (carried, _) = state
        .ask(
            who.actor(),
            CommandBody::PlaceCall {
                username,
                to: to.to_owned(),
            },
        )
        .await?;
    let Done::Call(call) = carried.done else {
        return Err(ApiError::internal(
            "a placed call was answered without its id",
        ));
    };
    let location = [(header::LOCATION, format!("{PREFIX}/calls/{call}"))];
    Ok((
        StatusCode::CREATED,
        location,
        Json(Placed {
            id: call.to_string(),
        }),
    )
        .into_response())
}

/// Ends a call
#[utoipa::path(
    post,
    path = "/calls/{id}/hang-up",
    tag = "calls",
    params(("id" = String, Path, description = "The call; attendants only those they talk or ring in")),
    responses((status = 204, description = "It is ending")),
)]
async fn hang_up(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
) -> Result<StatusCode, ApiError> {
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    if !scope.may_end(&seen(&scope, &state, id)?) {
        return Err(ApiError::new(
            Kind::Forbidden,
            "attendants end calls they are in; this one only waits",
        ));
    }
    state
        .ask(who.actor(), CommandBody::HangUp { call: id })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts the other side of one's conversation on hold
///
/// They hear the queue's music, one's own phone silence. 409 when they are on hold already, or nobody has answered yet.
#[utoipa::path(
    post,
    path = "/calls/{id}/hold",
    tag = "calls",
    params(("id" = String, Path, description = "A call that one talks in")),
    responses((status = 204, description = "They are on hold")),
)]
async fn hold(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
) -> Result<StatusCode, ApiError> {
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    seen(&scope, &state, id)?;
    let body = CommandBody::Hold { call: id };
    state.ask(who.actor(), body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Talks again to whom one has put on hold
///
/// Whom one talks to meanwhile is on hold then. 409 when they are not on hold, or when the phone itself holds them: it alone can
/// end that.
#[utoipa::path(
    post,
    path = "/calls/{id}/resume",
    tag = "calls",
    params(("id" = String, Path, description = "A call that one talks in")),
    responses((status = 204, description = "They are not on hold any more")),
)]
async fn resume(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
) -> Result<StatusCode, ApiError> {
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    seen(&scope, &state, id)?;
    let body = CommandBody::Resume { call: id };
    state.ask(who.actor(), body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A transfer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transfer {
    /// The number, as one's own phone would dial it.
    to: String,
}

/// Sends the other side of one's conversation on, and leaves it
///
/// They hear it ring. When a phone or outside number does not take them, they come back to the queue they came from, first to who
/// sent them; in a queue they wait by its rules. The park code with a slot parks them. 409 when nobody has answered yet.
#[utoipa::path(
    post,
    path = "/calls/{id}/transfer",
    tag = "calls",
    params(("id" = String, Path, description = "A call that one talks in")),
    request_body = Transfer,
    responses((status = 204, description = "They are on their way, and one's own phone is free")),
)]
async fn transfer(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
    Body(wanted): Body<Transfer>,
) -> Result<StatusCode, ApiError> {
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    seen(&scope, &state, id)?;
    let to = number(&wanted.to)?.to_owned();
    let body = CommandBody::Transfer { call: id, to };
    state.ask(who.actor(), body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where to park.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Park {
    /// The slot, 1 to 9999; left out: the lowest that is free.
    #[serde(default)]
    slot: Option<u32>,
}

/// The slot that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParkedIn {
    /// It.
    slot: u32,
}

/// Parks the other side of one's conversation, and leaves it
///
/// They hear the queue's music. All who see the slot can retrieve them; after the queue's `recall_after` they come back as a transfer does
/// that nobody took. 409 when the slot is taken, saying by whom, or when nobody has answered yet.
#[utoipa::path(
    post,
    path = "/calls/{id}/park",
    tag = "calls",
    params(("id" = String, Path, description = "A call that one talks in")),
    request_body = Option<Park>,
    responses((status = 200, description = "They are parked, and one's own phone is free", body = ParkedIn)),
)]
async fn park(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
    OptionalBody(wanted): OptionalBody<Park>,
) -> Result<Json<ParkedIn>, ApiError> {
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    seen(&scope, &state, id)?;
    let slot = wanted.slot.map(parked::slot).transpose()?;
    let body = CommandBody::Park { call: id, slot };
    let (carried, _) = state.ask(who.actor(), body).await?;
    let Done::Parked(slot) = carried.done else {
        let why = "a parked call was answered without its slot";
        return Err(ApiError::internal(why));
    };
    Ok(Json(ParkedIn { slot }))
}

/// The call, if they may see it.
fn seen(scope: &Scope, state: &ApiState, id: CallId) -> Result<CallRow, ApiError> {
    let view = state.view();
    let row = view.calls.get(&id).filter(|row| scope.sees_call(row));
    row.cloned()
        .ok_or_else(|| ApiError::not_found("call", &id.to_string()))
}
