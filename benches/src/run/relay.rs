//! RTP relayed and music played, beside a bare relay and rtpengine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::ROUNDS;
use super::rtpengine::Rtpengine;
use crate::process::{Running, built, cpu, field, find};
use crate::spread::Spread;
use crate::table::{Aim, Figure, Line};

/// Calls at a time; each has 100 packets a second.
pub(super) const CALLS: u16 = 200;
const LOAD_SECONDS: u64 = 5;
/// The relay is there before the load, and until it is over.
const RELAY_SECONDS: u64 = 7;

/// Runs it.
///
/// # Errors
///
/// If a program fails.
pub fn run_all() -> Result<Vec<Line>> {
    let (mut bare, mut ours, mut music, mut peer) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(Round::of("bare_relay")?);
        ours.push(Round::of("examples/relay")?);
        music.push(music_round()?);
        if find("rtpengine").is_some() {
            peer.push(rtpengine_round()?);
        }
    }
    let median = |of: &dyn Fn(usize) -> f64| {
        let all: Vec<f64> = (0..ROUNDS).map(of).collect();
        Spread::of(&all).map_or(f64::NAN, |spread| spread.median)
    };
    let us = median(&|round| ours[round].us);
    let bare_us = median(&|round| bare[round].us);
    let lost: f64 = ours.iter().map(|round| round.lost).sum();
    let bare_p99 = median(&|round| bare[round].p99_us);
    let mut lines = vec![
        Line::Measured(
            Figure::new("relay: CPU per packet, 200 calls", us, "us")
                .beside(format!("bare {bare_us:.2} us"), median(&|round| ours[round].us / bare[round].us))
                .aim(Aim::Ratio(1.3))
                .note(format!("{:.1} packets for each time it wakes", median(&|round| ours[round].per_wake))),
        ),
        Line::Measured(Figure::new("relay: packets lost", lost, "packets").aim(Aim::Ours(0.0))),
        Line::Measured(
            Figure::new("relay: delay p99", median(&|round| ours[round].p99_us) / 1e3, "ms")
                .aim(Aim::Ours(4.0))
                .note(format!(
                    "p50 {:.2} ms; of the bare relay p50 {:.2} ms, p99 {:.2} ms: both with the load's own on the way",
                    median(&|round| ours[round].p50_us) / 1e3,
                    median(&|round| bare[round].p50_us) / 1e3,
                    bare_p99 / 1e3,
                )),
        ),
        Line::Measured(
            Figure::new("music: share of a core per caller", median(&|round| music[round].core_percent), "%")
                .beside(format!("bare relay's packet {bare_us:.2} us"), median(&|round| music[round].us / bare[round].us))
                .aim(Aim::Ours(0.018))
                .note(format!("{:.2} us for each frame sent", median(&|round| music[round].us))),
        ),
    ];
    let name = "relay: CPU per packet, 200 calls, rtpengine";
    lines.push(if peer.is_empty() {
        Line::missing(name, "rtpengine")
    } else {
        let peer_us = median(&|round| peer[round].us);
        let p99 = median(&|round| peer[round].p99_us) / 1e3;
        Line::Measured(
            Figure::new(name, us, "us")
                .beside(
                    format!("rtpengine {peer_us:.2} us"),
                    median(&|round| ours[round].us / peer[round].us),
                )
                .note(format!("rtpengine's delay p99 {p99:.2} ms, in user space")),
        )
    });
    Ok(lines)
}

/// What a relay did with the load.
struct Round {
    us: f64,
    per_wake: f64,
    lost: f64,
    p50_us: f64,
    p99_us: f64,
}

impl Round {
    /// Of a relay of ours, which prints its phones and ends by itself.
    fn of(program: &str) -> Result<Self> {
        let (mut relay, lines) = start(program, &[])?;
        let load = load(&lines)?;
        relay.wait(Duration::from_secs(RELAY_SECONDS + 10))?;
        let said = last_words(&mut relay)?;
        Self::new(
            &load,
            field(&said, "us_per_packet")?,
            field(&said, "packets_per_wake")?,
        )
    }

    fn new(load: &str, us: f64, per_wake: f64) -> Result<Self> {
        ensure!(
            field(load, "silent")? == 0.0,
            "phones that heard nothing: {load}"
        );
        Ok(Self {
            us,
            per_wake,
            lost: field(load, "lost")?,
            p50_us: field(load, "p50_us")?,
            p99_us: field(load, "p99_us")?,
        })
    }
}

struct Music {
    us: f64,
    core_percent: f64,
}

/// Callers whose phones are there and say nothing, so that music is all there is.
fn music_round() -> Result<Music> {
    let (mut relay, lines) = start("examples/relay", &["music"])?;
    let mut sink = Running::start_with(Command::new(built("rtp_load")?).arg("sink"), &lines)?;
    relay.wait(Duration::from_secs(RELAY_SECONDS + 10))?;
    ensure!(sink.is_up(), "the sink is gone");
    let said = last_words(&mut relay)?;
    Ok(Music {
        us: field(&said, "us_per_packet")?,
        core_percent: field(&said, "core_per_call_percent")?,
    })
}

fn rtpengine_round() -> Result<Round> {
    let (engine, lines) = Rtpengine::start(CALLS)?;
    let (before, mut sender) = (cpu(engine.pid()), start_load(&lines)?);
    let said = finish(&mut sender)?;
    let spent = cpu(engine.pid()).saturating_sub(before);
    let packets = field(&said, "received")?.max(1.0);
    Round::new(&said, spent.as_secs_f64() * 1e6 / packets, f64::NAN)
}

/// Starts a relay and reads its phones.
fn start(program: &str, more: &[&str]) -> Result<(Running, String)> {
    let mut command = Command::new(built(program)?);
    command
        .args([CALLS.to_string(), RELAY_SECONDS.to_string()])
        .args(more);
    let mut relay = Running::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let output = relay.child().stdout.take().context("its output is ours")?;
    let mut lines = String::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        if line.is_empty() {
            return Ok((relay, lines));
        }
        lines.push_str(&line);
        lines.push('\n');
    }
    anyhow::bail!(
        "{program} ended before it was ready: {}",
        last_words(&mut relay)?
    )
}

fn last_words(relay: &mut Running) -> Result<String> {
    let mut said = String::new();
    relay
        .child()
        .stderr
        .take()
        .context("its errors are ours")?
        .read_to_string(&mut said)?;
    Ok(said)
}

fn load(lines: &str) -> Result<String> {
    finish(&mut start_load(lines)?)
}

fn start_load(lines: &str) -> Result<Running> {
    let mut command = Command::new(built("rtp_load")?);
    Running::start_with(
        command.arg(LOAD_SECONDS.to_string()).stdout(Stdio::piped()),
        lines,
    )
}

fn finish(load: &mut Running) -> Result<String> {
    let mut said = String::new();
    load.child()
        .stdout
        .take()
        .context("its output is ours")?
        .read_to_string(&mut said)?;
    Ok(said)
}

impl Running {
    /// Starts a program with this input.
    fn start_with(command: &mut Command, input: &str) -> Result<Self> {
        let mut running = Self::start_piped(command)?;
        let mut pipe = running.child().stdin.take().context("its input is ours")?;
        pipe.write_all(input.as_bytes())?;
        Ok(running)
    }
}
