//! What a decision costs as queues grow: `cargo run --release -p acd --example scale`.
//!
//! A centre of 1,000 agents and 100 queues, each agent in ten, with ever more callers waiting. The queues go by all strategies that
//! choose one agent, half of them ask for one of 50 skills and relax it after a while, and every fifth agent sees callers later. In each round an agent
//! hangs up, gets the best-ranked caller, rejects, gets the next, and accepts; and a new caller comes. The median of rounds is printed
//! per input. Ours is to grow with the logarithm of those waiting at most.
#![allow(clippy::print_stdout, reason = "it is what this program is for")]
#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::time::{Duration, Instant};

use acd::config::{
    AgentConfig, Assignment, JoinWhen, PersonalConfig, QueueConfig, Relaxation, Skill, Strategy,
    WhenClosing, WhenNobody, WrapUp,
};
use acd::{
    Acd, AcdConfig, AgentChange, AgentId, AlertEnd, Device, Enqueue, EntryKind, Incarnation, Input,
    InteractionId, MatchId, Output, QueueId, SkillId, Target, Tier,
};

const AGENTS: u32 = 1_000;
const QUEUES: u32 = 100;
const SKILLS: u32 = 50;
const ROUNDS: u64 = 4_000;
const STRATEGIES: [Strategy; 7] = [
    Strategy::LongestIdle,
    Strategy::RoundRobin,
    Strategy::FewestCalls,
    Strategy::LeastOccupied,
    Strategy::FixedOrder,
    Strategy::SkillLevel,
    Strategy::WeightedRandom,
];

struct Bench {
    acd: Acd,
    now: Duration,
    next_caller: u64,
    inputs: u64,
    alerts: Vec<(MatchId, InteractionId)>,
    talks: Vec<InteractionId>,
}

impl Bench {
    fn new() -> Self {
        let incarnation = Incarnation {
            epoch: 1,
            node: 1,
            number: 1,
        };
        let mut bench = Self {
            acd: Acd::new(incarnation),
            now: Duration::from_secs(1_000_000),
            next_caller: 0,
            inputs: 0,
            alerts: Vec::new(),
            talks: Vec::new(),
        };
        let config = AcdConfig {
            queues: (0..QUEUES).map(queue).collect(),
            agents: (0..AGENTS).map(agent).collect(),
        };
        bench.input(Input::ConfigChanged(Box::new(config)));
        for queue in 0..QUEUES {
            let queue = QueueId(queue);
            bench.input(Input::QueueOpened { queue });
        }
        for agent in 0..AGENTS {
            bench.caller();
            let device = Device::Registered;
            let change = AgentChange::Login { device };
            let agent = AgentId(agent);
            bench.input(Input::AgentChanged { agent, change });
        }
        bench
    }

    fn input(&mut self, input: Input) {
        self.now += Duration::from_micros(50);
        self.inputs += 1;
        self.acd.handle_input(self.now, input);
        while let Some(output) = self.acd.poll_output() {
            match output {
                Output::Alert {
                    match_id,
                    interaction,
                    ..
                } => self.alerts.push((match_id, interaction)),
                Output::Connect { interaction, .. } => self.talks.push(interaction),
                Output::Withdraw { .. }
                | Output::Divert { .. }
                | Output::Refuse { .. }
                | Output::Entered { .. }
                | Output::AlertFinished { .. }
                | Output::AgentStateChanged { .. }
                | Output::ServiceLevelReached { .. }
                | Output::Unattended { .. }
                | Output::Attended { .. }
                | Output::AgentRemoved { .. }
                | Output::Denied { .. }
                | Output::Held { .. } => {}
            }
        }
    }

    fn caller(&mut self) {
        self.next_caller += 1;
        let spread = self.next_caller.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.input(Input::Enqueue(Enqueue {
            interaction: InteractionId(self.next_caller),
            to: Target::Queue(QueueId((spread >> 40) as u32 % QUEUES)),
            tier: Tier::Normal,
            priority: (spread >> 20) as i32 % 20,
            arrival: self.now,
            kind: EntryKind::New,
            service_acted: false,
            sticky: None,
        }));
    }

    fn end(&mut self, end: AlertEnd) {
        if let Some((match_id, _)) = self.alerts.pop() {
            self.input(Input::AlertEnded { match_id, end });
        }
    }

    fn round(&mut self) {
        self.caller();
        if self.next_caller.is_multiple_of(20) {
            self.end(AlertEnd::Rejected);
        }
        self.end(AlertEnd::Accepted);
        if !self.talks.is_empty() {
            let interaction = self.talks.remove(0);
            self.input(Input::InteractionEnded { interaction });
        }
    }
}

fn skill(id: u32) -> Skill {
    Skill {
        skill: SkillId(id % SKILLS),
        level: 1,
    }
}

fn anyone_later() -> Relaxation {
    Relaxation {
        after: Duration::from_millis(300),
        skills: Vec::new(),
    }
}

fn queue(id: u32) -> QueueConfig {
    let required: Vec<_> = id
        .is_multiple_of(2)
        .then(|| skill(id))
        .into_iter()
        .collect();
    QueueConfig {
        id: QueueId(id),
        priority: 0,
        ageing: Duration::from_secs(10),
        strategy: STRATEGIES[id as usize % STRATEGIES.len()],
        ring_timeout: Duration::from_secs(20_000),
        retry_after: Duration::from_secs(15),
        max_no_answer: 1,
        device_retry: Duration::from_secs(5),
        wrap_up: WrapUp::For(Duration::ZERO),
        max_waiting: 0,
        join_when: JoinWhen::Always,
        when_closing: WhenClosing::Stay,
        reservation_limit: Duration::from_secs(120),
        max_wait: Duration::from_secs(600),
        nobody_after: Duration::from_secs(30),
        when_nobody: WhenNobody::Stay,
        service_action: None,
        relax: required.iter().map(|_| anyone_later()).collect(),
        skills: required,
        max_busy: 0,
        code_required: false,
    }
}

fn agent(id: u32) -> AgentConfig {
    let queues = (0..10).map(|nth| QueueId((id * 7 + nth * 13) % QUEUES));
    let later = Duration::from_millis(if id.is_multiple_of(5) { 100 } else { 0 });
    let assignment = |queue| Assignment {
        delay: later,
        order: id % 3,
        level: id % 4,
        ..Assignment::to(queue)
    };
    AgentConfig {
        id: AgentId(id),
        queues: queues.map(assignment).collect(),
        direct_call_priority: 0,
        personal: PersonalConfig {
            ring_timeout: Duration::from_secs(20),
            max_wait: Duration::ZERO,
            wrap_up: WrapUp::For(Duration::ZERO),
            max_no_answer: 1,
            device_retry: Duration::from_secs(5),
        },
        skills: (id..id + 25).map(skill).collect(),
    }
}

fn main() {
    println!(
        "{:>8}  {:>12}  {:>10}",
        "waiting", "µs per input", "inputs/s"
    );
    for waiting in [10, 100, 1_000, 10_000, 100_000] {
        let mut bench = Bench::new();
        for _ in 0..waiting {
            bench.caller();
        }
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let (before, start) = (bench.inputs, Instant::now());
            bench.round();
            let nanos = start.elapsed().as_nanos() as u64;
            rounds.push(nanos / (bench.inputs - before));
        }
        rounds.sort_unstable();
        let median = rounds[rounds.len() / 2].max(1);
        let per_second = 1_000_000_000 / median;
        println!(
            "{waiting:>8}  {:>12.2}  {per_second:>10}",
            median as f64 / 1_000.0
        );
    }
}
