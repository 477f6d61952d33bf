//! `/queues`: attendants see those assigned to them, supervisors all; supervisors override the
//! calendar, administrators change.

use std::future::{Future, ready};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use config::{Destination, Invalid, Queue};
use engine::CommandBody;
use engine::command::{OverrideEnd, OverrideState};
use engine::view::QueueRow;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::PREFIX;
use crate::auth::{Administrator, Attendant, Proof, Supervisor};
use crate::extract::{Body, Name};
use crate::problem::{ApiError, Kind};
use crate::resource::change::{Edit, apply};
use crate::resource::{self, Exposed, docs, found};
use crate::rights::Scope;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

pub(crate) fn routes() -> Routes {
    resource::lasting::<Queue, Attendant>(PREFIX)
        .add(docs::remove_moving::<Queue>(), remove)
        .merge(Routes::new(PREFIX).add(doc(__path_set_override), set_override))
}

/// Where those go who wait in a queue that is removed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Removal {
    #[serde(default)]
    to: Option<String>,
}

impl Removal {
    fn destination(self) -> Result<Option<Destination>, ApiError> {
        let read = |to: String| {
            to.parse()
                .map_err(|fault: Invalid| ApiError::field("to", fault.message, fault.help))
        };
        self.to.map(read).transpose()
    }
}

async fn remove(
    who: Administrator,
    State(state): State<ApiState>,
    Name(name): Name,
    removal: Result<Query<Removal>, QueryRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let Query(removal) =
        removal.map_err(|rejection| ApiError::new(Kind::Malformed, rejection.body_text()))?;
    let edit = Edit::remove(name).moving(removal.destination()?);
    apply::<Queue>(&state, who.identity(), edit, &headers).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether a queue takes new calls, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct QueueStatus {
    /// Whether it takes new calls now.
    open: bool,
    /// The supervisor's override in force: `open` or `closed`; null when the calendar decides.
    #[schema(value_type = Option<String>, example = "closed")]
    override_state: Option<OverrideState>,
    /// When the override ends by itself, RFC 3339; null: when somebody takes it back.
    override_until: Option<String>,
    /// When it opens or closes next, RFC 3339; null: never.
    next_change: Option<String>,
}

impl QueueStatus {
    /// A queue that nothing was heard of yet counts as closed.
    pub(super) fn of(row: Option<&QueueRow>) -> Self {
        Self {
            open: row.is_some_and(|row| row.open),
            override_state: row.and_then(|row| row.override_state),
            override_until: row.and_then(|row| row.override_until_us).map(time::rfc3339),
            next_change: row.and_then(|row| row.next_change_us).map(time::rfc3339),
        }
    }
}

impl Exposed for Queue {
    const SCHEMA: &'static str = "Queue";
    const LIVE: &'static [&'static str] = &["status"];

    fn visible(&self, scope: &Scope) -> bool {
        scope.sees_queue(&self.name)
    }

    fn live(
        &self,
        state: &ApiState,
    ) -> impl Future<Output = Result<Map<String, Value>, ApiError>> + Send {
        let status = QueueStatus::of(state.view().queues.get(&*self.name));
        ready(Ok(Map::from_iter([("status".to_owned(), json!(status))])))
    }
}

/// Opens or closes a queue against its calendar.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Override {
    /// `open` or `closed`; null takes the override back.
    #[schema(value_type = Option<String>, example = "closed")]
    #[serde(deserialize_with = "given")]
    state: Option<OverrideState>,
    /// An RFC 3339 time, or `next-change`: when the calendar would open or close next. Left out: until taken back.
    #[serde(default)]
    until: Option<String>,
}

/// Null means something here, so leaving the field out must not mean the same.
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<OverrideState>, D::Error> {
    Option::deserialize(from)
}

impl Override {
    fn end(&self, now_us: i64) -> Result<OverrideEnd, ApiError> {
        match self.until.as_deref() {
            None => Ok(OverrideEnd::Revoked),
            Some("next-change") => Ok(OverrideEnd::NextChange),
            Some(time) => {
                let at = time::read("until", time)?;
                if at > now_us {
                    return Ok(OverrideEnd::At(at));
                }
                Err(ApiError::field(
                    "until",
                    "this time has passed",
                    "write a time to come, or \"next-change\"",
                ))
            }
        }
    }
}

/// Opens or closes a queue against its calendar
#[utoipa::path(
    put,
    path = "/queues/{name}/override",
    tag = "queues",
    params(("name" = String, Path, description = "The queue")),
    request_body = Override,
    responses((status = 200, description = "The queue's status now", body = QueueStatus)),
)]
async fn set_override(
    who: Supervisor,
    State(state): State<ApiState>,
    Name(name): Name,
    Body(wanted): Body<Override>,
) -> Result<Json<QueueStatus>, ApiError> {
    found::<Queue>(&state.snapshot().centre, &name)?;
    let until = wanted.end(state.utc_us())?;
    let body = CommandBody::OverrideQueue {
        queue: name.clone(),
        state: wanted.state,
        until,
    };
    let (_, view) = state.ask(who.actor(), body).await?;
    Ok(Json(QueueStatus::of(view.queues.get(&name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_says_its_state_and_its_end() {
        let future = OverrideEnd::At(1_798_102_800_000_000);
        let cases = [
            (json!({"state": "closed"}), Some(OverrideEnd::Revoked)),
            (json!({"state": null}), Some(OverrideEnd::Revoked)),
            (
                json!({"state": "open", "until": "next-change"}),
                Some(OverrideEnd::NextChange),
            ),
            (
                json!({"state": "open", "until": "2026-12-24T09:00:00Z"}),
                Some(future),
            ),
            (
                json!({"state": "open", "until": "2020-12-24T09:00:00Z"}),
                None,
            ),
            (json!({"state": "open", "until": "later"}), None),
            (json!({"state": "ajar"}), None),
            (json!({"until": "next-change"}), None),
            (json!({"state": "open", "til": null}), None),
        ];
        for (json, expected) in cases {
            let read = crate::extract::read::<Override>(json.clone());
            let end = read.and_then(|wanted| wanted.end(1_700_000_000_000_000));
            assert_eq!(end.ok(), expected, "{json}");
        }
    }
}
