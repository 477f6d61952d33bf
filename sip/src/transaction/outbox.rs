//! What both halves of the layer write to: outputs, deadlines, figures.

use alloc::collections::VecDeque;

use bytes::Bytes;

use crate::{Flow, Transmit};

use super::deadlines::Deadlines;
use super::event::{Counters, Event, Output};

/// What is to be done and known, in order.
#[derive(Default)]
pub(crate) struct Outbox {
    pub(crate) queue: VecDeque<Output>,
    pub(crate) deadlines: Deadlines,
    pub(crate) counters: Counters,
}

impl Outbox {
    pub(crate) fn transmit(&mut self, flow: Flow, payload: Bytes) {
        self.queue
            .push_back(Output::Transmit(Transmit { flow, payload }));
    }

    /// Sends again what was sent before, because a timer or the other side asks for it.
    pub(crate) fn retransmit(&mut self, flow: Flow, payload: &Bytes) {
        self.counters.retransmitted += 1;
        self.transmit(flow, payload.clone());
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.queue.push_back(Output::Event(event));
    }
}
