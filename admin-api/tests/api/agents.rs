//! Agents and their state.

use engine::command::PresenceWish;
use engine::{CommandBody, Refusal};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn an_agent_sets_their_own_state() {
    let world = World::new();
    let before = world.get("ann", "/api/v1/agents/me").await;
    assert_eq!(
        (&before.body["state"], &before.body["extension"]),
        (&json!("offline"), &json!("1001"))
    );
    let path = "/api/v1/agents/me/state";
    let lunch = world
        .call(
            Some("ann"),
            "PUT",
            path,
            json!({"state": "break", "reason": "lunch"}),
        )
        .await;
    assert_eq!(
        (&lunch.body["state"], &lunch.body["reason"]),
        (&json!("break"), &json!("lunch")),
        "{lunch:?}"
    );
    // What was done is seen by the next read.
    assert_eq!(
        world.get("sue", "/api/v1/agents/ann").await.body["state"],
        "break"
    );
    let asked = world.engine.asked.lock().unwrap();
    let [(actor, CommandBody::SetAgentState { username, state })] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!((actor.username.as_str(), username.as_str()), ("ann", "ann"));
    assert_eq!(
        state,
        &PresenceWish::Break {
            reason: "lunch".into()
        }
    );
}

/// MO-7D.3: attendants say why.
#[tokio::test]
async fn a_break_needs_a_reason() {
    let world = World::new();
    let refused = world
        .call(
            Some("ann"),
            "PUT",
            "/api/v1/agents/me/state",
            json!({"state": "break"}),
        )
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.fields()),
        (422, vec!["reason"])
    );
    let allowed = world
        .call(
            Some("root"),
            "PUT",
            "/api/v1/agents/ann/state",
            json!({"state": "break"}),
        )
        .await;
    assert_eq!(allowed.status, 200);
}

#[tokio::test]
async fn what_the_engine_refuses_is_said() {
    let world = World::new();
    let cases = [
        (
            Refusal::Conflict("ann is talking".into()),
            409,
            "ann is talking",
        ),
        (
            Refusal::Unavailable("the daemon is stopping".into()),
            503,
            "the daemon is stopping",
        ),
        (
            Refusal::NotFound {
                what: "agent",
                name: "ann".into(),
            },
            404,
            "there is no agent \"ann\"",
        ),
    ];
    for (refusal, status, detail) in cases {
        *world.engine.refuse.lock().unwrap() = Some(refusal);
        let answer = world
            .call(
                Some("ann"),
                "PUT",
                "/api/v1/agents/me/wrap-up",
                json!({"extend": 30}),
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["detail"]),
            (status, &json!(detail))
        );
    }
}

#[tokio::test]
async fn who_takes_no_calls_is_no_agent() {
    let world = World::new();
    assert_eq!(world.get("sue", "/api/v1/agents/root").await.status, 404);
    let answer = world
        .call(
            Some("root"),
            "PUT",
            "/api/v1/agents/me/state",
            json!({"state": "available"}),
        )
        .await;
    assert_eq!(answer.status, 404);
    assert!(world.engine.commands().is_empty());
    assert_eq!(
        world
            .call(Some("sue"), "PUT", "/api/v1/agents/ann/state", Value::Null)
            .await
            .status,
        400
    );
}

/// Rule 16: only for users with that right.
#[tokio::test]
async fn an_agent_leaves_a_queue_and_comes_back() {
    let world = World::new();
    let path = "/api/v1/agents/me/queues/support";
    let refused = world
        .call(Some("ann"), "PUT", path, json!({"joined": false}))
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (403, "forbidden")
    );
    let may = json!({"may_leave_queues": true});
    let path_of_user = "/api/v1/users/ann";
    world.call(Some("root"), "PATCH", path_of_user, may).await;
    for (joined, left) in [(false, json!(["support"])), (true, json!([]))] {
        let answer = world
            .call(Some("ann"), "PUT", path, json!({ "joined": joined }))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["left_queues"], left);
        assert_eq!(answer.body["queues"], json!(["support"]));
    }
    let unknown = "/api/v1/agents/me/queues/nowhere";
    let answer = world
        .call(Some("ann"), "PUT", unknown, json!({"joined": false}))
        .await;
    assert_eq!(answer.status, 404);
}
