//! What agents say of calls.

use admin_api::ports::{AlertRecord, CallDetail};
use engine::CommandBody;
use engine::command::{CodeWish, Had};
use engine::event::AlertEnd;
use engine::view::Coded;
use serde_json::{Value, json};

use crate::calls::past;
use crate::world::{START_US, World, call_id};

fn path(n: u64) -> String {
    format!("/api/v1/calls/{}/wrap-up", call_id(n))
}

/// A call that is over, which `agent` took last, from a queue.
fn taken(n: u64, agent: &str) -> CallDetail {
    let mut detail = past(n, Some(agent), "cid");
    detail.alerts.push(AlertRecord {
        agent: agent.into(),
        queue: Some("support".into()),
        started_us: START_US,
        ended_us: Some(START_US),
        end: Some(AlertEnd::Accepted),
        sip_status: None,
        picked_up: false,
    });
    detail
}

fn asked(world: &World) -> Vec<(Option<Had>, Option<CodeWish>)> {
    let commands = world.engine.commands().into_iter();
    let codes = commands.filter_map(|body| {
        let CommandBody::CodeCall { past, code, .. } = body else {
            return None;
        };
        Some((past.map(|past| *past), code.map(|code| *code)))
    });
    codes.collect()
}

#[tokio::test]
async fn a_code_goes_to_the_engine_with_who_had_the_call() {
    let world = World::new();
    world.engine.started(1, None);
    world.engine.joined(1, "ann");
    *world.history.calls.lock().unwrap() = vec![taken(2, "ann")];
    let sold = |text: Option<&str>| CodeWish {
        category: Some("outcome".into()),
        code: "sold".into(),
        text: text.map(str::to_owned),
    };
    let had = Had {
        agent: "ann".into(),
        queue: Some("support".into()),
    };
    let body = json!({"category": "outcome", "code": "sold", "text": "two\nof them"});
    for (n, body, expected) in [
        (1, body, (None, Some(sold(Some("two\nof them"))))),
        (
            2,
            json!({"category": "outcome", "code": "sold", "text": " "}),
            (Some(had.clone()), Some(sold(None))),
        ),
        (2, json!({"code": null}), (Some(had), None)),
    ] {
        let answer = world
            .call(Some("ann"), "POST", &path(n), body.clone())
            .await;
        assert_eq!(answer.status, 204, "{body}: {}", answer.body);
        assert_eq!(asked(&world).pop(), Some(expected), "{body}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_code_is_named() {
    let world = World::new();
    world.engine.started(1, None);
    world.engine.joined(1, "ann");
    for (body, field) in [
        (json!({}), "code"),
        (json!({"code": 1}), "code"),
        (json!({"code": "x".repeat(65)}), "code"),
        (json!({"code": "x", "category": "x".repeat(65)}), "category"),
        (json!({"code": "x", "text": "x".repeat(2001)}), "text"),
        (json!({"code": "x", "text": "\u{7}"}), "text"),
        (json!({"code": null, "text": "why"}), "code"),
        (json!({"code": "x", "note": "y"}), "note"),
    ] {
        let answer = world
            .call(Some("ann"), "POST", &path(1), body.clone())
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.fields()),
            (422, vec![field]),
            "{body}"
        );
    }
    assert_eq!(asked(&world), []);
}

#[tokio::test]
async fn calls_that_one_has_no_part_in_are_not_there_and_those_nobody_took_have_nothing_to_say() {
    let world = World::new();
    world.engine.queued(1, "support");
    *world.history.calls.lock().unwrap() = vec![past(2, None, "ann"), taken(3, "bob")];
    for (n, status) in [(1, 404), (2, 409), (3, 404), (4, 404)] {
        let answer = world
            .call(Some("ann"), "POST", &path(n), json!({"code": "sold"}))
            .await;
        assert_eq!(answer.status, status, "{n}: {}", answer.body);
    }
    assert_eq!(asked(&world), []);
}

#[tokio::test]
async fn a_call_shows_its_code_while_it_is_up_and_in_the_history() {
    let world = World::new();
    world.engine.started(1, None);
    world.engine.joined(1, "ann");
    let live = format!("/api/v1/calls/{}", call_id(1));
    assert_eq!(world.get("ann", &live).await.body["wrap_up"], Value::Null);
    world
        .call(Some("ann"), "POST", &path(1), json!({"code": "sold"}))
        .await;
    let shown = world.get("ann", &live).await.body["wrap_up"].clone();
    assert_eq!(
        (&shown["code"], &shown["agent"]),
        (&json!("sold"), &json!("ann"))
    );
    let mut detail = taken(2, "ann");
    detail.call.coded = Some(Coded {
        category: "outcome".into(),
        code: "sold".into(),
        text: None,
        agent: "ann".into(),
        at_us: START_US,
    });
    *world.history.calls.lock().unwrap() = vec![detail];
    let expected = json!({
        "category": "outcome", "code": "sold", "text": null, "agent": "ann", "at": "2026-06-01T08:00:00.000000Z",
    });
    let one = world
        .get("ann", &format!("/api/v1/history/{}", call_id(2)))
        .await;
    let list = world.get("ann", "/api/v1/history").await;
    assert_eq!(
        (&one.body["wrap_up"], &list.body["items"][0]["wrap_up"]),
        (&expected, &expected)
    );
}
