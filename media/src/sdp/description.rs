//! A session description as values, and how it is printed.
//!
//! Holds what offer and answer need and nothing else: names, times, bandwidths, keys and candidates of a parsed
//! description are gone. Reading is in [`super::parse`].

use super::Direction;
use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

/// A word of a description. Those that nearly every description has are not copied.
pub(super) type Word = Cow<'static, str>;

/// A word, as it is written.
pub(super) fn word(text: &str) -> Word {
    const USUAL: [&str; 7] = [
        "audio",
        "video",
        "RTP/AVP",
        "RTP/SAVP",
        "PCMU",
        "PCMA",
        "telephone-event",
    ];
    let usual = USUAL.iter().chain(&NUMBERS).find(|usual| **usual == text);
    usual.map_or_else(
        || Cow::Owned(text.to_owned()),
        |usual| Cow::Borrowed(*usual),
    )
}

/// A payload type as a format of a stream.
pub(super) fn format(payload_type: u8) -> Word {
    let usual = USUAL_TYPES.iter().position(|usual| *usual == payload_type);
    match usual.and_then(|index| NUMBERS.get(index)) {
        Some(number) => Cow::Borrowed(*number),
        None => Cow::Owned(payload_type.to_string()),
    }
}

const USUAL_TYPES: [u8; 6] = [0, 8, 9, 13, 96, 101];
const NUMBERS: [&str; 6] = ["0", "8", "9", "13", "96", "101"];

/// A description: what holds for the whole session, then its streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`; `None` if missing or unreadable, which hurts nobody.
    pub origin: Option<Origin>,
    /// `c=` for streams that have none of their own.
    pub connection: Option<Host>,
    /// The direction of streams that name none.
    pub direction: Option<Direction>,
    /// `m=`, in order.
    pub streams: Vec<Stream>,
}

impl SessionDescription {
    /// Where `stream` wants its packets, if anything says so.
    pub fn host_of<'a>(&'a self, stream: &'a Stream) -> Option<&'a Host> {
        stream.connection.as_ref().or(self.connection.as_ref())
    }

    /// The direction of `stream`, inherited or assumed where it names none.
    pub fn direction_of(&self, stream: &Stream) -> Direction {
        stream.direction.or(self.direction).unwrap_or_default()
    }
}

/// Who made the session, and its how-manyth form this is (RFC 8866 §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Chosen once per session.
    pub session_id: u64,
    /// Goes up by one with each change.
    pub version: u64,
    /// Where it was made.
    pub host: Host,
}

/// The address in `o=`, `c=` or `a=rtcp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An address, without the TTL of a multicast group.
    Ip(IpAddr),
    /// A name, which we don't resolve.
    Name(Box<str>),
}

/// A stream: `m=` and the lines below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// `audio`, `video`, ...
    pub kind: Word,
    /// Where RTP is wanted; 0 if the stream is declined or gone.
    pub port: u16,
    /// `RTP/AVP`, `RTP/SAVP`, ...
    pub protocol: Word,
    /// Payload types in order of preference, as text: some protocols use names. At least one.
    pub formats: Vec<Word>,
    /// `c=` of this stream.
    pub connection: Option<Host>,
    /// Its direction, if it names one.
    pub direction: Option<Direction>,
    /// How much sound its maker wants in a packet.
    pub ptime_ms: Option<u16>,
    /// How much it can take.
    pub maxptime_ms: Option<u16>,
    /// What the payload types mean.
    pub rtpmaps: Vec<RtpMap>,
    /// Parameters of payload types; the first for each counts.
    pub fmtps: Vec<(u8, Box<str>)>,
    /// Where RTCP is wanted, when not one port above RTP (RFC 3605).
    pub rtcp: Option<RtcpAddress>,
    /// RTCP may come to the RTP port (RFC 5761).
    pub rtcp_mux: bool,
}

/// The meaning of a payload type (RFC 8866 §6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpMap {
    /// 0 to 127.
    pub payload_type: u8,
    /// `PCMA`, `telephone-event`, ...
    pub encoding: Word,
    /// Of the RTP timestamp.
    pub clock_rate_hz: u32,
    /// 1 when nothing is said.
    pub channels: u16,
}

/// Where RTCP is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpAddress {
    /// Not 0.
    pub port: u16,
    /// The stream's own host if `None`.
    pub host: Option<Host>,
}

impl Stream {
    /// Whether this is sound.
    pub fn is_audio(&self) -> bool {
        self.kind.eq_ignore_ascii_case("audio")
    }

    /// The meaning of a payload type, if the description gives one. Of two the first counts.
    pub fn rtpmap(&self, payload_type: u8) -> Option<&RtpMap> {
        self.rtpmaps
            .iter()
            .find(|map| map.payload_type == payload_type)
    }

    /// The parameters of a payload type.
    pub fn fmtp(&self, payload_type: u8) -> Option<&str> {
        self.fmtps
            .iter()
            .find(|(number, _)| *number == payload_type)
            .map(|(_, parameters)| &**parameters)
    }

    /// The same stream, declined: port 0, one format because the grammar wants one (RFC 3264 §6).
    #[must_use]
    pub fn declined(&self) -> Self {
        Self {
            kind: self.kind.clone(),
            port: 0,
            protocol: self.protocol.clone(),
            formats: self.formats.iter().take(1).cloned().collect(),
            connection: None,
            direction: None,
            ptime_ms: None,
            maxptime_ms: None,
            rtpmaps: Vec::new(),
            fmtps: Vec::new(),
            rtcp: None,
            rtcp_mux: false,
        }
    }
}

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=0\r\n")?;
        if let Some(origin) = &self.origin {
            write!(
                f,
                "o=- {} {} {}\r\n",
                origin.session_id, origin.version, origin.host
            )?;
        }
        f.write_str("s=-\r\n")?;
        if let Some(host) = &self.connection {
            write!(f, "c={host}\r\n")?;
        }
        f.write_str("t=0 0\r\n")?;
        if let Some(direction) = self.direction {
            write!(f, "a={}\r\n", direction.attribute())?;
        }
        self.streams.iter().try_for_each(|stream| stream.fmt(f))
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {} {}", self.kind, self.port, self.protocol)?;
        self.formats
            .iter()
            .try_for_each(|format| write!(f, " {format}"))?;
        f.write_str("\r\n")?;
        if let Some(host) = &self.connection {
            write!(f, "c={host}\r\n")?;
        }
        self.rtpmaps.iter().try_for_each(|map| map.fmt(f))?;
        for (payload_type, parameters) in &self.fmtps {
            write!(f, "a=fmtp:{payload_type} {parameters}\r\n")?;
        }
        if let Some(ptime_ms) = self.ptime_ms {
            write!(f, "a=ptime:{ptime_ms}\r\n")?;
        }
        if let Some(maxptime_ms) = self.maxptime_ms {
            write!(f, "a=maxptime:{maxptime_ms}\r\n")?;
        }
        if let Some(direction) = self.direction {
            write!(f, "a={}\r\n", direction.attribute())?;
        }
        if let Some(rtcp) = &self.rtcp {
            write!(f, "a=rtcp:{}", rtcp.port)?;
            rtcp.host.iter().try_for_each(|host| write!(f, " {host}"))?;
            f.write_str("\r\n")?;
        }
        if self.rtcp_mux {
            f.write_str("a=rtcp-mux\r\n")
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for RtpMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a=rtpmap:{} {}/{}",
            self.payload_type, self.encoding, self.clock_rate_hz
        )?;
        if self.channels != 1 {
            write!(f, "/{}", self.channels)?;
        }
        f.write_str("\r\n")
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip @ IpAddr::V4(_)) => write!(f, "IN IP4 {ip}"),
            Self::Ip(ip @ IpAddr::V6(_)) => write!(f, "IN IP6 {ip}"),
            Self::Name(name) => write!(f, "IN IP4 {name}"),
        }
    }
}
