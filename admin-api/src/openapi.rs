//! The OpenAPI 3.1 document, put together from the routes that are served, and a page to read it.
//!
//! The schemas of resources come from `config`, where their fields are described; those of events from
//! `events::kinds`; the others from the types that the handlers answer with.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use config::{
    AuxCode, Calendar, FeatureCodes, HolidayList, Number, NumberList, Queue, Record, Trunk, User,
    WrapUpCodes,
};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::resource::Exposed;
use crate::routing::Routes;
use crate::{events, routes};

static DOCUMENT: LazyLock<Value> = LazyLock::new(build);
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let text = serde_json::to_string_pretty(&*DOCUMENT).unwrap_or_default();
    text + "\n"
});
static PAGE: LazyLock<String> = LazyLock::new(|| render(&DOCUMENT));

/// The document as it is served and committed.
pub fn text() -> &'static str {
    &TEXT
}

/// A page that lists every route, for people.
pub(crate) fn page() -> &'static str {
    &PAGE
}

/// All routes, as the router serves and the document lists them.
pub fn all_routes() -> Routes {
    routes::api().merge(routes::root())
}

fn build() -> Value {
    let routes = all_routes();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lampfield",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": routes.paths(),
        "components": {
            "schemas": schemas(&routes),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "The token from POST /api/v1/login" },
                "cookie": { "type": "apiKey", "in": "cookie", "name": crate::auth::token::COOKIE },
            },
        },
    })
}

const DESCRIPTION: &str = "Times are RFC 3339 in UTC, lengths seconds. Errors are RFC 9457 problem details that name \
    the field at fault. Lists take limit, cursor, sort and filter[field]. Answers carry an ETag; changes honour If-Match. \
    An Idempotency-Key on a change makes a retry harmless. x-right says what a route asks of its caller: public, \
    signed-in, attendant, supervisor or administrator, each including those before it.";

fn schemas(routes: &Routes) -> BTreeMap<String, Value> {
    let mut schemas: BTreeMap<String, Value> = routes
        .schemas()
        .iter()
        .map(|(name, schema)| (name.clone(), json!(schema)))
        .collect();
    let mut problem = Vec::new();
    Problem::schemas(&mut problem);
    problem.push((
        Problem::name().into_owned(),
        <Problem as utoipa::PartialSchema>::schema(),
    ));
    schemas.extend(
        problem
            .into_iter()
            .map(|(name, schema)| (name, json!(schema))),
    );
    schemas.extend([
        resource::<Calendar>(),
        resource::<HolidayList>(),
        resource::<Number>(),
        resource::<NumberList>(),
        resource::<FeatureCodes>(),
        resource::<AuxCode>(),
        resource::<WrapUpCodes>(),
        resource::<Trunk>(),
    ]);
    let (name, queue) = resource::<Queue>();
    let status = json!({ "$ref": "#/components/schemas/QueueStatus", "readOnly": true });
    schemas.insert(name, with_live(queue, &[("status", status)]));
    let (name, user) = resource::<User>();
    let locked =
        json!({ "type": "boolean", "description": "Too many logins failed; false unlocks" });
    let must = json!({ "type": "boolean", "description": "Until they change it, their password is good for that only" });
    schemas.insert(
        name,
        with_live(user, &[("locked", locked), ("must_change_password", must)]),
    );
    schemas.insert("Contact".to_owned(), routes::contact_schema());
    schemas.insert("Event".to_owned(), events::kinds::schema());
    schemas
}

/// The schema of a resource. Optional fields that are unset are null in answers.
fn resource<T: Exposed>() -> (String, Value) {
    (T::SCHEMA.to_owned(), record::<T>())
}

/// The schema of a table.
pub(crate) fn record<T: Record>() -> Value {
    let mut schema = config::json_schema::<T>();
    for field in T::schema()
        .iter()
        .filter(|field| !field.required && field.default.is_null())
    {
        let property = &mut schema["properties"][field.name];
        let inner = property.take();
        *property =
            json!({ "description": inner["description"], "anyOf": [inner, { "type": "null" }] });
    }
    schema
}

fn with_live(mut schema: Value, live: &[(&str, Value)]) -> Value {
    for (name, property) in live {
        schema["properties"][name] = property.clone();
    }
    schema
}

/// The document as one page: every route with its words, and every schema.
fn render(document: &Value) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Lampfield: HTTP API</title>\n<style>\
         body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
         code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#8881;padding:1rem;overflow:auto}\
         summary{cursor:pointer}.right{opacity:.7}</style>\n<h1>Lampfield: HTTP API</h1>\n",
    );
    let description = escape(document["info"]["description"].as_str().unwrap_or_default());
    page += &format!(
        "<p>{description}</p>\n<p><a href=\"openapi.json\">The OpenAPI document</a></p>\n<h2>Routes</h2>\n"
    );
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            render_operation(&mut page, path, method, operation);
        }
    }
    page += "<h2>Schemas</h2>\n";
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let name = escape(name);
        render_details(
            &mut page,
            &format!("<code id=\"{name}\">{name}</code>"),
            schema,
        );
    }
    page + "</html>\n"
}

fn render_operation(page: &mut String, path: &str, method: &str, operation: &Value) {
    let summary = escape(operation["summary"].as_str().unwrap_or_default());
    let right = escape(operation["x-right"].as_str().unwrap_or_default());
    let head = format!(
        "<code>{} {}</code> {summary} <span class=\"right\">({right})</span>",
        method.to_uppercase(),
        escape(path)
    );
    render_details(page, &head, operation);
}

fn render_details(page: &mut String, head: &str, value: &Value) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    writeln!(
        page,
        "<details><summary>{head}</summary><pre>{}</pre></details>",
        escape(&text)
    )
    .expect("writing to a String does not fail");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_stands_in_the_document_with_its_right() {
        let routes = all_routes();
        let mut listed = 0;
        for route in routes.table() {
            let operation = &DOCUMENT["paths"][&route.path][route.method.to_lowercase()];
            assert_eq!(
                operation["x-right"],
                route.right.as_str(),
                "{} {}",
                route.method,
                route.path
            );
            assert!(
                operation["summary"]
                    .as_str()
                    .is_some_and(|summary| !summary.is_empty()),
                "{route:?}"
            );
            listed += 1;
        }
        let paths = DOCUMENT["paths"].as_object().expect("paths");
        let operations: usize = paths
            .values()
            .map(|item| item.as_object().map_or(0, serde_json::Map::len))
            .sum();
        assert_eq!(operations, listed);
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let paths = DOCUMENT["paths"].as_object().expect("paths");
        let operations = paths
            .values()
            .flat_map(|item| item.as_object().expect("operations").values());
        let mut names = std::collections::BTreeSet::new();
        for operation in operations {
            let name = operation["operationId"].as_str().expect("a name");
            assert!(names.insert(name), "{name} stands there twice");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(value: &Value) {
            match value {
                Value::Object(fields) => {
                    if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
                        let name = name
                            .strip_prefix("#/components/schemas/")
                            .expect("a reference to a schema");
                        assert!(!DOCUMENT["components"]["schemas"][name].is_null(), "{name}");
                    }
                    fields.values().for_each(check);
                }
                Value::Array(items) => items.iter().for_each(check),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        check(&DOCUMENT);
    }

    #[test]
    fn the_page_is_safe_and_complete() {
        assert!(page().contains("POST /api/v1/login"));
        assert!(page().contains("Lists who waits"));
        assert_eq!(escape("<script>\"&"), "&lt;script&gt;&quot;&amp;");
    }

    /// `UPDATE_EXPECT=1 cargo test -p admin-api` rewrites the file.
    #[test]
    fn the_committed_document_is_the_one_that_is_served() {
        expect_test::expect_file!["../openapi.json"].assert_eq(text());
    }
}
