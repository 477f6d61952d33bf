//! `/holiday-lists`: dates on which the calendars that name them are closed. Supervisors read, administrators change,
//! also by an iCalendar file, of which nothing is adopted before it was asked for.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use config::{HolidayList, Label, Resource};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use serde_json::json;

use super::PREFIX;
use crate::auth::{Administrator, Proof, Supervisor};
use crate::conditional::Tag;
use crate::extract::Name;
use crate::ical::{self, Horizon};
use crate::problem::{ApiError, Kind};
use crate::resource::change::{Edit, apply};
use crate::resource::{self, Exposed, found};
use crate::routing::{Routes, doc};
use crate::state::ApiState;

mod plan;

use plan::{ImportRow, Plan};

/// How far ahead an event that repeats is taken.
const YEARS_AHEAD: i32 = 5;

/// The name of what is imported when neither the request nor the file says.
const UNNAMED: &str = "iCalendar";

impl Exposed for HolidayList {
    const SCHEMA: &'static str = "HolidayList";
}

pub(crate) fn routes() -> Routes {
    resource::routes::<HolidayList, Supervisor>(PREFIX)
        .merge(Routes::new(PREFIX).add(doc(__path_import), import))
}

/// How a file is imported.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// Whether only to say what would come of it: true unless it says false.
    preview: Option<bool>,
    /// What the dates are marked with as their `source`. Left out: the calendar's name in the file. Dates of that source
    /// which are not in the file any more are removed.
    source: Option<String>,
    /// Dates to be left as they are, separated by commas.
    except: Option<String>,
}

impl Wish {
    fn except(&self) -> Result<BTreeSet<Date>, ApiError> {
        let texts = self.except.as_deref().unwrap_or_default().split(',');
        let texts = texts.map(str::trim).filter(|text| !text.is_empty());
        let read = |text: &str| {
            let date: Result<config::LocalDate, _> = text.parse();
            date.map(|date| date.0)
                .map_err(|fault| ApiError::field("except", fault.message, fault.help))
        };
        texts.map(read).collect()
    }

    fn source(&self, in_file: Option<&str>) -> Result<Label, ApiError> {
        let source = self.source.as_deref().or(in_file).unwrap_or(UNNAMED);
        source
            .parse()
            .map_err(|fault: config::Invalid| ApiError::field("source", fault.message, fault.help))
    }
}

/// A file in the body, and the headers it came with.
struct Upload {
    text: String,
    headers: HeaderMap,
}

impl FromRequest<ApiState> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let media_type = headers.get(header::CONTENT_TYPE);
        let media_type = media_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !media_type.to_ascii_lowercase().starts_with("text/calendar") {
            return Err(ApiError::new(
                Kind::MediaType,
                "send Content-Type: text/calendar",
            ));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| {
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    return ApiError::new(Kind::TooLarge, "a file has at most 1 MB");
                }
                ApiError::new(Kind::Malformed, rejection.body_text())
            })?;
        let text = String::from_utf8(bytes.into());
        let text = text.map_err(|_| ApiError::new(Kind::Malformed, "the file is no UTF-8 text"))?;
        Ok(Self { text, headers })
    }
}

/// Previews or adopts the whole days of an iCalendar file
///
/// Nothing changes unless `preview=false`. The answer's ETag is the list's: with it as If-Match only what was previewed is adopted.
#[utoipa::path(
    post,
    path = "/holiday-lists/{name}/import",
    tag = "holiday-lists",
    params(("name" = String, Path, description = "The list"), Wish),
    request_body(content = String, content_type = "text/calendar", description = "The file, at most 1 MB"),
    responses((status = 200, description = "What it would do, or has done", body = ImportRow)),
)]
async fn import(
    who: Administrator,
    State(state): State<ApiState>,
    Name(name): Name,
    query: Result<Query<Wish>, QueryRejection>,
    Upload { text, mut headers }: Upload,
) -> Result<Response, ApiError> {
    let snapshot = state.snapshot();
    let list = found::<HolidayList>(&snapshot.centre, &name)?;
    let Query(wish) = query.map_err(|rejection| {
        let help = "there are preview, source and except";
        ApiError::field("query", rejection.body_text(), help)
    })?;
    let today = today(&state);
    let horizon = Horizon {
        first: today,
        last_repeated: today.saturating_add(YEARS_AHEAD.years()),
    };
    let feed = tokio::task::spawn_blocking(move || ical::read(&text, horizon));
    let feed = feed.await.map_err(ApiError::internal)?;
    let feed = feed.map_err(|fault| ApiError::new(Kind::Malformed, fault))?;
    let source = wish.source(feed.name.as_deref())?;
    let plan = Plan::new(&list, feed, &source, today, &wish.except()?);
    let is_preview = wish.preview.unwrap_or(true);
    let mut tag = Tag::of(&list.to_stored_json());
    Tag::check(Some(&tag), &headers)?;
    if !is_preview {
        // What was planned from is what is changed, whoever else is at it.
        headers
            .entry(header::IF_MATCH)
            .or_insert_with(|| tag.header());
        let dates: Vec<_> = plan.dates(&list).iter().map(config::Field::write).collect();
        let edit = Edit::patch(name.clone(), json!({ "dates": dates }))?;
        let done = apply::<HolidayList>(&state, who.identity(), edit, &headers).await?;
        tag = done.new.map_or(tag, |list| Tag::of(&list.to_stored_json()));
    }
    let row = plan.into_row(name, source, is_preview);
    Ok(([(header::ETAG, tag.header())], Json(row)).into_response())
}

/// The date in the centre's zone: a list has none of its own.
fn today(state: &ApiState) -> Date {
    let now = Timestamp::from_microsecond(state.utc_us()).unwrap_or(Timestamp::UNIX_EPOCH);
    let zone = &state.snapshot().settings.centre.timezone;
    zone.time_zone().to_datetime(now).date()
}
