//! Which of several attendants gets a caller, and who may not (rules 6 to 8).

use expect_test::expect_file;
use sim::{Agent, CENTRE, Phone, Weather, World, millis, secs, seed};

use crate::told::connections;

/// The usual centre with more to say of the queue `sales` and of what ann and bob, in this order, have to do with it.
fn centre(sales: &str, assigned: [&str; 2], users: [&str; 2]) -> String {
    let assignment = |more: &str| match more {
        "" => "\"sales\"".to_owned(),
        more => format!("{{ queue = \"sales\", {more} }}"),
    };
    let [of_ann, of_bob] = assigned.map(assignment);
    CENTRE
        .replace("number = \"2000\"", &format!("number = \"2000\"\n{sales}"))
        .replace(
            "[\"sales\", \"support\"]",
            &format!("[{of_ann}, \"support\"]\n{}", users[0]),
        )
        .replace(
            "sip_password = \"bob's secret\"\nqueues = [\"sales\"]",
            &format!(
                "sip_password = \"bob's secret\"\nqueues = [{of_bob}]\n{}",
                users[1]
            ),
        )
}

fn world(centre: &str) -> World {
    World::builder(seed(8)).centre(centre).build()
}

/// ann, who has been idle for a second longer, and bob.
fn staffed(w: &World) -> (Agent, Agent) {
    let ann = w.agent("ann").available();
    w.run_for(secs(1));
    (ann, w.agent("bob").available())
}

/// The caller is served by whom the queue chooses, and hangs up.
fn is_served(w: &World, caller: &Phone, (ann, bob): (&Agent, &Agent)) {
    caller.calls("sales");
    w.run_for(secs(1));
    if ann.rings() {
        ann.answers();
    } else {
        bob.answers();
    }
    w.run_for(secs(5));
    caller.hangs_up();
    w.run_for(secs(1));
}

fn served_by(w: &World) -> Vec<String> {
    connections(w).into_iter().map(|(_, user)| user).collect()
}

#[test]
fn rule_6_each_strategy_chooses_among_those_who_are_free() {
    // What is said of the assignments of ann and bob, and who gets the first and second caller.
    let cases = [
        ("longest-idle", ["", ""], ["ann", "bob"]),
        ("round-robin", ["", ""], ["ann", "bob"]),
        ("fewest-calls", ["", ""], ["ann", "bob"]),
        ("least-occupied", ["", ""], ["ann", "bob"]),
        ("fixed-order", ["order = 2", "order = 1"], ["bob", "bob"]),
        ("skill-level", ["level = 1", "level = 2"], ["bob", "bob"]),
    ];
    for (strategy, assigned, expected) in cases {
        let w = world(&centre(
            &format!("strategy = \"{strategy}\""),
            assigned,
            ["", ""],
        ));
        let (ann, bob) = staffed(&w);
        let caller = w.phone("+49301");
        for _ in 0..2 {
            is_served(&w, &caller, (&ann, &bob));
        }
        assert_eq!(served_by(&w), expected, "{strategy}");
        w.expect_quiet();
        w.expect_journal_gives_the_same_state();
    }
}

#[test]
fn rule_6_lots_fall_by_weight_and_again_the_same_way() {
    let centre = centre(
        "strategy = \"weighted-random\"",
        ["weight = 9", ""],
        ["", ""],
    );
    let play = || {
        let w = world(&centre);
        let (ann, bob) = staffed(&w);
        let caller = w.phone("+49301");
        for _ in 0..40 {
            is_served(&w, &caller, (&ann, &bob));
        }
        w.expect_journal_gives_the_same_state();
        served_by(&w)
    };
    let lots = play();
    let of_ann = lots.iter().filter(|user| *user == "ann").count();
    assert!((30..40).contains(&of_ann), "nine in ten: {of_ann} of 40");
    assert_eq!(play(), lots);
}

#[test]
fn rules_7_and_8_a_caller_goes_to_who_has_the_skills_and_after_a_time_to_who_has_fewer() {
    let sales = "skills = { dutch = 3 }\nrelax = [{ after = 30, skills = { dutch = 1 } }]";
    let w = world(&centre(
        sales,
        ["", ""],
        [
            "skills = { dutch = 1 }",
            "skills = { dutch = 5, billing = 2 }",
        ],
    ));
    let (ann, bob) = staffed(&w);
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    first.calls("sales");
    second.calls("sales");
    w.run_for(secs(1));
    assert!(bob.rings() && !ann.rings(), "ann has been idle for longer");
    bob.answers();
    w.run_for(millis(28_900));
    assert!(!ann.rings());
    w.run_for(millis(200));
    assert!(ann.rings(), "nothing else happened at that moment");
    ann.answers();
    assert!(second.talks_to(&ann));
    first.hangs_up();
    second.hangs_up();
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_7_a_second_group_sees_callers_after_its_delay() {
    let w = world(&centre("", ["delay = 15", ""], ["", ""]));
    let (ann, bob) = staffed(&w);
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    first.calls("sales");
    second.calls("sales");
    w.run_for(secs(1));
    assert!(bob.rings() && !ann.rings());
    bob.answers();
    w.run_for(secs(13));
    assert!(!ann.rings());
    w.run_for(millis(1_100));
    ann.answers();
    assert!(second.talks_to(&ann));
    first.hangs_up();
    second.hangs_up();
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_7_no_more_than_max_busy_have_callers_of_a_queue() {
    let limited = centre("max_busy = 1", ["", ""], ["", ""]);
    let w = world(&limited);
    let (ann, bob) = staffed(&w);
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    first.calls("sales");
    second.calls("sales");
    w.run_for(secs(1));
    ann.answers();
    w.run_for(secs(30));
    assert!(!bob.rings());
    assert!(
        w.applies(&limited.replace("max_busy = 1", "max_busy = 2"))
            .is_ok()
    );
    w.run_for(secs(1));
    assert!(bob.rings(), "a new limit holds at once");
    bob.answers();
    first.hangs_up();
    second.hangs_up();
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_5_who_hangs_up_their_own_call_to_a_full_queue_has_its_first_caller_next() {
    let w = world(&centre("max_busy = 1", ["", ""], ["", ""]));
    let (ann, bob) = staffed(&w);
    ann.calls("sales");
    w.run_for(secs(1));
    bob.answers();
    bob.takes_a_break("lunch");
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    first.calls("sales");
    w.run_for(secs(1));
    second.calls("support");
    w.run_for(secs(1));
    ann.hangs_up();
    w.run_for(secs(1));
    ann.answers();
    assert!(first.talks_to(&ann), "room for sales and she come at once");
    first.hangs_up();
    w.run_for(secs(1));
    ann.answers();
    second.hangs_up();
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_6_ring_all_rings_everybody_and_the_first_to_answer_has_the_caller() {
    let w = world(&centre("strategy = \"ring-all\"", ["", ""], ["", ""]));
    let (ann, bob) = staffed(&w);
    let caller = w.phone("+49301");
    caller.calls("sales");
    w.run_for(secs(1));
    assert!(ann.rings() && bob.rings());
    bob.answers();
    w.run_for(secs(1));
    assert!(caller.talks_to(&bob) && !ann.rings());
    let told = w.ladder().matches("Call completed elsewhere").count();
    assert_eq!(told, 1, "ann's phone shows no missed call");
    assert_eq!(served_by(&w), ["bob"]);
    caller.hangs_up();
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_6_of_two_answers_that_cross_one_talks_and_the_other_is_hung_up() {
    let w = world(&centre("strategy = \"ring-all\"", ["", ""], ["", ""]));
    let (ann, bob) = staffed(&w);
    let caller = w.phone("+49301");
    caller.calls("sales");
    w.run_for(secs(1));
    // Both lift before either 200 has arrived: it takes 100 ms, lifting 10.
    let delay_ms = (100, 100);
    w.weather(Weather {
        delay_ms,
        ..Weather::FAIR
    });
    ann.answers();
    bob.answers();
    w.run_for(secs(2));
    assert_eq!(served_by(&w).len(), 1, "exactly one wins");
    assert!(caller.talks_to(&ann) != caller.talks_to(&bob));
    assert!(ann.is_idle() != bob.is_idle(), "the other got ACK and BYE");
    w.run_for(secs(30));
    caller.hangs_up();
    w.expect_trace(expect_file!["../traces/ring_all_crossing.trace"]);
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn rule_6_what_rang_for_all_and_nobody_took_is_missed_by_nobody() {
    let sales = "strategy = \"ring-all\"\nring_timeout = 5\nmax_no_answer = 1";
    let w = world(&centre(sales, ["", ""], ["", ""]));
    let (ann, bob) = staffed(&w);
    let caller = w.phone("+49301");
    caller.calls("sales");
    w.run_for(secs(12));
    assert!(ann.rings() && bob.rings(), "it rings on");
    assert_eq!((w.break_reason("ann"), w.break_reason("bob")), (None, None));
    ann.rejects(486);
    w.run_for(secs(5));
    assert!(!ann.rings() && bob.rings(), "who has rejected is out of it");
    bob.answers();
    assert!(caller.talks_to(&bob));
    caller.hangs_up();
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}
