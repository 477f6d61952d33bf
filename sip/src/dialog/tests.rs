//! Dialogs from both sides, their routes and their order.

use super::*;
use alloc::vec::Vec;
use bytes::Bytes;

const US: &str = "<sip:us@192.0.2.1:5060>";

fn message(text: &str) -> Message {
    Message::parse(Bytes::from(text.replace('\n', "\r\n"))).unwrap()
}

/// An INVITE to us through two proxies, with further header lines.
fn invite(further: &str) -> Message {
    message(&format!(
        "INVITE sip:us@192.0.2.1 SIP/2.0\n\
         Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\n\
         From: \"Bob, the \\\"other\\\"\" <sip:bob@b.example;user=phone>;tag=theirs;x=y\n\
         To: sip:us@a.example\n\
         Call-ID: c@b\n\
         CSeq: 100 INVITE\n\
         {further}Max-Forwards: 70\n\
         Content-Length: 0\n\n"
    ))
}

const CONTACT: &str = "Contact: \"Bob\" <sip:bob@192.0.2.9:5070;transport=tcp>;expires=60\n";

/// A response to our INVITE of number 7, with further header lines.
fn response(status: u16, further: &str) -> Message {
    message(&format!(
        "SIP/2.0 {status} Whatever\n\
         Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\n\
         From: <sip:us@a.example>;tag=ours\n\
         To: Bob <sip:bob@b.example>;tag=theirs\n\
         Call-ID: c@a\n\
         CSeq: 7 INVITE\n\
         {further}Content-Length: 0\n\n"
    ))
}

fn uas(further: &str) -> Dialog {
    Dialog::uas(
        &invite(&format!("{CONTACT}{further}")),
        "ours",
        US,
        Transport::Udp,
    )
    .unwrap()
}

fn uac(status: u16, further: &str) -> Dialog {
    let asked = Uri::parse("sip:bob@b.example").unwrap();
    Dialog::uac(&response(status, further), &asked, US, Transport::Udp).unwrap()
}

/// The request as it would be sent.
fn written_out(request: RequestBuilder) -> Message {
    let request = request.via(Transport::Udp, "192.0.2.1", "z9hG4bK2");
    request.message().unwrap()
}

fn routes(message: &Message) -> Vec<&str> {
    message
        .headers(HeaderName::Route)
        .map(|route| core::str::from_utf8(route).unwrap())
        .collect()
}

#[test]
fn a_dialog_of_a_call_we_answer() {
    let mut dialog = uas("");
    assert!(!dialog.is_confirmed() && !dialog.is_secure());
    dialog.confirm();
    assert!(dialog.is_confirmed());
    let bye = written_out(dialog.request(Method::Bye));
    assert_eq!(
        bye.request_uri().unwrap().as_str(),
        "sip:bob@192.0.2.9:5070;transport=tcp"
    );
    assert_eq!(
        bye.header_str(HeaderName::From),
        Some("<sip:us@a.example>;tag=ours")
    );
    assert_eq!(
        bye.header_str(HeaderName::To),
        Some("\"Bob, the \\\"other\\\"\" <sip:bob@b.example;user=phone>;tag=theirs")
    );
    assert_eq!((bye.call_id(), bye.cseq().number), ("c@b", 1));
    assert_eq!(bye.max_forwards(), Some(70));
    assert_eq!(bye.header(HeaderName::Contact), None, "a BYE has none");
    let again = written_out(dialog.request(Method::Invite));
    assert_eq!(again.cseq().number, 2);
    assert_eq!(again.header_str(HeaderName::Contact), Some(US));
}

#[test]
fn a_dialog_of_a_call_we_place() {
    let mut dialog = uac(200, "Contact: <sip:bob@192.0.2.9>\n");
    assert!(dialog.is_confirmed());
    assert_eq!(
        (dialog.local_tag(), dialog.remote_tag()),
        ("ours", "theirs")
    );
    let ack = written_out(dialog.ack(7));
    assert_eq!((ack.cseq().number, ack.method()), (7, Method::Ack));
    assert_eq!(ack.request_uri().unwrap().as_str(), "sip:bob@192.0.2.9");
    let bye = written_out(dialog.request(Method::Bye));
    assert_eq!(bye.cseq().number, 8);
    assert_eq!(
        bye.header_str(HeaderName::To),
        Some("Bob <sip:bob@b.example>;tag=theirs")
    );
    assert_eq!(dialog.local_cseq(), 8);
}

#[test]
fn what_makes_no_dialog() {
    for (name, further) in [
        ("no Contact", ""),
        ("a star", "Contact: *\n"),
        ("not an address", "Contact: <nonsense>\n"),
        (
            "a bad route",
            "Contact: <sip:b@b>\nRecord-Route: <nonsense>\n",
        ),
    ] {
        let dialog = Dialog::uas(&invite(further), "ours", US, Transport::Udp);
        assert_eq!(dialog.unwrap_err().sip_status(), Some(400), "{name}");
    }
}

#[test]
fn an_early_response_without_contact_leads_to_the_request_uri() {
    let mut dialog = uac(180, "");
    assert!(!dialog.is_confirmed());
    assert_eq!(dialog.remote_target().as_str(), "sip:bob@b.example");
    let ok = response(
        200,
        "Contact: <sip:bob@192.0.2.9>\nRecord-Route: <sip:p1;lr>\n",
    );
    dialog.confirm_by(&ok).unwrap();
    assert!(dialog.is_confirmed());
    assert_eq!(dialog.remote_target().as_str(), "sip:bob@192.0.2.9");
    assert_eq!(
        dialog.next_hop().as_str(),
        "sip:p1;lr",
        "13.2.2.4: routes of the 2xx"
    );
}

#[test]
fn a_2xx_that_cannot_be_read_changes_nothing() {
    let mut dialog = uac(180, "Contact: <sip:bob@192.0.2.9>\n");
    let before = dialog.clone();
    assert!(
        dialog
            .confirm_by(&response(200, "Contact: <nonsense>\n"))
            .is_err()
    );
    assert_eq!(dialog, before);
}

#[test]
fn routes_are_taken_in_order_by_the_callee_and_turned_by_the_caller() {
    let recorded = "Record-Route: <sip:p1;lr>, \"P\" <sip:p2;lr>;x=y\nRecord-Route: <sip:p3;lr>\n";
    let mut callee = uas(recorded);
    let bye = written_out(callee.request(Method::Bye));
    assert_eq!(routes(&bye), ["<sip:p1;lr>", "<sip:p2;lr>", "<sip:p3;lr>"]);
    assert_eq!(callee.next_hop().as_str(), "sip:p1;lr");
    let mut caller = uac(200, &format!("Contact: <sip:bob@192.0.2.9>\n{recorded}"));
    let bye = written_out(caller.request(Method::Bye));
    assert_eq!(routes(&bye), ["<sip:p3;lr>", "<sip:p2;lr>", "<sip:p1;lr>"]);
    assert_eq!(caller.next_hop().as_str(), "sip:p3;lr");
    assert_eq!(
        bye.request_uri().unwrap().as_str(),
        "sip:bob@192.0.2.9",
        "loose"
    );
}

#[test]
fn a_strict_router_finds_itself_in_the_request_uri() {
    let mut dialog = uas("Record-Route: <sip:p1>, <sip:p2;lr>\n");
    let bye = written_out(dialog.request(Method::Bye));
    assert_eq!(bye.request_uri().unwrap().as_str(), "sip:p1");
    assert_eq!(
        routes(&bye),
        ["<sip:p2;lr>", "<sip:bob@192.0.2.9:5070;transport=tcp>"]
    );
    assert_eq!(dialog.next_hop().as_str(), "sip:p1");
}

#[test]
fn requests_come_in_order_or_are_refused() {
    let mut dialog = uas("");
    for (name, method, number, expected) in [
        ("next", "INFO", 101, Ok(())),
        ("with a gap", "INFO", 110, Ok(())),
        ("the same is not lower", "INFO", 110, Ok(())),
        ("late", "INFO", 109, Err(500)),
        ("an ACK has the number of its INVITE", "ACK", 100, Ok(())),
        ("and counts for nothing", "INFO", 111, Ok(())),
        ("the last", "BYE", 112, Ok(())),
    ] {
        let request = message(&format!(
            "{method} sip:us@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK3\n\
             From: <sip:bob@b.example>;tag=theirs\nTo: <sip:us@a.example>;tag=ours\n\
             Call-ID: c@b\nCSeq: {number} {method}\n\n"
        ));
        assert_eq!(dialog.accepts(&request), expected, "{name}");
    }
    let mut caller = uac(200, "Contact: <sip:bob@192.0.2.9>\n");
    let first = invite("");
    assert_eq!(
        caller.accepts(&first),
        Ok(()),
        "any number will do at first"
    );
}

#[test]
fn a_new_contact_is_the_new_target() {
    let mut dialog = uas("");
    dialog
        .refresh_target(&invite("Contact: <sip:bob@198.51.100.1>\n"))
        .unwrap();
    assert_eq!(dialog.remote_target().as_str(), "sip:bob@198.51.100.1");
    assert_eq!(dialog.next_hop().as_str(), "sip:bob@198.51.100.1");
    dialog.refresh_target(&invite("")).unwrap();
    assert_eq!(dialog.remote_target().as_str(), "sip:bob@198.51.100.1");
    let mut routed = uas("Record-Route: <sip:p1;lr>\n");
    routed
        .refresh_target(&invite("Contact: <sip:bob@198.51.100.1>\n"))
        .unwrap();
    assert_eq!(routed.next_hop().as_str(), "sip:p1;lr", "the route stays");
}

#[test]
fn a_dialog_survives_its_snapshot() {
    for mut dialog in [uas("Record-Route: <sip:p1;lr>, <sip:p2>\n"), uac(180, "")] {
        dialog.request(Method::Info).build().unwrap();
        let mut restored = Dialog::restore(dialog.snapshot()).unwrap();
        assert_eq!(restored, dialog);
        assert_eq!(
            written_out(restored.request(Method::Bye)),
            written_out(dialog.request(Method::Bye))
        );
    }
    let mut broken = uas("").snapshot();
    broken.remote_target = "nonsense".into();
    assert!(Dialog::restore(broken).is_err());
}

#[test]
fn secure_is_sips_over_tls() {
    let sips = message(
        "INVITE sips:us@192.0.2.1 SIP/2.0\nVia: SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK1\n\
         From: <sips:b@b>;tag=b\nTo: <sips:us@a>\nCall-ID: c\nCSeq: 1 INVITE\n\
         Contact: <sips:b@192.0.2.9>\n\n",
    );
    for (transport, expected) in [(Transport::Tls, true), (Transport::Udp, false)] {
        let dialog = Dialog::uas(&sips, "ours", US, transport).unwrap();
        assert_eq!(dialog.is_secure(), expected, "{transport}");
    }
}

#[test]
fn keys_are_the_same_seen_from_either_message() {
    let dialog = uac(200, "Contact: <sip:bob@192.0.2.9>\n");
    assert_eq!(
        DialogKey::of_response(&response(200, "")),
        Some(dialog.key())
    );
    let bye = message(
        "BYE sip:us@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK3\n\
         From: <sip:bob@b.example>;tag=theirs\nTo: <sip:us@a.example>;tag=ours\n\
         Call-ID: c@a\nCSeq: 1 BYE\n\n",
    );
    assert_eq!(DialogKey::of_request(&bye), Some(dialog.key()));
    assert_eq!(DialogKey::of_request(&invite("")), None, "no To-tag");
    assert_ne!(dialog.key(), DialogKey::new("c@a", "theirs", "ours"));
    assert_eq!(
        format!("{:?}", dialog.key()),
        r#"DialogKey("c@a", "ours", "theirs")"#
    );
}

#[test]
fn a_peer_of_rfc_2543_has_no_tag() {
    let text = "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\n\
                From: <sip:us@a.example>;tag=ours\nTo: <sip:bob@b.example>\n\
                Call-ID: c@a\nCSeq: 7 INVITE\nContact: <sip:bob@192.0.2.9>\n\n";
    let asked = Uri::parse("sip:bob@b.example").unwrap();
    let mut dialog = Dialog::uac(&message(text), &asked, US, Transport::Udp).unwrap();
    let bye = written_out(dialog.request(Method::Bye));
    assert_eq!(bye.header_str(HeaderName::To), Some("<sip:bob@b.example>"));
}

#[test]
fn numbers_never_leave_their_range() {
    let mut snapshot = uas("").snapshot();
    snapshot.local_cseq = MAX_CSEQ;
    let mut dialog = Dialog::restore(snapshot).unwrap();
    assert_eq!(
        written_out(dialog.request(Method::Bye)).cseq().number,
        MAX_CSEQ
    );
}
