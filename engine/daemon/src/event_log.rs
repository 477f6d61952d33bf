//! What happens to calls, agents, queues and phones, in the log at DEBUG: each event in the words of the event stream.
//!
//! Follows the projection thread as a client of the API does, and only while the log takes it: at other levels nothing is
//! woken for it, and the engine's thread never. What is written down is what events say, so no message and no secret.

use std::fmt::Write as _;
use std::sync::Arc;

use admin_api::kind_and_data;
use admin_api::ports::LoggedEvent;
use config::LogLevel;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use crate::view::Views;

/// Logs until the daemon stops.
pub(crate) async fn run(views: Arc<Views>, mut level: watch::Receiver<LogLevel>) {
    // Its sender lives as long as the settings can be read again.
    while level.wait_for(takes_events).await.is_ok() {
        let mut events = views.follow();
        while takes_events(&level.borrow_and_update()) {
            tokio::select! {
                event = events.recv() => match event {
                    Ok(logged) => tracing::debug!(seq = logged.seq, "{}", line(&logged)),
                    Err(RecvError::Lagged(missing)) => {
                        tracing::warn!(missing, "events came faster than they could be logged");
                    }
                    Err(RecvError::Closed) => return,
                },
                changed = level.changed() => if changed.is_err() { return },
            }
        }
    }
}

fn takes_events(level: &LogLevel) -> bool {
    *level >= LogLevel::Debug
}

/// `call-ended call=0100000000000001 cause.result=answered by=caller`: what is unset is left out.
fn line(logged: &LoggedEvent) -> String {
    let (mut line, data) = kind_and_data(&logged.event);
    for (name, value) in data {
        put(&mut line, &name, &value);
    }
    line
}

fn put(line: &mut String, name: &str, value: &Value) {
    // Writing to a String does not fail.
    let _ = match value {
        Value::Null => Ok(()),
        Value::Object(fields) => {
            for (inner, value) in fields {
                put(line, &format!("{name}.{inner}"), value);
            }
            Ok(())
        }
        Value::String(text) if is_plain(text) => write!(line, " {name}={text}"),
        // Quoted, and a line in it escaped: what a caller sends must not look like a line of ours.
        Value::String(text) => write!(line, " {name}={text:?}"),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => write!(line, " {name}={value}"),
    };
}

fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '=';
    !text.is_empty() && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::event::{Direction, EndCause, EndResult, EndedBy, Party, Rank};
    use engine::{CallId, Event};

    #[test]
    fn a_line_says_what_the_event_stream_does() {
        let call = CallId(0x0100_0000_0000_0001);
        let started = Event::CallStarted {
            call,
            direction: Direction::Inbound,
            caller: Party {
                number: "+31201".into(),
                name: Some("Ann\nB".into()),
            },
            called: "2000".into(),
            trunk: Some("carrier".into()),
            user: None,
            vip: false,
        };
        let queued = Event::CallQueued {
            call,
            queue: Some("support".into()),
            user: None,
            rank: Rank {
                tier: 1,
                key_us: 1,
                arrival_us: 2,
                id: 3,
            },
            priority: 7,
            arrival_us: 1_798_102_800_000_000,
            estimate_seconds: None,
        };
        let ended = Event::CallEnded {
            call,
            cause: EndCause {
                result: EndResult::Busy,
                sip_status: Some(486),
                reason: None,
            },
            by: EndedBy::System,
        };
        let id = "call=0100000000000001";
        for (event, parts) in [
            (
                started,
                &[
                    "call-started",
                    id,
                    "caller.number=+31201",
                    "caller.name=\"Ann\\nB\"",
                    "called=2000",
                    "trunk=carrier",
                ][..],
            ),
            (
                queued,
                &[
                    "call-queued",
                    id,
                    "queue=support",
                    "tier=normal",
                    "priority=7",
                ],
            ),
            (
                ended,
                &[
                    "call-ended",
                    id,
                    "cause.result=busy",
                    "cause.sip_status=486",
                    "by=system",
                ],
            ),
        ] {
            let logged = LoggedEvent {
                seq: 1,
                utc_us: 0,
                event: Arc::new(event),
            };
            let line = line(&logged);
            assert!(line.starts_with(parts[0]), "{line}");
            for part in &parts[1..] {
                assert!(line.contains(&format!(" {part}")), "{part}: {line}");
            }
            assert!(!line.contains("user=") && !line.contains("null"), "{line}");
            assert_eq!(line.lines().count(), 1);
        }
    }
}
