//! Who waits in one queue although nobody is there for them (rule 21).
//!
//! For those whom nobody rejected it is one question for all, whether any agent of the queue is available, and one deadline:
//! that of the one who has waited longest. So they are told apart only while nobody is. Those whom somebody rejected are asked for
//! one by one.

use alloc::collections::BTreeSet;
use core::time::Duration;

use crate::ids::InteractionId;
use crate::interaction::Interaction;
use crate::micros;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Watch {
    /// The queue's `nobody_after`; zero: nobody is watched for.
    pub(crate) after: Duration,
    /// Since when none of the queue's agents is available.
    pub(crate) nobody_since: Option<Duration>,
    /// Those whom nobody rejected, by since when they wait, in microseconds; none while somebody is available.
    plain: BTreeSet<(u64, InteractionId)>,
    pub(crate) rejected: BTreeSet<InteractionId>,
    /// Those of whom a person was told, of both sorts; they are not in `plain`.
    pub(crate) stranded: BTreeSet<InteractionId>,
}

impl Watch {
    /// None of the queue's agents has been available since then, or one is; `waiting` are those who wait for whoever is free.
    pub(crate) fn set_nobody_since<'a>(
        &mut self,
        since: Option<Duration>,
        waiting: impl Iterator<Item = &'a Interaction>,
    ) {
        self.nobody_since = since;
        self.plain.clear();
        if since.is_some() {
            waiting.for_each(|interaction| self.begin(interaction));
        }
    }

    /// When nobody has been there long enough for the first of those whom nobody rejected.
    pub(crate) fn due(&self) -> Option<Duration> {
        let nobody_since = self.nobody_since?;
        let (waiting_since, _) = self.plain.first()?;
        let since = nobody_since.max(Duration::from_micros(*waiting_since));
        (!self.after.is_zero()).then(|| since.saturating_add(self.after))
    }

    /// The same for one whom somebody rejected.
    pub(crate) fn alone_due(&self, interaction: &Interaction) -> Option<Duration> {
        let since = interaction.alone_since.filter(|_| !interaction.stranded)?;
        (!self.after.is_zero()).then(|| since.saturating_add(self.after))
    }

    /// Whose moment [`due`](Self::due) is.
    pub(crate) fn first(&self) -> Option<InteractionId> {
        self.plain.first().map(|(_, id)| *id)
    }

    pub(crate) fn begin(&mut self, interaction: &Interaction) {
        let id = interaction.id;
        let is_rejected = interaction.rejecters().next().is_some();
        if is_rejected {
            self.rejected.insert(id);
        }
        if interaction.stranded {
            self.stranded.insert(id);
        } else if !is_rejected && self.nobody_since.is_some() {
            self.plain
                .insert((micros::of(interaction.waiting_since), id));
        }
    }

    pub(crate) fn end(&mut self, interaction: &Interaction) {
        let id = interaction.id;
        let waiting_since = micros::of(interaction.waiting_since);
        if !self.plain.remove(&(waiting_since, id)) {
            self.rejected.remove(&id);
            self.stranded.remove(&id);
        }
    }
}
