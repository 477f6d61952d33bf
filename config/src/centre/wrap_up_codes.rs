//! What calls were about, as agents say it.

use super::{Centre, Queue};
use crate::read::record;
use crate::values::Name;

record! {
    /// A category of codes by which agents say what a call was about. The history keeps the words of calls that have them, whatever
    /// becomes of the category.
    pub struct WrapUpCodes {
        /// The category's name.
        name: Name => required,
        /// Its codes, in the order in which agents see them: words of up to 64 characters, 200 at most. None: there are none yet.
        codes: Vec<Name>,
        /// The queues whose calls may have these codes. None: those of all queues, and direct calls.
        queues: Vec<Name>,
    }
    later {}
}

impl WrapUpCodes {
    /// Whether calls of that queue may have these codes; without a queue, direct calls.
    pub fn is_for(&self, queue: Option<&str>) -> bool {
        let named = |queue: &str| self.queues.iter().any(|name| **name == *queue);
        self.queues.is_empty() || queue.is_some_and(named)
    }

    /// Whether it has that code.
    pub fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|name| **name == *code)
    }
}

impl Centre {
    /// The categories for calls of that queue, or for direct calls, by name.
    pub fn wrap_up_codes_for<'a>(
        &'a self,
        queue: Option<&'a str>,
    ) -> impl Iterator<Item = &'a WrapUpCodes> {
        let all = self.wrap_up_codes.values().map(|codes| &**codes);
        all.filter(move |codes| codes.is_for(queue))
    }

    /// Whether agents can give a code for calls of that queue.
    pub(super) fn has_wrap_up_code(&self, queue: &Queue) -> bool {
        let mut all = self.wrap_up_codes_for(Some(&queue.name));
        all.any(|codes| !codes.codes.is_empty())
    }
}
