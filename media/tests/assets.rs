//! The committed sounds are what their README says: made here, readable, of the right length and level.

#[path = "../examples/make_music/music.rs"]
mod music;

use media::assets::{MUSIC, PROMPTS, SILENCE, WORDS, all};
use media::codec::{Codec, FRAME_SAMPLES};
use media::wav;
use std::time::Duration;

#[test]
fn the_music_is_what_its_program_makes() {
    assert!(
        music::wav_file() == MUSIC.wav,
        "media/assets/default.wav differs: run the example make_music again"
    );
}

#[test]
fn every_sound_is_speech_loud_and_small() {
    for asset in all().filter(|asset| asset.name != SILENCE.name) {
        assert!(asset.wav.len() < 1_000_000, "{}", asset.name);
        let samples = wav::read(asset.wav).unwrap();
        let loudest = samples
            .iter()
            .map(|sample| sample.unsigned_abs())
            .max()
            .unwrap();
        assert!(
            (8_000..20_000).contains(&loudest),
            "{}: {loudest}",
            asset.name
        );
        let power: f64 = samples
            .iter()
            .map(|sample| f64::from(*sample).powi(2))
            .sum::<f64>()
            / samples.len() as f64;
        // Between -30 and -16 dB of full scale.
        assert!(
            (1_000.0..5_200.0).contains(&power.sqrt()),
            "{}: {}",
            asset.name,
            power.sqrt()
        );
    }
}

#[test]
fn silence_is_a_second_without_a_sound() {
    let samples = wav::read(SILENCE.wav).unwrap();
    assert!(samples.len() == 8_000 && samples.iter().all(|sample| *sample == 0));
    assert!(all().any(|asset| asset.name == SILENCE.name));
}

#[test]
fn prompts_are_whole_sentences_and_words_begin_and_end_with_sound() {
    for asset in PROMPTS {
        let length = asset.clip().unwrap().duration();
        assert!(length > Duration::from_secs(3), "{}", asset.name);
    }
    for asset in WORDS {
        let samples = wav::read(asset.wav).unwrap();
        let is_loud = |sample: &i16| sample.unsigned_abs() > 200;
        let first = samples.iter().position(is_loud).unwrap();
        let last = samples.iter().rposition(is_loud).unwrap();
        assert!(first < 8 * 60, "{}: {first}", asset.name);
        assert!(samples.len() - last < 8 * 150, "{}", asset.name);
        let length = asset.clip().unwrap().duration();
        assert!(length > Duration::from_millis(200), "{}", asset.name);
    }
}

#[test]
fn the_music_loops_on_a_packet_without_a_click() {
    let samples = wav::read(MUSIC.wav).unwrap();
    assert_eq!(
        samples.len() % FRAME_SAMPLES,
        0,
        "a last packet padded with silence would be heard"
    );
    assert_eq!(MUSIC.clip().unwrap().duration(), Duration::from_secs(48));
    let steps: Vec<u16> = samples
        .windows(2)
        .map(|pair| pair[0].abs_diff(pair[1]))
        .collect();
    let usual = steps.iter().max().unwrap();
    let seam = samples[samples.len() - 1].abs_diff(samples[0]);
    assert!(
        seam <= *usual,
        "{seam} at the seam, at most {usual} elsewhere"
    );
}

#[test]
fn the_music_is_never_silent() {
    let clip = MUSIC.clip().unwrap();
    for (index, frames) in clip.frames(Codec::Pcma).chunks(10).enumerate() {
        let loudest = frames
            .as_flattened()
            .iter()
            .map(|byte| Codec::Pcma.decode(*byte).unsigned_abs())
            .max()
            .unwrap();
        assert!(loudest > 500, "{loudest} around {} ms", index * 200);
    }
}
