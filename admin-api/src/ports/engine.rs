//! The way to the engine: commands in, the view out.

use std::sync::Arc;

use engine::view::View;
use engine::{Actor, CommandBody, Done, Refusal};

use super::Answer;

/// Sends commands and shows the view.
pub trait EngineHandle: Send + Sync {
    /// Sends one command; resolves when the engine has replied, or has stopped.
    ///
    /// It need not time out by itself: the API waits two seconds and answers 504. The command is under way
    /// from the call on; dropping the future only means that nobody listens for the reply.
    fn send(
        &self,
        actor: Actor,
        body: CommandBody,
    ) -> Answer<'static, Result<Carried, CommandError>>;

    /// The latest view; one load of a pointer.
    fn view(&self) -> Arc<View>;

    /// Resolves with the first view whose `seq` has reached this one; the API bounds the wait.
    fn view_at(&self, seq: u64) -> Answer<'_, Arc<View>>;
}

/// A command that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Once the view has reached this event, it shows what the command did.
    pub seq: u64,
    /// What came of it.
    pub done: Done,
}

/// Why there is no result of a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The engine refused; nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The engine's lane for commands is full, or the daemon is stopping; nothing has changed.
    #[error("the engine takes no commands now")]
    Unavailable,
}
