//! `docs/api.md` says the same as the router: every route with its right, every type of event.

use std::collections::BTreeSet;

use admin_api::openapi;
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/api.md");

/// The cells of the rows that stand below this header.
fn rows(header: &str) -> Vec<Vec<&'static str>> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in PAGE.lines() {
        inside = (inside && line.starts_with('|')) || line == header;
        if inside && line != header && !line.starts_with("| --- ") {
            rows.push(line.trim_matches('|').split(" | ").map(str::trim).collect());
        }
    }
    rows
}

#[test]
fn every_route_stands_there_with_its_right() {
    let documented: BTreeSet<(String, String, String)> =
        rows("| method | path | right | what it does |")
            .into_iter()
            .map(|cells| {
                (
                    cells[0].into(),
                    cells[1].trim_matches('`').into(),
                    cells[2].into(),
                )
            })
            .collect();
    let routes = openapi::all_routes();
    let served: BTreeSet<(String, String, String)> = routes
        .table()
        .iter()
        .map(|route| {
            let path = route.path.strip_prefix("/api/v1").unwrap_or(&route.path);
            (
                route.method.into(),
                path.into(),
                route.right.as_str().into(),
            )
        })
        .collect();
    assert_eq!(documented, served);
}

#[test]
fn every_type_of_event_stands_there() {
    let documented: Vec<&str> = rows("| type | what happened |")
        .into_iter()
        .map(|cells| cells[0].trim_matches('`'))
        .collect();
    let document: Value = serde_json::from_str(openapi::text()).unwrap();
    let events = document["components"]["schemas"]["Event"]["oneOf"]
        .as_array()
        .unwrap();
    let types: Vec<&str> = events
        .iter()
        .map(|event| event["properties"]["type"]["const"].as_str().unwrap())
        .collect();
    assert_eq!(documented, types);
}
