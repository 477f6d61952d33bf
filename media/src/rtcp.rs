//! Sender and receiver reports, in the little we need of them (RFC 3550 §6).
//!
//! We end RTCP on every leg: what a peer reports stays with that leg, and it gets reports of our own. Reads the
//! sender report and the block about our stream out of a compound packet; writes SR or RR, a CNAME and, at the end, a
//! BYE. When to send is the leg's to know.

use core::time::Duration;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;

const BLOCK_LEN: usize = 24;
const SENDER_INFO_LEN: usize = 20;

/// Room that every packet of [`Report::write`] fits in.
pub const REPORT_LEN_MAX: usize = 8 + SENDER_INFO_LEN + BLOCK_LEN + DESCRIPTION_LEN + 8;

/// Header, source, item head, 16 octets of CNAME, and the zeros that end it on a word.
const DESCRIPTION_LEN: usize = 4 + 4 + 2 + CNAME_LEN + 2;
const CNAME_LEN: usize = 16;

/// Seconds from the NTP epoch (1900) to the Unix epoch.
const NTP_OFFSET_S: u64 = 2_208_988_800;

/// A UTC time as an NTP time stamp: 32 bits of seconds since 1900, 32 of fraction.
pub fn ntp(now: Duration) -> u64 {
    let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
    (now.as_secs().wrapping_add(NTP_OFFSET_S) << 32) | fraction
}

/// The middle 32 bits of an NTP time stamp, in 1/65536 s.
pub fn ntp_middle(ntp: u64) -> u32 {
    // Cuts on purpose: RFC 3550 §6.4.1, LSR.
    (ntp >> 16) as u32
}

/// A length of time in 1/65536 s, as DLSR counts it; wraps as the field does.
pub fn to_short_ntp(time: Duration) -> u32 {
    ntp_middle(((time.as_secs()) << 32) | ((u64::from(time.subsec_nanos()) << 32) / 1_000_000_000))
}

/// 1/65536 s as a length of time.
pub fn from_short_ntp(short: u32) -> Duration {
    Duration::from_nanos((u64::from(short) * 1_000_000_000) >> 16)
}

/// What a peer told us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Received {
    /// The sender of the first report.
    pub ssrc: u32,
    /// [`ntp_middle`] of its sender report.
    pub sender_report: Option<u32>,
    /// What it says about our stream.
    pub block: Option<Block>,
    /// It says goodbye.
    pub goodbye: bool,
}

/// A report block (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Block {
    /// Whose stream it is about.
    pub ssrc: u32,
    /// Share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost in all; 24 bits, kept in range by writing.
    pub cumulative_lost: u32,
    /// Highest sequence number with its cycles.
    pub highest_sequence: u32,
    /// Jitter in time stamp ticks.
    pub jitter_ticks: u32,
    /// [`ntp_middle`] of the last sender report, 0 for none.
    pub last_sender_report: u32,
    /// Time since then, in 1/65536 s.
    pub delay_since: u32,
}

/// Reads a compound packet; `None` unless it starts with a well-formed report (RFC 3550 §A.2). Stops in silence at
/// the first part that does not fit.
pub fn parse(packet: &[u8], our_ssrc: u32) -> Option<Received> {
    let mut parts = Parts { rest: packet };
    let first = parts.next()?;
    if first.kind != SENDER_REPORT && first.kind != RECEIVER_REPORT {
        return None;
    }
    let mut received = Received {
        ssrc: word(first.body, 0)?,
        ..Received::default()
    };
    read_part(&first, our_ssrc, &mut received);
    for part in parts {
        read_part(&part, our_ssrc, &mut received);
    }
    Some(received)
}

struct Part<'a> {
    count: usize,
    kind: u8,
    body: &'a [u8],
}

struct Parts<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let [first, kind, high, low] = *self.rest.first_chunk::<4>()?;
        let end = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        let body = self.rest.get(4..end)?;
        if first >> 6 != 2 {
            return None;
        }
        self.rest = self.rest.get(end..)?;
        Some(Part {
            count: usize::from(first & 0x1f),
            kind,
            body,
        })
    }
}

fn read_part(part: &Part<'_>, our_ssrc: u32, received: &mut Received) {
    let blocks_at = match part.kind {
        SENDER_REPORT => {
            let stamp = word(part.body, 4).zip(word(part.body, 8));
            received.sender_report =
                stamp.map(|(high, low)| ntp_middle(u64::from(high) << 32 | u64::from(low)));
            4 + SENDER_INFO_LEN
        }
        RECEIVER_REPORT => 4,
        GOODBYE => {
            received.goodbye = true;
            return;
        }
        _ => return,
    };
    let blocks = part.body.get(blocks_at..).unwrap_or_default();
    let ours = blocks
        .chunks_exact(BLOCK_LEN)
        .take(part.count)
        .find(|block| word(block, 0) == Some(our_ssrc));
    if let Some(block) = ours.and_then(read_block) {
        received.block = Some(block);
    }
}

fn read_block(bytes: &[u8]) -> Option<Block> {
    let lost = word(bytes, 4)?;
    Some(Block {
        ssrc: word(bytes, 0)?,
        fraction_lost: lost.to_be_bytes()[0],
        cumulative_lost: lost & 0x00ff_ffff,
        highest_sequence: word(bytes, 8)?,
        jitter_ticks: word(bytes, 12)?,
        last_sender_report: word(bytes, 16)?,
        delay_since: word(bytes, 20)?,
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|chunk| u32::from_be_bytes(*chunk))
}

/// Round-trip time from a block about our stream (RFC 3550 §6.4.1); `None` when it does not know our report or its
/// numbers cannot be (the peer's clock).
pub fn round_trip(now: Duration, block: &Block) -> Option<Duration> {
    if block.last_sender_report == 0 {
        return None;
    }
    let since = ntp_middle(ntp(now)).wrapping_sub(block.last_sender_report);
    // More than a minute for there and back is a clock gone wrong, and so is a negative one.
    since
        .checked_sub(block.delay_since)
        .filter(|short| *short < 60 << 16)
        .map(from_short_ntp)
}

/// The sender's half of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// [`ntp`] of now.
    pub ntp: u64,
    /// The RTP time stamp of the same instant.
    pub timestamp: u32,
    /// Packets sent; wraps.
    pub packets: u32,
    /// Payload octets sent; wraps.
    pub octets: u32,
}

/// A report of ours: SR when we have sent something, else RR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Our stream.
    pub ssrc: u32,
    /// What we sent.
    pub sender: Option<SenderInfo>,
    /// What we heard.
    pub block: Option<Block>,
    /// Names this leg to the peer for as long as it lasts (RFC 7022); written as 16 hexadecimal digits.
    pub cname: u64,
    /// Whether the stream ends here.
    pub goodbye: bool,
}

impl Report {
    /// Writes the compound packet into `buffer` and answers with its length.
    pub fn write(&self, buffer: &mut [u8; REPORT_LEN_MAX]) -> usize {
        let mut out = Writer { buffer, len: 0 };
        self.write_report(&mut out);
        self.write_description(&mut out);
        if self.goodbye {
            out.head(1, GOODBYE, 8);
            out.word(self.ssrc);
        }
        out.len
    }

    fn write_report(&self, out: &mut Writer<'_>) {
        let blocks = u8::from(self.block.is_some());
        let sender_len = if self.sender.is_some() {
            SENDER_INFO_LEN
        } else {
            0
        };
        let kind = if self.sender.is_some() {
            SENDER_REPORT
        } else {
            RECEIVER_REPORT
        };
        out.head(
            blocks,
            kind,
            8 + sender_len + BLOCK_LEN * usize::from(blocks),
        );
        out.word(self.ssrc);
        if let Some(sender) = self.sender {
            out.bytes(&sender.ntp.to_be_bytes());
            for field in [sender.timestamp, sender.packets, sender.octets] {
                out.word(field);
            }
        }
        if let Some(block) = self.block {
            let lost = u32::from(block.fraction_lost) << 24 | block.cumulative_lost.min(0x7f_ffff);
            out.word(block.ssrc);
            for field in [
                lost,
                block.highest_sequence,
                block.jitter_ticks,
                block.last_sender_report,
                block.delay_since,
            ] {
                out.word(field);
            }
        }
    }

    fn write_description(&self, out: &mut Writer<'_>) {
        const CNAME: u8 = 1;
        out.head(1, DESCRIPTION, DESCRIPTION_LEN);
        out.word(self.ssrc);
        out.bytes(&[CNAME, CNAME_LEN as u8]);
        for byte in self.cname.to_be_bytes() {
            out.bytes(&[hex(byte >> 4), hex(byte & 0x0f)]);
        }
        out.bytes(&[0, 0]);
    }
}

fn hex(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + nibble - 10
    }
}

/// Fills a buffer whose size the lengths above add up to.
struct Writer<'a> {
    buffer: &'a mut [u8; REPORT_LEN_MAX],
    len: usize,
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        self.buffer[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }

    fn word(&mut self, word: u32) {
        self.bytes(&word.to_be_bytes());
    }

    fn head(&mut self, count: u8, kind: u8, part_len: usize) {
        let words = (part_len / 4 - 1) as u16;
        let [high, low] = words.to_be_bytes();
        self.bytes(&[0x80 | count, kind, high, low]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const NOW: Duration = Duration::new(1_800_000_000, 500_000_000);

    fn report(sender: bool, block: bool, goodbye: bool) -> Report {
        Report {
            ssrc: 0x1111_2222,
            sender: sender.then_some(SenderInfo {
                ntp: ntp(NOW),
                timestamp: 800,
                packets: 5,
                octets: 800,
            }),
            block: block.then_some(Block {
                ssrc: 0x3333_4444,
                fraction_lost: 3,
                cumulative_lost: 70,
                highest_sequence: 0x1_0005,
                jitter_ticks: 12,
                last_sender_report: 99,
                delay_since: 65_536,
            }),
            cname: 0xfeed_0000_0000_0001,
            goodbye,
        }
    }

    fn written(report: Report) -> Vec<u8> {
        let mut buffer = [0; REPORT_LEN_MAX];
        let len = report.write(&mut buffer);
        buffer[..len].to_vec()
    }

    #[test]
    fn what_we_write_a_peer_reads() {
        for (name, sender, block, goodbye, len) in [
            ("empty RR", false, false, false, 8 + 28),
            ("RR", false, true, false, 32 + 28),
            ("SR", true, true, false, 52 + 28),
            ("SR, BYE", true, true, true, REPORT_LEN_MAX),
        ] {
            let report = report(sender, block, goodbye);
            let packet = written(report);
            assert_eq!(packet.len(), len, "{name}");
            let read = parse(&packet, 0x3333_4444).unwrap();
            assert_eq!(read.ssrc, 0x1111_2222, "{name}");
            assert_eq!(
                read.sender_report,
                sender.then_some(ntp_middle(ntp(NOW))),
                "{name}"
            );
            assert_eq!(read.block, report.block, "{name}");
            assert_eq!(read.goodbye, goodbye, "{name}");
        }
    }

    #[test]
    fn octets_stand_where_the_rfc_says() {
        let packet = written(report(true, true, false));
        assert_eq!(packet[..4], [0x81, 200, 0, 12]);
        assert_eq!(
            packet[8..12],
            [0xee, 0xf4, 0x50, 0x80],
            "seconds since 1900"
        );
        assert_eq!(packet[12..16], [0x80, 0, 0, 0], "half a second");
        assert_eq!(packet[52..56], [0x81, 202, 0, 6]);
        assert_eq!(&packet[60..62], &[1, 16]);
        assert_eq!(&packet[62..80], b"feed000000000001\0\0");
    }

    #[test]
    fn a_block_about_another_stream_is_not_ours() {
        assert_eq!(
            parse(&written(report(true, true, false)), 5).unwrap().block,
            None
        );
    }

    #[test]
    fn refuses_what_is_no_report() {
        let table: [(&str, &[u8]); 5] = [
            ("empty", &[]),
            ("SDES first", &[0x81, 202, 0, 1, 0, 0, 0, 1]),
            ("cut", &[0x80, 201, 0, 1, 0, 0]),
            ("no source", &[0x80, 201, 0, 0]),
            ("version 1", &[0x40, 201, 0, 1, 0, 0, 0, 1]),
        ];
        for (name, packet) in table {
            assert_eq!(parse(packet, 0), None, "{name}");
        }
    }

    #[test]
    fn round_trip_is_now_less_sending_less_delay() {
        let sent = ntp_middle(ntp(NOW - Duration::from_millis(1_250)));
        let block = |last, delay| Block {
            last_sender_report: last,
            delay_since: delay,
            ..Block::default()
        };
        let table = [
            (
                "a quarter",
                block(sent, 65_536),
                Some(Duration::from_millis(250)),
            ),
            ("no report of ours", block(0, 0), None),
            ("answered before it was sent", block(sent, 3 * 65_536), None),
            ("an hour", block(sent.wrapping_sub(3_600 << 16), 0), None),
        ];
        for (name, block, expected) in table {
            assert_eq!(round_trip(NOW, &block), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_octets_panic(bytes in proptest::collection::vec(any::<u8>(), 0..128), ssrc in any::<u32>()) {
            let _ = parse(&bytes, ssrc);
        }

        #[test]
        fn flipped_octets_of_a_report_do_not_panic(at in 0_usize..80, with in any::<u8>()) {
            let mut packet = written(report(true, true, false));
            packet[at] = with;
            let _ = parse(&packet, 0x3333_4444);
        }
    }
}
