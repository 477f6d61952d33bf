//! The address book: every entry a document, with its own version, and every change on record.
//!
//! There may be tens of thousands of entries, so none is kept in memory: lists are read in their order, part by part. What an
//! entry may say is `config`'s, who may change it the API's.

use std::collections::BTreeMap;

use config::{DialNumber, DirectoryEntry, EntryId};
use serde_json::Value as Json;
use sqlx::error::DatabaseError;
use sqlx::{QueryBuilder, Row as _};

use crate::dialect::{BEGIN_WRITE, Connection, Database, Pool, Row, signed, unsigned};
use crate::error::StoreError;

/// Entries at most.
pub const ENTRIES_MAX: u64 = 100_000;

/// What entries can be sorted by: fields of the API and columns at once.
const COLUMNS: &[&str] = &[
    "id",
    "external_id",
    "first_name",
    "last_name",
    "display_name",
    "company",
    "department",
    "job_title",
    "phone",
    "mobile",
    "email",
    "vip",
];

const ENTRY: &str = "SELECT id, version, body FROM directory WHERE id = $1";
const VIPS: &str = "SELECT id, version, body FROM directory WHERE vip <> 0 ORDER BY id";
const COUNT: &str = "SELECT count(*) FROM directory";
const ADD: &str = "INSERT INTO directory (id, version, body, external_id, first_name, last_name, display_name, company, \
     department, job_title, phone, mobile, email, vip) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
const REPLACE: &str = "UPDATE directory SET version = $2, body = $3, external_id = $4, first_name = $5, last_name = $6, \
     display_name = $7, company = $8, department = $9, job_title = $10, phone = $11, mobile = $12, email = $13, vip = $14 \
     WHERE id = $1 AND version = $2 - 1";
const REMOVE: &str = "DELETE FROM directory WHERE id = $1 AND version = $2";
const AUDIT: &str = "INSERT INTO audit (utc_us, who, version, kind, name, what, before_body, after_body) \
     SELECT $1, $2, version, 'contacts', $3, $4, $5, $6 FROM centre WHERE id = 1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[ENTRY, VIPS, COUNT, ADD, REPLACE, REMOVE, AUDIT];

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEntry {
    /// Its name for programs.
    pub id: EntryId,
    /// From 1, one more at each change.
    pub version: u64,
    /// What it says.
    pub entry: DirectoryEntry,
}

/// One change of the directory, to be kept.
#[derive(Debug, Clone, Copy)]
pub struct EntryChange<'a> {
    /// The entry as it was read; none when it is new.
    pub old: Option<&'a StoredEntry>,
    /// What it becomes; none when it is removed.
    pub new: Option<&'a DirectoryEntry>,
    /// Who changes it.
    pub who: &'a str,
    /// When, UTC microseconds.
    pub utc_us: i64,
}

/// Keeps the directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Directory {
    pool: Pool,
}

impl Directory {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// One entry.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn entry(&self, id: EntryId) -> Result<Option<StoredEntry>, StoreError> {
        let row = sqlx::query(ENTRY).bind(signed(id.0));
        let row = row.fetch_optional(&self.pool).await?;
        row.as_ref().map(stored).transpose()
    }

    /// The numbers of all entries that mark VIPs.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn vips(&self) -> Result<BTreeMap<EntryId, Vec<DialNumber>>, StoreError> {
        let rows = sqlx::query(VIPS).fetch_all(&self.pool).await?;
        let numbers = |row: &Row| {
            let kept = stored(row)?;
            Ok((kept.id, kept.entry.numbers().cloned().collect()))
        };
        rows.iter().map(numbers).collect()
    }

    /// Entries in the order of these fields, each with whether it goes down: at most `limit` of those after the place where each field
    /// has the value in `after`. Unset comes first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unsorted`] for a field that entries are not sorted by, [`StoreError::Cursor`] for a place with other values
    /// than the fields can have.
    pub async fn after(
        &self,
        sort: &[(String, bool)],
        after: Option<&[Json]>,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let keys = keys(sort, after)?;
        let mut query =
            QueryBuilder::<Database>::new("SELECT id, version, body FROM directory WHERE ");
        if after.is_some() {
            push_place(&mut query, &keys);
        } else {
            query.push("1 = 1");
        }
        query.push(" ORDER BY ");
        let mut order = query.separated(", ");
        for key in &keys {
            order.push(key.column);
            order.push_unseparated(if key.down { " DESC" } else { " ASC" });
        }
        query.push(" LIMIT ").push_bind(i64::from(limit));
        let rows = query.build().fetch_all(&self.pool).await?;
        rows.iter().map(stored).collect()
    }

    /// Keeps a change; answers the entry's id.
    ///
    /// # Errors
    ///
    /// [`StoreError::StaleEntry`] when the entry is not the one that was read any more, [`StoreError::ExternalId`] when another
    /// has its `external_id`, [`StoreError::DirectoryFull`] when there are [`ENTRIES_MAX`]; then nothing is written.
    pub async fn change(&self, change: EntryChange<'_>) -> Result<EntryId, StoreError> {
        let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
        let id = match (change.old, change.new) {
            (None, Some(new)) => add(&mut transaction, new).await?,
            (Some(old), Some(new)) => replace(&mut transaction, old, new).await?,
            (Some(old), None) => remove(&mut transaction, old).await?,
            // Nothing before and nothing after: there is nothing to do, and no entry it was done to.
            (None, None) => return Err(StoreError::StaleEntry),
        };
        let before = change.old.map(|old| old.entry.to_json());
        let after = change.new.map(DirectoryEntry::to_json);
        sqlx::query(AUDIT)
            .bind(change.utc_us)
            .bind(change.who.to_owned())
            .bind(id.to_string())
            .bind(said(before.as_ref(), after.as_ref()))
            .bind(before.map(|body| body.to_string()))
            .bind(after.map(|body| body.to_string()))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(id)
    }
}

async fn add(connection: &mut Connection, new: &DirectoryEntry) -> Result<EntryId, StoreError> {
    let count: i64 = sqlx::query_scalar(COUNT)
        .fetch_one(&mut *connection)
        .await?;
    if unsigned(count) >= ENTRIES_MAX {
        return Err(StoreError::DirectoryFull { max: ENTRIES_MAX });
    }
    let id = fresh_id()?;
    write(connection, ADD, id, 1, new).await?;
    Ok(id)
}

async fn replace(
    connection: &mut Connection,
    old: &StoredEntry,
    new: &DirectoryEntry,
) -> Result<EntryId, StoreError> {
    match write(connection, REPLACE, old.id, old.version + 1, new).await? {
        0 => Err(StoreError::StaleEntry),
        _ => Ok(old.id),
    }
}

async fn remove(connection: &mut Connection, old: &StoredEntry) -> Result<EntryId, StoreError> {
    let remove = sqlx::query(REMOVE).bind(signed(old.id.0));
    let remove = remove.bind(signed(old.version)).execute(connection).await?;
    match remove.rows_affected() {
        0 => Err(StoreError::StaleEntry),
        _ => Ok(old.id),
    }
}

async fn write(
    connection: &mut Connection,
    statement: &'static str,
    id: EntryId,
    version: u64,
    entry: &DirectoryEntry,
) -> Result<u64, StoreError> {
    fn text<T: std::ops::Deref<Target = str>>(field: &Option<T>) -> String {
        field.as_deref().unwrap_or_default().to_owned()
    }
    let external_id = text(&entry.external_id);
    let written = sqlx::query(statement)
        .bind(signed(id.0))
        .bind(signed(version))
        .bind(entry.to_json().to_string())
        .bind(external_id.clone())
        .bind(text(&entry.first_name))
        .bind(text(&entry.last_name))
        .bind(text(&entry.display_name))
        .bind(text(&entry.company))
        .bind(text(&entry.department))
        .bind(text(&entry.job_title))
        .bind(text(&entry.phone))
        .bind(text(&entry.mobile))
        .bind(text(&entry.email))
        .bind(i64::from(entry.vip))
        .execute(connection)
        .await;
    let is_taken = |error: &sqlx::Error| {
        let refused = error.as_database_error();
        refused.is_some_and(DatabaseError::is_unique_violation) && !external_id.is_empty()
    };
    match written {
        Ok(done) => Ok(done.rows_affected()),
        Err(error) if is_taken(&error) => Err(StoreError::ExternalId { external_id }),
        Err(error) => Err(error.into()),
    }
}

/// Drawn by lot, so that the id of an entry that is gone does not come again. Positive as SQL knows numbers, so that it
/// sorts as it prints.
fn fresh_id() -> Result<EntryId, StoreError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Randomness {
        why: error.to_string(),
    })?;
    Ok(EntryId(u64::from_le_bytes(bytes) >> 1))
}

/// One field of an order, with its value at the place where a list goes on.
struct Key {
    column: &'static str,
    down: bool,
    at: At,
}

enum At {
    Number(i64),
    Text(String),
}

/// A field that stands there again decides nothing any more.
fn keys(sort: &[(String, bool)], after: Option<&[Json]>) -> Result<Vec<Key>, StoreError> {
    let mut keys: Vec<Key> = Vec::new();
    for (index, (field, down)) in sort.iter().enumerate() {
        let column = COLUMNS.iter().find(|column| *column == field);
        let column = column.ok_or_else(|| StoreError::Unsorted {
            field: field.clone(),
            fields: COLUMNS.join(", "),
        })?;
        let at = match after {
            Some(values) => at(column, values.get(index)).ok_or(StoreError::Cursor)?,
            None => At::Number(0),
        };
        if keys.iter().all(|key| key.column != *column) {
            keys.push(Key {
                column,
                down: *down,
                at,
            });
        }
    }
    Ok(keys)
}

fn at(column: &str, value: Option<&Json>) -> Option<At> {
    match (column, value?) {
        ("id", Json::String(id)) => {
            let id: EntryId = id.parse().ok()?;
            Some(At::Number(signed(id.0)))
        }
        ("vip", Json::Bool(vip)) => Some(At::Number(i64::from(*vip))),
        ("id" | "vip", _) => None,
        (_, Json::Null) => Some(At::Text(String::new())),
        (_, Json::String(text)) => Some(At::Text(text.clone())),
        _ => None,
    }
}

/// `(a > 1 OR (a = 1 AND (b > 2 OR (b = 2 AND FALSE))))`
fn push_place(query: &mut QueryBuilder<Database>, keys: &[Key]) {
    let Some((key, rest)) = keys.split_first() else {
        query.push("1 = 0");
        return;
    };
    query.push("(").push(key.column);
    query.push(if key.down { " < " } else { " > " });
    push_at(query, &key.at);
    query.push(" OR (").push(key.column).push(" = ");
    push_at(query, &key.at);
    query.push(" AND ");
    push_place(query, rest);
    query.push("))");
}

fn push_at(query: &mut QueryBuilder<Database>, at: &At) {
    match at {
        At::Number(number) => query.push_bind(*number),
        At::Text(text) => query.push_bind(text.clone()),
    };
}

fn stored(row: &Row) -> Result<StoredEntry, StoreError> {
    let id = EntryId(unsigned(row.try_get("id")?));
    let unreadable = |why: String| StoreError::Unreadable {
        what: format!("contacts/{id}"),
        why,
    };
    let body: &str = row.try_get("body")?;
    let json: Json = serde_json::from_str(body).map_err(|error| unreadable(error.to_string()))?;
    let entry = DirectoryEntry::from_json(&json).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        unreadable(faults.join("; "))
    })?;
    Ok(StoredEntry {
        id,
        version: unsigned(row.try_get("version")?),
        entry,
    })
}

/// What happened to it, in the words of the centre's changes.
fn said(before: Option<&Json>, after: Option<&Json>) -> String {
    let (Some(Json::Object(before)), Some(Json::Object(after))) = (before, after) else {
        let word = if after.is_some() { "added" } else { "removed" };
        return word.to_owned();
    };
    let differs = |(name, value): &(&String, &Json)| before.get(*name) != Some(*value);
    let fields = after.iter().filter(differs);
    let fields: Vec<&str> = fields.map(|(name, _)| name.as_str()).collect();
    format!("changed: {}", fields.join(", "))
}
