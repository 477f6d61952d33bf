//! Accounts and tokens, from the store.

use admin_api::Answer;
use admin_api::ports::{Account, Accounts, StoreError, StoredToken, TokenHash};

use crate::clock::utc_us;

/// The store's accounts.
#[derive(Debug)]
pub(crate) struct AccountsPort(pub(crate) store::Accounts);

fn failed(error: store::StoreError) -> StoreError {
    StoreError(error.to_string())
}

fn shown(account: store::Account) -> Account {
    Account {
        failures: account.failed_logins,
        locked: account.locked_us.is_some(),
        must_change_password: account.must_change_password,
    }
}

impl Accounts for AccountsPort {
    fn account(&self, username: &str) -> Answer<'_, Result<Account, StoreError>> {
        let username = username.to_owned();
        Box::pin(async move { self.0.account(&username).await.map(shown).map_err(failed) })
    }

    fn login_failed(
        &self,
        username: &str,
        lock_after: u32,
    ) -> Answer<'_, Result<Account, StoreError>> {
        let username = username.to_owned();
        Box::pin(async move {
            self.0
                .login_failed(&username, lock_after, utc_us())
                .await
                .map(shown)
                .map_err(failed)
        })
    }

    fn login_succeeded(&self, username: &str) -> Answer<'_, Result<(), StoreError>> {
        let username = username.to_owned();
        Box::pin(async move { self.0.login_succeeded(&username).await.map_err(failed) })
    }

    fn set_locked(&self, username: &str, locked: bool) -> Answer<'_, Result<(), StoreError>> {
        let username = username.to_owned();
        Box::pin(async move {
            let done = if locked {
                self.0.lock(&username, utc_us()).await
            } else {
                self.0.unlock(&username).await
            };
            done.map_err(failed)
        })
    }

    fn set_must_change_password(
        &self,
        username: &str,
        must: bool,
    ) -> Answer<'_, Result<(), StoreError>> {
        let username = username.to_owned();
        Box::pin(async move {
            self.0
                .set_must_change_password(&username, must)
                .await
                .map_err(failed)
        })
    }

    fn keep_token(&self, token: StoredToken) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let StoredToken {
                hash,
                username,
                created_us,
                expires_us,
            } = token;
            self.0
                .add_token(&hash.0, &username, created_us, expires_us)
                .await
                .map_err(failed)
        })
    }

    fn token(&self, hash: &TokenHash) -> Answer<'_, Result<Option<StoredToken>, StoreError>> {
        let hash = *hash;
        Box::pin(async move {
            let found = self.0.token(&hash.0, utc_us()).await.map_err(failed)?;
            Ok(found.map(|token| StoredToken {
                hash,
                username: token.username,
                created_us: token.created_us,
                expires_us: token.expires_us,
            }))
        })
    }

    fn revoke(&self, hash: &TokenHash) -> Answer<'_, Result<(), StoreError>> {
        let hash = *hash;
        Box::pin(async move { self.0.revoke(&hash.0).await.map(drop).map_err(failed) })
    }

    fn revoke_all(
        &self,
        username: &str,
        except: Option<&TokenHash>,
    ) -> Answer<'_, Result<(), StoreError>> {
        let (username, except) = (username.to_owned(), except.copied());
        Box::pin(async move {
            let except = except.as_ref().map(|hash| &hash.0);
            self.0
                .revoke_all(&username, except)
                .await
                .map(drop)
                .map_err(failed)
        })
    }

    fn forget(&self, username: &str) -> Answer<'_, Result<(), StoreError>> {
        let username = username.to_owned();
        Box::pin(async move { self.0.forget(&username).await.map_err(failed) })
    }
}
