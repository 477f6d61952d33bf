//! Seals the passwords of a centre, and keeps those that a change does not mention.

use std::sync::Arc;

use super::{Centre, Kind, Resource, ResourceFault, Trunk, User};
use crate::Snapshot;
use crate::values::{Sealer, Secret};

impl User {
    /// Seals what is plain.
    pub fn seal(&mut self, sealer: &dyn Sealer) {
        seal_with(&mut self.password, |plain| Some(sealer.login(plain)));
        let extension = self.extension.as_deref();
        seal_with(&mut self.sip_password, |plain| {
            Some(sealer.digest(extension?, plain))
        });
    }

    /// Takes over the secrets of its former self where it has none: an API's answer shows none, so
    /// that what comes back has none.
    pub fn keep_secrets_of(&mut self, former: &Self) {
        self.password = self.password.take().or_else(|| former.password.clone());
        if self.extension.is_some() {
            self.sip_password = self
                .sip_password
                .take()
                .or_else(|| former.sip_password.clone());
        }
    }

    fn has_plain_secret(&self) -> bool {
        [&self.password, &self.sip_password]
            .into_iter()
            .flatten()
            .any(is_plain)
    }
}

impl Trunk {
    /// Seals what is plain.
    pub fn seal(&mut self, sealer: &dyn Sealer) {
        let username = self.username.as_deref();
        seal_with(&mut self.password, |plain| {
            Some(sealer.digest(username?, plain))
        });
    }

    /// Takes over the password of its former self where it has none.
    pub fn keep_secrets_of(&mut self, former: &Self) {
        if self.username.is_some() {
            self.password = self.password.take().or_else(|| former.password.clone());
        }
    }
}

impl Centre {
    /// Seals every plain password. Sealing a login's password takes tens of milliseconds by
    /// design, so [`Centre::merge`] comes first: it leaves the new users' only.
    pub fn seal(&mut self, sealer: &dyn Sealer) {
        for user in self
            .users
            .values_mut()
            .filter(|user| user.has_plain_secret())
        {
            Arc::make_mut(user).seal(sealer);
        }
        for trunk in self.trunks.values_mut() {
            if trunk.password.as_ref().is_some_and(is_plain) {
                Arc::make_mut(trunk).seal(sealer);
            }
        }
    }

    /// Sealed digest passwords contain the user name and the realm they were made for. Finds those with which nobody could
    /// log in: whose extension or user name has changed since, and new ones that were made for another realm.
    pub fn stale_secrets(&self, before: &Snapshot) -> Vec<ResourceFault> {
        let former = &before.centre;
        let users = self.users.values().filter_map(|user| {
            let old = former.users.get(user.key());
            let fate = Fate {
                secret: user.sip_password.as_ref()?,
                old: old.and_then(|old| old.sip_password.as_ref()),
                is_renamed: old.is_some_and(|old| old.extension != user.extension),
            };
            fate.fault(&**user, "sip_password", "extension", before)
        });
        let trunks = self.trunks.values().filter_map(|trunk| {
            let old = former.trunks.get(trunk.key());
            let fate = Fate {
                secret: trunk.password.as_ref()?,
                old: old.and_then(|old| old.password.as_ref()),
                is_renamed: old.is_some_and(|old| old.username != trunk.username),
            };
            fate.fault(&**trunk, "password", "username", before)
        });
        users.chain(trunks).collect()
    }

    /// Those whose sealed digest password was made for another realm than this one, `sip.domain`: with it they cannot
    /// register any more. Users come before trunks, each by name.
    pub fn secrets_of_other_realms(&self, realm: &str) -> Vec<(Kind, &str)> {
        let is_other = |secret: &Option<Secret>| is_for_another(secret.as_ref(), realm);
        let users = self.users.values();
        let users = users.filter(|user| is_other(&user.sip_password));
        let trunks = self.trunks.values();
        let trunks = trunks.filter(|trunk| is_other(&trunk.password));
        let users = users.map(|user| (Kind::User, user.key()));
        users
            .chain(trunks.map(|trunk| (Kind::Trunk, trunk.key())))
            .collect()
    }
}

fn is_for_another(secret: Option<&Secret>, realm: &str) -> bool {
    let made_for = secret.and_then(Secret::realm);
    made_for.is_some_and(|made_for| made_for != realm)
}

/// What becomes of a digest password in a change.
struct Fate<'a> {
    secret: &'a Secret,
    old: Option<&'a Secret>,
    /// What it was made for is called otherwise now.
    is_renamed: bool,
}

impl Fate<'_> {
    fn fault<T: Resource>(
        &self,
        resource: &T,
        field: &str,
        username: &str,
        before: &Snapshot,
    ) -> Option<ResourceFault> {
        let is_kept = !is_plain(self.secret) && self.old == Some(self.secret);
        let realm = &*before.settings.sip.domain;
        if is_kept && self.is_renamed {
            let message = format!("`{field}` was made for another `{username}`");
            let help = format!("give `{field}` again together with the new `{username}`");
            Some(fault(resource, field, message, help))
        } else if !is_kept && is_for_another(Some(self.secret), realm) {
            let made_for = self.secret.realm().unwrap_or_default();
            let message =
                format!("`{field}` was made for \"{made_for}\", but `sip.domain` is \"{realm}\"");
            let help = "write the password itself: its hash is good for one domain only";
            Some(fault(resource, field, message, help.to_owned()))
        } else {
            None
        }
    }
}

fn fault<T: Resource>(resource: &T, field: &str, message: String, help: String) -> ResourceFault {
    ResourceFault {
        kind: T::KIND,
        name: resource.key().to_owned(),
        field: field.to_owned(),
        message,
        help,
    }
}

fn is_plain(secret: &Secret) -> bool {
    secret.plain().is_some()
}

fn seal_with(secret: &mut Option<Secret>, seal: impl FnOnce(&str) -> Option<String>) {
    let sealed = secret.as_ref().and_then(Secret::plain).and_then(seal);
    if let Some(sealed) = sealed {
        *secret = Some(Secret::Hashed(sealed));
    }
}
