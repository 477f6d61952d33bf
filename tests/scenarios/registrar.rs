//! Phones register, prove who they are, and are gone when they say so or say nothing (RFC 3261 §10 and §22).

use engine::Offence;
use engine::event::Device;
use sim::{World, secs, seed};

#[test]
fn rfc_3261_22_a_phone_registers_with_its_digest() {
    let w = World::new(seed(1));
    let ann = w.extension("ann");
    ann.registers();
    assert_eq!(ann.registered(), 200);
    assert_eq!(w.figures().bindings, 1);
    let contacts = ann.registered_contacts();
    assert!(contacts[0].contains(";expires=600"), "{contacts:?}");
}

#[test]
fn a_wrong_password_does_not_register() {
    let w = World::new(seed(2));
    let ann = w.extension("ann");
    ann.registers_with("a guess");
    assert_ne!(ann.registered(), 200);
    assert_eq!(w.figures().bindings, 0);
}

#[test]
fn rfc_3261_10_2_4_a_phone_that_refreshes_stays_and_one_that_forgets_is_gone() {
    let w = World::new(seed(3));
    let (ann, bob) = (w.agent("ann").available(), w.agent("bob").available());
    bob.forgets_to_register();
    w.run_for(secs(599));
    assert_eq!(w.figures().bindings, 2);
    w.run_for(secs(2));
    assert_eq!(w.figures().bindings, 1);
    assert_eq!(w.row("bob").device, Device::Unregistered);
    w.run_for(secs(3_600));
    assert_eq!(
        (ann.registered(), w.row("ann").device),
        (200, Device::Reachable)
    );
}

#[test]
fn rfc_3261_10_2_2_a_phone_may_take_its_registration_back() {
    let w = World::new(seed(4));
    let ann = w.extension("ann");
    ann.registers();
    ann.registers_for(0);
    assert_eq!((ann.registered(), w.figures().bindings), (200, 0));
}

#[test]
fn rfc_3261_10_3_too_short_a_registration_is_423() {
    let w = World::new(seed(5));
    let ann = w.extension("ann");
    ann.registers_for(10);
    assert_eq!((ann.registered(), w.figures().bindings), (423, 0));
}

#[test]
fn rfc_7616_3_3_a_nonce_that_is_too_old_is_stale_and_the_phone_registers_with_a_new_one() {
    let w = World::new(seed(6));
    let ann = w.extension("ann");
    ann.registers();
    // The refresh, half an hour later, is proved with the nonce of before: it is told that only that is wrong.
    ann.forgets_to_register();
    w.run_for(secs(120));
    ann.registers();
    assert_eq!(ann.registered(), 200);
    assert_eq!(w.figures().bindings, 1);
}

#[test]
fn a_call_of_a_registered_phone_is_challenged_and_one_with_a_wrong_password_is_no_call() {
    let w = World::new(seed(7));
    let (ann, bob) = (w.extension("ann"), w.extension("bob"));
    bob.registers();
    ann.registers();
    ann.calls("1002");
    assert!(w.ladder().contains("401 Unauthorized"), "{}", w.ladder());
    assert!(bob.rings());
    ann.hangs_up();
    w.run_for(secs(1));

    ann.registers_with("a guess");
    ann.calls("1002");
    assert!(bob.is_idle() && ann.is_idle());
    assert!(
        ann.status().is_some_and(|status| status >= 400),
        "{:?}",
        ann.status()
    );
    assert_eq!(w.figures().calls, 0);
    w.expect_quiet();
}

#[test]
fn a_phone_that_rings_again_after_a_restart_of_its_own_is_rung_once() {
    let w = World::new(seed(8));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    ann.vanishes();
    w.run_for(secs(30));
    ann.comes_back();
    assert_eq!(
        w.figures().bindings,
        1,
        "the same Contact is the same binding"
    );
    caller.calls("sales");
    assert!(ann.rings());
    ann.answers();
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn what_scanners_do_is_told_and_what_phones_do_is_not() {
    let w = World::new(seed(20));
    let ann = w.extension("ann");
    ann.registers();
    ann.registers_for(0);
    let nobody = w.stranger("203.0.113.9:5060");
    nobody.sends(&request("REGISTER", "9999"));
    assert_eq!(w.offences_of("203.0.113.9"), [Offence::UnknownUser]);
    nobody.sends(&request("INVITE", "2000"));
    nobody.sends(&request("OPTIONS", "2000"));
    nobody.sends(&request("REGISTER", "1001"));
    let done = [Offence::UnknownUser, Offence::RefusedCall];
    assert_eq!(
        w.offences_of("203.0.113.9"),
        done,
        "one that there is, and a question, are none"
    );
    let statuses = nobody.statuses();
    assert_eq!(
        (statuses.first(), statuses.last()),
        (Some(&401), Some(&401)),
        "the same answer for both"
    );

    let guesser = w.extension("bob");
    guesser.registers_with("a guess");
    assert_eq!(guesser.registered(), 403);
    let told = w.all_offences();
    assert_eq!(
        told[2..],
        [Offence::WrongCredentials],
        "and ann's digest is none"
    );
}

fn request(method: &str, user: &str) -> String {
    format!(
        "{method} sip:{user}@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK{method}{user}\r\nMax-Forwards: 70\r\n\
         From: <sip:{user}@10.0.0.1>;tag=1\r\nTo: <sip:{user}@10.0.0.1>\r\nCall-ID: {method}{user}\r\nCSeq: 1 {method}\r\n\
         Contact: <sip:203.0.113.9:5060>"
    )
}
