//! Playing a clip to one leg, and the beat all players of a worker share.
//!
//! A player is a cursor into frames that were encoded when the clip was loaded and are shared by all who listen. It
//! counts like any source of RTP, from 0; [`Outgoing`](crate::outgoing::Outgoing) makes that fit. The [`Beat`] comes
//! every 20 ms while somebody listens and never otherwise, so that one wake serves all listeners.

use alloc::sync::Arc;
use core::time::Duration;

use crate::clip::{Clip, Frame};
use crate::codec::{Codec, FRAME_MS, FRAME_SAMPLES};
use crate::outgoing::Place;

const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);

/// Beats made up for after a stall; the rest is skipped, as a peer's jitter buffer would throw it away.
const LATE_BEATS_MAX: u32 = 5;

/// The cursor of one listener.
#[derive(Debug, Clone)]
pub struct Player {
    clip: Arc<Clip>,
    repeat: bool,
    /// Frames played, also across repeats.
    played: u32,
    index: usize,
}

impl Player {
    /// Starts at the beginning of the clip.
    pub fn new(clip: Arc<Clip>, repeat: bool) -> Self {
        Self {
            clip,
            repeat,
            played: 0,
            index: 0,
        }
    }

    /// Whether it starts over at the end.
    pub fn repeats(&self) -> bool {
        self.repeat
    }

    /// Whether it plays this very clip.
    pub fn plays(&self, clip: &Arc<Clip>) -> bool {
        Arc::ptr_eq(&self.clip, clip)
    }

    /// Goes on where it stopped, as a source that counts from 0.
    #[must_use]
    pub fn resumed(self) -> Self {
        Self { played: 0, ..self }
    }

    /// The next frame and its place in the clip's own count; `None` at the end.
    pub fn next_frame(&mut self, codec: Codec) -> Option<(&Frame, Place)> {
        if self.repeat && self.index >= self.clip.frame_count() {
            self.index = 0;
        }
        let frame = self.clip.frame(codec, self.index)?;
        let place = Place {
            // Cuts on purpose: the numbers of RTP wrap.
            sequence: self.played as u16,
            timestamp: self.played.wrapping_mul(FRAME_SAMPLES as u32),
            marker: self.played == 0,
        };
        self.index += 1;
        self.played = self.played.wrapping_add(1);
        Some((frame, place))
    }
}

/// A beat every 20 ms from when it was started until it is stopped.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beat {
    next: Option<Duration>,
}

impl Beat {
    /// Makes sure it beats; the first beat is due at once.
    pub fn start(&mut self, now: Duration) {
        self.next.get_or_insert(now);
    }

    /// No more beats.
    pub fn stop(&mut self) {
        self.next = None;
    }

    /// How many beats are due by `now`; each is reported once.
    pub fn due(&mut self, now: Duration) -> u32 {
        let Some(mut next) = self.next else { return 0 };
        let mut beats = 0;
        while next <= now && beats < LATE_BEATS_MAX {
            next += FRAME;
            beats += 1;
        }
        if next <= now {
            next = now + FRAME;
        }
        self.next = Some(next);
        beats
    }

    /// When the next beat is.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn clip(frames: usize) -> Arc<Clip> {
        let samples: Vec<i16> = (0..frames)
            .flat_map(|n| [(n as i16 + 1) * 1000; FRAME_SAMPLES])
            .collect();
        Arc::new(Clip::from_samples(&samples))
    }

    fn heard(player: &mut Player, codec: Codec, count: usize) -> Vec<i16> {
        let next = |_| {
            player
                .next_frame(codec)
                .map(|(frame, _)| (codec.decode(frame[0]) + 200) / 1000)
        };
        (0..count).map_while(next).collect()
    }

    #[test]
    fn plays_to_the_end_or_round_and_round() {
        let table = [
            ("once", 3, false, alloc::vec![1, 2, 3]),
            ("repeated", 2, true, alloc::vec![1, 2, 1, 2, 1]),
            ("empty", 0, false, alloc::vec![]),
            ("empty, repeated", 0, true, alloc::vec![]),
        ];
        for (name, frames, repeat, expected) in table {
            let mut player = Player::new(clip(frames), repeat);
            assert_eq!(heard(&mut player, Codec::Pcma, 5), expected, "{name}");
        }
    }

    #[test]
    fn counts_on_across_the_repeat() {
        let mut player = Player::new(clip(2), true);
        let mut place = || player.next_frame(Codec::Pcmu).map(|(_, place)| place);
        assert_eq!(
            place(),
            Some(Place {
                sequence: 0,
                timestamp: 0,
                marker: true
            })
        );
        assert_eq!(
            place(),
            Some(Place {
                sequence: 1,
                timestamp: 160,
                marker: false
            })
        );
        assert_eq!(
            place(),
            Some(Place {
                sequence: 2,
                timestamp: 320,
                marker: false
            })
        );
    }

    #[test]
    fn goes_on_where_it_stopped_and_counts_anew() {
        let mut player = Player::new(clip(3), true);
        assert_eq!(heard(&mut player, Codec::Pcma, 2), [1, 2]);
        let mut player = player.resumed();
        let first = player
            .next_frame(Codec::Pcma)
            .map(|(_, place)| place.sequence);
        assert_eq!(first, Some(0));
        assert_eq!(heard(&mut player, Codec::Pcma, 2), [1, 2]);
    }

    #[test]
    fn listeners_share_the_frames() {
        let clip = clip(1);
        let (mut one, mut other) = (Player::new(clip.clone(), false), Player::new(clip, false));
        let frame = one
            .next_frame(Codec::Pcmu)
            .map(|(frame, _)| core::ptr::from_ref(frame));
        assert_eq!(
            frame,
            other
                .next_frame(Codec::Pcmu)
                .map(|(frame, _)| core::ptr::from_ref(frame))
        );
    }

    #[test]
    fn beats_every_twenty_milliseconds_and_gives_up_on_the_long_past() {
        let at = |ms| Duration::from_secs(9) + Duration::from_millis(ms);
        let mut beat = Beat::default();
        assert_eq!((beat.due(at(0)), beat.poll_timeout()), (0, None));
        beat.start(at(0));
        let due: Vec<_> = [0, 1, 19, 20, 59, 60, 300, 301, 320]
            .map(|ms| beat.due(at(ms)))
            .into();
        assert_eq!(due, [1, 0, 0, 1, 1, 1, 5, 0, 1]);
        assert_eq!(beat.poll_timeout(), Some(at(340)));
        beat.start(at(330));
        assert_eq!(
            beat.poll_timeout(),
            Some(at(340)),
            "a second listener joins the beat"
        );
        beat.stop();
        assert_eq!(beat.due(at(1_000)), 0);
    }
}
