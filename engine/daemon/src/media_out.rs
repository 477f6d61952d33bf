//! The engine's orders for the media threads, kept in order where a thread does not keep up.

use std::collections::VecDeque;

use media::control::{MediaCommand, WorkerId};
use media_io::{MediaSender, SendFault};

/// Orders that are kept for all threads together; beyond, only what gives ports back is.
const KEPT: usize = 65_536;

/// Sends orders, and keeps those that a full mailbox refuses, in order, until there is room.
#[derive(Debug)]
pub(crate) struct MediaOut<S = MediaSender> {
    sender: S,
    kept: VecDeque<(WorkerId, MediaCommand)>,
    limit: usize,
    lost: u64,
}

/// A way to the media threads.
pub(crate) trait Mailboxes {
    /// Hands an order to a thread; never waits.
    fn send(&self, worker: WorkerId, command: MediaCommand) -> Result<(), SendFault>;
}

impl Mailboxes for MediaSender {
    fn send(&self, worker: WorkerId, command: MediaCommand) -> Result<(), SendFault> {
        Self::send(self, worker, command)
    }
}

impl<S: Mailboxes> MediaOut<S> {
    pub(crate) fn new(sender: S) -> Self {
        Self {
            sender,
            kept: VecDeque::new(),
            limit: KEPT,
            lost: 0,
        }
    }

    /// Sends an order, or keeps it behind those that wait already.
    pub(crate) fn send(&mut self, worker: WorkerId, command: MediaCommand) {
        self.retry();
        if self.kept.is_empty() {
            self.offer(worker, command);
        } else {
            self.keep(worker, command);
        }
    }

    /// Sends what was kept, as far as there is room.
    pub(crate) fn retry(&mut self) {
        while let Some((worker, command)) = self.kept.pop_front() {
            let before = self.kept.len();
            self.offer(worker, command);
            if self.kept.len() > before {
                // It went to the back; back to the front with it.
                self.kept.rotate_right(1);
                return;
            }
        }
    }

    /// Whether a thread is behind.
    pub(crate) fn is_behind(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Orders that were lost since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    fn offer(&mut self, worker: WorkerId, command: MediaCommand) {
        match self.sender.send(worker, command) {
            Ok(()) => {}
            Err(SendFault::Full(worker, command)) => self.keep(worker, *command),
            Err(SendFault::NoWorker(_)) => self.lost += 1,
        }
    }

    fn keep(&mut self, worker: WorkerId, command: MediaCommand) {
        let gives_back = matches!(
            command,
            MediaCommand::Close { .. } | MediaCommand::GiveBack { .. }
        );
        if gives_back || self.kept.len() < self.limit {
            self.kept.push_back((worker, command));
        } else {
            self.lost += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::control::LegKey;
    use std::cell::RefCell;
    use std::rc::Rc;

    /// Takes so many orders, and refuses the rest.
    #[derive(Clone)]
    struct Room {
        left: Rc<RefCell<usize>>,
        taken: Rc<RefCell<Vec<u64>>>,
    }

    impl Mailboxes for Room {
        fn send(&self, worker: WorkerId, command: MediaCommand) -> Result<(), SendFault> {
            if *self.left.borrow() == 0 {
                return Err(SendFault::Full(worker, Box::new(command)));
            }
            *self.left.borrow_mut() -= 1;
            let (MediaCommand::StopPlay { leg } | MediaCommand::Close { leg }) = command else {
                return Ok(());
            };
            self.taken.borrow_mut().push(leg.leg);
            Ok(())
        }
    }

    fn out(left: usize, limit: usize) -> (MediaOut<Room>, Room) {
        let room = Room {
            left: Rc::new(RefCell::new(left)),
            taken: Rc::default(),
        };
        (
            MediaOut {
                limit,
                ..MediaOut::new(room.clone())
            },
            room,
        )
    }

    fn stop(leg: u64) -> MediaCommand {
        MediaCommand::StopPlay {
            leg: LegKey { leg, generation: 0 },
        }
    }

    fn close(leg: u64) -> MediaCommand {
        MediaCommand::Close {
            leg: LegKey { leg, generation: 0 },
        }
    }

    #[test]
    fn orders_wait_in_order_for_room() {
        let (mut out, room) = out(1, 10);
        (1..=4).for_each(|leg| out.send(WorkerId(0), stop(leg)));
        assert!(out.is_behind());
        *room.left.borrow_mut() = 2;
        out.retry();
        assert_eq!(*room.taken.borrow(), [1, 2, 3]);
        *room.left.borrow_mut() = 9;
        out.send(WorkerId(0), stop(5));
        assert_eq!(*room.taken.borrow(), [1, 2, 3, 4, 5]);
        assert!(!out.is_behind());
    }

    #[test]
    fn beyond_the_limit_only_what_gives_ports_back_is_kept() {
        let (mut out, room) = out(0, 2);
        (1..=3).for_each(|leg| out.send(WorkerId(0), stop(leg)));
        out.send(WorkerId(0), close(4));
        assert_eq!(out.lost(), 1);
        *room.left.borrow_mut() = 9;
        out.retry();
        assert_eq!(*room.taken.borrow(), [1, 2, 4]);
    }
}
