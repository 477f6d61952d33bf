//! WAV files, read into what telephones hear: 16-bit samples, 8000 Hz, mono.
//!
//! Takes 8-, 16- and 24-bit PCM, A-law and mu-law, one or two channels (two are averaged), the usual sampling rates. Other
//! files are refused by name, so that whoever uploaded one knows what to change.

use crate::codec::Codec;
use crate::resample::resample_to_8000;
use alloc::vec::Vec;
use core::time::Duration;

/// The largest file looked at: 20 MB.
pub const MAX_BYTES: usize = 20_000_000;

/// The longest sound taken, in seconds: half an hour.
pub const MAX_SECONDS: usize = 1800;

/// The sampling rates taken, in Hz. Each has a small ratio to 8000.
pub const RATES_HZ: [u32; 8] = [8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WavFault {
    /// Larger than [`MAX_BYTES`].
    #[error("the file has {0} bytes, more than {MAX_BYTES}")]
    TooLarge(usize),
    /// Begins as files of another kind do, which is named.
    #[error("this is {0}, which is not read yet, save it as WAV with 16-bit PCM")]
    OtherKind(&'static str),
    /// No `RIFF ... WAVE` at its beginning.
    #[error("this is no WAV file, save the sound as WAV with 16-bit PCM")]
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
    /// PCM of another width than 8, 16 or 24 bits, or a law not of 8 bits.
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

impl WavFault {
    /// Whether the file is of another kind than those read here, rather than one of them with something wrong in it.
    pub const fn is_other_kind(self) -> bool {
        match self {
            Self::OtherKind(_) | Self::NotWav | Self::Format(_) => true,
            Self::TooLarge(_)
            | Self::Truncated
            | Self::NoFormat
            | Self::Bits(_)
            | Self::Channels(_)
            | Self::Rate(_)
            | Self::Silent
            | Self::TooLong => false,
        }
    }
}

/// What a WAV file says of its sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Samples in a second.
    pub rate_hz: u32,
    /// 1 or 2.
    pub channels: u16,
    /// Samples of one channel.
    pub samples: usize,
}

impl Description {
    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        // At most `MAX_BYTES` samples, so the product is far from the end of the numbers.
        Duration::from_micros(self.samples as u64 * 1_000_000 / u64::from(self.rate_hz.max(1)))
    }
}

/// Says what a file holds, and finds what is wrong with it, without reading its samples.
///
/// # Errors
/// What is wrong with the file, see [`WavFault`].
pub fn describe(bytes: &[u8]) -> Result<Description, WavFault> {
    checked(bytes).map(|(_, _, description)| description)
}

/// Reads a WAV file into samples of 8000 Hz mono.
///
/// A data chunk that claims more than the file holds is read to the end of the file: programs that were stopped while
/// recording leave such files behind.
///
/// # Errors
/// What is wrong with the file, see [`WavFault`].
pub fn read(bytes: &[u8]) -> Result<Vec<i16>, WavFault> {
    let (format, data, _) = checked(bytes)?;
    Ok(resample_to_8000(format.mono_samples(data), format.rate_hz))
}

/// The format and the sound of a file that can be played.
fn checked(bytes: &[u8]) -> Result<(Format, &[u8], Description), WavFault> {
    if bytes.len() > MAX_BYTES {
        return Err(WavFault::TooLarge(bytes.len()));
    }
    let (format, data) = chunks(bytes)?;
    let samples = data.len() / (format.encoding.bytes_per_sample() * format.channels);
    if samples == 0 {
        return Err(WavFault::Silent);
    }
    if samples > MAX_SECONDS * format.rate_hz as usize {
        return Err(WavFault::TooLong);
    }
    let description = Description {
        rate_hz: format.rate_hz,
        // One or two.
        channels: format.channels as u16,
        samples,
    };
    Ok((format, data, description))
}

/// The kind of a file by its first bytes, as far as people are likely to upload it.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [b'I', b'D', b'3', ..] => Some("an MP3 file"),
        // The sync word of MPEG audio: eleven bits, then a layer that is not reserved.
        [0xFF, second, ..] if second & 0xE0 == 0xE0 && second & 0x06 != 0 => Some("an MP3 file"),
        [b'O', b'g', b'g', b'S', ..] => Some("an Ogg file"),
        [b'f', b'L', b'a', b'C', ..] => Some("a FLAC file"),
        [b'F', b'O', b'R', b'M', ..] => Some("an AIFF file"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("an MP4 file"),
        _ => None,
    }
}

/// Finds the format and the sound among the chunks of the file; others (names, cue points) are passed over.
fn chunks(bytes: &[u8]) -> Result<(Format, &[u8]), WavFault> {
    let (Some(b"RIFF"), Some(b"WAVE")) = (bytes.get(..4), bytes.get(8..12)) else {
        return Err(other_kind(bytes).map_or(WavFault::NotWav, WavFault::OtherKind));
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
    Pcm24,
    Law(Codec),
}

impl Encoding {
    const fn bytes_per_sample(self) -> usize {
        match self {
            Self::Pcm16 => 2,
            Self::Pcm24 => 3,
            Self::Pcm8 | Self::Law(_) => 1,
        }
    }

    fn sample(self, bytes: &[u8]) -> i16 {
        match (self, bytes) {
            (Self::Pcm16, &[low, high, ..]) => i16::from_le_bytes([low, high]),
            // The lowest of three bytes is far below what a telephone carries.
            (Self::Pcm24, &[_, middle, high, ..]) => i16::from_le_bytes([middle, high]),
            (Self::Pcm8, &[byte, ..]) => (i16::from(byte) - 128) << 8,
            (Self::Law(codec), &[byte, ..]) => codec.decode(byte),
            (Self::Pcm24 | Self::Pcm16 | Self::Pcm8 | Self::Law(_), _) => 0,
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
            (1, 24) => Encoding::Pcm24,
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
            (
                "24-bit",
                wav(
                    1,
                    1,
                    8000,
                    24,
                    &[9, 0x34, 0x12, 0, 0, 0x80, 0xFF, 0xFF, 0xFF],
                ),
                &[0x1234, i16::MIN, -1],
            ),
            (
                "24-bit stereo is averaged",
                wav(1, 2, 8000, 24, &[0, 100, 0, 0, 200, 0]),
                &[150],
            ),
            ("mu-law", wav(7, 1, 8000, 8, &[0xFF, 0x80]), &[0, 32_124]),
            (
                "mu-law stereo is averaged",
                wav(7, 2, 8000, 8, &[0xFF, 0x80]),
                &[16_062],
            ),
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
            ("a text", b"RIFFraff and so on".to_vec(), WavFault::NotWav),
            (
                "an MP3",
                b"ID3\x04and so on and so on".to_vec(),
                WavFault::OtherKind("an MP3 file"),
            ),
            (
                "an MP3 without tags",
                b"\xFF\xFB\x90\x64and so on".to_vec(),
                WavFault::OtherKind("an MP3 file"),
            ),
            (
                "an Ogg file",
                b"OggS\0\x02and so on".to_vec(),
                WavFault::OtherKind("an Ogg file"),
            ),
            (
                "a FLAC file",
                b"fLaC\0\0\0\x22and so on".to_vec(),
                WavFault::OtherKind("a FLAC file"),
            ),
            (
                "an M4A file",
                b"\0\0\0\x20ftypM4A and so on".to_vec(),
                WavFault::OtherKind("an MP4 file"),
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
            ("32-bit", wav(1, 1, 8000, 32, &[0; 4]), WavFault::Bits(32)),
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
                "half an hour and a sample",
                wav(7, 1, 8000, 8, &alloc::vec![0; 14_400_001]),
                WavFault::TooLong,
            ),
            (
                "more than 20 MB",
                wav(1, 1, 48_000, 24, &alloc::vec![0; 20_000_000]),
                WavFault::TooLarge(20_000_044),
            ),
        ];
        for (name, file, expected) in table {
            assert_eq!(read(&file), Err(expected), "{name}");
            assert_eq!(describe(&file), Err(expected), "{name}");
        }
    }

    #[test]
    fn another_kind_of_file_is_told_from_one_with_a_fault() {
        for (fault, expected) in [
            (WavFault::OtherKind("an MP3 file"), true),
            (WavFault::NotWav, true),
            (WavFault::Format(3), true),
            (WavFault::Bits(12), false),
            (WavFault::Rate(1), false),
            (WavFault::Silent, false),
            (WavFault::TooLong, false),
        ] {
            assert_eq!(fault.is_other_kind(), expected, "{fault}");
        }
    }

    #[test]
    fn files_are_described() {
        let stereo = wav(1, 2, 44_100, 24, &[0; 6 * 22_050]);
        let described = describe(&stereo).unwrap();
        let expected = Description {
            rate_hz: 44_100,
            channels: 2,
            samples: 22_050,
        };
        assert_eq!(described, expected);
        assert_eq!(described.duration(), Duration::from_millis(500));
        let half_an_hour = wav(7, 1, 8000, 8, &alloc::vec![0; 14_400_000]);
        assert_eq!(
            describe(&half_an_hour).map(|found| found.duration().as_secs()),
            Ok(1800)
        );
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
