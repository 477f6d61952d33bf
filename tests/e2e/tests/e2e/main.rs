//! The daemon with real clients: SIPp calls over trunks, baresip rings and speaks, tones are measured.
//!
//! Each test has a daemon and addresses of its own, one test at a time; see the crate `e2e`.
#![allow(clippy::unwrap_used)]

mod talk;
