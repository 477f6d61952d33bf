//! The sockets of one worker, by slot.
//!
//! A pair is bound when it goes into stock, watched from when its leg opens, closed with it. While its source is not
//! fixed, an RTP socket takes packets of everybody and says from where; once fixed it is connected, and the kernel
//! drops strangers and finds it faster. RTCP sockets are never connected, as a report comes every five seconds only.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};

use media::control::{PortPair, WorkerId};
use media::relay::Transmit;
use media::rtp::PACKET_LEN_MAX;
use rustix::event::epoll;
use socket2::{Domain, Protocol, Socket, Type};

/// A socket's receive buffer: some seconds of sound, for a thread that is late.
const RECEIVE_BUFFER: usize = 64 * 1024;

/// Datagrams thrown away at most when a pair is opened; more than the receive buffer holds.
const STALE_MAX: usize = 4096;

/// Expedited forwarding (RFC 3246, RFC 4594 §4.1) in the place it has in the TOS octet.
const EXPEDITED: u32 = 46 << 2;

/// Tells the bell from a socket in epoll's answers.
const BELL: u64 = u64::MAX;

/// What epoll has for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    /// Somebody rang.
    Bell,
    /// The RTP socket of a slot.
    Rtp(u32),
    /// The RTCP socket of a slot.
    Rtcp(u32),
}

/// The sockets of one worker.
#[derive(Debug)]
pub(crate) struct Sockets {
    epoll: OwnedFd,
    places: Places,
    pairs: Vec<Option<Pair>>,
    unsent: u64,
}

/// Where the slots of a worker lie in the range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    pub(crate) worker: WorkerId,
    pub(crate) address: IpAddr,
    /// The RTP port of slot 0 of worker 0; even.
    pub(crate) first_port: u16,
    /// How many pairs the range has for all workers.
    pub(crate) pairs: u32,
    pub(crate) workers: u16,
}

#[derive(Debug)]
struct Pair {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    open: bool,
    filter: Filter,
}

/// Whose packets an RTP socket takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    Everybody,
    /// One source, but packets of others may still wait from before.
    Settling,
    /// One source.
    One,
}

impl Places {
    /// How many slots the worker has: the pairs of the range go round the workers.
    pub(crate) fn slots(&self) -> u32 {
        let (workers, own) = (u32::from(self.workers), u32::from(self.worker.0));
        self.pairs.saturating_sub(own).div_ceil(workers)
    }

    /// Where a slot's RTP port is.
    pub(crate) fn pair(&self, slot: u32) -> PortPair {
        let index = slot * u32::from(self.workers) + u32::from(self.worker.0);
        // Within the range, which ends at 65535, for every slot below `slots`.
        let port = u16::try_from(u32::from(self.first_port) + 2 * index).unwrap_or(0);
        PortPair {
            worker: self.worker,
            slot,
            rtp: SocketAddr::new(self.address, port),
        }
    }
}

impl Sockets {
    /// No sockets yet, but the bell.
    pub(crate) fn new(places: Places, bell: impl AsFd) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            bell,
            epoll::EventData::new_u64(BELL),
            epoll::EventFlags::IN,
        )?;
        let pairs = (0..places.slots()).map(|_| None).collect();
        Ok(Self {
            epoll,
            places,
            pairs,
            unsent: 0,
        })
    }

    /// Binds both ports of a slot, for the stock.
    pub(crate) fn bind(&mut self, slot: u32) -> io::Result<PortPair> {
        let ports = self.places.pair(slot);
        let (rtp, rtcp) = (bind(ports.rtp)?, bind(ports.rtcp())?);
        if let Some(place) = self.pairs.get_mut(slot as usize) {
            *place = Some(Pair {
                rtp,
                rtcp,
                open: false,
                filter: Filter::Everybody,
            });
        }
        Ok(ports)
    }

    /// Throws away what waits in the sockets and watches them from now on; false unless they are in stock.
    pub(crate) fn open(&mut self, ports: &PortPair) -> bool {
        if self.places.pair(ports.slot) != *ports {
            return false;
        }
        let Some(pair) = self
            .pairs
            .get_mut(ports.slot as usize)
            .and_then(Option::as_mut)
        else {
            return false;
        };
        if pair.open {
            return false;
        }
        for (socket, data) in [
            (&pair.rtp, data(ports.slot, false)),
            (&pair.rtcp, data(ports.slot, true)),
        ] {
            discard(socket);
            if let Err(fault) = epoll::add(&self.epoll, socket, data, epoll::EventFlags::IN) {
                tracing::error!(%fault, port = ports.rtp.port(), "cannot watch a media socket");
                return false;
            }
        }
        pair.open = true;
        true
    }

    /// Closes both sockets; true when they were open, `None` when there were none.
    pub(crate) fn close(&mut self, slot: u32) -> Option<bool> {
        let pair = self.pairs.get_mut(slot as usize)?.take()?;
        Some(pair.open)
    }

    /// Whether the slot is in stock.
    pub(crate) fn is_stocked(&self, ports: &PortPair) -> bool {
        let pair = self.pairs.get(ports.slot as usize).and_then(Option::as_ref);
        pair.is_some_and(|pair| !pair.open) && self.places.pair(ports.slot) == *ports
    }

    /// Takes packets of one source only.
    pub(crate) fn pin(&mut self, slot: u32, source: SocketAddr) {
        let Some(pair) = self.pair_mut(slot) else {
            return;
        };
        match pair.rtp.connect(source) {
            Ok(()) => pair.filter = Filter::Settling,
            // The relay judges each packet as before; it only costs more.
            Err(fault) => tracing::debug!(%fault, %source, "cannot connect a media socket"),
        }
    }

    /// Takes packets of everybody.
    pub(crate) fn unpin(&mut self, slot: u32) {
        let Some(pair) = self.pair_mut(slot) else {
            return;
        };
        if pair.filter == Filter::Everybody {
            return;
        }
        match rustix::net::connect_unspec(&pair.rtp) {
            Ok(()) => pair.filter = Filter::Everybody,
            Err(fault) => tracing::warn!(%fault, slot, "cannot disconnect a media socket"),
        }
    }

    /// Waits until a socket or the bell has something, at most for `timeout`.
    pub(crate) fn wait(
        &self,
        timeout: Option<std::time::Duration>,
        ready: &mut Vec<epoll::Event>,
    ) -> rustix::io::Result<()> {
        let timeout = timeout.map(timespec);
        ready.clear();
        epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(ready),
            timeout.as_ref(),
        )
        .map(|_| ())
    }

    /// What an answer of epoll means.
    pub(crate) fn ready(event: &epoll::Event) -> Ready {
        match event.data.u64() {
            BELL => Ready::Bell,
            data if data & 1 == 1 => Ready::Rtcp((data >> 1) as u32),
            data => Ready::Rtp((data >> 1) as u32),
        }
    }

    /// The next datagram of an RTP socket, and its source where the kernel does not vouch for it.
    pub(crate) fn receive_rtp(&mut self, slot: u32, buffer: &mut Buffer) -> Received {
        let Some(pair) = self.pair_mut(slot) else {
            return Received::Nothing;
        };
        if pair.filter == Filter::One {
            return received(pair.rtp.recv(&mut buffer.0), |len| (len, None));
        }
        let got = received(pair.rtp.recv_from(&mut buffer.0), |(len, source)| {
            (len, Some(source))
        });
        if got == Received::Nothing && pair.filter == Filter::Settling {
            pair.filter = Filter::One;
        }
        got
    }

    /// Whether strangers' packets from before connecting may wait: then the socket is to be emptied at once.
    pub(crate) fn is_settling(&self, slot: u32) -> bool {
        let pair = self.pairs.get(slot as usize).and_then(Option::as_ref);
        pair.is_some_and(|pair| pair.filter == Filter::Settling)
    }

    /// The next datagram of an RTCP socket.
    pub(crate) fn receive_rtcp(&mut self, slot: u32, buffer: &mut Buffer) -> Received {
        let Some(pair) = self.pair_mut(slot) else {
            return Received::Nothing;
        };
        received(pair.rtcp.recv_from(&mut buffer.0), |(len, source)| {
            (len, Some(source))
        })
    }

    /// Packets the kernel would not take.
    pub(crate) fn unsent(&self) -> u64 {
        self.unsent
    }

    fn pair_mut(&mut self, slot: u32) -> Option<&mut Pair> {
        self.pairs.get_mut(slot as usize)?.as_mut()
    }

    fn note_sent(&mut self, sent: io::Result<usize>) {
        // Refused means that a packet before found nobody at home; a full buffer, that nobody carries them away.
        if sent.is_err() {
            self.unsent += 1;
        }
    }
}

impl Transmit for Sockets {
    fn send_rtp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]) {
        let Some(pair) = self.pairs.get(slot as usize).and_then(Option::as_ref) else {
            return;
        };
        let sent = match pair.filter {
            Filter::Everybody => pair.rtp.send_to(packet, to),
            // Connected to the fixed source, which is where the relay sends.
            Filter::Settling | Filter::One => pair.rtp.send(packet),
        };
        self.note_sent(sent);
    }

    fn send_rtcp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]) {
        let Some(pair) = self.pairs.get(slot as usize).and_then(Option::as_ref) else {
            return;
        };
        let sent = pair.rtcp.send_to(packet, to);
        self.note_sent(sent);
    }
}

/// Room for one datagram.
#[derive(Debug)]
pub(crate) struct Buffer(pub(crate) [u8; PACKET_LEN_MAX]);

/// What a socket had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// So many octets, from there.
    Packet(usize, Option<SocketAddr>),
    /// A fault that was reported instead of a packet, or a datagram too large to be sound; there may be more.
    Fault,
    /// Nothing.
    Nothing,
}

fn received<T>(
    got: io::Result<T>,
    parts: impl FnOnce(T) -> (usize, Option<SocketAddr>),
) -> Received {
    match got.map(parts) {
        Ok((len, source)) if len < PACKET_LEN_MAX => Received::Packet(len, source),
        Ok(_) => Received::Fault,
        Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => Received::Nothing,
        // An ICMP message about a packet of ours (port unreachable): the peer is not up yet, or no longer.
        Err(_) => Received::Fault,
    }
}

/// Binds one UDP socket as media wants it.
///
/// # Errors
/// Whatever the kernel says, first of all that the port is taken.
pub(crate) fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM.nonblocking().cloexec(),
        Some(Protocol::UDP),
    )?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    let marked = if address.is_ipv4() {
        socket.set_tos_v4(EXPEDITED)
    } else {
        socket.set_tclass_v6(EXPEDITED)
    };
    if let Err(fault) = marked {
        tracing::debug!(%fault, "cannot mark media packets");
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn discard(socket: &UdpSocket) {
    let mut octet = [0];
    for _ in 0..STALE_MAX {
        match socket.recv_from(&mut octet) {
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => return,
            Ok(_) | Err(_) => {}
        }
    }
}

fn data(slot: u32, rtcp: bool) -> epoll::EventData {
    epoll::EventData::new_u64(u64::from(slot) << 1 | u64::from(rtcp))
}

/// A length of time as the kernel counts it.
pub(crate) fn timespec(time: std::time::Duration) -> rustix::event::Timespec {
    rustix::event::Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_pairs_of_the_range_go_round_the_workers() {
        let places = |worker| Places {
            worker: WorkerId(worker),
            address: Ipv4Addr::LOCALHOST.into(),
            first_port: 10_000,
            pairs: 5,
            workers: 2,
        };
        let ports = |worker| {
            let places = places(worker);
            (0..places.slots())
                .map(|slot| places.pair(slot).rtp.port())
                .collect::<Vec<_>>()
        };
        assert_eq!(ports(0), [10_000, 10_004, 10_008]);
        assert_eq!(ports(1), [10_002, 10_006]);
    }

    #[test]
    fn the_last_pair_may_end_at_the_last_port() {
        let places = Places {
            worker: WorkerId(0),
            address: Ipv4Addr::LOCALHOST.into(),
            first_port: 65_534,
            pairs: 1,
            workers: 1,
        };
        assert_eq!(places.pair(0).rtcp().port(), 65_535);
    }
}
