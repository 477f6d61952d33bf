//! The types of events, as the OpenAPI document lists them.
//!
//! Written beside the enum of the engine, since that is for the journal and knows nothing of HTTP; a test holds the two
//! together.

use serde_json::{Map, Value, json};

/// One type of event.
pub(crate) struct EventKind {
    /// Its `type`.
    pub(crate) name: &'static str,
    /// When it happens.
    pub(crate) doc: &'static str,
    /// The fields of its `data`.
    pub(crate) fields: &'static [(&'static str, FieldKind)],
}

/// What a field of `data` holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FieldKind {
    /// Text, or one of a few words.
    Text,
    /// The same, or null.
    MaybeText,
    /// A time, RFC 3339.
    Time,
    /// The same, or null.
    MaybeTime,
    /// A whole number.
    Number,
    /// The same, or null.
    MaybeNumber,
    /// True or false.
    Flag,
    /// `{number, name}`.
    Party,
    /// `{result, sip_status, reason}`.
    Cause,
    /// A list of texts.
    Texts,
    /// A list of `{kind, name, what}`.
    Changes,
}

use FieldKind::{
    Cause, Changes, Flag, MaybeNumber, MaybeText, MaybeTime, Number, Party, Text, Texts, Time,
};

macro_rules! kinds {
    ($($name:literal, $doc:literal, [$($field:literal: $kind:expr),* $(,)?];)+) => {
        /// All of them.
        pub(crate) const KINDS: &[EventKind] =
            &[$(EventKind { name: $name, doc: $doc, fields: &[$(($field, $kind)),*] }),+];
    };
}

kinds! {
    "call-started", "A call came in or was placed.",
        ["call": Text, "direction": Text, "caller": Party, "called": Text, "trunk": MaybeText, "user": MaybeText,
         "vip": Flag];
    "call-answered", "The caller's side was answered, by music, an announcement or a person.", ["call": Text];
    "call-queued", "The call waits in a queue, or for one user.",
        ["call": Text, "queue": MaybeText, "user": MaybeText, "tier": Text, "priority": Number, "arrival": Time,
         "estimate_seconds": MaybeNumber];
    "call-left-queue", "The call waits no more: `connected`, `abandoned`, `diverted`, `ended` or `interrupted`.",
        ["call": Text, "why": Text];
    "leg-started", "Somebody is being called, or called us.",
        ["call": Text, "leg": Text, "role": Text, "number": Text, "trunk": MaybeText, "user": MaybeText];
    "leg-ringing", "The far end rings.", ["call": Text, "leg": Text];
    "leg-answered", "The far end answered.", ["call": Text, "leg": Text];
    "leg-ended", "The leg is over.", ["call": Text, "leg": Text, "cause": Cause];
    "alert-started", "An agent is alerted, for a call that was chosen for them or that they picked up.",
        ["alert": Number, "call": Text, "agent": Text, "queue": MaybeText, "picked_up": Flag];
    "alert-ended", "An alert ended: `accepted`, `rejected`, `timed-out`, `withdrawn` or `failed`.",
        ["alert": Number, "call": Text, "agent": Text, "end": Text, "sip_status": MaybeNumber];
    "call-connected", "Two people can talk.",
        ["call": Text, "user": MaybeText, "leg": Text, "queue": MaybeText];
    "call-held", "One side put the other on hold.", ["call": Text, "by": Text];
    "call-resumed", "The hold is over.", ["call": Text, "by": Text];
    "call-diverted", "A rule sent the call to another destination.", ["call": Text, "why": Text, "to": Text, "queue": MaybeText];
    "call-ended", "The call is over; nothing more happens to it.", ["call": Text, "cause": Cause, "by": Text];
    "agent-changed", "An agent's state, whole, after any part of it changed.",
        ["agent": Text, "presence": Text, "reason": MaybeText, "activity": Text, "pending": MaybeText,
         "extension": MaybeText, "device": Text, "since": Time, "call": MaybeText, "left_queues": Texts, "codes_due": Texts];
    "queue-changed", "A queue opened or closed, or will do so at another time than thought.",
        ["queue": Text, "open": Flag, "override_state": MaybeText, "override_until": MaybeTime,
         "next_change": MaybeTime];
    "phone-registered", "A phone registered, or refreshed with another address.",
        ["extension": Text, "contact": Text, "expires": Time];
    "phone-unregistered", "A phone is gone.", ["extension": Text, "contact": Text];
    "centre-changed", "The centre changed.", ["version": Number, "changes": Changes];
    "alarm-raised", "Something needs a person.", ["alarm": Text, "text": Text];
    "alarm-cleared", "The alarm is over.", ["alarm": Text];
    "agent-logged-in", "A user began work as an agent.", ["agent": Text, "extension": MaybeText];
    "agent-logged-out", "A user's work as an agent ended.", ["agent": Text];
    "call-reserved", "A call that waits is held for one agent, or for nobody any more; `sticky` when they served the caller before, `recall` when they had sent it away: they did not ask for it.",
        ["call": Text, "by": MaybeText, "sticky": Flag, "recall": Flag];
    "service-level-reached", "The call has waited for its queue's service-level time; `action` is what was done.",
        ["call": Text, "queue": Text, "action": Text];
    "day-began", "The centre's day began: counters start anew.", [];
    "service-level-set", "What a queue promises its callers from now on.",
        ["queue": Text, "seconds": Number, "short_abandon": Number];
    "agent-removed", "An agent whose user was removed or disabled has no call left, and is no agent any more.", ["agent": Text];
    "call-transferred", "One who talked in it has sent the other side on; `party` is who is still in it.",
        ["call": Text, "by": Text, "to": Text, "party": Party];
    "call-recalled", "Nobody took it where it was sent or parked, and it comes back: `from` is who had sent it.",
        ["call": Text, "from": MaybeText, "queue": MaybeText];
    "call-parked", "The call is parked in a slot; `party` is who is.",
        ["call": Text, "slot": Number, "by": MaybeText, "location": MaybeText, "party": Party];
    "call-retrieved", "Somebody has taken a parked call.", ["call": Text, "slot": Number, "by": Text];
    "call-coded", "An agent said what a call was about, or takes that back (`code` null); also after its end.",
        ["call": Text, "agent": Text, "category": MaybeText, "code": MaybeText, "text": MaybeText];
    "source-banned", "A source of SIP messages is not heard for a while, because of what it has sent; for supervisors.",
        ["address": Text, "seconds": Number, "why": Text];
    "dial-refused", "A user dialled an outside number that they may not call; for supervisors.",
        ["user": Text, "number": Text, "why": Text];
}

/// The schema of the messages: one of the types.
pub(crate) fn schema() -> Value {
    json!({
        "description": "One message of GET /api/v1/events",
        "oneOf": KINDS.iter().map(message_schema).collect::<Vec<_>>(),
    })
}

fn message_schema(kind: &EventKind) -> Value {
    let names: Vec<&str> = kind.fields.iter().map(|(name, _)| *name).collect();
    let fields = kind
        .fields
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), field_schema(*kind)));
    json!({
        "title": kind.name,
        "description": kind.doc,
        "type": "object",
        "required": ["cursor", "seq", "time", "type", "resource", "id", "data"],
        "properties": {
            "cursor": { "type": "string", "description": "Resumes after this event" },
            "seq": { "type": "integer", "description": "Rises with every event, not by one" },
            "time": { "type": "string", "format": "date-time" },
            "type": { "const": kind.name },
            "resource": { "type": "string", "description": "The kind of resource it is about" },
            "id": { "type": "string", "description": "Which one" },
            "data": { "type": "object", "required": names, "properties": fields.collect::<Map<_, _>>() },
        },
    })
}

fn field_schema(kind: FieldKind) -> Value {
    match kind {
        Text => json!({ "type": "string" }),
        MaybeText => json!({ "type": ["string", "null"] }),
        Time => json!({ "type": "string", "format": "date-time" }),
        MaybeTime => json!({ "type": ["string", "null"], "format": "date-time" }),
        Number => json!({ "type": "integer" }),
        MaybeNumber => json!({ "type": ["integer", "null"] }),
        Flag => json!({ "type": "boolean" }),
        Party => object(&[("number", Text), ("name", MaybeText)]),
        Cause => object(&[
            ("result", Text),
            ("sip_status", MaybeNumber),
            ("reason", MaybeText),
        ]),
        Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Changes => {
            json!({ "type": "array", "items": object(&[("kind", Text), ("name", Text), ("what", Text)]) })
        }
    }
}

fn object(fields: &[(&str, FieldKind)]) -> Value {
    let properties = fields
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), field_schema(*kind)));
    json!({ "type": "object", "properties": properties.collect::<Map<_, _>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::json::kind_and_data;
    use crate::events::samples;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_is_that_of_the_engine() {
        let samples = samples::one_of_each();
        assert_eq!(samples.len(), KINDS.len());
        for event in samples {
            let (name, data) = kind_and_data(&event);
            let kind = KINDS
                .iter()
                .find(|kind| kind.name == name)
                .unwrap_or_else(|| panic!("{name} is not listed"));
            let listed: BTreeSet<&str> = kind.fields.iter().map(|(name, _)| *name).collect();
            let sent: BTreeSet<&str> = data.keys().map(String::as_str).collect();
            assert_eq!(listed, sent, "{name}");
            for (field, kind) in kind.fields {
                assert!(
                    fits(&data[*field], *kind),
                    "{name}.{field}: {}",
                    data[*field]
                );
            }
        }
    }

    fn fits(value: &Value, kind: FieldKind) -> bool {
        match kind {
            Text => value.is_string(),
            Time => value.as_str().is_some_and(|text| text.ends_with('Z')),
            Number => value.is_u64() || value.is_i64(),
            Flag => value.is_boolean(),
            MaybeText => value.is_null() || fits(value, Text),
            MaybeTime => value.is_null() || fits(value, Time),
            MaybeNumber => value.is_null() || fits(value, Number),
            Party => value["number"].is_string(),
            Cause => value["result"].is_string(),
            Texts => value
                .as_array()
                .is_some_and(|all| all.iter().all(Value::is_string)),
            Changes => value
                .as_array()
                .is_some_and(|changes| changes.iter().all(|change| change["what"].is_string())),
        }
    }
}
