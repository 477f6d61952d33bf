//! The world itself: one engine with its disk and media threads, the network, and everybody who is on the phone.
//!
//! Time moves from one moment at which something happens to the next. Each input is one turn of the engine; after it all
//! outputs are carried out and all watchers asked. A fault ends the run with the seed and the last lines of the trace.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::Hasher;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use config::{DialNumber, EntryId, Sealer, Settings, Snapshot};
use engine::command::Moves;
use engine::view::View;
use engine::{
    Actor, CallId, Command, CommandBody, CommandId, Done, Engine, Event, Input, LegId, Listen, Now,
    Offence, Output, Pressure, Refusal, Reply, Restore, Seeds, Setup,
};
use sip::{Flow, Transport};
use siphasher::sip::SipHasher13;

use crate::checks::{Alerts, Figures, Records, Wire};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::media::{self, Media};
use crate::network::{Network, Packet, Weather};
use crate::sdp::Sdp;
use crate::trace::Trace;
use crate::ua::{Happening, Registration, Ua, wire};

/// Where the daemon listens.
pub(crate) const SERVER: SocketAddr =
    SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 5060);
/// How many turns may happen at one moment; more is a machine that does not come to rest.
const TURNS_AT_ONCE_MAX: u32 = 10_000;

/// What a world is made with.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed of all chance.
    pub seed: u64,
    /// When it begins, UTC.
    pub start: jiff::Timestamp,
    /// `lampfield.toml`.
    pub settings: String,
    /// The centre.
    pub centre: String,
    /// The network.
    pub weather: Weather,
    /// By how many microseconds the daemon wakes late at most.
    pub late_us: u64,
    /// How many lines of trace are kept.
    pub trace: usize,
    /// Whether the journal is kept from its first entry on, to be read again.
    pub keep_journal: bool,
    /// How to see this again.
    pub again: String,
}

pub(crate) struct Inner {
    pub(crate) plan: Plan,
    pub(crate) now: Duration,
    pub(crate) dice: Dice,
    pub(crate) settings: Arc<Settings>,
    pub(crate) snapshot: Arc<Snapshot>,
    /// The numbers of directory entries that mark VIPs, as the store would keep them.
    vips: BTreeMap<EntryId, Vec<DialNumber>>,
    pub(crate) engine: Engine,
    pub(crate) view: View,
    pub(crate) network: Network,
    pub(crate) media: Media,
    pub(crate) disk: Disk,
    pub(crate) uas: BTreeMap<SocketAddr, Ua>,
    /// What raw peers, who are no UAs, were sent.
    pub(crate) mailboxes: BTreeMap<SocketAddr, Vec<Bytes>>,
    pub(crate) hosts: BTreeMap<String, Vec<IpAddr>>,
    pub(crate) happenings: VecDeque<(SocketAddr, Happening)>,
    /// Every event with its UTC time, until somebody takes them.
    pub(crate) events: Vec<(i64, Arc<Event>)>,
    pub(crate) trace: Trace,
    pub(crate) wire: Wire,
    pub(crate) records: Records,
    pub(crate) alerts: Alerts,
    pub(crate) figures: Figures,
    incarnation: u32,
    late: Duration,
    inputs: VecDeque<Input>,
    replies: BTreeMap<u64, Reply>,
    commands: u64,
    turns: u64,
    digest: SipHasher13,
    /// Messages with a description that have been sent.
    described: BTreeSet<Bytes>,
    /// What strangers have done.
    pub(crate) offences: Vec<(SocketAddr, Offence)>,
    /// Whose messages are traced: by leg, its call and the Call-ID of its dialog.
    traced: BTreeMap<LegId, (CallId, String)>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "World at {:?}", self.now)
    }
}

impl Inner {
    pub(crate) fn new(plan: Plan) -> Self {
        let mut dice = Dice::new(plan.seed);
        let now =
            Duration::from_micros(plan.start.as_microsecond().try_into().expect("after 1970"));
        let none = std::iter::empty::<(String, String)>();
        let settings = Settings::load(&plan.settings, "lampfield.toml", none)
            .expect("the world's settings are right");
        let settings = Arc::new(settings);
        let centre = sealed(&plan.centre, &settings);
        let snapshot = Arc::new(Snapshot {
            version: 1,
            settings: Arc::clone(&settings),
            centre: Arc::new(centre),
        });
        let network = Network::new(plan.weather, Dice::new(dice.draw()));
        let media = Media::start(now, SERVER.ip());
        let mut trace = Trace::new(now, plan.trace);
        trace.name(SERVER, "lampfield");
        let vips = BTreeMap::new();
        let first = setup(&snapshot, &vips, 1, &mut dice);
        let engine = Engine::new(moment(now), first, Restore::new());
        let mut inner = Self {
            now,
            dice,
            settings,
            snapshot,
            vips,
            engine,
            view: View::default(),
            network,
            media,
            disk: Disk::new(plan.keep_journal),
            uas: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
            hosts: BTreeMap::new(),
            happenings: VecDeque::new(),
            events: Vec::new(),
            trace,
            wire: Wire::default(),
            records: Records::default(),
            alerts: Alerts::default(),
            figures: Figures::default(),
            incarnation: 1,
            late: Duration::ZERO,
            inputs: VecDeque::new(),
            replies: BTreeMap::new(),
            commands: 0,
            turns: 0,
            digest: SipHasher13::new(),
            described: BTreeSet::new(),
            offences: Vec::new(),
            traced: BTreeMap::new(),
            plan,
        };
        inner.end_turn();
        inner
    }

    /// A number that two runs have in common only if all their outputs are the same.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    pub(crate) fn turns(&self) -> u64 {
        self.turns
    }

    pub(crate) fn utc_us(&self) -> i64 {
        moment(self.now).utc_us
    }

    /// Ends the run: this must not happen.
    pub(crate) fn fail(&self, fault: &str) -> ! {
        panic!(
            "{fault}\n  seed {}, turn {}, {:?} since the start; again: {}\n{}",
            self.plan.seed,
            self.turns,
            self.now.saturating_sub(moment_of(&self.plan)),
            self.plan.again,
            self.trace.print()
        );
    }

    pub(crate) fn add_ua(
        &mut self,
        name: &str,
        address: SocketAddr,
        registration: Option<Registration>,
    ) {
        let dice = Dice::new(self.dice.draw());
        let mut ua = Ua::new(name, address, SERVER, &self.settings.sip.domain, dice);
        if let Some(registration) = registration {
            ua.set_registration(registration);
        }
        self.trace.name(address, name);
        self.uas.insert(address, ua);
    }

    /// Somebody does something with a UA.
    pub(crate) fn with_ua<R>(
        &mut self,
        address: SocketAddr,
        act: impl FnOnce(&mut Ua, Duration) -> R,
    ) -> R {
        let now = self.now;
        let ua = self
            .uas
            .get_mut(&address)
            .expect("only UAs that are there are used");
        let result = act(ua, now);
        self.collect(address);
        result
    }

    /// Takes from a UA what it sends and tells.
    fn collect(&mut self, address: SocketAddr) {
        let Some(ua) = self.uas.get_mut(&address) else {
            return;
        };
        let mut sent = Vec::new();
        while let Some(payload) = ua.poll_output() {
            sent.push(payload);
        }
        while let Some(happening) = ua.poll_happening() {
            self.happenings.push_back((address, happening));
        }
        let name = ua.name.clone();
        let faults = ua.take_faults();
        for payload in sent {
            self.transmit(address, SERVER, payload);
        }
        if let Some(fault) = faults.first() {
            self.fail(&format!("{name} says: {fault}"));
        }
    }

    pub(crate) fn transmit(&mut self, from: SocketAddr, to: SocketAddr, payload: Bytes) {
        let packet = Packet { from, to, payload };
        self.trace.sent(self.now, &packet);
        self.network.send(self.now, packet);
    }

    /// Asks the engine for something and has its answer.
    pub(crate) fn command(
        &mut self,
        username: &str,
        role: config::Role,
        body: CommandBody,
    ) -> Result<Done, Refusal> {
        self.commands += 1;
        let id = self.commands;
        let actor = Actor {
            username: username.into(),
            role,
        };
        self.input(Input::Command(Command {
            id: CommandId(id),
            actor,
            body,
        }));
        match self.replies.remove(&id) {
            Some(reply) => reply.result,
            None => self.fail("a command got no answer in its own turn"),
        }
    }

    /// Changes the centre as `apply` does: all or nothing, while calls run.
    pub(crate) fn apply(&mut self, centre: &str, moves: Moves) -> Result<Done, Refusal> {
        let centre = sealed(centre, &self.settings);
        self.put(centre, moves)
    }

    /// Puts a changed centre in force.
    pub(crate) fn put(&mut self, centre: config::Centre, moves: Moves) -> Result<Done, Refusal> {
        let snapshot = Arc::new(Snapshot {
            version: self.snapshot.version + 1,
            settings: Arc::clone(&self.settings),
            centre: Arc::new(centre),
        });
        let admin = config::Role::Administrator;
        let prepared = self.command(
            "admin",
            admin,
            CommandBody::PrepareCentre {
                snapshot: Arc::clone(&snapshot),
                moves,
            },
        )?;
        let version = snapshot.version;
        // Watchers judge alerts by the centre in force.
        self.snapshot = snapshot;
        self.command("admin", admin, CommandBody::CommitCentre { version })?;
        Ok(prepared)
    }

    /// A directory entry marks VIPs with these numbers, or nobody any more.
    pub(crate) fn mark_vips(&mut self, entry: u64, numbers: &[&str]) {
        let entry = EntryId(entry);
        let numbers = numbers
            .iter()
            .map(|text| text.parse().expect("a number"))
            .collect::<Vec<DialNumber>>();
        if numbers.is_empty() {
            self.vips.remove(&entry);
        } else {
            self.vips.insert(entry, numbers.clone());
        }
        let body = CommandBody::SetVips { entry, numbers };
        let told = self.command("admin", config::Role::Administrator, body);
        if let Err(refusal) = told {
            self.fail(&format!("refused: {refusal}"));
        }
    }

    /// The network gives a message for this address back.
    pub(crate) fn transport_fails(&mut self, remote: SocketAddr) {
        let flow = flow_from(remote);
        self.input(Input::TransportFailed { flow });
    }

    pub(crate) fn pressure(&mut self, pressure: Pressure) {
        self.input(Input::Pressure(pressure));
    }

    /// When something happens next by itself.
    pub(crate) fn next(&self) -> Duration {
        let engine = self.engine.poll_timeout().map(|(at, _)| at + self.late);
        let uas = self.uas.values().filter_map(Ua::poll_timeout).min();
        let candidates = [engine, uas, self.network.next(), self.media.next()];
        let next = candidates.into_iter().flatten().min();
        next.expect("the engine always has a checkpoint ahead")
            .max(self.now)
    }

    /// Moves time to that moment, and lets happen whatever does on the way.
    pub(crate) fn run_until(&mut self, until: Duration) {
        while self.next() <= until {
            self.step();
        }
        self.now = self.now.max(until);
        self.reach_disk();
    }

    /// Lets happen what happens next.
    pub(crate) fn step(&mut self) {
        let next = self.next();
        self.now = self.now.max(next);
        self.reach_disk();
        while let Some(packet) = self.network.arrive(self.now) {
            self.arrive(packet);
        }
        while let Some(event) = self.poll_media() {
            self.input(Input::Media(event));
        }
        let due = |ua: &Ua, now| ua.poll_timeout().is_some_and(|at| at <= now);
        let addresses: Vec<SocketAddr> = self
            .uas
            .iter()
            .filter(|(_, ua)| due(ua, self.now))
            .map(|(address, _)| *address)
            .collect();
        for address in addresses {
            self.with_ua(address, |ua, now| ua.handle_timeout(now));
        }
        self.wake_engine();
    }

    fn poll_media(&mut self) -> Option<::media::control::MediaEvent> {
        let (now, uas) = (self.now, &self.uas);
        self.media.poll(now, |address| {
            let ua = uas.values().find(|ua| ua.address.ip() == address.ip());
            ua.map_or(Duration::ZERO, |ua| ua.last_sound(now, address.port()))
        })
    }

    fn wake_engine(&mut self) {
        let mut turns = 0;
        let due = |inner: &Self| {
            inner
                .engine
                .poll_timeout()
                .is_some_and(|(at, _)| at + inner.late <= inner.now)
        };
        if !due(self) {
            return;
        }
        while due(self) {
            self.engine.handle_timeout(moment(self.now));
            self.end_turn();
            self.late = Duration::ZERO;
            turns += 1;
            if turns > TURNS_AT_ONCE_MAX {
                let why = self.engine.poll_timeout().map(|(_, why)| why);
                self.fail(&format!("the engine does not come to rest: {why:?}"));
            }
        }
        self.late = Duration::from_micros(self.dice.below(self.plan.late_us + 1));
    }

    fn arrive(&mut self, packet: Packet) {
        if packet.to != SERVER {
            if let Some(ua) = self.uas.get_mut(&packet.to) {
                ua.handle_packet(self.now, &packet.payload);
                self.collect(packet.to);
            } else if let Some(mailbox) = self.mailboxes.get_mut(&packet.to) {
                mailbox.push(packet.payload);
            }
            return;
        }
        let flow = flow_from(packet.from);
        if let Some(message) = wire::parse(&packet.payload) {
            self.wire.came(self.now, &message);
        }
        match sip::Message::parse(packet.payload) {
            Ok(message) => self.input(Input::Received { flow, message }),
            Err(fault) => self.fail(&format!(
                "our codec refuses what another one printed: {fault:?}"
            )),
        }
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.engine.handle_input(moment(self.now), input);
        self.end_turn();
        while let Some(input) = self.inputs.pop_front() {
            self.engine.handle_input(moment(self.now), input);
            self.end_turn();
        }
    }

    /// Carries out what the turn asks for, then asks the watchers.
    fn end_turn(&mut self) {
        self.turns += 1;
        while let Some(output) = self.engine.poll_output() {
            self.carry_out(output);
        }
        self.media.check_promises();
        self.alerts.end_turn();
        let figures = self.engine.figures();
        if self.traced.len() != figures.legs {
            self.fail("the messages of some leg are not traced, or of one that is over");
        }
        let legs: usize = self.view.calls.values().map(|call| call.legs.len()).sum();
        if (self.view.calls.len(), legs) != (figures.calls, figures.legs) {
            let seen = (self.view.calls.len(), legs);
            self.fail(&format!(
                "readers see {seen:?} calls and legs, there are {figures:?}"
            ));
        }
        self.figures
            .check(&self.view, &self.engine.durable().0.board);
        let faults = [
            self.figures.take_faults(),
            self.media.take_faults(),
            self.disk.take_faults(),
            self.wire.take_faults(),
            self.alerts.take_faults(),
            self.records.take_faults(),
        ];
        if let Some(fault) = faults.into_iter().flatten().next() {
            self.fail(&fault);
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Transmit(transmit) => self.carry_out_transmit(transmit),
            Output::Media { worker, command } => {
                self.digest
                    .write(format!("{worker:?} {command:?}").as_bytes());
                self.media.handle(self.now, worker, command);
            }
            Output::Journal(entry) => {
                self.digest.write_u64(entry.seq);
                self.digest.write_u64(entry.stamp.mono_us);
                self.digest.write(&entry.body.encode());
                self.disk.append(entry);
            }
            Output::Publish { seq, utc_us, event } => self.publish(seq, utc_us, event),
            Output::Reply(reply) => {
                self.digest.write(format!("{reply:?}").as_bytes());
                let id = reply.id.0;
                if reply.seq != self.engine.seq() {
                    self.fail("a reply names another event than the last");
                }
                if self.replies.insert(id, reply).is_some() {
                    self.fail("a command got two answers");
                }
            }
            Output::LegTraced {
                call,
                leg,
                sip_call_id,
            } => {
                if self.traced.insert(leg, (call, sip_call_id)).is_some() {
                    self.fail("a leg's messages are traced twice");
                }
            }
            Output::Offended { source, offence } => self.offences.push((source, offence)),
            Output::LegUntraced { leg } => {
                self.traced.remove(&leg);
            }
            Output::Lookup { name } => {
                let addresses = self.hosts.get(&name).cloned().unwrap_or_default();
                self.inputs.push_back(Input::LookupDone { name, addresses });
            }
        }
    }

    fn carry_out_transmit(&mut self, transmit: sip::Transmit) {
        self.digest.write(&transmit.payload);
        let (from, to) = (transmit.flow.local, transmit.flow.remote);
        if let Some(message) = wire::parse(&transmit.payload) {
            self.wire.left(self.now, &message);
            // What is sent again promises nothing anew: its leg may be over.
            if let Some(sdp) = Sdp::parse(message.body())
                && self.described.insert(transmit.payload.clone())
            {
                self.media.promise(sdp.address);
            }
        } else if &transmit.payload[..] != b"\r\n\r\n" {
            let text = String::from_utf8_lossy(&transmit.payload).into_owned();
            self.fail(&format!("another codec cannot read this:\n{text}"));
        }
        self.transmit(from, to, transmit.payload);
    }

    fn publish(&mut self, seq: u64, utc_us: i64, event: Arc<Event>) {
        self.view.apply(seq, utc_us, &event);
        self.alerts.apply(utc_us, &event, &self.snapshot.centre);
        self.trace.happened(self.now, &event);
        self.events.push((utc_us, event));
    }

    /// Records are made of what is on the disk, not of what was only said.
    fn reach_disk(&mut self) {
        let written = self.disk.settle(self.now);
        self.record(written);
    }

    pub(crate) fn flush_disk(&mut self) {
        let written = self.disk.flush();
        self.record(written);
    }

    fn record(&mut self, written: Vec<engine::journal::Entry>) {
        for entry in written {
            if let engine::journal::Body::Event(event) = &entry.body {
                self.records.apply(event);
                self.figures.apply(entry.stamp.utc_us, event);
            }
        }
        if let Some(fault) = self.records.take_faults().into_iter().next() {
            self.fail(&fault);
        }
    }

    /// `kill -9`, and a new start. Of the last 100 ms of the journal only so much is left as `arrived` says.
    pub(crate) fn crash_and_restart(&mut self, arrived: impl FnOnce(&mut Dice, usize) -> usize) {
        self.crash_and_restart_after(Duration::from_micros(1), arrived);
    }

    /// The same, with so much time in between.
    pub(crate) fn crash_and_restart_after(
        &mut self,
        down: Duration,
        arrived: impl FnOnce(&mut Dice, usize) -> usize,
    ) {
        let behind = self.disk.behind();
        let arrived = arrived(&mut self.dice, behind);
        let written = self.disk.crash(arrived);
        self.record(written);
        self.incarnation += 1;
        self.trace
            .said(self.now, "the daemon is killed and starts again");
        self.wire.crashed();
        self.uas.values_mut().for_each(Ua::daemon_crashed);
        self.alerts.crashed();
        self.replies.clear();
        self.inputs.clear();
        self.now += down;
        self.media = Media::start(self.now, SERVER.ip());
        let setup = setup(&self.snapshot, &self.vips, self.incarnation, &mut self.dice);
        let restore = self.disk.read();
        self.view = View::resume(restore.board());
        self.traced.clear();
        self.engine = Engine::new(moment(self.now), setup, restore);
        self.end_turn();
    }

    /// State rebuilt from the journal equals the state that wrote it (I8).
    pub(crate) fn check_journal(&mut self) {
        let restored = self.disk.read_all();
        let (durable, hash) = self.engine.durable();
        if restored.acd_hash() != hash {
            self.fail("the journal gives another state of the distribution core (I8)");
        }
        if restored.durable() != durable {
            let text = format!(
                "the journal gives {:#?}\n, the engine has {durable:#?} (I8)",
                restored.durable()
            );
            self.fail(&text);
        }
    }

    /// Waking the engine before its time changes nothing.
    pub(crate) fn check_early_wake(&mut self) {
        let now = moment(self.now);
        if self
            .engine
            .poll_timeout()
            .is_some_and(|(at, _)| at <= self.now)
        {
            return;
        }
        self.engine.handle_timeout(now);
        if let Some(output) = self.engine.poll_output() {
            self.fail(&format!("an early wake made the engine do {output:?}"));
        }
    }

    /// Nothing is left of all calls.
    pub(crate) fn check_quiet(&mut self) {
        self.flush_disk();
        self.check_journal();
        self.wire.check_quiet();
        self.records.check_quiet();
        self.figures.recount(&self.view.board);
        let figures = self.engine.figures();
        self.media.check_quiet(figures.ports_in_stock);
        if (
            figures.calls,
            figures.legs,
            figures.dialogs,
            figures.transactions,
        ) != (0, 0, 0, 0)
        {
            self.fail(&format!("something is left: {figures:?}"));
        }
        let waiting: usize = self
            .view
            .queues
            .values()
            .map(|queue| queue.waiting.len())
            .sum();
        if waiting > 0 {
            self.fail(&format!("readers see {waiting} waiting, nobody is"));
        }
        for ua in self.uas.values() {
            if let Some((_, call)) = ua.active().next() {
                self.fail(&format!(
                    "{} is left with a call: {} and {}, {:?}, last status {:?}",
                    ua.name, call.line, call.far, call.stage, call.status
                ));
            }
        }
        self.end_turn();
    }
}

fn moment(now: Duration) -> Now {
    Now {
        mono: now,
        utc_us: i64::try_from(now.as_micros()).expect("before the year 292000"),
    }
}

fn flow_from(remote: SocketAddr) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: SERVER,
        remote,
        connection: None,
    }
}

fn moment_of(plan: &Plan) -> Duration {
    Duration::from_micros(plan.start.as_microsecond().try_into().unwrap_or(0))
}

fn setup(
    snapshot: &Arc<Snapshot>,
    vips: &BTreeMap<EntryId, Vec<DialNumber>>,
    incarnation: u32,
    dice: &mut Dice,
) -> Setup {
    Setup {
        node: 1,
        incarnation,
        version: "simulated".into(),
        snapshot: Arc::clone(snapshot),
        vips: vips.clone(),
        listen: vec![Listen {
            transport: Transport::Udp,
            address: SERVER,
        }],
        seeds: Seeds {
            ids: dice.seed(),
            secrets: dice.seed(),
        },
        nonce_key: [7; 32],
        clips: media::clip_ids(),
    }
}

/// Digest secrets as the store keeps them; nobody logs in by the API here.
struct Passwords<'a>(&'a str);

impl Sealer for Passwords<'_> {
    fn login(&self, _plain: &str) -> String {
        "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA".into()
    }

    fn digest(&self, username: &str, plain: &str) -> String {
        sip::auth::Ha1Set::of_password(username, self.0, plain).to_string()
    }
}

fn sealed(text: &str, settings: &Settings) -> config::Centre {
    let mut centre =
        config::parse_centre(text, "centre.toml").unwrap_or_else(|faults| panic!("{faults:?}"));
    centre.seal(&Passwords(&settings.sip.domain));
    centre
}
