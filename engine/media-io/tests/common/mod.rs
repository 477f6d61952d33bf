//! A pool of media threads with made-up phones around it, on a loopback address of its own.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests, which clippy does not know as tests"
)]

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use media::clip::Clip;
use media::codec::Codec;
use media::control::{
    EventTypes, LatchRule, LegKey, LegStats, MediaCommand, MediaEvent, PortPair, RemoteMedia,
    WorkerId,
};
use media::outgoing::Place;
use media::rtp::{HEADER_LEN, Header};
use media_io::{MediaIoConfig, MediaPool};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pool under test, seen as the engine sees it.
pub struct World {
    pub pool: MediaPool,
    pub stock: VecDeque<PortPair>,
    events: Receiver<MediaEvent>,
    address: Ipv4Addr,
    ahead_us: Arc<AtomicU64>,
    next_leg: u64,
}

impl World {
    /// One worker at 127.0.7.`host`, so that tests run side by side.
    pub fn new(host: u8) -> Self {
        Self::with(host, 20_000..=20_999, |config| config)
    }

    pub fn with(
        host: u8,
        ports: RangeInclusive<u16>,
        change: impl FnOnce(MediaIoConfig) -> MediaIoConfig,
    ) -> Self {
        let address = Ipv4Addr::new(127, 0, 7, host);
        let (sender, events) = crossbeam_channel::unbounded();
        let (began, ahead_us) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let ahead = Arc::clone(&ahead_us);
        let clock = move || {
            Duration::from_secs(1_800_000_000)
                + began.elapsed()
                + Duration::from_micros(ahead.load(Ordering::SeqCst))
        };
        let sink = move |event| {
            // The test may be over.
            let _ = sender.send(event);
        };
        let config = MediaIoConfig::new(address.into(), ports, 42, Arc::new(clock), Arc::new(sink));
        let pool = MediaPool::start(&change(config)).unwrap();
        Self {
            pool,
            stock: VecDeque::new(),
            events,
            address,
            ahead_us,
            next_leg: 1,
        }
    }

    /// Moves the pool's clock on, and wakes the worker, whose sleep is as long as it was.
    pub fn advance(&self, by: Duration) {
        self.ahead_us
            .fetch_add(by.as_micros() as u64, Ordering::SeqCst);
        self.send(MediaCommand::StopPlay {
            leg: LegKey {
                leg: u64::MAX,
                generation: 0,
            },
        });
    }

    /// Commands, and waits until it is done: a phone that speaks sooner is not heard.
    pub fn send(&self, command: MediaCommand) {
        let before = self.pool.metrics()[0].commands_done;
        self.pool.send(WorkerId(0), command).unwrap();
        while self.pool.metrics()[0].commands_done == before {
            std::thread::yield_now();
        }
    }

    /// The next event; ports go into stock on the way.
    pub fn next_event(&mut self) -> MediaEvent {
        loop {
            match self.events.recv_timeout(PATIENCE).expect("an event") {
                MediaEvent::PortsReady(ports) => self.stock.extend(ports),
                event => return event,
            }
        }
    }

    pub fn no_event_waits(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            let MediaEvent::PortsReady(ports) = event else {
                panic!("{event:?}")
            };
            self.stock.extend(ports);
        }
    }

    pub fn take_ports(&mut self) -> PortPair {
        self.wait_for_stock(1);
        self.stock.pop_front().unwrap()
    }

    pub fn wait_for_stock(&mut self, count: usize) {
        while self.stock.len() < count {
            let event = self.events.recv_timeout(PATIENCE).expect("ports");
            let MediaEvent::PortsReady(ports) = event else {
                panic!("{event:?} instead of ports")
            };
            self.stock.extend(ports);
        }
    }

    /// Opens a leg; not told its far end yet.
    pub fn open(&mut self) -> (LegKey, PortPair) {
        let ports = self.take_ports();
        let leg = LegKey {
            leg: self.next_leg,
            generation: 0,
        };
        self.next_leg += 1;
        self.send(MediaCommand::Open { leg, ports });
        (leg, ports)
    }

    /// Opens a leg and a phone that is its far end.
    pub fn call(&mut self, codec: Codec) -> (LegKey, Phone) {
        let (leg, ports) = self.open();
        let phone = Phone::new(self.address, ports.rtp, codec);
        self.set_remote(leg, phone.remote());
        (leg, phone)
    }

    pub fn set_remote(&self, leg: LegKey, remote: RemoteMedia) {
        self.send(MediaCommand::SetRemote {
            leg,
            remote,
            send: true,
            receive: true,
        });
    }

    pub fn close(&mut self, leg: LegKey) -> LegStats {
        self.send(MediaCommand::Close { leg });
        loop {
            if let MediaEvent::Closed { leg: closed, stats } = self.next_event()
                && closed == leg
            {
                return *stats;
            }
        }
    }

    pub fn heard(&mut self, leg: LegKey) {
        assert_eq!(self.next_event(), MediaEvent::Heard { leg });
    }
}

/// A phone: one socket, one stream.
pub struct Phone {
    pub socket: UdpSocket,
    pub rtcp: UdpSocket,
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    server: SocketAddr,
    codec: Codec,
}

impl Phone {
    pub fn new(address: Ipv4Addr, server: SocketAddr, codec: Codec) -> Self {
        let (socket, rtcp) = (socket(address), socket(address));
        let ssrc = u32::from(socket.local_addr().unwrap().port()) << 8;
        Self {
            socket,
            rtcp,
            ssrc,
            sequence: 65_530,
            timestamp: u32::MAX - 500,
            server,
            codec,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// The pool's port it talks to.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// What its SDP says.
    pub fn remote(&self) -> RemoteMedia {
        RemoteMedia {
            rtp: self.address(),
            rtcp: self.rtcp.local_addr().unwrap(),
            latch: LatchRule::Signalled,
            codec: self.codec,
            payload_type_send: self.codec.static_payload_type(),
            payload_type_receive: self.codec.static_payload_type(),
            telephone_event: Some(EventTypes {
                send: 101,
                receive: 101,
            }),
            ptime_ms: 20,
        }
    }

    /// Says the next 20 ms.
    pub fn say(&mut self, octet: u8) {
        self.say_as(self.codec.static_payload_type(), &[octet; 160]);
        self.timestamp = self.timestamp.wrapping_add(160);
    }

    pub fn say_as(&mut self, payload_type: u8, payload: &[u8]) {
        let mut packet = vec![0; HEADER_LEN];
        packet.extend_from_slice(payload);
        let mut header = Header::for_payload(HEADER_LEN..packet.len(), payload_type);
        header.put(
            Place {
                sequence: self.sequence,
                timestamp: self.timestamp,
                marker: false,
            },
            self.ssrc,
        );
        let packet = header.write_before_payload(&mut packet).unwrap();
        self.socket.send_to(packet, self.server).unwrap();
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// What comes next, reports left out.
    pub fn hear(&self) -> (Header, Vec<u8>) {
        let mut buffer = [0; 2048];
        let (len, source) = self.socket.recv_from(&mut buffer).expect("a packet");
        assert_eq!(source, self.server, "from the port that SDP named");
        let header = Header::parse(&buffer[..len]).unwrap();
        let payload = buffer[header.payload.clone()].to_vec();
        (header, payload)
    }

    /// The octet of the next frame.
    pub fn hear_octet(&self) -> u8 {
        self.hear().1[0]
    }

    pub fn hears_nothing(&self) {
        hears_nothing(&self.socket);
    }
}

/// Nothing waits in the socket. To be called when whatever might have been sent has been sent.
pub fn hears_nothing(socket: &UdpSocket) {
    socket.set_nonblocking(true).unwrap();
    let got = socket.recv(&mut [0; 2048]);
    socket.set_nonblocking(false).unwrap();
    assert_eq!(
        got.map_err(|fault| fault.kind()),
        Err(std::io::ErrorKind::WouldBlock)
    );
}

pub fn socket(address: Ipv4Addr) -> UdpSocket {
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A clip whose frame `n` sounds like `(n + 1) * 256`.
pub fn counting_clip(frames: usize) -> Arc<Clip> {
    let samples: Vec<i16> = (0..frames)
        .flat_map(|n| [(n as i16 + 1) * 256; 160])
        .collect();
    Arc::new(Clip::from_samples(&samples))
}
