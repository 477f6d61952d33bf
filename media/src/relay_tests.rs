use super::*;
use crate::codec::Codec;
use crate::control::{EventTypes, LatchRule, LegStats, PortPair, WorkerId};
use crate::dtmf::{Key, TelephoneEvent};
use crate::g711::ALAW_TO_MULAW;
use crate::outgoing::Place;
use crate::rtcp;
use crate::rtp::Header;
use proptest::prelude::*;

const START: Duration = Duration::from_secs(1_800_000_000);
const MUSIC: ClipId = ClipId(1);
const FRAMES: usize = 4;

/// Keeps what would have been sent.
#[derive(Debug, Default)]
struct Wire {
    rtp: Vec<(u32, SocketAddr, Vec<u8>)>,
    rtcp: Vec<(u32, SocketAddr, Vec<u8>)>,
}

impl Transmit for Wire {
    fn send_rtp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]) {
        self.rtp.push((slot, to, packet.to_vec()));
    }

    fn send_rtcp(&mut self, slot: u32, to: SocketAddr, packet: &[u8]) {
        self.rtcp.push((slot, to, packet.to_vec()));
    }
}

/// A relay with eight slots; leg `n` is opened in slot `n` and its phone is at 192.0.2.`n`.
struct World {
    relay: Relay,
    wire: Wire,
    now: Duration,
    sequence: u16,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            relay: Relay::new(8, 7),
            wire: Wire::default(),
            now: START,
            sequence: 0,
        };
        let samples: Vec<i16> = (0..FRAMES)
            .flat_map(|n| [n as i16 * 256; FRAME_SAMPLES])
            .collect();
        world.command(MediaCommand::AddClip {
            id: MUSIC,
            clip: Arc::new(Clip::from_samples(&samples)),
        });
        world
    }

    /// Legs 0 and 1 in a call.
    fn talking() -> Self {
        let mut world = Self::new();
        for leg in [0, 1] {
            world.open(leg);
            world.set_remote(leg, |_| {}, true, true);
        }
        world.command(MediaCommand::Bridge {
            a: key(0),
            b: key(1),
        });
        world
    }

    fn command(&mut self, command: MediaCommand) {
        self.relay.handle_command(self.now, command, &mut self.wire);
    }

    fn open(&mut self, leg: u8) {
        self.command(MediaCommand::Open {
            leg: key(leg),
            ports: ports(leg),
        });
    }

    fn set_remote(
        &mut self,
        leg: u8,
        change: impl FnOnce(&mut RemoteMedia),
        send: bool,
        receive: bool,
    ) {
        let mut remote = remote(leg);
        change(&mut remote);
        self.command(MediaCommand::SetRemote {
            leg: key(leg),
            remote,
            send,
            receive,
        });
    }

    /// The phone of `leg` sends a packet: what was relayed of it, and to which slot.
    fn says(
        &mut self,
        leg: u8,
        payload_type: u8,
        payload: &[u8],
    ) -> Option<(u32, Header, Vec<u8>)> {
        self.says_from(phone(leg), leg, payload_type, payload)
    }

    fn says_from(
        &mut self,
        source: SocketAddr,
        leg: u8,
        payload_type: u8,
        payload: &[u8],
    ) -> Option<(u32, Header, Vec<u8>)> {
        let before = self.wire.rtp.len();
        let mut packet = alloc::vec![0; HEADER_LEN];
        packet.extend_from_slice(payload);
        let mut header = Header::for_payload(HEADER_LEN..packet.len(), payload_type);
        self.sequence = self.sequence.wrapping_add(1);
        let timestamp = u32::from(self.sequence) * 160;
        header.put(
            Place {
                sequence: self.sequence,
                timestamp,
                marker: false,
            },
            leg.into(),
        );
        header.write_before_payload(&mut packet);
        self.relay.handle_rtp(
            self.now,
            leg.into(),
            Some(source),
            &mut packet,
            &mut self.wire,
        );
        assert!(self.wire.rtp.len() <= before + 1, "one in, one out");
        self.wire.rtp.get(before).map(|(slot, to, packet)| {
            assert_eq!(*to, phone(*slot as u8));
            let header = Header::parse(packet).unwrap();
            let payload = packet[header.payload.clone()].to_vec();
            (*slot, header, payload)
        })
    }

    fn sound_reaches(&mut self, leg: u8) -> Option<u32> {
        self.says(leg, 0, &[5; 160]).map(|(slot, _, _)| slot)
    }

    /// Lets time go by, every timeout on time.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self
            .relay
            .poll_timeout()
            .filter(|deadline| *deadline <= end)
        {
            self.now = self.now.max(deadline);
            self.relay.handle_timeout(self.now, &mut self.wire);
        }
        self.now = end;
    }

    fn outputs(&mut self) -> Vec<Output> {
        core::iter::from_fn(|| self.relay.poll_output()).collect()
    }

    fn events(&mut self) -> Vec<MediaEvent> {
        let event = |output| match output {
            Output::Event(event) => Some(event),
            Output::Pin { .. } | Output::Unpin { .. } | Output::Release { .. } => None,
        };
        self.outputs().into_iter().filter_map(event).collect()
    }

    fn close(&mut self, leg: u8) -> LegStats {
        self.command(MediaCommand::Close { leg: key(leg) });
        let closed = self.events().into_iter().find_map(|event| {
            let MediaEvent::Closed { leg: closed, stats } = event else {
                return None;
            };
            (closed == key(leg)).then_some(*stats)
        });
        closed.expect("closed")
    }
}

fn key(leg: u8) -> LegKey {
    LegKey {
        leg: 100 + u64::from(leg),
        generation: 1,
    }
}

fn ports(leg: u8) -> PortPair {
    let rtp = SocketAddr::from(([192, 0, 2, 200], 10_000 + 2 * u16::from(leg)));
    PortPair {
        worker: WorkerId(0),
        slot: leg.into(),
        rtp,
    }
}

fn phone(leg: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, leg], 4_000))
}

fn report_port(leg: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, leg], 4_001))
}

fn remote(leg: u8) -> RemoteMedia {
    RemoteMedia {
        rtp: phone(leg),
        rtcp: report_port(leg),
        latch: LatchRule::Signalled,
        codec: Codec::Pcmu,
        payload_type_send: 0,
        payload_type_receive: 0,
        telephone_event: Some(EventTypes {
            send: 96 + leg,
            receive: 101,
        }),
        ptime_ms: 20,
    }
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn each_of_a_bridge_hears_the_other_until_parted() {
    let mut world = World::talking();
    assert_eq!(
        (world.sound_reaches(0), world.sound_reaches(1)),
        (Some(1), Some(0))
    );
    assert!(world.relay.has_bridges());
    world.command(MediaCommand::Unbridge { a: key(1) });
    assert_eq!(
        (world.sound_reaches(0), world.sound_reaches(1)),
        (None, None)
    );
    assert!(!world.relay.has_bridges());
}

#[test]
fn a_new_bridge_ends_the_old_ones_of_both() {
    let mut world = World::talking();
    for leg in [2, 3] {
        world.open(leg);
        world.set_remote(leg, |_| {}, true, true);
    }
    world.command(MediaCommand::Bridge {
        a: key(2),
        b: key(3),
    });
    world.command(MediaCommand::Bridge {
        a: key(0),
        b: key(2),
    });
    let reached: Vec<_> = (0..4).map(|leg| world.sound_reaches(leg)).collect();
    assert_eq!(reached, [Some(2), None, Some(0), None]);
    world.close(2);
    assert_eq!(world.sound_reaches(0), None);
    assert!(!world.relay.has_bridges());
}

#[test]
fn payloads_become_what_the_other_agreed_to() {
    let mut world = World::talking();
    let event = TelephoneEvent {
        event: 1,
        end: false,
        volume: 0,
        duration_ticks: 160,
    }
    .to_bytes();
    let sound = |octet: u8| alloc::vec![octet; 160];
    let silent = |remote: &mut RemoteMedia| remote.telephone_event = None;
    type Case = (
        &'static str,
        fn(&mut RemoteMedia),
        u8,
        Vec<u8>,
        Option<(u8, Vec<u8>)>,
    );
    let table: [Case; 7] = [
        ("same law", |_| {}, 0, sound(0x23), Some((0, sound(0x23)))),
        (
            "the static type of the other law",
            |_| {},
            8,
            sound(0x23),
            Some((0, sound(ALAW_TO_MULAW[0x23]))),
        ),
        (
            "an event",
            |_| {},
            101,
            event.to_vec(),
            Some((97, event.to_vec())),
        ),
        (
            "an event for one who takes none",
            silent,
            101,
            event.to_vec(),
            None,
        ),
        ("comfort noise", |_| {}, 13, sound(1), None),
        ("nothing at all", |_| {}, 0, Vec::new(), None),
        (
            "a dynamic type for the law",
            |remote| remote.payload_type_send = 118,
            0,
            sound(9),
            Some((118, sound(9))),
        ),
    ];
    for (name, change, payload_type, payload, expected) in table {
        world.set_remote(1, change, true, true);
        let got = world.says(0, payload_type, &payload);
        assert_eq!(
            got.map(|(_, header, payload)| (header.payload_type, payload)),
            expected,
            "{name}"
        );
    }
}

#[test]
fn what_is_not_passed_on_leaves_no_gap() {
    let mut world = World::talking();
    let first = world.says(0, 0, &[1; 160]).unwrap().1;
    assert!(world.says(0, 13, &[1]).is_none());
    let next = world.says(0, 0, &[1; 160]).unwrap().1;
    assert_eq!(next.sequence, first.sequence.wrapping_add(1));
    assert_eq!(next.timestamp, first.timestamp.wrapping_add(320));
}

#[test]
fn hold_stops_each_way_by_itself() {
    let mut world = World::talking();
    let table = [
        ("both ways", true, true, Some(1), Some(0)),
        ("the peer holds us", false, true, Some(1), None),
        ("we hold the peer", true, false, None, Some(0)),
        ("neither", false, false, None, None),
        ("both again", true, true, Some(1), Some(0)),
    ];
    for (name, send, receive, there, back) in table {
        world.set_remote(0, |_| {}, send, receive);
        assert_eq!(
            (world.sound_reaches(0), world.sound_reaches(1)),
            (there, back),
            "{name}"
        );
    }
}

#[test]
fn after_a_hold_the_stream_goes_on_without_a_gap() {
    let mut world = World::talking();
    let before = world.says(1, 0, &[1; 160]).unwrap().1;
    world.set_remote(0, |_| {}, false, true);
    for _ in 0..50 {
        world.run(Duration::from_millis(20));
        assert_eq!(world.sound_reaches(1), None);
    }
    world.set_remote(0, |_| {}, true, true);
    let after = world.says(1, 0, &[1; 160]).unwrap().1;
    assert_eq!(after.sequence, before.sequence.wrapping_add(1));
    assert_eq!(after.timestamp, before.timestamp.wrapping_add(50 * 160));
    assert!(after.marker);
}

#[test]
fn a_clip_plays_on_the_beat_to_its_end() {
    let mut world = World::new();
    world.open(0);
    world.set_remote(0, |_| {}, true, true);
    world.command(MediaCommand::Play {
        leg: key(0),
        clip: MUSIC,
        repeat: false,
    });
    world.run(Duration::from_millis(79));
    assert_eq!(world.wire.rtp.len(), FRAMES);
    assert_eq!(world.events(), []);
    world.run(Duration::from_millis(1));
    assert_eq!(world.events(), [MediaEvent::ClipEnded { leg: key(0) }]);
    assert_eq!(world.relay.listeners(), 0);
    world.run(secs(1));
    assert_eq!(world.wire.rtp.len(), FRAMES, "no beat without listeners");
}

#[test]
fn a_clip_lasts_as_long_as_it_lasts_though_nobody_can_hear_it() {
    let mut world = World::new();
    world.open(0);
    world.command(MediaCommand::Play {
        leg: key(0),
        clip: MUSIC,
        repeat: false,
    });
    world.run(Duration::from_millis(80));
    assert_eq!(world.events(), [MediaEvent::ClipEnded { leg: key(0) }]);
    assert_eq!(world.wire.rtp, []);
}

#[test]
fn the_bridge_ends_what_plays_and_play_hides_the_partner() {
    let mut world = World::talking();
    world.command(MediaCommand::Play {
        leg: key(0),
        clip: MUSIC,
        repeat: true,
    });
    assert_eq!(world.sound_reaches(1), None, "leg 0 hears music");
    assert_eq!(world.sound_reaches(0), Some(1), "and is heard");
    world.command(MediaCommand::Bridge {
        a: key(0),
        b: key(1),
    });
    assert_eq!(world.sound_reaches(1), Some(0));
    assert_eq!(world.relay.listeners(), 0);
    world.outputs();
    world.run(Duration::from_millis(200));
    assert_eq!(
        world.events(),
        [],
        "a clip that is cut off has no end to tell"
    );
}

#[test]
fn a_second_play_takes_the_place_of_the_first() {
    let mut world = World::talking();
    for repeat in [true, false] {
        world.command(MediaCommand::Play {
            leg: key(0),
            clip: MUSIC,
            repeat,
        });
        world.run(Duration::from_millis(30));
    }
    assert_eq!(world.relay.listeners(), 1);
    world.run(secs(1));
    assert_eq!(world.events(), [MediaEvent::ClipEnded { leg: key(0) }]);
    world.command(MediaCommand::Play {
        leg: key(0),
        clip: ClipId(9),
        repeat: false,
    });
    assert_eq!(
        world.events(),
        [MediaEvent::ClipEnded { leg: key(0) }],
        "unknown"
    );
}

#[test]
fn music_that_an_announcement_interrupted_goes_on_where_it_was() {
    const WORD: ClipId = ClipId(2);
    let mut world = World::new();
    world.open(0);
    world.set_remote(0, |_| {}, true, true);
    world.command(MediaCommand::AddClip {
        id: WORD,
        clip: Arc::new(Clip::from_samples(&[9 * 256; FRAME_SAMPLES])),
    });
    let play = |world: &mut World, clip, repeat, ms| {
        let leg = key(0);
        world.command(MediaCommand::Play { leg, clip, repeat });
        world.run(Duration::from_millis(ms));
    };
    play(&mut world, MUSIC, true, 39);
    play(&mut world, WORD, false, 20);
    play(&mut world, WORD, false, 20);
    play(&mut world, MUSIC, true, 80);
    let level = |(_, _, packet): &(u32, SocketAddr, Vec<u8>)| {
        (remote(0).codec.decode(packet[HEADER_LEN]) + 128) / 256
    };
    let heard: Vec<i16> = world.wire.rtp.iter().map(level).collect();
    assert_eq!(heard, [0, 1, 9, 9, 2, 3, 0, 1]);
}

/// AP-C.6: a sound that is replaced or removed is heard to its end, music until it is stopped, and its memory goes then.
#[test]
fn a_clip_that_is_removed_is_heard_to_its_end_and_then_unknown() {
    const OLD: ClipId = ClipId(2);
    for repeat in [false, true] {
        let mut world = World::new();
        world.open(0);
        world.set_remote(0, |_| {}, true, true);
        let clip = Arc::new(Clip::from_samples(&[9 * 256; 3 * FRAME_SAMPLES]));
        world.command(MediaCommand::AddClip {
            id: OLD,
            clip: Arc::clone(&clip),
        });
        let play = |world: &mut World| {
            let leg = key(0);
            world.command(MediaCommand::Play {
                leg,
                clip: OLD,
                repeat,
            });
        };
        let ended = MediaEvent::ClipEnded { leg: key(0) };
        play(&mut world);
        world.run(Duration::from_millis(19));
        world.command(MediaCommand::RemoveClip { id: OLD });
        world.run(Duration::from_millis(100));
        let (heard, expected) = (world.wire.rtp.len(), if repeat { 6 } else { 3 });
        assert_eq!(heard, expected, "repeat {repeat}");
        assert_eq!(world.events().contains(&ended), !repeat);
        world.command(MediaCommand::StopPlay { leg: key(0) });
        assert_eq!(Arc::strong_count(&clip), 1, "repeat {repeat}: it is kept");
        play(&mut world);
        assert!(world.events().contains(&ended), "there is no such clip");
    }
}

#[test]
fn five_seconds_of_silence_are_told_once_and_the_source_is_learned_anew() {
    let mut world = World::talking();
    for _ in 0..4 {
        world.sound_reaches(0);
    }
    let pinned = world.outputs().contains(&Output::Pin {
        slot: 0,
        source: phone(0),
    });
    assert!(pinned, "four packets fix the source");
    world.run(Duration::from_millis(4_999));
    assert_eq!(world.outputs(), []);
    world.run(Duration::from_millis(251));
    let outputs = world.outputs();
    for leg in [0, 1] {
        assert!(
            outputs.contains(&Output::Event(MediaEvent::Silent { leg: key(leg) })),
            "{leg}: {outputs:?}"
        );
        assert!(
            outputs.contains(&Output::Unpin { slot: leg.into() }),
            "{leg}"
        );
    }
    world.run(secs(20));
    assert_eq!(world.outputs(), [], "told once");
    world.sound_reaches(0);
    assert_eq!(world.events(), [MediaEvent::Heard { leg: key(0) }]);
}

/// When in the next so many seconds it is said that a leg may have no peer, to a quarter of a second.
fn lifeless(world: &mut World, leg: u8, within: u64) -> Vec<u64> {
    let start = world.now;
    let mut said = Vec::new();
    while world.now < start + secs(within) {
        world.run(Duration::from_millis(250));
        if world
            .events()
            .contains(&MediaEvent::Lifeless { leg: key(leg) })
        {
            said.push((world.now - start).as_secs());
        }
    }
    said
}

#[test]
fn a_peer_of_whom_nothing_comes_is_asked_for_every_thirty_seconds() {
    let mut world = World::talking();
    world.sound_reaches(0);
    assert_eq!(lifeless(&mut world, 0, 95), [30, 60, 90]);
    world.sound_reaches(0);
    assert_eq!(lifeless(&mut world, 0, 35), [30], "from its last packet on");
}

#[test]
fn a_peer_that_never_sent_anything_is_left_alone() {
    let mut world = World::talking();
    assert_eq!(lifeless(&mut world, 0, 100), [0; 0]);
}

#[test]
fn a_peer_that_only_reports_is_there() {
    let mut world = World::talking();
    for _ in 0..10 {
        let empty = rtcp::Report {
            ssrc: 7,
            sender: None,
            block: None,
            cname: 0,
            goodbye: false,
        };
        let mut buffer = [0; REPORT_LEN_MAX];
        let len = empty.write(&mut buffer);
        world
            .relay
            .handle_rtcp(world.now, 0, Some(report_port(0)), &buffer[..len]);
        assert_eq!(lifeless(&mut world, 0, 10), [0; 0]);
    }
    assert_eq!(lifeless(&mut world, 0, 21), [20]);
}

#[test]
fn nobody_asks_for_one_who_is_to_say_nothing() {
    let mut world = World::talking();
    world.sound_reaches(0);
    world.set_remote(0, |_| {}, true, false);
    assert_eq!(lifeless(&mut world, 0, 100), [0; 0]);
    world.set_remote(0, |_| {}, true, true);
    assert_eq!(lifeless(&mut world, 0, 40), [30], "from the change on");
}

#[test]
fn silence_is_no_news_from_one_we_hold() {
    let mut world = World::talking();
    world.sound_reaches(0);
    world.set_remote(0, |_| {}, true, false);
    world.outputs();
    world.run(secs(10));
    assert!(!world.events().contains(&MediaEvent::Silent { leg: key(0) }));
    world.set_remote(0, |_| {}, true, true);
    world.run(secs(4));
    assert_eq!(world.events(), [], "it has five seconds from now");
    world.run(secs(2));
    assert_eq!(world.events(), [MediaEvent::Silent { leg: key(0) }]);
}

#[test]
fn a_flood_is_cut_off_until_the_next_round() {
    let mut world = World::talking();
    let reached = (0..2_000)
        .filter(|_| world.sound_reaches(0).is_some())
        .count();
    assert_eq!(reached, 500);
    assert_eq!(
        world.sound_reaches(1),
        Some(0),
        "the other leg is not to blame"
    );
    world.run(ROUND);
    assert_eq!(world.sound_reaches(0), Some(1));
}

#[test]
fn no_silence_before_there_is_a_far_end() {
    let mut world = World::new();
    world.open(0);
    world.run(secs(60));
    assert_eq!(world.events(), []);
    assert_eq!((world.wire.rtp.len(), world.wire.rtcp.len()), (0, 0));
}

#[test]
fn a_key_whose_end_is_lost_is_told_by_time() {
    let mut world = World::talking();
    let event = TelephoneEvent {
        event: 5,
        end: false,
        volume: 0,
        duration_ticks: 800,
    };
    world.says(0, 101, &event.to_bytes());
    world.outputs();
    world.run(Duration::from_millis(500));
    let pressed = MediaEvent::DtmfPressed {
        leg: key(0),
        key: Key::Digit(5),
        duration_ms: 100,
    };
    assert_eq!(world.events(), [pressed]);
}

#[test]
fn reports_go_out_every_five_seconds_from_the_right_port() {
    for muxed in [false, true] {
        let mut world = World::talking();
        if muxed {
            world.set_remote(0, |remote| remote.rtcp = remote.rtp, true, true);
        }
        for _ in 0..1_000 {
            world.sound_reaches(0);
            world.sound_reaches(1);
            world.run(Duration::from_millis(20));
        }
        let reports = |sent: &[(u32, SocketAddr, Vec<u8>)], to| {
            let to_phone = |(slot, address, packet): &&(u32, SocketAddr, Vec<u8>)| {
                *slot == 0 && *address == to && classify(packet) == Kind::Rtcp
            };
            sent.iter().filter(to_phone).count()
        };
        let (apart, together) = (
            reports(&world.wire.rtcp, report_port(0)),
            reports(&world.wire.rtp, phone(0)),
        );
        let expected = if muxed { together } else { apart };
        assert!(
            (3..=4).contains(&expected),
            "{expected} reports in 20 s, muxed: {muxed}"
        );
        assert_eq!(apart + together, expected, "and none the other way");
    }
}

#[test]
fn a_peers_report_gives_loss_and_round_trip() {
    let mut world = World::talking();
    world.sound_reaches(1);
    world.run(secs(6));
    let (_, _, ours) = world
        .wire
        .rtcp
        .iter()
        .find(|(slot, ..)| *slot == 0)
        .expect("a report");
    let ours = rtcp::parse(ours, 0).unwrap();
    let block = rtcp::Block {
        ssrc: ours.ssrc,
        fraction_lost: 32,
        last_sender_report: ours.sender_report.expect("we have sent"),
        ..rtcp::Block::default()
    };
    let theirs = rtcp::Report {
        ssrc: 0,
        sender: None,
        block: Some(block),
        cname: 0,
        goodbye: false,
    };
    let mut buffer = [0; REPORT_LEN_MAX];
    let len = theirs.write(&mut buffer);
    for source in [phone(3), report_port(0)] {
        world
            .relay
            .handle_rtcp(world.now, 0, Some(source), &buffer[..len]);
    }
    let counters = world.relay.counters();
    assert_eq!((counters.reports_received, counters.strangers), (1, 1));
    let stats = world.close(0);
    assert_eq!(stats.remote_fraction_lost, Some(32));
    assert!(
        stats.round_trip.is_some_and(|time| time < secs(6)),
        "{:?}",
        stats.round_trip
    );
}

#[test]
fn closing_says_goodbye_frees_the_slot_and_tells_the_figures() {
    let mut world = World::talking();
    for _ in 0..3 {
        world.sound_reaches(0);
    }
    world.says_from(phone(7), 0, 0, &[1; 160]);
    world.outputs();
    world.command(MediaCommand::Close { leg: key(0) });
    let outputs = world.outputs();
    assert_eq!(outputs[0], Output::Release { slot: 0 });
    let Output::Event(MediaEvent::Closed { leg, stats }) = &outputs[1] else {
        panic!("{outputs:?}")
    };
    assert_eq!(
        (*leg, stats.packets_in, stats.octets_in, stats.strangers),
        (key(0), 3, 480, 1)
    );
    assert_eq!(stats.first_packet, Some(START));
    let (_, to, goodbye) = world.wire.rtcp.last().expect("a goodbye");
    assert_eq!(*to, report_port(0));
    assert!(rtcp::parse(goodbye, 0).unwrap().goodbye);
    assert_eq!(world.sound_reaches(1), None);
    world.close(1);
    assert_eq!(
        (world.relay.open_legs(), world.relay.poll_timeout()),
        (0, None),
        "no timer is left"
    );
}

#[test]
fn stale_generations_are_ignored_and_a_new_one_takes_over() {
    let mut world = World::talking();
    let (old, new) = (
        LegKey {
            generation: 0,
            ..key(0)
        },
        LegKey {
            generation: 2,
            ..key(0)
        },
    );
    let stale = [
        MediaCommand::Close { leg: old },
        MediaCommand::Unbridge { a: new },
        MediaCommand::Bridge { a: key(0), b: old },
        MediaCommand::Bridge {
            a: key(0),
            b: key(0),
        },
        MediaCommand::Play {
            leg: old,
            clip: MUSIC,
            repeat: true,
        },
        MediaCommand::Close { leg: key(6) },
    ];
    for (count, command) in (1..).zip(stale) {
        world.command(command.clone());
        assert_eq!(world.relay.counters().stale_commands, count, "{command:?}");
    }
    assert_eq!(world.sound_reaches(0), Some(1));
    world.outputs();
    world.command(MediaCommand::Open {
        leg: old,
        ports: ports(5),
    });
    let closed = MediaEvent::Closed {
        leg: old,
        stats: Box::default(),
    };
    assert_eq!(
        world.outputs(),
        [Output::Release { slot: 5 }, Output::Event(closed)],
        "the pair is not lost"
    );
    world.command(MediaCommand::Open {
        leg: new,
        ports: ports(6),
    });
    let outputs = world.outputs();
    assert_eq!(outputs[0], Output::Release { slot: 0 });
    assert!(matches!(&outputs[1], Output::Event(MediaEvent::Closed { leg, .. }) if *leg == key(0)));
    assert_eq!(world.relay.open_legs(), 2);
}

fn any_command() -> impl Strategy<Value = MediaCommand> {
    let leg = || {
        (0_u8..4, 0_u32..3).prop_map(|(leg, generation)| LegKey {
            leg: leg.into(),
            generation,
        })
    };
    prop_oneof![
        (leg(), 0_u8..9).prop_map(|(leg, slot)| MediaCommand::Open {
            leg,
            ports: ports(slot)
        }),
        (leg(), 0_u8..9, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(leg, at, send, receive, nat)| {
                let mut remote = remote(at);
                if nat {
                    remote.latch = LatchRule::AnyPortOf(phone(at).ip());
                }
                MediaCommand::SetRemote {
                    leg,
                    remote,
                    send,
                    receive,
                }
            }
        ),
        (leg(), leg()).prop_map(|(a, b)| MediaCommand::Bridge { a, b }),
        leg().prop_map(|a| MediaCommand::Unbridge { a }),
        (leg(), 0_u32..2, any::<bool>()).prop_map(|(leg, clip, repeat)| MediaCommand::Play {
            leg,
            clip: ClipId(clip),
            repeat
        }),
        leg().prop_map(|leg| MediaCommand::StopPlay { leg }),
        leg().prop_map(|leg| MediaCommand::Close { leg }),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Command(MediaCommand),
    Rtp {
        slot: u32,
        source: Option<u8>,
        packet: Vec<u8>,
    },
    Rtcp {
        slot: u32,
        source: u8,
        packet: Vec<u8>,
    },
    Wait(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let source = proptest::option::of(0_u8..9);
    prop_oneof![
        4 => any_command().prop_map(Step::Command),
        4 => (0_u32..9, source.clone(), any::<u8>(), 0_usize..40).prop_map(|(slot, source, octet, len)| {
            let mut packet = alloc::vec![octet; HEADER_LEN + len];
            packet[..2].copy_from_slice(&[0x80, octet & 0x7f]);
            packet[8..12].copy_from_slice(&[0; 4]);
            Step::Rtp { slot, source, packet }
        }),
        2 => (0_u32..9, source, proptest::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(slot, source, packet)| Step::Rtp { slot, source, packet }),
        1 => (0_u32..9, 0_u8..9, proptest::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(slot, source, packet)| Step::Rtcp { slot, source, packet }),
        2 => (0_u64..3_000).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever is commanded and sent: bridges are mutual and counted, players are listeners, every open leg closes
    /// once and leaves nothing.
    #[test]
    fn whatever_happens_the_books_balance(steps in proptest::collection::vec(any_step(), 0..120)) {
        let mut world = World::new();
        let (mut opened, mut released) = (0, 0);
        let mut free: Vec<bool> = alloc::vec![true; 8];
        for step in steps {
            match step {
                // The worker lets only free slots of the range be opened.
                Step::Command(MediaCommand::Open { leg, ports }) => {
                    if free.get(ports.slot as usize) == Some(&true) {
                        free[ports.slot as usize] = false;
                        opened += 1;
                        world.command(MediaCommand::Open { leg, ports });
                    }
                }
                Step::Command(command) => world.command(command),
                Step::Rtp { slot, source, mut packet } => {
                    let source = source.map(phone);
                    world.relay.handle_rtp(world.now, slot, source, &mut packet, &mut world.wire);
                }
                Step::Rtcp { slot, source, packet } => {
                    world.relay.handle_rtcp(world.now, slot, Some(report_port(source)), &packet);
                }
                Step::Wait(ms) => world.run(Duration::from_millis(ms)),
            }
            for output in world.outputs() {
                if let Output::Release { slot } = output {
                    released += 1;
                    prop_assert!(!core::mem::replace(&mut free[slot as usize], true), "released twice");
                }
            }
            check_books(&world.relay)?;
        }
        for leg in world.relay.slots.clone().into_values() {
            let leg = world.relay.legs[leg as usize].as_ref().map(|leg| leg.key()).unwrap();
            world.command(MediaCommand::Close { leg });
            released += 1;
        }
        prop_assert_eq!(opened, released);
        prop_assert_eq!((world.relay.poll_timeout(), world.relay.bridges, world.relay.listeners()), (None, 0, 0));
    }
}

fn check_books(relay: &Relay) -> Result<(), TestCaseError> {
    let open = || {
        relay
            .legs
            .iter()
            .enumerate()
            .filter_map(|(slot, leg)| Some((slot as u32, leg.as_ref()?)))
    };
    prop_assert_eq!(open().count(), relay.slots.len());
    let mut bridged = 0;
    for (slot, leg) in open() {
        prop_assert_eq!(relay.slots.get(&leg.key().leg), Some(&slot));
        if let Some(partner) = leg.partner {
            bridged += 1;
            let back = relay.legs[partner as usize]
                .as_ref()
                .and_then(|partner| partner.partner);
            prop_assert_eq!(back, Some(slot), "a bridge has two ends");
        }
        let listens = relay
            .listeners
            .iter()
            .filter(|listener| **listener == slot)
            .count();
        prop_assert_eq!(listens, usize::from(leg.player.is_some()));
    }
    prop_assert_eq!(bridged, 2 * relay.bridges);
    prop_assert_eq!(
        relay.beat.poll_timeout().is_some(),
        !relay.listeners.is_empty()
    );
    Ok(())
}
