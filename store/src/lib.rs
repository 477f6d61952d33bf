//! All SQL: the journal, the read models folded from it, the centre, the directory, accounts and secrets.
//!
//! Two SQLite files, and a folder of uploaded sounds ([`PromptFiles`]). `journal.db`, in `store.directory`, has everything that happened, written by one thread as the engine hands it in. The
//! database that `store.url` names has the rest: the centre's resources, the directory, accounts, and the read models, which a second
//! thread folds from the journal. One process at a time works on them ([`StoreLock`]).
//!
//! **Life.** [`Store::open`] takes the lock, applies migrations (a store that a later program has written is refused) and
//! is all that `lampfield apply` needs. The daemon then reads what a restart needs ([`Store::restart`],
//! [`Store::next_incarnation`], [`Secrets::nonce_key`]) and starts the threads ([`Store::start`]). From then on the engine's thread hands entries to
//! [`JournalWriter::append`], which never blocks; everybody else asks [`History`], [`Events`],
//! [`CentreStore`], [`Directory`] and [`Accounts`], whose methods are for the daemon's runtime and never for the engine's thread.
//! [`JournalWriter::close`] writes what is left.
//!
//! **When the queue is full** is described in [`JournalWriter`]'s module and seen in [`JournalHealth`].
//!
//! It decides nothing about calls: what an entry means is the engine's, what a resource may say is `config`'s, who may see a row
//! is the API's.
#![forbid(unsafe_code)]

mod accounts;
mod centre;
mod dialect;
mod directory;
mod error;
mod history;
mod journal;
mod lock;
mod migrate;
mod projection;
mod prompts;
mod secrets;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dialect::Pool;
use journal::Journal;
use projection::Projector;

pub use accounts::{Account, Accounts, Token, TokenHash};
pub use centre::{AuditRecord, CentreChange, CentreStore};
pub use directory::{Directory, ENTRIES_MAX, EntryChange, StoredEntry};
pub use error::StoreError;
pub use history::{CallDetail, History, HistoryFilter, Page, TimesFilter};
pub use journal::{
    Beginning, Events, Gap, JournalFigures, JournalHealth, JournalReader, JournalWriter, Limits,
    NotDurable, Pressure, RestartReader, StoredEvent, Trouble,
};
pub use lock::StoreLock;
pub use projection::{AlertRecord, CallRecord, LegRecord, SessionRecord, StateRecord};
pub use prompts::{PromptFiles, Replaced, StoredPrompt, digest};
pub use secrets::Secrets;

#[cfg(test)]
mod tests;

/// Connections that answer questions; SQLite lets any number read beside the one that writes.
const READERS: u32 = 4;

/// The store of one node, open and locked.
#[derive(Debug)]
pub struct Store {
    journal: Journal,
    file: std::path::PathBuf,
    pool: Pool,
    lock: Arc<StoreLock>,
    started: AtomicBool,
}

/// What [`Store::maintain`] deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Entries of the journal.
    pub entries: u64,
    /// Calls of history, with their legs and alerts.
    pub calls: u64,
    /// Expired tokens.
    pub tokens: u64,
}

impl Store {
    /// Opens the store, making what is not there: `url` is `store.url`, `directory` is `store.directory`.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] when another process has it open, [`StoreError::Newer`] when a later program has written it, and
    /// what can go wrong with files.
    pub async fn open(url: &str, directory: &Path) -> Result<Self, StoreError> {
        let file = dialect::file_of(url)?;
        let lock = Arc::new(StoreLock::acquire(directory)?);
        if let Some(parent) = file.parent() {
            lock::make_private(parent).map_err(|source| StoreError::File {
                path: parent.into(),
                source,
            })?;
        }
        let journal = Journal::open(directory).await?;
        migrate::migrate(&file, migrate::CENTRE).await?;
        let pool = dialect::pool(&file, READERS);
        Ok(Self {
            journal,
            file,
            pool,
            lock,
            started: AtomicBool::new(false),
        })
    }

    /// The number of this run of the daemon: one more at each call, from 1.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn next_incarnation(&self) -> Result<u32, StoreError> {
        self.journal.next_incarnation().await
    }

    /// The last number that was ever given to an entry, lost ones included; the next entry gets one more.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn last_seq(&self) -> Result<u64, StoreError> {
        let projector = Projector::open(self.journal.file(), &self.file).await?;
        Ok(self.tail(&projector).await?.last_seq)
    }

    /// Reads what a restart needs.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn restart(&self) -> Result<RestartReader, StoreError> {
        self.journal.restart().await
    }

    /// Starts the journal's and the read models' threads, once per open store: the journal has one writer.
    ///
    /// # Errors
    ///
    /// [`StoreError::Started`] the second time; and when the database cannot be read, or a thread cannot be started.
    pub async fn start(&self, limits: Limits) -> Result<JournalWriter, StoreError> {
        if self.started.swap(true, Ordering::AcqRel) {
            return Err(StoreError::Started);
        }
        let projector = Projector::open(self.journal.file(), &self.file).await?;
        let tail = self.tail(&projector).await?;
        JournalWriter::start(
            self.journal.file().into(),
            tail,
            projector,
            limits,
            &self.lock,
        )
    }

    /// Folds the rest of the journal into the read models, where no daemon runs to do it. Answers how far it is folded.
    ///
    /// # Errors
    ///
    /// When a database cannot be used.
    pub async fn catch_up(&self) -> Result<u64, StoreError> {
        let mut projector = Projector::open(self.journal.file(), &self.file).await?;
        let tail = self.tail(&projector).await?;
        projector.advance(tail.last_seq).await?;
        Ok(projector.position())
    }

    /// The centre.
    pub fn centre(&self) -> CentreStore {
        CentreStore::new(self.pool.clone())
    }

    /// Accounts and tokens.
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.pool.clone())
    }

    /// The address book.
    pub fn directory(&self) -> Directory {
        Directory::new(self.pool.clone())
    }

    /// Keys.
    pub fn secrets(&self) -> Secrets {
        Secrets::new(self.pool.clone())
    }

    /// What was.
    pub fn history(&self) -> History {
        History::new(self.pool.clone())
    }

    /// The event stream, for those who were away.
    pub fn events(&self) -> Events {
        self.journal.events()
    }

    /// Deletes what is no longer to be kept: to be called about once an hour. `history_days` is `store.retention.history_days`;
    /// the journal keeps seven days, and longer what a restart or the read models still need.
    ///
    /// # Errors
    ///
    /// When a database cannot be written.
    pub async fn maintain(&self, now_us: i64, history_days: u32) -> Result<Pruned, StoreError> {
        const DAY_US: i64 = 24 * 3_600 * 1_000_000;
        let projected = sqlx::query_scalar(projection::table::POSITION)
            .fetch_one(&self.pool)
            .await?;
        let before_us = now_us.saturating_sub(i64::from(history_days) * DAY_US);
        Ok(Pruned {
            entries: self
                .journal
                .prune(now_us, dialect::unsigned(projected))
                .await?,
            calls: self.history().prune(before_us).await?,
            tokens: self.accounts().prune(now_us).await?,
        })
    }

    /// Closes the databases and gives the lock back. The writer is closed before.
    pub async fn close(self) {
        self.journal.close().await;
        self.pool.close().await;
    }

    /// The read models may be ahead of a journal that was deleted or put back from a copy: numbers go on after both.
    async fn tail(&self, projector: &Projector) -> Result<journal::Tail, StoreError> {
        let mut tail = self.journal.tail().await?;
        tail.last_seq = tail.last_seq.max(projector.position());
        Ok(tail)
    }
}
