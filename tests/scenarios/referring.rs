//! Phones that send callers on by their own keys, join two calls, or take one over (CT-4.8, CT-4.9; RFC 3515, 5589, 3891).

use engine::CallId;
use engine::event::{EndResult, EndedBy, Event};
use expect_test::expect_file;
use sim::{Agent, CENTRE, Phone, World, secs, seed};

use crate::told::{call_of, calls_up, connections, ends};

const DONE: &str = "refer: SIP/2.0 200 OK: terminated;reason=noresource";

/// Ann talks to a caller of sales.
fn ann_talks(w: &World) -> (Agent, Phone, CallId) {
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    w.run_for(secs(5));
    ann.answers();
    (ann, caller, call_of(w, "+49301"))
}

/// Ann has the caller on hold and talks to Bob, whom she dialled.
fn ann_asks_bob(w: &World) -> (Agent, Phone, Phone, CallId) {
    let (ann, caller, call) = ann_talks(w);
    let bob = w.extension("bob");
    bob.registers();
    ann.holds();
    assert!(caller.hears_clip("default"));
    ann.calls("1002");
    bob.answers();
    assert!(ann.talks_to(&bob));
    (ann, caller, bob, call)
}

fn transfers(w: &World) -> Vec<(CallId, String, String)> {
    let events = w.events();
    let sent = events.iter().filter_map(|(_, event)| match &**event {
        Event::CallTransferred { call, by, to, .. } => Some((*call, by.clone(), to.clone())),
        _ => None,
    });
    sent.collect()
}

#[test]
fn ct_4_8_a_phone_sends_its_caller_on_and_is_told_that_it_is_done() {
    let w = World::new(seed(1));
    let (ann, caller, call) = ann_talks(&w);
    let bob = w.extension("bob");
    bob.registers();
    ann.refers_to("1002");
    assert_eq!(ann.status(), Some(202));
    assert_eq!(ann.notified(), [DONE]);
    assert!(ann.is_idle(), "her phone is hung up");
    assert!(bob.rings() && caller.hears_clip("ringback"));
    bob.answers();
    assert!(caller.talks_to(&bob));
    assert_eq!(
        transfers(&w),
        [(call, "ann".into(), "extension:1002".into())]
    );
    caller.hangs_up();
    w.expect_trace(expect_file!["../traces/referred_by_phone.trace"]);
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn ct_4_8_what_a_phone_sent_on_in_vain_comes_back_to_its_user() {
    let w = World::new(seed(2));
    let (ann, caller, _) = ann_talks(&w);
    let bob = w.extension("bob");
    bob.registers();
    ann.refers_to("1002");
    bob.rejects(486);
    w.run_for(secs(1));
    assert!(ann.rings());
    ann.answers();
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn ct_4_8_who_does_not_want_to_hear_of_it_hears_nothing() {
    let w = World::new(seed(3));
    let (ann, caller, _) = ann_talks(&w);
    let bob = w.extension("bob");
    bob.registers();
    ann.refers_silently_to("1002");
    assert_eq!((ann.status(), ann.notified()), (Some(202), vec![]));
    bob.answers();
    assert!(caller.talks_to(&bob));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn ct_4_8_a_refer_that_leads_nowhere_is_refused_and_the_call_goes_on() {
    for (to, status) in [
        ("sip:7777@10.0.0.1", 403),
        ("sip:1001@10.0.0.1", 403),
        ("mailto:bob@example.com", 403),
        ("sip:1002@10.0.0.1;method=BYE", 403),
        ("sip:10.0.0.1", 404),
        (
            "sip:1002@10.0.0.1?Replaces=nobody%3Bto-tag%3D1%3Bfrom-tag%3D2",
            404,
        ),
        ("sip:1002@10.0.0.1?Replaces=nobody", 400),
    ] {
        let w = World::new(seed(4));
        let (ann, caller, _) = ann_talks(&w);
        ann.refers_to_uri(to);
        assert_eq!(ann.status(), Some(status), "{to}");
        assert!(caller.talks_to(&ann), "{to}");
        assert_eq!(ann.notified(), [""; 0], "{to}");
        caller.hangs_up();
        w.expect_quiet();
    }
}

#[test]
fn a_caller_of_a_trunk_sends_nobody_anywhere() {
    let w = World::new(seed(5));
    let (ann, caller, _) = ann_talks(&w);
    caller.refers_to("+4990012345");
    assert_eq!(caller.status(), Some(403), "toll fraud begins so");
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn ct_4_8_a_phone_parks_its_caller_by_the_park_code() {
    let codes = "\n[feature_codes]\npark = \"*7\"\n";
    let w = World::builder(seed(6))
        .centre(&format!("{CENTRE}{codes}"))
        .build();
    let (ann, caller, _) = ann_talks(&w);
    ann.refers_to("*75");
    assert_eq!(ann.status(), Some(202));
    assert!(ann.is_idle() && caller.hears_clip("default"));
    ann.calls("*75");
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn ct_4_9_a_phone_joins_the_two_it_talks_to() {
    let w = World::new(seed(7));
    let (ann, caller, bob, call) = ann_asks_bob(&w);
    ann.joins_both();
    assert_eq!(ann.notified(), [DONE]);
    assert!(ann.is_idle(), "both her calls are over");
    assert!(caller.talks_to(&bob));
    assert_eq!(calls_up(&w), [call], "the first call goes on");
    assert_eq!(
        transfers(&w),
        [(call, "ann".into(), "extension:1002".into())]
    );
    let expected = [
        ("+49301".into(), "ann".into()),
        ("1001".into(), "bob".into()),
        ("+49301".into(), "bob".into()),
    ];
    assert_eq!(connections(&w), expected);
    assert_eq!(ends(&w), [(EndResult::Answered, EndedBy::User)]);
    w.run_for(secs(60));
    bob.holds();
    assert!(
        caller.hears_clip("default"),
        "his key works in his new call"
    );
    bob.resumes();
    assert!(caller.talks_to(&bob));
    bob.hangs_up();
    assert!(caller.is_idle());
    w.expect_trace(expect_file!["../traces/joined_by_phone.trace"]);
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn ct_4_9_who_is_joined_is_alerted_for_nothing_meanwhile() {
    let w = World::new(seed(8));
    let (ann, caller, waiting) = {
        let (ann, caller, _) = ann_talks(&w);
        (ann, caller, w.phone("+49302"))
    };
    let bob = w.agent("bob").available();
    ann.holds();
    ann.calls("2000");
    bob.answers();
    assert!(ann.talks_to(&bob), "she asked the queue for a colleague");
    waiting.calls("sales");
    w.run_for(secs(1));
    ann.joins_both();
    assert!(caller.talks_to(&bob));
    w.run_for(secs(1));
    assert!(ann.rings(), "she is free for the next");
    assert!(!bob.rings(), "he is not");
    ann.answers();
    caller.hangs_up();
    waiting.hangs_up();
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn ct_4_9_whom_nobody_has_answered_yet_is_dialled_for_the_caller() {
    let w = World::new(seed(9));
    let (ann, caller, _) = ann_talks(&w);
    let bob = w.extension("bob");
    bob.registers();
    ann.holds();
    ann.calls("1002");
    assert!(bob.rings());
    ann.refers_older_to_younger();
    assert_eq!(ann.notified(), [DONE]);
    assert!(ann.is_idle() && bob.rings());
    assert_eq!(bob.sees(), "+49301", "he sees who it is now");
    bob.answers();
    assert!(caller.talks_to(&bob));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn nobody_joins_a_call_of_somebody_else() {
    let w = World::new(seed(10));
    let (ann, caller, _) = ann_talks(&w);
    let (bob, friend) = (w.extension("bob"), w.phone("+49777"));
    bob.registers();
    bob.calls("+49777");
    friend.answers();
    ann.refers_to_uri(&bob.uri_of_call());
    assert_eq!(ann.status(), Some(404));
    assert!(caller.talks_to(&ann) && bob.talks_to(&friend));
    caller.hangs_up();
    bob.hangs_up();
    w.expect_quiet();
}

#[test]
fn the_system_behind_a_trunk_takes_a_call_over_from_one_phone_to_another() {
    let w = World::new(seed(11));
    let eva = w.agent("eva").available();
    let caller = w.phone("+49301");
    caller.calls("sales");
    eva.answers();
    assert!(caller.talks_to(&eva));
    let colleague = w.behind_pbx("903");
    colleague.takes_over_from(&eva);
    assert_eq!(colleague.status(), Some(200));
    assert!(eva.is_idle() && caller.talks_to(&colleague));
    let row = w.view().calls[&call_of(&w, "+49301")].clone();
    assert_eq!(row.legs.len(), 2);
    colleague.hangs_up();
    assert!(caller.is_idle());
    w.expect_quiet();
    w.expect_journal_gives_the_same_state();
}

#[test]
fn nobody_takes_over_a_call_of_others_or_one_that_is_not() {
    let w = World::new(seed(12));
    let (ann, caller, _) = ann_talks(&w);
    let bob = w.extension("bob");
    bob.registers();
    bob.takes_over_from(&ann);
    assert_eq!(bob.status(), Some(403));
    assert!(caller.talks_to(&ann));
    let stale = ann.clone();
    caller.hangs_up();
    w.run_for(secs(1));
    stale.takes_over_from(&caller);
    assert_eq!(stale.status(), Some(481));
    w.expect_quiet();
}
