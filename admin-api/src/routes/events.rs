//! `/events`: every change as it happens, over a WebSocket (RFC 6455).

use axum::extract::rejection::QueryRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::PREFIX;
use crate::auth::{Attendant, Proof};
use crate::events::{read_cursor, stream};
use crate::problem::{ApiError, Kind};
use crate::routing::{Routes, doc};
use crate::state::ApiState;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX).add(doc(__path_open), open)
}

/// The largest message a client may send; none is needed.
const MESSAGE_MAX: usize = 4096;

/// Where to begin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    cursor: Option<String>,
    #[serde(rename = "access_token")]
    _access_token: Option<String>,
}

/// Opens the stream of events (WebSocket)
///
/// Each text message is one `Event`. Cursors hold for at least seven days. The stream is closed with 1001 when the
/// server stops, 1011 when events cannot be read, 4401 when the token is no longer valid, 4408 when the client does
/// not answer pings, 4410 when the cursor is too old, 4429 when the client reads too slowly; the last cursor resumes.
///
/// Attendants get the events of calls from when they enter one of their queues or reach their phone, the states of
/// agents they share a queue with, and what concerns their queues, their phone and themselves.
#[utoipa::path(
    get,
    path = "/events",
    tag = "events",
    params(
        ("cursor" = Option<String>, Query,
            description = "The cursor of the last event received; events after it come first. Left out or empty: only new ones"),
        ("access_token" = Option<String>, Query,
            description = "The token, for browsers, which cannot set Authorization on a WebSocket"),
    ),
    responses((status = 101, description = "Messages follow", body = ref("#/components/schemas/Event"))),
)]
async fn open(
    who: Attendant,
    State(state): State<ApiState>,
    from: Result<Query<Position>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let Query(from) =
        from.map_err(|rejection| ApiError::new(Kind::Malformed, rejection.body_text()))?;
    let cursor = from.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    // Now, and not when the stream runs: who has been answered misses nothing from then on.
    let after = match cursor {
        Some(cursor) => parse(cursor)?,
        None => state.ports().events.latest(),
    };
    let upgrade =
        upgrade.map_err(|rejection| ApiError::new(Kind::Malformed, rejection.body_text()))?;
    let identity = who.identity().clone();
    let upgrade = upgrade
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(MESSAGE_MAX);
    Ok(upgrade.on_upgrade(move |socket| stream::run(socket, state, identity, after)))
}

fn parse(cursor: &str) -> Result<u64, ApiError> {
    let wrong = || {
        ApiError::field(
            "cursor",
            "the cursor is none of ours",
            "take the cursor of an event, or leave it out",
        )
    };
    read_cursor(cursor).ok_or_else(wrong)
}
