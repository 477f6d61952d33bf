//! What `apply` makes of the centre that is and the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Centre, Resource, User};

impl Centre {
    /// The centre after the file has been applied: what the file names is as the file says, the
    /// rest stays, or with `prune` is gone.
    ///
    /// A user who exists keeps their password: the file's is "used when the user is created".
    /// Plain passwords of the file are still plain afterwards; see [`Centre::seal`]. Uploaded prompts stay.
    pub fn merge(&self, file: &Self, prune: bool) -> Self {
        let with_passwords = |user: &Arc<User>| match self.users.get(user.key()) {
            Some(old) if old.password.is_some() && old.password != user.password => {
                let password = old.password.clone();
                Arc::new(User {
                    password,
                    ..User::clone(user)
                })
            }
            Some(_) | None => user.clone(),
        };
        Self {
            holiday_lists: merge_kind(&self.holiday_lists, &file.holiday_lists, prune, Arc::clone),
            calendars: merge_kind(&self.calendars, &file.calendars, prune, Arc::clone),
            queues: merge_kind(&self.queues, &file.queues, prune, Arc::clone),
            users: merge_kind(&self.users, &file.users, prune, with_passwords),
            trunks: merge_kind(&self.trunks, &file.trunks, prune, Arc::clone),
            numbers: merge_kind(&self.numbers, &file.numbers, prune, Arc::clone),
            number_lists: merge_kind(&self.number_lists, &file.number_lists, prune, Arc::clone),
            feature_codes: merge_kind(&self.feature_codes, &file.feature_codes, prune, Arc::clone),
            aux_codes: merge_kind(&self.aux_codes, &file.aux_codes, prune, Arc::clone),
            // No file speaks of them.
            prompts: self.prompts.clone(),
            wrap_up_codes: merge_kind(&self.wrap_up_codes, &file.wrap_up_codes, prune, Arc::clone),
        }
    }
}

/// Unchanged resources keep their `Arc`, so that comparing them stays cheap.
fn merge_kind<T: Resource>(
    old: &BTreeMap<String, Arc<T>>,
    file: &BTreeMap<String, Arc<T>>,
    prune: bool,
    adopt: impl Fn(&Arc<T>) -> Arc<T>,
) -> BTreeMap<String, Arc<T>> {
    let mut merged = if prune { BTreeMap::new() } else { old.clone() };
    for (name, resource) in file {
        let adopted = adopt(resource);
        let kept = old.get(name).filter(|old| **old == adopted).cloned();
        merged.insert(name.clone(), kept.unwrap_or(adopted));
    }
    merged
}
