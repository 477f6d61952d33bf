//! `/metrics`, `/health/live`, `/health/ready` and the page at the root, for those who watch the daemon.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Public;
use crate::ports::Check;
use crate::routing::{Routes, doc};
use crate::state::ApiState;

pub(crate) fn routes() -> Routes {
    Routes::new("")
        .add(doc(__path_page), page)
        .add(doc(__path_metrics), metrics)
        .add(doc(__path_live), live)
        .add(doc(__path_ready), ready)
}

/// Says where things are
#[utoipa::path(
    get,
    path = "/",
    tag = "health",
    responses((status = 200, description = "A page for people", body = String, content_type = "text/html")),
)]
#[allow(clippy::unused_async, reason = "a handler")]
async fn page(_: Public) -> Html<&'static str> {
    Html(include_str!("page.html"))
}

/// Figures for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses((status = 200, description = "Text exposition format 0.0.4", body = String, content_type = "text/plain")),
)]
#[allow(clippy::unused_async, reason = "a handler")]
async fn metrics(_: Public, State(state): State<ApiState>) -> Response {
    let content_type = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (content_type, state.ports().metrics.render()).into_response()
}

/// Answers while the process answers at all
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "health",
    responses((status = 200, description = "It lives", body = String, content_type = "text/plain")),
)]
#[allow(clippy::unused_async, reason = "a handler")]
async fn live(_: Public) -> &'static str {
    "live\n"
}

/// Whether the daemon should be given work.
#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    /// True when every check is well.
    ready: bool,
    /// The checks.
    checks: Vec<Check>,
}

/// Whether the daemon should be given work
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "health",
    responses(
        (status = 200, description = "It is ready", body = Ready),
        (status = 503, description = "It is not", body = Ready),
    ),
)]
#[allow(clippy::unused_async, reason = "a handler")]
async fn ready(_: Public, State(state): State<ApiState>) -> Response {
    let checks = state.ports().readiness.checks();
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Ready { ready, checks })).into_response()
}
