//! Offer and answer on one leg (RFC 3264), with the memory they need.
//!
//! A negotiation lives as long as its leg's dialog. It does not know whose turn it is: glare (RFC 3261 §14.1) is the
//! dialog's to sort out. A refused offer, either way, leaves what was agreed before (RFC 3264 §8).

use super::description::{Host, Origin, RtpMap, SessionDescription, Stream, format, word};
use super::remote::{RemoteAudio, is_telephone_event};
use super::{
    AgreedAudio, AnswerFault, Direction, EventSet, LocalMedia, NotAcceptable, SdpAnswer, SdpOffer,
};
use crate::codec::{Codec, FRAME_MS, TELEPHONE_EVENT_CLOCK_HZ};
use crate::control::EventTypes;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

/// The payload type we offer telephone events with, as everybody does, unless the peer uses it for something else.
const USUAL_EVENT_TYPE: u8 = 101;

/// Our answer and what it makes true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// To be sent.
    pub answer: SdpAnswer,
    /// To be done.
    pub agreed: AgreedAudio,
}

/// What has been offered and answered on one leg.
#[derive(Clone, Debug)]
pub struct Negotiation {
    session_id: u64,
    version: u64,
    /// Where the session was first made; `o=` keeps it although our ports may move.
    host: Option<Host>,
    /// The last description we sent, without `o=`.
    sent: Option<SessionDescription>,
    /// The streams so far, declined; their number never falls (RFC 3264 §8).
    shape: Vec<Stream>,
    /// Which of them is ours to talk on.
    audio: usize,
    /// Payload types that mean something else than telephone events in this session, as a bit set.
    taken: u128,
    event_type: u8,
    offer: Option<OurOffer>,
    agreed: Option<AgreedAudio>,
}

#[derive(Clone, Debug)]
struct OurOffer {
    our: LocalMedia,
    /// What each codec comes with.
    payload_types: Vec<(u8, Codec)>,
    audio: usize,
    streams: usize,
    event_type: u8,
    answered: bool,
}

impl OurOffer {
    fn payload_type_of(&self, codec: Codec) -> u8 {
        let mut all = self.payload_types.iter();
        let found = all.find(|(_, offered)| *offered == codec);
        found.map_or_else(|| codec.static_payload_type(), |(number, _)| *number)
    }
}

impl Negotiation {
    /// Starts a session. `session_id` is to be random; 62 bits of it are used, as RFC 8829 §5.2.1 advises.
    pub fn new(session_id: u64) -> Self {
        Self {
            session_id: session_id >> 2,
            version: 1,
            host: None,
            sent: None,
            shape: Vec::new(),
            audio: 0,
            taken: 0,
            event_type: USUAL_EVENT_TYPE,
            offer: None,
            agreed: None,
        }
    }

    /// What holds now.
    pub fn agreed(&self) -> Option<&AgreedAudio> {
        self.agreed.as_ref()
    }

    /// Whether an offer of ours waits for its answer.
    pub fn has_open_offer(&self) -> bool {
        self.offer.as_ref().is_some_and(|offer| !offer.answered)
    }

    /// Answers the peer's offer: the first audio stream we can take part in, one codec of it, all else declined.
    ///
    /// The same offer and the same wishes give the same answer, version included.
    ///
    /// # Errors
    /// Why no stream will do; what was agreed before still holds.
    pub fn answer(
        &mut self,
        offer: &SdpOffer,
        our: &LocalMedia,
    ) -> Result<Answered, NotAcceptable> {
        let offered = offer.description();
        let (audio, stream, remote) = choose(offered, our)?;
        let (payload_type, codec) = remote.preferred(our).ok_or(NotAcceptable::NoCodec)?;
        let events = remote.common_events(our);
        let direction = remote.direction_for(our);
        let (rtcp_mux, remote_rtcp) = remote.rtcp_for(our);

        let shape: Vec<Stream> = offered.streams.iter().map(Stream::declined).collect();
        let mut streams = shape.clone();
        if let Some(place) = streams.get_mut(audio) {
            let codecs = [(payload_type, codec)];
            *place = audio_stream(
                &stream.protocol,
                our.rtp.port(),
                &codecs,
                events,
                direction,
                rtcp_mux,
            );
        }
        let event_type = events.map(|(payload_type, _)| payload_type);
        self.remember_payload_types(stream, event_type);
        self.shape = shape;
        self.audio = audio;
        self.offer = None;
        let agreed = AgreedAudio {
            remote_rtp: remote.rtp,
            remote_rtcp,
            rtcp_mux,
            codec,
            send_payload_type: payload_type,
            receive_payload_type: payload_type,
            alternative: None,
            telephone_event: event_type.map(|both| EventTypes {
                send: both,
                receive: both,
            }),
            ptime_ms: remote.ptime_ms,
            direction,
        };
        self.agreed = Some(agreed);
        Ok(Answered {
            answer: SdpAnswer(self.publish(our, streams)),
            agreed,
        })
    }

    /// Makes our offer: the first of a leg, one in the 200 of an INVITE without SDP, or one that changes what holds.
    ///
    /// It stays open until [`Self::accept_answer`], [`Self::abandon_offer`] or the next offer of either side.
    pub fn offer(&mut self, our: &LocalMedia) -> SdpOffer {
        debug_assert!(!our.codecs.is_empty(), "an offer needs a codec");
        let codecs: Vec<(u8, Codec)> = our
            .codecs
            .iter()
            .map(|codec| (codec.static_payload_type(), *codec))
            .collect();
        let events = our
            .telephone_event
            .then_some((self.event_type, EventSet::KEYS));
        let protocol = self
            .shape
            .get(self.audio)
            .map_or("RTP/AVP", |stream| &stream.protocol);
        let audio = audio_stream(
            protocol,
            our.rtp.port(),
            &codecs,
            events,
            our.direction,
            our.rtcp_mux,
        );
        let mut streams = self.shape.clone();
        match streams.get_mut(self.audio) {
            Some(place) => *place = audio,
            None => streams.push(audio),
        }
        self.offer = Some(OurOffer {
            our: our.clone(),
            payload_types: codecs,
            audio: self.audio,
            streams: streams.len(),
            event_type: self.event_type,
            answered: false,
        });
        SdpOffer(self.publish(our, streams))
    }

    /// Offers once more what our last description said, under the same version: to refresh a session without changing it
    /// (RFC 4028 §7.4). `None` before there was any.
    pub fn repeat(&mut self) -> Option<SdpOffer> {
        let sent = self.sent.clone()?;
        let stream = sent.streams.get(self.audio)?;
        let Some(Host::Ip(ip)) = sent.host_of(stream) else {
            return None;
        };
        let mut types = stream.rtpmaps.iter().map(|map| map.payload_type);
        let event_type = types.rfind(|payload_type| is_telephone_event(stream, *payload_type));
        let payload_types: Vec<(u8, Codec)> = stream.rtpmaps.iter().filter_map(codec_of).collect();
        let our = LocalMedia {
            rtp: (*ip, stream.port).into(),
            codecs: payload_types.iter().map(|(_, codec)| *codec).collect(),
            direction: sent.direction_of(stream),
            telephone_event: event_type.is_some(),
            rtcp_mux: stream.rtcp_mux,
        };
        self.offer = Some(OurOffer {
            our: our.clone(),
            payload_types,
            audio: self.audio,
            streams: sent.streams.len(),
            event_type: event_type.unwrap_or(self.event_type),
            answered: false,
        });
        Some(SdpOffer(self.publish(&our, sent.streams)))
    }

    /// Forgets our open offer, because the peer refused it: what was agreed before holds on.
    pub fn abandon_offer(&mut self) {
        self.offer = None;
    }

    /// Takes the peer's answer to our offer.
    ///
    /// May be called again for the same offer: a 200 repeats or replaces the answer of a 183, and another branch of a
    /// fork brings its own.
    ///
    /// # Errors
    /// Why it does not fit the offer; what was agreed before still holds, and the offer stays open.
    pub fn accept_answer(&mut self, answer: &SdpAnswer) -> Result<AgreedAudio, AnswerFault> {
        let offer = self.offer.as_mut().ok_or(AnswerFault::NoOffer)?;
        let our = &offer.our;
        let answered = answer.description();
        let stream = answered_stream(answered, offer)?;
        let remote = RemoteAudio::read(answered, stream, our)?;
        let mut common = remote
            .codecs
            .iter()
            .filter(|(_, codec)| our.codecs.contains(codec));
        let (send_payload_type, codec) = *common.next().ok_or(NotAcceptable::NoCodec)?;
        let alternative = common
            .map(|(_, other)| *other)
            .find(|other| *other != codec);
        let (rtcp_mux, remote_rtcp) = remote.rtcp_for(our);
        let event_type = remote
            .common_events(our)
            .map(|(payload_type, _)| payload_type);
        let agreed = AgreedAudio {
            remote_rtp: remote.rtp,
            remote_rtcp,
            rtcp_mux,
            codec,
            send_payload_type,
            receive_payload_type: offer.payload_type_of(codec),
            alternative: alternative.map(|codec| (offer.payload_type_of(codec), codec)),
            telephone_event: event_type.map(|send| EventTypes {
                send,
                receive: offer.event_type,
            }),
            ptime_ms: remote.ptime_ms,
            // An answer that allows more than was offered does not make it so.
            direction: remote.direction_for(our),
        };
        offer.answered = true;
        if self.shape.is_empty() {
            self.shape.push(stream.declined());
        }
        self.agreed = Some(agreed);
        Ok(agreed)
    }

    /// Payload types keep their meaning for the whole session (RFC 3264 §8.3.2), so ours must not collide with the peer's.
    fn remember_payload_types(&mut self, stream: &Stream, event_type: Option<u8>) {
        let meaning_else = |payload_type: &u8| {
            stream.rtpmap(*payload_type).is_some() && !is_telephone_event(stream, *payload_type)
        };
        self.taken |= (0..128)
            .filter(meaning_else)
            .fold(0, |taken, payload_type| taken | (1 << payload_type));
        let taken = self.taken;
        let is_free = |payload_type: &u8| taken & (1 << *payload_type) == 0;
        let candidates = event_type
            .into_iter()
            .chain([self.event_type, USUAL_EVENT_TYPE])
            .chain(96..=127);
        self.event_type = candidates
            .into_iter()
            .find(is_free)
            .unwrap_or(USUAL_EVENT_TYPE);
    }

    /// Puts head and version on our streams. The version goes up when anything changed (RFC 3264 §8).
    fn publish(&mut self, our: &LocalMedia, streams: Vec<Stream>) -> SessionDescription {
        let host = Host::Ip(our.rtp.ip());
        let body = SessionDescription {
            origin: None,
            connection: Some(host.clone()),
            direction: None,
            streams,
        };
        if self.sent.as_ref().is_some_and(|sent| *sent != body) {
            self.version += 1;
        }
        self.sent = Some(body.clone());
        let host = self.host.get_or_insert(host).clone();
        SessionDescription {
            origin: Some(Origin {
                session_id: self.session_id,
                version: self.version,
                host,
            }),
            ..body
        }
    }
}

/// The first audio stream that will do; if none will, why the first one that is there does not.
fn choose<'a>(
    offered: &'a SessionDescription,
    our: &LocalMedia,
) -> Result<(usize, &'a Stream, RemoteAudio), NotAcceptable> {
    let mut fault = NotAcceptable::NoAudio;
    for (index, stream) in offered.streams.iter().enumerate() {
        match RemoteAudio::read(offered, stream, our) {
            Ok(remote) => return Ok((index, stream, remote)),
            Err(NotAcceptable::NoAudio) => {}
            Err(why) if fault == NotAcceptable::NoAudio => fault = why,
            Err(_) => {}
        }
    }
    Err(fault)
}

/// The peer's stream in the place where we offered the audio.
///
/// Streams declined behind it may be missing from the answer: some peers forget the ones that were never used.
fn answered_stream<'a>(
    answered: &'a SessionDescription,
    offer: &OurOffer,
) -> Result<&'a Stream, AnswerFault> {
    let count = answered.streams.len();
    let mismatch = AnswerFault::Streams {
        offered: offer.streams,
        answered: count,
    };
    let stream = answered
        .streams
        .get(offer.audio)
        .filter(|_| count <= offer.streams)
        .ok_or(mismatch)?;
    if !stream.is_audio() {
        return Err(AnswerFault::Kind);
    }
    if stream.port == 0 {
        Err(AnswerFault::Declined)
    } else {
        Ok(stream)
    }
}

/// Our audio as it stands in an offer or an answer.
fn audio_stream(
    protocol: &str,
    port: u16,
    codecs: &[(u8, Codec)],
    events: Option<(u8, EventSet)>,
    direction: Direction,
    rtcp_mux: bool,
) -> Stream {
    let codec_maps = codecs.iter().map(|(payload_type, codec)| {
        rtpmap(*payload_type, codec.encoding_name(), codec.clock_rate_hz())
    });
    let event_map = events
        .map(|(payload_type, _)| rtpmap(payload_type, "telephone-event", TELEPHONE_EVENT_CLOCK_HZ));
    let rtpmaps: Vec<RtpMap> = codec_maps.chain(event_map).collect();
    Stream {
        kind: "audio".into(),
        port,
        protocol: word(protocol),
        formats: rtpmaps.iter().map(|map| format(map.payload_type)).collect(),
        connection: None,
        direction: Some(direction),
        ptime_ms: Some(FRAME_MS),
        maxptime_ms: None,
        fmtps: events
            .iter()
            .map(|(payload_type, set)| (*payload_type, Box::from(set.to_string())))
            .collect(),
        rtpmaps,
        rtcp: None,
        rtcp_mux,
    }
}

/// The codec of a line of ours.
fn codec_of(map: &RtpMap) -> Option<(u8, Codec)> {
    let mut all = Codec::ALL.iter();
    let codec = all.find(|codec| codec.encoding_name() == &*map.encoding)?;
    Some((map.payload_type, *codec))
}

fn rtpmap(payload_type: u8, encoding: &'static str, clock_rate_hz: u32) -> RtpMap {
    RtpMap {
        payload_type,
        encoding: Cow::Borrowed(encoding),
        clock_rate_hz,
        channels: 1,
    }
}
