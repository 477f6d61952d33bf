//! A made-up centre: callers with patience, agents with moods, phones with faults.
//!
//! It produces inputs at random moments and reacts to outputs as callers, phones and people would, a while later.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use acd::config::{
    AgentConfig, Assignment, JoinWhen, PersonalConfig, QueueConfig, Relaxation, ServiceAction,
    ServiceStep, Skill, Strategy, WhenClosing, WhenNobody, WrapUp,
};
use acd::{
    AcdConfig, AgentChange, AgentId, AlertEnd, BreakReason, Device, Enqueue, EntryKind,
    Incarnation, Input, InteractionId, MatchId, Output, Presence, QueueId, RefuseReason, SkillId,
    Sticky, Target, Tier,
};

use crate::random::Random;

const AGENTS: u32 = 12;
const QUEUES: u32 = 4;

pub(crate) struct World {
    random: Random,
    plans: BinaryHeap<Reverse<(Duration, u64, Plan)>>,
    planned: u64,
    config: AcdConfig,
    /// Every caller so far, and whether they are through.
    pub(crate) callers: BTreeMap<InteractionId, Caller>,
    calls: u64,
    next_caller: u64,
    incarnation: Incarnation,
    /// Who is known to the acd, as its outputs told.
    waits: BTreeSet<InteractionId>,
}

pub(crate) struct Caller {
    arrival: Duration,
    pub(crate) over: bool,
    talking: bool,
    service_acted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Plan {
    Arrival,
    Impatience(InteractionId),
    Rings(MatchId),
    PhoneEnds(MatchId, u8),
    TalkEnds(InteractionId),
    Codes(AgentId, InteractionId),
    Again(InteractionId),
    AgentActs(AgentId),
    AgentPicks(AgentId),
    QueueTurns(QueueId, bool),
    ConfigChange,
    Midnight,
    Crash,
    Noise,
}

impl World {
    pub(crate) fn new(seed: u64, start: Duration, calls: u64) -> Self {
        let mut world = Self {
            random: Random::new(seed),
            plans: BinaryHeap::new(),
            planned: 0,
            config: AcdConfig::default(),
            callers: BTreeMap::new(),
            calls,
            next_caller: 0,
            incarnation: first_incarnation(),
            waits: BTreeSet::new(),
        };
        world.config = world.first_config();
        world.plan(start, Plan::Arrival);
        for plan in [Plan::ConfigChange, Plan::Midnight, Plan::Crash, Plan::Noise] {
            let first = world.random.between(1, 900);
            world.plan(start + Duration::from_secs(first), plan);
        }
        for id in 0..AGENTS {
            world.plan(start, Plan::AgentActs(AgentId(id)));
            world.plan(start, Plan::AgentPicks(AgentId(id)));
        }
        world
    }

    /// What the centre is like at first.
    pub(crate) fn opening(&self) -> Vec<Input> {
        let mut inputs = vec![Input::ConfigChanged(Box::new(self.config.clone()))];
        inputs.extend(
            self.config
                .queues
                .iter()
                .map(|it| Input::QueueOpened { queue: it.id }),
        );
        let log_in = |it: &AgentConfig| Input::AgentChanged {
            agent: it.id,
            change: AgentChange::Login {
                device: Device::Registered,
            },
        };
        inputs.extend(self.config.agents.iter().map(log_in));
        inputs
    }

    pub(crate) fn next_moment(&self) -> Option<Duration> {
        self.plans.peek().map(|Reverse((at, _, _))| *at)
    }

    /// How late a busy daemon wakes: mostly not at all.
    pub(crate) fn lateness(&mut self) -> Duration {
        let late = self.random.percent(5);
        let micros = self.random.below(1_500_000);
        Duration::from_micros(if late { micros } else { 0 })
    }

    /// No more callers come and none is left.
    pub(crate) fn is_over(&self) -> bool {
        self.next_caller == self.calls && self.callers.values().all(|caller| caller.over)
    }

    fn plan(&mut self, at: Duration, plan: Plan) {
        self.planned += 1;
        self.plans.push(Reverse((at, self.planned, plan)));
    }

    fn plan_in(&mut self, now: Duration, low_ms: u64, high_ms: u64, plan: Plan) {
        let wait = Duration::from_millis(self.random.between(low_ms, high_ms));
        self.plan(now + wait, plan);
    }

    /// The next thing that happens, if it happens at `now` or before.
    pub(crate) fn happens(&mut self, now: Duration) -> Vec<Input> {
        if self.next_moment().is_none_or(|at| at > now) {
            return Vec::new();
        }
        let Some(Reverse((_, _, plan))) = self.plans.pop() else {
            return Vec::new();
        };
        match plan {
            Plan::Arrival => self.arrival(now),
            Plan::Impatience(id) => self.leaves(id),
            Plan::Rings(match_id) => vec![Input::AlertRinging { match_id }],
            Plan::PhoneEnds(match_id, kind) => self.phone_ends(match_id, kind),
            Plan::TalkEnds(id) => self.talk_ends(id),
            Plan::Codes(agent, interaction) => vec![Input::AgentChanged {
                agent,
                change: AgentChange::Coded { interaction },
            }],
            Plan::Again(id) => self.again(id),
            Plan::AgentActs(id) => self.agent_acts(now, id),
            Plan::AgentPicks(id) => self.agent_picks(now, id),
            Plan::QueueTurns(queue, open) => self.queue_turns(now, queue, open),
            Plan::ConfigChange => self.config_change(now),
            Plan::Midnight => {
                self.plan_in(now, 600_000, 1_200_000, Plan::Midnight);
                vec![Input::DailyReset]
            }
            Plan::Crash => self.crash(now),
            Plan::Noise => self.noise(now),
        }
    }

    // -------------------------------------------------------------------- callers

    fn arrival(&mut self, now: Duration) -> Vec<Input> {
        if self.next_caller == self.calls {
            return Vec::new();
        }
        let id = InteractionId(self.next_caller);
        self.next_caller += 1;
        let caller = Caller {
            arrival: now,
            over: false,
            talking: false,
            service_acted: false,
        };
        self.callers.insert(id, caller);
        // Rushes and lulls: queues fill and empty.
        let rush = (self.next_caller / 50).is_multiple_of(2);
        self.plan_in(now, 1, if rush { 1_500 } else { 9_000 }, Plan::Arrival);
        self.plan_in(now, 2_000, 240_000, Plan::Impatience(id));
        let kind = if self.random.percent(10) {
            EntryKind::Recall
        } else {
            EntryKind::New
        };
        vec![self.enqueue(id, kind)]
    }

    fn enqueue(&mut self, interaction: InteractionId, kind: EntryKind) -> Input {
        let to = if self.random.percent(20) {
            Target::Personal(AgentId(self.random.below(AGENTS.into()) as u32))
        } else {
            Target::Queue(QueueId(self.random.below(QUEUES.into()) as u32))
        };
        let tier = match self.random.below(20) {
            0 => Tier::Urgent,
            1 => Tier::Low,
            _ => Tier::Normal,
        };
        let early = Duration::from_secs(self.random.below(3));
        Input::Enqueue(Enqueue {
            interaction,
            to,
            tier,
            priority: self.random.pick(&[0, 0, 0, 0, 5, 10, -2]),
            arrival: self.callers[&interaction].arrival - early,
            kind,
            service_acted: self.callers[&interaction].service_acted,
            sticky: self.had_before(kind),
        })
    }

    /// Now and then somebody served them before; what is recalled was somebody's as a rule.
    fn had_before(&mut self, kind: EntryKind) -> Option<Sticky> {
        let agent = AgentId(self.random.below(AGENTS.into()) as u32);
        let hold = Duration::from_secs(self.random.below(30));
        let recall = kind == EntryKind::Recall;
        let first = Sticky {
            agent,
            hold,
            recall,
        };
        let often = if recall { 80 } else { 20 };
        self.random.percent(often).then_some(first)
    }

    fn leaves(&mut self, interaction: InteractionId) -> Vec<Input> {
        let Some(caller) = self.callers.get_mut(&interaction).filter(|it| !it.over) else {
            return Vec::new();
        };
        if caller.talking {
            return Vec::new();
        }
        caller.over = true;
        self.waits.remove(&interaction);
        vec![Input::Leave { interaction }]
    }

    fn talk_ends(&mut self, interaction: InteractionId) -> Vec<Input> {
        let Some(caller) = self.callers.get_mut(&interaction).filter(|it| !it.over) else {
            return Vec::new();
        };
        caller.over = true;
        self.waits.remove(&interaction);
        if self.random.percent(50) {
            vec![Input::InteractionEnded { interaction }]
        } else {
            vec![Input::Leave { interaction }]
        }
    }

    fn again(&mut self, id: InteractionId) -> Vec<Input> {
        if self.callers[&id].over {
            return Vec::new();
        }
        vec![self.enqueue(id, EntryKind::Overflow)]
    }

    // --------------------------------------------------------------------- phones

    /// What callers, phones and people do about what the acd says.
    pub(crate) fn reacts(&mut self, now: Duration, outputs: &[Output]) {
        for output in outputs {
            match output {
                Output::Alert { match_id, .. } => self.phone_is_called(now, *match_id),
                Output::Withdraw { match_id, .. } if self.random.percent(20) => {
                    // The 200 crosses the CANCEL.
                    self.plan_in(now, 1, 400, Plan::PhoneEnds(*match_id, 0));
                }
                Output::Connect {
                    interaction, agent, ..
                } => {
                    if let Some(caller) = self.callers.get_mut(interaction) {
                        caller.talking = true;
                    }
                    self.plan_in(now, 500, 60_000, Plan::TalkEnds(*interaction));
                    // While they talk, or after it; now and then not at all, or twice.
                    for _ in 0..self.random.pick(&[0, 1, 1, 1, 2]) {
                        self.plan_in(now, 500, 90_000, Plan::Codes(*agent, *interaction));
                    }
                }
                Output::Refuse {
                    reason: RefuseReason::Duplicate,
                    ..
                } => {}
                Output::Divert { interaction, .. } | Output::Refuse { interaction, .. } => {
                    self.waits.remove(interaction);
                    self.sent_elsewhere(now, *interaction);
                }
                Output::Entered { interaction, .. } => {
                    self.waits.insert(*interaction);
                }
                Output::ServiceLevelReached { interaction, .. } => {
                    if let Some(caller) = self.callers.get_mut(interaction) {
                        caller.service_acted = true;
                    }
                }
                Output::Withdraw { .. }
                | Output::Unattended { .. }
                | Output::Attended { .. }
                | Output::AlertFinished { .. }
                | Output::AgentStateChanged { .. }
                | Output::AgentRemoved { .. }
                | Output::Denied { .. }
                | Output::Held { .. } => {}
            }
        }
    }

    fn sent_elsewhere(&mut self, now: Duration, id: InteractionId) {
        if self.random.percent(60) {
            self.plan_in(now, 1, 2_000, Plan::Again(id));
        } else if let Some(caller) = self.callers.get_mut(&id) {
            caller.over = true;
        }
    }

    fn phone_is_called(&mut self, now: Duration, match_id: MatchId) {
        let end = |kind| Plan::PhoneEnds(match_id, kind);
        match self.random.below(100) {
            0..60 => {
                self.plan_in(now, 20, 200, Plan::Rings(match_id));
                self.plan_in(now, 200, 12_000, end(0));
            }
            60..70 => {
                self.plan_in(now, 20, 200, Plan::Rings(match_id));
                let how = self.random.pick(&[1, 2, 3, 4]);
                self.plan_in(now, 200, 9_000, end(how));
            }
            70..78 => self.plan_in(now, 20, 200, Plan::Rings(match_id)),
            78..80 => {}
            80..86 => self.plan(now + Duration::from_secs(3), end(5)),
            86..88 => self.plan_in(now, 1, 3, end(6)),
            88..97 => {
                let how = self.random.pick(&[2, 3, 4, 7, 8, 9]);
                self.plan_in(now, 10, 900, end(how));
            }
            _ => {
                // Rings, then fails; and tells it twice.
                self.plan_in(now, 20, 200, Plan::Rings(match_id));
                self.plan_in(now, 200, 2_000, end(8));
                self.plan_in(now, 200, 2_000, end(8));
            }
        }
    }

    fn phone_ends(&mut self, match_id: MatchId, kind: u8) -> Vec<Input> {
        let refused = |status, bye_ms: Option<u64>| AlertEnd::Refused {
            status,
            since_own_bye: bye_ms.map(Duration::from_millis),
        };
        let end = match kind {
            0 => AlertEnd::Accepted,
            1 => AlertEnd::Rejected,
            2 => refused(486, None),
            3 => refused(600, Some(700)),
            4 => refused(603, None),
            5 => AlertEnd::NoProvisional,
            6 => AlertEnd::NoBinding,
            7 => refused(486, Some(120)),
            8 => refused(503, None),
            _ => refused(404, None),
        };
        vec![Input::AlertEnded { match_id, end }]
    }

    // --------------------------------------------------------------------- people

    fn agent_acts(&mut self, now: Duration, agent: AgentId) -> Vec<Input> {
        self.plan_in(now, 1_000, 90_000, Plan::AgentActs(agent));
        let coffee = Presence::Break(BreakReason::new(self.random.pick(&["coffee", "training"])));
        let login = AgentChange::Login {
            device: self.random.pick(&[Device::Registered, Device::Trunk]),
        };
        let change = match self.random.below(100) {
            0..8 => AgentChange::Presence(coffee),
            8..12 => AgentChange::Presence(Presence::Offline),
            12..16 => AgentChange::Device(Device::Unregistered),
            16..34 => AgentChange::Device(Device::Registered),
            34..40 => AgentChange::QueueJoined {
                queue: QueueId(self.random.below(QUEUES.into()) as u32),
                joined: self.random.percent(60),
            },
            40..46 => AgentChange::OwnCalls {
                count: self.random.between(1, 3) as u32,
            },
            46..60 => AgentChange::OwnCalls { count: 0 },
            60..65 => AgentChange::WrapUpEnded,
            65 => AgentChange::WrapUpCutShort,
            66..68 => AgentChange::Coded {
                interaction: InteractionId(self.random.below(self.next_caller.max(1))),
            },
            68..72 => AgentChange::WrapUpExtended {
                by: Duration::from_secs(self.random.between(1, 20)),
            },
            72..88 => AgentChange::Presence(Presence::Available),
            _ => login,
        };
        vec![Input::AgentChanged { agent, change }]
    }

    /// Takes or reserves something from the list of those who wait, mostly; now and then two do at the same moment.
    fn agent_picks(&mut self, now: Duration, agent: AgentId) -> Vec<Input> {
        self.plan_in(now, 2_000, 60_000, Plan::AgentPicks(agent));
        let listed: Vec<_> = self.waits.iter().copied().collect();
        let interaction = if listed.is_empty() || self.random.percent(5) {
            InteractionId(self.random.below(self.next_caller.max(1)))
        } else {
            self.random.pick(&listed)
        };
        let supervises = self.random.percent(10);
        let what = self.random.below(10);
        let other = AgentId(self.random.below(AGENTS.into()) as u32);
        let both = self.random.percent(20);
        let mut wish = |agent| match what {
            0..5 => Input::Reserve { interaction, agent },
            5 => Input::Rerank {
                interaction,
                tier: self
                    .random
                    .pick(&[None, Some(Tier::Urgent), Some(Tier::Low)]),
                priority: self.random.pick(&[None, Some(20), Some(-3)]),
            },
            6 => Input::Release {
                interaction,
                agent,
                supervises,
            },
            7 => Input::TooLong { interaction },
            _ => Input::PickUp {
                interaction,
                agent,
                supervises,
            },
        };
        let mut inputs = vec![wish(agent)];
        if both {
            inputs.push(wish(other));
        }
        inputs
    }

    fn queue_turns(&mut self, now: Duration, queue: QueueId, open: bool) -> Vec<Input> {
        if open {
            return vec![Input::QueueOpened { queue }];
        }
        self.plan_in(now, 1_000, 40_000, Plan::QueueTurns(queue, true));
        vec![Input::QueueClosed { queue }]
    }

    // -------------------------------------------------------------------- trouble

    /// Things that mean nothing: for unknown ids, twice, too late.
    fn noise(&mut self, now: Duration) -> Vec<Input> {
        self.plan_in(now, 5_000, 60_000, Plan::Noise);
        let queue = QueueId(self.random.below(QUEUES.into()) as u32);
        self.plan_in(now, 1, 60_000, Plan::QueueTurns(queue, false));
        let known = self.random.below(self.next_caller.max(1));
        let waits = self
            .callers
            .get(&InteractionId(known))
            .is_some_and(|it| !it.over);
        match self.random.below(40) {
            // A fire alarm: everybody leaves the house.
            39 => (0..AGENTS).map(logs_out).collect(),
            0..10 => vec![Input::Leave {
                interaction: InteractionId(u64::MAX),
            }],
            10..20 => vec![Input::AgentChanged {
                agent: AgentId(77),
                change: AgentChange::WrapUpEnded,
            }],
            // A caller who waits or talks is said to come again: refused, and goes on as before.
            20..30 if waits => vec![self.enqueue(InteractionId(known), EntryKind::New)],
            _ => vec![Input::AlertRinging {
                match_id: MatchId(known),
            }],
        }
    }

    fn crash(&mut self, now: Duration) -> Vec<Input> {
        self.plan_in(now, 900_000, 2_000_000, Plan::Crash);
        self.incarnation.number += 1;
        self.incarnation.epoch += 1;
        for caller in self.callers.values_mut() {
            caller.over = true;
        }
        self.waits.clear();
        vec![Input::Restarted(self.incarnation)]
    }

    // -------------------------------------------------------------- configuration

    fn first_config(&mut self) -> AcdConfig {
        AcdConfig {
            queues: (0..QUEUES).map(|id| self.queue(id)).collect(),
            agents: (0..AGENTS).map(|id| self.agent(id)).collect(),
        }
    }

    fn queue(&mut self, id: u32) -> QueueConfig {
        let seconds = Duration::from_secs;
        QueueConfig {
            id: QueueId(id),
            priority: self.random.pick(&[0, 0, 3, -1]),
            ageing: seconds(self.random.pick(&[10, 10, 30])),
            strategy: self.random.pick(&[
                Strategy::LongestIdle,
                Strategy::RoundRobin,
                Strategy::FewestCalls,
                Strategy::LeastOccupied,
                Strategy::FixedOrder,
                Strategy::SkillLevel,
                Strategy::WeightedRandom,
                Strategy::RingAll,
            ]),
            ring_timeout: seconds(self.random.pick(&[8, 20])),
            retry_after: seconds(15),
            max_no_answer: self.random.pick(&[0, 1, 2]),
            device_retry: seconds(5),
            wrap_up: self.wrap_up(),
            max_waiting: self.random.pick(&[0, 0, 8]),
            join_when: self.random.pick(&[
                JoinWhen::Always,
                JoinWhen::SomeoneLoggedIn,
                JoinWhen::SomeoneAvailable,
            ]),
            when_closing: self.random.pick(&[WhenClosing::Stay, WhenClosing::Go]),
            reservation_limit: seconds(self.random.pick(&[20, 120])),
            max_wait: seconds(self.random.pick(&[0, 40, 120])),
            nobody_after: seconds(self.random.pick(&[0, 5, 30])),
            when_nobody: self.random.pick(&[WhenNobody::Stay, WhenNobody::Go]),
            service_action: self.service_action(),
            skills: self.skills(),
            relax: self.relaxations(),
            max_busy: self.random.pick(&[0, 0, 0, 1, 3]),
            code_required: self.random.percent(25),
        }
    }

    fn service_action(&mut self) -> Option<ServiceAction> {
        let step = self.random.pick(&[
            None,
            Some(ServiceStep::Raise(3)),
            Some(ServiceStep::Raise(-1)),
            Some(ServiceStep::Notify),
            Some(ServiceStep::Go),
        ])?;
        let after = Duration::from_secs(self.random.pick(&[5, 20, 50]));
        Some(ServiceAction { after, step })
    }

    fn agent(&mut self, id: u32) -> AgentConfig {
        let seconds = Duration::from_secs;
        let serves: Vec<_> = (0..QUEUES).filter(|_| self.random.percent(55)).collect();
        AgentConfig {
            id: AgentId(id),
            queues: serves.into_iter().map(|id| self.assignment(id)).collect(),
            direct_call_priority: self.random.pick(&[0, 5]),
            personal: PersonalConfig {
                ring_timeout: seconds(self.random.pick(&[6, 20])),
                max_wait: seconds(self.random.pick(&[0, 10, 60])),
                wrap_up: self.wrap_up(),
                max_no_answer: self.random.pick(&[0, 1]),
                device_retry: seconds(5),
            },
            skills: self.skills(),
        }
    }

    fn assignment(&mut self, queue: u32) -> Assignment {
        Assignment {
            queue: QueueId(queue),
            order: self.random.below(3) as u32,
            level: self.random.below(3) as u32,
            weight: self.random.between(1, 5) as u32,
            delay: Duration::from_secs(self.random.pick(&[0, 0, 0, 7, 20])),
        }
    }

    /// What somebody can do, or has to: of two skills, at levels of 1 to 3.
    fn skills(&mut self) -> Vec<Skill> {
        let skills = (0..2).filter(|_| self.random.percent(30));
        let skills: Vec<_> = skills.collect();
        let level = |skill| Skill {
            skill: SkillId(skill),
            level: self.random.between(1, 3) as u32,
        };
        skills.into_iter().map(level).collect()
    }

    fn relaxations(&mut self) -> Vec<Relaxation> {
        let steps = self.random.below(3);
        let mut relax = Vec::new();
        for _ in 0..steps {
            let after = Duration::from_secs(self.random.pick(&[5, 12, 20]));
            let skills = if self.random.percent(50) {
                Vec::new()
            } else {
                self.skills()
            };
            relax.push(Relaxation { after, skills });
        }
        relax
    }

    fn wrap_up(&mut self) -> WrapUp {
        let seconds = self.random.pick(&[0, 3, 10]);
        if self.random.percent(10) {
            WrapUp::Manual
        } else {
            WrapUp::For(Duration::from_secs(seconds))
        }
    }

    /// A queue or an agent gets other settings, goes, or comes back; all queues that are new open.
    fn config_change(&mut self, now: Duration) -> Vec<Input> {
        self.plan_in(now, 20_000, 300_000, Plan::ConfigChange);
        let queue = self.random.below(QUEUES.into()) as u32;
        let agent = self.random.below(AGENTS.into()) as u32;
        let mut opened = Vec::new();
        let at = self
            .config
            .queues
            .iter()
            .position(|it| it.id == QueueId(queue));
        match (at, self.random.below(10)) {
            (Some(at), 0..2) => {
                self.config.queues.remove(at);
            }
            (Some(at), 2..6) => self.config.queues[at] = self.queue(queue),
            (Some(_), _) => {}
            (None, _) => {
                let new = self.queue(queue);
                self.config.queues.push(new);
                opened.push(Input::QueueOpened {
                    queue: QueueId(queue),
                });
            }
        }
        let at = self
            .config
            .agents
            .iter()
            .position(|it| it.id == AgentId(agent));
        match (at, self.random.below(10)) {
            (Some(at), 0..2) => {
                self.config.agents.remove(at);
            }
            (Some(at), 2..6) => self.config.agents[at] = self.agent(agent),
            (Some(_), _) => {}
            (None, _) => {
                let new = self.agent(agent);
                self.config.agents.push(new);
            }
        }
        let mut inputs = vec![Input::ConfigChanged(Box::new(self.config.clone()))];
        inputs.extend(opened);
        inputs
    }
}

pub(crate) const fn first_incarnation() -> Incarnation {
    Incarnation {
        epoch: 7,
        node: 3,
        number: 1,
    }
}

const fn logs_out(id: u32) -> Input {
    Input::AgentChanged {
        agent: AgentId(id),
        change: AgentChange::Presence(Presence::Offline),
    }
}
