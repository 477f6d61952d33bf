//! The way into the journal: a queue that never blocks, and the thread that commits what is in it.
//!
//! **Life.** [`JournalWriter`] belongs to the engine's thread. `append` puts an entry into a bounded queue. The thread
//! `journal` sleeps until there is one, rests so that more can gather, and commits all of them in one transaction with
//! `synchronous=FULL`; then they are durable, and go on to the read models. It rests for as long as the commit, by what
//! the last ones took, leaves of [`Limits::durable_within`]. At much load the commits get bigger, not later.
//!
//! **When the disk does not keep up** (or fails, which looks the same from here): from half of the queue on,
//! [`Pressure`](super::Pressure) tells the daemon to refuse new calls; when the queue is full, entries of
//! calls in progress go to memory of [`Limits::spill_bytes`]; when that is full too, they are lost, counted, and the lost
//! stretch is written down as soon as anything can be. Calls go on through all of it. A failed commit is tried again, with
//! pauses up to a second, for as long as it takes.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use engine::journal::Entry;

use crate::error::StoreError;
use crate::lock::StoreLock;
use crate::projection::{Handover, Projector};

use super::commit::{self, Committed, Committer};
use super::health::{JournalHealth, Shared, Tail};
use super::spill::{Gap, Spill};

/// The sizes of the journal's queue and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries the queue takes; 13 s at 5,000 a second.
    pub queue: usize,
    /// Bytes of entries kept in memory when the queue is full.
    pub spill_bytes: usize,
    /// How soon an entry shall be on disk. The longer, the fewer commits, and each costs the processor about half a
    /// millisecond whatever is in it; but what is younger than this, a killed process forgets.
    pub durable_within: Duration,
    /// How long the read models wait for more; who waits for them makes them hurry.
    pub projection_linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue: 65_536,
            spill_bytes: 64 << 20,
            durable_within: Duration::from_millis(85),
            projection_linger: Duration::from_secs(1),
        }
    }
}

/// Not all could be written before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the journal ends at {durable_seq}, and {appended_seq} was the last entry; the disk would not take the rest"
)]
pub struct NotDurable {
    /// The last entry that was handed in.
    pub appended_seq: u64,
    /// The last entry on disk.
    pub durable_seq: u64,
}

/// Most entries in one transaction; more of them make commits slower than their sum.
const BATCH: usize = 4_096;

/// Batches that may wait for the read models; beyond that these read them from the journal instead.
const HANDOVERS: usize = 128;

/// How long a closing journal tries to write its rest.
const CLOSING: Duration = Duration::from_secs(5);

/// What a commit is taken to need before there was one.
const FIRST_TOOK: Duration = Duration::from_millis(15);

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Takes entries, in the order of their numbers, from the one thread that makes them.
#[derive(Debug)]
pub struct JournalWriter {
    queue: Option<Sender<Entry>>,
    spill: Arc<Spill>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl JournalWriter {
    pub(crate) fn start(
        file: PathBuf,
        tail: Tail,
        projector: Projector,
        limits: Limits,
        lock: &Arc<StoreLock>,
    ) -> Result<Self, StoreError> {
        let (queue, entries) = bounded(limits.queue);
        let (hand, handed) = bounded(HANDOVERS);
        let shared = Arc::new(Shared::new(limits.queue, tail, projector.position()));
        let spill = Arc::new(Spill::new(limits.spill_bytes));
        let committing = Committing {
            entries,
            spill: Arc::clone(&spill),
            shared: Arc::clone(&shared),
            durable_within: limits.durable_within,
            last_took: Duration::ZERO,
            usual_took: FIRST_TOOK,
            committer: Committer::new(file),
            hand,
            after: tail.last_seq,
            spilled: VecDeque::new(),
        };
        let (kept, projecting) = (Arc::clone(lock), Arc::clone(&shared));
        let threads = vec![
            spawn("journal", move || {
                committing.run();
                drop(kept);
            })?,
            spawn("projection", move || {
                projector.run(&handed, &projecting, limits.projection_linger)
            })?,
        ];
        Ok(Self {
            queue: Some(queue),
            spill,
            shared,
            threads,
        })
    }

    /// Hands in one entry. Never blocks, never fails: what becomes of it, [`health`](Self::health) tells.
    pub fn append(&mut self, entry: Entry) {
        let shared = &self.shared;
        shared.appended.store(entry.seq, Ordering::Relaxed);
        let Some(queue) = &self.queue else { return };
        let offer = |entry| {
            // Counted before it is sent, or the other thread could take it off first.
            shared.queued.fetch_add(1, Ordering::Relaxed);
            match queue.try_send(entry) {
                Ok(()) => None,
                Err(TrySendError::Full(entry) | TrySendError::Disconnected(entry)) => {
                    shared.queued.fetch_sub(1, Ordering::Relaxed);
                    Some(entry)
                }
            }
        };
        let refused = if shared.spilling.load(Ordering::Acquire) {
            Some(entry)
        } else {
            offer(entry)
        };
        if let Some(entry) = refused {
            self.spill.keep(shared, entry, offer);
        }
    }

    /// How the journal is doing; may be kept and asked from anywhere.
    pub fn health(&self) -> JournalHealth {
        JournalHealth::new(Arc::clone(&self.shared))
    }

    /// Writes what is left, folds it into the read models, and ends both threads. Blocks for as long as
    /// that takes: five seconds at most where the disk fails.
    ///
    /// # Errors
    ///
    /// [`NotDurable`] when the disk would not take all of it.
    pub fn close(mut self) -> Result<(), NotDurable> {
        self.end();
        let durable_seq = self.shared.durable.borrow().seq;
        let appended_seq = self.shared.appended.load(Ordering::Relaxed);
        if durable_seq < appended_seq {
            Err(NotDurable {
                appended_seq,
                durable_seq,
            })
        } else {
            Ok(())
        }
    }

    fn end(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.queue = None;
        self.shared.hurry_writer.ring();
        self.shared.hurry_projector.ring();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the journal has panicked");
            }
        }
    }
}

impl Drop for JournalWriter {
    fn drop(&mut self) {
        self.end();
    }
}

fn spawn(
    name: &'static str,
    body: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StoreError> {
    let thread = std::thread::Builder::new().name(name.into());
    thread
        .spawn(body)
        .map_err(|source| StoreError::Thread { name, source })
}

/// The committing thread.
struct Committing {
    entries: Receiver<Entry>,
    spill: Arc<Spill>,
    shared: Arc<Shared>,
    durable_within: Duration,
    /// How long the last commit took.
    last_took: Duration,
    /// What the slow ones of the last commits took.
    usual_took: Duration,
    committer: Committer,
    hand: Sender<Handover>,
    /// The last entry that was committed.
    after: u64,
    /// What was taken out of the spill and is not committed yet.
    spilled: VecDeque<(Vec<Entry>, Option<Gap>)>,
}

/// What one transaction will hold, and how many of its entries had been counted as queued.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    gap: Option<Gap>,
    queued: usize,
}

impl Committing {
    fn run(mut self) {
        let runtime = match tokio::runtime::Builder::new_current_thread().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!(%error, "the journal cannot be written");
                return self.stopped();
            }
        };
        while let Some(batch) = self.gather() {
            if !runtime.block_on(self.commit(&batch)) {
                break;
            }
            self.committed(batch);
        }
        self.stopped();
        runtime.block_on(self.committer.close());
    }

    /// What is to be written next; none when the queue is closed and all of it is written.
    ///
    /// What had spilled comes after what was in the queue then, and before what is put there later.
    fn gather(&mut self) -> Option<Batch> {
        if let Some((entries, gap)) = self.spilled.pop_front() {
            return Some(Batch {
                entries,
                gap,
                queued: 0,
            });
        }
        let spilling = self.shared.spilling.load(Ordering::Acquire);
        let mut batch = Batch::default();
        if !spilling {
            // What came while the last commit was under way has waited for that long already.
            let waited = if self.entries.is_empty() {
                Duration::ZERO
            } else {
                self.last_took
            };
            match self.entries.recv() {
                Ok(first) => batch.entries.push(first),
                // Closed; the last ones may have spilled between the look above and now.
                Err(_) if !self.shared.spilling.load(Ordering::Acquire) => return None,
                Err(_) => {}
            }
            let spare = self.durable_within.saturating_sub(2 * self.usual_took);
            self.shared.hurry_writer.rest(spare.saturating_sub(waited));
        }
        let room = BATCH - batch.entries.len();
        batch.entries.extend(self.entries.try_iter().take(room));
        batch.queued = batch.entries.len();
        if spilling && batch.entries.len() < BATCH {
            let (entries, gap) = self.spill.take(&self.shared);
            self.spilled = portions(entries, gap);
        }
        Some(batch)
    }

    /// Commits, again and again until it works. False when the journal is closing and its time is over.
    async fn commit(&mut self, batch: &Batch) -> bool {
        if batch.entries.is_empty() && batch.gap.is_none() {
            return true;
        }
        let mut pause = FIRST_PAUSE;
        let mut give_up = None;
        loop {
            match self.committer.commit(&batch.entries, batch.gap).await {
                Ok(Committed { took, written }) => {
                    let refused = batch.entries.len() as u64 - written;
                    if refused > 0 && pause == FIRST_PAUSE {
                        tracing::error!(
                            refused,
                            "entries had numbers that the journal has already, and are lost"
                        );
                        self.shared.lost.fetch_add(refused, Ordering::Relaxed);
                    }
                    self.shared.commit_fails.store(false, Ordering::Release);
                    self.shared.commits.fetch_add(1, Ordering::Relaxed);
                    self.last_took = took;
                    self.usual_took = took.max(self.usual_took * 7 / 8);
                    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                    self.shared
                        .slowest_commit_us
                        .fetch_max(took_us, Ordering::Relaxed);
                    return true;
                }
                Err(error) => {
                    let first = !self.shared.commit_fails.swap(true, Ordering::AcqRel);
                    self.shared.commit_errors.fetch_add(1, Ordering::Relaxed);
                    if first {
                        tracing::error!(%error, "the journal cannot be written; it is tried again until it can");
                    }
                }
            }
            if self.shared.closing.load(Ordering::Acquire)
                && *give_up.get_or_insert_with(|| Instant::now() + CLOSING) < Instant::now()
            {
                return false;
            }
            self.shared.hurry_writer.rest(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn committed(&mut self, batch: Batch) {
        let shared = &self.shared;
        shared.queued.fetch_sub(batch.queued, Ordering::Relaxed);
        let last = batch.entries.last().map(|entry| entry.seq);
        let last = last.max(batch.gap.map(|gap| gap.last_seq));
        let Some(last) = last else { return };
        if let Some(checkpoint) = commit::last_checkpoint(&batch.entries) {
            shared.checkpoint_seq.store(checkpoint, Ordering::Release);
        }
        // Full: the read models will find the hole and read it from the journal.
        let _ = self.hand.try_send(Handover {
            after: self.after,
            entries: batch.entries,
        });
        self.after = last;
        shared.durable.send_modify(|position| position.seq = last);
    }

    fn stopped(&self) {
        self.shared.stopped.store(true, Ordering::Release);
        self.shared
            .durable
            .send_modify(|position| position.ended = true);
    }
}

/// Cuts what had spilled into transactions; the gap comes after all of it.
fn portions(mut entries: Vec<Entry>, gap: Option<Gap>) -> VecDeque<(Vec<Entry>, Option<Gap>)> {
    let mut portions = VecDeque::new();
    while !entries.is_empty() {
        let rest = entries.split_off(entries.len().min(BATCH));
        portions.push_back((std::mem::replace(&mut entries, rest), None));
    }
    match portions.back_mut() {
        Some((_, last)) => *last = gap,
        None if gap.is_some() => portions.push_back((Vec::new(), gap)),
        None => {}
    }
    portions
}
