//! The centre changes while calls run, and calls in progress don't notice.

use engine::command::{Done, Refusal};
use engine::event::{AlertEnd, Presence};
use sim::{CENTRE, World, secs, seed};

use crate::told::{alerts, connections, diversions};

/// The usual centre without the queue `sales`.
fn without_sales() -> String {
    let centre = CENTRE.replace("[[queues]]\nname = \"sales\"\nnumber = \"2000\"\n", "");
    let centre = centre.replace(
        "queues = [\"sales\", \"support\"]",
        "queues = [\"support\"]",
    );
    centre.replace("queues = [\"sales\"]", "queues = []")
}

#[test]
fn a_call_in_progress_does_not_notice_a_change() {
    let w = World::new(seed(1));
    let (ann, talking, waiting) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    talking.calls("sales");
    ann.answers();
    waiting.calls("sales");
    let quick = CENTRE.replace(
        "number = \"2000\"",
        "number = \"2000\"\nring_timeout = 5\nwrap_up = 3",
    );
    w.applies(&quick).unwrap();
    assert!(talking.talks_to(&ann));
    assert_eq!(w.waiting("sales"), ["+49302"]);
    ann.holds();
    assert!(talking.hears_clip("default"));
    ann.resumes();
    talking.hangs_up();
    w.run_for(secs(2));
    assert!(ann.is_idle(), "what is new holds from now on: wrap-up");
    w.run_for(secs(2));
    assert!(ann.rings());
    w.run_for(secs(6));
    assert_eq!(
        alerts(&w).last(),
        Some(&("ann".into(), AlertEnd::TimedOut)),
        "and the shorter ringing"
    );
    waiting.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_phone_that_rings_goes_on_ringing() {
    let w = World::new(seed(2));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    assert!(ann.rings());
    w.applies(&CENTRE.replace("name = \"Ann\"", "name = \"Ann A.\""))
        .unwrap();
    assert!(ann.rings());
    ann.answers();
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_queue_in_which_callers_wait_is_not_removed_unless_it_is_said_where_they_go() {
    let w = World::new(seed(3));
    let (ann, first, second) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    first.calls("sales");
    second.calls("sales");
    assert!(ann.rings(), "who is being alerted for waits, too");
    match w.applies(&without_sales()) {
        Err(Refusal::Conflict(why)) => {
            assert!(why.starts_with("2 waiting in queue sales"), "{why}")
        }
        other => panic!("not refused: {other:?}"),
    }
    for to in ["queue:sales", "queue:gone", "user:nobody"] {
        match w.removes("sales", to, &without_sales()) {
            Err(Refusal::Invalid { field: "to", .. }) => {}
            other => panic!("{to} not refused: {other:?}"),
        }
    }
    assert_eq!(w.waiting("sales").len(), 2, "nothing has changed");
    first.hangs_up();
    second.hangs_up();
    w.applies(&without_sales()).expect("nobody waits any more");
    w.expect_quiet();
}

#[test]
fn who_waits_in_a_queue_that_is_removed_goes_where_it_is_said_with_their_arrival() {
    let w = World::new(seed(13));
    let max = w.agent("max").available();
    max.takes_a_break("lunch");
    let (early, late) = (w.phone("+49301"), w.phone("+49302"));
    early.calls("sales");
    w.run_for(secs(5));
    late.calls("support");
    w.run_for(secs(5));
    match w.removes("sales", "queue:support", &without_sales()) {
        Ok(Done::Prepared(effects)) => {
            assert_eq!(effects[0].text, "1 waiting calls go to queue:support");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(diversions(&w), ["queue:support"]);
    assert_eq!(
        w.waiting("support"),
        ["+49301", "+49302"],
        "by their arrival"
    );
    max.is_available();
    max.answers();
    assert!(early.talks_to(&max));
    early.hangs_up();
    late.hangs_up();
    w.expect_quiet();
}

#[test]
fn who_rings_when_their_queue_is_removed_goes_on_when_nobody_answers() {
    let w = World::new(seed(14));
    let (bob, caller) = (w.agent("bob").available(), w.phone("+49301"));
    caller.calls("sales");
    assert!(bob.rings());
    w.removes("sales", "announcement:closed", &without_sales())
        .unwrap();
    assert!(bob.rings(), "a phone that rings goes on ringing");
    w.run_for(secs(21));
    assert_eq!(diversions(&w), ["announcement:closed"]);
    w.run_for(secs(30));
    w.expect_quiet();
}

/// Part 12: every change holds at the next decision, and who waits keeps their place.
#[test]
fn changes_of_queues_users_and_assignments_hold_at_once_and_places_are_kept() {
    let w = World::new(seed(15));
    let callers = ["+49301", "+49302", "+49303", "+49304"].map(|number| w.phone(number));
    for caller in &callers {
        caller.calls("sales");
        w.run_for(secs(1));
    }
    let max = w.agent("max").available();
    assert!(max.is_idle(), "sales is not his");
    let order = ["+49301", "+49302", "+49303", "+49304"];
    assert_eq!(w.waiting("sales"), order);
    // A queue's fields, a user's, a new user.
    let patient = CENTRE.replace(
        "number = \"2000\"",
        "number = \"2000\"\nring_timeout = 3\nmax_no_answer = 0",
    );
    let named = patient.replace("name = \"Max\"", "name = \"Max M.\"");
    let more = format!("{named}\n[[users]]\nusername = \"new\"\nextension = \"903\"\n");
    for centre in [&patient, &named, &more] {
        w.applies(centre).unwrap();
        assert_eq!(w.waiting("sales"), order);
    }
    // An assignment: he is alerted for the first at the very change, and rings as long as the queue says now.
    let assigned = more.replace(
        "queues = [\"support\"]",
        "queues = [\"support\", \"sales\"]",
    );
    w.applies(&assigned).unwrap();
    assert!(max.rings());
    assert_eq!(max.sees(), "+49301");
    assert_eq!(w.waiting("sales"), order, "an alert takes nobody's place");
    w.run_for(secs(4));
    assert_eq!(max.sees(), "+49302", "the next after three seconds");
    max.answers();
    // Taken away again, he keeps the call he has and gets no other.
    w.applies(&more).unwrap();
    assert!(callers[1].talks_to(&max));
    assert_eq!(w.waiting("sales"), ["+49301", "+49303", "+49304"]);
    max.hangs_up();
    w.run_for(secs(20));
    assert!(max.is_idle());
    for caller in [&callers[0], &callers[2], &callers[3]] {
        caller.hangs_up();
    }
    w.expect_quiet();
}

#[test]
fn who_talks_for_a_queue_that_is_removed_goes_on_talking() {
    let w = World::new(seed(4));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    w.applies(&without_sales()).unwrap();
    w.run_for(secs(10));
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    assert!(ann.is_idle());
    w.expect_quiet();
}

#[test]
fn a_user_who_is_disabled_gets_no_more_calls_and_their_phone_is_gone() {
    let w = World::new(seed(5));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    let disabled = CENTRE.replace("name = \"Ann\"", "name = \"Ann\"\nenabled = false");
    w.applies(&disabled).unwrap();
    assert_eq!(w.figures().bindings, 0);
    caller.calls("sales");
    w.run_for(secs(30));
    assert_eq!(alerts(&w), []);
    assert!(ann.is_idle());
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_user_who_is_disabled_while_ringing_is_rung_no_more() {
    let w = World::new(seed(6));
    let (ann, bob, caller) = (
        w.agent("ann").available(),
        w.agent("bob").available(),
        w.phone("+49301"),
    );
    caller.calls("sales");
    assert!(ann.rings());
    w.applies(&CENTRE.replace("name = \"Ann\"", "name = \"Ann\"\nenabled = false"))
        .unwrap();
    assert!(ann.is_idle() && bob.rings());
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_user_who_is_disabled_while_talking_finishes_the_call() {
    let w = World::new(seed(7));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    w.applies(&CENTRE.replace("name = \"Ann\"", "name = \"Ann\"\nenabled = false"))
        .unwrap();
    w.run_for(secs(10));
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_new_queue_and_a_new_attendant_work_at_once() {
    let w = World::new(seed(8));
    let more = format!(
        "{CENTRE}\n[[queues]]\nname = \"new\"\nnumber = \"2100\"\n[[users]]\nusername = \"zoe\"\nextension = \"1009\"\nsip_password = \"zoe's secret\"\nqueues = [\"new\"]\n"
    );
    w.applies(&more).unwrap();
    let (zoe, caller) = (w.agent("zoe").available(), w.phone("+49301"));
    caller.calls("new");
    zoe.answers();
    assert_eq!(connections(&w), [("+49301".into(), "zoe".into())]);
    assert_eq!(w.row("zoe").presence, Presence::Available);
    zoe.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_3_a_queues_new_priority_ranks_anew_those_who_wait() {
    let w = World::new(seed(9));
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    first.calls("support");
    w.run_for(secs(5));
    second.calls("sales");
    w.applies(&CENTRE.replace("number = \"2000\"", "number = \"2000\"\npriority = 1"))
        .unwrap();
    let ann = w.agent("ann").available();
    assert_eq!(
        ann.sees(),
        "+49302",
        "ten seconds' worth of priority against five of waiting"
    );
    first.hangs_up();
    second.hangs_up();
    w.expect_quiet();
}
