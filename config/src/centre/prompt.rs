//! Sounds that were uploaded, as far as the centre has to know them: by name.
//!
//! The files are in `store.directory`; the daemon says which there are. The centre file has no table of them, `apply`
//! leaves them as they are, and whatever names a prompt is checked against them and those that come with the program.

use std::collections::BTreeSet;

use super::{Centre, Kind};

/// The prompts that come with the program and can be named; `default` is the music.
pub const BUILT_IN_PROMPTS: [&str; 5] = ["closed", "default", "silence", "sorry", "welcome"];

/// A sound that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// SHA-256 of its file, in hexadecimal: another one is another sound.
    pub sha256: String,
    /// The number the media threads know it by. None: its file cannot be read, and what comes with the program under this
    /// name is played instead, if anything does.
    pub clip: Option<u32>,
}

/// One place in the centre that names a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptUse {
    /// The prompt.
    pub prompt: String,
    /// The kind of the resource that names it.
    pub kind: Kind,
    /// The resource.
    pub name: String,
    /// The field: `welcome`.
    pub field: String,
}

impl Centre {
    /// Whether there is a prompt of that name to be named.
    pub fn has_prompt(&self, name: &str) -> bool {
        BUILT_IN_PROMPTS.contains(&name) || self.prompts.contains_key(name)
    }

    /// The names that can be named, sorted.
    pub(super) fn prompt_names(&self) -> Vec<&str> {
        let uploaded = self.prompts.keys().map(String::as_str);
        let mut names: Vec<&str> = BUILT_IN_PROMPTS.into_iter().chain(uploaded).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The prompts that are different in `new`: each name, with `added`, `removed` or `changed`.
pub fn diff_prompts(old: &Centre, new: &Centre) -> Vec<(String, &'static str)> {
    let (old, new) = (&old.prompts, &new.prompts);
    let what = |name: &String| match (old.get(name), new.get(name)) {
        (None, _) => Some("added"),
        (_, None) => Some("removed"),
        (Some(old), Some(new)) => (old != new).then_some("changed"),
    };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = |name: &String| Some((name.clone(), what(name)?));
    names.into_iter().filter_map(changed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn centre(prompts: &[(&str, &str)]) -> Centre {
        let prompt = |(name, sha256): &(&str, &str)| {
            let sha256 = (*sha256).to_owned();
            ((*name).to_owned(), Prompt { sha256, clip: None })
        };
        Centre {
            prompts: prompts.iter().map(prompt).collect(),
            ..Centre::default()
        }
    }

    #[test]
    fn what_was_uploaded_replaced_and_removed_is_told() {
        let old = centre(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let new = centre(&[("a", "1"), ("b", "9"), ("d", "4")]);
        let changes = diff_prompts(&old, &new);
        let expected = [("b", "changed"), ("c", "removed"), ("d", "added")];
        assert_eq!(
            changes,
            expected.map(|(name, what)| (name.to_owned(), what))
        );
        assert_eq!(diff_prompts(&new, &new), []);
    }
}
