//! Whether the journal's inputs give the journal's decisions again.
//!
//! [`Verifier`] takes the entries one by one, from the journal's beginning or from a checkpoint on. What the distribution core
//! decides anew in a turn is held against the events of that turn ([`turn`]), and the whole state, figures included, against
//! each later checkpoint, byte for byte. Where entries are missing nothing can be compared until the next checkpoint;
//! that is counted, and said.

mod turn;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use engine::journal::{Body, Entry, Stamp};
use engine::{Event, RULES_VERSION, Restore};

use crate::sabotage;
use turn::Turn;

/// What was found to be identical.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Inputs of the distribution core, its timeouts included.
    pub inputs: u64,
    /// Calls that began.
    pub calls: u64,
    /// Alerts, each as it was: call, agent, queue and end.
    pub alerts: u64,
    /// Calls sent elsewhere by a rule.
    pub diversions: u64,
    /// Checkpoints whose state was made again, byte for byte.
    pub checkpoints: u64,
    /// Starts of the daemon.
    pub starts: u64,
    /// Changes of the centre.
    pub changes: u64,
    /// Stretches that could not be compared.
    pub missing: Vec<Missing>,
    /// Other rules than this program's that parts were written under.
    pub other_rules: BTreeSet<u32>,
    /// When the first and the last entry were written, UTC microseconds.
    pub span_us: Option<(i64, i64)>,
}

/// Entries that the journal lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The first that is missing.
    pub first_seq: u64,
    /// The last that is missing.
    pub last_seq: u64,
    /// The checkpoint with which comparing went on; none when there was none after it.
    pub resumed_at: Option<u64>,
}

/// Where the day and its replay part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq}: the journal says {journal}, played again it is {again}{}", hint(*.rules_version))]
pub struct Difference {
    /// The entry.
    pub seq: u64,
    /// When it was written, UTC microseconds.
    pub utc_us: i64,
    /// The rules it was written under.
    pub rules_version: u32,
    /// What the journal says.
    pub journal: String,
    /// What came of it now.
    pub again: String,
}

fn hint(rules_version: u32) -> String {
    if rules_version == RULES_VERSION {
        return String::new();
    }
    format!(
        " (written under rules {rules_version}, this program has rules {RULES_VERSION}: that may be why)"
    )
}

/// Plays a journal again and compares.
#[derive(Debug, Default)]
pub struct Verifier {
    restore: Restore,
    turn: Turn,
    /// The last entry seen.
    last: Option<(u64, Stamp)>,
    /// What is missing since when, until the next checkpoint.
    lost: Option<Missing>,
    found: Verified,
}

impl Verifier {
    /// Takes the next entry. The first is the journal's first, or a checkpoint; what comes before a checkpoint otherwise counts as missing.
    ///
    /// # Errors
    ///
    /// The first [`Difference`]; after it nothing more is to be learned.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Difference> {
        self.end_turn_before(entry)?;
        self.note_missing(entry);
        self.last = Some((entry.seq, entry.stamp));
        let since = self
            .found
            .span_us
            .map_or(entry.stamp.utc_us, |(since, _)| since);
        self.found.span_us = Some((since, entry.stamp.utc_us));
        if self.lost.is_some() && !matches!(entry.body, Body::Checkpoint(_)) {
            return Ok(());
        }
        if entry.stamp.rules_version != RULES_VERSION {
            self.found.other_rules.insert(entry.stamp.rules_version);
        }
        self.compare(entry)?;
        let turn = &mut self.turn;
        let applied = self
            .restore
            .apply_and_hear(entry, |output| turn.decided(output));
        applied.map_err(|error| difference(entry, error.to_string(), "nothing".into()))?;
        self.count(entry);
        Ok(())
    }

    /// What was identical, the journal being at its end. It may end in the middle of a turn: nothing is lacking yet.
    pub fn finish(mut self) -> Verified {
        self.found.missing.extend(self.lost);
        self.found
    }

    fn end_turn_before(&mut self, entry: &Entry) -> Result<(), Difference> {
        let Some((seq, stamp)) = self.last else {
            return Ok(());
        };
        let started = matches!(entry.body, Body::Started { .. });
        let goes_on = (stamp.incarnation, stamp.mono_us)
            == (entry.stamp.incarnation, entry.stamp.mono_us)
            && !started;
        if goes_on {
            return Ok(());
        }
        // A crash may have cut the last turn short, and what is missing may be its end.
        let cut = started || entry.seq > seq + 1;
        let undone = self.turn.end(&self.restore, cut);
        let Some(again) = undone.filter(|_| self.lost.is_none()) else {
            return Ok(());
        };
        Err(Difference {
            seq,
            utc_us: stamp.utc_us,
            rules_version: stamp.rules_version,
            journal: "nothing of the kind in this turn".into(),
            again,
        })
    }

    /// Notes what is missing before this entry.
    fn note_missing(&mut self, entry: &Entry) {
        let expected = self.last.map_or(1, |(seq, _)| seq + 1);
        let is_start = self.last.is_none() && matches!(entry.body, Body::Checkpoint(_));
        if entry.seq <= expected || is_start {
            return;
        }
        self.found.missing.extend(self.lost.take());
        self.lost = Some(Missing {
            first_seq: expected,
            last_seq: entry.seq - 1,
            resumed_at: None,
        });
        self.turn = Turn::default();
    }

    fn compare(&mut self, entry: &Entry) -> Result<(), Difference> {
        match &entry.body {
            Body::Checkpoint(bytes) => self.compare_state(entry, bytes),
            Body::Event(event) => self
                .turn
                .happened(&self.restore, event)
                .map_err(|again| difference(entry, turn::words(event), again)),
            Body::Acd(bytes) => {
                self.turn.heard(bytes);
                Ok(())
            }
            Body::Started { .. } => {
                self.turn.start();
                Ok(())
            }
            Body::Dialog(_)
            | Body::DialogGone(_)
            | Body::Binding(_)
            | Body::BindingGone(_)
            | Body::Override(_)
            | Body::Name(_)
            | Body::Served(_)
            | Body::Unknown { .. } => Ok(()),
        }
    }

    fn compare_state(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), Difference> {
        if let Some(mut lost) = self.lost.take() {
            lost.resumed_at = Some(entry.seq);
            self.found.missing.push(lost);
            return Ok(());
        }
        if self.restore.last_seq() == 0 {
            return Ok(());
        }
        let ours = self.restore.checkpoint();
        // A checkpoint of an earlier release has fewer fields: as this program writes it, it must be the same.
        let same = sabotage::verify()
            || ours == bytes
            || as_written_now(entry).is_some_and(|theirs| theirs == ours);
        if same {
            self.found.checkpoints += 1;
            return Ok(());
        }
        let hash = |restore: &Restore| format!("a state with the hash {:032x}", restore.acd_hash());
        let theirs = read_alone(entry).map_or_else(
            || "a checkpoint that cannot be read".into(),
            |theirs| {
                let figures = theirs.acd_hash() == self.restore.acd_hash();
                let also = if figures {
                    ", and other bindings, calls or figures"
                } else {
                    ""
                };
                format!("{}{also}", hash(&theirs))
            },
        );
        Err(difference(entry, theirs, hash(&self.restore)))
    }

    fn count(&mut self, entry: &Entry) {
        let found = &mut self.found;
        match &entry.body {
            Body::Acd(_) => found.inputs += 1,
            Body::Started { .. } => found.starts += 1,
            Body::Event(event) => match event.as_ref() {
                Event::CallStarted { .. } => found.calls += 1,
                Event::AlertStarted { .. } => found.alerts += 1,
                Event::CallDiverted { .. } => found.diversions += 1,
                Event::CentreChanged { changes, .. } if !changes.is_empty() => found.changes += 1,
                _ => {}
            },
            Body::Dialog(_)
            | Body::DialogGone(_)
            | Body::Binding(_)
            | Body::BindingGone(_)
            | Body::Override(_)
            | Body::Name(_)
            | Body::Served(_)
            | Body::Checkpoint(_)
            | Body::Unknown { .. } => {}
        }
    }
}

fn difference(entry: &Entry, journal: String, again: String) -> Difference {
    Difference {
        seq: entry.seq,
        utc_us: entry.stamp.utc_us,
        rules_version: entry.stamp.rules_version,
        journal,
        again,
    }
}

/// The state that a checkpoint holds, by itself.
fn read_alone(entry: &Entry) -> Option<Restore> {
    let mut restore = Restore::new();
    restore.apply(entry).ok()?;
    Some(restore)
}

/// A checkpoint, read and written again.
fn as_written_now(entry: &Entry) -> Option<Vec<u8>> {
    Some(read_alone(entry)?.checkpoint())
}
