//! Rules 16 to 18: what agents are and do. Rule 2: what becomes of calls to one of them.

use acd::config::WrapUp;
use acd::{
    Activity, AgentChange, AlertEnd, AlertOutcome, BreakReason, Device, DivertReason, Input,
    Presence, WithdrawReason,
};

use crate::centre::{Centre, millis, refused, secs, to, to_user};

fn coffee() -> Presence {
    Presence::Break(BreakReason::new("coffee"))
}

#[test]
fn rule_16_a_break_or_logout_while_busy_waits_for_the_end_and_the_wrap_up() {
    for (name, wish) in [("break", coffee()), ("logout", Presence::Offline)] {
        let mut centre = Centre::staffed(1);
        centre.with_queue(1, |queue| queue.wrap_up = WrapUp::For(secs(30)));
        centre.comes(1, to(1));
        centre.comes(2, to(1));
        centre.accepts(1);
        centre.change(1, AgentChange::Presence(wish.clone()));
        assert_eq!(centre.state(1).presence, Presence::Available, "{name}");
        assert_eq!(centre.state(1).pending, Some(wish.clone()), "{name}");
        centre.ends(1);
        assert_eq!(
            centre.state(1).presence,
            Presence::Available,
            "{name}: in wrap-up"
        );
        centre.run(secs(30));
        assert_eq!(centre.state(1).presence, wish, "{name}");
        assert_eq!(centre.state(1).pending, None, "{name}");
        assert_eq!(centre.alerts(), [(1, 1)], "{name}: nothing came in between");
    }
}

#[test]
fn rule_16_a_pending_break_is_called_off_by_available_and_a_pending_logout_by_login() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    centre.accepts(1);
    centre.takes_break(1);
    centre.is_back(1);
    assert_eq!(centre.state(1).pending, None);
    centre.logs_out(1);
    centre.logs_in(1);
    assert_eq!(centre.state(1).pending, None);
    centre.takes_break(1);
    centre.logs_in(1);
    assert_eq!(
        centre.state(1).pending,
        Some(coffee()),
        "a login leaves a break alone"
    );
    centre.ends(1);
    assert_eq!(centre.state(1).presence, coffee());
    centre.logs_in(1);
    assert_eq!(centre.state(1).presence, coffee());
}

#[test]
fn rule_16_a_break_or_logout_while_alerting_withdraws_the_alert() {
    let cases = [
        ("break", coffee(), WithdrawReason::Break),
        ("logout", Presence::Offline, WithdrawReason::Logout),
    ];
    for (name, wish, reason) in cases {
        let mut centre = Centre::staffed(2);
        centre.comes(1, to(1));
        centre.rings(1);
        centre.change(1, AgentChange::Presence(wish.clone()));
        assert_eq!(centre.withdrawals(), [reason], "{name}");
        let how = AlertOutcome::Withdrawn(reason);
        assert_eq!(
            centre.outcomes(),
            [(1, 1, how)],
            "{name}: neither missed nor rejected"
        );
        assert_eq!(centre.alerts(), [(1, 1), (1, 2)], "{name}");
        assert_eq!(centre.state(1).presence, wish, "{name}");
        let counters = centre.acd.agent(acd::AgentId(1)).unwrap().counters;
        assert_eq!(
            (counters.timed_out, counters.rejected, counters.withdrawn),
            (0, 0, 1)
        );
    }
}

#[test]
fn rule_16_states_are_told_with_the_moment_they_began() {
    let mut centre = Centre::staffed(1);
    let began = centre.now;
    centre.comes(1, to(1));
    assert!(matches!(
        centre.state(1).activity,
        Activity::Alerting { .. }
    ));
    assert_eq!(centre.state(1).since, began);
    centre.run(secs(3));
    centre.accepts(1);
    assert!(matches!(centre.state(1).activity, Activity::Busy { .. }));
    assert_eq!(centre.state(1).since, began + secs(3));
    centre.run(secs(4));
    centre.takes_break(1);
    assert_eq!(
        centre.state(1).since,
        began + secs(3),
        "a pending break changes no state"
    );
    centre.ends(1);
    assert_eq!(centre.state(1).activity, Activity::Idle);
    assert_eq!(centre.state(1).since, began + secs(7));
    centre.own_calls(1, 1);
    assert_eq!(centre.state(1).activity, Activity::OwnCall);
}

#[test]
fn rule_17_wrap_up_lasts_its_time_and_keeps_every_queue_away() {
    // (wrap-up of queue 1, extended by, ended by the agent after, free after)
    let manual = WrapUp::Manual;
    let ten = WrapUp::For(secs(10));
    let cases = [
        ("none", WrapUp::For(secs(0)), None, None, 0),
        ("seconds", ten, None, None, 10_000),
        ("extended", ten, Some(7), None, 17_000),
        ("ended early", ten, None, Some(4), 4_000),
        ("manual", manual, None, Some(500), 500_000),
        ("manual, extended", manual, Some(7), Some(600), 600_000),
    ];
    for (name, wrap_up, extended, ended, free_ms) in cases {
        let mut centre = Centre::staffed(1);
        centre.with_queue(1, |queue| queue.wrap_up = wrap_up);
        centre.comes(1, to(1));
        centre.accepts(1);
        centre.comes(2, to(2));
        centre.comes(3, to_user(1));
        centre.with_agent(1, |agent| agent.personal.max_wait = secs(0));
        centre.ends(1);
        if let Some(by) = extended {
            centre.change(1, AgentChange::WrapUpExtended { by: secs(by) });
        }
        let end = centre.now + millis(free_ms);
        if free_ms > 0 {
            centre.run(millis(free_ms - 1));
            assert_eq!(centre.alerts(), [(1, 1)], "{name}");
            let in_wrap_up = matches!(centre.state(1).activity, Activity::WrapUp { .. });
            assert!(in_wrap_up, "{name}");
            centre.run(end - centre.now);
        }
        if ended.is_some() {
            centre.change(1, AgentChange::WrapUpEnded);
        }
        assert_eq!(centre.alerts(), [(1, 1), (2, 1)], "{name}");
    }
}

/// One agent at queue 1, which requires a code and has this wrap-up, and two who wait.
fn coding(wrap_up: WrapUp) -> Centre {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| {
        queue.wrap_up = wrap_up;
        queue.code_required = true;
    });
    centre.comes(1, to(1));
    centre.accepts(1);
    centre.comes(2, to(2));
    centre
}

fn codes(centre: &mut Centre, caller: u64) {
    let interaction = acd::InteractionId(caller);
    centre.change(1, AgentChange::Coded { interaction });
}

fn owed(centre: &Centre) -> Vec<u64> {
    let agent = centre.acd.agent(acd::AgentId(1)).unwrap();
    agent
        .state
        .owes
        .iter()
        .map(|owed| owed.interaction.0)
        .collect()
}

#[test]
fn rule_17_a_wrap_up_does_not_end_without_the_code_that_is_required() {
    let none = WrapUp::For(secs(0));
    let ten = WrapUp::For(secs(10));
    let manual = WrapUp::Manual;
    // (wrap-up, code after, ended by the agent after, free after); seconds from the call's end, before which the code may come.
    let cases = [
        ("none, code at once", none, Some(0), None, 0),
        ("none, code later", none, Some(70), None, 70),
        ("code in time", ten, Some(4), None, 10),
        ("code too late", ten, Some(70), None, 70),
        ("code during the call", ten, Some(-1), None, 10),
        ("code during the call, no wrap-up", none, Some(-1), None, 0),
        ("ended, then coded", ten, Some(20), Some(4), 20),
        ("coded, then ended", ten, Some(3), Some(4), 4),
        ("manual, coded, then ended", manual, Some(30), Some(40), 40),
        ("manual, ended, then coded", manual, Some(30), Some(20), -1),
        ("never coded", ten, None, Some(5), -1),
    ];
    for (name, wrap_up, coded, ended, free) in cases {
        let mut centre = coding(wrap_up);
        centre.run(secs(5));
        if coded == Some(-1) {
            codes(&mut centre, 1);
        }
        centre.ends(1);
        for second in 0..=200 {
            if coded == Some(second) {
                codes(&mut centre, 1);
            }
            if ended == Some(second) {
                centre.change(1, AgentChange::WrapUpEnded);
            }
            let is_free = centre.alerts() == [(1, 1), (2, 1)];
            assert_eq!(
                is_free,
                free >= 0 && second >= free,
                "{name} after {second} s"
            );
            let in_wrap_up = matches!(centre.state(1).activity, Activity::WrapUp { .. });
            assert_eq!(in_wrap_up, !is_free, "{name} after {second} s");
            centre.run(secs(1));
        }
    }
}

#[test]
fn rule_17_somebody_else_can_end_a_wrap_up_without_its_code() {
    for wrap_up in [WrapUp::For(secs(0)), WrapUp::For(secs(600)), WrapUp::Manual] {
        let mut centre = coding(wrap_up);
        centre.ends(1);
        centre.run(secs(5));
        assert_eq!(owed(&centre), [1]);
        centre.change(1, AgentChange::WrapUpCutShort);
        assert_eq!(owed(&centre), []);
        assert_eq!(centre.alerts(), [(1, 1), (2, 1)]);
    }
}

#[test]
fn rule_17_no_code_is_owed_for_direct_calls_nor_for_what_was_not_answered() {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| queue.code_required = true);
    centre.comes(1, to(1));
    centre.run(secs(21));
    assert!(centre.is_on_break_for(1, "no-answer"));
    centre.leaves(1);
    centre.is_back(1);
    centre.comes(2, to_user(1));
    centre.accepts(1);
    centre.ends(2);
    centre.comes(3, to(2));
    centre.accepts(1);
    centre.ends(3);
    assert_eq!(owed(&centre), []);
    assert_eq!(centre.state(1).activity, Activity::Idle);
}

#[test]
fn rule_17_what_is_picked_up_in_a_wrap_up_does_not_do_away_with_its_code() {
    let mut centre = coding(WrapUp::For(secs(10)));
    centre.comes(3, to(1));
    centre.ends(1);
    centre.picks_up(1, 3);
    centre.accepts(1);
    assert!(matches!(centre.state(1).activity, Activity::Busy { .. }));
    centre.run(secs(60));
    centre.ends(3);
    assert_eq!(owed(&centre), [1, 3]);
    centre.run(secs(60));
    codes(&mut centre, 3);
    assert_eq!(centre.alerts().len(), 2, "it is one of two");
    codes(&mut centre, 1);
    assert_eq!(centre.alerts().last(), Some(&(2, 1)));
}

#[test]
fn rule_17_a_code_is_owed_while_what_was_picked_up_comes_to_nothing() {
    let mut centre = coding(WrapUp::For(secs(10)));
    centre.comes(3, to(1));
    centre.ends(1);
    centre.picks_up(1, 3);
    centre.leaves(3);
    let in_wrap_up = matches!(centre.state(1).activity, Activity::WrapUp { until: None });
    assert!(in_wrap_up, "{:?}", centre.state(1));
    codes(&mut centre, 1);
    assert_eq!(centre.alerts().last(), Some(&(2, 1)));
}

#[test]
fn rule_17_a_code_that_no_queue_requires_any_more_is_not_owed() {
    let mut centre = coding(WrapUp::For(secs(0)));
    centre.ends(1);
    assert_eq!(owed(&centre), [1]);
    centre.with_queue(1, |queue| queue.code_required = false);
    assert_eq!(owed(&centre), []);
    assert_eq!(centre.alerts(), [(1, 1), (2, 1)]);
}

#[test]
fn rule_17_a_logout_waits_for_the_code_and_a_removed_agent_owes_none() {
    let mut centre = coding(WrapUp::For(secs(0)));
    centre.logs_out(1);
    centre.ends(1);
    assert_eq!(centre.state(1).presence, Presence::Available);
    codes(&mut centre, 1);
    assert_eq!(centre.state(1).presence, Presence::Offline);
    let mut centre = coding(WrapUp::For(secs(0)));
    centre.ends(1);
    centre.config.agents.clear();
    centre.apply();
    assert!(
        centre.acd.agent(acd::AgentId(1)).is_none(),
        "nobody could ask them"
    );
}

#[test]
fn rule_17_a_code_that_is_owed_outlives_a_restart_and_a_call_that_is_cut_off_needs_none() {
    let mut centre = coding(WrapUp::For(secs(0)));
    centre.ends(1);
    let incarnation = |number| {
        Input::Restarted(acd::Incarnation {
            epoch: 5 + u64::from(number),
            node: 1,
            number,
        })
    };
    centre.acd = acd::Acd::decode(&centre.acd.encode()).unwrap();
    centre.input(incarnation(2));
    assert_eq!(owed(&centre), [1]);
    codes(&mut centre, 1);
    centre.comes(4, to(1));
    centre.accepts(1);
    centre.input(incarnation(3));
    assert_eq!(owed(&centre), []);
    assert_eq!(centre.state(1).activity, Activity::Idle);
}

#[test]
fn rule_17_the_queue_that_alerted_says_how_long() {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| queue.wrap_up = WrapUp::For(secs(10)));
    centre.with_agent(1, |agent| agent.personal.wrap_up = WrapUp::For(secs(3)));
    for (caller, visit, wrap_up) in [(1, to(1), 10), (2, to(2), 0), (3, to_user(1), 3)] {
        centre.comes(caller, visit);
        centre.accepts(1);
        centre.ends(caller);
        let until = centre.now + secs(wrap_up);
        let expected = match wrap_up {
            0 => Activity::Idle,
            _ => Activity::WrapUp { until: Some(until) },
        };
        assert_eq!(centre.state(1).activity, expected);
        centre.run(secs(60));
    }
}

#[test]
fn rule_18_an_agent_whose_phone_is_gone_is_shown_so_and_gets_no_alerts() {
    let mut centre = Centre::staffed(1);
    centre.change(1, AgentChange::Device(Device::Unregistered));
    assert_eq!(centre.state(1).device, Device::Unregistered);
    assert_eq!(centre.state(1).presence, Presence::Available);
    centre.comes(1, to(1));
    centre.run(secs(100));
    assert_eq!(centre.alerts(), []);
    centre.change(1, AgentChange::Device(Device::Registered));
    assert_eq!(centre.alerts(), [(1, 1)]);
}

#[test]
fn rule_18_a_pbx_extension_is_always_there() {
    let mut centre = Centre::new(1);
    let device = Device::Trunk;
    centre.change(1, AgentChange::Login { device });
    centre.comes(1, to(1));
    assert_eq!(centre.alerts(), [(1, 1)]);
}

/// The phone is on a call of its own.
const BUSY: AlertEnd = refused(486);

#[test]
fn rule_2_a_direct_call_that_its_user_does_not_take_goes_to_when_unavailable() {
    type Case = (&'static str, fn(&mut Centre), DivertReason);
    let cases: [Case; 9] = [
        (
            "offline",
            |centre| centre.logs_out(1),
            DivertReason::AgentOffline,
        ),
        (
            "on break",
            |centre| centre.takes_break(1),
            DivertReason::AgentOnBreak,
        ),
        (
            "rejected",
            |centre| centre.answers(1, AlertEnd::Rejected),
            DivertReason::AgentRejected,
        ),
        (
            "not answered",
            |centre| centre.run(secs(20)),
            DivertReason::AgentNoAnswer,
        ),
        (
            "waited too long",
            |centre| {
                centre.answers(1, BUSY);
                centre.own_calls(1, 1);
                centre.run(secs(60));
            },
            DivertReason::MaxWait,
        ),
        (
            "break while busy, taken after the interaction",
            |centre| {
                centre.answers(1, BUSY);
                centre.run(secs(5));
                centre.leaves(1);
                centre.comes(9, to(1));
                centre.accepts(1);
                centre.comes(1, to_user(1));
                centre.takes_break(1);
                assert_eq!(centre.diverted(), []);
                centre.ends(9);
            },
            DivertReason::AgentOnBreak,
        ),
        (
            "removed",
            |centre| {
                centre.answers(1, BUSY);
                centre.config.agents.clear();
                centre.apply();
            },
            DivertReason::AgentRemoved,
        ),
        (
            "phone gone while it waits",
            |centre| {
                centre.answers(1, BUSY);
                centre.change(1, AgentChange::Device(Device::Unregistered));
            },
            DivertReason::AgentUnreachable,
        ),
        (
            "phone that does not answer at all",
            |centre| centre.answers(1, AlertEnd::NoProvisional),
            DivertReason::AgentUnreachable,
        ),
    ];
    for (name, what, reason) in cases {
        let mut centre = Centre::staffed(1);
        centre.comes(1, to_user(1));
        what(&mut centre);
        assert_eq!(centre.diverted(), [(1, reason)], "{name}");
    }
}

#[test]
fn rule_2_a_user_who_is_away_gets_no_direct_call_at_all() {
    let mut centre = Centre::new(2);
    centre.comes(1, to_user(1));
    assert_eq!(centre.diverted(), [(1, DivertReason::AgentOffline)]);
    centre.logs_in(2);
    centre.comes(2, to_user(2));
    assert_eq!(centre.alerts(), [(2, 2)], "and nobody else's");
}

#[test]
fn rule_2_a_busy_phone_does_not_send_the_direct_call_away() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to_user(1));
    centre.answers(1, BUSY);
    assert_eq!(centre.diverted(), []);
    centre.run(secs(5));
    assert_eq!(centre.alerts(), [(1, 1), (1, 1)]);
}

#[test]
fn rule_2_without_a_limit_a_direct_call_does_not_wait_for_a_phone_that_is_gone() {
    let mut centre = Centre::staffed(1);
    centre.with_agent(1, |agent| agent.personal.max_wait = secs(0));
    let unreachable = DivertReason::AgentUnreachable;
    centre.change(1, AgentChange::Device(Device::Unregistered));
    centre.comes(1, to_user(1));
    assert_eq!(centre.diverted(), [(1, unreachable)]);
    centre.change(1, AgentChange::Device(Device::Registered));
    centre.comes(2, to_user(1));
    centre.comes(3, to_user(1));
    centre.answers(1, AlertEnd::NoProvisional);
    assert_eq!(
        centre.diverted(),
        [(1, unreachable), (2, unreachable), (3, unreachable)],
        "the next in line does not wait for it either"
    );
    centre.run(secs(5));
    centre.comes(4, to_user(1));
    assert_eq!(centre.alerts(), [(2, 1), (4, 1)], "it is tried again");
}

#[test]
fn rule_2_a_phone_that_comes_back_in_time_keeps_its_direct_call() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to_user(1));
    centre.change(1, AgentChange::Device(Device::Unregistered));
    assert_eq!(centre.diverted(), [], "it rings, and may be answered");
    centre.change(1, AgentChange::Device(Device::Registered));
    centre.answers(1, BUSY);
    assert_eq!(centre.diverted(), []);
}

#[test]
fn rule_22_a_running_alert_is_let_finish_before_max_wait_acts() {
    let mut centre = Centre::staffed(1);
    centre.with_agent(1, |agent| agent.personal.max_wait = secs(10));
    centre.comes(1, to_user(1));
    centre.run(secs(15));
    assert_eq!(centre.diverted(), []);
    centre.accepts(1);
    assert_eq!(centre.connected(), [(1, 1)]);
    centre.ends(1);
    centre.comes(2, to_user(1));
    centre.run(secs(15));
    centre.answers(1, AlertEnd::NoBinding);
    assert_eq!(centre.diverted(), [(2, DivertReason::MaxWait)]);
}

#[test]
fn rule_10_the_days_counters_start_anew_and_a_running_alert_counts_for_the_new_day() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    centre.answers(1, AlertEnd::Rejected);
    centre.comes(2, to(1));
    centre.input(Input::DailyReset);
    centre.accepts(1);
    let counters = centre.acd.agent(acd::AgentId(1)).unwrap().counters;
    assert_eq!(
        (counters.alerts, counters.accepted, counters.rejected),
        (1, 1, 0)
    );
}

#[test]
fn rule_16_who_has_left_a_queue_is_not_alerted_for_it_but_for_others() {
    let mut centre = Centre::staffed(1);
    centre.leaves_queue(1, 1);
    centre.comes(1, to(1));
    assert_eq!(centre.alerts(), []);
    centre.comes(2, to(2));
    assert_eq!(centre.alerts(), [(2, 1)]);
    centre.leaves(2);
    centre.comes_back_to(1, 1);
    assert_eq!(centre.alerts(), [(2, 1), (1, 1)], "at once");
}

#[test]
fn rule_16_a_queue_that_was_left_is_joined_again_at_logout_and_not_before() {
    let mut centre = Centre::staffed(1);
    centre.leaves_queue(1, 1);
    assert!(centre.state(1).left.contains(&acd::QueueId(1)));
    centre.comes(1, to(1));
    centre.takes_break(1);
    centre.is_back(1);
    centre.serves(1, &[1, 2]);
    centre.acd = acd::Acd::decode(&centre.acd.encode()).unwrap();
    centre.logs_in(1);
    assert_eq!(centre.alerts(), []);
    centre.logs_out(1);
    assert!(centre.state(1).left.is_empty());
    centre.logs_in(1);
    assert_eq!(centre.alerts(), [(1, 1)]);
}

#[test]
fn rule_16_only_who_is_at_work_can_leave_and_only_what_is_theirs() {
    let mut centre = Centre::new(1);
    centre.leaves_queue(1, 1);
    centre.logs_in(1);
    centre.leaves_queue(1, 7);
    assert!(centre.state(1).left.is_empty());
    centre.leaves_queue(1, 1);
    centre.serves(1, &[2]);
    assert!(centre.state(1).left.is_empty(), "it is not theirs any more");
    centre.serves(1, &[1, 2]);
    centre.comes(1, to(1));
    assert_eq!(centre.alerts(), [(1, 1)]);
}

#[test]
fn rule_16_a_running_alert_and_a_pick_up_do_not_mind_that_the_queue_was_left() {
    let mut centre = Centre::staffed(1);
    centre.comes(1, to(1));
    centre.leaves_queue(1, 1);
    centre.accepts(1);
    assert_eq!(centre.connected(), [(1, 1)]);
    centre.ends(1);
    centre.comes(2, to(1));
    centre.picks_up(1, 2);
    centre.accepts(1);
    assert_eq!(centre.connected(), [(1, 1), (2, 1)]);
}

#[test]
fn rule_14_who_leaves_a_queue_has_nothing_reserved_there() {
    let mut centre = Centre::staffed(1);
    centre.own_calls(1, 1);
    centre.comes(1, to(1));
    centre.comes(2, to(2));
    centre.reserves(1, 1);
    centre.reserves(1, 2);
    centre.leaves_queue(1, 1);
    assert_eq!(centre.held(), [(1, Some(1)), (2, Some(1)), (1, None)]);
    centre.reserves(1, 1);
    let denied = centre.denied();
    assert_eq!(denied, [(1, 1, acd::Denial::NotAssigned)]);
}

#[test]
fn rule_20_who_has_left_a_queue_is_not_there_for_its_callers() {
    let mut centre = Centre::staffed(1);
    centre.with_queue(1, |queue| {
        queue.join_when = acd::config::JoinWhen::SomeoneLoggedIn;
    });
    centre.leaves_queue(1, 1);
    centre.comes(1, to(1));
    assert_eq!(centre.refused(), [(1, acd::RefuseReason::NobodyLoggedIn)]);
}

#[test]
fn who_serves_two_queues_is_half_an_agent_in_each_while_available() {
    let mut centre = Centre::staffed(2);
    let agents = |centre: &Centre| [centre.agents_milli(1), centre.agents_milli(2)];
    assert_eq!(agents(&centre), [1_000, 1_000]);
    centre.comes(1, to(1));
    centre.accepts(1);
    assert_eq!(agents(&centre), [1_000, 1_000], "busy or not");
    centre.takes_break(2);
    assert_eq!(agents(&centre), [500, 500]);
    centre.is_back(2);
    centre.leaves_queue(2, 2);
    assert_eq!(agents(&centre), [1_500, 500]);
    centre.serves(1, &[2]);
    assert_eq!(agents(&centre), [1_000, 1_000]);
    centre.logs_out(2);
    assert_eq!(agents(&centre), [0, 1_000]);
}
