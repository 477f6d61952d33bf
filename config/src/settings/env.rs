//! Settings from the environment.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::Settings;
use crate::fault::Source;
use crate::read::{self, Entry, FieldInfo, Node, Problem, Record, Shape, Span, Value};

const PREFIX: &str = "LAMPFIELD__";

/// Lays the variables over the document: each becomes the value of its setting. Reports variables
/// that name none.
pub(super) fn overlay(
    root: &mut Node,
    sources: &mut Vec<Source>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Vec<Problem> {
    // In order of their names, so that the same environment gives the same messages.
    let variables: BTreeMap<String, String> = environment
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    let mut problems = Vec::new();
    for (name, text) in variables {
        let span = Span {
            source: sources.len(),
            bytes: 0..text.len(),
        };
        let path = name
            .strip_prefix(PREFIX)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let steps: Vec<&str> = path.split("__").collect();
        match find_shape(&Settings::schema(), &steps) {
            Ok(shape) => set(root, &steps, read_value(&text, &shape, &span), &span),
            Err(help) => problems.push(Problem {
                path: path.replace("__", "."),
                span: span.clone(),
                message: format!("the environment variable {name} names no setting"),
                help,
            }),
        }
        sources.push(Source {
            name: format!("environment variable {name}"),
            text,
        });
    }
    problems
}

/// The shape of the setting at the path, or what may have been meant.
fn find_shape(fields: &[FieldInfo], steps: &[&str]) -> Result<Shape, String> {
    let (step, rest) = steps
        .split_first()
        .map_or(("", steps), |(step, rest)| (*step, rest));
    let Some(field) = fields.iter().find(|field| field.name == step) else {
        let names = || fields.iter().map(|field| field.name);
        return Err(read::closest(step, names()).map_or_else(
            || {
                let names: Vec<&str> = names().collect();
                format!(
                    "instead of {} there may be: {}",
                    step.to_uppercase(),
                    names.join(", ").to_uppercase()
                )
            },
            |near| {
                format!(
                    "did you mean {} instead of {}?",
                    near.to_uppercase(),
                    step.to_uppercase()
                )
            },
        ));
    };
    match (&field.shape, rest) {
        (shape, []) => Ok(shape.clone()),
        (Shape::Table(fields), rest) => find_shape(fields, rest),
        (_, _) => Err(format!("nothing comes after {}", step.to_uppercase())),
    }
}

/// The variable's text as a value: text as it stands, the rest as in the file.
fn read_value(text: &str, shape: &Shape, span: &Span) -> Node {
    let node = |value| Node {
        value,
        span: span.clone(),
    };
    let as_written = || node(Value::Text(text.to_owned()));
    match shape {
        Shape::Text { .. } | Shape::Choice(_) | Shape::Secret => as_written(),
        Shape::List(item) if !text.trim_start().starts_with('[') => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            node(Value::List(
                items.map(|text| read_value(text, item, span)).collect(),
            ))
        }
        Shape::Flag
        | Shape::Integer { .. }
        | Shape::Share
        | Shape::List(_)
        | Shape::Table(_)
        | Shape::Named(_)
        | Shape::Either(..) => match DeValue::parse(text.trim()) {
            Ok(value) => {
                let mut parsed = read::from_toml_value(&value, span.source);
                spread(&mut parsed, span);
                parsed
            }
            // Not a value of that kind: the walk will say what it should be.
            Err(_) => as_written(),
        },
    }
}

/// Gives the whole variable as the place of everything in it.
fn spread(node: &mut Node, span: &Span) {
    node.span = span.clone();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| spread(item, span)),
        Value::Table(entries) => {
            for entry in entries {
                entry.key_span = span.clone();
                spread(&mut entry.node, span);
            }
        }
        Value::Null
        | Value::Flag(_)
        | Value::Integer(_)
        | Value::Huge(_)
        | Value::Float(_)
        | Value::Text(_) => {}
    }
}

fn set(root: &mut Node, steps: &[&str], value: Node, span: &Span) {
    let Some((last, tables)) = steps.split_last() else {
        return;
    };
    let mut table = root;
    for step in tables {
        // Where the file has no table there, the walk reports the file.
        let Some(inner) = table.child_table(step, span) else {
            return;
        };
        table = inner;
    }
    let Value::Table(entries) = &mut table.value else {
        return;
    };
    entries.retain(|entry| entry.key != *last);
    entries.push(Entry {
        key: (*last).to_owned(),
        key_span: span.clone(),
        node: value,
    });
}
