//! The RTP header beside another reader of it, webrtc-rs's package `rtp`: what both read is the same.
//!
//! Where they differ on purpose stands in [`accepted_by_ours_only`] and [`refused_by_ours_only`], and nowhere else.

use bytes::Bytes;
use media::rtp::{HEADER_LEN, Header};
use proptest::collection::vec;
use proptest::prelude::*;
use rtp::packet::Packet;
use webrtc_util::marshal::Unmarshal as _;

/// A packet of any flags, with a rest that may or may not hold what they promise.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![8 => 0x80_u8..=0xbf, 1 => any::<u8>()];
    (first, vec(any::<u8>(), 0..96), 0_u8..8).prop_map(|(first, mut rest, last)| {
        // A count of padding that is often possible.
        if let Some(end) = rest.last_mut() {
            *end = last;
        }
        let mut packet = vec![first];
        packet.append(&mut rest);
        packet
    })
}

fn read_by_theirs(packet: &[u8]) -> Option<Packet> {
    Packet::unmarshal(&mut Bytes::copy_from_slice(packet)).ok()
}

/// They look into header extensions and refuse those whose inside is wrong; we pass over them.
fn accepted_by_ours_only(packet: &[u8]) -> bool {
    packet[0] & 0x10 != 0
}

/// They do not look at the version, and take a padding of nothing (RFC 3550 §5.1 counts the counting octet itself).
fn refused_by_ours_only(packet: &[u8]) -> bool {
    packet[0] >> 6 != 2 || packet[0] & 0x20 != 0 && packet.last() == Some(&0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn both_read_the_same(packet in packet()) {
        match (Header::parse(&packet), read_by_theirs(&packet)) {
            (Some(ours), Some(theirs)) => {
                let header = &theirs.header;
                prop_assert_eq!(ours.marker, header.marker);
                prop_assert_eq!(ours.payload_type, header.payload_type);
                prop_assert_eq!(ours.sequence, header.sequence_number);
                prop_assert_eq!(ours.timestamp, header.timestamp);
                prop_assert_eq!(ours.ssrc, header.ssrc);
                prop_assert_eq!(&packet[ours.payload], &theirs.payload[..]);
            }
            (Some(_), None) => prop_assert!(accepted_by_ours_only(&packet)),
            (None, Some(_)) => prop_assert!(refused_by_ours_only(&packet)),
            (None, None) => {}
        }
    }

    #[test]
    fn what_we_write_they_read(marker: bool, payload_type in 0_u8..128, sequence: u16, timestamp: u32, ssrc: u32, payload in vec(any::<u8>(), 1..200)) {
        let mut packet = vec![0; HEADER_LEN];
        packet.extend(&payload);
        let header = Header { marker, payload_type, sequence, timestamp, ssrc, payload: HEADER_LEN..packet.len() };
        let written = header.write_before_payload(&mut packet).expect("there is room");
        let theirs = read_by_theirs(written).expect("a packet as RFC 3550 says");
        prop_assert_eq!(theirs.header.sequence_number, sequence);
        prop_assert_eq!((theirs.header.timestamp, theirs.header.ssrc), (timestamp, ssrc));
        prop_assert_eq!((theirs.header.marker, theirs.header.payload_type), (marker, payload_type));
        prop_assert_eq!(&theirs.payload[..], &payload[..]);
    }
}
