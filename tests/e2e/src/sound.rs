//! What is heard and spoken: tones, and how much of a tone is in a sound.

use std::f64::consts::TAU;
use std::path::Path;

/// Samples in a second.
pub const RATE_HZ: u32 = 8_000;
/// Samples in a packet of 20 ms.
pub const FRAME: usize = 160;

/// Samples at 8 kHz.
#[derive(Debug, Clone, Default)]
pub struct Sound(pub Vec<i16>);

impl Sound {
    /// A sine.
    pub fn tone(hz: u32, seconds: u32) -> Self {
        let sample = |at: u32| {
            let angle = TAU * f64::from(hz) * f64::from(at) / f64::from(RATE_HZ);
            (8_000.0 * angle.sin()) as i16
        };
        Self((0..RATE_HZ * seconds).map(sample).collect())
    }

    /// What PCMU carried.
    pub fn of_pcmu<'a>(payloads: impl Iterator<Item = &'a [u8]>) -> Self {
        Self(
            payloads
                .flatten()
                .map(|&byte| media::g711::decode_mulaw(byte))
                .collect(),
        )
    }

    /// What stands in a WAV file of 16 bits, mono.
    ///
    /// # Panics
    ///
    /// When the file is not there.
    pub fn of_wav(path: &Path) -> Self {
        Self::of_wav_bytes(&std::fs::read(path).unwrap())
    }

    /// The same, of its bytes.
    pub fn of_wav_bytes(bytes: &[u8]) -> Self {
        let samples = bytes.get(44..).unwrap_or_default();
        Self(
            samples
                .chunks_exact(2)
                .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
                .collect(),
        )
    }

    /// As PCMU carries it, in whole packets.
    #[must_use]
    pub fn in_pcmu(&self) -> Self {
        let whole = self.0.chunks_exact(FRAME).flatten();
        let payload: Vec<u8> = whole
            .map(|&sample| media::g711::encode_mulaw(sample))
            .collect();
        Self::of_pcmu([payload.as_slice()].into_iter())
    }

    /// A WAV file of it.
    pub fn to_wav(&self) -> Vec<u8> {
        let data = u32::try_from(self.0.len() * 2).unwrap();
        let mut wav = Vec::new();
        wav.extend(b"RIFF");
        wav.extend((36 + data).to_le_bytes());
        wav.extend(b"WAVEfmt ");
        wav.extend(16_u32.to_le_bytes());
        for field in [1_u16, 1] {
            wav.extend(field.to_le_bytes());
        }
        wav.extend(RATE_HZ.to_le_bytes());
        wav.extend((RATE_HZ * 2).to_le_bytes());
        for field in [2_u16, 16] {
            wav.extend(field.to_le_bytes());
        }
        wav.extend(b"data");
        wav.extend(data.to_le_bytes());
        wav.extend(self.0.iter().flat_map(|sample| sample.to_le_bytes()));
        wav
    }

    /// Its length in seconds.
    pub fn seconds(&self) -> f64 {
        self.0.len() as f64 / f64::from(RATE_HZ)
    }

    /// Without so many seconds at its start and end, where sounds begin and cease.
    pub fn trimmed(&self, seconds: f64) -> Self {
        let off = (seconds * f64::from(RATE_HZ)) as usize;
        Self(
            self.0
                .get(off..self.0.len().saturating_sub(off))
                .unwrap_or_default()
                .to_vec(),
        )
    }

    /// Its loudness: the root of the mean square, 0 to 32767.
    pub fn loudness(&self) -> f64 {
        (self.energy() / self.0.len().max(1) as f64).sqrt()
    }

    /// Which part of its energy is a sine of that frequency, 0 to 1 (Goertzel).
    ///
    /// Measured over tenths of seconds, so that a gap or a slip in between costs only what it takes.
    pub fn share_of(&self, hz: u32) -> f64 {
        let energy = self.energy();
        if energy == 0.0 {
            return 0.0;
        }
        let at_hz: f64 = self
            .0
            .chunks(RATE_HZ as usize / 10)
            .map(|part| goertzel(part, hz))
            .sum();
        at_hz / energy
    }

    fn energy(&self) -> f64 {
        self.0.iter().map(|&sample| f64::from(sample).powi(2)).sum()
    }
}

/// The energy of the sine of that frequency.
fn goertzel(samples: &[i16], hz: u32) -> f64 {
    let coefficient = 2.0 * (TAU * f64::from(hz) / f64::from(RATE_HZ)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for &sample in samples {
        let now = f64::from(sample) + coefficient * last - before;
        (before, last) = (last, now);
    }
    let power = last * last + before * before - coefficient * last * before;
    power * 2.0 / samples.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_told_from_another_and_from_silence() {
        let low = Sound::tone(440, 2);
        assert!(low.share_of(440) > 0.99 && low.share_of(1_000) < 0.01);
        let both = Sound(
            low.0
                .iter()
                .zip(Sound::tone(1_000, 2).0)
                .map(|(a, b)| (a + b) / 2)
                .collect(),
        );
        for hz in [440, 1_000] {
            let share = both.share_of(hz);
            assert!((0.49..0.51).contains(&share), "{hz}: {share}");
        }
        assert_eq!(Sound(vec![0; 800]).share_of(440), 0.0);
        assert!((low.loudness() - 8_000.0 / 2.0_f64.sqrt()).abs() < 50.0);
    }

    #[test]
    fn a_wav_file_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tone.wav");
        std::fs::write(&path, Sound::tone(440, 1).to_wav()).unwrap();
        assert_eq!(Sound::of_wav(&path).0, Sound::tone(440, 1).0);
    }
}
