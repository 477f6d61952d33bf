//! The live board.

use engine::TrunkFigures;
use engine::event::{Activity, AlertEnd, Device, Event, LeftQueue, Presence};
use serde_json::json;

use crate::world::{START_US, World, call_id, lock};

fn left(world: &World, n: u64, why: LeftQueue) {
    let call = call_id(n);
    world.engine.publish(Event::CallLeftQueue { call, why });
}

fn agent(world: &World, name: &str, presence: Presence, activity: Activity, left: &[&str]) {
    world.engine.publish(Event::AgentChanged {
        agent: name.into(),
        presence,
        reason: (presence == Presence::Break).then(|| "no-answer".into()),
        activity,
        pending: None,
        extension: None,
        device: Device::Reachable,
        since_us: START_US,
        call: None,
        left_queues: left.iter().map(|queue| (*queue).to_owned()).collect(),
        codes_due: Vec::new(),
    });
}

#[tokio::test]
async fn mo_3_3_a_queue_shows_its_figures() {
    let world = World::new();
    for n in 1..=4 {
        world.engine.queued(n, "support");
    }
    left(&world, 1, LeftQueue::Connected);
    left(&world, 2, LeftQueue::Abandoned);
    left(&world, 3, LeftQueue::Diverted);
    agent(&world, "ann", Presence::Available, Activity::Busy, &[]);
    agent(&world, "cid", Presence::Break, Activity::Idle, &[]);
    agent(&world, "bob", Presence::Available, Activity::Idle, &[]);
    world.pass(30);
    let answer = world.get("ann", "/api/v1/queues/support/figures").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = &answer.body;
    assert_eq!(body["status"]["open"], true);
    let now = ["waiting", "oldest_wait_seconds", "breached_waiting"].map(|field| &body[field]);
    assert_eq!(now, [&json!(1), &json!(30.0), &json!(1)]);
    let today = &body["today"];
    let counts = [
        "offered",
        "answered",
        "abandoned",
        "short_abandoned",
        "flowed_out",
    ];
    assert_eq!(
        counts.map(|field| &today[field]),
        [&json!(4), &json!(1), &json!(1), &json!(1), &json!(1)]
    );
    assert_eq!(
        (&today["abandon_rate"], &today["handle_seconds"]),
        (&json!(0.3333), &json!(null))
    );
    let level = &body["service_level"];
    assert_eq!(
        (&level["seconds"], &level["target"]),
        (&json!(20), &json!(0.8))
    );
    assert_eq!(
        level["level"],
        json!({"variant": "genesys", "last_15_minutes": 0.5, "last_60_minutes": 0.5, "today": 0.5})
    );
    assert_eq!(level["variants"].as_array().map(Vec::len), Some(8));
    assert_eq!(
        body["agents"],
        json!({
            "agents_logged_in": 2, "agents_available": 0, "agents_alerting": 0, "agents_on_contact": 1,
            "agents_in_wrap_up": 0, "agents_on_break": 1, "agents_no_answer": 1, "agents_unreachable": 0,
            "breaks": {"no-answer": 1},
        })
    );
}

#[tokio::test]
async fn the_board_shows_ones_queues_and_the_total_to_who_sees_all() {
    let world = World::new();
    world.engine.queued(1, "support");
    left(&world, 1, LeftQueue::Diverted);
    world.engine.publish(Event::CallQueued {
        call: call_id(1),
        queue: Some("sales".into()),
        user: None,
        rank: engine::event::Rank {
            tier: 1,
            key_us: 0,
            arrival_us: 0,
            id: 1,
        },
        priority: 0,
        arrival_us: START_US,
        estimate_seconds: None,
    });
    let mine = world.get("ann", "/api/v1/figures").await;
    let names = |body: &serde_json::Value| -> Vec<String> {
        let items = body["items"].as_array().expect("items");
        items
            .iter()
            .map(|row| row["queue"].as_str().unwrap_or_default().into())
            .collect()
    };
    assert_eq!(
        (names(&mine.body), &mine.body["total"]),
        (vec!["support".into()], &json!(null))
    );
    let all = world.get("sue", "/api/v1/figures").await;
    assert_eq!(names(&all.body), ["sales", "support"]);
    let (total, rows) = (&all.body["total"], &all.body["items"]);
    assert_eq!(
        (&total["today"]["offered"], &total["waiting"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        (
            &rows[0]["today"]["offered"],
            &rows[1]["today"]["flowed_out"]
        ),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        total["service_level"]["level"]["today"],
        json!(null),
        "0/0 is no share"
    );
    let page = world.get("sue", "/api/v1/figures?limit=1").await;
    assert!(page.body["next"].is_string(), "{page:?}");
}

#[tokio::test]
async fn mo_3_4_who_left_a_queue_is_not_counted_there() {
    let world = World::new();
    agent(
        &world,
        "ann",
        Presence::Available,
        Activity::Idle,
        &["support"],
    );
    let answer = world.get("sue", "/api/v1/queues/support/figures").await;
    assert_eq!(answer.body["agents"]["agents_logged_in"], 0);
    agent(&world, "ann", Presence::Available, Activity::Idle, &[]);
    let answer = world.get("sue", "/api/v1/queues/support/figures").await;
    assert_eq!(answer.body["agents"]["agents_available"], 1);
}

#[tokio::test]
async fn the_estimated_wait_is_that_of_who_comes_now_and_counts_down_for_who_waits() {
    let world = World::new();
    let estimate = async || {
        let answer = world.get("ann", "/api/v1/queues/support/figures").await;
        answer.body["estimated_wait_seconds"].clone()
    };
    assert_eq!(estimate().await, json!(null), "nobody works");
    agent(&world, "ann", Presence::Available, Activity::Idle, &[]);
    assert_eq!(estimate().await, json!(0), "ann is free");
    agent(&world, "ann", Presence::Available, Activity::Busy, &[]);
    assert_eq!(estimate().await, json!(300), "1.6 calls of 180 s");
    agent(&world, "cid", Presence::Available, Activity::WrapUp, &[]);
    assert_eq!(estimate().await, json!(150));
    world.engine.started(1, None);
    world.engine.publish(Event::CallQueued {
        call: call_id(1),
        queue: Some("support".into()),
        user: None,
        rank: engine::event::Rank {
            tier: 1,
            key_us: 0,
            arrival_us: 0,
            id: 1,
        },
        priority: 0,
        arrival_us: START_US,
        estimate_seconds: Some(150),
    });
    for (passes, left) in [(0, 150.0), (50, 100.0), (200, 0.0)] {
        world.pass(passes);
        let waiting = world.get("ann", "/api/v1/waiting").await;
        assert_eq!(
            waiting.body["items"][0]["estimated_wait_seconds"],
            json!(left)
        );
    }
    left(&world, 1, LeftQueue::Connected);
    let answer = world.get("ann", "/api/v1/queues/support/figures").await;
    assert_eq!(answer.body["today"]["estimates_kept"], 1.0);
}

#[tokio::test]
async fn an_agents_day() {
    let world = World::new();
    world.engine.publish(Event::AgentLoggedIn {
        agent: "ann".into(),
        extension: Some("1001".into()),
    });
    world.engine.queued(1, "support");
    for (alert, picked_up, end) in [
        (1, false, AlertEnd::TimedOut),
        (2, true, AlertEnd::TimedOut),
        (3, false, AlertEnd::Accepted),
    ] {
        world.engine.publish(Event::AlertStarted {
            alert,
            call: call_id(1),
            agent: "ann".into(),
            queue: Some("support".into()),
            picked_up,
            choice: None,
        });
        world.engine.publish(Event::AlertEnded {
            alert,
            call: call_id(1),
            agent: "ann".into(),
            end,
            sip_status: None,
        });
    }
    agent(&world, "ann", Presence::Available, Activity::Busy, &[]);
    world.pass(90);
    let answer = world.get("cid", "/api/v1/agents/ann/figures").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = &answer.body;
    let counts = ["calls", "missed", "occupancy"].map(|field| &body[field]);
    assert_eq!(counts, [&json!(1), &json!(1), &json!(1.0)]);
    assert_eq!(
        body["alerts"],
        json!({"started": 3, "running": 0, "accepted": 1, "rejected": 0, "timed_out": 2, "withdrawn": 0, "failed": 0})
    );
    assert_eq!(body["times"]["on_contact_seconds"], 90.0);
    assert_eq!(
        (&body["agent"]["activity"], &body["agent"]["queues"]),
        (&json!("busy"), &json!(["support"]))
    );
    assert!(body["agent"]["logged_in_since"].is_string() && body["since"].is_string());
}

#[tokio::test]
async fn a_trunk_shows_what_has_passed_over_it() {
    let world = World::new();
    let path = "/api/v1/trunks/pbx/figures";
    let empty = world.get("sue", path).await;
    assert_eq!(empty.status, 200, "{empty:?}");
    assert_eq!(empty.body["answer"]["p99_seconds"], json!(null));
    let mut figures = TrunkFigures {
        calls_out: 4,
        answered_out: 2,
        timed_out: 1,
        ..TrunkFigures::default()
    };
    figures.failed_out.insert(486, 1);
    figures.answer.counts[5] = 1;
    figures.answer.counts[7] = 1;
    lock(&world.health.trunks).insert("pbx".into(), figures);
    let body = world.get("sue", path).await.body;
    let counts = ["calls_out", "answered_out", "timed_out", "calls_in"].map(|field| &body[field]);
    assert_eq!(counts, [&json!(4), &json!(2), &json!(1), &json!(0)]);
    assert_eq!(body["failed_out"], json!({"486": 1}));
    let answer = json!({"count": 2, "total_seconds": 0.0, "p50_seconds": 1.0, "p99_seconds": 5.0});
    assert_eq!(body["answer"], answer);
    let unknown = world.get("sue", "/api/v1/trunks/nowhere/figures").await;
    assert_eq!(unknown.status, 404, "{unknown:?}");
}
