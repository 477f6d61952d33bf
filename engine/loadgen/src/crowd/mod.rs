//! The people of both sides and what they do next.
//!
//! [`Crowd`] owns the two user agents, who has which call, and a list of errands: things somebody will do at some
//! time. It has the doors of all machines here; sockets and the clock belong to [`crate::population`].
//! The two sides know one another only by the caller's name in the attendant's INVITE, as any two phones would.

mod attendants;
mod callers;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::clip::Clip;

use crate::draw::Random;
use crate::plan::{MediaMode, Plan};
use crate::report::{Alerts, CallEnd, CallRecord, Reaction, Report};
use crate::studio::{Leg, Sink, Studio, packets_of};
use crate::ua::{self, UaCall, UserAgent};

use attendants::AttendantSide;
use callers::CallerSide;

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Callers,
    Attendants,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Callers, Self::Attendants];
}

/// A datagram to be sent by a side's socket.
#[derive(Debug)]
pub(crate) struct Datagram {
    pub(crate) side: Side,
    pub(crate) to: SocketAddr,
    pub(crate) payload: Bytes,
}

/// What somebody will do. An errand for a call that is over by then does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errand {
    Register(usize),
    NextCaller,
    GiveUp(UaCall),
    CallerHangsUp(u64),
    Answer(UaCall),
    Refuse(UaCall, u16),
    AttendantHangsUp(UaCall),
    Hold(UaCall, bool),
}

/// Everybody.
pub(crate) struct Crowd {
    plan: Plan,
    random: Random,
    voices: Voices,
    callers: Option<CallerSide>,
    attendants: Option<AttendantSide>,
    errands: BTreeMap<(Duration, u64), Errand>,
    errands_made: u64,
    ledger: Ledger,
    out: VecDeque<Datagram>,
}

/// What was written down of every call.
#[derive(Debug, Default)]
struct Ledger {
    calls: BTreeMap<u64, CallRecord>,
    keep: usize,
    made: u64,
    /// Callers no attendant has been rung for yet.
    waiting: usize,
    reactions: VecDeque<Reaction>,
    alerts: Alerts,
    register_failures: BTreeMap<u16, u64>,
}

/// Who says what, and where RTP is received.
struct Voices {
    studio: Studio,
    /// Of callers and attendants, if there are any.
    sinks: [Option<Sink>; 2],
    clips: [Option<Arc<Clip>>; 2],
    listen_for_hz: [Option<u16>; 2],
}

impl Crowd {
    /// Brings a checked plan to life on sockets bound already. `begin` is when the clock was 0.
    pub(crate) fn new(
        plan: Plan,
        begin: Instant,
        callers_at: Option<SocketAddr>,
        attendants_at: Option<SocketAddr>,
        secrets: [[u8; 32]; 2],
    ) -> io::Result<Self> {
        let [ours, theirs] = secrets;
        // Call-IDs and tags are new in every run whatever the seed: a centre takes a REGISTER that has the names of
        // an earlier run for the same request on another way (RFC 3261 §8.2.2.2).
        let agent = |at, secret: [u8; 32]| {
            let own = secret
                .iter()
                .fold(0_u64, |seed, octet| seed.rotate_left(8) ^ u64::from(*octet));
            UserAgent::new(at, plan.media.codecs(), secret, Random::new(own))
        };
        let callers = callers_at.map(|at| CallerSide::new(agent(at, ours)));
        let attendants = attendants_at.map(|at| AttendantSide::new(agent(at, theirs)));
        let voices = Voices::new(&plan, begin, callers_at, attendants_at)?;
        let mut crowd = Self {
            ledger: Ledger {
                keep: plan.keep_calls,
                ..Ledger::default()
            },
            random: Random::new(plan.seed),
            plan,
            voices,
            callers,
            attendants,
            errands: BTreeMap::new(),
            errands_made: 0,
            out: VecDeque::new(),
        };
        crowd.send_attendants_to_work();
        Ok(crowd)
    }

    /// Takes a datagram that came to a side.
    pub(crate) fn receive(&mut self, now: Duration, side: Side, from: SocketAddr, datagram: Bytes) {
        if let Some(agent) = self.agent(side) {
            agent.receive(now, from, datagram);
        }
        self.settle(now);
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        for side in Side::BOTH {
            if let Some(agent) = self.agent(side) {
                agent.handle_timeout(now);
            }
        }
        while let Some(entry) = self.errands.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let errand = entry.remove();
            self.run_errand(now, errand);
        }
        self.settle(now);
    }

    /// When something is due next.
    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        let errand = self.errands.first_key_value().map(|((due, _), _)| *due);
        let ours = self
            .callers
            .as_ref()
            .and_then(|side| side.agent.poll_timeout());
        let theirs = self
            .attendants
            .as_ref()
            .and_then(|side| side.agent.poll_timeout());
        errand.into_iter().chain(ours).chain(theirs).min()
    }

    /// The next datagram to be sent.
    pub(crate) fn poll_output(&mut self) -> Option<Datagram> {
        self.out.pop_front()
    }

    /// Lets callers come from now on.
    pub(crate) fn begin(&mut self, now: Duration) {
        if self.callers.is_some() {
            self.later(now, Errand::NextCaller);
        }
    }

    /// Ends everything: nobody comes any more, all hang up, phones unregister.
    pub(crate) fn stop(&mut self, now: Duration) {
        self.errands.clear();
        self.send_callers_away(now);
        self.send_attendants_home(now);
        self.settle(now);
    }

    /// Whether every attendant can be rung.
    pub(crate) fn is_ready(&self) -> bool {
        let wanted = self
            .plan
            .attendants
            .as_ref()
            .map_or(0, |side| side.people.len());
        self.attendants_ready() >= wanted
    }

    /// Whether all callers that were to come have come and gone.
    pub(crate) fn is_done(&self) -> bool {
        let count = self.plan.callers.as_ref().and_then(|callers| callers.count);
        count.is_some_and(|count| self.ledger.made >= count) && self.is_quiet()
    }

    /// Whether nobody has a call.
    pub(crate) fn is_quiet(&self) -> bool {
        let ours = self.callers.as_ref().map_or(0, |side| side.agent.calls());
        let theirs = self
            .attendants
            .as_ref()
            .map_or(0, |side| side.agent.calls());
        ours + theirs == 0
    }

    /// Whether nobody has a call and every registration has been taken back.
    pub(crate) fn is_gone(&self) -> bool {
        let accounts = self
            .attendants
            .as_ref()
            .map_or(0, |side| side.agent.accounts());
        self.is_quiet() && accounts == 0
    }

    /// All that is known.
    pub(crate) fn report(&self, now: Duration) -> Report {
        let agents = [
            self.callers.as_ref().map(|side| &side.agent),
            self.attendants.as_ref().map(|side| &side.agent),
        ];
        let agents = || agents.iter().flatten();
        let [callers_sink, attendants_sink] = &self.voices.sinks;
        let came = |sink: &Option<Sink>| sink.as_ref().map_or(0, Sink::packets);
        Report {
            calls: self.ledger.calls.values().cloned().collect(),
            made: self.ledger.made,
            ready: self.attendants_ready(),
            register_failures: self.ledger.register_failures.clone(),
            reactions: self.ledger.reactions.iter().cloned().collect(),
            alerts: self.ledger.alerts,
            retransmitted: agents().map(|one| one.transactions().retransmitted).sum(),
            repeated: agents()
                .map(|one| one.transactions().requests_absorbed)
                .sum(),
            byes_failed: agents().map(|one| one.counters().byes_failed).sum(),
            sink_packets: (came(callers_sink), came(attendants_sink)),
            now,
        }
    }

    fn agent(&mut self, side: Side) -> Option<&mut UserAgent> {
        match side {
            Side::Callers => self.callers.as_mut().map(|side| &mut side.agent),
            Side::Attendants => self.attendants.as_mut().map(|side| &mut side.agent),
        }
    }

    fn later(&mut self, due: Duration, errand: Errand) {
        self.errands_made += 1;
        self.errands.insert((due, self.errands_made), errand);
    }

    fn run_errand(&mut self, now: Duration, errand: Errand) {
        match errand {
            Errand::Register(place) => self.register(now, place),
            Errand::NextCaller => self.next_caller(now),
            Errand::GiveUp(call) => self.give_up(now, call),
            Errand::CallerHangsUp(number) => self.caller_hangs_up(now, number),
            Errand::Answer(call) => self.answer(now, call),
            Errand::Refuse(call, status) => self.refuse(now, call, status),
            Errand::AttendantHangsUp(call) => self.attendant_hangs_up(now, call),
            Errand::Hold(call, on) => self.hold(now, call, on),
        }
    }

    /// Acts on all that the agents have to say; what is done then may make them say more.
    fn settle(&mut self, now: Duration) {
        loop {
            let mut said = false;
            for side in Side::BOTH {
                while let Some(output) = self.agent(side).and_then(UserAgent::poll_output) {
                    said = true;
                    self.act(now, side, output);
                }
            }
            if !said {
                return;
            }
        }
    }

    fn act(&mut self, now: Duration, side: Side, output: ua::Output) {
        match (side, output) {
            (side, ua::Output::Transmit { to, payload }) => {
                self.out.push_back(Datagram { side, to, payload });
            }
            (Side::Callers, ua::Output::Event(event)) => self.on_caller(now, event),
            (Side::Attendants, ua::Output::Event(event)) => self.on_attendant(now, event),
        }
    }
}

impl Ledger {
    fn call(&mut self, number: u64) -> Option<&mut CallRecord> {
        self.calls.get_mut(&number)
    }

    /// A caller's INVITE leaves.
    fn open(&mut self, number: u64, record: CallRecord) {
        self.waiting += 1;
        self.calls.insert(number, record);
        while self.calls.len() > self.keep {
            let Some(oldest) = self.calls.first_entry() else {
                break;
            };
            if oldest.get().end == CallEnd::Not {
                break;
            }
            oldest.remove();
        }
    }

    /// A call is over for its caller.
    fn close(&mut self, now: Duration, number: u64, end: CallEnd) {
        let Some(call) = self.calls.get_mut(&number) else {
            return;
        };
        if call.alerted.is_none() {
            self.waiting = self.waiting.saturating_sub(1);
        }
        call.ended = Some(now);
        call.end = end;
    }

    fn react(&mut self, reaction: Reaction) {
        if self.reactions.len() >= self.keep {
            self.reactions.pop_front();
        }
        self.reactions.push_back(reaction);
    }
}

impl Voices {
    fn new(
        plan: &Plan,
        begin: Instant,
        callers_at: Option<SocketAddr>,
        attendants_at: Option<SocketAddr>,
    ) -> io::Result<Self> {
        let says = [
            plan.callers.as_ref().map(|side| &side.voice),
            plan.attendants.as_ref().map(|side| &side.voice),
        ];
        let [callers_hz, attendants_hz] = says.map(|voice| voice.and_then(|voice| voice.hz()));
        let clips = says.map(|voice| voice.and_then(packets_of));
        let sink = |at: Option<SocketAddr>| match (&plan.media, at) {
            (MediaMode::Sink { .. }, Some(at)) => Sink::open(at.ip()).map(Some),
            (MediaMode::Sink { .. } | MediaMode::Full { .. }, _) => Ok(None),
        };
        Ok(Self {
            studio: Studio::start(begin, plan.seed, plan.beyond_loopback)?,
            sinks: [sink(callers_at)?, sink(attendants_at)?],
            clips,
            listen_for_hz: [attendants_hz, callers_hz],
        })
    }

    /// Where a new leg of that side receives RTP, and its ear if it has one of its own.
    fn open(&mut self, side: Side, at: SocketAddr) -> io::Result<(Option<Arc<Leg>>, SocketAddr)> {
        let place = usize::from(side == Side::Attendants);
        if let Some(Some(sink)) = self.sinks.get(place) {
            return Ok((None, sink.address()?));
        }
        let clip = self.clips.get(place).cloned().flatten();
        let hz = self.listen_for_hz.get(place).copied().flatten();
        let (leg, address) = self.studio.open(at.ip(), clip, hz)?;
        Ok((Some(leg), address))
    }
}
