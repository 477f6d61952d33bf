//! Whether a leg's peer is heard, and since when it is not.

use core::time::Duration;

/// Without packets for so long, a leg is silent and learns its source anew.
pub const SILENCE: Duration = Duration::from_secs(5);

/// Without packets and reports for so long, a leg may have no peer any more: if some had come before. Of a peer that never
/// sent anything their absence says nothing.
pub const LIFELESS: Duration = Duration::from_secs(30);

/// Whether the peer is heard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hearing {
    pub(super) state: HearingState,
    /// The last packet, or when we began to wait for one.
    pub(super) since: Duration,
    /// The last report, or when it was said that nothing comes.
    pub(super) reported: Duration,
    /// Whether a packet or a report ever came.
    pub(super) ever: bool,
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
        self.ever = true;
        let before = core::mem::replace(&mut self.state, HearingState::Heard);
        matches!(
            before,
            HearingState::Never | HearingState::Silent { told: true }
        )
    }

    /// Notes a report: the peer is there, heard or not.
    pub(super) fn handle_report(&mut self, now: Duration) {
        self.reported = now;
        self.ever = true;
    }

    /// Whether nothing at all has come for [`LIFELESS`], since this was last so.
    pub(super) fn is_lifeless_again(&mut self, now: Duration) -> bool {
        let last = self.since.max(self.reported);
        let lifeless = self.ever && now.saturating_sub(last) >= LIFELESS;
        if lifeless {
            self.reported = now;
        }
        lifeless
    }

    pub(super) fn is_newly_silent(&self, now: Duration) -> bool {
        let already = matches!(self.state, HearingState::Silent { .. });
        !already && now.saturating_sub(self.since) >= SILENCE
    }
}
