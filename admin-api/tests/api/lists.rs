//! Pages of real lists, and the pages for those who watch.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn a_list_is_paged_to_its_end() {
    let world = World::new();
    let mut path = "/api/v1/users?limit=2&sort=-username&cursor=".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = world.get("root", &path).await;
        assert_eq!(page.status, 200, "{page:?}");
        let items = page.body["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(
            items
                .iter()
                .filter_map(|user| user["username"].as_str())
                .map(str::to_owned),
        );
        let Some(next) = page.body["next"].as_str() else {
            break;
        };
        path = format!("/api/v1/users?limit=2&sort=-username&cursor={next}");
    }
    assert_eq!(seen, ["sue", "root", "cid", "bob", "ann"]);
}

#[tokio::test]
async fn a_list_is_filtered() {
    let world = World::new();
    let cases = [
        ("/api/v1/users?filter[role]=attendant", 3),
        ("/api/v1/users?filter[queues]=support", 2),
        ("/api/v1/users?filter[locked]=false", 5),
        ("/api/v1/agents?filter[state]=offline", 3),
        ("/api/v1/queues?filter[default]=true", 1),
    ];
    for (path, expected) in cases {
        let page = world.get("root", path).await;
        assert_eq!(
            page.body["items"].as_array().map(Vec::len),
            Some(expected),
            "{path}: {page:?}"
        );
    }
    let wrong = world.get("root", "/api/v1/users?filter[colour]=red").await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.fields()),
        (422, vec!["filter[colour]"])
    );
}

#[tokio::test]
async fn a_list_that_did_not_change_is_not_sent_again() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("root"));
    let auth = ("authorization", bearer.as_str());
    let first = world
        .send("GET", "/api/v1/queues", &[auth], Value::Null)
        .await;
    let tag = first.header("etag").to_owned();
    let again = world
        .send(
            "GET",
            "/api/v1/queues",
            &[auth, ("if-none-match", &tag)],
            Value::Null,
        )
        .await;
    assert_eq!((again.status.as_u16(), again.body), (304, json!("")));
}

#[tokio::test]
async fn those_waiting_stand_in_rank_order_with_their_fields() {
    let world = World::new();
    for n in [3, 1, 2] {
        world.engine.queued(n, "support");
    }
    world.pass(90);
    let page = world.get("ann", "/api/v1/waiting").await;
    let items = page.body["items"].as_array().unwrap();
    let ids: Vec<&str> = items.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(
        ids,
        ["0100000000000001", "0100000000000002", "0100000000000003"]
    );
    let first = &items[0];
    for field in [
        "id",
        "queue",
        "caller",
        "name",
        "called",
        "diversion",
        "waiting_seconds",
        "total_seconds",
        "priority",
        "tier",
        "note",
        "alerting",
        "held_for",
        "reserved_by",
        "rejected_by_me",
        "recall_from",
    ] {
        assert!(first.get(field).is_some(), "{field}");
    }
    assert_eq!(
        (&first["waiting_seconds"], &first["tier"]),
        (&json!(90.0), &json!("normal"))
    );
}

#[tokio::test]
async fn health_and_metrics_are_for_everybody() {
    let world = World::new();
    let get = |path| world.send("GET", path, &[], Value::Null);
    assert_eq!(get("/health/live").await.status, 200);
    assert_eq!(get("/health/ready").await.body["ready"], true);
    world.health.unwell.store(true, Ordering::SeqCst);
    let unwell = get("/health/ready").await;
    assert_eq!(
        (unwell.status.as_u16(), &unwell.body["checks"][0]["text"]),
        (503, &json!("the disk is full"))
    );
    assert_eq!(get("/health/live").await.status, 200);
    let metrics = get("/metrics").await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    assert_eq!(metrics.body, "lampfield_calls 1\n");
}

#[tokio::test]
async fn the_document_is_served_as_committed() {
    let world = World::new();
    let served = world
        .send("GET", "/api/v1/openapi.json", &[], Value::Null)
        .await;
    assert_eq!(served.body["openapi"], "3.1.0");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let committed = std::fs::read_to_string(file).expect("it is committed");
    assert_eq!(
        served.body,
        serde_json::from_str::<Value>(&committed).expect("it is JSON")
    );
}
