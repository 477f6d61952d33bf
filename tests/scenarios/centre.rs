//! The centre changes while calls run, and calls in progress don't notice.

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
fn who_waits_in_a_queue_that_is_removed_goes_to_the_default_queue() {
    let w = World::new(seed(3));
    let (caller, max) = (w.phone("+49301"), w.agent("max").available());
    caller.calls("sales");
    w.run_for(secs(5));
    assert!(max.is_idle());
    w.applies(&without_sales()).unwrap();
    assert_eq!(diversions(&w), ["queue:support"]);
    assert!(max.rings());
    max.answers();
    assert!(caller.talks_to(&max));
    caller.hangs_up();
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
