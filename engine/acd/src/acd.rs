//! The machine and its doors.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::ids::Incarnation;
use crate::input::Input;
use crate::output::Output;

/// The distribution core.
#[derive(Debug)]
pub struct Acd {
    incarnation: Incarnation,
    outputs: VecDeque<Output>,
}

impl Acd {
    /// An empty centre: no queues, no agents, until `ConfigChanged`.
    #[must_use]
    pub const fn new(incarnation: Incarnation) -> Self {
        Self {
            incarnation,
            outputs: VecDeque::new(),
        }
    }

    /// Takes one input. All its consequences are decided before this returns.
    pub fn handle_input(&mut self, _now: Duration, _input: Input) {}

    /// Does what is due. Early or repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.handle_input(now, Input::Timeout);
    }

    /// The next effect; drain to `None` after every `handle_*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When `handle_timeout` has something to do.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Duration> {
        None
    }

    /// Constant for one incarnation.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.incarnation.epoch
    }
}
