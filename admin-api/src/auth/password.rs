//! Login passwords: argon2id (RFC 9106), with the memory and time that OWASP names as the least.
//!
//! A hash takes 19 MiB and tens of milliseconds, so at most two run at a time, off the runtime's
//! threads, and only so many wait for their turn. Whether an account exists, has no password or is
//! locked makes no difference in time: something is always verified.

use std::hint::black_box;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::problem::{ApiError, FieldFault, Kind};

/// How many hashes are computed at a time.
const AT_A_TIME: usize = 2;

/// How many may be under way or waiting: a whole shift that logs in at once; the last one waits some five seconds.
const WAITING_MAX: usize = 256;

/// Hashes a password with a random salt, as a PHC string that begins with `$argon2id$`.
///
/// Takes tens of milliseconds; not for a thread that has other things to do.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn hash_password(plain: &str) -> Result<String, argon2::password_hash::Error> {
    Argon2::default()
        .hash_password(plain.as_bytes())
        .map(|hash| hash.to_string())
}

/// Whether the password is the one that was hashed. An unreadable hash is nobody's.
fn verify(plain: &str, phc: &str) -> bool {
    let parsed = PasswordHash::new(phc);
    parsed.is_ok_and(|hash| {
        Argon2::default()
            .verify_password(plain.as_bytes(), &hash)
            .is_ok()
    })
}

/// What is verified when there is nothing to verify; no password has it.
static NOBODYS: LazyLock<String> = LazyLock::new(|| {
    let filler = "the password of nobody";
    hash_password(filler).unwrap_or_default()
});

/// Computes hashes, few at a time.
#[derive(Debug)]
pub(crate) struct Hasher {
    permits: Semaphore,
    pending: AtomicUsize,
}

impl Hasher {
    pub(crate) fn new() -> Self {
        Self {
            permits: Semaphore::new(AT_A_TIME),
            pending: AtomicUsize::new(0),
        }
    }

    /// Hashes a password.
    ///
    /// # Errors
    ///
    /// 503 when too many wait already.
    pub(crate) async fn hash(&self, plain: String) -> Result<String, ApiError> {
        self.run(move || hash_password(&plain))
            .await?
            .map_err(ApiError::internal)
    }

    /// Verifies a password; without a hash it takes as long and answers no.
    ///
    /// # Errors
    ///
    /// 503 when too many wait already.
    pub(crate) async fn verify(
        &self,
        plain: String,
        phc: Option<String>,
    ) -> Result<bool, ApiError> {
        self.run(move || match phc {
            Some(phc) => verify(&plain, &phc),
            None => {
                black_box(verify(&plain, &NOBODYS));
                false
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let _place = Place::take(&self.pending)?;
        let _permit = self.permits.acquire().await.map_err(ApiError::internal)?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(ApiError::internal)
    }
}

/// A place among those who wait; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(pending: &'a AtomicUsize) -> Result<Self, ApiError> {
        let place = Self(pending);
        if pending.fetch_add(1, Ordering::Relaxed) < WAITING_MAX {
            return Ok(place);
        }
        Err(ApiError::new(Kind::Unavailable, "too many logins at this moment").retry_after(2))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a new password must satisfy; an error names the rule.
///
/// # Errors
///
/// 422 for `field` with the rule that is broken: `min-length`, `max-length`, `not-the-username`.
pub(crate) fn check_policy(
    field: &str,
    plain: &str,
    username: &str,
    min_length: usize,
) -> Result<(), ApiError> {
    let length = plain.chars().count();
    let broken = if length < min_length {
        format!(
            "min-length: a password has at least {min_length} characters; this one has {length}"
        )
    } else if plain.len() > 256 {
        "max-length: a password has at most 256 bytes".to_owned()
    } else if plain.eq_ignore_ascii_case(username) {
        "not-the-username: the password must differ from the user name".to_owned()
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(vec![
        FieldFault::new(field, broken).help("choose another password"),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_argon2id_salted_and_fits_its_password_only() {
        let (one, other) = (
            hash_password("Correct Horse").unwrap(),
            hash_password("Correct Horse").unwrap(),
        );
        assert!(one.starts_with("$argon2id$v=19$"), "{one}");
        assert_ne!(one, other);
        assert!(verify("Correct Horse", &one));
        // CE-2.5: passwords are case-sensitive.
        assert!(!verify("correct horse", &one));
        assert!(!verify("", "no hash at all"));
    }

    #[tokio::test]
    async fn nobody_has_the_filler_password() {
        let hasher = Hasher::new();
        assert_eq!(
            hasher.verify("the password of nobody".into(), None).await,
            Ok(false)
        );
    }

    #[test]
    fn a_broken_rule_is_named() {
        let cases = [
            ("short", "min-length"),
            ("lampfield-ann", "not-the-username"),
            (&"é".repeat(129), "max-length"),
        ];
        for (plain, rule) in cases {
            let error = check_policy("password", plain, "Lampfield-Ann", 12).expect_err(rule);
            assert!(format!("{error:?}").contains(rule), "{error:?}");
        }
        assert_eq!(check_policy("password", "twelve chars", "ann", 12), Ok(()));
    }

    #[test]
    fn only_so_many_wait() {
        let pending = AtomicUsize::new(0);
        let places: Vec<_> = (0..WAITING_MAX)
            .map(|_| Place::take(&pending).ok())
            .collect();
        assert!(Place::take(&pending).is_err());
        drop(places);
        assert!(Place::take(&pending).is_ok());
    }
}
