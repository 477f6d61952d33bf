//! Answering a challenge: what a phone does, and we do towards a trunk that asks.

use alloc::format;
use alloc::string::String;

use crate::wire::AuthHeader;

use super::digest::{Algorithm, Proof, ha1, push_quoted};

/// Who we are to the one that asks.
#[derive(Clone)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password, in the clear.
    pub password: String,
}

impl core::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(out, "Credentials({:?}, secret)", self.username)
    }
}

/// A challenge that we can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// Whether `qop=auth` is offered.
    qop: bool,
    stale: bool,
}

impl Challenge {
    /// Reads the value of a WWW-Authenticate or Proxy-Authenticate header; `None` if it is not
    /// Digest, or in an algorithm or protection that we don't speak.
    ///
    /// Of several challenges the topmost that can be read is to be answered (RFC 8760 §2.4).
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let header = AuthHeader::parse(value)
            .ok()
            .filter(AuthHeader::is_digest)?;
        let algorithm = match header.get("algorithm") {
            Some(token) => Algorithm::from_token(token.as_bytes())?,
            None => Algorithm::Md5,
        };
        let qop = match header.get("qop") {
            Some(offered) => {
                let mut offered = offered.split(',');
                offered
                    .any(|one| one.trim().eq_ignore_ascii_case("auth"))
                    .then_some(true)?
            }
            None => false,
        };
        Some(Self {
            realm: header.get("realm")?.into_owned(),
            nonce: header.get("nonce")?.into_owned(),
            opaque: header.get("opaque").map(alloc::borrow::Cow::into_owned),
            algorithm,
            qop,
            stale: header
                .get("stale")
                .is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// Whether the password of the last answer was right and only its nonce too old.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.stale
    }

    /// The realm we are asked for.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The value of the Authorization or Proxy-Authorization header that answers it.
    ///
    /// `uri` is the Request-URI; `count` starts at 1 and grows with every use of the challenge;
    /// `cnonce` is random.
    #[must_use]
    pub fn answer(
        &self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
        count: u32,
        cnonce: &str,
    ) -> String {
        let Credentials { username, password } = credentials;
        let nc = format!("{count:08x}");
        let proof = Proof {
            nonce: self.nonce.as_bytes(),
            method: method.as_bytes(),
            uri: uri.as_bytes(),
            counted: self.qop.then_some((nc.as_bytes(), cnonce.as_bytes())),
        };
        let response = proof.response(&ha1(username, &self.realm, password, self.algorithm));
        let mut value = String::from("Digest username=");
        push_quoted(&mut value, username);
        for (name, text) in [
            ("realm", self.realm.as_str()),
            ("nonce", &self.nonce),
            ("uri", uri),
            ("response", response.hex().as_str()),
        ] {
            push_param(&mut value, name, text);
        }
        value.push_str(", algorithm=");
        value.push_str(self.algorithm.token());
        if self.qop {
            push_param(&mut value, "cnonce", cnonce);
            value.push_str(&format!(", qop=auth, nc={nc}"));
        }
        if let Some(opaque) = &self.opaque {
            push_param(&mut value, "opaque", opaque);
        }
        value
    }
}

fn push_param(value: &mut String, name: &str, text: &str) {
    value.push_str(", ");
    value.push_str(name);
    value.push('=');
    push_quoted(value, text);
}
