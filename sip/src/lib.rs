//! SIP without sockets, clocks or threads (RFC 3261).
//!
//! The crate owns the wire codec ([`wire`]), the four transactions ([`transaction`]), dialogs
//! ([`dialog`]), digest authentication ([`auth`]), registrations of ours elsewhere
//! ([`registration`]), whether a peer is there ([`probe`]) and who of several is tried first ([`chance`]). Bytes, times and randomness come in as
//! arguments and bytes and deadlines come out, so that the same inputs give the same outputs.
//! Sockets belong to the daemon, the meaning of a call to the engine.
//!
//! # Why the codec is ours
//!
//! The package at hand is `rsip`. Its version 0.4.0, the last one and unmaintained since August 2022,
//!
//! - refuses 7 of the 27 messages that RFC 4475 says must be accepted and cannot read the core
//!   headers of 2 more; the whole message is refused, so nothing can be answered with 400, 405, 416
//!   or 501;
//! - ignores Content-Length and has no framing for streams; it prints bodies that are not UTF-8
//!   changed;
//! - takes 96,716 instructions and 123 allocations to read what a transaction and a dialog need from
//!   an INVITE of 1,286 octets, 13 times the 7,108 of a bare lazy parser over spans. Ours, which checks
//!   what it reads, takes about 15,000 and allocates nothing.
//!
//! So rsip stays where it is good: as typed vocabulary at the edges, with conversions both ways in the
//! crate `sip-interop`, and, beside `sipx-sip`, as an oracle for differential tests.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod auth;
pub mod chance;
pub mod dialog;
mod flow;
pub mod probe;
pub mod registration;
pub mod transaction;
pub mod wire;

pub use flow::{Flow, Transmit, Transport};
pub use wire::{
    CSeq, Fault, Framer, HeaderName, Host, Message, Method, NameAddr, RequestBuilder,
    ResponseBuilder, Uri, UriRef, Via,
};
