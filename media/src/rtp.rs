//! The RTP header, read in place and written in place (RFC 3550 §5.1).
//!
//! A relayed packet gets a new header of twelve octets right before its payload: what stood between, contributing
//! sources and header extensions, and the padding after it are the sender's business with us and end here.
//!
//! Why not the package `rtp`: to read a packet of 20 ms and write it as one of another stream takes it 461 instructions
//! and a copy of the payload, this 52 and none (`benches/run.sh codec`), and it takes packets of other versions. It is the
//! second reader in `tests/rtp_oracle.rs`, where both must see the same.

use core::ops::Range;

use crate::outgoing::Place;

/// Length of a header without contributing sources and extension.
pub const HEADER_LEN: usize = 12;

/// The largest packet looked at; larger datagrams are cut by the receive buffer and dropped.
pub const PACKET_LEN_MAX: usize = 2048;

/// What a datagram on a media port is, by its first octets (RFC 5761 §4, RFC 7983 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sound or an event.
    Rtp,
    /// A report.
    Rtcp,
    /// STUN, DTLS, or garbage.
    Other,
}

/// Tells RTP from RTCP from the rest.
pub fn classify(datagram: &[u8]) -> Kind {
    match datagram {
        [128..=191, 192..=223, ..] => Kind::Rtcp,
        [128..=191, _, ..] => Kind::Rtp,
        _ => Kind::Other,
    }
}

/// The fields of a header that matter to us, and where the payload lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The first packet of a talk spurt, or the first after a change (RFC 3551 §4.1).
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// Counts packets.
    pub sequence: u16,
    /// Counts samples.
    pub timestamp: u32,
    /// Names the stream.
    pub ssrc: u32,
    /// Where the payload lies in the packet, never before [`HEADER_LEN`].
    pub payload: Range<usize>,
}

impl Header {
    /// Reads the header of a whole packet; `None` when the packet is shorter than it says.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; HEADER_LEN] = packet.first_chunk()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let start = payload_start(packet)?;
        let end = packet.len().checked_sub(padding(packet)?)?;
        if start > end {
            return None;
        }
        Some(Self {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7f,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            payload: start..end,
        })
    }

    /// A header for a payload of ours; its place comes by [`Header::put`].
    pub fn for_payload(payload: Range<usize>, payload_type: u8) -> Self {
        Self {
            marker: false,
            payload_type,
            sequence: 0,
            timestamp: 0,
            ssrc: 0,
            payload,
        }
    }

    /// Puts the packet at its place in the stream `ssrc`.
    pub fn put(&mut self, place: Place, ssrc: u32) {
        (self.sequence, self.timestamp, self.marker) =
            (place.sequence, place.timestamp, place.marker);
        self.ssrc = ssrc;
    }

    /// Writes the header right before its payload and answers with the packet to send: header and payload, no more.
    /// `None` when `payload` does not lie in `packet` with room for a header before it.
    pub fn write_before_payload<'a>(&self, packet: &'a mut [u8]) -> Option<&'a [u8]> {
        let start = self.payload.start.checked_sub(HEADER_LEN)?;
        let whole = packet.get_mut(start..self.payload.end)?;
        let head: &mut [u8; HEADER_LEN] = whole.first_chunk_mut()?;
        *head = self.to_bytes();
        Some(whole)
    }

    /// The twelve octets of the header.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut head = [0; HEADER_LEN];
        head[0] = 0x80;
        head[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        head[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        head[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        head[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        head
    }
}

/// Skips contributing sources and the header extension (RFC 3550 §5.3.1).
fn payload_start(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let sources_end = HEADER_LEN + 4 * usize::from(first & 0x0f);
    if first & 0x10 == 0 {
        return Some(sources_end);
    }
    let [_, _, high, low] = *packet.get(sources_end..)?.first_chunk::<4>()?;
    Some(sources_end + 4 + 4 * usize::from(u16::from_be_bytes([high, low])))
}

/// How many octets at the end are padding; a padding flag with a count of 0 is a fault.
fn padding(packet: &[u8]) -> Option<usize> {
    if *packet.first()? & 0x20 == 0 {
        return Some(0);
    }
    match *packet.last()? {
        0 => None,
        count => Some(usize::from(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn packet(first: u8, tail: &[u8]) -> Vec<u8> {
        let mut packet = vec![
            first, 0x88, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef,
        ];
        packet.extend_from_slice(tail);
        packet
    }

    #[test]
    fn finds_the_payload_or_refuses() {
        type Case = (&'static str, Vec<u8>, Option<Range<usize>>);
        let table: [Case; 11] = [
            ("plain", packet(0x80, &[1, 2, 3]), Some(12..15)),
            ("no payload", packet(0x80, &[]), Some(12..12)),
            ("one source", packet(0x81, &[9, 9, 9, 9, 1]), Some(16..17)),
            ("source missing", packet(0x81, &[9, 9, 9]), None),
            (
                "extension",
                packet(0x90, &[0xbe, 0xde, 0, 1, 7, 7, 7, 7, 1, 2]),
                Some(20..22),
            ),
            (
                "extension too long",
                packet(0x90, &[0xbe, 0xde, 0xff, 0xff, 7]),
                None,
            ),
            ("extension cut", packet(0x90, &[0xbe, 0xde]), None),
            ("padding", packet(0xa0, &[1, 2, 0, 2]), Some(12..14)),
            ("padding of 0", packet(0xa0, &[1, 2, 0, 0]), None),
            ("padding into the header", packet(0xa0, &[5, 5]), None),
            ("version 1", packet(0x40, &[1]), None),
        ];
        for (name, packet, expected) in table {
            assert_eq!(
                Header::parse(&packet).map(|header| header.payload),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn reads_every_field() {
        let header = Header::parse(&packet(0x80, &[1])).unwrap();
        assert_eq!(
            header,
            Header {
                marker: true,
                payload_type: 8,
                sequence: 0x1234,
                timestamp: 160,
                ssrc: 0xdead_beef,
                payload: 12..13
            }
        );
    }

    #[test]
    fn tells_the_kinds_apart() {
        let table: [(&str, &[u8], Kind); 7] = [
            ("mu-law", &[0x80, 0], Kind::Rtp),
            ("A-law with marker", &[0x80, 0x88], Kind::Rtp),
            ("event with marker", &[0x80, 0xe5], Kind::Rtp),
            ("sender report", &[0x80, 200], Kind::Rtcp),
            ("goodbye", &[0x81, 203], Kind::Rtcp),
            ("STUN", &[0x00, 0x01], Kind::Other),
            ("one octet", &[0x80], Kind::Other),
        ];
        for (name, datagram, expected) in table {
            assert_eq!(classify(datagram), expected, "{name}");
        }
    }

    #[test]
    fn writing_drops_sources_extension_and_padding() {
        let mut packet = packet(
            0xb1,
            &[9, 9, 9, 9, 0, 0, 0, 1, 7, 7, 7, 7, 0xaa, 0xbb, 0, 2],
        );
        let mut header = Header::parse(&packet).unwrap();
        header.sequence = 7;
        let sent = header.write_before_payload(&mut packet).unwrap();
        assert_eq!(sent.len(), HEADER_LEN + 2);
        assert_eq!(sent[..2], [0x80, 0x88]);
        assert_eq!(
            Header::parse(sent).unwrap(),
            Header {
                payload: 12..14,
                ..header.clone()
            }
        );
        assert_eq!(sent[12..], [0xaa, 0xbb]);
    }

    #[test]
    fn a_payload_elsewhere_is_refused() {
        let header = Header::parse(&packet(0x80, &[1, 2])).unwrap();
        assert_eq!(header.write_before_payload(&mut [0; 13]), None);
        assert_eq!(
            Header {
                payload: 3..5,
                ..header
            }
            .write_before_payload(&mut [0; 13]),
            None
        );
    }

    proptest! {
        #[test]
        fn no_octets_panic_and_what_is_written_reads_the_same(mut bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let Some(header) = Header::parse(&bytes) else { return Ok(()) };
            let payload: Vec<u8> = bytes[header.payload.clone()].to_vec();
            let sent = header.write_before_payload(&mut bytes).unwrap();
            let again = Header::parse(sent).unwrap();
            prop_assert_eq!(&sent[again.payload.clone()], &payload[..]);
            prop_assert_eq!(Header { payload: header.payload.clone(), ..again }, header);
        }
    }
}
