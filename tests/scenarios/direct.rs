//! Calls to one user (rule 2): what becomes of them when there is no phone to ring.

use engine::event::{AlertEnd, Device, EndResult, EndedBy};
use sim::{CENTRE, World, secs, seed};

use crate::told::{alerts, diversions, ends};

/// Bob's calls may wait for ever, and go to Ann's queue when he is not there.
fn world(number: u64) -> World {
    let patient = "extension = \"1002\"\npersonal = { max_wait = 0 }";
    let centre = CENTRE.replace("extension = \"1002\"", patient);
    World::builder(seed(number)).centre(&centre).build()
}

#[test]
fn rule_2_nobody_waits_for_a_user_whose_phone_is_not_registered() {
    let w = world(1);
    let (bob, ann, caller) = (
        w.agent("bob").available(),
        w.agent("ann").available(),
        w.phone("+49301"),
    );
    bob.registers_for(0);
    assert_eq!(w.row("bob").device, Device::Unregistered);
    caller.calls("1002");
    assert_eq!(diversions(&w), ["queue:support"]);
    assert!(ann.rings());
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_2_who_waits_for_a_user_goes_elsewhere_when_their_phone_is_lost() {
    let w = world(2);
    let (bob, ann) = (w.agent("bob").available(), w.agent("ann").available());
    let (first, second) = (w.phone("+49301"), w.phone("+49302"));
    bob.registers_for(60).forgets_to_register();
    first.calls("1002");
    bob.answers();
    second.calls("1002");
    w.run_for(secs(50));
    assert_eq!(diversions(&w), [""; 0], "it waits while he talks");
    w.run_for(secs(11));
    assert_eq!(diversions(&w), ["queue:support"]);
    assert!(ann.rings() && first.talks_to(&bob));
    first.hangs_up();
    second.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_12_a_user_whose_phone_says_nothing_is_not_there_for_direct_calls() {
    let w = world(3);
    let (bob, ann, caller) = (
        w.agent("bob").available(),
        w.agent("ann").available(),
        w.phone("+49301"),
    );
    bob.vanishes();
    caller.calls("1002");
    w.run_for(secs(4));
    assert_eq!(alerts(&w), [("bob".into(), AlertEnd::Failed)]);
    assert_eq!(w.row("bob").device, Device::Unreachable);
    assert_eq!(diversions(&w), ["queue:support"]);
    assert!(ann.rings(), "within four seconds it rings elsewhere");
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rule_2_a_user_on_the_phone_is_waited_for() {
    let w = world(4);
    let (bob, caller) = (w.agent("bob").available(), w.phone("+49301"));
    let friend = w.phone("+4930777");
    bob.calls("+4930777");
    friend.answers();
    caller.calls("1002");
    w.run_for(secs(300));
    assert_eq!(diversions(&w), [""; 0]);
    bob.hangs_up();
    w.run_for(secs(1));
    assert!(bob.rings());
    caller.hangs_up();
    assert_eq!(
        ends(&w),
        [
            (EndResult::Answered, EndedBy::Caller),
            (EndResult::Abandoned, EndedBy::Caller)
        ]
    );
    w.expect_quiet();
}
