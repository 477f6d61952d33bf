//! Seals the passwords of a centre, and keeps those that a change does not mention.

use std::sync::Arc;

use super::{Centre, Resource, ResourceFault, Trunk, User};
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

    /// Sealed digest passwords contain the user name they were made for. Finds those whose
    /// extension or user name has changed since, and who could not log in any more.
    pub fn stale_secrets(&self, former: &Self) -> Vec<ResourceFault> {
        let users = self.users.values().filter_map(|user| {
            let old = former.users.get(user.key())?;
            let stale =
                is_stale(&user.sip_password, &old.sip_password) && user.extension != old.extension;
            stale.then(|| stale_fault(&**user, "sip_password", "extension"))
        });
        let trunks = self.trunks.values().filter_map(|trunk| {
            let old = former.trunks.get(trunk.key())?;
            let stale = is_stale(&trunk.password, &old.password) && trunk.username != old.username;
            stale.then(|| stale_fault(&**trunk, "password", "username"))
        });
        users.chain(trunks).collect()
    }
}

fn stale_fault<T: Resource>(resource: &T, field: &str, changed: &str) -> ResourceFault {
    ResourceFault {
        kind: T::KIND,
        name: resource.key().to_owned(),
        field: field.to_owned(),
        message: format!("`{field}` was made for another `{changed}`"),
        help: format!("give `{field}` again together with the new `{changed}`"),
    }
}

fn is_plain(secret: &Secret) -> bool {
    secret.plain().is_some()
}

fn is_stale(new: &Option<Secret>, old: &Option<Secret>) -> bool {
    matches!(new, Some(Secret::Hashed(_))) && new == old
}

fn seal_with(secret: &mut Option<Secret>, seal: impl FnOnce(&str) -> Option<String>) {
    let sealed = secret.as_ref().and_then(Secret::plain).and_then(seal);
    if let Some(sealed) = sealed {
        *secret = Some(Secret::Hashed(sealed));
    }
}
