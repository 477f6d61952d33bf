//! [`Wire`]: what goes over loopback, with the kernel's time for each packet.
//!
//! A load generator's clock says when it got round to a message; the kernel says when the message was there.

use std::collections::HashMap;
use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};

use socket2::{Domain, Protocol, Socket, Type};

/// IPv4, of linux/if_ether.h; the kernel wants it in network order.
const ETH_P_IP: u16 = 0x0800;
/// Music for hundreds goes by as well.
const BUFFER: usize = 32 << 20;
/// How often it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);
/// Enough of a message for its heads.
const HEADS: usize = 2_048;
/// Enough for a time.
const CONTROL: usize = 64;
const UDP: u8 = 17;

/// Listens until it is told to end.
#[derive(Debug)]
pub struct Wire {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<Duration>>>,
}

impl Wire {
    /// Listens to what goes between a centre and its phones. None without the right to listen (`CAP_NET_RAW`).
    ///
    /// # Errors
    ///
    /// If there can be no such socket.
    pub fn listen(centre: SocketAddrV4, phones: SocketAddrV4) -> Result<Option<Self>> {
        let protocol = Protocol::from(i32::from(ETH_P_IP.to_be()));
        let Ok(socket) = Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol)) else {
            return Ok(None);
        };
        socket.set_recv_buffer_size(BUFFER)?;
        socket.set_read_timeout(Some(LOOK))?;
        setsockopt(socket.as_raw_fd(), sockopt::ReceiveTimestampns, &true)?;
        let ends = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ends);
        let thread = spawn(move || {
            let mut reactions = Reactions::between(centre, phones);
            while !until.load(Ordering::Relaxed) {
                if let Some((at, packet)) = next(&socket)? {
                    reactions.sees(at, &packet);
                }
            }
            Ok(reactions.all)
        });
        Ok(Some(Self { ends, thread }))
    }

    /// From each BYE of a phone to the next INVITE at it.
    ///
    /// # Errors
    ///
    /// If listening failed.
    pub fn reactions(self) -> Result<Vec<Duration>> {
        self.ends.store(true, Ordering::Relaxed);
        let joined = self.thread.join();
        joined.map_err(|_| anyhow!("the listening thread is gone"))?
    }
}

/// The next packet and the kernel's time for it; none if there was none for a while.
fn next(socket: &Socket) -> Result<Option<(Duration, Vec<u8>)>> {
    let mut packet = vec![0; HEADS];
    let mut control = Vec::with_capacity(CONTROL);
    let (at, len) = {
        let mut parts = [IoSliceMut::new(&mut packet)];
        let message = recvmsg::<()>(
            socket.as_raw_fd(),
            &mut parts,
            Some(&mut control),
            MsgFlags::empty(),
        );
        let message = match message {
            Ok(message) => message,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(None),
            Err(fault) => return Err(fault.into()),
        };
        let mut at = message.cmsgs().filter_map(|control| {
            let ControlMessageOwned::ScmTimestampns(at) = control else {
                return None;
            };
            Some(Duration::from(at))
        });
        (at.next(), message.bytes)
    };
    packet.truncate(len);
    let at = at.context("the kernel gives no time")?;
    Ok(Some((at, packet)))
}

/// Who has hung up and is waited for.
#[derive(Debug)]
struct Reactions {
    centre: SocketAddrV4,
    phones: SocketAddrV4,
    /// By whom the phone is, since when it is free.
    free: HashMap<String, Duration>,
    all: Vec<Duration>,
}

impl Reactions {
    fn between(centre: SocketAddrV4, phones: SocketAddrV4) -> Self {
        Self {
            centre,
            phones,
            free: HashMap::new(),
            all: Vec::new(),
        }
    }

    fn sees(&mut self, at: Duration, packet: &[u8]) {
        let Some((from, to, message)) = datagram(packet) else {
            return;
        };
        if (from, to) == (self.phones, self.centre) && message.starts_with(b"BYE ") {
            if let Some(who) = address_in(message, "From:") {
                // One that is sent again was sent before.
                self.free.entry(who).or_insert(at);
            }
        } else if (from, to) == (self.centre, self.phones) && message.starts_with(b"INVITE ") {
            let since = address_in(message, "To:").and_then(|who| self.free.remove(&who));
            self.all.extend(since.map(|since| at.saturating_sub(since)));
        }
    }
}

/// The two ends and the payload of a UDP datagram in an IPv4 packet.
fn datagram(packet: &[u8]) -> Option<(SocketAddrV4, SocketAddrV4, &[u8])> {
    let (version, words) = (packet.first()? >> 4, packet.first()? & 0xf);
    let udp = packet.get(usize::from(words) * 4..)?;
    if version != 4 || *packet.get(9)? != UDP {
        return None;
    }
    let address = |at: usize| {
        let octets: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets))
    };
    let port = |at: usize| Some(u16::from_be_bytes(udp.get(at..at + 2)?.try_into().ok()?));
    let from = SocketAddrV4::new(address(12)?, port(0)?);
    let to = SocketAddrV4::new(address(16)?, port(2)?);
    Some((from, to, udp.get(8..)?))
}

/// What stands in angle brackets in the header of that name.
fn address_in(message: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(message);
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let (_, behind) = line.split_once('<')?;
    let (address, _) = behind.split_once('>')?;
    Some(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CENTRE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(127, 9, 0, 1), 5060);
    const PHONES: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(127, 9, 0, 3), 5080);

    fn packet(from: SocketAddrV4, to: SocketAddrV4, message: &str) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, UDP, 0, 0];
        packet.extend(from.ip().octets());
        packet.extend(to.ip().octets());
        packet.extend(from.port().to_be_bytes());
        packet.extend(to.port().to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(message.bytes());
        packet
    }

    #[test]
    fn an_invite_belongs_to_the_bye_of_the_same_phone() {
        let bye = |who| {
            format!("BYE sip:c SIP/2.0\r\nFrom: \"A\" <sip:{who}@x>;tag=1\r\nTo: <sip:c>\r\n")
        };
        let invite =
            |who| format!("INVITE sip:p SIP/2.0\r\nFrom: <sip:c>\r\nTo: <sip:{who}@x>\r\n");
        let mut reactions = Reactions::between(CENTRE, PHONES);
        let ms = Duration::from_millis;
        for (at, from, to, message) in [
            (5, CENTRE, PHONES, invite("ann")),
            (10, PHONES, CENTRE, bye("ann")),
            (11, PHONES, CENTRE, bye("bob")),
            (12, CENTRE, PHONES, invite("bob")),
            (510, PHONES, CENTRE, bye("ann")),
            (512, CENTRE, PHONES, invite("ann")),
            (513, CENTRE, PHONES, invite("ann")),
        ] {
            reactions.sees(ms(at), &packet(from, to, &message));
        }
        assert_eq!(reactions.all, [ms(1), ms(502)]);
    }

    #[test]
    fn what_is_no_datagram_is_passed_over() {
        let mut reactions = Reactions::between(CENTRE, PHONES);
        let whole = packet(PHONES, CENTRE, "BYE sip:c SIP/2.0\r\nFrom: <sip:a@x>\r\n");
        for len in 0..whole.len() {
            reactions.sees(Duration::ZERO, &whole[..len.min(44)]);
        }
        assert!(reactions.free.is_empty() && reactions.all.is_empty());
    }
}
