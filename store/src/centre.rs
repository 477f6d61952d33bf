//! The centre as it is kept: every resource a document, every change a version with its author.
//!
//! There is one writer of the centre at a time, and it says which version it changes; whoever comes second is told
//! so and starts over. Of a change, resources, version, audit and what hangs on a removed user's account are one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::{
    AuxCode, Calendar, Centre, Change, FeatureCodes, HolidayList, Kind, Number, NumberList, Queue,
    Resource, Trunk, User, WhatChanged, WrapUpCodes, diff, diff_prompts,
};
use serde_json::Value as Json;
use sqlx::Row as _;

use crate::accounts;
use crate::dialect::{BEGIN_WRITE, Connection, Pool, Row, signed, unsigned};
use crate::error::StoreError;

const VERSION: &str = "SELECT version FROM centre WHERE id = 1";
const RESOURCES: &str = "SELECT kind, name, body FROM resources ORDER BY kind, name";
const SET_VERSION: &str = "UPDATE centre SET version = $1 WHERE id = 1 AND version = $2";
const PUT: &str = "INSERT INTO resources (kind, name, body, version) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body, version = excluded.version";
const REMOVE: &str = "DELETE FROM resources WHERE kind = $1 AND name = $2";
const AUDIT: &str = "INSERT INTO audit (utc_us, who, version, kind, name, what, before_body, after_body) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const AUDITED: &str = "SELECT id, utc_us, who, version, kind, name, what, before_body, after_body FROM audit \
     WHERE id < $1 ORDER BY id DESC LIMIT $2";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[VERSION, RESOURCES, SET_VERSION, PUT, REMOVE, AUDIT, AUDITED];

/// One change of the centre, to be kept.
#[derive(Debug, Clone, Copy)]
pub struct CentreChange<'a> {
    /// The version that is changed.
    pub old_version: u64,
    /// The centre in that version.
    pub old: &'a Centre,
    /// The version it becomes; higher.
    pub new_version: u64,
    /// The centre as it becomes, its secrets sealed.
    pub new: &'a Centre,
    /// Who changes it.
    pub who: &'a str,
    /// When, UTC microseconds.
    pub utc_us: i64,
}

/// One resource that somebody changed once.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    /// Its number; later ones are higher.
    pub id: u64,
    /// When, UTC microseconds.
    pub utc_us: i64,
    /// Who.
    pub who: String,
    /// The version of the centre that came of it.
    pub version: u64,
    /// The kind of resource, as in the API's paths: `users`. Uploaded `prompts` are on record by their digests.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `added`, `removed`, or `changed:` and the fields.
    pub what: String,
    /// What it was, without secrets.
    pub before: Option<Json>,
    /// What it became, without secrets.
    pub after: Option<Json>,
}

/// Keeps the centre. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CentreStore {
    pool: Pool,
}

impl CentreStore {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// The centre and its version; empty with version 0 when nothing was ever saved.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] naming a resource that is not what this program knows.
    pub async fn load(&self) -> Result<(u64, Centre), StoreError> {
        let mut transaction = self.pool.begin().await?;
        let version: i64 = sqlx::query_scalar(VERSION)
            .fetch_one(&mut *transaction)
            .await?;
        let rows = sqlx::query(RESOURCES).fetch_all(&mut *transaction).await?;
        let mut centre = Centre::default();
        for row in &rows {
            read(&mut centre, row)?;
        }
        Ok((unsigned(version), centre))
    }

    /// Keeps a change, and answers what is different. When nothing is, the version is kept all the same.
    ///
    /// # Errors
    ///
    /// [`StoreError::Stale`] when the stored centre is not at `old_version` any more, and
    /// [`StoreError::PlainSecret`] when a password is not sealed; then nothing is written.
    pub async fn save(&self, change: CentreChange<'_>) -> Result<Vec<Change>, StoreError> {
        refuse_plain_secrets(change.new)?;
        let changes = diff(change.old, change.new);
        let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
        let moved = sqlx::query(SET_VERSION)
            .bind(signed(change.new_version))
            .bind(signed(change.old_version))
            .execute(&mut *transaction)
            .await?;
        if moved.rows_affected() == 0 {
            let found: i64 = sqlx::query_scalar(VERSION)
                .fetch_one(&mut *transaction)
                .await?;
            return Err(StoreError::Stale {
                expected: change.old_version,
                found: unsigned(found),
            });
        }
        for one in &changes {
            write(&mut transaction, &change, one).await?;
        }
        for (name, what) in diff_prompts(change.old, change.new) {
            write_prompt(&mut transaction, &change, &name, what).await?;
        }
        transaction.commit().await?;
        Ok(changes)
    }

    /// Who changed what, newest first: those before number `before`, at most `limit`.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn audit(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let rows = sqlx::query(AUDITED)
            .bind(before.map_or(i64::MAX, signed))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(audit_record).collect()
    }
}

fn refuse_plain_secrets(centre: &Centre) -> Result<(), StoreError> {
    let users = centre.users.values().flat_map(|user| {
        [
            ("password", &user.password),
            ("sip_password", &user.sip_password),
        ]
        .map(|(field, secret)| (user.key(), field, secret))
    });
    let trunks = centre
        .trunks
        .values()
        .map(|trunk| (trunk.key(), "password", &trunk.password));
    let plain = users.chain(trunks).find(|(.., secret)| {
        secret
            .as_ref()
            .is_some_and(|secret| secret.plain().is_some())
    });
    match plain {
        Some((name, field, _)) => Err(StoreError::PlainSecret {
            name: name.into(),
            field,
        }),
        None => Ok(()),
    }
}

fn read(centre: &mut Centre, row: &Row) -> Result<(), StoreError> {
    let (table, name): (&str, &str) = (row.try_get("kind")?, row.try_get("name")?);
    let unreadable = |why: String| StoreError::Unreadable {
        what: format!("{table}/{name}"),
        why,
    };
    let json: Json = serde_json::from_str(row.try_get("body")?)
        .map_err(|error| unreadable(error.to_string()))?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.table() == table);
    match kind.ok_or_else(|| unreadable("a kind of resource that is not known here".into()))? {
        Kind::HolidayList => put::<HolidayList>(centre, &json),
        Kind::Calendar => put::<Calendar>(centre, &json),
        Kind::Queue => put::<Queue>(centre, &json),
        Kind::User => put::<User>(centre, &json),
        Kind::Trunk => put::<Trunk>(centre, &json),
        Kind::Number => put::<Number>(centre, &json),
        Kind::NumberList => put::<NumberList>(centre, &json),
        Kind::FeatureCodes => put::<FeatureCodes>(centre, &json),
        Kind::AuxCode => put::<AuxCode>(centre, &json),
        Kind::WrapUpCodes => put::<WrapUpCodes>(centre, &json),
    }
    .map_err(unreadable)
}

fn put<T: Resource>(centre: &mut Centre, json: &Json) -> Result<(), String> {
    let resource = T::from_json(json).map_err(|faults| {
        let faults: Vec<String> = faults
            .iter()
            .map(|fault| format!("{}: {}", fault.field, fault.message))
            .collect();
        faults.join("; ")
    })?;
    centre.insert(resource);
    Ok(())
}

/// A resource before and after, as it is kept and as people may see it.
struct Bodies {
    stored: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

fn bodies<T: Resource>(change: &CentreChange<'_>, name: &str) -> Bodies {
    let shown = |map: &BTreeMap<String, Arc<T>>| {
        map.get(name)
            .map(|resource| resource.to_public_json().to_string())
    };
    Bodies {
        stored: T::of(change.new)
            .get(name)
            .map(|resource| resource.to_stored_json().to_string()),
        before: shown(T::of(change.old)),
        after: shown(T::of(change.new)),
    }
}

async fn write(
    connection: &mut Connection,
    change: &CentreChange<'_>,
    one: &Change,
) -> Result<(), StoreError> {
    let bodies = match one.kind {
        Kind::HolidayList => bodies::<HolidayList>(change, &one.name),
        Kind::Calendar => bodies::<Calendar>(change, &one.name),
        Kind::Queue => bodies::<Queue>(change, &one.name),
        Kind::User => bodies::<User>(change, &one.name),
        Kind::Trunk => bodies::<Trunk>(change, &one.name),
        Kind::Number => bodies::<Number>(change, &one.name),
        Kind::NumberList => bodies::<NumberList>(change, &one.name),
        Kind::FeatureCodes => bodies::<FeatureCodes>(change, &one.name),
        Kind::AuxCode => bodies::<AuxCode>(change, &one.name),
        Kind::WrapUpCodes => bodies::<WrapUpCodes>(change, &one.name),
    };
    match &bodies.stored {
        Some(body) => {
            let put = sqlx::query(PUT)
                .bind(one.kind.table())
                .bind(one.name.clone())
                .bind(body.clone());
            put.bind(signed(change.new_version))
                .execute(&mut *connection)
                .await?;
        }
        None => {
            sqlx::query(REMOVE)
                .bind(one.kind.table())
                .bind(one.name.clone())
                .execute(&mut *connection)
                .await?;
            if one.kind == Kind::User {
                accounts::remove(connection, &one.name).await?;
            }
        }
    }
    let audited = Audited {
        kind: one.kind.path(),
        name: &one.name,
        what: said(&one.what),
        before: bodies.before,
        after: bodies.after,
    };
    audit(connection, change, audited).await
}

/// Sounds are kept as files; who changed which stands with all other changes.
async fn write_prompt(
    connection: &mut Connection,
    change: &CentreChange<'_>,
    name: &str,
    what: &str,
) -> Result<(), StoreError> {
    let body = |centre: &Centre| {
        let prompt = centre.prompts.get(name)?;
        Some(serde_json::json!({ "sha256": prompt.sha256 }).to_string())
    };
    let audited = Audited {
        kind: "prompts",
        name,
        what: what.to_owned(),
        before: body(change.old),
        after: body(change.new),
    };
    audit(connection, change, audited).await
}

/// A line of the audit, but for who and when.
struct Audited<'a> {
    kind: &'static str,
    name: &'a str,
    what: String,
    before: Option<String>,
    after: Option<String>,
}

async fn audit(
    connection: &mut Connection,
    change: &CentreChange<'_>,
    audited: Audited<'_>,
) -> Result<(), StoreError> {
    sqlx::query(AUDIT)
        .bind(change.utc_us)
        .bind(change.who.to_owned())
        .bind(signed(change.new_version))
        .bind(audited.kind)
        .bind(audited.name.to_owned())
        .bind(audited.what)
        .bind(audited.before)
        .bind(audited.after)
        .execute(connection)
        .await?;
    Ok(())
}

/// The fields are named because a secret that changed looks the same before and after.
fn said(what: &WhatChanged) -> String {
    match what {
        WhatChanged::Added | WhatChanged::Removed => what.word().into(),
        WhatChanged::Changed(fields) => {
            let fields: Vec<&str> = fields.iter().map(|change| change.field).collect();
            format!("{}: {}", what.word(), fields.join(", "))
        }
    }
}

fn audit_record(row: &Row) -> Result<AuditRecord, StoreError> {
    let body = |column: &str| -> Result<Option<Json>, StoreError> {
        let text: Option<&str> = row.try_get(column)?;
        let parsed = text.map(serde_json::from_str).transpose();
        parsed.map_err(|error| StoreError::Unreadable {
            what: "an audited resource".into(),
            why: error.to_string(),
        })
    };
    Ok(AuditRecord {
        id: unsigned(row.try_get("id")?),
        utc_us: row.try_get("utc_us")?,
        who: row.try_get("who")?,
        version: unsigned(row.try_get("version")?),
        kind: row.try_get("kind")?,
        name: row.try_get("name")?,
        what: row.try_get("what")?,
        before: body("before_body")?,
        after: body("after_body")?,
    })
}
