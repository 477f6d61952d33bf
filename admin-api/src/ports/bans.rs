//! Sources of SIP messages that are not heard for a while.

use std::net::IpAddr;

/// Shows bans, and lifts them.
pub trait Bans: Send + Sync {
    /// The bans in force, by address.
    fn list(&self) -> Vec<BanRecord>;

    /// Ends a ban, and forgets what the address has done. False where there is none.
    fn lift(&self, address: IpAddr) -> bool;
}

/// One ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BanRecord {
    /// The address.
    pub address: IpAddr,
    /// When it ends, UTC microseconds.
    pub until_us: i64,
    /// The offence that was one too many, for people.
    pub why: &'static str,
    /// How many times its length was doubled.
    pub doublings: u32,
}
