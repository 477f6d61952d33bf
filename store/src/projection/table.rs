//! The rows of the read models in their tables.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use engine::event::{Choice, Party};
use engine::view::Coded;
use engine::{CallId, LegId};
use sqlx::Row as _;

use crate::dialect::{Bound, Bulk, Connection, OnConflict, Row, signed, unsigned};
use crate::error::StoreError;

use super::fold::{Changes, Fold, Marks, OpenCall};
use super::record::{AlertRecord, CallRecord, CodeRecord, LegRecord, SessionRecord, StateRecord};
use super::words::Word;

pub(crate) const POSITION: &str = "SELECT last_seq FROM projections WHERE name = 'history'";
pub(crate) const SET_POSITION: &str = "UPDATE projections SET last_seq = $1 WHERE name = 'history'";
const OPEN_CALLS: &str = "SELECT * FROM calls WHERE ended_us IS NULL";
const OPEN_LEGS: &str =
    "SELECT * FROM legs WHERE call_id IN (SELECT id FROM calls WHERE ended_us IS NULL)";
const OPEN_ALERTS: &str =
    "SELECT * FROM alerts WHERE call_id IN (SELECT id FROM calls WHERE ended_us IS NULL)";
const OPEN_SESSIONS: &str = "SELECT * FROM agent_sessions WHERE ended_us IS NULL";
const OPEN_STATES: &str = "SELECT * FROM agent_states WHERE ended_us IS NULL";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    POSITION,
    SET_POSITION,
    OPEN_CALLS,
    OPEN_LEGS,
    OPEN_ALERTS,
    OPEN_SESSIONS,
    OPEN_STATES,
];

static CALLS: LazyLock<Bulk<(CallRecord, Marks)>> = LazyLock::new(|| {
    let columns = [
        "id",
        "clock_us",
        "direction",
        "caller_number",
        "caller_name",
        "called",
        "trunk",
        "started_by",
        "first_queue",
        "last_queue",
        "user_name",
        "started_us",
        "queued_us",
        "answered_us",
        "alerted_us",
        "connected_us",
        "ended_us",
        "waiting_since_us",
        "held_since_us",
        "holds",
        "waited_us",
        "rung_us",
        "talked_us",
        "held_us",
        "result",
        "sip_status",
        "reason",
        "ended_by",
        "diverted_why",
        "diverted_to",
        "began_seq",
        "ended_seq",
    ];
    Bulk::new("calls", &columns, 1, OnConflict::Update, bind_call)
});

static LEGS: LazyLock<Bulk<LegRecord>> = LazyLock::new(|| {
    let columns = [
        "id",
        "call_id",
        "role",
        "number",
        "trunk",
        "user_name",
        "started_us",
        "ringing_us",
        "answered_us",
        "ended_us",
        "result",
        "sip_status",
        "reason",
    ];
    Bulk::new("legs", &columns, 1, OnConflict::Update, bind_leg)
});

static ALERTS: LazyLock<Bulk<AlertRecord>> = LazyLock::new(|| {
    let columns = [
        "call_id",
        "id",
        "agent",
        "queue",
        "started_us",
        "ended_us",
        "outcome",
        "sip_status",
        "picked_up",
        "seq",
        "choice",
    ];
    Bulk::new("alerts", &columns, 2, OnConflict::Update, bind_alert)
});

static SESSIONS: LazyLock<Bulk<SessionRecord>> = LazyLock::new(|| {
    let columns = ["id", "agent", "extension", "began_us", "ended_us"];
    Bulk::new(
        "agent_sessions",
        &columns,
        1,
        OnConflict::Update,
        bind_session,
    )
});

static STATES: LazyLock<Bulk<StateRecord>> = LazyLock::new(|| {
    let columns = [
        "id", "agent", "presence", "activity", "reason", "began_us", "ended_us",
    ];
    Bulk::new("agent_states", &columns, 1, OnConflict::Update, bind_state)
});

static CODES: LazyLock<Bulk<CodeRecord>> = LazyLock::new(|| {
    let columns = [
        "call_id", "coded_by", "category", "code", "text", "coded_us",
    ];
    Bulk::new("codes", &columns, 1, OnConflict::Update, bind_code)
});

/// Writes the rows, each whole: writing them twice is the same as once.
pub(crate) async fn write(
    connection: &mut Connection,
    changes: &Changes,
) -> Result<(), sqlx::Error> {
    CALLS.write(connection, changes.calls.values()).await?;
    LEGS.write(connection, changes.legs.values()).await?;
    ALERTS.write(connection, changes.alerts.values()).await?;
    SESSIONS
        .write(connection, changes.sessions.values())
        .await?;
    STATES.write(connection, changes.states.values()).await?;
    CODES.write(connection, changes.codes.values()).await?;
    Ok(())
}

/// The fold as it was when its rows were written last, and up to which entry that was.
pub(crate) async fn load(connection: &mut Connection) -> Result<(Fold, u64), StoreError> {
    let position: i64 = sqlx::query_scalar(POSITION)
        .fetch_one(&mut *connection)
        .await?;
    let mut calls = BTreeMap::new();
    for row in sqlx::query(OPEN_CALLS).fetch_all(&mut *connection).await? {
        let (record, marks) = (call(&row)?, marks(&row)?);
        calls.insert(
            record.id,
            OpenCall {
                record,
                marks,
                legs: BTreeMap::new(),
                alerts: BTreeMap::new(),
            },
        );
    }
    for row in sqlx::query(OPEN_LEGS).fetch_all(&mut *connection).await? {
        let leg = leg(&row)?;
        calls
            .entry(leg.call)
            .and_modify(|call| drop(call.legs.insert(leg.id, leg)));
    }
    for row in sqlx::query(OPEN_ALERTS).fetch_all(&mut *connection).await? {
        let alert = alert(&row)?;
        calls
            .entry(alert.call)
            .and_modify(|call| drop(call.alerts.insert(alert.id, alert)));
    }
    let sessions = sqlx::query(OPEN_SESSIONS)
        .fetch_all(&mut *connection)
        .await?;
    let sessions = sessions
        .iter()
        .map(session)
        .collect::<Result<Vec<_>, _>>()?;
    let states = sqlx::query(OPEN_STATES).fetch_all(&mut *connection).await?;
    let states = states.iter().map(state).collect::<Result<Vec<_>, _>>()?;
    Ok((
        Fold::resume(calls.into_values(), sessions, states),
        unsigned(position),
    ))
}

pub(crate) fn call(row: &Row) -> Result<CallRecord, StoreError> {
    Ok(CallRecord {
        id: CallId(unsigned(row.try_get("id")?)),
        direction: word(row, "direction")?,
        caller: Party {
            number: row.try_get("caller_number")?,
            name: row.try_get("caller_name")?,
        },
        called: row.try_get("called")?,
        trunk: row.try_get("trunk")?,
        started_by: row.try_get("started_by")?,
        first_queue: row.try_get("first_queue")?,
        last_queue: row.try_get("last_queue")?,
        user: row.try_get("user_name")?,
        started_us: row.try_get("started_us")?,
        queued_us: row.try_get("queued_us")?,
        answered_us: row.try_get("answered_us")?,
        alerted_us: row.try_get("alerted_us")?,
        connected_us: row.try_get("connected_us")?,
        ended_us: row.try_get("ended_us")?,
        waited_us: row.try_get("waited_us")?,
        rung_us: row.try_get("rung_us")?,
        talked_us: row.try_get("talked_us")?,
        held_us: row.try_get("held_us")?,
        result: maybe_word(row, "result")?,
        sip_status: status(row)?,
        reason: row.try_get("reason")?,
        ended_by: maybe_word(row, "ended_by")?,
        diverted_why: maybe_word(row, "diverted_why")?,
        diverted_to: row.try_get("diverted_to")?,
        began_seq: maybe_seq(row, "began_seq")?,
        ended_seq: maybe_seq(row, "ended_seq")?,
        coded: None,
    })
}

/// A call with its code, from a row of both tables.
pub(crate) fn coded_call(row: &Row) -> Result<CallRecord, StoreError> {
    let code: Option<String> = row.try_get("code")?;
    let read = |code| {
        let category: Option<String> = row.try_get("category")?;
        Ok::<_, StoreError>(Coded {
            category: category.unwrap_or_default(),
            code,
            text: row.try_get("text")?,
            agent: row.try_get("coded_by")?,
            at_us: row.try_get("coded_us")?,
        })
    };
    Ok(CallRecord {
        coded: code.map(read).transpose()?,
        ..call(row)?
    })
}

fn marks(row: &Row) -> Result<Marks, StoreError> {
    Ok(Marks {
        clock_us: row.try_get("clock_us")?,
        waiting_since_us: row.try_get("waiting_since_us")?,
        held_since_us: row.try_get("held_since_us")?,
        holds: row.try_get("holds")?,
    })
}

pub(crate) fn leg(row: &Row) -> Result<LegRecord, StoreError> {
    Ok(LegRecord {
        id: LegId(unsigned(row.try_get("id")?)),
        call: CallId(unsigned(row.try_get("call_id")?)),
        role: word(row, "role")?,
        number: row.try_get("number")?,
        trunk: row.try_get("trunk")?,
        user: row.try_get("user_name")?,
        started_us: row.try_get("started_us")?,
        ringing_us: row.try_get("ringing_us")?,
        answered_us: row.try_get("answered_us")?,
        ended_us: row.try_get("ended_us")?,
        result: maybe_word(row, "result")?,
        sip_status: status(row)?,
        reason: row.try_get("reason")?,
    })
}

pub(crate) fn alert(row: &Row) -> Result<AlertRecord, StoreError> {
    Ok(AlertRecord {
        call: CallId(unsigned(row.try_get("call_id")?)),
        id: unsigned(row.try_get("id")?),
        agent: row.try_get("agent")?,
        queue: row.try_get("queue")?,
        started_us: row.try_get("started_us")?,
        ended_us: row.try_get("ended_us")?,
        outcome: maybe_word(row, "outcome")?,
        sip_status: status(row)?,
        picked_up: row.try_get::<i64, _>("picked_up")? != 0,
        seq: maybe_seq(row, "seq")?,
        choice: choice(row)?,
    })
}

pub(crate) fn session(row: &Row) -> Result<SessionRecord, StoreError> {
    Ok(SessionRecord {
        id: unsigned(row.try_get("id")?),
        agent: row.try_get("agent")?,
        extension: row.try_get("extension")?,
        began_us: row.try_get("began_us")?,
        ended_us: row.try_get("ended_us")?,
    })
}

pub(crate) fn state(row: &Row) -> Result<StateRecord, StoreError> {
    Ok(StateRecord {
        id: unsigned(row.try_get("id")?),
        agent: row.try_get("agent")?,
        presence: word(row, "presence")?,
        activity: word(row, "activity")?,
        reason: row.try_get("reason")?,
        began_us: row.try_get("began_us")?,
        ended_us: row.try_get("ended_us")?,
    })
}

fn word<T: Word>(row: &Row, column: &str) -> Result<T, StoreError> {
    let text: &str = row.try_get(column)?;
    T::parse(text).ok_or_else(|| StoreError::Unreadable {
        what: format!("a {column}"),
        why: format!("{text:?}"),
    })
}

fn maybe_word<T: Word>(row: &Row, column: &str) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|_| word(row, column)).transpose()
}

fn maybe_seq(row: &Row, column: &str) -> Result<Option<u64>, StoreError> {
    let seq: Option<i64> = row.try_get(column)?;
    Ok(seq.map(unsigned))
}

fn choice(row: &Row) -> Result<Option<Choice>, StoreError> {
    let text: Option<&str> = row.try_get("choice")?;
    let read = |text| {
        serde_json::from_str(text).map_err(|error| StoreError::Unreadable {
            what: "why an agent was alerted".into(),
            why: error.to_string(),
        })
    };
    text.map(read).transpose()
}

fn status(row: &Row) -> Result<Option<u16>, StoreError> {
    let status: Option<i64> = row.try_get("sip_status")?;
    let narrow = |status: i64| {
        u16::try_from(status).map_err(|_| StoreError::Unreadable {
            what: "a sip_status".into(),
            why: status.to_string(),
        })
    };
    status.map(narrow).transpose()
}

fn bind_call<'q>(query: Bound<'q>, (call, marks): &(CallRecord, Marks)) -> Bound<'q> {
    query
        .bind(signed(call.id.0))
        .bind(marks.clock_us)
        .bind(call.direction.word())
        .bind(call.caller.number.clone())
        .bind(call.caller.name.clone())
        .bind(call.called.clone())
        .bind(call.trunk.clone())
        .bind(call.started_by.clone())
        .bind(call.first_queue.clone())
        .bind(call.last_queue.clone())
        .bind(call.user.clone())
        .bind(call.started_us)
        .bind(call.queued_us)
        .bind(call.answered_us)
        .bind(call.alerted_us)
        .bind(call.connected_us)
        .bind(call.ended_us)
        .bind(marks.waiting_since_us)
        .bind(marks.held_since_us)
        .bind(marks.holds)
        .bind(call.waited_us)
        .bind(call.rung_us)
        .bind(call.talked_us)
        .bind(call.held_us)
        .bind(call.result.as_ref().map(Word::word))
        .bind(call.sip_status.map(i64::from))
        .bind(call.reason.clone())
        .bind(call.ended_by.as_ref().map(Word::word))
        .bind(call.diverted_why.as_ref().map(Word::word))
        .bind(call.diverted_to.clone())
        .bind(call.began_seq.map(signed))
        .bind(call.ended_seq.map(signed))
}

fn bind_leg<'q>(query: Bound<'q>, leg: &LegRecord) -> Bound<'q> {
    query
        .bind(signed(leg.id.0))
        .bind(signed(leg.call.0))
        .bind(leg.role.word())
        .bind(leg.number.clone())
        .bind(leg.trunk.clone())
        .bind(leg.user.clone())
        .bind(leg.started_us)
        .bind(leg.ringing_us)
        .bind(leg.answered_us)
        .bind(leg.ended_us)
        .bind(leg.result.as_ref().map(Word::word))
        .bind(leg.sip_status.map(i64::from))
        .bind(leg.reason.clone())
}

fn bind_alert<'q>(query: Bound<'q>, alert: &AlertRecord) -> Bound<'q> {
    query
        .bind(signed(alert.call.0))
        .bind(signed(alert.id))
        .bind(alert.agent.clone())
        .bind(alert.queue.clone())
        .bind(alert.started_us)
        .bind(alert.ended_us)
        .bind(alert.outcome.as_ref().map(Word::word))
        .bind(alert.sip_status.map(i64::from))
        .bind(i64::from(alert.picked_up))
        .bind(alert.seq.map(signed))
        .bind(alert.choice.as_ref().map(written))
}

fn written(choice: &Choice) -> String {
    serde_json::to_string(choice).expect("it has no maps and no floats")
}

fn bind_code<'q>(query: Bound<'q>, code: &CodeRecord) -> Bound<'q> {
    query
        .bind(signed(code.call.0))
        .bind(code.agent.clone())
        .bind(code.category.clone())
        .bind(code.code.clone())
        .bind(code.text.clone())
        .bind(code.at_us)
}

fn bind_session<'q>(query: Bound<'q>, session: &SessionRecord) -> Bound<'q> {
    query
        .bind(signed(session.id))
        .bind(session.agent.clone())
        .bind(session.extension.clone())
        .bind(session.began_us)
        .bind(session.ended_us)
}

fn bind_state<'q>(query: Bound<'q>, state: &StateRecord) -> Bound<'q> {
    query
        .bind(signed(state.id))
        .bind(state.agent.clone())
        .bind(state.presence.word())
        .bind(state.activity.word())
        .bind(state.reason.clone())
        .bind(state.began_us)
        .bind(state.ended_us)
}
