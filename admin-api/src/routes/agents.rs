//! `/agents`: users at work. Attendants see those they share a queue with and change themselves; supervisors see and
//! change all.

use axum::Json;
use axum::extract::State;
use config::{Queue, Role, Snapshot, User};
use engine::CommandBody;
use engine::command::PresenceWish;
use engine::event::{Activity, Device, Presence};
use engine::view::View;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::PREFIX;
use super::users::resolve;
use crate::auth::{Attendant, Proof};
use crate::extract::{Body, Name, Names};
use crate::list::{ListParams, ListQuery, Page, page};
use crate::problem::{ApiError, FieldFault, Kind};
use crate::resource::found;
use crate::rights::Scope;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_list), list)
        .add(doc(__path_read), read)
        .add(doc(__path_set_state), set_state)
        .add(doc(__path_set_wrap_up), set_wrap_up)
        .add(doc(__path_join_queue), join_queue)
}

/// An agent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Agent {
    /// User name.
    username: String,
    /// The name others see.
    name: String,
    /// `offline`, `available` or `break`.
    #[schema(value_type = String, example = "available")]
    state: Presence,
    /// Why on break.
    reason: Option<String>,
    /// `idle`, `alerting`, `busy` or `wrap-up`.
    #[schema(value_type = String, example = "idle")]
    activity: Activity,
    /// The state that takes effect after the call in hand.
    #[schema(value_type = Option<String>)]
    pending: Option<Presence>,
    /// The phone they sit at.
    extension: Option<String>,
    /// Whether it can be rung: `none`, `reachable`, `unregistered` or `unreachable`.
    #[schema(value_type = String, example = "reachable")]
    device: Device,
    /// Since when state and activity are like this, RFC 3339; null: since before the start.
    since: Option<String>,
    /// Since when they are at work, RFC 3339; null while they are not.
    logged_in_since: Option<String>,
    /// The call they have, alerting or connected.
    call: Option<String>,
    /// The queues assigned to them.
    queues: Vec<String>,
    /// Those of them that they have left until they log out.
    left_queues: Vec<String>,
    /// Calls of theirs that still lack the wrap-up code their queue requires, oldest first: a wrap-up does not end before.
    codes_due: Vec<String>,
}

impl Agent {
    fn of(user: &User, view: &View) -> Self {
        let row = view.agents.get(&*user.username);
        let figures = view.board.agents.get(&*user.username);
        Self {
            username: user.username.to_string(),
            name: user.name.to_string(),
            state: row.map_or(Presence::Offline, |row| row.presence),
            reason: row.and_then(|row| row.reason.clone()),
            activity: row.map_or(Activity::Idle, |row| row.activity),
            pending: row.and_then(|row| row.pending),
            extension: row
                .and_then(|row| row.extension.clone())
                .or_else(|| Some(user.extension.as_ref()?.to_string())),
            device: row.map_or(Device::None, |row| row.device),
            since: row.map(|row| time::rfc3339(row.since_us)),
            logged_in_since: figures
                .and_then(|figures| figures.logged_in_us)
                .map(time::rfc3339),
            call: row.and_then(|row| row.call).map(|call| call.to_string()),
            queues: user
                .queues
                .iter()
                .map(|assignment| assignment.queue.to_string())
                .collect(),
            left_queues: row.map_or_else(Vec::new, |row| row.left_queues.clone()),
            codes_due: row.map_or_else(Vec::new, |row| {
                row.codes_due.iter().map(ToString::to_string).collect()
            }),
        }
    }
}

/// Whether a user takes calls: has a phone or a queue, or is at work right now.
fn is_agent(user: &User, view: &View) -> bool {
    let can = user.enabled && (user.extension.is_some() || !user.queues.is_empty());
    can || view.agents.contains_key(&*user.username)
}

/// Lists the agents one may see
#[utoipa::path(
    get,
    path = "/agents",
    tag = "agents",
    params(ListParams),
    responses((status = 200, description = "One page", body = Page<Agent>)),
)]
async fn list(
    who: Attendant,
    State(state): State<ApiState>,
    query: ListQuery,
) -> Result<Json<Page<Value>>, ApiError> {
    let (snapshot, view) = (state.snapshot(), state.view());
    let scope = Scope::of(&who.identity().user, &snapshot);
    let users = snapshot.centre.users.values();
    let seen = users.filter(|user| scope.sees_agent(&user.username) && is_agent(user, &view));
    let rows = seen.map(|user| json!(Agent::of(user, &view))).collect();
    page(rows, &["username"], &query).map(Json)
}

/// Shows an agent
#[utoipa::path(
    get,
    path = "/agents/{username}",
    tag = "agents",
    params(("username" = String, Path, description = "Their user name, or `me`")),
    responses((status = 200, description = "The agent", body = Agent)),
)]
async fn read(
    who: Attendant,
    State(state): State<ApiState>,
    Name(name): Name,
) -> Result<Json<Agent>, ApiError> {
    seen(&who, name, &state, &state.view()).map(|(_, agent)| Json(agent))
}

/// An agent whom one may see, by user name or `me`.
pub(super) fn seen(
    who: &Attendant,
    name: String,
    state: &ApiState,
    view: &View,
) -> Result<(String, Agent), ApiError> {
    let name = resolve(who, name);
    if !Scope::of(&who.identity().user, &state.snapshot()).sees_agent(&name) {
        return Err(ApiError::new(
            Kind::Forbidden,
            format!("you share no queue with {name:?}"),
        ));
    }
    let Json(agent) = shown(state, &name, view)?;
    Ok((name, agent))
}

fn shown(state: &ApiState, name: &str, view: &View) -> Result<Json<Agent>, ApiError> {
    let snapshot = state.snapshot();
    agent(&snapshot, name, view).map(|user| Json(Agent::of(user, view)))
}

fn agent<'a>(snapshot: &'a Snapshot, name: &str, view: &View) -> Result<&'a User, ApiError> {
    let user = snapshot
        .centre
        .users
        .get(name)
        .filter(|user| is_agent(user, view));
    user.map(|user| &**user)
        .ok_or_else(|| ApiError::not_found("agent", name))
}

/// Another state for an agent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateWish {
    /// `available`, `break` or `offline`.
    #[schema(value_type = String, example = "break")]
    state: Presence,
    /// Why on break, such as `lunch`; attendants must say it. Only with `break`.
    #[serde(default)]
    reason: Option<String>,
}

/// The longest reason, in characters.
const REASON_MAX: usize = 64;

impl StateWish {
    fn presence(self, role: Role) -> Result<PresenceWish, ApiError> {
        let fault = |message, help| Err(ApiError::field("reason", message, help));
        let reason = self.reason.filter(|reason| !reason.trim().is_empty());
        match (self.state, reason) {
            (Presence::Available, None) => Ok(PresenceWish::Available),
            (Presence::Offline, None) => Ok(PresenceWish::Offline),
            (Presence::Available | Presence::Offline, Some(_)) => {
                fault("only a break has a reason", "leave it out")
            }
            (Presence::Break, Some(reason)) if reason.chars().count() > REASON_MAX => {
                fault("it is too long", "write at most 64 characters")
            }
            (Presence::Break, Some(reason)) => Ok(PresenceWish::Break { reason }),
            (Presence::Break, None) if role == Role::Attendant => {
                fault("a break needs a reason", "such as \"lunch\"")
            }
            // Supervisors and administrators owe no reason (MO-7D.3).
            (Presence::Break, None) => Ok(PresenceWish::Break {
                reason: String::new(),
            }),
        }
    }
}

/// Sets an agent's state
///
/// While they have a call it takes effect after that and its wrap-up, and shows as `pending`.
#[utoipa::path(
    put,
    path = "/agents/{username}/state",
    tag = "agents",
    params(("username" = String, Path, description = "Their user name, or `me`; attendants only themselves")),
    request_body = StateWish,
    responses((status = 200, description = "The agent as they are now", body = Agent)),
)]
async fn set_state(
    who: Attendant,
    State(state): State<ApiState>,
    Name(name): Name,
    Body(wish): Body<StateWish>,
) -> Result<Json<Agent>, ApiError> {
    let name = mine_or_supervised(&who, name)?;
    agent(&state.snapshot(), &name, &state.view())?;
    let wish = wish.presence(who.identity().user.role)?;
    let body = CommandBody::SetAgentState {
        username: name.clone(),
        state: wish,
    };
    let (_, view) = state.ask(who.actor(), body).await?;
    shown(&state, &name, &view)
}

/// What to do with an agent's wrap-up: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrapUpWish {
    /// True: it ends now.
    #[serde(default)]
    end: Option<bool>,
    /// Seconds by which it becomes longer: 1 to 3600.
    #[serde(default)]
    extend: Option<u32>,
}

impl WrapUpWish {
    fn command(&self, username: String) -> Result<CommandBody, ApiError> {
        match (self.end, self.extend) {
            (Some(true), None) => Ok(CommandBody::EndWrapUp { username }),
            (None, Some(seconds @ 1..=3600)) => Ok(CommandBody::ExtendWrapUp { username, seconds }),
            (None, Some(_)) => Err(ApiError::field(
                "extend",
                "it is out of range",
                "write seconds from 1 to 3600",
            )),
            _ => {
                let faults = ["end", "extend"].map(|field| {
                    FieldFault::new(field, "exactly one of the two")
                        .help("write {\"end\": true} or {\"extend\": 30}")
                });
                Err(ApiError::invalid(faults.into()))
            }
        }
    }
}

/// Ends or extends an agent's wrap-up
#[utoipa::path(
    put,
    path = "/agents/{username}/wrap-up",
    tag = "agents",
    params(("username" = String, Path, description = "Their user name, or `me`; attendants only themselves")),
    request_body = WrapUpWish,
    responses((status = 200, description = "The agent as they are now", body = Agent)),
)]
async fn set_wrap_up(
    who: Attendant,
    State(state): State<ApiState>,
    Name(name): Name,
    Body(wish): Body<WrapUpWish>,
) -> Result<Json<Agent>, ApiError> {
    let name = mine_or_supervised(&who, name)?;
    agent(&state.snapshot(), &name, &state.view())?;
    let (_, view) = state.ask(who.actor(), wish.command(name.clone())?).await?;
    shown(&state, &name, &view)
}

/// Whether an agent serves one of their queues for now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Joining {
    /// False: they get no callers of that queue until they are back, or have logged out.
    joined: bool,
}

/// Takes an agent out of one of their queues until they log out, or puts them back
///
/// The queue stays assigned to them: they can still pick up its callers. Attendants need `may_leave_queues`.
#[utoipa::path(
    put,
    path = "/agents/{username}/queues/{queue}",
    tag = "agents",
    params(
        ("username" = String, Path, description = "Their user name, or `me`; attendants only themselves"),
        ("queue" = String, Path, description = "A queue assigned to them"),
    ),
    request_body = Joining,
    responses((status = 200, description = "The agent as they are now", body = Agent)),
)]
async fn join_queue(
    who: Attendant,
    State(state): State<ApiState>,
    Names(name, queue): Names,
    Body(wish): Body<Joining>,
) -> Result<Json<Agent>, ApiError> {
    let name = mine_or_supervised(&who, name)?;
    let snapshot = state.snapshot();
    found::<Queue>(&snapshot.centre, &queue)?;
    let user = agent(&snapshot, &name, &state.view())?;
    if who.supervisor().is_err() && !user.may_leave_queues {
        return Err(ApiError::new(
            Kind::Forbidden,
            "you may not leave your queues; a supervisor can take you out",
        ));
    }
    let body = CommandBody::JoinQueue {
        username: name.clone(),
        queue,
        joined: wish.joined,
    };
    let (_, view) = state.ask(who.actor(), body).await?;
    shown(&state, &name, &view)
}

/// Attendants act on themselves, supervisors on everybody.
pub(super) fn mine_or_supervised(who: &Attendant, name: String) -> Result<String, ApiError> {
    let name = resolve(who, name);
    if name != who.username() {
        who.supervisor()?;
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_break_needs_a_reason_of_attendants_only() {
        let lunch = || PresenceWish::Break {
            reason: "lunch".into(),
        };
        let none = || PresenceWish::Break {
            reason: String::new(),
        };
        let cases = [
            (
                json!({"state": "available"}),
                Role::Attendant,
                Some(PresenceWish::Available),
            ),
            (
                json!({"state": "offline"}),
                Role::Attendant,
                Some(PresenceWish::Offline),
            ),
            (
                json!({"state": "break", "reason": "lunch"}),
                Role::Attendant,
                Some(lunch()),
            ),
            (json!({"state": "break"}), Role::Attendant, None),
            (
                json!({"state": "break", "reason": " "}),
                Role::Attendant,
                None,
            ),
            (json!({"state": "break"}), Role::Supervisor, Some(none())),
            (json!({"state": "break"}), Role::Administrator, Some(none())),
            (
                json!({"state": "available", "reason": "lunch"}),
                Role::Attendant,
                None,
            ),
            (
                json!({"state": "break", "reason": "x".repeat(65)}),
                Role::Attendant,
                None,
            ),
            (json!({"state": "asleep"}), Role::Attendant, None),
        ];
        for (json, role, expected) in cases {
            let wish = crate::extract::read::<StateWish>(json.clone())
                .and_then(|wish| wish.presence(role));
            assert_eq!(wish.ok(), expected, "{json} {role}");
        }
    }

    #[test]
    fn a_wrap_up_ends_or_grows() {
        let cases = [
            (json!({"end": true}), true),
            (json!({"extend": 30}), true),
            (json!({"extend": 0}), false),
            (json!({"extend": 3601}), false),
            (json!({"end": false}), false),
            (json!({"end": true, "extend": 30}), false),
            (json!({}), false),
        ];
        for (json, expected) in cases {
            let wish = crate::extract::read::<WrapUpWish>(json.clone());
            assert_eq!(
                wish.and_then(|wish| wish.command("ann".into())).is_ok(),
                expected,
                "{json}"
            );
        }
    }
}
