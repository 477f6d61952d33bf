//! Rules broken on purpose, a cargo feature each, to show that the tests would notice (`tests/sabotage.sh`).
//!
//! Never on in a build that serves calls.

/// Whether this one is on: by its feature, or in a build that can break anything (feature `sabotage`) by its name, crate first, in
/// the environment variable `SABOTAGE`. So one build serves for all.
#[cfg(feature = "sabotage")]
fn is_on(name: &str) -> bool {
    extern crate std;
    static NAMED: std::sync::LazyLock<Option<std::string::String>> =
        std::sync::LazyLock::new(|| std::env::var("SABOTAGE").ok());
    NAMED.as_deref() == Some(name)
}

#[cfg(not(feature = "sabotage"))]
const fn is_on(_: &str) -> bool {
    false
}

macro_rules! sabotage {
    ($($(#[$doc:meta])* $name:ident = $feature:literal;)*) => {
        $($(#[$doc])* pub(crate) fn $name() -> bool {
            cfg!(feature = $feature) || is_on(concat!(env!("CARGO_PKG_NAME"), "/", $feature))
        })*
    };
}

sabotage! {
    /// Rule 1: tiers are not looked at.
    tier = "sabotage-tier";
    /// Rule 1: priority is not looked at.
    priority = "sabotage-priority";
    /// Rule 2: a direct call nobody took goes back to the user's own queue.
    unavailable = "sabotage-unavailable";
    /// Rule 3: a new priority, the queue's or a caller's, holds for those who come later only.
    rerank = "sabotage-rerank";
    /// Rule 4: who goes back to the queue stands at its end.
    requeue = "sabotage-requeue";
    /// Rule 5: an agent's first queue is served before the others.
    order = "sabotage-order";
    /// Rule 4: what nobody took is not held for who sent it.
    recall = "sabotage-recall";
    /// Rule 9: nobody waits for who served them before.
    sticky = "sabotage-sticky";
    /// Rule 6: the shortest idle is chosen.
    longest_idle = "sabotage-longest-idle";
    /// Rule 6: turns are not looked at.
    round_robin = "sabotage-round-robin";
    /// Rule 6: how many calls somebody had is not looked at.
    fewest_calls = "sabotage-fewest-calls";
    /// Rule 6: how occupied somebody was is not looked at.
    least_occupied = "sabotage-least-occupied";
    /// Rule 6: the order of assignments is not looked at.
    fixed_order = "sabotage-fixed-order";
    /// Rule 6: the level of assignments is not looked at.
    skill_level = "sabotage-skill-level";
    /// Rule 6: weights are not looked at.
    weighted_random = "sabotage-weighted-random";
    /// Rule 6: it rings for one only where it has to ring for all.
    ring_all = "sabotage-ring-all";
    /// Rule 6: another agent has it, and the others ring on.
    ring_all_winner = "sabotage-ring-all-winner";
    /// Rule 6: what rang for all counts as missed.
    ring_all_counts = "sabotage-ring-all-counts";
    /// Rule 7: required skills are not looked at.
    skills = "sabotage-skills";
    /// Rule 7: an assignment's delay is not looked at.
    delay = "sabotage-delay";
    /// Rule 7: `max_busy` is no limit.
    max_busy = "sabotage-max-busy";
    /// Rule 8: skills are never relaxed.
    relax = "sabotage-relax";
    /// Rule 8: nobody acts on the moment at which others may take somebody.
    gate = "sabotage-gate";
    /// Rule 7: a call of their own takes no room.
    own_call = "sabotage-own-call";
    /// Rule 10: a caller who is gone still rings.
    caller_gone = "sabotage-caller-gone";
    /// Rule 10: withdrawn alerts are not counted.
    counters = "sabotage-counters";
    /// Rule 11: a rejection is forgotten after `retry_after`.
    reject_forever = "sabotage-reject-forever";
    /// Rule 12: who did not answer is alerted again at once.
    retry_after = "sabotage-retry-after";
    /// Rule 12: not answering has no consequence.
    no_answer = "sabotage-no-answer";
    /// Rule 12: a phone that failed counts as missed.
    missed = "sabotage-missed";
    /// Rule 12: a phone that failed is alerted again at once.
    device_retry = "sabotage-device-retry";
    /// Rule 12: a busy phone counts as a rejection.
    phone_busy = "sabotage-phone-busy";
    /// Rule 13: who picks up what another has picked up takes it from them.
    pick_up_twice = "sabotage-pick-up-twice";
    /// Rule 13: the wrap-up of who picks up goes on.
    pick_up_wrap_up = "sabotage-pick-up-wrap-up";
    /// Rule 13: who picks up and does not answer has missed it.
    pick_up_missed = "sabotage-pick-up-missed";
    /// Rule 14: what is held for one agent goes to whoever is free.
    held = "sabotage-held";
    /// Rule 5: what is held for an agent takes its turn among the others.
    held_first = "sabotage-held-first";
    /// Rule 14: a reservation can be had again and again.
    reserved_before = "sabotage-reserved-before";
    /// Rule 14: a break or logout does not end it.
    reserved_on_break = "sabotage-reserved-on-break";
    /// Rule 15: who is alerted can be alerted again.
    double_alert = "sabotage-double-alert";
    /// Rule 16: a break while busy is forgotten.
    pending_break = "sabotage-pending-break";
    /// Rule 16: a break while alerting lets the phone ring on.
    break_withdraws = "sabotage-break-withdraws";
    /// Rule 16: who has left a queue is alerted for it still.
    left_queue = "sabotage-left-queue";
    /// Rule 17: wrap-up is skipped.
    wrap_up = "sabotage-wrap-up";
    /// Rule 17: a wrap-up ends without the code that is required.
    wrap_up_code = "sabotage-wrap-up-code";
    /// Rule 18: a phone that is gone is alerted.
    device_gone = "sabotage-device-gone";
    /// Rule 20: closed queues let callers in.
    closed = "sabotage-closed";
    /// Rule 20: full queues let callers in.
    full = "sabotage-full";
    /// Rule 20: `join_when` is not looked at.
    join_when = "sabotage-join-when";
    /// Rule 21: who is to go at closing stays.
    closing = "sabotage-closing";
    /// Rule 21: who waits without anybody stays whatever `when_nobody` says.
    nobody = "sabotage-nobody";
    /// Rule 21: nobody is told of those who wait without anybody.
    alarm = "sabotage-alarm";
    /// Rule 13: what another has picked up or has held for them counts as the first that can be picked up.
    first_to_pick_up = "sabotage-first-to-pick-up";
    /// Rule 22: callers of a queue wait however long.
    max_wait = "sabotage-max-wait";
    /// Rule 23: the service-level action raises nothing.
    service_level = "sabotage-service-level";
    /// Rule 23: each queue does its service-level action anew.
    service_once = "sabotage-service-once";
    /// Rule 7: who asks why is not told of rejections and of alerts not answered.
    why = "sabotage-why";
    /// Part 10: who has rejected it counts as the runner-up.
    record = "sabotage-record";
    /// I2: an agent who becomes free waits for the next caller to come.
    work_conservation = "sabotage-work-conservation";
    /// I6: a late answer is connected though the alert is over.
    late_accept = "sabotage-late-accept";
    /// I7: who is chosen depends on where things lie in memory.
    determinism = "sabotage-determinism";
    /// I8: a checkpoint lacks who may not be alerted.
    checkpoint = "sabotage-checkpoint";
    /// House: a deadline is not visible in `poll_timeout`.
    poll_timeout = "sabotage-poll-timeout";
}
