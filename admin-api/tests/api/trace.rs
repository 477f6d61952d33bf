//! The SIP messages of a call, in three forms, and why there are none.

use admin_api::ports::NoTrace;
use engine::LegId;
use serde_json::{Value, json};
use sip::{Flow, Transport};
use trace::{Direction, Kept, Traced};

use crate::world::{Answered, START_US, World, call_id, lock};

const TRACE: &str = "/api/v1/calls/0100000000000001/trace";

fn message(seq: u64, direction: Direction, raw: &[u8]) -> Traced {
    let flow = Flow {
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().expect("an address"),
        remote: "192.0.2.10:5062".parse().expect("an address"),
        connection: None,
    };
    let at_us = START_US + i64::try_from(seq).expect("few") * 1_500;
    Traced {
        leg: Some((call_id(1), LegId(2))),
        ..Traced::new(seq, at_us, direction, &flow, raw)
    }
}

/// A call that is up, of which two messages are kept.
fn traced() -> World {
    let world = World::new();
    world.engine.queued(1, "support");
    let invite =
        b"INVITE sip:2000:secret@x SIP/2.0\r\nAuthorization: Digest response=\"0123\"\r\n\r\n";
    *lock(&world.engine.traced) = Ok(Kept {
        messages: vec![
            message(1, Direction::Received, invite),
            message(
                2,
                Direction::Sent,
                b"SIP/2.0 100 Trying\r\nSubject: \xff\r\n\r\n",
            ),
        ],
        gone: 3,
    });
    world
}

async fn accepting(world: &World, path: &str, accept: &str) -> Answered {
    let token = format!("Bearer {}", world.token("sue"));
    let headers = [("authorization", token.as_str()), ("accept", accept)];
    world.send("GET", path, &headers, Value::Null).await
}

#[tokio::test]
async fn the_messages_of_a_call_are_shown_without_their_secrets() {
    let world = traced();
    let answer = world.get("sue", TRACE).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["gone"], 3);
    let first = json!({
        "seq": 1, "at": "2026-06-01T08:00:00.001500Z", "direction": "received", "transport": "UDP",
        "from": "192.0.2.10:5062", "to": "192.0.2.1:5060", "call": "0100000000000001", "leg": "0000000000000002",
        "start_line": "INVITE sip:2000:xxxxxx@x SIP/2.0",
        "text": "INVITE sip:2000:xxxxxx@x SIP/2.0\r\nAuthorization: Digest response=\"xxxx\"\r\n\r\n",
        "base64": null,
    });
    assert_eq!(answer.body["messages"][0], first);
    let second = &answer.body["messages"][1];
    assert_eq!(
        second["base64"],
        "U0lQLzIuMCAxMDAgVHJ5aW5nDQpTdWJqZWN0OiD/DQoNCg=="
    );
    assert_eq!(second["from"], "192.0.2.1:5060");
}

#[tokio::test]
async fn the_form_is_what_is_accepted_or_named() {
    let world = traced();
    let capture = "application/vnd.tcpdump.pcap";
    for (path, accept, media_type) in [
        (String::from(TRACE), "*/*", "application/json"),
        (
            String::from(TRACE),
            "text/html, text/plain;q=0.5",
            "text/plain; charset=utf-8",
        ),
        (String::from(TRACE), capture, capture),
        (String::from(TRACE), "image/png", "application/json"),
        (format!("{TRACE}?format=pcap"), "text/plain", capture),
        (
            format!("{TRACE}?format=text"),
            "*/*",
            "text/plain; charset=utf-8",
        ),
        (format!("{TRACE}?format=json"), capture, "application/json"),
    ] {
        let answer = accepting(&world, &path, accept).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, media_type),
            "{path} {accept}"
        );
    }
    let ladder = accepting(&world, TRACE, "text/plain").await.body;
    assert!(ladder.as_str().unwrap().contains(" INVITE "), "{ladder}");
    let wrong = world.get("sue", &format!("{TRACE}?format=pdf")).await;
    assert_eq!(wrong.status, 422, "{wrong:?}");
}

#[tokio::test]
async fn what_is_not_kept_is_404_and_says_why() {
    let world = traced();
    for (why, status, text) in [
        (
            NoTrace::Nothing,
            404,
            "later calls have taken the 64 megabytes",
        ),
        (NoTrace::Off, 404, "log.trace_megabytes is 0"),
        (NoTrace::Busy, 503, "too many ask"),
    ] {
        *lock(&world.engine.traced) = Err(why);
        let answer = world.get("root", TRACE).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(text), "{detail}");
    }
    let unknown = world
        .get("sue", "/api/v1/calls/0100000000000099/trace")
        .await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.problem()),
        (404, "not-found")
    );
    assert_eq!(world.get("ann", TRACE).await.status, 403);
}
