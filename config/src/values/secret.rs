//! Passwords: given in plain, kept sealed.

use std::fmt;

use serde_json::Value as Json;

use super::Domain;
use crate::read::{Field, Invalid, Node, Reader, Shape, Value};

/// A password, either as somebody typed it or as it is kept. Never shown by `Debug`.
///
/// A kept one is text that begins with `$argon2` (a login's password, RFC 9106) or with `ha1:`
/// (a phone's or a trunk's: `ha1:realm=DOMAIN,md5=HEX,sha-256=HEX`, the H(A1) of RFC 7616 §3.4.2 per algorithm and the
/// realm it was made for; without a realm it is for whatever `sip.domain` is). So that a file printed by `export` can be applied, both forms are read.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Secret {
    /// As it was typed.
    Plain(String),
    /// As it is kept.
    Hashed(String),
}

/// Seals passwords; the daemon brings the functions that do it.
pub trait Sealer {
    /// An argon2id string in PHC form for a login's password.
    fn login(&self, plain: &str) -> String;

    /// `ha1:realm=DOMAIN,md5=HEX,sha-256=HEX` for a phone's or trunk's digest user name and password.
    fn digest(&self, digest_username: &str, plain: &str) -> String;
}

impl Secret {
    /// The text, whichever it is. For storing and checking, not for showing.
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Hashed(text) => text,
        }
    }

    /// The password as it was typed, if it is not sealed yet.
    pub fn plain(&self) -> Option<&str> {
        match self {
            Self::Plain(plain) => Some(plain),
            Self::Hashed(_) => None,
        }
    }

    /// The kept form of a digest secret for `md5` or `sha-256`, in lower-case hexadecimal.
    pub fn ha1(&self, algorithm: super::DigestAlgorithm) -> Option<&str> {
        let Self::Hashed(text) = self else {
            return None;
        };
        let mut parts = text.strip_prefix(HA1)?.split(',');
        parts.find_map(|part| part.strip_prefix(algorithm.as_str())?.strip_prefix('='))
    }

    /// The realm that the kept form of a digest secret was made for, where it says so.
    pub fn realm(&self) -> Option<&str> {
        let Self::Hashed(text) = self else {
            return None;
        };
        let parts = text.strip_prefix(HA1)?.strip_prefix(REALM)?;
        parts.split_once(',').map(|(realm, _)| realm)
    }

    fn parse(text: &str) -> Result<Self, Invalid> {
        let sealed = if text.starts_with(ARGON2) {
            text.split('$').filter(|part| !part.is_empty()).count() == 5
        } else if let Some(parts) = text.strip_prefix(HA1) {
            is_ha1(parts)
        } else {
            return Self::parse_plain(text);
        };
        if sealed {
            return Ok(Self::Hashed(text.to_owned()));
        }
        Err(Invalid::new(
            "begins like a sealed password, but is none",
            "copy it whole from `export`, or write a password that begins otherwise",
        ))
    }

    fn parse_plain(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() || text.len() > 256 || text.contains(char::is_control) {
            return Err(Invalid::new(
                "a password has 1 to 256 printable characters",
                "write such a password, or leave it out",
            ));
        }
        Ok(Self::Plain(text.to_owned()))
    }
}

const ARGON2: &str = "$argon2";
const HA1: &str = "ha1:";
const REALM: &str = "realm=";

fn is_ha1(parts: &str) -> bool {
    let hashes = match parts.strip_prefix(REALM) {
        None => parts,
        Some(rest) => match rest.split_once(',') {
            Some((realm, hashes)) if realm.parse::<Domain>().is_ok() => hashes,
            Some(_) | None => return false,
        },
    };
    hashes.split(',').all(is_ha1_part)
}

fn is_ha1_part(part: &str) -> bool {
    let digits = match part.split_once('=') {
        Some(("md5", hex)) if hex.len() == 32 => hex,
        Some(("sha-256", hex)) if hex.len() == 64 => hex,
        Some(_) | None => return false,
    };
    let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    digits.bytes().all(lower_hex)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(…)",
            Self::Hashed(_) => "Hashed(…)",
        })
    }
}

impl Field for Secret {
    const SECRET: bool = true;

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::Text(text) = &node.value else {
            reader.wrong_type(node, "a password", "put it in quotes");
            return None;
        };
        match Self::parse(text) {
            Ok(secret) => Some(secret),
            Err(fault) => {
                reader.invalid(node, fault);
                None
            }
        }
    }

    fn write(&self) -> Json {
        Json::from(self.expose())
    }

    fn shape() -> Shape {
        Shape::Secret
    }
}

#[cfg(test)]
mod tests {
    use super::super::DigestAlgorithm;
    use super::*;

    #[test]
    fn plain_and_sealed_are_told_apart() {
        let md5 = "0123456789abcdef0123456789abcdef";
        let sealed = format!("ha1:md5={md5},sha-256={md5}{md5}");
        let argon = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g";
        assert_eq!(
            Secret::parse("hunter2"),
            Ok(Secret::Plain("hunter2".into()))
        );
        assert_eq!(Secret::parse(argon), Ok(Secret::Hashed(argon.into())));
        let secret = Secret::parse(&sealed).unwrap();
        assert_eq!(secret.ha1(DigestAlgorithm::Md5), Some(md5));
        assert_eq!(secret.ha1(DigestAlgorithm::Sha256).map(str::len), Some(64));
        assert_eq!(secret.realm(), None);
        let secret = Secret::parse(&format!("ha1:realm=pbx.example,md5={md5}")).unwrap();
        assert_eq!(secret.ha1(DigestAlgorithm::Md5), Some(md5));
        assert_eq!(secret.realm(), Some("pbx.example"));
        for broken in [
            "",
            "a\nb",
            "ha1:md5=00",
            "ha1:",
            "ha1:realm=pbx.example",
            "ha1:realm=pbx example,md5=0123456789abcdef0123456789abcdef",
            "$argon2id$v=19",
            "ha1:md5=0123456789ABCDEF0123456789ABCDEF",
        ] {
            assert!(Secret::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn debug_never_shows_a_secret() {
        let shown = format!(
            "{:?} {:?}",
            Secret::Plain("hunter2".into()),
            Secret::Hashed("hunter2".into())
        );
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
