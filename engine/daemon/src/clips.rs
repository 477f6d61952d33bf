//! The sounds that come with the program, among them the ringing tone. Those that are uploaded stand in [`crate::prompts`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use media::clip::Clip;
use media::control::ClipId;
use media_io::MediaSender;

/// The name of the tone a caller hears while a phone rings.
const RINGBACK: &str = "ringback";
/// Of the ringing tone, as in most of Europe (ETSI TR 101 041): 425 Hz, one second in five.
const TONE_HZ: f64 = 425.0;
const TONE_SAMPLES: usize = SAMPLE_RATE_HZ;
const RINGBACK_SAMPLES: usize = 5 * SAMPLE_RATE_HZ;
const SAMPLE_RATE_HZ: usize = 8_000;
/// About -13 dBm0.
const TONE_AMPLITUDE: f64 = 7_000.0;

/// One of them.
pub(crate) struct BuiltIn {
    pub(crate) name: &'static str,
    /// A WAV file.
    pub(crate) wav: Cow<'static, [u8]>,
}

/// All of them.
pub(crate) fn built_in() -> impl Iterator<Item = BuiltIn> {
    let assets = media::assets::all().map(|asset| BuiltIn {
        name: asset.name,
        wav: Cow::Borrowed(asset.wav),
    });
    let tone = BuiltIn {
        name: RINGBACK,
        wav: Cow::Owned(wav_file(&ringback())),
    };
    assets.chain([tone])
}

/// Hands all clips to all media threads; their ids by name, for the engine.
pub(crate) fn load(media: &MediaSender) -> anyhow::Result<BTreeMap<String, ClipId>> {
    let mut ids = BTreeMap::new();
    for (id, BuiltIn { name, wav }) in (1..).map(ClipId).zip(built_in()) {
        let clip = Clip::from_wav(&wav).with_context(|| format!("the built-in sound {name}"))?;
        media
            .add_clip(id, &Arc::new(clip))
            .with_context(|| format!("the sound {name}"))?;
        ids.insert(name.to_owned(), id);
    }
    Ok(ids)
}

/// 16-bit PCM, mono, at [`SAMPLE_RATE_HZ`].
fn wav_file(samples: &[i16]) -> Vec<u8> {
    // Our own tones are seconds long.
    let (rate, length) = (SAMPLE_RATE_HZ as u32, 2 * samples.len() as u32);
    let mut file = b"RIFF".to_vec();
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(rate.to_le_bytes());
    file.extend((2 * rate).to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(length.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

fn ringback() -> Vec<i16> {
    let sample = |index: usize| {
        // Below 2^15 by the amplitude, so nothing is cut.
        let turns = TONE_HZ * index as f64 / SAMPLE_RATE_HZ as f64;
        (TONE_AMPLITUDE * libm::sin(turns * core::f64::consts::TAU)) as i16
    };
    let mut samples: Vec<i16> = (0..TONE_SAMPLES).map(sample).collect();
    samples.resize(RINGBACK_SAMPLES, 0);
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_ringing_tone_is_the_tone() {
        let tone = built_in().find(|ours| ours.name == RINGBACK).unwrap();
        assert_eq!(media::wav::read(&tone.wav), Ok(ringback()));
    }

    #[test]
    fn the_ringing_tone_sounds_one_second_in_five_at_425_hz() {
        let samples = ringback();
        assert_eq!(samples.len(), 40_000);
        let (tone, silence) = samples.split_at(8_000);
        let rises = tone
            .windows(2)
            .filter(|pair| pair[0] <= 0 && pair[1] > 0)
            .count();
        assert_eq!(rises, 425);
        assert!(silence.iter().all(|sample| *sample == 0));
    }
}
