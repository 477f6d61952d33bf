//! How often one source may try to log in: a bucket of tokens for each address, in bounded memory.
//!
//! Ten attempts at once, then one every three seconds. IPv6 sources count by their /64, since whoever has one
//! address of it has them all. When the table is full, sources that have their whole bucket are forgotten;
//! if none has, strangers share one bucket, and those in the table keep theirs.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

/// Attempts that can follow one another without pause.
const BURST: u32 = 10;

/// The time after which one more attempt is allowed.
const REFILL: Duration = Duration::from_secs(3);

/// Sources that are remembered.
const SOURCES_MAX: usize = 10_000;

/// The buckets.
#[derive(Debug, Default)]
pub(crate) struct LoginLimit {
    /// For each source the moment from which its bucket is full again.
    full_at: DashMap<IpAddr, Instant>,
}

impl LoginLimit {
    /// Takes one attempt; an error is the time until the next one is allowed.
    pub(crate) fn attempt(&self, source: IpAddr, now: Instant) -> Result<(), Duration> {
        let key = self.bucket_of(network(source), now);
        let mut full_at = self.full_at.entry(key).or_insert(now);
        let after = (*full_at).max(now) + REFILL;
        let most = now + REFILL * BURST;
        if after > most {
            return Err(after - most);
        }
        *full_at = after;
        Ok(())
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

    fn attempts(limit: &LoginLimit, source: &str, now: Instant) -> usize {
        let source = source.parse().unwrap();
        (0..100)
            .take_while(|_| limit.attempt(source, now).is_ok())
            .count()
    }

    #[test]
    fn ten_at_once_then_one_every_three_seconds() {
        let (limit, start) = (LoginLimit::default(), Instant::now());
        assert_eq!(attempts(&limit, "192.0.2.1", start), 10);
        assert_eq!(
            limit.attempt("192.0.2.1".parse().unwrap(), start),
            Err(REFILL)
        );
        assert_eq!(attempts(&limit, "192.0.2.2", start), 10);
        assert_eq!(
            attempts(&limit, "192.0.2.1", start + Duration::from_secs(7)),
            2
        );
        assert_eq!(
            attempts(&limit, "192.0.2.1", start + Duration::from_secs(3600)),
            10
        );
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let (limit, start) = (LoginLimit::default(), Instant::now());
        assert_eq!(attempts(&limit, "2001:db8::1", start), 10);
        assert_eq!(attempts(&limit, "2001:db8::2", start), 0);
        assert_eq!(attempts(&limit, "::ffff:192.0.2.1", start), 10);
        assert_eq!(attempts(&limit, "192.0.2.1", start), 0);
    }

    #[test]
    fn the_table_is_bounded() {
        let (limit, start) = (LoginLimit::default(), Instant::now());
        let source = |n: u32| IpAddr::V4(n.into());
        for n in 0..20_000 {
            let _ = limit.attempt(source(n), start);
        }
        assert!(
            limit.full_at.len() <= SOURCES_MAX + 1,
            "{}",
            limit.full_at.len()
        );
        assert_eq!(limit.attempt(source(20_001), start), Err(REFILL));
        assert_eq!(limit.attempt(source(20_001), start + REFILL), Ok(()));
        // The newcomer and the bucket of strangers are left.
        assert_eq!(limit.full_at.len(), 2);
    }
}
