//! How often one source may fail to log in: a bucket of tokens for each address, in bounded memory.
//!
//! Thirty failures at once, then one a second; logins that succeed cost nothing, so that a whole shift behind one address
//! can begin its work. IPv6 sources count by their /64, since whoever has one address of it has them all. When the
//! table is full, sources that have their whole bucket are forgotten; if none has, strangers share one bucket, and
//! those in the table keep theirs.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

/// Failures that can follow one another without pause.
const BURST: u32 = 30;

/// The time after which one more is allowed.
const REFILL: Duration = Duration::from_secs(1);

/// Sources that are remembered.
const SOURCES_MAX: usize = 10_000;

/// The buckets.
#[derive(Debug, Default)]
pub(crate) struct LoginLimit {
    /// For each source the moment from which its bucket is full again.
    full_at: DashMap<IpAddr, Instant>,
}

impl LoginLimit {
    /// Whether this source may try; an error is the time until it may.
    pub(crate) fn check(&self, source: IpAddr, now: Instant) -> Result<(), Duration> {
        let key = self.bucket_of(network(source), now);
        let full_at = self.full_at.get(&key).map_or(now, |full_at| *full_at);
        match (full_at.max(now) + REFILL).checked_duration_since(now + REFILL * BURST) {
            Some(wait) if !wait.is_zero() => Err(wait),
            Some(_) | None => Ok(()),
        }
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, source: IpAddr, now: Instant) {
        let key = self.bucket_of(network(source), now);
        let mut full_at = self.full_at.entry(key).or_insert(now);
        // Those that were let in together and failed together count no more than the bucket holds.
        *full_at = ((*full_at).max(now) + REFILL).min(now + REFILL * BURST);
    }

    fn bucket_of(&self, source: IpAddr, now: Instant) -> IpAddr {
        if self.full_at.len() < SOURCES_MAX || self.full_at.contains_key(&source) {
            return source;
        }
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() < SOURCES_MAX {
            source
        } else {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        }
    }
}

fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(limit: &LoginLimit, source: &str, now: Instant) -> usize {
        let source = source.parse().unwrap();
        let fail = |_: &i32| {
            limit
                .check(source, now)
                .map(|()| limit.failed(source, now))
                .is_ok()
        };
        (0..100).take_while(fail).count()
    }

    #[test]
    fn thirty_at_once_then_one_a_second() {
        let (limit, start) = (LoginLimit::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(failures(&limit, "192.0.2.1", start), 30);
        assert_eq!(
            limit.check("192.0.2.1".parse().unwrap(), start),
            Err(REFILL)
        );
        assert_eq!(failures(&limit, "192.0.2.2", start), 30);
        assert_eq!(failures(&limit, "192.0.2.1", after(2)), 2);
        assert_eq!(failures(&limit, "192.0.2.1", after(3600)), 30);
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let (limit, start) = (LoginLimit::default(), Instant::now());
        assert_eq!(failures(&limit, "2001:db8::1", start), 30);
        assert_eq!(failures(&limit, "2001:db8::2", start), 0);
        assert_eq!(failures(&limit, "::ffff:192.0.2.1", start), 30);
        assert_eq!(failures(&limit, "192.0.2.1", start), 0);
    }

    #[test]
    fn the_table_is_bounded() {
        let (limit, start) = (LoginLimit::default(), Instant::now());
        let source = |n: u32| IpAddr::V4(n.into());
        for n in 0..20_000 {
            limit.failed(source(n), start);
        }
        assert!(
            limit.full_at.len() <= SOURCES_MAX + 1,
            "{}",
            limit.full_at.len()
        );
        assert_eq!(limit.check(source(20_001), start), Err(REFILL));
        assert_eq!(limit.check(source(1), start), Ok(()));
        assert_eq!(limit.check(source(20_001), start + REFILL), Ok(()));
        // Only the bucket of strangers is not full again.
        assert_eq!(limit.full_at.len(), 1);
    }
}
