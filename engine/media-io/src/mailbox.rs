//! The way of a command to its worker.
//!
//! A queue and an eventfd for each worker. The eventfd is written only when the worker sleeps, so that a busy one
//! costs its sender no system call.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender};
use media::control::{ClipId, MediaCommand, WorkerId};
use rustix::event::{EventfdFlags, eventfd};

/// Sends commands to the workers; cheap to clone.
#[derive(Debug, Clone)]
pub struct MediaSender {
    slots: Arc<[Slot]>,
    commands_max: usize,
}

/// Why a command did not go.
#[derive(Debug, thiserror::Error)]
pub enum SendFault {
    /// The worker does not keep up. The command comes back.
    #[error("{0:?} has too many commands waiting")]
    Full(WorkerId, Box<MediaCommand>),
    /// There is no such worker, or it has ended.
    #[error("there is no {0:?}")]
    NoWorker(WorkerId),
}

/// The sender's end.
#[derive(Debug)]
struct Slot {
    queue: Sender<MediaCommand>,
    bell: Arc<Bell>,
    refused: AtomicU64,
}

/// The worker's end.
#[derive(Debug)]
pub(crate) struct Mailbox {
    queue: Receiver<MediaCommand>,
    bell: Arc<Bell>,
}

/// Wakes a worker, and tells it to end.
#[derive(Debug)]
pub(crate) struct Bell {
    fd: OwnedFd,
    asleep: AtomicBool,
    ending: AtomicBool,
}

impl MediaSender {
    /// Makes a mailbox for each worker.
    pub(crate) fn new(workers: u16, commands_max: usize) -> std::io::Result<(Self, Vec<Mailbox>)> {
        let (mut slots, mut mailboxes) = (Vec::new(), Vec::new());
        for _ in 0..workers {
            // Unbounded in form only: `send` looks at the length, but must always find room for a `Close`.
            let (sender, receiver) = crossbeam_channel::unbounded();
            let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
            let bell = Arc::new(Bell {
                fd,
                asleep: AtomicBool::new(false),
                ending: AtomicBool::new(false),
            });
            slots.push(Slot {
                queue: sender,
                bell: Arc::clone(&bell),
                refused: AtomicU64::new(0),
            });
            mailboxes.push(Mailbox {
                queue: receiver,
                bell,
            });
        }
        Ok((
            Self {
                slots: slots.into(),
                commands_max,
            },
            mailboxes,
        ))
    }

    /// Hands a command to a worker; never waits.
    ///
    /// # Errors
    /// [`SendFault::Full`] with too many waiting, never for `Close`, `GiveBack` and `RemoveClip`; [`SendFault::NoWorker`].
    pub fn send(&self, worker: WorkerId, command: MediaCommand) -> Result<(), SendFault> {
        let slot = self
            .slots
            .get(usize::from(worker.0))
            .ok_or(SendFault::NoWorker(worker))?;
        let must_go = matches!(
            command,
            MediaCommand::Close { .. }
                | MediaCommand::GiveBack { .. }
                | MediaCommand::RemoveClip { .. }
        );
        if !must_go && slot.queue.len() >= self.commands_max {
            slot.refused.fetch_add(1, Ordering::Relaxed);
            return Err(SendFault::Full(worker, Box::new(command)));
        }
        slot.queue
            .send(command)
            .map_err(|_| SendFault::NoWorker(worker))?;
        slot.bell.ring_if_asleep();
        Ok(())
    }

    /// Hands a clip to all workers.
    ///
    /// # Errors
    /// Of the first worker that does not take it; the others have it.
    pub fn add_clip(&self, id: ClipId, clip: &Arc<media::clip::Clip>) -> Result<(), SendFault> {
        let send = |worker| {
            self.send(
                WorkerId(worker),
                MediaCommand::AddClip {
                    id,
                    clip: Arc::clone(clip),
                },
            )
        };
        let faults: Vec<SendFault> = (0..self.workers())
            .filter_map(|worker| send(worker).err())
            .collect();
        faults.into_iter().next().map_or(Ok(()), Err)
    }

    /// Takes a clip from all workers. Who listens hears it to its end.
    pub fn remove_clip(&self, id: ClipId) {
        for worker in (0..self.workers()).map(WorkerId) {
            // Fails only for a worker that has ended, and its clips with it.
            let _ = self.send(worker, MediaCommand::RemoveClip { id });
        }
    }

    /// How many workers there are.
    pub fn workers(&self) -> u16 {
        // No more were made than a u16 counts.
        u16::try_from(self.slots.len()).unwrap_or(u16::MAX)
    }

    /// Commands waiting for a worker, and commands refused so far.
    pub(crate) fn depth(&self, worker: usize) -> (usize, u64) {
        let slot = self.slots.get(worker);
        slot.map_or((0, 0), |slot| {
            (slot.queue.len(), slot.refused.load(Ordering::Relaxed))
        })
    }

    /// Tells all workers to end.
    pub(crate) fn end(&self) {
        for slot in self.slots.iter() {
            slot.bell.ending.store(true, Ordering::SeqCst);
            slot.bell.ring();
        }
    }
}

impl Mailbox {
    /// The next command.
    pub(crate) fn try_next(&self) -> Option<MediaCommand> {
        self.queue.try_recv().ok()
    }

    /// Whether the pool wants the worker to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.bell.ending.load(Ordering::SeqCst)
    }

    /// Says that the worker is about to sleep; false when it must not, as something has come.
    pub(crate) fn lie_down(&self) -> bool {
        self.bell.asleep.store(true, Ordering::SeqCst);
        // A sender that came before the store has not rung, but its command is here.
        self.queue.is_empty() && !self.is_ending()
    }

    /// Says that the worker is up.
    pub(crate) fn get_up(&self) {
        self.bell.asleep.store(false, Ordering::SeqCst);
    }

    /// Silences the bell after it has rung.
    pub(crate) fn hush(&self) {
        let mut count = [0; 8];
        // Nothing to read means that it did not ring, which is as good.
        let _ = rustix::io::read(&self.bell.fd, &mut count);
    }

    /// What to wait for.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.bell.fd.as_fd()
    }
}

impl Bell {
    fn ring_if_asleep(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.ring();
        }
    }

    fn ring(&self) {
        // Fails only when it has rung 2^64 - 2 times without being heard.
        let _ = rustix::io::write(&self.fd, &1_u64.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::control::LegKey;

    const LEG: LegKey = LegKey {
        leg: 1,
        generation: 0,
    };

    #[test]
    fn a_full_queue_refuses_and_counts_but_always_takes_a_close() {
        let (sender, mailboxes) = MediaSender::new(1, 2).unwrap();
        let worker = WorkerId(0);
        sender
            .send(worker, MediaCommand::StopPlay { leg: LEG })
            .unwrap();
        sender
            .send(worker, MediaCommand::Unbridge { a: LEG })
            .unwrap();
        let refused = sender.send(worker, MediaCommand::Restock { count: 1 });
        assert!(
            matches!(refused, Err(SendFault::Full(WorkerId(0), command)) if matches!(*command, MediaCommand::Restock { count: 1 }))
        );
        sender
            .send(worker, MediaCommand::Close { leg: LEG })
            .unwrap();
        assert_eq!(sender.depth(0), (3, 1));
        let taken = std::iter::from_fn(|| mailboxes[0].try_next()).count();
        assert_eq!(taken, 3);
        assert_eq!(sender.depth(0), (0, 1));
    }

    #[test]
    fn no_such_worker() {
        let (sender, mailboxes) = MediaSender::new(1, 2).unwrap();
        let to = |worker| sender.send(WorkerId(worker), MediaCommand::Restock { count: 1 });
        assert!(matches!(to(7), Err(SendFault::NoWorker(WorkerId(7)))));
        drop(mailboxes);
        assert!(
            matches!(to(0), Err(SendFault::NoWorker(WorkerId(0)))),
            "it has ended"
        );
    }

    #[test]
    fn the_bell_rings_only_for_a_sleeper() {
        let (sender, mailboxes) = MediaSender::new(1, 9).unwrap();
        let mailbox = &mailboxes[0];
        let rung = || rustix::io::read(mailbox.fd(), &mut [0; 8]).is_ok();
        sender
            .send(WorkerId(0), MediaCommand::Restock { count: 1 })
            .unwrap();
        assert!(!rung(), "awake");
        assert!(!mailbox.lie_down(), "a command came before");
        mailbox.get_up();
        mailbox.try_next();
        assert!(mailbox.lie_down());
        sender
            .send(WorkerId(0), MediaCommand::Restock { count: 1 })
            .unwrap();
        assert!(rung());
        sender
            .send(WorkerId(0), MediaCommand::Restock { count: 1 })
            .unwrap();
        assert!(!rung(), "once is enough");
    }
}
