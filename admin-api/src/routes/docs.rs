//! The API about itself: the OpenAPI document and a page to read it.

use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

use super::PREFIX;
use crate::auth::Public;
use crate::openapi;
use crate::routing::{Routes, doc};

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_document), document)
        .add(doc(__path_page), page)
}

/// The OpenAPI 3.1 document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "docs",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)),
)]
#[allow(clippy::unused_async, reason = "a handler")]
async fn document(_: Public) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        openapi::text(),
    )
        .into_response()
}

/// The same to read
#[utoipa::path(
    get,
    path = "/docs",
    tag = "docs",
    responses((status = 200, description = "A page for people", body = String, content_type = "text/html")),
)]
#[allow(clippy::unused_async, reason = "a handler")]
async fn page(_: Public) -> Html<&'static str> {
    Html(openapi::page())
}
