//! WAV files, read into what telephones hear: 16-bit samples, 8000 Hz, mono.
//!
//! Takes 8- and 16-bit PCM, A-law and mu-law, one or two channels (two are averaged), the usual sampling rates. Other
//! files are refused by name, so that whoever uploaded one knows what to change.

use crate::codec::Codec;
use crate::resample::resample_to_8000;
use alloc::vec::Vec;

/// The largest file looked at.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The longest sound taken, in seconds.
pub const MAX_SECONDS: usize = 600;

/// The sampling rates taken, in Hz. Each has a small ratio to 8000.
pub const RATES_HZ: [u32; 8] = [8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WavFault {
    /// Larger than [`MAX_BYTES`].
    #[error("the file has {0} bytes, more than {MAX_BYTES}")]
    TooLarge(usize),
    /// No `RIFF ... WAVE` at its beginning.
    #[error("this is no WAV file")]
    NotWav,
    /// Ends before its sound begins.
    #[error("the file ends before its sound begins")]
    Truncated,
    /// The sound comes before any `fmt ` chunk, or the chunk is too short.
    #[error("the file does not say what format its sound has")]
    NoFormat,
    /// A format tag other than PCM (1), A-law (6), mu-law (7).
    #[error("format {0:#06x} is not supported, save it as 16-bit PCM")]
    Format(u16),
    /// PCM of another width than 8 or 16 bits, or a law not of 8 bits.
    #[error("{0} bits per sample are not supported, save it with 16")]
    Bits(u16),
    /// Neither mono nor stereo.
    #[error("{0} channels are not supported, save it as mono")]
    Channels(u16),
    /// Not one of [`RATES_HZ`].
    #[error(
        "a sampling rate of {0} Hz is not supported, save it at 8000, 16000, 44100 or 48000 Hz"
    )]
    Rate(u32),
    /// Not a single sample.
    #[error("the file holds no sound")]
    Silent,
    /// Longer than [`MAX_SECONDS`].
    #[error("the sound is longer than {MAX_SECONDS} seconds")]
    TooLong,
}

/// Reads a WAV file into samples of 8000 Hz mono.
///
/// A data chunk that claims more than the file holds is read to the end of the file: programs that were stopped while
/// recording leave such files behind.
///
/// # Errors
/// What is wrong with the file, see [`WavFault`].
pub fn read(bytes: &[u8]) -> Result<Vec<i16>, WavFault> {
    if bytes.len() > MAX_BYTES {
        return Err(WavFault::TooLarge(bytes.len()));
    }
    let (format, data) = chunks(bytes)?;
    let samples = format.mono_samples(data);
    if samples.is_empty() {
        return Err(WavFault::Silent);
    }
    if samples.len() / MAX_SECONDS >= format.rate_hz as usize {
        return Err(WavFault::TooLong);
    }
    Ok(resample_to_8000(samples, format.rate_hz))
}

/// Finds the format and the sound among the chunks of the file; others (names, cue points) are passed over.
fn chunks(bytes: &[u8]) -> Result<(Format, &[u8]), WavFault> {
    let (Some(b"RIFF"), Some(b"WAVE")) = (bytes.get(..4), bytes.get(8..12)) else {
        return Err(WavFault::NotWav);
    };
    let mut rest = bytes.get(12..).unwrap_or_default();
    let mut format = None;
    loop {
        let (Some(name), Some(length)) = (rest.get(..4), rest.get(4..).and_then(u32_at_start))
        else {
            return Err(WavFault::Truncated);
        };
        let body = rest.get(8..).unwrap_or_default();
        let length = length as usize;
        match name {
            b"fmt " => {
                format = Some(Format::parse(
                    body.get(..length).ok_or(WavFault::Truncated)?,
                )?)
            }
            b"data" => {
                let format = format.ok_or(WavFault::NoFormat)?;
                return Ok((format, body.get(..length).unwrap_or(body)));
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        rest = body
            .get(length.saturating_add(length % 2)..)
            .unwrap_or_default();
    }
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    Pcm8,
    Pcm16,
    Law(Codec),
}

impl Encoding {
    const fn bytes_per_sample(self) -> usize {
        match self {
            Self::Pcm16 => 2,
            Self::Pcm8 | Self::Law(_) => 1,
        }
    }

    fn sample(self, bytes: &[u8]) -> i16 {
        match (self, bytes) {
            (Self::Pcm16, &[low, high, ..]) => i16::from_le_bytes([low, high]),
            (Self::Pcm8, &[byte, ..]) => (i16::from(byte) - 128) << 8,
            (Self::Law(codec), &[byte, ..]) => codec.decode(byte),
            (Self::Pcm16 | Self::Pcm8 | Self::Law(_), _) => 0,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Format {
    encoding: Encoding,
    channels: usize,
    rate_hz: u32,
}

impl Format {
    fn parse(chunk: &[u8]) -> Result<Self, WavFault> {
        let short = |at: usize| {
            chunk
                .get(at..)
                .and_then(u16_at_start)
                .ok_or(WavFault::NoFormat)
        };
        let tag = match short(0)? {
            // WAVE_FORMAT_EXTENSIBLE: the real tag starts the sub-format.
            0xFFFE => short(24)?,
            tag => tag,
        };
        let channels = short(2)?;
        let rate_hz = chunk
            .get(4..)
            .and_then(u32_at_start)
            .ok_or(WavFault::NoFormat)?;
        let encoding = match (tag, short(14)?) {
            (1, 8) => Encoding::Pcm8,
            (1, 16) => Encoding::Pcm16,
            (6, 8) => Encoding::Law(Codec::Pcma),
            (7, 8) => Encoding::Law(Codec::Pcmu),
            (1 | 6 | 7, bits) => return Err(WavFault::Bits(bits)),
            (tag, _) => return Err(WavFault::Format(tag)),
        };
        if !matches!(channels, 1 | 2) {
            return Err(WavFault::Channels(channels));
        }
        if !RATES_HZ.contains(&rate_hz) {
            return Err(WavFault::Rate(rate_hz));
        }
        Ok(Self {
            encoding,
            channels: usize::from(channels),
            rate_hz,
        })
    }

    /// The sound as one channel; a last sample cut short is dropped.
    fn mono_samples(self, data: &[u8]) -> Vec<i16> {
        let width = self.encoding.bytes_per_sample();
        let average = |moment: &[u8]| {
            let sum: i32 = moment
                .chunks_exact(width)
                .map(|bytes| i32::from(self.encoding.sample(bytes)))
                .sum();
            // The mean of at most two 16-bit samples fits into one.
            (sum / self.channels as i32) as i16
        };
        data.chunks_exact(width * self.channels)
            .map(average)
            .collect()
    }
}

fn u16_at_start(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at_start(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wav(tag: u16, channels: u16, rate_hz: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF....WAVEfmt ".to_vec();
        file.extend(16_u32.to_le_bytes());
        file.extend(tag.to_le_bytes());
        file.extend(channels.to_le_bytes());
        file.extend(rate_hz.to_le_bytes());
        file.extend((rate_hz * u32::from(channels) * u32::from(bits) / 8).to_le_bytes());
        file.extend((channels * bits / 8).to_le_bytes());
        file.extend(bits.to_le_bytes());
        file.extend(b"data");
        file.extend((data.len() as u32).to_le_bytes());
        file.extend(data);
        file
    }

    fn pcm(samples: &[i16]) -> Vec<u8> {
        samples
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect()
    }

    #[test]
    fn formats_become_samples() {
        let mut extensible = wav(0xFFFE, 1, 8000, 16, &[]);
        extensible.truncate(36);
        extensible[16] = 40;
        extensible.extend([22, 0, 16, 0, 4, 0, 0, 0, 1, 0]);
        extensible.extend([0; 14]);
        extensible.extend(b"data\x02\0\0\0\x34\x12");

        let mut listed = wav(1, 1, 8000, 16, &pcm(&[5]));
        // A chunk of odd length and its padding before the sound.
        listed.splice(36..36, *b"LIST\x03\0\0\0abc\0");

        let mut unfinished = wav(1, 1, 8000, 16, &pcm(&[7, 8]));
        unfinished[40..44].copy_from_slice(&u32::MAX.to_le_bytes());

        let table: &[(&str, Vec<u8>, &[i16])] = &[
            (
                "16-bit mono",
                wav(1, 1, 8000, 16, &pcm(&[1, -2, i16::MAX, i16::MIN])),
                &[1, -2, i16::MAX, i16::MIN],
            ),
            (
                "16-bit stereo is averaged",
                wav(1, 2, 8000, 16, &pcm(&[100, 300, i16::MIN, i16::MIN])),
                &[200, i16::MIN],
            ),
            (
                "8-bit",
                wav(1, 1, 8000, 8, &[0, 128, 255]),
                &[-32_768, 0, 32_512],
            ),
            ("mu-law", wav(7, 1, 8000, 8, &[0xFF, 0x80]), &[0, 32_124]),
            ("A-law", wav(6, 1, 8000, 8, &[0xD5, 0xAA]), &[8, 32_256]),
            ("extensible PCM", extensible, &[0x1234]),
            ("other chunks first", listed, &[5]),
            ("a data chunk never finished", unfinished, &[7, 8]),
            (
                "half a sample at the end",
                wav(1, 1, 8000, 16, &[1, 0, 9]),
                &[1],
            ),
        ];
        for (name, file, expected) in table {
            assert_eq!(read(file).as_deref(), Ok(*expected), "{name}");
        }
    }

    #[test]
    fn other_files_are_refused_by_name() {
        let good = wav(1, 1, 8000, 16, &pcm(&[1]));
        let mut no_format = good.clone();
        no_format.drain(12..36);
        let table = [
            ("empty", Vec::new(), WavFault::NotWav),
            (
                "an MP3",
                b"ID3\x04and so on and so on".to_vec(),
                WavFault::NotWav,
            ),
            ("only the header", good[..12].to_vec(), WavFault::Truncated),
            (
                "cut in the format",
                good[..30].to_vec(),
                WavFault::Truncated,
            ),
            ("no data chunk", good[..36].to_vec(), WavFault::Truncated),
            ("no format chunk", no_format, WavFault::NoFormat),
            (
                "floating point",
                wav(3, 1, 8000, 32, &[0; 4]),
                WavFault::Format(3),
            ),
            ("24-bit", wav(1, 1, 8000, 24, &[0; 3]), WavFault::Bits(24)),
            (
                "16-bit A-law",
                wav(6, 1, 8000, 16, &[0; 2]),
                WavFault::Bits(16),
            ),
            (
                "no channel",
                wav(1, 0, 8000, 16, &[0; 2]),
                WavFault::Channels(0),
            ),
            (
                "surround",
                wav(1, 6, 8000, 16, &[0; 12]),
                WavFault::Channels(6),
            ),
            (
                "96 kHz",
                wav(1, 1, 96_000, 16, &[0; 2]),
                WavFault::Rate(96_000),
            ),
            ("0 Hz", wav(1, 1, 0, 16, &[0; 2]), WavFault::Rate(0)),
            ("no samples", wav(1, 1, 8000, 16, &[]), WavFault::Silent),
            (
                "ten minutes and a sample",
                wav(7, 1, 8000, 8, &alloc::vec![0; 4_800_000]),
                WavFault::TooLong,
            ),
        ];
        for (name, file, expected) in table {
            assert_eq!(read(&file), Err(expected), "{name}");
        }
    }

    #[test]
    fn sounds_keep_their_length_and_level_at_8000_hz() {
        for rate_hz in RATES_HZ {
            // A second of 500 Hz, as a triangle so that the test needs no sine.
            let period = rate_hz as i32 / 500;
            let triangle =
                |index: i32| ((index % period - period / 2).abs() * 4 - period) * 10_000 / period;
            let samples: Vec<i16> = (0..rate_hz as i32)
                .map(|index| triangle(index) as i16)
                .collect();
            let heard = read(&wav(1, 1, rate_hz, 16, &pcm(&samples))).unwrap();
            assert_eq!(heard.len(), 8000, "{rate_hz} Hz");
            let loudest = heard
                .iter()
                .map(|sample| sample.unsigned_abs())
                .max()
                .unwrap();
            assert!(
                (8_000..11_500).contains(&loudest),
                "{rate_hz} Hz: {loudest}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(tag in 0..8_u16, channels in 0..4_u16, rate in 0..8_usize, bits in 0..33_u16, data: Vec<u8>, cut: usize, change: (usize, u8)) {
            let mut file = wav(tag, channels, RATES_HZ[rate], bits, &data);
            let length = file.len();
            file[change.0 % length] = change.1;
            file.truncate(cut % (length + 1));
            let _ = read(&file);
        }
    }
}
