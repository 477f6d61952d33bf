//! What is written down so that nothing is lost: the entries of the journal.
//!
//! The journal holds the *inputs* of the distribution core, the events of every call, and the few private
//! facts that a restart needs (dialogs to end, phones' bindings, overrides, the numbers given to names). An entry is a
//! header of plain columns and a compact body in CBOR with numbered fields; a kind this program does not
//! know is kept as bytes, so that an older program can still read past it. How entries become state again
//! is the work of the module `restore`; where they are kept is the store's.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::command::OverrideState;
use crate::event::Event;
use crate::ids::{CallId, LegId};

/// One row of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Consecutive from 1, over restarts too; also the cursor of the event stream.
    pub seq: u64,
    /// When and under which configuration.
    pub stamp: Stamp,
    /// What.
    pub body: Body,
}

/// The header that all entries of one turn share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The node that wrote it.
    pub node: u8,
    /// How often that node had been started.
    pub incarnation: u32,
    /// The turn's monotonic time, in microseconds.
    pub mono_us: u64,
    /// The turn's UTC time, in microseconds since the Unix epoch.
    pub utc_us: i64,
    /// The centre's version in force.
    pub config_version: u64,
    /// The rules in force ([`RULES_VERSION`](crate::RULES_VERSION)).
    pub rules_version: u32,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// The daemon started; holds its version for people.
    Started {
        /// `CARGO_PKG_VERSION` of the daemon.
        version: String,
    },
    /// One input of the distribution core, as that core encodes it; its timeouts included.
    Acd(Vec<u8>),
    /// Something happened.
    Event(Arc<Event>),
    /// A dialog is up, or changed in a way that matters to its next request.
    Dialog(Box<DialogRecord>),
    /// A dialog is over.
    DialogGone(LegId),
    /// A phone's binding was added or refreshed.
    Binding(BindingRecord),
    /// A phone's binding is gone.
    BindingGone(BindingKey),
    /// A queue's override was set (state) or taken back (none).
    Override(OverrideRecord),
    /// A queue or user got its number in the distribution core.
    Name(NameRecord),
    /// An agent has served a caller whom they may serve again.
    Served(ServedRecord),
    /// All of the state so far: a restart reads from the last of these on.
    Checkpoint(Vec<u8>),
    /// A kind that this program does not know.
    Unknown {
        /// Its number.
        kind: u16,
        /// Its body, untouched.
        bytes: Vec<u8>,
    },
}

/// What is needed to send a request within a dialog after a restart (RFC 3261 §12).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DialogRecord {
    /// The call.
    #[n(0)]
    pub call: CallId,
    /// The leg.
    #[n(1)]
    pub leg: LegId,
    /// Call-ID.
    #[n(2)]
    pub call_id: String,
    /// Our tag.
    #[n(3)]
    pub local_tag: String,
    /// The peer's tag.
    #[n(4)]
    pub remote_tag: String,
    /// The last CSeq number we used.
    #[n(5)]
    pub local_cseq: u32,
    /// Our URI, as in From or To.
    #[n(6)]
    pub local_uri: String,
    /// The peer's URI, as in To or From.
    #[n(7)]
    pub remote_uri: String,
    /// The peer's Contact.
    #[n(8)]
    pub remote_target: String,
    /// The route set, in the order a request carries it.
    #[n(9)]
    pub route_set: Vec<String>,
    /// The flow it ran over: transport, our address, the peer's address.
    #[n(10)]
    pub transport: String,
    /// Our address and port.
    #[n(11)]
    pub local: String,
    /// The peer's address and port.
    #[n(12)]
    pub remote: String,
}

/// Names one binding (RFC 3261 §10): an extension may have several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct BindingKey {
    /// The extension, or the name of a trunk that registers here.
    #[n(0)]
    pub aor: String,
    /// The Contact URI.
    #[n(1)]
    pub contact: String,
}

/// One binding.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BindingRecord {
    /// Which one.
    #[n(0)]
    pub key: BindingKey,
    /// When it ends, UTC microseconds.
    #[n(1)]
    pub expires_us: i64,
    /// Call-ID of the registration.
    #[n(2)]
    pub call_id: String,
    /// CSeq of the registration.
    #[n(3)]
    pub cseq: u32,
    /// The flow it came by: transport, our address, the peer's address.
    #[n(4)]
    pub transport: String,
    /// Our address and port.
    #[n(5)]
    pub local: String,
    /// The peer's address and port.
    #[n(6)]
    pub remote: String,
    /// User-Agent, for people.
    #[n(7)]
    pub ua: Option<String>,
    /// Whether the phone is behind NAT: its Contact is not where it sends from.
    #[n(8)]
    pub nat: bool,
}

/// One override of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct OverrideRecord {
    /// The queue's name.
    #[n(0)]
    pub queue: String,
    /// What it does; none when it is taken back.
    #[n(1)]
    pub state: Option<OverrideState>,
    /// When it ends by itself, UTC microseconds.
    #[n(2)]
    pub until_us: Option<i64>,
    /// Who set it.
    #[n(3)]
    pub by: String,
    /// Whether it ends when the calendar changes next: `until_us` follows a calendar that is edited meanwhile.
    #[n(4)]
    #[cbor(default)]
    pub until_next_change: bool,
}

/// The number under which the distribution core knows a name; never given to another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NameRecord {
    /// Whether it names a queue (else an agent).
    #[n(0)]
    pub is_queue: bool,
    /// The number.
    #[n(1)]
    pub id: u32,
    /// The name.
    #[n(2)]
    pub name: String,
}

/// Who served a caller last (rule 9).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ServedRecord {
    /// The caller's number.
    #[n(0)]
    pub number: String,
    /// The agent's user name.
    #[n(1)]
    pub agent: String,
    /// When, UTC microseconds.
    #[n(2)]
    pub at_us: i64,
    /// When no queue asks for it any more, UTC microseconds.
    #[n(3)]
    pub until_us: i64,
}

/// A body that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("journal entry of kind {kind} cannot be read: {why}")]
pub struct Unreadable {
    /// The kind.
    pub kind: u16,
    /// What the decoder said.
    pub why: String,
}

impl Body {
    /// The number of its kind; never used twice.
    pub fn kind(&self) -> u16 {
        match self {
            Self::Started { .. } => 1,
            Self::Acd(_) => 2,
            Self::Event(_) => 3,
            Self::Dialog(_) => 4,
            Self::DialogGone(_) => 5,
            Self::Binding(_) => 6,
            Self::BindingGone(_) => 7,
            Self::Override(_) => 8,
            Self::Name(_) => 9,
            Self::Checkpoint(_) => 10,
            Self::Served(_) => 11,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// The bytes kept beside the kind.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Started { version } => cbor(version),
            Self::Acd(bytes) | Self::Checkpoint(bytes) | Self::Unknown { bytes, .. } => {
                bytes.clone()
            }
            Self::Event(event) => cbor(event.as_ref()),
            Self::Dialog(record) => cbor(record.as_ref()),
            Self::DialogGone(leg) => cbor(leg),
            Self::Binding(record) => cbor(record),
            Self::BindingGone(key) => cbor(key),
            Self::Override(record) => cbor(record),
            Self::Name(record) => cbor(record),
            Self::Served(record) => cbor(record),
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] when a known kind has a body that does not decode. An event of a later program
    /// decodes as [`Body::Unknown`].
    pub fn decode(kind: u16, bytes: &[u8]) -> Result<Self, Unreadable> {
        let unreadable = |error: minicbor::decode::Error| Unreadable {
            kind,
            why: alloc::format!("{error}"),
        };
        Ok(match kind {
            1 => Self::Started {
                version: minicbor::decode(bytes).map_err(unreadable)?,
            },
            2 => Self::Acd(bytes.to_vec()),
            3 => match minicbor::decode::<Event>(bytes) {
                Ok(event) => Self::Event(Arc::new(event)),
                Err(error) if error.is_unknown_variant() => Self::Unknown {
                    kind,
                    bytes: bytes.to_vec(),
                },
                Err(error) => return Err(unreadable(error)),
            },
            4 => Self::Dialog(Box::new(minicbor::decode(bytes).map_err(unreadable)?)),
            5 => Self::DialogGone(minicbor::decode(bytes).map_err(unreadable)?),
            6 => Self::Binding(minicbor::decode(bytes).map_err(unreadable)?),
            7 => Self::BindingGone(minicbor::decode(bytes).map_err(unreadable)?),
            8 => Self::Override(minicbor::decode(bytes).map_err(unreadable)?),
            9 => Self::Name(minicbor::decode(bytes).map_err(unreadable)?),
            10 => Self::Checkpoint(bytes.to_vec()),
            11 => Self::Served(minicbor::decode(bytes).map_err(unreadable)?),
            _ => Self::Unknown {
                kind,
                bytes: bytes.to_vec(),
            },
        })
    }
}

fn cbor<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing to a Vec does not fail")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Cause, Choice, Claim, Strategy, Team};
    use alloc::vec;

    /// With the record of why.
    fn alerted() -> Event {
        let claim = |agent: &str| Claim {
            agent: agent.into(),
            merit: 7,
            idle_since_us: 5,
        };
        let choice = Choice {
            cause: Cause::Chosen,
            strategy: Strategy::FewestCalls,
            chosen: claim("ann"),
            runner_up: Some(claim("bob")),
            next: Some(CallId(9)),
            waiting: 2,
            team: Team {
                busy: 3,
                free: 2,
                ..Team::default()
            },
        };
        Event::AlertStarted {
            alert: 1,
            call: CallId(7),
            agent: "ann".into(),
            queue: None,
            picked_up: false,
            choice: Some(choice),
        }
    }

    #[test]
    fn bodies_read_back_and_unknown_kinds_survive() {
        let bodies = [
            Body::Started {
                version: "0.1.0".into(),
            },
            Body::Acd(vec![1, 2, 3]),
            Body::Event(Arc::new(Event::CallAnswered { call: CallId(7) })),
            Body::Event(Arc::new(alerted())),
            Body::DialogGone(LegId(9)),
            Body::Override(OverrideRecord {
                queue: "support".into(),
                state: Some(OverrideState::Closed),
                until_us: Some(5),
                by: "sven".into(),
                until_next_change: true,
            }),
            Body::Name(NameRecord {
                is_queue: true,
                id: 3,
                name: "support".into(),
            }),
            Body::Served(ServedRecord {
                number: "+49301".into(),
                agent: "ann".into(),
                at_us: 1,
                until_us: 2,
            }),
            Body::Unknown {
                kind: 999,
                bytes: vec![0xff],
            },
        ];
        for body in bodies {
            let read = Body::decode(body.kind(), &body.encode());
            assert_eq!(read.as_ref(), Ok(&body));
        }
    }

    #[test]
    fn a_broken_body_is_said_not_swallowed() {
        assert!(Body::decode(3, &[0xff, 0x00]).is_err());
    }

    #[test]
    fn an_override_of_an_earlier_program_ends_at_its_moment() {
        // Field 4, that it follows its calendar, came later.
        let bytes = *b"\x84\x67support\x82\x01\x80\x05\x64sven";
        let record = OverrideRecord {
            queue: "support".into(),
            state: Some(OverrideState::Closed),
            until_us: Some(5),
            by: "sven".into(),
            until_next_change: false,
        };
        assert_eq!(Body::decode(8, &bytes), Ok(Body::Override(record)));
    }

    #[test]
    fn an_event_of_an_earlier_program_reads_without_what_came_later() {
        // Variant 8, AlertStarted, of before agents could pick up: alert 1, call 7, ann, no queue.
        let bytes = *b"\x82\x08\x83\x01\x07\x63ann";
        let alerted = Event::AlertStarted {
            alert: 1,
            call: CallId(7),
            agent: "ann".into(),
            queue: None,
            picked_up: false,
            choice: None,
        };
        assert_eq!(Body::decode(3, &bytes), Ok(Body::Event(Arc::new(alerted))));
        // Variant 15, AgentChanged, of before agents could leave queues.
        let bytes = *b"\x82\x0f\x89\x63ann\x82\x01\x80\xf6\x82\x00\x80\xf6\xf6\x82\x01\x80\x05\xf6";
        let changed = Event::AgentChanged {
            agent: "ann".into(),
            presence: crate::event::Presence::Available,
            reason: None,
            activity: crate::event::Activity::Idle,
            pending: None,
            extension: None,
            device: crate::event::Device::Reachable,
            since_us: 5,
            call: None,
            left_queues: Vec::new(),
            codes_due: Vec::new(),
        };
        assert_eq!(Body::decode(3, &bytes), Ok(Body::Event(Arc::new(changed))));
        // Variant 2, CallQueued, of before calls had an estimate.
        let bytes = *b"\x82\x02\x86\x07\x65sales\xf6\x84\x01\x05\x05\x07\x00\x05";
        let queued = Event::CallQueued {
            call: CallId(7),
            queue: Some("sales".into()),
            user: None,
            rank: crate::event::Rank {
                tier: 1,
                key_us: 5,
                arrival_us: 5,
                id: 7,
            },
            priority: 0,
            arrival_us: 5,
            estimate_seconds: None,
        };
        assert_eq!(Body::decode(3, &bytes), Ok(Body::Event(Arc::new(queued))));
        // Variant 0, CallStarted, of before the directory marked VIPs: call 7, inbound, +49301 without a name, 2000.
        let bytes = *b"\x82\x00\x86\x07\x82\x00\x80\x82\x66+49301\xf6\x642000\xf6\xf6";
        let started = Event::CallStarted {
            call: CallId(7),
            direction: crate::event::Direction::Inbound,
            caller: crate::event::Party {
                number: "+49301".into(),
                name: None,
            },
            called: "2000".into(),
            trunk: None,
            user: None,
            vip: false,
        };
        assert_eq!(Body::decode(3, &bytes), Ok(Body::Event(Arc::new(started))));
        // Variant 13, CallDiverted, of before it named its queue: call 7, closed, to "busy".
        let bytes = *b"\x82\x0d\x83\x07\x82\x00\x80\x64busy";
        let diverted = Event::CallDiverted {
            call: CallId(7),
            why: crate::event::Diversion::Closed,
            to: "busy".into(),
            queue: None,
        };
        assert_eq!(Body::decode(3, &bytes), Ok(Body::Event(Arc::new(diverted))));
    }

    #[test]
    fn an_event_of_a_later_program_survives() {
        // Variant number 4000 of the event enum, with no fields.
        let bytes = vec![0x82, 0x19, 0x0f, 0xa0, 0xa0];
        let read = Body::decode(3, &bytes).expect("kept as bytes");
        assert_eq!(read.encode(), bytes);
    }
}
