//! Phones that can no longer prove their password, because it was hashed for another domain.
//!
//! What is kept of a phone's or trunk's password is a hash that contains the realm, `sip.domain` (RFC 7616 §3.4.2): with
//! another domain it proves nothing, and nobody can work out the new hash from the old one. So it is said who needs a new one.

use config::Centre;

/// How many are named.
const NAMED: usize = 5;

/// Writes a warning when phones or trunks cannot register with this domain.
pub(crate) fn warn(centre: &Centre, domain: &str) {
    if let Some(text) = warning(centre, domain) {
        tracing::warn!("{text}");
    }
}

fn warning(centre: &Centre, domain: &str) -> Option<String> {
    let cut_off = centre.secrets_of_other_realms(domain);
    if cut_off.is_empty() {
        return None;
    }
    let mut names: Vec<String> = cut_off
        .iter()
        .take(NAMED)
        .map(|(kind, name)| format!("{kind} {name}"))
        .collect();
    if cut_off.len() > NAMED {
        names.push(format!("{} more", cut_off.len() - NAMED));
    }
    Some(format!(
        "cannot register with sip.domain = {domain:?}, since their passwords were hashed for another domain: {}; \
         set `sip_password` of these users and `password` of these trunks again",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::centre::seal;

    #[test]
    fn those_who_cannot_register_are_counted_and_the_first_are_named() {
        let user = |n: u32| {
            format!(
                "[[users]]\nusername = \"u{n}\"\nextension = \"10{n}\"\nsip_password = \"secret\"\n"
            )
        };
        let users: String = (0..6).map(user).collect();
        let others = "[[users]]\nusername = \"no-phone\"\n[[trunks]]\nname = \"branch\"\nkind = \"inbound\"\n\
                      username = \"branch\"\npassword = \"secret\"\n";
        let mut centre = config::parse_centre(&(users + others), "test").unwrap();
        seal(&mut centre, "old.example").unwrap();
        assert_eq!(warning(&centre, "old.example"), None);
        let text = warning(&centre, "new.example").unwrap();
        for part in ["\"new.example\"", "user u0, ", "user u4, 2 more;"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        centre.users.clear();
        let text = warning(&centre, "new.example").unwrap();
        assert!(text.contains(": trunk branch;"), "{text}");
    }
}
