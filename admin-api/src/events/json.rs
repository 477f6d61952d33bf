//! An event as a message: `{cursor, seq, time, type, resource, id, data}`.
//!
//! Inside the program times are microseconds; outside they are RFC 3339, here as everywhere. A field `since_us`
//! becomes `since`. Of a rank only the tier is shown: the rest is for comparing.

use engine::Event;
use serde_json::{Map, Value, json};

use crate::ports::LoggedEvent;
use crate::routes::tier;
use crate::time;

/// The message for one event.
pub(crate) fn message(logged: &LoggedEvent, event: &Event) -> Value {
    let (kind, data) = kind_and_data(event);
    let (resource, id) = event.resource();
    json!({
        "cursor": cursor(logged.seq),
        "seq": logged.seq,
        "time": time::rfc3339(logged.utc_us),
        "type": kind,
        "resource": resource,
        "id": id,
        "data": data,
    })
}

/// The place after this event, for clients to give back.
pub(crate) fn cursor(seq: u64) -> String {
    format!("{seq:016x}")
}

/// Reads a cursor; `None` for what is none.
pub(crate) fn read_cursor(text: &str) -> Option<u64> {
    let well_formed = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| well_formed)
}

/// The event's type and what it says, in the words of the event stream.
pub fn kind_and_data(event: &Event) -> (String, Map<String, Value>) {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(event) else {
        return (String::new(), Map::new());
    };
    let kind = fields
        .remove("type")
        .and_then(|kind| kind.as_str().map(str::to_owned))
        .unwrap_or_default();
    (
        kind,
        fields
            .into_iter()
            .map(|(name, value)| outside(&name, value))
            .collect(),
    )
}

fn outside(name: &str, value: Value) -> (String, Value) {
    if let Some(name) = name.strip_suffix("_us") {
        return (
            name.to_owned(),
            value
                .as_i64()
                .map_or(Value::Null, |us| time::rfc3339(us).into()),
        );
    }
    if name == "rank" {
        let number = value["tier"]
            .as_u64()
            .and_then(|tier| u8::try_from(tier).ok())
            .unwrap_or(u8::MAX);
        return ("tier".to_owned(), tier(number).into());
    }
    (name.to_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::samples;
    use engine::CallId;
    use engine::event::Rank;
    use std::sync::Arc;

    #[test]
    fn a_message_has_its_seven_fields_and_times_for_people() {
        let event = Event::CallQueued {
            call: CallId(0x0100_0000_0000_0001),
            queue: Some("support".into()),
            user: None,
            rank: Rank {
                tier: 0,
                key_us: 1,
                arrival_us: 2,
                id: 3,
            },
            priority: 7,
            arrival_us: 1_798_102_800_000_000,
            estimate_seconds: None,
        };
        let logged = LoggedEvent {
            seq: 18,
            utc_us: 1_798_102_800_250_000,
            event: Arc::new(event.clone()),
        };
        let expected = json!({
            "cursor": "0000000000000012",
            "seq": 18,
            "time": "2026-12-24T09:00:00.250000Z",
            "type": "call-queued",
            "resource": "calls",
            "id": "0100000000000001",
            "data": {
                "call": "0100000000000001",
                "queue": "support",
                "user": null,
                "tier": "urgent",
                "priority": 7,
                "arrival": "2026-12-24T09:00:00.000000Z",
                "estimate_seconds": null,
            },
        });
        assert_eq!(message(&logged, &event), expected);
    }

    #[test]
    fn no_event_shows_microseconds() {
        for event in samples::one_of_each() {
            let (kind, data) = kind_and_data(&event);
            assert!(data.keys().all(|name| !name.ends_with("_us")), "{kind}");
        }
    }

    #[test]
    fn cursors_read_back() {
        for seq in [0, 18, u64::MAX] {
            assert_eq!(read_cursor(&cursor(seq)), Some(seq));
        }
        for wrong in ["", "18", "+000000000000012", "000000000000001g"] {
            assert_eq!(read_cursor(wrong), None, "{wrong}");
        }
    }
}
