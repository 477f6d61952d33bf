//! Everything that differs between SQLite and another database; all other SQL in this crate is written for both.
//!
//! Statements number their parameters `$1`, times are `BIGINT` microseconds, upserts are `ON CONFLICT`. What is
//! left to differ: how a connection is opened, how a writing transaction begins, how many parameters a
//! statement may have, and 64-bit ids, which SQL knows only signed.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Sqlite, SqliteConnection};

use crate::error::StoreError;

pub(crate) type Connection = SqliteConnection;
pub(crate) type Database = Sqlite;
pub(crate) type Options = SqliteConnectOptions;
pub(crate) type Pool = sqlx::SqlitePool;
pub(crate) type Row = sqlx::sqlite::SqliteRow;
pub(crate) type Bound<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Begins a transaction that will write. SQLite otherwise begins by reading, and two transactions that
/// both turn to writing then refuse one another at once, whatever `busy_timeout` says.
pub(crate) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// How long a connection waits for another one's write lock.
const BUSY: Duration = Duration::from_secs(5);

/// What a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It outlives a power cut.
    Full,
    /// It outlives the process; a power cut may take the newest ones, in order. For what can be made again.
    Rebuildable,
}

pub(crate) fn options(file: &Path, durability: Durability) -> Options {
    let synchronous = match durability {
        Durability::Full => SqliteSynchronous::Full,
        Durability::Rebuildable => SqliteSynchronous::Normal,
    };
    Options::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        // The log file shrinks again after a burst.
        .pragma("journal_size_limit", "67108864")
}

/// A pool that opens connections as they are needed.
pub(crate) fn pool(file: &Path, connections: u32) -> Pool {
    SqlitePoolOptions::new()
        .min_connections(0)
        .max_connections(connections)
        // A file does not hang up.
        .test_before_acquire(false)
        .connect_lazy_with(options(file, Durability::Full))
}

/// The file that `store.url` names.
pub(crate) fn file_of(url: &str) -> Result<PathBuf, StoreError> {
    let path = url
        .strip_prefix("sqlite:")
        .map(|path| path.strip_prefix("//").unwrap_or(path));
    match path {
        Some(path) if !path.is_empty() && !path.starts_with(':') => Ok(PathBuf::from(path)),
        _ => Err(StoreError::Url { url: url.into() }),
    }
}

/// Makes the database file, readable by its owner only: it holds secrets. SQLite gives its log files the same mode.
pub(crate) fn make_file(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path);
    made.map(drop).map_err(|source| StoreError::File {
        path: path.into(),
        source,
    })
}

/// A 64-bit number without sign as the column that holds it.
pub(crate) fn signed(id: u64) -> i64 {
    id.cast_signed()
}

/// What [`signed`] made.
pub(crate) fn unsigned(column: i64) -> u64 {
    column.cast_unsigned()
}

/// Writes many rows of one table by few statements: the way through the driver costs more than the row.
pub(crate) struct Bulk<T> {
    one: Arc<str>,
    many: Arc<str>,
    bind: for<'q> fn(Bound<'q>, &T) -> Bound<'q>,
}

/// Rows in one statement; with the widest table still a thousand parameters, which every SQLite and PostgreSQL takes.
const MANY: usize = 32;

/// What happens to a row whose key is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnConflict {
    /// It takes the new values.
    Update,
    /// It stays as it is.
    Keep,
}

impl<T> Bulk<T> {
    /// `bind` binds the columns in the order they are named; `keys` are the first ones, as many as the primary key has.
    pub(crate) fn new(
        table: &str,
        columns: &[&str],
        keys: usize,
        conflict: OnConflict,
        bind: for<'q> fn(Bound<'q>, &T) -> Bound<'q>,
    ) -> Self {
        let (key, rest) = columns.split_at(keys);
        let conflict = match conflict {
            OnConflict::Keep => "DO NOTHING".into(),
            OnConflict::Update => {
                let sets: Vec<String> = rest
                    .iter()
                    .map(|column| format!("{column} = excluded.{column}"))
                    .collect();
                format!("DO UPDATE SET {}", sets.join(", "))
            }
        };
        let text = |rows| {
            format!(
                "INSERT INTO {table} ({}) VALUES {} ON CONFLICT ({}) {conflict}",
                columns.join(", "),
                placeholders(rows, columns.len()),
                key.join(", "),
            )
        };
        Self {
            one: text(1).into(),
            many: text(MANY).into(),
            bind,
        }
    }

    /// Writes the rows; answers how many were not there, or changed.
    pub(crate) async fn write<'r>(
        &self,
        connection: &mut Connection,
        rows: impl ExactSizeIterator<Item = &'r T>,
    ) -> Result<u64, sqlx::Error>
    where
        T: 'r,
    {
        let mut affected = 0;
        let mut rows = rows;
        while rows.len() >= MANY {
            let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.many)));
            let query = rows
                .by_ref()
                .take(MANY)
                .fold(query, |query, row| (self.bind)(query, row));
            affected += query.execute(&mut *connection).await?.rows_affected();
        }
        for row in rows {
            let query = (self.bind)(sqlx::query(AssertSqlSafe(Arc::clone(&self.one))), row);
            affected += query.execute(&mut *connection).await?.rows_affected();
        }
        Ok(affected)
    }
}

/// `($1, $2), ($3, $4)` for two rows of two columns.
fn placeholders(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let numbers: Vec<String> = (1..=columns)
            .map(|column| format!("${}", row * columns + column))
            .collect();
        format!("({})", numbers.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_through_the_rows() {
        assert_eq!(placeholders(1, 1), "($1)");
        assert_eq!(placeholders(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }

    #[test]
    fn urls_name_files() {
        let cases = [
            (
                "relative",
                "sqlite:var/lampfield.db",
                Some("var/lampfield.db"),
            ),
            (
                "absolute",
                "sqlite:/var/lib/lampfield.db",
                Some("/var/lib/lampfield.db"),
            ),
            (
                "absolute with slashes",
                "sqlite:///var/lib/lampfield.db",
                Some("/var/lib/lampfield.db"),
            ),
            (
                "in memory, which no restart survives",
                "sqlite::memory:",
                None,
            ),
            ("no path", "sqlite:", None),
            ("another database", "postgres://localhost/lampfield", None),
        ];
        for (name, url, expected) in cases {
            assert_eq!(file_of(url).ok(), expected.map(PathBuf::from), "{name}");
        }
    }

    #[test]
    fn ids_of_any_node_fit_their_column() {
        for id in [0, 1, u64::MAX, 0xff00_0001_0000_0001] {
            assert_eq!(unsigned(signed(id)), id);
        }
    }
}
