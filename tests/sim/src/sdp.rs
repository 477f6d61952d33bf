//! Session descriptions as simple phones write and read them (RFC 3264), without our own codec.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Which way sound may go, seen from the one who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// Both ways.
    #[default]
    Both,
    /// From the writer only: the other is on hold.
    SendOnly,
    /// To the writer only.
    ReceiveOnly,
    /// Neither.
    Inactive,
}

impl Way {
    const WORDS: [(Self, &'static str); 4] = [
        (Self::Both, "sendrecv"),
        (Self::SendOnly, "sendonly"),
        (Self::ReceiveOnly, "recvonly"),
        (Self::Inactive, "inactive"),
    ];

    /// As SDP writes it.
    pub fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(way, _)| *way == self);
        found.map_or("sendrecv", |(_, word)| word)
    }

    fn parse(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(_, known)| *known == word);
        found.map(|(way, _)| *way)
    }

    /// What the answer to it says when nobody else wants anything.
    fn mirrored(self) -> Self {
        match self {
            Self::Both => Self::Both,
            Self::SendOnly => Self::ReceiveOnly,
            Self::ReceiveOnly => Self::SendOnly,
            Self::Inactive => Self::Inactive,
        }
    }
}

/// The one audio stream of a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sdp {
    /// Where the writer wants its packets.
    pub address: SocketAddr,
    /// Payload types in the order of preference.
    pub payloads: Vec<u8>,
    /// Which way.
    pub way: Way,
}

impl Sdp {
    /// Reads a body; `None` when it has no audio stream.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let connection = text.lines().find_map(|line| {
            let ip: IpAddr = line.strip_prefix("c=IN IP")?.get(2..)?.parse().ok()?;
            Some(ip)
        })?;
        let media = text
            .lines()
            .find_map(|line| line.strip_prefix("m=audio "))?;
        let mut words = media.split_whitespace();
        let port = words.next()?.parse().ok()?;
        let payloads = words.skip(1).filter_map(|word| word.parse().ok()).collect();
        let way = text
            .lines()
            .find_map(|line| Way::parse(line.strip_prefix("a=")?));
        Some(Self {
            address: SocketAddr::new(connection, port),
            payloads,
            way: way.unwrap_or_default(),
        })
    }

    /// What answers this offer; `None` when no codec is common.
    pub(crate) fn answered_by(
        &self,
        address: SocketAddr,
        payloads: &[u8],
        way: Way,
    ) -> Option<Self> {
        let audio = |payload: &&u8| **payload < 96;
        let common = self
            .payloads
            .iter()
            .filter(audio)
            .find(|payload| payloads.contains(payload));
        let events = self.payloads.iter().find(|payload| **payload >= 96);
        let way = if way == Way::Both {
            self.way.mirrored()
        } else {
            way
        };
        Some(Self {
            address,
            payloads: [Some(common?), events]
                .into_iter()
                .flatten()
                .copied()
                .collect(),
            way,
        })
    }

    /// The body, with this number of its version.
    pub(crate) fn print(&self, version: u32) -> String {
        let family = if self.address.is_ipv4() { 4 } else { 6 };
        let (ip, port) = (self.address.ip(), self.address.port());
        let mut text = format!(
            "v=0\r\no=- {port} {version} IN IP{family} {ip}\r\ns=-\r\nc=IN IP{family} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP"
        );
        for payload in &self.payloads {
            let _ = write!(text, " {payload}");
        }
        text.push_str("\r\n");
        for payload in self.payloads.iter().filter(|payload| **payload >= 96) {
            let _ = write!(
                text,
                "a=rtpmap:{payload} telephone-event/8000\r\na=fmtp:{payload} 0-16\r\n"
            );
        }
        let _ = write!(text, "a={}\r\n", self.way.word());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back_and_an_answer_is_a_part_of_its_offer() {
        let address = SocketAddr::from(([10, 0, 0, 1], 20_000));
        let offer = Sdp {
            address,
            payloads: vec![8, 0, 101],
            way: Way::SendOnly,
        };
        assert_eq!(Sdp::parse(offer.print(1).as_bytes()), Some(offer.clone()));
        let answer = offer.answered_by(address, &[0], Way::Both).unwrap();
        assert_eq!(
            (answer.payloads, answer.way),
            (vec![0, 101], Way::ReceiveOnly)
        );
        assert_eq!(offer.answered_by(address, &[9], Way::Both), None);
        assert_eq!(Sdp::parse(b"v=0\r\n"), None);
    }
}
