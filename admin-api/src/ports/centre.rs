//! The one writer of the centre.

use std::sync::Arc;

use config::{Centre, Snapshot};
use engine::command::{Effect, Moves};
use engine::{Actor, Refusal};

use super::Answer;

/// Reads the centre in force and replaces it.
pub trait CentreWriter: Send + Sync {
    /// The centre in force.
    fn current(&self) -> Arc<Snapshot>;

    /// Makes `change.centre` the centre: seals the secrets that are still plain, has the engine prepare it, commits
    /// the SQL, has the engine commit it; or aborts, and then nothing has changed.
    ///
    /// One change at a time; it runs to its end even if the future is dropped. The centre was validated
    /// and its login passwords are argon2id hashes.
    fn change(&self, change: CentreChange) -> Answer<'_, Result<Committed, ChangeError>>;
}

/// A centre to be put in place of the one it was made from.
#[derive(Debug, Clone)]
pub struct CentreChange {
    /// Who asks; stands in the audit.
    pub actor: Actor,
    /// The version it was made from: another in force by then is [`ChangeError::Stale`].
    pub base: u64,
    /// The whole centre as it shall be.
    pub centre: Centre,
    /// Where those go who wait in queues that are gone then.
    pub moves: Moves,
}

/// A change that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The centre's version now.
    pub version: u64,
    /// Once the view has reached this event, it shows the change.
    pub seq: u64,
    /// What it did to calls and agents.
    pub effects: Vec<Effect>,
}

/// Why the centre was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// Somebody else changed the centre meanwhile; made anew from the present one it may succeed.
    #[error("the centre was changed meanwhile")]
    Stale,
    /// The engine would not have it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The engine did not answer in time; the change was aborted.
    #[error("the engine did not answer in time")]
    TimedOut,
    /// It could not be stored; the text is for the log.
    #[error("store: {0}")]
    Store(String),
}
