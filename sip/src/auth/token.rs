//! Words that nobody can guess who lacks the key, and that are the same again over a restart.

use alloc::string::String;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::digest::Hex;

/// 16 hexadecimal digits that belong to a text: the first of its HMAC.
#[must_use]
pub fn token(key: &[u8; 32], text: &str) -> String {
    let keyed =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    let mac = keyed.chain_update(text.as_bytes()).finalize().into_bytes();
    let (first, _) = mac.split_at(8);
    String::from(Hex::new(first).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_from_key_and_text_alone() {
        let one = token(&[1; 32], "carrier");
        assert_eq!((one.len(), token(&[1; 32], "carrier")), (16, one.clone()));
        assert_ne!(token(&[2; 32], "carrier"), one);
        assert_ne!(token(&[1; 32], "carrier2"), one);
    }
}
