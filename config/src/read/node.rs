//! A value and where it stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where a value stands: which source text, and which bytes of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// Index into the sources of the document: 0 is the file, others are environment variables.
    pub source: usize,
    /// Bytes of that source.
    pub bytes: Range<usize>,
}

/// A value on its way in, with its place.
#[derive(Debug, Clone, Default)]
pub struct Node {
    pub(crate) value: Value,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, Default)]
pub(crate) enum Value {
    /// Left out: JSON's null, or a value the TOML parser could not read and has reported.
    #[default]
    Null,
    Flag(bool),
    Integer(i64),
    /// A whole number that no field of ours could hold.
    Huge(String),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

impl Value {
    pub(crate) fn as_table(&self) -> Option<&[Entry]> {
        match self {
            Self::Table(entries) => Some(entries),
            Self::Null
            | Self::Flag(_)
            | Self::Integer(_)
            | Self::Huge(_)
            | Self::Float(_)
            | Self::Text(_)
            | Self::List(_) => None,
        }
    }
}

/// One key of a table.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn table(span: Span) -> Self {
        Self {
            value: Value::Table(Vec::new()),
            span,
        }
    }

    /// What the value is, in words a reader of the message knows.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Flag(_) => "true or false",
            Value::Integer(_) | Value::Huge(_) => "a whole number",
            Value::Float(_) => "a number with a fraction",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The table's entry `key`, made (as an empty table) when it is missing; `None` when this
    /// node is no table.
    pub(crate) fn child_table(&mut self, key: &str, span: &Span) -> Option<&mut Self> {
        let Value::Table(entries) = &mut self.value else {
            return None;
        };
        let found = entries.iter().position(|entry| entry.key == key);
        let index = found.unwrap_or_else(|| {
            entries.push(Entry {
                key: key.to_owned(),
                key_span: span.clone(),
                node: Self::table(span.clone()),
            });
            entries.len() - 1
        });
        entries.get_mut(index).map(|entry| &mut entry.node)
    }
}

/// Turns a parsed TOML table into a node.
pub(crate) fn from_toml(table: &DeTable<'_>, span: Range<usize>, source: usize) -> Node {
    let entries = table.iter().map(|(key, value)| Entry {
        key: key.get_ref().to_string(),
        key_span: Span {
            source,
            bytes: key.span(),
        },
        node: from_toml_value(value, source),
    });
    Node {
        value: Value::Table(entries.collect()),
        span: Span {
            source,
            bytes: span,
        },
    }
}

pub(crate) fn from_toml_value(value: &Spanned<DeValue<'_>>, source: usize) -> Node {
    let bytes = value.span();
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Huge(number.to_string()), Value::Integer),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or_else(|_| Value::Huge(number.to_string()), Value::Float),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        // A date or a time without quotes is as clear as one with.
        DeValue::Datetime(moment) => Value::Text(moment.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| from_toml_value(item, source))
                .collect(),
        ),
        DeValue::Table(table) => return from_toml(table, bytes, source),
    };
    Node {
        value,
        span: Span { source, bytes },
    }
}

/// Turns JSON into a node; it has no places.
pub(crate) fn from_json(value: &serde_json::Value) -> Node {
    use serde_json::Value as Json;
    let value = match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Integer(whole),
            (None, Some(float)) if number.is_f64() => Value::Float(float),
            _ => Value::Huge(number.to_string()),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(entries) => Value::Table(
            entries
                .iter()
                .map(|(key, value)| Entry {
                    key: key.clone(),
                    key_span: Span::default(),
                    node: from_json(value),
                })
                .collect(),
        ),
    };
    Node {
        value,
        span: Span::default(),
    }
}
