//! Random centres, thousands of calls, time ours to move; after every step the core has decided what the rules say.
//!
//! Four watchers, none of which knows another: the [`model`] says what must come out, the [`invariants`] are
//! checked from outside, the index is compared with one built anew, and the journal is played back from the last checkpoint.
//!
//! 30 seeds of 1,000 calls; `make soak` plays 1,000 seeds (`SIM_SEEDS`, `SIM_CALLS`), `SIM_SEED=42` for one seed alone.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

mod choice;
mod invariants;
mod model;
mod random;
mod why;
mod world;

use std::collections::BTreeSet;
use std::env;
use std::time::Duration;

use acd::{Acd, AgentId, Denial, Input, MatchId, Output, Stage, Target, WithdrawReason};
use invariants::Invariants;
use model::{Model, Place};
use world::World;

/// Monday, 2 November 2026, 08:00 UTC.
const START: Duration = Duration::from_secs(1_793_606_400);

struct Simulation {
    world: World,
    acd: Acd,
    model: Model,
    invariants: Invariants,
    now: Duration,
    journal: Journal,
    /// All outputs of the run, hashed.
    digest: u64,
    steps: u64,
    seen: BTreeSet<String>,
}

/// What the store would hold: a checkpoint, and the inputs since.
struct Journal {
    checkpoint: Vec<u8>,
    records: Vec<(u64, Vec<u8>)>,
    outputs: Vec<Output>,
}

impl Simulation {
    fn new(seed: u64, calls: u64) -> Self {
        let acd = Acd::new(world::first_incarnation());
        Self {
            world: World::new(seed, START, calls),
            journal: Journal::from(&acd),
            acd,
            model: Model::new(world::first_incarnation()),
            invariants: Invariants::default(),
            now: START,
            digest: 0xcbf2_9ce4_8422_2325,
            steps: 0,
            seen: BTreeSet::new(),
        }
    }

    fn run(mut self) -> Summary {
        for input in self.world.opening() {
            self.step(&input);
        }
        while !self.world.is_over() {
            let moments = [self.acd.poll_timeout(), self.world.next_moment()];
            let next = moments.into_iter().flatten().min();
            self.now = self
                .now
                .max(next.expect("callers are left, so something is planned"));
            self.now += self.world.lateness();
            let inputs = self.world.happens(self.now);
            if inputs.is_empty() {
                self.step(&Input::Timeout);
            }
            for input in inputs {
                self.step(&input);
            }
        }
        self.journal.replay(&self.acd);
        Summary {
            digest: self.digest,
            state: self.acd.state_hash(),
            steps: self.steps,
            seen: self.seen,
        }
    }

    fn step(&mut self, input: &Input) {
        self.steps += 1;
        self.journal.write(self.now, input);
        self.acd.watch_for([MatchId(self.model.next_match)]);
        match input {
            Input::Timeout => self.acd.handle_timeout(self.now),
            other => self.acd.handle_input(self.now, other.clone()),
        }
        let outputs: Vec<_> = std::iter::from_fn(|| self.acd.poll_output()).collect();
        let expected = self.model.step(self.now, input);
        self.compare(input, &outputs, expected);
        why::decisions_name_all_who_could(&self.acd.take_decisions(), &self.model);
        self.invariants.check(self.now, input, &outputs, &self.acd);
        if self.steps.is_multiple_of(16) {
            assert!(
                self.acd.is_consistent(),
                "the index differs from one built anew"
            );
            self.early_calls_are_harmless();
        }
        self.journal.outputs.extend_from_slice(&outputs);
        if self.steps.is_multiple_of(500) {
            self.journal.replay(&self.acd);
            self.journal = Journal::from(&self.acd);
        }
        self.digest = fold(self.digest, &outputs);
        self.seen.extend(outputs.iter().filter_map(ending));
        self.world.reacts(self.now, &outputs);
    }

    /// The core and the model agree on all that can be seen.
    fn compare(&self, input: &Input, outputs: &[Output], expected: Vec<Output>) {
        let decisions = |outputs: &[Output]| {
            let mut all: Vec<_> = outputs
                .iter()
                .filter(|it| !matches!(it, Output::AgentStateChanged { .. }))
                .map(|it| format!("{it:?}"))
                .collect();
            all.sort();
            all
        };
        let (decided, expected) = (decisions(outputs), decisions(&expected));
        assert_eq!(decided, expected, "at {:?} on {input:?}", self.now - START);
        for output in outputs {
            if let Output::AgentStateChanged { agent, state } = output
                && let Some(view) = self.acd.agent(*agent)
            {
                assert_eq!(state, view.state, "what was told of {agent} is so");
            }
        }
        for (id, agent) in &self.model.agents {
            let view = self.acd.agent(*id).expect("the model knows them");
            assert_eq!(
                *view.state,
                self.model.shown(*id),
                "agent {id} on {input:?}"
            );
            assert_eq!(
                view.counters, agent.counters,
                "counters of {id} on {input:?}"
            );
            assert_eq!(view.free, self.model.is_free(self.now, agent), "agent {id}");
        }
        assert_eq!(self.acd.agents().count(), self.model.agents.len());
        self.compare_queues();
        why::everybody_is_explained(self.now, &self.acd, &self.model);
        let next = self.model.next_moment(self.now);
        assert_eq!(
            self.acd.poll_timeout(),
            next,
            "the next deadline after {input:?}"
        );
    }

    fn compare_queues(&self) {
        assert_eq!(self.acd.interactions().count(), self.model.calls.len());
        let mut ranked: Vec<_> = self.model.calls.values().collect();
        ranked.sort_by_key(|call| call.rank);
        let queues = self.model.queues.keys().map(|id| Target::Queue(*id));
        let agents = (0..12).map(|id| Target::Personal(AgentId(id)));
        for target in queues.chain(agents) {
            let here = ranked.iter().filter(|call| call.enqueue.to == target);
            let waiting = here.clone().filter(|call| call.place == Place::Waiting);
            let waiting = waiting.map(|call| call.enqueue.interaction);
            let listed = self.acd.waiting(target).map(|view| view.interaction);
            assert!(listed.eq(waiting), "those waiting at {target:?}, in order");
            let unanswered = here.filter(|call| !matches!(call.place, Place::Connected(_)));
            for (place, call) in unanswered.enumerate() {
                let position = self.acd.position(call.enqueue.interaction);
                assert!(
                    position.is_none_or(|at| at == place as u32 + 1),
                    "{target:?}"
                );
                let view = self.acd.interaction(call.enqueue.interaction).unwrap();
                assert!(position.is_some() || view.stage != Stage::Waiting);
            }
        }
    }

    /// A `handle_timeout` before its time changes nothing, so it need not be journalled.
    fn early_calls_are_harmless(&mut self) {
        if self.acd.poll_timeout().is_some_and(|at| at <= self.now) {
            return;
        }
        let before = self.acd.encode();
        self.acd.handle_timeout(self.now);
        assert_eq!(self.acd.poll_output(), None);
        assert_eq!(self.acd.encode(), before);
    }
}

impl Journal {
    fn from(acd: &Acd) -> Self {
        Self {
            checkpoint: acd.encode(),
            records: Vec::new(),
            outputs: Vec::new(),
        }
    }

    fn write(&mut self, now: Duration, input: &Input) {
        let bytes = minicbor::to_vec(input).unwrap();
        self.records.push((now.as_micros() as u64, bytes));
    }

    /// I8: what is rebuilt equals what wrote it, and I7: it decides the same again.
    fn replay(&self, written_by: &Acd) {
        let mut acd = Acd::decode(&self.checkpoint).unwrap();
        let mut outputs = Vec::new();
        for (micros, bytes) in &self.records {
            let input: Input = minicbor::decode(bytes).unwrap();
            acd.handle_input(Duration::from_micros(*micros), input);
            outputs.extend(std::iter::from_fn(|| acd.poll_output()));
        }
        assert!(
            outputs.starts_with(&self.outputs),
            "I7: played back, it decides otherwise"
        );
        assert_eq!(
            acd.state_hash(),
            written_by.state_hash(),
            "I8: state differs"
        );
        assert!(acd.encode() == written_by.encode(), "I8: bytes differ");
    }
}

#[derive(Debug, PartialEq)]
struct Summary {
    digest: u64,
    state: u128,
    steps: u64,
    seen: BTreeSet<String>,
}

fn fold(digest: u64, outputs: &[Output]) -> u64 {
    let bytes = outputs.iter().flat_map(|it| minicbor::to_vec(it).unwrap());
    bytes.fold(digest, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// How an alert or a wait came to its end, in a word.
fn ending(output: &Output) -> Option<String> {
    match output {
        Output::AlertFinished { how, .. } => Some(format!("{how:?}")),
        Output::Divert { reason, .. } => Some(format!("Divert{reason:?}")),
        Output::Refuse { reason, .. } => Some(format!("Refuse{reason:?}")),
        Output::Withdraw {
            reason: WithdrawReason::Stale,
            ..
        } => Some("Stale".into()),
        Output::Denied { why, .. } => Some(match why {
            Denial::Taken { .. } => "DeniedTaken".into(),
            Denial::HeldFor { .. } => "DeniedHeldFor".into(),
            why => format!("Denied{why:?}"),
        }),
        Output::Held { agent, .. } => {
            Some(if agent.is_some() { "Held" } else { "Released" }.into())
        }
        Output::Alert {
            picked_up: true, ..
        } => Some("PickedUp".into()),
        Output::ServiceLevelReached { step, .. } => Some(format!("{step:?}")),
        Output::Unattended { .. } => Some("Unattended".into()),
        Output::Attended { .. } => Some("Attended".into()),
        Output::Alert { .. }
        | Output::Withdraw { .. }
        | Output::Connect { .. }
        | Output::Entered { .. }
        | Output::AgentStateChanged { .. }
        | Output::AgentRemoved { .. } => None,
    }
}

/// A simulation in which something never happens shows nothing about it.
const ENDINGS: [&str; 56] = [
    "Accepted",
    "Rejected",
    "TimedOut",
    "Failed { status: 404 }",
    "Failed { status: 408 }",
    "Failed { status: 480 }",
    "Failed { status: 486 }",
    "Failed { status: 503 }",
    "Failed { status: 600 }",
    "Withdrawn(CallerGone)",
    "Withdrawn(Break)",
    "Withdrawn(Logout)",
    "Withdrawn(AgentRemoved)",
    "Withdrawn(Restart)",
    "Withdrawn(PickedUp)",
    "Withdrawn(Instead)",
    "Withdrawn(Answered)",
    "Withdrawn(TimedOut)",
    "PickedUp",
    "DeniedNotWaiting",
    "DeniedTaken",
    "DeniedNotAssigned",
    "DeniedOffline",
    "DeniedNoPhone",
    "DeniedHeldFor",
    "DeniedOnBreak",
    "DeniedReservedBefore",
    "DeniedRejected",
    "DeniedNotReserved",
    "DeniedUnskilled",
    "Held",
    "Released",
    "Stale",
    "DivertClosed",
    "DivertQueueRemoved",
    "DivertAgentRemoved",
    "DivertAgentOffline",
    "DivertAgentOnBreak",
    "DivertAgentRejected",
    "DivertAgentNoAnswer",
    "DivertMaxWait",
    "DivertAgentUnreachable",
    "DivertNobody",
    "DivertServiceLevel",
    "Unattended",
    "Attended",
    "Raise(3)",
    "Raise(-1)",
    "Notify",
    "Go",
    "RefuseClosed",
    "RefuseFull",
    "RefuseNobodyLoggedIn",
    "RefuseNobodyAvailable",
    "RefuseUnknown",
    "RefuseDuplicate",
];

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().expect("a number"))
}

#[test]
fn random_centres_keep_rules_and_invariants() {
    let calls = setting("SIM_CALLS", 1_000);
    let seeds = match setting("SIM_SEED", 0) {
        0 => 1..=setting("SIM_SEEDS", 30),
        seed => seed..=seed,
    };
    let whole = seeds.clone().count() >= 30 && calls >= 1_000;
    let mut seen = BTreeSet::new();
    for seed in seeds {
        let run = std::panic::catch_unwind(|| Simulation::new(seed, calls).run());
        match run {
            Ok(summary) => seen.extend(summary.seen),
            Err(panic) => {
                println!("seed {seed}: SIM_SEED={seed} SIM_CALLS={calls} shows it again");
                std::panic::resume_unwind(panic);
            }
        }
    }
    for ending in ENDINGS {
        assert!(!whole || seen.contains(ending), "{ending} never happened");
    }
}

#[test]
fn i7_the_same_seed_gives_the_same_bytes() {
    let (first, second) = (
        Simulation::new(42, 300).run(),
        Simulation::new(42, 300).run(),
    );
    assert_eq!(first, second);
    let other = Simulation::new(43, 300).run();
    assert_ne!(first.digest, other.digest);
}
