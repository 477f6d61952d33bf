//! What goes into a negotiation and what comes out of it: our side of the audio, and what both sides agreed.

use super::Direction;
use crate::codec::Codec;
use crate::control::EventTypes;
use alloc::vec::Vec;
use core::net::SocketAddr;

/// Our side of a leg's audio, as it is to be told to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalMedia {
    /// Where we receive RTP, as the peer reaches it. RTCP is one port above.
    pub rtp: SocketAddr,
    /// The codecs allowed, at least one, the preferred one first. Put that of the call's other leg first, and nothing is translated.
    pub codecs: Vec<Codec>,
    /// What we wish: `SendOnly` to hold the peer with music, `Inactive` without.
    pub direction: Direction,
    /// Whether key presses may come as RFC 4733 events.
    pub telephone_event: bool,
    /// Whether RTCP may share RTP's port (RFC 5761).
    pub rtcp_mux: bool,
}

impl LocalMedia {
    /// The usual: both ways, every codec, telephone events, RTCP on its own port.
    pub fn new(rtp: SocketAddr) -> Self {
        Self {
            rtp,
            codecs: Codec::ALL.to_vec(),
            direction: Direction::SendRecv,
            telephone_event: true,
            rtcp_mux: false,
        }
    }
}

/// What both sides agreed: how to send and what to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgreedAudio {
    /// Where the peer wants RTP. An unspecified address while it holds us in the way of RFC 2543; `direction` then
    /// sends nothing.
    pub remote_rtp: SocketAddr,
    /// Where the peer wants RTCP: one port above, what its `a=rtcp` says, or with RTP.
    pub remote_rtcp: SocketAddr,
    /// RTCP shares RTP's port, both ways.
    pub rtcp_mux: bool,
    /// What we send, and what the peer is expected to send.
    pub codec: Codec,
    /// The payload type we send it with, chosen by the peer.
    pub send_payload_type: u8,
    /// The payload type it comes with.
    pub receive_payload_type: u8,
    /// Another codec the peer may switch to without asking, and the payload type it would come with. Only a peer that
    /// answered us with several may; our answers name one codec.
    pub alternative: Option<(u8, Codec)>,
    /// The payload types of key presses, if they come as events.
    pub telephone_event: Option<EventTypes>,
    /// How much sound the peer wants in a packet, 10 to 60 ms.
    pub ptime_ms: u8,
    /// Who sends and receives, from our side. `RecvOnly` or `Inactive` where we wished to send: the peer holds us.
    pub direction: Direction,
}
