//! Calls that are up, and those that are over.

use admin_api::ports::{AlertRecord, CallDetail, CallRecord, LegRecord};
use engine::event::{AlertEnd, Direction, EndResult, EndedBy, Event, LegRole, Party};
use engine::{CommandBody, LegId};
use serde_json::{Value, json};

use crate::world::{START_US, World, call_id};

pub(crate) fn past(n: u64, agent: Option<&str>, alerted: &str) -> CallDetail {
    let second = 1_000_000;
    CallDetail {
        call: CallRecord {
            id: call_id(n),
            direction: Direction::Inbound,
            caller: "+31201".into(),
            caller_name: None,
            called: "2000".into(),
            trunk: Some("pbx".into()),
            queue: Some("support".into()),
            agent: agent.map(str::to_owned),
            user: None,
            started_us: START_US,
            queued_us: Some(START_US),
            answered_us: Some(START_US),
            connected_us: Some(START_US + 7 * second),
            ended_us: START_US + 67 * second,
            waited_us: Some(7 * second),
            rung_us: Some(2_500_000),
            talked_us: Some(60 * second),
            held_us: 0,
            result: EndResult::Answered,
            sip_status: None,
            reason: None,
            ended_by: EndedBy::Caller,
            diverted_to: None,
            coded: None,
        },
        legs: vec![LegRecord {
            id: LegId(1),
            role: LegRole::Caller,
            number: "+31201".into(),
            trunk: Some("pbx".into()),
            user: None,
            started_us: START_US,
            ringing_us: None,
            answered_us: Some(START_US),
            ended_us: Some(START_US + 67 * second),
            result: Some(EndResult::Answered),
            sip_status: None,
        }],
        alerts: vec![AlertRecord {
            agent: alerted.into(),
            queue: Some("support".into()),
            started_us: START_US,
            ended_us: Some(START_US + second),
            end: Some(AlertEnd::TimedOut),
            sip_status: None,
            picked_up: true,
        }],
    }
}

#[tokio::test]
async fn a_call_is_placed_and_hung_up() {
    let world = World::new();
    let placed = world
        .call(
            Some("ann"),
            "POST",
            "/api/v1/calls",
            json!({"to": " +31 20 555 "}),
        )
        .await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let id = placed.body["id"].as_str().unwrap();
    assert_eq!(placed.header("location"), format!("/api/v1/calls/{id}"));
    let asked = world.engine.commands();
    assert!(
        matches!(&asked[..], [CommandBody::PlaceCall { username, to }] if username == "ann" && to == "+31 20 555")
    );
    // The next read shows it.
    assert_eq!(
        world.get("ann", &format!("/api/v1/calls/{id}")).await.body["state"],
        "started"
    );
    let ended = world
        .call(
            Some("ann"),
            "POST",
            &format!("/api/v1/calls/{id}/hang-up"),
            Value::Null,
        )
        .await;
    assert_eq!(ended.status, 204);
    assert_eq!(
        world
            .get("ann", &format!("/api/v1/calls/{id}"))
            .await
            .status,
        404
    );
}

/// CE-2.7: without an extension there is nothing to call from.
#[tokio::test]
async fn calls_need_a_number_and_a_phone() {
    let world = World::new();
    let refused = world
        .call(Some("root"), "POST", "/api/v1/calls", json!({"to": "1001"}))
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem()),
        (409, "no-extension")
    );
    for to in ["", " ", "12\n34"] {
        let refused = world
            .call(Some("ann"), "POST", "/api/v1/calls", json!({ "to": to }))
            .await;
        assert_eq!(
            (refused.status.as_u16(), refused.fields()),
            (422, vec!["to"]),
            "{to:?}"
        );
    }
    assert!(world.engine.commands().is_empty());
}

#[tokio::test]
async fn what_is_no_id_names_no_call() {
    let world = World::new();
    for id in ["1", "zz00000000000001", "%00", "0100000000000099"] {
        assert_eq!(
            world
                .get("sue", &format!("/api/v1/calls/{id}"))
                .await
                .status,
            404,
            "{id}"
        );
    }
}

#[tokio::test]
async fn the_history_is_ones_own_or_all() {
    let world = World::new();
    world.history.calls.lock().unwrap().extend([
        past(3, Some("ann"), "ann"),
        past(2, Some("bob"), "ann"),
        past(1, None, "bob"),
    ]);
    let ids = |answer: &Value| -> Vec<String> {
        answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|call| call["id"].as_str().unwrap()[15..].to_owned())
            .collect()
    };
    assert_eq!(
        ids(&world.get("sue", "/api/v1/history").await.body),
        ["3", "2", "1"]
    );
    assert_eq!(ids(&world.get("ann", "/api/v1/history").await.body), ["3"]);
    let first = world.get("sue", "/api/v1/history?limit=2").await;
    let cursor = first.body["next"].as_str().unwrap();
    assert_eq!(
        ids(&world
            .get("sue", &format!("/api/v1/history?limit=2&cursor={cursor}"))
            .await
            .body),
        ["1"]
    );

    let call = &first.body["items"][0];
    assert_eq!(
        (
            &call["waited_seconds"],
            &call["rung_seconds"],
            &call["talked_seconds"]
        ),
        (&json!(7.0), &json!(2.5), &json!(60.0))
    );
    assert_eq!(
        (&call["status"], &call["started"]),
        (&json!("answered"), &json!("2026-06-01T08:00:00.000000Z"))
    );
    // One call: ann was alerted for 2, and had no part in 1.
    let path = |n: u64| format!("/api/v1/history/{}", call_id(n));
    let detail = world.get("ann", &path(2)).await;
    assert_eq!(
        (
            &detail.body["alerts"][0]["end"],
            &detail.body["alerts"][0]["picked_up"],
            &detail.body["legs"][0]["role"]
        ),
        (&json!("timed-out"), &json!(true), &json!("caller"))
    );
    assert_eq!(world.get("ann", &path(1)).await.status, 404);
    assert_eq!(world.get("sue", &path(1)).await.status, 200);
}

#[tokio::test]
async fn the_history_is_filtered_by_the_store() {
    let world = World::new();
    let path = "/api/v1/history?filter[from]=2026-06-01T08:00:00Z&filter[status]=no-answer&filter[queue]=support\
                &filter[direction]=inbound&filter[agent]=bob&filter[caller]=%2B31201&sort=-started";
    assert_eq!(world.get("ann", path).await.status, 200);
    let queries = world.history.queries.lock().unwrap().clone();
    let [query] = &queries[..] else {
        panic!("{queries:?}")
    };
    assert_eq!(
        (query.from_us, query.result),
        (Some(START_US), Some(EndResult::NoAnswer))
    );
    assert_eq!(
        (query.party.as_deref(), query.agent.as_deref()),
        (Some("ann"), Some("bob"))
    );
    assert_eq!(
        (query.queue.as_deref(), query.caller.as_deref()),
        (Some("support"), Some("+31201"))
    );
    for (path, field) in [
        ("/api/v1/history?filter[from]=monday", "filter[from]"),
        ("/api/v1/history?filter[status]=fine", "filter[status]"),
        ("/api/v1/history?filter[colour]=red", "filter[colour]"),
        ("/api/v1/history?sort=caller", "sort"),
        ("/api/v1/history?cursor=x", "cursor"),
    ] {
        assert_eq!(world.get("sue", path).await.fields(), [field], "{path}");
    }
}

/// CT-4.8: a transfer names a number, as a placed call does.
#[tokio::test]
async fn ct_4_8_a_call_is_sent_on_to_a_number() {
    let world = World::new();
    world.engine.started(1, Some("ann"));
    let path = format!("/api/v1/calls/{}/transfer", call_id(1));
    let sent = world
        .call(Some("ann"), "POST", &path, json!({"to": " 1002 "}))
        .await;
    assert_eq!(sent.status, 204, "{sent:?}");
    let asked = world.engine.commands();
    assert!(
        matches!(&asked[..], [CommandBody::Transfer { call, to }] if *call == call_id(1) && to == "1002")
    );
    for body in [json!({"to": ""}), json!({"to": "1\n2"}), json!({})] {
        let refused = world.call(Some("ann"), "POST", &path, body.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), refused.fields()),
            (422, vec!["to"]),
            "{body}"
        );
    }
}

#[tokio::test]
async fn cw_10_1_a_call_is_parked_in_the_slot_that_was_asked_for() {
    let world = World::new();
    world.engine.started(1, Some("ann"));
    let path = format!("/api/v1/calls/{}/park", call_id(1));
    let parked = world
        .call(Some("ann"), "POST", &path, json!({"slot": 7}))
        .await;
    assert_eq!(
        (parked.status.as_u16(), parked.body),
        (200, json!({"slot": 7}))
    );
    // Nothing in the body, or no body: the centre chooses the slot.
    for body in [json!({}), Value::Null] {
        let parked = world.call(Some("ann"), "POST", &path, body).await;
        assert_eq!(parked.status.as_u16(), 200, "{}", parked.body);
    }
    for slot in [0, 10_000] {
        let refused = world
            .call(Some("ann"), "POST", &path, json!({ "slot": slot }))
            .await;
        assert_eq!(
            (refused.status.as_u16(), refused.fields()),
            (422, vec!["slot"])
        );
    }
}

/// CW-10.1 to CW-10.3: who sees what is parked.
#[tokio::test]
async fn cw_10_2_each_sees_what_is_parked_at_their_location() {
    let world = World::new();
    let park = |n: u64, slot, by: Option<&str>, location: Option<&str>| {
        world.engine.started(n, None);
        world.engine.publish(Event::CallParked {
            call: call_id(n),
            slot,
            by: by.map(str::to_owned),
            location: location.map(str::to_owned),
            party: Party {
                number: "+31202".into(),
                name: None,
            },
        });
    };
    park(1, 3, Some("bob"), Some("Zeist"));
    park(2, 1, Some("bob"), None);
    park(3, 2, None, None);
    let slots = async |user: &str| {
        let page = world.get(user, "/api/v1/parked").await;
        let items = page.body["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| item["slot"].as_u64().unwrap_or(0))
            .collect::<Vec<_>>()
    };
    assert_eq!(slots("sue").await, [1, 2, 3], "supervisors see all");
    assert_eq!(slots("ann").await, [1, 2], "she has no location");
    assert_eq!(slots("bob").await, [1, 2, 3], "and he parked it");
    let zeist = json!({"park_location": "Zeist"});
    let moved = world
        .call(Some("root"), "PATCH", "/api/v1/users/ann", zeist)
        .await;
    assert_eq!(moved.status, 200, "{moved:?}");
    assert_eq!(slots("ann").await, [2, 3]);
    let page = world.get("ann", "/api/v1/parked").await;
    let row = &page.body["items"][1];
    assert_eq!(
        (&row["caller"], &row["by"], &row["location"], &row["call"]),
        (
            &json!("+31202"),
            &json!("bob"),
            &json!("Zeist"),
            &json!(call_id(1).to_string())
        )
    );
    let shown = world
        .get("ann", &format!("/api/v1/calls/{}", call_id(1)))
        .await;
    assert_eq!(
        (&shown.body["state"], &shown.body["parked"]),
        (&json!("parked"), &json!(3))
    );
    let two = json!({"park_location": ["Zeist", "Amsterdam"]});
    let refused = world
        .call(Some("root"), "PATCH", "/api/v1/users/ann", two)
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.fields()),
        (422, vec!["park_location"]),
        "cw_10_4: one location"
    );
}

/// CT-3.4: who it comes back from, and for whom it is held; nobody has reserved it.
#[tokio::test]
async fn ct_3_4_a_recall_is_shown_as_one() {
    let world = World::new();
    world.engine.queued(1, "support");
    world.engine.publish(Event::CallRecalled {
        call: call_id(1),
        from: Some("ann".into()),
        queue: Some("support".into()),
    });
    world.engine.publish(Event::CallReserved {
        call: call_id(1),
        by: Some("ann".into()),
        sticky: false,
        recall: true,
    });
    let page = world.get("ann", "/api/v1/waiting").await;
    let row = &page.body["items"][0];
    assert_eq!(
        (&row["recall_from"], &row["held_for"], &row["reserved_by"]),
        (&json!("ann"), &json!("ann"), &Value::Null)
    );
}
