//! Who asks, and what they may do.
//!
//! `identity` finds the user behind a token, [`guard`] turns that into proofs that handlers ask for, `password`
//! hashes and verifies, `limit` and `strangers` slow down those who guess.

pub mod guard;
pub(crate) mod identity;
pub(crate) mod limit;
pub(crate) mod password;
pub(crate) mod strangers;
pub(crate) mod token;

pub use guard::{
    Administrator, Attendant, Guard, Guarded, Proof, Public, Right, SignedIn, Supervisor,
};
pub use identity::Identity;
pub use password::hash_password;
