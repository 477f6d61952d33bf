//! The machine and its doors.
//!
//! One step: what is due is done, then what came, then free agents and waiting interactions are brought together
//! until none are left that could be (I2), then changed states are told. Nothing is left for later: a decision never waits for a tick.
//!
//! [`choosing`] brings together, [`entering`] lets interactions in and out, [`alerting`] begins and ends alerts, [`agents`]
//! hears of agents, [`picking`] of what they choose for themselves, [`timing`] acts on the time they have waited, [`nobody`]
//! when there is nobody for them, [`reconfigure`] applies a new centre, [`reading`] serves readers and checkpoints, [`recording`] says what a decision leaves on record, [`witness`] keeps whole ones for who asks, [`why_not`] and
//! [`explaining`] those who ask why.

mod agents;
mod alerting;
mod choosing;
mod entering;
mod explaining;
mod nobody;
mod picking;
mod reading;
mod reconfigure;
mod recording;
mod timing;
mod why_not;
mod witness;

use alloc::collections::{BinaryHeap, VecDeque};
use core::cmp::Reverse;
use core::time::Duration;

pub use reading::CheckpointError;
use witness::Witness;

use choosing::Candidate;

use crate::deadline::Deadline;
use crate::ids::{AgentId, Incarnation};
use crate::index::Index;
use crate::input::Input;
use crate::micros;
use crate::output::Output;
use crate::pending::Pending;
use crate::rank::Rank;
use crate::sabotage;
use crate::state::State;

/// The distribution core: who gets which interaction, and when.
///
/// The same inputs at the same times give the same outputs and state, on any machine (I7).
#[derive(Debug)]
pub struct Acd {
    state: State,
    index: Index,
    agenda: Agenda,
    witness: Witness,
    outputs: VecDeque<Output>,
}

/// What the running step has touched; empty between steps.
#[derive(Debug, Default)]
struct Agenda {
    /// Interactions that have someone new to try: came, came back, or may alert somebody again.
    arrived: Pending<Rank>,
    /// Agents who have become free, or serve other queues.
    freed: Pending<AgentId>,
    /// Agents whose listing in the index is to be looked at.
    relist: Pending<AgentId>,
    /// Agents who may look different from outside.
    touched: Pending<AgentId>,
    /// What may be served, best rank first.
    candidates: BinaryHeap<Reverse<Candidate>>,
}

impl Acd {
    /// An empty centre: no queues, no agents, until [`Input::ConfigChanged`].
    #[must_use]
    pub fn new(incarnation: Incarnation) -> Self {
        Self::with(State::new(incarnation))
    }

    fn with(mut state: State) -> Self {
        let index = Index::of(&state, state.last_entry());
        state.interactions.change_all(|interaction| {
            if !interaction.is_connected() {
                interaction.first_gate = index.first_gate(interaction);
            }
        });
        Self {
            index,
            state,
            agenda: Agenda::default(),
            witness: Witness::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes one input. All its consequences are decided, and can be polled, when this returns.
    ///
    /// `now` is the time since the Unix epoch on a clock that never goes back; less than a microsecond is cut off.
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        let now = micros::whole(now);
        self.index.now = now;
        self.expire(now);
        self.relist(now);
        self.apply(now, input);
        self.relist(now);
        self.bring_together(now);
        self.show(now);
        self.index.set_gate_moments();
        self.index.set_expiries();
    }

    /// Does what is due. Early or repeated calls are harmless: with nothing due, nothing changes, and such a call
    /// need not be journalled.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.handle_input(now, Input::Timeout);
    }

    /// The next effect; drain to `None` after every `handle_*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let next = self.index.deadlines.next()?;
        Some(if sabotage::poll_timeout() {
            next.saturating_add(Duration::from_secs(1))
        } else {
            next
        })
    }

    /// The fence of this incarnation.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.state.incarnation.epoch
    }

    fn expire(&mut self, now: Duration) {
        while let Some(deadline) = self.index.pop_due(now) {
            match deadline {
                Deadline::Ring(match_id) => self.on_ring_timeout(now, match_id),
                Deadline::WrapUp(agent) => self.on_wrap_up_due(now, agent),
                Deadline::Device(agent) => self.on_device_retry(agent),
                Deadline::Retry(interaction, agent) => self.on_retry(interaction, agent),
                Deadline::MaxWait(interaction) => self.on_max_wait(interaction),
                Deadline::Reservation(interaction) => self.end_reservation(now, interaction),
                Deadline::Nobody(queue) => self.on_nobody(queue),
                Deadline::Alone(interaction) => self.strand(interaction),
                Deadline::Service(interaction) => self.on_service(interaction),
                Deadline::Gate(queue) => self.index.on_gate(queue),
            }
        }
    }

    fn apply(&mut self, now: Duration, input: Input) {
        match input {
            Input::Timeout => {}
            Input::ConfigChanged(config) => self.on_config(now, *config),
            Input::Restarted(incarnation) => self.on_restart(now, incarnation),
            Input::QueueOpened { queue } => self.on_opened(queue),
            Input::QueueClosed { queue } => self.on_closed(queue),
            Input::Enqueue(enqueue) => self.on_enqueue(now, &enqueue),
            Input::Leave { interaction } | Input::InteractionEnded { interaction } => {
                self.on_gone(now, interaction);
            }
            Input::AlertRinging { match_id } => self.on_ringing(match_id),
            Input::AlertEnded { match_id, end } => self.on_alert_ended(now, match_id, end),
            Input::AgentChanged { agent, change } => self.on_agent(now, agent, change),
            Input::DailyReset => self.on_daily_reset(now),
            Input::TooLong { interaction } => self.on_too_long(interaction),
            Input::PickUp {
                interaction,
                agent,
                supervises,
            } => self.on_pick_up(now, interaction, agent, supervises),
            Input::Reserve { interaction, agent } => self.on_reserve(now, interaction, agent),
            Input::Release {
                interaction,
                agent,
                supervises,
            } => self.on_release(now, interaction, agent, supervises),
            Input::Rerank {
                interaction,
                tier,
                priority,
            } => self.on_rerank(interaction, tier, priority),
        }
    }

    /// Takes note that `agent` has changed: they are counted anew before anything is decided, and shown at the end.
    fn touch(&mut self, agent: AgentId) {
        self.agenda.relist.insert(agent);
        self.agenda.touched.insert(agent);
    }

    fn relist(&mut self, now: Duration) {
        if !self.agenda.relist.is_empty() {
            self.relist_agents(now);
        }
        self.restaff(now);
    }

    fn relist_agents(&mut self, now: Duration) {
        let ids = self.agenda.relist.take();
        for id in &ids {
            self.note_freed(now, *id);
            if let Some(agent) = self.state.agents.get(id)
                && self.index.relist(*id, agent)
                && !sabotage::work_conservation()
            {
                self.agenda.freed.insert(*id);
            }
            self.index.settle_many(&self.state.agents);
        }
        self.agenda.relist.give_back(ids);
    }

    fn show(&mut self, now: Duration) {
        self.tell_stranded();
        let ids = self.agenda.touched.take();
        for &id in &ids {
            let Some(agent) = self.state.agents.get_mut(&id) else {
                continue;
            };
            if let Some(state) = agent.show(now) {
                let state = state.clone();
                self.outputs
                    .push_back(Output::AgentStateChanged { agent: id, state });
            }
            if agent.removed && agent.has_nothing() {
                self.forget_agent(id);
            }
        }
        self.agenda.touched.give_back(ids);
    }

    fn forget_agent(&mut self, id: AgentId) {
        let agent = self.state.agents.remove(&id);
        if let Some(at) = agent.and_then(|agent| agent.phone.skipped_until()) {
            self.index.deadlines.cancel(at, Deadline::Device(id));
        }
        self.index.unlist(id);
        self.outputs.push_back(Output::AgentRemoved { agent: id });
    }
}
