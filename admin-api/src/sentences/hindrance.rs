//! What keeps an agent from a call, as a word for programs and as words for people.

use engine::explain::{Hindrance, Reason};

use super::Teller;

/// The word for programs.
pub(crate) const fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::NotWaiting => "not-waiting",
        Reason::NotAssigned => "not-assigned",
        Reason::LeftQueue => "left-queue",
        Reason::Offline => "offline",
        Reason::OnBreak => "break",
        Reason::WrapUp => "wrap-up",
        Reason::NoPhone => "no-phone",
        Reason::PhoneLeftAlone => "phone-left-alone",
        Reason::Alerting => "alerting",
        Reason::Busy => "busy",
        Reason::OwnCall => "own-call",
        Reason::Unskilled => "skill",
        Reason::Rejected => "rejected",
        Reason::NotAnswered => "not-answered",
        Reason::Delay => "delay",
        Reason::QueueBusy => "max-busy",
        Reason::HeldFor => "held",
    }
}

/// What is said of one, and of several or oneself: "1 is on break", "2 are on break", "you are on break".
pub(super) const fn predicate(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::NotWaiting => ("finds it taken", "find it taken"),
        Reason::NotAssigned => (
            "is not assigned to its queue",
            "are not assigned to its queue",
        ),
        Reason::LeftQueue => ("has left the queue", "have left the queue"),
        Reason::Offline => ("is offline", "are offline"),
        Reason::OnBreak => ("is on break", "are on break"),
        Reason::WrapUp => ("is in wrap-up", "are in wrap-up"),
        Reason::NoPhone => ("has no phone registered", "have no phone registered"),
        Reason::PhoneLeftAlone => (
            "has a phone that just failed",
            "have a phone that just failed",
        ),
        Reason::Alerting => ("is being rung", "are being rung"),
        Reason::Busy => ("is on a call", "are on a call"),
        Reason::OwnCall => ("is on a call of their own", "are on a call of their own"),
        Reason::Unskilled => ("lacks a skill", "lack a skill"),
        Reason::Rejected => ("has rejected it", "have rejected it"),
        Reason::NotAnswered => ("did not answer it", "did not answer it"),
        Reason::Delay => ("gets callers only later", "get callers only later"),
        Reason::QueueBusy => (
            "is free while the queue has as many busy as it may",
            "are free while the queue has as many busy as it may",
        ),
        Reason::HeldFor => (
            "is free while it is held for another",
            "are free while it is held for another",
        ),
    }
}

/// The same of one agent with its facts: "is on break (lunch)".
pub(crate) fn detail(teller: &Teller<'_>, by: &Hindrance) -> String {
    with_facts(teller, by, predicate(by.reason).0)
}

/// The same of oneself: "are on break (lunch)".
pub(super) fn own_detail(teller: &Teller<'_>, by: &Hindrance) -> String {
    with_facts(teller, by, predicate(by.reason).1)
}

fn with_facts(teller: &Teller<'_>, by: &Hindrance, said: &str) -> String {
    let until = by.until_us.map(|at| teller.clock(at));
    let fact = match by.reason {
        Reason::OnBreak => by.aux_code.as_ref().map(|code| format!("({code})")),
        Reason::Delay => until.map(|at| format!("until {at}")),
        Reason::WrapUp => {
            let code = by
                .call
                .map(|call| format!("the wrap-up code of call {call} is given"));
            let both: Vec<String> = until.into_iter().chain(code).collect();
            (!both.is_empty()).then(|| format!("until {}", both.join(" and ")))
        }
        Reason::PhoneLeftAlone => until.map(|at| format!("and is tried again at {at}")),
        Reason::NotAnswered => until.map(|at| format!("and may be rung again at {at}")),
        Reason::Alerting => by.call.map(|call| format!("for {}", teller.call(call))),
        Reason::Busy => by.call.map(|call| format!("with {}", teller.call(call))),
        Reason::QueueBusy => by.max_busy.map(|most| format!("({most})")),
        Reason::HeldFor => {
            let agent = by.agent.as_ref();
            agent.map(|agent| format!("({})", teller.name(agent)))
        }
        Reason::Unskilled => by.lack.as_ref().map(|lack| {
            let later = until.map_or_else(String::new, |at| format!(", and will do at {at}"));
            format!(
                "({} at level {}, has {}{later})",
                lack.skill, lack.needs, lack.has
            )
        }),
        Reason::NotWaiting
        | Reason::NotAssigned
        | Reason::LeftQueue
        | Reason::Offline
        | Reason::NoPhone
        | Reason::OwnCall
        | Reason::Rejected => None,
    };
    fact.map_or_else(|| said.to_owned(), |fact| format!("{said} {fact}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Reason; 17] = [
        Reason::NotWaiting,
        Reason::NotAssigned,
        Reason::LeftQueue,
        Reason::Offline,
        Reason::OnBreak,
        Reason::WrapUp,
        Reason::NoPhone,
        Reason::PhoneLeftAlone,
        Reason::Alerting,
        Reason::Busy,
        Reason::OwnCall,
        Reason::Unskilled,
        Reason::Rejected,
        Reason::NotAnswered,
        Reason::Delay,
        Reason::QueueBusy,
        Reason::HeldFor,
    ];

    #[test]
    fn no_two_reasons_share_a_word_or_a_saying() {
        let mut words = ALL.map(word);
        let mut sayings = ALL.map(predicate);
        words.sort_unstable();
        sayings.sort_unstable();
        assert!(words.windows(2).all(|two| two[0] != two[1]));
        assert!(sayings.windows(2).all(|two| two[0] != two[1]));
    }
}
