//! The moments that one who waits has, and is rid of.

use core::time::Duration;

use super::Index;
use crate::deadline::Deadline;
use crate::interaction::{Bar, Interaction};

impl Index {
    /// Takes out the soonest deadline that is due at `now`.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<Deadline> {
        self.set_expiries();
        self.deadlines.pop_due(now)
    }

    /// Nothing is timed any more that concerns waiting.
    pub(crate) fn settle_waits(&mut self, interaction: &mut Interaction) {
        let id = interaction.id;
        interaction.expires = None;
        interaction.first_gate = None;
        if let Some(at) = interaction.service_due.take() {
            self.deadlines.cancel(at, Deadline::Service(id));
        }
        if let Some(reserved) = interaction.reserved.take() {
            self.deadlines
                .cancel(reserved.until, Deadline::Reservation(id));
            self.held.release(reserved.agent, id);
        }
        while let Some((agent, bar)) = interaction.barred.pop_first() {
            if let Bar::Until(at) = bar {
                self.deadlines.cancel(at, Deadline::Retry(id, agent));
            }
        }
    }
}
