//! `rtp_load SECONDS < LINES`: RTP from and to many phones, and what became of it.
//!
//! A line is `LOCAL_IP LOCAL_PORT REMOTE_IP REMOTE_PORT`, one for each phone. Each sends 172 octets of G.711 to the
//! remote address every 20 ms, evenly staggered over all of them. The payload carries the time of sending, so that what
//! comes back through a relay tells how long it took. Loopback only.
//!
//! `rtp_load sink < LINES`: the phones are only there, and nobody reads what comes, until the program is ended.

use std::io::{BufRead as _, stdin};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use benches::ports;
use benches::spread::Spread;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::net::{RecvFlags, SendFlags, recv, sendto};
use socket2::{Domain, Socket, Type};

const TIME_MAX: Duration = Duration::from_secs(300);
const PTIME: Duration = Duration::from_millis(20);
const BUFFER: usize = 1 << 20;
const EVENTS: usize = 256;
/// Packets on their way may come for so long.
const DRAIN: Duration = Duration::from_millis(300);
const PACKET: usize = 172;
const MARK: &[u8] = b"TSTP";

fn main() -> Result<()> {
    let seconds = std::env::args()
        .nth(1)
        .context("usage: rtp_load SECONDS|sink < LINES")?;
    let mut phones = Vec::new();
    for line in stdin().lock().lines() {
        let (here, there) = ports::parse_line(&line?).context("no address in a line")?;
        phones.push(Phone::new(here, there, phones.len())?);
    }
    ensure!(!phones.is_empty(), "nobody to send");
    if seconds == "sink" {
        std::thread::sleep(TIME_MAX);
        return Ok(());
    }
    let time = Duration::from_secs(seconds.parse()?).min(TIME_MAX);
    let mut load = Load::new(phones)?;
    load.run(time)?;
    load.report();
    Ok(())
}

struct Phone {
    socket: Socket,
    remote: SocketAddr,
    packet: [u8; PACKET],
    sequence: u16,
    timestamp: u32,
    received: u64,
}

impl Phone {
    fn new(here: SocketAddr, remote: SocketAddr, number: usize) -> Result<Self> {
        ensure!(
            here.ip().is_loopback() && remote.ip().is_loopback(),
            "loopback only"
        );
        let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking(), None)?;
        socket.set_recv_buffer_size(BUFFER)?;
        socket
            .bind(&here.into())
            .with_context(|| here.to_string())?;
        let mut packet = [0xd5; PACKET];
        packet[..2].copy_from_slice(&[0x80, 0]);
        packet[8..12].copy_from_slice(&(0x1_0000 + number as u32).to_be_bytes());
        packet[12..16].copy_from_slice(MARK);
        Ok(Self {
            socket,
            remote,
            packet,
            sequence: 0,
            timestamp: 0,
            received: 0,
        })
    }

    /// Sends the next packet; false if the kernel would not take it.
    fn send(&mut self, since: Instant) -> bool {
        self.packet[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        self.packet[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
        let sent = since.elapsed().as_nanos() as u64;
        self.packet[16..24].copy_from_slice(&sent.to_ne_bytes());
        sendto(&self.socket, &self.packet, SendFlags::empty(), &self.remote).is_ok()
    }
}

struct Load {
    phones: Vec<Phone>,
    epoll: rustix::fd::OwnedFd,
    since: Instant,
    sent: u64,
    unsent: u64,
    late_us: Vec<f64>,
}

impl Load {
    fn new(phones: Vec<Phone>) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (index, phone) in (0..).zip(&phones) {
            epoll::add(
                &epoll,
                &phone.socket,
                epoll::EventData::new_u64(index),
                epoll::EventFlags::IN,
            )?;
        }
        Ok(Self {
            phones,
            epoll,
            since: Instant::now(),
            sent: 0,
            unsent: 0,
            late_us: Vec::new(),
        })
    }

    fn run(&mut self, time: Duration) -> Result<()> {
        let gap = PTIME / self.phones.len() as u32;
        let mut events = Vec::with_capacity(EVENTS);
        let at_most = Timespec {
            tv_sec: 0,
            tv_nsec: 1_000_000,
        };
        self.since = Instant::now();
        let mut next = 0_u32;
        loop {
            let elapsed = self.since.elapsed();
            if elapsed >= time + DRAIN {
                return Ok(());
            }
            while elapsed < time && gap * next <= elapsed {
                let index = next as usize % self.phones.len();
                let taken = self.phones[index].send(self.since);
                self.sent += u64::from(taken);
                self.unsent += u64::from(!taken);
                next += 1;
            }
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&at_most))?;
            for event in &events {
                self.receive(event.data.u64() as usize);
            }
        }
    }

    fn receive(&mut self, index: usize) {
        let mut buffer = [0; 2048];
        let phone = &mut self.phones[index];
        while let Ok((length, _)) = recv(&phone.socket, &mut buffer[..], RecvFlags::empty()) {
            let now = self.since.elapsed().as_nanos() as u64;
            let Some(packet) = buffer.get(..length).filter(|packet| is_ours(packet)) else {
                continue;
            };
            phone.received += 1;
            let sent = packet[16..24].try_into().map_or(now, u64::from_ne_bytes);
            self.late_us.push(now.saturating_sub(sent) as f64 / 1e3);
        }
    }

    /// One line for another program: what was sent, lost, how many phones heard nothing, and how late it came.
    #[expect(
        clippy::print_stdout,
        reason = "its output is for another program to read"
    )]
    fn report(&self) {
        let received: u64 = self.phones.iter().map(|phone| phone.received).sum();
        let silent = self
            .phones
            .iter()
            .filter(|phone| phone.received == 0)
            .count();
        let [p50, p99, max] = [500, 990, 1000].map(|at| Spread::at(&self.late_us, at));
        println!(
            "phones={} sent={} unsent={} received={received} lost={} silent={silent} p50_us={p50:.0} p99_us={p99:.0} max_us={max:.0}",
            self.phones.len(),
            self.sent,
            self.unsent,
            self.sent.saturating_sub(received),
        );
    }
}

/// What a phone sent, not RTCP or anything the relay adds of its own.
fn is_ours(packet: &[u8]) -> bool {
    packet.len() == PACKET && packet.get(12..16) == Some(MARK)
}
