//! What is wrong with a document, for people.

use std::fmt;
use std::ops::Range;

use codespan_reporting::diagnostic::{Diagnostic, Label};
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term;

use crate::read::Problem;

/// A text that was read: the file, or an environment variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name, as messages show it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// One fault of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the file or environment variable.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub column: usize,
    /// The bytes of the source that are wrong.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )?;
        if self.help.is_empty() {
            return Ok(());
        }
        write!(f, "; {}", self.help)
    }
}

/// All faults of a document, in the order of its lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    sources: Vec<Source>,
    faults: Vec<(usize, Fault)>,
}

impl Faults {
    /// Puts problems to their places; `None` when there are none.
    pub(crate) fn new(sources: Vec<Source>, problems: Vec<Problem>) -> Option<Self> {
        let place = |problem: Problem| {
            let index = problem.span.source;
            let empty = Source {
                name: String::new(),
                text: String::new(),
            };
            let source = sources.get(index).unwrap_or(&empty);
            (index, locate(source, problem))
        };
        let mut faults: Vec<(usize, Fault)> = problems.into_iter().map(place).collect();
        faults.sort_by_key(|(source, fault)| (*source, fault.span.start));
        faults.dedup();
        (!faults.is_empty()).then_some(Self { sources, faults })
    }

    /// The faults.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().map(|(_, fault)| fault)
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.faults.len()
    }

    /// The faults with the lines they are in, for a terminal.
    pub fn render(&self) -> String {
        let mut files = SimpleFiles::new();
        let ids: Vec<usize> = self
            .sources
            .iter()
            .map(|source| files.add(source.name.as_str(), source.text.as_str()))
            .collect();
        let config = term::Config::default();
        let mut text = String::new();
        for (source, fault) in &self.faults {
            let Some(id) = ids.get(*source) else {
                continue;
            };
            let label = Label::primary(*id, fault.span.clone());
            let mut diagnostic = Diagnostic::error()
                .with_message(&fault.message)
                .with_label(label);
            if !fault.help.is_empty() {
                diagnostic = diagnostic.with_note(format!("help: {}", fault.help));
            }
            // The plain line says the same, should the source not be printable.
            match term::emit_into_string(&config, &files, &diagnostic) {
                Ok(shown) => text.push_str(&shown),
                Err(_) => text.push_str(&format!("error: {fault}\n")),
            }
        }
        text
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

fn locate(source: &Source, problem: Problem) -> Fault {
    let span = clamp(&source.text, problem.span.bytes);
    let before = source.text.get(..span.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Fault {
        file: source.name.clone(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        span,
        message: problem.message,
        help: problem.help,
    }
}

/// Keeps a span within the text and on the borders of characters, and on its first line: a table's
/// span is all of its lines.
fn clamp(text: &str, span: Range<usize>) -> Range<usize> {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let first_line = text.get(start..end).and_then(|text| text.find('\n'));
    start..first_line.map_or(end, |newline| start + newline)
}
