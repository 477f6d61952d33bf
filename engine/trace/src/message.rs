//! One message as it is kept.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use engine::{CallId, LegId};
use sip::{Flow, Transport};

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To us.
    Received,
    /// From us.
    Sent,
}

/// A message that passed, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// Its number; later messages have higher ones.
    pub seq: u64,
    /// When, UTC in microseconds since the Unix epoch.
    pub at_us: i64,
    /// Which way.
    pub direction: Direction,
    /// The transport.
    pub transport: Transport,
    /// Our address.
    pub local: SocketAddr,
    /// The other side's.
    pub remote: SocketAddr,
    /// The call and leg it belongs to; none of what belongs to no call, or none yet.
    pub leg: Option<(CallId, LegId)>,
    /// Its octets, each of a secret replaced by an `x`.
    pub raw: Arc<[u8]>,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Received => "received",
            Self::Sent => "sent",
        })
    }
}

impl Traced {
    /// A message that has just passed by this flow. Its secrets go here.
    pub fn new(seq: u64, at_us: i64, direction: Direction, flow: &Flow, raw: &[u8]) -> Self {
        Self {
            seq,
            at_us,
            direction,
            transport: flow.transport,
            local: flow.local,
            remote: flow.remote,
            leg: None,
            raw: sip::wire::masked(raw).into(),
        }
    }

    /// Where it came from.
    pub fn from(&self) -> SocketAddr {
        match self.direction {
            Direction::Received => self.remote,
            Direction::Sent => self.local,
        }
    }

    /// Where it went to.
    pub fn to(&self) -> SocketAddr {
        match self.direction {
            Direction::Received => self.local,
            Direction::Sent => self.remote,
        }
    }

    /// Its Call-ID.
    pub fn sip_call_id(&self) -> Option<&[u8]> {
        sip::wire::raw_header(&self.raw, "Call-ID", "i")
    }

    /// Its first line.
    pub fn start_line(&self) -> String {
        let line = self.raw.split(|octet| *octet == b'\n').next();
        String::from_utf8_lossy(line.unwrap_or_default().trim_ascii()).into_owned()
    }

    /// What it is in a few words: its method or status, and `SDP` when it carries a description.
    pub fn label(&self) -> String {
        let line = self.start_line();
        let label = match line.strip_prefix("SIP/2.0 ") {
            Some(status) => status.to_owned(),
            None => line.split(' ').next().unwrap_or_default().to_owned(),
        };
        let kind = sip::wire::raw_header(&self.raw, "Content-Type", "c").unwrap_or_default();
        let is_sdp = kind
            .get(..15)
            .is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/sdp"));
        if is_sdp { label + " (SDP)" } else { label }
    }

    /// The method that its CSeq names.
    pub fn method(&self) -> String {
        let cseq = sip::wire::raw_header(&self.raw, "CSeq", "CSeq").unwrap_or_default();
        let method = cseq.rsplit(|octet| octet.is_ascii_whitespace()).next();
        String::from_utf8_lossy(method.unwrap_or_default()).into_owned()
    }

    /// Whether somebody with this number calls, or is called: in From, To or the Request-URI.
    pub fn concerns(&self, number: &str) -> bool {
        let line = self.start_line();
        let header = |long, short| {
            let value = sip::wire::raw_header(&self.raw, long, short).unwrap_or_default();
            String::from_utf8_lossy(value).into_owned()
        };
        let users = [header("From", "f"), header("To", "t"), line];
        users.iter().any(|text| user_of(text) == Some(number))
    }
}

/// The user of the first SIP URI, or the number of the first `tel` URI, in a text.
fn user_of(text: &str) -> Option<&str> {
    let starts = ["sip:", "sips:", "tel:"];
    let uri = starts.into_iter().find_map(|scheme| {
        let at = text.to_ascii_lowercase().find(scheme)?;
        text.get(at + scheme.len()..)
    })?;
    let user = uri.split(['@', ';', '>', ':', ' ', '?']).next()?;
    Some(user)
}
