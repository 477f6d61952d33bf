//! `/bans`: sources of SIP messages that are not heard for a while. For administrators.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::PREFIX;
use crate::auth::Administrator;
use crate::extract::Name;
use crate::list::{ListParams, ListQuery, Page, page};
use crate::ports::BanRecord;
use crate::problem::ApiError;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_list), list)
        .add(doc(__path_lift), lift)
}

/// A source that is not heard.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BanRow {
    /// Its address.
    #[schema(example = "203.0.113.9")]
    address: String,
    /// Until when, RFC 3339.
    until: String,
    /// What it did that was one too many.
    #[schema(example = "wrong credentials")]
    why: &'static str,
    /// How many bans it had before, not counting those that are forgiven.
    before: u32,
}

impl From<BanRecord> for BanRow {
    fn from(ban: BanRecord) -> Self {
        Self {
            address: ban.address.to_string(),
            until: time::rfc3339(ban.until_us),
            why: ban.why,
            before: ban.doublings,
        }
    }
}

/// Lists the sources that are not heard at this moment
#[utoipa::path(
    get,
    path = "/bans",
    tag = "bans",
    params(ListParams),
    responses((status = 200, description = "One page", body = Page<BanRow>)),
)]
#[allow(clippy::unused_async, reason = "a handler")]
async fn list(
    _: Administrator,
    State(state): State<ApiState>,
    query: ListQuery,
) -> Result<Json<Page<Value>>, ApiError> {
    let bans = state.ports().bans.list().into_iter().map(BanRow::from);
    let rows: Result<Vec<Value>, _> = bans.map(serde_json::to_value).collect();
    page(rows.map_err(ApiError::internal)?, &["address"], &query).map(Json)
}

/// Hears a source again, and forgets what it has done
#[utoipa::path(
    delete,
    path = "/bans/{address}",
    tag = "bans",
    params(("address" = String, Path, description = "The address")),
    responses((status = 204, description = "It is heard again")),
)]
#[allow(clippy::unused_async, reason = "a handler")]
async fn lift(
    _: Administrator,
    State(state): State<ApiState>,
    Name(address): Name,
) -> Result<StatusCode, ApiError> {
    let parsed: Option<IpAddr> = address.parse().ok();
    match parsed.is_some_and(|address| state.ports().bans.lift(address)) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found("ban", &address)),
    }
}
