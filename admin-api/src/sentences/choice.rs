//! Why an agent was alerted.

use engine::event::{Cause, Choice, Claim, Strategy};

use super::{Teller, count, enumerate, sentence};

/// One decision, as one or more sentences.
pub(crate) fn choice(teller: &Teller<'_>, agent: &str, choice: &Choice) -> String {
    let name = teller.name(agent);
    let mut said = vec![sentence(&cause(teller, &name, choice))];
    said.extend(others(choice).map(|others| sentence(&others)));
    said.extend(passed_over(teller, &name, choice).map(|over| sentence(&over)));
    said.join(" ")
}

fn cause(teller: &Teller<'_>, name: &str, choice: &Choice) -> String {
    match choice.cause {
        Cause::Chosen => chosen(teller, name, choice),
        Cause::Held => format!("{name} was rung, for whom it was held"),
        Cause::ForAll => format!("{name} was rung, as everybody was who was free for it"),
        Cause::PickedUp => format!("{name} picked it up"),
    }
}

fn chosen(teller: &Teller<'_>, name: &str, choice: &Choice) -> String {
    let Some(runner_up) = &choice.runner_up else {
        return format!("{name} was rung: nobody else was free for it");
    };
    let free = choice.team.free;
    let other = teller.name(&runner_up.agent);
    let (merit, compared) = (
        merit(teller, choice.strategy, &choice.chosen),
        fact(teller, choice.strategy, runner_up),
    );
    format!(
        "{name} was chosen of {free} free agents, who {merit}; next would have been {other} ({compared})"
    )
}

/// What spoke for the chosen one.
fn merit(teller: &Teller<'_>, strategy: Strategy, claim: &Claim) -> String {
    let fact = fact(teller, strategy, claim);
    match strategy {
        Strategy::LongestIdle | Strategy::RingAll => format!("had been idle longest ({fact})"),
        Strategy::RoundRobin => format!("had the turn ({fact})"),
        Strategy::FewestCalls => format!("had taken the fewest calls ({fact})"),
        Strategy::LeastOccupied => format!("had been occupied least ({fact})"),
        Strategy::FixedOrder => format!("stands first ({fact})"),
        Strategy::SkillLevel => format!("has the highest level ({fact})"),
        Strategy::WeightedRandom => format!("had the lot ({fact})"),
    }
}

/// The key by which two agents are compared.
fn fact(teller: &Teller<'_>, strategy: Strategy, claim: &Claim) -> String {
    let idle = format!("idle since {}", teller.clock(claim.idle_since_us));
    let merit = claim.merit;
    match strategy {
        Strategy::LongestIdle | Strategy::RingAll => idle,
        Strategy::RoundRobin if merit == 0 => format!("no turn yet, {idle}"),
        Strategy::RoundRobin => format!("last turn number {merit}"),
        Strategy::FewestCalls => format!("{merit} today, {idle}"),
        Strategy::LeastOccupied => {
            format!("{}.{} %, {idle}", merit / 10_000, merit / 1_000 % 10)
        }
        Strategy::FixedOrder => format!("order {merit}, {idle}"),
        Strategy::SkillLevel => format!("level {merit}, {idle}"),
        Strategy::WeightedRandom => format!("{} after the start", merit >> 32),
    }
}

/// The agents who could not have it.
fn others(choice: &Choice) -> Option<String> {
    let team = choice.team;
    let parts: Vec<String> = [
        (team.busy, "had something to do or no phone"),
        (team.on_break, "on break"),
        (team.offline, "offline"),
        (team.barred, "had rejected it or not answered"),
        (
            team.too_early,
            "will do only for those who have waited longer",
        ),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, said)| format!("{count} {said}"))
    .collect();
    let told = enumerate(&parts);
    (!parts.is_empty()).then(|| format!("of the queue's other agents {told}"))
}

/// The calls that waited on.
fn passed_over(teller: &Teller<'_>, name: &str, choice: &Choice) -> Option<String> {
    if choice.waiting == 0 {
        return None;
    }
    let on = format!(
        "{} waited on in the queue",
        count(choice.waiting, "other call")
    );
    Some(match choice.next {
        Some(next) => format!(
            "{on}, of which {name} would have had {} next",
            teller.call(next)
        ),
        None if choice.cause == Cause::PickedUp => on,
        None => format!("{on}, none of them for {name}"),
    })
}
