//! Keys that are made once and must be the same after a restart.

use crate::dialect::{BEGIN_WRITE, Pool};
use crate::error::StoreError;

const KEEP: &str =
    "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
const SECRET: &str = "SELECT value FROM secrets WHERE name = $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[KEEP, SECRET];

/// Keeps keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Secrets {
    pool: Pool,
}

impl Secrets {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// The key under which digest nonces are made: phones that hold one from before a restart keep working.
    ///
    /// # Errors
    ///
    /// When the database cannot be used, or the system gives no randomness.
    pub async fn nonce_key(&self) -> Result<[u8; 32], StoreError> {
        self.key("nonce_key").await
    }

    /// The key of that name, made by the operating system's randomness when it is asked for first.
    async fn key(&self, name: &'static str) -> Result<[u8; 32], StoreError> {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| StoreError::Randomness {
            why: error.to_string(),
        })?;
        let mut transaction = self.pool.begin_with(BEGIN_WRITE).await?;
        sqlx::query(KEEP)
            .bind(name)
            .bind(fresh.to_vec())
            .execute(&mut *transaction)
            .await?;
        let kept: Vec<u8> = sqlx::query_scalar(SECRET)
            .bind(name)
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let length = kept.len();
        kept.try_into().map_err(|_| StoreError::Unreadable {
            what: format!("the secret {name}"),
            why: format!("it has {length} bytes and should have 32"),
        })
    }
}
