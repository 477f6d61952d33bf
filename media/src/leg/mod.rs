//! One leg's media: whom it hears, what it is sent, what it reports.
//!
//! Made when the engine opens a pair of ports, told its far end as often as SDP changes, ended by closing. A leg judges
//! the packets that come to it and hands the good ones to the [`Relay`](crate::relay::Relay), which knows the partner
//! they go to. What goes out, from the partner or from a clip, it makes one stream. Times of silence, reports and key
//! presses are looked at in rounds, not by a timer each.

mod far;
mod hearing;
mod reports;

use alloc::sync::Arc;
use core::net::SocketAddr;
use core::time::Duration;

use crate::clip::Clip;
use crate::codec::Codec;
use crate::control::{LegKey, LegStats, RemoteMedia};
use crate::dtmf::{DtmfReceiver, KeyPress};
use crate::incoming::{Arrival, Incoming};
use crate::latch::{Latch, Verdict};
use crate::outgoing::{Origin, Outgoing, Place};
use crate::player::Player;
use crate::rtcp::{self, REPORT_LEN_MAX, Report};
use crate::rtp::{HEADER_LEN, Header};
use far::Far;
use hearing::{Hearing, HearingState};
use reports::Reports;

pub use far::Payload;
pub use hearing::{LIFELESS, SILENCE};
pub use reports::REPORT_INTERVAL;

/// Packets of the peer taken between two rounds: far more than any sound needs. Keeps a flood, or two of our own ports
/// that somebody has named to each other, from taking a core.
const PACKETS_PER_ROUND_MAX: u32 = 500;

/// The random numbers a leg starts with.
#[derive(Debug, Clone, Copy)]
pub struct Seeds {
    /// Names our stream.
    pub ssrc: u32,
    /// Where it starts.
    pub sequence: u16,
    /// Where it starts.
    pub timestamp: u32,
    /// Names us.
    pub cname: u64,
}

/// One leg.
#[derive(Debug)]
pub struct Leg {
    key: LegKey,
    far: Option<Far>,
    incoming: Incoming,
    outgoing: Outgoing,
    dtmf: DtmfReceiver,
    hearing: Hearing,
    reports: Reports,
    /// Packets that may still be taken before the next round.
    allowance: u32,
    strangers: u64,
    dropped: u64,
    /// What plays to it.
    pub(crate) player: Option<(Origin, Player)>,
    /// The music that an announcement interrupted.
    music: Option<Player>,
    /// The slot of the leg it is bridged with.
    pub(crate) partner: Option<u32>,
}

/// A packet of the peer, judged.
#[derive(Debug, PartialEq, Eq)]
pub enum Judged {
    /// To be passed on.
    Taken(Taken),
    /// The peer's, but not to be passed on.
    Dropped,
    /// Not the peer's.
    Stranger,
}

/// A packet to pass on.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    /// What it says and where its payload lies.
    pub header: Header,
    /// What it carries.
    pub payload: Payload,
    /// Which of the peer's streams it belongs to.
    pub epoch: u32,
}

/// What a packet changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Noticed {
    /// The source that is fixed from now on.
    pub fixed: Option<SocketAddr>,
    /// The first packet, or the first after silence.
    pub heard: bool,
    /// A key was let go.
    pub pressed: Option<KeyPress>,
}

/// What a round brought up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Due {
    /// The source is learned anew from now on.
    pub relearn: bool,
    /// Somebody should know that nothing is heard.
    pub silent: bool,
    /// Somebody should find out whether the peer is still there.
    pub lifeless: bool,
    /// A key was let go, its end lost.
    pub pressed: Option<KeyPress>,
    /// Time for a report, see [`Leg::write_report`].
    pub report: bool,
}

impl Leg {
    /// A leg without a far end.
    pub fn new(now: Duration, key: LegKey, seeds: Seeds) -> Self {
        // Reports of legs opened together spread over half the interval.
        let spread = Duration::from_millis(seeds.cname % (REPORT_INTERVAL.as_millis() as u64 / 2));
        Self {
            key,
            far: None,
            incoming: Incoming::default(),
            outgoing: Outgoing::new(seeds.ssrc, seeds.sequence, seeds.timestamp),
            dtmf: DtmfReceiver::new(),
            hearing: Hearing {
                state: HearingState::Never,
                since: now,
                reported: now,
                ever: false,
            },
            reports: Reports::new(now + REPORT_INTERVAL / 2 + spread, seeds.cname),
            allowance: PACKETS_PER_ROUND_MAX,
            strangers: 0,
            dropped: 0,
            player: None,
            music: None,
            partner: None,
        }
    }

    /// Whose media this is.
    pub fn key(&self) -> LegKey {
        self.key
    }

    /// Takes a new far end; its source is learned from the start.
    pub fn set_remote(&mut self, now: Duration, remote: RemoteMedia, send: bool, receive: bool) {
        let latch = match self.far.take() {
            Some(mut far) => {
                far.latch.renew(remote.latch, remote.rtp);
                if !far.send {
                    self.outgoing.change_source();
                }
                far.latch
            }
            None => Latch::new(remote.latch, remote.rtp),
        };
        self.far = Some(Far {
            remote,
            latch,
            send,
            receive,
        });
        self.reports.source = None;
        self.hearing.since = now;
        if self.hearing.state == (HearingState::Silent { told: false }) {
            self.hearing.state = HearingState::Heard;
        }
    }

    /// The next packet out is of another source, whatever its origin says.
    pub(crate) fn change_source(&mut self) {
        self.outgoing.change_source();
    }

    /// Judges an RTP packet. `source` is `None` when the socket takes only the fixed source.
    pub fn handle_rtp(
        &mut self,
        now: Duration,
        source: Option<SocketAddr>,
        packet: &[u8],
    ) -> (Judged, Noticed) {
        let mut noticed = Noticed::default();
        let (Some(header), Some(far)) = (Header::parse(packet), self.far.as_mut()) else {
            self.strangers += 1;
            return (Judged::Stranger, noticed);
        };
        match far.judge(source, header.ssrc) {
            Verdict::Peer => {}
            Verdict::Fixed => noticed.fixed = far.latch.fixed(),
            Verdict::Unsure => {
                self.dropped += 1;
                return (Judged::Dropped, noticed);
            }
            Verdict::Stranger => {
                self.strangers += 1;
                return (Judged::Stranger, noticed);
            }
        }
        noticed.heard = self.hearing.handle_packet(now);
        let judged = self.take(now, header, packet, &mut noticed);
        if judged == Judged::Dropped {
            self.dropped += 1;
        }
        (judged, noticed)
    }

    /// Reads a report; `false` when it is none, or from somebody else.
    pub fn handle_rtcp(
        &mut self,
        now: Duration,
        source: Option<SocketAddr>,
        packet: &[u8],
    ) -> bool {
        let allowed = self.far.as_ref().is_some_and(|far| match source {
            // Reports that share the RTP port come from where RTP comes from.
            Some(source) if far.is_muxed() => far.latch.destination() == Some(source),
            Some(source) => {
                far.latch.allows_rtcp(source, far.remote.rtcp)
                    && self.reports.source.is_none_or(|known| known == source)
            }
            None => far.is_muxed() && far.latch.fixed().is_some(),
        });
        let parsed = if allowed {
            rtcp::parse(packet, self.outgoing.ssrc())
        } else {
            None
        };
        let Some(received) = parsed else {
            self.strangers += 1;
            return false;
        };
        self.reports.source = source.or(self.reports.source);
        self.reports.handle_received(now, &received);
        self.hearing.handle_report(now);
        true
    }

    /// Notes that a packet of the peer, taken before, reached nobody.
    pub fn note_unheard(&mut self) {
        self.dropped += 1;
    }

    /// Makes a partner's packet the next of ours: where to send what. `None` when it is not for this peer.
    pub fn relay<'a>(
        &mut self,
        now: Duration,
        slot: u32,
        taken: Taken,
        packet: &'a mut [u8],
    ) -> Option<(SocketAddr, &'a [u8])> {
        let Taken {
            mut header,
            payload,
            epoch,
        } = taken;
        let far = self
            .far
            .as_ref()
            .filter(|far| far.send && self.player.is_none());
        let origin = Origin::Leg { slot, epoch };
        let (far, to) = far.and_then(|far| Some((far, far.latch.destination()?)))?;
        let Some(payload_type) = far.payload_type_for(payload) else {
            self.outgoing.leave_out(origin);
            return None;
        };
        if let Payload::Sound(codec) = payload
            && let Some(table) = codec.translation_to(far.remote.codec)
        {
            translate(packet.get_mut(header.payload.clone())?, table);
        }
        let theirs = Place {
            sequence: header.sequence,
            timestamp: header.timestamp,
            marker: header.marker,
        };
        let place = self
            .outgoing
            .stamp(now, origin, theirs, header.payload.len())?;
        header.payload_type = payload_type;
        header.put(place, self.outgoing.ssrc());
        Some((to, header.write_before_payload(packet)?))
    }

    /// Plays `clip` instead of what plays. Music that a clip without repetition interrupted goes on where it was. True
    /// if nothing played.
    pub(crate) fn start_playing(&mut self, origin: Origin, clip: Arc<Clip>, repeat: bool) -> bool {
        let former = self.player.take();
        let is_new = former.is_none();
        if let Some((_, music)) = former.filter(|(_, former)| former.repeats()) {
            self.music = Some(music);
        }
        let interrupted = self.music.take_if(|music| repeat && music.plays(&clip));
        let player = interrupted.map_or_else(|| Player::new(clip, repeat), Player::resumed);
        self.player = Some((origin, player));
        is_new
    }

    /// Writes the next frame of what plays into `packet`: where to send how much. Also counts on while nothing is to
    /// be sent, so that a clip lasts as long as it lasts.
    pub fn play<'a>(&mut self, now: Duration, packet: &'a mut [u8]) -> Played<'a> {
        let codec = self
            .far
            .as_ref()
            .map_or(Codec::Pcmu, |far| far.remote.codec);
        let Some((origin, player)) = &mut self.player else {
            return Played::Ended;
        };
        let Some((frame, theirs)) = player.next_frame(codec) else {
            self.player = None;
            return Played::Ended;
        };
        let far = self.far.as_ref().filter(|far| far.send);
        let Some((far, to)) = far.and_then(|far| Some((far, far.latch.destination()?))) else {
            return Played::Unsent;
        };
        let Some(place) = self.outgoing.stamp(now, *origin, theirs, frame.len()) else {
            return Played::Unsent;
        };
        let end = HEADER_LEN + frame.len();
        let Some(payload) = packet.get_mut(HEADER_LEN..end) else {
            return Played::Unsent;
        };
        payload.copy_from_slice(frame);
        let mut header = Header::for_payload(HEADER_LEN..end, far.remote.payload_type_send);
        header.put(place, self.outgoing.ssrc());
        header
            .write_before_payload(packet)
            .map_or(Played::Unsent, |packet| Played::Frame(to, packet))
    }

    /// Looks at everything that time alone brings up.
    pub fn handle_round(&mut self, now: Duration) -> Due {
        let mut due = Due::default();
        self.allowance = PACKETS_PER_ROUND_MAX;
        if self
            .dtmf
            .poll_timeout()
            .is_some_and(|deadline| deadline <= now)
        {
            self.dtmf.handle_timeout(now);
            due.pressed = self.dtmf.poll_output();
        }
        if let Some(far) = &mut self.far {
            if self.hearing.is_newly_silent(now) {
                far.latch.relearn();
                self.reports.source = None;
                self.hearing.state = HearingState::Silent { told: far.receive };
                (due.relearn, due.silent) = (true, far.receive);
            }
            due.lifeless = far.receive && self.hearing.is_lifeless_again(now);
            if self.reports.next <= now {
                self.reports.next = now + REPORT_INTERVAL;
                due.report = true;
            }
        }
        due
    }

    /// Writes a report, the last one with a goodbye: where to send how much, and whether from the RTP port. `None`
    /// when there is nowhere to send it.
    pub fn write_report(
        &mut self,
        now: Duration,
        goodbye: bool,
        buffer: &mut [u8; REPORT_LEN_MAX],
    ) -> Option<(SocketAddr, usize, bool)> {
        let far = self.far.as_ref()?;
        let to = far.rtcp_destination(self.reports.source)?;
        let muxed = far.is_muxed();
        let report = Report {
            ssrc: self.outgoing.ssrc(),
            sender: self.reports.sender_info(now, &self.outgoing),
            block: self.reports.block(now, &mut self.incoming),
            cname: self.reports.cname,
            goodbye,
        };
        Some((to, report.write(buffer), muxed))
    }

    /// What went through.
    pub fn stats(&self) -> LegStats {
        let (jitter, jitter_max) = self.incoming.jitter();
        LegStats {
            packets_in: self.incoming.packets(),
            octets_in: self.incoming.octets(),
            packets_out: self.outgoing.packets(),
            octets_out: self.outgoing.octets(),
            lost: self.incoming.lost(),
            strangers: self.strangers,
            dropped: self.dropped,
            jitter,
            jitter_max,
            remote_fraction_lost: self.reports.remote_fraction_lost,
            round_trip: self.reports.round_trip,
            first_packet: self.incoming.first_packet(),
        }
    }

    fn take(
        &mut self,
        now: Duration,
        header: Header,
        packet: &[u8],
        noticed: &mut Noticed,
    ) -> Judged {
        let (Some(far), Some(allowance)) = (&self.far, self.allowance.checked_sub(1)) else {
            return Judged::Dropped;
        };
        self.allowance = allowance;
        let payload = far.payload(&header);
        match self
            .incoming
            .handle_packet(now, &header, matches!(payload, Payload::Sound(_)))
        {
            Arrival::Stale => return Judged::Dropped,
            Arrival::Begins => self.dtmf.reset(),
            Arrival::Continues => {}
        }
        if !far.receive {
            return Judged::Dropped;
        }
        if payload == Payload::Event {
            let event = packet.get(header.payload.clone()).unwrap_or_default();
            self.dtmf.handle_packet(now, header.timestamp, event);
        }
        noticed.pressed = self.dtmf.poll_output();
        Judged::Taken(Taken {
            header,
            payload,
            epoch: self.incoming.epoch(),
        })
    }
}

/// What became of a beat.
#[derive(Debug, PartialEq, Eq)]
pub enum Played<'a> {
    /// To be sent.
    Frame(SocketAddr, &'a [u8]),
    /// Nobody to send it to at the moment.
    Unsent,
    /// Nothing is left to play.
    Ended,
}

fn translate(payload: &mut [u8], table: &[u8; 256]) {
    for byte in payload {
        *byte = table[usize::from(*byte)];
    }
}
