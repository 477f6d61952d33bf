//! The branches we put into our Vias: told from all others without a table.
//!
//! A branch names its transaction and carries a keyed hash of that name, so that a response finds
//! its transaction by position, a guessed one finds nothing, and a late 2xx is known to be an
//! answer to us, even to one of our lives before a restart. Its first part is the same for all branches of one instance: a request that comes
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
    instance: u64,
    keyed: SipHasher13,
}

impl Branches {
    pub(crate) fn new(instance: u64, secret: (u64, u64)) -> Self {
        let prefix = format!("{COOKIE}-lf{instance:x}.");
        Self {
            prefix,
            instance,
            keyed: SipHasher13::new_with_keys(secret.0, secret.1),
        }
    }

    /// The branch of the transaction of that name.
    pub(crate) fn of(&self, key: Key) -> String {
        format!(
            "{}{key:x}.{:016x}",
            self.prefix,
            self.proof(self.instance, key)
        )
    }

    /// The name in a branch that we made; `None` for any other.
    pub(crate) fn recognise(&self, branch: &str) -> Option<Key> {
        self.proven(self.instance, branch.strip_prefix(self.prefix.as_str())?)
    }

    /// Whether a branch was made by another instance with our secret: by this engine before a restart.
    pub(crate) fn is_of_another_life(&self, branch: &str) -> bool {
        let rest = branch
            .strip_prefix(COOKIE)
            .and_then(|rest| rest.strip_prefix("-lf"));
        let Some((instance, named)) = rest.and_then(|rest| rest.split_once('.')) else {
            return false;
        };
        let instance = u64::from_str_radix(instance, 16).ok();
        let another = instance.filter(|instance| *instance != self.instance);
        another.is_some_and(|instance| self.proven(instance, named).is_some())
    }

    /// The name in `KEY.PROOF`, if that instance wrote it.
    fn proven(&self, instance: u64, named: &str) -> Option<Key> {
        let (key, proof) = named.split_once('.')?;
        let key = Key::from_str_radix(key, 16).ok()?;
        let proof = u64::from_str_radix(proof, 16).ok()?;
        (proof == self.proof(instance, key)).then_some(key)
    }

    /// Whether a Via value, of one or several Vias, has a branch of this instance in it.
    pub(crate) fn is_in(&self, via: &[u8]) -> bool {
        memmem::find(via, self.prefix.as_bytes()).is_some()
    }

    fn proof(&self, instance: u64, key: Key) -> u64 {
        let mut hasher = self.keyed;
        hasher.write_u64(instance);
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
    fn a_branch_of_before_a_restart_is_known_as_ours_but_names_nothing() {
        let (before, now) = (Branches::new(1, (1, 2)), Branches::new(2, (1, 2)));
        let branch = before.of(3);
        assert!(now.is_of_another_life(&branch));
        assert_eq!(now.recognise(&branch), None);
        assert!(!now.is_of_another_life(&now.of(3)), "this life");
        assert!(
            !now.is_of_another_life(&Branches::new(1, (1, 3)).of(3)),
            "somebody else"
        );
        let forged = now.of(3).replace("-lf2.", "-lf1.");
        assert!(
            !now.is_of_another_life(&forged),
            "the proof is of the instance too"
        );
        for wrong in [
            "",
            "z9hG4bK",
            "z9hG4bK-lf1.",
            "z9hG4bK-lf1.3",
            "z9hG4bK-lfx.3.4",
        ] {
            assert!(!now.is_of_another_life(wrong), "{wrong}");
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
