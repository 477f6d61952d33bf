//! Whether a leg's peer is heard, and since when it is not.

use core::time::Duration;

/// Without packets for so long, a leg is silent and learns its source anew.
pub const SILENCE: Duration = Duration::from_secs(5);

/// Whether the peer is heard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hearing {
    pub(super) state: HearingState,
    /// The last packet, or when we began to wait for one.
    pub(super) since: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HearingState {
    Never,
    Heard,
    /// Nothing for [`SILENCE`]; `told` when somebody wanted to know.
    Silent {
        told: bool,
    },
}

impl Hearing {
    /// Notes a packet; true when it is news.
    pub(super) fn handle_packet(&mut self, now: Duration) -> bool {
        self.since = now;
        let before = core::mem::replace(&mut self.state, HearingState::Heard);
        matches!(
            before,
            HearingState::Never | HearingState::Silent { told: true }
        )
    }

    pub(super) fn is_newly_silent(&self, now: Duration) -> bool {
        let already = matches!(self.state, HearingState::Silent { .. });
        !already && now.saturating_sub(self.since) >= SILENCE
    }
}
