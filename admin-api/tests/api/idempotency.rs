//! `Idempotency-Key`: asked twice, done once.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::world::{Answered, World};

async fn place(world: &World, bearer: &str, key: &str, to: &str) -> Answered {
    let headers = [("authorization", bearer), ("idempotency-key", key)];
    world
        .send("POST", "/api/v1/calls", &headers, json!({ "to": to }))
        .await
}

#[tokio::test]
async fn a_retry_gets_the_same_answer_and_nothing_happens_twice() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("ann"));
    let first = place(&world, &bearer, "k1", "1002").await;
    let again = place(&world, &bearer, "k1", "1002").await;
    assert_eq!(
        (first.status.as_u16(), &first.body, first.header("location")),
        (201, &again.body, again.header("location"))
    );
    assert_eq!(again.status, 201);
    assert_eq!(world.engine.commands().len(), 1);
    assert_ne!(place(&world, &bearer, "k2", "1002").await.body, first.body);

    let other = place(&world, &bearer, "k1", "1003").await;
    assert_eq!(
        (other.status.as_u16(), other.fields()),
        (422, vec!["Idempotency-Key"])
    );
    // A key is its user's own.
    let bob = format!("Bearer {}", world.token("bob"));
    assert_ne!(place(&world, &bob, "k1", "1002").await.body, first.body);
    assert_eq!(world.engine.commands().len(), 3);
}

/// A retry after a 504 finds what the engine did meanwhile instead of asking it again.
#[tokio::test(start_paused = true)]
async fn a_retry_after_a_504_does_not_ask_again() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("ann"));
    world.engine.silent.store(true, Ordering::SeqCst);
    let silent = place(&world, &bearer, "k1", "1002").await;
    assert_eq!((silent.status.as_u16(), silent.problem()), (504, "timeout"));
    world.engine.resume();
    let retried = place(&world, &bearer, "k1", "1002").await;
    assert_eq!(retried.status, 201, "{retried:?}");
    assert_eq!(world.engine.commands().len(), 1);
}

#[tokio::test]
async fn an_answer_that_says_not_now_is_not_kept() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("ann"));
    let stopping = engine::Refusal::Unavailable("overloaded".into());
    *world.engine.refuse.lock().unwrap() = Some(stopping);
    assert_eq!(place(&world, &bearer, "k1", "1002").await.status, 503);
    assert_eq!(place(&world, &bearer, "k1", "1002").await.status, 201);
}

#[tokio::test]
async fn a_revoked_token_gets_no_answer_again() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("ann"));
    assert_eq!(place(&world, &bearer, "k1", "1002").await.status, 201);
    world.accounts.state().tokens.clear();
    assert_eq!(place(&world, &bearer, "k1", "1002").await.status, 401);
}

#[tokio::test]
async fn two_at_once_are_one() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("ann"));
    let (one, other) = tokio::join!(
        place(&world, &bearer, "k1", "1002"),
        place(&world, &bearer, "k1", "1002")
    );
    assert_eq!((one.status.as_u16(), one.body), (201, other.body));
    assert_eq!(world.engine.commands().len(), 1);
    let long = "x".repeat(201);
    let refused = place(&world, &bearer, &long, "1002").await;
    assert_eq!(
        (refused.status.as_u16(), refused.fields()),
        (422, vec!["Idempotency-Key"])
    );
    // Reads need no key.
    let headers = [
        ("authorization", bearer.as_str()),
        ("idempotency-key", "k1"),
    ];
    assert_eq!(
        world
            .send("GET", "/api/v1/calls", &headers, Value::Null)
            .await
            .status,
        200
    );
}
