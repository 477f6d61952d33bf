//! What is said and what is heard: tones, clips, and an ear that tells them from music and silence.
//!
//! The two tones lie between the notes of the tempered scale, at whole multiples of 50 Hz, so that 20 ms of one are a
//! whole number of its waves: a Goertzel filter over one packet sees nothing of its neighbours, and music is not
//! mistaken for a person.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use media::clip::Clip;
use media::codec::{Codec, FRAME_SAMPLES};
use serde::Serialize;

/// Samples in a second.
const RATE_HZ: f32 = 8000.0;
/// A packet whose mean square is below this is silence: about -60 dB of full scale.
const SILENCE: f32 = 1.1e3;
/// A packet is a tone if it has that share of the packet's power.
const PURE: f32 = 0.8;

/// What somebody says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voice {
    /// Sends nothing.
    Mute,
    /// A tone at a multiple of 50 Hz, at -12 dB of full scale.
    Tone {
        /// Its frequency, 50 to 3950.
        hz: u16,
    },
    /// A sound, over and over.
    Clip(Arc<Clip>),
}

impl Voice {
    /// The tone by which callers are known.
    pub const CALLER_TONE: Self = Self::Tone { hz: 1150 };
    /// The tone by which attendants are known.
    pub const ATTENDANT_TONE: Self = Self::Tone { hz: 1900 };

    /// A caller's spoken request.
    #[must_use]
    pub fn caller_speech() -> Self {
        Self::speech(include_bytes!("../assets/caller.wav"))
    }

    /// An attendant's spoken greeting.
    #[must_use]
    pub fn attendant_speech() -> Self {
        Self::speech(include_bytes!("../assets/attendant.wav"))
    }

    fn speech(wav: &[u8]) -> Self {
        Clip::from_wav(wav).map_or(Self::CALLER_TONE, |clip| Self::Clip(Arc::new(clip)))
    }

    /// The frequency to listen for, if it is a tone.
    #[must_use]
    pub const fn hz(&self) -> Option<u16> {
        match self {
            Self::Tone { hz } => Some(*hz),
            Self::Mute | Self::Clip(_) => None,
        }
    }

    /// The packets of it, to be repeated; `None` for nobody speaking.
    #[must_use]
    pub fn clip(&self) -> Option<Arc<Clip>> {
        match self {
            Self::Mute => None,
            Self::Tone { hz } => Some(Arc::new(Clip::from_samples(&tone(*hz)))),
            Self::Clip(clip) => Some(Arc::clone(clip)),
        }
    }
}

/// One packet of a tone.
fn tone(hz: u16) -> [i16; FRAME_SAMPLES] {
    let step = std::f32::consts::TAU * f32::from(hz) / RATE_HZ;
    let mut samples = [0; FRAME_SAMPLES];
    for (sample, place) in samples.iter_mut().zip(0_u16..) {
        *sample = (8192.0 * (step * f32::from(place)).sin()) as i16;
    }
    samples
}

/// What one leg has heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Heard {
    /// RTP packets of the agreed codec.
    pub packets: u64,
    /// Packets missing, by their numbers.
    pub lost: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets that were silence.
    pub silent: u64,
    /// Packets that were the tone listened for.
    pub tone: u64,
    /// Packets that were something else: music, speech.
    pub sound: u64,
    /// When the first packet came, on the population's clock.
    pub first: Option<Duration>,
    /// When the last one came.
    pub last: Option<Duration>,
    /// When the tone was first heard.
    pub first_tone: Option<Duration>,
    /// When the tone was last heard.
    pub last_tone: Option<Duration>,
    /// The longest time without a packet between two of them.
    pub longest_gap: Duration,
    /// Sum of the mean squares of all packets that were not silence.
    power: f64,
}

impl Heard {
    /// How loud it was, in dB of full scale, silence left out; `None` if there was nothing else.
    #[must_use]
    pub fn level_db(&self) -> Option<f64> {
        let loud = self
            .packets
            .checked_sub(self.silent)
            .filter(|loud| *loud > 0)?;
        let mean = self.power / loud as f64;
        Some(10.0 * (mean / (32_768.0 * 32_768.0)).log10())
    }
}

/// Listens to one stream.
#[derive(Debug, Default)]
pub struct Ear {
    heard: Heard,
    listens_for_hz: Option<u16>,
    /// Source and number of the last packet.
    last: Option<(u32, u16)>,
}

impl Ear {
    /// An ear that knows this tone.
    #[must_use]
    pub fn new(listens_for_hz: Option<u16>) -> Self {
        Self {
            listens_for_hz,
            ..Self::default()
        }
    }

    /// So far.
    #[must_use]
    pub const fn heard(&self) -> &Heard {
        &self.heard
    }

    /// One packet was sent.
    pub const fn on_sent(&mut self) {
        self.heard.sent += 1;
    }

    /// One packet has come.
    pub fn on_packet(&mut self, now: Duration, codec: Codec, packet: PacketRef<'_>) {
        self.count(now, packet);
        let samples: Vec<f32> = packet
            .payload
            .iter()
            .map(|octet| f32::from(codec.decode(*octet)))
            .collect();
        if samples.is_empty() {
            return;
        }
        let power = samples.iter().map(|one| one * one).sum::<f32>() / samples.len() as f32;
        if power < SILENCE {
            self.heard.silent += 1;
            return;
        }
        self.heard.power += f64::from(power);
        let share = |hz| tone_power(&samples, hz) / power;
        if self.listens_for_hz.is_some_and(|hz| share(hz) > PURE) {
            self.heard.tone += 1;
            self.heard.first_tone.get_or_insert(now);
            self.heard.last_tone = Some(now);
        } else {
            self.heard.sound += 1;
        }
    }

    fn count(&mut self, now: Duration, packet: PacketRef<'_>) {
        let heard = &mut self.heard;
        heard.packets += 1;
        heard.first.get_or_insert(now);
        if let Some(last) = heard.last.replace(now) {
            heard.longest_gap = heard.longest_gap.max(now.saturating_sub(last));
        }
        let here = (packet.ssrc, packet.sequence);
        match self.last {
            Some((ssrc, sequence)) if ssrc == packet.ssrc => {
                let ahead = packet.sequence.wrapping_sub(sequence);
                match ahead {
                    // The same again; nothing is new.
                    0 => {}
                    1..0x8000 => {
                        heard.lost += u64::from(ahead - 1);
                        self.last = Some(here);
                    }
                    // One that was counted as lost comes late.
                    _ => heard.lost = heard.lost.saturating_sub(1),
                }
            }
            // Another source begins its own count.
            Some(_) | None => self.last = Some(here),
        }
    }
}

/// The parts of an RTP packet that an ear needs.
#[derive(Debug, Clone, Copy)]
pub struct PacketRef<'a> {
    /// Names the stream.
    pub ssrc: u32,
    /// Counts packets.
    pub sequence: u16,
    /// Encoded sound.
    pub payload: &'a [u8],
}

/// The mean square of what a tone contributes (Goertzel).
fn tone_power(samples: &[f32], hz: u16) -> f32 {
    static COEFFICIENTS: LazyLock<Vec<f32>> = LazyLock::new(|| {
        (0..80_u8)
            .map(|bin| 2.0 * (std::f32::consts::TAU * f32::from(bin) / 160.0).cos())
            .collect()
    });
    let Some(coefficient) = COEFFICIENTS.get(usize::from(hz / 50)) else {
        return 0.0;
    };
    let (mut one, mut two) = (0.0, 0.0);
    for sample in samples {
        (one, two) = (sample + coefficient * one - two, one);
    }
    let magnitude = one * one + two * two - coefficient * one * two;
    let len = samples.len() as f32;
    2.0 * magnitude / (len * len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::assets;

    fn listen(clip: &Clip, codec: Codec, hz: u16) -> Heard {
        let mut ear = Ear::new(Some(hz));
        for (frame, sequence) in clip.frames(codec).iter().zip(0_u16..) {
            let packet = PacketRef {
                ssrc: 1,
                sequence,
                payload: frame,
            };
            ear.on_packet(
                Duration::from_millis(20) * u32::from(sequence),
                codec,
                packet,
            );
        }
        *ear.heard()
    }

    #[test]
    fn each_tone_is_heard_as_itself_only_through_either_law() {
        let tones = [Voice::CALLER_TONE, Voice::ATTENDANT_TONE];
        for said in &tones {
            for heard in &tones {
                for codec in Codec::ALL {
                    let clip = said.clip().unwrap();
                    let result = listen(&clip, codec, heard.hz().unwrap());
                    assert_eq!(result.tone == 1, said == heard, "{said:?} as {heard:?}");
                    assert_eq!((result.packets, result.silent), (1, 0));
                    let level = result.level_db().unwrap();
                    assert!((-15.5..-14.5).contains(&level), "{level}");
                }
            }
        }
    }

    #[test]
    fn music_prompts_and_speech_are_sound_and_nobody_s_tone() {
        let mut clips: Vec<(&str, Arc<Clip>)> = assets::PROMPTS
            .iter()
            .map(|asset| (asset.name, Arc::new(asset.clip().unwrap())))
            .collect();
        clips.push(("caller", Voice::caller_speech().clip().unwrap()));
        clips.push(("attendant", Voice::attendant_speech().clip().unwrap()));
        for (name, clip) in clips {
            for hz in [1150, 1900] {
                let heard = listen(&clip, Codec::Pcma, hz);
                assert!(100 * heard.tone <= heard.packets, "{name} {hz}: {heard:?}");
                assert!(2 * heard.sound > heard.packets, "{name}: {heard:?}");
            }
        }
        assert_ne!(Voice::caller_speech(), Voice::attendant_speech());
    }

    #[test]
    fn silence_is_silent_and_mute_says_nothing() {
        let silence = Clip::from_samples(&[0; 800]);
        let heard = listen(&silence, Codec::Pcma, 1150);
        assert_eq!((heard.silent, heard.sound, heard.level_db()), (5, 0, None));
        assert!(Voice::Mute.clip().is_none());
    }

    #[test]
    fn missing_packets_are_counted_and_late_ones_forgiven() {
        type Case = (&'static str, &'static [(u32, u16)], u64);
        let table: [Case; 6] = [
            ("in order", &[(1, 9), (1, 10), (1, 11)], 0),
            ("round the end", &[(1, 65_535), (1, 0)], 0),
            ("two missing", &[(1, 1), (1, 4)], 2),
            ("late", &[(1, 1), (1, 3), (1, 2), (1, 4)], 0),
            ("twice", &[(1, 1), (1, 1), (1, 2)], 0),
            ("another source", &[(1, 1), (2, 700), (2, 701)], 0),
        ];
        for (name, packets, lost) in table {
            let mut ear = Ear::default();
            for (ssrc, sequence) in packets {
                let packet = PacketRef {
                    ssrc: *ssrc,
                    sequence: *sequence,
                    payload: &[0xd5; 160],
                };
                ear.on_packet(Duration::ZERO, Codec::Pcma, packet);
            }
            assert_eq!(ear.heard().lost, lost, "{name}");
        }
    }

    #[test]
    fn the_longest_gap_is_kept() {
        let mut ear = Ear::default();
        for (at, sequence) in [(0, 1), (20, 2), (140, 3), (160, 4)] {
            let packet = PacketRef {
                ssrc: 1,
                sequence,
                payload: &[0xd5; 160],
            };
            ear.on_packet(Duration::from_millis(at), Codec::Pcma, packet);
        }
        assert_eq!(ear.heard().longest_gap, Duration::from_millis(120));
    }
}
