//! `/agents/{username}/figures`: how an agent's day goes.

use axum::Json;
use axum::extract::State;
use engine::board::{AgentFigures, Times};
use serde::Serialize;
use utoipa::ToSchema;

use super::PREFIX;
use super::agents::{Agent, seen};
use super::figures::share;
use crate::auth::Attendant;
use crate::extract::Name;
use crate::problem::ApiError;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX).add(doc(__path_of_agent), of_agent)
}

/// The live figures of an agent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentDay {
    /// The agent as they are now: state and since when, reason, the call they have, their queues and those they have left.
    agent: Agent,
    /// When the day began, RFC 3339; null: nothing has happened yet.
    since: Option<String>,
    /// Calls they took since the day began.
    calls: u64,
    /// Alerts that they let ring out, but for calls they had picked up themselves.
    missed: u64,
    /// Contact as a share of contact and idle time, 0 to 1; null: neither was.
    occupancy: Option<f64>,
    /// Their alerts since the day began.
    alerts: Alerts,
    /// How their time went since the day began.
    times: Spent,
}

/// Alerts since the day began: `started` is the others together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alerts {
    /// Begun, or running when the day began.
    started: u64,
    /// Running now.
    running: usize,
    /// Taken.
    accepted: u64,
    /// Refused.
    rejected: u64,
    /// Rang out.
    timed_out: u64,
    /// Taken back: the caller gone, a break, picked up by another.
    withdrawn: u64,
    /// The phone could not be rung.
    failed: u64,
}

/// Time spent since the day began, what goes on included.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Spent {
    /// Available without a call.
    available_seconds: f64,
    /// Being rung.
    alerting_seconds: f64,
    /// On calls.
    on_contact_seconds: f64,
    /// In wrap-up.
    wrap_up_seconds: f64,
    /// On break.
    on_break_seconds: f64,
    /// Available with a phone that cannot be rung.
    unreachable_seconds: f64,
}

impl Spent {
    fn of(times: &Times) -> Self {
        Self {
            available_seconds: time::seconds(times.available_us),
            alerting_seconds: time::seconds(times.alerting_us),
            on_contact_seconds: time::seconds(times.on_contact_us),
            wrap_up_seconds: time::seconds(times.wrap_up_us),
            on_break_seconds: time::seconds(times.on_break_us),
            unreachable_seconds: time::seconds(times.unreachable_us),
        }
    }
}

/// Shows the live figures of an agent
///
/// Counters start at zero at `centre.day_starts`.
#[utoipa::path(
    get,
    path = "/agents/{username}/figures",
    tag = "figures",
    params(("username" = String, Path, description = "Their user name, or `me`")),
    responses((status = 200, description = "Their figures now", body = AgentDay)),
)]
async fn of_agent(
    who: Attendant,
    State(state): State<ApiState>,
    Name(name): Name,
) -> Result<Json<AgentDay>, ApiError> {
    let view = state.view();
    let (name, agent) = seen(&who, name, &state, &view)?;
    let nothing = AgentFigures::default();
    let row = view.board.agents.get(&name).unwrap_or(&nothing);
    let times = row.times(state.utc_us());
    Ok(Json(AgentDay {
        agent,
        since: view.board.since_us.map(time::rfc3339),
        calls: row.alerts.accepted,
        missed: row.alerts.missed,
        occupancy: share(times.occupancy()),
        alerts: Alerts {
            started: row.alerts.started,
            running: row.running(),
            accepted: row.alerts.accepted,
            rejected: row.alerts.rejected,
            timed_out: row.alerts.timed_out,
            withdrawn: row.alerts.withdrawn,
            failed: row.alerts.failed,
        },
        times: Spent::of(&times),
    }))
}
