//! Why somebody waits, and why somebody gets nothing, in plain sentences.

use engine::event::{AlertEnd, Cause, Choice, Claim, Event, Rank, Strategy, Team};
use engine::explain::{
    Candidate, Competitor, Decision, Hindrance, Kept, Lack, Moment, QueueForAgent, Reason,
    WhyNothing, WhyWaiting,
};
use engine::{CommandBody, Refusal};
use serde_json::json;

use crate::world::{START_US, World, call_id};

const WAITING: &str = "/api/v1/waiting/0100000000000003/explain";

fn by(reason: Reason) -> Hindrance {
    Hindrance {
        reason,
        until_us: None,
        aux_code: None,
        call: None,
        agent: None,
        lack: None,
        max_busy: None,
    }
}

/// The third call in `support` as the engine would explain it.
pub(crate) fn why_waiting() -> WhyWaiting {
    let lunch = Hindrance {
        aux_code: Some("lunch".into()),
        ..by(Reason::OnBreak)
    };
    let busy = Hindrance {
        call: Some(call_id(9)),
        ..by(Reason::Busy)
    };
    WhyWaiting {
        position: 3,
        before: vec![call_id(1), call_id(2)],
        assigned: 2,
        counts: vec![(Reason::OnBreak, 1), (Reason::Busy, 1)],
        agents: vec![("ann".into(), lunch), ("cid".into(), busy)],
        moments: vec![
            (START_US + 15_000_000, Moment::RetryOf("ann".into())),
            (START_US + 90_000_000, Moment::Nobody),
        ],
    }
}

/// An agent who is free, and whom one caller in `support` does not get.
pub(crate) fn why_nothing() -> WhyNothing {
    let unskilled = Hindrance {
        lack: Some(Lack {
            skill: "dutch".into(),
            needs: 3,
            has: 1,
        }),
        until_us: Some(START_US + 60_000_000),
        ..by(Reason::Unskilled)
    };
    WhyNothing {
        hindrance: None,
        since_us: START_US,
        queues: vec![
            QueueForAgent {
                queue: Some("support".into()),
                waiting: 2,
                kept: vec![Kept {
                    first: call_id(1),
                    by: unskilled,
                    count: 2,
                }],
                preferred: Some(1),
            },
            QueueForAgent {
                queue: None,
                waiting: 0,
                kept: Vec::new(),
                preferred: Some(0),
            },
        ],
    }
}

/// The decision of alert 1: ann before cid, bob has left the queue, and the second call waits on.
pub(crate) fn decision() -> Decision {
    let free = |agent: &str, idle: i64| Candidate {
        agent: agent.into(),
        claim: Some(Claim {
            agent: agent.into(),
            merit: 0,
            idle_since_us: START_US - idle * 1_000_000,
        }),
        hindrance: None,
    };
    let absent = Candidate {
        agent: "bob".into(),
        claim: None,
        hindrance: Some(by(Reason::LeftQueue)),
    };
    let rank = Rank {
        tier: 0,
        key_us: 1,
        arrival_us: 1,
        id: 2,
    };
    Decision {
        alert: 1,
        agents: vec![free("ann", 90), free("cid", 30), absent],
        calls: vec![Competitor {
            call: call_id(2),
            queue: Some("support".into()),
            rank,
            hindrance: None,
        }],
    }
}

fn three_wait() -> World {
    let world = World::new();
    (1..=3).for_each(|n| world.engine.queued(n, "support"));
    world
}

#[tokio::test]
async fn who_waits_is_explained_in_sentences_and_in_fields() {
    let world = three_wait();
    let answer = world.get("ann", WAITING).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = &answer.body;
    let headline = "It is third in support; of 2 agents 1 is on break and 1 is on a call.";
    assert_eq!(body["sentence"], headline);
    assert_eq!(body["sentences"][0], headline);
    let all = body["sentences"].to_string();
    assert!(all.contains("are before it."), "{all}");
    assert!(
        all.contains("At 10:00:15 Ann Admiraal may be rung for it again."),
        "{all}"
    );
    let position = json!([3, 2, ["0100000000000001", "0100000000000002"]]);
    let told = json!([body["position"], body["assigned"], body["before"]]);
    assert_eq!(told, position);
    let reasons = json!([{"why": "break", "agents": 1}, {"why": "busy", "agents": 1}]);
    assert_eq!(body["reasons"], reasons);
    let ann = json!({"agent": "ann", "why": "break", "text": "is on break (lunch)", "until": null});
    assert_eq!(body["agents"][0], ann);
    assert_eq!(body["next"][0]["what"], "retry");
    assert_eq!(body["next"][0]["at"], "2026-06-01T08:00:15.000000Z");
    assert_eq!(body["next"][1]["what"], "nobody");
    let [CommandBody::ExplainWaiting { call }] = &world.engine.commands()[..] else {
        panic!("one question");
    };
    assert_eq!(*call, call_id(3));
}

#[tokio::test]
async fn a_call_that_rings_says_where() {
    let world = three_wait();
    let path = "/api/v1/waiting/0100000000000003/pick-up";
    world.call(Some("ann"), "POST", path, json!(null)).await;
    *world.engine.explains_none.lock().unwrap() = true;
    let answer = world.get("ann", WAITING).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let sentence = "The phone of Ann Admiraal rings for it.";
    assert_eq!(answer.body["sentence"], sentence);
    assert_eq!(answer.body["alerting"], json!(["ann"]));
    assert_eq!(answer.body["position"], json!(null));
}

#[tokio::test]
async fn only_who_sees_the_call_hears_why_it_waits() {
    let world = three_wait();
    for (user, status) in [("ann", 200), ("sue", 200), ("root", 200), ("bob", 404)] {
        let answer = world.get(user, WAITING).await;
        assert_eq!(answer.status, status, "{user}: {answer:?}");
    }
    let nowhere = world
        .get("sue", "/api/v1/waiting/0100000000000077/explain")
        .await;
    assert_eq!(nowhere.status, 404);
    *world.engine.explains_none.lock().unwrap() = true;
    let gone = world.get("sue", WAITING).await;
    assert_eq!((gone.status.as_u16(), gone.problem()), (409, "conflict"));
}

#[tokio::test]
async fn an_agent_hears_why_they_get_nothing() {
    let world = three_wait();
    let answer = world.get("ann", "/api/v1/agents/me/explain").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = &answer.body;
    assert_eq!(
        body["sentence"],
        "You are free, but may have none of the 2 callers in your queues."
    );
    let all = body["sentences"].to_string();
    let lack = "lacks a skill (dutch at level 3, has 1, and will do at 10:01:00)";
    assert!(all.contains(lack), "{all}");
    assert!(
        all.contains("1 free agent would get the next caller of support before you."),
        "{all}"
    );
    assert_eq!(body["hindrance"], json!(null));
    let queue = &body["queues"][0];
    assert_eq!(
        (&queue["queue"], &queue["waiting"]),
        (&json!("support"), &json!(2))
    );
    assert_eq!(queue["kept"][0]["why"], "skill");
    assert_eq!(queue["kept"][0]["calls"], 2);
    assert_eq!(body["queues"][1]["queue"], json!(null));
}

#[tokio::test]
async fn attendants_ask_for_themselves_and_supervisors_for_all() {
    let world = World::new();
    let path = "/api/v1/agents/ann/explain";
    for (user, status) in [("ann", 200), ("cid", 403), ("sue", 200), ("root", 200)] {
        let answer = world.get(user, path).await;
        assert_eq!(answer.status, status, "{user}: {answer:?}");
    }
    let told = world.get("sue", path).await;
    let sentence = told.body["sentence"].to_string();
    assert!(sentence.contains("Ann Admiraal is free"), "{sentence}");
    let none = Refusal::NotFound {
        what: "agent",
        name: "zoe".into(),
    };
    *world.engine.refuse.lock().unwrap() = Some(none);
    let nobody = world.get("sue", "/api/v1/agents/zoe/explain").await;
    assert_eq!(nobody.status, 404);
}

/// Ann is alerted for the first call of `support`, and takes it.
fn ann_takes_the_first(world: &World) {
    let claim = |agent: &str, idle: i64| Claim {
        agent: agent.into(),
        merit: 0,
        idle_since_us: START_US - idle * 1_000_000,
    };
    let choice = Choice {
        cause: Cause::Chosen,
        strategy: Strategy::LongestIdle,
        chosen: claim("ann", 90),
        runner_up: Some(claim("cid", 30)),
        next: Some(call_id(2)),
        waiting: 2,
        team: Team {
            on_break: 1,
            busy: 2,
            free: 2,
            ..Team::default()
        },
    };
    world.engine.publish(Event::AlertStarted {
        alert: 1,
        call: call_id(1),
        agent: "ann".into(),
        queue: Some("support".into()),
        picked_up: false,
        choice: Some(choice),
    });
    world.engine.publish(Event::AlertEnded {
        alert: 1,
        call: call_id(1),
        agent: "ann".into(),
        end: AlertEnd::Accepted,
        sip_status: None,
    });
}

#[tokio::test]
async fn a_call_tells_its_story_and_why_it_went_to_whom_it_went() {
    let world = three_wait();
    ann_takes_the_first(&world);
    let answer = world
        .get("sue", "/api/v1/calls/0100000000000001/explain")
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = &answer.body;
    let chosen = "Ann Admiraal was chosen of 2 free agents, who had been idle longest (idle since \
                  09:58:30); next would have been cid (idle since 09:59:30). Of the queue's other agents 2 had \
                  something to do or no phone and 1 on break. 2 other calls waited on in the queue, of which Ann \
                  Admiraal would have had";
    let sentence = body["sentence"].as_str().unwrap();
    assert!(sentence.starts_with(chosen), "{sentence}");
    assert_eq!(body["sentences"][0], body["sentence"]);
    assert_eq!(body["whole"], true);
    let steps = body["steps"].as_array().unwrap();
    let kinds: Vec<_> = steps
        .iter()
        .map(|step| step["what"].as_str().unwrap())
        .collect();
    let expected = [
        "call-started",
        "call-queued",
        "alert-started",
        "alert-ended",
    ];
    assert_eq!(kinds, expected);
    let choice = &steps[2]["choice"];
    assert_eq!(choice["cause"], "chosen");
    assert_eq!(choice["strategy"], "longest-idle");
    assert_eq!(choice["runner_up"]["agent"], "cid");
    assert_eq!(
        choice["chosen"]["idle_since"],
        "2026-06-01T07:58:30.000000Z"
    );
    assert_eq!(choice["next"], "0100000000000002");
    assert_eq!(choice["team"]["busy"], 2);
    assert_eq!(steps[3]["text"], "Ann Admiraal answered.");
}

#[tokio::test]
async fn only_who_had_a_part_hears_the_story_of_a_call() {
    let world = three_wait();
    ann_takes_the_first(&world);
    world.engine.ended(1);
    let path = "/api/v1/calls/0100000000000001/explain";
    for (user, status) in [("ann", 200), ("cid", 404), ("bob", 404), ("sue", 200)] {
        let answer = world.get(user, path).await;
        assert_eq!(answer.status, status, "{user}: {answer:?}");
    }
    let unknown = world
        .get("root", "/api/v1/calls/0100000000000099/explain")
        .await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn supervisors_get_everybody_who_was_a_candidate() {
    let world = three_wait();
    ann_takes_the_first(&world);
    let path = "/api/v1/calls/0100000000000001/explain?full=true";
    let answer = world.get("sue", path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let full = &answer.body["steps"][2]["full"];
    let agents = full["agents"].as_array().unwrap();
    let names: Vec<_> = agents
        .iter()
        .map(|it| it["agent"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["ann", "cid", "bob"]);
    assert_eq!(agents[0]["hindrance"], json!(null));
    assert_eq!(agents[2]["claim"], json!(null));
    assert_eq!(agents[2]["hindrance"]["why"], "left-queue");
    assert_eq!(full["calls"][0]["call"], "0100000000000002");
    assert_eq!(full["calls"][0]["tier"], "urgent");
    assert_eq!(answer.body["full_missing"], json!(null));
    assert_eq!(answer.body["steps"][0]["full"], json!(null));
    assert_eq!(world.get("ann", path).await.status, 403);
    let wrong = world
        .get("sue", "/api/v1/calls/0100000000000001/explain?full=much")
        .await;
    assert_eq!(wrong.status, 422, "{wrong:?}");
    *world.engine.explains_none.lock().unwrap() = true;
    let lost = world.get("sue", path).await;
    assert_eq!(lost.body["full_missing"], "the journal is gone");
    assert_eq!(lost.body["steps"][2]["full"], json!(null));
}
