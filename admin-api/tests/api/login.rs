//! Logging in and out, passwords, locks, tokens.

use std::net::SocketAddr;
use std::time::Duration;

use engine::{CommandBody, Refusal};
use serde_json::{Value, json};

use crate::world::{Answered, PASSWORD, World};

async fn login(world: &World, body: Value) -> Answered {
    world.send("POST", "/api/v1/login", &[], body).await
}

fn credentials(username: &str, password: &str) -> Value {
    json!({ "username": username, "password": password })
}

fn from(world: &mut World, address: &str) {
    world.source = Some(SocketAddr::new(address.parse().expect("an address"), 5060));
}

#[tokio::test]
async fn a_login_gives_a_token_and_makes_the_agent_available() {
    let world = World::new();
    // CW-2.1.3: the user name in any case.
    let answer = login(&world, credentials("Ann", PASSWORD)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["user"]["username"], "ann");
    assert_eq!(answer.body["must_change_password"], false);
    assert!(
        answer.body["user"].get("password").is_none()
            && answer.body["user"].get("sip_password").is_none()
    );
    let asked = world.engine.commands();
    assert!(
        matches!(&asked[..], [CommandBody::Login { username, extension: None }] if username == "ann"),
        "{asked:?}"
    );

    let bearer = format!("Bearer {}", answer.body["token"].as_str().expect("a token"));
    let me = world
        .send(
            "GET",
            "/api/v1/me",
            &[("authorization", &bearer)],
            Value::Null,
        )
        .await;
    assert_eq!(me.body["username"], "ann");
    assert_eq!(
        world.get("ann", "/api/v1/agents/me").await.body["state"],
        "available"
    );
    // Tokens are kept as hashes only.
    let kept = format!("{:?}", world.accounts.state().tokens);
    assert!(!kept.contains(answer.body["token"].as_str().expect("a token")));
}

/// CE-2.6, CE-2.7: at a phone of one's choice, or at none.
#[tokio::test]
async fn the_extension_is_the_one_given_or_none() {
    let world = World::new();
    let mut body = credentials("ann", PASSWORD);
    body["extension"] = json!("1002");
    assert_eq!(login(&world, body).await.status, 200);
    let asked = world.engine.commands();
    assert!(
        matches!(&asked[..], [CommandBody::Login { extension: Some(it), .. }] if it == "1002"),
        "{asked:?}"
    );
    assert_eq!(
        login(&world, credentials("root", PASSWORD)).await.status,
        200
    );
    assert_eq!(
        world.engine.commands().len(),
        1,
        "an administrator without a phone is no agent"
    );

    let refusal = Refusal::Invalid {
        field: "extension",
        message: "there is no extension 9999".into(),
    };
    *world.engine.refuse.lock().unwrap() = Some(refusal);
    let mut body = credentials("ann", PASSWORD);
    body["extension"] = json!("9999");
    let answer = login(&world, body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.fields()),
        (422, vec!["extension"])
    );
}

#[tokio::test]
async fn a_logout_ends_the_token_and_the_work() {
    let world = World::new();
    let token = login(&world, credentials("ann", PASSWORD)).await.body["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(
        world
            .send("POST", "/api/v1/logout", &headers, Value::Null)
            .await
            .status,
        204
    );
    assert!(
        matches!(world.engine.commands().last(), Some(CommandBody::Logout { username }) if username == "ann")
    );
    // CW-1.4: the old token is refused.
    let after = world.send("GET", "/api/v1/me", &headers, Value::Null).await;
    assert_eq!(
        (after.status.as_u16(), after.problem()),
        (401, "unauthorized")
    );
    assert!(after.header("www-authenticate").starts_with("Bearer"));
}

#[tokio::test]
async fn a_token_ends_by_itself() {
    let world = World::new();
    let token = login(&world, credentials("sue", PASSWORD)).await.body["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    world.pass(30 * 24 * 3600 - 1);
    assert_eq!(
        world
            .send("GET", "/api/v1/me", &headers, Value::Null)
            .await
            .status,
        200
    );
    world.pass(1);
    assert_eq!(
        world
            .send("GET", "/api/v1/me", &headers, Value::Null)
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_browser_gets_a_cookie_that_scripts_and_other_sites_cannot_use() {
    let world = World::new();
    let answer = login(&world, credentials("root", PASSWORD)).await;
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    let pair = cookie.split(';').next().unwrap();
    let own = [
        ("cookie", pair),
        ("host", "pbx:8080"),
        ("origin", "http://pbx:8080"),
    ];
    let other = [
        ("cookie", pair),
        ("host", "pbx:8080"),
        ("origin", "http://evil.example"),
    ];
    let change = json!({"name": "Root"});
    assert_eq!(
        world
            .send("PATCH", "/api/v1/users/root", &other, change.clone())
            .await
            .status,
        403
    );
    assert_eq!(
        world
            .send("PATCH", "/api/v1/users/root", &own, change)
            .await
            .status,
        200
    );
    let out = world
        .send("POST", "/api/v1/logout", &own, Value::Null)
        .await;
    assert_eq!(out.status, 204, "{out:?}");
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{out:?}");
    let after = world.send("GET", "/api/v1/me", &own, Value::Null).await;
    assert_eq!(after.status, 401);
    let refused = login(&world, credentials("root", "wrong")).await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("set-cookie")),
        (401, "")
    );
}

/// CW-2.1.12, CE-2.14: locked after five failures, and no way to tell who exists.
#[tokio::test]
async fn an_account_locks_and_nobody_learns_which_names_exist() {
    let mut world = World::new();
    let mut answers = Vec::new();
    for username in ["bob", "mallory"] {
        let mut seen = Vec::new();
        for attempt in 0..7 {
            from(&mut world, &format!("192.0.2.{attempt}"));
            let answer = login(&world, credentials(username, "wrong")).await;
            seen.push((answer.status, answer.body));
        }
        answers.push(seen);
    }
    assert_eq!(answers[0], answers[1]);
    let kinds: Vec<&str> = answers[0]
        .iter()
        .filter_map(|(_, body)| body["type"].as_str()?.rsplit(':').next())
        .collect();
    let wrong = "login-failed";
    assert_eq!(
        kinds,
        [wrong, wrong, wrong, wrong, wrong, "locked", "locked"]
    );

    from(&mut world, "192.0.2.100");
    let right = login(&world, credentials("bob", PASSWORD)).await;
    assert_eq!((right.status.as_u16(), right.problem()), (401, "locked"));
    let unlocked = world
        .call(
            Some("root"),
            "PATCH",
            "/api/v1/users/bob",
            json!({"locked": false}),
        )
        .await;
    assert_eq!(
        (unlocked.status.as_u16(), &unlocked.body["locked"]),
        (200, &json!(false))
    );
    assert_eq!(
        login(&world, credentials("bob", PASSWORD)).await.status,
        200
    );
    assert_eq!(world.accounts.state().accounts["bob"].failures, 0);
}

/// CE-2.5: the password in its case; a success forgets the failures before.
#[tokio::test]
async fn failures_count_until_a_success() {
    let world = World::new();
    for _ in 0..4 {
        assert_eq!(
            login(&world, credentials("bob", &PASSWORD.to_lowercase()))
                .await
                .problem(),
            "login-failed"
        );
    }
    assert_eq!(
        login(&world, credentials("bob", PASSWORD)).await.status,
        200
    );
    assert_eq!(
        login(&world, credentials("bob", "wrong")).await.problem(),
        "login-failed"
    );
    assert_eq!(world.accounts.state().accounts["bob"].failures, 1);
}

#[tokio::test(start_paused = true)]
async fn one_source_may_not_try_on_and_on() {
    let mut world = World::new();
    from(&mut world, "192.0.2.7");
    let mut statuses = Vec::new();
    for n in 0..31 {
        let answer = login(&world, credentials(&format!("user{n}"), "wrong")).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses[..30], [401; 30]);
    assert_eq!(statuses[30], 429);
    let refused = login(&world, credentials("root", PASSWORD)).await;
    assert_eq!(refused.problem(), "too-many-requests");
    assert!(
        refused
            .header("retry-after")
            .parse::<u32>()
            .is_ok_and(|seconds| (1..=2).contains(&seconds))
    );
    from(&mut world, "192.0.2.8");
    assert_eq!(
        login(&world, credentials("root", PASSWORD)).await.status,
        200
    );
}

/// CW-2.1.11: disabled, the session ends and the agent leaves the distribution.
#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    let world = World::new();
    let token = login(&world, credentials("ann", PASSWORD)).await.body["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        world
            .call(
                Some("root"),
                "PATCH",
                "/api/v1/users/ann",
                json!({"enabled": false})
            )
            .await
            .status,
        200
    );
    let bearer = format!("Bearer {token}");
    let after = world
        .send(
            "GET",
            "/api/v1/me",
            &[("authorization", &bearer)],
            Value::Null,
        )
        .await;
    assert_eq!(after.status, 401);
    assert!(
        matches!(world.engine.commands().last(), Some(CommandBody::Logout { username }) if username == "ann")
    );
    assert_eq!(
        login(&world, credentials("ann", PASSWORD)).await.problem(),
        "disabled"
    );
    assert_eq!(
        login(&world, credentials("ann", "wrong")).await.problem(),
        "login-failed"
    );
}

/// The password that the program made is good for changing it, and for nothing else.
#[tokio::test]
async fn a_password_that_must_be_changed() {
    let world = World::new();
    world
        .accounts
        .state()
        .accounts
        .entry("root".into())
        .or_default()
        .must_change_password = true;
    let answer = login(&world, credentials("root", PASSWORD)).await;
    assert_eq!(answer.body["must_change_password"], true);
    let bearer = format!("Bearer {}", answer.body["token"].as_str().unwrap());
    let headers = [("authorization", bearer.as_str())];
    for (method, path, body) in [
        ("GET", "/api/v1/users", Value::Null),
        ("PATCH", "/api/v1/users/root", json!({"name": "Root"})),
        (
            "PATCH",
            "/api/v1/users/ann",
            json!({"password": "another password"}),
        ),
    ] {
        let refused = world.send(method, path, &headers, body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.problem()),
            (403, "must-change-password"),
            "{method} {path}"
        );
    }
    assert_eq!(
        world
            .send("GET", "/api/v1/me", &headers, Value::Null)
            .await
            .status,
        200
    );
    let same = world
        .send(
            "PUT",
            "/api/v1/me/password",
            &headers,
            json!({"password": PASSWORD}),
        )
        .await;
    assert_eq!(
        (same.status.as_u16(), same.fields()),
        (422, vec!["password"])
    );
    let new = json!({"password": "another password"});
    let changed = world.send("PATCH", "/api/v1/users/me", &headers, new).await;
    assert_eq!(
        (
            changed.status.as_u16(),
            &changed.body["must_change_password"]
        ),
        (200, &json!(false)),
        "{changed:?}"
    );
    assert_eq!(
        world
            .send("GET", "/api/v1/users", &headers, Value::Null)
            .await
            .status,
        200
    );
    assert_eq!(
        login(&world, credentials("root", PASSWORD)).await.status,
        401
    );
    assert_eq!(
        login(&world, credentials("root", "another password"))
            .await
            .status,
        200
    );
}

/// AP-S.1: another password ends the other logins. CW-2.1.4: a broken rule is named.
#[tokio::test]
async fn changing_ones_own_password() {
    let world = World::new();
    let other = format!("Bearer {}", world.token("ann"));
    let mine = format!("Bearer {}", world.token("ann"));
    let cases = [
        (
            json!({"password": "long enough now"}),
            vec!["current_password"],
        ),
        (
            json!({"current_password": "wrong", "password": "long enough now"}),
            vec!["current_password"],
        ),
        (
            json!({"current_password": PASSWORD, "password": "short"}),
            vec!["password"],
        ),
        (json!({"current_password": PASSWORD}), vec!["password"]),
        (
            json!({"current_password": PASSWORD, "password": "long enough now", "confirm": "x"}),
            vec!["confirm"],
        ),
    ];
    for (body, fields) in cases {
        let refused = world
            .send(
                "PUT",
                "/api/v1/me/password",
                &[("authorization", &mine)],
                body.clone(),
            )
            .await;
        assert_eq!(
            (refused.status.as_u16(), refused.fields()),
            (422, fields),
            "{body}"
        );
    }
    let body = json!({"current_password": PASSWORD, "password": "long enough now"});
    let changed = world
        .send(
            "PUT",
            "/api/v1/me/password",
            &[("authorization", &mine)],
            body,
        )
        .await;
    assert_eq!(changed.status, 204, "{changed:?}");
    assert_eq!(
        world
            .send(
                "GET",
                "/api/v1/me",
                &[("authorization", &mine)],
                Value::Null
            )
            .await
            .status,
        200
    );
    assert_eq!(
        world
            .send(
                "GET",
                "/api/v1/me",
                &[("authorization", &other)],
                Value::Null
            )
            .await
            .status,
        401
    );
    let kept = world.centre.snapshot().centre.users["ann"]
        .password
        .clone()
        .unwrap();
    assert!(
        kept.expose().starts_with("$argon2id$"),
        "hashed before it leaves the API"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_engine_is_a_504_after_two_seconds() {
    let world = World::new();
    world
        .engine
        .silent
        .store(true, std::sync::atomic::Ordering::SeqCst);
    let start = tokio::time::Instant::now();
    let answer = world
        .call(
            Some("ann"),
            "PUT",
            "/api/v1/agents/me/state",
            json!({"state": "available"}),
        )
        .await;
    assert_eq!((answer.status.as_u16(), answer.problem()), (504, "timeout"));
    assert!((Duration::from_secs(2)..Duration::from_millis(2100)).contains(&start.elapsed()));
}

/// Administrators set passwords as they like, and may prove themselves as everybody does.
#[tokio::test]
async fn an_administrators_own_password() {
    let world = World::new();
    let patch = |body: Value| world.call(Some("root"), "PATCH", "/api/v1/users/me", body);
    let wrong = patch(json!({"current_password": "wrong", "password": "long enough now"})).await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.fields()),
        (422, vec!["current_password"])
    );
    let body = json!({"current_password": PASSWORD, "password": "long enough now"});
    assert_eq!(patch(body).await.status, 200);
    assert_eq!(
        patch(json!({"password": "long enough again"})).await.status,
        200
    );
    let credentials = credentials("root", "long enough again");
    assert_eq!(login(&world, credentials).await.status, 200);
}
