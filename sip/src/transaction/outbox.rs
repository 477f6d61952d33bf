//! What both halves of the layer write to: outputs, deadlines, figures.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::{Flow, Transmit};

use super::deadlines::Deadlines;
use super::event::{Counters, Event, Output};

/// So many ways of messages sent again are kept for whoever asks; nobody has to.
const RESENT_MAX: usize = 1_024;

/// What is to be done and known, in order.
#[derive(Default)]
pub(crate) struct Outbox {
    pub(crate) queue: VecDeque<Output>,
    pub(crate) deadlines: Deadlines,
    pub(crate) counters: Counters,
    /// Where messages went that were sent again.
    pub(crate) resent: Vec<Flow>,
}

impl Outbox {
    pub(crate) fn transmit(&mut self, flow: Flow, payload: Bytes) {
        self.queue
            .push_back(Output::Transmit(Transmit { flow, payload }));
    }

    /// Sends again what was sent before, because a timer or the other side asks for it.
    pub(crate) fn retransmit(&mut self, flow: Flow, payload: &Bytes) {
        self.counters.retransmitted += 1;
        if self.resent.len() < RESENT_MAX {
            self.resent.push(flow);
        }
        self.transmit(flow, payload.clone());
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.queue.push_back(Output::Event(event));
    }
}
