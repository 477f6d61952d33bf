//! The whole: routes, the layers around them, and what is answered where there is no route.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, OriginalUri, Request};
use axum::http::Method;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;
use tower_http::trace::TraceLayer;

use crate::auth::identity::authenticate;
use crate::extract::BODY_MAX;
use crate::problem::{ApiError, Kind};
use crate::state::ApiState;
use crate::{conditional, idempotency, routes};

/// The longest that any answer may take; commands answer much sooner.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// The API over this state.
///
/// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: logins are limited by the peer's address.
pub fn router(state: ApiState) -> Router {
    let api = routes::api()
        .into_router()
        .layer(from_fn(conditional::tagged))
        .layer(from_fn_with_state(state.clone(), idempotency::once))
        .layer(from_fn_with_state(state.clone(), authenticate));
    api.merge(routes::root().into_router())
        .method_not_allowed_fallback(no_such_method)
        .fallback(no_such_path)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn(in_time))
        // The path only: a query may hold a token.
        .layer(TraceLayer::new_for_http().on_failure(()).make_span_with(|request: &Request| {
            tracing::debug_span!("http", method = %request.method(), path = request.uri().path())
        }))
        .with_state(state)
}

async fn in_time(request: Request, next: Next) -> Response {
    let late = |_| ApiError::new(Kind::Timeout, "the answer took too long").into_response();
    timeout(ANSWER_MAX, next.run(request))
        .await
        .unwrap_or_else(late)
}

#[allow(clippy::unused_async, reason = "a handler")]
async fn no_such_path(OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::not_found("path", uri.path())
}

#[allow(clippy::unused_async, reason = "a handler")]
async fn no_such_method(method: Method, OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::new(
        Kind::Method,
        format!("{} cannot be used with {method}", uri.path()),
    )
}
