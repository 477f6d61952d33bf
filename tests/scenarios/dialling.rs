//! Which outside numbers users may call: by phone, by click and by sending somebody on. Toll fraud is the trade's classic loss.

use config::Role;
use engine::command::CommandBody;
use engine::{Event, Refusal};
use sim::{World, secs, seed};

fn world(number: u64, security: &str) -> World {
    World::builder(seed(number))
        .settings(&format!("[security]\n{security}\n"))
        .build()
}

/// The numbers that were refused, each with why.
fn refused(w: &World) -> Vec<(String, String)> {
    let events = w.events().into_iter();
    let refused = events.filter_map(|(_, event)| match &*event {
        Event::DialRefused { number, why, .. } => Some((number.clone(), why.clone())),
        _ => None,
    });
    refused.collect()
}

#[test]
fn a_phone_that_dials_a_satellite_gets_403_and_the_call_is_none() {
    let w = World::new(seed(1));
    let (ann, outside) = (w.extension("ann"), w.phone("+88213123"));
    ann.registers();
    ann.calls("+88213123");
    assert_eq!(ann.status(), Some(403));
    assert!(outside.is_idle() && w.view().calls.is_empty());
    assert_eq!(
        refused(&w),
        [(
            "+88213123".to_owned(),
            "this number may not be called".to_owned()
        )]
    );
    assert_eq!(w.figures().barred, 1);
    w.expect_quiet();
}

#[test]
fn a_click_and_a_transfer_are_asked_the_same() {
    let w = world(2, "dial_attendant = { countries = [\"NL\"] }");
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    let to = "+4930777".to_owned();
    let clicked = ann.tries(CommandBody::PlaceCall {
        username: "ann".into(),
        to: to.clone(),
    });
    let barred = Err(Refusal::Forbidden("this country may not be called".into()));
    assert_eq!(clicked, barred);
    caller.calls("sales");
    ann.answers();
    let call = *w.view().calls.keys().next().unwrap();
    let sent = ann.tries(CommandBody::Transfer {
        call,
        to: to.clone(),
    });
    assert_eq!(sent, barred);
    assert!(caller.talks_to(&ann), "nothing has changed for them");
    let boss = w.command("ann", Role::Supervisor, CommandBody::Transfer { call, to });
    assert_eq!(boss, barred, "by who they are, not by what a token says");
    assert_eq!(w.figures().barred, 3);
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn help_can_always_be_called() {
    let w = world(3, "dial = { deny = [\"*\"], calls_per_day = 1 }");
    let (ann, help) = (w.extension("ann"), w.phone("112"));
    ann.registers();
    ann.calls("112");
    w.run_for(secs(1));
    assert!(help.rings(), "{}", w.ladder());
    assert_eq!(w.figures().barred, 0);
}

#[test]
fn so_many_outside_calls_a_day() {
    let w = world(4, "dial = { calls_per_day = 2 }");
    let (ann, outside) = (w.extension("ann"), w.phone("+4930777"));
    ann.registers();
    for expected in [0, 0, 1] {
        ann.calls("+4930777");
        w.run_for(secs(1));
        if outside.rings() {
            ann.hangs_up();
        }
        w.run_for(secs(5));
        assert_eq!(w.figures().barred, expected);
    }
    w.run_for(secs(24 * 3_600));
    ann.registers();
    ann.calls("+4930777");
    w.run_for(secs(1));
    assert_eq!(w.figures().barred, 1, "a new day");
}
