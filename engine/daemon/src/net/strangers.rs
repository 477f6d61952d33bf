//! How much somebody nobody knows may ask for.
//!
//! A scanner's requests cost a parse and nothing more: beyond a rate per source address its new requests are
//! dropped unanswered. Known are the sources of trunks, the addresses their names resolve to, and every address a phone
//! is registered from; they are never limited here. A phone is a stranger until it has registered, so the rate lets an
//! office behind one address come back after a power cut, one phone after the other.

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use config::{Centre, SourcePattern};
use dashmap::DashMap;

/// New requests a second that a stranger's address may send on average, and at once.
const RATE: u32 = 50;
const BURST: u32 = 100;
/// Addresses watched at a time; beyond, all further ones share one allowance.
const WATCHED: usize = 65_536;
/// An address that has been quiet for this long has its whole allowance again.
const QUIET: Duration = Duration::from_secs(BURST.div_ceil(RATE) as u64);
/// How long a resolved or registered address is known, unless it is heard of again.
const KNOWN_FOR: Duration = Duration::from_secs(2 * 3_600);

/// Tells strangers from those we know, and counts what strangers ask for.
#[derive(Debug)]
pub(crate) struct Strangers {
    trunks: ArcSwap<Vec<SourcePattern>>,
    /// Until when an address is known.
    known: DashMap<IpAddr, Instant>,
    buckets: DashMap<IpAddr, Bucket>,
    /// For addresses there is no room for.
    crowd: Mutex<Bucket>,
    watched: usize,
}

/// What an address has left, in thousandths of a request.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left_milli: u32,
    at: Instant,
}

impl Bucket {
    fn full(now: Instant) -> Self {
        Self {
            left_milli: BURST * 1_000,
            at: now,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let passed_ms = now.saturating_duration_since(self.at).as_millis();
        let gained = u32::try_from(passed_ms)
            .unwrap_or(u32::MAX)
            .saturating_mul(RATE);
        self.left_milli = self.left_milli.saturating_add(gained).min(BURST * 1_000);
        self.at = now;
        let taken = self.left_milli.checked_sub(1_000);
        self.left_milli = taken.unwrap_or(self.left_milli);
        taken.is_some()
    }
}

impl Strangers {
    pub(crate) fn new(centre: &Centre) -> Self {
        Self::watching(centre, WATCHED)
    }

    fn watching(centre: &Centre, watched: usize) -> Self {
        Self {
            trunks: ArcSwap::from_pointee(sources(centre)),
            known: DashMap::new(),
            buckets: DashMap::new(),
            crowd: Mutex::new(Bucket::full(Instant::now())),
            watched,
        }
    }

    /// The trunks have changed.
    pub(crate) fn set_trunks(&self, centre: &Centre) {
        self.trunks.store(std::sync::Arc::new(sources(centre)));
    }

    /// An address is one of a trunk or a registered phone.
    pub(crate) fn make_known(&self, address: IpAddr, now: Instant) {
        if self.known.len() >= self.watched {
            self.known.retain(|_, until| *until > now);
        }
        self.known.insert(address.to_canonical(), now + KNOWN_FOR);
    }

    /// Whether a new request from there may come in now.
    pub(crate) fn admits(&self, source: SocketAddr, now: Instant) -> bool {
        let address = source.ip().to_canonical();
        self.is_known(address, source.port(), now) || self.take(address, now)
    }

    /// Whether somebody there is known: a trunk, or a registered phone.
    pub(crate) fn knows(&self, source: SocketAddr, now: Instant) -> bool {
        self.is_known(source.ip().to_canonical(), source.port(), now)
    }

    /// Whether nobody there is ever banned: trunks send from there, by whatever port, or a phone is registered.
    pub(crate) fn spares(&self, source: SocketAddr, now: Instant) -> bool {
        let address = source.ip().to_canonical();
        let trunks = self.trunks.load();
        trunks.iter().any(|trunk| trunk.network.contains(&address)) || self.knows(source, now)
    }

    fn is_known(&self, address: IpAddr, port: u16, now: Instant) -> bool {
        let is_source = |pattern: &SourcePattern| {
            pattern.network.contains(&address) && pattern.port.is_none_or(|wanted| wanted == port)
        };
        self.trunks.load().iter().any(is_source)
            || self.known.get(&address).is_some_and(|until| *until > now)
    }

    fn take(&self, address: IpAddr, now: Instant) -> bool {
        if let Some(mut bucket) = self.buckets.get_mut(&address) {
            return bucket.take(now);
        }
        if self.buckets.len() >= self.watched {
            self.buckets
                .retain(|_, bucket| now.saturating_duration_since(bucket.at) < QUIET);
        }
        if self.buckets.len() >= self.watched {
            let mut crowd = self
                .crowd
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            return crowd.take(now);
        }
        self.buckets
            .entry(address)
            .or_insert_with(|| Bucket::full(now))
            .take(now)
    }
}

fn sources(centre: &Centre) -> Vec<SourcePattern> {
    centre
        .trunks
        .values()
        .flat_map(|trunk| trunk.sources())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn centre() -> Centre {
        let text = "[[trunks]]\nname = \"pbx\"\nkind = \"peer\"\naddress = \"sip:10.0.0.1:5080;transport=udp\"\nallow = [\"10.1.0.0/16\"]\n";
        config::parse_centre(text, "test").unwrap()
    }

    fn source(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn admitted(strangers: &Strangers, from: &str, tries: usize, now: Instant) -> usize {
        (0..tries)
            .filter(|_| strangers.admits(source(from), now))
            .count()
    }

    #[test]
    fn strangers_have_a_burst_and_a_rate() {
        let (strangers, start) = (Strangers::new(&centre()), Instant::now());
        assert_eq!(admitted(&strangers, "203.0.113.9:1", 500, start), 100);
        assert_eq!(
            admitted(&strangers, "203.0.113.9:2", 500, start + SECOND),
            50
        );
        assert_eq!(
            admitted(&strangers, "203.0.113.8:1", 500, start + SECOND),
            100
        );
    }

    #[test]
    fn those_we_know_are_not_limited() {
        let (strangers, start) = (Strangers::new(&centre()), Instant::now());
        strangers.make_known(source("[::ffff:192.0.2.7]:1").ip(), start);
        for (name, from, expected) in [
            ("a trunk's address and port", "10.0.0.1:5080", 500),
            ("its address and another port", "10.0.0.1:9", 100),
            ("a network that may send for it", "10.1.2.3:9", 500),
            ("a registered phone's address", "192.0.2.7:9", 500),
        ] {
            assert_eq!(admitted(&strangers, from, 500, start), expected, "{name}");
        }
        assert_eq!(
            admitted(&strangers, "192.0.2.7:9", 500, start + KNOWN_FOR),
            100,
            "forgotten"
        );
    }

    #[test]
    fn trunks_are_spared_by_whatever_port_and_phones_while_they_are_registered() {
        let (strangers, start) = (Strangers::new(&centre()), Instant::now());
        strangers.make_known(source("192.0.2.7:1").ip(), start);
        for (from, expected) in [
            ("10.0.0.1:9", true),
            ("10.1.2.3:9", true),
            ("192.0.2.7:9", true),
            ("203.0.113.9:9", false),
        ] {
            assert_eq!(strangers.spares(source(from), start), expected, "{from}");
        }
        assert!(!strangers.spares(source("192.0.2.7:9"), start + KNOWN_FOR));
    }

    #[test]
    fn addresses_beyond_the_table_share_one_allowance_until_others_are_quiet() {
        let (strangers, start) = (Strangers::watching(&centre(), 2), Instant::now());
        for address in ["203.0.113.1:1", "203.0.113.2:1"] {
            assert_eq!(admitted(&strangers, address, 10, start), 10);
        }
        let crowd = admitted(&strangers, "203.0.113.3:1", 80, start)
            + admitted(&strangers, "203.0.113.4:1", 80, start);
        assert_eq!(crowd, 100);
        assert_eq!(
            admitted(&strangers, "203.0.113.5:1", 500, start + QUIET),
            100
        );
    }
}
