//! One event of each kind, for tests.

use engine::command::OverrideState;
use engine::event::{
    Activity, AlertEnd, Change, Device, Direction, Diversion, EndCause, EndResult, EndedBy,
    LeftQueue, LegRole, Party, Presence, Rank,
};
use engine::{CallId, Event, LegId};

const CALL: CallId = CallId(1);
const LEG: LegId = LegId(2);

/// One event of each kind. An enum that grows makes [`number`] fail to compile, and then this list to fail its test.
pub(crate) fn one_of_each() -> Vec<Event> {
    let cause = || EndCause {
        result: EndResult::Answered,
        sip_status: Some(200),
        reason: None,
    };
    let agent = || "ann".to_owned();
    let queue = || "support".to_owned();
    let party = || Party {
        number: "+31201".into(),
        name: None,
    };
    let events = vec![
        Event::CallStarted {
            call: CALL,
            direction: Direction::Inbound,
            caller: party(),
            called: "2000".into(),
            trunk: Some("pbx".into()),
            user: None,
            vip: false,
        },
        Event::CallAnswered { call: CALL },
        Event::CallQueued {
            call: CALL,
            queue: Some(queue()),
            user: None,
            rank: Rank {
                tier: 1,
                key_us: 1,
                arrival_us: 1,
                id: 1,
            },
            priority: 0,
            arrival_us: 1,
            estimate_seconds: None,
        },
        Event::CallLeftQueue {
            call: CALL,
            why: LeftQueue::Connected,
        },
        Event::LegStarted {
            call: CALL,
            leg: LEG,
            role: LegRole::Agent,
            number: "1001".into(),
            trunk: None,
            user: Some(agent()),
        },
        Event::LegRinging {
            call: CALL,
            leg: LEG,
        },
        Event::LegAnswered {
            call: CALL,
            leg: LEG,
        },
        Event::LegEnded {
            call: CALL,
            leg: LEG,
            cause: cause(),
        },
        Event::AlertStarted {
            alert: 1,
            call: CALL,
            agent: agent(),
            queue: Some(queue()),
            picked_up: true,
            choice: None,
        },
        Event::AlertEnded {
            alert: 1,
            call: CALL,
            agent: agent(),
            end: AlertEnd::Accepted,
            sip_status: None,
        },
        Event::CallConnected {
            call: CALL,
            user: Some(agent()),
            leg: LEG,
            queue: Some(queue()),
        },
        Event::CallHeld {
            call: CALL,
            by: LEG,
        },
        Event::CallResumed {
            call: CALL,
            by: LEG,
        },
        Event::CallDiverted {
            call: CALL,
            why: Diversion::Closed,
            to: "announcement:closed".into(),
            queue: Some(queue()),
        },
        Event::CallEnded {
            call: CALL,
            cause: cause(),
            by: EndedBy::Caller,
        },
        Event::AgentChanged {
            agent: agent(),
            presence: Presence::Break,
            reason: Some("lunch".into()),
            activity: Activity::WrapUp,
            pending: Some(Presence::Offline),
            extension: Some("1001".into()),
            device: Device::Reachable,
            since_us: 1,
            call: Some(CALL),
            left_queues: vec![queue()],
            codes_due: vec![CALL],
        },
        Event::QueueChanged {
            queue: queue(),
            open: true,
            override_state: Some(OverrideState::Open),
            override_until_us: Some(1),
            next_change_us: None,
        },
        Event::PhoneRegistered {
            extension: "1001".into(),
            contact: "sip:1001@192.0.2.1".into(),
            expires_us: 1,
        },
        Event::PhoneUnregistered {
            extension: "1001".into(),
            contact: "sip:1001@192.0.2.1".into(),
        },
        Event::CentreChanged {
            version: 2,
            changes: vec![Change {
                kind: "queues".into(),
                name: queue(),
                what: "changed".into(),
            }],
        },
        Event::AlarmRaised {
            alarm: "ports-exhausted".into(),
            text: "no media ports left".into(),
        },
        Event::AlarmCleared {
            alarm: "ports-exhausted".into(),
        },
        Event::AgentLoggedIn {
            agent: agent(),
            extension: Some("1001".into()),
        },
        Event::AgentLoggedOut { agent: agent() },
        Event::CallReserved {
            call: CALL,
            by: Some(agent()),
            sticky: false,
            recall: false,
        },
        Event::ServiceLevelReached {
            call: CALL,
            queue: queue(),
            action: "raise:5".into(),
        },
        Event::DayBegan {},
        Event::ServiceLevelSet {
            queue: queue(),
            seconds: 20,
            short_abandon: 5,
        },
        Event::AgentRemoved { agent: agent() },
        Event::CallTransferred {
            call: CALL,
            by: agent(),
            to: "extension:1002".into(),
            party: party(),
        },
        Event::CallRecalled {
            call: CALL,
            from: Some(agent()),
            queue: Some(queue()),
        },
        Event::CallParked {
            call: CALL,
            slot: 1,
            by: Some(agent()),
            location: Some("Amsterdam".into()),
            party: party(),
        },
        Event::CallRetrieved {
            call: CALL,
            slot: 1,
            by: agent(),
        },
        Event::CallCoded {
            call: CALL,
            agent: agent(),
            category: Some("outcome".into()),
            code: Some("solved".into()),
            text: None,
        },
        Event::SourceBanned {
            address: "203.0.113.9".into(),
            seconds: 60,
            why: "wrong credentials".into(),
        },
        Event::DialRefused {
            user: agent(),
            number: "+88213123".into(),
            why: "this number may not be called".into(),
        },
    ];
    assert!(
        events.iter().map(number).eq(0..events.len()),
        "one of each, in order"
    );
    assert_eq!(
        number(&events[events.len() - 1]),
        LAST,
        "one of each, up to the last"
    );
    events
}

const LAST: usize = 35;

fn number(event: &Event) -> usize {
    match event {
        Event::CallStarted { .. } => 0,
        Event::CallAnswered { .. } => 1,
        Event::CallQueued { .. } => 2,
        Event::CallLeftQueue { .. } => 3,
        Event::LegStarted { .. } => 4,
        Event::LegRinging { .. } => 5,
        Event::LegAnswered { .. } => 6,
        Event::LegEnded { .. } => 7,
        Event::AlertStarted { .. } => 8,
        Event::AlertEnded { .. } => 9,
        Event::CallConnected { .. } => 10,
        Event::CallHeld { .. } => 11,
        Event::CallResumed { .. } => 12,
        Event::CallDiverted { .. } => 13,
        Event::CallEnded { .. } => 14,
        Event::AgentChanged { .. } => 15,
        Event::QueueChanged { .. } => 16,
        Event::PhoneRegistered { .. } => 17,
        Event::PhoneUnregistered { .. } => 18,
        Event::CentreChanged { .. } => 19,
        Event::AlarmRaised { .. } => 20,
        Event::AlarmCleared { .. } => 21,
        Event::AgentLoggedIn { .. } => 22,
        Event::AgentLoggedOut { .. } => 23,
        Event::CallReserved { .. } => 24,
        Event::ServiceLevelReached { .. } => 25,
        Event::DayBegan {} => 26,
        Event::ServiceLevelSet { .. } => 27,
        Event::AgentRemoved { .. } => 28,
        Event::CallTransferred { .. } => 29,
        Event::CallRecalled { .. } => 30,
        Event::CallParked { .. } => 31,
        Event::CallRetrieved { .. } => 32,
        Event::CallCoded { .. } => 33,
        Event::SourceBanned { .. } => 34,
        Event::DialRefused { .. } => LAST,
    }
}
