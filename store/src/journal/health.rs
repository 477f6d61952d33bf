//! What others may know of the journal at any moment, without asking its threads: a few atomics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use tokio::sync::watch;

/// How full the journal's queue is. Orders from well to worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// Less than half full.
    Normal,
    /// Half full or more: new calls are refused with a stateless 503.
    HalfFull,
    /// Full: records of calls in progress go to capped memory.
    Spilling,
    /// That memory is full too: entries are lost and counted, readiness is red, and calls go on.
    Gapped,
}

/// What is wrong with the journal; readiness is red while it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The last commit failed; it is being tried again.
    CommitFails,
    /// Entries are being lost.
    Losing,
    /// Entries were lost since the last checkpoint, so state cannot be rebuilt: a checkpoint is wanted.
    CheckpointWanted,
    /// The writer is gone.
    Stopped,
}

impl Trouble {
    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Self::CommitFails => "the journal cannot be written; it is being tried again",
            Self::Losing => "the journal's memory is full and entries are being lost",
            Self::CheckpointWanted => "entries of the journal were lost since its last checkpoint",
            Self::Stopped => "the journal's writer has stopped",
        }
    }
}

/// The journal's figures at one moment, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalFigures {
    /// The last entry that was handed in.
    pub appended_seq: u64,
    /// The last entry that a power cut cannot take.
    pub durable_seq: u64,
    /// The last entry that is in the read models.
    pub projected_seq: u64,
    /// Entries between hand-in and disk, those spilled to memory not counted.
    pub queued: usize,
    /// Entries spilled to memory.
    pub spilled: usize,
    /// Their size in bytes, about.
    pub spilled_bytes: usize,
    /// Entries lost since the start.
    pub lost: u64,
    /// Commits since the start.
    pub commits: u64,
    /// Commits that failed and were tried again.
    pub commit_errors: u64,
    /// The slowest commit since the start.
    pub slowest_commit: Duration,
    /// Transactions of the read models that failed and were tried again.
    pub projection_errors: u64,
}

/// Tells how the journal is doing. Cheap to clone and to ask.
#[derive(Debug, Clone)]
pub struct JournalHealth {
    shared: Arc<Shared>,
}

impl JournalHealth {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// How full the queue is.
    pub fn pressure(&self) -> Pressure {
        self.shared.pressure()
    }

    /// The last entry that is on disk.
    pub fn durable_seq(&self) -> u64 {
        self.shared.durable.borrow().seq
    }

    /// The last entry that is in the read models; history queries show all that happened up to it.
    pub fn projected_seq(&self) -> u64 {
        self.shared.projected.borrow().seq
    }

    /// Waits until entry `seq` is on disk, and makes the writer hurry. For tests, for what must not be promised
    /// before it is kept, and never for the engine. False when the writer ended before that.
    pub async fn wait_durable(&self, seq: u64) -> bool {
        wait(&self.shared.durable, seq, &self.shared.hurry_writer).await
    }

    /// Waits until entry `seq` is in the read models, and makes both threads hurry. False when they ended before that.
    pub async fn wait_projected(&self, seq: u64) -> bool {
        self.wait_durable(seq).await
            && wait(&self.shared.projected, seq, &self.shared.hurry_projector).await
    }

    /// What is wrong, worst first; empty when the journal is as it should be.
    pub fn troubles(&self) -> Vec<Trouble> {
        let shared = &self.shared;
        let all = [
            (shared.stopped.load(Ordering::Acquire), Trouble::Stopped),
            (shared.pressure() == Pressure::Gapped, Trouble::Losing),
            (
                shared.commit_fails.load(Ordering::Acquire),
                Trouble::CommitFails,
            ),
            (self.checkpoint_wanted(), Trouble::CheckpointWanted),
        ];
        all.into_iter()
            .filter_map(|(is, trouble)| is.then_some(trouble))
            .collect()
    }

    /// Whether entries were lost that no checkpoint has made good yet. The daemon then asks the engine for one,
    /// once the pressure is gone.
    pub fn checkpoint_wanted(&self) -> bool {
        self.shared.lost_seq.load(Ordering::Acquire)
            > self.shared.checkpoint_seq.load(Ordering::Acquire)
    }

    /// The figures of this moment.
    pub fn figures(&self) -> JournalFigures {
        let shared = &self.shared;
        JournalFigures {
            appended_seq: shared.appended.load(Ordering::Relaxed),
            durable_seq: self.durable_seq(),
            projected_seq: self.projected_seq(),
            queued: shared.queued.load(Ordering::Relaxed),
            spilled: shared.spilled.load(Ordering::Relaxed),
            spilled_bytes: shared.spilled_bytes.load(Ordering::Relaxed),
            lost: shared.lost.load(Ordering::Relaxed),
            commits: shared.commits.load(Ordering::Relaxed),
            commit_errors: shared.commit_errors.load(Ordering::Relaxed),
            slowest_commit: Duration::from_micros(shared.slowest_commit_us.load(Ordering::Relaxed)),
            projection_errors: shared.projection_errors.load(Ordering::Relaxed),
        }
    }
}

async fn wait(position: &watch::Sender<Position>, seq: u64, hurry: &Bell) -> bool {
    let mut position = position.subscribe();
    if position.borrow().seq < seq {
        hurry.ring();
    }
    let reached = position
        .wait_for(|position| position.seq >= seq || position.ended)
        .await;
    reached.is_ok_and(|position| position.seq >= seq)
}

/// How a journal ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tail {
    /// The last number that was given out.
    pub(crate) last_seq: u64,
    /// The last number that was given out and lost.
    pub(crate) lost_seq: u64,
    /// The number of the last checkpoint.
    pub(crate) checkpoint_seq: u64,
}

/// How far a thread has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) seq: u64,
    pub(crate) ended: bool,
}

/// What the writer's three threads (the engine's, the committing, the projecting) share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) capacity: usize,
    pub(crate) appended: AtomicU64,
    pub(crate) queued: AtomicUsize,
    pub(crate) spilling: AtomicBool,
    pub(crate) losing: AtomicBool,
    pub(crate) spilled: AtomicUsize,
    pub(crate) spilled_bytes: AtomicUsize,
    pub(crate) lost: AtomicU64,
    /// The last entry that was lost.
    pub(crate) lost_seq: AtomicU64,
    /// The last checkpoint on disk.
    pub(crate) checkpoint_seq: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) commit_errors: AtomicU64,
    pub(crate) slowest_commit_us: AtomicU64,
    pub(crate) commit_fails: AtomicBool,
    pub(crate) projection_errors: AtomicU64,
    pub(crate) closing: AtomicBool,
    pub(crate) stopped: AtomicBool,
    pub(crate) durable: watch::Sender<Position>,
    pub(crate) projected: watch::Sender<Position>,
    pub(crate) hurry_writer: Bell,
    pub(crate) hurry_projector: Bell,
}

impl Shared {
    pub(crate) fn new(capacity: usize, tail: Tail, projected: u64) -> Self {
        let position = |seq| watch::Sender::new(Position { seq, ended: false });
        Self {
            capacity,
            appended: AtomicU64::new(tail.last_seq),
            queued: AtomicUsize::new(0),
            spilling: AtomicBool::new(false),
            losing: AtomicBool::new(false),
            spilled: AtomicUsize::new(0),
            spilled_bytes: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            lost_seq: AtomicU64::new(tail.lost_seq),
            checkpoint_seq: AtomicU64::new(tail.checkpoint_seq),
            commits: AtomicU64::new(0),
            commit_errors: AtomicU64::new(0),
            slowest_commit_us: AtomicU64::new(0),
            commit_fails: AtomicBool::new(false),
            projection_errors: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            durable: position(tail.last_seq),
            projected: position(projected),
            hurry_writer: Bell::new(),
            hurry_projector: Bell::new(),
        }
    }

    fn pressure(&self) -> Pressure {
        if self.losing.load(Ordering::Acquire) {
            Pressure::Gapped
        } else if self.spilling.load(Ordering::Acquire) {
            Pressure::Spilling
        } else if self.queued.load(Ordering::Relaxed) * 2 >= self.capacity {
            Pressure::HalfFull
        } else {
            Pressure::Normal
        }
    }
}

/// Wakes a thread that is resting before its time; rung while nobody rests, it shortens the next rest.
#[derive(Debug)]
pub(crate) struct Bell {
    ring: Sender<()>,
    heard: Receiver<()>,
}

impl Bell {
    fn new() -> Self {
        let (ring, heard) = bounded(1);
        Self { ring, heard }
    }

    pub(crate) fn ring(&self) {
        // A full channel has been rung already.
        let _ = self.ring.try_send(());
    }

    /// Rests for `time` at most; true when it was rung.
    pub(crate) fn rest(&self, time: Duration) -> bool {
        self.heard.recv_timeout(time).is_ok()
    }
}
