//! The engine's thread: one turn after the other, never waiting for anything but the next input or deadline.
//!
//! A turn reads the clock once, does what is due, takes one input out of the lanes, and carries out every output before
//! the next. What cannot be carried out comes back as an input of the same turn. The thread also watches how full
//! the queues behind it are and tells the engine to shed new calls from half of any of them on.
//!
//! It ends at [`Order::Stop`] and hands the journal back, to be closed by whoever stops the daemon.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use admin_api::ports::LoggedEvent;
use arc_swap::ArcSwap;
use engine::journal::{Body, Entry};
use engine::{CommandId, Engine, Figures, Input, Now, Output, Pressure, Reply, TrunkFigures};
use media_io::MediaPool;
use sip::Transmit;
use store::{JournalHealth, JournalWriter};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::lookup::Lookups;
use crate::media_out::MediaOut;
use crate::net::Network;
use crate::net::intake::Intake;
use crate::net::lanes::{Answer, LaneEnds, Next, Order};
use crate::net::strangers::Strangers;
use crate::recorder::Tap;
use crate::view::{self, Publication, Publisher};

/// How often the thread looks around: at the queues behind it, and shows that it is alive.
const LOOK_AROUND: Duration = Duration::from_millis(250);
/// Orders that may wait for a media thread.
pub(crate) const MEDIA_ORDERS: usize = 8_192;
/// How soon a media thread that was behind is tried again.
const MEDIA_AGAIN: Duration = Duration::from_millis(5);

/// What others may know of the thread without asking it.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// When it last looked around, in microseconds of the clock.
    beat_us: AtomicU64,
    figures: Mutex<Shown>,
    trunks: ArcSwap<BTreeMap<String, TrunkFigures>>,
}

/// Figures of one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shown {
    pub(crate) engine: Figures,
    pub(crate) shedding: bool,
    pub(crate) view_queued: usize,
    pub(crate) media_commands_lost: u64,
}

impl Pulse {
    pub(crate) fn new(now: Now) -> Self {
        Self {
            beat_us: AtomicU64::new(now.mono_us()),
            figures: Mutex::default(),
            trunks: ArcSwap::default(),
        }
    }

    /// How long ago the thread was last seen alive.
    pub(crate) fn silence(&self, now: Now) -> Duration {
        Duration::from_micros(
            now.mono_us()
                .saturating_sub(self.beat_us.load(Ordering::Relaxed)),
        )
    }

    /// What passed over each trunk, as fresh as the other figures.
    pub(crate) fn trunks(&self) -> Arc<BTreeMap<String, TrunkFigures>> {
        self.trunks.load_full()
    }

    /// Figures, at most a quarter of a second old while the thread is alive.
    pub(crate) fn shown(&self) -> Shown {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that the thread works with.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) lanes: LaneEnds,
    pub(crate) network: Network,
    pub(crate) media: MediaOut,
    pub(crate) pool: Arc<MediaPool>,
    pub(crate) journal: JournalWriter,
    pub(crate) view: Publisher,
    pub(crate) lookups: Lookups,
    pub(crate) strangers: Arc<Strangers>,
    pub(crate) tap: Tap,
    /// Where strangers are watched.
    pub(crate) intake: Intake,
    pub(crate) pulse: Arc<Pulse>,
}

/// The engine and its thread's work.
pub(crate) struct Driver {
    engine: Engine,
    parts: Parts,
    health: JournalHealth,
    /// Who waits for the answer to the command of this turn.
    asking: Option<(CommandId, oneshot::Sender<Answer>)>,
    /// What could not be carried out, as inputs of this turn.
    troubles: VecDeque<Input>,
    /// What this turn has published so far.
    published: Publication,
    pressure: Pressure,
    look_around_at: Duration,
    /// The number that the journal had reached when a checkpoint was last asked for.
    checkpoint_asked: u64,
    stopping: bool,
}

impl Driver {
    pub(crate) fn new(engine: Engine, parts: Parts) -> Self {
        let health = parts.journal.health();
        Self {
            engine,
            parts,
            health,
            asking: None,
            troubles: VecDeque::new(),
            published: Publication::default(),
            pressure: Pressure::Normal,
            look_around_at: Duration::ZERO,
            checkpoint_asked: 0,
            stopping: false,
        }
    }

    /// Runs until told to stop.
    pub(crate) fn run(mut self) -> JournalWriter {
        self.know_bindings();
        // Who reads first shall see what the restart has brought back.
        self.published.reached = self.engine.seq();
        self.drain(self.parts.clock.now());
        while !self.stopping {
            self.turn();
        }
        self.parts.journal
    }

    fn turn(&mut self) {
        let now = self.parts.clock.now();
        if now.mono >= self.look_around_at {
            self.look_around(now);
        }
        let deadline = self.engine.poll_timeout().map(|(at, _)| at);
        if deadline.is_some_and(|at| at <= now.mono) {
            self.engine.handle_timeout(now);
            self.drain(now);
        }
        match self.parts.lanes.try_next() {
            Some(next) => self.take(now, next),
            None => self.sleep(now),
        }
    }

    /// Until the next deadline, or until something comes.
    fn sleep(&self, now: Now) {
        let mut until = self.look_around_at;
        if let Some((at, _)) = self.engine.poll_timeout() {
            until = until.min(at);
        }
        if self.parts.media.is_behind() {
            until = until.min(now.mono + MEDIA_AGAIN);
        }
        if until > now.mono {
            self.parts.lanes.wait(self.parts.clock.instant(until));
        }
    }

    fn take(&mut self, now: Now, next: Next) {
        let input = match next {
            Next::Input(input) => *input,
            Next::Order(Order::Command { command, answer }) => {
                self.asking = Some((command.id, answer));
                Input::Command(command)
            }
            Next::Order(Order::Stop) => {
                self.stopping = true;
                return;
            }
        };
        self.handle(now, input);
    }

    fn handle(&mut self, now: Now, input: Input) {
        self.engine.handle_input(now, input);
        self.drain(now);
    }

    /// Carries out all outputs, and those of the troubles they make.
    fn drain(&mut self, now: Now) {
        loop {
            while let Some(output) = self.engine.poll_output() {
                self.carry_out(output);
            }
            let Some(trouble) = self.troubles.pop_front() else {
                break;
            };
            self.engine.handle_input(now, trouble);
        }
        self.publish();
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Transmit(Transmit { flow, payload }) => {
                self.parts.tap.sent(&flow, &payload);
                if self.parts.network.send(&flow, payload).is_err() {
                    self.troubles.push_back(Input::TransportFailed { flow });
                }
            }
            Output::LegTraced {
                call,
                leg,
                sip_call_id,
            } => self.parts.tap.leg_began(call, leg, sip_call_id),
            Output::Offended { source, offence } => {
                let banned = self
                    .parts
                    .intake
                    .offended(source, offence.into(), Instant::now());
                self.troubles.extend(banned);
            }
            Output::LegUntraced { leg } => self.parts.tap.leg_ended(leg),
            Output::Media { worker, command } => self.parts.media.send(worker, command),
            Output::Journal(entry) => {
                self.note_binding(&entry);
                self.parts.journal.append(entry);
            }
            Output::Publish { seq, utc_us, event } => {
                self.published
                    .events
                    .push(LoggedEvent { seq, utc_us, event });
            }

            Output::Reply(reply) => self.answer(reply),
            Output::Lookup { name } => {
                if let Err(name) = self.parts.lookups.ask(name) {
                    self.troubles.push_back(Input::LookupDone {
                        name,
                        addresses: Vec::new(),
                    });
                }
            }
        }
    }

    /// Hands on what was published, before anybody hears of it in another way.
    fn publish(&mut self) {
        let published = std::mem::take(&mut self.published);
        // Waits for a place when it is full, which the projection thread soon makes; fails only when that is gone.
        if !published.is_empty() && self.parts.view.send(published).is_err() {
            tracing::error!("the projection thread is gone, and readers see old figures");
        }
    }

    fn answer(&mut self, reply: Reply) {
        let Reply { id, seq, result } = reply;
        match self.asking.take() {
            Some((asked, answer)) if asked == id => {
                // Before the answer, so that the view gets there even when nothing was published.
                self.published.reached = seq;
                self.publish();
                // Who asked may have given up waiting.
                let _ = answer.send(result.map(|done| (seq, done)));
            }
            other => {
                tracing::error!(?id, "an answer to what nobody asked");
                self.asking = other;
            }
        }
    }

    fn look_around(&mut self, now: Now) {
        self.look_around_at = now.mono + LOOK_AROUND;
        self.parts.media.retry();
        let full = self.is_half_full();
        let pressure = if full {
            Pressure::Shedding
        } else {
            Pressure::Normal
        };
        if pressure != self.pressure {
            self.pressure = pressure;
            if full {
                tracing::warn!("a queue behind the engine is half full: new calls are refused");
            } else {
                tracing::info!("all queues behind the engine have room again: calls are taken");
            }
            self.handle(now, Input::Pressure(pressure));
        }
        if !full && self.needs_checkpoint() {
            self.handle(now, Input::CheckpointWanted);
            self.checkpoint_asked = self.engine.seq();
        }
        let shown = Shown {
            engine: self.engine.figures(),
            shedding: full,
            view_queued: self.parts.view.len(),
            media_commands_lost: self.parts.media.lost(),
        };
        let trunks = self.engine.trunk_figures();
        self.parts.pulse.trunks.store(Arc::new(trunks));
        *self
            .parts
            .pulse
            .figures
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = shown;
        self.parts
            .pulse
            .beat_us
            .store(now.mono_us(), Ordering::Relaxed);
    }

    /// Whether entries were lost, and no checkpoint that would make it good is on its way to the disk.
    fn needs_checkpoint(&self) -> bool {
        self.health.checkpoint_wanted() && self.health.durable_seq() >= self.checkpoint_asked
    }

    fn is_half_full(&self) -> bool {
        self.health.pressure() >= store::Pressure::HalfFull
            || self.parts.view.len() * 2 >= view::QUEUE
            || self.parts.media.is_behind()
            || self.is_a_mailbox_half_full()
    }

    fn is_a_mailbox_half_full(&self) -> bool {
        self.parts
            .pool
            .metrics()
            .iter()
            .any(|worker| worker.commands_waiting * 2 >= MEDIA_ORDERS as u64)
    }

    /// Phones that were registered before the restart are no strangers.
    fn know_bindings(&self) {
        let now = Instant::now();
        for record in self.engine.durable().0.bindings.values() {
            self.make_known(&record.remote, now);
        }
    }

    fn note_binding(&self, entry: &Entry) {
        if let Body::Binding(record) = &entry.body {
            self.make_known(&record.remote, Instant::now());
        }
    }

    fn make_known(&self, remote: &str, now: Instant) {
        if let Ok(remote) = remote.parse::<SocketAddr>() {
            self.parts.strangers.make_known(remote.ip(), now);
        }
    }
}
