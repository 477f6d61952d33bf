//! Who asks: from the token of a request to the user of the centre.
//!
//! A layer before all routes of the API looks once for a token and leaves what it found in the request; the
//! proofs of [`guard`](super::guard) read it there. The user comes from the centre in force, so that another role, a
//! disabled or deleted account take effect at the next request.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use config::User;
use engine::Actor;

use super::token::{COOKIE, Token};
use crate::ports::TokenHash;
use crate::problem::{ApiError, Kind};
use crate::state::ApiState;

/// Somebody with a valid token.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The user as the centre has them now.
    pub user: Arc<User>,
    /// The token they came with.
    pub token: TokenHash,
    /// Whether the password must be changed before anything else.
    pub must_change_password: bool,
}

impl Identity {
    /// Who stands behind a command.
    pub fn actor(&self) -> Actor {
        Actor {
            username: self.user.username.to_string(),
            role: self.user.role,
        }
    }
}

/// What the layer found: somebody, or why nobody.
#[derive(Debug, Clone)]
pub(crate) struct Authenticated(pub(crate) Result<Identity, ApiError>);

/// The layer.
pub(crate) async fn authenticate(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response {
    let found = match find_token(&request) {
        Ok(token) => identify(&state, token.hash()).await,
        Err(error) => Err(error),
    };
    request.extensions_mut().insert(Authenticated(found));
    next.run(request).await
}

/// Finds whose token it is.
///
/// # Errors
///
/// 401 when it is unknown, revoked or expired, or its user is gone or disabled.
pub(crate) async fn identify(state: &ApiState, hash: TokenHash) -> Result<Identity, ApiError> {
    let invalid = || {
        ApiError::new(
            Kind::Unauthorized,
            "the token is not valid, or no longer; log in again",
        )
    };
    let stored = state.accounts().token(&hash).await?.ok_or_else(invalid)?;
    if stored.expires_us <= state.utc_us() {
        return Err(invalid());
    }
    let snapshot = state.snapshot();
    let user = snapshot
        .centre
        .users
        .get(stored.username.as_str())
        .filter(|user| user.enabled)
        .ok_or_else(invalid)?;
    let account = state.accounts().account(&stored.username).await?;
    Ok(Identity {
        user: Arc::clone(user),
        token: hash,
        must_change_password: account.must_change_password,
    })
}

fn find_token(request: &Request) -> Result<Token, ApiError> {
    let none = || {
        let how = "send Authorization: Bearer TOKEN with the token from POST /api/v1/login";
        ApiError::new(Kind::Unauthorized, how)
    };
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        return value.to_str().ok().and_then(bearer).ok_or_else(none);
    }
    if let Some(token) = cookie(request.headers()) {
        return from_own_pages(request).map(|()| token);
    }
    query_token(request).ok_or_else(none)
}

fn bearer(value: &str) -> Option<Token> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Token::from_text(token.trim()))
}

fn cookie(headers: &HeaderMap) -> Option<Token> {
    let values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = values
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, token)| Token::from_text(token))
}

/// A browser cannot set headers on a WebSocket, so the event stream takes its token from the query as well.
fn query_token(request: &Request) -> Option<Token> {
    let is_upgrade = request.headers().contains_key(header::UPGRADE);
    let query = request.uri().query().filter(|_| is_upgrade)?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(name, _)| *name == "access_token")
        .map(|(_, token)| Token::from_text(token))
}

/// Refuses a cookie that another site's page made the browser send: it comes along by itself, a header does not.
fn from_own_pages(request: &Request) -> Result<(), ApiError> {
    let reads_only = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads_only && !request.headers().contains_key(header::UPGRADE) {
        return Ok(());
    }
    let text = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let Some(origin) = text(header::ORIGIN) else {
        return Ok(());
    };
    let origin_host = origin.split_once("://").map_or(origin, |(_, host)| host);
    if text(header::HOST).is_some_and(|host| host.eq_ignore_ascii_case(origin_host)) {
        return Ok(());
    }
    Err(ApiError::new(
        Kind::Forbidden,
        "a request with the cookie must come from our own pages",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request {
        let mut builder = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Body::empty()).expect("a well-formed request")
    }

    #[test]
    fn tokens_are_found_where_they_may_stand() {
        let upgrade = ("upgrade", "websocket");
        let evil = ("origin", "https://evil.example");
        let own = ("origin", "http://pbx:8080");
        let (host, cookie) = (("host", "pbx:8080"), ("cookie", "a=b; lampfield_token=t"));
        type Case<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)], bool);
        let cases: &[Case<'_>] = &[
            ("header", "GET", "/", &[("authorization", "Bearer t")], true),
            (
                "scheme in any case",
                "GET",
                "/",
                &[("authorization", "bearer t")],
                true,
            ),
            (
                "another scheme",
                "GET",
                "/",
                &[("authorization", "Basic t")],
                false,
            ),
            ("cookie", "GET", "/", &[cookie], true),
            (
                "cookie with a change from our page",
                "POST",
                "/",
                &[cookie, host, own],
                true,
            ),
            (
                "cookie with a change from elsewhere",
                "POST",
                "/",
                &[cookie, host, evil],
                false,
            ),
            (
                "cookie with a read from elsewhere",
                "GET",
                "/",
                &[cookie, host, evil],
                true,
            ),
            (
                "cookie with a WebSocket from elsewhere",
                "GET",
                "/",
                &[cookie, host, evil, upgrade],
                false,
            ),
            (
                "query of a WebSocket",
                "GET",
                "/?cursor=1&access_token=t",
                &[upgrade],
                true,
            ),
            (
                "query of another request",
                "GET",
                "/?access_token=t",
                &[],
                false,
            ),
            ("none", "GET", "/", &[], false),
        ];
        for (name, method, uri, headers, expected) in cases {
            let found = find_token(&request(method, uri, headers));
            assert_eq!(
                found.is_ok_and(|token| token.hash() == Token::from_text("t").hash()),
                *expected,
                "{name}"
            );
        }
    }
}
