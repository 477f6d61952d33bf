//! `/calls/{id}/trace`: the SIP messages of a call, as JSON, as a ladder of text, or as a capture file. For supervisors.

use ::trace::{Kept, Traced};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::CallId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PREFIX;
use crate::auth::{Proof, Supervisor};
use crate::extract::Call;
use crate::ports::NoTrace;
use crate::problem::{ApiError, Kind};
use crate::rights::Scope;
use crate::routes::opening::asked;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

const CAPTURE: &str = "application/vnd.tcpdump.pcap";

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX).add(doc(__path_trace), trace)
}

/// The SIP messages of a call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallTrace {
    /// The call.
    id: String,
    /// How many messages of it, from its beginning on, had to make room for newer ones.
    gone: u64,
    /// What is kept, in the order in which it passed. Octets of secrets are each an `x`.
    messages: Vec<TraceRow>,
}

/// One SIP message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TraceRow {
    /// Its number; later messages have higher ones.
    pub seq: u64,
    /// When, RFC 3339.
    pub at: String,
    /// `received` or `sent`.
    #[schema(example = "received")]
    pub direction: String,
    /// `UDP`, `TCP`, `TLS`, `WS` or `WSS`.
    #[schema(example = "UDP")]
    pub transport: String,
    /// Where it came from.
    #[schema(example = "192.0.2.10:5060")]
    pub from: String,
    /// Where it went to.
    #[schema(example = "192.0.2.1:5060")]
    pub to: String,
    /// Its call; null: of none, or none yet.
    pub call: Option<String>,
    /// Its leg.
    pub leg: Option<String>,
    /// Its first line.
    #[schema(example = "INVITE sip:2000@192.0.2.1 SIP/2.0")]
    pub start_line: String,
    /// The whole message; octets that are no UTF-8 show as replacement characters.
    pub text: String,
    /// The whole message where it is no UTF-8, in base64; else null.
    pub base64: Option<String>,
}

impl From<&Traced> for TraceRow {
    fn from(message: &Traced) -> Self {
        let is_text = std::str::from_utf8(&message.raw).is_ok();
        let (call, leg) = message.leg.unzip();
        Self {
            seq: message.seq,
            at: time::rfc3339(message.at_us),
            direction: message.direction.to_string(),
            transport: message.transport.to_string(),
            from: message.from().to_string(),
            to: message.to().to_string(),
            call: call.map(|call| call.to_string()),
            leg: leg.map(|leg| leg.to_string()),
            start_line: message.start_line(),
            text: String::from_utf8_lossy(&message.raw).into_owned(),
            base64: (!is_text).then(|| STANDARD.encode(&message.raw)),
        }
    }
}

/// The form that is asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `json`, `text` or `pcap`, whatever `Accept` says.
    #[param(value_type = Option<String>)]
    format: Option<Form>,
}

/// A form of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Json,
    Text,
    Pcap,
}

impl Form {
    /// The first type of `Accept` that there is.
    fn accepted(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).iter();
        let values = values.filter_map(|value| value.to_str().ok());
        let mut types = values.flat_map(|value| value.split(','));
        let known = types.find_map(
            |one| match one.split(';').next().unwrap_or_default().trim() {
                "application/json" | "*/*" | "application/*" => Some(Self::Json),
                "text/plain" | "text/*" => Some(Self::Text),
                CAPTURE => Some(Self::Pcap),
                _ => None,
            },
        );
        known.unwrap_or(Self::Json)
    }
}

/// Shows the SIP messages of a call, up or over, as long as they are kept
///
/// By `Accept`, or by `format`: JSON; `text/plain`, a ladder with a column for each endpoint; or `application/vnd.tcpdump.pcap`, a capture
/// for Wireshark whose packets are made up around the messages. Digest responses and nonces, passwords in URIs, keys of media and keys that
/// were pressed are masked in all of them.
#[utoipa::path(
    get,
    path = "/calls/{id}/trace",
    tag = "calls",
    params(("id" = String, Path, description = "The call"), Wanted),
    responses(
        (status = 200, description = "Its messages", content(
            (CallTrace = "application/json"),
            (String = "text/plain"),
            (String = "application/vnd.tcpdump.pcap"),
        )),
    ),
)]
async fn trace(
    who: Supervisor,
    State(state): State<ApiState>,
    Call(id): Call,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let form = asked(wanted)?.format;
    let form = form.unwrap_or_else(|| Form::accepted(&headers));
    may_see(&who, &state, id).await?;
    let kept = state
        .ports()
        .traces
        .of_call(id)
        .await
        .map_err(|why| no_trace(&state, why))?;
    Ok(written(id, kept, form))
}

async fn may_see(who: &Supervisor, state: &ApiState, id: CallId) -> Result<(), ApiError> {
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    let view = state.view();
    let is_up = view.calls.get(&id);
    let sees = is_up.is_some_and(|row| scope.sees_call(row));
    let was_there = async || {
        state
            .ports()
            .chronicle
            .story(id)
            .await
            .map(|story| story.is_some())
    };
    if sees || scope.all() && was_there().await? {
        return Ok(());
    }
    Err(ApiError::not_found("call", &id.to_string()))
}

fn no_trace(state: &ApiState, why: NoTrace) -> ApiError {
    let megabytes = state.snapshot().settings.log.trace_megabytes;
    match why {
        NoTrace::Off => ApiError::new(
            Kind::NotFound,
            "no SIP messages are kept: log.trace_megabytes is 0",
        ),
        NoTrace::Nothing => ApiError::new(
            Kind::NotFound,
            format!(
                "none of its SIP messages is kept: those of later calls have taken the {megabytes} megabytes that \
                 log.trace_megabytes gives them, or the daemon has started since"
            ),
        ),
        NoTrace::Busy => ApiError::new(
            Kind::Unavailable,
            "too many ask for SIP messages at this moment",
        )
        .retry_after(1),
    }
}

fn written(id: CallId, kept: Kept, form: Form) -> Response {
    match form {
        Form::Json => Json(CallTrace {
            id: id.to_string(),
            gone: kept.gone,
            messages: kept.messages.iter().map(TraceRow::from).collect(),
        })
        .into_response(),
        Form::Text => ::trace::ladder(&kept.messages).into_response(),
        Form::Pcap => {
            let name = format!("attachment; filename=\"call-{id}.pcap\"");
            let headers = [
                (header::CONTENT_TYPE, CAPTURE.to_owned()),
                (header::CONTENT_DISPOSITION, name),
            ];
            (headers, ::trace::capture(&kept.messages)).into_response()
        }
    }
}
