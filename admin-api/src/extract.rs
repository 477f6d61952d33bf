//! Reading requests, with errors as problems.

use axum::body::{Bytes, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use engine::CallId;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::{ApiError, Kind};
use crate::state::ApiState;

/// The largest body that is read: 1 MB.
pub(crate) const BODY_MAX: usize = 1_000_000;

/// The largest sound that is read: 20 MB.
pub(crate) const SOUND_MAX: usize = 20_000_000;

/// The largest body of a request with these headers.
pub(crate) fn body_max(headers: &HeaderMap) -> usize {
    let media_type = media_type(headers);
    if media_type.starts_with("audio/") {
        SOUND_MAX
    } else {
        BODY_MAX
    }
}

/// What the body is said to be, without parameters and in lower case; empty when nothing is said.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next();
    essence.unwrap_or_default().trim().to_ascii_lowercase()
}

/// A JSON body of any shape.
pub(crate) struct Document(pub(crate) Value);

impl FromRequest<ApiState> for Document {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let is_json = is_json(&request);
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| {
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    return ApiError::new(Kind::TooLarge, "a body has at most 1 MB");
                }
                ApiError::new(Kind::Malformed, rejection.body_text())
            })?;
        if !is_json {
            return Err(ApiError::new(
                Kind::MediaType,
                "send Content-Type: application/json",
            ));
        }
        let malformed =
            |error| ApiError::new(Kind::Malformed, format!("the body is no JSON: {error}"));
        serde_json::from_slice(&bytes).map(Self).map_err(malformed)
    }
}

/// `application/json`, `application/merge-patch+json` and the like; nothing at all is taken for JSON.
fn is_json(request: &Request) -> bool {
    if !request.headers().contains_key(header::CONTENT_TYPE) {
        return true;
    }
    let essence = media_type(request.headers());
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// A JSON body of a certain shape.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<ApiState> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let Document(json) = Document::from_request(request, state).await?;
        read(json).map(Self)
    }
}

/// A JSON body that may be left out: it is then as if every field were.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<ApiState> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        let Body(wanted) = Body::from_request(request, state).await?;
        Ok(Self(wanted))
    }
}

/// Reads a document of a certain shape.
///
/// # Errors
///
/// 422 that names the field at fault, where serde does.
pub(crate) fn read<T: DeserializeOwned>(json: Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let field = field_of(&error);
        ApiError::field(
            field,
            error.into_inner().to_string(),
            "see the OpenAPI document at /api/v1/openapi.json",
        )
    })
}

/// Where the fault is: `state`, or `service_level.target`; empty when it is the document as a whole.
fn field_of(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let text = error.inner().to_string();
    let path = match error.path().to_string() {
        root if root == "." => String::new(),
        path => path,
    };
    // A field that is missing has no place of its own, and only the text knows it.
    let missing = text
        .strip_prefix("missing field `")
        .or_else(|| text.strip_prefix("unknown field `"))
        .and_then(|rest| rest.split('`').next())
        .filter(|field| !path.ends_with(field));
    match missing {
        Some(field) if path.is_empty() => field.to_owned(),
        Some(field) => format!("{path}.{field}"),
        None => path,
    }
}

/// The name in a path such as `/queues/{name}`.
pub(crate) struct Name(pub(crate) String);

impl FromRequestParts<ApiState> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        name.map(|Path(name)| Self(name))
            .map_err(|rejection| ApiError::new(Kind::Malformed, rejection.body_text()))
    }
}

/// The two names in a path such as `/agents/{username}/queues/{queue}`.
pub(crate) struct Names(pub(crate) String, pub(crate) String);

impl FromRequestParts<ApiState> for Names {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let names = Path::<(String, String)>::from_request_parts(parts, state).await;
        names
            .map(|Path((first, second))| Self(first, second))
            .map_err(|rejection| ApiError::new(Kind::Malformed, rejection.body_text()))
    }
}

/// The id in a path such as `/calls/{id}`; what is no id names no call.
pub(crate) struct Call(pub(crate) CallId);

impl FromRequestParts<ApiState> for Call {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let Name(id) = Name::from_request_parts(parts, state).await?;
        id.parse()
            .map(Self)
            .map_err(|_| ApiError::not_found("call", &id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        #[allow(dead_code, reason = "only whether it can be read matters")]
        to: String,
        #[serde(default)]
        #[allow(dead_code, reason = "only whether it can be read matters")]
        state: Option<State>,
        #[serde(default)]
        #[allow(dead_code, reason = "only whether it can be read matters")]
        inner: Option<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum State {
        Open,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Inner {
        #[allow(dead_code, reason = "only whether it can be read matters")]
        at: u8,
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let cases = [
            (serde_json::json!({}), "to"),
            (serde_json::json!({"to": "1", "too": 1}), "too"),
            (serde_json::json!({"to": 1}), "to"),
            (serde_json::json!({"to": "1", "state": "ajar"}), "state"),
            (serde_json::json!({"to": "1", "inner": {}}), "inner.at"),
            (
                serde_json::json!({"to": "1", "inner": {"at": 300}}),
                "inner.at",
            ),
            (serde_json::json!([]), ""),
        ];
        for (json, field) in cases {
            let error = read::<Shape>(json).expect_err(field);
            assert!(
                format!("{error:?}").contains(&format!("field: \"{field}\"")),
                "{error:?}"
            );
        }
    }
}
