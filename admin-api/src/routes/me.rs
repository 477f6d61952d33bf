//! `/me`: oneself.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use config::User;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::PREFIX;
use crate::auth::{Proof, SignedIn};
use crate::extract::Body;
use crate::problem::ApiError;
use crate::resource::answer;
use crate::resource::change::{Edit, apply};
use crate::routing::{Routes, doc};
use crate::state::ApiState;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_read), read)
        .add(doc(__path_set_password), set_password)
}

/// A new password for oneself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// The password so far. Not needed while it must be changed, since it was just given at the login.
    #[serde(default)]
    current_password: Option<String>,
    /// The new one; `security.password_min_length` says how long it must be.
    password: String,
}

impl NewPassword {
    /// Whether a patch of a user is nothing but this.
    pub(crate) fn is_one(body: &Value) -> bool {
        let is_ours = |name: &String| name == "password" || name == "current_password";
        body.as_object()
            .is_some_and(|body| body.contains_key("password") && body.keys().all(is_ours))
    }
}

/// Shows the user one is logged in as
#[utoipa::path(
    get,
    path = "/me",
    tag = "login",
    responses((status = 200, description = "Oneself", body = ref("#/components/schemas/User"))),
)]
async fn read(who: SignedIn, State(state): State<ApiState>) -> Result<Response, ApiError> {
    answer::<User>(&state, who.identity(), who.username(), StatusCode::OK).await
}

/// Changes one's own password
///
/// Other logins end; the one that asked stays. This is also the way out when a login says `must_change_password`.
#[utoipa::path(
    put,
    path = "/me/password",
    tag = "login",
    request_body = NewPassword,
    responses((status = 204, description = "The new password holds")),
)]
async fn set_password(
    who: SignedIn,
    State(state): State<ApiState>,
    Body(new): Body<NewPassword>,
) -> Result<StatusCode, ApiError> {
    change_password(&state, &who, new)
        .await
        .map(|()| StatusCode::NO_CONTENT)
}

/// Changes one's own password.
///
/// # Errors
///
/// 422 for `current_password` when it is wrong or missing, for `password` when it breaks a rule or is the old one.
pub(crate) async fn change_password(
    state: &ApiState,
    who: &SignedIn,
    new: NewPassword,
) -> Result<(), ApiError> {
    let identity = who.identity();
    let phc = identity
        .user
        .password
        .as_ref()
        .map(|password| password.expose().to_owned());
    if !identity.must_change_password {
        let wrong =
            |message| ApiError::field("current_password", message, "write the password so far");
        let current = new.current_password.ok_or_else(|| wrong("it is missing"))?;
        if !state.hasher().verify(current, phc.clone()).await? {
            return Err(wrong("it is not the password so far"));
        }
    }
    if state.hasher().verify(new.password.clone(), phc).await? {
        return Err(ApiError::field(
            "password",
            "not-the-old: this is the password so far",
            "choose another password",
        ));
    }
    let patch = json!({ "password": new.password });
    let edit = Edit::patch(who.username().to_owned(), patch)?;
    apply::<User>(state, identity, edit, &HeaderMap::new()).await?;
    // Also when nothing changed in the centre.
    state
        .accounts()
        .set_must_change_password(who.username(), false)
        .await?;
    Ok(())
}
