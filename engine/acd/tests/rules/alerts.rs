//! Rules 6, 7, 10 to 12 and 15: who is alerted, and how it ends.

use acd::{
    AgentChange, AlertEnd, AlertOutcome, Device, DeviceHealth, Input, Presence, WithdrawReason,
};

use crate::centre::{Centre, NO_ANSWER, millis, refused, secs, to, to_user};

#[test]
fn rule_6_the_longest_idle_is_chosen() {
    let mut centre = Centre::staffed(3);
    centre.comes(1, to(1));
    centre.accepts(1);
    centre.ends(1);
    centre.run(secs(1));
    centre.takes_break(2);
    centre.is_back(2);
    centre.run(secs(1));
    for caller in [2, 3, 4] {
        centre.comes(caller, to(2));
    }
    assert_eq!(centre.alerts(), [(1, 1), (2, 3), (3, 1), (4, 2)]);
}

#[test]
fn rule_6_idle_since_begins_when_they_have_nothing_more_to_do() {
    // (what happens to 1, who logged in first, and whether they are still the longest idle after it)
    type Case = (&'static str, fn(&mut Centre), bool);
    let cases: [Case; 6] = [
        ("nothing", |_| {}, true),
        (
            "a call of their own",
            |centre| {
                centre.own_calls(1, 1);
                centre.own_calls(1, 0);
            },
            false,
        ),
        (
            "a phone that was gone",
            |centre| {
                centre.change(1, AgentChange::Device(Device::Unregistered));
                centre.change(1, AgentChange::Device(Device::Registered));
            },
            true,
        ),
        (
            "a caller who hung up",
            |centre| {
                centre.comes(9, to(1));
                centre.leaves(9);
            },
            true,
        ),
        (
            "a rejection",
            |centre| {
                centre.comes(9, to_user(1));
                centre.answers(1, AlertEnd::Rejected);
            },
            false,
        ),
        (
            "a failed phone",
            |centre| {
                centre.comes(9, to_user(1));
                centre.answers(1, AlertEnd::NoBinding);
                centre.leaves(9);
                centre.run(secs(5));
            },
            true,
        ),
    ];
    for (name, what, still_first) in cases {
        let mut centre = Centre::staffed(2);
        what(&mut centre);
        centre.new_alerts();
        centre.comes(1, to(1));
        let expected = if still_first { 1 } else { 2 };
        assert_eq!(centre.alerts(), [(1, expected)], "{name}");
    }
}

#[test]
fn rule_7_only_those_who_may_take_it_are_alerted() {
    type Case = (&'static str, fn(&mut Centre));
    let cases: [Case; 8] = [
        ("not assigned", |centre| centre.serves(1, &[2])),
        ("offline", |centre| centre.logs_out(1)),
        ("on break", |centre| centre.takes_break(1)),
        ("on a call of their own", |centre| centre.own_calls(1, 1)),
        ("phone gone", |centre| {
            centre.change(1, AgentChange::Device(Device::Unregistered));
        }),
        ("alerted", |centre| centre.comes(8, to(2))),
        ("talking", |centre| {
            centre.comes(8, to(2));
            centre.accepts(1);
        }),
        ("rejected it", |centre| {
            centre.comes(1, to(1));
            centre.answers(1, AlertEnd::Rejected);
        }),
    ];
    for (name, what) in cases {
        let mut centre = Centre::staffed(1);
        what(&mut centre);
        centre.new_alerts();
        centre.comes(1, to(1));
        centre.run(secs(1));
        assert_eq!(centre.alerts(), [], "{name}");
        assert_eq!(centre.waiting(1), [1], "{name}");
    }
}

#[test]
fn i2_whatever_frees_an_agent_brings_the_waiting_caller_in_the_same_step() {
    type Case = (&'static str, fn(&mut Centre), fn(&mut Centre));
    let cases: [Case; 8] = [
        (
            "login",
            |centre| centre.logs_out(1),
            |centre| centre.logs_in(1),
        ),
        (
            "break over",
            |centre| centre.takes_break(1),
            |centre| centre.is_back(1),
        ),
        (
            "own call over",
            |centre| centre.own_calls(1, 2),
            |centre| centre.own_calls(1, 0),
        ),
        (
            "phone back",
            |centre| centre.change(1, AgentChange::Device(Device::Unregistered)),
            |centre| centre.change(1, AgentChange::Device(Device::Registered)),
        ),
        (
            "assigned",
            |centre| centre.serves(1, &[2]),
            |centre| centre.serves(1, &[1]),
        ),
        (
            "interaction over",
            |centre| {
                centre.comes(8, to(2));
                centre.accepts(1);
            },
            |centre| centre.ends(8),
        ),
        (
            "other caller gone while alerting",
            |centre| centre.comes(8, to(2)),
            |centre| centre.leaves(8),
        ),
        (
            "another one rejected",
            |centre| centre.comes(8, to(2)),
            |centre| centre.answers(1, AlertEnd::Rejected),
        ),
    ];
    for (name, before, frees) in cases {
        let mut centre = Centre::staffed(1);
        before(&mut centre);
        centre.comes(1, to(1));
        centre.new_alerts();
        frees(&mut centre);
        assert_eq!(centre.alerts(), [(1, 1)], "{name}");
    }
}

#[test]
fn rule_10_a_caller_who_is_gone_stops_the_phone_and_is_never_rung_again() {
    let mut centre = Centre::staffed(2);
    centre.comes(1, to(1));
    centre.rings(1);
    centre.leaves(1);
    assert_eq!(centre.withdrawals(), [WithdrawReason::CallerGone]);
    let gone = AlertOutcome::Withdrawn(WithdrawReason::CallerGone);
    assert_eq!(centre.outcomes(), [(1, 1, gone)]);
    centre.run(secs(3600));
    assert_eq!(centre.alerts(), [(1, 1)]);
    let counters = centre.acd.agent(acd::AgentId(1)).unwrap().counters;
    assert_eq!(
        (counters.alerts, counters.withdrawn, counters.timed_out),
        (1, 1, 0)
    );
}

#[test]
fn rule_10_an_answer_that_comes_too_late_is_hung_up_not_connected() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    let match_id = centre.match_of(1);
    centre.leaves(1);
    for _ in 0..2 {
        let end = AlertEnd::Accepted;
        centre.input(Input::AlertEnded { match_id, end });
    }
    assert_eq!(centre.connected(), []);
    assert_eq!(centre.outcomes().len(), 1, "it ended once");
    let stale = WithdrawReason::Stale;
    assert_eq!(
        centre.withdrawals(),
        [WithdrawReason::CallerGone, stale, stale]
    );
    centre.input(Input::AlertEnded {
        match_id,
        end: refused(487),
    });
    assert_eq!(
        centre.withdrawals().len(),
        3,
        "a late refusal needs no answer"
    );
}

#[test]
fn rule_11_a_rejected_call_never_alerts_the_rejecter_again() {
    type Case = (&'static str, fn(&mut Centre));
    let cases: [Case; 4] = [
        ("over the API", |centre| {
            centre.answers(1, AlertEnd::Rejected)
        }),
        ("486 after ringing", |centre| {
            centre.rings(1);
            centre.answers(1, refused(486));
        }),
        ("600 after ringing", |centre| {
            centre.rings(1);
            centre.answers(1, refused(600));
        }),
        ("603 before ringing", |centre| {
            centre.answers(1, refused(603))
        }),
    ];
    for (name, rejects) in cases {
        let mut centre = Centre::staffed(1);
        centre.comes(1, to(1));
        rejects(&mut centre);
        assert_eq!(
            centre.outcomes(),
            [(1, 1, AlertOutcome::Rejected)],
            "{name}"
        );
        centre.run(secs(3600));
        centre.logs_out(1);
        centre.logs_in(1);
        assert_eq!(centre.alerts(), [(1, 1)], "{name}");
        centre.comes(2, to(1));
        assert_eq!(
            centre.alerts(),
            [(1, 1), (2, 1)],
            "{name}: others still alert them"
        );
    }
}

#[test]
fn rule_11_a_rejection_over_the_api_stops_the_phone() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    assert_eq!(centre.withdrawals(), [WithdrawReason::Rejected]);
}

#[test]
fn rule_11_the_next_agent_is_alerted_with_the_callers_place() {
    let mut centre = Centre::staffed(2);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.comes(3, to(1));
    centre.answers(1, AlertEnd::Rejected);
    assert_eq!(centre.alerts(), [(1, 1), (2, 2), (3, 1)]);
    centre.answers(2, AlertEnd::Rejected);
    assert_eq!(
        centre.alerts().last(),
        Some(&(1, 2)),
        "1 goes before all others"
    );
}

#[test]
fn rule_12_who_does_not_answer_goes_on_break_and_the_next_is_rung() {
    let mut centre = Centre::staffed(2);
    centre.comes(1, to(1));
    centre.rings(1);
    centre.run(millis(19_999));
    assert_eq!(centre.alerts(), [(1, 1)]);
    centre.run(millis(1));
    assert_eq!(centre.outcomes(), [(1, 1, NO_ANSWER)]);
    assert_eq!(centre.withdrawals(), [WithdrawReason::TimedOut]);
    assert_eq!(centre.alerts(), [(1, 1), (1, 2)]);
    assert!(centre.is_on_break_for(1, "no-answer"));
}

#[test]
fn rule_12_retry_after_keeps_the_pair_apart_for_fifteen_seconds() {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| queue.max_no_answer = 0);
    centre.comes(1, to(1));
    centre.run(secs(20));
    assert_eq!(centre.state(1).presence, Presence::Available);
    centre.run(millis(14_999));
    assert_eq!(centre.alerts(), [(1, 1)]);
    centre.run(millis(1));
    assert_eq!(centre.alerts(), [(1, 1), (1, 1)]);
}

#[test]
fn rule_12_max_no_answer_counts_in_a_row() {
    // (max, what happened one after the other, on break at the end)
    let cases = [
        (1, "t", true),
        (2, "t", false),
        (2, "tt", true),
        (2, "tat", false),
        (2, "trt", false),
        (2, "twt", true),
        (2, "tft", true),
        (3, "tt", false),
        (0, "tttttt", false),
        (2, "tbt", false),
    ];
    for (max, story, on_break) in cases {
        let mut centre = Centre::staffed(1);
        centre.with_queue(1, |queue| {
            queue.max_no_answer = max;
            queue.retry_after = secs(3600);
        });
        for (caller, step) in (1..).zip(story.chars()) {
            centre.comes(caller, to(1));
            match step {
                't' => centre.run(secs(20)),
                'a' => {
                    centre.accepts(1);
                    centre.ends(caller);
                }
                'r' => centre.answers(1, AlertEnd::Rejected),
                'w' => {}
                'f' => centre.answers(1, AlertEnd::NoProvisional),
                _ => {
                    centre.takes_break(1);
                    centre.is_back(1);
                }
            }
            centre.leaves(caller);
            centre.run(secs(5));
        }
        assert_eq!(
            centre.is_on_break_for(1, "no-answer"),
            on_break,
            "{max} {story}"
        );
    }
}

#[test]
fn rule_12_a_phone_that_fails_is_skipped_and_nobody_has_missed_anything() {
    let cases = [
        (AlertEnd::NoProvisional, 408),
        (AlertEnd::NoBinding, 480),
        (refused(408), 408),
        (refused(480), 480),
        (refused(503), 503),
        (refused(302), 302),
        (refused(404), 404),
        (refused(488), 488),
    ];
    for (end, status) in cases {
        let mut centre = Centre::staffed(2);
        centre.comes(1, to(1));
        centre.answers(1, end);
        let how = AlertOutcome::Failed { status };
        assert_eq!(centre.outcomes(), [(1, 1, how)], "{end:?}");
        assert_eq!(
            centre.alerts(),
            [(1, 1), (1, 2)],
            "{end:?}: rings elsewhere at once"
        );
        assert_eq!(centre.state(1).presence, Presence::Available);
        assert_eq!(centre.state(1).device_health, DeviceHealth::Unreachable);
        let counters = centre.acd.agent(acd::AgentId(1)).unwrap().counters;
        assert_eq!(
            (counters.timed_out, counters.rejected, counters.failed),
            (0, 0, 1)
        );
    }
}

#[test]
fn rule_12_device_retry_is_five_seconds_and_doubles_to_sixty() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    for wait in [5, 10, 20, 40, 60, 60] {
        centre.answers(1, refused(503));
        centre.new_alerts();
        centre.run(secs(wait) - millis(1));
        assert_eq!(centre.alerts(), [], "before {wait} s");
        centre.run(millis(1));
        assert_eq!(centre.alerts(), [(1, 1)], "after {wait} s");
    }
    centre.rings(1);
    centre.answers(1, refused(503));
    centre.new_alerts();
    centre.run(secs(5));
    assert_eq!(
        centre.alerts(),
        [(1, 1)],
        "it rang: the doubling begins anew"
    );
}

#[test]
fn rule_12_a_register_ends_device_retry() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::NoProvisional);
    centre.run(secs(1));
    centre.change(1, AgentChange::Device(Device::Registered));
    assert_eq!(centre.alerts(), [(1, 1), (1, 1)]);
    assert_eq!(centre.state(1).device_health, DeviceHealth::Good);
}

#[test]
fn rule_12_a_busy_phone_is_tried_when_it_is_idle_or_after_device_retry() {
    let busy = |centre: &mut Centre, bye: Option<u64>| {
        centre.comes(1, to(1));
        centre.answers(
            1,
            AlertEnd::Refused {
                status: 486,
                since_own_bye: bye.map(millis),
            },
        );
        assert_eq!(centre.new_alerts(), [(1, 1)]);
        assert_eq!(centre.state(1).device_health, DeviceHealth::Busy);
    };
    // (own BYE so many ms before, tried again after)
    for (bye, wait) in [(None, 5_000), (Some(501), 5_000), (Some(499), 250)] {
        let mut centre = Centre::staffed(1);
        busy(&mut centre, bye);
        centre.run(millis(wait - 1));
        assert_eq!(centre.alerts(), [], "{bye:?}");
        centre.run(millis(1));
        assert_eq!(centre.alerts(), [(1, 1)], "{bye:?}");
        assert_eq!(
            centre.outcomes(),
            [(1, 1, AlertOutcome::Failed { status: 486 })]
        );
    }
    let mut centre = Centre::staffed(1);
    busy(&mut centre, None);
    centre.own_calls(1, 1);
    centre.run(secs(2));
    centre.own_calls(1, 0);
    assert_eq!(centre.alerts(), [(1, 1)], "idle again");
}

#[test]
fn rule_12_a_phone_that_vanishes_does_not_hold_up_its_caller() {
    let mut centre = Centre::staffed(2);
    centre.comes(1, to(1));
    centre.comes(2, to(1));
    centre.comes(3, to(1));
    centre.run(secs(3));
    centre.answers(1, AlertEnd::NoProvisional);
    centre.accepts(2);
    centre.ends(2);
    assert_eq!(
        centre.alerts().last(),
        Some(&(1, 2)),
        "1 kept the place before 3"
    );
}

#[test]
fn rule_15_an_agent_has_one_alert_or_interaction_however_many_wait() {
    let mut centre = Centre::staffed(2);
    for caller in 1..=50 {
        centre.comes(caller, to(1 + u32::from(caller % 2 == 0)));
    }
    assert_eq!(centre.alerts(), [(1, 1), (2, 2)]);
    centre.accepts(1);
    centre.run(secs(10));
    assert_eq!(centre.alerts().len(), 2);
}
