//! Nonces: made and checked without keeping any, counted once they are in use.
//!
//! A nonce is its time and an HMAC of that time and the source it was given to, so that challenges
//! cost no memory, however many strangers ask for one. A count is kept from the first good
//! response to the end of the nonce's life; the table is bounded, and what it forgot is known by
//! its age, so a forgotten nonce is refused as stale and never accepted twice.

use alloc::collections::BTreeMap;
use core::net::IpAddr;
use core::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::digest::{Hex, same_secret};

/// How long a nonce is good for.
pub(crate) const NONCE_LIFETIME: Duration = Duration::from_secs(60);

/// Octets of the HMAC that a nonce carries.
const MAC_LEN: usize = 16;
/// Length of a nonce's text: the time and the HMAC in hex.
pub(crate) const NONCE_LEN: usize = 2 * (8 + MAC_LEN);

/// The time of a nonce in microseconds since the epoch, which also is its name in the table.
pub(crate) type NonceTime = u64;

/// Makes nonces and knows its own again.
pub(crate) struct Mint {
    keyed: Hmac<Sha256>,
    last: NonceTime,
}

impl Mint {
    /// A mint whose nonces are all younger than `started`.
    pub(crate) fn new(key: &[u8; 32], started: Duration) -> Self {
        Self {
            keyed: <Hmac<Sha256> as KeyInit>::new_from_slice(key)
                .expect("HMAC takes keys of any length"),
            last: micros(started),
        }
    }

    /// Makes a nonce for that source. No two have the same time.
    pub(crate) fn issue(&mut self, now: Duration, source: IpAddr) -> Hex {
        self.last = micros(now).max(self.last.saturating_add(1));
        self.text(self.last, source)
    }

    /// The time of a nonce that we made for that source; `None` for any other text.
    pub(crate) fn recognise(&self, nonce: &[u8], source: IpAddr) -> Option<NonceTime> {
        if nonce.len() != NONCE_LEN {
            return None;
        }
        let digits = core::str::from_utf8(nonce.get(..16)?).ok()?;
        let time = u64::from_str_radix(digits, 16).ok()?;
        same_secret(self.text(time, source).as_bytes(), nonce).then_some(time)
    }

    fn text(&self, time: NonceTime, source: IpAddr) -> Hex {
        let address = match source {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        };
        let mac = self
            .keyed
            .clone()
            .chain_update(time.to_be_bytes())
            .chain_update(address)
            .finalize()
            .into_bytes();
        let mut octets = [0; 8 + MAC_LEN];
        let parts = time.to_be_bytes().into_iter().chain(mac);
        for (into, from) in octets.iter_mut().zip(parts) {
            *into = from;
        }
        Hex::new(&octets)
    }
}

/// `Duration` since the epoch in whole microseconds.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What became of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// Not seen before.
    Fresh,
    /// Seen before, too old to tell, or the nonce's life is over: a new nonce, please.
    Stale,
}

/// The counts seen with one nonce: the highest, and which of the 64 below it.
///
/// Datagrams overtake one another, so a count just below the highest is as good as a new one.
#[derive(Clone, Copy)]
struct Window {
    highest: u32,
    /// Bit `n` set: `highest - n` was seen.
    seen: u64,
}

impl Window {
    fn accept(&mut self, count: u32) -> Count {
        if let Some(ahead) = count.checked_sub(self.highest).filter(|ahead| *ahead > 0) {
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = count;
            return Count::Fresh;
        }
        match 1_u64.checked_shl(self.highest - count) {
            Some(bit) if self.seen & bit == 0 => {
                self.seen |= bit;
                Count::Fresh
            }
            _ => Count::Stale,
        }
    }
}

/// The counts of all nonces in use, at most `max` of them.
pub(crate) struct Counts {
    windows: BTreeMap<NonceTime, Window>,
    max: usize,
    /// Nonces of this time and older may have been forgotten.
    floor: NonceTime,
}

impl Counts {
    /// An empty table, which holds every nonce made up to `started` for forgotten.
    ///
    /// After a restart the key may be the old one, but the counts are gone.
    pub(crate) fn new(started: Duration, max: usize) -> Self {
        Self {
            windows: BTreeMap::new(),
            max: max.max(1),
            floor: micros(started),
        }
    }

    /// Takes note of a count; `None` is a response without count, good once per nonce.
    pub(crate) fn take(&mut self, now: Duration, nonce: NonceTime, count: Option<u32>) -> Count {
        self.expire(now);
        if nonce.saturating_add(micros(NONCE_LIFETIME)) <= micros(now) {
            return Count::Stale;
        }
        if let Some(window) = self.windows.get_mut(&nonce) {
            return count.map_or(Count::Stale, |count| window.accept(count));
        }
        if nonce <= self.floor {
            return Count::Stale;
        }
        let window = match count {
            Some(highest) => Window { highest, seen: 1 },
            // Without a count a second use cannot be told from a replay: all counts are used up.
            None => Window {
                highest: u32::MAX,
                seen: u64::MAX,
            },
        };
        self.windows.insert(nonce, window);
        self.shrink();
        Count::Fresh
    }

    /// Changes how many nonces are remembered.
    pub(crate) fn limit(&mut self, max: usize) {
        self.max = max.max(1);
        self.shrink();
    }

    pub(crate) fn len(&self) -> usize {
        self.windows.len()
    }

    /// Drops the counts of nonces whose life is over.
    fn expire(&mut self, now: Duration) {
        let dead = micros(now).saturating_sub(micros(NONCE_LIFETIME));
        while let Some(oldest) = self.windows.first_entry() {
            if *oldest.key() > dead {
                break;
            }
            oldest.remove();
        }
    }

    /// Forgets the oldest nonces when there are too many.
    fn shrink(&mut self) {
        while self.windows.len() > self.max {
            if let Some((time, _)) = self.windows.pop_first() {
                self.floor = self.floor.max(time);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::{Ipv4Addr, Ipv6Addr};

    const START: Duration = Duration::from_secs(1_700_000_000);
    const PHONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    fn after(seconds: u64) -> Duration {
        START + Duration::from_secs(seconds)
    }

    #[test]
    fn a_nonce_is_known_again_from_its_source_only() {
        let mut mint = Mint::new(&[7; 32], START - Duration::from_secs(1));
        let nonce = mint.issue(START, PHONE);
        let mut forged = nonce.as_bytes().to_vec();
        forged[47] ^= 1;
        let mapped = IpAddr::V6(Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped());
        for (name, text, source, expected) in [
            (
                "as given",
                nonce.as_bytes(),
                PHONE,
                Some(1_700_000_000_000_000),
            ),
            (
                "v4 as v6",
                nonce.as_bytes(),
                mapped,
                Some(1_700_000_000_000_000),
            ),
            (
                "other v4",
                nonce.as_bytes(),
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                None,
            ),
            (
                "other v6",
                nonce.as_bytes(),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
                None,
            ),
            ("cut", &nonce.as_bytes()[..47], PHONE, None),
            ("forged", forged.as_slice(), PHONE, None),
            ("empty", b"", PHONE, None),
        ] {
            assert_eq!(mint.recognise(text, source), expected, "{name}");
        }
        assert_eq!(
            Mint::new(&[8; 32], START).recognise(nonce.as_bytes(), PHONE),
            None
        );
    }

    #[test]
    fn no_two_nonces_are_alike() {
        let mut mint = Mint::new(&[7; 32], START - Duration::from_secs(1));
        let first = mint.issue(START, PHONE);
        let second = mint.issue(START, PHONE);
        assert_ne!(first.as_str(), second.as_str());
    }

    #[test]
    fn counts_are_good_once_in_any_order() {
        let mut counts = Counts::new(START, 8);
        let nonce = micros(after(1));
        for (name, count, expected) in [
            ("first", Some(1), Count::Fresh),
            ("again", Some(1), Count::Stale),
            ("ahead", Some(5), Count::Fresh),
            ("overtaken", Some(4), Count::Fresh),
            ("overtaken again", Some(4), Count::Stale),
            ("far ahead", Some(1000), Count::Fresh),
            ("too far behind", Some(936), Count::Stale),
            ("just near enough", Some(937), Count::Fresh),
            ("zero", Some(0), Count::Stale),
            ("without count", None, Count::Stale),
            ("the last there is", Some(u32::MAX), Count::Fresh),
            ("the last again", Some(u32::MAX), Count::Stale),
        ] {
            assert_eq!(counts.take(after(2), nonce, count), expected, "{name}");
        }
    }

    #[test]
    fn a_response_without_count_is_good_once() {
        let mut counts = Counts::new(START, 8);
        let nonce = micros(after(1));
        assert_eq!(counts.take(after(2), nonce, None), Count::Fresh);
        assert_eq!(counts.take(after(2), nonce, None), Count::Stale);
        assert_eq!(counts.take(after(2), nonce, Some(1)), Count::Stale);
    }

    #[test]
    fn a_nonce_lives_sixty_seconds() {
        let mut counts = Counts::new(START, 8);
        let nonce = micros(after(1));
        assert_eq!(counts.take(after(60), nonce, Some(1)), Count::Fresh);
        assert_eq!(counts.take(after(61), nonce, Some(2)), Count::Stale);
        assert_eq!(counts.len(), 0, "nothing is kept of a dead nonce");
    }

    #[test]
    fn what_was_forgotten_is_stale() {
        let mut counts = Counts::new(START, 2);
        for second in 1..=3 {
            let fresh = counts.take(after(4), micros(after(second)), Some(1));
            assert_eq!(fresh, Count::Fresh);
        }
        assert_eq!(counts.len(), 2);
        let evicted = counts.take(after(4), micros(after(1)), Some(2));
        assert_eq!(evicted, Count::Stale, "evicted");
        let kept = counts.take(after(4), micros(after(2)), Some(2));
        assert_eq!(kept, Count::Fresh, "kept");
    }

    #[test]
    fn nonces_of_the_life_before_are_stale() {
        let mut counts = Counts::new(START, 2);
        let before = micros(START - Duration::from_secs(1));
        assert_eq!(counts.take(after(1), before, Some(2)), Count::Stale);
    }
}
