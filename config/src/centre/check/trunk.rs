//! Trunks that can be reached, and told apart.

use std::collections::BTreeMap;

use super::super::Trunk;
use super::{Checker, is_repeated};
use crate::values::{SourcePattern, TrunkKind};

impl Checker<'_> {
    pub(super) fn check_trunk(&mut self, trunk: &Trunk) {
        match trunk.kind {
            TrunkKind::Peer => {
                if trunk.address.is_none() && trunk.allow.is_empty() {
                    let help = "write address = \"sip:HOST:PORT\", or allow = [\"ADDRESS\"]";
                    self.fault(trunk, "address", "a peer needs an address or sources", help);
                    self.caused_by(&["kind", "address", "allow"]);
                }
                for (field, given) in [
                    ("username", trunk.username.is_some()),
                    ("password", trunk.password.is_some()),
                ] {
                    if given {
                        let help = "leave it out, or write kind = \"inbound\"";
                        self.fault(trunk, field, "a peer does not log in", help);
                        self.caused_by(&["kind"]);
                    }
                }
            }
            TrunkKind::Inbound => {
                for (field, given) in [
                    ("username", trunk.username.is_some()),
                    ("password", trunk.password.is_some()),
                ] {
                    if !given {
                        let message =
                            format!("`{field}` is missing: an inbound trunk logs in here");
                        self.fault(trunk, field, message, format!("write {field} = \"…\""));
                        self.caused_by(&["username", "password"]);
                    }
                }
                if trunk.address.is_some() {
                    let help = "leave it out, or write kind = \"peer\"";
                    self.fault(
                        trunk,
                        "address",
                        "an inbound trunk's address is where it registers from",
                        help,
                    );
                }
            }
        }
        for (index, codec) in trunk.codecs.iter().enumerate() {
            if is_repeated(&trunk.codecs, index, codec) {
                let field = format!("codecs[{index}]");
                self.fault(
                    trunk,
                    field,
                    format!("\"{codec}\" stands there twice"),
                    "write it once",
                );
            }
        }
        if trunk.codecs.is_empty() {
            self.fault(
                trunk,
                "codecs",
                "without a codec nobody can talk",
                "write [\"pcma\", \"pcmu\"]",
            );
            self.caused_by(&["codecs"]);
        }
        if trunk.numbers.len() > 1 || !trunk.takes_calls() {
            self.check_patterns(trunk);
        }
    }

    fn check_patterns(&mut self, trunk: &Trunk) {
        if !trunk.takes_calls() && !trunk.numbers.is_empty() {
            let help = "write address = \"sip:HOST:PORT\", or leave `numbers` out";
            self.fault(
                trunk,
                "numbers",
                "calls cannot leave by a peer without an address",
                help,
            );
            self.caused_by(&["kind", "address"]);
        }
        for (index, pattern) in trunk.numbers.iter().enumerate() {
            if is_repeated(&trunk.numbers, index, pattern) {
                let field = format!("numbers[{index}]");
                self.fault(
                    trunk,
                    field,
                    format!("\"{pattern}\" stands there twice"),
                    "write it once",
                );
            }
        }
    }

    /// One source names one trunk, and one user name logs in as one.
    pub(super) fn check_trunks_apart(&mut self) {
        let centre = self.centre;
        let mut sources: BTreeMap<SourcePattern, &str> = BTreeMap::new();
        let mut usernames: BTreeMap<&str, String> = BTreeMap::new();
        for user in centre.users.values() {
            if let Some(extension) = user.extension.as_deref() {
                usernames.insert(
                    extension,
                    format!("the phone of user \"{}\"", user.username),
                );
            }
        }
        for trunk in centre.trunks.values() {
            for source in trunk.sources() {
                if let Some(other) = sources.insert(source, &trunk.name) {
                    let at = trunk.allow.iter().position(|allowed| *allowed == source);
                    let field =
                        at.map_or_else(|| "address".to_owned(), |index| format!("allow[{index}]"));
                    let message = if other == &*trunk.name {
                        format!("source {source} stands there twice")
                    } else {
                        format!("source {source} already means trunk \"{other}\"")
                    };
                    self.fault(&**trunk, field, message, "leave it to one of the two");
                }
            }
            let Some(username) = trunk.username.as_deref() else {
                continue;
            };
            let owner = format!("trunk \"{}\"", trunk.name);
            if let Some(other) = usernames.insert(username, owner) {
                let message = format!("{other} logs in as \"{username}\" already");
                self.fault(&**trunk, "username", message, "choose another user name");
            }
        }
    }
}
