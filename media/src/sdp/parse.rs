//! Reading a session description (RFC 8866 §5, §9).
//!
//! One pass over the lines. What offer and answer rest on (`v=`, `c=`, `m=`) must be right or the whole is refused by
//! line; an attribute that makes no sense is as good as none; other lines are passed over unread. Where an attribute
//! that can stand once stands twice, the first counts.

use super::description::{
    Host, Origin, RtcpAddress, RtpMap, SessionDescription, Stream, Word, word,
};
use super::{Direction, SdpFault};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::str::{self, FromStr};

/// The longest description looked at. A browser's, with video and candidates, has some 10,000 bytes.
pub const MAX_BYTES: usize = 32 * 1024;

/// The most lines, empty ones included.
pub const MAX_LINES: usize = 1000;

/// The most streams; each comes back in the answer.
pub const MAX_STREAMS: usize = 32;

/// The most formats of one stream: as many as there are payload types.
pub const MAX_FORMATS: usize = 128;

impl SessionDescription {
    /// Reads a description with lines that end in CRLF or LF.
    ///
    /// # Errors
    /// The first fault and its line.
    pub fn parse(body: &[u8]) -> Result<Self, SdpFault> {
        if body.len() > MAX_BYTES {
            return Err(SdpFault::TooLong { bytes: body.len() });
        }
        let mut description = Self::default();
        let mut version_seen = false;
        for (index, line) in body.split(|byte| *byte == b'\n').enumerate() {
            let number = index + 1;
            if number > MAX_LINES {
                return Err(SdpFault::TooManyLines);
            }
            let line = line.trim_ascii_end();
            match line {
                [] => {}
                b"v=0" => version_seen = true,
                _ if !version_seen => return Err(SdpFault::Version),
                [letter, b'=', value @ ..] => description.take_line(*letter, value, number)?,
                _ => return Err(SdpFault::Line { line: number }),
            }
        }
        if version_seen {
            Ok(description)
        } else {
            Err(SdpFault::Version)
        }
    }

    fn take_line(&mut self, letter: u8, value: &[u8], line: usize) -> Result<(), SdpFault> {
        match letter {
            b'o' => self.origin = str::from_utf8(value).ok().and_then(parse_origin),
            b'c' => self.take_connection(
                parse_text(value, parse_host).ok_or(SdpFault::Connection { line })?,
            ),
            b'm' => {
                if self.streams.len() == MAX_STREAMS {
                    return Err(SdpFault::TooManyStreams);
                }
                let stream = parse_text(value, parse_stream).ok_or(SdpFault::Stream { line })?;
                if stream.formats.len() > MAX_FORMATS {
                    return Err(SdpFault::TooManyFormats { line });
                }
                self.streams.push(stream);
            }
            b'a' => {
                if let Ok(text) = str::from_utf8(value) {
                    let (name, value) = text.split_once(':').unwrap_or((text, ""));
                    self.take_attribute(name, value.trim_ascii());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_connection(&mut self, host: Host) {
        let place = self
            .streams
            .last_mut()
            .map_or(&mut self.connection, |stream| &mut stream.connection);
        place.get_or_insert(host);
    }

    fn take_attribute(&mut self, name: &str, value: &str) {
        if let Some(direction) = Direction::from_attribute(name) {
            let place = self
                .streams
                .last_mut()
                .map_or(&mut self.direction, |stream| &mut stream.direction);
            place.get_or_insert(direction);
        } else if let Some(stream) = self.streams.last_mut() {
            stream.take_attribute(name, value);
        }
    }
}

impl Stream {
    fn take_attribute(&mut self, name: &str, value: &str) {
        match name {
            "rtpmap" => self.rtpmaps.extend(parse_rtpmap(value)),
            "fmtp" => self.fmtps.extend(parse_fmtp(value)),
            "ptime" => self.ptime_ms = self.ptime_ms.or_else(|| parse_ms(value)),
            "maxptime" => self.maxptime_ms = self.maxptime_ms.or_else(|| parse_ms(value)),
            "rtcp" => self.rtcp = self.rtcp.take().or_else(|| parse_rtcp(value)),
            "rtcp-mux" => self.rtcp_mux = true,
            _ => {}
        }
    }
}

fn parse_text<T>(value: &[u8], parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    parse(str::from_utf8(value).ok()?)
}

/// `username session-id version IN IP4 host`.
fn parse_origin(value: &str) -> Option<Origin> {
    let (_username, rest) = value.split_once(' ')?;
    let (session_id, rest) = rest.split_once(' ')?;
    let (version, host) = rest.split_once(' ')?;
    Some(Origin {
        session_id: session_id.parse().ok()?,
        version: version.parse().ok()?,
        host: parse_host(host)?,
    })
}

/// `IN IP4 192.0.2.1`, `IN IP6 2001:db8::1`, `IN IP4 233.252.0.1/127`, `IN IP4 host.example`.
///
/// The address itself decides about its version: phones that write `IP4` before an IPv6 address mean the latter.
fn parse_host(value: &str) -> Option<Host> {
    let mut words = value.split_ascii_whitespace();
    let ("IN", "IP4" | "IP6", address) = (words.next()?, words.next()?, words.next()?) else {
        return None;
    };
    let address = address
        .split('/')
        .next()
        .filter(|address| is_token(address))?;
    let host = IpAddr::from_str(address).map_or_else(
        |_| Host::Name(address.into()),
        |ip| Host::Ip(ip.to_canonical()),
    );
    words.next().is_none().then_some(host)
}

/// `audio 49170 RTP/AVP 0 8 101`; also `49170/2`, of which the first port counts.
fn parse_stream(value: &str) -> Option<Stream> {
    let mut words = value.split_ascii_whitespace();
    let (kind, port, protocol) = (words.next()?, words.next()?, words.next()?);
    let port = port.split('/').next()?.parse().ok()?;
    // One more than allowed is enough to see that there are too many.
    let formats: Vec<Word> = words.take(MAX_FORMATS + 1).map(word).collect();
    let printable = [kind, protocol]
        .into_iter()
        .chain(formats.iter().map(|format| &**format))
        .all(is_token);
    (printable && !formats.is_empty()).then(|| Stream {
        kind: word(kind),
        port,
        protocol: word(protocol),
        formats,
        connection: None,
        direction: None,
        ptime_ms: None,
        maxptime_ms: None,
        rtpmaps: Vec::new(),
        fmtps: Vec::new(),
        rtcp: None,
        rtcp_mux: false,
    })
}

/// Words that come back in our answers must not be able to carry anything but themselves.
fn is_token(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `101 telephone-event/8000`, `96 opus/48000/2`.
fn parse_rtpmap(value: &str) -> Option<RtpMap> {
    let (payload_type, encoding) = parse_payload_type(value)?;
    let mut parts = encoding.split('/');
    let (name, clock, channels) = (
        parts.next().filter(|name| is_token(name))?,
        parts.next()?,
        parts.next(),
    );
    Some(RtpMap {
        payload_type,
        encoding: word(name),
        clock_rate_hz: clock.parse().ok()?,
        channels: channels.map_or(Some(1), |channels| channels.parse().ok())?,
    })
}

/// `101 0-15`.
fn parse_fmtp(value: &str) -> Option<(u8, Box<str>)> {
    let (payload_type, parameters) = parse_payload_type(value)?;
    let printable = parameters.chars().all(|character| !character.is_control());
    printable.then(|| (payload_type, parameters.into()))
}

fn parse_payload_type(value: &str) -> Option<(u8, &str)> {
    let (number, rest) = value.split_once(' ')?;
    let rest = rest.trim_ascii();
    let number = number.parse().ok().filter(|number| *number < 128)?;
    (!rest.is_empty()).then_some((number, rest))
}

/// Whole milliseconds above 0; what some phones write behind a decimal point does not matter.
fn parse_ms(value: &str) -> Option<u16> {
    value.split('.').next()?.parse().ok().filter(|ms| *ms > 0)
}

/// `53020` or `53020 IN IP4 192.0.2.1`.
fn parse_rtcp(value: &str) -> Option<RtcpAddress> {
    let (port, host) = match value.split_once(' ') {
        Some((port, host)) => (port, Some(parse_host(host)?)),
        None => (value, None),
    };
    Some(RtcpAddress {
        port: port.parse().ok().filter(|port| *port > 0)?,
        host,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    const HEAD: &str = "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

    fn parsed(text: &str) -> SessionDescription {
        SessionDescription::parse(text.as_bytes()).unwrap()
    }

    fn ip(text: &str) -> Host {
        Host::Ip(text.parse().unwrap())
    }

    #[test]
    fn broken_descriptions_are_refused_by_line() {
        let many = |line: &str, count: usize| String::from(HEAD) + &line.repeat(count);
        let table = [
            ("nothing", String::new(), SdpFault::Version),
            ("only empty lines", "\r\n\r\n".into(), SdpFault::Version),
            ("not SDP", "hello\r\n".into(), SdpFault::Version),
            ("another version", "v=1\r\n".into(), SdpFault::Version),
            (
                "a body of another kind",
                "Signal=5\r\nDuration=160\r\n".into(),
                SdpFault::Version,
            ),
            (
                "a line of text",
                many("whatever\r\n", 1),
                SdpFault::Line { line: 6 },
            ),
            (
                "a folded line",
                many(" m=audio 1 RTP/AVP 0\r\n", 1),
                SdpFault::Line { line: 6 },
            ),
            (
                "no port",
                many("m=audio RTP/AVP 0\r\n", 1),
                SdpFault::Stream { line: 6 },
            ),
            (
                "a port too high",
                many("m=audio 65536 RTP/AVP 0\r\n", 1),
                SdpFault::Stream { line: 6 },
            ),
            (
                "a negative port",
                many("m=audio -1 RTP/AVP 0\r\n", 1),
                SdpFault::Stream { line: 6 },
            ),
            (
                "no format",
                many("m=audio 4000 RTP/AVP\r\n", 1),
                SdpFault::Stream { line: 6 },
            ),
            (
                "a control character",
                many("m=audio 4000 RTP/AVP 0\u{7}\r\n", 1),
                SdpFault::Stream { line: 6 },
            ),
            (
                "a letter beyond ASCII",
                many("m=aud\u{ef}o 4000 RTP/AVP 0\r\n", 1),
                SdpFault::Stream { line: 6 },
            ),
            (
                "an empty c=",
                many("c=\r\n", 1),
                SdpFault::Connection { line: 6 },
            ),
            (
                "another network",
                many("c=ATM NSAP 47.0091\r\n", 1),
                SdpFault::Connection { line: 6 },
            ),
            (
                "an address and more",
                many("c=IN IP4 192.0.2.1 192.0.2.2\r\n", 1),
                SdpFault::Connection { line: 6 },
            ),
            (
                "33 streams",
                many("m=audio 0 RTP/AVP 0\r\n", 33),
                SdpFault::TooManyStreams,
            ),
            ("1001 lines", many("a=x\r\n", 996), SdpFault::TooManyLines),
            (
                "129 formats",
                String::from(HEAD) + "m=audio 4000 RTP/AVP" + &" 0".repeat(129) + "\r\n",
                SdpFault::TooManyFormats { line: 6 },
            ),
            (
                "32 kB and a byte",
                many("a", MAX_BYTES + 1 - HEAD.len()),
                SdpFault::TooLong {
                    bytes: MAX_BYTES + 1,
                },
            ),
        ];
        for (name, text, expected) in table {
            assert_eq!(
                SessionDescription::parse(text.as_bytes()),
                Err(expected),
                "{name}"
            );
        }
    }

    #[test]
    fn what_phones_leave_out_or_get_wrong_is_forgiven() {
        let stream = "m=audio 4000 RTP/AVP 0\r\n";
        let table = [
            (
                "LF alone",
                HEAD.replace("\r\n", "\n") + "m=audio 4000 RTP/AVP 0\n",
            ),
            (
                "no end of the last line",
                String::from(HEAD) + stream.trim_end(),
            ),
            (
                "only what is needed",
                String::from("v=0\r\nc=IN IP4 192.0.2.1\r\n") + stream,
            ),
            (
                "t before c",
                String::from("v=0\r\no=- 1 2 IN IP4 h\r\nt=0 0\r\nc=IN IP4 192.0.2.1\r\ns=x\r\n")
                    + stream,
            ),
            (
                "an o= that makes no sense",
                String::from("v=0\r\no=me\r\nc=IN IP4 192.0.2.1\r\n") + stream,
            ),
            (
                "unknown lines",
                String::from(HEAD) + "x=what\r\nz=0 0\r\n" + stream + "y=0100000001\r\n",
            ),
            (
                "an empty line inside and at the end",
                String::from(HEAD) + "\r\n" + stream + "\r\n\r\n",
            ),
            (
                "spaces at the ends of lines",
                HEAD.replace("\r\n", " \r\n").replace("v=0 ", "v=0\t") + stream,
            ),
            (
                "a c= again",
                String::from(HEAD) + "c=IN IP4 198.51.100.7\r\n" + stream,
            ),
        ];
        for (name, text) in table {
            let description = parsed(&text);
            assert_eq!(description.streams.len(), 1, "{name}");
            assert_eq!(
                description.host_of(&description.streams[0]),
                Some(&ip("192.0.2.1")),
                "{name}"
            );
        }
        let latin = [
            HEAD.as_bytes(),
            b"s=Caf\xe9\r\na=tool:\xff\r\n",
            stream.as_bytes(),
        ]
        .concat();
        assert_eq!(
            SessionDescription::parse(&latin).unwrap().streams.len(),
            1,
            "bytes beyond UTF-8 where they don't matter"
        );
    }

    #[test]
    fn addresses_are_read() {
        let table = [
            ("IN IP4 192.0.2.1", Some(ip("192.0.2.1"))),
            ("IN IP4 233.252.0.1/127", Some(ip("233.252.0.1"))),
            ("IN IP6 2001:db8::1", Some(ip("2001:db8::1"))),
            ("IN IP6 ::ffff:192.0.2.1", Some(ip("192.0.2.1"))),
            ("IN IP4 2001:db8::1", Some(ip("2001:db8::1"))),
            (
                "IN IP4 pbx.example.com",
                Some(Host::Name("pbx.example.com".into())),
            ),
            ("IN IP4 /24", None),
            ("IN IP5 192.0.2.1", None),
            ("192.0.2.1", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_host(text), expected, "{text}");
        }
    }

    #[test]
    fn attributes_belong_to_their_stream() {
        let text = String::from(HEAD)
            + "a=sendonly\r\na=ptime:40\r\n\
               m=audio 4000/2 RTP/AVP 96 0\r\nc=IN IP4 192.0.2.9\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n\
               a=fmtp:96 useinbandfec=1\r\na=ptime:30\r\na=maxptime:60.0\r\na=recvonly\r\na=rtcp:4100\r\na=rtcp-mux\r\n\
               m=video 0 RTP/SAVPF 97\r\n";
        let description = parsed(&text);
        let [audio, video] = &description.streams[..] else {
            panic!("{description:?}")
        };
        assert_eq!(
            (audio.port, audio.ptime_ms, audio.maxptime_ms),
            (4000, Some(30), Some(60))
        );
        assert_eq!(audio.rtpmap(96).unwrap().channels, 2);
        assert_eq!(audio.fmtp(96), Some("useinbandfec=1"));
        assert_eq!(
            audio.rtcp,
            Some(RtcpAddress {
                port: 4100,
                host: None
            })
        );
        assert!(audio.rtcp_mux && !video.rtcp_mux);
        assert_eq!(description.host_of(audio), Some(&ip("192.0.2.9")));
        assert_eq!(description.host_of(video), Some(&ip("192.0.2.1")));
        assert_eq!(description.direction_of(audio), Direction::RecvOnly);
        assert_eq!(description.direction_of(video), Direction::SendOnly);
        assert_eq!(
            parsed(&description.to_string()),
            description,
            "printed and read again"
        );
    }

    #[test]
    fn attributes_that_make_no_sense_are_none() {
        let lines = [
            "rtpmap:",
            "rtpmap:101",
            "rtpmap:128 PCMU/8000",
            "rtpmap:x PCMU/8000",
            "rtpmap:101 PCMU",
            "rtpmap:101 PCMU/x",
            "rtpmap:101 PCMU/8000/x",
            "rtpmap:101 /8000",
            "fmtp:101",
            "fmtp:200 0-15",
            "ptime:0",
            "ptime:x",
            "ptime:-20",
            "maxptime:99999",
            "rtcp:0",
            "rtcp:x",
            "rtcp:5000 IN IP4",
        ];
        for line in lines {
            let description = parsed(&alloc::format!(
                "{HEAD}m=audio 4000 RTP/AVP 0\r\na={line}\r\n"
            ));
            let plain = parsed(&alloc::format!("{HEAD}m=audio 4000 RTP/AVP 0\r\n"));
            assert_eq!(description, plain, "{line}");
        }
    }

    #[test]
    fn of_two_attributes_the_first_counts() {
        let text = String::from(HEAD)
            + "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\na=rtpmap:101 opus/48000/2\r\na=fmtp:101 0-11\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=ptime:60\r\na=sendonly\r\na=sendrecv\r\n";
        let description = parsed(&text);
        let stream = &description.streams[0];
        assert_eq!(&*stream.rtpmap(101).unwrap().encoding, "telephone-event");
        assert_eq!(
            (stream.fmtp(101), stream.ptime_ms, stream.direction),
            (Some("0-11"), Some(20), Some(Direction::SendOnly))
        );
    }
}
