//! `POST /calls/{id}/wrap-up`: what a call was about, said by an agent who has it or has had it (rule 17).
//!
//! While they talk, in their wrap-up and later: what is said again replaces what was said before, and `code: null` takes it
//! back where the queue does not require one.

use axum::extract::State;
use axum::http::StatusCode;
use engine::command::{CodeWish, Had};
use engine::event::AlertEnd;
use engine::view::Coded;
use engine::{CallId, CommandBody};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{PREFIX, had_part};
use crate::auth::{Attendant, Proof};
use crate::extract::{Body, Call};
use crate::problem::{ApiError, Kind};
use crate::rights::Scope;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

/// The longest text, in characters.
const TEXT_MAX: usize = 2000;
/// The longest category or code, in characters; those of a centre are no longer.
const WORD_MAX: usize = 64;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX).add(doc(__path_give), give)
}

/// A wrap-up code that a call has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CodeRow {
    /// Its category.
    category: String,
    /// The code.
    code: String,
    /// More in the agent's own words.
    text: Option<String>,
    /// The agent who said so.
    agent: String,
    /// When, RFC 3339.
    at: String,
}

impl CodeRow {
    pub(crate) fn of(coded: &Coded) -> Self {
        Self {
            category: coded.category.clone(),
            code: coded.code.clone(),
            text: coded.text.clone(),
            agent: coded.agent.clone(),
            at: time::rfc3339(coded.at_us),
        }
    }
}

/// What a call was about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeGiven {
    /// The category; left out where only one has such a code.
    #[serde(default)]
    category: Option<String>,
    /// The code; null takes back what was said.
    #[serde(deserialize_with = "present")]
    code: Option<String>,
    /// More in one's own words: up to 2000 characters.
    #[serde(default)]
    text: Option<String>,
}

/// What may be null, but not be left out.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(from)
}

impl CodeGiven {
    fn wish(self) -> Result<Option<Box<CodeWish>>, ApiError> {
        let word = |field: &str, word: &Option<String>| {
            let long = word
                .as_ref()
                .is_some_and(|it| it.chars().count() > WORD_MAX);
            let help = format!("it has at most {WORD_MAX} characters");
            (!long)
                .then_some(())
                .ok_or_else(|| ApiError::field(field, "it is too long", help))
        };
        word("category", &self.category)?;
        word("code", &self.code)?;
        let shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
        let text = self.text.filter(|text| !text.trim().is_empty());
        if let Some(text) = &text
            && (text.chars().count() > TEXT_MAX || !text.chars().all(shown))
        {
            let help = format!("write at most {TEXT_MAX} characters");
            return Err(ApiError::field("text", "this is no text", help));
        }
        let Some(code) = self.code else {
            if self.category.is_some() || text.is_some() {
                let help = "write {\"code\": null} alone to take it back";
                return Err(ApiError::field("code", "what is said has no code", help));
            }
            return Ok(None);
        };
        let category = self.category;
        Ok(Some(Box::new(CodeWish {
            category,
            code,
            text,
        })))
    }
}

/// Says what a call was about
///
/// For those who have the call or have had it: while they talk, in their wrap-up and later. What is said again replaces what was said
/// before. Where the queue requires a code, the wrap-up does not end before.
#[utoipa::path(
    post,
    path = "/calls/{id}/wrap-up",
    tag = "calls",
    params(("id" = String, Path, description = "A call, up or over, that one has or has had")),
    request_body = CodeGiven,
    responses((status = 204, description = "It is on record")),
)]
async fn give(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
    Body(given): Body<CodeGiven>,
) -> Result<StatusCode, ApiError> {
    let code = given.wish()?;
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    let up = state
        .view()
        .calls
        .get(&id)
        .map(|row| scope.all() || scope.has_part(row) || scope.has_had(row));
    let mut past = match up {
        Some(true) => None,
        Some(false) => return Err(ApiError::not_found("call", &id.to_string())),
        None => Some(had(&scope, &state, id).await?),
    };
    loop {
        let is_live = past.is_none();
        let body = CommandBody::CodeCall {
            call: id,
            past,
            code: code.clone(),
        };
        match state.ask(who.actor(), body).await {
            Ok(_) => return Ok(StatusCode::NO_CONTENT),
            // It has ended meanwhile.
            Err(error) if error.kind() == Kind::NotFound && is_live => {
                past = Some(had(&scope, &state, id).await?);
            }
            Err(error) => return Err(error),
        }
    }
}

/// How they had a call that is over, or else who had it last.
async fn had(scope: &Scope, state: &ApiState, id: CallId) -> Result<Box<Had>, ApiError> {
    let detail = state.ports().history.call(id).await?;
    let detail = detail.filter(|detail| scope.all() || had_part(detail, scope));
    let detail = detail.ok_or_else(|| ApiError::not_found("call", &id.to_string()))?;
    let alerts = detail.alerts.into_iter();
    let taken: Vec<_> = alerts
        .filter(|alert| alert.end == Some(AlertEnd::Accepted))
        .collect();
    let own = taken.iter().rfind(|alert| scope.is_me(&alert.agent));
    let last = own.or_else(|| taken.last()).ok_or_else(|| {
        ApiError::new(
            Kind::Conflict,
            "no agent took this call: there is nothing to say of it",
        )
    })?;
    Ok(Box::new(Had {
        agent: last.agent.clone(),
        queue: last.queue.clone(),
    }))
}
