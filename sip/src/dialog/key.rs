//! What names a dialog (RFC 3261 §12): Call-ID and both tags.

use alloc::boxed::Box;
use core::fmt;

use crate::Message;
use crate::wire::Replaces;

/// The name of a dialog, in one piece, for a map.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogKey {
    /// Call-ID, local tag and remote tag, each ended by a line feed, which none of them can contain.
    text: Box<str>,
}

impl DialogKey {
    /// The dialog of that Call-ID and those tags. An empty remote tag stands for none (RFC 2543).
    #[must_use]
    pub fn new(call_id: &str, local_tag: &str, remote_tag: &str) -> Self {
        let parts = [call_id, "\n", local_tag, "\n", remote_tag];
        Self {
            text: parts.concat().into_boxed_str(),
        }
    }

    /// The dialog that a request from outside belongs to; `None` if its To has no tag.
    #[must_use]
    pub fn of_request(request: &Message) -> Option<Self> {
        let remote = request.from_tag().unwrap_or_default();
        Some(Self::new(request.call_id(), request.to_tag()?, remote))
    }

    /// The dialog that a response from outside belongs to; `None` if it names none.
    #[must_use]
    pub fn of_response(response: &Message) -> Option<Self> {
        let local = response.from_tag()?;
        Some(Self::new(response.call_id(), local, response.to_tag()?))
    }

    /// The dialog of ours that somebody wants to replace (RFC 3891 §3).
    #[must_use]
    pub fn replaced(replaces: &Replaces<'_>) -> Self {
        Self::new(replaces.call_id, replaces.to_tag, replaces.from_tag)
    }
}

impl fmt::Debug for DialogKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = out.debug_tuple("DialogKey");
        for part in self.text.split('\n') {
            parts.field(&part);
        }
        parts.finish()
    }
}
