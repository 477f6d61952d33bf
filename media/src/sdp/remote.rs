//! What a peer's audio stream says, in our terms: which of its formats we speak, where its packets go.

use super::{Direction, EventSet, Host, LocalMedia, NotAcceptable, SessionDescription, Stream};
use crate::codec::{Codec, FRAME_MS, TELEPHONE_EVENT_CLOCK_HZ};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// A peer's audio stream that we could take part in.
#[derive(Clone, Debug)]
pub(super) struct RemoteAudio {
    /// Our codecs among its formats, in its order, with its payload types. Not empty.
    pub(super) codecs: Vec<(u8, Codec)>,
    /// Its first telephone events at 8000 Hz, and which it hears.
    pub(super) events: Option<(u8, EventSet)>,
    /// Where it wants RTP. An unspecified address: nowhere, it holds us in the way of RFC 2543.
    pub(super) rtp: SocketAddr,
    /// Where it wants RTCP, unless that comes with RTP.
    rtcp: SocketAddr,
    /// Whether RTCP may come with RTP.
    rtcp_mux: bool,
    /// How much sound it wants in a packet, within what it can take; 10 to 60 ms.
    pub(super) ptime_ms: u8,
    /// Who sends and receives, from its side.
    direction: Direction,
}

impl RemoteAudio {
    /// Looks at `stream` of `description` with our side in mind.
    pub(super) fn read(
        description: &SessionDescription,
        stream: &Stream,
        our: &LocalMedia,
    ) -> Result<Self, NotAcceptable> {
        if !stream.is_audio() || stream.port == 0 {
            return Err(NotAcceptable::NoAudio);
        }
        if !is_plain_rtp(&stream.protocol) {
            return Err(NotAcceptable::Protocol);
        }
        let codecs = codecs(stream);
        if !codecs.iter().any(|(_, codec)| our.codecs.contains(codec)) {
            return Err(NotAcceptable::NoCodec);
        }
        let host = description
            .host_of(stream)
            .ok_or(NotAcceptable::NoAddress)?;
        let address = reachable(host, our)?;
        let rtcp_port = stream
            .rtcp
            .as_ref()
            .map_or_else(|| stream.port.saturating_add(1), |rtcp| rtcp.port);
        // An RTCP host that cannot be reached is no reason to go without sound.
        let rtcp_host = stream.rtcp.as_ref().and_then(|rtcp| rtcp.host.as_ref());
        let rtcp_address = rtcp_host
            .and_then(|host| reachable(host, our).ok())
            .unwrap_or(address);
        Ok(Self {
            codecs,
            events: events(stream),
            rtp: SocketAddr::new(address, stream.port),
            rtcp: SocketAddr::new(rtcp_address, rtcp_port),
            rtcp_mux: stream.rtcp_mux,
            ptime_ms: ptime_ms(stream),
            direction: description.direction_of(stream),
        })
    }

    /// Who sends and receives, from our side: what both sides allow, and nothing to a peer without an address.
    pub(super) fn direction_for(&self, our: &LocalMedia) -> Direction {
        let both = self.direction.reversed().and(our.direction);
        Direction::new(
            both.sends() && !self.rtp.ip().is_unspecified(),
            both.receives(),
        )
    }

    /// Whether RTCP shares RTP's port, and where it then goes.
    pub(super) fn rtcp_for(&self, our: &LocalMedia) -> (bool, SocketAddr) {
        if self.rtcp_mux && our.rtcp_mux {
            (true, self.rtp)
        } else {
            (false, self.rtcp)
        }
    }

    /// Our most preferred codec among the peer's. RFC 3264 §6.1 would have its order followed unless there is a reason:
    /// ours is that two legs with one codec need no translation.
    pub(super) fn preferred(&self, our: &LocalMedia) -> Option<(u8, Codec)> {
        our.codecs
            .iter()
            .find_map(|codec| self.codecs.iter().find(|(_, offered)| offered == codec))
            .copied()
    }

    /// The key presses both sides hear, and the peer's payload type for them.
    pub(super) fn common_events(&self, our: &LocalMedia) -> Option<(u8, EventSet)> {
        let (payload_type, events) = self.events.filter(|_| our.telephone_event)?;
        let common = events.and(EventSet::KEYS);
        (!common.is_empty()).then_some((payload_type, common))
    }
}

/// How much sound to put in a packet for `stream`: what it asks for, within what it can take; 10 to 60 ms.
fn ptime_ms(stream: &Stream) -> u8 {
    let wanted = stream.ptime_ms.unwrap_or(FRAME_MS);
    let bounded = wanted
        .min(stream.maxptime_ms.unwrap_or(u16::MAX))
        .clamp(10, 60);
    u8::try_from(bounded).unwrap_or(60)
}

/// RTP/AVPF only adds feedback messages, which nobody has to send (RFC 4585 §3). The secure profiles are for later.
fn is_plain_rtp(protocol: &str) -> bool {
    ["RTP/AVP", "RTP/AVPF"]
        .iter()
        .any(|plain| protocol.eq_ignore_ascii_case(plain))
}

/// Our codecs among the formats. An `a=rtpmap` outweighs the static meaning of a payload type.
fn codecs(stream: &Stream) -> Vec<(u8, Codec)> {
    let codec_of = |payload_type| codec(stream, payload_type).map(|codec| (payload_type, codec));
    payload_types(stream).filter_map(codec_of).collect()
}

/// The first telephone events among the formats that run on our clock.
fn events(stream: &Stream) -> Option<(u8, EventSet)> {
    let payload_type = payload_types(stream).find(|number| is_telephone_event(stream, *number))?;
    let set = stream
        .fmtp(payload_type)
        .map_or(EventSet::UNSAID, EventSet::parse);
    Some((payload_type, set))
}

/// The formats that are payload types, each once.
fn payload_types(stream: &Stream) -> impl Iterator<Item = u8> {
    let mut seen = 0_u128;
    let numbers = stream
        .formats
        .iter()
        .filter_map(|format| format.parse::<u8>().ok());
    numbers
        .filter(|number| *number < 128)
        .filter(move |number| {
            let is_new = seen & (1 << number) == 0;
            seen |= 1 << number;
            is_new
        })
}

fn codec(stream: &Stream, payload_type: u8) -> Option<Codec> {
    match stream.rtpmap(payload_type) {
        Some(map) if map.channels == 1 => {
            Codec::from_encoding_name(&map.encoding, map.clock_rate_hz)
        }
        Some(_) => None,
        None => Codec::from_static_payload_type(payload_type),
    }
}

/// Events must run on the codecs' clock, or the receiver cannot place them (RFC 4733 §2.1).
pub(super) fn is_telephone_event(stream: &Stream, payload_type: u8) -> bool {
    stream.rtpmap(payload_type).is_some_and(|map| {
        map.encoding.eq_ignore_ascii_case("telephone-event")
            && map.clock_rate_hz == TELEPHONE_EVENT_CLOCK_HZ
            && map.channels == 1
    })
}

/// The address to send to. Unspecified in our family if the peer wants nothing: `0.0.0.0`, `::`, a name in `.invalid`
/// (RFC 3264 §8.4, RFC 6157 §5.1).
fn reachable(host: &Host, our: &LocalMedia) -> Result<IpAddr, NotAcceptable> {
    let nowhere = unspecified_like(our.rtp.ip());
    match host {
        Host::Ip(ip) if ip.is_unspecified() => Ok(nowhere),
        Host::Ip(ip) if ip.is_multicast() || *ip == IpAddr::V4(core::net::Ipv4Addr::BROADCAST) => {
            Err(NotAcceptable::Multicast)
        }
        Host::Ip(ip) if ip.is_ipv4() != our.rtp.is_ipv4() => Err(NotAcceptable::AddressFamily),
        Host::Ip(ip) => Ok(*ip),
        Host::Name(name) if is_invalid(name) => Ok(nowhere),
        Host::Name(_) => Err(NotAcceptable::AddressName),
    }
}

fn unspecified_like(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => core::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => core::net::Ipv6Addr::UNSPECIFIED.into(),
    }
}

fn is_invalid(name: &str) -> bool {
    let last_label = name.trim_end_matches('.').rsplit('.').next();
    last_label.is_some_and(|label| label.eq_ignore_ascii_case("invalid"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn read(media: &str) -> Result<RemoteAudio, NotAcceptable> {
        let text = format!("v=0\nc=IN IP4 192.0.2.1\n{media}");
        let description = SessionDescription::parse(text.as_bytes()).unwrap();
        let our = LocalMedia::new("198.51.100.1:4000".parse().unwrap());
        RemoteAudio::read(&description, &description.streams[0], &our)
    }

    /// `(name, formats and maps, codecs, events)`
    type Row<'a> = (&'a str, &'a str, &'a [(u8, Codec)], Option<(u8, EventSet)>);

    #[test]
    fn formats_are_known_by_their_maps() {
        use Codec::{Pcma, Pcmu};
        let event = |payload_type| Some((payload_type, EventSet::UNSAID));
        let table: &[Row<'_>] = &[
            ("static", "8 0", &[(8, Pcma), (0, Pcmu)], None),
            (
                "static, with maps",
                "0 101\na=rtpmap:0 PCMU/8000\na=rtpmap:101 telephone-event/8000",
                &[(0, Pcmu)],
                event(101),
            ),
            (
                "lower case, one channel said",
                "8\na=rtpmap:8 pcma/8000/1",
                &[(8, Pcma)],
                None,
            ),
            (
                "dynamic",
                "96 97\na=rtpmap:96 PCMU/8000\na=rtpmap:97 PCMA/8000",
                &[(96, Pcmu), (97, Pcma)],
                None,
            ),
            (
                "the map outweighs the number",
                "0 8\na=rtpmap:0 PCMA/8000",
                &[(0, Pcma), (8, Pcma)],
                None,
            ),
            (
                "the number used for another codec",
                "0 8\na=rtpmap:0 speex/8000",
                &[(8, Pcma)],
                None,
            ),
            (
                "wide band and stereo are others",
                "0 96 97\na=rtpmap:96 PCMU/16000\na=rtpmap:97 PCMU/8000/2",
                &[(0, Pcmu)],
                None,
            ),
            ("twice the same", "0 0 0", &[(0, Pcmu)], None),
            (
                "numbers that are no payload types",
                "0 x 128 -1 256",
                &[(0, Pcmu)],
                None,
            ),
            (
                "events of two clocks",
                "0 110 126\na=rtpmap:110 telephone-event/48000\na=rtpmap:126 telephone-event/8000",
                &[(0, Pcmu)],
                event(126),
            ),
            (
                "events of the wrong clock only",
                "0 110\na=rtpmap:110 telephone-event/16000",
                &[(0, Pcmu)],
                None,
            ),
            ("events without a map", "0 101", &[(0, Pcmu)], None),
            (
                "a map that is not listed",
                "0\na=rtpmap:101 telephone-event/8000",
                &[(0, Pcmu)],
                None,
            ),
            (
                "101 is something else",
                "0 101 97\na=rtpmap:101 opus/48000/2\na=rtpmap:97 telephone-event/8000",
                &[(0, Pcmu)],
                event(97),
            ),
        ];
        for (name, formats, codecs, events) in table {
            let audio = read(&format!("m=audio 4000 RTP/AVP {formats}\n")).unwrap();
            assert_eq!(
                (&audio.codecs[..], audio.events),
                (*codecs, *events),
                "{name}"
            );
        }
    }

    #[test]
    fn streams_we_cannot_take_part_in_say_why() {
        let table = [
            ("video", "m=video 4000 RTP/AVP 0\n", NotAcceptable::NoAudio),
            ("port 0", "m=audio 0 RTP/AVP 0\n", NotAcceptable::NoAudio),
            (
                "SRTP only",
                "m=audio 4000 RTP/SAVP 0\n",
                NotAcceptable::Protocol,
            ),
            (
                "WebRTC",
                "m=audio 9 UDP/TLS/RTP/SAVPF 0\n",
                NotAcceptable::Protocol,
            ),
            (
                "other codecs",
                "m=audio 4000 RTP/AVP 9 18 111\na=rtpmap:111 opus/48000/2\n",
                NotAcceptable::NoCodec,
            ),
            (
                "events alone",
                "m=audio 4000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n",
                NotAcceptable::NoCodec,
            ),
            (
                "a name",
                "m=audio 4000 RTP/AVP 0\nc=IN IP4 phone.example.com\n",
                NotAcceptable::AddressName,
            ),
            (
                "IPv6",
                "m=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::1\n",
                NotAcceptable::AddressFamily,
            ),
            (
                "multicast",
                "m=audio 4000 RTP/AVP 0\nc=IN IP4 233.252.0.1/127\n",
                NotAcceptable::Multicast,
            ),
            (
                "broadcast",
                "m=audio 4000 RTP/AVP 0\nc=IN IP4 255.255.255.255\n",
                NotAcceptable::Multicast,
            ),
        ];
        for (name, media, expected) in table {
            assert_eq!(read(media).err(), Some(expected), "{name}");
        }
    }

    #[test]
    fn packets_go_where_the_stream_says() {
        let table = [
            (
                "the session's address",
                "",
                "192.0.2.1:4000",
                "192.0.2.1:4001",
            ),
            (
                "the stream's address",
                "c=IN IP4 192.0.2.7\n",
                "192.0.2.7:4000",
                "192.0.2.7:4001",
            ),
            (
                "RTCP elsewhere",
                "a=rtcp:5000\n",
                "192.0.2.1:4000",
                "192.0.2.1:5000",
            ),
            (
                "RTCP at another host",
                "a=rtcp:5000 IN IP4 192.0.2.8\n",
                "192.0.2.1:4000",
                "192.0.2.8:5000",
            ),
            (
                "RTCP at a name",
                "a=rtcp:5000 IN IP4 rtcp.example.com\n",
                "192.0.2.1:4000",
                "192.0.2.1:5000",
            ),
            (
                "held as in RFC 2543",
                "c=IN IP4 0.0.0.0\n",
                "0.0.0.0:4000",
                "0.0.0.0:4001",
            ),
            (
                "held as in RFC 2543, IPv6",
                "c=IN IP6 ::\n",
                "0.0.0.0:4000",
                "0.0.0.0:4001",
            ),
            (
                "held by an invalid name",
                "c=IN IP6 phone.Invalid.\n",
                "0.0.0.0:4000",
                "0.0.0.0:4001",
            ),
        ];
        for (name, lines, rtp, rtcp) in table {
            let audio = read(&format!("m=audio 4000 RTP/AVP 0\n{lines}")).unwrap();
            assert_eq!(
                (audio.rtp, audio.rtcp),
                (rtp.parse().unwrap(), rtcp.parse().unwrap()),
                "{name}"
            );
            let our = LocalMedia::new("198.51.100.1:4000".parse().unwrap());
            assert_eq!(
                audio.direction_for(&our).sends(),
                !name.starts_with("held"),
                "{name}"
            );
        }
    }

    #[test]
    fn packet_times_are_kept_within_reason() {
        let table = [
            ("", 20),
            ("a=ptime:30\n", 30),
            ("a=ptime:200\n", 60),
            ("a=ptime:1\n", 10),
            ("a=ptime:40\na=maxptime:30\n", 30),
            ("a=maxptime:10\n", 10),
        ];
        for (lines, expected) in table {
            let text = format!("v=0\nm=audio 4000 RTP/AVP 0\n{lines}");
            let description = SessionDescription::parse(text.as_bytes()).unwrap();
            assert_eq!(ptime_ms(&description.streams[0]), expected, "{lines:?}");
        }
    }
}
