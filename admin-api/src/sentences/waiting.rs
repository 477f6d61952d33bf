//! Why a call waits still.

use config::Queue;
use engine::explain::{Moment, Reason, WhyWaiting};
use engine::view::{CallRow, Queued};

use super::hindrance::predicate;
use super::{Teller, count, enumerate, ordinal, sentence};

/// How many of those before it are named.
const NAMED_MAX: usize = 3;

/// What is said of a call that waits; the first sentence says the most.
pub(crate) fn waiting(
    teller: &Teller<'_>,
    (row, queued): (&CallRow, &Queued),
    why: &WhyWaiting,
) -> Vec<String> {
    let place = place(queued, why.position);
    let team = team(teller, queued, why);
    let mut said = vec![sentence(&format!("{place}; {team}"))];
    said.extend(before(teller, why));
    said.push(keys(teller, row, queued));
    if let Some(holder) = &queued.held_for {
        let holder = teller.name(holder);
        said.push(sentence(&format!(
            "it is held for {holder}, and nobody else gets it meanwhile"
        )));
    }
    said.push(next(teller, queued, why));
    said
}

/// What is said of a call for which phones ring.
pub(crate) fn ringing(teller: &Teller<'_>, row: &CallRow) -> Option<String> {
    let agents: Vec<_> = row
        .alerts
        .values()
        .map(|agent| teller.name(agent))
        .collect();
    let ring = match agents.len() {
        0 => return None,
        1 => "the phone of",
        _ => "the phones of",
    };
    let (agents, rings) = (
        enumerate(&agents),
        if agents.len() == 1 { "rings" } else { "ring" },
    );
    Some(sentence(&format!("{ring} {agents} {rings} for it")))
}

fn place(queued: &Queued, position: u32) -> String {
    match &queued.queue {
        Some(queue) => format!("it is {} in {queue}", ordinal(position)),
        None => format!(
            "it is {} of those who wait for one user alone",
            ordinal(position)
        ),
    }
}

fn team(teller: &Teller<'_>, queued: &Queued, why: &WhyWaiting) -> String {
    if let Some(user) = &queued.user {
        let by = why.agents.first().map(|(_, by)| super::detail(teller, by));
        let by = by.unwrap_or_else(|| "is not there".to_owned());
        return format!("{} {by}", teller.name(user));
    }
    let parts: Vec<_> = why
        .counts
        .iter()
        .map(|(reason, count)| part(*reason, *count))
        .collect();
    match (why.assigned, parts.as_slice()) {
        (0, _) | (_, []) => "no agent is assigned to it".to_owned(),
        (1, _) => format!("of its agents {}", enumerate(&parts)),
        (assigned, [_]) => format!("all {assigned} agents {}", all(why)),
        (assigned, parts) => format!("of {assigned} agents {}", enumerate(parts)),
    }
}

fn all(why: &WhyWaiting) -> &'static str {
    why.counts
        .first()
        .map_or("", |(reason, _)| predicate(*reason).1)
}

fn part(reason: Reason, count: u32) -> String {
    let (one, several) = predicate(reason);
    format!("{count} {}", if count == 1 { one } else { several })
}

fn before(teller: &Teller<'_>, why: &WhyWaiting) -> Option<String> {
    let named = why.before.iter().take(NAMED_MAX);
    let mut parts: Vec<_> = named.map(|call| teller.call(*call)).collect();
    let others = why
        .position
        .saturating_sub(1)
        .saturating_sub(u32::try_from(parts.len()).ok()?);
    if others > 0 {
        parts.push(count(others, "other"));
    }
    let be = if parts.len() == 1 && others <= 1 {
        "is"
    } else {
        "are"
    };
    (!parts.is_empty()).then(|| sentence(&format!("{} {be} before it", enumerate(&parts))))
}

/// What its place comes from (rule 1).
fn keys(teller: &Teller<'_>, row: &CallRow, queued: &Queued) -> String {
    let tier = crate::routes::tier(queued.rank.tier);
    let arrival = teller.clock(queued.arrival_us);
    let points = queued.priority;
    let vip = if row.vip { " with those of a VIP" } else { "" };
    sentence(&format!(
        "its tier is {tier}, its priority {points}{vip}, and it came first at {arrival}"
    ))
}

/// The next thing that happens by itself.
fn next(teller: &Teller<'_>, queued: &Queued, why: &WhyWaiting) -> String {
    let Some((at, moment)) = why.moments.first() else {
        return sentence(
            "it waits until an agent is there for it; nothing ends its wait by itself",
        );
    };
    let queue = queued.queue.as_ref();
    let queue = queue.and_then(|name| teller.snapshot.centre.queues.get(name.as_str()));
    let what = happening(teller, queue.map(|queue| &**queue), moment);
    sentence(&format!("at {} {what}", teller.clock(*at)))
}

/// What will happen at a moment.
pub(crate) fn happening(teller: &Teller<'_>, queue: Option<&Queue>, moment: &Moment) -> String {
    match moment {
        Moment::OldEnough => "it is old enough for other agents to have it".to_owned(),
        Moment::ReservationEnds => "it is held for one agent no longer".to_owned(),
        Moment::RetryOf(agent) => format!("{} may be rung for it again", teller.name(agent)),
        Moment::WrapUpOf(agent) => format!("the wrap-up of {} ends", teller.name(agent)),
        Moment::PhoneOf(agent) => format!("the phone of {} is tried again", teller.name(agent)),
        Moment::ServiceLevel => {
            let level = queue.and_then(|queue| queue.service_level.as_ref());
            let action = level.and_then(|level| level.action.as_ref());
            let action = action.map_or_else(|| "none".to_owned(), ToString::to_string);
            format!("it has waited for its queue's service level (action: {action})")
        }
        Moment::Nobody => match queue.and_then(|queue| queue.when_nobody.as_ref()) {
            Some(to) => format!("nobody has been there for it for too long, and it goes to {to}"),
            None => {
                "nobody has been there for it for too long, and supervisors get an alarm".to_owned()
            }
        },
        Moment::MaxWait => {
            let to = queue.and_then(|queue| queue.when_overflow.as_ref());
            match (queue, to) {
                (Some(_), Some(overflow)) => {
                    format!(
                        "it has waited for as long as it may, and goes to {}",
                        overflow.to
                    )
                }
                (Some(_), None) => {
                    "it has waited for as long as it may, and hears that nobody is free".to_owned()
                }
                (None, _) => "it has waited for as long as it may, and goes elsewhere".to_owned(),
            }
        }
    }
}

/// The word for programs.
pub(crate) const fn happening_word(moment: &Moment) -> &'static str {
    match moment {
        Moment::OldEnough => "old-enough",
        Moment::ReservationEnds => "reservation-ends",
        Moment::RetryOf(_) => "retry",
        Moment::WrapUpOf(_) => "wrap-up-ends",
        Moment::PhoneOf(_) => "phone-retry",
        Moment::ServiceLevel => "service-level",
        Moment::Nobody => "nobody",
        Moment::MaxWait => "max-wait",
    }
}
