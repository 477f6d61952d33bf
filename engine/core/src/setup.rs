//! What an engine is made with.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use config::{DialNumber, EntryId, Snapshot};
use media::control::ClipId;
use sip::Transport;

/// What an engine is made with.
#[derive(Debug)]
pub struct Setup {
    /// This node, 0 to 255.
    pub node: u8,
    /// How often this node has started, from 1.
    pub incarnation: u32,
    /// The daemon's version, for the journal.
    pub version: String,
    /// Settings and centre.
    pub snapshot: Arc<Snapshot>,
    /// The numbers of the directory entries that mark VIPs; later changes come as [`SetVips`](crate::CommandBody::SetVips).
    pub vips: BTreeMap<EntryId, Vec<DialNumber>>,
    /// Where we listen, and by which address others see us.
    pub listen: Vec<Listen>,
    /// Seeds of the streams of randomness.
    pub seeds: Seeds,
    /// The key of our digest nonces; the same over restarts.
    pub nonce_key: [u8; 32],
    /// Clips the media threads hold, by name.
    pub clips: BTreeMap<String, ClipId>,
}

/// One address SIP is spoken at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// UDP or TCP.
    pub transport: Transport,
    /// The address that goes into Via and Contact, with the port that was bound.
    pub address: SocketAddr,
}

/// Seeds of the streams of randomness. Choices by lot need none: they follow from the incarnation.
#[derive(Clone, Copy)]
pub struct Seeds {
    /// Call-IDs and SDP session ids: must not repeat, need not be secret.
    pub ids: [u8; 32],
    /// Tags and branches: from the operating system, never journalled, never traced.
    pub secrets: [u8; 32],
}

impl core::fmt::Debug for Seeds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seeds")
    }
}
