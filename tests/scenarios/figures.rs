//! Live figures: what the board shows while calls run, at the day's beginning, and after a restart.

use engine::board::{Doing, Staff, Tally, Variant};
use engine::command::CommandBody;
use engine::event::{Activity, Device, Presence};
use sim::{World, secs, seed};

const SETTINGS: &str = "[centre]\ntimezone = \"Europe/Amsterdam\"\nday_starts = \"06:00\"\n";

fn today(w: &World, queue: &str) -> Tally {
    w.view().board.queues[queue].counts.today
}

#[test]
fn mo_3_3_the_board_shows_what_callers_and_agents_did() {
    let w = World::new(seed(1));
    let ann = w.agent("ann").available();
    let (served, gone, waiting) = (w.phone("+49301"), w.phone("+49302"), w.phone("+49303"));
    served.calls("sales");
    w.run_for(secs(8));
    ann.answers();
    gone.calls("sales");
    waiting.calls("sales");
    w.run_for(secs(25));
    gone.hangs_up();
    let now_us = w.utc_us();
    {
        let view = w.view();
        let row = &view.board.queues["sales"];
        let outcomes = row.counts.today.outcomes;
        assert_eq!(
            (
                outcomes.answered_within,
                outcomes.abandoned,
                outcomes.abandoned_within
            ),
            (1, 1, 0)
        );
        assert_eq!((row.waiting(), row.breached(now_us)), (1, 1));
        let level = Variant::Genesys.of(&row.counts.last_minutes(now_us, 15));
        assert_eq!(level.to_string(), "50.0 %");
        assert_eq!(view.board.agents["ann"].doing, Doing::OnContact);
        let staff = Staff::count(view.agents.values());
        assert_eq!((staff.logged_in, staff.on_contact), (1, 1));
    }
    served.hangs_up();
    assert_eq!(today(&w, "sales").handled, 1);
    ann.answers();
    waiting.hangs_up();
    w.expect_quiet();
}

#[test]
fn short_abandons_are_told_apart() {
    let centre = sim::CENTRE.replace(
        "name = \"sales\"\n",
        "name = \"sales\"\nservice_level = { seconds = 10, short_abandon = 3 }\n",
    );
    let w = World::builder(seed(2)).centre(&centre).build();
    for (number, seconds) in [("+49301", 2), ("+49302", 4)] {
        let caller = w.phone(number);
        caller.calls("sales");
        w.run_for(secs(seconds));
        caller.hangs_up();
    }
    let outcomes = today(&w, "sales").outcomes;
    assert_eq!(
        (
            outcomes.abandoned,
            outcomes.short,
            outcomes.abandoned_within
        ),
        (2, 1, 2)
    );
    w.expect_quiet();
}

/// On the night of 28 March 2027 Amsterdam's clock goes from 02:00 to 03:00, on that of 31 October back.
#[test]
fn mo_3_1_counters_start_anew_when_the_day_begins_also_when_the_clock_moves() {
    for (start, before, begins) in [
        (
            "2027-03-27T12:00:00Z",
            "2027-03-28T03:59:59Z",
            "2027-03-28T04:00:00Z",
        ),
        (
            "2027-10-30T12:00:00Z",
            "2027-10-31T04:59:59Z",
            "2027-10-31T05:00:00Z",
        ),
        (
            "2027-06-01T12:00:00Z",
            "2027-06-02T03:59:59Z",
            "2027-06-02T04:00:00Z",
        ),
    ] {
        let w = World::builder(seed(3))
            .settings(SETTINGS)
            .start(start)
            .build();
        let ann = w.agent("ann").available();
        let caller = w.phone("+49301");
        caller.calls("sales");
        ann.answers();
        caller.hangs_up();
        w.run_until_utc(before);
        assert_eq!(today(&w, "sales").outcomes.answered, 1, "{start}");
        assert_eq!(w.view().board.agents["ann"].alerts.accepted, 1, "{start}");
        w.run_until_utc(begins);
        assert_eq!(today(&w, "sales"), Tally::default(), "{start}");
        assert_eq!(w.view().board.agents["ann"].alerts.accepted, 0, "{start}");
        assert_eq!(w.view().board.since_us, Some(w.utc_us()), "{start}");
    }
}

#[test]
fn figures_come_back_after_a_restart() {
    let w = World::builder(seed(4)).settings(SETTINGS).build();
    let (ann, caller, waiting) = (
        w.agent("ann").available(),
        w.phone("+49301"),
        w.phone("+49302"),
    );
    caller.calls("sales");
    ann.answers();
    waiting.calls("sales");
    w.run_for(secs(700));
    caller.hangs_up();
    ann.rejects(486);
    let before = today(&w, "sales");
    w.crash_and_restart();
    let after = today(&w, "sales");
    assert_eq!((after.outcomes.interrupted, after.outcomes.ended), (1, 0));
    let mut expected = before;
    expected.outcomes.interrupted = 1;
    // Who waits now has waited longer than they were told.
    expected.told_wrong = 1;
    assert_eq!(after, expected);
    w.expect_quiet();
}

#[test]
fn a_day_that_began_while_the_daemon_was_down_begins_at_its_start() {
    let w = World::builder(seed(5))
        .settings(SETTINGS)
        .start("2027-06-02T03:59:50Z")
        .build();
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    caller.calls("sales");
    ann.answers();
    caller.hangs_up();
    assert_eq!(today(&w, "sales").outcomes.answered, 1);
    w.is_down_for(secs(60));
    assert_eq!(today(&w, "sales"), Tally::default());
    assert_eq!(w.view().board.agents["ann"].alerts.started, 0);
}

#[test]
fn an_agent_whose_phone_is_gone_is_at_work_but_not_available() {
    let w = World::new(seed(6));
    let ann = w.agent("ann").available();
    ann.forgets_to_register();
    w.run_for(secs(700));
    assert_eq!(w.row("ann").device, Device::Unregistered);
    let staff = Staff::count(w.view().agents.values());
    assert_eq!(
        (staff.logged_in, staff.available, staff.unreachable),
        (1, 0, 1)
    );
}

#[test]
fn callers_are_told_how_long_they_will_wait() {
    let w = World::new(seed(7));
    let told = |number: &str| {
        let view = w.view();
        let mut calls = view.calls.values();
        let call = calls.find(|call| call.caller.number == number);
        call.and_then(|call| call.queued.as_ref()?.estimate_seconds)
    };
    let early = w.phone("+49300");
    early.calls("support");
    assert_eq!(
        told("+49300"),
        None,
        "nobody works: there is nothing to say"
    );
    early.hangs_up();
    let ann = w.agent("ann").available();
    let (first, second, third) = (w.phone("+49301"), w.phone("+49302"), w.phone("+49303"));
    first.calls("sales");
    assert_eq!(told("+49301"), None, "it rings at once");
    ann.answers();
    second.calls("sales");
    third.calls("sales");
    // Ann has two queues, so sales has half of her; calls are thought to take three minutes.
    assert_eq!((told("+49302"), told("+49303")), (Some(600), Some(1_080)));
    w.run_for(secs(60));
    first.hangs_up();
    ann.answers();
    assert_eq!(told("+49303"), Some(1_080), "what was said stays");
    let today = today(&w, "sales");
    assert_eq!((today.told_right, today.told_wrong), (1, 0));
    second.hangs_up();
    ann.answers();
    third.hangs_up();
    w.expect_quiet();
}

#[test]
fn who_comes_back_to_another_phone_while_their_call_goes_on_is_at_that_one() {
    let w = World::new(seed(21));
    let (ann, other) = (w.agent("ann").available(), w.behind_pbx("905"));
    let (friend, caller) = (w.phone("+49302"), w.phone("+49301"));
    ann.calls("+49302");
    friend.answers();
    assert_eq!(w.row("ann").activity, Activity::Busy);
    ann.logs_out();
    assert_eq!(w.row("ann").presence, Presence::Offline);
    caller.calls("sales");
    ann.asks(CommandBody::Login {
        username: "ann".into(),
        extension: Some("905".into()),
    });
    assert!(other.rings());
    assert_eq!(w.row("ann").extension.as_deref(), Some("905"));
    assert!(w.view().board.agents["ann"].logged_in_us.is_some());
    caller.hangs_up();
    ann.hangs_up();
    w.expect_quiet();
}

#[test]
fn an_agent_whose_user_is_removed_is_in_no_figures() {
    let w = World::new(seed(22));
    let (ann, caller) = (w.agent("ann").available(), w.phone("+49301"));
    w.agent("bob").available();
    caller.calls("sales");
    ann.answers();
    w.applies(&without_users()).unwrap();
    w.run_for(secs(10));
    assert!(caller.talks_to(&ann));
    assert!(!w.view().board.agents.contains_key("bob"));
    caller.hangs_up();
    assert!(w.view().board.agents.is_empty());
    assert!(w.view().agents.is_empty());
    w.expect_quiet();
}

fn without_users() -> String {
    let rest = sim::CENTRE.split("[[users]]").next();
    rest.unwrap_or_default().into()
}
