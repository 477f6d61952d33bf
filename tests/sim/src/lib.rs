//! The simulated world: the real engine, and around it a network, phones and trunks, media threads and a disk that
//! are ours to move, in time that is ours to move.
//!
//! - [`World`]: the world as scenarios tell of it, with [`Phone`]s and [`Agent`]s that do things.
//! - [`crowd`]: a world in which hundreds of people do random things, for as long as you like.
//!
//! The same seed gives the same run, to the byte. The phones print and parse with another codec and other transactions
//! (`sipx-sip`), or the faults of ours would cancel out. Watchers run all along ([`checks`]): every INVITE gets one final
//! response, every call one record, no agent two calls, every port a description names is open, none leaks, readers see what
//! is, and the journal gives the state that wrote it.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a checker looks at the events that concern it"
)]
#![forbid(unsafe_code)]

mod checks;
pub mod crowd;
mod dice;
mod disk;
mod inner;
mod media;
mod network;
mod people;
mod sdp;
mod trace;
mod ua;
mod world;

pub use crate::media::{Hears, uploaded};
pub use dice::Dice;
pub use inner::Plan;
pub use network::Weather;
pub use people::{Agent, Peer, Phone};
pub use sdp::Way;
pub use ua::{Dialling, Manner};
pub use world::{BLINK, Builder, CENTRE, World, millis, secs, seed};
