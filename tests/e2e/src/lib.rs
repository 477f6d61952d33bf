//! What the end-to-end tests stand on: a real daemon, and foreign programs that call it and are called by it.
//!
//! A test takes a [`Place`], with addresses of its own on loopback and a directory; there it starts a [`Daemon`], phones
//! ([`Baresip`]), callers and systems behind trunks ([`Sipp`] for what they say, [`FarEnd`] for what they hear and speak)
//! and asks the [`Api`] what became of it. Only one test has a place at a time, whatever runs the tests: two cores and
//! tenths of seconds that are measured do not go together with a second daemon.
//!
//! A client that is not installed fails the test with the name of the package. Everything that a test has started ends
//! with it; when it fails, it shows the daemon's log.
#![forbid(unsafe_code)]
// These are a test's hands: what goes wrong in them is that test's failure.
#![allow(clippy::unwrap_used)]

pub mod api;
pub mod baresip;
pub mod browser;
pub mod centre;
pub mod certificate;
pub mod client;
pub mod daemon;
pub mod far_end;
pub mod place;
pub mod sipp;
pub mod sound;
pub mod tunnel;
pub mod wait;

pub use api::{Api, Response};
pub use baresip::Baresip;
pub use browser::Browser;
pub use certificate::Authority;
pub use daemon::{Daemon, Settings};
pub use far_end::FarEnd;
pub use place::Place;
pub use sipp::{Scenario, Sipp, Traced};
pub use sound::Sound;
pub use tunnel::Tunnel;
pub use wait::{eventually, never};
