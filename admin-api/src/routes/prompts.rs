//! `/prompts`: what callers hear, our own sounds and uploaded ones. Supervisors read and listen, administrators change (AP-C.6).

use std::collections::BTreeMap;

use axum::Json;
use axum::body::{Bytes, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use config::{Centre, PromptName, PromptUse};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::PREFIX;
use crate::auth::{Administrator, Proof, Supervisor};
use crate::conditional::Tag;
use crate::extract::{Name, SOUND_MAX, media_type};
use crate::list::{ListParams, ListQuery, Page, page};
use crate::ports::{ChangeError, Prompt, PromptChange, PromptError};
use crate::problem::{ApiError, FieldFault, Kind};
use crate::resource::change::TRIES;
use crate::resource::created;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time::rfc3339;

/// What must stay without a sound: held callers and phones rely on it.
const SILENCE: &str = "silence";

/// The names that WAV files go by.
const WAV_TYPES: [&str; 4] = ["audio/wav", "audio/wave", "audio/x-wav", "audio/vnd.wave"];

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_list), list)
        .add(doc(__path_create), create)
        .add(doc(__path_read), read)
        .add(doc(__path_replace), replace)
        .add(doc(__path_remove), remove)
        .add(doc(__path_audio), audio)
}

/// A sound that callers can hear.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Prompt)]
struct PromptRow {
    /// What queues and destinations name it by.
    name: String,
    /// Whether a sound of that name comes with the program.
    built_in: bool,
    /// Whether an upload is played in place of the one that comes with the program.
    replaced: bool,
    /// The length of what is played; null when nothing is.
    seconds: Option<f64>,
    /// The length of its file.
    bytes: Option<u64>,
    /// Samples in a second, as in its file; telephones hear 8000.
    sample_rate_hz: Option<u32>,
    /// 1, or 2 that are mixed.
    channels: Option<u16>,
    /// SHA-256 of its file, in hexadecimal.
    sha256: Option<String>,
    /// When it was uploaded; null for our own.
    uploaded_at: Option<String>,
    /// Who uploaded it; null for our own, and where the file was put into the folder by hand.
    uploaded_by: Option<String>,
    /// The fields of the centre that name it, such as `queues/support.welcome`.
    used_by: Vec<String>,
    /// Why the upload cannot be played, and so what comes with the program is, if anything does; null when all is well.
    fault: Option<String>,
}

impl PromptRow {
    fn new(prompt: Prompt, used_by: Vec<String>) -> Self {
        let sound = prompt.sound;
        let of = sound.as_ref();
        let upload = prompt.upload.as_ref();
        Self {
            replaced: prompt.built_in && upload.is_some() && prompt.fault.is_none(),
            seconds: of.map(|sound| sound.seconds),
            bytes: of.map(|sound| sound.bytes),
            sample_rate_hz: of.map(|sound| sound.sample_rate_hz),
            channels: of.map(|sound| sound.channels),
            uploaded_at: upload.map(|upload| rfc3339(upload.at_us)),
            uploaded_by: upload.and_then(|upload| upload.by.clone()),
            sha256: sound.map(|sound| sound.sha256),
            name: prompt.name,
            built_in: prompt.built_in,
            used_by,
            fault: prompt.fault,
        }
    }

    /// Who names it is no reason to refuse a change.
    fn tag(&self) -> Tag {
        let stored = json!([
            self.name,
            self.sha256,
            self.uploaded_at,
            self.uploaded_by,
            self.fault
        ]);
        let live = Map::from_iter([("used_by".to_owned(), json!(self.used_by))]);
        Tag::of(&stored).with_live(&live)
    }

    fn is_uploaded(&self) -> bool {
        self.uploaded_at.is_some()
    }

    fn answer(self, status: StatusCode) -> Response {
        (status, [(header::ETAG, self.tag().header())], Json(self)).into_response()
    }
}

/// A WAV file in the body, and the headers it came with.
struct Upload {
    wav: Bytes,
    headers: HeaderMap,
}

impl FromRequest<ApiState> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &ApiState) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        if !WAV_TYPES.contains(&media_type(&headers).as_str()) {
            let what = "send a WAV file, with Content-Type: audio/wav";
            return Err(ApiError::new(Kind::MediaType, what));
        }
        // Of what else can fail, a client that has gone, nobody hears.
        let too_large = |_| ApiError::new(Kind::TooLarge, "a sound has at most 20 MB");
        let wav = to_bytes(request.into_body(), SOUND_MAX).await;
        let wav = wav.map_err(too_large)?;
        Ok(Self { wav, headers })
    }
}

/// The name of a new sound.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct NewName {
    /// 1 to 64 lower-case letters, digits and hyphens.
    name: String,
}

/// Lists the prompts: our own and those that were uploaded
#[utoipa::path(
    get,
    path = "/prompts",
    tag = "prompts",
    params(ListParams),
    responses((status = 200, description = "One page", body = Page<PromptRow>)),
)]
#[allow(clippy::unused_async, reason = "a handler")]
async fn list(
    _: Supervisor,
    State(state): State<ApiState>,
    query: ListQuery,
) -> Result<Json<Page<Value>>, ApiError> {
    let rows = rows(&state).into_values();
    let rows: Result<Vec<Value>, _> = rows.map(serde_json::to_value).collect();
    page(rows.map_err(ApiError::internal)?, &["name"], &query).map(Json)
}

/// Shows a prompt
#[utoipa::path(
    get,
    path = "/prompts/{name}",
    tag = "prompts",
    params(("name" = String, Path, description = "The prompt")),
    responses((status = 200, description = "The prompt", body = PromptRow)),
)]
#[allow(clippy::unused_async, reason = "a handler")]
async fn read(
    _: Supervisor,
    State(state): State<ApiState>,
    Name(name): Name,
) -> Result<Response, ApiError> {
    found(&state, &name).map(|row| row.answer(StatusCode::OK))
}

/// The sound of a prompt, as a WAV file
#[utoipa::path(
    get,
    path = "/prompts/{name}/audio",
    tag = "prompts",
    params(("name" = String, Path, description = "The prompt")),
    responses((status = 200, description = "The file as it was uploaded", body = String, content_type = "audio/wav")),
)]
async fn audio(
    _: Supervisor,
    State(state): State<ApiState>,
    Name(name): Name,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let tag = found(&state, &name)?.tag().header();
    let wanted = headers.get(header::IF_NONE_MATCH);
    if wanted.is_some_and(|wanted| *wanted == tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let wav = state.ports().prompts.audio(&name).await?;
    let wav = wav.ok_or_else(|| ApiError::not_found("sound of prompt", &name))?;
    let kind = header::HeaderValue::from_static("audio/wav");
    let headers = [(header::CONTENT_TYPE, kind), (header::ETAG, tag)];
    Ok((headers, wav).into_response())
}

/// Uploads a new prompt
///
/// A WAV file of at most 20 MB and half an hour: PCM of 8, 16 or 24 bits or G.711, mono or stereo, at a usual sampling rate.
#[utoipa::path(
    post,
    path = "/prompts",
    tag = "prompts",
    params(NewName),
    request_body(content = String, content_type = "audio/wav", description = "The file"),
    responses((status = 201, description = "The prompt", body = PromptRow)),
)]
async fn create(
    who: Administrator,
    State(state): State<ApiState>,
    query: Result<Query<NewName>, QueryRejection>,
    upload: Upload,
) -> Result<Response, ApiError> {
    let Query(NewName { name }) = query.map_err(|rejection| {
        let help = "write ?name=NAME, of lower-case letters, digits and hyphens";
        ApiError::field("name", rejection.body_text(), help)
    })?;
    let edit = Edit {
        only_new: true,
        ..Edit::upload(&name, upload)?
    };
    edit.apply(&state, &who).await?;
    let response = found(&state, &name)?.answer(StatusCode::CREATED);
    Ok(created(response, &format!("{PREFIX}/prompts/{name}")))
}

/// Uploads a prompt in place of the one of its name, or as a new one
///
/// Heard from the next time it is played on. The file is as for POST.
#[utoipa::path(
    put,
    path = "/prompts/{name}",
    tag = "prompts",
    params(
        ("name" = String, Path, description = "The prompt: 1 to 64 lower-case letters, digits and hyphens; not `silence`"),
        ("If-Match" = Option<String>, Header, description = "The ETag it was read with: 412 when it was changed since."),
    ),
    request_body(content = String, content_type = "audio/wav", description = "The file"),
    responses(
        (status = 200, description = "The prompt as it is now", body = PromptRow),
        (status = 201, description = "The new prompt", body = PromptRow),
    ),
)]
async fn replace(
    who: Administrator,
    State(state): State<ApiState>,
    Name(name): Name,
    upload: Upload,
) -> Result<Response, ApiError> {
    let before = Edit::upload(&name, upload)?.apply(&state, &who).await?;
    let status = match before {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    };
    found(&state, &name).map(|row| row.answer(status))
}

/// Removes an upload
///
/// What comes with the program under its name is heard again. Where nothing does, 409 while the centre names the prompt; the answer says where.
#[utoipa::path(
    delete,
    path = "/prompts/{name}",
    tag = "prompts",
    params(
        ("name" = String, Path, description = "The prompt"),
        ("If-Match" = Option<String>, Header, description = "The ETag it was read with: 412 when it was changed since."),
    ),
    responses((status = 204, description = "It is gone, or the one that comes with the program is back")),
)]
async fn remove(
    who: Administrator,
    State(state): State<ApiState>,
    Name(name): Name,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    found(&state, &name)?;
    let edit = Edit {
        name: prompt_name(&name)?,
        wav: None,
        only_new: false,
        headers,
    };
    edit.apply(&state, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What somebody wants of one sound.
struct Edit {
    name: PromptName,
    /// None: that its upload is removed.
    wav: Option<Bytes>,
    /// Whether there must be none of that name yet.
    only_new: bool,
    headers: HeaderMap,
}

impl Edit {
    fn upload(name: &str, Upload { wav, headers }: Upload) -> Result<Self, ApiError> {
        Ok(Self {
            name: prompt_name(name)?,
            wav: Some(wav),
            only_new: false,
            headers,
        })
    }

    /// Puts it into force and waits until readers see it; answers what there was before.
    async fn apply(
        self,
        state: &ApiState,
        who: &Administrator,
    ) -> Result<Option<PromptRow>, ApiError> {
        for _ in 0..TRIES {
            let snapshot = state.snapshot();
            let before = rows(state).remove(&*self.name);
            self.check(before.as_ref(), &snapshot.centre)?;
            let change = PromptChange {
                actor: who.actor(),
                base: snapshot.version,
                name: self.name.clone(),
                wav: self.wav.clone(),
            };
            match state.ports().prompts.change(change).await {
                Ok(committed) => {
                    state.view_at(committed.seq).await?;
                    return Ok(before);
                }
                Err(PromptError::Change(ChangeError::Stale)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ChangeError::Stale.into())
    }

    fn check(&self, before: Option<&PromptRow>, centre: &Centre) -> Result<(), ApiError> {
        let name = &*self.name;
        let conflict = |what: String| Err(ApiError::new(Kind::Conflict, what));
        if name == SILENCE {
            return conflict(format!("{SILENCE} is to stay without a sound"));
        }
        if before.is_some() && self.only_new {
            return conflict(format!(
                "there is a prompt {name:?} already: replace it with PUT, or choose another name"
            ));
        }
        Tag::check(before.map(PromptRow::tag).as_ref(), &self.headers)?;
        let (None, Some(before)) = (&self.wav, before) else {
            return Ok(());
        };
        if !before.is_uploaded() {
            return conflict(format!(
                "the prompt {name:?} comes with the program: only an upload can be removed"
            ));
        }
        let mut after = Centre::clone(centre);
        after.prompts.remove(name);
        if after.has_prompt(name) || before.used_by.is_empty() {
            return Ok(());
        }
        let detail = format!("prompt {name:?} is used by {}", before.used_by.join(", "));
        let fault = |field: &String| FieldFault::new(field, "it names the prompt");
        let faults = before.used_by.iter().map(fault).collect();
        Err(ApiError::new(Kind::InUse, detail).with_errors(faults))
    }
}

fn prompt_name(name: &str) -> Result<PromptName, ApiError> {
    name.parse()
        .map_err(|fault: config::Invalid| ApiError::field("name", fault.message, fault.help))
}

fn found(state: &ApiState, name: &str) -> Result<PromptRow, ApiError> {
    let row = rows(state).remove(name);
    row.ok_or_else(|| ApiError::not_found("prompt", name))
}

fn rows(state: &ApiState) -> BTreeMap<String, PromptRow> {
    let mut uses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for found in state.snapshot().centre.prompt_uses() {
        let place = place(&found);
        uses.entry(found.prompt).or_default().push(place);
    }
    let row = |prompt: Prompt| {
        let used_by = uses.remove(&prompt.name).unwrap_or_default();
        (prompt.name.clone(), PromptRow::new(prompt, used_by))
    };
    state.ports().prompts.all().into_iter().map(row).collect()
}

fn place(found: &PromptUse) -> String {
    let kind = found.kind.path();
    format!("{kind}/{}.{}", found.name, found.field)
}
