//! Reasons for breaks.

use std::collections::BTreeSet;

use super::Centre;
use crate::read::record;
use crate::values::{Label, Name};

record! {
    /// A reason for which agents take breaks. `lunch`, `meeting`, `paperwork`, `short-break` and `training` are always there; a
    /// table with such a name says how it is shown.
    pub struct AuxCode {
        /// Its name, by which breaks are recorded. Up to 64 bytes; not `no-answer`, which is the distribution's own.
        name: Name => required,
        /// What people see in its place. Unset: the name.
        label: Option<Label>,
    }
    later {}
}

/// The reasons that every centre has.
const BUILT_IN: [&str; 5] = ["lunch", "meeting", "paperwork", "short-break", "training"];

impl AuxCode {
    /// Those that every centre has.
    pub fn built_in() -> Vec<Self> {
        let code = |name| Self {
            name: Name::built_in(name),
            label: None,
        };
        BUILT_IN.map(code).into()
    }
}

impl Centre {
    /// Whether agents can take a break for this reason.
    pub fn has_aux_code(&self, name: &str) -> bool {
        BUILT_IN.contains(&name) || self.aux_codes.contains_key(name)
    }

    /// The reasons for breaks there are, by name.
    pub fn aux_code_names(&self) -> BTreeSet<&str> {
        let own = self.aux_codes.keys().map(String::as_str);
        own.chain(BUILT_IN).collect()
    }
}
