//! What can go wrong with the store, in words for the person who has to mend it.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file or directory could not be made, opened or locked.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process works on this directory.
    #[error("the store in {} is in use by {holder}", directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
        /// The other process, as far as it is known.
        holder: String,
    },
    /// The settings name a database this program cannot open.
    #[error(
        "store.url {url:?} cannot be opened: it is sqlite: and a path, such as \"sqlite:var/lampfield.db\""
    )]
    Url {
        /// The setting.
        url: String,
    },
    /// A later program has written here; its data might mean something this one does not know.
    #[error(
        "{} was written by a newer lampfield: it has schema {found}, and this program knows schemas up to {known}; \
         run that newer program, or restore a backup made by this one",
        file.display()
    )]
    Newer {
        /// The database file.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// A file that is no database, or one that cannot be used as such.
    #[error("{}: cannot be opened as a database: {source}", file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// What the database said.
        source: sqlx::Error,
    },
    /// A file that is no journal.
    #[error("{} is no journal of lampfield: {source}", file.display())]
    NoJournal {
        /// The file.
        file: PathBuf,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error("{}: cannot bring the schema up to date: {source}", file.display())]
    Migrate {
        /// The database file.
        file: PathBuf,
        /// What the migrator said.
        source: MigrateError,
    },
    /// The database refused.
    #[error("database: {0}")]
    Sql(#[from] sqlx::Error),
    /// Somebody else changed the centre in the meantime.
    #[error(
        "the centre is at version {found} by now, and the change was made for version {expected}"
    )]
    Stale {
        /// The version the change was made for.
        expected: u64,
        /// The version that is stored.
        found: u64,
    },
    /// Somebody else changed the entry of the directory in the meantime, or removed it.
    #[error("the entry is not the one that was read any more")]
    StaleEntry,
    /// Two entries of the directory would have the same name in another system.
    #[error("another entry has the external_id {external_id:?}")]
    ExternalId {
        /// That name.
        external_id: String,
    },
    /// The directory has as many entries as it may.
    #[error("the directory has {max} entries, and takes no more")]
    DirectoryFull {
        /// So many.
        max: u64,
    },
    /// A field that entries of the directory are not sorted by.
    #[error("entries are not sorted by {field:?}, but by {fields}")]
    Unsorted {
        /// The field.
        field: String,
        /// Those that they are sorted by.
        fields: String,
    },
    /// A stored row has a value that this program cannot read.
    #[error("{what} is stored as something that cannot be read: {why}")]
    Unreadable {
        /// Which row.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A password was about to be kept as it was typed.
    #[error("{field} of {name} is not sealed, and is not kept like that")]
    PlainSecret {
        /// Whose.
        name: String,
        /// Which one.
        field: &'static str,
    },
    /// The journal has a writer already.
    #[error("the journal is being written already")]
    Started,
    /// The operating system gives no random bytes.
    #[error("no randomness: {why}")]
    Randomness {
        /// What it said.
        why: String,
    },
    /// Events this old are no longer kept.
    #[error("events up to {pruned_to} are no longer kept; start over from the present state")]
    Expired {
        /// The last number that is gone.
        pruned_to: u64,
    },
    /// A cursor that this program has not given out.
    #[error("the cursor is not one that was given out here")]
    Cursor,
    /// A thread could not be started.
    #[error("cannot start the thread {name}: {source}")]
    Thread {
        /// Its name.
        name: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}
