//! Who may do what: every route for every role, against one table (CW-2.a, CW-2.b, CW-2.d).

use std::collections::BTreeSet;

use admin_api::openapi::all_routes;
use serde_json::{Value, json};

use crate::world::World;

/// A request and the status it gets as nobody, as an attendant (ann), a supervisor (sue), an administrator (root).
type Row = (&'static str, &'static str, &'static str, Value, [u16; 4]);

/// What is asked, by route and concrete path. There is a row for every route, and one for each of own and other where
/// that makes a difference.
fn table() -> Vec<Row> {
    let none = || Value::Null;
    let call = "/api/v1/calls/0100000000000001";
    let mut rows: Vec<Row> = vec![
        ("GET", "/", "/", none(), [200, 200, 200, 200]),
        ("GET", "/metrics", "/metrics", none(), [200, 200, 200, 200]),
        (
            "GET",
            "/health/live",
            "/health/live",
            none(),
            [200, 200, 200, 200],
        ),
        (
            "GET",
            "/health/ready",
            "/health/ready",
            none(),
            [200, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/openapi.json",
            "/api/v1/openapi.json",
            none(),
            [200, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/docs",
            "/api/v1/docs",
            none(),
            [200, 200, 200, 200],
        ),
        (
            "POST",
            "/api/v1/login",
            "/api/v1/login",
            json!({}),
            [422, 422, 422, 422],
        ),
        (
            "POST",
            "/api/v1/logout",
            "/api/v1/logout",
            none(),
            [401, 204, 204, 204],
        ),
        (
            "GET",
            "/api/v1/me",
            "/api/v1/me",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "PUT",
            "/api/v1/me/password",
            "/api/v1/me/password",
            json!({}),
            [401, 422, 422, 422],
        ),
        // Users: oneself, another, a new one.
        (
            "GET",
            "/api/v1/users",
            "/api/v1/users",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "POST",
            "/api/v1/users",
            "/api/v1/users",
            json!({"username": "new"}),
            [401, 403, 403, 201],
        ),
        (
            "GET",
            "/api/v1/users/{username}",
            "/api/v1/users/me",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/users/{username}",
            "/api/v1/users/ann",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/users/{username}",
            "/api/v1/users/bob",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "GET",
            "/api/v1/users/{username}",
            "/api/v1/users/zed",
            none(),
            [401, 403, 404, 404],
        ),
        (
            "PUT",
            "/api/v1/users/{username}",
            "/api/v1/users/bob",
            json!({"name": "Bob"}),
            [401, 403, 403, 200],
        ),
        (
            "PATCH",
            "/api/v1/users/{username}",
            "/api/v1/users/bob",
            json!({"name": "Bob"}),
            [401, 403, 403, 200],
        ),
        (
            "PATCH",
            "/api/v1/users/{username}",
            "/api/v1/users/me",
            json!({"email": "a@b.c"}),
            [401, 403, 403, 200],
        ),
        (
            "PATCH",
            "/api/v1/users/{username}",
            "/api/v1/users/me",
            json!({"role": "administrator"}),
            [401, 403, 403, 200],
        ),
        (
            "DELETE",
            "/api/v1/users/{username}",
            "/api/v1/users/bob",
            none(),
            [401, 403, 403, 204],
        ),
        // Prompts: an upload is a WAV file, which these are not.
        (
            "GET",
            "/api/v1/prompts",
            "/api/v1/prompts",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "POST",
            "/api/v1/prompts",
            "/api/v1/prompts?name=new",
            none(),
            [401, 403, 403, 415],
        ),
        (
            "GET",
            "/api/v1/prompts/{name}",
            "/api/v1/prompts/welcome",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "PUT",
            "/api/v1/prompts/{name}",
            "/api/v1/prompts/welcome",
            none(),
            [401, 403, 403, 415],
        ),
        (
            "DELETE",
            "/api/v1/prompts/{name}",
            "/api/v1/prompts/welcome",
            none(),
            [401, 403, 403, 409],
        ),
        (
            "GET",
            "/api/v1/prompts/{name}/audio",
            "/api/v1/prompts/welcome/audio",
            none(),
            [401, 403, 200, 200],
        ),
        // Queues: ann attends support and not sales.
        (
            "GET",
            "/api/v1/queues",
            "/api/v1/queues",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "POST",
            "/api/v1/queues",
            "/api/v1/queues",
            json!({"name": "new"}),
            [401, 403, 403, 201],
        ),
        (
            "GET",
            "/api/v1/queues/{name}",
            "/api/v1/queues/support",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/queues/{name}",
            "/api/v1/queues/sales",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "PUT",
            "/api/v1/queues/{name}",
            "/api/v1/queues/sales",
            json!({}),
            [401, 403, 403, 200],
        ),
        (
            "PATCH",
            "/api/v1/queues/{name}",
            "/api/v1/queues/sales",
            json!({"priority": 1}),
            [401, 403, 403, 200],
        ),
        (
            "DELETE",
            "/api/v1/queues/{name}",
            "/api/v1/queues/sales",
            none(),
            [401, 403, 403, 409],
        ),
        (
            "PUT",
            "/api/v1/queues/{name}/override",
            "/api/v1/queues/sales/override",
            json!({"state": "open"}),
            [401, 403, 200, 200],
        ),
        (
            "GET",
            "/api/v1/queues/{name}/waiting",
            "/api/v1/queues/support/waiting",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/queues/{name}/waiting",
            "/api/v1/queues/sales/waiting",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "GET",
            "/api/v1/figures",
            "/api/v1/figures",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/queues/{name}/figures",
            "/api/v1/queues/support/figures",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/queues/{name}/figures",
            "/api/v1/queues/sales/figures",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "GET",
            "/api/v1/agents/{username}/figures",
            "/api/v1/agents/me/figures",
            none(),
            [401, 200, 404, 404],
        ),
        (
            "GET",
            "/api/v1/agents/{username}/figures",
            "/api/v1/agents/cid/figures",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/agents/{username}/figures",
            "/api/v1/agents/bob/figures",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "GET",
            "/api/v1/waiting",
            "/api/v1/waiting",
            none(),
            [401, 200, 200, 200],
        ),
        // Call 1 is ann's, 2 waits in her queue, 3 is bob's.
        (
            "GET",
            "/api/v1/waiting/{id}/explain",
            "/api/v1/waiting/0100000000000002/explain",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/waiting/{id}/explain",
            "/api/v1/waiting/0100000000000003/explain",
            none(),
            [401, 404, 409, 409],
        ),
        (
            "GET",
            "/api/v1/calls/{id}/explain",
            "/api/v1/calls/0100000000000002/explain",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/calls/{id}/explain",
            "/api/v1/calls/0100000000000003/explain",
            none(),
            [401, 404, 200, 200],
        ),
        (
            "GET",
            "/api/v1/bans",
            "/api/v1/bans",
            none(),
            [401, 403, 403, 200],
        ),
        (
            "DELETE",
            "/api/v1/bans/{address}",
            "/api/v1/bans/203.0.113.9",
            none(),
            [401, 403, 403, 204],
        ),
        (
            "GET",
            "/api/v1/trunks/{name}/figures",
            "/api/v1/trunks/pbx/figures",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "GET",
            "/api/v1/calls/{id}/trace",
            "/api/v1/calls/0100000000000002/trace",
            none(),
            [401, 403, 404, 404],
        ),
        (
            "GET",
            "/api/v1/agents/{username}/explain",
            "/api/v1/agents/me/explain",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/agents/{username}/explain",
            "/api/v1/agents/bob/explain",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "POST",
            "/api/v1/waiting/{id}/pick-up",
            "/api/v1/waiting/0100000000000002/pick-up",
            none(),
            [401, 204, 204, 204],
        ),
        (
            "POST",
            "/api/v1/waiting/{id}/pick-up",
            "/api/v1/waiting/0100000000000003/pick-up",
            none(),
            [401, 404, 204, 204],
        ),
        (
            "POST",
            "/api/v1/waiting/{id}/reserve",
            "/api/v1/waiting/0100000000000002/reserve",
            none(),
            [401, 204, 204, 204],
        ),
        (
            "POST",
            "/api/v1/waiting/{id}/release",
            "/api/v1/waiting/0100000000000002/release",
            none(),
            [401, 204, 204, 204],
        ),
        (
            "POST",
            "/api/v1/waiting/{id}/reserve",
            "/api/v1/waiting/0100000000000003/reserve",
            none(),
            [401, 404, 204, 204],
        ),
        (
            "POST",
            "/api/v1/waiting/{id}/release",
            "/api/v1/waiting/0100000000000003/release",
            none(),
            [401, 404, 204, 204],
        ),
        (
            "PATCH",
            "/api/v1/waiting/{id}",
            "/api/v1/waiting/0100000000000002",
            json!({"priority": 5}),
            [401, 403, 200, 200],
        ),
        // Agents: oneself, a colleague, another.
        (
            "GET",
            "/api/v1/agents",
            "/api/v1/agents",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/agents/{username}",
            "/api/v1/agents/ann",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/agents/{username}",
            "/api/v1/agents/cid",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/agents/{username}",
            "/api/v1/agents/bob",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "PUT",
            "/api/v1/agents/{username}/state",
            "/api/v1/agents/ann/state",
            json!({"state": "available"}),
            [401, 200, 200, 200],
        ),
        (
            "PUT",
            "/api/v1/agents/{username}/state",
            "/api/v1/agents/cid/state",
            json!({"state": "available"}),
            [401, 403, 200, 200],
        ),
        (
            "PUT",
            "/api/v1/agents/{username}/wrap-up",
            "/api/v1/agents/ann/wrap-up",
            json!({"end": true}),
            [401, 200, 200, 200],
        ),
        (
            "PUT",
            "/api/v1/agents/{username}/wrap-up",
            "/api/v1/agents/cid/wrap-up",
            json!({"end": true}),
            [401, 403, 200, 200],
        ),
        (
            "PUT",
            "/api/v1/agents/{username}/queues/{queue}",
            "/api/v1/agents/ann/queues/support",
            json!({"joined": false}),
            [401, 403, 200, 200],
        ),
        (
            "PUT",
            "/api/v1/agents/{username}/queues/{queue}",
            "/api/v1/agents/cid/queues/support",
            json!({"joined": false}),
            [401, 403, 200, 200],
        ),
        // Calls: 1 is ann's, 2 waits in her queue, 3 is bob's.
        (
            "GET",
            "/api/v1/calls",
            "/api/v1/calls",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "POST",
            "/api/v1/calls",
            "/api/v1/calls",
            json!({"to": "1002"}),
            [401, 201, 409, 409],
        ),
        (
            "GET",
            "/api/v1/calls/{id}",
            call,
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/calls/{id}",
            "/api/v1/calls/0100000000000002",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/calls/{id}",
            "/api/v1/calls/0100000000000003",
            none(),
            [401, 404, 200, 200],
        ),
        (
            "POST",
            "/api/v1/calls/{id}/hang-up",
            "/api/v1/calls/0100000000000001/hang-up",
            none(),
            [401, 204, 204, 204],
        ),
        (
            "POST",
            "/api/v1/calls/{id}/hang-up",
            "/api/v1/calls/0100000000000002/hang-up",
            none(),
            [401, 403, 204, 204],
        ),
        (
            "POST",
            "/api/v1/calls/{id}/hang-up",
            "/api/v1/calls/0100000000000003/hang-up",
            none(),
            [401, 404, 204, 204],
        ),
        (
            "POST",
            "/api/v1/calls/{id}/hold",
            "/api/v1/calls/0100000000000001/hold",
            none(),
            [401, 204, 204, 204],
        ),
        (
            "POST",
            "/api/v1/calls/{id}/hold",
            "/api/v1/calls/0100000000000003/hold",
            none(),
            [401, 404, 204, 204],
        ),
        (
            "POST",
            "/api/v1/calls/{id}/transfer",
            "/api/v1/calls/0100000000000001/transfer",
            json!({"to": "1002"}),
            [401, 204, 204, 204],
        ),
        (
            "POST",
            "/api/v1/calls/{id}/transfer",
            "/api/v1/calls/0100000000000003/transfer",
            json!({"to": "1002"}),
            [401, 404, 204, 204],
        ),
        (
            "POST",
            "/api/v1/calls/{id}/park",
            "/api/v1/calls/0100000000000001/park",
            json!({}),
            [401, 200, 200, 200],
        ),
        (
            "POST",
            "/api/v1/calls/{id}/park",
            "/api/v1/calls/0100000000000003/park",
            json!({"slot": 7}),
            [401, 404, 200, 200],
        ),
        (
            "GET",
            "/api/v1/parked",
            "/api/v1/parked",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "POST",
            "/api/v1/parked/{slot}/retrieve",
            "/api/v1/parked/1/retrieve",
            none(),
            [401, 204, 204, 204],
        ),
        (
            "POST",
            "/api/v1/calls/{id}/resume",
            "/api/v1/calls/0100000000000001/resume",
            none(),
            [401, 204, 204, 204],
        ),
        (
            "POST",
            "/api/v1/calls/{id}/resume",
            "/api/v1/calls/0100000000000003/resume",
            none(),
            [401, 404, 204, 204],
        ),
        (
            "GET",
            "/api/v1/history",
            "/api/v1/history",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/history/{id}",
            "/api/v1/history/0100000000000009",
            none(),
            [401, 404, 404, 404],
        ),
        // Without an upgrade there is no stream, but the right comes first.
        (
            "GET",
            "/api/v1/events",
            "/api/v1/events",
            none(),
            [401, 400, 400, 400],
        ),
    ];
    rows.extend([
        (
            "GET",
            "/api/v1/calendars/{name}/explain",
            "/api/v1/calendars/office/explain",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "GET",
            "/api/v1/calendars/{name}/changes",
            "/api/v1/calendars/office/changes",
            none(),
            [401, 403, 200, 200],
        ),
        (
            "GET",
            "/api/v1/queues/{name}/opening",
            "/api/v1/queues/support/opening",
            none(),
            [401, 200, 200, 200],
        ),
        (
            "GET",
            "/api/v1/queues/{name}/opening",
            "/api/v1/queues/sales/opening",
            none(),
            [401, 403, 200, 200],
        ),
    ]);
    rows.extend(kind("calendars", "name", "nights", json!({"name": "new"})));
    // Who may import and sends no file is told so.
    rows.push((
        "POST",
        "/api/v1/holiday-lists/{name}/import",
        "/api/v1/holiday-lists/unused/import",
        none(),
        [401, 403, 403, 415],
    ));
    rows.extend(kind(
        "holiday-lists",
        "name",
        "unused",
        json!({"name": "new", "dates": ["2026-12-25"]}),
    ));
    rows.extend(kind(
        "trunks",
        "name",
        "pbx",
        json!({"name": "new", "kind": "peer", "allow": ["192.0.2.1"]}),
    ));
    rows.extend(kind(
        "numbers",
        "number",
        "%2B31850082900",
        json!({"number": "+31201", "to": "hangup"}),
    ));
    rows.extend(kind(
        "number-lists",
        "name",
        "vip",
        json!({"name": "new", "numbers": ["+3110*"]}),
    ));
    let codes = kind("aux-codes", "name", "errand", json!({"name": "new"}));
    let wrap_up = kind("wrap-up-codes", "name", "outcome", json!({"name": "new"}));
    let other = "/api/v1/wrap-up-codes/sales%20only";
    let template = "/api/v1/wrap-up-codes/{name}";
    // ann does not serve sales (MO-6.3).
    rows.push(("GET", template, other, none(), [401, 403, 200, 200]));
    let call = "/api/v1/calls/{id}/wrap-up";
    let code = || json!({"code": "sold"});
    rows.extend([
        // Call 1 is ann's, 3 is bob's.
        (
            "POST",
            call,
            "/api/v1/calls/0100000000000001/wrap-up",
            code(),
            [401, 204, 204, 204],
        ),
        (
            "POST",
            call,
            "/api/v1/calls/0100000000000003/wrap-up",
            code(),
            [401, 404, 204, 204],
        ),
    ]);
    rows.extend(
        codes
            .into_iter()
            .chain(wrap_up)
            .map(|(method, route, path, body, statuses)| {
                let [nobody, _, supervisor, administrator] = statuses;
                // All who take breaks, or calls, read them.
                let attendant = if method == "GET" { supervisor } else { 403 };
                (
                    method,
                    route,
                    path,
                    body,
                    [nobody, attendant, supervisor, administrator],
                )
            }),
    );
    rows.extend(contacts());
    let codes = "/api/v1/feature-codes";
    let change = json!({"pick_up": "*8"});
    rows.extend([
        ("GET", codes, codes, none(), [401, 403, 200, 200]),
        ("PUT", codes, codes, change.clone(), [401, 403, 403, 200]),
        ("PATCH", codes, codes, change, [401, 403, 403, 200]),
    ]);
    rows
}

/// Resources that supervisors read and administrators change.
fn kind(table: &'static str, key: &str, name: &str, new: Value) -> Vec<Row> {
    let leak = |text: String| -> &'static str { text.leak() };
    let list = leak(format!("/api/v1/{table}"));
    let template = leak(format!("/api/v1/{table}/{{{key}}}"));
    let one = leak(format!("/api/v1/{table}/{name}"));
    let whole = match table {
        "numbers" => json!({"to": "hangup"}),
        "trunks" => json!({"kind": "peer", "allow": ["192.0.2.1"]}),
        _ => json!({}),
    };
    vec![
        ("GET", list, list, Value::Null, [401, 403, 200, 200]),
        ("POST", list, list, new, [401, 403, 403, 201]),
        ("GET", template, one, Value::Null, [401, 403, 200, 200]),
        ("PUT", template, one, whole, [401, 403, 403, 200]),
        ("PATCH", template, one, json!({}), [401, 403, 403, 200]),
        ("DELETE", template, one, Value::Null, [401, 403, 403, 204]),
    ]
}

/// Whoever answers calls keeps the directory, but who is a VIP is for supervisors: entry 1 is none, entry 2 is one.
fn contacts() -> Vec<Row> {
    const LIST: &str = "/api/v1/contacts";
    const ONE: &str = "/api/v1/contacts/{id}";
    const PLAIN: &str = "/api/v1/contacts/0000000000000001";
    const VIP: &str = "/api/v1/contacts/0000000000000002";
    let (all, some) = ([401, 200, 200, 200], [401, 403, 200, 200]);
    let new = json!({"last_name": "New"});
    let new_vip = json!({"last_name": "New", "vip": true});
    let vip = json!({"last_name": "Vip", "phone": "+31205550002", "vip": true, "company": "Acme"});
    vec![
        ("GET", LIST, LIST, Value::Null, all),
        ("POST", LIST, LIST, new, [401, 201, 201, 201]),
        ("POST", LIST, LIST, new_vip, [401, 403, 201, 201]),
        ("GET", ONE, PLAIN, Value::Null, all),
        ("PUT", ONE, PLAIN, json!({"last_name": "Other"}), all),
        ("PATCH", ONE, PLAIN, json!({"phone": "1"}), all),
        ("PATCH", ONE, PLAIN, json!({"vip": false}), all),
        ("PATCH", ONE, PLAIN, json!({"vip": true}), some),
        ("DELETE", ONE, PLAIN, Value::Null, [401, 204, 204, 204]),
        ("PUT", ONE, VIP, vip, all),
        ("PUT", ONE, VIP, json!({"last_name": "Vip"}), some),
        ("PATCH", ONE, VIP, json!({"company": "Acme"}), all),
        ("PATCH", ONE, VIP, json!({"vip": false}), some),
        ("PATCH", ONE, VIP, json!({"phone": "1"}), some),
        ("DELETE", ONE, VIP, Value::Null, [401, 403, 204, 204]),
    ]
}

fn world() -> World {
    let world = World::new();
    world.engine.started(1, None);
    world.engine.joined(1, "ann");
    world.engine.queued(2, "support");
    world.engine.started(3, None);
    world.engine.joined(3, "bob");
    world
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says() {
    for (method, route, path, body, expected) in table() {
        for (user, expected) in [None, Some("ann"), Some("sue"), Some("root")]
            .into_iter()
            .zip(expected)
        {
            let answer = world().call(user, method, path, body.clone()).await;
            assert_eq!(
                answer.status, expected,
                "{method} {path} as {user:?} ({route}): {}",
                answer.body
            );
        }
    }
}

#[test]
fn the_table_has_every_route() {
    let asked: BTreeSet<(String, String)> = table()
        .into_iter()
        .map(|(method, route, ..)| (method.to_owned(), route.to_owned()))
        .collect();
    let served: BTreeSet<(String, String)> = all_routes()
        .table()
        .iter()
        .map(|route| (route.method.to_owned(), route.path.clone()))
        .collect();
    assert_eq!(asked, served);
}

/// CW-2.a: attendant ⊂ supervisor ⊂ administrator.
#[test]
fn rights_only_grow_with_the_role() {
    for (method, _, path, _, statuses) in table() {
        let allowed: Vec<bool> = statuses
            .iter()
            .map(|status| ![401, 403].contains(status))
            .collect();
        assert!(allowed.is_sorted(), "{method} {path}: {statuses:?}");
    }
}

/// CW-2.d: promoted, the new rights apply at the next request with the same token.
#[tokio::test]
async fn another_role_applies_at_the_next_request() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("ann"));
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(
        world
            .send("GET", "/api/v1/users", &headers, Value::Null)
            .await
            .status,
        403
    );
    let promoted = world
        .call(
            Some("root"),
            "PATCH",
            "/api/v1/users/ann",
            json!({"role": "supervisor"}),
        )
        .await;
    assert_eq!(promoted.status, 200, "{promoted:?}");
    assert_eq!(
        world
            .send("GET", "/api/v1/users", &headers, Value::Null)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn lists_hold_what_one_may_see() {
    let world = world();
    world.engine.queued(4, "sales");
    let cases = [
        ("ann", "/api/v1/queues", "name", vec!["support"]),
        ("sue", "/api/v1/queues", "name", vec!["sales", "support"]),
        ("ann", "/api/v1/agents", "username", vec!["ann", "cid"]),
        ("bob", "/api/v1/agents", "username", vec!["bob"]),
        (
            "sue",
            "/api/v1/agents",
            "username",
            vec!["ann", "bob", "cid"],
        ),
        ("ann", "/api/v1/waiting", "id", vec!["0100000000000002"]),
        (
            "sue",
            "/api/v1/waiting",
            "id",
            vec!["0100000000000002", "0100000000000004"],
        ),
        (
            "ann",
            "/api/v1/calls",
            "id",
            vec!["0100000000000001", "0100000000000002"],
        ),
        (
            "bob",
            "/api/v1/calls",
            "id",
            vec!["0100000000000003", "0100000000000004"],
        ),
    ];
    for (user, path, key, expected) in cases {
        let answer = world.get(user, path).await;
        let items = answer.body["items"].as_array().expect("items");
        let seen: Vec<&str> = items.iter().filter_map(|item| item[key].as_str()).collect();
        assert_eq!(seen, expected, "{user} {path}");
    }
}
