//! `/figures`: the live board. Attendants see their queues and those they share a queue with, supervisors all.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use config::{Queue, ServiceLevel};
use engine::board::{self, Counts, Outcomes, Share, Staff, Tally, Variant};
use engine::view::{AgentRow, View};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::PREFIX;
use super::crews::{Crews, estimate};
use super::queues::QueueStatus;
use crate::auth::{Attendant, Proof};
use crate::extract::Name;
use crate::list::{ListParams, ListQuery, page};
use crate::problem::{ApiError, Kind};
use crate::resource::found;
use crate::rights::Scope;
use crate::routing::{Routes, doc};
use crate::state::ApiState;
use crate::time;

pub(crate) fn routes() -> Routes {
    Routes::new(PREFIX)
        .add(doc(__path_all), all)
        .add(doc(__path_of_queue), of_queue)
}

/// The live figures of a queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueFigures {
    /// The queue.
    queue: String,
    /// Whether it takes new calls, and until when.
    status: QueueStatus,
    /// Calls that wait in it, those that ring at an agent included.
    waiting: usize,
    /// Recalls that wait in it; not in `waiting`.
    recalls_waiting: usize,
    /// How long the first of those in `waiting` has waited; null: nobody waits.
    oldest_wait_seconds: Option<f64>,
    /// Those of them for whom the service level's `seconds` have passed.
    breached_waiting: usize,
    /// How long who comes now will wait: four in five wait no longer. 0 when an agent is free for them, null when nobody works
    /// for the queue.
    estimated_wait_seconds: Option<u32>,
    /// What was counted since the day began.
    today: Today,
    /// The share of calls answered soon enough.
    service_level: Level,
    /// Its agents by what they do.
    agents: AgentCounts,
}

/// All queues together: a call that went through several of them counts once, by its whole wait.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotalFigures {
    /// Calls that wait in queues.
    waiting: usize,
    /// Calls that a rule sent on and that have not arrived anywhere yet.
    on_their_way: usize,
    /// What was counted since the day began.
    today: Today,
    /// The share of calls answered soon enough, by the queue that had them last.
    service_level: Level,
    /// All agents by what they do.
    agents: AgentCounts,
}

/// The board.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Figures {
    /// When the day began, RFC 3339; null: nothing has happened yet.
    since: Option<String>,
    /// Queues by name.
    items: Vec<QueueFigures>,
    /// The `cursor` of the next page; null on the last.
    next: Option<String>,
    /// All queues of the centre together; null for those who do not see all.
    total: Option<TotalFigures>,
}

/// What was counted since the day began. `offered` is `answered`, `abandoned`, `flowed_out`, `ended_by_system`, `interrupted`
/// and those who wait, together. Averages of nothing are null.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Today {
    /// Calls that were let in, those included who waited when the day began.
    offered: u64,
    /// An agent took them.
    answered: u64,
    /// The caller gave up, also while it rang at an agent.
    abandoned: u64,
    /// Of these, those within `short_abandon`.
    short_abandoned: u64,
    /// A rule sent them elsewhere.
    flowed_out: u64,
    /// Ended by a fault, or by somebody through the API.
    ended_by_system: u64,
    /// The daemon stopped in the middle.
    interrupted: u64,
    /// Not let in, closed; not offered.
    closed: u64,
    /// Not let in, full or by `join_when`; not offered.
    refused: u64,
    /// Conversations that are over, wrap-up included.
    handled: u64,
    /// Callers who hung up while the agent had them on hold.
    lost_on_hold: u64,
    /// Callers who hung up while the agent had them parked.
    lost_in_park: u64,
    /// Callers who hung up while an agent had sent them on and nobody had answered.
    lost_in_transfer: u64,
    /// Transfers and parked calls that came back; not offered.
    recalls: u64,
    /// Abandoned as a share of those offered that do not wait any more; null: of nothing.
    abandon_rate: Option<f64>,
    /// Average wait of those answered, ringing included.
    answer_seconds: Option<f64>,
    /// The same without the time it rang.
    answer_without_ring_seconds: Option<f64>,
    /// Average wait of those who gave up.
    abandon_seconds: Option<f64>,
    /// Average time of a conversation: talking, holding and wrap-up.
    handle_seconds: Option<f64>,
    /// Average talking.
    talk_seconds: Option<f64>,
    /// Average holding.
    hold_seconds: Option<f64>,
    /// Average wrap-up.
    wrap_up_seconds: Option<f64>,
    /// The share of those with an estimate who were answered within it; 0.8 is aimed at.
    estimates_kept: Option<f64>,
}

impl Today {
    fn of(tally: &Tally) -> Self {
        let seconds = |us: Option<i64>| us.map(time::seconds);
        let outcomes = tally.outcomes;
        let abandoned = Share {
            part: outcomes.abandoned,
            whole: outcomes.offered(),
        };
        Self {
            offered: tally.offered,
            answered: outcomes.answered,
            abandoned: outcomes.abandoned,
            short_abandoned: outcomes.short,
            flowed_out: outcomes.flowed_out,
            ended_by_system: outcomes.ended,
            interrupted: outcomes.interrupted,
            closed: tally.closed,
            refused: tally.refused,
            handled: tally.handled,
            lost_on_hold: tally.lost_on_hold,
            lost_in_park: tally.lost_in_park,
            lost_in_transfer: tally.lost_in_transfer,
            recalls: tally.recalls,
            abandon_rate: share(abandoned),
            answer_seconds: seconds(tally.answer_us()),
            answer_without_ring_seconds: seconds(tally.answer_without_ring_us()),
            abandon_seconds: seconds(tally.abandon_us()),
            handle_seconds: seconds(tally.handle_us()),
            talk_seconds: seconds(tally.talk_us()),
            hold_seconds: seconds(tally.hold_us()),
            wrap_up_seconds: seconds(tally.wrap_up_us()),
            estimates_kept: share(tally.calibration()),
        }
    }
}

/// Service level in one variant. Each is a share from 0 to 1, or null where nothing ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Shares {
    /// The variant: `genesys`, `genesys-without-flow-outs`, `stat-server`, `handled`, `without-abandon`, `positive`, `negative` or
    /// `asterisk-sl2`.
    variant: &'static str,
    /// Of what ended in this minute and the 15 before.
    last_15_minutes: Option<f64>,
    /// Of what ended in this minute and the 60 before.
    last_60_minutes: Option<f64>,
    /// Of what ended since the day began.
    today: Option<f64>,
}

/// Service level: what share of the calls were answered within `seconds`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Level {
    /// Within how many seconds; null for all queues together.
    seconds: Option<u32>,
    /// The share that is aimed at, 0 to 1; null for all queues together.
    target: Option<f64>,
    /// By our own definition: answered within, of those answered, abandoned or flowed out without the short abandons.
    level: Shares,
    /// By all definitions in use.
    variants: Vec<Shares>,
}

impl Level {
    fn of(counts: &Counts, now_us: i64, promised: Option<&ServiceLevel>) -> Self {
        let (quarter, hour) = (
            counts.last_minutes(now_us, 15),
            counts.last_minutes(now_us, 60),
        );
        let shares = |variant| shares(variant, &quarter, &hour, &counts.today.outcomes);
        Self {
            seconds: promised.map(|level| level.seconds.0),
            target: promised.map(|level| f64::from(level.target.ten_thousandths()) / 10_000.0),
            level: shares(Variant::Genesys),
            variants: Variant::ALL.map(shares).into(),
        }
    }
}

fn shares(variant: Variant, quarter: &Outcomes, hour: &Outcomes, today: &Outcomes) -> Shares {
    Shares {
        variant: variant.name(),
        last_15_minutes: share(variant.of(quarter)),
        last_60_minutes: share(variant.of(hour)),
        today: share(variant.of(today)),
    }
}

/// A share to the hundredth of a percent.
pub(super) fn share(share: Share) -> Option<f64> {
    share
        .ten_thousandths()
        .map(|parts| f64::from(parts) / 10_000.0)
}

/// Agents by what they do: `agents_logged_in` is the others together, but for `agents_no_answer` and `breaks`, which
/// are parts of `agents_on_break`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentCounts {
    /// At work.
    agents_logged_in: usize,
    /// Available with a phone that can be rung, without a call.
    agents_available: usize,
    /// Being rung.
    agents_alerting: usize,
    /// On a call, one of their own included.
    agents_on_contact: usize,
    /// In wrap-up.
    agents_in_wrap_up: usize,
    /// On break.
    agents_on_break: usize,
    /// Of these, sent on break for calls that they did not answer.
    agents_no_answer: usize,
    /// Available, but their phone cannot be rung.
    agents_unreachable: usize,
    /// Agents on break by reason.
    breaks: BTreeMap<String, usize>,
}

impl AgentCounts {
    fn of<'a>(rows: impl IntoIterator<Item = &'a AgentRow>) -> Self {
        let staff = Staff::count(rows);
        Self {
            agents_logged_in: staff.logged_in,
            agents_available: staff.available,
            agents_alerting: staff.alerting,
            agents_on_contact: staff.on_contact,
            agents_in_wrap_up: staff.wrap_up,
            agents_on_break: staff.on_break,
            agents_no_answer: staff.no_answer(),
            agents_unreachable: staff.unreachable,
            breaks: staff.breaks,
        }
    }
}

fn figures(queue: &Queue, crews: &Crews<'_>, view: &View, now_us: i64) -> QueueFigures {
    let nothing = board::QueueFigures::default();
    let row = view.board.queues.get(&*queue.name).unwrap_or(&nothing);
    let level = queue.service_level.clone().unwrap_or_default();
    QueueFigures {
        queue: queue.name.to_string(),
        status: QueueStatus::of(view.queues.get(&*queue.name)),
        waiting: row.waiting(),
        recalls_waiting: row.recalls_waiting(),
        oldest_wait_seconds: row.oldest_wait_us(now_us).map(time::seconds),
        breached_waiting: row.breached(now_us),
        today: Today::of(&row.counts.today),
        service_level: Level::of(&row.counts, now_us, Some(&level)),
        estimated_wait_seconds: estimate(row, crews.crew(&queue.name)),
        agents: AgentCounts::of(crews.crew(&queue.name).map(|hand| hand.row)),
    }
}

/// Shows the live figures of all one's queues
///
/// Counters start at zero at `centre.day_starts`.
#[utoipa::path(
    get,
    path = "/figures",
    tag = "figures",
    params(ListParams),
    responses((status = 200, description = "One page of queues, and all together", body = Figures)),
)]
async fn all(
    who: Attendant,
    State(state): State<ApiState>,
    query: ListQuery,
) -> Result<Json<Value>, ApiError> {
    let (snapshot, view, now_us) = (state.snapshot(), state.view(), state.utc_us());
    let scope = Scope::of(&who.identity().user, &snapshot);
    let queues = snapshot.centre.queues.values();
    let seen: Vec<_> = queues
        .filter(|queue| scope.sees_queue(&queue.name))
        .collect();
    let names = seen.iter().map(|queue| &*queue.name).collect();
    let crews = Crews::of(&names, &snapshot, &view);
    let rows = seen
        .iter()
        .map(|queue| json!(figures(queue, &crews, &view, now_us)));
    let page = page(rows.collect(), &["queue"], &query)?;
    let board = &view.board;
    let total = scope.all().then(|| TotalFigures {
        waiting: board.waiting(),
        on_their_way: board.on_their_way(),
        today: Today::of(&board.total.today),
        service_level: Level::of(&board.total, now_us, None),
        agents: AgentCounts::of(view.agents.values()),
    });
    Ok(Json(json!({
        "since": board.since_us.map(time::rfc3339),
        "items": page.items,
        "next": page.next,
        "total": total,
    })))
}

/// Shows the live figures of a queue
///
/// Counters start at zero at `centre.day_starts`.
#[utoipa::path(
    get,
    path = "/queues/{name}/figures",
    tag = "figures",
    params(("name" = String, Path, description = "The queue")),
    responses((status = 200, description = "Its figures now", body = QueueFigures)),
)]
async fn of_queue(
    who: Attendant,
    State(state): State<ApiState>,
    Name(name): Name,
) -> Result<Json<QueueFigures>, ApiError> {
    let (snapshot, view) = (state.snapshot(), state.view());
    let queue = found::<Queue>(&snapshot.centre, &name)?;
    if !Scope::of(&who.identity().user, &snapshot).sees_queue(&name) {
        return Err(ApiError::new(
            Kind::Forbidden,
            format!("the queue {name:?} is not assigned to you"),
        ));
    }
    let crews = Crews::of(&BTreeSet::from([&*queue.name]), &snapshot, &view);
    Ok(Json(figures(&queue, &crews, &view, state.utc_us())))
}
