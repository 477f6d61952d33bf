//! RTP of the made-up people: a socket for each leg, and one thread that plays and listens for all of them.
//!
//! The thread wakes every 5 ms and serves a quarter of the legs each time, so that every leg sends one packet in 20 ms
//! and not all send at once. It reads what has come for a leg when it is that leg's turn: times of arrival are true to
//! 20 ms. Without legs it sleeps. A leg is shared by the thread and by who opened it; it ends with [`Studio::close`].

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use media::clip::Clip;
use media::codec::{Codec, FRAME_SAMPLES};
use media::rtp::{self, HEADER_LEN, Header, Kind};
use media::sdp::AgreedAudio;

use crate::plan::is_loopback;
use crate::sound::{Ear, Heard, PacketRef, Voice};

/// Even ports for RTP: outside what daemons under test use, and there is one such range for each address.
const PORTS: std::ops::Range<u16> = 30_000..60_000;
/// Turns in the 20 ms of one packet.
const PHASES: usize = 4;
/// Time between two turns.
const TURN: Duration = Duration::from_millis(5);
/// How many turns may be made up for after a stall; what is older is left out, as a phone would.
const TURNS_LATE: u32 = 12;
/// Packets read for a leg in one turn: more than a quarter of a second's.
const READ_AT_ONCE: usize = 16;

/// One leg's RTP.
#[derive(Debug)]
pub(crate) struct Leg {
    socket: UdpSocket,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    agreed: Option<AgreedAudio>,
    clip: Option<Arc<Clip>>,
    /// Packets of the clip played so far.
    played: usize,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    /// The next packet is the first after a pause.
    marker: bool,
    ear: Ear,
    closed: bool,
}

impl Leg {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All legs of a population.
#[derive(Debug)]
pub(crate) struct Studio {
    beyond_loopback: bool,
    next_port: HashMap<IpAddr, u16>,
    next_ssrc: u32,
    /// Gone once the thread shall end.
    opened: Option<Sender<Arc<Leg>>>,
    thread: Option<JoinHandle<()>>,
}

impl Studio {
    /// Starts the thread. `begin` is when the population's clock was 0.
    pub(crate) fn start(begin: Instant, seed: u64, beyond_loopback: bool) -> io::Result<Self> {
        let (opened, legs) = unbounded();
        let thread = std::thread::Builder::new().name("loadgen-rtp".into());
        let thread = thread.spawn(move || run(begin, &legs))?;
        Ok(Self {
            beyond_loopback,
            next_port: HashMap::new(),
            next_ssrc: (seed >> 16) as u32,
            opened: Some(opened),
            thread: Some(thread),
        })
    }

    /// Opens a leg that says `voice` and listens for a tone. Answers with it and where it receives.
    pub(crate) fn open(
        &mut self,
        ip: IpAddr,
        voice: Option<Arc<Clip>>,
        listens_for_hz: Option<u16>,
    ) -> io::Result<(Arc<Leg>, SocketAddr)> {
        let (socket, address) = self.bind(ip)?;
        self.next_ssrc = self.next_ssrc.wrapping_mul(0x9e37_79b1).wrapping_add(1);
        let leg = Arc::new(Leg {
            socket,
            state: Mutex::new(State {
                agreed: None,
                clip: voice,
                played: 0,
                sequence: (self.next_ssrc >> 17) as u16,
                timestamp: self.next_ssrc.rotate_left(11),
                ssrc: self.next_ssrc,
                marker: true,
                ear: Ear::new(listens_for_hz),
                closed: false,
            }),
        });
        let thread = self
            .opened
            .as_ref()
            .map(|opened| opened.send(Arc::clone(&leg)));
        match thread {
            Some(Ok(())) => Ok((leg, address)),
            Some(Err(_)) | None => Err(io::Error::other("the RTP thread has ended")),
        }
    }

    fn bind(&mut self, ip: IpAddr) -> io::Result<(UdpSocket, SocketAddr)> {
        let next = self.next_port.entry(ip).or_insert(PORTS.start);
        for _ in PORTS.step_by(2) {
            let address = SocketAddr::new(ip, *next);
            *next += 2;
            if *next >= PORTS.end {
                *next = PORTS.start;
            }
            match UdpSocket::bind(address) {
                Ok(socket) => {
                    socket.set_nonblocking(true)?;
                    return Ok((socket, address));
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// Sends and expects from now on what was agreed.
    pub(crate) fn agree(&self, leg: &Leg, agreed: &AgreedAudio) {
        let mut state = leg.state();
        let here = self.beyond_loopback || is_loopback(agreed.remote_rtp.ip());
        state.marker = true;
        state.agreed = here.then_some(*agreed);
    }

    /// Ends a leg and answers with what it heard.
    pub(crate) fn close(&self, leg: &Leg) -> Heard {
        let mut state = leg.state();
        state.closed = true;
        *state.ear.heard()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.opened.take();
        if let Some(thread) = self.thread.take() {
            // It ends by itself; a panic in it has been printed.
            let _ = thread.join();
        }
    }
}

fn run(begin: Instant, opened: &Receiver<Arc<Leg>>) {
    let mut phases: [Vec<Arc<Leg>>; PHASES] = Default::default();
    let mut turns: usize = 0;
    let mut next = Instant::now();
    loop {
        let idle = phases.iter().all(Vec::is_empty);
        match opened.recv_timeout(match idle {
            true => Duration::from_secs(3600),
            false => next.saturating_duration_since(Instant::now()),
        }) {
            Ok(leg) => {
                if idle {
                    next = Instant::now();
                }
                if let Some(smallest) = phases.iter_mut().min_by_key(|phase| phase.len()) {
                    smallest.push(leg);
                }
                continue;
            }
            Err(RecvTimeoutError::Timeout) if idle => continue,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let late = Instant::now().saturating_duration_since(next);
        if late > TURN * TURNS_LATE {
            next += late;
        }
        next += TURN;
        turns += 1;
        if let Some(phase) = phases.get_mut(turns % PHASES) {
            phase.retain(|leg| serve(begin.elapsed(), leg));
        }
    }
}

/// One turn of a leg. False once it is closed.
fn serve(now: Duration, leg: &Leg) -> bool {
    let mut state = leg.state();
    if state.closed {
        return false;
    }
    let Some(agreed) = state.agreed else {
        return true;
    };
    listen(now, &leg.socket, &agreed, &mut state.ear);
    if agreed.direction.sends() {
        speak(&leg.socket, &agreed, &mut state);
    } else {
        state.marker = true;
    }
    // Time goes on while nothing is sent.
    state.timestamp = state.timestamp.wrapping_add(FRAME_SAMPLES as u32);
    true
}

fn listen(now: Duration, socket: &UdpSocket, agreed: &AgreedAudio, ear: &mut Ear) {
    let mut buffer = [0; rtp::PACKET_LEN_MAX];
    for _ in 0..READ_AT_ONCE {
        let Ok(len) = socket.recv(&mut buffer) else {
            return;
        };
        let datagram = buffer.get(..len).unwrap_or_default();
        if rtp::classify(datagram) != Kind::Rtp {
            continue;
        }
        let Some(header) = Header::parse(datagram) else {
            continue;
        };
        let Some(codec) = codec_of(header.payload_type, agreed) else {
            continue;
        };
        let packet = PacketRef {
            ssrc: header.ssrc,
            sequence: header.sequence,
            payload: datagram.get(header.payload).unwrap_or_default(),
        };
        ear.on_packet(now, codec, packet);
    }
}

fn codec_of(payload_type: u8, agreed: &AgreedAudio) -> Option<Codec> {
    if payload_type == agreed.receive_payload_type {
        return Some(agreed.codec);
    }
    let other = agreed
        .alternative
        .filter(|(other, _)| *other == payload_type);
    other.map(|(_, codec)| codec)
}

fn speak(socket: &UdpSocket, agreed: &AgreedAudio, state: &mut State) {
    let Some(clip) = &state.clip else { return };
    let Some(place) = state.played.checked_rem(clip.frame_count()) else {
        return;
    };
    let Some(frame) = clip.frame(agreed.codec, place) else {
        return;
    };
    let header = Header {
        marker: std::mem::take(&mut state.marker),
        payload_type: agreed.send_payload_type,
        sequence: state.sequence,
        timestamp: state.timestamp,
        ssrc: state.ssrc,
        payload: HEADER_LEN..HEADER_LEN + FRAME_SAMPLES,
    };
    let mut packet = [0; HEADER_LEN + FRAME_SAMPLES];
    let (head, payload) = packet.split_at_mut(HEADER_LEN);
    head.copy_from_slice(&header.to_bytes());
    payload.copy_from_slice(frame);
    state.sequence = state.sequence.wrapping_add(1);
    state.played += 1;
    // A packet the kernel has no room for is lost, as on any network; it is not counted as sent.
    if socket.send_to(&packet, agreed.remote_rtp).is_ok() {
        state.ear.on_sent();
    }
}

/// A socket that nobody reads: all RTP of a side goes there, and the kernel counts it.
#[derive(Debug)]
pub(crate) struct Sink {
    socket: UdpSocket,
}

impl Sink {
    pub(crate) fn open(ip: IpAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        // The least the kernel gives: what does not fit is dropped, and drops are counted.
        socket2::SockRef::from(&socket).set_recv_buffer_size(0)?;
        Ok(Self { socket })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Datagrams that came and had no room, which is all but the first few.
    pub(crate) fn packets(&self) -> u64 {
        let Ok(SocketAddr::V4(address)) = self.address() else {
            return 0;
        };
        let table = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
        drops_of(&table, address)
    }
}

/// The last column of the address's line in /proc/net/udp.
fn drops_of(table: &str, address: std::net::SocketAddrV4) -> u64 {
    let ip = u32::from_le_bytes(address.ip().octets());
    let wanted = format!("{ip:08X}:{:04X}", address.port());
    let lines = table.lines().map(|line| line.split_ascii_whitespace());
    let mut fields = lines.filter(|fields| fields.clone().nth(1) == Some(wanted.as_str()));
    let drops = fields.next().and_then(|mut fields| fields.nth(12));
    drops
        .and_then(|drops| drops.parse().ok())
        .unwrap_or_default()
}

/// The packets of a voice, made once for a side.
pub(crate) fn packets_of(voice: &Voice) -> Option<Arc<Clip>> {
    voice.clip().filter(|clip| clip.frame_count() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::sdp::Direction;

    fn agreed(remote_rtp: SocketAddr) -> AgreedAudio {
        AgreedAudio {
            remote_rtp,
            remote_rtcp: remote_rtp,
            rtcp_mux: false,
            codec: Codec::Pcma,
            send_payload_type: 8,
            receive_payload_type: 8,
            alternative: None,
            telephone_event: None,
            ptime_ms: 20,
            direction: Direction::SendRecv,
        }
    }

    /// Both legs speak to one another until each has heard `packets` of the other.
    #[test]
    fn e2e_two_legs_hear_one_another_at_their_pace() {
        let begin = Instant::now();
        let mut studio = Studio::start(begin, 7, false).unwrap();
        let ip = "127.0.0.9".parse().unwrap();
        let (caller, attendant) = (Voice::CALLER_TONE, Voice::ATTENDANT_TONE);
        let mut open =
            |says: &Voice, other: &Voice| studio.open(ip, packets_of(says), other.hz()).unwrap();
        let (one, at_one) = open(&caller, &attendant);
        let (two, at_two) = open(&attendant, &caller);
        studio.agree(&one, &agreed(at_two));
        studio.agree(&two, &agreed(at_one));
        let enough = |leg: &Leg| leg.state().ear.heard().packets >= 25;
        while !(enough(&one) && enough(&two)) {
            assert!(begin.elapsed() < Duration::from_secs(20), "no sound");
            std::thread::yield_now();
        }
        let took = begin.elapsed();
        for heard in [studio.close(&one), studio.close(&two)] {
            assert_eq!(
                (heard.tone, heard.silent, heard.lost),
                (heard.packets, 0, 0)
            );
            // 25 packets are half a second of sound; a stall may be made up for, but no more than that.
            assert!(
                heard.packets <= 30 && took > Duration::from_millis(380),
                "{took:?} {heard:?}"
            );
        }
    }

    #[test]
    fn e2e_nothing_is_sent_beyond_loopback() {
        let mut studio = Studio::start(Instant::now(), 7, false).unwrap();
        let ip = "127.0.0.9".parse().unwrap();
        let (leg, _) = studio.open(ip, None, None).unwrap();
        studio.agree(&leg, &agreed("192.0.2.1:4000".parse().unwrap()));
        assert_eq!(leg.state().agreed, None);
    }

    #[test]
    fn e2e_a_sink_counts_what_nobody_reads() {
        let sink = Sink::open("127.0.0.9".parse().unwrap()).unwrap();
        let sender = UdpSocket::bind("127.0.0.9:0").unwrap();
        assert_eq!(sink.packets(), 0);
        for _ in 0..100 {
            sender
                .send_to(&[0x80; 172], sink.address().unwrap())
                .unwrap();
        }
        // Loopback delivers while it sends; the first few fit.
        let counted = sink.packets();
        assert!((80..=100).contains(&counted), "{counted}");
    }

    #[test]
    fn the_kernel_s_count_is_found() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
                     10: 0200007F:6978 00000000:0000 07 00000000:00000900 00:00000000 00000000     0        0 5 2 0000000000000000 4711\n";
        let table_of = |address: &str| drops_of(table, address.parse().unwrap());
        assert_eq!(table_of("127.0.0.2:27000"), 4711);
        assert_eq!(table_of("127.0.0.2:27002"), 0);
    }
}
