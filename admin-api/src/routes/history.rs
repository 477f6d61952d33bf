//! `/history`: calls that are over, newest first. Attendants see those they took, placed or were alerted
//! for; supervisors all.

use axum::Json;
use axum::extract::State;
use engine::event::{AlertEnd, Direction, EndResult, EndedBy, LegRole};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::PREFIX;
use super::wrap_up::CodeRow;
use crate::auth::{Attendant, Proof};
use crate::extract::Call;
use crate::list::{ListParams, ListQuery, Page};
use crate::ports::{AlertRecord, CallDetail, CallRecord, HistoryQuery, LegRecord};
use crate::problem::ApiError;
use crate::rights::Scope;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_list), list)
        .add(doc(__path_read), read)
}

/// A call that is over.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PastCall {
    /// Its id.
    id: String,
    /// `inbound`, `outbound` or `internal`.
    #[schema(value_type = String, example = "inbound")]
    direction: Direction,
    /// The caller's number; empty when withheld.
    caller: String,
    /// The caller's name.
    name: Option<String>,
    /// What they dialled.
    called: String,
    /// The trunk it came in by.
    trunk: Option<String>,
    /// The queue it came to last, whether that let it in or not.
    queue: Option<String>,
    /// The user who took it.
    agent: Option<String>,
    /// The user who placed it.
    user: Option<String>,
    /// When it started, RFC 3339.
    started: String,
    /// When it first entered a queue, RFC 3339.
    queued: Option<String>,
    /// When the caller's side was answered, RFC 3339.
    answered: Option<String>,
    /// When two people could talk, RFC 3339.
    connected: Option<String>,
    /// When it ended, RFC 3339.
    ended: String,
    /// Seconds it waited in queues, was parked, or was sent on and nobody had it.
    waited_seconds: Option<f64>,
    /// Seconds the phone that took it rang.
    rung_seconds: Option<f64>,
    /// Seconds two people talked.
    talked_seconds: Option<f64>,
    /// Seconds it was on hold.
    held_seconds: f64,
    /// The outcome: `answered`, `abandoned`, `closed`, `refused`, `busy`, `no-answer`, `failed`, `rejected`,
    /// `announced`, `withdrawn` or `interrupted`.
    #[schema(value_type = String, example = "answered")]
    status: EndResult,
    /// The SIP status that ended it.
    sip_status: Option<u16>,
    /// For people.
    reason: Option<String>,
    /// `caller`, `callee`, `system` or `user`.
    #[schema(value_type = String, example = "caller")]
    ended_by: EndedBy,
    /// Where a rule or a person sent it last; a recall's queue.
    diverted_to: Option<String>,
    /// What the agent who took it says it was about.
    wrap_up: Option<CodeRow>,
}

impl From<CallRecord> for PastCall {
    fn from(call: CallRecord) -> Self {
        Self {
            id: call.id.to_string(),
            direction: call.direction,
            caller: call.caller,
            name: call.caller_name,
            called: call.called,
            trunk: call.trunk,
            queue: call.queue,
            agent: call.agent,
            user: call.user,
            started: time::rfc3339(call.started_us),
            queued: call.queued_us.map(time::rfc3339),
            answered: call.answered_us.map(time::rfc3339),
            connected: call.connected_us.map(time::rfc3339),
            ended: time::rfc3339(call.ended_us),
            waited_seconds: call.waited_us.map(time::seconds),
            rung_seconds: call.rung_us.map(time::seconds),
            talked_seconds: call.talked_us.map(time::seconds),
            held_seconds: time::seconds(call.held_us),
            status: call.result,
            sip_status: call.sip_status,
            reason: call.reason,
            ended_by: call.ended_by,
            diverted_to: call.diverted_to,
            wrap_up: call.coded.as_ref().map(CodeRow::of),
        }
    }
}

/// A call that is over, with all that belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PastCallDetail {
    #[serde(flatten)]
    call: PastCall,
    /// Its legs in the order they were added.
    legs: Vec<PastLeg>,
    /// Its alerts in the order they began.
    alerts: Vec<PastAlert>,
}

/// One leg.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PastLeg {
    /// Its id.
    id: String,
    /// `caller`, `agent` or `callee`.
    #[schema(value_type = String, example = "caller")]
    role: LegRole,
    /// The number or extension at its far end.
    number: String,
    /// The trunk it went over.
    trunk: Option<String>,
    /// The user at its far end.
    user: Option<String>,
    /// When it began, RFC 3339.
    started: String,
    /// When the far end rang, RFC 3339.
    ringing: Option<String>,
    /// When the far end answered, RFC 3339.
    answered: Option<String>,
    /// When it ended, RFC 3339.
    ended: Option<String>,
    /// How it ended.
    #[schema(value_type = Option<String>)]
    status: Option<EndResult>,
    /// The SIP status that ended it.
    sip_status: Option<u16>,
}

impl From<LegRecord> for PastLeg {
    fn from(leg: LegRecord) -> Self {
        Self {
            id: leg.id.to_string(),
            role: leg.role,
            number: leg.number,
            trunk: leg.trunk,
            user: leg.user,
            started: time::rfc3339(leg.started_us),
            ringing: leg.ringing_us.map(time::rfc3339),
            answered: leg.answered_us.map(time::rfc3339),
            ended: leg.ended_us.map(time::rfc3339),
            status: leg.result,
            sip_status: leg.sip_status,
        }
    }
}

/// One alert.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PastAlert {
    /// The agent's user name.
    agent: String,
    /// The queue; null for a direct call.
    queue: Option<String>,
    /// When it began, RFC 3339.
    started: String,
    /// When it ended, RFC 3339.
    ended: Option<String>,
    /// `accepted`, `rejected`, `timed-out`, `withdrawn` or `failed`.
    #[schema(value_type = Option<String>)]
    end: Option<AlertEnd>,
    /// The SIP status that failed it.
    sip_status: Option<u16>,
    /// Whether the agent picked the call up; else it was chosen for them.
    picked_up: bool,
}

impl From<AlertRecord> for PastAlert {
    fn from(alert: AlertRecord) -> Self {
        Self {
            agent: alert.agent,
            queue: alert.queue,
            started: time::rfc3339(alert.started_us),
            ended: alert.ended_us.map(time::rfc3339),
            end: alert.end,
            sip_status: alert.sip_status,
            picked_up: alert.picked_up,
        }
    }
}

/// Lists calls that are over, newest first
///
/// Filters: `from` and `to` (RFC 3339, by start), `queue`, `agent`, `caller`, `called`, `status`, `direction`. The
/// only sort is `-started`.
#[utoipa::path(
    get,
    path = "/history",
    tag = "history",
    params(ListParams),
    responses((status = 200, description = "One page", body = Page<PastCall>)),
)]
async fn list(
    who: Attendant,
    State(state): State<ApiState>,
    query: ListQuery,
) -> Result<Json<Page<PastCall>>, ApiError> {
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    let mut wanted = history_query(query)?;
    wanted.party = (!scope.all()).then(|| scope.username().to_owned());
    let page = state.ports().history.page(wanted).await?;
    Ok(Json(Page {
        items: page.items.into_iter().map(PastCall::from).collect(),
        next: page.next,
    }))
}

fn history_query(mut query: ListQuery) -> Result<HistoryQuery, ApiError> {
    let read_time =
        |text: Option<String>, field| text.map(|text| time::read(field, &text)).transpose();
    let wanted = HistoryQuery {
        party: None,
        from_us: read_time(query.take_filter("from"), "filter[from]")?,
        to_us: read_time(query.take_filter("to"), "filter[to]")?,
        queue: query.take_filter("queue"),
        agent: query.take_filter("agent"),
        caller: query.take_filter("caller"),
        called: query.take_filter("called"),
        result: word("filter[status]", query.take_filter("status"))?,
        direction: word("filter[direction]", query.take_filter("direction"))?,
        limit: query.limit,
        cursor: query.cursor,
    };
    if let Some((field, _)) = query.filters.first() {
        let known = "the filters are from, to, queue, agent, caller, called, status, direction";
        return Err(ApiError::field(
            format!("filter[{field}]"),
            "there is no such filter",
            known,
        ));
    }
    if query
        .sort
        .iter()
        .any(|(field, down)| field != "started" || !down)
    {
        return Err(ApiError::field(
            "sort",
            "the history is sorted newest first",
            "write -started, or leave it out",
        ));
    }
    Ok(wanted)
}

fn word<T: DeserializeOwned>(field: &str, word: Option<String>) -> Result<Option<T>, ApiError> {
    let read = |word: String| {
        serde_json::from_value(Value::from(word)).map_err(|error| {
            ApiError::field(
                field,
                error.to_string(),
                "see the OpenAPI document at /api/v1/openapi.json",
            )
        })
    };
    word.map(read).transpose()
}

/// Shows a call that is over, with its legs and alerts
#[utoipa::path(
    get,
    path = "/history/{id}",
    tag = "history",
    params(("id" = String, Path, description = "The call")),
    responses((status = 200, description = "The call", body = PastCallDetail)),
)]
async fn read(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
) -> Result<Json<PastCallDetail>, ApiError> {
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    let detail = state
        .ports()
        .history
        .call(id)
        .await?
        .filter(|detail| scope.all() || had_part(detail, &scope));
    let CallDetail { call, legs, alerts } =
        detail.ok_or_else(|| ApiError::not_found("call", &id.to_string()))?;
    Ok(Json(PastCallDetail {
        call: call.into(),
        legs: legs.into_iter().map(PastLeg::from).collect(),
        alerts: alerts.into_iter().map(PastAlert::from).collect(),
    }))
}

/// Whether the user took, placed, was in or was alerted for this call.
pub(crate) fn had_part(detail: &CallDetail, scope: &Scope) -> bool {
    let is_me = |user: &Option<String>| user.as_deref().is_some_and(|user| scope.is_me(user));
    is_me(&detail.call.agent)
        || is_me(&detail.call.user)
        || detail.legs.iter().any(|leg| is_me(&leg.user))
        || detail.alerts.iter().any(|alert| scope.is_me(&alert.agent))
}
