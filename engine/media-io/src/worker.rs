//! The loop of one media thread.
//!
//! A turn: do what was commanded, what time brings and what follows from it; sleep; pass on what has come. The clock
//! is read once after each sleep, so that a batch of packets has one time.
//!
//! Commands come in clusters, several for each call. So after some, and while the thread looks at its sockets by the
//! clock anyway, the next ones wait for its next look and do not wake it.

use std::sync::Arc;
use std::time::Duration;

use media::control::{MediaCommand, MediaEvent, PortPair};
use media::ports::PortRange;
use media::relay::{Output, Relay};
use media::rtp::PACKET_LEN_MAX;
use rustix::event::{PollFd, PollFlags, epoll, poll};
use rustix::time::{ClockId, clock_gettime};

use crate::mailbox::Mailbox;
use crate::metrics::{SharedMetrics, WorkerMetrics};
use crate::pace::{Pace, Wait};
use crate::pool::{Clock, EventSink};
use crate::sockets::{Buffer, Places, Ready, Received, Sockets, timespec};

/// Sockets looked at in one batch.
const BATCH: usize = 1024;

/// Batches read before commands and beats get their turn again.
const BATCHES_MAX: usize = 8;

/// Packets read at once from a socket that has just been connected; the receive buffer holds fewer.
const SETTLING_MAX: usize = 512;

/// Pairs told to the engine in one event.
const PORTS_TOLD_MAX: usize = 64;

/// After commands, the thread looks for more so much later, and is not woken for them before.
const COMMANDS_REST: Duration = Duration::from_millis(4);

/// Between two looks at the thread's CPU clock.
const CPU_INTERVAL: Duration = Duration::from_millis(250);

/// One media thread.
pub(crate) struct Worker {
    clock: Clock,
    sink: EventSink,
    mailbox: Mailbox,
    places: Places,
    relay: Relay,
    ports: PortRange,
    sockets: Sockets,
    pace: Pace,
    shared: Arc<SharedMetrics>,
    metrics: WorkerMetrics,
    buffer: Box<Buffer>,
    received: u64,
    next_cpu_reading: Duration,
}

/// What a worker is made of.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) sink: EventSink,
    pub(crate) mailbox: Mailbox,
    pub(crate) places: Places,
    pub(crate) shared: Arc<SharedMetrics>,
    pub(crate) seed: u64,
    pub(crate) stock: u32,
    pub(crate) rest: Duration,
}

impl Worker {
    pub(crate) fn new(parts: Parts) -> std::io::Result<Self> {
        let Parts {
            clock,
            sink,
            mailbox,
            places,
            shared,
            seed,
            stock,
            rest,
        } = parts;
        let sockets = Sockets::new(places, mailbox.fd())?;
        let mut ports = PortRange::new(places.slots(), stock, rest);
        ports.want(stock);
        let now = clock();
        Ok(Self {
            relay: Relay::new(places.slots(), seed),
            pace: Pace::new(now),
            metrics: WorkerMetrics::default(),
            buffer: Box::new(Buffer([0; PACKET_LEN_MAX])),
            received: 0,
            next_cpu_reading: now,
            clock,
            sink,
            mailbox,
            places,
            ports,
            sockets,
            shared,
        })
    }

    /// Works until the pool ends.
    pub(crate) fn run(mut self) {
        let mut ready = Vec::with_capacity(BATCH);
        while !self.mailbox.is_ending() {
            let now = (self.clock)();
            let commanded = self.do_commands(now);
            self.relay.handle_timeout(now, &mut self.sockets);
            self.do_outputs(now);
            self.fill_stock(now);
            self.publish(now);
            self.sleep((self.clock)(), commanded, &mut ready);
            self.read_all(&mut ready);
        }
    }

    /// Does all commands; true if there were any.
    fn do_commands(&mut self, now: Duration) -> bool {
        let before = self.metrics.commands_done;
        while let Some(command) = self.mailbox.try_next() {
            self.metrics.commands_done += 1;
            match &command {
                MediaCommand::Open { leg, ports } => {
                    if !self.sockets.open(ports) {
                        // Not in stock, or no descriptor left to watch it with.
                        self.take_back(now, ports);
                        (self.sink)(MediaEvent::Closed {
                            leg: *leg,
                            stats: Box::default(),
                        });
                        continue;
                    }
                    self.ports.opened();
                }
                MediaCommand::Restock { count } => self.ports.want(*count),
                MediaCommand::GiveBack { ports } => self.take_back(now, ports),
                MediaCommand::SetRemote { .. }
                | MediaCommand::Bridge { .. }
                | MediaCommand::Unbridge { .. }
                | MediaCommand::Play { .. }
                | MediaCommand::StopPlay { .. }
                | MediaCommand::AddClip { .. }
                | MediaCommand::RemoveClip { .. }
                | MediaCommand::Close { .. } => {}
            }
            self.relay.handle_command(now, command, &mut self.sockets);
            self.do_outputs(now);
        }
        self.metrics.commands_done > before
    }

    fn take_back(&mut self, now: Duration, ports: &PortPair) {
        if self.sockets.is_stocked(ports) {
            self.sockets.close(ports.slot);
            self.ports.given_back(now, ports.slot);
        } else {
            self.metrics.commands_stale += 1;
        }
    }

    fn do_outputs(&mut self, now: Duration) {
        while let Some(output) = self.relay.poll_output() {
            match output {
                Output::Event(event) => (self.sink)(event),
                Output::Pin { slot, source } => self.pin(now, slot, source),
                Output::Unpin { slot } => self.sockets.unpin(slot),
                Output::Release { slot } => {
                    if self.sockets.close(slot).is_some() {
                        self.ports.closed(now, slot);
                    }
                }
            }
        }
    }

    /// Connects the socket and empties it: what strangers sent before must be judged by its source.
    fn pin(&mut self, now: Duration, slot: u32, source: std::net::SocketAddr) {
        self.sockets.pin(slot, source);
        for _ in 0..SETTLING_MAX {
            if !self.sockets.is_settling(slot) {
                break;
            }
            self.read_rtp(now, slot);
        }
    }

    fn fill_stock(&mut self, now: Duration) {
        let mut bound = Vec::new();
        while let Some(slot) = self.ports.poll_slot(now) {
            match self.sockets.bind(slot) {
                Ok(pair) => bound.push(pair),
                Err(fault) => {
                    tracing::warn!(%fault, port = self.places.pair(slot).rtp.port(), "cannot bind media ports");
                    self.ports.bind_failed(now, slot);
                    self.metrics.ports_not_bound += 1;
                }
            }
            if bound.len() == PORTS_TOLD_MAX {
                (self.sink)(MediaEvent::PortsReady(std::mem::take(&mut bound)));
            }
        }
        if !bound.is_empty() {
            (self.sink)(MediaEvent::PortsReady(bound));
        }
        if self.ports.poll_exhausted() {
            self.metrics.ports_exhausted += 1;
            tracing::error!(
                worker = self.places.worker.0,
                "the range of media ports is empty"
            );
            (self.sink)(MediaEvent::PortsExhausted {
                worker: self.places.worker,
            });
        }
    }

    fn sleep(&mut self, now: Duration, commanded: bool, ready: &mut Vec<epoll::Event>) {
        let rest = commanded.then(|| now + COMMANDS_REST);
        let deadline = self
            .relay
            .poll_timeout()
            .into_iter()
            .chain(self.ports.poll_timeout())
            .chain(rest)
            .min();
        let wait = self
            .pace
            .decide(now, self.received, self.relay.has_bridges());
        let waited = match wait {
            Wait::Until(tick) => {
                let until = deadline.map_or(tick, |deadline| deadline.min(tick));
                // A tick is soon; without one the bell is to be heard.
                if until <= now + COMMANDS_REST || self.mailbox.lie_down() {
                    self.doze(until.saturating_sub(now));
                }
                self.sockets.wait(Some(Duration::ZERO), ready)
            }
            Wait::ForPackets if commanded || self.mailbox.lie_down() => {
                let timeout = deadline.map(|deadline| deadline.saturating_sub(now));
                self.sockets.wait(timeout, ready)
            }
            Wait::ForPackets => self.sockets.wait(Some(Duration::ZERO), ready),
        };
        self.mailbox.get_up();
        self.metrics.wakes += 1;
        self.note_wait(waited);
    }

    /// Sleeps whatever packets come; only the bell is heard, if it may ring.
    fn doze(&self, time: Duration) {
        let mut bell = [PollFd::from_borrowed_fd(self.mailbox.fd(), PollFlags::IN)];
        // A signal ends it early, which does no harm.
        let _ = poll(&mut bell, Some(&timespec(time)));
    }

    fn note_wait(&mut self, waited: rustix::io::Result<()>) {
        if let Err(fault) = waited
            && fault != rustix::io::Errno::INTR
        {
            // Not known to happen with descriptors of our own; without this the thread would spin in silence.
            tracing::error!(%fault, "cannot wait for media packets");
            std::thread::yield_now();
        }
    }

    /// Reads one packet of each socket that has some. A full batch means that there may be more of them; and where
    /// nobody talks, ticks are so far apart that several may wait in one socket, which must not pile up.
    fn read_all(&mut self, ready: &mut Vec<epoll::Event>) {
        let now = (self.clock)();
        for _ in 0..BATCHES_MAX {
            for event in ready.iter() {
                match Sockets::ready(event) {
                    Ready::Rtp(slot) => self.read_rtp(now, slot),
                    Ready::Rtcp(slot) => self.read_rtcp(now, slot),
                    Ready::Bell => self.mailbox.hush(),
                }
            }
            self.do_outputs(now);
            if ready.is_empty() || ready.len() < BATCH && self.relay.has_bridges() {
                break;
            }
            let waited = self.sockets.wait(Some(Duration::ZERO), ready);
            self.note_wait(waited);
        }
        ready.clear();
    }

    fn read_rtp(&mut self, now: Duration, slot: u32) {
        if let Received::Packet(len, source) = self.sockets.receive_rtp(slot, &mut self.buffer) {
            self.received += 1;
            let packet = self.buffer.0.get_mut(..len).unwrap_or_default();
            self.relay
                .handle_rtp(now, slot, source, packet, &mut self.sockets);
        }
    }

    fn read_rtcp(&mut self, now: Duration, slot: u32) {
        if let Received::Packet(len, source) = self.sockets.receive_rtcp(slot, &mut self.buffer) {
            let packet = self.buffer.0.get(..len).unwrap_or_default();
            self.relay.handle_rtcp(now, slot, source, packet);
        }
    }

    fn publish(&mut self, now: Duration) {
        let counters = self.relay.counters();
        let stale_ports = self.metrics.commands_stale;
        self.metrics.take_relay(&counters);
        self.metrics.packets_unsent = self.sockets.unsent();
        self.metrics.legs_open = self.relay.open_legs() as u64;
        self.metrics.legs_listening = self.relay.listeners() as u64;
        self.metrics.ports_stocked = self.ports.stocked().into();
        if self.next_cpu_reading <= now {
            self.next_cpu_reading = now + CPU_INTERVAL;
            let cpu = clock_gettime(ClockId::ThreadCPUTime);
            self.metrics.cpu_us = (cpu.tv_sec * 1_000_000 + cpu.tv_nsec / 1_000).unsigned_abs();
        }
        let both = WorkerMetrics {
            commands_stale: stale_ports + counters.stale_commands,
            ..self.metrics
        };
        self.shared.publish(&both);
    }
}
