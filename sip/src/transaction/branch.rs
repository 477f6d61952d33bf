//! The branches we put into our Vias: told from all others without a table.
//!
//! A branch names its transaction and carries a keyed hash of that name, so that a response finds
//! its transaction by position, a guessed one finds nothing, and a late 2xx is known to be an
//! answer to us. Its first part is the same for all branches of one instance: a request that comes
//! with such a Via has looped.

use alloc::format;
use alloc::string::String;
use core::hash::Hasher;

use memchr::memmem;
use siphasher::sip::SipHasher13;

use super::slab::Key;

/// The magic cookie of RFC 3261 §8.1.1.7.
pub(crate) const COOKIE: &str = "z9hG4bK";

/// Makes branches and knows them again.
pub(crate) struct Branches {
    /// Cookie and instance, with the dot that ends them.
    prefix: String,
    keyed: SipHasher13,
}

impl Branches {
    pub(crate) fn new(instance: u64, secret: (u64, u64)) -> Self {
        let prefix = format!("{COOKIE}-lf{instance:x}.");
        Self {
            prefix,
            keyed: SipHasher13::new_with_keys(secret.0, secret.1),
        }
    }

    /// The branch of the transaction of that name.
    pub(crate) fn of(&self, key: Key) -> String {
        format!("{}{key:x}.{:016x}", self.prefix, self.proof(key))
    }

    /// The name in a branch that we made; `None` for any other.
    pub(crate) fn recognise(&self, branch: &str) -> Option<Key> {
        let ours = branch.strip_prefix(self.prefix.as_str())?;
        let (key, proof) = ours.split_once('.')?;
        let key = Key::from_str_radix(key, 16).ok()?;
        let proof = u64::from_str_radix(proof, 16).ok()?;
        (proof == self.proof(key)).then_some(key)
    }

    /// Whether a Via value, of one or several Vias, has a branch of this instance in it.
    pub(crate) fn is_in(&self, via: &[u8]) -> bool {
        memmem::find(via, self.prefix.as_bytes()).is_some()
    }

    fn proof(&self, key: Key) -> u64 {
        let mut hasher = self.keyed;
        hasher.write_u64(key);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_names_its_transaction() {
        let ours = Branches::new(0x2a, (1, 2));
        let branch = ours.of(0x7_0000_0003);
        assert!(branch.starts_with("z9hG4bK-lf2a.700000003."), "{branch}");
        assert_eq!(ours.recognise(&branch), Some(0x7_0000_0003));
    }

    #[test]
    fn other_branches_name_nothing() {
        let ours = Branches::new(0x2a, (1, 2));
        let foreign_secret = Branches::new(0x2a, (1, 3)).of(3);
        let foreign_instance = Branches::new(0x2b, (1, 2)).of(3);
        for (name, branch) in [
            ("another secret", foreign_secret.as_str()),
            ("another instance", foreign_instance.as_str()),
            ("empty", ""),
            ("bare cookie", "z9hG4bK"),
            ("prefix only", "z9hG4bK-lf2a."),
            ("no proof", "z9hG4bK-lf2a.3"),
            ("empty proof", "z9hG4bK-lf2a.3."),
            ("not hex", "z9hG4bK-lf2a.x.y"),
            (
                "too long",
                "z9hG4bK-lf2a.3.00000000000000000000000000000001",
            ),
        ] {
            assert_eq!(ours.recognise(branch), None, "{name}");
        }
    }

    #[test]
    fn a_via_of_ours_is_seen_anywhere_in_the_line() {
        let ours = Branches::new(0x2a, (1, 2));
        let line = format!(
            "SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch={}",
            ours.of(9)
        );
        assert!(ours.is_in(line.as_bytes()));
        assert!(!ours.is_in(b"SIP/2.0/UDP a;branch=z9hG4bK1"));
        assert!(
            !Branches::new(0x2, (1, 2)).is_in(line.as_bytes()),
            "0x2 is not 0x2a"
        );
    }
}
