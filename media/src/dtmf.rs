//! Key presses as RFC 4733 telephone events.
//!
//! A press is many packets with one RTP timestamp and a growing duration, the last one sent three times. [`DtmfReceiver`]
//! owns the press in progress on one stream and turns its packets into exactly one [`KeyPress`], even when the end is
//! lost, doubled or late. Reading the RTP header, knowing the payload type and telling streams apart is the caller's;
//! when the source of the stream changes, [`DtmfReceiver::reset`] forgets the old one's timestamps.

use crate::codec::TELEPHONE_EVENT_CLOCK_HZ;
use core::time::Duration;

/// A press whose packets stop for so long has ended, its end packets lost. Several of the 50 ms after which RFC 4733
/// §2.5.1.2 wants the next packet, at the latest.
const LOST_END: Duration = Duration::from_millis(200);

/// How far back in time a packet may belong to a press already reported, or to an earlier segment of a long one.
/// Older ones are a clock that jumped.
const STRAGGLER_TICKS: u32 = 10 * TELEPHONE_EVENT_CLOCK_HZ;

/// A key of a telephone (RFC 4733 §3.2, events 0 to 16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `0` to `9`.
    Digit(u8),
    /// `*`.
    Star,
    /// `#`.
    Pound,
    /// `A` to `D`, as 0 to 3.
    Letter(u8),
    /// The hook was pressed for a moment.
    Flash,
}

impl Key {
    /// The key of an event code; other events (tones, lines, relays) are none.
    pub const fn from_event(event: u8) -> Option<Self> {
        match event {
            0..=9 => Some(Self::Digit(event)),
            10 => Some(Self::Star),
            11 => Some(Self::Pound),
            12..=15 => Some(Self::Letter(event - 12)),
            16 => Some(Self::Flash),
            _ => None,
        }
    }

    /// The event code of the key.
    pub const fn event(self) -> u8 {
        match self {
            Self::Digit(digit) => digit,
            Self::Star => 10,
            Self::Pound => 11,
            Self::Letter(letter) => 12 + letter,
            Self::Flash => 16,
        }
    }

    /// The character on the key, `!` for a flash.
    pub const fn as_char(self) -> char {
        match self {
            Self::Digit(digit) => (b'0' + digit) as char,
            Self::Star => '*',
            Self::Pound => '#',
            Self::Letter(letter) => (b'A' + letter) as char,
            Self::Flash => '!',
        }
    }
}

/// The payload of a telephone-event packet (RFC 4733 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// What happened; 0 to 16 are keys.
    pub event: u8,
    /// Set in the packets that say the event is over.
    pub end: bool,
    /// Power of the tone in -dBm0, 0 (loud) to 63.
    pub volume: u8,
    /// Since the packet's timestamp, in ticks of the RTP clock.
    pub duration_ticks: u16,
}

impl TelephoneEvent {
    /// Reads the first event of a payload; `None` when it is too short. What follows it (RFC 4733 allows several events
    /// in a packet, no phone does it) is left alone.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [event, flags, high, low] = *payload.first_chunk::<4>()?;
        Some(Self {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3F,
            duration_ticks: u16::from_be_bytes([high, low]),
        })
    }

    /// The payload as it stands on the wire.
    pub fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.duration_ticks.to_be_bytes();
        [
            self.event,
            (u8::from(self.end) << 7) | (self.volume & 0x3F),
            high,
            low,
        ]
    }
}

/// A key that was pressed and let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPress {
    /// Which one.
    pub key: Key,
    /// For how long, in milliseconds.
    pub duration_ms: u32,
}

/// The press in progress on one stream, and what is needed not to report it twice.
#[derive(Clone, Debug, Default)]
pub struct DtmfReceiver {
    pressed: Option<Pressed>,
    last_reported: Option<u32>,
    output: Option<KeyPress>,
}

#[derive(Clone, Copy, Debug)]
struct Pressed {
    key: Key,
    /// RTP timestamp of the current segment.
    timestamp: u32,
    /// Ticks of segments already full (RFC 4733 §2.5.1.3).
    before: u32,
    duration_ticks: u16,
    last_heard: Duration,
}

impl Pressed {
    fn ticks(&self) -> u32 {
        self.before.saturating_add(u32::from(self.duration_ticks))
    }

    /// Whether a packet opens the next segment of the same long press.
    fn is_continued_by(&self, key: Key, timestamp: u32) -> bool {
        key == self.key
            && self.duration_ticks == u16::MAX
            && timestamp == self.timestamp.wrapping_add(u32::from(u16::MAX))
    }
}

impl DtmfReceiver {
    /// A receiver that has heard nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one telephone-event payload and the RTP timestamp it came with.
    ///
    /// Drain [`Self::poll_output`] afterwards: a packet can end one press at most.
    pub fn handle_packet(&mut self, now: Duration, timestamp: u32, payload: &[u8]) {
        let Some(event) = TelephoneEvent::parse(payload) else {
            return;
        };
        let Some(key) = Key::from_event(event.event) else {
            return;
        };
        if self.is_straggler(timestamp) {
            return;
        }
        match &mut self.pressed {
            Some(pressed) if pressed.timestamp == timestamp => {
                pressed.duration_ticks = pressed.duration_ticks.max(event.duration_ticks);
                pressed.last_heard = now;
            }
            Some(pressed) if pressed.is_continued_by(key, timestamp) => {
                pressed.before = pressed.ticks();
                pressed.timestamp = timestamp;
                pressed.duration_ticks = event.duration_ticks;
                pressed.last_heard = now;
            }
            // Another timestamp while a key is down: that key's end packets were lost.
            Some(_) => {
                self.report();
                self.press(now, key, timestamp, event.duration_ticks);
            }
            None => self.press(now, key, timestamp, event.duration_ticks),
        }
        // A press that both replaced another and ended at once is reported when its end comes again or by the timeout:
        // one packet, one report.
        if event.end && self.output.is_none() {
            self.report();
        }
    }

    /// Ends a press whose end packets were lost. Early or repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.report();
        }
    }

    /// The press that the last call ended, once.
    pub fn poll_output(&mut self) -> Option<KeyPress> {
        self.output.take()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.pressed
            .map(|pressed| pressed.last_heard.saturating_add(LOST_END))
    }

    /// Ends the press in progress and forgets the timestamps of the stream; for a new SSRC or source.
    pub fn reset(&mut self) {
        self.report();
        self.last_reported = None;
    }

    /// Whether the packet belongs to a press that is already reported or was overtaken by the one in progress.
    fn is_straggler(&self, timestamp: u32) -> bool {
        let behind = |newest: u32| newest.wrapping_sub(timestamp);
        self.last_reported
            .is_some_and(|reported| behind(reported) <= STRAGGLER_TICKS)
            || self
                .pressed
                .is_some_and(|pressed| (1..=STRAGGLER_TICKS).contains(&behind(pressed.timestamp)))
    }

    fn press(&mut self, now: Duration, key: Key, timestamp: u32, duration_ticks: u16) {
        self.pressed = Some(Pressed {
            key,
            timestamp,
            before: 0,
            duration_ticks,
            last_heard: now,
        });
    }

    fn report(&mut self) {
        let Some(pressed) = self.pressed.take() else {
            return;
        };
        let duration_ms = u64::from(pressed.ticks()) * 1000 / u64::from(TELEPHONE_EVENT_CLOCK_HZ);
        self.last_reported = Some(pressed.timestamp);
        // Less than 2^32 ticks of 125 us are less than 2^32 ms.
        self.output = Some(KeyPress {
            key: pressed.key,
            duration_ms: duration_ms as u32,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// `(milliseconds, timestamp, event, end, duration in ticks)`
    type Packet = (u64, u32, u8, bool, u16);

    /// `(name, packets, keys with their milliseconds)`
    type Row<'a> = (&'a str, &'a [Packet], &'a [(char, u32)]);

    /// Feeds packets, then lets a second pass.
    fn presses(packets: &[Packet]) -> Vec<(char, u32)> {
        let mut receiver = DtmfReceiver::new();
        let mut heard = Vec::new();
        for &(at_ms, timestamp, event, end, duration_ticks) in packets {
            let now = Duration::from_millis(at_ms);
            receiver.handle_timeout(now);
            heard.extend(receiver.poll_output());
            let payload = TelephoneEvent {
                event,
                end,
                volume: 10,
                duration_ticks,
            }
            .to_bytes();
            receiver.handle_packet(now, timestamp, &payload);
            heard.extend(receiver.poll_output());
        }
        receiver.handle_timeout(Duration::from_secs(3600));
        heard.extend(receiver.poll_output());
        assert_eq!(receiver.poll_timeout(), None);
        heard
            .into_iter()
            .map(|press| (press.key.as_char(), press.duration_ms))
            .collect()
    }

    #[test]
    fn packets_become_presses() {
        let table: &[Row<'_>] = &[
            (
                "one press, its end three times",
                &[
                    (0, 800, 5, false, 160),
                    (20, 800, 5, false, 320),
                    (40, 800, 5, true, 480),
                    (40, 800, 5, true, 480),
                    (40, 800, 5, true, 480),
                ],
                &[('5', 60)],
            ),
            (
                "only the last end arrives",
                &[(40, 800, 11, true, 480)],
                &[('#', 60)],
            ),
            (
                "all ends lost",
                &[(0, 800, 1, false, 160), (50, 800, 1, false, 560)],
                &[('1', 70)],
            ),
            (
                "ends lost, next key follows",
                &[
                    (0, 800, 1, false, 400),
                    (100, 1600, 2, false, 160),
                    (150, 1600, 2, true, 400),
                ],
                &[('1', 50), ('2', 50)],
            ),
            (
                "the same key twice",
                &[(0, 800, 7, true, 400), (100, 1600, 7, true, 400)],
                &[('7', 50), ('7', 50)],
            ),
            (
                "an update after the end",
                &[(0, 800, 9, true, 480), (1, 800, 9, false, 320)],
                &[('9', 60)],
            ),
            (
                "an end late, after the next key began",
                &[
                    (0, 800, 1, false, 400),
                    (90, 1600, 2, false, 160),
                    (95, 800, 1, true, 480),
                    (120, 1600, 2, true, 400),
                ],
                &[('1', 50), ('2', 50)],
            ),
            (
                "durations out of order",
                &[
                    (0, 800, 3, false, 480),
                    (5, 800, 3, false, 320),
                    (30, 800, 3, true, 640),
                ],
                &[('3', 80)],
            ),
            (
                "timestamps wrap",
                &[
                    (0, u32::MAX - 100, 10, true, 400),
                    (100, 700, 12, true, 400),
                ],
                &[('*', 50), ('A', 50)],
            ),
            (
                "the clock jumps back far",
                &[(0, 4_000_000, 1, true, 400), (500, 100, 2, true, 400)],
                &[('1', 50), ('2', 50)],
            ),
            ("a flash", &[(0, 800, 16, true, 800)], &[('!', 100)]),
            (
                "events that are no keys",
                &[(0, 800, 32, true, 800), (100, 1600, 255, true, 800)],
                &[],
            ),
        ];
        for (name, packets, expected) in table {
            assert_eq!(presses(packets), *expected, "{name}");
        }
    }

    /// RFC 4733 §2.5.1.3: the duration is full after 8.2 seconds, a second segment follows.
    #[test]
    fn a_long_press_in_two_segments_is_one() {
        let first =
            (1..=163_u32).map(|step| (u64::from(step) * 50, 0, 4, false, (step * 400) as u16));
        let full = [(8192, 0, 4, false, u16::MAX)];
        let second = (1..=20_u32).map(|step| {
            (
                8192 + u64::from(step) * 50,
                65_535,
                4,
                step == 20,
                (step * 400) as u16,
            )
        });
        let late = [(9250, 0, 4, false, 65_200)];
        let packets: Vec<Packet> = first.chain(full).chain(second).chain(late).collect();
        assert_eq!(presses(&packets), [('4', (65_535 + 8000) / 8)]);
    }

    #[test]
    fn a_lost_end_is_noticed_at_its_deadline_and_no_sooner() {
        let mut receiver = DtmfReceiver::new();
        let at = Duration::from_secs(9);
        receiver.handle_packet(at, 800, &[1, 10, 0, 160]);
        let deadline = receiver.poll_timeout().unwrap();
        assert_eq!(deadline, at + LOST_END);
        receiver.handle_timeout(deadline - Duration::from_micros(1));
        assert_eq!(receiver.poll_output(), None);
        receiver.handle_timeout(deadline);
        assert_eq!(
            receiver.poll_output(),
            Some(KeyPress {
                key: Key::Digit(1),
                duration_ms: 20
            })
        );
        receiver.handle_timeout(deadline);
        assert_eq!(receiver.poll_output(), None);
    }

    #[test]
    fn a_new_source_may_reuse_a_timestamp() {
        let mut receiver = DtmfReceiver::new();
        receiver.handle_packet(Duration::ZERO, 800, &[1, 0x8A, 0, 160]);
        assert!(receiver.poll_output().is_some());
        receiver.reset();
        receiver.handle_packet(Duration::ZERO, 800, &[1, 0x8A, 0, 160]);
        assert!(receiver.poll_output().is_some());
    }

    #[test]
    fn keys_and_events_are_one_to_one() {
        for (event, character) in "0123456789*#ABCD!".chars().enumerate() {
            let key = Key::from_event(event as u8).unwrap();
            assert_eq!((key.event(), key.as_char()), (event as u8, character));
        }
        assert_eq!(Key::from_event(17), None);
    }

    proptest! {
        #[test]
        fn parse_undoes_print(event: u8, end: bool, volume in 0..64_u8, duration_ticks: u16) {
            let telephone_event = TelephoneEvent { event, end, volume, duration_ticks };
            prop_assert_eq!(TelephoneEvent::parse(&telephone_event.to_bytes()), Some(telephone_event));
        }

        #[test]
        fn no_bytes_panic(packets in prop::collection::vec((0..10_000_u64, any::<u32>(), prop::collection::vec(any::<u8>(), 0..6)), 0..40)) {
            let mut receiver = DtmfReceiver::new();
            for (at_ms, timestamp, payload) in packets {
                receiver.handle_packet(Duration::from_millis(at_ms), timestamp, &payload);
                receiver.handle_timeout(Duration::from_millis(at_ms + 100));
                receiver.poll_output();
            }
        }

        /// Whatever is lost or doubled, a press with at least one packet left is heard once.
        #[test]
        fn loss_and_doubling_give_one_press_each(keys in prop::collection::vec((0..16_u8, prop::collection::vec(0..4_usize, 8)), 1..6)) {
            let mut packets = Vec::new();
            let mut expected = Vec::new();
            for (index, (event, copies)) in keys.iter().enumerate() {
                let base = index as u64 * 300;
                for (step, copies) in copies.iter().enumerate() {
                    let packet = (base + step as u64 * 20, index as u32 * 2400, *event, step >= 5, 160 * (step.min(5) as u16 + 1));
                    packets.extend(core::iter::repeat_n(packet, copies % 3));
                }
                if copies.iter().any(|copies| copies % 3 > 0) {
                    expected.push(Key::from_event(*event).unwrap().as_char());
                }
            }
            let heard: Vec<char> = presses(&packets).into_iter().map(|(key, _)| key).collect();
            prop_assert_eq!(heard, expected);
        }
    }
}
