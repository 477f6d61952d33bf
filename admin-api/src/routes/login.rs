//! `POST /login`, `POST /logout`.
//!
//! A login answers the same, and as slowly, whether the name exists or not. After `security.lock_after` failures
//! the account is locked: then no password is right until an administrator sets `locked` to false.
//! A login with an extension makes the agent available on it, unless they were on break.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use config::User;
use engine::{Actor, CommandBody};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::PREFIX;
use super::users::find;
use crate::auth::token::{COOKIE, LIFETIME_US, Token};
use crate::auth::{Proof, Public, SignedIn};
use crate::extract::Body;
use crate::ports::StoredToken;
use crate::problem::{ApiError, Kind};
use crate::resource::public;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_login), login)
        .add(doc(__path_logout), logout)
}

/// Who logs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// The user name, in any case.
    username: String,
    /// The password, in its case.
    password: String,
    /// The phone to work at; left out: the user's own. Without either nothing rings.
    #[serde(default)]
    extension: Option<String>,
}

/// A login that succeeded.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoggedIn {
    /// For `Authorization: Bearer TOKEN`.
    token: String,
    /// When the token ends, RFC 3339: 30 days from now.
    expires: String,
    /// The user.
    #[schema(schema_with = user_schema)]
    user: Value,
    /// Until the password is changed by `PUT /me/password`, nothing else is allowed.
    must_change_password: bool,
}

fn user_schema() -> utoipa::openapi::Ref {
    utoipa::openapi::Ref::from_schema_name("User")
}

/// Where a request came from; what has no address counts as one source.
struct Source(IpAddr);

impl FromRequestParts<ApiState> for Source {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState) -> Result<Self, ApiError> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map_or(
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            |ConnectInfo(peer)| peer.ip(),
        )))
    }
}

/// Logs in
///
/// The token comes in the answer, for `Authorization: Bearer TOKEN`, and as a cookie that a browser's scripts cannot read.
#[utoipa::path(
    post,
    path = "/login",
    tag = "login",
    request_body = Credentials,
    responses((status = 200, description = "A token", body = LoggedIn)),
)]
async fn login(
    _: Public,
    State(state): State<ApiState>,
    Source(source): Source,
    Body(credentials): Body<Credentials>,
) -> Result<Response, ApiError> {
    let now = Instant::now();
    state.login_limit().check(source, now).map_err(too_many)?;
    let found = authenticate(&state, &credentials).await;
    let user = found.inspect_err(|_| state.login_limit().failed(source, now))?;
    begin_work(&state, &user, credentials.extension).await?;
    let (token, stored) = new_token(&state, &user)?;
    let expires = time::rfc3339(stored.expires_us);
    state.accounts().keep_token(stored).await?;
    let account = state.accounts().account(&user.username).await?;
    let cookie = cookie(&state, token.expose(), LIFETIME_US / 1_000_000);
    let user = public(user.as_ref(), &state).await?;
    let body = LoggedIn {
        token: token.expose().to_owned(),
        expires,
        user,
        must_change_password: account.must_change_password,
    };
    Ok(([(SET_COOKIE, cookie)], Json(body)).into_response())
}

fn too_many(wait: Duration) -> ApiError {
    let seconds = u32::try_from(wait.as_secs())
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    ApiError::new(Kind::TooMany, "too many failed logins from this address").retry_after(seconds)
}

/// Finds who it is. The same work is done whatever the outcome.
async fn authenticate(state: &ApiState, credentials: &Credentials) -> Result<Arc<User>, ApiError> {
    let snapshot = state.snapshot();
    let lock_after = snapshot.settings.security.lock_after;
    let user = find(&snapshot.centre, &credentials.username).cloned();
    let phc = user
        .as_ref()
        .and_then(|user| Some(user.password.as_ref()?.expose().to_owned()));
    let is_right = state
        .hasher()
        .verify(credentials.password.clone(), phc)
        .await?;
    let Some(user) = user else {
        let is_locked = state
            .strangers()
            .failed(&credentials.username.to_ascii_lowercase(), lock_after);
        return Err(if is_locked { locked() } else { wrong() });
    };
    if state.accounts().account(&user.username).await?.locked {
        return Err(locked());
    }
    if !is_right {
        state
            .accounts()
            .login_failed(&user.username, lock_after)
            .await?;
        return Err(wrong());
    }
    state.accounts().login_succeeded(&user.username).await?;
    if !user.enabled {
        return Err(ApiError::new(
            Kind::Disabled,
            "the account is disabled; ask an administrator",
        ));
    }
    Ok(user)
}

fn wrong() -> ApiError {
    ApiError::new(Kind::LoginFailed, "the user name or the password is wrong")
}

fn locked() -> ApiError {
    ApiError::new(
        Kind::Locked,
        "too many logins failed; an administrator can unlock the account",
    )
}

async fn begin_work(
    state: &ApiState,
    user: &User,
    extension: Option<String>,
) -> Result<(), ApiError> {
    if extension.is_none() && user.extension.is_none() {
        return Ok(());
    }
    let body = CommandBody::Login {
        username: user.username.to_string(),
        extension,
    };
    state.ask(actor(user), body).await.map(|_| ())
}

fn actor(user: &User) -> Actor {
    Actor {
        username: user.username.to_string(),
        role: user.role,
    }
}

fn new_token(state: &ApiState, user: &User) -> Result<(Token, StoredToken), ApiError> {
    let token = Token::generate().map_err(ApiError::internal)?;
    let created_us = state.utc_us();
    let stored = StoredToken {
        hash: token.hash(),
        username: user.username.to_string(),
        created_us,
        expires_us: created_us.saturating_add(LIFETIME_US),
    };
    Ok((token, stored))
}

/// The cookie: not for scripts, not for other sites.
fn cookie(state: &ApiState, token: &str, max_age_seconds: i64) -> HeaderValue {
    let secure = if state.secure_cookie() {
        "; Secure"
    } else {
        ""
    };
    let text = format!(
        "{COOKIE}={token}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    HeaderValue::from_str(&text).expect("a token is hexadecimal digits")
}

/// Logs out
///
/// Ends the token, and the user's work as an agent: offline at once, or after the call in hand.
#[utoipa::path(
    post,
    path = "/logout",
    tag = "login",
    responses((status = 204, description = "The token is no longer valid")),
)]
async fn logout(who: SignedIn, State(state): State<ApiState>) -> Result<Response, ApiError> {
    let identity = who.identity();
    if state.view().agents.contains_key(who.username()) {
        let body = CommandBody::Logout {
            username: who.username().to_owned(),
        };
        state.ask(who.actor(), body).await?;
    }
    state.accounts().revoke(&identity.token).await?;
    state.tokens_revoked();
    Ok((
        StatusCode::NO_CONTENT,
        [(SET_COOKIE, cookie(&state, "", 0))],
    )
        .into_response())
}
