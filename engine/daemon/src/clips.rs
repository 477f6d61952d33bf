//! The sounds the media threads hold: those that come with the program, and the ringing tone.

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

/// Hands all clips to all media threads; their ids by name, for the engine.
pub(crate) fn load(media: &MediaSender) -> anyhow::Result<BTreeMap<String, ClipId>> {
    let mut clips = Vec::new();
    for asset in media::assets::all() {
        let clip = asset
            .clip()
            .with_context(|| format!("the built-in sound {}", asset.name))?;
        clips.push((asset.name, clip));
    }
    clips.push((RINGBACK, Clip::from_samples(&ringback())));
    let mut ids = BTreeMap::new();
    for (id, (name, clip)) in (1..).map(ClipId).zip(clips) {
        media
            .add_clip(id, &Arc::new(clip))
            .with_context(|| format!("the sound {name}"))?;
        ids.insert(name.to_owned(), id);
    }
    Ok(ids)
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
