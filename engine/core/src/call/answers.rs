//! What the caller hears of the other side's answer: other side's code × state → our code.
//!
//! A back-to-back user agent answers for itself: a fault between us and the other side is not the
//! caller's fault, and a code that would make the caller's trunk think *we* are down (503) or that *it* spoke wrongly
//! (400) is never passed on. Codes that tell the caller something true of the one called (busy, not found,
//! declined) are. A 3xx is never followed: where a call goes is decided here, not by a phone.

use crate::event::EndResult;

/// How far the other side had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It had not begun to ring.
    Calling,
    /// It had rung (180, 181, 182 or 183).
    Rang,
}

/// What came of calling the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its final response, 300 and more.
    Status(u16),
    /// No answer in time, by our own clock.
    TimedOut,
    /// The INVITE could not be sent, or the connection broke.
    Unreachable,
    /// There is nowhere to send it: no binding, no trunk.
    Nowhere,
    /// We have no port for its media.
    NoPorts,
}

/// One row: from this code, before ringing, after ringing.
type Row = (u16, u16, u16);

/// The codes that mean something to the caller; all others follow their class.
const ROWS: &[Row] = &[
    // A redirection is never followed; the one called is, for the caller, not there.
    (300, 480, 480),
    (301, 480, 480),
    (302, 480, 480),
    (305, 480, 480),
    (380, 480, 480),
    // Between us and the other side: our affair.
    (400, 500, 500),
    (401, 500, 500),
    (407, 500, 500),
    (405, 500, 500),
    (406, 488, 488),
    (413, 500, 500),
    (414, 500, 500),
    (416, 500, 500),
    (420, 500, 500),
    (421, 500, 500),
    (423, 500, 500),
    (481, 500, 500),
    (491, 500, 500),
    (494, 500, 500),
    // Said of the one called.
    (402, 402, 402),
    (403, 403, 403),
    (404, 404, 480),
    (408, 480, 480),
    (410, 410, 410),
    (480, 480, 480),
    (484, 484, 484),
    (485, 404, 480),
    (486, 486, 486),
    (600, 600, 600),
    (603, 603, 603),
    (604, 604, 480),
    // Media that do not fit.
    (415, 488, 488),
    (488, 488, 488),
    (493, 488, 488),
    (606, 488, 488),
    // The way there.
    (482, 482, 482),
    (483, 483, 483),
    (487, 480, 480),
    // A 503 passed on would take us out of the caller's routes (RFC 3261 §16.7 step 6).
    (503, 500, 480),
    (502, 502, 502),
    (504, 504, 480),
    (580, 480, 480),
];

/// The final response the caller gets.
pub(crate) fn caller_status(outcome: Outcome, progress: Progress) -> u16 {
    let code = match outcome {
        Outcome::Status(code) => code,
        Outcome::TimedOut => return if progress == Progress::Rang { 480 } else { 504 },
        Outcome::Unreachable => return 502,
        Outcome::Nowhere => return 480,
        Outcome::NoPorts => return 503,
    };
    let class = match code {
        300..=399 => (code, 480, 480),
        600..=699 => (code, 600, 600),
        _ => (code, 500, 500),
    };
    let (_, before, after) = ROWS
        .iter()
        .copied()
        .find(|(from, ..)| *from == code)
        .unwrap_or(class);
    match progress {
        Progress::Calling => before,
        Progress::Rang => after,
    }
}

/// What the record says of it.
pub(crate) fn end_result(outcome: Outcome, progress: Progress) -> EndResult {
    match outcome {
        Outcome::Status(486 | 600) => EndResult::Busy,
        Outcome::Status(403 | 603) => EndResult::Rejected,
        Outcome::Status(408 | 480 | 487) | Outcome::TimedOut if progress == Progress::Rang => {
            EndResult::NoAnswer
        }
        Outcome::Status(_)
        | Outcome::TimedOut
        | Outcome::Unreachable
        | Outcome::Nowhere
        | Outcome::NoPorts => EndResult::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::format;
    use alloc::string::String;

    fn check(outcome: Outcome, calling: u16, rang: u16) {
        let name = format!("{outcome:?}");
        assert_eq!(
            caller_status(outcome, Progress::Calling),
            calling,
            "{name} before ringing"
        );
        assert_eq!(
            caller_status(outcome, Progress::Rang),
            rang,
            "{name} after ringing"
        );
    }

    macro_rules! rows {
        ($($name:ident: $outcome:expr => $calling:expr, $rang:expr;)*) => {
            $(#[test]
            fn $name() {
                use Outcome::*;
                check($outcome, $calling, $rang);
            })*
        };
    }

    rows! {
        multiple_choices_are_not_followed: Status(300) => 480, 480;
        a_move_is_not_followed: Status(301) => 480, 480;
        a_redirection_is_not_followed: Status(302) => 480, 480;
        use_proxy_is_not_followed: Status(305) => 480, 480;
        an_unknown_redirection_is_not_followed: Status(399) => 480, 480;
        bad_request_is_ours: Status(400) => 500, 500;
        unauthorized_is_ours: Status(401) => 500, 500;
        payment_required: Status(402) => 402, 402;
        forbidden: Status(403) => 403, 403;
        not_found: Status(404) => 404, 480;
        method_not_allowed_is_ours: Status(405) => 500, 500;
        not_acceptable_is_media: Status(406) => 488, 488;
        proxy_auth_is_ours: Status(407) => 500, 500;
        request_timeout: Status(408) => 480, 480;
        gone: Status(410) => 410, 410;
        too_large_is_ours: Status(413) => 500, 500;
        unsupported_media: Status(415) => 488, 488;
        bad_extension_is_ours: Status(420) => 500, 500;
        temporarily_unavailable: Status(480) => 480, 480;
        no_such_call_is_ours: Status(481) => 500, 500;
        loop_detected: Status(482) => 482, 482;
        too_many_hops: Status(483) => 483, 483;
        address_incomplete: Status(484) => 484, 484;
        ambiguous: Status(485) => 404, 480;
        busy: Status(486) => 486, 486;
        terminated_unasked: Status(487) => 480, 480;
        not_acceptable_here: Status(488) => 488, 488;
        pending_is_ours: Status(491) => 500, 500;
        an_unknown_4xx_is_ours: Status(499) => 500, 500;
        server_error: Status(500) => 500, 500;
        not_implemented: Status(501) => 500, 500;
        bad_gateway: Status(502) => 502, 502;
        unavailable_is_never_passed_on: Status(503) => 500, 480;
        gateway_timeout: Status(504) => 504, 480;
        version: Status(505) => 500, 500;
        too_long: Status(513) => 500, 500;
        precondition: Status(580) => 480, 480;
        busy_everywhere: Status(600) => 600, 600;
        decline: Status(603) => 603, 603;
        exists_nowhere: Status(604) => 604, 480;
        not_acceptable_anywhere: Status(606) => 488, 488;
        an_unknown_6xx: Status(699) => 600, 600;
        silence: TimedOut => 504, 480;
        unreachable: Unreachable => 502, 502;
        nowhere_to_send: Nowhere => 480, 480;
        no_ports: NoPorts => 503, 503;
    }

    /// The table of docs/sip.md: the first word of each line (`486`), or all of it where that is no code, with our codes.
    fn documented() -> BTreeMap<&'static str, (u16, u16)> {
        let page = include_str!("../../../../docs/sip.md");
        let (_, table) = page
            .split_once("| the other side said | before it rang | after |\n| --- | --- | --- |\n")
            .expect("the page has the table");
        let rows = table.lines().map_while(|line| line.strip_prefix("| "));
        rows.map(|row| {
            let cells: [&str; 3] = row
                .splitn(3, " | ")
                .collect::<alloc::vec::Vec<_>>()
                .try_into()
                .unwrap();
            let [said, before, after] = cells;
            let code = said
                .split(' ')
                .next()
                .filter(|word| word.parse::<u16>().is_ok());
            let after = after.trim_end_matches(" |");
            (
                code.unwrap_or(said),
                (before.parse().unwrap(), after.parse().unwrap()),
            )
        })
        .collect()
    }

    #[test]
    fn the_page_for_users_has_the_same_table() {
        let codes = ROWS
            .iter()
            .map(|(code, ..)| (format!("{code}"), Outcome::Status(*code)));
        let others = [
            ("other 3xx", Outcome::Status(399)),
            ("other 4xx and 5xx", Outcome::Status(499)),
            ("other 6xx", Outcome::Status(699)),
            ("nothing in time", Outcome::TimedOut),
            ("could not be reached", Outcome::Unreachable),
            ("no phone, no trunk", Outcome::Nowhere),
            ("we have no media port", Outcome::NoPorts),
        ];
        let others = others.map(|(name, outcome)| (String::from(name), outcome));
        let ours: BTreeMap<String, (u16, u16)> = codes
            .chain(others)
            .map(|(name, outcome)| {
                let statuses = [Progress::Calling, Progress::Rang]
                    .map(|progress| caller_status(outcome, progress));
                (name, statuses.into())
            })
            .collect();
        let page: BTreeMap<String, (u16, u16)> = documented()
            .into_iter()
            .map(|(name, statuses)| (name.into(), statuses))
            .collect();
        assert_eq!(page, ours);
    }
}
