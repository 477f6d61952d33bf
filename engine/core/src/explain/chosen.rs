//! The record of a decision gets names.

use alloc::format;
use alloc::string::String;

use super::naming::us;
use crate::engine::Engine;
use crate::event::{Cause, Choice, Claim, Strategy, Team};
use crate::ids::CallId;
use crate::names::Names;

impl Engine {
    /// What a decision leaves on record.
    pub(crate) fn named_choice(&self, choice: &acd::Choice) -> Choice {
        named(&self.names, choice)
    }
}

fn named(names: &Names, choice: &acd::Choice) -> Choice {
    let team = choice.team;
    Choice {
        cause: match choice.cause {
            acd::Cause::Chosen => Cause::Chosen,
            acd::Cause::Held => Cause::Held,
            acd::Cause::ForAll => Cause::ForAll,
            acd::Cause::PickedUp => Cause::PickedUp,
        },
        strategy: strategy(choice.strategy),
        chosen: claim(names, &choice.chosen),
        runner_up: choice.runner_up.as_ref().map(|it| claim(names, it)),
        next: choice.next.map(|interaction| CallId(interaction.0)),
        waiting: choice.waiting,
        team: Team {
            offline: team.offline,
            on_break: team.on_break,
            busy: team.busy,
            too_early: team.too_early,
            barred: team.barred,
            free: team.free,
        },
    }
}

pub(super) fn claim(names: &Names, claim: &acd::Claim) -> Claim {
    let agent = names.username(claim.agent).map(String::from);
    Claim {
        agent: agent.unwrap_or_else(|| format!("{}", claim.agent)),
        merit: claim.merit,
        idle_since_us: us(claim.idle_since),
    }
}

const fn strategy(strategy: acd::config::Strategy) -> Strategy {
    match strategy {
        acd::config::Strategy::LongestIdle => Strategy::LongestIdle,
        acd::config::Strategy::RoundRobin => Strategy::RoundRobin,
        acd::config::Strategy::FewestCalls => Strategy::FewestCalls,
        acd::config::Strategy::LeastOccupied => Strategy::LeastOccupied,
        acd::config::Strategy::FixedOrder => Strategy::FixedOrder,
        acd::config::Strategy::SkillLevel => Strategy::SkillLevel,
        acd::config::Strategy::WeightedRandom => Strategy::WeightedRandom,
        acd::config::Strategy::RingAll => Strategy::RingAll,
    }
}
