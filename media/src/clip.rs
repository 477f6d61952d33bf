//! A sound ready to be sent: cut into packets and encoded once for every codec.
//!
//! Made when a prompt or a piece of music is loaded, then shared (`Arc<Clip>`) by everyone who listens. Who has heard
//! how much of it belongs to [`crate::player`].

use crate::codec::{Codec, FRAME_MS, FRAME_SAMPLES};
use crate::wav::{self, WavFault};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

/// The payload of one packet: 20 ms of either law.
pub type Frame = [u8; FRAME_SAMPLES];

/// A sound at 8000 Hz, mono, as packets of 20 ms for each [`Codec`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    pcmu: Box<[Frame]>,
    pcma: Box<[Frame]>,
}

impl Clip {
    /// Cuts and encodes samples of 8000 Hz mono. What is missing of the last packet becomes silence.
    pub fn from_samples(samples: &[i16]) -> Self {
        Self {
            pcmu: encode(samples, Codec::Pcmu),
            pcma: encode(samples, Codec::Pcma),
        }
    }

    /// Reads a WAV file in any of the forms [`wav::read`] knows.
    ///
    /// # Errors
    /// Whatever is wrong with the file, see [`WavFault`].
    pub fn from_wav(bytes: &[u8]) -> Result<Self, WavFault> {
        Ok(Self::from_samples(&wav::read(bytes)?))
    }

    /// Packet `index` of the sound, or `None` after its end.
    pub fn frame(&self, codec: Codec, index: usize) -> Option<&Frame> {
        self.frames(codec).get(index)
    }

    /// All packets in order.
    pub fn frames(&self, codec: Codec) -> &[Frame] {
        match codec {
            Codec::Pcmu => &self.pcmu,
            Codec::Pcma => &self.pcma,
        }
    }

    /// How many packets there are, the same for every codec.
    pub fn frame_count(&self) -> usize {
        self.pcmu.len()
    }

    /// How long the sound lasts, in whole packets.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.frame_count() as u64 * u64::from(FRAME_MS))
    }
}

fn encode(samples: &[i16], codec: Codec) -> Box<[Frame]> {
    let frame = |chunk: &[i16]| {
        let mut frame = [codec.silence(); FRAME_SAMPLES];
        for (byte, sample) in frame.iter_mut().zip(chunk) {
            *byte = codec.encode(*sample);
        }
        frame
    };
    samples
        .chunks(FRAME_SAMPLES)
        .map(frame)
        .collect::<Vec<_>>()
        .into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_become_whole_frames() {
        for (name, samples, frames) in [
            ("nothing", 0, 0),
            ("one sample", 1, 1),
            ("one frame", 160, 1),
            ("one more", 161, 2),
        ] {
            let clip = Clip::from_samples(&alloc::vec![1000; samples]);
            assert_eq!(clip.frame_count(), frames, "{name}");
            assert_eq!(
                clip.duration(),
                Duration::from_millis(20 * frames as u64),
                "{name}"
            );
            assert!(clip.frame(Codec::Pcma, frames).is_none(), "{name}");
        }
    }

    #[test]
    fn each_codec_hears_the_same_sound_and_silence_after_it() {
        let clip = Clip::from_samples(&[8000, -8000]);
        for codec in Codec::ALL {
            let frame = clip.frame(codec, 0).unwrap();
            assert!(codec.decode(frame[0]).abs_diff(8000) < 200, "{codec:?}");
            assert!(codec.decode(frame[1]).abs_diff(-8000) < 200, "{codec:?}");
            assert!(
                frame[2..].iter().all(|byte| *byte == codec.silence()),
                "{codec:?}"
            );
        }
    }
}
