//! `/trunks/{name}/figures`: what has passed over a trunk since the daemon's start.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use engine::{Times, TrunkFigures};
use serde::Serialize;
use utoipa::ToSchema;

use super::PREFIX;
use crate::auth::Supervisor;
use crate::extract::Name;
use crate::problem::ApiError;
use crate::routing::{Routes, doc};
use crate::state::ApiState;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX).add(doc(__path_of_trunk), of_trunk)
}

/// What has passed over a trunk since the daemon's start, at most a quarter of a second ago.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrunkCounts {
    /// The trunk.
    name: String,
    /// Calls that are up on it, both ways.
    up: usize,
    /// Calls that came in.
    calls_in: u64,
    /// Of those, answered.
    answered_in: u64,
    /// Those that were refused, by our final response: `{"486": 2}`.
    refused_in: BTreeMap<String, u64>,
    /// Calls that left, each try at this trunk once.
    calls_out: u64,
    /// Of those, answered.
    answered_out: u64,
    /// Those that came to nothing, by the trunk's final response.
    failed_out: BTreeMap<String, u64>,
    /// Those that had no answer in time.
    timed_out: u64,
    /// Those that could not be sent.
    unreachable: u64,
    /// From our INVITE to the first response.
    response: TimesRow,
    /// From our INVITE to its answer.
    answer: TimesRow,
    /// Messages that were sent to it again.
    retransmitted: u64,
}

/// How long something took. Percentiles are the ends of the histogram's buckets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimesRow {
    /// How often.
    count: u64,
    /// All together.
    total_seconds: f64,
    /// Half of them took no longer; null: there is none, or it took longer than three minutes.
    p50_seconds: Option<f64>,
    /// All but the slowest hundredth took no longer.
    p99_seconds: Option<f64>,
}

impl From<Times> for TimesRow {
    fn from(times: Times) -> Self {
        let percentile = |hundredths| {
            let ms = times.percentile_ms(hundredths)?;
            Some(f64::from(u32::try_from(ms).ok()?) / 1_000.0)
        };
        Self {
            count: times.count(),
            total_seconds: times.sum.as_secs_f64(),
            p50_seconds: percentile(50),
            p99_seconds: percentile(99),
        }
    }
}

impl TrunkCounts {
    fn of(name: String, figures: TrunkFigures) -> Self {
        let by_code = |codes: BTreeMap<u16, u64>| {
            let codes = codes.into_iter();
            codes
                .map(|(code, count)| (code.to_string(), count))
                .collect()
        };
        Self {
            name,
            up: figures.legs,
            calls_in: figures.calls_in,
            answered_in: figures.answered_in,
            refused_in: by_code(figures.refused_in),
            calls_out: figures.calls_out,
            answered_out: figures.answered_out,
            failed_out: by_code(figures.failed_out),
            timed_out: figures.timed_out,
            unreachable: figures.unreachable,
            response: figures.response.into(),
            answer: figures.answer.into(),
            retransmitted: figures.retransmitted,
        }
    }
}

/// Counts what has passed over a trunk since the daemon's start: calls, answers, failures by code, times of response
#[utoipa::path(
    get,
    path = "/trunks/{name}/figures",
    tag = "trunks",
    params(("name" = String, Path, description = "The trunk")),
    responses((status = 200, description = "Its figures", body = TrunkCounts)),
)]
#[allow(clippy::unused_async, reason = "a handler")]
async fn of_trunk(
    _: Supervisor,
    State(state): State<ApiState>,
    Name(name): Name,
) -> Result<Json<TrunkCounts>, ApiError> {
    if !state.snapshot().centre.trunks.contains_key(&name) {
        return Err(ApiError::not_found("trunk", &name));
    }
    // One that was made a moment ago has no figures yet.
    let figures = state.ports().metrics.trunk(&name).unwrap_or_default();
    Ok(Json(TrunkCounts::of(name, figures)))
}
