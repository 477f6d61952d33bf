//! `bare_relay CALLS SECONDS`: the least a relay in user space can do, for ours to be compared with.
//!
//! A socket for each leg, one epoll, and for each packet that comes one recvfrom and one sendto: nothing is read,
//! checked, counted apart or rewritten, and there is no RTCP. It prints a line for each phone, as the example `relay` of
//! `media-io` does, then an empty one; at the end it says on stderr what a packet cost.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use benches::ports;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::net::{RecvFlags, SendFlags, recvfrom, sendto};
use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr};

const FIRST_PORT: u16 = 30_000;
const BUFFER: usize = 4 << 20;
const EVENTS: usize = 256;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [calls, seconds] = args.as_slice() else {
        anyhow::bail!("usage: bare_relay CALLS SECONDS");
    };
    let (calls, seconds) = (calls.parse::<u16>()?, seconds.parse::<u64>()?.min(600));
    let legs = open(calls)?;
    let (packets, wakes, cpu) = relay(&legs, Duration::from_secs(seconds))?;
    report(packets, wakes, cpu);
    Ok(())
}

/// A leg: its socket and where its phone is. Its partner is the one beside it.
struct Leg {
    socket: Socket,
    phone: SocketAddr,
}

#[expect(
    clippy::print_stdout,
    reason = "its output is for another program to read"
)]
fn open(calls: u16) -> Result<Vec<Leg>> {
    let mut legs = Vec::new();
    for call in 0..calls {
        for (phone, port) in [(ports::caller(call), 0), (ports::attendant(call), 2)] {
            let here = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST_PORT + 4 * call + port));
            let socket = Socket::new(Domain::IPV4, Type::DGRAM.nonblocking(), None)?;
            socket.set_recv_buffer_size(BUFFER)?;
            socket.set_send_buffer_size(BUFFER)?;
            socket
                .bind(&here.into())
                .with_context(|| here.to_string())?;
            println!("{}", ports::line(phone, here));
            legs.push(Leg { socket, phone });
        }
    }
    println!();
    Ok(legs)
}

fn relay(legs: &[Leg], time: Duration) -> Result<(u64, u64, Duration)> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (index, leg) in (0..).zip(legs) {
        epoll::add(
            &epoll,
            &leg.socket,
            epoll::EventData::new_u64(index),
            epoll::EventFlags::IN,
        )?;
    }
    let (mut packets, mut wakes) = (0, 0);
    let mut events = Vec::with_capacity(EVENTS);
    let mut buffer = [0; 2048];
    let (end, before) = (Instant::now() + time, cpu()?);
    let at_most = Timespec {
        tv_sec: 0,
        tv_nsec: 200_000_000,
    };
    while Instant::now() < end {
        events.clear();
        epoll::wait(&epoll, spare_capacity(&mut events), Some(&at_most))?;
        wakes += 1;
        for event in &events {
            let index = event.data.u64() as usize;
            let (leg, partner) = (&legs[index], &legs[index ^ 1]);
            let Ok((length, _, _)) = recvfrom(&leg.socket, &mut buffer[..], RecvFlags::empty())
            else {
                continue;
            };
            // A phone that is not there yet, or no more, is no reason to stop.
            let _ = sendto(
                &partner.socket,
                &buffer[..length],
                SendFlags::empty(),
                &partner.phone,
            );
            packets += 1;
        }
    }
    Ok((packets, wakes, cpu()?.saturating_sub(before)))
}

/// CPU time of this thread, which is the whole process.
fn cpu() -> Result<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::new(
        u64::try_from(time.tv_sec)?,
        u32::try_from(time.tv_nsec)?,
    ))
}

fn report(packets: u64, wakes: u64, cpu: Duration) {
    let us = cpu.as_secs_f64() * 1e6 / packets.max(1) as f64;
    let per_wake = packets as f64 / wakes.max(1) as f64;
    eprintln!(
        "packets={packets} cpu_s={:.3} us_per_packet={us:.2} packets_per_wake={per_wake:.1}",
        cpu.as_secs_f64()
    );
}
