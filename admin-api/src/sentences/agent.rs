//! Why an agent gets nothing.

use engine::explain::{Kept, QueueForAgent, WhyNothing};

use super::hindrance::own_detail;
use super::{Teller, count, detail, sentence};

/// What is said of an agent, to themselves as "you"; the first sentence says the most.
pub(crate) fn nothing(
    teller: &Teller<'_>,
    username: &str,
    is_me: bool,
    why: &WhyNothing,
) -> Vec<String> {
    let who = if is_me {
        "you".to_owned()
    } else {
        teller.name(username)
    };
    let waiting = why.queues.iter().map(|queue| queue.waiting).sum();
    let mut said = vec![sentence(&headline(teller, &who, is_me, why, waiting))];
    if why.hindrance.is_none() {
        said.extend(why.queues.iter().filter_map(|queue| kept(teller, queue)));
        said.extend(
            why.queues
                .iter()
                .filter_map(|queue| preferred(&who, is_me, queue)),
        );
    }
    said
}

fn headline(teller: &Teller<'_>, who: &str, is_me: bool, why: &WhyNothing, waiting: u32) -> String {
    let (get, are) = if is_me {
        ("get", "are")
    } else {
        ("gets", "is")
    };
    let waits = if waiting == 1 { "waits" } else { "wait" };
    let callers = count(waiting, "caller");
    let whose = if is_me { "your" } else { "their" };
    match &why.hindrance {
        Some(by) => {
            let (they, said) = match is_me {
                true => ("you", own_detail(teller, by)),
                false => ("they", own_detail(teller, by)),
            };
            let since = teller.clock(why.since_us);
            format!(
                "{who} {get} nothing because {they} {said}, as has been so since {since}; {callers} {waits} in {whose} queues"
            )
        }
        None if waiting == 0 => format!("{who} {are} free, and nobody waits in {whose} queues"),
        None => format!("{who} {are} free, but may have none of the {callers} in {whose} queues"),
    }
}

/// Why the first of those who wait in a queue do not come.
fn kept(teller: &Teller<'_>, queue: &QueueForAgent) -> Option<String> {
    let parts: Vec<_> = queue
        .kept
        .iter()
        .map(|kept| one_kept(teller, kept))
        .collect();
    let queue = queue.queue.as_deref().unwrap_or("direct calls");
    (!parts.is_empty()).then(|| sentence(&format!("in {queue}: {}", parts.join("; "))))
}

fn one_kept(teller: &Teller<'_>, kept: &Kept) -> String {
    let others = match kept.count {
        0 | 1 => String::new(),
        more => format!(" (and {} for the same reason)", count(more - 1, "other")),
    };
    format!(
        "for {}{others} the agent {}",
        teller.call(kept.first),
        detail(teller, &kept.by)
    )
}

/// How many stand before them for the next caller.
fn preferred(who: &str, is_me: bool, queue: &QueueForAgent) -> Option<String> {
    let name = queue.queue.as_ref()?;
    let are = if is_me { "are" } else { "is" };
    Some(sentence(&match queue.preferred? {
        0 => format!("{who} {are} first in line for the next caller of {name}"),
        before => {
            let before = count(before, "free agent");
            format!("{before} would get the next caller of {name} before {who}")
        }
    }))
}
