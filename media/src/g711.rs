//! ITU-T G.711: the two laws, and the way from one to the other.
//!
//! Everything is a table built at compile time from the rules of the recommendation. A relay between the two laws needs
//! only [`MULAW_TO_ALAW`] and [`ALAW_TO_MULAW`]; linear samples appear only where sounds are made ready.
//!
//! Inside this file a *magnitude* is a code without sign and without the inversions of the wire: 0 is silence, 127 full scale.

/// The mu-law byte of silence (+0).
pub const MULAW_SILENCE: u8 = 0xFF;

/// The A-law byte of silence (+0, the smallest positive step).
pub const ALAW_SILENCE: u8 = 0xD5;

/// Mu-law bytes turned into A-law bytes, by G.711 table 3.
pub static MULAW_TO_ALAW: [u8; 256] = mulaw_to_alaw_table();

/// A-law bytes turned into mu-law bytes, by G.711 table 4.
pub static ALAW_TO_MULAW: [u8; 256] = alaw_to_mulaw_table();

static MULAW_DECODE: [i16; 256] = mulaw_decode_table();
static ALAW_DECODE: [i16; 256] = alaw_decode_table();
/// Indexed by the upper 14 bits of a sample, all that mu-law looks at.
static MULAW_ENCODE: [u8; 1 << 14] = mulaw_encode_table();
/// Indexed by the upper 13 bits of a sample, all that A-law looks at.
static ALAW_ENCODE: [u8; 1 << 13] = alaw_encode_table();

/// A mu-law byte as a 16-bit sample.
pub fn decode_mulaw(byte: u8) -> i16 {
    MULAW_DECODE[usize::from(byte)]
}

/// An A-law byte as a 16-bit sample.
pub fn decode_alaw(byte: u8) -> i16 {
    ALAW_DECODE[usize::from(byte)]
}

/// A 16-bit sample as a mu-law byte.
pub fn encode_mulaw(sample: i16) -> u8 {
    MULAW_ENCODE[usize::from(sample.cast_unsigned() >> 2)]
}

/// A 16-bit sample as an A-law byte.
pub fn encode_alaw(sample: i16) -> u8 {
    ALAW_ENCODE[usize::from(sample.cast_unsigned() >> 3)]
}

/// Mu-law inverts all bits on the wire; the sign bit is then set for positive values.
const fn mulaw_byte(negative: bool, magnitude: u8) -> u8 {
    (if negative { 0x7F } else { 0xFF }) ^ magnitude
}

/// A-law inverts every other bit; the sign bit is set for positive values.
const fn alaw_byte(negative: bool, magnitude: u8) -> u8 {
    (if negative { 0x55 } else { 0xD5 }) ^ magnitude
}

/// Mu-law adds this bias (in 16-bit units) so that segments start at powers of two.
const MULAW_BIAS: i32 = 0x84;

const fn mulaw_linear(magnitude: u8) -> i32 {
    let segment = magnitude >> 4;
    let step = (magnitude & 0x0F) as i32;
    (((step << 3) + MULAW_BIAS) << segment) - MULAW_BIAS
}

const fn alaw_linear(magnitude: u8) -> i32 {
    let segment = magnitude >> 4;
    let middle = (((magnitude & 0x0F) as i32) << 4) + 8;
    match segment {
        0 => middle,
        _ => (middle + 0x100) << (segment - 1),
    }
}

/// The magnitude of a biased mu-law amplitude or an A-law one: the position of the highest bit is the segment,
/// the four bits below it the step.
const fn mulaw_magnitude(linear: i32) -> u8 {
    let clipped = if linear > 32_635 { 32_635 } else { linear };
    let biased = clipped + MULAW_BIAS;
    let segment = 24 - biased.leading_zeros() as i32;
    ((segment << 4) | ((biased >> (segment + 3)) & 0x0F)) as u8
}

const fn alaw_magnitude(linear: i32) -> u8 {
    if linear < 0x100 {
        return (linear >> 4) as u8;
    }
    let segment = 24 - linear.leading_zeros() as i32;
    ((segment << 4) | ((linear >> (segment + 3)) & 0x0F)) as u8
}

const fn mulaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut magnitude = 0;
    while magnitude < 128 {
        let linear = mulaw_linear(magnitude) as i16;
        table[mulaw_byte(false, magnitude) as usize] = linear;
        table[mulaw_byte(true, magnitude) as usize] = -linear;
        magnitude += 1;
    }
    table
}

const fn alaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut magnitude = 0;
    while magnitude < 128 {
        let linear = alaw_linear(magnitude) as i16;
        table[alaw_byte(false, magnitude) as usize] = linear;
        table[alaw_byte(true, magnitude) as usize] = -linear;
        magnitude += 1;
    }
    table
}

const fn mulaw_encode_table() -> [u8; 1 << 14] {
    let mut table = [0; 1 << 14];
    let mut index = 0;
    while index < table.len() {
        let sample = ((index as u16) << 2) as i16 as i32;
        // Negative samples are mirrored around -1/2, so that the laws are symmetric after truncation.
        let amplitude = if sample < 0 { -sample - 4 } else { sample };
        table[index] = mulaw_byte(sample < 0, mulaw_magnitude(amplitude));
        index += 1;
    }
    table
}

const fn alaw_encode_table() -> [u8; 1 << 13] {
    let mut table = [0; 1 << 13];
    let mut index = 0;
    while index < table.len() {
        let sample = ((index as u16) << 3) as i16 as i32;
        let amplitude = if sample < 0 { -sample - 8 } else { sample };
        table[index] = alaw_byte(sample < 0, alaw_magnitude(amplitude));
        index += 1;
    }
    table
}

/// G.711 table 3, magnitude by magnitude: near silence two steps of mu-law fall into one of A-law, then the segments'
/// edges drift against each other until both laws agree above 80.
const fn alaw_for_mulaw(magnitude: u8) -> u8 {
    match magnitude {
        0..=15 => magnitude / 2,
        16..=31 => magnitude - 8,
        32..=35 => 24 + 2 * (magnitude - 32),
        36..=47 => magnitude - 4,
        48 => 45,
        49..=63 => magnitude - 2,
        64..=80 => magnitude - 1,
        _ => magnitude,
    }
}

/// G.711 table 4, magnitude by magnitude.
const fn mulaw_for_alaw(magnitude: u8) -> u8 {
    match magnitude {
        0..=7 => 2 * magnitude + 1,
        8..=23 => magnitude + 8,
        24..=31 => 32 + (magnitude - 24) / 2,
        32..=43 => magnitude + 4,
        44..=47 => 48 + (magnitude - 44) / 2,
        48..=61 => magnitude + 2,
        62..=63 => 64,
        64..=79 => magnitude + 1,
        _ => magnitude,
    }
}

const fn mulaw_to_alaw_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut magnitude = 0;
    while magnitude < 128 {
        let other = alaw_for_mulaw(magnitude);
        table[mulaw_byte(false, magnitude) as usize] = alaw_byte(false, other);
        table[mulaw_byte(true, magnitude) as usize] = alaw_byte(true, other);
        magnitude += 1;
    }
    table
}

const fn alaw_to_mulaw_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut magnitude = 0;
    while magnitude < 128 {
        let other = mulaw_for_alaw(magnitude);
        table[alaw_byte(false, magnitude) as usize] = mulaw_byte(false, other);
        table[alaw_byte(true, magnitude) as usize] = mulaw_byte(true, other);
        magnitude += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values every G.711 implementation agrees on.
    #[test]
    fn known_values_decode() {
        let mulaw = [
            (0xFF, 0),
            (0x7F, 0),
            (0x80, 32_124),
            (0x00, -32_124),
            (0xF0, 120),
            (0x70, -120),
            (0xE7, 260),
        ];
        for (byte, sample) in mulaw {
            assert_eq!(decode_mulaw(byte), sample, "mu-law {byte:#04x}");
        }
        let alaw = [
            (0xD5, 8),
            (0x55, -8),
            (0xAA, 32_256),
            (0x2A, -32_256),
            (0xC5, 264),
            (0x45, -264),
            (0x80, 5_504),
        ];
        for (byte, sample) in alaw {
            assert_eq!(decode_alaw(byte), sample, "A-law {byte:#04x}");
        }
    }

    #[test]
    fn every_byte_survives_decode_and_encode() {
        for byte in 0..=255_u8 {
            // Mu-law has two zeros; minus zero comes back as plus zero.
            let expected = if byte == 0x7F { 0xFF } else { byte };
            assert_eq!(
                encode_mulaw(decode_mulaw(byte)),
                expected,
                "mu-law {byte:#04x}"
            );
            assert_eq!(encode_alaw(decode_alaw(byte)), byte, "A-law {byte:#04x}");
        }
    }

    #[test]
    fn encoding_stays_within_half_a_step() {
        for sample in i16::MIN..=i16::MAX {
            for (law, decoded) in [
                ("mu", decode_mulaw(encode_mulaw(sample))),
                ("A", decode_alaw(encode_alaw(sample))),
            ] {
                let off = (i32::from(decoded) - i32::from(sample)).abs();
                let amplitude = i32::from(sample).abs();
                // Steps double with each segment: an error is at most a 32nd of the amplitude, 16 near silence,
                // and what clipping takes at full scale.
                let allowed = (amplitude / 32 + 16).max(if amplitude > 32_000 { 700 } else { 0 });
                assert!(
                    off <= allowed,
                    "{law}-law of {sample} came back as {decoded}"
                );
            }
        }
    }

    #[test]
    fn encoding_is_monotonic() {
        for sample in i16::MIN..i16::MAX {
            assert!(
                decode_mulaw(encode_mulaw(sample)) <= decode_mulaw(encode_mulaw(sample + 1)),
                "mu at {sample}"
            );
            assert!(
                decode_alaw(encode_alaw(sample)) <= decode_alaw(encode_alaw(sample + 1)),
                "A at {sample}"
            );
        }
    }

    /// The tables of the recommendation are not the nearest neighbour everywhere, but never more than one step off it.
    #[test]
    fn translation_is_within_one_step_of_decoding_and_encoding() {
        let magnitude_of_alaw = |byte: u8| i32::from((byte ^ 0x55) & 0x7F);
        let magnitude_of_mulaw = |byte: u8| i32::from(!byte & 0x7F);
        for byte in 0..=255_u8 {
            let table = MULAW_TO_ALAW[usize::from(byte)];
            let linear = encode_alaw(decode_mulaw(byte));
            assert_eq!(table & 0x80, byte & 0x80, "sign of mu-law {byte:#04x}");
            assert!(
                (magnitude_of_alaw(table) - magnitude_of_alaw(linear)).abs() <= 1,
                "mu-law {byte:#04x}"
            );

            let table = ALAW_TO_MULAW[usize::from(byte)];
            let linear = encode_mulaw(decode_alaw(byte));
            assert_eq!(table & 0x80, byte & 0x80, "sign of A-law {byte:#04x}");
            assert!(
                (magnitude_of_mulaw(table) - magnitude_of_mulaw(linear)).abs() <= 1,
                "A-law {byte:#04x}"
            );
        }
    }

    /// Spot values of the recommendation's tables, in its own numbering of decoder outputs.
    #[test]
    fn translation_follows_the_tables_of_the_recommendation() {
        for (mulaw, alaw) in [
            (0, 1),
            (1, 1),
            (15, 8),
            (16, 9),
            (32, 25),
            (35, 31),
            (48, 46),
            (80, 80),
            (81, 82),
            (127, 128),
        ] {
            assert_eq!(alaw_for_mulaw(mulaw) + 1, alaw, "mu-law output {mulaw}");
        }
        for (alaw, mulaw) in [
            (1, 1),
            (8, 15),
            (9, 16),
            (25, 32),
            (26, 32),
            (45, 48),
            (63, 64),
            (80, 80),
            (81, 80),
            (128, 127),
        ] {
            assert_eq!(mulaw_for_alaw(alaw - 1), mulaw, "A-law output {alaw}");
        }
    }

    #[test]
    fn a_second_round_trip_changes_nothing_more() {
        for byte in 0..=255_u8 {
            let once = ALAW_TO_MULAW[usize::from(MULAW_TO_ALAW[usize::from(byte)])];
            let twice = ALAW_TO_MULAW[usize::from(MULAW_TO_ALAW[usize::from(once)])];
            assert_eq!(once, twice, "mu-law {byte:#04x}");
        }
    }
}
