//! What rows say after which events, and that it does not matter where the fold is interrupted.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::event::{Change, Device, Direction, Diversion, LeftQueue, LegRole, Party, Rank};
use proptest::prelude::*;

use super::*;

const START_US: i64 = 1_700_000_000_000_000;
const CALL: CallId = CallId(0x0100_0002_0000_0001);
const CALLER: LegId = LegId(0x0100_0002_0000_0002);
const AGENT: LegId = LegId(0x0100_0002_0000_0003);

/// Feeds events at seconds after the start.
struct Script {
    fold: Fold,
    seq: u64,
    /// What the machine's clock is off by, in microseconds.
    utc_off_us: i64,
    rows: Changes,
}

impl Script {
    fn new() -> Self {
        Self {
            fold: Fold::default(),
            seq: 0,
            utc_off_us: 0,
            rows: Changes::default(),
        }
    }

    fn at(&mut self, tenths: i64, event: Event) -> &mut Self {
        self.body(tenths, 2, &Body::Event(Arc::new(event)))
    }

    fn body(&mut self, tenths: i64, incarnation: u32, body: &Body) -> &mut Self {
        self.seq += 1;
        let mono_us = START_US + tenths * 100_000;
        let stamp = Stamp {
            node: 1,
            incarnation,
            mono_us: mono_us.cast_unsigned(),
            utc_us: mono_us + self.utc_off_us,
            config_version: 1,
            rules_version: 1,
        };
        self.fold.apply(self.seq, &stamp, body);
        self.rows.merge(self.fold.take_changes());
        self
    }

    fn call(&self) -> &CallRecord {
        &self.rows.calls[&CALL].0
    }
}

fn started(direction: Direction) -> Event {
    Event::CallStarted {
        call: CALL,
        direction,
        caller: Party {
            number: "+31201".into(),
            name: Some("Ann".into()),
        },
        called: "2000".into(),
        trunk: Some("pbx".into()),
        user: None,
        vip: false,
    }
}

fn queued(queue: Option<&str>) -> Event {
    Event::CallQueued {
        call: CALL,
        queue: queue.map(Into::into),
        user: None,
        rank: Rank {
            tier: 1,
            key_us: 0,
            arrival_us: 0,
            id: CALL.0,
        },
        priority: 0,
        arrival_us: START_US,
        estimate_seconds: None,
    }
}

fn left(why: LeftQueue) -> Event {
    Event::CallLeftQueue { call: CALL, why }
}

fn leg(leg: LegId, role: LegRole, user: Option<&str>) -> Event {
    let user = user.map(Into::into);
    Event::LegStarted {
        call: CALL,
        leg,
        role,
        number: "1001".into(),
        trunk: None,
        user,
    }
}

fn alert(alert: u64, agent: &str) -> Event {
    Event::AlertStarted {
        alert,
        call: CALL,
        agent: agent.into(),
        queue: Some("support".into()),
        picked_up: false,
        choice: None,
    }
}

fn alert_ended(alert: u64, agent: &str, end: AlertEnd, sip_status: Option<u16>) -> Event {
    Event::AlertEnded {
        alert,
        call: CALL,
        agent: agent.into(),
        end,
        sip_status,
    }
}

fn connected(user: Option<&str>) -> Event {
    Event::CallConnected {
        call: CALL,
        user: user.map(Into::into),
        leg: AGENT,
        queue: Some("support".into()),
    }
}

fn ended(result: EndResult, by: EndedBy) -> Event {
    let cause = EndCause {
        result,
        sip_status: Some(200),
        reason: Some("why".into()),
    };
    Event::CallEnded {
        call: CALL,
        cause,
        by,
    }
}

/// Waits 7.3 s, of which the second agent's phone rings 3.2 s, and talks 20.5 s.
fn served(script: &mut Script) {
    script
        .at(0, started(Direction::Inbound))
        .at(0, leg(CALLER, LegRole::Caller, None))
        .at(1, Event::CallAnswered { call: CALL })
        .at(1, queued(Some("support")))
        .at(2, alert(7, "alice"))
        .at(42, alert_ended(7, "alice", AlertEnd::Failed, Some(486)))
        .at(42, alert(8, "bob"))
        .at(42, leg(AGENT, LegRole::Agent, Some("bob")))
        .at(
            45,
            Event::LegRinging {
                call: CALL,
                leg: AGENT,
            },
        )
        .at(
            74,
            Event::LegAnswered {
                call: CALL,
                leg: AGENT,
            },
        )
        .at(74, alert_ended(8, "bob", AlertEnd::Accepted, None))
        .at(74, left(LeftQueue::Connected))
        .at(74, connected(Some("bob")))
        .at(279, ended(EndResult::Answered, EndedBy::Caller));
}

fn us(tenths: i64) -> i64 {
    tenths * 100_000
}

#[test]
fn a_served_call_says_who_when_and_how_long() {
    let mut script = Script::new();
    served(&mut script);
    let call = script.call();
    let times = [
        call.queued_us,
        call.answered_us,
        call.alerted_us,
        call.connected_us,
        call.ended_us,
    ];
    assert_eq!(
        times,
        [1, 1, 2, 74, 279].map(|tenths| Some(START_US + us(tenths)))
    );
    assert_eq!(
        (call.waited_us, call.rung_us, call.talked_us, call.held_us),
        (us(73), us(32), us(205), 0)
    );
    assert_eq!(
        (call.first_queue.as_deref(), call.last_queue.as_deref()),
        (Some("support"), Some("support"))
    );
    assert_eq!(
        (call.user.as_deref(), call.result, call.ended_by),
        (
            Some("bob"),
            Some(EndResult::Answered),
            Some(EndedBy::Caller)
        )
    );
    assert_eq!(
        (call.sip_status, call.reason.as_deref()),
        (Some(200), Some("why"))
    );
    let outcomes: Vec<_> = script
        .rows
        .alerts
        .values()
        .map(|alert| (alert.agent.as_str(), alert.outcome, alert.sip_status))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("alice", Some(AlertEnd::Failed), Some(486)),
            ("bob", Some(AlertEnd::Accepted), None)
        ]
    );
}

#[test]
fn nothing_of_a_call_is_kept_when_it_is_over() {
    let mut script = Script::new();
    served(&mut script);
    assert!(script.fold.calls.is_empty());
    let row = script.rows.clone();
    script
        .at(300, Event::CallAnswered { call: CALL })
        .at(301, ended(EndResult::Failed, EndedBy::System));
    assert_eq!(script.rows, row, "a call that is over does not change");
}

#[test]
fn a_clock_that_is_set_changes_no_length() {
    let mut script = Script::new();
    script
        .at(0, started(Direction::Inbound))
        .at(0, queued(Some("support")));
    script.utc_off_us = -us(36_000);
    script
        .at(50, connected(Some("bob")))
        .at(90, ended(EndResult::Answered, EndedBy::Callee));
    let call = script.call();
    assert_eq!((call.waited_us, call.talked_us), (us(50), us(40)));
    assert_eq!(call.ended_us, Some(START_US + us(90)));
}

#[test]
fn a_monotonic_clock_with_a_new_origin_makes_no_length_negative() {
    let mut script = Script::new();
    script
        .at(100, started(Direction::Inbound))
        .at(101, queued(Some("support")));
    script.at(0, ended(EndResult::Interrupted, EndedBy::System));
    let call = script.call();
    assert_eq!((call.waited_us, call.talked_us), (0, 0));
    assert!(call.ended_us >= Some(call.started_us));
}

fn transferred() -> Event {
    Event::CallTransferred {
        call: CALL,
        by: "bob".into(),
        to: "extension:1002".into(),
        party: Party::default(),
    }
}

fn recalled() -> Event {
    Event::CallRecalled {
        call: CALL,
        from: Some("bob".into()),
        queue: Some("a".into()),
    }
}

fn parked() -> Event {
    Event::CallParked {
        call: CALL,
        slot: 3,
        by: Some("bob".into()),
        location: None,
        party: Party::default(),
    }
}

#[test]
fn the_row_says_where_a_person_sent_a_call_last() {
    let mut script = Script::new();
    script
        .at(0, started(Direction::Inbound))
        .at(0, queued(Some("a")))
        .at(5, connected(Some("bob")));
    for (event, to) in [
        (transferred(), "extension:1002"),
        (recalled(), "queue:a"),
        (parked(), "park:3"),
    ] {
        script.at(10, event);
        assert_eq!(script.call().diverted_to.as_deref(), Some(to));
    }
}

#[test]
fn lengths_by_way_through_the_centre() {
    let hold = |by| Event::CallHeld { call: CALL, by };
    let resume = |by| Event::CallResumed { call: CALL, by };
    type Case = (&'static str, Vec<(i64, Event)>, [i64; 4]);
    let cases: Vec<Case> = vec![
        (
            "gives up",
            vec![
                (0, queued(Some("a"))),
                (30, left(LeftQueue::Abandoned)),
                (30, ended(EndResult::Abandoned, EndedBy::Caller)),
            ],
            [30, 0, 0, 0],
        ),
        (
            "ends while it waits, without leaving first",
            vec![
                (5, queued(Some("a"))),
                (30, ended(EndResult::Interrupted, EndedBy::System)),
            ],
            [25, 0, 0, 0],
        ),
        (
            "two stays in queues are waited together, the announcement between is not",
            vec![
                (0, queued(Some("a"))),
                (10, left(LeftQueue::Diverted)),
                (30, queued(Some("b"))),
                (50, connected(Some("bob"))),
                (60, ended(EndResult::Answered, EndedBy::Caller)),
            ],
            [30, 0, 10, 0],
        ),
        (
            "queued anew in the same place",
            vec![
                (0, queued(Some("a"))),
                (10, queued(Some("a"))),
                (40, connected(None)),
                (40, ended(EndResult::Answered, EndedBy::Caller)),
            ],
            [40, 0, 0, 0],
        ),
        (
            "an extension calls another: its ringing is what was answered",
            vec![
                (0, leg(AGENT, LegRole::Callee, Some("bob"))),
                (
                    5,
                    Event::LegRinging {
                        call: CALL,
                        leg: AGENT,
                    },
                ),
                (
                    25,
                    Event::LegAnswered {
                        call: CALL,
                        leg: AGENT,
                    },
                ),
                (25, connected(Some("bob"))),
                (50, ended(EndResult::Answered, EndedBy::Callee)),
            ],
            [0, 20, 25, 0],
        ),
        (
            "answered without ringing",
            vec![
                (0, leg(AGENT, LegRole::Callee, None)),
                (25, connected(None)),
                (50, ended(EndResult::Answered, EndedBy::Callee)),
            ],
            [0, 0, 25, 0],
        ),
        (
            "held by both sides, and to the end",
            vec![
                (0, connected(None)),
                (10, hold(CALLER)),
                (20, hold(AGENT)),
                (30, resume(CALLER)),
                (40, resume(AGENT)),
                (50, hold(AGENT)),
                (70, ended(EndResult::Answered, EndedBy::Caller)),
            ],
            [0, 0, 70, 50],
        ),
        (
            "resumed without having been held",
            vec![
                (0, connected(None)),
                (10, resume(AGENT)),
                (20, hold(AGENT)),
                (30, resume(AGENT)),
                (40, ended(EndResult::Answered, EndedBy::Caller)),
            ],
            [0, 0, 40, 10],
        ),
        (
            "taken again by somebody else: talked from the first on",
            vec![
                (0, queued(Some("a"))),
                (10, connected(Some("bob"))),
                (50, connected(Some("eve"))),
                (60, ended(EndResult::Answered, EndedBy::Caller)),
            ],
            [10, 0, 50, 0],
        ),
        (
            "sent on, comes back, and is parked: talked but for that",
            vec![
                (0, queued(Some("a"))),
                (10, connected(Some("bob"))),
                (20, hold(LegId(2))),
                (25, transferred()),
                (55, recalled()),
                (55, queued(Some("a"))),
                (65, left(LeftQueue::Connected)),
                (65, connected(Some("bob"))),
                (75, parked()),
                (95, connected(Some("eve"))),
                (100, ended(EndResult::Answered, EndedBy::Caller)),
            ],
            [70, 0, 30, 5],
        ),
        (
            "gives up in a transfer",
            vec![
                (0, queued(Some("a"))),
                (10, connected(Some("bob"))),
                (20, transferred()),
                (50, ended(EndResult::Abandoned, EndedBy::Caller)),
            ],
            [40, 0, 10, 0],
        ),
    ];
    for (name, events, expected) in cases {
        let mut script = Script::new();
        script.at(0, started(Direction::Inbound));
        for (tenths, event) in events {
            script.at(tenths, event);
        }
        let call = script.call();
        let lengths = [call.waited_us, call.rung_us, call.talked_us, call.held_us];
        assert_eq!(
            lengths,
            expected.map(us),
            "{name}: waited, rung, talked, held"
        );
    }
}

#[test]
fn queues_users_and_diversions_are_the_first_and_the_last() {
    let mut script = Script::new();
    let diverted = |why, queue: Option<&str>, to: &str| Event::CallDiverted {
        call: CALL,
        why,
        to: to.into(),
        queue: queue.map(Into::into),
    };
    script
        .at(0, started(Direction::Inbound))
        .at(0, queued(Some("a")))
        .at(1, connected(Some("bob")))
        .at(2, queued(None))
        .at(3, diverted(Diversion::Unavailable, None, "queue:b"))
        .at(3, queued(Some("b")))
        .at(4, connected(Some("eve")))
        .at(
            5,
            diverted(Diversion::Closing, Some("b"), "announcement:closed"),
        )
        .at(6, ended(EndResult::Announced, EndedBy::System));
    let call = script.call();
    assert_eq!(
        (call.first_queue.as_deref(), call.last_queue.as_deref()),
        (Some("a"), Some("b"))
    );
    assert_eq!(call.user.as_deref(), Some("eve"));
    assert_eq!(
        (call.diverted_why, call.diverted_to.as_deref()),
        (Some(Diversion::Closing), Some("announcement:closed"))
    );
}

#[test]
fn rule_20_a_call_that_a_queue_did_not_let_in_is_on_record_with_that_queue() {
    let refused = |why, queue: &str, to: &str| Event::CallDiverted {
        call: CALL,
        why,
        to: to.into(),
        queue: Some(queue.into()),
    };
    let mut script = Script::new();
    script
        .at(0, started(Direction::Inbound))
        .at(0, refused(Diversion::Closed, "day", "queue:night"))
        .at(0, refused(Diversion::Full, "night", "busy"))
        .at(0, ended(EndResult::Refused, EndedBy::System));
    let call = script.call();
    assert_eq!(
        (call.first_queue.as_deref(), call.last_queue.as_deref()),
        (Some("day"), Some("night"))
    );
    assert_eq!(
        (call.queued_us, call.waited_us),
        (None, 0),
        "it never waited"
    );
}

#[test]
fn legs_and_alerts_end_with_their_call_at_the_latest() {
    let mut script = Script::new();
    let busy = EndCause {
        result: EndResult::Busy,
        sip_status: Some(486),
        reason: None,
    };
    script
        .at(0, started(Direction::Inbound))
        .at(0, leg(CALLER, LegRole::Caller, None))
        .at(1, leg(AGENT, LegRole::Agent, Some("bob")))
        .at(1, alert(7, "bob"))
        .at(
            2,
            Event::LegEnded {
                call: CALL,
                leg: AGENT,
                cause: busy,
            },
        )
        .at(9, ended(EndResult::Abandoned, EndedBy::Caller));
    let (caller, agent) = (&script.rows.legs[&CALLER], &script.rows.legs[&AGENT]);
    assert_eq!(
        (caller.ended_us, caller.result),
        (Some(START_US + us(9)), None)
    );
    assert_eq!(
        (agent.ended_us, agent.result, agent.sip_status),
        (Some(START_US + us(2)), Some(EndResult::Busy), Some(486))
    );
    let alert = &script.rows.alerts[&(CALL, 7)];
    assert_eq!(
        (alert.ended_us, alert.outcome),
        (Some(START_US + us(9)), None)
    );
}

#[test]
fn events_of_a_call_whose_start_was_lost_make_no_row() {
    let mut script = Script::new();
    script
        .at(0, queued(Some("a")))
        .at(0, leg(AGENT, LegRole::Agent, None))
        .at(1, alert(7, "bob"))
        .at(1, alert_ended(7, "bob", AlertEnd::Accepted, None))
        .at(2, connected(Some("bob")))
        .at(3, ended(EndResult::Answered, EndedBy::Caller));
    assert!(script.rows.is_empty());
}

#[test]
fn a_call_whose_end_was_lost_is_closed_by_the_second_start_after_it() {
    let mut script = Script::new();
    let start = Body::Started {
        version: "0.1.0".into(),
    };
    script
        .at(0, started(Direction::Inbound))
        .body(10, 3, &start);
    assert_eq!(
        script.call().ended_us,
        None,
        "the engine of incarnation 3 still has to end it"
    );
    script.body(20, 4, &start);
    assert_eq!(script.call().result, Some(EndResult::Interrupted));
    assert!(script.fold.calls.is_empty());
}

fn agent(
    presence: Presence,
    activity: Activity,
    reason: Option<&str>,
    device: Device,
    since: i64,
) -> Event {
    Event::AgentChanged {
        agent: "bob".into(),
        presence,
        reason: reason.map(Into::into),
        activity,
        pending: None,
        extension: Some("1002".into()),
        device,
        since_us: START_US + us(since),
        call: None,
        left_queues: Vec::new(),
        codes_due: Vec::new(),
    }
}

#[test]
fn an_agents_intervals_follow_one_another_without_holes() {
    let mut script = Script::new();
    script
        .at(
            0,
            agent(
                Presence::Available,
                Activity::Idle,
                None,
                Device::Reachable,
                0,
            ),
        )
        .at(
            5,
            agent(
                Presence::Available,
                Activity::Idle,
                None,
                Device::Unregistered,
                0,
            ),
        )
        .at(
            10,
            agent(
                Presence::Break,
                Activity::Idle,
                Some("lunch"),
                Device::Reachable,
                10,
            ),
        )
        .at(
            20,
            agent(
                Presence::Break,
                Activity::Idle,
                Some("no-answer"),
                Device::Reachable,
                20,
            ),
        )
        .at(
            30,
            agent(
                Presence::Available,
                Activity::Busy,
                None,
                Device::Reachable,
                15,
            ),
        );
    let states: Vec<_> = script
        .rows
        .states
        .values()
        .map(|state| {
            (
                state.presence,
                state.began_us - START_US,
                state.ended_us.map(|end| end - START_US),
            )
        })
        .collect();
    let expected = [
        (Presence::Available, 0, Some(us(10))),
        (Presence::Break, us(10), Some(us(20))),
        // What it says began at 1.5 s cannot begin before what was there before it.
        (Presence::Break, us(20), Some(us(20))),
        (Presence::Available, us(20), None),
    ];
    assert_eq!(states, expected);
}

#[test]
fn sessions_go_from_login_to_logout() {
    let mut script = Script::new();
    let login = |extension: &str| Event::AgentLoggedIn {
        agent: "bob".into(),
        extension: Some(extension.into()),
    };
    let removed = Change {
        kind: "users".into(),
        name: "bob".into(),
        what: "removed".into(),
    };
    script
        .at(0, login("1002"))
        .at(10, login("1003"))
        .at(
            20,
            Event::AgentLoggedOut {
                agent: "bob".into(),
            },
        )
        .at(
            25,
            Event::AgentLoggedOut {
                agent: "bob".into(),
            },
        )
        .at(30, login("1002"))
        .at(
            30,
            agent(
                Presence::Available,
                Activity::Idle,
                None,
                Device::Reachable,
                30,
            ),
        )
        .at(
            40,
            Event::CentreChanged {
                version: 9,
                changes: vec![removed],
            },
        );
    let sessions: Vec<_> = script
        .rows
        .sessions
        .values()
        .map(|session| {
            (
                session.extension.as_deref(),
                session.ended_us.map(|end| end - START_US),
            )
        })
        .collect();
    assert_eq!(
        sessions,
        [
            (Some("1002"), Some(us(10))),
            (Some("1003"), Some(us(20))),
            (Some("1002"), Some(us(40)))
        ]
    );
    assert!(script.fold.sessions.is_empty() && script.fold.states.is_empty());
}

/// Any event about one of three calls, or one of two agents.
fn any_event() -> impl Strategy<Value = Event> {
    (0_u64..3, 0_u64..3, 0_usize..17, any::<bool>()).prop_map(|(which, other, kind, flag)| {
        let call = CallId(CALL.0 + which);
        let leg = LegId(100 + 10 * which + other);
        let name = if flag { "bob" } else { "eve" };
        let cause = EndCause {
            result: EndResult::Answered,
            sip_status: None,
            reason: None,
        };
        match kind {
            0 => Event::CallStarted {
                call,
                direction: Direction::Inbound,
                caller: Party::default(),
                called: "1".into(),
                trunk: None,
                user: None,
                vip: false,
            },
            1 => Event::CallAnswered { call },
            2 => Event::CallQueued {
                call,
                queue: flag.then(|| "a".into()),
                user: None,
                rank: Rank {
                    tier: 0,
                    key_us: 0,
                    arrival_us: 0,
                    id: 0,
                },
                priority: 0,
                arrival_us: 0,
                estimate_seconds: None,
            },
            3 => Event::CallLeftQueue {
                call,
                why: LeftQueue::Diverted,
            },
            4 => Event::LegStarted {
                call,
                leg,
                role: LegRole::Agent,
                number: "2".into(),
                trunk: None,
                user: Some(name.into()),
            },
            5 => Event::LegRinging { call, leg },
            6 => Event::LegAnswered { call, leg },
            7 => Event::LegEnded { call, leg, cause },
            8 => Event::AlertStarted {
                alert: other,
                call,
                agent: name.into(),
                queue: None,
                picked_up: flag,
                choice: None,
            },
            9 => Event::AlertEnded {
                alert: other,
                call,
                agent: name.into(),
                end: AlertEnd::Accepted,
                sip_status: None,
            },
            10 => Event::CallConnected {
                call,
                user: Some(name.into()),
                leg,
                queue: None,
            },
            11 => Event::CallHeld { call, by: leg },
            12 => Event::CallResumed { call, by: leg },
            13 => Event::CallEnded {
                call,
                cause,
                by: EndedBy::Caller,
            },
            14 => Event::AgentLoggedIn {
                agent: name.into(),
                extension: None,
            },
            15 => Event::AgentLoggedOut { agent: name.into() },
            _ => Event::AgentChanged {
                agent: name.into(),
                presence: if other == 0 {
                    Presence::Break
                } else {
                    Presence::Available
                },
                reason: None,
                activity: Activity::Idle,
                pending: None,
                extension: None,
                device: Device::Reachable,
                since_us: START_US,
                call: None,
                left_queues: Vec::new(),
                codes_due: Vec::new(),
            },
        }
    })
}

/// What the tables hold: the last version of every row.
fn resumed(rows: &Changes) -> Fold {
    let open = |id: &CallId| {
        rows.calls
            .get(id)
            .is_some_and(|(call, _)| call.ended_us.is_none())
    };
    let calls = rows
        .calls
        .values()
        .filter(|(call, _)| call.ended_us.is_none())
        .map(|(record, marks)| OpenCall {
            record: record.clone(),
            marks: *marks,
            legs: rows
                .legs
                .values()
                .filter(|leg| leg.call == record.id && open(&leg.call))
                .map(|leg| (leg.id, leg.clone()))
                .collect(),
            alerts: rows
                .alerts
                .values()
                .filter(|alert| alert.call == record.id)
                .map(|alert| (alert.id, alert.clone()))
                .collect(),
        });
    let sessions = rows
        .sessions
        .values()
        .filter(|session| session.ended_us.is_none())
        .cloned();
    let states = rows
        .states
        .values()
        .filter(|state| state.ended_us.is_none())
        .cloned();
    Fold::resume(calls, sessions, states)
}

proptest! {
    #[test]
    fn it_does_not_matter_where_the_fold_is_interrupted(events in prop::collection::vec((any_event(), any::<bool>()), 1..80)) {
        let (mut whole, mut cut) = (Script::new(), Script::new());
        let mut ids = BTreeSet::new();
        for (tenths, (event, restart)) in (0..).zip(events) {
            // No id is given twice.
            if let Event::CallStarted { call, .. } = &event && !ids.insert(*call) {
                continue;
            }
            whole.at(tenths, event.clone());
            if restart {
                cut.fold = resumed(&cut.rows);
            }
            cut.at(tenths, event);
        }
        prop_assert_eq!(whole.rows, cut.rows);
    }
}
