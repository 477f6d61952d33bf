//! Media threads with real sockets on loopback.

mod common;

use std::time::{Duration, Instant};

use common::{Phone, World, counting_clip, hears_nothing, socket};
use media::codec::Codec;
use media::control::{ClipId, LatchRule, LegKey, MediaCommand, MediaEvent};
use media::dtmf::{Key, TelephoneEvent};
use media::g711::MULAW_TO_ALAW;
use media::rtcp;
use media_io::MediaIoConfig;

const MUSIC: ClipId = ClipId(1);

/// Two legs in a call, and their phones.
type Talk = ((LegKey, Phone), (LegKey, Phone));

/// Two phones in a call, both heard and fixed; what they said on the way is heard and forgotten.
fn talking(world: &mut World) -> Talk {
    let (mut a, mut b) = (world.call(Codec::Pcmu), world.call(Codec::Pcmu));
    world.send(MediaCommand::Bridge { a: a.0, b: b.0 });
    for _ in 0..5 {
        a.1.say(1);
        assert_eq!(b.1.hear_octet(), 1);
        b.1.say(2);
        assert_eq!(a.1.hear_octet(), 2);
    }
    world.heard(a.0);
    world.heard(b.0);
    (a, b)
}

#[test]
fn e2e_relays_both_ways_and_counts() {
    let mut world = World::new(1);
    let ((a, mut ann), (b, bob)) = talking(&mut world);
    ann.sequence += 2;
    ann.say(7);
    let (header, payload) = bob.hear();
    assert_eq!(payload, [7; 160]);
    assert_ne!(
        header.ssrc, ann.ssrc,
        "bob hears one stream of ours, whoever speaks"
    );
    let stats = world.close(a);
    assert_eq!((stats.packets_in, stats.octets_in, stats.lost), (6, 960, 2));
    assert_eq!((stats.packets_out, stats.octets_out), (5, 800));
    assert!(stats.first_packet.is_some());
    assert_eq!(world.close(b).packets_out, 6);
    world.no_event_waits();
}

#[test]
fn e2e_translates_the_laws_and_renames_events() {
    let mut world = World::new(2);
    let (a, mut ann) = world.call(Codec::Pcmu);
    let (b, bob) = world.call(Codec::Pcma);
    let mut remote = bob.remote();
    remote.telephone_event = Some(media::control::EventTypes {
        send: 96,
        receive: 97,
    });
    world.set_remote(b, remote);
    world.send(MediaCommand::Bridge { a, b });
    ann.say(0x23);
    let (header, payload) = bob.hear();
    assert_eq!(header.payload_type, 8);
    assert_eq!(payload, [MULAW_TO_ALAW[0x23]; 160]);
    world.heard(a);
    for (end, duration_ticks) in [
        (false, 160),
        (false, 320),
        (true, 480),
        (true, 480),
        (true, 480),
    ] {
        let event = TelephoneEvent {
            event: 11,
            end,
            volume: 10,
            duration_ticks,
        };
        ann.say_as(101, &event.to_bytes());
        let (header, payload) = bob.hear();
        assert_eq!(
            (header.payload_type, payload.as_slice()),
            (96, event.to_bytes().as_slice())
        );
    }
    assert_eq!(
        world.next_event(),
        MediaEvent::DtmfPressed {
            leg: a,
            key: Key::Pound,
            duration_ms: 60
        }
    );
    world.no_event_waits();
}

#[test]
fn e2e_a_third_party_changes_nothing_and_gets_nothing() {
    let mut world = World::new(3);
    let (a, mut ann) = world.call(Codec::Pcmu);
    let (b, mut bob) = world.call(Codec::Pcmu);
    world.send(MediaCommand::Bridge { a, b });
    let mut mallory = Phone::new([127, 0, 7, 103].into(), ann.server(), Codec::Pcmu);
    let mut neighbour = Phone::new([127, 0, 7, 3].into(), ann.server(), Codec::Pcmu);
    for round in 0..8 {
        (0..6).for_each(|_| mallory.say(0xee));
        ann.say(round);
        assert_eq!(
            bob.hear_octet(),
            round,
            "before and after the source is fixed"
        );
        // At ann's own address, but her port has spoken.
        (0..6).for_each(|_| neighbour.say(0xee));
        bob.say(round);
        assert_eq!(ann.hear_octet(), round);
    }
    bob.hears_nothing();
    for stranger in [&mallory, &neighbour] {
        stranger.hears_nothing();
        hears_nothing(&stranger.rtcp);
    }
    let stats = world.close(a);
    assert_eq!((stats.packets_in, stats.lost), (8, 0));
    assert!(
        stats.strangers >= 12,
        "those before fixing; later ones the kernel drops: {}",
        stats.strangers
    );
}

#[test]
fn e2e_a_gateway_that_sends_from_another_port_than_its_sdp_names_is_heard() {
    let mut world = World::new(17);
    let (a, named) = world.call(Codec::Pcmu);
    let (b, mut bob) = world.call(Codec::Pcmu);
    world.send(MediaCommand::Bridge { a, b });
    let mut gateway = Phone::new([127, 0, 7, 17].into(), named.server(), Codec::Pcmu);
    (1..=5).for_each(|octet| gateway.say(octet));
    assert_eq!(
        [bob.hear_octet(), bob.hear_octet()],
        [4, 5],
        "from the packet that fixed it on"
    );
    bob.say(8);
    assert_eq!(gateway.hear_octet(), 8);
    named.hears_nothing();
}

#[test]
fn e2e_new_sdp_moves_the_stream() {
    let mut world = World::new(4);
    let ((a, mut old), (_, mut bob)) = talking(&mut world);
    let mut new = Phone::new([127, 0, 7, 104].into(), old.server(), Codec::Pcmu);
    world.set_remote(a, new.remote());
    bob.say(9);
    assert_eq!(new.hear_octet(), 9, "sound goes to the new place at once");
    old.say(4);
    new.say(5);
    assert_eq!(bob.hear_octet(), 5, "and comes from there only");
    for _ in 0..5 {
        new.say(6);
        assert_eq!(bob.hear_octet(), 6);
    }
    old.say(4);
    new.say(7);
    assert_eq!(bob.hear_octet(), 7, "also once the new source is fixed");
    old.hears_nothing();
}

#[test]
fn e2e_behind_nat_the_phone_is_found_and_found_again_after_silence() {
    let mut world = World::new(5);
    let (a, ann) = world.call(Codec::Pcmu);
    let (b, mut bob) = world.call(Codec::Pcmu);
    world.send(MediaCommand::Bridge { a, b });
    let mut mapped = Phone::new([127, 0, 7, 105].into(), ann.server(), Codec::Pcmu);
    let mut remote = ann.remote();
    remote.rtp = "10.11.12.13:4000".parse().unwrap();
    remote.latch = LatchRule::AnyPortOf([127, 0, 7, 105].into());
    world.set_remote(a, remote);
    for octet in 1..=5 {
        mapped.say(octet);
    }
    assert_eq!(
        [bob.hear_octet(), bob.hear_octet()],
        [4, 5],
        "from the packet that fixed it on"
    );
    world.heard(a);
    bob.say(8);
    assert_eq!(mapped.hear_octet(), 8);
    world.heard(b);

    world.advance(Duration::from_secs(6));
    let mut silent = [world.next_event(), world.next_event()];
    silent.sort_by_key(|event| format!("{event:?}"));
    assert_eq!(
        silent,
        [MediaEvent::Silent { leg: a }, MediaEvent::Silent { leg: b }]
    );
    let mut remapped = Phone::new([127, 0, 7, 105].into(), ann.server(), Codec::Pcmu);
    for octet in 11..=14 {
        remapped.say(octet);
    }
    assert_eq!(bob.hear_octet(), 14);
    world.heard(a);
    bob.say(9);
    assert_eq!(remapped.hear_octet(), 9);
    world.heard(b);
    mapped.hears_nothing();
}

#[test]
fn e2e_music_then_agent_is_one_stream_for_the_caller() {
    let mut world = World::new(6);
    world.send(MediaCommand::AddClip {
        id: MUSIC,
        clip: counting_clip(3),
    });
    let (a, caller) = world.call(Codec::Pcma);
    let (b, mut agent) = world.call(Codec::Pcma);
    world.send(MediaCommand::Play {
        leg: a,
        clip: MUSIC,
        repeat: true,
    });
    let mut last = caller.hear().0;
    assert!(last.marker);
    for frame in 1..8_i16 {
        let (header, payload) = caller.hear();
        let level = Codec::Pcma.decode(payload[0]);
        assert!(
            level.abs_diff((frame % 3 + 1) * 256) < 32,
            "frame {frame} sounds like {level}"
        );
        assert_follows(&last, &header);
        assert!(!header.marker);
        last = header;
    }
    world.send(MediaCommand::Bridge { a, b });
    agent.say(0x11);
    // The beat may have come once more before the bridge.
    let (mut header, mut payload) = caller.hear();
    while payload[0] != 0x11 {
        assert_follows(&last, &header);
        last = header;
        (header, payload) = caller.hear();
    }
    assert_follows(&last, &header);
    assert!(header.marker, "something new begins");
    agent.say(0x12);
    let (next, payload) = caller.hear();
    assert_eq!(payload[0], 0x12);
    assert_follows(&header, &next);
    assert!(!next.marker);
}

/// One on in sequence, one frame on in time, same stream.
fn assert_follows(last: &media::rtp::Header, next: &media::rtp::Header) {
    assert_eq!(next.sequence, last.sequence.wrapping_add(1));
    assert_eq!(next.timestamp, last.timestamp.wrapping_add(160));
    assert_eq!(next.ssrc, last.ssrc);
}

#[test]
fn e2e_frames_come_every_twenty_milliseconds_and_the_end_is_told() {
    let mut world = World::new(7);
    world.send(MediaCommand::AddClip {
        id: MUSIC,
        clip: counting_clip(26),
    });
    let (a, caller) = world.call(Codec::Pcmu);
    world.send(MediaCommand::Play {
        leg: a,
        clip: MUSIC,
        repeat: false,
    });
    caller.hear();
    let began = Instant::now();
    (1..26).for_each(|_| drop(caller.hear()));
    let took = began.elapsed();
    // Wide, since either thread may be kept waiting on a busy machine; late frames are made up for.
    assert!(
        took >= Duration::from_millis(250),
        "{took:?} for 500 ms of sound"
    );
    assert!(
        took < Duration::from_millis(3_000),
        "{took:?} for 500 ms of sound"
    );
    assert_eq!(world.next_event(), MediaEvent::ClipEnded { leg: a });
    world.send(MediaCommand::Play {
        leg: a,
        clip: ClipId(99),
        repeat: true,
    });
    assert_eq!(
        world.next_event(),
        MediaEvent::ClipEnded { leg: a },
        "an unknown clip is over at once"
    );
    caller.hears_nothing();
}

#[test]
fn e2e_one_clip_serves_many_listeners_of_both_laws() {
    let mut world = World::new(8);
    world.send(MediaCommand::AddClip {
        id: MUSIC,
        clip: counting_clip(50),
    });
    let phones: Vec<_> = (0..20).map(|n| world.call(Codec::ALL[n % 2])).collect();
    for (leg, _) in &phones {
        world.send(MediaCommand::Play {
            leg: *leg,
            clip: MUSIC,
            repeat: true,
        });
    }
    for frame in 0..10_i16 {
        for (n, (_, phone)) in phones.iter().enumerate() {
            let (header, payload) = phone.hear();
            let codec = Codec::ALL[n % 2];
            assert_eq!(header.payload_type, codec.static_payload_type());
            assert!(
                codec.decode(payload[80]).abs_diff((frame + 1) * 256) < 150,
                "frame {frame} to phone {n}"
            );
        }
    }
}

#[test]
fn e2e_a_held_leg_hears_music_and_its_partner_not() {
    let mut world = World::new(9);
    world.send(MediaCommand::AddClip {
        id: MUSIC,
        clip: counting_clip(1),
    });
    let ((a, caller), (_, mut agent)) = talking(&mut world);
    world.send(MediaCommand::Play {
        leg: a,
        clip: MUSIC,
        repeat: true,
    });
    let music = caller.hear_octet();
    agent.say(0x33);
    assert_eq!([caller.hear_octet(), caller.hear_octet()], [music, music]);
    world.send(MediaCommand::StopPlay { leg: a });
    agent.say(0x44);
    let next = std::iter::from_fn(|| Some(caller.hear_octet())).find(|octet| *octet != music);
    assert_eq!(next, Some(0x44), "what was said during the music is gone");
}

#[test]
fn e2e_an_empty_range_is_told_and_a_closed_leg_fills_it() {
    let mut world = World::with(10, 20_000..=20_003, |config| config);
    let ((a, _), (b, _)) = (world.open(), world.open());
    world.send(MediaCommand::Restock { count: 1 });
    assert_eq!(
        world.next_event(),
        MediaEvent::PortsExhausted {
            worker: media::control::WorkerId(0)
        }
    );
    world.close(a);
    let (c, ports) = world.open();
    assert_eq!(ports.rtp.port(), 20_000, "tired, but better than none");
    world.close(b);
    world.close(c);
    world.no_event_waits();
}

#[test]
fn e2e_ports_are_used_in_turn_and_rest() {
    let rest = Duration::from_secs(30);
    let mut world = World::with(11, 20_000..=20_007, |config| MediaIoConfig {
        stock: 2,
        rest,
        ..config
    });
    let mut used = Vec::new();
    for _ in 0..8 {
        let (leg, ports) = world.open();
        used.push(ports.rtp.port());
        world.close(leg);
        world.send(MediaCommand::Restock { count: 1 });
        world.advance(rest);
    }
    assert_eq!(
        used,
        [
            20_000, 20_002, 20_004, 20_006, 20_000, 20_002, 20_004, 20_006
        ]
    );
}

#[test]
fn e2e_an_order_beyond_what_has_rested_is_delivered_later() {
    let rest = Duration::from_secs(30);
    let mut world = World::with(15, 20_000..=20_003, |config| MediaIoConfig {
        stock: 2,
        rest,
        ..config
    });
    let (leg, first) = world.open();
    world.close(leg);
    world.send(MediaCommand::Restock { count: 1 });
    assert_eq!(
        world.take_ports().rtp.port(),
        20_002,
        "still in stock from the start"
    );
    world.no_event_waits();
    assert_eq!(world.stock, [], "one is in stock, so the other may rest");
    world.advance(rest);
    assert_eq!(world.take_ports(), first);
}

#[test]
fn e2e_reports_tell_the_peer_what_it_lost() {
    let mut world = World::new(12);
    let ((a, mut ann), _) = talking(&mut world);
    ann.sequence += 5;
    ann.say(1);
    let sent = rtcp::Report {
        ssrc: ann.ssrc,
        sender: Some(rtcp::SenderInfo {
            ntp: 7 << 32,
            timestamp: 0,
            packets: 6,
            octets: 960,
        }),
        block: None,
        cname: 1,
        goodbye: false,
    };
    let mut buffer = [0; rtcp::REPORT_LEN_MAX];
    let len = sent.write(&mut buffer);
    let mut report_port = ann.server();
    report_port.set_port(report_port.port() + 1);
    ann.rtcp.send_to(&buffer[..len], report_port).unwrap();
    let stranger = socket([127, 0, 7, 112].into());
    stranger.send_to(&buffer[..len], report_port).unwrap();
    while world.pool.metrics()[0].reports_received < 1
        || world.pool.metrics()[0].packets_from_strangers < 1
    {
        std::thread::yield_now();
    }

    world.advance(Duration::from_secs(5));
    let mut packet = [0; 512];
    let (len, source) = ann.rtcp.recv_from(&mut packet).expect("a report");
    assert_eq!(source, report_port);
    let report = rtcp::parse(&packet[..len], ann.ssrc).unwrap();
    let block = report.block.expect("about ann's stream");
    assert_eq!(block.cumulative_lost, 5);
    assert_eq!(block.last_sender_report, 7 << 16);
    assert!(
        report.sender_report.is_some(),
        "we send, so it is a sender report"
    );
    assert!(!report.goodbye);
    world.close(a);
    let (len, _) = ann.rtcp.recv_from(&mut packet).expect("the last report");
    assert!(rtcp::parse(&packet[..len], ann.ssrc).unwrap().goodbye);
    hears_nothing(&stranger);
}

#[test]
fn e2e_a_busy_worker_loses_nothing_and_wakes_less_often() {
    let mut world = World::new(13);
    let mut calls: Vec<_> = (0..24).map(|_| talking(&mut world)).collect();
    let warming = talk_all_at_once(&mut calls, Duration::from_millis(300));
    world.advance(Duration::ZERO);
    let before = world.pool.metrics()[0];
    let rounds = talk_all_at_once(&mut calls, Duration::from_millis(300));
    let packets = 48 * rounds;
    // The last packets are told of in the turn after theirs.
    world.advance(Duration::ZERO);
    let after = world.pool.metrics()[0];
    for ((a, _), (b, _)) in &calls {
        for leg in [*a, *b] {
            let stats = world.close(leg);
            assert_eq!((stats.lost, stats.packets_out), (0, 5 + warming + rounds));
        }
    }
    assert_eq!(after.packets_relayed - before.packets_relayed, packets);
    assert!(packets > 600, "busy enough to tick: {packets} in 300 ms");
    let wakes = after.wakes - before.wakes;
    assert!(wakes < packets / 4, "{wakes} wakes for {packets} packets");
}

/// Everybody says something and hears it, again and again: how often.
fn talk_all_at_once(calls: &mut [Talk], time: Duration) -> u64 {
    let began = Instant::now();
    let mut rounds = 0;
    while began.elapsed() < time {
        for ((_, a), (_, b)) in &mut *calls {
            a.say(3);
            b.say(4);
        }
        for ((_, a), (_, b)) in &*calls {
            assert_eq!((b.hear_octet(), a.hear_octet()), (3, 4));
        }
        rounds += 1;
    }
    rounds
}

#[test]
fn e2e_commands_of_a_life_that_is_over_do_nothing() {
    let mut world = World::new(14);
    let (a, ann) = world.call(Codec::Pcmu);
    let stale = LegKey { generation: 7, ..a };
    let bound = world.take_ports();
    world.send(MediaCommand::GiveBack { ports: bound });
    let table = [
        MediaCommand::Close { leg: stale },
        MediaCommand::SetRemote {
            leg: stale,
            remote: ann.remote(),
            send: false,
            receive: false,
        },
        MediaCommand::GiveBack { ports: bound },
        MediaCommand::Open {
            leg: LegKey {
                leg: 99,
                generation: 0,
            },
            ports: bound,
        },
    ];
    for command in table {
        let stale = |world: &World| world.pool.metrics()[0].commands_stale;
        let before = stale(&world);
        world.send(command.clone());
        assert_eq!(stale(&world), before + 1, "{command:?}");
        if let MediaCommand::Open { leg, .. } = command {
            assert_eq!(
                world.next_event(),
                MediaEvent::Closed {
                    leg,
                    stats: Box::default()
                }
            );
        }
    }
    assert_eq!(world.close(a).packets_in, 0);
    assert_eq!(world.pool.metrics()[0].legs_open, 0);
    world.no_event_waits();
}
