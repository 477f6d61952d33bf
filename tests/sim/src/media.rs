//! The media threads, without packets: ports are bound, promised, opened and closed, clips begin and end.
//!
//! They answer as the real ones do, a little later, and note whatever the engine asks of them that makes no sense:
//! a port opened that was never in stock, a leg opened twice, a description that names a port nobody listens at.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use media::control::{ClipId, LegKey, LegStats, MediaCommand, MediaEvent, PortPair, WorkerId};

/// How many workers there are.
const WORKERS: u16 = 2;
/// How many port pairs each has.
const PAIRS: u32 = 512;
/// Without any packet for so long a leg is said to be lifeless.
const LIFELESS: Duration = Duration::from_secs(30);
/// How long an answer of a worker takes.
const ANSWERS_AFTER: Duration = Duration::from_micros(300);

/// What is heard on a leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hears {
    /// Nothing: there is no leg, or nothing plays.
    Nothing,
    /// This clip.
    Clip(String),
    /// The other side.
    Person,
}

/// One clip the workers hold.
#[derive(Debug, Clone)]
pub(crate) struct Clip {
    pub(crate) name: &'static str,
    pub(crate) length: Duration,
}

/// The clips of the default centre, and the words of announcements.
static CLIPS: LazyLock<Vec<Clip>> = LazyLock::new(|| {
    let sentences = [
        ("default", 60),
        ("welcome", 4),
        ("closed", 5),
        ("sorry", 3),
        ("ringback", 6),
        ("silence", 1),
    ];
    let sentences = sentences.map(|(name, seconds)| Clip {
        name,
        length: Duration::from_secs(seconds),
    });
    let words = ::media::assets::WORDS.iter().map(|word| Clip {
        name: word.name,
        length: WORD,
    });
    let uploaded = Clip {
        name: UPLOADED,
        length: Duration::from_secs(2),
    };
    sentences
        .into_iter()
        .chain(words)
        .chain([uploaded])
        .collect()
});

/// The name under which an uploaded sound is heard, whatever it is called in the centre.
const UPLOADED: &str = "uploaded";

/// How long a word is.
const WORD: Duration = Duration::from_millis(500);

/// A sound of two seconds that was uploaded, as the centre knows it.
pub fn uploaded() -> config::Prompt {
    config::Prompt {
        sha256: UPLOADED.into(),
        clip: u32::try_from(CLIPS.len()).ok(),
    }
}

/// Numbers for the clips, as the engine is told: not of the one that was uploaded, which it has from the centre.
pub(crate) fn clip_ids() -> BTreeMap<String, ClipId> {
    CLIPS
        .iter()
        .zip(1..)
        .filter(|(clip, _)| clip.name != UPLOADED)
        .map(|(clip, id)| (clip.name.to_owned(), ClipId(id)))
        .collect()
}

fn clip_of(id: ClipId) -> &'static Clip {
    let index = usize::try_from(id.0).unwrap_or(0);
    index
        .checked_sub(1)
        .and_then(|index| CLIPS.get(index))
        .expect("the engine was told these numbers")
}

#[derive(Debug)]
struct OpenLeg {
    ports: PortPair,
    far: Option<Far>,
    partner: Option<LegKey>,
    /// What plays, and whether it begins again at its end; the number tells one play from the next.
    playing: Option<(ClipId, bool, u64)>,
}

/// Where a leg's packets come from.
#[derive(Debug, Clone, Copy)]
struct Far {
    address: SocketAddr,
    /// Whether any are to come.
    receive: bool,
    /// Since when there were none, as far as was looked.
    quiet_since: Duration,
    /// Tells one description from the next.
    number: u64,
}

#[derive(Debug, Clone)]
enum Due {
    Tell(MediaEvent),
    ClipEnds(LegKey, u64),
    /// Look whether anything has come of the one so described.
    Listen(LegKey, u64),
}

/// All workers.
#[derive(Debug)]
pub(crate) struct Media {
    free: BTreeMap<WorkerId, VecDeque<PortPair>>,
    /// Bound and promised to nobody yet: in the engine's stock, or on the way there.
    stocked: BTreeSet<(WorkerId, u32)>,
    open: BTreeMap<LegKey, OpenLeg>,
    due: BTreeMap<(Duration, u64), Due>,
    owed: BTreeMap<WorkerId, u32>,
    count: u64,
    promised: Vec<SocketAddr>,
    faults: Vec<String>,
}

impl Media {
    /// Workers that have just started: all ports are bound to them, the first fill the stock.
    pub(crate) fn start(now: Duration, ip: std::net::IpAddr) -> Self {
        let pair = |worker: u16, slot: u32| PortPair {
            worker: WorkerId(worker),
            slot,
            rtp: SocketAddr::new(
                ip,
                10_000 + worker * 2_000 + 2 * u16::try_from(slot).unwrap_or(0),
            ),
        };
        let free = (0..WORKERS).map(|worker| {
            (
                WorkerId(worker),
                (0..PAIRS).map(|slot| pair(worker, slot)).collect(),
            )
        });
        let mut media = Self {
            free: free.collect(),
            stocked: BTreeSet::new(),
            open: BTreeMap::new(),
            due: BTreeMap::new(),
            owed: BTreeMap::new(),
            count: 0,
            promised: Vec::new(),
            faults: Vec::new(),
        };
        for worker in 0..WORKERS {
            media.deliver(now, WorkerId(worker), engine::PORT_STOCK_LEVEL);
        }
        media
    }

    fn deliver(&mut self, now: Duration, worker: WorkerId, count: u32) {
        let free = self.free.entry(worker).or_default();
        let ready = usize::try_from(count).unwrap_or(0).min(free.len());
        let pairs: Vec<PortPair> = free.drain(..ready).collect();
        let missing = count - u32::try_from(pairs.len()).unwrap_or(0);
        self.stocked
            .extend(pairs.iter().map(|pair| (pair.worker, pair.slot)));
        *self.owed.entry(worker).or_default() += missing;
        if !pairs.is_empty() {
            self.later(now, ANSWERS_AFTER, Due::Tell(MediaEvent::PortsReady(pairs)));
        }
        if missing > 0 {
            self.later(
                now,
                ANSWERS_AFTER,
                Due::Tell(MediaEvent::PortsExhausted { worker }),
            );
        }
    }

    /// A pair rests where the least recently used are taken from the front; what is owed goes out at once.
    fn give_back(&mut self, now: Duration, ports: PortPair) {
        self.free.entry(ports.worker).or_default().push_back(ports);
        let owed = self.owed.remove(&ports.worker).unwrap_or(0);
        if owed > 0 {
            self.deliver(now, ports.worker, owed);
        }
    }

    fn later(&mut self, now: Duration, after: Duration, due: Due) {
        self.count += 1;
        self.due.insert((now + after, self.count), due);
    }

    pub(crate) fn handle(&mut self, now: Duration, worker: WorkerId, command: MediaCommand) {
        match command {
            MediaCommand::Open { leg, ports } => self.open(leg, ports),
            MediaCommand::SetRemote {
                leg,
                remote,
                receive,
                ..
            } => self.describe(now, leg, remote.rtp, receive),
            MediaCommand::Bridge { a, b } => {
                self.on_leg(a, "Bridge", |open| {
                    (open.partner, open.playing) = (Some(b), None)
                });
                self.on_leg(b, "Bridge", |open| {
                    (open.partner, open.playing) = (Some(a), None)
                });
            }
            MediaCommand::Unbridge { a } => {
                let partner = self.open.get(&a).and_then(|open| open.partner);
                for leg in [Some(a), partner].into_iter().flatten() {
                    self.on_leg(leg, "Unbridge", |open| open.partner = None);
                }
            }
            MediaCommand::Play { leg, clip, repeat } => self.play(now, leg, clip, repeat),
            MediaCommand::StopPlay { leg } => {
                self.on_leg(leg, "StopPlay", |open| open.playing = None)
            }
            MediaCommand::AddClip { .. } | MediaCommand::RemoveClip { .. } => {}
            MediaCommand::Close { leg } => self.close(now, leg),
            MediaCommand::Restock { count } => self.deliver(now, worker, count),
            MediaCommand::GiveBack { ports } => {
                if self.stocked.remove(&(ports.worker, ports.slot)) {
                    self.give_back(now, ports);
                } else {
                    self.faults
                        .push(format!("{ports:?} given back, but it was not in stock"));
                }
            }
        }
    }

    fn open(&mut self, leg: LegKey, ports: PortPair) {
        if !self.stocked.remove(&(ports.worker, ports.slot)) {
            self.faults
                .push(format!("{leg:?} opens {ports:?}, which is not in stock"));
        }
        let fresh = OpenLeg {
            ports,
            far: None,
            partner: None,
            playing: None,
        };
        if self.open.insert(leg, fresh).is_some() {
            self.faults.push(format!("{leg:?} is opened twice"));
        }
    }

    fn describe(&mut self, now: Duration, leg: LegKey, address: SocketAddr, receive: bool) {
        let number = self.count + 1;
        self.on_leg(leg, "SetRemote", |open| {
            open.far = Some(Far {
                address,
                receive,
                quiet_since: now,
                number,
            });
        });
        self.later(now, LIFELESS, Due::Listen(leg, number));
    }

    /// Whether nothing has come on a leg for [`LIFELESS`]; when to look again is noted. `last_sound` says until when
    /// packets came from an address.
    fn listen(
        &mut self,
        now: Duration,
        leg: LegKey,
        number: u64,
        last_sound: impl Fn(SocketAddr) -> Duration,
    ) -> bool {
        let far = self.open.get_mut(&leg).and_then(|open| open.far.as_mut());
        let Some(far) = far.filter(|far| far.number == number) else {
            return false;
        };
        far.quiet_since = far.quiet_since.max(last_sound(far.address));
        let lifeless = now >= far.quiet_since + LIFELESS;
        if lifeless {
            far.quiet_since = now;
        }
        let (again, receive) = (far.quiet_since + LIFELESS - now, far.receive);
        self.later(now, again, Due::Listen(leg, number));
        lifeless && receive
    }

    fn on_leg(&mut self, leg: LegKey, what: &str, change: impl FnOnce(&mut OpenLeg)) {
        match self.open.get_mut(&leg) {
            Some(open) => change(open),
            None => self
                .faults
                .push(format!("{what} for {leg:?}, which is not open")),
        }
    }

    fn play(&mut self, now: Duration, leg: LegKey, clip: ClipId, repeat: bool) {
        let number = self.count + 1;
        self.on_leg(leg, "Play", |open| {
            open.playing = Some((clip, repeat, number))
        });
        if !repeat {
            self.later(now, clip_of(clip).length, Due::ClipEnds(leg, number));
        } else {
            self.count += 1;
        }
    }

    fn close(&mut self, now: Duration, leg: LegKey) {
        let Some(closed) = self.open.remove(&leg) else {
            return self
                .faults
                .push(format!("Close for {leg:?}, which is not open"));
        };
        for other in self
            .open
            .values_mut()
            .filter(|other| other.partner == Some(leg))
        {
            other.partner = None;
        }
        self.give_back(now, closed.ports);
        let stats = Box::new(LegStats::default());
        self.later(
            now,
            ANSWERS_AFTER,
            Due::Tell(MediaEvent::Closed { leg, stats }),
        );
    }

    /// When the workers have something to say next.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// What they say by now; `last_sound` says until when packets came from an address.
    pub(crate) fn poll(
        &mut self,
        now: Duration,
        last_sound: impl Fn(SocketAddr) -> Duration,
    ) -> Option<MediaEvent> {
        loop {
            let first = self.due.first_entry()?;
            if first.key().0 > now {
                return None;
            }
            match first.remove() {
                Due::Tell(event) => return Some(event),
                Due::Listen(leg, number) => {
                    if self.listen(now, leg, number, &last_sound) {
                        return Some(MediaEvent::Lifeless { leg });
                    }
                }
                Due::ClipEnds(leg, number) => {
                    let playing = self.open.get_mut(&leg).map(|open| &mut open.playing);
                    if let Some(playing) = playing
                        && playing.is_some_and(|(.., current)| current == number)
                    {
                        *playing = None;
                        return Some(MediaEvent::ClipEnded { leg });
                    }
                }
            }
        }
    }

    /// A description that goes out names this port.
    pub(crate) fn promise(&mut self, port: SocketAddr) {
        self.promised.push(port);
    }

    /// At the end of a turn: every port that was promised in it is open.
    pub(crate) fn check_promises(&mut self) {
        for port in std::mem::take(&mut self.promised) {
            if !self.open.values().any(|open| open.ports.rtp == port) {
                self.faults
                    .push(format!("a description names {port}, which is not open"));
            }
        }
    }

    /// When all is quiet: no leg is open, and every pair is free or in the engine's stock.
    pub(crate) fn check_quiet(&mut self, in_stock: usize) {
        let free: usize = self.free.values().map(VecDeque::len).sum();
        let all = usize::from(WORKERS) * usize::try_from(PAIRS).unwrap_or(0);
        if !self.open.is_empty() || free + in_stock != all {
            let open: Vec<&LegKey> = self.open.keys().collect();
            self.faults.push(format!(
                "ports leak: {free} free, {in_stock} in stock, of {all}; open {open:?}"
            ));
        }
    }

    pub(crate) fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }

    /// Whether the packets of any leg go to this address.
    pub(crate) fn sends_to(&self, address: SocketAddr) -> bool {
        let far = |leg: &OpenLeg| leg.far.map(|far| far.address);
        self.open.values().any(|leg| far(leg) == Some(address))
    }

    /// What is heard by the one whose packets go to this port of ours.
    pub(crate) fn heard_at(&self, port: SocketAddr) -> Hears {
        let Some(leg) = self
            .open
            .values()
            .find(|open| open.ports.rtp == port && open.far.is_some())
        else {
            return Hears::Nothing;
        };
        match (leg.playing, leg.partner) {
            (Some((clip, ..)), _) => Hears::Clip(clip_of(clip).name.into()),
            (None, Some(_)) => Hears::Person,
            (None, None) => Hears::Nothing,
        }
    }
}
