//! What is known of a user beside the centre: failed logins, tokens.

use super::{Answer, StoreError};

/// Keeps the part of an account that changes by using it.
///
/// User names are given as they stand in the centre. An account nobody wrote yet is [`Account::default`].
pub trait Accounts: Send + Sync {
    /// Reads an account.
    fn account(&self, username: &str) -> Answer<'_, Result<Account, StoreError>>;

    /// Counts one failed login and locks the account when the count reaches `lock_after` (0: never). One atomic
    /// step; answers the account after it.
    fn login_failed(
        &self,
        username: &str,
        lock_after: u32,
    ) -> Answer<'_, Result<Account, StoreError>>;

    /// Sets the count of failed logins back to 0.
    fn login_succeeded(&self, username: &str) -> Answer<'_, Result<(), StoreError>>;

    /// Locks, or unlocks with the count back to 0.
    fn set_locked(&self, username: &str, locked: bool) -> Answer<'_, Result<(), StoreError>>;

    /// Says whether the user must choose another password before anything else.
    fn set_must_change_password(
        &self,
        username: &str,
        must: bool,
    ) -> Answer<'_, Result<(), StoreError>>;

    /// Keeps a token.
    fn keep_token(&self, token: StoredToken) -> Answer<'_, Result<(), StoreError>>;

    /// Finds a token that was not revoked, expired ones included. Asked at every request, so quick.
    fn token(&self, hash: &TokenHash) -> Answer<'_, Result<Option<StoredToken>, StoreError>>;

    /// Revokes one token.
    fn revoke(&self, hash: &TokenHash) -> Answer<'_, Result<(), StoreError>>;

    /// Revokes all tokens of a user, but for `except`.
    fn revoke_all(
        &self,
        username: &str,
        except: Option<&TokenHash>,
    ) -> Answer<'_, Result<(), StoreError>>;

    /// Forgets a user that was deleted: count, lock, tokens.
    fn forget(&self, username: &str) -> Answer<'_, Result<(), StoreError>>;
}

/// The SHA-256 of a token; the token itself is known to its bearer only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// One account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Logins that failed since the last that succeeded.
    pub failures: u32,
    /// No login until an administrator unlocks.
    pub locked: bool,
    /// The password was given by the program and must be changed first.
    pub must_change_password: bool,
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// The hash it is found by.
    pub hash: TokenHash,
    /// Whose it is.
    pub username: String,
    /// When it was given, UTC microseconds since the Unix epoch.
    pub created_us: i64,
    /// When it ends, UTC microseconds since the Unix epoch.
    pub expires_us: i64,
}
