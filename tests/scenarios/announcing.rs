//! What callers are told while they wait.

use engine::CommandBody;
use sim::{CENTRE, Phone, World, millis, secs, seed};

use crate::told::call_of;

/// The usual centre; its queue `sales` says this, too.
fn centre(sales: &str) -> String {
    CENTRE.replace("number = \"2000\"", &format!("number = \"2000\"\n{sales}"))
}

fn world(sales: &str) -> World {
    World::builder(seed(1)).centre(&centre(sales)).build()
}

/// What the phone hears within this time, each clip once in a row; music is left out.
fn told(w: &World, phone: &Phone, seconds: u64) -> String {
    let mut heard: Vec<String> = Vec::new();
    for _ in 0..seconds * 10 {
        w.run_for(millis(100));
        let sim::Hears::Clip(clip) = phone.hears() else {
            continue;
        };
        if heard.last() != Some(&clip) {
            heard.push(clip);
        }
    }
    heard.retain(|clip| clip != "default");
    heard.join(" ")
}

const POSITION: &str = "announce = { every = 30, position = true }";

#[test]
fn after_the_welcome_a_caller_hears_their_place_and_then_every_so_often() {
    let w = world(&format!("welcome = \"welcome\"\n{POSITION}"));
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    first.calls("sales");
    assert_eq!(told(&w, &first, 6), "welcome next");
    second.calls("sales");
    assert_eq!(told(&w, &second, 6), "welcome position number-2");
    assert!(second.hears_clip("default"), "music goes on");
    assert_eq!(told(&w, &second, 26), "", "not before its time");
    assert_eq!(told(&w, &second, 4), "position number-2");
    first.hangs_up();
    assert_eq!(told(&w, &second, 30), "next");
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn without_a_welcome_the_first_announcement_comes_after_two_seconds_and_a_message_after_the_place()
{
    let w = world("announce = { every = 10, position = true, message = \"sorry\" }");
    let caller = w.phone("+49301");
    caller.calls("sales");
    assert_eq!(told(&w, &caller, 1), "");
    assert_eq!(told(&w, &caller, 6), "next sorry");
    assert_eq!(told(&w, &caller, 10), "next sorry");
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_place_that_gets_worse_is_not_told() {
    let w = world(POSITION);
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    first.calls("sales");
    assert_eq!(told(&w, &first, 5), "next");
    second.calls("sales");
    let call = call_of(&w, "+49302");
    w.supervisor(CommandBody::Rerank {
        call,
        tier: Some(config::Tier::Urgent),
        priority: None,
    });
    assert_eq!(told(&w, &first, 30), "", "somebody was put before them");
    second.hangs_up();
    assert_eq!(told(&w, &first, 30), "next");
    first.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_caller_hears_how_long_it_may_take_and_no_more_when_that_is_over() {
    let w = world("announce = { every = 60, wait = true }");
    let (bob, first) = (w.agent("bob").available(), w.phone("+49301"));
    first.calls("sales");
    bob.answers();
    let second = w.phone("+49302");
    second.calls("sales");
    assert_eq!(
        told(&w, &second, 250),
        "wait number-5 minutes wait number-4 minutes wait number-3 minutes wait number-2 minutes wait-short"
    );
    assert_eq!(told(&w, &second, 120), "", "it has taken longer");
    second.hangs_up();
    first.hangs_up();
    w.expect_quiet();
}

#[test]
fn nothing_is_said_while_a_phone_rings_and_nothing_after_the_answer() {
    let w = world("announce = { every = 10, position = true }\nring_timeout = 60");
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    assert!(ann.rings());
    assert_eq!(told(&w, &caller, 25), "");
    ann.answers();
    w.run_for(secs(30));
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_queue_that_begins_to_announce_tells_those_who_wait_too() {
    let w = world("");
    let caller = w.phone("+49301");
    caller.calls("sales");
    assert_eq!(told(&w, &caller, 40), "");
    w.applies(&centre(POSITION)).expect("a centre");
    assert_eq!(told(&w, &caller, 31), "next");
    w.applies(&centre("")).expect("a centre");
    assert_eq!(told(&w, &caller, 60), "");
    caller.hangs_up();
    w.expect_quiet();
}
