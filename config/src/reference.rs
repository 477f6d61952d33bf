//! The reference of all fields, made from their doc comments.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::centre::{
    AuxCode, Calendar, FeatureCodes, HolidayList, Kind, Number, NumberList, Queue, Trunk, User,
    WrapUpCodes,
};
use crate::read::{FieldInfo, Record, Shape};
use crate::settings::Settings;

/// `docs/config.md`: every setting and every field of the centre, with default and meaning.
pub fn reference() -> String {
    let mut text = String::from(INTRODUCTION);
    text.push_str("\n## Settings (`lampfield.toml`)\n");
    for section in Settings::schema() {
        print_table(
            &mut text,
            &format!("[{}]", section.name),
            &section.doc,
            &section.shape,
        );
    }
    text.push_str("\n## The centre (`lampfield apply FILE`, and the API)\n");
    for kind in Kind::ALL {
        let fields = Shape::Table(schema_of(kind));
        print_table(&mut text, &kind.heading(), &doc_of(kind), &fields);
    }
    text
}

const INTRODUCTION: &str = "\
# Settings and the centre

Made from the doc comments of the crate `config`; `UPDATE_EXPECT=1 cargo test -p config` writes it again.

A field that is left out has its default; *unset* means that there is none. Every fault of a file is reported at
once, with file, line, what is wrong and what would be right. Any setting can come from the environment, which prevails:
`LAMPFIELD__SIP__DOMAIN=example.com`, `LAMPFIELD__STORE__RETENTION__HISTORY_DAYS=30`,
`LAMPFIELD__SIP__LISTEN='[\"udp:0.0.0.0:5060\"]'`.
";

/// The fields of a kind of resource.
pub(crate) fn schema_of(kind: Kind) -> Vec<FieldInfo> {
    match kind {
        Kind::HolidayList => HolidayList::schema(),
        Kind::Calendar => Calendar::schema(),
        Kind::Queue => Queue::schema(),
        Kind::User => User::schema(),
        Kind::Trunk => Trunk::schema(),
        Kind::Number => Number::schema(),
        Kind::NumberList => NumberList::schema(),
        Kind::FeatureCodes => FeatureCodes::schema(),
        Kind::AuxCode => AuxCode::schema(),
        Kind::WrapUpCodes => WrapUpCodes::schema(),
    }
}

fn doc_of(kind: Kind) -> String {
    match kind {
        Kind::HolidayList => HolidayList::doc(),
        Kind::Calendar => Calendar::doc(),
        Kind::Queue => Queue::doc(),
        Kind::User => User::doc(),
        Kind::Trunk => Trunk::doc(),
        Kind::Number => Number::doc(),
        Kind::NumberList => NumberList::doc(),
        Kind::FeatureCodes => FeatureCodes::doc(),
        Kind::AuxCode => AuxCode::doc(),
        Kind::WrapUpCodes => WrapUpCodes::doc(),
    }
}

fn print_table(text: &mut String, title: &str, doc: &str, shape: &Shape) {
    let Shape::Table(fields) = shape else {
        return;
    };
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "\n### `{title}`\n\n{doc}\n\n| field | default | meaning |\n|---|---|---|\n"
    );
    print_rows(text, "", fields);
}

fn print_rows(text: &mut String, prefix: &str, fields: &[FieldInfo]) {
    for field in fields {
        let name = format!("{prefix}{}", field.name);
        let meaning = field.doc.replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(text, "| `{name}` | {} | {meaning} |", shown_default(field));
        if let Some((inner, brackets)) = inner_fields(&field.shape) {
            print_rows(text, &format!("{name}{brackets}."), inner);
        }
    }
}

fn inner_fields(shape: &Shape) -> Option<(&[FieldInfo], &'static str)> {
    match shape {
        Shape::Table(fields) => Some((fields, "")),
        Shape::List(item) => inner_fields(item).map(|(fields, _)| (fields, "[]")),
        Shape::Either(_, other) => inner_fields(other),
        Shape::Flag
        | Shape::Integer { .. }
        | Shape::Share
        | Shape::Text { .. }
        | Shape::Choice(_)
        | Shape::Named(_)
        | Shape::Secret => None,
    }
}

fn shown_default(field: &FieldInfo) -> String {
    match (&field.default, &field.shape) {
        _ if field.required => "*required*".to_owned(),
        (Json::Null, _) => "*unset*".to_owned(),
        (Json::String(text), _) if text.is_empty() => "*unset*".to_owned(),
        (_, Shape::Table(_)) => "see below".to_owned(),
        (default, _) => format!("`{default}`"),
    }
}

/// The JSON schema (as of OpenAPI 3.1) of a resource's table, for the API's description.
pub fn json_schema<T: Record>() -> Json {
    table_schema(&T::schema())
}

fn table_schema(fields: &[FieldInfo]) -> Json {
    let properties = fields.iter().map(|field| {
        let mut schema = shape_schema(&field.shape);
        if let Json::Object(entries) = &mut schema {
            entries.insert("description".to_owned(), Json::from(field.doc.as_str()));
            if !field.required && !field.default.is_null() {
                entries.insert("default".to_owned(), field.default.clone());
            }
        }
        (field.name.to_owned(), schema)
    });
    let required = fields.iter().filter(|field| field.required);
    let required: Vec<&str> = required.map(|field| field.name).collect();
    json!({
        "type": "object",
        "properties": properties.collect::<serde_json::Map<_, _>>(),
        "required": required,
        "additionalProperties": false,
    })
}

fn shape_schema(shape: &Shape) -> Json {
    match shape {
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Shape::Text { example, .. } => json!({ "type": "string", "examples": [example] }),
        Shape::Choice(words) => json!({ "type": "string", "enum": words }),
        Shape::Secret => json!({ "type": "string", "writeOnly": true }),
        Shape::List(item) => json!({ "type": "array", "items": shape_schema(item) }),
        Shape::Table(fields) => table_schema(fields),
        Shape::Named(value) => {
            json!({ "type": "object", "additionalProperties": shape_schema(value) })
        }
        Shape::Either(one, other) => json!({ "anyOf": [shape_schema(one), shape_schema(other)] }),
    }
}
