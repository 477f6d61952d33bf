//! What arrives on a leg: which stream it is, what was lost, how unsteady it is (RFC 3550 §A.1, §A.3, §A.8).
//!
//! Lives as long as its leg, through all the streams a peer sends one after another. A new stream is a new SSRC, or a
//! jump of the sequence numbers that the next packet confirms. Each has an *epoch*, so that whoever renumbers can tell
//! them apart. Knows nothing of addresses: the latch has judged them before.

use core::time::Duration;

use crate::rtp::Header;

/// A step forward up to this many packets is loss, not a restart (RFC 3550 §A.1).
const DROPOUT_MAX: u16 = 3000;

/// A step back up to this many packets is disorder, not a restart.
const MISORDER_MAX: u16 = 100;

/// Packets of the stream before are late ones while the present stream is younger than this.
const LATE_PACKETS: Duration = Duration::from_millis(500);

const TICKS_PER_MS: u64 = 8;

/// What a packet is to its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The next one, or one a little out of order.
    Continues,
    /// The first of a new stream.
    Begins,
    /// Of a stream that is over, or a jump that may be a mistake; to be dropped.
    Stale,
}

/// The streams of one peer.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    stream: Option<Stream>,
    former_ssrc: Option<u32>,
    epoch: u32,
    packets: u64,
    octets: u64,
    /// Lost of all streams before the present one.
    lost_before: u64,
    jitter_max_ticks: u32,
    first_packet: Option<Duration>,
}

#[derive(Debug, Clone)]
struct Stream {
    ssrc: u32,
    since: Duration,
    base: u32,
    highest: u16,
    /// Wraps of the sequence number, already shifted.
    cycles: u32,
    received: u32,
    /// The sequence number that would confirm a jump.
    suspect: Option<u16>,
    transit: Option<u32>,
    /// Jitter in ticks, times 16.
    jitter_x16: u32,
    expected_at_report: u32,
    received_at_report: u32,
}

/// The receiver's half of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reception {
    /// The stream.
    pub ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost in all of the stream.
    pub cumulative_lost: u32,
    /// Highest sequence number with cycles.
    pub highest_sequence: u32,
    /// Jitter now.
    pub jitter_ticks: u32,
}

impl Incoming {
    /// Counts a packet in. `sound` is false for telephone events, whose time stamps stand still: their arrival says
    /// nothing about jitter.
    pub fn handle_packet(&mut self, now: Duration, header: &Header, sound: bool) -> Arrival {
        let arrival = self.place(now, header);
        if arrival != Arrival::Stale {
            self.packets += 1;
            self.octets += header.payload.len() as u64;
            self.first_packet.get_or_insert(now);
            self.measure(now, header, sound);
        }
        arrival
    }

    /// Names the present stream among all of the leg.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Packets taken.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Their payload octets.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// When the first one came.
    pub fn first_packet(&self) -> Option<Duration> {
        self.first_packet
    }

    /// Packets that should have come and did not, over all streams.
    pub fn lost(&self) -> u64 {
        self.lost_before
            + self
                .stream
                .as_ref()
                .map_or(0, |stream| stream.lost().into())
    }

    /// Jitter of the present stream, and the most there ever was.
    pub fn jitter(&self) -> (Duration, Duration) {
        let now = self
            .stream
            .as_ref()
            .map_or(0, |stream| stream.jitter_x16 >> 4);
        (ticks(now), ticks(self.jitter_max_ticks))
    }

    /// The figures for a report, and the start of the next interval (RFC 3550 §A.3).
    pub fn report(&mut self) -> Option<Reception> {
        self.stream.as_mut().map(Stream::report)
    }

    fn place(&mut self, now: Duration, header: &Header) -> Arrival {
        let Some(stream) = &mut self.stream else {
            self.begin(now, header);
            return Arrival::Begins;
        };
        if stream.ssrc != header.ssrc {
            let late = self.former_ssrc == Some(header.ssrc)
                && now.saturating_sub(stream.since) < LATE_PACKETS;
            if late {
                return Arrival::Stale;
            }
            self.begin(now, header);
            return Arrival::Begins;
        }
        match stream.step(header.sequence) {
            Step::Fits => Arrival::Continues,
            Step::Suspect => Arrival::Stale,
            Step::Restarted => {
                self.begin(now, header);
                Arrival::Begins
            }
        }
    }

    fn begin(&mut self, now: Duration, header: &Header) {
        if let Some(stream) = self.stream.take() {
            self.lost_before += u64::from(stream.lost());
            self.former_ssrc = (stream.ssrc != header.ssrc).then_some(stream.ssrc);
        }
        self.epoch = self.epoch.wrapping_add(1);
        self.stream = Some(Stream::new(now, header));
    }

    fn measure(&mut self, now: Duration, header: &Header, sound: bool) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        // Wraps as the time stamp does; only differences count.
        let arrival = (now.as_micros() as u64).wrapping_mul(TICKS_PER_MS) / 1000;
        let transit = (arrival as u32).wrapping_sub(header.timestamp);
        if !sound || header.marker {
            // A talk spurt may begin late on purpose.
            stream.transit = sound.then_some(transit);
            return;
        }
        if let Some(before) = stream.transit.replace(transit) {
            let difference = (transit.wrapping_sub(before) as i32)
                .unsigned_abs()
                .min(1 << 20);
            stream.jitter_x16 = stream.jitter_x16 + difference - ((stream.jitter_x16 + 8) >> 4);
            self.jitter_max_ticks = self.jitter_max_ticks.max(stream.jitter_x16 >> 4);
        }
    }
}

fn ticks(ticks: u32) -> Duration {
    Duration::from_micros(u64::from(ticks) * 1000 / TICKS_PER_MS)
}

enum Step {
    Fits,
    Suspect,
    Restarted,
}

impl Stream {
    fn new(now: Duration, header: &Header) -> Self {
        Self {
            ssrc: header.ssrc,
            since: now,
            base: header.sequence.into(),
            highest: header.sequence,
            cycles: 0,
            received: 1,
            suspect: None,
            transit: None,
            jitter_x16: 0,
            expected_at_report: 0,
            received_at_report: 0,
        }
    }

    fn step(&mut self, sequence: u16) -> Step {
        let forward = sequence.wrapping_sub(self.highest);
        if forward < DROPOUT_MAX {
            if sequence < self.highest {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.highest = sequence;
        } else if forward <= u16::MAX - MISORDER_MAX {
            if self.suspect == Some(sequence) {
                return Step::Restarted;
            }
            self.suspect = Some(sequence.wrapping_add(1));
            return Step::Suspect;
        }
        self.suspect = None;
        self.received = self.received.wrapping_add(1);
        Step::Fits
    }

    fn extended(&self) -> u32 {
        self.cycles.wrapping_add(self.highest.into())
    }

    fn expected(&self) -> u32 {
        self.extended().wrapping_sub(self.base).wrapping_add(1)
    }

    /// Doubled packets can make up for lost ones and more; less than none are never lost.
    fn lost(&self) -> u32 {
        self.expected().saturating_sub(self.received)
    }

    fn report(&mut self) -> Reception {
        let expected = self.expected().wrapping_sub(self.expected_at_report);
        let received = self.received.wrapping_sub(self.received_at_report);
        self.expected_at_report = self.expected();
        self.received_at_report = self.received;
        let lost = u64::from(expected.saturating_sub(received));
        let fraction = (lost << 8)
            .checked_div(expected.into())
            .unwrap_or(0)
            .min(255);
        Reception {
            ssrc: self.ssrc,
            fraction_lost: fraction as u8,
            cumulative_lost: self.lost(),
            highest_sequence: self.extended(),
            jitter_ticks: self.jitter_x16 >> 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_secs(1_800_000_000) + Duration::from_millis(ms)
    }

    fn header(ssrc: u32, sequence: u16) -> Header {
        let timestamp = u32::from(sequence).wrapping_mul(160);
        Header {
            marker: false,
            payload_type: 0,
            sequence,
            timestamp,
            ssrc,
            payload: 12..172,
        }
    }

    fn feed(
        incoming: &mut Incoming,
        packets: impl IntoIterator<Item = (u64, u32, u16)>,
    ) -> Vec<Arrival> {
        packets
            .into_iter()
            .map(|(at, ssrc, sequence)| {
                incoming.handle_packet(ms(at), &header(ssrc, sequence), true)
            })
            .collect()
    }

    #[test]
    fn counts_what_is_lost_across_the_wrap() {
        let mut incoming = Incoming::default();
        feed(
            &mut incoming,
            [65_533, 65_534, 1, 0, 4].map(|sequence| (0, 7, sequence)),
        );
        assert_eq!(incoming.packets(), 5);
        assert_eq!(incoming.octets(), 800);
        assert_eq!(incoming.lost(), 3, "65535, 2 and 3");
        assert_eq!(
            incoming.report().map(|report| report.highest_sequence),
            Some(0x1_0004)
        );
    }

    #[test]
    fn a_new_ssrc_begins_a_stream_and_late_packets_of_the_old_are_stale() {
        use Arrival::{Begins, Continues, Stale};
        let mut incoming = Incoming::default();
        let arrivals = feed(
            &mut incoming,
            [
                (0, 1, 10),
                (20, 1, 11),
                (40, 2, 900),
                (45, 1, 12),
                (60, 2, 901),
                (700, 1, 50),
            ],
        );
        assert_eq!(
            arrivals,
            [Begins, Continues, Begins, Stale, Continues, Begins]
        );
        assert_eq!(incoming.epoch(), 3);
    }

    #[test]
    fn a_jump_counts_when_the_next_packet_confirms_it() {
        use Arrival::{Begins, Continues, Stale};
        let mut incoming = Incoming::default();
        let sequences = [10, 11, 20_000, 12, 30_000, 30_001, 30_002];
        let arrivals = feed(&mut incoming, sequences.map(|sequence| (0, 1, sequence)));
        assert_eq!(
            arrivals,
            [
                Begins, Continues, Stale, Continues, Stale, Begins, Continues
            ]
        );
        assert_eq!(incoming.lost(), 0, "a restart is no loss");
    }

    #[test]
    fn each_report_has_its_own_interval() {
        let mut incoming = Incoming::default();
        feed(
            &mut incoming,
            [0, 1, 2, 3, 6, 7].map(|sequence| (0, 1, sequence)),
        );
        assert_eq!(
            incoming
                .report()
                .map(|report| (report.fraction_lost, report.cumulative_lost)),
            Some((64, 2))
        );
        feed(&mut incoming, [8, 9].map(|sequence| (0, 1, sequence)));
        assert_eq!(
            incoming
                .report()
                .map(|report| (report.fraction_lost, report.cumulative_lost)),
            Some((0, 2))
        );
        assert_eq!(
            incoming.report().map(|report| report.fraction_lost),
            Some(0),
            "nothing expected, nothing lost"
        );
    }

    #[test]
    fn jitter_is_none_when_paced_and_grows_when_not() {
        let mut paced = Incoming::default();
        feed(&mut paced, (0..100).map(|n| (20 * u64::from(n), 1, n)));
        assert_eq!(paced.jitter(), (Duration::ZERO, Duration::ZERO));
        let mut shaken = Incoming::default();
        feed(
            &mut shaken,
            (0..400).map(|n| (20 * u64::from(n) + 10 * u64::from(n % 2), 1, n)),
        );
        let (now, most) = shaken.jitter();
        assert!(
            now > Duration::from_millis(9) && now < Duration::from_millis(11),
            "{now:?}"
        );
        assert!(most >= now);
    }

    #[test]
    fn events_and_talk_spurts_are_no_jitter() {
        let mut incoming = Incoming::default();
        feed(&mut incoming, [(0, 1, 1), (20, 1, 2)]);
        for at in 0..10 {
            let event = Header {
                timestamp: 320,
                ..header(1, 3 + at)
            };
            incoming.handle_packet(ms(40 + 20 * u64::from(at)), &event, false);
        }
        let spurt = Header {
            marker: true,
            ..header(1, 13)
        };
        incoming.handle_packet(ms(5_000), &spurt, true);
        incoming.handle_packet(ms(5_020), &header(1, 14), true);
        assert_eq!(incoming.jitter().1, Duration::ZERO);
    }

    proptest! {
        #[test]
        fn any_packets_at_any_time_only_count(packets in proptest::collection::vec((0_u64..10_000, 0_u32..3, any::<u16>(), any::<u32>(), any::<bool>()), 0..200)) {
            let mut incoming = Incoming::default();
            for (at, ssrc, sequence, timestamp, sound) in packets {
                let header = Header { timestamp, ..header(ssrc, sequence) };
                incoming.handle_packet(ms(at), &header, sound);
                incoming.report();
                incoming.jitter();
                incoming.lost();
            }
        }
    }
}
