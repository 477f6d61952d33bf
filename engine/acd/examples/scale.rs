//! What an input costs as queues grow: `cargo run --release -p acd --example scale [WAITING ROUNDS]`.
//!
//! A centre of 10,000 agents and 1,000 queues, each agent in ten, with ever more callers waiting. The queues go by all strategies that
//! choose one agent, half of them ask for one of 50 skills and relax it after a while, and every fifth agent sees callers later.
//! In each round a caller comes, an agent hangs up, gets the best-ranked caller, rings and accepts; one in a hundred rejects and gets the
//! next one, and one caller in twenty is reserved.
#![allow(clippy::print_stdout, reason = "it is what this program is for")]
#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use acd::config::{
    AgentConfig, Assignment, JoinWhen, PersonalConfig, QueueConfig, Relaxation, Skill, Strategy,
    WhenClosing, WhenNobody, WrapUp,
};
use acd::{
    Acd, AcdConfig, AgentChange, AgentId, AlertEnd, Device, Enqueue, EntryKind, Incarnation, Input,
    InteractionId, MatchId, Output, QueueId, SkillId, Target, Tier,
};

const AGENTS: u32 = 10_000;
const QUEUES: u32 = 1_000;
const SKILLS: u32 = 50;
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
    lot: u64,
    next_caller: u64,
    alerts: VecDeque<MatchId>,
    talks: Vec<InteractionId>,
    lately: VecDeque<(InteractionId, u32)>,
    nanos: Vec<u32>,
    outputs: u64,
    digest: u64,
}

#[inline(never)]
fn turn(acd: &mut Acd, now: Duration, input: Input, outputs: &mut Vec<Output>) {
    acd.handle_input(now, input);
    while let Some(output) = acd.poll_output() {
        outputs.push(output);
    }
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
            lot: 1,
            next_caller: 0,
            alerts: VecDeque::new(),
            talks: Vec::new(),
            lately: VecDeque::new(),
            nanos: Vec::new(),
            outputs: 0,
            digest: 0,
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
            let device = Device::Registered;
            let change = AgentChange::Login { device };
            let agent = AgentId(agent);
            bench.input(Input::AgentChanged { agent, change });
        }
        for _ in 0..AGENTS {
            bench.caller();
            bench.answer();
        }
        bench
    }

    fn lot(&mut self) -> u64 {
        self.lot ^= self.lot << 13;
        self.lot ^= self.lot >> 7;
        self.lot ^= self.lot << 17;
        self.lot
    }

    fn input(&mut self, input: Input) {
        self.now += Duration::from_millis(1);
        let mut outputs = Vec::new();
        let start = Instant::now();
        turn(&mut self.acd, self.now, input, &mut outputs);
        self.nanos.push(start.elapsed().as_nanos() as u32);
        for output in outputs {
            self.outputs += 1;
            match output {
                Output::Alert {
                    match_id,
                    interaction,
                    agent,
                    ..
                } => {
                    self.digest = (self.digest ^ interaction.0 ^ (u64::from(agent.0) << 40))
                        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                        .rotate_left(17);
                    self.alerts.push_back(match_id);
                }
                Output::Connect { interaction, .. } => self.talks.push(interaction),
                Output::Entered { position, .. } => {
                    self.digest = (self.digest ^ u64::from(position))
                        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                        .rotate_left(17);
                }
                Output::Withdraw { .. }
                | Output::Divert { .. }
                | Output::Refuse { .. }
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
        let lot = self.lot();
        let (interaction, queue) = (InteractionId(self.next_caller), (lot >> 20) as u32 % QUEUES);
        self.lately.push_back((interaction, queue));
        self.input(Input::Enqueue(Enqueue {
            interaction,
            to: Target::Queue(QueueId(queue)),
            tier: Tier::Normal,
            priority: (lot & 0xffff) as i32 % 20,
            arrival: self.now,
            kind: EntryKind::New,
            service_acted: false,
            sticky: None,
        }));
        if self.lately.len() > 1_000 {
            let (interaction, queue) = self.lately.pop_front().expect("there are a thousand");
            if lot >> 54 < 51 {
                let agent = agent_of(queue, (lot >> 40) as u32 % 10);
                self.input(Input::Reserve { interaction, agent });
            }
        }
    }

    /// All whose phones ring answer.
    fn answer(&mut self) {
        while let Some(match_id) = self.alerts.pop_front() {
            self.input(Input::AlertRinging { match_id });
            let end = if self.lot() % 100 == 0 {
                AlertEnd::Rejected
            } else {
                AlertEnd::Accepted
            };
            self.input(Input::AlertEnded { match_id, end });
        }
    }

    #[inline(never)]
    fn round(&mut self) {
        self.caller();
        self.answer();
        let lot = self.lot() as usize;
        if self.talks.len() >= AGENTS as usize - 100 {
            let nth = lot % self.talks.len();
            let interaction = self.talks.swap_remove(nth);
            self.input(Input::InteractionEnded { interaction });
        }
        self.answer();
    }
}

/// One of the agents of a queue.
fn agent_of(queue: u32, nth: u32) -> AgentId {
    // 7 · 143 = 1 modulo 1000.
    AgentId((queue + 10 * QUEUES - nth * 13) * 143 % QUEUES)
}

fn skill(id: u32) -> Skill {
    Skill {
        skill: SkillId(id % SKILLS),
        level: 1,
    }
}

fn anyone_later() -> Relaxation {
    Relaxation {
        after: Duration::from_secs(30),
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
        ring_timeout: Duration::from_secs(20),
        retry_after: Duration::from_secs(15),
        max_no_answer: 1,
        device_retry: Duration::from_secs(5),
        wrap_up: WrapUp::For(Duration::ZERO),
        max_waiting: 0,
        join_when: JoinWhen::Always,
        when_closing: WhenClosing::Stay,
        reservation_limit: Duration::from_secs(120),
        max_wait: Duration::from_secs(6_000),
        nobody_after: Duration::from_secs(30),
        when_nobody: WhenNobody::Stay,
        service_action: None,
        relax: required.iter().map(|_| anyone_later()).collect(),
        skills: required,
        max_busy: 0,
    }
}

fn agent(id: u32) -> AgentConfig {
    let queues = (0..10).map(|nth| QueueId((id * 7 + nth * 13) % QUEUES));
    let later = Duration::from_secs(if id.is_multiple_of(5) { 10 } else { 0 });
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
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|it| it.parse().ok())
        .collect();
    let sizes = numbers
        .first()
        .map_or(vec![100, 1_000, 10_000, 100_000], |it| vec![*it]);
    let rounds = numbers.get(1).copied().unwrap_or(20_000);
    println!(
        "{:>8}  {:>8} {:>8} {:>8} {:>8}  {:>10} {:>8} {:>16}",
        "waiting", "mean", "p50", "p99", "p99.9", "inputs", "outputs", "digest"
    );
    for waiting in sizes {
        let mut bench = Bench::new();
        for _ in 0..waiting {
            bench.caller();
            bench.answer();
        }
        for _ in 0..rounds / 10 {
            bench.round();
        }
        bench.nanos.clear();
        bench.outputs = 0;
        for _ in 0..rounds {
            bench.round();
        }
        let nanos = &mut bench.nanos;
        nanos.sort_unstable();
        let at = |per_mille: usize| nanos[nanos.len() * per_mille / 1_000];
        let mean = nanos.iter().map(|it| u64::from(*it)).sum::<u64>() / nanos.len() as u64;
        println!(
            "{waiting:>8}  {mean:>8} {:>8} {:>8} {:>8}  {:>10} {:>8} {:016x}",
            at(500),
            at(990),
            at(999),
            nanos.len(),
            bench.outputs,
            bench.digest
        );
    }
}
