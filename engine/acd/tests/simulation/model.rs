//! The rules of distribution once more, as plainly as possible: lists, loops, no index, nothing kept in order.
//!
//! It hears what the acd hears and says what the rules say must happen. Written from `distribution.md`, it shares
//! no code with the acd but the vocabulary of its doors.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acd::config::{
    AgentConfig, JoinWhen, QueueConfig, ServiceStep, Skill, Strategy, WhenClosing, WhenNobody,
    WrapUp,
};
use acd::{
    AcdConfig, Activity, AgentChange, AgentId, AgentState, AlertEnd, AlertOutcome, BreakReason,
    Cause, Choice, Counters, Denial, Device, DeviceHealth, DivertReason, Enqueue, EntryKind,
    Incarnation, Input, InteractionId, MatchId, Output, Owed, Presence, QueueId, RefuseReason,
    Target, Tier, WithdrawReason,
};

use crate::random;

const MANUAL: Duration = Duration::MAX;
/// A wrap-up that ends with the last code they owe.
const CODED: Duration = Duration::MAX.saturating_sub(Duration::from_nanos(1));
const RETRY_MAX: Duration = Duration::from_secs(60);

pub(crate) struct Model {
    pub(crate) epoch: u64,
    pub(crate) next_match: u64,
    pub(crate) queues: BTreeMap<QueueId, Queue>,
    pub(crate) agents: BTreeMap<AgentId, Agent>,
    pub(crate) calls: BTreeMap<InteractionId, Call>,
    pub(crate) alerts: BTreeMap<MatchId, Alert>,
    /// Every alert of a queue that goes round, oldest first, and which turn it was.
    pub(crate) turns: Vec<(QueueId, AgentId, u64)>,
    incarnation: Incarnation,
    /// Up to when agents' time is counted.
    counted_to: Duration,
    outputs: Vec<Output>,
    /// Who could have had the interaction of each alert of this step that was chosen, the preferred first.
    pub(crate) takers: BTreeMap<MatchId, Vec<AgentId>>,
}

pub(crate) struct Queue {
    pub(crate) config: QueueConfig,
    pub(crate) open: bool,
    /// A person was told that somebody waits here and nobody is there.
    pub(crate) alarmed: bool,
    /// How far the races are of a queue that chooses by lot: one for those who may be alerted from each age on.
    pub(crate) races: BTreeMap<Duration, u64>,
    /// How many turns there were if it goes round.
    pub(crate) turns: u64,
}

pub(crate) struct Agent {
    pub(crate) config: AgentConfig,
    pub(crate) removed: bool,
    pub(crate) presence: Presence,
    pub(crate) pending: Option<Presence>,
    pub(crate) device: Device,
    pub(crate) health: DeviceHealth,
    pub(crate) skipped_until: Duration,
    pub(crate) failures: u32,
    pub(crate) own_calls: u32,
    /// Queues they left until they log out.
    pub(crate) left: BTreeSet<QueueId>,
    pub(crate) alert: Option<MatchId>,
    /// The one they talk to last; before it those they put on hold for a pick-up.
    pub(crate) talks_to: Vec<InteractionId>,
    pub(crate) wrap_up_until: Option<Duration>,
    /// What they have to give a code for, and to whom.
    pub(crate) owes: Vec<(InteractionId, QueueId)>,
    pub(crate) idle_since: Duration,
    pub(crate) no_answers: u32,
    pub(crate) counters: Counters,
    /// Whether they were free when that was last looked at.
    pub(crate) was_free: bool,
    /// Logged in, and occupied of that, since the daily reset; and the share when they last became free.
    pub(crate) logged_in: Duration,
    pub(crate) occupied: Duration,
    pub(crate) share_ppm: u128,
    /// When they come in where it goes by lot, and how often lots were drawn for them.
    pub(crate) races: BTreeMap<QueueId, u64>,
    pub(crate) draws: u64,
    /// Presence and activity, and since when.
    pub(crate) since: (Presence, Activity, Duration),
}

#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) enqueue: Enqueue,
    pub(crate) entered: Duration,
    /// When `max_wait` is over, and when the service-level action is due.
    pub(crate) max_wait_at: Option<Duration>,
    pub(crate) service_at: Option<Duration>,
    pub(crate) service_done: bool,
    /// Its time is over while it alerts: it goes when the alert comes to nothing.
    pub(crate) overdue: Option<DivertReason>,
    /// Since when it waits and nobody who could take it is there; and whether a person knows.
    pub(crate) nobody_since: Option<Duration>,
    pub(crate) stranded: bool,
    pub(crate) place: Place,
    pub(crate) rejected_by: Vec<AgentId>,
    pub(crate) not_answered_by: Vec<(AgentId, Duration)>,
    pub(crate) goes: Option<DivertReason>,
    /// Who alone may have it, and until when.
    pub(crate) held_for: Option<(AgentId, Duration)>,
    /// Since they served the caller before, not since they reserved it.
    pub(crate) sticky: bool,
    /// Held because it came back to the holder.
    pub(crate) recall: bool,
    /// Who has it gave its code.
    pub(crate) coded: bool,
    pub(crate) reserved_before: Vec<AgentId>,
    /// The rank it has; fixed unless its queue's settings change (rules 1 and 3).
    pub(crate) rank: (Tier, i128, Duration, InteractionId),
}

impl Call {
    /// Rule 4: it is theirs wherever it waits.
    pub(crate) fn is_recalled_to(&self, id: AgentId) -> bool {
        self.recall && self.held_for.is_some_and(|(holder, _)| holder == id)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Waiting,
    /// One agent, or all who were free.
    Alerting,
    Connected(AgentId),
}

/// What a moment can bring that somebody has to do something about.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Ring(MatchId),
    WrapUp(AgentId),
    MaxWait(InteractionId),
    Nobody(InteractionId),
    Service(InteractionId),
    Reservation(InteractionId),
}

pub(crate) struct Alert {
    pub(crate) call: InteractionId,
    pub(crate) agent: AgentId,
    pub(crate) until: Duration,
    pub(crate) rang: bool,
    pub(crate) picked_up: bool,
    pub(crate) for_all: bool,
}

impl Model {
    pub(crate) fn new(incarnation: Incarnation) -> Self {
        Self {
            epoch: incarnation.epoch,
            next_match: incarnation.first_match().0,
            queues: BTreeMap::new(),
            agents: BTreeMap::new(),
            calls: BTreeMap::new(),
            alerts: BTreeMap::new(),
            turns: Vec::new(),
            incarnation,
            counted_to: Duration::ZERO,
            outputs: Vec::new(),
            takers: BTreeMap::new(),
        }
    }

    /// What has to happen at `now` on this input; states of agents are compared apart.
    pub(crate) fn step(&mut self, now: Duration, input: &Input) -> Vec<Output> {
        self.takers.clear();
        self.count_time(now);
        self.time_passes(now);
        self.look_who_is_there(now);
        self.look_who_is_free(now);
        self.hear(now, input);
        self.look_who_is_there(now);
        self.look_who_is_free(now);
        self.match_all(now);
        self.note_alarms();
        self.note_activities(now);
        std::mem::take(&mut self.outputs)
    }

    // ------------------------------------------------------------ the rules of choice

    /// Rule 1, and what queue or user add by rule 2.
    fn rank(&self, enqueue: &Enqueue) -> (Tier, i128, Duration, InteractionId) {
        let (priority, ageing) = match enqueue.to {
            Target::Queue(id) => {
                let config = &self.queues[&id].config;
                (config.priority, config.ageing)
            }
            Target::Personal(id) => {
                let config = &self.agents[&id].config;
                (config.direct_call_priority, Duration::from_secs(10))
            }
        };
        let points = i128::from(priority) + i128::from(enqueue.priority);
        let aged = enqueue.arrival.as_micros() as i128 - points * ageing.as_micros() as i128;
        (enqueue.tier, aged, enqueue.arrival, enqueue.interaction)
    }

    /// Rule 7.
    pub(crate) fn may_take(&self, now: Duration, id: AgentId, call: &Call) -> bool {
        let Some(agent) = self.agents.get(&id) else {
            return false;
        };
        let fits = match call.held_for {
            Some((holder, _)) => holder == id,
            None => self.will_do(now, id, call) && self.has_room(call.enqueue.to),
        };
        fits && self.is_free(now, agent)
            && (serves(id, agent, call.enqueue.to) || call.is_recalled_to(id))
            && !call.rejected_by.contains(&id)
            && !call
                .not_answered_by
                .iter()
                .any(|(by, until)| *by == id && *until > now)
    }

    /// Rules 7 and 8: their skills and their delay.
    pub(crate) fn will_do(&self, now: Duration, id: AgentId, call: &Call) -> bool {
        let Target::Queue(queue) = call.enqueue.to else {
            return true;
        };
        self.gate(id, queue)
            .is_some_and(|gate| call.entered + gate <= now)
    }

    /// They serve it and will do sooner or later.
    pub(crate) fn is_in_team(&self, id: AgentId, to: Target) -> bool {
        let will_do = match to {
            Target::Queue(queue) => self.gate(id, queue).is_some(),
            Target::Personal(_) => true,
        };
        will_do && serves(id, &self.agents[&id], to)
    }

    /// From which age on this agent will do for callers of this queue.
    pub(crate) fn gate(&self, id: AgentId, queue: QueueId) -> Option<Duration> {
        let agent = &self.agents[&id].config;
        let assigned = agent.queues.iter().find(|it| it.queue == queue)?;
        let queue = &self.queues.get(&queue)?.config;
        let has = |required: &Skill| {
            let level = |it: &&Skill| it.skill == required.skill && it.level >= required.level;
            agent.skills.iter().find(level).is_some()
        };
        let mut moments = Vec::new();
        if queue.skills.iter().all(has) {
            moments.push(Duration::ZERO);
        }
        for step in &queue.relax {
            if step.skills.iter().all(has) {
                moments.push(step.after);
            }
        }
        Some(moments.into_iter().min()?.max(assigned.delay))
    }

    /// Rule 7: the queue has fewer agents busy than it may.
    pub(crate) fn has_room(&self, to: Target) -> bool {
        let Target::Queue(queue) = to else {
            return true;
        };
        let max = self.queues[&queue].config.max_busy as usize;
        let is_here = |id: &InteractionId| self.calls[id].enqueue.to == to;
        let ringing = self
            .alerts
            .values()
            .filter(|alert| is_here(&alert.call))
            .count();
        let talking = |call: &&Call| matches!(call.place, Place::Connected(_));
        let talking = self
            .calls
            .values()
            .filter(talking)
            .filter(|call| call.enqueue.to == to);
        max == 0 || ringing + talking.count() < max
    }

    pub(crate) fn is_free(&self, now: Duration, agent: &Agent) -> bool {
        !agent.removed
            && agent.presence == Presence::Available
            && agent.alert.is_none()
            && agent.talks_to.is_empty()
            && agent.own_calls == 0
            && agent.wrap_up_until.is_none()
            && agent.device != Device::Unregistered
            && agent.skipped_until <= now
    }

    /// Rules 5 and 6, I2, I4: what is held for somebody, then the best-ranked that anybody may take, to the longest idle who
    /// may; again until none is left.
    fn match_all(&mut self, now: Duration) {
        loop {
            let takers = |call: &Call| {
                let ids = self.agents.keys().copied();
                ids.filter(|id| self.may_take(now, *id, call))
                    .collect::<Vec<_>>()
            };
            let waiting = self
                .calls
                .values()
                .filter(|call| call.place == Place::Waiting);
            let Some((call, takers)) = waiting
                .map(|call| (call, takers(call)))
                .filter(|(_, takers)| !takers.is_empty())
                .min_by_key(|(call, _)| (call.held_for.is_none(), call.rank))
            else {
                return;
            };
            let (to, held) = (call.enqueue.to, call.held_for.is_some());
            let call = call.enqueue.interaction;
            let mut takers = takers;
            takers.sort_by_key(|id| (self.preference(to, *id), self.agents[id].idle_since, *id));
            self.takers.insert(MatchId(self.next_match), takers.clone());
            if self.rings_for_all(to) && !held {
                for agent in takers {
                    if self.has_room(to) {
                        let choice = self.choice(now, Cause::ForAll, call, &[agent]);
                        self.alert(now, call, choice);
                    }
                }
                continue;
            }
            let cause = if held { Cause::Held } else { Cause::Chosen };
            let choice = self.choice(now, cause, call, &takers);
            if !held {
                self.takes_turn(now, call, takers[0]);
            }
            self.alert(now, call, choice);
        }
    }

    fn rings_for_all(&self, to: Target) -> bool {
        let Target::Queue(queue) = to else {
            return false;
        };
        self.queues[&queue].config.strategy == Strategy::RingAll
    }

    /// Rule 6: smaller is better; of those who are alike who has been idle longest.
    pub(crate) fn preference(&self, to: Target, id: AgentId) -> u128 {
        let Target::Queue(queue) = to else {
            return 0;
        };
        let agent = &self.agents[&id];
        let assigned = agent.config.queues.iter().find(|it| it.queue == queue);
        let assigned = assigned.unwrap();
        match self.queues[&queue].config.strategy {
            Strategy::LongestIdle | Strategy::RingAll => 0,
            Strategy::RoundRobin => {
                let mut turns = self.turns.iter().rev();
                let last = turns.find(|(of, by, _)| (*of, *by) == (queue, id));
                last.map_or(0, |(_, _, nth)| (*nth).into())
            }
            Strategy::FewestCalls => agent.counters.accepted.into(),
            Strategy::LeastOccupied => agent.share_ppm,
            Strategy::FixedOrder => assigned.order.into(),
            Strategy::SkillLevel => u128::MAX - u128::from(assigned.level),
            Strategy::WeightedRandom => {
                let gate = self.gate(id, queue).unwrap();
                let race = self.queues[&queue].races.get(&gate);
                (agent.races[&queue] - race.copied().unwrap_or(0)).into()
            }
        }
    }

    fn takes_turn(&mut self, now: Duration, call: InteractionId, id: AgentId) {
        let call = self.calls[&call].clone();
        let to = call.enqueue.to;
        let Target::Queue(queue) = to else {
            return;
        };
        match self.queues[&queue].config.strategy {
            Strategy::RoundRobin => {
                let turns = &mut self.queues.get_mut(&queue).unwrap().turns;
                *turns += 1;
                self.turns.push((queue, id, *turns));
            }
            Strategy::WeightedRandom => {
                // All who would do for this caller ran, whether they had rejected it or not.
                let mut ran: Vec<_> = self.agents.keys().copied().collect();
                ran.retain(|id| {
                    let agent = &self.agents[id];
                    self.is_free(now, agent)
                        && serves(*id, agent, to)
                        && self.will_do(now, *id, &call)
                });
                let lasted = self.preference(to, id);
                let too_early = |id: &AgentId| self.preference(to, *id) < lasted;
                let again: Vec<_> = ran.iter().copied().filter(too_early).collect();
                let gates: BTreeSet<_> = ran
                    .iter()
                    .map(|id| self.gate(*id, queue).unwrap())
                    .collect();
                for gate in gates {
                    let races = &mut self.queues.get_mut(&queue).unwrap().races;
                    *races.entry(gate).or_default() += lasted as u64;
                }
                for id in again {
                    self.draw(id, |other, _| other == queue);
                }
            }
            _ => {}
        }
    }

    // ----------------------------------------------------------------- what strategies go by

    fn count_time(&mut self, now: Duration) {
        let span = now - self.counted_to;
        self.counted_to = now;
        for agent in self.agents.values_mut() {
            if agent.presence != Presence::Offline {
                agent.logged_in += span;
                if !agent.talks_to.is_empty() || agent.wrap_up_until.is_some() {
                    agent.occupied += span;
                }
            }
        }
    }

    fn look_who_is_free(&mut self, now: Duration) {
        for id in self.agents.keys().copied().collect::<Vec<_>>() {
            let free = self.is_free(now, &self.agents[&id]);
            let agent = self.agents.get_mut(&id).unwrap();
            if free && !std::mem::replace(&mut agent.was_free, free) {
                let parts = agent.occupied.as_micros() * 1_000_000;
                agent.share_ppm = parts.checked_div(agent.logged_in.as_micros()).unwrap_or(0);
                self.draw(id, |_, _| true);
            }
            self.agents.get_mut(&id).unwrap().was_free = free;
        }
    }

    fn draws_what_lacks(&mut self, now: Duration, id: AgentId) {
        let agent = &self.agents[&id];
        if agent.was_free && self.is_free(now, agent) {
            self.draw(id, |queue, agent| !agent.races.contains_key(&queue));
        }
    }

    /// A time for them in each of their queues that go by lot, of those that are wanted.
    fn draw(&mut self, id: AgentId, wants: impl Fn(QueueId, &Agent) -> bool) {
        let agent = &self.agents[&id];
        let by_lot = |queue: QueueId| {
            let queue = self.queues.get(&queue);
            queue.is_some_and(|queue| queue.config.strategy == Strategy::WeightedRandom)
        };
        let wanted: Vec<_> = agent
            .config
            .queues
            .iter()
            .filter(|it| by_lot(it.queue) && wants(it.queue, agent))
            .filter_map(|it| Some((it.queue, it.weight, self.gate(id, it.queue)?)))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let draws = agent.draws + 1;
        for (queue, weight, gate) in wanted {
            let words = [
                self.incarnation.epoch,
                self.incarnation.node.into(),
                self.incarnation.number.into(),
                queue.0.into(),
                id.0.into(),
                draws,
            ];
            let race = self.queues[&queue].races.get(&gate);
            let start = race.copied().unwrap_or(0);
            let time = minus_log2(random::lot(&words)) / u64::from(weight);
            let races = &mut self.agents.get_mut(&id).unwrap().races;
            races.insert(queue, start + time);
        }
        self.agents.get_mut(&id).unwrap().draws = draws;
    }

    fn alert(&mut self, now: Duration, id: InteractionId, choice: Choice) {
        let choice = self.passes_over(now, id, choice);
        let (agent_id, why) = (choice.chosen.agent, choice.cause);
        let match_id = MatchId(self.next_match);
        self.next_match += 1;
        let call = self.calls.get_mut(&id).unwrap();
        call.place = Place::Alerting;
        call.nobody_since = None;
        call.stranded = false;
        let from = call.enqueue.to;
        let ring_timeout = match from {
            Target::Queue(queue) => self.queues[&queue].config.ring_timeout,
            Target::Personal(owner) => self.agents[&owner].config.personal.ring_timeout,
        };
        let agent = self.agents.get_mut(&agent_id).unwrap();
        agent.was_free = false;
        agent.alert = Some(match_id);
        agent.counters.alerts += 1;
        let alert = Alert {
            call: id,
            agent: agent_id,
            until: now + ring_timeout,
            rang: false,
            picked_up: why == Cause::PickedUp,
            for_all: why == Cause::ForAll,
        };
        self.alerts.insert(match_id, alert);
        self.outputs.push(Output::Alert {
            match_id,
            epoch: self.epoch,
            interaction: id,
            agent: agent_id,
            from,
            ring_timeout,
            picked_up: why == Cause::PickedUp,
            choice,
        });
    }

    // ------------------------------------------------------------------------ time

    /// The next moment at which the rules ask for something.
    pub(crate) fn next_moment(&self, now: Duration) -> Option<Duration> {
        let rings = self.alerts.values().map(|alert| alert.until);
        let agents = self.agents.values();
        let wrap_ups = agents.clone().filter_map(|agent| agent.wrap_up_until);
        let skips = agents
            .map(|agent| agent.skipped_until)
            .filter(|at| *at > now);
        let retries = self.calls.values().flat_map(|call| &call.not_answered_by);
        let retries = retries.map(|(_, until)| *until).filter(|at| *at > now);
        let waits = self.calls.values().flat_map(|call| {
            let unanswered = !matches!(call.place, Place::Connected(_)) && call.overdue.is_none();
            let own = [call.max_wait_at, call.service_at];
            let own = own.into_iter().flatten().filter(move |_| unanswered);
            let gates = self.gates_at(now, call);
            own.chain(gates).chain(self.nobody_at(call))
        });
        let held = self.calls.values().filter_map(|call| call.held_for);
        let all = rings
            .chain(held.map(|(_, until)| until))
            .chain(wrap_ups)
            .chain(skips)
            .chain(retries)
            .chain(waits);
        all.filter(|at| is_moment(*at)).min()
    }

    /// Rules 2, 22 and 23: the moments of a call, from its entry into the queue it is in.
    fn set_moments(&mut self, id: InteractionId) {
        let call = &self.calls[&id];
        let (max_wait, service) = match call.enqueue.to {
            Target::Personal(agent) => (self.agents[&agent].config.personal.max_wait, None),
            Target::Queue(queue) => {
                let config = &self.queues[&queue].config;
                (config.max_wait, config.service_action)
            }
        };
        let call = self.calls.get_mut(&id).unwrap();
        call.max_wait_at = (!max_wait.is_zero()).then(|| call.entered + max_wait);
        call.service_at = service
            .filter(|_| !call.service_done)
            .map(|action| call.entered + action.after);
    }

    /// The moments at which it is old enough for agents who are free.
    fn gates_at(&self, now: Duration, call: &Call) -> impl Iterator<Item = Duration> {
        let to = call.enqueue.to;
        let waits = call.place == Place::Waiting && call.held_for.is_none() && self.has_room(to);
        let free = self.agents.iter().filter(move |(id, agent)| {
            waits && self.is_free(now, agent) && serves(**id, agent, to)
        });
        let gates = free.filter_map(move |(id, _)| match to {
            Target::Queue(queue) => self.gate(*id, queue),
            Target::Personal(_) => None,
        });
        let moments = gates.map(|gate| call.entered + gate);
        moments.filter(move |at| *at > now)
    }

    /// When the next of the agents assigned to its queue, at work or not, may be alerted for it.
    pub(crate) fn next_gate(&self, now: Duration, call: &Call) -> Option<Duration> {
        let Target::Queue(queue) = call.enqueue.to else {
            return None;
        };
        let agents = self.agents.iter().filter(|(_, agent)| !agent.removed);
        let gates = agents.filter_map(|(id, _)| self.gate(*id, queue));
        let moments = gates.map(|gate| call.entered + gate);
        moments.filter(|at| *at > now).min()
    }

    /// Rule 21: every agent of the queue is offline or on break, or has rejected it.
    fn somebody_is_there(&self, call: &Call) -> bool {
        let comes_back = call.recall && call.held_for.is_some();
        comes_back
            || self.agents.iter().any(|(id, agent)| {
                self.is_in_team(*id, call.enqueue.to)
                    && agent.presence == Presence::Available
                    && !call.rejected_by.contains(id)
            })
    }

    fn look_who_is_there(&mut self, now: Duration) {
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            let call = &self.calls[&id];
            let waits = call.place == Place::Waiting && matches!(call.enqueue.to, Target::Queue(_));
            let nobody = waits && !self.somebody_is_there(call);
            let call = self.calls.get_mut(&id).unwrap();
            if nobody {
                call.nobody_since.get_or_insert(now);
            } else {
                call.nobody_since = None;
                call.stranded = false;
            }
        }
    }

    fn nobody_at(&self, call: &Call) -> Option<Duration> {
        let Target::Queue(queue) = call.enqueue.to else {
            return None;
        };
        let after = self.queues.get(&queue)?.config.nobody_after;
        let since = call.nobody_since.filter(|_| !call.stranded)?;
        (!after.is_zero()).then(|| since + after)
    }

    fn has_nobody(&mut self, id: InteractionId) {
        let Target::Queue(queue) = self.calls[&id].enqueue.to else {
            unreachable!("only queues are watched");
        };
        match self.queues[&queue].config.when_nobody {
            WhenNobody::Go => self.divert(id, DivertReason::Nobody),
            WhenNobody::Stay => self.calls.get_mut(&id).unwrap().stranded = true,
        }
    }

    fn note_alarms(&mut self) {
        for (id, queue) in &mut self.queues {
            let stranded = self
                .calls
                .values()
                .any(|call| call.stranded && call.enqueue.to == Target::Queue(*id));
            if stranded != queue.alarmed {
                queue.alarmed = stranded;
                let queue = *id;
                self.outputs.push(if stranded {
                    Output::Unattended { queue }
                } else {
                    Output::Attended { queue }
                });
            }
        }
    }

    /// Rule 23.
    fn service_acts(&mut self, id: InteractionId) {
        let call = self.calls.get_mut(&id).unwrap();
        call.service_at = None;
        let Target::Queue(queue) = call.enqueue.to else {
            unreachable!("users have no service level");
        };
        let Some(action) = self
            .queues
            .get(&queue)
            .and_then(|it| it.config.service_action)
        else {
            return;
        };
        call.service_done = true;
        let step = action.step;
        self.outputs.push(Output::ServiceLevelReached {
            interaction: id,
            queue,
            step,
        });
        match step {
            ServiceStep::Raise(points) => {
                call.enqueue.priority += points;
                let rank = self.rank(&self.calls[&id].enqueue);
                self.calls.get_mut(&id).unwrap().rank = rank;
            }
            ServiceStep::Notify => {}
            ServiceStep::Go => self.time_is_over(id, DivertReason::ServiceLevel),
        }
    }

    /// What is due is done in the order in which it was due; at one moment phones first, then agents, then callers.
    fn time_passes(&mut self, now: Duration) {
        while let Some((_, due)) = self.due().filter(|(at, _)| *at <= now) {
            match due {
                Due::Ring(match_id) => self.times_out(now, match_id),
                Due::WrapUp(agent) => self.ends_wrap_up(now, agent),
                Due::MaxWait(call) => self.time_is_over(call, DivertReason::MaxWait),
                Due::Nobody(call) => self.has_nobody(call),
                Due::Service(call) => self.service_acts(call),
                Due::Reservation(call) => self.is_held_no_more(call),
            }
        }
        for agent in self.agents.values_mut() {
            if agent.skipped_until <= now {
                agent.health = DeviceHealth::Good;
            }
        }
    }

    fn due(&self) -> Option<(Duration, Due)> {
        let rings = self
            .alerts
            .iter()
            .map(|(id, alert)| (alert.until, Due::Ring(*id)));
        let wrap_ups = self
            .agents
            .iter()
            .filter_map(|(id, agent)| Some((agent.wrap_up_until?, Due::WrapUp(*id))));
        let unanswered = self.calls.iter().filter(|(_, call)| {
            !matches!(call.place, Place::Connected(_)) && call.overdue.is_none()
        });
        let max_waits = unanswered
            .clone()
            .filter_map(|(id, call)| Some((call.max_wait_at?, Due::MaxWait(*id))));
        let services =
            unanswered.filter_map(|(id, call)| Some((call.service_at?, Due::Service(*id))));
        let nobodies = self
            .calls
            .iter()
            .filter_map(|(id, call)| Some((self.nobody_at(call)?, Due::Nobody(*id))));
        let held = self
            .calls
            .iter()
            .filter_map(|(id, call)| Some((call.held_for?.1, Due::Reservation(*id))));
        let all = rings.chain(wrap_ups).chain(max_waits).chain(services);
        all.chain(nobodies).chain(held).min()
    }

    fn time_is_over(&mut self, id: InteractionId, reason: DivertReason) {
        let call = self.calls.get_mut(&id).unwrap();
        match call.place {
            Place::Waiting => self.divert(id, reason),
            Place::Alerting | Place::Connected(_) => call.overdue = Some(reason),
        }
    }

    /// Rule 22.
    fn takes_too_long(&mut self, id: InteractionId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let talks = matches!(call.place, Place::Connected(_));
        if !talks && call.overdue.is_none() && call.held_for.is_none() {
            self.time_is_over(id, DivertReason::MaxEstimate);
        }
    }

    // --------------------------------------------------------------------- hearing

    fn hear(&mut self, now: Duration, input: &Input) {
        match input {
            Input::Timeout => {}
            Input::ConfigChanged(config) => self.config_changes(now, config),
            Input::Restarted(incarnation) => self.restarts(now, *incarnation),
            Input::QueueOpened { queue } => self.opens(*queue),
            Input::QueueClosed { queue } => self.closes(*queue),
            Input::Enqueue(enqueue) => self.enters(now, enqueue),
            Input::Leave { interaction } | Input::InteractionEnded { interaction } => {
                self.goes(now, *interaction);
            }
            Input::AlertRinging { match_id } => {
                if let Some(alert) = self.alerts.get_mut(match_id) {
                    alert.rang = true;
                    let agent = alert.agent;
                    self.phone_lives(agent);
                }
            }
            Input::AlertEnded { match_id, end } => self.answers(now, *match_id, *end),
            Input::AgentChanged { agent, change } => self.agent_changes(now, *agent, change),
            Input::DailyReset => {
                for agent in self.agents.values_mut() {
                    agent.counters = Counters {
                        alerts: agent.alert.is_some().into(),
                        ..Counters::default()
                    };
                    agent.logged_in = Duration::ZERO;
                    agent.occupied = Duration::ZERO;
                    agent.share_ppm = 0;
                }
            }
            Input::TooLong { interaction } => self.takes_too_long(*interaction),
            Input::PickUp {
                interaction,
                agent,
                supervises,
            } => self.picks_up(now, *interaction, *agent, *supervises),
            Input::Reserve { interaction, agent } => self.reserves(now, *interaction, *agent),
            Input::Release {
                interaction,
                agent,
                supervises,
            } => self.releases(*interaction, *agent, *supervises),
            Input::Rerank {
                interaction,
                tier,
                priority,
            } => self.is_ranked_anew(*interaction, *tier, *priority),
        }
    }

    /// Rule 3.
    fn is_ranked_anew(&mut self, id: InteractionId, tier: Option<Tier>, priority: Option<i32>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if matches!(call.place, Place::Connected(_)) {
            return;
        }
        call.enqueue.tier = tier.unwrap_or(call.enqueue.tier);
        call.enqueue.priority = priority.unwrap_or(call.enqueue.priority);
        self.rerank_all();
    }

    fn denies(&mut self, interaction: InteractionId, agent: AgentId, why: Denial) {
        self.outputs.push(Output::Denied {
            interaction,
            agent,
            why,
        });
    }

    /// Rule 14.
    fn reserves(&mut self, now: Duration, id: InteractionId, taker: AgentId) {
        if let Err(why) = self.may_reserve(id, taker) {
            return self.denies(id, taker, why);
        }
        let limit = match self.calls[&id].enqueue.to {
            Target::Queue(queue) => self.queues[&queue].config.reservation_limit,
            Target::Personal(_) => Duration::from_secs(120),
        };
        let held = &self.calls[&id];
        if (held.sticky || held.recall) && held.held_for.is_some() {
            self.is_held_no_more(id);
        }
        if self.calls[&id].held_for.is_none() {
            self.is_held(id, taker, now + limit, (false, false));
        }
    }

    /// Rules 9 and 4.
    fn is_held_for_former(&mut self, now: Duration, id: InteractionId) {
        let enqueue = &self.calls[&id].enqueue;
        let (Some(first), to) = (enqueue.sticky, enqueue.to) else {
            return;
        };
        let agent = first.agent;
        let former = self.agents.get(&agent).filter(|former| !former.removed);
        let Some(former) = former.filter(|it| it.presence == Presence::Available) else {
            return;
        };
        let can = if first.recall {
            former.pending.is_none()
        } else {
            serves(agent, former, to) && self.is_in_team(agent, to)
        };
        if can && first.hold > Duration::ZERO {
            let why = (!first.recall, first.recall);
            self.is_held(id, agent, now + first.hold, why);
        }
    }

    fn is_held(
        &mut self,
        id: InteractionId,
        agent: AgentId,
        until: Duration,
        (sticky, recall): (bool, bool),
    ) {
        let call = self.calls.get_mut(&id).unwrap();
        call.held_for = Some((agent, until));
        call.sticky = sticky;
        call.recall = recall;
        self.outputs.push(Output::Held {
            interaction: id,
            agent: Some(agent),
            sticky,
            recall,
        });
    }

    fn may_reserve(&self, id: InteractionId, taker: AgentId) -> Result<(), Denial> {
        self.nobody_has(id)?;
        let call = &self.calls[&id];
        let agent = self.agents.get(&taker).filter(|agent| !agent.removed);
        match agent {
            None => Err(Denial::Offline),
            Some(agent) if agent.presence == Presence::Offline => Err(Denial::Offline),
            Some(agent) if agent.presence != Presence::Available => Err(Denial::OnBreak),
            Some(agent) if !serves(taker, agent, call.enqueue.to) => Err(Denial::NotAssigned),
            Some(_) if !self.is_in_team(taker, call.enqueue.to) => Err(Denial::Unskilled),
            Some(_) => match call.held_for {
                Some((holder, _)) if holder != taker => Err(Denial::HeldFor { agent: holder }),
                _ if call.rejected_by.contains(&taker) => Err(Denial::Rejected),
                _ if call.reserved_before.contains(&taker) => Err(Denial::ReservedBefore),
                _ => Ok(()),
            },
        }
    }

    fn releases(&mut self, id: InteractionId, by: AgentId, supervises: bool) {
        match self.calls.get(&id).map(|call| call.held_for) {
            None => self.denies(id, by, Denial::NotWaiting),
            Some(None) => self.denies(id, by, Denial::NotReserved),
            Some(Some((holder, _))) if holder != by && !supervises => {
                self.denies(id, by, Denial::HeldFor { agent: holder });
            }
            Some(Some(_)) => self.is_held_no_more(id),
        }
    }

    fn is_held_no_more(&mut self, id: InteractionId) {
        let call = self.calls.get_mut(&id).unwrap();
        let (holder, _) = call.held_for.take().unwrap();
        if !call.sticky && !call.recall {
            call.reserved_before.push(holder);
        }
        self.outputs.push(Output::Held {
            interaction: id,
            agent: None,
            sticky: false,
            recall: false,
        });
    }

    /// All they reserved and are not to have any more.
    fn loses_reservations(&mut self, holder: AgentId, loses: impl Fn(&Self, &Call) -> bool) {
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            let call = &self.calls[&id];
            if call.held_for.is_some_and(|(by, _)| by == holder) && loses(self, call) {
                self.is_held_no_more(id);
            }
        }
    }

    /// Rule 13.
    fn picks_up(&mut self, now: Duration, id: InteractionId, taker: AgentId, supervises: bool) {
        let own = self.agents.get(&taker).and_then(|agent| agent.alert);
        if own.is_some_and(|own| self.alerts[&own].call == id) {
            return;
        }
        if let Err(why) = self.may_pick_up(id, taker, supervises) {
            return self.denies(id, taker, why);
        }
        let choice = self.choice(now, Cause::PickedUp, id, &[taker]);
        if let Some(own) = own {
            let other = self.withdraws(own, WithdrawReason::Instead);
            self.back_to_queue(other.call, None);
        }
        self.withdraws_all(now, id, WithdrawReason::PickedUp);
        let agent = self.agents.get_mut(&taker).unwrap();
        if agent.wrap_up_until.is_some() {
            agent.time_is_over(now);
        }
        self.alert(now, id, choice);
    }

    fn may_pick_up(
        &self,
        id: InteractionId,
        taker: AgentId,
        supervises: bool,
    ) -> Result<(), Denial> {
        self.nobody_has(id)?;
        let call = &self.calls[&id];
        let to = call.enqueue.to;
        let agent = self.agents.get(&taker).filter(|agent| !agent.removed);
        let held_for = call
            .held_for
            .filter(|(holder, _)| *holder != taker && !supervises);
        match agent {
            None => Err(Denial::Offline),
            Some(agent)
                if !supervises && !is_assigned(taker, agent, to) && !call.is_recalled_to(taker) =>
            {
                Err(Denial::NotAssigned)
            }
            Some(_) if held_for.is_some() => {
                let (agent, _) = held_for.unwrap();
                Err(Denial::HeldFor { agent })
            }
            Some(agent) if agent.presence == Presence::Offline => Err(Denial::Offline),
            Some(agent) if agent.device == Device::Unregistered => Err(Denial::NoPhone),
            Some(_) => Ok(()),
        }
    }

    /// It waits, or alerts somebody who did not ask for it, where something can wait.
    fn nobody_has(&self, id: InteractionId) -> Result<(), Denial> {
        let call = self.calls.get(&id).ok_or(Denial::NotWaiting)?;
        match call.place {
            Place::Connected(by) => return Err(Denial::Taken { by }),
            Place::Alerting => {
                let mut alerts = self.alerts.values();
                if let Some(by) = alerts.find(|alert| alert.call == id && alert.picked_up) {
                    return Err(Denial::Taken { by: by.agent });
                }
            }
            Place::Waiting => {}
        }
        let place_is_there = match call.enqueue.to {
            Target::Queue(queue) => self.queues.contains_key(&queue),
            Target::Personal(owner) => self.agents.get(&owner).is_some_and(|owner| !owner.removed),
        };
        place_is_there.then_some(()).ok_or(Denial::NotWaiting)
    }

    /// Rules 20 and 2.
    fn enters(&mut self, now: Duration, enqueue: &Enqueue) {
        let (interaction, to) = (enqueue.interaction, enqueue.to);
        let refusal = if self.calls.contains_key(&interaction) {
            Some(RefuseReason::Duplicate)
        } else {
            match to {
                Target::Queue(id) => self.refusal(id, enqueue.kind),
                Target::Personal(id) => match self.agents.get(&id) {
                    Some(agent) if !agent.removed => None,
                    Some(_) | None => Some(RefuseReason::Unknown),
                },
            }
        };
        if let Some(reason) = refusal {
            self.outputs.push(Output::Refuse {
                interaction,
                to,
                reason,
            });
            return;
        }
        if let Some(reason) = self.away(to) {
            self.outputs.push(Output::Divert {
                interaction,
                from: to,
                reason,
            });
            return;
        }
        let call = Call {
            enqueue: enqueue.clone(),
            entered: now,
            max_wait_at: None,
            service_at: None,
            service_done: enqueue.service_acted,
            overdue: None,
            nobody_since: None,
            stranded: false,
            place: Place::Waiting,
            rejected_by: Vec::new(),
            not_answered_by: Vec::new(),
            goes: None,
            held_for: None,
            sticky: false,
            recall: false,
            coded: false,
            reserved_before: Vec::new(),
            rank: self.rank(enqueue),
        };
        let before = |other: &&Call| {
            other.enqueue.to == to
                && !matches!(other.place, Place::Connected(_))
                && other.rank < call.rank
        };
        let position = 1 + self.calls.values().filter(before).count() as u32;
        self.calls.insert(interaction, call);
        self.set_moments(interaction);
        self.outputs.push(Output::Entered {
            interaction,
            to,
            position,
        });
        self.is_held_for_former(now, interaction);
    }

    fn refusal(&self, id: QueueId, kind: EntryKind) -> Option<RefuseReason> {
        let Some(queue) = self.queues.get(&id) else {
            return Some(RefuseReason::Unknown);
        };
        if kind == EntryKind::Recall {
            return None;
        }
        let here = |call: &&Call| {
            call.enqueue.to == Target::Queue(id) && !matches!(call.place, Place::Connected(_))
        };
        let len = self.calls.values().filter(here).count();
        let max = queue.config.max_waiting as usize;
        let mut team = self.agents.iter().filter(|(aid, agent)| {
            self.is_in_team(**aid, Target::Queue(id)) && agent.presence != Presence::Offline
        });
        match queue.config.join_when {
            _ if !queue.open => Some(RefuseReason::Closed),
            _ if max > 0 && len >= max => Some(RefuseReason::Full),
            JoinWhen::SomeoneLoggedIn if team.next().is_none() => {
                Some(RefuseReason::NobodyLoggedIn)
            }
            JoinWhen::SomeoneAvailable
                if !team.any(|(_, agent)| agent.presence == Presence::Available) =>
            {
                Some(RefuseReason::NobodyAvailable)
            }
            JoinWhen::Always | JoinWhen::SomeoneLoggedIn | JoinWhen::SomeoneAvailable => None,
        }
    }

    fn away(&self, to: Target) -> Option<DivertReason> {
        let Target::Personal(id) = to else {
            return None;
        };
        match self.agents.get(&id) {
            Some(agent) if !agent.removed => match agent.presence {
                Presence::Available
                    if agent.device == Device::Unregistered
                        || agent.health == DeviceHealth::Unreachable =>
                {
                    Some(DivertReason::AgentUnreachable)
                }
                Presence::Available => None,
                Presence::Offline => Some(DivertReason::AgentOffline),
                Presence::Break(_) => Some(DivertReason::AgentOnBreak),
            },
            Some(_) | None => Some(DivertReason::AgentRemoved),
        }
    }

    fn goes(&mut self, now: Duration, id: InteractionId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        match call.place {
            Place::Waiting => {}
            Place::Alerting => self.withdraws_all(now, id, WithdrawReason::CallerGone),
            Place::Connected(agent) => self.hangs_up(now, agent, id, call.enqueue.to),
        }
        self.calls.remove(&id);
    }

    fn divert(&mut self, id: InteractionId, reason: DivertReason) {
        let call = self.calls.remove(&id).unwrap();
        self.outputs.push(Output::Divert {
            interaction: id,
            from: call.enqueue.to,
            reason,
        });
    }

    /// Those who wait there go now, those who alert when it comes to nothing.
    fn send_away(&mut self, from: Target, reason: DivertReason) {
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            let call = self.calls.get_mut(&id).unwrap();
            match call.place {
                _ if call.enqueue.to != from => {}
                Place::Waiting => self.divert(id, reason),
                Place::Alerting => call.goes = Some(reason),
                Place::Connected(_) => {}
            }
        }
    }

    /// Rules 2 and 18: nobody waits for a phone that is gone.
    fn nothing_to_wait_for(&mut self, id: AgentId) {
        let own = Target::Personal(id);
        let Some(reason) = self.away(own) else {
            return;
        };
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            let call = &self.calls[&id];
            if call.enqueue.to == own && call.place == Place::Waiting {
                self.divert(id, reason);
            }
        }
    }

    fn opens(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        queue.open = true;
        for call in self.calls.values_mut() {
            if call.enqueue.to == Target::Queue(id) && call.goes == Some(DivertReason::Closed) {
                call.goes = None;
            }
        }
    }

    fn closes(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        let was_open = queue.open;
        queue.open = false;
        if was_open && queue.config.when_closing == WhenClosing::Go {
            self.send_away(Target::Queue(id), DivertReason::Closed);
        }
    }

    // ---------------------------------------------------------------------- alerts

    fn ends(&mut self, match_id: MatchId, how: AlertOutcome) -> Alert {
        let alert = self.alerts.remove(&match_id).unwrap();
        let agent = self.agents.get_mut(&alert.agent).unwrap();
        agent.alert = None;
        let counters = &mut agent.counters;
        match how {
            AlertOutcome::Accepted => counters.accepted += 1,
            AlertOutcome::Rejected => counters.rejected += 1,
            AlertOutcome::TimedOut => counters.timed_out += 1,
            AlertOutcome::Withdrawn(_) => counters.withdrawn += 1,
            AlertOutcome::Failed { .. } => counters.failed += 1,
        }
        self.outputs.push(Output::AlertFinished {
            match_id,
            interaction: alert.call,
            agent: alert.agent,
            how,
            rang: alert.rang,
        });
        alert
    }

    fn withdraws(&mut self, match_id: MatchId, reason: WithdrawReason) -> Alert {
        let alert = self.ends(match_id, AlertOutcome::Withdrawn(reason));
        self.outputs.push(Output::Withdraw { match_id, reason });
        alert
    }

    /// All alerts of a call.
    fn withdraws_all(&mut self, now: Duration, id: InteractionId, reason: WithdrawReason) {
        for match_id in self.alerts.keys().copied().collect::<Vec<_>>() {
            if self.alerts[&match_id].call == id {
                let alert = self.withdraws(match_id, reason);
                self.takes_pending(now, alert.agent);
            }
        }
    }

    /// Rule 4, and rule 2 for direct calls that their own user did not take.
    fn back_to_queue(&mut self, id: InteractionId, untaken: Option<(AgentId, DivertReason)>) {
        if self.alerts.values().any(|alert| alert.call == id) {
            return;
        }
        let call = &self.calls[&id];
        let untaken = untaken.filter(|(by, _)| call.enqueue.to == Target::Personal(*by));
        match untaken
            .map(|(_, reason)| reason)
            .or(call.goes)
            .or(call.overdue)
            .or_else(|| self.away(call.enqueue.to))
        {
            Some(reason) => self.divert(id, reason),
            None => self.calls.get_mut(&id).unwrap().place = Place::Waiting,
        }
    }

    /// Rules 11 and 12.
    fn answers(&mut self, now: Duration, match_id: MatchId, end: AlertEnd) {
        let Some(alert) = self.alerts.get(&match_id) else {
            if end == AlertEnd::Accepted {
                let reason = WithdrawReason::Stale;
                self.outputs.push(Output::Withdraw { match_id, reason });
            }
            return;
        };
        let rang = alert.rang;
        match end {
            AlertEnd::Accepted => self.accepts(now, match_id),
            AlertEnd::Rejected => {
                self.rejects(now, match_id);
                let reason = WithdrawReason::Rejected;
                self.outputs.push(Output::Withdraw { match_id, reason });
            }
            AlertEnd::NoProvisional => self.fails(now, match_id, 408, DeviceHealth::Unreachable),
            AlertEnd::NoBinding => self.fails(now, match_id, 480, DeviceHealth::Unreachable),
            AlertEnd::Refused {
                status,
                since_own_bye,
            } => match (status, rang, since_own_bye) {
                (603, _, _) | (486 | 600, true, _) => {
                    let agent = self.alerts[&match_id].agent;
                    self.phone_lives(agent);
                    self.rejects(now, match_id);
                }
                (486 | 600, false, Some(since)) if since < Duration::from_millis(500) => {
                    let alert = self.ends(match_id, AlertOutcome::Failed { status });
                    let agent = self.agents.get_mut(&alert.agent).unwrap();
                    agent.health = DeviceHealth::Busy;
                    agent.skipped_until = now + Duration::from_millis(250);
                    self.back_to_queue(alert.call, None);
                    self.takes_pending(now, alert.agent);
                }
                (486 | 600, false, _) => self.fails(now, match_id, status, DeviceHealth::Busy),
                _ => self.fails(now, match_id, status, DeviceHealth::Unreachable),
            },
        }
    }

    fn accepts(&mut self, now: Duration, match_id: MatchId) {
        let Alert { call, agent, .. } = self.ends(match_id, AlertOutcome::Accepted);
        self.phone_lives(agent);
        self.withdraws_all(now, call, WithdrawReason::Answered);
        let answered = self.calls.get_mut(&call).unwrap();
        answered.place = Place::Connected(agent);
        answered.not_answered_by.clear();
        answered.held_for = None;
        let talks = self.agents.get_mut(&agent).unwrap();
        if talks.wrap_up_until.is_some() {
            talks.time_is_over(now);
        }
        talks.wrap_up_until = None;
        talks.talks_to.push(call);
        talks.no_answers = 0;
        self.outputs.push(Output::Connect {
            match_id,
            interaction: call,
            agent,
        });
    }

    fn rejects(&mut self, now: Duration, match_id: MatchId) {
        let Alert { call, agent, .. } = self.ends(match_id, AlertOutcome::Rejected);
        let rejecter = self.agents.get_mut(&agent).unwrap();
        rejecter.no_answers = 0;
        rejecter.idle_since = now;
        let rejected = self.calls.get_mut(&call).unwrap();
        rejected.rejected_by.push(agent);
        rejected.not_answered_by.retain(|(by, _)| *by != agent);
        if rejected.held_for.is_some_and(|(holder, _)| holder == agent) {
            self.is_held_no_more(call);
        }
        self.back_to_queue(call, Some((agent, DivertReason::AgentRejected)));
        self.takes_pending(now, agent);
    }

    fn times_out(&mut self, now: Duration, match_id: MatchId) {
        if self.alerts[&match_id].for_all {
            let alert = self.withdraws(match_id, WithdrawReason::TimedOut);
            self.back_to_queue(alert.call, None);
            return self.takes_pending(now, alert.agent);
        }
        let Alert {
            call,
            agent,
            picked_up,
            ..
        } = self.ends(match_id, AlertOutcome::TimedOut);
        let reason = WithdrawReason::TimedOut;
        self.outputs.push(Output::Withdraw { match_id, reason });
        let to = self.calls[&call].enqueue.to;
        let max_no_answer = match to {
            Target::Queue(queue) => self.queues.get(&queue).map_or(0, |queue| {
                let until = now + queue.config.retry_after;
                let call = self.calls.get_mut(&call).unwrap();
                call.not_answered_by.retain(|(by, _)| *by != agent);
                if !call.rejected_by.contains(&agent) {
                    call.not_answered_by.push((agent, until));
                }
                queue.config.max_no_answer
            }),
            Target::Personal(owner) => self
                .agents
                .get(&owner)
                .map_or(0, |owner| owner.config.personal.max_no_answer),
        };
        let sleeper = self.agents.get_mut(&agent).unwrap();
        sleeper.idle_since = now;
        sleeper.no_answers += u32::from(!picked_up);
        let absent = !picked_up && max_no_answer > 0 && sleeper.no_answers >= max_no_answer;
        self.back_to_queue(call, Some((agent, DivertReason::AgentNoAnswer)));
        if absent {
            self.becomes(now, agent, Presence::Break(BreakReason::no_answer()));
        }
        self.takes_pending(now, agent);
    }

    fn fails(&mut self, now: Duration, match_id: MatchId, status: u16, health: DeviceHealth) {
        let Alert { call, agent, .. } = self.ends(match_id, AlertOutcome::Failed { status });
        let base = match self.calls[&call].enqueue.to {
            Target::Queue(queue) => self.queues.get(&queue).map(|it| it.config.device_retry),
            Target::Personal(owner) => self
                .agents
                .get(&owner)
                .map(|owner| owner.config.personal.device_retry),
        };
        let base = base.unwrap_or(Duration::from_secs(5));
        let failed = self.agents.get_mut(&agent).unwrap();
        let mut wait = base;
        for _ in 0..failed.failures.min(10) {
            wait = (wait * 2).min(RETRY_MAX.max(base));
        }
        failed.failures += 1;
        failed.health = health;
        failed.skipped_until = now + wait;
        self.back_to_queue(call, None);
        self.nothing_to_wait_for(agent);
        self.takes_pending(now, agent);
    }

    fn phone_lives(&mut self, id: AgentId) {
        let agent = self.agents.get_mut(&id).unwrap();
        agent.failures = 0;
        agent.health = DeviceHealth::Good;
        agent.skipped_until = Duration::ZERO;
    }

    // ---------------------------------------------------------------------- agents

    fn agent_changes(&mut self, now: Duration, id: AgentId, change: &AgentChange) {
        let Some(agent) = self.agents.get_mut(&id).filter(|agent| !agent.removed) else {
            return;
        };
        match change {
            AgentChange::Login { device } => {
                if agent.pending == Some(Presence::Offline) {
                    agent.pending = None;
                }
                let offline = agent.presence == Presence::Offline;
                self.phone_is(id, *device);
                if offline {
                    self.becomes(now, id, Presence::Available);
                }
            }
            AgentChange::Presence(wish) => {
                agent.pending = None;
                let busy = !agent.talks_to.is_empty() || agent.wrap_up_until.is_some();
                if *wish == agent.presence {
                } else if busy && *wish != Presence::Available {
                    agent.pending = Some(wish.clone());
                    self.loses_reservations(id, |_, call| call.recall);
                } else {
                    self.becomes(now, id, wish.clone());
                }
            }
            AgentChange::Device(device) => self.phone_is(id, *device),
            AgentChange::OwnCalls { count } => {
                if agent.own_calls > 0 && *count == 0 {
                    agent.idle_since = now;
                }
                agent.own_calls = *count;
                if *count == 0 && agent.health == DeviceHealth::Busy {
                    self.phone_lives(id);
                }
            }
            AgentChange::WrapUpEnded => {
                if agent.wrap_up_until.is_some() && agent.owes.is_empty() {
                    self.ends_wrap_up(now, id);
                }
            }
            AgentChange::WrapUpCutShort => {
                agent.owes.clear();
                if agent.wrap_up_until.is_some() {
                    self.ends_wrap_up(now, id);
                }
            }
            AgentChange::Coded { interaction } => {
                if agent.talks_to.contains(interaction) {
                    self.calls.get_mut(interaction).unwrap().coded = true;
                } else {
                    self.owes_no_more(now, id, |owed| owed.0 == *interaction);
                }
            }
            AgentChange::QueueJoined { queue, joined } => {
                let assigned = is_assigned(id, agent, Target::Queue(*queue));
                agent.races.remove(queue);
                if *joined {
                    agent.left.remove(queue);
                } else if agent.presence != Presence::Offline && assigned {
                    agent.left.insert(*queue);
                }
                self.loses_reservations(id, |model, call| {
                    !call.recall && !model.is_in_team(id, call.enqueue.to)
                });
                self.draws_what_lacks(now, id);
            }
            AgentChange::WrapUpExtended { by } => {
                if let Some(until) = agent.wrap_up_until.as_mut().filter(|at| is_moment(**at)) {
                    *until += *by;
                }
            }
        }
    }

    fn phone_is(&mut self, id: AgentId, device: Device) {
        self.agents.get_mut(&id).unwrap().device = device;
        if device != Device::Unregistered {
            self.phone_lives(id);
        }
        self.nothing_to_wait_for(id);
    }

    /// Rule 16; rule 2 for those who wait for them.
    fn becomes(&mut self, now: Duration, id: AgentId, presence: Presence) {
        let agent = self.agents.get_mut(&id).unwrap();
        let reason = match presence {
            Presence::Available => None,
            Presence::Break(_) => Some(WithdrawReason::Break),
            Presence::Offline if agent.removed => Some(WithdrawReason::AgentRemoved),
            Presence::Offline => Some(WithdrawReason::Logout),
        };
        if presence == Presence::Available {
            agent.idle_since = now;
            agent.no_answers = 0;
        }
        if presence == Presence::Offline {
            agent.left.clear();
        }
        agent.presence = presence;
        agent.pending = None;
        let alert = agent.alert;
        if reason.is_some() {
            self.loses_reservations(id, |_, _| true);
        }
        if let (Some(reason), Some(match_id)) = (reason, alert) {
            let alert = self.withdraws(match_id, reason);
            self.back_to_queue(alert.call, None);
        }
        if let Some(reason) = self.away(Target::Personal(id)) {
            self.send_away(Target::Personal(id), reason);
        }
    }

    /// Rule 17.
    fn hangs_up(&mut self, now: Duration, id: AgentId, over: InteractionId, to: Target) {
        let wrap_up = match to {
            Target::Queue(queue) => self.queues.get(&queue).map(|queue| queue.config.wrap_up),
            Target::Personal(agent) => self
                .agents
                .get(&agent)
                .map(|agent| agent.config.personal.wrap_up),
        };
        let coded = self.calls[&over].coded;
        let agent = self.agents.get_mut(&id).unwrap();
        agent.talks_to.retain(|other| *other != over);
        if let Target::Queue(queue) = to
            && self
                .queues
                .get(&queue)
                .is_some_and(|it| it.config.code_required)
            && !coded
            && !agent.removed
        {
            agent.owes.push((over, queue));
        }
        if !agent.talks_to.is_empty() {
            return;
        }
        agent.idle_since = now;
        agent.wrap_up_until = match wrap_up {
            Some(WrapUp::Manual) => Some(MANUAL),
            Some(WrapUp::For(span)) if !span.is_zero() => Some(now + span),
            Some(WrapUp::For(_)) | None if !agent.owes.is_empty() => Some(CODED),
            Some(WrapUp::For(_)) | None => None,
        };
        self.takes_pending(now, id);
    }

    fn ends_wrap_up(&mut self, now: Duration, id: AgentId) {
        self.agents.get_mut(&id).unwrap().time_is_over(now);
        self.takes_pending(now, id);
    }

    fn owes_no_more(
        &mut self,
        now: Duration,
        id: AgentId,
        given: impl Fn(&(InteractionId, QueueId)) -> bool,
    ) {
        let agent = self.agents.get_mut(&id).unwrap();
        agent.owes.retain(|owed| !given(owed));
        if agent.wrap_up_until == Some(CODED) && agent.owes.is_empty() {
            self.ends_wrap_up(now, id);
        }
    }

    fn takes_pending(&mut self, now: Duration, id: AgentId) {
        let agent = self.agents.get_mut(&id).unwrap();
        if agent.wrap_up_until.is_none()
            && agent.talks_to.is_empty()
            && let Some(presence) = agent.pending.take()
        {
            self.becomes(now, id, presence);
        }
    }

    /// What others see of an agent.
    pub(crate) fn shown(&self, id: AgentId) -> AgentState {
        let agent = &self.agents[&id];
        AgentState {
            presence: agent.presence.clone(),
            pending: agent.pending.clone(),
            activity: self.activity(agent),
            since: agent.since.2,
            device: agent.device,
            device_health: agent.health,
            left: agent.left.clone(),
            owes: agent
                .owes
                .iter()
                .map(|(interaction, queue)| Owed {
                    interaction: *interaction,
                    queue: *queue,
                })
                .collect(),
        }
    }

    fn activity(&self, agent: &Agent) -> Activity {
        if let Some(match_id) = agent.alert {
            let interaction = self.alerts[&match_id].call;
            return Activity::Alerting {
                match_id,
                interaction,
            };
        }
        match (agent.talks_to.last().copied(), agent.wrap_up_until) {
            (Some(interaction), _) => Activity::Busy { interaction },
            (None, Some(until)) => Activity::WrapUp {
                until: is_moment(until).then_some(until),
            },
            (None, None) if agent.own_calls > 0 => Activity::OwnCall,
            (None, None) => Activity::Idle,
        }
    }

    fn note_activities(&mut self, now: Duration) {
        for id in self.agents.keys().copied().collect::<Vec<_>>() {
            let agent = &self.agents[&id];
            let (presence, activity) = (agent.presence.clone(), self.activity(agent));
            let gone = agent.removed && activity_is_over(agent);
            let agent = self.agents.get_mut(&id).unwrap();
            if (&agent.since.0, &agent.since.1) != (&presence, &activity) {
                agent.since = (presence, activity, now);
            }
            if gone {
                self.agents.remove(&id);
                self.turns.retain(|(_, by, _)| *by != id);
                self.outputs.push(Output::AgentRemoved { agent: id });
            }
        }
    }

    // --------------------------------------------------------------------- changes

    fn config_changes(&mut self, now: Duration, config: &AcdConfig) {
        let gates = self.gates_of_all();
        let wanted = |id: &QueueId| config.queues.iter().any(|queue| queue.id == *id);
        for id in self.queues.keys().copied().collect::<Vec<_>>() {
            if !wanted(&id) {
                self.send_away(Target::Queue(id), DivertReason::QueueRemoved);
                self.goes_by_nothing(id);
                if self.queues.remove(&id).is_some_and(|queue| queue.alarmed) {
                    self.outputs.push(Output::Attended { queue: id });
                }
            }
        }
        for queue in &config.queues {
            match self.queues.get_mut(&queue.id) {
                Some(kept) => {
                    let before = std::mem::replace(&mut kept.config, queue.clone());
                    if before.strategy != queue.strategy {
                        self.goes_by_nothing(queue.id);
                    }
                }
                None => {
                    let new = Queue {
                        config: queue.clone(),
                        open: false,
                        alarmed: false,
                        races: BTreeMap::new(),
                        turns: 0,
                    };
                    self.queues.insert(queue.id, new);
                    self.comes_back(Target::Queue(queue.id));
                }
            }
        }
        let wanted = |id: &AgentId| config.agents.iter().any(|agent| agent.id == *id);
        for id in self.agents.keys().copied().collect::<Vec<_>>() {
            if !wanted(&id)
                && !std::mem::replace(&mut self.agents.get_mut(&id).unwrap().removed, true)
            {
                self.becomes(now, id, Presence::Offline);
                self.owes_no_more(now, id, |_| true);
            }
        }
        for agent in &config.agents {
            match self.agents.get_mut(&agent.id) {
                Some(kept) => {
                    let before = std::mem::replace(&mut kept.config, agent.clone());
                    self.is_reassigned(agent.id, &before);
                    let kept = self.agents.get_mut(&agent.id).unwrap();
                    let assigned = |left: &QueueId| agent.queues.iter().any(|it| it.queue == *left);
                    kept.left.retain(assigned);
                    if std::mem::replace(&mut kept.removed, false) {
                        self.comes_back(Target::Personal(agent.id));
                    }
                }
                None => {
                    self.agents.insert(agent.id, new_agent(now, agent));
                    self.comes_back(Target::Personal(agent.id));
                }
            }
        }
        let queues = self.queues.iter();
        let asking: BTreeSet<QueueId> = queues
            .filter(|(_, queue)| queue.config.code_required)
            .map(|(id, _)| *id)
            .collect();
        for id in self.agents.keys().copied().collect::<Vec<_>>() {
            self.owes_no_more(now, id, |(_, queue)| !asking.contains(queue));
        }
        for id in self.agents.keys().copied().collect::<Vec<_>>() {
            self.loses_reservations(id, |model, call| match call.enqueue.to {
                to @ Target::Queue(queue) => {
                    !model.queues.contains_key(&queue) || !call.recall && !model.is_in_team(id, to)
                }
                Target::Personal(_) => false,
            });
        }
        self.rerank_all();
        let before = gates;
        for (at, gate) in self.gates_of_all() {
            if before.get(&at) != Some(&gate) {
                self.agents.get_mut(&at.0).unwrap().races.remove(&at.1);
            }
        }
        for id in self.agents.keys().copied().collect::<Vec<_>>() {
            self.draws_what_lacks(now, id);
        }
        self.stranded_may_go();
    }

    /// From which age on everybody will do everywhere, where they ever do.
    fn gates_of_all(&self) -> BTreeMap<(AgentId, QueueId), Duration> {
        let mut all = BTreeMap::new();
        for (id, agent) in &self.agents {
            for queue in self.queues.keys().copied() {
                let serves = serves(*id, agent, Target::Queue(queue));
                all.extend(
                    self.gate(*id, queue)
                        .filter(|_| serves)
                        .map(|it| ((*id, queue), it)),
                );
            }
        }
        all
    }

    /// A queue with another strategy, or gone: what was remembered for the old one is forgotten.
    fn goes_by_nothing(&mut self, id: QueueId) {
        self.turns.retain(|(queue, _, _)| *queue != id);
        for agent in self.agents.values_mut() {
            agent.races.remove(&id);
        }
        let queue = self.queues.get_mut(&id).unwrap();
        queue.races.clear();
        queue.turns = 0;
    }

    fn is_reassigned(&mut self, id: AgentId, before: &AgentConfig) {
        let weight = |config: &AgentConfig, queue| {
            let assigned = config.queues.iter().find(|it| it.queue == queue);
            assigned.map(|it| it.weight)
        };
        let agent = self.agents.get_mut(&id).unwrap();
        let now = &agent.config;
        self.turns
            .retain(|(queue, by, _)| *by != id || weight(now, *queue).is_some());
        agent.races.retain(|queue, _| {
            weight(now, *queue).is_some() && weight(now, *queue) == weight(before, *queue)
        });
    }

    fn stranded_may_go(&mut self) {
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            let call = &self.calls[&id];
            if let Target::Queue(queue) = call.enqueue.to
                && call.stranded
                && self.queues[&queue].config.when_nobody == WhenNobody::Go
            {
                self.divert(id, DivertReason::Nobody);
            }
        }
    }

    fn comes_back(&mut self, target: Target) {
        for call in self.calls.values_mut() {
            if call.enqueue.to == target && matches!(call.place, Place::Alerting) {
                call.goes = None;
            }
        }
    }

    /// Rule 3, and the moments by the new settings.
    fn rerank_all(&mut self) {
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            let exists = match self.calls[&id].enqueue.to {
                Target::Queue(queue) => self.queues.contains_key(&queue),
                Target::Personal(agent) => self.agents.contains_key(&agent),
            };
            if exists {
                let rank = self.rank(&self.calls[&id].enqueue);
                self.calls.get_mut(&id).unwrap().rank = rank;
                if !matches!(self.calls[&id].place, Place::Connected(_)) {
                    self.set_moments(id);
                }
            }
        }
    }

    fn restarts(&mut self, now: Duration, incarnation: Incarnation) {
        for match_id in self.alerts.keys().copied().collect::<Vec<_>>() {
            self.withdraws(match_id, WithdrawReason::Restart);
        }
        self.calls.clear();
        for id in self.agents.keys().copied().collect::<Vec<_>>() {
            let agent = self.agents.get_mut(&id).unwrap();
            if !agent.talks_to.is_empty() || agent.own_calls > 0 {
                agent.idle_since = now;
            }
            agent.talks_to.clear();
            agent.own_calls = 0;
            self.takes_pending(now, id);
        }
        self.incarnation = incarnation;
        self.epoch = incarnation.epoch;
        self.next_match = incarnation.first_match().0;
    }
}

impl Agent {
    /// The time of their wrap-up is over; they stay in it for the codes they owe.
    fn time_is_over(&mut self, now: Duration) {
        if self.owes.is_empty() {
            self.wrap_up_until = None;
            self.idle_since = now;
        } else {
            self.wrap_up_until = Some(CODED);
        }
    }
}

/// Whether a wrap-up that lasts until then ends by the clock.
pub(crate) fn is_moment(until: Duration) -> bool {
    until != MANUAL && until != CODED
}

pub(crate) fn serves(id: AgentId, agent: &Agent, target: Target) -> bool {
    let left = matches!(target, Target::Queue(queue) if agent.left.contains(&queue));
    is_assigned(id, agent, target) && !left
}

pub(crate) fn is_assigned(id: AgentId, agent: &Agent, target: Target) -> bool {
    match target {
        Target::Queue(queue) => {
            agent.config.queues.iter().any(|it| it.queue == queue) && !agent.removed
        }
        Target::Personal(own) => own == id,
    }
}

fn activity_is_over(agent: &Agent) -> bool {
    agent.alert.is_none() && agent.talks_to.is_empty() && agent.wrap_up_until.is_none()
}

fn new_agent(now: Duration, config: &AgentConfig) -> Agent {
    Agent {
        config: config.clone(),
        removed: false,
        presence: Presence::Offline,
        pending: None,
        device: Device::Unregistered,
        health: DeviceHealth::Good,
        skipped_until: Duration::ZERO,
        failures: 0,
        own_calls: 0,
        left: BTreeSet::new(),
        alert: None,
        talks_to: Vec::new(),
        wrap_up_until: None,
        owes: Vec::new(),
        idle_since: now,
        no_answers: 0,
        counters: Counters::default(),
        was_free: false,
        logged_in: Duration::ZERO,
        occupied: Duration::ZERO,
        share_ppm: 0,
        races: BTreeMap::new(),
        draws: 0,
        since: (Presence::Offline, Activity::Idle, now),
    }
}

/// -log2((lot + 1) / 2^64) with 32 bits after the point, digit by digit: 2^digit more where the number allows it.
fn minus_log2(lot: u64) -> u64 {
    let number = u128::from(lot) + 1;
    let whole = (0..=64).rev().find(|bits| number >> bits > 0).unwrap();
    let mut log = whole << 32;
    // The number as 1 to 2, with 63 bits after the point.
    let one = 1_u128 << 63;
    let mut rest = if whole == 64 {
        one
    } else {
        (number << 63) >> whole
    };
    for digit in (0..32).rev() {
        rest = (rest * rest) / one;
        if rest >= 2 * one {
            rest /= 2;
            log += 1 << digit;
        }
    }
    (64 << 32) - log
}
