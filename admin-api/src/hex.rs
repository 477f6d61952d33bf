//! Bytes as lower-case hexadecimal digits: tokens, tags and cursors.

use std::fmt::Write;

/// Two digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String does not fail");
            text
        })
}

/// Reads what [`encode`] wrote; `None` for anything else.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote_and_nothing_else() {
        assert_eq!(decode(&encode(&[0, 1, 0xff])), Some(vec![0, 1, 0xff]));
        for wrong in ["0", "0g", "0é"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
