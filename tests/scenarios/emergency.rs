//! Emergency numbers always leave.

use engine::event::{EndResult, EndedBy, LegRole};
use engine::{CommandBody, Event, Pressure};
use sim::{CENTRE, Manner, Phone, World, secs, seed};

use crate::told::ends;

/// The trunks by which a number was dialled, in order.
fn left_by(w: &World) -> Vec<String> {
    let legs = w
        .events()
        .into_iter()
        .filter_map(|(_, event)| match &*event {
            Event::LegStarted { role, trunk, .. } if *role == LegRole::Callee => trunk.clone(),
            _ => None,
        });
    legs.collect()
}

/// Ann's phone, the rescue service behind the carrier, and the same behind the PBX.
fn three(w: &World) -> (Phone, Phone, Phone) {
    let ann = w.extension("ann");
    ann.registers();
    (ann, w.phone("112"), w.behind_pbx("112"))
}

#[test]
fn emergency_numbers_leave_while_calls_are_shed_and_while_the_daemon_stops() {
    for stopping in [false, true] {
        let w = World::new(seed(5));
        let (ann, bob) = (w.extension("ann"), w.extension("bob"));
        ann.registers();
        bob.registers();
        if stopping {
            w.supervisor(CommandBody::Drain);
        } else {
            w.pressure(Pressure::Shedding);
        }
        bob.calls("+4930777");
        assert_eq!(bob.status(), Some(503), "other calls are refused");
        let rescue = w.phone("112");
        ann.calls("112");
        assert!(rescue.rings(), "stopping: {stopping}");
        rescue.answers();
        assert!(ann.talks_to(&rescue));
        rescue.hangs_up();
        w.expect_quiet();
    }
}

#[test]
fn an_emergency_call_that_fails_by_one_trunk_leaves_by_the_next() {
    for failure in [408, 500, 503, 404, 486] {
        let w = World::new(seed(1));
        let (ann, rescue, behind_pbx) = three(&w);
        rescue.will(Manner::Refuses(failure));
        ann.calls("112");
        w.run_for(secs(1));
        assert_eq!(left_by(&w), ["carrier", "pbx"], "{failure}");
        assert!(behind_pbx.rings());
        behind_pbx.answers();
        assert!(ann.talks_to(&behind_pbx));
        ann.hangs_up();
        assert_eq!(ends(&w), [(EndResult::Answered, EndedBy::Caller)]);
        w.expect_quiet();
    }
}

#[test]
fn a_trunk_that_does_not_say_a_word_is_given_up_after_three_seconds() {
    let w = World::new(seed(2));
    let (ann, rescue, behind_pbx) = three(&w);
    rescue.vanishes();
    ann.calls("112");
    w.run_for(secs(3));
    assert!(behind_pbx.rings());
    ann.hangs_up();
    w.expect_quiet();
}

#[test]
fn the_last_trunk_is_waited_for_as_long_as_any() {
    let w = World::new(seed(3));
    let (ann, rescue, behind_pbx) = three(&w);
    rescue.cannot_be_reached().vanishes();
    behind_pbx.will(Manner::RingsAfter(secs(5)));
    ann.calls("112");
    w.run_for(secs(9));
    assert!(behind_pbx.rings());
    behind_pbx.rejects(603);
    assert_eq!(ann.status(), Some(603), "nothing is left to try");
    assert_eq!(left_by(&w), ["carrier", "pbx"]);
    w.expect_quiet();
}

#[test]
fn an_emergency_call_takes_a_trunk_with_a_free_line_first_and_a_full_one_all_the_same() {
    let one_line = |centre: &str, trunk: &str| {
        let address = format!("address = \"sip:{trunk}:5060\"");
        centre.replace(&address, &format!("{address}\nmax_calls = 1"))
    };
    for (full, expected) in [
        (vec!["10.0.0.2"], "pbx"),
        (vec!["10.0.0.2", "10.0.0.3"], "carrier"),
    ] {
        let centre = full.iter().fold(CENTRE.into(), |centre: String, trunk| {
            one_line(&centre, trunk)
        });
        let w = World::builder(seed(4)).centre(&centre).build();
        let (ann, ..) = three(&w);
        w.phone("+49301").calls("sales");
        w.extension("eva").calls("sales");
        ann.calls("112");
        w.run_for(secs(1));
        assert_eq!(left_by(&w), [expected], "full: {full:?}");
        ann.hangs_up();
    }
}

#[test]
fn an_emergency_call_is_not_asked_for_credentials() {
    for password in ["ann's secret", "changed since"] {
        let w = World::new(seed(5));
        let (ann, rescue, _) = three(&w);
        ann.registers_with("ann's secret");
        ann.has_password(password).calls("112");
        assert!(rescue.rings());
        assert_eq!(rescue.sees(), "1001");
        assert!(!w.ladder().contains("401"), "{}", w.ladder());
        ann.hangs_up();
        w.expect_quiet();
    }
}

fn invite(from: &str, to: &str) -> String {
    format!(
        "INVITE sip:{to}@10.0.0.1 SIP/2.0
         Via: SIP/2.0/UDP {from};branch=z9hG4bK{to};rport
         From: <sip:1001@10.0.0.1>;tag=from
         To: <sip:{to}@10.0.0.1>
         Call-ID: {to}-{from}
         CSeq: 1 INVITE
         Contact: <sip:1001@{from}>
         Max-Forwards: 70
         Content-Type: application/sdp

         v=0
         o=- 1 1 IN IP4 10.1.5.2
         s=-
         c=IN IP4 10.1.5.2
         t=0 0
         m=audio 30000 RTP/AVP 8"
    )
}

#[test]
fn any_port_of_a_registered_phones_address_will_do_a_strangers_will_not() {
    let w = World::new(seed(6));
    let (_, rescue, _) = three(&w);
    let moved = w.stranger("10.1.5.2:7777");
    moved.sends(&invite("10.1.5.2:7777", "+4930777"));
    assert_eq!(moved.statuses(), [401], "other numbers ask who it is");
    moved.sends(&invite("10.1.5.2:7777", "112"));
    assert_eq!(moved.statuses(), [180]);
    assert!(rescue.rings());
    assert_eq!(rescue.sees(), "1001");
    rescue.rejects(603);
    let stranger = w.stranger("10.9.9.9:5060");
    stranger.sends(&invite("10.9.9.9:5060", "112"));
    assert_eq!(stranger.statuses(), [403]);
    assert_eq!(left_by(&w).len(), 2, "by two trunks, for one call");
}

#[test]
fn rfc_5031_an_emergency_service_by_its_name_is_the_first_emergency_number() {
    for service in ["urn:service:sos", "urn:service:sos.ambulance"] {
        let w = World::new(seed(8));
        let (_, rescue, _) = three(&w);
        let moved = w.stranger("10.1.5.2:7777");
        let by_number = invite("10.1.5.2:7777", "112");
        moved.sends(&by_number.replace("INVITE sip:112@10.0.0.1", &format!("INVITE {service}")));
        assert_eq!(moved.statuses(), [180], "{service}");
        assert!(rescue.rings());
        assert_eq!(left_by(&w), ["carrier"]);
    }
}

#[test]
fn a_click_on_an_emergency_number_is_carried_out_while_the_daemon_stops() {
    let w = World::new(seed(7));
    let (ann, rescue) = (w.agent("ann").available(), w.phone("112"));
    w.supervisor(CommandBody::Drain);
    let click = |to: &str| CommandBody::PlaceCall {
        username: "ann".into(),
        to: to.into(),
    };
    assert!(ann.tries(click("+4930777")).is_err());
    ann.clicks("112");
    ann.answers();
    assert!(rescue.rings());
    ann.hangs_up();
    w.expect_quiet();
}
