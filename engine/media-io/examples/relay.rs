//! Bridged pairs of ports for a load generator, to be compared with a bare relay.
//!
//! `relay CALLS SECONDS [music]` opens two legs for each call, whose phones are at 127.0.0.2:20000+2i and
//! 127.0.0.3:25000+2i, and prints a line `LOCAL_IP LOCAL_PORT REMOTE_IP REMOTE_PORT` for each phone, which is what
//! `rtpload` reads; then an empty line. With `music` there is one leg for each call and it listens to a clip. At the
//! end it says on stderr what a packet cost.

#![allow(
    clippy::print_stdout,
    reason = "its output is for another program to read"
)]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use media::clip::Clip;
use media::codec::Codec;
use media::control::{
    ClipId, LatchRule, LegKey, MediaCommand, MediaEvent, PortPair, RemoteMedia, WorkerId,
};
use media_io::{MediaIoConfig, MediaPool, WorkerMetrics};

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const MUSIC: ClipId = ClipId(1);

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (calls, seconds) = match args.as_slice() {
        [calls, seconds, ..] => (calls.parse::<u16>()?, seconds.parse::<u64>()?.min(600)),
        [] | [_] => return Err("usage: relay CALLS SECONDS [music]".into()),
    };
    let (pool, events) = start(calls)?;
    let ports = take_ports(&events, 2 * usize::from(calls))?;
    let music = args.get(2).is_some_and(|arg| arg == "music");
    if music {
        play_to(&pool, &ports, calls)?
    } else {
        bridge(&pool, &ports, calls)?
    };
    println!();
    let (before, began) = (settle(&pool), Instant::now());
    std::thread::sleep(Duration::from_secs(seconds));
    report(&before, &settle(&pool), calls, began.elapsed());
    Ok(())
}

fn start(calls: u16) -> Result<(MediaPool, Receiver<MediaEvent>), Box<dyn Error>> {
    let (sender, events) = crossbeam_channel::unbounded();
    let began = Instant::now();
    let clock = move || Duration::from_secs(1_800_000_000) + began.elapsed();
    let sink = move |event| drop(sender.send(event));
    let config = MediaIoConfig::new(
        HERE.into(),
        30_000..=39_999,
        1,
        Arc::new(clock),
        Arc::new(sink),
    );
    let pool = MediaPool::start(&MediaIoConfig {
        stock: 2 * u32::from(calls),
        commands_max: 1 << 16,
        ..config
    })?;
    Ok((pool, events))
}

fn take_ports(
    events: &Receiver<MediaEvent>,
    count: usize,
) -> Result<Vec<PortPair>, Box<dyn Error>> {
    let mut ports = Vec::new();
    while ports.len() < count {
        let event = events.recv_timeout(Duration::from_secs(5))?;
        let MediaEvent::PortsReady(ready) = event else {
            return Err(format!("{event:?} instead of ports").into());
        };
        ports.extend(ready);
    }
    Ok(ports)
}

fn bridge(pool: &MediaPool, ports: &[PortPair], calls: u16) -> Result<(), Box<dyn Error>> {
    for (call, pair) in (0..calls).zip(ports.chunks_exact(2)) {
        let ends = [([127, 0, 0, 2], 20_000), ([127, 0, 0, 3], 25_000)];
        let mut legs = Vec::new();
        for (ports, (ip, base)) in pair.iter().zip(ends) {
            legs.push(open(pool, *ports, SocketAddr::from((ip, base + 2 * call)))?);
        }
        pool.send(
            WorkerId(0),
            MediaCommand::Bridge {
                a: legs[0],
                b: legs[1],
            },
        )?;
    }
    Ok(())
}

fn play_to(pool: &MediaPool, ports: &[PortPair], calls: u16) -> Result<(), Box<dyn Error>> {
    let samples: Vec<i16> = (0..80_000_i32)
        .map(|n| (n * 331 % 8_000 - 4_000) as i16)
        .collect();
    pool.sender()
        .add_clip(MUSIC, &Arc::new(Clip::from_samples(&samples)))?;
    for (call, ports) in (0..calls).zip(ports) {
        let leg = open(
            pool,
            *ports,
            SocketAddr::from(([127, 0, 0, 2], 20_000 + 2 * call)),
        )?;
        pool.send(
            WorkerId(0),
            MediaCommand::Play {
                leg,
                clip: MUSIC,
                repeat: true,
            },
        )?;
    }
    Ok(())
}

fn open(pool: &MediaPool, ports: PortPair, phone: SocketAddr) -> Result<LegKey, Box<dyn Error>> {
    let leg = LegKey {
        leg: ports.slot.into(),
        generation: 0,
    };
    pool.send(WorkerId(0), MediaCommand::Open { leg, ports })?;
    let remote = RemoteMedia {
        rtp: phone,
        rtcp: SocketAddr::new(phone.ip(), phone.port() + 1),
        latch: LatchRule::Signalled,
        codec: Codec::Pcmu,
        payload_type_send: 0,
        payload_type_receive: 0,
        telephone_event: None,
        ptime_ms: 20,
    };
    pool.send(
        WorkerId(0),
        MediaCommand::SetRemote {
            leg,
            remote,
            send: true,
            receive: true,
        },
    )?;
    println!(
        "{} {} {} {}",
        phone.ip(),
        phone.port(),
        ports.rtp.ip(),
        ports.rtp.port()
    );
    Ok(leg)
}

/// The figures, once the CPU clock has been read again.
fn settle(pool: &MediaPool) -> WorkerMetrics {
    std::thread::sleep(Duration::from_millis(600));
    pool.metrics()[0]
}

fn report(before: &WorkerMetrics, after: &WorkerMetrics, calls: u16, time: Duration) {
    let packets = after.packets_relayed - before.packets_relayed;
    let frames = after.frames_played - before.frames_played;
    let (cpu, wakes) = (after.cpu_us - before.cpu_us, after.wakes - before.wakes);
    let per = |what: u64, each: u64| what as f64 / each.max(1) as f64;
    eprintln!(
        "calls={calls} packets={packets} frames={frames} cpu_s={:.3} us_per_packet={:.2} packets_per_wake={:.1} \
         core_per_call_percent={:.4} dropped={} strangers={} unsent={}",
        cpu as f64 / 1e6,
        per(cpu, packets + frames),
        per(packets, wakes),
        100.0 * cpu as f64 / 1e6 / time.as_secs_f64() / f64::from(calls.max(1)),
        after.packets_dropped - before.packets_dropped,
        after.packets_from_strangers - before.packets_from_strangers,
        after.packets_unsent - before.packets_unsent,
    );
}
