//! What readers ask, and the whole state on record.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::Acd;
use crate::hash;
use crate::ids::{AgentId, InteractionId, QueueId};
use crate::rank::{Rank, Target};
use crate::sabotage;
use crate::state::State;
use crate::view::{AgentView, InteractionView, QueueView, Stage};

/// The form of a checkpoint; grows when an older binary could not read it.
const VERSION: u32 = 1;

/// Why a checkpoint cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("the checkpoint is not whole: {0}")]
    Malformed(#[from] minicbor::decode::Error),
    #[error("the checkpoint is of version {0}, this binary reads up to {VERSION}")]
    Newer(u32),
}

#[derive(Encode)]
struct CheckpointRef<'a> {
    #[n(0)]
    version: u32,
    #[n(1)]
    state: &'a State,
}

#[derive(Decode)]
struct Checkpoint {
    #[n(1)]
    state: State,
}

/// The version alone, of whatever follows.
#[derive(Decode)]
struct Version(#[n(0)] u32);

impl Acd {
    /// The whole state. Equal states have equal bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut state = alloc::borrow::Cow::Borrowed(&self.state);
        if sabotage::checkpoint() {
            let interactions = &mut state.to_mut().interactions;
            interactions.change_all(|interaction| interaction.barred.clear());
        }
        let checkpoint = CheckpointRef {
            version: VERSION,
            state: &state,
        };
        minicbor::encode(checkpoint, &mut bytes).expect("a vector takes all bytes");
        bytes
    }

    /// The acd that wrote this checkpoint: the same inputs give the same outputs from here on (I8).
    ///
    /// # Errors
    /// When the bytes are no checkpoint, or one of a newer form.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let Version(version) = minicbor::decode(bytes)?;
        if version > VERSION {
            return Err(CheckpointError::Newer(version));
        }
        let Checkpoint { state } = minicbor::decode(bytes)?;
        Ok(Self::with(state))
    }

    /// FNV-1a over [`encode`](Self::encode): equal on every machine for equal states.
    #[must_use]
    pub fn state_hash(&self) -> u128 {
        hash::fnv1a(&self.encode())
    }

    /// Whether what makes decisions fast agrees with the state. Looks at everything: for tests and simulation.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.index == crate::index::Index::of(&self.state, self.index.now)
    }

    /// Those who wait at `target` for an agent to be alerted, best rank first.
    pub fn waiting(&self, target: Target) -> impl Iterator<Item = InteractionView> {
        let lane = self.index.lanes.get(&target);
        lane.into_iter()
            .flat_map(|lane| lane.in_order())
            .filter_map(|rank| self.interaction(rank.interaction()))
    }

    /// Those at `target` for whom an agent is being alerted, best rank first.
    pub fn alerting(&self, target: Target) -> impl Iterator<Item = InteractionView> {
        let lane = self.index.lanes.get(&target);
        lane.into_iter()
            .flat_map(|lane| lane.more.alerting.iter())
            .filter_map(|rank| self.interaction(rank.interaction()))
    }

    /// The best-ranked interaction there that `agent` could pick up (rule 13): not what another has picked up, nor, unless they
    /// supervise, what is held for another. Looks at who is alerted or held, not at all who wait.
    #[must_use]
    pub fn first_to_pick_up(
        &self,
        target: Target,
        agent: AgentId,
        supervises: bool,
    ) -> Option<InteractionId> {
        let lane = self.index.lanes.get(&target)?;
        let found = |rank: &Rank| self.state.interactions.get(&rank.interaction());
        let is_theirs = |rank: &Rank| {
            let holder = found(rank).and_then(|it| it.held_for());
            let free = holder.is_none_or(|holder| holder == agent);
            free || supervises || sabotage::first_to_pick_up()
        };
        let is_chosen = |rank: &Rank| match found(rank).map(|it| it.stage) {
            Some(Stage::Alerting { match_id, .. }) => {
                let alert = self.state.alerts.get(&match_id);
                alert.is_some_and(|alert| alert.picked_up) && !sabotage::first_to_pick_up()
            }
            Some(Stage::Waiting | Stage::Connected { .. }) | None => false,
        };
        let candidates = [
            lane.waiting.first(),
            lane.more.held.iter().find(is_theirs),
            lane.more
                .alerting
                .iter()
                .find(|rank| is_theirs(rank) && !is_chosen(rank)),
        ];
        let first = candidates.into_iter().flatten().min();
        first.map(|rank| rank.interaction())
    }

    /// Its place in its queue, those alerting counted: 1 is next. None when it does not wait or its queue is gone.
    #[must_use]
    pub fn position(&self, interaction: InteractionId) -> Option<u32> {
        let interaction = self.state.interactions.get(&interaction)?;
        let lane = self.index.lanes.get(&interaction.at)?;
        let rank = &interaction.rank;
        lane.contains(rank).then(|| lane.place(rank) + 1)
    }

    #[must_use]
    pub fn interaction(&self, id: InteractionId) -> Option<InteractionView> {
        let interaction = self.state.interactions.get(&id)?;
        Some(interaction.view())
    }

    /// All that are known, by id.
    pub fn interactions(&self) -> impl Iterator<Item = InteractionView> {
        self.state.interactions.values().map(|it| it.view())
    }

    #[must_use]
    pub fn agent(&self, id: AgentId) -> Option<AgentView<'_>> {
        let agent = self.state.agents.get(&id)?;
        Some(AgentView {
            agent: id,
            state: &agent.shown,
            counters: agent.counters,
            idle_since: agent.idle_since(),
            free: self.index.is_free(id),
            interactions: agent.interactions(),
        })
    }

    /// All agents, by id.
    pub fn agents(&self) -> impl Iterator<Item = AgentView<'_>> {
        let ids = self.state.agents.keys().into_iter();
        ids.filter_map(|id| self.agent(id))
    }

    #[must_use]
    pub fn queue(&self, id: QueueId) -> Option<QueueView> {
        let queue = self.state.queues.get(&id)?;
        let lane = self.index.lanes.get(&Target::Queue(id))?;
        Some(QueueView {
            open: queue.open,
            waiting: lane.waiting_len(),
            alerting: lane.more.alerting.len(),
            logged_in: lane.more.logged_in,
            available: lane.more.available,
            free: u32::try_from(lane.free_len()).unwrap_or(u32::MAX),
            agents_milli: lane.more.agents_milli,
        })
    }
}
