//! Sources that are not heard for a while.

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn bans_are_shown_and_lifted() {
    let world = World::new();
    let shown = world.get("root", "/api/v1/bans").await;
    let ban = json!({"address": "203.0.113.9", "until": "2026-06-01T08:01:00.000000Z", "why": "wrong credentials", "before": 1});
    assert_eq!(shown.body["items"], json!([ban]));
    for (address, status) in [
        ("203.0.113.8", 404),
        ("nobody", 404),
        ("203.0.113.9", 204),
        ("203.0.113.9", 404),
    ] {
        let path = format!("/api/v1/bans/{address}");
        let answer = world.call(Some("root"), "DELETE", &path, Value::Null).await;
        assert_eq!(answer.status, status, "{address}: {answer:?}");
    }
    assert_eq!(
        world.get("root", "/api/v1/bans").await.body["items"],
        json!([])
    );
}
