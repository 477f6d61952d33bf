//! A call's messages as text: a column for each endpoint, an arrow for each message.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::message::Traced;

/// Columns from one endpoint to the next.
const STEP: usize = 30;
/// Columns of the time.
const MARGIN: usize = 12;

/// Draws messages, first to last. Times are seconds after the first; a message that is sent again says so.
pub fn ladder(messages: &[Traced]) -> String {
    let ends = endpoints(messages);
    let mut text = head(&ends);
    let first_us = messages.first().map_or(0, |message| message.at_us);
    let mut seen = HashSet::new();
    for message in messages {
        let again = !seen.insert((message.direction, message.remote, &message.raw));
        let label = message.label() + if again { " again" } else { "" };
        let after_ms = message.at_us.saturating_sub(first_us) / 1_000;
        let time = format!("{:>6}.{:03}", after_ms / 1_000, after_ms % 1_000);
        let place = |end| ends.iter().position(|known| *known == end).unwrap_or(0);
        let arrow = arrow(
            &label,
            place(message.from()),
            place(message.to()),
            ends.len(),
        );
        writeln!(text, "{time:<MARGIN$}{arrow}").expect("writing to a String does not fail");
    }
    text
}

/// In the order in which they appear: who calls, we, and whom we call.
fn endpoints(messages: &[Traced]) -> Vec<SocketAddr> {
    let mut ends = Vec::new();
    for end in messages
        .iter()
        .flat_map(|message| [message.from(), message.to()])
    {
        if !ends.contains(&end) {
            ends.push(end);
        }
    }
    ends
}

fn head(ends: &[SocketAddr]) -> String {
    let names: String = ends
        .iter()
        .map(|end| format!("{:<STEP$}", end.to_string()))
        .collect();
    let lines: String = ends.iter().map(|_| format!("{:<STEP$}", "|")).collect();
    let margin = " ".repeat(MARGIN);
    format!(
        "{margin}{}\n{margin}{}\n",
        names.trim_end(),
        lines.trim_end()
    )
}

/// One row: all lifelines, and between two of them an arrow with its label.
fn arrow(label: &str, from: usize, to: usize, ends: usize) -> String {
    let (left, right) = (from.min(to), from.max(to));
    let mut row = String::new();
    for end in 0..ends {
        let within = left <= end && end < right;
        if !within {
            row += &format!("{:<STEP$}", "|");
        } else if end == left {
            let span = (right - left) * STEP;
            row.push('|');
            row += &shaft(label, span - 1, from < to);
        }
    }
    row.trim_end().to_owned()
}

/// `--- label --->` or `<--- label ---`, of this many columns; what is too long is cut.
fn shaft(label: &str, width: usize, rightwards: bool) -> String {
    let label: String = label
        .chars()
        .filter(|c| !c.is_control())
        .take(width.saturating_sub(6))
        .collect();
    let dashes = width.saturating_sub(label.chars().count() + 3);
    let (before, after) = ("-".repeat(dashes / 2), "-".repeat(dashes - dashes / 2));
    if rightwards {
        format!("{before} {label} {after}>")
    } else {
        format!("<{before} {label} {after}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Direction::{Received, Sent};
    use expect_test::expect;
    use sip::{Flow, Transport};

    const A: &str = "192.0.2.10:5060";
    const B: &str = "[2001:db8::7]:5080";

    fn messages(rows: &[(i64, bool, &str, &str)]) -> Vec<Traced> {
        let traced = |(seq, (at_ms, received, remote, text)): (usize, &(i64, bool, &str, &str))| {
            let flow = Flow {
                transport: Transport::Udp,
                local: "203.0.113.1:5060".parse().unwrap(),
                remote: remote.parse().unwrap(),
                connection: None,
            };
            let direction = if *received { Received } else { Sent };
            let kind = if text.contains("SDP") {
                "c: Application/SDP\r\n"
            } else {
                ""
            };
            let raw = format!("{}\r\n{kind}\r\n", text.replace(" SDP", ""));
            Traced::new(seq as u64, at_ms * 1_000, direction, &flow, raw.as_bytes())
        };
        rows.iter().enumerate().map(traced).collect()
    }

    #[test]
    fn a_call_with_a_message_sent_again_and_a_phone_beside() {
        let drawn = ladder(&messages(&[
            (5_000, true, A, "INVITE sip:2000@x SIP/2.0 SDP"),
            (5_001, false, A, "SIP/2.0 100 Trying"),
            (5_002, false, B, "INVITE sip:1001@y SIP/2.0 SDP"),
            (5_502, false, B, "INVITE sip:1001@y SIP/2.0 SDP"),
            (5_600, true, B, "SIP/2.0 180 Ringing"),
            (7_000, true, "192.0.2.11:5060", "BYE sip:2000@x SIP/2.0"),
            (
                3_605_000,
                false,
                "192.0.2.11:5060",
                "SIP/2.0 481 Call/Transaction Does Not Exist",
            ),
        ]));
        // A line without an indent keeps those of the others.
        expect![[r#"
            drawn:
                        192.0.2.10:5060               203.0.113.1:5060              [2001:db8::7]:5080            192.0.2.11:5060
                        |                             |                             |                             |
                 0.000  |------- INVITE (SDP) ------->|                             |                             |
                 0.001  |<-------- 100 Trying --------|                             |                             |
                 0.002  |                             |------- INVITE (SDP) ------->|                             |
                 0.502  |                             |---- INVITE (SDP) again ---->|                             |
                 0.600  |                             |<------- 180 Ringing --------|                             |
                 2.000  |                             |<-------------------------- BYE ---------------------------|
              3600.000  |                             |---------- 481 Call/Transaction Does Not Exist ----------->|
        "#]].assert_eq(&format!("drawn:\n{drawn}"));
    }

    #[test]
    fn nothing_is_an_empty_picture() {
        assert_eq!(ladder(&[]).trim(), "");
    }
}
