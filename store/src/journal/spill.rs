//! Capped memory for entries that the full queue does not take.
//!
//! Once one entry has spilled, all later ones do until the committing thread has taken the spill, so the order
//! of the journal stays. When the cap is reached, entries are lost until it has been taken: one stretch,
//! whose first and last number the journal then keeps.

use std::mem;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use engine::journal::{Body, Entry};

use super::health::Shared;

/// A stretch of entries that were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The first one.
    pub first_seq: u64,
    /// The last one.
    pub last_seq: u64,
    /// When the last one was to be written, UTC microseconds.
    pub utc_us: i64,
}

/// The memory itself; its state is mirrored in [`Shared`], which is read without the lock.
#[derive(Debug)]
pub(crate) struct Spill {
    cap_bytes: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    entries: Vec<Entry>,
    bytes: usize,
    gap: Option<Gap>,
}

impl Spill {
    pub(crate) fn new(cap_bytes: usize) -> Self {
        Self {
            cap_bytes,
            held: Mutex::default(),
        }
    }

    /// Keeps the entry that the queue did not take, or counts it as lost.
    ///
    /// `offer` tries the queue once more under the lock, and gives the entry back when that is full: the committing
    /// thread may have taken the spill meanwhile, and then nothing stands before this entry.
    pub(crate) fn keep(
        &self,
        shared: &Shared,
        entry: Entry,
        offer: impl FnOnce(Entry) -> Option<Entry>,
    ) {
        let mut held = self.lock();
        let refused = if shared.spilling.load(Ordering::Acquire) {
            Some(entry)
        } else {
            offer(entry)
        };
        let Some(entry) = refused else { return };
        shared.spilling.store(true, Ordering::Release);
        let weight = weight(&entry);
        if held.gap.is_some() || held.bytes + weight > self.cap_bytes {
            lose(&mut held, shared, &entry);
            return;
        }
        held.bytes += weight;
        held.entries.push(entry);
        shared.spilled.store(held.entries.len(), Ordering::Relaxed);
        shared.spilled_bytes.store(held.bytes, Ordering::Relaxed);
    }

    /// Takes all, and lets the queue be used again. The queue must have been emptied *after* `spilling` was seen set.
    pub(crate) fn take(&self, shared: &Shared) -> (Vec<Entry>, Option<Gap>) {
        let mut held = self.lock();
        let Held { entries, gap, .. } = mem::take(&mut *held);
        shared.spilled.store(0, Ordering::Relaxed);
        shared.spilled_bytes.store(0, Ordering::Relaxed);
        shared.losing.store(false, Ordering::Release);
        shared.spilling.store(false, Ordering::Release);
        (entries, gap)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        // Nothing done under the lock can panic half-way.
        self.held
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn lose(held: &mut Held, shared: &Shared, entry: &Entry) {
    let first_seq = held.gap.map_or(entry.seq, |gap| gap.first_seq);
    held.gap = Some(Gap {
        first_seq,
        last_seq: entry.seq,
        utc_us: entry.stamp.utc_us,
    });
    shared.lost.fetch_add(1, Ordering::Relaxed);
    shared.lost_seq.store(entry.seq, Ordering::Release);
    shared.losing.store(true, Ordering::Release);
}

/// About how many bytes an entry holds; what counts is that the cap holds within a factor of two.
fn weight(entry: &Entry) -> usize {
    const TEXTS: usize = 512;
    let body = match &entry.body {
        Body::Acd(bytes) | Body::Checkpoint(bytes) | Body::Unknown { bytes, .. } => {
            bytes.capacity()
        }
        Body::Dialog(record) => {
            let routes: usize = record.route_set.iter().map(String::capacity).sum();
            routes
                + record.local_uri.capacity()
                + record.remote_uri.capacity()
                + record.remote_target.capacity()
                + TEXTS
        }
        Body::Event(_) | Body::Binding(_) | Body::BindingGone(_) => TEXTS,
        Body::Started { .. }
        | Body::DialogGone(_)
        | Body::Override(_)
        | Body::Name(_)
        | Body::Served(_) => 64,
    };
    size_of::<Entry>() + body
}
