//! Errors as every client sees them: RFC 9457 `application/problem+json`.
//!
//! One type for all routes. Each kind has its own status and its own URN, so that a program can tell them
//! apart without reading the text; faults of fields stand in `errors`, each with the field's name.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ports::{
    ChangeError, CommandError, DirectoryError, PromptError, ReadError, SinceError, StoreError,
};

/// The body of an error (RFC 9457 §3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind: `urn:lampfield:problem:` and a word, such as `invalid`, `conflict`, `locked`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind for people; always the same for one `type`.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time and what to do about it.
    pub detail: String,
    /// The fields at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldFault>,
}

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFault {
    /// The field as it stands in the request, such as `queues[0].queue`; the name of a header or query parameter.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl FieldFault {
    /// A fault without advice.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
            help: None,
        }
    }

    /// Adds what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Why a request was not served. Converts from every way the ports can fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    kind: Kind,
    detail: String,
    errors: Vec<FieldFault>,
    retry_after: Option<u32>,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident, $status:ident, $word:literal, $title:literal;)+) => {
        /// What kind of error it is; decides status, `type` and title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl Kind {
            fn describe(self) -> (StatusCode, &'static str, &'static str) {
                match self {
                    $(Self::$kind => (StatusCode::$status, $word, $title),)+
                }
            }
        }
    };
}

kinds! {
    /// The request cannot be read at all.
    Malformed, BAD_REQUEST, "malformed", "The request cannot be read";
    /// No token, or one that is not valid (any more).
    Unauthorized, UNAUTHORIZED, "unauthorized", "A valid token is needed";
    /// Wrong user name or password.
    LoginFailed, UNAUTHORIZED, "login-failed", "The login failed";
    /// Too many failed logins.
    Locked, UNAUTHORIZED, "locked", "The account is locked";
    /// The account is disabled.
    Disabled, UNAUTHORIZED, "disabled", "The account is disabled";
    /// The role does not reach, or it is not theirs.
    Forbidden, FORBIDDEN, "forbidden", "Not allowed";
    /// The password must be changed first.
    MustChangePassword, FORBIDDEN, "must-change-password", "The password must be changed first";
    /// There is no such thing, or it may not be seen.
    NotFound, NOT_FOUND, "not-found", "There is no such thing";
    /// The path exists, with other methods.
    Method, METHOD_NOT_ALLOWED, "method-not-allowed", "Not with this method";
    /// Not in the present state.
    Conflict, CONFLICT, "conflict", "Not possible in the present state";
    /// Others refer to it.
    InUse, CONFLICT, "in-use", "It is in use";
    /// The call needs a phone and the user sits at none.
    NoExtension, CONFLICT, "no-extension", "No extension to call from";
    /// Events that old are not kept.
    Gone, GONE, "gone", "No longer kept";
    /// `If-Match` names another state than the present one.
    Precondition, PRECONDITION_FAILED, "changed-meanwhile", "It was changed meanwhile";
    /// The body is larger than 1 MB, a sound than 20 MB.
    TooLarge, PAYLOAD_TOO_LARGE, "too-large", "The body is too large";
    /// The body is not JSON, or not the file that is asked for.
    MediaType, UNSUPPORTED_MEDIA_TYPE, "media-type", "The body is of another type than it must be";
    /// Fields at fault.
    Invalid, UNPROCESSABLE_ENTITY, "invalid", "A field is at fault";
    /// Too many attempts from this source.
    TooMany, TOO_MANY_REQUESTS, "too-many-requests", "Too many requests";
    /// Ours.
    Internal, INTERNAL_SERVER_ERROR, "internal", "A fault of the server";
    /// No new work now.
    Unavailable, SERVICE_UNAVAILABLE, "unavailable", "Not available now";
    /// The engine or the store was silent too long.
    Timeout, GATEWAY_TIMEOUT, "timeout", "No answer in time";
}

impl ApiError {
    /// An error of this kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// Fields at fault: 422.
    pub fn invalid(errors: Vec<FieldFault>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            more => format!("{} fields are at fault", more.len()),
        };
        Self {
            errors,
            ..Self::new(Kind::Invalid, detail)
        }
    }

    /// One field at fault: 422.
    pub fn field(
        field: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::invalid(vec![FieldFault::new(field, message).help(help)])
    }

    /// There is no such thing: 404.
    pub fn not_found(what: &str, name: &str) -> Self {
        Self::new(Kind::NotFound, format!("there is no {what} {name:?}"))
    }

    /// Adds the fields at fault.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldFault>) -> Self {
        self.errors = errors;
        self
    }

    /// Says after how many seconds another try makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What kind of error it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A fault of the server: the cause goes to the log, not to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(Kind::Internal, "the log of the server says more")
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = vec![(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        )];
        if self.kind == Kind::Unauthorized {
            headers.push((
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"lampfield\""),
            ));
        }
        headers.extend(
            self.retry_after
                .map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds))),
        );
        headers
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, word, title) = self.kind.describe();
        let headers = self.headers();
        let kind = format!("urn:lampfield:problem:{word}");
        let problem = Problem {
            kind,
            title,
            status: status.as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let mut response = (status, Json(problem)).into_response();
        for (name, value) in headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound { what, name } => Self::not_found(what, &name),
            Refusal::Forbidden(why) => Self::new(Kind::Forbidden, why),
            Refusal::Invalid { field, message } => {
                Self::invalid(vec![FieldFault::new(field, message)])
            }
            Refusal::Conflict(why) => Self::new(Kind::Conflict, why),
            Refusal::Unavailable(why) => Self::new(Kind::Unavailable, why).retry_after(1),
        }
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refusal) => refusal.into(),
            CommandError::Unavailable => {
                Self::new(Kind::Unavailable, error.to_string()).retry_after(1)
            }
        }
    }
}

impl From<PromptError> for ApiError {
    fn from(error: PromptError) -> Self {
        match error {
            PromptError::OtherKind(why) => Self::new(Kind::MediaType, why),
            PromptError::Faulty(why) => Self::invalid(vec![FieldFault::new("body", why)]),
            PromptError::TooMany(why) => Self::new(Kind::Conflict, why),
            PromptError::Change(error) => error.into(),
        }
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Stale => Self::new(Kind::Conflict, error.to_string()).retry_after(1),
            ChangeError::Refused(refusal) => refusal.into(),
            ChangeError::TimedOut => Self::new(Kind::Timeout, error.to_string()),
            ChangeError::Store(_) => Self::internal(error),
        }
    }
}

impl From<Vec<config::FieldFault>> for ApiError {
    fn from(faults: Vec<config::FieldFault>) -> Self {
        let fault = |fault: config::FieldFault| {
            FieldFault::new(fault.field, fault.message).help(fault.help)
        };
        Self::invalid(faults.into_iter().map(fault).collect())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Cursor => Self::field(
                "cursor",
                error.to_string(),
                "take the next of the page before",
            ),
            ReadError::Store(_) => Self::internal(error),
        }
    }
}

impl From<DirectoryError> for ApiError {
    fn from(error: DirectoryError) -> Self {
        let text = error.to_string();
        match error {
            DirectoryError::Stale => Self::new(Kind::Conflict, text).retry_after(1),
            DirectoryError::Taken(_) => {
                let fault = FieldFault::new("external_id", text.clone());
                Self::new(Kind::Conflict, text).with_errors(vec![fault.help("choose another")])
            }
            DirectoryError::Full(_) => Self::new(Kind::Conflict, text),
            DirectoryError::Unsorted(_) => Self::field("sort", text, "write one of these"),
            DirectoryError::Cursor => {
                Self::field("cursor", text, "take the next of the page before")
            }
            DirectoryError::Store(_) => Self::internal(text),
        }
    }
}

impl From<SinceError> for ApiError {
    fn from(error: SinceError) -> Self {
        match error {
            SinceError::TooOld { .. } => Self::new(Kind::Gone, error.to_string()),
            SinceError::Store(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_the_engine_has_its_status() {
        let cases = [
            (
                Refusal::NotFound {
                    what: "call",
                    name: "7".into(),
                },
                404,
            ),
            (Refusal::Forbidden("not yours".into()), 403),
            (
                Refusal::Invalid {
                    field: "to",
                    message: "no such number".into(),
                },
                422,
            ),
            (Refusal::Conflict("bob has it".into()), 409),
            (Refusal::Unavailable("draining".into()), 503),
        ];
        for (refusal, expected) in cases {
            let name = format!("{refusal:?}");
            assert_eq!(
                ApiError::from(refusal).into_response().status().as_u16(),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn what_the_store_says_stays_in_the_log() {
        let error = ApiError::from(StoreError("no such table: tokens".into()));
        assert!(!error.detail.contains("tokens"), "{}", error.detail);
    }
}
