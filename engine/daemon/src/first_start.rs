//! The first start: somebody must be able to log in.
//!
//! A store is empty when the daemon starts on it first, or holds what `apply` put there before; as long as nobody
//! among its users can administer it, somebody is made who can.

use std::sync::Arc;

use config::{Centre, FIRST_ADMINISTRATOR, Resource as _, Settings, User};
use serde_json::json;
use store::{CentreChange, Store};

use crate::centre::seal;
use crate::clock::utc_us;
use crate::print::say;
use crate::random;

/// The centre and its version. Where there was no administrator there is one afterwards, whose password is printed this once.
pub(crate) async fn load_or_create(
    store: &Store,
    settings: &Settings,
) -> anyhow::Result<(u64, Arc<Centre>)> {
    let (version, centre) = store.centre().load().await?;
    if centre.administrators().next().is_some() {
        return Ok((version, Arc::new(centre)));
    }
    if centre.users.contains_key(FIRST_ADMINISTRATOR) {
        // Somebody else's user is not changed; `apply` refuses to make such a centre.
        tracing::warn!(
            "nobody can administer the centre: apply a file with a user whose role is \"administrator\", and a password"
        );
        return Ok((version, Arc::new(centre)));
    }
    let password = random::password()?;
    let mut first = centre.clone();
    first.insert(administrator(&password)?);
    seal(&mut first, &settings.sip.domain)?;
    let change = CentreChange {
        old_version: version,
        old: &centre,
        new_version: version + 1,
        new: &first,
        who: "first start",
        utc_us: utc_us(),
    };
    store.centre().save(change).await?;
    store
        .accounts()
        .set_must_change_password(FIRST_ADMINISTRATOR, true)
        .await?;
    say(&format!(
        "administrator password: {password} (shown this once; to be changed at the first login)"
    ));
    Ok((version + 1, Arc::new(first)))
}

fn administrator(password: &str) -> anyhow::Result<User> {
    let fields = json!({
        "username": FIRST_ADMINISTRATOR, "name": "Administrator", "role": "administrator", "password": password,
    });
    User::from_json(&fields)
        .map_err(|faults| anyhow::anyhow!("the first user is at fault: {faults:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_empty_store_gets_one_administrator_once() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/lampfield.db", directory.path().display());
        let store = Store::open(&url, directory.path()).await.unwrap();
        let settings = Settings::default();
        let (version, centre) = load_or_create(&store, &settings).await.unwrap();
        assert_eq!((version, centre.users.len()), (1, 1));
        let user = &centre.users[FIRST_ADMINISTRATOR];
        assert!(user.can_administer());
        assert!(user.password.as_ref().unwrap().plain().is_none());
        assert!(
            store
                .accounts()
                .account(FIRST_ADMINISTRATOR)
                .await
                .unwrap()
                .must_change_password
        );
        let again = load_or_create(&store, &settings).await.unwrap();
        assert_eq!(again, (1, centre));
    }

    /// Also where somebody has the role but no password, and so cannot use it.
    #[tokio::test]
    async fn a_centre_applied_before_the_first_start_gets_its_administrator_too() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/lampfield.db", directory.path().display());
        let store = Store::open(&url, directory.path()).await.unwrap();
        let text = "[[queues]]\nname = \"support\"\n[[users]]\nusername = \"boss\"\nrole = \"administrator\"\n";
        let applied = config::parse_centre(text, "centre.toml").unwrap();
        let change = CentreChange {
            old_version: 0,
            old: &Centre::default(),
            new_version: 1,
            new: &applied,
            who: "apply",
            utc_us: utc_us(),
        };
        store.centre().save(change).await.unwrap();
        let (version, centre) = load_or_create(&store, &Settings::default()).await.unwrap();
        assert_eq!(version, 2);
        assert!(
            centre.queues.contains_key("support") && centre.users.contains_key(FIRST_ADMINISTRATOR)
        );
    }
}
