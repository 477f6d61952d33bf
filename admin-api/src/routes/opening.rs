//! Why a calendar or a queue is open or closed at a moment, and when that changes: `/calendars/{name}/explain`,
//! `/calendars/{name}/changes`, `/queues/{name}/opening`.
//!
//! A calendar's answer comes from its lines alone. A queue's has the override on top, for as long as it runs: from now to
//! its end. What is asked for is never searched for long: see [`Hours`].

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use config::{Queue, Snapshot, Zone};
use engine::command::OverrideState;
use engine::routing::calendar::Hours;
use engine::view::QueueRow;
use jiff::Timestamp;
use serde::Deserialize;

use super::PREFIX;
use crate::auth::{Attendant, Proof, Supervisor};
use crate::extract::Name;
use crate::list::Page;
use crate::problem::{ApiError, Kind};
use crate::resource::{Exposed, found};
use crate::rights::Scope;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

mod rows;

use rows::{ChangeRow, Opening, OverrideRow, Reason, Turn};

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_explain), explain)
        .add(doc(__path_changes), changes)
        .add(doc(__path_opening), opening)
}

/// The moment asked about.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Moment {
    /// An RFC 3339 time, such as `2026-12-24T09:00:00Z`. Left out: now.
    at: Option<String>,
}

impl Moment {
    fn read(self, state: &ApiState) -> Result<Timestamp, ApiError> {
        moment("at", self.at.as_deref(), state)
    }
}

fn moment(field: &str, text: Option<&str>, state: &ApiState) -> Result<Timestamp, ApiError> {
    let us = match text {
        Some(text) => time::read(field, text)?,
        None => state.utc_us(),
    };
    Ok(timestamp(us))
}

fn timestamp(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Says why a calendar is open or closed at a moment, and when it changes next
#[utoipa::path(
    get,
    path = "/calendars/{name}/explain",
    tag = "calendars",
    params(("name" = String, Path, description = "The calendar"), Moment),
    responses((status = 200, description = "What decides at that moment", body = Opening)),
)]
async fn explain(
    _who: Supervisor,
    State(state): State<ApiState>,
    Name(name): Name,
    query: Result<Query<Moment>, QueryRejection>,
) -> Result<Json<Opening>, ApiError> {
    let hours = hours(&state.snapshot(), &name)?;
    let at = asked(query)?.read(&state)?;
    let told = Told::by_calendar(&hours, at);
    Ok(Json(told.into_row(None, Some(name), hours.zone(), at)))
}

/// Says why a queue is open or closed at a moment, its override included, and when it changes next
#[utoipa::path(
    get,
    path = "/queues/{name}/opening",
    tag = "queues",
    params(("name" = String, Path, description = "The queue"), Moment),
    responses((status = 200, description = "What decides at that moment", body = Opening)),
)]
async fn opening(
    who: Attendant,
    State(state): State<ApiState>,
    Name(name): Name,
    query: Result<Query<Moment>, QueryRejection>,
) -> Result<Json<Opening>, ApiError> {
    let snapshot = state.snapshot();
    let queue = visible_queue(&snapshot, &name, &who)?;
    let at = asked(query)?.read(&state)?;
    let calendar = queue.calendar.as_ref().map(ToString::to_string);
    let hours = calendar.as_ref().map(|name| hours(&snapshot, name));
    let hours = hours.transpose()?;
    let zone = &snapshot.settings.centre.timezone;
    let zone = hours.as_ref().map_or(zone, Hours::zone);
    let view = state.view();
    let row = view
        .queues
        .get(&name)
        .filter(|_| at >= timestamp(state.utc_us()));
    let told = Told::of_queue(hours.as_ref(), row, at);
    Ok(Json(told.into_row(Some(name), calendar, zone, at)))
}

fn visible_queue(
    snapshot: &Arc<Snapshot>,
    name: &str,
    who: &impl Proof,
) -> Result<Arc<Queue>, ApiError> {
    let queue = found::<Queue>(&snapshot.centre, name)?;
    if queue.visible(&Scope::of(&who.identity().user, snapshot)) {
        return Ok(queue);
    }
    let why = format!("the queue {name:?} is not yours to see");
    Err(ApiError::new(Kind::Forbidden, why))
}

fn hours(snapshot: &Snapshot, calendar: &str) -> Result<Hours, ApiError> {
    let zone = &snapshot.settings.centre.timezone;
    Hours::of(&snapshot.centre, calendar, zone)
        .ok_or_else(|| ApiError::not_found(config::Kind::Calendar.as_str(), calendar))
}

pub(super) fn asked<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    query.map(|Query(query)| query).map_err(|rejection| {
        let help = "the OpenAPI document lists the parameters";
        ApiError::field("query", rejection.body_text(), help)
    })
}

/// What decides at a moment, and what does after the next change.
struct Told {
    open: bool,
    reason: Reason,
    overridden: Option<OverrideRow>,
    next: Option<(Timestamp, bool, Reason)>,
}

impl Told {
    fn by_calendar(hours: &Hours, at: Timestamp) -> Self {
        let rule = hours.rule_at(at);
        let next = hours.next_change(at).map(|next| {
            let rule = hours.rule_at(next);
            (next, rule.is_open(), Reason::of(hours, rule))
        });
        Self {
            open: rule.is_open(),
            reason: Reason::of(hours, rule),
            overridden: None,
            next,
        }
    }

    fn without_override(hours: Option<&Hours>, at: Timestamp) -> Self {
        hours.map_or_else(
            || Self {
                open: true,
                reason: Reason::no_calendar(),
                overridden: None,
                next: None,
            },
            |hours| Self::by_calendar(hours, at),
        )
    }

    /// `row` is of now, and counts as long as its override runs.
    fn of_queue(hours: Option<&Hours>, row: Option<&QueueRow>, at: Timestamp) -> Self {
        let until = row.and_then(|row| row.override_until_us).map(timestamp);
        let runs = until.is_none_or(|until| at < until);
        let Some(state) = row.and_then(|row| row.override_state).filter(|_| runs) else {
            return Self::without_override(hours, at);
        };
        let open = state == OverrideState::Open;
        let next = until.and_then(|until| {
            let after = Self::without_override(hours, until);
            if after.open != open {
                return Some((until, after.open, after.reason));
            }
            after.next
        });
        let overridden = OverrideRow::new(state, until);
        Self {
            open,
            reason: Reason::overridden(&overridden),
            overridden: Some(overridden),
            next,
        }
    }

    fn into_row(
        self,
        queue: Option<String>,
        calendar: Option<String>,
        zone: &Zone,
        at: Timestamp,
    ) -> Opening {
        Opening {
            queue,
            calendar,
            timezone: zone.to_string(),
            at: time::rfc3339(at.as_microsecond()),
            local: rows::local(zone, at),
            open: self.open,
            reason: self.reason,
            r#override: self.overridden,
            next_change: self.next.map(|(at, open, reason)| Turn {
                at: time::rfc3339(at.as_microsecond()),
                local: rows::local(zone, at),
                open,
                reason,
            }),
        }
    }
}

/// The most months that are looked ahead.
const MONTHS_MAX: i32 = 24;

/// Which changes are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Period {
    /// The first moment, RFC 3339. Left out: now.
    from: Option<String>,
    /// Months ahead of it: 1 to 24, 24 when left out.
    #[param(minimum = 1, maximum = 24)]
    months: Option<i32>,
    /// Rows at most: 1 to 1000, 1000 when left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

impl Period {
    fn limit(&self) -> Result<usize, ApiError> {
        let limit = self.limit.unwrap_or(1000);
        let fits = Some(limit).filter(|limit| (1..=1000).contains(limit));
        fits.ok_or_else(|| {
            let help = "write a number from 1 to 1000";
            ApiError::field("limit", format!("{limit} is no limit"), help)
        })
    }

    /// From when, after which moment no more.
    fn bounds(&self, zone: &Zone, state: &ApiState) -> Result<(Timestamp, Timestamp), ApiError> {
        if let Some(cursor) = self.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
            return read_cursor(cursor);
        }
        let months = self.months.unwrap_or(MONTHS_MAX);
        if !(1..=MONTHS_MAX).contains(&months) {
            let message = format!("{months} are not months that can be listed");
            return Err(ApiError::field(
                "months",
                message,
                "write a number from 1 to 24",
            ));
        }
        let from = moment("from", self.from.as_deref(), state)?;
        let local = from.to_zoned(zone.time_zone().clone());
        let until = local.saturating_add(jiff::Span::new().months(months));
        // What changes at that very moment belongs to it.
        let before = from.checked_sub(jiff::SignedDuration::from_micros(1));
        Ok((before.unwrap_or(from), until.timestamp()))
    }
}

fn write_cursor(at: Timestamp, until: Timestamp) -> String {
    format!("{}.{}", at.as_microsecond(), until.as_microsecond())
}

fn read_cursor(cursor: &str) -> Result<(Timestamp, Timestamp), ApiError> {
    let read = |text: &str| Timestamp::from_microsecond(text.parse().ok()?).ok();
    let bounds = cursor
        .split_once('.')
        .and_then(|(at, until)| Some((read(at)?, read(until)?)));
    // Whoever made it up gets no more than 24 months either.
    let bounds = bounds.filter(|(at, until)| {
        let length = until.duration_since(*at);
        length <= jiff::SignedDuration::from_hours(24 * 31 * i64::from(MONTHS_MAX))
    });
    bounds.ok_or_else(|| {
        let help = "take the next of the page before";
        ApiError::field("cursor", "this is no place in this list", help)
    })
}

/// Lists every change of a calendar in up to 24 months, each with what decides from then on
#[utoipa::path(
    get,
    path = "/calendars/{name}/changes",
    tag = "calendars",
    params(("name" = String, Path, description = "The calendar"), Period),
    responses((status = 200, description = "In order of time", body = Page<ChangeRow>)),
)]
async fn changes(
    _who: Supervisor,
    State(state): State<ApiState>,
    Name(name): Name,
    query: Result<Query<Period>, QueryRejection>,
) -> Result<Json<Page<ChangeRow>>, ApiError> {
    let hours = hours(&state.snapshot(), &name)?;
    let period = asked(query)?;
    let (limit, (from, until)) = (period.limit()?, period.bounds(hours.zone(), &state)?);
    let mut steps = hours.steps(from, until);
    let page: Vec<_> = steps.by_ref().take(limit).collect();
    let more = steps.next().is_some();
    let last = page.last().filter(|_| more);
    Ok(Json(Page {
        next: last.map(|step| write_cursor(step.at, until)),
        items: page
            .iter()
            .map(|step| ChangeRow::of(&hours, step))
            .collect(),
    }))
}
