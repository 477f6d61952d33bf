//! The arithmetic of digest: HA1, HA2 and the response (RFC 7616 §3.4, RFC 8760 §2).
//!
//! Owns the algorithms and the stored form of a password. Knows nothing of headers or nonces.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use hmac::digest::Digest;
use md5::Md5;
use sha2::Sha256;

/// A digest algorithm of RFC 8760 that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// What every phone knows, and what a challenge without `algorithm` means (RFC 7616 §3.3).
    Md5,
    /// RFC 8760's stronger one.
    Sha256,
}

impl Algorithm {
    /// The token that names it in a header.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    /// The algorithm of that name, in any case; `None` for those we don't speak, `-sess` among them.
    #[must_use]
    pub fn from_token(token: &[u8]) -> Option<Self> {
        [Self::Md5, Self::Sha256]
            .into_iter()
            .find(|known| token.eq_ignore_ascii_case(known.token().as_bytes()))
    }

    /// Hashes the parts with a colon between them.
    fn hash(self, parts: &[&[u8]]) -> Hash {
        match self {
            Self::Md5 => Hash::new(&joined::<Md5>(parts)),
            Self::Sha256 => Hash::new(&joined::<Sha256>(parts)),
        }
    }
}

fn joined<D: Digest>(parts: &[&[u8]]) -> hmac::digest::Output<D> {
    let mut hasher = D::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    hasher.finalize()
}

/// The longest hash we handle, in octets.
const HASH_MAX: usize = 32;

/// A hash of either algorithm, compared without telling by time where two differ.
#[derive(Clone, Copy)]
pub(crate) struct Hash {
    octets: [u8; HASH_MAX],
    len: usize,
}

impl Hash {
    fn new(octets: &[u8]) -> Self {
        let mut hash = Self {
            octets: [0; HASH_MAX],
            len: octets.len().min(HASH_MAX),
        };
        for (into, from) in hash.octets.iter_mut().zip(octets) {
            *into = *from;
        }
        hash
    }

    /// The hash as the lower-case hex text that digest hashes again and sends.
    pub(crate) fn hex(&self) -> Hex {
        Hex::new(self.octets.get(..self.len).unwrap_or_default())
    }
}

/// Lower-case hex of up to 32 octets, without allocating.
#[derive(Clone, Copy)]
pub(crate) struct Hex {
    text: [u8; 2 * HASH_MAX],
    len: usize,
}

impl Hex {
    pub(crate) fn new(octets: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 2 * HASH_MAX];
        for (pair, octet) in text.chunks_exact_mut(2).zip(octets) {
            pair[0] = DIGITS[usize::from(octet >> 4)];
            pair[1] = DIGITS[usize::from(octet & 15)];
        }
        Self {
            text,
            len: 2 * octets.len().min(HASH_MAX),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// Compares two texts, ignoring the case of letters, in a time that depends on their lengths only.
///
/// Hex digits of a response may come in either case from old phones.
pub(crate) fn same_secret(ours: &[u8], theirs: &[u8]) -> bool {
    let differing = ours
        .iter()
        .zip(theirs)
        .fold(0, |sum, (a, b)| sum | (a ^ b.to_ascii_lowercase()));
    ours.len() == theirs.len() && core::hint::black_box(differing) == 0
}

/// What stands for one user's password with one algorithm: `H(username:realm:password)`.
///
/// As good as the password for answering challenges of that realm, so it never shows in `Debug`.
#[derive(Clone, Copy)]
pub struct Ha1 {
    algorithm: Algorithm,
    hash: Hash,
}

impl Ha1 {
    /// The algorithm it was made with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// From its lower- or upper-case hex text; `None` unless it has the algorithm's length.
    #[must_use]
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Option<Self> {
        let len = match algorithm {
            Algorithm::Md5 => 16,
            Algorithm::Sha256 => 32,
        };
        if hex.len() != 2 * len || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let mut octets = [0; HASH_MAX];
        for (index, octet) in octets.iter_mut().take(len).enumerate() {
            *octet = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
        }
        Some(Self {
            algorithm,
            hash: Hash { octets, len },
        })
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Ha1({}, secret)", self.algorithm.token())
    }
}

/// Makes the HA1 of a password (RFC 7616 §3.4.2, `A1` without `-sess`).
#[must_use]
pub fn ha1(username: &str, realm: &str, password: &str, algorithm: Algorithm) -> Ha1 {
    let parts = [username.as_bytes(), realm.as_bytes(), password.as_bytes()];
    Ha1 {
        algorithm,
        hash: algorithm.hash(&parts),
    }
}

/// How the stored form begins.
const HA1: &str = "ha1:";
/// How the part begins that names the realm.
const REALM: &str = "realm=";

/// The HA1s kept for one user, one for each algorithm that may be asked of them.
///
/// Its text form is `ha1:md5=HEX,sha-256=HEX`, each part optional, at least one there. The realm they were made for may
/// stand in front, `ha1:realm=example.org,md5=HEX`, for whoever keeps the text; it is passed over here.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ha1Set {
    md5: Option<Ha1>,
    sha256: Option<Ha1>,
}

impl Ha1Set {
    /// All HA1s of a password.
    #[must_use]
    pub fn of_password(username: &str, realm: &str, password: &str) -> Self {
        Self {
            md5: Some(ha1(username, realm, password, Algorithm::Md5)),
            sha256: Some(ha1(username, realm, password, Algorithm::Sha256)),
        }
    }

    /// The HA1 of that algorithm, if one is kept.
    #[must_use]
    pub const fn of(&self, algorithm: Algorithm) -> Option<Ha1> {
        match algorithm {
            Algorithm::Md5 => self.md5,
            Algorithm::Sha256 => self.sha256,
        }
    }

    /// The stored form with the realm they were made for, which contains no comma.
    #[must_use]
    pub fn to_text_for(&self, realm: &str) -> String {
        alloc::format!("{HA1}{REALM}{realm},{}", Parts(self))
    }

    /// Adds an HA1, in place of one of the same algorithm.
    pub const fn insert(&mut self, ha1: Ha1) {
        match ha1.algorithm {
            Algorithm::Md5 => self.md5 = Some(ha1),
            Algorithm::Sha256 => self.sha256 = Some(ha1),
        }
    }
}

/// The text is not `ha1:md5=HEX,sha-256=HEX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not of the form ha1:md5=HEX,sha-256=HEX")]
pub struct NotHa1Set;

impl FromStr for Ha1Set {
    type Err = NotHa1Set;

    fn from_str(text: &str) -> Result<Self, NotHa1Set> {
        let mut set = Self::default();
        let mut parts = text.strip_prefix(HA1).ok_or(NotHa1Set)?;
        if parts.starts_with(REALM) {
            (_, parts) = parts.split_once(',').ok_or(NotHa1Set)?;
        }
        for part in parts.split(',') {
            let (name, hex) = part.split_once('=').ok_or(NotHa1Set)?;
            let algorithm = Algorithm::from_token(name.as_bytes()).ok_or(NotHa1Set)?;
            if set.of(algorithm).is_some() {
                return Err(NotHa1Set);
            }
            set.insert(Ha1::from_hex(algorithm, hex).ok_or(NotHa1Set)?);
        }
        Ok(set)
    }
}

/// The stored form, hex of the secrets included: for the store and `export`, not for logs.
impl fmt::Display for Ha1Set {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{HA1}{}", Parts(self))
    }
}

/// The HA1s of a set as text, with commas between them.
struct Parts<'a>(&'a Ha1Set);

impl fmt::Display for Parts<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for ha1 in [self.0.md5, self.0.sha256].into_iter().flatten() {
            let name = ha1.algorithm.token().to_ascii_lowercase();
            write!(out, "{before}{name}={}", ha1.hash.hex().as_str())?;
            before = ",";
        }
        Ok(())
    }
}

/// What a response is computed over, besides the HA1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proof<'a> {
    pub(crate) nonce: &'a [u8],
    /// Method of the request.
    pub(crate) method: &'a [u8],
    /// The `uri` parameter, as sent.
    pub(crate) uri: &'a [u8],
    /// `nc` and `cnonce` as sent, with `qop=auth`; `None` for phones of RFC 2069.
    pub(crate) counted: Option<(&'a [u8], &'a [u8])>,
}

impl Proof<'_> {
    /// The `response` that knows the HA1 (RFC 7616 §3.4.1).
    pub(crate) fn response(&self, ha1: &Ha1) -> Hash {
        let algorithm = ha1.algorithm;
        let (ha1, ha2) = (
            ha1.hash.hex(),
            algorithm.hash(&[self.method, self.uri]).hex(),
        );
        match self.counted {
            Some((nc, cnonce)) => algorithm.hash(&[
                ha1.as_bytes(),
                self.nonce,
                nc,
                cnonce,
                b"auth",
                ha2.as_bytes(),
            ]),
            None => algorithm.hash(&[ha1.as_bytes(), self.nonce, ha2.as_bytes()]),
        }
    }
}

/// Writes `text` into `out` as a quoted string, escaping what must be (RFC 3261 §25.1).
///
/// Control characters are dropped: a header line may not contain them, escaped or not.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    struct Vector {
        name: &'static str,
        algorithm: Algorithm,
        user: (&'static str, &'static str, &'static str),
        nonce: &'static str,
        method: &'static str,
        uri: &'static str,
        counted: Option<(&'static str, &'static str)>,
        expected: &'static str,
    }

    /// Worked examples of RFC 2617 §3.5, RFC 7616 §3.9.1 and RFC 2069 §2.4 (with its erratum).
    const VECTORS: &[Vector] = &[
        Vector {
            name: "RFC 2617 3.5",
            algorithm: Algorithm::Md5,
            user: ("Mufasa", "testrealm@host.com", "Circle Of Life"),
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            method: "GET",
            uri: "/dir/index.html",
            counted: Some(("00000001", "0a4f113b")),
            expected: "6629fae49393a05397450978507c4ef1",
        },
        Vector {
            name: "RFC 7616 3.9.1 MD5",
            algorithm: Algorithm::Md5,
            user: ("Mufasa", "http-auth@example.org", "Circle of Life"),
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            method: "GET",
            uri: "/dir/index.html",
            counted: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
            expected: "8ca523f5e9506fed4657c9700eebdbec",
        },
        Vector {
            name: "RFC 7616 3.9.1 SHA-256",
            algorithm: Algorithm::Sha256,
            user: ("Mufasa", "http-auth@example.org", "Circle of Life"),
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            method: "GET",
            uri: "/dir/index.html",
            counted: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
            expected: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        },
        Vector {
            name: "RFC 2069 2.4, erratum 749",
            algorithm: Algorithm::Md5,
            user: ("Mufasa", "testrealm@host.com", "CircleOfLife"),
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            method: "GET",
            uri: "/dir/index.html",
            counted: None,
            expected: "1949323746fe6a43ef61f9606e7febea",
        },
    ];

    fn check(vector: &Vector) {
        let (username, realm, password) = vector.user;
        let proof = Proof {
            nonce: vector.nonce.as_bytes(),
            method: vector.method.as_bytes(),
            uri: vector.uri.as_bytes(),
            counted: vector
                .counted
                .map(|(nc, cnonce)| (nc.as_bytes(), cnonce.as_bytes())),
        };
        let response = proof.response(&ha1(username, realm, password, vector.algorithm));
        assert_eq!(response.hex().as_str(), vector.expected, "{}", vector.name);
    }

    #[test]
    fn responses_are_those_of_the_rfcs() {
        VECTORS.iter().for_each(check);
    }

    #[test]
    fn a_set_survives_its_text_form() {
        let set = Ha1Set::of_password("1001", "example.org", "secret");
        let text = set.to_string();
        assert_eq!(
            text.parse::<Ha1Set>().unwrap().to_string(),
            text,
            "text form is stable"
        );
        assert!(text.starts_with("ha1:md5="), "{text}");
        let for_realm = set.to_text_for("example.org");
        assert!(
            for_realm.starts_with("ha1:realm=example.org,md5="),
            "{for_realm}"
        );
        assert_eq!(for_realm.parse::<Ha1Set>().unwrap().to_string(), text);
    }

    #[test]
    fn other_texts_are_no_set() {
        let md5 = "0123456789abcdef0123456789abcdef";
        for (name, text) in [
            ("empty", ""),
            ("no algorithm", "ha1:"),
            ("a realm and no algorithm", "ha1:realm=example.org"),
            ("a password", "secret"),
            ("too short", "ha1:md5=0123"),
            ("not hex", "ha1:md5=x123456789abcdef0123456789abcdef"),
            ("not ascii", "ha1:md5=é23456789abcdef0123456789abcdef"),
            ("unknown algorithm", "ha1:sha-1=0123"),
        ] {
            assert_eq!(text.parse::<Ha1Set>().err(), Some(NotHa1Set), "{name}");
        }
        let twice = alloc::format!("ha1:md5={md5},md5={md5}");
        assert!(twice.parse::<Ha1Set>().is_err());
    }

    #[test]
    fn a_secret_never_shows_in_debug() {
        let set = Ha1Set::of_password("1001", "example.org", "secret");
        let shown = alloc::format!("{set:?}");
        let stored = set.to_string();
        let md5 = &stored["ha1:md5=".len()..][..32];
        assert!(!shown.contains(md5), "{shown}");
    }

    #[test]
    fn secrets_compare_whole_and_in_any_case() {
        for (ours, theirs, expected) in [
            ("abc0", "abc0", true),
            ("abc0", "ABC0", true),
            ("abc0", "abc1", false),
            ("abc0", "abc", false),
            ("abc0", "", false),
            ("", "", true),
        ] {
            assert_eq!(same_secret(ours.as_bytes(), theirs.as_bytes()), expected);
        }
    }
}
