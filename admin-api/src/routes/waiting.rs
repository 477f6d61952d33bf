//! `/waiting`: who waits, in the order in which they would be served (rule 1).
//!
//! Attendants see the queues assigned to them and the direct calls that wait for them, and pick up from there; supervisors
//! all queues.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use config::{Queue, Tier};
use engine::event::Rank;
use engine::view::{CallRow, View};
use engine::{CallId, CommandBody};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::PREFIX;
use crate::auth::{Attendant, Proof, Supervisor};
use crate::extract::{Body, Call, Name};
use crate::list::{ListParams, ListQuery, Page, page};
use crate::problem::{ApiError, FieldFault, Kind};
use crate::resource::found;
use crate::rights::Scope;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_all), all)
        .add(doc(__path_of_queue), of_queue)
        .add(doc(__path_pick_up), pick_up)
        .add(doc(__path_reserve), reserve)
        .add(doc(__path_release), release)
        .add(doc(__path_change), change)
}

/// One who waits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// The call.
    id: String,
    /// Sorts as those waiting are served; means nothing else.
    rank: String,
    /// The queue; null for a direct call.
    queue: Option<String>,
    /// The user a direct call waits for.
    user: Option<String>,
    /// The caller's number; empty when withheld.
    caller: String,
    /// The caller's name.
    name: Option<String>,
    /// Whether a directory entry marks them as a VIP.
    vip: bool,
    /// What they dialled.
    called: String,
    /// Who sent the call on to us.
    diversion: Option<String>,
    /// Seconds in this queue.
    waiting_seconds: f64,
    /// Seconds since they first entered a queue of this visit.
    total_seconds: f64,
    /// How long it will still wait, as was worked out at its entry: four in five wait no longer. 0 when that has passed, null
    /// where nothing can be said.
    estimated_wait_seconds: Option<f64>,
    /// Priority points.
    priority: i32,
    /// `urgent`, `normal` or `low`.
    tier: &'static str,
    /// A note on the call.
    note: Option<String>,
    /// The agents being alerted for it.
    alerting: Vec<String>,
    /// The agent it is held for.
    held_for: Option<String>,
    /// The agent who reserved it.
    reserved_by: Option<String>,
    /// Whether oneself rejected it: it does not ring here again, but can be picked up.
    rejected_by_me: bool,
    /// Who a recall comes back from.
    recall_from: Option<String>,
}

impl Waiting {
    fn of(id: CallId, row: &CallRow, me: &str, now_us: i64) -> Option<Self> {
        let queued = row.queued.as_ref()?;
        Some(Self {
            id: id.to_string(),
            rank: rank(&queued.rank),
            queue: queued.queue.clone(),
            user: queued.user.clone(),
            caller: row.caller.number.clone(),
            name: row.caller.name.clone(),
            vip: row.vip,
            called: row.called.clone(),
            diversion: None,
            waiting_seconds: time::seconds(now_us - queued.entered_us),
            total_seconds: time::seconds(now_us - queued.arrival_us),
            estimated_wait_seconds: queued.estimate_us(now_us).map(time::seconds),
            priority: queued.priority,
            tier: tier(queued.rank.tier),
            note: None,
            alerting: row.alerts.values().cloned().collect(),
            held_for: queued.held_for.clone(),
            reserved_by: queued.reserved_by.clone(),
            rejected_by_me: row.rejected_by.contains(me),
            recall_from: row.recall_from.clone(),
        })
    }
}

/// A rank as a text that compares as the rank does; the sign bit is turned so that times before 1970 sort first.
fn rank(rank: &Rank) -> String {
    let ordered = |us: i64| us.cast_unsigned() ^ 1 << 63;
    format!(
        "{:02x}-{:016x}-{:016x}-{:016x}",
        rank.tier,
        ordered(rank.key_us),
        ordered(rank.arrival_us),
        rank.id
    )
}

pub(crate) fn tier(tier: u8) -> &'static str {
    match tier {
        0 => "urgent",
        1 => "normal",
        _ => "low",
    }
}

/// Lists who waits in all one's queues together, in rank order
#[utoipa::path(
    get,
    path = "/waiting",
    tag = "waiting",
    params(ListParams),
    responses((status = 200, description = "One page", body = Page<Waiting>)),
)]
async fn all(
    who: Attendant,
    State(state): State<ApiState>,
    query: ListQuery,
) -> Result<Json<Page<Value>>, ApiError> {
    let (snapshot, view) = (state.snapshot(), state.view());
    let scope = Scope::of(&who.identity().user, &snapshot);
    let queues: Vec<String> = match scope.all() {
        true => view.queues.keys().cloned().collect(),
        false => scope.queues().cloned().collect(),
    };
    let mut waiting = view.waiting(&queues, Some(scope.username()));
    if scope.all() {
        let direct = view
            .calls
            .iter()
            .filter(|(_, row)| row.queued.as_ref().is_some_and(|it| it.queue.is_none()));
        waiting.extend(direct.map(|(id, _)| *id));
        waiting.sort_unstable();
        waiting.dedup();
    }
    listed(&waiting, &view, &who, &state, &query)
}

/// Lists who waits in a queue, in rank order
#[utoipa::path(
    get,
    path = "/queues/{name}/waiting",
    tag = "waiting",
    params(("name" = String, Path, description = "The queue"), ListParams),
    responses((status = 200, description = "One page", body = Page<Waiting>)),
)]
async fn of_queue(
    who: Attendant,
    State(state): State<ApiState>,
    Name(name): Name,
    query: ListQuery,
) -> Result<Json<Page<Value>>, ApiError> {
    let (snapshot, view) = (state.snapshot(), state.view());
    found::<Queue>(&snapshot.centre, &name)?;
    if !Scope::of(&who.identity().user, &snapshot).sees_queue(&name) {
        return Err(ApiError::new(
            Kind::Forbidden,
            format!("the queue {name:?} is not assigned to you"),
        ));
    }
    let waiting = view.waiting(std::slice::from_ref(&name), None);
    listed(&waiting, &view, &who, &state, &query)
}

fn listed(
    waiting: &[CallId],
    view: &View,
    who: &Attendant,
    state: &ApiState,
    query: &ListQuery,
) -> Result<Json<Page<Value>>, ApiError> {
    let now_us = state.utc_us();
    let rows = waiting
        .iter()
        .filter_map(|id| Waiting::of(*id, view.calls.get(id)?, who.username(), now_us));
    page(rows.map(|row| json!(row)).collect(), &["rank"], query).map(Json)
}

/// Takes a call that waits: one's own phone is rung with it
///
/// Whatever its place in the order, also on break; a wrap-up ends, and what rings at one's phone goes to another agent. Who
/// does not answer has missed nothing: the call waits on where it was. Of two who pick up the same call one gets it, the
/// other 409 with the name of the first.
#[utoipa::path(
    post,
    path = "/waiting/{id}/pick-up",
    tag = "waiting",
    params(("id" = String, Path, description = "The call; attendants those of their queues")),
    responses((status = 204, description = "One's own phone is being rung")),
)]
async fn pick_up(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
) -> Result<StatusCode, ApiError> {
    waits_for_me(&who, &state, id)?;
    state
        .ask(who.actor(), CommandBody::PickUp { call: id })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a call that waits held for oneself
///
/// Nobody else is alerted for it, and one's next call is this one. It ends when released, at a break or logout, and after the
/// queue's `reservation_limit`; then the call has its old place for everybody, and cannot be reserved again by the same
/// agent. 409 says for whom it is held.
#[utoipa::path(
    post,
    path = "/waiting/{id}/reserve",
    tag = "waiting",
    params(("id" = String, Path, description = "The call, in a queue assigned to oneself")),
    responses((status = 204, description = "It is held")),
)]
async fn reserve(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
) -> Result<StatusCode, ApiError> {
    waits_for_me(&who, &state, id)?;
    let body = CommandBody::Reserve { call: id };
    state.ask(who.actor(), body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the reservation of a call
#[utoipa::path(
    post,
    path = "/waiting/{id}/release",
    tag = "waiting",
    params(("id" = String, Path, description = "The call; attendants what they reserved themselves")),
    responses((status = 204, description = "It is held for nobody")),
)]
async fn release(
    who: Attendant,
    State(state): State<ApiState>,
    Call(id): Call,
) -> Result<StatusCode, ApiError> {
    waits_for_me(&who, &state, id)?;
    let body = CommandBody::Release { call: id };
    state.ask(who.actor(), body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Another place in the order for a call that waits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ranking {
    /// Its points of priority from now on, its queue's included: -2000 to 2000.
    #[serde(default)]
    priority: Option<i32>,
    /// `urgent`, `normal` or `low`.
    #[serde(default)]
    tier: Option<String>,
    /// Not built yet: refused.
    #[serde(default)]
    note: Option<String>,
}

impl Ranking {
    fn command(&self, call: CallId) -> Result<CommandBody, ApiError> {
        if self.note.is_some() {
            let help = "leave it out";
            return Err(ApiError::field("note", "notes are not built yet", help));
        }
        if self.priority.is_none() && self.tier.is_none() {
            let faults = ["priority", "tier"].map(|field| {
                FieldFault::new(field, "at least one of the two").help("write {\"priority\": 10}")
            });
            return Err(ApiError::invalid(faults.into()));
        }
        if self
            .priority
            .is_some_and(|points| !(-2000..=2000).contains(&points))
        {
            let help = "write a number from -2000 to 2000";
            return Err(ApiError::field("priority", "it is out of range", help));
        }
        let tier = self.tier.as_deref().map(str::parse::<Tier>).transpose();
        let tier = tier.map_err(|_| {
            let help = "write \"urgent\", \"normal\" or \"low\"";
            ApiError::field("tier", "there is no such tier", help)
        })?;
        Ok(CommandBody::Rerank {
            call,
            tier,
            priority: self.priority,
        })
    }
}

/// Changes the priority or tier of a call that waits, and so its place in the order, at once
#[utoipa::path(
    patch,
    path = "/waiting/{id}",
    tag = "waiting",
    params(("id" = String, Path, description = "The call")),
    request_body = Ranking,
    responses((status = 200, description = "The call as it waits now", body = Waiting)),
)]
async fn change(
    who: Supervisor,
    State(state): State<ApiState>,
    Call(id): Call,
    Body(wanted): Body<Ranking>,
) -> Result<Json<Waiting>, ApiError> {
    let body = wanted.command(id)?;
    let (_, view) = state.ask(who.actor(), body).await?;
    let row = view.calls.get(&id);
    let waiting = row.and_then(|row| Waiting::of(id, row, who.username(), state.utc_us()));
    waiting
        .map(Json)
        .ok_or_else(|| ApiError::new(Kind::Conflict, format!("call {id} does not wait any more")))
}

/// Calls one can see waiting can be asked for, and those somebody else was faster to take: the engine says who.
pub(super) fn waits_for_me(who: &Attendant, state: &ApiState, id: CallId) -> Result<(), ApiError> {
    let scope = Scope::of(&who.identity().user, &state.snapshot());
    let seen = |row: &CallRow| {
        let queue = row.queue.as_deref();
        scope.sees_call(row) || queue.is_some_and(|queue| scope.sees_queue(queue))
    };
    let known = state.view().calls.get(&id).is_some_and(seen);
    known
        .then_some(())
        .ok_or_else(|| ApiError::not_found("call", &id.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ranking_says_at_least_one_thing_and_nothing_that_is_not_built() {
        let cases = [
            (json!({"priority": 10}), Some((None, Some(10)))),
            (json!({"tier": "urgent"}), Some((Some(Tier::Urgent), None))),
            (
                json!({"tier": "low", "priority": -2000}),
                Some((Some(Tier::Low), Some(-2000))),
            ),
            (json!({"priority": 2001}), None),
            (json!({"priority": 1.5}), None),
            (json!({"tier": "first"}), None),
            (json!({"priority": 1, "note": "calls often"}), None),
            (json!({"priority": 1, "position": 1}), None),
            (json!({}), None),
        ];
        for (json, expected) in cases {
            let read = crate::extract::read::<Ranking>(json.clone());
            let command = read.and_then(|wanted| wanted.command(CallId(1)));
            let ranked = command.ok().map(|command| {
                let CommandBody::Rerank { tier, priority, .. } = command else {
                    panic!("{command:?}");
                };
                (tier, priority)
            });
            assert_eq!(ranked, expected, "{json}");
        }
    }

    #[test]
    fn the_text_of_a_rank_sorts_as_the_rank() {
        let mut ranks: Vec<Rank> = Vec::new();
        for tier in [0, 1, 2] {
            for key_us in [i64::MIN, -1, 0, 1_700_000_000_000_000] {
                for id in [0x0100_0000_0000_0001, 0x0200_0000_0000_0001] {
                    ranks.push(Rank {
                        tier,
                        key_us,
                        arrival_us: 5,
                        id,
                    });
                }
            }
        }
        assert!(ranks.is_sorted());
        assert!(ranks.iter().map(rank).collect::<Vec<_>>().is_sorted());
    }
}
