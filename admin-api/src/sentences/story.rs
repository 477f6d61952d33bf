//! What happened to a call, event by event.

use engine::event::{AlertEnd, Direction, Diversion, EndResult, EndedBy, Event, LeftQueue};

use super::{Teller, choice, sentence};
use crate::routes::tier;

/// What is said of an event; nothing of what only machines care for, and of legs.
pub(crate) fn told(teller: &Teller<'_>, event: &Event) -> Option<String> {
    Some(match event {
        Event::CallStarted { .. } => sentence(&started(teller, event)?),
        Event::CallQueued { .. } => sentence(&queued(teller, event)?),
        Event::CallLeftQueue { why, .. } => sentence(left(*why)?),
        Event::AlertStarted {
            agent,
            choice: Some(record),
            ..
        } => choice(teller, agent, record),
        Event::AlertStarted {
            agent, picked_up, ..
        } => {
            let said = if *picked_up {
                "picked it up"
            } else {
                "was rung"
            };
            sentence(&format!("{} {said}", teller.name(agent)))
        }
        Event::AlertEnded {
            agent,
            end,
            sip_status,
            ..
        } => sentence(&alert_ended(&teller.name(agent), *end, *sip_status)),
        Event::CallConnected {
            user: Some(user), ..
        } => sentence(&format!("{} has it", teller.name(user))),
        Event::CallDiverted { why, to, queue, .. } => {
            let queue = queue.as_deref().unwrap_or("the user it was for");
            sentence(&format!("it went to {to}: {}", diverted(*why, queue)))
        }
        Event::CallTransferred { by, to, .. } => {
            sentence(&format!("{} sent it on to {to}", teller.name(by)))
        }
        Event::CallParked { slot, by, .. } => sentence(&match by {
            Some(by) => format!("{} parked it in slot {slot}", teller.name(by)),
            None => format!("a rule parked it in slot {slot}"),
        }),
        Event::CallRetrieved { slot, by, .. } => {
            sentence(&format!("{} took it from slot {slot}", teller.name(by)))
        }
        Event::CallRecalled { from, queue, .. } => {
            let from = from.as_ref().map_or_else(String::new, |from| {
                format!(" from where {} had sent it", teller.name(from))
            });
            let to = queue
                .as_ref()
                .map_or_else(String::new, |queue| format!(" to {queue}"));
            sentence(&format!("nobody took it, so it came back{from}{to}"))
        }
        Event::CallReserved {
            by: Some(by),
            recall: true,
            ..
        } => sentence(&format!(
            "it was held for {}, who had sent it",
            teller.name(by)
        )),
        Event::CallCoded {
            agent,
            category,
            code,
            ..
        } => {
            let agent = teller.name(agent);
            sentence(&match (category, code) {
                (Some(category), Some(code)) => {
                    format!("{agent} said that it was about {code} ({category})")
                }
                (None, Some(code)) => format!("{agent} said that it was about {code}"),
                (_, None) => format!("{agent} took back what it was about"),
            })
        }
        Event::CallReserved { by, sticky, .. } => sentence(&match by {
            Some(by) if *sticky => {
                format!(
                    "it was held for {}, who had served the caller before",
                    teller.name(by)
                )
            }
            Some(by) => format!("{} had it held for them", teller.name(by)),
            None => "it was held for nobody any more".to_owned(),
        }),
        Event::ServiceLevelReached { queue, action, .. } => sentence(&format!(
            "it had waited for the service level of {queue} (action: {action})"
        )),
        Event::CallEnded { cause, by, .. } => sentence(&ended(cause.result, *by)),
        Event::CallAnswered { .. }
        | Event::CallConnected { user: None, .. }
        | Event::CallHeld { .. }
        | Event::CallResumed { .. }
        | Event::LegStarted { .. }
        | Event::LegRinging { .. }
        | Event::LegAnswered { .. }
        | Event::LegEnded { .. }
        | Event::AgentChanged { .. }
        | Event::QueueChanged { .. }
        | Event::PhoneRegistered { .. }
        | Event::PhoneUnregistered { .. }
        | Event::CentreChanged { .. }
        | Event::AlarmRaised { .. }
        | Event::AlarmCleared { .. }
        | Event::AgentLoggedIn { .. }
        | Event::AgentLoggedOut { .. }
        | Event::DayBegan {}
        | Event::SourceBanned { .. }
        | Event::DialRefused { .. }
        | Event::ServiceLevelSet { .. }
        | Event::AgentRemoved { .. } => return None,
    })
}

fn started(teller: &Teller<'_>, event: &Event) -> Option<String> {
    let Event::CallStarted {
        direction,
        caller,
        called,
        trunk,
        user,
        vip,
        ..
    } = event
    else {
        return None;
    };
    let number = Some(caller.number.as_str()).filter(|number| !number.is_empty());
    let who = match user {
        Some(user) => teller.name(user),
        None => number.unwrap_or("a withheld number").to_owned(),
    };
    let who = if *vip { format!("{who}, a VIP,") } else { who };
    let over = trunk
        .as_ref()
        .map_or_else(String::new, |trunk| format!(" over {trunk}"));
    Some(match direction {
        Direction::Inbound | Direction::Internal => format!("{who} called {called}{over}"),
        Direction::Outbound => format!("{who} called {called} outside"),
    })
}

fn queued(teller: &Teller<'_>, event: &Event) -> Option<String> {
    let Event::CallQueued {
        queue,
        user,
        rank,
        priority,
        arrival_us,
        estimate_seconds,
        ..
    } = event
    else {
        return None;
    };
    let place = match (queue, user) {
        (Some(queue), _) => queue.clone(),
        (None, Some(user)) => teller.name(user),
        (None, None) => return None,
    };
    let tier = tier(rank.tier);
    let arrival = teller.clock(*arrival_us);
    let estimate =
        estimate_seconds.map(|seconds| format!("; an answer was likely within {seconds} s"));
    let estimate = estimate.unwrap_or_default();
    Some(format!(
        "it waited for {place}: tier {tier}, priority {priority} (the queue's and the caller's points), arrival {arrival}{estimate}"
    ))
}

const fn left(why: LeftQueue) -> Option<&'static str> {
    match why {
        LeftQueue::Abandoned => Some("the caller gave up waiting"),
        LeftQueue::Ended => Some("its wait was ended by the system"),
        LeftQueue::Interrupted => Some("its wait was cut off by a restart"),
        // Told by what follows.
        LeftQueue::Connected | LeftQueue::Diverted => None,
    }
}

fn alert_ended(name: &str, end: AlertEnd, sip_status: Option<u16>) -> String {
    match end {
        AlertEnd::Accepted => format!("{name} answered"),
        AlertEnd::Rejected => format!("{name} rejected it"),
        AlertEnd::TimedOut => format!("{name} did not answer"),
        AlertEnd::Withdrawn => format!("the phone of {name} was stopped"),
        AlertEnd::Failed => {
            let status = sip_status.map_or_else(String::new, |status| format!(" (SIP {status})"));
            format!("the phone of {name} could not be rung{status}")
        }
    }
}

fn diverted(why: Diversion, queue: &str) -> String {
    match why {
        Diversion::Closed => format!("{queue} was closed"),
        Diversion::Closing => format!("{queue} closed while it waited"),
        Diversion::Full => format!("{queue} was full"),
        Diversion::Refused => format!("{queue} takes nobody in while its agents are away"),
        Diversion::Unavailable => "the user it was for was not there or did not take it".to_owned(),
        Diversion::Removed => format!("{queue} was removed"),
        Diversion::Overflow => format!("it had waited in {queue} for as long as it may"),
        Diversion::Nobody => format!("nobody had been there for it in {queue} for too long"),
        Diversion::ServiceLevel => format!("the service-level action of {queue} sent it"),
    }
}

fn ended(result: EndResult, by: EndedBy) -> String {
    let how = match result {
        EndResult::Answered => "after a talk",
        EndResult::Abandoned => "before anyone answered",
        EndResult::Closed => "since the queue was closed",
        EndResult::Refused => "since the queue took nobody in",
        EndResult::Busy => "since it was busy there",
        EndResult::NoAnswer => "since nobody answered in time",
        EndResult::Failed => "since it could not be put through",
        EndResult::Rejected => "since it was rejected",
        EndResult::Announced => "after an announcement",
        EndResult::Withdrawn => "since it was taken back",
        EndResult::Interrupted => "by a restart",
    };
    let who = match by {
        EndedBy::Caller => "the caller ended it",
        EndedBy::Callee => "the one who was called ended it",
        EndedBy::System => "the system ended it",
        EndedBy::User => "somebody ended it by a command",
    };
    format!("{who} {how}")
}
