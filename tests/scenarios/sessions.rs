//! Sessions that are refreshed, by whom, and what becomes of those that are not (RFC 4028).

use engine::event::{EndResult, EndedBy};
use sim::{millis, secs};

use crate::gateway::{Gateway, OTHER_SDP, SDP, answered, dialled, is_over, tag, world};
use crate::told::ends;

#[test]
fn rfc_4028_10_a_caller_who_does_not_refresh_is_hung_up() {
    let w = world("");
    let gateway = Gateway::new(&w);
    let ok = answered(&w, &gateway, "Supported: timer\nSession-Expires: 600\n");
    assert_eq!(ok.header("Session-Expires"), "600;refresher=uac");
    assert_eq!(ok.header("Require"), "timer");
    let ann = w.extension("ann");
    gateway.waits(secs(560));
    assert!(ann.talks());
    // 32 s before its time: the BYE is to be there while proxies on the way still know the call.
    let (_, bye) = gateway.wait_for("BYE", secs(10));
    gateway.replies(&bye, 200, "", "", "");
    assert!(ann.is_idle());
    assert_eq!(ends(&w), [(EndResult::Answered, EndedBy::System)]);
    is_over(&w);
}

#[test]
fn rfc_4028_9_refreshes_of_theirs_keep_the_session() {
    let refresh = "Supported: timer\nSession-Expires: 600;refresher=uac\n";
    let contact = "Contact: <sip:gateway@10.0.0.9:5060>\n";
    for (method, sdp) in [("UPDATE", ""), ("UPDATE", SDP), ("INVITE", SDP)] {
        let w = world("");
        let gateway = Gateway::new(&w);
        let ok = answered(&w, &gateway, refresh);
        for _ in 0..3 {
            gateway.waits(secs(300));
            let headers = format!("{contact}{refresh}");
            gateway.request(method, "1001", &tag(&ok), &headers, sdp);
            let again = gateway.next("SIP/2.0 200");
            assert_eq!(again.header("Session-Expires"), "600;refresher=uac");
            assert_eq!(again.body().is_empty(), sdp.is_empty(), "{method}");
            assert_eq!(
                again.sdp_line("o="),
                if sdp.is_empty() {
                    ""
                } else {
                    ok.sdp_line("o=")
                }
            );
            if method == "INVITE" {
                gateway.request("ACK", "1001", &tag(&ok), "", "");
            }
        }
        assert!(w.extension("ann").talks(), "{method}");
        gateway.wait_for("BYE", secs(570));
    }
}

#[test]
fn rfc_4028_9_an_interval_that_is_too_short_is_refused() {
    let w = world("");
    let gateway = Gateway::new(&w);
    gateway.invites("1001", "Supported: timer\nSession-Expires: 60\n", SDP);
    let refused = gateway.next("SIP/2.0 422");
    assert_eq!(refused.header("Min-SE"), "90");
    gateway.request_numbered(1, "ACK", "1001", &tag(&refused), "", "");
    let ok = answered(&w, &gateway, "Supported: timer\nSession-Expires: 90\n");
    assert_eq!(ok.header("Session-Expires"), "90;refresher=uac");
    // Within the dialog as well, and that changes nothing.
    gateway.request(
        "UPDATE",
        "1001",
        &tag(&ok),
        "Supported: timer\nSession-Expires: 89\n",
        "",
    );
    assert_eq!(gateway.next("SIP/2.0 422").header("Min-SE"), "90");
    assert!(w.extension("ann").talks());
}

#[test]
fn rfc_4028_7_4_we_refresh_by_update_where_the_peer_takes_one() {
    let w = world("");
    let gateway = Gateway::new(&w);
    let asks =
        "Supported: timer\nSession-Expires: 600;refresher=uas\nAllow: INVITE, ACK, BYE, UPDATE\n";
    let ok = answered(&w, &gateway, asks);
    assert_eq!(ok.header("Session-Expires"), "600;refresher=uas");
    for _ in 0..4 {
        let (after, update) = gateway.wait_for("UPDATE", secs(301));
        assert!(after > secs(298), "{after:?}");
        assert_eq!(update.header("Session-Expires"), "600;refresher=uac");
        assert_eq!(
            (update.header("Supported"), update.body()),
            ("100rel, timer, replaces, norefersub", "")
        );
        gateway.replies(&update, 200, "", "Session-Expires: 600;refresher=uac\n", "");
    }
    // A refresh that nobody answers shows that nobody is there.
    gateway.wait_for("UPDATE", secs(301));
    w.run_for(secs(33));
    assert!(w.extension("ann").is_idle());
    is_over(&w);
}

#[test]
fn rfc_4028_7_4_else_by_a_reinvite_that_changes_nothing() {
    let w = world("");
    let gateway = Gateway::new(&w);
    let ok = answered(
        &w,
        &gateway,
        "Session-Expires: 600\nAllow: INVITE, ACK, BYE\n",
    );
    assert_eq!(
        ok.header("Session-Expires"),
        "600;refresher=uas",
        "a proxy asks"
    );
    assert_eq!(ok.header("Require"), "");
    let (_, invite) = gateway.wait_for("INVITE", secs(301));
    assert_eq!(invite.body(), ok.body(), "the version of o= included");
    gateway.replies(&invite, 200, "", "", SDP);
    gateway.next("ACK");
    assert!(w.extension("ann").talks());
    // The 2xx said nothing of session timers: that was the last refresh.
    gateway.waits(secs(700));
    assert_eq!(gateway.first_lines(), [""; 0]);
    assert!(w.extension("ann").talks());
}

#[test]
fn a_refresh_that_is_refused_is_tried_again_or_ends_the_call() {
    let timer = "Session-Expires: 600;refresher=uac\nRequire: timer\n";
    let by_update = "Allow: UPDATE\nSession-Expires: 600;refresher=uac\n";
    // What the peer says to the refresh: what comes next, and when.
    for (status, headers, next, least, most) in [
        (405, "", "INVITE", millis(0), millis(20)),
        (501, "", "INVITE", millis(0), millis(20)),
        (500, "Retry-After: 5\n", "UPDATE", secs(5), millis(5020)),
        (503, "", "UPDATE", secs(30), millis(30_020)),
        // We dialled, so that the Call-ID is ours (RFC 3261 §14.1).
        (491, "", "UPDATE", millis(2100), millis(4020)),
        (422, "Min-SE: 700\n", "UPDATE", millis(0), millis(20)),
        (481, "", "BYE", millis(0), millis(20)),
        (408, "", "BYE", millis(0), millis(20)),
    ] {
        let w = world("");
        let gateway = Gateway::new(&w);
        dialled(&w, &gateway, by_update);
        let (_, update) = gateway.wait_for("UPDATE", secs(301));
        gateway.replies(&update, status, "", headers, "");
        let (after, again) = gateway.wait_for(next, secs(40));
        let after = after + millis(10);
        assert!(
            after >= least && after <= most + millis(10),
            "{status}: {after:?}"
        );
        if next == "BYE" {
            gateway.replies(&again, 200, "", "", "");
            w.run_for(millis(20));
            assert!(w.extension("ann").is_idle(), "{status}");
            is_over(&w);
            continue;
        }
        let asked = again.header("Session-Expires").to_owned();
        let expected = if status == 422 {
            "700;refresher=uac"
        } else {
            "600;refresher=uac"
        };
        assert_eq!(asked, expected, "{status}");
        let sdp = if next == "INVITE" { SDP } else { "" };
        gateway.replies(&again, 200, "", timer, sdp);
        assert!(w.extension("ann").talks(), "{status}");
    }
}

#[test]
fn rfc_4028_7_3_a_422_is_followed_by_an_invite_that_asks_for_more() {
    let w = world("session_timers = \"request\"");
    let gateway = Gateway::new(&w);
    let ann = w.extension("ann");
    ann.calls("7001");
    let first = gateway.next("INVITE");
    assert_eq!(
        (first.header("Session-Expires"), first.header("Min-SE")),
        ("1800", "")
    );
    gateway.replies(&first, 422, "x", "Min-SE: 3600\n", "");
    gateway.next("ACK");
    let second = gateway.next("INVITE");
    assert_eq!(
        (second.header("Session-Expires"), second.header("Min-SE")),
        ("3600", "3600")
    );
    assert_eq!(
        (second.cseq(), second.header("To")),
        (2, first.header("To"))
    );
    for same in ["Call-ID", "From"] {
        assert_eq!(second.header(same), first.header(same));
    }
    // They know no session timers, and are refreshed all the same.
    gateway.replies(&second, 200, "gw", "", SDP);
    gateway.next("ACK");
    assert!(ann.talks());
    let (after, again) = gateway.wait_for("INVITE", secs(1801));
    assert!(after > secs(1790), "{after:?}");
    assert!(again.cseq() > 2);
    // Who says the same twice is not asked for ever.
    let w = world("session_timers = \"request\"");
    let gateway = Gateway::new(&w);
    w.extension("ann").calls("7001");
    for _ in 0..2 {
        let invite = gateway.next("INVITE");
        gateway.replies(&invite, 422, "x", "Min-SE: 3600\n", "");
    }
    w.run_for(secs(1));
    assert_eq!(w.extension("ann").status(), Some(500));
    is_over(&w);
}

#[test]
fn a_trunk_without_session_timers_refuses_who_requires_them() {
    let w = world("session_timers = \"off\"\nreliable_provisionals = \"off\"");
    let gateway = Gateway::new(&w);
    gateway.invites("1001", "Require: timer, 100rel\n", SDP);
    let refused = gateway.next("SIP/2.0 420");
    assert_eq!(refused.header("Unsupported"), "100rel, timer");
    gateway.request_numbered(1, "ACK", "1001", &tag(&refused), "", "");
    let ok = answered(
        &w,
        &gateway,
        "Supported: timer, 100rel\nSession-Expires: 60\n",
    );
    assert_eq!(
        (ok.header("Session-Expires"), ok.header("Supported")),
        ("", "replaces, norefersub")
    );
}

#[test]
fn rfc_3261_14_1_offers_that_meet_are_made_again_later() {
    let w = world("");
    let gateway = Gateway::new(&w);
    let refresher = "Session-Expires: 600;refresher=uac\nRequire: timer\n";
    dialled(&w, &gateway, refresher);
    let (_, ours) = gateway.wait_for("INVITE", secs(301));
    // Theirs crosses ours: neither is taken.
    let our_tag = ours
        .header("From")
        .rsplit("tag=")
        .next()
        .unwrap_or_default();
    let theirs = |cseq: u32, method: &str| {
        format!(
            "{method} sip:lampfield@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKglare{cseq}\n\
            From: {}\nTo: {}\nCall-ID: {}\nCSeq: {cseq} {method}\nMax-Forwards: 70\n\
            Contact: <sip:gw@10.0.0.9:5060>\nContent-Type: application/sdp\n\n{OTHER_SDP}",
            ours.header("To"),
            ours.header("From"),
            ours.header("Call-ID"),
        )
    };
    assert!(!our_tag.is_empty());
    let peer = w.stranger("10.0.0.9:5060");
    for (cseq, method) in [(1, "INVITE"), (2, "UPDATE")] {
        peer.sends(&theirs(cseq, method));
        gateway.next("SIP/2.0 491");
    }
    gateway.replies(&ours, 491, "", "", "");
    let (after, again) = gateway.wait_for("INVITE", secs(5));
    assert!(
        after + millis(20) >= millis(2100) && after <= millis(4020),
        "{after:?}"
    );
    gateway.replies(&again, 200, "", refresher, SDP);
    gateway.next("ACK");
    // Now theirs is taken.
    peer.sends(&theirs(3, "UPDATE"));
    gateway.next("SIP/2.0 200");
    assert!(w.extension("ann").talks());
}

#[test]
fn a_refresh_that_is_answered_after_the_end_is_acknowledged_and_no_more() {
    let w = world("");
    let gateway = Gateway::new(&w);
    dialled(&w, &gateway, "Session-Expires: 600;refresher=uac\n");
    let (_, invite) = gateway.wait_for("INVITE", secs(301));
    w.extension("ann").hangs_up();
    let bye = gateway.next("BYE");
    gateway.replies(&bye, 200, "", "", "");
    gateway.replies(&invite, 200, "", "", SDP);
    w.run_for(secs(1));
    let lines = gateway.first_lines();
    assert!(
        lines.iter().any(|line| line.starts_with("ACK")),
        "{lines:?}"
    );
    assert!(
        !lines.iter().any(|line| line.starts_with("BYE")),
        "{lines:?}"
    );
    is_over(&w);
}
