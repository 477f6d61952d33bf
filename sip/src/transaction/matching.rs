//! Which transaction a request belongs to (RFC 3261 §17.2.3), and what else names it.
//!
//! A request of our century is known by branch, sent-by and method; one of RFC 2543 by the headers
//! that stay the same when it is repeated. Beside that every request has an *origin*, the same on
//! whatever way it comes: it tells merged requests (§8.2.2.2) and finds the INVITE that the ACK to
//! a 2xx belongs to.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher13 as SipHasher13To128};
use smallvec::SmallVec;

use crate::{Message, Method};

/// What names a server transaction, compared whole.
pub(crate) type MatchKey = SmallVec<[u8; 128]>;

/// Writes the key under which the request is, or its INVITE if it is an ACK or CANCEL.
pub(crate) fn match_key(message: &Message, method: Method<'_>) -> MatchKey {
    let mut key = MatchKey::new();
    let mut part = |text: &[u8]| {
        // The lengths are in the key, so that no two lists of parts look alike.
        key.extend_from_slice(&(text.len() as u32).to_be_bytes());
        key.extend_from_slice(text);
    };
    let via = message.via();
    part(method.as_str().as_bytes());
    if let Some(branch) = via.magic_branch() {
        part(branch.as_bytes());
        part(via.host().as_bytes());
        part(&via.port().unwrap_or_default().to_be_bytes());
    } else {
        part(
            message
                .request_uri()
                .map_or("", |uri| uri.as_str())
                .as_bytes(),
        );
        part(message.from_tag().unwrap_or_default().as_bytes());
        part(message.call_id().as_bytes());
        part(&message.cseq().number.to_be_bytes());
        part(via.as_bytes());
    }
    key
}

/// What a request is, on whatever way it came: a keyed hash too wide to be met by chance or design.
pub(crate) type Origin = u128;

/// The keyed hashes of the tables.
pub(crate) struct Hashes {
    narrow: SipHasher13,
    wide: SipHasher13To128,
}

impl Hashes {
    pub(crate) fn new(secret: (u64, u64)) -> Self {
        Self {
            narrow: SipHasher13::new_with_keys(secret.0, secret.1),
            wide: SipHasher13To128::new_with_keys(secret.0, secret.1),
        }
    }

    /// The place of a key in the table.
    pub(crate) fn of_key(&self, key: &[u8]) -> u64 {
        let mut hasher = self.narrow;
        hasher.write(key);
        hasher.finish()
    }

    /// The origin of the request, taken for one of that method.
    pub(crate) fn origin(&self, message: &Message, method: Method<'_>) -> Origin {
        let mut hasher = self.wide;
        let mut part = |text: &[u8]| {
            hasher.write_u64(text.len() as u64);
            hasher.write(text);
        };
        part(method.as_str().as_bytes());
        part(message.call_id().as_bytes());
        part(message.from_tag().unwrap_or_default().as_bytes());
        part(&message.cseq().number.to_be_bytes());
        hasher.finish128().into()
    }

    /// A To-tag for answers that no transaction remembers: the same for the same request again.
    pub(crate) fn tag(&self, message: &Message) -> u64 {
        let mut hasher = self.narrow;
        hasher.write(b"tag");
        hasher.write(&self.origin(message, Method::Invite).to_be_bytes());
        hasher.finish()
    }
}
