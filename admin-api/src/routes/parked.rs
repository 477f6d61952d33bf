//! `/parked`: who is parked, and retrieving them. Everybody sees what they parked themselves, what somebody of their own park location
//! parked (those without one are alike in that), and what a rule parked; supervisors see all. The location is that of the parker when
//! they parked.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::view::CallRow;
use engine::{CallId, CommandBody};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::PREFIX;
use crate::auth::{Attendant, Proof};
use crate::extract::Name;
use crate::list::{ListParams, ListQuery, Page, page};
use crate::problem::ApiError;
use crate::rights::Scope;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

/// The highest slot.
const SLOT_MAX: u32 = config::SLOT_MAX;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_list), list)
        .add(doc(__path_retrieve), retrieve)
}

/// One who is parked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParkedCall {
    /// The slot.
    slot: u32,
    /// The call.
    call: String,
    /// Their number; empty when withheld.
    caller: String,
    /// Their name.
    name: Option<String>,
    /// The queue they came from.
    queue: Option<String>,
    /// Who parked them; null: a rule did.
    by: Option<String>,
    /// The park location of who parked them, at that time.
    location: Option<String>,
    /// Since when, RFC 3339.
    since: String,
    /// For how long.
    parked_seconds: f64,
}

impl ParkedCall {
    fn of(id: CallId, row: &CallRow, scope: &Scope, now_us: i64) -> Option<Self> {
        let parked = row.parked.as_ref().filter(|it| scope.sees_parked(it))?;
        Some(Self {
            slot: parked.slot,
            call: id.to_string(),
            caller: row.caller.number.clone(),
            name: row.caller.name.clone(),
            queue: row.queue.clone(),
            by: parked.by.clone(),
            location: parked.location.clone(),
            since: time::rfc3339(parked.since_us),
            parked_seconds: time::seconds(now_us - parked.since_us),
        })
    }
}

/// A slot somebody asks for.
///
/// # Errors
///
/// When there can be no such slot.
pub(super) fn slot(slot: u32) -> Result<u32, ApiError> {
    if (1..=SLOT_MAX).contains(&slot) {
        return Ok(slot);
    }
    let help = format!("write a number from 1 to {SLOT_MAX}");
    Err(ApiError::field("slot", "there is no such slot", help))
}

/// Lists who is parked, by slot
#[utoipa::path(
    get,
    path = "/parked",
    tag = "parked",
    params(ListParams),
    responses((status = 200, description = "One page", body = Page<ParkedCall>)),
)]
async fn list(
    who: Attendant,
    State(state): State<ApiState>,
    query: ListQuery,
) -> Result<Json<Page<Value>>, ApiError> {
    let (view, now_us) = (state.view(), state.utc_us());
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    let calls = view.calls.iter();
    let rows = calls.filter_map(|(id, row)| ParkedCall::of(*id, row, &scope, now_us));
    page(rows.map(|row| json!(row)).collect(), &["slot"], &query).map(Json)
}

/// Takes who is parked in a slot: one's own phone is rung with them
///
/// Until it is answered they stay parked. Of two who retrieve the same, one gets them, the other 409 with the name of the first. 404
/// when nobody is parked there whom one sees.
#[utoipa::path(
    post,
    path = "/parked/{slot}/retrieve",
    tag = "parked",
    params(("slot" = u32, Path, description = "The slot")),
    responses((status = 204, description = "One's own phone is being rung")),
)]
async fn retrieve(
    who: Attendant,
    State(state): State<ApiState>,
    Name(wanted): Name,
) -> Result<StatusCode, ApiError> {
    let nobody = || ApiError::not_found("parked call in slot", &wanted);
    let wanted = wanted.parse().map_err(|_| nobody())?;
    let body = CommandBody::Retrieve { slot: wanted };
    state.ask(who.actor(), body).await?;
    Ok(StatusCode::NO_CONTENT)
}
