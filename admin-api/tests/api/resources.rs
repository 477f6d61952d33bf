//! Users, queues, calendars, trunks and numbers: reading and changing the centre.

use std::sync::atomic::Ordering;

use admin_api::ports::ChangeError;
use engine::Refusal;
use serde_json::{Value, json};

use crate::world::{PASSWORD, World};

#[tokio::test]
async fn a_queue_is_made_read_changed_and_removed() {
    let world = World::new();
    let made = world
        .call(
            Some("root"),
            "POST",
            "/api/v1/queues",
            json!({"name": "North desk", "number": "2002"}),
        )
        .await;
    assert_eq!(
        (made.status.as_u16(), made.header("location")),
        (201, "/api/v1/queues/North%20desk"),
        "{made:?}"
    );
    // Fields that were left out have their defaults.
    assert_eq!(
        (&made.body["ageing"], &made.body["ring_timeout"]),
        (&json!(10), &json!(20))
    );
    assert_eq!(
        world.get("root", "/api/v1/queues/North%20desk").await.body,
        made.body
    );

    let path = "/api/v1/queues/North%20desk";
    let patched = world
        .call(
            Some("root"),
            "PATCH",
            path,
            json!({"ageing": 5, "number": null}),
        )
        .await;
    assert_eq!(
        (&patched.body["ageing"], &patched.body["number"]),
        (&json!(5), &Value::Null)
    );
    let put = world
        .call(Some("root"), "PUT", path, json!({"priority": 3}))
        .await;
    assert_eq!(
        (&put.body["ageing"], &put.body["priority"]),
        (&json!(10), &json!(3))
    );
    assert_eq!(
        world
            .call(Some("root"), "DELETE", path, Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(world.get("root", path).await.status, 404);
    assert!(
        !world
            .centre
            .snapshot()
            .centre
            .queues
            .contains_key("North desk")
    );
}

#[tokio::test]
async fn faults_name_their_fields() {
    let world = World::new();
    let post = "POST";
    let cases = [
        (post, "/api/v1/queues", json!({}), vec!["name"]),
        (
            post,
            "/api/v1/queues",
            json!({"name": "x", "ageing": 0}),
            vec!["ageing"],
        ),
        (
            post,
            "/api/v1/queues",
            json!({"name": "x", "ageing": "ten", "colour": 1}),
            vec!["ageing", "colour"],
        ),
        (
            post,
            "/api/v1/queues",
            json!({"name": "x", "number": "2000"}),
            vec!["number"],
        ),
        (
            post,
            "/api/v1/queues",
            json!({"name": "x", "calendar": "never"}),
            vec!["calendar"],
        ),
        (
            post,
            "/api/v1/users",
            json!({"username": "new", "role": "emperor"}),
            vec!["role"],
        ),
        (
            post,
            "/api/v1/users",
            json!({"username": "new", "password": "short"}),
            vec!["password"],
        ),
        (
            post,
            "/api/v1/users",
            json!({"username": "new", "queues": ["support", "none"]}),
            vec!["queues[1]"],
        ),
        (
            post,
            "/api/v1/users",
            json!({"username": "me"}),
            vec!["username"],
        ),
        (
            post,
            "/api/v1/users",
            json!({"username": "new", "locked": "yes"}),
            vec!["locked"],
        ),
        (
            post,
            "/api/v1/numbers",
            json!({"number": "+31201", "to": "nowhere"}),
            vec!["to"],
        ),
        (
            "PATCH",
            "/api/v1/queues/sales",
            json!({"name": "sold"}),
            vec!["name"],
        ),
        ("PATCH", "/api/v1/queues/sales", json!([1]), vec![""]),
    ];
    for (method, path, body, fields) in cases {
        let answer = world.call(Some("root"), method, path, body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.fields()),
            (422, fields),
            "{path} {body}: {}",
            answer.body
        );
    }
    assert_eq!(world.centre.snapshot().version, 1, "nothing was changed");
}

#[tokio::test]
async fn what_is_no_json_is_said_so() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("root"));
    let auth = ("authorization", bearer.as_str());
    let broken = world
        .send("POST", "/api/v1/queues", &[auth], Value::Null)
        .await;
    assert_eq!(
        (broken.status.as_u16(), broken.problem()),
        (400, "malformed")
    );
    let huge = world
        .call(
            Some("root"),
            "POST",
            "/api/v1/queues",
            json!({"name": "x".repeat(1_000_001)}),
        )
        .await;
    assert_eq!((huge.status.as_u16(), huge.problem()), (413, "too-large"));
    let unknown = world.get("root", "/api/v1/templates").await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.problem()),
        (404, "not-found")
    );
    let method = world
        .call(Some("root"), "PATCH", "/api/v1/queues", json!({}))
        .await;
    assert_eq!(
        (method.status.as_u16(), method.problem()),
        (405, "method-not-allowed")
    );
}

#[tokio::test]
async fn names_are_taken_once() {
    let world = World::new();
    // CW-2.1.3: user names are one in any case.
    for (path, body, field) in [
        ("/api/v1/queues", json!({"name": "sales"}), "name"),
        ("/api/v1/users", json!({"username": "ann"}), "username"),
        ("/api/v1/users", json!({"username": "ANN"}), "username"),
    ] {
        let answer = world.call(Some("root"), "POST", path, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem(), answer.fields()),
            (409, "conflict", vec![field])
        );
    }
}

#[tokio::test]
async fn what_others_need_is_not_removed() {
    let world = World::new();
    let answer = world
        .call(
            Some("root"),
            "DELETE",
            "/api/v1/queues/support",
            Value::Null,
        )
        .await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (409, "in-use"));
    let detail = answer.body["detail"].as_str().unwrap();
    for user in ["user \"ann\"", "user \"cid\"", "number \"+31850082900\""] {
        assert!(detail.contains(user), "{detail}");
    }
    let calendar = world
        .call(
            Some("root"),
            "DELETE",
            "/api/v1/calendars/office",
            Value::Null,
        )
        .await;
    assert_eq!(calendar.fields(), ["queues/support.calendar"]);
    let list = world
        .call(
            Some("root"),
            "DELETE",
            "/api/v1/holiday-lists/nl-public",
            Value::Null,
        )
        .await;
    assert_eq!((list.status.as_u16(), list.problem()), (409, "in-use"));
    assert_eq!(list.fields(), ["calendars/shop.holidays[0]"]);
    let detail = list.body["detail"].as_str().unwrap();
    assert_eq!(
        detail,
        r#"holiday list "nl-public" is used by calendar "shop""#
    );
}

/// MO-6.1: five reasons for breaks stay, and can be shown otherwise; more come and go.
#[tokio::test]
async fn five_aux_codes_are_always_there() {
    let world = World::new();
    let path = "/api/v1/aux-codes";
    let names = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = world.get("ann", path).await;
    assert_eq!(
        names(&all.body),
        [
            "errand",
            "lunch",
            "meeting",
            "paperwork",
            "short-break",
            "training"
        ]
    );
    let lunch = format!("{path}/lunch");
    let refused = world
        .call(Some("root"), "DELETE", &lunch, Value::Null)
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (409, "conflict")
    );
    let label = json!({"label": "Mittagspause"});
    let shown = world.call(Some("root"), "PATCH", &lunch, label).await;
    assert_eq!(
        (shown.status.as_u16(), &shown.body["label"]),
        (200, &json!("Mittagspause"))
    );
    let refused = world
        .call(Some("root"), "DELETE", &lunch, Value::Null)
        .await;
    assert_eq!(refused.status, 409, "though it is the centre's own now");
    let taken = world
        .call(Some("root"), "POST", path, json!({"name": "meeting"}))
        .await;
    assert_eq!((taken.status.as_u16(), taken.fields()), (409, vec!["name"]));
    let errand = format!("{path}/errand");
    let gone = world
        .call(Some("root"), "DELETE", &errand, Value::Null)
        .await;
    assert_eq!(gone.status, 204);
    assert_eq!(names(&world.get("ann", path).await.body).len(), 5);
}

/// There is one of it, always: with nothing set it has its defaults.
#[tokio::test]
async fn feature_codes_are_one_resource_without_a_name() {
    let world = World::new();
    let path = "/api/v1/feature-codes";
    let before = world.get("sue", path).await;
    assert_eq!(before.body, json!({"pick_up": null, "park": null}));
    let set = world
        .call(Some("root"), "PATCH", path, json!({"pick_up": "*8"}))
        .await;
    assert_eq!(
        (set.status.as_u16(), &set.body),
        (200, &json!({"pick_up": "*8", "park": null}))
    );
    assert_ne!(set.header("etag"), before.header("etag"));
    assert_eq!(
        world.centre.snapshot().centre.feature_codes[""]
            .pick_up
            .as_deref(),
        Some("*8")
    );
    let park = json!({"pick_up": "*8", "park": "*7"});
    let both = world.call(Some("root"), "PUT", path, park.clone()).await;
    assert_eq!((both.status.as_u16(), &both.body), (200, &park));
    let park = json!({"pick_up": "*8", "park": "*8"});
    let refused = world.call(Some("root"), "PUT", path, park).await;
    assert_eq!(
        (refused.status.as_u16(), refused.fields()),
        (422, vec!["park"])
    );
    let unset = world.call(Some("root"), "PUT", path, json!({})).await;
    assert_eq!(unset.body, json!({"pick_up": null, "park": null}));
}

/// Part 12: those who wait in a queue that goes are sent where it is said.
#[tokio::test]
async fn a_queue_is_removed_with_a_destination_for_those_who_wait() {
    let world = World::new();
    let free = json!({"queues": []});
    let bob = world
        .call(Some("root"), "PATCH", "/api/v1/users/bob", free)
        .await;
    assert_eq!(bob.status, 200, "{}", bob.body);
    let codes = "/api/v1/wrap-up-codes/sales%20only";
    let gone = world.call(Some("root"), "DELETE", codes, Value::Null).await;
    assert_eq!(gone.status, 204, "{}", gone.body);
    let delete = async |query: &str| {
        let path = format!("/api/v1/queues/sales{query}");
        world.call(Some("root"), "DELETE", &path, Value::Null).await
    };
    let nowhere = delete("?to=support").await;
    assert_eq!(
        (nowhere.status.as_u16(), nowhere.fields()),
        (422, vec!["to"])
    );
    let unknown = delete("?too=queue:support").await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.problem()),
        (400, "malformed")
    );
    let waiting = Refusal::Conflict("2 waiting in queue sales".into());
    *world.centre.refuse.lock().unwrap() = Some(waiting.into());
    let refused = delete("").await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (409, "conflict")
    );
    assert_eq!(refused.body["detail"], "2 waiting in queue sales");
    assert_eq!(delete("?to=queue:support").await.status, 204);
    let moves = world.centre.moves.lock().unwrap().clone();
    assert_eq!(moves["sales"].to_string(), "queue:support");
}

/// CW-2.d: somebody can always administrate.
#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new();
    let tries = [
        ("DELETE", Value::Null),
        ("PATCH", json!({"enabled": false})),
        ("PATCH", json!({"role": "supervisor"})),
        ("PATCH", json!({"password": null})),
        ("PATCH", json!({"locked": true})),
        ("PUT", json!({})),
    ];
    for (method, body) in &tries {
        let answer = world
            .call(Some("root"), method, "/api/v1/users/root", body.clone())
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem()),
            (409, "conflict"),
            "{method} {body}"
        );
    }
    let second =
        json!({"username": "second", "role": "administrator", "password": "a long password"});
    assert_eq!(
        world
            .call(Some("root"), "POST", "/api/v1/users", second)
            .await
            .status,
        201
    );
    // One who is locked out is nobody to rely on.
    let lock = |locked: bool| {
        let body = json!({ "locked": locked });
        world.call(Some("root"), "PATCH", "/api/v1/users/second", body)
    };
    assert_eq!(lock(true).await.status, 200);
    let refused = world
        .call(Some("root"), "DELETE", "/api/v1/users/root", Value::Null)
        .await;
    assert_eq!(refused.problem(), "conflict", "{refused:?}");
    assert_eq!(lock(false).await.status, 200);
    let gone = world
        .call(Some("root"), "DELETE", "/api/v1/users/root", Value::Null)
        .await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert!(
        world
            .accounts
            .state()
            .tokens
            .values()
            .all(|token| token.username != "root")
    );
}

#[tokio::test]
async fn secrets_go_in_and_never_come_out() {
    let world = World::new();
    let body = json!({
        "username": "new", "password": "a long password", "extension": "1009", "sip_password": "phone-secret",
    });
    let made = world
        .call(Some("root"), "POST", "/api/v1/users", body)
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let list = world.get("root", "/api/v1/users").await;
    for text in [made.body.to_string(), list.body.to_string()] {
        for secret in [
            "a long password",
            "phone-secret",
            "argon2",
            "\"password\"",
            "\"sip_password\"",
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    let stored = |world: &World| world.centre.snapshot().centre.users["new"].clone();
    let kept = stored(&world);
    assert!(
        kept.password
            .as_ref()
            .unwrap()
            .expose()
            .starts_with("$argon2id$")
    );

    // What was read can be sent back: secrets that nobody can read are kept.
    let back = world
        .call(Some("root"), "PUT", "/api/v1/users/new", made.body.clone())
        .await;
    assert_eq!(back.status, 200, "{back:?}");
    assert_eq!(stored(&world), kept);
    let removed = world
        .call(
            Some("root"),
            "PATCH",
            "/api/v1/users/new",
            json!({"sip_password": null}),
        )
        .await;
    assert_eq!(removed.status, 200);
    assert_eq!(stored(&world).sip_password, None);
    assert_eq!(stored(&world).password, kept.password);
}

#[tokio::test]
async fn a_change_honours_if_match() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token("root"));
    let auth = ("authorization", bearer.as_str());
    let path = "/api/v1/queues/sales";
    let first = world.send("GET", path, &[auth], Value::Null).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
    let unchanged = world
        .send("GET", path, &[auth, ("if-none-match", &tag)], Value::Null)
        .await;
    assert_eq!(
        (unchanged.status.as_u16(), unchanged.header("etag")),
        (304, tag.as_str())
    );

    let with_tag = [auth, ("if-match", tag.as_str())];
    assert_eq!(
        world
            .send("PATCH", path, &with_tag, json!({"priority": 1}))
            .await
            .status,
        200
    );
    for (method, body) in [
        ("PATCH", json!({"priority": 2})),
        ("PUT", json!({})),
        ("DELETE", Value::Null),
    ] {
        let late = world.send(method, path, &with_tag, body).await;
        assert_eq!(
            (late.status.as_u16(), late.problem()),
            (412, "changed-meanwhile"),
            "{method}"
        );
    }
    assert_eq!(
        world
            .send("GET", path, &[auth, ("if-none-match", &tag)], Value::Null)
            .await
            .status,
        200
    );

    // A queue that closed shows another tag to readers, and is the same to those who change it.
    let tag = world
        .send("GET", path, &[auth], Value::Null)
        .await
        .header("etag")
        .to_owned();
    world
        .call(
            Some("sue"),
            "PUT",
            "/api/v1/queues/sales/override",
            json!({"state": "closed"}),
        )
        .await;
    let closed = world
        .send("GET", path, &[auth, ("if-none-match", &tag)], Value::Null)
        .await;
    assert_eq!(
        (closed.status.as_u16(), &closed.body["status"]["open"]),
        (200, &json!(false))
    );
    assert_eq!(
        world
            .send(
                "PATCH",
                path,
                &[auth, ("if-match", &tag)],
                json!({"priority": 2})
            )
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn two_changes_at_once_do_not_undo_each_other() {
    let world = World::new();
    world.centre.beaten.store(3, Ordering::SeqCst);
    let answer = world
        .call(
            Some("root"),
            "PATCH",
            "/api/v1/queues/support",
            json!({"priority": 7}),
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["priority"]),
        (200, &json!(7))
    );
    let snapshot = world.centre.snapshot();
    assert_eq!(
        snapshot.centre.queues["sales"].priority, 3,
        "the others' three changes are there"
    );
    world.centre.beaten.store(1000, Ordering::SeqCst);
    let lost = world
        .call(
            Some("root"),
            "PATCH",
            "/api/v1/queues/support",
            json!({"priority": 8}),
        )
        .await;
    assert_eq!(lost.status, 409);
}

#[tokio::test]
async fn what_the_engine_or_the_store_refuses_changes_nothing() {
    let world = World::new();
    let cases = [
        (
            ChangeError::Refused(Refusal::Conflict("3 calls would be stranded".into())),
            409,
        ),
        (ChangeError::TimedOut, 504),
        (ChangeError::Store("disk full at /var/lib".into()), 500),
    ];
    for (error, expected) in cases {
        *world.centre.refuse.lock().unwrap() = Some(error);
        let answer = world
            .call(
                Some("root"),
                "PATCH",
                "/api/v1/queues/support",
                json!({"priority": 7}),
            )
            .await;
        assert_eq!(answer.status, expected);
        assert!(!answer.body.to_string().contains("/var/lib"), "{answer:?}");
    }
    assert_eq!(world.centre.snapshot().version, 1);
}

#[tokio::test]
async fn a_patch_that_changes_nothing_is_no_change() {
    let world = World::new();
    assert_eq!(
        world
            .call(Some("root"), "PATCH", "/api/v1/queues/support", json!({}))
            .await
            .status,
        200
    );
    assert_eq!(world.centre.snapshot().version, 1);
}

#[tokio::test]
async fn an_override_shows_in_the_queue() {
    let world = World::new();
    let open = world.get("ann", "/api/v1/queues/support").await.body["status"].clone();
    assert_eq!(
        (&open["open"], &open["override_state"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(open["next_change"], "2026-06-01T09:00:00.000000Z");
    let path = "/api/v1/queues/support/override";
    let closed = world
        .call(
            Some("sue"),
            "PUT",
            path,
            json!({"state": "closed", "until": "next-change"}),
        )
        .await;
    assert_eq!(
        (&closed.body["open"], &closed.body["override_state"]),
        (&json!(false), &json!("closed")),
        "{closed:?}"
    );
    assert_eq!(closed.body["override_until"], "2026-06-01T09:00:00.000000Z");
    let unknown = world
        .call(
            Some("sue"),
            "PUT",
            "/api/v1/queues/none/override",
            json!({"state": null}),
        )
        .await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_new_user_can_log_in() {
    let world = World::new();
    let body = json!({"username": "new", "password": PASSWORD, "role": "attendant"});
    assert_eq!(
        world
            .call(Some("root"), "POST", "/api/v1/users", body)
            .await
            .status,
        201
    );
    let credentials = json!({"username": "new", "password": PASSWORD});
    assert_eq!(
        world
            .send("POST", "/api/v1/login", &[], credentials)
            .await
            .status,
        200
    );
}

/// The digest secret of a phone holds its extension, so another extension needs it anew.
#[tokio::test]
async fn another_extension_needs_the_phones_password_again() {
    let world = World::new();
    let sealed = format!("ha1:md5={}", "0".repeat(32));
    let patch = |body: Value| world.call(Some("root"), "PATCH", "/api/v1/users/ann", body);
    assert_eq!(patch(json!({"sip_password": sealed})).await.status, 200);
    let refused = patch(json!({"extension": "1011"})).await;
    assert_eq!(
        (refused.status.as_u16(), refused.fields()),
        (422, vec!["sip_password"])
    );
    assert_eq!(
        patch(json!({"extension": "1011", "sip_password": "given-again"}))
            .await
            .status,
        200
    );
}
