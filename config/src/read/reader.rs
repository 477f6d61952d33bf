//! The walk over a document: keeps the path, gathers the problems, never stops early.

use std::collections::BTreeMap;

use super::node::{Entry, Node, Span};

/// Why a text is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// What is wrong, without the field's name: `25:00 is no time of day`.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl Invalid {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

/// A fault found while walking, before it is known which document it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) path: String,
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// Where each path of a document stands.
pub(crate) type Places = BTreeMap<String, Span>;

/// Where the path stands, or else what is nearest around it.
pub(crate) fn nearest_place(places: &Places, path: &str) -> Span {
    let around = std::iter::successors(Some(path), |path| {
        path.rfind(['.', '[']).map(|end| &path[..end])
    });
    around
        .filter_map(|path| places.get(path))
        .next()
        .cloned()
        .unwrap_or_default()
}

/// Walks a document. Fields are read by [`Field::read`](super::Field::read), which reports here
/// what is wrong; reading goes on with the field's default, so that one look finds every fault.
#[derive(Debug, Default)]
pub struct Reader {
    path: String,
    /// The same path with the indices that list items have once the faulty ones are left out.
    kept_path: String,
    problems: Vec<Problem>,
    places: Places,
}

impl Reader {
    /// Everything wrong so far, and where each path of the values as read stands.
    pub(crate) fn finish(self) -> (Vec<Problem>, Places) {
        (self.problems, self.places)
    }

    /// Reads one field of the current table: `queues[2]` becomes `queues[2].calendar` meanwhile.
    pub(crate) fn in_field<T>(
        &mut self,
        name: &str,
        node: &Node,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let step = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!(".{name}")
        };
        self.within(&step, &step, node, read)
    }

    /// Reads one item of the current list, which will stand at `kept` if it is not faulty.
    pub(crate) fn in_item<T>(
        &mut self,
        index: usize,
        kept: usize,
        node: &Node,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.within(&format!("[{index}]"), &format!("[{kept}]"), node, read)
    }

    fn within<T>(
        &mut self,
        step: &str,
        kept_step: &str,
        node: &Node,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let (outer, kept_outer) = (self.path.len(), self.kept_path.len());
        self.path.push_str(step);
        self.kept_path.push_str(kept_step);
        self.places
            .insert(self.kept_path.clone(), node.span.clone());
        let read = read(self);
        self.path.truncate(outer);
        self.kept_path.truncate(kept_outer);
        read
    }

    pub(crate) fn report(
        &mut self,
        span: &Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problems.push(Problem {
            path: self.path.clone(),
            span: span.clone(),
            message: message.into(),
            help: help.into(),
        });
    }

    /// The value is of another type than the field's.
    pub(crate) fn wrong_type(&mut self, node: &Node, expected: &str, help: impl Into<String>) {
        let message = format!(
            "{} must be {expected}, not {}",
            self.subject(),
            node.type_name()
        );
        self.report(&node.span, message, help);
    }

    /// The value is of the right type, but no value of the field.
    pub(crate) fn invalid(&mut self, node: &Node, fault: Invalid) {
        let message = format!("{}: {}", self.subject(), fault.message);
        self.report(&node.span, message, fault.help);
    }

    /// A field without which the table means nothing.
    pub(crate) fn missing(&mut self, table: &Node, name: &str, example: &str) {
        let message = format!("`{name}` is missing");
        let help = format!("write {name} = {example}");
        self.in_field(name, table, |reader| {
            reader.report(&table.span, message, help);
        });
    }

    /// A key that is no field: one of a later release, or of no release.
    pub(crate) fn unknown_key(&mut self, entry: &Entry, known: &[&str], later: &[&str]) {
        let key = entry.key.as_str();
        if later.contains(&key) {
            let message = format!("`{key}` is known, but not built yet");
            self.in_field(key, &entry.node, |reader| {
                reader.report(
                    &entry.key_span,
                    message,
                    format!("leave `{key}` out for now"),
                );
            });
            return;
        }
        let message = format!("unknown key `{key}`");
        let help = closest(key, known.iter().chain(later).copied()).map_or_else(
            || format!("the keys here are: {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        self.in_field(key, &entry.node, |reader| {
            reader.report(&entry.key_span, message, help);
        });
    }

    /// The last name on the path, as messages begin with it: `ring_timeout`.
    fn subject(&self) -> String {
        let tail = self.path.rsplit('.').next().unwrap_or_default();
        if tail.is_empty() {
            "the document".to_owned()
        } else {
            format!("`{tail}`")
        }
    }
}

/// The candidate that `word` was most likely meant to be.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance * 5 <= candidate.len().max(word.len()) * 2)
        .min()
        .map(|(_, candidate)| candidate)
}
