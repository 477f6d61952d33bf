//! A quiet piece of sixteen bars for an imagined electric piano, written for the narrow band of a telephone.
//!
//! Everything is added into a ring as long as the piece, so that what rings on at its end sounds under its beginning:
//! the loop has no seam. Sines come from `libm` and give the same bytes on every machine.

use core::f64::consts::TAU;

const RATE_HZ: usize = 8000;
/// 80 beats a minute.
const BEAT: usize = 6000;
const EIGHTH: usize = BEAT / 2;
const BAR: usize = 4 * BEAT;
const LENGTH: usize = CHORDS.len() * BAR;

/// The loudest sample: 9 dB below full scale, about as loud as speech on the line.
const PEAK: f64 = 11_600.0;

/// A chord: its root for the bass, then four voices from low to high, as MIDI notes.
type Chord = (u8, [u8; 4]);

const C: Chord = (48, [60, 64, 67, 71]);
const A_MINOR: Chord = (45, [60, 64, 67, 69]);
const D_MINOR: Chord = (50, [60, 62, 65, 69]);
const E_MINOR: Chord = (52, [59, 62, 64, 67]);
const F: Chord = (53, [60, 64, 65, 69]);
const G: Chord = (43, [59, 62, 65, 67]);

#[rustfmt::skip]
const CHORDS: [Chord; 16] = [
    C, A_MINOR, F, G,
    C, A_MINOR, D_MINOR, G,
    F, E_MINOR, D_MINOR, C,
    F, G, C, G,
];

/// The voice of the chord that each eighth of a bar plays.
const FIGURE: [usize; 8] = [0, 2, 1, 3, 2, 1, 3, 2];

/// The melody: for each bar, the eighths on which a note begins.
const MELODY: [&[(usize, u8)]; 16] = [
    &[(0, 76), (3, 79), (6, 76)],
    &[(0, 72), (6, 74)],
    &[(0, 76), (3, 77), (6, 76)],
    &[(0, 74)],
    &[(0, 79), (3, 76), (6, 79)],
    &[(0, 81), (6, 79)],
    &[(0, 77), (3, 76), (6, 74)],
    &[(0, 71), (4, 74)],
    &[(0, 81), (4, 79)],
    &[(0, 79), (3, 76), (6, 74)],
    &[(0, 77), (4, 76)],
    &[(0, 76), (3, 74), (6, 72)],
    &[(0, 69), (3, 72), (6, 77)],
    &[(0, 79), (3, 77), (6, 74)],
    &[(0, 76), (6, 74)],
    &[(0, 74), (4, 71)],
];

/// How a note sounds: strength of its partials, how long it takes to begin and to fade.
struct Instrument {
    level: f64,
    partials: &'static [f64],
    attack_s: f64,
    decay_per_s: f64,
    length_s: f64,
}

const PIANO: Instrument = Instrument {
    level: 0.5,
    partials: &[1.0, 0.35, 0.12, 0.05],
    attack_s: 0.008,
    decay_per_s: 2.6,
    length_s: 2.0,
};
const BELL: Instrument = Instrument {
    level: 0.8,
    partials: &[1.0, 0.15, 0.2],
    attack_s: 0.015,
    decay_per_s: 1.5,
    length_s: 3.0,
};
const PAD: Instrument = Instrument {
    level: 0.22,
    partials: &[1.0, 0.3, 0.1],
    attack_s: 0.8,
    decay_per_s: 0.35,
    length_s: 3.6,
};
/// Its fundamental gets lost on the line; the partials carry it.
const BASS: Instrument = Instrument {
    level: 0.7,
    partials: &[1.0, 0.7, 0.4, 0.2],
    attack_s: 0.02,
    decay_per_s: 1.2,
    length_s: 2.4,
};

/// The piece as a WAV file: 8000 Hz, 16 bit, mono.
pub(crate) fn wav_file() -> Vec<u8> {
    let samples = samples();
    let bytes = 2 * samples.len() as u32;
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend(b"RIFF");
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend([1, 0, 1, 0]);
    file.extend((RATE_HZ as u32).to_le_bytes());
    file.extend((2 * RATE_HZ as u32).to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// The piece, levelled.
fn samples() -> Vec<i16> {
    let mut ring = vec![0.0; LENGTH];
    for (index, (chord, melody)) in CHORDS.iter().zip(MELODY).enumerate() {
        play_bar(&mut ring, index * BAR, chord, melody);
    }
    let loudest = ring
        .iter()
        .fold(0.0_f64, |loudest, sample| loudest.max(sample.abs()));
    ring.iter()
        .map(|sample| libm::round(sample * PEAK / loudest) as i16)
        .collect()
}

fn play_bar(ring: &mut [f64], start: usize, (root, voices): &Chord, melody: &[(usize, u8)]) {
    play(ring, start, *root, &BASS);
    play(ring, start + 2 * BEAT, root + 7, &BASS);
    for voice in voices {
        play(ring, start, *voice, &PAD);
    }
    for (eighth, voice) in FIGURE.iter().enumerate() {
        play(ring, start + eighth * EIGHTH, voices[*voice], &PIANO);
    }
    for (eighth, note) in melody {
        play(ring, start + eighth * EIGHTH, *note, &BELL);
    }
}

/// Adds one note to the ring; what does not fit before its end goes to its beginning.
fn play(ring: &mut [f64], start: usize, note: u8, instrument: &Instrument) {
    let frequency_hz = 440.0 * libm::exp2((f64::from(note) - 69.0) / 12.0);
    let length = (instrument.length_s * RATE_HZ as f64) as usize;
    for offset in 0..length {
        let time = offset as f64 / RATE_HZ as f64;
        let tone: f64 = (1..)
            .zip(instrument.partials)
            .map(|(harmonic, level)| {
                level * libm::sin(TAU * frequency_hz * f64::from(harmonic) * time)
            })
            .sum();
        let index = (start + offset) % ring.len();
        ring[index] += instrument.level * envelope(instrument, time) * tone;
    }
}

/// Rises, fades, and is led to nothing at the end so that nothing clicks.
fn envelope(instrument: &Instrument, time: f64) -> f64 {
    let rise = (time / instrument.attack_s).min(1.0);
    let left = ((instrument.length_s - time) / 0.3).min(1.0);
    rise * left * libm::exp(-instrument.decay_per_s * time)
}
