//! The SIP messages of calls, from the ring they are kept in.

use engine::CallId;
use trace::Kept;

use super::Answer;

/// Shows the SIP messages of calls.
pub trait Traces: Send + Sync {
    /// What is kept of a call, up or over.
    fn of_call(&self, call: CallId) -> Answer<'_, Result<Kept, NoTrace>>;
}

/// Why there is nothing to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTrace {
    /// No messages are kept at all.
    Off,
    /// None of this call is kept, or none any more.
    Nothing,
    /// They cannot be had at this moment.
    Busy,
}
