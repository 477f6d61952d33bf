//! How two centres differ, for people and for the engine.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::{
    AuxCode, Calendar, Centre, FeatureCodes, HolidayList, Kind, Number, NumberList, Queue,
    Resource, Trunk, User, WrapUpCodes, export,
};
use crate::read::Written;

/// One resource that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub what: WhatChanged,
}

/// What became of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhatChanged {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// These fields are not as they were; never empty.
    Changed(Vec<FieldChange>),
}

impl WhatChanged {
    /// In one word: `added`, `removed` or `changed`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed(_) => "changed",
        }
    }
}

/// One field that is not as it was. Secrets show only that they changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name.
    pub field: &'static str,
    /// Its value before, as in the file.
    pub old: String,
    /// Its value now, as in the file.
    pub new: String,
}

/// What is different in `new`, kind by kind, each by name.
pub fn diff(old: &Centre, new: &Centre) -> Vec<Change> {
    let mut changes = Vec::new();
    diff_kind::<HolidayList>(old, new, &mut changes);
    diff_kind::<Calendar>(old, new, &mut changes);
    diff_kind::<Queue>(old, new, &mut changes);
    diff_kind::<User>(old, new, &mut changes);
    diff_kind::<Trunk>(old, new, &mut changes);
    diff_kind::<Number>(old, new, &mut changes);
    diff_kind::<NumberList>(old, new, &mut changes);
    diff_kind::<FeatureCodes>(old, new, &mut changes);
    diff_kind::<AuxCode>(old, new, &mut changes);
    diff_kind::<WrapUpCodes>(old, new, &mut changes);
    changes
}

fn diff_kind<T: Resource>(old: &Centre, new: &Centre, changes: &mut Vec<Change>) {
    let (old, new) = (T::of(old), T::of(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let what = match (old.get(name), new.get(name)) {
            (None, _) => WhatChanged::Added,
            (_, None) => WhatChanged::Removed,
            (Some(old), Some(new)) if Arc::ptr_eq(old, new) => continue,
            (Some(old), Some(new)) => match diff_fields(&**old, &**new) {
                fields if fields.is_empty() => continue,
                fields => WhatChanged::Changed(fields),
            },
        };
        changes.push(Change {
            kind: T::KIND,
            name: name.clone(),
            what,
        });
    }
}

fn diff_fields<T: Resource>(old: &T, new: &T) -> Vec<FieldChange> {
    let pairs = old.written().into_iter().zip(new.written());
    pairs
        .filter(|(old, new)| old.value != new.value)
        .map(|(old, new)| FieldChange {
            field: old.name,
            old: shown(&old),
            new: shown(&new),
        })
        .collect()
}

fn shown(field: &Written) -> String {
    if field.secret && !field.value.is_null() {
        return "(secret)".to_owned();
    }
    export::inline(&field.value)
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.what {
            WhatChanged::Added => '+',
            WhatChanged::Removed => '-',
            WhatChanged::Changed(_) => '~',
        };
        write!(f, "{sign} {}", self.kind)?;
        if !self.kind.is_single() {
            write!(f, " {}", self.name)?;
        }
        if let WhatChanged::Changed(fields) = &self.what {
            for change in fields {
                write!(
                    f,
                    "\n    {}: {} -> {}",
                    change.field, change.old, change.new
                )?;
            }
        }
        Ok(())
    }
}
