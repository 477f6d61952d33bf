//! Wakes a thread (first of all the engine's): a flag, and a system call only when it sleeps.
//!
//! A thread that is busy hears no bell and needs none, so a burst of messages costs one wake. Waiting by
//! `crossbeam_channel::Select` instead spins and yields first, which takes the core from those who send.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::Instant;

/// One sleeper, and any number who wake it.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    asleep: AtomicBool,
    sleeper: OnceLock<Thread>,
}

impl Bell {
    /// Wakes the sleeper. To be called after what it shall find has been put there.
    pub(crate) fn ring(&self) {
        if self.asleep.swap(false, Ordering::SeqCst)
            && let Some(sleeper) = self.sleeper.get()
        {
            sleeper.unpark();
        }
    }

    /// Sleeps until rung, or until then; not at all when something is there already. Always by the same thread.
    ///
    /// Who puts something there after `is_empty` has looked sees the flag, since that is up before.
    pub(crate) fn sleep(&self, until: Instant, is_empty: impl FnOnce() -> bool) {
        self.sleeper.get_or_init(std::thread::current);
        self.asleep.store(true, Ordering::SeqCst);
        if is_empty() {
            // May end early; the caller looks for itself.
            std::thread::park_timeout(until.saturating_duration_since(Instant::now()));
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;
    use std::time::Duration;

    #[test]
    fn no_ring_is_lost_between_looking_and_sleeping() {
        const ROUNDS: u32 = 20_000;
        let (bell, put) = (Arc::new(Bell::default()), Arc::new(AtomicU32::new(0)));
        let (ringing, putting) = (Arc::clone(&bell), Arc::clone(&put));
        let (told, taken) = crossbeam_channel::bounded::<()>(0);
        let ringer = std::thread::spawn(move || {
            for round in 1..=ROUNDS {
                putting.store(round, Ordering::SeqCst);
                ringing.ring();
                // Only goes on when the sleeper has found it.
                if taken.recv().is_err() {
                    return;
                }
            }
        });
        let late = Instant::now() + Duration::from_secs(60);
        for round in 1..=ROUNDS {
            while put.load(Ordering::SeqCst) < round {
                bell.sleep(late, || put.load(Ordering::SeqCst) < round);
            }
            told.send(()).unwrap();
        }
        ringer.join().unwrap();
        assert!(Instant::now() < late);
    }

    #[test]
    fn sleep_ends_in_time_and_is_not_begun_for_nothing() {
        let bell = Bell::default();
        bell.sleep(Instant::now(), || true);
        bell.sleep(Instant::now() + Duration::from_secs(60), || false);
        bell.ring();
    }
}
