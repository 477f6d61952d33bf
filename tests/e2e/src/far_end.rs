//! The media side of a caller or of a phone behind a trunk: RTP in PCMU, made and measured by the test itself.
//!
//! It listens from its start. It speaks a tone to whoever sends to it, as phones behind NAT must, a packet each 20 ms.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::sound::{FRAME, Sound};

/// Between two packets.
const PACE: Duration = Duration::from_millis(20);
/// The fixed header without extensions or sources (RFC 3550 §5.1).
const HEADER: usize = 12;
/// PCMU's number (RFC 3551 §6).
const PCMU: u8 = 0;

/// A packet that came.
#[derive(Debug, Clone)]
pub struct Packet {
    /// When it came.
    pub at: Instant,
    /// Who sent it.
    pub from: SocketAddr,
    /// Its sequence number.
    pub sequence: u16,
    /// Its time stamp, in samples.
    pub timestamp_ticks: u32,
    /// Its source.
    pub ssrc: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// A socket with ears and, if it is given a tone, a mouth. It falls silent when dropped.
#[derive(Debug)]
pub struct FarEnd {
    /// Where it listens.
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<Packet>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FarEnd {
    /// One at this address that speaks a tone of that frequency.
    ///
    /// # Panics
    ///
    /// When the address is taken.
    pub fn start(ip: IpAddr, tone_hz: u32) -> Self {
        let socket = UdpSocket::bind((ip, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let (heard, over) = (
            Arc::<Mutex<Vec<Packet>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (ears, ending) = (Arc::clone(&heard), Arc::clone(&over));
        let thread = std::thread::spawn(move || converse(&socket, tone_hz, &ears, &ending));
        Self {
            address,
            heard,
            over,
            thread: Some(thread),
        }
    }

    /// All packets so far.
    pub fn packets(&self) -> Vec<Packet> {
        self.heard.lock().unwrap().clone()
    }

    /// What came between two moments.
    pub fn heard(&self, from: Instant, to: Instant) -> Sound {
        let packets = self.packets();
        let during = packets
            .iter()
            .filter(|packet| (from..to).contains(&packet.at));
        Sound::of_pcmu(during.map(|packet| packet.payload.as_slice()))
    }

    /// What came in the time just gone.
    pub fn heard_lately(&self, during: Duration) -> Sound {
        let now = Instant::now();
        self.heard(now - during, now)
    }

    /// How much of what was sent to it since then came, by the sequence numbers.
    ///
    /// # Panics
    ///
    /// When nothing came.
    pub fn share_of_stream(&self, since: Instant) -> f64 {
        let packets = self.packets();
        let came: Vec<&Packet> = packets.iter().filter(|packet| packet.at >= since).collect();
        let (first, last) = (came.first().unwrap(), came.last().unwrap());
        let sent = u32::from(last.sequence.wrapping_sub(first.sequence)) + 1;
        came.len() as f64 / f64::from(sent)
    }

    /// Panics unless all that came is one stream without a jump (RFC 3550 §5.1), whoever spoke in it.
    ///
    /// # Panics
    ///
    /// When the source changes, or sequence and time do not go on together.
    pub fn assert_one_stream(&self) {
        let packets = self.packets();
        for pair in packets.windows(2) {
            let [one, next] = pair else { continue };
            assert_eq!(one.ssrc, next.ssrc, "another source");
            assert_eq!(
                next.sequence,
                one.sequence.wrapping_add(1),
                "a gap or a repetition"
            );
            let ticks = next.timestamp_ticks.wrapping_sub(one.timestamp_ticks);
            assert!(
                (1..80_000).contains(&ticks),
                "time goes from {} by {ticks}",
                one.timestamp_ticks
            );
        }
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has printed why.
            let _ = thread.join();
        }
    }
}

fn converse(socket: &UdpSocket, tone_hz: u32, heard: &Mutex<Vec<Packet>>, over: &AtomicBool) {
    let tone = Sound::tone(tone_hz, 1);
    let mut frames = tone.0.chunks_exact(FRAME).cycle();
    let (mut sequence, mut ticks) = (1_u16, 160_u32);
    let mut next = Instant::now() + PACE;
    let mut peer = None;
    while !over.load(Ordering::Relaxed) {
        let left = next.saturating_duration_since(Instant::now());
        if left.is_zero() {
            next += PACE;
            if let (Some(peer), Some(frame)) = (peer, frames.next()) {
                // Nobody may listen there any more.
                let _ = socket.send_to(&packet(sequence, ticks, tone_hz, frame), peer);
                (sequence, ticks) = (sequence.wrapping_add(1), ticks.wrapping_add(FRAME as u32));
            }
            continue;
        }
        socket.set_read_timeout(Some(left)).unwrap();
        let mut bytes = [0; 2_048];
        let Ok((length, from)) = socket.recv_from(&mut bytes) else {
            continue;
        };
        if let Some(packet) = read(&bytes[..length], from) {
            peer = Some(from);
            heard.lock().unwrap().push(packet);
        }
    }
}

fn packet(sequence: u16, ticks: u32, ssrc: u32, frame: &[i16]) -> Vec<u8> {
    let mut bytes = vec![0x80, PCMU];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(ticks.to_be_bytes());
    bytes.extend(ssrc.to_be_bytes());
    bytes.extend(
        frame
            .iter()
            .map(|&sample| media::g711::encode_mulaw(sample)),
    );
    bytes
}

fn read(bytes: &[u8], from: SocketAddr) -> Option<Packet> {
    let (header, payload) = bytes.split_at_checked(HEADER)?;
    let is_pcmu = header[0] == 0x80 && header[1] & 0x7f == PCMU;
    is_pcmu.then(|| Packet {
        at: Instant::now(),
        from,
        sequence: u16::from_be_bytes([header[2], header[3]]),
        timestamp_ticks: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        ssrc: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
        payload: payload.to_vec(),
    })
}
