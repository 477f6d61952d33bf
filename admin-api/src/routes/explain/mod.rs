//! Why: `/waiting/{id}/explain`, `/agents/{username}/explain`, `/calls/{id}/explain`. Answers say it in plain sentences first, then in
//! fields.
//!
//! Why somebody waits or gets nothing, the engine is asked at that moment, and nothing is changed by it; what became of a call is told
//! from its events. Who may ask: those who see the call or the agent, but what
//! keeps a colleague from calls is for supervisors.

mod agent;
mod call;
mod choice;
mod full;
mod waiting;

use engine::explain::Hindrance;
use serde::Serialize;
use utoipa::ToSchema;

use super::PREFIX;
use crate::routing::{Routes, doc};
use crate::sentences::{Teller, detail, word};
use crate::time;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(waiting::__path_explain), waiting::explain)
        .add(doc(agent::__path_explain), agent::explain)
        .add(doc(call::__path_explain), call::explain)
}

/// What keeps an agent from a call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HindranceRow {
    /// In a word: `offline`, `break`, `left-queue`, `not-assigned`, `wrap-up`, `no-phone`, `phone-left-alone`, `alerting`,
    /// `busy`, `own-call`, `skill`, `rejected`, `not-answered`, `delay`, `max-busy` or `held`.
    #[schema(example = "break")]
    why: &'static str,
    /// For people.
    #[schema(example = "is on break (lunch)")]
    text: String,
    /// When it is over by itself, RFC 3339.
    until: Option<String>,
}

impl HindranceRow {
    fn of(teller: &Teller<'_>, by: &Hindrance) -> Self {
        Self {
            why: word(by.reason),
            text: detail(teller, by),
            until: by.until_us.map(time::rfc3339),
        }
    }
}

/// The sentence that says the most, of all that are said.
fn first(sentences: &[String]) -> String {
    sentences.first().cloned().unwrap_or_default()
}
