//! Sounds that callers hear: those that come with the program and those that were uploaded.

use axum::body::Bytes;
use engine::Actor;

use super::{Answer, ChangeError, Committed, StoreError};

/// Reads and changes sounds.
pub trait Prompts: Send + Sync {
    /// All that can be played, by name.
    fn all(&self) -> Vec<Prompt>;

    /// The WAV file of one of them; none when there is no such sound.
    fn audio(&self, name: &str) -> Answer<'_, Result<Option<Bytes>, StoreError>>;

    /// Uploads or removes a sound: the file is kept, then the centre knows of it; or nothing has changed.
    ///
    /// One change at a time; it runs to its end even if the future is dropped. What a removal does to the rest of
    /// the centre was checked on the version it names.
    fn change(&self, change: PromptChange) -> Answer<'_, Result<Committed, PromptError>>;
}

/// A sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// Its name.
    pub name: String,
    /// Whether a sound of that name comes with the program.
    pub built_in: bool,
    /// The upload that is played, or was to be played.
    pub upload: Option<Upload>,
    /// What is played; none for an upload that cannot be read, and is not built in either.
    pub sound: Option<Sound>,
    /// Why the upload cannot be played.
    pub fault: Option<String>,
}

/// Where an uploaded sound comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// When it was uploaded, UTC microseconds.
    pub at_us: i64,
    /// Who uploaded it; none when its file was put there by hand.
    pub by: Option<String>,
}

/// What a WAV file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Its length.
    pub seconds: f64,
    /// The file's.
    pub bytes: u64,
    /// Samples in a second.
    pub sample_rate_hz: u32,
    /// 1 or 2.
    pub channels: u16,
    /// Of the file, in hexadecimal.
    pub sha256: String,
}

/// A change of one sound.
#[derive(Debug, Clone)]
pub struct PromptChange {
    /// Who asks; stands in the audit.
    pub actor: Actor,
    /// The version of the centre it was checked on: another in force by then is [`ChangeError::Stale`].
    pub base: u64,
    /// Which sound.
    pub name: config::PromptName,
    /// The WAV file; none removes the upload.
    pub wav: Option<Bytes>,
}

/// Why a sound was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// The file is of a kind that is not read here.
    #[error("{0}")]
    OtherKind(String),
    /// The file has a fault.
    #[error("{0}")]
    Faulty(String),
    /// There are as many sounds as there may be.
    #[error("{0}")]
    TooMany(String),
    /// As for any other change of the centre.
    #[error(transparent)]
    Change(#[from] ChangeError),
}
