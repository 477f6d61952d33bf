//! Everything that differs between SQLite and another database; all other SQL in this crate is written for both.
//!
//! Statements that are written out number their parameters `$1`, times are `BIGINT` microseconds, upserts are `ON CONFLICT`. What is
//! left to differ: how a connection is opened, how a writing transaction begins, how parameters of
//! bulk statements look, and 64-bit ids, which SQL knows only signed.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Sqlite, SqliteConnection};

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
        .statement_cache_capacity(2 * AT_ONCE)
        .disable_statement_logging()
}

/// For looking at a file that others may be writing, and that must stay as it is.
pub(crate) fn reading(file: &Path) -> Options {
    Options::new()
        .filename(file)
        .read_only(true)
        .busy_timeout(BUSY)
        .disable_statement_logging()
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
    /// What stands before the rows, and after.
    head: String,
    tail: String,
    columns: usize,
    /// For 1, 2, 3, ... rows, made when first needed.
    texts: [OnceLock<Arc<str>>; AT_ONCE],
    bind: for<'q> fn(Bound<'q>, &T) -> Bound<'q>,
}

/// Rows in one statement at most; with the widest table two thousand parameters, which every SQLite and PostgreSQL takes.
pub(crate) const AT_ONCE: usize = 64;

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
        Self {
            head: format!("INSERT INTO {table} ({}) VALUES ", columns.join(", ")),
            tail: format!(" ON CONFLICT ({}) {conflict}", key.join(", ")),
            columns: columns.len(),
            texts: [const { OnceLock::new() }; AT_ONCE],
            bind,
        }
    }

    /// Writes the rows; answers how many were not there, or changed. A number of rows is written as the powers of two
    /// that it is the sum of, so that few statements are prepared and none is prepared again.
    pub(crate) async fn write<'r>(
        &self,
        connection: &mut Connection,
        mut rows: impl ExactSizeIterator<Item = &'r T>,
    ) -> Result<u64, sqlx::Error>
    where
        T: 'r,
    {
        let mut affected = 0;
        while let Some(power) = rows.len().checked_ilog2() {
            let size = AT_ONCE.min(1 << power);
            affected += self
                .write_at_once(connection, size, rows.by_ref().take(size))
                .await?;
        }
        Ok(affected)
    }

    /// Writes `size` rows, 1 to [`AT_ONCE`], in one statement, which is a transaction of its own where none is open.
    pub(crate) async fn write_at_once<'r>(
        &self,
        connection: &mut Connection,
        size: usize,
        rows: impl Iterator<Item = &'r T>,
    ) -> Result<u64, sqlx::Error>
    where
        T: 'r,
    {
        let query = rows.fold(sqlx::query(AssertSqlSafe(self.text(size))), |query, row| {
            (self.bind)(query, row)
        });
        Ok(query.execute(connection).await?.rows_affected())
    }

    fn text(&self, size: usize) -> Arc<str> {
        let make = || {
            format!(
                "{}{}{}",
                self.head,
                placeholders(size, self.columns),
                self.tail
            )
            .into()
        };
        Arc::clone(self.texts[size - 1].get_or_init(make))
    }
}

/// `(?, ?), (?, ?)` for two rows of two columns. SQLite looks a numbered parameter up by its name, among all of the
/// statement's; for one without a name there is nothing to look up. PostgreSQL will want them numbered.
fn placeholders(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_fill_the_rows() {
        assert_eq!(placeholders(1, 1), "(?)");
        assert_eq!(placeholders(2, 3), "(?, ?, ?), (?, ?, ?)");
    }

    #[tokio::test]
    async fn any_number_of_rows_is_written_whole_and_in_order() {
        use sqlx::Executor as _;
        let directory = tempfile::tempdir().unwrap();
        let mut connection = options(&directory.path().join("a.db"), Durability::Full)
            .connect()
            .await
            .unwrap();
        connection
            .execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v BIGINT)")
            .await
            .unwrap();
        let bulk = |conflict| {
            Bulk::<(i64, i64)>::new("t", &["k", "v"], 1, conflict, |query, row| {
                query.bind(row.0).bind(row.1)
            })
        };
        let (keep, update) = (bulk(OnConflict::Keep), bulk(OnConflict::Update));
        for count in [0, 1, 2, 3, 63, 64, 65, 200] {
            connection.execute("DELETE FROM t").await.unwrap();
            let rows: Vec<(i64, i64)> = (0..count).map(|k| (k, -k)).collect();
            assert_eq!(
                keep.write(&mut connection, rows.iter()).await.unwrap(),
                rows.len() as u64
            );
            assert_eq!(keep.write(&mut connection, rows.iter()).await.unwrap(), 0);
            let read: Vec<(i64, i64)> = sqlx::query_as("SELECT k, v FROM t ORDER BY k")
                .fetch_all(&mut connection)
                .await
                .unwrap();
            assert_eq!(read, rows, "{count}");
            let changed: Vec<(i64, i64)> = (0..count).map(|k| (k, k + 7)).collect();
            assert_eq!(
                update.write(&mut connection, changed.iter()).await.unwrap(),
                changed.len() as u64
            );
            let read: Vec<(i64, i64)> = sqlx::query_as("SELECT k, v FROM t ORDER BY k")
                .fetch_all(&mut connection)
                .await
                .unwrap();
            assert_eq!(read, changed, "{count}");
        }
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
