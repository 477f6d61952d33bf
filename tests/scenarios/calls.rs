//! Calls between phones, out to the world and by a click; what is said within them, and how they end.

use engine::event::{EndResult, EndedBy};
use engine::{CommandBody, Pressure};
use expect_test::expect_file;
use sim::{CENTRE, Dialling, Manner, Way, World, millis, secs, seed};

use crate::told::{calls_up, ends};

fn two_phones(w: &World) -> (sim::Phone, sim::Phone) {
    let (ann, bob) = (w.extension("ann"), w.extension("bob"));
    ann.registers();
    bob.registers();
    (ann, bob)
}

#[test]
fn a_phone_calls_another_by_its_extension() {
    let w = World::new(seed(1));
    let (ann, bob) = two_phones(&w);
    ann.calls("1002");
    assert!(bob.rings());
    assert_eq!((bob.sees().as_str(), ann.status()), ("1001", Some(180)));
    bob.answers();
    assert!(ann.talks_to(&bob));
    bob.hangs_up();
    assert!(ann.is_idle());
    assert_eq!(ends(&w), [(EndResult::Answered, EndedBy::Callee)]);
    w.expect_trace(expect_file!["../traces/extension_to_extension.trace"]);
    w.expect_quiet();
}

#[test]
fn a_phone_calls_an_outside_number() {
    let w = World::new(seed(2));
    let (ann, _) = two_phones(&w);
    let friend = w.phone("+4930777");
    ann.calls("+4930777");
    assert!(friend.rings());
    friend.answers();
    assert!(ann.talks_to(&friend));
    ann.hangs_up();
    assert!(friend.is_idle());
    w.expect_quiet();
}

#[test]
fn a_phone_calls_an_extension_behind_the_pbx() {
    let w = World::new(seed(3));
    let (ann, _) = two_phones(&w);
    let eva = w.extension("eva");
    ann.calls("901");
    eva.answers();
    assert!(ann.talks_to(&eva));
    eva.hangs_up();
    w.expect_quiet();
}

#[test]
fn what_the_caller_hears_of_the_other_sides_refusal() {
    // (the other side's answer, ours to the caller): the rest of the table stands beside the code.
    for (theirs, ours) in [
        (486, 486),
        (603, 603),
        (404, 404),
        (302, 480),
        (503, 500),
        (488, 488),
        (500, 500),
    ] {
        let w = World::new(seed(4));
        let (ann, bob) = two_phones(&w);
        bob.will(Manner::Refuses(theirs));
        ann.calls("1002");
        assert_eq!(ann.status(), Some(ours), "{theirs}");
        w.expect_quiet();
    }
}

#[test]
fn calls_in_progress_do_not_notice_that_others_are_shed() {
    let w = World::new(seed(6));
    let (ann, caller, late) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    caller.calls("sales");
    w.pressure(Pressure::Shedding);
    late.calls("sales");
    assert_eq!(late.status(), Some(503));
    ann.answers();
    ann.holds();
    ann.resumes();
    assert!(caller.talks_to(&ann));
    w.pressure(Pressure::Normal);
    late.calls("sales");
    assert_eq!(w.waiting("sales"), ["+49302"]);
    late.hangs_up();
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_click_rings_the_users_own_phone_and_then_dials() {
    let w = World::new(seed(7));
    let (ann, friend) = (w.agent("ann").available(), w.phone("+4930777"));
    ann.clicks("+4930777");
    assert!(ann.rings() && friend.is_idle());
    assert_eq!(ann.sees(), "+4930777", "the phone shows what it is about");
    ann.answers();
    assert!(friend.rings() && ann.hears_clip("ringback"));
    friend.answers();
    assert!(ann.talks_to(&friend));
    ann.hangs_up();
    assert!(friend.is_idle());
    w.expect_trace(expect_file!["../traces/click_to_call.trace"]);
    w.expect_quiet();
}

#[test]
fn a_click_whose_phone_is_not_lifted_dials_nobody() {
    let w = World::new(seed(8));
    let (ann, friend) = (w.agent("ann").available(), w.phone("+4930777"));
    ann.clicks("+4930777");
    ann.rejects(486);
    assert!(friend.is_idle());
    assert_eq!(ends(&w), [(EndResult::Busy, EndedBy::System)]);
    w.expect_quiet();
}

#[test]
fn a_click_whose_number_is_busy_says_sorry() {
    let w = World::new(seed(9));
    let (ann, friend) = (w.agent("ann").available(), w.phone("+4930777"));
    friend.will(Manner::Refuses(486));
    ann.clicks("+4930777");
    ann.answers();
    assert!(ann.hears_clip("sorry"));
    w.run_for(secs(4));
    assert!(ann.is_idle());
    assert_eq!(ends(&w), [(EndResult::Busy, EndedBy::System)]);
    w.expect_quiet();
}

#[test]
fn the_caller_may_hang_up_at_any_stage() {
    let stages: [(&str, fn(&World)); 4] = [
        ("before anything came back", |_| {}),
        ("while it rings", |w| w.run_for(secs(2))),
        ("just as it is answered", |w| {
            w.extension("bob").answers();
        }),
        ("while they talk", |w| {
            w.extension("bob").answers();
            w.run_for(secs(5));
        }),
    ];
    for (stage, reach) in stages {
        let w = World::new(seed(10));
        let (ann, bob) = two_phones(&w);
        ann.calls("1002");
        reach(&w);
        ann.hangs_up();
        w.run_for(secs(1));
        assert!(ann.is_idle() && bob.is_idle(), "{stage}");
        assert_eq!(calls_up(&w), [], "{stage}");
        w.expect_quiet();
    }
}

#[test]
fn rfc_3261_9_1_a_cancel_that_crosses_the_answer_ends_the_call_all_the_same() {
    let w = World::new(seed(11));
    let (caller, ann) = (w.phone("+49301"), w.agent("ann").available());
    // The queue answers at once: the 200 is under way when the caller hangs up.
    caller.calls("1001");
    w.run_for(secs(1));
    ann.answers();
    caller.hangs_up();
    w.run_for(secs(1));
    assert!(ann.is_idle() && caller.is_idle());
    w.expect_quiet();
}

#[test]
fn an_announcement_may_be_hung_up_on() {
    let centre =
        format!("{CENTRE}\n[[numbers]]\nnumber = \"+4930500\"\nto = \"announcement:sorry\"\n");
    let w = World::builder(seed(12)).centre(&centre).build();
    let caller = w.phone("+49301");
    caller.calls("+4930500");
    assert!(caller.hears_clip("sorry"));
    caller.hangs_up();
    assert_eq!(ends(&w), [(EndResult::Announced, EndedBy::Caller)]);
    w.expect_quiet();
}

#[test]
fn rfc_3264_8_4_who_is_held_hears_music_until_resumed() {
    let w = World::new(seed(13));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    ann.holds();
    assert_eq!(ann.way(), Some(Way::ReceiveOnly));
    assert!(caller.hears_clip("default"));
    w.run_for(secs(30));
    ann.resumes();
    assert!(caller.talks_to(&ann));
    caller.holds();
    assert!(ann.hears_clip("default"), "either side may hold");
    caller.resumes();
    assert!(caller.talks_to(&ann));
    ann.hangs_up();
    w.expect_trace(expect_file!["../traces/hold_and_resume.trace"]);
    w.expect_quiet();
}

#[test]
fn rfc_3264_5_a_caller_without_an_offer_gets_ours() {
    let w = World::new(seed(14));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    let late = Dialling {
        late_offer: true,
        ..Dialling::default()
    };
    caller.calls_as("sales", late);
    w.run_for(secs(1));
    ann.answers();
    assert!(caller.talks_to(&ann));
    ann.reinvites(None);
    assert!(
        caller.talks_to(&ann),
        "a re-INVITE without an offer is answered by one of ours"
    );
    ann.hangs_up();
    w.expect_trace(expect_file!["../traces/late_offer.trace"]);
    w.expect_quiet();
}

#[test]
fn rfc_3261_14_2_two_offers_that_cross_are_491() {
    let w = World::new(seed(15));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    let no_ack = Dialling {
        withholds_ack: true,
        ..Dialling::default()
    };
    caller.calls_as("sales", no_ack);
    ann.answers();
    // Our offer is in the 200 to this one, and its answer would be in the ACK that does not come.
    caller.reinvites(None);
    assert_eq!(caller.status(), Some(200));
    caller.holds();
    assert_eq!(caller.status(), Some(491));
    caller.hangs_up();
    w.expect_quiet();
}

#[test]
fn rfc_3261_13_3_1_4_an_answer_that_is_never_acknowledged_ends_the_call() {
    let w = World::new(seed(16));
    let caller = w.phone("+49301");
    let no_ack = Dialling {
        withholds_ack: true,
        ..Dialling::default()
    };
    caller.calls_as("sales", no_ack);
    w.run_for(secs(31));
    assert!(!caller.is_idle());
    w.run_for(secs(2));
    assert!(caller.is_idle(), "after 64 × T1 it gets a BYE");
    assert_eq!(ends(&w), [(EndResult::Failed, EndedBy::System)]);
    w.expect_quiet();
}

#[test]
fn rfc_3261_15_a_bye_waits_for_the_ack_of_our_answer() {
    for acknowledges in [true, false] {
        let w = World::new(seed(16));
        let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
        let no_ack = Dialling {
            withholds_ack: true,
            ..Dialling::default()
        };
        caller.calls_as("sales", no_ack);
        ann.answers();
        ann.hangs_up();
        assert_eq!(ends(&w), [(EndResult::Answered, EndedBy::Callee)]);
        w.run_for(secs(20));
        assert!(!caller.is_idle(), "it has not said that it has our answer");
        if acknowledges {
            caller.acknowledges();
        } else {
            w.run_for(secs(12));
        }
        assert!(caller.is_idle(), "acknowledges: {acknowledges}");
        w.expect_quiet();
    }
}

#[test]
fn rfc_3261_15_a_bye_that_still_waits_is_said_by_the_next_start() {
    let w = World::new(seed(17));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    let no_ack = Dialling {
        withholds_ack: true,
        ..Dialling::default()
    };
    caller.calls_as("sales", no_ack);
    ann.answers();
    ann.hangs_up();
    w.run_for(secs(1));
    w.crash_and_restart();
    w.run_for(secs(1));
    assert!(caller.is_idle());
    assert_eq!(ends(&w), [(EndResult::Answered, EndedBy::Callee)]);
    w.expect_quiet();
}

#[test]
fn rfc_3261_13_3_1_4_an_answer_is_not_repeated_to_one_who_has_hung_up() {
    let w = World::new(seed(16));
    let caller = w.phone("+49301");
    let no_ack = Dialling {
        withholds_ack: true,
        ..Dialling::default()
    };
    caller.calls_as("sales", no_ack);
    w.run_for(secs(1));
    caller.hangs_up();
    let answers = || w.ladder().matches("200 OK (1 INVITE)").count();
    let before = answers();
    assert!(before > 1, "repeated for want of the ACK");
    w.run_for(secs(40));
    assert_eq!(answers(), before, "the BYE has shown that it came");
    assert_eq!(ends(&w), [(EndResult::Abandoned, EndedBy::Caller)]);
    w.expect_quiet();
}

#[test]
fn a_caller_with_no_codec_of_ours_gets_488() {
    let w = World::new(seed(17));
    let caller = w.phone("+49301");
    let g722_only = Dialling {
        payloads: vec![9],
        ..Dialling::default()
    };
    caller.calls_as("sales", g722_only);
    assert_eq!(caller.status(), Some(488));
    w.expect_quiet();
}

#[test]
fn early_media_of_an_outside_number_is_heard_before_the_answer() {
    let w = World::new(seed(18));
    let (ann, _) = two_phones(&w);
    let friend = w.phone("+4930777");
    friend.will(Manner::PlaysTone);
    ann.calls("+4930777");
    assert_eq!(ann.status(), Some(183));
    assert_eq!(ann.hears(), sim::Hears::Person, "the far side's own tone");
    friend.answers();
    assert!(ann.talks_to(&friend));
    ann.hangs_up();
    w.expect_quiet();
}

#[test]
fn what_the_far_side_says_of_its_progress_is_passed_on_once() {
    let w = World::new(seed(25));
    let (ann, _) = two_phones(&w);
    let friend = w.phone("+4930777");
    friend.will(Manner::Progresses);
    ann.calls("+4930777");
    assert_eq!(ann.status(), Some(183), "it does not ring yet");
    friend.starts_to_ring();
    assert_eq!(ann.status(), Some(180));
    friend.starts_to_ring();
    let told = |status: &str| {
        w.ladder()
            .matches(&format!("-> ann        {status}"))
            .count()
    };
    assert_eq!((told("183"), told("180")), (1, 1));
    friend.answers();
    assert!(ann.talks_to(&friend));
    ann.hangs_up();
    w.expect_quiet();
}

#[test]
fn a_phone_that_cannot_be_reached_is_not_there_a_trunk_is_a_fault_on_the_way() {
    let w = World::new(seed(26));
    let (ann, bob) = two_phones(&w);
    bob.will(Manner::IsSilent);
    ann.calls("1002");
    bob.cannot_be_reached();
    assert_eq!(ann.status(), Some(480));
    let friend = w.phone("+4930777");
    friend.will(Manner::IsSilent);
    ann.calls("+4930777");
    friend.cannot_be_reached();
    assert_eq!(ann.status(), Some(502));
    w.expect_quiet();
}

#[test]
fn who_dials_their_own_extension_is_busy() {
    let w = World::new(seed(27));
    let ann = w.agent("ann").available();
    ann.calls("1001");
    assert_eq!(ann.status(), Some(486));
    assert_eq!(ends(&w), [(EndResult::Busy, EndedBy::System)]);
    let click = CommandBody::PlaceCall {
        username: "ann".into(),
        to: "1001".into(),
    };
    assert!(ann.tries(click).is_err());
    assert!(ann.is_idle());
    w.expect_quiet();
}

#[test]
fn a_call_from_nobody_we_know_is_no_call() {
    let w = World::new(seed(19));
    let stranger = w.stranger("10.9.9.9:5060");
    stranger.sends(
        "INVITE sip:2000@10.0.0.1 SIP/2.0
         Via: SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bKx1
         From: <sip:eve@10.9.9.9>;tag=e
         To: <sip:2000@10.0.0.1>
         Call-ID: stranger
         CSeq: 1 INVITE
         Contact: <sip:eve@10.9.9.9>
         Max-Forwards: 70",
    );
    let answers = stranger.statuses();
    assert!(answers.iter().all(|status| *status >= 400), "{answers:?}");
    assert_eq!(w.figures().calls, 0);
    assert_eq!(ends(&w), [], "it is not even on record");
    w.expect_quiet();
}

fn invite(branch: &str, call_id: &str, to: &str) -> String {
    format!(
        "INVITE sip:{to}@10.0.0.1 SIP/2.0
         Via: SIP/2.0/UDP 10.0.0.2:5061;branch={branch}
         From: <sip:0301@10.0.0.2>;tag=from
         To: <sip:{to}@10.0.0.1>
         Call-ID: {call_id}
         CSeq: 1 INVITE
         Contact: <sip:0301@10.0.0.2:5061>
         Max-Forwards: 70
         Content-Type: application/sdp

         v=0
         o=- 1 1 IN IP4 10.0.0.2
         s=-
         c=IN IP4 10.0.0.2
         t=0 0
         m=audio 30000 RTP/AVP 8"
    )
}

/// The carrier's network, from which it may send by any port.
fn with_wide_carrier() -> World {
    let centre = CENTRE.replace(
        "address = \"sip:10.0.0.2:5060\"",
        "address = \"sip:10.0.0.2:5060\"\nallow = [\"10.0.0.2/32\"]",
    );
    World::builder(seed(20)).centre(&centre).build()
}

#[test]
fn rfc_3261_8_2_2_2_a_request_that_comes_by_two_ways_is_482_the_second_time() {
    let w = with_wide_carrier();
    let peer = w.raw_carrier();
    peer.sends(&invite("z9hG4bKa", "merged", "2000"));
    assert_eq!(peer.statuses(), [200]);
    peer.sends(&invite("z9hG4bKb", "merged", "2000"));
    let answers = peer.statuses();
    assert!(answers.contains(&482), "{answers:?}");
    assert_eq!(w.figures().calls, 1);
}

#[test]
fn rfc_3261_17_2_3_a_request_that_comes_twice_makes_one_call() {
    let w = with_wide_carrier();
    let peer = w.raw_carrier();
    peer.sends(&invite("z9hG4bKa", "twice", "1001"));
    peer.sends(&invite("z9hG4bKa", "twice", "1001"));
    assert_eq!(w.figures().calls, 1);
}

#[test]
fn rfc_3261_16_3_a_call_that_has_used_up_its_hops_goes_no_further() {
    let w = World::new(seed(21));
    let (caller, ann) = (w.phone("+49301"), w.agent("ann").available());
    let tired = Dialling {
        hops: 0,
        ..Dialling::default()
    };
    caller.calls_as("1001", tired);
    assert_eq!(caller.status(), Some(483));
    assert!(ann.is_idle());
    w.expect_quiet();
}

#[test]
fn a_number_that_leads_back_to_us_ends_when_its_hops_do() {
    // The carrier sends every call to this number straight back, as a forwarding that was set wrong does.
    let centre =
        format!("{CENTRE}\n[[numbers]]\nnumber = \"+4930500\"\nto = \"external:+4930888\"\n");
    let w = World::builder(seed(22)).centre(&centre).build();
    let (caller, loops) = (w.phone("+49301"), w.phone("+4930888"));
    loops.will(Manner::Refuses(482));
    caller.calls("+4930500");
    assert_eq!(caller.status(), Some(482));
    w.expect_quiet();
}

#[test]
fn requests_that_mean_nothing_here_get_their_status() {
    let w = with_wide_carrier();
    let peer = w.raw_carrier();
    let request = |method: &str, more: &str| {
        format!(
            "{method} sip:2000@10.0.0.1 SIP/2.0
             Via: SIP/2.0/UDP 10.0.0.2:5061;branch=z9hG4bK{method}
             From: <sip:0301@10.0.0.2>;tag=from
             To: <sip:2000@10.0.0.1>{more}
             Call-ID: odd-{method}
             CSeq: 1 {method}
             Max-Forwards: 70"
        )
    };
    for (method, more, expected) in [
        ("OPTIONS", "", 200),
        ("BYE", ";tag=none", 481),
        ("MESSAGE", "", 405),
        ("FROBNICATE", "", 501),
    ] {
        peer.sends(&request(method, more));
        let answers = peer.statuses();
        assert!(
            answers == [expected] || (expected == 501 && answers == [405]),
            "{method}: {answers:?}"
        );
    }
    w.expect_quiet();
}

#[test]
fn a_call_may_be_ended_over_the_api() {
    let w = World::new(seed(23));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    let call = calls_up(&w)[0];
    ann.asks(CommandBody::HangUp { call });
    assert!(ann.is_idle() && caller.is_idle());
    assert_eq!(ends(&w), [(EndResult::Answered, EndedBy::User)]);
    w.expect_quiet();
}

#[test]
fn an_attendant_cannot_end_the_call_of_another() {
    let w = World::new(seed(24));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    let bob = w.agent("bob").available();
    let call = calls_up(&w)[0];
    assert!(bob.tries(CommandBody::HangUp { call }).is_err());
    assert!(caller.talks_to(&ann));
    caller.hangs_up();
    w.run_for(millis(100));
    w.expect_quiet();
}
