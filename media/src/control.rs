//! The words the engine and the media threads say to each other.
//!
//! Commands go down to one worker each, events come up from all of them. Both name a leg by [`LegKey`]; whoever
//! reads one with a stale generation ignores it, so a command may cross an event on the way and nothing goes
//! wrong. The life of a leg on a worker:
//!
//! ```text
//! PortsReady -> (engine takes a pair, Open) -> SetRemote -> Bridge | Play ... -> Close -> Closed
//! ```
//!
//! A call lives on one worker: the engine takes the ports of its later legs from the worker of its first. How
//! the stock of ports is kept up stands with [`PortStock`](crate::stock::PortStock).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::clip::Clip;
use crate::codec::Codec;
use crate::dtmf::Key;

/// One leg's media in one of its lives.
///
/// `leg` is the engine's id of the leg. `generation` goes up when the engine opens media for the same leg again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegKey {
    /// The engine's id of the leg.
    pub leg: u64,
    /// Which life of its media; a lower one is stale.
    pub generation: u32,
}

/// A media thread, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u16);

/// A recording the workers hold ready for playing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClipId(pub u32);

/// A bound pair of ports: RTP on an even port, RTCP on the next (RFC 3550 §11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortPair {
    /// The thread that holds the sockets.
    pub worker: WorkerId,
    /// The pair's place in that worker's range.
    pub slot: u32,
    /// Where RTP is received.
    pub rtp: SocketAddr,
}

impl PortPair {
    /// Where RTCP is received: the port after RTP's.
    pub fn rtcp(&self) -> SocketAddr {
        let mut rtcp = self.rtp;
        rtcp.set_port(self.rtp.port().saturating_add(1));
        rtcp
    }
}

/// From where a leg's packets are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatchRule {
    /// The address of the peer's SDP. The port named there is heard at once; another, of a gateway that sends from
    /// elsewhere than it is sent to, after four packets.
    Signalled,
    /// Any port of this address: the source of the signalling, for a phone behind NAT. Packets to the phone go to
    /// the SDP's port at this address until the first four of its own have come.
    AnyPortOf(IpAddr),
}

/// The payload types of RFC 4733 events, which each side chooses for what it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTypes {
    /// What we put on events to the peer, 96 to 127.
    pub send: u8,
    /// What the peer puts on events to us, 96 to 127.
    pub receive: u8,
}

/// The far end of a leg, as SDP agreed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteMedia {
    /// Where its SDP wants RTP. Port 0 or an unspecified address: nowhere.
    pub rtp: SocketAddr,
    /// Where its SDP wants RTCP; equal to `rtp` when both share a port (RFC 5761).
    pub rtcp: SocketAddr,
    /// From where its packets may come.
    pub latch: LatchRule,
    /// The one codec agreed, both ways.
    pub codec: Codec,
    /// The payload type we send it with.
    pub payload_type_send: u8,
    /// The payload type it comes with.
    pub payload_type_receive: u8,
    /// `None`: the peer takes no telephone events.
    pub telephone_event: Option<EventTypes>,
    /// How much sound the peer wants in a packet, in milliseconds. Relayed packets keep the length they have.
    pub ptime_ms: u8,
}

/// What the engine tells a worker.
#[derive(Debug, Clone)]
pub enum MediaCommand {
    /// Binds `leg` to a pair of the stock. What waited in the sockets before is thrown away. When the pair is not
    /// in stock or the leg has a newer life already, the answer is [`MediaEvent::Closed`] with nothing in it.
    Open {
        /// The leg.
        leg: LegKey,
        /// A pair of this worker that no open leg has.
        ports: PortPair,
    },
    /// Names the far end, at first and after each new SDP or To-tag: the source is learned anew.
    SetRemote {
        /// The leg.
        leg: LegKey,
        /// The far end.
        remote: RemoteMedia,
        /// Whether we send to it: not while it holds us.
        send: bool,
        /// Whether we take sound from it: not while we hold it.
        receive: bool,
    },
    /// Relays each of the two legs to the other. Ends what plays on either and any former bridge of either.
    Bridge {
        /// One leg.
        a: LegKey,
        /// The other, on the same worker.
        b: LegKey,
    },
    /// Takes the leg and its partner apart.
    Unbridge {
        /// Either leg of the bridge.
        a: LegKey,
    },
    /// Plays to the leg, instead of what plays; a bridged leg hears the clip, not its partner. From its beginning, unless
    /// it is repeated and was last interrupted on this leg by a clip that is not: then it goes on where it was.
    Play {
        /// The leg.
        leg: LegKey,
        /// Which clip. An unknown one is answered by [`MediaEvent::ClipEnded`].
        clip: ClipId,
        /// Starts over at the end, until stopped.
        repeat: bool,
    },
    /// Ends what plays, without [`MediaEvent::ClipEnded`].
    StopPlay {
        /// The leg.
        leg: LegKey,
    },
    /// Hands a clip to the worker. Listeners of an older one with the same id hear that one to its end.
    AddClip {
        /// Its name from now on.
        id: ClipId,
        /// The sound, shared by all workers and listeners.
        clip: Arc<Clip>,
    },
    /// Takes a clip out again. Who listens hears it to its end, music until it is stopped; its memory goes with the last.
    RemoveClip {
        /// Its name until now.
        id: ClipId,
    },
    /// Ends the leg's media: sockets closed, ports at rest. Answered by [`MediaEvent::Closed`].
    Close {
        /// The leg.
        leg: LegKey,
    },
    /// Asks for `count` more pairs: see [`PortStock`](crate::stock::PortStock).
    Restock {
        /// How many.
        count: u32,
    },
    /// Gives back a pair that was never opened.
    GiveBack {
        /// The pair.
        ports: PortPair,
    },
}

/// What a worker tells the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaEvent {
    /// Bound pairs for the stock, at the start and after [`MediaCommand::Restock`].
    PortsReady(Vec<PortPair>),
    /// A pair was asked for and the worker has none left, not even a tired one. `PortsReady` follows by itself
    /// as soon as a leg is closed.
    PortsExhausted {
        /// Whose range is empty.
        worker: WorkerId,
    },
    /// The clip was played to its end, or could not be played at all.
    ClipEnded {
        /// The leg that listened.
        leg: LegKey,
    },
    /// A key was pressed (RFC 4733); said once, when it is let go.
    DtmfPressed {
        /// The leg it came from.
        leg: LegKey,
        /// Which key.
        key: Key,
        /// How long it was held, in milliseconds.
        duration_ms: u32,
    },
    /// Five seconds went by without a packet, while the leg is to receive.
    Silent {
        /// The leg.
        leg: LegKey,
    },
    /// Thirty seconds went by with neither a packet nor a report of a peer that had sent some, while the leg is to receive.
    /// Said again after each thirty more. It may be muted, or gone: that is for the signalling to find out.
    Lifeless {
        /// The leg.
        leg: LegKey,
    },
    /// Packets come: the first ever, or the first after [`MediaEvent::Silent`].
    Heard {
        /// The leg.
        leg: LegKey,
    },
    /// The leg's sockets are closed. The last event with this key.
    Closed {
        /// The leg.
        leg: LegKey,
        /// What it was like; boxed, as it is larger than all the others.
        stats: alloc::boxed::Box<LegStats>,
    },
}

/// What went through a leg, for its call record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LegStats {
    /// RTP packets from the peer, latched ones only.
    pub packets_in: u64,
    /// Their payload octets, headers not counted (RFC 3550 §6.4.1).
    pub octets_in: u64,
    /// RTP packets to the peer.
    pub packets_out: u64,
    /// Their payload octets.
    pub octets_out: u64,
    /// Packets that should have come and did not (RFC 3550 §A.3), over all sources.
    pub lost: u64,
    /// Packets from third parties, and ones that are not RTP; dropped.
    pub strangers: u64,
    /// Packets dropped for another reason: unknown payload type, not to be received, nobody to relay to.
    pub dropped: u64,
    /// Interarrival jitter of the last source at the end (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// The greatest jitter seen.
    pub jitter_max: Duration,
    /// The share of our packets that the peer says it lost, in 1/256, from its last report.
    pub remote_fraction_lost: Option<u8>,
    /// Round-trip time by the peer's last report (RFC 3550 §6.4.1).
    pub round_trip: Option<Duration>,
    /// When the first packet of the peer came, on the daemon's clock.
    pub first_packet: Option<Duration>,
}
