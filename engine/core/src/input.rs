//! Every way the world can touch the engine.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use media::control::MediaEvent;
use sip::{Flow, Message};

use crate::command::Command;

/// One thing that happened outside.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the usual one; a box would cost each message an allocation"
)]
pub enum Input {
    /// A message, parsed on the network side.
    Received {
        /// Where it came from, and by which of our addresses.
        flow: Flow,
        /// The message.
        message: Message,
    },
    /// A request whose header or meaning is at fault, found by the network side's parse.
    ///
    /// It is answered where it was found; the engine hears of it only to count it.
    Refused {
        /// The status it was answered with.
        status: u16,
    },
    /// Something could not be sent, or a connection broke.
    TransportFailed {
        /// The flow.
        flow: Flow,
    },
    /// News from a media thread.
    Media(MediaEvent),
    /// Somebody asks for something.
    Command(Command),
    /// The addresses of a host name, in the resolver's order; empty when it has none.
    LookupDone {
        /// The name that [`Output::Lookup`](crate::Output::Lookup) asked for.
        name: String,
        /// What it resolves to.
        addresses: Vec<IpAddr>,
    },
    /// A source is not heard for a while; readers are told.
    SourceBanned {
        /// Its address.
        address: IpAddr,
        /// For how long, in seconds.
        seconds: u64,
        /// What for.
        why: String,
    },
    /// How full the daemon's output queues are.
    Pressure(Pressure),
    /// Entries of the journal were lost: a checkpoint makes that good, for a restart begins at the last one.
    CheckpointWanted,
}

/// Whether new work is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// All is well.
    Normal,
    /// An output queue is half full: new calls get a stateless 503, but for emergency numbers; calls in progress go on.
    Shedding,
}
