//! [`Load`]: callers come, are reserved now and then, and agents hang up, are rung, and answer or reject.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use acd::{AgentId, InteractionId, MatchId, QueueId};

use super::{AGENTS, QUEUES, agent_of};

/// Time between two events.
const STEP: Duration = Duration::from_millis(1);
/// Of a hundred alerts so many are rejected.
const REJECTED: u64 = 1;
/// Of a hundred callers so many are reserved by one of their queue's agents, unless they have been served by then.
const RESERVED: u64 = 5;
/// So many others come before one is reserved.
const RESERVED_LATER: usize = 1_000;
/// An agent hangs up while at most so many have nothing to do.
const IDLE_MAX: usize = 100;

/// Something that happens, as it is told to whoever distributes.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A caller comes.
    Comes {
        /// Who.
        caller: InteractionId,
        /// Where they wait.
        queue: QueueId,
        /// Their own points.
        priority: i32,
    },
    /// An agent wants a caller held for them.
    Reserves {
        /// Whom.
        caller: InteractionId,
        /// For whom.
        agent: AgentId,
    },
    /// A phone rings.
    Rings(MatchId),
    /// An agent answers.
    Accepts(MatchId),
    /// An agent does not want this one.
    Rejects(MatchId),
    /// A talk is over.
    HangsUp(InteractionId),
}

/// What became of an event.
#[derive(Debug, Default)]
pub struct Effects {
    /// Who is to be rung, and for whom.
    pub alerts: Vec<(MatchId, InteractionId, AgentId)>,
    /// Who talks.
    pub talks: Vec<InteractionId>,
}

/// Whoever distributes.
pub trait Distributor {
    /// All that follows from an event at this time.
    fn on(&mut self, now: Duration, event: Event, effects: &mut Effects);
}

/// A centre in the middle of its day.
#[derive(Debug)]
pub struct Load<D> {
    distributor: D,
    now: Duration,
    lots: Lots,
    callers: u64,
    alerts: VecDeque<MatchId>,
    talks: Vec<InteractionId>,
    lately: VecDeque<(InteractionId, QueueId)>,
    effects: Effects,
    spent: Spent,
    digest: u64,
}

/// How long events took, in nanoseconds.
#[derive(Debug, Default)]
pub struct Spent {
    /// Each of them.
    pub all_ns: Vec<f64>,
    /// Those by which an agent became free and somebody was offered.
    pub freed_ns: Vec<f64>,
}

impl<D: Distributor> Load<D> {
    /// All agents talk, and so many callers wait; `now` is when the agents came.
    pub fn new(distributor: D, now: Duration, waiting: u64) -> Self {
        let mut load = Self {
            distributor,
            now,
            lots: Lots(1),
            callers: 0,
            alerts: VecDeque::new(),
            talks: Vec::new(),
            lately: VecDeque::new(),
            effects: Effects::default(),
            spent: Spent::default(),
            digest: 0,
        };
        for _ in 0..u64::from(AGENTS) + waiting {
            load.caller_comes();
            load.phones_are_answered();
        }
        load.spent = Spent::default();
        load
    }

    /// A caller comes and a talk ends, with all that follows from it.
    #[inline(never)]
    pub fn round(&mut self) {
        self.caller_comes();
        self.phones_are_answered();
        if self.talks.len() + IDLE_MAX >= AGENTS as usize {
            let nth = self.lots.below(self.talks.len() as u64) as usize;
            let talk = self.talks.swap_remove(nth);
            self.happens(Event::HangsUp(talk));
        }
        self.phones_are_answered();
    }

    /// Whoever distributes.
    #[must_use]
    pub const fn distributor(&self) -> &D {
        &self.distributor
    }

    /// How long events took since this was last asked.
    pub fn take_spent(&mut self) -> Spent {
        std::mem::take(&mut self.spent)
    }

    /// Who was rung for whom, folded: the same for the same decisions.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    fn caller_comes(&mut self) {
        self.callers += 1;
        let caller = InteractionId(self.callers);
        let queue = QueueId(self.lots.below(QUEUES.into()) as u32);
        let priority = self.lots.below(20) as i32;
        self.happens(Event::Comes {
            caller,
            queue,
            priority,
        });
        self.lately.push_back((caller, queue));
        if self.lately.len() > RESERVED_LATER
            && let Some((caller, queue)) = self.lately.pop_front()
            && self.lots.below(100) < RESERVED
        {
            let agent = agent_of(queue.0, self.lots.below(100) as u32);
            self.happens(Event::Reserves { caller, agent });
        }
    }

    fn phones_are_answered(&mut self) {
        while let Some(alert) = self.alerts.pop_front() {
            self.happens(Event::Rings(alert));
            let rejected = self.lots.below(100) < REJECTED;
            self.happens(if rejected {
                Event::Rejects(alert)
            } else {
                Event::Accepts(alert)
            });
        }
    }

    fn happens(&mut self, event: Event) {
        self.now += STEP;
        let since = Instant::now();
        self.distributor.on(self.now, event, &mut self.effects);
        let spent_ns = since.elapsed().as_secs_f64() * 1e9;
        self.spent.all_ns.push(spent_ns);
        if matches!(event, Event::HangsUp(_)) && !self.effects.alerts.is_empty() {
            self.spent.freed_ns.push(spent_ns);
        }
        for (alert, caller, agent) in self.effects.alerts.drain(..) {
            self.alerts.push_back(alert);
            let word = caller.0 ^ u64::from(agent.0) << 40;
            self.digest = (self.digest ^ word).wrapping_mul(GOLDEN).rotate_left(17);
        }
        self.talks.append(&mut self.effects.talks);
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The same numbers in each run: xorshift64.
#[derive(Debug)]
pub struct Lots(pub u64);

impl Lots {
    /// A number below that one.
    pub const fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % limit
    }
}
