//! The one stream a leg's peer hears from us, whoever is its source at the moment.
//!
//! Music, a prompt, the other leg before and after a transfer: each counts its packets and samples from somewhere. The
//! peer gets one SSRC for the life of the leg, sequence numbers without a gap at the change, and time stamps that go
//! on by what time went by. Within one source its own gaps and disorder are kept, as they are the truth about loss.

use core::time::Duration;

use crate::codec::FRAME_SAMPLES;

/// A change of source within this time of the last packet counts as the next packet in line.
const SEAMLESS: Duration = Duration::from_millis(60);

const FRAME_TICKS: u32 = FRAME_SAMPLES as u32;

const TICKS_PER_MS: u128 = 8;

/// Who makes the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A clip; counted up for each play.
    Clip(u32),
    /// A stream from the leg in this slot.
    Leg {
        /// Its place.
        slot: u32,
        /// Which of its streams, see [`Incoming::epoch`](crate::incoming::Incoming::epoch).
        epoch: u32,
    },
}

/// Where a packet stands in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Counts packets.
    pub sequence: u16,
    /// Counts samples.
    pub timestamp: u32,
    /// Begins something new.
    pub marker: bool,
}

/// The stream to one peer.
#[derive(Debug, Clone)]
pub struct Outgoing {
    ssrc: u32,
    /// The sequence number after the highest sent.
    next_sequence: u16,
    latest: Latest,
    source: Option<Source>,
    packets: u64,
    octets: u64,
}

/// The newest time stamp, and when it was first sent.
#[derive(Debug, Clone, Copy)]
struct Latest {
    timestamp: u32,
    /// `None` before the first packet.
    at: Option<Duration>,
}

/// How the present source's numbers become ours.
#[derive(Debug, Clone, Copy)]
struct Source {
    origin: Origin,
    sequence_shift: u16,
    timestamp_shift: u32,
    /// Our number for its first packet; older ones would fall among those of the source before.
    first_sequence: u16,
}

impl Outgoing {
    /// A stream that starts at the given random numbers (RFC 3550 §5.1).
    pub fn new(ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        Self {
            ssrc,
            next_sequence: sequence,
            latest: Latest {
                timestamp,
                at: None,
            },
            source: None,
            packets: 0,
            octets: 0,
        }
    }

    /// The name of the stream.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Packets stamped.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Their payload octets.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Takes the next packet as one of a new source, even if the origin is the same: after a pause in sending.
    pub fn change_source(&mut self) {
        self.source = None;
    }

    /// Gives a packet its place in our stream. `None` for one that was overtaken by the change to its own source.
    pub fn stamp(
        &mut self,
        now: Duration,
        origin: Origin,
        theirs: Place,
        payload_len: usize,
    ) -> Option<Place> {
        let current = self.source.filter(|source| source.origin == origin);
        let source = current.unwrap_or_else(|| self.follow(now, origin, theirs));
        let sequence = theirs.sequence.wrapping_add(source.sequence_shift);
        if is_older(sequence, source.first_sequence) {
            return None;
        }
        let timestamp = theirs.timestamp.wrapping_add(source.timestamp_shift);
        if !is_older(sequence, self.next_sequence) {
            self.next_sequence = sequence.wrapping_add(1);
            if self.latest.timestamp != timestamp || self.latest.at.is_none() {
                self.latest = Latest {
                    timestamp,
                    at: Some(now),
                };
            }
        }
        self.packets += 1;
        self.octets += payload_len as u64;
        Some(Place {
            sequence,
            timestamp,
            marker: theirs.marker || current.is_none(),
        })
    }

    /// Closes the gap that a packet of the present source leaves which is not for this peer.
    pub fn leave_out(&mut self, origin: Origin) {
        if let Some(source) = self
            .source
            .as_mut()
            .filter(|source| source.origin == origin)
        {
            source.sequence_shift = source.sequence_shift.wrapping_sub(1);
        }
    }

    /// The time stamp that belongs to `now`, for a sender report.
    pub fn timestamp_at(&self, now: Duration) -> u32 {
        let since = self
            .latest
            .at
            .map_or(Duration::ZERO, |at| now.saturating_sub(at));
        self.latest.timestamp.wrapping_add(ticks(since))
    }

    fn follow(&mut self, now: Duration, origin: Origin, theirs: Place) -> Source {
        let source = Source {
            origin,
            sequence_shift: self.next_sequence.wrapping_sub(theirs.sequence),
            timestamp_shift: self.next_timestamp(now).wrapping_sub(theirs.timestamp),
            first_sequence: self.next_sequence,
        };
        self.source = Some(source);
        source
    }

    /// One frame on when the change is seamless; after a pause as many whole frames as it lasted.
    fn next_timestamp(&self, now: Duration) -> u32 {
        let Some(at) = self.latest.at else {
            return self.latest.timestamp;
        };
        let pause = now.saturating_sub(at);
        let step = if pause < SEAMLESS {
            FRAME_TICKS
        } else {
            ticks(pause) / FRAME_TICKS * FRAME_TICKS
        };
        self.latest.timestamp.wrapping_add(step)
    }
}

/// Ticks of 8000 Hz; wraps as the time stamp does.
fn ticks(time: Duration) -> u32 {
    (time.as_micros() * TICKS_PER_MS / 1000) as u32
}

/// Whether `sequence` comes before `than` on the circle of 16 bits.
fn is_older(sequence: u16, than: u16) -> bool {
    sequence.wrapping_sub(than) >= 1 << 15
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const A: Origin = Origin::Leg { slot: 1, epoch: 1 };
    const B: Origin = Origin::Leg { slot: 1, epoch: 2 };
    const MUSIC: Origin = Origin::Clip(1);

    fn ms(ms: u64) -> Duration {
        Duration::from_secs(1_800_000_000) + Duration::from_millis(ms)
    }

    fn place(sequence: u16, timestamp: u32) -> Place {
        Place {
            sequence,
            timestamp,
            marker: false,
        }
    }

    fn outgoing() -> Outgoing {
        Outgoing::new(7, 65_534, u32::MAX - 159)
    }

    /// What comes of each packet, as distances from the start of the stream.
    fn run(packets: &[(u64, Origin, u16, u32)]) -> Vec<Option<(u16, u32, bool)>> {
        let mut outgoing = outgoing();
        packets
            .iter()
            .map(|&(at, origin, sequence, timestamp)| {
                let stamped = outgoing.stamp(ms(at), origin, place(sequence, timestamp), 160)?;
                let sequence = stamped.sequence.wrapping_sub(65_534);
                Some((
                    sequence,
                    stamped.timestamp.wrapping_sub(u32::MAX - 159),
                    stamped.marker,
                ))
            })
            .collect()
    }

    #[test]
    fn music_then_agent_is_one_stream() {
        let sent = run(&[
            (0, MUSIC, 0, 0),
            (20, MUSIC, 1, 160),
            (33, A, 40_000, 99),
            (53, A, 40_001, 259),
        ]);
        let expected = [
            (0, 0, true),
            (1, 160, false),
            (2, 320, true),
            (3, 480, false),
        ];
        assert_eq!(sent, expected.map(Some));
    }

    #[test]
    fn a_pause_between_sources_counts_in_whole_frames() {
        let sent = run(&[(0, MUSIC, 0, 0), (1_015, A, 5, 1_000_000)]);
        assert_eq!(sent, [Some((0, 0, true)), Some((1, 50 * 160, true))]);
    }

    #[test]
    fn loss_and_disorder_of_a_source_are_kept() {
        let sent = run(&[
            (0, A, 10, 0),
            (40, A, 12, 320),
            (41, A, 11, 160),
            (60, A, 13, 480),
        ]);
        let expected = [
            (0, 0, true),
            (2, 320, false),
            (1, 160, false),
            (3, 480, false),
        ];
        assert_eq!(sent, expected.map(Some));
    }

    #[test]
    fn what_a_change_overtook_is_dropped() {
        let sent = run(&[
            (0, A, 10, 0),
            (20, B, 500, 7),
            (21, B, 499, 0),
            (40, B, 501, 167),
        ]);
        assert_eq!(
            sent,
            [
                Some((0, 0, true)),
                Some((1, 160, true)),
                None,
                Some((2, 320, false))
            ]
        );
    }

    #[test]
    fn an_event_stands_still_and_the_next_source_goes_on_from_its_end() {
        let sent = run(&[
            (0, A, 1, 0),
            (20, A, 2, 160),
            (60, A, 3, 160),
            (500, A, 4, 160),
            (520, B, 9, 0),
        ]);
        assert_eq!(sent[3], Some((3, 160, false)));
        assert_eq!(
            sent[4],
            Some((4, 160 + 25 * 160, true)),
            "500 ms after the event began"
        );
    }

    #[test]
    fn leaving_a_packet_out_leaves_no_gap() {
        let mut outgoing = outgoing();
        outgoing.stamp(ms(0), A, place(1, 0), 160);
        outgoing.leave_out(A);
        outgoing.leave_out(B);
        let next = outgoing.stamp(ms(40), A, place(3, 320), 160).unwrap();
        assert_eq!((next.sequence, next.marker), (65_535, false));
        assert_eq!((outgoing.packets(), outgoing.octets()), (2, 320));
    }

    #[test]
    fn sending_again_after_a_pause_is_a_new_source() {
        let mut outgoing = outgoing();
        outgoing.stamp(ms(0), A, place(1, 0), 160);
        outgoing.change_source();
        let next = outgoing
            .stamp(ms(2_000), A, place(101, 16_000), 160)
            .unwrap();
        assert_eq!(next.sequence, 65_535);
        assert!(next.marker);
    }

    #[test]
    fn reports_know_the_time_stamp_between_packets() {
        let mut outgoing = outgoing();
        let sent = outgoing.stamp(ms(0), A, place(1, 0), 160).unwrap();
        assert_eq!(
            outgoing.timestamp_at(ms(10)),
            sent.timestamp.wrapping_add(80)
        );
    }

    proptest! {
        /// In-order sources one after another, each losing some: numbers only go up, and at a change by exactly one.
        #[test]
        fn numbers_go_on_without_a_gap(runs in proptest::collection::vec((any::<u16>(), any::<u32>(), 1_u16..50), 1..20)) {
            let mut outgoing = outgoing();
            let (mut at, mut last) = (0, None::<Place>);
            for (epoch, (sequence, timestamp, count)) in (0..).zip(runs) {
                for n in 0..count {
                    let theirs = place(sequence.wrapping_add(n), timestamp.wrapping_add(u32::from(n) * 160));
                    let sent = outgoing.stamp(ms(at), Origin::Leg { slot: 0, epoch }, theirs, 160).unwrap();
                    if let Some(last) = last {
                        prop_assert_eq!(sent.sequence, last.sequence.wrapping_add(1));
                        prop_assert_eq!(sent.timestamp, last.timestamp.wrapping_add(160));
                    }
                    prop_assert_eq!(sent.marker, n == 0);
                    last = Some(sent);
                    at += 20;
                }
            }
        }
    }
}
