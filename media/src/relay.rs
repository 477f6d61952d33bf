//! All the legs of one worker: who is bridged with whom, who listens to what.
//!
//! Owns the legs by slot, the bridges, the clips and the beat. Has the four doors of every machine of ours, with one
//! difference: packets are not queued as outputs but handed to a [`Transmit`] at once, since a packet must not be
//! copied and waits for nothing. Sockets are the worker's in `media-io`; which ports are bound is
//! [`PortRange`](crate::ports::PortRange)'s.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use crate::clip::Clip;
use crate::codec::FRAME_SAMPLES;
use crate::control::{ClipId, LegKey, MediaCommand, MediaEvent, RemoteMedia};
use crate::leg::{Judged, Leg, Noticed, Played, Seeds, Taken};
use crate::outgoing::Origin;
use crate::player::Beat;
use crate::rtcp::REPORT_LEN_MAX;
use crate::rtp::{HEADER_LEN, Kind, classify};

/// How often all legs are looked at for silence, reports and lost ends of key presses.
const ROUND: Duration = Duration::from_millis(250);

/// Where packets go.
pub trait Transmit {
    /// Sends from the slot's RTP port.
    fn send_rtp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]);
    /// Sends from the slot's RTCP port.
    fn send_rtcp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]);
}

/// What the worker is asked to do besides sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// To the engine.
    Event(MediaEvent),
    /// The slot's RTP socket may take packets of this source only.
    Pin {
        /// The slot.
        slot: u32,
        /// The source.
        source: SocketAddr,
    },
    /// The slot's RTP socket takes packets of everybody again.
    Unpin {
        /// The slot.
        slot: u32,
    },
    /// The slot's leg is gone.
    Release {
        /// The slot.
        slot: u32,
    },
}

/// What a worker's legs have done in all, legs long gone included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RelayCounters {
    /// RTP packets of peers.
    pub received: u64,
    /// RTP packets passed on to a partner.
    pub relayed: u64,
    /// Frames of clips sent.
    pub played: u64,
    /// Reports of peers.
    pub reports_received: u64,
    /// Reports of ours.
    pub reports_sent: u64,
    /// Packets of third parties, and ones that are neither RTP nor RTCP.
    pub strangers: u64,
    /// Packets of peers dropped: late ones, unknown types, on hold, nobody to hear them.
    pub dropped: u64,
    /// Commands that named a leg or a generation that is gone.
    pub stale_commands: u64,
}

/// The legs of one worker.
#[derive(Debug)]
pub struct Relay {
    legs: Vec<Option<Box<Leg>>>,
    slots: BTreeMap<u64, u32>,
    clips: BTreeMap<ClipId, Arc<Clip>>,
    listeners: Vec<u32>,
    beat: Beat,
    next_round: Option<Duration>,
    plays: u32,
    bridges: u32,
    random: SplitMix64,
    counters: RelayCounters,
    outputs: VecDeque<Output>,
}

impl Relay {
    /// No legs yet, room for `slots` of them. The seed makes the random numbers that streams start with
    /// (RFC 3550 §5.1).
    pub fn new(slots: u32, seed: u64) -> Self {
        Self {
            legs: (0..slots).map(|_| None).collect(),
            slots: BTreeMap::new(),
            clips: BTreeMap::new(),
            listeners: Vec::new(),
            beat: Beat::default(),
            next_round: None,
            plays: 0,
            bridges: 0,
            random: SplitMix64(seed),
            counters: RelayCounters::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Does what the engine says. Ports in stock ([`MediaCommand::Restock`], [`MediaCommand::GiveBack`]) are the
    /// worker's, which also checks that the pair of [`MediaCommand::Open`] is bound and free.
    pub fn handle_command(
        &mut self,
        now: Duration,
        command: MediaCommand,
        wire: &mut impl Transmit,
    ) {
        let known = match command {
            MediaCommand::Open { leg, ports } => self.open(now, leg, ports.slot, wire),
            MediaCommand::SetRemote {
                leg,
                remote,
                send,
                receive,
            } => self.set_remote(now, leg, remote, send, receive),
            MediaCommand::Bridge { a, b } => self.bridge(a, b),
            MediaCommand::Unbridge { a } => self.slot(a).map(|slot| self.part(slot)),
            MediaCommand::Play { leg, clip, repeat } => self.start_playing(now, leg, clip, repeat),
            MediaCommand::StopPlay { leg } => self.slot(leg).map(|slot| self.stop_playing(slot)),
            MediaCommand::AddClip { id, clip } => {
                self.clips.insert(id, clip);
                Some(())
            }
            MediaCommand::RemoveClip { id } => {
                self.clips.remove(&id);
                Some(())
            }
            MediaCommand::Close { leg } => self.slot(leg).map(|slot| self.close(now, slot, wire)),
            MediaCommand::Restock { .. } | MediaCommand::GiveBack { .. } => Some(()),
        };
        if known.is_none() {
            self.counters.stale_commands += 1;
        }
    }

    /// Takes a datagram from a slot's RTP port. `source` is `None` when the socket is pinned. The packet is changed
    /// where it lies when it is passed on.
    pub fn handle_rtp(
        &mut self,
        now: Duration,
        slot: u32,
        source: Option<SocketAddr>,
        packet: &mut [u8],
        wire: &mut impl Transmit,
    ) {
        match classify(packet) {
            Kind::Rtp => self.handle_sound(now, slot, source, packet, wire),
            Kind::Rtcp => self.handle_rtcp(now, slot, source, packet),
            Kind::Other => self.counters.strangers += 1,
        }
    }

    /// Takes a datagram from a slot's RTCP port.
    pub fn handle_rtcp(
        &mut self,
        now: Duration,
        slot: u32,
        source: Option<SocketAddr>,
        packet: &[u8],
    ) {
        match self
            .leg_mut(slot)
            .map(|leg| leg.handle_rtcp(now, source, packet))
        {
            Some(true) => self.counters.reports_received += 1,
            Some(false) | None => self.counters.strangers += 1,
        }
    }

    /// Plays the beats and takes the rounds that are due.
    pub fn handle_timeout(&mut self, now: Duration, wire: &mut impl Transmit) {
        for _ in 0..self.beat.due(now) {
            self.play_all(now, wire);
        }
        if self.next_round.is_some_and(|next| next <= now) {
            self.next_round = Some(now + ROUND);
            self.go_round(now, wire);
        }
    }

    /// What to do besides sending; drain to `None` after each `handle_*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Relay::handle_timeout`] has something to do; `None` without legs.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.beat
            .poll_timeout()
            .into_iter()
            .chain(self.next_round)
            .min()
    }

    /// Whether two people talk: their packets wait for no beat.
    pub fn has_bridges(&self) -> bool {
        self.bridges > 0
    }

    /// How many legs are open.
    pub fn open_legs(&self) -> usize {
        self.slots.len()
    }

    /// How many legs are listening to a clip.
    pub fn listeners(&self) -> usize {
        self.listeners.len()
    }

    /// What has been done so far.
    pub fn counters(&self) -> RelayCounters {
        self.counters
    }

    fn open(
        &mut self,
        now: Duration,
        key: LegKey,
        slot: u32,
        wire: &mut impl Transmit,
    ) -> Option<()> {
        if let Some(&former) = self.slots.get(&key.leg) {
            let present = self.leg_mut(former).map(|leg| leg.key());
            if present.is_some_and(|present| key.generation <= present.generation) {
                self.outputs.push_back(Output::Release { slot });
                if present != Some(key) {
                    self.outputs.push_back(Output::Event(MediaEvent::Closed {
                        leg: key,
                        stats: Box::default(),
                    }));
                }
                return None;
            }
            self.close(now, former, wire);
        }
        let seeds = self.seeds();
        *self.legs.get_mut(slot as usize)? = Some(Box::new(Leg::new(now, key, seeds)));
        self.slots.insert(key.leg, slot);
        self.next_round.get_or_insert(now + ROUND);
        Some(())
    }

    fn set_remote(
        &mut self,
        now: Duration,
        key: LegKey,
        remote: RemoteMedia,
        send: bool,
        receive: bool,
    ) -> Option<()> {
        let slot = self.slot(key)?;
        self.leg_mut(slot)?.set_remote(now, remote, send, receive);
        self.outputs.push_back(Output::Unpin { slot });
        Some(())
    }

    fn bridge(&mut self, a: LegKey, b: LegKey) -> Option<()> {
        let (a, b) = (self.slot(a)?, self.slot(b)?);
        if a == b {
            return None;
        }
        for slot in [a, b] {
            self.stop_playing(slot);
        }
        if self.leg_mut(a)?.partner == Some(b) {
            return Some(());
        }
        for (slot, partner) in [(a, b), (b, a)] {
            self.part(slot);
            if let Some(leg) = self.leg_mut(slot) {
                leg.partner = Some(partner);
                leg.change_source();
            }
        }
        self.bridges += 1;
        Some(())
    }

    /// Ends the bridge of the leg, if it is in one.
    fn part(&mut self, slot: u32) {
        let Some(partner) = self.leg_mut(slot).and_then(|leg| leg.partner.take()) else {
            return;
        };
        self.bridges -= 1;
        if let Some(leg) = self.leg_mut(partner) {
            leg.partner = None;
        }
    }

    fn start_playing(
        &mut self,
        now: Duration,
        key: LegKey,
        clip: ClipId,
        repeat: bool,
    ) -> Option<()> {
        let slot = self.slot(key)?;
        let Some(clip) = self.clips.get(&clip).cloned() else {
            self.stop_playing(slot);
            self.outputs
                .push_back(Output::Event(MediaEvent::ClipEnded { leg: key }));
            return Some(());
        };
        self.plays = self.plays.wrapping_add(1);
        let origin = Origin::Clip(self.plays);
        if self.leg_mut(slot)?.start_playing(origin, clip, repeat) {
            self.listeners.push(slot);
        }
        self.beat.start(now);
        Some(())
    }

    fn stop_playing(&mut self, slot: u32) {
        if self
            .leg_mut(slot)
            .is_some_and(|leg| leg.player.take().is_some())
        {
            self.listeners.retain(|listener| *listener != slot);
            self.stop_beat_when_quiet();
        }
    }

    fn stop_beat_when_quiet(&mut self) {
        if self.listeners.is_empty() {
            self.beat.stop();
        }
    }

    fn close(&mut self, now: Duration, slot: u32, wire: &mut impl Transmit) {
        self.stop_playing(slot);
        self.part(slot);
        self.send_report(now, slot, true, wire);
        let Some(leg) = self.legs.get_mut(slot as usize).and_then(Option::take) else {
            return;
        };
        self.slots.remove(&leg.key().leg);
        if self.slots.is_empty() {
            self.next_round = None;
        }
        let closed = MediaEvent::Closed {
            leg: leg.key(),
            stats: Box::new(leg.stats()),
        };
        self.outputs.push_back(Output::Release { slot });
        self.outputs.push_back(Output::Event(closed));
    }

    fn handle_sound(
        &mut self,
        now: Duration,
        slot: u32,
        source: Option<SocketAddr>,
        packet: &mut [u8],
        wire: &mut impl Transmit,
    ) {
        let Some(leg) = self.leg_mut(slot) else {
            return;
        };
        let partner = leg.partner;
        let (judged, noticed) = leg.handle_rtp(now, source, packet);
        if noticed != Noticed::default() {
            let key = leg.key();
            self.tell(slot, key, noticed);
        }
        match judged {
            Judged::Taken(taken) => self.pass_on(now, slot, partner, taken, packet, wire),
            Judged::Dropped => {
                self.counters.received += 1;
                self.counters.dropped += 1;
            }
            Judged::Stranger => self.counters.strangers += 1,
        }
    }

    fn pass_on(
        &mut self,
        now: Duration,
        slot: u32,
        partner: Option<u32>,
        taken: Taken,
        packet: &mut [u8],
        wire: &mut impl Transmit,
    ) {
        self.counters.received += 1;
        let sent = partner.and_then(|partner| {
            let (to, packet) = self.leg_mut(partner)?.relay(now, slot, taken, packet)?;
            wire.send_rtp(partner, to, packet);
            Some(())
        });
        if sent.is_some() {
            self.counters.relayed += 1;
            return;
        }
        self.counters.dropped += 1;
        if let Some(leg) = self.leg_mut(slot) {
            leg.note_unheard();
        }
    }

    fn tell(&mut self, slot: u32, leg: LegKey, noticed: Noticed) {
        if let Some(source) = noticed.fixed {
            self.outputs.push_back(Output::Pin { slot, source });
        }
        if noticed.heard {
            self.outputs
                .push_back(Output::Event(MediaEvent::Heard { leg }));
        }
        if let Some(press) = noticed.pressed {
            let pressed = MediaEvent::DtmfPressed {
                leg,
                key: press.key,
                duration_ms: press.duration_ms,
            };
            self.outputs.push_back(Output::Event(pressed));
        }
    }

    fn play_all(&mut self, now: Duration, wire: &mut impl Transmit) {
        let mut packet = [0; HEADER_LEN + FRAME_SAMPLES];
        let mut listeners = core::mem::take(&mut self.listeners);
        listeners.retain(|&slot| {
            let Some(leg) = self.leg_mut(slot) else {
                return false;
            };
            match leg.play(now, &mut packet) {
                Played::Frame(to, packet) => {
                    wire.send_rtp(slot, to, packet);
                    self.counters.played += 1;
                    true
                }
                Played::Unsent => true,
                Played::Ended => {
                    let leg = leg.key();
                    self.outputs
                        .push_back(Output::Event(MediaEvent::ClipEnded { leg }));
                    false
                }
            }
        });
        self.listeners = listeners;
        self.stop_beat_when_quiet();
    }

    fn go_round(&mut self, now: Duration, wire: &mut impl Transmit) {
        let slots: Vec<u32> = self.slots.values().copied().collect();
        for slot in slots {
            let Some(leg) = self.leg_mut(slot) else {
                continue;
            };
            let (key, due) = (leg.key(), leg.handle_round(now));
            if due.relearn {
                self.outputs.push_back(Output::Unpin { slot });
            }
            if due.silent {
                self.outputs
                    .push_back(Output::Event(MediaEvent::Silent { leg: key }));
            }
            if due.lifeless {
                self.outputs
                    .push_back(Output::Event(MediaEvent::Lifeless { leg: key }));
            }
            self.tell(
                slot,
                key,
                Noticed {
                    pressed: due.pressed,
                    ..Noticed::default()
                },
            );
            if due.report {
                self.send_report(now, slot, false, wire);
            }
        }
    }

    fn send_report(&mut self, now: Duration, slot: u32, goodbye: bool, wire: &mut impl Transmit) {
        let mut buffer = [0; REPORT_LEN_MAX];
        let written = self
            .leg_mut(slot)
            .and_then(|leg| leg.write_report(now, goodbye, &mut buffer));
        let Some((to, len, muxed)) = written else {
            return;
        };
        let packet = buffer.get(..len).unwrap_or_default();
        if muxed {
            wire.send_rtp(slot, to, packet);
        } else {
            wire.send_rtcp(slot, to, packet);
        }
        self.counters.reports_sent += 1;
    }

    /// The slot of a leg whose generation is the present one.
    fn slot(&self, key: LegKey) -> Option<u32> {
        let slot = *self.slots.get(&key.leg)?;
        let leg = self.legs.get(slot as usize)?.as_ref()?;
        (leg.key() == key).then_some(slot)
    }

    fn leg_mut(&mut self, slot: u32) -> Option<&mut Leg> {
        self.legs.get_mut(slot as usize)?.as_deref_mut()
    }

    fn seeds(&mut self) -> Seeds {
        let (names, places) = (self.random.next(), self.random.next());
        Seeds {
            ssrc: (names >> 32) as u32,
            // RFC 3550 leaves the choice free; the lower half keeps the first wrap some minutes away.
            sequence: (places >> 32) as u16 & 0x7fff,
            timestamp: places as u32,
            cname: self.random.next(),
        }
    }
}

/// Sebastiano Vigna's SplitMix64: small, and good enough for numbers that need only be unlike one another.
#[derive(Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
