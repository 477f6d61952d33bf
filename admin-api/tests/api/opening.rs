//! Why something is open or closed, when that changes, and the list of all changes.

use serde_json::{Value, json};

use crate::world::{Answered, World};

async fn explain(world: &World, path: &str) -> Value {
    let answer = world.get("sue", path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

/// Whether it is open, what decides, and from when on it is not so any more.
fn told(body: &Value) -> (bool, &str, &str) {
    let text = |value: &'static str| body.pointer(value).and_then(Value::as_str);
    (
        body["open"].as_bool().expect("a flag"),
        text("/reason/text").expect("a text"),
        text("/next_change/local").unwrap_or("never"),
    )
}

#[tokio::test]
async fn a_calendar_says_which_line_decides_and_until_when() {
    let world = World::new();
    let cases = [
        (
            "office",
            "",
            (
                true,
                "weekly line 1: mon-fri 08:00-17:30",
                "2026-06-01T17:30:00+02:00",
            ),
        ),
        (
            "office",
            "?at=2026-06-05T16:00:00Z",
            (
                false,
                "outside the weekly hours",
                "2026-06-08T08:00:00+02:00",
            ),
        ),
        (
            "shop",
            "?at=2026-06-02T10:00:00Z",
            (
                false,
                "closed: Republic day, list nl-public",
                "2026-06-03T09:00:00+02:00",
            ),
        ),
        // In the hour that comes twice, and long before anybody thought of it.
        (
            "nights",
            "?at=2026-10-25T01:30:00Z",
            (
                false,
                "outside the weekly hours",
                "2026-10-25T22:00:00+01:00",
            ),
        ),
        (
            "nights",
            "?at=0001-01-01T12:00:00Z",
            (
                false,
                "outside the weekly hours",
                "0001-01-01T22:00:00+00:18",
            ),
        ),
    ];
    for (calendar, query, expected) in cases {
        let body = explain(
            &world,
            &format!("/api/v1/calendars/{calendar}/explain{query}"),
        )
        .await;
        assert_eq!(told(&body), expected, "{calendar}{query}");
    }
    let body = explain(
        &world,
        "/api/v1/calendars/shop/explain?at=2026-06-02T12:00:00%2B02:00",
    )
    .await;
    assert_eq!(body["at"], "2026-06-02T10:00:00.000000Z");
    assert_eq!(body["timezone"], "Europe/Amsterdam");
    assert_eq!(
        body["reason"],
        json!({
            "kind": "holiday", "text": "closed: Republic day, list nl-public", "line": null, "date": "2026-06-02",
            "list": "nl-public", "holiday": "Republic day", "source": null,
        })
    );
}

#[tokio::test]
async fn a_queue_has_its_override_on_top_while_that_runs() {
    let world = World::new();
    let path = "/api/v1/queues/support/opening";
    assert_eq!(
        told(&explain(&world, path).await).1,
        "weekly line 1: mon-fri 08:00-17:30"
    );
    let until = json!({"state": "closed", "until": "2026-06-01T20:00:00Z"});
    world
        .call(Some("sue"), "PUT", "/api/v1/queues/support/override", until)
        .await;
    let words = "closed by a supervisor until 2026-06-01T20:00:00.000000Z";
    // The override ends after the calendar has closed: what opens it is the next morning.
    let morning = "2026-06-02T08:00:00+02:00";
    let cases = [
        ("", (false, words, morning)),
        ("?at=2026-06-01T19:59:59Z", (false, words, morning)),
        (
            "?at=2026-06-01T20:00:00Z",
            (false, "outside the weekly hours", morning),
        ),
        // Of what was before now the calendar knows, and the override does not.
        (
            "?at=2026-06-01T07:00:00Z",
            (
                true,
                "weekly line 1: mon-fri 08:00-17:30",
                "2026-06-01T17:30:00+02:00",
            ),
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(
            told(&explain(&world, &format!("{path}{query}")).await),
            expected,
            "{query}"
        );
    }
    let revoked = json!({"state": "open"});
    world
        .call(
            Some("sue"),
            "PUT",
            "/api/v1/queues/support/override",
            revoked,
        )
        .await;
    let body = explain(&world, &format!("{path}?at=2030-01-01T00:00:00Z")).await;
    assert_eq!(
        told(&body),
        (true, "open by a supervisor until taken back", "never")
    );
    assert_eq!(body["override"], json!({"state": "open", "until": null}));
    let shorter = json!({"state": "closed", "until": "2026-06-01T10:00:00Z"});
    world
        .call(
            Some("sue"),
            "PUT",
            "/api/v1/queues/support/override",
            shorter,
        )
        .await;
    let body = explain(&world, path).await;
    assert_eq!(told(&body).2, "2026-06-01T12:00:00+02:00");
    assert_eq!(body["next_change"]["reason"]["kind"], "weekly");
}

#[tokio::test]
async fn a_queue_without_a_calendar_is_always_open_and_attendants_see_their_own() {
    let world = World::new();
    let body = explain(&world, "/api/v1/queues/sales/opening").await;
    assert_eq!(
        told(&body),
        (true, "without a calendar it is always open", "never")
    );
    assert_eq!(
        (&body["calendar"], &body["queue"]),
        (&Value::Null, &json!("sales"))
    );
    for (user, status) in [("bob", 200), ("ann", 403)] {
        let answer = world.get(user, "/api/v1/queues/sales/opening").await;
        assert_eq!(answer.status, status, "{user}");
    }
}

fn changes(answer: &Answered) -> Vec<String> {
    let items = answer.body["items"].as_array().expect("items");
    let text = |row: &Value| {
        let (local, what) = (
            row["local"].as_str().expect("a time"),
            row["what"].as_str().expect("a word"),
        );
        let moved = row["clock_moved_seconds"].as_i64().expect("seconds");
        format!(
            "{local} {what} {moved} {}",
            row["reason"]["kind"].as_str().expect("a kind")
        )
    };
    items.iter().map(text).collect()
}

#[tokio::test]
async fn the_list_of_changes_has_each_reason_and_the_days_the_clock_is_moved() {
    let world = World::new();
    let path = "/api/v1/calendars/shop/changes";
    let june = world
        .get(
            "sue",
            &format!("{path}?from=2026-06-01T16:00:00Z&months=1&limit=4"),
        )
        .await;
    assert_eq!(
        changes(&june),
        [
            "2026-06-01T18:00:00+02:00 closes 0 outside-weekly",
            "2026-06-02T00:00:00+02:00 stays-closed 0 holiday",
            "2026-06-03T00:00:00+02:00 stays-closed 0 outside-weekly",
            "2026-06-03T09:00:00+02:00 opens 0 weekly",
        ]
    );
    let october = world
        .get(
            "sue",
            &format!("{path}?from=2026-10-25T00:00:00Z&months=1&limit=2"),
        )
        .await;
    assert_eq!(
        changes(&october),
        [
            "2026-10-25T02:00:00+01:00 stays-closed -3600 outside-weekly",
            "2026-10-25T09:00:00+01:00 opens 0 weekly",
        ]
    );
}

#[tokio::test]
async fn all_pages_together_are_the_whole_of_24_months() {
    let world = World::new();
    let mut rows: Vec<String> = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!(
            "/api/v1/calendars/shop/changes?from=2026-06-01T08:00:00Z&cursor={cursor}&limit=500"
        );
        let page = world.get("sue", &path).await;
        rows.extend(changes(&page));
        match page.body["next"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    // It closes and opens on 731 days, but for a holiday that has two entries of its own; the clock is moved four times.
    assert_eq!(rows.len(), 731 * 2 + 4);
    assert_eq!(rows.iter().filter(|row| row.contains("3600")).count(), 4);
    assert!(rows.is_sorted_by_key(|row| row[..19].to_owned()));
    assert!(
        rows.last().unwrap().starts_with("2028-06-01T09:00"),
        "{:?}",
        rows.last()
    );
}

#[tokio::test]
async fn what_never_changes_has_an_empty_list_and_odd_questions_are_refused() {
    let world = World::new();
    let always = json!({"name": "always", "timezone": "UTC", "open": [{"days": "all", "from": "00:00", "to": "24:00"}]});
    world
        .call(Some("root"), "POST", "/api/v1/calendars", always)
        .await;
    let body = explain(&world, "/api/v1/calendars/always/changes").await;
    assert_eq!(body, json!({"items": [], "next": null}));
    let never = explain(
        &world,
        "/api/v1/calendars/always/explain?at=9999-12-30T00:00:00Z",
    )
    .await;
    assert_eq!(told(&never).2, "never");
    for (query, field) in [
        ("explain?at=noon", "at"),
        ("explain?when=now", "query"),
        ("changes?months=25", "months"),
        ("changes?months=0", "months"),
        ("changes?limit=1001", "limit"),
        ("changes?from=2026-06-01", "from"),
        ("changes?cursor=0.99999999999999999", "cursor"),
        ("changes?cursor=x", "cursor"),
    ] {
        let answer = world
            .get("sue", &format!("/api/v1/calendars/always/{query}"))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.fields()),
            (422, vec![field]),
            "{query}"
        );
    }
    for path in [
        "calendars/none/explain",
        "calendars/none/changes",
        "queues/none/opening",
    ] {
        assert_eq!(
            world.get("sue", &format!("/api/v1/{path}")).await.status,
            404,
            "{path}"
        );
    }
}
