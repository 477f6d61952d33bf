//! What media is, without the sockets: descriptions, codecs, packets, sounds.
//!
//! Owns SDP offer and answer ([`sdp`]), the G.711 laws ([`g711`], [`codec`]), RFC 4733 key presses ([`dtmf`]), sounds
//! ready to be sent ([`clip`], [`wav`], [`assets`]), the packets of all legs of a media thread ([`relay`], and below it
//! [`leg`], [`latch`], [`incoming`], [`outgoing`], [`player`], [`rtp`], [`rtcp`]), bound ports on both sides ([`ports`],
//! [`stock`]) and the words the engine and the media threads say to one another ([`control`]).
//! Sockets, threads and the clock stay with `media-io`; what a call is stays with the engine.
//!
//! Of the packages for media, `rtp` stands beside [`rtp`](mod@rtp) in tests; `webrtc` has no place here while no leg ends
//! in a browser, and is no relay: each of its connections is a task that owns its sockets.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod assets;
pub mod clip;
pub mod codec;
pub mod control;
pub mod dtmf;
pub mod g711;
pub mod incoming;
pub mod latch;
pub mod leg;
pub mod outgoing;
pub mod player;
pub mod ports;
pub mod relay;
mod resample;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod stock;
pub mod wav;
