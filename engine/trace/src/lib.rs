//! SIP messages kept for looking at: who sent what to whom, by call.
//!
//! Owns the bounded [`Ring`] that messages are kept in, without their secrets, and the two forms people read them in: a
//! [`ladder`], as text, and a [`capture`], as a file for Wireshark. A message belongs to a call by its Call-ID, which
//! the engine says when a leg begins; what came before that, the INVITE itself, is found again by it.
//! When messages are recorded and who may see them is left to the daemon and the API.
#![forbid(unsafe_code)]

mod capture;
mod ladder;
mod message;
mod ring;

pub use capture::capture;
pub use ladder::ladder;
pub use message::{Direction, Traced};
pub use ring::{Kept, Ring};
