//! What is agreed, who refreshes, and when it is over.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::Bytes;

use super::*;
use crate::Method;

const ACCEPT: Terms = Terms {
    wish: Wish::Accept,
    expires_s: 1800,
    min_s: 90,
};
const REQUEST: Terms = Terms {
    wish: Wish::Request,
    ..ACCEPT
};
const OFF: Terms = Terms {
    wish: Wish::Off,
    ..ACCEPT
};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn request(more: &str) -> Message {
    let more = more.replace('\n', "\r\n");
    let text = format!(
        "INVITE sip:us@a SIP/2.0\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK1\r\nFrom: <sip:b@b>;tag=b\r\n\
        To: <sip:us@a>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n{more}\r\n"
    );
    Message::parse(Bytes::from(text)).unwrap()
}

fn response(status: u16, more: &str) -> Message {
    let more = more.replace('\n', "\r\n");
    let text = format!(
        "SIP/2.0 {status} Whatever\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:us@a>;tag=a\r\n\
        To: <sip:b@b>;tag=b\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n{more}\r\n"
    );
    Message::parse(Bytes::from(text)).unwrap()
}

/// The headers of session timers in a message, in a line.
fn said(message: &Message) -> String {
    let names = [
        (HeaderName::SessionExpires, "SE"),
        (HeaderName::MinSe, "Min-SE"),
        (HeaderName::Require, "Require"),
    ];
    let found = names.into_iter().filter_map(|(name, short)| {
        let value = message.header_str(name)?;
        Some(format!("{short} {value}"))
    });
    found.collect::<Vec<_>>().join(", ")
}

fn asked(timer: &SessionTimer) -> String {
    let invite = RequestBuilder::new(Method::Invite, "sip:b@b")
        .via(crate::Transport::Udp, "a", "z9hG4bK1")
        .from("", "sip:us@a", "a")
        .to("", "sip:b@b", None)
        .call_id("c")
        .cseq(1);
    said(&timer.ask(invite).message().unwrap())
}

fn accepted(timer: &mut SessionTimer, request: &Message) -> String {
    let response = ResponseBuilder::new(request, 200).to_tag("a");
    said(&timer.accept(secs(0), request, response).message().unwrap())
}

#[test]
fn as_uas_by_table_2() {
    let table = [
        // who asks for what, and how far we go: what our 2xx says, whether we refresh
        ("nobody asks", ACCEPT, "Supported: timer\n", "", false),
        (
            "we ask",
            REQUEST,
            "Supported: timer\n",
            "SE 1800;refresher=uas, Require timer",
            true,
        ),
        (
            "we ask one who does not know it",
            REQUEST,
            "",
            "SE 1800;refresher=uas",
            true,
        ),
        (
            "they leave it to us",
            ACCEPT,
            "Supported: timer\nx: 600\n",
            "SE 600;refresher=uac, Require timer",
            false,
        ),
        (
            "they will",
            ACCEPT,
            "k: timer\nSession-Expires: 600;refresher=uac\n",
            "SE 600;refresher=uac, Require timer",
            false,
        ),
        (
            "we shall",
            ACCEPT,
            "k: timer\nSession-Expires: 600 ; Refresher=UAS\n",
            "SE 600;refresher=uas, Require timer",
            true,
        ),
        (
            "a proxy asks",
            ACCEPT,
            "Session-Expires: 600\n",
            "SE 600;refresher=uas",
            true,
        ),
        (
            "a proxy asks for them",
            ACCEPT,
            "Session-Expires: 600;refresher=uac\n",
            "SE 600;refresher=uas",
            true,
        ),
        (
            "a proxy asks too much",
            ACCEPT,
            "Session-Expires: 60\n",
            "",
            false,
        ),
        (
            "made shorter",
            REQUEST,
            "k: timer\nSession-Expires: 7200\n",
            "SE 1800;refresher=uac, Require timer",
            false,
        ),
        (
            "not below their least",
            REQUEST,
            "k: timer\nSession-Expires: 7200\nMin-SE: 3600\n",
            "SE 3600;refresher=uac, Require timer",
            false,
        ),
        (
            "never longer",
            REQUEST,
            "k: timer\nSession-Expires: 100\n",
            "SE 100;refresher=uac, Require timer",
            false,
        ),
        (
            "our wish is below their least",
            REQUEST,
            "k: timer\nMin-SE: 3600\n",
            "SE 3600;refresher=uas, Require timer",
            true,
        ),
        ("off", OFF, "k: timer\nSession-Expires: 600\n", "", false),
        (
            "not to be read",
            ACCEPT,
            "k: timer\nSession-Expires: soon\n",
            "",
            false,
        ),
    ];
    for (name, terms, headers, expected, ours) in table {
        let mut timer = SessionTimer::new(terms);
        let request = request(headers);
        assert_eq!(timer.judge(&request), Ok(()), "{name}");
        assert_eq!(accepted(&mut timer, &request), expected, "{name}");
        assert_eq!(timer.is_ours(), ours, "{name}");
        assert_eq!(timer.interval_s().is_some(), !expected.is_empty(), "{name}");
    }
}

#[test]
fn what_is_too_short_is_refused_if_they_can_understand_that() {
    let strict = Terms {
        min_s: 120,
        ..ACCEPT
    };
    let too_small = Err(TooSmall { min_se_s: 120 });
    for (name, terms, headers, expected) in [
        (
            "too short",
            strict,
            "k: timer\nSession-Expires: 119\n",
            too_small,
        ),
        (
            "required",
            strict,
            "Require: timer\nSession-Expires: 90\n",
            too_small,
        ),
        (
            "just enough",
            strict,
            "k: timer\nSession-Expires: 120\n",
            Ok(()),
        ),
        ("a proxy's", strict, "Session-Expires: 90\n", Ok(())),
        (
            "off",
            Terms {
                wish: Wish::Off,
                ..strict
            },
            "k: timer\nSession-Expires: 9\n",
            Ok(()),
        ),
        ("none", strict, "k: timer\n", Ok(())),
    ] {
        assert_eq!(
            SessionTimer::new(terms).judge(&request(headers)),
            expected,
            "{name}"
        );
    }
}

#[test]
fn as_uac_by_what_the_2xx_says() {
    let table = [
        // what we ask, what their 2xx says: the interval, whether we refresh
        (
            "they turn it on",
            ACCEPT,
            "",
            "Session-Expires: 600;refresher=uac\n",
            Some(600),
            true,
        ),
        (
            "they refresh",
            ACCEPT,
            "",
            "x: 600;refresher=uas\n",
            Some(600),
            false,
        ),
        (
            "they do not say who",
            ACCEPT,
            "",
            "Session-Expires: 600\n",
            Some(600),
            true,
        ),
        ("nobody wants it", ACCEPT, "", "", None, false),
        (
            "they do not know it",
            REQUEST,
            "SE 1800",
            "",
            Some(1800),
            true,
        ),
        (
            "agreed",
            REQUEST,
            "SE 1800",
            "Session-Expires: 900;refresher=uas\n",
            Some(900),
            false,
        ),
        (
            "less than anybody may",
            REQUEST,
            "SE 1800",
            "Session-Expires: 1;refresher=uac\n",
            Some(90),
            true,
        ),
        (
            "off",
            OFF,
            "",
            "Session-Expires: 600;refresher=uac\n",
            None,
            false,
        ),
    ];
    for (name, terms, ask, headers, interval_s, ours) in table {
        let mut timer = SessionTimer::new(terms);
        assert_eq!(asked(&timer), ask, "{name}");
        timer.on_success(secs(0), &response(200, headers));
        assert_eq!(
            (timer.interval_s(), timer.is_ours()),
            (interval_s, ours),
            "{name}"
        );
    }
}

#[test]
fn a_422_is_followed_by_a_request_for_more() {
    let mut timer = SessionTimer::new(REQUEST);
    assert!(timer.on_too_small(&response(422, "Min-SE: 3600\n")));
    assert_eq!(asked(&timer), "SE 3600, Min-SE 3600");
    for useless in ["Min-SE: 3600\n", "Min-SE: 90\n", "", "Min-SE: much\n"] {
        assert!(!timer.on_too_small(&response(422, useless)), "{useless}");
    }
    timer.on_success(
        secs(0),
        &response(200, "Session-Expires: 3600;refresher=uac\n"),
    );
    assert_eq!(
        asked(&timer),
        "SE 3600;refresher=uac, Min-SE 3600",
        "in refreshes too"
    );
    assert!(
        timer.on_too_small(&response(422, "Min-SE: 4000\n")),
        "of a refresh"
    );
    assert_eq!(asked(&timer), "SE 4000;refresher=uac, Min-SE 4000");
    let mut quiet = SessionTimer::new(OFF);
    assert!(!quiet.on_too_small(&response(422, "Min-SE: 3600\n")));
}

/// What becomes due, and when, if nobody does anything.
fn dues(timer: &mut SessionTimer) -> Vec<(u64, Due)> {
    let mut dues = Vec::new();
    while let Some(at) = timer.poll_timeout() {
        timer.handle_timeout(at - Duration::from_millis(1));
        assert_eq!(timer.poll_output(), None, "early calls are harmless");
        timer.handle_timeout(at);
        timer.handle_timeout(at);
        dues.extend(timer.poll_output().map(|due| (at.as_secs(), due)));
        assert_eq!(timer.poll_output(), None, "told once");
    }
    dues
}

#[test]
fn refreshes_are_due_at_half_and_the_end_comes_before_the_time() {
    for (name, headers, expected) in [
        (
            "we refresh",
            "x: 1800;refresher=uac\n",
            &[(900, Due::Refresh), (1768, Due::Expired)][..],
        ),
        (
            "they do",
            "x: 1800;refresher=uas\n",
            &[(1768, Due::Expired)],
        ),
        (
            "a short one",
            "x: 90;refresher=uas\n",
            &[(60, Due::Expired)],
        ),
    ] {
        let mut timer = SessionTimer::new(ACCEPT);
        timer.on_success(secs(0), &response(200, headers));
        assert_eq!(dues(&mut timer), expected, "{name}");
        assert_eq!(timer.interval_s(), None, "{name}");
    }
}

#[test]
fn a_refresh_of_either_side_begins_anew() {
    let mut timer = SessionTimer::new(ACCEPT);
    timer.on_success(secs(0), &response(200, "x: 1800;refresher=uac\n"));
    timer.handle_timeout(secs(900));
    assert_eq!(timer.poll_output(), Some(Due::Refresh));
    assert_eq!(asked(&timer), "SE 1800;refresher=uac");
    timer.on_success(secs(901), &response(200, "x: 1800;refresher=uac\n"));
    assert_eq!(timer.poll_timeout(), Some(secs(1801)));
    // They hold, and take it over by that.
    let hold = request("k: timer\nSession-Expires: 600;refresher=uac\n");
    let ok = ResponseBuilder::new(&hold, 200).to_tag("a");
    let _ = timer.accept(secs(1000), &hold, ok);
    assert_eq!(timer.poll_timeout(), Some(secs(1568)));
    assert_eq!(
        asked(&timer),
        "SE 600;refresher=uas",
        "a change of ours leaves it to them"
    );
    // A 2xx without it turns it off (§7.2).
    timer.on_success(secs(1100), &response(200, ""));
    assert_eq!(timer.poll_timeout(), None);
}

#[test]
fn a_refresh_that_failed_is_tried_again_while_there_is_time() {
    let mut timer = SessionTimer::new(ACCEPT);
    timer.on_success(secs(0), &response(200, "x: 1800;refresher=uac\n"));
    timer.handle_timeout(secs(900));
    assert_eq!(timer.poll_output(), Some(Due::Refresh));
    assert_eq!(timer.poll_timeout(), Some(secs(1768)), "it is under way");
    timer.again(secs(901), None);
    assert_eq!(timer.poll_timeout(), Some(secs(991)));
    timer.again(secs(902), Some(secs(2)));
    assert_eq!(timer.poll_timeout(), Some(secs(904)));
    timer.again(secs(903), Some(secs(5000)));
    assert_eq!(dues(&mut timer), [(1768, Due::Expired)]);
}

#[test]
fn who_declines_it_hears_no_more_of_it() {
    let mut timer = SessionTimer::new(REQUEST);
    timer.decline();
    assert!(!timer.is_supported());
    assert_eq!(asked(&timer).to_string(), "");
    timer.on_success(secs(0), &response(200, ""));
    assert_eq!(timer.poll_timeout(), None);
}
