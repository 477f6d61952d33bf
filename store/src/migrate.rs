//! Brings a database file up to the schema that this program knows, and refuses one that is ahead of it.
//!
//! The migrations are compiled in. One that was released never changes (the migrator keeps and compares
//! their checksums); a change of schema is a new file.

use std::path::Path;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{ConnectOptions, Connection as _, SqlSafeStr};

use crate::dialect::{self, Durability};
use crate::error::StoreError;

/// The schema of one database: `(number, what it brings, SQL)`.
pub(crate) type Schema = &'static [(i64, &'static str, &'static str)];

/// `journal.db`.
pub(crate) const JOURNAL: Schema = &[(
    1,
    "journal",
    include_str!("../migrations/journal/0001_journal.sql"),
)];

/// `lampfield.db`.
pub(crate) const CENTRE: Schema = &[
    (
        1,
        "centre",
        include_str!("../migrations/sqlite/0001_centre.sql"),
    ),
    (
        2,
        "history",
        include_str!("../migrations/sqlite/0002_history.sql"),
    ),
    (
        3,
        "picked-up alerts",
        include_str!("../migrations/sqlite/0003_alert_picked_up.sql"),
    ),
    (4, "why", include_str!("../migrations/sqlite/0004_why.sql")),
    (
        5,
        "directory",
        include_str!("../migrations/sqlite/0005_directory.sql"),
    ),
    (
        6,
        "wrap-up codes",
        include_str!("../migrations/sqlite/0006_wrap_up_codes.sql"),
    ),
];

/// Makes the file where there is none, and applies what it lacks.
pub(crate) async fn migrate(file: &Path, schema: Schema) -> Result<(), StoreError> {
    dialect::make_file(file)?;
    let connected = dialect::options(file, Durability::Full).connect().await;
    let mut connection = connected.map_err(|source| StoreError::Open {
        file: file.into(),
        source,
    })?;
    let migrated = migrator(schema)
        .run_direct(None, &mut connection, false)
        .await;
    connection.close().await?;
    migrated.map_err(|source| refusal(file, schema, source))
}

fn migrator(schema: Schema) -> Migrator {
    let migration = |&(version, brings, sql): &(i64, &'static str, &'static str)| {
        Migration::new(
            version,
            brings.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    };
    Migrator::with_migrations(schema.iter().map(migration).collect())
}

/// The newest schema that this program knows.
pub(crate) fn newest(schema: Schema) -> i64 {
    let versions = schema.iter().map(|(version, ..)| *version);
    versions.max().unwrap_or(0)
}

fn refusal(file: &Path, schema: Schema, source: MigrateError) -> StoreError {
    let known = newest(schema);
    if let MigrateError::VersionMissing(found) = source
        && found > known
    {
        return StoreError::Newer {
            file: file.into(),
            found,
            known,
        };
    }
    StoreError::Migrate {
        file: file.into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Schema = &[JOURNAL[0], (2, "later", "CREATE TABLE later (id BIGINT)")];
    const TAMPERED: Schema = &[(1, "journal", "CREATE TABLE other (id BIGINT)")];

    #[tokio::test]
    async fn migrations_run_once_and_a_newer_store_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("journal.db");
        migrate(&file, JOURNAL).await.unwrap();
        migrate(&file, JOURNAL).await.unwrap();
        migrate(&file, LATER).await.unwrap();
        let refused = migrate(&file, JOURNAL).await.unwrap_err();
        assert!(
            matches!(
                refused,
                StoreError::Newer {
                    found: 2,
                    known: 1,
                    ..
                }
            ),
            "{refused}"
        );
        assert!(refused.to_string().contains("newer lampfield"), "{refused}");
    }

    #[tokio::test]
    async fn a_released_migration_that_changed_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("journal.db");
        migrate(&file, JOURNAL).await.unwrap();
        let refused = migrate(&file, TAMPERED).await.unwrap_err();
        assert!(matches!(refused, StoreError::Migrate { .. }), "{refused}");
    }

    #[tokio::test]
    async fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("lampfield.db");
        migrate(&file, CENTRE).await.unwrap();
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("bad.db");
        std::fs::write(&file, [7; 5_000]).unwrap();
        let refused = migrate(&file, CENTRE).await.unwrap_err();
        assert!(matches!(refused, StoreError::Open { .. }), "{refused}");
        assert!(refused.to_string().contains("bad.db"), "{refused}");
    }
}
