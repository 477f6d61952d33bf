//! The centre: kept whole, changed by one at a time, every change on record and without secrets; and accounts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Home, START_US};
use config::{Centre, Sealer, Secret, User, WhatChanged, parse_centre};
use std::sync::Arc;
use store::{Account, CentreChange, CentreStore, StoreError, TokenHash};

const DEMO: &str = include_str!("../../config/demo.toml");
/// What the demo centre has nothing of.
const MORE: &str = "[[number_lists]]\nname = \"vip\"\nnumbers = [\"+3120*\"]\n\
    [feature_codes]\npick_up = \"*8\"\n[[aux_codes]]\nname = \"errand\"\n\
    [[wrap_up_codes]]\nname = \"outcome\"\ncodes = [\"solved\"]\n";

/// Seals so that a test can tell the secret again.
struct Marked;

impl Sealer for Marked {
    fn login(&self, plain: &str) -> String {
        format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${plain}")
    }

    fn digest(&self, _: &str, plain: &str) -> String {
        let hex: String = plain.bytes().map(|byte| format!("{byte:02x}")).collect();
        let wide = |length: usize| {
            format!("{hex:0<length$}")
                .chars()
                .take(length)
                .collect::<String>()
        };
        format!("ha1:md5={},sha-256={}", wide(32), wide(64))
    }
}

fn demo() -> Centre {
    let text = format!("{DEMO}\n{MORE}");
    let mut centre = parse_centre(&text, "demo.toml").expect("the demo centre is right");
    centre.seal(&Marked);
    centre
}

async fn save(
    store: &CentreStore,
    old_version: u64,
    old: &Centre,
    new: &Centre,
) -> Result<usize, StoreError> {
    let change = CentreChange {
        old_version,
        old,
        new_version: old_version + 1,
        new,
        who: "sven",
        utc_us: START_US,
    };
    store.save(change).await.map(|changes| changes.len())
}

#[tokio::test]
async fn a_centre_reads_back_as_it_was_saved() {
    let home = Home::new();
    let store = home.open().await;
    assert_eq!(store.centre().load().await.unwrap(), (0, Centre::default()));
    let centre = demo();
    let resources = centre.calendars.len()
        + centre.queues.len()
        + centre.users.len()
        + centre.trunks.len()
        + centre.numbers.len()
        + centre.number_lists.len()
        + centre.feature_codes.len()
        + centre.aux_codes.len()
        + centre.wrap_up_codes.len();
    assert_eq!(
        save(&store.centre(), 0, &Centre::default(), &centre)
            .await
            .unwrap(),
        resources
    );
    store.close().await;
    let store = home.open().await;
    assert_eq!(store.centre().load().await.unwrap(), (1, centre.clone()));
    assert_eq!(
        save(&store.centre(), 1, &centre, &centre).await.unwrap(),
        0,
        "nothing is different"
    );
    assert_eq!(store.centre().load().await.unwrap(), (2, centre));
}

#[tokio::test]
async fn who_comes_second_is_told_so_and_changes_nothing() {
    let home = Home::new();
    let store = home.open().await.centre();
    let centre = demo();
    save(&store, 0, &Centre::default(), &centre).await.unwrap();
    let mut other = centre.clone();
    other.remove::<User>("alice");
    let refused = save(&store, 0, &Centre::default(), &other)
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Stale {
                expected: 0,
                found: 1
            }
        ),
        "{refused}"
    );
    assert_eq!(store.load().await.unwrap(), (1, centre.clone()));
    // Of two at one time, one comes first.
    let (one, two) = tokio::join!(
        save(&store, 1, &centre, &other),
        save(&store, 1, &centre, &other)
    );
    assert_ne!(one.is_ok(), two.is_ok());
    assert_eq!(store.load().await.unwrap(), (2, other));
}

/// AP-C.6: sounds are kept as files; who uploaded which is on record all the same.
#[tokio::test]
async fn uploaded_prompts_are_on_record_and_no_part_of_what_is_stored() {
    let home = Home::new();
    let store = home.open().await.centre();
    let before = demo();
    save(&store, 0, &Centre::default(), &before).await.unwrap();
    let mut after = before.clone();
    let (sha256, clip) = ("ab12".to_owned(), Some(50));
    let prompt = config::Prompt { sha256, clip };
    after.prompts.insert("welcome".into(), prompt);
    assert_eq!(save(&store, 1, &before, &after).await.unwrap(), 0);
    assert_eq!(store.load().await.unwrap(), (2, before.clone()));
    save(&store, 2, &after, &before).await.unwrap();
    let records = store.audit(None, 2).await.unwrap();
    let told: Vec<_> = records
        .iter()
        .map(|record| (&*record.kind, &*record.name, &*record.what, &*record.who))
        .collect();
    let expected = ["removed", "added"].map(|what| ("prompts", "welcome", what, "sven"));
    assert_eq!(told, expected);
    let digest = serde_json::json!({"sha256": "ab12"});
    assert_eq!(
        (&records[1].before, &records[1].after),
        (&None, &Some(digest))
    );
}

#[tokio::test]
async fn every_change_is_on_record_without_secrets() {
    let home = Home::new();
    let store = home.open().await.centre();
    let centre = demo();
    save(&store, 0, &Centre::default(), &centre).await.unwrap();
    let mut changed = centre.clone();
    let alice = Arc::make_mut(changed.users.get_mut("alice").unwrap());
    alice.password = Some(Secret::Hashed(
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$another".into(),
    ));
    alice.email = Some("alice@example.com".parse().unwrap());
    changed.remove::<User>("bob");
    save(&store, 1, &centre, &changed).await.unwrap();

    let records = store.audit(None, 2).await.unwrap();
    let told: Vec<_> = records
        .iter()
        .map(|record| {
            (
                record.kind.as_str(),
                record.name.as_str(),
                record.what.as_str(),
                record.version,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("users", "bob", "removed", 2),
            ("users", "alice", "changed: password, email", 2)
        ]
    );
    let email = |body: &Option<serde_json::Value>| body.as_ref().map(|body| body["email"].clone());
    assert_eq!(email(&records[1].before), Some(serde_json::Value::Null));
    assert_eq!(email(&records[1].after), Some("alice@example.com".into()));
    assert_eq!(
        (
            records[0].after.as_ref(),
            records[0].who.as_str(),
            records[0].utc_us
        ),
        (None, "sven", START_US)
    );

    let older = store.audit(Some(records[1].id), 1_000).await.unwrap();
    assert!(
        older
            .iter()
            .all(|record| record.what == "added" && record.version == 1)
    );
    let written = format!("{records:?}{older:?}");
    for secret in ["argon2id", "ha1:", "demo-"] {
        assert!(!written.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_password_is_not_kept_as_it_was_typed() {
    let home = Home::new();
    let store = home.open().await.centre();
    let plain = parse_centre(DEMO, "demo.toml").unwrap();
    let refused = save(&store, 0, &Centre::default(), &plain)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StoreError::PlainSecret { .. }),
        "{refused}"
    );
    assert!(!refused.to_string().contains("demo-"), "{refused}");
    assert_eq!(store.load().await.unwrap().0, 0);
}

#[tokio::test]
async fn a_resource_that_cannot_be_read_is_named() {
    let home = Home::new();
    let store = home.open().await;
    save(&store.centre(), 0, &Centre::default(), &demo())
        .await
        .unwrap();
    home.meddle(&home.database(), "UPDATE resources SET body = '{\"username\": \"alice\", \"later\": 1}' WHERE name = 'alice'").await;
    let refused = store.centre().load().await.unwrap_err().to_string();
    assert!(
        refused.contains("users/alice") && refused.contains("later"),
        "{refused}"
    );
}

#[tokio::test]
async fn failed_logins_lock_an_account_until_it_is_unlocked() {
    let home = Home::new();
    let accounts = home.open().await.accounts();
    assert_eq!(accounts.account("alice").await.unwrap(), Account::default());
    for failed in 1..=2 {
        let account = accounts.login_failed("alice", 3, START_US).await.unwrap();
        assert_eq!((account.failed_logins, account.locked_us), (failed, None));
    }
    accounts.login_succeeded("alice").await.unwrap();
    for at in 1..=4 {
        accounts
            .login_failed("alice", 3, START_US + at)
            .await
            .unwrap();
    }
    let locked = accounts.account("alice").await.unwrap();
    assert_eq!(
        (locked.failed_logins, locked.locked_us),
        (4, Some(START_US + 3)),
        "locked by the third, not again by the fourth"
    );
    accounts.login_succeeded("alice").await.unwrap();
    assert_eq!(
        accounts.account("alice").await.unwrap().locked_us,
        locked.locked_us
    );
    accounts.unlock("alice").await.unwrap();
    assert_eq!(accounts.account("alice").await.unwrap(), Account::default());
    for _ in 0..20 {
        accounts.login_failed("bob", 0, START_US).await.unwrap();
    }
    assert_eq!(
        accounts.account("bob").await.unwrap().locked_us,
        None,
        "0: never"
    );
}

#[tokio::test]
async fn whether_a_password_must_be_changed_is_remembered() {
    let home = Home::new();
    let accounts = home.open().await.accounts();
    for must in [true, true, false] {
        accounts
            .set_must_change_password("administrator", must)
            .await
            .unwrap();
        assert_eq!(
            accounts
                .account("administrator")
                .await
                .unwrap()
                .must_change_password,
            must
        );
    }
}

#[tokio::test]
async fn tokens_are_good_until_they_expire_or_are_revoked() {
    const MINUTE_US: i64 = 60_000_000;
    const A: TokenHash = token(b'a');
    let home = Home::new();
    let store = home.open().await;
    let accounts = store.accounts();
    let expires_us = START_US + 60 * MINUTE_US;
    for (letter, user) in [
        (b'a', "alice"),
        (b'b', "alice"),
        (b'c', "bob"),
        (b'd', "bob"),
    ] {
        accounts
            .add_token(&token(letter), user, START_US, expires_us)
            .await
            .unwrap();
    }
    assert!(
        accounts
            .add_token(&token(b'a'), "eve", START_US, expires_us)
            .await
            .is_err(),
        "not given out twice"
    );
    assert_eq!(
        home.look(
            &home.database(),
            "SELECT COUNT(*) FROM tokens WHERE LENGTH(hash) = 32"
        )
        .await,
        4
    );

    let used = |now_us| accounts.token(&A, now_us);
    assert_eq!(used(START_US).await.unwrap().unwrap().username, "alice");
    used(START_US + 30 * MINUTE_US).await.unwrap();
    used(START_US + 30 * MINUTE_US + 1).await.unwrap();
    let late = used(START_US + 31 * MINUTE_US).await.unwrap().unwrap();
    assert_eq!(
        (late.created_us, late.last_used_us, late.expires_us),
        (START_US, START_US + 30 * MINUTE_US, expires_us)
    );
    assert_eq!(used(expires_us).await.unwrap(), None);
    assert_eq!(accounts.token(&token(b'n'), START_US).await.unwrap(), None);

    assert!(accounts.revoke(&token(b'c')).await.unwrap());
    assert!(!accounts.revoke(&token(b'c')).await.unwrap());
    let all_but_a = accounts.revoke_all("alice", Some(&A)).await.unwrap();
    assert_eq!(all_but_a, 1);
    assert!(used(START_US).await.unwrap().is_some());
    assert_eq!(accounts.revoke_all("alice", None).await.unwrap(), 1);
    assert_eq!(used(START_US).await.unwrap(), None);
    assert_eq!(store.maintain(expires_us, 400).await.unwrap().tokens, 1);
}

const fn token(letter: u8) -> TokenHash {
    [letter; 32]
}

#[tokio::test]
async fn accounts_are_locked_by_hand_and_forgotten() {
    let home = Home::new();
    let store = home.open().await;
    let accounts = store.accounts();
    accounts.lock("alice", START_US).await.unwrap();
    accounts.lock("alice", START_US + 1).await.unwrap();
    let account = accounts.account("alice").await.unwrap();
    assert_eq!(account.locked_us, Some(START_US), "since the first time");
    accounts
        .add_token(&token(b'a'), "alice", START_US, START_US + 1)
        .await
        .unwrap();
    accounts.forget("alice").await.unwrap();
    assert_eq!(accounts.account("alice").await.unwrap(), Account::default());
    assert_eq!(accounts.token(&token(b'a'), START_US).await.unwrap(), None);
}

#[tokio::test]
async fn a_removed_user_leaves_no_way_in_for_the_next_of_that_name() {
    let home = Home::new();
    let store = home.open().await;
    let (accounts, centre) = (store.accounts(), demo());
    save(&store.centre(), 0, &Centre::default(), &centre)
        .await
        .unwrap();
    for (letter, user) in [(b'a', "alice"), (b'b', "bob")] {
        accounts
            .add_token(&token(letter), user, START_US, START_US + 1)
            .await
            .unwrap();
        accounts.login_failed(user, 1, START_US).await.unwrap();
    }
    let mut without = centre.clone();
    without.remove::<User>("alice");
    save(&store.centre(), 1, &centre, &without).await.unwrap();
    assert_eq!(accounts.token(&token(b'a'), START_US).await.unwrap(), None);
    assert_eq!(accounts.account("alice").await.unwrap(), Account::default());
    assert!(
        accounts
            .token(&token(b'b'), START_US)
            .await
            .unwrap()
            .is_some()
    );
    assert!(accounts.account("bob").await.unwrap().locked_us.is_some());
    let removed = config::diff(&centre, &without);
    assert!(matches!(removed[0].what, WhatChanged::Removed));
}

#[tokio::test]
async fn keys_are_made_once_and_differ_between_stores() {
    let (one, two) = (Home::new(), Home::new());
    let key = one.open().await.secrets().nonce_key().await.unwrap();
    assert_ne!(key, [0; 32]);
    assert_ne!(two.open().await.secrets().nonce_key().await.unwrap(), key);
    let store = loop {
        // The first store's lock went with it.
        if let Ok(store) = one.try_open().await {
            break store;
        }
    };
    assert_eq!(store.secrets().nonce_key().await.unwrap(), key);
}
