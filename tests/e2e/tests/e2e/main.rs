//! The daemon with real clients: SIPp calls over trunks, baresip rings and speaks, tones are measured.
//!
//! Each test has a daemon and addresses of its own, one test at a time; see the crate `e2e`.
#![allow(clippy::unwrap_used)]

mod choice;
mod common;
mod crash;
mod dice;
mod hostile;
mod house;
mod operation;
mod program;
mod prompts;
mod queue;
mod scanned;
mod soak;
mod talk;
mod tls;
mod trace;
mod transport;
mod websocket;

/// Whether `LAMPFIELD_LONG=1` asks for the lengths of `make soak` rather than those of `make test`.
fn is_long() -> bool {
    std::env::var_os("LAMPFIELD_LONG").is_some_and(|value| value == "1")
}
