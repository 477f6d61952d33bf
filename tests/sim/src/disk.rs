//! The journal on a disk that is a little behind, and what a crash leaves of it.

use std::collections::VecDeque;
use std::time::Duration;

use engine::Restore;
use engine::journal::{Body, Entry, Stamp};

/// How far behind the disk may be: what is older than this survives `kill -9`.
const BEHIND_MAX: Duration = Duration::from_millis(100);

/// An entry as it is written.
#[derive(Debug, Clone)]
struct Row {
    seq: u64,
    stamp: Stamp,
    kind: u16,
    body: Vec<u8>,
}

/// The journal, from its last checkpoint on.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    /// Written for good.
    rows: Vec<Row>,
    /// On the way to the disk.
    behind: VecDeque<Entry>,
    last_seq: u64,
    /// All that was ever written, where somebody wants to read it again.
    kept: Option<Vec<Entry>>,
    faults: Vec<String>,
}

impl Disk {
    /// One that forgets nothing, else only what is from its last checkpoint on is kept.
    pub(crate) fn new(keeps_all: bool) -> Self {
        Self {
            kept: keeps_all.then(Vec::new),
            ..Self::default()
        }
    }

    /// All that was ever written, from the first entry on; empty where it was not kept.
    pub(crate) fn journal(&self) -> Vec<Entry> {
        self.kept.clone().unwrap_or_default()
    }

    pub(crate) fn append(&mut self, entry: Entry) {
        if entry.seq != self.last_seq + 1 {
            self.faults.push(format!(
                "journal entry {} after {}",
                entry.seq, self.last_seq
            ));
        }
        self.last_seq = entry.seq;
        self.behind.push_back(entry);
    }

    /// What has reached the disk by now: entries in order, each once.
    pub(crate) fn settle(&mut self, now: Duration) -> Vec<Entry> {
        let old = |entry: &Entry| Duration::from_micros(entry.stamp.mono_us) + BEHIND_MAX <= now;
        let ready = self.behind.iter().take_while(|entry| old(entry)).count();
        self.write(ready)
    }

    /// All reaches the disk.
    pub(crate) fn flush(&mut self) -> Vec<Entry> {
        self.write(self.behind.len())
    }

    /// The power goes: of what was on the way only so many entries have arrived.
    pub(crate) fn crash(&mut self, arrived: usize) -> Vec<Entry> {
        let written = self.write(arrived.min(self.behind.len()));
        self.behind.clear();
        self.last_seq = self.rows.last().map_or(0, |row| row.seq);
        written
    }

    pub(crate) fn behind(&self) -> usize {
        self.behind.len()
    }

    fn write(&mut self, count: usize) -> Vec<Entry> {
        let written: Vec<Entry> = self.behind.drain(..count).collect();
        for entry in &written {
            if matches!(entry.body, Body::Checkpoint(_)) {
                self.rows.clear();
            }
            self.rows.push(Row::of(entry));
        }
        if let Some(kept) = &mut self.kept {
            kept.extend(written.iter().cloned());
        }
        written
    }

    /// State from what is on the disk.
    pub(crate) fn read(&self) -> Restore {
        fold(self.rows.iter().map(Row::entry))
    }

    /// State from all that was ever journalled, the disk being up to date.
    pub(crate) fn read_all(&self) -> Restore {
        fold(self.entries())
    }

    /// All entries from the last checkpoint on, the disk being up to date.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        let behind = self.behind.iter().map(Row::of);
        let behind = behind.map(|row| row.entry());
        self.rows.iter().map(Row::entry).chain(behind)
    }

    pub(crate) fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }
}

impl Row {
    fn of(entry: &Entry) -> Self {
        Self {
            seq: entry.seq,
            stamp: entry.stamp,
            kind: entry.body.kind(),
            body: entry.body.encode(),
        }
    }

    fn entry(&self) -> Entry {
        Entry {
            seq: self.seq,
            stamp: self.stamp,
            body: Body::decode(self.kind, &self.body).expect("what was written reads back"),
        }
    }
}

fn fold(entries: impl Iterator<Item = Entry>) -> Restore {
    let mut restore = Restore::new();
    for entry in entries {
        restore
            .apply(&entry)
            .expect("what was written can be understood");
    }
    restore
}
