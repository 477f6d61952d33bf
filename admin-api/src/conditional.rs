//! Entity tags: `ETag` on answers, `If-None-Match` on reads, `If-Match` on changes (RFC 9110 §8.8.3, §13.1).
//!
//! A resource's tag has one part for what is stored of it, and where it shows something live as well (a queue's
//! opening, an account's lock) a second part for that. A read compares the whole; a change compares what is stored
//! only, since a queue that opened meanwhile is no reason to refuse a change of its name.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::hex;
use crate::problem::{ApiError, Kind};

/// An entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    stored: String,
    live: Option<String>,
}

impl Tag {
    /// The tag of a resource of which this is stored, secrets included: they are hashed, and a changed one is a change.
    pub(crate) fn of(stored: &Value) -> Self {
        Self {
            stored: digest(stored.to_string().as_bytes()),
            live: None,
        }
    }

    /// Adds what it shows beside.
    pub(crate) fn with_live(mut self, live: &serde_json::Map<String, Value>) -> Self {
        if !live.is_empty() {
            let live = live
                .iter()
                .map(|(name, value)| format!("{name}:{value}\n"))
                .collect::<String>();
            self.live = Some(digest(live.as_bytes()));
        }
        self
    }

    /// The header's value.
    pub(crate) fn header(&self) -> HeaderValue {
        let text = match &self.live {
            Some(live) => format!("\"{}.{live}\"", self.stored),
            None => format!("\"{}\"", self.stored),
        };
        HeaderValue::from_str(&text).expect("hexadecimal digits in quotes")
    }

    /// Honours `If-Match` of a change to the resource in this state, or to none.
    ///
    /// # Errors
    ///
    /// 412 when the header names another state.
    pub(crate) fn check(now: Option<&Self>, headers: &HeaderMap) -> Result<(), ApiError> {
        let mut wanted = tags(headers, header::IF_MATCH).peekable();
        if wanted.peek().is_none() {
            return Ok(());
        }
        let stored = |tag: &str| {
            tag.trim_matches('"')
                .split('.')
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let fits =
            now.is_some_and(|now| wanted.any(|tag| tag == "*" || stored(&tag) == now.stored));
        if fits {
            return Ok(());
        }
        Err(ApiError::new(
            Kind::Precondition,
            "read it again: it is not what If-Match names any more",
        ))
    }
}

fn digest(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    hex::encode(digest.first_chunk::<8>().unwrap_or(&[0; 8]))
}

fn tags(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = String> {
    let values = headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().to_owned())
        .collect::<Vec<_>>()
        .into_iter()
}

/// The layer for reads: tags answers that have no tag yet, and answers 304 when the client has what it would get.
pub(crate) async fn tagged(request: Request, next: Next) -> Response {
    let wanted: Vec<String> = tags(request.headers(), header::IF_NONE_MATCH).collect();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value == "application/json");
    if !is_read || response.status() != StatusCode::OK || !is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = match to_bytes(body, usize::MAX).await {
        Ok(body) => body,
        Err(error) => return ApiError::internal(error).into_response(),
    };
    let tag = parts.headers.entry(header::ETAG).or_insert_with(|| {
        HeaderValue::from_str(&format!("\"{}\"", digest(&body)))
            .expect("hexadecimal digits in quotes")
    });
    let same = |wanted: &String| {
        wanted == "*" || wanted.trim_start_matches("W/").as_bytes() == tag.as_bytes()
    };
    if wanted.iter().any(same) {
        let tag = tag.clone();
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    parts.headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    Response::from_parts(parts, Body::from(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(now: Option<&Tag>, if_match: Option<&HeaderValue>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(value) = if_match {
            headers.insert(header::IF_MATCH, value.clone());
        }
        Tag::check(now, &headers).is_ok()
    }

    #[test]
    fn a_change_compares_what_is_stored() {
        let live = |open: bool| json!({"open": open}).as_object().cloned().unwrap();
        let stored = json!({"name": "support"});
        let (open, closed) = (
            Tag::of(&stored).with_live(&live(true)),
            Tag::of(&stored).with_live(&live(false)),
        );
        let other = Tag::of(&json!({"name": "support", "priority": 1})).with_live(&live(true));
        assert_ne!(open.header(), closed.header());
        let list = HeaderValue::from_static("\"x\", \"y\"");
        let cases = [
            ("no header", Some(&open), None, true),
            ("the same", Some(&open), Some(open.header()), true),
            ("opened meanwhile", Some(&open), Some(closed.header()), true),
            (
                "changed meanwhile",
                Some(&other),
                Some(open.header()),
                false,
            ),
            (
                "any",
                Some(&open),
                Some(HeaderValue::from_static("*")),
                true,
            ),
            (
                "any, but there is none",
                None,
                Some(HeaderValue::from_static("*")),
                false,
            ),
            ("several others", Some(&open), Some(list), false),
        ];
        for (name, now, if_match, expected) in cases {
            assert_eq!(check(now, if_match.as_ref()), expected, "{name}");
        }
    }
}
