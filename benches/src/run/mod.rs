//! The benches themselves, one file each. Each gives the lines it has for the table, skipped ones among them.

pub mod acd;
pub mod b2bua;
pub mod codec;
pub mod daemon;
pub mod engine_alone;
mod kamailio;
pub mod queued;
pub mod relay;
mod rtpengine;
pub mod soak;

/// Ratios are medians of so many, taken in turns with what they are compared with.
pub const ROUNDS: usize = 5;
