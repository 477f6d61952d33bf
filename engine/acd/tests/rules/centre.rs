//! A small centre to tell stories in: time is ours to move, people are letters, queues are numbers.

use std::time::Duration;

use acd::config::{
    AgentConfig, Assignment, JoinWhen, PersonalConfig, QueueConfig, ServiceStep, Strategy,
    WhenClosing, WhenNobody, WrapUp,
};
use acd::{
    Acd, AcdConfig, AgentChange, AgentId, AgentState, AlertEnd, AlertOutcome, BreakReason, Choice,
    Denial, Device, DivertReason, Enqueue, EntryKind, Incarnation, Input, InteractionId, MatchId,
    Output, Presence, QueueId, RefuseReason, Sticky, Target, Tier, WithdrawReason,
};

/// The centre, its clock, and everything it said so far.
pub(crate) struct Centre {
    pub(crate) acd: Acd,
    pub(crate) config: AcdConfig,
    pub(crate) now: Duration,
    said: Vec<(Duration, Output)>,
}

pub(crate) const fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

pub(crate) const fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn queue(id: u32) -> QueueConfig {
    QueueConfig {
        id: QueueId(id),
        priority: 0,
        ageing: secs(10),
        strategy: Strategy::LongestIdle,
        ring_timeout: secs(20),
        retry_after: secs(15),
        max_no_answer: 1,
        device_retry: secs(5),
        wrap_up: WrapUp::For(Duration::ZERO),
        max_waiting: 0,
        join_when: JoinWhen::Always,
        when_closing: WhenClosing::Stay,
        reservation_limit: secs(120),
        max_wait: Duration::ZERO,
        nobody_after: Duration::ZERO,
        when_nobody: WhenNobody::Stay,
        service_action: None,
        skills: Vec::new(),
        relax: Vec::new(),
        max_busy: 0,
        code_required: false,
    }
}

fn agent(id: u32, queues: &[u32]) -> AgentConfig {
    let assigned = queues.iter().map(|id| Assignment::to(QueueId(*id)));
    AgentConfig {
        id: AgentId(id),
        queues: assigned.collect(),
        direct_call_priority: 0,
        personal: PersonalConfig {
            ring_timeout: secs(20),
            max_wait: secs(60),
            wrap_up: WrapUp::For(Duration::ZERO),
            max_no_answer: 1,
            device_retry: secs(5),
        },
        skills: Vec::new(),
    }
}

/// What waits, as [`Centre::comes`] takes it.
pub(crate) struct Visit {
    pub(crate) to: Target,
    pub(crate) tier: Tier,
    pub(crate) priority: i32,
    pub(crate) kind: EntryKind,
    /// How long before now the visit began.
    pub(crate) waited: Duration,
    /// A queue has done its service-level action before.
    pub(crate) service_acted: bool,
    pub(crate) sticky: Option<Sticky>,
}

/// To queue 1, held for `agent` 20 s first.
pub(crate) fn held_first(agent: u32, recall: bool) -> Visit {
    let sticky = Sticky {
        agent: AgentId(agent),
        hold: secs(20),
        recall,
    };
    Visit {
        sticky: Some(sticky),
        ..to(1)
    }
}

pub(crate) const fn to(queue: u32) -> Visit {
    Visit {
        to: Target::Queue(QueueId(queue)),
        tier: Tier::Normal,
        priority: 0,
        kind: EntryKind::New,
        waited: Duration::ZERO,
        service_acted: false,
        sticky: None,
    }
}

pub(crate) const fn to_user(agent: u32) -> Visit {
    Visit {
        to: Target::Personal(AgentId(agent)),
        ..to(0)
    }
}

pub(crate) const NO_ANSWER: AlertOutcome = AlertOutcome::TimedOut;

pub(crate) const fn refused(status: u16) -> AlertEnd {
    AlertEnd::Refused {
        status,
        since_own_bye: None,
    }
}

impl Centre {
    /// Queues 1 and 2, open; agents 1 to `agents` serve both and are offline.
    pub(crate) fn new(agents: u32) -> Self {
        let mut centre = Self {
            acd: Acd::new(Incarnation {
                epoch: 5,
                node: 1,
                number: 1,
            }),
            config: AcdConfig {
                queues: vec![queue(1), queue(2)],
                agents: (1..=agents).map(|id| agent(id, &[1, 2])).collect(),
            },
            now: secs(1_000_000),
            said: Vec::new(),
        };
        centre.apply();
        for queue in [1, 2] {
            centre.opens(queue);
        }
        centre
    }

    /// Agents 1 and 2, of whom 2 is talking.
    pub(crate) fn second_talks() -> Self {
        let mut centre = Self::staffed(2);
        centre.own_calls(2, 1);
        centre
    }

    /// The same, with the agents logged in one second after the other, 1 first.
    pub(crate) fn staffed(agents: u32) -> Self {
        let mut centre = Self::new(agents);
        for id in 1..=agents {
            centre.logs_in(id);
            centre.run(secs(1));
        }
        centre
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.acd.handle_input(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.acd.poll_output() {
            self.said.push((self.now, output));
        }
    }

    /// Lets time pass; the acd is woken when it asked for it.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.acd.poll_timeout().filter(|at| *at <= end) {
            self.now = at;
            self.acd.handle_timeout(at);
            self.drain();
        }
        self.now = end;
    }

    /// Gives the settings to the acd, after changing `config`.
    pub(crate) fn apply(&mut self) {
        self.input(Input::ConfigChanged(Box::new(self.config.clone())));
    }

    pub(crate) fn with_queue(&mut self, id: u32, change: impl FnOnce(&mut QueueConfig)) {
        let queue = self
            .config
            .queues
            .iter_mut()
            .find(|it| it.id == QueueId(id));
        change(queue.unwrap());
        self.apply();
    }

    pub(crate) fn with_agent(&mut self, id: u32, change: impl FnOnce(&mut AgentConfig)) {
        let agent = self
            .config
            .agents
            .iter_mut()
            .find(|it| it.id == AgentId(id));
        change(agent.unwrap());
        self.apply();
    }

    pub(crate) fn serves(&mut self, agent: u32, queues: &[u32]) {
        let assigned = queues.iter().map(|id| Assignment::to(QueueId(*id)));
        let assigned = assigned.collect();
        self.with_agent(agent, |agent| agent.queues = assigned);
    }

    pub(crate) fn opens(&mut self, queue: u32) {
        let queue = QueueId(queue);
        self.input(Input::QueueOpened { queue });
    }

    pub(crate) fn closes(&mut self, queue: u32) {
        let queue = QueueId(queue);
        self.input(Input::QueueClosed { queue });
    }

    // --------------------------------------------------------------------- agents

    pub(crate) fn change(&mut self, agent: u32, change: AgentChange) {
        let agent = AgentId(agent);
        self.input(Input::AgentChanged { agent, change });
    }

    pub(crate) fn logs_in(&mut self, agent: u32) {
        let device = Device::Registered;
        self.change(agent, AgentChange::Login { device });
    }

    pub(crate) fn logs_out(&mut self, agent: u32) {
        self.change(agent, AgentChange::Presence(Presence::Offline));
    }

    pub(crate) fn takes_break(&mut self, agent: u32) {
        let coffee = Presence::Break(BreakReason::new("coffee"));
        self.change(agent, AgentChange::Presence(coffee));
    }

    /// At their phone, and on break from the first moment on.
    pub(crate) fn logs_in_on_break(&mut self, agent: u32) {
        self.takes_break(agent);
        self.change(agent, AgentChange::Device(Device::Registered));
    }

    pub(crate) fn is_back(&mut self, agent: u32) {
        self.change(agent, AgentChange::Presence(Presence::Available));
    }

    pub(crate) fn own_calls(&mut self, agent: u32, count: u32) {
        self.change(agent, AgentChange::OwnCalls { count });
    }

    pub(crate) fn leaves_queue(&mut self, agent: u32, queue: u32) {
        self.joins(agent, queue, false);
    }

    pub(crate) fn comes_back_to(&mut self, agent: u32, queue: u32) {
        self.joins(agent, queue, true);
    }

    fn joins(&mut self, agent: u32, queue: u32, joined: bool) {
        let queue = QueueId(queue);
        self.change(agent, AgentChange::QueueJoined { queue, joined });
    }

    pub(crate) fn state(&self, agent: u32) -> &AgentState {
        self.acd.agent(AgentId(agent)).unwrap().state
    }

    pub(crate) fn is_on_break_for(&self, agent: u32, reason: &str) -> bool {
        self.state(agent).presence == Presence::Break(BreakReason::new(reason))
    }

    // -------------------------------------------------------------------- callers

    pub(crate) fn comes(&mut self, caller: u64, visit: Visit) {
        self.input(Input::Enqueue(Enqueue {
            interaction: InteractionId(caller),
            to: visit.to,
            tier: visit.tier,
            priority: visit.priority,
            arrival: self.now - visit.waited,
            kind: visit.kind,
            service_acted: visit.service_acted,
            sticky: visit.sticky,
        }));
    }

    pub(crate) fn leaves(&mut self, caller: u64) {
        let interaction = InteractionId(caller);
        self.input(Input::Leave { interaction });
    }

    /// Caller and agent hang up.
    pub(crate) fn ends(&mut self, caller: u64) {
        let interaction = InteractionId(caller);
        self.input(Input::InteractionEnded { interaction });
    }

    // --------------------------------------------------------------------- alerts

    /// Every alert so far as (caller, agent).
    pub(crate) fn alerts(&self) -> Vec<(u64, u32)> {
        let alert = |(_, output): &(Duration, Output)| match output {
            Output::Alert {
                interaction, agent, ..
            } => Some((interaction.0, agent.0)),
            _ => None,
        };
        self.said.iter().filter_map(alert).collect()
    }

    /// The alerts since the last call of this, as (caller, agent).
    pub(crate) fn new_alerts(&mut self) -> Vec<(u64, u32)> {
        let alerts = self.alerts();
        self.said
            .retain(|(_, output)| !matches!(output, Output::Alert { .. }));
        alerts
    }

    /// What each alert so far left on record.
    pub(crate) fn choices(&self) -> Vec<Choice> {
        let choice = |(_, output): &(Duration, Output)| match output {
            Output::Alert { choice, .. } => Some(*choice),
            _ => None,
        };
        self.said.iter().filter_map(choice).collect()
    }

    /// The match of the alert that `agent` has now.
    pub(crate) fn match_of(&self, agent: u32) -> MatchId {
        match self.state(agent).activity {
            acd::Activity::Alerting { match_id, .. } => match_id,
            other => panic!("{agent} is not alerted but {other:?}"),
        }
    }

    pub(crate) fn rings(&mut self, agent: u32) {
        let match_id = self.match_of(agent);
        self.input(Input::AlertRinging { match_id });
    }

    pub(crate) fn answers(&mut self, agent: u32, end: AlertEnd) {
        let match_id = self.match_of(agent);
        self.input(Input::AlertEnded { match_id, end });
    }

    pub(crate) fn accepts(&mut self, agent: u32) {
        self.rings(agent);
        self.answers(agent, AlertEnd::Accepted);
    }

    /// How alerts ended so far, as (caller, agent, how).
    pub(crate) fn outcomes(&self) -> Vec<(u64, u32, AlertOutcome)> {
        let finished = |(_, output): &(Duration, Output)| match output {
            Output::AlertFinished {
                interaction,
                agent,
                how,
                ..
            } => Some((interaction.0, agent.0, *how)),
            _ => None,
        };
        self.said.iter().filter_map(finished).collect()
    }

    // ----------------------------------------------------------------- picking up

    pub(crate) fn picks_up(&mut self, agent: u32, caller: u64) {
        self.asks_for(agent, caller, false);
    }

    pub(crate) fn first_to_pick_up(&self, queue: u32, agent: u32, supervises: bool) -> Option<u64> {
        let found = self
            .acd
            .first_to_pick_up(to(queue).to, AgentId(agent), supervises);
        found.map(|first| first.0)
    }

    pub(crate) fn picks_up_as_supervisor(&mut self, agent: u32, caller: u64) {
        self.asks_for(agent, caller, true);
    }

    fn asks_for(&mut self, agent: u32, caller: u64, supervises: bool) {
        self.input(Input::PickUp {
            interaction: InteractionId(caller),
            agent: AgentId(agent),
            supervises,
        });
    }

    pub(crate) fn is_ranked(&mut self, caller: u64, tier: Option<Tier>, priority: Option<i32>) {
        self.input(Input::Rerank {
            interaction: InteractionId(caller),
            tier,
            priority,
        });
    }

    pub(crate) fn reserves(&mut self, agent: u32, caller: u64) {
        self.input(Input::Reserve {
            interaction: InteractionId(caller),
            agent: AgentId(agent),
        });
    }

    pub(crate) fn releases(&mut self, agent: u32, caller: u64, supervises: bool) {
        self.input(Input::Release {
            interaction: InteractionId(caller),
            agent: AgentId(agent),
            supervises,
        });
    }

    /// For whom things are held, as told so far: (caller, agent).
    pub(crate) fn held(&self) -> Vec<(u64, Option<u32>)> {
        let held = |(_, output): &(Duration, Output)| match output {
            Output::Held {
                interaction, agent, ..
            } => Some((interaction.0, agent.map(|it| it.0))),
            _ => None,
        };
        self.said.iter().filter_map(held).collect()
    }

    /// Every alert so far that the agent chose, as (caller, agent).
    pub(crate) fn picked_up(&self) -> Vec<(u64, u32)> {
        let picked_up = |(_, output): &(Duration, Output)| match output {
            Output::Alert {
                interaction,
                agent,
                picked_up: true,
                ..
            } => Some((interaction.0, agent.0)),
            _ => None,
        };
        self.said.iter().filter_map(picked_up).collect()
    }

    /// What was denied so far, as (caller, agent, why).
    pub(crate) fn denied(&self) -> Vec<(u64, u32, Denial)> {
        let denied = |(_, output): &(Duration, Output)| match output {
            Output::Denied {
                interaction,
                agent,
                why,
            } => Some((interaction.0, agent.0, *why)),
            _ => None,
        };
        self.said.iter().filter_map(denied).collect()
    }

    // -------------------------------------------------------------------- outcomes

    pub(crate) fn withdrawals(&self) -> Vec<WithdrawReason> {
        let withdrawn = |(_, output): &(Duration, Output)| match output {
            Output::Withdraw { reason, .. } => Some(*reason),
            _ => None,
        };
        self.said.iter().filter_map(withdrawn).collect()
    }

    pub(crate) fn diverted(&self) -> Vec<(u64, DivertReason)> {
        let diverted = |(_, output): &(Duration, Output)| match output {
            Output::Divert {
                interaction,
                reason,
                ..
            } => Some((interaction.0, *reason)),
            _ => None,
        };
        self.said.iter().filter_map(diverted).collect()
    }

    pub(crate) fn refused(&self) -> Vec<(u64, RefuseReason)> {
        let refused = |(_, output): &(Duration, Output)| match output {
            Output::Refuse {
                interaction,
                reason,
                ..
            } => Some((interaction.0, *reason)),
            _ => None,
        };
        self.said.iter().filter_map(refused).collect()
    }

    /// Which queues were told of because nobody is there (true), or somebody is again (false), in order.
    pub(crate) fn alarms(&self) -> Vec<(u32, bool)> {
        let told = |(_, output): &(Duration, Output)| match output {
            Output::Unattended { queue } => Some((queue.0, true)),
            Output::Attended { queue } => Some((queue.0, false)),
            _ => None,
        };
        self.said.iter().filter_map(told).collect()
    }

    /// For whom the service-level action was done.
    pub(crate) fn service_levels(&self) -> Vec<(u64, ServiceStep)> {
        let reached = |(_, output): &(Duration, Output)| match output {
            Output::ServiceLevelReached {
                interaction, step, ..
            } => Some((interaction.0, *step)),
            _ => None,
        };
        self.said.iter().filter_map(reached).collect()
    }

    pub(crate) fn connected(&self) -> Vec<(u64, u32)> {
        let connect = |(_, output): &(Duration, Output)| match output {
            Output::Connect {
                interaction, agent, ..
            } => Some((interaction.0, agent.0)),
            _ => None,
        };
        self.said.iter().filter_map(connect).collect()
    }

    /// Who waits at queue `id`, best first.
    pub(crate) fn waiting(&self, id: u32) -> Vec<u64> {
        let target = Target::Queue(QueueId(id));
        self.acd
            .waiting(target)
            .map(|view| view.interaction.0)
            .collect()
    }

    /// The agents who work for queue `id`, in thousandths.
    pub(crate) fn agents_milli(&self, id: u32) -> u32 {
        let queue = self.acd.queue(QueueId(id));
        queue.map_or(0, |queue| queue.agents_milli)
    }
}
