//! Questions to history: pages, filters, agents' times, and what is deleted when.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Home, START_US, Scribe, id, written};
use engine::event::{
    Activity, Device, Direction, EndCause, EndResult, EndedBy, Event, Party, Presence,
};
use engine::journal::Entry;
use store::{History, HistoryFilter, StoreError, TimesFilter};

const HOUR_US: i64 = 3_600_000_000;

/// An hour apart: 1 alice, 2 bob, 3 alice, ..., 30 bob; then calls 31 and 32, from bob's phone, unanswered, in no queue.
fn day(scribe: &mut Scribe) -> Vec<Entry> {
    let mut entries = Vec::new();
    for number in 1..=30 {
        scribe.utc_us = START_US + i64::from(number) * HOUR_US;
        entries.extend(scribe.call(number, if number % 2 == 1 { "alice" } else { "bob" }));
    }
    for number in 31..=32 {
        scribe.utc_us = START_US + 31 * HOUR_US;
        let call = id(1, number);
        let caller = Party {
            number: "1002".into(),
            name: None,
        };
        let user = Some("bob".to_owned());
        let cause = EndCause {
            result: EndResult::Busy,
            sip_status: Some(486),
            reason: Some("Busy Here".into()),
        };
        entries.push(scribe.event(Event::CallStarted {
            call,
            direction: Direction::Outbound,
            caller,
            called: "+4930".into(),
            trunk: None,
            user,
            vip: false,
        }));
        entries.push(scribe.event(Event::CallEnded {
            call,
            cause,
            by: EndedBy::Callee,
        }));
    }
    entries
}

async fn numbers(history: &History, filter: &HistoryFilter) -> Vec<u32> {
    let page = history.query(filter, 1_000, None).await.unwrap();
    assert_eq!(page.next, None);
    page.items
        .iter()
        .map(|call| u32::try_from(call.id.0 & 0xffff).unwrap())
        .collect()
}

#[tokio::test]
async fn pages_follow_one_another_newest_first() {
    let home = Home::new();
    written(&home, day(&mut Scribe::new())).await;
    let store = home.open().await;
    let history = store.history();
    let whole = numbers(&history, &HistoryFilter::default()).await;
    assert_eq!(
        whole,
        (1..=32).rev().collect::<Vec<_>>(),
        "two of one time by their ids"
    );
    for limit in [1, 7, 31, 32, 33] {
        let (mut read, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = history
                .query(&HistoryFilter::default(), limit, cursor.as_deref())
                .await
                .unwrap();
            read.extend(
                page.items
                    .iter()
                    .map(|call| u32::try_from(call.id.0 & 0xffff).unwrap()),
            );
            pages += 1;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(read, whole, "by {limit}");
        assert_eq!(
            pages,
            32_u32.div_ceil(limit),
            "by {limit}: no empty page at the end"
        );
    }
    for wrong in ["", "next", "00", &"g".repeat(32)] {
        let refused = history
            .query(&HistoryFilter::default(), 10, Some(wrong))
            .await;
        assert!(matches!(refused, Err(StoreError::Cursor)), "{wrong}");
    }
}

#[tokio::test]
async fn filters_narrow() {
    let home = Home::new();
    written(&home, day(&mut Scribe::new())).await;
    let store = home.open().await;
    let names = |names: &[&str]| {
        Some(
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>(),
        )
    };
    let all = HistoryFilter::default;
    let even: Vec<u32> = (1..=30).rev().filter(|number| number % 2 == 0).collect();
    let cases: Vec<(&str, HistoryFilter, Vec<u32>)> = vec![
        (
            "who took it, or started it",
            HistoryFilter {
                users: names(&["bob"]),
                ..all()
            },
            [vec![32, 31], even.clone()].concat(),
        ),
        (
            "either of them",
            HistoryFilter {
                users: names(&["bob", "alice"]),
                ..all()
            },
            (1..=32).rev().collect(),
        ),
        (
            "nobody",
            HistoryFilter {
                users: names(&[]),
                ..all()
            },
            vec![],
        ),
        (
            "somebody who had none",
            HistoryFilter {
                users: names(&["eve"]),
                ..all()
            },
            vec![],
        ),
        (
            "a name is a name, not SQL",
            HistoryFilter {
                users: names(&["') OR 1=1 --"]),
                ..all()
            },
            vec![],
        ),
        (
            "a queue",
            HistoryFilter {
                queues: names(&["support", "sales"]),
                ..all()
            },
            (1..=30).rev().collect(),
        ),
        (
            "the queue it was in last",
            HistoryFilter {
                last_queue: Some("support".to_owned()),
                ..all()
            },
            (1..=30).rev().collect(),
        ),
        (
            "who took it, and not who started it",
            HistoryFilter {
                user: Some("bob".to_owned()),
                ..all()
            },
            even.clone(),
        ),
        (
            "no queue",
            HistoryFilter {
                queues: names(&[]),
                ..all()
            },
            vec![],
        ),
        (
            "a time, its end not in it",
            HistoryFilter {
                from_us: Some(START_US + 10 * HOUR_US),
                to_us: Some(START_US + 12 * HOUR_US),
                ..all()
            },
            vec![11, 10],
        ),
        (
            "a result",
            HistoryFilter {
                result: Some(EndResult::Busy),
                ..all()
            },
            vec![32, 31],
        ),
        (
            "a direction",
            HistoryFilter {
                direction: Some(Direction::Inbound),
                ..all()
            },
            (1..=30).rev().collect(),
        ),
        (
            "a caller",
            HistoryFilter {
                caller: Some("+31207".into()),
                ..all()
            },
            vec![7],
        ),
        (
            "what they dialled",
            HistoryFilter {
                called: Some("+4930".into()),
                ..all()
            },
            vec![32, 31],
        ),
        (
            "all of it",
            HistoryFilter {
                users: names(&["alice"]),
                queues: names(&["support"]),
                result: Some(EndResult::Answered),
                caller: Some("+31207".into()),
                ..all()
            },
            vec![7],
        ),
    ];
    for (name, filter, expected) in cases {
        assert_eq!(numbers(&store.history(), &filter).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_user_who_was_rung_in_vain_has_the_call_in_their_history() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let mut events = common::call_events(1, 1, "alice");
    for event in &mut events {
        // Eve's phone rang, and alice took it.
        if let Event::LegStarted {
            user: Some(user), ..
        } = event
        {
            *user = "eve".into();
        }
    }
    let entries = events
        .into_iter()
        .map(|event| scribe.event(event))
        .collect();
    written(&home, entries).await;
    let store = home.open().await;
    for user in ["eve", "alice"] {
        let filter = HistoryFilter {
            users: Some(vec![user.into()]),
            ..HistoryFilter::default()
        };
        assert_eq!(numbers(&store.history(), &filter).await, [1], "{user}");
    }
}

#[tokio::test]
async fn agents_times_can_be_asked_for() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let mut entries = Vec::new();
    for agent in ["alice", "bob"] {
        for day in 0..3 {
            let began_us = START_US + day * 24 * HOUR_US;
            scribe.utc_us = began_us;
            entries.push(scribe.event(Event::AgentLoggedIn {
                agent: agent.into(),
                extension: Some("1001".into()),
            }));
            for (hour, presence) in [(0, Presence::Available), (8, Presence::Offline)] {
                entries.push(scribe.event(Event::AgentChanged {
                    agent: agent.into(),
                    presence,
                    reason: None,
                    activity: Activity::Idle,
                    pending: None,
                    extension: None,
                    device: Device::None,
                    since_us: began_us + hour * HOUR_US,
                    call: None,
                    left_queues: Vec::new(),
                    codes_due: Vec::new(),
                }));
            }
            scribe.utc_us = began_us + 8 * HOUR_US;
            entries.push(scribe.event(Event::AgentLoggedOut {
                agent: agent.into(),
            }));
        }
    }
    written(&home, entries).await;
    let store = home.open().await;
    let alice = TimesFilter {
        agents: Some(vec!["alice".into()]),
        ..TimesFilter::default()
    };
    let second_day = TimesFilter {
        from_us: Some(START_US + 20 * HOUR_US),
        to_us: Some(START_US + 40 * HOUR_US),
        ..TimesFilter::default()
    };
    for (name, filter, sessions, states) in [
        ("all", TimesFilter::default(), 6, 12),
        ("alice", alice, 3, 6),
        ("second day", second_day, 2, 4),
    ] {
        let (mut read, mut cursor) = (Vec::new(), None);
        loop {
            let page = store
                .history()
                .sessions(&filter, 2, cursor.as_deref())
                .await
                .unwrap();
            read.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(read.len(), sessions, "{name}");
        assert!(
            read.is_sorted_by(|newer, older| newer.began_us >= older.began_us),
            "{name}"
        );
        assert!(
            read.iter().all(|session| session.ended_us.is_some()),
            "{name}"
        );
        let page = store.history().states(&filter, 100, None).await.unwrap();
        assert_eq!(page.items.len(), states, "{name}");
    }
    let lasting = store
        .history()
        .states(&TimesFilter::default(), 100, None)
        .await
        .unwrap();
    let lasting: Vec<_> = lasting
        .items
        .iter()
        .filter(|state| state.ended_us.is_none())
        .collect();
    assert_eq!(lasting.len(), 2, "one of each agent");
}

#[tokio::test]
async fn history_is_kept_for_as_long_as_it_should_be() {
    let home = Home::new();
    let mut scribe = Scribe::new();
    let mut entries = day(&mut scribe);
    // One that is still up, and as old as the oldest.
    let open = scribe.call(99, "alice").swap_remove(0);
    entries.push(open);
    written(&home, entries).await;
    home.meddle(
        &home.database(),
        "UPDATE calls SET started_us = 1 WHERE ended_us IS NULL",
    )
    .await;
    let store = home.open().await;
    let now_us = START_US + 10 * HOUR_US + 400 * 24 * HOUR_US;
    let pruned = store.maintain(now_us, 400).await.unwrap();
    assert_eq!(pruned.calls, 9);
    assert_eq!(
        numbers(&store.history(), &HistoryFilter::default()).await,
        (10..=32).rev().collect::<Vec<_>>()
    );
    let orphans = "SELECT (SELECT COUNT(*) FROM legs WHERE call_id NOT IN (SELECT id FROM calls)) \
                   + (SELECT COUNT(*) FROM alerts WHERE call_id NOT IN (SELECT id FROM calls))";
    assert_eq!(home.look(&home.database(), orphans).await, 0);
    assert!(
        store.history().call(id(1, 99)).await.unwrap().is_some(),
        "a call that is up stays"
    );
    assert_eq!(store.maintain(now_us, 400).await.unwrap().calls, 0);
}
