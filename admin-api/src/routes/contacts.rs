//! `/contacts`: the directory. Whoever answers calls reads, adds, edits and removes its entries; who is a VIP is for supervisors to
//! say, and so is which numbers a VIP has, since it comes to the same.
//!
//! The directory is no part of the centre: a change makes no new version of it, and lists are read part by part.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use config::{DirectoryEntry, EntryId, Record};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::PREFIX;
use crate::auth::{Attendant, Proof};
use crate::conditional::Tag;
use crate::extract::{Document, Name};
use crate::list::{ListParams, ListQuery, Page};
use crate::merge::merge;
use crate::openapi;
use crate::ports::{DirectoryError, EntriesAfter, EntryChange, KeptEntry};
use crate::problem::{ApiError, Kind};
use crate::resource::change::{TRIES, object};
use crate::resource::created;
use crate::routing::{Routes, doc};
use crate::state::ApiState;

/// What lists are sorted by when nobody says.
const ORDER: [&str; 3] = ["last_name", "first_name", "id"];

/// How many entries are looked through at a time for those that a filter lets through.
const FILTERED_AT_ONCE: u32 = 5_000;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_list), list)
        .add(doc(__path_create), create)
        .add(doc(__path_read), read)
        .add(doc(__path_replace), replace)
        .add(doc(__path_patch), patch)
        .add(doc(__path_remove), remove)
}

/// Stands in the descriptions below for what [`schema`] says.
#[derive(ToSchema)]
struct Contact {}

/// The schema of an entry: its fields, and its id.
pub(crate) fn schema() -> Value {
    let mut schema = openapi::record::<DirectoryEntry>();
    schema["properties"]["id"] = json!({
        "type": "string", "readOnly": true, "description": "Names it; 16 hexadecimal digits that mean nothing else",
    });
    schema
}

/// Lists the entries of the directory
///
/// By last name, then first name, unless `sort` says otherwise; there is no sorting by `other_numbers` and `notes`.
#[utoipa::path(
    get,
    path = "/contacts",
    tag = "contacts",
    params(ListParams),
    responses((status = 200, description = "One page", body = Page<Contact>)),
)]
async fn list(
    _: Attendant,
    State(state): State<ApiState>,
    query: ListQuery,
) -> Result<Json<Page<Value>>, ApiError> {
    check_filters(&query)?;
    let mut start = query.start(&ORDER)?;
    let wanted = u32::try_from(query.limit).unwrap_or(u32::MAX);
    let at_once = if query.filters.is_empty() {
        wanted.saturating_add(1)
    } else {
        FILTERED_AT_ONCE
    };
    let mut items: Vec<Value> = Vec::new();
    loop {
        let after = EntriesAfter {
            sort: start.sort.clone(),
            after: start.after.clone(),
            limit: at_once,
        };
        let kept = state.directory().entries(after).await?;
        let is_last = kept.len() < usize::try_from(at_once).unwrap_or(usize::MAX);
        let rows: Vec<Value> = kept.iter().map(shown).collect();
        if let Some(row) = rows.last() {
            start.pass(row);
        }
        items.extend(rows.into_iter().filter(|row| query.lets_through(row)));
        if items.len() > query.limit {
            items.truncate(query.limit);
            let next = items.last().map(|row| start.cursor_after(row));
            return Ok(Json(Page { items, next }));
        }
        if is_last {
            return Ok(Json(Page { items, next: None }));
        }
    }
}

fn check_filters(query: &ListQuery) -> Result<(), ApiError> {
    let schema = DirectoryEntry::schema();
    let fields = schema.iter().map(|field| field.name).chain(["id"]);
    let fields: Vec<&str> = fields.collect();
    let unknown = query
        .filters
        .iter()
        .find(|(field, _)| !fields.contains(&field.as_str()));
    match unknown {
        Some((field, _)) => Err(ApiError::field(
            format!("filter[{field}]"),
            "there is no such field",
            format!("the fields are {}", fields.join(", ")),
        )),
        None => Ok(()),
    }
}

/// Adds an entry to the directory
#[utoipa::path(
    post,
    path = "/contacts",
    tag = "contacts",
    request_body = Contact,
    responses((status = 201, description = "The entry as it is now", body = Contact, headers(("ETag" = String), ("Location" = String)))),
)]
async fn create(
    who: Attendant,
    State(state): State<ApiState>,
    headers: HeaderMap,
    Document(body): Document,
) -> Result<Response, ApiError> {
    let body = object(body)?;
    if body.contains_key("id") {
        let help = "leave it out; the answer says it";
        return Err(ApiError::field("id", "the directory gives the id", help));
    }
    Tag::check(None, &headers)?;
    let new = entry_of(Value::Object(body))?;
    may_change(&who, None, Some(&new))?;
    let change = EntryChange {
        actor: who.actor(),
        old: None,
        new: Some(new),
    };
    let id = state.directory().change(change).await?;
    let response = answer(&found(&state, &id.to_string()).await?, StatusCode::CREATED);
    Ok(created(response, &format!("{PREFIX}/contacts/{id}")))
}

/// Shows an entry of the directory
#[utoipa::path(
    get,
    path = "/contacts/{id}",
    tag = "contacts",
    params(("id" = String, Path, description = "The entry")),
    responses((status = 200, description = "The entry", body = Contact, headers(("ETag" = String)))),
)]
async fn read(
    _: Attendant,
    State(state): State<ApiState>,
    Name(id): Name,
) -> Result<Response, ApiError> {
    Ok(answer(&found(&state, &id).await?, StatusCode::OK))
}

/// Replaces an entry of the directory
///
/// What is left out gets its default, `vip` too.
#[utoipa::path(
    put,
    path = "/contacts/{id}",
    tag = "contacts",
    params(
        ("id" = String, Path, description = "The entry"),
        ("If-Match" = Option<String>, Header, description = "The ETag it was read with: 412 when it was changed since."),
    ),
    request_body = Contact,
    responses((status = 200, description = "The entry as it is now", body = Contact, headers(("ETag" = String)))),
)]
async fn replace(
    who: Attendant,
    State(state): State<ApiState>,
    Name(id): Name,
    headers: HeaderMap,
    Document(body): Document,
) -> Result<Response, ApiError> {
    let body = without_id(object(body)?, &id)?;
    let new = |_: &KeptEntry| entry_of(Value::Object(body.clone())).map(Some);
    apply(&who, &state, &id, &headers, new).await?;
    Ok(answer(&found(&state, &id).await?, StatusCode::OK))
}

/// Changes parts of an entry of the directory
///
/// A JSON Merge Patch (RFC 7396): null sets a field to its default.
#[utoipa::path(
    patch,
    path = "/contacts/{id}",
    tag = "contacts",
    params(
        ("id" = String, Path, description = "The entry"),
        ("If-Match" = Option<String>, Header, description = "The ETag it was read with: 412 when it was changed since."),
    ),
    request_body(content = Contact, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The entry as it is now", body = Contact, headers(("ETag" = String)))),
)]
async fn patch(
    who: Attendant,
    State(state): State<ApiState>,
    Name(id): Name,
    headers: HeaderMap,
    Document(body): Document,
) -> Result<Response, ApiError> {
    let patch = without_id(object(body)?, &id)?;
    let new = |kept: &KeptEntry| {
        let mut json = kept.entry.to_json();
        merge(&mut json, Value::Object(patch.clone()));
        entry_of(json).map(Some)
    };
    apply(&who, &state, &id, &headers, new).await?;
    Ok(answer(&found(&state, &id).await?, StatusCode::OK))
}

/// Removes an entry from the directory
#[utoipa::path(
    delete,
    path = "/contacts/{id}",
    tag = "contacts",
    params(
        ("id" = String, Path, description = "The entry"),
        ("If-Match" = Option<String>, Header, description = "The ETag it was read with: 412 when it was changed since."),
    ),
    responses((status = 204, description = "It is gone")),
)]
async fn remove(
    who: Attendant,
    State(state): State<ApiState>,
    Name(id): Name,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    apply(&who, &state, &id, &headers, |_| Ok(None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes an entry, anew from the present one when somebody else was faster.
async fn apply(
    who: &Attendant,
    state: &ApiState,
    id: &str,
    headers: &HeaderMap,
    new: impl Fn(&KeptEntry) -> Result<Option<DirectoryEntry>, ApiError>,
) -> Result<(), ApiError> {
    for _ in 0..TRIES {
        let old = found(state, id).await?;
        Tag::check(Some(&Tag::of(&old.entry.to_json())), headers)?;
        let new = new(&old)?;
        may_change(who, Some(&old.entry), new.as_ref())?;
        if new.as_ref() == Some(&old.entry) {
            return Ok(());
        }
        let change = EntryChange {
            actor: who.actor(),
            old: Some(old),
            new,
        };
        match state.directory().change(change).await {
            Ok(_) => return Ok(()),
            Err(DirectoryError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(DirectoryError::Stale.into())
}

/// Refuses an attendant's change of who is a VIP: of the mark, or of the numbers it is for.
fn may_change(
    who: &Attendant,
    old: Option<&DirectoryEntry>,
    new: Option<&DirectoryEntry>,
) -> Result<(), ApiError> {
    let marks = |entry: Option<&DirectoryEntry>| {
        let marked = entry.filter(|entry| entry.vip);
        marked.map(|entry| entry.numbers().cloned().collect::<Vec<_>>())
    };
    if marks(old) == marks(new) || who.supervisor().is_ok() {
        return Ok(());
    }
    let what = match (old, new) {
        (Some(old), Some(new)) if old.vip && new.vip => "this is a VIP, whose numbers are for",
        (Some(old), None) if old.vip => "this is a VIP, whom to remove is for",
        _ => "vip is for",
    };
    Err(ApiError::new(
        Kind::Forbidden,
        format!("{what} supervisors to change; leave it as it is, or ask one"),
    ))
}

async fn found(state: &ApiState, id: &str) -> Result<KeptEntry, ApiError> {
    let not_found = || ApiError::not_found("contact", id);
    let entry: EntryId = id.parse().map_err(|_| not_found())?;
    let kept = state.directory().entry(entry).await?;
    kept.ok_or_else(not_found)
}

fn entry_of(json: Value) -> Result<DirectoryEntry, ApiError> {
    Ok(DirectoryEntry::from_json(&json)?)
}

/// What was read can be sent back with its id, but with no other.
fn without_id(mut body: Map<String, Value>, id: &str) -> Result<Map<String, Value>, ApiError> {
    match body.remove("id") {
        Some(other) if other.as_str() != Some(id) => Err(ApiError::field(
            "id",
            "an entry keeps its id",
            format!("leave it out, or write {id:?}"),
        )),
        Some(_) | None => Ok(body),
    }
}

fn answer(kept: &KeptEntry, status: StatusCode) -> Response {
    let tag = Tag::of(&kept.entry.to_json());
    (status, [(header::ETAG, tag.header())], Json(shown(kept))).into_response()
}

fn shown(kept: &KeptEntry) -> Value {
    let mut json = kept.entry.to_json();
    json["id"] = json!(kept.id.to_string());
    json
}
