//! What callers hear: uploaded, replaced, listened to, removed; and what is no sound is refused (AP-C.6).

use serde_json::{Value, json};

use crate::world::{Answered, World};

const WAV: (&str, &str) = ("content-type", "audio/wav");
const ONE: &str = "/api/v1/prompts/christmas";
const WELCOME: &str = "/api/v1/prompts/welcome";
const SUPPORT: &str = "/api/v1/queues/support";

async fn put(world: &World, path: &str, text: &str) -> Answered {
    world.upload_by("PUT", "root", path, &[WAV], text).await
}

async fn delete(world: &World, path: &str, headers: &[(&str, &str)]) -> Answered {
    world.upload_by("DELETE", "root", path, headers, "").await
}

async fn patch(world: &World, path: &str, body: Value) -> Answered {
    world.call(Some("root"), "PATCH", path, body).await
}

#[tokio::test]
async fn an_upload_is_shown_with_who_and_when_and_can_be_listened_to() {
    let world = World::new();
    let answer = put(&world, ONE, "RIFF and a sound").await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let expected = json!({
        "name": "christmas", "built_in": false, "replaced": false, "seconds": 1.5, "bytes": 16, "sample_rate_hz": 8000,
        "channels": 1, "sha256": "10", "uploaded_at": "2026-06-01T08:00:00.000000Z", "uploaded_by": "root",
        "used_by": [], "fault": null,
    });
    assert_eq!(answer.body, expected);
    let read = world.get("sue", ONE).await;
    assert_eq!(
        (&read.body, read.header("etag")),
        (&expected, answer.header("etag"))
    );
    let heard = world.get("sue", &format!("{ONE}/audio")).await;
    assert_eq!(heard.body, "RIFF and a sound");
    assert_eq!(heard.header("content-type"), "audio/wav");
    let token = format!("Bearer {}", world.token("sue"));
    let headers = [
        ("authorization", &*token),
        ("if-none-match", heard.header("etag")),
    ];
    let again = world
        .send("GET", &format!("{ONE}/audio"), &headers, Value::Null)
        .await;
    assert_eq!(again.status, 304);
    let list = world.get("sue", "/api/v1/prompts").await;
    let names: Vec<&Value> = list.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["name"])
        .collect();
    assert_eq!(names, ["christmas", "silence", "welcome"]);
    let uploaded = world
        .get("sue", "/api/v1/prompts?filter[built_in]=false")
        .await;
    assert_eq!(uploaded.body["items"], json!([expected]));
}

#[tokio::test]
async fn what_is_posted_must_be_new_and_what_is_put_need_not() {
    let world = World::new();
    let post = async |name: &str| {
        let path = format!("/api/v1/prompts{name}");
        world.upload("root", &path, &[WAV], "RIFF").await
    };
    let made = post("?name=christmas").await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, ONE));
    for (name, status) in [
        ("?name=christmas", 409),
        ("?name=welcome", 409),
        ("?name=silence", 409),
        ("?name=Christmas", 422),
        ("?name=a%2Fb", 422),
        ("", 422),
        ("?nam=christmas", 422),
    ] {
        assert_eq!(post(name).await.status, status, "{name}");
    }
    assert_eq!(put(&world, ONE, "RIFF2").await.status, 200);
    assert_eq!(put(&world, WELCOME, "RIFF3").await.body["replaced"], true);
    let refused = put(&world, "/api/v1/prompts/silence", "RIFF").await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (409, "conflict")
    );
    let named = put(&world, "/api/v1/prompts/%2e%2e", "RIFF").await;
    assert_eq!((named.status.as_u16(), named.fields()), (422, vec!["name"]));
}

#[tokio::test]
async fn what_is_no_sound_is_refused_and_changes_nothing() {
    let world = World::new();
    let before = world.get("sue", "/api/v1/prompts").await.body;
    let large = format!("RIFF{}", " ".repeat(20_000_000));
    for (content_type, text, status, problem) in [
        ("audio/mpeg", "ID3", 415, "media-type"),
        ("application/json", "{}", 415, "media-type"),
        ("audio/wav", "ID3", 415, "media-type"),
        ("audio/wav", "", 422, "invalid"),
        ("audio/wav", large.as_str(), 413, "too-large"),
    ] {
        let headers = [("content-type", content_type)];
        let answer = world
            .upload_by("PUT", "root", WELCOME, &headers, text)
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem()),
            (status, problem),
            "{content_type}"
        );
    }
    assert_eq!(world.get("sue", "/api/v1/prompts").await.body, before);
    for content_type in ["audio/x-wav", "Audio/Wav; rate=8000"] {
        let headers = [("content-type", content_type)];
        let answer = world
            .upload_by("PUT", "root", WELCOME, &headers, "RIFF")
            .await;
        assert_eq!(answer.status, 200, "{content_type}");
    }
}

/// Bodies have 1 MB, sounds 20; also where the answer is to be kept for a retry.
#[tokio::test]
async fn a_sound_may_be_larger_than_other_bodies() {
    let world = World::new();
    let text = format!("RIFF{}", " ".repeat(3_000_000));
    for headers in [vec![WAV], vec![WAV, ("idempotency-key", "k")]] {
        let answer = world.upload_by("PUT", "root", ONE, &headers, &text).await;
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!(answer.body["bytes"], 3_000_004);
    }
}

/// The name stands in the query: a key that was used for another one is refused.
#[tokio::test]
async fn a_retry_with_a_key_is_of_the_same_name() {
    let world = World::new();
    let post = async |name: &str| {
        let path = format!("/api/v1/prompts?name={name}");
        let headers = [WAV, ("idempotency-key", "k")];
        let answer = world.upload("root", &path, &headers, "RIFF").await;
        answer.status.as_u16()
    };
    assert_eq!(post("one").await, 201);
    assert_eq!(post("one").await, 201, "the same answer again");
    assert_eq!(post("two").await, 422);
}

#[tokio::test]
async fn what_the_centre_names_is_kept_and_said_where() {
    let world = World::new();
    let unknown = patch(&world, SUPPORT, json!({"welcome": "christmas"})).await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.fields()),
        (422, vec!["welcome"])
    );
    put(&world, ONE, "RIFF").await;
    let fields = json!({"welcome": "christmas", "when_closed": "announcement:christmas"});
    assert_eq!(patch(&world, SUPPORT, fields).await.status, 200);
    let user = json!({"when_unavailable": "announcement:christmas"});
    assert_eq!(patch(&world, "/api/v1/users/bob", user).await.status, 200);
    let places = [
        "queues/support.welcome",
        "queues/support.when_closed",
        "users/bob.when_unavailable",
    ];
    assert_eq!(world.get("sue", ONE).await.body["used_by"], json!(places));
    let refused = delete(&world, ONE, &[]).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (409, "in-use")
    );
    assert_eq!(refused.fields(), places);
    for (path, fields) in [
        (SUPPORT, json!({"welcome": null, "when_closed": null})),
        ("/api/v1/users/bob", json!({"when_unavailable": null})),
    ] {
        assert_eq!(patch(&world, path, fields).await.status, 200);
    }
    assert_eq!(delete(&world, ONE, &[]).await.status, 204);
    assert_eq!(world.get("sue", ONE).await.status, 404);
}

#[tokio::test]
async fn a_replaced_prompt_of_ours_comes_back_though_the_centre_names_it() {
    let world = World::new();
    assert_eq!(
        patch(&world, SUPPORT, json!({"welcome": "welcome"}))
            .await
            .status,
        200
    );
    let ours = world.get("sue", WELCOME).await;
    put(&world, WELCOME, "RIFF and another").await;
    assert_eq!(delete(&world, WELCOME, &[]).await.status, 204);
    let back = world.get("sue", WELCOME).await;
    assert_eq!(
        (&back.body, back.header("etag")),
        (&ours.body, ours.header("etag"))
    );
    let again = delete(&world, WELCOME, &[]).await;
    assert_eq!((again.status.as_u16(), again.problem()), (409, "conflict"));
}

#[tokio::test]
async fn who_was_beaten_is_told_so_and_who_does_not_mind_tries_again() {
    use std::sync::atomic::Ordering;
    let world = World::new();
    let read = world.get("sue", WELCOME).await;
    let tag = ("if-match", read.header("etag"));
    let upload = async |text| {
        world
            .upload_by("PUT", "root", WELCOME, &[WAV, tag], text)
            .await
    };
    world.centre.beaten.store(2, Ordering::SeqCst);
    assert_eq!(
        upload("RIFF1").await.status,
        200,
        "another resource was changed"
    );
    let late = upload("RIFF22").await;
    assert_eq!(
        (late.status.as_u16(), late.problem()),
        (412, "changed-meanwhile")
    );
    assert_eq!(delete(&world, WELCOME, &[tag]).await.status, 412);
    let new = world
        .upload_by("PUT", "root", ONE, &[WAV, ("if-match", "*")], "RIFF")
        .await;
    assert_eq!(new.status, 412, "there is none yet");
}
