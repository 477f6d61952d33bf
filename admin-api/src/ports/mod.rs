//! What the API needs from the rest of the daemon, as traits.
//!
//! The API owns no truth: it reads the view, asks the engine, has the one writer change the centre, and looks
//! into the store. The daemon implements these ports over the real things, tests over small fakes. All are
//! object-safe, so that handlers stay free of type parameters.

mod accounts;
mod bans;
mod centre;
mod chronicle;
mod directory;
mod engine;
mod events;
mod health;
mod history;
mod prompts;
mod traces;

use std::future::Future;
use std::pin::Pin;

pub use accounts::{Account, Accounts, StoredToken, TokenHash};
pub use bans::{BanRecord, Bans};
pub use centre::{CentreChange, CentreWriter, ChangeError, Committed};
pub use chronicle::{Chronicle, Recounted, Story, StoryEvent};
pub use directory::{Directory, DirectoryError, EntriesAfter, EntryChange, KeptEntry};
pub use engine::{Carried, CommandError, EngineHandle};
pub use events::{EventLog, LoggedEvent, SinceError};
pub use health::{Check, Metrics, Readiness};
pub use history::{
    AlertRecord, CallDetail, CallRecord, HistoryPage, HistoryQuery, HistoryReader, LegRecord,
    ReadError,
};
pub use prompts::{Prompt, PromptChange, PromptError, Prompts, Sound, Upload};
pub use traces::{NoTrace, Traces};

/// A boxed future, as object-safe async methods give back.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The store could not be read or written; the text is for the log, not for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("store: {0}")]
pub struct StoreError(pub String);
