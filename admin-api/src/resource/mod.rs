//! The resources of the centre over HTTP: one set of handlers for all kinds.
//!
//! `GET` a list, `POST` a new one; `GET`, `PUT`, `PATCH` (RFC 7396), `DELETE` one. What a kind adds to that
//! (live fields, checks of its own, what follows from a change) it says by [`Exposed`]. How a change becomes the
//! centre is in [`change`].

pub(crate) mod change;
pub(crate) mod docs;

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use config::{Centre, Resource};
use serde_json::{Map, Value};

use crate::auth::{Administrator, Identity, Proof};
use crate::conditional::Tag;
use crate::extract::{Document, Name};
use crate::list::{ListQuery, Page, page};
use crate::problem::{ApiError, Kind};
use crate::rights::Scope;
use crate::routing::Routes;
use crate::state::ApiState;

use change::{Change, Done, Edit, apply};

/// A kind of resource that the API serves.
pub(crate) trait Exposed: Resource + Send + Sync + 'static {
    /// The name of its schema in the OpenAPI document: `Queue`.
    const SCHEMA: &'static str;

    /// Fields that are shown beside those of the centre. In a body those of [`WRITABLE`](Self::WRITABLE) take effect
    /// on their own; others are passed over, so that what was read can be sent back.
    const LIVE: &'static [&'static str] = &[];

    /// Live fields that can be written; all are flags.
    const WRITABLE: &'static [&'static str] = &[];

    /// Whether a secret that `body` leaves out is kept: not when what it belongs to is gone as well.
    fn keeps(_secret: &str, _body: &Map<String, Value>) -> bool {
        true
    }

    /// Those that every centre has, if only with their defaults: they can be changed, not removed.
    fn built_in() -> Vec<Self> {
        Vec::new()
    }

    /// Whether this user sees it.
    fn visible(&self, _scope: &Scope) -> bool {
        true
    }

    /// The live fields.
    fn live(
        &self,
        _state: &ApiState,
    ) -> impl Future<Output = Result<Map<String, Value>, ApiError>> + Send {
        ready(Ok(Map::new()))
    }

    /// Checks a change beyond what holds for every centre.
    fn check(
        _state: &ApiState,
        _change: &Change<'_, Self>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send {
        ready(Ok(()))
    }

    /// Replaces secrets in plain that only the API knows how to keep.
    fn seal(self, _state: &ApiState) -> impl Future<Output = Result<Self, ApiError>> + Send {
        ready(Ok(self))
    }

    /// Does what follows from a change that is in force.
    fn after(
        _state: &ApiState,
        _done: &Done<Self>,
    ) -> impl Future<Output = Result<(), ApiError>> + Send {
        ready(Ok(()))
    }
}

/// The routes of a kind that readers of this right see and administrators change.
pub(crate) fn routes<T: Exposed, R: Proof>(prefix: &'static str) -> Routes {
    lasting::<T, R>(prefix).add(docs::remove::<T>(), remove::<T>)
}

/// The same but for the removal, which the kind does in a way of its own.
pub(crate) fn lasting<T: Exposed, R: Proof>(prefix: &'static str) -> Routes {
    Routes::new(prefix)
        .add(docs::list::<T>(), list::<T, R>)
        .add(docs::create::<T>(), create::<T>)
        .add(docs::read::<T>(), read::<T, R>)
        .add(docs::replace::<T>(), replace::<T>)
        .add(docs::patch::<T>(), patch::<T>)
}

pub(crate) async fn list<T: Exposed, R: Proof>(
    who: R,
    State(state): State<ApiState>,
    query: ListQuery,
) -> Result<Json<Page<Value>>, ApiError> {
    let snapshot = state.snapshot();
    let scope = Scope::of(&who.identity().user, &snapshot);
    let mut rows = Vec::new();
    for resource in all::<T>(&snapshot.centre)
        .values()
        .filter(|resource| resource.visible(&scope))
    {
        rows.push(shown(resource.as_ref(), &state).await?.0);
    }
    page(rows, &[T::KIND.key_field()], &query).map(Json)
}

pub(crate) async fn read<T: Exposed, R: Proof>(
    who: R,
    State(state): State<ApiState>,
    Name(name): Name,
) -> Result<Response, ApiError> {
    answer::<T>(&state, who.identity(), &name, StatusCode::OK).await
}

pub(crate) async fn create<T: Exposed>(
    who: Administrator,
    State(state): State<ApiState>,
    headers: HeaderMap,
    Document(body): Document,
) -> Result<Response, ApiError> {
    let done = apply::<T>(&state, who.identity(), Edit::create::<T>(body)?, &headers).await?;
    let location = format!("/api/v1/{}/{}", T::KIND.path(), percent_encoded(&done.name));
    let response = answer::<T>(&state, who.identity(), &done.name, StatusCode::CREATED).await?;
    Ok(created(response, &location))
}

/// Says where what was made is to be found (RFC 9110 §10.2.2).
pub(crate) fn created(mut response: Response, location: &str) -> Response {
    let location = location.parse();
    response
        .headers_mut()
        .extend(location.map(|location| (header::LOCATION, location)));
    response
}

pub(crate) async fn replace<T: Exposed>(
    who: Administrator,
    State(state): State<ApiState>,
    Name(name): Name,
    headers: HeaderMap,
    Document(body): Document,
) -> Result<Response, ApiError> {
    let done = apply::<T>(&state, who.identity(), Edit::replace(name, body)?, &headers).await?;
    answer::<T>(&state, who.identity(), &done.name, StatusCode::OK).await
}

pub(crate) async fn patch<T: Exposed>(
    who: Administrator,
    State(state): State<ApiState>,
    Name(name): Name,
    headers: HeaderMap,
    Document(body): Document,
) -> Result<Response, ApiError> {
    let done = apply::<T>(&state, who.identity(), Edit::patch(name, body)?, &headers).await?;
    answer::<T>(&state, who.identity(), &done.name, StatusCode::OK).await
}

pub(crate) async fn remove<T: Exposed>(
    who: Administrator,
    State(state): State<ApiState>,
    Name(name): Name,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    apply::<T>(&state, who.identity(), Edit::remove(name), &headers).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One resource as it is now, with its tag.
pub(crate) async fn answer<T: Exposed>(
    state: &ApiState,
    who: &Identity,
    name: &str,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let snapshot = state.snapshot();
    let resource = found::<T>(&snapshot.centre, name)?;
    if !resource.visible(&Scope::of(&who.user, &snapshot)) {
        let why = format!("the {} {name:?} is not yours to see", T::KIND);
        return Err(ApiError::new(Kind::Forbidden, why));
    }
    let (body, tag) = shown(resource.as_ref(), state).await?;
    Ok((status, [(header::ETAG, tag.header())], Json(body)).into_response())
}

pub(crate) fn found<T: Exposed>(centre: &Centre, name: &str) -> Result<Arc<T>, ApiError> {
    find(centre, name).ok_or_else(|| ApiError::not_found(T::KIND.as_str(), name))
}

/// The centre's resource of that name, else the one that every centre has.
pub(crate) fn find<T: Exposed>(centre: &Centre, name: &str) -> Option<Arc<T>> {
    let own = centre.find::<T>(name).cloned();
    own.or_else(|| built_in(name).map(Arc::new))
}

/// The one of that name that every centre has.
pub(crate) fn built_in<T: Exposed>(name: &str) -> Option<T> {
    let mut all = T::built_in().into_iter();
    all.find(|resource| resource.key() == name)
}

fn all<T: Exposed>(centre: &Centre) -> BTreeMap<String, Arc<T>> {
    let built_in = T::built_in().into_iter();
    let mut all: BTreeMap<_, _> = built_in
        .map(|resource| (resource.key().to_owned(), Arc::new(resource)))
        .collect();
    let own = T::of(centre).iter();
    all.extend(own.map(|(name, resource)| (name.clone(), Arc::clone(resource))));
    all
}

/// One resource as clients see it.
pub(crate) async fn public<T: Exposed>(resource: &T, state: &ApiState) -> Result<Value, ApiError> {
    shown(resource, state).await.map(|(body, _)| body)
}

async fn shown<T: Exposed>(resource: &T, state: &ApiState) -> Result<(Value, Tag), ApiError> {
    let live = resource.live(state).await?;
    let tag = Tag::of(&resource.to_stored_json()).with_live(&live);
    let mut body = resource.to_public_json();
    if let Value::Object(body) = &mut body {
        body.extend(live);
    }
    Ok((body, tag))
}

/// A name as one segment of a path (RFC 3986 §2.3).
fn percent_encoded(name: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+@".contains(&byte);
    let encode = |byte: u8| {
        if unreserved(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    name.bytes().map(encode).collect()
}
