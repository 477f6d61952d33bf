//! Nothing is left behind: alone in its process, as descriptors are counted for the whole of it.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, which clippy does not know as tests"
)]

mod common;

use std::time::Duration;

use common::{World, counting_clip};
use media::codec::Codec;
use media::control::{ClipId, MediaCommand};

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn e2e_a_thousand_legs_leave_nothing_behind() {
    let (descriptors_before, threads_before) = (descriptors(), threads());
    let mut world = World::with(200, 20_000..=20_399, |config| config);
    world.send(MediaCommand::AddClip {
        id: ClipId(1),
        clip: counting_clip(3),
    });
    world.wait_for_stock(64);
    let with_stock = descriptors();
    for _ in 0..500 {
        let ((a, mut ann), (b, bob)) = (world.call(Codec::Pcmu), world.call(Codec::Pcma));
        world.send(MediaCommand::Play {
            leg: a,
            clip: ClipId(1),
            repeat: true,
        });
        world.send(MediaCommand::Bridge { a, b });
        for _ in 0..5 {
            ann.say(1);
            bob.hear();
        }
        world.close(a);
        world.close(b);
        world.send(MediaCommand::Restock { count: 2 });
    }
    world.advance(Duration::from_secs(30));
    world.wait_for_stock(64);
    let metrics = world.pool.metrics()[0];
    assert_eq!(
        (
            metrics.legs_open,
            metrics.legs_listening,
            metrics.ports_stocked
        ),
        (0, 0, 64)
    );
    assert_eq!(descriptors(), with_stock, "sockets are where they were");
    world.no_event_waits();
    world.pool.shutdown();
    assert_eq!(
        (descriptors(), threads()),
        (descriptors_before, threads_before)
    );
}
