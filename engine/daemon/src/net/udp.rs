//! Datagrams: a thread that reads for each socket; what leaves is sent by the engine's thread.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::io::Errno;
use rustix::net::{SendFlags, sendto};
use sip::{Flow, Message, Transport};
use socket2::{Domain, Protocol, Socket, Type};

use super::NoWay;
use super::intake::{Intake, Left};
use super::listen::advertised;

/// Some seconds of a burst; the kernel takes less where it is told to (`net.core.rmem_max`).
const BUFFER_BYTES: usize = 4 << 20;
/// The longest datagram there is.
const DATAGRAM_MAX: usize = 65_536;
/// How long a reader rests after an error, so that a broken socket does not fill the log and a core.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// A bound socket.
#[derive(Debug, Clone)]
pub(crate) struct Udp {
    socket: Arc<UdpSocket>,
    /// Where it is bound.
    pub(crate) bound: SocketAddr,
    /// The address others see.
    pub(crate) advertised: SocketAddr,
}

impl Udp {
    /// Binds a socket; port 0 lets the system choose.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_recv_buffer_size(BUFFER_BYTES)?;
        socket.set_send_buffer_size(BUFFER_BYTES)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from(socket);
        let bound = socket.local_addr()?;
        Ok(Self {
            socket: Arc::new(socket),
            bound,
            advertised: advertised(bound),
        })
    }

    /// Starts the thread that reads; it ends with the process.
    pub(crate) fn start(&self, intake: Intake) -> io::Result<()> {
        let reader = Reader {
            udp: self.clone(),
            intake,
        };
        let thread = std::thread::Builder::new().name(format!("udp-{}", self.bound.port()));
        thread.spawn(move || reader.run()).map(drop)
    }

    /// Sends a datagram; never waits.
    fn send(&self, payload: &[u8], to: SocketAddr) -> Result<(), Errno> {
        sendto(&*self.socket, payload, SendFlags::DONTWAIT, &to).map(drop)
    }
}

struct Reader {
    udp: Udp,
    intake: Intake,
}

impl Reader {
    fn run(self) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        loop {
            match self.udp.socket.recv_from(&mut buffer) {
                Ok((length, remote)) => self.take(buffer.get(..length).unwrap_or_default(), remote),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!(socket = %self.udp.bound, %error, "a datagram cannot be received");
                    std::thread::sleep(AFTER_ERROR);
                }
            }
        }
    }

    fn take(&self, datagram: &[u8], remote: SocketAddr) {
        self.intake.counters.datagrams_received.add();
        let now = Instant::now();
        if !self.intake.is_read(remote, datagram, now) {
            return;
        }
        let flow = Flow {
            transport: Transport::Udp,
            local: self.udp.advertised,
            remote,
            connection: None,
        };
        let left = match Message::parse(Bytes::copy_from_slice(datagram)) {
            Ok(message) => self.intake.take(flow, message, now),
            Err(fault) => {
                let answer = self.intake.answer_fault(&flow, datagram, &fault);
                answer.map_or(Left::Nothing, Left::Answer)
            }
        };
        match left {
            Left::Nothing => {}
            Left::First(input) => self.intake.lanes.first(input),
            Left::Answer(answer) => match self.udp.send(&answer, remote) {
                Ok(()) => self.intake.counters.datagrams_sent.add(),
                Err(_) => self.intake.counters.datagrams_unsent.add(),
            },
        }
    }
}

/// The sockets as the engine's thread sends by them.
#[derive(Debug)]
pub(crate) struct Senders {
    pub(crate) sockets: Vec<Udp>,
    pub(crate) counters: Arc<super::counters::Counters>,
}

impl Senders {
    /// Sends a datagram from our end of the flow; never waits. What the kernel has no room for is lost, as a network
    /// would lose it.
    pub(crate) fn send(&self, flow: &Flow, payload: &[u8]) -> Result<(), NoWay> {
        let socket = self.socket(flow).ok_or(NoWay)?;
        match socket.send(payload, flow.remote) {
            Ok(()) => self.counters.datagrams_sent.add(),
            Err(Errno::AGAIN | Errno::NOBUFS | Errno::INTR) => self.counters.datagrams_unsent.add(),
            Err(error) => {
                tracing::debug!(to = %flow.remote, %error, "a datagram cannot be sent");
                return Err(NoWay);
            }
        }
        Ok(())
    }

    /// The flow's own socket; where there is none (its address was another before a restart), one of its family.
    fn socket(&self, flow: &Flow) -> Option<&Udp> {
        let own = self.sockets.iter().find(|udp| udp.advertised == flow.local);
        own.or_else(|| {
            self.sockets
                .iter()
                .find(|udp| udp.bound.is_ipv4() == flow.remote.is_ipv4())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::counters::Counters;

    fn senders(addresses: &[&str]) -> Senders {
        let sockets = addresses
            .iter()
            .map(|address| Udp::bind(address.parse().unwrap()).unwrap())
            .collect();
        Senders {
            sockets,
            counters: Arc::new(Counters::default()),
        }
    }

    fn flow(local: SocketAddr, remote: SocketAddr) -> Flow {
        Flow {
            transport: Transport::Udp,
            local,
            remote,
            connection: None,
        }
    }

    #[test]
    fn e2e_datagrams_leave_by_the_socket_of_their_flow() {
        let senders = senders(&["127.0.0.1:0", "127.0.0.2:0"]);
        let peer = UdpSocket::bind("127.0.0.3:0").unwrap();
        let to = peer.local_addr().unwrap();
        let gone = "127.0.0.9:5060".parse().unwrap();
        for (name, local, from) in [
            (
                "the second",
                senders.sockets[1].bound,
                senders.sockets[1].bound,
            ),
            ("one that is no more", gone, senders.sockets[0].bound),
        ] {
            senders.send(&flow(local, to), b"hello").unwrap();
            let mut buffer = [0; 16];
            let (length, source) = peer.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..length], source), (&b"hello"[..], from), "{name}");
        }
        assert_eq!(senders.counters.datagrams_sent.count(), 2);
    }

    #[test]
    fn e2e_what_cannot_leave_is_said_at_once() {
        let senders = senders(&["127.0.0.1:0"]);
        let local = senders.sockets[0].bound;
        let other_family = "[::1]:5060".parse().unwrap();
        assert_eq!(senders.send(&flow(local, other_family), b"x"), Err(NoWay));
        let too_long = vec![0; 70_000];
        assert_eq!(senders.send(&flow(local, local), &too_long), Err(NoWay));
    }
}
