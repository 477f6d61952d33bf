//! Questions about what was: calls that are over, with their legs and alerts, and agents' times.

use engine::CallId;
use engine::event::{Direction, EndResult};
use sqlx::QueryBuilder;

use crate::dialect::{self, Database, Pool, Row, signed};
use crate::error::StoreError;
use crate::projection::table;
use crate::projection::words::Word;
use crate::projection::{AlertRecord, CallRecord, LegRecord, SessionRecord, StateRecord};

const CALL: &str = "SELECT * FROM calls LEFT JOIN codes ON codes.call_id = calls.id WHERE id = $1";
const LEGS: &str = "SELECT * FROM legs WHERE call_id = $1 ORDER BY started_us, id";
const ALERTS: &str = "SELECT * FROM alerts WHERE call_id = $1 ORDER BY started_us, id";

const PRUNED_CALLS: &str = "(SELECT id FROM calls WHERE started_us < $1 AND ended_us IS NOT NULL \
     ORDER BY started_us, id LIMIT $2)";
const PRUNE_SESSIONS: &str = "DELETE FROM agent_sessions WHERE ended_us < $1";
const PRUNE_STATES: &str = "DELETE FROM agent_states WHERE ended_us < $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[CALL, LEGS, ALERTS, PRUNE_SESSIONS, PRUNE_STATES];

/// Calls deleted in one transaction.
const PRUNED_AT_ONCE: i64 = 500;

/// Most rows of one page.
const LONGEST_PAGE: u32 = 1_000;

/// Which calls; what is left out does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Calls that one of these users took, started, or was rung for.
    pub users: Option<Vec<String>>,
    /// Calls that came to one of these queues first or last.
    pub queues: Option<Vec<String>>,
    /// Calls that came to this queue last.
    pub last_queue: Option<String>,
    /// Calls that this user took.
    pub user: Option<String>,
    /// Started at this time or later, UTC microseconds.
    pub from_us: Option<i64>,
    /// Started before this time, UTC microseconds.
    pub to_us: Option<i64>,
    /// Ended like this.
    pub result: Option<EndResult>,
    /// Went this way.
    pub direction: Option<Direction>,
    /// The caller's number, exactly.
    pub caller: Option<String>,
    /// The number they dialled, exactly.
    pub called: Option<String>,
}

/// Whose times, and when; what is left out does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimesFilter {
    /// These agents'.
    pub agents: Option<Vec<String>>,
    /// Begun at this time or later, UTC microseconds.
    pub from_us: Option<i64>,
    /// Begun before this time, UTC microseconds.
    pub to_us: Option<i64>,
}

/// Part of an answer, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to ask for the next part with; none when this is the last.
    pub next: Option<String>,
}

/// A call with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallDetail {
    /// The call.
    pub call: CallRecord,
    /// Its legs, oldest first.
    pub legs: Vec<LegRecord>,
    /// Its alerts, oldest first.
    pub alerts: Vec<AlertRecord>,
}

/// Answers from the read models. Cheap to clone.
///
/// What it shows is a little behind what happens;
/// [`JournalHealth::wait_projected`](crate::JournalHealth::wait_projected) waits until a certain event is in.
#[derive(Debug, Clone)]
pub struct History {
    pool: Pool,
}

impl History {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Calls that are over, newest start first, at most `limit` (1 to 1,000) of them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Cursor`] when `cursor` is not the `next` of an earlier page.
    pub async fn query(
        &self,
        filter: &HistoryFilter,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<CallRecord>, StoreError> {
        let mut query = QueryBuilder::new(
            "SELECT * FROM calls LEFT JOIN codes ON codes.call_id = calls.id WHERE ended_us IS NOT NULL",
        );
        narrow(&mut query, filter);
        let key = Key {
            time: "started_us",
            of: |call: &CallRecord| (call.started_us, call.id.0),
        };
        page(&self.pool, query, limit, cursor, table::coded_call, &key).await
    }

    /// One call, over or not, with its legs and alerts.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn call(&self, id: CallId) -> Result<Option<CallDetail>, StoreError> {
        // One transaction, so that the parts are of one moment.
        let mut transaction = self.pool.begin().await?;
        let Some(row) = sqlx::query(CALL)
            .bind(signed(id.0))
            .fetch_optional(&mut *transaction)
            .await?
        else {
            return Ok(None);
        };
        let legs = sqlx::query(LEGS)
            .bind(signed(id.0))
            .fetch_all(&mut *transaction)
            .await?;
        let alerts = sqlx::query(ALERTS)
            .bind(signed(id.0))
            .fetch_all(&mut *transaction)
            .await?;
        Ok(Some(CallDetail {
            call: table::coded_call(&row)?,
            legs: legs.iter().map(table::leg).collect::<Result<_, _>>()?,
            alerts: alerts.iter().map(table::alert).collect::<Result<_, _>>()?,
        }))
    }

    /// Agents' stays at work, newest first, those that last included.
    ///
    /// # Errors
    ///
    /// As for [`query`](Self::query).
    pub async fn sessions(
        &self,
        filter: &TimesFilter,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<SessionRecord>, StoreError> {
        let query = times("SELECT * FROM agent_sessions WHERE 1 = 1", filter);
        let key = Key {
            time: "began_us",
            of: |session: &SessionRecord| (session.began_us, session.id),
        };
        page(&self.pool, query, limit, cursor, table::session, &key).await
    }

    /// What agents' states were, newest first, those that last included.
    ///
    /// # Errors
    ///
    /// As for [`query`](Self::query).
    pub async fn states(
        &self,
        filter: &TimesFilter,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<StateRecord>, StoreError> {
        let query = times("SELECT * FROM agent_states WHERE 1 = 1", filter);
        let key = Key {
            time: "began_us",
            of: |state: &StateRecord| (state.began_us, state.id),
        };
        page(&self.pool, query, limit, cursor, table::state, &key).await
    }

    /// Deletes what began, or for agents' times ended, before `before_us`. Answers how many calls.
    pub(crate) async fn prune(&self, before_us: i64) -> Result<u64, StoreError> {
        let mut pruned = 0;
        loop {
            let calls = self.prune_calls(before_us).await?;
            if calls == 0 {
                break;
            }
            pruned += calls;
        }
        for statement in [PRUNE_SESSIONS, PRUNE_STATES] {
            sqlx::query(statement)
                .bind(before_us)
                .execute(&self.pool)
                .await?;
        }
        Ok(pruned)
    }

    async fn prune_calls(&self, before_us: i64) -> Result<u64, StoreError> {
        let mut transaction = self.pool.begin_with(dialect::BEGIN_WRITE).await?;
        let mut calls = 0;
        for statement in prune_statements() {
            let deleted = sqlx::query(sqlx::AssertSqlSafe(statement))
                .bind(before_us)
                .bind(PRUNED_AT_ONCE)
                .execute(&mut *transaction)
                .await?;
            calls = deleted.rows_affected();
        }
        transaction.commit().await?;
        Ok(calls)
    }
}

/// Legs, alerts and codes first: they are found through the calls, which go last.
pub(crate) fn prune_statements() -> [String; 4] {
    [
        ("legs", "call_id"),
        ("alerts", "call_id"),
        ("codes", "call_id"),
        ("calls", "id"),
    ]
    .map(|(table, column)| format!("DELETE FROM {table} WHERE {column} IN {PRUNED_CALLS}"))
}

fn narrow(query: &mut QueryBuilder<Database>, filter: &HistoryFilter) {
    if let Some(users) = &filter.users {
        query.push(" AND (user_name IN ");
        list(query, users);
        query.push(" OR started_by IN ");
        list(query, users);
        query.push(
            " OR EXISTS (SELECT 1 FROM legs WHERE legs.call_id = calls.id AND legs.user_name IN ",
        );
        list(query, users);
        query.push("))");
    }
    if let Some(queues) = &filter.queues {
        query.push(" AND (first_queue IN ");
        list(query, queues);
        query.push(" OR last_queue IN ");
        list(query, queues);
        query.push(")");
    }
    between(query, "started_us", filter.from_us, filter.to_us);
    let words = [
        ("result", filter.result.as_ref().map(Word::word)),
        ("direction", filter.direction.as_ref().map(Word::word)),
        ("last_queue", filter.last_queue.as_deref()),
        ("user_name", filter.user.as_deref()),
        ("caller_number", filter.caller.as_deref()),
        ("called", filter.called.as_deref()),
    ];
    for (column, value) in words {
        if let Some(value) = value {
            query
                .push(" AND ")
                .push(column)
                .push(" = ")
                .push_bind(value.to_owned());
        }
    }
}

fn times(select: &'static str, filter: &TimesFilter) -> QueryBuilder<Database> {
    let mut query = QueryBuilder::new(select);
    if let Some(agents) = &filter.agents {
        query.push(" AND agent IN ");
        list(&mut query, agents);
    }
    between(&mut query, "began_us", filter.from_us, filter.to_us);
    query
}

fn between(
    query: &mut QueryBuilder<Database>,
    column: &str,
    from_us: Option<i64>,
    to_us: Option<i64>,
) {
    if let Some(from) = from_us {
        query
            .push(" AND ")
            .push(column)
            .push(" >= ")
            .push_bind(from);
    }
    if let Some(to) = to_us {
        query.push(" AND ").push(column).push(" < ").push_bind(to);
    }
}

/// `($1, $2)`; of an empty list `(NULL)`, in which nothing is.
fn list(query: &mut QueryBuilder<Database>, names: &[String]) {
    query.push("(");
    let mut names_left = query.separated(", ");
    if names.is_empty() {
        names_left.push("NULL");
    }
    for name in names {
        names_left.push_bind(name.clone());
    }
    query.push(")");
}

/// What orders a table's rows, and where a page ends: a time, and the id among those of one time.
struct Key<T> {
    time: &'static str,
    of: fn(&T) -> (i64, u64),
}

async fn page<T>(
    pool: &Pool,
    mut query: QueryBuilder<Database>,
    limit: u32,
    cursor: Option<&str>,
    read: fn(&Row) -> Result<T, StoreError>,
    key: &Key<T>,
) -> Result<Page<T>, StoreError> {
    let limit = limit.clamp(1, LONGEST_PAGE);
    if let Some(cursor) = cursor {
        let (time, id) = parse_cursor(cursor).ok_or(StoreError::Cursor)?;
        query
            .push(" AND (")
            .push(key.time)
            .push(", id) < (")
            .push_bind(time);
        query.push(", ").push_bind(id).push(")");
    }
    query
        .push(" ORDER BY ")
        .push(key.time)
        .push(" DESC, id DESC LIMIT ")
        .push_bind(i64::from(limit) + 1);
    let rows = query.build().fetch_all(pool).await?;
    let more = rows.len() > limit as usize;
    let items = rows
        .iter()
        .take(limit as usize)
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    let next = items
        .last()
        .filter(|_| more)
        .map(|last| print_cursor((key.of)(last)));
    Ok(Page { items, next })
}

fn print_cursor((time, id): (i64, u64)) -> String {
    format!("{:016x}{id:016x}", time.cast_unsigned())
}

fn parse_cursor(cursor: &str) -> Option<(i64, i64)> {
    let hex = cursor.len() == 32 && cursor.bytes().all(|byte| byte.is_ascii_hexdigit());
    let half = |range| {
        cursor
            .get(range)
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
    };
    let (time, id) = if hex {
        (half(0..16)?, half(16..32)?)
    } else {
        return None;
    };
    Some((time.cast_signed(), signed(id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::unsigned;

    #[test]
    fn cursors_read_back_and_nothing_else_does() {
        for (time, id) in [
            (0, 0),
            (1_700_000_000_000_000, 0xff00_0001_0000_0001),
            (-1, 7),
        ] {
            let cursor = print_cursor((time, id));
            assert_eq!(parse_cursor(&cursor), Some((time, signed(id))));
            assert_eq!(parse_cursor(&cursor).map(|(_, id)| unsigned(id)), Some(id));
        }
        for wrong in [
            "",
            "1",
            "zz",
            &"0".repeat(31),
            &"0".repeat(33),
            &"é".repeat(16),
            &"+".repeat(32),
        ] {
            assert_eq!(parse_cursor(wrong), None, "{wrong}");
        }
    }
}
