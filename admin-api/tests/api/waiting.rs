//! What one does about those who wait.

use engine::event::{AlertEnd, Event, LeftQueue};
use engine::{CommandBody, LegId, Refusal};
use serde_json::{Value, json};

use crate::world::{World, call_id};

const PICK_UP: &str = "/api/v1/waiting/0100000000000001/pick-up";

#[tokio::test]
async fn a_call_that_waits_is_picked_up() {
    let world = World::new();
    world.engine.queued(1, "support");
    let answer = world.call(Some("ann"), "POST", PICK_UP, Value::Null).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let asked = world.engine.asked.lock().unwrap().clone();
    let [(actor, CommandBody::PickUp { call })] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!((actor.username.as_str(), *call), ("ann", call_id(1)));
    let waiting = world.get("ann", "/api/v1/waiting").await;
    assert_eq!(waiting.body["items"][0]["alerting"], json!(["ann"]));
}

#[tokio::test]
async fn who_is_too_late_hears_who_has_it() {
    let world = World::new();
    world.engine.queued(1, "support");
    world.engine.publish(Event::CallLeftQueue {
        call: call_id(1),
        why: LeftQueue::Connected,
    });
    world.engine.publish(Event::CallConnected {
        call: call_id(1),
        user: Some("cid".into()),
        leg: LegId(7),
        queue: Some("support".into()),
    });
    let refusal = Refusal::Conflict("cid has call 0100000000000001".into());
    *world.engine.refuse.lock().unwrap() = Some(refusal);
    let late = world.call(Some("ann"), "POST", PICK_UP, Value::Null).await;
    assert_eq!((late.status.as_u16(), late.problem()), (409, "conflict"));
    assert_eq!(late.body["detail"], "cid has call 0100000000000001");
    // Whose queue it was not hears nothing of it.
    let other = world.call(Some("bob"), "POST", PICK_UP, Value::Null).await;
    assert_eq!(other.status, 404);
}

#[tokio::test]
async fn a_call_that_waits_is_reserved_and_released() {
    let world = World::new();
    world.engine.queued(1, "support");
    for (deed, by) in [("reserve", json!("ann")), ("release", Value::Null)] {
        let path = format!("/api/v1/waiting/0100000000000001/{deed}");
        let answer = world.call(Some("ann"), "POST", &path, Value::Null).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        let waiting = world.get("cid", "/api/v1/waiting").await;
        let row = &waiting.body["items"][0];
        assert_eq!(
            (&row["reserved_by"], &row["held_for"]),
            (&by, &by),
            "{deed}"
        );
    }
    let asked = world.engine.commands();
    assert!(
        matches!(&asked[..], [CommandBody::Reserve { call: first }, CommandBody::Release { call: second }]
            if *first == call_id(1) && *second == call_id(1)),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_one_rejected_is_shown_as_such() {
    let world = World::new();
    world.engine.queued(1, "support");
    world.engine.publish(Event::AlertEnded {
        alert: 1,
        call: call_id(1),
        agent: "ann".into(),
        end: AlertEnd::Rejected,
        sip_status: None,
    });
    for (user, rejected) in [("ann", true), ("cid", false)] {
        let waiting = world.get(user, "/api/v1/waiting").await;
        assert_eq!(
            waiting.body["items"][0]["rejected_by_me"], rejected,
            "{user}"
        );
    }
}

#[tokio::test]
async fn a_supervisor_ranks_a_call_anew_and_sees_it_where_it_stands() {
    let world = World::new();
    world.engine.queued(1, "support");
    world.engine.queued(2, "support");
    let path = "/api/v1/waiting/0100000000000002";
    let answer = world
        .call(Some("sue"), "PATCH", path, json!({"priority": 10}))
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["priority"]),
        (200, &json!(10))
    );
    let asked = world.engine.commands();
    assert!(
        matches!(&asked[..], [CommandBody::Rerank { call, tier: None, priority: Some(10) }] if *call == call_id(2)),
        "{asked:?}"
    );
    let waiting = world.get("ann", "/api/v1/waiting").await;
    assert_eq!(waiting.body["items"][0]["id"], "0100000000000002");
    let note = world
        .call(Some("sue"), "PATCH", path, json!({"note": "x"}))
        .await;
    assert_eq!((note.status.as_u16(), note.fields()), (422, vec!["note"]));
}
