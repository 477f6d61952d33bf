//! Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760): asking for it and answering it.
//!
//! [`Authenticator`] is the side that asks: it makes challenges that cost no memory and judges
//! credentials. Its nonces are an HMAC of time and source, good for 60 s; the counts of those in
//! use are in a bounded table, and a nonce that the table forgot is refused as stale. [`Challenge`]
//! is the side that answers, for the load generator's phones; for trunks that ask us, over many requests, [`Answers`] is.
//!
//! Passwords are not known here, only [`Ha1Set`]s, and whose they are is looked up by the caller.
//! Offered is `qop=auth`; phones that know none (RFC 2069) are heard, each nonce once. The `uri` of
//! the credentials is part of the digest but not compared with the Request-URI, since outbound
//! proxies of phones rewrite that; what a thief could gain by it the nonce's source, age and count
//! forbid.

mod answers;
mod client;
mod digest;
mod nonce;
mod token;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use crate::wire::AuthHeader;
use crate::{HeaderName, Message};

pub(crate) use answers::next as next_random;
pub use answers::{Answers, Challenged};
pub use client::{Challenge, Credentials};
pub use digest::{Algorithm, Ha1, Ha1Set, NotHa1Set, ha1};
pub use token::token;

use digest::{Proof, push_quoted, same_secret};
use nonce::{Count, Counts, Mint};

/// How many nonces in use are remembered, unless told otherwise.
const NONCES_MAX: usize = 16_384;

/// What a request's credentials are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They are good: this user sent the request.
    Accepted {
        /// The name in the credentials, as the lookup knows it.
        username: String,
    },
    /// There are none that count: answer 401 with a challenge.
    Challenge {
        /// The password was right and only the nonce too old: the phone tries again by itself.
        stale: bool,
    },
    /// The answer to our challenge is wrong. The same, after the same work, whether the password is
    /// wrong or there is no such user.
    Forbidden {
        /// The name in the credentials.
        username: String,
    },
}

/// Asks for digest credentials and judges them.
pub struct Authenticator {
    realm: String,
    algorithms: Vec<Algorithm>,
    mint: Mint,
    counts: Counts,
    /// Stands in for the HA1 of users there are none of.
    decoy: Ha1Set,
}

/// The parts of credentials that a judgement needs.
struct Claim<'a> {
    username: Cow<'a, str>,
    nonce: Cow<'a, str>,
    uri: Cow<'a, str>,
    response: Cow<'a, str>,
    algorithm: Algorithm,
    /// `nc` as sent and as a number, and `cnonce`.
    counted: Option<(Cow<'a, str>, u32, Cow<'a, str>)>,
}

impl Authenticator {
    /// An authenticator that challenges in one realm, with one challenge for each algorithm, the
    /// first preferred. No algorithm means MD5.
    ///
    /// `key` is secret and may outlive a restart; `started` is when this one begins, and nonces
    /// made before it are stale.
    #[must_use]
    pub fn new(key: &[u8; 32], realm: &str, algorithms: &[Algorithm], started: Duration) -> Self {
        let mut authenticator = Self {
            realm: String::new(),
            algorithms: Vec::new(),
            mint: Mint::new(key, started),
            counts: Counts::new(started, NONCES_MAX),
            decoy: Ha1Set::of_password("", "", &format!("{key:?}")),
        };
        authenticator.set_policy(realm, algorithms);
        authenticator
    }

    /// Limits how many nonces in use are remembered; the oldest are forgotten first. At least 1.
    #[must_use]
    pub fn remembering(mut self, nonces_max: usize) -> Self {
        self.counts.limit(nonces_max);
        self
    }

    /// Changes realm and algorithms from the next challenge on.
    pub fn set_policy(&mut self, realm: &str, algorithms: &[Algorithm]) {
        self.realm = realm.to_string();
        self.algorithms = algorithms.to_vec();
        if self.algorithms.is_empty() {
            self.algorithms.push(Algorithm::Md5);
        }
    }

    /// The realm asked for.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The values of the WWW-Authenticate headers for a 401, the preferred algorithm first
    /// (RFC 8760 §2.3). All carry the same nonce, good for that source.
    pub fn challenge(&mut self, now: Duration, source: IpAddr, stale: bool) -> Vec<String> {
        let nonce = self.mint.issue(now, source);
        let value = |algorithm: &Algorithm| {
            let mut value = String::from("Digest realm=");
            push_quoted(&mut value, &self.realm);
            value.push_str(", nonce=\"");
            value.push_str(nonce.as_str());
            value.push_str("\", algorithm=");
            value.push_str(algorithm.token());
            value.push_str(", qop=\"auth\"");
            if stale {
                value.push_str(", stale=true");
            }
            value
        };
        self.algorithms.iter().map(value).collect()
    }

    /// Judges the credentials of a request that came from that address.
    ///
    /// `lookup` knows the HA1s of a user of our realm.
    pub fn verify(
        &mut self,
        now: Duration,
        source: IpAddr,
        request: &Message,
        lookup: impl FnOnce(&str) -> Option<Ha1Set>,
    ) -> Verdict {
        let mut headers = request.auth_headers(HeaderName::Authorization);
        let Some(claim) = headers.find_map(|header| self.claim(&header)) else {
            return Verdict::Challenge { stale: false };
        };
        let known = lookup(&claim.username);
        let right = self.is_right(&claim, request.method().as_str(), known);
        let ours = self.mint.recognise(claim.nonce.as_bytes(), source);
        match (right, ours) {
            (true, Some(nonce)) => {
                let count = claim.counted.as_ref().map(|(_, count, _)| *count);
                self.count(now, nonce, count, claim)
            }
            // Made with another key, for another address, or by somebody else: try with a new one.
            (true, None) => Verdict::Challenge { stale: true },
            (false, Some(_)) => Verdict::Forbidden {
                username: claim.username.into_owned(),
            },
            (false, None) => Verdict::Challenge { stale: false },
        }
    }

    fn count(
        &mut self,
        now: Duration,
        nonce: u64,
        count: Option<u32>,
        claim: Claim<'_>,
    ) -> Verdict {
        match self.counts.take(now, nonce, count) {
            Count::Fresh => Verdict::Accepted {
                username: claim.username.into_owned(),
            },
            Count::Stale => Verdict::Challenge { stale: true },
        }
    }

    /// Reads credentials for our realm in an algorithm we asked for; `None` if they are none.
    fn claim<'a>(&self, header: &AuthHeader<'a>) -> Option<Claim<'a>> {
        let algorithm = match header.get("algorithm") {
            Some(token) => Algorithm::from_token(token.as_bytes())?,
            None => Algorithm::Md5,
        };
        let counted = match header.get("qop") {
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                let nc = header.get("nc")?;
                let count = u32::from_str_radix(&nc, 16).ok()?;
                Some((nc, count, header.get("cnonce")?))
            }
            Some(_) => return None,
            None => None,
        };
        let ours = header.is_digest()
            && header.get("realm")? == self.realm.as_str()
            && self.algorithms.contains(&algorithm);
        ours.then_some(())?;
        Some(Claim {
            username: header.get("username")?,
            nonce: header.get("nonce")?,
            uri: header.get("uri")?,
            response: header.get("response")?,
            algorithm,
            counted,
        })
    }

    /// Whether the claim's response knows the password; computed in full even for no user at all.
    fn is_right(&self, claim: &Claim<'_>, method: &str, known: Option<Ha1Set>) -> bool {
        let kept = known.and_then(|set| set.of(claim.algorithm));
        let Some(ha1) = kept.or_else(|| self.decoy.of(claim.algorithm)) else {
            return false;
        };
        let proof = Proof {
            nonce: claim.nonce.as_bytes(),
            method: method.as_bytes(),
            uri: claim.uri.as_bytes(),
            counted: claim
                .counted
                .as_ref()
                .map(|(nc, _, cnonce)| (nc.as_bytes(), cnonce.as_bytes())),
        };
        let ours = proof.response(&ha1).hex();
        same_secret(ours.as_bytes(), claim.response.as_bytes()) && kept.is_some()
    }

    /// How many nonces in use are remembered.
    #[must_use]
    pub fn nonces(&self) -> usize {
        self.counts.len()
    }
}

#[cfg(test)]
mod tests;
