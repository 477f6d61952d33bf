//! Rules broken on purpose, a cargo feature each, to show that the tests would notice (`tests/sabotage.sh`).
//!
//! Never on in a build that serves calls.

macro_rules! sabotage {
    ($($(#[$doc:meta])* $name:ident = $feature:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: bool = cfg!(feature = $feature);)*
    };
}

sabotage! {
    /// Rule 1: tiers are not looked at.
    TIER = "sabotage-tier";
    /// Rule 1: priority is not looked at.
    PRIORITY = "sabotage-priority";
    /// Rule 2: a direct call nobody took goes back to the user's own queue.
    UNAVAILABLE = "sabotage-unavailable";
    /// Rule 3: a new priority, the queue's or a caller's, holds for those who come later only.
    RERANK = "sabotage-rerank";
    /// Rule 4: who goes back to the queue stands at its end.
    REQUEUE = "sabotage-requeue";
    /// Rule 5: an agent's first queue is served before the others.
    ORDER = "sabotage-order";
    /// Rule 4: what nobody took is not held for who sent it.
    RECALL = "sabotage-recall";
    /// Rule 9: nobody waits for who served them before.
    STICKY = "sabotage-sticky";
    /// Rule 6: the shortest idle is chosen.
    LONGEST_IDLE = "sabotage-longest-idle";
    /// Rule 6: turns are not looked at.
    ROUND_ROBIN = "sabotage-round-robin";
    /// Rule 6: how many calls somebody had is not looked at.
    FEWEST_CALLS = "sabotage-fewest-calls";
    /// Rule 6: how occupied somebody was is not looked at.
    LEAST_OCCUPIED = "sabotage-least-occupied";
    /// Rule 6: the order of assignments is not looked at.
    FIXED_ORDER = "sabotage-fixed-order";
    /// Rule 6: the level of assignments is not looked at.
    SKILL_LEVEL = "sabotage-skill-level";
    /// Rule 6: weights are not looked at.
    WEIGHTED_RANDOM = "sabotage-weighted-random";
    /// Rule 6: it rings for one only where it has to ring for all.
    RING_ALL = "sabotage-ring-all";
    /// Rule 6: another agent has it, and the others ring on.
    RING_ALL_WINNER = "sabotage-ring-all-winner";
    /// Rule 6: what rang for all counts as missed.
    RING_ALL_COUNTS = "sabotage-ring-all-counts";
    /// Rule 7: required skills are not looked at.
    SKILLS = "sabotage-skills";
    /// Rule 7: an assignment's delay is not looked at.
    DELAY = "sabotage-delay";
    /// Rule 7: `max_busy` is no limit.
    MAX_BUSY = "sabotage-max-busy";
    /// Rule 8: skills are never relaxed.
    RELAX = "sabotage-relax";
    /// Rule 8: nobody acts on the moment at which others may take somebody.
    GATE = "sabotage-gate";
    /// Rule 7: a call of their own takes no room.
    OWN_CALL = "sabotage-own-call";
    /// Rule 10: a caller who is gone still rings.
    CALLER_GONE = "sabotage-caller-gone";
    /// Rule 10: withdrawn alerts are not counted.
    COUNTERS = "sabotage-counters";
    /// Rule 11: a rejection is forgotten after `retry_after`.
    REJECT_FOREVER = "sabotage-reject-forever";
    /// Rule 12: who did not answer is alerted again at once.
    RETRY_AFTER = "sabotage-retry-after";
    /// Rule 12: not answering has no consequence.
    NO_ANSWER = "sabotage-no-answer";
    /// Rule 12: a phone that failed counts as missed.
    MISSED = "sabotage-missed";
    /// Rule 12: a phone that failed is alerted again at once.
    DEVICE_RETRY = "sabotage-device-retry";
    /// Rule 12: a busy phone counts as a rejection.
    PHONE_BUSY = "sabotage-phone-busy";
    /// Rule 13: who picks up what another has picked up takes it from them.
    PICK_UP_TWICE = "sabotage-pick-up-twice";
    /// Rule 13: the wrap-up of who picks up goes on.
    PICK_UP_WRAP_UP = "sabotage-pick-up-wrap-up";
    /// Rule 13: who picks up and does not answer has missed it.
    PICK_UP_MISSED = "sabotage-pick-up-missed";
    /// Rule 14: what is held for one agent goes to whoever is free.
    HELD = "sabotage-held";
    /// Rule 5: what is held for an agent takes its turn among the others.
    HELD_FIRST = "sabotage-held-first";
    /// Rule 14: a reservation can be had again and again.
    RESERVED_BEFORE = "sabotage-reserved-before";
    /// Rule 14: a break or logout does not end it.
    RESERVED_ON_BREAK = "sabotage-reserved-on-break";
    /// Rule 15: who is alerted can be alerted again.
    DOUBLE_ALERT = "sabotage-double-alert";
    /// Rule 16: a break while busy is forgotten.
    PENDING_BREAK = "sabotage-pending-break";
    /// Rule 16: a break while alerting lets the phone ring on.
    BREAK_WITHDRAWS = "sabotage-break-withdraws";
    /// Rule 16: who has left a queue is alerted for it still.
    LEFT_QUEUE = "sabotage-left-queue";
    /// Rule 17: wrap-up is skipped.
    WRAP_UP = "sabotage-wrap-up";
    /// Rule 18: a phone that is gone is alerted.
    DEVICE_GONE = "sabotage-device-gone";
    /// Rule 20: closed queues let callers in.
    CLOSED = "sabotage-closed";
    /// Rule 20: full queues let callers in.
    FULL = "sabotage-full";
    /// Rule 20: `join_when` is not looked at.
    JOIN_WHEN = "sabotage-join-when";
    /// Rule 21: who is to go at closing stays.
    CLOSING = "sabotage-closing";
    /// Rule 21: who waits without anybody stays whatever `when_nobody` says.
    NOBODY = "sabotage-nobody";
    /// Rule 21: nobody is told of those who wait without anybody.
    ALARM = "sabotage-alarm";
    /// Rule 13: what another has picked up or has held for them counts as the first that can be picked up.
    FIRST_TO_PICK_UP = "sabotage-first-to-pick-up";
    /// Rule 22: callers of a queue wait however long.
    MAX_WAIT = "sabotage-max-wait";
    /// Rule 23: the service-level action raises nothing.
    SERVICE_LEVEL = "sabotage-service-level";
    /// Rule 23: each queue does its service-level action anew.
    SERVICE_ONCE = "sabotage-service-once";
    /// Rule 7: who asks why is not told of rejections and of alerts not answered.
    WHY = "sabotage-why";
    /// Part 10: who has rejected it counts as the runner-up.
    RECORD = "sabotage-record";
    /// I2: an agent who becomes free waits for the next caller to come.
    WORK_CONSERVATION = "sabotage-work-conservation";
    /// I6: a late answer is connected though the alert is over.
    LATE_ACCEPT = "sabotage-late-accept";
    /// I7: who is chosen depends on where things lie in memory.
    DETERMINISM = "sabotage-determinism";
    /// I8: a checkpoint lacks who may not be alerted.
    CHECKPOINT = "sabotage-checkpoint";
    /// House: a deadline is not visible in `poll_timeout`.
    POLL_TIMEOUT = "sabotage-poll-timeout";
}
