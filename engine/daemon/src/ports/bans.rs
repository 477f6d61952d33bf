//! Who is banned: the network side's.

use std::net::IpAddr;
use std::time::Instant;

use admin_api::ports::{BanRecord, Bans};

use crate::clock::utc_us;
use crate::net::intake::Intake;

/// The bans that the network side keeps.
#[derive(Debug)]
pub(crate) struct BansPort(pub(crate) Intake);

impl Bans for BansPort {
    fn list(&self) -> Vec<BanRecord> {
        let now_us = utc_us();
        let bans = self.0.bans.list(Instant::now()).into_iter();
        let record = |ban: crate::net::bans::Ban| BanRecord {
            address: ban.address,
            until_us: now_us.saturating_add(i64::try_from(ban.left.as_micros()).unwrap_or(0)),
            why: ban.offence.as_str(),
            doublings: ban.doublings,
        };
        bans.map(record).collect()
    }

    fn lift(&self, address: IpAddr) -> bool {
        let lifted = self.0.bans.lift(address, Instant::now());
        if lifted {
            tracing::info!(%address, "a ban is lifted");
        }
        lifted
    }
}
