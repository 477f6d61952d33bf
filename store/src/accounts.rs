//! What is kept of a user besides the centre's document: failed logins, the lock, tokens.
//!
//! None of it is configuration: it changes by itself, is not exported, and makes no new version of the centre. User names
//! are taken as they stand in the centre. Whether a password is right, and how long a token lasts, is the API's.

use sqlx::Row as _;

use crate::dialect::{BEGIN_WRITE, Connection, Pool, Row};
use crate::error::StoreError;

const ACCOUNT: &str =
    "SELECT failed_logins, locked_us, must_change_password FROM accounts WHERE username = $1";
const ADD: &str = "INSERT INTO accounts (username) VALUES ($1) ON CONFLICT (username) DO NOTHING";
const FAILED: &str = "UPDATE accounts SET failed_logins = failed_logins + 1, \
     locked_us = CASE WHEN locked_us IS NULL AND failed_logins + 1 >= $2 THEN $3 ELSE locked_us END \
     WHERE username = $1 RETURNING failed_logins, locked_us, must_change_password";
const LOCK: &str = "UPDATE accounts SET locked_us = $2 WHERE username = $1 AND locked_us IS NULL";
const UNLOCK: &str = "UPDATE accounts SET failed_logins = 0, locked_us = NULL WHERE username = $1";
const SUCCEEDED: &str =
    "UPDATE accounts SET failed_logins = 0 WHERE username = $1 AND failed_logins > 0";
const MUST_CHANGE: &str = "UPDATE accounts SET must_change_password = $2 WHERE username = $1";
const REMOVE: &str = "DELETE FROM accounts WHERE username = $1";
const ADD_TOKEN: &str = "INSERT INTO tokens (hash, username, created_us, expires_us, last_used_us) \
     VALUES ($1, $2, $3, $4, $3)";
const TOKEN: &str = "SELECT username, created_us, expires_us, last_used_us FROM tokens WHERE hash = $1 AND expires_us > $2";
const TOUCH: &str = "UPDATE tokens SET last_used_us = $2 WHERE hash = $1 AND last_used_us < $2";
const REVOKE: &str = "DELETE FROM tokens WHERE hash = $1";
const REVOKE_ALL: &str = "DELETE FROM tokens WHERE username = $1";
const REVOKE_OTHERS: &str = "DELETE FROM tokens WHERE username = $1 AND hash <> $2";
const PRUNE: &str = "DELETE FROM tokens WHERE expires_us <= $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    ACCOUNT,
    ADD,
    FAILED,
    LOCK,
    UNLOCK,
    SUCCEEDED,
    MUST_CHANGE,
    REMOVE,
    ADD_TOKEN,
    TOKEN,
    TOUCH,
    REVOKE,
    REVOKE_ALL,
    REVOKE_OTHERS,
    PRUNE,
];

/// The use of a token is written down once in this time, in microseconds: reading must stay cheap.
const TOUCHED_US: i64 = 60_000_000;

/// The SHA-256 of a token. The token itself is known to its bearer only.
pub type TokenHash = [u8; 32];

/// A user's standing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Failed logins since the last good one.
    pub failed_logins: u32,
    /// Since when it is locked, UTC microseconds.
    pub locked_us: Option<i64>,
    /// Whether the user may do nothing but change the password.
    pub must_change_password: bool,
}

/// A token that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Whose.
    pub username: String,
    /// When it was given out, UTC microseconds.
    pub created_us: i64,
    /// When it ends, UTC microseconds.
    pub expires_us: i64,
    /// When it was used last, to a minute, UTC microseconds.
    pub last_used_us: i64,
}

/// Keeps accounts and tokens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Accounts {
    pool: Pool,
}

impl Accounts {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// The user's standing; a user of whom nothing is kept is in good standing.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn account(&self, username: &str) -> Result<Account, StoreError> {
        let row = sqlx::query(ACCOUNT)
            .bind(username.to_owned())
            .fetch_optional(&self.pool)
            .await?;
        row.map_or(Ok(Account::default()), |row| account(&row))
    }

    /// Counts a failed login, and locks the account at the `lock_after`th in a row (0: never). Answers the new standing.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn login_failed(
        &self,
        username: &str,
        lock_after: u32,
        now_us: i64,
    ) -> Result<Account, StoreError> {
        let lock_after = if lock_after == 0 {
            i64::MAX
        } else {
            i64::from(lock_after)
        };
        let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
        sqlx::query(ADD)
            .bind(username.to_owned())
            .execute(&mut *transaction)
            .await?;
        let row = sqlx::query(FAILED)
            .bind(username.to_owned())
            .bind(lock_after)
            .bind(now_us)
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        account(&row)
    }

    /// Forgets the failed logins before a good one. A locked account stays locked.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn login_succeeded(&self, username: &str) -> Result<(), StoreError> {
        sqlx::query(SUCCEEDED)
            .bind(username.to_owned())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Locks the account, as too many failed logins do.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn lock(&self, username: &str, now_us: i64) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
        sqlx::query(ADD)
            .bind(username.to_owned())
            .execute(&mut *transaction)
            .await?;
        let lock = sqlx::query(LOCK).bind(username.to_owned()).bind(now_us);
        lock.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Takes the lock off.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn unlock(&self, username: &str) -> Result<(), StoreError> {
        sqlx::query(UNLOCK)
            .bind(username.to_owned())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Sets whether the user must change the password before anything else.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn set_must_change_password(
        &self,
        username: &str,
        must: bool,
    ) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
        sqlx::query(ADD)
            .bind(username.to_owned())
            .execute(&mut *transaction)
            .await?;
        let set = sqlx::query(MUST_CHANGE)
            .bind(username.to_owned())
            .bind(i64::from(must));
        set.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Keeps a token that was given out, by its hash.
    ///
    /// # Errors
    ///
    /// When the database cannot be written, or has this token already.
    pub async fn add_token(
        &self,
        token: &TokenHash,
        username: &str,
        now_us: i64,
        expires_us: i64,
    ) -> Result<(), StoreError> {
        let add = sqlx::query(ADD_TOKEN)
            .bind(token.to_vec())
            .bind(username.to_owned());
        add.bind(now_us)
            .bind(expires_us)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Whose token it is; none when it was never given out, was revoked, or has expired. Notes its use.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or written.
    pub async fn token(&self, token: &TokenHash, now_us: i64) -> Result<Option<Token>, StoreError> {
        let row = sqlx::query(TOKEN)
            .bind(token.to_vec())
            .bind(now_us)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let found = Token {
            username: row.try_get("username")?,
            created_us: row.try_get("created_us")?,
            expires_us: row.try_get("expires_us")?,
            last_used_us: row.try_get("last_used_us")?,
        };
        if now_us.saturating_sub(found.last_used_us) >= TOUCHED_US {
            sqlx::query(TOUCH)
                .bind(token.to_vec())
                .bind(now_us)
                .execute(&self.pool)
                .await?;
        }
        Ok(Some(found))
    }

    /// Ends a token. True when there was one.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn revoke(&self, token: &TokenHash) -> Result<bool, StoreError> {
        let revoked = sqlx::query(REVOKE)
            .bind(token.to_vec())
            .execute(&self.pool)
            .await?;
        Ok(revoked.rows_affected() > 0)
    }

    /// Ends all tokens of a user but `except`, as after a change of password. Answers how many.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn revoke_all(
        &self,
        username: &str,
        except: Option<&TokenHash>,
    ) -> Result<u64, StoreError> {
        let revoke = match except {
            None => sqlx::query(REVOKE_ALL).bind(username.to_owned()),
            Some(except) => sqlx::query(REVOKE_OTHERS)
                .bind(username.to_owned())
                .bind(except.to_vec()),
        };
        Ok(revoke.execute(&self.pool).await?.rows_affected())
    }

    /// Deletes all that is kept of a user. Saving a centre without that user has done so already.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn forget(&self, username: &str) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
        remove(&mut transaction, username).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Deletes expired tokens. Answers how many.
    pub(crate) async fn prune(&self, now_us: i64) -> Result<u64, StoreError> {
        let pruned = sqlx::query(PRUNE).bind(now_us).execute(&self.pool).await?;
        Ok(pruned.rows_affected())
    }
}

/// Deletes all that is kept of a user who is removed from the centre: a later user of that name starts afresh, and the
/// former one's tokens are good for nothing.
pub(crate) async fn remove(connection: &mut Connection, username: &str) -> Result<(), sqlx::Error> {
    for statement in [REMOVE, REVOKE_ALL] {
        sqlx::query(statement)
            .bind(username.to_owned())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn account(row: &Row) -> Result<Account, StoreError> {
    let failed: i64 = row.try_get("failed_logins")?;
    let must: i64 = row.try_get("must_change_password")?;
    Ok(Account {
        failed_logins: u32::try_from(failed).unwrap_or(u32::MAX),
        locked_us: row.try_get("locked_us")?,
        must_change_password: must != 0,
    })
}
