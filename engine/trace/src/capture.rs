//! A call's messages as a capture file that Wireshark and tshark read.
//!
//! The classic format, times in microseconds, raw IP packets (LINKTYPE_RAW). A message becomes a UDP datagram or, over
//! any other transport, TCP segments whose sequence numbers run on in each direction. Over TLS and WebSocket too the
//! message stands there in the clear: it is what was said, not what was on the wire. Two headers of
//! 24 and 16 octets are no reason for a library; those there are have not been kept up.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep};
use sip::Transport;

use crate::message::Traced;

/// Octets of a segment or datagram at most: with its headers it fits an IPv4 packet.
const PAYLOAD_MAX: usize = 65_000;
/// LINKTYPE_RAW: an IPv4 or IPv6 packet and nothing before it.
const LINK_TYPE: u32 = 101;
const TTL: u8 = 64;
const WINDOW: u16 = u16::MAX;

/// Writes messages as a capture, first to last.
pub fn capture(messages: &[Traced]) -> Vec<u8> {
    let mut file = Vec::new();
    let head: [u32; 6] = [
        0xa1b2_c3d4,
        2 | 4 << 16,
        0,
        0,
        u32::from(u16::MAX) + 1,
        LINK_TYPE,
    ];
    head.iter().for_each(|word| file.extend(word.to_le_bytes()));
    let mut streams = Streams::default();
    for message in messages {
        for payload in message.raw.chunks(PAYLOAD_MAX) {
            let packet = match message.transport {
                Transport::Udp => datagram(message, payload),
                Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                    streams.segment(message, payload)
                }
            };
            write_packet(&mut file, message.at_us, &packet);
        }
    }
    file
}

fn write_packet(file: &mut Vec<u8>, at_us: i64, packet: &[u8]) {
    let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    // Unsigned seconds: the format ends in 2106.
    let seconds = u32::try_from(at_us.div_euclid(1_000_000)).unwrap_or(0);
    let micros = u32::try_from(at_us.rem_euclid(1_000_000)).unwrap_or(0);
    for word in [seconds, micros, length, length] {
        file.extend(word.to_le_bytes());
    }
    file.extend(packet);
}

fn datagram(message: &Traced, payload: &[u8]) -> Vec<u8> {
    let (from, to) = (message.from(), message.to());
    let builder = ip(from, to).udp(from.port(), to.port());
    let mut packet = Vec::with_capacity(builder.size(payload.len()));
    builder
        .write(&mut packet, payload)
        .expect("it fits a packet, and a Vec takes all");
    packet
}

/// Both ends in one family.
fn ip(from: SocketAddr, to: SocketAddr) -> PacketBuilderStep<IpHeaders> {
    match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), TTL),
        (from, to) => PacketBuilder::ipv6(v6(from).octets(), v6(to).octets(), TTL),
    }
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// How far each direction of each connection is.
#[derive(Default)]
struct Streams(HashMap<(SocketAddr, SocketAddr), u32>);

impl Streams {
    fn segment(&mut self, message: &Traced, payload: &[u8]) -> Vec<u8> {
        let (from, to) = (message.from(), message.to());
        let acknowledged = self.0.get(&(to, from)).copied().unwrap_or(1);
        let sent = self.0.entry((from, to)).or_insert(1);
        let builder = ip(from, to)
            .tcp(from.port(), to.port(), *sent, WINDOW)
            .ack(acknowledged)
            .psh();
        *sent = sent.wrapping_add(u32::try_from(payload.len()).unwrap_or(0));
        let mut packet = Vec::with_capacity(builder.size(payload.len()));
        builder
            .write(&mut packet, payload)
            .expect("it fits a packet, and a Vec takes all");
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Direction::{self, Received, Sent};
    use etherparse::{NetHeaders, PacketHeaders, TransportHeader};
    use sip::Flow;

    fn message(transport: Transport, direction: Direction, remote: &str, raw: &[u8]) -> Traced {
        let local = if remote.starts_with('[') {
            "[2001:db8::1]:5060"
        } else {
            "192.0.2.1:5060"
        };
        let flow = Flow {
            transport,
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
            connection: None,
        };
        Traced::new(1, 1_780_300_800_250_001, direction, &flow, raw)
    }

    /// The packets of a capture, each with its time.
    fn packets(file: &[u8]) -> Vec<(u32, u32, &[u8])> {
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!((word(0), word(20)), (0xa1b2_c3d4, 101));
        let (mut at, mut packets) = (24, Vec::new());
        while at < file.len() {
            let length = word(at + 8) as usize;
            packets.push((word(at), word(at + 4), &file[at + 16..at + 16 + length]));
            at += 16 + length;
        }
        packets
    }

    #[test]
    fn datagrams_have_their_addresses_times_and_right_checksums() {
        for remote in ["192.0.2.7:5080", "[2001:db8::7]:5080"] {
            let file = capture(&[message(Transport::Udp, Received, remote, b"odd")]);
            let [(1_780_300_800, 250_001, packet)] = packets(&file)[..] else {
                panic!("one packet at its time: {file:?}")
            };
            let read = PacketHeaders::from_ip_slice(packet).unwrap();
            let Some(TransportHeader::Udp(udp)) = read.transport else {
                panic!("UDP")
            };
            assert_eq!((udp.source_port, udp.destination_port), (5080, 5060));
            assert_eq!(read.payload.slice(), b"odd");
            let sum = match read.net.unwrap() {
                NetHeaders::Ipv4(ip, _) => {
                    assert_eq!(ip.header_checksum, ip.calc_header_checksum());
                    udp.calc_checksum_ipv4(&ip, b"odd").unwrap()
                }
                NetHeaders::Ipv6(ip, _) => udp.calc_checksum_ipv6(&ip, b"odd").unwrap(),
                NetHeaders::Arp(_) => panic!("no ARP"),
            };
            assert_eq!(udp.checksum, sum);
        }
    }

    #[test]
    fn segments_of_a_connection_run_on_in_each_direction() {
        let long = vec![b'a'; PAYLOAD_MAX + 5];
        let file = capture(&[
            message(Transport::Tcp, Received, "192.0.2.7:5080", b"four"),
            message(Transport::Tcp, Sent, "192.0.2.7:5080", b"two"),
            message(Transport::Tls, Received, "192.0.2.7:5080", &long),
            message(Transport::Tcp, Received, "192.0.2.8:5080", b"x"),
        ]);
        let numbers: Vec<(u32, u32, usize)> = packets(&file)
            .iter()
            .map(|(_, _, packet)| {
                let read = PacketHeaders::from_ip_slice(packet).unwrap();
                let Some(TransportHeader::Tcp(tcp)) = read.transport else {
                    panic!("TCP")
                };
                (
                    tcp.sequence_number,
                    tcp.acknowledgment_number,
                    read.payload.slice().len(),
                )
            })
            .collect();
        let second = 5 + PAYLOAD_MAX as u32;
        assert_eq!(
            numbers,
            [
                (1, 1, 4),
                (1, 5, 3),
                (5, 4, PAYLOAD_MAX),
                (second, 4, 5),
                (1, 1, 1)
            ]
        );
    }
}
