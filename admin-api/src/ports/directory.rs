//! The address book.

use config::{DirectoryEntry, EntryId};
use engine::Actor;
use serde_json::Value;

use super::Answer;

/// Reads the directory and changes it.
pub trait Directory: Send + Sync {
    /// One entry.
    fn entry(&self, id: EntryId) -> Answer<'_, Result<Option<KeptEntry>, DirectoryError>>;

    /// Entries in their order.
    fn entries(&self, query: EntriesAfter) -> Answer<'_, Result<Vec<KeptEntry>, DirectoryError>>;

    /// Makes one change, and tells the engine of it if it is about a VIP: the next call is ranked by it. It runs to its end even if
    /// the future is dropped. Answers the entry's id.
    fn change(&self, change: EntryChange) -> Answer<'_, Result<EntryId, DirectoryError>>;
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptEntry {
    /// Its id.
    pub id: EntryId,
    /// One more at each change.
    pub version: u64,
    /// What it says.
    pub entry: DirectoryEntry,
}

/// Which entries are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct EntriesAfter {
    /// Fields to sort by, each with whether it goes down; `id` is one of them.
    pub sort: Vec<(String, bool)>,
    /// Only those after the place where these fields have these values; unset fields are null and come first.
    pub after: Option<Vec<Value>>,
    /// How many at most.
    pub limit: u32,
}

/// A change of one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryChange {
    /// Who asks; stands in the audit.
    pub actor: Actor,
    /// The entry as it was read; none when it is new.
    pub old: Option<KeptEntry>,
    /// What it becomes; none when it is removed.
    pub new: Option<DirectoryEntry>,
}

/// Why the directory was not read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// Somebody else changed the entry meanwhile; made anew from the present one it may succeed.
    #[error("the entry was changed meanwhile")]
    Stale,
    /// Another entry has that name in another system.
    #[error("another entry has the external_id {0:?}")]
    Taken(String),
    /// There are as many entries as there may be.
    #[error("the directory has {0} entries, and takes no more")]
    Full(u64),
    /// Entries are not sorted by such a field; says by which they are.
    #[error("{0}")]
    Unsorted(String),
    /// The cursor is none that was given out.
    #[error("the cursor is none of ours")]
    Cursor,
    /// The store could not be read or written; the text is for the log.
    #[error("store: {0}")]
    Store(String),
}
