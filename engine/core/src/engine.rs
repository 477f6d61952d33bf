//! The machine and its four doors.
//!
//! [`Engine`] owns everything that decides about calls. A turn is one input or one timeout: the door notes the time, hands
//! the input to whom it concerns, lets the machines inside (transactions, distribution core) have their say until
//! they are quiet, and leaves the effects in one queue, in the order they came about. What a call does lives
//! in [`call`](crate::call).

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use acd::{Acd, AgentChange, Incarnation, Input as AcdInput};
use config::Snapshot;
use media::control::ClipId;
use media::stock::PortStock;
use sip::auth::Authenticator;
use sip::transaction::Layer;

use crate::agents::Seats;
use crate::call::{Call, Leg};
use crate::centre::Prepared;
use crate::command::{Command, CommandBody, Done, Moves, Refusal, Reply};
use crate::event::Event;
use crate::figures::Figures;
use crate::ids::{CallId, IdSource, LegId};
use crate::index::Index;
use crate::input::{Input, Pressure};
use crate::journal::{Body, Entry, Stamp};
use crate::opening::Openings;
use crate::output::Output;
use crate::random::Random;
use crate::registrar::Registrar;
use crate::restore::{Durable, Restore};
use crate::routing::{Routes, Vips};
use crate::setup::{Listen, Setup};
use crate::timers::Timers;
use crate::trunk_figures::TrunkFigures;
use crate::{Now, RULES_VERSION};

/// The alarm that state is incomplete since the start. It stands until the first regular checkpoint.
const JOURNAL_GAP: &str = "journal-gap";
/// How often a checkpoint is written.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(600);
/// How often the clock on the wall is asked whether a queue opens, at least: it may have been set.
const WALL_CLOCK_EVERY: Duration = Duration::from_secs(30);
/// How often it is seen who would wait for too long (rule 22).
const ESTIMATES_EVERY: Duration = Duration::from_secs(10);
/// How many port pairs a worker keeps bound ahead.
pub const PORT_STOCK_LEVEL: u32 = 64;

/// What the engine does at a moment of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Timer {
    /// A phone has had its 3 s to say anything.
    NoProvisional(LegId),
    /// A leg that rings without the distribution core has rung long enough.
    RangOut(LegId),
    /// A session is to be refreshed, or over.
    Session(LegId),
    /// What a caller is to acknowledge before they are answered is repeated.
    Provisional(LegId),
    /// Time to keep phones behind NAT reachable.
    KeepAlive,
    /// Time for a checkpoint.
    Checkpoint,
    /// Ask the clock on the wall.
    WallClock,
    /// Ask for a host's addresses again.
    LookUp(String),
    /// Tell a caller who waits something.
    Announce(CallId),
    /// Nobody has taken what was sent away (rule 4).
    RecallDue(CallId),
    /// See who would wait for too long.
    Estimates,
}

/// The engine.
pub struct Engine {
    pub(crate) now: Now,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) prepared: Option<Prepared>,
    /// Where those go who waited in queues that are gone.
    pub(crate) moves: Moves,
    pub(crate) routes: Routes,
    pub(crate) vips: Vips,
    pub(crate) names: crate::names::Names,
    pub(crate) durable: Durable,
    pub(crate) openings: Openings,
    pub(crate) seats: Seats,
    pub(crate) registrar: Registrar,
    pub(crate) auth: Authenticator,
    pub(crate) layer: Layer,
    pub(crate) acd: Acd,
    pub(crate) stock: PortStock,
    pub(crate) clips: BTreeMap<String, ClipId>,
    pub(crate) listen: Vec<Listen>,
    pub(crate) hosts: BTreeMap<String, Vec<IpAddr>>,
    pub(crate) calls: BTreeMap<CallId, Box<Call>>,
    pub(crate) legs: BTreeMap<LegId, Box<Leg>>,
    pub(crate) index: Index,
    /// Who picks up by a code in this turn, and the leg that dialled it.
    pub(crate) lifted: Option<(acd::AgentId, LegId)>,
    pub(crate) timers: Timers<Timer>,
    pub(crate) ids: IdSource,
    pub(crate) random_ids: Random,
    pub(crate) secrets: Random,
    pub(crate) pressure: Pressure,
    pub(crate) draining: bool,
    /// When each phone last hung up by itself (rule 12: a 486 right after it is not believed).
    pub(crate) own_byes: BTreeMap<String, Duration>,
    pub(crate) figures: Figures,
    /// Outside calls of each user since the centre's day began.
    pub(crate) dialled_today: BTreeMap<String, u32>,
    /// What passed over each trunk, by its name.
    pub(crate) trunks: BTreeMap<String, TrunkFigures>,
    /// When the centre's day begins next, UTC microseconds.
    next_day_us: Option<i64>,
    stamp: (u8, u32),
    seq: u64,
    out: VecDeque<Output>,
}

impl Engine {
    /// Starts with what the journal says. What was up when the daemon stopped is closed; the outputs that do so wait to be polled.
    pub fn new(now: Now, setup: Setup, restore: Restore) -> Self {
        let Restore {
            durable,
            acd,
            last_seq,
            last_utc_us,
            has_gap,
            ..
        } = restore;
        let mut secrets = Random::new(setup.seeds.secrets);
        let instance = u64::from(setup.node) << 32 | u64::from(setup.incarnation);
        let mut names = crate::names::Names::default();
        durable
            .names
            .iter()
            .for_each(|record| names.restore(record));
        let settings = &setup.snapshot.settings;
        let mut engine = Self {
            now,
            routes: Routes::new(&setup.snapshot),
            vips: Vips::new(setup.vips, settings.centre.country),
            prepared: None,
            moves: Moves::new(),
            names,
            openings: Openings::new(durable.overrides.clone()),
            seats: Seats::new(durable.seats.clone()),
            registrar: Registrar::new(durable.bindings.values(), now),
            auth: Authenticator::new(
                &setup.nonce_key,
                &settings.sip.domain,
                &algorithms(settings),
                now.mono,
            ),
            layer: Layer::new(&sip::transaction::Config {
                branch_key: Some(branch_key(&setup.nonce_key)),
                ..sip::transaction::Config::new(instance, secrets.seed())
            }),
            acd,
            stock: PortStock::new(PORT_STOCK_LEVEL),
            clips: setup.clips,
            listen: setup.listen,
            hosts: BTreeMap::new(),
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            index: Index::default(),
            lifted: None,
            timers: Timers::new(),
            ids: IdSource::new(setup.node, setup.incarnation),
            random_ids: Random::new(setup.seeds.ids),
            secrets,
            pressure: Pressure::Normal,
            draining: false,
            own_byes: BTreeMap::new(),
            figures: Figures::default(),
            dialled_today: BTreeMap::new(),
            trunks: BTreeMap::new(),
            // A day that began while the daemon was down begins now.
            next_day_us: day_after(
                settings,
                if last_seq == 0 {
                    now.utc_us
                } else {
                    last_utc_us
                },
            ),
            stamp: (setup.node, setup.incarnation),
            seq: last_seq,
            out: VecDeque::new(),
            snapshot: setup.snapshot,
            durable,
        };
        engine.start(setup.version, has_gap);
        engine
    }

    fn start(&mut self, version: String, has_gap: bool) {
        let (node, incarnation) = self.stamp;
        self.journal(Body::Started { version });
        let number = Incarnation {
            epoch: incarnation.into(),
            node: node.into(),
            number: incarnation,
        };
        self.acd_input(AcdInput::Restarted(number));
        for event in self.durable.interruptions() {
            self.publish(event);
        }
        self.start_alarms(has_gap);
        self.take_up_centre();
        self.check_prompts();
        self.publish_service_levels();
        self.refresh_queues();
        self.end_interrupted_dialogs();
        self.begin_day();
        self.mend_sessions();
        self.publish_all();
        self.timers
            .set(self.now.mono + CHECKPOINT_EVERY, Timer::Checkpoint);
        self.timers
            .set(self.now.mono + WALL_CLOCK_EVERY, Timer::WallClock);
        self.timers
            .set(self.now.mono + ESTIMATES_EVERY, Timer::Estimates);
        self.timers.set(
            self.now.mono + crate::registrar::KEEP_ALIVE_EVERY,
            Timer::KeepAlive,
        );
        self.settle();
    }

    /// What alarmed before the restart is over, or shows itself anew.
    fn start_alarms(&mut self, has_gap: bool) {
        for alarm in self.durable.alarms.clone() {
            self.clear_alarm(&alarm);
        }
        if has_gap {
            self.raise_alarm(
                JOURNAL_GAP,
                "entries of the journal were lost: states, bindings or overrides of before the restart may be missing",
            );
        }
    }

    /// Publishes all that readers cannot know yet: they start with nothing.
    fn publish_all(&mut self) {
        let version = self.snapshot.version;
        self.publish(Event::CentreChanged {
            version,
            changes: Vec::new(),
        });
        for event in self.openings.events() {
            self.publish(event);
        }
        for event in self.registrar.events() {
            self.publish(event);
        }
        let usernames: Vec<String> = self.snapshot.centre.users.keys().cloned().collect();
        for username in usernames {
            if let Some(extension) = self.seats.extension(&username).map(String::from) {
                self.phone_changed(&extension);
            }
            if let Some(agent) = self.names.agent(&username) {
                self.publish_agent(agent);
            }
        }
    }

    /// Takes one input. Trouble becomes an output; nothing from outside can make this fail.
    pub fn handle_input(&mut self, now: Now, input: Input) {
        self.now = now;
        match input {
            Input::Received { flow, message } => {
                self.figures.messages += 1;
                self.receive(flow, message);
            }
            Input::Refused { .. } => self.figures.messages += 1,
            Input::TransportFailed { flow } => self.layer.transport_failed(now.mono, &flow),
            Input::Media(event) => self.handle_media(event),
            Input::Command(command) => self.handle_command(command),
            Input::LookupDone { name, addresses } => self.lookup_done(name, addresses),
            Input::SourceBanned {
                address,
                seconds,
                why,
            } => self.publish(Event::SourceBanned {
                address: alloc::format!("{address}"),
                seconds,
                why,
            }),
            Input::Pressure(pressure) => self.pressure = pressure,
            Input::CheckpointWanted => self.checkpoint(),
        }
        self.settle();
    }

    /// Does what is due. Early or repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Now) {
        self.now = now;
        self.layer.handle_timeout(now.mono);
        if self.acd.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.acd_input(AcdInput::Timeout);
        }
        for expired in self.registrar.expire(now) {
            self.binding_gone(&expired);
        }
        while let Some(timer) = self.timers.pop(now.mono) {
            self.on_timer(timer);
        }
        if self
            .openings
            .next_change_us()
            .is_some_and(|at| at <= now.utc_us)
        {
            self.refresh_queues();
        }
        self.begin_day();
        self.settle();
    }

    /// The next effect; drain to `None` after every `handle_*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do, on the monotonic clock, and what.
    pub fn poll_timeout(&self) -> Option<(Duration, &'static str)> {
        let on_the_wall = |utc_us: i64| {
            let ahead = u64::try_from(utc_us.saturating_sub(self.now.utc_us)).unwrap_or(0);
            self.now.mono + Duration::from_micros(ahead)
        };
        let candidates = [
            self.layer.poll_timeout().map(|at| (at, "transactions")),
            self.acd.poll_timeout().map(|at| (at, "distribution")),
            self.registrar
                .next_expiry_us()
                .map(|at| (on_the_wall(at), "bindings")),
            self.openings
                .next_change_us()
                .map(|at| (on_the_wall(at), "opening hours")),
            self.next_day_us.map(|at| (on_the_wall(at), "day")),
            self.timers.next_deadline().map(|at| (at, "calls")),
        ];
        candidates.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// What stands at this moment.
    pub fn figures(&self) -> Figures {
        Figures {
            calls: self.calls.len(),
            legs: self.legs.len(),
            dialogs: self.index.dialogs.len() + self.index.byes.len(),
            transactions: self.layer.census().total(),
            timers: self.timers.len(),
            ports_in_stock: self.stock.len(),
            bindings: self.registrar.len(),
            ..self.figures
        }
    }

    /// The last journalled entry's number.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// What survives a crash, and the hash of the distribution core's state: equal to those of a [`Restore`] from the journal (I8).
    pub fn durable(&self) -> (&Durable, u128) {
        (&self.durable, self.acd.state_hash())
    }

    /// Starts the day's counters at zero, once a day.
    fn begin_day(&mut self) {
        if self.next_day_us.is_some_and(|at| at <= self.now.utc_us) {
            self.acd_input(AcdInput::DailyReset);
            self.publish(Event::DayBegan {});
            self.dialled_today.clear();
            self.next_day_us = day_after(&self.snapshot.settings, self.now.utc_us);
        }
    }

    /// Lets the machines inside have their say until all are quiet.
    fn settle(&mut self) {
        loop {
            if let Some(output) = self.layer.poll_output() {
                self.handle_sip(output);
            } else if let Some(output) = self.acd.poll_output() {
                self.handle_acd(output);
            } else {
                break;
            }
        }
        for flow in self.layer.take_resent() {
            self.count_retransmitted(flow.remote);
        }
        while let Some((worker, count)) = self.stock.poll_restock() {
            let command = media::control::MediaCommand::Restock { count };
            self.out.push_back(Output::Media { worker, command });
        }
    }

    /// Lets the distribution core say what its last input means, within a step that must have it said before it goes on.
    pub(crate) fn settle_acd(&mut self) {
        while let Some(output) = self.acd.poll_output() {
            self.handle_acd(output);
        }
    }

    fn handle_command(&mut self, command: Command) {
        let Command { id, actor, body } = command;
        let result = self.carry_out(&actor, body);
        // What the command set off belongs to its answer: the view that has reached `seq` shows it.
        self.settle();
        let seq = self.seq;
        self.out.push_back(Output::Reply(Reply { id, seq, result }));
    }

    fn carry_out(&mut self, actor: &crate::Actor, body: CommandBody) -> Result<Done, Refusal> {
        match body {
            CommandBody::Login {
                username,
                extension,
            } => self.login(&username, extension),
            CommandBody::Logout { username } => self.logout(&username),
            CommandBody::SetAgentState { username, state } => self.set_presence(&username, state),
            CommandBody::EndWrapUp { username } => self.end_wrap_up(actor, &username),
            CommandBody::CodeCall { call, past, code } => self.code_call(actor, call, past, code),
            CommandBody::ExtendWrapUp { username, seconds } => {
                let by = Duration::from_secs(seconds.into());
                self.change_wrap_up(&username, AgentChange::WrapUpExtended { by })
            }
            CommandBody::JoinQueue {
                username,
                queue,
                joined,
            } => self.join_queue(&username, &queue, joined),
            CommandBody::PlaceCall { username, to } => self.place_call(actor, &username, &to),
            CommandBody::HangUp { call } => self.hang_up_by_command(actor, call),
            CommandBody::Hold { call } => self.hold(actor, call),
            CommandBody::Resume { call } => self.resume(actor, call),
            CommandBody::Transfer { call, to } => self.transfer(actor, call, &to),
            CommandBody::Park { call, slot } => self.park(actor, call, slot),
            CommandBody::Retrieve { slot } => self.retrieve(actor, slot),
            CommandBody::PickUp { call } => self.pick_up(actor, call),
            CommandBody::Reserve { call } => self.reserve(actor, call),
            CommandBody::Release { call } => self.release(actor, call),
            CommandBody::Rerank {
                call,
                tier,
                priority,
            } => self.rerank(call, tier, priority),
            CommandBody::ExplainWaiting { call } => self.explain_waiting(call),
            CommandBody::ExplainAgent { username } => self.explain_agent(&username),
            CommandBody::OverrideQueue {
                queue,
                state,
                until,
            } => self.override_queue(actor, &queue, state, until),
            CommandBody::PrepareCentre { snapshot, moves } => self.prepare_centre(snapshot, moves),
            CommandBody::CommitCentre { version } => self.commit_centre(version),
            CommandBody::AbortCentre { version } => self.abort_centre(version),
            CommandBody::SetVips { entry, numbers } => {
                self.vips.set(entry, numbers);
                Ok(Done::Ok)
            }
            CommandBody::Drain => {
                self.draining = true;
                Ok(Done::Ok)
            }
        }
    }

    /// Journals the whole state, and sets the time of the next checkpoint anew.
    fn checkpoint(&mut self) {
        let body = Body::Checkpoint(self.durable.checkpoint(&self.acd));
        self.journal(body);
        self.timers
            .set(self.now.mono + CHECKPOINT_EVERY, Timer::Checkpoint);
    }

    fn on_timer(&mut self, timer: Timer) {
        match timer {
            Timer::NoProvisional(leg) => self.no_provisional(leg),
            Timer::RangOut(leg) => self.rang_out(leg),
            Timer::Session(leg) => self.on_session_timer(leg),
            Timer::Provisional(leg) => self.on_provisional_timer(leg),
            Timer::KeepAlive => self.keep_alive(),
            Timer::Checkpoint => {
                // It has been seen, and what is missing will not come back.
                self.clear_alarm(JOURNAL_GAP);
                self.checkpoint();
            }
            Timer::WallClock => {
                self.refresh_queues();
                self.timers
                    .set(self.now.mono + WALL_CLOCK_EVERY, Timer::WallClock);
            }
            Timer::LookUp(name) => self.look_up(name),
            Timer::Announce(call) => self.on_announce(call),
            Timer::RecallDue(call) => self.recall_due(call),
            Timer::Estimates => {
                self.review_estimates();
                self.timers
                    .set(self.now.mono + ESTIMATES_EVERY, Timer::Estimates);
            }
        }
    }

    /// Journals an input of the distribution core, then gives it to it. Its outputs are handled by `settle`.
    pub(crate) fn acd_input(&mut self, input: AcdInput) {
        let bytes = minicbor::to_vec(&input).expect("writing to a Vec does not fail");
        self.journal(Body::Acd(bytes));
        self.acd.handle_input(self.now.mono, input);
    }

    /// Journals and publishes an event.
    pub(crate) fn publish(&mut self, event: Event) {
        let event = Arc::new(event);
        let seq = self.journal(Body::Event(Arc::clone(&event)));
        self.out.push_back(Output::Publish {
            seq,
            utc_us: self.now.utc_us,
            event,
        });
    }

    pub(crate) fn journal(&mut self, body: Body) -> u64 {
        self.seq += 1;
        self.durable.apply(self.now.utc_us, &body);
        self.durable.config_version = self.snapshot.version;
        let stamp = Stamp {
            node: self.stamp.0,
            incarnation: self.stamp.1,
            mono_us: self.now.mono_us(),
            utc_us: self.now.utc_us,
            config_version: self.snapshot.version,
            rules_version: RULES_VERSION,
        };
        self.out.push_back(Output::Journal(Entry {
            seq: self.seq,
            stamp,
            body,
        }));
        self.seq
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.out.push_back(output);
    }
}

fn day_after(settings: &config::Settings, utc_us: i64) -> Option<i64> {
    let centre = &settings.centre;
    crate::day::next_day_start_us(utc_us, &centre.timezone, centre.day_starts)
}

/// What the branches of our requests are keyed with: the same over restarts, so that a phone that is lifted after
/// one is hung up. Drawn from the nonces' key by a stream of its own, and tells nothing of it.
fn branch_key(nonce_key: &[u8; 32]) -> [u8; 16] {
    let seed = Random::new(*nonce_key).seed();
    let mut key = [0; 16];
    key.iter_mut().zip(seed).for_each(|(to, from)| *to = from);
    key
}

fn algorithms(settings: &config::Settings) -> Vec<sip::auth::Algorithm> {
    let ours = |algorithm: &config::DigestAlgorithm| match algorithm {
        config::DigestAlgorithm::Md5 => sip::auth::Algorithm::Md5,
        config::DigestAlgorithm::Sha256 => sip::auth::Algorithm::Sha256,
    };
    settings.sip.digest.iter().map(ours).collect()
}
