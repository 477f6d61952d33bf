//! Who there is and how they behave.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use media::codec::Codec;

use crate::draw::Random;
use crate::sound::Voice;

/// A whole population: callers on one side, attendants on the other, either may be missing.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where every draw comes from: the same seed, the same people.
    pub seed: u64,
    /// Where requests go: the centre.
    pub server: SocketAddr,
    /// The host part of their addresses, and the realm of registrations; empty: the server's address.
    pub domain: String,
    /// Those who call.
    pub callers: Option<Callers>,
    /// Those who answer.
    pub attendants: Option<Attendants>,
    /// What is done about RTP.
    pub media: MediaMode,
    /// How many ended calls the report keeps; older ones are only counted.
    pub keep_calls: usize,
    /// Allows addresses that are not loopback: only where load is meant to leave this machine.
    pub beyond_loopback: bool,
}

/// Callers behind a trunk of their own.
#[derive(Debug, Clone)]
pub struct Callers {
    /// Their address, which names the trunk. Port 0 takes a free one.
    pub from: SocketAddr,
    /// What they dial, drawn evenly.
    pub numbers: Vec<Number>,
    /// When they come.
    pub arrivals: Arrivals,
    /// How many come; `None`: they keep coming until stopped.
    pub count: Option<u64>,
    /// The user part of a caller is this and the call's number in five digits or more.
    pub prefix: String,
    /// Display names, in turn; empty: none.
    pub names: Vec<String>,
    /// They give up when nobody has talked to them for so long; `None`: they wait forever.
    pub patience: Option<Spread>,
    /// How often, in a thousand, it is the caller who ends the talk; otherwise the attendant.
    pub hang_up_per_mille: u16,
    /// What they say.
    pub voice: Voice,
}

/// A number callers dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// As dialled.
    pub number: String,
    /// Its place when priorities are judged: callers of a higher one are to be served first.
    pub rank: u8,
}

impl Number {
    /// A number of the lowest rank.
    #[must_use]
    pub fn plain(number: &str) -> Self {
        Self {
            number: number.into(),
            rank: 0,
        }
    }
}

/// When callers come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// One after another, evenly.
    Every(Duration),
    /// At random, with this mean between two of them.
    Poisson(Duration),
}

impl Arrivals {
    /// So many a second, evenly. At most a million, at least one in a thousand seconds.
    #[must_use]
    pub fn per_second(rate: f64) -> Self {
        Self::Every(Duration::from_secs_f64(1.0 / rate.clamp(0.001, 1e6)))
    }

    pub(crate) fn gap(self, random: &mut Random) -> Duration {
        match self {
            Self::Every(gap) => gap,
            Self::Poisson(mean) => random.exponential(mean),
        }
    }
}

/// Attendants at one address: phones that register, or extensions of a PBX behind a trunk.
#[derive(Debug, Clone)]
pub struct Attendants {
    /// Their address. Port 0 takes a free one.
    pub at: SocketAddr,
    /// Who they are.
    pub people: Vec<Attendant>,
    /// How long a registration is asked to hold; it is renewed at half of that.
    pub expires: Duration,
    /// How long a phone rings before it is answered; nothing: at once and without a 180.
    pub answer_after: Spread,
    /// How long they talk.
    pub talk: Spread,
    /// How often, in a thousand, a call is refused with one of `refusals`.
    pub refuse_per_mille: u16,
    /// With what; empty: 486.
    pub refusals: Vec<u16>,
    /// How often, in a thousand, a phone rings and nobody answers.
    pub ignore_per_mille: u16,
    /// How often, in a thousand, the caller is put on hold in the middle of a talk.
    pub hold_per_mille: u16,
    /// For how long.
    pub hold_for: Spread,
    /// What they say.
    pub voice: Voice,
}

/// One attendant's phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attendant {
    /// The user part of its address.
    pub extension: String,
    /// With it the phone registers; without, it is reached through a trunk.
    pub password: Option<String>,
}

/// A length of time to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Always the same.
    Exactly(Duration),
    /// Evenly between the two.
    Between(Duration, Duration),
    /// Exponentially around a mean, at most twenty times that.
    Exponential(Duration),
}

impl Spread {
    /// No time at all.
    pub const NONE: Self = Self::Exactly(Duration::ZERO);

    /// Evenly around a mean; never below nothing.
    #[must_use]
    pub fn around(mean: Duration, jitter: Duration) -> Self {
        Self::Between(mean.saturating_sub(jitter), mean + jitter)
    }

    pub(crate) fn draw(self, random: &mut Random) -> Duration {
        match self {
            Self::Exactly(always) => always,
            Self::Between(from, to) => random.between(from, to),
            Self::Exponential(mean) => random.exponential(mean),
        }
    }
}

/// What is done about RTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaMode {
    /// Every leg has a socket, says something every 20 ms and listens.
    Full {
        /// Allowed codecs, the preferred one first; at least one.
        codecs: Vec<Codec>,
    },
    /// One socket for each side that nobody reads: the kernel counts what comes. Nobody says anything.
    Sink {
        /// Allowed codecs, the preferred one first; at least one.
        codecs: Vec<Codec>,
    },
}

impl MediaMode {
    /// The codecs allowed.
    #[must_use]
    pub fn codecs(&self) -> &[Codec] {
        match self {
            Self::Full { codecs } | Self::Sink { codecs } => codecs,
        }
    }
}

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// Load must not leave this machine by mistake.
    #[error(
        "{0} is not a loopback address; say so explicitly if load is meant to leave this machine"
    )]
    BeyondLoopback(IpAddr),
    /// Nobody to bring to life.
    #[error("neither callers nor attendants")]
    Nobody,
    /// Callers without anything to dial.
    #[error("callers need a number to dial")]
    NoNumber,
    /// Media without a codec.
    #[error("media needs a codec")]
    NoCodec,
    /// A gap of nothing between two callers would be an endless crowd.
    #[error("callers need some time between them")]
    NoGap,
    /// Two phones cannot share an address.
    #[error("two attendants have the extension {0}")]
    TwoOfOne(String),
}

impl Plan {
    /// A plan with nobody in it yet.
    #[must_use]
    pub fn new(server: SocketAddr) -> Self {
        Self {
            seed: 7,
            server,
            domain: String::new(),
            callers: None,
            attendants: None,
            media: MediaMode::Full {
                codecs: Codec::ALL.to_vec(),
            },
            keep_calls: 1_000_000,
            beyond_loopback: false,
        }
    }

    /// The host part of addresses at the centre.
    #[must_use]
    pub fn domain(&self) -> String {
        match self.domain.as_str() {
            "" => self.server.to_string(),
            domain => domain.into(),
        }
    }

    /// Checks that it can be carried out, and does no harm elsewhere.
    ///
    /// # Errors
    ///
    /// The first fault found.
    pub fn check(&self) -> Result<(), PlanFault> {
        let ours = self.callers.iter().map(|callers| callers.from);
        let theirs = self.attendants.iter().map(|attendants| attendants.at);
        for address in ours.chain(theirs).chain([self.server]) {
            if !self.beyond_loopback && !is_loopback(address.ip()) {
                return Err(PlanFault::BeyondLoopback(address.ip()));
            }
        }
        if self.callers.is_none() && self.attendants.is_none() {
            return Err(PlanFault::Nobody);
        }
        if self.media.codecs().is_empty() {
            return Err(PlanFault::NoCodec);
        }
        self.callers.as_ref().map_or(Ok(()), Callers::check)?;
        self.attendants.as_ref().map_or(Ok(()), Attendants::check)
    }
}

impl Callers {
    /// Patient callers of one number, who leave it to the attendant to hang up.
    #[must_use]
    pub fn new(from: SocketAddr, number: &str, arrivals: Arrivals) -> Self {
        Self {
            from,
            numbers: vec![Number::plain(number)],
            arrivals,
            count: None,
            prefix: "c".into(),
            names: Vec::new(),
            patience: None,
            hang_up_per_mille: 0,
            voice: Voice::CALLER_TONE,
        }
    }

    fn check(&self) -> Result<(), PlanFault> {
        let (Arrivals::Every(gap) | Arrivals::Poisson(gap)) = self.arrivals;
        if self.numbers.is_empty() {
            return Err(PlanFault::NoNumber);
        }
        if gap.is_zero() {
            return Err(PlanFault::NoGap);
        }
        Ok(())
    }
}

impl Attendants {
    /// Attendants who answer at once, always, and talk for two seconds.
    #[must_use]
    pub fn new(at: SocketAddr, people: Vec<Attendant>) -> Self {
        Self {
            at,
            people,
            expires: Duration::from_secs(120),
            answer_after: Spread::NONE,
            talk: Spread::Exactly(Duration::from_secs(2)),
            refuse_per_mille: 0,
            refusals: Vec::new(),
            ignore_per_mille: 0,
            hold_per_mille: 0,
            hold_for: Spread::Exactly(Duration::from_secs(1)),
            voice: Voice::ATTENDANT_TONE,
        }
    }

    /// So many extensions, numbered from 0 behind a prefix, all with the same password or none.
    #[must_use]
    pub fn numbered(prefix: &str, count: usize, password: Option<&str>) -> Vec<Attendant> {
        (0..count)
            .map(|number| Attendant {
                extension: format!("{prefix}{number}"),
                password: password.map(Into::into),
            })
            .collect()
    }

    fn check(&self) -> Result<(), PlanFault> {
        let mut known = std::collections::BTreeSet::new();
        match self.people.iter().find(|one| !known.insert(&one.extension)) {
            Some(twice) => Err(PlanFault::TwoOfOne(twice.extension.clone())),
            None => Ok(()),
        }
    }
}

/// Whether an address cannot leave this machine; mapped IPv4 counts as what it maps.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let mut plan = Plan::new("127.0.0.1:5060".parse().unwrap());
        let every = Arrivals::per_second(10.0);
        plan.callers = Some(Callers::new(
            "127.0.0.2:5070".parse().unwrap(),
            "2000",
            every,
        ));
        let people = Attendants::numbered("a", 2, Some("secret"));
        plan.attendants = Some(Attendants::new("127.0.0.3:5080".parse().unwrap(), people));
        plan
    }

    #[test]
    fn a_plan_that_can_be_carried_out_passes() {
        assert_eq!(plan().check(), Ok(()));
        assert_eq!(plan().domain(), "127.0.0.1:5060");
        assert_eq!(
            plan().attendants.unwrap().people[1],
            Attendant {
                extension: "a1".into(),
                password: Some("secret".into())
            }
        );
    }

    #[test]
    fn what_cannot_be_or_would_leave_the_machine_is_refused() {
        type Case = (&'static str, fn(&mut Plan), PlanFault);
        let outside = "192.0.2.1:5060";
        let beyond = PlanFault::BeyondLoopback("192.0.2.1".parse().unwrap());
        let table: [Case; 8] = [
            (
                "server",
                |plan| plan.server = "192.0.2.1:5060".parse().unwrap(),
                beyond.clone(),
            ),
            (
                "callers",
                |plan| plan.callers.as_mut().unwrap().from = "192.0.2.1:0".parse().unwrap(),
                beyond.clone(),
            ),
            (
                "attendants",
                |plan| plan.attendants.as_mut().unwrap().at = "192.0.2.1:0".parse().unwrap(),
                beyond,
            ),
            (
                "nobody",
                |plan| (plan.callers, plan.attendants) = (None, None),
                PlanFault::Nobody,
            ),
            (
                "number",
                |plan| plan.callers.as_mut().unwrap().numbers.clear(),
                PlanFault::NoNumber,
            ),
            (
                "gap",
                |plan| {
                    plan.callers.as_mut().unwrap().arrivals = Arrivals::Poisson(Duration::ZERO);
                },
                PlanFault::NoGap,
            ),
            (
                "codec",
                |plan| plan.media = MediaMode::Sink { codecs: vec![] },
                PlanFault::NoCodec,
            ),
            (
                "twins",
                |plan| plan.attendants.as_mut().unwrap().people[1].extension = "a0".into(),
                PlanFault::TwoOfOne("a0".into()),
            ),
        ];
        for (name, spoil, fault) in table {
            let mut spoilt = plan();
            spoil(&mut spoilt);
            assert_eq!(spoilt.check(), Err(fault), "{name}");
        }
        let mut meant = plan();
        meant.server = outside.parse().unwrap();
        meant.beyond_loopback = true;
        assert_eq!(meant.check(), Ok(()));
    }

    #[test]
    fn spreads_are_drawn_in_their_range() {
        let mut random = Random::new(3);
        let second = Duration::from_secs(1);
        let around = Spread::around(second, 2 * second);
        for _ in 0..100 {
            assert!(around.draw(&mut random) <= 3 * second);
        }
        assert_eq!(Spread::Exactly(second).draw(&mut random), second);
    }
}
