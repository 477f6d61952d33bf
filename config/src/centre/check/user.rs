//! Users who can be told apart and rung, whose callers get somewhere, and of whom one can administer the centre.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{Centre, FIRST_ADMINISTRATOR, Kind, Queue, Resource as _, User};
use super::{Checker, CrossFault, ResourceFault, is_repeated};
use crate::values::{Destination, Role};

impl Checker<'_> {
    pub(super) fn check_user(&mut self, user: &User) {
        let assigned: Vec<&str> = user
            .queues
            .iter()
            .map(|assignment| &*assignment.queue)
            .collect();
        for (index, queue) in assigned.iter().enumerate() {
            let field = format!("queues[{index}]");
            if is_repeated(&assigned, index, queue) {
                self.fault(
                    user,
                    field,
                    format!("\"{queue}\" stands there twice"),
                    "write it once",
                );
            } else {
                self.check_name::<_, Queue>(user, &field, queue);
            }
        }
        if user.sip_password.is_some() && user.extension.is_none() {
            let help = "write extension = \"1001\", which is also the phone's user name";
            self.fault(
                user,
                "sip_password",
                "a phone needs an extension to register as",
                help,
            );
            self.caused_by(&["extension"]);
        }
        self.check_destination(user, "when_unavailable", user.when_unavailable.as_ref());
        if let Some(Destination::User(name)) = &user.when_unavailable
            && *name == user.username
        {
            let help = "send them to a queue or to another user";
            self.fault(
                user,
                "when_unavailable",
                "sends callers back to the same user",
                help,
            );
        }
    }
    /// Names that differ in case only would be one to those who type them, and so would `me`, which stands for oneself.
    pub(super) fn check_usernames(&mut self) {
        let centre = self.centre;
        let mut users: Vec<&Arc<User>> = centre.users.values().collect();
        users.sort_by_key(|user| (self.turn)(Kind::User, &user.username));
        let mut taken: BTreeMap<String, &str> = BTreeMap::new();
        for user in users {
            let plain = user.username.to_ascii_lowercase();
            if plain == "me" {
                let message = "\"me\" stands for oneself";
                self.fault(&**user, "username", message, "choose another name");
            } else if let Some(other) = taken.insert(plain, &user.username) {
                let message = format!("that is user \"{other}\" in other letters");
                let help = "user names are one in upper and lower case; choose another";
                self.fault(&**user, "username", message, help);
            }
        }
    }
}

impl Centre {
    /// What is wrong with a change from `before` after which nobody could administer the centre: the first start makes
    /// an administrator only where there never was one, and where the name is free. `in_file` are the users the change
    /// speaks of.
    pub(in crate::centre) fn lost_administrators(
        &self,
        before: &Self,
        in_file: &Self,
    ) -> Option<CrossFault> {
        if self.administrators().next().is_some() {
            return None;
        }
        let stays = |user: &&Arc<User>| self.users.contains_key(user.key());
        let mut former = before.administrators();
        if let Some(last) = former
            .find(stays)
            .or_else(|| before.administrators().next())
        {
            return Some(self.last_administrator(last));
        }
        let first = in_file.users.get(FIRST_ADMINISTRATOR)?;
        let is_new = !before.users.contains_key(FIRST_ADMINISTRATOR);
        is_new.then(|| {
            let why = "nobody could administer the centre, and this is the name of whom the first start would make";
            not_administering(first, why)
        })
    }

    fn last_administrator(&self, last: &User) -> CrossFault {
        match self.users.get(last.key()) {
            Some(user) => not_administering(user, "this is the last administrator who can log in"),
            None => CrossFault {
                fault: ResourceFault {
                    kind: Kind::User,
                    name: last.key().to_owned(),
                    field: String::new(),
                    message: "this is the last administrator who can log in, and would be deleted"
                        .into(),
                    help: format!(
                        "add [[users]] with username = \"{}\" and role = \"administrator\" (the password stays), or \
                         another administrator with a password",
                        last.username
                    ),
                },
                caused_by: &[],
            },
        }
    }
}

/// Names the field for whose sake this user cannot administer the centre.
fn not_administering(user: &User, message: &str) -> CrossFault {
    let (field, help) = if user.role != Role::Administrator {
        ("role", "write role = \"administrator\"")
    } else if !user.enabled {
        ("enabled", "write enabled = true")
    } else {
        ("password", "give a password")
    };
    CrossFault {
        fault: ResourceFault {
            kind: Kind::User,
            name: user.key().to_owned(),
            field: field.to_owned(),
            message: message.to_owned(),
            help: format!("{help}, or add another administrator with a password"),
        },
        caused_by: &["role", "enabled", "password"],
    }
}
