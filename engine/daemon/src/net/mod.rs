//! The network side: bytes become messages here, and go into the engine's lanes.
//!
//! What cannot be read is counted, answered where it can be, and dropped here, so that the engine never sees it.
//! UDP sockets have a thread each, which blocks in `recv` and so leaves a burst in the kernel's buffer when the engine
//! is behind; connections are tasks of the runtime. What leaves is sent by the engine's thread: a datagram at
//! once, a stream's bytes through the bounded queue of its connection.
//!
//! - [`lanes`]: the bounded queues between here and the engine.
//! - [`intake`]: which lane, or which answer without state.
//! - [`strangers`]: how much somebody nobody knows may ask for; [`bans`]: who is not heard at all for a while.
//! - [`udp`], [`tcp`]: sockets. [`listen`]: which ones, and by which address others see them.
//! - [`connections`]: all that are open, whatever is spoken over them: [`stream`]s, or a [`websocket`].
//! - [`tls`]: certificates, and [`peers`]: whose are expected where.

pub(crate) mod bans;
pub(crate) mod bell;
pub(crate) mod connections;
pub(crate) mod counters;
pub(crate) mod intake;
pub(crate) mod lanes;
pub(crate) mod listen;
pub(crate) mod peers;
pub(crate) mod strangers;
mod stream;
pub(crate) mod tcp;
pub(crate) mod tls;
pub(crate) mod udp;
pub(crate) mod websocket;

use bytes::Bytes;
use sip::{Flow, Transport};

/// All ways out.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) udp: udp::Senders,
    pub(crate) connections: connections::Connections,
}

/// A message that cannot leave that way; its transaction is told at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoWay;

impl Network {
    /// Sends a message; never waits.
    pub(crate) fn send(&self, flow: &Flow, payload: Bytes) -> Result<(), NoWay> {
        match flow.transport {
            Transport::Udp => self.udp.send(flow, &payload),
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                self.connections.send(flow, payload)
            }
        }
    }
}
