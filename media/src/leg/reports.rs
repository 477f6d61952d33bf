//! RTCP of one leg: what the peer reported, what we report.

use core::net::SocketAddr;
use core::time::Duration;

use crate::incoming::Incoming;
use crate::outgoing::Outgoing;
use crate::rtcp::{self, SenderInfo};

/// Between two reports of ours (RFC 3550 §6.2).
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// RTCP of the leg.
#[derive(Debug)]
pub(super) struct Reports {
    pub(super) next: Duration,
    pub(super) cname: u64,
    /// Where the peer's reports come from.
    pub(super) source: Option<SocketAddr>,
    /// The peer's last sender report and when it came.
    sender_report: Option<(u32, Duration)>,
    packets_at_report: u64,
    pub(super) remote_fraction_lost: Option<u8>,
    pub(super) round_trip: Option<Duration>,
}

impl Reports {
    pub(super) fn new(next: Duration, cname: u64) -> Self {
        Self {
            next,
            cname,
            source: None,
            sender_report: None,
            packets_at_report: 0,
            remote_fraction_lost: None,
            round_trip: None,
        }
    }

    pub(super) fn handle_received(&mut self, now: Duration, received: &rtcp::Received) {
        if let Some(stamp) = received.sender_report {
            self.sender_report = Some((stamp, now));
        }
        if let Some(block) = &received.block {
            self.remote_fraction_lost = Some(block.fraction_lost);
            self.round_trip = rtcp::round_trip(now, block).or(self.round_trip);
        }
    }

    /// A sender is who has sent since the last report (RFC 3550 §6.4).
    pub(super) fn sender_info(&mut self, now: Duration, outgoing: &Outgoing) -> Option<SenderInfo> {
        let before = core::mem::replace(&mut self.packets_at_report, outgoing.packets());
        (outgoing.packets() > before).then(|| SenderInfo {
            ntp: rtcp::ntp(now),
            timestamp: outgoing.timestamp_at(now),
            // Both counters wrap (RFC 3550 §6.4.1).
            packets: outgoing.packets() as u32,
            octets: outgoing.octets() as u32,
        })
    }

    pub(super) fn block(&self, now: Duration, incoming: &mut Incoming) -> Option<rtcp::Block> {
        let reception = incoming.report()?;
        let (last, came) = self.sender_report.unwrap_or((0, now));
        Some(rtcp::Block {
            ssrc: reception.ssrc,
            fraction_lost: reception.fraction_lost,
            cumulative_lost: reception.cumulative_lost,
            highest_sequence: reception.highest_sequence,
            jitter_ticks: reception.jitter_ticks,
            last_sender_report: last,
            delay_since: rtcp::to_short_ntp(now.saturating_sub(came)),
        })
    }
}
