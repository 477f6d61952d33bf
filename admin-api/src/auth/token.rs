//! Bearer tokens: 32 random bytes as 64 hexadecimal digits; kept as their SHA-256 only.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::hex;
use crate::ports::TokenHash;

/// The cookie that a browser carries the token in.
pub(crate) const COOKIE: &str = "lampfield_token";

/// How long a token is valid: 30 days, in microseconds.
pub(crate) const LIFETIME_US: i64 = 30 * 24 * 3600 * 1_000_000;

/// A token as its bearer has it. Never shown by `Debug`.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// A new one, from the system's randomness.
    ///
    /// # Errors
    ///
    /// When the system has no randomness to give.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex::encode(&bytes)))
    }

    /// A token somebody sent; whether it is one shows when its hash is looked up.
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// What it is kept and found by. A hash without salt is enough for 256 random bits.
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The text for its bearer.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_found_by_their_hash() {
        let (one, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        assert_eq!(one.expose().len(), 64);
        assert_ne!(one.hash(), other.hash());
        assert_eq!(Token::from_text(one.expose()).hash(), one.hash());
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}
