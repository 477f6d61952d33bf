//! From a file's sampling rate down to the telephone's 8000 Hz.
//!
//! A windowed-sinc filter, evaluated at each output sample: done once per file, so clear rather than fast. The sine
//! comes from `libm`, which gives the same bits on every machine.

use alloc::vec::Vec;
use core::f32::consts::PI;

const TARGET_HZ: u32 = 8000;

/// Zero crossings of the sinc on each side. More make the edge of the pass band steeper.
const LOBES: usize = 16;

/// The pass band ends here, as a share of the lower half rate: what lies above would come back as whistling.
const CUTOFF: f32 = 0.92;

/// The sound of `samples` at `rate_hz`, sampled at 8000 Hz. Rates below 8000 Hz don't occur (`wav::RATES_HZ`).
pub(crate) fn resample_to_8000(samples: Vec<i16>, rate_hz: u32) -> Vec<i16> {
    if rate_hz == TARGET_HZ {
        return samples;
    }
    let divisor = greatest_common_divisor(rate_hz, TARGET_HZ);
    // Every `out_steps` output samples, the position among the input samples is whole again.
    let (in_steps, out_steps) = ((rate_hz / divisor) as usize, (TARGET_HZ / divisor) as usize);
    let filters: Vec<Vec<f32>> = (0..out_steps)
        .map(|phase| filter(phase * in_steps % out_steps, in_steps, out_steps))
        .collect();
    let length = samples.len() * out_steps / in_steps;
    let sample_at = |index: usize| {
        let position = index * in_steps / out_steps;
        filters
            .get(index % out_steps)
            .map_or(0, |filter| apply(filter, &samples, position))
    };
    (0..length).map(sample_at).collect()
}

/// How many input samples on each side of a position an output sample looks at.
fn reach(in_steps: usize, out_steps: usize) -> usize {
    (LOBES * in_steps).div_ceil(out_steps)
}

/// The weights of the input samples around a position that lies `offset / out_steps` after a whole one.
///
/// They sum up to one, so that a constant stays the constant it is.
fn filter(offset: usize, in_steps: usize, out_steps: usize) -> Vec<f32> {
    let reach = reach(in_steps, out_steps);
    let narrowing = CUTOFF * out_steps as f32 / in_steps as f32;
    let weight = |tap: usize| {
        let distance = tap as f32 - (reach as f32 - 1.0) - offset as f32 / out_steps as f32;
        sinc(distance * narrowing) * window(distance / reach as f32)
    };
    let mut weights: Vec<f32> = (0..2 * reach).map(weight).collect();
    let sum: f32 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    weights
}

fn apply(filter: &[f32], samples: &[i16], position: usize) -> i16 {
    let before = filter.len() / 2 - 1;
    let sum: f32 = filter
        .iter()
        .enumerate()
        .filter_map(|(tap, weight)| {
            let index = (position + tap).checked_sub(before)?;
            samples.get(index).map(|sample| weight * f32::from(*sample))
        })
        .sum();
    // `as` saturates: an overshoot of the filter clips, as it would on the line.
    libm::roundf(sum) as i16
}

fn sinc(x: f32) -> f32 {
    if x.abs() < 1e-6 {
        1.0
    } else {
        libm::sinf(PI * x) / (PI * x)
    }
}

/// Blackman's window over -1..=1.
fn window(x: f32) -> f32 {
    if x.abs() >= 1.0 {
        0.0
    } else {
        0.42 + 0.5 * libm::cosf(PI * x) + 0.08 * libm::cosf(2.0 * PI * x)
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wav::RATES_HZ;

    fn tone(frequency_hz: f32, rate_hz: u32) -> Vec<i16> {
        (0..rate_hz)
            .map(|index| {
                (10_000.0 * libm::sinf(2.0 * PI * frequency_hz * index as f32 / rate_hz as f32))
                    as i16
            })
            .collect()
    }

    /// Effective value, without the edges where the filter sees nothing on one side.
    fn level(samples: &[i16]) -> f32 {
        let middle = &samples[200..samples.len() - 200];
        libm::sqrtf(
            middle
                .iter()
                .map(|sample| f32::from(*sample) * f32::from(*sample))
                .sum::<f32>()
                / middle.len() as f32,
        )
    }

    #[test]
    fn speech_band_passes_and_what_would_fold_back_does_not() {
        for rate_hz in RATES_HZ.into_iter().filter(|rate| *rate > 8000) {
            for frequency_hz in [300.0, 1000.0, 3000.0] {
                let out = level(&resample_to_8000(tone(frequency_hz, rate_hz), rate_hz));
                assert!(
                    (6_900.0..7_250.0).contains(&out),
                    "{frequency_hz} Hz at {rate_hz}: {out}"
                );
            }
            for frequency_hz in [4_600.0, 5_200.0] {
                let out = level(&resample_to_8000(tone(frequency_hz, rate_hz), rate_hz));
                assert!(
                    out < 80.0,
                    "{frequency_hz} Hz at {rate_hz} folds back at {out}"
                );
            }
        }
    }

    #[test]
    fn a_tone_stays_in_tune_and_in_phase() {
        for rate_hz in RATES_HZ {
            let heard = resample_to_8000(tone(700.0, rate_hz), rate_hz);
            let wanted = tone(700.0, 8000);
            assert_eq!(heard.len(), wanted.len(), "{rate_hz}");
            for index in 200..7800 {
                assert!(
                    heard[index].abs_diff(wanted[index]) < 60,
                    "{rate_hz} Hz, sample {index}"
                );
            }
        }
    }

    #[test]
    fn short_sounds_and_full_scale_are_no_trouble() {
        for rate_hz in RATES_HZ {
            assert!(resample_to_8000(Vec::new(), rate_hz).is_empty());
            assert!(resample_to_8000(alloc::vec![i16::MIN; 3], rate_hz).len() <= 3);
            let loud = resample_to_8000(alloc::vec![i16::MAX; 4000], rate_hz);
            assert!(
                loud[300..400].iter().all(|sample| *sample > 32_000),
                "{rate_hz}"
            );
        }
    }
}
