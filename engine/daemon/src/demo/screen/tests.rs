//! The screen, whole.

use super::*;
use engine::event::{Direction, LeftQueue, LegRole, Party, Rank};
use engine::{Event, LegId};

/// 2026-11-22 09:00:00 UTC.
const NINE_US: i64 = 1_795_338_000_000_000;

struct Story {
    view: View,
    levels: Levels,
    centre: Centre,
    seq: u64,
    now_us: i64,
}

impl Story {
    fn new() -> Self {
        let centre = config::parse_centre(super::super::CENTRE, "demo.toml").unwrap();
        let mut story = Self {
            view: View::default(),
            levels: Levels::new(&centre),
            centre,
            seq: 0,
            now_us: NINE_US,
        };
        for (queue, open) in [("reception", true), ("support", false)] {
            story.happens(Event::QueueChanged {
                queue: queue.into(),
                open,
                override_state: None,
                override_until_us: None,
                next_change_us: None,
            });
        }
        story
    }

    fn happens(&mut self, event: Event) {
        self.seq += 1;
        self.view.apply(self.seq, self.now_us, &event);
        self.levels.on_event(self.now_us, &event);
    }

    fn later(&mut self, seconds: i64) {
        self.now_us += 1_000_000 * seconds;
    }

    fn agent(&mut self, agent: &str, presence: Presence, activity: Activity, call: Option<u64>) {
        let extension = self.centre.users[agent].extension.as_ref();
        self.happens(Event::AgentChanged {
            agent: agent.into(),
            presence,
            reason: (presence == Presence::Break).then(|| "no-answer".into()),
            activity,
            pending: (activity == Activity::Busy).then_some(Presence::Break),
            extension: extension.map(ToString::to_string),
            device: Device::Reachable,
            since_us: self.now_us,
            call: call.map(CallId),
            left_queues: Vec::new(),
            codes_due: Vec::new(),
        });
    }

    fn caller(&mut self, call: u64, name: Option<&str>) {
        self.happens(Event::CallStarted {
            call: CallId(call),
            direction: Direction::Inbound,
            caller: Party {
                number: format!("+3165550{call:05}"),
                name: name.map(Into::into),
            },
            called: "+31850082900".into(),
            trunk: Some("callers".into()),
            user: None,
            vip: false,
        });
    }

    fn queued(&mut self, call: u64) {
        let rank = Rank {
            tier: 1,
            key_us: self.now_us,
            arrival_us: self.now_us,
            id: call,
        };
        self.happens(Event::CallAnswered { call: CallId(call) });
        self.happens(Event::CallQueued {
            call: CallId(call),
            queue: Some("reception".into()),
            user: None,
            rank,
            priority: 0,
            arrival_us: self.now_us,
            estimate_seconds: None,
        });
    }

    fn rings(&mut self, call: u64, agent: &str) {
        self.happens(Event::AlertStarted {
            alert: call,
            call: CallId(call),
            agent: agent.into(),
            queue: Some("reception".into()),
            picked_up: false,
            choice: None,
        });
    }

    fn picture(&self) -> Picture<'_> {
        Picture {
            view: &self.view,
            levels: &self.levels,
            centre: &self.centre,
            now_us: self.now_us,
            hint: "alice's phone is yours: 1001",
        }
    }
}

/// One talks, one rings, one waits, one has just come; one attendant each in every state.
fn busy_centre() -> Story {
    let mut story = Story::new();
    story.agent("alice", Presence::Offline, Activity::Idle, None);
    story.agent("sven", Presence::Offline, Activity::Idle, None);
    story.agent("carol", Presence::Available, Activity::Idle, None);
    story.agent("dirk", Presence::Break, Activity::Idle, None);
    story.caller(1, Some("M. Aalbers"));
    story.queued(1);
    story.later(3);
    story.happens(Event::CallLeftQueue {
        call: CallId(1),
        why: LeftQueue::Connected,
    });
    story.happens(Event::CallConnected {
        call: CallId(1),
        user: Some("bob".into()),
        leg: LegId(2),
        queue: Some("reception".into()),
    });
    story.agent("bob", Presence::Available, Activity::Busy, Some(1));
    story.later(60);
    story.caller(2, Some("J. Bos"));
    story.queued(2);
    story.rings(2, "eva");
    story.agent("eva", Presence::Available, Activity::Alerting, Some(2));
    story.later(2);
    story.caller(3, None);
    story.queued(3);
    story.later(5);
    story.caller(
        4,
        Some("Evil \u{1b}[2J caller with a name that is far too long for any line of the terminal"),
    );
    story
}

#[test]
fn the_screen_shows_who_waits_rings_and_talks() {
    let expected = "\
Lampfield demo   09:01:10 UTC   Ctrl-C ends it

QUEUE                STATE    WAITING   OLDEST  ANSWERED   IN TIME  GAVE UP
reception            open           2     0:07         1     100 %        0
support              closed         0        -         0         -        0

AGENT                PHONE   STATE                     SINCE  WITH
Alice Jansen         1001    offline
Bob Bakker           1002    talks, then break          1:07  +316555000001
Carol Visser         1003    available                  1:10
Dirk Dekker          1004    break: no-answer           1:10
Eva Evers            1005    rings                      0:07  +316555000002

CALLER               NUMBER          STATE                               SINCE
M. Aalbers           +31850082900    talks to Bob Bakker                  1:07
J. Bos               +31850082900    rings Eva Evers                      0:07
+316555000003        +31850082900    waits for reception                  0:05
Evil ?[2J caller with a name that is far too long for any line of the terminal +

alice's phone is yours: 1001
";
    assert_eq!(busy_centre().picture().screen(ROWS), expected);
}

#[test]
fn the_summary_says_the_same_in_a_line() {
    let table = [
        (
            Story::new(),
            "09:00:00 waiting 0, talking 0, answered 0, - in time, gave up 0",
        ),
        (
            busy_centre(),
            "09:01:10 waiting 2 (oldest 0:07), talking 1, answered 1, 100 % in time, gave up 0",
        ),
    ];
    for (story, expected) in table {
        assert_eq!(story.picture().summary(), expected);
    }
}

#[test]
fn what_calls_do_is_told_apart() {
    let mut story = busy_centre();
    story.happens(Event::CallHeld {
        call: CallId(1),
        by: LegId(2),
    });
    story.happens(Event::CallAnswered { call: CallId(4) });
    story.happens(Event::LegStarted {
        call: CallId(4),
        leg: LegId(9),
        role: LegRole::Caller,
        number: "+316555000004".into(),
        trunk: None,
        user: None,
    });
    story.caller(5, None);
    story.happens(Event::CallConnected {
        call: CallId(5),
        user: None,
        leg: LegId(7),
        queue: None,
    });
    story.caller(6, None);
    story.happens(Event::CallQueued {
        call: CallId(6),
        queue: None,
        user: Some("carol".into()),
        rank: Rank {
            tier: 0,
            key_us: 0,
            arrival_us: 0,
            id: 6,
        },
        priority: 3,
        arrival_us: 0,
        estimate_seconds: None,
    });
    let states: Vec<String> = story
        .view
        .calls
        .values()
        .map(|call| story.picture().call_state(call).0)
        .collect();
    let expected = [
        "held by Bob Bakker",
        "rings Eva Evers",
        "waits for reception",
        "hears an announcement",
        "talks to a phone",
        "waits for Carol Visser",
    ];
    assert_eq!(states, expected);
}

#[test]
fn no_screen_is_higher_than_its_terminal() {
    let mut story = busy_centre();
    (5..=20).for_each(|call| story.caller(call, None));
    for (rows, counted) in [
        (24, "and 14 more\n"),
        (30, "and 8 more\n"),
        (60, "+316555000020"),
    ] {
        let screen = story.picture().screen(rows);
        assert!(screen.contains(counted), "{rows} rows:\n{screen}");
        assert!(screen.contains("alice's phone"), "{rows} rows:\n{screen}");
        assert!(screen.lines().count() < rows);
        assert!(screen.lines().all(|line| line.chars().count() <= COLUMNS));
    }
    assert_eq!(story.picture().screen(4).lines().count(), 3);
}

#[test]
fn lengths_and_clocks_read_as_people_write_them() {
    let second = 1_000_000;
    let table = [
        (-5, "0:00"),
        (59, "0:59"),
        (61, "1:01"),
        (3_600 * 11 + 62, "11:01:02"),
    ];
    for (seconds, expected) in table {
        assert_eq!(length(seconds * second), expected);
    }
    assert_eq!(clock(-second), "23:59:59");
}
