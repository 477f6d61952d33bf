//! Sources that are not heard for a while, because of what they have sent.
//!
//! Each offence of an address costs points, which wear off by one every ten seconds. At [`LIMIT`] the address is banned: what
//! comes from it is dropped unread, for a minute the first time, twice as long each further time, an hour at most; an hour
//! without a ban takes back one doubling. A source that spoofs addresses can have strangers banned, but nobody else: trunks'
//! sources and addresses phones are registered from are spared by whoever asks here, and so are emergency calls.
//! The table is bounded; when it is full of offenders, new ones are not watched.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Points at which an address is banned.
const LIMIT: u32 = 20;
/// How long a point lasts.
const POINT: Duration = Duration::from_secs(10);
/// The first ban, and the longest.
const FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3_600);
/// How long no ban must have come for one doubling to be forgotten.
const FORGIVEN: Duration = Duration::from_secs(3_600);
/// How often people are told of a new ban.
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// Addresses watched at a time.
const WATCHED: usize = 65_536;

/// What somebody did who is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offence {
    /// Credentials with a wrong password, or of nobody.
    WrongCredentials,
    /// A REGISTER for an extension that there is not.
    UnknownUser,
    /// An INVITE of a stranger.
    RefusedCall,
    /// What cannot be read.
    Garbage,
}

impl From<engine::Offence> for Offence {
    fn from(offence: engine::Offence) -> Self {
        match offence {
            engine::Offence::WrongCredentials => Self::WrongCredentials,
            engine::Offence::UnknownUser => Self::UnknownUser,
            engine::Offence::RefusedCall => Self::RefusedCall,
        }
    }
}

impl Offence {
    const fn points(self) -> u32 {
        match self {
            Self::WrongCredentials | Self::UnknownUser => 5,
            Self::RefusedCall => 4,
            Self::Garbage => 1,
        }
    }

    /// For people.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::WrongCredentials => "wrong credentials",
            Self::UnknownUser => "registrations of extensions there are none of",
            Self::RefusedCall => "calls of a stranger",
            Self::Garbage => "messages that cannot be read",
        }
    }
}

/// A ban in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ban {
    pub(crate) address: IpAddr,
    /// How long it lasts yet.
    pub(crate) left: Duration,
    /// The offence that was one too many.
    pub(crate) offence: Offence,
    /// How many times the time was doubled.
    pub(crate) doublings: u32,
}

/// What addresses have done, and which are banned.
#[derive(Debug)]
pub(crate) struct Bans {
    rows: Mutex<BTreeMap<IpAddr, Row>>,
    /// How many rows may be bans, so that nobody has to look when there is none.
    banned: AtomicUsize,
    watched: usize,
    /// When people were last told of a ban.
    told: Mutex<Option<Instant>>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    /// Points in thousandths, as of `at`.
    points_milli: u32,
    at: Instant,
    offence: Offence,
    bans: u32,
    until: Option<Instant>,
    last_ban_ended: Option<Instant>,
}

impl Default for Bans {
    fn default() -> Self {
        Self::watching(WATCHED)
    }
}

impl Bans {
    fn watching(watched: usize) -> Self {
        Self {
            rows: Mutex::default(),
            banned: AtomicUsize::new(0),
            watched,
            told: Mutex::default(),
        }
    }

    /// Whether what comes from there is not heard now.
    pub(crate) fn is_banned(&self, address: IpAddr, now: Instant) -> bool {
        if self.banned.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let rows = self.rows();
        let row = rows.get(&address.to_canonical());
        row.is_some_and(|row| row.is_banned(now))
    }

    /// Notes an offence; the ban that begins with it, if one does.
    pub(crate) fn offended(&self, address: IpAddr, offence: Offence, now: Instant) -> Option<Ban> {
        let address = address.to_canonical();
        let mut rows = self.rows();
        if rows.len() >= self.watched && !rows.contains_key(&address) {
            rows.retain(|_, row| row.matters(now));
            self.recount(&rows, now);
            if rows.len() >= self.watched {
                return None;
            }
        }
        let row = rows
            .entry(address)
            .or_insert_with(|| Row::new(offence, now));
        let ban = row.offended(address, offence, now)?;
        self.recount(&rows, now);
        Some(ban)
    }

    /// Whether people are told of a ban that begins now: of one a second, so that a flood fills no log.
    pub(crate) fn is_told(&self, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_told = told.is_none_or(|at| now.saturating_duration_since(at) >= TOLD_EVERY);
        if is_told {
            *told = Some(now);
        }
        is_told
    }

    /// The bans in force, by address.
    pub(crate) fn list(&self, now: Instant) -> Vec<Ban> {
        let rows = self.rows();
        let bans = rows
            .iter()
            .filter_map(|(address, row)| row.ban(*address, now));
        bans.collect()
    }

    /// Ends a ban, and forgets what the address has done. False where there was none.
    pub(crate) fn lift(&self, address: IpAddr, now: Instant) -> bool {
        let mut rows = self.rows();
        let row = rows.remove(&address.to_canonical());
        self.recount(&rows, now);
        row.is_some_and(|row| row.is_banned(now))
    }

    /// Bans that have run out count until the next offence of anybody: then somebody looks in vain.
    fn recount(&self, rows: &BTreeMap<IpAddr, Row>, now: Instant) {
        let banned = rows.values().filter(|row| row.is_banned(now)).count();
        self.banned.store(banned, Ordering::Relaxed);
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    fn new(offence: Offence, now: Instant) -> Self {
        Self {
            points_milli: 0,
            at: now,
            offence,
            bans: 0,
            until: None,
            last_ban_ended: None,
        }
    }

    fn is_banned(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    /// Lets points, and the memory of former bans, wear off.
    fn wear(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_millis();
        let worn = passed * 1_000 / POINT.as_millis();
        let worn = u32::try_from(worn).unwrap_or(u32::MAX);
        self.points_milli = self.points_milli.saturating_sub(worn);
        self.at = now;
        while let Some(ended) = self.last_ban_ended
            && self.bans > 0
            && now.saturating_duration_since(ended) >= FORGIVEN
        {
            self.bans -= 1;
            self.last_ban_ended = Some(ended + FORGIVEN);
        }
    }

    fn offended(&mut self, address: IpAddr, offence: Offence, now: Instant) -> Option<Ban> {
        if self.is_banned(now) {
            return None;
        }
        self.wear(now);
        self.offence = offence;
        self.points_milli = self.points_milli.saturating_add(offence.points() * 1_000);
        if self.points_milli < LIMIT * 1_000 {
            return None;
        }
        let doublings = self.bans.min(16);
        let length = FIRST.saturating_mul(1 << doublings).min(LONGEST);
        self.bans = self.bans.saturating_add(1);
        self.points_milli = 0;
        self.until = Some(now + length);
        self.last_ban_ended = self.until;
        self.ban(address, now)
    }

    fn ban(&self, address: IpAddr, now: Instant) -> Option<Ban> {
        let left = self.until?.checked_duration_since(now)?;
        (!left.is_zero()).then(|| Ban {
            address,
            left,
            offence: self.offence,
            doublings: self.bans.saturating_sub(1),
        })
    }

    /// Whether forgetting it would change anything.
    fn matters(&mut self, now: Instant) -> bool {
        if self.is_banned(now) {
            return true;
        }
        self.wear(now);
        self.points_milli > 0 || self.bans > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    /// Offends until a ban begins; its length, and how many offences it took.
    fn until_banned(bans: &Bans, offence: Offence, now: Instant) -> (u64, usize) {
        (1..)
            .find_map(|count| {
                let ban = bans.offended(address(1), offence, now)?;
                Some((ban.left.as_secs(), count))
            })
            .unwrap()
    }

    #[test]
    fn so_many_offences_of_each_kind_are_too_many() {
        for (offence, expected) in [
            (Offence::WrongCredentials, 4),
            (Offence::UnknownUser, 4),
            (Offence::RefusedCall, 5),
            (Offence::Garbage, 20),
        ] {
            let (bans, start) = (Bans::default(), Instant::now());
            assert_eq!(
                until_banned(&bans, offence, start),
                (60, expected),
                "{offence:?}"
            );
            assert!(bans.is_banned(address(1), start));
            assert!(!bans.is_banned(address(2), start), "only that address");
            assert!(bans.is_banned(address(1), start + 59 * SECOND));
            assert!(!bans.is_banned(address(1), start + 60 * SECOND));
        }
    }

    #[test]
    fn points_wear_off_so_that_a_mistake_now_and_then_is_none() {
        let (bans, start) = (Bans::default(), Instant::now());
        for n in 0..1_000 {
            let ban = bans.offended(
                address(1),
                Offence::WrongCredentials,
                start + n * 50 * SECOND,
            );
            assert_eq!(ban, None, "{n}");
        }
        let (bans, mut banned_after) = (Bans::default(), None);
        for n in 0..100 {
            let at = start + n * 20 * SECOND;
            if bans
                .offended(address(1), Offence::WrongCredentials, at)
                .is_some()
            {
                banned_after.get_or_insert(n);
            }
        }
        assert_eq!(banned_after, Some(5), "every 20 s is too often");
    }

    #[test]
    fn each_further_ban_is_twice_as_long_up_to_an_hour_and_an_hour_takes_one_back() {
        let (bans, mut now) = (Bans::default(), Instant::now());
        let mut lengths = Vec::new();
        for _ in 0..8 {
            let (length, _) = until_banned(&bans, Offence::RefusedCall, now);
            lengths.push(length);
            now += Duration::from_secs(length);
        }
        assert_eq!(lengths, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        now += 5 * FORGIVEN;
        assert_eq!(until_banned(&bans, Offence::RefusedCall, now).0, 480);
    }

    #[test]
    fn a_ban_is_listed_and_can_be_lifted() {
        let (bans, start) = (Bans::default(), Instant::now());
        until_banned(&bans, Offence::UnknownUser, start);
        let listed = bans.list(start + 10 * SECOND);
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].left, listed[0].doublings), (50 * SECOND, 0));
        assert!(bans.lift("::ffff:203.0.113.1".parse().unwrap(), start));
        assert!(!bans.lift(address(1), start));
        assert!(!bans.is_banned(address(1), start) && bans.list(start).is_empty());
    }

    #[test]
    fn the_table_is_bounded_and_makes_room_from_those_who_have_calmed_down() {
        let (bans, start) = (Bans::watching(2), Instant::now());
        let offend = |last, at| {
            (0..4)
                .filter_map(|_| bans.offended(address(last), Offence::UnknownUser, at))
                .count()
        };
        assert_eq!(
            (offend(1, start), offend(2, start), offend(3, start)),
            (1, 1, 0)
        );
        assert_eq!(offend(3, start + 2 * FORGIVEN), 1);
    }
}
