//! Decisions made once more from the journal, with everybody who was a candidate.
//!
//! A [`Recount`] is fed the entries from a checkpoint on, as a restart is; the distribution core decides the same again (I7), and
//! this time it is watched.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use acd::{MatchId, why};
use config::Snapshot;

use super::Hindrance;
use super::naming::Namer;
use crate::RULES_VERSION;
use crate::event::{Claim, Rank};
use crate::ids::CallId;
use crate::journal::{Body, Entry};
use crate::names::Names;
use crate::restore::{Restore, RestoreError};

/// A decision with all who were candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The alert that it began.
    pub alert: u64,
    /// Every agent assigned to the queue: those who could have the call, as its strategy prefers them, then the others.
    pub agents: Vec<Candidate>,
    /// Every other call that waited where the chosen agent serves, best rank first.
    pub calls: Vec<Competitor>,
}

/// An agent in a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Their user name.
    pub agent: String,
    /// What spoke for them, if they could have the call.
    pub claim: Option<Claim>,
    /// What kept them from it; none: they could have it.
    pub hindrance: Option<Hindrance>,
}

/// Another call in a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Competitor {
    /// Which.
    pub call: CallId,
    /// The queue it waited in; none: for the agent alone.
    pub queue: Option<String>,
    /// Its place in the order.
    pub rank: Rank,
    /// What kept the chosen agent from it; none: they could have had it instead.
    pub hindrance: Option<Hindrance>,
}

/// Why decisions cannot be made once more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecountError {
    /// The entries cannot be understood.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// They were written by a program that decided otherwise.
    #[error(
        "they were made by version {0} of the rules, and this program has version {RULES_VERSION}"
    )]
    OtherRules(u32),
}

/// Makes decisions once more.
#[derive(Debug)]
pub struct Recount {
    restore: Restore,
    alerts: BTreeSet<MatchId>,
    /// With the version of the centre that they were made under.
    made: Vec<(u64, why::Decision)>,
}

impl Recount {
    /// Of the decisions that began these alerts.
    pub fn of(alerts: impl IntoIterator<Item = u64>) -> Self {
        Self {
            restore: Restore::new(),
            alerts: alerts.into_iter().map(MatchId).collect(),
            made: Vec::new(),
        }
    }

    /// Takes the next entry; the first is a checkpoint or the journal's first.
    ///
    /// # Errors
    ///
    /// [`RecountError`] when it cannot be understood, or was decided by other rules.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), RecountError> {
        let is_input = matches!(entry.body, Body::Acd(_));
        if is_input && entry.stamp.rules_version != RULES_VERSION {
            return Err(RecountError::OtherRules(entry.stamp.rules_version));
        }
        if is_input {
            self.restore.acd.watch_for(self.alerts.iter().copied());
        }
        self.restore.apply(entry)?;
        for decision in self.restore.acd.take_decisions() {
            self.alerts.remove(&decision.match_id);
            self.made.push((entry.stamp.config_version, decision));
        }
        Ok(())
    }

    /// Whether all have been made.
    pub fn is_done(&self) -> bool {
        self.alerts.is_empty()
    }

    /// Those that were made, with names. Skills have their names if the centre is still that of then.
    pub fn decisions(&self, snapshot: &Snapshot) -> Vec<Decision> {
        let mut names = Names::default();
        let records = &self.restore.durable.names;
        records.iter().for_each(|record| names.restore(record));
        let named = self.made.iter().map(|(version, decision)| {
            let centre = (*version == snapshot.version).then(|| &*snapshot.centre);
            Namer::new(&names, centre).decision(decision)
        });
        named.collect()
    }
}
