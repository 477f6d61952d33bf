//! What is said and heard before the answer: provisional responses that are acknowledged (RFC 3262), branches of a fork,
//! UPDATEs (RFC 3311), and offers that come late.

use sim::{Manner, Way, World, millis, secs};

use crate::gateway::{Gateway, OTHER_SDP, SDP, Text, answered, dialled, is_over, tag, world};

const CONTACT: &str = "Contact: <sip:gateway@10.0.0.9:5060>\n";

fn prack(gateway: &Gateway, to: &str, response: &Text, sdp: &str) {
    let rack = format!(
        "RAck: {} {} INVITE\n",
        response.header("RSeq"),
        response.cseq()
    );
    gateway.request("PRACK", to, &tag(response), &rack, sdp);
}

#[test]
fn rfc_3262_3_a_response_is_repeated_until_it_is_acknowledged_or_the_caller_is_given_up() {
    let w = world("");
    let gateway = Gateway::new(&w);
    gateway.invites("8000", "Require: 100rel\n", SDP);
    let ringing = gateway.next("SIP/2.0 180");
    assert_eq!(ringing.header("Require"), "100rel");
    assert!(
        ringing
            .header("RSeq")
            .parse::<u32>()
            .is_ok_and(|rseq| rseq > 0)
    );
    for gap in [500, 1000, 2000, 4000, 8000, 16_000] {
        let (after, again) = gateway.wait_for("SIP/2.0 180", secs(20));
        assert!(
            after.abs_diff(millis(gap)) <= millis(30),
            "{gap}: {after:?}"
        );
        assert_eq!(again.0, ringing.0);
    }
    gateway.wait_for("SIP/2.0 504", secs(2));
    assert!(w.phone("+49308").is_idle());
    gateway.request_numbered(1, "ACK", "8000", &tag(&ringing), "", "");
    is_over(&w);
}

#[test]
fn rfc_3262_3_a_prack_is_taken_once_and_only_by_its_number() {
    let w = world("");
    let gateway = Gateway::new(&w);
    gateway.invites("8000", "Require: 100rel\n", SDP);
    let ringing = gateway.next("SIP/2.0 180");
    let rseq: u32 = ringing.header("RSeq").parse().unwrap();
    for (rack, expected) in [
        (format!("{} 1 INVITE", rseq + 1), "SIP/2.0 481"),
        (format!("{rseq} 2 INVITE"), "SIP/2.0 481"),
        (format!("{rseq} 1 INVITE"), "SIP/2.0 200"),
        (format!("{rseq} 1 INVITE"), "SIP/2.0 481"),
    ] {
        let header = format!("RAck: {rack}\n");
        gateway.request("PRACK", "8000", &tag(&ringing), &header, "");
        gateway.next(expected);
    }
    w.run_for(secs(40));
    assert_eq!(
        gateway.first_lines(),
        [""; 0],
        "it is not repeated any more"
    );
    w.phone("+49308").answers();
    let ok = gateway.next("SIP/2.0 200");
    assert!(ok.body().contains("m=audio"));
    gateway.request_numbered(1, "ACK", "8000", &tag(&ok), "", "");
    assert!(w.phone("+49308").talks());
}

/// The gateway calls a number that leads outside, where a tone is played before the answer.
fn hears_a_tone(w: &World, gateway: &Gateway, headers: &str, sdp: &str) -> Text {
    w.phone("+49308").will(Manner::PlaysTone);
    gateway.invites("8000", headers, sdp);
    gateway.next("SIP/2.0 183")
}

#[test]
fn rfc_3262_3_the_answer_waits_for_the_prack_of_what_carried_the_description() {
    let w = world("");
    let gateway = Gateway::new(&w);
    // It supports it, and is to hear something: that must not get lost.
    let tone = hears_a_tone(&w, &gateway, "Supported: 100rel\n", SDP);
    assert!(tone.body().contains("m=audio") && !tone.header("RSeq").is_empty());
    w.phone("+49308").answers();
    w.run_for(millis(300));
    assert_eq!(gateway.first_lines(), [""; 0]);
    prack(&gateway, "8000", &tone, "");
    let acknowledged = gateway.next("SIP/2.0 200");
    assert_eq!(acknowledged.header("CSeq"), "2 PRACK");
    let ok = gateway.next("SIP/2.0 200");
    assert_eq!((ok.header("CSeq"), ok.body()), ("1 INVITE", ""));
    gateway.request_numbered(1, "ACK", "8000", &tag(&ok), "", "");
    w.run_for(secs(40));
    assert!(w.phone("+49308").talks());
    gateway.request("BYE", "8000", &tag(&ok), "", "");
    is_over(&w);
}

#[test]
fn an_answer_that_has_not_left_is_taken_back() {
    for (name, expected) in [
        ("cancel", "SIP/2.0 487"),
        ("bye", "SIP/2.0 487"),
        ("other", "SIP/2.0 480"),
        ("no prack", "SIP/2.0 504"),
    ] {
        let w = world("");
        let gateway = Gateway::new(&w);
        let tone = hears_a_tone(&w, &gateway, "Require: 100rel\n", SDP);
        let friend = w.phone("+49308");
        friend.answers();
        match name {
            "cancel" => {
                // The branch of what it cancels.
                let cancel = "CANCEL sip:8000@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKINVITE1\n\
                    From: <sip:+4970@10.0.0.9>;tag=gw\nTo: <sip:8000@10.0.0.1>\nCall-ID: gateway\nCSeq: 1 CANCEL\nMax-Forwards: 70";
                w.stranger("10.0.0.9:5060").sends(cancel);
            }
            "bye" => {
                gateway.request("BYE", "8000", &tag(&tone), "", "");
            }
            "other" => {
                friend.hangs_up();
            }
            _ => w.run_for(secs(33)),
        }
        w.run_for(millis(20));
        gateway.next(expected);
        gateway.request_numbered(1, "ACK", "8000", &tag(&tone), "", "");
        assert!(friend.is_idle(), "{name}");
        w.run_for(secs(40));
        let after = gateway.first_lines();
        assert!(
            !after.iter().any(|line| line.starts_with("BYE")),
            "{name}: {after:?}"
        );
        is_over(&w);
    }
}

#[test]
fn a_late_offer_is_made_as_soon_as_it_can_be_acknowledged() {
    let w = world("");
    let gateway = Gateway::new(&w);
    let tone = hears_a_tone(&w, &gateway, "Supported: 100rel\n", "");
    assert!(tone.body().contains("m=audio"), "our offer");
    // An offer of theirs would cross ours.
    let update =
        |cseq| gateway.request_numbered(cseq, "UPDATE", "8000", &tag(&tone), CONTACT, OTHER_SDP);
    update(2);
    gateway.next("SIP/2.0 491");
    let rack = format!("RAck: {} 1 INVITE\n", tone.header("RSeq"));
    gateway.request_numbered(3, "PRACK", "8000", &tag(&tone), &rack, SDP);
    gateway.next("SIP/2.0 200");
    // Now both have been exchanged, and an early UPDATE may change it.
    update(4);
    let changed = gateway.next("SIP/2.0 200");
    assert_eq!(changed.header("CSeq"), "4 UPDATE");
    assert!(changed.body().contains("m=audio"));
    w.phone("+49308").answers();
    let ok = gateway.next("SIP/2.0 200");
    assert_eq!((ok.header("CSeq"), ok.body()), ("1 INVITE", ""));
    gateway.request_numbered(1, "ACK", "8000", &tag(&ok), "", "");
    gateway.request_numbered(5, "BYE", "8000", &tag(&ok), "", "");
    is_over(&w);
}

#[test]
fn a_prack_without_the_answer_leaves_the_offer_to_the_2xx() {
    let w = world("");
    let gateway = Gateway::new(&w);
    let tone = hears_a_tone(&w, &gateway, "Require: 100rel\n", "");
    prack(&gateway, "8000", &tone, "");
    gateway.next("SIP/2.0 200");
    w.phone("+49308").answers();
    let ok = gateway.next("SIP/2.0 200");
    assert!(ok.body().contains("m=audio"));
    gateway.request_numbered(1, "ACK", "8000", &tag(&ok), "", SDP);
    w.run_for(secs(1));
    assert!(w.phone("+49308").talks());
}

#[test]
fn a_prack_may_bring_an_offer() {
    let w = world("");
    let gateway = Gateway::new(&w);
    let tone = hears_a_tone(&w, &gateway, "Require: 100rel\n", SDP);
    prack(&gateway, "8000", &tone, OTHER_SDP);
    let answered = gateway.next("SIP/2.0 200");
    assert_eq!(answered.header("CSeq"), "2 PRACK");
    assert!(answered.body().contains("m=audio"));
}

#[test]
fn rfc_3311_5_2_an_early_offer_waits_for_the_answer_to_the_one_before() {
    let w = world("");
    let gateway = Gateway::new(&w);
    gateway.invites("1001", "", SDP);
    let ringing = gateway.next("SIP/2.0 180");
    assert_eq!(ringing.header("RSeq"), "", "nobody asks for it");
    gateway.request("UPDATE", "1001", &tag(&ringing), CONTACT, OTHER_SDP);
    let refused = gateway.next("SIP/2.0 500");
    assert!(
        refused
            .header("Retry-After")
            .parse::<u32>()
            .is_ok_and(|seconds| seconds <= 10)
    );
    // One without an offer only names a new target.
    gateway.request("UPDATE", "1001", &tag(&ringing), CONTACT, "");
    assert_eq!(gateway.next("SIP/2.0 200").body(), "");
    w.extension("ann").answers();
    let ok = gateway.next("SIP/2.0 200");
    assert!(ok.header("Allow").contains("UPDATE") && ok.header("Allow").contains("PRACK"));
}

#[test]
fn rfc_3311_an_update_holds_and_resumes_like_a_reinvite() {
    let w = world("");
    let gateway = Gateway::new(&w);
    let ok = answered(&w, &gateway, "");
    let ann = w.extension("ann");
    for (way, music) in [("sendonly", true), ("sendrecv", false), ("inactive", true)] {
        let sdp = SDP.replace("sendrecv", way);
        gateway.request("UPDATE", "1001", &tag(&ok), CONTACT, &sdp);
        let changed = gateway.next("SIP/2.0 200");
        assert!(!changed.sdp_line("a=").is_empty());
        assert_eq!(ann.hears_clip("default"), music, "{way}");
    }
    // What cannot be agreed on changes nothing.
    let other_codec = SDP.replace("RTP/AVP 8 101", "RTP/AVP 9");
    gateway.request("UPDATE", "1001", &tag(&ok), CONTACT, &other_codec);
    gateway.next("SIP/2.0 488");
    assert!(ann.hears_clip("default") && ann.talks());
}

#[test]
fn rfc_3262_4_what_they_want_acknowledged_is_acknowledged_once_and_in_order() {
    let w = world("");
    let gateway = Gateway::new(&w);
    w.extension("ann").calls("7001");
    let invite = gateway.next("INVITE");
    assert_eq!(
        invite.header("Supported"),
        "100rel, timer, replaces, norefersub"
    );
    let says = |status, rseq: u32| {
        let headers = format!("Require: 100rel\nRSeq: {rseq}\n");
        gateway.replies(&invite, status, "gw", &headers, "");
    };
    says(180, 70);
    let first = gateway.next("PRACK");
    assert_eq!((first.header("RAck"), first.cseq()), ("70 1 INVITE", 2));
    assert!(first.first_line().starts_with("PRACK sip:gw@10.0.0.9:5060"));
    assert!(first.header("To").ends_with(";tag=gw"));
    // What is refused ends no call.
    gateway.replies(&first, 500, "", "", "");
    says(180, 70);
    says(183, 72);
    w.run_for(millis(100));
    assert_eq!(gateway.first_lines(), [""; 0]);
    says(183, 71);
    let second = gateway.next("PRACK");
    assert_eq!((second.header("RAck"), second.cseq()), ("71 1 INVITE", 3));
    // Its answer is lost: the PRACK is repeated like any request, and the call comes about all the same.
    let (after, _) = gateway.wait_for("PRACK", secs(1));
    assert!(after <= millis(520), "{after:?}");
    gateway.replies(&second, 200, "", "", "");
    gateway.replies(&invite, 200, "gw", "", SDP);
    assert_eq!(gateway.next("ACK").cseq(), 1);
    w.extension("ann").hangs_up();
    assert_eq!(gateway.next("BYE").cseq(), 4, "above those of the PRACKs");
}

/// Where what Ann says goes, as our media thread was told: the port of the gateway's description that holds.
fn hears_from(w: &World, port: u16) -> bool {
    w.sends_to(&format!("10.0.0.9:{port}"))
}

#[test]
fn rfc_3261_13_2_2_4_the_first_branch_is_heard_until_one_answers_and_the_others_are_hung_up() {
    let w = world("");
    let gateway = Gateway::new(&w);
    let ann = w.extension("ann");
    ann.calls("7001");
    let invite = gateway.next("INVITE");
    gateway.replies(&invite, 180, "a", "", "");
    gateway.replies(&invite, 183, "b", "", SDP);
    assert!(hears_from(&w, 30_000));
    gateway.replies(&invite, 183, "c", "", OTHER_SDP);
    assert!(hears_from(&w, 30_000), "another branch does not disturb");
    gateway.replies(&invite, 200, "c", "", OTHER_SDP);
    let ack = gateway.next("ACK");
    assert!(ack.header("To").ends_with(";tag=c"));
    assert!(hears_from(&w, 30_002) && ann.talks());
    // Two branches were lifted: one too many.
    gateway.replies(&invite, 200, "a", "", SDP);
    assert!(gateway.next("ACK").header("To").ends_with(";tag=a"));
    let bye = gateway.next("BYE");
    assert!(bye.header("To").ends_with(";tag=a"));
    gateway.replies(&bye, 200, "", "", "");
    assert!(hears_from(&w, 30_002) && ann.talks());
    ann.hangs_up();
    let bye = gateway.next("BYE");
    assert!(bye.header("To").ends_with(";tag=c"));
    gateway.replies(&bye, 200, "", "", "");
    is_over(&w);
}

#[test]
fn a_2xx_without_a_description_has_that_of_its_branch() {
    for reliable in ["", "Require: 100rel\nRSeq: 1\n"] {
        let w = world("");
        let gateway = Gateway::new(&w);
        w.extension("ann").calls("7001");
        let invite = gateway.next("INVITE");
        gateway.replies(&invite, 183, "a", "", OTHER_SDP);
        gateway.replies(&invite, 183, "b", reliable, SDP);
        gateway.replies(&invite, 200, "b", "", "");
        gateway.next("ACK");
        assert!(
            w.extension("ann").talks() && hears_from(&w, 30_000),
            "{reliable}"
        );
    }
}

#[test]
fn an_early_update_of_the_one_called_changes_what_is_heard() {
    let w = world("");
    let gateway = Gateway::new(&w);
    w.extension("ann").calls("7001");
    let invite = gateway.next("INVITE");
    let update = |cseq: u32, tag: &str| {
        let (to, from) = (invite.header("From"), invite.header("To"));
        let text = format!(
            "UPDATE sip:lampfield@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKup{cseq}{tag}\nFrom: {from};tag={tag}\n\
            To: {to}\nCall-ID: {}\nCSeq: {cseq} UPDATE\nMax-Forwards: 70\n{CONTACT}Content-Type: application/sdp\n\n{OTHER_SDP}",
            invite.header("Call-ID")
        );
        w.stranger("10.0.0.9:5060").sends(&text);
    };
    gateway.replies(&invite, 183, "b", "", SDP);
    update(1, "b");
    gateway.next("SIP/2.0 491");
    update(1, "nobody");
    gateway.next("SIP/2.0 481");
    gateway.replies(&invite, 183, "b", "Require: 100rel\nRSeq: 1\n", SDP);
    let prack = gateway.next("PRACK");
    gateway.replies(&prack, 200, "", "", "");
    update(2, "b");
    gateway.next("SIP/2.0 200");
    assert!(hears_from(&w, 30_002));
    gateway.replies(&invite, 200, "b", "", "");
    gateway.next("ACK");
    assert!(w.extension("ann").talks() && hears_from(&w, 30_002));
}

#[test]
fn an_invite_refused_for_an_extension_is_sent_again_in_another_way() {
    // What the trunk wants, what the peer refuses it with: what the second INVITE says.
    for (trunk, status, headers, supported, require) in [
        (
            "reliable_provisionals = \"request\"",
            420,
            "Unsupported: 100rel\n",
            "timer, replaces, norefersub",
            "",
        ),
        (
            "session_timers = \"request\"",
            420,
            "Unsupported: timer\n",
            "100rel, replaces, norefersub",
            "",
        ),
        (
            "",
            421,
            "Require: 100rel\n",
            "100rel, timer, replaces, norefersub",
            "100rel",
        ),
    ] {
        let w = world(trunk);
        let gateway = Gateway::new(&w);
        w.extension("ann").calls("7001");
        let first = gateway.next("INVITE");
        let wants = trunk.starts_with("reliable");
        assert_eq!(first.header("Require"), if wants { "100rel" } else { "" });
        gateway.replies(&first, status, "x", headers, "");
        gateway.next("ACK");
        let second = gateway.next("INVITE");
        assert_eq!(
            (second.header("Supported"), second.header("Require")),
            (supported, require),
            "{trunk}"
        );
        assert_eq!(
            (second.cseq(), second.header("Session-Expires")),
            (2, ""),
            "{trunk}"
        );
        gateway.replies(&second, 200, "gw", "", SDP);
        gateway.next("ACK");
        assert!(w.extension("ann").talks(), "{trunk}");
    }
    // What nobody can do without is a refusal.
    for (status, headers) in [
        (420, "Unsupported: replaces\n"),
        (421, "Require: precondition\n"),
        (420, ""),
    ] {
        let w = world("");
        let gateway = Gateway::new(&w);
        w.extension("ann").calls("7001");
        let invite = gateway.next("INVITE");
        gateway.replies(&invite, status, "x", headers, "");
        w.run_for(millis(50));
        assert_eq!(w.extension("ann").status(), Some(500), "{status} {headers}");
        is_over(&w);
    }
}

#[test]
fn a_reinvite_without_an_offer_gets_ours_and_its_answer_holds() {
    let w = world("");
    let gateway = Gateway::new(&w);
    let ok = answered(&w, &gateway, "");
    gateway.request("INVITE", "1001", &tag(&ok), CONTACT, "");
    let offer = gateway.next("SIP/2.0 200");
    assert!(offer.body().contains("m=audio"));
    // Until the ACK that offer is open: another would cross it.
    let cseq = offer.cseq();
    gateway.request("UPDATE", "1001", &tag(&ok), CONTACT, OTHER_SDP);
    gateway.next("SIP/2.0 491");
    gateway.request_numbered(cseq, "ACK", "1001", &tag(&ok), "", OTHER_SDP);
    assert!(hears_from(&w, 30_002));
    assert!(w.extension("ann").talks());
}

#[test]
fn every_progress_is_acknowledged_where_the_trunk_wants_it() {
    let w = world("reliable_provisionals = \"request\"");
    let gateway = Gateway::new(&w);
    gateway.invites("1001", "Supported: 100rel\n", SDP);
    assert!(!gateway.next("SIP/2.0 180").header("RSeq").is_empty());
    let dialled_by = world("reliable_provisionals = \"request\"");
    let gateway = Gateway::new(&dialled_by);
    let invite = dialled(&dialled_by, &gateway, "");
    assert_eq!(invite.header("Require"), "100rel");
    assert_eq!(dialled_by.extension("ann").way(), Some(Way::Both));
}
