//! `/users`: accounts. Supervisors read, administrators change, everybody reads themselves and changes
//! their own password. `me` in place of a user name is oneself.
//!
//! Beside the fields of the centre a user shows `locked` (too many failed logins) and `must_change_password`;
//! administrators set both. A new password ends the user's other tokens, as does disabling or removing them.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use config::{Centre, Secret, User};
use engine::CommandBody;
use engine::event::Presence;
use serde_json::{Map, Value, json};

use super::PREFIX;
use super::me::{NewPassword, change_password};
use crate::auth::password::check_policy;
use crate::auth::{Administrator, Proof, SignedIn, Supervisor};
use crate::extract::{Document, Name};
use crate::problem::{ApiError, Kind};
use crate::resource::change::{Change, Done, Edit, apply, taken};
use crate::resource::{self, Exposed, answer, docs};
use crate::rights::Scope;
use crate::routing::Routes;
use crate::state::ApiState;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(docs::list::<User>(), resource::list::<User, Supervisor>)
        .add(docs::create::<User>(), resource::create::<User>)
        .add(
            docs::read::<User>().described("Oneself, or as a supervisor anybody."),
            read,
        )
        .add(docs::replace::<User>(), replace)
        .add(docs::patch::<User>().described(PATCH_WORDS), patch)
        .add(docs::remove::<User>(), remove)
}

const PATCH_WORDS: &str = "A JSON Merge Patch (RFC 7396): null sets a field to its default. Administrators change \
    anything; everybody may send {current_password, password} for themselves.";

impl Exposed for User {
    const SCHEMA: &'static str = "User";
    const LIVE: &'static [&'static str] = &["locked", "must_change_password"];
    const WRITABLE: &'static [&'static str] = Self::LIVE;

    fn keeps(secret: &str, body: &Map<String, Value>) -> bool {
        secret != "sip_password" || body.get("extension").is_some_and(Value::is_string)
    }

    fn visible(&self, scope: &Scope) -> bool {
        scope.all() || scope.is_me(&self.username)
    }

    async fn live(&self, state: &ApiState) -> Result<Map<String, Value>, ApiError> {
        let account = state.accounts().account(&self.username).await?;
        let flags = [
            ("locked", account.locked),
            ("must_change_password", account.must_change_password),
        ];
        Ok(flags
            .into_iter()
            .map(|(name, flag)| (name.to_owned(), json!(flag)))
            .collect())
    }

    async fn check(state: &ApiState, change: &Change<'_, Self>) -> Result<(), ApiError> {
        if let Some(new) = change.new {
            check_name(new, change)?;
            let min_length = change.snapshot.settings.security.password_min_length;
            if let Some(Secret::Plain(plain)) = &new.password {
                check_policy("password", plain, &new.username, min_length as usize)?;
            }
        }
        if steps_down(change) && !others_administer(state, change).await? {
            let why = "this is the last administrator who can log in; make another one first";
            return Err(ApiError::new(Kind::Conflict, why));
        }
        Ok(())
    }

    async fn seal(mut self, state: &ApiState) -> Result<Self, ApiError> {
        if let Some(Secret::Plain(plain)) = self.password {
            self.password = Some(Secret::Hashed(state.hasher().hash(plain).await?));
        }
        Ok(self)
    }

    async fn after(state: &ApiState, done: &Done<Self>) -> Result<(), ApiError> {
        for (name, flag) in &done.flags {
            match *name {
                "locked" => state.accounts().set_locked(&done.name, *flag).await?,
                _ => {
                    state
                        .accounts()
                        .set_must_change_password(&done.name, *flag)
                        .await?
                }
            }
        }
        let Some(new) = &done.new else {
            state.accounts().forget(&done.name).await?;
            return end_logins(state, done).await;
        };
        let Some(old) = &done.old else { return Ok(()) };
        let password_changed = old.password != new.password;
        if password_changed && *done.by.user.username == *done.name {
            state
                .accounts()
                .set_must_change_password(&done.name, false)
                .await?;
        }
        if password_changed || (old.enabled && !new.enabled) {
            end_logins(state, done).await?;
        }
        Ok(())
    }
}

/// User names that differ in case only would be one to those who type them, and so would `me`.
fn check_name(new: &User, change: &Change<'_, User>) -> Result<(), ApiError> {
    if change.old.is_some() {
        return Ok(());
    }
    if new.username.eq_ignore_ascii_case("me") {
        return Err(ApiError::field(
            "username",
            "\"me\" stands for oneself",
            "choose another",
        ));
    }
    match find(change.before, &new.username) {
        Some(other) => Err(taken::<User>(&other.username)),
        None => Ok(()),
    }
}

/// The user with this name, in any case.
pub(crate) fn find<'a>(centre: &'a Centre, username: &str) -> Option<&'a std::sync::Arc<User>> {
    let in_other_case = || {
        centre
            .users
            .values()
            .find(|user| user.username.eq_ignore_ascii_case(username))
    };
    centre.users.get(username).or_else(in_other_case)
}

/// Whether somebody who can administer the centre could not any more.
fn steps_down(change: &Change<'_, User>) -> bool {
    let is_locked = change.flags.contains(&("locked", true));
    let stays = change.new.is_some_and(User::can_administer) && !is_locked;
    change.old.is_some_and(User::can_administer) && !stays
}

/// Whether anybody else could, whose account is not locked.
async fn others_administer(state: &ApiState, change: &Change<'_, User>) -> Result<bool, ApiError> {
    let name = change.old.map(|old| &old.username);
    let others = change.after.administrators();
    for other in others.filter(|other| Some(&other.username) != name) {
        if !state.accounts().account(&other.username).await?.locked {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Ends the logins of a user whose account changed, but the one that changed it; who may not log in any more leaves
/// work as well.
async fn end_logins(state: &ApiState, done: &Done<User>) -> Result<(), ApiError> {
    state
        .accounts()
        .revoke_all(&done.name, Some(&done.by.token))
        .await?;
    state.tokens_revoked();
    let is_enabled = done.new.as_ref().is_some_and(|user| user.enabled);
    let at_work = |agent: &engine::view::AgentRow| agent.presence != Presence::Offline;
    if is_enabled || !state.view().agents.get(&done.name).is_some_and(at_work) {
        return Ok(());
    }
    let body = CommandBody::Logout {
        username: done.name.clone(),
    };
    if let Err(error) = state.ask(done.by.actor(), body).await {
        // The engine ends the work of users that are gone by itself; this only makes it sooner.
        tracing::debug!(?error, "no logout of a user who may not log in any more");
    }
    Ok(())
}

/// `me` is oneself.
pub(crate) fn resolve(who: &impl Proof, name: String) -> String {
    if name == "me" {
        who.username().to_owned()
    } else {
        name
    }
}

async fn read(
    who: SignedIn,
    State(state): State<ApiState>,
    Name(name): Name,
) -> Result<Response, ApiError> {
    let name = resolve(&who, name);
    if name != who.username() {
        who.supervisor()?;
    }
    answer::<User>(&state, who.identity(), &name, StatusCode::OK).await
}

async fn replace(
    who: Administrator,
    State(state): State<ApiState>,
    Name(name): Name,
    headers: HeaderMap,
    body: Document,
) -> Result<Response, ApiError> {
    let name = resolve(&who, name);
    resource::replace::<User>(who, State(state), Name(name), headers, body).await
}

/// Administrators change anything; others, and those who must change their password first, that password only.
async fn patch(
    who: SignedIn,
    State(state): State<ApiState>,
    Name(name): Name,
    headers: HeaderMap,
    Document(body): Document,
) -> Result<Response, ApiError> {
    let name = resolve(&who, name);
    let administrator = who.administrator();
    let needs_no_proof = administrator.is_ok() && body.get("current_password").is_none();
    if name == who.username() && NewPassword::is_one(&body) && !needs_no_proof {
        change_password(&state, &who, crate::extract::read(body)?).await?;
    } else {
        let edit = Edit::patch(name.clone(), body)?;
        apply::<User>(&state, administrator?.identity(), edit, &headers).await?;
    }
    answer::<User>(&state, who.identity(), &name, StatusCode::OK).await
}

async fn remove(
    who: Administrator,
    State(state): State<ApiState>,
    Name(name): Name,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let name = resolve(&who, name);
    resource::remove::<User>(who, State(state), Name(name), headers).await
}
