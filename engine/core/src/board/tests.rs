//! The definitions to the digit, and what must hold after every event.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::*;
use crate::event::{Activity, Change, Device, Direction, Party, Presence, Rank};

mod identities;

const SECOND: i64 = 1_000_000;
const QUEUE: &str = "support";
const OTHER: &str = "sales";

/// A board with a clock of its own.
struct Told {
    board: Board,
    now: i64,
}

impl Told {
    fn new() -> Self {
        let mut told = Self {
            board: Board::default(),
            now: 0,
        };
        told.say(Event::ServiceLevelSet {
            queue: QUEUE.into(),
            seconds: 20,
            short_abandon: 5,
        });
        told
    }

    fn at(&mut self, seconds: i64) -> &mut Self {
        self.now = seconds * SECOND;
        self
    }

    fn say(&mut self, event: Event) -> &mut Self {
        self.board.apply(self.now, &event);
        self
    }

    fn enters(&mut self, call: u64, queue: &str) -> &mut Self {
        self.say(Event::CallQueued {
            call: CallId(call),
            queue: Some(queue.into()),
            user: None,
            rank: Rank {
                tier: 1,
                key_us: 0,
                arrival_us: 0,
                id: call,
            },
            priority: 0,
            arrival_us: 0,
            estimate_seconds: None,
        })
    }

    fn leaves(&mut self, call: u64, why: LeftQueue) -> &mut Self {
        let call = CallId(call);
        self.say(Event::CallLeftQueue { call, why })
    }

    fn diverts(&mut self, call: u64, why: Diversion, queue: &str) -> &mut Self {
        self.say(Event::CallDiverted {
            call: CallId(call),
            why,
            to: "busy".into(),
            queue: Some(queue.into()),
        })
    }

    fn alerts(&mut self, call: u64, alert: u64) -> &mut Self {
        self.say(Event::AlertStarted {
            alert,
            call: CallId(call),
            agent: "ann".into(),
            queue: Some(QUEUE.into()),
            picked_up: false,
            choice: None,
        })
    }

    fn alert_ends(&mut self, call: u64, alert: u64, end: AlertEnd) -> &mut Self {
        self.say(Event::AlertEnded {
            alert,
            call: CallId(call),
            agent: "ann".into(),
            end,
            sip_status: None,
        })
    }

    fn connects(&mut self, call: u64) -> &mut Self {
        self.say(Event::CallConnected {
            call: CallId(call),
            user: Some("ann".into()),
            leg: LegId(9),
            queue: Some(QUEUE.into()),
        })
    }

    fn sends_on(&mut self, call: u64, parked: bool) -> &mut Self {
        let (call, by) = (CallId(call), "ann".into());
        let party = Party::default();
        self.say(if parked {
            Event::CallParked {
                call,
                slot: 1,
                by: Some(by),
                location: None,
                party,
            }
        } else {
            let to = "extension:1002".into();
            Event::CallTransferred {
                call,
                by,
                to,
                party,
            }
        })
    }

    fn comes_back(&mut self, call: u64, queue: &str) -> &mut Self {
        self.say(Event::CallRecalled {
            call: CallId(call),
            from: Some("ann".into()),
            queue: Some(queue.into()),
        })
    }

    fn ends(&mut self, call: u64, result: EndResult, by: EndedBy) -> &mut Self {
        let cause = EndCause {
            result,
            sip_status: None,
            reason: None,
        };
        let call = CallId(call);
        self.say(Event::CallEnded { call, cause, by })
    }

    fn ann(&mut self, presence: Presence, activity: Activity, call: Option<u64>) -> &mut Self {
        let since_us = self.now;
        self.say(Event::AgentChanged {
            agent: "ann".into(),
            presence,
            reason: None,
            activity,
            pending: None,
            extension: Some("1001".into()),
            device: Device::Reachable,
            since_us,
            call: call.map(CallId),
            left_queues: Vec::new(),
            codes_due: Vec::new(),
        })
    }

    fn today(&self) -> Tally {
        self.board.queues[QUEUE].counts.today
    }
}

/// metrics.md §4.1: T 20 s, s 5 s; waits answered 3, 10, 20, 21, 60; abandoned 2, 15, 40; flow-out 1 at 30; closed 2.
fn worked_example() -> Told {
    let mut told = Told::new();
    for call in 1..=9 {
        told.at(0).enters(call, QUEUE);
    }
    let ends = [
        (2, 6, LeftQueue::Abandoned),
        (3, 1, LeftQueue::Connected),
        (10, 2, LeftQueue::Connected),
        (15, 7, LeftQueue::Abandoned),
        (20, 3, LeftQueue::Connected),
        (21, 4, LeftQueue::Connected),
        (30, 9, LeftQueue::Diverted),
        (40, 8, LeftQueue::Abandoned),
        (60, 5, LeftQueue::Connected),
    ];
    for (at, call, why) in ends {
        told.at(at).leaves(call, why);
    }
    told.diverts(9, Diversion::Overflow, QUEUE);
    for call in [10, 11] {
        told.diverts(call, Diversion::Closed, QUEUE);
    }
    for call in 6..=11 {
        told.ends(call, EndResult::Announced, EndedBy::System);
    }
    told
}

#[test]
fn the_worked_example_is_right_to_the_digit() {
    let told = worked_example();
    let today = told.today();
    let outcomes = today.outcomes;
    assert_eq!((outcomes.answered, outcomes.answered_within), (5, 3));
    assert_eq!((outcomes.abandoned, outcomes.abandoned_within), (3, 2));
    assert_eq!((outcomes.short, outcomes.flowed_out), (1, 1));
    assert_eq!((outcomes.offered(), today.offered, today.closed), (9, 9, 2));
    let expected = [
        (Variant::Handled, "60.0 %"),
        (Variant::WithoutAbandon, "42.9 %"),
        (Variant::Positive, "55.6 %"),
        (Variant::Negative, "33.3 %"),
        (Variant::AsteriskSl2, "62.5 %"),
        (Variant::GenesysWithoutFlowOuts, "42.9 %"),
        (Variant::StatServer, "42.9 %"),
        (Variant::Genesys, "37.5 %"),
    ];
    assert_eq!(expected.len(), Variant::ALL.len());
    for (variant, share) in expected {
        assert_eq!(variant.of(&outcomes).to_string(), share, "{variant:?}");
        let hour = told.board.queues[QUEUE].counts.last_minutes(told.now, 60);
        assert_eq!(variant.of(&hour).to_string(), share, "{variant:?}");
    }
    // One queue: the centre's own figures are the same.
    assert_eq!(told.board.total.today.outcomes, outcomes);
    assert_eq!(
        (today.answer_us(), today.abandon_us()),
        (Some(22_800_000), Some(19_000_000))
    );
}

#[test]
fn stat_servers_own_example() {
    let outcomes = Outcomes {
        answered: 300,
        answered_within: 200,
        abandoned: 100,
        short: 50,
        ..Outcomes::default()
    };
    assert_eq!(
        Variant::StatServer.of(&outcomes).ten_thousandths(),
        Some(5714)
    );
}

#[test]
fn of_nothing_there_is_no_share_and_no_average() {
    let nothing = Outcomes::default();
    for variant in Variant::ALL {
        let share = variant.of(&nothing);
        assert_eq!(
            (share.ten_thousandths(), share.to_string()),
            (None, "–".into())
        );
    }
    assert_eq!(
        (Tally::default().answer_us(), Tally::default().handle_us()),
        (None, None)
    );
}

#[test]
fn exactly_at_the_moment_is_within() {
    let cases = [(20 * SECOND, 1), (20 * SECOND + 1, 0)];
    for (waited, within) in cases {
        for why in [LeftQueue::Connected, LeftQueue::Abandoned] {
            let mut told = Told::new();
            told.enters(1, QUEUE);
            told.now = waited;
            told.leaves(1, why);
            let outcomes = told.today().outcomes;
            let counted = outcomes.answered_within + outcomes.abandoned_within;
            assert_eq!(counted, within, "{waited} {why:?}");
        }
    }
    let mut told = Told::new();
    told.enters(1, QUEUE)
        .enters(2, QUEUE)
        .at(5)
        .leaves(1, LeftQueue::Abandoned);
    told.now += 1;
    told.leaves(2, LeftQueue::Abandoned);
    assert_eq!(told.today().outcomes.short, 1);
}

#[test]
fn those_who_wait_count_in_neither_but_are_shown() {
    let mut told = Told::new();
    told.enters(1, QUEUE).at(10).enters(2, QUEUE).at(25);
    let row = &told.board.queues[QUEUE];
    assert_eq!(row.counts.today.outcomes, Outcomes::default());
    assert_eq!((row.waiting(), row.breached(told.now)), (2, 1));
    assert_eq!(row.oldest_wait_us(told.now), Some(25 * SECOND));
    assert_eq!(
        row.breached(20 * SECOND),
        0,
        "at the moment itself it is kept"
    );
}

#[test]
fn a_call_that_overflowed_is_one_in_the_total() {
    let mut told = Told::new();
    told.enters(1, QUEUE).at(30).leaves(1, LeftQueue::Diverted);
    told.diverts(1, Diversion::Overflow, QUEUE);
    assert_eq!(
        (
            told.board.on_their_way(),
            told.board.total.today.outcomes.offered()
        ),
        (1, 0)
    );
    told.enters(1, OTHER)
        .at(40)
        .leaves(1, LeftQueue::Connected)
        .connects(1);
    let (first, other, total) = (
        told.board.queues[QUEUE].counts.today,
        told.board.queues[OTHER].counts.today,
        told.board.total.today,
    );
    assert_eq!((first.offered, first.outcomes.flowed_out), (1, 1));
    assert_eq!((other.offered, other.outcomes.answered_within), (1, 1));
    assert_eq!(
        (
            total.offered,
            total.outcomes.offered(),
            total.outcomes.flowed_out
        ),
        (1, 1, 0)
    );
    assert_eq!(total.outcomes.answered_within, 0, "it waited 40 s in all");
}

#[test]
fn conversations_are_booked_when_their_wrap_up_ends() {
    let mut told = Told::new();
    told.enters(1, QUEUE).at(4).alerts(1, 7);
    told.at(10)
        .alert_ends(1, 7, AlertEnd::Accepted)
        .leaves(1, LeftQueue::Connected);
    told.connects(1)
        .ann(Presence::Available, Activity::Busy, Some(1));
    let by = LegId(9);
    let call = CallId(1);
    told.at(40)
        .say(Event::CallHeld { call, by })
        .at(50)
        .say(Event::CallResumed { call, by });
    told.at(110).ends(1, EndResult::Answered, EndedBy::Caller);
    told.ann(Presence::Available, Activity::WrapUp, None);
    assert_eq!(told.today().handled, 0);
    told.at(140).ann(Presence::Available, Activity::Idle, None);
    let today = told.today();
    assert_eq!((today.handled, today.handle_us()), (1, Some(130 * SECOND)));
    let parts = (today.talk_us(), today.hold_us(), today.wrap_up_us());
    assert_eq!(
        parts,
        (Some(90 * SECOND), Some(10 * SECOND), Some(30 * SECOND))
    );
    let answers = (today.answer_us(), today.answer_without_ring_us());
    assert_eq!(answers, (Some(10 * SECOND), Some(4 * SECOND)));
}

#[test]
fn callers_who_hang_up_on_hold_are_lost() {
    for (by, ended_by, lost) in [
        (LegId(9), EndedBy::Caller, 1),
        (LegId(1), EndedBy::Caller, 0),
        (LegId(9), EndedBy::Callee, 0),
    ] {
        let mut told = Told::new();
        told.enters(1, QUEUE)
            .leaves(1, LeftQueue::Connected)
            .connects(1);
        let call = CallId(1);
        told.say(Event::CallHeld { call, by })
            .ends(1, EndResult::Answered, ended_by);
        assert_eq!(told.today().lost_on_hold, lost, "{by} {ended_by:?}");
    }
}

/// The blog's example: 6 minutes of contact, 1 of wrap-up, 3 without a call.
#[test]
fn occupancy_is_contact_as_a_share_of_contact_and_idle() {
    let mut told = Told::new();
    told.ann(Presence::Available, Activity::Idle, None);
    told.at(180).ann(Presence::Available, Activity::Busy, None);
    told.at(540)
        .ann(Presence::Available, Activity::WrapUp, None);
    told.at(600).ann(Presence::Break, Activity::Idle, None);
    let ann = &told.board.agents["ann"];
    let times = ann.times(900 * SECOND);
    assert_eq!(times.occupancy().to_string(), "70.0 %");
    assert_eq!(
        (times.on_break_us, times.staffed_us()),
        (300 * SECOND, 900 * SECOND)
    );
}

#[test]
fn the_day_begins_with_those_who_wait_and_nothing_else() {
    let mut told = worked_example();
    told.enters(20, QUEUE)
        .alerts(20, 1)
        .ann(Presence::Available, Activity::Busy, None);
    let hour = told.board.queues[QUEUE].counts.last_minutes(told.now, 60);
    told.at(90).say(Event::DayBegan {});
    let expected = Tally {
        offered: 1,
        ..Tally::default()
    };
    assert_eq!((told.today(), told.board.total.today), (expected, expected));
    assert_eq!(told.board.since_us, Some(90 * SECOND));
    let counts = &told.board.queues[QUEUE].counts;
    assert_eq!(
        counts.last_minutes(told.now, 60),
        hour,
        "the last hour goes on"
    );
    let ann = &told.board.agents["ann"];
    assert_eq!((ann.alerts.started, ann.running()), (1, 1));
    assert_eq!(ann.times(100 * SECOND).on_contact_us, 10 * SECOND);
}

#[test]
fn the_last_hour_forgets_what_is_older() {
    let mut told = Told::new();
    told.enters(1, QUEUE).leaves(1, LeftQueue::Connected);
    told.at(16 * 60)
        .enters(2, QUEUE)
        .leaves(2, LeftQueue::Connected);
    let answered = |told: &Told, minutes| {
        let counts = &told.board.queues[QUEUE].counts;
        counts.last_minutes(told.now, minutes).answered
    };
    assert_eq!((answered(&told, 15), answered(&told, 60)), (1, 2));
    told.at(61 * 60)
        .enters(3, QUEUE)
        .leaves(3, LeftQueue::Connected);
    assert_eq!((answered(&told, 15), answered(&told, 60)), (1, 2));
}

#[test]
fn what_is_removed_leaves_no_figures() {
    let mut told = worked_example();
    told.ann(Presence::Available, Activity::Busy, None);
    told.say(Event::CentreChanged {
        version: 2,
        changes: [Change {
            kind: "queues".into(),
            name: QUEUE.into(),
            what: "removed".into(),
        }]
        .into(),
    });
    told.say(Event::AgentRemoved {
        agent: "ann".into(),
    });
    assert!(told.board.queues.is_empty() && told.board.agents.is_empty());
    assert_eq!(
        told.board.total.today.offered, 9,
        "the centre's day goes on"
    );
}

#[test]
fn a_queue_that_is_removed_counts_until_its_last_caller_has_left() {
    let mut told = Told::new();
    told.enters(1, QUEUE);
    told.say(Event::CentreChanged {
        version: 2,
        changes: [Change {
            kind: "queues".into(),
            name: QUEUE.into(),
            what: "removed".into(),
        }]
        .into(),
    });
    assert_eq!(told.board.waiting(), 1);
    told.leaves(1, LeftQueue::Connected);
    assert!(told.board.queues.is_empty());
    assert_eq!(told.board.total.today.outcomes.answered, 1);
}

#[test]
fn calls_to_nobodys_queue_are_not_followed() {
    let mut told = Told::new();
    told.say(Event::CallStarted {
        call: CallId(1),
        direction: Direction::Inbound,
        caller: Party::default(),
        called: "1001".into(),
        trunk: None,
        user: None,
        vip: false,
    });
    told.connects(1)
        .ends(1, EndResult::Answered, EndedBy::Caller);
    assert!(told.board.visits.is_empty());
    assert_eq!(told.board.total, Counts::default());
}

/// metrics.md §4.1, rule 6, and §4.5.
#[test]
fn a_recall_is_counted_on_its_own_and_who_gives_up_after_an_answer_is_lost() {
    let mut told = Told::new();
    for call in 1..=4 {
        told.at(0).enters(call, QUEUE);
        told.at(3).leaves(call, LeftQueue::Connected).connects(call);
    }
    told.at(10).sends_on(1, false).sends_on(2, true);
    told.sends_on(3, false).sends_on(4, false);
    told.at(20).ends(1, EndResult::Abandoned, EndedBy::Caller);
    told.ends(2, EndResult::Abandoned, EndedBy::Caller);
    told.at(40).comes_back(3, QUEUE).enters(3, QUEUE);
    assert_eq!(told.board.queues[QUEUE].waiting(), 0);
    assert_eq!(told.board.queues[QUEUE].recalls_waiting(), 1);
    told.at(45).leaves(3, LeftQueue::Connected).connects(3);
    told.at(50).ends(3, EndResult::Answered, EndedBy::Caller);
    told.enters(4, OTHER);
    told.at(60).leaves(4, LeftQueue::Abandoned);
    told.ann(Presence::Available, Activity::Idle, None);
    let today = told.today();
    assert_eq!((today.lost_in_transfer, today.lost_in_park), (1, 1));
    assert_eq!((today.offered, today.outcomes.answered), (4, 4));
    assert_eq!(today.recalls, 1);
    assert_eq!(told.board.queues[QUEUE].recalls_waiting(), 0);
    let other = told.board.queues[OTHER].counts.today;
    assert_eq!((other.offered, other.outcomes.abandoned), (1, 1));
    let total = told.board.total.today;
    assert_eq!((total.offered, total.recalls), (5, 1));
    assert_eq!(total.outcomes.offered(), 5);
}
