//! The far end of a leg, once SDP has named it: whose packets are taken, what they carry, where ours go.

use core::net::SocketAddr;

use crate::codec::Codec;
use crate::control::RemoteMedia;
use crate::latch::{Latch, Verdict};
use crate::rtp::Header;

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// A frame of this codec.
    Sound(Codec),
    /// A telephone event.
    Event,
    /// A type that was not agreed, or nothing at all.
    Unknown,
}

/// The far end, once SDP has named it.
#[derive(Debug)]
pub(super) struct Far {
    pub(super) remote: RemoteMedia,
    pub(super) latch: Latch,
    pub(super) send: bool,
    pub(super) receive: bool,
}

impl Far {
    pub(super) fn judge(&mut self, source: Option<SocketAddr>, ssrc: u32) -> Verdict {
        match source {
            Some(source) => self.latch.handle_packet(source, ssrc),
            None if self.latch.fixed().is_some() => Verdict::Peer,
            None => Verdict::Stranger,
        }
    }

    /// What the peer sent. The static types mean what they mean even when another codec was agreed.
    pub(super) fn payload(&self, header: &Header) -> Payload {
        if header.payload.is_empty() {
            return Payload::Unknown;
        }
        if header.payload_type == self.remote.payload_type_receive {
            return Payload::Sound(self.remote.codec);
        }
        if self
            .remote
            .telephone_event
            .is_some_and(|types| types.receive == header.payload_type)
        {
            return Payload::Event;
        }
        Codec::from_static_payload_type(header.payload_type)
            .map_or(Payload::Unknown, Payload::Sound)
    }

    pub(super) fn payload_type_for(&self, payload: Payload) -> Option<u8> {
        match payload {
            Payload::Sound(_) => Some(self.remote.payload_type_send),
            Payload::Event => self.remote.telephone_event.map(|types| types.send),
            Payload::Unknown => None,
        }
    }

    pub(super) fn is_muxed(&self) -> bool {
        self.remote.rtcp == self.remote.rtp
    }

    pub(super) fn rtcp_destination(&self, source: Option<SocketAddr>) -> Option<SocketAddr> {
        let rtp = self.latch.destination()?;
        if self.is_muxed() {
            return Some(rtp);
        }
        // Behind NAT the port is a guess until a report has come, as it is for RTP.
        let guess = Latch::new(self.remote.latch, self.remote.rtcp);
        source.or_else(|| guess.destination())
    }
}
