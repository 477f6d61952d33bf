//! The stream of events, over a WebSocket in this process.

use std::io;
use std::time::Duration;

use axum::serve::Listener;
use engine::event::{Event, Presence};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::world::World;

/// Takes connections from a channel instead of a network.
struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(pipe) => (pipe, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

struct Stream(WebSocketStream<DuplexStream>);

impl Stream {
    /// Opens a stream whose pipe holds this many bytes.
    async fn open(
        world: &World,
        query: &str,
        token: Option<&str>,
        bytes: usize,
    ) -> Result<Self, Error> {
        let (connections, pipes) = mpsc::unbounded_channel();
        let router = world.router.clone();
        tokio::spawn(async move { axum::serve(Pipes(pipes), router).await });
        let (ours, theirs) = tokio::io::duplex(bytes);
        connections.send(theirs).expect("the server listens");
        let mut request = format!("ws://lampfield/api/v1/events{query}").into_client_request()?;
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().expect("a header");
            request.headers_mut().insert("authorization", value);
        }
        client_async(request, ours)
            .await
            .map(|(stream, _)| Self(stream))
    }

    async fn of(world: &World, user: &str, query: &str) -> Self {
        let token = world.token(user);
        Self::open(world, query, Some(&token), 1 << 20)
            .await
            .expect("the stream opens")
    }

    /// The next message, or the close code.
    async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = timeout(Duration::from_secs(20), self.0.next())
                .await
                .expect("an event in time");
            match message
                .expect("no end without a close")
                .expect("no broken frame")
            {
                Message::Text(text) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Message::Close(frame) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Message::Ping(_) | Message::Pong(_) => {}
                other @ (Message::Binary(_) | Message::Frame(_)) => panic!("{other:?}"),
            }
        }
    }

    /// The types of the next events up to and with this one.
    async fn types_until(&mut self, last: &str) -> Vec<String> {
        let mut types = Vec::new();
        loop {
            let message = self.next().await.expect("an event");
            let kind = message["type"].as_str().expect("a type").to_owned();
            types.push(kind.clone());
            if kind == last {
                return types;
            }
        }
    }
}

fn end_of_test(world: &World) {
    world.engine.publish(Event::QueueChanged {
        queue: "support".into(),
        open: false,
        override_state: None,
        override_until_us: None,
        next_change_us: None,
    });
}

#[tokio::test]
async fn events_come_as_they_happen_and_resume_from_a_cursor() {
    let world = World::new();
    let mut stream = Stream::of(&world, "sue", "").await;
    world.engine.queued(1, "support");
    let started = stream.next().await.expect("an event");
    assert_eq!(
        (&started["type"], &started["resource"]),
        (&json!("call-started"), &json!("calls"))
    );
    assert_eq!(
        (&started["id"], &started["data"]["caller"]["number"]),
        (&json!("0100000000000001"), &json!("+31201"))
    );
    let queued = stream.next().await.expect("an event");
    assert!(queued["seq"].as_u64() > started["seq"].as_u64());
    drop(stream);

    // Away: what happened meanwhile comes first, then what happens; nothing twice, nothing missing.
    world.engine.joined(1, "ann");
    let cursor = started["cursor"].as_str().expect("a cursor");
    let mut resumed = Stream::of(&world, "sue", &format!("?cursor={cursor}")).await;
    assert_eq!(resumed.next().await.expect("an event"), queued);
    assert_eq!(
        resumed.next().await.expect("an event")["type"],
        "leg-started"
    );
    world.engine.ended(1);
    assert_eq!(
        resumed.next().await.expect("an event")["type"],
        "call-ended"
    );
}

/// An event that was published before the stream opened, but is not in the journal yet, is waited for.
#[tokio::test(start_paused = true)]
async fn nothing_is_lost_between_journal_and_subscription() {
    let world = World::new();
    let cursor = format!("{:016x}", world.engine.latest_seq());
    let durable = world.engine.publish(Event::AlarmCleared {
        alarm: "one".into(),
    });
    world.engine.durable.store(durable, Ordering::SeqCst);
    world.engine.publish(Event::AlarmCleared {
        alarm: "two".into(),
    });
    let mut stream = Stream::of(&world, "sue", &format!("?cursor={cursor}")).await;
    assert_eq!(stream.next().await.expect("an event")["id"], "one");
    world.engine.publish(Event::AlarmCleared {
        alarm: "three".into(),
    });
    world.engine.durable.store(u64::MAX, Ordering::SeqCst);
    assert_eq!(stream.next().await.expect("an event")["id"], "two");
    assert_eq!(stream.next().await.expect("an event")["id"], "three");
}

#[tokio::test]
async fn many_past_events_come_in_batches() {
    let world = World::new();
    let cursor = format!("{:016x}", world.engine.latest_seq());
    for n in 0..1234 {
        world.engine.publish(Event::AlarmCleared {
            alarm: n.to_string(),
        });
    }
    let mut stream = Stream::of(&world, "sue", &format!("?cursor={cursor}")).await;
    for n in 0..1234 {
        assert_eq!(stream.next().await.expect("an event")["id"], n.to_string());
    }
}

#[tokio::test]
async fn an_attendant_gets_what_is_theirs() {
    let world = World::new();
    let mut stream = Stream::of(&world, "ann", "").await;
    // A call in another queue, an agent of another queue, an alarm: nothing of it.
    world.engine.queued(1, "sales");
    world.engine.joined(1, "bob");
    world.engine.ended(1);
    world.engine.agent("bob", Presence::Available, None);
    world.engine.publish(Event::AlarmRaised {
        alarm: "x".into(),
        text: "y".into(),
    });
    world.centre.other_change();
    // Their queue, a colleague, their own call: from the moment it is theirs to its end.
    world.engine.queued(2, "support");
    world.engine.ended(2);
    world.engine.agent("cid", Presence::Available, None);
    world.engine.started(3, None);
    world.engine.joined(3, "ann");
    world.engine.ended(3);
    end_of_test(&world);
    let expected = [
        "call-queued",
        "call-ended",
        "agent-changed",
        "leg-started",
        "call-ended",
        "queue-changed",
    ];
    assert_eq!(stream.types_until("queue-changed").await, expected);
}

/// After a resume the filter meets calls whose beginning it did not see.
#[tokio::test]
async fn a_resumed_attendant_knows_their_calls() {
    let world = World::new();
    world.engine.queued(1, "support");
    world.engine.queued(2, "sales");
    let cursor = format!("{:016x}", world.engine.latest_seq());
    let mut stream = Stream::of(&world, "ann", &format!("?cursor={cursor}")).await;
    for n in [1, 2] {
        world.engine.publish(Event::CallAnswered {
            call: crate::world::call_id(n),
        });
    }
    end_of_test(&world);
    assert_eq!(
        stream.types_until("queue-changed").await,
        ["call-answered", "queue-changed"]
    );
}

#[tokio::test]
async fn changes_of_the_centre_are_shown_in_part_and_apply_at_once() {
    let world = World::new();
    let mut stream = Stream::of(&world, "ann", "").await;
    world
        .call(
            Some("root"),
            "PATCH",
            "/api/v1/users/ann",
            json!({"queues": ["support", "sales"]}),
        )
        .await;
    let changed = stream.next().await.expect("an event");
    assert_eq!(
        (&changed["type"], &changed["data"]["changes"][0]["name"]),
        (&json!("centre-changed"), &json!("ann"))
    );
    world.engine.queued(1, "sales");
    assert_eq!(
        stream.next().await.expect("an event")["type"],
        "call-queued"
    );
    world
        .call(
            Some("root"),
            "PATCH",
            "/api/v1/users/ann",
            json!({"role": "supervisor"}),
        )
        .await;
    assert_eq!(
        stream.next().await.expect("an event")["type"],
        "centre-changed"
    );
    world.engine.publish(Event::AlarmRaised {
        alarm: "x".into(),
        text: "y".into(),
    });
    assert_eq!(
        stream.next().await.expect("an event")["type"],
        "alarm-raised"
    );
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let world = World::new();
    let token = world.token("ann");
    let mut stream = Stream::open(&world, &format!("?access_token={token}"), None, 1 << 20)
        .await
        .expect("it opens");
    world.engine.agent("ann", Presence::Available, None);
    assert_eq!(
        stream.next().await.expect("an event")["type"],
        "agent-changed"
    );
    let bearer = format!("Bearer {token}");
    world
        .send(
            "POST",
            "/api/v1/logout",
            &[("authorization", &bearer)],
            Value::Null,
        )
        .await;
    // What the logout did may come first.
    let code = loop {
        if let Err(code) = stream.next().await {
            break code;
        }
    };
    assert_eq!(code, 4401);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_dropped_and_can_resume() {
    let world = World::new();
    let token = world.token("sue");
    let mut stream = Stream::open(&world, "", Some(&token), 1024)
        .await
        .expect("it opens");
    let alarm = |n: u32| Event::AlarmCleared {
        alarm: n.to_string(),
    };
    let mut sent = 0;
    // Nobody reads: the pipe fills, then the subscription falls behind.
    for _ in 0..40 {
        world.engine.publish(alarm(sent));
        sent += 1;
        tokio::task::yield_now().await;
    }
    let mut last = Value::Null;
    let code = loop {
        match stream.next().await {
            Ok(message) => last = message,
            Err(code) => break code,
        }
    };
    assert_eq!(code, 4429);
    let (cursor, id) = (
        last["cursor"].as_str().expect("a cursor"),
        last["id"].as_str().expect("an id"),
    );
    let mut resumed = Stream::of(&world, "sue", &format!("?cursor={cursor}")).await;
    for n in id.parse::<u32>().expect("a number") + 1..sent {
        assert_eq!(resumed.next().await.expect("an event")["id"], n.to_string());
    }
}

/// As scripts send it that have none yet.
#[tokio::test]
async fn an_empty_cursor_is_none() {
    let world = World::new();
    world.engine.ended(1);
    let mut stream = Stream::of(&world, "sue", "?cursor=").await;
    world.engine.ended(2);
    assert_eq!(
        stream.next().await.expect("an event")["id"],
        "0100000000000002"
    );
}

#[tokio::test]
async fn a_cursor_too_old_or_wrong_is_said() {
    let world = World::new();
    let latest = world.engine.latest_seq();
    world.engine.forgotten.store(latest + 1, Ordering::SeqCst);
    let mut stream = Stream::of(&world, "sue", "?cursor=0000000000000001").await;
    assert_eq!(stream.next().await, Err(4410));
    for (query, token, expected) in [
        ("?cursor=x", true, 422),
        ("?curser=x", true, 400),
        ("", false, 401),
    ] {
        let token = token.then(|| world.token("sue"));
        let refused = Stream::open(&world, query, token.as_deref(), 4096)
            .await
            .err()
            .expect(query);
        let Error::Http(response) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(response.status().as_u16(), expected, "{query}");
    }
}
