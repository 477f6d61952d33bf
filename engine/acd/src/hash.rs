//! A hash that is the same everywhere and for ever: FNV-1a with 128 bits. Not against forgers.

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

pub(crate) fn fnv1a(bytes: &[u8]) -> u128 {
    bytes.iter().fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_values() {
        let cases: [(&[u8], u128); 3] = [
            (b"", 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d),
            (b"a", 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964),
            (b"foobar", 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18),
        ];
        for (bytes, expected) in cases {
            assert_eq!(fnv1a(bytes), expected);
        }
    }
}
